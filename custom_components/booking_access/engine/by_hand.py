"""What people decided here about bookings, whatever the booking system says."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from .bookings import KEEP_ENDED, AccountBookings, Known
from .models import NOBODY, Booking, Person


@dataclass(frozen=True, kw_only=True, slots=True)
class Altered:
    """What was decided about one booking of an account.

    ``booking`` is as its system says: once that changes its times, ``until``, its end
    by hand, is over. ``closed`` says that it was ended: its access ends at once.
    ``people`` are let in besides.
    """

    account_id: str
    booking: Booking
    until: datetime | None = None
    closed: bool = False
    blocked: bool = False
    people: tuple[Person, ...] = field(default=(), repr=False)

    @property
    def says_nothing(self) -> bool:
        """Whether the booking is as its system says."""
        return self.until is None and not self.blocked and not self.people

    @property
    def decided(self) -> Booking:
        """The booking as it was decided."""
        return replace(
            self.booking,
            end=self.until or self.booking.end,
            closed=self.closed,
            blocked=self.blocked,
            participants=(*self.booking.participants, *self.people),
        )


def still_decided(
    altered: Mapping[str, Altered], bookings: AccountBookings, now: datetime
) -> Mapping[str, Altered]:
    """Return what still stands, by booking (rule 15: and of people, what is needed).

    Returns ``altered`` itself where all of it does.
    """
    found = {
        key: _still(each, bookings.known.get(key), now) for key, each in altered.items()
    }
    kept = {key: each for key, each in found.items() if not each.says_nothing}
    return altered if kept == altered else kept


def _still(altered: Altered, known: Known | None, now: datetime) -> Altered:
    """Return what still stands of what was decided about a booking."""
    before = altered.booking
    if known is None and before.end <= now < altered.decided.end + KEEP_ENDED:
        if altered.until:  # it is over for its system, but not here
            return altered
    if known is None or known.is_cancelled:
        # It may come back, and is blocked then as well.
        return Altered(
            account_id=altered.account_id,
            booking=replace(before, summary="", holder=NOBODY, participants=()),
            blocked=altered.blocked and now < before.end,
        )
    booking = known.booking
    if booking == before:
        return altered
    if (booking.start, booking.end) == (before.start, before.end):
        return replace(altered, booking=booking)
    return replace(altered, booking=booking, until=None, closed=False)


def as_decided(
    bookings: AccountBookings,
    altered: Mapping[str, Altered],
    before: AccountBookings,
) -> AccountBookings:
    """Return an account's bookings as they were decided.

    One that its system forgot, because it would be over, is there until it is.
    ``before`` is how they were until now: what is the same keeps its very tuple.
    """
    theirs: defaultdict[str, dict[str, Booking]] = defaultdict(dict)
    forgotten: dict[str, Known] = {}
    for key, each in altered.items():
        known = bookings.known.get(key)
        if known is None and each.until:
            forgotten[key] = Known(booking=each.booking)
        if (known and not known.is_cancelled) or key in forgotten:
            theirs[each.booking.resource_id][key] = each.decided
    if not theirs:
        return bookings
    by_resource = {
        resource_id: _resource(
            bookings.by_resource.get(resource_id, ()),
            decided,
            before.by_resource.get(resource_id),
        )
        for resource_id, decided in theirs.items()
    }
    return replace(
        bookings,
        known={**bookings.known, **forgotten} if forgotten else bookings.known,
        by_resource={**bookings.by_resource, **by_resource},
    )


def _resource(
    bookings: tuple[Booking, ...],
    decided: Mapping[str, Booking],
    before: tuple[Booking, ...] | None,
) -> tuple[Booking, ...]:
    """Return the bookings of a resource as they were decided, in order of start."""
    found = {**{each.id: each for each in bookings}, **decided}
    ordered = sorted(found.values(), key=lambda each: (each.start, each.end, each.id))
    return before if before == (result := tuple(ordered)) else result
