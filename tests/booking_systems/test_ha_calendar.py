"""Home Assistant's calendars as a booking system, through a real local calendar."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, override
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.booking_access.booking_systems.ha_calendar import HaCalendar
from custom_components.booking_access.engine.models import (
    BookingStatus,
    ConnectionFailed,
)
from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityFeature,
    CalendarEvent,
    CalendarEventStatus,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from simulators.icalendar import ICalendarSimulator

from ..helpers import Hall, add_account, at, settle

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


# Changes, as the calendar's dialogue makes them

ROOM = "calendar.sports_hall_bookings"


class Dialogue:
    """The dialogue of one calendar in the browser."""

    def __init__(self, hall: Hall, client: Any, calendar: str) -> None:
        """Open it."""
        self.hall = hall
        self.client = client
        self.calendar = calendar

    async def ask(self, command: str, **message: Any) -> dict[str, Any]:
        """Send what the dialogue sends, and let two seconds pass."""
        message |= {"type": f"calendar/event/{command}", "entity_id": self.calendar}
        await self.client.send_json_auto_id(message)
        answer = await self.client.receive_json()
        await settle(self.hall.hass, self.hall.freezer)
        return answer

    async def shown(self) -> list[CalendarEvent]:
        """Return the events of two weeks, as they are shown."""
        entity = self.hall.hass.data["calendar"].get_entity(self.calendar)
        return await entity.async_get_events(
            self.hall.hass, NOW, NOW + timedelta(days=14)
        )


@pytest.fixture(params=["source", "room"])
async def dialogue(
    request: pytest.FixtureRequest,
    hass: HomeAssistant,
    hall: Hall,
    hass_ws_client: WebSocketGenerator,
    socket_enabled: None,
) -> Dialogue:
    """The dialogue of the calendar itself, and that of its room's calendar."""
    await hall.add_room()
    await settle(hass, hall.freezer)
    calendar = ROOM if request.param == "room" else hall.calendar
    return Dialogue(hall, await hass_ws_client(hass), calendar)


def event(start: datetime, end: datetime, **more: Any) -> dict[str, Any]:
    """Return an event as the dialogue sends it."""
    times = {"dtstart": start.isoformat(), "dtend": end.isoformat()}
    return {"summary": "Badminton", **times, **more}


async def test_made_changed_and_deleted_within_two_seconds(
    hass: HomeAssistant, hall: Hall, dialogue: Dialogue, freezer: FrozenDateTimeFactory
) -> None:
    """In the calendar, in its room's calendar, and at the door."""
    made = event(START, END, description="Bring shoes", location="Door 2")
    assert (await dialogue.ask("create", event=made))["success"]
    assert await windows(hass) == [(START.isoformat(), END.isoformat())]
    [shown] = await dialogue.shown()

    start = NOW + timedelta(minutes=5)  # now within the lead
    changed = event(start, END, summary="Tennis", description="", location="Door 2")
    if dialogue.calendar == hall.calendar:
        changed["description"] = "Bring shoes"
    assert (await dialogue.ask("update", uid=shown.uid, event=changed))["success"]
    assert await windows(hass) == [(start.isoformat(), END.isoformat())]
    assert hass.states.get(hall.lock).state == "unlocked"
    assert hass.states.get(ROOM).attributes["message"] == "Tennis"
    source = hass.data["calendar"].get_entity(hall.calendar)
    [kept] = await source.async_get_events(hass, NOW, END)
    assert (kept.description, kept.location) == ("Bring shoes", "Door 2")

    [shown] = await dialogue.shown()
    assert (await dialogue.ask("delete", uid=shown.uid))["success"]
    assert await windows(hass) == []
    assert hass.states.get(hall.lock).state == "locked"
    assert await source.async_get_events(hass, NOW, END) == []


async def test_one_of_a_series_is_changed_and_another_deleted(
    hass: HomeAssistant, hall: Hall, dialogue: Dialogue
) -> None:
    """What is shown in a room's calendar is one booking, and so is what is changed."""
    weekly = event(START, END, rrule="FREQ=WEEKLY;COUNT=2")
    days = [timedelta(days=7 * number) for number in range(2)]
    assert (await dialogue.ask("create", event=weekly))["success"]
    local = [timedelta(), timedelta(days=7, hours=-1)]  # the clocks change in between
    assert await windows(hass) == [
        ((START + each).isoformat(), (END + each).isoformat()) for each in local
    ]
    first, second = await dialogue.shown()
    later = event(START + days[1], END + days[1] + timedelta(hours=1))
    answer = await dialogue.ask(
        "update", uid=second.uid, recurrence_id=second.recurrence_id, event=later
    )
    assert answer["success"], answer
    first, second = await dialogue.shown()
    answer = await dialogue.ask(
        "delete", uid=first.uid, recurrence_id=first.recurrence_id
    )
    assert answer["success"], answer
    assert await windows(hass) == [(later["dtstart"], later["dtend"])]


