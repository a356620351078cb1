"""Tests of the Pronestor client, against the simulator over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
import logging
import threading
from typing import Any

from aiohttp import ClientSession, CookieJar, web
import pytest
from yarl import URL

from custom_components.booking_access.booking_systems import pronestor, pronestor_site
from custom_components.booking_access.booking_systems.pronestor import Pronestor
from custom_components.booking_access.engine.models import (
    FOREVER,
    Absence,
    Account,
    AuthError,
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    Person,
    Problem,
    RateLimited,
    Rejected,
    Resource,
    Snapshot,
    VendorError,
)
from simulators.pronestor import PASSWORD, SWITCHES, USER, PronestorSimulator
from simulators.pronestor_site import OTHER

LOGIN = ("POST", "/api.mvc/v1/Authenticate")
ROOMS = ("GET", "/api.mvc/v1/GetRooms")
BOOKINGS = ("GET", "/api.mvc/v1/GetBookings")
PAGE = ("GET", "/api.mvc")

# Danish winter time, UTC+1: 09:00 on the wall.
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = {"name": "Anna Holm", "email": "anna@example.com", "phone": "20 12 34 56"}


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """A session of its own that keeps cookies, as ``systems`` makes one."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as client:
        yield client


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[PronestorSimulator]:
    """A running simulator with two rooms in one location and one in another."""
    async with PronestorSimulator(now=NOW) as running:
        rooms = [
            {"id": 101, "name": "Fyrtårnet", "location": 3},
            {"id": 102, "name": "Skibet", "location": 3},
            {"id": 201, "name": "Auditoriet", "location": 7},
        ]
        running.control({"clear": True, "rooms": rooms})
        yield running


def client_of(
    session: ClientSession, simulator: PronestorSimulator, **settings: Any
) -> Pronestor:
    """Return a client of the simulator, in Denmark."""
    zone = {"time_zone": "Europe/Copenhagen"}
    return Pronestor(session, {**simulator.credentials(), **zone, **settings})


@pytest.fixture
def client(session: ClientSession, simulator: PronestorSimulator) -> Pronestor:
    """A client of the simulator."""
    return client_of(session, simulator)


def book(simulator: PronestorSimulator, *bookings: dict[str, Any]) -> None:
    """Put meetings into the simulator: in room 101, one hour from NOW, if not said."""
    usual = {
        "id": 501,
        "room": 101,
        "start": NOW.isoformat(),
        "end": (NOW + HOUR).isoformat(),
        "subject": "Ugemøde",
        "booker": ANNA,
    }
    simulator.control({"bookings": [usual | booking for booking in bookings]})


async def listed(
    client: Pronestor,
    *rooms: str,
    start: datetime = NOW - HOUR,
    end: datetime = NOW + timedelta(days=14),
) -> Snapshot:
    """List the bookings of the rooms, room 101 if none is said."""
    return await client.list_bookings(rooms or ("101",), start, end)


def only(snapshot: Snapshot) -> Booking:
    """Return the one booking of a snapshot without problems."""
    assert (snapshot.problems, snapshot.missing) == ((), frozenset())
    assert snapshot.complete
    (booking,) = snapshot.bookings
    return booking


# What it says of itself


def test_form() -> None:
    """The login and the locations; certificate and profile only if one wants."""
    fields = {field.name: field for field in Pronestor.form}
    assert list(fields) == [
        *("url", "username", "password", "location_ids", "verify_ssl", "profile")
    ]
    assert [f.name for f in Pronestor.form if f.advanced] == ["verify_ssl", "profile"]
    assert [f.name for f in Pronestor.form if f.secret] == ["password"]
    assert Pronestor.own_session
    assert Pronestor.absence is Absence.LISTING
    assert Pronestor.poll_interval == timedelta(minutes=15)


