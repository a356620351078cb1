"""What all tests share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from aiohttp import ClientSession
import pytest

from custom_components.booking_access.access_systems import unloc
from custom_components.booking_access.booking_systems import clock_pms_http
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

from .translation_check import checked_texts


@pytest.fixture(autouse=True)
def _allow_custom_integrations(request: pytest.FixtureRequest) -> None:
    """Let Home Assistant load this integration, where a test uses it."""
    if "hass" in request.fixturenames:
        request.getfixturevalue("enable_custom_integrations")


@pytest.fixture(autouse=True)
def _check_translations(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that made Home Assistant show something without a text."""
    if "hass" not in request.fixturenames:
        yield
        return
    with checked_texts() as missing:
        yield
    if missing:
        pytest.fail("; ".join(missing.values()))


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no vendor's limit: where the clock stands still, that would never end."""
    monkeypatch.setattr(clock_pms_http, "SECOND", 0.0)
    monkeypatch.setattr(clock_pms_http, "BACK_OFF", 0.0)
    monkeypatch.setattr(unloc, "JOB_PAUSE", 0.0)


@pytest.fixture
async def session(socket_enabled: None) -> AsyncIterator[ClientSession]:
    """A client session of its own, for clients that are tested without Home Assistant."""
    async with ClientSession() as client:
        yield client


@pytest.fixture
async def calendar(hass: HomeAssistant, tmp_path: Path) -> str:
    """A real local calendar, empty."""
    (tmp_path / ".storage").mkdir()
    hass.config.config_dir = str(tmp_path)
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    flow = await hass.config_entries.flow.async_init(
        "local_calendar", context={"source": "user"}
    )
    await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"calendar_name": "Hall", "import": "create_empty"}
    )
    await hass.async_block_till_done()
    return "calendar.hall"


@pytest.fixture
async def lock(hass: HomeAssistant) -> str:
    """A real template lock over a helper, locked."""
    await async_setup_component(
        hass, "input_boolean", {"input_boolean": {"front_door_open": {}}}
    )
    helper = {"target": {"entity_id": "input_boolean.front_door_open"}}
    await async_setup_component(
        hass,
        "template",
        {
            "template": {
                "lock": {
                    "name": "Front door",
                    "unique_id": "front_door",
                    "state": "{{ is_state('input_boolean.front_door_open', 'off') }}",
                    "lock": {"action": "input_boolean.turn_off", **helper},
                    "unlock": {"action": "input_boolean.turn_on", **helper},
                }
            }
        },
    )
    await hass.async_block_till_done()
    return "lock.front_door"
