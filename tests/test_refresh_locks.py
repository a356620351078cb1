"""Having a vendor look for new locks, by the button and by the action."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from simulators.exivo import ExivoSimulator
from simulators.unloc import UnlocSimulator

from .flows import fill, open_form, submit

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.fixture
async def unloc() -> AsyncIterator[UnlocSimulator]:
    """An organization with locks."""
    async with UnlocSimulator() as simulator:
        yield simulator


async def connect(
    hass: HomeAssistant, simulator: UnlocSimulator | ExivoSimulator
) -> ConfigEntry:
    """Add an account, taking the first of what there is to choose."""
    flow: Any = await open_form(hass, "access_system", simulator.name)
    answers: dict[str, Any] = fill(flow["data_schema"], simulator.credentials())
    flow = await submit(hass, flow, answers)
    if flow["type"] == "form":
        [option, *_] = flow["data_schema"].schema["project"].config["options"]
        flow = await submit(hass, flow, {"project": option["value"]})
    assert flow["type"] == "create_entry", flow
    return flow["result"]


def button_of(hass: HomeAssistant, entry: ConfigEntry) -> str | None:
    """Return the button's entity id, where there is one."""
    unique_id = f"{entry.entry_id}-refresh_locks"
    return er.async_get(hass).async_get_entity_id("button", DOMAIN, unique_id)


async def test_the_button_and_the_action_have_new_locks_looked_for(
    hass: HomeAssistant, unloc: UnlocSimulator
) -> None:
    """All connections are asked, once each time; what goes wrong is said."""
    entry = await connect(hass, unloc)
    button = button_of(hass, entry)
    press = ("button", "press", {"entity_id": button}, True)
    await hass.services.async_call(*press)
    once = list(unloc.refreshed)
    assert once
    data = {"config_entry_id": entry.entry_id}
    await hass.services.async_call(DOMAIN, "refresh_locks", data, blocking=True)
    assert unloc.refreshed == once * 2
    unloc.fault("500", path="connections")
    with pytest.raises(HomeAssistantError) as raised:
        await hass.services.async_call(*press)
    assert raised.value.translation_key == "refresh_failed"


async def test_who_finds_new_locks_alone_has_no_button(hass: HomeAssistant) -> None:
    """And the action says so."""
    async with ExivoSimulator() as exivo:
        entry = await connect(hass, exivo)
        assert button_of(hass, entry) is None
        data = {"config_entry_id": entry.entry_id}
        with pytest.raises(ServiceValidationError) as raised:
            await hass.services.async_call(DOMAIN, "refresh_locks", data, blocking=True)
        assert raised.value.translation_key == "no_refresh"
