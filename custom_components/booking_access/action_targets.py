"""What actions are about: the rooms and bookings that are named."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from probatio import EnsureList
import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.translation import async_get_translations

from .access_points import access_point_name
from .const import DATA_HUB, DOMAIN
from .engine.ledger import GrantRow
from .engine.models import Booking
from .room import LiveRoom

ATTR_BOOKING_ID: Final = "booking_id"

# Where the texts are that say why somebody does not get access.
REASONS: Final = (
    f"component.{DOMAIN}.entity.binary_sensor.attention.state_attributes.reasons.state"
)
# A room is named by its device; an entity of it names it as well.
TARGETS: Final = {
    vol.Optional(ATTR_DEVICE_ID): vol.All(EnsureList(), [cv.string]),
    vol.Optional(ATTR_ENTITY_ID): vol.All(EnsureList(), [cv.string]),
}
ROOMS_SCHEMA: Final = vol.Schema(TARGETS)


def problem(key: str, **placeholders: str) -> ServiceValidationError:
    """Return why an action cannot be done as it was called."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where somebody is let in: a room, or one door of an access account."""

    name: str
    room: LiveRoom | None = None
    point: str | None = None


def failure(key: str, **placeholders: str) -> HomeAssistantError:
    """Return why an action could not be done although it was called well."""
    return HomeAssistantError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )


async def async_reason(hass: HomeAssistant, error: str | None) -> str:
    """Return why somebody does not get access, in people's words."""
    texts = await async_get_translations(hass, hass.config.language, "entity", [DOMAIN])
    return texts.get(f"{REASONS}.{error}") or texts[f"{REASONS}.grant_failed"]


def rooms_of(call: ServiceCall) -> Iterable[LiveRoom]:
    """Return the rooms that an action is about; all of them if it names none."""
    if not _is_named(call):
        return call.hass.data[DATA_HUB].rooms.values()
    found: dict[str, LiveRoom] = {}
    for name, keys in _named(call):
        theirs = _rooms(call.hass, keys)
        if not theirs:
            raise problem("not_a_room", device=name)
        found |= {room.config.id: room for room in theirs}
    return found.values()


def room_of_call(call: ServiceCall) -> LiveRoom:
    """Return the one room that an action is about."""
    rooms = list(rooms_of(call)) if _is_named(call) else []
    if len(rooms) != 1:
        raise problem("one_room")
    return rooms[0]


def places_of(call: ServiceCall) -> Iterable[Place]:
    """Return the rooms and doors that an action is about.

    If it names none, all rooms, and the doors that somebody is let in through alone.
    """
    hub = call.hass.data[DATA_HUB]
    found: dict[str, Place] = {}
    if not _is_named(call):
        doors = {f"{row.account_id}/{row.points[0]}" for row in hub.grants_of("")}
        rooms = (Place(name=r.config.name, room=r) for r in hub.rooms.values())
        return [*rooms, *(_door(call.hass, point) for point in sorted(doors))]
    for name, keys in _named(call):
        theirs = {
            room.config.id: Place(name=room.config.name, room=room)
            for room in _rooms(call.hass, keys)
        } or {point: _door(call.hass, point) for point in _points(call.hass, keys)}
        if not theirs:
            raise problem("not_a_place", device=name)
        found |= theirs
    return found.values()


def place_of_call(call: ServiceCall) -> Place:
    """Return the one room or door that an action is about."""
    places = list(places_of(call)) if _is_named(call) else []
    if len(places) != 1:
        raise problem("one_place")
    return places[0]


def _is_named(call: ServiceCall) -> bool:
    """Whether an action names what it is about."""
    return ATTR_DEVICE_ID in call.data or ATTR_ENTITY_ID in call.data


def _rooms(hass: HomeAssistant, keys: Iterable[str]) -> list[LiveRoom]:
    """Return the rooms among ids of ours."""
    rooms = hass.data[DATA_HUB].rooms
    return [rooms[key] for key in keys if key in rooms]


def _points(hass: HomeAssistant, keys: Iterable[str]) -> list[str]:
    """Return the access points among ids of ours, and of entities."""
    return [
        f"{account_id}/{point_id}"
        for account_id, account in hass.data[DATA_HUB].doors.items()
        for point_id in account.data.points
        if point_id in keys or f"{account_id}/{point_id}" in keys
    ]


def _door(hass: HomeAssistant, point: str) -> Place:
    """Return a door."""
    return Place(name=access_point_name(hass, point), point=point)


def grants_at(hass: HomeAssistant, place: Place) -> Iterable[GrantRow]:
    """Return the grants to a room, or through a door alone."""
    hub = hass.data[DATA_HUB]
    if place.room:
        return hub.grants_of(place.room.config.id)
    return [
        row
        for row in hub.grants_of("")
        if place.point in {f"{row.account_id}/{each}" for each in row.points}
    ]


def booking_of(room: LiveRoom, booking_id: str) -> Booking:
    """Return a booking of a room by its id."""
    for booking in room.bookings:
        if booking.id == booking_id:
            return booking
    raise problem("booking_unknown", room=room.config.name, booking=booking_id)


def _named(call: ServiceCall) -> Iterable[tuple[str, set[str]]]:
    """Yield what is named, each with the ids that it and its device have."""
    for device_id in call.data.get(ATTR_DEVICE_ID, ()):
        yield device_id, _ids(call.hass, device_id)
    registry = er.async_get(call.hass)
    for entity_id in call.data.get(ATTR_ENTITY_ID, ()):
        entity = registry.async_get(entity_id)
        theirs = {entity.id} if entity else set()
        if entity and entity.device_id:
            theirs |= _ids(call.hass, entity.device_id)
        yield entity_id, theirs


def _ids(hass: HomeAssistant, device_id: str) -> set[str]:
    """Return by which of our ids a device is known."""
    device = dr.async_get(hass).async_get(device_id)
    identifiers = device.identifiers if device else ()
    return {key for domain, key in identifiers if domain == DOMAIN}
