"""Rooms: added and changed in their form, whatever is down meanwhile."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DEFAULT_TIMING, DOMAIN
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, SEMINAR, STORE, VAULT, WARDROBE
from simulators.winkas import WinKasSimulator

from .flows import (
    choices,
    fill,
    open_form,
    open_room,
    selector,
    submit,
    submit_room,
    suggestions,
)
from .helpers import add_account

WINKAS = "custom_components.booking_access.booking_systems.winkas.WinKas"
SITE = "Seminarhaus am See"

pytestmark = pytest.mark.usefixtures("socket_enabled")


def form_of(simulator: WinKasSimulator | ExivoSimulator) -> dict[str, Any]:
    """Return the credentials as the form has them."""
    credentials = dict(simulator.credentials())
    return {"advanced": {"url": credentials.pop("url")}, **credentials}


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with five rooms."""
    async with WinKasSimulator() as simulator:
        yield simulator


@pytest.fixture
async def bookings(hass: HomeAssistant, winkas: WinKasSimulator) -> ConfigEntry:
    """The account there, yet without a room."""
    return await add_account(hass, "booking_system", "winkas", form_of(winkas))


@pytest.fixture
async def exivo() -> AsyncIterator[ExivoSimulator]:
    """An exivo site."""
    async with ExivoSimulator() as simulator:
        yield simulator


@pytest.fixture
async def doors(hass: HomeAssistant, exivo: ExivoSimulator) -> ConfigEntry:
    """The account there."""
    return await add_account(hass, "access_system", "exivo", form_of(exivo))


@pytest.fixture
async def locks(hass: HomeAssistant, lock: str) -> ConfigEntry:
    """An account of one lock of Home Assistant's."""
    return await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, locks: ConfigEntry, lock: str
) -> ConfigEntry:
    """A calendar's account with one room, its lock and nothing but defaults."""
    entry = await add_account(
        hass, "booking_system", "ha_calendar", {"entity_ids": [calendar]}
    )
    flow = await open_room(hass, entry)
    points = [f"{locks.entry_id}/{lock}"]
    await submit_room(
        hass, flow, {"resource_id": calendar, "access_points": points, "name": "Hall"}
    )
    return entry


def room_of(entry: ConfigEntry, title: str | None = None) -> dict[str, Any]:
    """Return what is kept of a room, or of the only one."""
    [room] = [r for r in entry.subentries.values() if title in (None, r.title)]
    return dict(room.data)


def id_of(entry: ConfigEntry) -> str:
    """Return the id of the only room."""
    [room_id] = entry.subentries
    return room_id


# Adding


async def test_the_shortest_form(hass: HomeAssistant, bookings: ConfigEntry) -> None:
    """What is booked is enough: the rest has defaults."""
    flow = await open_room(hass, bookings)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == "user"
    assert flow["errors"] == {}
    assert suggestions(flow) == {}
    flow = await submit_room(hass, flow, {"resource_id": "1203"})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert flow["title"] == "Mødelokale Fyrtårnet"
    assert flow["unique_id"] == "1203"
    assert room_of(bookings) == {
        "resource_id": "1203",
        "name": "Mødelokale Fyrtårnet",
        "access_points": [],
        "access": ["hold_open"],
        "timing": DEFAULT_TIMING,
        "appliances": {},
    }
    assert hass.states.get("calendar.modelokale_fyrtarnet_bookings")


