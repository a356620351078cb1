"""When events of iCalendar are: wall clocks and recurrence, read as instants.

What the clock shows is read in the zone of its source. On the night on which the
clocks go back, an hour exists twice: a start takes the first of them and an end the
second. On the night on which they go forward, an hour is missing: a time in it is
read with the offset from before, as RFC 5545 has it (3.3.5), unless the event would
then have no length; its start is then read with the offset from after.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ical.types import Frequency, Recur

from ..engine.models import Booking

# So many occurrences before the window are passed over one by one.
MAX_STEPS: Final = 100_000

_NONE: Final = timedelta()
_DAY: Final = timedelta(days=1)
# No zone changes its clock twice, nor by more, within that time.
_NEAR: Final = timedelta(hours=3)
_LAST_DAYS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_LEAP_DAY: Final = (2, 29)
# Rules that are in step again after any number of these.
_STEPS: Final = {
    Frequency.SECONDLY: timedelta(seconds=1),
    Frequency.MINUTELY: timedelta(minutes=1),
    Frequency.HOURLY: timedelta(hours=1),
    Frequency.DAILY: _DAY,
    Frequency.WEEKLY: 7 * _DAY,
}


class TooManyError(Exception):
    """A rule makes more occurrences than anybody can have meant."""


class Moment(NamedTuple):
    """What a clock shows, and where it hangs; a whole day begins at its midnight."""

    wall: datetime
    zone: tzinfo
    whole_day: bool = False


class Length(NamedTuple):
    """How long an event lasts: so far by the clock, then by a stopwatch."""

    wall: timedelta = _NONE
    exact: timedelta = _NONE


class Change(NamedTuple):
    """What all occurrences after one are like (RANGE=THISANDFUTURE)."""

    at: datetime
    shift: timedelta
    length: Length
    booking: Booking


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A recurring event. ``excluded`` are the instants at which it has no occurrence."""

    number: int
    start: Moment
    length: Length
    rule: Recur | None
    dates: tuple[tuple[Moment, Length], ...]
    excluded: frozenset[datetime]
    changes: tuple[Change, ...]
    booking: Booking


def start_of(moment: Moment) -> datetime:
    """Return the instant at which something begins."""
    return (moment.wall - _offsets(moment)[0]).replace(tzinfo=UTC)


def span(start: Moment, length: Length) -> tuple[datetime, datetime]:
    """Return the instants of start and end."""
    begins = start_of(start)
    if not length.wall:
        return begins, begins + length.exact
    last = start._replace(wall=start.wall + length.wall)
    ends = (last.wall - min(_offsets(last))).replace(tzinfo=UTC) + length.exact
    if ends <= begins and length.wall > _NONE:
        begins = (start.wall - max(_offsets(start))).replace(tzinfo=UTC)
    return begins, ends


def _offsets(moment: Moment) -> tuple[timedelta, timedelta]:
    """Return the offsets before and after a change of the clock.

    They are the same unless the time is one that exists twice or not at all.
    """
    wall, zone, _ = moment
    if zone is UTC:
        return _NONE, _NONE
    if isinstance(zone, ZoneInfo):
        return _offset(wall, zone), _offset(wall.replace(fold=1), zone)
    # Zones that the feed itself defines know nothing of folds. They change the
    # clock at what it shows before the change.
    before, after = _offset(wall - _NEAR, zone), _offset(wall + _NEAR, zone)
    if before == after:
        return before, after
    now = _offset(wall, zone)
    if _offset(wall - (after - before), zone) != now:
        return before, after
    return now, now


def _offset(wall: datetime, zone: tzinfo) -> timedelta:
    """Return a zone's offset from UTC."""
    return zone.utcoffset(wall.replace(tzinfo=zone)) or _NONE


def as_wall(value: date, like: Moment) -> Moment:
    """Return a date or time of the same event as a moment.

    What it leaves unsaid is as in ``like``, the event's start.
    """
    if not isinstance(value, datetime):
        clock = time.min if like.whole_day else like.wall.time()
        return like._replace(wall=datetime.combine(value, clock))
    if like.whole_day:
        local = value.astimezone(like.zone) if value.tzinfo else value
        return like._replace(wall=datetime.combine(local, time.min))
    zone = value.tzinfo or like.zone
    return Moment(value.replace(tzinfo=None), zone)


