"""How grants behave at their points: apart, unenforced, overriding."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.booking_access.engine.explain import Stage, explain
from custom_components.booking_access.engine.grant_steps import first_row, is_anew
from custom_components.booking_access.engine.grants import REMEMBERED, write_card
from custom_components.booking_access.engine.ledger import (
    GrantRow,
    GrantState,
    failed,
    taken_back,
)
from custom_components.booking_access.engine.models import (
    Booking,
    Credential,
    Effect,
    Person,
    Room,
    Traits,
)
from custom_components.booking_access.engine.plan import Plan, plan as make_plan
from custom_components.booking_access.engine.reconcile import Step
from custom_components.booking_access.engine.wishes import (
    GrantWish,
    card_wish,
    whole_of,
)

from .builders import at, booking, granting, plan_of, seconds, timing
from .test_explain import found
from .test_grants import look, row, taken

NOW = at("06:00")
FRONT, BACK = "locks/front", "locks/back"
APART, BY_US, OVERRIDES = (
    Traits(apart=True),
    Traits(enforced=False),
    Traits(overrides=True),
)
PLANNED, ISSUING, ISSUED, REVOKING, FAILED = (
    GrantState.PLANNED,
    GrantState.ISSUING,
    GrantState.ISSUED,
    GrantState.REVOKING,
    GrantState.FAILED,
)
EARLY, LATE = booking(), booking("11:10", "12:00", id="b")
"""The windows overlap: from 9:45 to 11:15 and from 10:55 to 12:15."""
BEFORE = booking("08:00", "09:00", id="c")


def hall(traits: Traits, *points: str, **changes) -> Room:
    """Return a room at whose points grants behave like this."""
    granted = points or (FRONT,)
    return granting(granted=granted, traits=dict.fromkeys(granted, traits), **changes)


def planned(*bookings: Booking, rooms: list[Room], now=NOW) -> Plan:
    """Return the plan of some rooms."""
    return plan_of(now, *bookings, rooms=rooms)


def wishes(plan: Plan) -> list[GrantWish]:
    """Return all wishes of a plan."""
    return [wish for each in plan.rooms.values() for wish in each.wishes]


def wish_of(it: Booking, traits: Traits = OVERRIDES, now=NOW, **changes) -> GrantWish:
    """Return the one wish for a booking."""
    (wish,) = wishes(planned(it, rooms=[hall(traits, **changes)], now=now))
    return wish


# ---- apart


def test_each_point_apart_has_its_own_wish() -> None:
    front, back = wishes(planned(booking(), rooms=[hall(APART, FRONT, BACK)]))
    assert [front.points, back.points] == [("back",), ("front",)]
    assert front.subject != back.subject
    assert front.reference != back.reference
    assert (front.bearer, front.reservation) == (back.bearer, back.reservation)


def test_points_apart_and_others_of_one_account_are_two_wishes() -> None:
    mixed = granting(granted=("x/1", "x/2", "x/3"), traits={"x/2": APART})
    found = [each.points for each in wishes(planned(booking(), rooms=[mixed]))]
    assert found == [("1", "3"), ("2",)]


def test_rule_09_a_point_that_fails_holds_up_no_other() -> None:
    plan = planned(booking(), rooms=[hall(APART, FRONT, BACK)])
    one, other = wishes(plan)
    broken = failed(row(one, PLANNED), "not_reachable", NOW, 1.0)
    assert taken(look(plan, broken)) == [(Step.ISSUE, other.reference)]


def test_rule_09_a_point_that_fails_keeps_no_old_grant_of_another() -> None:
    """Of a changed booking one point has its new grant, and needs the old no more."""
    rooms = [hall(APART, FRONT, BACK)]
    old = [row(each) for each in wishes(planned(booking(), rooms=rooms))]
    plan = planned(booking("10:30"), rooms=rooms)
    one, other = wishes(plan)
    broken = failed(row(other, PLANNED), "not_reachable", NOW, 1.0)
    todo = look(plan, *old, row(one), broken)
    assert taken(todo) == [(Step.REVOKE, old[0].reference)]


@pytest.mark.parametrize("forth", [True, False], ids=["apart", "together"])
def test_rule_03_an_account_that_behaves_otherwise_now_grants_anew_first(forth) -> None:
    kinds = [hall(Traits(), FRONT, BACK), hall(APART, FRONT, BACK)]
    before, after = kinds if forth else kinds[::-1]
    old = [
        replace(row(each), bearer="")  # written by an older version
        for each in wishes(planned(booking(), rooms=[before]))
    ]
    plan = planned(booking(), rooms=[after])
    new = wishes(plan)
    todo = look(plan, *old)
    assert taken(todo) == [(Step.ISSUE, each.reference) for each in new]
    lacking_one = [row(each) for each in new[1:]]
    assert (Step.REVOKE, old[0].reference) not in taken(look(plan, *old, *lacking_one))
    todo = look(plan, *old, *map(row, new))
    assert taken(todo) == [(Step.REVOKE, each.reference) for each in old]


def test_rule_03_a_guest_who_moves_between_points_apart_gets_the_new_key_first() -> (
    None
):
    rooms = [
        hall(APART, FRONT, id="one"),
        hall(APART, BACK, id="two", resource_id="two"),
    ]
    now = at("10:30")
    old = row(wishes(planned(booking(), rooms=rooms, now=now))[0])
    plan = planned(booking(resource_id="two"), rooms=rooms, now=now)
    (new,) = wishes(plan)
    assert whole_of(new.subject) == whole_of(old.subject) != new.subject
    assert taken(look(plan, old, now=now)) == [(Step.ISSUE, new.reference)]
    todo = look(plan, old, row(new), now=now)
    assert taken(todo) == [(Step.REVOKE, old.reference)]


# ---- enforced


def test_grant_that_we_begin_is_noted_ahead_and_issued_at_its_very_start() -> None:
    plan = planned(booking(), rooms=[hall(BY_US)])
    todo = look(plan)
    (noted,) = todo.write
    assert (noted.state, noted.enforced, todo.steps) == (PLANNED, False, [])
    assert todo.again == at("09:45")
    before = at("09:45") - seconds(0.000001)
    todo = look(plan, noted, now=before)
    assert (todo.steps, todo.write, todo.again) == ([], [], at("09:45"))
    (step,) = look(plan, noted, now=at("09:45")).steps
    assert (step.step, step.row.state) == (Step.ISSUE, ISSUING)
    assert not step.row.enforced


def test_what_only_one_of_several_points_enforces_is_begun_and_ended_by_us() -> None:
    mixed = granting(granted=(FRONT, BACK), traits={BACK: BY_US})
    (wish,) = wishes(planned(booking(), rooms=[mixed]))
    assert (wish.enforced, wish.due) == (False, at("09:45"))


@pytest.mark.parametrize("days", [0, 2, 3000])
@pytest.mark.parametrize("bookings", [(EARLY,), ()], ids=["over", "removed"])
def test_rule_10_grant_that_we_end_is_revoked_however_late(days, bookings) -> None:
    """Also if nobody was there to do it when it was over."""
    wish = wish_of(EARLY, BY_US)
    now = at("11:15") + timedelta(days=days)
    plan = planned(*bookings, rooms=[hall(BY_US)], now=now)
    todo = look(plan, row(wish), now=now)
    assert taken(todo) == [(Step.REVOKE, wish.reference)]
    waiting = failed(row(wish, REVOKING), "not_reachable", now, 1.0)
    todo = look(plan, waiting, now=now)
    assert (todo.steps, todo.drop, todo.again) == ([], [], waiting.retry_at)


def test_rule_10_grant_that_we_end_is_looked_for_when_its_outcome_is_unknown() -> None:
    wish = wish_of(EARLY, BY_US)
    now = at("11:15") + REMEMBERED
    todo = look(planned(rooms=[hall(BY_US)], now=now), row(wish, ISSUING), now=now)
    assert taken(todo) == [(Step.RESOLVE, wish.reference)]


def test_rule_10_grant_that_we_end_lasts_until_then() -> None:
    wish, now = wish_of(EARLY, BY_US), at("11:15") - seconds(0.000001)
    plan = planned(EARLY, rooms=[hall(BY_US)], now=now)
    todo = look(plan, row(wish), now=now)
    assert (todo.steps, plan.until) == ([], at("11:15"))


def test_rule_10_grant_that_we_begin_goes_when_the_clock_is_put_back() -> None:
    wish = wish_of(EARLY, BY_US)
    plan = planned(EARLY, rooms=[hall(BY_US)])
    assert taken(look(plan, row(wish))) == [(Step.REVOKE, wish.reference)]


def test_rule_12_grant_that_we_end_ends_though_its_booking_is_not_known() -> None:
    wish, plan = wish_of(EARLY, BY_US), planned(rooms=[hall(BY_US)])
    unsure = ("room/a",)
    todo = look(plan, row(wish), now=at("11:00"), unsure=unsure)
    assert (todo.steps, todo.again) == ([], at("11:15"))
    todo = look(plan, row(wish), now=at("11:15"), unsure=unsure)
    assert taken(todo) == [(Step.REVOKE, wish.reference)]


def test_rule_03_running_grant_that_we_end_follows_an_extension() -> None:
    now = at("11:15")
    longer = booking(end="12:00")
    plan = planned(longer, rooms=[hall(BY_US)], now=now)
    old, (new,) = row(wish_of(EARLY, BY_US)), wishes(plan)
    assert taken(look(plan, old, now=now)) == [(Step.ISSUE, new.reference)]
    todo = look(plan, old, row(new), now=now)
    assert taken(todo) == [(Step.REVOKE, old.reference)]


def test_lapsing_depends_on_who_ends_the_grant() -> None:
    ours, theirs = row(wish_of(EARLY, BY_US)), row(wish_of(EARLY))
    end = at("11:15")
    assert (theirs.lapsed(end), ours.lapsed(end)) == (True, False)
    assert not theirs.lapsed(end - seconds(1))
    assert not replace(theirs, state=REVOKING).lapsed(end)


def test_rule_15_grant_that_lingers_is_issued_ahead_and_removed_when_it_is_over() -> (
    None
):
    """Its system ends it; but who had it would stand there for ever."""
    lingering = Traits(lingers=True)
    plan = planned(EARLY, rooms=[hall(lingering)])
    (step,) = look(plan).steps
    assert (step.step, step.row.enforced) == (Step.ISSUE, False)
    there, end = replace(step.row, state=ISSUED), at("11:15")
    before = end - seconds(1)
    plan = planned(EARLY, rooms=[hall(lingering)], now=before)
    assert look(plan, there, now=before).steps == []
    for bookings in ((EARLY,), ()):
        plan = planned(*bookings, rooms=[hall(lingering)], now=end)
        assert taken(look(plan, there, now=end)) == [(Step.REVOKE, there.reference)]


# ---- overrides


def test_next_guest_waits_until_the_earlier_ones_window_is_over() -> None:
    rooms = [hall(OVERRIDES)]
    plan = planned(EARLY, LATE, rooms=rooms)
    early, late = wishes(plan)
    todo = look(plan)
    assert taken(todo) == [(Step.ISSUE, early.reference)]
    assert (todo.write, todo.again) == ([], at("11:15"))
    now = at("11:15")
    plan = planned(EARLY, LATE, rooms=rooms, now=now)
    todo = look(plan, row(early), now=now)
    assert taken(todo) == [(Step.ISSUE, late.reference)]


def test_wait_is_for_all_earlier_bookings_not_only_the_last() -> None:
    long = booking("08:00", "15:00", id="c")
    plan = planned(long, EARLY, LATE, rooms=[hall(OVERRIDES)])
    assert [plan.due(each) for each in wishes(plan)[1:]] == [at("15:15")] * 2


def test_rule_07_bookings_of_other_rooms_and_accounts_count_at_their_points() -> None:
    rooms = [
        hall(OVERRIDES, id="one"),
        hall(OVERRIDES, FRONT, BACK, id="two", resource_id="two"),
        hall(OVERRIDES, BACK, id="three", resource_id="three"),
    ]
    other = replace(LATE, resource_id="two")
    third = booking("12:10", "13:00", id="d", resource_id="three")
    plan = planned(EARLY, other, third, rooms=rooms)
    assert [plan.due(each) for each in wishes(plan)[1:]] == [at("11:15"), at("12:15")]


def test_booking_of_two_rooms_at_a_point_is_waited_for_until_both_are_over() -> None:
    long = timing(15, 45)
    rooms = [hall(OVERRIDES, id="one", timing=long), hall(OVERRIDES, id="two")]
    for each in (rooms, rooms[::-1]):
        plan = planned(EARLY, LATE, rooms=each)
        late = [w for w in wishes(plan) if w.booking_id == "b"]
        assert {plan.due(w) for w in late} == {at("11:45")}


def test_guest_inside_waits_for_nobody_who_booked_an_earlier_time() -> None:
    """Nor do the others of the booking: it has the room already."""
    now = at("11:30")
    earlier = booking("10:00", "12:30", id="c")
    both = replace(LATE, end=at("12:30"), participants=(Person(phone="+4522222222"),))
    plan = planned(earlier, both, rooms=[hall(OVERRIDES)], now=now)
    old = row(wish_of(LATE))
    longer = next(w for w in wishes(plan) if w.subject == old.subject)
    assert plan.due(longer) == at("12:45")
    todo = look(plan, old, now=now)
    assert taken(todo) == [(Step.ISSUE, longer.reference)]
    for gone in (
        replace(old, overridden=True),
        replace(old, state=PLANNED),
        replace(old, end=now),
        replace(old, start=at("11:31")),
    ):
        todo = look(plan, gone, now=now)
        assert (Step.ISSUE, longer.reference) not in taken(todo)


def test_guests_who_change_rooms_with_each_other_do_not_stand_in_the_way() -> None:
    kind = Traits(overrides=True, changes=True)
    rooms = [hall(kind, id="one"), hall(kind, BACK, id="two", resource_id="two")]
    other, now = booking(id="b", resource_id="two"), at("10:30")
    old = [row(e) for e in wishes(planned(EARLY, other, rooms=rooms))]
    swapped = replace(EARLY, resource_id="two"), replace(other, resource_id="hall")
    plan = planned(*swapped, rooms=rooms, now=now)
    todo = look(plan, *old, now=now)
    assert [each.step for each in todo.steps] == [Step.CHANGE]  # and then the other
    done = {each.wish.reference for each in todo.steps if each.wish}
    changed = [row(e) for e in wishes(plan) if e.reference in done]
    left = [e for e in old if e.reference not in {s.row.replaces for s in todo.steps}]
    todo = look(plan, *left, *changed, now=now)
    assert [each.step for each in todo.steps] == [Step.CHANGE]


def test_points_without_a_grant_of_their_own_make_nobody_wait() -> None:
    """A pass level that all rooms share is no room."""
    gym = "locks/gym"
    rooms = [
        granting(id=name, resource_id=name, granted=(f"locks/{name}", gym),
                 traits={f"locks/{name}": OVERRIDES})
        for name in ("hall", "two")
    ]  # fmt: skip
    plan = planned(EARLY, replace(LATE, resource_id="two"), rooms=rooms)
    assert all(plan.due(each) < NOW for each in wishes(plan))
    assert len(look(plan).steps) == 2


def test_nobody_waits_for_a_booking_that_went() -> None:
    rooms = [hall(OVERRIDES)]
    before = planned(EARLY, LATE, rooms=rooms)
    plan = plan_of(NOW, LATE, rooms=rooms, before=before)
    (late,) = wishes(plan)
    assert taken(look(plan, row(late, PLANNED))) == [(Step.ISSUE, late.reference)]
    assert plan_of(NOW, rooms=[], before=plan).waits == {}


def test_waits_are_kept_while_other_rooms_change() -> None:
    rooms = [hall(OVERRIDES), granting(id="other", resource_id="two")]
    before = planned(EARLY, LATE, rooms=rooms)
    more = booking("08:00", "09:00", id="x", resource_id="two")
    kept = {"hall": before.rooms["room"].bookings, "two": (more,)}
    plan = make_plan(rooms, {"bookings": kept}, NOW, before)
    assert plan.rooms["other"] is not before.rooms["other"]
    assert plan.waits[FRONT] is before.waits[FRONT]


def test_guest_armed_ahead_is_taken_back_when_another_comes_before() -> None:
    """Who comes first is let in at once, and the other is not forgotten."""
    rooms = [hall(OVERRIDES)]
    late = row(wish_of(LATE))
    plan = planned(EARLY, LATE, rooms=rooms)
    early = wishes(plan)[0]
    todo = look(plan, late)
    assert taken(todo) == [(Step.ISSUE, early.reference), (Step.REVOKE, late.reference)]
    assert todo.write == [replace(late, overridden=True)]
    assert todo.steps[1].row.overridden
    assert todo.steps[1].wish  # for which it is kept, and noted as planned


def test_guest_armed_ahead_is_taken_back_when_the_stay_before_gets_longer() -> None:
    """And one whose key may be cancelled already, although the time has come."""
    rooms = [hall(OVERRIDES)]
    plan = planned(EARLY, LATE, rooms=rooms)
    rows = [row(each) for each in wishes(plan)]
    assert taken(look(plan, *rows)) == [(Step.REVOKE, rows[1].reference)]
    now = at("11:30")
    plan = planned(LATE, rooms=rooms, now=now)
    cancelled = replace(rows[1], overridden=True)
    todo = look(plan, cancelled, now=now)
    assert taken(todo) == [(Step.REVOKE, cancelled.reference)]


def test_guest_whose_key_may_be_cancelled_gets_it_anew() -> None:
    """A late check-out: the next one was armed when the stay seemed to be over."""
    rooms, now = [hall(OVERRIDES)], at("10:00")
    over, late = row(wish_of(BEFORE)), row(wish_of(LATE))
    longer = replace(BEFORE, end=at("11:00"))
    plan = planned(longer, LATE, rooms=rooms, now=now)
    todo = look(plan, replace(over, overridden=True), late, now=now)
    longer_stay, _ = wishes(plan)
    assert taken(todo) == [
        (Step.ISSUE, longer_stay.reference),
        (Step.REVOKE, late.reference),
    ]
    assert todo.write == [replace(late, overridden=True)]


def test_rule_08_key_that_a_crash_left_cancelled_is_made_anew() -> None:
    """It was marked before the other one was sent."""
    plan = planned(LATE, rooms=[hall(OVERRIDES)])
    cancelled = row(wishes(plan)[0], overridden=True)
    assert taken(look(plan, cancelled)) == [(Step.REVOKE, cancelled.reference)]
    assert look(plan, cancelled).steps[0].wish
    (step,) = look(plan, taken_back(cancelled)).steps
    assert (step.step, step.row.overridden) == (Step.ISSUE, True)


def test_cancelled_grant_of_a_changed_booking_goes_at_once() -> None:
    """Nobody gets in with it, and it must not open later after all."""
    plan = planned(LONGER, rooms=[hall(OVERRIDES)])
    old = row(wish_of(EARLY), overridden=True)
    assert (Step.REVOKE, old.reference) in taken(look(plan, old))


@pytest.mark.parametrize(
    ("changes", "anew"),
    [
        ({}, False),
        ({"state": ISSUING, "card": True}, False),
        ({"state": GrantState.SUSPENDED}, False),
        ({"state": PLANNED}, True),
        ({"state": FAILED}, True),
        ({"overridden": True}, True),
        ({"end": NOW}, True),
        ({"account_id": "other"}, True),
        ({"reservation": "other"}, True),
        ({"reference": "own"}, True),
    ],
)
def test_key_is_no_duplicate_where_nothing_of_its_booking_stands(changes, anew) -> None:
    """Another booking may have cancelled that, and be forgotten by now."""
    own = row(wish_of(EARLY), ISSUING)
    own = replace(own, reference="own")
    assert is_anew(own, [own], NOW)
    assert not is_anew(replace(own, doubted=True), [own], NOW)
    cancelled = replace(own, reference="old", overridden=True)
    assert is_anew(replace(own, doubted=True), [own, cancelled], NOW)
    other = replace(own, **{"state": ISSUED, "reference": "other", **changes})
    assert is_anew(own, [own, other], NOW) is anew


def test_grant_that_is_taken_back_keeps_its_code_alone() -> None:
    had = Credential(code="4711", link="x", bearer="y")
    gone = taken_back(row(wish_of(EARLY), REVOKING, issued_id="1", credential=had))
    assert (gone.state, gone.issued_id, gone.credential) == (
        PLANNED,
        None,
        Credential(code="4711"),
    )


def test_guest_inside_keeps_the_key_when_an_earlier_booking_comes_up() -> None:
    now = at("11:30")
    plan = planned(booking("10:00", "13:00"), LATE, rooms=[hall(OVERRIDES)], now=now)
    todo = look(plan, row(wish_of(LATE)), now=now)
    assert (todo.steps, todo.again) == ([], at("12:15"))


@pytest.mark.parametrize("unsure", [("room/b",), ()], ids=["unsure", "gone"])
def test_rule_12_guest_inside_whose_booking_is_not_known_keeps_the_key(unsure) -> None:
    now = at("11:30")
    plan = planned(booking("11:40", "13:00"), rooms=[hall(OVERRIDES)], now=now)
    (new,) = wishes(plan)
    late = row(wish_of(LATE))
    todo = look(plan, late, now=now, unsure=unsure)
    assert ((Step.ISSUE, new.reference) in taken(todo)) is (not unsure)
    assert ((Step.REVOKE, late.reference) in taken(todo)) is (not unsure)


def test_next_grant_waits_for_what_is_under_way_at_its_points() -> None:
    plan = planned(LATE, rooms=[hall(OVERRIDES)])
    other = wish_of(EARLY)
    busy = (other.reference,)
    assert look(plan, row(other, ISSUING), busy=busy).steps == []
    todo = look(plan, row(other, REVOKING), busy=busy)
    assert taken(todo) == [(Step.ISSUE, wishes(plan)[0].reference)]


def test_people_of_a_booking_join_one_after_the_other() -> None:
    """Else the second one's would cancel the first one's."""
    both = replace(EARLY, participants=(Person(phone="+4522222222"),))
    plan = planned(both, rooms=[hall(OVERRIDES)])
    anna, other = wishes(plan)
    assert taken(look(plan)) == [(Step.ISSUE, anna.reference)]
    unknown = failed(row(anna, ISSUING), "no_confirmation", NOW, 1.0)
    assert look(plan, unknown).steps == []
    for state in (ISSUED, FAILED, PLANNED):
        first = replace(row(anna, state), retry_at=NOW + seconds(9))
        assert taken(look(plan, first)) == [(Step.ISSUE, other.reference)]


def test_change_in_doubt_holds_up_no_other_person_of_the_booking() -> None:
    kind = Traits(overrides=True, changes=True)
    both = replace(EARLY, participants=(Person(phone="+4522222222"),))
    plan = planned(both, rooms=[hall(kind)])
    anna, other = wishes(plan)
    unclear = failed(row(anna, ISSUING, replaces="old"), "no_confirmation", NOW, 1.0)
    assert taken(look(plan, unclear)) == [(Step.ISSUE, other.reference)]


def test_lost_grant_of_a_booking_that_is_over_keeps_nobody_out() -> None:
    lapsed = row(wish_of(BEFORE), ISSUING)
    now = at("09:30")
    plan = planned(EARLY, rooms=[hall(OVERRIDES)], now=now)
    todo = look(plan, lapsed, now=now)
    assert taken(todo) == [(Step.ISSUE, wishes(plan)[0].reference)]


def test_plan_says_that_a_guest_waits_for_the_earlier_one() -> None:
    room = hall(OVERRIDES)
    plan = planned(EARLY, LATE, rooms=[room])
    until = at("00:00", day=1)

    def stages(now) -> dict[str, Stage]:
        lines = explain(room, found(EARLY, LATE), now, until, plan)
        return {x.booking.id: x.stage for x in lines if x.effect is Effect.ACCESS}

    assert stages(NOW) == {"a": Stage.COMING, "b": Stage.WAITING}
    assert stages(at("11:00")) == {"a": Stage.NOW, "b": Stage.WAITING}
    assert stages(at("11:15")) == {"b": Stage.NOW}
    later = booking("14:00", "15:00", id="d")
    known = found(EARLY, later)
    plan = planned(EARLY, later, rooms=[room])
    for line in explain(room, known, NOW, until, plan):
        assert line.stage is Stage.COMING  # who waits until then waits for nobody
    plan = planned(EARLY, LATE, rooms=[room])
    lights = explain(room, found(EARLY, LATE), at("11:00"), until, plan)
    assert {x.stage for x in lights if x.effect is Effect.LIGHT} == {Stage.NOW}


# ---- changes

CHANGES = Traits(changes=True)
LONGER = booking(end="12:00")


def change_plan(*bookings: Booking, now=NOW, traits=CHANGES) -> Plan:
    """Return the plan of a room whose grants can be changed."""
    return planned(*bookings, rooms=[hall(traits)], now=now)


OLD = row(wish_of(EARLY, CHANGES), issued_id="1", credential=Credential(code="4711"))
NEW = wish_of(LONGER, CHANGES)


def test_rule_03_changed_booking_changes_its_grant() -> None:
    """Both are in the ledger before it is sent, and the new one knows the code."""
    todo = look(change_plan(LONGER), OLD)
    (step,) = todo.steps
    assert (step.step, step.wish, step.source) == (Step.CHANGE, NEW, OLD)
    assert (step.row.reference, step.row.state) == (NEW.reference, ISSUING)
    assert (step.row.replaces, step.row.credential) == (OLD.reference, OLD.credential)
    assert (step.row.end, step.row.issued_id) == (at("12:15"), None)
    assert todo.drop == []


def test_rule_03_guest_who_moves_keeps_the_changed_grant() -> None:
    rooms = [
        hall(CHANGES, id="one"),
        hall(CHANGES, BACK, id="two", resource_id="two"),
    ]
    old = row(wishes(planned(EARLY, rooms=rooms))[0])
    plan = planned(replace(EARLY, resource_id="two"), rooms=rooms)
    (step,) = look(plan, old).steps
    assert (step.step, step.source, step.row.points) == (Step.CHANGE, old, ("back",))


@pytest.mark.parametrize(
    "source",
    [
        replace(OLD, overridden=True),
        replace(OLD, state=PLANNED),
        replace(OLD, state=ISSUING),
        replace(OLD, state=GrantState.SUSPENDED),
        replace(OLD, end=NOW),
    ],
    ids=["cancelled", "planned", "in doubt", "blocked", "over"],
)
def test_rule_03_what_is_not_there_for_certain_is_not_changed(source) -> None:
    todo = look(change_plan(LONGER), source)
    assert (Step.ISSUE, NEW.reference) in taken(todo)


def test_rule_03_what_cannot_be_changed_is_made_anew() -> None:
    refused = row(NEW, PLANNED, cannot_change=True)
    todo = look(change_plan(LONGER), OLD, refused)
    assert taken(todo) == [(Step.ISSUE, NEW.reference)]
    todo = look(change_plan(LONGER), OLD, row(NEW, cannot_change=True))
    assert taken(todo) == [(Step.REVOKE, OLD.reference)]


@pytest.mark.parametrize("state", [ISSUING, PLANNED])
def test_rule_08_change_that_a_crash_left_is_done_again(state: GrantState) -> None:
    unclear = row(NEW, state, replaces=OLD.reference)
    (step,) = look(change_plan(LONGER), OLD, unclear).steps
    assert (step.step, step.source, step.row.reference) == (
        Step.CHANGE,
        OLD,
        NEW.reference,
    )


def test_rule_08_change_whose_grant_went_meanwhile_is_looked_for() -> None:
    unclear = row(NEW, ISSUING, replaces=OLD.reference)
    todo = look(change_plan(LONGER), unclear)
    assert taken(todo) == [(Step.RESOLVE, NEW.reference)]
    (step,) = look(change_plan(LONGER), replace(unclear, state=PLANNED)).steps
    assert (step.step, step.row.replaces) == (Step.ISSUE, "")


def test_rule_08_grant_and_what_it_was_made_of_are_one() -> None:
    """No step is taken with one of them while there is one with the other."""
    unclear = row(NEW, ISSUING, replaces=OLD.reference)
    for busy in (OLD.reference, NEW.reference):
        assert look(change_plan(LONGER), OLD, unclear, busy=(busy,)).steps == []
        assert look(change_plan(), OLD, unclear, busy=(busy,)).steps == []


def test_rule_04_cancelled_amid_a_change_loses_the_grant_it_had() -> None:
    """That has the vendor's id, whichever of the two it is by now."""
    unclear = row(NEW, ISSUING, replaces=OLD.reference)
    todo = look(change_plan(), unclear, OLD)
    assert taken(todo) == [(Step.REVOKE, OLD.reference)]
    assert todo.drop == [NEW.reference]


