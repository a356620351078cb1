"""Doors at the right instant: nights of the clock change, zones, and clocks that jump."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
import time
from typing import Any, NamedTuple
from unittest.mock import AsyncMock
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.booking_access.const import SWEEP
from homeassistant.components.calendar import CalendarEvent
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE
from simulators.icalendar import ICalendarSimulator
from simulators.winkas import WinKasSimulator

from .helpers import Hall, add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW + HOUR
END = START + 2 * HOUR
LEAD = 10 * MINUTE
LAG = 5 * MINUTE
HALL_1 = 1201
TIMING = {"access_lead": 10, "access_lag": 5}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Span(NamedTuple):
    """What the clock on the wall shows at a booking's ends, and what that means."""

    start: str
    end: str
    begins: str
    ends: str


def span(*times: str) -> Span:
    """Read the times of a span, all in 2026."""
    return Span(*(f"2026-{each}:00" for each in times))


# In Europe the clock goes from 02:00 to 03:00 on 29 March, at 01:00 UTC, and from
# 03:00 back to 02:00 on 25 October, at 01:00 UTC.
EUROPEAN_NIGHTS = {
    "lead": (
        span("03-29T03:05", "03-29T05:00", "03-29T01:05", "03-29T03:00"),
        span("10-25T03:05", "10-25T05:00", "10-25T02:05", "10-25T04:00"),
    ),
    "lag": (
        span("03-29T00:30", "03-29T01:58", "03-28T23:30", "03-29T00:58"),
        span("10-25T00:30", "10-25T01:58", "10-24T22:30", "10-24T23:58"),
    ),
    "start": (
        span("03-29T02:30", "03-29T04:30", "03-29T01:30", "03-29T02:30"),
        span("10-25T02:30", "10-25T04:00", "10-25T00:30", "10-25T03:00"),
    ),
    "end": (
        span("03-29T01:00", "03-29T02:30", "03-29T00:00", "03-29T01:30"),
        span("10-25T01:00", "10-25T02:30", "10-24T23:00", "10-25T01:30"),
    ),
    "both": (
        span("03-29T02:30", "03-29T03:30", "03-29T00:30", "03-29T01:30"),
        span("10-25T02:15", "10-25T02:45", "10-25T00:15", "10-25T01:45"),
    ),
    "night": (
        span("03-28T22:00", "03-29T07:00", "03-28T21:00", "03-29T05:00"),
        span("10-24T22:00", "10-25T07:00", "10-24T20:00", "10-25T06:00"),
    ),
}
# In New York it goes from 02:00 to 03:00 on 8 March, at 07:00 UTC, and from 02:00
# back to 01:00 on 1 November, at 06:00 UTC.
AMERICAN_NIGHTS = {
    "lead_and_lag": (
        span("03-08T03:05", "03-08T05:00", "03-08T07:05", "03-08T09:00"),
        span("11-01T00:00", "11-01T00:58", "11-01T04:00", "11-01T04:58"),
    ),
    "start": (
        span("03-08T02:30", "03-08T04:30", "03-08T07:30", "03-08T08:30"),
        span("11-01T01:30", "11-01T04:00", "11-01T05:30", "11-01T09:00"),
    ),
    "end": (
        span("03-08T01:00", "03-08T02:30", "03-08T06:00", "03-08T07:30"),
        span("11-01T00:00", "11-01T01:30", "11-01T04:00", "11-01T06:30"),
    ),
    "both": (
        span("03-08T02:30", "03-08T03:30", "03-08T06:30", "03-08T07:30"),
        span("11-01T01:15", "11-01T01:45", "11-01T05:15", "11-01T06:45"),
    ),
}
COPENHAGEN = "Europe/Copenhagen"
NEW_YORK = "America/New_York"

