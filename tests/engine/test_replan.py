"""Plans made from the plan before, and plans against the plain way to work them out."""

from dataclasses import replace
from datetime import timedelta
from itertools import takewhile

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Effect,
    Room,
    Timing,
)
from custom_components.booking_access.engine.plan import SETBACK, claim, plan, targets

from .builders import (
    DOOR,
    MONDAY,
    at,
    booking,
    minutes,
    plan_of,
    room,
    seconds,
    sorted_out,
    timing,
)
from .oracle import at_instant, said_by

NOW = at("06:00")
INSTANT = seconds(0.000001)

TWO_ROOMS = (
    room("one", resource_id="one"),
    room("two", resource_id="two", points=("locks/two",), held=("locks/two",)),
)


def of_both(**second) -> dict[str, dict[str, tuple[Booking, ...]]]:
    """Return a booking of each of two rooms."""
    return {
        "bookings": sorted_out(
            [booking(resource_id="one"), booking(id="b", resource_id="two", **second)]
        )
    }


def test_plan_that_still_holds_is_taken_over_whole() -> None:
    made = of_both()
    before = plan(TWO_ROOMS, made, NOW)
    assert plan(TWO_ROOMS, made, before.until - INSTANT, before) is before
    assert plan(TWO_ROOMS, made, before.until, before) is not before


def test_rooms_without_a_change_are_taken_over() -> None:
    before = plan(TWO_ROOMS, made := of_both(), NOW)
    changed = {"bookings": made["bookings"] | of_both(end=at("12:00"))["bookings"]}
    changed["bookings"]["one"] = made["bookings"]["one"]
    found = plan(TWO_ROOMS, changed, NOW, before)
    assert found.rooms["one"] is before.rooms["one"]
    assert found.rooms["two"] is not before.rooms["two"]
    assert found == plan(TWO_ROOMS, changed, NOW)


def test_plan_of_a_room_set_up_anew_is_made_anew() -> None:
    before = plan(TWO_ROOMS, made := of_both(), NOW)
    rooms = [TWO_ROOMS[0], replace(TWO_ROOMS[1], timing=timing(240, 0))]
    found = plan(rooms, made, NOW, before)
    assert found.demands["door/locks/two"] == {"two/b"}
    assert found == plan(rooms, made, NOW)


def test_equal_room_is_the_same_room() -> None:
    before = plan(TWO_ROOMS, made := of_both(), NOW)
    assert plan([replace(each) for each in TWO_ROOMS], made, NOW, before) is before


def test_room_that_is_gone_wants_nothing_any_more() -> None:
    before = plan(TWO_ROOMS, made := of_both(), at("10:00"))
    found = plan(TWO_ROOMS[:1], made, at("10:00"), before)
    assert set(found.rooms) == {"one"}
    assert set(found.demands) == {DOOR, *(f"room/one/{e}" for e in list(Effect)[1:])}
    assert found == plan(TWO_ROOMS[:1], made, at("10:00"))


def test_clock_set_back_a_little_undoes_nothing() -> None:
    """A correction of the clock at the very edge must not close the door again."""
    made = {"bookings": sorted_out([booking()])}
    before = plan([room()], made, at("09:45"))
    assert plan([room()], made, at("09:45") - seconds(1), before) is before
    assert plan([room()], made, at("09:45") - SETBACK, before) is before


def test_clock_set_back_for_real_is_believed() -> None:
    made = {"bookings": sorted_out([booking()])}
    before = plan([room()], made, at("09:45"))
    found = plan([room()], made, at("08:45"), before)
    assert not found.demands
    assert found.until == at("09:45")


@pytest.mark.parametrize("hours", [3, 24, 24 * 400])
def test_clock_set_ahead_is_right_in_one_pass(hours: int) -> None:
    made = [
        booking(),
        booking(id="b", start=at("10:00", day=1), end=at("11:00", day=1)),
    ]
    now = at("10:00") + timedelta(hours=hours)
    before = plan_of(at("10:00"), *made)
    assert plan_of(now, *made, before=before) == plan_of(now, *made)


