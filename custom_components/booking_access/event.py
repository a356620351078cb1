"""Events of rooms and of doors: what happened to bookings, and at doors."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.event import EventEntity
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccessCoordinator, AccountCoordinator, BookingAccessConfigEntry
from .engine.models import AccessEvent, AccessEventKind, AccessPoint, PointState
from .entity import DoorEntity, RoomEntity
from .platform import async_add_doors, async_add_rooms
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
    """Set up the events of an account's rooms and doors."""
    await async_add_rooms(
        entry, async_add_entities, lambda room: [RoomEvent(entry.runtime_data, room)]
    )
    await async_add_doors(entry, async_add_entities, _door_events)


def _door_events(
    account: AccessCoordinator, point: AccessPoint, state: PointState
) -> list[DoorEvent]:
    """Return the event of a door, if its system tells what happens there."""
    return [DoorEvent(account, point)] if account.tells_events else []


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


class DoorEvent(DoorEntity, EventEntity):
    """What happened last at a door, and when; never who it was."""

    _attr_translation_key = "access"
    _attr_event_types = list(AccessEventKind)

    def __init__(self, account: AccessCoordinator, point: AccessPoint) -> None:
        """Tell the door's news."""
        super().__init__(account, point, "access")

    @property
    @override
    def available(self) -> bool:
        """Whether there is such a door: what happened stays true without an answer."""
        return self.point_id in self.coordinator.data.points

    @override
    async def async_added_to_hass(self) -> None:
        """Follow what happens."""
        await super().async_added_to_hass()
        events = self.coordinator.events
        self.async_on_remove(
            events.async_add_listener(self.point_id, self._handle_event)
        )

    @callback
    def _handle_event(self, event: AccessEvent) -> None:
        """Tell what happened."""
        self._trigger_event(event.kind, {"occurred_at": event.at.isoformat()})
        self.async_write_ha_state()
