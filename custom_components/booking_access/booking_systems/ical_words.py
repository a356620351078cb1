"""What the words of an iCalendar feed's events mean; people can see and change it.

Many feeds are made by booking sites. They write days that are not for sale as events,
some write arrivals and departures as events of their own, and each names guests in its
own way. The defaults fit what Airbnb, VRBO, Booking.com, Guesty, Smoobu and Tripadvisor
are seen to write, and are narrow enough for what people write of their meetings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import re
from typing import Any, Final, Self

from ..engine.models import NOBODY, Person
from ..forms import Field, FieldKind
from .patterns import (
    MAX_LINE,
    details_in,
    is_detail_pattern,
    is_line_pattern,
    line_matcher,
    lines_of,
    without_details,
)


def check_lines(patterns: Sequence[str]) -> str | None:
    """Return the first pattern that would fit everything, or asks for a detail."""
    return next((each for each in patterns if not is_line_pattern(each)), None)


def check_details(patterns: Sequence[str]) -> str | None:
    """Return the first pattern that tells nothing of a guest."""
    return next((each for each in patterns if not is_detail_pattern(each)), None)


OPTIONS: Final = (
    Field(
        name="not_bookings",
        kind=FieldKind.PATTERNS,
        default=(
            "Not available",
            "Airbnb (Not available)",
            "CLOSED - Not available",
            "Unavailable",
            "Blocked",
            "Blocked by *",
        ),
        check=check_lines,
    ),
    Field(
        name="parts_of_bookings",
        kind=FieldKind.PATTERNS,
        default=("*Check-in*", "*Check-out*"),
        check=check_lines,
    ),
    Field(
        name="guest_details",
        kind=FieldKind.PATTERNS,
        default=(
            "CLOSED - {name}",
            "Reserved - {name}",
            "Tripadvisor*: {name}",
            "-{name}-GY-*",
            "-{name}-*-",
            "Guest: {name}",
            "Guest name: {name}",
            "Name: {name}",
            "Phone: {phone}",
            "Phone number: {phone}",
            "Telephone: {phone}",
            "Mobile: {phone}",
            "Email: {email}",
            "E-mail: {email}",
        ),
        check=check_details,
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """How the summaries and descriptions of a feed's events read."""

    not_bookings: re.Pattern[str] | None = None
    parts: re.Pattern[str] | None = None
    details: re.Pattern[str] | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Self:
        """Return what an account's settings say, or the defaults."""
        not_bookings, parts, details = (
            line_matcher(settings.get(field.name, field.default)) for field in OPTIONS
        )
        return cls(not_bookings=not_bookings, parts=parts, details=details)

    def is_no_booking(self, summary: str) -> bool:
        """Whether an event only says that nothing can be booked."""
        return _fits(self.not_bookings, summary)

    def is_part(self, summary: str) -> bool:
        """Whether an event may belong to a stay that has an event of its own."""
        return _fits(self.parts, summary)

    def title(self, summary: str) -> str:
        """Return a summary as it may be shown: without whom it names."""
        if len(summary) > MAX_LINE:
            return summary
        return without_details(self.details, summary)

    def guest(self, summary: str, description: str) -> Person:
        """Return whom the texts name; what they do not tell is left empty."""
        if self.details is None:
            return NOBODY
        details = details_in(self.details, lines_of(summary, description))
        return Person(**details) if details else NOBODY


WRITTEN_AS_THEY_ARE: Final = Words()


def _fits(matcher: re.Pattern[str] | None, summary: str) -> bool:
    """Whether a whole summary fits a pattern; one of several lines fits none."""
    return bool(matcher and matcher.fullmatch(lines_of(summary)))
