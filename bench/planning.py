"""What planning and merging cost, and how that grows; no Home Assistant is needed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import median

from custom_components.booking_access.engine.bookings import AccountBookings, merge
from custom_components.booking_access.engine.models import (
    Absence,
    Booking,
    Effect,
    Room,
    Snapshot,
    Timing,
)
from custom_components.booking_access.engine.plan import Plan, plan

from .figure import Figure, Size, ms, spread, times
from .source import make_bookings, moved, resource_ids

EACH = 50
ACCOUNT = "account"
MINUTE = timedelta(minutes=1)
QUARTER = Timing(lead=15 * MINUTE, lag=15 * MINUTE)

# What a room does with its points: keeps them open, hands out keys, or both.
MODES: Mapping[str, tuple[bool, bool]] = {
    "hold_open": (True, False),
    "grant": (False, True),
}


def make_rooms(count: int, mode: str) -> list[Room]:
    """Return rooms with a point, as their forms would make them."""
    held, granted = MODES[mode]
    rooms = []
    for number, resource_id in enumerate(resource_ids(count)):
        points = (f"doors/{number}",)
        rooms.append(
            Room(
                id=f"room{number:05}",
                account_id=ACCOUNT,
                resource_id=resource_id,
                name=f"Room {number}",
                points=points,
                held=points if held else (),
                granted=points if granted else (),
                timing=dict.fromkeys(Effect, QUARTER),
            )
        )
    return rooms


def answer(bookings: Sequence[Booking], now: datetime) -> Snapshot:
    """Return bookings as a booking system answers them."""
    day = timedelta(days=1)
    return Snapshot(bookings=tuple(bookings), start=now - day, end=now + 14 * day)


def merged(
    bookings: Sequence[Booking], now: datetime, before: AccountBookings
) -> AccountBookings:
    """Return what is known after an answer."""
    return merge(before, answer(bookings, now), now, Absence.LISTING)[0]


class World:
    """Rooms and bookings, planned once; and the same with one booking moved."""

    def __init__(self, rooms: int, mode: str) -> None:
        """Make them."""
        self.now = datetime.now(UTC)
        self.rooms = make_rooms(rooms, mode)
        self.bookings = make_bookings(rooms, EACH)
        self.known = merged(self.bookings, self.now, AccountBookings())
        first = self.bookings[0]
        self.changed = [moved(first, first.start + MINUTE), *self.bookings[1:]]
        self.then = merged(self.changed, self.now, self.known)
        self.planned = self.plan(self.known)

    def plan(self, known: AccountBookings, before: Plan | None = None) -> Plan:
        """Plan all rooms."""
        return plan(self.rooms, {ACCOUNT: known.by_resource}, self.now, before)


def _plan_times(size: Size, mode: str) -> tuple[list[float], list[float]]:
    """Return how long it takes to plan from nothing, and after one change."""
    world = World(size.of(1000, 50), mode)
    repeat = size.of(7, 2)
    first = times(lambda: world.plan(world.known), repeat)
    again = times(lambda: world.plan(world.then, world.planned), 3 * repeat)
    return first, again


def plans(size: Size) -> list[Figure]:
    """Measure the plan of 1,000 rooms with 50 bookings each."""
    taken = {mode: _plan_times(size, mode) for mode in MODES}
    first = max(median(each) for each, _ in taken.values())
    again = max(median(each) for _, each in taken.values())
    rooms = size.of(1000, 50)
    return [
        Figure(
            name="plan_from_nothing",
            value=ms(first),
            unit="ms",
            target="< 250",
            met=first < 0.250,
            method=(
                f"engine.plan.plan of {rooms} rooms with {EACH} bookings each, median;"
                " the worse of rooms held open and rooms that hand out keys"
            ),
            details={mode: spread(each) for mode, (each, _) in taken.items()},
        ),
        Figure(
            name="plan_after_one_change",
            value=ms(again),
            unit="ms",
            target="< 2",
            met=again < 0.002,
            method="the same with the plan before at hand and one booking moved",
            details={mode: spread(each) for mode, (_, each) in taken.items()},
        ),
    ]
