"""Where the next booking's grant cancels that of the one before: who waits for whom."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from .models import LONG_AGO, Booking, Effect, Room
from .windows import NO_TIMING, Window, window
from .wishes import AS_USUAL, reservation_of


@dataclass(frozen=True, slots=True, order=True)
class Stay:
    """The access window of a booking."""

    window: Window
    reservation: str


def overriding_points(room: Room) -> tuple[str, ...]:
    """Return the points of a room at which grants cancel those of other bookings."""
    return tuple(
        point
        for point in dict.fromkeys((*room.granted, *room.cards))
        if room.traits.get(point, AS_USUAL).overrides
    )


def stays_of(
    room: Room, bookings: Iterable[Booking], now: datetime
) -> tuple[Stay, ...]:
    """Return the stays in a room that are not over, where others wait for them."""
    if not overriding_points(room):
        return ()
    timing = room.timing.get(Effect.ACCESS, NO_TIMING)
    spans = ((window(each, timing), each) for each in bookings)
    return tuple(
        Stay(span, reservation_of(room, each)) for span, each in spans if span.end > now
    )


def waits_at(stays: Iterable[Stay]) -> Mapping[str, datetime]:
    """Return until when each reservation waits for those that begin before it."""
    own: dict[str, Window] = {}
    for each in stays:
        known = own.get(each.reservation, each.window)
        own[each.reservation] = Window(
            min(known.start, each.window.start), max(known.end, each.window.end)
        )
    waits: dict[str, datetime] = {}
    until = LONG_AGO
    for reservation, span in sorted(own.items(), key=lambda item: (item[1], item[0])):
        waits[reservation] = until
        until = max(until, span.end)
    return waits
