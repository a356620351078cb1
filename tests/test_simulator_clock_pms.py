"""The Clock PMS+ simulator, asked as Clock is: by hand, and by another client."""

from collections.abc import AsyncIterator
from hashlib import md5
import json
import re
from typing import Any

from aiohttp import ClientSession, web
import pytest

from simulators import digest
from simulators.amazon import HOST
from simulators.clock_hotel import ACCOUNT
from simulators.clock_pms import API_KEY, SUBSCRIPTION, USER, ClockSimulator

HOTEL = f"/pms_api/{SUBSCRIPTION}/{ACCOUNT}"
HOOK = f"/base_api/{SUBSCRIPTION}/{ACCOUNT}/webhook_subscription"


@pytest.fixture
async def simulator(session: ClientSession) -> AsyncIterator[ClockSimulator]:
    """The demonstration's hotel, which takes many calls."""
    async with ClockSimulator(calls_a_second=10_000) as running:
        yield running


def _hash(text: str) -> str:
    return md5(text.encode()).hexdigest()


class Plain:
    """A client that does the arithmetic of RFC 7616 itself."""

    def __init__(self, session: ClientSession, simulator: ClockSimulator) -> None:
        """Have no challenge yet."""
        self.session = session
        self.simulator = simulator
        self.challenge: dict[str, str] = {}
        self.count = 0

    async def send(
        self, path: str, method: str = "GET", body: Any = None, **changes: str
    ) -> tuple[int, Any]:
        """Send a call that proves itself; return its status and what it says."""
        if not self.challenge:
            status, said = await self.bare(path)
            assert (status, said) == (401, f"{digest.DENIED}\n")
        self.count += 1
        return await self.bare(path, method, body, self._proof(path, method, changes))

    def _proof(self, path: str, method: str, changes: dict[str, str]) -> str:
        """Answer the challenge, but for what is changed."""
        said = {
            "username": USER,
            "realm": "API",
            "nonce": self.challenge["nonce"],
            "uri": path,
            "qop": "auth",
            "nc": f"{self.count:08x}",
            "cnonce": "abcdef",
            "opaque": self.challenge["opaque"],
            "key": API_KEY,
            **changes,
        }
        who = _hash(f"{said['username']}:{said['realm']}:{said.pop('key')}")
        parts = [said[name] for name in ("nonce", "nc", "cnonce", "qop")]
        said["response"] = _hash(
            ":".join([who, *parts, _hash(f"{method}:{said['uri']}")])
        )
        return "Digest " + ", ".join(
            f'{name}="{value}"' for name, value in said.items()
        )

    async def bare(
        self, path: str, method: str = "GET", body: Any = None, proof: str = ""
    ) -> tuple[int, Any]:
        """Send a call as it is."""
        headers = {"Authorization": proof} if proof else {}
        url = self.simulator.url + path
        call = self.session.request(
            method, url, json=body, headers=headers, allow_redirects=False
        )
        async with call as answer:
            text = await answer.text()
            if answer.status == 401:
                asked = answer.headers["WWW-Authenticate"]
                self.challenge = dict(re.findall(r'(\w+)="?([^",]+)', asked))
                self.count = 0
            if answer.status == 301:
                return 301, answer.headers["Location"]
            return answer.status, json.loads(text) if text[:1] in "[{" else text


@pytest.fixture
def plain(session: ClientSession, simulator: ClockSimulator) -> Plain:
    """A client of the simulator."""
    return Plain(session, simulator)


# Digest


async def test_challenge(plain: Plain) -> None:
    """It says all that the page says it does."""
    assert await plain.bare(f"{HOTEL}/rooms") == (401, "HTTP Digest: Access denied.\n")
    assert set(plain.challenge) == {"realm", "qop", "algorithm", "nonce", "opaque"}
    assert plain.challenge["algorithm"] == "MD5"
    status, rooms = await plain.send(f"{HOTEL}/rooms")
    assert status == 200
    assert [room["name"] for room in rooms] == ["101", "102", "201"]


