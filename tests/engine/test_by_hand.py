"""What people decide about bookings, and whom they let in, as the plan sees it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.booking_access.engine.bookings import (
    AccountBookings,
    merge,
    restore,
)
from custom_components.booking_access.engine.by_hand import (
    Altered,
    as_decided,
    still_decided,
)
from custom_components.booking_access.engine.explain import explain
from custom_components.booking_access.engine.models import (
    FOREVER,
    NOBODY,
    Absence,
    Booking,
    BookingStatus,
    Effect,
    Person,
)
from custom_components.booking_access.engine.plan import plan
from custom_components.booking_access.engine.visits import (
    VISITS,
    Visit,
    room_of_visit,
    visited,
)
from custom_components.booking_access.engine.wishes import AS_USUAL

from .builders import DOOR, answer, at, booking, granting, known, minutes, plan_of, room

NOW = at("09:00")
BO = Person(name="Bo", phone="+4522222222")


def altered(of: Booking | None = None, **changes: object) -> Altered:
    """Return what was decided about a booking: that it lasts until noon."""
    made = Altered(
        account_id="bookings", booking=of or booking(), until=at("12:00"), people=(BO,)
    )
    return replace(made, **changes)


def still(decided: Altered, bookings: AccountBookings, now=NOW) -> Altered | None:
    """Return what still stands of a decision."""
    return still_decided({"a": decided}, bookings, now).get("a")


def test_a_decision_stands_while_the_times_are_the_same() -> None:
    """And follows what else becomes of the booking."""
    decided = {"a": altered()}
    assert still_decided(decided, known(booking(), now=NOW), NOW) is decided
    renamed = booking(summary="New name")
    kept = still(altered(), known(renamed, now=NOW))
    assert kept == altered(renamed)
    moved = booking("10:00", "11:30")
    kept = still(altered(closed=True, blocked=True), known(moved, now=NOW))
    assert kept == altered(moved, until=None, blocked=True)


def test_nothing_is_left_of_a_decision_that_says_nothing() -> None:
    """Such as an end that its booking system took back."""
    moved = known(booking("10:00", "11:30"), now=NOW)
    assert still(altered(people=()), moved) is None
    assert still(altered(until=None, people=()), known(booking(), now=NOW)) is None


@pytest.mark.parametrize("remembered", [True, False])
def test_a_cancelled_booking_stays_blocked_should_it_come_back(
    remembered: bool,
) -> None:
    """Of its people nothing is kept."""
    cancelled = replace(booking(), status=BookingStatus.CANCELLED, updated_at=NOW)
    gone = answer(cancelled, now=NOW, complete=not remembered)
    bookings, _ = merge(known(booking(), now=NOW), gone, NOW, Absence.PUSH)
    assert bool(bookings.known) is remembered
    assert still(altered(), bookings) is None
    kept = still(altered(blocked=True), bookings)
    assert kept is not None
    assert kept.blocked
    assert (kept.until, kept.people, kept.booking.holder) == (None, (), NOBODY)
    assert still(kept, bookings, at("11:00")) is None
    assert as_decided(bookings, {"a": kept}, AccountBookings()) is bookings


def test_a_booking_that_its_system_forgot_lasts_as_decided() -> None:
    """It is forgotten there because it would be over."""
    decided = altered(until=at("12:00", day=3))
    nothing = AccountBookings()
    assert still(decided, nothing, at("12:00", day=2)) == decided
    found = as_decided(nothing, {"a": decided}, nothing)
    assert [each.end for each in found.by_resource["hall"]] == [at("12:00", day=3)]
    now = at("11:00", day=3)
    assert {line.end for line in explain(room(), found, now, now + timedelta(1))} == {
        at("12:15", day=3)
    }
    assert still(decided, nothing, at("12:00", day=4)) is None


def test_decided_bookings_are_in_order_and_keep_what_is_the_same() -> None:
    """A room that nothing changed for is not planned anew."""
    other = replace(booking(id="o"), resource_id="court")
    bookings = known(booking(), booking("10:00", "11:30", id="b"), other, now=NOW)
    found = as_decided(bookings, {"a": altered()}, bookings)
    assert [each.id for each in found.by_resource["hall"]] == ["b", "a"]
    first = found.by_resource["hall"][1]
    assert (first.end, first.participants) == (at("12:00"), (BO,))
    assert found.by_resource["court"] is bookings.by_resource["court"]
    again = as_decided(bookings, {"a": altered()}, found)
    assert again.by_resource["hall"] is found.by_resource["hall"]
    assert as_decided(bookings, {}, found) is bookings


def test_a_blocked_booking_does_not_count() -> None:
    """Neither for doors nor for anything else, and its keys are blocked with it."""
    blocked = booking(blocked=True)
    planned = plan_of(at("10:30"), blocked, rooms=[granting(held=("locks/front",))])
    assert planned.demands == {}
    assert [each.suspended for each in planned.rooms["room"].wishes] == [True]
    bookings = restore(known(booking(), now=NOW).known.values())
    decided = as_decided(bookings, {"a": altered(blocked=True)}, bookings)
    [line] = explain(room(), decided, NOW, NOW + timedelta(1))
    assert (line.stage, line.rule) == ("refused", "blocked")


def test_a_closed_booking_lets_nobody_in_but_the_rest_has_its_lag() -> None:
    """People are on their way out, and the light is on."""
    over = booking("09:00", "10:00", closed=True)
    planned = plan_of(at("10:10"), over, rooms=[granting(held=("locks/front",))])
    assert DOOR not in planned.demands
    assert "room/room/light" in planned.demands
    assert planned.rooms["room"].wishes == ()
    bookings = restore(known(over, now=NOW).known.values())
    lines = explain(room(), bookings, at("10:10"), at("20:00"))
    assert Effect.ACCESS not in {line.effect for line in lines}


def visit(**changes: object) -> Visit:
    """Return a visit of Bo's from ten to eleven."""
    made = Booking(
        id="visit:1",
        resource_id="visit:1",
        start=at("10:00"),
        end=at("11:00"),
        holder=BO,
    )
    return replace(Visit(booking=made, room_id="room"), **changes)


