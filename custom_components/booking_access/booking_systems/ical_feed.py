"""An iCalendar feed, read once and good for any window (RFC 5545, 3.8.4).

Its events become bookings that are what they are, and series that are expanded.
Personal data is in the bookings alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ..engine.models import Booking, BookingStatus, ContractError, Problem
from .ical_events import Entry, Reader, rank
from .ical_parse import BROKEN, Fault, Lost, lose, named_zone
from .ical_text import decode, event_lines, take_apart, unescaped
from .ical_times import (
    Change,
    Series,
    TooManyError,
    as_wall,
    occurrence_id,
    occurrences,
    overlaps,
    start_of,
)
from .ical_words import WRITTEN_AS_THEY_ARE, Words

# Of all recurring events in one window, and of one of them. More is a mistake, and
# each may become a key.
MAX_OCCURRENCES: Final = 10_000
MAX_OF_ONE: Final = 1_000
# What lasts so long may be a stay, whose arrival and departure are at its ends.
STAY: Final = timedelta(hours=12)
LONGEST_STAY: Final = timedelta(days=400)
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Feed:
    """A feed, read once, and good for any window."""

    name: str | None
    bookings: tuple[Booking, ...]
    series: tuple[Series, ...]
    problems: tuple[Problem, ...]
    lost: tuple[Lost, ...]
    lines: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Expansion:
    """A feed's bookings from start to end."""

    bookings: tuple[Booking, ...]
    start: datetime
    end: datetime
    complete: bool
    problems: tuple[Problem, ...]


def read_feed(
    body: bytes, resource_id: str, time_zone: str, words: Words = WRITTEN_AS_THEY_ARE
) -> Feed:
    """Read a feed; whole days are those of the zone.

    Raises ContractError if it is none, is cut off, or has only unreadable events.
    """
    days = named_zone(time_zone)
    if days is None:
        raise ContractError("time_zone")
    outline = take_apart(decode(body))
    reader = Reader(outline, resource_id, days, words)
    whole = _Assembly(list(_without_parts(list(reader.entries()), words)))
    if outline.blocks and not whole.entries:
        raise ContractError("VEVENT")
    bookings, series = tuple(whole.bookings()), tuple(whole.series())
    lost = (*reader.lost, *whole.lost)
    faults = sorted([*(each.fault for each in lost), *reader.faults, *whole.faults])
    lines = tuple(event_lines(body)) if faults or series else ()
    return Feed(
        name=outline.name,
        bookings=bookings,
        series=series,
        problems=tuple(_problem(fault, lines) for fault in faults),
        lost=lost,
        lines=lines,
    )


def expand(feed: Feed, start: datetime, end: datetime) -> Expansion:
    """Return all bookings of a feed that overlap [start, end), sorted."""
    found = [b for b in feed.bookings if overlaps(b.start, b.end, start, end)]
    most = len(found) + MAX_OCCURRENCES
    faults: list[Fault] = []
    for series in feed.series:
        limit = min(MAX_OF_ONE, most - len(found))
        try:
            found.extend(occurrences(series, start, end, limit))
        except TooManyError:  # those up to the limit stay
            faults.append(Fault(series.number, "too_many_occurrences", "RRULE"))
        except BROKEN:  # the library looks at some rules only now
            faults.append(Fault(series.number, "bad_event", "RRULE"))
    return Expansion(
        bookings=tuple(sorted(found, key=lambda b: (b.start, b.id))),
        start=start,
        end=end,
        complete=not faults and all(lost.is_over(start) for lost in feed.lost),
        problems=(*feed.problems, *(_problem(fault, feed.lines) for fault in faults)),
    )


def _without_parts(entries: Sequence[Entry], words: Words) -> Iterator[Entry]:
    """Yield the events; what belongs to a stay of the same days is no booking."""
    if words.parts is None:
        yield from entries
        return
    parts = [
        words.is_part(unescaped(entry.block.lines.value("SUMMARY")))
        for entry in entries
    ]
    stays = zip(entries, parts, strict=True) if any(parts) else ()
    days = {day for entry, part in stays if not part for day in _days(entry.booking)}
    for entry, part in zip(entries, parts, strict=True):
        booking = entry.booking
        short = booking.end - booking.start < STAY
        if part and short and booking.start.toordinal() in days:
            booking = replace(booking, status=BookingStatus.CANCELLED)
            yield entry._replace(booking=booking)
        else:
            yield entry


