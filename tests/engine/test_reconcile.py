"""From what must be true of doors and appliances to what is to be done now."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from custom_components.booking_access.engine.ledger import (
    LONGEST_WAIT,
    Phase,
    Switched,
    failed,
)
from custom_components.booking_access.engine.models import FOREVER
from custom_components.booking_access.engine.plan import Plan
from custom_components.booking_access.engine.reconcile import (
    ARM_AHEAD,
    ARM_UNTIL,
    Step,
    SwitchStep,
    Todo,
    after_restart,
    reconcile_switched,
)

from .builders import DOOR, at, booking, minutes, plan_of, room, seconds

NOW = at("10:00")
NOTHING = Plan()
A = frozenset({"room/a"})
B = frozenset({"room/b"})
LIGHT = "light/light.hall"
END = at("11:15")
OTHER_CHANGE = {"before": "off", "ours": "on"}


def wanting(claims: frozenset[str], target: str = DOOR) -> Plan:
    """Return a plan in which bookings claim a target."""
    return Plan(demands={target: claims}, ends={target: END})


def expecting(due: datetime) -> Plan:
    """Return a plan in which a door is wanted later."""
    return Plan(expected={DOOR: due})


def row(phase: Phase = Phase.ON, claims: frozenset[str] = A, **rest: Any) -> Switched:
    """Return what the ledger says of the door."""
    return Switched(
        **{"target": DOOR, "phase": phase, "claims": claims, "until": END, **rest}
    )


def armed(due: datetime) -> Switched:
    """Return what the ledger says of a door that is wanted soon."""
    return Switched(target=DOOR, phase=Phase.ARMED, due=due)


def look(
    plan: Plan,
    *rows: Switched,
    now: datetime = NOW,
    busy: tuple[str, ...] = (),
    unsure: tuple[str, ...] = (),
) -> Todo[SwitchStep, Switched]:
    """Return what is to be done with these rows."""
    by_target = {each.target: each for each in rows}
    return reconcile_switched(plan, by_target, now, busy, unsure)


def only_step(todo: Todo[SwitchStep, Switched]) -> SwitchStep:
    """Return the one step to take, where nothing else is to be done."""
    assert (todo.write, todo.drop) == ([], [])
    (step,) = todo.steps
    return step


def is_nothing(todo: Todo[SwitchStep, Switched]) -> bool:
    """Whether there is nothing to do at all."""
    return not (todo.steps or todo.write or todo.drop)


def test_rule_08_door_is_opened_after_its_row_was_written() -> None:
    step = only_step(look(wanting(A)))
    assert step.step is Step.START
    assert not step.written
    assert step.row == row(Phase.STARTING)


def test_door_that_was_armed_is_opened_without_writing_first() -> None:
    step = only_step(look(wanting(A), armed(NOW)))
    assert step.written
    assert step.row == row(Phase.STARTING)


def test_rule_08_row_armed_for_a_later_time_does_not_count_as_written() -> None:
    """After a crash it would be read as a door that nobody has opened yet."""
    step = only_step(look(wanting(A), armed(NOW + seconds(1))))
    assert not step.written
    assert step.row == row(Phase.STARTING)


@pytest.mark.parametrize("claims", [A, A | B])
def test_rule_11_door_is_opened_once_and_then_left_to_people(claims) -> None:
    todo = look(wanting(claims), row(claims=claims))
    assert is_nothing(todo)
    assert todo.again == FOREVER


@pytest.mark.parametrize("claims", [B, A | B], ids=["touching", "overlapping"])
def test_rule_11_another_booking_opens_again(claims: frozenset[str]) -> None:
    step = only_step(look(wanting(claims), row(claims=A)))
    assert step.step is Step.START
    assert step.written
    assert step.row == row(Phase.STARTING, claims)


def test_rule_11_claim_that_ended_and_comes_back_opens_again() -> None:
    """A booking that was moved to later in the day, while another one runs on."""
    both, less = row(claims=A | B), row(claims=A)
    todo = look(wanting(A), both)
    assert (todo.steps, todo.write, todo.drop) == ([], [less], [])
    assert is_nothing(look(wanting(A), less))
    assert only_step(look(wanting(A | B), less)).row.claims == A | B


def test_rule_16_what_to_go_back_to_survives_another_claim() -> None:
    step = only_step(look(wanting(A | B), row(claims=A, **OTHER_CHANGE)))
    assert (step.row.before, step.row.ours) == ("off", None)


def test_rule_16_a_repetition_knows_that_it_is_one() -> None:
    step = only_step(look(wanting(A), row(Phase.STARTING, A, **OTHER_CHANGE)))
    assert (step.row.before, step.row.ours) == ("off", "on")


@pytest.mark.parametrize("phase", [Phase.ON, Phase.STARTING])
def test_rule_10_last_end_closes_the_door(phase: Phase) -> None:
    step = only_step(look(NOTHING, row(phase, **OTHER_CHANGE)))
    assert step == SwitchStep(
        step=Step.END, row=row(Phase.ENDING, **OTHER_CHANGE), written=True
    )


def test_rule_10_door_that_could_not_be_opened_is_closed_without_waiting() -> None:
    waiting = failed(row(Phase.STARTING), "no_confirmation", NOW, 1.0)
    step = only_step(look(NOTHING, waiting))
    assert step.step is Step.END
    assert (step.row.attempts, step.row.retry_at, step.row.error) == (0, None, None)


def test_rule_07_last_end_ends_once() -> None:
    todo = look(NOTHING, row(Phase.ENDING), busy=(DOOR,))
    assert is_nothing(todo)
    assert todo.again == FOREVER
    assert is_nothing(look(NOTHING))


@pytest.mark.parametrize(
    ("plan", "phase", "step"),
    [
        (wanting(A), Phase.STARTING, Step.START),
        (NOTHING, Phase.ENDING, Step.END),
    ],
)
def test_rule_09_failed_step_waits_and_is_taken_again(plan, phase, step) -> None:
    waiting = failed(row(phase), "not_reachable", NOW, 1.0)
    again = NOW + seconds(5)
    todo = look(plan, waiting, now=again - seconds(0.001))
    assert is_nothing(todo)
    assert todo.again == again
    taken = only_step(look(plan, waiting, now=again))
    assert taken.step is step
    assert taken.written
    assert taken.row == replace(waiting, retry_at=None)


@pytest.mark.parametrize("years", [1, 100])
def test_rule_10_door_is_closed_for_as_long_as_it_takes(years: int) -> None:
    stuck = replace(row(Phase.ENDING), attempts=10_000)
    now = NOW.replace(year=NOW.year + years)
    assert only_step(look(NOTHING, stuck, now=now)).row.attempts == 10_000


def test_rule_10_clock_set_back_does_not_leave_the_door_open() -> None:
    waiting = failed(row(Phase.ENDING), "not_reachable", NOW, 1.0)
    assert only_step(look(NOTHING, waiting, now=NOW - LONGEST_WAIT)).step is Step.END


def test_rule_11_new_claim_does_not_wait_for_the_retry_of_an_older_one() -> None:
    waiting = failed(row(Phase.STARTING), "not_reachable", NOW, 1.0)
    step = only_step(look(wanting(A | B), waiting))
    assert step.step is Step.START
    assert (step.row.attempts, step.row.error) == (1, "not_reachable")


def test_claim_that_goes_does_not_hurry_the_retry() -> None:
    waiting = failed(row(Phase.STARTING, A | B), "not_reachable", NOW, 1.0)
    assert is_nothing(look(wanting(A), waiting))
    step = only_step(look(wanting(A), waiting, now=NOW + seconds(5)))
    assert step.row.claims == A


@pytest.mark.parametrize("claims", [A, B])
def test_demand_that_comes_back_while_the_door_is_closed_opens_it(claims) -> None:
    waiting = failed(row(Phase.ENDING, **OTHER_CHANGE), "no_confirmation", NOW, 1.0)
    step = only_step(look(wanting(claims), waiting))
    anew = row(Phase.STARTING, claims, before="off")
    assert step == SwitchStep(step=Step.START, row=anew, written=True)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.ENDING])
@pytest.mark.parametrize("plan", [NOTHING, wanting(A), wanting(B)])
def test_target_that_is_being_switched_is_left_alone(phase: Phase, plan: Plan) -> None:
    assert is_nothing(look(plan, row(phase), busy=(DOOR,)))


def test_rule_09_targets_do_not_wait_for_each_other() -> None:
    waiting = failed(row(Phase.STARTING), "not_reachable", NOW, 1.0)
    plan = Plan(demands={DOOR: A, LIGHT: A}, ends={DOOR: END, LIGHT: END})
    assert only_step(look(plan, waiting)).row.target == LIGHT


@pytest.mark.parametrize(
    ("ahead", "writes", "again"),
    [
        (ARM_AHEAD + seconds(1), False, NOW + seconds(1)),
        (ARM_AHEAD, True, FOREVER),
        (ARM_UNTIL + seconds(1), True, FOREVER),
        (ARM_UNTIL, False, FOREVER),
        (seconds(1), False, FOREVER),
    ],
    ids=["not yet", "from now on", "still", "too late", "much too late"],
)
def test_rule_08_door_is_armed_a_while_ahead(ahead, writes: bool, again) -> None:
    """Or not at all: the row could not be on the disk in time."""
    due = NOW + ahead
    todo = look(expecting(due))
    assert todo.write == [armed(due)][:writes]
    assert (todo.steps, todo.drop, todo.again) == ([], [], again)


def test_door_is_armed_once() -> None:
    due = NOW + minutes(1)
    assert is_nothing(look(expecting(due), armed(due)))


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.ON])
def test_door_that_is_wanted_already_is_not_armed(phase: Phase) -> None:
    plan = replace(expecting(NOW + minutes(1)), demands={DOOR: A}, ends={DOOR: END})
    assert is_nothing(look(plan, row(phase), busy=(DOOR,)))
    assert look(plan).write == []


def test_door_that_is_being_closed_is_not_armed_over_it() -> None:
    todo = look(expecting(NOW + minutes(1)), row(Phase.ENDING), busy=(DOOR,))
    assert is_nothing(todo)


def test_armed_door_that_is_no_longer_wanted_is_disarmed() -> None:
    todo = look(NOTHING, armed(NOW + minutes(1)))
    assert (todo.steps, todo.write, todo.drop) == ([], [], [DOOR])


@pytest.mark.parametrize("wait", [60, 120])
def test_armed_door_that_is_wanted_at_another_time_soon_is_armed_anew(wait) -> None:
    due = NOW + seconds(wait)
    todo = look(expecting(due), armed(NOW + seconds(90)))
    assert (todo.steps, todo.write, todo.drop) == ([], [armed(due)], [])


def test_armed_door_that_is_wanted_much_later_is_disarmed() -> None:
    """After a crash it would be taken for one that we may have opened."""
    due = NOW + minutes(240)
    todo = look(expecting(due), armed(NOW + minutes(1)))
    assert (todo.steps, todo.write, todo.drop) == ([], [], [DOOR])
    assert todo.again == due - ARM_AHEAD


def test_armed_door_stays_armed_when_it_is_too_late_to_arm_anew() -> None:
    todo = look(expecting(NOW + seconds(2)), armed(NOW + minutes(1)))
    assert is_nothing(todo)


def test_window_that_passed_while_the_process_slept_opens_nothing() -> None:
    todo = look(NOTHING, armed(NOW - minutes(180)))
    assert (todo.steps, todo.drop) == ([], [DOOR])


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        (armed(NOW + seconds(1)), Phase.ARMED),
        (armed(NOW + ARM_AHEAD), Phase.ARMED),
        (armed(NOW + ARM_AHEAD + seconds(1)), Phase.STARTING),  # a clock put back
        (armed(NOW), Phase.STARTING),
        (armed(NOW - minutes(600)), Phase.STARTING),
        (row(Phase.STARTING), Phase.STARTING),
        (row(Phase.ON), Phase.ON),
        (row(Phase.ENDING), Phase.ENDING),
    ],
)
def test_rule_08_armed_row_whose_time_has_come_may_have_been_opened(
    stored: Switched, read: Phase
) -> None:
    assert after_restart([stored], NOW) == {DOOR: replace(stored, phase=read)}


@pytest.mark.parametrize("plan", [wanting(A), NOTHING], ids=["still", "over"])
def test_rule_10_door_that_may_be_open_after_a_crash_is_settled(plan: Plan) -> None:
    rows = after_restart([armed(NOW - minutes(1))], NOW)
    (step,) = reconcile_switched(plan, rows, NOW, ()).steps
    assert step.step is (Step.START if plan.demands else Step.END)
    assert step.written


def test_rule_11_crash_in_a_window_does_not_open_a_door_that_stood_open() -> None:
    rows = after_restart([row()], NOW)
    assert is_nothing(reconcile_switched(wanting(A), rows, NOW, ()))


def test_door_taken_from_its_room_is_closed() -> None:
    plan = plan_of(NOW, booking(), rooms=[room(points=("locks/new",), held=())])
    todo = look(plan, row())
    assert [
        (each.step, each.row.target) for each in todo.steps if each.row.target == DOOR
    ] == [(Step.END, DOOR)]


def test_claim_that_lasts_longer_is_written_down() -> None:
    todo = look(wanting(A), row(until=at("11:00")))
    assert (todo.steps, todo.write, todo.drop) == ([], [row()], [])


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.ON])
def test_rule_12_room_without_known_bookings_stays_on_until_it_was_to_end(
    phase: Phase,
) -> None:
    held = row(phase)
    todo = look(NOTHING, held, now=END - seconds(1), unsure=("room/a",))
    assert is_nothing(todo)
    assert todo.again == END
    assert only_step(look(NOTHING, held, now=END, unsure=("room/a",))).step is Step.END
    other = look(NOTHING, held, now=END - seconds(1), unsure=("other/a", "room/b"))
    assert only_step(other).step is Step.END


def test_rule_12_what_was_being_closed_goes_on_being_closed() -> None:
    step = only_step(look(NOTHING, row(Phase.ENDING), unsure=("room/a",)))
    assert step.step is Step.END


OTHER = frozenset({"other/b"})


@pytest.mark.parametrize(("end", "until"), [("11:00", END), ("12:00", at("12:00"))])
def test_rule_12_claim_of_a_room_without_known_bookings_is_not_forgotten(
    end: str, until: datetime
) -> None:
    """Not even while the door is shared with a room whose bookings are known."""
    plan = Plan(demands={DOOR: OTHER}, ends={DOOR: at(end)})
    step = only_step(look(plan, row(), unsure=("room/a",)))
    assert step.row == row(Phase.STARTING, A | OTHER, until=until)
    held = row(claims=A | OTHER, until=until)
    assert is_nothing(look(plan, held, unsure=("room/a",)))
    assert look(plan, held).write == [row(claims=OTHER, until=at(end))]


def test_rule_07_shared_door_closes_after_the_later_booking() -> None:
    rooms = [room("one", resource_id="one"), room("two", resource_id="two")]
    made = [
        booking(id="a", resource_id="one"),
        booking("10:30", "12:00", id="b", resource_id="two"),
    ]
    rows: dict[str, Switched] = {}
    taken: list[tuple[datetime, Step]] = []
    now = at("09:00")
    while (plan := plan_of(now, *made, rooms=rooms)).until < FOREVER:
        now = plan.until
        plan = plan_of(now, *made, rooms=rooms)
        todo = reconcile_switched(plan, rows, now, ())
        rows |= {each.target: each for each in todo.write}
        rows |= {
            each.row.target: replace(each.row, phase=Phase.ON) for each in todo.steps
        }
        taken += [(now, each.step) for each in todo.steps if each.row.target == DOOR]
    assert taken == [
        (at("09:45"), Step.START),
        (at("10:15"), Step.START),
        (at("12:15"), Step.END),
    ]
