"""Hold every module of the integration and the simulators to its coverage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
import json
from pathlib import Path, PurePath
import sys
from typing import Any, Final

INTEGRATION: Final = "custom_components/booking_access"
# Where a line that no test reaches is a door that stays open, or a user locked
# out of their own set-up.
COMPLETE: Final = tuple(
    f"{INTEGRATION}/{name}"
    for name in (
        "config_flow.py",
        "subentry_flow.py",
        "options_flow.py",
        "form_schema.py",
        "access_points.py",
        "diagnostics.py",
        "repairs.py",
        "engine/",
    )
)
ELSEWHERE: Final = 95.0


def required(path: str) -> float:
    """Return the percentage that a module must reach."""
    return 100.0 if path.startswith(COMPLETE) else ELSEWHERE


def misses(files: Mapping[str, Any]) -> Iterable[str]:
    """Name each module that is below its gate, and its lines."""
    for path, result in sorted(files.items()):
        covered = result["summary"]["percent_covered"]
        if covered < required(path):
            yield (
                f"{path}: {covered:.1f} % of {required(path):.0f} %;"
                f" no test reaches {', '.join(unreached(result))}"
            )


def unreached(result: Mapping[str, Any]) -> Iterable[str]:
    """Name the lines, as ranges, and the branches between lines that ran."""
    lines = result["missing_lines"]
    # Lines in a row have the same distance to their place in the list.
    for _, run in groupby(enumerate(lines), lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        yield "-".join(dict.fromkeys(str(n) for n in (numbers[0], numbers[-1])))
    for start, end in result["missing_branches"]:
        if start not in lines and end not in lines:
            yield f"{start}->{end}"


def table(files: Mapping[str, Any]) -> Iterable[str]:
    """Sum up each package, as a table."""
    packages: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for path, result in files.items():
        summary = result["summary"]
        row = packages[str(PurePath(path).parent)]
        row[0] += 1
        row[1] += summary["covered_lines"] + summary["covered_branches"]
        row[2] += summary["num_statements"] + summary["num_branches"]
    yield f"{'package':<52}{'modules':>8}{'covered':>9}"
    for package, (modules, covered, total) in sorted(packages.items()):
        share = 100 * covered / total if total else 100
        yield f"{package:<52}{modules:>8}{share:>7.1f} %"


def main() -> int:
    """Print the table and what misses its gate; returns the exit code."""
    files = json.loads(Path(sys.argv[1]).read_text())["files"]
    print("\n".join(table(files)))
    missing = list(misses(files))
    if missing:
        print("below the gate:", *missing, sep="\n  ")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
