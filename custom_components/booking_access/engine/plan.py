"""What must be true of every room, door and appliance now, and until when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
import re
from typing import Final

from .models import FOREVER, Booking, Effect, Person, Room, Timing
from .windows import Refusal, Window, refusal, window

NO_TIMING: Final = Timing()
# A clock that is corrected by less than this undoes nothing that has begun.
SETBACK: Final = timedelta(seconds=30)
_NOT_DIALLED: Final = re.compile(r"[^+\d]")


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantWish:
    """That one person of a booking may pass some points of one access account.

    ``subject`` names who, where and for which booking; ``reference`` names the
    very wish, with its times, points and how the person is reached, so a
    changed wish has another reference and the same subject. ``reservation``
    names the booking.
    """

    reference: str
    subject: str
    reservation: str
    room_id: str
    booking_id: str
    account_id: str
    points: tuple[str, ...]  # the account's own point ids
    window: Window
    person: Person = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomPlan:
    """What the bookings want of one room, true from ``made`` until ``until``.

    ``active`` are the bookings whose window of an effect is open, ``upcoming``
    is when the next window of an effect opens, ``refused`` are coming bookings
    that end before they start. ``demands``, ``ends`` and ``expected`` are the
    room's part of those of the ``Plan``.
    """

    room: Room
    bookings: tuple[Booking, ...]
    made: datetime = field(compare=False)
    until: datetime
    booked: tuple[Booking, ...]
    active: Mapping[Effect, frozenset[str]]
    upcoming: Mapping[Effect, datetime]
    coming: Booking | None  # the next to start
    wishes: tuple[GrantWish, ...]
    refused: tuple[str, ...]
    demands: Mapping[str, frozenset[str]]
    ends: Mapping[str, datetime]
    expected: Mapping[str, datetime]

    def holds(self, room: Room, bookings: tuple[Booking, ...], now: datetime) -> bool:
        """Whether it still is the plan for the room."""
        return (
            self.bookings is bookings
            and self.made - SETBACK <= now < self.until
            and (self.room is room or self.room == room)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What all rooms together want.

    ``demands`` are the claims on each target that bookings switch on: doors
    to hold open, appliances, and what a room shows of itself (rule 7: the
    union over all rooms), ``ends`` when the last claim that is there now goes;
    ``expected`` is when another claim on a target comes next.
    """

    rooms: Mapping[str, RoomPlan] = field(default_factory=dict)
    demands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ends: Mapping[str, datetime] = field(default_factory=dict)
    expected: Mapping[str, datetime] = field(default_factory=dict)
    until: datetime = FOREVER


def door(point: str) -> str:
    """Name an access point to hold open as a target."""
    return f"door/{point}"


def appliance(effect: Effect, entity: str) -> str:
    """Name an appliance as a target."""
    return f"{effect}/{entity}"


def shown(room_id: str, effect: Effect) -> str:
    """Name what a room shows of an effect as a target."""
    return f"room/{room_id}/{effect}"


def claim(room_id: str, booking_id: str) -> str:
    """Name the claim of one booking in one room."""
    return f"{room_id}/{booking_id}"


def plan(
    rooms: Iterable[Room],
    bookings: Mapping[str, Mapping[str, tuple[Booking, ...]]],
    now: datetime,
    before: Plan | None = None,
) -> Plan:
    """Plan all rooms; ``bookings`` are by account and resource, in order of start.

    Rooms of ``before`` for which nothing changed are taken over as they are,
    and so is all of it where no room changed.
    """
    old = before.rooms if before else {}
    planned: dict[str, RoomPlan] = {}
    changed: list[RoomPlan] = []
    for room in rooms:
        theirs = bookings.get(room.account_id, {}).get(room.resource_id, ())
        kept = old.get(room.id)
        if kept is None or not kept.holds(room, theirs, now):
            kept = plan_room(room, theirs, now)
            changed.append(kept)
        planned[room.id] = kept
    changed += [each for key, each in old.items() if planned.get(key) is not each]
    if before and not changed:
        return before
    return _together(planned, changed, before or Plan())


def _together(
    rooms: Mapping[str, RoomPlan], changed: Iterable[RoomPlan], before: Plan
) -> Plan:
    """Unite what the rooms want; only what changed rooms want is worked out anew."""
    touched = {target for each in changed for target in (*each.demands, *each.expected)}
    demands, expected = dict(before.demands), dict(before.expected)
    ends = dict(before.ends)
    for target in touched:
        demands.pop(target, None)
        ends.pop(target, None)
        expected.pop(target, None)
    claimed: defaultdict[str, set[str]] = defaultdict(set)
    until = FOREVER
    for each in rooms.values():
        until = min(until, each.until)
        for target in touched & each.demands.keys():
            claimed[target] |= each.demands[target]
            ends[target] = max(ends.get(target, each.ends[target]), each.ends[target])
        for target in touched & each.expected.keys():
            due = each.expected[target]
            expected[target] = min(expected.get(target, due), due)
    demands |= {target: frozenset(claims) for target, claims in claimed.items()}
    return Plan(rooms=rooms, demands=demands, ends=ends, expected=expected, until=until)


