"""Windows: half-open spans of time around a booking."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Final

from .models import FOREVER, LONG_AGO, Booking, BookingStatus, Timing

NO_TIMING: Final = Timing()


class Refusal(StrEnum):
    """Why a booking gives no access."""

    NO_DURATION = "no_duration"
    TENTATIVE = "tentative"
    TRANSPARENT = "transparent"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From start up to but not including end, both UTC."""

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        """Whether the instant lies inside."""
        return self.start <= instant < self.end


def window(booking: Booking, timing: Timing) -> Window:
    """Return the span of an effect of a booking; an open end stays open."""
    end = FOREVER if booking.end >= FOREVER else booking.end + timing.lag
    return Window(max(booking.start, LONG_AGO) - timing.lead, end)


def refusal(booking: Booking, *, tentative: bool = False) -> Refusal | None:
    """Return why a booking gives no access; None if it does.

    ``tentative`` says that tentative bookings are to count.
    """
    if booking.status is BookingStatus.CANCELLED:
        return Refusal.CANCELLED
    if booking.status is BookingStatus.TENTATIVE and not tentative:
        return Refusal.TENTATIVE
    if booking.transparent:
        return Refusal.TRANSPARENT
    if booking.blocked:
        return Refusal.BLOCKED
    if booking.end <= booking.start:
        return Refusal.NO_DURATION
    return None


def union(windows: Iterable[Window]) -> tuple[Window, ...]:
    """Return the windows merged where they overlap or touch, in order of time."""
    merged: list[Window] = []
    lasting = (each for each in windows if each.start < each.end)
    for each in sorted(lasting, key=attrgetter("start")):
        if merged and each.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, each.end))
        else:
            merged.append(each)
    return tuple(merged)
