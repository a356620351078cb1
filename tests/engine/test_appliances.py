"""Appliances: what is remembered before they are switched, and what is restored."""

from dataclasses import replace

import pytest

from custom_components.booking_access.engine.appliances import (
    is_on,
    remembered,
    to_begin,
    to_restore,
    while_booked,
)
from custom_components.booking_access.engine.ledger import Phase, Switched
from custom_components.booking_access.engine.models import Effect
from custom_components.booking_access.engine.plan import appliance
from custom_components.booking_access.engine.reconcile import reconcile_switched

from .builders import at, booking, plan_of, room

PANEL = appliance(Effect.ALARM, "panel")
ROOM = room(appliances={Effect.ALARM: ("panel",)})
ROW = Switched(target=PANEL, phase=Phase.STARTING)
LATE = booking("11:00", "12:00", id="b")


def begun_again(row: Switched, clock: str) -> Switched:
    """Return the row with which the panel is switched for the bookings there are."""
    found = plan_of(at(clock), booking(), LATE, rooms=[ROOM])
    todo = reconcile_switched(found, {PANEL: row}, at(clock), ())
    (step,) = (step for step in todo.steps if step.row.target == PANEL)
    return step.row


@pytest.mark.parametrize("state", ["off", "disarmed"])
def test_rule_16_off_is_off_whatever_it_is_called(state: str) -> None:
    assert not is_on(state)


@pytest.mark.parametrize("effect", [Effect.LIGHT, Effect.VENTILATION, Effect.ACCESS])
def test_rule_16_bookings_switch_all_but_the_alarm_on(effect: Effect) -> None:
    assert while_booked(effect) == "on"
    assert while_booked(Effect.ALARM) == "off"


@pytest.mark.parametrize(
    ("effect", "current", "switched"),
    [
        (Effect.ALARM, "armed_away", "off"),
        (Effect.ALARM, "disarmed", None),
        (Effect.LIGHT, "off", "on"),
        (Effect.LIGHT, "on", None),
    ],
)
def test_rule_16_what_is_so_already_is_not_switched(
    effect: Effect, current: str, switched: str | None
) -> None:
    assert to_begin(effect, current) == switched


@pytest.mark.parametrize(
    ("before", "current", "restored"),
    [
        ("armed_night", "disarmed", "armed_night"),
        ("armed_night", "armed_away", None),  # a human armed it
        ("disarmed", "disarmed", None),
        ("disarmed", "armed_away", None),
        (None, "disarmed", None),  # never switched
    ],
)
def test_rule_16_restored_unless_a_human_changed_it(
    before: str | None, current: str, restored: str | None
) -> None:
    row = replace(ROW, before=before, ours="off" if before else None)
    assert to_restore(row, Effect.ALARM, current) == restored


def test_rule_16_what_is_to_be_set_is_noted_before_it_is_set() -> None:
    noted = remembered(ROW, Effect.ALARM, "armed_night")
    assert (noted.before, noted.ours) == ("armed_night", "off")


def test_rule_16_a_crash_right_after_it_was_switched_does_not_keep_it_so() -> None:
    noted = remembered(ROW, Effect.ALARM, "armed_night")
    assert to_restore(noted, Effect.ALARM, "disarmed") == "armed_night"


def test_rule_16_a_repetition_remembers_nothing_anew() -> None:
    noted = remembered(ROW, Effect.ALARM, "armed_night")
    again = begun_again(replace(noted, claims=frozenset({"room/a"})), "10:00")
    assert remembered(again, Effect.ALARM, "disarming") == again


def test_rule_16_the_next_claim_remembers_what_a_human_did_meanwhile() -> None:
    on = replace(ROW, phase=Phase.ON, claims=frozenset({"room/a"}))
    on = replace(on, before="disarmed", ours="off")
    noted = remembered(begun_again(on, "10:50"), Effect.ALARM, "armed_home")
    assert to_restore(noted, Effect.ALARM, "disarmed") == "armed_home"


def test_rule_16_the_next_claim_keeps_what_nobody_changed() -> None:
    on = replace(ROW, phase=Phase.ON, claims=frozenset({"room/a"}))
    on = replace(on, before="armed_night", ours="off")
    noted = remembered(begun_again(on, "10:50"), Effect.ALARM, "disarmed")
    assert to_restore(noted, Effect.ALARM, "disarmed") == "armed_night"


def test_rule_16_a_claim_that_was_never_begun_changes_nothing() -> None:
    on = replace(ROW, phase=Phase.ON, claims=frozenset({"room/a"}))
    unread = begun_again(replace(on, before="armed_night", ours="off"), "10:50")
    assert to_restore(unread, Effect.ALARM, "disarmed") == "armed_night"
