"""Which grants are wished for, and which wish is the same as before."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    Effect,
    Person,
    Timing,
)
from custom_components.booking_access.engine.plan import plan
from custom_components.booking_access.engine.wishes import people

from .builders import (
    ANNA,
    at,
    booking,
    granting,
    minutes,
    plan_of,
    seconds,
    sorted_out,
    timing,
)

NOW = at("06:00")
INSTANT = seconds(0.000001)


def wishes(*bookings: Booking, now: datetime = NOW, **changes):
    """Return what is wished for in a room that hands out keys."""
    return plan_of(now, *bookings, rooms=[granting(**changes)]).rooms["room"].wishes


def test_wish_names_person_points_and_window() -> None:
    (wish,) = wishes(booking())
    assert wish.person == ANNA
    assert (wish.account_id, wish.points) == ("locks", ("front",))
    assert (wish.window.start, wish.window.end) == (at("09:45"), at("11:15"))
    assert (wish.room_id, wish.booking_id) == ("room", "a")
    assert "1111" not in repr(wish)


def test_one_wish_for_each_access_account() -> None:
    found = wishes(booking(), granted=("x/1", "y/a/b", "x/2"))
    assert [(each.account_id, each.points) for each in found] == [
        ("x", ("1", "2")),
        ("y", ("a/b",)),
    ]
    assert found[0].subject != found[1].subject


@pytest.mark.parametrize(
    ("now", "wished", "until"),
    [
        (at("09:45") - timedelta(days=2) - INSTANT, False, at("09:45", day=-2)),
        (at("09:45") - timedelta(days=2), True, at("09:45")),
        (at("11:15") - INSTANT, True, at("11:15")),
        (at("11:15"), False, FOREVER),
    ],
)
def test_wishes_only_within_issue_ahead(now: datetime, wished: bool, until) -> None:
    hall = granting(issue_ahead=timedelta(days=2))
    found = plan_of(now, booking(), rooms=[hall])
    assert bool(found.rooms["room"].wishes) is wished
    assert found.until == until


def test_wish_for_a_booking_that_runs_keeps_its_start() -> None:
    ahead = wishes(booking())
    assert wishes(booking(), now=at("11:10")) == ahead


def test_short_issue_ahead_hides_no_other_effect() -> None:
    """The lights of both come on long before the keys of the first are handed out."""
    hall = granting(
        issue_ahead=timedelta(), timing=timing(0, 0, light=Timing(lead=minutes(30)))
    )
    made = booking("10:00", "11:00"), booking("10:05", "11:00", id="b")
    found = plan_of(at("09:40"), *made, rooms=[hall]).rooms["room"]
    assert found.active[Effect.LIGHT] == {"a", "b"}
    assert found.until == at("10:00")
    found = plan_of(at("09:31"), *made, rooms=[hall]).rooms["room"]
    assert found.upcoming[Effect.LIGHT] == at("09:35")
    assert found.until == at("09:35")


SAME = [
    {},
    {"summary": "New name"},
    {"updated_at": at("05:00")},
    {"holder": replace(ANNA, name="Anna B.")},
    {"holder": replace(ANNA, phone="+45 11 11 11 11")},
    {"holder": replace(ANNA, phone="+45-1111-1111")},
    {"holder": replace(ANNA, email="anna@example.com")},
]
OTHER_WISH = [
    {"start": at("10:01")},
    {"end": at("11:01")},
]
OTHER_SUBJECT = [
    {"id": "b", "holder": ANNA},
    {"holder": replace(ANNA, phone="+4522222222")},
    {"holder": Person(name="Anna")},
    {"holder": Person(name="Anna", id="7")},
    {"holder": Person(name="Anna", id="7", email="anna@example.com")},
    {"holder": Person(phone="unknown", name="Anna B.")},
]


def test_reference_is_short_and_gives_nothing_away() -> None:
    (wish,) = wishes(booking())
    assert len(wish.reference) == len(wish.subject) == 20
    assert set(wish.reference + wish.subject) <= set("0123456789abcdef")


@pytest.mark.parametrize("changes", SAME)
def test_rule_03_same_wish_has_the_same_reference(changes) -> None:
    (before,), (after,) = wishes(booking()), wishes(booking(**changes))
    assert after.reference == before.reference
    assert after.subject == before.subject


@pytest.mark.parametrize("changes", OTHER_WISH)
def test_rule_03_changed_wish_has_another_reference_for_the_same_subject(
    changes,
) -> None:
    (before,), (after,) = wishes(booking()), wishes(booking(**changes))
    assert after.reference != before.reference
    assert after.subject == before.subject


@pytest.mark.parametrize(
    "holders",
    [
        (Person(name="Anna"), Person(name="Bo")),
        (Person(name="Anna", id="7"), Person(name="Anna", id="8")),
        (Person(name="Anna", email="a@x.com"), Person(name="Anna", email="b@x.com")),
        (Person(phone="none", email="a@x.com"), Person(phone="none", email="b@x.com")),
    ],
)
def test_people_without_a_phone_are_told_apart(holders: tuple[Person, Person]) -> None:
    one, two = (wishes(booking(holder=each))[0] for each in holders)
    assert one.subject != two.subject


@pytest.mark.parametrize("changes", OTHER_SUBJECT)
def test_another_person_or_booking_is_another_subject(changes) -> None:
    (before,), (after,) = wishes(booking()), wishes(booking(**changes))
    assert after.reference != before.reference
    assert after.subject != before.subject


def test_rule_03_other_points_are_another_wish_and_another_order_is_not() -> None:
    one, two, three = (
        wishes(booking(), granted=points)[0]
        for points in (
            ("locks/front", "locks/back"),
            ("locks/back", "locks/front"),
            ("locks/back",),
        )
    )
    assert one.reference == two.reference != three.reference
    assert one.subject == two.subject == three.subject


def test_rule_03_booking_that_changes_room_keeps_its_subject() -> None:
    rooms = [granting(id="one"), granting(id="two", resource_id="two")]
    before = plan_of(NOW, booking(), rooms=rooms).rooms["one"].wishes[0]
    moved = booking(resource_id="two")
    after = plan_of(NOW, moved, rooms=rooms).rooms["two"].wishes[0]
    assert after.subject == before.subject
    assert after.reference != before.reference


def test_same_booking_id_in_another_account_is_another_subject() -> None:
    rooms = [granting(id="one"), granting(id="two", account_id="more")]
    by_account = {"bookings": sorted_out([booking()]), "more": sorted_out([booking()])}
    found = plan(rooms, by_account, NOW).rooms
    assert found["one"].wishes[0].subject != found["two"].wishes[0].subject


def test_people_are_the_holder_and_those_who_can_be_reached() -> None:
    phone, mail = Person(phone="+4522222222"), Person(email="c@example.com")
    made = booking(
        participants=(phone, Person(name="Unreachable"), mail, replace(mail, name="C"))
    )
    assert people(made) == (ANNA, phone, mail)


@pytest.mark.parametrize(
    "participant",
    [
        replace(ANNA, name="A. B."),
        Person(phone="+45 1111 1111"),
        Person(phone="+45 (11) 11-11.11", email="a@example.com"),
    ],
)
def test_nobody_gets_two_grants(participant: Person) -> None:
    assert people(booking(participants=(participant,))) == (ANNA,)


def test_mail_addresses_are_the_same_in_capitals() -> None:
    holder = Person(email="Anna@Example.com")
    made = booking(holder=holder, participants=(Person(email="anna@example.com"),))
    assert people(made) == (holder,)


def test_holder_without_a_name_still_gets_in() -> None:
    (wish,) = wishes(booking(holder=Person()))
    assert wish.person == Person()
