"""Taking steps in time, and what comes of them: the ledger, the rooms' news."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
import random
from typing import TYPE_CHECKING, Any, Final

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .engine.audit import DELETED
from .engine.grant_steps import GrantStep
from .engine.ledger import (
    GrantRow,
    GrantState,
    Phase,
    ScheduleRow,
    Switched,
    failed,
    postponed,
)
from .engine.models import (
    Effect,
    NotYet,
    OutcomeUnknown,
    RateLimited,
    UnderWay,
    VendorError,
)
from .engine.reconcile import Step, SwitchStep, Todo
from .engine.visits import visited
from .later import in_pieces
from .operations import Operations, settled
from .outcomes import error_key, settled_grant

if TYPE_CHECKING:
    from .hub import Hub
    from .room import LiveRoom

# A failure is shown to people when it happens again: the first may be a hiccup.
ATTENTION_AT: Final = 2


class Steps:
    """Takes the engine's steps, each beside the others, and notes what came of it."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub."""
        self._hub = hub
        self._store = hub.store
        self.operations = Operations(hub.hass, hub.store, hub.doors)
        self.busy: set[str] = set()
        self._random = random.SystemRandom().random
        self._ready: dict[str, set[str]] = {}
        self._unanswered: set[str] = set()  # targets told since the start
        self._settled = asyncio.Condition()

    @callback
    def take(
        self,
        switching: Todo[SwitchStep, Switched],
        granting: Todo[GrantStep, GrantRow],
    ) -> None:
        """Take all steps at the same time, each after it is written down (rule 8).

        Alarms come first, so that they are off before doors open. What was
        written down ahead is not kept waiting by the others; of that, all but
        alarms and doors waits until those have been told.
        """
        ledger = self._store.ledger
        for row in switching.write:
            ledger.switched[row.target] = self.operations.armed(row)
        for target in switching.drop:
            ledger.switched.pop(target, None)
        for reference in granting.drop:
            self._drop(reference)
        for grant in granting.write:
            ledger.grants[grant.reference] = self.operations.prepared(grant)
        alarms, doors, others = _in_order(switching.steps)
        waiting = [each for each in others if each.written]
        unwritten = self._begin(
            (*alarms, *doors, *(each for each in others if not each.written))
        )
        self.busy.update(each.row.target for each in waiting)
        if waiting:
            self._spawn(self._async_begin(waiting))
        for grant_step in granting.steps:
            ledger.grants[grant_step.row.reference] = grant_step.row
            self.busy.add(grant_step.row.reference)
            unwritten.append(self._async_grant(grant_step))
        noted = granting.write or granting.drop
        if noted or granting.steps:
            self._hub.async_grants_changed()
        if unwritten:
            self.write_then(unwritten)
        elif noted or switching.write or switching.drop or switching.steps:
            self._store.save_soon()

    def _begin(self, steps: Iterable[SwitchStep]) -> list[Coroutine[Any, Any, None]]:
        """Begin what is written down; return what must be written before.

        A door waits with the alarm of its booking, which goes first.
        """
        switched = self._store.ledger.switched
        unwritten: list[Coroutine[Any, Any, None]] = []
        late: set[str] = set()  # claims whose alarm must be written before
        for wished in steps:
            target = wished.row.target
            step = self.operations.remembering(wished, switched.get(target))
            switched[target] = step.row
            self.busy.add(target)
            if step.written and late.isdisjoint(step.row.claims):
                self._spawn(self._async_switch(step))
                continue
            unwritten.append(self._async_switch(step))
            if target.startswith(f"{Effect.ALARM}/"):
                late |= step.row.claims
        return unwritten

    async def _async_begin(self, steps: Iterable[SwitchStep]) -> None:
        """Begin what may wait; all else goes on meanwhile."""
        unwritten: list[Coroutine[Any, Any, None]] = []
        async for step in in_pieces(steps):
            unwritten += self._begin([step])
        if unwritten:
            await self._async_write_then(unwritten)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a step beside the others; all of them in the order in which they come."""
        self._hub.hass.async_create_task(coroutine, DOMAIN, eager_start=False)

    def write_then(self, steps: Iterable[Coroutine[Any, Any, None]]) -> None:
        """Take steps once all that is noted by now is written down (rule 8)."""
        self._spawn(self._async_write_then(steps))

    async def _async_write_then(
        self, steps: Iterable[Coroutine[Any, Any, None]]
    ) -> None:
        """Write the ledger, and only then take the steps.

        Before it the bookings that it follows: after a crash, grants for
        bookings that are not known yet would be taken back. Where nothing can be
        written any more, doors open all the same.
        """
        try:
            for account in list(self._hub.accounts.values()):
                await account.store.async_written()
            await self._store.async_save()
        except Exception:  # noqa: BLE001 - whatever happens, the steps must be taken
            LOGGER.exception("The ledger could not be written")
        for step in steps:
            self._spawn(step)

    async def _async_switch(self, step: SwitchStep) -> None:
        """Take a step at a door or an appliance, and note what came of it."""
        target = step.row.target
        switched = self._store.ledger.switched
        self._unanswered.discard(target)
        try:
            row = await self.operations.async_switch(step)
        except Exception as err:  # noqa: BLE001 - whatever happens, the row must go on
            if isinstance(err, OutcomeUnknown):
                self._unanswered.add(target)
            row = self.after_failure(switched.get(target, step.row), err)
        else:  # what follows waits until all others have been told
            await asyncio.sleep(0)
        self.busy.discard(target)
        self._settle(target, row)
        self._hub.evaluate_soon()
        await self.async_settled()

    def _settle(self, target: str, row: Switched | None) -> None:
        """Note how a target is now, and tell the rooms that have it."""
        switched = self._store.ledger.switched
        before = switched.get(target)
        if row:
            switched[target] = row
        else:
            switched.pop(target, None)
        self._store.save_soon()
        for room in self._hub.rooms_by_target.get(target, ()):
            if before and target.startswith(("door/", f"room/{room.config.id}/access")):
                self._announce_access(room, before, row)
            room.async_update_soon()

    async def _async_grant(self, step: GrantStep) -> None:
        """Take a step with a grant, and note what came of it."""
        reference = step.row.reference
        grants = self._store.ledger.grants
        room = self._hub.rooms.get(visited(step.row.room_id))
        account = self._hub.accounts.get(room.config.account_id) if room else None
        row: GrantRow | None
        try:
            row = await self.operations.async_grant(
                step, account.country if account else ""
            )
        except Exception as err:  # noqa: BLE001 - whatever happens, the row must go on
            row = self._failed_grant(step, grants.get(reference, step.row), err)
        self.busy.discard(reference)
        self.note_grant(reference, row)
        await self.async_settled()
        await self._store.async_save()
        if room:
            self._announce_grant(room, step, row)
            room.async_update_soon()
        self._hub.evaluate_soon()

    def note_grant(self, reference: str, row: GrantRow | None) -> None:
        """Note how a grant is after a step; what it was made of is no more."""
        if row is None:
            self._drop(reference)
        elif row.state is GrantState.ISSUED and row.replaces:
            self._drop(row.replaces)
            row = replace(row, replaces="")
        if row:
            self._store.ledger.grants[reference] = row
        self._hub.async_grants_changed()

    def _drop(self, reference: str) -> None:
        """Forget a grant, but not that its code was used."""
        grants = self._store.ledger.grants
        if row := grants.get(reference):
            self.operations.codes.retire(row)
            del grants[reference]
            ledger = self._store.ledger
            ledger.forgotten = max(ledger.forgotten, dt_util.utcnow())

    def after_failure[Row: (Switched, GrantRow, ScheduleRow)](
        self, row: Row, err: Exception
    ) -> Row:
        """Return the row after an error, with the time of the next attempt."""
        if isinstance(err, UnderWay):
            again = dt_util.utcnow() + err.after
            return replace(row, attempts=0, retry_at=again, error=None)
        if not isinstance(err, VendorError):
            LOGGER.exception("Unexpected error", exc_info=err)
        after = err.retry_after if isinstance(err, RateLimited) else None
        return failed(row, error_key(err), dt_util.utcnow(), self._random(), after)

    def _failed_grant(self, step: GrantStep, row: GrantRow, err: Exception) -> GrantRow:
        """Return the row after an error; only a lost answer leaves it in doubt."""
        if isinstance(err, NotYet):
            row = postponed(row, err.until, dt_util.utcnow())
        else:
            row = self.after_failure(row, err)
        return settled_grant(step.step, row, err)

    async def async_finished(self, account_id: str) -> None:
        """Wait until nothing is under way at an access account."""
        await self.async_until(lambda: not self._is_busy(account_id))

    async def async_until(self, is_done: Callable[[], bool]) -> None:
        """Wait until something is so, looking after each step."""
        async with self._settled:
            await self._settled.wait_for(is_done)

    def _is_busy(self, account_id: str) -> bool:
        """Whether a step is under way at an access account."""
        grants = self._store.ledger.grants
        return any(
            key.startswith((f"door/{account_id}/", f"schedule/{account_id}/"))
            or (key in grants and grants[key].account_id == account_id)
            for key in self.busy
        )

    async def async_settled(self) -> None:
        """Let those look who wait for steps to finish."""
        async with self._settled:
            self._settled.notify_all()

    @callback
    def async_doors_changed(self, entry_id: str) -> None:
        """See what the doors show: it answers what they were told.

        Only that: after a start, locks may show what they were before it.
        """
        if (doors := self._hub.doors.get(entry_id)) is None:
            self._ready.pop(entry_id, None)  # all of them come back with their account
            return
        now_ready = {key for key, state in doors.data.states.items() if state.ready}
        came_back = now_ready - self._ready.get(entry_id, set())
        self._ready[entry_id] = now_ready
        for row in list(self._store.ledger.switched.values()):
            kind, _, point = row.target.partition("/")
            account_id, _, point_id = point.partition("/")
            if kind != "door" or account_id != entry_id or row.target in self.busy:
                continue
            state = doors.data.states.get(point_id)
            answered = state and row.target in self._unanswered
            shown = state.held_open if state and answered else None
            if row.phase is Phase.ENDING and shown is False:
                self._settle(row.target, None)
            elif row.phase is Phase.STARTING and shown is True:
                self._settle(row.target, settled(row))
            elif point_id in came_back:
                self._store.ledger.switched[row.target] = replace(row, retry_at=None)
        for grant in list(self._store.ledger.grants.values()):
            if grant.account_id == entry_id and grant.state is GrantState.PLANNED:
                self._prepare(grant)
        if came_back:
            self.forgive(lambda row: row.account_id == entry_id, failed_too=False)

    def _prepare(self, row: GrantRow) -> None:
        """Give a planned grant its code, if its account was not loaded before."""
        if row.reference in self.busy or (new := self.operations.prepared(row)) is row:
            return
        self._store.ledger.grants[row.reference] = new
        self._hub.async_grants_changed()
        self._store.save_soon()

    def forgive(
        self, which: Callable[[GrantRow], bool], *, failed_too: bool = True
    ) -> None:
        """Try grants again at once, because what stood in their way may be gone."""
        grants = self._store.ledger.grants
        for row in list(grants.values()):
            if not which(row):
                continue
            if row.error == DELETED:
                continue  # by somebody who knew what stood in its way
            if row.state is GrantState.FAILED and failed_too:
                del grants[row.reference]
            elif row.retry_at:
                grants[row.reference] = replace(row, retry_at=None)
        self._hub.async_grants_changed()

    @callback
    def async_try_again(self, room_id: str) -> None:
        """Try at once, because a human says so, whatever did not work for a room."""
        ledger, room = self._store.ledger, self._hub.rooms[room_id]
        for target, row in ledger.switched.items():
            if any(each.startswith(f"{room_id}/") for each in row.claims):
                ledger.switched[target] = replace(row, retry_at=None)
        for point, told in ledger.schedules.items():
            if point in room.config.points:
                ledger.schedules[point] = replace(told, retry_at=None)
        self.forgive(lambda row: row.room_id == room_id)
        self._hub.evaluate_soon()

    def _announce_access(
        self, room: LiveRoom, before: Switched, after: Switched | None
    ) -> None:
        """Tell a room that its doors opened, closed, or do not do as they should."""
        theirs = sorted(c for c in before.claims if c.startswith(f"{room.config.id}/"))
        if not theirs:
            return
        booking_id = theirs[-1].partition("/")[2]
        if after is None:
            room.announce("access_closed", booking_id)
        elif after.phase is Phase.ON:
            room.announce("access_opened", booking_id)
        elif after.attempts == ATTENTION_AT:
            room.announce("access_failed", booking_id, reason=after.error)

    def _announce_grant(
        self, room: LiveRoom, step: GrantStep, row: GrantRow | None
    ) -> None:
        """Tell a room that people got access, lost it, or cannot get it."""
        booking_id = step.row.booking_id
        if step.step is Step.REVOKE and (not row or row.state is GrantState.PLANNED):
            room.announce("access_revoked", booking_id)
        elif row is None:
            return
        elif row.state is GrantState.SUSPENDED:
            room.announce("access_revoked", booking_id)
        elif row.state is GrantState.ISSUED:
            room.announce("access_granted", booking_id)
        elif row.state is GrantState.FAILED or row.attempts == ATTENTION_AT:
            room.announce("access_failed", booking_id, reason=row.error)


def _in_order(steps: Iterable[SwitchStep]) -> tuple[list[SwitchStep], ...]:
    """Return the steps of alarms, which are off before doors open, of doors, and the rest."""
    alarms: list[SwitchStep] = []
    doors: list[SwitchStep] = []
    others: list[SwitchStep] = []
    for step in steps:
        if step.row.target.startswith("door/"):
            doors.append(step)
        elif step.row.target.startswith(f"{Effect.ALARM}/"):
            alarms.append(step)
        else:
            others.append(step)
    return alarms, doors, others