def plan_room(room: Room, bookings: tuple[Booking, ...], now: datetime) -> RoomPlan:
    """Plan one room; its bookings are in order of start."""
    reasons = [(each, refusal(each, tentative=room.tentative)) for each in bookings]
    counting = [each for each, reason in reasons if reason is None]
    refused = [
        each
        for each, reason in reasons
        if reason is Refusal.NO_DURATION and each.start > now
    ]
    booked, coming, until = _around(counting, NO_TIMING, now)
    edges = [until, *(each.start for each in refused)]
    active: dict[Effect, frozenset[str]] = {}
    last: dict[Effect, datetime] = {}
    upcoming: dict[Effect, datetime] = {}
    for effect in Effect:
        timing = room.timing.get(effect, NO_TIMING)
        inside, following, until = _around(_for(effect, counting), timing, now)
        active[effect] = frozenset(each.id for each in inside)
        last[effect] = max((window(each, timing).end for each in inside), default=now)
        edges.append(until)
        if following:
            upcoming[effect] = window(following, timing).start
    wishes, until = _wishes(room, _for(Effect.ACCESS, counting), now)
    demands, ends, expected = _switches(room, active, last, upcoming)
    return RoomPlan(
        room=room,
        bookings=bookings,
        made=now,
        until=min(until, *edges),
        booked=tuple(booked),
        active=active,
        upcoming=upcoming,
        coming=coming,
        wishes=wishes,
        refused=tuple(each.id for each in refused),
        demands=demands,
        ends=ends,
        expected=expected,
    )


def _for(effect: Effect, bookings: list[Booking]) -> list[Booking]:
    """Return the bookings that count for an effect: all whose access is not over."""
    if effect is not Effect.ACCESS:
        return bookings
    return [each for each in bookings if not each.closed]


def _around(
    bookings: Iterable[Booking], timing: Timing, now: datetime
) -> tuple[list[Booking], Booking | None, datetime]:
    """Return whose window is open, whose opens next, and when that changes."""
    inside: list[Booking] = []
    until = FOREVER
    opening, closed = now + timing.lead, now - timing.lag
    for booking in bookings:
        if booking.start > opening:
            return inside, booking, min(until, window(booking, timing).start)
        if booking.end > closed:
            inside.append(booking)
            until = min(until, window(booking, timing).end)
    return inside, None, until


def _switches(
    room: Room,
    active: Mapping[Effect, frozenset[str]],
    last: Mapping[Effect, datetime],
    upcoming: Mapping[Effect, datetime],
) -> tuple[dict[str, frozenset[str]], dict[str, datetime], dict[str, datetime]]:
    """Return the claims on the room's targets, when they end, and the next ones."""
    demands: dict[str, frozenset[str]] = {}
    ends: dict[str, datetime] = {}
    expected: dict[str, datetime] = {}
    for effect in Effect:
        claims = frozenset(claim(room.id, each) for each in active[effect])
        opens = upcoming.get(effect)
        for target in targets(room, effect):
            if claims:
                demands[target] = claims
                ends[target] = last[effect]
            if opens:
                expected[target] = opens
    return demands, ends, expected


def _wishes(
    room: Room, bookings: Iterable[Booking], now: datetime
) -> tuple[tuple[GrantWish, ...], datetime]:
    """Return the grants that are due, and when the next one is."""
    points = _by_account(room.granted)
    if not points:
        return (), FOREVER
    timing = room.timing.get(Effect.ACCESS, NO_TIMING)
    wishes: list[GrantWish] = []
    for booking in bookings:
        span = window(booking, timing)
        if span.start > now + room.issue_ahead:
            return tuple(wishes), span.start - room.issue_ahead
        if span.end > now:
            wishes += _wishes_of(room, booking, span, points)
    return tuple(wishes), FOREVER


def _by_account(points: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sort points by the access account that they belong to."""
    sorted_points: defaultdict[str, list[str]] = defaultdict(list)
    for point in sorted(points):
        account_id, _, point_id = point.partition("/")
        sorted_points[account_id].append(point_id)
    return {account_id: tuple(ids) for account_id, ids in sorted_points.items()}


def _wishes_of(
    room: Room, booking: Booking, span: Window, points: Mapping[str, tuple[str, ...]]
) -> Iterable[GrantWish]:
    """Wish for a grant for each person of the booking at each access account."""
    times = (span.start.isoformat(), span.end.isoformat())
    reservation = _digest(room.account_id, booking.id)
    for contact, person in _by_contact(booking).items():
        for account_id, point_ids in points.items():
            subject = _digest(room.account_id, booking.id, contact, account_id)
            yield GrantWish(
                reference=_digest(subject, room.id, *times, *point_ids),
                subject=subject,
                reservation=reservation,
                room_id=room.id,
                booking_id=booking.id,
                account_id=account_id,
                points=point_ids,
                window=span,
                person=person,
            )


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


def targets(room: Room, effect: Effect) -> tuple[str, ...]:
    """Return what a window of the effect switches in a room."""
    if effect is not Effect.ACCESS:
        linked = (appliance(effect, each) for each in room.appliances.get(effect, ()))
        return (shown(room.id, effect), *linked)
    if not room.points:  # its lock only follows the booking
        return (shown(room.id, effect),)
    return tuple(door(point) for point in room.held)
