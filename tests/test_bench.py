"""The measurements themselves; how fast anything is, no test asserts."""

import json
import math
from pathlib import Path
import subprocess
import sys

import pytest

REPOSITORY = Path(__file__).parents[1]

# What is measured, as the table of the design has it.
FIGURES = {
    "boundary_to_lock_many_rooms",
    "boundary_to_lock_one_room",
    *(
        f"event_loop_hub_{act}"
        for act in (
            "set_up",
            "poll_one_changed",
            "poll_all_changed",
            "boundary_one_room",
            "boundary_all_rooms",
            "restart",
        )
    ),
    "event_loop_winkas_set_up",
    "event_loop_winkas_poll_one_changed",
    "event_loop_winkas_poll_all_changed",
    "poll_without_changes",
    "icalendar_changed_feed",
    "icalendar_unchanged_feed",
    "plan_from_nothing",
    "plan_after_one_change",
    "growth_of_plan",
    "growth_of_poll",
    "set_up_of_account",
    "memory_per_booking",
}


@pytest.mark.timeout(180)
def test_every_figure_is_measured() -> None:
    """One JSON document with the machine, the commit and a number for each."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["quick"] is True
    assert {"cpu", "cores", "python", "home_assistant"} <= document["machine"].keys()
    assert "commit" in document
    figures = {figure["name"]: figure for figure in document["figures"]}
    assert figures.keys() == FIGURES
    for figure in figures.values():
        assert math.isfinite(figure["value"])
        assert isinstance(figure["met"], bool)
        assert figure["unit"]
        assert figure["target"]
        assert "\n" not in figure["method"]


def test_one_group_is_measured() -> None:
    """Only what was asked for."""
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "plan"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    names = [figure["name"] for figure in json.loads(done.stdout)["figures"]]
    assert names == ["plan_from_nothing", "plan_after_one_change"]