async def test_account(client: Pronestor, simulator: PronestorSimulator) -> None:
    """All three methods are tried, after one login."""
    port = URL(simulator.url).port
    assert await client.validate() == Account(
        id=f"127.0.0.1:{port}/{USER}", title="Pronestor Planner (127.0.0.1)"
    )
    assert simulator.requests == [LOGIN, ROOMS, ROOMS, BOOKINGS, BOOKINGS]


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://c.pronestor.com", "https://c.pronestor.com/api.mvc"),
        ("https://c.pronestor.com/", "https://c.pronestor.com/api.mvc"),
        ("https://c.pronestor.com/API.mvc/", "https://c.pronestor.com/api.mvc"),
        ("https://c.pronestor.com/Login.mvc/In?x=1#y", "https://c.pronestor.com/api.mvc"),
        ("http://10.0.0.7:8080/planner/", "http://10.0.0.7:8080/planner/api.mvc"),
        ("http://10.0.0.7/planner/api.mvc/v1", "http://10.0.0.7/planner/api.mvc"),
    ],
)  # fmt: skip
async def test_addresses(session: ClientSession, url: str, base: str) -> None:
    """Whichever page of the site is pasted, its interface is found."""
    settings = {"url": url, "username": "u", "password": "p", "location_ids": "1"}
    assert str(Pronestor(session, settings)._site.base) == base


@pytest.mark.parametrize(
    "given", ["3, 7", "3;7", " 3 7 ", "3,7,3", ["3", "7"], [3, 7], ["3,7"]]
)
async def test_location_ids(
    session: ClientSession, simulator: PronestorSimulator, given: object
) -> None:
    """Written in any way, each is asked for once."""
    client = client_of(session, simulator, location_ids=given)
    rooms = await client.list_resources()
    assert [room.id for room in rooms] == ["101", "102", "201"]
    assert simulator.requests == [LOGIN, ROOMS, ROOMS]


# Rooms


async def test_rooms(client: Pronestor) -> None:
    """Each with its name and its location's."""
    assert await client.list_resources() == (
        Resource(id="101", name="Fyrtårnet", location="Hovedkontoret"),
        Resource(id="102", name="Skibet", location="Hovedkontoret"),
        Resource(id="201", name="Auditoriet", location="Aarhus"),
    )


async def test_only_the_locations_that_were_named(
    session: ClientSession, simulator: PronestorSimulator
) -> None:
    """Also where the site does not look at the parameter."""
    client = client_of(session, simulator, location_ids="7")
    simulator._rooms = lambda *_: [  # type: ignore[method-assign] # an answer no switch gives
        {"Id": 101, "Name": "Fyrtårnet", "LocationId": 3},
        {"Id": 201, "Name": None, "LocationId": 7},
        {"Id": None, "Name": "Nothing", "LocationId": 7},
    ]
    assert await client.list_resources() == (Resource(id="201", name="201"),)


async def test_no_rooms(client: Pronestor, simulator: PronestorSimulator) -> None:
    """A location without rooms is the wrong one."""
    simulator.control({"clear": True})
    assert await client.list_resources() == ()
    with pytest.raises(Rejected, match="wrong_location"):
        await client.validate()


async def test_an_unknown_location(
    session: ClientSession, simulator: PronestorSimulator
) -> None:
    """What the site refuses is told as it stands."""
    client = client_of(session, simulator, location_ids="99")
    with pytest.raises(ContractError) as caught:
        await client.validate()
    assert caught.value.field == "rooms (status 400)"
    assert "GetRooms = 400" in client.tried


# Bookings


@pytest.mark.parametrize("date_format", SWITCHES["date_format"])
async def test_booking(
    client: Pronestor, simulator: PronestorSimulator, date_format: str
) -> None:
    """A booking is read whole, in each format of dates."""
    simulator.control({"date_format": date_format})
    guests = [
        {"name": "Bo", "email": "bo@example.com"},
        {"name": None, "company": "Kunden A/S"},
        {"name": "", "email": None},
    ]
    book(simulator, {"participants": guests})
    assert only(await listed(client)) == Booking(
        id="501",
        resource_id="101",
        start=NOW,
        end=NOW + HOUR,
        summary="Ugemøde",
        holder=Person(name="Anna Holm", email="anna@example.com", phone="20 12 34 56"),
        participants=(
            Person(name="Bo", email="bo@example.com"),
            Person(name="Kunden A/S"),
        ),
    )


