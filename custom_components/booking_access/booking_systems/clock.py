"""What clocks on the wall mean on the nights when they are changed."""

from datetime import UTC, datetime, tzinfo


def span(start: datetime, end: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants of a booking's start and end; naive times are the zone's.

    Where an hour comes twice, a start is in the first and an end in the second,
    so that nobody stands before a closed door for an hour. A time that is skipped
    is an hour later by the clock, as zoneinfo has it; but a start that would then
    not come before the end (02:30 to 03:30) keeps its distance to it.
    """
    begins = _instant(start, zone, start.fold)
    ends = max(_instant(end, zone, 0), _instant(end, zone, 1))
    if begins >= ends:
        begins = min(begins, _instant(start, zone, 1))
    return begins, ends


def _instant(moment: datetime, zone: tzinfo, fold: int) -> datetime:
    """Return a time in UTC, in its first or its second hour of two."""
    return moment.replace(tzinfo=moment.tzinfo or zone, fold=fold).astimezone(UTC)
