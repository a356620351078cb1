"""iCalendar feeds over HTTP, from the simulator."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
import threading
from typing import Any

from aiohttp import ClientSession, web
import pytest

from custom_components.booking_access.booking_systems import icalendar
from custom_components.booking_access.booking_systems.ical_feed import expand, read_feed
from custom_components.booking_access.booking_systems.icalendar import ICalendar
from custom_components.booking_access.engine.models import (
    Absence,
    AuthError,
    Booking,
    ConnectionFailed,
    ContractError,
    Problem,
    RateLimited,
    Snapshot,
)
from custom_components.booking_access.forms import FieldKind
from custom_components.booking_access.transport import Answer
from simulators.icalendar import PASSWORD, USERNAME, ICalendarSimulator

START = datetime(2026, 7, 1, tzinfo=UTC)
END = START + timedelta(days=14)
DAY = timedelta(days=1)

MEETING = {
    "uid": "meeting",
    "start": "2026-07-02T12:00:00Z",
    "end": "2026-07-02T13:00:00Z",
    "summary": "Meeting",
}
PARTY = {
    "uid": "party",
    "start": "2026-07-04",
    "end": "2026-07-06",
    "summary": "Party",
    "organizer": {"name": "Ann Example", "phone": "+4520123456"},
}
WEEKLY = {
    "uid": "weekly",
    "start": "2026-06-01T18:00:00",
    "end": "2026-06-01T20:00:00",
    "time_zone": "Europe/Copenhagen",
    "rrule": "FREQ=WEEKLY",
}
MEETING_SPAN = "07-02T12:00/07-02T13:00"
SPANS = {"meeting": MEETING_SPAN, "party": "07-03T22:00/07-05T22:00"}


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[ICalendarSimulator]:
    async with ICalendarSimulator() as simulator:
        simulator.control({"clear": True, "events": [MEETING, PARTY]})
        yield simulator


class Feed:
    """A feed as its coordinator uses it."""

    def __init__(
        self, session: ClientSession, sim: ICalendarSimulator, **settings: Any
    ) -> None:
        self.sim = sim
        self.system = ICalendar(
            session,
            {
                "url": f"{sim.url}/calendar.ics",
                "time_zone": "Europe/Copenhagen",
                **settings,
            },
        )

    async def poll(
        self, start: datetime = START, end: datetime = END
    ) -> Snapshot | None:
        [resource] = await self.system.list_resources()
        self.sim.requests.clear()
        return await self.system.list_bookings({resource.id}, start, end)

    async def snapshot(self, start: datetime = START, end: datetime = END) -> Snapshot:
        snapshot = await self.poll(start, end)
        assert snapshot
        assert (snapshot.start, snapshot.end) == (start, end)
        return snapshot


@pytest.fixture
def feed(session: ClientSession, sim: ICalendarSimulator) -> Feed:
    return Feed(session, sim)


def spans(snapshot: Snapshot) -> dict[str, str]:
    """Return start and end of each booking in UTC."""
    return {booking.id: span_of(booking) for booking in snapshot.bookings}


def span_of(booking: Booking) -> str:
    assert booking.start.tzinfo is booking.end.tzinfo is UTC
    return f"{booking.start:%m-%dT%H:%M}/{booking.end:%m-%dT%H:%M}"


def test_declaration() -> None:
    """What the account's form asks for, and how the engine has to read the answers."""
    assert (ICalendar.key, ICalendar.name) == ("icalendar", "iCalendar")
    assert ICalendar.absence is Absence.LISTING
    assert ICalendar.poll_interval == timedelta(minutes=5)
    assert ICalendar.own_session
    assert not ICalendar.needs_hass
    assert [(f.name, f.kind, f.required, f.advanced) for f in ICalendar.form] == [
        ("url", FieldKind.URL, True, False),
        ("username", FieldKind.TEXT, False, True),
        ("password", FieldKind.PASSWORD, False, True),
        ("verify_ssl", FieldKind.BOOLEAN, False, True),
    ]
    assert ICalendar.form[3].default is True