@pytest.mark.parametrize("date_format", SWITCHES["date_format"])
async def test_other_names(
    session: ClientSession, simulator: PronestorSimulator, date_format: str
) -> None:
    """The same, where a site calls everything differently and the profile says so."""
    simulator.control({"dialect": "other", "date_format": date_format})
    guests = [{"name": None, "company": "Kunden A/S"}]
    book(
        simulator,
        {"participants": guests},
        {"id": 502, "cancelled": True},
        {"id": 503, "extra": {"state": 4}},
        {"id": 504, "rooms": [101, 102]},
    )
    client = client_of(session, simulator, profile=json.dumps(OTHER))
    assert await client.validate()
    assert [room.label for room in await client.list_resources()] == [
        "Fyrtårnet (Hovedkontoret)",
        "Skibet (Hovedkontoret)",
        "Auditoriet (Aarhus)",
    ]
    snapshot = await listed(client, "101", "102", "201")
    found = {booking.id: booking for booking in snapshot.bookings}
    assert found["501"] == Booking(
        id="501",
        resource_id="101",
        start=NOW,
        end=NOW + HOUR,
        summary="Ugemøde",
        holder=Person(name="Anna Holm", email="anna@example.com", phone="20 12 34 56"),
        participants=(Person(name="Kunden A/S"),),
    )
    assert {id_ for id_, b in found.items() if b.status is BookingStatus.CANCELLED} == {
        *("502", "503")
    }
    assert {"504/101", "504/102"} <= set(found)
    assert snapshot.complete


async def test_names_in_small_letters(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """.NET writes either, so neither needs a profile."""
    start, end = "2026-11-24T09:00:00", "2026-11-24T10:00:00"
    row = {
        "id": "x",
        "roomId": "101",
        "start": start,
        "END": end,
        "booker": {"name": "A"},
    }
    simulator.control({"raw": [row]})
    booking = only(await listed(client))
    assert (booking.start, booking.end) == (NOW, NOW + HOUR)
    assert booking.holder == Person(name="A")


@pytest.mark.parametrize(
    ("wire", "wanted"),
    [
        ("/Date(1795507200000)/", NOW),
        ("/Date(1795507200000+0100)/", NOW),
        ("/Date(1795507200000-0500)/", NOW),
        ("2026-11-24T09:00:00", NOW),
        ("2026-11-24 09:00", NOW),
        ("2026-11-24T09:00:00.0000000", NOW),
        ("2026-11-24T08:00:00Z", NOW),
        ("2026-11-24T03:00:00-05:00", NOW),
        ("2026-06-05T09:00:00", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
    ],
)
async def test_dates(
    client: Pronestor, simulator: PronestorSimulator, wire: str, wanted: datetime
) -> None:
    """Milliseconds are UTC whatever is said behind them; without an offset it is local."""
    end = (wanted + HOUR).isoformat()
    book(simulator, {"extra": {"Start": wire, "End": end}})
    simulator.meetings["501"].extra["Start"] = wire
    window = {"start": wanted, "end": wanted + HOUR}
    simulator._found = lambda *_: list(simulator.meetings.items())  # type: ignore[method-assign] # an answer no switch gives
    assert only(await listed(client, **window)).start == wanted


@pytest.mark.parametrize("end", ["/Date(253402300799999)/", "9999-12-31T23:59:59"])
async def test_a_booking_for_ever(
    client: Pronestor, simulator: PronestorSimulator, end: str
) -> None:
    """.NET's last day means that there is no end."""
    book(simulator, {"extra": {"End": end}})
    assert only(await listed(client)).end == FOREVER


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("Start", None),
        ("Start", "tomorrow"),
        ("Start", "2026-11-24"),
        ("Start", "/Date(-62135596800000)/"),
        ("Start", "/Date(999999999999999)/"),
        ("Start", ["x"]),
        ("End", "0001-01-01T00:00:00"),
        ("End", True),
        ("Id", None),
        ("Id", {}),
        ("Subject", {"da": "x"}),
        ("Booker.Name", [1]),
        ("Booker.Phone", {"x": 1}),
        ("Participants", "Bo"),
        ("Participants", [{"Email": ["x"]}]),
    ],
)
async def test_a_bad_booking_costs_no_other(
    client: Pronestor, simulator: PronestorSimulator, field: str, value: object
) -> None:
    """It is named by the profile's place and name, and by nothing personal."""
    top, _, below = field.partition(".")
    extra = {top: {below: value} if below else value}
    book(simulator, {"id": 501, "extra": extra}, {"id": 502})
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["502"]
    assert not snapshot.complete
    (problem,) = snapshot.problems
    assert problem.item == "booking 1 of location 3"
    assert (
        f"({field.removesuffix('.Email')}" in problem.field or "Email" in problem.field
    )
    assert problem.field.startswith("bookings.")


