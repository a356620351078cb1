"""Actions that let people in or keep them out, whatever is booked."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
import uuid

import voluptuous as vol

from homeassistant.const import CONF_EMAIL, CONF_NAME
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from .action_targets import (
    ATTR_BOOKING_ID,
    TARGETS,
    Place,
    async_reason,
    booking_of,
    failure,
    grants_at,
    place_of_call,
    problem,
)
from .answers import tell_access
from .booking_actions import altered_of, clock
from .const import DATA_HUB
from .engine.ledger import GrantRow, GrantState
from .engine.models import Booking, Effect, Person, Rejected
from .engine.visits import VISIT, Visit
from .engine.windows import NO_TIMING, refusal, window
from .hub import Hub
from .operations import normal_phone
from .room import LiveRoom

SERVICE_GRANT_ACCESS: Final = "grant_access"
SERVICE_REVOKE_ACCESS: Final = "revoke_access"

ATTR_PHONE: Final = "phone"
ATTR_START: Final = "start"
ATTR_END: Final = "end"
ATTR_DURATION: Final = "duration"
ATTR_APPLIANCES: Final = "appliances"
ATTR_GUEST: Final = "guest"

# What a key that is to open nothing is while its access system does not answer.
UNDER_WAY: Final = (GrantState.REVOKING, GrantState.SUSPENDING)
# How long an action waits for an access system, in seconds.
PATIENCE: Final = 20

GRANT_SCHEMA: Final = vol.Schema(
    {
        **TARGETS,
        vol.Optional(ATTR_BOOKING_ID): cv.string,
        vol.Optional(CONF_NAME): cv.string,
        vol.Optional(ATTR_PHONE): cv.string,
        vol.Optional(CONF_EMAIL): cv.string,
        vol.Optional(ATTR_START): cv.datetime,
        vol.Exclusive(ATTR_END, "until"): cv.datetime,
        vol.Exclusive(ATTR_DURATION, "until"): vol.All(
            cv.time_period, cv.positive_timedelta
        ),
        vol.Optional(ATTR_APPLIANCES, default=False): cv.boolean,
    }
)
REVOKE_SCHEMA: Final = vol.Schema(
    {
        **TARGETS,
        vol.Required(ATTR_BOOKING_ID): cv.string,
        vol.Optional(ATTR_GUEST): cv.string,
    }
)


async def async_grant_access(call: ServiceCall) -> ServiceResponse:
    """Let somebody in: for a time, as a guest of a booking, or its people again."""
    place = place_of_call(call)
    if ATTR_BOOKING_ID in call.data:
        booking_id = await _async_admit(call, place)
    else:
        booking_id = await _async_let_in(call, place)
    rows = await _async_answered(call.hass, place, booking_id)
    told = rows if await _is_admin(call) else []
    return {
        "room": place.name,
        "booking_id": booking_id,
        "state": _state(rows),
        "access": tell_access(call.hass, told),
    }


async def async_revoke_access(call: ServiceCall) -> ServiceResponse:
    """Keep people out: a visitor, a guest who was added, or all of a booking."""
    hub = call.hass.data[DATA_HUB]
    booking_id = call.data[ATTR_BOOKING_ID]
    place = place_of_call(call)
    if booking_id.startswith(VISIT):
        visit = hub.by_hand.visits.get(booking_id)
        if visit is None or not _is_at(visit, place):
            raise problem("visit_unknown", room=place.name, visit=booking_id)
        await hub.by_hand.async_turn_away(booking_id)
    else:
        await _async_keep_out(call, place)
    rows = await _async_answered(call.hass, place, booking_id)
    if any(row.state in UNDER_WAY for row in rows):
        raise failure("not_revoked_yet", room=place.name)
    return {"room": place.name, "booking_id": booking_id}


async def _async_let_in(call: ServiceCall, place: Place) -> str:
    """Let a visitor in for a time."""
    hub = call.hass.data[DATA_HUB]
    start, end = _times(call.data)
    room = place.room.config if place.room else None
    points = hub.by_hand.points_of(room, place.point)
    if not points:
        raise _nothing_to_give(call.hass, place)
    if place.room and _cancels_keys(hub, place.room, points, start, end):
        raise problem("keys_cancelled", room=place.name)
    person = _person(call, place, points)
    key = f"{VISIT}{uuid.uuid4().hex[:12]}"
    booking = Booking(id=key, resource_id=key, start=start, end=end, holder=person)
    visit = Visit(
        booking=booking,
        room_id=room.id if room else None,
        point=place.point,
        appliances=call.data[ATTR_APPLIANCES],
    )
    await hub.by_hand.async_let_in(visit)
    rows = await _async_answered(call.hass, place, key)
    if rows and all(row.state is GrantState.FAILED for row in rows):
        await hub.by_hand.async_turn_away(key)
        raise failure(
            "grant_refused",
            room=place.name,
            system=_systems(call.hass, points),
            reason=await async_reason(call.hass, rows[0].error),
        )
    return key


def _cancels_keys(
    hub: Hub, room: LiveRoom, points: Iterable[str], start: datetime, end: datetime
) -> bool:
    """Whether a visitor's key would cancel those of a booking's people."""
    if not any(hub.operations.traits(each).overrides for each in points):
        return False
    timing = room.config.timing.get(Effect.ACCESS, NO_TIMING)
    spans = (
        window(each, timing)
        for each in room.bookings
        if refusal(each, tentative=room.config.tentative) is None and not each.closed
    )
    return any(span.start < end and start < span.end for span in spans)


async def _async_admit(call: ServiceCall, place: Place) -> str:
    """Let somebody more in for a booking; without a person, lift its block."""
    booking = _booking(call, place)
    assert place.room
    if {ATTR_START, ATTR_END, ATTR_DURATION} & call.data.keys():
        raise problem("booking_has_times", room=place.name)
    altered = altered_of(call, place.room, booking)
    if not {CONF_NAME, ATTR_PHONE, CONF_EMAIL} & call.data.keys():
        if not booking.blocked:
            raise problem("not_blocked", room=place.name)
        altered = replace(altered, blocked=False)
    else:
        if booking.blocked:
            raise problem("booking_blocked", room=place.name)
        points = place.room.config.granted
        if not points:
            raise problem("booking_without_keys", room=place.name)
        guest = _person(call, place, points)
        if not (guest.phone or guest.email):
            raise problem("contact_missing")
        altered = replace(altered, people=(*altered.people, guest))
    await call.hass.data[DATA_HUB].by_hand.async_alter(altered)
    return booking.id


async def _async_keep_out(call: ServiceCall, place: Place) -> None:
    """Keep everybody of a booking out, or one guest who was added to it."""
    booking = _booking(call, place)
    assert place.room
    altered = altered_of(call, place.room, booking)
    if (wanted := call.data.get(ATTR_GUEST)) is None:
        altered = replace(altered, blocked=True)
    else:
        country = _country(call.hass, place)
        left = tuple(p for p in altered.people if not _is_guest(p, wanted, country))
        if left == altered.people:
            raise problem("guest_unknown", room=place.name)
        altered = replace(altered, people=left)
    await call.hass.data[DATA_HUB].by_hand.async_alter(altered)


def _booking(call: ServiceCall, place: Place) -> Booking:
    """Return the booking that is named; a door has none."""
    if place.room is None:
        raise problem("booking_needs_room", door=place.name)
    return booking_of(place.room, call.data[ATTR_BOOKING_ID])


def _is_at(visit: Visit, place: Place) -> bool:
    """Whether a visit is to a room or through a door."""
    if place.room is None:
        return visit.point == place.point
    return visit.room_id == place.room.config.id


def _times(data: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return from when to when a visitor is let in."""
    now = dt_util.utcnow()
    start = dt_util.as_utc(data[ATTR_START]) if ATTR_START in data else now
    if ATTR_END in data:
        end = dt_util.as_utc(data[ATTR_END])
    elif ATTR_DURATION in data:
        end = start + data[ATTR_DURATION]
    else:
        raise problem("visit_without_end")
    if end <= max(start, now):
        raise problem("visit_over", end=clock(end))
    return start, end