AT_HOME = [pytest.param(COPENHAGEN, *n, id=k) for k, n in EUROPEAN_NIGHTS.items()]
ABROAD = [
    pytest.param(NEW_YORK, *nights, id=f"New_York-{name}")
    for name, nights in AMERICAN_NIGHTS.items()
] + [
    pytest.param(zone, *EUROPEAN_NIGHTS["both"], id=f"{zone}-both")
    for zone in ("Europe/Oslo", "Europe/Zurich")
]
NIGHTS = ("zone", "spring", "autumn")


def utc(text: str) -> datetime:
    """Read a time as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return an entity's state."""
    return hass.states.get(entity_id).state


async def follow_door(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    lock: str,
    begins: datetime,
    ends: datetime,
) -> dict[str, str]:
    """Return how the door was just before and at each edge of a booking."""
    edges = {"opening": begins - LEAD, "closing": ends + LAG}
    seen: dict[str, str] = {}
    for name, edge in edges.items():
        await at(hass, freezer, edge - SECOND)
        seen[f"before {name} at {edge - SECOND:%m-%d %H:%M:%S}"] = state(hass, lock)
        await at(hass, freezer, edge)
        seen[f"{name} at {edge:%m-%d %H:%M:%S}"] = state(hass, lock)
    return seen


async def check_door(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    lock: str,
    *bookings: tuple[datetime, datetime],
) -> None:
    """See the door open and close to the second, at all bookings before it fails."""
    seen: dict[str, str] = {}
    for begins, ends in bookings:
        await at(hass, freezer, max(begins - DAY, dt_util.utcnow()))
        seen |= await follow_door(hass, freezer, lock, begins, ends)
    expected = ("locked", "unlocked", "unlocked", "locked") * len(bookings)
    assert seen == dict(zip(seen, expected, strict=True))


def instants(*spans: Span) -> list[tuple[datetime, datetime]]:
    """Return when spans begin and end."""
    return [(utc(each.begins), utc(each.ends)) for each in spans]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with one hall and no bookings yet."""
    async with WinKasSimulator() as simulator:
        simulator.control(
            {"clear": True, "resources": [{"id": HALL_1, "name": "Hal 1"}]}
        )
        yield simulator


@pytest.fixture
async def feed() -> AsyncIterator[ICalendarSimulator]:
    """An iCalendar feed without events."""
    async with ICalendarSimulator() as simulator:
        simulator.control({"clear": True})
        yield simulator


@pytest.fixture
async def switches(hass: HomeAssistant) -> None:
    """Helpers that stand for the lock's bolt, an alarm and a light."""
    names = ("front_door_open", "alarm", "light")
    await async_setup_component(
        hass, "input_boolean", {"input_boolean": {name: {} for name in names}}
    )
    await hass.async_block_till_done()


@pytest.fixture
async def hall(
    hass: HomeAssistant,
    switches: None,
    calendar: str,
    lock: str,
    freezer: FrozenDateTimeFactory,
) -> Hall:
    """A hall with a calendar and a lock, not yet a room."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    return hall


@pytest.fixture(params=["timers", "sweep_only"])
def timers(request: pytest.FixtureRequest) -> None:
    """Run a test with the timers of edges, and once with only the sweep."""
    if request.param == "sweep_only":
        request.getfixturevalue("no_timers")


@pytest.fixture
def no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lose all timers of edges, so that only the sweep is left."""
    monkeypatch.setattr(
        "custom_components.booking_access.hub.async_track_point_in_utc_time",
        lambda *_: lambda: None,
    )


@pytest.fixture
def process_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the process live where it is always another day."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Kiritimati")
        time.tzset()
        yield
    time.tzset()


async def book(hass: HomeAssistant, calendar: str, start: str, end: str) -> None:
    """Book what the clock on the wall shows, as the calendar's dialog does."""
    await hass.services.async_call(
        "calendar",
        "create_event",
        {
            "entity_id": calendar,
            "summary": "Badminton",
            "start_date_time": start,
            "end_date_time": end,
        },
        blocking=True,
    )


