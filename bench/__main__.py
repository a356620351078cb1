"""Measure the figures: ``python -m bench [--only NAME]... [--quick]``.

Prints one JSON document: the machine, the commit, and every figure. Ends with 1 if
one could not be measured; a target that is missed is no error.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
import json
import logging
import os
from pathlib import Path
import platform
import subprocess
import sys
from time import perf_counter
import traceback
from typing import Any, Final

from homeassistant.const import __version__ as home_assistant_version

from . import blocking, boundary, feed, growth, planning, quiet, size
from .figure import Figure, Size, say
from .source import REPOSITORY

GROUPS: Final[Mapping[str, Callable[[Size], list[Figure]]]] = {
    "boundary_many": boundary.many,
    "boundary_one": boundary.one,
    "event_loop": blocking.measure,
    "quiet_poll": quiet.measure,
    "icalendar": feed.measure,
    "plan": planning.plans,
    "growth": growth.measure,
    "set_up": size.set_up,
    "memory": size.weight,
}


def machine() -> dict[str, Any]:
    """Describe what this runs on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = {line.partition(":")[2].strip() for line in lines if "model name" in line}
    return {
        "cpu": ", ".join(sorted(models)) or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": [round(each, 2) for each in os.getloadavg()],
        "system": platform.platform(),
        "python": platform.python_version(),
        "home_assistant": home_assistant_version,
    }


def commit() -> str:
    """Return what is measured; ``+`` says that it is not all committed."""
    head = _git("rev-parse", "HEAD")
    return f"{head}+" if _git("status", "--porcelain", "custom_components") else head


def _git(*arguments: str) -> str:
    """Return what git says, nothing if it cannot."""
    done = subprocess.run(
        ("git", *arguments), cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def measure(names: Sequence[str], how: Size) -> dict[str, Any]:
    """Measure some groups of figures, one after the other."""
    document: dict[str, Any] = {
        "machine": machine(),
        "commit": commit(),
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "quick": how.quick,
    }
    figures: list[Figure] = []
    errors: dict[str, str] = {}
    begin = perf_counter()
    for name in names:
        say(name)
        try:
            figures += GROUPS[name](how)
        except Exception as err:  # noqa: BLE001 - the other figures are worth having
            errors[name] = f"{type(err).__name__}: {err}"
            say(traceback.format_exc())
    document["seconds"] = round(perf_counter() - begin)
    document["errors"] = errors
    document["figures"] = [asdict(each) for each in figures]
    return document


def main() -> int:
    """Read the command line, measure, and print."""
    parser = ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--only", metavar="NAME", action="append", choices=GROUPS)
    parser.add_argument("--quick", action="store_true", help="see that it works")
    wish = parser.parse_args()
    # That this integration is not Home Assistant's own, and the like.
    logging.getLogger().setLevel(logging.ERROR)
    names = [name for name in GROUPS if not wish.only or name in wish.only]
    document = measure(names, Size(quick=wish.quick))
    json.dump(document, sys.stdout, indent=2)
    sys.stdout.write("\n")
    return 1 if document["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
