"""Encoders of key cards: a device of their account each, so that one can be chosen."""

from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DOMAIN

SUBENTRY_ENCODER: Final = "encoder"


@callback
def async_show_encoders(hass: HomeAssistant, entry: ConfigEntry, maker: str) -> None:
    """Make a device of each encoder; those of removed ones go with their subentries."""
    registry = dr.async_get(hass)
    account = dr.async_get_device_id_by_identifier(
        hass, (DOMAIN, entry.entry_id), config_entry_id=entry.entry_id
    )
    for subentry in entry.get_subentries_of_type(SUBENTRY_ENCODER):
        registry.async_get_or_create(
            config_entry_id=entry.entry_id,
            config_subentry_id=subentry.subentry_id,
            identifiers={(DOMAIN, subentry.subentry_id)},
            name=subentry.title,
            manufacturer=maker,
            via_device_id=account,
        )
