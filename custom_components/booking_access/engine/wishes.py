"""The grants that bookings wish for: for whom, where, and from when to when."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
import re
from typing import Final

from .models import FOREVER, LONG_AGO, Booking, Effect, Person, Room, Traits
from .windows import NO_TIMING, Window, window

AS_USUAL: Final = Traits()
_NOT_DIALLED: Final = re.compile(r"[^+\d]")


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantWish:
    """That one person of a booking may pass some points of one access account.

    ``subject`` names who, where and for which booking; ``reference`` names the
    very wish, with its times, points and how the person is reached, so a
    changed wish has another reference and the same subject. ``reservation``
    names the booking. It is not to be issued before
    ``due``, and at points in ``overriding`` cancels grants of other bookings. What
    a blocked booking has is ``suspended``. A ``card`` is written at an encoder, by
    people; it only follows what becomes of its booking. One that ``lingers`` is
    revoked when it is over, too, so that nobody's data stay at its system.
    """

    reference: str
    subject: str
    reservation: str
    room_id: str
    booking_id: str
    account_id: str
    points: tuple[str, ...]  # the account's own point ids
    overriding: tuple[str, ...] = ()  # with the account
    window: Window
    due: datetime = LONG_AGO
    enforced: bool = True
    changes: bool = False
    suspends: bool = False
    suspended: bool = False
    card: bool = False
    lingers: bool = False
    person: Person = field(repr=False)

    @property
    def bearer(self) -> str:
        """What names the person of the booking, at whichever account; a card has none."""
        return "" if self.card else _digest(self.reservation, _contact(self.person))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Part:
    """Points of a room that one grant is for; ``apart`` is the one that has its own."""

    account_id: str
    apart: str
    points: tuple[str, ...]
    overriding: tuple[str, ...]
    enforced: bool
    changes: bool
    suspends: bool
    lingers: bool


def wishes_of(
    room: Room, bookings: Iterable[Booking], now: datetime
) -> tuple[tuple[GrantWish, ...], datetime]:
    """Return the grants that are due or to be prepared, and when the next one is."""
    parts = _parts(room)
    if not parts:
        return (), FOREVER
    timing = room.timing.get(Effect.ACCESS, NO_TIMING)
    wishes: list[GrantWish] = []
    for booking in bookings:
        span = window(booking, timing)
        if span.start > now + room.issue_ahead:
            return tuple(wishes), span.start - room.issue_ahead
        if span.end > now:
            wishes += _wishes_for(room, booking, span, parts)
    return tuple(wishes), FOREVER


def _parts(room: Room) -> list[_Part]:
    """Sort the points of a room by the grant that they belong to."""
    sorted_points: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for point in sorted(room.granted):
        account_id, _, point_id = point.partition("/")
        is_apart = room.traits.get(point, AS_USUAL).apart
        sorted_points[account_id, point_id if is_apart else ""].append(point)
    return [
        _part(room, account_id, apart, points)
        for (account_id, apart), points in sorted_points.items()
    ]


def _part(room: Room, account_id: str, apart: str, points: Iterable[str]) -> _Part:
    """Return what one grant is for, with how it behaves at all its points."""
    traits = {each: room.traits.get(each, AS_USUAL) for each in points}
    return _Part(
        account_id=account_id,
        apart=apart,
        points=tuple(each.partition("/")[2] for each in traits),
        overriding=tuple(point for point, each in traits.items() if each.overrides),
        enforced=all(each.enforced for each in traits.values()),
        changes=all(each.changes for each in traits.values()),
        suspends=all(each.suspends for each in traits.values()),
        lingers=any(each.lingers for each in traits.values()),
    )


def _wishes_for(
    room: Room, booking: Booking, span: Window, parts: Iterable[_Part]
) -> Iterable[GrantWish]:
    """Wish for the grants of each person of the booking."""
    times = (span.start.isoformat(), span.end.isoformat())
    reservation = reservation_of(room, booking)
    for contact, person in _by_contact(booking).items():
        for part in parts:
            whole = _digest(room.account_id, booking.id, contact, part.account_id)
            subject = f"{whole}-{_digest(part.apart)[:8]}" if part.apart else whole
            yield GrantWish(
                reference=_digest(subject, room.id, *times, *part.points),
                subject=subject,
                reservation=reservation,
                room_id=room.id,
                booking_id=booking.id,
                account_id=part.account_id,
                points=part.points,
                overriding=part.overriding,
                window=span,
                due=LONG_AGO if part.enforced else span.start,
                enforced=part.enforced,
                changes=part.changes,
                suspends=part.suspends,
                suspended=booking.blocked,
                lingers=part.lingers,
                person=person,
            )


def cards_of(
    room: Room, bookings: Iterable[Booking], now: datetime
) -> tuple[GrantWish, ...]:
    """Return what key cards of bookings are to be like, where there are any."""
    if not room.cards:
        return ()
    timing = room.timing.get(Effect.ACCESS, NO_TIMING)
    by_account: defaultdict[str, list[str]] = defaultdict(list)
    for point in sorted(room.cards):
        by_account[point.partition("/")[0]].append(point)
    parts = [_part(room, key, "", points) for key, points in by_account.items()]
    spans = ((window(each, timing), each) for each in bookings)
    return tuple(
        _card(room, booking, span, part)
        for span, booking in spans
        if span.end > now
        for part in parts
    )


def _card(room: Room, booking: Booking, span: Window, part: _Part) -> GrantWish:
    """Return what all cards of a booking at an access account are to be like."""
    reservation = reservation_of(room, booking)
    times = (span.start.isoformat(), span.end.isoformat())
    return GrantWish(
        reference=_digest(reservation, part.account_id, room.id, *times, *part.points),
        subject="",
        reservation=reservation,
        room_id=room.id,
        booking_id=booking.id,
        account_id=part.account_id,
        points=part.points,
        overriding=part.overriding,
        window=span,
        changes=part.changes,
        suspends=part.suspends,
        suspended=booking.blocked,
        card=True,
        person=booking.holder,
    )


def card_wish(card: GrantWish, subject: str) -> GrantWish:
    """Return the wish for one card of a booking."""
    return replace(card, subject=subject, reference=_digest(subject, card.reference))


def whole_of(subject: str) -> str:
    """Return what is the same for all grants of a person at an access account."""
    return subject.partition("-")[0]


def reservation_of(room: Room, booking: Booking) -> str:
    """Return what names a booking to the access systems."""
    return _digest(room.account_id, booking.id)


def _digest(*parts: str) -> str:
    """Return a short name for the parts that does not give them away."""
    return sha256("\0".join(parts).encode()).hexdigest()[:20]


def people(booking: Booking) -> tuple[Person, ...]:
    """Return who gets in: the holder, and the participants who can be reached."""
    return tuple(_by_contact(booking).values())


def _by_contact(booking: Booking) -> dict[str, Person]:
    """Return who gets in, each person once."""
    found = {_contact(booking.holder): booking.holder}
    for each in booking.participants:
        if each.phone or each.email:
            found.setdefault(_contact(each), each)
    return found


def _contact(person: Person) -> str:
    """Return what tells one person from another, however it is written."""
    number = _NOT_DIALLED.sub("", person.phone or "")
    return number or (person.email or person.id or person.name or "").casefold()