def _days(booking: Booking) -> range:
    """Return the days of a stay, the one before and the one after; else none."""
    length = booking.end - booking.start
    if booking.status is BookingStatus.CANCELLED or not STAY <= length <= LONGEST_STAY:
        return range(0)
    first, last = booking.start - _DAY, booking.end + _DAY
    return range(first.toordinal(), last.toordinal() + 1)


def _problem(fault: Fault, lines: Sequence[int]) -> Problem:
    """Return what people are told of a fault."""
    item = f"event {fault.number}"
    if fault.number <= len(lines):
        item = f"{item}, line {lines[fault.number - 1]}"
    return Problem(reason=fault.reason, item=item, field=fault.field)


class _Assembly:
    """Puts together what belongs together, by UID; the newest of each counts."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.lost: list[Lost] = []
        self.faults: list[Fault] = []
        self._masters: dict[str, Entry] = {}
        self._changed: dict[str, dict[datetime, Entry]] = {}
        for entry in entries:
            if entry.recurrence is None:
                self._keep_newest(self._masters, entry.booking.id, entry)
        for entry in entries:
            if entry.recurrence is not None:
                self._add_change(entry)

    def _add_change(self, entry: Entry) -> None:
        """Add what replaces one occurrence of a series."""
        uid = entry.booking.id
        like = self._masters.get(uid, entry).start
        assert entry.recurrence is not None
        try:
            instant = start_of(as_wall(entry.recurrence, like))
        except BROKEN:  # out of all calendars
            lost = lose(entry.block, "RECURRENCE-ID", entry.booking.start)
            self.lost.append(lost)
        else:
            self._keep_newest(self._changed.setdefault(uid, {}), instant, entry)

    def _keep_newest[KeyT](
        self, found: dict[KeyT, Entry], key: KeyT, entry: Entry
    ) -> None:
        """Keep the newer of two entries for the same thing."""
        other = found.setdefault(key, entry)
        if other is entry:
            return
        if rank(entry) == rank(other) and entry.booking != other.booking:
            self.faults.append(Fault(entry.block.number, "duplicate_uid", "UID"))
        if _order(entry) > _order(other):
            found[key] = entry

    def bookings(self) -> Iterator[Booking]:
        """Yield what does not recur, and the changed occurrences of what does."""
        for uid, entry in self._masters.items():
            changed = self._changed.get(uid, {})
            if not entry.recurs and start_of(entry.start) not in changed:
                yield entry.booking
        for uid, changed in self._changed.items():
            for instant, entry in changed.items():
                yield replace(entry.booking, id=occurrence_id(uid, instant))

    def series(self) -> Iterator[Series]:
        """Yield what recurs."""
        for uid, entry in self._masters.items():
            if entry.recurs:
                yield _series(entry, self._changed.get(uid, {}))


def _order(entry: Entry) -> tuple[int, datetime, datetime, datetime, str]:
    """Return what decides between two entries; always the same, if nothing else."""
    booking = entry.booking
    return *rank(entry), booking.start, booking.end, booking.summary


def _series(entry: Entry, changed: Mapping[datetime, Entry]) -> Series:
    """Return a recurring event with what its changed occurrences say."""
    start = entry.start
    dates = [*entry.dates] if entry.rule else [(start, entry.length), *entry.dates]
    changes = []
    for instant, other in sorted(changed.items()):
        if other.following and other.recurrence is not None:
            shift = other.start.wall - as_wall(other.recurrence, start).wall
            changes.append(Change(instant, shift, other.length, other.booking))
    return Series(
        number=entry.block.number,
        start=start,
        length=entry.length,
        rule=entry.rule,
        dates=tuple(dates),
        excluded=entry.excluded | changed.keys(),
        changes=tuple(changes),
        booking=entry.booking,
    )
