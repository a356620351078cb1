"""Access points in forms: what there is to choose from, and what was chosen."""

from collections.abc import Collection, Iterable, Mapping
from difflib import SequenceMatcher
import re

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
)

from .const import CONF_SYSTEM, DATA_HUB, DOMAIN
from .coordinator import AccessCoordinator
from .engine.models import AccessPoint
from .form_schema import registry_id
from .systems import ACCESS_SYSTEMS


def access_point_selector(
    hass: HomeAssistant, chosen: Iterable[str], *, room_name: str = ""
) -> SelectSelector:
    """Return how access points are asked for, those named like the room first.

    What was chosen before stays there even while its account is not loaded.
    """
    names = {point: access_point_name(hass, point) for point in chosen}
    for account_id, account in _doors(hass).items():
        for point_id in account.data.points:
            point = f"{account_id}/{point_id}"
            names[point] = access_point_name(hass, point)
    ordered = sorted(names.items(), key=lambda item: _unlikeness(item[1], room_name))
    options = [
        SelectOptionDict(value=point, label=_label(hass, point, name))
        for point, name in ordered
    ]
    return SelectSelector(
        SelectSelectorConfig(options=options, multiple=True, custom_value=True)
    )


def by_registry_id(hass: HomeAssistant, points: Iterable[str]) -> list[str]:
    """Return access points by what stays the same when an entity is renamed."""
    kept = []
    for point in filter(None, map(str.strip, points)):
        account_id, slash, point_id = point.partition("/")
        kept.append(f"{account_id}{slash}{registry_id(hass, point_id)}")
    return kept


def loaded_access_point(hass: HomeAssistant, point: str) -> AccessPoint | None:
    """Return an access point; None while its account is not loaded."""
    account_id, _, point_id = point.partition("/")
    account = _doors(hass).get(account_id)
    return account.data.points.get(point_id) if account else None


def unknown_access_point(
    hass: HomeAssistant, points: Iterable[str], known: Collection[str]
) -> str | None:
    """Return the first that does not exist, as far as that can be told now.

    What was chosen before may stay, whatever has become of it.
    """
    for point in points:
        account_id, _, point_id = point.partition("/")
        if account := _doors(hass).get(account_id):
            exists = point_id in account.data.points
        else:
            exists = bool(point_id and _access_account(hass, account_id))
        if not exists and point not in known:
            return point
    return None


def access_point_name(hass: HomeAssistant, point: str) -> str:
    """Return the best name that is known: a person's, the system's, else the id."""
    account_id, _, point_id = point.partition("/")
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, point), account_id
    )
    if device and device.name_by_user:
        return device.name_by_user
    if loaded := loaded_access_point(hass, point):
        return loaded.name
    if device and device.name:
        return device.name
    entity_id = er.async_resolve_entity_id(er.async_get(hass), point_id)
    state = hass.states.get(entity_id) if entity_id else None
    return state.name if state else entity_id or point


def _doors(hass: HomeAssistant) -> Mapping[str, AccessCoordinator]:
    """Return the access accounts that are loaded."""
    hub = hass.data.get(DATA_HUB)
    return hub.doors if hub else {}


def _access_account(hass: HomeAssistant, account_id: str) -> ConfigEntry | None:
    """Return an access account, loaded or not."""
    entry = hass.config_entries.async_get_entry(account_id)
    if entry is None or entry.domain != DOMAIN:
        return None
    return entry if entry.data[CONF_SYSTEM] in ACCESS_SYSTEMS else None


def _label(hass: HomeAssistant, point: str, name: str) -> str:
    """Return the name, with the account's where an account is more than its doors."""
    account = _access_account(hass, point.partition("/")[0])
    if account is None or ACCESS_SYSTEMS[account.data[CONF_SYSTEM]].is_choice:
        return name
    return f"{name} ({account.title})"


def _unlikeness(name: str, room_name: str) -> tuple[int, float, str]:
    """Return how to sort a name: by words shared with the room, then by spelling."""
    name, room_name = name.casefold(), room_name.casefold()
    shared = set(re.findall(r"\w+", name)) & set(re.findall(r"\w+", room_name))
    likeness = SequenceMatcher(None, room_name, name, autojunk=False).ratio()
    return -len(shared), -round(likeness, 1), name
