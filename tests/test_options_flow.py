"""Options of a booking account: what holds for all of its rooms."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er
from simulators.icalendar import ICalendarSimulator

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


# What the events of a feed mean

NOW = datetime(2026, 6, 14, 10, 0, tzinfo=UTC)
STAYS = [
    {"uid": "1", "start": "2026-06-15", "end": "2026-06-18", "summary": "Reserved"},
    {"uid": "2", "start": "2026-06-18", "end": "2026-06-20", "summary": "Blocked"},
    {"uid": "3", "start": "2026-06-20", "end": "2026-06-22", "summary": "Cleaning"},
]


@pytest.fixture
async def feed(hass: HomeAssistant, socket_enabled: None) -> AsyncIterator[ConfigEntry]:
    """A feed's account, with one room."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    async with ICalendarSimulator() as simulator:
        simulator.control({"clear": True, "events": STAYS})
        form = {"url": f"{simulator.url}/calendar.ics"}
        yield await add_account(hass, "booking_system", "icalendar", form, ["calendar"])


async def booked(hass: HomeAssistant) -> list[str]:
    """Return when each of the room's bookings starts."""
    answer = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    return [booking["start"] for booking in answer["rooms"][0]["bookings"]]


@pytest.mark.freeze_time(NOW)
async def test_people_change_what_is_a_booking(
    hass: HomeAssistant, feed: ConfigEntry
) -> None:
    """The patterns are shown as they are, and changed ones hold at once."""
    first, blocked, cleaning = (f"2026-06-{day}T22:00:00+00:00" for day in (14, 17, 19))
    assert await booked(hass) == [first, cleaning]
    flow = await open_options(hass, feed)
    shown = flow["data_schema"]({})
    assert "advanced" not in shown
    patterns = flow["data_schema"]({"advanced": {}})["advanced"]
    assert "Blocked" in patterns["not_bookings"]
    assert "CLOSED - {name}" in patterns["guest_details"]

    patterns["not_bookings"] = [" Cleaning ", "", "Cleaning"]
    flow = await submit(hass, flow, {"advanced": patterns})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert feed.options["not_bookings"] == ["Cleaning"]
    assert feed.options["guest_details"] == patterns["guest_details"]
    assert await booked(hass) == [first, blocked]

    flow = await open_options(hass, feed)
    again = flow["data_schema"]({"advanced": {}})["advanced"]
    assert again == patterns | {"not_bookings": ["Cleaning"]}
    await submit(hass, flow, {"advanced": {"not_bookings": []}})
    assert feed.options["not_bookings"] == []
    assert await booked(hass) == [first, blocked, cleaning]
    await submit(hass, await open_options(hass, feed), {"issue_ahead": 3})
    assert feed.options["not_bookings"] == []


@pytest.mark.freeze_time(NOW)
@pytest.mark.parametrize(
    "answers", [{"not_bookings": ["Blocked", "*"]}, {"guest_details": ["*"]}]
)
async def test_a_pattern_without_sense_is_refused(
    hass: HomeAssistant, feed: ConfigEntry, answers: dict[str, list[str]]
) -> None:
    """It is named, what was written is kept, and it can be put right."""
    flow = await open_options(hass, feed)
    flow = await submit(hass, flow, {"advanced": answers})
    assert flow["errors"] == {"advanced": "bad_pattern"}
    assert flow["description_placeholders"]["pattern"] == "*"
    assert suggestions(flow).items() >= answers.items()
    assert not flow["data_schema"].schema["advanced"].options["collapsed"]
    assert dict(feed.options) == {}
    answers = {name: patterns[:-1] for name, patterns in answers.items()}
    flow = await submit(hass, flow, {"advanced": answers})
    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_slots_for_codes(hass: HomeAssistant, lock: str) -> None:
    """What is none is said; what is one is kept, and may be given up again."""
    locks = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    flow = await hass.config_entries.options.async_init(locks.entry_id)
    for wrong in ("30-20", "all"):
        flow = await hass.config_entries.options.async_configure(
            flow["flow_id"], {"code_slots": wrong}
        )
        assert flow["errors"] == {"code_slots": "bad_code_slots"}
        assert flow["description_placeholders"]["slots"] == wrong
    await hass.config_entries.options.async_configure(
        flow["flow_id"], {"code_slots": " 20-30 "}
    )
    assert locks.options == {"code_slots": "20-30"}
    flow = await hass.config_entries.options.async_init(locks.entry_id)
    await hass.config_entries.options.async_configure(flow["flow_id"], {})
    assert locks.options == {}
