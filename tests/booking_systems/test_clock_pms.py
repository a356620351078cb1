"""Tests of the Clock PMS+ client, against the simulator over real HTTP."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
import time
from typing import Any

from aiohttp import ClientSession, web
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.booking_systems import clock_pms_http
from custom_components.booking_access.booking_systems.clock_pms import ClockPms
from custom_components.booking_access.engine.models import (
    FOREVER,
    Account,
    AuthError,
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    MissingRight,
    Person,
    Problem,
    RateLimited,
    Rejected,
    Resource,
    Snapshot,
    VendorError,
)
from custom_components.booking_access.forms import FieldKind
from simulators.clock_hotel import ACCOUNT
from simulators.clock_pms import API_KEY, SUBSCRIPTION, USER, ClockSimulator

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)
START, END = NOW - DAY, NOW + 14 * DAY
HOTEL = f"/pms_api/{SUBSCRIPTION}/{ACCOUNT}"
# Copenhagen in winter is an hour ahead.
CHECK_IN = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)
CHECK_OUT = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
STAY: dict[str, Any] = {
    "id": 501,
    "number": "2026-501",
    "arrival": "2026-11-23",
    "departure": "2026-11-25",
    "arrival_room_id": 101,
    "current_room_id": 101,
    "guest_first_name": "Anna",
    "guest_middle_name": "Marie",
    "guest_last_name": "Holm",
    "guest_e_mail": "anna@example.com",
    "guest_phone_number": "+45 20 12 34 56",
    "main_booking_guest": {"guest_id": 9},
    "updated_at": "2026-11-20T10:00:00.000Z",
}


@pytest.fixture
async def simulator(session: ClientSession) -> AsyncIterator[ClockSimulator]:
    """A hotel with two rooms and no bookings yet, which takes many calls."""
    async with ClockSimulator(now=NOW, calls_a_second=10_000) as running:
        running.control(
            {
                "clear": True,
                "room_types": [{"id": 1, "name": "Double"}],
                "rooms": [
                    {"id": 101, "name": "101", "room_type_id": 1},
                    {"id": 102, "name": "102", "room_type_id": 7},
                ],
            }
        )
        yield running


def settings_of(simulator: ClockSimulator, **changes: Any) -> dict[str, Any]:
    """Return the settings of an account at the simulator."""
    usual = {"check_in_time": "15:00:00", "check_out_time": "11:00:00"}
    zone = {"time_zone": "Europe/Copenhagen"}
    return {**simulator.credentials(), **usual, **zone, **changes}


@pytest.fixture
def client(session: ClientSession, simulator: ClockSimulator) -> ClockPms:
    """A client of the simulator."""
    return ClockPms(session, settings_of(simulator))


def book(simulator: ClockSimulator, **changes: Any) -> None:
    """Put a booking into the simulator."""
    simulator.control({"bookings": [STAY | changes]})


def change(simulator: ClockSimulator, id_: int = 501, **changes: Any) -> None:
    """Change a booking a moment ago."""
    moment = datetime.now(UTC) - timedelta(seconds=30)
    stamp = {"updated_at": f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"}
    simulator.control({"bookings": [{"id": id_, **stamp, **changes}]})


async def listed(client: ClockPms, *rooms: str, end: datetime = END) -> Snapshot:
    """List the bookings of the rooms, both if none is said."""
    return await client.list_bookings(rooms or ("101", "102"), START, end)


def only(snapshot: Snapshot) -> Booking:
    """Return the one booking of a snapshot without problems."""
    assert snapshot.problems == ()
    assert snapshot.complete
    (booking,) = snapshot.bookings
    return booking


def asked(simulator: ClockSimulator) -> list[str]:
    """Return what was asked since the last time, without the hotel's part."""
    asked = [path.removeprefix(HOTEL) for path in simulator.queries]
    simulator.queries.clear()
    return asked


# What it says of itself


def test_form() -> None:
    """The form asks for the API user and the hours; the rest is folded away."""
    fields = {field.name: field for field in ClockPms.form}
    assert [name for name, field in fields.items() if not field.advanced] == [
        *("url", "username", "api_key", "check_in_time", "check_out_time")
    ]
    assert fields["url"].kind is FieldKind.URL
    assert fields["api_key"].secret
    assert fields["check_in_time"].kind is FieldKind.TIME
    assert fields["check_in_time"].default == "15:00:00"
    assert fields["check_out_time"].default == "11:00:00"
    assert ClockPms.can_push
    assert ClockPms.push_header is None


async def test_account(client: ClockPms) -> None:
    """The account is the hotel, whichever of its API users asks."""
    assert await client.validate() == Account(
        id=f"{SUBSCRIPTION}/{ACCOUNT}", title=f"Clock PMS+ ({ACCOUNT})"
    )


