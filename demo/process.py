"""A real Home Assistant, as a process with a folder and a port of its own."""

import asyncio
from datetime import timedelta
import json
from pathlib import Path
import signal
import socket
import subprocess
import sys
from typing import Any, Final

from .client import ApiError, Client

HOST: Final = "127.0.0.1"
REPOSITORY: Final = Path(__file__).parents[1]
PATIENCE: Final = timedelta(seconds=30)


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket() as probe:
        # As servers do: what an earlier one left behind does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


class Process:
    """One installation of Home Assistant: started, stopped and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        """Remember where it lives."""
        self.folder = folder
        self.port = port
        self.url = f"http://{HOST}:{port}"
        self.console = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None

    def install(self, configuration: str) -> None:
        """Write its configuration, keeping what it has stored itself."""
        storage = self.folder / ".storage"
        storage.mkdir(parents=True, exist_ok=True)
        (self.folder / "configuration.yaml").write_text(configuration)
        ours = self.folder / "custom_components"
        if not ours.is_symlink():
            ours.symlink_to(REPOSITORY / "custom_components")
        _store(storage / "http", 2, _http_settings(self.port), minor_version=2)
        if not (storage / "onboarding").exists():
            # Only its user is left to do: the other steps would set up
            # integrations that ask the internet for the weather and more.
            done = ["analytics", "core_config", "integration"]
            _store(storage / "onboarding", 4, {"done": done})

    def start(self) -> None:
        """Start it, apart from our terminal: its end is ours to decide."""
        command = (sys.executable, "-m", "homeassistant", "--skip-pip", "-c")
        with self.console.open("ab") as console:
            self._process = subprocess.Popen(
                [*command, str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id while it runs."""
        assert self._process
        return self._process.pid

    async def ready(self, client: Client, username: str, password: str) -> None:
        """Wait until it runs, with the client logged in; ApiError if it ends."""
        ready = asyncio.create_task(_get_ready(client, username, password))
        ended = asyncio.create_task(self.wait())
        try:
            await asyncio.wait((ready, ended), return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                raise ApiError(f"Home Assistant ended early, code {ended.result()}")
            await ready
        finally:
            ready.cancel()
            ended.cancel()

    async def wait(self) -> int:
        """Wait until it ends, and return its exit code."""
        assert self._process
        while (code := self._process.poll()) is None:
            await asyncio.sleep(0.05)
        return code

    async def stop(self) -> int | None:
        """End it as a system does, and return its exit code."""
        if not self._process:
            return None
        try:
            self._process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE.total_seconds()):
                return await self.wait()
        finally:
            self.kill()

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


async def _get_ready(client: Client, username: str, password: str) -> None:
    """Wait for the page, log in, and wait for everything else."""
    await client.wait_for_page()
    await client.sign_in(username, password)
    await client.wait_until_running()


def _store(path: Path, version: int, data: Any, *, minor_version: int = 1) -> None:
    """Write a file as Home Assistant's own Store does."""
    content = {
        "version": version,
        "minor_version": minor_version,
        "key": path.name,
        "data": data,
    }
    path.write_text(json.dumps(content))


def _http_settings(port: int) -> dict[str, Any]:
    """Return settings as if somebody had confirmed them in the browser.

    The same from configuration.yaml would open a dialog that asks for it, and
    be undone after five minutes.
    """
    return {
        "stable": {
            "server_host": [HOST],
            "server_port": port,
            "cors_allowed_origins": [],
            "login_attempts_threshold": -1,
            "ip_ban_enabled": False,
            "ssl_profile": "modern",
            "use_x_frame_options": True,
            "created_at": "2026-01-01T00:00:00+00:00",
            "error": None,
            "error_message": None,
        },
        "pending": None,
        "yaml_migration_done": True,
    }
