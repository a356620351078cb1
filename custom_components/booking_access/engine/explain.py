"""Why a room does what it does: each line of its plan, with the rule behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from .bookings import AccountBookings
from .models import Booking, BookingStatus, Effect, Room, Timing
from .plan import Plan, targets
from .stays import overriding_points
from .windows import NO_TIMING, Refusal, Window, refusal, window
from .wishes import reservation_of

NO_PLAN: Final = Plan()


class Stage(StrEnum):
    """Where a line of the plan stands."""

    COMING = "coming"
    NOW = "now"
    WAITING = "waiting"  # for the earlier guest, whose key it would cancel
    REFUSED = "refused"


class Rule(StrEnum):
    """Why a booking counts."""

    BOOKED = "booked"
    TENTATIVE_COUNTS = "tentative_counts"  # as the account's options say
    MISSING = "missing"  # from the last answer, but not yet for long enough
    HELD_BACK = "held_back"  # it vanished with many others, and a human is asked
    KEPT = "kept"  # a human said to keep it although it vanished


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One effect of one booking, from start to end (UTC), or why it has none.

    ``rule`` is why the booking counts, ``timing`` how much earlier and later than
    the booking the effect lasts.
    """

    booking: Booking
    effect: Effect
    start: datetime
    end: datetime
    stage: Stage
    rule: Rule | Refusal
    timing: Timing = NO_TIMING
    targets: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()  # the access system keeps these times by itself


def explain(
    room: Room,
    account: AccountBookings,
    now: datetime,
    until: datetime,
    plan: Plan = NO_PLAN,
) -> Iterator[Line]:
    """Yield what the bookings of a room do from now on, up to an instant.

    ``plan`` is that of all rooms: it tells who waits for whom.
    """
    overriding = overriding_points(room)
    for booking in account.by_resource.get(room.resource_id, ()):
        reason = refusal(booking, tentative=room.tentative)
        if reason:
            if _is_between(booking, now, until):
                yield _refused(booking, reason)
            continue
        rule = _rule(booking, account)
        waits = plan.waits_until(overriding, reservation_of(room, booking))
        for effect in Effect:
            timing = room.timing.get(effect, NO_TIMING)
            span = window(booking, timing)
            if span.end <= now or span.start >= until:
                continue
            if effect is Effect.ACCESS and booking.closed:
                continue
            yield Line(
                booking=booking,
                effect=effect,
                start=span.start,
                end=span.end,
                stage=_stage(effect, span, now, waits),
                rule=rule,
                timing=timing,
                targets=targets(room, effect),
                granted=room.granted if effect is Effect.ACCESS else (),
                scheduled=room.scheduled if effect is Effect.ACCESS else (),
            )


def _refused(booking: Booking, reason: Refusal) -> Line:
    """Return the line of a booking that gives no access."""
    return Line(
        booking=booking,
        effect=Effect.ACCESS,
        start=booking.start,
        end=booking.end,
        stage=Stage.REFUSED,
        rule=reason,
    )


def _stage(effect: Effect, span: Window, now: datetime, waits: datetime) -> Stage:
    """Return where an effect stands; access may wait for the earlier guest."""
    if effect is Effect.ACCESS and max(now, span.start) < waits:
        return Stage.WAITING
    return Stage.NOW if now in span else Stage.COMING


def _rule(booking: Booking, account: AccountBookings) -> Rule:
    """Return why a booking counts."""
    known = account.known[booking.id]
    if booking.id in account.held_back:
        return Rule.HELD_BACK
    if known.kept:
        return Rule.KEPT
    if known.misses:
        return Rule.MISSING
    if booking.status is BookingStatus.TENTATIVE:
        return Rule.TENTATIVE_COUNTS
    return Rule.BOOKED


def _is_between(booking: Booking, now: datetime, until: datetime) -> bool:
    """Whether a booking, or one that ends before it starts, lies in the time asked for."""
    return now < max(booking.start, booking.end) and booking.start < until
