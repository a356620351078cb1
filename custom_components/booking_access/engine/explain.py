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
        for effect in Effect:
            span = window(booking, room.timing.get(effect, NO_TIMING))
            if reason:
                if (
                    effect is Effect.ACCESS
                    and now < max(booking.start, booking.end) <= until
                ):
                    yield _line(booking, effect, booking.start, booking.end, reason)
                continue
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


def _line(
    booking: Booking, effect: Effect, start: datetime, end: datetime, reason: Refusal
) -> Line:
    """Return that a booking gives no access."""
    return Line(
        booking=booking,
        effect=effect,
        start=start,
        end=end,
        stage=Stage.REFUSED,
        refusal=reason,
    )
