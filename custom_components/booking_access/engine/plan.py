"""What must be true of every room, door and appliance now, and until when."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from .models import FOREVER, LONG_AGO, Booking, Effect, Room, Timing
from .stays import Stay, overriding_points, stays_of, waits_at
from .windows import NO_TIMING, Refusal, refusal, window
from .wishes import GrantWish, cards_of, wishes_of

# A clock that is corrected by less than this undoes nothing that has begun.
SETBACK: Final = timedelta(seconds=30)
NO_WAITS: Final[Mapping[str, datetime]] = {}


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomPlan:
    """What the bookings want of one room, true from ``made`` until ``until``.

    ``active`` are the bookings whose window of an effect is open, ``upcoming``
    is when the next window of an effect opens, ``refused`` are coming bookings
    that end before they start. ``cards`` are what key cards of bookings are
    to be like, ``stays`` the bookings that others wait for.
    ``demands``, ``ends`` and ``expected`` are the room's
    part of those of the ``Plan``.
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
    cards: tuple[GrantWish, ...]
    stays: tuple[Stay, ...]
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
    ``expected`` is when another claim on a target comes next; ``waits`` is until
    when a booking waits for the earlier ones, at points where it would cancel
    their grants, by point and reservation.
    """

    rooms: Mapping[str, RoomPlan] = field(default_factory=dict)
    demands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ends: Mapping[str, datetime] = field(default_factory=dict)
    expected: Mapping[str, datetime] = field(default_factory=dict)
    waits: Mapping[str, Mapping[str, datetime]] = field(default_factory=dict)
    until: datetime = FOREVER

    def due(self, wish: GrantWish) -> datetime:
        """Return when a grant may be issued at the earliest."""
        return max(wish.due, self.waits_until(wish.overriding, wish.reservation))

    def waits_until(self, points: Iterable[str], reservation: str) -> datetime:
        """Return until when a booking waits for the earlier ones at some points."""
        theirs = (self.waits.get(each, NO_WAITS) for each in points)
        return max(
            (each.get(reservation, LONG_AGO) for each in theirs), default=LONG_AGO
        )


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
    changed = tuple(changed)
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
    points = {point for each in changed for point in overriding_points(each.room)}
    return Plan(
        rooms=rooms,
        demands=demands,
        ends=ends,
        expected=expected,
        waits=_waits(rooms, points, before.waits) if points else before.waits,
        until=until,
    )


def _waits(
    rooms: Mapping[str, RoomPlan],
    points: set[str],
    before: Mapping[str, Mapping[str, datetime]],
) -> Mapping[str, Mapping[str, datetime]]:
    """Return until when bookings wait for others; at some points that is new."""
    stays: defaultdict[str, list[Stay]] = defaultdict(list)
    for each in rooms.values():
        for point in points.intersection(overriding_points(each.room)):
            stays[point] += each.stays
    kept = {point: waits for point, waits in before.items() if point not in points}
    return kept | {point: waits_at(theirs) for point, theirs in stays.items()}


def plan_room(room: Room, bookings: tuple[Booking, ...], now: datetime) -> RoomPlan:
    """Plan one room; its bookings are in order of start."""
    reasons = [(each, refusal(each, tentative=room.tentative)) for each in bookings]
    counting = [each for each, reason in reasons if reason is None]
    lasting_no_time = (each for each, r in reasons if r is Refusal.NO_DURATION)
    refused = [each for each in lasting_no_time if each.start > now]
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
    entering = [each for each, reason in reasons if _enters(each, reason)]
    wishes, until = wishes_of(room, entering, now)
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
        cards=cards_of(room, entering, now),
        stays=stays_of(room, entering, now),
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


def _enters(booking: Booking, reason: Refusal | None) -> bool:
    """Whether a booking's people get in; those of a blocked one do later, perhaps."""
    if booking.closed:
        return False
    if reason is Refusal.BLOCKED:
        return booking.start < booking.end
    return reason is None


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


def targets(room: Room, effect: Effect) -> tuple[str, ...]:
    """Return what a window of the effect switches in a room."""
    if effect is not Effect.ACCESS:
        linked = (appliance(effect, each) for each in room.appliances.get(effect, ()))
        leads = room.id if room.leads is None else room.leads
        return (shown(leads, effect), *linked) if leads else ()
    if not room.points:  # its lock only follows the booking
        return (shown(room.id, effect),)
    return tuple(door(point) for point in room.held)
