"""Vendors and doors that note what they are told, and when."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, override

from aiohttp import web

from simulators.base import Handler
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import Visit
from simulators.winkas import WinKasSimulator

DAWDLE: Final = 1.0  # seconds that a slow vendor takes


@dataclass(frozen=True, kw_only=True)
class Command:
    """A door was told to stay open, or to close again.

    ``at`` is when it was told, ``done`` when it did so.
    """

    door: str
    opens: bool
    at: datetime
    done: datetime


@dataclass(frozen=True, kw_only=True)
class Handled:
    """A visit was made or revoked; ``at`` is when that was first asked for."""

    visit: Visit
    revoked: bool
    at: datetime
    done: datetime


class RecordingExivo(ExivoSimulator):
    """An exivo site that notes what is done there.

    Two more faults: ``late_answer`` does at once what is asked, and answers
    late; ``late_work`` does it late, even if nobody waits for the answer.
    """

    own_faults = ExivoSimulator.own_faults | {"late_answer", "late_work"}

    def __init__(self) -> None:
        """Start with nothing noted."""
        self.commands: list[Command] = []
        self.handled: list[Handled] = []
        self._awaited: list[tuple[str, asyncio.Event]] = []
        self._asked: dict[str, datetime] = {}  # paths, and when the first time
        super().__init__()

    async def wait_for(self, ending: str) -> None:
        """Wait until something is posted to a path with that ending."""
        event = asyncio.Event()
        self._awaited.append((ending, event))
        try:
            await event.wait()
        finally:
            self._awaited.remove((ending, event))

    @web.middleware
    @override
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        request["at"] = now()
        if request.method == "POST":
            await request.read()
            self._asked.setdefault(request.path, request["at"])
            for ending, event in self._awaited:
                if request.path.endswith(ending):
                    event.set()
        if self.struck("late_work", request.path):
            work = self._work_late(request, handler)
            return await asyncio.shield(asyncio.create_task(work))
        answer = await super()._middleware(request, handler)
        if self.struck("late_answer", request.path):
            await asyncio.sleep(DAWDLE)
        return answer

    async def _work_late(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        await asyncio.sleep(DAWDLE)
        return await super()._middleware(request, handler)

    @override
    async def _set_mode(self, request: web.Request) -> web.Response:
        answer = await super()._set_mode(request)
        door = self._door(request.match_info["id"])
        command = Command(
            door=door.id, opens=door.mode == "open", at=request["at"], done=now()
        )
        self.commands.append(command)
        return answer

    @override
    async def _create_visit(self, kind: str, request: web.Request) -> web.Response:
        answer = await super()._create_visit(kind, request)
        visit = list(self.visits.values())[-1]
        self._note(visit, request, revoked=False)
        return answer

    @override
    async def _revoke_visit(self, kind: str, request: web.Request) -> web.Response:
        answer = await super()._revoke_visit(kind, request)
        self._note(self.visits[request.match_info["id"]], request, revoked=True)
        return answer

    def _note(self, visit: Visit, request: web.Request, *, revoked: bool) -> None:
        at = self._asked[request.path] if revoked else request["at"]
        handled = Handled(visit=visit, revoked=revoked, at=at, done=now())
        self.handled.append(handled)


class RecordingWinKas(WinKasSimulator):
    """A WinKAS that notes when it told all bookings."""

    def __init__(self) -> None:
        """Start with nothing noted."""
        self.told: list[datetime] = []
        super().__init__()

    @override
    def _events(self, body: dict[str, object], path: str) -> dict[str, object]:
        answer = super()._events(body, path)
        listed = answer["Resources"]
        assert isinstance(listed, list)
        is_whole = len(listed) == len(self.resources)
        if is_whole and all(e["ResourceCalendarbookings"] is not None for e in listed):
            self.told.append(now())
        return answer


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)