async def connect(
    hass: HomeAssistant, lock: str, system: str, form: dict[str, Any], resource: str
) -> ConfigEntry:
    """Make a room of an account's resource, with the lock for a door."""
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    entry = await add_account(hass, "booking_system", system, form)
    await add_room(
        hass,
        entry,
        {
            "resource_id": resource,
            "name": "Sports hall",
            "access_points": [f"{doors.entry_id}/{lock}"],
            "access": ["hold_open"],
            "timing": TIMING,
        },
    )
    return entry


async def connect_winkas(
    hass: HomeAssistant, lock: str, winkas: WinKasSimulator
) -> None:
    """Make a room of the hall in WinKAS."""
    form: dict[str, Any] = dict(winkas.credentials())
    form["advanced"] = {"url": form.pop("url")}
    await connect(hass, lock, "winkas", form, str(HALL_1))


async def connect_feed(
    hass: HomeAssistant, lock: str, feed: ICalendarSimulator
) -> None:
    """Make a room of the feed."""
    form = {"url": f"{feed.url}/calendar.ics", "advanced": {"verify_ssl": True}}
    await connect(hass, lock, "icalendar", form, "calendar")


def in_winkas(start: str, end: str, number: int = 1) -> dict[str, Any]:
    """Return a booking as the simulator takes it."""
    return {"id": number, "resource": HALL_1, "start": start, "end": end}


