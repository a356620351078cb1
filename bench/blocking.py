"""For how long the event loop is blocked, with 10,000 bookings."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.engine.models import Booking
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .figure import Figure, Size, ms, say
from .home import (
    add_account,
    add_doors,
    add_locks,
    armed_late,
    home,
    room,
    run,
    settled,
)
from .source import Source, make_bookings, memory, moved, winkas
from .watch import Watch

LIMIT = 0.050
EACH = 50
MINUTE = timedelta(minutes=1)

METHODS = {
    "set_up": "the account is added, until its first answer is stored",
    "poll_one_changed": "one booking has another time",
    "poll_all_changed": "all bookings have another time",
    "boundary_one_room": "one room is switched, and all that follows",
    "boundary_all_rooms": "all rooms are switched at once, and all that follows",
    "restart": "the component is set up from what was stored",
}


@dataclass
class Run:
    """One installation that is watched while things happen to it."""

    folder: Path
    source: Source
    bookings: Sequence[Booking]
    size: Size
    seen: dict[str, Watch] = field(default_factory=dict)

    @property
    def stored(self) -> float:
        """How long to wait: what changed is stored after two seconds."""
        return self.size.of(2.5, 0.1)

    @property
    def soon(self) -> timedelta:
        """How far ahead boundaries are, and how long these bookings last."""
        return timedelta(seconds=self.size.of(3.0, 1.0))

    @property
    def resources(self) -> list[str]:
        """What is booked."""
        return list(dict.fromkeys(each.resource_id for each in self.bookings))

    async def watch(
        self,
        name: str,
        hass: HomeAssistant,
        act: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        """Watch an act and what comes of it."""
        async with Watch.on() as watch:
            await asyncio.create_task(act(), name=name)
            await settled(hass, self.stored)
        self.seen[name] = watch
        say(f"{name}: {ms(watch.longest_time)} ms, late {ms(watch.late)} ms")

    async def live(self, *, boundaries: bool) -> None:
        """Set the account up, and let its bookings change and come."""
        async with home(self.folder) as hass:
            account = await self._set_up(hass)
            poll = account.runtime_data.async_refresh
            one = self.bookings[-1]
            await self.source.put([moved(one, one.start + MINUTE)])
            await self.watch("poll_one_changed", hass, poll)
            later = [moved(each, each.start + 2 * MINUTE) for each in self.bookings]
            await self.source.put(later)
            await self.watch("poll_all_changed", hass, poll)
            if boundaries:
                rooms = len(self.resources)
                with armed_late():
                    await self._boundary("boundary_one_room", account, later[:1])
                    await self._boundary("boundary_all_rooms", account, later[:rooms])

    async def _set_up(self, hass: HomeAssistant) -> ConfigEntry:
        """Add the account with rooms that have a door each."""
        points = await add_doors(hass, await add_locks(hass, len(self.resources)))
        rooms = [
            room(number, id_, access_points=[point])
            for number, (id_, point) in enumerate(
                zip(self.resources, points, strict=True)
            )
        ]
        added: list[ConfigEntry] = []

        async def add() -> None:
            source = self.source
            added.append(await add_account(hass, source.system, source.settings, rooms))

        await self.watch("set_up", hass, add)
        return added[0]

    async def _boundary(
        self, name: str, account: ConfigEntry, bookings: Sequence[Booking]
    ) -> None:
        """Move bookings to a moment from now, and watch them start."""
        hass = account.runtime_data.hass
        start = dt_util.utcnow() + self.soon
        end = start + self.soon
        await self.source.put([moved(each, start, self.soon) for each in bookings])
        await account.runtime_data.async_refresh()
        await hass.async_block_till_done()
        await sleep_until(start - timedelta(seconds=0.2))
        await self.watch(name, hass, lambda: sleep_until(start + self.soon / 8))
        await sleep_until(end)
        await settled(hass, self.stored)

    async def restart(self) -> None:
        """Start again, from what was stored."""
        async with home(self.folder) as hass:
            await add_locks(hass, len(self.resources))

            async def start() -> None:
                assert await async_setup_component(hass, DOMAIN, {})

            await self.watch("restart", hass, start)


async def sleep_until(instant: datetime) -> None:
    """Sleep until an instant; not at all if it has passed."""
    with suppress(ValueError):
        await asyncio.sleep((instant - dt_util.utcnow()).total_seconds())


def _hub_alone(bookings: Sequence[Booking], size: Size) -> dict[str, Watch]:
    """Watch what is ours, whatever the booking system."""
    with TemporaryDirectory() as folder, memory(bookings) as source:
        installation = Run(Path(folder), source, bookings, size)
        run(installation.live(boundaries=True))
        run(installation.restart())
        return installation.seen


def _with_client(bookings: Sequence[Booking], size: Size) -> dict[str, Watch]:
    """Watch the client of a vendor as well."""

    async def live(folder: Path) -> dict[str, Watch]:
        rooms = len({each.resource_id for each in bookings})
        async with winkas(rooms, bookings) as source:
            installation = Run(folder, source, bookings, size)
            await installation.live(boundaries=False)
            return installation.seen

    with TemporaryDirectory() as folder:
        return run(live(Path(folder)))


def measure(size: Size) -> list[Figure]:
    """Measure each act twice: with a client and without."""
    bookings = make_bookings(size.of(200, 10), EACH)
    seen = {f"hub_{name}": watch for name, watch in _hub_alone(bookings, size).items()}
    with_client = _with_client(bookings, size)
    seen |= {f"winkas_{name}": watch for name, watch in with_client.items()}
    return [_figure(name, watch, len(bookings)) for name, watch in seen.items()]


def _figure(name: str, watch: Watch, bookings: int) -> Figure:
    """Return what was seen of one act."""
    reading, _, act = name.partition("_")
    return Figure(
        name=f"event_loop_{name}",
        value=ms(watch.longest_time),
        unit="ms",
        target="< 50",
        met=watch.longest_time < LIMIT,
        method=(
            f"longest callback of the event loop, {bookings} bookings: {METHODS[act]}"
            f" ({'without a client' if reading == 'hub' else 'client included'})"
        ),
        details={
            "longest": [each.told() for each in watch.longest],
            "pulse_late_ms": ms(watch.late),
            "over_50_ms": sum(each.took >= LIMIT for each in watch.callbacks),
        },
    )
