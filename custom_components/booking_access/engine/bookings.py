"""What we know of an account's bookings, and what an answer changes about it."""

from collections import defaultdict
from collections.abc import Collection, Container, Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from .identity import name_again
from .models import LONG_AGO, NOBODY, Absence, Booking, BookingStatus, Snapshot

# Absence from a listing counts when it was seen this often, this long.
MISSES: Final = 2
MISSING_FOR: Final = timedelta(seconds=60)
# An answer without a single booking is believed only after this long.
EMPTY_FOR: Final = timedelta(hours=1)
# More than half of the coming bookings, and at least so many, stop us.
BRAKE_AT: Final = 3
# The longest lag ends by then; what is over for longer is forgotten, sooner where
# the next answer would name it again if the clock was wrong.
KEEP_ENDED: Final = timedelta(days=1)
KEEP_UNASKED: Final = timedelta(days=7)


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
    """A booking that counts, and how long the listings have lacked it.

    ``misses`` is 1 from the first answer without it, and ``MISSES`` from one
    that comes at least ``MISSING_FOR`` later.
    """

    booking: Booking
    misses: int = 0
    missing_since: datetime | None = None
    kept: bool = False  # a human said to keep it although it vanished

    @property
    def is_cancelled(self) -> bool:
        """Whether it is only remembered, so that older news of it change nothing."""
        return self.booking.status is BookingStatus.CANCELLED


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountBookings:
    """All bookings of one account that count, by id and by resource.

    ``known`` holds what was cancelled as well, where older news of it may come.

    ``empty_since`` is since when answers were wholly empty. ``held_back`` are
    bookings that vanished with so many others that a human must say whether
    they are really gone (rule 4, the brake). ``forgotten`` is when some were
    last forgotten because they were over.
    """

    known: Mapping[str, Known] = field(default_factory=dict)
    empty_since: datetime | None = None
    held_back: frozenset[str] = frozenset()
    by_resource: Mapping[str, tuple[Booking, ...]] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    forgotten: datetime = LONG_AGO

    def is_whole(self, now: datetime) -> bool:
        """Whether nothing was forgotten by a clock that was ahead of the one now."""
        return self.forgotten <= now

    @property
    def uncertain(self) -> bool:
        """Whether to ask again soon, because some booking was missing just once."""
        return any(
            0 < known.misses < MISSES and key not in self.held_back
            for key, known in self.known.items()
        )


def merge(
    old: AccountBookings, snapshot: Snapshot, now: datetime, absence: Absence
) -> tuple[AccountBookings, tuple[Change, ...]]:
    """Return the bookings after an answer, and what it changed (rules 3, 4).

    Returns ``old`` itself where nothing changed at all.
    """
    named, aliases = name_again(
        {key: each.booking for key, each in old.known.items()},
        old.aliases,
        snapshot,
        absence,
    )
    over = now - (KEEP_UNASKED if absence is Absence.PUSH else KEEP_ENDED)
    answered = {
        key: each
        for key, each in named.items()
        if each.end > over
        and (snapshot.complete or not _is_outdated(each, old.known.get(key)))
    }
    known, changes = _take(old, answered, remembers=not snapshot.complete)
    left = _unanswered(old, answered, now, over)
    missed = {
        key: _missed(left[key], now)
        for key in _missable(old, left, snapshot, now, absence)
    }
    known |= left | missed
    empty_since = _empty_since(old, named, missed, now)
    gone = [
        key for key, each in missed.items() if _is_gone(each, now, absence, empty_since)
    ]
    braked = _braked(gone, old, snapshot, now, absence)
    changes += [_cancelled(known.pop(key).booking) for key in gone if key not in braked]
    held_back = _still_held_back((old.held_back | braked) - answered.keys(), known, now)
    forgotten = _forgotten(old, now, over, complete=snapshot.complete)
    before = (old.known, old.empty_since, old.held_back, old.aliases, old.forgotten)
    if (known, empty_since, held_back, aliases, forgotten) == before:
        return old, ()
    new = _result(old, known, empty_since, held_back)
    return replace(new, aliases=aliases, forgotten=forgotten), tuple(changes)


def keep_resources(
    old: AccountBookings, resource_ids: Container[str]
) -> AccountBookings:
    """Forget the bookings of all other resources, which nobody asks for any more.

    Returns ``old`` itself where there are none.
    """
    known = {
        key: each
        for key, each in old.known.items()
        if each.booking.resource_id in resource_ids
    }
    if len(known) == len(old.known):
        return old
    return _result(old, known, old.empty_since, old.held_back & known.keys())


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
    aliases: Mapping[str, str] | None = None,
    forgotten: datetime = LONG_AGO,
) -> AccountBookings:
    """Return what was known when it was last stored."""
    by_id = {each.booking.id: each for each in known}
    old = AccountBookings(aliases=aliases or {}, forgotten=forgotten)
    return _result(old, by_id, empty_since, held_back)


def forget(old: AccountBookings, now: datetime) -> AccountBookings:
    """Forget what ended long ago, also while no answer comes (rule 15).

    Not so soon as with an answer: the clock may be wrong, and nothing would bring
    it back. Returns ``old`` itself where there is nothing to forget.
    """
    over = now - KEEP_UNASKED
    known = {key: each for key, each in old.known.items() if each.booking.end > over}
    if len(known) == len(old.known):
        return old
    result = _result(old, known, old.empty_since, old.held_back & known.keys())
    return replace(result, forgotten=_forgotten(old, now, over, complete=False))


