"""Clock PMS+, as vendors/clock_pms.md describes it.

``{api}/{subscription}/{account}/...`` behind HTTP Digest, five calls a second, rights
by call, lists that are bare arrays of ids, and filters ``field.op=value`` over the
table's columns. What the page marks as unknown is chosen here, and switchable where
a client has to cope with either.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
import re
import time
from typing import Any, Final, override

from aiohttp import ClientSession, web

from .amazon import Amazon, Record, deliver
from .base import Simulator
from .clock_hotel import (
    ACCOUNT,
    COLUMNS,
    GUEST_PHONE,
    LISTS,
    ROOMS,
    STATUSES,
    STAYS,
    TYPES,
    RefusedError,
    fit_all,
    found_guests,
    free_rooms,
    room_of,
    stay_of,
    type_of,
)
from .digest import Digest

USER: Final = "booking-access"
API_KEY: Final = "k7Qz-pms-51f0"
SUBSCRIPTION: Final = 4711
TOPIC: Final = f"arn:aws:sns:eu-west-1:123456789012:PUSH_{ACCOUNT}_BOOKINGACCESS"
CALLS_A_SECOND: Final = 5
LOCKED_FOR: Final = timedelta(hours=48)
BLOCK_PAGE: Final = "<html><body><h1>403 Forbidden</h1>Access blocked</body></html>"

# What each switch of the control door may be set to; the first is the default.
SWITCHES: Final[Mapping[str, tuple[object, ...]]] = {
    "ids_as": ("numbers", "texts", "objects"),
    "probes_count": (True, False),
    "says_stale": (True, False),
    "slashes": ("either", "needed", "refused"),
    "nulls": ("null", "omitted"),
    "deleted": ("404", "500"),
    "current_room": (True, False),
    "api_installed": (True, False),
    "pending_arn": (None, "PendingConfirmation", "told"),
}
RIGHTS: Final = {
    "room_types": "pms_api_room_types_index",
    "rooms": "pms_api_rooms_index",
    "bookings": "pms_api_bookings_index",
    "booking": "pms_api_bookings_show",
    "booking_update": "pms_api_bookings_update",
    "guest": "pms_api_guests_show",
    "guests": "pms_api_guests_search",
    "room_statuses": "pms_api_room_statuses_index",
    "webhook_subscription": "base_api_webhook_subscription_show",
}


class ClockSimulator(Simulator):
    """A hotel with three rooms, and stays around today.

    The control door understands:

    * ``clear: true`` drops all rooms, types, bookings and guests first;
    * ``room_types``, ``rooms``, ``bookings``, ``guests``: lists of records as on the
      wire, each added or changed by its ``id``; a booking's ``updated_at`` moves unless
      it is given, and its ``lock_version`` is counted;
    * ``remove_bookings: [id, ...]``, ``remove_rooms: [id, ...]``;
    * ``rights: [right, ...]`` that the API user lacks;
    * ``forget_nonces: true``: the next digest is stale;
    * ``subscribe: endpoint or null``: the webhook subscription, confirmed by
      ``confirm: true``;
    * ``ids_as`` of lists; ``probes_count`` against the limit; ``says_stale``;
      ``slashes`` at the end of list calls: ``needed`` and ``refused`` redirect to the
      other; ``nulls`` may be ``omitted``; what a ``deleted`` booking gives; whether
      bookings have a ``current_room``; ``api_installed``; ``pending_arn`` of a
      subscription that is not confirmed.

    Its own faults: ``banned`` answers 403 as the firewall does, ``empty`` lists no
    bookings, ``partial`` leaves half of them out, ``duplicate`` lists each twice,
    ``wrong_shape`` swaps lists and objects, ``null_fields`` empties all of a booking but
    its id.
    """

    name = "clock_pms"
    own_faults = frozenset(
        {"banned", "empty", "partial", "duplicate", "wrong_shape", "null_fields"}
    )

    def __init__(
        self, now: datetime | None = None, calls_a_second: int = CALLS_A_SECOND
    ) -> None:
        """Start with the demonstration data around now."""
        self.now = now
        self.calls_a_second = calls_a_second
        self.digest = Digest(USER, API_KEY)
        self.amazon = Amazon(TOPIC)
        super().__init__()

    @override
    def reset(self) -> None:
        today = (self.now or datetime.now(UTC)).date()
        self.digest = Digest(USER, API_KEY)
        self.tables: dict[str, dict[int, Record]] = {
            "room_types": {each[0]: type_of(*each) for each in TYPES},
            "rooms": {each[0]: room_of(*each) for each in ROOMS},
            "bookings": {},
            "guests": {},
        }
        for stay in STAYS:
            self._book(stay_of(today, *stay))
        guest = {"id": 823, "last_name": "Østergaard", "phone_number": GUEST_PHONE}
        self.tables["guests"][823] = guest
        self.lacking: set[str] = set()
        self.switches = {name: values[0] for name, values in SWITCHES.items()}
        self.calls: deque[float] = deque(maxlen=self.calls_a_second)
        self.queries: list[str] = []  # path and query of all that was let in
        self.subscription: Record | None = None

    @override
    def routes(self) -> list[web.RouteDef]:
        return [web.route("*", "/{path:.*}", self._serve)]

    @override
    def credentials(self) -> Mapping[str, str]:
        url = f"{self.url}/pms_api/{SUBSCRIPTION}/{ACCOUNT}"
        return {"url": url, "username": USER, "api_key": API_KEY}

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        known = {*self.tables, *SWITCHES, "clear", "rights", "forget_nonces"}
        known |= {"remove_bookings", "remove_rooms", "subscribe", "confirm"}
        if unknown := set(data) - known:
            raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
        for name, values in SWITCHES.items():
            if data.get(name, values[0]) not in values:
                raise ValueError(f"{name} is one of {values}")
        if data.get("clear"):
            for table in self.tables.values():
                table.clear()
        for name in ("room_types", "rooms", "guests"):
            for record in data.get(name, ()):
                held = self.tables[name].setdefault(int(record["id"]), {})
                held.update(record)
        for record in data.get("bookings", ()):
            self._book(record)
        for name in ("bookings", "rooms"):
            for id_ in data.get(f"remove_{name}", ()):
                self.tables[name].pop(int(id_), None)
        self.lacking = set(data.get("rights", self.lacking))
        self.switches |= {name: data[name] for name in SWITCHES if name in data}
        if data.get("forget_nonces"):
            self.digest.forget()
        if "subscribe" in data:
            self._subscribe(data["subscribe"])
        if data.get("confirm") and self.subscription:
            self.subscription["pending_confirmation"] = False

    def _book(self, record: Mapping[str, Any]) -> None:
        """Add a booking, or change it."""
        unknown = set(record) - {*COLUMNS, *LISTS, "main_booking_guest", "extra"}
        if unknown:
            raise ValueError(f"no column {', '.join(sorted(unknown))}")
        now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}"
        id_ = int(record["id"])
        held = self.tables["bookings"].setdefault(
            id_,
            {
                **dict.fromkeys(COLUMNS),
                **{name: [] for name in LISTS},
                "number": str(id_),
                "account_id": ACCOUNT,
                "lock_version": -1,
                "status": "expected",
                "created_at": now,
                "main_booking_guest": None,
            },
        )
        version = held["lock_version"] + 1
        held.update({"updated_at": now, **record, "lock_version": version})

    def _subscribe(self, endpoint: str | None) -> None:
        """Make the one webhook subscription of the API user, not confirmed yet."""
        self.subscription = None
        if endpoint is None:
            return
        self.subscription = {
            "account_id": ACCOUNT,
            "user_id": 77,
            "subscription_arn": f"{TOPIC}:0c2d7c2a-5f0e-4b0c-9d7e-3f1e5a6b7c8d",
            "endpoint": endpoint,
            "pending_confirmation": True,
            "created": datetime.now(UTC),
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        """Answer any request, unless its user, rights or speed are not right."""
        if self.struck("banned", request.path):
            return web.Response(status=403, text=BLOCK_PAGE, content_type="text/html")
        self.digest.password = API_KEY
        self.digest.says_stale = bool(self.switches["says_stale"])
        challenge = self.digest.check(request)
        if challenge is None or self.switches["probes_count"]:
            if self._is_too_fast():
                return web.Response(status=429, text="Too Many Requests")
        if challenge is not None:
            return challenge
        self.queries.append(request.raw_path)
        try:
            return await self._answer(request)
        except RefusedError as err:
            return web.json_response({"error": str(err)}, status=err.status)

    def _is_too_fast(self) -> bool:
        """Whether there were five calls in the second before; counts this one if not."""
        now = time.monotonic()
        if len(self.calls) == self.calls_a_second and now - self.calls[0] < 1:
            return True
        self.calls.append(now)
        return False

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request that was let in."""
        if not self.switches["api_installed"]:
            raise RefusedError(403, "Addon API not installed!")
        search = f"/pms_api/{SUBSCRIPTION}/{ACCOUNT}/guests/search"
        if (request.method, request.path.rstrip("/")) == ("GET", search):
            self._check_right(RIGHTS["guests"])
            text = request.query.get("free_text_search", "")
            guests = found_guests(self.tables["guests"].values(), text)
            return self._shaped(guests, request.path)
        found = re.fullmatch(
            rf"/(pms_api|base_api)/{SUBSCRIPTION}/{ACCOUNT}/(\w+)(?:/(\d+))?(\.json)?(/?)",
            request.path,
        )
        if not found:
            raise RefusedError(404, "Not found")
        api, name, id_, _, slash = found.groups()
        if (api, name, id_) == ("base_api", "webhook_subscription", None):
            return await self._webhook(request)
        if (api, request.method, name) == ("pms_api", "PUT", "bookings") and id_:
            return await self._change(int(id_), request)
        if api != "pms_api" or request.method != "GET":
            raise RefusedError(404, "Not found")
        if name in {"bookings", "guests"} and id_:
            return self._one(name, int(id_), request.path)
        if name not in {"bookings", "rooms", "room_types", "room_statuses"} or id_:
            raise RefusedError(404, "Not found")
        if self.switches["slashes"] == ("refused" if slash else "needed"):
            path = request.path.rstrip("/") + ("" if slash else "/")
            raise web.HTTPMovedPermanently(f"{self.url}{path}?{request.query_string}")
        self._check_right(RIGHTS[name])
        if name == "bookings":
            return self._shaped(self._ids(request), request.path)
        if name == "room_statuses":
            rooms, bookings = (self.tables[n].values() for n in ("rooms", "bookings"))
            return self._shaped(
                free_rooms(rooms, bookings, request.query), request.path
            )
        return self._shaped(list(self.tables[name].values()), request.path)

    async def _change(self, id_: int, request: web.Request) -> web.Response:
        """Change a booking that nobody changed since it was read."""
        self._check_right(RIGHTS["booking_update"])
        if id_ not in self.tables["bookings"]:
            raise RefusedError(404, f"Couldn't find record, account_id = {ACCOUNT}")
        try:
            wish = dict((await request.json())["booking"])
        except (ValueError, KeyError, TypeError) as err:
            raise RefusedError(400, "booking is missing") from err
        version = wish.pop("lock_version", None)
        if set(wish) - set(COLUMNS) or wish.get("status", "expected") not in STATUSES:
            raise RefusedError(400, "booking is invalid")
        if version != self.tables["bookings"][id_]["lock_version"]:
            raise RefusedError(500, "Attempted to update a stale object: Booking")
        self._book({**wish, "id": id_})
        return self._one("bookings", id_, request.path)

    def _one(self, name: str, id_: int, path: str) -> web.Response:
        """Answer one booking or guest."""
        self._check_right(RIGHTS[name.removesuffix("s")])
        if id_ not in self.tables[name]:
            status = int(str(self.switches["deleted"]))
            raise RefusedError(status, f"Couldn't find record, account_id = {ACCOUNT}")
        record = dict(self.tables[name][id_])
        record |= record.pop("extra", {})
        if not self.switches["current_room"]:
            record.pop("current_room_id", None)
        if self.struck("null_fields", path):
            record = {**dict.fromkeys(record), "id": id_}
        if self.switches["nulls"] == "omitted":
            record = {key: value for key, value in record.items() if value is not None}
        return web.json_response(
            [record] if self.struck("wrong_shape", path) else record
        )

    def _ids(self, request: web.Request) -> list[object]:
        """List the ids of the bookings that fit all filters."""
        found = [
            id_
            for id_, booking in self.tables["bookings"].items()
            if fit_all(booking, request.query)
        ]
        if self.struck("empty", request.path):
            found = []
        if self.struck("partial", request.path):
            found = found[: len(found) // 2]
        if self.struck("duplicate", request.path):
            found *= 2
        match self.switches["ids_as"]:
            case "texts":
                return [str(id_) for id_ in found]
            case "objects":
                return [{"id": id_} for id_ in found]
        return list(found)

    def _shaped(self, listed: list[Any], path: str) -> web.Response:
        """Answer a list, as a fault has it."""
        wrong = self.struck("wrong_shape", path)
        return web.json_response({"data": listed} if wrong else listed)

    async def _webhook(self, request: web.Request) -> web.Response:
        """Show, make or drop the webhook subscription."""
        self._check_right(RIGHTS["webhook_subscription"])
        held = self.subscription
        if request.method == "POST":
            wish = await request.json()
            if held and held["endpoint"] != wish["endpoint"]:
                raise RefusedError(400, "only one subscription per API user")
            if not held:
                self._subscribe(wish["endpoint"])
            await self.push(self.amazon.confirmation())
            return web.json_response(self._subscription(), status=201)
        if held is None:
            raise RefusedError(400, "webhook_subscription_not_found")
        if request.method == "DELETE":
            if held["pending_confirmation"]:
                raise RefusedError(500, "Invalid parameter: pending confirmation")
            if datetime.now(UTC) - held["created"] < LOCKED_FOR:
                raise RefusedError(400, "blocked for 48 hours after creation")
            self.subscription = None
            return web.json_response({})
        return web.json_response(self._subscription())

    def _subscription(self) -> Record:
        """Return the subscription as it is answered."""
        assert self.subscription
        record = {k: v for k, v in self.subscription.items() if k != "created"}
        if record["pending_confirmation"] and self.switches["pending_arn"] != "told":
            record["subscription_arn"] = self.switches["pending_arn"]
        return record

    async def push(self, record: Record) -> int | None:
        """Bring a message to the subscriber; return the status of its answer."""
        if not self.subscription:
            return None
        async with ClientSession() as session:
            return await deliver(session, self.subscription["endpoint"], record)

    def _check_right(self, right: str) -> None:
        """Refuse what the API user has no right to."""
        if right in self.lacking:
            raise RefusedError(403, f"The User doesn't have {right} right")