# Who we are


async def test_account(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.control({"name": "Hall, large"})
    account = await feed.system.validate()
    [resource] = await feed.system.list_resources()
    assert (account.title, account.time_zone) == ("Hall, large (iCalendar)", None)
    assert (resource.id, resource.name) == ("calendar", "Hall, large")
    assert len(account.id) == 16


async def test_feed_without_a_name(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.control({"raw": "BEGIN:VCALENDAR\nEND:VCALENDAR\n"})
    assert (await feed.system.validate()).title == "127.0.0.1 (iCalendar)"


async def test_id_of_the_account(
    session: ClientSession, sim: ICalendarSimulator
) -> None:
    """The same with another password, and it does not tell a secret address."""

    async def account_id(url: str, **settings: str) -> str:
        account = await Feed(session, sim, url=url, **settings).system.validate()
        return account.id

    private = f"{sim.url}/private.ics?token=secret"
    inside = private.replace("http://", f"http://{USERNAME}:{PASSWORD}@")
    first = await account_id(private, username=USERNAME, password=PASSWORD)
    assert await account_id(f" {inside}#top ") == first
    assert await account_id(f"{sim.url}/calendar.ics") != first
    assert await account_id(f"{sim.url}/calendar.ics?token=other") != first
    assert "secret" not in first


async def test_wrong_password(session: ClientSession, sim: ICalendarSimulator) -> None:
    credentials = dict(sim.credentials())
    assert await Feed(session, sim, **credentials).system.validate()
    for wrong in (
        {"password": "other"},
        {"username": ""},
        {"username": "ø", "password": ""},
    ):
        with pytest.raises(AuthError):
            await Feed(session, sim, **credentials | wrong).system.validate()


@pytest.mark.parametrize(
    "url", ["http://[", "calendar.ics", "file:///calendar.ics", ""]
)
async def test_no_address(
    session: ClientSession, sim: ICalendarSimulator, url: str
) -> None:
    with pytest.raises(ConnectionFailed):
        await Feed(session, sim, url=url).system.validate()


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("webcal://example.com/a.ics?t=1", "https://example.com/a.ics?t=1"),
        ("webcals://example.com:444/a.ics", "https://example.com:444/a.ics"),
        ("WEBCAL://example.com/a.ics", "https://example.com/a.ics"),
        ("http://example.com/a.ics", "http://example.com/a.ics"),
        ("https://ann:secret@example.com/a.ics", "https://example.com/a.ics"),
    ],
)
async def test_request(
    session: ClientSession,
    sim: ICalendarSimulator,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    asked: str,
) -> None:
    """A calendar's own schemes are HTTPS; redirects are followed, but not for ever."""
    requests: list[tuple[Any, ...]] = []

    async def request(*args: Any, **options: Any) -> Answer:
        requests.append((*args, options))
        body = b"BEGIN:VCALENDAR\nX-WR-CALNAME:x\nEND:VCALENDAR"
        return Answer(status=200, headers={}, body=body)

    monkeypatch.setattr(icalendar, "request", request)
    account = await Feed(session, sim, url=url, verify_ssl=False).system.validate()
    plain = await Feed(session, sim, url=asked).system.validate()
    assert account == plain
    (_, method, target, options), (*_, others) = requests
    assert (method, str(target)) == ("GET", asked)
    sent = {"Authorization": "Basic YW5uOnNlY3JldA=="} if "ann" in url else {}
    assert options["headers"] == sent
    assert (options["allow_redirects"], options["max_redirects"]) == (True, 5)
    assert (options["ssl"], others["ssl"]) == (False, True)


# Bookings


