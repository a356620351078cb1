"""What Calenso's events say: which bookings there are after each.

An appointment is a booking of several things at once: of each of its services at the
store ("3/17"), of the store itself ("3"), and of its worker ("worker/7"), which may
be a room. A group appointment is "event/5". So a room can follow any of them. The
first of them has the appointment's own id, the others that and what is booked.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ..engine.models import NOBODY, Booking, BookingStatus, ContractError, Person
from .clock import span
from .wire import Json, checked, optional, text_of

MADE: Final = {
    "appointment.booking.created",
    "appointment.manual.booking.created",
    "appointment.updated",
    "event.booking.created",
    "event.manual.booking.created",
}
CANCELLED: Final = {"appointment.booking.cancelled", "event.booking.cancelled"}
CUSTOMER: Final = {"customer.updated"}
# A status is not confirmed [U]; only what can hardly mean anything else counts.
CANCELLED_WORDS: Final = {"cancelled", "canceled", "storniert"}
WORKER: Final = "worker/"
# What lasts longer was not meant as minutes.
LONGEST: Final = timedelta(days=31)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Event:
    """An event about an appointment or a group appointment, taken apart."""

    id: str
    record: Json
    kind: str  # "appointment" or "event"
    created: datetime | None
    user: Json
    customer: Json | None


def is_wanted(kind: str) -> bool:
    """Whether something follows from events of the type."""
    return kind in MADE | CANCELLED | CUSTOMER


def bookings_of(
    kind: str, envelope: Json, known: Mapping[str, Booking], zone: ZoneInfo
) -> Iterator[Booking]:
    """Return the bookings that an event brings, changes or ends.

    Raises ContractError where it cannot be read. ``zone`` is for times without one.
    """
    data = checked(envelope.get("data"), "data", dict)
    created = _created(envelope)
    if kind in CUSTOMER:
        yield from _held_by(checked(data.get("customer"), "data.customer", dict), known)
        return
    event = _event(kind, data, created)
    before = _known_of(event.id, known)
    if kind in CANCELLED or _is_cancelled(event.record):
        yield from _cancelled(event, before)
        return
    last = known.get(event.id)
    if last and last.status is BookingStatus.CANCELLED and _is_old(created, last):
        return  # it was cancelled meanwhile
    made = list(_made(event, before, zone))
    ids = {each.id for each in made}
    for each in before.values():
        if each.id not in ids:
            yield _ended(each, created)
    yield from made


def _created(envelope: Json) -> datetime | None:
    """Return when an event happened, by Calenso's clock; None if it does not say.

    It tells no offset, and is UTC to those who read it [C-code].
    """
    with suppress(ContractError, ValueError, OverflowError):
        moment = datetime.fromisoformat(text_of(envelope, "created") or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return None


def _event(kind: str, data: Json, created: datetime | None) -> _Event:
    """Take an event apart; a group appointment's customer makes it a booking."""
    name = kind.partition(".")[0]
    if name not in data:
        name = "appointment"
    record = checked(data.get(name), f"data.{name}", dict)
    booking = optional(data, "event_booking", dict)
    holders = (record.get("customer"), booking.get("customer"), data.get("customer"))
    customer = next((each for each in holders if isinstance(each, dict)), None)
    id_ = text_of(record, "uuid") or text_of(record, "id")
    if id_ is None:
        raise ContractError("uuid")
    if name == "event":
        own = text_of(booking, "uuid") or text_of(customer or {}, "uuid")
        if own is None:
            raise ContractError("customer.uuid")
        id_ = f"{id_}/{own}"
    return _Event(
        id=id_,
        record=record,
        kind=name,
        created=created,
        user=optional(data, "user", dict),
        customer=customer,
    )


def _known_of(id_: str, known: Mapping[str, Booking]) -> dict[str, Booking]:
    """Return the bookings that are already there for an appointment, its own first."""
    found = [known[id_]] if id_ in known else []
    found += [each for key, each in known.items() if key.startswith(f"{id_}/")]
    return {e.id: e for e in found if e.status is not BookingStatus.CANCELLED}


def _is_old(created: datetime | None, last: Booking) -> bool:
    """Whether an event is not newer than what is known."""
    return bool(created and last.updated_at and created <= last.updated_at)


def _is_cancelled(record: Json) -> bool:
    """Whether a record plainly says so."""
    return str(record.get("status")).strip().casefold() in CANCELLED_WORDS


def _cancelled(event: _Event, before: Mapping[str, Booking]) -> Iterator[Booking]:
    """Return what is cancelled; also what we never heard of, in case it comes late."""
    if event.id not in before:
        now = datetime.now(UTC)
        yield Booking(
            id=event.id,
            resource_id="",
            start=now,
            end=now,
            status=BookingStatus.CANCELLED,
            updated_at=event.created,
        )
    for each in before.values():
        yield _ended(each, event.created)


def _ended(booking: Booking, created: datetime | None) -> Booking:
    """Return a booking as cancelled: for good, however late we are told."""
    times = [time for time in (created, booking.updated_at) if time]
    return replace(
        booking,
        status=BookingStatus.CANCELLED,
        updated_at=max(times, default=None),
    )


