"""The exivo simulator, asked by plain aiohttp as vendors/exivo.md says."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from aiohttp import ClientSession
import pytest

from simulators.exivo import ExivoSimulator
from simulators.exivo_site import (
    API_KEY,
    API_SECRET,
    ENTRANCE,
    GATEWAY,
    SEMINAR,
    SITE,
    STORE,
    VAULT,
    WARDROBE,
)


def basic(user: str, password: str) -> dict[str, str]:
    token = b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


AUTH = basic(API_KEY, API_SECRET)
LINK = {
    "code": "48213",
    "validFrom": "2090-11-22T08:45:00Z",
    "validTo": "2090-11-22T10:15:00Z",
    "components": [SEMINAR],
    "name": "booking 8f3a",
    "smsNr": "+41791234567",
}
KEY = {
    "name": "booking 8f3a",
    "validFrom": "2090-11-22T08:45:00Z",
    "validTo": "2090-11-22T10:15:00Z",
    "components": [SEMINAR, ENTRANCE],
    "formFactor": "ma-phone",
    "publicRegistrationId": "+41791234567",
    "mobileApp": {"id": "4711", "name": "mobile access"},
    "installNotification": True,
}


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[ExivoSimulator]:
    async with ExivoSimulator() as simulator:
        yield simulator


@dataclass
class Reply:
    status: int
    body: bytes
    kind: str

    def json(self) -> Any:
        assert self.kind == "application/json"
        return json.loads(self.body)


class Vendor:
    """A plain client of the vendor's page."""

    def __init__(self, sim: ExivoSimulator, session: ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def ask(
        self, method: str, path: str, headers: Any = AUTH, **options: Any
    ) -> Reply:
        url = f"{self.sim.url}/v1/{SITE}{path}"
        async with self.session.request(
            method, url, headers=headers, **options
        ) as answer:
            return Reply(answer.status, await answer.read(), answer.content_type)

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.ask("GET", path, **options)
        assert answer.status == 200
        return answer.json()

    async def post(self, path: str, body: Any) -> Reply:
        return await self.ask("POST", path, json=body)

    async def control(self, **wish: Any) -> int:
        url = f"{self.sim.url}/_control"
        async with self.session.post(url, json=wish) as answer:
            return answer.status


@pytest.fixture
def vendor(sim: ExivoSimulator, session: ClientSession) -> Vendor:
    return Vendor(sim, session)


async def test_site(vendor: Vendor) -> None:
    assert await vendor.get("/info") == {
        "id": SITE,
        "name": "Seminarhaus am See",
        "language": "de",
        "timeZone": "Europe/Zurich",
        "type": "exivo",
    }


@pytest.mark.parametrize(
    "headers", [{}, basic(API_KEY, "other"), basic(API_SECRET, API_KEY)]
)
async def test_who_has_no_key_is_kept_out(
    vendor: Vendor, headers: dict[str, str]
) -> None:
    assert (await vendor.ask("GET", "/info", headers)).status == 401
    answer = await vendor.ask("POST", f"/component/{SEMINAR}/unlock", headers)
    assert answer.status == 401
    assert vendor.sim.doors[SEMINAR].unlocks == []


async def test_other_site_is_not_found(vendor: Vendor) -> None:
    url = f"{vendor.sim.url}/v1/{ENTRANCE}/info"
    async with vendor.session.get(url, headers=AUTH) as answer:
        assert (answer.status, await answer.read()) == (404, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/components",
        "/visits",
        "/digitalKeyVisit",
        "/digitalKeyVisits/x",
        "/digitalKeyVisits/x/revoke",
    ],
)
async def test_singular_and_plural_are_kept_apart(vendor: Vendor, path: str) -> None:
    assert (await vendor.ask("GET", path)).status == 404


