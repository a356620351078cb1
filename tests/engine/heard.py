"""What the answers of a booking system mean, in the plain words of rule 4."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum

from custom_components.booking_access.engine.models import (
    LONG_AGO,
    Absence,
    Booking,
    BookingStatus,
    Snapshot,
)

from .builders import minutes

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Belief(Enum):
    """What the engine must think of a booking that it was told of."""

    COUNTS = "counts"
    HELD = "held"  # by the brake: counts until a human answers
    KEPT = "kept"  # a human said so: counts
    UNCLEAR = "unclear"  # after a clock was put back: nothing is said
    GONE = "gone"


SURE = (Belief.COUNTS, Belief.HELD, Belief.KEPT)
POSSIBLE = (*SURE, Belief.UNCLEAR)


class Heard:
    """What was heard, and what must be believed after it."""

    def __init__(self, absence: Absence) -> None:
        """Start without having heard anything."""
        self.listing = absence is Absence.LISTING
        self.told: dict[str, Booking] = {}
        self.beliefs: dict[str, Belief] = {}
        self.lacked: dict[str, datetime] = {}  # since when answers lack it
        self.empty_since: datetime | None = None
        self.forgotten: set[str] = set()
        self.forgot_at = LONG_AGO

    def is_whole(self, now: datetime) -> bool:
        """Whether no clock that was ahead made us forget what may count now."""
        return self.forgot_at <= now

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
        most = len((coming & self.those(*POSSIBLE)) | named)
        for key in self.told.keys() - coming:
            self.lacked.pop(key, None)
        for each in snapshot.bookings:
            self._take(each)
        self._forget(now)
        if snapshot.complete and now < self.forgot_at:
            self.forgot_at = LONG_AGO
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

    def _forget(self, now: datetime) -> None:
        """Forget what ended a day ago."""
        over = {key for key, each in self.told.items() if each.end <= now - DAY}
        if over - self.forgotten:
            self.forgot_at = max(self.forgot_at, now)
        self.forgotten |= over

    def _counts_on(self, each: Booking, now: datetime) -> bool:
        """Whether absence may mean something: running ones are kept by a listing."""
        return now < (each.start if self.listing else each.end)

    def _take(self, each: Booking) -> None:
        """Hear of a booking."""
        is_off = each.status is BookingStatus.CANCELLED
        self.told[each.id] = each
        self.forgotten.discard(each.id)
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
