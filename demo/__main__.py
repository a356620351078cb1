"""Run the demonstration: Home Assistant with the simulators of the vendors."""

from argparse import ArgumentParser
import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
import signal
import sys
from typing import Final

from aiohttp import ClientSession

from simulators.__main__ import PortTakenError, describe, start
from simulators.registry import SIMULATORS

from .client import ApiError, Client
from .prepare import furnish
from .process import REPOSITORY, Process, port_is_free

USER: Final = "demo"
PASSWORD: Final = "demo"
CONFIGURATION: Final = Path(__file__).with_name("configuration.yaml")
# What Home Assistant ends with when somebody chooses "Restart" in its menu.
RESTART: Final = 100


async def run(folder: Path, port: int) -> int:
    """Start everything, and run until somebody ends it; returns the exit code."""
    if not port_is_free(port):
        raise PortTakenError(
            f"Port {port} of 127.0.0.1 is taken by another program."
            " End that one, or choose another: scripts/develop --port N"
        )
    async with AsyncExitStack() as running:
        simulators = {}
        for name in SIMULATORS:
            simulators[name] = await start(name)
            running.push_async_callback(simulators[name].stop)
            print(describe(name, simulators[name]), flush=True)
        process = Process(folder, port)
        print(f"Home Assistant is starting, its log is {process.console}", flush=True)
        process.install(CONFIGURATION.read_text())
        running.push_async_callback(process.stop)
        session = await running.enter_async_context(ClientSession())
        client = Client(session, process.url)
        while True:
            process.start()
            await process.ready(client, USER, PASSWORD)
            await furnish(client, simulators)
            print(f"{process.url}  user: {USER}  password: {PASSWORD}", flush=True)
            if (code := await process.wait()) != RESTART:
                return code


async def run_until_told(folder: Path, port: int) -> int:
    """Run until SIGINT or SIGTERM, which is a good end."""
    running = asyncio.create_task(run(folder, port))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, running.cancel)
    with suppress(asyncio.CancelledError):
        return await running
    return 0


def main() -> int:
    """Read the command line and run; returns the exit code."""
    parser = ArgumentParser(prog="scripts/develop", description=__doc__)
    parser.add_argument("--port", type=int, default=8123)
    wish = parser.parse_args()
    try:
        return asyncio.run(run_until_told(REPOSITORY / ".demo", wish.port))
    except (ApiError, PortTakenError) as err:
        print(err, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