async def test_components(vendor: Vendor) -> None:
    components = await vendor.get("/component")
    assert [c["id"] for c in components] == [
        ENTRANCE,
        SEMINAR,
        VAULT,
        WARDROBE,
        STORE,
        GATEWAY,
    ]
    assert components[0] == {
        "id": ENTRANCE,
        "identifier": "T01",
        "labelling": "Main entrance",
        "remarks": "",
        "accessZones": ["22222222-bbbb-4bbb-8bbb-000000000001"],
        "templateIdentifier": "electric-lock",
        "ready": True,
        "open": False,
        "mode": "normal",
    }
    assert await vendor.get(f"/component/{ENTRANCE}") == components[0]
    answer = await vendor.ask("GET", "/component/unknown")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"skip": "4"}, [STORE, GATEWAY]),
        ({"skip": "1", "limit": "2"}, [SEMINAR, VAULT]),
        ({"limit": "0", "skip": "5"}, [GATEWAY]),
        ({"sort": "identifier", "limit": "2"}, [GATEWAY, WARDROBE]),
        ({"sort": "identifier", "sortDir": "desc", "limit": "1"}, [STORE]),
        ({"skip": "99"}, []),
    ],
)
async def test_pages(vendor: Vendor, query: dict[str, str], wanted: list[str]) -> None:
    components = await vendor.get("/component", params=query)
    assert [c["id"] for c in components] == wanted


@pytest.mark.parametrize(
    "query", [{"skip": "-1"}, {"limit": "many"}, {"sortDir": "up"}]
)
async def test_wrong_pages_are_refused(vendor: Vendor, query: dict[str, str]) -> None:
    assert (await vendor.ask("GET", "/component", params=query)).status == 400


@pytest.mark.parametrize(
    ("data", "query", "count"),
    [
        ({"default_limit": 2}, {}, 2),
        ({"default_limit": 2}, {"limit": "3"}, 3),
        ({"max_limit": 2}, {"limit": "3"}, 2),
        ({"ignore_paging": True}, {"limit": "3", "skip": "1"}, 6),
    ],
)
async def test_other_readings_of_paging(
    vendor: Vendor, data: dict[str, int], query: dict[str, str], count: int
) -> None:
    assert await vendor.control(data=data) == 200
    assert len(await vendor.get("/component", params=query)) == count


@pytest.mark.parametrize(
    "body", [None, {}, {"delegatedUser": "Jo"}, {"body": {"delegatedUser": "Jo"}}]
)
async def test_unlock(vendor: Vendor, body: dict[str, str] | None) -> None:
    before = datetime.now(UTC)
    path = f"/component/{SEMINAR}/unlock"
    answer = await vendor.ask("POST", path, **({"json": body} if body else {}))
    assert (answer.status, answer.body) == (204, b"")
    (unlock,) = vendor.sim.doors[SEMINAR].unlocks
    assert before <= unlock.at <= datetime.now(UTC)
    assert unlock.user == (body or {}).get("delegatedUser")
    assert vendor.sim.doors[ENTRANCE].unlocks == []


async def test_log(vendor: Vendor) -> None:
    today = datetime.now(UTC).date()
    await vendor.post(f"/component/{SEMINAR}/unlock", {"delegatedUser": "Jo"})
    await vendor.post(f"/component/{ENTRANCE}/unlock", {})
    (first, second) = await vendor.get("/accesslog/component")
    assert (first["name"], second["name"]) == ("componentUnlocked",) * 2
    assert first["data"] == {
        "component": {
            "id": SEMINAR,
            "identifier": "T02",
            "labelling": "Seminar room",
            "title": "T02 Seminar room",
        },
        "apiIdentifier": "Jo",
    }
    at = datetime.fromisoformat(first["occurredAt"])
    assert at.utcoffset() == timedelta()
    assert abs(vendor.sim.doors[SEMINAR].unlocks[0].at - at) < timedelta(seconds=1)
    assert await vendor.get(f"/accesslog/component/{SEMINAR}") == [first]
    for query, wanted in [
        ({"from": str(today), "to": str(today)}, [first, second]),
        ({"from": str(today + timedelta(days=1))}, []),
        ({"to": str(today - timedelta(days=1))}, []),
    ]:
        assert await vendor.get("/accesslog/component", params=query) == wanted
    answer = await vendor.ask("GET", "/accesslog/component", params={"from": "today"})
    assert answer.status == 400


@pytest.mark.parametrize("mode", ["normal", "closed", "open", "accessControl"])
async def test_mode(vendor: Vendor, mode: str) -> None:
    answer = await vendor.post(f"/component/{SEMINAR}/mode", {"mode": mode})
    assert (answer.status, answer.body) == (204, b"")
    assert vendor.sim.doors[SEMINAR].mode == mode
    assert (await vendor.get(f"/component/{SEMINAR}"))["mode"] == mode


