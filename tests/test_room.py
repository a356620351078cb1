"""What a room does, and what it leaves to people."""

import asyncio
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_fire_time_changed,
    async_mock_service,
)

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.store import LedgerStore
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.setup import async_setup_component
from simulators.unilock import UniLockSimulator

from .flows import fill, open_form, submit
from .helpers import Hall, add_account, add_room, at, settle, turns_true

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> Hall:
    """A hall with a calendar and a lock, not yet a room."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    return hall


@pytest.fixture
async def helpers(hass: HomeAssistant) -> None:
    """Switches that stand for an alarm, a light and a fan, and the lock's own."""
    names = ("alarm", "light", "fan", "front_door_open")
    await async_setup_component(
        hass, "input_boolean", {"input_boolean": {name: {} for name in names}}
    )
    await hass.async_block_till_done()


async def set_helper(hass: HomeAssistant, name: str, *, on: bool) -> None:
    """Flip a switch as a person would."""
    await hass.services.async_call(
        "input_boolean",
        "turn_on" if on else "turn_off",
        {"entity_id": f"input_boolean.{name}"},
        blocking=True,
    )


async def press_lock(hass: HomeAssistant, lock: str, action: str) -> None:
    """Lock or unlock as a person would."""
    await hass.services.async_call("lock", action, {"entity_id": lock}, blocking=True)


