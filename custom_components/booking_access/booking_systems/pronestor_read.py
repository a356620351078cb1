"""Reading what Pronestor Planner answers, by the names of a profile.

What does not fit is told by its place in the profile and the name that stands there,
so that somebody can put it right; never by what was answered.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
import re
from typing import Final

from ..engine.models import (
    FOREVER,
    NOBODY,
    Booking,
    BookingStatus,
    ContractError,
    Person,
    Problem,
    Resource,
)
from .clock import span
from .distinct import full_id
from .pronestor_profile import BookingsCall, Call, PersonNames, RoomsCall

# "/Date(1795593600000+0100)/": milliseconds in UTC; the offset is only for show.
_DOT_NET: Final = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """An entry of an answer's list, and the names that say what is where in it."""

    record: object
    names: Call | PersonNames
    place: str  # of the names in the profile
    item: str = ""  # what people call it
    room_id: str | None = None  # where the room was asked for, and may not be told

    def at(self, name: str) -> object:
        """Return what is there; None where there is nothing."""
        path = getattr(self.names, name)
        return _at(self.record, path) if path else None

    def text(self, name: str) -> str | None:
        """Return a text or number as text, put together where it has several names."""
        paths = getattr(self.names, name)
        if not isinstance(paths, tuple):
            return self.plain(self.at(name), name)
        parts = [self.plain(_at(self.record, path), name) for path in paths]
        return " ".join(part for part in parts if part) or None

    def needed(self, name: str) -> str:
        """Return a text that must be there."""
        if (text := self.text(name)) is None:
            raise self.misfit(name)
        return text

    def plain(self, value: object, name: str) -> str | None:
        """Return a text or number as text; None where it is null or blank."""
        if value is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str):
            raise self.misfit(name)
        return value.strip() or None

    def within(self, name: str) -> Entry:
        """Return the same, to be read by the names further down in the profile."""
        names = getattr(self.names, name)
        return replace(self, names=names, place=f"{self.place}.{name}")

    def split(self, listed: object) -> list[Entry]:
        """Return the entries of a list, none where it is null."""
        if not isinstance(listed, list | None):
            raise self.misfit("list_path")
        return [replace(self, record=each) for each in listed or ()]

    def misfit(self, name: str) -> ContractError:
        """Return the error that names where the profile does not fit."""
        return ContractError(f"{self.place}.{name} ({getattr(self.names, name)})")


def entries_of(
    answer: object,
    names: RoomsCall | BookingsCall,
    whose: str,
    room_id: str | None = None,
) -> list[Entry]:
    """Return the entries of an answer's list.

    There must be one, if only null: a page that tells of an error is no empty list.
    """
    place = "rooms" if isinstance(names, RoomsCall) else "bookings"
    whole = Entry(record=answer, names=names, place=place, room_id=room_id)
    path = names.list_path or ""
    above, _, last = path.rpartition(".")
    if path and last.casefold() not in _keys(_at(answer, above)):
        raise whole.misfit("list_path")
    entries = whole.split(_at(answer, path))
    return [
        replace(entry, item=f"booking {position} of {whose}")
        for position, entry in enumerate(entries, 1)
    ]


def read_rooms(
    entries: Sequence[Entry], locations: Collection[str]
) -> tuple[Resource, ...]:
    """Return the rooms of the locations that have an id.

    Raises ContractError where none has: then it is the name that is wrong.
    """
    rooms: dict[str, Resource] = {}
    for entry in entries:
        location = entry.text("location_id")
        if not (id_ := entry.text("id")) or location not in (None, *locations):
            continue  # the site may not look at the parameter
        rooms[id_] = Resource(
            id=id_,
            name=entry.text("name") or id_,
            location=entry.text("location_name"),
        )
    if entries and not any(entry.text("id") for entry in entries):
        raise entries[0].misfit("id")
    return tuple(rooms.values())


