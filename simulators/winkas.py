"""WinKAS AIR, as vendors/winkas.md describes it.

RPC over HTTP: ``{base}/api/{Controller}/{Method}``, path case not significant, a JSON
object with the token as the body of every POST, an envelope around every answer. What
the page marks as unknown is switchable where a client has to cope with either.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, override
from uuid import uuid4
from zoneinfo import ZoneInfo

from aiohttp import web

from .base import Simulator

type Wire = dict[str, object]

ZONE: Final = ZoneInfo("Europe/Copenhagen")
TOKEN_LIFE: Final = timedelta(hours=12)

AUTHENTICATION_FAILED: Final = 1
BAD_REQUEST: Final = 2  # the real codes are not public

USER: Final = "booking-access"
PASSWORD: Final = "hallen-er-aaben"
LICENSE: Final = "104217"

# What each switch of the control door may be set to; the first is the default.
SWITCHES: Final[Mapping[str, tuple[object, ...]]] = {
    "date_format": ("dk", "dk_minutes", "iso", "iso_utc", "number"),
    "z_means_utc": (False, True),
    "begin_inside": (False, True),
    "expired_as": ("status", "401"),
}
DATE_FORMATS: Final = {
    "dk": (ZONE, "%d-%m-%Y %H:%M:%S"),
    "dk_minutes": (ZONE, "%d-%m-%Y %H:%M"),
    "iso": (ZONE, "%Y-%m-%dT%H:%M:%S"),
    "iso_utc": (UTC, "%Y-%m-%dT%H:%M:%SZ"),
}

_HALL: Final = {"Id": 31, "Name": "Nordby Hallen", "Address": "Hallevej 2"}
_HOUSE: Final = {"Id": 32, "Name": "Nordby Kulturhus", "Address": "Torvet 1"}
RESOURCES: Final[tuple[Mapping[str, Any], ...]] = (
    {"id": 1201, "name": "Hal 1", "location": _HALL},
    {"id": 1202, "name": "Hal 2", "location": _HALL},
    {"id": 1203, "name": "Mødelokale Fyrtårnet", "location": _HOUSE},
    {"id": 1204, "name": "Keramikværksted", "location": {"Id": 33}},
    {"id": 1205, "name": "Svømmehal, bane 1", "location": None},
)

# Member number, first name, last name, phone.
_ANNA: Final = (311, "Anna", "Holm Kjærsgaard", "20 12 34 56")
_CLUB: Final = (42, "Nordby Badmintonklub", None, "+45 31 22 33 44")
_SWIM: Final = (57, "Søren", "Østergaard", "0045 42563412")

# Number, resource, hours from now, length in hours, subject, owner.
BOOKINGS: Final = (
    (5001, 1201, -0.5, 2, "Badminton, motionister", _CLUB),
    (5002, 1203, 2, 1.5, "Bestyrelsesmøde", _ANNA),
    (5003, 1205, 4, 1, "Svømmetræning", _SWIM),
    (5004, 1204, 24, 3, "Drejning for begyndere", _ANNA),
    (5005, 1201, 96, 50, "Nordby Cup", _CLUB),
    (5011, 1202, 26, 2, "Ungdomsbadminton", _CLUB),
    (5012, 1202, 26 + 168, 2, "Ungdomsbadminton", _CLUB),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A booking at the vendor."""

    resource: int
    start: datetime
    end: datetime
    record: Wire
    owner: object = None

    def row(self, date_format: object) -> Wire:
        """Write the booking as it is answered."""
        start, stop = (_written(t, str(date_format)) for t in (self.start, self.end))
        record = {"Start": start, "Stop": stop, **self.record}
        return {"ResourceCalendarbooking": record, "BookingOwner": self.owner}


def _written(moment: datetime, date_format: str) -> object:
    """Write a time of an answer."""
    if date_format == "number":  # milliseconds since 1970
        return int(moment.timestamp() * 1000)
    zone, pattern = DATE_FORMATS[date_format]
    return moment.astimezone(zone).strftime(pattern)


class _RefusedError(Exception):
    """A request that WinKAS would not follow."""

    def __init__(self, status: int, message: str, payload: Wire | None = None) -> None:
        """Remember what to answer."""
        super().__init__(message)
        self.status = status
        self.payload = payload or {}


