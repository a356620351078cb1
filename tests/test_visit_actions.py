"""People who are let in and kept out by hand, seen in the keys at their access system."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from simulators.exivo_site import ENTRANCE, SEMINAR

from .halls import LAG, LEAD, Halls, booked
from .helpers import Hall, at
from .locks import MAKES
from .test_booking_actions import act, device, refused, restart
from .test_lock_codes import Site, guests

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW + HOUR
END = START + 2 * HOUR
BO = {"name": "Bo Craftsman", "phone": "20 99 88 77"}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Two halls and their doors, not yet connected."""
    async with Halls(hass, freezer) as halls:
        yield halls


def door(halls: Halls, point: str = SEMINAR) -> str:
    """Return the device of a door."""
    found = dr.async_get(halls.hass).async_get_device_by_identifier(
        (DOMAIN, f"{halls.doors.entry_id}/{point}"), halls.doors.entry_id
    )
    return found.id


async def access(halls: Halls, **data: Any) -> list[dict[str, Any]]:
    """Return all grants that an administrator is told of."""
    rooms = (await act(halls, "get_access", **data))["rooms"]
    return [each for room in rooms for each in room["access"]]


async def test_a_visitor_gets_a_key_and_nothing_else_happens(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    hass_read_only_user: MockUser,
) -> None:
    """To all doors of the room, for the time, whatever the room does for bookings."""
    await halls.connect()
    room = device(halls, await halls.add_hall("hold_open"))
    freezer.move_to(NOW)
    told = await act(halls, "grant_access", device_id=room, duration="01:00:00", **BO)
    [key] = halls.keys
    assert (key.start, key.end) == (NOW, NOW + HOUR)
    assert key.components == (ENTRANCE,)
    assert "4520998877" in str(key.posted)
    [grant] = told["access"]
    assert (told["room"], told["state"], grant["state"]) == (
        "Hal 1",
        "active",
        "active",
    )
    assert grant["code"] == key.posted["code"]
    assert grant["points"] == ["T01 Main entrance"]
    assert await access(halls, device_id=room) == told["access"]
    assert halls.mode() == "normal"
    assert hass.states.get("switch.hal_1_light").state == "off"
    assert hass.states.get("binary_sensor.hal_1_booked").state == "off"
    plan = (await act(halls, "get_plan", device_id=room))["rooms"][0]
    assert plan["plan"] == []
    assert [each["booking_id"] for each in plan["visits"]] == [told["booking_id"]]

    await restart(halls)
    assert halls.keys == [key]
    later = await halls.hass.services.async_call(
        DOMAIN,
        "grant_access",
        {"device_id": room, "start": START.isoformat(), "end": END.isoformat(), **BO},
        blocking=True,
        return_response=True,
        context=Context(user_id=hass_read_only_user.id),
    )
    assert (later["state"], later["access"]) == ("issued", [])
    assert [each.start for each in halls.keys] == [NOW, START]
    await at(hass, freezer, NOW + HOUR)
    assert [each.start for each in halls.keys] == [START]
    await at(hass, freezer, END + DAY + MINUTE)
    assert hass.data[DATA_HUB].by_hand.visits == {}


