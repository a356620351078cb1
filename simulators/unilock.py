"""UniLock, as vendors/unilock.md describes it: a WebAPI, and a service that takes files.

How either looks is not public. Both are the client's built-in guess, without leniency:
the WebAPI by the default profile, files in the form of the example template. What
``control`` understands, besides what all simulators do (``base``):

* ``folder: "..."`` and ``file_name: "..."``: where the PollerService takes files from;
  they are moved to ``taken`` in that folder. Until then it takes none;
* ``paused: true``: it takes no file, as without a licence, or when it does not run;
* ``poll: true``: it looks for a file right now, and not only every half a second;
* ``groups``, ``exceptions``, ``doors``: ``{id: name}``, replace what there is;
* ``periods: {exception id: [{"from", "to"}]}``: somebody else writes into an exception;
* ``auth``: ``basic``, ``bearer``, ``header`` or ``none``;
* ``time_format``: ``iso`` or ``dk``; ``wrapped``: lists are in ``{"items": [...]}``;
* ``unique_codes``: two persons cannot have the same code;
* ``remove_again``: the status for a person who is not there, 404 or 204;
* ``lacks: [...]``: paths that this WebAPI does not have.

The answer has ``state``: persons (no codes), periods, doors that were opened, and what
became of each file.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
import json
from pathlib import Path
from ssl import SSLContext
from typing import Any, Final, Self, override

from aiohttp import web

from .base import Handler, Simulator
from .unilock_site import Json, Refused, Site, check_fields, someone_shown

USER: Final = "booking-access"
PASSWORD: Final = "adgang-for-alle"
TOKEN: Final = "d5f0-unilock-token"
HEADER: Final = "X-Api-Key"
LOOK_EVERY: Final = 0.5
SWITCHES: Final[Mapping[str, tuple[object, ...]]] = {
    "auth": ("basic", "bearer", "header", "none"),
    "time_format": ("iso", "dk"),
    "wrapped": (False, True),
    "remove_again": (404, 204),
    "unique_codes": (False, True),
    "paused": (False, True),
}
NAMES: Final = ("groups", "exceptions", "doors")


class UniLockSimulator(Simulator):
    """One UniLock with two halls; ``site`` is its database."""

    name = "unilock"
    own_faults = frozenset({"empty", "partial", "duplicate", "wrong_shape", "nulls"})

    def __init__(self) -> None:
        """Take no files before somebody says from where."""
        self.folder: Path | None = None
        self.file_name = "booking_access.xml"
        self._poller: asyncio.Task[None] | None = None
        super().__init__()

    @override
    def reset(self) -> None:
        """Put back the groups, exceptions and doors, and one member of the staff."""
        self.site = Site()
        self.files: list[tuple[str, str]] = []  # what became of each, and why
        self.settings: dict[str, Any] = {k: v[0] for k, v in SWITCHES.items()}
        self.lacks: frozenset[str] = frozenset()

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form of the WebAPI asks for."""
        return {
            "transport": "web_api",
            "url": f"{self.url}/api",
            "auth": "basic",
            "username": USER,
            "password": PASSWORD,
        }

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        known = {*SWITCHES, *NAMES, "folder", "file_name", "poll", "periods", "lacks"}
        if unknown := set(data) - known:
            raise ValueError(f"unknown data {sorted(unknown)}")
        for name, values in SWITCHES.items():
            if (value := data.get(name, self.settings[name])) not in values:
                raise ValueError(f"{name} is one of {values}")
            self.settings[name] = value
        self.site.time_format = self.settings["time_format"]
        self.site.unique_codes = self.settings["unique_codes"]
        for name in NAMES:
            setattr(self.site, name, dict(data.get(name, getattr(self.site, name))))
        for exception, listed in data.get("periods", {}).items():
            self._control_periods(exception, listed)
        self.lacks = frozenset(data.get("lacks", self.lacks))
        if "folder" in data:
            self.folder = Path(data["folder"])
        self.file_name = data.get("file_name", self.file_name)
        if data.get("poll"):
            self.take_file()

    def _control_periods(self, exception: str, listed: list[Json]) -> None:
        """Let somebody else write into a shared exception."""
        try:
            self.site.put_periods(exception, listed)
        except Refused as err:
            raise ValueError(str(err)) from err

    @override
    def state(self) -> Json:
        """Return what there is by now."""
        site = self.site
        return {
            "persons": [someone_shown(i, p) for i, p in site.persons.items()],
            "periods": {id_: site.shown_periods(id_) for id_ in site.exceptions},
            "opened": [door for door, _ in site.opened],
            "files": [{"result": result, "why": why} for result, why in self.files],
        }

    @override
    async def start(self, port: int = 0, ssl_context: SSLContext | None = None) -> Self:
        """Listen, and look for files."""
        await super().start(port, ssl_context)
        self._poller = asyncio.create_task(self._poll())
        return self

    @override
    async def stop(self) -> None:
        """Look for no more files, and listen no more."""
        if self._poller:
            self._poller.cancel()
            with suppress(asyncio.CancelledError):
                await self._poller
            self._poller = None
        await super().stop()

    async def _poll(self) -> None:
        """Look for files again and again, as the PollerService does."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.take_file()

    def take_file(self) -> bool:
        """Move a file and do what it says, if there is one; whether there was."""
        if self.folder is None or self.settings["paused"]:
            return False
        path = self.folder / self.file_name
        if not path.is_file():
            return False
        taken = self.folder / "taken"
        taken.mkdir(exist_ok=True)
        path = path.rename(taken / f"{len(self.files) + 1}_{self.file_name}")
        try:
            self.site.read_file(path.read_bytes())
        except Refused as err:
            self.files.append(("rejected", str(err)))
        else:
            self.files.append(("applied", ""))
        return True

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the paths of the guess."""
        handlers: list[tuple[str, str, Handler]] = [
            ("GET", "persongroups", partial(self._list_named, "groups")),
            ("GET", "sharedexceptions", partial(self._list_named, "exceptions")),
            ("GET", "doors", partial(self._list_named, "doors")),
            ("GET", "persons", self._list_persons),
            ("PUT", "persons/{id}", self._put_person),
            ("DELETE", "persons/{id}", self._remove_person),
            ("GET", "sharedexceptions/{id}/periods", self._get_periods),
            ("PUT", "sharedexceptions/{id}/periods", self._put_periods),
            ("POST", "doors/{id}/open", self._open_door),
        ]
        return [
            web.route(method, f"/api/{path}", partial(self._enter, path, handler))
            for method, path, handler in handlers
        ]

    async def _enter(
        self, path: str, handler: Handler, request: web.Request
    ) -> web.StreamResponse:
        """Let in who proves who they are."""
        if path in self.lacks:
            return web.Response(status=404)
        account = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        wanted = {
            "basic": ("Authorization", f"Basic {account}"),
            "bearer": ("Authorization", f"Bearer {TOKEN}"),
            "header": (HEADER, TOKEN),
        }.get(self.settings["auth"])
        if wanted and request.headers.get(wanted[0]) != wanted[1]:
            return web.Response(status=401)
        try:
            return await handler(request)
        except Refused as err:
            return web.json_response({"message": str(err)}, status=422)

    async def _list_named(self, what: str, request: web.Request) -> web.Response:
        """List groups, exceptions or doors."""
        named: dict[str, str] = getattr(self.site, what)
        listed = [{"id": int(id_), "name": name} for id_, name in named.items()]
        return self._many(request, listed)

    async def _list_persons(self, request: web.Request) -> web.Response:
        """List all persons, those of others included."""
        persons = self.site.persons.items()
        return self._many(request, [someone_shown(i, p) for i, p in persons])

    async def _put_person(self, request: web.Request) -> web.Response:
        """Create or replace a person."""
        self.site.put_person(request.match_info["id"], await _body(request))
        return web.Response(status=204)

    async def _remove_person(self, request: web.Request) -> web.Response:
        """Remove a person."""
        if self.site.persons.pop(request.match_info["id"], None) is None:
            return web.Response(status=self.settings["remove_again"])
        return web.Response(status=204)

    async def _get_periods(self, request: web.Request) -> web.Response:
        """Tell the periods of a shared exception."""
        exception = self._exception(request)
        return self._many(request, list(self.site.shown_periods(exception)))

    async def _put_periods(self, request: web.Request) -> web.Response:
        """Replace the periods of a shared exception."""
        exception = self._exception(request)
        body = await _body(request)
        check_fields(body, frozenset({"periods"}))
        self.site.put_periods(exception, body.get("periods"))
        return web.Response(status=204)

    async def _open_door(self, request: web.Request) -> web.Response:
        """Open a door; the default profile knows nothing of this."""
        if (door := request.match_info["id"]) not in self.site.doors:
            raise web.HTTPNotFound
        self.site.opened.append((door, datetime.now(UTC)))
        return web.Response(status=204)

    def _exception(self, request: web.Request) -> str:
        """Return the shared exception that is asked for."""
        if (exception := request.match_info["id"]) not in self.site.exceptions:
            raise web.HTTPNotFound
        return exception

    def _many(self, request: web.Request, listed: list[Json]) -> web.Response:
        """Answer with a list, or with what a fault makes of it."""
        if self.struck("empty", request.path):
            listed = []
        if self.struck("partial", request.path):
            listed = listed[:-1]
        if self.struck("duplicate", request.path):
            listed = listed * 2
        if self.struck("nulls", request.path):
            listed = [dict.fromkeys(each) for each in listed]
        if self.struck("wrong_shape", request.path):
            return web.json_response({"wrong": listed})
        return web.json_response(
            {"items": listed} if self.settings["wrapped"] else listed
        )


async def _body(request: web.Request) -> Json:
    """Return the JSON object that was sent."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(await request.read())
    except ValueError as err:
        raise Refused("JSON") from err
    if not isinstance(body, dict):
        raise Refused("JSON")
    return body