def test_rule_03_booking_that_changes_twice_changes_what_is_there() -> None:
    third = booking(end="13:00")
    unclear = row(NEW, ISSUING, replaces=OLD.reference)
    (wish,) = wishes(change_plan(third))
    todo = look(change_plan(third), OLD, unclear, busy=(NEW.reference,))
    assert todo.steps == []
    todo = look(change_plan(third), OLD, unclear)
    assert taken(todo) == [(Step.CHANGE, wish.reference)]
    assert (todo.steps[0].source, todo.drop) == (OLD, [NEW.reference])


def test_rule_03_grant_of_another_room_over_the_resource_is_not_changed() -> None:
    one, other = hall(CHANGES), hall(CHANGES, BACK, id="other")
    plan = planned(EARLY, rooms=[one, other])
    first, second = wishes(plan)
    todo = look(plan, row(first))
    assert taken(todo) == [(Step.ISSUE, second.reference)]


def test_changed_stay_waits_for_the_earlier_guest_of_its_new_time() -> None:
    both = Traits(changes=True, overrides=True)
    later = booking("14:00", "15:00", id="b")
    old = row(wish_of(later, both))
    plan = planned(EARLY, LATE, rooms=[hall(both)])
    late = wishes(plan)[1]
    todo = look(plan, row(wishes(plan)[0]), old)
    assert (todo.steps, todo.again) == ([], at("11:15"))
    now = at("11:15")
    plan = planned(EARLY, LATE, rooms=[hall(both)], now=now)
    todo = look(plan, row(late, PLANNED), old, now=now)
    assert taken(todo) == [(Step.CHANGE, late.reference)]
    assert todo.write == []


