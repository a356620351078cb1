"""Bookings, faults, crashes, clocks and humans in any order, and what must hold.

A booking system of its own is polled through ``merge``, what it answers drives
the doors and keys of a world, and an oracle that was only told what was
answered, and when, says what must be true.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum
from unittest.mock import patch

from hypothesis import assume, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
import pytest

from custom_components.booking_access.engine.bookings import (
    AccountBookings,
    answer_brake,
    merge,
    restore,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    Absence,
    Booking,
    BookingStatus,
    Effect,
    Snapshot,
)
from custom_components.booking_access.engine.plan import Plan, plan

from . import world as world_module
from .builders import MONDAY, answer, booking, granting, minutes, room, seconds, timing
from .oracle import closes, gives_access, opens
from .world import Outcome, World

ROOMS = [
    room("one", held=("locks/front", "locks/side"), timing=timing(15, 15)),
    room(
        "two",
        resource_id="court",
        held=("locks/front",),
        granted=("locks/back",),
        timing=timing(5, 0),
    ),
    granting(id="three", timing=timing(0, 10)),
]
DOORS = ["door/locks/front", "door/locks/side"]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SPANS = st.tuples(
    st.sampled_from([-60, -10, 0, 3, 10, 20, 60, 61, 90, 120, 600, 1440]),
    st.sampled_from([0, 1, 10, 30, 60, 60, 90, 240, 1500]),
)
PAUSES = st.sampled_from(
    [seconds(1), seconds(30), seconds(60), seconds(61), minutes(5), minutes(15), HOUR]
)
JUMPS = st.sampled_from(
    [sign * each for each in (seconds(5), minutes(2), HOUR, DAY) for sign in (1, -1)]
)
FAULTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.3, 4.0, 20.0]), st.sampled_from(Outcome)),
    min_size=1,
    max_size=6,
)
MISSING = st.sampled_from([frozenset(), frozenset({"hall"}), frozenset({"court"})])
PICK = st.integers(0, 7)

# The longest pause between two tries, and the longest that a try lasts.
RECOVERY = minutes(2) + seconds(30)
# A retry that the clock puts later than this is due at once.
LONGEST_WAIT = minutes(16)
# A clock put back by so little is not followed.
SETBACK = seconds(31)


class Belief(Enum):
    """What the engine must think of a booking that it was told of."""

    COUNTS = "counts"
    HELD = "held"  # by the brake: counts until a human answers
    KEPT = "kept"  # a human said so: counts
    UNCLEAR = "unclear"  # after a clock was put back: nothing is said
    GONE = "gone"


SURE = (Belief.COUNTS, Belief.HELD, Belief.KEPT)


class Oracle:
    """What the answers so far must mean, in the plain words of rule 4."""

    def __init__(self, absence: Absence) -> None:
        """Start without having heard anything."""
        self.listing = absence is Absence.LISTING
        self.told: dict[str, Booking] = {}
        self.beliefs: dict[str, Belief] = {}
        self.lacked: dict[str, datetime] = {}  # since when answers lack it
        self.empty_since: datetime | None = None

    def those(self, *beliefs: Belief) -> set[str]:
        """Return the bookings that are believed in like this."""
        return {key for key, each in self.beliefs.items() if each in beliefs}

    def hear(self, snapshot: Snapshot, now: datetime) -> None:
        """Hear an answer."""
        named = {each.id for each in snapshot.bookings}
        coming = {key for key, each in self.told.items() if self._counts_on(each, now)}
        asked = {
            key
            for key in coming
            if self.told[key].start < snapshot.end
            and self.told[key].resource_id not in snapshot.missing
        }
        lost = asked - named if snapshot.complete else set()
        silent = lost & self.those(Belief.COUNTS)
        doubtful = lost & self.those(Belief.UNCLEAR)
        fewest = len(asked & self.those(Belief.COUNTS))
        most = len((coming & self.those(*SURE, Belief.UNCLEAR)) | named)
        for key in self.told.keys() - coming:
            self.lacked.pop(key, None)
        for each in snapshot.bookings:
            self._take(each)
        if named:
            self.empty_since = None
        elif silent or doubtful:
            self.empty_since = min(self.empty_since or now, now)
        for key in silent:
            self.lacked.setdefault(key, now)
        gone = {key for key in silent if self._is_gone(self.lacked[key], now)}
        may_go = len(gone | doubtful)
        if len(gone) >= 3 and len(gone) * 2 > most:
            self._believe(gone, Belief.HELD)
        elif may_go < 3 or may_go * 2 <= fewest:
            self._believe(gone, Belief.GONE)
        else:
            self._believe(gone, Belief.UNCLEAR)

    def answer_brake(self, now: datetime, *, revoke: bool) -> None:
        """Hear a human decide about what the brake holds."""
        held = self.those(Belief.HELD)
        over = {key for key in held if self.told[key].end <= now}
        self._believe(over, Belief.UNCLEAR)
        self._believe(held - over, Belief.GONE if revoke else Belief.KEPT)

    def put_back(self, before: datetime) -> None:
        """Hear that the clock was put back: what was over or missing is unclear."""
        over = {key for key in self.told if self.told[key].end <= before}
        unclear = (over | self.lacked.keys()) & self.those(*SURE)
        self._believe(unclear, Belief.UNCLEAR)
        self.lacked.clear()

    def _counts_on(self, each: Booking, now: datetime) -> bool:
        """Whether absence may mean something: running ones are kept by a listing."""
        return now < (each.start if self.listing else each.end)

    def _take(self, each: Booking) -> None:
        """Hear of a booking."""
        is_off = each.status is BookingStatus.CANCELLED
        self.told[each.id] = each
        self.lacked.pop(each.id, None)
        self.beliefs[each.id] = Belief.GONE if is_off else Belief.COUNTS

    def _is_gone(self, since: datetime, now: datetime) -> bool:
        """Whether a booking was missing long enough."""
        if not self.listing:
            return True
        if self.empty_since:
            return now - max(since, self.empty_since) >= HOUR
        return now - since >= minutes(1)

    def _believe(self, keys: Iterable[str], belief: Belief) -> None:
        """Think this of these bookings."""
        for key in list(keys):
            self.beliefs[key] = belief
            self.lacked.pop(key, None)


class Lasting(World):
    """A world whose bookings stay the very same tuples while nothing changes."""

    by_resource: dict[str, tuple[Booking, ...]] = {}

    def evaluate(self) -> None:
        """Evaluate with plans that may be taken over."""
        with patch.object(world_module, "plan_of", self._plan_of):
            super().evaluate()

    def _plan_of(self, now: datetime, *_: Booking, rooms, before: Plan) -> Plan:
        """Plan as the hub does."""
        return plan(rooms, {"bookings": self.by_resource}, now, before)


class Listing(RuleBasedStateMachine):
    """A booking system whose answers list the bookings."""

    absence = Absence.LISTING

    def __init__(self) -> None:
        """Start with nothing booked, and nothing wrong."""
        super().__init__()
        self.oracle = Oracle(self.absence)
        self.account = AccountBookings()
        self.vendor: dict[str, Booking] = {}
        self.vanished: set[str] = set()
        self.faults: list[tuple[float, Outcome]] = []
        self.world = Lasting(
            now=MONDAY, rooms=ROOMS, bookings=[], outcomes=self._outcomes()
        )
        self.jumped = timedelta()
        self.furthest = MONDAY
        self.trouble = self.elapsed
        self.claims: dict[str, set] = {each: set() for each in DOORS}
        # How humans left doors, None where an edge may have come in between.
        self.hands: dict[str, bool | None] = {}

    # ---- The booking system

    @initialize(spans=st.lists(SPANS, max_size=5))
    def open_up(self, spans) -> None:
        """Some is booked already."""
        for span in spans:
            self.book(span, "hall", "confirmed")
        self._hear()

    @precondition(lambda self: len(self.vendor) < 9)
    @rule(
        span=SPANS,
        resource_id=st.sampled_from(["hall", "court"]),
        status=st.sampled_from([*[BookingStatus.CONFIRMED] * 5, "tentative"]),
    )
    def book(self, span, resource_id, status) -> None:
        """Somebody books."""
        key = f"b{len(self.vendor)}"
        start, end = self._span(span)
        status = BookingStatus(status)
        self.vendor[key] = booking(
            start, end, id=key, resource_id=resource_id, status=status
        )

    @precondition(lambda self: self.vendor)
    @rule(pick=PICK, span=SPANS)
    def move(self, pick, span) -> None:
        """A booking is moved."""
        start, end = self._span(span)
        self._change(pick, start=start, end=end)

    @precondition(lambda self: self.vendor)
    @rule(pick=PICK, longer=st.sampled_from([-20, -5, 5, 30, 120]))
    def extend(self, pick, longer) -> None:
        """A booking is made longer, or shorter."""
        picked = self._picked(pick)
        end = max(picked.end + minutes(longer), picked.start + minutes(1))
        self._change(pick, end=end)

    @precondition(lambda self: self.vendor)
    @rule(pick=PICK)
    def cancel(self, pick) -> None:
        """A booking is cancelled, and said to be."""
        self._change(pick, status=BookingStatus.CANCELLED)

    @precondition(lambda self: self.vendor)
    @rule(picks=st.just(range(9)) | st.sets(PICK, min_size=1))
    def vanish(self, picks) -> None:
        """Bookings are no longer mentioned."""
        self.vanished |= {self._picked(each).id for each in picks}

    @precondition(lambda self: self.vanished)
    @rule()
    def reappear(self) -> None:
        """All bookings are mentioned again."""
        self.vanished.clear()

    @rule(missing=MISSING, pause=st.sampled_from([0, 59, 61]))
    def poll(self, missing, pause) -> None:
        """Ask, and perhaps after a minute once more."""
        self._hear(missing=missing)
        if pause:
            self._pass(seconds(pause))
            self._hear(missing=missing)

    @rule(few=st.sets(PICK))
    def poll_partial(self, few) -> None:
        """Ask; the answer is known to lack something."""
        named = [each for each in self._listed() if int(each.id[1:]) in few]
        self._hear(named, complete=False)

    @rule(hours=st.sampled_from([0, 0.9, 1, 1]))
    def poll_empty(self, hours) -> None:
        """Ask; the answer is empty, and perhaps so an hour later."""
        self._hear([])
        if hours:
            self._pass(HOUR * hours)
            self._hear([])

    @precondition(lambda self: self.account.held_back)
    @rule(revoke=st.booleans())
    def decide(self, revoke) -> None:
        """A human answers the brake."""
        self.account, _ = answer_brake(self.account, revoke=revoke)
        self.oracle.answer_brake(self.world.now, revoke=revoke)
        self._act()

    # ---- The rest of the world

    @rule(faults=FAULTS)
    def fail(self, faults) -> None:
        """The next steps fail, take long, or their answers are lost."""
        self.faults += faults

    @precondition(lambda self: self.faults)
    @rule()
    def heal(self) -> None:
        """Everything works again, and there was time to try again."""
        self.faults.clear()
        self._pass(RECOVERY)

    @rule(pause=PAUSES)
    def wait(self, pause) -> None:
        """Time passes."""
        self._pass(pause)

    @precondition(lambda self: any(each > self.world.now for each in self._edges()))
    @rule()
    def wait_for_an_edge(self) -> None:
        """Time passes up to the very instant at which a window opens or closes."""
        now = self.world.now
        self._pass(min(each for each in self._edges() if each > now) - now)

    @rule(works=st.booleans(), down=st.sampled_from([0, 0.1, 3, 20, 300]))
    def crash(self, works, down) -> None:
        """The process dies, and starts again from what is on the disk."""
        stored = self.account
        self.account = restore(
            stored.known.values(), stored.empty_since, stored.held_back, stored.aliases
        )
        assert self.account == stored
        self.world.by_resource = self.account.by_resource
        self._blur()
        self.world.crash(works, self.world.now + minutes(down))
        self._look()

    @rule()
    def sleep(self) -> None:
        """The computer is asleep for six hours."""
        self._blur()
        self.world.now += 6 * HOUR
        if self.world.flights:  # whose answers come only now
            self.trouble = self.elapsed + RECOVERY
        self._look()

    @rule(jump=JUMPS)
    def jump(self, jump) -> None:
        """The clock is set, back by at most a day from the furthest it was."""
        before, world = self.world.now, self.world
        self.furthest = max(self.furthest, before)
        assume(before + jump >= self.furthest - timedelta(days=1))
        self.jumped += jump
        world.now += jump
        for flight in world.flights:
            flight.lands += jump
        if world.save_at < FOREVER:
            world.save_at += jump
        if jump < timedelta():
            late = self.trouble - self.elapsed
            if late > timedelta():
                self.trouble += min(-jump, LONGEST_WAIT)
            self.trouble = max(self.trouble, self.elapsed + SETBACK)
            self.oracle.put_back(before)
        self._blur()
        self._look()

    @rule(door=st.sampled_from(DOORS), is_open=st.booleans())
    def by_hand(self, door, is_open) -> None:
        """A human opens or shuts a door."""
        self.world.by_hand(door, is_open=is_open)
        is_clear = self._is_settled and self._shall(door) is not None
        self.hands[door] = is_open if is_clear else None

    # ---- What must hold

    @invariant()
    def doors_are_as_they_shall_be(self) -> None:
        """Every door is open in its windows, and as a human left it (rules 7, 11)."""
        if not self._is_settled:
            return
        for each in DOORS:
            assert self._shall(each) in {None, each in self.world.switched_on}, each

    @invariant()
    def keys_are_as_they_shall_be(self) -> None:
        """Every booking has its one key, and nobody else has any (rules 3, 4)."""
        if not self._is_settled:
            return
        live = Counter(
            (each.points, each.start, each.end) for each in self.world.live_keys()
        )
        least = self._keys(SURE)
        most = self._keys([*SURE, Belief.UNCLEAR])
        assert least <= live <= most

    def teardown(self) -> None:
        """In the end everything works, and all is as it was before."""
        self.faults.clear()
        self.vanished.clear()
        for pause in (LONGEST_WAIT, seconds(61), HOUR, seconds(61)):
            self._hear()
            if self.account.held_back:
                self.decide(revoke=True)
            self._pass(pause)
            self.doors_are_as_they_shall_be()
            self.keys_are_as_they_shall_be()
        known = (each.booking.end for each in self.account.known.values())
        last = max([self.world.now, *known]) + HOUR
        self._pass(last - self.world.now)
        assert self.world.switched_on <= self.hands.keys()
        assert self.world.live_keys() == []
        assert self.world.ledger.switched == {}
        # What lapsed is remembered for a while: a clock may be put back.
        self._pass(2 * DAY)
        assert self.world.ledger.grants == {}

    # ---- How it is done

    @property
    def elapsed(self) -> datetime:
        """The time that a clock would show that nobody ever set."""
        return self.world.now - self.jumped

    @property
    def _is_settled(self) -> bool:
        """Whether everything has worked for long enough."""
        return self.elapsed >= self.trouble

    def _outcomes(self) -> Iterator[tuple[float, Outcome]]:
        """Yield what becomes of the steps, and note when something goes wrong."""
        while True:
            lasts, outcome = self.faults.pop(0) if self.faults else (0.0, Outcome.DONE)
            if (lasts, outcome) != (0.0, Outcome.DONE):
                self.trouble = max(self.trouble, self.elapsed + RECOVERY)
            yield lasts, outcome

    def _span(self, span: tuple[int, int]) -> tuple[datetime, datetime]:
        """Return a start some minutes from now and an end."""
        start = self.world.now.replace(second=0, microsecond=0) + minutes(span[0])
        return start, start + minutes(span[1])

    def _picked(self, pick: int) -> Booking:
        """Return one of the bookings."""
        return self.vendor[f"b{pick % len(self.vendor)}"]

    def _change(self, pick: int, **changes) -> None:
        """Change one of the bookings."""
        old = self._picked(pick)
        self.vendor[old.id] = replace(old, **changes)

    def _listed(self, missing: frozenset[str] = frozenset()) -> list[Booking]:
        """Return what the booking system would list."""
        now = self.world.now
        return [
            each
            for each in self.vendor.values()
            if each.id not in self.vanished
            and each.resource_id not in missing
            and each.end > now - DAY
            and each.start < now + 14 * DAY
        ]

    def _hear(
        self, named: list[Booking] | None = None, *, missing=frozenset(), complete=True
    ) -> None:
        """Merge an answer, and let the oracle hear it."""
        now = self.world.now
        named = self._listed(missing) if named is None else named
        snapshot = answer(*named, now=now, missing=missing, complete=complete)
        self.account, _ = merge(self.account, snapshot, now, self.absence)
        self.oracle.hear(snapshot, now)
        self._check_known(now)
        self._act()

    def _check_known(self, now: datetime) -> None:
        """The engine knows the bookings that it must, and no others (rule 4)."""
        oracle, known = self.oracle, self.account.known
        kept = {k for k in oracle.those(*SURE) if oracle.told[k].end > now - DAY}
        assert kept <= known.keys() <= oracle.those(*SURE, Belief.UNCLEAR)
        assert all(known[key].booking == oracle.told[key] for key in kept)
        assert oracle.those(Belief.HELD) - self.account.held_back <= {
            key for key in kept | oracle.told.keys() if oracle.told[key].end <= now
        }
        again = any(now - since < minutes(1) for since in oracle.lacked.values())
        assert self.account.uncertain or not again

    def _act(self) -> None:
        """Act on what is known now."""
        self.world.by_resource = self.account.by_resource
        self._look()

    def _edges(self) -> set[datetime]:
        """Return when windows open and close, as far as we were told."""
        return {
            edge(its, told, Effect.ACCESS)
            for its in ROOMS
            for told in self.oracle.told.values()
            if told.resource_id == its.resource_id
            for edge in (opens, closes)
        }

    def _pass(self, span: timedelta) -> None:
        """Let time pass, and look at every edge of a window on the way."""
        until = self.world.now + span
        for instant in sorted({until, *self._edges()}):
            if self.world.now < instant <= until:
                self.world.run_until(instant)
                self._look()

    def _look(self) -> None:
        """Let everything happen that is due, and work out how doors shall be."""
        self.world.run_until(self.world.now)
        for each in DOORS:
            self._look_at(each)

    def _look_at(self, door: str) -> None:
        """See which bookings open a door, and whether an edge ends what a human did."""
        before, claims = self.claims[door], self._claims(door, SURE)
        self.claims[door] = self._claims(door, [*SURE, Belief.UNCLEAR])
        is_over = bool(before) and not self.claims[door]
        is_clear = self.hands.get(door) is not None
        if claims - before or (is_over and is_clear):
            self.hands.pop(door, None)
        elif door in self.hands and claims != self.claims[door]:
            self.hands[door] = None

    def _shall(self, door: str) -> bool | None:
        """Return how a door shall be, None where nothing is said."""
        if door in self.hands:
            return self.hands[door]
        if not self.claims[door]:
            return False
        return True if self._claims(door, SURE) else None

    def _blur(self) -> None:
        """Say no more about doors that humans moved, until somebody else is let in."""
        self.hands = dict.fromkeys(self.hands)

    def _in(self, beliefs: Iterable[Belief]) -> list[tuple]:
        """Return the rooms and bookings that give access."""
        told = [self.oracle.told[key] for key in self.oracle.those(*beliefs)]
        return [
            (its, each)
            for its in ROOMS
            for each in told
            if its.resource_id == each.resource_id and gives_access(its, each)
        ]

    def _claims(self, door: str, beliefs: Iterable[Belief]) -> set[tuple[str, str]]:
        """Return for whom a door is to be open now."""
        return {
            (its.id, each.id)
            for its, each in self._in(beliefs)
            if door.removeprefix("door/") in its.held
            and opens(its, each, Effect.ACCESS)
            <= self.world.now
            < closes(its, each, Effect.ACCESS)
        }

    def _keys(self, beliefs: Iterable[Belief]) -> Counter:
        """Return the points and times of the keys that there are to be."""
        return Counter(
            (("front",) if "locks/front" in its.granted else ("back",), start, end)
            for its, each in self._in(beliefs)
            if its.granted
            and (end := closes(its, each, Effect.ACCESS)) > self.world.now
            and (start := opens(its, each, Effect.ACCESS)) - its.issue_ahead
            <= self.world.now
        )


class Authoritative(Listing):
    """A booking system whose word is final."""

    absence = Absence.AUTHORITATIVE


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("machine", [Listing, Authoritative])
def test_rules_hold_whatever_happens(machine: type[Listing]) -> None:
    nightly = settings.get_current_profile_name() == "nightly"
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=2000 if nightly else 40, stateful_step_count=50),
    )