@pytest.mark.parametrize(
    "changes",
    [
        {"username": "nobody"},
        {"key": "wrong"},
        {"realm": "api"},
        {"uri": f"{HOTEL}/bookings/"},
        {"uri": f"{HOTEL}/bookings/?number=2"},
        {"qop": "auth-int"},
        {"nc": "1"},
        {"cnonce": ""},
        {"opaque": "x"},
        {"algorithm": "SHA-256"},
    ],
)
async def test_wrong_answers(plain: Plain, changes: dict[str, str]) -> None:
    """The address counts with its query, exactly as it was sent."""
    path = f"{HOTEL}/bookings/?number=1"
    assert (await plain.send(path, **changes))[0] == 401
    assert "stale" not in plain.challenge
    assert (await plain.send(path))[0] == 200


async def test_nonces(plain: Plain, simulator: ClockSimulator, freezer: Any) -> None:
    """They are counted, and grow stale."""
    assert (await plain.send(f"{HOTEL}/rooms"))[0] == 200
    assert (await plain.send(f"{HOTEL}/rooms", nc="00000001"))[0] == 401
    assert plain.challenge["stale"] == "true"
    assert (await plain.send(f"{HOTEL}/rooms"))[0] == 200
    freezer.tick(digest.NONCE_LIFE + 1)
    assert (await plain.send(f"{HOTEL}/rooms"))[0] == 401
    simulator.control({"forget_nonces": True, "says_stale": False})
    assert (await plain.send(f"{HOTEL}/rooms"))[0] == 401
    assert "stale" not in plain.challenge
    assert (await plain.send(f"{HOTEL}/rooms"))[0] == 200


# Limits


@pytest.mark.parametrize(("probes_count", "more"), [(True, 4), (False, 5)])
async def test_five_calls_a_second(
    session: ClientSession, freezer: Any, probes_count: bool, more: int
) -> None:
    """And the challenge is one of them, or not."""
    async with ClockSimulator() as simulator:
        simulator.control({"probes_count": probes_count})
        plain = Plain(session, simulator)
        for _ in range(more):
            assert (await plain.send(f"{HOTEL}/rooms"))[0] == 200
        assert (await plain.send(f"{HOTEL}/rooms"))[0] == 429
        freezer.tick(1)
        assert (await plain.send(f"{HOTEL}/rooms"))[0] == 200


async def test_ban(plain: Plain, simulator: ClockSimulator) -> None:
    """A page for people, which says nothing of rights."""
    simulator.fault("banned")
    status, page = await plain.bare(f"{HOTEL}/rooms")
    assert status == 403
    assert page.startswith("<html>")


@pytest.mark.parametrize(
    ("path", "right"),
    [
        (f"{HOTEL}/rooms", "pms_api_rooms_index"),
        (f"{HOTEL}/room_types", "pms_api_room_types_index"),
        (f"{HOTEL}/bookings/", "pms_api_bookings_index"),
        (f"{HOTEL}/bookings/36570822", "pms_api_bookings_show"),
        (f"{HOTEL}/guests/823", "pms_api_guests_show"),
        (HOOK, "base_api_webhook_subscription_show"),
    ],
)
async def test_rights(
    plain: Plain, simulator: ClockSimulator, path: str, right: str
) -> None:
    """Each call has its own."""
    simulator.control({"rights": [right]})
    said = {"error": f"The User doesn't have {right} right"}
    assert await plain.send(path) == (403, said)
    simulator.control({"rights": []})
    assert (await plain.send(path))[0] in (200, 400)


