"""Encoders of key cards: a device of their account each, so that one can be chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import DATA_HUB, DOMAIN

SUBENTRY_ENCODER: Final = "encoder"


@dataclass(frozen=True, kw_only=True, slots=True)
class Encoder:
    """An encoder of an access account."""

    account_id: str
    subentry_id: str
    name: str
    identifier: str

    def is_called(self, wanted: str) -> bool:
        """Whether it is meant by its name or identifier."""
        return wanted.casefold() in (self.name.casefold(), self.identifier.casefold())


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


def encoders_of(hass: HomeAssistant) -> Iterable[Encoder]:
    """Yield the encoders of the access accounts that are loaded."""
    for account_id in hass.data[DATA_HUB].doors:
        entry = hass.config_entries.async_get_known_entry(account_id)
        for subentry in entry.get_subentries_of_type(SUBENTRY_ENCODER):
            yield _encoder(entry, subentry)


def _encoder(entry: ConfigEntry, subentry: ConfigSubentry) -> Encoder:
    """Return an encoder as its subentry describes it."""
    return Encoder(
        account_id=entry.entry_id,
        subentry_id=subentry.subentry_id,
        name=subentry.title,
        identifier=str(subentry.data["identifier"]),
    )
