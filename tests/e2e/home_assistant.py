"""A real Home Assistant in a process of its own, and a real door."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
import os
from pathlib import Path
import signal
import stat
import time
from typing import Final

from aiohttp import ClientSession, web

from demo.client import Client
from demo.process import Process, free_port

USER = "tester"
PASSWORD = "correct horse battery staple"
LEDGER: Final = "booking_access.ledger"
A_LOOK: Final = 0.0001  # seconds between two looks at what is being written


class HomeAssistant(Client):
    """One installation: its process, and a person who uses it."""

    def __init__(
        self, session: ClientSession, folder: Path, configuration: str
    ) -> None:
        """Lay out the folder; nothing runs yet."""
        self.process = Process(folder, free_port())
        self.process.install(configuration)
        super().__init__(session, self.process.url)

    async def start(self) -> None:
        """Start it, the first time or again, and wait until it is ready."""
        self.process.start()
        await self.process.ready(self, USER, PASSWORD)

    async def stop(self) -> int | None:
        """Stop it in good order; returns its exit code."""
        return await self.process.stop()

    def kill(self) -> None:
        """Stop it as a power cut does."""
        self.process.kill()

    @property
    def _storage(self) -> Path:
        return self.process.folder / ".storage"

    def freeze_in_write(self, patience: float) -> bool:
        """Freeze it while it writes the ledger, when the old file still counts.

        Returns whether it was caught at that within so many seconds; nothing can
        be done with it then but to kill it.
        """
        pid = self.process.pid
        left = self.half_written()  # by an earlier power cut
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if self.half_written() - left:
                os.kill(pid, signal.SIGSTOP)
                os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
                if self.half_written() - left:
                    return True
                os.kill(pid, signal.SIGCONT)
            time.sleep(A_LOOK)
        return False

    def half_written(self) -> set[Path]:
        """Return the ledgers that did not get to their place, or not yet."""
        found = set()
        for path in self._storage.glob("tmp*"):
            with suppress(FileNotFoundError), path.open("rb") as file:
                if LEDGER.encode() in file.read(200):
                    found.add(path)
        return found

    def stored(self) -> dict[str, int]:
        """Return the files that are ours, and who may do what with them."""
        ours = self._storage.glob("booking_access.*")
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in ours}

    def log(self) -> str:
        """Return what it has logged since it was installed."""
        return self.process.console.read_text()

    def complaints(self) -> list[str]:
        """Return the errors in the log that are about us, or by us."""
        return [
            line
            for line in self.log().splitlines()
            if " ERROR " in line and "booking_access" in line
        ]


@dataclass
class Door:
    """A door with an electric lock, somewhere in the network.

    It keeps its state while Home Assistant is away, as doors do.
    """

    url: str = ""
    locked: bool = True
    commands: list[tuple[str, datetime]] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Take commands."""
        app = web.Application()
        app.router.add_get("/", self._handle_state)
        app.router.add_post("/{command:lock|unlock}", self._handle_command)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def _handle_state(self, request: web.Request) -> web.Response:
        return web.json_response({"locked": self.locked})

    async def _handle_command(self, request: web.Request) -> web.Response:
        command = request.match_info["command"]
        self.commands.append((command, datetime.now(UTC)))
        self.locked = command == "lock"
        return await self._handle_state(request)

    def configuration(self) -> str:
        """Return what Home Assistant needs to know of it."""
        return f"""
rest_command:
  front_door_state:
    url: {self.url}/
  front_door_lock:
    url: {self.url}/lock
    method: post
  front_door_unlock:
    url: {self.url}/unlock
    method: post

template:
  - triggers:
      - trigger: homeassistant
        event: start
      - trigger: time_pattern
        seconds: "*"
      - trigger: event
        event_type: front_door_moved
    actions:
      - action: rest_command.front_door_state
        response_variable: door
    lock:
      - name: Front door
        unique_id: front_door
        state: "{{{{ door.content.locked }}}}"
        lock:
          - action: rest_command.front_door_lock
          - event: front_door_moved
        unlock:
          - action: rest_command.front_door_unlock
          - event: front_door_moved
"""
