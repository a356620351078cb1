"""From a booking in a calendar to an open door, and back."""

from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.core import HomeAssistant

from .helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)

pytestmark = pytest.mark.freeze_time(NOW)


async def book(
    hass: HomeAssistant,
    calendar: str,
    start: datetime,
    end: datetime,
    name: str = "Badminton",
) -> None:
    """Make a booking in a calendar."""
    await hass.services.async_call(
        "calendar",
        "create_event",
        {
            "entity_id": calendar,
            "summary": name,
            "start_date_time": start.isoformat(),
            "end_date_time": end.isoformat(),
        },
        blocking=True,
    )


async def hall(hass: HomeAssistant, calendar: str, lock: str) -> None:
    """Set a hall up: its calendar, its lock, and the room between them."""
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    bookings = await add_account(
        hass, "booking_system", "ha_calendar", {"entity_ids": [calendar]}
    )
    await add_room(
        hass,
        bookings,
        {
            "resource_id": calendar,
            "name": "Sports hall",
            "access_points": [f"{doors.entry_id}/{lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        },
    )


async def test_the_door_follows_the_booking(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> None:
    """The door opens at the lead, stays open, and closes at the lag."""
    await hall(hass, calendar, lock)
    start = NOW + timedelta(hours=1)
    end = start + timedelta(hours=2)
    await book(hass, calendar, start, end)
    await settle(hass, freezer)
    assert (
        hass.states.get("calendar.sports_hall_bookings").attributes["message"]
        == "Badminton"
    )
    assert hass.states.get(lock).state == "locked"
    assert hass.states.get("sensor.sports_hall_access_status").state == "ready"

    await at(hass, freezer, start - timedelta(minutes=10, seconds=1))
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, start - timedelta(minutes=10))
    assert hass.states.get(lock).state == "unlocked"
    assert hass.states.get("binary_sensor.sports_hall_access_window").state == "on"
    assert hass.states.get("binary_sensor.sports_hall_booked").state == "off"
    assert hass.states.get("sensor.sports_hall_access_status").state == "active"
    await settle(hass, freezer)
    assert hass.states.get("lock.sports_hall_door").state == "unlocked"
    await at(hass, freezer, start)
    assert hass.states.get("binary_sensor.sports_hall_booked").state == "on"
    await at(hass, freezer, end + timedelta(minutes=5, seconds=-1))
    assert hass.states.get(lock).state == "unlocked"
    await at(hass, freezer, end + timedelta(minutes=5))
    assert hass.states.get(lock).state == "locked"
    assert hass.states.get("binary_sensor.sports_hall_access_window").state == "off"
    assert hass.states.get("sensor.sports_hall_access_status").state == "idle"