@pytest.mark.freeze_time("2026-02-20")
@pytest.mark.parametrize(NIGHTS, AT_HOME + ABROAD)
async def test_rule_01_clock_change_for_a_calendar(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """A calendar's times are those of Home Assistant's zone."""
    await hass.config.async_set_time_zone(zone)
    await hall.add_room()
    for night in (spring, autumn):
        await book(hass, hall.calendar, night.start, night.end)
    await check_door(hass, freezer, hall.lock, *instants(spring, autumn))


@pytest.mark.freeze_time("2026-10-20")
@pytest.mark.parametrize(
    ("fold", "begins"), [(0, "2026-10-25T00:30"), (1, "2026-10-25T01:30")]
)
async def test_rule_01_clock_change_for_a_calendar_that_says_which_hour(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    fold: int,
    begins: str,
) -> None:
    """The first or the second of the hour that exists twice.

    The local calendar cannot say it here: the frozen clock loses it on the way.
    """
    zone = ZoneInfo(COPENHAGEN)
    start = datetime(2026, 10, 25, 2, 30, tzinfo=zone, fold=fold)
    end = datetime(2026, 10, 25, 5, 0, tzinfo=zone)
    event = CalendarEvent(start=start, end=end, summary="Badminton", uid="1")
    entity = hass.data["calendar"].get_entity(hall.calendar)
    monkeypatch.setattr(entity, "async_get_events", AsyncMock(return_value=[event]))
    await hall.add_room()
    times = (utc(begins), utc("2026-10-25T04:00"))
    await check_door(hass, freezer, hall.lock, times)


@pytest.mark.freeze_time("2026-02-20")
@pytest.mark.parametrize(NIGHTS, AT_HOME)
async def test_rule_01_clock_change_for_winkas(
    hass: HomeAssistant,
    lock: str,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """WinKAS tells Danish time, wherever Home Assistant is."""
    assert zone == COPENHAGEN  # what the spans are in; nobody tells WinKAS
    await hass.config.async_set_time_zone(NEW_YORK)
    rows = [
        {"ResourceCalendarbooking": {"Id": number, "Start": n.start, "Stop": n.end}}
        for number, n in enumerate((spring, autumn), start=1)
    ]
    winkas.control({"raw": {HALL_1: rows}})
    await connect_winkas(hass, lock, winkas)
    await check_door(hass, freezer, lock, *instants(spring, autumn))


@pytest.mark.freeze_time("2026-02-20")
@pytest.mark.parametrize(NIGHTS, AT_HOME)
async def test_rule_01_clock_change_for_a_feed_without_zones(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """Floating times are those of Home Assistant's zone."""
    await hass.config.async_set_time_zone(zone)
    events = [
        {"uid": night.start, "start": night.start, "end": night.end}
        for night in (spring, autumn)
    ]
    feed.control({"events": events})
    await connect_feed(hass, lock, feed)
    await check_door(hass, freezer, lock, *instants(spring, autumn))


@pytest.mark.freeze_time("2026-02-20")
@pytest.mark.parametrize(NIGHTS, ABROAD)
async def test_rule_01_clock_change_for_a_feed_with_zones(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """The feed's zone counts, not that of Home Assistant."""
    await hass.config.async_set_time_zone("Asia/Tokyo")
    events = [
        {"uid": n.start, "start": n.start, "end": n.end, "time_zone": zone}
        for n in (spring, autumn)
    ]
    feed.control({"events": events})
    await connect_feed(hass, lock, feed)
    await check_door(hass, freezer, lock, *instants(spring, autumn))


@pytest.mark.freeze_time("2026-03-20")
async def test_rule_01_clock_change_for_a_feed_in_utc(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An instant is an instant."""
    await hass.config.async_set_time_zone("Europe/Zurich")
    times = [
        (utc("2026-03-29T00:30"), utc("2026-03-29T01:00")),
        (utc("2026-03-29T01:30"), utc("2026-03-29T02:00")),
        (utc("2026-10-25T00:00"), utc("2026-10-25T00:30")),
        (utc("2026-10-25T01:00"), utc("2026-10-25T01:01")),
    ]
    events = [
        {"uid": str(start), "start": start.isoformat(), "end": end.isoformat()}
        for start, end in times
    ]
    feed.control({"events": events})
    await connect_feed(hass, lock, feed)
    await check_door(hass, freezer, lock, *times)


# A zone, and when its days of 23 and 25 hours begin and end.
WHOLE_DAYS = pytest.mark.parametrize(
    NIGHTS,
    [
        (
            "Europe/Oslo",
            span("03-29", "03-30", "03-28T23:00", "03-29T22:00"),
            span("10-25", "10-26", "10-24T22:00", "10-25T23:00"),
        ),
        (
            NEW_YORK,
            span("03-08", "03-09", "03-08T05:00", "03-09T04:00"),
            span("11-01", "11-02", "11-01T04:00", "11-02T05:00"),
        ),
    ],
)


@pytest.mark.freeze_time("2026-02-20")
@WHOLE_DAYS
@pytest.mark.usefixtures("process_zone")
async def test_rule_01_clock_change_on_a_whole_day_of_a_feed(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """From midnight to midnight where Home Assistant is, with an end or without."""
    await hass.config.async_set_time_zone(zone)
    with_end = {"uid": "1", "start": spring.start[:10], "end": spring.end[:10]}
    without = {"uid": "2", "start": autumn.start[:10]}
    feed.control({"events": [with_end, without]})
    await connect_feed(hass, lock, feed)
    await check_door(hass, freezer, lock, *instants(spring, autumn))


@pytest.mark.freeze_time("2026-02-20")
@WHOLE_DAYS
@pytest.mark.usefixtures("process_zone")
async def test_rule_01_clock_change_on_a_whole_day_of_a_calendar(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    zone: str,
    spring: Span,
    autumn: Span,
) -> None:
    """It is the same day as that of a feed."""
    await hass.config.async_set_time_zone(zone)
    await hall.add_room()
    for day in (spring, autumn):
        days = {"start_date": day.start[:10], "end_date": day.end[:10]}
        await hass.services.async_call(
            "calendar",
            "create_event",
            {"entity_id": hall.calendar, "summary": "Market", **days},
            blocking=True,
        )
    await check_door(hass, freezer, hall.lock, *instants(spring, autumn))


@pytest.mark.parametrize("zone", ["Asia/Kathmandu"])
@pytest.mark.usefixtures("process_zone")
@pytest.mark.parametrize(
    "date_format", ["dk", "dk_minutes", "iso", "iso_utc", "number"]
)
async def test_rule_01_zones_of_winkas_home_assistant_and_process_differ(
    hass: HomeAssistant,
    lock: str,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    date_format: str,
) -> None:
    """Only that of WinKAS counts."""
    await hass.config.async_set_time_zone(zone)
    booked = in_winkas("2026-11-22T08:00", "2026-11-22T10:00")
    winkas.control({"bookings": [booked], "date_format": date_format})
    await connect_winkas(hass, lock, winkas)
    await check_door(hass, freezer, lock, (START, END))


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Kathmandu"])
@pytest.mark.parametrize(
    ("wall", "source"),
    [
        (("2026-11-22T02:00:00", "2026-11-22T04:00:00"), NEW_YORK),
        (("2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z"), None),
    ],
)
@pytest.mark.usefixtures("process_zone")
async def test_rule_01_zones_of_feed_home_assistant_and_process_differ(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
    zone: str,
    wall: tuple[str, str],
    source: str | None,
) -> None:
    """Only that of the feed counts."""
    await hass.config.async_set_time_zone(zone)
    event = {"uid": "1", "start": wall[0], "end": wall[1]}
    feed.control({"events": [{**event, **({"time_zone": source} if source else {})}]})
    await connect_feed(hass, lock, feed)
    await check_door(hass, freezer, lock, (START, END))


@pytest.mark.usefixtures("process_zone")
async def test_rule_01_zones_of_calendar_and_process_differ(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """A calendar follows Home Assistant, not the process."""
    await hass.config.async_set_time_zone(NEW_YORK)
    await hall.add_room()
    await book(hass, hall.calendar, "2026-11-22T02:00:00", "2026-11-22T04:00:00")
    await settle(hass, freezer)
    await check_door(hass, freezer, hall.lock, (START, END))


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        pytest.param("2026-11-22T21:00", "2026-11-23T03:00", id="over_midnight"),
        pytest.param("2026-11-22T20:00", "2026-11-22T23:00", id="to_midnight"),
        pytest.param("2026-11-22T23:00", "2026-11-23T01:00", id="from_midnight"),
        pytest.param("2026-11-22T22:00", "2026-11-23T00:00", id="to_midnight_in_utc"),
        pytest.param("2026-11-22T07:00", "2026-11-22T07:01", id="one_minute"),
        pytest.param("2026-11-23T07:00", "2026-12-20T07:00", id="four_weeks"),
    ],
)
async def test_rule_02_bookings_of_all_lengths(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    begins: str,
    ends: str,
) -> None:
    """They open and close the door like any other."""
    await hall.add_room()
    await hall.book(utc(begins), utc(ends))
    await check_door(hass, freezer, hall.lock, (utc(begins), utc(ends)))


async def test_rule_07_short_bookings_beside_one_of_weeks(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """The door closes once, at the end of the long one."""
    await hall.add_room()
    last = START + 21 * DAY
    await hall.book(START, last)
    for days in (3, 20):
        await hall.book(START + days * DAY, START + days * DAY + HOUR, f"Day {days}")
    await at(hass, freezer, START - LEAD)
    for days in (0, 3, 10, 20):
        await at(hass, freezer, START + days * DAY + HOUR + LAG)
        assert state(hass, hall.lock) == "unlocked"
        assert state(hass, "binary_sensor.sports_hall_booked") == "on"
    await at(hass, freezer, last + LAG - SECOND)
    assert state(hass, hall.lock) == "unlocked"
    await at(hass, freezer, last + LAG)
    assert state(hass, hall.lock) == "locked"


@pytest.mark.parametrize("begin_inside", [False, True])
async def test_rule_04_weeks_of_a_system_that_stops_naming_what_has_begun(
    hass: HomeAssistant,
    lock: str,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    begin_inside: bool,
) -> None:
    """A running booking is kept to its end."""
    last = START + 21 * DAY
    booked = in_winkas(START.isoformat(), last.isoformat())
    winkas.control({"bookings": [booked], "begin_inside": begin_inside})
    await connect_winkas(hass, lock, winkas)
    await at(hass, freezer, START - LEAD)
    for days in range(0, 21, 4):
        await at(hass, freezer, START + days * DAY)
        assert state(hass, lock) == "unlocked"
    await at(hass, freezer, last + LAG - SECOND)
    assert state(hass, lock) == "unlocked"
    await at(hass, freezer, last + LAG)
    assert state(hass, lock) == "locked"


async def test_rule_07_bookings_back_to_back_leave_the_door_open(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody who comes for the second finds the door shut by the first."""
    await hall.add_room(timing={"access_lead": 0, "access_lag": 0})
    for hours in range(3):
        await hall.book(START + hours * HOUR, START + (hours + 1) * HOUR, f"{hours}")
    await at(hass, freezer, START - SECOND)
    assert state(hass, hall.lock) == "locked"
    for hours in range(3):
        await at(hass, freezer, START + hours * HOUR)
        assert state(hass, hall.lock) == "unlocked"
        assert state(hass, "binary_sensor.sports_hall_booked") == "on"
        await at(hass, freezer, START + (hours + 1) * HOUR - SECOND)
        assert state(hass, hall.lock) == "unlocked"
    await at(hass, freezer, START + 3 * HOUR)
    assert state(hass, hall.lock) == "locked"
    assert state(hass, "binary_sensor.sports_hall_booked") == "off"


async def test_rule_02_an_open_end_stays_open_until_the_booking_is_ended(
    hass: HomeAssistant,
    lock: str,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Maybe for years; .NET writes it as its last day."""
    row = {"Id": 1, "Start": "22-11-2026 08:00", "Stop": "31-12-9999 23:59:59"}
    winkas.control({"raw": {HALL_1: [{"ResourceCalendarbooking": row}]}})
    await connect_winkas(hass, lock, winkas)
    await at(hass, freezer, START - LEAD - SECOND)
    assert state(hass, lock) == "locked"
    for days in (0, 1, 30, 400):
        await at(hass, freezer, START - LEAD + days * DAY)
        assert state(hass, lock) == "unlocked"
    row["Stop"] = "27-12-2027 09:00"
    await at(hass, freezer, utc("2027-12-27T07:00"))
    await at(hass, freezer, utc("2027-12-27T07:20"))
    await at(hass, freezer, utc("2027-12-27T08:05") - SECOND)
    assert state(hass, lock) == "unlocked"
    await at(hass, freezer, utc("2027-12-27T08:05"))
    assert state(hass, lock) == "locked"


async def jump(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, instant: datetime
) -> None:
    """Set the clock, and let a minute of real time pass, in which the sweep comes.

    Timers run by a clock that cannot be set: in a test it follows the one that can,
    so what it is behind after a jump backwards is added.
    """
    behind = max(dt_util.utcnow() - instant, timedelta())
    freezer.move_to(instant)
    async_fire_time_changed(hass, instant + behind + SWEEP)
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.fixture
async def room(hass: HomeAssistant, hall: Hall) -> Hall:
    """A hall whose room has an alarm, which is armed, and a light."""
    await hass.services.async_call(
        "input_boolean", "turn_on", {"entity_id": "input_boolean.alarm"}, blocking=True
    )
    await hall.add_room(
        appliances={"alarm": "input_boolean.alarm", "lights": ["input_boolean.light"]},
        timing={"alarm_lead": 10, "alarm_lag": 5, "light_lead": 10, "light_lag": 5},
    )
    return hall


def shown(hass: HomeAssistant, lock: str) -> dict[str, str]:
    """Return all that a booking changes."""
    return {
        "door": state(hass, lock),
        "alarm": state(hass, "input_boolean.alarm"),
        "light": state(hass, "input_boolean.light"),
        "booked": state(hass, "binary_sensor.sports_hall_booked"),
        "window": state(hass, "binary_sensor.sports_hall_access_window"),
    }


IN_USE = {
    "door": "unlocked",
    "alarm": "off",
    "light": "on",
    "booked": "on",
    "window": "on",
}
EMPTY = {
    "door": "locked",
    "alarm": "on",
    "light": "off",
    "booked": "off",
    "window": "off",
}


@pytest.mark.parametrize(
    ("length", "asleep", "awake", "after"),
    [
        pytest.param(8 * HOUR, NOW, START + 5 * HOUR, IN_USE, id="over_start"),
        pytest.param(
            8 * HOUR, START + 4 * HOUR, START + 10 * HOUR, EMPTY, id="over_end"
        ),
        pytest.param(2 * HOUR, NOW + MINUTE, NOW + MINUTE + 6 * HOUR, EMPTY, id="both"),
        pytest.param(8 * HOUR, START + HOUR, START + 7 * HOUR, IN_USE, id="inside"),
    ],
)
@pytest.mark.usefixtures("no_timers")
async def test_rule_10_a_machine_that_slept_for_six_hours(
    hass: HomeAssistant,
    room: Hall,
    freezer: FrozenDateTimeFactory,
    length: timedelta,
    asleep: datetime,
    awake: datetime,
    after: dict[str, str],
) -> None:
    """Within one sweep everything is as it must be, and then goes on."""
    await room.book(START, START + length)
    await jump(hass, freezer, asleep)
    await jump(hass, freezer, awake)
    assert shown(hass, room.lock) == after
    await jump(hass, freezer, START + length + LAG)
    assert shown(hass, room.lock) == EMPTY


@pytest.mark.parametrize(
    ("before", "to", "after"),
    [
        pytest.param(START - 30 * MINUTE, START + 30 * MINUTE, IN_USE, id="hour_in"),
        pytest.param(START + 30 * MINUTE, END - 30 * MINUTE, IN_USE, id="hour_inside"),
        pytest.param(END - 30 * MINUTE, END + 30 * MINUTE, EMPTY, id="hour_out"),
        pytest.param(START + HOUR, START + HOUR + DAY, EMPTY, id="day_out"),
        pytest.param(NOW, NOW + DAY, EMPTY, id="day_over_it_all"),
        pytest.param(START + 30 * MINUTE, START - 30 * MINUTE, EMPTY, id="hour_back"),
        pytest.param(END + 30 * MINUTE, END - 30 * MINUTE, IN_USE, id="hour_back_in"),
        pytest.param(START + HOUR, START + HOUR - DAY, EMPTY, id="day_back"),
        pytest.param(END - HOUR + DAY, END - HOUR, IN_USE, id="day_back_in"),
    ],
)
@pytest.mark.usefixtures("timers")
async def test_rule_10_a_clock_that_jumps(
    hass: HomeAssistant,
    room: Hall,
    freezer: FrozenDateTimeFactory,
    before: datetime,
    to: datetime,
    after: dict[str, str],
) -> None:
    """Within one sweep everything is as it must be; an end comes all the same."""
    await room.book(START, END)
    for instant in (START - LEAD, START, END - HOUR, END, END + LAG):
        await jump(hass, freezer, min(instant, before))
    await jump(hass, freezer, before)
    await jump(hass, freezer, to)
    assert shown(hass, room.lock) == after
    await jump(hass, freezer, max(to, END + LAG))
    assert shown(hass, room.lock) == EMPTY


@pytest.mark.parametrize("back", [20 * SECOND, MINUTE, HOUR, DAY])
async def test_rule_10_a_clock_set_back_at_an_edge_keeps_to_the_second(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory, back: timedelta
) -> None:
    """Both edges happen anew, or stay done where it was next to nothing."""
    await hall.add_room()
    await hall.book(START, END)
    await at(hass, freezer, START)
    await jump(hass, freezer, START - back)
    await at(hass, freezer, START - LEAD)
    assert state(hass, hall.lock) == "unlocked"
    await at(hass, freezer, END + LAG)
    assert state(hass, hall.lock) == "locked"
    await jump(hass, freezer, END + LAG - back)
    for instant in (END + LAG, END + LAG + MINUTE, END + LAG + back):
        await at(hass, freezer, instant)
        assert state(hass, hall.lock) == "locked"


@pytest.mark.parametrize("away", [HOUR, DAY, 5 * DAY])
async def test_rule_05_a_clock_that_is_wrong_for_a_while_forgets_no_booking(
    hass: HomeAssistant,
    lock: str,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    away: timedelta,
) -> None:
    """Although the booking system cannot be asked meanwhile."""
    winkas.control({"bookings": [in_winkas(START.isoformat(), END.isoformat())]})
    await connect_winkas(hass, lock, winkas)
    winkas.fault("500")
    await at(hass, freezer, START)
    await jump(hass, freezer, START + away)
    await jump(hass, freezer, START + MINUTE)
    assert state(hass, lock) == "unlocked"
    await at(hass, freezer, END + LAG - SECOND)
    assert state(hass, lock) == "unlocked"
    await at(hass, freezer, END + LAG)
    assert state(hass, lock) == "locked"


@pytest.mark.parametrize(
    "to", [END + HOUR, START + DAY, END + DAY + HOUR, START + 3 * DAY, START - DAY]
)
async def test_rule_08_a_clock_that_is_wrong_for_a_while_makes_no_second_key(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    to: datetime,
) -> None:
    """Each booking and person has one live key at most, and has one again at last."""
    hass.config.country = "DK"
    owner = {"FirstName": "Anna", "Mobile": "20 12 34 56"}
    booked = in_winkas(START.isoformat(), END.isoformat())
    winkas.control({"bookings": [{**booked, "owner": owner}]})
    async with ExivoSimulator() as exivo:
        others = {visit.id for visit in exivo.live_visits()}
        forms: list[dict[str, Any]] = [dict(s.credentials()) for s in (exivo, winkas)]
        for form in forms:
            form["advanced"] = {"url": form.pop("url")}
        doors = await add_account(hass, "access_system", "exivo", forms[0])
        entry = await add_account(hass, "booking_system", "winkas", forms[1])
        points = [f"{doors.entry_id}/{ENTRANCE}"]
        room = {"resource_id": str(HALL_1), "access_points": points}
        await add_room(hass, entry, {**room, "access": ["grant"], "timing": TIMING})
        await at(hass, freezer, START)
        [key] = {visit.id for visit in exivo.live_visits()} - others
        await jump(hass, freezer, to)
        await jump(hass, freezer, START + MINUTE)
        await at(hass, freezer, START + 3 * MINUTE)
        assert {visit.id for visit in exivo.live_visits()} - others == {key}


@pytest.mark.parametrize("late", [SECOND, 30 * SECOND, 59 * SECOND])
@pytest.mark.usefixtures("no_timers")
async def test_rule_10_a_missed_timer_costs_a_minute_at_most(
    hass: HomeAssistant, room: Hall, freezer: FrozenDateTimeFactory, late: timedelta
) -> None:
    """The sweep comes, and makes everything right."""
    await room.book(START, END)
    await at(hass, freezer, START - LEAD - MINUTE + late)
    assert shown(hass, room.lock) == EMPTY
    await at(hass, freezer, START - LEAD + late)
    assert shown(hass, room.lock) == {**IN_USE, "booked": "off"}
    await at(hass, freezer, START + late)
    assert shown(hass, room.lock) == IN_USE
    await at(hass, freezer, END + late)
    assert shown(hass, room.lock) == {**IN_USE, "booked": "off"}
    await at(hass, freezer, END + LAG + late)
    assert shown(hass, room.lock) == EMPTY