# ---- suspended

BLOCKED = replace(EARLY, blocked=True)
SUSPENDS = Traits(suspends=True)
SUSPENDING, SUSPENDED = GrantState.SUSPENDING, GrantState.SUSPENDED


@pytest.mark.parametrize("traits", [SUSPENDS, Traits()], ids=["can", "cannot"])
def test_blocked_booking_is_handed_out_nothing(traits: Traits) -> None:
    plan = planned(BLOCKED, rooms=[hall(traits)])
    wish = wish_of(EARLY, traits)
    for rows in ([], [row(wish, PLANNED)], [row(wish, FAILED)]):
        todo = look(plan, *rows)
        assert (todo.steps, todo.write, todo.drop) == ([], [], [])
    assert plan_of(at("10:00"), BLOCKED).demands == {}
    nothing = replace(BLOCKED, end=BLOCKED.start)
    assert wishes(planned(nothing, rooms=[hall(traits)])) == []


@pytest.mark.parametrize(
    ("blocked", "state", "step", "after"),
    [
        (True, ISSUED, Step.SUSPEND, SUSPENDING),
        (True, SUSPENDING, Step.SUSPEND, SUSPENDING),
        (True, SUSPENDED, None, None),
        (True, ISSUING, Step.RESOLVE, ISSUING),
        (True, REVOKING, Step.REVOKE, REVOKING),
        (False, SUSPENDING, Step.RESUME, SUSPENDING),
        (False, SUSPENDED, Step.RESUME, SUSPENDING),
    ],
)
def test_block_is_carried_out_and_ended(blocked, state, step, after) -> None:
    """Which of both was under way at a crash makes no difference."""
    plan = planned(BLOCKED if blocked else EARLY, rooms=[hall(SUSPENDS)])
    todo = look(plan, row(wish_of(EARLY, SUSPENDS), state))
    assert [(e.step, e.row.state) for e in todo.steps] == (
        [(step, after)] if step else []
    )


