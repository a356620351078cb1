"""What all simulators share: the control door, the faults, starting and stopping.

``POST /_control`` takes JSON with any of these keys, in this order:

* ``reset: true`` forgets all data, faults and recorded requests;
* ``data: {...}`` is given to the simulator, which says what it understands;
  who brings news to others answers with ``sent`` as well, what came of each;
* ``fault: {...}`` switches a fault on, ``fault: null`` switches all off.

A fault is ``{"kind": K, "path": "...", "times": N, "seconds": S,
"retry_after": R}``: for the next N requests (all, without) whose path contains
``path`` (any, without). The answer is ``{"requests": [[method, path], ...]}``,
what was asked of the simulator since the last reset, with ``state`` where the
simulator tells of its data.
"""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any, Final, Self

from aiohttp import web

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

STATUS_FAULTS: Final = {
    "401": 401,
    "403": 403,
    "404": 404,
    "429": 429,
    "500": 500,
    "503": 503,
}
LOGIN_PAGE: Final = "<!DOCTYPE html><html><body><form>Log in</form></body></html>"


@dataclass(slots=True)
class Fault:
    """Something that goes wrong, for a number of requests."""

    kind: str
    path: str = ""
    times: int | None = None
    seconds: float = 1.0
    retry_after: str | None = None

    def applies(self, path: str) -> bool:
        """Whether it strikes a request for the path; uses up one time if so."""
        if self.path not in path or self.times == 0:
            return False
        if self.times is not None:
            self.times -= 1
        return True


class Simulator(ABC):
    """A vendor's server on loopback."""

    name: str
    # Faults that only the simulator itself can play, by kind.
    own_faults: frozenset[str] = frozenset()

    def __init__(self) -> None:
        """Start with the demonstration data."""
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self._runner: web.AppRunner | None = None
        self.url = ""
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Put the demonstration data back."""

    @abstractmethod
    def routes(self) -> list[web.RouteDef]:
        """Return the vendor's routes."""

    @abstractmethod
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over data from the control door; ValueError if it makes no sense."""

    async def deliver(self) -> list[dict[str, Any]]:
        """Bring to others what the control door asked for; returns their answers."""
        return []

    @abstractmethod
    def credentials(self) -> Mapping[str, str]:
        """Return what to fill into the account's form."""

    def state(self) -> Mapping[str, Any]:
        """Return what the control door tells of the data, where it tells any."""
        return {}

    def fault(self, kind: str, **options: Any) -> None:
        """Switch a fault on."""
        known = {
            *STATUS_FAULTS,
            "html",
            "truncated",
            "slow",
            "hang",
            "reset",
            "unknown_outcome",
        }
        if kind not in known | self.own_faults:
            raise ValueError(f"unknown fault {kind}")
        self.faults.append(Fault(kind, **options))

    def about(self, request: web.Request) -> str:
        """Return what faults and records know a request by: its path."""
        return request.path

    def struck(self, kind: str, path: str) -> bool:
        """Whether one of the simulator's own faults strikes now."""
        return any(f.kind == kind and f.applies(path) for f in self.faults)

    async def start(self, port: int = 0, ssl_context: SSLContext | None = None) -> Self:
        """Listen on loopback; port 0 takes any free one."""
        app = web.Application(middlewares=[self._middleware])
        app.router.add_post("/_control", self._handle_control)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=ssl_context)
        await site.start()
        host, bound = self._runner.addresses[0][:2]
        self.url = f"{'https' if ssl_context else 'http'}://{host}:{bound}"
        return self

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> Self:
        """Start on any free port."""
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        await self.stop()

    async def _handle_control(self, request: web.Request) -> web.Response:
        """Change data and faults."""
        try:
            wish = await request.json()
            if wish.get("reset"):
                self.faults.clear()
                self.requests.clear()
                self.reset()
            if "data" in wish:
                self.control(wish["data"])
            if "fault" in wish:
                if wish["fault"] is None:
                    self.faults.clear()
                else:
                    self.fault(**wish["fault"])
        except (ValueError, TypeError, KeyError, AttributeError) as err:
            return web.json_response({"error": str(err)}, status=400)
        answer: dict[str, object] = {"requests": self.requests}
        if state := self.state():
            answer["state"] = state
        if sent := await self.deliver():
            answer["sent"] = sent
        return web.json_response(answer)

    @web.middleware
    async def _middleware(
        self, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Record the request, and let a fault strike."""
        if request.path == "/_control":
            return await handler(request)
        about = self.about(request)
        self.requests.append((request.method, about))
        for fault in self.faults:
            if fault.kind not in self.own_faults and fault.applies(about):
                return await self._strike(fault, request, handler)
        return await handler(request)

    async def _strike(
        self, fault: Fault, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        """Answer as the fault has it."""
        match fault.kind:
            case "html":
                return web.Response(text=LOGIN_PAGE, content_type="text/html")
            case "slow":
                await asyncio.sleep(fault.seconds)
                return await handler(request)
            case "hang":
                await asyncio.sleep(3600)
            case "reset":
                _abort(request)
            case "unknown_outcome":  # done, but the answer is lost
                await handler(request)
                _abort(request)
            case "truncated":
                answer = await handler(request)
                body = (
                    answer.body if isinstance(answer, web.Response) else None
                ) or b""
                assert isinstance(body, bytes)
                return web.Response(
                    body=body[: len(body) // 2], content_type="application/json"
                )
            case kind if kind in STATUS_FAULTS:
                headers = (
                    {"Retry-After": fault.retry_after} if fault.retry_after else {}
                )
                return web.Response(status=STATUS_FAULTS[kind], headers=headers)
        raise ConnectionResetError


def _abort(request: web.Request) -> None:
    """Cut the connection without an answer."""
    if request.transport:
        request.transport.abort()