# Lists and records


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [501, 502]),
        ("?arrival.lt=2026-11-24&departure.gt=2026-11-23", [501]),
        ("?departure.gt=2026-11-25", [502]),
        ("?departure.gteq=2026-11-25&arrival.lteq=2026-11-23", [501]),
        ("?updated_at.gteq=2026-11-21T00:00:00.000Z", [502]),
        ("?status=expected", [501]),
        ("?status.eq=checked_in", [502]),
        ("?number=A-7", [502]),
        ("?arrival_time=x", []),
    ],
)
async def test_filters(
    plain: Plain, simulator: ClockSimulator, query: str, ids: list[int]
) -> None:
    """Bare arrays of ids, of what fits all of them."""
    dates = {"arrival": "2026-11-23", "departure": "2026-11-25"}
    first = {"id": 501, **dates, "updated_at": "2026-11-20T00:00:00.000Z"}
    later = {"arrival": "2026-11-25", "departure": "2026-11-28", "status": "checked_in"}
    second = {"id": 502, "number": "A-7", **later, "updated_at": "2026-11-21T00:00:00.000Z"}  # fmt: skip
    simulator.control({"clear": True, "bookings": [first, second]})
    for path in ("/bookings", "/bookings/", "/bookings.json"):
        assert await plain.send(f"{HOTEL}{path}{query}") == (200, ids)


async def test_filters_that_list_values(
    plain: Plain, simulator: ClockSimulator
) -> None:
    """Any of them will do; a boolean is written as JSON has it."""
    stays = [{"id": 1, "ota": True}, {"id": 2, "status": "no_show"}, {"id": 3}]
    simulator.control({"clear": True, "bookings": stays})
    for query, ids in (
        ("status%5B%5D=no_show&status%5B%5D=expected", [1, 2, 3]),
        ("status%5B%5D=no_show&status%5B%5D=checked_in", [2]),
        ("ota=true", [1]),
    ):
        assert (await plain.send(f"{HOTEL}/bookings/?{query}"))[1] == ids


@pytest.mark.parametrize(
    "query",
    ["active_notes=x", "arrival.near=2026-11-23", "colour=red", "arrival.lt=soon",
     "updated_at.gteq=2026-11-21T00:00:00%2B00:00", "updated_at.gteq=2026-13-01T00:00:00Z"],
)  # fmt: skip
async def test_filters_that_are_none(plain: Plain, query: str) -> None:
    """What is no column, operator or value is refused."""
    assert (await plain.send(f"{HOTEL}/bookings/?{query}"))[0] == 400


async def test_records(plain: Plain, simulator: ClockSimulator) -> None:
    """Many nulls, and a version that counts."""
    status, booking = await plain.send(f"{HOTEL}/bookings/36570823.json")
    assert status == 200
    assert booking["id"] == 36570823
    assert booking["account_id"] == ACCOUNT
    assert booking["event_id"] is None
    assert booking["guest_phone_number"] is None
    assert booking["lock_version"] == 0
    simulator.control({"nulls": "omitted", "current_room": False, "bookings": [{"id": 36570823}]})  # fmt: skip
    _, booking = await plain.send(f"{HOTEL}/bookings/36570823")
    assert "event_id" not in booking
    assert "current_room_id" not in booking
    assert booking["lock_version"] == 1
    _, guest = await plain.send(f"{HOTEL}/guests/823")
    assert guest["phone_number"] == "0045 31 22 33 44"


@pytest.mark.parametrize(
    "path",
    ["/bookings/1", "/guests/1", "/nothing", "/rooms/101", "/webhook_subscription"],
)  # fmt: skip
async def test_what_is_not_there(plain: Plain, path: str) -> None:
    """404, in JSON."""
    status, said = await plain.send(f"{HOTEL}{path}")
    assert status == 404
    assert said["error"]


async def test_changing_a_booking(plain: Plain, simulator: ClockSimulator) -> None:
    """By who read it last; what is stale is Clock's own error."""
    path = f"{HOTEL}/bookings/36570822"
    version = (await plain.send(path))[1]["lock_version"]
    wish = {"status": "canceled", "lock_version": version}
    assert (await plain.send(path, "PUT", {"booking": {}}))[0] == 500
    status, changed = await plain.send(path, "PUT", {"booking": wish})
    assert (status, changed["status"]) == (200, "canceled")
    assert changed["lock_version"] == version + 1
    status, said = await plain.send(path, "PUT", {"booking": wish})
    stale = {"error": "Attempted to update a stale object: Booking"}
    assert (status, said) == (500, stale)
    for wrong in ({"status": "gone"}, {"colour": "red"}):
        body = {"booking": {**wrong, "lock_version": version + 1}}
        assert (await plain.send(path, "PUT", body))[0] == 400
    assert (await plain.send(path, "PUT", {}))[0] == 400
    nobody = f"{HOTEL}/bookings/1"
    assert (await plain.send(nobody, "PUT", {"booking": wish}))[0] == 404
    simulator.control({"rights": ["pms_api_bookings_update"]})
    assert (await plain.send(path, "PUT", {"booking": wish}))[0] == 403


