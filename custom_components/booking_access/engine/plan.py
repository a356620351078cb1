"""What must be true of every room, door and appliance now, and until when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from .models import FOREVER, Booking, Effect, Person, Room, Timing
from .windows import Window, refusal, window

NO_TIMING: Final = Timing()


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantWish:
    """That one person of a booking may pass some points of one access account.

    ``subject`` names who, where and for which booking; ``reference`` names the
    very wish, with its times, points and how the person is reached, so a
    changed wish has another reference and the same subject.
    """

    reference: str
    subject: str
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
    that end before they start.
    """

    room: Room
    bookings: tuple[Booking, ...]
    made: datetime
    until: datetime
    booked: tuple[Booking, ...]
    active: Mapping[Effect, frozenset[str]]
    upcoming: Mapping[Effect, datetime]
    coming: Booking | None  # the next to start
    wishes: tuple[GrantWish, ...]
    refused: tuple[str, ...]

    def holds(self, room: Room, bookings: tuple[Booking, ...], now: datetime) -> bool:
        """Whether it still is the plan for the room."""
        return (
            self.bookings is bookings
            and self.made <= now < self.until
            and self.room == room
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What all rooms together want.

    ``demands`` are the claims on each target that bookings switch on: doors
    to hold open, appliances, and what a room shows of itself; ``expected``
    is when a target without a claim is wanted next (rule 7: a target's claims
    are the union over all rooms).
    """

    rooms: Mapping[str, RoomPlan] = field(default_factory=dict)
    demands: Mapping[str, frozenset[str]] = field(default_factory=dict)
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
    same = True
    for room in rooms:
        theirs = bookings.get(room.account_id, {}).get(room.resource_id, ())
        kept = old.get(room.id)
        if kept is None or not kept.holds(room, theirs, now):
            kept = plan_room(room, theirs, now)
            same = False
        planned[room.id] = kept
    if before and same and len(planned) == len(old):
        return before
    return _together(planned)


def plan_room(room: Room, bookings: tuple[Booking, ...], now: datetime) -> RoomPlan:
    """Plan one room; its bookings are in order of start."""
    timings = {effect: room.timing.get(effect, NO_TIMING) for effect in Effect}
    most_lead = max(timing.lead for timing in timings.values())
    access = timings[Effect.ACCESS]
    points = _by_account(room.granted)

    until = FOREVER
    booked: list[Booking] = []
    active: dict[Effect, list[str]] = {effect: [] for effect in Effect}
    upcoming: dict[Effect, datetime] = {}
    coming: Booking | None = None
    wishes: list[GrantWish] = []
    beyond = False  # no later booking can matter to an effect any more
    for booking in bookings:
        if refusal(booking, tentative=room.tentative):
            continue
        if not beyond:
            for effect, timing in timings.items():
                span = window(booking, timing)
                if span.start > now:
                    upcoming[effect] = min(upcoming.get(effect, FOREVER), span.start)
                    until = min(until, span.start)
                elif span.end > now:
                    active[effect].append(booking.id)
                    until = min(until, span.end)
            if booking.start > now:
                coming = coming or booking
                until = min(until, booking.start)
            elif booking.end > now:
                booked.append(booking)
                until = min(until, booking.end)
            beyond = booking.start - most_lead > now
        if points:
            span = window(booking, access)
            if span.start - room.issue_ahead > now:
                until = min(until, span.start - room.issue_ahead)
                break
            if span.end > now:
                wishes += _wishes(room, booking, span, points)
        elif beyond:
            break
    return RoomPlan(
        room=room,
        bookings=bookings,
        made=now,
        until=until,
        booked=tuple(booked),
        active={effect: frozenset(ids) for effect, ids in active.items()},
        upcoming=upcoming,
        coming=coming,
        wishes=tuple(wishes),
        refused=tuple(
            each.id for each in bookings if each.end <= each.start and each.start > now
        ),
    )


def _by_account(points: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Sort points by the access account that they belong to."""
    sorted_points: defaultdict[str, list[str]] = defaultdict(list)
    for point in points:
        account_id, _, point_id = point.partition("/")
        sorted_points[account_id].append(point_id)
    return {account_id: tuple(ids) for account_id, ids in sorted_points.items()}


def _wishes(
    room: Room, booking: Booking, span: Window, points: Mapping[str, tuple[str, ...]]
) -> Iterable[GrantWish]:
    """Wish for a grant for each person of the booking at each access account."""
    for person in people(booking):
        contact = _contact(person)
        for account_id, point_ids in points.items():
            subject = _digest(room.id, booking.id, account_id, contact)
            times = (span.start.isoformat(), span.end.isoformat())
            yield GrantWish(
                reference=_digest(subject, *times, *point_ids),
                subject=subject,
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
    reachable = [each for each in booking.participants if each.phone or each.email]
    found = {_contact(each): each for each in reversed([booking.holder, *reachable])}
    return tuple(reversed(found.values()))


def _contact(person: Person) -> str:
    """Return what tells one person from another."""
    return person.phone or person.email or person.id or person.name or ""


def _together(rooms: Mapping[str, RoomPlan]) -> Plan:
    """Unite what the rooms want of each target."""
    demands: defaultdict[str, set[str]] = defaultdict(set)
    expected: dict[str, datetime] = {}
    until = FOREVER
    for room_id, room_plan in rooms.items():
        until = min(until, room_plan.until)
        for effect in Effect:
            claims = {claim(room_id, each) for each in room_plan.active[effect]}
            opens = room_plan.upcoming.get(effect)
            if not claims and not opens:
                continue
            for target in targets(room_plan.room, effect):
                if claims:
                    demands[target] |= claims
                if opens:
                    expected[target] = min(expected.get(target, FOREVER), opens)
    return Plan(
        rooms=rooms,
        demands={target: frozenset(claims) for target, claims in demands.items()},
        expected=expected,
        until=until,
    )


def targets(room: Room, effect: Effect) -> tuple[str, ...]:
    """Return what a window of the effect switches in a room."""
    if effect is not Effect.ACCESS:
        linked = (appliance(effect, each) for each in room.appliances.get(effect, ()))
        return (shown(room.id, effect), *linked)
    if not room.points:  # its lock only follows the booking
        return (shown(room.id, effect),)
    return tuple(door(point) for point in room.held)
