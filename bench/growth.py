"""How the cost of plans and polls grows with the number of bookings."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from custom_components.booking_access.engine.models import Booking
from custom_components.booking_access.hub import Hub

from .figure import Figure, Size, ms, no_collection, say, times
from .home import home, run
from .planning import EACH, MINUTE, MODES, World, merged
from .polled import Polled, no_network, wire
from .source import moved

LIMIT = 1.2

# The best time for each number of bookings, in seconds.
type Curve = dict[int, float]


class Best(dict[str, Curve]):
    """The best times of each curve. All take turns: what disturbs one disturbs all."""

    def note(self, name: str, count: int, seconds: float) -> None:
        """Keep the time if it is the best so far."""
        curve = self.setdefault(name, {})
        curve[count] = min(seconds, curve.get(count, seconds))


def _counts(size: Size) -> list[int]:
    """Return the numbers of bookings."""
    return [100, 200] if size.quick else [1000, 2000, 4000, 8000, 16000]


def _changed(world: World) -> list[Booking]:
    """Return its bookings with one of each room moved."""
    return [
        moved(each, each.start + MINUTE) if number % EACH == 0 else each
        for number, each in enumerate(world.bookings)
    ]


def _cost(work: Callable[[], object]) -> float:
    """Return the processor time of a piece of work, the best of a few."""
    with no_collection():
        return min(times(work, 3, process_time))


def _plans(size: Size) -> Best:
    """Measure plans from nothing, in rooms of each mode."""
    best = Best()
    worlds = [(m, c, World(c // EACH, m)) for m in MODES for c in _counts(size)]
    for _ in range(size.of(5, 1)):
        for mode, count, world in worlds:
            best.note(mode, count, _cost(lambda: world.plan(world.known)))  # noqa: B023
    return best


async def _polls(folder: Path, size: Size) -> Best:
    """Measure answers that change one booking a room: merged alone, and polled."""
    best = Best()
    async with home(folder) as hass:
        accounts = []
        for count in _counts(size):
            rooms = count // EACH
            account = Polled(Hub(hass), rooms)
            await account.start()
            world = World(rooms, "hold_open")
            changed = _changed(world)
            bodies = [wire(rooms, world.bookings), wire(rooms, changed)]
            accounts.append((count, account, bodies, world, changed))
        for turn in range(size.of(6, 2)):
            for count, account, bodies, world, changed in accounts:
                taken = await account.time(bodies[turn % 2])
                if turn:  # at first, all bookings are new
                    best.note("poll", count, taken)
                merge = lambda: merged(changed, world.now, world.known)  # noqa: E731, B023
                best.note("merge", count, _cost(merge))
    return best


def _growth(curve: Curve) -> dict[int, float]:
    """Return what a booking costs, relative to one of the fewest."""
    fewest = min(curve)
    each = curve[fewest] / fewest
    return {count: round(time / count / each, 3) for count, time in curve.items()}


def _figure(name: str, method: str, curves: Best) -> Figure:
    """Return the worst growth of some curves."""
    growth = {key: _growth(curve) for key, curve in curves.items()}
    worst = max(value for each in growth.values() for value in each.values())
    say(f"{name}: {growth}")
    return Figure(
        name=name,
        value=worst,
        unit="x the cost per booking of the fewest",
        target="<= 1.2",
        met=worst <= LIMIT,
        method=method,
        details={
            key: {
                "ms": {count: ms(time) for count, time in curve.items()},
                "relative": growth[key],
            }
            for key, curve in curves.items()
        },
    )


def measure(size: Size) -> list[Figure]:
    """Measure from 1,000 to 16,000 bookings."""
    with TemporaryDirectory() as folder, no_network():
        polls = run(_polls(Path(folder), size))
    return [
        _figure(
            "growth_of_plan",
            f"engine.plan.plan from nothing, {EACH} bookings a room, best processor time of"
            " its turns, without collections of garbage",
            _plans(size),
        ),
        _figure(
            "growth_of_poll",
            "engine merge alone; and the WinKAS client with its answer at hand, then"
            " the hub (merge, plan, reconcile), one booking a room moved;"
            " best processor time of turns, without collections of garbage",
            polls,
        ),
    ]
