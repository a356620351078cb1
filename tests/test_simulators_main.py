"""The simulators as programs."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
import re
import signal
import socket
import subprocess
import sys
import threading
from urllib.request import urlopen

import pytest

from simulators.__main__ import PortTakenError, describe, main, serve, start
from simulators.registry import SIMULATORS

pytestmark = pytest.mark.usefixtures("socket_enabled")


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m simulators`` with the arguments."""
    with subprocess.Popen(
        [sys.executable, "-m", "simulators", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("name", SIMULATORS)
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_one_simulator(name: str, how: signal.Signals) -> None:
    """It says where it listens, serves there, and goes when it is told to."""
    with program(name, "--port", "0") as process:
        first = process.stdout.readline().rstrip("\n")
        said = re.fullmatch(rf"{name} listening on (http://127\.0\.0\.1:\d+)", first)
        assert said, first
        with urlopen(f"{said[1]}/_control", data=b"{}", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(how)
        rest, errors = process.stdout.read(), process.stderr.read()
        assert process.wait(10) == 0
    assert all(re.fullmatch(r"  \w+: .+", line) for line in rest.splitlines())
    assert errors == ""


def test_a_port_that_is_taken_is_named() -> None:
    """No traceback, but which port it is."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        with program("exivo", "--port", port) as process:
            _, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert errors == f"exivo: port {port} of 127.0.0.1 is taken by another program\n"


async def test_all_stop_together(capsys: pytest.CaptureFixture[str]) -> None:
    """One signal ends them all."""
    serving = asyncio.create_task(serve(SIMULATORS, 0))
    said = ""
    while said.count(" listening on ") < len(SIMULATORS) and not serving.done():
        await asyncio.sleep(0.01)
        said += capsys.readouterr().out
    signal.raise_signal(signal.SIGTERM)
    await serving


def test_main(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit code says whether it ran."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        assert main(["icalendar", "--port", port]) == 1
    assert f"port {port}" in capsys.readouterr().err
    threading.Timer(1, signal.raise_signal, [signal.SIGINT]).start()
    assert main(["icalendar", "--port", "0"]) == 0


@pytest.mark.parametrize("arguments", [["nobody"], ["--port", "1"]])
def test_a_command_line_without_sense_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Argparse says what would make sense."""
    with pytest.raises(SystemExit):
        main(arguments)
    assert "usage: python -m simulators" in capsys.readouterr().err


@pytest.mark.parametrize("name", SIMULATORS)
async def test_what_it_says(name: str) -> None:
    """The credentials of the form, one a line."""
    simulator = await start(name, 0)
    try:
        lines = describe(name, simulator).splitlines()
        with pytest.raises(PortTakenError, match=name):
            await start(name, int(simulator.url.rpartition(":")[2]))
    finally:
        await simulator.stop()
    assert lines[0] == f"{name} listening on {simulator.url}"
    assert lines[1:] == [f"  {k}: {v}" for k, v in simulator.credentials().items()]


def test_every_simulator_has_a_port_of_its_own() -> None:
    """So that all can run at the same time."""
    ports = [registered.port for registered in SIMULATORS.values()]
    assert len(set(ports)) == len(ports)
