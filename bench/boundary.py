"""From the boundary of a booking to the action of its lock, by the real clock."""

import asyncio
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
import gc
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, time
from typing import Any
from unittest.mock import patch

from homeassistant.components.calendar import CalendarEvent
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .figure import Figure, Size, ms, p99, say
from .home import (
    ALL_AT_ONCE,
    Calendar,
    Lock,
    add_account,
    add_calendars,
    add_doors,
    add_locks,
    armed_late,
    home,
    hub_of,
    registry_id,
    room,
    run,
    until,
)

# Two clocks are compared, which may disagree by so many seconds.
CLOCKS = 0.0005
# No more turns begin after so many seconds.
PATIENCE = 60
MANY = "boundary_to_lock_many_rooms"
ONE = "boundary_to_lock_one_room"

# All that leads to a boundary must be over this long before it.
HASTE = timedelta(seconds=0.5)
# Between the boundaries of figure 2, and how long its bookings last.
STEP = timedelta(milliseconds=100)
SHORT = timedelta(milliseconds=250)


@dataclass
class House:
    """Rooms with a calendar and a lock each, and when the hub looked at them."""

    hass: HomeAssistant
    locks: Sequence[Lock]
    calendars: Sequence[Calendar]
    account: ConfigEntry
    size: Size
    looks: list[float] = field(default_factory=list)

    @property
    def calm(self) -> float:
        """How long doors are given to follow: their state, their account's poll."""
        return self.size.of(1.5, 0.3)

    async def book(self, lead: float, length: float) -> datetime:
        """Book all rooms from the same instant on; returns when that is."""
        for attempt in range(8):
            start = dt_util.now() + timedelta(seconds=lead * 2**attempt)
            end = start + timedelta(seconds=length)
            for number, calendar in enumerate(self.calendars):
                calendar.events = [event(start, end, f"booking {number}")]
            await self.ask()
            if dt_util.now() + HASTE < start:
                return start
        raise TimeoutError("the poll took longer than was left")

    async def ask(self) -> None:
        """Have the calendars asked, and what follows from it done."""
        await self.account.runtime_data.async_refresh()
        await self.hass.async_block_till_done()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note when the hub looks."""
        hub = hub_of(self.hass)
        evaluate = hub.evaluate

        def noted() -> None:
            self.looks.append(perf_counter())
            evaluate()

        with patch.object(hub, "evaluate", noted), armed_late():
            yield

    async def tell_all(self, action: str) -> float:
        """Tell all locks at the same time, as an automation could; returns when."""
        call = self.hass.services.async_call
        gc.collect()
        begin = perf_counter()
        await asyncio.gather(
            *(
                call("lock", action, {"entity_id": each.entity_id}, blocking=True)
                for each in self.locks
            )
        )
        return begin


def event(start: datetime, end: datetime, uid: str) -> CalendarEvent:
    """Return a booking as a calendar has it."""
    return CalendarEvent(start=start, end=end, summary="Badminton", uid=uid)


def clock(instant: datetime) -> float:
    """Return what the counter shows at an instant."""
    return instant.timestamp() - time() + perf_counter()


async def furnish(
    hass: HomeAssistant, size: Size, count: int, **room_data: Any
) -> House:
    """Put up the house."""
    locks = await add_locks(hass, count)
    calendars = await add_calendars(hass, count)
    points = await add_doors(hass, locks)
    ids = [registry_id(hass, each) for each in calendars]
    rooms = [
        room(number, id_, access_points=[point], **room_data)
        for number, (id_, point) in enumerate(zip(ids, points, strict=True))
    ]
    account = await add_account(hass, "ha_calendar", {"entity_ids": ids}, rooms)
    return House(hass, locks, calendars, account, size)


@dataclass(frozen=True, slots=True)
class Together:
    """The p99 of one time that all rooms switched, in seconds."""

    direct: float
    ours: float
    from_instant: float

    @property
    def ratio(self) -> float:
        """Ours against the actions called directly."""
        return self.ours / self.direct


async def _many(
    folder: Path, size: Size, turns: int, timing: Mapping[str, int] = ALL_AT_ONCE
) -> list[Together]:
    """Switch all rooms at the same instant, several times, but not for ever."""
    async with home(folder) as hass:
        house = await furnish(hass, size, size.of(500, 20), timing=dict(timing))
        done: list[Together] = []
        begin = perf_counter()
        with house.watched():
            while len(done) < turns and perf_counter() - begin < PATIENCE:
                done.append(await _together(house))
        return done


async def _together(house: House) -> Together:
    """Switch all rooms once directly and once by a booking, and lock again."""
    begin = await house.tell_all("unlock")
    direct = p99(each.unlocked[-1] - begin for each in house.locks)
    await house.tell_all("lock")
    await asyncio.sleep(house.calm)

    before = perf_counter()
    await house.book(lead=600, length=1)  # how long does that take here?
    took = perf_counter() - before
    start = await house.book(lead=1 + 2 * took, length=1 + 2 * took)
    planned = clock(start)
    for each in house.locks:
        each.unlocked.clear()
    gc.collect()
    await until(lambda: all(each.unlocked for each in house.locks))
    look = house.looks[bisect_left(house.looks, planned - CLOCKS)]
    ours = [each.unlocked[0] for each in house.locks]
    await until(lambda: all(each.is_locked for each in house.locks))
    await asyncio.sleep(house.calm)
    await house.hass.async_block_till_done()
    result = Together(direct, p99(ours) - look, p99(ours) - planned)
    say(f"{len(ours)} rooms: {ms(direct)} ms direct, {ms(result.ours)} ms ours")
    return result


async def _alone(folder: Path, size: Size) -> tuple[list[float], list[float]]:
    """Switch one room after the other; returns delays from the plan and the timer."""
    async with home(folder) as hass:
        house = await furnish(hass, size, 20)
        with house.watched():
            starts = _stagger(house, rounds=size.of(10, 1))
            await house.ask()
            for each in house.locks:
                each.unlocked.clear()
            gc.collect()
            last = clock(starts[-1][0]) + SHORT.total_seconds() + house.calm
            await asyncio.sleep(last - perf_counter())
        planned = [(clock(start), lock) for start, lock in starts]
        return _delays(planned, house.looks)


def _stagger(house: House, rounds: int) -> list[tuple[datetime, Lock]]:
    """Book one room after the other; returns when each lock is to open."""
    first = dt_util.now() + timedelta(seconds=2)
    starts = []
    for turn in range(rounds):
        for number, (calendar, lock) in enumerate(
            zip(house.calendars, house.locks, strict=True)
        ):
            start = first + STEP * (turn * len(house.locks) + number)
            calendar.events.append(event(start, start + SHORT, f"{turn}"))
            starts.append((start, lock))
    return starts


def _delays(
    planned: Sequence[tuple[float, Lock]], looks: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the delays from the planned instants, and from the hub's first looks."""
    from_plan, from_look = [], []
    for instant, lock in planned:
        opened = lock.unlocked[bisect_left(lock.unlocked, instant)]
        from_plan.append(opened - instant)
        from_look.append(opened - looks[bisect_left(looks, instant - CLOCKS)])
    return from_plan, from_look


