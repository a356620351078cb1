"""What we know of an account's bookings, and what an answer changes about it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .models import Absence, Booking, BookingStatus, Snapshot

# Absence from a listing counts when it was seen this often, this long.
MISSES: Final = 2
MISSING_FOR: Final = timedelta(seconds=60)
# An answer without a single booking is believed only after this long.
EMPTY_FOR: Final = timedelta(hours=1)
# More than half of the coming bookings, and at least so many, stop us.
BRAKE_AT: Final = 3
# The longest lag ends by then; what is over for longer is forgotten.
KEEP_ENDED: Final = timedelta(days=1)


class ChangeKind(StrEnum):
    """What happened to a booking."""

    CREATED = "created"
    CHANGED = "changed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A booking that came, changed or went; ``booking`` is as it is now."""

    kind: ChangeKind
    booking: Booking


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A booking that counts, and how long the listings have lacked it."""

    booking: Booking
    misses: int = 0
    missing_since: datetime | None = None
    kept: bool = False  # a human said to keep it although it vanished


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountBookings:
    """All bookings of one account that count, by id and by resource.

    ``held_back`` are bookings that vanished with so many others that a human
    must say whether they are really gone (rule 4, the brake).
    """

    known: Mapping[str, Known] = field(default_factory=dict)
    empty_since: datetime | None = None
    held_back: frozenset[str] = frozenset()
    by_resource: Mapping[str, tuple[Booking, ...]] = field(default_factory=dict)

    @property
    def uncertain(self) -> bool:
        """Whether some booking is missing and not yet taken as cancelled."""
        return any(
            known.misses and not known.kept and key not in self.held_back
            for key, known in self.known.items()
        )


def merge(
    old: AccountBookings, snapshot: Snapshot, now: datetime, absence: Absence
) -> tuple[AccountBookings, tuple[Change, ...]]:
    """Return the bookings after an answer, and what it changed (rules 3, 4).

    Returns ``old`` itself where nothing changed at all.
    """
    answered = {booking.id: booking for booking in snapshot.bookings}
    known, changes = _take(old, answered)
    silent = _is_silent(snapshot, absence)
    empty_since = None
    if not answered and old.known and not silent:
        empty_since = old.empty_since or now
    gone: list[str] = []
    for key, before in old.known.items():
        if key in answered or before.booking.end + KEEP_ENDED <= now:
            continue
        known[key] = before
        if before.kept or silent or not _speaks_of(before.booking, snapshot, now):
            continue
        known[key] = after = _missed(before, now)
        if key not in old.held_back and _is_gone(after, now, absence, empty_since):
            gone.append(key)
    held_back = old.held_back & (known.keys() - answered.keys())
    if _brakes(len(gone), old, now):
        held_back |= frozenset(gone)
    else:
        changes += [_cancelled(known.pop(key).booking) for key in gone]
    if known == old.known and empty_since == old.empty_since:
        return old, ()
    return _result(old, known, empty_since, held_back), tuple(changes)


def answer_brake(
    old: AccountBookings, *, revoke: bool
) -> tuple[AccountBookings, tuple[Change, ...]]:
    """Return the bookings after a human decided about those held back."""
    known = dict(old.known)
    changes: list[Change] = []
    for key in old.held_back:
        if revoke:
            changes.append(_cancelled(known.pop(key).booking))
        else:
            known[key] = Known(booking=known[key].booking, kept=True)
    return _result(old, known, old.empty_since, frozenset()), tuple(changes)


def restore(
    known: Iterable[Known],
    empty_since: datetime | None = None,
    held_back: frozenset[str] = frozenset(),
) -> AccountBookings:
    """Return what was known when it was last stored."""
    by_id = {each.booking.id: each for each in known}
    return _result(AccountBookings(), by_id, empty_since, held_back)


def _take(
    old: AccountBookings, answered: Mapping[str, Booking]
) -> tuple[dict[str, Known], list[Change]]:
    """Return the bookings that the answer names, and what is new about them."""
    known: dict[str, Known] = {}
    changes: list[Change] = []
    for key, booking in answered.items():
        before = old.known.get(key)
        if booking.status is BookingStatus.CANCELLED:
            if before:
                changes.append(_cancelled(booking))
            continue
        if before is None:
            changes.append(Change(kind=ChangeKind.CREATED, booking=booking))
        elif before.booking != booking:
            changes.append(Change(kind=ChangeKind.CHANGED, booking=booking))
        elif not before.misses and not before.kept:
            known[key] = before
            continue
        known[key] = Known(booking=booking)
    return known, changes


def _cancelled(booking: Booking) -> Change:
    """Return that the booking was cancelled."""
    return Change(
        kind=ChangeKind.CANCELLED,
        booking=replace(booking, status=BookingStatus.CANCELLED),
    )


def _is_silent(snapshot: Snapshot, absence: Absence) -> bool:
    """Whether absence from this answer means nothing at all."""
    return absence is Absence.PUSH or not snapshot.complete


def _speaks_of(booking: Booking, snapshot: Snapshot, now: datetime) -> bool:
    """Whether the answer would name the booking if it still existed.

    What has ended is left to run out: systems drop it from their lists early.
    """
    return (
        booking.resource_id not in snapshot.missing
        and booking.start < snapshot.end
        and booking.end > max(snapshot.start, now)
    )


def _missed(before: Known, now: datetime) -> Known:
    """Return the booking after one more answer without it."""
    return replace(
        before,
        misses=min(before.misses + 1, MISSES),
        missing_since=before.missing_since or now,
    )


def _is_gone(
    known: Known, now: datetime, absence: Absence, empty_since: datetime | None
) -> bool:
    """Whether a missing booking is taken as cancelled (rule 4)."""
    if absence is Absence.AUTHORITATIVE:
        return True
    if known.booking.start <= now or known.missing_since is None:
        return False  # a running booking is kept to its end
    if empty_since and now - empty_since < EMPTY_FOR:
        return False
    return known.misses >= MISSES and now - known.missing_since >= MISSING_FOR


def _brakes(gone: int, old: AccountBookings, now: datetime) -> bool:
    """Whether so many vanish at once that a human must be asked."""
    coming = sum(known.booking.end > now for known in old.known.values())
    return gone >= BRAKE_AT and gone * 2 > coming


def _result(
    old: AccountBookings,
    known: Mapping[str, Known],
    empty_since: datetime | None,
    held_back: frozenset[str],
) -> AccountBookings:
    """Group by resource; a resource without a change keeps its very tuple."""
    grouped: defaultdict[str, list[Booking]] = defaultdict(list)
    for each in known.values():
        grouped[each.booking.resource_id].append(each.booking)
    by_resource = {}
    for resource_id, bookings in grouped.items():
        ordered = tuple(
            sorted(bookings, key=lambda each: (each.start, each.end, each.id))
        )
        before = old.by_resource.get(resource_id)
        by_resource[resource_id] = before if before == ordered else ordered
    return AccountBookings(
        known=known,
        empty_since=empty_since,
        held_back=held_back,
        by_resource=by_resource,
    )
