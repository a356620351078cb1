"""What all tests share."""

from collections.abc import AsyncIterator

from aiohttp import ClientSession
import pytest


@pytest.fixture(autouse=True)
def _allow_custom_integrations(enable_custom_integrations: None) -> None:
    """Let Home Assistant load this integration."""


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """A client session of its own, for clients that are tested without Home Assistant."""
    async with ClientSession() as client:
        yield client
