"""A tiny world to run the engine in: doors, appliances, a lock server, faults, crashes.

It takes the engine's steps as the hub does: what has no row on the disk yet is
written before it is done, everything else is written half a second later.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from itertools import chain, repeat

from custom_components.booking_access.engine.appliances import (
    remembered,
    to_begin,
    to_restore,
)
from custom_components.booking_access.engine.grant_steps import GrantStep
from custom_components.booking_access.engine.grants import reconcile_grants
from custom_components.booking_access.engine.ledger import (
    Evidence,
    GrantRow,
    GrantState,
    Phase,
    Switched,
    failed,
    issued,
    taken_back,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    LONG_AGO,
    Booking,
    Effect,
    Issued,
    Room,
)
from custom_components.booking_access.engine.plan import Plan
from custom_components.booking_access.engine.reconcile import (
    Step,
    SwitchStep,
    after_restart,
    reconcile_switched,
)

from .builders import plan_of, seconds

SAVE_DELAY = seconds(0.5)
DEFAULT_STATES = {Effect.ALARM: "armed_away"}


class Outcome(Enum):
    """What becomes of a step: whether it works, and whether we hear of it."""

    DONE = (True, True)
    NOT_DONE = (False, True)  # and we know that nothing happened
    LOST_AFTER = (True, False)  # it worked, the answer was lost
    LOST_BEFORE = (False, False)  # it did not, and no answer came

    @property
    def works(self) -> bool:
        """Whether it happens."""
        return self.value[0]

    @property
    def is_known(self) -> bool:
        """Whether we hear what came of it."""
        return self.value[1]


@dataclass
class Ledger:
    """The rows, in memory or on the disk."""

    switched: dict[str, Switched] = field(default_factory=dict)
    grants: dict[str, GrantRow] = field(default_factory=dict)
    forgotten: datetime = LONG_AGO

    def __copy__(self) -> Ledger:
        """Return what a file would hold."""
        return Ledger(dict(self.switched), dict(self.grants), self.forgotten)


@dataclass
class Flight:
    """A step that was sent, and what will come of it."""

    step: SwitchStep | GrantStep
    outcome: Outcome
    lands: datetime
    sets: str | None = None  # the state that an appliance is told to take

    @property
    def key(self) -> str:
        """What the step is about."""
        row = self.step.row
        return row.target if isinstance(row, Switched) else row.reference


def effect_of(target: str) -> Effect | None:
    """Return the effect of an appliance, or of a room's own switch; None of a door."""
    kind, _, name = target.partition("/")
    effect = name.rpartition("/")[2] if kind == "room" else kind
    return None if effect in ("door", Effect.ACCESS) else Effect(effect)


