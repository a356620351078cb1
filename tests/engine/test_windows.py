"""Spans of time around a booking."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.models import (
    FOREVER,
    BookingStatus,
    Timing,
)
from custom_components.booking_access.engine.windows import (
    Refusal,
    Window,
    refusal,
    union,
    window,
)

from .builders import MONDAY, at, booking, local, minutes, seconds, utc

QUARTER = Timing(lead=minutes(15), lag=minutes(15))
GAP_2026 = ("Europe/Copenhagen", "Europe/Oslo", "Europe/Zurich")


@pytest.mark.parametrize(
    ("instant", "inside"),
    [
        (at("10:00") - seconds(0.000001), False),
        (at("10:00"), True),
        (at("11:00") - seconds(0.000001), True),
        (at("11:00"), False),
    ],
)
def test_rule_02_windows_are_half_open(instant: datetime, inside: bool) -> None:
    assert (instant in Window(at("10:00"), at("11:00"))) is inside


def test_rule_02_window_has_the_lead_and_the_lag() -> None:
    span = window(booking("10:00", "11:00"), Timing(lead=minutes(30), lag=minutes(5)))
    assert span == Window(at("09:30"), at("11:05"))


def test_one_minute_booking_has_a_window() -> None:
    span = window(booking("10:00", "10:01"), Timing())
    assert span == Window(at("10:00"), at("10:01"))


def test_lead_longer_than_a_day_reaches_back_over_midnight() -> None:
    span = window(booking("10:00", "11:00"), Timing(lead=timedelta(hours=25)))
    assert span == Window(at("09:00", day=-1), at("11:00"))


@pytest.mark.parametrize(
    "end",
    [FOREVER, FOREVER + timedelta(days=1), datetime.max.replace(tzinfo=UTC)],
)
def test_open_end_stays_open(end: datetime) -> None:
    assert window(booking("10:00", end), QUARTER).end == FOREVER


def test_start_at_the_first_day_there_is_can_be_planned_with() -> None:
    """Some systems write it for "has always been"."""
    span = window(booking(datetime.min.replace(tzinfo=UTC), "11:00"), QUARTER)
    assert span.start < MONDAY - timedelta(days=10_000)
    assert span.end == at("11:15")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"end": at("10:00")}, Refusal.NO_DURATION),
        ({"end": at("09:59")}, Refusal.NO_DURATION),
        ({"status": BookingStatus.CANCELLED}, Refusal.CANCELLED),
        ({"status": BookingStatus.TENTATIVE}, Refusal.TENTATIVE),
        ({"transparent": True}, Refusal.TRANSPARENT),
        ({"transparent": True, "end": at("10:00")}, Refusal.TRANSPARENT),
        ({"status": BookingStatus.CANCELLED, "end": at("10:00")}, Refusal.CANCELLED),
    ],
)
def test_rule_02_and_06_what_gives_no_access_says_why(changes, reason) -> None:
    assert refusal(booking(**changes)) is reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"end": at("10:00")}, Refusal.NO_DURATION),
        ({"transparent": True}, Refusal.TRANSPARENT),
    ],
)
def test_rule_06_tentative_counts_where_it_is_to(changes, reason) -> None:
    made = booking(status=BookingStatus.TENTATIVE, **changes)
    assert refusal(made, tentative=True) is reason


@pytest.mark.parametrize("zone", GAP_2026)
@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        # The night of the gap: 02:00 becomes 03:00.
        (
            "2026-03-29T01:30",
            "2026-03-29T03:30",
            "2026-03-29T00:15",
            "2026-03-29T01:45",
        ),
        (
            "2026-03-29T01:45",
            "2026-03-29T03:00",
            "2026-03-29T00:30",
            "2026-03-29T01:15",
        ),
        (
            "2026-03-29T03:00",
            "2026-03-29T04:00",
            "2026-03-29T00:45",
            "2026-03-29T02:15",
        ),
        (
            "2026-03-29T00:00",
            "2026-03-30T00:00",
            "2026-03-28T22:45",
            "2026-03-29T22:15",
        ),
        # The night of the fold: 03:00 becomes 02:00.
        (
            "2026-10-25T01:30",
            "2026-10-25T03:30",
            "2026-10-24T23:15",
            "2026-10-25T02:45",
        ),
        (
            "2026-10-25T03:00",
            "2026-10-25T04:00",
            "2026-10-25T01:45",
            "2026-10-25T03:15",
        ),
        (
            "2026-10-25T00:00",
            "2026-10-26T00:00",
            "2026-10-24T21:45",
            "2026-10-25T23:15",
        ),
        # A stay over both of them.
        (
            "2026-03-28T15:00",
            "2026-10-26T11:00",
            "2026-03-28T13:45",
            "2026-10-26T10:15",
        ),
    ],
)
def test_rule_01_nights_of_the_changed_clock_in_europe(
    zone: str, start: str, end: str, opens: str, closes: str
) -> None:
    made = booking(local(zone, start), local(zone, end))
    assert refusal(made) is None
    assert window(made, QUARTER) == Window(utc(opens), utc(closes))


@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        (
            "2026-03-08T01:30",
            "2026-03-08T03:30",
            "2026-03-08T06:15",
            "2026-03-08T07:45",
        ),
        (
            "2026-11-01T00:30",
            "2026-11-01T02:30",
            "2026-11-01T04:15",
            "2026-11-01T07:45",
        ),
    ],
)
def test_rule_01_nights_of_the_changed_clock_in_new_york(
    start: str, end: str, opens: str, closes: str
) -> None:
    zone = "America/New_York"
    made = booking(local(zone, start), local(zone, end))
    assert window(made, QUARTER) == Window(utc(opens), utc(closes))


@pytest.mark.parametrize(
    ("zone", "wall", "first"),
    [
        *((zone, "2026-10-25T02:30", "2026-10-25T00:30") for zone in GAP_2026),
        ("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30"),
    ],
)
def test_rule_01_an_hour_that_the_clock_shows_twice_is_an_hour(
    zone: str, wall: str, first: str
) -> None:
    made = booking(local(zone, wall, fold=0), local(zone, wall, fold=1))
    assert refusal(made) is None
    opens = utc(first)
    assert window(made, Timing()) == Window(opens, opens + minutes(60))


@pytest.mark.parametrize("zone", GAP_2026)
def test_rule_02_what_lies_in_the_gap_has_no_length(zone: str) -> None:
    made = booking(local(zone, "2026-03-29T02:15"), local(zone, "2026-03-29T03:15"))
    assert refusal(made) is Refusal.NO_DURATION


@pytest.mark.parametrize(
    ("spans", "merged"),
    [
        ([], []),
        ([("10", "11")], [("10", "11")]),
        ([("10", "11"), ("11", "12")], [("10", "12")]),
        ([("10", "12"), ("11", "13")], [("10", "13")]),
        ([("10", "14"), ("11", "12")], [("10", "14")]),
        ([("12", "13"), ("10", "11")], [("10", "11"), ("12", "13")]),
        ([("10", "11"), ("10", "11")], [("10", "11")]),
        ([("10", "10"), ("12", "11")], []),
    ],
)
def test_rule_07_union_merges_what_overlaps_or_touches(spans, merged) -> None:
    assert union(Window(at(a), at(b)) for a, b in spans) == tuple(
        Window(at(a), at(b)) for a, b in merged
    )


SPANS = st.builds(
    lambda start, length: Window(
        MONDAY + minutes(start), MONDAY + minutes(start + length)
    ),
    st.integers(0, 40),
    st.integers(-3, 15),
)


@given(st.lists(SPANS, max_size=8))
def test_rule_07_union_covers_the_same_instants_and_nothing_else(
    spans: list[Window],
) -> None:
    merged = union(spans)
    for instant in (MONDAY + minutes(number) for number in range(-1, 60)):
        covered = any(instant in span for span in spans)
        assert sum(instant in span for span in merged) == covered
    assert all(span.start < span.end for span in merged)
    assert all(one.end < two.start for one, two in pairwise(merged))
    assert union(merged) == merged