def _forgotten(
    old: AccountBookings, now: datetime, over: datetime, *, complete: bool
) -> datetime:
    """Return when bookings were last forgotten.

    What a clock that was ahead made us forget, a complete answer names again.
    """
    forgets = any(each.booking.end <= over for each in old.known.values())
    latest = max(old.forgotten, now) if forgets else old.forgotten
    return LONG_AGO if complete and now < latest else latest


def _empty_since(
    old: AccountBookings, named: Sized, missed: Sized, now: datetime
) -> datetime | None:
    """Return since when answers are wholly empty although they should not be."""
    if named:
        return None
    return min(old.empty_since or now, now) if missed else old.empty_since


def _is_outdated(booking: Booking, before: Known | None) -> bool:
    """Whether a booking that was brought to us is older than what we know of it."""
    if before is None or before.booking.updated_at is None:
        return False
    told = booking.updated_at
    return told is not None and told < before.booking.updated_at


def _take(
    old: AccountBookings, answered: Mapping[str, Booking], *, remembers: bool
) -> tuple[dict[str, Known], list[Change]]:
    """Return the bookings that the answer names, and what is new about them.

    ``remembers`` says to remember what was cancelled, and when, because older
    news of it may come late.
    """
    known: dict[str, Known] = {}
    changes: list[Change] = []
    for key, booking in answered.items():
        before = old.known.get(key)
        if before and before.is_cancelled:
            before = None
        if booking.status is BookingStatus.CANCELLED:
            if before:
                changes.append(_cancelled(booking))
            if remembers and booking.updated_at:
                known[key] = Known(booking=_without_people(booking))
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


def _without_people(booking: Booking) -> Booking:
    """Return all of a booking that is not personal."""
    return replace(booking, summary="", holder=NOBODY, participants=())


def _cancelled(booking: Booking) -> Change:
    """Return that the booking was cancelled."""
    return Change(
        kind=ChangeKind.CANCELLED,
        booking=replace(booking, status=BookingStatus.CANCELLED),
    )


def _unanswered(
    old: AccountBookings, answered: Container[str], now: datetime, over: datetime
) -> dict[str, Known]:
    """Return the bookings that the answer does not name; long ended ones are forgotten.

    Once a booking runs it is kept to its end, however often it was missing.
    """
    return {
        key: Known(booking=before.booking)
        if before.misses and before.booking.start <= now
        else before
        for key, before in old.known.items()
        if key not in answered and before.booking.end > over
    }


def _missable(
    old: AccountBookings,
    keys: Iterable[str],
    snapshot: Snapshot,
    now: datetime,
    absence: Absence,
) -> list[str]:
    """Return the bookings whose absence from the answer would mean something.

    What has ended is left to run out: systems drop it from their lists early.
    """
    if absence is Absence.PUSH or not snapshot.complete:
        return []
    authoritative = absence is Absence.AUTHORITATIVE
    since = max(snapshot.start, now)
    return [
        key
        for key in keys
        if key not in old.held_back
        and not (known := old.known[key]).kept
        and not known.is_cancelled
        and since < (booking := known.booking).end
        and booking.start < snapshot.end
        and (authoritative or now < booking.start)
        and booking.resource_id not in snapshot.missing
    ]


def _missed(before: Known, now: datetime) -> Known:
    """Return the booking after one more answer without it."""
    since = min(before.missing_since or now, now)
    confirmed = now - since >= MISSING_FOR
    misses = MISSES if confirmed else max(before.misses, 1)
    if (misses, since) == (before.misses, before.missing_since):
        return before
    return replace(before, misses=misses, missing_since=since)


def _is_gone(
    known: Known, now: datetime, absence: Absence, empty_since: datetime | None
) -> bool:
    """Whether a missing booking is taken as cancelled (rule 4)."""
    if absence is Absence.AUTHORITATIVE:
        return True
    if empty_since is None:
        return known.misses >= MISSES
    return now - max(empty_since, known.missing_since or now) >= EMPTY_FOR


def _braked(
    gone: Collection[str],
    old: AccountBookings,
    snapshot: Snapshot,
    now: datetime,
    absence: Absence,
) -> frozenset[str]:
    """Return those that vanish if they are so many that a human must be asked."""
    if len(gone) < BRAKE_AT:
        return frozenset()
    coming = _missable(old, old.known, snapshot, now, absence)
    return frozenset(gone if len(gone) * 2 > len(coming) else ())


def _still_held_back(
    held_back: frozenset[str], known: Mapping[str, Known], now: datetime
) -> frozenset[str]:
    """Return those that a human is still to be asked about."""
    return frozenset(
        key for key in held_back if key in known and known[key].booking.end > now
    )


def _result(
    old: AccountBookings,
    known: Mapping[str, Known],
    empty_since: datetime | None,
    held_back: frozenset[str],
) -> AccountBookings:
    """Group by resource; a resource without a change keeps its very tuple."""
    grouped: defaultdict[str, list[Booking]] = defaultdict(list)
    for each in known.values():
        if not each.is_cancelled:
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
        aliases=old.aliases,
        forgotten=old.forgotten,
    )