async def test_looking_for_guests(plain: Plain) -> None:
    """By three characters at least."""
    path = f"{HOTEL}/guests/search?free_text_search="
    [guest] = (await plain.send(f"{path}gaard"))[1]
    assert {"id", "family_id", "e_mail"} <= set(guest)
    assert guest["id"] == 823
    assert (await plain.send(f"{path}nobody")) == (200, [])
    assert (await plain.send(f"{path}ga"))[0] == 500


async def test_rooms_that_are_free(plain: Plain, simulator: ClockSimulator) -> None:
    """On all days of a range, with the last one; a departure frees its day."""
    stay = {"id": 1, "arrival": "2026-11-23", "departure": "2026-11-25"}
    rooms = {"arrival_room_id": 102, "current_room_id": 101}
    gone = {**stay, "id": 2, "current_room_id": 102, "status": "canceled"}
    kept = [{"id": 101, "room_type_id": 1}, {"id": 102, "room_type_id": 1}]
    kept.append({"id": 201, "room_type_id": 2})
    simulator.control({"clear": True, "rooms": kept, "bookings": [stay | rooms, gone]})

    async def free(query: str) -> list[int]:
        status, listed = await plain.send(f"{HOTEL}/room_statuses?{query}")
        assert status == 200
        return [r["id"] for kind in listed for r in kind["rooms"] if r["available"]]

    assert await free("from=2026-11-22&to=2026-11-23") == [102, 201]
    assert await free("from=2026-11-25&to=2026-11-26") == [101, 102, 201]
    assert await free("from=2026-11-24&to=2026-11-24&room_type_id=2") == [201]
    assert (await plain.send(f"{HOTEL}/room_statuses?from=2026-11-24"))[0] == 400


@pytest.mark.parametrize(
    ("switch", "wanted"),
    [("numbers", [7]), ("texts", ["7"]), ("objects", [{"id": 7}])],
)
async def test_ids(
    plain: Plain, simulator: ClockSimulator, switch: str, wanted: list[Any]
) -> None:
    """However they are listed."""
    simulator.control({"clear": True, "bookings": [{"id": 7}], "ids_as": switch})
    assert await plain.send(f"{HOTEL}/bookings/") == (200, wanted)


@pytest.mark.parametrize(("switch", "bad"), [("needed", ""), ("refused", "/")])
async def test_slashes(
    plain: Plain, simulator: ClockSimulator, switch: str, bad: str
) -> None:
    """One way of writing redirects to the other."""
    simulator.control({"slashes": switch})
    status, to = await plain.send(f"{HOTEL}/rooms{bad}")
    assert status == 301
    assert (await plain.send(to.removeprefix(simulator.url).rstrip("?")))[0] == 200


async def test_deleted_and_missing_api(plain: Plain, simulator: ClockSimulator) -> None:
    """Both are switches."""
    simulator.control({"remove_bookings": [36570822], "deleted": "500"})
    assert (await plain.send(f"{HOTEL}/bookings/36570822"))[0] == 500
    simulator.control({"api_installed": False})
    said = {"error": "Addon API not installed!"}
    assert await plain.send(f"{HOTEL}/rooms") == (403, said)


# Faults