@pytest.mark.parametrize(
    ("component", "action", "body"),
    [
        (SEMINAR, "mode", {}),
        (SEMINAR, "mode", {"mode": "held"}),
        (SEMINAR, "mode", {"mode": ["open"]}),
        (SEMINAR, "mode", ["open"]),
        (SEMINAR, "unlock", {"delegatedUser": 7}),
        (GATEWAY, "mode", {"mode": "open"}),
        (GATEWAY, "unlock", {}),
        ("unknown", "mode", {"mode": "open"}),
        ("unknown", "unlock", {}),
    ],
)
async def test_wrong_actions_are_refused(
    vendor: Vendor, component: str, action: str, body: Any
) -> None:
    answer = await vendor.post(f"/component/{component}/{action}", body)
    assert answer.status == 400
    assert answer.json()["message"]
    assert vendor.sim.doors[SEMINAR].mode == "normal"
    assert vendor.sim.log == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": b'{"mode": "open"}'}, 415),
        ({"data": {"mode": "open"}}, 415),
        ({"data": b"{", "headers": AUTH | {"Content-Type": "application/json"}}, 400),
        ({}, 415),
    ],
)
async def test_what_is_not_json_is_refused(
    vendor: Vendor, options: dict[str, Any], status: int
) -> None:
    answer = await vendor.ask("POST", f"/component/{SEMINAR}/mode", **options)
    assert answer.status == status
    assert vendor.sim.doors[SEMINAR].mode == "normal"


async def test_link_visit(vendor: Vendor) -> None:
    answer = await vendor.post("/visit", LINK)
    assert answer.status == 200
    made = answer.json()
    assert made == LINK | {
        "id": made["id"],
        "link": f"https://visit.example/{made['id']}",
        "validFrom": "2090-11-22T08:45:00.000Z",
        "validTo": "2090-11-22T10:15:00.000Z",
        "expired": False,
        "revoked": False,
    }
    assert await vendor.get(f"/visit/{made['id']}") == made
    assert made in await vendor.get("/visit")
    assert made not in await vendor.get("/digitalKeyVisits")
    (visit,) = [v for v in vendor.sim.live_visits() if v.kind == "visit"]
    assert (visit.id, visit.name) == (made["id"], "booking 8f3a")
    assert visit.components == (SEMINAR,)
    assert visit.start == datetime(2090, 11, 22, 8, 45, tzinfo=UTC)
    assert visit.end == datetime(2090, 11, 22, 10, 15, tzinfo=UTC)
    assert visit.posted["code"] == "48213"


async def test_mobile_key_visit(vendor: Vendor) -> None:
    answer = await vendor.post("/digitalKeyVisits", KEY)
    assert answer.status == 200
    made = answer.json()
    assert made == KEY | {
        "id": made["id"],
        "validFrom": "2090-11-22T08:45:00.000Z",
        "validTo": "2090-11-22T10:15:00.000Z",
        "expired": False,
        "revoked": False,
    }
    assert await vendor.get(f"/digitalKeyVisit/{made['id']}") == made
    assert made in await vendor.get("/digitalKeyVisits")
    assert made not in await vendor.get("/visit")


@pytest.mark.parametrize("kind", ["visit", "digitalKeyVisit"])
async def test_unknown_visit(vendor: Vendor, kind: str) -> None:
    answer = await vendor.ask("GET", f"/{kind}/unknown")
    assert (answer.status, answer.body) == (404, b"")
    assert (await vendor.post(f"/{kind}/unknown/revoke", {})).status == 400


async def test_visits_of_one_kind_are_unknown_to_the_other(vendor: Vendor) -> None:
    made = (await vendor.post("/visit", LINK)).json()
    path = f"/digitalKeyVisit/{made['id']}"
    assert (await vendor.ask("GET", path)).status == 404
    assert (await vendor.post(f"{path}/revoke", {})).status == 400
    assert vendor.sim.visits[made["id"]].live


GONE = object()