@pytest.mark.parametrize("state", [SUSPENDING, SUSPENDED])
def test_rule_04_blocked_and_then_cancelled_is_revoked(state: GrantState) -> None:
    todo = look(planned(rooms=[hall(SUSPENDS)]), row(wish_of(EARLY, SUSPENDS), state))
    assert [each.row.state for each in todo.steps] == [REVOKING]


def test_block_where_grants_cannot_be_blocked_takes_them_back() -> None:
    wish = wish_of(EARLY, Traits())
    todo = look(planned(BLOCKED, rooms=[hall(Traits())]), row(wish))
    assert taken(todo) == [(Step.REVOKE, wish.reference)]


def test_block_ends_what_a_changed_booking_had() -> None:
    blocked = replace(LONGER, blocked=True)
    todo = look(planned(blocked, rooms=[hall(SUSPENDS)]), row(wish_of(EARLY, SUSPENDS)))
    assert [each.row.state for each in todo.steps] == [REVOKING]


def test_failed_block_is_tried_again_with_its_attempts() -> None:
    plan, wish = planned(BLOCKED, rooms=[hall(SUSPENDS)]), wish_of(EARLY, SUSPENDS)
    waiting = failed(row(wish, SUSPENDING), "not_reachable", NOW, 1.0)
    assert look(plan, waiting).steps == []
    (step,) = look(plan, waiting, now=NOW + seconds(5)).steps
    assert (step.step, step.row.attempts, step.row.retry_at) == (Step.SUSPEND, 1, None)
    (step,) = look(plan, replace(row(wish), attempts=3)).steps
    assert step.row.attempts == 0


