"""Bookings that people here extend and end, seen at doors and in keys."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .halls import LAG, LEAD, Halls, booked
from .helpers import at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW + HOUR
END = START + 2 * HOUR

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Two halls and their doors, not yet connected."""
    async with Halls(hass, freezer) as halls:
        yield halls


def device(halls: Halls, room_id: str) -> str:
    """Return the device of a room."""
    found = dr.async_get(halls.hass).async_get_device_by_identifier(
        (DOMAIN, room_id), halls.bookings.entry_id
    )
    return found.id


async def act(halls: Halls, action: str, **data: Any) -> dict[str, Any]:
    """Call an action as a person would, and let what it starts happen."""
    answer = await halls.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    await settle(halls.hass, halls.freezer)
    return answer


async def refused(halls: Halls, action: str, **data: Any) -> tuple[str, dict[str, str]]:
    """Return why an action is refused, and what its text names."""
    with pytest.raises(ServiceValidationError) as err:
        await act(halls, action, **data)
    return err.value.translation_key, err.value.translation_placeholders or {}


async def restart(halls: Halls) -> None:
    """Stop Home Assistant's part of us, and start it from what is stored."""
    hass = halls.hass
    entries = [halls.doors, halls.bookings]
    for entry in entries:
        await hass.config_entries.async_unload(entry.entry_id)
    before = hass.data[DATA_HUB]
    before._async_stop()
    hub = hass.data[DATA_HUB] = type(before)(hass)
    await hub.async_start()
    for entry in entries:
        await hass.config_entries.async_setup(entry.entry_id)
    await settle(hass, halls.freezer)


