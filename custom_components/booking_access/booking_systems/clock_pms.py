"""Clock PMS+, a hotel's booking system.

Wire facts, with their marks: [C] confirmed, [P] only plausible, [U] not public. The
calls, their filters, the booking's fields, HTTP Digest and the push by Amazon SNS are
[C]. That a booking's time stamp moves when its room or guest is edited is [P], so
everything is read again once a day; whether a deleted booking gives 404 is [P], so
that alone is no cancellation, but makes us look at the list again. The hotel's zone
and hours are [U], and asked of people.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Final, override
from zoneinfo import ZoneInfo

from aiohttp import ClientSession

from ..engine.models import (
    Absence,
    Account,
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    MissingRight,
    Problem,
    Rejected,
    Resource,
    Snapshot,
)
from ..forms import Field, FieldKind
from ..push import Push
from .base import BookingSystem
from .clock_pms_http import BlockedError, ClockHttp
from .clock_pms_push import ClockNews
from .clock_pms_read import (
    Hours,
    is_older,
    read_booking,
    read_ids,
    read_resources,
    time_of,
)
from .wire import checked, text_of

DAY: Final = timedelta(days=1)
# What has changed is asked from a little before the last time: clocks differ.
OVERLAP: Final = timedelta(minutes=5)
# More days are listed than asked for, as the window moves on until the next list.
AHEAD: Final = 2 * DAY
# So many bookings in a row that cannot be read are an outage.
OUTAGE: Final = 3
CHECK_IN: Final = "15:00:00"
CHECK_OUT: Final = "11:00:00"


class _UnreadableError(ConnectionFailed):
    """One booking cannot be had now; nothing follows from that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Listed:
    """When all bookings were last listed, and of which days."""

    at: datetime
    first: date
    last: date

    def instants(self) -> tuple[datetime, datetime]:
        """Return since when and until when a booking is of these days, anywhere on Earth."""
        return (
            datetime.combine(self.first - DAY, time(), UTC),
            datetime.combine(self.last + 2 * DAY, time(), UTC),
        )

    def holds(self, now: datetime, first: date, last: date) -> bool:
        """Whether these days need not be listed again."""
        fresh = self.at <= now < self.at + DAY
        return fresh and self.first <= first and last <= self.last