async def test_rule_11_a_person_who_locks_up_wins_until_the_next_booking(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """The sweep never fights people; the next booking opens again."""
    await hall.add_room()
    await hall.book(START, END)
    await hall.book(END, END + timedelta(hours=1))
    await at(hass, freezer, START - LEAD)
    assert hass.states.get(hall.lock).state == "unlocked"

    await press_lock(hass, hall.lock, "lock")
    for minutes in range(1, 30, 3):
        await at(hass, freezer, START + timedelta(minutes=minutes))
        assert hass.states.get(hall.lock).state == "locked"

    await at(hass, freezer, END - LEAD)
    assert hass.states.get(hall.lock).state == "unlocked"
    await at(hass, freezer, END + LAG)
    assert hass.states.get(hall.lock).state == "unlocked"
    await at(hass, freezer, END + timedelta(hours=1) + LAG)
    assert hass.states.get(hall.lock).state == "locked"


async def test_rule_11_a_person_who_unlocks_outside_a_booking_wins(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Nothing closes what no booking opened."""
    await hall.add_room()
    await press_lock(hass, hall.lock, "unlock")
    await at(hass, freezer, NOW + timedelta(minutes=20))
    assert hass.states.get(hall.lock).state == "unlocked"


async def test_rule_07_a_shared_door_closes_after_the_later_booking(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Two rooms behind one door: it closes once both are done."""
    other = await hall.add_calendar("Gym")
    await hall.add_room()
    await hall.add_room(other, "Gym")
    await hall.book(START, END)
    await hall.book(
        START + timedelta(hours=1), END + timedelta(hours=1), calendar=other
    )
    await at(hass, freezer, START - LEAD)
    assert hass.states.get(hall.lock).state == "unlocked"
    await at(hass, freezer, END + LAG)
    assert hass.states.get(hall.lock).state == "unlocked"
    assert hass.states.get("binary_sensor.sports_hall_access_window").state == "off"
    assert hass.states.get("binary_sensor.gym_access_window").state == "on"
    await at(hass, freezer, END + timedelta(hours=1) + LAG)
    assert hass.states.get(hall.lock).state == "locked"


@pytest.mark.usefixtures("helpers")
async def test_rule_16_appliances_follow_and_are_put_back(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Each with its own lead and lag; the alarm was armed, so it is armed again."""
    await set_helper(hass, "alarm", on=True)
    await hall.add_room(
        timing={
            "alarm_lead": 20,
            "light_lag": 1,
            "ventilation_lead": 30,
            "ventilation_lag": 0,
        },
        appliances={
            "alarm": "input_boolean.alarm",
            "lights": ["input_boolean.light"],
            "ventilation": ["input_boolean.fan"],
        },
    )
    await hall.book(START, END)

    def states() -> tuple[str, ...]:
        names = ("alarm", "light", "fan")
        linked = [hass.states.get(f"input_boolean.{name}").state for name in names]
        own = ("alarm", "light", "ventilation")
        shown = [hass.states.get(f"switch.sports_hall_{name}").state for name in own]
        assert linked == shown
        return tuple(linked)

    await settle(hass, freezer)
    assert states() == ("on", "off", "off")
    await at(hass, freezer, START - timedelta(minutes=30))
    assert states() == ("on", "off", "on")
    await at(hass, freezer, START - timedelta(minutes=20))
    assert states() == ("off", "off", "on")
    await at(hass, freezer, START - timedelta(minutes=15))
    assert states() == ("off", "on", "on")
    await at(hass, freezer, END)
    assert states() == ("off", "on", "off")
    await at(hass, freezer, END + timedelta(minutes=1))
    assert states() == ("off", "off", "off")
    await at(hass, freezer, END + timedelta(minutes=15))
    assert states() == ("on", "off", "off")


@pytest.mark.usefixtures("helpers")
async def test_rule_16_what_a_person_changed_is_left_alone(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """An alarm that was off stays off; a light that was on stays on."""
    await set_helper(hass, "light", on=True)
    await hall.add_room(
        appliances={
            "alarm": "input_boolean.alarm",
            "lights": ["input_boolean.light"],
            "ventilation": ["input_boolean.fan"],
        },
    )
    await hall.book(START, END)
    await at(hass, freezer, START)
    assert hass.states.get("input_boolean.fan").state == "on"
    await set_helper(hass, "fan", on=False)
    await set_helper(hass, "fan", on=True)  # looks as we left it, and goes back
    await set_helper(hass, "alarm", on=True)  # the caretaker arms it early
    await at(hass, freezer, END + timedelta(hours=1))
    assert hass.states.get("input_boolean.alarm").state == "on"
    assert hass.states.get("input_boolean.light").state == "on"
    assert hass.states.get("input_boolean.fan").state == "off"


@pytest.mark.usefixtures("helpers", "hass_storage")
async def test_rule_10_a_lock_that_shows_what_it_was_before_a_start_is_told_again(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """That it shows locked answers nothing: the bolt is still out."""
    await hall.add_room()
    await hall.book(START, END)
    await at(hass, freezer, START)
    assert hass.states.get("input_boolean.front_door_open").state == "on"
    before = hass.data.pop(DATA_HUB)
    before._async_stop()
    for entry in hass.config_entries.async_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)
    freezer.move_to(END + LAG)

    hub = hass.data[DATA_HUB] = type(before)(hass)
    await hub.async_start()
    await hass.async_block_till_done()
    hass.states.async_set(hall.lock, "locked")
    await hass.config_entries.async_setup(hall.doors.entry_id)
    await settle(hass, freezer)
    assert hass.states.get("input_boolean.front_door_open").state == "off"


@pytest.mark.usefixtures("helpers")
async def test_rule_08_a_slow_disk_keeps_nothing_waiting_that_was_written_ahead(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """When the time comes, alarm, door and light need no writing first."""
    await set_helper(hass, "alarm", on=True)
    await hall.add_room(
        timing={"alarm_lead": 10, "light_lead": 10},
        appliances={
            "alarm": "input_boolean.alarm",
            "lights": ["input_boolean.light"],
        },
    )
    await hall.book(START, END)
    await at(hass, freezer, START - LEAD - timedelta(minutes=2))
    disk = asyncio.Event()

    async def save(_: LedgerStore) -> None:
        await disk.wait()

    with patch.object(LedgerStore, "async_save", save):
        freezer.move_to(START - LEAD)
        async_fire_time_changed(hass, START - LEAD)
        for entity_id, state in (
            ("input_boolean.alarm", "off"),
            (hall.lock, "unlocked"),
            ("input_boolean.light", "on"),
        ):
            assert await turns_true(lambda: hass.states.get(entity_id).state == state)  # noqa: B023 - awaited within the turn
        disk.set()
        await hass.async_block_till_done()


@pytest.mark.usefixtures("helpers")
async def test_rule_16_a_door_waits_for_an_alarm_that_was_armed_at_the_last_moment(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """That is to be written down before the alarm goes off, and the door opens after it."""
    await hall.add_room(
        timing={"alarm_lead": 10}, appliances={"alarm": "input_boolean.alarm"}
    )
    await hall.book(START, END)
    await at(hass, freezer, START - LEAD - timedelta(minutes=2))
    await set_helper(hass, "alarm", on=True)
    order = []
    async_track_state_change_event(
        hass,
        ["input_boolean.alarm", hall.lock],
        callback(lambda event: order.append(event.data["entity_id"])),
    )
    disk, save = asyncio.Event(), LedgerStore.async_save

    async def save_late(store: LedgerStore) -> None:
        await disk.wait()
        await save(store)

    with patch.object(LedgerStore, "async_save", save_late):
        freezer.move_to(START - LEAD)
        async_fire_time_changed(hass, START - LEAD)
        assert not await turns_true(lambda: bool(order))
        disk.set()
        await hass.async_block_till_done()
    assert order == ["input_boolean.alarm", hall.lock]
    await at(hass, freezer, END + timedelta(hours=1))
    assert hass.states.get("input_boolean.alarm").state == "on"


@pytest.mark.usefixtures("helpers")
async def test_rule_16_what_a_person_changed_just_before_is_what_to_go_back_to(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Although another state was written down ahead."""
    await set_helper(hass, "alarm", on=True)
    await hall.add_room(
        appliances={
            "alarm": "input_boolean.alarm",
            "lights": ["input_boolean.light"],
            "ventilation": ["input_boolean.fan"],
        },
    )
    await hall.book(START, END)
    await at(hass, freezer, START - timedelta(minutes=17))
    await set_helper(hass, "light", on=True)
    await set_helper(hass, "alarm", on=False)
    await at(hass, freezer, START)
    await at(hass, freezer, END + timedelta(hours=1))
    assert hass.states.get("input_boolean.light").state == "on"
    assert hass.states.get("input_boolean.alarm").state == "off"
    assert hass.states.get("input_boolean.fan").state == "off"


@pytest.mark.usefixtures("helpers")
async def test_rule_11_the_switches_work_by_hand_with_what_is_linked(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """A flip stands until the next edge of a booking."""
    await hall.add_room(appliances={"lights": ["input_boolean.light"]})
    await hall.book(START, END)
    await hass.services.async_call(
        "switch", "turn_on", {"entity_id": "switch.sports_hall_light"}, blocking=True
    )
    await settle(hass, freezer)
    assert hass.states.get("switch.sports_hall_light").state == "on"
    assert hass.states.get("input_boolean.light").state == "on"
    await at(hass, freezer, START)
    await hass.services.async_call(
        "switch", "turn_off", {"entity_id": "switch.sports_hall_light"}, blocking=True
    )
    await at(hass, freezer, START + timedelta(minutes=30))
    assert hass.states.get("switch.sports_hall_light").state == "off"
    assert hass.states.get("input_boolean.light").state == "off"


async def test_a_room_without_doors_has_a_lock_that_follows_the_booking(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """So that dashboards and automations can follow it."""
    await hall.add_room(access_points=[])
    await hall.book(START, END)
    await settle(hass, freezer)
    assert hass.states.get("lock.sports_hall_door").state == "locked"
    await at(hass, freezer, START - LEAD)
    await settle(hass, freezer)
    assert hass.states.get("lock.sports_hall_door").state == "unlocked"
    await press_lock(hass, "lock.sports_hall_door", "lock")
    await at(hass, freezer, START + timedelta(minutes=5))
    assert hass.states.get("lock.sports_hall_door").state == "locked"
    await press_lock(hass, "lock.sports_hall_door", "unlock")
    await at(hass, freezer, END + LAG)
    await settle(hass, freezer)
    assert hass.states.get("lock.sports_hall_door").state == "locked"


async def test_the_room_lock_operates_all_doors(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """By hand, at any time."""
    await hall.add_room()
    await press_lock(hass, "lock.sports_hall_door", "unlock")
    await settle(hass, freezer)
    assert hass.states.get(hall.lock).state == "unlocked"
    assert hass.states.get("lock.sports_hall_door").state == "unlocked"
    await press_lock(hass, "lock.sports_hall_door", "lock")
    await settle(hass, freezer)
    assert hass.states.get(hall.lock).state == "locked"
    assert hass.states.get("lock.sports_hall_door").state == "locked"


async def test_rule_04_a_booking_deleted_while_it_runs_closes_the_door(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """A calendar is authoritative: gone is cancelled, at once."""
    await hall.add_room()
    uid = await hall.book(START, END)
    await at(hass, freezer, START)
    assert hass.states.get(hall.lock).state == "unlocked"
    await hall.delete(uid)
    await settle(hass, freezer)
    assert hass.states.get(hall.lock).state == "locked"


async def test_rule_10_a_door_that_does_not_close_is_told_again(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """An unavailable lock is closed as soon as it is back."""
    await hall.add_room()
    await hall.book(START, END)
    await at(hass, freezer, START)
    state = hass.states.get(hall.lock)
    hass.states.async_set(hall.lock, "unavailable")
    await at(hass, freezer, END + LAG)
    for seconds in (10, 20, 40):
        await at(hass, freezer, END + LAG + timedelta(seconds=seconds))
    assert hass.states.get("binary_sensor.sports_hall_attention").attributes[
        "reasons"
    ] == ["door_failed"]
    assert hass.states.get("sensor.sports_hall_access_status").state == "attention"
    hass.states.async_set(hall.lock, "unlocked", state.attributes)
    await settle(hass, freezer)
    assert hass.states.get("input_boolean.front_door_open").state == "off"
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.sports_hall_attention").state == "off"


async def test_an_event_tells_each_thing_once(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """From the booking to the closed door, in order."""
    await hall.add_room()
    told: list[str] = []

    @callback
    def tell(event: Event[EventStateChangedData]) -> None:
        if kind := event.data["new_state"].attributes.get("event_type"):
            told.append(kind)

    async_track_state_change_event(hass, "event.sports_hall_booking", tell)
    await hall.book(START, END)
    await settle(hass, freezer)
    for instant in (START - LEAD, START, END, END + LAG, END + timedelta(hours=1)):
        await at(hass, freezer, instant)
    assert told == [
        "booking_created",
        "access_opened",
        "booking_started",
        "booking_ended",
        "access_closed",
    ]


async def test_rule_09_a_failing_light_does_not_keep_the_door_shut(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """One thing that fails never delays another."""
    hass.states.async_set("light.broken", "unavailable")
    calls = async_mock_service(hass, "light", "turn_on")
    await hall.add_room(appliances={"lights": ["light.broken"]})
    await hall.book(START, END)
    await at(hass, freezer, START)
    assert hass.states.get(hall.lock).state == "unlocked"
    await at(hass, freezer, START + timedelta(seconds=30))
    await at(hass, freezer, START + timedelta(minutes=1))
    assert (
        "light_failed"
        in (
            hass.states.get("binary_sensor.sports_hall_attention").attributes["reasons"]
        )
    )
    assert not calls
    hass.states.async_set("light.broken", "off")
    await settle(hass, freezer)
    assert calls[0].data["entity_id"] == "light.broken"


@pytest.mark.usefixtures("socket_enabled")
async def test_a_room_with_a_door_that_only_opens_for_a_moment(
    hass: HomeAssistant, calendar: str, lock: str
) -> None:
    """Its lock opens it for that moment, and keeps the other one unlocked."""
    locks = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    opens = {"door_open": {"path": "doors/{id}/open", "body": {"seconds": "{seconds}"}}}
    async with UniLockSimulator() as unilock:
        flow = await open_form(hass, "access_system", "unilock")
        given = dict(unilock.credentials())
        flow = await submit(hass, flow, {"transport": "web_api"})
        answers = fill(flow["data_schema"], {**given, "profile": opens})
        entry = (await submit(hass, flow, answers))["result"]
        account = await add_account(
            hass, "booking_system", "ha_calendar", {"entity_ids": [calendar]}
        )
        form = {
            "resource_id": calendar,
            "name": "Hall",
            "access_points": [f"{entry.entry_id}/door:102", f"{locks.entry_id}/{lock}"],
            "access": [],
        }
        await add_room(hass, account, form)
        room = {"entity_id": "lock.hall_door"}
        await hass.services.async_call("lock", "unlock", room, blocking=True)
        assert [door for door, _ in unilock.site.opened] == ["102"]
        assert hass.states.get(lock).state == "unlocked"
        await hass.services.async_call("lock", "lock", room, blocking=True)
        assert hass.states.get(lock).state == "locked"
        await hass.services.async_call("lock", "open", room, blocking=True)
        assert [door for door, _ in unilock.site.opened] == ["102", "102"]
        assert hass.states.get(lock).state == "locked"
