"""Forms as Home Assistant shows them, from the fields that systems declare."""

from collections.abc import Iterable, Mapping, Sequence
import json
from types import MappingProxyType
from typing import Any, Final, override

import voluptuous as vol
from yarl import URL

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    Selector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
    TimeSelector,
)

from .const import CONF_ADVANCED, DOMAIN
from .forms import BadValue, Field, FieldKind

TEXT_TYPES: Final = {
    FieldKind.TEXT: TextSelectorType.TEXT,
    FieldKind.PASSWORD: TextSelectorType.PASSWORD,
    FieldKind.URL: TextSelectorType.URL,
    FieldKind.LIST: TextSelectorType.TEXT,
    FieldKind.JSON: TextSelectorType.TEXT,
    FieldKind.FOLDER: TextSelectorType.TEXT,
}
# Calendars are often handed out with schemes of their own.
SCHEMES: Final = ("http", "https", "webcal", "webcals")
LEFT_EMPTY: Final[tuple[object, ...]] = (None, "", [])
NEW: Final[Mapping[str, Any]] = MappingProxyType({})


def account_schema(
    hass: HomeAssistant,
    form: Iterable[Field],
    *,
    keep_secrets: bool = False,
    unfolded: bool = False,
) -> vol.Schema:
    """Return the schema of an account's form, its advanced fields folded away.

    ``keep_secrets`` lets secrets be left empty, to stay as they are. The section
    has no default: the frontend would show that in place of its fields' own.
    """
    form = list(form)
    schema = _fields(hass, [f for f in form if not f.advanced], keep_secrets)
    if advanced := [f for f in form if f.advanced]:
        folded = vol.Schema(_fields(hass, advanced, keep_secrets))
        schema[vol.Optional(CONF_ADVANCED)] = section(
            folded, {"collapsed": not unfolded}
        )
    return vol.Schema(schema)


def sign_in_fields(form: Sequence[Field]) -> Sequence[Field]:
    """Return what to ask when a sign-in was refused: all, if the secret is folded away."""
    plain = [field for field in form if not field.advanced]
    return plain if any(field.secret for field in plain) else form


def settings_of(
    hass: HomeAssistant,
    form: Iterable[Field],
    user_input: Mapping[str, Any],
    before: Mapping[str, Any] = NEW,
) -> dict[str, Any]:
    """Return what was filled in as flat settings, entities by their registry ids.

    Of the settings ``before`` stays what the form does not ask, secrets that were
    left empty, and advanced fields where they were left out altogether.
    """
    folded = CONF_ADVANCED not in user_input
    given = {**user_input, **user_input.get(CONF_ADVANCED, {})}
    settings = dict(before)
    for field in form:
        stays = field.secret or (field.advanced and folded)
        if (value := _cleaned(hass, field, given.get(field.name))) not in LEFT_EMPTY:
            settings[field.name] = value
        elif not (stays and field.name in before):
            settings[field.name] = field.default
    return {name: value for name, value in settings.items() if value is not None}


def form_errors(
    form: Iterable[Field], settings: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is wrong with settings before anybody is asked, by field.

    Besides, what the texts of that have for placeholders.
    """
    errors: dict[str, str] = {}
    placeholders: dict[str, str] = {}
    for field in form:
        shown_at = CONF_ADVANCED if field.advanced else field.name
        value = settings.get(field.name)
        if not value:
            if field.required:
                errors[shown_at] = "missing"
        elif field.kind is FieldKind.URL and not _is_address(value):
            errors[shown_at] = "invalid_url"
        elif field.reader:
            try:
                field.reader(value)
            except BadValue as err:
                errors[shown_at] = err.key
                placeholders |= err.placeholders
    return errors, placeholders


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


def entity_selector(
    hass: HomeAssistant, domains: Sequence[str], *, multiple: bool = True
) -> EntitySelector:
    """Return how entities are asked for; not our own, which would go in circles."""
    ours = [
        entity.entity_id
        for entity in er.async_get(hass).entities.values()
        if entity.platform == DOMAIN and entity.domain in domains
    ]
    return EntitySelector(
        EntitySelectorConfig(
            domain=list(domains), multiple=multiple, exclude_entities=ours
        )
    )


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
    if field.kind is FieldKind.TIME:
        return TimeSelector()
    if field.kind is FieldKind.ENTITIES:
        assert field.domain
        return entity_selector(hass, [field.domain])
    if field.kind is FieldKind.SELECT:
        return _choice(field)
    if field.kind is FieldKind.NUMBER:
        return NumberSelector(NumberSelectorConfig(min=0, mode=NumberSelectorMode.BOX))
    config = TextSelectorConfig(type=TEXT_TYPES[field.kind])
    if field.autocomplete:
        config["autocomplete"] = field.autocomplete
    if field.kind is FieldKind.JSON:
        config["multiline"] = True
    if field.kind in (FieldKind.JSON, FieldKind.LIST):
        return _WrittenSelector(config)
    return TextSelector(config)


def _choice(field: Field) -> SelectSelector:
    """Return how one of several is asked for."""
    if any(label is not None for _, label in field.choices):
        options = [
            SelectOptionDict(value=value, label=label or value)
            for value, label in field.choices
        ]
        return SelectSelector(SelectSelectorConfig(options=options, sort=True))
    values = [value for value, _ in field.choices]
    return SelectSelector(
        SelectSelectorConfig(
            options=values, translation_key=field.name, mode=SelectSelectorMode.LIST
        )
    )


class _WrittenSelector(TextSelector):
    """A text for people; a program may give the list or object that it stands for."""

    @override
    def __call__(self, data: Any) -> str | list[str]:
        """Return it as people write it."""
        if isinstance(data, dict):
            data = json.dumps(data, indent=2, ensure_ascii=False)
        elif isinstance(data, list):
            data = ", ".join(str(each) for each in data)
        elif isinstance(data, int):
            data = str(data)
        return super().__call__(data)


def _cleaned(hass: HomeAssistant, field: Field, value: Any) -> Any:
    """Return a value as it is kept; pasted ones bring blanks along."""
    if value and field.kind is FieldKind.ENTITIES:
        return [registry_id(hass, entity_id) for entity_id in value]
    if field.kind is FieldKind.NUMBER and value is not None:
        return int(value)
    if isinstance(value, str) and not field.secret:
        return value.strip()
    return value


def _is_address(text: str) -> bool:
    """Whether a text is an address on the web."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return url.scheme in SCHEMES and bool(url.host)
