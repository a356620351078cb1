"""What an answer changes about the bookings that are known."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.bookings import (
    AccountBookings,
    Change,
    ChangeKind,
    answer_brake,
    forget,
    keep_resources,
    merge,
    restore,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    Absence,
    Booking,
    BookingStatus,
    Snapshot,
)

from .builders import MONDAY, answer, at, booking, known, minutes, seconds

NOW = at("06:00")
FIVE = tuple(booking(id=name) for name in "abcde")


def ids(found: AccountBookings) -> set[str]:
    """Return which bookings count."""
    return set(found.known)


def news(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    """Return what happened to which booking."""
    return sorted((change.booking.id, change.kind.value) for change in changes)


def listed(
    found: AccountBookings, *answers: tuple[datetime, Snapshot]
) -> tuple[AccountBookings, list[tuple[str, str]]]:
    """Merge answers of a listing one after the other; all that they changed."""
    told: list[tuple[str, str]] = []
    for now, snapshot in answers:
        found, changes = merge(found, snapshot, now, Absence.LISTING)
        told += news(changes)
    return found, told


def silence(*instants: datetime, **changes) -> list[tuple[datetime, Snapshot]]:
    """Return answers at these instants that name another booking and no more."""
    other = booking("20:00", "21:00", id="other")
    return [(now, answer(other, now=now, **changes)) for now in instants]


def emptiness(*instants: datetime, **changes) -> list[tuple[datetime, Snapshot]]:
    """Return answers at these instants without a single booking."""
    return [(now, answer(now=now, **changes)) for now in instants]


def test_rule_03_new_booking_is_created() -> None:
    found, changes = merge(
        AccountBookings(), answer(booking(), now=NOW), NOW, Absence.LISTING
    )
    assert changes == (Change(kind=ChangeKind.CREATED, booking=booking()),)
    assert found.by_resource == {"hall": (booking(),)}


@pytest.mark.parametrize(
    "changes",
    [
        {"start": at("14:00"), "end": at("15:00")},
        {"end": at("12:00")},
        {"end": at("10:30")},
        {"start": at("09:00")},
        {"resource_id": "court"},
        {"status": BookingStatus.TENTATIVE},
    ],
)
@pytest.mark.parametrize("now", [NOW, at("10:15")], ids=["coming", "running"])
def test_rule_03_changed_booking_is_the_same_booking(changes, now: datetime) -> None:
    changed = booking(**changes)
    found, told = merge(
        known(booking(), now=NOW), answer(changed, now=now), now, Absence.LISTING
    )
    assert told == (Change(kind=ChangeKind.CHANGED, booking=changed),)
    assert found.by_resource == {changed.resource_id: (changed,)}


def test_bookings_of_a_resource_are_in_order_of_start() -> None:
    late, early = booking("12:00", "13:00", id="a"), booking("08:00", "09:00", id="b")
    long = booking("08:00", "10:00", id="c")
    assert known(late, long, early, now=NOW).by_resource["hall"] == (early, long, late)


@pytest.mark.parametrize("absence", Absence)
@pytest.mark.parametrize("now", [NOW, at("10:30"), at("11:05")])
@pytest.mark.parametrize("complete", [True, False])
def test_rule_04_explicitly_cancelled_goes_at_once(
    absence: Absence, now: datetime, complete: bool
) -> None:
    cancelled = booking(status=BookingStatus.CANCELLED)
    found, changes = merge(
        known(booking(), now=NOW),
        answer(cancelled, now=now, complete=complete),
        now,
        absence,
    )
    assert changes == (Change(kind=ChangeKind.CANCELLED, booking=cancelled),)
    assert found.known == found.by_resource == {}


def test_rule_04_explicit_cancels_need_no_brake() -> None:
    cancelled = [booking(id=b.id, status=BookingStatus.CANCELLED) for b in FIVE]
    found, told = listed(known(*FIVE, now=NOW), (NOW, answer(*cancelled, now=NOW)))
    assert told == [(name, "cancelled") for name in "abcde"]
    assert not found.held_back


def test_cancelled_booking_that_was_never_known_is_no_news() -> None:
    old = known(booking(id="b"), now=NOW)
    cancelled = booking(status=BookingStatus.CANCELLED)
    found, changes = merge(
        old, answer(booking(id="b"), cancelled, now=NOW), NOW, Absence.LISTING
    )
    assert found is old
    assert not changes


@pytest.mark.parametrize(
    ("instants", "stays", "uncertain"),
    [
        ([0], True, True),
        ([0, 59], True, True),
        ([0, 20, 40, 59], True, True),
        ([0, 60], False, False),
        ([0, 30, 60], False, False),
        ([0, 3600], False, False),
    ],
)
def test_rule_04_vanished_goes_when_seen_missing_twice_a_minute_apart(
    instants: list[int], stays: bool, uncertain: bool
) -> None:
    found, told = listed(
        known(booking(), now=NOW),
        *silence(*(NOW + seconds(each) for each in instants)),
    )
    assert ("a" in ids(found)) is stays
    assert (("a", "cancelled") in told) is not stays
    assert found.uncertain is uncertain


def test_rule_04_reappeared_is_as_if_never_gone() -> None:
    again = answer(booking(), booking("20:00", "21:00", id="other"), now=NOW)
    found, told = listed(
        known(booking(), now=NOW),
        *silence(NOW),
        (NOW + seconds(30), again),
        *silence(NOW + seconds(60), NOW + seconds(90)),
    )
    assert told == [("other", "created")]
    assert "a" in ids(found)
    assert found.uncertain


@pytest.mark.parametrize(
    "changes",
    [
        {"complete": False},
        {"missing": frozenset({"hall"})},
        {"end": at("10:00")},
        {"start": at("11:00")},
    ],
    ids=["partial", "missing resource", "asked until", "asked from"],
)
def test_rule_04_absence_from_an_answer_that_does_not_speak_of_it_means_nothing(
    changes,
) -> None:
    hours = [NOW + timedelta(hours=each) for each in range(3)]
    old, _ = listed(known(booking(), now=NOW), *silence(NOW - minutes(1)))
    found, told = listed(old, *silence(*hours, **changes))
    assert found is old
    assert told == []


@pytest.mark.parametrize("end", ["11:00", FOREVER])
def test_rule_04_running_booking_is_kept_to_its_end(end) -> None:
    found, told = listed(
        known(booking("10:00", end), now=NOW),
        *silence(at("10:00"), at("10:02"), at("10:59")),
    )
    assert "a" in ids(found)
    assert told == [("other", "created")]
    assert not found.uncertain


def test_rule_04_vanished_before_its_start_and_not_yet_confirmed_is_kept_too() -> None:
    found, _ = listed(
        known(booking(), now=NOW), *silence(at("09:59:30"), at("10:00:30"))
    )
    assert "a" in ids(found)


@pytest.mark.parametrize("absence", Absence)
def test_ended_booking_is_left_to_run_out(absence: Absence) -> None:
    found = known(booking(), now=NOW)
    for now in (at("11:00"), at("11:02"), at("10:59", day=1)):
        found, changes = merge(found, answer(now=now), now, absence)
        assert ids(found) == {"a"}
        assert not changes
        assert not found.uncertain


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.CANCELLED])
def test_rule_15_what_ended_long_ago_is_no_news_at_each_answer(status) -> None:
    """Some systems go on naming it; it is forgotten all the same."""
    now = at("11:00", day=1)
    found, told = listed(
        known(booking(), now=NOW), (now, answer(booking(status=status), now=now))
    )
    assert (ids(found), told) == (set(), [])
    again, told = listed(found, (now, answer(booking(status=status), now=now)))
    assert again is found
    assert told == []


def test_vanished_a_moment_before_its_start_is_not_uncertain_for_ever() -> None:
    found, _ = listed(known(booking(), now=NOW), *silence(at("09:59:30")))
    assert found.uncertain
    found, _ = listed(found, *silence(at("10:00")))
    assert not found.uncertain
    assert "a" in ids(found)


def test_no_end_is_no_reason_to_fail() -> None:
    """Some systems write the last day there is for "no end"."""
    found, told = listed(
        known(booking("10:00", datetime.max.replace(tzinfo=UTC)), now=NOW),
        *silence(NOW),
    )
    assert "a" in ids(found)
    assert told == [("other", "created")]


@pytest.mark.parametrize(
    ("instants", "stays"),
    [
        (["06:00"], True),
        (["06:00", "06:01", "06:59:59"], True),
        (["06:00", "06:01", "07:00"], False),
        (["06:00", "07:00"], False),
    ],
)
def test_rule_04_empty_answer_is_believed_after_an_hour(instants, stays: bool) -> None:
    found, told = listed(known(booking(), now=NOW), *emptiness(*map(at, instants)))
    assert ("a" in ids(found)) is stays
    assert told == [("a", "cancelled")][: not stays]


def test_rule_04_hour_of_emptiness_is_waited_for_without_haste() -> None:
    """After the second answer it is no use to ask every minute."""
    found, _ = listed(known(booking(), now=NOW), *emptiness(at("06:00")))
    assert found.uncertain
    found, _ = listed(found, *emptiness(at("06:01")))
    assert not found.uncertain


def test_rule_04_empty_answer_after_an_empty_one_needs_no_hour_again() -> None:
    """A booking that is missing from an answer with others needs no hour."""
    found, told = listed(
        known(booking(), now=NOW),
        *emptiness(at("06:00"), at("06:01")),
        *silence(at("06:02")),
    )
    assert told == [("a", "cancelled"), ("other", "created")]
    assert ids(found) == {"other"}


@pytest.mark.parametrize(
    "between",
    [
        silence(at("06:30"), missing=frozenset({"hall"})),
        silence(at("06:30"), complete=False),
    ],
    ids=["other resources", "part of it"],
)
def test_rule_04_the_hour_begins_anew_after_an_answer_with_bookings(between) -> None:
    found, _ = listed(
        known(booking(), now=NOW),
        *emptiness(at("06:00"), at("06:01")),
        *between,
        *emptiness(at("07:00"), at("07:29")),
    )
    assert "a" in ids(found)


def test_rule_04_the_hour_goes_on_while_answers_are_partial_and_empty() -> None:
    found, told = listed(
        known(booking(), now=NOW),
        *emptiness(at("06:00")),
        *emptiness(at("06:30"), complete=False),
        *emptiness(at("07:00")),
    )
    assert told == [("a", "cancelled")]
    assert ids(found) == set()


def test_rule_04_each_resource_must_be_empty_for_an_hour() -> None:
    court = booking(id="court", resource_id="court")
    found, told = listed(
        known(booking(), court, now=NOW),
        *emptiness(at("06:00"), at("06:58"), missing=frozenset({"court"})),
        *emptiness(at("07:00"), at("07:59")),
    )
    assert told == [("a", "cancelled")]
    assert ids(found) == {"court"}
    found, told = listed(found, *emptiness(at("08:00")))
    assert told == [("court", "cancelled")]


def test_emptiness_where_nothing_is_missing_changes_nothing() -> None:
    old = known(booking(), now=NOW)
    found, _ = listed(old, *emptiness(at("11:00"), at("12:00")))
    assert found is old


@pytest.mark.parametrize("now", [NOW, at("10:30")], ids=["coming", "running"])
def test_rule_04_gone_from_an_authoritative_system_is_cancelled_at_once(
    now: datetime,
) -> None:
    found, changes = merge(
        known(booking(), now=NOW), answer(now=now), now, Absence.AUTHORITATIVE
    )
    assert news(changes) == [("a", "cancelled")]
    assert changes[0].booking.status is BookingStatus.CANCELLED
    assert ids(found) == set()


def test_rule_04_unavailable_authoritative_system_cancels_nothing() -> None:
    old = known(booking(), now=NOW)
    found, changes = merge(
        old, answer(now=NOW, complete=False), NOW, Absence.AUTHORITATIVE
    )
    assert found is old
    assert not changes


def test_rule_04_absence_from_a_push_means_nothing() -> None:
    old = known(booking(), now=NOW)
    for now in (NOW, at("06:02"), at("08:00")):
        found, changes = merge(old, answer(now=now), now, Absence.PUSH)
        assert found is old
        assert not changes


@pytest.mark.parametrize("absence", [Absence.LISTING, Absence.AUTHORITATIVE])
@pytest.mark.parametrize(
    ("before", "left", "held"),
    [
        (FIVE, FIVE[3:], "abc"),
        (FIVE, FIVE[2:], ""),
        (FIVE[:3], (), "abc"),
        (FIVE[:2], (), ""),
        ((*FIVE, booking(id="f")), FIVE[3:], "abcf"),
        ((*FIVE, booking(id="f")), (*FIVE[3:], booking(id="f")), ""),
    ],
    ids=["3 of 5", "2 of 5", "3 of 3", "2 of 2", "4 of 6", "3 of 6"],
)
def test_rule_04_brake_holds_back_what_vanishes_with_most_others(
    absence: Absence, before, left, held: str
) -> None:
    over = booking("04:00", "05:00", id="over")  # so that it is not empty
    found = known(*before, over, now=NOW)
    for now in (NOW, NOW + seconds(60)):
        found, _ = merge(found, answer(*left, over, now=now), now, absence)
    assert found.held_back == set(held)
    assert ids(found) == {each.id for each in (*left, over)} | set(held)
    assert not found.uncertain


def braked() -> AccountBookings:
    """Return five bookings of which four are held back."""
    found, _ = listed(
        known(*FIVE, now=NOW),
        *((now, answer(FIVE[4], now=now)) for now in (NOW, NOW + seconds(60))),
    )
    return found


def test_rule_04_brake_answered_with_revoke_cancels() -> None:
    found, changes = answer_brake(braked(), revoke=True)
    assert news(changes) == [(name, "cancelled") for name in "abcd"]
    assert ids(found) == {"e"}
    assert not found.held_back


def test_rule_04_brake_answered_with_keep_keeps_them_although_they_stay_away() -> None:
    found, changes = answer_brake(braked(), revoke=False)
    assert not changes
    assert not found.held_back
    assert not found.uncertain
    hours = [at("07:00"), at("07:02"), at("09:00")]
    later, told = listed(found, *((now, answer(FIVE[4], now=now)) for now in hours))
    assert later is found
    assert told == []


@pytest.mark.parametrize("absence", [Absence.LISTING, Absence.AUTHORITATIVE])
def test_rule_04_what_a_human_kept_is_kept_while_it_runs(absence: Absence) -> None:
    found, _ = answer_brake(braked(), revoke=False)
    for now in (at("10:00"), at("10:30")):
        found, changes = merge(found, answer(FIVE[4], now=now), now, absence)
        assert not changes
        assert not found.held_back
    assert ids(found) == set("abcde")


def test_rule_04_what_a_human_kept_is_still_cancelled_when_its_system_says_so() -> None:
    found, _ = answer_brake(braked(), revoke=False)
    cancelled = booking(id="a", status=BookingStatus.CANCELLED)
    found, told = listed(found, (NOW, answer(FIVE[4], cancelled, now=NOW)))
    assert told == [("a", "cancelled")]


def test_rule_04_what_a_human_kept_counts_anew_when_it_reappears() -> None:
    found, _ = answer_brake(braked(), revoke=False)
    found, told = listed(
        found,
        (at("07:00"), answer(FIVE[0], FIVE[4], now=NOW)),
        (at("07:01"), answer(FIVE[4], now=NOW)),
        (at("07:02"), answer(FIVE[4], now=NOW)),
    )
    assert told == [("a", "cancelled")]
    assert ids(found) == {"b", "c", "d", "e"}


def test_rule_04_held_back_stays_so_without_an_answer() -> None:
    held = braked()
    found, told = listed(
        held, *((now, answer(FIVE[4], now=now)) for now in (at("07:00"), at("09:00")))
    )
    assert found is held
    assert told == []


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.CANCELLED])
def test_rule_04_held_back_no_more_when_its_system_speaks_of_it(status) -> None:
    again = booking(id="a", status=status)
    found, _ = listed(braked(), (NOW, answer(again, FIVE[4], now=NOW)))
    assert found.held_back == {"b", "c", "d"}


def test_rule_04_held_back_no_more_when_it_has_ended() -> None:
    now = at("11:00")
    found, _ = listed(braked(), (now, answer(FIVE[4], now=now)))
    assert not found.held_back
    assert ids(found) == set("abcde")


def test_rule_04_held_back_no_more_when_no_answer_came_for_days() -> None:
    now = at("12:00", day=3)
    found, told = listed(braked(), (now, answer(now=now)))
    assert not found.known
    assert not found.held_back
    assert told == []


def test_rule_04_brake_after_an_hour_of_emptiness() -> None:
    found, told = listed(
        known(*FIVE, now=NOW),
        *emptiness(at("06:00"), at("06:01"), at("06:02"), at("07:00"), at("07:01")),
    )
    assert found.held_back == set("abcde")
    assert told == []


def test_rule_04_brake_when_answers_come_faster_than_once_a_minute() -> None:
    found, told = listed(
        known(*FIVE, now=NOW),
        *(
            (now, answer(FIVE[4], now=now))
            for now in map(at, ["06:00", "06:00:30", "06:00:59", "06:01", "06:01:30"])
        ),
    )
    assert found.held_back == set("abcd")
    assert told == []


def running(*names: str) -> list[Booking]:
    """Return bookings that run now."""
    return [booking("05:00", "09:00", id=name) for name in names]


@pytest.mark.parametrize(
    ("others", "changes"),
    [
        (running("x", "y", "z"), {}),
        (
            [booking(id=name, resource_id="court") for name in "xyz"],
            {"missing": frozenset({"court"})},
        ),
    ],
    ids=["that run", "of a resource that is not spoken of"],
)
def test_rule_04_brake_does_not_count_those_that_cannot_vanish(others, changes) -> None:
    left = [each for each in others if each.resource_id == "hall"]
    found, told = listed(
        known(*FIVE[:3], *others, now=NOW),
        *(
            (now, answer(*left, booking("20:00", "21:00", id="n"), now=now, **changes))
            for now in (NOW, NOW + seconds(60))
        ),
    )
    assert found.held_back == set("abc")
    assert told == [("n", "created")]


def test_rule_04_brake_does_not_count_those_that_vanished_before() -> None:
    more = [booking(id=name) for name in "vwxyz"]
    found = braked()
    found, _ = listed(found, (at("06:02"), answer(FIVE[4], *more, now=NOW)))
    left = answer(FIVE[4], *more[4:], now=NOW)
    found, told = listed(found, (at("06:03"), left), (at("06:04"), left))
    assert found.held_back == set("abcdvwxy")
    assert told == []


@pytest.mark.parametrize("hours", [1, 24])
def test_clock_set_back_does_not_keep_what_is_gone(hours: int) -> None:
    back = NOW - timedelta(hours=hours)
    _, told = listed(known(booking(), now=NOW), *silence(NOW, back, back + seconds(60)))
    assert told == [("other", "created"), ("a", "cancelled")]


def test_clock_set_back_does_not_shorten_the_hour_of_emptiness() -> None:
    found, told = listed(
        known(booking(), now=NOW), *emptiness(NOW, at("04:00"), at("04:59"))
    )
    assert told == []
    found, told = listed(found, *emptiness(at("05:00")))
    assert told == [("a", "cancelled")]


def test_answer_without_news_returns_the_same_object() -> None:
    old = known(*FIVE, now=NOW)
    found, changes = merge(old, answer(*FIVE, now=NOW), NOW, Absence.LISTING)
    assert found is old
    assert changes == ()


def test_resource_without_a_change_keeps_its_very_tuple() -> None:
    court = booking(id="court", resource_id="court")
    old = known(booking(), court, now=NOW)
    found, _ = listed(old, (NOW, answer(booking(end=at("12:00")), court, now=NOW)))
    assert found.by_resource["court"] is old.by_resource["court"]
    assert found.by_resource["hall"] == (booking(end=at("12:00")),)


def test_rule_05_what_was_stored_is_known_again() -> None:
    renamed = booking(id="e2", holder=FIVE[4].holder)
    found, _ = listed(
        braked(), (at("06:05"), answer(renamed, now=NOW)), *emptiness(at("06:10"))
    )
    assert found.aliases == {"e2": "e"}
    assert found.empty_since == at("06:10")
    assert found == restore(
        found.known.values(), found.empty_since, found.held_back, found.aliases
    )


def test_rule_05_what_was_forgotten_is_stored() -> None:
    found = forget(braked(), at("11:00", day=7))
    assert found == restore((), found.empty_since, frozenset(), {}, found.forgotten)


@pytest.mark.parametrize(
    ("now", "left"), [(at("10:59", day=7), "abcde"), (at("11:00", day=7), "")]
)
def test_rule_15_what_ended_a_week_ago_is_forgotten(now: datetime, left: str) -> None:
    found = forget(braked(), now)
    assert ids(found) == set(left)
    assert found.held_back == set(left) & set("abcd")


@pytest.mark.parametrize(
    ("absence", "day"),
    [(Absence.LISTING, 1), (Absence.AUTHORITATIVE, 1), (Absence.PUSH, 7)],
)
def test_rule_15_an_answer_lets_forget_what_it_would_name_again(
    absence: Absence, day: int
) -> None:
    """What was pushed is not named again, if the clock should have been wrong."""
    old = known(booking(), now=NOW)
    for now, left in ((at("10:59", day=day), {"a"}), (at("11:00", day=day), set())):
        found, changes = merge(old, answer(now=now), now, absence)
        assert (ids(found), changes) == (left, ())


def test_rule_12_a_clock_that_was_ahead_leaves_it_open_what_is_known() -> None:
    """Until a complete answer names again what was forgotten too early."""
    ahead = at("12:00", day=1)
    old = known(booking(), now=NOW)
    assert old.is_whole(NOW)
    found, _ = merge(old, answer(now=ahead), ahead, Absence.LISTING)
    assert found.is_whole(ahead)
    assert not found.is_whole(NOW)
    found, _ = merge(found, answer(now=NOW, complete=False), NOW, Absence.LISTING)
    assert not found.is_whole(NOW)
    found, _ = merge(found, answer(booking(), now=NOW), NOW, Absence.LISTING)
    assert found.is_whole(NOW)
    assert ids(found) == {"a"}


def test_bookings_of_resources_that_nobody_asks_for_are_forgotten() -> None:
    court = booking(id="court", resource_id="court")
    old = known(booking(), court, now=NOW)
    assert keep_resources(old, {"hall", "court", "new"}) is old
    found = keep_resources(old, {"court"})
    assert ids(found) == {"court"}
    assert found.by_resource["court"] is old.by_resource["court"]


def test_forgotten_bookings_are_not_held_back() -> None:
    found = keep_resources(braked(), set())
    assert not found.held_back
    assert not found.known


NAMES = st.sampled_from("abcdef")
STATUSES = st.sampled_from(BookingStatus)
ANSWERS = st.lists(
    st.fixed_dictionaries(
        {
            "wait": st.integers(0, 90),
            "named": st.dictionaries(NAMES, STATUSES, max_size=6),
            "complete": st.booleans(),
        }
    ),
    max_size=12,
)


def of_random(name: str, status: BookingStatus) -> Booking:
    """Return a booking on Monday, each name at its own hour."""
    start = MONDAY + timedelta(hours=1 + "abcdef".index(name) * 3)
    return booking(start, start + timedelta(hours=2), id=name, status=status)


@given(ANSWERS, st.sampled_from(Absence))
def test_rule_04_nothing_goes_for_lack_of_one_answer(history, absence) -> None:
    now = MONDAY
    found = AccountBookings()
    lacked: dict[str, list[datetime]] = {name: [] for name in "abcdef"}
    for each in history:
        now += seconds(each["wait"])
        named = each["named"]
        snapshot = answer(
            *(of_random(*item) for item in named.items()),
            now=now,
            complete=each["complete"],
        )
        before = found
        found, changes = merge(before, snapshot, now, absence)
        gone = {c.booking.id for c in changes if c.kind is ChangeKind.CANCELLED}
        cancelled = {n for n, s in named.items() if s is BookingStatus.CANCELLED}
        for name in "abcdef":
            lacked[name] += [now] * (each["complete"])
            lacked[name] = lacked[name] * (name not in named)
        unsaid = gone - cancelled
        waited = {
            name for name in unsaid if lacked[name][-1] - lacked[name][0] >= minutes(1)
        }
        assert cancelled & set(before.known) <= gone
        assert not cancelled & set(found.known)
        assert set(named) - cancelled <= set(found.known)
        assert unsaid <= {Absence.LISTING: waited, Absence.AUTHORITATIVE: unsaid}.get(
            absence, set()
        )
        assert set(found.known) == (set(before.known) | set(named)) - gone - cancelled
        assert merge(found, snapshot, now, absence)[0] is found
        assert (
            restore(found.known.values(), found.empty_since, found.held_back) == found
        )
