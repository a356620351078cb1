"""Pronestor Planner, as vendors/pronestor.md describes it.

``{site}/api.mvc`` is a page for people; the method "Authenticate" gives the cookie
that every other request must bring. What the methods and fields are called is not
public, so there are two dialects: ``guess`` has the names that the client has built
in, ``other`` quite different ones, which only a profile (``pronestor_site.OTHER``) makes usable.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
import json
import re
from typing import Any, Final, override
from uuid import uuid4

from aiohttp import web

from .base import LOGIN_PAGE, Simulator
from .pronestor_site import (
    BOOKINGS,
    LOCATIONS,
    ROOMS,
    ZONE,
    Meeting,
    Room,
    Wire,
    meeting_of,
)

COOKIE: Final = ".PLANNERAUTH"
USER: Final = "booking-access"
PASSWORD: Final = "moede-lokale-7"
PAGE: Final = "<!DOCTYPE html><html><body><h1>Planner Web API</h1></body></html>"

# What each switch of the control door may be set to; the first is the default.
SWITCHES: Final[Mapping[str, tuple[object, ...]]] = {
    "dialect": ("guess", "other"),
    "refusal": ("401", "403", "redirect", "page"),
    "login_refusal": ("same", "false"),
    "date_format": ("dotnet", "dotnet_offset", "iso_offset", "iso"),
    "begin_inside": (False, True),
    "bypass": (False, True),
}


class PronestorSimulator(Simulator):
    """A company's Planner, with the rooms of two locations around now.

    The control door understands:

    * ``clear: true`` drops all rooms and meetings first;
    * ``rooms: [{"id", "name", "location"}]`` adds or replaces, ``remove_rooms`` removes;
    * ``bookings: [{"id", "room" or "rooms", "start", "end"}]`` adds or replaces by
      ``id``, ``remove: [id, ...]`` removes. Times are ISO 8601, the site's (Danish)
      wall clock if without an offset. Also ``subject``, ``booker`` ({"name", "email",
      "phone"} or null), ``participants`` (of the same, and "company"), ``cancelled``,
      and ``extra`` (more fields of the answer, or others);
    * ``raw: [row, ...]``: rows that every answer of meetings has, as they stand;
    * ``dialect``: what all is called, ``guess`` or ``other``;
    * ``refusal`` of a request without a good cookie: ``401``, ``403``, ``redirect`` to
      a login, or its ``page``; ``login_refusal``: the ``same``, or 200 and ``false``;
    * ``date_format`` of answers: ``dotnet`` ("/Date(ms)/"), ``dotnet_offset``,
      ``iso_offset``, or ``iso`` without one (the site's time);
    * ``begin_inside``: answer what begins in the window, not all that overlaps it;
    * ``bypass``: no cookie is needed (AllowAuthenticationBypass).

    Its own faults: ``expired_session`` forgets all cookies at the next data call (once,
    or as often as ``times`` says), ``empty`` answers null for a list, ``partial``
    leaves the last entry out, ``duplicate`` has each twice, ``wrong_shape`` has an
    object for a list, ``nulls`` empties the first entry.
    """

    name = "pronestor"
    own_faults = frozenset(
        {"expired_session", "empty", "partial", "duplicate", "wrong_shape", "nulls"}
    )

    def __init__(self, now: datetime | None = None) -> None:
        """Start with the demonstration data around now."""
        self.now = now
        super().__init__()

    @override
    def reset(self) -> None:
        now = self.now or datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        self.rooms = {id_: Room(name=name, location=at) for id_, name, at in ROOMS}
        self.meetings = {
            str(number): Meeting(
                rooms=(room,),
                start=hour + timedelta(hours=begins),
                end=hour + timedelta(hours=begins + length),
                subject=subject,
                booker=dict(zip(("name", "email", "phone"), booker, strict=True)),
                participants=({"name": "Gæst Gæstesen", "company": "Kunden A/S"},),
            )
            for number, room, begins, length, subject, booker in BOOKINGS
        }
        self.raw: list[object] = []
        self.tokens: set[str] = set()
        self.switches = {name: values[0] for name, values in SWITCHES.items()}

    @override
    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._serve)]

    @override
    def credentials(self) -> Mapping[str, str]:
        who = {"username": USER, "password": PASSWORD}
        return {"url": self.url, **who, "location_ids": "3, 7"}

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        known = {"clear", "rooms", "remove_rooms", "bookings", "remove", "raw"}
        if unknown := set(data) - known - set(SWITCHES):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name, values in SWITCHES.items():
            if data.get(name, values[0]) not in values:
                raise ValueError(f"{name} is one of {values}")
        rooms = {
            int(wish["id"]): Room(name=wish["name"], location=int(wish["location"]))
            for wish in data.get("rooms", ())
        }
        meetings = {
            str(wish["id"]): meeting_of(wish) for wish in data.get("bookings", ())
        }
        if data.get("clear"):
            for held in (self.rooms, self.meetings, self.raw):
                held.clear()
        self.rooms |= rooms
        self.meetings |= meetings
        self.raw = list(data.get("raw", self.raw))
        for id_ in data.get("remove_rooms", ()):
            self.rooms.pop(int(id_), None)
        for id_ in data.get("remove", ()):
            self.meetings.pop(str(id_), None)
        self.switches |= {name: data[name] for name in SWITCHES if name in data}

    @override
    def fault(self, kind: str, **options: Any) -> None:
        if kind == "expired_session":
            options.setdefault("times", 1)
        super().fault(kind, **options)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer any request; the case of a path does not matter to IIS."""
        path = request.path.lower().strip("/")
        if path == "api.mvc" and request.method == "GET":
            return web.Response(text=PAGE, content_type="text/html")
        if path == "login.mvc":
            return web.Response(text=LOGIN_PAGE, content_type="text/html")
        location = re.fullmatch(r"api\.mvc/v2/locations/([^/]+)/rooms", path)
        if self.switches["dialect"] == "guess":
            methods: dict[str, tuple[str, Callable[[Wire, str], object]]] = {
                "api.mvc/v1/getrooms": ("GET", self._rooms),
                "api.mvc/v1/getbookings": ("GET", self._bookings),
            }
            login = "api.mvc/v1/authenticate"
        else:
            rooms = f"api.mvc/v2/locations/{location[1] if location else ''}/rooms"
            methods = {
                rooms: ("GET", self._other_rooms),
                "api.mvc/v2/meetings/search": ("POST", self._other_meetings),
            }
            login = "api.mvc/v2/session/authenticate"
        verb, answer = methods.get(path, ("POST", None))
        if answer is None and path != login:
            raise web.HTTPNotFound
        if request.method != verb:
            raise web.HTTPMethodNotAllowed(request.method, [verb])
        body = {**await _body(request), **({"site": location[1]} if location else {})}
        if answer is None:
            return self._log_in(body)
        if self.struck("expired_session", request.path):
            self.tokens.clear()
        known = request.cookies.get(COOKIE) in self.tokens
        if not (known or self.switches["bypass"]):
            return self._refused()
        return web.json_response(answer(body, request.path))

    def _log_in(self, body: Wire) -> web.StreamResponse:
        """Give a cookie for good credentials."""
        names = ("username", "password")
        if self.switches["dialect"] == "other":
            names = ("login", "secret")
            if body.get("remember") != "true":
                raise web.HTTPBadRequest
        if [body.get(name) for name in names] != [USER, PASSWORD]:
            if self.switches["login_refusal"] == "false":
                return web.json_response(data=False)
            return self._refused()
        token = str(uuid4())
        self.tokens.add(token)
        answer = web.json_response(data=True)
        answer.set_cookie(COOKIE, token, httponly=True)
        return answer

    def _refused(self) -> web.StreamResponse:
        """Refuse a request, in one of the ways that are plausible."""
        match self.switches["refusal"]:
            case "redirect":
                return web.Response(status=302, headers={"Location": "/Login.mvc"})
            case "page":
                return web.Response(text=LOGIN_PAGE, content_type="text/html")
            case status:
                return web.Response(status=int(str(status)))

    def _rooms(self, query: Wire, path: str) -> object:
        """List the rooms of a location, by the guessed names."""
        at = _number(query, "locationId")
        rooms: list[Wire] = [
            {"Id": id_, "Name": r.name, "LocationId": at, "LocationName": LOCATIONS[at]}
            for id_, r in self.rooms.items()
            if r.location == at
        ]
        return self._listed(rooms, path)

    def _other_rooms(self, query: Wire, path: str) -> object:
        """List the rooms of a location, by other names."""
        at = _number(query, "site")
        rooms: list[Wire] = [
            {"roomNumber": id_, "title": r.name, "site": {"title": LOCATIONS[at]}}
            for id_, r in self.rooms.items()
            if r.location == at
        ]
        return {"data": {"rooms": self._listed(rooms, path)}}

    def _bookings(self, query: Wire, path: str) -> object:
        """List the meetings of a location in a window, by the guessed names."""
        at = _number(query, "locationId")
        window = [_time(query, name, "%Y-%m-%dT%H:%M:%S") for name in ("from", "to")]
        ours = {id_ for id_, room in self.rooms.items() if room.location == at}
        return self._listed(
            [
                meeting.guessed(number, room, self.switches["date_format"])
                for number, meeting in self._found(ours, *window)
                for room in meeting.rooms
                if room in ours
            ],
            path,
        )

    def _other_meetings(self, body: Wire, path: str) -> object:
        """List the meetings of a room in a window, by other names."""
        room = body.get("room")
        if type(room) is not int:
            raise web.HTTPBadRequest
        window = [_time(body, name, "%d-%m-%Y %H:%M") for name in ("since", "until")]
        found = [
            meeting.other(number, self.switches["date_format"])
            for number, meeting in self._found({room}, *window)
        ]
        return {"count": len(found), "data": {"meetings": self._listed(found, path)}}

    def _found(
        self, rooms: set[int], start: datetime, end: datetime
    ) -> list[tuple[str, Meeting]]:
        """Return the meetings of some rooms in a window."""
        inside = self.switches["begin_inside"]
        return [
            (number, meeting)
            for number, meeting in self.meetings.items()
            if rooms & set(meeting.rooms)
            and meeting.start < end
            and start
            < (meeting.start + timedelta.resolution if inside else meeting.end)
        ]

    def _listed(self, entries: list[Wire], path: str) -> object:
        """Return a list as it is answered, as a fault has it."""
        rows: list[object] = [*entries]
        if "room" not in path.lower():
            rows += self.raw
        if self.struck("nulls", path):
            rows[:1] = [dict.fromkeys(entries[0])] if entries else []
        if self.struck("partial", path):
            rows = rows[:-1]
        if self.struck("duplicate", path):
            rows = [each for each in rows for _ in range(2)]
        if self.struck("empty", path):
            return None
        return {"Items": rows} if self.struck("wrong_shape", path) else rows


async def _body(request: web.Request) -> Wire:
    """Read the parameters: of the query, of a form, or of a JSON object."""
    if request.method == "GET":
        return {**request.query}
    if request.content_type == "application/x-www-form-urlencoded":
        return {**await request.post()}
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = None
    if request.content_type != "application/json" or not isinstance(body, dict):
        raise web.HTTPUnsupportedMediaType
    return body


def _number(query: Wire, name: str) -> int:
    """Return a location, which must be a known one."""
    text = str(query.get(name, ""))
    if not text.isdecimal() or int(text) not in LOCATIONS:
        raise web.HTTPBadRequest
    return int(text)


def _time(query: Wire, name: str, pattern: str) -> datetime:
    """Read a time of a request, which is the site's own."""
    try:
        return datetime.strptime(str(query.get(name)), pattern).replace(tzinfo=ZONE)
    except ValueError:
        raise web.HTTPBadRequest from None
