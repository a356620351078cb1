"""Bookings that are brought to us one by one, late ones and repeated ones included."""

from datetime import timedelta
from itertools import permutations

import pytest

from custom_components.booking_access.engine.bookings import (
    KEEP_UNASKED,
    AccountBookings,
    forget,
    merge,
)
from custom_components.booking_access.engine.models import (
    NOBODY,
    Absence,
    Booking,
    BookingStatus,
)

from .builders import answer, at, booking

NOW = at("06:00")
NEW = booking(updated_at=at("05:00"))
MOVED = booking("12:00", "13:00", updated_at=at("05:10"))
GONE = booking(status=BookingStatus.CANCELLED, updated_at=at("05:20"))
BACK = booking("14:00", "15:00", updated_at=at("05:30"))


def brought(
    found: AccountBookings, *bookings: Booking, absence: Absence = Absence.PUSH
) -> tuple[AccountBookings, list[str]]:
    """Bring bookings, one by one; returns what is known, and what was told."""
    told: list[str] = []
    for each in bookings:
        snapshot = answer(each, now=NOW, complete=False)
        found, changes = merge(found, snapshot, NOW, absence)
        told += [change.kind.value for change in changes]
    return found, told


def counting(found: AccountBookings) -> tuple[Booking, ...]:
    """Return the bookings that count."""
    return found.by_resource.get("hall", ())


@pytest.mark.parametrize("order", permutations((NEW, MOVED, GONE)))
def test_rule_04_what_was_cancelled_stays_so_in_whatever_order_it_is_told(
    order: tuple[Booking, ...],
) -> None:
    found, _ = brought(AccountBookings(), *order, *order)
    assert not counting(found)


@pytest.mark.parametrize("order", permutations((NEW, MOVED, GONE, BACK)))
def test_rule_03_the_newest_word_counts_in_whatever_order_it_is_told(
    order: tuple[Booking, ...],
) -> None:
    found, _ = brought(AccountBookings(), *order)
    assert counting(found) == (BACK,)


def test_rule_03_what_is_told_again_is_no_news() -> None:
    found, told = brought(AccountBookings(), NEW, NEW, MOVED, MOVED, GONE, GONE, BACK)
    assert told == ["created", "changed", "cancelled", "created"]
    again, told = brought(found, BACK, GONE, MOVED, NEW)
    assert told == []
    assert again is found


def test_without_a_time_the_last_word_counts() -> None:
    plain = booking()
    moved = booking("12:00", "13:00")
    cancelled = booking(status=BookingStatus.CANCELLED)
    found, told = brought(AccountBookings(), moved, plain)
    assert counting(found) == (plain,)
    found, told = brought(found, cancelled)
    assert told == ["cancelled"]
    assert not found.known
    assert brought(found, plain)[1] == ["created"]


def test_rule_15_of_what_was_cancelled_nothing_personal_is_kept() -> None:
    [kept] = brought(AccountBookings(), NEW, GONE)[0].known.values()
    assert (kept.booking.holder, kept.booking.summary) == (NOBODY, "")
    assert kept.booking.participants == ()


def test_rule_15_what_was_cancelled_is_forgotten_after_its_end() -> None:
    found, _ = brought(AccountBookings(), NEW, GONE)
    over = GONE.end + KEEP_UNASKED
    assert forget(found, over - timedelta(seconds=1)) is found
    assert not forget(found, over).known


def test_rule_04_a_listing_that_lacks_what_was_cancelled_says_nothing_new() -> None:
    """Neither at once nor after an hour."""
    found, _ = brought(AccountBookings(), NEW, GONE, absence=Absence.LISTING)
    for minute in (0, 2, 90):
        now = NOW + timedelta(minutes=minute)
        found, changes = merge(found, answer(now=now), now, Absence.LISTING)
        assert not changes
        assert not found.uncertain


def test_rule_03_a_listing_that_names_it_again_has_the_last_word() -> None:
    found, _ = brought(AccountBookings(), NEW, GONE, absence=Absence.LISTING)
    found, changes = merge(found, answer(NEW, now=NOW), NOW, Absence.LISTING)
    assert [each.kind.value for each in changes] == ["created"]
    assert counting(found) == (NEW,)
