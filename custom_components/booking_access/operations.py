"""Taking the steps that the engine asks for: the only place where things happen."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import phonenumbers

from homeassistant.const import STATE_OFF, STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from . import appliances
from .codes import Codes
from .const import CONF_SYSTEM
from .coordinator import AccessCoordinator
from .engine.appliances import is_on, remembered, to_begin, to_restore
from .engine.grant_steps import GrantStep, is_anew
from .engine.ledger import (
    Evidence,
    GrantRow,
    GrantState,
    Phase,
    Switched,
    issued,
    taken_back,
)
from .engine.models import (
    NOBODY,
    AccessPoint,
    Capability,
    ConnectionFailed,
    Effect,
    Grant,
    Issued,
    Person,
    Rejected,
    Traits,
)
from .engine.reconcile import Step, SwitchStep
from .engine.wishes import AS_USUAL
from .store import LedgerStore
from .systems import ACCESS_SYSTEMS

# What a room shows of an effect before a booking ever changed it.
SHOWN_AT_FIRST: Final = {Effect.ALARM: True}


class Operations:
    """Takes steps at doors, appliances and vendors, and keeps the ledger true.

    Methods return the row as it is after the step, None if nothing is left to
    undo, and raise the errors of ``engine.models``.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        store: LedgerStore,
        accounts: Mapping[str, AccessCoordinator],
    ) -> None:
        """Work on the ledger of the store, with the accounts that are loaded."""
        self._hass = hass
        self._store = store
        self._accounts = accounts
        self.codes = Codes(store)

    def account(self, account_id: str) -> AccessCoordinator:
        """Return a loaded access account; ConnectionFailed if it is not."""
        if account := self._accounts.get(account_id):
            return account
        raise ConnectionFailed("account_not_loaded")

    def is_gone(self, account_id: str) -> bool:
        """Whether an access account was removed: nobody can do anything there any more."""
        return self._hass.config_entries.async_get_entry(account_id) is None

    def able(self, point: str, capability: Capability) -> bool:
        """Whether an access point is able to do something.

        One that is not known, because its account is not loaded, is taken to be
        able to do what is wished, unless the ledger says whether it follows times
        by itself; one whose account was removed can do nothing.
        """
        account_id, _, point_id = point.partition("/")
        account = self._accounts.get(account_id)
        if account and (known := account.data.points.get(point_id)):
            return capability in known.capabilities
        if self.is_gone(account_id):
            return False
        is_told = point in self._store.ledger.schedules
        if capability is Capability.SCHEDULE:
            return is_told
        return capability is not Capability.HOLD or not is_told

    def traits(self, point: str) -> Traits:
        """Return how grants behave at a point.

        As they did while its account is not loaded; as is usual for its system, if
        that was never heard of.
        """
        account_id, _, point_id = point.partition("/")
        entry = self._hass.config_entries.async_get_entry(account_id)
        system = ACCESS_SYSTEMS.get(entry.data[CONF_SYSTEM]) if entry else None
        if system is None:
            return AS_USUAL
        account = self._accounts.get(account_id)
        known = account.data.points.get(point_id) if account else None
        heard_of = self._store.ledger.traits.get(point, system.traits)
        traits = known.traits if known else heard_of
        return replace(traits, suspends=system.can_suspend)

    def note_traits(self, account_id: str, points: Iterable[AccessPoint]) -> None:
        """Remember how grants behave at the points of an account, where not as usual."""
        ledger, usual = self._store.ledger, self.account(account_id).system.traits
        unusual = {
            f"{account_id}/{each.id}": each.traits
            for each in points
            if each.traits != usual
        }
        before = ledger.traits
        self.forget_traits(account_id)
        ledger.traits |= unusual
        if ledger.traits != before:
            self._store.save_soon()

    def forget_traits(self, account_id: str) -> None:
        """Forget how grants behave at the points of an account."""
        ledger = self._store.ledger
        ledger.traits = {
            point: traits
            for point, traits in ledger.traits.items()
            if not point.startswith(f"{account_id}/")
        }

    def armed(self, row: Switched) -> Switched:
        """Return the row with what there will be to go back to, as it looks now.

        Where it still is so when the time comes, nothing needs to be written then.
        """
        if row.phase is not Phase.ARMED or _appliance_effect(row.target) is None:
            return row
        return replace(row, before=self._try_read(row.target))

    def remembering(self, step: SwitchStep, known: Switched | None) -> SwitchStep:
        """Return a step with what to go back to (rule 16); ``known`` is the row so far.

        That is read before anything is written, once for all that starts together.
        """
        row, effect = step.row, _appliance_effect(step.row.target)
        if step.step is not Step.START or effect is None:
            return step
        if (current := self._try_read(row.target)) is None:
            return step
        if known and known.phase is Phase.ARMED:
            row = replace(row, before=None)
        noted = remembered(row, effect, current)
        written = step.written and noted.before == step.row.before
        return replace(step, row=noted, written=written)

    async def async_switch(self, step: SwitchStep) -> Switched | None:
        """Switch a target on for its claims, or back to normal."""
        row = step.row
        starts = step.step is Step.START
        kind, _, name = row.target.partition("/")
        if kind == "door":
            account_id, _, point_id = name.partition("/")
            if not starts and not self.able(name, Capability.HOLD):
                return None  # its removal closed it or named it as left behind
            await self.account(account_id).async_hold(point_id, held=starts)
            return settled(row) if starts else None
        if (effect := _appliance_effect(row.target)) is None:
            self.show(row.target, on=starts)
            return settled(row) if starts else None
        if starts:
            return await self._async_start(row, effect)
        await self._async_restore(row, effect)
        return None

    async def _async_start(self, row: Switched, effect: Effect) -> Switched:
        """Switch an appliance, having written down what to go back to (rule 16)."""
        current = self._read(row.target)
        noted = remembered(row, effect, current)
        self._store.ledger.switched[row.target] = noted
        if noted.before != row.before:  # it was not there when the time came
            await self._store.async_save()
        if wanted := to_begin(effect, current):
            await self._async_set(row.target, wanted)
        return settled(noted)

    async def _async_restore(self, row: Switched, effect: Effect) -> None:
        """Put an appliance back, unless a human changed it in between."""
        if row.before is None:  # it was never switched
            return
        if before := to_restore(row, effect, self._read(row.target)):
            await self._async_set(row.target, before)

    def _read(self, target: str) -> str:
        """Return the state of an appliance, or of a room's own switch."""
        if (state := self._try_read(target)) is None:
            raise ConnectionFailed("the appliance is not available")
        return state

    def _try_read(self, target: str) -> str | None:
        """Return the state of an appliance or of a room's own switch; None if it has none."""
        kind, _, entity_id = target.partition("/")
        if kind == "room":
            return STATE_ON if self.shown(target) else STATE_OFF
        return appliances.try_read(self._hass, entity_id)

    async def _async_set(self, target: str, wanted: str) -> None:
        """Set an appliance, or a room's own switch."""
        kind, _, entity_id = target.partition("/")
        if kind == "room":
            self.show(target, on=is_on(wanted))
        else:
            await appliances.async_set(self._hass, entity_id, wanted)

    def shown(self, target: str) -> bool:
        """Return what a room shows of an effect."""
        effect = Effect(target.rpartition("/")[2])
        return self._store.ledger.shown.get(target, SHOWN_AT_FIRST.get(effect, False))

    def show(self, target: str, *, on: bool) -> None:
        """Change what a room shows of an effect."""
        if self.shown(target) != on:
            self._store.ledger.shown[target] = on
            self._store.save_soon()

    async def async_grant(self, step: GrantStep, country: str) -> GrantRow | None:
        """Issue, look for, or take back a grant; ``country`` reads its phone.

        Where nobody can tell whether a grant was made, it is issued again.
        """
        match step.step:
            case Step.ISSUE | Step.CHANGE:
                return await self._async_issue(step, country)
            case Step.RESOLVE:
                can_find = self.account(step.row.account_id).system.can_find
                if step.wish and not can_find:
                    return await self._async_issue(step, country)
                return await self._async_resolve(step)
            case Step.SUSPEND | Step.RESUME:
                return await self._async_suspend(step)
        await self._async_revoke(step.row)
        return taken_back(step.row) if step.wish else None

    async def _async_issue(self, step: GrantStep, country: str) -> GrantRow:
        """Give access, having written down that we are about to (rule 8)."""
        assert step.wish
        row, person = step.row, step.wish.person
        account = self.account(row.account_id)
        if account.system.needs_phone:
            person = replace(person, phone=normal_phone(person.phone, country))
        if (ready := self.prepared(row)) is not row:
            row = self._store.ledger.grants[row.reference] = ready
            await self._store.async_save()
        grant = self.grant_of(row, person)
        source = self.known_issued(step.source) if step.source else None
        async with account.grant_turn():
            if source:
                answer = await account.system.change(source, grant)
            else:
                answer = await account.system.issue(grant)
        return issued(replace(row, overridden=False), answer, Evidence.ACKNOWLEDGED)

    async def _async_suspend(self, step: GrantStep) -> GrantRow:
        """Block a grant, or end its block."""
        account = self.account(step.row.account_id)
        known = self.known_issued(step.row)
        assert known
        is_end = step.step is Step.RESUME
        async with account.grant_turn():
            if is_end:
                await account.system.resume(known)
            else:
                await account.system.suspend(known)
        state = GrantState.ISSUED if is_end else GrantState.SUSPENDED
        return replace(step.row, state=state, attempts=0, retry_at=None, error=None)

    def prepared(self, row: GrantRow) -> GrantRow:
        """Return a row with the code that its grant must bring along, as far as known."""
        account = self._accounts.get(row.account_id)
        length = account.system.code_length if account else None
        return self.codes.given(row, length) if length and not row.card else row

    async def _async_resolve(self, step: GrantStep) -> GrantRow | None:
        """Find out whether the vendor made a grant whose answer was lost."""
        found = await self._async_find(step.row)
        if found:
            return issued(step.row, found, Evidence.LISTED)
        return replace(step.row, state=GrantState.PLANNED) if step.wish else None

    async def _async_revoke(self, row: GrantRow) -> None:
        """Take access back."""
        account = self.account(row.account_id)
        known = self.known_issued(row)
        if known is None and (known := await self._async_find(row)) is None:
            return
        async with account.grant_turn():
            await account.system.revoke(known)

    async def _async_find(self, row: GrantRow) -> Issued | None:
        """Return the live grant with our reference, if the vendor has it."""
        account = self.account(row.account_id)
        async with account.grant_turn():
            return await account.system.find(self.grant_of(row))

    def grant_of(self, row: GrantRow, person: Person = NOBODY) -> Grant:
        """Return a row as its vendor is told."""
        return Grant(
            reference=self.at_vendor(row.reference),
            reservation=self.at_vendor(row.reservation),
            points=row.points,
            start=row.start,
            end=row.end,
            person=person,
            code=row.credential.code,
            anew=is_anew(row, self._store.ledger.grants.values(), dt_util.utcnow()),
            card=row.card,
        )

    def known_issued(self, row: GrantRow) -> Issued | None:
        """Return a row as its vendor knows it; None if nobody knows its id there."""
        if row.issued_id is None:
            return None
        return Issued(
            id=row.issued_id,
            reference=self.at_vendor(row.reference),
            points=row.points,
            start=row.start,
            end=row.end,
            credential=row.credential,
        )

    def at_vendor(self, reference: str) -> str:
        """Return a reference as the vendor sees it, with this installation in it."""
        return f"ba-{self._store.ledger.installation}-{reference}"


def normal_phone(phone: str | None, country: str) -> str:
    """Return a phone number in E.164 form; ``country`` is for national ones.

    Raises Rejected with a reason that people understand (rule 13).
    """
    if not phone:
        raise Rejected("phone_missing")
    try:
        number = phonenumbers.parse(phone, country)
    except phonenumbers.NumberParseException as err:
        raise Rejected("phone_invalid") from err
    if not phonenumbers.is_possible_number(number):
        raise Rejected("phone_invalid")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _appliance_effect(target: str) -> Effect | None:
    """Return what an appliance, or a room's own switch, is for.

    None for what is closed in the end whatever it was before: a door, and what a
    room without doors shows of its access.
    """
    kind, _, name = target.partition("/")
    if kind == "door":
        return None
    effect = Effect(name.rpartition("/")[2] if kind == "room" else kind)
    return None if effect is Effect.ACCESS else effect


def settled(row: Switched) -> Switched:
    """Return the row of a target that is switched on, without a doubt."""
    return replace(row, phase=Phase.ON, attempts=0, retry_at=None, error=None)
