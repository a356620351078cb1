"""Asking access systems which of our grants they still have."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .access_systems.base import REISSUE_DELETED
from .const import LOGGER
from .engine.audit import (
    AUDIT_EVERY,
    DELETED,
    MISSING_FOR,
    Findings,
    Suspicion,
    audit,
    to_leave,
    to_look_for,
)
from .engine.ledger import GrantRow, taken_back
from .engine.models import VendorError

if TYPE_CHECKING:
    from .coordinator import AccessCoordinator
    from .hub import Hub


class Auditor:
    """Looks every few minutes whether somebody deleted grants of an account by hand."""

    def __init__(self, hub: Hub, account: AccessCoordinator) -> None:
        """Look after an account's grants."""
        self._hub = hub
        self._account = account
        self._id = account.config_entry.entry_id
        self._suspicion = Suspicion()
        self._timer: CALLBACK_TYPE | None = None

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Look from now on; returns how to stop that."""
        if self._account.system.can_list:
            self._issue_what_was_left()
            self._look_later()
        return self._async_stop

    @callback
    def _async_stop(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer()
            self._timer = None

    def _look_later(self) -> None:
        """Look again in a while, sooner if something was missing."""
        wait = MISSING_FOR if self._suspicion.missing else AUDIT_EVERY
        self._timer = async_call_later(self._account.hass, wait, self._async_look)

    async def _async_look(self, _: datetime) -> None:
        """Look, and act on it; a list that does not come changes nothing."""
        try:
            await self._async_audit()
        except VendorError as err:
            LOGGER.debug("No list of grants: %s", type(err).__name__)
        finally:
            if self._timer:  # not stopped meanwhile
                self._look_later()

    async def _async_audit(self) -> None:
        """Compare the vendor's list with the grants that were there before it was asked."""
        asked_for = self._to_look_for()
        if not asked_for:
            self._suspicion = Suspicion()
            return
        async with self._account.grant_turn():
            listed = await self._account.system.list_issued()
        still = self._to_look_for()
        rows = [row for key, row in asked_for.items() if row == still.get(key)]
        at_vendor = self._hub.operations.at_vendor
        found = audit(rows, listed, at_vendor, self._suspicion, dt_util.utcnow())
        self._suspicion = found.suspicion
        self._act_on(found)

    def _to_look_for(self) -> dict[str, GrantRow]:
        """Return the grants that a list should name, and with which nothing is done."""
        grants = self._hub.store.ledger.grants.values()
        return to_look_for(grants, self._id, dt_util.utcnow(), self._hub.steps.busy)

    @property
    def _issues_again(self) -> bool:
        """Whether what somebody deleted is issued again, as the options say."""
        settings = self._account.system.settings
        return bool(settings.get(REISSUE_DELETED.name, REISSUE_DELETED.default))

    def _act_on(self, found: Findings) -> None:
        """Write down what was found, and do again what was undone."""
        undone = taken_back if self._issues_again else to_leave
        grants = self._hub.store.ledger.grants
        changed = [
            row
            for row in found.write
            if row.credential.link != grants[row.reference].credential.link
        ]
        self._write([*found.write, *(undone(row) for row in found.deleted)])
        for row in found.deleted:
            if room := self._hub.rooms.get(row.room_id):
                room.announce("access_revoked", row.booking_id, reason=DELETED)
                room.async_update_soon()
        for row in changed:  # the link that people have leads nowhere any more
            if room := self._hub.rooms.get(row.room_id):
                room.announce("access_granted", row.booking_id)

    def _issue_what_was_left(self) -> None:
        """Issue what was deleted while the options said to leave it so."""
        rows = self._hub.store.ledger.grants.values()
        left = [r for r in rows if r.account_id == self._id and r.error == DELETED]
        if self._issues_again:
            self._write([taken_back(row) for row in left])

    def _write(self, rows: Sequence[GrantRow]) -> None:
        """Write rows down, and see what is to be done about them."""
        if not rows:
            return
        for row in rows:
            self._hub.store.ledger.grants[row.reference] = row
        self._hub.async_grants_changed()
        self._hub.store.save_soon()
        self._hub.evaluate_soon()
