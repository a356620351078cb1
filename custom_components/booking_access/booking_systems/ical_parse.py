"""The times of an iCalendar feed's events, as the ``ical`` library reads them.

It reads many events at once. That is fast, but one bad event spoils all of them; only
then they are read apart. What the library cannot do: zones that a feed defines have
no fold in it, a rule's end must be of the same kind as the event's start, and of bad
input it says what is wrong but not where.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import batched
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ical.calendar import Calendar
from ical.calendar_stream import IcsCalendarStream
from ical.compat.dtstart_dtend_compat import enable_dtstart_dtend_compat
from ical.compat.duration_compat import enable_duration_compat
from ical.compat.timezone_compat import enable_extended_timezones
from ical.event import Event
from ical.exceptions import CalendarError
from ical.timezone import IcsTimezoneInfo
from ical.tzif.extended_timezones import EXTENDED_TIMEZONES

from .ical_text import Block, Outline, value_of

# What the library raises over bad input: its own errors, and those it stumbles into.
BROKEN: Final = (
    CalendarError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
)
# Events that the library reads at once: one bad one costs no more than these, and what
# it leaves behind is gone before the garbage collector takes it for long-lived.
AT_ONCE: Final = 100
# So many bad events are looked at closely; more say nothing new.
MAX_DIAGNOSES: Final = 20
# A bad event that began earlier is over, whatever is wrong with it.
LONGEST: Final = timedelta(days=366)


class Fault(NamedTuple):
    """Something wrong with an event: its number, and the property at fault."""

    number: int
    reason: str
    field: str


class Lost(NamedTuple):
    """An event that cannot be read, and since when it is, if that much is known."""

    fault: Fault
    since: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it cannot matter any more."""
        return self.since is not None and self.since < now - LONGEST


type Pair = tuple[Block, Event]


def read_events(outline: Outline, lost: list[Lost]) -> Iterator[Pair]:
    """Yield the events as the library reads them, and note those that it cannot read."""
    zones = [zone for zone in outline.zones if _is_needed(zone) and _is_sound(zone)]
    closed = [block for block in outline.blocks if block.closed]
    bad: list[Block] = []
    for blocks in batched(closed, AT_ONCE, strict=False):
        yield from _isolated(zones, blocks, bad)
    lost += [lose(block, "END") for block in outline.blocks if not block.closed]
    lost += [_diagnose(zones, block) for block in bad[:MAX_DIAGNOSES]]
    lost += [lose(block, "VEVENT") for block in bad[MAX_DIAGNOSES:]]


def named_zone(name: str) -> tzinfo | None:
    """Return the zone with an IANA name, or the name that Windows has for it."""
    try:
        return ZoneInfo(EXTENDED_TIMEZONES.get(name, name))
    except OSError, LookupError, ValueError:
        return None


def floating_zone(outline: Outline, otherwise: tzinfo) -> tzinfo:
    """Return the zone in which times without one are meant."""
    name = outline.head.value("X-WR-TIMEZONE").strip()
    if not name:
        return otherwise
    if zone := named_zone(name):
        return zone
    own = [zone for zone in outline.zones if f"TZID:{name}" in zone and _is_sound(zone)]
    for timezone in _calendar(own, []).timezones:
        return IcsTimezoneInfo.from_timezone(timezone)
    return otherwise


def _calendar(
    zones: Sequence[Sequence[str]], events: Iterable[Iterable[str]]
) -> Calendar:
    """Let the library read the lines; raises any of BROKEN."""
    lines = ["BEGIN:VCALENDAR"]
    for zone in zones:
        lines += zone
    for number, event in enumerate(events):
        lines += ("BEGIN:VEVENT", f"UID:{number}", *event, "END:VEVENT")
    lines.append("END:VCALENDAR")
    with (
        enable_dtstart_dtend_compat(),
        enable_duration_compat(),
        enable_extended_timezones(),
    ):
        return IcsCalendarStream.calendar_from_ics("\n".join(lines))


def _is_needed(zone: Sequence[str]) -> bool:
    """Whether the library looks at how the feed defines a zone."""
    names = (value_of(line) for line in zone if line.upper().startswith("TZID"))
    name = next(names, "")
    return name in EXTENDED_TIMEZONES or named_zone(name) is None


def _is_sound(zone: Sequence[str]) -> bool:
    """Whether the library can work with a zone that the feed defines."""
    now = datetime.now(UTC).replace(tzinfo=None)
    try:
        for timezone in _calendar([zone], []).timezones:
            IcsTimezoneInfo.from_timezone(timezone).utcoffset(now)
    except BROKEN:
        return False
    return True


def _isolated(
    zones: Sequence[Sequence[str]], blocks: Sequence[Block], bad: list[Block]
) -> Iterator[Pair]:
    """Read some events, halving them until the bad ones are alone."""
    lines = ((line for _, line in block.times()) for block in blocks)
    try:
        events = _calendar(zones, lines).events
    except BROKEN:
        if len(blocks) == 1:
            bad += blocks
            return
        middle = len(blocks) // 2
        yield from _isolated(zones, blocks[:middle], bad)
        yield from _isolated(zones, blocks[middle:], bad)
    else:
        yield from zip(blocks, events, strict=True)


def _diagnose(zones: Sequence[Sequence[str]], block: Block) -> Lost:
    """Find the line that makes an event unreadable, by adding one after the other."""
    at_fault = "VEVENT"
    lines: list[str] = []
    start: date | None = None
    for name, line in block.times():
        at_fault = name
        lines.append(line)
        try:
            start = _calendar(zones, [lines]).events[0].dtstart
        except BROKEN:
            break
    return lose(block, at_fault, start)


def lose(block: Block, wire_field: str, start: date | None = None) -> Lost:
    """Return an event as lost; one that recurs may go on for ever."""
    fault = Fault(block.number, "bad_event", wire_field)
    if start is None or not block.lines.keys().isdisjoint({"RRULE", "RDATE"}):
        return Lost(fault)
    if not isinstance(start, datetime):
        start = datetime.combine(start, time.min)
    return Lost(fault, start.replace(tzinfo=UTC))
