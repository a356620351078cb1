"""Pronestor Planner (now "Sign In Solutions Planner"), in the cloud and on premises.

Wire facts are those of vendors/pronestor.md, with its marks. Confirmed [C]: the address
``{site}/api.mvc``, a cookie that the method "Authenticate" gives, a first answer that may
take long, and that bookings tell who booked. Not public [U], and guessed in
``pronestor_profile``, to be overridden: every path, parameter and field. Of what is only
plausible [P] each case works: a refusal as 401, 403, redirect or page; three kinds of
dates; a window that means the site's own time, or only what begins in it.
"""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
import re
from typing import Any, ClassVar, Final, override
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    Absence,
    Account,
    Booking,
    ContractError,
    Problem,
    Rejected,
    Resource,
    Snapshot,
    VendorError,
)
from ..forms import Field, FieldKind
from ..transport import Answer
from .base import BookingSystem
from .distinct import identified
from .pronestor_profile import margin_of, read_profile, written
from .pronestor_read import Entry, entries_of, named_rooms, read_bookings, read_rooms
from .pronestor_site import Site, json_of

# A naive time may be meant in another zone [U], and a booking that began before the
# window may be left out [U]. So more is asked, and selected here.
MARGIN: Final = timedelta(hours=3)
LONG_BOOKING: Final = timedelta(days=3)
# The bookings of how long are read when an account is tried.
TRIAL: Final = timedelta(days=7)
# More bookings are put together in a thread, so that all else goes on.
MANY: Final = 500