class WinKasSimulator(Simulator):
    """A municipality's WinKAS, with halls and rooms around now.

    The control door understands:

    * ``clear: true`` drops all resources and bookings first;
    * ``resources: [{"id", "name", "location": object as on the wire, or null}]``
      adds or replaces, ``remove_resources: [id, ...]`` removes;
    * ``bookings: [{"id", "resource", "start", "end"}]`` adds or replaces by
      ``id``, ``remove: [id, ...]`` removes. Times are ISO 8601, Danish wall clock
      if without an offset. Also ``number`` (the wire Id if it is not ``id``; null
      for none), ``subject``, ``owner`` (object as on the wire, or null), ``extra``
      (more fields of the record);
    * ``raw: {resource id: [row, ...]}``: rows always answered, and as they stand;
    * ``date_format`` of answers: ``dk``, ``dk_minutes``, ``iso``, ``iso_utc``, ``number``;
    * ``z_means_utc``: whether the "Z" of a request counts (else it is wall clock);
    * ``begin_inside``: answer what begins in the window, not all that overlaps it;
    * ``expired_as``: whether a bad token gets a WinKasStatus (``status``) or ``401``.

    Its own faults: ``expired_token`` forgets all tokens at the next data call (once,
    or as often as ``times`` says), ``empty`` answers null for the bookings,
    ``partial`` leaves the last resource out, ``duplicate`` has each booking twice,
    ``wrong_shape`` swaps lists and objects, ``nulls`` empties first bookings and owners.
    """

    name = "winkas"
    own_faults = frozenset(
        {"expired_token", "empty", "partial", "duplicate", "wrong_shape", "nulls"}
    )

    def __init__(self, now: datetime | None = None) -> None:
        """Start with the demonstration data around now."""
        self.now = now
        super().__init__()

    @override
    def reset(self) -> None:
        now = self.now or datetime.now(UTC)
        hour = now.replace(minute=0, second=0, microsecond=0)
        self.resources = {wish["id"]: _resource(wish) for wish in RESOURCES}
        self.bookings = {
            str(number): Stored(
                resource=resource,
                start=hour + timedelta(hours=begins),
                end=hour + timedelta(hours=begins + length),
                record={"Id": number, "Subject": subject},
                owner=_owner(*owner),
            )
            for number, resource, begins, length, subject, owner in BOOKINGS
        }
        self.raw: dict[int, list[object]] = {}
        self.tokens: dict[str, datetime] = {}
        self.switches = {name: values[0] for name, values in SWITCHES.items()}

    @override
    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._serve)]

    @override
    def credentials(self) -> Mapping[str, str]:
        url = f"{self.url}/api/"
        who = {"username": USER, "password": PASSWORD, "license_number": LICENSE}
        return {**who, "url": url}

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        known = {"clear", "resources", "remove_resources", "bookings", "remove", "raw"}
        if unknown := set(data) - known - set(SWITCHES):
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name, values in SWITCHES.items():
            if data.get(name, values[0]) not in values:
                raise ValueError(f"{name} is one of {values}")
        resources = {
            int(wish["id"]): _resource(wish) for wish in data.get("resources", ())
        }
        bookings = {str(wish["id"]): _stored(wish) for wish in data.get("bookings", ())}
        raw = {int(id_): list(rows) for id_, rows in data.get("raw", {}).items()}
        if data.get("clear"):
            for held in (self.resources, self.bookings, self.raw):
                held.clear()
        self.resources |= resources
        self.bookings |= bookings
        self.raw |= raw
        for id_ in data.get("remove_resources", ()):
            self.resources.pop(int(id_), None)
        for id_ in data.get("remove", ()):
            self.bookings.pop(str(id_), None)
        self.switches |= {name: data[name] for name in SWITCHES if name in data}

    @override
    def fault(self, kind: str, **options: Any) -> None:
        if kind == "expired_token":
            options.setdefault("times", 1)
        super().fault(kind, **options)

    async def _serve(self, request: web.Request) -> web.Response:
        """Answer any request; doubled and closing slashes do no harm."""
        path = "/".join(filter(None, request.path.lower().split("/")))
        methods: dict[str, Callable[[Wire, str], Wire]] = {
            "api/authentication/authenticate": self._authenticate,
            "api/authentication/validate": self._validate,
            "api/authentication/refetchtoken": self._refetch_token,
            "api/calendar/getallresources": self._all_resources,
            "api/calendar/getallresourceeventsintimeperiod": self._events,
        }
        if path not in methods:
            raise web.HTTPNotFound
        verb = "GET" if path.endswith("/validate") else "POST"
        if request.method != verb:
            raise web.HTTPMethodNotAllowed(request.method, [verb])
        try:
            body: Wire = {**request.query} if verb == "GET" else await _body(request)
            return web.json_response(_envelope(methods[path](body, request.path)))
        except _RefusedError as err:
            answer = _envelope(err.payload, status=err.status, message=str(err))
            refused = err.status == AUTHENTICATION_FAILED and "calendar" in path
            as_401 = refused and self.switches["expired_as"] == "401"
            return web.json_response(answer, status=401 if as_401 else 200)

    def _authenticate(self, body: Wire, path: str) -> Wire:
        """Log in by user, password and contract, or by a token (the older page)."""
        if "UserToken" in body:
            token = _text(body, "UserToken")
            good = self._alive(token)
        else:
            names = ("UserName", "UserPassword", "UserContractCode")
            good = [_text(body, name) for name in names] == [USER, PASSWORD, LICENSE]
            token = self._new_token() if good else ""
        user = dict.fromkeys(("UserName", "UserPassword", "UserContractCode"), "")
        user |= {"CurrentToken": token if good else "", "UserRealName": "Unitek"}
        data: Wire = {"Id": 9001, **user, "AuthLevel": None, "Profile": None}
        message = "Authentication " + ("succeeded" if good else "failed")
        if not good:
            payload: Wire = {"AuthenticationMessage": message, "WinKasData": data}
            raise _RefusedError(AUTHENTICATION_FAILED, message, payload)
        wrong = self.struck("wrong_shape", path)
        return {"AuthenticationMessage": message, "WinKasData": [] if wrong else data}

    def _validate(self, query: Wire, path: str) -> Wire:
        """Tell whether a token is good."""
        good = self._alive(_text(query, "token"))
        message = f"Token validation result is: {good}"
        payload: Wire = {"AuthenticationMessage": message, "WinKasData": None}
        if good:
            return payload
        raise _RefusedError(AUTHENTICATION_FAILED, message, payload)

    def _refetch_token(self, body: Wire, path: str) -> Wire:
        """Return the active token again; its fields have other names."""
        given = [_text(body, name) for name in ("ContractId", "Username", "Password")]
        if given != [LICENSE, USER, PASSWORD]:
            raise _RefusedError(AUTHENTICATION_FAILED, "Wrong user", {"Token": ""})
        active = [token for token in self.tokens if self._alive(token)]
        return {"Token": active[-1] if active else self._new_token()}

    def _all_resources(self, body: Wire, path: str) -> Wire:
        """List all resources."""
        self._check_token(body, path)
        return self._payload(list(self.resources.values()), path)

    def _events(self, body: Wire, path: str) -> Wire:
        """List the bookings of some resources in a window."""
        self._check_token(body, path)
        start, end = self._time(body, "StartTime"), self._time(body, "EndTime")
        asked = body.get("Resources")
        if not isinstance(asked, list) or any(type(id_) is not int for id_ in asked):
            raise _RefusedError(BAD_REQUEST, "Resources is no list of numbers")
        empty, nulls = self.struck("empty", path), self.struck("nulls", path)
        twice = 2 if self.struck("duplicate", path) else 1
        listed: list[Wire] = []
        for id_ in [id_ for id_ in asked if id_ in self.resources]:
            rows = self._rows(id_, start, end)
            rows = _with_nulls(rows) if nulls else rows
            found = None if empty else [*rows * twice, *self.raw.get(id_, ())]
            listed.append({"Id": id_, "ResourceCalendarbookings": found})
        return self._payload(listed, path)

    def _rows(self, id_: int, start: datetime, end: datetime) -> list[Wire]:
        """Write a resource's bookings of a window."""
        return [
            held.row(self.switches["date_format"])
            for held in self.bookings.values()
            if held.resource == id_
            and held.start <= end
            and start <= (held.start if self.switches["begin_inside"] else held.end)
        ]

    def _payload(self, listed: list[Wire], path: str) -> Wire:
        """Wrap a list of resources, as a fault has it."""
        if self.struck("partial", path):
            listed = listed[:-1]
        wrong = self.struck("wrong_shape", path)
        return {"Resources": {"Resource": listed} if wrong else listed}

    def _time(self, body: Wire, name: str) -> datetime:
        """Read a time of a request; what its Z means is a switch."""
        text = _text(body, name)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or text != f"{moment:%Y-%m-%dT%H:%M:%SZ}":
            raise _RefusedError(BAD_REQUEST, f"{name} is no time")
        return moment if self.switches["z_means_utc"] else moment.replace(tzinfo=ZONE)

    def _check_token(self, body: Wire, path: str) -> None:
        """Refuse a request whose body has no good token; headers are not looked at."""
        if self.struck("expired_token", path):
            self.tokens.clear()
        if "Token" not in body or not self._alive(_text(body, "Token")):
            raise _RefusedError(AUTHENTICATION_FAILED, "Invalid token")

    def _new_token(self) -> str:
        """Make a token, good for 12 hours."""
        token = str(uuid4())
        self.tokens[token] = datetime.now(UTC) + TOKEN_LIFE
        return token

    def _alive(self, token: str) -> bool:
        """Whether a token is known and not expired."""
        return token in self.tokens and datetime.now(UTC) < self.tokens[token]


