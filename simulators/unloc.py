"""Unloc, as strict as vendors/unloc.md: API v2 of 2023, and v1 for lock holders.

What ``control`` understands, besides what all simulators do (``base``):

* ``locks: [...]`` replaces all locks, ``add: [...]`` adds some, ``remove: [id]``
  takes some away; each is what the vendor shows of one, and needs only ``name``;
* ``projects: {id: name}`` are those that the credential has rights at, without
  ``unnamed``, at which it has but may not look; ``modules: [...]`` the projects' own;
* ``revoke: [id]`` and ``break: [id]`` end keys from outside, ``state: {id: S}``
  shows them in a state; ``expire_tokens: true`` makes all tokens too old;
* ``event: {"lockId": L, ...}`` is somebody at a door;
* ``connections: {id: state}`` is what has become of connections to lock vendors;
* ``raw: {"locks" | "keys" | "events": [...]}`` puts anything at the end of a list;
* ``job: {"status": S, "looks": N, "reason": R, "makes": B}`` is how jobs end from now
  on, after how many looks, and whether their keys are made all the same;
* what is not public can be had in either reading: ``replaces`` (a second key of a
  person for a lock takes the first one's place), ``keeps_metadata``, ``created``
  ("id", "keyId", "key", "text", "nothing": what a job tells of its keys), ``page``
  (how many are on one), ``always_after`` (the last page names its last id, too),
  ``refresh`` ("POST", "PUT" or null for lock connections of v2), ``log`` (the name
  of the list of the access log, null for none), ``scopes`` (those that v1 knows:
  "admin", "integrator", "identifier", "dotted", "none"), ``holders_as`` (the name of the list
  of lock holders, null for a bare one).
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, override
from uuid import uuid4

from aiohttp import web

from .base import Handler
from .unloc_answers import SETTINGS, UnlocAnswers, denied, made_keys, posted, problem
from .unloc_holders import Holders
from .unloc_site import (
    CLIENT_ID,
    CLIENT_SECRET,
    DEMO_LOCKS,
    LIVE,
    LOCK,
    ORGANIZATION,
    PROJECT,
    Job,
    Json,
    Key,
    Refused,
    check,
    check_metadata,
    check_recurrence,
    check_times,
    checked_phone,
    checked_time,
    demo_keys,
    is_text,
    wire_time,
)


class UnlocSimulator(UnlocAnswers):
    """One organization of Unloc with a project and a lock holder over the same locks.

    ``keys`` are all that were made, ``live_keys()`` those that open locks, and
    ``opens(lock, person, at)`` says whether somebody gets in.
    """

    name = "unloc"

    @override
    def reset(self) -> None:
        """Put back three locks, one of them twice, and two keys that others made."""
        super().reset()
        self.projects: dict[str, str | None] = {PROJECT: "Seim idrettslag"}
        self.modules = ["mobileKey"]
        self.locks: dict[str, Json] = {}
        self._add(DEMO_LOCKS)
        self.keys = {key.id: key for key in demo_keys()}
        self.jobs: dict[str, Job] = {}
        self.job: Json = {"status": "succeeded", "looks": 1}
        self.events: list[Json] = []
        self.refreshed: list[str] = []
        self.holders = Holders(self)

    def live_keys(self) -> list[Key]:
        """Return the keys that open locks, now or later."""
        return [key for key in self.keys.values() if key.live]

    def opens(self, lock: str, person: str, at: datetime) -> bool:
        """Whether somebody gets in at an instant."""
        return any(
            key.lock == lock and key.person == person and key.opens(at)
            for key in self.keys.values()
        )

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        return {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "url": self.url,
        }

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        known: dict[str, Callable[[Any], None]] = {
            "locks": self._replace_locks,
            "add": self._add,
            "remove": self._remove,
            "projects": lambda value: setattr(self, "projects", dict(value)),
            "modules": lambda value: setattr(self, "modules", list(value)),
            "revoke": self._revoke,
            "break": self._break,
            "state": self._show_states,
            "expire_tokens": lambda _: self.tokens.clear(),
            "event": self._happen,
            "connections": self.holders.change,
            "raw": self.raw.update,
            "job": lambda value: setattr(self, "job", self.job | value),
        }
        if unknown := set(data) - set(known) - set(SETTINGS):
            raise ValueError(f"unknown data {sorted(unknown)}")
        self.settings |= {name: data[name] for name in SETTINGS if name in data}
        for name, take in known.items():
            if name in data:
                take(data[name])

    def _replace_locks(self, locks: list[Json]) -> None:
        """Have these locks and no others."""
        self.locks = {}
        self._add(locks)

    def _add(self, locks: list[Json]) -> None:
        """Add locks, of which most may be left unsaid."""
        for said in locks:
            if "name" not in said:
                raise ValueError("a lock needs a name")
            shown = LOCK | {"id": f"lock-{uuid4()}"} | said
            self.locks[shown["id"]] = shown

    def _remove(self, ids: list[str]) -> None:
        """Take locks away."""
        for each in ids:
            del self.locks[each]

    def _revoke(self, ids: list[str]) -> None:
        """End keys."""
        for each in ids:
            self.keys[each].revoked = True

    def _break(self, ids: list[str]) -> None:
        """Have something go wrong with keys."""
        for each in ids:
            self.keys[each].broken = True

    def _show_states(self, states: Mapping[str, str]) -> None:
        """Show keys in other states than their times say."""
        for key_id, state in states.items():
            self.keys[key_id].shown_state = state

    def _happen(self, said: Json) -> None:
        """Have somebody at a door."""
        if said["lockId"] not in self.locks:
            raise ValueError("no such lock")
        event: Json = {"id": f"event-{len(self.events) + 1}", "action": "unlocked"}
        event["created"] = wire_time(datetime.now(UTC))
        event |= {"lockName": self.locks[said["lockId"]]["name"]}
        self.events.append(event | said)

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the vendor's paths."""
        project = "/v2/projects/{project}"
        inside: list[tuple[str, str, Handler]] = [
            ("GET", "", self._get_project),
            ("GET", "/locks", self._get_locks),
            ("GET", "/keys", self._get_keys),
            ("POST", "/keys", self._create_keys),
            ("GET", "/keys/{id}", self._get_key),
            ("DELETE", "/keys/{id}", self._delete_key),
            ("GET", "/jobs/{id}", self._get_job),
            ("GET", "/logs/access", self._get_log),
            ("GET", "/lock-connections", self._get_connections),
            ("POST", "/lock-connections/{id}/refresh", self._refresh),
            ("PUT", "/lock-connections/{id}/refresh", self._refresh),
        ]
        return [
            web.post("/v2/auth/token/", self._give_token),
            web.post("/v2/auth/resources-discovery/", self._discover),
            *(
                web.route(method, project + path, self._entered(handler))
                for method, path, handler in inside
            ),
            *self.holders.routes(),
        ]

    async def _give_token(self, request: web.Request) -> web.Response:
        """Give a token for a project that the credential has rights at.

        One for the organization can be had, too, but is for none of its projects.
        """
        body = await self.client_of(request)
        if body.get("grant_type") != "client_credentials":
            raise denied("unsupported_grant_type", 400)
        if body.get("scope") in ("organization.admin", ["organization.admin"]):
            if (asked := body.get("organization_id")) != ORGANIZATION:
                raise denied("access_denied", 403 if asked else 400)
            told = {"scope": ["organization.admin"], "organization_id": asked}
            return self.grant_token(self.new_token(project=""), **told)
        if body.get("scope") not in ("project.admin", ["project.admin"]):
            raise denied("invalid_scope", 400)
        project = body.get("project_id")
        if project not in self.projects:
            raise denied("access_denied", 403)
        return self.grant_token(
            self.new_token(project=project), scope=["project.admin"], project_id=project
        )

    async def _discover(self, request: web.Request) -> web.Response:
        """Tell where the credential has rights."""
        await self.client_of(request)
        projects = [{"projectId": p, "scope": "project.admin"} for p in self.projects]
        other = {"organizationId": ORGANIZATION, "scope": "organization.admin"}
        resources = {"projects": projects, "organizations": [other]}
        return self.one(request, {"resources": resources})

    def _entered(self, handler: Handler) -> Handler:
        """Return a handler that lets in who has a token for the project."""

        async def enter(request: web.Request) -> web.StreamResponse:
            token = self.token_of(request)
            if token is None:
                return problem(401, "Unauthorized")
            if token.project != request.match_info["project"]:
                return problem(403, "Forbidden")
            try:
                return await handler(request)
            except Refused as err:
                wrong = {"name": err.name, "reason": err.reason}
                return problem(400, "Validation Error", invalidParams=[wrong])

        return enter

    async def _get_project(self, request: web.Request) -> web.Response:
        """Show the project."""
        project = request.match_info["project"]
        if self.projects.get(project) is None:
            return problem(403, "Forbidden")
        shown: Json = {"id": project, "name": self.projects[project]}
        shown["organizationId"] = ORGANIZATION
        return self.one(request, {"project": shown})

    async def _get_locks(self, request: web.Request) -> web.Response:
        """List the locks."""
        return self.many(request, "locks", list(self.locks.values()))

    async def _get_keys(self, request: web.Request) -> web.Response:
        """List the keys, of a lock or of a person, less those in some states."""
        query = request.query
        without = {s for v in query.getall("excludeStates", []) for s in v.split(",")}
        known = LIVE | {"expired", "revoked", "error"}
        check(without <= known, "excludeStates", "must be one of the known states")
        keys = [
            self._shown(key)
            for key in self.keys.values()
            if key.state not in without
            if query.get("lockId", key.lock) == key.lock
            if query.get("appUserId", key.person) == key.person
        ]
        return self.many(request, "keys", keys)

    async def _get_key(self, request: web.Request) -> web.Response:
        """Show one key."""
        key = self.keys.get(request.match_info["id"])
        if key is None:
            return problem(404, "Not Found")
        return self.one(request, {"key": self._shown(key)})

    async def _create_keys(self, request: web.Request) -> web.Response:
        """Begin a job that makes keys; none of them if one is not right."""
        if "mobileKey" not in self.modules:
            return problem(403, "Module mobileKey is not enabled")
        body = await posted(request)
        wishes = body.get("keys")
        check(isinstance(wishes, list) and wishes, "keys", "must not be empty")
        assert isinstance(wishes, list)
        check(len(wishes) <= 10_000, "keys", "too many")
        keys = [self._checked(wish, f"keys.{n}") for n, wish in enumerate(wishes)]
        status = self.job["status"]
        if status == "succeeded" or self.job.get("makes"):
            for key in keys:
                self.make(key)
        job = Job(status, self.job["looks"], keys)
        self.jobs[job.id] = job
        path = f"/v2/projects/{request.match_info['project']}/jobs/{job.id}"
        reference = {"id": job.id, "jobType": "createKeys"}
        reference["jobStatusUrl"] = self.url + path
        return self.one(request, {"jobRef": reference}, status=202)

    def _checked(self, wish: object, name: str) -> Key:
        """Return a key that may be made."""
        check(isinstance(wish, dict), name, "must be of type object")
        assert isinstance(wish, dict)
        known = {"lockId", "appUserId", "start", "end", "recurrence", "metadata"}
        for each in set(wish) - known:
            raise Refused(f"{name}.{each}", "is unknown")
        check(is_text(wish.get("lockId")), f"{name}.lockId", "must be of type string")
        check(wish["lockId"] in self.locks, f"{name}.lockId", "does not exist")
        person = checked_phone(wish.get("appUserId"), f"{name}.appUserId")
        start, end = datetime.now(UTC), None
        if "start" in wish:
            start = checked_time(wish["start"], f"{name}.start")
        if "end" in wish:
            end = checked_time(wish["end"], f"{name}.end")
        check_times(start, end, f"{name}.")
        if "metadata" in wish:
            check_metadata(wish["metadata"], f"{name}.metadata")
        if "recurrence" in wish:
            check_recurrence(wish["recurrence"], f"{name}.recurrence")
        return Key(wish["lockId"], person, start, end, wish)

    def make(self, key: Key) -> None:
        """Make a key; where only one can be, it takes the place of another one."""
        if self.settings["replaces"]:
            for other in self.live_keys():
                if (other.lock, other.person) == (key.lock, key.person):
                    other.revoked = True
        self.keys[key.id] = key

    async def _delete_key(self, request: web.Request) -> web.Response:
        """Revoke a key."""
        key = self.keys.get(request.match_info["id"])
        if key is None or key.revoked:
            return problem(404, "Not Found")
        if key.state == "expired":
            return problem(409, "May not revoke expired keys")
        key.revoked = True
        return web.Response(status=204)

    async def _get_job(self, request: web.Request) -> web.Response:
        """Show a job, which goes on by being looked at."""
        job = self.jobs.get(request.match_info["id"])
        if job is None:
            return problem(404, "Not Found")
        job.looks -= 1
        shown: Json = {"id": job.id, "type": "createKeys", "status": job.status}
        shown["created"] = wire_time(job.created)
        if job.looks >= 0:
            shown["status"] = "pending" if job.looks else "inProgress"
        elif job.status == "succeeded":
            shown["resultData"] = {
                "createdKeys": made_keys(job.keys, self.settings["created"]),
                "failedKeys": [],
                "creatingKeys": [],
            }
        else:
            shown["failureReason"] = self.job.get("reason", "It did not work.")
        return self.one(request, {"job": shown})

    async def _get_log(self, request: web.Request) -> web.Response:
        """List who came in during the last 30 days."""
        name = self.settings["log"]
        if name is None:
            return problem(404, "Not Found")
        oldest = wire_time(datetime.now(UTC) - timedelta(days=30)) or ""
        events = [each for each in self.events if each["created"] >= oldest]
        return self.many(request, name, events, kind="events")

    async def _get_connections(self, request: web.Request) -> web.Response:
        """List the connections to the makers of the locks."""
        if self.settings["refresh"] is None:
            return problem(404, "Not Found")
        shown = [{"id": each["id"], "state": each["state"]} for each in self.holders]
        return self.many(request, "lockConnections", shown)

    async def _refresh(self, request: web.Request) -> web.Response:
        """Look for new locks of a maker."""
        if request.method != self.settings["refresh"]:
            return problem(404, "Not Found")
        self.refreshed.append(request.match_info["id"])
        return web.json_response({}, status=202)

    def _shown(self, key: Key) -> Json:
        """Return what API v2 shows of a key."""
        shown = {
            "id": key.id,
            "lockId": key.lock,
            "appUser": {"id": key.person, "name": "A person"},
            "start": wire_time(key.start),
            "end": wire_time(key.end),
            "created": wire_time(key.created),
            "state": key.state,
        }
        if self.settings["keeps_metadata"]:
            shown["metadata"] = key.metadata
        return shown