def test_blocked_guest_still_has_the_room_where_the_next_would_cancel_the_key() -> None:
    plan = planned(BLOCKED, LATE, rooms=[hall(OVERRIDES)])
    assert plan.due(wishes(plan)[1]) == at("11:15")


# ---- cards

CARDS = Traits(changes=True, overrides=True, suspends=True)


def desk(traits: Traits = CARDS, **changes) -> Room:
    """Return a room for which cards are written."""
    point = changes.pop("point", FRONT)
    made = {"granted": (), "cards": (point,), "traits": {point: traits}}
    return granting(**{**made, **changes})


def card_plan(*bookings: Booking, now=NOW, rooms=None) -> Plan:
    """Return the plan of a room for which cards are written."""
    return planned(*bookings, rooms=rooms or [desk()], now=now)


def written(it: Booking = EARLY, now=NOW, rooms=None, **changes) -> GrantRow:
    """Return the row of a card that was written for a booking."""
    plan = card_plan(it, now=now, rooms=rooms)
    (card,) = next(each.cards for each in plan.rooms.values() if each.cards)
    (step,) = write_card(plan, {}, card_wish(card, "card1"), now, ()).steps
    assert (step.step, step.row.state, step.row.card) == (Step.ISSUE, ISSUING, True)
    made = {"state": ISSUED, "issued_id": "7"}
    return replace(step.row, **{**made, **changes})


