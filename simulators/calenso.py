"""Calenso, as vendors/calenso.md describes it: public calls, Auth0, and webhooks.

The public calls are POSTs of forms with bracketed keys, and nothing else; a token
from ``partners/information`` goes with all others. What the page marks as unknown is
chosen here, and switchable where a client has to cope with either.

The control door understands, besides what every sender does (``sender``):

* ``appointments: [{"type", "uuid", "start", "end", ...}]`` sends an event for each:
  ``type`` is one of ``TYPES``, also ``customer.…`` and ``lead.created``; times are
  ISO 8601 with an offset, ``end`` may be null. Also ``store``, ``services`` and
  ``worker`` (ids), ``customer`` (as on the wire; with ``prename``, ``lastname``,
  ``mobile`` to be placed as ``phone_as`` says, ``email``, ``uuid``), ``created``
  (ISO 8601), ``extra`` (more fields of the record);
* any of ``SWITCHES``, set to one of what it lists; the first is the default.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final, override
from uuid import uuid4
from zoneinfo import ZoneInfo

from aiohttp import web

from .base import Handler, Simulator
from .sender import SENDING_FAULTS, Outbox

type Wire = dict[str, Any]

ZONE: Final = ZoneInfo("Europe/Zurich")
BOOKING_NAME: Final = "seminarhaus-aare"
CLIENT_ID: Final = "calenso-client"
CLIENT_SECRET: Final = "calenso-client-secret"
AUDIENCE: Final = "https://my.calenso.com/api/v1"
PARTNER: Final = 4711
PARTNER_FILTER: Final = {
    "partner_id[value]": str(PARTNER),
    "partner_id[operator]": "=",
}
EVENT_FILTER: Final = {"status[value]": "1", "status[operator]": "="}

WORKERS: Final = (
    {"id": 71, "resource_name": "Seminarraum Aare"},
    {"id": 72, "resource_name": "Beratungsraum"},
)
STORES: Final = ({"id": 3, "name": "Olten"}, {"id": 4, "name": "Aarau"})
SERVICES: Final = {
    3: ({"id": 17, "name": "Seminarraum"}, {"id": 18, "name": "Beratung"}),
    4: ({"id": 17, "name": "Seminarraum"},),
}
EVENTS: Final = ({"id": 5, "title": "Yoga für Anfänger"},)

TYPES: Final = (
    "appointment.booking.created",
    "appointment.manual.booking.created",
    "appointment.updated",
    "appointment.booking.cancelled",
    "event.booking.created",
    "event.manual.booking.created",
    "event.booking.cancelled",
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "lead.created",
    "appointment.booking.payment_succeeded",
)
SWITCHES: Final[Mapping[str, tuple[object, ...]]] = {
    "shape": ("nested", "flat"),
    "time_format": ("sql", "iso"),
    "end_as": ("end_utc", "local", "duration", "service_duration", "none"),
    "store_as": ("store_id", "store", "none"),
    "services_as": ("list", "none"),
    "ids": ("int", "str"),
    "phone_as": ("mobile", "phone", "null"),
    "cancel_as": ("full", "uuid"),
    "unknown_name": (404, 400, "not_found"),
    "errors_status": (404, 200),
    "public_token": (True, False),
    "events_as": ("list", "object"),
    "client_refused_as": (401, 400),
}


class _RefusedError(Exception):
    """A request that Calenso would not follow."""

    def __init__(self, code: object, message: str, status: int | None = None) -> None:
        """Remember what to answer."""
        super().__init__(message)
        self.code = code
        self.status = status if status is not None else int(str(code))


class CalensoSimulator(Simulator):
    """A seminar house with two stores."""

    name = "calenso"
    own_faults = SENDING_FAULTS | {"empty", "errors", "wrong_shape"}

    def __init__(self) -> None:
        """Know nobody to send to yet."""
        self.outbox = Outbox("X-Calenso-Webhook-Secret", self.struck)
        super().__init__()

    @override
    def reset(self) -> None:
        """Put the demonstration data back."""
        self.switches = {name: values[0] for name, values in SWITCHES.items()}
        self.tokens: set[str] = set()
        self._seconds = count()

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        return {
            "booking_name": BOOKING_NAME,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "url": f"{self.url}/api/v1",
        }

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        known = {"target", "raw", "appointments", *SWITCHES}
        if unknown := set(data) - known:
            raise ValueError(f"unknown data {sorted(unknown)}")
        for name, value in data.items():
            if name in SWITCHES and value not in SWITCHES[name]:
                raise ValueError(f"{name} cannot be {value}")
        self.switches |= {k: v for k, v in data.items() if k in SWITCHES}
        self.outbox.control(data)
        for wish in data.get("appointments", ()):
            if wish["type"] not in TYPES:
                raise ValueError(f"unknown type {wish['type']}")
            self.outbox.post(self._event(wish))

    @override
    async def deliver(self) -> list[dict[str, Any]]:
        """Send the events that were asked for."""
        return await self.outbox.deliver()

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the public calls and Auth0's token endpoint."""
        services = "appointment_services/appointment_services_by_store/"
        calls = {
            "partners/information": self._information,
            "stores/filter": self._stores,
            services: self._services,
            "events/filter": self._events,
        }
        return [
            *(web.post(f"/api/v1/{path}", _told(call)) for path, call in calls.items()),
            web.post("/oauth/token", self._token),
        ]

    # The public calls

    async def _information(self, request: web.Request) -> web.Response:
        """Tell what is public about a booking name."""
        body = await self._form(request)
        if body.get("token_type") != "public_widget":
            raise _RefusedError(400, "token_type is missing")
        if not self.switches["public_token"]:
            raise _RefusedError(403, "Not part of this plan")
        if body.get("booking_name") != BOOKING_NAME:
            code = self.switches["unknown_name"]
            status = int(str(self.switches["errors_status"]))
            raise _RefusedError(code, "Partner not found", status)
        token = uuid4().hex
        self.tokens.add(token)
        answer: Wire = {
            "id": PARTNER,
            "uuid": "0c9f2b1e-0000-4000-8000-000000004711",
            "name": "Seminarhaus Aare",
            "booking_name": BOOKING_NAME,
            "language_id": 1,
            "token": token,
            "workers": list(WORKERS),
            "supported_widget_languages": ["de", "en"],
        }
        if self.struck("wrong_shape", request.path):
            answer = {"partner": answer}
        return web.json_response(answer)

    async def _stores(self, request: web.Request) -> web.Response:
        """List the stores of a partner."""
        return await self._list(request, PARTNER_FILTER, list(STORES))

    async def _services(self, request: web.Request) -> web.Response:
        """List the services of a store."""
        body = await request.post()
        store = int(str(body.get("store_id", "0")))
        wanted = {"partner_id": str(PARTNER), "store_id": str(store)}
        return await self._list(request, wanted, list(SERVICES.get(store, ())))

    async def _events(self, request: web.Request) -> web.Response:
        """List the group appointments."""
        as_object = self.switches["events_as"] == "object"
        listed = {str(e["id"]): e for e in EVENTS} if as_object else list(EVENTS)
        return await self._list(request, EVENT_FILTER, listed)

    async def _list(
        self, request: web.Request, wanted: Mapping[str, str], listed: object
    ) -> web.Response:
        """Answer a list to who asks as the plugin does."""
        body = await self._form(request)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.tokens:
            raise _RefusedError(401, "Unauthorized")
        if body != wanted:
            raise _RefusedError(400, f"Expected {sorted(wanted)}")
        if self.struck("empty", request.path):
            listed = []
        if self.struck("errors", request.path):
            listed = {"errors": [{"code": 17, "message": "Something else"}]}
        if self.struck("wrong_shape", request.path):
            listed = "none"
        return web.json_response(listed)

    async def _form(self, request: web.Request) -> Mapping[str, str]:
        """Read the form that every call is."""
        if request.content_type != "application/x-www-form-urlencoded":
            raise _RefusedError(415, "Not a form")
        with_token = "Authorization" in request.headers
        if with_token and request.headers.get("X-Calenso-Auth") not in ("true", "1"):
            raise _RefusedError(400, "X-Calenso-Auth is missing")
        if "application/json" not in request.headers.get("Accept", ""):
            raise _RefusedError(406, "Only application/json")
        return {name: str(value) for name, value in (await request.post()).items()}

    async def _token(self, request: web.Request) -> web.Response:
        """Give a token to the client, as Auth0 does."""
        body = await request.post()
        if request.content_type != "application/x-www-form-urlencoded":
            return _auth0(400, "invalid_request", "Missing required parameter")
        if body.get("grant_type") != "client_credentials":
            return _auth0(403, "unauthorized_client", "Grant type not allowed")
        if (body.get("client_id"), body.get("client_secret")) != (
            CLIENT_ID,
            CLIENT_SECRET,
        ):
            if self.switches["client_refused_as"] == 400:
                return _auth0(400, "invalid_client", "Unknown client")
            return _auth0(401, "access_denied", "Unauthorized")
        if body.get("audience") != AUDIENCE:
            return _auth0(403, "access_denied", "Service not enabled within domain")
        token = {"access_token": uuid4().hex, "token_type": "Bearer"}
        if self.struck("wrong_shape", request.path):
            token = {"token_type": "Bearer"}
        return web.json_response({**token, "expires_in": 86400})

    # The webhooks

    def _event(self, wish: Mapping[str, Any]) -> Wire:
        """Write an event as it is sent; created a second after the one before."""
        now = datetime.now(UTC) + timedelta(seconds=next(self._seconds))
        created = datetime.fromisoformat(wish["created"]) if "created" in wish else now
        event: Wire = {
            "created": f"{created.astimezone(UTC):%Y-%m-%d %H:%M:%S}",
            "type": wish["type"],
            "source": "https://dashboard.calenso.com",
            "data": self._data(wish),
        }
        if self.switches["shape"] == "flat":
            return dict(_flattened(event))
        return event

    def _data(self, wish: Mapping[str, Any]) -> Wire:
        """Write what an event is about."""
        kind, _, what = wish["type"].partition(".")
        customer = self._customer(wish.get("customer", {}))
        if kind in {"customer", "lead"}:
            return {kind: customer}
        record: Wire = {"uuid": wish["uuid"]}
        if what != "booking.cancelled" or self.switches["cancel_as"] == "full":
            record |= self._record(wish, kind)
        record["customer"] = customer
        user = {"id": self._id(wish.get("worker", 71)), "prename": "Eva", "bookable": 1}
        nobody = {"lastname": "Muster", "conference_url": None, "is_reseller_admin": 0}
        return {"user": user | nobody, kind: record}

    def _record(self, wish: Mapping[str, Any], kind: str) -> Wire:
        """Write an appointment, or a group appointment."""
        start = datetime.fromisoformat(wish["start"])
        end = datetime.fromisoformat(wish["end"]) if wish.get("end") else None
        length = (end - start) // timedelta(minutes=1) if end else None
        record: Wire = {"start_utc": self._time(start, UTC)}
        match self.switches["end_as"]:
            case "end_utc":
                record["end_utc"] = self._time(end, UTC)
            case "local":
                local = (self._time(start, ZONE), self._time(end, ZONE))
                record |= dict(zip(("start", "end"), local, strict=True))
            case "duration":
                record["duration"] = length
        store = self._id(wish.get("store", 3))
        if self.switches["store_as"] != "none":
            nested = self.switches["store_as"] == "store"
            record |= {"store": {"id": store}} if nested else {"store_id": store}
        if kind == "event":
            return record | {"id": self._id(5), "title": EVENTS[0]["title"]}
        services = [self._service(id_) for id_ in wish.get("services", (17,))]
        if self.switches["end_as"] == "service_duration":
            parts = len(services) or 1
            services = [s | {"duration": length and length / parts} for s in services]
        if self.switches["services_as"] == "list":
            record["appointment_services"] = services
        unused: Wire = {"parent_id": None, "booking_link_id": None}
        extra: Wire = wish.get("extra", {})
        return record | unused | {"child_appointments": []} | extra

    def _service(self, id_: int) -> Wire:
        """Write a service of an appointment."""
        names = {s["id"]: s["name"] for each in SERVICES.values() for s in each}
        return {"id": self._id(id_), "name": names.get(id_, "")}

    def _customer(self, wish: Mapping[str, Any]) -> Wire:
        """Write a customer, with the phone as the customer typed it."""
        customer: Wire = {"uuid": "c-1", "prename": "Anna", "lastname": "Holm"}
        customer |= {"email": "anna@example.com", **wish}
        phone = customer.pop("mobile", "079 123 45 67")
        match self.switches["phone_as"]:
            case "mobile":
                return customer | {"mobile": phone, "phone": None}
            case "phone":
                return customer | {"phone": phone}
        return customer | {"phone": None}

    def _id(self, id_: int) -> int | str:
        """Write an id as number or text."""
        return id_ if self.switches["ids"] == "int" else str(id_)

    def _time(self, moment: datetime | None, zone: Any) -> str | None:
        """Write a time; none where there is none."""
        if moment is None:
            return None
        moment = moment.astimezone(zone)
        if self.switches["time_format"] == "sql":
            return f"{moment:%Y-%m-%d %H:%M:%S}"
        return moment.isoformat().replace("+00:00", "Z")


def _flattened(tree: Mapping[str, Any], prefix: str = "") -> Any:
    """Yield the leaves of a tree, by their paths."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}_")
        else:
            yield prefix + key, value


def _told(call: Handler) -> Handler:
    """Answer an error as Calenso does."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            return await call(request)
        except _RefusedError as err:
            error = {"code": err.code, "message": str(err)}
            return web.json_response({"errors": [error]}, status=err.status)

    return answered


def _auth0(status: int, error: str, description: str) -> web.Response:
    """Answer an error as Auth0 does."""
    answer = {"error": error, "error_description": description}
    return web.json_response(answer, status=status)