@dataclass
class World:
    """Rooms, bookings, doors and keys, and a ledger that survives crashes.

    ``ahead`` is how wrong our clock is; the vendor's is right.
    """

    now: datetime
    rooms: list[Room]
    bookings: list[Booking]
    outcomes: Iterator[tuple[float, Outcome]] = field(
        default_factory=lambda: repeat((0.0, Outcome.DONE))
    )
    refused: frozenset[int] = frozenset()  # which issues the vendor refuses for good
    ledger: Ledger = field(default_factory=Ledger)
    disk: Ledger = field(default_factory=Ledger)
    plan: Plan = field(default_factory=Plan)
    flights: list[Flight] = field(default_factory=list)
    switched_on: set[str] = field(default_factory=set)  # doors
    states: dict[str, str] = field(default_factory=dict)  # appliances
    unavailable: set[str] = field(default_factory=set)  # appliances that tell nothing
    ahead: timedelta = timedelta()
    keys: dict[str, Issued] = field(default_factory=dict)  # at the vendor
    counted: int = 0
    save_at: datetime = FOREVER
    look_at: datetime = FOREVER

    @property
    def lacking(self) -> set[str]:
        """Return the rooms of which bookings may have been forgotten too early."""
        return set()

    @property
    def busy(self) -> set[str]:
        """What is being worked on."""
        return {flight.key for flight in self.flights}

    @property
    def wanted(self) -> set[str]:
        """What doors the bookings want open now, planned from nothing."""
        found = plan_of(self.now, *self.bookings, rooms=self.rooms)
        return {each for each in found.demands if effect_of(each) is None}

    @property
    def vendor_now(self) -> datetime:
        """What the vendor's clock shows."""
        return self.now - self.ahead

    def run_until(self, instant: datetime) -> None:
        """Let everything happen that is due up to an instant."""
        self.evaluate()
        while (due := self._next()) <= instant:
            self.now = max(self.now, due)
            self._save_if_due()
            for flight in [each for each in self.flights if each.lands <= self.now]:
                self.flights.remove(flight)
                self._land(flight)
            self.evaluate()
        self.now = instant

    def _next(self) -> datetime:
        """Return when something happens next."""
        lands = (flight.lands for flight in self.flights)
        return min(chain(lands, [self.save_at, self.look_at]))

    def _save_if_due(self) -> None:
        """Write what was to be written in a moment."""
        if self.save_at <= self.now:
            self.save()

    def save(self) -> None:
        """Write the ledger."""
        self.disk = copy(self.ledger)
        self.save_at = FOREVER

    def evaluate(self) -> None:
        """Plan, reconcile, and send what is to be sent."""
        self.plan = self.make_plan()
        ledger = self.ledger
        now, busy = self.now, self.busy
        doors = reconcile_switched(self.plan, ledger.switched, now, busy)
        grants = reconcile_grants(
            self.plan, ledger.grants, now, busy, self.lacking, ledger.forgotten
        )
        for row in doors.write:
            ledger.switched[row.target] = self._armed(row)
        for target in doors.drop:
            del ledger.switched[target]
        for reference in grants.drop:
            del ledger.grants[reference]
            ledger.forgotten = max(ledger.forgotten, self.now)
        switching = [self._remembering(each) for each in doors.steps]
        ledger.switched |= {each.row.target: each.row for each in switching}
        ledger.grants |= {each.reference: each for each in grants.write}
        ledger.grants |= {each.row.reference: each.row for each in grants.steps}
        if grants.steps or not all(each.written for each in switching):
            self.save()
        elif any((doors.steps, doors.write, doors.drop, grants.write, grants.drop)):
            self.save_at = min(self.save_at, self.now + SAVE_DELAY)
        self.flights += [self._send(step) for step in (*switching, *grants.steps)]
        self.look_at = min(self.plan.until, doors.again, grants.again)
        assert self.look_at > self.now

    def make_plan(self) -> Plan:
        """Plan for the bookings there are."""
        return plan_of(self.now, *self.bookings, rooms=self.rooms, before=self.plan)

    def _armed(self, row: Switched) -> Switched:
        """Return a row with what there will be to go back to, as it looks now."""
        if row.phase is not Phase.ARMED or not self._can_read(row.target):
            return row
        return replace(row, before=self.state(row.target))

    def _remembering(self, step: SwitchStep) -> SwitchStep:
        """Return a step with what to go back to, read before anything is written."""
        row, effect = step.row, effect_of(step.row.target)
        if step.step is not Step.START or not self._can_read(row.target):
            return step
        known = self.ledger.switched.get(row.target)
        if known and known.phase is Phase.ARMED:
            row = replace(row, before=None)
        noted = remembered(row, effect, self.state(row.target))
        written = step.written and noted.before == step.row.before
        return replace(step, row=noted, written=written)

    def _send(self, step: SwitchStep | GrantStep) -> Flight:
        """Send a step."""
        if isinstance(step, GrantStep) or effect_of(step.row.target) is None:
            lasts, outcome = next(self.outcomes)
            return Flight(step, outcome, self.now + seconds(lasts))
        if step.row.target.startswith("room/"):  # nothing that could fail
            lasts, outcome = 0.0, Outcome.DONE
        else:
            lasts, outcome = next(self.outcomes)
        lands = self.now + seconds(lasts)
        effect, current = effect_of(step.row.target), self.state(step.row.target)
        is_needed = step.step is Step.START or step.row.before is not None
        if step.row.target in self.unavailable and is_needed:
            return Flight(step, Outcome.NOT_DONE, lands)
        if step.step is Step.START:
            sets = to_begin(effect, current)
        else:
            sets = to_restore(step.row, effect, current)
        return Flight(step, outcome if sets else Outcome.DONE, lands, sets)

    def _can_read(self, target: str) -> bool:
        """Whether a target is an appliance that tells its state."""
        return effect_of(target) is not None and target not in self.unavailable

    def state(self, target: str) -> str:
        """Return the state of an appliance."""
        return self.states.get(target, DEFAULT_STATES.get(effect_of(target), "off"))

    def crash(self, works: bool, back: datetime) -> None:
        """Lose all that is not on the disk, and start again later."""
        for flight in self.flights:
            self._do(flight, works=works)
        self.flights = []
        self.now = back
        self.plan = Plan()
        self.ledger = copy(self.disk)
        self.ledger.switched = after_restart(self.disk.switched.values(), back)
        self.save_at = FOREVER
        self.evaluate()

    def by_hand(self, target: str, *, is_open: bool) -> None:
        """Let somebody open or shut a door."""
        if is_open:
            self.switched_on.add(target)
        else:
            self.switched_on.discard(target)

    def _land(self, flight: Flight) -> None:
        """Note what came of a step, as the hub does."""
        answer = self._do(flight, works=flight.outcome.works)
        if isinstance(flight.step, SwitchStep):
            self._note_switched(flight.step, flight.outcome)
            self.save_at = min(self.save_at, self.now + SAVE_DELAY)
        else:
            self._note_grant(flight.step, flight.outcome, answer)
            self.save()

    def _do(self, flight: Flight, *, works: bool) -> Issued | None:
        """Change the world; returns the key that the vendor tells of."""
        if not works:
            return None
        step, row = flight.step, flight.step.row
        if isinstance(row, Switched):
            self._switch(row.target, flight)
            return None
        if step.step is Step.ISSUE:
            return self._issue(row)
        if step.step is Step.CHANGE:
            return self._change(step)
        if step.step is Step.REVOKE:
            self.keys = {
                key: replace(each, live=each.live and not _is_of(each, row))
                for key, each in self.keys.items()
            }
        return self.live_key(row.reference)

    def _switch(self, target: str, flight: Flight) -> None:
        """Switch a door, or an appliance that is to be switched."""
        effect = effect_of(target)
        if effect is None:
            self.by_hand(target, is_open=flight.step.step is Step.START)
        elif flight.sets:
            is_disarmed = effect is Effect.ALARM and flight.sets == "off"
            self.states[target] = "disarmed" if is_disarmed else flight.sets

    def _issue(self, row: GrantRow) -> Issued | None:
        """Make a key, unless it is one that the vendor refuses for good."""
        self.counted += 1
        if self.counted in self.refused:
            return None
        made = Issued(
            id=str(self.counted),
            reference=row.reference,
            points=row.points,
            start=row.start,
            end=row.end,
        )
        self.keys[made.id] = made
        return made

    def _change(self, step: GrantStep) -> Issued | None:
        """Make a key into another, by its id, whatever it is by then."""
        row, key = step.row, self.keys[step.source.issued_id]
        self.counted += 1
        if self.counted in self.refused or key not in self.live_keys():
            return None
        times = {"points": row.points, "start": row.start, "end": row.end}
        made = replace(key, reference=row.reference, **times)
        self.keys[key.id] = made
        return made

    def live_key(self, reference: str) -> Issued | None:
        """Return the key with a reference of ours, if there is one."""
        live = [each for each in self.live_keys() if each.reference == reference]
        assert len(live) <= 1, "one live key for each wish"
        return live[0] if live else None

    def live_keys(self) -> list[Issued]:
        """Return the keys that are neither revoked nor over."""
        now = self.vendor_now
        return [k for k in self.keys.values() if k.live and k.end and k.end > now]

    def _note_switched(self, step: SwitchStep, outcome: Outcome) -> None:
        """Note what came of a step with a door."""
        rows, row = self.ledger.switched, step.row
        if not (outcome.works and outcome.is_known):
            rows[row.target] = failed(row, "failed", self.now, 1.0)
        elif step.step is Step.START:
            rows[row.target] = replace(
                row, phase=Phase.ON, attempts=0, retry_at=None, error=None
            )
        else:
            del rows[row.target]

    def _note_grant(
        self, step: GrantStep, outcome: Outcome, answer: Issued | None
    ) -> None:
        """Note what came of a step with a grant."""
        rows, row = self.ledger.grants, step.row
        rows.pop(row.reference, None)
        if not (outcome.works and outcome.is_known):
            again = failed(row, "failed", self.now, 1.0)
            if step.step in (Step.ISSUE, Step.CHANGE) and outcome.is_known:
                again = replace(again, state=GrantState.PLANNED)
            rows[row.reference] = again
        elif step.step is Step.REVOKE:
            if step.wish:
                rows[row.reference] = taken_back(row)
        elif step.step in (Step.SUSPEND, Step.RESUME):
            state = GrantState.SUSPENDED
            state = state if step.step is Step.SUSPEND else GrantState.ISSUED
            rows[row.reference] = replace(row, state=state, attempts=0, error=None)
        elif answer:
            rows.pop(row.replaces, None)
            is_new = step.step is not Step.RESOLVE
            made = issued(row, answer, Evidence.LISTED)
            overridden = made.overridden and not is_new
            made = replace(made, replaces="", overridden=overridden)
            rows[row.reference] = made
        elif step.step is Step.CHANGE:
            anew = replace(
                row, state=GrantState.PLANNED, replaces="", cannot_change=True
            )
            rows[row.reference] = anew
        elif step.step is Step.ISSUE:
            rows[row.reference] = replace(row, state=GrantState.FAILED)
        elif step.wish:
            rows[row.reference] = replace(row, state=GrantState.PLANNED)


def _is_of(key: Issued, row: GrantRow) -> bool:
    """Whether a key is that of a row, whatever became of it meanwhile."""
    return key.id == row.issued_id or key.reference == row.reference
