"""A tiny world to run the engine in: doors, a lock server, faults and crashes.

It takes the engine's steps as the hub does: what has no row on the disk yet is
written before it is done, everything else is written half a second later.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from itertools import chain, repeat

from custom_components.booking_access.engine.ledger import (
    Evidence,
    GrantRow,
    GrantState,
    Phase,
    Switched,
    failed,
    issued,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    Issued,
    Room,
)
from custom_components.booking_access.engine.plan import Plan
from custom_components.booking_access.engine.reconcile import (
    GrantStep,
    Step,
    SwitchStep,
    after_restart,
    reconcile_grants,
    reconcile_switched,
)

from .builders import plan_of, seconds

SAVE_DELAY = seconds(0.5)


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

    def __copy__(self) -> Ledger:
        """Return what a file would hold."""
        return Ledger(dict(self.switched), dict(self.grants))


@dataclass
class Flight:
    """A step that was sent, and what will come of it."""

    step: SwitchStep | GrantStep
    outcome: Outcome
    lands: datetime

    @property
    def key(self) -> str:
        """What the step is about."""
        row = self.step.row
        return row.target if isinstance(row, Switched) else row.reference


@dataclass
class World:
    """Rooms, bookings, doors and keys, and a ledger that survives crashes."""

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
    switched_on: set[str] = field(default_factory=set)
    keys: dict[str, Issued] = field(default_factory=dict)  # at the vendor
    counted: int = 0
    save_at: datetime = FOREVER
    look_at: datetime = FOREVER

    @property
    def busy(self) -> set[str]:
        """What is being worked on."""
        return {flight.key for flight in self.flights}

    @property
    def wanted(self) -> set[str]:
        """What the bookings want on now, planned from nothing."""
        return set(plan_of(self.now, *self.bookings, rooms=self.rooms).demands)

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
        self.plan = plan_of(
            self.now, *self.bookings, rooms=self.rooms, before=self.plan
        )
        ledger = self.ledger
        doors = reconcile_switched(self.plan, ledger.switched, self.now, self.busy)
        grants = reconcile_grants(self.plan, ledger.grants, self.now, self.busy)
        for row in doors.write:
            ledger.switched[row.target] = row
        for target in doors.drop:
            del ledger.switched[target]
        for reference in grants.drop:
            del ledger.grants[reference]
        ledger.switched |= {each.row.target: each.row for each in doors.steps}
        ledger.grants |= {each.row.reference: each.row for each in grants.steps}
        if grants.steps or not all(each.written for each in doors.steps):
            self.save()
        elif doors.steps or doors.write or doors.drop or grants.drop:
            self.save_at = min(self.save_at, self.now + SAVE_DELAY)
        for step in (*doors.steps, *grants.steps):
            lasts, outcome = next(self.outcomes)
            self.flights.append(Flight(step, outcome, self.now + seconds(lasts)))
        self.look_at = min(self.plan.until, doors.again, grants.again)
        assert self.look_at > self.now

    def crash(self, works: bool, back: datetime) -> None:
        """Lose all that is not on the disk, and start again later."""
        for flight in self.flights:
            self._do(flight.step, works=works)
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
        answer = self._do(flight.step, works=flight.outcome.works)
        if isinstance(flight.step, SwitchStep):
            self._note_switched(flight.step, flight.outcome)
            self.save_at = min(self.save_at, self.now + SAVE_DELAY)
        else:
            self._note_grant(flight.step, flight.outcome, answer)
            self.save()

    def _do(self, step: SwitchStep | GrantStep, *, works: bool) -> Issued | None:
        """Change the world; returns the key that the vendor tells of."""
        if not works:
            return None
        row = step.row
        if isinstance(row, Switched):
            self.by_hand(row.target, is_open=step.step is Step.START)
            return None
        if step.step is Step.ISSUE:
            return self._issue(row)
        if step.step is Step.REVOKE:
            self.keys = {
                key: replace(each, live=each.live and each.reference != row.reference)
                for key, each in self.keys.items()
            }
        return self.live_key(row.reference)

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

    def live_key(self, reference: str) -> Issued | None:
        """Return the key with a reference of ours, if there is one."""
        live = [each for each in self.live_keys() if each.reference == reference]
        assert len(live) <= 1, "one live key for each wish"
        return live[0] if live else None

    def live_keys(self) -> list[Issued]:
        """Return the keys that are neither revoked nor over."""
        return [k for k in self.keys.values() if k.live and k.end and k.end > self.now]

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
            if step.step is Step.ISSUE and outcome.is_known:
                again = replace(again, state=GrantState.PLANNED)
            rows[row.reference] = again
        elif step.step is Step.REVOKE:
            return
        elif answer:
            rows[row.reference] = issued(row, answer, Evidence.LISTED)
        elif step.step is Step.ISSUE:
            rows[row.reference] = replace(row, state=GrantState.FAILED)
        elif step.wish:
            rows[row.reference] = replace(row, state=GrantState.PLANNED)
