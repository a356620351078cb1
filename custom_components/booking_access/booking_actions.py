"""Actions that change a booking here, whatever its booking system says."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import voluptuous as vol

from homeassistant.core import ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .action_targets import ATTR_BOOKING_ID, TARGETS, booking_of, problem, room_of_call
from .const import DATA_HUB
from .engine.by_hand import Altered
from .engine.models import FOREVER, Booking, Effect
from .engine.windows import refusal
from .room import LiveRoom

SERVICE_EXTEND_BOOKING: Final = "extend_booking"
SERVICE_END_BOOKING: Final = "end_booking"

ATTR_END: Final = "end"
ATTR_MINUTES: Final = "minutes"
ATTR_FORCE: Final = "force"

END_SCHEMA: Final = vol.Schema({**TARGETS, vol.Optional(ATTR_BOOKING_ID): cv.string})
EXTEND_SCHEMA: Final = END_SCHEMA.extend(
    {
        vol.Exclusive(ATTR_END, "until"): cv.datetime,
        vol.Exclusive(ATTR_MINUTES, "until"): vol.All(
            vol.Coerce(int), vol.Range(min=1, max=7 * 24 * 60)
        ),
        vol.Optional(ATTR_FORCE, default=False): cv.boolean,
    }
)


async def async_extend_booking(call: ServiceCall) -> ServiceResponse:
    """Give a booking another end, here alone: the one that runs or the next."""
    room = room_of_call(call)
    booking = _chosen(room, call.data) or room.booking
    if booking is None:
        raise problem("no_booking", room=room.config.name)
    end = _new_end(room, booking, call.data)
    if end <= max(booking.start, dt_util.utcnow()):
        raise problem("end_too_early", room=room.config.name)
    if not call.data[ATTR_FORCE] and (taken := _taken_from(room, booking, end)):
        raise problem("booked_again", room=room.config.name, start=clock(taken))
    altered = altered_of(call, room, booking)
    own = end == altered.booking.end
    altered = replace(altered, until=None if own else end, closed=False)
    await _async_decide(call, room, altered)
    return _answer(room, booking, end)


async def async_end_booking(call: ServiceCall) -> ServiceResponse:
    """End a booking right now: access at once, the rest as after any booking."""
    room = room_of_call(call)
    booking = _chosen(room, call.data) or _running(room)
    if booking is None:
        raise problem("not_booked_now", room=room.config.name)
    now = dt_util.utcnow()
    if now < booking.start:
        raise problem("not_started", room=room.config.name, start=clock(booking.start))
    end = min(now, booking.end)
    altered = replace(altered_of(call, room, booking), until=end, closed=True)
    await _async_decide(call, room, altered)
    return _answer(room, booking, end)


def _chosen(room: LiveRoom, data: Mapping[str, Any]) -> Booking | None:
    """Return the booking that is named, if one is."""
    wanted = data.get(ATTR_BOOKING_ID)
    return booking_of(room, wanted) if wanted else None


def _running(room: LiveRoom) -> Booking | None:
    """Return the booking that runs, else one whose people still get in or out."""
    if not (plan := room.plan):
        return None
    if plan.booked:
        return plan.booked[0]
    inside = plan.active[Effect.ACCESS]
    return next((each for each in room.bookings if each.id in inside), None)


def _new_end(room: LiveRoom, booking: Booking, data: Mapping[str, Any]) -> datetime:
    """Return when a booking is to end."""
    if ATTR_END in data:
        return dt_util.as_utc(data[ATTR_END])
    if ATTR_MINUTES not in data:
        raise problem("end_missing")
    if booking.end >= FOREVER:
        raise problem("booking_without_end", room=room.config.name)
    return booking.end + timedelta(minutes=data[ATTR_MINUTES])


def _taken_from(room: LiveRoom, booking: Booking, end: datetime) -> datetime | None:
    """Return when the room's next booking starts, if that is before a new end."""
    tentative = room.config.tentative
    starts = [
        each.start
        for each in room.bookings
        if each.id != booking.id and refusal(each, tentative=tentative) is None
    ]
    return min((each for each in starts if booking.end <= each < end), default=None)


def altered_of(call: ServiceCall, room: LiveRoom, booking: Booking) -> Altered:
    """Return what was decided about a booking so far."""
    account_id = room.config.account_id
    altered = call.hass.data[DATA_HUB].accounts[account_id].altered
    return altered.get(booking.id) or Altered(account_id=account_id, booking=booking)


async def _async_decide(call: ServiceCall, room: LiveRoom, altered: Altered) -> None:
    """Decide something about a booking, and tell so."""
    await call.hass.data[DATA_HUB].by_hand.async_alter(altered)
    room.announce("booking_changed", altered.booking.id)
    room.async_update_soon()


def clock(instant: datetime) -> str:
    """Return an instant as people here read it."""
    return dt_util.as_local(instant).strftime("%Y-%m-%d %H:%M")


def _answer(room: LiveRoom, booking: Booking, end: datetime) -> ServiceResponse:
    """Return what became of a booking."""
    return {
        "room": room.config.name,
        "booking_id": booking.id,
        "start": booking.start.isoformat(),
        "end": end.isoformat(),
    }
