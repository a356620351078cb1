"""The people whom an event of iCalendar names (RFC 5545, 3.2 and 3.8.4)."""

from collections.abc import Iterator
from typing import Final

from ical.exceptions import CalendarError
from ical.parsing.property import ParsedProperty

from ..engine.models import Person
from .ical_text import Block, unescaped

# Rooms and projectors are invited to meetings, too.
_THINGS: Final = {"ROOM", "RESOURCE"}


def read_people(block: Block, name: str) -> tuple[tuple[Person, ...], bool]:
    """Return the people of a property, and whether all its lines could be read."""
    lines = block.lines.of(name)
    found = list(_properties(lines))
    people = tuple(_person(prop) for prop in found if _comes(prop))
    return people, len(found) == len(lines)


def completed(person: Person, guest: Person) -> Person:
    """Return a person with what the texts of an event tell besides."""
    return Person(
        name=person.name or guest.name,
        phone=person.phone or guest.phone,
        email=person.email or guest.email,
    )


def _properties(lines: list[str]) -> Iterator[ParsedProperty]:
    """Yield the lines that can be read, with their parameters."""
    for line in lines:
        try:
            yield ParsedProperty.from_ics(line)
        except CalendarError:
            continue


def _comes(prop: ParsedProperty) -> bool:
    """Whether it is somebody, who has not said no."""
    kind, answer = _parameter(prop, "CUTYPE"), _parameter(prop, "PARTSTAT")
    return kind.upper() not in _THINGS and answer.upper() != "DECLINED"


def _person(prop: ParsedProperty) -> Person:
    """Return an organizer or attendee."""
    scheme, _, address = prop.value.partition(":")
    scheme = scheme.lower()
    email = address if scheme == "mailto" else _parameter(prop, "EMAIL")
    return Person(
        name=unescaped(_parameter(prop, "CN")) or None,
        phone=(address if scheme == "tel" else "") or None,
        email=email or None,
    )


def _parameter(prop: ParsedProperty, name: str) -> str:
    """Return a parameter as it is written, or nothing."""
    found = prop.get_parameter(name)
    return ",".join(map(str, found.values)).strip() if found else ""
