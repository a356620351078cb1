"""What is wanted at an instant, worked out the slow and plain way."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Effect,
    Room,
)
from custom_components.booking_access.engine.plan import RoomPlan

STATUSES = {
    False: (BookingStatus.CONFIRMED,),
    True: (BookingStatus.CONFIRMED, BookingStatus.TENTATIVE),
}


def gives_access(room: Room, booking: Booking) -> bool:
    """Whether a booking counts (rules 2 and 6)."""
    binding = booking.status in STATUSES[room.tentative] and not booking.transparent
    return binding and booking.start < booking.end


def opens(room: Room, booking: Booking, effect: Effect) -> datetime:
    """Return when a booking's window of an effect opens."""
    return booking.start - room.timing[effect].lead


def closes(room: Room, booking: Booking, effect: Effect) -> datetime:
    """Return when a booking's window of an effect closes."""
    return booking.end + room.timing[effect].lag


def open_for(
    room: Room, bookings: Iterable[Booking], effect: Effect, instant: datetime
) -> frozenset[str]:
    """Return the bookings whose window of an effect is open."""
    return frozenset(
        each.id
        for each in bookings
        if gives_access(room, each)
        and opens(room, each, effect) <= instant < closes(room, each, effect)
    )


def at_instant(
    room: Room, bookings: Iterable[Booking], instant: datetime
) -> dict[str, Any]:
    """Return all that a room's plan says, for one instant."""
    good = [each for each in bookings if gives_access(room, each)]
    later = [each for each in good if each.start > instant]
    return {
        "active": {each: open_for(room, good, each, instant) for each in Effect},
        "booked": {each.id for each in good if each.start <= instant < each.end},
        "coming": min((each.start for each in later), default=None),
        "upcoming": {
            effect: min(
                (o for b in good if (o := opens(room, b, effect)) > instant),
                default=FOREVER,
            )
            for effect in Effect
        },
        "wished": {
            each.id
            for each in good
            if room.granted
            and opens(room, each, Effect.ACCESS) - room.issue_ahead <= instant
            and instant < closes(room, each, Effect.ACCESS)
        },
        "refused": {
            each.id
            for each in bookings
            if each.status in STATUSES[room.tentative]
            and not each.transparent
            and each.end <= each.start
            and each.start > instant
        },
    }


def said_by(plan: RoomPlan) -> dict[str, Any]:
    """Return what a room's plan says, in the same words."""
    return {
        "active": dict(plan.active),
        "booked": {each.id for each in plan.booked},
        "coming": plan.coming.start if plan.coming else None,
        "upcoming": {each: plan.upcoming.get(each, FOREVER) for each in Effect},
        "wished": {each.booking_id for each in plan.wishes},
        "refused": set(plan.refused),
    }
