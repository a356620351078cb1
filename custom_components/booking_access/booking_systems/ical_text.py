"""The text of an iCalendar feed, taken apart into its events (RFC 5545, 3.1 to 3.6).

Feeds break this grammar in every way there is. What is not needed to know a booking
is left out here, so that it cannot break anything, nor cost time, further on.
"""

from dataclasses import dataclass, field
import re
from typing import Final

from ..engine.models import ContractError

BEGIN: Final = "BEGIN:VCALENDAR"

# What tells when an event is, in the order in which it is best looked at.
TIMES: Final = (
    "DTSTART",
    "DTEND",
    "DURATION",
    "RECURRENCE-ID",
    "RDATE",
    "EXDATE",
)
_KEPT: Final = frozenset(
    {
        *TIMES,
        *("ATTENDEE", "DESCRIPTION", "DTSTAMP", "LAST-MODIFIED", "ORGANIZER", "RRULE"),
        *("SEQUENCE", "STATUS", "SUMMARY", "TRANSP", "UID"),
        *("NAME", "X-WR-CALNAME", "X-WR-TIMEZONE"),
    }
)

_CONTROLS: Final = bytes({*range(32), 127} - {*b"\t\n\r"})
_HEAD: Final = re.compile(r'(?:[^":]|"[^"]*")*:')
_ESCAPED: Final = re.compile(r"\\(.)")
_PARAMETER: Final = re.compile(r";(?:tzid|value)=")
_MIDNIGHT: Final = re.compile(r"(;VALUE=DATE(?:;[^:]*)?:\d{8})T000000$", re.IGNORECASE)
# A zone's rules have their end in UTC, which the library cannot compare with their
# local start. A day is exact enough for the year in which a zone changed its rules.
_ZONE_UNTIL: Final = re.compile(r"(UNTIL=\d{8}T)\d{6}Z", re.IGNORECASE)
_EVENT: Final = re.compile(rb"^BEGIN:VEVENT", re.MULTILINE | re.IGNORECASE)


class Lines(dict[str, str]):
    """The lines of a component by the names of the properties.

    Those of one property are one text: thousands of lists would be work for the
    garbage collector.
    """

    __slots__ = ()

    def add(self, name: str, line: str) -> None:
        """Add a line."""
        self[name] = f"{self[name]}\n{line}" if name in self else line

    def of(self, name: str) -> list[str]:
        """Return the lines of a property."""
        return self[name].split("\n") if name in self else []

    def value(self, name: str) -> str:
        """Return the first value of a property, or nothing."""
        return value_of(self.of(name)[0]) if name in self else ""


@dataclass(slots=True)
class Block:
    """One VEVENT: those of its lines that matter."""

    number: int
    lines: Lines = field(default_factory=Lines)
    closed: bool = False

    def times(self) -> list[tuple[str, str]]:
        """Return the names and lines of all that tells when it is."""
        lines = self.lines
        return [
            (name, _plain(name, line))
            for name in TIMES
            if name in lines and (name != "DURATION" or "DTEND" not in lines)
            for line in lines.of(name)
        ]


@dataclass(slots=True)
class Outline:
    """A calendar's own properties, its time zones, and its events."""

    head: Lines = field(default_factory=Lines)
    zones: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    _path: list[str] = field(default_factory=list)

    @property
    def name(self) -> str | None:
        """The calendar's name for people."""
        name = self.head.value("X-WR-CALNAME") or self.head.value("NAME")
        return unescaped(name).strip() or None

    @property
    def in_zone(self) -> bool:
        """Whether the lines belong to a time zone now."""
        return "VTIMEZONE" in self._path

    @property
    def is_open(self) -> bool:
        """Whether something is not closed yet."""
        return bool(self._path)

    def taking(self) -> Lines | None:
        """Return where the lines belong that come now."""
        match self._path:
            case ["VCALENDAR"]:
                return self.head
            case ["VCALENDAR", "VEVENT"]:
                return self.blocks[-1].lines
        return None

    def begin(self, component: str) -> None:
        """Open a component; an event closes all but the calendar."""
        if component == "VEVENT":
            del self._path[1:]
            self.blocks.append(Block(len(self.blocks) + 1))
        elif component == "VTIMEZONE":
            self.zones.append([])
        self._path.append(component)

    def end(self, component: str) -> None:
        """Close a component, and all that was left open in it."""
        if component not in self._path:
            return
        while self._path.pop() != component:
            pass
        if component == "VEVENT":
            self.blocks[-1].closed = True


def decode(body: bytes) -> str:
    r"""Return the text with its lines unfolded and each ended by "\n".

    Lines are unfolded before the bytes are decoded: some fold in the middle of a
    character. Raises ContractError if it is no text.
    """
    body = body.translate(None, _CONTROLS)
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    body = body.replace(b"\n ", b"").replace(b"\n\t", b"")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError as err:
        raise ContractError("body") from err


def take_apart(text: str) -> Outline:
    """Return the parts of an unfolded calendar.

    Raises ContractError if it is none, or if its end is missing.
    """
    if text.lstrip()[: len(BEGIN)].upper() != BEGIN:
        raise ContractError(BEGIN)
    outline = Outline()
    taking: Lines | None = None
    in_zone = False
    for line in text.split("\n"):
        head, _, value = line.partition(":")
        name = head.partition(";")[0].upper()
        if name == "BEGIN":
            outline.begin(value.strip().upper())
            taking, in_zone = outline.taking(), outline.in_zone
        if in_zone:
            outline.zones[-1].append(_ZONE_UNTIL.sub(r"\g<1>235959", line.rstrip()))
        if name == "END":
            outline.end(value.strip().upper())
            taking, in_zone = outline.taking(), outline.in_zone
        elif taking is not None and name in _KEPT and value:
            taking.add(name, line.rstrip())
    if outline.is_open:
        raise ContractError("END:VCALENDAR")
    return outline


def event_lines(body: bytes) -> list[int]:
    """Return the numbers of the lines on which the events begin."""
    body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    numbers, number, position = [], 1, 0
    for found in _EVENT.finditer(body):
        number += body.count(b"\n", position, found.start())
        position = found.start()
        numbers.append(number)
    return numbers


def value_of(line: str) -> str:
    """Return a line's value, without its name and parameters."""
    head, _, value = line.partition(":")
    if '"' not in head:
        return value
    found = _HEAD.match(line)
    return line[found.end() :] if found else ""


def unescaped(text: str) -> str:
    """Return a text as people wrote it."""
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda m: "\n" if m[1] in "nN" else m[1], text)


def _plain(name: str, line: str) -> str:
    """Return a line of times without what contradicts itself.

    "Z" says UTC, whatever zone stands before it; a date may have a midnight. The
    library does not know that names of parameters may be in any case.
    """
    if ";tzid=" in line or ";value=" in line:
        line = _PARAMETER.sub(lambda m: m[0].upper(), line)
    if line.endswith("Z") and "TZID" in line:
        return f"{name}:{value_of(line)}"
    if line.endswith("T000000"):
        return _MIDNIGHT.sub(r"\1", line)
    return line