def _made(
    event: _Event, before: Mapping[str, Booking], zone: ZoneInfo
) -> Iterator[Booking]:
    """Return the bookings of an appointment as it is now.

    What an event does not say stays as it was, except the times. Without an end a
    booking ends as it starts, and so gives no access: an end is never guessed.
    """
    start, end = _times(event.record, zone)
    first = next(iter(before.values()), None)
    holder = first.holder if first else NOBODY
    if event.customer is not None:
        holder = _person(event.customer, holder)
    kept = [each.resource_id for each in before.values()]
    places = list(_places(event)) or [e for e in kept if not e.startswith(WORKER)]
    workers = list(_worker(event)) or [e for e in kept if e.startswith(WORKER)]
    resources = list(dict.fromkeys([*places, *workers]))
    if not resources:
        raise ContractError("store_id")
    for position, resource in enumerate(resources):
        yield Booking(
            id=f"{event.id}/{resource}" if position else event.id,
            resource_id=resource,
            start=start,
            end=end,
            summary=_summary(event.record) or (first.summary if first else ""),
            holder=holder,
            updated_at=event.created,
        )


def _places(event: _Event) -> Iterator[str]:
    """Return the services, the store and the group appointment that are booked [P]."""
    record = event.record
    if event.kind == "event" and (id_ := text_of(record, "id")):
        yield f"event/{id_}"
    store = text_of(record, "store_id")
    if store is None:
        store = text_of(optional(record, "store", dict), "id")
    if store is None:
        return
    for service in _services(record):
        if id_ := text_of(service, "id"):
            yield f"{store}/{id_}"
    yield store


def _services(record: Json) -> list[Json]:
    """Return the services of an appointment [P]."""
    listed = optional(record, "appointment_services", list)
    return [each for each in listed if isinstance(each, dict)]


def _worker(event: _Event) -> Iterator[str]:
    """Return who or what does it [C]."""
    if id_ := text_of(event.user, "id"):
        yield f"{WORKER}{id_}"


def _summary(record: Json) -> str:
    """Return what is booked, by its name."""
    names = [text_of(each, "name") for each in _services(record)]
    return ", ".join(filter(None, names)) or text_of(record, "title") or ""


def _times(record: Json, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the start and end in UTC; the start twice where the end is not told.

    The end may be told, or follow from how long it lasts: by the store's own clock,
    or in minutes, of the appointment or of all its services [P].
    """
    start = _moment(record, "start_utc")
    if start is None:
        raise ContractError("start_utc")
    start = start.replace(tzinfo=start.tzinfo or UTC).astimezone(UTC)
    if end := _moment(record, "end_utc"):
        return start, end.replace(tzinfo=end.tzinfo or UTC).astimezone(UTC)
    begins, ends = _moment(record, "start"), _moment(record, "end")
    if begins and ends:
        begins, ends = span(begins, ends, zone)
        return start, start + (ends - begins)
    parts = [_minutes(each) for each in _services(record)]
    known = [each for each in parts if each]
    of_all = sum(known, timedelta()) if len(known) == len(parts) else timedelta()
    return start, start + (_minutes(record) or of_all)


def _moment(record: Json, wire_field: str) -> datetime | None:
    """Read "YYYY-MM-DD HH:MM:SS" or ISO 8601 [P]; None if it is nothing of that."""
    with suppress(ContractError, ValueError, OverflowError):
        moment = datetime.fromisoformat(text_of(record, wire_field) or "")
        moment.astimezone(UTC)  # some years have no such instant
        return moment
    return None


def _minutes(record: Json) -> timedelta | None:
    """Read how long something lasts; None if it does not say so."""
    with suppress(ContractError, ValueError, OverflowError):
        length = timedelta(minutes=float(text_of(record, "duration") or ""))
        return length if timedelta() < length < LONGEST else None
    return None


def _person(customer: Json, before: Person) -> Person:
    """Read who booked; what is not said of the same customer stays."""
    id_ = text_of(customer, "uuid")
    known = before if id_ and id_ == before.id else NOBODY
    names = [text_of(customer, name) for name in ("prename", "lastname")]
    return Person(
        name=" ".join(filter(None, names)) or known.name,
        phone=_said(customer, ("mobile", "phone"), known.phone),
        email=_said(customer, ("email",), known.email),
        id=id_,
    )


def _said(customer: Json, wire_fields: Iterable[str], known: str | None) -> str | None:
    """Return the first that says something; what was known where none is there."""
    there = [name for name in wire_fields if name in customer]
    said = [text_of(customer, name) for name in there]
    return next(filter(None, said), None) if there else known


def _held_by(customer: Json, known: Mapping[str, Booking]) -> Iterator[Booking]:
    """Return the bookings of a customer who has changed.

    They keep when they were last changed themselves: news of that may still come.
    """
    if (id_ := text_of(customer, "uuid")) is None:
        raise ContractError("customer.uuid")
    for each in known.values():
        if each.holder.id == id_ and each.status is not BookingStatus.CANCELLED:
            yield replace(each, holder=_person(customer, each.holder))
