"""Tests of the Pronestor simulator: what is confirmed, and each plausible reading."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
import re
from typing import Any

from aiohttp import ClientResponse, ClientSession, CookieJar
import pytest

from simulators.pronestor import PASSWORD, USER, PronestorSimulator

NOW = datetime(2026, 11, 24, 8, 20, tzinfo=UTC)
WINDOW = {"from": "2026-11-24T00:00:00", "to": "2026-11-25T00:00:00"}
LOGIN = {"username": USER, "password": PASSWORD}


@pytest.fixture
async def simulator(socket_enabled: None) -> AsyncIterator[PronestorSimulator]:
    """A running simulator."""
    async with PronestorSimulator(now=NOW) as running:
        yield running


class Plain:
    """A plain client, that follows the page's words."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self.session = session
        self.base = f"{base}/api.mvc"

    async def login(self, **changes: Any) -> ClientResponse:
        """Log in."""
        return await self.session.post(
            f"{self.base}/v1/Authenticate", json=LOGIN | changes, allow_redirects=False
        )

    async def get(self, path: str, **query: Any) -> ClientResponse:
        """Ask for something."""
        return await self.session.get(
            f"{self.base}/{path}", params=query, allow_redirects=False
        )

    async def bookings(self, location: int = 3, **query: Any) -> Any:
        """Ask for the bookings of a location."""
        values = {**WINDOW, "locationId": location, **query}
        answer = await self.get("v1/GetBookings", **values)
        assert answer.status == 200
        return await answer.json()


