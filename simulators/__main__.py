"""Start one simulator, or all of them: ``python -m simulators [NAME] [--port N]``."""

from argparse import ArgumentParser
import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
import signal
import sys

from .base import Simulator
from .registry import SIMULATORS


class PortTakenError(Exception):
    """Something else listens where a simulator should."""


async def start(name: str, port: int | None = None) -> Simulator:
    """Start a simulator on the port, else on its own fixed one."""
    registered = SIMULATORS[name]
    wanted = registered.port if port is None else port
    simulator = registered.create()
    try:
        await simulator.start(wanted)
    except OSError as err:
        await simulator.stop()
        raise PortTakenError(
            f"{name}: port {wanted} of 127.0.0.1 is taken by another program"
        ) from err
    return simulator


def describe(name: str, simulator: Simulator) -> str:
    """Return where it listens, and what to fill into its account's form."""
    lines = [f"{name} listening on {simulator.url}"]
    lines += [f"  {field}: {value}" for field, value in simulator.credentials().items()]
    return "\n".join(lines)


async def serve(names: Iterable[str], port: int | None) -> None:
    """Run the simulators until SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as running:
        for name in names:
            simulator = await start(name, port)
            running.push_async_callback(simulator.stop)
            print(describe(name, simulator), flush=True)  # noqa: T201 - what a command is for
        await stopped.wait()


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and serve; returns the exit code."""
    parser = ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("name", nargs="?", choices=SIMULATORS, help="all, without")
    parser.add_argument("--port", type=int, help="0 takes any free one")
    wish = parser.parse_args(arguments)
    if wish.name is None and wish.port is not None:
        parser.error("--port needs a NAME")
    try:
        asyncio.run(serve([wish.name] if wish.name else SIMULATORS, wish.port))
    except PortTakenError as err:
        print(err, file=sys.stderr)  # noqa: T201 - what a command is for
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
