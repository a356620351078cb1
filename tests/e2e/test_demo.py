"""The demonstration that scripts/develop starts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
import socket
import subprocess
import sys

from aiohttp import ClientSession
import pytest

from demo.__main__ import CONFIGURATION
from demo.prepare import CALENDAR, DOMAIN, VENDORS, furnish
from simulators.__main__ import start
from simulators.base import Simulator
from simulators.registry import SIMULATORS

from .home_assistant import HomeAssistant

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
async def simulators(socket_enabled: None) -> AsyncIterator[dict[str, Simulator]]:
    """All the vendors, on free ports."""
    async with AsyncExitStack() as running:
        vendors = {}
        for name in SIMULATORS:
            vendors[name] = await start(name, 0)
            running.push_async_callback(vendors[name].stop)
        yield vendors


@pytest.fixture
async def house(session: ClientSession, tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """The demonstration's house, empty."""
    house = HomeAssistant(session, tmp_path, CONFIGURATION.read_text())
    try:
        await house.start()
        yield house
    finally:
        house.kill()


async def test_furnishing(
    house: HomeAssistant, simulators: dict[str, Simulator]
) -> None:
    """Every account works; a second time, nothing is added."""
    await furnish(house, simulators)
    entries = await house.entries(DOMAIN)
    assert {entry["title"]: entry["state"] for entry in entries} == {
        entry["title"]: "loaded" for entry in entries
    }
    assert len(entries) == 2 + len(VENDORS)
    events = (await house.get_state(CALENDAR))["attributes"]

    await furnish(house, simulators)
    assert await house.entries(DOMAIN) == entries
    assert (await house.get_state(CALENDAR))["attributes"] == events
    assert await house.stop() == 0
    assert house.complaints() == []


def test_a_port_that_is_taken_is_named() -> None:
    """And what can be done about it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = subprocess.run(
            [sys.executable, "-m", "demo", "--port", port],
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Port {port} of 127.0.0.1 is taken")
