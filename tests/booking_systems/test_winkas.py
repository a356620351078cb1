"""Tests of the WinKAS client, against the simulator over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
import threading
from typing import Any

from aiohttp import ClientSession, web
import pytest

from custom_components.booking_access.booking_systems import winkas
from custom_components.booking_access.booking_systems.winkas import WinKas
from custom_components.booking_access.engine.models import (
    FOREVER,
    NOBODY,
    Account,
    AuthError,
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    Person,
    Problem,
    RateLimited,
    Resource,
    Snapshot,
    VendorError,
)
from custom_components.booking_access.forms import FieldKind
from simulators.winkas import LICENSE, PASSWORD, USER, WinKasSimulator

LOGIN = ("POST", "/api/Authentication/Authenticate")
EVENTS = ("POST", "/api/Calendar/GetAllResourceEventsInTimePeriod")
RESOURCES = ("POST", "/api/Calendar/GetAllResources")

# Danish winter time, UTC+1: 09:00 on the wall.
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OWNER = {
    "Id": 70001,
    "MemberNumber": 311,
    "FirstName": "Anna",
    "LastName": "Holm",
    "Email": "anna@example.com",
    "Phone": "20 12 34 56",
}


@pytest.fixture
async def simulator(session: ClientSession) -> AsyncIterator[WinKasSimulator]:
    """A running simulator with one empty hall, and another."""
    async with WinKasSimulator(now=NOW) as running:
        running.control(
            {
                "clear": True,
                "resources": [
                    {
                        "id": 12,
                        "name": "Hal 1",
                        "location": {"Id": 1, "Name": "Hallen"},
                    },
                    {"id": 13, "name": "Hal 2", "location": None},
                ],
            }
        )
        yield running


@pytest.fixture
def client(session: ClientSession, simulator: WinKasSimulator) -> WinKas:
    """A client of the simulator."""
    return WinKas(session, simulator.credentials())


def book(simulator: WinKasSimulator, *bookings: dict[str, Any]) -> None:
    """Put bookings of hall 12 into the simulator; one hour from NOW if not said."""
    usual = {
        "id": 501,
        "resource": 12,
        "start": NOW.isoformat(),
        "end": (NOW + HOUR).isoformat(),
        "subject": "Badminton",
        "owner": OWNER,
    }
    simulator.control({"bookings": [usual | booking for booking in bookings]})


def wire(**record: Any) -> dict[str, Any]:
    """Write a row as WinKAS answers it."""
    usual = {"Id": 501, "Start": "22-11-2026 09:00:00", "Stop": "22-11-2026 10:00:00"}
    return {"ResourceCalendarbooking": usual | record}


async def listed(
    client: WinKas,
    *resources: str,
    start: datetime = NOW - HOUR,
    end: datetime = NOW + timedelta(days=14),
) -> Snapshot:
    """List the bookings of the resources, hall 12 if none is said."""
    return await client.list_bookings(resources or ("12",), start, end)


def spans(snapshot: Snapshot) -> dict[str, tuple[datetime, datetime]]:
    """Return each booking's instants by its id."""
    assert len({b.id for b in snapshot.bookings}) == len(snapshot.bookings)
    return {b.id: (b.start, b.end) for b in snapshot.bookings}


def only(snapshot: Snapshot) -> Booking:
    """Return the one booking of a snapshot without problems."""
    assert snapshot.problems == ()
    assert snapshot.complete
    assert snapshot.missing == frozenset()
    (booking,) = snapshot.bookings
    return booking


# What it says of itself


def test_form() -> None:
    """The form asks for the login, and for a URL only if one wants."""
    fields = {field.name: field for field in WinKas.form}
    assert list(fields) == ["username", "password", "license_number", "url"]
    assert fields["password"].secret
    assert not fields["username"].secret
    assert fields["url"].kind is FieldKind.URL
    assert fields["url"].advanced
    assert not fields["url"].required
    assert fields["url"].default == "https://air.winkas.net/api/"


@pytest.mark.parametrize("url", [None, ""])
def test_default_url(session: ClientSession, url: str | None) -> None:
    """Without a URL it is WinKAS's own."""
    settings = {"username": "u", "password": "p", "license_number": "1", "url": url}
    client = WinKas(session, settings)
    assert str(client._base) == "https://air.winkas.net/api"


async def test_account(client: WinKas, simulator: WinKasSimulator) -> None:
    """The account is the user of the licence, lower case."""
    assert await client.validate() == Account(
        id=f"{LICENSE}/{USER}".lower(), title=f"WinKAS ({LICENSE})"
    )
    assert simulator.requests == [LOGIN]


