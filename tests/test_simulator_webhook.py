"""Tests of the simulators that only send: the webhook's and Eiendomsappen's."""

from collections.abc import AsyncIterator
import json
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest

from simulators.eiendomsappen import EiendomsappenSimulator
from simulators.webhook import WebhookSimulator

type Came = list[tuple[str | None, Any]]


@pytest.fixture
async def came(session: ClientSession) -> AsyncIterator[tuple[str, Came]]:
    """Whoever listens: the address, and the secrets and bodies that came."""
    bodies: Came = []

    async def take(request: web.Request) -> web.Response:
        secret = request.headers.get("X-Booking-Access-Secret")
        bodies.append((secret, json.loads(await request.text())))
        return web.json_response({"taken": 1})

    app = web.Application()
    app.router.add_post("/hook", take)
    async with TestServer(app) as server:
        yield str(server.make_url("/hook")), bodies


async def control(
    simulator: WebhookSimulator, session: ClientSession, data: Any
) -> Any:
    """Use the control door."""
    url = f"{simulator.url}/_control"
    async with session.post(url, json={"data": data}) as answer:
        return await answer.json()


@pytest.mark.parametrize(
    ("kind", "one", "many", "open_end"),
    [
        (WebhookSimulator, "booking", "bookings", False),
        (EiendomsappenSimulator, "lease", "leases", True),
    ],
)
async def test_records_that_are_sent(
    session: ClientSession,
    came: tuple[str, Came],
    kind: type[WebhookSimulator],
    one: str,
    many: str,
    open_end: bool,
) -> None:
    """One, or a list; what is not said is made up."""
    address, bodies = came
    async with kind() as simulator:
        target = {"address": address, "secret": "s3cret"}
        wish = {"target": target, one: {"id": "7"}, many: [{}, {"name": "Bo"}]}
        answer = await control(simulator, session, wish)
        assert [each["status"] for each in answer["sent"]] == [200, 200]
        assert (await control(simulator, session, {"rooms": []}))["error"]
    (secret, two), (_, single) = bodies
    assert secret == "s3cret"
    assert [each["name"] for each in two][1] == "Bo"
    assert two[0]["id"] != two[1]["id"]
    assert single["id"] == "7"
    assert (single["end"] is None) is open_end