@pytest.mark.parametrize("clock", ["09:00", "10:30"])
@pytest.mark.parametrize("appliances", [True, False])
def test_a_visit_is_a_key_and_only_what_is_to_follow_it(
    clock: str, appliances: bool
) -> None:
    """From its start to its end; the room's doors are not held open."""
    hall = room(appliances={Effect.LIGHT: ("light.hall",)})
    bo = visit(appliances=appliances)
    own = room_of_visit(bo, {"locks/front": AS_USUAL}, hall)
    planned = plan([hall, own], {VISITS: {bo.id: (bo.booking,)}}, at(clock))
    [wish] = planned.rooms[own.id].wishes
    assert (wish.window.start, wish.window.end) == (at("10:00"), at("11:00"))
    assert (wish.account_id, wish.points, wish.person) == ("locks", ("front",), BO)
    runs = appliances and clock == "10:30"
    assert ("light/light.hall" in planned.demands) is runs
    assert ("room/room/light" in planned.demands) is runs
    assert DOOR not in planned.demands
    assert visited(own.id) == visited("room") == "room"
    later = plan([hall, own], {VISITS: {bo.id: (bo.booking,)}}, at("11:00"))
    assert later.rooms[own.id].wishes == ()


def test_a_visit_to_a_door_is_no_rooms() -> None:
    """It is issued a week before, as usual."""
    bo = visit(room_id=None, point="locks/front")
    own = room_of_visit(bo, {"locks/front": AS_USUAL}, None)
    assert visited(own.id) == ""
    early = at("10:00") - timedelta(days=7) - minutes(1)
    planned = plan([own], {VISITS: {bo.id: (bo.booking,)}}, early)
    assert planned.rooms[own.id].wishes == ()
    assert planned.until == early + minutes(1)
    assert planned.until < FOREVER