def test_nobody_gets_a_card_by_itself() -> None:
    todo = look(card_plan(EARLY))
    assert (todo.steps, todo.write, wishes(card_plan(EARLY))) == ([], [], [])


def test_card_stays_while_its_booking_stands() -> None:
    todo = look(card_plan(EARLY), written(), row(wish_of(EARLY)))
    assert (Step.REVOKE, written().reference) not in taken(todo)
    assert look(card_plan(EARLY), written()).steps == []
    now = at("11:15")
    todo = look(card_plan(EARLY, now=now), written(), now=now)
    assert (todo.steps, todo.drop, todo.again) == ([], [], now + REMEMBERED)


@pytest.mark.parametrize("state", [ISSUED, ISSUING, SUSPENDED])
def test_rule_04_cancelled_booking_loses_its_cards_and_keys_in_any_order(state) -> None:
    card, key = written(state=state), row(wish_of(EARLY))
    for rows in ([card, key], [key, card]):
        todo = look(card_plan(), *rows)
        assert {each.row.reference for each in todo.steps} == {
            card.reference,
            key.reference,
        }
        assert {each.row.state for each in todo.steps} == {REVOKING}


def test_rule_08_card_in_doubt_is_never_written_or_looked_for_by_itself() -> None:
    assert look(card_plan(EARLY), written(state=ISSUING)).steps == []