@pytest.mark.parametrize(
    "change",
    [
        {"code": GONE},
        {"code": "123"},
        {"code": "1234567"},
        {"code": "12a45"},
        {"code": 12345},
        {"smsNr": GONE},
        {"smsNr": "0791234567"},
        {"smsNr": 41791234567},
        {"email": "nobody"},
    ],
)
async def test_wrong_links_are_refused(vendor: Vendor, change: dict[str, Any]) -> None:
    await refuse(vendor, "/visit", LINK, change)


@pytest.mark.parametrize("change", [{"smsNr": "0041 79 123 45 67"}, {"name": GONE}])
async def test_what_a_link_may_be(vendor: Vendor, change: dict[str, Any]) -> None:
    body = {k: v for k, v in (LINK | change).items() if v is not GONE}
    assert (await vendor.post("/visit", body)).status == 200
    by_mail = {k: v for k, v in LINK.items() if k != "smsNr"} | {"email": "a@b.example"}
    assert (await vendor.post("/visit", by_mail)).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"formFactor": GONE},
        {"formFactor": "ma-wallet"},
        {"publicRegistrationId": GONE},
        {"publicRegistrationId": "079 123 45 67"},
        {"publicRegistrationId": {"formFactor": "ma-phone", "id": "+41791234567"}},
        {"formFactor": "ma-email"},
        {"formFactor": "ma-custom"},
        {"mobileApp": GONE},
        {"mobileApp": "4711"},
        {"mobileApp": {"name": "mobile access"}},
        {"mobileApp": {"id": "app", "name": "mobile access"}},
        {"mobileApp": {"id": "4711", "name": 7}},
        {"installNotification": GONE},
        {"installNotification": "yes"},
    ],
)
async def test_wrong_keys_are_refused(vendor: Vendor, change: dict[str, Any]) -> None:
    await refuse(vendor, "/digitalKeyVisits", KEY, change)


@pytest.mark.parametrize(
    "change",
    [
        {"validFrom": GONE},
        {"validFrom": "2090-11-22T08:45:00+00:00"},
        {"validFrom": "2090-11-22T08:45:00"},
        {"validFrom": "2090-13-22T08:45:00Z"},
        {"validFrom": 3815743500},
        {"validTo": GONE},
        {"validTo": "2090-11-22T08:45:00Z"},
        {"validFrom": "2020-11-22T08:45:00Z", "validTo": "2020-11-22T10:15:00Z"},
        {"components": GONE},
        {"components": []},
        {"components": SEMINAR},
        {"components": [7]},
        {"components": ["unknown"]},
        {"components": [SEMINAR, GATEWAY]},
        {"name": 7},
        {"message": None},
        {"callbackUri": 7},
    ],
)
async def test_wrong_visits_of_either_kind_are_refused(
    vendor: Vendor, change: dict[str, Any]
) -> None:
    await refuse(vendor, "/visit", LINK, change)
    await refuse(vendor, "/digitalKeyVisits", KEY, change)


async def refuse(
    vendor: Vendor, path: str, body: dict[str, Any], change: dict[str, Any]
) -> None:
    before = set(vendor.sim.visits)
    body = {k: v for k, v in (body | change).items() if v is not GONE}
    answer = await vendor.post(path, body)
    assert answer.status == 400
    assert answer.json()["message"]
    assert set(vendor.sim.visits) == before


async def test_visit_that_has_begun_already(vendor: Vendor) -> None:
    body = LINK | {"validFrom": "2020-11-22T08:45:00.5Z"}
    assert (await vendor.post("/visit", body)).status == 200


@pytest.mark.parametrize("again", [204, 400])
@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [("/visit", "visit", LINK), ("/digitalKeyVisits", "digitalKeyVisit", KEY)],
)
async def test_revoke(
    vendor: Vendor, path: str, kind: str, body: dict[str, Any], again: int
) -> None:
    await vendor.control(data={"revoke_again": again})
    made = (await vendor.post(path, body)).json()
    revoke = f"/{kind}/{made['id']}/revoke"
    answer = await vendor.post(revoke, {})
    assert (answer.status, answer.body) == (204, b"")
    assert await vendor.get(f"/{kind}/{made['id']}") == made | {"revoked": True}
    assert made | {"revoked": True} in await vendor.get(path)
    assert made["id"] not in [v.id for v in vendor.sim.live_visits()]
    assert (await vendor.ask("POST", revoke)).status == again


