"""The record of what we did: when to try again, and what is known of a grant."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.ledger import (
    FIRST_RETRY,
    LAST_RETRY,
    LONGEST_WAIT,
    Evidence,
    GrantRow,
    GrantState,
    Phase,
    Switched,
    failed,
    issued,
    postponed,
    retry_at,
    waits,
)
from custom_components.booking_access.engine.models import Credential, Issued

from .builders import at, minutes, seconds

NOW = at("10:00")
DOOR_ROW = Switched(target="door/locks/front", phase=Phase.STARTING)
GRANT = GrantRow(
    reference="ref",
    subject="sub",
    room_id="room",
    booking_id="a",
    account_id="locks",
    points=("front",),
    start=at("09:45"),
    end=at("11:15"),
)


@pytest.mark.parametrize(
    ("attempts", "pause"),
    [(0, 5), (1, 10), (2, 20), (3, 40), (4, 80), (5, 120), (6, 120), (10**6, 120)],
)
def test_rule_09_pauses_double_up_to_a_limit(attempts: int, pause: float) -> None:
    assert retry_at(attempts, NOW, 1.0) == NOW + seconds(pause)
    assert retry_at(attempts, NOW, 0.0) == NOW + seconds(pause / 2)


@given(st.integers(0, 50), st.floats(0, 1))
def test_rule_09_half_of_the_pause_is_random(attempts: int, jitter: float) -> None:
    pause = retry_at(attempts, NOW, jitter) - NOW
    assert FIRST_RETRY / 2 <= pause <= LAST_RETRY


@pytest.mark.parametrize("row", [DOOR_ROW, GRANT])
def test_failure_is_counted_and_named(row) -> None:
    once = failed(row, "not_reachable", NOW, 1.0)
    assert once == replace(
        row, attempts=1, retry_at=NOW + seconds(5), error="not_reachable"
    )
    twice = failed(once, "rejected", NOW, 1.0)
    assert (twice.attempts, twice.retry_at, twice.error) == (
        2,
        NOW + seconds(10),
        "rejected",
    )


@pytest.mark.parametrize(
    ("after", "jitter", "pause"),
    [
        (minutes(3), 0.0, 182.5),
        (minutes(3), 1.0, 185),
        (timedelta(0), 1.0, 5),
        (-minutes(3), 1.0, 5),
        (timedelta(days=365), 0.0, 900),
    ],
)
def test_vendor_says_how_long_to_wait_within_reason(after, jitter, pause) -> None:
    row = failed(DOOR_ROW, "rate_limited", NOW, jitter, after)
    assert row.retry_at == NOW + seconds(pause)


@pytest.mark.parametrize(
    ("until", "again"), [(minutes(5), minutes(5)), (minutes(60), LONGEST_WAIT)]
)
def test_what_can_only_come_later_is_no_failure(until, again) -> None:
    row = replace(GRANT, attempts=3, error="not_reachable")
    assert postponed(row, NOW + until, NOW) == replace(GRANT, retry_at=NOW + again)


@pytest.mark.parametrize(
    ("now", "waiting"),
    [
        (NOW, True),
        (NOW + seconds(4.9), True),
        (NOW + seconds(5), False),
        (NOW + minutes(60), False),
        (NOW - minutes(1), True),
        (NOW - LONGEST_WAIT, False),
        (NOW - timedelta(days=1), False),
    ],
)
def test_rule_10_clock_set_back_does_not_stop_the_retries(
    now: datetime, waiting: bool
) -> None:
    assert waits(failed(DOOR_ROW, "not_reachable", NOW, 1.0), now) is waiting


def test_longest_wait_is_waited() -> None:
    waiting = failed(DOOR_ROW, "rate_limited", NOW, 1.0, timedelta(days=1))
    assert waits(waiting, NOW)
    assert waits(waiting, NOW + LONGEST_WAIT - seconds(0.001))
    assert not waits(waiting, NOW + LONGEST_WAIT)


def test_row_without_a_failure_does_not_wait() -> None:
    assert not waits(DOOR_ROW, NOW)


@pytest.mark.parametrize(
    ("state", "instant", "shown"),
    [
        (GrantState.ISSUED, at("09:44"), GrantState.ISSUED),
        (GrantState.ISSUED, at("09:45"), GrantState.ACTIVE),
        (GrantState.ISSUED, at("11:14"), GrantState.ACTIVE),
        (GrantState.ISSUED, at("11:15"), GrantState.ISSUED),
        (GrantState.PLANNED, at("10:00"), GrantState.PLANNED),
        (GrantState.REVOKING, at("10:00"), GrantState.REVOKING),
        (GrantState.FAILED, at("10:00"), GrantState.FAILED),
    ],
)
def test_rule_09_issued_grant_is_active_while_it_is_valid(
    state: GrantState, instant: datetime, shown: GrantState
) -> None:
    assert replace(GRANT, state=state).state_at(instant) is shown


@pytest.mark.parametrize(
    ("answered", "kept"),
    [
        (Credential(), Credential(code="4711", link="https://old")),
        (Credential(code="0815"), Credential(code="0815", link="https://old")),
        (Credential(link="https://new"), Credential(code="4711", link="https://new")),
    ],
)
def test_issued_grant_keeps_the_code_that_only_we_know(answered, kept) -> None:
    row = failed(
        replace(
            GRANT,
            state=GrantState.ISSUING,
            credential=Credential(code="4711", link="https://old"),
        ),
        "no_confirmation",
        NOW,
        1.0,
    )
    answer = Issued(
        id="7",
        reference="ref",
        points=("front",),
        start=None,
        end=None,
        credential=answered,
    )
    found = issued(row, answer, Evidence.LISTED)
    assert found == replace(
        GRANT,
        state=GrantState.ISSUED,
        evidence=Evidence.LISTED,
        issued_id="7",
        credential=kept,
    )
    assert "4711" not in repr(found)
    assert "0815" not in repr(found)
