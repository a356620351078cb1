"""What the bookings want of rooms, doors and appliances."""

from datetime import UTC, datetime

import pytest

from custom_components.booking_access.engine.models import (
    FOREVER,
    Booking,
    BookingStatus,
    Effect,
    Room,
    Timing,
)
from custom_components.booking_access.engine.plan import (
    Plan,
    appliance,
    claim,
    plan,
    shown,
    targets,
)

from .builders import (
    DOOR,
    at,
    booking,
    granting,
    local,
    minutes,
    plan_of,
    room,
    seconds,
    timing,
    utc,
)

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


def test_rule_02_each_effect_has_its_own_window() -> None:
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
