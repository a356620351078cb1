"""The record of all that we did, or set out to do, and must undo.

A row is written before its vendor is called (write-ahead), so that after a
crash nothing that we opened or handed out is forgotten.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .models import Credential, Issued
from .windows import Window

# The first repetition comes after this long, each later one after twice as long.
FIRST_RETRY: Final = timedelta(seconds=5)
LAST_RETRY: Final = timedelta(minutes=2)
# Whatever a vendor says, and whichever way a clock is set: never wait longer.
LONGEST_WAIT: Final = timedelta(minutes=15)


class Phase(StrEnum):
    """How far a switched target is; whatever is not ON has an unclear outcome."""

    ARMED = "armed"  # wanted soon, nothing sent
    STARTING = "starting"
    ON = "on"
    ENDING = "ending"


@dataclass(frozen=True, kw_only=True, slots=True)
class Switched:
    """A door held open, an appliance or a room's own switch, for its claims.

    ``before`` is the state to go back to, ``ours`` the state that we set for the
    claims, None before that: a different one was set by a human (rule 16).
    ``due`` is when an armed target is wanted, ``until`` when the last of its
    claims ends, as far as we knew.
    """

    target: str
    phase: Phase
    claims: frozenset[str] = frozenset()
    due: datetime | None = None
    until: datetime | None = None
    before: str | None = None
    ours: str | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None


class GrantState(StrEnum):
    """How far a grant is. ``active`` is an issued one whose time has come."""

    PLANNED = "planned"
    ISSUING = "issuing"
    ISSUED = "issued"
    ACTIVE = "active"
    REVOKING = "revoking"
    REVOKED = "revoked"
    SUSPENDING = "suspending"  # or the end of that: what is so is not known
    SUSPENDED = "suspended"
    FAILED = "failed"


class Evidence(StrEnum):
    """How we know that a grant is what its state says."""

    LISTED = "listed"  # seen in the vendor's list
    ACKNOWLEDGED = "acknowledged"  # the vendor said so
    ASSUMED = "assumed"  # the vendor's last list lacks it, which may mean nothing


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantRow:
    """A grant of one person of a booking at one access account.

    ``reference`` is stable for the same wish and travels to the vendor;
    ``subject`` is the same for every grant that replaces another one,
    ``reservation`` for all grants of the booking and ``bearer`` for those of the
    person. One that we end, because its system does not or keeps whose it was, is
    not ``enforced``; one is ``overridden`` that a grant of another booking may have
    cancelled, until it is there again. What was made by changing another
    ``replaces`` that one; what ``cannot_change`` is issued instead. One was
    ``doubted`` that was perhaps sent.
    A ``card`` was written at an encoder.
    """

    reference: str
    subject: str
    room_id: str
    booking_id: str
    account_id: str
    points: tuple[str, ...]
    start: datetime
    end: datetime
    reservation: str = ""
    bearer: str = ""
    enforced: bool = True
    overridden: bool = False
    replaces: str = ""
    cannot_change: bool = False
    doubted: bool = False
    card: bool = False
    state: GrantState = GrantState.PLANNED
    evidence: Evidence | None = None
    issued_id: str | None = None
    credential: Credential = field(default_factory=Credential, repr=False)
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None

    def lapsed(self, now: datetime) -> bool:
        """Whether it is over by itself."""
        return (
            self.enforced and self.end <= now and self.state is not GrantState.REVOKING
        )

    def state_at(self, now: datetime) -> GrantState:
        """Return the state as people see it."""
        if self.state is GrantState.ISSUED and self.start <= now < self.end:
            return GrantState.ACTIVE
        return self.state


@dataclass(frozen=True, kw_only=True, slots=True)
class ScheduleRow:
    """The times that a point was told to follow by itself, or is about to be told.

    ``periods`` are all of them; until ``confirmed`` it may still follow others.
    """

    point: str
    periods: tuple[Window, ...] = ()
    confirmed: bool = False
    attempts: int = 0
    retry_at: datetime | None = None
    error: str | None = None


def retry_at(attempts: int, now: datetime, jitter: float) -> datetime:
    """Return when to try again; ``jitter`` is a random number from 0 to 1.

    Half of the pause is fixed and half is random, so that many doors that fail
    together do not come back together.
    """
    pause = min(FIRST_RETRY * (1 << min(attempts, 20)), LAST_RETRY)
    return now + pause * (0.5 + jitter / 2)


def failed[Row: (Switched, GrantRow, ScheduleRow)](
    row: Row, error: str, now: datetime, jitter: float, after: timedelta | None = None
) -> Row:
    """Return the row after a failure; it is tried again, ``after`` at the earliest."""
    earliest = now + max(after or timedelta(), timedelta())
    again = min(retry_at(row.attempts, earliest, jitter), now + LONGEST_WAIT)
    return replace(row, attempts=row.attempts + 1, retry_at=again, error=error)


def postponed(row: GrantRow, until: datetime, now: datetime) -> GrantRow:
    """Return the row of a grant that can only be issued later; nothing is wrong."""
    again = min(until, now + LONGEST_WAIT)
    return replace(row, attempts=0, retry_at=again, error=None)


def waits(row: Switched | GrantRow | ScheduleRow, now: datetime) -> bool:
    """Whether it is too early to try again."""
    return row.retry_at is not None and now < row.retry_at <= now + LONGEST_WAIT


def issued(row: GrantRow, answer: Issued, evidence: Evidence) -> GrantRow:
    """Return the row after the vendor has the grant.

    A code or link that only we know is kept where the answer lacks it.
    """
    known = row.credential
    return replace(
        row,
        state=GrantState.ISSUED,
        evidence=evidence,
        issued_id=answer.id,
        credential=Credential(
            code=answer.credential.code or known.code,
            link=answer.credential.link or known.link,
            bearer=answer.credential.bearer or known.bearer,
        ),
        attempts=0,
        retry_at=None,
        error=None,
    )


def taken_back(row: GrantRow) -> GrantRow:
    """Return the row of a grant that is gone, to be made once more with the same code."""
    return replace(
        row,
        state=GrantState.PLANNED,
        evidence=None,
        issued_id=None,
        doubted=False,
        credential=Credential(code=row.credential.code),
        attempts=0,
        retry_at=None,
        error=None,
    )
