"""Tests of the Calenso simulator: it does what vendors/calenso.md says, no more."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
import json
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from simulators.calenso import (
    AUDIENCE,
    BOOKING_NAME,
    CLIENT_ID,
    CLIENT_SECRET,
    PARTNER,
    TYPES,
    CalensoSimulator,
)

PLUGIN = {"Accept": "application/json", "X-Calenso-Auth": "true"}
ASKED = {"booking_name": BOOKING_NAME, "token_type": "public_widget"}
STORES = {"partner_id[value]": str(PARTNER), "partner_id[operator]": "="}
CLIENT = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
    "audience": AUDIENCE,
}
WISH = {
    "type": "appointment.booking.created",
    "uuid": "a-1",
    "start": "2026-11-22T08:00:00+01:00",
    "end": "2026-11-22T10:00:00+01:00",
    "created": "2026-11-20T12:00:00+00:00",
}


@pytest.fixture
async def calenso(session: ClientSession) -> AsyncIterator[CalensoSimulator]:
    """A running simulator."""
    async with CalensoSimulator() as running:
        yield running


class Plugin:
    """A plain client that follows the page's words."""

    def __init__(self, session: ClientSession, base: str) -> None:
        self.session = session
        self.base = base

    async def post(
        self, path: str, headers: dict[str, str] | None = None, **body: Any
    ) -> tuple[int, Any]:
        """Post a form, or what else is said."""
        url = f"{self.base}/{path}"
        headers = PLUGIN if headers is None else headers
        async with self.session.post(url, headers=headers, **body) as answer:
            return answer.status, await answer.json()

    async def token(self) -> dict[str, str]:
        """Return the headers with a token."""
        _, answer = await self.post("api/v1/partners/information", data=ASKED)
        return {**PLUGIN, "Authorization": f"Bearer {answer['token']}"}


@pytest.fixture
def plugin(session: ClientSession, calenso: CalensoSimulator) -> Plugin:
    """A plain client of the simulator."""
    return Plugin(session, calenso.url)


@pytest.fixture
async def heard(
    calenso: CalensoSimulator,
) -> AsyncIterator[list[tuple[str | None, Any]]]:
    """Whoever listens for webhooks: the secrets and bodies that came."""
    came: list[tuple[str | None, Any]] = []

    async def take(request: web.Request) -> web.Response:
        secret = request.headers.get("X-Calenso-Webhook-Secret")
        came.append((secret, await request.text()))
        return web.Response(text="thanks")

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        address = str(server.make_url("/hook"))
        calenso.control({"target": {"address": address, "secret": "s3cret"}})
        yield came


async def control(
    calenso: CalensoSimulator, session: ClientSession, **data: Any
) -> Any:
    """Use the control door."""
    url, wish = f"{calenso.url}/_control", {"data": data}
    async with session.post(url, json=wish) as answer:
        return await answer.json()


async def test_what_is_public(plugin: Plugin) -> None:
    path, plain = "api/v1/partners/information", {"Accept": "application/json"}
    status, answer = await plugin.post(path, plain, data=ASKED)  # as the plugin does
    assert status == 200
    assert answer["id"] == PARTNER
    assert {"id", "resource_name"} == set(answer["workers"][0])
    headers = await plugin.token()
    stores = await plugin.post("api/v1/stores/filter", headers, data=STORES)
    assert [each["id"] for each in stores[1]] == [3, 4]
    without = {k: v for k, v in headers.items() if k != "X-Calenso-Auth"}
    assert (await plugin.post("api/v1/stores/filter", without, data=STORES))[0] == 400
    services = "api/v1/appointment_services/appointment_services_by_store/"
    body = {"partner_id": str(PARTNER), "store_id": "3"}
    assert len((await plugin.post(services, headers, data=body))[1]) == 2
    events = {"status[value]": "1", "status[operator]": "="}
    found = await plugin.post("api/v1/events/filter", headers, data=events)
    assert found[1][0]["title"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (PLUGIN, {"json": ASKED}, 415),
        ({**PLUGIN, "Accept": "text/html"}, {"data": ASKED}, 406),
        (PLUGIN, {"data": {"booking_name": BOOKING_NAME}}, 400),
        (PLUGIN, {"data": {**ASKED, "booking_name": "nobody"}}, 404),
    ],
)
async def test_what_calenso_does_not_follow(
    plugin: Plugin, headers: dict[str, str], body: Any, status: int
) -> None:
    """The errors are Calenso's."""
    answered, answer = await plugin.post("api/v1/partners/information", headers, **body)
    assert answered == status
    assert answer["errors"][0]["code"] == status
    assert answer["errors"][0]["message"]


