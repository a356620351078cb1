"""Unloc, API v2 of 2023: the locks and keys of one project.

Confirmed: credentials that have rights at projects, a token for one of them, JSON,
pages by ``startAfterId``, keys by phone number that are made by a job (202), start
and end left out rather than null, no way to open from afar. Plausible: that a start
an hour in the past is refused (none is sent then), that a second key of a person may
take the first one's place and that metadata are kept (see ``unloc_keys``). Unknown:
what a job tells of the keys that it made (every likely shape is read, else the key is
looked for), and the paths and answers of the access log and of refreshing the locks
(what is not understood there is left out, or said to be refused).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from time import monotonic
from typing import Any, ClassVar, Final, override

from aiohttp import ClientSession

from ..engine.models import (
    AccessEvent,
    AccessEventKind,
    Account,
    AuthError,
    ConnectionFailed,
    ContractError,
    OutcomeUnknown,
    PointState,
    Rejected,
    VendorError,
)
from ..forms import Field, FieldKind, FollowUp
from ..transport import Answer, raise_for_status
from .unloc_http import (
    CREDENTIALS,
    PHONE_FIELDS,
    URL_FIELD,
    Json,
    NotThere,
    UnlocHttp,
    id_of,
    instant,
    is_refusal,
    items_of,
    part,
    quoted,
    raise_if_refused,
    reason_of,
    text,
    wire_time,
)
from .unloc_key import Key, NewKey, is_made_of, key_of
from .unloc_keys import KeySystem

SCOPE: Final = "project.admin"
MODULE: Final = "mobileKey"  # what a project must have for keys to be made
STEP: Final = "unloc_project"
# A job is looked at this often, with so many seconds in between.
JOB_LOOKS: Final = 20
JOB_PAUSE = 0.5
FRESH: Final = 5.0  # seconds in which a poll asks for the locks and their states


class Unloc(KeySystem):
    """One project of Unloc."""

    key = "unloc"
    name = "Unloc"
    form = (*CREDENTIALS, URL_FIELD)
    follow_ups = (STEP,)
    poll_interval = timedelta(minutes=5)
    tells_events: ClassVar[bool] = True
    can_refresh: ClassVar[bool] = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as the forms have them."""
        super().__init__(session, settings)
        self._project = str(settings.get("project") or "").strip()
        self._http = self._http_of(self._project)
        self._last: tuple[float, dict[str, Json]] | None = None  # read locks, and when

    @classmethod
    @override
    def form_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:
        """Return the fields of both forms."""
        return (*CREDENTIALS, Field(name="project"), URL_FIELD)

    @override
    async def follow_up(self) -> FollowUp | None:
        """Ask at which projects the credentials have rights, and let one be chosen."""
        if self._project:
            return None
        told = await self._http.ask_as_client("v2/auth/resources-discovery/", {})
        projects = _projects(told)
        if not projects:
            raise Rejected("no_projects")
        if len(projects) == 1:
            return FollowUp(settled={"project": projects[0]})
        names = await asyncio.gather(*(self._name_of(each) for each in projects))
        choices = sorted(zip(projects, names, strict=True), key=lambda each: each[1])
        field = Field(name="project", kind=FieldKind.SELECT, choices=tuple(choices))
        return FollowUp(step=STEP, fields=(field,))

    @override
    async def validate(self) -> Account:
        """Ask for the project (GET /v2/projects/{id})."""
        if not self._project:
            raise Rejected("no_projects")
        answer = await self._http.ask("GET", self._path())
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Rejected("no_projects")
        raise_for_status(answer)
        project = part(answer.json(), "project")
        if not (project_id := id_of(project)):
            raise ContractError("project.id")
        return Account(id=project_id, title=text(project.get("name")) or self.name)

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return how full batteries are; whether a lock is in reach Unloc never tells.

        From the answer to ``list_access_points``, if that was only just asked.
        """
        if self._last and monotonic() - self._last[0] < FRESH:
            locks = self._last[1]
        else:
            locks = await self._read_locks()
        return {i: PointState(battery=_battery(lock)) for i, lock in locks.items()}

    @override
    async def read_events(self, since: datetime) -> tuple[AccessEvent, ...]:
        """Return who came in, without the who; the log goes back 30 days."""
        names = ("events", "accessEvents", "accessLogs", "logs")
        try:
            items = await self._http.get_all(self._path("logs", "access"), *names)
        except NotThere:
            return ()
        events = [event for item in items.values() if (event := _event(item))]
        return tuple(
            sorted((e for e in events if e.at > since), key=lambda event: event.at)
        )

    @override
    async def refresh(self) -> None:
        """Have each lock connection look for new locks; its path is not public."""
        names = ("lockConnections", "connections")
        try:
            found = await self._http.get_all(self._path("lock-connections"), *names)
        except NotThere as err:
            raise Rejected("refused") from err
        for connection_id in found:
            path = self._path("lock-connections", connection_id, "refresh")
            answer = await self._http.change("POST", path)
            if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
                answer = await self._http.change("PUT", path)  # as in API v1
            raise_if_refused(answer)
        self._last = None

    @override
    async def _read_keys(self, lock_id: str | None = None) -> tuple[Key, ...]:
        """Return keys, less those that are surely over."""
        query = [("excludeStates", "revoked"), ("excludeStates", "expired")]
        if lock_id is not None:
            query.append(("lockId", lock_id))
        items = await self._http.get_all(self._path("keys"), "keys", query=query)
        keys = [key for item in items.values() if (key := key_of(item))]
        return tuple(key for key in keys if lock_id in (None, key.lock_id))

    @override
    async def _make_key(self, key: NewKey) -> str:
        """Have a key made, and wait until it is."""
        wish: dict[str, object] = {
            "lockId": key.lock_id,
            "appUserId": key.person,
            "metadata": dict(key.metadata),
        }
        if key.start:
            wish["start"] = wire_time(key.start)
        if key.end:
            wish["end"] = wire_time(key.end)
        answer = await self._http.change(
            "POST", self._path("keys"), {"keys": [wish]}, right=MODULE
        )
        if is_refusal(answer):
            raise Rejected(_refusal(answer))
        try:
            job_id = id_of(part(answer.json(), "jobRef"))
        except ContractError:
            job_id = None
        if not job_id:
            raise OutcomeUnknown("made, but the answer is unreadable")
        job = await self._finished(job_id)
        return _made_by(job) or await self._search(key)

    @override
    async def _take_key(self, lock_id: str, key_id: str) -> None:
        """Revoke a key (404 and, for what is over, 409 count as done)."""
        path = self._path("keys", key_id)
        answer = await self._http.change("DELETE", path)
        if answer.status in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
            return
        if is_refusal(answer) and await self._is_live(path):
            raise Rejected("refused")

    async def _is_live(self, path: str) -> bool:
        """Whether a key opens its lock, now or later."""
        answer = await self._http.ask("GET", path)
        if answer.status == HTTPStatus.NOT_FOUND:
            return False
        raise_for_status(answer)
        key = key_of(part(answer.json(), "key"))
        return key is None or key.live

    async def _finished(self, job_id: str) -> Json:
        """Return a job that made its key; raise what became of it otherwise.

        A job is only read, but whatever happens meanwhile, its key may be made.
        """
        path = self._path("jobs", job_id)
        for look in range(JOB_LOOKS):
            if look:
                await asyncio.sleep(JOB_PAUSE)
            try:
                job = part(await self._http.get(path), "job")
            except AuthError as err:
                raise OutcomeUnknown("the job is out of sight") from err
            except ConnectionFailed:
                continue
            match job.get("status"):
                case "succeeded":
                    return job
                case "failedValidation":
                    names_phone = any(
                        name in str(job.get("failureReason")) for name in PHONE_FIELDS
                    )
                    raise Rejected("phone_invalid" if names_phone else "refused")
                case "failedJob" if not _made_by(job):
                    raise ConnectionFailed("the job failed")
                case "failedJob":
                    return job
                case "timeout":
                    break
        raise OutcomeUnknown("the job did not end")

    async def _search(self, wanted: NewKey) -> str:
        """Return the key that a job made: by its metadata, else by its times."""
        keys = [
            key
            for key in await self._search_keys(wanted.lock_id)
            if key.live and key.person == wanted.person
        ]
        reference = wanted.metadata["ref"]
        found = [key for key in keys if key.serves(reference)]
        if not found:
            found = [key for key in keys if not key.served and is_made_of(key, wanted)]
        found.sort(key=lambda key: key.created or wanted.asked_at)
        if not found:
            raise OutcomeUnknown("made, but not listed yet")
        return found[-1].id

    async def _search_keys(self, lock_id: str) -> tuple[Key, ...]:
        """Return the keys of a lock after one was made; that can not be undone."""
        try:
            return await self._read_keys(lock_id)
        except VendorError as err:
            raise OutcomeUnknown("made, but not to be seen") from err

    @override
    async def _read_locks(self) -> dict[str, Json]:
        """Return the locks by id, less those that only repeat another one."""
        items = await self._http.get_all(self._path("locks"), "locks")
        locks = {i: e for i, e in items.items() if e.get("duplicateLock") is not True}
        self._last = monotonic(), locks
        return locks

    async def _name_of(self, project_id: str) -> str:
        """Return what a project is called; its id if that cannot be told now."""
        http = self._http_of(project_id)
        try:
            told = await http.get(quoted("v2", "projects", project_id))
            return text(part(told, "project").get("name")) or project_id
        except VendorError:
            return project_id

    def _http_of(self, project_id: str) -> UnlocHttp:
        """Return how to ask about a project."""
        form = {"scope": SCOPE, "project_id": project_id}
        return UnlocHttp(self.connection, self.settings, "v2/auth/token/", [form])

    def _path(self, *parts: str) -> str:
        """Return the path of something in the project."""
        return quoted("v2", "projects", self._project, *parts)


def _projects(told: object) -> list[str]:
    """Return the ids of the projects that may be administrated, each once."""
    items, _ = items_of(part(told, "resources"), "projects")
    found: dict[str, None] = {}
    for item in items:
        if not isinstance(item, dict) or not (one := text(item.get("projectId"))):
            continue
        scope = item.get("scope")
        if not scope or SCOPE in scope:  # a text or a list of them
            found[one] = None
    return list(found)


def _refusal(answer: Answer) -> str:
    """Return the text for why a key cannot be made."""
    if answer.status != HTTPStatus.BAD_REQUEST:
        return "refused"
    try:
        names = [
            str(each.get("name"))
            for each in answer.json()["invalidParams"]
            if isinstance(each, dict)
        ]
    except ContractError, KeyError, TypeError:
        names = [reason_of(answer, "detail")]
    is_phone = any(field in name for name in names for field in PHONE_FIELDS)
    return "phone_invalid" if is_phone else "refused"


def _made_by(job: Json) -> str | None:
    """Return the id of the key that a job made, in each shape that it may have."""
    result = job.get("resultData")
    made = result.get("createdKeys") if isinstance(result, dict) else None
    for each in made if isinstance(made, list) else ():
        if isinstance(each, str):
            return text(each)
        if isinstance(each, dict):
            ids = (id_of(each), text(each.get("keyId")), id_of(each.get("key")))
            if found := next(filter(None, ids), None):
                return found
    return None


def _battery(lock: Json) -> int | None:
    """Return how full a lock's battery is, in percent."""
    status = lock.get("batteryStatus")
    told = status.get("batteryLevel") if isinstance(status, dict) else None
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        return None
    try:  # a text, says who has seen it
        level = float(told)
    except ValueError:
        return None
    return round(level) if 0 <= level <= 100 else None


def _event(item: Json) -> AccessEvent | None:
    """Read an event; None if it does not say where or when."""
    event_id, lock_id = id_of(item), text(item.get("lockId"))
    at = instant(item.get("created"))
    if not (event_id and lock_id and at):
        return None
    known = item.get("action") == "unlocked"
    kind = AccessEventKind.OPENED if known else AccessEventKind.OTHER
    return AccessEvent(id=event_id, point_id=lock_id, kind=kind, at=at)
