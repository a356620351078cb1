"""Reading what Clock PMS+ answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
import re
from typing import Final
from zoneinfo import ZoneInfo

from ..engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    ContractError,
    Person,
    Resource,
)
from .clock import span
from .wire import Json, checked, optional, text_of

STATUSES: Final[Mapping[str, BookingStatus]] = {
    **dict.fromkeys(("expected", "checked_in"), BookingStatus.CONFIRMED),
    **dict.fromkeys(
        ("canceled", "cancelled", "no_show", "checked_out"), BookingStatus.CANCELLED
    ),
}
_TIME: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hours:
    """When stays begin and end in a hotel, whose bookings have dates alone.

    ``believed`` says that the times which staff or a booking site typed count.
    """

    zone: ZoneInfo
    check_in: time
    check_out: time
    believed: bool = False


def read_ids(listed: Iterable[object]) -> list[str]:
    """Return the ids of a list call, which is of numbers, texts or objects."""
    ids = []
    for each in listed:
        id_ = text_of(each if isinstance(each, dict) else {"id": each}, "id")
        if id_ is None or not id_.isdecimal():
            raise ContractError("id")
        ids.append(id_)
    return ids


def read_resources(
    rooms: Iterable[object], types: Iterable[object]
) -> tuple[Resource, ...]:
    """Return the rooms, each with its type for a place."""
    names = {}
    for each in types:
        record = checked(each, "room_types", dict)
        names[text_of(record, "id")] = text_of(record, "name")
    resources = {}
    for each in rooms:
        record = checked(each, "rooms", dict)
        if (id_ := text_of(record, "id")) is None:
            continue
        kind = text_of(record, "room_type_id")
        resources[id_] = Resource(
            id=id_,
            name=text_of(record, "name") or id_,
            location=names.get(kind) if kind else None,
        )
    return tuple(resources.values())


def read_booking(record: Json, id_: str, hours: Hours) -> Booking:
    """Read the booking of that id; it has no resource until a room was assigned.

    Raises ContractError with the field that cannot be used.
    """
    if text_of(record, "id") != id_:
        raise ContractError("id")
    status = STATUSES.get(text_of(record, "status") or "")
    if status is None:
        raise ContractError("status")
    start, end = _times(record, hours)
    return Booking(
        id=id_,
        resource_id=text_of(record, "current_room_id")
        or text_of(record, "arrival_room_id")
        or "",
        start=start,
        end=end,
        summary=text_of(record, "number") or id_,
        status=status,
        holder=_guest(record),
        updated_at=_instant(record, "updated_at"),
    )


def is_older(booking: Booking, other: Booking) -> bool:
    """Whether a booking is as it was before the other, by the vendor's own time stamps."""
    if booking.updated_at is None or other.updated_at is None:
        return False
    return booking.updated_at < other.updated_at


def time_of(text: object) -> time:
    """Return a time of day that a form has checked."""
    hour, minute, second = [*map(int, str(text).split(":")), 0][:3]
    return time(hour, minute, second)


def _times(record: Json, hours: Hours) -> tuple[datetime, datetime]:
    """Return when a stay begins and ends; typed times count only if they make sense."""
    arrival, departure = _day(record, "arrival"), _day(record, "departure")
    if hours.believed:
        begins = _typed(record, "arrival_time") or hours.check_in
        ends = _typed(record, "departure_time") or hours.check_out
        start, end = _span(arrival, begins, departure, ends, hours.zone)
        if start < end:
            return start, end
    return _span(arrival, hours.check_in, departure, hours.check_out, hours.zone)


def _span(
    arrival: date, begins: time, departure: date, ends: time, zone: ZoneInfo
) -> tuple[datetime, datetime]:
    """Return the instants of two times in the hotel's zone."""
    start = datetime.combine(arrival, begins)
    if departure.year >= FOREVER.year:
        return span(start, start, zone)[0], FOREVER
    return span(start, datetime.combine(departure, ends), zone)


def _day(record: Json, wire_field: str) -> date:
    """Read a date."""
    text = checked(record.get(wire_field), wire_field, str)
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise ContractError(wire_field) from None
    if not 1970 <= day.year <= FOREVER.year or (
        wire_field == "arrival" and day.year == FOREVER.year
    ):
        raise ContractError(wire_field)
    return day


def _typed(record: Json, wire_field: str) -> time | None:
    """Return a time that somebody typed, if it can be nothing else."""
    text = text_of(record, wire_field)
    return time.fromisoformat(text) if text and _TIME.fullmatch(text) else None


def _instant(record: Json, wire_field: str) -> datetime | None:
    """Read a time stamp, which is in UTC; None where there is none."""
    if (text := text_of(record, wire_field)) is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except ValueError, OverflowError:
        raise ContractError(wire_field) from None


def _guest(record: Json) -> Person:
    """Read the guest: "Last, First", as hotels' key systems want names."""
    first = [text_of(record, f"guest_{part}_name") for part in ("first", "middle")]
    last = text_of(record, "guest_last_name")
    names = [last, " ".join(filter(None, first))]
    return Person(
        name=", ".join(filter(None, names)) or None,
        phone=text_of(record, "guest_phone_number"),
        email=text_of(record, "guest_e_mail"),
        id=text_of(optional(record, "main_booking_guest", dict), "guest_id"),
    )
