"""Unloc's API v1 for integrators: lock holders, their keys, connections to makers."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from aiohttp import web

from .unloc_site import (
    LOCK_HOLDER,
    Json,
    Key,
    Refused,
    Token,
    check,
    check_metadata,
    check_recurrence,
    check_times,
    checked_phone,
    checked_time,
    is_text,
    wire_time,
)

if TYPE_CHECKING:
    from .unloc import UnlocSimulator

ROOT: Final = "/integrators/v1/lock-holders/"
ANY: Final = "*"  # a token for all lock holders
CONNECTION_STATES: Final = {"connecting", "connected", "error", "disconnected"}
DANALOCK_PASSWORD: Final = "danalock-pass"

type HolderHandler = Callable[[web.Request], Awaitable[web.Response]]


class Holders:
    """The lock holders of the organization; the first one has the project's locks.

    Iterating gives the connections to makers of locks, with their passwords.
    """

    def __init__(self, site: UnlocSimulator) -> None:
        """Have one lock holder, and a connection whose password is known."""
        self.site = site
        self.all: list[Json] = [
            {
                "id": LOCK_HOLDER,
                "name": "Seim idrettslag",
                "countryIso": "NO",
                "organizationId": "974760673",
                "organizationIdSuffix": "hall",
            }
        ]
        self.roles: dict[tuple[str, str], Json] = {}  # by lock and person
        self.connections: dict[str, Json] = {}
        self._connect("drift@seim.example", DANALOCK_PASSWORD, "connected")

    def __iter__(self) -> Iterator[Json]:
        """Go over the connections."""
        return iter(self.connections.values())

    def _connect(self, username: str, password: str, state: str) -> Json:
        """Connect an account of a maker."""
        made = {
            "id": f"connection-{len(self.connections) + 1}",
            "vendor": "danalock",
            "username": username,
            "password": password,
            "state": state,
        }
        self.connections[made["id"]] = made
        return made

    def change(self, states: Mapping[str, str]) -> None:
        """Have connections in other states."""
        for connection_id, state in states.items():
            if state not in CONNECTION_STATES:
                raise ValueError(f"unknown state {state}")
            self.connections[connection_id]["state"] = state

    def routes(self) -> list[web.RouteDef]:
        """Return the vendor's paths; each ends with a slash."""
        one = f"{ROOT}{{holder}}/"
        inside: list[tuple[str, str, HolderHandler]] = [
            ("PATCH", "", self._change_holder),
            ("GET", "locks/", self._get_locks),
            ("GET", "locks/{lock}/", self._get_lock),
            ("PATCH", "locks/{lock}/", self._change_lock),
            ("GET", "locks/{lock}/roles/", self._get_roles),
            ("PUT", "locks/{lock}/roles/{user}/", self._put_role),
            ("GET", "roles/", self._get_roles),
            ("DELETE", "users/{user}/shared-keys/", self._take_shared_keys),
            ("GET", "locks/{lock}/keys/", self._get_keys),
            ("POST", "locks/{lock}/keys/", self._create_key),
            ("PUT", "locks/{lock}/keys/{id}/", self._change_key),
            ("GET", "keys/", self._get_keys),
            ("GET", "vendor-connections/", self._get_connections),
            ("POST", "vendor-connections/", self._create_connection),
            ("PUT", "vendor-connections/{id}/refresh/", self._refresh),
            ("PUT", "vendor-connections/{id}/update-password/", self._change_password),
        ]
        return [
            web.post("/auth/v1/token/", self._give_token),
            web.get(ROOT, self._entered(self._get_holders)),
            web.post(ROOT, self._entered(self._create_holder)),
            *(
                web.route(method, one + path, self._entered(handler))
                for method, path, handler in inside
            ),
        ]

    async def _give_token(self, request: web.Request) -> web.Response:
        """Give a token by each form of scope there ever was, as far as it is known."""
        body = await self.site.client_of(request)
        if body.get("grant_type") != "client_credentials":
            return error(400, "invalid_grant_type", "unsupported grant type")
        scope, known = body.get("scope"), self.site.settings["scopes"]
        if scope is None and "none" in known:
            return self.site.grant_token(self.site.new_token())
        if scope == "integrator.admin" and "integrator" in known:
            token = self.site.new_token(holders=frozenset({ANY}))
            ids = [each["id"] for each in self.all]
            return self.site.grant_token(token, lock_holder_ids=ids)
        names = scope if isinstance(scope, list) else []
        holders = {each["id"] for each in self.all if self._names(each, names, known)}
        if not holders or len(holders) < len(names):
            return error(400, "invalid_scope", "The scope is not known")
        token = self.site.new_token(holders=frozenset(holders))
        if any(name.startswith("lockHolder.admin:") for name in names):
            return self.site.grant_token(token, lock_holder_ids=sorted(holders))
        return self.site.grant_token(token, lock_holder_id=min(holders))

    def _names(self, holder: Json, names: list[str], known: list[str]) -> bool:
        """Whether a scope names a lock holder; one without a suffix may end in a dot."""
        parts = ("countryIso", "organizationId", "organizationIdSuffix")
        identifier = ".".join(str(holder[part]) for part in parts if holder.get(part))
        dot = "" if holder.get("organizationIdSuffix") else "."
        understood = {
            "admin": f"lockHolder.admin:{holder['id']}",
            "identifier": f"lockHolder.identifier:{identifier}",
            "dotted": f"lockHolder.identifier:{identifier}{dot}",
        }
        return any(understood.get(form) in names for form in known)

    def _entered(self, handler: HolderHandler) -> HolderHandler:
        """Return a handler that lets in who has a token for the lock holder."""

        async def enter(request: web.Request) -> web.Response:
            token = self.site.token_of(request)
            if token is None:
                return error(401, "JsonWebTokenError", "JWT expired")
            if not self._may(token, request.match_info.get("holder")):
                return error(403, "Forbidden", "The scope does not allow that")
            lock = request.match_info.get("lock")
            if lock is not None and lock not in self.site.locks:
                return error(404, "NotFound", "There is no such lock")
            try:
                return await handler(request)
            except Refused as err:
                return error(400, "ValidationError", str(err))

        return enter

    def _may(self, token: Token, holder: str | None) -> bool:
        """Whether a token is for a lock holder, or for the list of all of them."""
        if ANY in token.holders:
            return holder is None or any(each["id"] == holder for each in self.all)
        if holder is None:
            return not token.holders and token.project is None
        return holder in token.holders

    async def _get_holders(self, request: web.Request) -> web.Response:
        """List the lock holders."""
        return self.site.many(request, self.site.settings["holders_as"], self.all)

    async def _create_holder(self, request: web.Request) -> web.Response:
        """Make a lock holder; its number with the suffix must be a new one."""
        body = await posted(request)
        for name in ("name", "countryIso", "organizationId"):
            check(is_text(body.get(name)), name, "must be a text")
        country = body["countryIso"]
        check(len(country) == 2 and country.isupper(), "countryIso", "is not ISO 3166")
        suffix = body.get("organizationIdSuffix")
        check(suffix is None or is_text(suffix), "organizationIdSuffix", "is empty")
        identifier = (country, body["organizationId"], suffix)
        for each in self.all:
            known = (each["countryIso"], each["organizationId"])
            if (*known, each.get("organizationIdSuffix")) == identifier:
                return error(409, "Conflict", "The lock holder exists")
        made = body | {"id": f"holder-{uuid4()}"}
        self.all.append(made)
        return self.site.one(request, made)

    async def _change_holder(self, request: web.Request) -> web.Response:
        """Call a lock holder something else."""
        body = await posted(request)
        check(set(body) == {"name"} and is_text(body["name"]), "name", "must be a text")
        wanted = request.match_info["holder"]
        [holder] = [each for each in self.all if each["id"] == wanted]
        holder |= body
        return self.site.one(request, holder)

    async def _get_locks(self, request: web.Request) -> web.Response:
        """List the locks; only the first lock holder has some."""
        has_some = request.match_info["holder"] == LOCK_HOLDER
        locks = list(self.site.locks.values()) if has_some else []
        return self.site.many(request, "locks", locks)

    async def _get_lock(self, request: web.Request) -> web.Response:
        """Show one lock."""
        lock = self.site.locks[request.match_info["lock"]]
        return self.site.one(request, {"lock": lock})

    async def _change_lock(self, request: web.Request) -> web.Response:
        """Call a lock something else, or say where it is."""
        body = await posted(request)
        for name in body:
            check(name in ("name", "image", "address"), name, "cannot be changed")
        lock = self.site.locks[request.match_info["lock"]]
        lock |= body
        return self.site.one(request, {"lock": lock})

    async def _get_roles(self, request: web.Request) -> web.Response:
        """List who may share keys, of one lock or of all."""
        lock = request.match_info.get("lock")
        roles = [each for each in self.roles.values() if lock in (None, each["lockId"])]
        return self.site.many(request, "roles", roles)

    async def _put_role(self, request: web.Request) -> web.Response:
        """Say whether somebody may share keys for a lock."""
        body = await posted(request)
        lock = request.match_info["lock"]
        person = checked_phone(request.match_info["user"], "userId")
        shares, name = body.get("canShare"), body.get("userName")
        check(isinstance(shares, bool), "canShare", "must be a boolean")
        check(name is None or is_text(name), "userName", "must be a text")
        role = self.roles[lock, person] = {
            "id": f"role-{lock}-{person}",
            "lockId": lock,
            "user": {"id": person, "name": name},
            "canShare": shares,
        }
        return self.site.one(request, {"role": role})

    async def _take_shared_keys(self, request: web.Request) -> web.Response:
        """Say that it is done; the vendor's own collection calls it a mock."""
        checked_phone(request.match_info["user"], "userId")
        return web.json_response({})

    async def _get_keys(self, request: web.Request) -> web.Response:
        """List the keys, of one lock or of all."""
        lock = request.match_info.get("lock")
        keys = [
            self._shown(key)
            for key in self.site.keys.values()
            if lock in (None, key.lock)
        ]
        return self.site.many(request, "keys", keys)

    async def _create_key(self, request: web.Request) -> web.Response:
        """Make a key; where null stands, it begins at once or never ends."""
        body = await posted(request)
        person = checked_phone(body.get("userId"), "userId")
        for name in ("start", "end"):
            check(name in body, name, "is required")
        skip = body.get("skipInviteNotification")
        check(skip is None or isinstance(skip, bool), "skipInviteNotification", "bool")
        start = datetime.now(UTC)
        if body["start"] is not None:
            start = checked_time(body["start"], "start")
        end = None if body["end"] is None else checked_time(body["end"], "end")
        check_times(start, end, "")
        if "metadata" in body:
            check_metadata(body["metadata"], "metadata")
        if body.get("recurrence") is not None:
            check_recurrence(body["recurrence"], "recurrence")
        key = Key(request.match_info["lock"], person, start, end, body)
        key.begins_shown = body["start"] is not None
        self.site.make(key)
        return self.site.one(request, {"key": self._shown(key)})

    async def _change_key(self, request: web.Request) -> web.Response:
        """Revoke a key, which is all that can be changed about it."""
        body = await posted(request)
        check(body == {"state": "revoked"}, "state", "can only become revoked")
        key = self.site.keys.get(request.match_info["id"])
        if key is None or key.lock != request.match_info["lock"]:
            return error(404, "NotFound", "There is no such key")
        if not key.live:
            return error(409, "Conflict", "May not revoke expired keys")
        key.revoked = True
        return self.site.one(request, {"key": self._shown(key)})

    async def _get_connections(self, request: web.Request) -> web.Response:
        """List the connections, without their passwords."""
        shown = [_without_password(each) for each in self]
        return self.site.many(request, "vendorConnections", shown)

    async def _create_connection(self, request: web.Request) -> web.Response:
        """Connect the account of a maker, once."""
        body = await posted(request)
        check(body.get("vendor") == "danalock", "vendor", "is not known")
        for name in ("username", "password"):
            check(is_text(body.get(name)), name, "must be a text")
        if any(each["username"] == body["username"] for each in self):
            return error(409, "Conflict", "The account is connected already")
        made = self._connect(body["username"], body["password"], "connecting")
        return self.site.one(request, {"vendorConnection": _without_password(made)})

    async def _change_password(self, request: web.Request) -> web.Response:
        """Sign in at the maker with another password."""
        body = await posted(request)
        check(is_text(body.get("password")), "password", "must be a text")
        if (found := self.connections.get(request.match_info["id"])) is None:
            return error(404, "NotFound", "There is no such connection")
        found |= {"password": body["password"], "state": "connecting"}
        return self.site.one(request, {"vendorConnection": _without_password(found)})

    async def _refresh(self, request: web.Request) -> web.Response:
        """Look for new locks."""
        if request.match_info["id"] not in self.connections:
            return error(404, "NotFound", "There is no such connection")
        self.site.refreshed.append(request.match_info["id"])
        return web.json_response({})

    def _shown(self, key: Key) -> Json:
        """Return what API v1 shows of a key."""
        shown: Json = {
            "id": key.id,
            "lockId": key.lock,
            "toUser": {"id": key.person, "name": "A person", "imageUrl": None},
            "start": wire_time(key.start) if key.begins_shown else None,
            "end": wire_time(key.end),
            "created": wire_time(key.created),
            "state": key.state,
        }
        if self.site.settings["keeps_metadata"]:
            shown["metadata"] = key.metadata
        return shown


def error(status: int, name: str, description: str) -> web.Response:
    """Answer as API v1 does when something is wrong."""
    shown: dict[str, Any] = {"error": name, "errorDescription": description}
    return web.json_response(shown, status=status)


async def posted(request: web.Request) -> Json:
    """Return the posted JSON object."""
    try:
        body = await request.json()
    except ValueError:
        body = None
    check(isinstance(body, dict), "body", "must be a JSON object")
    assert isinstance(body, dict)
    return body


def _without_password(connection: Json) -> Json:
    """Return what may be shown of a connection."""
    return {name: value for name, value in connection.items() if name != "password"}