async def test_light_and_the_rest_follow_a_visitor_if_they_are_to(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """As for a booking, and together with those there are."""
    await halls.connect(booked(END, END + HOUR))
    timing = {"light_lead": 5, "light_lag": 20}
    room = device(halls, await halls.add_hall("grant", timing=timing))
    when = {"start": START.isoformat(), "end": END.isoformat()}
    told = await act(
        halls, "grant_access", device_id=room, appliances=True, **when, **BO
    )
    await at(hass, freezer, START - 15 * MINUTE - SECOND)
    assert hass.states.get("switch.hal_1_alarm").state == "on"
    await at(hass, freezer, START - 15 * MINUTE)
    assert hass.states.get("switch.hal_1_alarm").state == "off"
    await at(hass, freezer, START - 5 * MINUTE - SECOND)
    assert hass.states.get("switch.hal_1_light").state == "off"
    await at(hass, freezer, START - 5 * MINUTE)
    assert hass.states.get("switch.hal_1_light").state == "on"
    await at(hass, freezer, END + 20 * MINUTE)
    assert hass.states.get("switch.hal_1_light").state == "on"  # for the booking
    await at(hass, freezer, END + HOUR + 20 * MINUTE)
    assert hass.states.get("switch.hal_1_light").state == "off"
    assert told["state"] == "issued"


async def test_a_door_alone_and_its_key_is_taken_back(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """No room needs to have it. What cannot be taken back yet is said, and tried on."""
    await halls.connect()
    await halls.add_hall("hold_open")
    one = door(halls)
    told = await act(halls, "grant_access", device_id=one, duration="02:00:00", **BO)
    [key] = halls.keys
    assert key.components == (SEMINAR,)
    assert told["room"] == told["access"][0]["points"][0]
    assert await access(halls) == told["access"]
    assert await access(halls, device_id=one) == told["access"]
    assert await access(halls, device_id=door(halls, ENTRANCE)) == []
    gone = {"device_id": one, "booking_id": told["booking_id"]}
    other = {**gone, "device_id": door(halls, ENTRANCE)}
    assert (await refused(halls, "revoke_access", **other))[0] == "visit_unknown"
    await restart(halls)
    assert halls.keys == [key]
    halls.exivo.fault("500", path="/revoke")
    with pytest.raises(HomeAssistantError) as err:
        await hass.services.async_call(DOMAIN, "revoke_access", gone, blocking=True)
    assert err.value.translation_key == "not_revoked_yet"
    assert halls.keys == [key]
    halls.exivo.faults.clear()
    await halls.wait(30, 60)
    assert halls.keys == []
    assert (await refused(halls, "revoke_access", **gone))[0] == "visit_unknown"


async def test_a_blocked_booking_opens_nothing_until_it_is_granted_access_again(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Whatever its system goes on to say of it, and over a restart."""
    await halls.connect(booked(START, END))
    room = device(halls, await halls.add_hall("hold_open", "grant"))
    await at(hass, freezer, START)
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    one = {"device_id": room, "booking_id": "1"}
    await hass.services.async_call(DOMAIN, "revoke_access", one, blocking=True)
    assert (halls.mode(), halls.keys) == ("normal", [])
    assert hass.states.get("switch.hal_1_light").state == "off"
    await halls.book(booked(START, END + HOUR))
    await restart(halls)
    await halls.synchronize()
    assert (halls.mode(), halls.keys) == ("normal", [])
    [room_plan] = (await act(halls, "get_plan", device_id=room))["rooms"]
    assert [(e["stage"], e["rule"]) for e in room_plan["plan"]] == [
        ("refused", "blocked")
    ]
    [booking] = (await act(halls, "get_bookings", device_id=room))["rooms"][0][
        "bookings"
    ]
    assert booking["blocked"] is True
    assert (await refused(halls, "grant_access", **one, **BO))[0] == "booking_blocked"
    await act(halls, "grant_access", **one)
    assert (halls.mode(), [each.end for each in halls.keys]) == (
        "open",
        [END + HOUR + LAG],
    )
    assert (await refused(halls, "grant_access", **one))[0] == "not_blocked"


async def test_a_late_guest_of_a_booking(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Gets a key of the booking, follows it when it moves, and may be kept out again."""
    await halls.connect(booked(START, END))
    room = device(halls, await halls.add_hall("grant"))
    one = {"device_id": room, "booking_id": "1"}
    told = await act(halls, "grant_access", **one, **BO)
    assert (told["booking_id"], len(told["access"])) == ("1", 2)
    await act(halls, "grant_access", **one, name="Ida", phone="20 11 11 11")
    assert {(key.start, key.end) for key in halls.keys} == {(START - LEAD, END + LAG)}
    assert len(halls.keys) == 3
    await halls.book(booked(START, END + HOUR))
    await restart(halls)
    assert [key.end for key in halls.keys] == [END + HOUR + LAG] * 3
    nobody = await refused(halls, "revoke_access", **one, guest="20 12 34 56")
    assert nobody == ("guest_unknown", {"room": "Hal 1"})
    for guest in ("+4520998877", "ida"):
        await hass.services.async_call(
            DOMAIN, "revoke_access", {**one, "guest": guest}, blocking=True
        )
    [key] = halls.keys
    assert "4520123456" in str(key.posted)


async def test_why_somebody_cannot_be_let_in(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Each with what to do about it."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    await halls.connect(booked(START, END))
    room = device(halls, await halls.add_hall("hold_open"))
    bare = device(halls, await halls.add_hall(hall=2, doors=()))
    long = {"duration": "01:00:00"}
    here = {"device_id": room, **long, **BO}

    async def why(**data: Any) -> tuple[str, dict[str, str]]:
        return await refused(halls, "grant_access", **data)

    assert await why(**long, **BO) == ("one_place", {})
    assert await why(**{**here, "device_id": [room, bare]}) == ("one_place", {})
    assert await why(**{**here, "device_id": "x"}) == ("not_a_place", {"device": "x"})
    assert await why(**{**here, "device_id": bare}) == (
        "no_doors",
        {"room": "Hal 2"},
    )
    assert await why(device_id=room, **BO) == ("visit_without_end", {})
    over = {"device_id": room, "end": (NOW - HOUR).isoformat(), **BO}
    assert await why(**over) == ("visit_over", {"end": "2026-11-22 06:00"})
    assert await why(device_id=room, phone=BO["phone"], **long) == ("name_missing", {})
    assert await why(device_id=room, name="Bo", **long) == (
        "phone_missing",
        {"system": halls.doors.title},
    )
    assert (await why(**{**here, "phone": "20 99"}))[0] == "phone_invalid"
    one = {"device_id": room, "booking_id": "1"}
    assert await why(**one, **long, **BO) == ("booking_has_times", {"room": "Hal 1"})
    assert await why(**one, **BO) == ("booking_without_keys", {"room": "Hal 1"})
    assert (await why(**{**one, "booking_id": "9"}, **BO))[0] == "booking_unknown"
    assert (await why(**{**one, "device_id": door(halls)}, **BO))[0] == (
        "booking_needs_room"
    )
    halls.exivo.fault("404", path="/visit")
    with pytest.raises(HomeAssistantError) as err:
        await act(halls, "grant_access", **here)
    assert err.value.translation_key == "grant_refused"
    assert err.value.translation_placeholders["reason"] == (
        "Somebody did not get access"
    )
    assert hass.data[DATA_HUB].by_hand.visits == {}


@pytest.mark.usefixtures("hass_storage")
async def test_a_visitor_without_a_phone_gets_a_code_for_a_lock(
    hass: HomeAssistant, calendar: str, freezer: FrozenDateTimeFactory
) -> None:
    """It is told at once, and on the lock for as long as the visit lasts."""
    site = Site(hass, freezer, calendar, "")
    lock = MAKES["zwave_js"]()
    await site.connect("zwave_js", lock)
    await site.book(END, END + HOUR)
    answer = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    uid = answer["rooms"][0]["bookings"][0]["booking_id"]
    room = {"entity_id": "calendar.sports_hall_bookings"}
    when = {"start": START.isoformat(), "end": END.isoformat()}

    async def grant(**data: Any) -> dict[str, Any]:
        return await hass.services.async_call(
            DOMAIN, "grant_access", data, blocking=True, return_response=True
        )

    with pytest.raises(HomeAssistantError) as err:
        await grant(**room, booking_id=uid, name="Ida")
    assert err.value.translation_key == "contact_missing"
    told = await grant(**room, **when, name="Bo")
    [code] = [each["code"] for each in told["access"]]
    alone = await grant(entity_id=lock.entity_id, **when, name="Ida")
    [other] = [each["code"] for each in alone["access"]]
    await site.move_to(START - SECOND)
    assert guests(lock) == set()
    await site.move_to(START)
    assert guests(lock) == {code, other}
    await site.move_to(END - 11 * MINUTE)
    assert guests(lock) == {code, other}
    await hass.config_entries.async_remove(
        hass.config_entries.async_entries(DOMAIN)[1].entry_id
    )
    await site.move_to(END - 10 * MINUTE, 60)
    assert guests(lock) == {other}  # the room is gone, the door is not
    await site.move_to(END, 60)
    assert guests(lock) == set()


async def test_a_lock_that_knows_no_codes_is_named(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> None:
    """It may be named by its own entity, for it has no device of ours."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    registry_id = er.async_get(hass).async_get(lock).id
    assert registry_id
    with pytest.raises(HomeAssistantError) as err:
        await hass.services.async_call(
            DOMAIN,
            "grant_access",
            {"entity_id": lock, "duration": "01:00:00", **BO},
            blocking=True,
        )
    assert err.value.translation_key == "no_keys_there"
    assert err.value.translation_placeholders == {
        "room": "Front door",
        "system": hall.doors.title,
    }