@pytest.mark.parametrize(
    ("fault", "path", "wanted"),
    [
        ("empty", "/bookings/", []),
        ("partial", "/bookings/", [36570822, 36570823]),
        ("wrong_shape", "/rooms", {"data"}),
        ("wrong_shape", "/bookings/36570822", list),
        ("null_fields", "/bookings/36570822", None),
    ],
)
async def test_faults(
    plain: Plain, simulator: ClockSimulator, fault: str, path: str, wanted: Any
) -> None:
    """Each shows where it is said to."""
    simulator.fault(fault)
    _, said = await plain.send(f"{HOTEL}{path}")
    match wanted:
        case None:
            assert {key for key, value in said.items() if value is not None} == {"id"}
        case set():
            assert set(said) == wanted
        case type():
            assert isinstance(said, wanted)
        case _:
            assert said == wanted


async def test_duplicate(plain: Plain, simulator: ClockSimulator) -> None:
    """Each id twice."""
    _, once = await plain.send(f"{HOTEL}/bookings/")
    simulator.fault("duplicate")
    assert await plain.send(f"{HOTEL}/bookings/") == (200, once * 2)


# The webhook subscription


async def test_subscription(
    plain: Plain, simulator: ClockSimulator, aiohttp_server: Any, freezer: Any
) -> None:
    """It is made once, asks to be confirmed, and cannot be dropped for two days."""
    brought: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        assert request.content_type == "text/plain"
        brought.append(json.loads(await request.text()))
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    endpoint = str((await aiohttp_server(app)).make_url("/hook"))
    missing = {"error": "webhook_subscription_not_found"}
    assert await plain.send(HOOK) == (400, missing)
    assert await simulator.push({}) is None
    status, held = await plain.send(HOOK, "POST", {"endpoint": endpoint})
    assert (status, held["subscription_arn"]) == (201, None)
    assert held["pending_confirmation"] is True
    assert (await plain.send(HOOK, "POST", {"endpoint": endpoint}))[0] == 201
    assert [each["Type"] for each in brought] == ["SubscriptionConfirmation"] * 2
    assert brought[0]["SubscribeURL"].startswith(f"https://{HOST}/?Action=Confirm")
    other = {"endpoint": "https://example.org/"}
    assert (await plain.send(HOOK, "POST", other))[0] == 400
    assert (await plain.send(HOOK, "DELETE"))[0] == 500
    simulator.control({"confirm": True})
    _, held = await plain.send(HOOK)
    assert held["subscription_arn"].startswith(f"{simulator.amazon.topic}:")
    assert (await plain.send(HOOK, "DELETE"))[0] == 400
    freezer.tick(48 * 3600 + 1)
    plain.challenge = {}
    assert (await plain.send(HOOK, "DELETE"))[0] == 200
    assert await plain.send(HOOK) == (400, missing)


# Control


@pytest.mark.parametrize(
    "data",
    [
        {"colour": "red"},
        {"ids_as": "words"},
        {"bookings": [{"id": 1, "colour": "red"}]},
        {"bookings": [{"arrival": "2026-11-23"}]},
        {"rooms": [{"id": "x"}]},
    ],
)
async def test_control_refuses(
    session: ClientSession, simulator: ClockSimulator, data: dict[str, Any]
) -> None:
    """What makes no sense is said."""
    url = f"{simulator.url}/_control"
    async with session.post(url, json={"data": data}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]


async def test_control(session: ClientSession, simulator: ClockSimulator) -> None:
    """Everything is put back by a reset."""
    wish = {"clear": True, "rooms": [{"id": 7, "name": "7"}], "subscribe": "https://x/"}
    url = f"{simulator.url}/_control"
    async with session.post(url, json={"data": wish}) as answer:
        assert answer.status == 200
    assert list(simulator.tables["rooms"]) == [7]
    simulator.control({"remove_rooms": [7, 8]})
    assert simulator.tables["rooms"] == {}
    async with session.post(url, json={"reset": True}) as answer:
        assert answer.status == 200
    assert len(simulator.tables["rooms"]) == 3
    assert simulator.subscription is None


def test_credentials() -> None:
    """What to fill in."""
    assert set(ClockSimulator().credentials()) == {"url", "username", "api_key"}
