"""Conditions about rooms: booked, and access open."""

from typing import ClassVar, Final, override

from homeassistant.components.binary_sensor import DOMAIN as BINARY_SENSOR_DOMAIN
from homeassistant.const import STATE_ON
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .entity import rooms_of_entities


class RoomCondition(EntityStateConditionBase):
    """A binary sensor of rooms is on."""

    _domain_specs = {BINARY_SENSOR_DOMAIN: DomainSpec()}
    _states = {STATE_ON}
    _key: ClassVar[str]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the rooms' own, of that key."""
        return set(rooms_of_entities(self._hass, entities, self._key))


class IsBookedCondition(RoomCondition):
    """A room is booked right now, from the start to the end of a booking."""

    _key = "booked"


class IsAccessOpenCondition(RoomCondition):
    """The people of a booking can get in right now, with what is added to its time."""

    _key = "access_window"


CONDITIONS: Final[dict[str, type[Condition]]] = {
    "is_access_open": IsAccessOpenCondition,
    "is_booked": IsBookedCondition,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