async def test_demo_has_values_outside_the_contract(vendor: Vendor) -> None:
    (courier,) = await vendor.get("/digitalKeyVisits")
    assert (courier["formFactor"], courier["expired"]) == ("ma-wallet", False)
    (cleaning,) = await vendor.get("/visit")
    assert cleaning["expired"]
    assert vendor.sim.doors[WARDROBE].mode == "dayNight"


async def test_control_of_components(vendor: Vendor) -> None:
    added = {"identifier": "T09", "ready": False}
    assert await vendor.control(data={"add": [added], "remove": [VAULT]}) == 200
    components = await vendor.get("/component")
    assert VAULT not in [c["id"] for c in components]
    assert components[-1]["identifier"] == "T09"
    assert (components[-1]["ready"], components[-1]["mode"]) == (False, "normal")
    assert await vendor.control(data={"components": [{"identifier": "T1"}]}) == 200
    (only,) = await vendor.get("/component")
    assert only["identifier"] == "T1"
    assert list(vendor.sim.doors) == [only["id"]]
    assert await vendor.control(reset=True) == 200
    assert len(await vendor.get("/component")) == 6


async def test_control_of_a_door(vendor: Vendor) -> None:
    change = {SEMINAR: {"mode": "open", "open": True}, ENTRANCE: {"mode": None}}
    assert await vendor.control(data={"change": change}) == 200
    shown = await vendor.get(f"/component/{SEMINAR}")
    assert (shown["mode"], shown["open"], shown["ready"]) == ("open", True, True)
    assert vendor.sim.doors[ENTRANCE].mode is None
    assert vendor.sim.doors[SEMINAR].id == SEMINAR
    await vendor.control(data={"omit": ["open", "mode"]})
    shown = await vendor.get(f"/component/{SEMINAR}")
    assert not {"open", "mode"} & set(shown)


async def test_control_of_visits(vendor: Vendor) -> None:
    one = (await vendor.post("/visit", LINK)).json()["id"]
    two = (await vendor.post("/visit", LINK)).json()["id"]
    await vendor.control(data={"revoke": [one], "expire": [two]})
    assert (await vendor.get(f"/visit/{one}"))["revoked"] is True
    shown = await vendor.get(f"/visit/{two}")
    assert (shown["expired"], shown["revoked"]) == (True, False)
    await vendor.control(data={"created": 201})
    assert (await vendor.post("/visit", LINK)).status == 201


@pytest.mark.parametrize(
    "data",
    [
        {"doors": []},
        {"components": [{"labelling": "nameless"}]},
        {"components": ["T1"]},
        {"remove": ["unknown"]},
        {"revoke": ["unknown"]},
        {"change": {"unknown": {}}},
    ],
)
async def test_control_that_makes_no_sense(vendor: Vendor, data: Any) -> None:
    assert await vendor.control(data=data) == 400


async def test_own_faults(vendor: Vendor) -> None:
    whole = await vendor.get("/component")
    info = await vendor.get("/info")
    for kind, wanted in [
        ("empty", []),
        ("partial", whole[:-1]),
        ("duplicate", whole * 2),
        ("wrong_shape", {"items": whole}),
    ]:
        assert await vendor.control(fault={"kind": kind, "times": 1}) == 200
        assert await vendor.get("/component") == wanted
        assert await vendor.get("/component") == whole
    await vendor.control(fault={"kind": "wrong_shape", "times": 1})
    assert await vendor.get("/info") == [info]
    await vendor.control(fault={"kind": "nulls", "times": 2})
    assert await vendor.get("/info") == dict.fromkeys(info) | {"id": SITE}
    first = (await vendor.get("/component"))[0]
    assert first == dict.fromkeys(first) | {
        "id": ENTRANCE,
        "templateIdentifier": "electric-lock",
    }
    await vendor.control(fault={"kind": "busy", "times": 1})
    assert (await vendor.post("/visit", LINK)).status == 400
    assert (await vendor.post("/visit", LINK)).status == 200


async def test_raw_items(vendor: Vendor) -> None:
    await vendor.control(data={"raw": {"visit": ["junk"]}})
    assert (await vendor.get("/visit"))[-1] == "junk"


async def test_what_the_form_needs(vendor: Vendor) -> None:
    assert vendor.sim.credentials() == {
        "site_id": SITE,
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "url": f"{vendor.sim.url}/v1",
    }
