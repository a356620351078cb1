"""What tests of forms use to fill them in, as a person would in the browser."""

from collections.abc import Iterable, Mapping
from typing import Any

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section

type Flow = Mapping[str, Any]


async def open_form(hass: HomeAssistant, *choices: str) -> Flow:
    """Open the dialogue that adds an account, and go through its menus."""
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    for choice in choices:
        flow = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"next_step_id": choice}
        )
    return flow


async def open_change(hass: HomeAssistant, entry: ConfigEntry) -> Flow:
    """Open the dialogue that changes an account."""
    return await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": "reconfigure", "entry_id": entry.entry_id}
    )


async def submit(hass: HomeAssistant, flow: Flow, answers: Mapping[str, Any]) -> Flow:
    """Send a form of an account, and let everything happen that it causes."""
    flow = await hass.config_entries.flow.async_configure(flow["flow_id"], answers)
    await hass.async_block_till_done()
    return flow


async def open_room(
    hass: HomeAssistant, entry: ConfigEntry, room_id: str | None = None
) -> Flow:
    """Open the form of a new room, or of one that there is."""
    context = {"source": "user"}
    if room_id:
        context = {"source": "reconfigure", "subentry_id": room_id}
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "room"), context=context
    )


async def submit_room(
    hass: HomeAssistant, flow: Flow, answers: Mapping[str, Any]
) -> Flow:
    """Send a room's form, and let everything happen that it causes."""
    flow = await hass.config_entries.subentries.async_configure(
        flow["flow_id"], answers
    )
    await hass.async_block_till_done()
    return flow


def fill(schema: Any, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Put answers where the form asks for them, its folded section included."""
    filled: dict[str, Any] = {}
    for key, value in schema.schema.items():
        if isinstance(value, section):
            filled[str(key)] = fill(value.schema, answers)
        elif str(key) in answers:
            filled[str(key)] = answers[str(key)]
    return filled


def suggestions(flow: Flow) -> dict[str, Any]:
    """Return what a form shows as filled in, its sections included."""
    return dict(_suggestions(flow["data_schema"]))


def _suggestions(schema: Any) -> Iterable[tuple[str, Any]]:
    """Yield the suggested values of a form."""
    for key, value in schema.schema.items():
        if isinstance(value, section):
            yield from _suggestions(value.schema)
        elif key.description:
            yield str(key), key.description["suggested_value"]


def selector(flow: Flow, field: str) -> Mapping[str, Any]:
    """Return how a form asks for a field."""
    config: Mapping[str, Any] = flow["data_schema"].schema[field].config
    return config


def choices(flow: Flow, field: str) -> dict[str, str]:
    """Return what there is to choose from in a form, in its order."""
    return {each["value"]: each["label"] for each in selector(flow, field)["options"]}
