"""Event of each room: what happened to its bookings and its access."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccountCoordinator, BookingAccessConfigEntry
from .entity import RoomEntity
from .platform import async_add_rooms
from .room import LiveRoom

PARALLEL_UPDATES = 0

EVENT_TYPES = [
    "booking_created",
    "booking_changed",
    "booking_cancelled",
    "booking_started",
    "booking_ended",
    "access_opened",
    "access_closed",
    "access_granted",
    "access_revoked",
    "access_failed",
]


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the events of an account's rooms."""
    await async_add_rooms(
        entry, async_add_entities, lambda room: [RoomEvent(entry.runtime_data, room)]
    )


class RoomEvent(RoomEntity, EventEntity):
    """What happened last in a room; each thing is told once, ever."""

    _attr_event_types = EVENT_TYPES

    def __init__(self, account: AccountCoordinator, room: LiveRoom) -> None:
        """Tell the room's news."""
        super().__init__(account, room, "booking")

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what happens; it is not a state, so the room's state is not followed."""
        self.async_on_remove(self.room.async_add_event_listener(self._handle_event))

    @callback
    def _handle_event(self, kind: str, details: Mapping[str, Any]) -> None:
        """Tell what happened."""
        self._trigger_event(kind, dict(details))
        self.async_write_ha_state()