async def test_a_row_that_is_none(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """Null among the bookings of a location."""
    book(simulator, {})
    simulator.control({"raw": [None]})
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["501"]
    assert not snapshot.complete
    problem = Problem(
        reason="bad_booking",
        item="booking 2 of location 3",
        field="bookings.room_id (RoomId)",
    )
    assert problem in snapshot.problems


@pytest.mark.parametrize("begin_inside", [False, True])
async def test_window(
    client: Pronestor, simulator: PronestorSimulator, begin_inside: bool
) -> None:
    """Exactly what overlaps [start, end) remains, also if less is answered."""
    simulator.control({"begin_inside": begin_inside})
    end, minute = NOW + 10 * HOUR, timedelta(minutes=1)
    periods = {
        "ends at start": (NOW - HOUR, NOW),
        "ends after start": (NOW - HOUR, NOW + minute),
        "begins at start": (NOW, NOW + HOUR),
        "over all": (NOW - 70 * HOUR, end + HOUR),
        "begins before end": (end - minute, end + HOUR),
        "begins at end": (end, end + HOUR),
    }
    book(
        simulator,
        *(
            {"id": name, "start": first.isoformat(), "end": last.isoformat()}
            for name, (first, last) in periods.items()
        ),
    )
    snapshot = await listed(client, start=NOW, end=end)
    outside = {"ends at start", "begins at end"}
    assert {b.id: (b.start, b.end) for b in snapshot.bookings} == {
        name: period for name, period in periods.items() if name not in outside
    }


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        # Autumn, 25 October 2026: 03:00 is 02:00 again, at 01:00 UTC.
        ("2026-10-25T02:15:00", "2026-10-25T02:45:00", ("00:15", "01:45")),
        ("2026-10-24T22:00:00", "2026-10-25T08:00:00", ("20:00", "07:00")),
        # Spring, 29 March 2026: 02:00 is 03:00, at 01:00 UTC.
        ("2026-03-29T02:30:00", "2026-03-29T03:30:00", ("00:30", "01:30")),
        ("2026-03-28T22:00:00", "2026-03-29T08:00:00", ("21:00", "06:00")),
    ],
)
async def test_nights_of_the_time_change(
    client: Pronestor,
    simulator: PronestorSimulator,
    start: str,
    end: str,
    wanted: tuple[str, str],
) -> None:
    """No booking ends early, and none collapses."""
    row = {"Id": 1, "RoomId": 101, "Start": start, "End": end}
    simulator.control({"raw": [row]})
    night = datetime.fromisoformat(f"{start}+00:00") - timedelta(days=1)
    booking = only(await listed(client, start=night, end=night + timedelta(days=3)))
    assert (f"{booking.start:%H:%M}", f"{booking.end:%H:%M}") == wanted


async def test_cancelled(client: Pronestor, simulator: PronestorSimulator) -> None:
    """A mark that says so counts at once."""
    book(
        simulator,
        {"id": 1, "cancelled": True},
        {"id": 2, "extra": {"Cancelled": "Annulleret "}},
        {"id": 3, "extra": {"Cancelled": None}},
        {"id": 4, "extra": {"Cancelled": "Tentative, or whatever comes next"}},
    )
    found = {b.id: b.status for b in (await listed(client)).bookings}
    gone = BookingStatus.CANCELLED
    assert {id_ for id_, status in found.items() if status is gone} == {"1", "2"}


