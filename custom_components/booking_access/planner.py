"""Planning beforehand, off the event loop, what many rooms will need."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .engine.models import FOREVER, Booking, Room
from .engine.plan import Plan, plan
from .engine.schedules import Schedules, schedules
from .engine.visits import VISITS

if TYPE_CHECKING:
    from .hub import Hub

# Fewer rooms are planned faster than a thread begins.
MANY_ROOMS: Final = 20
# How long before they change plans are made.
AHEAD: Final = timedelta(seconds=3)

type _Bookings = dict[str, Mapping[str, tuple[Booking, ...]]]
type _Inputs = tuple[list[Room], _Bookings]


class Planner:
    """Plans all rooms, from what was made ready as far as it still holds."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub."""
        self._hub = hub
        self._schedules = Schedules()
        self._ready: Plan | None = None
        self._ready_at = FOREVER
        self._timer: CALLBACK_TYPE | None = None
        self._timer_for = FOREVER

    def plan(self, now: datetime) -> Plan:
        """Plan all rooms, as far as something changed."""
        before = self._hub.plan
        if self._ready and self._ready_at <= now:
            before, self._ready = self._ready, None
        return plan(*self._inputs(), now, before)

    def schedules(self) -> Schedules:
        """Return what is wanted of the points that follow times, as was planned last."""
        self._schedules = schedules(self._hub.plan, self._schedules)
        return self._schedules

    async def async_make_ready(self, instant: datetime) -> None:
        """Make ready what the rooms will need at an instant, if they are many."""
        if len(self._hub.rooms) < MANY_ROOMS:
            return
        try:
            self._ready, self._schedules = await self._hub.hass.async_add_executor_job(
                _plan_all, *self._inputs(), instant, self._hub.plan, self._schedules
            )
            self._ready_at = instant
        except Exception:  # noqa: BLE001 - it is planned again when the time comes
            LOGGER.debug("Planning beforehand failed", exc_info=True)

    @callback
    def async_look_ahead(self, instant: datetime) -> None:
        """Make ready what an instant brings, shortly before it comes."""
        if instant == self._timer_for:
            return
        self.async_stop()
        if instant == FOREVER or len(self._hub.rooms) < MANY_ROOMS:
            return
        if instant - AHEAD <= dt_util.utcnow():
            return

        @callback
        def soon(_: datetime) -> None:
            self.async_stop()
            self._hub.hass.async_create_task(self.async_make_ready(instant), DOMAIN)

        self._timer_for = instant
        self._timer = async_track_point_in_utc_time(
            self._hub.hass, soon, instant - AHEAD
        )

    @callback
    def async_stop(self) -> None:
        """Look ahead no longer."""
        if self._timer:
            self._timer()
        self._timer, self._timer_for = None, FOREVER

    def _inputs(self) -> _Inputs:
        """Return the rooms and bookings as they are now."""
        accounts, by_hand = self._hub.accounts, self._hub.by_hand
        bookings: _Bookings = {
            key: each.decided.by_resource for key, each in accounts.items()
        }
        bookings[VISITS] = by_hand.bookings
        rooms = [room.config for room in self._hub.rooms.values()]
        return [*rooms, *by_hand.rooms], bookings


def _plan_all(
    rooms: list[Room],
    bookings: _Bookings,
    instant: datetime,
    before: Plan,
    known: Schedules,
) -> tuple[Plan, Schedules]:
    """Plan all rooms, and what is wanted of the points that follow times."""
    planned = plan(rooms, bookings, instant, before)
    return planned, schedules(planned, known)
