"""The main job, for real: a booking in a calendar opens a door, and closes it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from demo.prepare import CALENDAR, add_account, add_local_calendar, wire_room

from .home_assistant import Door, HomeAssistant

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

LOCK = "lock.front_door"
MINUTE = timedelta(minutes=1)


async def furnish(home: HomeAssistant, *, lead: int) -> None:
    """Make the door that of a hall which is booked in a calendar."""
    await home.wait_for_state(LOCK, "locked")
    await add_local_calendar(home, "Hall")
    locks = await add_account(home, "access_system", "ha_locks", {"entity_ids": [LOCK]})
    hall = await add_account(
        home, "booking_system", "ha_calendar", {"entity_ids": [CALENDAR]}
    )
    room = {
        "access_points": [f"{locks}/{LOCK}"],
        "access": ["hold_open"],
        "access_lead": lead,
        "access_lag": 0,
    }
    await wire_room(home, hall, room)


async def book(home: HomeAssistant, start: datetime, end: datetime) -> None:
    """Book the hall."""
    await home.call_service(
        "calendar.create_event",
        entity_id=CALENDAR,
        summary="Choir practice",
        start_date_time=start.isoformat(),
        end_date_time=end.isoformat(),
    )


async def wait_until(instant: datetime) -> None:
    """Wait for an instant of the clock."""
    await asyncio.sleep((instant - datetime.now(UTC)).total_seconds())


def now() -> datetime:
    """Return the time to the second, as calendars know it."""
    return datetime.now(UTC).replace(microsecond=0)


def on_time(actual: datetime, wanted: datetime) -> bool:
    """Whether it was within a second; never before."""
    return timedelta() <= actual - wanted < timedelta(seconds=1)


def changed(state: dict[str, Any]) -> datetime:
    """Return when the state became what it is."""
    return datetime.fromisoformat(state["last_changed"])


async def test_the_door_is_open_while_it_should_be(
    home: HomeAssistant, door: Door
) -> None:
    """From the lead before the booking, to the second, to its end."""
    await furnish(home, lead=1)
    opens = now() + timedelta(seconds=8)
    start, end = opens + MINUTE, opens + MINUTE + timedelta(seconds=4)
    await book(home, start, end)

    state = await home.wait_for_state(LOCK, "unlocked")
    assert on_time(changed(state), opens)
    await wait_until(start)
    await home.wait_for_state("binary_sensor.hall_booked", "on")
    state = await home.wait_for_state(LOCK, "locked")
    assert on_time(changed(state), end)
    await home.wait_for_state("binary_sensor.hall_booked", "off")

    assert [name for name, _ in door.commands] == ["unlock", "lock"]
    assert on_time(door.commands[0][1], opens)
    assert on_time(door.commands[1][1], end)
    assert await home.stop() == 0


async def test_a_power_cut_inside_the_booking(home: HomeAssistant, door: Door) -> None:
    """The door still closes when the booking ends."""
    await furnish(home, lead=0)
    # As any installation has been since its last change: all stored.
    await home.stop()
    await home.start()
    start = now() + timedelta(seconds=5)
    end = start + timedelta(seconds=25)
    await book(home, start, end)
    await home.wait_for_state(LOCK, "unlocked")
    home.kill()
    await home.start()
    assert datetime.now(UTC) < end
    await wait_until(end)
    await home.wait_for_state(LOCK, "locked")
    # An unlock that was not noted as done before the power went is told again.
    *before, last = [name for name, _ in door.commands]
    assert (set(before), last) == ({"unlock"}, "lock")
    assert on_time(door.commands[0][1], start)
    assert on_time(door.commands[-1][1], end)


async def test_a_power_cut_over_the_end_of_the_booking(
    home: HomeAssistant, door: Door
) -> None:
    """The door closes as soon as Home Assistant is back."""
    await furnish(home, lead=0)
    await home.stop()
    await home.start()
    start = now() + timedelta(seconds=5)
    end = start + timedelta(seconds=4)
    await book(home, start, end)
    await home.wait_for_state(LOCK, "unlocked")
    home.kill()
    await wait_until(end)
    assert not door.locked
    await home.start()
    await home.wait_for_state(LOCK, "locked")
    assert door.commands[-1][0] == "lock"
