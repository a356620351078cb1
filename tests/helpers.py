"""What tests of the integration use to act as a person or as time would."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util


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


async def turns_true(condition: Callable[[], bool]) -> bool:
    """Let the event loop run while the clock stands still; whether it comes true."""
    for _ in range(20_000):
        if condition():
            return True
        await asyncio.sleep(0)
    return False


class Hall:
    """A real local calendar, a real lock, and the accounts of both."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        calendar: str,
        lock: str,
    ) -> None:
        """Know what there is."""
        self.hass = hass
        self.freezer = freezer
        self.calendar = calendar
        self.lock = lock
        self.extra: list[str] = []

    async def set_up(self, locks: Sequence[str] = ()) -> None:
        """Connect the locks."""
        chosen = {"entity_ids": list(locks or [self.lock])}
        self.doors = await add_account(self.hass, "access_system", "ha_locks", chosen)

    async def add_calendar(self, name: str) -> str:
        """Make another calendar."""
        flow = await self.hass.config_entries.flow.async_init(
            "local_calendar", context={"source": "user"}
        )
        await self.hass.config_entries.flow.async_configure(
            flow["flow_id"], {"calendar_name": name, "import": "create_empty"}
        )
        await self.hass.async_block_till_done()
        return f"calendar.{name.lower()}"

    async def add_room(
        self,
        calendar: str | None = None,
        name: str = "Sports hall",
        timing: dict[str, int] | None = None,
        **form: Any,
    ) -> str:
        """Make a room of a calendar, with a lead of 10 and a lag of 5 minutes."""
        calendar = calendar or self.calendar
        entry = await add_account(
            self.hass, "booking_system", "ha_calendar", {"entity_ids": [calendar]}
        )
        return await add_room(
            self.hass,
            entry,
            {
                "resource_id": calendar,
                "name": name,
                "access_points": [f"{self.doors.entry_id}/{self.lock}"],
                "access": ["hold_open"],
                "timing": {"access_lead": 10, "access_lag": 5, **(timing or {})},
                **form,
            },
        )

    async def book(
        self,
        start: datetime,
        end: datetime,
        name: str = "Badminton",
        calendar: str = "",
    ) -> str:
        """Make a booking, and return its id in the calendar."""
        calendar = calendar or self.calendar
        entity = self.hass.data["calendar"].get_entity(calendar)
        await self.hass.services.async_call(
            "calendar",
            "create_event",
            {
                "entity_id": calendar,
                "summary": name,
                "start_date_time": start.isoformat(),
                "end_date_time": end.isoformat(),
            },
            blocking=True,
        )
        await settle(self.hass, self.freezer)
        found = await entity.async_get_events(
            self.hass, dt_util.as_local(start), dt_util.as_local(end)
        )
        return next(event.uid for event in found if event.start == start)

    async def delete(self, uid: str, calendar: str = "") -> None:
        """Delete a booking, as the calendar's dialog does."""
        entity = self.hass.data["calendar"].get_entity(calendar or self.calendar)
        await entity.async_delete_event(uid)
