"""Switches of rooms: alarm, light and ventilation, as the bookings drive them."""

from typing import Any, override

from homeassistant.components.switch import SwitchEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import AccountCoordinator, BookingAccessConfigEntry
from .engine.models import Effect
from .entity import RoomEntity
from .errors import translated
from .platform import async_add_rooms
from .room import LiveRoom

PARALLEL_UPDATES = 1


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the switches of an account's rooms."""
    await async_add_rooms(
        entry,
        async_add_entities,
        lambda room: [
            RoomSwitch(entry.runtime_data, room, effect)
            for effect in (Effect.ALARM, Effect.LIGHT, Effect.VENTILATION)
        ],
    )


class RoomSwitch(RoomEntity, SwitchEntity):
    """An effect of a room: driven by its bookings, changeable by hand.

    What a hand changes stands until the next edge of a booking.
    """

    def __init__(
        self, account: AccountCoordinator, room: LiveRoom, effect: Effect
    ) -> None:
        """Show and switch the effect."""
        super().__init__(account, room, effect)
        self._effect = effect

    @property
    @override
    def is_on(self) -> bool:
        """Whether the light or ventilation runs, or the alarm is armed."""
        return self.room.shows(self._effect)

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        """Switch on, with all that is linked."""
        with translated("appliance_failed"):
            await self.room.async_switch(self._effect, on=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        """Switch off, with all that is linked."""
        with translated("appliance_failed"):
            await self.room.async_switch(self._effect, on=False)