async def test_account_of_the_same_user_written_differently(
    session: ClientSession, simulator: WinKasSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case and blanks of the user name make no other account."""
    monkeypatch.setattr("simulators.winkas.USER", "Hal.Vagt")
    settings = {**simulator.credentials(), "username": " Hal.Vagt "}
    account = await WinKas(session, settings).validate()
    assert account.id == f"{LICENSE}/hal.vagt"


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.winkas.net/api/", "https://api.winkas.net/api"),
        *("https://api.winkas.net", " https://api.winkas.net/ "),
    ],
)
def test_the_older_url(session: ClientSession, url: str) -> None:
    """It serves those who have had WinKAS for long; its path is known."""
    settings = {"username": "u", "password": "p", "license_number": "1", "url": url}
    assert str(WinKas(session, settings)._base) == "https://api.winkas.net/api"


@pytest.mark.parametrize("end", ["/api/", "/api", "/API//", "", "/"])
async def test_base_urls(
    session: ClientSession, simulator: WinKasSimulator, end: str
) -> None:
    """The base URL works with and without a slash at its end."""
    client = WinKas(session, {**simulator.credentials(), "url": simulator.url + end})
    assert await client.validate()
    assert [resource.id for resource in await client.list_resources()] == ["12", "13"]


# Resources


async def test_resources(client: WinKas, simulator: WinKasSimulator) -> None:
    """Resources without a location, or without parts of it, are kept."""
    simulator.control(
        {
            "resources": [
                {"id": 14, "name": "Sal", "location": {"Id": 2, "Name": None}},
                {"id": 15, "name": "Bane", "location": {"Address": "Vej 2"}},
                {"id": 16, "name": None, "location": "Hallen"},
            ]
        }
    )
    assert await client.list_resources() == (
        Resource(id="12", name="Hal 1", location="Hallen"),
        Resource(id="13", name="Hal 2"),
        Resource(id="14", name="Sal"),
        Resource(id="15", name="Bane", location="Vej 2"),
        Resource(id="16", name="16"),
    )


async def test_resources_without_id_are_left_out(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """What cannot be booked is no resource, and what is there twice is there once."""
    simulator.resources[97] = {"Id": None, "Name": "Nothing"}
    simulator.resources[98] = {"Id": True, "Name": "Nothing"}
    simulator.resources[99] = {"Id": 13, "Name": "Hal 2"}
    resources = await client.list_resources()
    assert [(resource.id, resource.name) for resource in resources] == [
        ("12", "Hal 1"),
        ("13", "Hal 2"),
    ]


# Bookings


@pytest.mark.parametrize(
    "date_format", ["dk", "dk_minutes", "iso", "iso_utc", "number"]
)
async def test_booking(
    client: WinKas, simulator: WinKasSimulator, date_format: str
) -> None:
    """A booking is read whole, in each format of dates."""
    simulator.control({"date_format": date_format})
    book(simulator, {})
    assert only(await listed(client)) == Booking(
        id="501",
        resource_id="12",
        start=datetime(2026, 11, 22, 8, 0, tzinfo=UTC),
        end=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        summary="Badminton",
        holder=Person(
            name="Anna Holm", phone="20 12 34 56", email="anna@example.com", id="311"
        ),
    )


@pytest.mark.parametrize(
    ("start", "wanted"),
    [
        ("05-06-2026 09:00:00", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
        ("05-06-2026 09:00", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
        (" 05-06-2026T09:00 ", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
        ("2026-06-05T09:00:00", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
        ("2026-06-05 09:00", datetime(2026, 6, 5, 7, 0, tzinfo=UTC)),
        ("2026-06-05T09:00:00.1234567", datetime(2026, 6, 5, 7, 0, 0, 123456, UTC)),
        ("2026-06-05T09:00:00Z", datetime(2026, 6, 5, 9, 0, tzinfo=UTC)),
        ("2026-06-05T09:00:00-04:00", datetime(2026, 6, 5, 13, 0, tzinfo=UTC)),
        ("05-12-2026 09:00:00", datetime(2026, 12, 5, 8, 0, tzinfo=UTC)),
    ],
)
async def test_dates(
    client: WinKas, simulator: WinKasSimulator, start: str, wanted: datetime
) -> None:
    """The day comes first, and a time without an offset is Danish."""
    stop = (wanted + timedelta(days=1)).isoformat()
    simulator.control({"raw": {12: [wire(Start=start, Stop=stop)]}})
    window = {"start": wanted, "end": wanted + HOUR}
    assert only(await listed(client, **window)).start == wanted


async def test_midnight_and_the_last_year(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """24:00 is the next day, and .NET's last year means for ever."""
    simulator.control(
        {
            "raw": {
                12: [
                    wire(Id=1, Stop="22-11-2026 24:00"),
                    wire(Id=2, Stop="9999-12-31T23:59:59.9999999-12:00"),
                ]
            }
        }
    )
    assert spans(await listed(client)) == {
        "1": (NOW, datetime(2026, 11, 22, 23, 0, tzinfo=UTC)),
        "2": (NOW, FOREVER),
    }


@pytest.mark.parametrize(
    ("start", "stop", "wanted"),
    [
        # Autumn, 25 October 2026: 03:00 is 02:00 again, at 01:00 UTC.
        pytest.param("25-10-2026 02:15", "25-10-2026 02:45", ("00:15", "01:45"), id="fold"),
        pytest.param("25-10-2026 01:00", "25-10-2026 02:30", ("23:00", "01:30"), id="into"),
        pytest.param("25-10-2026 02:30", "25-10-2026 04:00", ("00:30", "03:00"), id="out"),
        pytest.param("24-10-2026 22:00", "25-10-2026 08:00", ("20:00", "07:00"), id="over"),
        # Spring, 29 March 2026: 02:00 is 03:00, at 01:00 UTC.
        pytest.param("29-03-2026 02:30", "29-03-2026 03:30", ("00:30", "01:30"), id="gap"),
        pytest.param("29-03-2026 02:15", "29-03-2026 02:45", ("01:15", "01:45"), id="in gap"),
        pytest.param("29-03-2026 01:00", "29-03-2026 02:30", ("00:00", "01:30"), id="to gap"),
        pytest.param("29-03-2026 02:30", "29-03-2026 05:00", ("01:30", "03:00"), id="from gap"),
        pytest.param("28-03-2026 22:00", "29-03-2026 08:00", ("21:00", "06:00"), id="over gap"),
    ],
)  # fmt: skip
async def test_nights_of_the_time_change(
    client: WinKas,
    simulator: WinKasSimulator,
    start: str,
    stop: str,
    wanted: tuple[str, str],
) -> None:
    """No booking ends early, and none collapses."""
    simulator.control({"raw": {12: [wire(Start=start, Stop=stop)]}})
    night = datetime(2026, 10 if "10-2026" in start else 3, 20, tzinfo=UTC)
    window = {"start": night, "end": night + timedelta(days=14)}
    booking = only(await listed(client, **window))
    assert (f"{booking.start:%H:%M}", f"{booking.end:%H:%M}") == wanted
    assert booking.end - booking.start < timedelta(hours=12)
    assert booking.start.tzinfo is UTC


@pytest.mark.parametrize("now", [NOW, datetime(2026, 7, 3, 8, 0, tzinfo=UTC)])
@pytest.mark.parametrize("z_means_utc", [True, False])
async def test_window(
    client: WinKas, simulator: WinKasSimulator, now: datetime, z_means_utc: bool
) -> None:
    """Under both readings of the Z, exactly what overlaps [start, end) remains."""
    simulator.control({"z_means_utc": z_means_utc})
    end = now + 10 * HOUR
    minute = timedelta(minutes=1)
    periods = {
        "ends at start": (now - HOUR, now),
        "ends after start": (now - HOUR, now + minute),
        "begins at start": (now, now + HOUR),
        "over all": (now - 70 * HOUR, end + HOUR),
        "ends at end": (end - HOUR, end),
        "begins before end": (end - minute, end + HOUR),
        "begins at end": (end, end + HOUR),
        "long before": (now - 10 * HOUR, now - 9 * HOUR),
    }
    book(
        simulator,
        *(
            {"id": name, "start": first.isoformat(), "end": last.isoformat()}
            for name, (first, last) in periods.items()
        ),
    )
    outside = {"ends at start", "begins at end", "long before"}
    assert spans(await listed(client, start=now, end=end)) == {
        name: period for name, period in periods.items() if name not in outside
    }


async def test_window_in_another_zone(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """The window's own zone does not matter."""
    book(simulator, {})
    zone = winkas.ZONE
    window = {"start": NOW.astimezone(zone), "end": (NOW + HOUR).astimezone(zone)}
    assert only(await listed(client, **window)).start == NOW


@pytest.mark.parametrize("z_means_utc", [True, False])
async def test_long_booking(
    client: WinKas, simulator: WinKasSimulator, z_means_utc: bool
) -> None:
    """A weekend's cup is found even if only what begins in the window is answered."""
    simulator.control({"begin_inside": True, "z_means_utc": z_means_utc})
    start, end = NOW - timedelta(days=3) + HOUR, NOW + 2 * HOUR
    book(simulator, {"start": start.isoformat(), "end": end.isoformat()})
    booking = only(await listed(client, start=NOW))
    assert (booking.start, booking.end) == (start, end)


async def test_a_booking_without_length_is_left_to_the_engine(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """It is the engine that refuses it, with its reason."""
    book(simulator, {"end": NOW.isoformat()})
    booking = only(await listed(client))
    assert booking.start == booking.end == NOW


async def test_only_asked_resources(client: WinKas, simulator: WinKasSimulator) -> None:
    """Each booking is of its resource, and those not asked for stay away."""
    book(simulator, {"id": 1}, {"id": 2, "resource": 13})
    assert [(b.id, b.resource_id) for b in (await listed(client, "13")).bookings] == [
        ("2", "13")
    ]
    both = await listed(client, "12", "13")
    assert [(b.id, b.resource_id) for b in both.bookings] == [("1", "12"), ("2", "13")]


async def test_no_resources(client: WinKas, simulator: WinKasSimulator) -> None:
    """Without resources there is nothing to ask."""
    snapshot = await client.list_bookings([], NOW, NOW + HOUR)
    assert snapshot == Snapshot(bookings=(), start=NOW, end=NOW + HOUR)
    assert simulator.requests == []


@pytest.mark.parametrize("gone", ["99", "hallen"])
async def test_missing_resource(
    client: WinKas, simulator: WinKasSimulator, gone: str
) -> None:
    """What the answer says nothing about is told."""
    book(simulator, {})
    snapshot = await listed(client, gone, "12")
    assert spans(snapshot) == {"501": (NOW, NOW + HOUR)}
    assert snapshot.missing == {gone}
    assert snapshot.problems == ()


@pytest.mark.parametrize("gone", ["99", "hallen"])
async def test_all_resources_missing(client: WinKas, gone: str) -> None:
    """An answer about none of what was asked is no answer."""
    with pytest.raises(ContractError) as caught:
        await listed(client, gone)
    assert caught.value.field == "Resources"


# Who holds it


@pytest.mark.parametrize(
    ("owner", "wanted"),
    [
        (None, NOBODY),
        ({}, NOBODY),
        ({"FirstName": None, "LastName": " ", "Phone": "", "Email": None}, NOBODY),
        ({"FirstName": " Nordby  FC "}, Person(name="Nordby FC")),
        ({"LastName": "Holm"}, Person(name="Holm")),
        ({"Mobile": 20123456}, Person(phone="20123456")),
        ({"Phone": False, "CellPhone": "20123456"}, Person(phone="20123456")),
        ({"MobilePhone": "2", "CellPhone": "3"}, Person(phone="2")),
        ({"Phone": {"Number": 1}, "Mail": "a@example.com"}, Person(email="a@example.com")),
        ({"Id": 7, "MemberNo": "A-17"}, Person(id="A-17")),
        ({"Id": 7, "MemberNumber": 0}, NOBODY),
    ],
)  # fmt: skip
async def test_holder(
    client: WinKas, simulator: WinKasSimulator, owner: Any, wanted: Person
) -> None:
    """The owner's plausible fields are looked up, and none has to be there."""
    book(simulator, {"owner": owner})
    assert only(await listed(client)).holder == wanted


# What identifies it


@pytest.mark.parametrize(
    ("record", "wrapper", "wanted"),
    [
        ({"Id": 7, "BookingNumber": 8}, {}, "7"),
        ({"Id": None, "BookingNumber": "B-8"}, {}, "B-8"),
        ({"Id": 0, "BookingNo": 9}, {}, "9"),
        ({"Id": "", "BookingId": 10}, {"Id": 11}, "10"),
        ({"Id": None}, {"BookingNo": 12}, "12"),
        ({"Id": True}, {"Id": 13}, "13"),
    ],
)
async def test_booking_number(
    client: WinKas,
    simulator: WinKasSimulator,
    record: dict[str, Any],
    wrapper: dict[str, Any],
    wanted: str,
) -> None:
    """The record's names come first, then those around it."""
    simulator.control({"raw": {12: [wire(**record) | wrapper]}})
    assert only(await listed(client)).id == wanted


async def test_a_moved_booking_stays_the_same(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """Neither time nor resource nor holder make another booking."""
    book(simulator, {})
    assert only(await listed(client)).id == "501"
    moved = {"start": (NOW + HOUR).isoformat(), "end": (NOW + 3 * HOUR).isoformat()}
    book(simulator, {**moved, "resource": 13, "owner": None, "subject": "Tennis"})
    snapshot = await listed(client, "12", "13")
    assert spans(snapshot) == {"501": (NOW + HOUR, NOW + 3 * HOUR)}


async def test_a_number_on_several_resources(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """The resource makes the difference, and each half survives a move."""
    book(simulator, {"id": "a", "number": 7}, {"id": "b", "number": 7, "resource": 13})
    first = await listed(client, "12", "13")
    assert spans(first) == {"7/12": (NOW, NOW + HOUR), "7/13": (NOW, NOW + HOUR)}
    later = (NOW + HOUR).isoformat(), (NOW + 2 * HOUR).isoformat()
    book(simulator, {"id": "a", "number": 7, "start": later[0], "end": later[1]})
    second = await listed(client, "12", "13")
    assert spans(second)["7/12"] == (NOW + HOUR, NOW + 2 * HOUR)


async def test_a_season(client: WinKas, simulator: WinKasSimulator) -> None:
    """A number that repeats gets the start; the last of a season keeps its id."""
    week = timedelta(days=7)
    occurrences = [
        {
            "id": f"{number}",
            "number": 7,
            "start": (NOW + number * week).isoformat(),
            "end": (NOW + number * week + HOUR).isoformat(),
        }
        for number in (0, 1)
    ]
    book(simulator, *occurrences, {"id": "single", "number": 8})
    assert spans(await listed(client)) == {
        "7/12/20261122T080000Z": (NOW, NOW + HOUR),
        "7/12/20261129T080000Z": (NOW + week, NOW + week + HOUR),
        "8": (NOW, NOW + HOUR),
    }
    simulator.control({"remove": ["0"]})
    assert set(spans(await listed(client))) == {"7/12/20261129T080000Z", "8"}


async def test_a_number_twice_at_the_same_time(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """Even then each has an id of its own, the same at every poll."""
    book(
        simulator,
        {"id": "a", "number": 7, "subject": "One"},
        {"id": "b", "number": 7, "subject": "Other"},
    )
    first = {b.summary: b.id for b in (await listed(client)).bookings}
    assert set(first) == {"One", "Other"}
    assert first["One"] != first["Other"]
    assert all(id_.startswith("7/12/20261122T080000Z/") for id_ in first.values())
    assert {b.summary: b.id for b in (await listed(client)).bookings} == first


async def test_without_a_number(client: WinKas, simulator: WinKasSimulator) -> None:
    """What the booking says identifies it, and says nothing personal."""
    book(
        simulator,
        {"id": "a", "number": None},
        {"id": "b", "number": None, "subject": "Tennis"},
        {"id": "c", "number": None, "owner": {"FirstName": "Bo"}},
    )
    first = await listed(client)
    ids = {(b.summary, b.holder.name): b.id for b in first.bookings}
    assert set(ids) == {("Badminton", "Anna Holm"), ("Tennis", "Anna Holm"), ("Badminton", "Bo")}  # fmt: skip
    assert len(spans(first)) == 3
    assert not any("Anna" in id_ or "Badminton" in id_ for id_ in ids.values())
    again = {(b.summary, b.holder.name): b.id for b in (await listed(client)).bookings}
    assert again == ids


# Cancelled


@pytest.mark.parametrize(
    ("marks", "wanted"),
    [
        ({"Cancelled": True}, BookingStatus.CANCELLED),
        ({"IsCancelled": True}, BookingStatus.CANCELLED),
        ({"Status": "Cancelled"}, BookingStatus.CANCELLED),
        ({"Status": " annulleret "}, BookingStatus.CANCELLED),
        ({"Cancelled": "Aflyst"}, BookingStatus.CANCELLED),
        ({"Cancelled": False, "IsCancelled": None}, BookingStatus.CONFIRMED),
        ({"Cancelled": 1}, BookingStatus.CONFIRMED),
        ({"Cancelled": "No"}, BookingStatus.CONFIRMED),
        ({"Status": True}, BookingStatus.CONFIRMED),
        ({"Status": "Not cancelled"}, BookingStatus.CONFIRMED),
        ({"Status": {"Id": 1}}, BookingStatus.CONFIRMED),
    ],
)
@pytest.mark.parametrize("around", [False, True])
async def test_cancelled(
    client: WinKas,
    simulator: WinKasSimulator,
    marks: dict[str, Any],
    around: bool,
    wanted: BookingStatus,
) -> None:
    """Only what can hardly mean anything else cancels."""
    row = wire() | marks if around else wire(**marks)
    simulator.control({"raw": {12: [row]}})
    assert only(await listed(client)).status is wanted


@pytest.mark.parametrize("cancelled_first", [True, False])
async def test_cancelled_and_booked_again(
    client: WinKas, simulator: WinKasSimulator, cancelled_first: bool
) -> None:
    """Of two rows that say the same, the live one counts."""
    rows = [wire(Cancelled=True), wire()]
    simulator.control({"raw": {12: rows if cancelled_first else rows[::-1]}})
    assert only(await listed(client)).status is BookingStatus.CONFIRMED


# Bad parts of an answer


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (None, "ResourceCalendarbookings"),
        ("booking", "ResourceCalendarbookings"),
        ({}, "ResourceCalendarbooking"),
        ({"ResourceCalendarbooking": None}, "ResourceCalendarbooking"),
        ({"ResourceCalendarbooking": []}, "ResourceCalendarbooking"),
        (wire(Start=None), "Start"),
        (wire(Start=""), "Start"),
        (wire(Start=1764000000), "Start"),
        (wire(Start="11/22/2026 09:00"), "Start"),
        (wire(Start="13-13-2026 09:00"), "Start"),
        (wire(Start="2026-11-22"), "Start"),
        (wire(Start="22-11-2026"), "Start"),
        (wire(Start="22-11-26 09:00"), "Start"),
        (wire(Start="01-01-0001 00:00:00"), "Start"),
        (wire(Stop=None), "Stop"),
        (wire(Stop="25:00"), "Stop"),
        (wire(Stop=True), "Stop"),
        (wire(Subject=["x"]), "Subject"),
        (wire(Subject=5), "Subject"),
        (wire() | {"BookingOwner": "Anna"}, "BookingOwner"),
        (wire() | {"BookingOwner": []}, "BookingOwner"),
        (wire() | {"BookingOwner": {"FirstName": 5}}, "FirstName"),
    ],
)
async def test_one_bad_booking(
    client: WinKas, simulator: WinKasSimulator, row: Any, field: str
) -> None:
    """It is told, with its field and not its value, and the others are kept."""
    book(simulator, {"id": 1})
    simulator.control({"raw": {12: [row, wire(Id=2)]}})
    snapshot = await listed(client)
    assert spans(snapshot) == {"1": (NOW, NOW + HOUR), "2": (NOW, NOW + HOUR)}
    assert snapshot.problems == (
        Problem(reason="bad_booking", item="booking 2 of resource 12", field=field),
    )
    assert not snapshot.complete


async def test_null_subject(client: WinKas, simulator: WinKasSimulator) -> None:
    """A booking without a subject is a booking."""
    simulator.control({"raw": {12: [wire(Subject=None)]}})
    assert only(await listed(client)).summary == ""


async def test_nulls(client: WinKas, simulator: WinKasSimulator) -> None:
    """Of a resource's bookings the empty one is told, and the others are kept."""
    book(simulator, {"id": 1}, {"id": 2}, {"id": 3, "resource": 13})
    simulator.fault("nulls")
    snapshot = await listed(client, "12", "13")
    assert spans(snapshot) == {"2": (NOW, NOW + HOUR)}
    assert snapshot.bookings[0].holder == NOBODY
    assert {(problem.item, problem.field) for problem in snapshot.problems} == {
        ("booking 1 of resource 12", "Start"),
        ("booking 1 of resource 13", "Start"),
    }


async def test_empty(client: WinKas, simulator: WinKasSimulator) -> None:
    """What is no list of bookings is an empty one."""
    book(simulator, {})
    simulator.fault("empty")
    snapshot = await listed(client, "12", "13")
    assert snapshot.bookings == snapshot.problems == ()
    assert snapshot.complete


async def test_partial(client: WinKas, simulator: WinKasSimulator) -> None:
    """A resource that is not answered is missing, and the other is not."""
    book(simulator, {"id": 1}, {"id": 2, "resource": 13})
    simulator.fault("partial")
    snapshot = await listed(client, "13", "12")
    assert spans(snapshot) == {"1": (NOW, NOW + HOUR)}
    assert snapshot.missing == {"13"}
    assert snapshot.complete


async def test_duplicate(client: WinKas, simulator: WinKasSimulator) -> None:
    """The same booking twice is one, with or without a number."""
    book(simulator, {"id": 1}, {"id": 2, "number": None, "subject": "Tennis"})
    simulator.fault("duplicate")
    snapshot = await listed(client)
    assert [b.summary for b in snapshot.bookings] == ["Badminton", "Tennis"]
    assert snapshot.bookings[0].id == "1"
    assert snapshot.complete


@pytest.mark.parametrize(
    ("path", "field"), [("Authenticate", "WinKasData"), ("Calendar", "Resources")]
)
async def test_wrong_shape(
    client: WinKas, simulator: WinKasSimulator, path: str, field: str
) -> None:
    """A bad envelope is told by its field."""
    simulator.fault("wrong_shape", path=path)
    for call in (client.list_resources, lambda: listed(client)):
        with pytest.raises(ContractError) as caught:
            await call()
        assert caught.value.field == field


async def test_many_bookings_let_others_run(
    client: WinKas, simulator: WinKasSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else goes on while a long answer is read."""
    simulator.control({"raw": {12: [wire(Id=n) for n in range(1, 1001)]}})
    loop, others_ran = asyncio.get_running_loop(), threading.Event()
    read = winkas._read

    def reading(resources: Any) -> Any:
        loop.call_soon_threadsafe(others_ran.set)
        assert others_ran.wait(10)
        return read(resources)

    monkeypatch.setattr(winkas, "_read", reading)
    snapshot = await listed(client)
    assert {b.id for b in snapshot.bookings} == {str(n) for n in range(1, 1001)}
    assert others_ran.is_set()


# Trouble on the way

STATUS_ERRORS = [
    ("401", AuthError),
    ("403", AuthError),
    ("404", ConnectionFailed),
    ("429", RateLimited),
    ("500", ConnectionFailed),
    ("503", ConnectionFailed),
    ("html", ContractError),
    ("truncated", ContractError),
    ("hang", ConnectionFailed),
    ("reset", ConnectionFailed),
    ("unknown_outcome", ConnectionFailed),
]


@pytest.mark.parametrize("path", ["Authenticate", "Calendar"])
@pytest.mark.parametrize(("kind", "error"), STATUS_ERRORS)
async def test_faults(
    client: WinKas,
    simulator: WinKasSimulator,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    error: type[Exception],
    path: str,
) -> None:
    """Whatever goes wrong is one of our errors, and is over when it is over."""
    monkeypatch.setattr(winkas, "TIMEOUT", timedelta(seconds=0.2))
    book(simulator, {})
    simulator.fault(kind, path=path)
    with pytest.raises(error) as caught:
        await listed(client)
    assert type(caught.value) is error
    with pytest.raises(error):
        await client.list_resources()
    simulator.faults.clear()
    monkeypatch.undo()
    assert only(await listed(client)).id == "501"


@pytest.mark.parametrize(
    ("header", "wanted"), [(None, None), ("90", timedelta(seconds=90))]
)
async def test_too_many_requests(
    client: WinKas,
    simulator: WinKasSimulator,
    header: str | None,
    wanted: timedelta | None,
) -> None:
    """We are told when to come back, if they say it, and do not ask again before."""
    simulator.fault("429", path="Calendar", retry_after=header)
    with pytest.raises(RateLimited) as caught:
        await listed(client)
    assert caught.value.retry_after == wanted
    assert simulator.requests == [LOGIN, EVENTS]


async def test_slow(client: WinKas, simulator: WinKasSimulator) -> None:
    """Slow is not wrong."""
    book(simulator, {})
    simulator.fault("slow", seconds=0.1)
    assert only(await listed(client)).id == "501"


async def test_nobody_there(session: ClientSession) -> None:
    """A server that is down is no connection."""
    settings = {"username": "u", "password": "p", "license_number": "1"}
    client = WinKas(session, {**settings, "url": "http://127.0.0.1:9/api"})
    with pytest.raises(ConnectionFailed):
        await client.validate()


# A server whose answers are the test's own


@pytest.fixture
async def scripted(
    session: ClientSession,
) -> AsyncIterator[tuple[WinKas, dict[str, Any]]]:
    """A client, and what its server answers by method; a tuple is one each."""
    answers: dict[str, Any] = {
        "Authenticate": {"WinKasStatus": 0, "WinKasData": {"CurrentToken": "t0k3n"}},
        "GetAllResources": {"WinKasStatus": 0, "Resources": []},
        "asked": [],
    }

    async def answer(request: web.Request) -> web.Response:
        method = request.path.rsplit("/", 1)[1]
        answers["asked"].append(method)
        given = answers[method]
        if isinstance(given, tuple):
            answers[method] = given[1:] or given
            given = given[0]
        if callable(given):
            return given()
        return web.json_response(given)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    settings = {
        "username": "U53r",
        "password": "p455w0rd",
        "license_number": "99",
        "url": url,
    }
    yield WinKas(session, settings), answers
    await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"WinKasStatus": 1, "WinKasMessage": "U53r"}, AuthError),
        ({"WinKasStatus": 7, "WinKasData": {"CurrentToken": "t0k3n"}}, AuthError),
        ({"WinKasStatus": 0, "WinKasData": {"CurrentToken": ""}}, AuthError),
        ({"WinKasStatus": 0, "WinKasData": {"CurrentToken": None}}, AuthError),
        ({"WinKasStatus": 0, "WinKasData": None, "WinkasErrorCode": 4}, AuthError),
        ({"WinKasStatus": 0, "WinKasData": "t0k3n"}, ContractError),
        ({"WinKasStatus": 0, "WinKasData": {"CurrentToken": 4}}, ContractError),
        ({"WinKasStatus": None}, ContractError),
        ({"WinKasStatus": "0"}, ContractError),
        ({"WinKasStatus": False}, ContractError),
        ({}, ContractError),
        ([], ContractError),
        (None, ContractError),
        (lambda: web.Response(status=201, text='{"WinKasStatus": 0}'), ConnectionFailed),
        (lambda: web.Response(status=302, headers={"Location": "/x/"}), ConnectionFailed),
        (lambda: web.Response(status=307, headers={"Location": "/x/"}), ConnectionFailed),
        (lambda: web.Response(text=""), ContractError),
        (lambda: web.Response(body=b"\xff\xfe"), ContractError),
    ],
)  # fmt: skip
async def test_refused_logins(
    scripted: tuple[WinKas, dict[str, Any]], answer: Any, error: type[Exception]
) -> None:
    """A login works with status 200, WinKasStatus 0 and a token, and only so."""
    client, answers = scripted
    answers["Authenticate"] = answer
    with pytest.raises(error) as caught:
        await client.validate()
    assert type(caught.value) is error
    with pytest.raises(error):
        await client.list_resources()
    assert answers["asked"] == ["Authenticate", "Authenticate"]


GOOD: dict[str, Any] = {"WinKasStatus": 0, "Resources": [{"Id": 5, "Name": "Sal"}]}


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"WinKasStatus": 1}, AuthError),
        ({"WinKasStatus": 7, "WinKasMessage": "U53r"}, ConnectionFailed),
        (lambda: web.Response(status=401), AuthError),
        (lambda: web.Response(status=403), AuthError),
    ],
)
async def test_refused_data(
    scripted: tuple[WinKas, dict[str, Any]], given: Any, error: type[Exception]
) -> None:
    """A refusal makes one login and one more try; a second one is an error."""
    client, answers = scripted
    once = ["Authenticate", "GetAllResources", "Authenticate", "GetAllResources"]
    answers["GetAllResources"] = (given, GOOD)
    assert await client.list_resources() == (Resource(id="5", name="Sal"),)
    assert answers["asked"] == once
    answers["asked"].clear()
    answers["GetAllResources"] = given
    with pytest.raises(error) as caught:
        await client.list_resources()
    assert not isinstance(caught.value, ContractError)
    assert "U53r" not in str(caught.value)
    assert answers["asked"] == once[1:]


async def test_refused_data_and_then_the_login(
    scripted: tuple[WinKas, dict[str, Any]],
) -> None:
    """A password that was changed meanwhile is found out."""
    client, answers = scripted
    await client.list_resources()
    answers["Authenticate"] = answers["GetAllResources"] = {"WinKasStatus": 1}
    with pytest.raises(AuthError):
        await client.list_resources()
    assert answers["asked"][2:] == ["GetAllResources", "Authenticate"]


@pytest.mark.parametrize(
    ("given", "error"),
    [
        (GOOD | {"WinkasErrorCode": 31}, ConnectionFailed),
        ({"WinKasStatus": 0}, ContractError),
        ({"WinKasStatus": 0, "Resources": None}, ContractError),
        ({"Resources": []}, ContractError),
        (lambda: web.Response(status=302, headers={"Location": "/"}), ConnectionFailed),
    ],
)
async def test_unusable_data(
    scripted: tuple[WinKas, dict[str, Any]], given: Any, error: type[Exception]
) -> None:
    """What is no refusal is no reason to log in again."""
    client, answers = scripted
    answers["GetAllResources"] = given
    with pytest.raises(error) as caught:
        await client.list_resources()
    assert type(caught.value) is error
    assert answers["asked"] == ["Authenticate", "GetAllResources"]


async def test_the_same_token_again(scripted: tuple[WinKas, dict[str, Any]]) -> None:
    """A login may give the refused token again: still only one for all calls."""
    client, answers = scripted
    await client.list_resources()
    refused = {"WinKasStatus": 1}
    answers["GetAllResources"] = (refused, refused, refused, GOOD)
    results = await asyncio.gather(*(client.list_resources() for _ in range(3)))
    assert [len(result) for result in results] == [1, 1, 1]
    assert answers["asked"].count("Authenticate") == 2


async def test_unreadable_resources_of_an_answer(
    scripted: tuple[WinKas, dict[str, Any]],
) -> None:
    """Entries that are no resources, not asked for, or there twice do no harm."""
    client, answers = scripted
    row = {"ResourceCalendarbookings": [wire()]}
    answers["GetAllResourceEventsInTimePeriod"] = {
        "WinKasStatus": 0,
        "Resources": [
            None,
            5,
            {"Id": None} | row,
            {"Id": 13} | row,
            {"Id": "12"} | row,
            {"Id": 12, "ResourceCalendarbookings": [wire(Id=502)]},
        ],
    }
    snapshot = await listed(client)
    assert spans(snapshot) == {"501": (NOW, NOW + HOUR), "502": (NOW, NOW + HOUR)}
    assert {booking.resource_id for booking in snapshot.bookings} == {"12"}


# The token


async def test_token_is_reused(client: WinKas, simulator: WinKasSimulator) -> None:
    """One login serves all calls."""
    await client.validate()
    await client.list_resources()
    await listed(client)
    await client.validate()
    assert simulator.requests == [LOGIN, RESOURCES, EVENTS]


async def test_token_is_renewed_in_time(
    client: WinKas, simulator: WinKasSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is used for 11 hours and 30 minutes, and not a moment longer."""
    now = NOW

    class Clock(datetime):
        @classmethod
        def now(cls, *_: object) -> datetime:
            return now

    monkeypatch.setattr(winkas, "datetime", Clock)
    await client.validate()
    now = NOW + timedelta(hours=11, minutes=29, seconds=59)
    await client.validate()
    assert simulator.requests == [LOGIN]
    now = NOW + timedelta(hours=11, minutes=30)
    await client.validate()
    assert simulator.requests == [LOGIN, LOGIN]


async def test_one_login_for_parallel_calls(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """Those that come while somebody logs in wait for it."""
    simulator.fault("slow", path="Authenticate", seconds=0.05)
    await asyncio.gather(*(client.list_resources() for _ in range(5)))
    assert simulator.requests.count(LOGIN) == 1
    assert simulator.requests.count(RESOURCES) == 5


@pytest.mark.parametrize(
    ("kind", "error"), [("401", AuthError), ("500", ConnectionFailed)]
)
async def test_one_failed_login_for_parallel_calls(
    client: WinKas, simulator: WinKasSimulator, kind: str, error: type[Exception]
) -> None:
    """A wrong password is tried once for all that wait, and again by the next."""
    simulator.fault(kind, path="Authenticate")
    calls = [client.list_resources() for _ in range(5)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(result) for result in results] == [error] * 5
    assert simulator.requests == [LOGIN]
    simulator.faults.clear()
    assert len(await client.list_resources()) == 2


async def test_a_login_that_was_broken_off(
    client: WinKas, simulator: WinKasSimulator
) -> None:
    """When the one who logs in is cancelled, the next one does it."""
    simulator.fault("slow", path="Authenticate", seconds=0.2, times=1)
    first = asyncio.create_task(client.list_resources())
    second = asyncio.create_task(client.list_resources())
    await asyncio.sleep(0.05)
    first.cancel()
    assert len(await second) == 2
    assert first.cancelled()


@pytest.mark.parametrize("expired_as", ["status", "401"])
async def test_expired_token(
    client: WinKas, simulator: WinKasSimulator, expired_as: str
) -> None:
    """An expired token costs one login and one more try."""
    simulator.control({"expired_as": expired_as})
    book(simulator, {})
    await client.validate()
    simulator.fault("expired_token")
    assert only(await listed(client)).id == "501"
    assert simulator.requests == [LOGIN, EVENTS, LOGIN, EVENTS]


@pytest.mark.parametrize("expired_as", ["status", "401"])
async def test_expired_token_of_parallel_calls(
    client: WinKas, simulator: WinKasSimulator, expired_as: str
) -> None:
    """However many find the token expired, there is one new login."""
    simulator.control({"expired_as": expired_as})
    await client.validate()
    simulator.tokens.clear()
    simulator.requests.clear()
    await asyncio.gather(*(client.list_resources() for _ in range(5)))
    assert simulator.requests.count(LOGIN) == 1


@pytest.mark.parametrize("expired_as", ["status", "401"])
async def test_token_never_accepted(
    client: WinKas, simulator: WinKasSimulator, expired_as: str
) -> None:
    """Refused with a fresh token too: no right, and no third try."""
    simulator.control({"expired_as": expired_as})
    simulator.fault("expired_token", times=2)
    with pytest.raises(AuthError):
        await listed(client)
    assert simulator.requests == [LOGIN, EVENTS, LOGIN, EVENTS]


@pytest.mark.parametrize("wrong", ["username", "password", "license_number"])
async def test_wrong_credentials(
    session: ClientSession, simulator: WinKasSimulator, wrong: str
) -> None:
    """Each of the three must be right."""
    client = WinKas(session, {**simulator.credentials(), wrong: "other"})
    with pytest.raises(AuthError):
        await client.validate()
    assert simulator.requests == [LOGIN]


# Nothing personal gets out


def said_by(err: BaseException | None) -> list[str]:
    """Return what an error and those behind it say."""
    if err is None:
        return []
    behind = {id(each): each for each in (err.__cause__, err.__context__)}
    return [
        repr(err),
        str(err),
        *(text for e in behind.values() for text in said_by(e)),
    ]


async def test_nothing_personal_in_logs_and_errors(
    client: WinKas,
    simulator: WinKasSimulator,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither people, password nor token are in a log, an error or a repr."""
    monkeypatch.setattr(winkas, "TIMEOUT", timedelta(seconds=0.2))
    caplog.set_level(logging.DEBUG)
    book(simulator, {})
    simulator.control({"raw": {12: [wire(Start="Anna Holm")]}})
    told = [repr(await listed(client)), repr(client._outcome)]
    (token,) = simulator.tokens
    for kind, _ in STATUS_ERRORS:
        simulator.fault(kind)
        with pytest.raises(VendorError) as caught:
            await listed(client)
        told += said_by(caught.value)
        simulator.faults.clear()
    everything = "\n".join([*told, caplog.text])
    for secret in (PASSWORD, token, "Anna", "20 12 34 56", "anna@example.com"):
        assert secret not in everything
