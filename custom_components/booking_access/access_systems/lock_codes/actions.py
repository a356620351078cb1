"""The actions of other integrations that put codes on locks, and how they are taken.

[C] is read in Home Assistant 2026.10.4 itself, and a test compares it with what is
installed; [P] comes from other public sources; [U] is not known.

* [C] ``zwave_js``: locks with User Code CC have numbered slots. ``in_use`` is null
  where a slot was never read, and false also for a code that is switched off.
  ``set_lock_usercode`` does not say whether the lock took it. Locks with User
  Credential CC have users with names.
* [P] Z-Wave JS does not read all slots of a lock unless it is told to; some locks
  show asterisks for codes (zwave-js-server-python 0.73.0, Lock Code Manager 5.0.0).
* [C] ``matter``: users with names, each with credentials. No action sets schedules.
* [P] A Matter user's name has at most 10 bytes (Matter core specification).
* [C] ``schlage``: codes with names, from 4 to 8 digits. No action sets schedules.
* [P] All codes of a Schlage lock have the same length (Schlage's manuals).
* [P] ``lock_code_manager`` 5.0.0: slots of any lock that it manages; it offers no
  action that reads them.
* [U] What each make of lock does with a code that is there already in another slot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Context, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError

from ...engine.models import (
    ConnectionFailed,
    ContractError,
    NotNow,
    OutcomeUnknown,
    Rejected,
)

type Answer = Mapping[str, object]

# The texts by which integrations say that there is no place left for a code.
FULL: Final = ("no_available_user_slots", "no_available_credential_slots")
# And those by which they say that a code is not taken, today or tomorrow.
REFUSED: Final = (
    "credential_rejected_duplicate",
    "credential_rejected_manufacturer_rules",
    "set_credential_failed",
)
# And those by which they say that a lock takes no codes at all.
UNABLE: Final = ("access_control_not_supported",)


@dataclass(frozen=True, slots=True)
class Action:
    """An action of an integration: what we send with it, and whether it answers."""

    domain: str
    name: str
    fields: tuple[str, ...] = ()
    answers: bool = False
    target: str = "entity_id"

    @override
    def __str__(self) -> str:
        """Return it as people write it."""
        return f"{self.domain}.{self.name}"


GET_USERCODES: Final = Action("zwave_js", "get_lock_usercode", answers=True)
SET_USERCODE: Final = Action("zwave_js", "set_lock_usercode", ("code_slot", "usercode"))
CLEAR_USERCODE: Final = Action("zwave_js", "clear_lock_usercode", ("code_slot",))
ZWAVE_ABILITIES: Final = Action("zwave_js", "get_credential_capabilities", answers=True)
ZWAVE_USERS: Final = Action("zwave_js", "get_users", answers=True)
ZWAVE_SET_USER: Final = Action(
    "zwave_js",
    "set_user",
    ("user_name", "active", "credential_type", "credential_data"),
    answers=True,
)
ZWAVE_DELETE_USER: Final = Action("zwave_js", "delete_user", ("user_id",))

MATTER_ABILITIES: Final = Action("matter", "get_lock_info", answers=True)
MATTER_USERS: Final = Action("matter", "get_lock_users", answers=True)
MATTER_SET_USER: Final = Action("matter", "set_lock_user", ("user_name",))
MATTER_SET_CREDENTIAL: Final = Action(
    "matter",
    "set_lock_credential",
    ("credential_type", "credential_data", "user_index"),
    answers=True,
)
MATTER_CLEAR_USER: Final = Action("matter", "clear_lock_user", ("user_index",))

SCHLAGE_CODES: Final = Action("schlage", "get_codes", answers=True)
SCHLAGE_ADD: Final = Action("schlage", "add_code", ("name", "code", "notify_on_use"))
SCHLAGE_DELETE: Final = Action("schlage", "delete_code", ("name",))

MANAGER_SET: Final = Action(
    "lock_code_manager",
    "set_usercode",
    ("code_slot", "usercode"),
    target="lock_entity_id",
)
MANAGER_CLEAR: Final = Action(
    "lock_code_manager", "clear_usercode", ("code_slot",), target="lock_entity_id"
)


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock entity whose integration can be asked."""

    hass: HomeAssistant
    entity_id: str

    async def read(self, action: Action) -> Answer:
        """Return what the lock's integration answers; Rejected if it cannot be asked."""
        try:
            return await self._take(action, {})
        except HomeAssistantError as err:
            if err.translation_key in UNABLE:
                raise Rejected("refused") from err
            raise ConnectionFailed("the lock does not answer") from err

    async def write(self, action: Action, **fields: Any) -> Answer:
        """Have something done at the lock.

        What was refused is told apart from what may have been done all the same.
        Errors of others may name a code, so ours do not lead back to them.
        """
        try:
            return await self._take(action, fields)
        except HomeAssistantError as err:
            key = err.translation_key
            if key in FULL:
                raise NotNow("code_slots_full") from None
            if key in REFUSED or isinstance(err, ServiceValidationError):
                raise Rejected("refused") from None
            raise OutcomeUnknown("the lock did not confirm it") from None

    async def _take(self, action: Action, fields: Mapping[str, Any]) -> Answer:
        """Take an action without a word on the event bus, where codes would be read.

        ``hass.services.async_call`` says on the bus what was sent, and the recorder
        keeps that.
        """
        state = self.hass.states.get(self.entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            raise ConnectionFailed("the lock is not available")
        known = self.hass.services.async_services_for_domain(action.domain)
        if (service := known.get(action.name)) is None:
            raise ConnectionFailed("the lock's integration is not there")
        data = {action.target: self.entity_id, **fields}
        try:
            checked = service.schema(data) if service.schema else data
        except vol.Invalid:
            raise ContractError(str(action)) from None
        call = ServiceCall(
            self.hass, action.domain, action.name, checked, Context(), action.answers
        )
        running = self.hass.async_run_hass_job(service.job, call)
        answer = await running if running else None
        return self._answer_of(action, answer) if action.answers else {}

    def _answer_of(self, action: Action, answer: object) -> Answer:
        """Return what the action answers about the lock."""
        theirs = answer.get(self.entity_id) if isinstance(answer, Mapping) else None
        if not isinstance(theirs, Mapping):
            raise ContractError(str(action))
        return theirs


def field[T](answer: Answer, name: str, kind: type[T]) -> T:
    """Return a field of an answer; ContractError if it is something else."""
    value = answer.get(name)
    if not isinstance(value, kind):
        raise ContractError(name)
    return value
