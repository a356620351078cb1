"""WinKAS AIR, where Danish municipalities and associations book their rooms.

Wire facts are those of vendors/winkas.md, with its marks: [C] confirmed, [P] only
plausible, [U] not public. What is not confirmed is read so that each case works.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from itertools import product
import re
from typing import Any, ClassVar, Final, override
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    FOREVER,
    Absence,
    Account,
    AuthError,
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    Person,
    Problem,
    Resource,
    Snapshot,
    VendorError,
)
from ..forms import Field, FieldKind
from ..transport import TIMEOUT, Answer, raise_for_status, read, request
from .base import BookingSystem
from .clock import span
from .distinct import full_id, identified
from .wire import Json, checked, optional

DEFAULT_URL: Final = "https://air.winkas.net/api/"
ZONE: Final = ZoneInfo("Europe/Copenhagen")
WIRE_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"  # of requests [C]

# A token lives for 12 hours [C]; half an hour is left for clocks that differ.
TOKEN_LIFE: Final = timedelta(hours=11, minutes=30)

# The "Z" of a request may mean nothing [P], and then the window is off by up to
# two hours; and a booking that began before it may be left out [P]. So more is
# asked, back to where a weekend's cup began, and selected here.
MARGIN: Final = timedelta(hours=3)
LONG_BOOKING: Final = timedelta(days=3)

AUTHENTICATION_FAILED: Final = 1  # a WinKasStatus [C]

# The page's plausible names [P]; the first that holds something wins.
BOOKING_NUMBER: Final = ("Id", "BookingNumber", "BookingNo", "BookingId")
MEMBER_NUMBER: Final = ("MemberNumber", "MemberNo")
EMAIL: Final = ("Email", "Mail")
PHONE: Final = ("Phone", "Mobile", "MobilePhone", "CellPhone")

# How, and whether, a cancelled booking is marked is not known [U]. Only what can
# hardly mean anything else counts; otherwise a cancelled booking is seen to vanish.
CANCELLED_MARKS: Final = ("Cancelled", "IsCancelled", "Status")
CANCELLED_WORDS: Final = {"cancelled", "canceled", "annulleret", "aflyst"}

# No booking is older: what a lesser number may count is not milliseconds.
OLDEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_DANISH: Final = re.compile(r"^(\d\d)-(\d\d)-(\d{4})[T ]", re.ASCII)


class _StatusError(ConnectionFailed):
    """A WinKasStatus that is neither 0 nor 1; what they mean is not public [U]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Login:
    """A token, and until when it is used."""

    token: str = field(repr=False)
    expires: datetime


