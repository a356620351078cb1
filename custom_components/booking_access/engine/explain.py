"""Why a room does what it does: each line of its plan, with the rule behind it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .models import Booking, Effect, Room
from .plan import NO_TIMING, targets
from .windows import Refusal, refusal, window


class Stage(StrEnum):
    """Where a line of the plan stands."""

    COMING = "coming"
    NOW = "now"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One effect of one booking, from start to end (UTC), or why it has none."""

    booking: Booking
    effect: Effect
    start: datetime
    end: datetime
    stage: Stage
    targets: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    refusal: Refusal | None = None


def explain(
    room: Room, bookings: tuple[Booking, ...], now: datetime, until: datetime
) -> Iterator[Line]:
    """Yield what the bookings of a room do from now on, up to an instant."""
    for booking in bookings:
        reason = refusal(booking, tentative=room.tentative)
        if reason and _is_between(booking, now, until):
            yield Line(
                booking=booking,
                effect=Effect.ACCESS,
                start=booking.start,
                end=booking.end,
                stage=Stage.REFUSED,
                refusal=reason,
            )
        if reason:
            continue
        for effect in Effect:
            span = window(booking, room.timing.get(effect, NO_TIMING))
            if span.end <= now or span.start >= until:
                continue
            yield Line(
                booking=booking,
                effect=effect,
                start=span.start,
                end=span.end,
                stage=Stage.NOW if now in span else Stage.COMING,
                targets=targets(room, effect),
                granted=room.granted if effect is Effect.ACCESS else (),
            )


def _is_between(booking: Booking, now: datetime, until: datetime) -> bool:
    """Whether a booking, or one that ends before it starts, lies in the time asked for."""
    return now < max(booking.start, booking.end) and booking.start < until