MINUTES = st.integers(0, 60).map(minutes)
ROOMS = st.builds(
    room,
    id=st.sampled_from(["one", "two", "three"]),
    resource_id=st.sampled_from(["hall", "court"]),
    held=st.sampled_from([(), ("locks/front",), ("locks/front", "locks/back")]),
    granted=st.sampled_from([(), ("locks/front",)]),
    timing=st.fixed_dictionaries(
        {effect: st.builds(Timing, lead=MINUTES, lag=MINUTES) for effect in Effect}
    ),
    appliances=st.sampled_from([{}, {Effect.LIGHT: ("light.hall",)}]),
    tentative=st.booleans(),
    issue_ahead=st.integers(0, 300).map(minutes),
)
BOOKINGS = st.builds(
    lambda start, length, **rest: booking(
        MONDAY + minutes(start), MONDAY + minutes(start + length), **rest
    ),
    start=st.integers(0, 400),
    length=st.integers(-1, 150),
    id=st.sampled_from("abcdefgh"),
    resource_id=st.sampled_from(["hall", "court"]),
    status=st.sampled_from(
        [
            *[BookingStatus.CONFIRMED] * 4,
            BookingStatus.TENTATIVE,
            BookingStatus.CANCELLED,
        ]
    ),
    transparent=st.sampled_from([False, False, False, True]),
)
SETS_OF_BOOKINGS = st.lists(BOOKINGS, max_size=8, unique_by=lambda each: each.id)
SETS_OF_ROOMS = st.lists(ROOMS, min_size=1, max_size=3, unique_by=lambda each: each.id)


@given(ROOMS, SETS_OF_BOOKINGS, st.integers(-100, 600))
def test_plan_is_what_the_plain_way_says_until_something_changes(
    hall: Room, bookings: list[Booking], minute: int
) -> None:
    now = MONDAY + minutes(minute)
    found = plan_of(now, *bookings, rooms=[hall]).rooms[hall.id]
    theirs = [each for each in bookings if each.resource_id == hall.resource_id]
    plain = said_by(found)
    span = (now + minutes(number) for number in range(1000))
    for instant in takewhile(lambda instant: instant < found.until, span):
        assert at_instant(hall, theirs, instant) == plain
    assert (at_instant(hall, theirs, found.until) != plain) is (found.until < FOREVER)


STEPS = st.lists(
    st.tuples(
        st.integers(-300, 300),  # minutes; a clock is set back at times
        st.none() | SETS_OF_BOOKINGS,
        st.none() | SETS_OF_ROOMS,
    ),
    min_size=1,
    max_size=6,
)


@given(SETS_OF_ROOMS, SETS_OF_BOOKINGS, STEPS)
def test_plan_from_the_one_before_is_the_plan_from_nothing(
    rooms: list[Room], bookings: list[Booking], steps
) -> None:
    now = MONDAY
    made = {"bookings": sorted_out(bookings)}
    before = plan(rooms, made, now)
    for wait, new_bookings, new_rooms in steps:
        now += minutes(wait)
        rooms = new_rooms or rooms
        fresh = sorted_out(new_bookings or ())
        made = {"bookings": fresh} if new_bookings is not None else made
        found = plan(rooms, made, now, before)
        assert found == plan(rooms, made, now)
        assert plan(rooms, made, now, found) is found
        before = found


@given(SETS_OF_ROOMS, SETS_OF_BOOKINGS, st.integers(-100, 600))
def test_rule_07_demands_are_the_union_over_all_rooms(
    rooms: list[Room], bookings: list[Booking], minute: int
) -> None:
    now = MONDAY + minutes(minute)
    found = plan_of(now, *bookings, rooms=rooms)
    wanted: dict[str, set[str]] = {}
    pairs = [
        (target, claim(each.id, booking_id))
        for each in rooms
        for effect in Effect
        for target in targets(each, effect)
        for booking_id in found.rooms[each.id].active[effect]
    ]
    for target, claimed in pairs:
        wanted.setdefault(target, set()).add(claimed)
    assert found.demands == wanted
    assert found.ends.keys() == wanted.keys()
    assert found.until == min(each.until for each in found.rooms.values())