class WinKas(BookingSystem):
    """One user of one WinKAS licence (vendors/winkas.md)."""

    key: ClassVar = "winkas"
    name: ClassVar = "WinKAS"
    form: ClassVar = (
        Field(name="username", autocomplete="username"),
        Field(
            name="password", kind=FieldKind.PASSWORD, autocomplete="current-password"
        ),
        Field(name="license_number"),
        Field(
            name="url",
            kind=FieldKind.URL,
            required=False,
            default=DEFAULT_URL,
            advanced=True,
        ),
    )
    absence: ClassVar = Absence.LISTING
    poll_interval: ClassVar = timedelta(minutes=15)  # as UniLock does [C]

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to log in; nothing is sent yet."""
        super().__init__(session, settings)
        self._session = session
        base = URL(str(settings.get("url") or DEFAULT_URL).strip().rstrip("/"))
        self._base = base if base.path.strip("/") else base.with_path("/api")
        license_number = str(settings["license_number"]).strip()
        user = str(settings["username"]).strip()
        id_ = f"{license_number}/{user}".lower()
        self._account = Account(id=id_, title=f"{self.name} ({license_number})")
        self._credentials = {
            "UserName": user,
            "UserPassword": str(settings["password"]),
            "UserContractCode": license_number,
        }
        self._lock = asyncio.Lock()
        self._outcome: _Login | VendorError | None = None  # of the last login
        self._repeated: set[str] = set()

    @override
    async def validate(self) -> Account:
        """Log in, unless we are; the real name is personal, and not for a title."""
        await self._logged_in()
        return self._account

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return all resources that have an id, those without a location too."""
        return await self._call("Calendar/GetAllResources", _resources)

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return the bookings that overlap [start, end).

        The snapshot is incomplete where a booking cannot be read: it may be one
        that we know, and that is still there.
        """
        ids = sorted(int(id_) for id_ in resource_ids if id_.isdecimal())
        reader = partial(self._snapshot, set(resource_ids), start, end)
        if not ids:  # what an empty list means to WinKAS is not known [U]
            return reader({"Resources": []})
        begin = start.astimezone(UTC) - MARGIN - LONG_BOOKING
        return await self._call(
            "Calendar/GetAllResourceEventsInTimePeriod",
            reader,
            StartTime=begin.strftime(WIRE_TIME),
            EndTime=(end.astimezone(UTC) + MARGIN).strftime(WIRE_TIME),
            Resources=ids,
        )

    def _snapshot(
        self, resource_ids: set[str], start: datetime, end: datetime, answer: Json
    ) -> Snapshot:
        """Read all events of the resources that overlap [start, end)."""
        listed = list(_with_id(answer))
        missing = frozenset(resource_ids - {id_ for id_, _ in listed})
        if resource_ids and len(missing) == len(resource_ids):
            raise ContractError("Resources")
        parts = list(_read([each for each in listed if each[0] in resource_ids]))
        readable = [part for part in parts if isinstance(part, Booking)]
        problems = tuple(part for part in parts if isinstance(part, Problem))
        return Snapshot(
            bookings=tuple(
                booking
                for booking in identified(readable, self._repeated)
                if booking.start < end and start < booking.end
            ),
            start=start,
            end=end,
            complete=not problems,
            missing=missing,
            problems=problems,
        )

    async def _call[ResultT](
        self, method: str, reader: Callable[[Json], ResultT], **arguments: object
    ) -> ResultT:
        """Ask for data; if we are refused, log in and ask once more.

        An expired token probably gives a WinKasStatus, but it could be a 401 [P].
        """
        login = await self._logged_in()
        with suppress(AuthError, _StatusError):
            return await self._post(method, {"Token": login.token, **arguments}, reader)
        login = await self._logged_in(refused=login)
        return await self._post(method, {"Token": login.token, **arguments}, reader)

    async def _logged_in(self, refused: _Login | None = None) -> _Login:
        """Return a login that was not refused, and make one only if there is none.

        Calls that wait for the login of another share its outcome, a failure too:
        repeated wrong passwords could lock the account.
        """
        before = self._outcome
        async with self._lock:
            known = self._outcome
            if isinstance(known, _Login) and known is not refused:
                if datetime.now(UTC) < known.expires:
                    return known
            if isinstance(known, VendorError) and known is not before:
                raise known
            try:
                self._outcome = await self._log_in()
            except VendorError as err:
                self._outcome = err
                raise
            return self._outcome

    async def _log_in(self) -> _Login:
        """Exchange the credentials for a token; it worked if there is one [C]."""
        try:
            return await self._post(
                "Authentication/Authenticate", self._credentials, _login
            )
        except _StatusError as err:  # a verdict on the one thing asked
            raise AuthError(str(err)) from err

    async def _post[ResultT](
        self, method: str, body: Json, reader: Callable[[Json], ResultT]
    ) -> ResultT:
        """Send one request and return what is read from a good answer."""
        url = self._base.joinpath(method)
        answer = await request(
            self._session, "POST", url, json=body, time_limit=TIMEOUT
        )
        raise_for_status(answer)
        if answer.status != HTTPStatus.OK:
            raise ConnectionFailed(f"status {answer.status}")
        return await read(answer, lambda: reader(_envelope(answer)))


def _envelope(answer: Answer) -> Json:
    """Return the body of an answer that tells of no error."""
    envelope = checked(answer.json(), "body", dict)
    status = checked(envelope.get("WinKasStatus"), "WinKasStatus", int)
    if status:
        refusal = AuthError if status == AUTHENTICATION_FAILED else _StatusError
        raise refusal(f"WinKasStatus {status}")
    return envelope


def _login(answer: Json) -> _Login:
    """Read the token that an answer to credentials has."""
    user = optional(answer, "WinKasData", dict)
    if not (token := optional(user, "CurrentToken", str).strip()):
        raise AuthError("no token")
    return _Login(token=token, expires=datetime.now(UTC) + TOKEN_LIFE)


def _first(wire_fields: Iterable[str], *records: Json) -> str | None:
    """Return the first that holds a text or number; 0 is how .NET writes none."""
    for record, wire_field in product(records, wire_fields):
        value = record.get(wire_field)
        if isinstance(value, int | str) and not isinstance(value, bool):
            if (text := str(value).strip()) not in {"", "0"}:
                return text
    return None


def _with_id(answer: Json) -> Iterator[tuple[str, Json]]:
    """Go through the answered resources that have an id."""
    if answer.get("WinkasErrorCode"):
        raise ConnectionFailed("WinkasErrorCode is not 0")
    for entry in checked(answer.get("Resources"), "Resources", list):
        if isinstance(entry, dict) and (id_ := _first(("Id",), entry)):
            yield id_, entry


def _resources(answer: Json) -> tuple[Resource, ...]:
    """Read all resources that have an id."""
    resources = [_resource(id_, entry) for id_, entry in _with_id(answer)]
    return tuple({resource.id: resource for resource in resources}.values())


def _resource(id_: str, entry: Json) -> Resource:
    """Read a resource; its location, and any part of it, may be missing [C]."""
    place = entry.get("ResourceLocation")
    places = [place] if isinstance(place, dict) else []
    name = _first(("Name",), entry) or id_
    return Resource(id=id_, name=name, location=_first(("Name", "Address"), *places))


def _read(resources: list[tuple[str, Json]]) -> Iterator[Booking | Problem]:
    """Read the bookings of the resources, each on its own."""
    for resource_id, entry in resources:
        listed = entry.get("ResourceCalendarbookings")
        bookings = listed if isinstance(listed, list) else ()
        for position, wrapper in enumerate(bookings, 1):
            try:
                yield _booking(wrapper, resource_id)
            except ContractError as err:
                item = f"booking {position} of resource {resource_id}"
                yield Problem(reason="bad_booking", item=item, field=err.field)


def _booking(value: object, resource_id: str) -> Booking:
    """Read one booking, with all that could identify it for an id."""
    wrapper = checked(value, "ResourceCalendarbookings", dict)
    name = "ResourceCalendarbooking"
    record = checked(wrapper.get(name), name, dict)
    start, end = span(_moment(record, "Start"), _moment(record, "Stop"), ZONE)
    summary = optional(record, "Subject", str).strip()
    holder = _holder(optional(wrapper, "BookingOwner", dict))
    owner = [holder.id, holder.name, holder.phone, holder.email]
    number = _first(BOOKING_NUMBER, record, wrapper)
    return Booking(
        id=full_id(number, resource_id, start, end, summary, *owner),
        resource_id=resource_id,
        start=start,
        end=end,
        summary=summary,
        status=_status(record, wrapper),
        holder=holder,
    )


def _moment(record: Json, wire_field: str) -> datetime:
    """Read "DD-MM-YYYY HH:MM[:SS]" or ISO 8601 [C]; naive where no offset is told.

    A number is what another client in use takes it for: milliseconds since 1970.
    """
    value = record.get(wire_field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_number(value, wire_field)
    text = _DANISH.sub(r"\3-\2-\1T", optional(record, wire_field, str).strip())
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ContractError(wire_field) from None
    if ":" not in text or moment.year < 1970:  # a date alone; the year 1 is .NET's none
        raise ContractError(wire_field)
    return FOREVER if moment.year >= FOREVER.year else moment


def _of_number(value: float, wire_field: str) -> datetime:
    """Return the instant so many milliseconds after the beginning of 1970."""
    if not OLDEST.timestamp() <= value / 1000 < FOREVER.timestamp():
        raise ContractError(wire_field)
    return datetime.fromtimestamp(value / 1000, UTC)


def _holder(owner: Json) -> Person:
    """Read the owner; only FirstName is confirmed, and may be an association's."""
    first, last = optional(owner, "FirstName", str), _first(("LastName",), owner)
    return Person(
        name=" ".join(f"{first} {last or ''}".split()) or None,
        phone=_first(PHONE, owner),
        email=_first(EMAIL, owner),
        id=_first(MEMBER_NUMBER, owner),
    )


def _status(*records: Json) -> BookingStatus:
    """Tell whether a booking is plainly marked as cancelled."""
    for name, record in product(CANCELLED_MARKS, records):
        mark = record.get(name)
        flagged = mark is True and name != "Status"
        if flagged or str(mark).strip().casefold() in CANCELLED_WORDS:
            return BookingStatus.CANCELLED
    return BookingStatus.CONFIRMED