# Its address


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://sky-eu1.clock-software.com/pms_api/1/2", "https://sky-eu1.clock-software.com"),
        (" https://sky-us2.Clock-Software.com/base_api/1/2/ ", "https://sky-us2.clock-software.com"),
        ("https://sky-eu1.clock-software.com/pos_api/1/2/bookings?x=1", "https://sky-eu1.clock-software.com"),
        ("http://127.0.0.1:8080/pms_api/1/2", "http://127.0.0.1:8080"),
        ("http://192.168.1.4/clock/pms_api/1/2", "http://192.168.1.4/clock"),
        ("http://[fd00::7]/pms_api/1/2", "http://[fd00::7]"),
        ("http://clock-proxy:81/pms_api/1/2", "http://clock-proxy:81"),
        ("http://hotel.local/pms_api/1/2", "http://hotel.local"),
    ],
)  # fmt: skip
def test_addresses(session: ClientSession, url: str, origin: str) -> None:
    """Any of the APIs' addresses will do; one's own network needs no certificate."""
    settings = {"url": url, "username": "u", "api_key": "k"}
    http = ClockPms(session, settings)._http
    assert (http._origin, http.hotel) == (origin, "1/2")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://sky-eu1.clock-software.com", "clock_url"),
        ("https://sky-eu1.clock-software.com/pms_api/1", "clock_url"),
        ("https://sky-eu1.clock-software.com/reports/1/2", "clock_url"),
        ("http://sky-eu1.clock-software.com/pms_api/1/2", "clock_host"),
        ("https://clock-software.com.example.org/pms_api/1/2", "clock_host"),
        ("https://evilclock-software.com/pms_api/1/2", "clock_host"),
        ("https://8.8.8.8/pms_api/1/2", "clock_host"),
        ("webcal://hotel.local/pms_api/1/2", "clock_host"),
    ],
)
def test_addresses_that_are_not_clocks(
    session: ClientSession, url: str, reason: str
) -> None:
    """A typing mistake does not send the sign-in to strangers."""
    settings = {"url": url, "username": "u", "api_key": "k"}
    with pytest.raises(Rejected, match=f"^{reason}$"):
        ClockPms(session, settings)


