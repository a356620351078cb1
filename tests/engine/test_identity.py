"""The same booking under another id (rule 3)."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.booking_access.engine.bookings import (
    AccountBookings,
    forget,
    merge,
    restore,
)
from custom_components.booking_access.engine.models import (
    NOBODY,
    Absence,
    Booking,
    BookingStatus,
    Person,
    Snapshot,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = Person(name="Anna", phone="+4520123456")
BO = Person(name="Bo", phone="+4520123457")


def stay(
    key: str, start: int = 10, end: int = 20, holder: Person = ANNA, **more
) -> Booking:
    """Return a booking of the flat, in hours from now."""
    fields = {"resource_id": "flat", "summary": "Reserved", **more}
    return Booking(
        id=key, start=NOW + start * HOUR, end=NOW + end * HOUR, holder=holder, **fields
    )


def told(
    old: AccountBookings, *bookings: Booking, absence: Absence = Absence.LISTING, **more
) -> tuple[AccountBookings, list[tuple[str, str]]]:
    """Return what is known after an answer, and what it changed."""
    window = {"start": NOW, "end": NOW + 400 * HOUR}
    found, changes = merge(
        old, Snapshot(bookings=bookings, **window, **more), NOW, absence
    )
    return found, [(each.booking.id, each.kind.value) for each in changes]


@pytest.fixture
def known() -> AccountBookings:
    """One known booking, which its feed calls a."""
    return told(AccountBookings(), stay("a"))[0]


def test_rule_03_extended_stay_under_a_new_id_is_the_same(
    known: AccountBookings,
) -> None:
    """It is changed, not cancelled and made; also at the next answers."""
    found, changes = told(known, stay("b", end=30))
    assert changes == [("a", "changed")]
    assert [(each.id, each.end) for each in found.by_resource["flat"]] == [
        ("a", NOW + 30 * HOUR)
    ]
    again, changes = told(found, stay("b", end=30))
    assert again is found
    assert changes == []
    moved, changes = told(again, stay("b", end=31))
    assert changes == [("a", "changed")]
    assert set(moved.known) == {"a"}


def test_rule_03_a_new_id_alone_changes_nothing_but_is_remembered(
    known: AccountBookings,
) -> None:
    """So that a later, partial answer is understood as well."""
    found, changes = told(known, stay("b"))
    assert changes == []
    assert found.by_resource["flat"] is known.by_resource["flat"]
    found, changes = told(found, stay("b"), complete=False)
    assert changes == []
    assert set(found.known) == {"a"}


def test_rule_03_the_new_id_outlives_a_restart(known: AccountBookings) -> None:
    """It is stored with the bookings."""
    found, _ = told(known, stay("b", end=30))
    stored = restore(found.known.values(), aliases=found.aliases)
    again, changes = told(stored, stay("b", end=30))
    assert changes == []
    assert set(again.known) == {"a"}


@pytest.mark.parametrize(
    "other",
    [
        stay("b", holder=BO),
        stay("b", start=20, end=30),
        stay("b", start=5, end=10),
        stay("b", start=1, end=5),
        stay("b", start=21, end=30),
        stay("b", resource_id="house"),
        stay("b", status=BookingStatus.CANCELLED),
    ],
    ids=[
        "other people",
        "touches the end",
        "touches the start",
        "before",
        "after",
        "other room",
        "cancelled",
    ],
)
def test_rule_03_other_bookings_stay_other_bookings(
    known: AccountBookings, other: Booking
) -> None:
    """Somebody else's is never taken for it."""
    found, _ = told(known, other)
    assert found.known["a"].booking == stay("a")
    assert not found.aliases


@pytest.mark.parametrize(
    ("more", "absence"),
    [
        ({"complete": False}, "listing"),
        ({"missing": frozenset({"flat"})}, "listing"),
        ({}, "push"),
    ],
)
def test_rule_03_only_a_complete_answer_tells_that_the_old_id_is_gone(
    known: AccountBookings, more: dict, absence: str
) -> None:
    """Else there may be two."""
    found, changes = told(known, stay("b", end=30), absence=Absence(absence), **more)
    assert changes == [("b", "created")]
    assert set(found.known) == {"a", "b"}