def test_card_follows_its_booking_by_a_change() -> None:
    two = [desk(id="one"), desk(id="two", resource_id="two", point=BACK)]
    for it, rooms in ((LONGER, None), (replace(EARLY, resource_id="two"), two)):
        plan = card_plan(it, rooms=rooms)
        card = written(rooms=rooms)
        (step,) = look(plan, card).steps
        assert (step.step, step.source, step.row.card) == (Step.CHANGE, card, True)
        (window,) = {e.window for each in plan.rooms.values() for e in each.cards}
        assert (step.row.start, step.row.end) == (window.start, window.end)
        unclear = failed(step.row, "no_confirmation", NOW, 1.0)
        later = NOW + seconds(5)
        (again,) = look(plan, card, unclear, now=later).steps
        assert (again.step, again.source) == (Step.CHANGE, card)


def test_card_that_cannot_follow_stays_where_it_does_no_harm() -> None:
    """Nobody can write another by itself."""
    rooms = [desk(Traits())]
    card = written(rooms=rooms)
    todo = look(card_plan(LONGER, rooms=rooms), card)
    assert (todo.steps, todo.drop, todo.again) == ([], [], at("09:45"))
    now = at("11:00")
    assert look(card_plan(LONGER, rooms=rooms, now=now), card, now=now).steps == []
    shorter, now = booking(end="10:15"), at("10:31")
    todo = look(card_plan(shorter, rooms=rooms, now=now), card, now=now)
    assert taken(todo) == [(Step.REVOKE, card.reference)]