async def test_another_server(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """What is named on purpose is believed, and the hotel is still the pasted one."""
    pasted = f"https://sky-eu1.clock-software.com{HOTEL}"
    settings = settings_of(simulator, url=pasted, base_url=f"{simulator.url}/")
    assert await ClockPms(session, settings).validate()
    strange = {"url": pasted, "base_url": "https://proxy.example.org/clock"}
    client = ClockPms(session, {**settings, **strange})
    assert client._http._origin == "https://proxy.example.org/clock"


# The sign-in


async def test_digest(client: ClockPms, simulator: ClockSimulator) -> None:
    """One challenge, and then each call proves itself, its query included."""
    await client.validate()
    assert [path for _, path in simulator.requests] == [
        f"{HOTEL}/room_types",
        f"{HOTEL}/room_types",
        f"{HOTEL}/bookings/",
    ]
    assert len(asked(simulator)) == 2


@pytest.mark.parametrize("says_stale", [True, False])
async def test_a_stale_nonce_is_answered_once(
    client: ClockPms, simulator: ClockSimulator, says_stale: bool
) -> None:
    """Whether or not the vendor says why."""
    simulator.control({"says_stale": says_stale})
    await client.list_resources()
    simulator.control({"forget_nonces": True})
    await client.list_resources()
    assert len(simulator.requests) == 1 + 2 + 1 + 2


@pytest.mark.parametrize("changes", [{"username": "nobody"}, {"api_key": "wrong"}])
async def test_wrong_credentials(
    session: ClientSession, simulator: ClockSimulator, changes: dict[str, str]
) -> None:
    """They are refused, after one answer to the challenge."""
    with pytest.raises(AuthError):
        await ClockPms(session, settings_of(simulator, **changes)).validate()
    assert len(simulator.requests) == 2


def test_a_name_that_cannot_sign_in(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """Digest has no way to write a colon."""
    with pytest.raises(AuthError):
        ClockPms(session, settings_of(simulator, username="a:b"))


async def test_blanks_around_the_name(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """Pasted ones bring them along."""
    settings = settings_of(simulator, username=f" {USER}\n", api_key=API_KEY)
    assert await ClockPms(session, settings).validate()


@pytest.mark.parametrize("slashes", ["either", "needed", "refused"])
async def test_slashes(
    client: ClockPms, simulator: ClockSimulator, slashes: str
) -> None:
    """A list that redirects is asked the other way, and no redirect is followed."""
    simulator.control({"slashes": slashes})
    book(simulator)
    assert await client.validate()
    assert [room.id for room in await client.list_resources()] == ["101", "102"]
    assert only(await listed(client)).id == "501"


# Its limits


async def test_four_calls_a_second(
    session: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Challenges are counted, and two clients of one API user share the limit."""
    monkeypatch.setattr(clock_pms_http, "SECOND", 1.0)
    async with ClockSimulator() as simulator:
        begun = time.monotonic()
        first = ClockPms(session, settings_of(simulator))
        second = ClockPms(session, settings_of(simulator))
        await asyncio.gather(
            first.list_resources(), second.list_resources(), first.list_resources()
        )
        assert len(simulator.requests) == 8  # two challenges, six answers
        assert 1.0 <= time.monotonic() - begun < 3.0
        assert len(simulator.queries) == 6  # none was refused


async def test_a_pace_of_its_own_for_each_user(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """The limit is the API user's."""
    first, second = (
        ClockPms(session, settings_of(simulator, username=name)) for name in "ab"
    )
    assert first._http._pace is not second._http._pace


async def test_a_limit_that_is_met_all_the_same(
    client: ClockPms, simulator: ClockSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits longer each time, at most three times."""
    monkeypatch.setattr(clock_pms_http, "BACK_OFF", 0.05)
    simulator.fault("429", times=3)
    begun = time.monotonic()
    await client.list_resources()
    assert time.monotonic() - begun >= 0.05 + 0.1 + 0.15
    simulator.requests.clear()
    simulator.fault("429")
    with pytest.raises(RateLimited) as info:
        await client.list_resources()
    assert info.value.retry_after is None
    assert len(simulator.requests) == 4


async def test_a_limit_that_says_how_long(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """Then that is what counts."""
    simulator.fault("429", retry_after="40")
    with pytest.raises(RateLimited) as info:
        await client.list_resources()
    assert info.value.retry_after == timedelta(seconds=40)
    assert len(simulator.requests) == 1


async def test_a_ban(
    session: ClientSession,
    client: ClockPms,
    simulator: ClockSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing is sent for two hours, by no client of the user, and then all is well."""
    freezer.move_to(NOW)
    simulator.fault("banned", times=1)
    with pytest.raises(RateLimited) as info:
        await listed(client)
    assert info.value.retry_after == timedelta(hours=2)
    freezer.move_to(NOW + timedelta(hours=1, minutes=59))
    simulator.requests.clear()
    other = ClockPms(session, settings_of(simulator))
    with pytest.raises(RateLimited) as info:
        await listed(other)
    assert info.value.retry_after == timedelta(minutes=1)
    with pytest.raises(Rejected, match="^clock_blocked$"):
        await other.validate()
    assert simulator.requests == []
    freezer.move_to(NOW + timedelta(hours=2, seconds=1))
    assert await client.validate()


async def test_a_ban_without_a_word(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """An empty 403 is no missing right."""
    simulator.fault("403", times=1)
    with pytest.raises(Rejected, match="^clock_blocked$"):
        await client.validate()


# What it refuses


@pytest.mark.parametrize(
    ("right", "method"),
    [
        ("pms_api_room_types_index", "validate"),
        ("pms_api_bookings_index", "validate"),
        ("pms_api_rooms_index", "list_resources"),
    ],
)
async def test_a_missing_right_is_named(
    client: ClockPms, simulator: ClockSimulator, right: str, method: str
) -> None:
    """So that it can be given."""
    simulator.control({"rights": [right]})
    with pytest.raises(MissingRight) as info:
        await getattr(client, method)()
    assert info.value.right == right


@pytest.mark.parametrize(
    ("status", "body", "wanted"),
    [
        (403, "The User doesn't have pms_api_rooms_index right", "pms_api_rooms_index"),
        (403, '{"error": "The User doesn\'t have the following right: \'Rooms: See\'"}', "Rooms: See"),
        (403, '{"error": "no right"}', "?"),
        (403, '{"error": "Forbidden"}', Rejected),
        (403, '["right"]', Rejected),
        (403, "<p align=right>Blocked</p>", Rejected),
        (403, "right " * 2000, Rejected),
        (401, "HTTP Digest: Access denied.", AuthError),
        (400, '{"error": "Addon API not installed!"}', Rejected),
        (200, '{"error": "Addon API not installed!"}', Rejected),
        (400, '{"error": "contract.filled?"}', ConnectionFailed),
        (500, '{"error": "Attempted to update a stale object: Booking"}', ConnectionFailed),
        (200, "<html>", ContractError),
        (200, "{}", ContractError),
    ],
)  # fmt: skip
async def test_answers_are_told_apart(
    session: ClientSession,
    aiohttp_server: Any,
    status: int,
    body: str,
    wanted: str | type[VendorError],
) -> None:
    """However they are written."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(status=status, text=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", handle)
    server = await aiohttp_server(app)
    url = str(server.make_url("/pms_api/1/2"))
    client = ClockPms(session, {"url": url, "username": "u", "api_key": "k"})
    if isinstance(wanted, str):
        with pytest.raises(MissingRight) as info:
            await client.validate()
        assert info.value.right == wanted
        return
    with pytest.raises(wanted) as error:
        await client.validate()
    assert type(error.value) is wanted


async def test_an_api_that_is_not_there(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is an add-on."""
    simulator.control({"api_installed": False})
    with pytest.raises(Rejected, match="^clock_api_missing$"):
        await client.validate()


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "Europe", "../etc/passwd", "x\0"])
async def test_no_such_time_zone(
    session: ClientSession, simulator: ClockSimulator, zone: str
) -> None:
    """It is said before anything is asked."""
    with pytest.raises(Rejected, match="^unknown_time_zone$"):
        await ClockPms(session, settings_of(simulator, time_zone=zone)).validate()
    assert simulator.requests == []


@pytest.mark.parametrize("fault", ["500", "html", "truncated", "wrong_shape", "reset"])
async def test_outages(client: ClockPms, simulator: ClockSimulator, fault: str) -> None:
    """Each is an error that changes nothing, and the next call works."""
    book(simulator)
    before = only(await listed(client))
    simulator.fault(fault)
    with pytest.raises(ConnectionFailed):
        await listed(client)
    simulator.faults.clear()
    assert only(await listed(client)) == before


async def test_a_cut_connection_is_tried_once_more(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """To ask changes nothing at the vendor."""
    simulator.fault("reset", times=1)
    assert await client.list_resources()


async def test_a_server_that_hangs(
    client: ClockPms, simulator: ClockSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not asked twice."""
    limit = timedelta(milliseconds=100)
    monkeypatch.setattr(clock_pms_http, "CALL_LIMIT", limit)
    simulator.fault("hang")
    with pytest.raises(ConnectionFailed, match="no answer in time"):
        await client.list_resources()
    assert len(simulator.requests) == 1


# Rooms


async def test_rooms(client: ClockPms, simulator: ClockSimulator) -> None:
    """Each with its type, where that is known."""
    simulator.control({"rooms": [{"id": 103, "name": None, "room_type_id": None}]})
    assert await client.list_resources() == (
        Resource(id="101", name="101", location="Double"),
        Resource(id="102", name="102"),
        Resource(id="103", name="103"),
    )
    assert (await client.list_resources())[0].label == "101 (Double)"


async def test_a_room_without_an_id_cannot_be_booked(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is left out."""
    simulator.tables["rooms"][102]["id"] = None
    assert [room.id for room in await client.list_resources()] == ["101"]


# Bookings


@pytest.mark.parametrize("ids_as", ["numbers", "texts", "objects"])
@pytest.mark.parametrize("nulls", ["null", "omitted"])
async def test_booking(
    client: ClockPms, simulator: ClockSimulator, ids_as: str, nulls: str
) -> None:
    """It is read whole, however the ids are listed."""
    simulator.control({"ids_as": ids_as, "nulls": nulls})
    book(simulator)
    assert only(await listed(client)) == Booking(
        id="501",
        resource_id="101",
        start=CHECK_IN,
        end=CHECK_OUT,
        summary="2026-501",
        holder=Person(
            name="Holm, Anna Marie",
            phone="+45 20 12 34 56",
            email="anna@example.com",
            id="9",
        ),
        updated_at=datetime(2026, 11, 20, 10, tzinfo=UTC),
    )


async def test_filters(client: ClockPms, simulator: ClockSimulator) -> None:
    """The first list is of all that overlaps the window, by days."""
    await listed(client)
    assert asked(simulator) == [
        "/bookings/?arrival.lt=2026-12-10&departure.gt=2026-11-19"
    ]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("expected", BookingStatus.CONFIRMED),
        ("checked_in", BookingStatus.CONFIRMED),
        ("checked_out", BookingStatus.CANCELLED),
        ("canceled", BookingStatus.CANCELLED),
        ("no_show", BookingStatus.CANCELLED),
    ],
)
async def test_statuses(
    client: ClockPms, simulator: ClockSimulator, status: str, wanted: BookingStatus
) -> None:
    """Those that are over give no access."""
    book(simulator, status=status)
    assert only(await listed(client)).status is wanted


@pytest.mark.parametrize(
    ("changes", "hours", "wanted"),
    [
        # Autumn, 25 October 2026: 03:00 is 02:00 again, at 01:00 UTC.
        ({"arrival": "2026-10-24", "departure": "2026-10-25"}, {}, ("24 13:00", "25 10:00")),
        ({"arrival": "2026-10-24", "departure": "2026-10-25"},
         {"check_in_time": "14:30", "check_out_time": "02:30"}, ("24 12:30", "25 01:30")),
        # Spring, 29 March 2026: 02:00 is 03:00, at 01:00 UTC.
        ({"arrival": "2026-03-28", "departure": "2026-03-29"}, {}, ("28 14:00", "29 09:00")),
        ({"arrival": "2026-03-28", "departure": "2026-03-29"},
         {"time_zone": "Asia/Tokyo"}, ("28 06:00", "29 02:00")),
    ],
)  # fmt: skip
async def test_hours(
    session: ClientSession,
    simulator: ClockSimulator,
    changes: dict[str, str],
    hours: dict[str, str],
    wanted: tuple[str, str],
) -> None:
    """Dates get the hotel's hours, in the hotel's zone, on every night."""
    book(simulator, **changes)
    client = ClockPms(session, settings_of(simulator, **hours))
    arrival = datetime.fromisoformat(f"{changes['arrival']}T00:00Z")
    booking = only(
        await client.list_bookings(["101"], arrival - DAY, arrival + 3 * DAY)
    )
    assert tuple(f"{t:%d %H:%M}" for t in (booking.start, booking.end)) == wanted


@pytest.mark.parametrize(
    ("arrival_time", "departure_time", "wanted"),
    [
        ("13:30", "12:45", ("23 12:30", "25 11:45")),
        (" 23:59 ", None, ("23 22:59", "25 10:00")),
        ("late, about 9", "9:00", ("23 14:00", "25 10:00")),
        ("24:00", "11:60", ("23 14:00", "25 10:00")),
        (1330, "", ("23 14:00", "25 10:00")),
    ],
)
async def test_typed_times(
    session: ClientSession,
    simulator: ClockSimulator,
    arrival_time: Any,
    departure_time: Any,
    wanted: tuple[str, str],
) -> None:
    """They count if a person wants it so, and if they are times and nothing else."""
    book(simulator, arrival_time=arrival_time, departure_time=departure_time)
    client = ClockPms(session, settings_of(simulator, believe_times=True))
    booking = only(await listed(client))
    assert tuple(f"{t:%d %H:%M}" for t in (booking.start, booking.end)) == wanted
    doubter = ClockPms(session, settings_of(simulator, believe_times=False))
    assert only(await listed(doubter)).start == CHECK_IN


async def test_a_stay_of_one_day(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """Without times it makes no sense, and with them it does."""
    book(
        simulator, departure="2026-11-23", arrival_time="09:00", departure_time="17:00"
    )
    client = ClockPms(session, settings_of(simulator))
    booking = only(await listed(client))
    assert booking.end < booking.start  # which the engine refuses, and says so
    client = ClockPms(session, settings_of(simulator, believe_times=True))
    booking = only(await listed(client))
    assert booking.end - booking.start == timedelta(hours=8)


async def test_typed_times_that_make_no_sense(
    session: ClientSession, simulator: ClockSimulator
) -> None:
    """The hotel's hours are better than a stay that ends before it begins."""
    book(simulator, departure="2026-11-24", arrival_time="23:00", departure_time=None)
    change(simulator, departure="2026-11-23", departure_time="22:00")
    client = ClockPms(session, settings_of(simulator, believe_times=True))
    assert only(await listed(client)).start == CHECK_IN


async def test_a_stay_without_an_end(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The last year means for ever."""
    book(simulator, departure="9000-12-31")
    assert only(await listed(client)).end == FOREVER


@pytest.mark.parametrize("current", [True, False])
async def test_a_room_that_is_assigned_late(
    client: ClockPms, simulator: ClockSimulator, current: bool
) -> None:
    """Until then there is nothing to open."""
    simulator.control({"current_room": current})
    book(simulator, arrival_room_id=None, current_room_id=None)
    snapshot = await listed(client)
    assert snapshot.bookings == ()
    assert snapshot.complete
    change(simulator, arrival_room_id=102, current_room_id=102)
    assert only(await listed(client)).resource_id == "102"


async def test_a_room_move(client: ClockPms, simulator: ClockSimulator) -> None:
    """Where somebody is counts more than where they arrived."""
    book(simulator)
    assert only(await listed(client)).resource_id == "101"
    change(simulator, current_room_id=102)
    assert only(await listed(client)).resource_id == "102"


async def test_a_move_to_a_room_that_is_none_of_ours(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """For our rooms that is the end of it, and nothing personal is kept."""
    book(simulator)
    await listed(client)
    change(simulator, current_room_id=250)
    assert only(await listed(client)) == Booking(
        id="501",
        resource_id="250",
        start=CHECK_IN,
        end=CHECK_OUT,
        status=BookingStatus.CANCELLED,
    )


async def test_statuses_go_back(client: ClockPms, simulator: ClockSimulator) -> None:
    """A cancellation that was a mistake is taken back."""
    book(simulator)
    states = []
    for status in ("canceled", "expected", "checked_in", "checked_out", "checked_in"):
        change(simulator, status=status)
        states.append(only(await listed(client)).status.value)
    assert states == [
        *("cancelled", "confirmed", "confirmed", "cancelled", "confirmed")
    ]


# The guest's phone


async def test_the_phone_of_the_guest(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is looked up where the booking has none, and only for our rooms."""
    simulator.control({"guests": [{"id": 9, "phone_number": "0045 31 22 33 44"}]})
    book(simulator, guest_phone_number="")
    book(simulator, id=502, guest_phone_number=None, current_room_id=250)
    book(simulator, id=503, guest_phone_number=None, status="canceled")
    book(simulator, id=504, guest_phone_number=None, main_booking_guest=None)
    snapshot = await listed(client)
    assert snapshot.bookings[0].holder.phone == "0045 31 22 33 44"
    assert [path for path in asked(simulator) if "guests" in path] == ["/guests/9"]


async def test_a_guest_without_a_phone(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """Or without anything: there is none, and the room is ready all the same."""
    book(simulator, guest_phone_number=None)
    assert only(await listed(client)).holder.phone is None
    simulator.control({"guests": [{"id": 9, "phone_number": None}]})
    change(simulator)
    assert only(await listed(client)).holder.phone is None


async def test_guests_that_may_not_be_read(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """Then nobody is asked for again until the next day."""
    simulator.control({"rights": ["pms_api_guests_show"]})
    book(simulator, guest_phone_number=None)
    book(simulator, id=502, guest_phone_number=None)
    assert len((await listed(client)).bookings) == 2
    assert len([path for path in asked(simulator) if "guests" in path]) == 1


async def test_a_guest_who_cannot_be_read_now(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The phone that was known stays, and it is tried again."""
    simulator.control({"guests": [{"id": 9, "phone_number": "31 22 33 44"}]})
    book(simulator, guest_phone_number=None)
    await listed(client)
    simulator.fault("500", path="guests")
    change(simulator, number="2026-501-A")
    booking = only(await listed(client))
    assert (booking.summary, booking.holder.phone) == ("2026-501-A", "31 22 33 44")
    simulator.faults.clear()
    simulator.control({"guests": [{"id": 9, "phone_number": "31 22 33 55"}]})
    assert only(await listed(client)).holder.phone == "31 22 33 55"


async def test_the_phone_for_a_room_that_is_new(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is looked up then."""
    simulator.control({"guests": [{"id": 9, "phone_number": "31 22 33 44"}]})
    book(simulator, guest_phone_number=None)
    await listed(client, "102")
    assert only(await listed(client, "101")).holder.phone == "31 22 33 44"


# What is asked when


@pytest.fixture
def now(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """The clock, which stands."""
    freezer.move_to(NOW)
    return freezer


async def test_only_what_changed_is_read(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """From five minutes before the last time."""
    book(simulator)
    book(simulator, id=502)
    await listed(client)
    assert len(asked(simulator)) == 1 + 2
    now.tick(120)
    assert len((await listed(client)).bookings) == 2
    assert asked(simulator) == ["/bookings/?updated_at.gteq=2026-11-22T07:55:00.000Z"]
    now.tick(120)
    stamp = "2026-11-22T07:59:00.000Z"
    simulator.control({"bookings": [{"id": 502, "departure": "2026-11-26", "updated_at": stamp}]})  # fmt: skip
    snapshot = await listed(client)
    assert snapshot.bookings[1].end == CHECK_OUT + DAY
    assert asked(simulator) == [
        "/bookings/?updated_at.gteq=2026-11-22T07:57:00.000Z",
        "/bookings/502",
    ]


async def test_our_clock_is_ahead(
    client: ClockPms,
    simulator: ClockSimulator,
    now: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What counts is the vendor's, which its answers tell."""
    told = "Sun, 22 Nov 2026 07:30:00 GMT"
    shaped = simulator._shaped

    def late(listed: list[Any], path: str) -> web.Response:
        answer = shaped(listed, path)
        answer.headers["Date"] = told
        return answer

    monkeypatch.setattr(simulator, "_shaped", late)
    await listed(client)
    await listed(client)
    assert asked(simulator)[-1] == "/bookings/?updated_at.gteq=2026-11-22T07:25:00.000Z"
    told = "some day"
    await listed(client)
    await listed(client)
    assert asked(simulator)[-1] == "/bookings/?updated_at.gteq=2026-11-22T07:55:00.000Z"


async def test_everything_is_read_again_once_a_day(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """Should a change have kept its time stamp."""
    book(simulator)
    await listed(client)
    simulator.control({"bookings": [{"id": 501, "current_room_id": 102, "updated_at": STAY["updated_at"]}]})  # fmt: skip
    now.tick(DAY - timedelta(seconds=1))
    assert only(await listed(client)).resource_id == "101"
    now.tick(1)
    assert only(await listed(client)).resource_id == "102"


async def test_a_window_that_was_not_listed(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """It is listed at once."""
    book(simulator, arrival="2026-12-20", departure="2026-12-22")
    assert (await listed(client)).bookings == ()
    assert only(await listed(client, end=END + 15 * DAY)).id == "501"


async def test_the_window_moves_on(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """A booking that was made long ago comes into it without a list of its own."""
    book(simulator, arrival="2026-12-06", departure="2026-12-08")
    assert (await listed(client)).bookings == ()
    asked(simulator)
    now.tick(timedelta(hours=12))
    assert only(await listed(client, end=END + timedelta(hours=12))).id == "501"
    assert all("arrival" not in path for path in asked(simulator))


async def test_a_booking_that_is_moved_out_of_the_window(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is told where it went, until the next list."""
    book(simulator)
    await listed(client)
    change(simulator, arrival="2027-03-01", departure="2027-03-04")
    assert only(await listed(client)).start == datetime(2027, 3, 1, 14, tzinfo=UTC)
    client._listed = None
    assert (await listed(client)).bookings == ()


async def test_far_bookings_are_not_kept(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """That they changed is no news yet."""
    await listed(client)
    book(simulator, arrival="2027-03-01", departure="2027-03-04", updated_at="2026-11-22T07:59:00.000Z")  # fmt: skip
    assert (await listed(client)).bookings == ()
    assert client._bookings == {}


async def test_a_deleted_booking(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """It is read before anything is concluded, and the list is looked at again."""
    book(simulator)
    book(simulator, id=502)
    await listed(client)
    simulator.control({"remove_bookings": [501]})
    now.tick(DAY)
    asked(simulator)
    assert only(await listed(client)).id == "502"
    assert "/bookings/501" in asked(simulator)
    now.tick(60)
    assert only(await listed(client)).id == "502"
    assert [path for path in asked(simulator) if "arrival.lt" in path]
    now.tick(60)
    assert only(await listed(client)).id == "502"
    assert not [path for path in asked(simulator) if "arrival.lt" in path]


async def test_a_list_that_lacks_some(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """What can still be read is still there."""
    book(simulator)
    book(simulator, id=502)
    await listed(client)
    now.tick(DAY)
    simulator.fault("empty")
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["501", "502"]
    assert snapshot.complete


async def test_a_404_that_was_a_mistake(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """The list has the booking, so it comes back."""
    book(simulator)
    await listed(client)
    now.tick(DAY)
    simulator.fault("404", path="bookings/501", times=1)
    assert (await listed(client)).bookings == ()
    assert only(await listed(client)).id == "501"


async def test_an_id_that_cannot_be_read_changes_nothing(
    client: ClockPms, simulator: ClockSimulator, now: FrozenDateTimeFactory
) -> None:
    """It is read the next time."""
    simulator.control({"deleted": "500"})
    book(simulator)
    before = only(await listed(client))
    now.tick(DAY)
    held = simulator.tables["bookings"].pop(501)
    assert only(await listed(client)) == before
    simulator.tables["bookings"][501] = {**held, "current_room_id": 102}
    assert only(await listed(client)).resource_id == "102"


async def test_a_new_id_that_cannot_be_read(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The others count, and nothing follows from what is not there."""
    for id_ in (501, 502, 503):
        book(simulator, id=id_)
    simulator.fault("500", path="bookings/502")
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["501", "503"]
    assert not snapshot.complete
    simulator.faults.clear()
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["501", "503", "502"]
    assert snapshot.complete


async def test_many_ids_that_cannot_be_read_are_an_outage(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The vendor does not want each to be tried."""
    for id_ in range(501, 510):
        book(simulator, id=id_)
    simulator.fault("500", path="bookings/50")
    with pytest.raises(ConnectionFailed):
        await listed(client)
    assert len(asked(simulator)) <= 4
    simulator.faults.clear()
    assert len((await listed(client)).bookings) == 9


async def test_an_interruption_is_gone_on_with(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """What was read already is not read again."""
    for id_ in (501, 502, 503):
        book(simulator, id=id_)
    simulator.fault("html", path="bookings/502", times=1)
    with pytest.raises(ContractError):
        await listed(client)
    asked(simulator)
    assert len((await listed(client)).bookings) == 3
    assert [path for path in asked(simulator) if "?" not in path] == [
        "/bookings/502",
        "/bookings/503",
    ]


async def test_an_id_that_is_listed_twice(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is one booking."""
    book(simulator)
    simulator.fault("duplicate")
    assert only(await listed(client)).id == "501"
    assert len(asked(simulator)) == 2


async def test_an_older_answer_does_not_win(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """Should a message and a poll cross."""
    book(simulator)
    booking = only(await listed(client))
    change(simulator, current_room_id=102)
    newer = only(await listed(client))
    client._keep(booking)
    assert client._bookings["501"] == newer


async def test_bookings_without_a_time_stamp(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The last answer counts."""
    book(simulator, extra={"updated_at": None})
    assert only(await listed(client)).updated_at is None
    change(simulator, current_room_id=102)
    assert only(await listed(client)).resource_id == "102"


# Contract drift


@pytest.mark.parametrize(
    ("changes", "wire_field"),
    [
        ({"status": "waiting"}, "status"),
        ({"status": None}, "status"),
        ({"arrival": None}, "arrival"),
        ({"arrival": "23.11.2026"}, "arrival"),
        ({"arrival": "0001-01-01"}, "arrival"),
        ({"arrival": "9000-01-01"}, "arrival"),
        ({"departure": 20261125}, "departure"),
        ({"updated_at": "yesterday"}, "updated_at"),
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "updated_at"),
        ({"main_booking_guest": 9}, "main_booking_guest"),
        ({"guest_phone_number": {}}, "guest_phone_number"),
        ({"current_room_id": True}, "current_room_id"),
        ({"extra": {"id": 999}}, "id"),
        ({"extra": {"id": None}}, "id"),
    ],
)
async def test_a_booking_that_cannot_be_read(
    client: ClockPms,
    simulator: ClockSimulator,
    changes: dict[str, Any],
    wire_field: str,
) -> None:
    """It is named with its field, and costs no other; one that was known stays as it was."""
    book(simulator, id=502)
    book(simulator)
    before = (await listed(client)).bookings
    simulator.tables["bookings"][501]["extra"] = changes.get("extra", changes)
    client._listed = None
    snapshot = await listed(client)
    assert snapshot.bookings == before
    problem = Problem(reason="bad_booking", item="booking 501", field=wire_field)
    assert snapshot.problems == (problem,)
    assert snapshot.complete

    client._bookings.clear()
    client._listed = None
    snapshot = await listed(client)
    assert [booking.id for booking in snapshot.bookings] == ["502"]
    assert snapshot.problems == (problem,)
    assert not snapshot.complete

    simulator.tables["bookings"].pop(501)
    client._listed = None
    assert only(await listed(client)).id == "502"


async def test_nulls_everywhere(client: ClockPms, simulator: ClockSimulator) -> None:
    """The status is what is missed first."""
    book(simulator)
    simulator.fault("null_fields")
    assert [each.field for each in (await listed(client)).problems] == ["status"]


async def test_what_is_not_known_yet_does_no_harm(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """New fields, and codes of Clock's own that are nobody's business."""
    book(simulator, extra={"self_service_pin": "4711", "common_door_codes": [1], "x": {}})  # fmt: skip
    assert only(await listed(client)).id == "501"


@pytest.mark.parametrize("ids", [[None], [True], ["x"], [{"number": 3}], [1.5], "501"])
async def test_lists_of_something_else(
    client: ClockPms,
    simulator: ClockSimulator,
    monkeypatch: pytest.MonkeyPatch,
    ids: Any,
) -> None:
    """They are no bookings."""
    monkeypatch.setattr(simulator, "_ids", lambda _: ids)
    with pytest.raises(ContractError):
        await listed(client)


async def test_half_a_list(client: ClockPms, simulator: ClockSimulator) -> None:
    """What it lacks is not known to lack; what it has counts."""
    book(simulator)
    book(simulator, id=502)
    simulator.fault("partial")
    assert [booking.id for booking in (await listed(client)).bookings] == ["501"]


# Privacy


async def test_nothing_personal_is_logged(
    client: ClockPms, simulator: ClockSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever happens."""
    caplog.set_level(logging.DEBUG)
    book(simulator)
    snapshot = await listed(client)
    for fault in ("html", "500", "truncated"):
        simulator.fault(fault, times=1)
        with pytest.raises(VendorError) as info:
            await listed(client)
        assert "Holm" not in str(info.value)
    seen = caplog.text + repr(snapshot) + repr(client._http)
    assert not [w for w in ("Holm", "Anna", "20 12", API_KEY) if w in seen]
