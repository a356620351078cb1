"""dormakaba exivo, as strict as vendors/exivo.md: one site behind HTTP Basic.

What ``control`` understands, besides what all simulators do (``base``):

* ``components: [...]`` replaces all components, ``add: [...]`` adds some,
  ``remove: [id]`` takes some away; each is what the vendor shows of one, and
  needs only ``identifier``;
* ``change: {id: {"mode": M, "ready": R, "open": O}}`` is somebody at the door;
* ``revoke: [id]`` and ``expire: [id]`` end visits from outside;
* ``omit: ["open", "mode"]`` leaves those out of components;
* ``raw: {"component" | "visit" | "digitalKeyVisits": [...]}`` puts anything at
  the end of a list;
* ``happen: [{"name": N, "component": id}, ...]`` are events at doors, with
  ``occurredAt`` (now, without), ``data`` of the log's entry and ``payload`` of the
  message besides, ``only: "log" | "push"`` for one that the other never hears of;
* ``target`` says where messages go, and ``raw_messages`` sends any (``sender``);
* what is not public can be had in either reading: ``default_limit`` (of lists
  without a limit, 0 is all), ``max_limit``, ``ignore_paging``, ``revoke_again``
  (204 or 400), ``created`` (the status 200 or 201), ``refuse_sort`` and
  ``ignore_sort`` (of the log), ``whole_seconds`` (of messages), ``refuse_past`` (a
  visit that begins in the past).
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, override
from uuid import uuid4

from aiohttp import web

from .base import Handler, Simulator
from .exivo_answers import body_of, emptied, number_of
from .exivo_log import asked_for, entry_of, message_of, occurred_at
from .exivo_site import (
    API_KEY,
    API_SECRET,
    COMPONENT,
    DEMO_COMPONENTS,
    MODES,
    SITE,
    Component,
    Json,
    Refused,
    Unlock,
    Visit,
    check,
    check_link,
    check_mobile_key,
    demo_visits,
    parse_time,
)
from .sender import SENDING_FAULTS, Outbox

# The path to one visit of a kind, and the path to all of them.
COLLECTIONS: Final = {"digitalKeyVisit": "digitalKeyVisits", "visit": "visit"}
SETTINGS: Final = {
    "default_limit": 0,
    "max_limit": 0,
    "ignore_paging": False,
    "revoke_again": 204,
    "created": 200,
    "refuse_sort": False,
    "ignore_sort": False,
    "whole_seconds": False,
    "refuse_past": False,
}
# What else the control door knows.
DATA: Final = {"components", "add", "remove", "change", "revoke", "expire", "omit"} | {
    "raw",
    "happen",
    "target",
    "raw_messages",
}


class ExivoSimulator(Simulator):
    """One exivo site.

    ``doors`` are its components without the gateways, ``visits`` all that were
    made, ``live_visits()`` those that open doors.
    """

    name = "exivo"
    own_faults = SENDING_FAULTS | {"empty", "wrong_shape", "nulls", "busy"}

    def __init__(self) -> None:
        """Know nobody to send messages to yet."""
        self.outbox = Outbox("Authentication", self.struck)
        super().__init__()

    @override
    def reset(self) -> None:
        """Put back five doors, a gateway, and two visits that others made."""
        self.shown_site: Json = {
            "id": SITE,
            "name": "Seminarhaus am See",
            "language": "de",
            "timeZone": "Europe/Zurich",
            "type": "exivo",
        }
        self.components: dict[str, Component] = {}
        self._add(DEMO_COMPONENTS)
        self.visits = {visit.id: visit for visit in demo_visits()}
        self.log: list[Json] = []
        self.omitted: set[str] = set()
        self.raw: dict[str, list[Any]] = {}
        self.settings: dict[str, int] = dict(SETTINGS)

    @property
    def doors(self) -> dict[str, Component]:
        """The components that are doors, by id."""
        return {i: c for i, c in self.components.items() if not c.is_gateway}

    def live_visits(self) -> list[Visit]:
        """Return the visits that open doors, now or later."""
        return [visit for visit in self.visits.values() if visit.live]

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for; without a mobile app, so by SMS link."""
        return {
            "site_id": SITE,
            "api_key": API_KEY,
            "api_secret": API_SECRET,
            "url": f"{self.url}/v1",
        }

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        if unknown := set(data) - DATA - set(SETTINGS):
            raise ValueError(f"unknown data {sorted(unknown)}")
        if "components" in data:
            self.components = {}
        self._add([*data.get("components", ()), *data.get("add", ())])
        for component_id in data.get("remove", ()):
            del self.components[component_id]
        for component_id, changes in data.get("change", {}).items():
            self.components[component_id].shown |= changes
        for visit_id in data.get("revoke", ()):
            self.visits[visit_id].revoked = True
        for visit_id in data.get("expire", ()):
            self.visits[visit_id].end = datetime.now(UTC)
        self.omitted = set(data.get("omit", self.omitted))
        self.raw |= data.get("raw", {})
        self.settings |= {name: data[name] for name in SETTINGS if name in data}
        target = {"target": data.get("target", {})}
        self.outbox.control(target | {"raw": data.get("raw_messages", ())})
        for wish in data.get("happen", ()):
            self._happen(wish)

    def _happen(self, wish: Mapping[str, Any]) -> None:
        """Let something happen at a door: it is logged, and a message says so."""
        entry = entry_of(
            wish["name"],
            self.components[wish["component"]],
            occurred_at(wish),
            wish.get("data", {}),
        )
        only = wish.get("only", "log" if self.outbox.address is None else None)
        if only not in (None, "log", "push"):
            raise ValueError(f"only cannot be {only}")
        if only != "push":
            self.log.append(entry)
        if only != "log":
            whole = bool(self.settings["whole_seconds"])
            payload = wish.get("payload", {})
            self.outbox.post(message_of(entry, payload, whole_seconds=whole))

    @override
    async def deliver(self) -> list[dict[str, Any]]:
        """Send the messages about what happened."""
        return await self.outbox.deliver()

    def _add(self, components: list[Json]) -> None:
        """Add components, of which most may be left unsaid."""
        for said in components:
            if "identifier" not in said:
                raise ValueError("a component needs an identifier")
            shown = COMPONENT | {"id": str(uuid4())} | said
            self.components[shown["id"]] = Component(shown)

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the vendor's paths, singular and plural as in its Swagger file."""
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "/info", self._get_info),
            ("GET", "/component", self._get_components),
            ("GET", "/component/{id}", self._get_component),
            ("POST", "/component/{id}/unlock", self._unlock),
            ("POST", "/component/{id}/mode", self._set_mode),
            ("GET", "/accesslog/component", self._get_log),
            ("GET", "/accesslog/component/{id}", self._get_log),
        ]
        for kind, collection in COLLECTIONS.items():
            handlers += [
                ("GET", f"/{collection}", partial(self._get_visits, kind)),
                ("POST", f"/{collection}", partial(self._create_visit, kind)),
                ("GET", f"/{kind}/{{id}}", partial(self._get_visit, kind)),
                ("POST", f"/{kind}/{{id}}/revoke", partial(self._revoke_visit, kind)),
            ]
        return [
            web.route(method, f"/v1/{{site}}{path}", partial(self._enter, handler))
            for method, path, handler in handlers
        ]

    async def _enter(
        self, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        """Let in who has the key, at this site."""
        account = b64encode(f"{API_KEY}:{API_SECRET}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {account}":
            return web.Response(
                status=401, headers={"WWW-Authenticate": 'Basic realm="exivo"'}
            )
        if request.match_info["site"] != SITE:
            return web.Response(status=404)
        if self.struck("busy", request.path):
            return web.json_response({"message": "try again later"}, status=400)
        try:
            return await handler(request)
        except Refused as err:
            return web.json_response({"message": str(err)}, status=400)

    async def _get_info(self, request: web.Request) -> web.Response:
        """Show the site."""
        return self._one(request, self.shown_site)

    async def _get_components(self, request: web.Request) -> web.Response:
        """List the components, gateways among them."""
        return self._many(request, [self._shown(c) for c in self.components.values()])

    async def _get_component(self, request: web.Request) -> web.Response:
        """Show one component."""
        component = self.components.get(request.match_info["id"])
        if component is None:
            return web.Response(status=404)
        return self._one(request, self._shown(component))

    async def _unlock(self, request: web.Request) -> web.Response:
        """Take the request to open; it is said to be no more than a request."""
        door = self._door(request.match_info["id"])
        user = (await body_of(request, required=False)).get("delegatedUser")
        check(user is None or isinstance(user, str), "delegatedUser")
        now = datetime.now(UTC)
        door.unlocks.append(Unlock(now, user))
        data = {"apiIdentifier": user}
        self.log.append(entry_of("componentUnlocked", door, now, data))
        return web.Response(status=204, body=b"")

    async def _set_mode(self, request: web.Request) -> web.Response:
        """Change the operating mode."""
        door = self._door(request.match_info["id"])
        mode = (await body_of(request)).get("mode")
        check(isinstance(mode, str) and mode in MODES, "mode")
        door.shown["mode"] = mode
        return web.Response(status=204, body=b"")

    async def _get_log(self, request: web.Request) -> web.Response:
        """List what happened at all components or one, from day to day."""
        sorts = "sort" in request.query
        check(not (sorts and self.settings["refuse_sort"]), "sort")
        entries = asked_for(request, self.log)
        if sorts and self.settings["ignore_sort"]:
            request = request.clone(
                rel_url=request.rel_url.without_query_params("sort")
            )
        return self._many(request, entries)

    async def _get_visits(self, kind: str, request: web.Request) -> web.Response:
        """List the visits of a kind, the revoked ones too."""
        visits = [v.wire() for v in self.visits.values() if v.kind == kind]
        return self._many(request, visits)

    async def _get_visit(self, kind: str, request: web.Request) -> web.Response:
        """Show one visit."""
        visit = self.visits.get(request.match_info["id"])
        if visit is None or visit.kind != kind:
            return web.Response(status=404)
        return self._one(request, visit.wire())

    async def _create_visit(self, kind: str, request: web.Request) -> web.Response:
        """Make a visit."""
        body = await body_of(request)
        for name in ("name", "message", "callbackUri"):
            check(isinstance(body.get(name, ""), str), name)
        if kind == "visit":
            check_link(body)
        else:
            check_mobile_key(body)
        start, end = parse_time(body, "validFrom"), parse_time(body, "validTo")
        check(end > start, "validTo is not after validFrom")
        now = datetime.now(UTC)
        check(end > now, "validTo is not in the future")
        refused = self.settings["refuse_past"] and start < now
        check(not refused, "validFrom is in the past")
        components = body.get("components")
        check(components and isinstance(components, list), "components")
        for component_id in components or ():
            self._door(component_id)
        visit = Visit(kind, body, start, end)
        self.visits[visit.id] = visit
        return self._one(request, visit.wire(), status=self.settings["created"])

    async def _revoke_visit(self, kind: str, request: web.Request) -> web.Response:
        """Revoke a visit; one that is over as the setting says."""
        await body_of(request, required=False)
        visit = self.visits.get(request.match_info["id"])
        if visit is None or visit.kind != kind:
            raise Refused("no such visit")
        if not visit.live and self.settings["revoke_again"] == 400:
            raise Refused("the visit is revoked or expired already")
        visit.revoked = True
        return web.Response(status=204, body=b"")

    def _door(self, component_id: object) -> Component:
        """Return a door; to do anything with a gateway is an error."""
        component = self.components.get(str(component_id))
        if component is None:
            raise Refused("no such component")
        if component.is_gateway:
            raise Refused("the component is a gateway")
        return component

    def _shown(self, component: Component) -> Json:
        """Return what the vendor shows of a component."""
        return {k: v for k, v in component.shown.items() if k not in self.omitted}

    def _one(
        self, request: web.Request, shown: Json, *, status: int = 200
    ) -> web.Response:
        """Answer with one object, or with what a fault makes of it."""
        if self.struck("nulls", request.path):
            shown = emptied(shown)
        if self.struck("wrong_shape", request.path):
            return web.json_response([shown], status=status)
        return web.json_response(shown, status=status)

    def _many(self, request: web.Request, items: list[Any]) -> web.Response:
        """Answer with a bare array, or with what a fault makes of it."""
        items = items + self.raw.get(request.path.rpartition("/")[2], [])
        if self.struck("empty", request.path):
            items = []
        if self.struck("partial", request.path):
            items = items[:-1]
        if self.struck("duplicate", request.path):
            items = items * 2
        if self.struck("nulls", request.path):
            items = [emptied(item) for item in items]
        items = self._page(request, items)
        if self.struck("wrong_shape", request.path):
            return web.json_response({"items": items})
        return web.json_response(items)

    def _page(self, request: web.Request, items: list[Any]) -> list[Any]:
        """Return the part of a list that is asked for, in the order asked for."""
        query = request.query
        direction = query.get("sortDir", "asc")
        check(direction in {"asc", "desc"}, "sortDir")
        if sort := query.get("sort"):
            items = sorted(
                items,
                key=lambda item: str(isinstance(item, dict) and item.get(sort)),
                reverse=direction == "desc",
            )
        skip, limit = number_of(request, "skip"), number_of(request, "limit")
        if self.settings["ignore_paging"]:
            return items
        sizes = [limit or self.settings["default_limit"], self.settings["max_limit"]]
        size = min((size for size in sizes if size), default=len(items))
        return items[skip : skip + size]