async def test_a_booking_made_by_an_automation(hass: HomeAssistant, hall: Hall) -> None:
    """Home Assistant's own action works on a room, too."""
    await hall.add_room()
    await settle(hass, hall.freezer)
    await hass.services.async_call(
        "calendar",
        "create_event",
        {
            "entity_id": ROOM,
            "summary": "Yoga",
            "start_date_time": START.isoformat(),
            "end_date_time": END.isoformat(),
        },
        blocking=True,
    )
    await settle(hass, hall.freezer)
    assert await windows(hass) == [(START.isoformat(), END.isoformat())]


def can(hass: HomeAssistant, calendar: str) -> CalendarEntityFeature:
    """Return what a calendar's dialogue offers."""
    state = hass.states.get(calendar)
    return CalendarEntityFeature(state.attributes.get("supported_features", 0))


async def test_a_room_offers_what_its_calendar_does(
    hass: HomeAssistant, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing while it is away, and no more than it can."""
    await hall.add_room()
    await settle(hass, hall.freezer)
    assert can(hass, ROOM) == can(hass, hall.calendar) == CalendarEntityFeature(7)
    source = hass.data["calendar"].get_entity(hall.calendar)
    monkeypatch.setattr(
        source, "_attr_supported_features", CalendarEntityFeature.CREATE_EVENT
    )
    other = NOW + timedelta(days=1)
    await hall.book(other, other + timedelta(hours=1))
    assert can(hass, ROOM) is CalendarEntityFeature.CREATE_EVENT
    entry = hass.config_entries.async_entries("local_calendar")[0]
    await hass.config_entries.async_unload(entry.entry_id)
    await at(hass, hall.freezer, NOW + timedelta(minutes=2))
    assert can(hass, ROOM) == CalendarEntityFeature(0)


async def test_a_feed_is_not_written_to(
    hass: HomeAssistant, hall: Hall, socket_enabled: None
) -> None:
    """Its room's calendar only shows."""
    async with ICalendarSimulator() as feed:
        form = {"url": f"{feed.url}/calendar.ics"}
        await add_account(hass, "booking_system", "icalendar", form, ["calendar"])
    [room] = [
        s for s in hass.states.async_all("calendar") if s.entity_id != hall.calendar
    ]
    assert can(hass, room.entity_id) == CalendarEntityFeature(0)


async def test_a_booking_that_was_just_deleted_elsewhere(
    hass: HomeAssistant, hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said, and nothing else is touched."""
    await hall.add_room()
    await hall.book(START, END)
    entity = hass.data["calendar"].get_entity(ROOM)
    [shown] = await entity.async_get_events(hass, NOW, END)
    await hall.delete(shown.uid.partition("/")[2])
    for call in (
        entity.async_delete_event(shown.uid),
        entity.async_delete_event("no such booking"),
        entity.async_update_event(shown.uid, event(START, END)),
    ):
        with pytest.raises(HomeAssistantError) as caught:
            await call
        assert caught.value.translation_key == "booking_not_changed"
    monkeypatch.setattr(hass.data["calendar"], "get_entity", lambda _: None)
    with pytest.raises(HomeAssistantError):
        await entity.async_create_event(**event(START, END))


async def test_an_event_that_has_another_id_now(
    hass: HomeAssistant, hall: Hall
) -> None:
    """Some calendars give it another one when it is changed; the booking is the same."""
    system = HaCalendar(hass, {"entity_ids": [hall.calendar]})
    [resource] = await system.list_resources()
    await hall.book(START, END)
    await hall.book(START, END, name="Tennis")
    window = (NOW, NOW + timedelta(days=1))
    bookings = (await system.list_bookings([resource.id], *window)).bookings
    badminton = next(each for each in bookings if each.summary == "Badminton")
    await system.cancel_booking(replace(badminton, id="as it was before"), None)
    [left] = (await system.list_bookings([resource.id], *window)).bookings
    assert left.summary == "Tennis"