def _person(call: ServiceCall, place: Place, points: Iterable[str]) -> Person:
    """Return whom to let in, as all the access systems need them."""
    if not (name := call.data.get(CONF_NAME)):
        raise problem("name_missing")
    phone = call.data.get(ATTR_PHONE)
    needing = [each for each in points if _needs_phone(call.hass, each)]
    if phone or needing:
        try:
            phone = normal_phone(phone, _country(call.hass, place))
        except Rejected as err:
            system = _systems(call.hass, needing)
            raise problem(str(err), system=system) from err
    return Person(name=name, phone=phone, email=call.data.get(CONF_EMAIL))


def _is_guest(person: Person, wanted: str, country: str) -> bool:
    """Whether a guest is the one with that name, phone number or e-mail address."""
    names = {(each or "").casefold() for each in (person.name, person.email)}
    if wanted.casefold() in names:
        return True
    try:
        return normal_phone(wanted, country) == person.phone
    except Rejected:
        return False


def _country(hass: HomeAssistant, place: Place) -> str:
    """Return the country whose national phone numbers are written there."""
    if place.room:
        return hass.data[DATA_HUB].accounts[place.room.config.account_id].country
    return hass.config.country or ""


def _needs_phone(hass: HomeAssistant, point: str) -> bool:
    """Whether a person must have a phone to be given access somewhere."""
    account = hass.data[DATA_HUB].doors.get(point.partition("/")[0])
    return account is not None and account.system.needs_phone


def _systems(hass: HomeAssistant, points: Iterable[str]) -> str:
    """Return the access accounts of some points, as people call them."""
    entries = (
        hass.config_entries.async_get_entry(each.partition("/")[0]) for each in points
    )
    return ", ".join(dict.fromkeys(entry.title for entry in entries if entry))


def _nothing_to_give(hass: HomeAssistant, place: Place) -> Exception:
    """Return that nobody can be given a key or code there, and whose fault that is."""
    points = place.room.config.points if place.room else (place.point or "",)
    if not points:
        return problem("no_doors", room=place.name)
    systems = _systems(hass, points)
    return problem("no_keys_there", room=place.name, system=systems)


async def _async_answered(
    hass: HomeAssistant, place: Place, booking_id: str
) -> list[GrantRow]:
    """Return the grants of a booking once the access systems answered, or do not."""
    steps = hass.data[DATA_HUB].steps

    def answers() -> list[GrantRow]:
        theirs = grants_at(hass, place)
        return [row for row in theirs if row.booking_id == booking_id]

    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await steps.async_until(
                lambda: steps.busy.isdisjoint(row.reference for row in answers())
            )
    return answers()


def _state(rows: Iterable[GrantRow]) -> str:
    """Return how far the grants of a visit are, all together."""
    now = dt_util.utcnow()
    states = {row.state_at(now) for row in rows} or {GrantState.PLANNED}
    return next(each for each in GrantState if each in states).value


async def _is_admin(call: ServiceCall) -> bool:
    """Whether an administrator asks, or an automation."""
    if (user_id := call.context.user_id) is None:
        return True
    user = await call.hass.auth.async_get_user(user_id)
    return user is not None and user.is_admin
