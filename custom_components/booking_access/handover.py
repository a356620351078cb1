"""Handing times over to access systems that follow them by themselves."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from homeassistant.core import callback
from homeassistant.util import dt as dt_util

from .const import HORIZON, LOGGER
from .engine.ledger import ScheduleRow
from .engine.models import FOREVER, Capability, Rejected
from .engine.schedules import Schedules, coming, reconcile_schedules
from .steps import ATTENTION_AT

if TYPE_CHECKING:
    from .access_systems.base import AccessSystem
    from .coordinator import AccessCoordinator
    from .hub import Hub
    from .planner import Planner
    from .steps import Steps


class Handover:
    """Tells points the times of their bookings, each beside the others.

    A point follows what it was told while Home Assistant is down.
    """

    def __init__(self, hub: Hub, steps: Steps, planner: Planner) -> None:
        """Work for the hub, beside its other steps."""
        self._hub = hub
        self._steps = steps
        self._planner = planner
        self._looked: tuple[Schedules, frozenset[str], datetime] | None = None
        self._again = FOREVER
        self._answering: dict[str, AccessCoordinator | None] = {}

    @callback
    def take(self, now: datetime) -> datetime:
        """Have points told what they do not know yet; return when to look again."""
        try:
            wanted = self._planner.schedules()
            unsure = self._unsure(now)
            if not self._is_same(wanted, unsure, now):
                self._looked = wanted, unsure, now
                self._again = self._take(wanted, now, unsure)
        except Exception:  # noqa: BLE001 - all else goes on, and the next sweep looks again
            LOGGER.exception("Points could not be told their times")
            self._looked, self._again = None, FOREVER
        return self._again

    def _unsure(self, now: datetime) -> frozenset[str]:
        """Return the rooms that may have bookings which nobody knows of (rule 12)."""
        return frozenset(
            room_id
            for account in self._hub.accounts.values()
            for room_id in account.doubtful_rooms(now)
        )

    def _is_same(
        self, wanted: Schedules, unsure: frozenset[str], now: datetime
    ) -> bool:
        """Whether all is as it was at the last look, and nothing is due."""
        if self._looked is None:
            return False
        before, doubted, since = self._looked
        return wanted is before and unsure == doubted and since <= now < self._again

    def _take(
        self, wanted: Schedules, now: datetime, unsure: frozenset[str]
    ) -> datetime:
        """Compare what is wanted with what points were told, and tell them."""
        rows = self._hub.store.ledger.schedules
        for point in [each for each in rows if self._is_gone(each)]:
            del rows[point]
        away = {point for point in {**wanted.points, **rows} if self._is_away(point)}
        todo = reconcile_schedules(wanted, rows, now, HORIZON, away, unsure)
        for point in todo.drop:
            del rows[point]
        for row in todo.steps:
            rows[row.point] = row
            self._steps.busy.add(_key(row.point))
        if todo.steps:
            self._steps.write_then([self._async_send(row) for row in todo.steps])
        elif todo.drop:
            self._hub.store.save_soon()
        return todo.again

    def _is_away(self, point: str) -> bool:
        """Whether a point is being told right now, or cannot be until its account is there."""
        account_id = point.partition("/")[0]
        return _key(point) in self._steps.busy or account_id not in self._hub.doors

    def _is_gone(self, point: str) -> bool:
        """Whether a point's account was removed, which told it or named it as left behind."""
        return self._hub.operations.is_gone(point.partition("/")[0])

    async def _async_send(self, row: ScheduleRow) -> None:
        """Tell a point its times, and note what came of it."""
        told: ScheduleRow | None
        try:
            await self._async_tell(row)
        except Exception as err:  # noqa: BLE001 - whatever happens, the row must go on
            told = self._steps.after_failure(row, err)
            if isinstance(err, Rejected) and self._is_nothing(row):
                told = None
        else:
            told = replace(row, confirmed=True, attempts=0, retry_at=None, error=None)
        self._steps.busy.discard(_key(row.point))
        rows = self._hub.store.ledger.schedules
        if told:
            rows[row.point] = told
        else:
            rows.pop(row.point, None)
        self._hub.store.save_soon()
        self._looked = None
        self._tell_rooms(row.point, told)
        self._hub.evaluate_soon()
        await self._steps.async_settled()

    async def _async_tell(self, row: ScheduleRow) -> None:
        """Replace all times of a point; safe to repeat."""
        account_id, _, point_id = row.point.partition("/")
        account = self._hub.operations.account(account_id)
        async with account.grant_turn():
            await account.system.set_schedule(
                point_id, [(each.start, each.end) for each in row.periods]
            )

    def _is_nothing(self, row: ScheduleRow) -> bool:
        """Whether a point that nobody wants does not exist any more."""
        account_id, _, point_id = row.point.partition("/")
        account = self._hub.doors.get(account_id)
        known = account.data.points.get(point_id) if account else None
        can = known is not None and Capability.SCHEDULE in known.capabilities
        return account is not None and not row.periods and not can

    def _tell_rooms(self, point: str, told: ScheduleRow | None) -> None:
        """Have the rooms of a point show how it is, and say that it fails."""
        for room in self._hub.rooms.values():
            if point not in room.config.scheduled:
                continue
            room.async_update_soon()
            if told and told.attempts == ATTENTION_AT and (booking := room.booking):
                room.announce("access_failed", booking.id, reason=told.error)

    @callback
    def async_doors_changed(self, entry_id: str) -> None:
        """Look again; an account that answers again need not wait for its next try."""
        self._looked = None
        rows = self._hub.store.ledger.schedules
        doors = self._hub.doors.get(entry_id)
        answering = doors if doors and doors.last_update_success else None
        if answering and answering is not self._answering.get(entry_id):
            for point, row in rows.items():
                if point.startswith(f"{entry_id}/") and row.retry_at:
                    rows[point] = replace(row, retry_at=None)
        self._answering[entry_id] = answering


def _key(point: str) -> str:
    """Name a point among what is busy."""
    return f"schedule/{point}"


async def async_withdraw(system: AccessSystem, row: ScheduleRow) -> None:
    """Have a point follow no times of ours any more."""
    if row.confirmed and not coming(row.periods, dt_util.utcnow()):
        return
    await system.set_schedule(row.point.partition("/")[2], ())
