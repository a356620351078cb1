"""The engine in a world of doors that fail, answers that get lost, and crashes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain, repeat

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.ledger import LAST_RETRY, GrantState, Phase
from custom_components.booking_access.engine.models import (
    Booking,
    BookingStatus,
    Effect,
)
from custom_components.booking_access.engine.reconcile import after_restart

from .builders import DOOR, MONDAY, booking, granting, minutes, room, seconds, timing
from .oracle import open_for
from .world import Outcome, World

FRONT, BACK = ("locks/front",), ("locks/back",)
ROOMS = [
    room("one", held=FRONT + BACK, timing=timing(4, 3)),
    room("two", resource_id="court", held=FRONT, granted=BACK, timing=timing(1, 0)),
    granting(id="three", resource_id="court", timing=timing(0, 5)),
]
"""Two rooms share the front door; one resource has two rooms with keys."""

BOOKINGS = st.lists(
    st.builds(
        lambda start, length, **rest: booking(
            MONDAY + minutes(start), MONDAY + minutes(start + length), **rest
        ),
        start=st.integers(0, 30),
        length=st.integers(1, 20),
        id=st.sampled_from("abcd"),
        resource_id=st.sampled_from(["hall", "court"]),
        status=st.sampled_from(
            [*[BookingStatus.CONFIRMED] * 5, BookingStatus.CANCELLED]
        ),
    ),
    max_size=4,
    unique_by=lambda each: each.id,
)
# Often a moment before or after something is due.
MOMENT = st.builds(
    lambda minute, second: minutes(minute) + seconds(second),
    st.integers(0, 40),
    st.sampled_from([-5, -0.2, 0, 0, 1, 30]),
)
CHANGES = st.dictionaries(MOMENT, BOOKINGS, max_size=4)
FAULTS = st.lists(
    st.tuples(st.floats(0, 20), st.sampled_from(Outcome)), min_size=0, max_size=25
)
CRASHES = st.dictionaries(
    MOMENT, st.tuples(st.booleans(), st.integers(0, 20)), max_size=3
)


class Watched(World):
    """A world in which what must always be true is looked at all the time."""

    def evaluate(self) -> None:
        """Evaluate, and look at it."""
        super().evaluate()
        self.check_doors()
        self.check_keys()

    def check_doors(self) -> None:
        """No door stands open, or shut, that is not about to be put right."""
        rows = self.ledger.switched
        idle = {*rows, *self.switched_on, *self.plan.demands} - self.busy
        for target in idle & (self.switched_on - self.plan.demands.keys()):
            assert rows[target].phase is Phase.ENDING
            assert self.now < rows[target].retry_at <= self.now + LAST_RETRY
        for target in idle & self.plan.demands.keys():
            tried = rows[target].retry_at or self.now
            assert rows[target].phase in (Phase.ON, Phase.STARTING)
            assert tried <= self.now + LAST_RETRY
            assert rows[target].phase is Phase.ON or tried > self.now
        after_a_crash = after_restart(self.disk.switched.values(), self.now)
        assert all(
            after_a_crash[target].phase is not Phase.ARMED
            for target in self.switched_on
        )

    def check_keys(self) -> None:
        """No key is forgotten, and none opens a door at a wrong time for long."""
        rows = self.ledger.grants
        open_now = {
            booking_id
            for each in self.rooms
            for booking_id in open_for(each, self.of(each), Effect.ACCESS, self.now)
        }
        for key in self.live_keys():
            row = rows[key.reference]
            assert self.live_key(key.reference) is key
            assert self.disk.grants[key.reference].state is not GrantState.PLANNED
            works = key.start <= self.now and row.booking_id not in open_now
            is_settled = (
                row.state is GrantState.ISSUED and key.reference not in self.busy
            )
            assert not (works and is_settled)

    def of(self, its: object) -> Iterable[Booking]:
        """Return the bookings of a room."""
        return (b for b in self.bookings if b.resource_id == its.resource_id)


def live(world: World, changes: dict, crashes: dict) -> None:
    """Let a world live through its changes and crashes."""
    for moment in sorted({*changes, *crashes, minutes(60)}):
        world.run_until(max(MONDAY + moment, world.now))
        world.bookings = changes.get(moment, world.bookings)
        world.evaluate()
        for works, down in filter(None, [crashes.get(moment)]):
            world.crash(works, world.now + minutes(down))


def healthy(world: World, instant: datetime) -> None:
    """Let everything work from now on, up to an instant."""
    world.outcomes = repeat((0.0, Outcome.DONE))
    world.run_until(max(instant, world.now + minutes(25)))


@given(BOOKINGS, CHANGES, FAULTS, CRASHES, st.frozensets(st.integers(1, 6)))
def test_rule_10_whatever_happens_everything_is_right_in_the_end(
    bookings, changes, faults, crashes, refused
) -> None:
    world = Watched(
        now=MONDAY - minutes(10),
        rooms=ROOMS,
        bookings=bookings,
        outcomes=chain(faults, repeat((0.0, Outcome.DONE))),
        refused=refused,
    )
    live(world, changes, crashes)
    healthy(world, world.now)
    wished = {w.reference for r in world.plan.rooms.values() for w in r.wishes}
    rows = world.ledger.grants
    failed = {key for key, row in rows.items() if row.state is GrantState.FAILED}
    assert world.switched_on == world.wanted
    assert wished - failed <= {key.reference for key in world.live_keys()}
    assert wished == {key for key in rows if key in wished}
    healthy(world, MONDAY + timedelta(hours=36))
    assert world.switched_on == set()
    assert world.live_keys() == []
    assert (world.ledger.switched, world.ledger.grants) == ({}, {})


@given(BOOKINGS, CHANGES)
def test_rule_07_doors_are_open_in_the_windows_and_never_else(
    bookings, changes
) -> None:
    world = Watched(now=MONDAY - minutes(10), rooms=ROOMS, bookings=bookings)
    for moment in sorted({*changes, *map(minutes, range(-10, 60))}):
        world.run_until(MONDAY + moment)
        world.bookings = changes.get(moment, world.bookings)
        world.run_until(world.now)
        assert world.switched_on == world.wanted


@given(
    BOOKINGS,
    st.dictionaries(st.integers(0, 40), BOOKINGS, max_size=4),
    st.dictionaries(st.integers(-10, 55), st.booleans(), max_size=12),
)
def test_rule_11_a_human_wins_until_the_next_edge(bookings, changes, humans) -> None:
    world = World(now=MONDAY - minutes(10), rooms=ROOMS, bookings=bookings)
    is_open = False
    before: frozenset[str] = frozenset()
    for minute in range(-10, 60):
        world.run_until(MONDAY + minutes(minute))
        for now_known in (world.bookings, changes.get(minute, world.bookings)):
            world.bookings = now_known
            world.run_until(world.now)
            claims = world.plan.demands.get(DOOR, frozenset())
            is_open = bool(claims - before) or (
                is_open and (bool(claims) or not before)
            )
            before = claims
        assert (DOOR in world.switched_on) is is_open
        is_open = humans.get(minute, is_open)
        world.by_hand(DOOR, is_open=is_open)


@pytest.mark.parametrize("outcome", Outcome)
def test_rule_03_new_key_first_then_the_old_one_goes(outcome: Outcome) -> None:
    world = Watched(now=MONDAY, rooms=[granting()], bookings=[booking()])
    world.run_until(MONDAY)
    (old,) = world.live_keys()
    world.outcomes = chain([(3.0, outcome)], repeat((3.0, Outcome.DONE)))
    world.bookings = [booking("14:00", "15:00")]
    world.evaluate()
    counts = []
    for second in range(40):
        world.run_until(MONDAY + timedelta(seconds=second))
        counts.append(len(world.live_keys()))
    (new,) = world.live_keys()
    assert new.reference != old.reference
    assert set(counts) == {1, 2}
