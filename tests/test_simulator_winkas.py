"""Tests of the WinKAS simulator: it does what vendors/winkas.md says, no more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import re
from typing import Any

from aiohttp import ClientSession
import pytest

from simulators.winkas import LICENSE, PASSWORD, USER, WinKasSimulator

LOGIN = {"UserName": USER, "UserPassword": PASSWORD, "UserContractCode": LICENSE}
NOW = datetime(2026, 11, 22, 8, 20, tzinfo=UTC)
WINDOW = {"StartTime": "2026-11-22T00:00:00Z", "EndTime": "2026-11-23T00:00:00Z"}
ENVELOPE = {
    "WinkasErrorCode",
    "WinKasStatus",
    "WinKasStatusString",
    "WinKasMessage",
    "ApiVersion",
    "ResponseDateTime",
    "ResponseInfo",
    "Source",
}


@pytest.fixture
async def simulator(session: ClientSession) -> AsyncIterator[WinKasSimulator]:
    """A running simulator."""
    async with WinKasSimulator(now=NOW) as running:
        yield running


class Plain:
    """A plain client, that follows the page's words."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def post(self, path: str, **body: Any) -> Any:
        """Post JSON and return the answer, which is always an envelope."""
        async with self.session.post(f"{self.base}/api/{path}", json=body) as response:
            assert response.status == 200
            answer = await response.json()
            assert set(answer) >= ENVELOPE
            return answer

    async def token(self) -> str:
        """Log in."""
        answer = await self.post("Authentication/Authenticate", **LOGIN)
        return answer["WinKasData"]["CurrentToken"]

    async def events(self, **body: Any) -> Any:
        """Ask for the events of hall 1201."""
        usual = {"Token": await self.token(), "Resources": [1201], **WINDOW}
        return await self.post(
            "Calendar/GetAllResourceEventsInTimePeriod", **(usual | body)
        )


@pytest.fixture
def plain(session: ClientSession, simulator: WinKasSimulator) -> Plain:
    """A plain client of the simulator."""
    return Plain(session, simulator.url)


async def control(
    session: ClientSession, simulator: WinKasSimulator, **wish: Any
) -> int:
    """Use the control door."""
    async with session.post(f"{simulator.url}/_control", json=wish) as response:
        return response.status


def times(answer: Any) -> list[tuple[str, str]]:
    """Return the times of the first resource's bookings."""
    rows = answer["Resources"][0]["ResourceCalendarbookings"]
    records = [row["ResourceCalendarbooking"] for row in rows]
    return [(record["Start"], record["Stop"]) for record in records]


async def test_login(plain: Plain) -> None:
    """The login's answer has the whole envelope, and a token."""
    answer = await plain.post("Authentication/Authenticate", **LOGIN)
    assert (answer["WinKasStatus"], answer["WinkasErrorCode"]) == (0, 0)
    assert answer["WinKasStatusString"] == "Okay"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", answer["ResponseDateTime"])
    assert set(answer["ResponseInfo"]) == {"ElapsedSeconds", "ServerName"}
    data = answer["WinKasData"]
    assert data.pop("CurrentToken")
    assert isinstance(data.pop("Id"), int)
    assert data.pop("UserRealName")
    assert data == {
        "UserName": "",
        "UserPassword": "",
        "UserContractCode": "",
        "AuthLevel": None,
        "Profile": None,
    }


@pytest.mark.parametrize(
    "content_type", ["text/json", "application/json; charset=utf-8"]
)
async def test_content_types(
    session: ClientSession, simulator: WinKasSimulator, content_type: str
) -> None:
    """Both content types that are seen work."""
    async with session.post(
        f"{simulator.url}/api/Authentication/Authenticate",
        data='{"UserName": "x", "UserPassword": "x", "UserContractCode": "x"}',
        headers={"Content-Type": content_type},
    ) as response:
        answer = await response.json()
    assert answer["WinKasStatus"] == 1
    assert answer["AuthenticationMessage"] == "Authentication failed"
    assert answer["WinKasData"]["CurrentToken"] == ""


async def test_paths(plain: Plain, simulator: WinKasSimulator) -> None:
    """Case, and the double slash of the page, do not matter."""
    token = await plain.token()
    for path in ("calendar/getallresources", "CALENDAR/GETALLRESOURCES/"):
        assert (await plain.post(path, Token=token))["WinKasStatus"] == 0
    refetch = {"ContractId": LICENSE, "Username": USER, "Password": PASSWORD}
    plain.base = f"{simulator.url}/"
    answer = await plain.post("authentication/refetchToken/", **refetch)
    assert answer["Token"] == token