async def test_the_whole_form(
    hass: HomeAssistant, bookings: ConfigEntry, doors: ConfigEntry
) -> None:
    """All of it is kept; minutes that are left out have their defaults."""
    flow = await open_room(hass, bookings)
    answers = {
        "resource_id": "1201",
        "name": " Badminton ",
        "access_points": [
            f"{doors.entry_id}/{ENTRANCE}",
            f"{doors.entry_id}/{WARDROBE}",
        ],
        "access": ["grant", "hold_open"],
        "timing": {"access_lead": 0, "light_lag": 1440},
        "appliances": {
            "alarm": "alarm_control_panel.hall",
            "lights": ["light.hall", "switch.stage"],
            "ventilation": ["fan.hall", "climate.hall"],
        },
    }
    flow = await submit_room(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert room_of(bookings) == answers | {
        "name": "Badminton",
        "timing": DEFAULT_TIMING | {"access_lead": 0, "light_lag": 1440},
    }


@pytest.mark.parametrize("minutes", [-1, 1441, "soon"])
async def test_minutes_have_bounds(
    hass: HomeAssistant, bookings: ConfigEntry, minutes: int | str
) -> None:
    """From nothing to a day."""
    flow = await open_room(hass, bookings)
    answers = {"resource_id": "1201", "timing": {"access_lead": minutes}}
    with pytest.raises(InvalidData):
        await submit_room(hass, flow, answers)


async def test_what_can_be_booked_is_asked_anew(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator
) -> None:
    """Without another sign-in."""
    winkas.control({"resources": [{"id": 1300, "name": "Squash"}]})
    winkas.requests.clear()
    flow = await open_room(hass, bookings)
    assert not selector(flow, "resource_id")["custom_value"]  # it would show ids
    assert choices(flow, "resource_id") == {
        "1201": "Hal 1 (Nordby Hallen)",
        "1202": "Hal 2 (Nordby Hallen)",
        "1203": "Mødelokale Fyrtårnet (Nordby Kulturhus)",
        "1204": "Keramikværksted",
        "1205": "Svømmehal, bane 1",
        "1300": "Squash",
    }
    await submit_room(hass, flow, {"resource_id": "1300"})
    asked = [path for _, path in winkas.requests if "EventsInTime" not in path]
    assert asked[:1] == ["/api/Calendar/GetAllResources"]
    assert room_of(bookings)["name"] == "Squash"


@pytest.mark.parametrize(
    "said", ["1202", " 1202 ", "Hal 2", "hal 2", "Hal 2 (Nordby Hallen)"]
)
async def test_a_name_does_for_what_is_booked(
    hass: HomeAssistant, bookings: ConfigEntry, said: str
) -> None:
    """People type what they see."""
    flow = await open_room(hass, bookings)
    flow = await submit_room(hass, flow, {"resource_id": said})
    assert flow["unique_id"] == "1202"
    assert flow["title"] == "Hal 2"


@pytest.mark.parametrize("said", ["", "  ", "Hal", "9999", "Sauna"])
async def test_what_cannot_be_booked_is_refused(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    winkas: WinKasSimulator,
    said: str,
) -> None:
    """A room that is never booked would never open; two of a name are unclear."""
    twins = [{"id": number, "name": "Sauna"} for number in (1400, 1401)]
    winkas.control({"resources": twins})
    flow = await open_room(hass, bookings)
    flow = await submit_room(hass, flow, {"resource_id": said, "name": "Mine"})
    assert flow["errors"] == {"resource_id": "unknown_resource"}
    assert suggestions(flow)["name"] == "Mine"
    flow = await submit_room(hass, flow, {"resource_id": "1401", "name": "Mine"})
    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_an_id_that_is_also_a_name(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator
) -> None:
    """The id goes first."""
    winkas.control({"resources": [{"id": 7, "name": "1201"}]})
    flow = await open_room(hass, bookings)
    flow = await submit_room(hass, flow, {"resource_id": "1201"})
    assert flow["title"] == "Hal 1"


async def test_a_system_that_pushes_lists_only_what_was_booked(
    hass: HomeAssistant, bookings: ConfigEntry
) -> None:
    """So what is not listed may be typed."""
    with patch(f"{WINKAS}.is_fed", True):
        flow = await open_room(hass, bookings)
        assert selector(flow, "resource_id")["custom_value"]
        flow = await submit_room(hass, flow, {"resource_id": "9999"})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert room_of(bookings)["resource_id"] == "9999"


async def test_entity_ids_do_for_registry_ids(
    hass: HomeAssistant,
    hall: ConfigEntry,
    locks: ConfigEntry,
    calendar: str,
    lock: str,
    entity_registry: er.EntityRegistry,
) -> None:
    """In what is booked, and in what opens; kept is what outlives a rename."""
    room = room_of(hall)
    assert room["resource_id"] == entity_registry.async_get(calendar).id
    lock_id = entity_registry.async_get(lock).id
    assert room["access_points"] == [f"{locks.entry_id}/{lock_id}"]
    assert hass.states.get("binary_sensor.hall_attention").state == "off"


async def test_a_room_is_made_once(hass: HomeAssistant, bookings: ConfigEntry) -> None:
    """For each thing that can be booked."""
    flow = await open_room(hass, bookings)
    await submit_room(hass, flow, {"resource_id": "1201"})
    flow = await open_room(hass, bookings)
    flow = await submit_room(hass, flow, {"resource_id": "Hal 1", "name": "Another"})
    assert (flow["type"], flow["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )
    assert len(bookings.subentries) == 1


async def test_what_has_its_room_is_not_offered(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator
) -> None:
    """Only in that room's own form; and the form says so when nothing is left."""
    for resource_id in ("1201", "1202"):
        flow = await open_room(hass, bookings)
        await submit_room(hass, flow, {"resource_id": resource_id})
    flow = await open_room(hass, bookings)
    assert flow["errors"] == {}
    assert set(choices(flow, "resource_id")) == {"1203", "1204", "1205"}
    first, _ = bookings.subentries
    flow = await open_room(hass, bookings, first)
    assert set(choices(flow, "resource_id")) == {"1201", "1203", "1204", "1205"}

    winkas.control({"remove_resources": [1203, 1204, 1205]})
    flow = await open_room(hass, bookings)
    assert flow["errors"] == {"resource_id": "nothing_left"}
    assert choices(flow, "resource_id") == {}
    flow = await open_room(hass, bookings, first)
    assert flow["errors"] == {}


# Doors


async def test_doors_of_all_connected_accounts(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    doors: ConfigEntry,
    locks: ConfigEntry,
    lock: str,
    device_registry: dr.DeviceRegistry,
    entity_registry: er.EntityRegistry,
) -> None:
    """By the name people gave them; no gateway; by name, as no room is named yet."""
    store = device_registry.async_get_device_by_identifier(
        (DOMAIN, f"{doors.entry_id}/{STORE}"), doors.entry_id
    )
    device_registry.async_update_device(store.id, name_by_user="Balls and nets")
    flow = await open_room(hass, bookings)
    lock_id = entity_registry.async_get(lock).id
    assert list(choices(flow, "access_points").items()) == [
        (f"{doors.entry_id}/{STORE}", f"Balls and nets ({SITE})"),
        (f"{locks.entry_id}/{lock_id}", "Front door"),
        (f"{doors.entry_id}/{WARDROBE}", f"Garderobe / WC ({SITE})"),
        (f"{doors.entry_id}/{ENTRANCE}", f"T01 Main entrance ({SITE})"),
        (f"{doors.entry_id}/{SEMINAR}", f"T02 Seminar room ({SITE})"),
        (f"{doors.entry_id}/{VAULT}", f"T03 Archive ({SITE})"),
    ]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Seminar 2", ["T02 Seminar room"]),
        ("Entrance", ["T01 Main entrance"]),
        ("Hal 2", ["Hal 2, indgang fra gården", "Hal 1", "Hal 3"]),
        ("Hal 3", ["Hal 3", "Hal 1", "Hal 2, indgang fra gården"]),
        ("Garderobe", ["Garderobe / WC"]),
    ],
)
async def test_doors_named_like_the_room_come_first(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    exivo: ExivoSimulator,
    name: str,
    first: list[str],
) -> None:
    """So that nobody has to search among eighty."""
    more = ("Hal 1", "Hal 2, indgang fra gården", "Hal 3")
    exivo.control({"add": [{"identifier": each} for each in more]})
    await add_account(hass, "access_system", "exivo", form_of(exivo))
    flow = await open_room(hass, bookings)
    await submit_room(hass, flow, {"resource_id": "1204", "name": name})
    flow = await open_room(hass, bookings, id_of(bookings))
    labels = list(choices(flow, "access_points").values())
    assert labels[: len(first)] == [f"{each} ({SITE})" for each in first]


async def test_a_new_room_is_named_when_the_form_comes_back(
    hass: HomeAssistant, bookings: ConfigEntry, exivo: ExivoSimulator
) -> None:
    """Then its doors come first as well."""
    exivo.control({"add": [{"identifier": "Svømmehal"}]})
    await add_account(hass, "access_system", "exivo", form_of(exivo))
    flow = await open_room(hass, bookings)
    flow = await submit_room(
        hass, flow, {"resource_id": "1205", "access_points": ["the door"]}
    )
    labels = list(choices(flow, "access_points").values())
    assert labels[0] == f"Svømmehal ({SITE})"


async def test_what_a_door_cannot_do_is_refused(
    hass: HomeAssistant, bookings: ConfigEntry, locks: ConfigEntry, lock: str
) -> None:
    """The door is named, the form comes back as it was, and can be put right."""
    flow = await open_room(hass, bookings)
    answers = {
        "resource_id": "1201",
        "access_points": [f"{locks.entry_id}/{lock}"],
        "access": ["grant"],
        "timing": DEFAULT_TIMING | {"access_lead": 7},
    }
    flow = await submit_room(hass, flow, answers)
    assert flow["type"] is FlowResultType.FORM
    assert flow["errors"] == {"access_points": "access_not_supported"}
    assert flow["description_placeholders"]["door"] == "Front door"
    assert suggestions(flow) == {
        "resource_id": "1201",
        "access_points": answers["access_points"],
        "access": ["grant"],
        **answers["timing"],
    }
    answers["access"] = ["grant", "hold_open"]
    flow = await submit_room(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert room_of(bookings)["timing"]["access_lead"] == 7


async def test_a_room_may_leave_its_doors_to_people(
    hass: HomeAssistant, bookings: ConfigEntry, locks: ConfigEntry, lock: str
) -> None:
    """No way of access is a choice too."""
    flow = await open_room(hass, bookings)
    points = [f"{locks.entry_id}/{lock}"]
    flow = await submit_room(
        hass, flow, {"resource_id": "1201", "access_points": points, "access": []}
    )
    assert flow["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "door",
    [
        "Front door",
        "{locks}/",
        "{locks}/lock.of_nobody",
        "{bookings}/lock.front_door",
        "{other}/lock.front_door",
    ],
)
async def test_a_door_that_does_not_exist_is_refused(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    locks: ConfigEntry,
    lock: str,
    door: str,
) -> None:
    """What was typed is named, and can be put right."""
    other = MockConfigEntry(domain="sun")
    other.add_to_hass(hass)
    typed = door.format(
        locks=locks.entry_id, bookings=bookings.entry_id, other=other.entry_id
    )
    flow = await open_room(hass, bookings)
    answers = {"resource_id": "1201", "access_points": [typed]}
    flow = await submit_room(hass, flow, answers)
    assert flow["errors"] == {"access_points": "unknown_access_point"}
    assert suggestions(flow) == answers | {"access": ["hold_open"]}
    answers["access_points"] = [f" {locks.entry_id}/{lock} ", " "]
    flow = await submit_room(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert len(room_of(bookings)["access_points"]) == 1


async def test_our_own_switches_are_not_appliances(
    hass: HomeAssistant, hall: ConfigEntry
) -> None:
    """A room that follows itself goes in circles."""
    flow = await open_room(hass, hall, id_of(hall))
    fields = flow["data_schema"].schema["appliances"].schema.schema
    own = {f"switch.hall_{each}" for each in ("alarm", "light", "ventilation")}
    for field in ("alarm", "lights", "ventilation"):
        assert set(fields[field].config["exclude_entities"]) == own
    answers = suggestions(flow)
    answers = fill(flow["data_schema"], answers | {"lights": ["switch.hall_light"]})
    with pytest.raises(InvalidData):
        await submit_room(hass, flow, answers)


# Changing


async def test_changing_a_room(
    hass: HomeAssistant, bookings: ConfigEntry, doors: ConfigEntry
) -> None:
    """The form shows what is; its name, doors and all else can be another."""
    flow = await open_room(hass, bookings)
    point = f"{doors.entry_id}/{ENTRANCE}"
    answers = {
        "resource_id": "1201",
        "access_points": [point],
        "access": ["grant"],
        "timing": {"access_lead": 5},
        "appliances": {"lights": ["light.hall"]},
    }
    await submit_room(hass, flow, answers)
    room_id = id_of(bookings)
    flow = await open_room(hass, bookings, room_id)
    assert flow["step_id"] == "reconfigure"
    assert suggestions(flow) == {
        "resource_id": "1201",
        "name": "Hal 1",
        "access_points": [point],
        "access": ["grant"],
        **DEFAULT_TIMING,
        "access_lead": 5,
        "lights": ["light.hall"],
    }
    changed = suggestions(flow) | {
        "resource_id": "1202",
        "name": "Big hall",
        "access_points": [],
        "access_lag": 1,
    }
    del changed["lights"]
    flow = await submit_room(hass, flow, fill(flow["data_schema"], changed))
    assert flow["type"] is FlowResultType.ABORT
    assert flow["reason"] == "reconfigure_successful"
    assert flow["translation_domain"] == "homeassistant"
    assert room_of(bookings, "Big hall") == {
        "resource_id": "1202",
        "name": "Big hall",
        "access_points": [],
        "access": ["grant"],
        "timing": DEFAULT_TIMING | {"access_lead": 5, "access_lag": 1},
        "appliances": {},
    }
    assert bookings.subentries[room_id].unique_id == "1202"
    assert bookings.state is ConfigEntryState.LOADED
    assert "Big hall" in hass.states.get("calendar.hal_1_bookings").name


async def test_what_is_left_out_of_a_change_stays(
    hass: HomeAssistant, bookings: ConfigEntry, doors: ConfigEntry
) -> None:
    """The sections, single minutes, the doors and how they let people in."""
    flow = await open_room(hass, bookings)
    answers = {
        "resource_id": "1201",
        "name": "Hal 1",
        "access_points": [f"{doors.entry_id}/{SEMINAR}"],
        "access": ["grant"],
        "timing": DEFAULT_TIMING | {"access_lead": 5, "light_lead": 1},
        "appliances": {"alarm": "switch.alarm"},
    }
    await submit_room(hass, flow, answers)
    flow = await open_room(hass, bookings, id_of(bookings))
    await submit_room(hass, flow, {"resource_id": "1201"})
    assert room_of(bookings) == answers
    flow = await open_room(hass, bookings, id_of(bookings))
    answers["timing"]["access_lag"] = 3
    await submit_room(hass, flow, {"resource_id": "1201", "timing": {"access_lag": 3}})
    assert room_of(bookings) == answers


async def test_a_room_keeps_its_own(hass: HomeAssistant, bookings: ConfigEntry) -> None:
    """It is no duplicate of itself, but can become none of another."""
    for resource_id in ("1201", "1202"):
        flow = await open_room(hass, bookings)
        await submit_room(hass, flow, {"resource_id": resource_id})
    first, _ = bookings.subentries
    flow = await open_room(hass, bookings, first)
    flow = await submit_room(hass, flow, {"resource_id": "1201", "name": "Court"})
    assert flow["reason"] == "reconfigure_successful"
    flow = await open_room(hass, bookings, first)
    flow = await submit_room(hass, flow, {"resource_id": "1202"})
    assert flow["reason"] == "already_configured"
    assert bookings.subentries[first].title == "Court"


# While something is down


async def test_doors_stay_while_their_account_is_not_loaded(
    hass: HomeAssistant, bookings: ConfigEntry, doors: ConfigEntry
) -> None:
    """They are still there by their names, and kept."""
    flow = await open_room(hass, bookings)
    points = [f"{doors.entry_id}/{point}" for point in (ENTRANCE, SEMINAR)]
    await submit_room(hass, flow, {"resource_id": "1201", "access_points": points})
    before = room_of(bookings)
    await hass.config_entries.async_unload(doors.entry_id)
    await hass.async_block_till_done()

    flow = await open_room(hass, bookings, id_of(bookings))
    assert choices(flow, "access_points") == {
        points[0]: f"T01 Main entrance ({SITE})",
        points[1]: f"T02 Seminar room ({SITE})",
    }
    flow = await submit_room(
        hass, flow, fill(flow["data_schema"], suggestions(flow) | {"name": "Big hall"})
    )
    assert flow["reason"] == "reconfigure_successful"
    assert room_of(bookings) == before | {"name": "Big hall"}


async def test_locks_stay_while_their_account_is_not_loaded(
    hass: HomeAssistant, hall: ConfigEntry, locks: ConfigEntry
) -> None:
    """By the name that the lock shows."""
    before = room_of(hall)
    await hass.config_entries.async_unload(locks.entry_id)
    await hass.async_block_till_done()
    flow = await open_room(hass, hall, id_of(hall))
    assert list(choices(flow, "access_points").values()) == ["Front door"]
    await submit_room(hass, flow, fill(flow["data_schema"], suggestions(flow)))
    assert room_of(hall) == before


async def test_doors_of_an_account_that_was_removed(
    hass: HomeAssistant, bookings: ConfigEntry, doors: ConfigEntry
) -> None:
    """Nobody knows them any more; the form is no dead end all the same."""
    flow = await open_room(hass, bookings)
    point = f"{doors.entry_id}/{ENTRANCE}"
    await submit_room(hass, flow, {"resource_id": "1201", "access_points": [point]})
    await hass.config_entries.async_remove(doors.entry_id)
    await hass.async_block_till_done()
    flow = await open_room(hass, bookings, id_of(bookings))
    assert choices(flow, "access_points") == {point: point}
    flow = await submit_room(
        hass, flow, fill(flow["data_schema"], suggestions(flow) | {"name": "Court"})
    )
    assert flow["reason"] == "reconfigure_successful"
    flow = await open_room(hass, bookings, id_of(bookings))
    answers = suggestions(flow) | {"access_points": []}
    await submit_room(hass, flow, fill(flow["data_schema"], answers))
    assert room_of(bookings)["access_points"] == []


async def test_a_door_that_the_vendor_removed(
    hass: HomeAssistant,
    bookings: ConfigEntry,
    doors: ConfigEntry,
    exivo: ExivoSimulator,
) -> None:
    """It still shows in the room that had it, by its name."""
    flow = await open_room(hass, bookings)
    point = f"{doors.entry_id}/{SEMINAR}"
    await submit_room(hass, flow, {"resource_id": "1201", "access_points": [point]})
    exivo.control({"remove": [SEMINAR]})
    await hass.config_entries.async_reload(doors.entry_id)
    await hass.async_block_till_done()
    flow = await open_room(hass, bookings, id_of(bookings))
    assert choices(flow, "access_points")[point].startswith("T02 Seminar room")
    flow = await submit_room(
        hass, flow, fill(flow["data_schema"], suggestions(flow) | {"name": "Court"})
    )
    assert flow["reason"] == "reconfigure_successful"


@pytest.mark.parametrize("fault", ["500", "401", "429", "html", "reset"])
async def test_a_room_can_be_added_while_the_vendor_is_down(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator, fault: str
) -> None:
    """The form says why there is nothing to choose; an id can be typed."""
    winkas.fault(fault)
    flow = await open_room(hass, bookings)
    assert flow["errors"] == {"resource_id": "no_list"}
    assert choices(flow, "resource_id") == {}
    assert selector(flow, "resource_id")["custom_value"]
    flow = await submit_room(hass, flow, {"resource_id": " 1201 "})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert room_of(bookings)["resource_id"] == "1201"
    assert flow["title"] == "1201"


async def test_a_bug_of_ours_is_no_dead_end(
    hass: HomeAssistant, bookings: ConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even for the account that is just being connected."""
    with patch(f"{WINKAS}.list_resources", side_effect=RuntimeError("bug")):
        flow = await open_room(hass, bookings)
        assert flow["errors"] == {"resource_id": "no_list"}
        assert "RuntimeError: bug" in caplog.text
        flow = await submit_room(hass, flow, {"resource_id": "1201"})
    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_a_room_can_be_changed_while_the_vendor_is_down(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator
) -> None:
    """What is booked shows by the room's name, and nothing is lost."""
    flow = await open_room(hass, bookings)
    await submit_room(hass, flow, {"resource_id": "1201", "name": "Court"})
    winkas.fault("500")
    flow = await open_room(hass, bookings, id_of(bookings))
    assert flow["errors"] == {"resource_id": "no_other"}
    assert choices(flow, "resource_id") == {"1201": "Court"}
    flow = await submit_room(hass, flow, {"resource_id": "1201", "name": ""})
    assert flow["reason"] == "reconfigure_successful"
    assert room_of(bookings)["name"] == "Court"


async def test_a_room_whose_resource_is_gone_can_be_changed(
    hass: HomeAssistant, bookings: ConfigEntry, winkas: WinKasSimulator
) -> None:
    """It keeps what it has."""
    flow = await open_room(hass, bookings)
    await submit_room(hass, flow, {"resource_id": "1201"})
    winkas.control({"remove_resources": [1201]})
    flow = await open_room(hass, bookings, id_of(bookings))
    assert choices(flow, "resource_id")["1201"] == "Hal 1"
    flow = await submit_room(hass, flow, {"resource_id": "1201", "name": "Court"})
    assert flow["reason"] == "reconfigure_successful"


async def test_an_emptied_name_is_the_vendors(
    hass: HomeAssistant, bookings: ConfigEntry
) -> None:
    """As in the form of a new room."""
    flow = await open_room(hass, bookings)
    await submit_room(hass, flow, {"resource_id": "1201", "name": "Court"})
    flow = await open_room(hass, bookings, id_of(bookings))
    await submit_room(hass, flow, {"resource_id": "1201"})
    assert room_of(bookings)["name"] == "Hal 1"


async def test_an_account_that_is_not_loaded_can_have_rooms(
    hass: HomeAssistant, winkas: WinKasSimulator, bookings: ConfigEntry
) -> None:
    """It is asked all the same."""
    await hass.config_entries.async_unload(bookings.entry_id)
    flow = await open_room(hass, bookings)
    assert choices(flow, "resource_id")["1201"] == "Hal 1 (Nordby Hallen)"
    flow = await submit_room(hass, flow, {"resource_id": "1201"})
    assert flow["type"] is FlowResultType.CREATE_ENTRY


async def test_nothing_is_set_up_at_all(hass: HomeAssistant) -> None:
    """The form of a lone account that is disabled still opens."""
    entry = MockConfigEntry(
        domain=DOMAIN, data={"system": "ha_calendar", "entity_ids": ["calendar.hall"]}
    )
    entry.add_to_hass(hass)
    flow = await open_room(hass, entry)
    assert choices(flow, "resource_id") == {"calendar.hall": "calendar.hall"}
    assert choices(flow, "access_points") == {}


async def test_the_first_account_finds_no_doors(
    hass: HomeAssistant, winkas: WinKasSimulator
) -> None:
    """They can be chosen later; so the room's form works without."""
    flow = await open_form(hass, "booking_system", "winkas")
    flow = await submit(hass, flow, form_of(winkas))
    flow = await submit(hass, flow, {})
    _, flow_id = flow["next_flow"]
    room = await hass.config_entries.subentries.async_configure(flow_id)
    assert choices(room, "access_points") == {}
    room = await submit_room(hass, room, {"resource_id": "1201"})
    assert room["type"] is FlowResultType.CREATE_ENTRY
