"""An iCalendar feed (RFC 5545) on a web server that knows what has changed.

``/calendar.ics`` is open to all, ``/private.ics`` wants HTTP Basic, ``/moved.ics``
redirects to the first. All have an ETag and a Last-Modified, and answer 304 to who
has the newest.

What ``control`` understands, besides what all simulators do (``base``):

* ``clear: true`` removes all events, ``remove: [uid]`` those with the UIDs;
* ``events: [...]`` adds events, or replaces those with the same UID and
  ``recurrence_id``. Each has ``uid`` and ``start``, and may have ``end`` or
  ``duration``, ``time_zone`` (the TZID of its times), ``summary``, ``description``,
  ``location``, ``status``, ``transp``, ``sequence``, ``rrule``, ``rdate: []``,
  ``exdate: []``, ``recurrence_id``, ``last_modified``, ``organizer`` and
  ``attendees: []`` (each with ``name``, ``email`` or ``phone``), and ``lines: []``
  that are put in as they are. Times are ISO: a date is a whole day, a time with an
  offset is written in UTC, one without in the ``time_zone``, else as floating;
* ``name`` names the calendar, ``lines: [...]`` are put into its head;
* ``raw: "..."`` is served instead of all that, until ``raw: null``;
* ``validators: false`` leaves out ETag and Last-Modified.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, override

from aiohttp import web

from .base import Simulator

type Event = Mapping[str, Any]

USERNAME: Final = "feed"
PASSWORD: Final = "feed-password"

_TIMES: Final = ("start", "end", "recurrence_id")
_TIME_LISTS: Final = ("rdate", "exdate")
_TEXTS: Final = ("uid", "summary", "description", "location")
_WORDS: Final = ("duration", "status", "transp", "sequence", "rrule", "last_modified")
_OTHERS: Final = ("time_zone", "organizer", "attendees", "lines")
_FIELDS: Final = frozenset({*_TIMES, *_TIME_LISTS, *_TEXTS, *_WORDS, *_OTHERS})
_NAMES: Final = {"start": "DTSTART", "end": "DTEND"}
_DATA: Final = frozenset(
    {"clear", "remove", "events", "name", "lines", "raw", "validators"}
)
_BAD_EVENT: Final = ("UID:broken@example.com", "DTSTART:next Tuesday", "SUMMARY:Broken")


class ICalendarSimulator(Simulator):
    """One feed."""

    name = "icalendar"
    own_faults = frozenset(
        {"empty", "partial", "duplicate", "bad_event", "wrong_shape"}
    )
    _changed: datetime = datetime.fromtimestamp(0, UTC)

    @override
    def reset(self) -> None:
        """Put back four bookings from today on, as a meeting room has them."""
        self.calendar_name = "Meeting room Nordlys"
        self.head: list[str] = []
        self.raw: str | None = None
        self.validators = True
        self.events: dict[tuple[str, str], list[str]] = {}
        self._note_change()
        self._put(_demo_events(self._changed))

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        return {
            "url": f"{self.url}/private.ics",
            "username": USERNAME,
            "password": PASSWORD,
        }

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        if unknown := set(data) - _DATA:
            raise ValueError(f"unknown data {sorted(unknown)}")
        if data.get("clear"):
            self.events = {}
        for uid in data.get("remove", ()):
            self._remove(uid)
        self._note_change()
        self._put(data.get("events", ()))
        self.calendar_name = data.get("name", self.calendar_name)
        self.head = list(data.get("lines", self.head))
        self.raw = data.get("raw", self.raw)
        self.validators = bool(data.get("validators", self.validators))

    def _note_change(self) -> None:
        """Remember when, in a second of its own: the headers know no less."""
        now = datetime.now(UTC).replace(microsecond=0)
        self._changed = max(self._changed + timedelta(seconds=1), now)

    def _remove(self, uid: str) -> None:
        """Take away an event with all its changed occurrences."""
        found = [key for key in self.events if key[0] == uid]
        if not found:
            raise ValueError(f"no event {uid}")
        for key in found:
            del self.events[key]

    def _put(self, events: Iterable[Event]) -> None:
        """Add events or replace them."""
        for event in events:
            key = (event["uid"], event.get("recurrence_id", ""))
            self.events[key] = list(_event_lines(event, self._changed))

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the feed's addresses."""
        return [
            web.get("/calendar.ics", self._get),
            web.get("/private.ics", self._get_private),
            web.get("/moved.ics", self._get_moved),
        ]

    async def _get_private(self, request: web.Request) -> web.Response:
        """Serve the feed to who knows the password."""
        account = b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {account}":
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Basic realm="calendar"'}
            )
        return await self._get(request)

    async def _get_moved(self, request: web.Request) -> web.Response:
        """Tell where the feed is."""
        return web.Response(status=302, headers={"Location": "/calendar.ics"})

    async def _get(self, request: web.Request) -> web.Response:
        """Serve the feed, with what is wrong with it."""
        path = request.path
        if self.struck("wrong_shape", path):
            return web.json_response({"events": []})
        if self.struck("empty", path):
            return _answer(self._calendar([]))
        if self.struck("partial", path):
            text = self.text()
            return _answer(text[: len(text) * 2 // 3])
        if self.struck("duplicate", path):
            return _answer(self._calendar([*self.events.values()] * 2))
        if self.struck("bad_event", path):
            return _answer(self._calendar([_BAD_EVENT, *self.events.values()]))
        if not self.validators:
            return _answer(self.text())
        headers = {
            "ETag": f'"{self._changed:%Y%m%d%H%M%S}"',
            "Last-Modified": format_datetime(self._changed, usegmt=True),
        }
        if _has_newest(request, headers["ETag"], self._changed):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return _answer(self.text(), headers)

    def text(self) -> str:
        """Return the feed as it is without faults."""
        return self._calendar(self.events.values()) if self.raw is None else self.raw

    def _calendar(self, events: Iterable[Iterable[str]]) -> str:
        """Return a calendar of these events."""
        lines = [
            *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Rooms 1.0//EN"),
            *("CALSCALE:GREGORIAN", "METHOD:PUBLISH"),
            f"X-WR-CALNAME:{_escaped(self.calendar_name)}",
            *self.head,
        ]
        for event in events:
            lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
        return "".join(f"{_folded(line)}\r\n" for line in [*lines, "END:VCALENDAR"])


def _answer(text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return a feed as web servers send it."""
    return web.Response(
        text=text, content_type="text/calendar", charset="utf-8", headers=headers
    )


def _has_newest(request: web.Request, etag: str, changed: datetime) -> bool:
    """Whether a conditional request needs no answer (RFC 9110, 13.2.2)."""
    if "If-None-Match" in request.headers:
        known = request.headers["If-None-Match"].split(",")
        return any(tag.strip().removeprefix("W/") in (etag, "*") for tag in known)
    try:
        since = parsedate_to_datetime(request.headers.get("If-Modified-Since", ""))
    except ValueError:
        return False
    return changed <= since


def _event_lines(event: Event, changed: datetime) -> Iterator[str]:
    """Yield the lines of an event; ValueError if it makes no sense."""
    if unknown := set(event) - _FIELDS:
        raise ValueError(f"unknown fields {sorted(unknown)}")
    if "start" not in event:
        raise ValueError("an event needs a start")
    yield f"DTSTAMP:{changed:%Y%m%dT%H%M%SZ}"
    zone = event.get("time_zone")
    for name in _TIMES:
        if name in event:
            yield _time_line(_NAMES.get(name, _wire_name(name)), event[name], zone)
    for name in _TIME_LISTS:
        for value in event.get(name, ()):
            yield _time_line(_wire_name(name), value, zone)
    for name in _TEXTS:
        if name in event:
            yield f"{_wire_name(name)}:{_escaped(event[name])}"
    for name in _WORDS:
        if name in event:
            yield f"{_wire_name(name)}:{event[name]}"
    if "organizer" in event:
        yield _person_line("ORGANIZER", event["organizer"])
    for person in event.get("attendees", ()):
        yield _person_line("ATTENDEE", person)
    yield from event.get("lines", ())


def _time_line(name: str, value: str, zone: str | None) -> str:
    """Return a date or time with what says how to read it."""
    if "T" not in value:
        return f"{name};VALUE=DATE:{date.fromisoformat(value):%Y%m%d}"
    time = datetime.fromisoformat(value)
    if time.tzinfo:
        return f"{name}:{time.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{name}{f';TZID={zone}' if zone else ''}:{time:%Y%m%dT%H%M%S}"


def _person_line(name: str, person: Mapping[str, str]) -> str:
    """Return an organizer or attendee."""
    common_name = f';CN="{person["name"]}"' if "name" in person else ""
    scheme, address = (
        ("tel", person["phone"]) if "phone" in person else ("mailto", person["email"])
    )
    return f"{name}{common_name}:{scheme}:{address}"


def _wire_name(name: str) -> str:
    """Return a property's name on the wire."""
    return name.upper().replace("_", "-")


def _escaped(text: str) -> str:
    """Return a text as RFC 5545 has it (3.3.11)."""
    for character in "\\;,":
        text = text.replace(character, f"\\{character}")
    return text.replace("\n", "\\n")


def _folded(line: str) -> str:
    """Return a line of any length in lines of at most 75 octets (RFC 5545, 3.1)."""
    lines, size = [""], 0
    for character in line:
        width = len(character.encode())
        if size + width > 75:
            lines.append(" ")
            size = 1
        lines[-1] += character
        size += width
    return "\r\n".join(lines)


def _demo_events(now: datetime) -> Iterator[Event]:
    """Yield bookings that show what a feed can say."""
    hour = now.replace(minute=0, second=0)
    ann = {"name": "Ann Example", "email": "ann@example.com"}
    bob = {"name": "Bob Example", "phone": "+4520123456"}

    def times(hours: float, length: float) -> dict[str, str]:
        start = hour + timedelta(hours=hours)
        end = start + timedelta(hours=length)
        return {"start": start.isoformat(), "end": end.isoformat()}

    yield {"uid": "soon@example.com", "summary": "Choir", "organizer": ann} | times(
        1, 2
    )
    yield {"uid": "later@example.com", "summary": "Board", "organizer": bob} | times(
        5, 1
    )
    weekly = {"uid": "weekly@example.com", "summary": "Yoga", "rrule": "FREQ=WEEKLY"}
    yield weekly | {"organizer": ann, "attendees": [bob]} | times(26, 1.5)
    day = (hour + timedelta(days=3)).date()
    yield {
        "uid": "day@example.com",
        "summary": "Market",
        "status": "TENTATIVE",
        "start": day.isoformat(),
        "end": (day + timedelta(days=1)).isoformat(),
    }