def read_bookings(
    entries: Iterable[Entry], wanted: Collection[str], zone: tzinfo
) -> Iterator[Booking | Problem]:
    """Read the bookings of the wanted rooms, each on its own."""
    for entry in entries:
        try:
            for room_id in rooms_of(entry):
                if room_id in wanted:
                    yield _booking(entry, room_id, zone)
        except ContractError as err:
            yield Problem(reason="bad_booking", item=entry.item, field=err.field)


def rooms_of(entry: Entry) -> list[str]:
    """Return the rooms of a booking, of which there may be several."""
    if entry.room_id:
        return [entry.room_id]
    value = entry.at("room_id")
    values = value if isinstance(value, list) else [value]
    rooms = [entry.plain(each, "room_id") for each in values]
    if not (told := [room for room in rooms if room]):
        raise entry.misfit("room_id")
    return told


def named_rooms(entries: Iterable[Entry]) -> set[str]:
    """Return the rooms that bookings say they are in, as far as it can be read."""
    named: set[str] = set()
    for entry in entries:
        with suppress(ContractError):
            named.update(rooms_of(entry))
    return named


def _booking(entry: Entry, room_id: str, zone: tzinfo) -> Booking:
    """Read one booking in one room."""
    start, end = span(_moment(entry, "start"), _moment(entry, "end"), zone)
    holder = _person(entry.within("booker"))
    summary = entry.text("subject") or ""
    said = (summary, holder.name, holder.phone, holder.email)
    return Booking(
        id=full_id(entry.needed("id"), room_id, start, end, *said),
        resource_id=room_id,
        start=start,
        end=end,
        summary=summary,
        status=_status(entry),
        holder=holder,
        participants=_participants(entry.within("participants")),
    )


def _moment(entry: Entry, name: str) -> datetime:
    """Read "/Date(ms)/" or ISO 8601; naive where no offset is told."""
    text = entry.needed(name)
    try:
        if match := _DOT_NET.fullmatch(text):
            moment = _EPOCH + timedelta(milliseconds=int(match[1]))
        else:
            moment = datetime.fromisoformat(text)
    except ValueError, OverflowError:
        raise entry.misfit(name) from None
    if moment.year < 1970 or not (match or ":" in text):  # .NET's none; a day alone
        raise entry.misfit(name)
    return FOREVER if moment.year >= FOREVER.year else moment


def _status(entry: Entry) -> BookingStatus:
    """Tell whether a booking is marked as cancelled."""
    assert isinstance(entry.names, BookingsCall)
    marks = {_word(value) for value in entry.names.cancelled_values}
    gone = _word(entry.at("cancelled")) in marks
    return BookingStatus.CANCELLED if gone else BookingStatus.CONFIRMED


def _word(value: object) -> str:
    """Return a mark to compare: in small letters, true as "true"."""
    return str(value).strip().casefold()


def _participants(whole: Entry) -> tuple[Person, ...]:
    """Read the participants; those who were made anonymous [C] are nobody."""
    people = []
    for entry in whole.split(whole.at("list_path")):
        person = _person(entry)
        if not person.name and (company := entry.text("company")):
            person = replace(person, name=company)
        people.append(person)
    return tuple(person for person in people if person != NOBODY)


def _person(entry: Entry) -> Person:
    """Read a person, any part of whom may be missing [C]."""
    return Person(
        name=entry.text("name"), phone=entry.text("phone"), email=entry.text("email")
    )


def _at(value: object, path: str) -> object:
    """Follow a dotted path, through all entries of lists; None if it leads nowhere.

    Small and capital letters are the same, since .NET may write either.
    """
    if not path:
        return value
    if isinstance(value, list):
        return [_at(each, path) for each in value]
    if not isinstance(value, dict):
        return None
    name, _, rest = path.partition(".")
    if name not in value:
        name = _keys(value).get(name.casefold(), name)
    return _at(value.get(name), rest)


def _keys(value: object) -> dict[str, str]:
    """Return the keys of an object by how they are in small letters."""
    return {key.casefold(): key for key in value} if isinstance(value, dict) else {}