def _envelope(payload: Wire, *, status: int = 0, message: str = "") -> Wire:
    """Wrap a payload as every answer is."""
    return {
        "WinkasErrorCode": status,
        "WinKasStatus": status,
        "WinKasStatusString": "Error" if status else "Okay",
        "WinKasMessage": message,
        "ApiVersion": "5.67.2.1",
        "ResponseDateTime": f"{datetime.now(ZONE):%Y-%m-%dT%H:%M:%S}",
        "ResponseInfo": {"ElapsedSeconds": 0.01, "ServerName": "SIMULATOR"},
        "Source": None,
        **payload,
    }


async def _body(request: web.Request) -> Wire:
    """Read the JSON object that every POST has."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    json = request.content_type in {"application/json", "text/json"}
    if not json or not isinstance(body, dict):
        raise _RefusedError(BAD_REQUEST, "The body is no JSON object")
    return body


def _text(body: Wire, name: str) -> str:
    """Return a field that must be a text."""
    value = body.get(name)
    if not isinstance(value, str):
        raise _RefusedError(BAD_REQUEST, f"{name} is no text")
    return value


def _with_nulls(rows: list[Wire]) -> list[Wire]:
    """Empty the first booking, and take the owners away."""
    nothing: Wire = dict.fromkeys(("Id", "Subject", "Start", "Stop"))
    first: list[Wire] = [{"ResourceCalendarbooking": nothing}] if rows else []
    return [{**row, "BookingOwner": None} for row in first + rows[1:]]


def _owner(number: int, first: str, last: str | None, phone: str) -> Wire:
    """Write an owner with the page's plausible names."""
    name: Wire = {"FirstName": first, "LastName": last}
    reach: Wire = {"Email": f"medlem{number}@example.com", "Phone": phone}
    return {"Id": 70000 + number, "MemberNumber": str(number), **name, **reach}


def _resource(wish: Mapping[str, Any]) -> Wire:
    """Read a resource of the control door."""
    told = {"Name": wish["name"], "ResourceLocation": wish.get("location")}
    return {"Id": int(wish["id"]), **told}


def _stored(wish: Mapping[str, Any]) -> Stored:
    """Read a booking of the control door."""
    number = wish.get("number", wish["id"])
    told: Wire = {} if number is None else {"Id": number}
    record = {"Subject": wish.get("subject", ""), **wish.get("extra", {}), **told}
    return Stored(
        resource=int(wish["resource"]),
        start=_moment(wish["start"]),
        end=_moment(wish["end"]),
        record=record,
        owner=wish.get("owner"),
    )


def _moment(text: str) -> datetime:
    """Read a time of the control door."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or ZONE)