async def test_an_extended_booking_keeps_its_doors_and_keys(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """To its new end, over a restart, whatever the vendor goes on to say."""
    await halls.connect(booked(START, END))
    room_id = await halls.add_hall("hold_open", "grant")
    room = device(halls, room_id)
    await at(hass, freezer, START)
    answer = await act(halls, "extend_booking", device_id=room, minutes=60)
    end = END + HOUR
    assert answer == {
        "room": "Hal 1",
        "booking_id": "1",
        "start": START.isoformat(),
        "end": end.isoformat(),
    }
    [key] = halls.keys
    assert (key.start, key.end) == (START - LEAD, end + LAG)
    shown = hass.states.get("sensor.hal_1_booking_end").state
    assert dt_util.parse_datetime(shown) == end
    await halls.synchronize()
    await at(hass, freezer, END + LAG + MINUTE)
    assert halls.mode() == "open"
    await restart(halls)
    assert halls.mode() == "open"
    assert [each.end for each in halls.keys] == [end + LAG]
    await at(hass, freezer, end + LAG - SECOND)
    assert halls.mode() == "open"
    await at(hass, freezer, end + LAG)
    assert halls.mode() == "normal"


async def test_an_extended_stay_outlasts_what_its_system_remembers(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Lists drop what is over for them; here it is not."""
    await halls.connect(booked(START, END))
    room = device(halls, await halls.add_hall("hold_open"))
    end = END + 2 * DAY
    await at(hass, freezer, START)
    await act(halls, "extend_booking", device_id=room, end=end.isoformat())
    await at(hass, freezer, END + DAY + HOUR)
    halls.winkas.control({"clear": True, "resources": [{"id": 1, "name": "Hal 1"}]})
    await halls.synchronize()
    await restart(halls)
    await halls.synchronize()
    plan = (await act(halls, "get_plan", device_id=room))["rooms"][0]["plan"]
    assert {line["effect"]: line["to"] for line in plan}["access"] == (
        end + LAG
    ).isoformat()
    assert halls.mode() == "open"
    await at(hass, freezer, end + LAG)
    assert halls.mode() == "normal"
    await at(hass, freezer, end + 2 * DAY)
    assert hass.data[DATA_HUB].accounts[halls.bookings.entry_id].altered == {}


async def test_the_booking_system_wins_once_it_changes_the_times(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """And does not lose again when it changes them back."""
    await halls.connect(booked(START, END))
    room = device(halls, await halls.add_hall("grant"))
    await act(halls, "extend_booking", device_id=room, minutes=60)
    await halls.book(booked(START, END, subject="Another name"))
    assert [key.end for key in halls.keys] == [END + HOUR + LAG]
    await halls.book(booked(START, END - HOUR))
    assert [key.end for key in halls.keys] == [END - HOUR + LAG]
    await halls.book(booked(START, END))
    assert [key.end for key in halls.keys] == [END + LAG]
    await act(halls, "extend_booking", device_id=room, minutes=30)
    [booking] = (await act(halls, "get_bookings"))["rooms"][0]["bookings"]
    assert booking["end"] == (END + 30 * MINUTE).isoformat()
    assert booking["own_end"] == END.isoformat()
    await act(halls, "extend_booking", device_id=room, end=END.isoformat())
    assert hass.data[DATA_HUB].accounts[halls.bookings.entry_id].altered == {}


async def test_an_ended_booking_lets_nobody_in_any_more(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """At once; light and the rest go on for their lag. It can be taken up again."""
    await halls.connect(booked(START, END))
    room_id = await halls.add_hall("hold_open", "grant", timing={"light_lag": 20})
    room = device(halls, room_id)
    await at(hass, freezer, START + HOUR)
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    answer = await act(halls, "end_booking", entity_id="calendar.hal_1_bookings")
    assert answer["end"] == (START + HOUR).isoformat()
    assert (halls.mode(), halls.keys) == ("normal", [])
    assert hass.states.get("binary_sensor.hal_1_booked").state == "off"
    assert hass.states.get("switch.hal_1_light").state == "on"
    await restart(halls)
    await halls.synchronize()
    assert (halls.mode(), halls.keys) == ("normal", [])
    await at(hass, freezer, START + HOUR + 20 * MINUTE - SECOND)
    assert hass.states.get("switch.hal_1_light").state == "on"
    await at(hass, freezer, START + HOUR + 20 * MINUTE)
    assert hass.states.get("switch.hal_1_light").state == "off"
    again = {"device_id": room, "booking_id": "1", "end": END.isoformat()}
    await act(halls, "extend_booking", **again)
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    await at(hass, freezer, END + MINUTE)
    await act(halls, "end_booking", device_id=room)
    assert (halls.mode(), halls.keys) == ("normal", [])


async def test_why_a_booking_cannot_be_extended_or_ended(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Each with what to do instead."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    await halls.connect(
        booked(START, END), booked(END + HOUR, END + 2 * HOUR, 2, subject="Next")
    )
    room = device(halls, await halls.add_hall("hold_open"))
    empty = device(halls, await halls.add_hall("hold_open", hall=2))
    extend = "extend_booking"
    assert await refused(halls, extend, minutes=5) == ("one_room", {})
    both = [room, empty]
    assert await refused(halls, extend, device_id=both, minutes=5) == ("one_room", {})
    wrong = {"entity_id": "sun.sun", "minutes": 5}
    assert await refused(halls, extend, **wrong) == (
        "not_a_room",
        {"device": "sun.sun"},
    )
    assert await refused(halls, extend, device_id=room) == ("end_missing", {})
    assert await refused(halls, extend, device_id=empty, minutes=5) == (
        "no_booking",
        {"room": "Hal 2"},
    )
    unknown = {"device_id": room, "booking_id": "9", "minutes": 5}
    assert await refused(halls, extend, **unknown) == (
        "booking_unknown",
        {"room": "Hal 1", "booking": "9"},
    )
    early = {"device_id": room, "end": START.isoformat()}
    assert await refused(halls, extend, **early) == (
        "end_too_early",
        {"room": "Hal 1"},
    )
    long = {"device_id": room, "minutes": 90}
    assert await refused(halls, extend, **long) == (
        "booked_again",
        {"room": "Hal 1", "start": "2026-11-22 11:00"},
    )
    assert await refused(halls, "end_booking", device_id=room) == (
        "not_booked_now",
        {"room": "Hal 1"},
    )
    await at(hass, freezer, START - LEAD)
    assert await refused(halls, "end_booking", device_id=room) == (
        "not_started",
        {"room": "Hal 1", "start": "2026-11-22 08:00"},
    )
    await act(halls, extend, force=True, **long)
    await at(hass, freezer, END + 90 * MINUTE + LAG)
    assert halls.mode() == "open"  # for the next booking


async def test_a_booking_without_an_end_is_given_one(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Minutes more than for ever are none."""
    row = {"Id": 1, "Start": "22-11-2026 08:00", "Stop": "31-12-9999 23:59:59"}
    halls.winkas.control({"raw": {"1": [{"ResourceCalendarbooking": row}]}})
    await halls.connect()
    room = device(halls, await halls.add_hall("hold_open"))
    await at(hass, freezer, START)
    longer = {"device_id": room, "minutes": 30}
    assert await refused(halls, "extend_booking", **longer) == (
        "booking_without_end",
        {"room": "Hal 1"},
    )
    await act(halls, "extend_booking", device_id=room, end=END.isoformat())
    await at(hass, freezer, END + LAG - SECOND)
    assert halls.mode() == "open"
    await at(hass, freezer, END + LAG)
    assert halls.mode() == "normal"
