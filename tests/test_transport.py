"""Tests of the transport that all vendors share."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
import pytest
from yarl import URL

from custom_components.booking_access import transport
from custom_components.booking_access.engine.models import (
    ConnectionFailed,
    ContractError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
    VendorError,
)
from custom_components.booking_access.transport import retry_after

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("30", timedelta(seconds=30)),
        ("Sun, 22 Nov 2026 07:01:00 GMT", timedelta(minutes=1)),
        ("Sun, 22 Nov 2026 06:00:00 GMT", timedelta()),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, wanted: timedelta | None) -> None:
    """Seconds and dates are understood, anything else is no advice."""
    assert retry_after({"Retry-After": value}, NOW) == wanted


@pytest.fixture
async def server(socket_enabled: None) -> AsyncIterator[TestServer]:
    """A server that answers with the status that it is asked for."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=int(request.match_info["status"]), body=b"x" * 100)

    app = web.Application()
    app.router.add_route("*", "/{status}", answer)
    async with TestServer(app) as running:
        yield running


@pytest.mark.parametrize(
    ("status", "writes", "error"),
    [
        (302, False, ConnectionFailed),
        (404, False, ConnectionFailed),
        (404, True, Rejected),
        (408, True, OutcomeUnknown),
        (429, True, RateLimited),
        (503, False, ConnectionFailed),
        (503, True, OutcomeUnknown),
    ],
)
async def test_what_a_status_means(
    session: ClientSession,
    server: TestServer,
    status: int,
    writes: bool,
    error: type[VendorError],
) -> None:
    """For reading and for writing."""
    url = URL(str(server.make_url(f"/{status}")))
    answer = await transport.request(session, "GET", url, writes=writes)
    with pytest.raises(error):
        transport.raise_for_status(answer, writes=writes)


@pytest.mark.parametrize(
    ("writes", "error"), [(False, ContractError), (True, OutcomeUnknown)]
)
async def test_an_answer_without_end_is_none(
    session: ClientSession,
    server: TestServer,
    monkeypatch: pytest.MonkeyPatch,
    writes: bool,
    error: type[VendorError],
) -> None:
    """It is not read to fill the memory."""
    monkeypatch.setattr(transport, "MAX_BODY", 10)
    url = URL(str(server.make_url("/200")))
    with pytest.raises(error):
        await transport.request(session, "GET", url, writes=writes)
    with pytest.raises(ConnectionFailed):
        await transport.request(
            session, "GET", URL("http://127.0.0.1:9"), writes=writes
        )


def test_a_date_without_a_zone_is_utc() -> None:
    """As the header's own rules have it."""
    wanted = retry_after({"Retry-After": "Sun, 22 Nov 2026 07:00:10 -0000"}, NOW)
    assert wanted == timedelta(seconds=10)
