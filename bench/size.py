"""How long a large account takes to set up, and how much its bookings weigh."""

import gc
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
import tracemalloc

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.hub import Hub
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .figure import Figure, Size, ms, say
from .home import add_account, add_doors, add_locks, home, room, run
from .planning import EACH
from .polled import Polled, no_network, wire
from .source import make_bookings, memory, resource_ids

SET_UP_LIMIT = 5.0
WEIGHT_LIMIT = 2048
BOOKINGS_OF_ROOM = 10


def _entities(hass: HomeAssistant) -> int:
    """Return how many entities of ours have a state."""
    registry = er.async_get(hass)
    ours = (e for e in registry.entities.values() if e.platform == DOMAIN)
    return sum(hass.states.get(each.entity_id) is not None for each in ours)


async def _set_up(folder: Path, rooms: int) -> tuple[float, int]:
    """Return how long it takes to set an account up, and its entities."""
    async with home(folder) as hass:
        points = await add_doors(hass, await add_locks(hass, rooms))
        wanted = [
            room(number, id_, access_points=[point])
            for number, (id_, point) in enumerate(
                zip(resource_ids(rooms), points, strict=True)
            )
        ]
        before = _entities(hass)
        gc.collect()
        begin = perf_counter()
        await add_account(hass, "bench", {}, wanted)
        taken = perf_counter() - begin
        entities = _entities(hass) - before
        assert entities > 10 * rooms, entities
        say(f"set-up of {rooms} rooms with {entities} entities: {ms(taken)} ms")
        return taken, entities


def set_up(size: Size) -> list[Figure]:
    """Measure an account with 500 rooms."""
    rooms = size.of(500, 20)
    taken = []
    with memory(make_bookings(rooms, BOOKINGS_OF_ROOM)):
        for _ in range(size.of(3, 1)):
            with TemporaryDirectory() as folder:
                seconds, entities = run(_set_up(Path(folder), rooms))
                taken.append(seconds)
    return [
        Figure(
            name="set_up_of_account",
            value=round(median(taken), 3),
            unit="s",
            target="< 5",
            met=median(taken) < SET_UP_LIMIT,
            method=(
                f"an account with {rooms} rooms is added, until all its entities have"
                " a state, median; its answer is at hand, its doors are there"
            ),
            details={
                "seconds": [round(each, 3) for each in taken],
                "entities": entities,
                "bookings": rooms * BOOKINGS_OF_ROOM,
            },
        )
    ]


async def _weigh(folder: Path, rooms: int) -> float:
    """Return the bytes that a booking takes."""
    async with home(folder) as hass:
        account = Polled(Hub(hass), rooms)
        await account.start()
        await account.poll()
        account.body = wire(rooms, make_bookings(rooms, EACH))
        tracemalloc.start()
        try:
            gc.collect()
            empty, _ = tracemalloc.get_traced_memory()
            last = await account.poll()  # which a coordinator keeps
            assert len(last.bookings) == rooms * EACH
            gc.collect()
            full, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        return (full - empty) / len(last.bookings)


def weight(size: Size) -> list[Figure]:
    """Weigh 10,000 bookings."""
    rooms = size.of(200, 10)
    with TemporaryDirectory() as folder, no_network():
        each = run(_weigh(Path(folder), rooms))
    return [
        Figure(
            name="memory_per_booking",
            value=round(each),
            unit="bytes",
            target="< 2048",
            met=each < WEIGHT_LIMIT,
            method=(
                f"tracemalloc, after gc: {rooms * EACH} bookings of a WinKAS answer in"
                " the hub, with its plan, and the last answer as its account keeps it"
            ),
        )
    ]
