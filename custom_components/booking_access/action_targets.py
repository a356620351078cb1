"""What actions are about: the rooms and bookings that are named."""

from collections.abc import Iterable
from typing import Final

from probatio import EnsureList
import voluptuous as vol

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    device_registry as dr,
    entity_registry as er,
)

from .const import DATA_HUB, DOMAIN
from .engine.models import Booking
from .room import LiveRoom

ATTR_BOOKING_ID: Final = "booking_id"

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


def rooms_of(call: ServiceCall) -> Iterable[LiveRoom]:
    """Return the rooms that an action is about; all of them if it names none."""
    rooms = call.hass.data[DATA_HUB].rooms
    if not (ATTR_DEVICE_ID in call.data or ATTR_ENTITY_ID in call.data):
        return rooms.values()
    found: dict[str, LiveRoom] = {}
    for name, keys in _named(call):
        theirs = [rooms[key] for key in keys if key in rooms]
        if not theirs:
            raise problem("not_a_room", device=name)
        found |= {room.config.id: room for room in theirs}
    return found.values()


def room_of_call(call: ServiceCall) -> LiveRoom:
    """Return the one room that an action is about."""
    named = call.data.get(ATTR_DEVICE_ID) or call.data.get(ATTR_ENTITY_ID)
    rooms = list(rooms_of(call)) if named else []
    if len(rooms) != 1:
        raise problem("one_room")
    return rooms[0]


def booking_of(room: LiveRoom, booking_id: str) -> Booking:
    """Return a booking of a room by its id."""
    for booking in room.bookings:
        if booking.id == booking_id:
            return booking
    raise problem("booking_unknown", room=room.config.name, booking=booking_id)


def _named(call: ServiceCall) -> Iterable[tuple[str, set[str]]]:
    """Yield what is named, each with the ids of ours that its device has."""
    for device_id in call.data.get(ATTR_DEVICE_ID, ()):
        yield device_id, _ids(call.hass, device_id)
    registry = er.async_get(call.hass)
    for entity_id in call.data.get(ATTR_ENTITY_ID, ()):
        entity = registry.async_get(entity_id)
        device_id = entity.device_id if entity else None
        yield entity_id, _ids(call.hass, device_id) if device_id else set()


def _ids(hass: HomeAssistant, device_id: str) -> set[str]:
    """Return by which of our ids a device is known."""
    device = dr.async_get(hass).async_get(device_id)
    identifiers = device.identifiers if device else ()
    return {key for domain, key in identifiers if domain == DOMAIN}
