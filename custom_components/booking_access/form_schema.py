"""Forms as Home Assistant shows them, from the fields that systems declare."""

from collections.abc import Iterable, Mapping
from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    Selector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from .const import CONF_ADVANCED, DOMAIN
from .forms import Field, FieldKind

TEXT_TYPES = {
    FieldKind.TEXT: TextSelectorType.TEXT,
    FieldKind.PASSWORD: TextSelectorType.PASSWORD,
    FieldKind.URL: TextSelectorType.URL,
}


def account_schema(
    hass: HomeAssistant, form: Iterable[Field], *, keep_secrets: bool = False
) -> vol.Schema:
    """Return the schema of an account's form, its advanced fields folded away.

    ``keep_secrets`` lets secrets be left empty, to stay as they are.
    """
    schema = _fields(hass, [f for f in form if not f.advanced], keep_secrets)
    if advanced := [f for f in form if f.advanced]:
        folded = vol.Schema(_fields(hass, advanced, keep_secrets))
        schema[vol.Optional(CONF_ADVANCED, default=dict)] = section(
            folded, {"collapsed": True}
        )
    return vol.Schema(schema)


def settings_of(
    hass: HomeAssistant, form: Iterable[Field], user_input: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what was filled in as flat settings, entities by their registry ids."""
    settings = {**user_input, **user_input.get(CONF_ADVANCED, {})}
    settings.pop(CONF_ADVANCED, None)
    for field in form:
        if field.kind is FieldKind.ENTITIES and field.name in settings:
            settings[field.name] = [
                registry_id(hass, entity_id) for entity_id in settings[field.name]
            ]
        elif isinstance(value := settings.get(field.name), str) and not field.secret:
            settings[field.name] = value.strip()
    return settings


def suggested(
    hass: HomeAssistant, form: Iterable[Field], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what to show in the form of an account that exists; no secrets."""
    shown: dict[str, Any] = {CONF_ADVANCED: {}}
    for field in form:
        if field.secret or field.name not in settings:
            continue
        value = settings[field.name]
        if field.kind is FieldKind.ENTITIES:
            registry = er.async_get(hass)
            found = (er.async_resolve_entity_id(registry, each) for each in value)
            value = [entity_id for entity_id in found if entity_id]
        (shown[CONF_ADVANCED] if field.advanced else shown)[field.name] = value
    return shown


def registry_id(hass: HomeAssistant, entity_id: str) -> str:
    """Return what stays the same when an entity is renamed, if it has that."""
    entry = er.async_get(hass).async_get(entity_id)
    return entry.id if entry else entity_id


def _fields(
    hass: HomeAssistant, fields: Iterable[Field], keep_secrets: bool
) -> dict[vol.Marker, Any]:
    """Return the part of a schema that the fields make."""
    schema: dict[vol.Marker, Any] = {}
    for field in fields:
        required = field.required and not (keep_secrets and field.secret)
        marker = vol.Required if required else vol.Optional
        default = vol.UNDEFINED if field.default is None else field.default
        schema[marker(field.name, default=default)] = _selector(hass, field)
    return schema


def _selector(hass: HomeAssistant, field: Field) -> Selector[Any]:
    """Return how a field is asked for."""
    if field.kind is FieldKind.BOOLEAN:
        return BooleanSelector()
    if field.kind is FieldKind.ENTITIES:
        return EntitySelector(
            EntitySelectorConfig(
                domain=field.domain or [],
                multiple=True,
                exclude_entities=_own_entities(hass),
            )
        )
    config = TextSelectorConfig(type=TEXT_TYPES[field.kind])
    if field.autocomplete:
        config["autocomplete"] = field.autocomplete
    return TextSelector(config)


def _own_entities(hass: HomeAssistant) -> list[str]:
    """Return the entities that we make ourselves: they would go round in circles."""
    registry = er.async_get(hass)
    return [e.entity_id for e in registry.entities.values() if e.platform == DOMAIN]


def title_of(entry: ConfigEntry) -> dict[str, str]:
    """Return an entry's title as a placeholder for texts."""
    return {"account": entry.title}
