"""Times that points follow by themselves: what is wanted, and what is to be sent."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
import itertools
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.ledger import ScheduleRow
from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Room,
)
from custom_components.booking_access.engine.reconcile import Todo
from custom_components.booking_access.engine.schedules import (
    Schedules,
    coming,
    follows,
    reconcile_schedules,
    schedules,
)
from custom_components.booking_access.engine.windows import Window

from .builders import at, booking, minutes, plan_of, room, timing

NOW = at("08:00")
TIMES = "unilock/times"
HORIZON = timedelta(days=14)


def following(id: str = "room", **changes: Any) -> Room:
    """Return a room over the hall whose point follows times by itself."""
    return room(
        id, **{"points": (TIMES,), "held": (), "scheduled": (TIMES,), **changes}
    )


HALL = following()


def wanted(
    *bookings: Booking,
    rooms: Iterable[Room] = (HALL,),
    now: datetime = NOW,
    before: Schedules | None = None,
) -> Schedules:
    """Return what rooms want of their points."""
    before = before or Schedules()
    planned = plan_of(now, *bookings, rooms=rooms, before=before.plan)
    return schedules(planned, before)


def span(start: str | datetime, end: str | datetime) -> Window:
    """Return a span of Monday."""
    return Window(
        at(start) if isinstance(start, str) else start,
        at(end) if isinstance(end, str) else end,
    )


def told(*periods: Window, **rest: Any) -> ScheduleRow:
    """Return what the ledger says of a point that knows some periods."""
    return ScheduleRow(
        **{"point": TIMES, "periods": periods, "confirmed": True, **rest}
    )


def look(
    want: Schedules, *rows: ScheduleRow, now: datetime = NOW, **rest: Any
) -> Todo[ScheduleRow, ScheduleRow]:
    """Return what is to be done with these rows."""
    by_point = {row.point: row for row in rows}
    return reconcile_schedules(want, by_point, now, HORIZON, **{"busy": (), **rest})


def sent(todo: Todo[ScheduleRow, ScheduleRow]) -> tuple[Window, ...] | None:
    """Return what the point is told; None if nothing."""
    assert not todo.write
    if not todo.steps:
        return None
    (row,) = todo.steps
    assert row.point == TIMES
    assert not row.confirmed  # written down before it is sent (rule 8)
    assert row.retry_at is None
    return row.periods


def test_rule_07_a_point_is_wanted_whenever_one_of_its_rooms_is_booked() -> None:
    """Each with its own timing; where windows touch they are one period."""
    other = following("other", resource_id="loft", timing=timing(30, 0))
    alone = following("alone", resource_id="cellar", scheduled=("unilock/cellar",))
    found = wanted(
        booking("10:00", "11:00"),
        booking("11:45", "12:00", id="b", resource_id="loft"),
        booking("14:00", "15:00", id="c", resource_id="loft"),
        booking("18:00", "19:00", id="d", resource_id="cellar"),
        rooms=[HALL, other, alone, room("locks")],
    )
    assert found.points == {
        TIMES: (span("09:45", "12:00"), span("13:30", "15:00")),
        "unilock/cellar": (span("17:45", "19:15"),),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"status": BookingStatus.CANCELLED},
        {"status": BookingStatus.TENTATIVE},
        {"transparent": True},
        {"end": at("10:00")},
    ],
)
def test_rule_06_what_gives_no_access_is_not_handed_over(
    changes: dict[str, Any],
) -> None:
    assert wanted(booking(**changes)).points == {TIMES: ()}


def test_rule_06_tentative_bookings_are_handed_over_if_they_count() -> None:
    maybe = booking(status=BookingStatus.TENTATIVE)
    found = wanted(maybe, rooms=[following(tentative=True)])
    assert found.points == {TIMES: (span("09:45", "11:15"),)}


def test_only_what_changed_is_worked_out_anew() -> None:
    other = following("other", resource_id="loft", scheduled=("unilock/loft",))
    rooms = [HALL, other]
    loft = booking(id="b", resource_id="loft")
    first = wanted(booking(), loft, rooms=rooms)
    assert schedules(first.plan, first) is first
    later = wanted(booking(), loft, rooms=rooms, now=at("10:00"), before=first)
    assert later.plan is not first.plan
    assert later.points == first.points
    moved = wanted(booking("13:00", "14:00"), loft, rooms=rooms, before=first)
    assert moved.points[TIMES] == (span("12:45", "14:15"),)
    assert moved.points["unilock/loft"] == first.points["unilock/loft"]


def test_what_nothing_changed_for_is_kept_as_it_is() -> None:
    found = wanted(booking())
    again = schedules(replace(found.plan), found)
    assert again.points is found.points
    assert again.rooms is found.rooms


def test_room_that_goes_or_gets_another_point_wants_nothing_of_the_old_one() -> None:
    first = wanted(booking())
    assert wanted(booking(), rooms=[], before=first).points == {}
    moved = following(scheduled=("unilock/new",))
    assert set(wanted(booking(), rooms=[moved], before=first).points) == {"unilock/new"}
    assert wanted(booking(), rooms=[room()], before=first).points == {}


def test_rule_08_times_are_written_down_and_sent() -> None:
    todo = look(wanted(booking()))
    assert sent(todo) == (span("09:45", "11:15"),)
    assert not todo.drop


def test_point_without_bookings_is_left_alone() -> None:
    """What others put there is not ours."""
    assert sent(look(wanted())) is None


def test_point_that_knows_its_times_is_not_told_again() -> None:
    known = told(span("09:45", "11:15"))
    todo = look(wanted(booking()), known)
    assert (sent(todo), todo.drop, todo.again) == (None, [], FOREVER)


@pytest.mark.parametrize("now", ["09:45", "10:00", "11:15", "20:00"])
def test_time_that_passes_tells_a_point_nothing_new(now: str) -> None:
    known = told(span("09:45", "11:15"))
    assert sent(look(wanted(booking()), known, now=at(now))) is None


def test_how_long_a_period_has_lasted_does_not_matter() -> None:
    """Bookings that follow each other without a gap are one period, and are forgotten."""
    before = booking("06:00", "08:00", id="before")
    after = booking("08:00", "12:00", id="after")
    known = told(*wanted(before, after).points[TIMES])
    assert known.periods == (span("05:45", "12:15"),)
    assert sent(look(wanted(after), known, now=at("09:00"))) is None
    assert sent(look(wanted(after), known, now=at("07:00"))) == (
        span("07:45", "12:15"),
    )


def test_each_period_that_is_over_makes_room_for_a_later_one() -> None:
    """Only so many fit into a system; the earliest are those that it keeps."""
    two = (booking("10:00", "11:00"), booking("13:00", "14:00", id="b"))
    known = told(span("09:45", "11:15"), span("12:45", "14:15"))
    todo = look(wanted(*two), known)
    assert (sent(todo), todo.again) == (None, at("11:15"))
    todo = look(wanted(*two), known, now=at("11:15"))
    assert sent(todo) == (span("12:45", "14:15"),)
    todo = look(wanted(*two), told(*todo.steps[0].periods), now=at("11:15"))
    assert (sent(todo), todo.again) == (None, FOREVER)


def test_cancelled_booking_is_taken_out() -> None:
    todo = look(wanted(), told(span("09:45", "11:15")))
    assert sent(todo) == ()
    todo = look(wanted(), told())
    assert (sent(todo), todo.drop) == (None, [])


def test_point_that_no_room_has_any_more_is_emptied_and_forgotten() -> None:
    nobody = wanted(rooms=[])
    todo = look(nobody, told(span("09:45", "11:15")))
    assert (sent(todo), todo.drop) == ((), [])
    todo = look(nobody, told())
    assert (sent(todo), todo.drop) == (None, [TIMES])
    todo = look(nobody, told(span("06:00", "07:00")))
    assert (sent(todo), todo.drop) == (None, [TIMES])


@pytest.mark.parametrize("rooms", [[HALL], []])
def test_rule_08_what_may_have_been_sent_is_sent_again(rooms: list[Room]) -> None:
    """After a crash, or without an answer: to repeat it does no harm."""
    todo = look(wanted(booking(), rooms=rooms), told(confirmed=False))
    assert sent(todo) == ((span("09:45", "11:15"),) if rooms else ())
    assert not todo.drop


def test_rule_09_what_failed_waits_for_its_next_try() -> None:
    waiting = told(confirmed=False, attempts=3, retry_at=at("08:01"), error="x")
    todo = look(wanted(booking()), waiting)
    assert (sent(todo), todo.again) == (None, at("08:01"))
    todo = look(wanted(booking()), waiting, now=at("08:01"))
    assert sent(todo) == (span("09:45", "11:15"),)
    assert todo.steps[0].attempts == 3  # it counts on until it works


def test_rule_09_a_point_that_is_being_told_is_not_told_at_the_same_time() -> None:
    assert sent(look(wanted(booking()), busy={TIMES})) is None


def test_rule_12_nothing_is_taken_out_while_a_booking_is_in_doubt() -> None:
    """What is new is added all the same."""
    known = told(span("12:45", "14:15"))
    todo = look(wanted(booking()), known, unsure={"room", "unknown"})
    assert sent(todo) == (span("09:45", "11:15"), span("12:45", "14:15"))
    both = told(*todo.steps[0].periods)
    assert sent(look(wanted(booking()), both, unsure={"room"})) is None
    assert sent(look(wanted(booking()), both)) == (span("09:45", "11:15"),)


def test_horizon_is_how_far_times_are_handed_over() -> None:
    """What comes later is handed over when its time has come."""
    far = booking(at("10:00", day=20), at("11:00", day=20), id="far")
    todo = look(wanted(booking(), far))
    assert sent(todo) == (span("09:45", "11:15"),)
    enters = at("09:45", day=6)
    assert todo.again == enters
    known = told(*todo.steps[0].periods)
    assert sent(look(wanted(booking(), far), known, now=enters)) is None
    after = enters + minutes(1)
    assert sent(look(wanted(booking(), far), known, now=after)) == (
        span(at("09:45", day=20), at("11:15", day=20)),
    )


def test_open_end_stays_open() -> None:
    todo = look(wanted(booking(end=FOREVER)))
    assert sent(todo) == (span("09:45", FOREVER),)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (None, False),
        (told(span("09:00", "12:00")), True),
        (told(span("09:00", "12:00"), confirmed=False), False),
        (told(span("09:00", "10:30"), span("10:45", "12:00")), False),
        (told(), False),
    ],
)
def test_whether_a_point_is_known_to_follow_a_time(
    row: ScheduleRow | None, expected: bool
) -> None:
    assert follows(row, span("10:00", "11:00")) is expected


ROOMS = [
    following("a", resource_id="a"),
    following("b", resource_id="b", timing=timing(20, 5)),
    following("c", resource_id="c", scheduled=(TIMES, "unilock/other")),
]
BOOKINGS = st.lists(
    st.builds(
        lambda start, length, where, status: booking(
            at("00:00") + minutes(start),
            at("00:00") + minutes(start + length),
            id=f"{start}/{length}/{where}",
            resource_id=where,
            status=status,
        ),
        st.integers(0, 3000),
        st.integers(0, 300),
        st.sampled_from("abc"),
        st.sampled_from([BookingStatus.CONFIRMED, BookingStatus.CANCELLED]),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)
MOMENTS = st.integers(0, 3300).map(lambda number: at("00:00") + minutes(number))


def opens(bookings: Iterable[Booking], point: str, instant: datetime) -> bool:
    """Whether some booking wants a point at an instant, said as plainly as can be."""
    for each in bookings:
        (where,) = (r for r in ROOMS if r.id == each.resource_id)
        lead, lag = (20, 5) if where.id == "b" else (15, 15)
        counts = each.status is BookingStatus.CONFIRMED and each.start < each.end
        spans = each.start - minutes(lead) <= instant < each.end + minutes(lag)
        if counts and spans and point in where.scheduled:
            return True
    return False


@given(before=BOOKINGS, after=BOOKINGS, now=MOMENTS, later=MOMENTS)
def test_points_are_told_the_union_of_what_is_wanted_and_told_once(
    before: list[Booking], after: list[Booking], now: datetime, later: datetime
) -> None:
    """Whatever they were told before; and what is worked out anew is the same again."""
    rows: dict[str, ScheduleRow] = {}
    known = Schedules()
    for moment, bookings in (now, before), (now, after), (max(now, later), after):
        known = wanted(*bookings, rooms=ROOMS, now=moment, before=known)
        assert known.points == wanted(*bookings, rooms=ROOMS, now=moment).points
        todo = reconcile_schedules(known, rows, moment, HORIZON, ())
        rows |= {each.point: replace(each, confirmed=True) for each in todo.steps}
        assert not reconcile_schedules(known, rows, moment, HORIZON, ()).steps
        for point in (TIMES, "unilock/other"):
            periods = rows[point].periods if point in rows else ()
            assert all(a.end < b.start for a, b in itertools.pairwise(periods))
            edges = {at("00:00") + minutes(number) for number in range(-30, 3400, 190)}
            edges |= {edge for p in periods for edge in (p.start, p.end)}
            for instant in (each for each in edges if each >= moment):
                is_told = any(instant in period for period in coming(periods, moment))
                assert is_told == opens(bookings, point, instant)
