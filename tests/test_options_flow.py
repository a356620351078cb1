"""Options of a booking account: what holds for all of its rooms."""

from collections.abc import Mapping
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er

from .flows import Flow, choices, suggestions
from .helpers import add_account


@pytest.fixture
async def bookings(hass: HomeAssistant, calendar: str) -> ConfigEntry:
    """A calendar's account."""
    hass.config.country = "DK"
    return await add_account(
        hass, "booking_system", "ha_calendar", {"entity_ids": [calendar]}
    )


@pytest.fixture
async def locks(hass: HomeAssistant, lock: str) -> ConfigEntry:
    """An account of one lock."""
    return await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})


async def open_options(hass: HomeAssistant, entry: ConfigEntry) -> Flow:
    """Open the options of an account."""
    return await hass.config_entries.options.async_init(entry.entry_id)


async def submit(hass: HomeAssistant, flow: Flow, answers: Mapping[str, Any]) -> Flow:
    """Send the options, and let everything happen that they cause."""
    flow = await hass.config_entries.options.async_configure(flow["flow_id"], answers)
    await hass.async_block_till_done()
    return flow


async def test_all_options(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    locks: ConfigEntry,
    lock: str,
    entity_registry: er.EntityRegistry,
) -> None:
    """They are kept, doors by what outlives a rename, and shown again."""
    flow = await open_options(hass, bookings)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "init"
    assert flow["errors"] == {}
    assert suggestions(flow) == {"default_country": "DK"}
    point = f"{locks.entry_id}/{entity_registry.async_get(lock).id}"
    assert choices(flow, "common_access_points") == {point: "Front door"}

    answers = {
        "common_access_points": [f"{locks.entry_id}/{lock}"],
        "default_country": "NO",
        "tentative": True,
        "issue_ahead": 3.0,
    }
    flow = await submit(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    kept = answers | {"common_access_points": [point], "issue_ahead": 3}
    assert dict(bookings.options) == kept
    assert isinstance(bookings.options["issue_ahead"], int)
    assert bookings.state is ConfigEntryState.LOADED
    assert suggestions(await open_options(hass, bookings)) == kept


async def test_defaults(hass: HomeAssistant, bookings: ConfigEntry) -> None:
    """An empty form has them all."""
    flow = await submit(hass, await open_options(hass, bookings), {})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert dict(bookings.options) == {
        "common_access_points": [],
        "tentative": False,
        "issue_ahead": 7,
    }


async def test_what_is_left_out_stays(
    hass: HomeAssistant, bookings: ConfigEntry, locks: ConfigEntry, lock: str
) -> None:
    """All but the country: that one can be emptied."""
    answers = {
        "common_access_points": [f"{locks.entry_id}/{lock}"],
        "default_country": "NO",
        "tentative": True,
        "issue_ahead": 0,
    }
    await submit(hass, await open_options(hass, bookings), answers)
    before = dict(bookings.options)
    await submit(hass, await open_options(hass, bookings), {})
    del before["default_country"]
    assert dict(bookings.options) == before


@pytest.mark.parametrize("days", [-1, 15, "a week"])
async def test_days_have_bounds(
    hass: HomeAssistant, bookings: ConfigEntry, days: int | str
) -> None:
    """Nobody knows of bookings further ahead."""
    flow = await open_options(hass, bookings)
    with pytest.raises(InvalidData):
        await submit(hass, flow, {"issue_ahead": days})


async def test_a_door_that_does_not_exist_is_refused(
    hass: HomeAssistant, bookings: ConfigEntry, locks: ConfigEntry, lock: str
) -> None:
    """What was typed is named, the rest is kept, and it can be put right."""
    flow = await open_options(hass, bookings)
    answers = {"common_access_points": ["The door"], "tentative": True}
    flow = await submit(hass, flow, answers)
    assert flow["errors"] == {"common_access_points": "unknown_access_point"}
    assert flow["description_placeholders"]["door"] == "The door"
    assert suggestions(flow).items() >= answers.items()
    answers["common_access_points"] = [f"{locks.entry_id}/{lock}"]
    flow = await submit(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_doors_stay_while_their_account_is_not_loaded(
    hass: HomeAssistant, bookings: ConfigEntry, locks: ConfigEntry, lock: str
) -> None:
    """They are still there by their names, and kept."""
    answers = {"common_access_points": [f"{locks.entry_id}/{lock}"]}
    await submit(hass, await open_options(hass, bookings), answers)
    before = dict(bookings.options)
    await hass.config_entries.async_remove(locks.entry_id)
    await hass.async_block_till_done()
    flow = await open_options(hass, bookings)
    assert list(choices(flow, "common_access_points").values()) == ["Front door"]
    await submit(hass, flow, suggestions(flow) | {"tentative": True})
    assert dict(bookings.options) == before | {
        "default_country": "DK",
        "tentative": True,
    }


async def test_nothing_is_set_up_at_all(hass: HomeAssistant) -> None:
    """The options of a lone account that is disabled still open."""
    data = {"system": "ha_calendar", "entity_ids": ["calendar.hall"]}
    entry = MockConfigEntry(domain=DOMAIN, data=data)
    entry.add_to_hass(hass)
    flow = await open_options(hass, entry)
    assert choices(flow, "common_access_points") == {}
