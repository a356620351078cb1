"""A real Home Assistant in this process, with real storage, and what is in the house."""

import asyncio
from collections.abc import (
    AsyncIterator,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Any, override
from unittest.mock import patch

from custom_components.booking_access import PLATFORMS, planner
from custom_components.booking_access.const import CONF_SYSTEM, DATA_HUB, DOMAIN
from custom_components.booking_access.engine import reconcile
from custom_components.booking_access.hub import Hub
from homeassistant import loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.bootstrap import async_load_base_functionality
from homeassistant.components import calendar, lock
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntries,
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentryDataWithId,
)
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.runner import create_event_loop
from homeassistant.setup import async_setup_component

# What Home Assistant imports at the first use is here from the beginning, so that
# no figure depends on which one is measured first.
for _platform in PLATFORMS:
    import_module(f"custom_components.{DOMAIN}.{_platform}")

# All effects of a room begin and end with its booking.
ALL_AT_ONCE: Mapping[str, int] = MappingProxyType(
    {
        f"{effect}_{edge}": 0
        for effect in ("access", "alarm", "light", "ventilation")
        for edge in ("lead", "lag")
    }
)


def run[T](coroutine: Coroutine[Any, Any, T]) -> T:
    """Run something in an event loop as Home Assistant makes it."""
    with asyncio.Runner(loop_factory=create_event_loop) as runner:
        return runner.run(coroutine)


@asynccontextmanager
async def home(folder: Path) -> AsyncIterator[HomeAssistant]:
    """Start a Home Assistant that keeps its files in the folder; one per event loop."""
    hass = HomeAssistant(str(folder))
    loader.async_setup(hass)
    hass.config.skip_pip = True
    hass.config.country = "DK"
    hass.config_entries = ConfigEntries(hass, {})
    await async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    for component in ("homeassistant", "lock", "calendar"):
        assert await async_setup_component(hass, component, {})
    hass.set_state(CoreState.running)
    try:
        yield hass
    finally:
        await hass.async_stop(force=True)


class Lock(lock.LockEntity):
    """A lock that does at once what it is told, and notes when it was told."""

    _attr_should_poll = False
    _attr_is_locked = True

    def __init__(self, number: int) -> None:
        """Be locked."""
        self._attr_unique_id = self._attr_name = f"bench {number}"
        self.unlocked: list[float] = []

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock."""
        self.unlocked.append(perf_counter())
        self._attr_is_locked = False
        self.async_write_ha_state()

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock."""
        self._attr_is_locked = True
        self.async_write_ha_state()


class Calendar(calendar.CalendarEntity):
    """A calendar that tells its events to who asks, and nothing to the state machine."""

    _attr_should_poll = False

    def __init__(self, number: int) -> None:
        """Be empty."""
        self._attr_unique_id = self._attr_name = f"bench {number}"
        self.events: list[calendar.CalendarEvent] = []

    @property
    @override
    def event(self) -> None:
        """No timers of the calendar's own shall be in the way."""
        return

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[calendar.CalendarEvent]:
        """Return the events of a span of time."""
        return [e for e in self.events if e.start < end_date and e.end > start_date]


async def add_locks(hass: HomeAssistant, count: int) -> list[Lock]:
    """Put locks into the house."""
    locks = [Lock(number) for number in range(count)]
    await hass.data[lock.DATA_COMPONENT].async_add_entities(locks)
    return locks


async def add_calendars(hass: HomeAssistant, count: int) -> list[Calendar]:
    """Put calendars into the house."""
    calendars = [Calendar(number) for number in range(count)]
    await hass.data[calendar.DATA_COMPONENT].async_add_entities(calendars)
    return calendars


def registry_id(hass: HomeAssistant, entity: Entity) -> str:
    """Return the id by which rooms know an entity."""
    entry = er.async_get(hass).async_get(entity.entity_id)
    assert entry
    return entry.id


def room(number: int, resource_id: str, **data: Any) -> ConfigSubentryDataWithId:
    """Return a room as the form would make it; its door is held open while booked."""
    name = f"Room {number}"
    return ConfigSubentryDataWithId(
        subentry_id=f"room{number:05}",
        subentry_type="room",
        title=name,
        unique_id=resource_id,
        data={
            "resource_id": resource_id,
            "name": name,
            "access": ["hold_open"],
            "timing": dict(ALL_AT_ONCE),
            **data,
        },
    )


def make_entry(
    system: str,
    settings: Mapping[str, Any],
    rooms: Sequence[ConfigSubentryDataWithId] = (),
) -> ConfigEntry:
    """Return an account as the forms would make it."""
    return ConfigEntry(
        version=1,
        minor_version=1,
        domain=DOMAIN,
        title=system,
        data={CONF_SYSTEM: system, **settings},
        options={},
        source=SOURCE_USER,
        unique_id=f"bench-{system}",
        discovery_keys=MappingProxyType({}),
        subentries_data=rooms,
    )


async def add_account(
    hass: HomeAssistant,
    system: str,
    settings: Mapping[str, Any],
    rooms: Sequence[ConfigSubentryDataWithId] = (),
) -> ConfigEntry:
    """Add an account, and wait until all of it is there."""
    entry = make_entry(system, settings, rooms)
    await hass.config_entries.async_add(entry)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED, entry.reason
    return entry


async def add_doors(hass: HomeAssistant, locks: Sequence[Lock]) -> list[str]:
    """Make access points of the locks; returns their ids as rooms have them."""
    ids = [registry_id(hass, each) for each in locks]
    account = await add_account(hass, "ha_locks", {"entity_ids": ids})
    return [f"{account.entry_id}/{each}" for each in ids]


def hub_of(hass: HomeAssistant) -> Hub:
    """Return the hub."""
    return hass.data[DATA_HUB]


@contextmanager
def armed_late() -> Iterator[None]:
    """Have doors written down, and plans made, beforehand although their time is near.

    Within seconds of it they no longer are; to wait for longer than that each
    time would tell nothing more about what happens when the time comes.
    """
    soon = timedelta(seconds=0.3)
    with (
        patch.object(reconcile, "ARM_UNTIL", soon),
        patch.object(planner, "AHEAD", soon),
    ):
        yield


async def settled(hass: HomeAssistant, seconds: float) -> None:
    """Wait until all that was set in motion is over, what is delayed included."""
    await hass.async_block_till_done()
    await asyncio.sleep(seconds)
    await hass.async_block_till_done()


async def until(condition: Callable[[], bool], limit: float = 240) -> None:
    """Wait until something is so, without getting in the way."""
    async with asyncio.timeout(limit):
        while not condition():
            await asyncio.sleep(0.05)
