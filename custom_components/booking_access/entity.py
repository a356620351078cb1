"""What the entities of rooms, accounts and doors have in common."""

from collections.abc import Iterable
from typing import override

from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.device_registry import (
    DeviceEntryType,
    DeviceInfo,
    async_get_device_id_by_identifier,
)
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import DOMAIN
from .coordinator import AccessCoordinator, AccountCoordinator
from .engine.models import AccessPoint, PointState
from .room import LiveRoom


def rooms_of_entities(
    hass: HomeAssistant, entity_ids: Iterable[str], key: str
) -> dict[str, str]:
    """Return the rooms of those entities that are a room's own of that key, by entity."""
    registry = er.async_get(hass)
    found = (registry.async_get(entity_id) for entity_id in entity_ids)
    return {
        each.entity_id: each.config_subentry_id
        for each in found
        if each and each.platform == DOMAIN and each.config_subentry_id
        if each.unique_id == f"{each.config_subentry_id}-{key}"
    }


class RoomEntity(Entity):
    """An entity of one room: it shows what the hub knows, whatever is down."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, account: AccountCoordinator, room: LiveRoom, key: str) -> None:
        """Belong to the room's device."""
        self.room = room
        self._attr_translation_key = key
        self._attr_unique_id = f"{room.config.id}-{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, room.config.id)},
            name=room.config.name,
            manufacturer=account.system.name,
            entry_type=DeviceEntryType.SERVICE,
            via_device_id=async_get_device_id_by_identifier(
                account.hass,
                (DOMAIN, account.config_entry.entry_id),
                config_entry_id=account.config_entry.entry_id,
            ),
        )

    @override
    async def async_added_to_hass(self) -> None:
        """Follow the room."""
        await super().async_added_to_hass()
        self.async_on_remove(self.room.async_add_listener(self._handle_room_update))

    def _handle_room_update(self) -> None:
        """Show what may have changed."""
        self.async_write_ha_state()


class AccountEntity[CoordinatorT: AccountCoordinator](CoordinatorEntity[CoordinatorT]):
    """An entity of an account itself."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: CoordinatorT, description: EntityDescription
    ) -> None:
        """Belong to the account's device."""
        super().__init__(coordinator)
        entry_id = coordinator.config_entry.entry_id
        self.entity_description = description
        self._attr_translation_key = description.key
        self._attr_unique_id = f"{entry_id}-{description.key}"
        self._attr_device_info = DeviceInfo(identifiers={(DOMAIN, entry_id)})


class DoorEntity(CoordinatorEntity[AccessCoordinator]):
    """An entity of a door of an access system."""

    _attr_has_entity_name = True

    def __init__(
        self, coordinator: AccessCoordinator, point: AccessPoint, key: str
    ) -> None:
        """Belong to the door's device."""
        super().__init__(coordinator)
        self.point_id = point.id
        entry_id = coordinator.config_entry.entry_id
        self._attr_unique_id = f"{entry_id}-{point.id}-{key}"
        self._attr_device_info = DeviceInfo(
            identifiers={(DOMAIN, f"{entry_id}/{point.id}")},
            name=point.name,
            manufacturer=coordinator.system.name,
            model=point.model,
            via_device_id=async_get_device_id_by_identifier(
                coordinator.hass, (DOMAIN, entry_id), config_entry_id=entry_id
            ),
        )

    @property
    @override
    def available(self) -> bool:
        """Whether the system still tells about the door."""
        return super().available and self.point_id in self.coordinator.data.points

    @property
    def state_of_door(self) -> PointState:
        """What the system tells of the door."""
        return self.coordinator.data.states.get(self.point_id, PointState())
