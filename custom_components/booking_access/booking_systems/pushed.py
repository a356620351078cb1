"""Bookings as others bring them in the JSON that docs/systems/webhook.md describes.

The contract is ours: ``id, status, resource, start, end, name, phone, email,
participants, updated_at, summary``, one record or a list of them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ..engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    ContractError,
    Person,
    Problem,
)
from .clock import span
from .wire import Json, checked, optional, text_of

# What systems call it, in small letters.
STATUSES: Final[Mapping[str, BookingStatus]] = {
    **dict.fromkeys(
        ("confirmed", "active", "accepted", "approved", "booked", "created", "updated"),
        BookingStatus.CONFIRMED,
    ),
    **dict.fromkeys(("tentative", "pending", "requested"), BookingStatus.TENTATIVE),
    **dict.fromkeys(
        ("cancelled", "canceled", "rejected", "declined", "deleted", "no_show"),
        BookingStatus.CANCELLED,
    ),
}
DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What differs between those who send such records.

    ``zone`` is for times without an offset; a date alone is the whole day there.
    ``open_end`` says that a booking may have no end.
    """

    zone: ZoneInfo
    open_end: bool = False


def records_of(payload: object) -> list[object]:
    """Return the records of a payload: it is one, or a list of them."""
    return payload if isinstance(payload, list) else [payload]


def read_bookings(
    payload: object, known: Mapping[str, Booking], dialect: Dialect, now: datetime
) -> Iterator[Booking | Problem]:
    """Read the records of a payload, each on its own."""
    for position, record in enumerate(records_of(payload), 1):
        try:
            yield read_booking(checked(record, "body", dict), known, dialect, now)
        except ContractError as err:
            yield Problem(
                reason="bad_booking", item=f"booking {position}", field=err.field
            )


def read_booking(
    record: Json, known: Mapping[str, Booking], dialect: Dialect, now: datetime
) -> Booking:
    """Read one record; raises ContractError with the field that cannot be used.

    To cancel, its id is enough.
    """
    if (id_ := text_of(record, "id")) is None:
        raise ContractError("id")
    status = _status(record)
    before = known.get(id_)
    updated_at = _instant(record, "updated_at", dialect.zone)
    if status is BookingStatus.CANCELLED:
        return Booking(
            id=id_,
            resource_id=text_of(record, "resource")
            or (before.resource_id if before else ""),
            start=before.start if before else now,
            end=before.end if before else now,
            status=status,
            updated_at=updated_at,
        )
    if (resource := text_of(record, "resource")) is None:
        raise ContractError("resource")
    start, end = _times(record, dialect)
    return Booking(
        id=id_,
        resource_id=resource,
        start=start,
        end=end,
        summary=text_of(record, "summary") or "",
        status=status,
        holder=_person(record),
        participants=tuple(
            _person(checked(each, "participants", dict))
            for each in optional(record, "participants", list)
        ),
        updated_at=updated_at,
    )


def _status(record: Json) -> BookingStatus:
    """Return how binding a record is; one that says nothing is confirmed."""
    said = text_of(record, "status") or BookingStatus.CONFIRMED
    if (status := STATUSES.get(said.casefold())) is None:
        raise ContractError("status")
    return status


def _times(record: Json, dialect: Dialect) -> tuple[datetime, datetime]:
    """Return the start and end as instants; both naive times are read together."""
    start = _moment(record, "start", dialect.zone)
    if start is None:
        raise ContractError("start")
    end = _moment(record, "end", dialect.zone, ends=True)
    if end is None:
        if not dialect.open_end:
            raise ContractError("end")
        return span(start, start, dialect.zone)[0], FOREVER
    return span(start, end, dialect.zone)


def _instant(record: Json, wire_field: str, zone: ZoneInfo) -> datetime | None:
    """Return a time as an instant; None if there is none."""
    moment = _moment(record, wire_field, zone)
    return moment and moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC)


def _moment(
    record: Json, wire_field: str, zone: ZoneInfo, *, ends: bool = False
) -> datetime | None:
    """Read an ISO 8601 time, a date, or seconds since 1970; None if there is none.

    A date alone is its midnight; as an end (``ends``) that which it ends with.
    """
    value = record.get(wire_field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value, UTC)
        except (ValueError, OverflowError, OSError) as err:
            raise ContractError(wire_field) from err
    if (text := text_of(record, wire_field)) is None:
        return None
    try:
        if len(text) == len("2026-12-31"):
            day = date.fromisoformat(text) + (DAY if ends else timedelta())
            return datetime.combine(day, time())
        moment = datetime.fromisoformat(text)
        moment.astimezone(UTC)  # some years have no such instant
    except (ValueError, OverflowError) as err:
        raise ContractError(wire_field) from err
    return moment


def _person(record: Json) -> Person:
    """Read who it is, as far as it is said."""
    return Person(
        name=text_of(record, "name"),
        phone=text_of(record, "phone"),
        email=text_of(record, "email"),
    )