def test_rule_03_both_are_still_there(known: AccountBookings) -> None:
    """Two bookings of the same people that overlap are two bookings."""
    found, changes = told(known, stay("a"), stay("b", end=30))
    assert changes == [("b", "created")]
    assert set(found.known) == {"a", "b"}


@pytest.mark.parametrize(
    ("after", "same"),
    [
        (stay("b", end=30, holder=NOBODY), True),
        (stay("b", start=5, holder=NOBODY), True),
        (stay("b", start=11, end=21, holder=NOBODY), False),
        (stay("b", end=30, holder=NOBODY, summary="Blocked"), False),
        (stay("b", end=30, holder=NOBODY, summary=""), False),
    ],
)
def test_rule_03_where_nobody_is_named_it_must_be_called_the_same(
    after: Booking, same: bool
) -> None:
    """And start or end with it."""
    known, _ = told(AccountBookings(), stay("a", holder=NOBODY))
    found, _ = told(known, after)
    assert ("b" not in found.known) is same


def test_rule_03_where_nothing_is_named_nothing_is_the_same() -> None:
    """Two bookings without a word on them may be anybody's."""
    known, _ = told(AccountBookings(), stay("a", holder=NOBODY, summary=""))
    found, changes = told(known, stay("b", end=30, holder=NOBODY, summary=""))
    assert changes == [("b", "created")]
    assert not found.aliases


def test_rule_03_only_one_new_booking_is_the_one_that_vanished(
    known: AccountBookings,
) -> None:
    """The other one is new."""
    found, changes = told(known, stay("b", end=30), stay("c", end=31))
    assert sorted(changes) == [("a", "changed"), ("c", "created")]
    assert set(found.known) == {"a", "c"}


def test_rule_03_the_new_id_is_forgotten_with_the_booking(
    known: AccountBookings,
) -> None:
    """But not while its system goes on naming it."""
    found, _ = told(known, stay("b", end=30))
    cancelled = stay("b", end=30, status=BookingStatus.CANCELLED)
    found, _ = told(found, cancelled)
    again, changes = told(found, stay("b", end=30))
    assert changes == [("a", "created")]
    assert again.aliases == {"b": "a"}
    assert not told(found)[0].aliases


def test_rule_03_what_was_the_same_and_is_gone_is_another_one_later(
    known: AccountBookings,
) -> None:
    """An id is not tied for ever to a booking that was cancelled."""
    found, _ = told(known, stay("b", end=30))
    found, changes = told(found, stay("b", end=30, status=BookingStatus.CANCELLED))
    assert changes == [("a", "cancelled")]
    found, _ = told(found)
    found, changes = told(found, stay("b", start=100, end=110))
    assert changes == [("b", "created")]


@pytest.mark.parametrize("order", [1, -1])
def test_rule_03_old_id_that_comes_back_is_a_booking_of_its_own(
    known: AccountBookings, order: int
) -> None:
    """It was only missing from one answer: neither may be lost."""
    found, _ = told(known, stay("b", end=30))
    both = (stay("a"), stay("b", end=30))[::order]
    found, changes = told(found, *both)
    assert sorted(changes) == [("a", "changed"), ("b", "created")]
    assert {key: each.booking for key, each in found.known.items()} == {
        "a": stay("a"),
        "b": stay("b", end=30),
    }
    assert told(found, *both)[0] is found


def test_rule_03_two_new_ids_of_one_are_two_bookings(known: AccountBookings) -> None:
    """Neither may be lost, and they do not change places at each answer."""
    found, _ = told(known, stay("b", end=30))
    found, _ = told(found, stay("c", end=31))
    assert set(found.known) == {"a"}
    found, changes = told(found, stay("c", end=31), stay("b", end=30))
    assert changes == [("b", "created")]
    again, changes = told(found, stay("b", end=30), stay("c", end=31))
    assert again is found
    assert changes == []


def test_rule_15_what_ended_is_forgotten_without_an_answer(
    known: AccountBookings,
) -> None:
    """The vendor may be away for weeks."""
    assert forget(known, NOW + 7 * 24 * HOUR) is known
    assert not forget(known, NOW + 10 * 24 * HOUR).known