async def test_a_list_needs_the_token_and_the_filter(plugin: Plugin) -> None:
    path = "api/v1/stores/filter"
    assert (await plugin.post(path, data=STORES))[0] == 401
    basic = {**PLUGIN, "Authorization": "Basic x"}
    assert (await plugin.post(path, basic, data=STORES))[0] == 401
    headers = await plugin.token()
    assert (await plugin.post(path, headers, data={"partner_id": "4711"}))[0] == 400


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "access_denied"),
        ({"audience": "https://other"}, 403, "access_denied"),
        ({"grant_type": "password"}, 403, "unauthorized_client"),
    ],
)
async def test_auth0(
    plugin: Plugin, changes: dict[str, str], status: int, error: str
) -> None:
    good = await plugin.post("oauth/token", {}, data=CLIENT)
    assert (good[0], good[1]["token_type"]) == (200, "Bearer")
    bad = await plugin.post("oauth/token", {}, data=CLIENT | changes)
    assert (bad[0], bad[1]["error"]) == (status, error)
    assert (await plugin.post("oauth/token", {}, json=CLIENT))[0] == 400


async def test_an_event_as_it_is_sent(
    calenso: CalensoSimulator,
    session: ClientSession,
    heard: list[tuple[str | None, Any]],
) -> None:
    answer = await control(calenso, session, appointments=[WISH])
    assert answer["sent"] == [{"status": 200, "answer": "thanks"}]
    ((secret, body),) = heard
    event = json.loads(body)
    assert secret == "s3cret"
    assert event["created"] == "2026-11-20 12:00:00"
    assert event["type"] == "appointment.booking.created"
    record = event["data"]["appointment"]
    assert record["start_utc"] == "2026-11-22 07:00:00"
    assert record["end_utc"] == "2026-11-22 09:00:00"
    assert record["customer"]["phone"] is None
    assert event["data"]["user"]["bookable"] == 1


async def test_every_type_is_sent(
    calenso: CalensoSimulator,
    session: ClientSession,
    heard: list[tuple[str | None, Any]],
) -> None:
    wishes = [{**WISH, "type": kind} for kind in TYPES]
    await control(calenso, session, appointments=wishes)
    events = [json.loads(body) for _, body in heard]
    assert [each["type"] for each in events] == list(TYPES)
    for each in events:
        assert each["type"].partition(".")[0] in each["data"]


async def test_other_readings_of_the_page(
    calenso: CalensoSimulator,
    session: ClientSession,
    heard: list[tuple[str | None, Any]],
) -> None:
    readings: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"time_format": "iso"}, {"start_utc": "2026-11-22T07:00:00Z"}),
        ({"end_as": "local"}, {"end": "2026-11-22T10:00:00+01:00"}),
        ({"end_as": "duration"}, {"duration": 120}),
        ({"store_as": "store", "ids": "str"}, {"store": {"id": "3"}}),
    ]
    for switches, wanted in readings:
        await control(calenso, session, **switches, appointments=[WISH])
        record = json.loads(heard[-1][1])["data"]["appointment"]
        assert record | wanted == record
    await control(calenso, session, shape="flat", appointments=[WISH])
    flat = json.loads(heard[-1][1])
    assert flat["data_appointment_uuid"] == "a-1"
    assert "data" not in flat


@pytest.mark.parametrize(
    ("fault", "came"),
    [
        ("lost", []),
        ("duplicate", ["s3cret", "s3cret"]),
        ("wrong_secret", ["guess"]),
        ("no_secret", [None]),
        ("partial", ["s3cret"]),
    ],
)
async def test_faults_of_what_is_sent(
    calenso: CalensoSimulator,
    session: ClientSession,
    heard: list[tuple[str | None, Any]],
    fault: str,
    came: list[str | None],
) -> None:
    calenso.fault(fault, times=1)
    await control(calenso, session, raw=['{"type": "x"}'])
    assert [secret for secret, _ in heard] == came
    if fault == "partial":
        assert heard[0][1] == '{"type'


async def test_nobody_listens(
    calenso: CalensoSimulator, session: ClientSession
) -> None:
    """It says so, and waits for nobody."""
    assert "target" in (await control(calenso, session, raw=[{}]))["error"]
    calenso.control({"target": {"address": "http://127.0.0.1:9/hook"}})
    answer = await control(calenso, session, raw=[{}])
    assert answer["sent"][0]["status"] is None


@pytest.mark.parametrize(
    "data",
    [
        {"colour": "red"},
        {"end_as": "guess"},
        {"target": {"user": "x"}},
        {"appointments": [{**WISH, "type": "voucher.sold"}]},
        {"appointments": [{"type": "appointment.updated"}]},
    ],
)
async def test_a_control_without_sense_is_refused(
    calenso: CalensoSimulator, session: ClientSession, data: dict[str, Any]
) -> None:
    assert (await control(calenso, session, **data))["error"]


async def test_a_reset_forgets_all_but_the_address(
    calenso: CalensoSimulator,
    session: ClientSession,
    heard: list[tuple[str | None, Any]],
) -> None:
    await control(calenso, session, shape="flat")
    async with session.post(f"{calenso.url}/_control", json={"reset": True}):
        pass
    await control(calenso, session, appointments=[WISH])
    assert json.loads(heard[0][1])["data"]["appointment"]["uuid"] == "a-1"
    now = datetime.now(UTC)
    await control(calenso, session, appointments=[{**WISH, "created": now.isoformat()}])
    assert json.loads(heard[1][1])["created"] == f"{now:%Y-%m-%d %H:%M:%S}"
