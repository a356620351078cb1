"""iCalendar feeds (RFC 5545): the calendar that nearly every system can publish.

A feed is one resource. It is fetched only if it has changed, as far as its server can
tell, and read only if it is another one than the last time. Recurring events are
expanded somewhat further than asked for, so that time may pass without work.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from threading import Lock
from typing import Any, ClassVar, Final, override

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    Absence,
    Account,
    Booking,
    ConnectionFailed,
    Problem,
    Resource,
    Snapshot,
)
from ..forms import Field, FieldKind
from ..transport import Answer, raise_for_status, request
from .base import BookingSystem
from .ical_feed import Expansion, Feed, expand, read_feed
from .ical_times import overlaps
from .ical_words import OPTIONS, Words

# A feed is one resource; it stays the same one when its address changes.
RESOURCE: Final = "calendar"
# Some systems put a feed together only when they are asked for it.
TIME_LIMIT: Final = timedelta(seconds=30)
MAX_REDIRECTS: Final = 5
# How much further than asked recurring events are expanded.
AHEAD: Final = timedelta(days=1)

# The library shares generators between its calendars, which two threads cannot use
# at the same time. They could not work at the same time anyway.
_LIBRARY: Final = Lock()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fetched:
    """A feed, and how to know that it is still the same."""

    feed: Feed
    digest: int  # keyed anew at each start, so that nobody can aim at it
    conditions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """What was answered last."""

    bookings: tuple[Booking, ...]
    complete: bool
    missing: frozenset[str]
    problems: tuple[Problem, ...]


class ICalendar(BookingSystem):
    """One feed.

    Settings may have ``time_zone``, an IANA name: where the property is, for whole
    days and for times without a zone. What the feed says of its own times goes first.
    What they have of ``ical_words`` says how its events read.
    """

    key: ClassVar = "icalendar"
    name: ClassVar = "iCalendar"
    form: ClassVar = (
        Field(name="url", kind=FieldKind.URL, autocomplete="url"),
        Field(name="username", required=False, advanced=True, autocomplete="username"),
        Field(
            name="password",
            kind=FieldKind.PASSWORD,
            required=False,
            advanced=True,
            autocomplete="current-password",
        ),
        Field(
            name="verify_ssl",
            kind=FieldKind.BOOLEAN,
            required=False,
            default=True,
            advanced=True,
        ),
    )
    options: ClassVar = OPTIONS
    absence: ClassVar = Absence.LISTING
    poll_interval: ClassVar = timedelta(minutes=5)
    own_session: ClassVar = True
    is_choice: ClassVar = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to fetch the feed."""
        super().__init__(session, settings)
        self._session = session
        self._address = str(settings["url"]).strip()
        self._username = str(settings.get("username") or "")
        self._password = str(settings.get("password") or "")
        self._verify_ssl = bool(settings.get("verify_ssl", True))
        self._time_zone = str(settings.get("time_zone") or "UTC")
        self._words = Words.of(settings)
        self._fetched: _Fetched | None = None
        self._expanded: tuple[Feed, Expansion] | None = None
        self._told: _Told | None = None

    @override
    async def validate(self) -> Account:
        """Fetch the feed; its id tells nothing of a secret in the address."""
        feed = await self._current()
        return Account(id=self._id(), title=f"{self._title(feed)} (iCalendar)")

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return the feed."""
        feed = await self._current()
        return (Resource(id=RESOURCE, name=self._title(feed)),)

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot | None:
        """Return the feed's bookings that overlap [start, end).

        None if they are the same as the last time, for whatever reason.
        """
        missing = frozenset(resource_ids) - {RESOURCE}
        if len(missing) == len(set(resource_ids)):
            raise ConnectionFailed("another feed is asked for")
        feed = await self._current()
        expansion = await self._expand(feed, start, end)
        told = _Told(
            bookings=tuple(
                booking
                for booking in expansion.bookings
                if overlaps(booking.start, booking.end, start, end)
            ),
            complete=expansion.complete,
            missing=missing,
            problems=expansion.problems,
        )
        if told == self._told:
            return None
        self._told = told
        return Snapshot(
            bookings=told.bookings,
            start=start,
            end=end,
            complete=told.complete,
            missing=missing,
            problems=told.problems,
        )

    def _url(self) -> URL:
        """Return where the feed is; a calendar's own schemes mean HTTPS."""
        try:
            url = URL(self._address)
        except ValueError as err:
            raise ConnectionFailed("no address") from err
        if not url.host:
            raise ConnectionFailed("no address")
        return url.with_scheme("https") if url.scheme in ("webcal", "webcals") else url

    def _id(self) -> str:
        """Return what stays the same when a password changes."""
        url = str(self._url().with_user(None).with_fragment(None))
        return sha256(url.encode()).hexdigest()[:16]

    def _title(self, feed: Feed) -> str:
        """Return the feed's name for people."""
        return feed.name or self._url().host or self.name

    async def _current(self) -> Feed:
        """Return the feed as it is now, read anew only if it has changed."""
        last = self._fetched
        answer = await self._ask(last.conditions if last else {})
        if last and answer.status == HTTPStatus.NOT_MODIFIED:
            return last.feed
        raise_for_status(answer)
        digest = hash(answer.body)
        if last and last.digest == digest:
            feed = last.feed
        else:
            feed = await _in_thread(
                read_feed, answer.body, RESOURCE, self._time_zone, self._words
            )
        self._fetched = _Fetched(
            feed=feed, digest=digest, conditions=_conditions(answer)
        )
        return feed

    async def _ask(self, conditions: Mapping[str, str]) -> Answer:
        """Send the request; unlike with an API, the feed may have moved."""
        return await request(
            self._session,
            "GET",
            self._url().with_user(None),
            time_limit=TIME_LIMIT,
            headers={**conditions, **self._authorization()},
            ssl=self._verify_ssl,
            allow_redirects=True,
            max_redirects=MAX_REDIRECTS,
        )

    def _authorization(self) -> dict[str, str]:
        """Return the header with the password, which may be in the address, too."""
        url = self._url()
        username = self._username or url.user
        if not username:
            return {}
        account = f"{username}:{self._password or url.password or ''}"
        return {"Authorization": f"Basic {b64encode(account.encode()).decode()}"}

    async def _expand(self, feed: Feed, start: datetime, end: datetime) -> Expansion:
        """Return the feed's bookings of at least [start, end)."""
        if self._expanded:
            of, known = self._expanded
            if of is feed and known.start <= start and end <= known.end:
                return known
        expansion = await _in_thread(expand, feed, start, end + AHEAD)
        self._expanded = feed, expansion
        return expansion


async def _in_thread[**P, ResultT](
    function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs
) -> ResultT:
    """Run something slow in a thread, after all others."""

    def alone() -> ResultT:
        with _LIBRARY:
            return function(*args, **kwargs)

    return await asyncio.to_thread(alone)


def _conditions(answer: Answer) -> dict[str, str]:
    """Return the headers that ask only for a feed that has changed since."""
    names = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
    return {
        condition: answer.headers[name]
        for name, condition in names.items()
        if name in answer.headers
    }