def test_card_of_a_room_that_the_guest_left_is_revoked() -> None:
    rooms = [
        desk(Traits(), id="one"),
        desk(Traits(), id="two", resource_id="two", point=BACK),
    ]
    now = at("10:30")
    card = written(rooms=rooms)
    plan = card_plan(replace(EARLY, resource_id="two"), rooms=rooms, now=now)
    assert taken(look(plan, card, now=now)) == [(Step.REVOKE, card.reference)]


def test_card_that_cannot_be_changed_is_not_tried_for_ever() -> None:
    plan = card_plan(LONGER)
    (wish,) = {each.wish.reference for each in look(plan, written()).steps if each.wish}
    refused = replace(written(), reference=wish, state=FAILED)
    assert look(plan, written(), refused).steps == []
    lost = replace(refused, state=PLANNED)
    assert look(plan, replace(written(), overridden=True), lost).drop == [wish]


def test_card_of_a_blocked_booking_is_blocked() -> None:
    todo = look(card_plan(BLOCKED), written())
    assert [each.step for each in todo.steps] == [Step.SUSPEND]


def test_card_is_refused_while_the_guest_before_has_the_room() -> None:
    now = at("11:10")
    plan = card_plan(EARLY, LATE, now=now)
    late = card_wish(plan.rooms["room"].cards[1], "new")
    assert write_card(plan, {}, late, now, ()).steps == []
    now = at("11:15")
    assert len(write_card(plan, {}, late, now, ()).steps) == 1
    early = card_wish(plan.rooms["room"].cards[0], "new")
    inside = written(LATE)
    assert write_card(plan, {inside.reference: inside}, early, now, ()).steps == []


def test_card_may_cancel_what_later_guests_have() -> None:
    """Who has a card can only be told; who has a key in the phone gets it anew."""
    plan = card_plan(EARLY, LATE)
    early = card_wish(plan.rooms["room"].cards[0], "new")
    later = written(LATE)
    todo = write_card(plan, {later.reference: later}, early, NOW, ())
    assert todo.write == [replace(later, overridden=True)]
    assert look(plan, todo.write[0]).steps == []


def test_card_is_that_of_the_room_it_was_written_for() -> None:
    """Two rooms over one resource have cards for the same bookings."""
    rooms = [desk(id="one"), desk(id="two", point=BACK)]
    for its, point in (("one", "front"), ("two", "back")):
        (card,) = card_plan(EARLY, rooms=rooms).rooms[its].cards
        made = first_row(card_wish(card, "card"), ISSUED)
        assert (made.points, made.bearer) == ((point,), "")
        todo = look(card_plan(EARLY, rooms=rooms), made)
        assert (todo.steps, todo.write) == ([], [])


def test_two_cards_of_a_booking_are_two_grants() -> None:
    (card,) = card_plan(EARLY).rooms["room"].cards
    one, other = card_wish(card, "one"), card_wish(card, "other")
    assert one.reference != other.reference
    first = first_row(one, ISSUED)
    plan = card_plan(EARLY)
    rows = {first.reference: first}
    assert len(write_card(plan, rows, other, NOW, ()).steps) == 1
    unclear = {first.reference: replace(first, state=ISSUING)}
    assert len(write_card(plan, unclear, other, NOW, ()).steps) == 1


def test_pass_levels_are_on_the_card_too() -> None:
    gym = "locks/gym"
    room = desk(cards=(FRONT, gym, "more/1"))
    cards = card_plan(EARLY, rooms=[room]).rooms["room"].cards
    assert [(each.account_id, each.points) for each in cards] == [
        ("locks", ("front", "gym")),
        ("more", ("1",)),
    ]