def bounded(rule: Recur, start: Moment) -> Recur:
    """Return the rule with its end by the clock of the start.

    Raises ValueError if it is none, or one that would be searched for ever.
    """
    until = rule.until
    if isinstance(until, datetime) and until.tzinfo and not start.whole_day:
        until = until.astimezone(start.zone).replace(tzinfo=None)
    elif until is not None:
        clock = until.time() if isinstance(until, datetime) else time.max
        clock = time.max if start.whole_day else clock
        until = datetime.combine(until, clock)
    if _never(rule):
        raise ValueError("RRULE")
    return rule if until is None else rule.model_copy(update={"until": until})


def _never(rule: Recur) -> bool:
    """Whether a rule never fits, or not within reasonable time."""
    if rule.freq in (Frequency.SECONDLY, Frequency.MINUTELY):
        return any(
            (
                *(rule.by_weekday, rule.by_month_day, rule.by_month, rule.by_setpos),
                *(rule.by_hour, rule.by_minute, rule.by_second),
                *(rule.by_year_day, rule.by_week_no),
            )
        )
    return bool(rule.by_month and rule.by_month_day) and not any(
        abs(day) <= _LAST_DAYS[month - 1]
        for month in rule.by_month
        for day in rule.by_month_day
    )


def occurrences(
    series: Series, start: datetime, end: datetime, limit: int
) -> Iterator[Booking]:
    """Yield the occurrences that overlap [start, end); TooManyError after the limit."""
    seen = set(series.excluded)
    count = 0
    for moment, length in chain(series.dates, _by_rule(series, start, end)):
        instant = start_of(moment)
        if instant in seen:
            continue
        seen.add(instant)
        booking = series.booking
        for change in series.changes:
            if instant > change.at:
                _, _, length, booking = change
                moment = moment._replace(wall=moment.wall + change.shift)
        begins, ends = span(moment, length)
        if not overlaps(begins, ends, start, end):
            continue
        if count == limit:
            raise TooManyError
        count += 1
        yield replace(
            booking, id=occurrence_id(booking.id, instant), start=begins, end=ends
        )


def _by_rule(
    series: Series, start: datetime, end: datetime
) -> Iterable[tuple[Moment, Length]]:
    """Yield the occurrences by the rule that may overlap [start, end)."""
    if series.rule is None:
        return
    lengths = [series.length, *(change.length for change in series.changes)]
    slack = max(abs(length.wall) + abs(length.exact) for length in lengths)
    slack += sum((abs(change.shift) for change in series.changes), _DAY)
    first = start.replace(tzinfo=None) - slack
    last = end.replace(tzinfo=None) + slack
    for number, wall in enumerate(_walls(series.rule, series.start.wall, first)):
        if wall > last:
            return
        if number == MAX_STEPS:
            raise TooManyError
        if wall >= first:
            yield series.start._replace(wall=wall), series.length


def _walls(rule: Recur, begin: datetime, first: datetime) -> Iterable[datetime]:
    """Return what a rule yields; without a count, not from too long before ``first``."""
    if rule.count is None:
        begin = _later(rule, begin, first)
    walls: Iterable[datetime] = rule.as_rrule(begin)
    return walls


def _later(rule: Recur, begin: datetime, first: datetime) -> datetime:
    """Return a later begin from which a rule yields the same, but not after ``first``."""
    if step := _STEPS.get(rule.freq):
        return begin + max(0, (first - begin) // (step * rule.interval)) * (
            step * rule.interval
        )
    if (begin.month, begin.day) == _LEAP_DAY:
        return begin
    # Months and years are both in step again after as many years as the interval.
    years = max(0, first.year - 1 - begin.year)
    return begin.replace(year=begin.year + years - years % rule.interval)


def overlaps(begins: datetime, ends: datetime, start: datetime, end: datetime) -> bool:
    """Whether something is in [start, end); what has no length is where it begins."""
    return begins < end and (ends > start or begins >= start)


def occurrence_id(uid: str, instant: datetime) -> str:
    """Return the id of the occurrence that is, or was, meant to be at an instant."""
    return f"{uid}/{instant:%Y%m%dT%H%M%SZ}"
