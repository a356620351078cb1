"""From the grants that are wished for to what is to be done with those there are."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from custom_components.booking_access.engine.grant_steps import GrantStep
from custom_components.booking_access.engine.grants import REMEMBERED, reconcile_grants
from custom_components.booking_access.engine.ledger import GrantRow, GrantState, failed
from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Credential,
    Person,
)
from custom_components.booking_access.engine.plan import Plan
from custom_components.booking_access.engine.reconcile import Step, Todo
from custom_components.booking_access.engine.wishes import GrantWish

from .builders import ANNA, at, booking, granting, plan_of, seconds

NOW = at("06:00")
IN_DOUBT = [
    GrantState.PLANNED,
    GrantState.ISSUING,
    GrantState.FAILED,
    GrantState.REVOKING,
]


def wishing(*bookings: Booking, now: datetime = NOW, **changes: Any) -> Plan:
    """Return the plan of a room that hands out keys."""
    return plan_of(now, *bookings, rooms=[granting(**changes)])


def wish_of(*bookings: Booking, **changes: Any) -> GrantWish:
    """Return the one wish of such a room."""
    (wish,) = wishing(*bookings, **changes).rooms["room"].wishes
    return wish


def row(
    wish: GrantWish, state: GrantState = GrantState.ISSUED, **rest: Any
) -> GrantRow:
    """Return what the ledger says of a wish."""
    return GrantRow(
        reference=wish.reference,
        subject=wish.subject,
        reservation=wish.reservation,
        bearer=wish.bearer,
        enforced=wish.enforced,
        room_id=wish.room_id,
        booking_id=wish.booking_id,
        account_id=wish.account_id,
        points=wish.points,
        start=wish.window.start,
        end=wish.window.end,
        state=state,
        **rest,
    )


def look(
    plan: Plan,
    *rows: GrantRow,
    now: datetime = NOW,
    busy: tuple[str, ...] = (),
    unsure: tuple[str, ...] = (),
) -> Todo[GrantStep, GrantRow]:
    """Return what is to be done with these rows."""
    by_reference = {each.reference: each for each in rows}
    return reconcile_grants(plan, by_reference, now, busy, unsure)


def taken(todo: Todo[GrantStep, GrantRow]) -> list[tuple[Step, str]]:
    """Return the steps to take, and with which grant."""
    return [(each.step, each.row.reference) for each in todo.steps]


WISH = wish_of(booking())
MOVED = booking("14:00", "15:00")
LATER = wish_of(MOVED)


def test_rule_08_wish_is_issued() -> None:
    todo = look(wishing(booking()))
    (step,) = todo.steps
    assert step == GrantStep(
        step=Step.ISSUE, row=row(WISH, GrantState.ISSUING), wish=WISH
    )
    assert (todo.write, todo.drop, todo.again) == ([], [], FOREVER)


def test_rule_03_grant_that_is_there_is_left_alone() -> None:
    todo = look(wishing(booking()), row(WISH))
    assert (todo.steps, todo.write, todo.drop, todo.again) == ([], [], [], FOREVER)


def test_grant_of_a_booking_that_runs_already_is_issued_with_its_start() -> None:
    now = at("10:30")
    (step,) = look(wishing(booking(), now=now), now=now).steps
    assert (step.row.start, step.row.end) == (at("09:45"), at("11:15"))


@pytest.mark.parametrize("error", ["not_reachable", "auth_failed"])
def test_rule_09_grant_that_was_not_made_is_issued_again(error: str) -> None:
    planned = row(WISH, GrantState.PLANNED, credential=Credential(code="4711"))
    waiting = failed(planned, error, NOW, 1.0)
    again = NOW + seconds(5)
    todo = look(wishing(booking()), waiting, now=again - seconds(0.001))
    assert (todo.steps, todo.again) == ([], again)
    (step,) = look(wishing(booking()), waiting, now=again).steps
    assert (step.step, step.wish) == (Step.ISSUE, WISH)
    assert step.row == replace(
        planned, state=GrantState.ISSUING, attempts=1, error=error
    )


@pytest.mark.parametrize("rows", [[], [row(WISH, GrantState.ISSUING)]])
def test_rule_08_grant_on_its_way_is_left_alone(rows: list[GrantRow]) -> None:
    todo = look(wishing(booking()), *rows, busy=(WISH.reference,))
    assert todo.steps == []


def test_rule_08_unknown_outcome_is_resolved_before_anything_is_sent() -> None:
    unknown = failed(row(WISH, GrantState.ISSUING), "no_confirmation", NOW, 1.0)
    again = NOW + seconds(5)
    todo = look(wishing(booking()), unknown, now=NOW)
    assert (todo.steps, todo.again) == ([], again)
    todo = look(wishing(booking()), unknown, now=again)
    doubted = replace(unknown, doubted=True)
    assert todo.steps == [GrantStep(step=Step.RESOLVE, row=doubted, wish=WISH)]


def test_rule_08_crash_while_issuing_is_resolved_at_once() -> None:
    todo = look(wishing(booking()), row(WISH, GrantState.ISSUING))
    assert taken(todo) == [(Step.RESOLVE, WISH.reference)]


def test_rule_09_refused_grant_is_not_asked_for_again() -> None:
    refused = row(WISH, GrantState.FAILED, attempts=1, error="phone_missing")
    todo = look(wishing(booking()), refused)
    assert (todo.steps, todo.drop, todo.again) == ([], [], FOREVER)


def test_refused_grant_is_forgotten_when_nobody_wishes_it_any_more() -> None:
    todo = look(wishing(), row(WISH, GrantState.FAILED))
    assert (todo.steps, todo.drop) == ([], [WISH.reference])


@pytest.mark.parametrize("state", IN_DOUBT)
def test_rule_03_moved_booking_gets_its_new_grant_first(state: GrantState) -> None:
    """The old one stays until the new one is there, not just on its way."""
    new = row(LATER, state)
    for rows in ([], [new]):
        todo = look(wishing(MOVED), row(WISH), *rows)
        assert WISH.reference not in dict(map(reversed, taken(todo)))
        assert todo.drop == []
    todo = look(wishing(MOVED), row(WISH), new, busy=(new.reference,))
    assert todo.steps == []


def test_rule_03_old_grant_of_a_moved_booking_goes_when_the_new_one_is_there() -> None:
    todo = look(wishing(MOVED), row(WISH, attempts=3, error="old"), row(LATER))
    assert todo.steps == [
        GrantStep(step=Step.REVOKE, row=row(WISH, GrantState.REVOKING))
    ]


@pytest.mark.parametrize("state", IN_DOUBT)
def test_rule_03_old_grant_goes_when_it_would_open_at_a_wrong_time(state) -> None:
    """New first, but no access outside the windows: not even while new is not there."""
    old, new = row(WISH), row(LATER, state, retry_at=NOW + timedelta(days=365))
    now = old.start - seconds(1)
    todo = look(wishing(MOVED, now=now), old, new, now=now, busy=(new.reference,))
    assert (todo.steps, todo.again) == ([], old.start)
    now = old.start
    todo = look(wishing(MOVED, now=now), old, new, now=now, busy=(new.reference,))
    assert taken(todo) == [(Step.REVOKE, WISH.reference)]


@pytest.mark.parametrize("state", IN_DOUBT)
def test_rule_03_guest_inside_keeps_the_old_grant_until_the_new_one_is_there(
    state: GrantState,
) -> None:
    now = at("10:30")
    extended = booking(end=at("12:00"))
    new = row(wish_of(extended), state)
    plan = wishing(extended, now=now)
    todo = look(plan, row(WISH), new, now=now, busy=(new.reference,))
    assert (todo.steps, todo.drop) == ([], [])
    todo = look(plan, row(WISH), replace(new, state=GrantState.ISSUED), now=now)
    assert taken(todo) == [(Step.REVOKE, WISH.reference)]


def test_rule_03_guest_moved_to_another_room_gets_the_new_key_first() -> None:
    rooms = [granting(id="one"), granting(id="two", resource_id="two")]
    now = at("10:30")
    old = row(plan_of(now, booking(), rooms=rooms).rooms["one"].wishes[0])
    plan = plan_of(now, booking(resource_id="two"), rooms=rooms)
    todo = look(plan, old, now=now)
    new = plan.rooms["two"].wishes[0]
    assert taken(todo) == [(Step.ISSUE, new.reference)]
    todo = look(plan, old, row(new), now=now)
    assert taken(todo) == [(Step.REVOKE, old.reference)]


@pytest.mark.parametrize(
    "plan",
    [
        wishing(),
        wishing(booking(status=BookingStatus.CANCELLED)),
        wishing(booking(status=BookingStatus.TENTATIVE)),
        wishing(booking(transparent=True)),
        wishing(booking(end=at("10:00"))),
        wishing(booking(start=at("10:00", day=8), end=at("11:00", day=8))),
        wishing(booking(), granted=()),
        plan_of(NOW, booking(), rooms=[]),
    ],
    ids=[
        "gone",
        "cancelled",
        "tentative",
        "transparent",
        "no length",
        "moved out of sight",
        "no doors any more",
        "no room any more",
    ],
)
@pytest.mark.parametrize("now", [NOW, at("10:30")], ids=["coming", "running"])
def test_rule_04_grant_that_nobody_wishes_is_revoked_at_once(plan, now) -> None:
    todo = look(plan, row(WISH), now=now)
    assert todo.steps == [
        GrantStep(step=Step.REVOKE, row=row(WISH, GrantState.REVOKING))
    ]


def test_another_person_does_not_keep_the_grant_of_the_first() -> None:
    todo = look(wishing(booking(holder=Person(phone="+4522222222"))), row(WISH))
    assert (Step.REVOKE, WISH.reference) in taken(todo)
    assert len(todo.steps) == 2


@pytest.mark.parametrize("state", [GrantState.PLANNED, GrantState.FAILED])
def test_grant_that_was_never_made_is_forgotten(state: GrantState) -> None:
    todo = look(wishing(), row(WISH, state))
    assert (todo.steps, todo.drop) == ([], [WISH.reference])


@pytest.mark.parametrize("state", [GrantState.ISSUED, GrantState.ISSUING])
def test_lapsed_grant_is_remembered_for_a_day_and_then_forgotten(
    state: GrantState,
) -> None:
    """The clock may be wrong, and the grant not over at all."""
    now = at("11:15")
    todo = look(wishing(booking(), now=now), row(WISH, state), now=now)
    assert (todo.steps, todo.drop, todo.again) == ([], [], now + REMEMBERED)
    now += REMEMBERED
    todo = look(wishing(booking(), now=now), row(WISH, state), now=now)
    assert (todo.steps, todo.drop, todo.again) == ([], [WISH.reference], FOREVER)


def test_rule_15_lapsed_grant_is_forgotten_within_a_week() -> None:
    assert timedelta(days=1) < REMEMBERED <= timedelta(days=7)


def test_rule_08_cancelled_while_its_outcome_is_unknown_is_looked_for() -> None:
    unknown = failed(row(WISH, GrantState.ISSUING), "no_confirmation", NOW, 1.0)
    assert look(wishing(), unknown).again == NOW + seconds(5)
    todo = look(wishing(), unknown, now=NOW + seconds(5))
    assert todo.steps == [GrantStep(step=Step.RESOLVE, row=unknown)]


@pytest.mark.parametrize("plan", [wishing(), wishing(booking())], ids=["gone", "back"])
@pytest.mark.parametrize("attempts", [1, 1000])
def test_rule_09_revoking_is_repeated(plan: Plan, attempts: int) -> None:
    """Whether or not it is wished for again in between: first it goes."""
    revoking = replace(row(WISH, GrantState.REVOKING), attempts=attempts - 1)
    waiting = failed(revoking, "not_reachable", NOW, 1.0)
    todo = look(plan, waiting)
    assert (todo.steps, todo.again) == ([], waiting.retry_at)
    todo = look(plan, waiting, now=waiting.retry_at)
    wish = WISH if plan.rooms["room"].wishes else None
    assert todo.steps == [GrantStep(step=Step.REVOKE, row=waiting, wish=wish)]
    assert todo.steps[0].row.attempts == attempts


@pytest.mark.parametrize("days", [0, 1, 10_000])
def test_rule_09_revoking_is_repeated_for_ever(days: int) -> None:
    now = at("11:15") + timedelta(days=days)
    todo = look(wishing(now=now), row(WISH, GrantState.REVOKING), now=now)
    assert taken(todo) == [(Step.REVOKE, WISH.reference)]
    assert todo.drop == []


@pytest.mark.parametrize("state", list(GrantState))
def test_grant_being_worked_on_is_left_alone(state: GrantState) -> None:
    todo = look(wishing(), row(WISH, state), busy=(WISH.reference,))
    assert (todo.steps, todo.drop) == ([], [])


def test_rule_09_people_do_not_wait_for_each_other() -> None:
    both = booking(participants=(Person(phone="+4522222222"),))
    plan = wishing(both)
    anna, other = plan.rooms["room"].wishes
    assert anna.person == ANNA
    waiting = failed(row(anna, GrantState.PLANNED), "not_reachable", NOW, 1.0)
    assert taken(look(plan, waiting)) == [(Step.ISSUE, other.reference)]


def test_rule_03_moved_and_moved_back_keeps_the_first_grant() -> None:
    todo = look(wishing(booking()), row(WISH), row(LATER, GrantState.PLANNED))
    assert (todo.steps, todo.drop) == ([], [LATER.reference])


def test_rule_03_moved_back_while_its_first_grant_is_being_revoked() -> None:
    """The second one stays, where it does no harm, until the first one is made again."""
    todo = look(wishing(booking()), row(WISH, GrantState.REVOKING), row(LATER))
    assert taken(todo) == [(Step.REVOKE, WISH.reference)]
    todo = look(wishing(booking()), row(LATER))
    assert taken(todo) == [(Step.ISSUE, WISH.reference)]
    todo = look(wishing(booking()), row(WISH), row(LATER))
    assert taken(todo) == [(Step.REVOKE, LATER.reference)]


def test_same_wish_of_two_rooms_over_one_resource_is_one_grant_each() -> None:
    rooms = [granting(id="one"), granting(id="two")]
    plan = plan_of(NOW, booking(), rooms=rooms)
    assert len({each.row.reference for each in look(plan).steps}) == 2


@pytest.mark.parametrize("state", list(GrantState))
def test_rule_12_nothing_is_taken_back_while_bookings_are_not_known(
    state: GrantState,
) -> None:
    todo = look(wishing(), row(WISH, state), unsure=("room/a",))
    assert (todo.steps, todo.drop, todo.again) == ([], [], WISH.window.end)


@pytest.mark.parametrize("unsure", ["other/a", "room/b"], ids=["room", "booking"])
def test_rule_12_other_grants_are_taken_back(unsure: str) -> None:
    todo = look(wishing(), row(WISH), unsure=(unsure,))
    assert taken(todo) == [(Step.REVOKE, WISH.reference)]


def test_rule_12_what_lapses_while_bookings_are_not_known_is_forgotten() -> None:
    now = WISH.window.end
    todo = look(wishing(now=now), row(WISH), now=now, unsure=("room/a",))
    assert (todo.steps, todo.drop, todo.again) == ([], [], now + REMEMBERED)
    now += REMEMBERED
    todo = look(wishing(now=now), row(WISH), now=now, unsure=("room/a",))
    assert (todo.steps, todo.drop) == ([], [WISH.reference])


def test_rule_12_new_grants_are_made_while_others_are_not_known() -> None:
    todo = look(wishing(booking()), unsure=("room/a",))
    assert taken(todo) == [(Step.ISSUE, WISH.reference)]


def test_rule_08_what_was_forgotten_too_early_is_looked_for_before_it_is_issued() -> (
    None
):
    """The clock was a day ahead, and the grant lapsed and was forgotten by it."""
    forgotten = WISH.window.end + REMEMBERED
    todo = reconcile_grants(wishing(booking()), {}, NOW, (), (), forgotten)
    unclear = row(WISH, GrantState.ISSUING)
    assert todo.steps == [GrantStep(step=Step.RESOLVE, row=unclear, wish=WISH)]
    planned = {WISH.reference: row(WISH, GrantState.PLANNED)}
    todo = reconcile_grants(wishing(booking()), planned, NOW, (), (), forgotten)
    assert taken(todo) == [(Step.ISSUE, WISH.reference)]


def test_rule_08_what_cannot_have_been_forgotten_is_issued_at_once() -> None:
    forgotten = WISH.window.end + REMEMBERED - seconds(1)
    todo = reconcile_grants(wishing(booking()), {}, NOW, (), (), forgotten)
    assert taken(todo) == [(Step.ISSUE, WISH.reference)]
