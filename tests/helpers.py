"""What tests of the integration use to act as a person or as time would."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.booking_access.const import DOMAIN


async def add_account(
    hass: HomeAssistant,
    side: str,
    system: str,
    form: dict[str, Any],
    resources: list[str] | None = None,
) -> ConfigEntry:
    """Add an account through its flow, and return its entry."""
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    for choice in (side, system):
        flow = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"next_step_id": choice}
        )
    flow = await hass.config_entries.flow.async_configure(flow["flow_id"], form)
    if side == "booking_system":
        assert flow["step_id"] == "rooms", flow
        flow = await hass.config_entries.flow.async_configure(
            flow["flow_id"], {"resources": resources or []}
        )
    assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
    await hass.async_block_till_done()
    return flow["result"]


async def add_room(
    hass: HomeAssistant, entry: ConfigEntry, form: dict[str, Any]
) -> str:
    """Add a room through its flow, and return its id."""
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "room"), context={"source": "user"}
    )
    flow = await hass.config_entries.subentries.async_configure(flow["flow_id"], form)
    assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
    await hass.async_block_till_done()
    return next(
        each.subentry_id
        for each in entry.subentries.values()
        if each.unique_id == flow["unique_id"]
    )


async def at(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, instant: datetime
) -> None:
    """Let time come to an instant, and everything happen that is due by then."""
    freezer.move_to(instant)
    async_fire_time_changed(hass, instant)
    await hass.async_block_till_done(wait_background_tasks=True)


async def settle(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let news settle."""
    freezer.tick(timedelta(seconds=2))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