@pytest.fixture
async def plain(simulator: PronestorSimulator) -> AsyncIterator[Plain]:
    """A plain client of the simulator."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as session:
        yield Plain(session, simulator.url)


async def control(plain: Plain, **wish: Any) -> int:
    """Use the control door."""
    url = plain.base.replace("api.mvc", "_control")
    async with plain.session.post(url, json=wish) as answer:
        return answer.status


async def test_the_page_is_for_people(plain: Plain) -> None:
    """Anybody may read what the interface is like."""
    answer = await plain.get("")
    assert (answer.status, answer.content_type) == (200, "text/html")


@pytest.mark.parametrize(
    ("refusal", "status"),
    [("401", 401), ("403", 403), ("redirect", 302), ("page", 200)],
)
async def test_the_cookie(plain: Plain, refusal: str, status: int) -> None:
    """Without it every request is refused, in one of the plausible ways."""
    assert await control(plain, data={"refusal": refusal}) == 200
    query = {"locationId": 3}
    assert (await plain.get("v1/GetRooms", **query)).status == status
    assert (await plain.login(password="wrong")).status == status
    assert not plain.session.cookie_jar
    answer = await plain.login()
    assert answer.status == 200
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    answer = await plain.get("v1/GetRooms", **query)
    assert [room["Id"] for room in await answer.json()] == [101, 102, 103]
    assert await control(plain, fault={"kind": "expired_session"}) == 200
    assert (await plain.get("v1/GetRooms", **query)).status == status


async def test_other_switches_of_the_login(plain: Plain) -> None:
    """It may say false, and it may not be needed."""
    await control(plain, data={"login_refusal": "false"})
    answer = await plain.login(password="wrong")
    assert await answer.json() is False
    await control(plain, data={"bypass": True})
    assert len(await plain.bookings()) == 2


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("v1/GetRooms", {}, 400),
        ("v1/GetRooms", {"locationId": "x"}, 400),
        ("v1/GetRooms", {"locationId": 99}, 400),
        ("v1/GetBookings", {"locationId": 3}, 400),
        ("v1/GetBookings", {"locationId": 3, "from": "24-11-2026", "to": "x"}, 400),
        ("v1/Authenticate", {}, 405),
        ("v1/Rooms", {}, 404),
    ],
)
async def test_what_is_refused(
    plain: Plain, path: str, query: dict[str, Any], status: int
) -> None:
    """Wrong paths, methods and parameters."""
    await plain.login()
    assert (await plain.get(path, **query)).status == status


async def test_a_body_that_is_no_object(plain: Plain) -> None:
    """A login is JSON."""
    url = f"{plain.base}/v1/Authenticate"
    for options in ({"data": b"x"}, {"json": ["x"]}):
        assert (await plain.session.post(url, **options)).status == 415


@pytest.mark.parametrize(
    ("date_format", "pattern"),
    [
        ("dotnet", r"/Date\(1795507200000\)/"),
        ("dotnet_offset", r"/Date\(1795507200000\+0100\)/"),
        ("iso_offset", r"2026-11-24T09:00:00\+01:00"),
        ("iso", r"2026-11-24T09:00:00"),
    ],
)
async def test_bookings(plain: Plain, date_format: str, pattern: str) -> None:
    """With booker and participants, in each format of dates."""
    start, end = "2026-11-24T09:00", "2026-11-24T10:00"
    guests = [{"name": "Bo", "company": "B"}]
    wish = {"id": 1, "room": 102, "start": start, "end": end, "participants": guests}
    wish["booker"] = {"name": "Anna", "email": None}
    rooms = [{"id": 102, "name": "Skibet", "location": 3}]
    data = {"clear": True, "date_format": date_format, "rooms": rooms}
    await control(plain, data={**data, "bookings": [wish]})
    await plain.login()
    [row] = await plain.bookings()
    assert re.fullmatch(pattern, row["Start"])
    assert (row["Id"], row["RoomId"], row["Cancelled"]) == (1, 102, False)
    assert row["Booker"] == {"Name": "Anna", "Email": None}
    assert row["Participants"] == [{"Name": "Bo", "Company": "B"}]
    assert await plain.bookings(7) == []
    await control(plain, data={"remove": [1], "remove_rooms": [102]})
    assert await plain.bookings() == []


async def test_the_window(plain: Plain) -> None:
    """All that overlaps it, or what begins in it."""
    await plain.login()
    later = {"from": "2026-11-24T09:00:00"}
    assert [row["Id"] for row in await plain.bookings(**later)] == [5001, 5002]
    await control(plain, data={"begin_inside": True})
    assert [row["Id"] for row in await plain.bookings(**later)] == [5002]


async def test_faults_of_its_own(plain: Plain) -> None:
    """Lists that are empty, short, double, of another shape, or have nulls."""
    await plain.login()
    results = {}
    for kind in ("empty", "partial", "duplicate", "wrong_shape", "nulls"):
        await control(plain, fault={"kind": kind, "times": 1})
        results[kind] = await plain.bookings()
    assert results["empty"] is None
    assert len(results["partial"]) == 1
    assert len(results["duplicate"]) == 4
    assert isinstance(results["wrong_shape"], dict)
    assert set(results["nulls"][0].values()) == {None}


async def test_the_other_dialect(plain: Plain) -> None:
    """Nothing is called as in the guess."""
    await control(plain, data={"dialect": "other"})
    assert (await plain.login()).status == 404
    login = {"login": USER, "secret": PASSWORD}
    url = f"{plain.base}/v2/session/authenticate"
    assert (await plain.session.post(url, data=login)).status == 400
    answer = await plain.session.post(url, data={**login, "remember": "true"})
    assert answer.status == 200
    answer = await plain.get("v2/locations/7/rooms")
    [room] = (await answer.json())["data"]["rooms"]
    assert room == {
        "roomNumber": 201,
        "title": "Auditoriet",
        "site": {"title": "Aarhus"},
    }
    window = {"since": "24-11-2026 00:00", "until": "25-11-2026 00:00"}
    url = f"{plain.base}/v2/meetings/search"
    assert (await plain.session.post(url, json=window)).status == 400
    answer = await plain.session.post(url, json={**window, "room": 201})
    [row] = (await answer.json())["data"]["meetings"]
    assert row["organizer"]["last"] == "Holm Kjærsgaard"
    assert row["rooms"] == [{"roomNumber": 201}]
    assert row["people"][0]["organisation"] == "Kunden A/S"


@pytest.mark.parametrize(
    "data",
    [{"nothing": 1}, {"refusal": "418"}, {"bookings": [{"id": 1}]}, {"rooms": [{}]}],
)
async def test_the_control_door_refuses(plain: Plain, data: dict[str, Any]) -> None:
    """What it does not understand."""
    assert await control(plain, data=data) == 400


async def test_reset(plain: Plain, simulator: PronestorSimulator) -> None:
    """Everything is as at the start."""
    await control(plain, data={"clear": True, "raw": [1], "bypass": True})
    await control(plain, reset=True)
    assert len(simulator.meetings) == 4
    assert not simulator.switches["bypass"]
    assert simulator.credentials()["location_ids"] == "3, 7"
