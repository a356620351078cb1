"""From what must be true and what we did so far to what is to be done now."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .ledger import Phase, Switched, waits
from .models import FOREVER
from .plan import Plan

# Targets wanted within this time are written down beforehand, so that at the
# very instant nothing stands between the clock and the door.
ARM_AHEAD: Final = timedelta(seconds=150)
# Later than this, what is written might not be on the disk in time.
ARM_UNTIL: Final = timedelta(seconds=10)


class Step(StrEnum):
    """What is to be done with a row."""

    START = "start"
    END = "end"
    ISSUE = "issue"
    RESOLVE = "resolve"  # find out whether the vendor has it
    REVOKE = "revoke"
    CHANGE = "change"  # another grant into this one
    SUSPEND = "suspend"
    RESUME = "resume"


@dataclass(frozen=True, kw_only=True, slots=True)
class SwitchStep:
    """Switch a target on or off.

    ``written`` says that the ledger already has a row for the target: a crash
    right now would not make us forget to switch it back.
    """

    step: Step
    row: Switched
    written: bool


@dataclass(slots=True)
class Todo[StepT, RowT]:
    """Steps to take now, rows to write or drop besides, and when to look again."""

    steps: list[StepT] = field(default_factory=list)
    write: list[RowT] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    again: datetime = FOREVER

    def look_at(self, instant: datetime | None) -> None:
        """Have another look then, unless one is due before."""
        self.again = min(self.again, instant or FOREVER)


def reconcile_switched(
    plan: Plan,
    rows: Mapping[str, Switched],
    now: datetime,
    busy: Collection[str],
    unsure: Collection[str] = (),
) -> Todo[SwitchStep, Switched]:
    """Compare the demands with what is switched.

    Each claim switches its target on once (rule 11): what a human does after
    that stands until another booking claims the target, or the last one ends.
    Targets in ``busy`` are being switched right now. Whether the claims in
    ``unsure`` still stand is not known: what is on for them ends when it was to end.
    """
    todo = Todo[SwitchStep, Switched]()
    for target, claims in plan.demands.items():
        row = rows.get(target)
        if target not in busy:
            until = plan.ends[target]
            if row and _lasts(row, now, unsure):
                claims, until = claims | row.claims, max(until, row.until or until)
            _demand(target, claims, until, row, todo, now)
    for target, row in rows.items():
        if target in busy or target in plan.demands:
            continue
        if row.phase is Phase.ARMED:
            if target not in plan.expected:
                todo.drop.append(target)
        elif row.phase is Phase.ENDING and waits(row, now):
            todo.look_at(row.retry_at)
        elif row.phase is not Phase.ENDING and _lasts(row, now, unsure):
            todo.look_at(row.until)
        else:
            todo.steps.append(_end(row))
    for target, due in plan.expected.items():
        if target not in plan.demands:
            _arm(target, due, rows.get(target), todo, now)
    return todo


def _demand(
    target: str,
    claims: frozenset[str],
    until: datetime,
    row: Switched | None,
    todo: Todo[SwitchStep, Switched],
    now: datetime,
) -> None:
    """See to it that a target was switched on for each of its claims."""
    off = (Phase.ARMED, Phase.ENDING)
    if row is None or row.phase in off or not claims <= row.claims:
        todo.steps.append(_start(target, claims, until, row, now))
    elif waits(row, now):
        todo.look_at(row.retry_at)
    elif row.phase is Phase.STARTING:
        todo.steps.append(_start(target, claims, until, row, now))
    elif (claims, until) != (row.claims, row.until):
        # A claim that went may come back, and then counts anew.
        todo.write.append(replace(row, claims=claims, until=until))


def _lasts(row: Switched, now: datetime, unsure: Collection[str]) -> bool:
    """Whether a target without a claim is left on, for lack of knowledge."""
    if row.until is None or row.until <= now:
        return False
    return any(each in unsure for each in row.claims)


def _arm(
    target: str,
    due: datetime,
    row: Switched | None,
    todo: Todo[SwitchStep, Switched],
    now: datetime,
) -> None:
    """Write down beforehand that a target is wanted soon."""
    if row and (row.phase is not Phase.ARMED or row.due == due):
        return
    if due - ARM_AHEAD > now:
        todo.look_at(due - ARM_AHEAD)
        if row:
            todo.drop.append(target)
    elif due - ARM_UNTIL > now:
        todo.write.append(Switched(target=target, phase=Phase.ARMED, due=due))


def after_restart(rows: Iterable[Switched], now: datetime) -> dict[str, Switched]:
    """Return the rows as they are to be read after a crash.

    What was armed for a time that has passed may have been switched on; so may
    what nothing would be armed for yet, for the clock was put back.
    """
    soon = now + ARM_AHEAD
    return {
        row.target: replace(row, phase=Phase.STARTING)
        if row.phase is Phase.ARMED and not (row.due and now < row.due <= soon)
        else row
        for row in rows
    }


def _is_armed_for_later(row: Switched, now: datetime) -> bool:
    """Whether a row says that its target cannot have been switched on yet."""
    return row.due is not None and row.due > now


def _start(
    target: str,
    claims: frozenset[str],
    until: datetime,
    row: Switched | None,
    now: datetime,
) -> SwitchStep:
    """Switch on for the claims; what to go back to stays as it was."""
    new = row or Switched(target=target, phase=Phase.STARTING)
    again = new.phase is Phase.STARTING
    return SwitchStep(
        step=Step.START,
        written=row is not None and not _is_armed_for_later(row, now),
        row=Switched(  # doors wait for this: replace() would take twice as long
            target=target,
            phase=Phase.STARTING,
            claims=claims,
            until=until,
            before=new.before,
            ours=new.ours if again and claims <= new.claims else None,
            attempts=new.attempts if again else 0,
            error=new.error if again else None,
        ),
    )


def _end(row: Switched) -> SwitchStep:
    """Switch back to normal."""
    again = row.phase is Phase.ENDING
    return SwitchStep(
        step=Step.END,
        written=True,
        row=replace(
            row,
            phase=Phase.ENDING,
            attempts=row.attempts if again else 0,
            retry_at=None,
            error=row.error if again else None,
        ),
    )
