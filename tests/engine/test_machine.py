"""Bookings, faults, crashes, clocks and humans in any order, and what must hold.

A booking system of its own is polled through ``merge``, what it answers drives
the doors and keys of a world, and an oracle that was only told what was
answered, and when, says what must be true.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import override

from hypothesis import settings, strategies as st
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
from custom_components.booking_access.engine.ledger import Phase
from custom_components.booking_access.engine.models import (
    FOREVER,
    Absence,
    Booking,
    BookingStatus,
    Effect,
    Room,
    Timing,
)
from custom_components.booking_access.engine.plan import Plan, plan

from .builders import MONDAY, answer, booking, granting, minutes, room, seconds, timing
from .hands import Target
from .heard import DAY, HOUR, POSSIBLE, SURE, Belief, Heard
from .oracle import closes, gives_access, opens
from .world import Flight, Outcome, World

LONG = Timing(lead=minutes(30), lag=minutes(20))
ROOMS = [
    room(
        "one",
        held=("locks/front", "locks/side"),
        timing=timing(15, 15, alarm=LONG),
        appliances={Effect.ALARM: ("panel",), Effect.LIGHT: ("foyer", "hall")},
    ),
    room(
        "two",
        resource_id="court",
        held=("locks/front",),
        granted=("locks/back",),
        timing=timing(5, 0),
        appliances={Effect.ALARM: ("panel",), Effect.LIGHT: ("foyer",)},
    ),
    granting(id="three", timing=timing(0, 10)),
]
ONE, TWO, _ = ROOMS
TARGETS: dict[str, list[tuple[Room, Effect]]] = {
    "door/locks/front": [(ONE, Effect.ACCESS), (TWO, Effect.ACCESS)],
    "door/locks/side": [(ONE, Effect.ACCESS)],
    "alarm/panel": [(ONE, Effect.ALARM), (TWO, Effect.ALARM)],
    "light/foyer": [(ONE, Effect.LIGHT), (TWO, Effect.LIGHT)],
    "light/hall": [(ONE, Effect.LIGHT)],
    "room/one/ventilation": [(ONE, Effect.VENTILATION)],
}
PANEL = "alarm/panel"
LINKED = [PANEL, "light/foyer", "light/hall"]

SPANS = st.tuples(
    st.sampled_from([-60, -10, 0, 3, 10, 20, 60, 61, 90, 120, 600, 1440]),
    st.sampled_from([0, 1, 10, 30, 60, 60, 90, 240, 1500]),
)
PAUSES = st.sampled_from(
    [seconds(1), seconds(30), seconds(60), seconds(61), minutes(5), minutes(15), HOUR]
)
JUMPS = st.sampled_from(
    [
        sign * each
        for each in (seconds(5), minutes(2), HOUR, DAY, 3 * DAY)
        for sign in (1, -1)
    ]
)
FAULTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.3, 4.0, 20.0]), st.sampled_from(Outcome)),
    min_size=1,
    max_size=6,
)
MISSING = st.sampled_from([frozenset(), frozenset({"hall"}), frozenset({"court"})])
PICK = st.integers(0, 7)
NUMBERS, STATES = st.integers(0, 5), st.integers(0, 2)

STEPS = 50
# How many examples are run, and how many of them at least with all steps.
RUNS = {"fast": (40, 1), "nightly": (4000, 2000)}

# The longest pause between two tries, and the longest that a try lasts.
RECOVERY = minutes(2) + seconds(30)
# What is wanted within this time is armed, and may be so after a clock was put back.
ARMED_FOR = seconds(150)
# A key that was over for so long may be forgotten.
REMEMBERED = timedelta(hours=25)
# A retry that the clock puts later than this is due at once.
LONGEST_WAIT = minutes(16)
# A clock put back by so little is not followed.
SETBACK = seconds(31)


class Lasting(World):
    """A world whose bookings stay the very same tuples while nothing changes."""

    account = AccountBookings()
    ready: Plan | None = None
    ready_at = FOREVER

    @property
    @override
    def lacking(self) -> set[str]:
        """Return all rooms while something may be forgotten, none else."""
        is_whole = self.account.is_whole(self.now)
        return set() if is_whole else {each.id for each in ROOMS}

    @override
    def make_plan(self) -> Plan:
        """Plan as the hub does, from what was made ready for the next edge."""
        bookings = {"bookings": self.account.by_resource}
        before = self.plan
        if self.ready and self.ready_at <= self.now:
            before, self.ready = self.ready, None
        made = plan(ROOMS, bookings, self.now, before)
        if made is not self.plan and made.until < FOREVER:
            self.ready = plan(ROOMS, bookings, made.until, made)
            self.ready_at = made.until
        return made


class Listing(RuleBasedStateMachine):
    """A booking system whose answers list the bookings."""

    absence = Absence.LISTING
    whole_runs = 0  # that were not cut short

    def __init__(self) -> None:
        """Start with nothing booked, and nothing wrong."""
        super().__init__()
        self.oracle = Heard(self.absence)
        self.account = AccountBookings()
        self.vendor: dict[str, Booking] = {}
        self.vanished: set[str] = set()
        self.faults: list[tuple[float, Outcome]] = []
        self.steps = 0
        self.world = Lasting(
            now=MONDAY, rooms=ROOMS, bookings=[], outcomes=self._outcomes()
        )
        self.jumped = timedelta()
        self.furthest = MONDAY
        self.trouble = self.rewound = self.elapsed
        self.is_behind = False
        self.vendor_follows = True
        self.targets = [
            Target(
                name=each,
                wanted_by=wanted_by,
                booked="disarmed" if each == PANEL else "on",
                normal="armed_away" if each == PANEL else "off",
            )
            for each, wanted_by in TARGETS.items()
        ]

    # ---- The booking system

    @initialize(spans=st.lists(SPANS, max_size=5), follows=st.booleans())
    def open_up(self, spans, follows) -> None:
        """Some is booked already; the vendor's clock is ours, or always right."""
        self.vendor_follows = follows
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
        self._change(pick, end=picked.end + minutes(longer))

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

    @rule(name=st.sampled_from(LINKED), pause=PAUSES)
    def unplug(self, name, pause) -> None:
        """An appliance tells and does nothing for a while."""
        self.world.unavailable.add(name)
        self._pass(pause)
        self.world.unavailable.clear()
        self.trouble = max(self.trouble, self.elapsed + RECOVERY)

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
            stored.known.values(),
            stored.empty_since,
            stored.held_back,
            stored.aliases,
            stored.forgotten,
        )
        assert self.account == stored
        self.world.account = self.account
        world = self.world
        now = world.now + minutes(down)
        for each in self.targets:
            stored = world.disk.switched.get(each.name)
            row = world.ledger.switched.get(each.name)
            is_ended = row is None or row.phase is Phase.ENDING
            is_armed = stored and stored.phase is Phase.ARMED
            if is_armed and row != stored and now < stored.due <= now + ARMED_FOR:
                each.by_hand("", is_clear=False)  # it was begun, and nobody knows
            elif stored and stored.phase is Phase.ON and is_ended:
                each.lose_end({(*c.split("/"),) for c in stored.claims})
            elif row != stored or is_armed:
                each.blur()
        world.crash(works, now)
        self._look()

    @rule()
    def sleep(self) -> None:
        """The computer is asleep for six hours."""
        self.world.now += 6 * HOUR
        if any(map(_is_trouble, self.world.flights)):  # whose answers come only now
            self.trouble = self.elapsed + RECOVERY
        self._look()

    @rule(jump=JUMPS)
    def jump(self, jump) -> None:
        """The clock is set, right or wrong."""
        self._set_clock(jump)

    @precondition(lambda self: any(each > self.world.now for each in self._edges()))
    @rule(faults=FAULTS, jump=JUMPS)
    def jump_amid_trouble(self, faults, jump) -> None:
        """The clock is set while something fails at an edge."""
        self.faults += faults
        self.wait_for_an_edge()
        self._set_clock(jump)

    @precondition(lambda self: self.jumped)
    @rule()
    def set_right(self) -> None:
        """The clock is set right."""
        self._set_clock(-self.jumped)

    def _set_clock(self, jump: timedelta) -> None:
        """Set the clock, and perhaps the vendor's, which may be the same."""
        before, world = self.world.now, self.world
        self.furthest = max(self.furthest, before)
        self.jumped += jump
        world.now += jump
        if not self.vendor_follows:
            world.ahead += jump
        for flight in world.flights:
            flight.lands += jump
        if world.save_at < FOREVER:
            world.save_at += jump
        if jump < timedelta():
            late = self.trouble - self.elapsed
            if late > timedelta():
                self.trouble += min(-jump, LONGEST_WAIT)
            self.rewound = self.elapsed + SETBACK
            self.trouble = max(self.trouble, self.rewound)
            self.oracle.put_back(before)
            for each in self.targets:
                each.blur()
        self._look()

    @precondition(lambda self: any(each > self.world.now for each in self._edges()))
    @rule(number=NUMBERS, states=st.tuples(STATES, STATES), edges=st.integers(1, 3))
    def meddle(self, number, states, edges) -> None:
        """A human changes something, and after the next edges once more."""
        self.by_hand(number, states[0])
        for _ in range(edges):
            if any(each > self.world.now for each in self._edges()):
                self.wait_for_an_edge()
        self._pass(seconds(1))
        self.by_hand(number, states[1])

    @rule(number=NUMBERS, state=STATES)
    def by_hand(self, number, state) -> None:
        """A human opens or shuts a door, switches a light, arms or disarms."""
        target = self.targets[number]
        if target.name == PANEL:
            state = ("disarmed", "armed_away", "armed_home")[state]
        else:
            state = "on" if state else "off"
        self._switch(target, state)
        target.by_hand(state, is_clear=self._is_settled)

    def _switch(self, target: Target, state: str) -> None:
        """Bring a target into a state, by hand."""
        if target.is_door:
            self.world.by_hand(target.name, is_open=state == "on")
        else:
            self.world.states[target.name] = state

    # ---- What must hold

    @invariant()
    def step_was_taken(self) -> None:
        """Count the steps."""
        self.steps += 1

    @invariant()
    def targets_are_as_they_shall_be(self) -> None:
        """All are as their windows, or humans, want them (rules 7, 11 and 16)."""
        if not self._is_settled:
            return
        for each in self.targets:
            assert each.shall in {None, self._state(each)}, each.name

    @invariant()
    def keys_are_as_they_shall_be(self) -> None:
        """Every booking has its one key, and nobody else has any (rules 3, 4)."""
        if not self._is_settled:
            return
        over = max(self.world.now, self.world.vendor_now)
        live = Counter(
            (each.points, each.start, each.end)
            for each in self.world.live_keys()
            if each.end > over
        )
        assert self._keys(SURE) <= live
        most = self._keys(POSSIBLE)
        if self.oracle.is_whole(self.world.now):
            assert all(end + REMEMBERED <= self.furthest for _, _, end in live - most)

    def teardown(self) -> None:
        """In the end everything works, and all is as it was before."""
        type(self).whole_runs += self.steps >= STEPS
        self.faults.clear()
        self.vanished.clear()
        for pause in (LONGEST_WAIT, seconds(61), HOUR, seconds(61)):
            self._hear()
            if self.account.held_back:
                self.decide(revoke=True)
            self._pass(pause)
            self.targets_are_as_they_shall_be()
            self.keys_are_as_they_shall_be()
        known = [each.booking.end for each in self.account.known.values()]
        known += [self.oracle.told[key].end for key in self.oracle.those(*POSSIBLE)]
        keys = [each.end + self.world.ahead for each in self.world.live_keys()]
        last = max([self.world.now, *known, *keys]) + HOUR
        self._pass(last - self.world.now)
        self.targets_are_as_they_shall_be()
        assert not any(each.claims for each in self.targets)
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
            recovery = timedelta() if outcome is Outcome.DONE else RECOVERY
            until = self.elapsed + seconds(lasts) + recovery
            self.trouble = max(self.trouble, until)
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
        self.world.account = self.account
        self._look()

    def _edges(self) -> set[datetime]:
        """Return when windows open and close, as far as we were told."""
        return {
            edge(its, told, effect)
            for its in ROOMS
            for told in self.oracle.told.values()
            if told.resource_id == its.resource_id
            for effect in (Effect.ACCESS, Effect.ALARM, Effect.LIGHT)
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
        """Let everything happen that is due, and work out how targets shall be.

        What begins and ends while a clock that was put back catches up may do
        so once or twice.
        """
        self.world.run_until(self.world.now)
        relived, self.is_behind = self.is_behind, self.elapsed < self.rewound
        if self.is_behind:
            return
        for each in self.targets:
            possible = self._claims(each, POSSIBLE)
            each.look(self._claims(each, SURE), possible, relived=relived)
            each.wait(is_busy=each.name in self.world.busy)

    def _state(self, target: Target) -> str:
        """Return how a target is."""
        if target.is_door:
            return "on" if target.name in self.world.switched_on else "off"
        return self.world.state(target.name)

    def _told(self, its: Room, beliefs: Iterable[Belief]) -> list[Booking]:
        """Return the bookings that give access to a room."""
        return [
            told
            for key in self.oracle.those(*beliefs)
            if (told := self.oracle.told[key]).resource_id == its.resource_id
            and gives_access(its, told)
        ]

    def _claims(
        self, target: Target, beliefs: Iterable[Belief]
    ) -> set[tuple[str, str]]:
        """Return who claims a target now."""
        now = self.world.now
        return {
            (its.id, each.id)
            for its, effect in target.wanted_by
            for each in self._told(its, beliefs)
            if opens(its, each, effect) <= now < closes(its, each, effect)
        }

    def _keys(self, beliefs: Iterable[Belief]) -> Counter:
        """Return the points and times of the keys that there are to be."""
        over = max(self.world.now, self.world.vendor_now)
        return Counter(
            (("front",) if "locks/front" in its.granted else ("back",), start, end)
            for its in ROOMS
            if its.granted
            for each in self._told(its, beliefs)
            if (end := closes(its, each, Effect.ACCESS)) > over
            and (start := opens(its, each, Effect.ACCESS)) - its.issue_ahead
            <= self.world.now
        )


def _is_trouble(flight: Flight) -> bool:
    """Whether what was sent is to fail, or its answer to get lost."""
    return flight.outcome is not Outcome.DONE


class Authoritative(Listing):
    """A booking system whose word is final."""

    absence = Absence.AUTHORITATIVE


@pytest.mark.timeout(7200)
@pytest.mark.parametrize("machine", [Listing, Authoritative])
def test_rules_hold_whatever_happens(machine: type[Listing]) -> None:
    """Hypothesis cuts some runs short; those of all steps are what is counted."""
    examples, least = RUNS[settings.get_current_profile_name()]
    machine.whole_runs = 0
    run_state_machine_as_test(
        machine, settings=settings(max_examples=examples, stateful_step_count=STEPS)
    )
    assert machine.whole_runs >= least