class ClockPms(BookingSystem):
    """One hotel of Clock PMS+."""

    key: ClassVar = "clock_pms"
    name: ClassVar = "Clock PMS+"
    form: ClassVar = (
        Field(name="url", kind=FieldKind.URL),
        Field(name="username", autocomplete="username"),
        Field(name="api_key", kind=FieldKind.PASSWORD),
        Field(name="check_in_time", kind=FieldKind.TIME, default=CHECK_IN),
        Field(name="check_out_time", kind=FieldKind.TIME, default=CHECK_OUT),
        Field(name="time_zone", required=False, advanced=True),
        Field(
            name="believe_times",
            kind=FieldKind.BOOLEAN,
            required=False,
            default=False,
            advanced=True,
        ),
        Field(name="base_url", kind=FieldKind.URL, required=False, advanced=True),
    )
    absence: ClassVar = Absence.LISTING
    poll_interval: ClassVar = timedelta(minutes=2)
    can_push: ClassVar = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to ask; nothing is sent yet."""
        super().__init__(session, settings)
        self._http = ClockHttp(session, settings)
        self._news = ClockNews(session, self._http, settings)
        self._hours: Hours | None = None
        self._wanted: frozenset[str] = frozenset()
        self._bookings: dict[str, Booking] = {}
        self._moved: set[str] = set()
        self._problems: dict[str, Problem] = {}
        self._unread: dict[str, None] = {}  # in order
        self._listed: _Listed | None = None
        self._list_again = False
        self._phones_due: set[str] = set()
        self._changes_since: datetime | None = None
        self._guests_refused = False

    @override
    async def validate(self) -> Account:
        """Prove the sign-in, and the rights to what is asked later."""
        try:
            await self._hotel_hours()
            await self._http.collection("room_types")
            await self._changed_since(datetime.now(UTC))
        except BlockedError as err:
            raise Rejected("clock_blocked") from err
        account = self._http.hotel.partition("/")[2]
        return Account(id=self._http.hotel, title=f"{self.name} ({account})")

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return the rooms, each with its type."""
        types = await self._http.collection("room_types")
        return read_resources(await self._http.collection("rooms"), types)

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return the bookings that overlap [start, end), and those that were moved.

        Only what is new or changed is read, and once a day everything. Where that
        is interrupted, the next call goes on with it.
        """
        self._want(frozenset(resource_ids))
        hours = await self._hotel_hours()
        await self._find_unread(
            start.astimezone(hours.zone).date() - DAY,
            end.astimezone(hours.zone).date() + DAY,
        )
        await self._read_unread()
        lacking = {*self._unread, *self._problems} - self._bookings.keys()
        return Snapshot(
            bookings=tuple(
                self._as_ours(booking)
                for booking in self._bookings.values()
                if booking.resource_id
                and (booking.id in self._moved or _overlaps(booking, start, end))
            ),
            start=start,
            end=end,
            complete=not lacking,
            problems=tuple(self._problems.values()),
        )

    @override
    async def parse_push(
        self, headers: Mapping[str, str], body: bytes, known: Mapping[str, Booking]
    ) -> Push:
        """Verify a message, and read again the booking that it is about."""
        return await self._news.take(body, lambda id_: self._reread(id_, known))

    async def _reread(self, id_: str, known: Mapping[str, Booking]) -> Push:
        """Read one booking; without a room of ours it is looked up in the list as well."""
        self._unread[id_] = None  # where this fails, the next poll does it
        booking = await self._read(id_)
        self._unread.pop(id_, None)
        problems = tuple(self._problems.values())
        if booking is None or not booking.resource_id:
            self._list_again |= id_ in known and booking is None
            return Push(problems=problems, asks=id_ in known)
        ours = self._as_ours(booking)
        counts = id_ in known or booking.resource_id in self._wanted
        near = id_ in known or id_ in self._bookings
        return Push(bookings=(ours,) if counts and near else (), problems=problems)

    async def _find_unread(self, first: date, last: date) -> None:
        """Note which bookings are to be read.

        One that the list lacks is read as well, before anything is concluded.
        """
        now = datetime.now(UTC)
        if (since := self._changes_since) and self._holds(now, first, last):
            self._note(await self._changed_since(since - OVERLAP))
        else:
            listed = _Listed(at=now, first=first, last=last + AHEAD)
            ids = await self._list(listed)
            self._listed, self._list_again = listed, False
            self._guests_refused = False
            self._forget_others(listed)
            self._note([*ids, *self._bookings, *self._problems])
        self._note(self._phones_due)
        self._phones_due.clear()
        self._changes_since = min(now, self._http.vendor_time or now)
        if self._listed and self._list_again:
            self._note(self._bookings.keys() ^ set(await self._list(self._listed)))
            self._list_again = False

    def _want(self, resource_ids: frozenset[str]) -> None:
        """Note whose phones are to be read for rooms that nobody asked for before."""
        more = resource_ids - self._wanted
        self._wanted = resource_ids
        self._phones_due |= {
            id_
            for id_, each in self._bookings.items()
            if each.resource_id in more and not each.holder.phone
        }

    def _holds(self, now: datetime, first: date, last: date) -> bool:
        """Whether these days were listed today, and need not be again."""
        return bool(self._listed and self._listed.holds(now, first, last))

    def _note(self, ids: Iterable[str]) -> None:
        """Note bookings to be read."""
        self._unread |= dict.fromkeys(ids)

    async def _list(self, days: _Listed) -> list[str]:
        """Return the bookings of some days."""
        return read_ids(
            await self._http.collection(
                "bookings/",
                **{
                    "arrival.lt": (days.last + DAY).isoformat(),
                    "departure.gt": (days.first - DAY).isoformat(),
                },
            )
        )

    async def _changed_since(self, moment: datetime) -> list[str]:
        """Return the bookings that changed; a "+" would have to be escaped, so it is Z."""
        since = f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        query = {"updated_at.gteq": since}
        return read_ids(await self._http.collection("bookings/", **query))

    def _forget_others(self, days: _Listed) -> None:
        """Forget the bookings of other days, and that some were moved."""
        self._bookings = {
            id_: each
            for id_, each in self._bookings.items()
            if _overlaps(each, *days.instants())
        }
        self._moved.clear()

    async def _read_unread(self) -> None:
        """Read what was noted; one that cannot be had stays noted, and costs no other."""
        failed = 0
        for id_ in list(self._unread):
            try:
                await self._read(id_)
            except _UnreadableError:
                failed += 1
                if failed == OUTAGE:
                    raise
                continue
            failed = 0
            self._unread.pop(id_, None)

    async def _read(self, id_: str) -> Booking | None:
        """Read one booking, and keep it; None if it is gone, or not as it should be."""
        answer = await self._http.get(f"bookings/{id_}")
        if answer.status == HTTPStatus.NOT_FOUND:
            self._problems.pop(id_, None)
            if self._bookings.pop(id_, None):
                self._list_again = True  # so that it is not this answer alone
            return None
        if not answer.ok:
            raise _UnreadableError(f"status {answer.status}")
        record = checked(answer.json(), "body", dict)
        try:
            booking = read_booking(record, id_, await self._hotel_hours())
        except ContractError as err:
            item = f"booking {id_}"
            self._problems[id_] = Problem(
                reason="bad_booking", item=item, field=err.field
            )
            return None
        booking = await self._with_phone(booking)
        self._problems.pop(id_, None)
        self._keep(booking)
        return booking

    async def _with_phone(self, booking: Booking) -> Booking:
        """Return a booking with its guest's own phone, where a key may be wanted for it."""
        guest = booking.holder
        wanted = booking.resource_id in self._wanted and not self._guests_refused
        if guest.phone or not guest.id or not wanted:
            return booking
        if booking.status is BookingStatus.CANCELLED or not guest.id.isdecimal():
            return booking
        try:
            answer = await self._http.get(f"guests/{guest.id}")
        except MissingRight:
            self._guests_refused = True
            return booking
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self._phones_due.add(booking.id)
            before = self._bookings.get(booking.id)
            same = before and before.holder.id == guest.id
            phone = before.holder.phone if before and same else None
        elif answer.ok:
            phone = text_of(checked(answer.json(), "guests", dict), "phone_number")
        else:
            phone = None
        return replace(booking, holder=replace(guest, phone=phone))

    def _keep(self, booking: Booking) -> None:
        """Keep a booking that is of the listed days, or was, unless a newer one came first."""
        before = self._bookings.get(booking.id)
        if before is None:
            if self._listed and not _overlaps(booking, *self._listed.instants()):
                return
        elif is_older(booking, before):
            return
        elif (before.start, before.end) != (booking.start, booking.end):
            self._moved.add(booking.id)
        self._bookings[booking.id] = booking

    def _as_ours(self, booking: Booking) -> Booking:
        """Return a booking as it is for our rooms: one in another room is gone from them."""
        if booking.resource_id in self._wanted:
            return booking
        return Booking(
            id=booking.id,
            resource_id=booking.resource_id,
            start=booking.start,
            end=booking.end,
            status=BookingStatus.CANCELLED,
        )

    async def _hotel_hours(self) -> Hours:
        """Return the hotel's hours; a zone is read from a file, beside the event loop.

        Raises Rejected if there is no such zone.
        """
        if self._hours is None:
            name = str(self.settings.get("time_zone") or "UTC").strip()
            try:
                zone = await asyncio.to_thread(ZoneInfo, name)
            except (ValueError, KeyError, OSError) as err:
                raise Rejected("unknown_time_zone") from err
            self._hours = Hours(
                zone=zone,
                check_in=time_of(self.settings.get("check_in_time") or CHECK_IN),
                check_out=time_of(self.settings.get("check_out_time") or CHECK_OUT),
                believed=bool(self.settings.get("believe_times")),
            )
        return self._hours


def _overlaps(booking: Booking, start: datetime, end: datetime) -> bool:
    """Whether a booking takes up some of [start, end)."""
    return booking.start < end and start < booking.end
