"""What the bookings want of rooms, doors and appliances."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Effect,
    Person,
    Room,
    Timing,
)
from custom_components.booking_access.engine.plan import (
    Plan,
    appliance,
    claim,
    people,
    plan,
    shown,
    targets,
)

from .builders import (
    ANNA,
    DOOR,
    MONDAY,
    at,
    booking,
    granting,
    local,
    minutes,
    plan_of,
    room,
    seconds,
    sorted_out,
    timing,
    utc,
)
from .oracle import at_instant, said_by

NOW = at("06:00")
INSTANT = seconds(0.000001)
ALARM_LATER = timing(15, 15, alarm=Timing(lead=minutes(5), lag=minutes(30)))


def history(
    *bookings: Booking, rooms: list[Room] | None = None, now: datetime = NOW
) -> list[tuple[datetime, set[str]]]:
    """Return at which instants the claims on the front door change, and to what."""
    found: list[tuple[datetime, set[str]]] = []
    while now < FOREVER:
        now = plan_of(now, *bookings, rooms=rooms).until
        claims = set(plan_of(now, *bookings, rooms=rooms).demands.get(DOOR, ()))
        found += [(now, claims)][: [each for _, each in found][-1:] != [claims]]
    return found[:-1] if found[-1][0] == FOREVER else found


def opened(*bookings: Booking, **kwargs) -> list[tuple[datetime, datetime]]:
    """Return from when to when the front door is wanted open."""
    edges = [
        (instant, bool(claims)) for instant, claims in history(*bookings, **kwargs)
    ]
    before = [False, *(is_open for _, is_open in edges)]
    switches = [
        instant
        for (instant, is_open), was_open in zip(edges, before, strict=False)
        if is_open != was_open
    ]
    return list(zip(switches[::2], [*switches[1::2], FOREVER], strict=False))


@pytest.mark.parametrize(
    ("instant", "claims"),
    [
        (at("09:45") - INSTANT, set()),
        (at("09:45"), {"room/a"}),
        (at("11:15") - INSTANT, {"room/a"}),
        (at("11:15"), set()),
    ],
)
def test_rule_02_door_is_wanted_from_the_lead_up_to_the_lag(instant, claims) -> None:
    assert plan_of(instant, booking()).demands.get(DOOR, set()) == claims


@pytest.mark.parametrize(
    ("instant", "booked"),
    [
        (at("10:00") - INSTANT, ()),
        (at("10:00"), (booking(),)),
        (at("11:00") - INSTANT, (booking(),)),
        (at("11:00"), ()),
    ],
)
def test_rule_02_room_is_booked_from_start_to_end(instant, booked) -> None:
    assert plan_of(instant, booking()).rooms["room"].booked == booked


def test_plan_says_when_each_thing_changes_next() -> None:
    hall = room(timing=ALARM_LATER)
    instants = [NOW]
    while instants[-1] < FOREVER:
        instants.append(plan_of(instants[-1], booking(), rooms=[hall]).until)
    assert instants[1:-1] == [
        at("09:45"),  # access, light, ventilation
        at("09:55"),  # alarm
        at("10:00"),
        at("11:00"),
        at("11:15"),
        at("11:30"),
    ]


def test_each_effect_has_its_own_window() -> None:
    found = plan_of(at("11:20"), booking(), rooms=[room(timing=ALARM_LATER)])
    assert found.rooms["room"].active == {
        Effect.ACCESS: frozenset(),
        Effect.ALARM: frozenset("a"),
        Effect.LIGHT: frozenset(),
        Effect.VENTILATION: frozenset(),
    }
    assert found.demands == {"room/room/alarm": {"room/a"}}


def test_effect_without_a_timing_follows_the_booking_itself() -> None:
    hall = room(timing={})
    assert opened(booking(), rooms=[hall]) == [(at("10:00"), at("11:00"))]


def test_what_is_wanted_next_is_known_beforehand() -> None:
    hall = room(timing=ALARM_LATER, appliances={Effect.ALARM: ("alarm.hall",)})
    found = plan_of(NOW, booking(), rooms=[hall])
    assert found.rooms["room"].coming == booking()
    assert found.rooms["room"].upcoming[Effect.ALARM] == at("09:55")
    assert found.expected == {
        DOOR: at("09:45"),
        "room/room/alarm": at("09:55"),
        "alarm/alarm.hall": at("09:55"),
        "room/room/light": at("09:45"),
        "room/room/ventilation": at("09:45"),
    }
    assert not found.demands


@pytest.mark.parametrize(
    ("bookings", "spans"),
    [
        ([("10:00", "11:00"), ("11:30", "12:00")], [("09:45", "12:15")]),
        (
            [("10:00", "11:00"), ("11:31", "12:00")],
            [("09:45", "11:15"), ("11:16", "12:15")],
        ),
        ([("10:00", "11:00"), ("10:30", "12:00")], [("09:45", "12:15")]),
        ([("10:00", "14:00"), ("11:00", "12:00")], [("09:45", "14:15")]),
        ([("10:00", "11:00"), ("11:00", "12:00")], [("09:45", "12:15")]),
        ([("10:00", "10:01")], [("09:45", "10:16")]),
        (
            [("10:00", "10:01"), ("10:01", "10:02"), ("10:05", "10:06")],
            [("09:45", "10:21")],
        ),
    ],
    ids=[
        "windows touch",
        "a minute between windows",
        "overlap",
        "one inside the other",
        "back to back",
        "one minute",
        "many within the lead",
    ],
)
def test_rule_07_door_is_open_for_all_windows_together(bookings, spans) -> None:
    made = [booking(*each, id=str(n)) for n, each in enumerate(bookings)]
    assert opened(*made) == [(at(a), at(b)) for a, b in spans]


def test_lead_longer_than_the_gap_between_bookings() -> None:
    first, second = booking(), booking("12:00", "13:00", id="b")
    assert history(first, second, rooms=[room(timing=timing(90, 5))]) == [
        (at("08:30"), {"room/a"}),
        (at("10:30"), {"room/a", "room/b"}),
        (at("11:05"), {"room/b"}),
        (at("13:05"), set()),
    ]


def test_all_that_start_within_the_lead_claim_the_door() -> None:
    made = [booking(at(f"10:{n:02}"), at("11:00"), id=f"{n}") for n in range(30)]
    found = plan_of(at("09:50"), *made)
    assert found.demands[DOOR] == {f"room/{n}" for n in range(6)}
    assert found.expected[DOOR] == at("09:51")
    assert found.rooms["room"].coming.id == "0"


def test_booking_of_weeks_beside_short_ones() -> None:
    stay = booking(at("15:00", day=-7), at("10:00", day=14), id="stay")
    short = booking("10:00", "11:00")
    found = plan_of(at("10:30"), stay, short)
    assert found.demands[DOOR] == {"room/stay", "room/a"}
    assert found.rooms["room"].booked == (stay, short)
    assert history(stay, short)[-2:] == [
        (at("11:15"), {"room/stay"}),
        (at("10:15", day=14), set()),
    ]


def test_booking_without_an_end_never_ends() -> None:
    found = plan_of(at("10:00", day=3000), booking("10:00", FOREVER))
    assert found.demands[DOOR] == {"room/a"}
    assert found.until == FOREVER


def test_booking_from_the_first_day_there_is_does_no_harm() -> None:
    always = booking(datetime.min.replace(tzinfo=UTC), "11:00", id="always")
    found = plan_of(NOW, always, booking("20:00", "21:00"), rooms=[granting()])
    assert found.rooms["room"].active[Effect.ACCESS] == {"always"}
    assert {each.booking_id for each in found.rooms["room"].wishes} == {"always", "a"}


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "Europe/Oslo", "Europe/Zurich"])
@pytest.mark.parametrize(
    ("start", "end", "opens", "closes"),
    [
        (
            "2027-03-28T01:30",
            "2027-03-28T03:30",
            "2027-03-28T00:15",
            "2027-03-28T01:45",
        ),
        (
            "2027-10-31T01:30",
            "2027-10-31T03:30",
            "2027-10-30T23:15",
            "2027-10-31T02:45",
        ),
        (
            "2027-03-27T15:00",
            "2027-11-01T11:00",
            "2027-03-27T13:45",
            "2027-11-01T10:15",
        ),
    ],
    ids=["gap", "fold", "both"],
)
def test_rule_01_door_over_nights_of_the_changed_clock(
    zone: str, start: str, end: str, opens: str, closes: str
) -> None:
    made = booking(local(zone, start), local(zone, end))
    assert opened(made) == [(utc(opens), utc(closes))]


def test_rule_01_weekly_booking_keeps_its_hour_on_the_wall() -> None:
    zone = "America/New_York"
    weeks = ["2026-11-29", "2027-03-07", "2027-03-14"]
    made = [
        booking(local(zone, f"{day}T18:00"), local(zone, f"{day}T19:00"), id=day)
        for day in weeks
    ]
    assert [start for start, _ in opened(*made)] == [
        utc("2026-11-29T22:45"),
        utc("2027-03-07T22:45"),
        utc("2027-03-14T21:45"),
    ]


@pytest.mark.parametrize(
    ("changes", "tentative", "counts"),
    [
        ({}, False, True),
        ({"status": BookingStatus.TENTATIVE}, False, False),
        ({"status": BookingStatus.TENTATIVE}, True, True),
        ({"status": BookingStatus.CANCELLED}, True, False),
        ({"transparent": True}, True, False),
        ({"end": at("10:00")}, True, False),
        ({"end": at("09:00")}, True, False),
    ],
)
@pytest.mark.parametrize("make", [room, granting])
def test_rule_06_what_does_not_count_opens_nothing(
    changes, tentative: bool, counts: bool, make
) -> None:
    found = plan_of(at("10:00"), booking(**changes), rooms=[make(tentative=tentative)])
    theirs = found.rooms["room"]
    assert bool(found.demands) is counts
    assert bool(theirs.booked) is counts
    assert bool(theirs.wishes) is (counts and bool(theirs.room.granted))


def test_rule_02_coming_booking_without_a_length_is_named_until_its_start() -> None:
    made = (booking(end=at("10:00")), booking("12:00", "11:00", id="b"))
    found = plan_of(NOW, *made)
    assert found.rooms["room"].refused == ("a", "b")
    assert found.until == at("10:00")
    found = plan_of(at("10:00"), *made, before=found)
    assert found.rooms["room"].refused == ("b",)
    assert found.until == at("12:00")
    assert plan_of(at("12:00"), *made, before=found).rooms["room"].refused == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"transparent": True},
        {"status": BookingStatus.TENTATIVE},
        {"status": BookingStatus.CANCELLED},
    ],
)
def test_what_would_not_count_anyway_is_not_named_for_its_length(changes) -> None:
    found = plan_of(NOW, booking(end=at("10:00"), **changes))
    assert found.rooms["room"].refused == ()


@pytest.mark.parametrize(
    ("changes", "demand", "until"),
    [
        ({"start": at("14:00"), "end": at("15:00")}, False, at("13:45")),
        ({"end": at("12:00")}, True, at("12:00")),
        ({"end": at("10:20")}, True, at("10:35")),
        ({"end": at("10:15")}, False, FOREVER),
        ({"status": BookingStatus.CANCELLED}, False, FOREVER),
        ({"start": at("09:00")}, True, at("11:00")),
    ],
    ids=["moved", "extended", "shortened", "shortened to now", "cancelled", "earlier"],
)
def test_rule_03_running_booking_is_changed(changes, demand: bool, until) -> None:
    before = plan_of(at("10:15"), booking())
    found = plan_of(at("10:30"), booking(**changes), before=before)
    assert (DOOR in found.demands) is demand
    assert found.until == until


def test_rule_07_shared_door_closes_after_the_later_booking() -> None:
    rooms = [
        room("one", resource_id="one", points=("locks/own", "locks/front")),
        room("two", resource_id="two", timing=timing(15, 45)),
    ]
    made = [
        booking("10:00", "11:00", id="a", resource_id="one"),
        booking("10:30", "11:00", id="b", resource_id="two"),
    ]
    assert history(*made, rooms=rooms) == [
        (at("09:45"), {"one/a"}),
        (at("10:15"), {"one/a", "two/b"}),
        (at("11:15"), {"two/b"}),
        (at("11:45"), set()),
    ]


def test_last_end_of_a_shared_door_is_known() -> None:
    rooms = [room("one", resource_id="one"), room("two", resource_id="two")]
    made = [
        booking("10:00", "12:00", id="a", resource_id="one"),
        booking("10:00", "11:00", id="b", resource_id="one"),
        booking("10:00", "11:00", id="c", resource_id="two"),
    ]
    assert plan_of(at("10:30"), *made, rooms=rooms).ends[DOOR] == at("12:15")
    assert plan_of(at("10:30"), *made, rooms=rooms[::-1]).ends[DOOR] == at("12:15")
    assert plan_of(at("10:30"), *made, rooms=rooms[1:]).ends[DOOR] == at("11:15")


def test_rule_07_shared_door_is_expected_for_the_earlier_booking() -> None:
    rooms = [room("one", resource_id="one"), room("two", resource_id="two")]
    made = [
        booking("12:00", "13:00", id="a", resource_id="one"),
        booking("10:00", "11:00", id="b", resource_id="two"),
    ]
    assert plan_of(NOW, *made, rooms=rooms).expected[DOOR] == at("09:45")
    assert plan_of(NOW, *made, rooms=rooms[::-1]).expected[DOOR] == at("09:45")


def test_what_an_effect_switches() -> None:
    linked = {Effect.LIGHT: ("light.one", "light.two")}
    hall = room(points=("locks/front", "locks/back"), appliances=linked)
    assert targets(hall, Effect.ACCESS) == (DOOR,)
    assert targets(hall, Effect.LIGHT) == (
        shown("room", Effect.LIGHT),
        appliance(Effect.LIGHT, "light.one"),
        appliance(Effect.LIGHT, "light.two"),
    )
    assert targets(hall, Effect.ALARM) == ("room/room/alarm",)
    assert claim("room", "a/b") == "room/a/b"


def test_lock_of_a_room_without_doors_follows_the_booking() -> None:
    hall = room(points=(), held=())
    assert plan_of(at("10:00"), booking(), rooms=[hall]).demands[
        "room/room/access"
    ] == {"room/a"}


def test_doors_that_are_only_granted_are_not_held_open() -> None:
    assert targets(granting(), Effect.ACCESS) == ()


def test_room_of_an_account_that_is_not_known_wants_nothing() -> None:
    found = plan([room()], {}, NOW)
    assert found.rooms["room"].bookings == ()
    assert not found.demands
    assert found.until == FOREVER


def test_no_rooms_want_nothing() -> None:
    assert plan([], {}, NOW) == Plan()


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
