"""Locks of rooms and of doors."""

from typing import Any, override

from homeassistant.components.lock import LockEntity, LockEntityFeature
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccessCoordinator, AccountCoordinator, BookingAccessConfigEntry
from .engine.models import AccessPoint, Capability, PointKind, PointState
from .entity import DoorEntity, RoomEntity
from .errors import translated
from .platform import async_add_doors, async_for_rooms
from .room import LiveRoom
from .room_door import OPERABLE

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the locks of an account's rooms and doors."""
    await async_for_rooms(
        entry, lambda room: _add_room(entry, room, async_add_entities)
    )
    await async_add_doors(entry, async_add_entities, _door_locks)


@callback
def _add_room(
    entry: BookingAccessConfigEntry,
    room: LiveRoom,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add a room's lock, as soon as it is known that its doors can be operated."""
    added = False

    @callback
    def add() -> None:
        nonlocal added
        if not added and (room.doors or not room.config.points):
            added = True
            async_add_entities(
                [RoomLock(entry.runtime_data, room)], config_subentry_id=room.config.id
            )

    add()
    entry.async_on_unload(room.async_add_listener(add))


def _door_locks(
    account: AccessCoordinator, point: AccessPoint, state: PointState
) -> list[DoorLock]:
    """Return the lock of a door that can be operated from here."""
    is_door = point.kind is PointKind.DOOR
    return (
        [DoorLock(account, point)] if is_door and point.capabilities & OPERABLE else []
    )


class RoomLock(RoomEntity, LockEntity):
    """All doors of a room that can be operated from here, as one lock.

    Without any door it only follows the booking.
    """

    def __init__(self, account: AccountCoordinator, room: LiveRoom) -> None:
        """Operate the room's doors."""
        super().__init__(account, room, "door")

    @property
    @override
    def available(self) -> bool:
        """Whether at least one of the doors can be reached."""
        if not self.room.config.points:
            return True
        return any(door.account.last_update_success for door in self.room.doors)

    @property
    @override
    def supported_features(self) -> LockEntityFeature:
        """Opening for a moment, where a door can do that."""
        if any(Capability.UNLOCK in d.point.capabilities for d in self.room.doors):
            return LockEntityFeature.OPEN
        return LockEntityFeature(0)

    @property
    @override
    def is_locked(self) -> bool | None:
        """Whether all doors are closed to those without a key."""
        return self.room.is_locked

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock all doors."""
        with translated("lock_failed", room=self.room.config.name):
            await self.room.async_hold(held=False)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock all doors until somebody locks them, or the next booking ends."""
        with translated("unlock_failed", room=self.room.config.name):
            await self.room.async_hold(held=True)

    @override
    async def async_open(self, **kwargs: Any) -> None:
        """Open all doors for a moment."""
        with translated("open_failed", room=self.room.config.name):
            await self.room.async_open()


class DoorLock(DoorEntity, LockEntity):
    """One door of an access system. It tells no bolt, only whether it is held open."""

    _attr_name = None

    def __init__(self, account: AccessCoordinator, point: AccessPoint) -> None:
        """Operate the door."""
        super().__init__(account, point, "lock")
        self._can = point.capabilities
        self._point_name = point.name
        if Capability.UNLOCK in self._can:
            self._attr_supported_features = LockEntityFeature.OPEN

    @property
    @override
    def is_locked(self) -> bool | None:
        """Whether the door is not held open."""
        held = self.state_of_door.held_open
        return None if held is None else not held

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Put the door back to normal."""
        if Capability.HOLD in self._can:
            with translated("lock_failed", room=self._name):
                await self._tell(held=False)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Hold the door open, or open it for a moment where that is all it can."""
        with translated("unlock_failed", room=self._name):
            if Capability.HOLD in self._can:
                await self._tell(held=True)
            else:
                await self.coordinator.async_unlock(self.point_id)

    @override
    async def async_open(self, **kwargs: Any) -> None:
        """Open the door for a moment."""
        with translated("open_failed", room=self._name):
            await self.coordinator.async_unlock(self.point_id)

    async def _tell(self, *, held: bool) -> None:
        """Hold open or put back."""
        await self.coordinator.async_hold(self.point_id, held=held)

    @property
    def _name(self) -> str:
        """Return the door's name."""
        return self._point_name