async def test_login_with_token(plain: Plain) -> None:
    """The older page's login works too."""
    token = await plain.token()
    answer = await plain.post("Authentication/Authenticate", UserToken=token)
    assert answer["WinKasData"]["CurrentToken"] == token
    answer = await plain.post("Authentication/Authenticate", UserToken="other")
    assert answer["WinKasStatus"] == 1


async def test_validate(session: ClientSession, plain: Plain) -> None:
    """A token's validity can be asked, by GET alone."""
    url = f"{plain.base}/api/Authentication/Validate"
    token = await plain.token()
    for given, status in ((token, 0), ("other", 1)):
        async with session.get(url, params={"token": given}) as response:
            answer = await response.json()
        assert answer["WinKasStatus"] == status
        wanted = f"Token validation result is: {given == token}"
        assert answer["AuthenticationMessage"] == wanted
        assert answer["WinKasData"] is None
    async with session.post(url, json={"token": token}) as response:
        assert response.status == 405


async def test_refetch(plain: Plain) -> None:
    """The active token can be had again; there may be none yet."""
    refetch = {"ContractId": LICENSE, "Username": USER, "Password": PASSWORD}
    first = (await plain.post("authentication/refetchToken", **refetch))["Token"]
    again = (await plain.post("authentication/refetchToken", **refetch))["Token"]
    assert first == again
    wrong = await plain.post(
        "authentication/refetchToken", **refetch | {"Password": "x"}
    )
    assert (wrong["WinKasStatus"], wrong["Token"]) == (1, "")


async def test_resources(plain: Plain) -> None:
    """All resources are listed, with or without a place."""
    answer = await plain.post("Calendar/GetAllResources", Token=await plain.token())
    places = {r["Name"]: r["ResourceLocation"] for r in answer["Resources"]}
    assert places["Hal 1"]["Name"] == "Nordby Hallen"
    assert places["Svømmehal, bane 1"] is None


async def test_events(plain: Plain) -> None:
    """The bookings of a window come in Danish wall clock; a running one is there."""
    answer = await plain.events()
    (resource,) = answer["Resources"]
    assert resource["Id"] == 1201
    (row,) = resource["ResourceCalendarbookings"]
    assert row["ResourceCalendarbooking"] == {
        "Start": "22-11-2026 08:30:00",
        "Stop": "22-11-2026 10:30:00",
        "Id": 5001,
        "Subject": "Badminton, motionister",
    }
    assert row["BookingOwner"]["FirstName"] == "Nordby Badmintonklub"
    assert row["BookingOwner"]["Phone"] == "+45 31 22 33 44"


async def test_now_is_now(session: ClientSession) -> None:
    """Without a time of its own the demonstration runs now."""
    running = WinKasSimulator().bookings["5001"]
    assert running.start < datetime.now(UTC) < running.end


@pytest.mark.parametrize(
    ("date_format", "start"),
    [
        ("dk", "22-11-2026 08:30:00"),
        ("dk_minutes", "22-11-2026 08:30"),
        ("iso", "2026-11-22T08:30:00"),
        ("iso_utc", "2026-11-22T07:30:00Z"),
    ],
)
async def test_date_formats(
    session: ClientSession,
    simulator: WinKasSimulator,
    plain: Plain,
    date_format: str,
    start: str,
) -> None:
    """The format of dates is a switch."""
    assert await control(session, simulator, data={"date_format": date_format}) == 200
    assert times(await plain.events())[0][0] == start


@pytest.mark.parametrize(
    ("z_means_utc", "found"), [(True, [("08:30", "10:30")]), (False, [])]
)
async def test_z(
    simulator: WinKasSimulator,
    plain: Plain,
    z_means_utc: bool,
    found: list[tuple[str, str]],
) -> None:
    """What the Z means is a switch: 09:15Z is 10:15 or 09:15 on the wall."""
    simulator.control({"z_means_utc": z_means_utc})
    window = {"StartTime": "2026-11-22T09:15:00Z", "EndTime": "2026-11-22T09:25:00Z"}
    simulator.control({"bookings": [
        {"id": 5001, "resource": 1201, "start": "2026-11-22T10:10", "end": "2026-11-22T10:30"}
    ]})  # fmt: skip
    wanted = [("22-11-2026 10:10:00", "22-11-2026 10:30:00")] if found else []
    assert times(await plain.events(**window)) == wanted


