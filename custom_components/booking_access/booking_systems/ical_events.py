"""The events of an iCalendar feed, each as a booking (RFC 5545, 3.6.1 and 3.8)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Final, NamedTuple

from ical.event import Event
from ical.types import Period, Range, Recur, RecurrenceId

from ..engine.models import NOBODY, Booking, BookingStatus, Person
from .ical_parse import BROKEN, Fault, Lost, floating_zone, lose, read_events
from .ical_people import completed, read_people
from .ical_text import Block, Outline, unescaped, value_of
from .ical_times import Length, Moment, as_wall, bounded, span, start_of
from .ical_words import WRITTEN_AS_THEY_ARE, Words

_STATUS: Final = {
    "": BookingStatus.CONFIRMED,
    "CONFIRMED": BookingStatus.CONFIRMED,
    "TENTATIVE": BookingStatus.TENTATIVE,
    "CANCELLED": BookingStatus.CANCELLED,
    "CANCELED": BookingStatus.CANCELLED,
}
_EPOCH: Final = datetime.min.replace(tzinfo=UTC)
_DAY: Final = timedelta(days=1)


class Entry(NamedTuple):
    """One event, read; ``recurrence`` says which occurrence of its series it is."""

    block: Block
    booking: Booking
    start: Moment
    length: Length
    rule: Recur | None
    dates: Sequence[tuple[Moment, Length]]
    excluded: frozenset[datetime]
    recurrence: date | None
    following: bool

    @property
    def recurs(self) -> bool:
        """Whether it is more than once."""
        return self.rule is not None or bool(self.dates)


class _UnreadableError(Exception):
    """An event cannot be read, because of a property."""

    def __init__(self, wire_field: str) -> None:
        super().__init__(wire_field)
        self.field = wire_field


class Reader:
    """Reads the events of one feed, and remembers what is wrong with them."""

    def __init__(
        self,
        outline: Outline,
        resource_id: str,
        days: tzinfo,
        words: Words = WRITTEN_AS_THEY_ARE,
    ) -> None:
        """Read for a resource whose whole days are those of the zone."""
        self.lost: list[Lost] = []
        self.faults: list[Fault] = []
        self._outline = outline
        self._resource_id = resource_id
        self._days = days
        self._words = words
        self._floating = floating_zone(outline, days)

    def entries(self) -> Iterator[Entry]:
        """Yield the events that can be read."""
        for block, event in read_events(self._outline, self.lost):
            try:
                yield self._entry(block, event)
            except _UnreadableError as err:
                self.lost.append(lose(block, err.field, event.dtstart))
            except BROKEN:  # such as a zone that is at odds with itself
                self.lost.append(lose(block, "DTSTART", event.dtstart))

    def _entry(self, block: Block, event: Event) -> Entry:
        """Read one event."""
        if event.dtstart is None:
            raise _UnreadableError("DTSTART")
        start = self._moment(event.dtstart)
        length = self._length(start, event)
        recurrence, following = _recurrence(event.recurrence_id)
        return Entry(
            block,
            self._booking(block, *span(start, length)),
            start,
            length,
            _rule(block, start),
            tuple(_dated(each, start, length) for each in event.rdate),
            frozenset(start_of(as_wall(each, start)) for each in event.exdate),
            recurrence,
            following,
        )

    def _moment(self, value: date) -> Moment:
        """Return a date or time by the clock."""
        if not isinstance(value, datetime):
            midnight = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - the zone comes later
            return Moment(midnight, self._days, whole_day=True)
        zone = value.tzinfo or self._floating
        return Moment(value.replace(tzinfo=None), zone)

    def _length(self, start: Moment, event: Event) -> Length:
        """Return how long an event lasts.

        Days are by the clock. So are hours between two times of the same zone: who
        books until six wants the room until six on any night of the year.
        """
        if event.dtend is None:
            if event.duration is None:
                return Length(_DAY if start.whole_day else timedelta())
            days = timedelta(event.duration.days)
            return Length(days, event.duration - days)
        end = self._moment(event.dtend)
        if end.zone is start.zone or str(end.zone) == str(start.zone):
            wall = end.wall - start.wall
            # Many say that a day ends on the day itself, though RFC 5545 does not.
            return Length(wall or _DAY) if start.whole_day else Length(wall)
        return Length(exact=start_of(end) - start_of(start))

    def _booking(self, block: Block, start: datetime, end: datetime) -> Booking:
        """Return an event as the booking that it would be if it were alone."""
        summary = unescaped(block.lines.value("SUMMARY"))
        organizers = self._people(block, "ORGANIZER")
        description = unescaped(block.lines.value("DESCRIPTION"))
        guest = self._words.guest(summary, description)
        return Booking(
            id=unescaped(block.lines.value("UID")) or _digest(start, end, summary),
            resource_id=self._resource_id,
            start=start,
            end=end,
            summary=self._words.title(summary),
            status=self._status(block, summary),
            transparent=block.lines.value("TRANSP").strip().upper() == "TRANSPARENT",
            holder=completed(organizers[0] if organizers else NOBODY, guest),
            participants=self._people(block, "ATTENDEE"),
            updated_at=_stamp(block, "LAST-MODIFIED"),
        )

    def _status(self, block: Block, summary: str) -> BookingStatus:
        """Return how binding an event is; a day that is not for sale is no booking."""
        if self._words.is_no_booking(summary):
            return BookingStatus.CANCELLED
        status = _STATUS.get(block.lines.value("STATUS").strip().upper())
        if status is None:  # whatever it is, it is not confirmed
            status = BookingStatus.TENTATIVE
            self.faults.append(Fault(block.number, "unknown_status", "STATUS"))
        return status

    def _people(self, block: Block, name: str) -> tuple[Person, ...]:
        """Return the people of a property; what cannot be read is nobody."""
        people, whole = read_people(block, name)
        if not whole:
            self.faults.append(Fault(block.number, "bad_property", name))
        return people


def _dated(
    value: date | Period, start: Moment, length: Length
) -> tuple[Moment, Length]:
    """Return an occurrence that is not by the rule."""
    if not isinstance(value, Period):
        return as_wall(value, start), length
    begin, end = as_wall(value.start, start), as_wall(value.end_value, start)
    return begin, Length(exact=start_of(end) - start_of(begin))


def _rule(block: Block, start: Moment) -> Recur | None:
    """Return the rule by which an event recurs."""
    rules = block.lines.of("RRULE")
    if not rules:
        return None
    try:
        [line] = rules
        return bounded(Recur.from_rrule(value_of(line).upper().strip("; ")), start)
    except BROKEN as err:
        raise _UnreadableError("RRULE") from err


def _recurrence(value: RecurrenceId | None) -> tuple[date | None, bool]:
    """Return which occurrence an event stands for, and whether for all later ones."""
    if value is None:
        return None, False
    try:
        time = RecurrenceId.to_value(value)
    except ValueError as err:
        raise _UnreadableError("RECURRENCE-ID") from err
    if isinstance(time, datetime) and value.tzinfo:
        time = time.replace(tzinfo=value.tzinfo)
    return time, value.range is Range.THIS_AND_FUTURE


def rank(entry: Entry) -> tuple[int, datetime]:
    """Return how new an event is, among those with the same UID."""
    sequence = entry.block.lines.value("SEQUENCE").strip()
    stamps = (_stamp(entry.block, name) for name in ("DTSTAMP", "LAST-MODIFIED"))
    return (
        int(sequence) if sequence.isdecimal() else 0,
        max((stamp for stamp in stamps if stamp), default=_EPOCH),
    )


def _stamp(block: Block, name: str) -> datetime | None:
    """Return an instant that is good to have, and no loss if it is not there."""
    value = block.lines.value(name)
    if not value:
        return None
    try:
        stamp = datetime.fromisoformat(value)
    except ValueError:
        return None
    return stamp.astimezone(UTC) if stamp.tzinfo else stamp.replace(tzinfo=UTC)


def _digest(start: datetime, end: datetime, summary: str) -> str:
    """Return an id for an event that has none."""
    return sha256(f"{start}/{end}/{summary}".encode()).hexdigest()[:16]
