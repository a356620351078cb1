"""Sensors of rooms, accounts and doors."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.const import EntityCategory, UnitOfRatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccessCoordinator, AccountCoordinator, BookingAccessConfigEntry
from .engine.models import FOREVER, AccessPoint, PointState
from .entity import AccountEntity, DoorEntity, RoomEntity
from .platform import async_add_doors, async_add_rooms
from .room import AccessStatus, LiveRoom

PARALLEL_UPDATES = 0

# A state is cut off by Home Assistant past this length.
LONGEST_STATE = 255


@dataclass(frozen=True, kw_only=True)
class RoomSensorDescription(SensorEntityDescription):
    """Describes a sensor of a room."""

    value: Callable[[LiveRoom], str | datetime | None]


def _start(room: LiveRoom) -> datetime | None:
    """Return when the present or next booking starts."""
    return room.booking.start if room.booking else None


def _end(room: LiveRoom) -> datetime | None:
    """Return when the present or next booking ends, if it ever does."""
    return room.booking.end if room.booking and room.booking.end < FOREVER else None


def _summary(room: LiveRoom) -> str | None:
    """Return what the present booking is called."""
    plan = room.plan
    return plan.booked[0].summary[:LONGEST_STATE] if plan and plan.booked else None


ROOM_SENSORS = (
    RoomSensorDescription(
        key="access_status",
        device_class=SensorDeviceClass.ENUM,
        options=list(AccessStatus),
        value=lambda room: room.status,
    ),
    RoomSensorDescription(
        key="booking_start", device_class=SensorDeviceClass.TIMESTAMP, value=_start
    ),
    RoomSensorDescription(
        key="booking_end", device_class=SensorDeviceClass.TIMESTAMP, value=_end
    ),
    RoomSensorDescription(
        key="current_booking",
        entity_registry_enabled_default=False,
        value=_summary,
    ),
)
LAST_SYNCHRONIZED = SensorEntityDescription(
    key="last_synchronized",
    device_class=SensorDeviceClass.TIMESTAMP,
    entity_category=EntityCategory.DIAGNOSTIC,
)
BATTERY = SensorEntityDescription(
    key="battery",
    device_class=SensorDeviceClass.BATTERY,
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the sensors of an account, its rooms and its doors."""
    account = entry.runtime_data
    async_add_entities([LastSynchronizedSensor(account, LAST_SYNCHRONIZED)])
    await async_add_rooms(
        entry,
        async_add_entities,
        lambda room: [RoomSensor(account, room, each) for each in ROOM_SENSORS],
    )
    await async_add_doors(entry, async_add_entities, _door_sensors)


def _door_sensors(
    account: AccessCoordinator, point: AccessPoint, state: PointState
) -> list[BatterySensor]:
    """Return the battery's sensor if the system tells about one."""
    return [] if state.battery is None else [BatterySensor(account, point)]


class RoomSensor(RoomEntity, SensorEntity):
    """Something to know about a room."""

    entity_description: RoomSensorDescription

    def __init__(
        self,
        account: AccountCoordinator,
        room: LiveRoom,
        description: RoomSensorDescription,
    ) -> None:
        """Show what the description reads."""
        super().__init__(account, room, description.key)
        self.entity_description = description

    @property
    @override
    def native_value(self) -> str | datetime | None:
        """Return what there is to know."""
        return self.entity_description.value(self.room)


class LastSynchronizedSensor(AccountEntity[AccountCoordinator], SensorEntity):
    """When the vendor last answered; shown anew at most once an hour, or on news."""

    @property
    @override
    def available(self) -> bool:
        """Always: how long ago it was matters most while nothing comes."""
        return True

    @property
    @override
    def native_value(self) -> datetime | None:
        """Return the instant."""
        return self.coordinator.synchronized


class BatterySensor(DoorEntity, SensorEntity):
    """The charge of a door's battery."""

    entity_description = BATTERY

    def __init__(self, account: AccessCoordinator, point: AccessPoint) -> None:
        """Show the door's battery."""
        super().__init__(account, point, BATTERY.key)

    @property
    @override
    def native_value(self) -> int | None:
        """Return the charge in percent."""
        return self.state_of_door.battery