async def test_begin_inside(simulator: WinKasSimulator, plain: Plain) -> None:
    """Whether a running booking comes back is a switch."""
    window = {"StartTime": "2026-11-22T09:00:00Z", "EndTime": "2026-11-22T20:00:00Z"}
    assert times(await plain.events(**window)) == [
        ("22-11-2026 08:30:00", "22-11-2026 10:30:00")
    ]
    simulator.control({"begin_inside": True})
    assert times(await plain.events(**window)) == []


# What is refused


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"UserName": USER, "UserPassword": PASSWORD},
        LOGIN | {"UserContractCode": int(LICENSE)},
        LOGIN | {"UserPassword": None},
        {"username": USER, "userpassword": PASSWORD, "usercontractcode": LICENSE},
        {"UserToken": 5},
    ],
)
async def test_malformed_logins(plain: Plain, body: dict[str, Any]) -> None:
    """All three are texts, under their own names."""
    answer = await plain.post("Authentication/Authenticate", **body)
    assert answer["WinKasStatus"] == 2
    assert answer["WinkasErrorCode"] != 0
    assert "WinKasData" not in answer


@pytest.mark.parametrize(
    "body",
    [
        {"StartTime": "2026-11-22T00:00:00"},
        {"StartTime": "2026-11-22T00:00:00+01:00"},
        {"StartTime": "2026-11-22T00:00:00.000Z"},
        {"StartTime": "22-11-2026 00:00:00"},
        {"StartTime": "2026-13-22T00:00:00Z"},
        {"EndTime": 1764000000},
        {"EndTime": None},
        {"Resources": "1201"},
        {"Resources": ["1201"]},
        {"Resources": [True]},
        {"Resources": None},
        {"Token": 5},
    ],
)
async def test_malformed_questions(plain: Plain, body: dict[str, Any]) -> None:
    """Times and resources have exactly one form."""
    answer = await plain.events(**body)
    assert answer["WinKasStatus"] == 2
    assert answer["WinkasErrorCode"] != 0
    assert "Resources" not in answer


async def test_token_in_a_header(
    session: ClientSession, plain: Plain, simulator: WinKasSimulator
) -> None:
    """A token counts in the body only."""
    async with session.post(
        f"{simulator.url}/api/Calendar/GetAllResources",
        json={},
        headers={"Authorization": f"Bearer {await plain.token()}"},
        cookies={"Token": await plain.token()},
    ) as response:
        answer = await response.json()
    assert (response.status, answer["WinKasStatus"]) == (200, 1)
    assert "Resources" not in answer


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "no json", "headers": {"Content-Type": "application/json"}}, 2),
        ({"data": '["Token"]', "headers": {"Content-Type": "application/json"}}, 2),
        ({"data": {"Token": "x"}}, 2),
        ({"data": '{"Token": "x"}', "headers": {"Content-Type": "text/plain"}}, 2),
        ({}, 2),
    ],
)
async def test_no_json(
    session: ClientSession, simulator: WinKasSimulator, options: Any, status: int
) -> None:
    """The body is a JSON object, and says so."""
    url = f"{simulator.url}/api/Calendar/GetAllResources"
    async with session.post(url, **options) as response:
        assert (await response.json())["WinKasStatus"] == status


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/Calendar/GetAllResources", 405),
        ("PUT", "/api/Authentication/Authenticate", 405),
        ("POST", "/api/Calendar/Everything", 404),
        ("POST", "/Calendar/GetAllResources", 404),
        ("GET", "/", 404),
    ],
)
async def test_unknown_methods(
    session: ClientSession,
    simulator: WinKasSimulator,
    method: str,
    path: str,
    status: int,
) -> None:
    """What the page does not know is not there."""
    async with session.request(method, simulator.url + path, json={}) as response:
        assert response.status == status


@pytest.mark.parametrize(("expired_as", "status"), [("status", 200), ("401", 401)])
async def test_expired(
    session: ClientSession,
    simulator: WinKasSimulator,
    plain: Plain,
    expired_as: str,
    status: int,
) -> None:
    """A token is good for twelve hours; how its end is told is a switch."""
    simulator.control({"expired_as": expired_as})
    token = await plain.token()
    left = simulator.tokens[token] - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < left <= timedelta(hours=12)
    simulator.tokens[token] = datetime.now(UTC)
    url = f"{simulator.url}/api/Calendar/GetAllResources"
    async with session.post(url, json={"Token": token}) as response:
        assert response.status == status
        assert (await response.json())["WinKasStatus"] == 1


# The control door


