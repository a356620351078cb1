"""Home Assistant's calendars as a booking system, through a real local calendar."""

from datetime import UTC, datetime, timedelta
from typing import override
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.booking_systems.ha_calendar import HaCalendar
from custom_components.booking_access.engine.models import (
    BookingStatus,
    ConnectionFailed,
)
from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEvent,
    CalendarEventStatus,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er

from ..helpers import Hall, at, settle

NOW = datetime(2026, 3, 27, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> Hall:
    """A hall with a calendar and a lock, not yet a room."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    return hall


async def create(hass: HomeAssistant, calendar: str, **event: str) -> None:
    """Make an event as the dialogue does."""
    entity = hass.data["calendar"].get_entity(calendar)
    parse = (
        datetime.fromisoformat
        if "T" in event["dtstart"]
        else lambda day: datetime.fromisoformat(day).date()
    )
    event |= {"dtstart": parse(event["dtstart"]), "dtend": parse(event["dtend"])}
    await entity.async_create_event(**event)
    await entity.async_update_ha_state(force_refresh=True)


async def windows(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Return from when to when the room's bookings are, in UTC."""
    answer = await hass.services.async_call(
        "booking_access", "get_bookings", {}, blocking=True, return_response=True
    )
    return [(each["start"], each["end"]) for each in answer["rooms"][0]["bookings"]]


async def test_a_weekly_booking_keeps_its_local_hour_over_the_clock_change(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """18:00 in Copenhagen, in winter time and in summer time."""
    await hall.add_room()
    await create(
        hass,
        hall.calendar,
        summary="Choir",
        dtstart="2026-03-28T18:00:00+01:00",
        dtend="2026-03-28T20:00:00+01:00",
        rrule="FREQ=DAILY;COUNT=3",
    )
    await settle(hass, freezer)
    assert await windows(hass) == [
        ("2026-03-28T17:00:00+00:00", "2026-03-28T19:00:00+00:00"),
        ("2026-03-29T16:00:00+00:00", "2026-03-29T18:00:00+00:00"),
        ("2026-03-30T16:00:00+00:00", "2026-03-30T18:00:00+00:00"),
    ]


async def test_a_whole_day_is_one_of_where_home_assistant_is(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """The day of the clock change has 23 hours."""
    await hall.add_room()
    await create(
        hass, hall.calendar, summary="Fair", dtstart="2026-03-29", dtend="2026-03-30"
    )
    await settle(hass, freezer)
    assert await windows(hass) == [
        ("2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00")
    ]


async def test_a_new_booking_is_known_within_two_seconds(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Also one that is not the calendar's next, so that its state stays the same."""
    await hall.add_room()
    await hall.book(START, END)
    later = START + timedelta(days=2)
    await hass.services.async_call(
        "calendar",
        "create_event",
        {
            "entity_id": hall.calendar,
            "summary": "Yoga",
            "start_date_time": later.isoformat(),
            "end_date_time": (later + timedelta(hours=1)).isoformat(),
        },
        blocking=True,
    )
    await settle(hass, freezer)
    assert [start for start, _ in await windows(hass)] == [
        START.isoformat(),
        later.isoformat(),
    ]


async def test_rule_05_a_calendar_that_is_away_changes_nothing(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Its bookings stay in force, and end when they end."""
    await hall.add_room()
    await hall.book(START, END)
    hass.states.async_set(hall.calendar, "unavailable")
    await settle(hass, freezer)
    assert (
        hass.states.get("binary_sensor.home_assistant_calendars_connected").state
        == "off"
    )
    await at(hass, freezer, START)
    hass.states.async_set(hall.calendar, "unavailable")
    assert hass.states.get(hall.lock).state == "unlocked"
    await at(hass, freezer, END + timedelta(minutes=5))
    assert hass.states.get(hall.lock).state == "locked"


async def test_a_renamed_calendar_stays_the_same_room(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """And so does a renamed lock."""
    await hall.add_room()
    await hall.book(START, END)
    entity_registry.async_update_entity(hall.calendar, new_entity_id="calendar.gym")
    entity_registry.async_update_entity(hall.lock, new_entity_id="lock.side")
    await settle(hass, freezer)
    await at(hass, freezer, NOW + timedelta(minutes=2))
    assert (
        hass.states.get("binary_sensor.home_assistant_calendars_connected").state
        == "on"
    )
    assert await windows(hass) == [(START.isoformat(), END.isoformat())]
    await at(hass, freezer, START)
    assert hass.states.get("lock.side").state == "unlocked"


async def test_one_calendar_of_two_is_away(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """The answer is about the other one, and says so."""
    other = await hall.add_calendar("Gym")
    system = HaCalendar(hass, {"entity_ids": [hall.calendar, other]})
    ids = [resource.id for resource in await system.list_resources()]
    await hall.book(START, END, calendar=other)
    hass.states.async_set(hall.calendar, "unavailable")
    snapshot = await system.list_bookings(ids, NOW, NOW + timedelta(days=1))
    assert snapshot.missing == {ids[0]}
    assert [(b.resource_id, b.start, b.end) for b in snapshot.bookings] == [
        (ids[1], START, END)
    ]
    hass.states.async_set(other, "unavailable")
    with pytest.raises(ConnectionFailed):
        await system.list_bookings(ids, NOW, NOW + timedelta(days=1))


class Odd(CalendarEntity):
    """A calendar that numbers nothing, knows no zone, or does not answer."""

    _attr_name = "Odd"
    answers = True

    @property
    @override
    def event(self) -> None:
        """Nothing is on."""

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return a weekly event without an id."""
        if not self.answers:
            raise HomeAssistantError("gone fishing")
        start = datetime(2026, 3, 28, 18, tzinfo=ZoneInfo("Europe/Copenhagen"))
        week = CalendarEvent(
            start, start + timedelta(hours=1), "Choir", rrule="FREQ=WEEKLY"
        )
        maybe = CalendarEvent(start, start + timedelta(hours=2), "Yoga", uid="y")
        maybe.status = CalendarEventStatus.TENTATIVE
        naive = CalendarEvent(start, start + timedelta(hours=3), "Tea", uid="t")
        naive.start = naive.start.replace(tzinfo=None)
        return [week, maybe, naive]


async def test_calendars_that_do_as_they_like(hass: HomeAssistant, hall: Hall) -> None:
    """Each occurrence is a booking of its own, whatever the calendar numbers."""
    odd = Odd()
    await hass.data["calendar"].async_add_entities([odd])
    system = HaCalendar(hass, {"entity_ids": [odd.entity_id, hall.calendar]})
    window = (NOW, NOW + timedelta(days=7))
    snapshot = await system.list_bookings([odd.entity_id], *window)
    choir, yoga, tea = snapshot.bookings
    start = datetime(2026, 3, 28, 17, tzinfo=UTC)
    assert choir.id.endswith("/20260328T170000Z")
    assert yoga.status is BookingStatus.TENTATIVE
    assert [each.start for each in (choir, yoga, tea)] == [start] * 3
    odd.answers = False
    with pytest.raises(ConnectionFailed):
        await system.list_bookings([odd.entity_id], *window)