class Pronestor(BookingSystem):
    """One user of one Pronestor Planner (vendors/pronestor.md)."""

    key: ClassVar = "pronestor"
    name: ClassVar = "Pronestor Planner"
    form: ClassVar = (
        Field(name="url", kind=FieldKind.URL),
        Field(name="username", autocomplete="username"),
        Field(
            name="password", kind=FieldKind.PASSWORD, autocomplete="current-password"
        ),
        Field(name="location_ids", kind=FieldKind.LIST),
        Field(
            name="verify_ssl",
            kind=FieldKind.BOOLEAN,
            required=False,
            default=True,
            advanced=True,
        ),
        Field(
            name="profile",
            kind=FieldKind.JSON,
            required=False,
            advanced=True,
            reader=read_profile,
        ),
    )
    absence: ClassVar = Absence.LISTING
    poll_interval: ClassVar = timedelta(minutes=15)
    own_session: ClassVar = True  # the login is a cookie
    may_move: ClassVar = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to log in; nothing is sent yet."""
        super().__init__(session, settings)
        user = str(settings["username"]).strip()
        self._zone = ZoneInfo(settings.get("time_zone") or "UTC")
        self._locations = _ids(settings.get("location_ids"))
        self._profile = read_profile(settings.get("profile"))
        self._repeated: set[str] = set()
        self._site = Site(
            session,
            URL(str(settings["url"])),
            self._profile,
            user,
            str(settings["password"]),
        )
        base = self._site.base
        site = str(base.parent).partition("://")[2].rstrip("/")
        self._account = Account(
            id=f"{site}/{user}".lower(), title=f"{self.name} ({base.host})"
        )

    @property
    @override
    def tried(self) -> str:
        """What each method of the profile answered."""
        return self._site.tried

    @override
    async def validate(self) -> Account:
        """Try all three methods: any of them may have another name here."""
        try:
            if not (rooms := await self.list_resources()):
                raise Rejected("wrong_location")
            ids = {room.id for room in rooms}
            asked = {rooms[0].id} if self._profile.bookings.room_param else ids
            now = datetime.now(UTC)
            parts = await self._parts(asked, ids, now, now + TRIAL)
            problems = [part for part in parts if isinstance(part, Problem)]
            if problems and len(problems) == len(parts):
                raise ContractError(problems[0].field or "bookings")
        except VendorError:
            await self._site.look_at_page()
            raise
        return self._account

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return the rooms of all locations."""
        param = self._profile.rooms.location_param
        calls = [
            self._site.call("rooms", {param: _number(location)}, self._read_rooms)
            for location in self._asked(param)
        ]
        return read_rooms(list(chain(*await _all(calls))), self._locations)

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return the bookings that overlap [start, end).

        The snapshot is incomplete where a booking cannot be read: it may be one
        that we know, and that is still there.
        """
        wanted = set(resource_ids)
        rooms = {room.id for room in await self.list_resources()}
        if wanted and not wanted & rooms:
            raise ContractError("rooms")  # an answer about none of what was asked
        parts = await self._parts(wanted & rooms, rooms, start, end)
        whole = partial(self._snapshot, parts, wanted - rooms, start, end)
        return await asyncio.to_thread(whole) if len(parts) > MANY else whole()

    def _snapshot(
        self,
        parts: list[Booking | Problem],
        missing: set[str],
        start: datetime,
        end: datetime,
    ) -> Snapshot:
        """Put together what was read."""
        readable = [part for part in parts if isinstance(part, Booking)]
        problems = tuple(part for part in parts if isinstance(part, Problem))
        if len(problems) > 1 and not readable:  # not one odd booking: the names changed
            raise ContractError(problems[0].field or "bookings")
        return Snapshot(
            bookings=tuple(
                booking
                for booking in identified(readable, self._repeated)
                if booking.start < end and start < booking.end
            ),
            start=start,
            end=end,
            complete=not problems,
            missing=frozenset(missing),
            problems=problems,
        )

    async def _parts(
        self, wanted: set[str], rooms: set[str], start: datetime, end: datetime
    ) -> list[Booking | Problem]:
        """Return the bookings of the wanted rooms, and what cannot be read of them."""
        names = self._profile.bookings
        more = MARGIN + margin_of(names.date_format)
        begin, finish = start - MARGIN - LONG_BOOKING, end + more
        window = {
            names.from_param: written(begin, names.date_format, self._zone),
            names.to_param: written(finish, names.date_format, self._zone),
        }
        by_room = bool(names.room_param)
        param = names.room_param or names.location_param
        calls = [
            self._site.call(
                "bookings",
                {**window, param: _number(asked)},
                partial(
                    self._read_page, wanted, rooms, asked, asked if by_room else None
                ),
            )
            for asked in (sorted(wanted) if by_room else self._asked(param))
        ]
        return list(chain(*await _all(calls)))

    def _read_rooms(self, answer: Answer) -> list[Entry]:
        """Take an answer's rooms apart."""
        return entries_of(json_of(answer, "rooms"), self._profile.rooms, "")

    def _read_page(
        self,
        wanted: set[str],
        rooms: set[str],
        asked: str | None,
        room_id: str | None,
        answer: Answer,
    ) -> list[Booking | Problem]:
        """Read the bookings of one answer, for a room or a location."""
        names = self._profile.bookings
        whose = f"{'room' if room_id else 'location'} {asked}" if asked else "the list"
        entries = entries_of(json_of(answer, "bookings"), names, whose, room_id)
        named = named_rooms(entries)
        if asked and named and not named & rooms:  # ids of something else
            raise entries[0].misfit("room_id")
        return list(read_bookings(entries, wanted, self._zone))

    def _asked(self, param: str | None) -> tuple[str | None, ...]:
        """Return the locations to ask for, each on its own; None where all are one."""
        return self._locations if param and self._locations else (None,)


def _ids(given: object) -> tuple[str, ...]:
    """Return ids that are written with commas or blanks between them, or listed."""
    texts = given if isinstance(given, list | tuple) else [given or ""]
    parts = chain(*(re.split(r"[,;\s]+", str(text)) for text in texts))
    return tuple(dict.fromkeys(part for part in parts if part))


def _number(id_: str | None) -> object:
    """Return an id as the number that it is; .NET takes either where it is a text."""
    return int(id_) if id_ and re.fullmatch(r"0|[1-9]\d{0,17}", id_, re.ASCII) else id_


async def _all[ResultT](calls: Iterable[Coroutine[Any, Any, ResultT]]) -> list[ResultT]:
    """Return the results of calls beside each other; when all are done, the first error."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
