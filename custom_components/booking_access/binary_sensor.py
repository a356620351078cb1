"""Binary sensors of rooms, accounts and doors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, override

from homeassistant.components.binary_sensor import (
    BinarySensorDeviceClass,
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccessCoordinator, AccountCoordinator, BookingAccessConfigEntry
from .engine.models import AccessPoint, Effect, PointState
from .entity import AccountEntity, DoorEntity, RoomEntity
from .platform import async_add_doors, async_add_rooms
from .room import LiveRoom

PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class RoomBinarySensorDescription(BinarySensorEntityDescription):
    """Describes a binary sensor of a room."""

    is_on: Callable[[LiveRoom], bool]
    attributes: Callable[[LiveRoom], Mapping[str, Any] | None] = lambda _: None


@dataclass(frozen=True, kw_only=True)
class DoorBinarySensorDescription(BinarySensorEntityDescription):
    """Describes a binary sensor of a door; None where the system does not tell."""

    is_on: Callable[[PointState], bool | None]


ROOM_SENSORS = (
    RoomBinarySensorDescription(
        key="booked",
        device_class=BinarySensorDeviceClass.OCCUPANCY,
        is_on=lambda room: room.is_booked,
    ),
    RoomBinarySensorDescription(
        key="access_window",
        is_on=lambda room: room.is_active(Effect.ACCESS),
    ),
    RoomBinarySensorDescription(
        key="attention",
        device_class=BinarySensorDeviceClass.PROBLEM,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on=lambda room: bool(room.reasons),
        attributes=lambda room: {"reasons": list(room.reasons)},
    ),
)
CONNECTED = BinarySensorEntityDescription(
    key="connected",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
)
DOOR_SENSORS = (
    DoorBinarySensorDescription(
        key="door",
        device_class=BinarySensorDeviceClass.DOOR,
        is_on=lambda state: state.door_open,
    ),
    DoorBinarySensorDescription(
        key="ready",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on=lambda state: state.ready,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the binary sensors of an account, its rooms and its doors."""
    account = entry.runtime_data
    async_add_entities([ConnectedSensor(account, CONNECTED)])
    await async_add_rooms(
        entry,
        async_add_entities,
        lambda room: [RoomBinarySensor(account, room, each) for each in ROOM_SENSORS],
    )
    await async_add_doors(entry, async_add_entities, _door_sensors)


def _door_sensors(
    account: AccessCoordinator, point: AccessPoint, state: PointState
) -> list[DoorBinarySensor]:
    """Return the sensors for which the system tells something."""
    return [
        DoorBinarySensor(account, point, each)
        for each in DOOR_SENSORS
        if each.is_on(state) is not None
    ]


class RoomBinarySensor(RoomEntity, BinarySensorEntity):
    """Something about a room that is so or not."""

    entity_description: RoomBinarySensorDescription

    def __init__(
        self,
        account: AccountCoordinator,
        room: LiveRoom,
        description: RoomBinarySensorDescription,
    ) -> None:
        """Show what the description reads."""
        super().__init__(account, room, description.key)
        self.entity_description = description

    @property
    @override
    def is_on(self) -> bool:
        """Whether it is so."""
        return self.entity_description.is_on(self.room)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any] | None:
        """What there is to say about it."""
        return self.entity_description.attributes(self.room)


class ConnectedSensor(AccountEntity[AccountCoordinator], BinarySensorEntity):
    """Whether the account's last answer was a good one."""

    @property
    @override
    def available(self) -> bool:
        """Always: not to be connected is what it is there to tell."""
        return True

    @property
    @override
    def is_on(self) -> bool:
        """Whether the vendor answers."""
        return self.coordinator.last_update_success


class DoorBinarySensor(DoorEntity, BinarySensorEntity):
    """Something about a door that is so or not."""

    entity_description: DoorBinarySensorDescription

    def __init__(
        self,
        account: AccessCoordinator,
        point: AccessPoint,
        description: DoorBinarySensorDescription,
    ) -> None:
        """Show what the description reads."""
        super().__init__(account, point, description.key)
        self.entity_description = description
        self._attr_translation_key = description.key

    @property
    @override
    def is_on(self) -> bool | None:
        """Whether it is so."""
        return self.entity_description.is_on(self.state_of_door)
