"""Which booking is which, in systems that give the same booking another id."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from .models import NOBODY, Absence, Booking, BookingStatus, Snapshot


def name_again(
    known: Mapping[str, Booking],
    aliases: Mapping[str, str],
    snapshot: Snapshot,
    absence: Absence,
) -> tuple[dict[str, Booking], dict[str, str]]:
    """Return the answer by the ids we know its bookings by, and the ids that stand for others.

    A booking that is new where another one of the same people and room vanished
    in the same complete answer, and that overlaps it in time, is that booking,
    moved or extended (rule 3): feeds give it another id then.
    """
    answered, kept = _as_before(known, aliases, snapshot.bookings)
    if absence is Absence.PUSH or not snapshot.complete:
        return answered, kept
    vanished = _by_resource(
        booking
        for key, booking in known.items()
        if key not in answered and booking.resource_id not in snapshot.missing
    )
    if not vanished:
        return answered, kept
    for key in [key for key in answered if key not in known]:
        booking = answered[key]
        before = _find(booking, vanished.get(booking.resource_id, ()))
        if before is None:
            continue
        vanished[booking.resource_id].remove(before)
        del answered[key]
        answered[before.id] = _as(booking, before.id)
        kept[key] = before.id
    return answered, kept


def _as_before(
    known: Mapping[str, Booking],
    aliases: Mapping[str, str],
    bookings: Collection[Booking],
) -> tuple[dict[str, Booking], dict[str, str]]:
    """Return the bookings by the ids they had before, and the ids that still stand for others.

    Two that are named at the same time are two bookings, whatever was before.
    """
    named = {each.id for each in bookings}
    kept = {
        key: to
        for key, to in aliases.items()
        if to not in named and (to in known or key in named)
    }
    answered: dict[str, Booking] = {}
    for booking in bookings:
        if kept.get(booking.id) in answered:
            del kept[booking.id]
        key = kept.get(booking.id, booking.id)
        answered[key] = _as(booking, key)
    return answered, kept


def _as(booking: Booking, key: str) -> Booking:
    """Return a booking under an id."""
    return booking if booking.id == key else replace(booking, id=key)


def _by_resource(bookings: Iterable[Booking]) -> dict[str, list[Booking]]:
    """Sort bookings by what is booked."""
    found: defaultdict[str, list[Booking]] = defaultdict(list)
    for booking in bookings:
        found[booking.resource_id].append(booking)
    return found


def _find(booking: Booking, vanished: Collection[Booking]) -> Booking | None:
    """Return which of the vanished bookings a new one is."""
    if booking.status is BookingStatus.CANCELLED:
        return None
    return next((each for each in vanished if _is_same(each, booking)), None)


def _is_same(before: Booking, after: Booking) -> bool:
    """Whether two bookings are of the same people at overlapping times.

    Where nobody is named, it must at least be called the same, and start or end
    at the same time.
    """
    if not (before.start < after.end and after.start < before.end):
        return False
    if before.holder == after.holder == NOBODY:
        same_edge = before.start == after.start or before.end == after.end
        return same_edge and bool(before.summary) and before.summary == after.summary
    return before.holder == after.holder
