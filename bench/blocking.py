"""For how long the event loop is blocked, with 10,000 bookings."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.engine.models import Booking
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .boundary import CALM
from .figure import Figure, Size, ms, say
from .home import (
    add_account,
    add_doors,
    add_locks,
    home,
    resource_room as room,
    run,
    settled,
)
from .source import Source, make_bookings, memory, moved, now, resource_ids, winkas
from .watch import Watch

LIMIT = 0.050
# Bookings are stored two seconds after they changed: that belongs to it.
STORED = 2.5
EACH = 50
SHORT = timedelta(seconds=3)

type Seen = dict[str, Watch]


async def _watched(
    seen: Seen, name: str, hass: HomeAssistant, act: Callable[[], Awaitable[object]]
) -> None:
    """Watch an act and what comes of it."""
    with Watch.on() as watch:
        await act()
        await settled(hass, STORED)
    seen[name] = watch
    say(f"{name}: late {ms(watch.late)} ms; {[b.told() for b in watch.longest[:1]]}")


async def _first_run(
    folder: Path, source: Source, bookings: Sequence[Booking], seen: Seen
) -> None:
    """Set an account up, let it change, and let boundaries come."""
    rooms = len({each.resource_id for each in bookings})
    async with home(folder) as hass:
        points = await add_doors(hass, await add_locks(hass, rooms))
        wanted = [
            room(number, id_, access_points=[point])
            for number, (id_, point) in enumerate(
                zip(resource_ids(rooms), points, strict=True)
            )
        ]
        accounts: list[ConfigEntry] = []

        async def set_up() -> None:
            accounts.append(
                await add_account(hass, source.system, source.settings, wanted)
            )

        async def poll() -> None:
            await accounts[0].runtime_data.async_refresh()

        await _watched(seen, "set_up", hass, set_up)
        minute = timedelta(minutes=1)
        await source.put([moved(bookings[-1], bookings[-1].start + minute)])
        await _watched(seen, "poll_one_changed", hass, poll)
        later = [moved(each, each.start + 2 * minute) for each in bookings]
        await source.put(later)
        await _watched(seen, "poll_all_changed", hass, poll)
        for name, count in (("boundary_one_room", 1), ("boundary_all_rooms", rooms)):
            start = now() + timedelta(seconds=count // 20 + 4)
            await source.put([moved(each, start, SHORT) for each in later[:count]])
            await poll()
            await hass.async_block_till_done()
            left = (start - dt_util.utcnow()).total_seconds()
            assert left > 0, "the poll took longer than was left"
            await asyncio.sleep(left / 2)
            await _watched(seen, name, hass, lambda: asyncio.sleep(left / 2 + CALM))  # noqa: B023
            await asyncio.sleep(SHORT.total_seconds())


async def _restart(folder: Path, rooms: int, seen: Seen) -> None:
    """Start again from what was stored."""
    async with home(folder) as hass:
        await add_locks(hass, rooms)

        async def start() -> None:
            assert await async_setup_component(hass, DOMAIN, {})

        await _watched(seen, "restart", hass, start)