async def test_a_meeting_in_several_rooms_and_rows_that_come_twice(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """Each booking has an id of its own, the same at each poll."""
    book(simulator, {"rooms": [101, 102]}, {"id": 502})
    simulator.fault("duplicate", path="GetBookings")
    for _ in range(2):
        snapshot = await listed(client, "101", "102")
        assert sorted((b.id, b.resource_id) for b in snapshot.bookings) == [
            ("501/101", "101"),
            ("501/102", "102"),
            ("502", "101"),
        ]


async def test_only_asked_rooms(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """Others of the location stay away, bad ones too; a room that is gone is missing."""
    book(simulator, {"id": 1}, {"id": 2, "room": 102, "extra": {"Start": None}})
    snapshot = await listed(client, "101", "999")
    assert [b.id for b in snapshot.bookings] == ["1"]
    assert snapshot.problems == ()
    assert snapshot.missing == {"999"}
    with pytest.raises(ContractError):  # an answer about none of what was asked
        await listed(client, "999")


async def test_an_empty_list_is_null(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """No bookings at all."""
    simulator.fault("empty", path="GetBookings")
    assert (await listed(client)).bookings == ()


async def test_many_bookings_let_others_run(
    client: Pronestor, simulator: PronestorSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else goes on while long answers are read and put together."""
    book(simulator, *({"id": number} for number in range(1, 1001)))
    loop, others_ran = asyncio.get_running_loop(), threading.Event()
    turns: list[str] = []

    def beside(name: str) -> None:
        real = getattr(pronestor, name)

        def slow(*args: Any) -> Any:
            if not args[0]:  # the other location's
                return real(*args)
            others_ran.clear()
            loop.call_soon_threadsafe(others_ran.set)
            assert others_ran.wait(10)
            turns.append(name)
            return real(*args)

        monkeypatch.setattr(pronestor, name, slow)

    beside("read_bookings")
    beside("identified")
    snapshot = await listed(client, "101")
    assert {b.id for b in snapshot.bookings} == {str(n) for n in range(1, 1001)}
    assert "read_bookings" in turns
    assert turns[-1] == "identified"


# The login


async def test_one_login_for_parallel_calls(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """The first time, and when the session has gone."""
    await asyncio.gather(*(client.list_resources() for _ in range(5)))
    assert simulator.requests.count(LOGIN) == 1
    simulator.tokens.clear()
    await asyncio.gather(*(client.list_resources() for _ in range(5)), listed(client))
    assert simulator.requests.count(LOGIN) == 2


@pytest.mark.parametrize("refusal", SWITCHES["refusal"])
async def test_a_session_that_has_gone(
    client: Pronestor, simulator: PronestorSimulator, refusal: str
) -> None:
    """One more login, in each way that a refusal may look, and no redirect is followed."""
    simulator.control({"refusal": refusal})
    book(simulator, {})
    await client.list_resources()
    simulator.fault("expired_session")
    simulator.requests.clear()
    assert only(await listed(client)).id == "501"
    assert simulator.requests.count(LOGIN) == 1
    assert {path for _, path in simulator.requests} == {
        path for _, path in (LOGIN, ROOMS, BOOKINGS)
    }


@pytest.mark.parametrize("refusal", SWITCHES["refusal"])
async def test_a_session_that_goes_at_once(
    client: Pronestor, simulator: PronestorSimulator, refusal: str
) -> None:
    """After one login more it is enough."""
    simulator.control({"refusal": refusal})
    await client.list_resources()
    simulator.fault("expired_session", times=1000)
    simulator.requests.clear()
    with pytest.raises(AuthError):
        await listed(client)
    assert simulator.requests.count(LOGIN) == 1


@pytest.mark.parametrize("login_refusal", SWITCHES["login_refusal"])
@pytest.mark.parametrize("refusal", SWITCHES["refusal"])
async def test_a_wrong_password(
    session: ClientSession,
    simulator: PronestorSimulator,
    refusal: str,
    login_refusal: str,
) -> None:
    """One attempt for all calls of a moment: more could lock the account."""
    simulator.control({"refusal": refusal, "login_refusal": login_refusal})
    client = client_of(session, simulator, password="wrong")
    results = await asyncio.gather(
        *(client.list_resources() for _ in range(3)), return_exceptions=True
    )
    assert [type(result) for result in results] == [AuthError] * 3
    assert simulator.requests.count(LOGIN) == 1
    with pytest.raises(AuthError):
        await client.validate()
    assert simulator.requests.count(LOGIN) == 2


async def test_no_login_is_needed(
    session: ClientSession, simulator: PronestorSimulator
) -> None:
    """On premises it can be switched off."""
    simulator.control({"bypass": True, "login_refusal": "false"})
    client = client_of(session, simulator, password="any")
    assert len(await client.list_resources()) == 3


# What goes wrong


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", AuthError),
        ("403", AuthError),
        ("html", AuthError),
        ("404", ContractError),
        ("429", RateLimited),
        ("500", ConnectionFailed),
        ("503", ConnectionFailed),
        ("reset", ConnectionFailed),
        ("truncated", ContractError),
    ],
)
@pytest.mark.parametrize("path", ["Authenticate", "GetRooms", "GetBookings"])
async def test_faults(
    client: Pronestor,
    simulator: PronestorSimulator,
    path: str,
    fault: str,
    error: type[VendorError],
) -> None:
    """Each is one of our errors, and it works again afterwards."""
    if (fault, path) == ("truncated", "Authenticate"):
        return  # its body says nothing that we need
    book(simulator, {})
    simulator.fault(fault, path=path)
    with pytest.raises(error) as caught:
        await listed(client)
    assert type(caught.value) is error
    simulator.faults.clear()
    assert only(await listed(client)).id == "501"


async def test_too_many_requests(
    client: Pronestor, simulator: PronestorSimulator
) -> None:
    """The site says when to come again."""
    simulator.fault("429", retry_after="120")
    with pytest.raises(RateLimited) as caught:
        await listed(client)
    assert caught.value.retry_after == timedelta(seconds=120)


@pytest.mark.parametrize("path", ["Authenticate", "GetRooms", "GetBookings"])
async def test_hang(
    client: Pronestor,
    simulator: PronestorSimulator,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for ever."""
    short = timedelta(seconds=0.1)
    monkeypatch.setattr(pronestor_site, "TIMEOUT", short)
    monkeypatch.setattr(pronestor_site, "FIRST_TIMEOUT", short)
    simulator.fault("hang", path=path)
    with pytest.raises(ConnectionFailed, match="no answer in time"):
        await client.validate()
    assert f"{path} = …" in client.tried


async def test_the_first_answer_may_take_long(
    client: Pronestor, simulator: PronestorSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute for a site that was asleep, the usual time for one that is not."""
    limits: list[float] = []
    real = pronestor_site.request

    async def noted(*args: Any, time_limit: timedelta, **kwargs: Any) -> Any:
        limits.append(time_limit.total_seconds())
        return await real(*args, time_limit=time_limit, **kwargs)

    clock = [1000.0]
    monkeypatch.setattr(pronestor_site, "request", noted)
    monkeypatch.setattr(pronestor_site.time, "monotonic", lambda: clock[0])
    await client.list_resources()
    assert limits == [60, 20, 20]
    clock[0] += 15 * 60
    await listed(client)
    assert limits[3:4] == [60]
    assert limits[-1] == 20


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("GetRooms", "rooms.list_path ()"),
        ("GetBookings", "bookings.list_path ()"),
    ],
)
async def test_no_list(
    client: Pronestor, simulator: PronestorSimulator, path: str, field: str
) -> None:
    """An object where the list should be is never an empty list."""
    simulator.fault("wrong_shape", path=path)
    with pytest.raises(ContractError) as caught:
        await listed(client)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        ({"auth": {"path": "v1/LogOn"}}, "auth.path (status 404)"),
        ({"auth": {"method": "GET"}}, "auth.method (status 405)"),
        ({"auth": {"user_field": "user"}}, None),
        ({"rooms": {"path": "v1/Rooms"}}, "rooms.path (status 404)"),
        ({"rooms": {"location_param": "location"}}, "rooms (status 400)"),
        ({"rooms": {"id": "Number"}}, "rooms.id (Number)"),
        ({"rooms": {"list_path": "Data.Rooms"}}, "rooms.list_path (Data.Rooms)"),
        ({"bookings": {"method": "POST"}}, "bookings.method (status 405)"),
        ({"bookings": {"date_format": "date"}}, "bookings (status 400)"),
        ({"bookings": {"id": "Number"}}, "bookings.id (Number)"),
        ({"bookings": {"start": "Begin"}}, "bookings.start (Begin)"),
        ({"bookings": {"end": "Finish"}}, "bookings.end (Finish)"),
        ({"bookings": {"room_id": "Room.Id"}}, "bookings.room_id (Room.Id)"),
        ({"bookings": {"room_id": "Id"}}, "bookings.room_id (Id)"),
        ({"bookings": {"subject": "MeetingType"}}, "bookings.subject (MeetingType)"),
        (
            {"bookings": {"booker": {"name": "Booker"}}},
            "bookings.booker.name (Booker)",
        ),
        (
            {"bookings": {"participants": {"list_path": "Subject"}}},
            "bookings.participants.list_path (Subject)",
        ),
    ],
)
async def test_a_profile_that_does_not_fit(
    session: ClientSession,
    simulator: PronestorSimulator,
    profile: dict[str, Any],
    field: str | None,
) -> None:
    """What does not is named, by its place in the profile and the name there."""
    book(simulator, {}, {"id": 502})
    now = datetime.now(UTC)
    for meeting in list(simulator.meetings):
        end = (now + HOUR).isoformat()
        book(simulator, {"id": meeting, "start": now.isoformat(), "end": end})
    client = client_of(session, simulator, profile=profile)
    with pytest.raises(AuthError if field is None else ContractError) as caught:
        await client.validate()
    assert getattr(caught.value, "field", None) == field
    if field and field.startswith("bookings."):
        with pytest.raises(ContractError, match=r"bookings\."):
            await listed(client, start=now - HOUR, end=now + HOUR)


async def test_what_was_tried(
    session: ClientSession, simulator: PronestorSimulator
) -> None:
    """Each path with what it answered, for somebody to compare with the site's page."""
    client = client_of(
        session, simulator, profile={"rooms": {"path": "/api.mvc/v9/Rooms/"}}
    )
    assert client.tried == ""
    with pytest.raises(ContractError):
        await client.validate()
    assert client.tried == (
        "```\n"
        "GET /api.mvc = 200 HTML\n"
        "auth: POST /api.mvc/v1/Authenticate = 200\n"
        "rooms: GET /api.mvc/v9/Rooms = 404\n"
        "bookings: GET /api.mvc/v1/GetBookings = –\n"
        "```\n\n"
    )


async def test_nobody_is_at_home(session: ClientSession) -> None:
    """Then the page is not asked for either."""
    settings = {"url": "http://127.0.0.1:1", "username": "u", "password": "p"}
    client = Pronestor(session, {**settings, "location_ids": "1"})
    with pytest.raises(ConnectionFailed):
        await client.validate()
    assert "auth: POST /api.mvc/v1/Authenticate = …" in client.tried
    assert "GET /api.mvc = –" in client.tried


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("text/html", "[]", None),  # .NET's usual name for any text
        ("text/html", "\ufeff  <b>Error</b>", AuthError),
        ("text/plain", "<!DOCTYPE html><p>", AuthError),
        ("application/xml", "<ArrayOfRoom/>", ContractError),
        ("application/json", "", ContractError),
    ],
)
async def test_what_a_page_is(
    session: ClientSession,
    simulator: PronestorSimulator,
    content_type: str,
    body: str,
    error: type[VendorError] | None,
) -> None:
    """It is looked at, not what it is called."""
    serve = simulator._serve

    async def odd(request: web.Request) -> web.StreamResponse:
        if "GetRooms" in request.path:
            return web.Response(text=body, content_type=content_type)
        return await serve(request)

    simulator._serve = odd  # type: ignore[method-assign] # an answer no switch gives
    await simulator.stop()
    await simulator.start()
    client = client_of(session, simulator)
    if error is None:
        assert await client.list_resources() == ()
        return
    with pytest.raises(error):
        await client.list_resources()


async def test_nothing_personal_is_told(
    client: Pronestor, simulator: PronestorSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the log, nor in errors, problems or reprs."""
    caplog.set_level(logging.DEBUG)
    marks = {"name": "MARK-NAME", "email": "mark@mail", "phone": "55 66 77 88"}
    guests = [{"name": "MARK-GUEST", "email": "guest@mail"}]
    book(
        simulator,
        {"booker": marks, "participants": guests, "subject": "MARK-SUBJECT"},
        {"id": 2, "booker": marks, "extra": {"Start": "MARK-START"}},
    )
    snapshot = await listed(client)
    simulator.fault("wrong_shape", path="GetBookings")
    with pytest.raises(ContractError) as caught:
        await listed(client)
    told = f"{snapshot!r}{caught.value!r}{caplog.text}{client.tried}"
    assert len(snapshot.bookings) == len(snapshot.problems) == 1
    marked = [*marks.values(), "MARK", "guest@mail", PASSWORD]
    assert [mark for mark in marked if mark in told] == []
