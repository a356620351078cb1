"""Bookings, rooms and answers in few words, for the tests of the engine."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from custom_components.booking_access.engine.bookings import AccountBookings, merge
from custom_components.booking_access.engine.models import (
    Absence,
    Booking,
    Effect,
    Person,
    Room,
    Snapshot,
    Timing,
)
from custom_components.booking_access.engine.plan import Plan, plan

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
DOOR = "door/locks/front"
ANNA = Person(name="Anna", phone="+4511111111")
HOLDERS = {"a": ANNA}


def at(clock: str, day: int = 0) -> datetime:
    """Return an instant on Monday, or so many days later."""
    return datetime.combine(MONDAY, time.fromisoformat(clock), UTC) + minutes(
        24 * 60 * day
    )


def minutes(number: float) -> timedelta:
    """Return so many minutes."""
    return timedelta(minutes=number)


def seconds(number: float) -> timedelta:
    """Return so many seconds."""
    return timedelta(seconds=number)


def local(zone: str, wall: str, fold: int = 0) -> datetime:
    """Return the instant at which a clock on the wall shows this."""
    there = datetime.fromisoformat(wall).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return there.astimezone(UTC)


def utc(text: str) -> datetime:
    """Return an instant written in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def booking(
    start: str | datetime = "10:00",
    end: str | datetime = "11:00",
    id: str = "a",
    **changes: Any,
) -> Booking:
    """Return a booking of the hall on Monday, by Anna if it is the first one."""
    made = Booking(
        id=id,
        resource_id="hall",
        start=at(start) if isinstance(start, str) else start,
        end=at(end) if isinstance(end, str) else end,
        holder=HOLDERS.get(id, Person(name=id)),
    )
    return replace(made, **changes)


def timing(
    lead: float = 15, lag: float = 15, **effects: Timing
) -> dict[Effect, Timing]:
    """Return the same lead and lag for all effects but those named."""
    same = Timing(lead=minutes(lead), lag=minutes(lag))
    return dict.fromkeys(Effect, same) | {Effect(k): v for k, v in effects.items()}


def room(
    id: str = "room",
    **changes: Any,
) -> Room:
    """Return a room over the hall whose front door is held open."""
    made = Room(
        id=id,
        account_id="bookings",
        resource_id="hall",
        name="Hall",
        points=("locks/front",),
        held=("locks/front",),
        timing=timing(),
    )
    return replace(made, **changes)


def granting(**changes: Any) -> Room:
    """Return a room over the hall whose people get a key to the front door."""
    return room(**{"held": (), "granted": ("locks/front",), **changes})


def sorted_out(bookings: Iterable[Booking]) -> dict[str, tuple[Booking, ...]]:
    """Return the bookings by resource and in order, as they are planned."""
    found: dict[str, list[Booking]] = {}
    for each in sorted(bookings, key=lambda each: (each.start, each.end, each.id)):
        found.setdefault(each.resource_id, []).append(each)
    return {key: tuple(each) for key, each in found.items()}


def plan_of(
    now: datetime,
    *bookings: Booking,
    rooms: Iterable[Room] | None = None,
    before: Plan | None = None,
) -> Plan:
    """Plan some rooms, or just the one, for these bookings."""
    return plan(
        [room()] if rooms is None else rooms,
        {"bookings": sorted_out(bookings)},
        now,
        before,
    )


def answer(*bookings: Booking, now: datetime, **changes: Any) -> Snapshot:
    """Return what a booking system answers when it is asked for two weeks."""
    made = Snapshot(
        bookings=bookings,
        start=now - timedelta(days=1),
        end=now + timedelta(days=14),
    )
    return replace(made, **changes)


def known(*bookings: Booking, now: datetime) -> AccountBookings:
    """Return what is known after a first answer."""
    found, _ = merge(
        AccountBookings(), answer(*bookings, now=now), now, Absence.LISTING
    )
    return found