async def test_bookings(feed: Feed) -> None:
    snapshot = await feed.snapshot()
    [resource] = await feed.system.list_resources()
    assert spans(snapshot) == SPANS
    assert {b.resource_id for b in snapshot.bookings} == {resource.id}
    assert [b.summary for b in snapshot.bookings] == ["Meeting", "Party"]
    assert snapshot.bookings[1].holder.phone == "+4520123456"
    assert snapshot.bookings[1].holder.name == "Ann Example"
    assert (snapshot.complete, snapshot.missing, snapshot.problems) == (
        True,
        frozenset(),
        (),
    )


async def test_time_zone_of_the_property(
    session: ClientSession, sim: ICalendarSimulator
) -> None:
    """UTC, if nobody says where it is."""
    for zone, wanted in {
        "America/New_York": "07-04T04:00/07-06T04:00",
        "": "07-04T00:00/07-06T00:00",
    }.items():
        snapshot = await Feed(session, sim, time_zone=zone).snapshot()
        assert spans(snapshot) == {"meeting": MEETING_SPAN, "party": wanted}


async def test_other_resources(feed: Feed, sim: ICalendarSimulator) -> None:
    """A feed says nothing of another, and is not even asked."""
    [resource] = await feed.system.list_resources()
    snapshot = await feed.system.list_bookings({resource.id, "other"}, START, END)
    assert snapshot
    assert (spans(snapshot), snapshot.missing) == (SPANS, {"other"})
    # The answer is another one for other resources.
    snapshot = await feed.system.list_bookings({resource.id}, START, END)
    assert snapshot
    assert snapshot.missing == frozenset()
    sim.requests.clear()
    with pytest.raises(ConnectionFailed):
        await feed.system.list_bookings({"other"}, START, END)
    assert sim.requests == []


