"""Events of the exivo client: its log and its messages, in all readings."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.access_systems.exivo import Exivo
from custom_components.booking_access.access_systems.exivo_http import PAGE
from custom_components.booking_access.engine.models import (
    AccessEventKind,
    AuthError,
    ConnectionFailed,
    ContractError,
)
from custom_components.booking_access.push import CONF_SECRET, PushRefused
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, GATEWAY, SEMINAR

NOW = datetime(2026, 11, 25, 8, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECRET = "a-secret-of-the-account"
KINDS = {
    "componentUnlocked": AccessEventKind.OPENED,
    "accessPermitted": AccessEventKind.GRANTED,
    "accessDenied": AccessEventKind.DENIED,
    "componentNotReady": AccessEventKind.NOT_READY,
    "sabotageAlarm": AccessEventKind.ALARM,
    "shortCircuitOfInputAlarm": AccessEventKind.ALARM,
    "interruptionOfInputAlarm": AccessEventKind.ALARM,
    "doorForcedAlarm": AccessEventKind.ALARM,
    "componentReady": AccessEventKind.OTHER,
}

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[ExivoSimulator]:
    """A site at which nothing has happened yet."""
    async with ExivoSimulator() as simulator:
        yield simulator


@pytest.fixture
def exivo(sim: ExivoSimulator, session: ClientSession) -> Exivo:
    """A client that takes messages."""
    return Exivo(session, {**sim.credentials(), CONF_SECRET: SECRET})


def happen(
    sim: ExivoSimulator, name: str, at: datetime, door: str = ENTRANCE, **rest: Any
) -> None:
    """Let something happen at a door."""
    wish = {"name": name, "component": door, "occurredAt": at.isoformat(), **rest}
    sim.control({"happen": [wish]})


def message(**changes: Any) -> bytes:
    """Return a message."""
    return json.dumps(
        {
            "name": "accessDenied",
            "occurredAt": "2026-11-25T08:00:30.120Z",
            "payload": {"componentId": ENTRANCE, "person": {"firstName": "Heidi"}},
            **changes,
        }
    ).encode()


def log_requests(sim: ExivoSimulator) -> int:
    """Return how often the log was asked for."""
    return sum("accesslog" in path for _, path in sim.requests)


@pytest.mark.parametrize(
    "reading",
    [
        {},
        {"ignore_sort": True},
        {"refuse_sort": True},
        {"ignore_paging": True},
        {"max_limit": 5},
        {"max_limit": 5, "ignore_sort": True},
    ],
)
async def test_the_log_in_each_reading(
    sim: ExivoSimulator, exivo: Exivo, reading: dict[str, Any]
) -> None:
    """All that is newer is told, the oldest first; refused orders are not asked again."""
    sim.control(reading)
    for minute in range(12):
        happen(sim, "accessPermitted", NOW - minute * MINUTE)
    since = NOW - 7 * MINUTE
    events = await exivo.read_events(since)
    assert [event.at for event in events] == [
        NOW - m * MINUTE for m in range(6, -1, -1)
    ]
    assert {event.point_id for event in events} == {ENTRANCE}
    sim.requests.clear()
    assert await exivo.read_events(since) == events
    assert log_requests(sim) <= 3 + bool(reading)


async def test_a_long_log_is_read_back_to_what_is_known(
    sim: ExivoSimulator, exivo: Exivo
) -> None:
    """One page is enough where the newest come first."""
    for second in range(2 * PAGE):
        happen(sim, "accessDenied", NOW - timedelta(seconds=second))
    assert len(await exivo.read_events(NOW - MINUTE)) == 60
    assert log_requests(sim) == 1
    assert len(await exivo.read_events(NOW - timedelta(hours=1))) == 2 * PAGE
    assert {path for _, path in sim.requests} == {
        f"/v1/{sim.shown_site['id']}/accesslog/component"
    }


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
async def test_what_an_event_means(
    sim: ExivoSimulator, exivo: Exivo, name: str, kind: AccessEventKind
) -> None:
    """The log and a message of the same event say the same, whatever the fraction."""
    at = NOW.replace(microsecond=120_000)
    happen(sim, name, at, data={"person": {"firstName": "Heidi"}})
    [event] = await exivo.read_events(NOW - MINUTE)
    assert (event.kind, event.at, event.point_id) == (kind, at, ENTRANCE)
    for text in ("2026-11-25T08:00:30.120Z", "2026-11-25T08:00:30Z"):
        body = message(name=name, occurredAt=text)
        push = await exivo.parse_push({"Authentication": SECRET}, body)
        [told] = push.events
        assert (told.id, told.kind, told.point_id) == (event.id, kind, ENTRANCE)
        assert push.asks is name.startswith(("componentNot", "componentReady"))
    assert "Heidi" not in repr(event) + repr(push)


@pytest.mark.parametrize("status", ["403", "404"])
async def test_a_site_without_a_log_is_asked_again_after_a_day(
    sim: ExivoSimulator, exivo: Exivo, freezer: FrozenDateTimeFactory, status: str
) -> None:
    """Until then it is left alone; then what happens is told."""
    sim.fault(status, path="accesslog")
    happen(sim, "accessDenied", NOW)
    assert await exivo.read_events(NOW - MINUTE) == ()
    sim.requests.clear()
    freezer.tick(timedelta(hours=23, minutes=59))
    assert await exivo.read_events(NOW - MINUTE) == ()
    assert log_requests(sim) == 0
    sim.faults.clear()
    freezer.tick(MINUTE)
    assert len(await exivo.read_events(NOW - MINUTE)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("401", AuthError),
        ("500", ConnectionFailed),
        ("truncated", ContractError),
        ("wrong_shape", ContractError),
        ("html", ContractError),
    ],
)
async def test_what_goes_wrong_with_the_log(
    sim: ExivoSimulator, exivo: Exivo, fault: str, error: type[Exception]
) -> None:
    """It is an error, and the next time is another."""
    happen(sim, "accessDenied", NOW)
    sim.fault(fault, path="accesslog", times=1)
    with pytest.raises(error):
        await exivo.read_events(NOW - MINUTE)
    assert len(await exivo.read_events(NOW - MINUTE)) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "1"},
        {"id": "1", "name": "accessDenied", "occurredAt": "2026-11-25T08:00:30Z"},
        {"id": "1", "name": None, "occurredAt": None, "data": None},
        {"id": "1", "data": {"component": "T01"}},
        "accessDenied",
    ],
)
async def test_entries_that_are_about_no_door(
    sim: ExivoSimulator, exivo: Exivo, entry: Any
) -> None:
    """They are passed over; the others count."""
    happen(sim, "accessDenied", NOW, SEMINAR)
    sim.control({"raw": {"component": [entry]}})
    [event] = await exivo.read_events(NOW - MINUTE)
    assert event.point_id == SEMINAR


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authentication": "guess"},
        {"Authentication": ""},
        {"Authentication": "\udce4"},
        {"Authorization": SECRET},
    ],
)
async def test_messages_need_the_secret(
    exivo: Exivo, session: ClientSession, headers: dict[str, str]
) -> None:
    """In the header Authentication; where there is none, nothing is the secret."""
    for client in (exivo, Exivo(session, {})):
        with pytest.raises(PushRefused) as refused:
            await client.parse_push(headers, message())
        assert refused.value.status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (message()[:20], 400),
        (b"[]", 400),
        (message(name=None), 422),
        (message(occurredAt=None), 422),
        (message(occurredAt="yesterday"), 422),
    ],
)
async def test_messages_that_are_none(exivo: Exivo, body: bytes, status: int) -> None:
    """The sender is told why."""
    with pytest.raises(PushRefused) as refused:
        await exivo.parse_push({"Authentication": SECRET}, body)
    assert refused.value.status == status


@pytest.mark.parametrize("payload", [None, [], {}, {"componentId": None}])
async def test_messages_about_no_door(exivo: Exivo, payload: Any) -> None:
    """They are heard, and that is all."""
    headers = {"Authentication": SECRET}
    push = await exivo.parse_push(headers, message(payload=payload))
    assert (push.events, push.asks) == ((), False)


async def test_a_gateway_may_have_events_too(sim: ExivoSimulator, exivo: Exivo) -> None:
    """Who shows the doors passes them over."""
    happen(sim, "componentNotReady", NOW, GATEWAY)
    [event] = await exivo.read_events(NOW - MINUTE)
    assert event.point_id == GATEWAY
