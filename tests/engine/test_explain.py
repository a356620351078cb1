"""Each line of a room's plan, with the reason behind it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from custom_components.booking_access.engine.bookings import (
    AccountBookings,
    Known,
    answer_brake,
    restore,
)
from custom_components.booking_access.engine.explain import Line, Rule, Stage, explain
from custom_components.booking_access.engine.models import (
    Booking,
    BookingStatus,
    Effect,
    Room,
    Timing,
)
from custom_components.booking_access.engine.windows import Refusal

from .builders import DOOR, at, booking, granting, minutes, room, timing

NOW, UNTIL = at("10:30"), at("00:00", day=1)
LATE_ALARM = room(timing=timing(15, 15, alarm=Timing(lag=minutes(90))))


def lines(
    *bookings: Booking,
    hall: Room | None = None,
    now: datetime = NOW,
    until: datetime = UNTIL,
) -> list[Line]:
    """Return the lines of a room's plan."""
    return list(explain(hall or room(), found(*bookings), now, until))


def found(*bookings: Booking) -> AccountBookings:
    """Return an account that knows these bookings, all of them from its last answer."""
    return restore(Known(booking=each) for each in bookings)


def test_each_effect_of_each_booking_is_told_from_when_to_when() -> None:
    """What is over, and what is beyond the horizon, is not."""
    hall = room(timing=timing(15, 5))
    bookings = (
        booking("06:00", "07:00", id="over"),
        booking("09:00", "11:00", id="now"),
        booking("12:00", "13:00", id="maybe", status=BookingStatus.TENTATIVE),
        booking("14:00", "15:00", id="soon"),
        booking("20:00", "21:00", id="later"),
    )
    told = lines(*bookings, hall=hall, now=at("10:00"), until=at("18:00"))
    assert [
        (each.booking.id, each.stage, each.start, each.end, each.rule)
        for each in told
        if each.effect is Effect.ACCESS
    ] == [
        ("now", Stage.NOW, at("08:45"), at("11:05"), Rule.BOOKED),
        ("maybe", Stage.REFUSED, at("12:00"), at("13:00"), Refusal.TENTATIVE),
        ("soon", Stage.COMING, at("13:45"), at("15:05"), Rule.BOOKED),
    ]
    assert {each.effect for each in told if each.booking.id == "soon"} == set(Effect)
    assert told[0].targets == ("door/locks/front",)


def test_each_effect_of_a_booking_is_a_line() -> None:
    found = lines(booking(), hall=LATE_ALARM)
    assert [(each.effect, each.start, each.end) for each in found] == [
        (Effect.ACCESS, at("09:45"), at("11:15")),
        (Effect.ALARM, at("10:00"), at("12:30")),
        (Effect.LIGHT, at("09:45"), at("11:15")),
        (Effect.VENTILATION, at("09:45"), at("11:15")),
    ]
    assert {each.stage for each in found} == {Stage.NOW}
    assert found[0].timing == Timing(lead=minutes(15), lag=minutes(15))
    assert found[1].timing == Timing(lag=minutes(90))
    assert found[0].targets == (DOOR,)
    assert found[2].targets == ("room/room/light",)


def test_line_names_what_people_get_a_key_to() -> None:
    found = lines(booking(), hall=granting())
    assert [each.granted for each in found] == [("locks/front",), (), (), ()]


def test_room_without_timing_follows_the_booking() -> None:
    assert lines(booking(), hall=room(timing={}))[0].start == at("10:00")


@pytest.mark.parametrize(
    ("now", "stage"),
    [
        (at("09:44"), Stage.COMING),
        (at("09:45"), Stage.NOW),
        (at("11:14"), Stage.NOW),
    ],
)
def test_line_says_where_it_stands(now: datetime, stage: Stage) -> None:
    assert [each.stage for each in lines(booking(), now=now)] == [stage] * 4


def test_effect_that_is_over_is_no_line() -> None:
    found = lines(booking(), hall=LATE_ALARM, now=at("11:15"))
    assert [each.effect for each in found] == [Effect.ALARM]
    assert lines(booking(), hall=LATE_ALARM, now=at("12:30")) == []


@pytest.mark.parametrize(("until", "count"), [("09:45", 0), ("09:46", 4)])
def test_effect_that_comes_later_than_asked_for_is_no_line(
    until: str, count: int
) -> None:
    assert len(lines(booking(), now=at("08:00"), until=at(until))) == count


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": BookingStatus.TENTATIVE}, Refusal.TENTATIVE),
        ({"transparent": True}, Refusal.TRANSPARENT),
        ({"end": at("10:00")}, Refusal.NO_DURATION),
        ({"end": at("07:00")}, Refusal.NO_DURATION),
        ({"end": at("10:00", day=30), "transparent": True}, Refusal.TRANSPARENT),
    ],
)
def test_rule_02_and_06_booking_without_access_says_why(
    changes: dict[str, Any], reason: Refusal
) -> None:
    refused = booking(**changes)
    assert lines(refused, now=at("08:00")) == [
        Line(
            booking=refused,
            effect=Effect.ACCESS,
            start=refused.start,
            end=refused.end,
            stage=Stage.REFUSED,
            rule=reason,
        )
    ]


@pytest.mark.parametrize(
    ("now", "until"),
    [(at("11:00"), UNTIL), (at("08:00"), at("10:00"))],
    ids=["over", "later"],
)
def test_booking_without_access_at_another_time_is_no_line(
    now: datetime, until: datetime
) -> None:
    assert lines(booking(transparent=True), now=now, until=until) == []


def rules(account: AccountBookings, **changes: Any) -> set[Rule | Refusal]:
    """Return by which rules an account's bookings do what they do."""
    return {each.rule for each in explain(room(**changes), account, NOW, UNTIL)}


def test_rule_06_line_says_that_a_tentative_booking_counts() -> None:
    maybe = found(booking(status=BookingStatus.TENTATIVE))
    assert rules(maybe, tentative=True) == {Rule.TENTATIVE_COUNTS}
    assert rules(maybe) == {Refusal.TENTATIVE}


def test_rule_04_line_says_why_a_booking_that_vanished_still_counts() -> None:
    """Until it was missing for long enough, until a human says, or because one said so."""
    missing = restore([Known(booking=booking(), misses=1, missing_since=NOW)])
    assert rules(missing) == {Rule.MISSING}
    held_back = replace(missing, held_back=frozenset("a"))
    assert rules(held_back) == {Rule.HELD_BACK}
    kept, _ = answer_brake(held_back, revoke=False)
    assert rules(kept) == {Rule.KEPT}


def test_lines_are_in_order_of_the_bookings() -> None:
    made = (
        booking(),
        booking(id="t", transparent=True),
        booking("12:00", "13:00", id="b"),
    )
    assert _ids(lines(*made)) == ["a"] * 4 + ["t"] + ["b"] * 4


def _ids(found: Iterable[Line]) -> list[str]:
    """Return which booking each line is about."""
    return [each.booking.id for each in found]