def many(size: Size) -> list[Figure]:
    """Measure 500 rooms that switch at the same instant."""
    with TemporaryDirectory() as folder:
        turns = run(_many(Path(folder), size, size.of(5, 1)))
    with TemporaryDirectory() as folder:
        others = {f"{e}_lead": 1 for e in ("alarm", "light", "ventilation")}
        timing = {**ALL_AT_ONCE, **others}
        doors = run(_many(Path(folder), size, size.of(3, 1), timing))
    ratio = median(each.ratio for each in turns)
    return [
        Figure(
            name=MANY,
            value=round(ratio, 3),
            unit="x the same lock actions called directly",
            target="< 1.3",
            met=ratio < 1.3,
            method=(
                "p99 over the rooms from the hub's look at the boundary to async_unlock,"
                " all effects of a room at the same instant; median of the runs"
            ),
            details={
                "ratios": [round(each.ratio, 3) for each in turns],
                "ours_ms": [ms(each.ours) for each in turns],
                "direct_ms": [ms(each.direct) for each in turns],
                "added_ms": ms(median(each.ours - each.direct for each in turns)),
                "from_planned_instant_ms": [ms(each.from_instant) for each in turns],
                "doors_alone_ratio": round(median(each.ratio for each in doors), 3),
                "doors_alone_ms": [ms(each.ours) for each in doors],
                "doors_alone_direct_ms": [ms(each.direct) for each in doors],
            },
        )
    ]


def one(size: Size) -> list[Figure]:
    """Measure rooms that switch one after the other."""
    with TemporaryDirectory() as folder:
        from_plan, from_look = run(_alone(Path(folder), size))
    worst = p99(from_plan)
    return [
        Figure(
            name=ONE,
            value=ms(worst),
            unit="ms",
            target="< 20",
            met=worst < 0.020,
            method="p99 from the planned instant to async_unlock, 20 rooms in turn",
            details={
                "boundaries": len(from_plan),
                "median_ms": ms(median(from_plan)),
                "longest_ms": ms(max(from_plan)),
                "from_timer_p99_ms": ms(p99(from_look)),
                "from_timer_median_ms": ms(median(from_look)),
            },
        )
    ]