async def test_reading_is_done_in_a_thread(
    feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []

    def watched(function: Any) -> Any:
        def watching(*args: Any) -> Any:
            threads.append(threading.current_thread())
            return function(*args)

        return watching

    monkeypatch.setattr(icalendar, "read_feed", watched(read_feed))
    monkeypatch.setattr(icalendar, "expand", watched(expand))
    await feed.snapshot()
    assert len(threads) == 2
    assert threading.main_thread() not in threads


# What has not changed


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done in the thread."""
    done: list[str] = []

    def noted(function: Any) -> Any:
        def noting(*args: Any) -> Any:
            done.append(function.__name__)
            return function(*args)

        return noting

    monkeypatch.setattr(icalendar, "read_feed", noted(read_feed))
    monkeypatch.setattr(icalendar, "expand", noted(expand))
    return done


@pytest.mark.parametrize("validators", [True, False])
async def test_unchanged(
    feed: Feed, sim: ICalendarSimulator, work: list[str], validators: bool
) -> None:
    """By 304, or by the same text again: nothing is read, and nothing is new."""
    sim.control({"validators": validators})
    assert spans(await feed.snapshot()) == SPANS
    assert work == ["read_feed", "expand"]
    assert await feed.poll() is None
    assert await feed.poll(START + timedelta(hours=1), END + timedelta(hours=1)) is None
    assert work == ["read_feed", "expand"]


async def test_changed(feed: Feed, sim: ICalendarSimulator, work: list[str]) -> None:
    await feed.snapshot()
    sim.control({"events": [MEETING | {"end": "2026-07-02T15:00:00Z"}]})
    assert spans(await feed.snapshot()) == SPANS | {
        "meeting": "07-02T12:00/07-02T15:00"
    }
    sim.control({"remove": ["party"]})
    assert spans(await feed.snapshot()) == {"meeting": "07-02T12:00/07-02T15:00"}
    sim.control({"clear": True})
    assert spans(await feed.snapshot()) == {}
    assert await feed.poll() is None
    assert work.count("read_feed") == 4


async def test_only_the_stamps_change(feed: Feed, sim: ICalendarSimulator) -> None:
    """As in feeds that are put together anew for each request."""
    await feed.snapshot()
    etag = sim.text()
    sim.control({"events": [MEETING, PARTY]})
    assert sim.text() != etag
    assert await feed.poll() is None


async def test_window_moves_on(
    feed: Feed, sim: ICalendarSimulator, work: list[str]
) -> None:
    """A recurring event goes on, though the feed never changes."""
    sim.control({"clear": True, "events": [WEEKLY]})
    first = {
        "weekly/20260706T160000Z": "07-06T16:00/07-06T18:00",
        "weekly/20260713T160000Z": "07-13T16:00/07-13T18:00",
    }
    later = {"weekly/20260720T160000Z": "07-20T16:00/07-20T18:00"}
    assert spans(await feed.snapshot()) == first
    assert await feed.poll(START + 5 * DAY, END + 5 * DAY) is None
    # 16:00 is reached, not yet included, then included.
    reached = timedelta(days=5, hours=16)
    assert await feed.poll(START + reached, END + reached) is None
    reached += timedelta(seconds=1)
    snapshot = await feed.snapshot(START + reached, END + reached)
    assert spans(snapshot) == first | later
    assert await feed.poll(START + reached, END + reached) is None
    last = timedelta(days=5, hours=18) - timedelta(seconds=1)
    assert await feed.poll(START + last, END + last) is None
    ended = last + timedelta(seconds=1)
    snapshot = await feed.snapshot(START + ended, END + ended)
    assert spans(snapshot) == {
        "weekly/20260713T160000Z": "07-13T16:00/07-13T18:00",
        "weekly/20260720T160000Z": "07-20T16:00/07-20T18:00",
    }
    assert work.count("read_feed") == 1


async def test_each_hour_of_two_weeks(
    feed: Feed, sim: ICalendarSimulator, work: list[str]
) -> None:
    """What is answered, the answers that are left out included, is always right."""
    sim.control({"events": [WEEKLY, WEEKLY | {"uid": "daily", "rrule": "FREQ=DAILY"}]})
    last: Snapshot | None = None
    for hour in range(0, 14 * 24, 5):
        start, end = START + timedelta(hours=hour), END + timedelta(hours=hour)
        last = await feed.poll(start, end) or last
        wanted = expand(
            read_feed(sim.text().encode(), "x", "Europe/Copenhagen"), start, end
        )
        assert last
        assert spans(last) == {b.id: span_of(b) for b in wanted.bookings}
    assert work.count("read_feed") == 1
    assert work.count("expand") <= 15


async def test_earlier_window(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.control({"events": [WEEKLY]})
    await feed.snapshot()
    snapshot = await feed.snapshot(START - 7 * DAY, START)
    assert spans(snapshot) == {"weekly/20260629T160000Z": "06-29T16:00/06-29T18:00"}


async def test_same_again_after_another(feed: Feed, sim: ICalendarSimulator) -> None:
    """None is only ever about the last answer."""
    await feed.snapshot()
    sim.control({"remove": ["party"]})
    await feed.snapshot()
    sim.control({"events": [PARTY]})
    assert spans(await feed.snapshot()) == SPANS


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", AuthError),
        ("403", AuthError),
        ("404", ConnectionFailed),
        ("500", ConnectionFailed),
        ("503", ConnectionFailed),
        ("429", RateLimited),
        ("html", ContractError),
        ("truncated", ContractError),
        ("partial", ContractError),
        ("wrong_shape", ContractError),
        ("reset", ConnectionFailed),
        ("unknown_outcome", ConnectionFailed),
    ],
)
@pytest.mark.parametrize("known", [False, True])
async def test_faults(
    feed: Feed, sim: ICalendarSimulator, fault: str, error: type[Exception], known: bool
) -> None:
    """A failed poll is no empty calendar, and the next one is as if it had not been."""
    if known:
        await feed.snapshot()
    sim.fault(fault)
    for _ in range(2):
        with pytest.raises(error):
            await feed.system.list_bookings({"calendar"}, START, END)
    sim.faults.clear()
    snapshot = await feed.poll()
    assert snapshot is None if known else spans(snapshot) == SPANS
    sim.control({"remove": ["party"]})
    assert spans(await feed.snapshot()) == {"meeting": MEETING_SPAN}


async def test_rate_limit(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.fault("429", retry_after="120")
    with pytest.raises(RateLimited) as raised:
        await feed.system.validate()
    assert raised.value.retry_after == timedelta(seconds=120)


async def test_gone(session: ClientSession, sim: ICalendarSimulator) -> None:
    with pytest.raises(ConnectionFailed):
        await Feed(session, sim, url=f"{sim.url}/other.ics").system.validate()


async def test_slow(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.fault("slow", seconds=0.05)
    assert spans(await feed.snapshot()) == SPANS


async def test_hang(
    feed: Feed, sim: ICalendarSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(icalendar, "TIME_LIMIT", timedelta(milliseconds=50))
    sim.fault("hang")
    with pytest.raises(ConnectionFailed):
        await feed.system.validate()


async def test_empty(feed: Feed, sim: ICalendarSimulator) -> None:
    """It is an answer; what it means is the engine's business."""
    await feed.snapshot()
    sim.fault("empty")
    snapshot = await feed.snapshot()
    assert (snapshot.bookings, snapshot.complete) == ((), True)


async def test_duplicate(feed: Feed, sim: ICalendarSimulator) -> None:
    sim.fault("duplicate")
    snapshot = await feed.snapshot()
    assert (spans(snapshot), snapshot.problems) == (SPANS, ())
    assert len(snapshot.bookings) == 2


async def test_bad_event(feed: Feed, sim: ICalendarSimulator) -> None:
    await feed.snapshot()
    sim.fault("bad_event")
    snapshot = await feed.snapshot()
    assert spans(snapshot) == SPANS
    assert not snapshot.complete
    assert snapshot.problems == (
        Problem(reason="bad_event", item="event 1, line 7", field="DTSTART"),
    )
    # The same problem again is no news; that it is solved is.
    assert await feed.poll() is None
    sim.faults.clear()
    snapshot = await feed.snapshot()
    assert (spans(snapshot), snapshot.complete, snapshot.problems) == (SPANS, True, ())


async def test_moved(session: ClientSession, sim: ICalendarSimulator) -> None:
    feed = Feed(session, sim, url=f"{sim.url}/moved.ics")
    assert spans(await feed.snapshot()) == SPANS
    assert await feed.poll() is None


class Server:
    """A web server that always answers the same, and notes who asks."""

    def __init__(self, headers: Mapping[str, str], status: int) -> None:
        self.headers = headers
        self.status = status
        self.asked: list[Mapping[str, str]] = []

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/", self.answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self.runner.addresses[0][1]}/"

    async def __aexit__(self, *_: object) -> None:
        await self.runner.cleanup()

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.headers)
        return web.Response(status=self.status, headers=self.headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Location": "/"}, 302), ({}, 304), ({"Location": "ftp://example.com/"}, 302)],
)
async def test_answers_without_sense(
    session: ClientSession,
    sim: ICalendarSimulator,
    headers: Mapping[str, str],
    status: int,
) -> None:
    """Redirected for ever, or elsewhere; not modified since never."""
    async with Server(headers, status) as url:
        with pytest.raises(ConnectionFailed):
            await Feed(session, sim, url=url).system.validate()


async def test_password_is_not_taken_elsewhere(
    session: ClientSession, sim: ICalendarSimulator
) -> None:
    """When a feed has moved to another server."""
    elsewhere = Server({}, 200)
    async with elsewhere as target, Server({"Location": target}, 302) as url:
        feed = Feed(session, sim, url=url, username="ann", password="secret")
        with pytest.raises(ContractError):
            await feed.system.validate()
    [headers] = elsewhere.asked
    assert "Authorization" not in headers
