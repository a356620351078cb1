"""A real Home Assistant for each test here."""

from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import ClientSession
import pytest

from .home_assistant import Door, HomeAssistant

CONFIGURATION = """
homeassistant:
  name: Test
  time_zone: Europe/Copenhagen
  language: en
api:
config:
onboarding:
logger:
  default: warning
  logs:
    custom_components.booking_access: debug
    # Their programs are not here, and neither are cameras.
    haffmpeg: critical
    homeassistant.components.camera.img_util: critical
"""


@pytest.fixture(autouse=True)
def _allow_custom_integrations(socket_enabled: None) -> None:
    """The integration runs in another process here, which we talk to."""


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A locked door."""
    door = Door()
    async with door.listening():
        yield door


@pytest.fixture
async def home(
    session: ClientSession, tmp_path: Path, door: Door
) -> AsyncIterator[HomeAssistant]:
    """A running Home Assistant that knows the door."""
    home = HomeAssistant(session, tmp_path, CONFIGURATION + door.configuration())
    try:
        await home.start()
        yield home
    finally:
        home.kill()
    assert home.complaints() == []