async def test_control(session: ClientSession, simulator: WinKasSimulator, plain: Plain) -> None:  # fmt: skip
    """Resources and bookings come and go."""
    booking = {
        "id": 1,
        "resource": 7,
        "start": "2026-11-22T12:00",
        "end": "2026-11-22T12:00:00+00:00",
        "number": None,
        "extra": {"BookingNo": "B1"},
    }
    data = {
        "clear": True,
        "resources": [{"id": 7, "name": "Sal"}],
        "bookings": [booking],
    }
    assert await control(session, simulator, data=data | {"raw": {"7": [None]}}) == 200
    answer = await plain.events(Resources=[1201, 7])
    assert answer["Resources"] == [
        {
            "Id": 7,
            "ResourceCalendarbookings": [
                {
                    "ResourceCalendarbooking": {
                        "Start": "22-11-2026 12:00:00",
                        "Stop": "22-11-2026 13:00:00",
                        "Subject": "",
                        "BookingNo": "B1",
                    },
                    "BookingOwner": None,
                },
                None,
            ],
        }
    ]
    gone = {"remove": [1, 2], "remove_resources": [8], "raw": {"7": []}}
    assert await control(session, simulator, data=gone) == 200
    answer = await plain.events(Resources=[7])
    assert answer["Resources"] == [{"Id": 7, "ResourceCalendarbookings": []}]
    assert await control(session, simulator, data={"remove_resources": [7]}) == 200
    assert (await plain.events(Resources=[7]))["Resources"] == []
    assert await control(session, simulator, reset=True) == 200
    assert times(await plain.events()) == [
        ("22-11-2026 08:30:00", "22-11-2026 10:30:00")
    ]


@pytest.mark.parametrize(
    "data",
    [
        {"booking": []},
        {"date_format": "us"},
        {"z_means_utc": "yes"},
        {"bookings": [{"id": 1}]},
        {"resources": [{"name": "Sal"}]},
        {"bookings": [{"id": 1, "resource": 7, "start": "soon", "end": "later"}]},
    ],
)
async def test_control_refuses(
    session: ClientSession, simulator: WinKasSimulator, data: dict[str, Any]
) -> None:
    """What makes no sense is refused, and changes nothing."""
    before = dict(simulator.bookings)
    assert await control(session, simulator, data={"clear": True} | data) == 400
    assert simulator.bookings == before


# Its faults


async def test_fault_expired_token(
    session: ClientSession, simulator: WinKasSimulator, plain: Plain
) -> None:
    """All tokens are forgotten, once."""
    assert await control(session, simulator, fault={"kind": "expired_token"}) == 200
    assert (await plain.events())["WinKasStatus"] == 1
    assert (await plain.events())["WinKasStatus"] == 0


async def test_faults_of_bookings(simulator: WinKasSimulator, plain: Plain) -> None:
    """Empty, partial, duplicate, nulls, and wrong shape."""
    both = {"Resources": [1202, 1201, 1205], "EndTime": "2027-01-01T00:00:00Z"}
    good = (await plain.events(**both))["Resources"]

    async def spoilt(kind: str) -> Any:
        simulator.fault(kind, path="Calendar", times=1)
        return (await plain.events(**both))["Resources"]

    assert [r["ResourceCalendarbookings"] for r in await spoilt("empty")] == [None] * 3
    assert await spoilt("partial") == good[:2]
    assert await spoilt("wrong_shape") == {"Resource": good}
    twice = good[2]["ResourceCalendarbookings"] * 2
    assert (await spoilt("duplicate"))[2]["ResourceCalendarbookings"] == twice
    first, second = (await spoilt("nulls"))[0]["ResourceCalendarbookings"]
    assert set(first["ResourceCalendarbooking"].values()) == {None}
    assert second["BookingOwner"] is None
    assert second["ResourceCalendarbooking"]["Start"] == "30-11-2026 11:00:00"
    assert (await plain.events(**both))["Resources"] == good


async def test_fault_nulls_without_bookings(
    simulator: WinKasSimulator, plain: Plain
) -> None:
    """Where there is no booking there is none to empty."""
    simulator.control({"remove": [5001, 5005]})
    simulator.fault("nulls")
    assert times(await plain.events()) == []


async def test_fault_wrong_shape_of_login(
    simulator: WinKasSimulator, plain: Plain
) -> None:
    """The login's data is a list."""
    simulator.fault("wrong_shape")
    answer = await plain.post("Authentication/Authenticate", **LOGIN)
    assert answer["WinKasData"] == []


def test_credentials() -> None:
    """They fill the form."""
    simulator = WinKasSimulator()
    simulator.url = "http://127.0.0.1:1"
    assert simulator.credentials() == {
        "username": USER,
        "password": PASSWORD,
        "license_number": LICENSE,
        "url": "http://127.0.0.1:1/api/",
    }
