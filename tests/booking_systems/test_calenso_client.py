"""The Calenso client, against the simulator over real HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.booking_access.booking_systems import calenso as client_module
from custom_components.booking_access.booking_systems.calenso import Calenso
from custom_components.booking_access.engine.models import (
    Account,
    AuthError,
    ConnectionFailed,
    ContractError,
    Rejected,
    VendorError,
)
from simulators.calenso import BOOKING_NAME, CLIENT_SECRET, CalensoSimulator

INFORMATION = "partners/information"


@pytest.fixture
async def calenso(socket_enabled: None) -> AsyncIterator[CalensoSimulator]:
    """A seminar house."""
    async with CalensoSimulator() as simulator:
        yield simulator


@pytest.fixture
def client(session: ClientSession, calenso: CalensoSimulator) -> Calenso:
    """A client of it, outside of Home Assistant."""
    return Calenso(session, {**calenso.credentials(), "time_zone": "Europe/Zurich"})


async def test_a_plan_without_the_public_token_does_not_block_the_form(
    client: Calenso, calenso: CalensoSimulator
) -> None:
    calenso.control({"public_token": False})
    assert (await client.validate()).title == f"Calenso ({BOOKING_NAME})"
    assert await client.list_resources() == ()


async def test_a_server_that_hangs_does_not_block_the_form(
    client: Calenso, calenso: CalensoSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = client_module.request

    async def impatient(*args: Any, **kwargs: Any) -> Any:
        return await real(*args, time_limit=timedelta(seconds=0.2), **kwargs)

    monkeypatch.setattr(client_module, "request", impatient)
    calenso.fault("hang", path=INFORMATION)
    assert await client.list_resources() == ()


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        ("stores/filter", {"3", "4", "3/17", "3/18", "4/17"}),
        ("by_store", {"3/17", "3/18", "4/17"}),
        ("events/filter", {"event/5"}),
    ],
)
@pytest.mark.parametrize("kind", ["500", "empty", "errors", "wrong_shape"])
async def test_what_cannot_be_listed_keeps_back_nothing_else(
    client: Calenso, calenso: CalensoSimulator, path: str, lost: set[str], kind: str
) -> None:
    before = {each.id for each in await client.list_resources()}
    calenso.fault(kind, path=path)
    assert {each.id for each in await client.list_resources()} == before - lost


async def test_group_appointments_as_an_object(
    client: Calenso, calenso: CalensoSimulator
) -> None:
    calenso.control({"events_as": "object"})
    assert "event/5" in {each.id for each in await client.list_resources()}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("401", AuthError),
        ("403", AuthError),
        ("500", ConnectionFailed),
        ("html", ContractError),
        ("reset", ConnectionFailed),
        ("wrong_shape", ContractError),
    ],
)
async def test_a_client_that_cannot_be_checked(
    client: Calenso, calenso: CalensoSimulator, kind: str, error: type[VendorError]
) -> None:
    calenso.fault(kind, path="oauth")
    with pytest.raises(error) as caught:
        await client.validate()
    assert type(caught.value) is error
    assert CLIENT_SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base", "token"),
    [
        (
            "https://my.calenso.com/api/v1",
            "https://my.calenso.com/api/v1",
            "https://calenso.eu.auth0.com/oauth/token",
        ),
        (
            "",
            "https://my.calenso.com/api/v1",
            "https://calenso.eu.auth0.com/oauth/token",
        ),
        ("http://x:81", "http://x:81/api/v1", "http://x:81/oauth/token"),
        ("http://x:81/c/v2/", "http://x:81/c/v2", "http://x:81/oauth/token"),
    ],
)
async def test_where_it_asks(
    session: ClientSession, url: str, base: str, token: str
) -> None:
    """Another server than Calenso's own has Auth0's endpoint as well."""
    client = Calenso(session, {"booking_name": "x", "url": url})
    assert (str(client._base), str(client._token_url)) == (base, token)


async def test_validate_tells_who_we_are(client: Calenso) -> None:
    assert await client.validate() == Account(
        id=BOOKING_NAME, title="Calenso (Seminarhaus Aare)"
    )
    with pytest.raises(Rejected):
        await Calenso(
            client.connection, {**client.settings, "booking_name": "nobody"}
        ).validate()


@pytest.mark.parametrize("status", [401, 400])
async def test_a_wrong_client(
    client: Calenso, calenso: CalensoSimulator, status: int
) -> None:
    """Auth0 says it in more than one way; what else is wrong is not the client."""
    calenso.control({"client_refused_as": status})
    wrong = Calenso(client.connection, {**client.settings, "client_secret": "wrong"})
    with pytest.raises(AuthError):
        await wrong.validate()
