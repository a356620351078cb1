"""What UniLock is told: persons with their memberships, and times by its own clock.

UniLock's clock is that of the server's zone, in whole minutes [P], and its times have
no offset. So they are rounded outwards, and where an hour comes twice they are written
so that nobody stands before a closed door, whichever of the two UniLock takes it for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
import re
from typing import Final

from ..engine.models import FOREVER, Person
from ..forms import BadValue

MINUTE: Final = timedelta(minutes=1)
DEFAULT_PATTERN: Final = "%Y-%m-%dT%H:%M:%S"
# What a pattern may hold, and what it must to tell one minute from another.
_PARTS: Final = frozenset("YymdHMS%")
_NEEDED: Final = ("mdHM", "Yy")
# Characters that no XML may hold, not even escaped.
_NO_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

type Period = tuple[datetime, datetime]  # without a zone: by UniLock's clock
type Change = Told | Times


@dataclass(frozen=True, kw_only=True, slots=True)
class Membership:
    """A person's membership of a group, from start up to but not including end."""

    group: str
    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A person as UniLock is told of them; without memberships they are removed."""

    external_id: str
    memberships: tuple[Membership, ...] = ()
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)
    phone: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """What tells them from everything else that UniLock is told."""
        return f"person/{self.external_id}"

    @property
    def removed(self) -> bool:
        """Whether the person is to be removed."""
        return not self.memberships


@dataclass(frozen=True, kw_only=True, slots=True)
class Times:
    """All periods of a shared exception, in order."""

    exception_id: str
    periods: tuple[Period, ...]

    @property
    def key(self) -> str:
        """What tells it from everything else that UniLock is told."""
        return f"exception/{self.exception_id}"


def told(
    external_id: str,
    person: Person,
    pin: str | None,
    memberships: Iterable[Membership],
) -> Told:
    """Return what to tell of a person; without a name they are called by the id."""
    first, _, last = _clean(person.name).rpartition(" ")
    return Told(
        external_id=external_id,
        memberships=tuple(memberships),
        first_name=first,
        last_name=last or external_id,
        phone=_clean(person.phone),
        pin=pin or "",
    )


def _clean(text: str | None) -> str:
    """Return a text on one line, without what would spoil a file."""
    return " ".join(_NO_TEXT.sub(" ", text or "").split())


def wall(start: datetime, end: datetime, zone: tzinfo) -> Period:
    """Return when something is by UniLock's clock: a little longer, never shorter."""
    return _begin(start, zone), _finish(end, zone)


def _begin(instant: datetime, zone: tzinfo) -> datetime:
    """Round down; before the hour that comes twice where it is in the first of them."""
    minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
    while _comes_twice(minute.astimezone(zone)) and not minute.astimezone(zone).fold:
        minute -= MINUTE
    return minute.astimezone(zone).replace(tzinfo=None, fold=0)


def _finish(instant: datetime, zone: tzinfo) -> datetime:
    """Round up; after the hour that comes twice where it is in the second of them."""
    minute = instant.astimezone(UTC).replace(second=0, microsecond=0)
    if minute < instant:
        minute += MINUTE
    while _comes_twice(minute.astimezone(zone)) and minute.astimezone(zone).fold:
        minute += MINUTE
    return minute.astimezone(zone).replace(tzinfo=None, fold=0)


def _comes_twice(local: datetime) -> bool:
    """Whether the clock shows this time twice that night."""
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first is not None and second is not None and first > second


def merged(periods: Iterable[Period]) -> tuple[Period, ...]:
    """Return periods in order, with those that touch or overlap as one."""
    result: list[Period] = []
    for start, end in sorted(periods):
        if result and start <= result[-1][1]:
            result[-1] = result[-1][0], max(end, result[-1][1])
        else:
            result.append((start, end))
    return tuple(result)


def read_pattern(pattern: str) -> str:
    """Return a pattern of times; BadValue if it does not tell minutes apart."""
    parts = re.findall(r"%(.?)", pattern)
    missing = [each for each in _NEEDED[0] if each not in parts]
    if missing or not set(parts) <= _PARTS or not set(parts) & set(_NEEDED[1]):
        raise BadValue("time_format_wrong", example=DEFAULT_PATTERN)
    return pattern


def written(moment: datetime, pattern: str) -> str:
    """Return a time by UniLock's clock as text; empty for what has no end."""
    return "" if moment.year >= FOREVER.year else moment.strftime(pattern)
