"""What the words of real feeds mean: what is a booking, and whose."""

from datetime import UTC, datetime
from pathlib import Path
import time
from typing import Any

import pytest

from custom_components.booking_access.booking_systems.ical_feed import expand, read_feed
from custom_components.booking_access.booking_systems.ical_words import (
    OPTIONS,
    Words,
    check_details,
    check_lines,
)
from custom_components.booking_access.engine.models import (
    NOBODY,
    Booking,
    BookingStatus,
    Person,
)

FIXTURES = Path(__file__).parents[1] / "fixtures/icalendar"
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
ANN = Person(name="Ann Example")
EXTRA = "DTSTART:20260615T130000Z\nDTEND:20260615T140000Z"


def bookings(body: bytes | str, **settings: Any) -> list[Booking]:
    """Return what gives access in a feed, as an account with the settings reads it."""
    body = body.encode() if isinstance(body, str) else body
    feed = read_feed(body, "room", "Europe/Copenhagen", Words.of(settings))
    assert feed.problems == ()
    return [
        booking
        for booking in expand(feed, *YEAR).bookings
        if booking.status is not BookingStatus.CANCELLED
    ]


def fixture(name: str) -> bytes:
    """Return a feed in the shape of a real one, with the line ends of the wire."""
    return (FIXTURES / f"{name}.ics").read_text().replace("\n", "\r\n").encode()


def calendar(*events: str) -> str:
    """Return a calendar of events, each given by its lines."""
    numbered = "".join(
        f"BEGIN:VEVENT\nUID:{number}\n{event.strip()}\nEND:VEVENT\n"
        for number, event in enumerate(events)
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{numbered}END:VCALENDAR\n"


def stay(summary: str, *lines: str) -> str:
    """Return the lines of a stay from 15 to 18 June."""
    days = "DTSTART;VALUE=DATE:20260615\nDTEND;VALUE=DATE:20260618"
    return "\n".join([days, f"SUMMARY:{summary}", *lines])


def guest(summary: str, description: str = "", **settings: Any) -> Person:
    """Return who is read from an event's texts."""
    event = stay(summary, f"DESCRIPTION:{description}")
    [booking] = bookings(calendar(event), **settings)
    return booking.holder


# Feeds in the shapes of real ones


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("airbnb", {"2026-07-09T22:00/2026-07-13T22:00": NOBODY}),
        ("vrbo", {"2026-07-31T22:00/2026-08-07T22:00": Person(name="Ann")}),
        ("booking_com", {"2026-09-09T22:00/2026-09-11T22:00": ANN}),
        ("guesty", {"2026-08-31T22:00/2026-09-02T22:00": ANN}),
        ("smoobu", {"2026-06-14T22:00/2026-06-17T22:00": NOBODY}),
        (
            "tripadvisor",
            {
                "2026-06-19T22:00/2026-06-26T22:00": Person(
                    name="Ann Example", phone="+45 20 12 34 56", email="ann@example.com"
                )
            },
        ),
    ],
)
@pytest.mark.parametrize("nuls", [False, True])
def test_stays(name: str, nuls: bool, wanted: dict[str, Person]) -> None:
    """Only what somebody booked gives access, and to them; NUL bytes mean nothing."""
    body = fixture(name)
    if nuls:
        body = body.replace(b"SUMMARY:", b"SUMM\0ARY:\0").replace(b"END:", b"E\0ND:")
    found = {f"{b.start:%FT%R}/{b.end:%FT%R}": b.holder for b in bookings(body)}
    assert found == wanted


def test_smoobu_names_guests_where_one_says_so() -> None:
    """Its summary is the guest's name and nothing else."""
    [booking] = bookings(fixture("smoobu"), guest_details=["{name}"])
    assert booking.holder == ANN


# What is no booking


@pytest.mark.parametrize(
    "summary",
    [
        *("Not available", "Airbnb (Not available)", "CLOSED - Not available", "Blocked"),
        *("blocked by guesty", " Closed -  not available ", "Unavailable"),
    ],
)  # fmt: skip
def test_blocked_days_are_no_bookings(summary: str) -> None:
    assert bookings(calendar(stay(summary), stay("Reserved"))) != []
    assert bookings(calendar(stay(summary))) == []


@pytest.mark.parametrize(
    "summary",
    [
        *("Blocked drains: meeting", "Why is it not available?", "CLOSED - Ann", "Closed"),
        *("Reserved", "", "Not available\\, sorry"),
    ],
)  # fmt: skip
def test_meetings_that_sound_alike_are_bookings(summary: str) -> None:
    assert len(bookings(calendar(stay(summary)))) == 1


def test_people_decide_what_is_no_booking() -> None:
    """What they do not list is a booking, whatever it is called."""
    body = calendar(stay("Blocked"), stay("Cleaning, weekly"))
    cleaning = bookings(body, not_bookings=["cleaning*"])
    assert [booking.summary for booking in cleaning] == ["Blocked"]
    assert len(bookings(body, not_bookings=[])) == 2


# What belongs to a booking


@pytest.mark.parametrize(
    ("arrival", "departure"),
    [
        ("Check-in Ann Example", "Check-out Ann Example"),
        ("Ann Example (check-in)", "Ann Example (check-out)"),
        ("CHECK-IN", "CHECK-OUT"),
    ],
)
def test_arrivals_and_departures_belong_to_the_stay(
    arrival: str, departure: str
) -> None:
    """Also where the hour is outside the stay's own."""
    body = calendar(
        f"DTSTART:20260615T060000Z\nDTEND:20260615T070000Z\nSUMMARY:{arrival}",
        stay("Ann Example"),
        f"DTSTART:20260618T080000Z\nDTEND:20260618T090000Z\nSUMMARY:{departure}",
    )
    assert [booking.summary for booking in bookings(body)] == ["Ann Example"]
    assert len(bookings(body, parts_of_bookings=[])) == 3


def test_a_check_in_of_a_team_is_a_meeting() -> None:
    """Nobody stays on that day; nor is it a part that lasts as long as a stay."""
    alone = calendar(f"{EXTRA}\nSUMMARY:Weekly check-in")
    assert len(bookings(alone)) == 1
    blocked = calendar(f"{EXTRA}\nSUMMARY:Check-in", stay("Blocked"))
    assert [booking.summary for booking in bookings(blocked)] == ["Check-in"]
    elsewhere = calendar(
        f"{EXTRA.replace('0615', '0622')}\nSUMMARY:Check-in", stay("A")
    )
    assert len(bookings(elsewhere)) == 2
    long = calendar(stay("Self check-in"), stay("Ann"))
    assert len(bookings(long)) == 2


def test_a_stay_that_never_ends_takes_no_time_to_read() -> None:
    """It has no days of arrival."""
    lease = "DTSTART;VALUE=DATE:19700101\nDTEND;VALUE=DATE:99990101\nSUMMARY:Lease"
    began = time.perf_counter()
    assert len(bookings(calendar(lease, f"{EXTRA}\nSUMMARY:Check-in"))) == 2
    assert time.perf_counter() - began < 5


# Guests


@pytest.mark.parametrize(
    ("summary", "wanted"),
    [
        ("CLOSED - Ann Example", ANN),
        ("closed -  Ann Example ", ANN),
        ("Reserved - Ann Example", ANN),
        ("Tripadvisor: Ann Example", ANN),
        ("-Ann Example-HMEXAMPLE-", ANN),
        ("-Anne-Marie Ek-HMEXAMPLE-", Person(name="Anne-Marie Ek")),
        ("-Anne-Marie Ek-GY-ExAmPlE-", Person(name="Anne-Marie Ek")),
        ("Reserved", NOBODY),
        ("Reserved -", NOBODY),
        ("Choir: tenors", NOBODY),
    ],
)
def test_names_in_summaries(summary: str, wanted: Person) -> None:
    assert guest(summary) == wanted


@pytest.mark.parametrize(
    ("summary", "title"),
    [
        ("CLOSED - Ann Example", "CLOSED"),
        ("Reserved - Ann Example", "Reserved"),
        ("Tripadvisor 5550001: Ann Example", "Tripadvisor 5550001"),
        ("-Ann Example-GY-ExAmPlE-", "GY-ExAmPlE"),
        ("Choir, tenors", "Choir, tenors"),
        (" - Board -", " - Board -"),
        (f"Name: {'x' * 300}", f"Name: {'x' * 300}"),
    ],
)
def test_titles_that_are_shown_name_nobody(summary: str, title: str) -> None:
    """Whom the title names is known, and not for states."""
    [booking] = bookings(calendar(stay(summary.replace(",", "\\,"))))
    assert booking.summary == title


@pytest.mark.parametrize(
    ("description", "wanted"),
    [
        ("Phone: +45 20 12 34 56", Person(phone="+45 20 12 34 56")),
        ("phone number : (020) 1234-5678", NOBODY),
        ("Phone number: (020) 1234-5678", Person(phone="(020) 1234-5678")),
        ("Mobile: 20123456\\nPhone: 30123456", Person(phone="20123456")),
        ("Phone Number (Last 4 Digits): 4711", NOBODY),
        ("Phone: 4711", NOBODY),
        ("Phone: +45 ** ** 34 56", NOBODY),
        ("Phone: ask Ann", NOBODY),
        ("Name: Ann Example\\nE-mail: ann@example.com", Person(name="Ann Example", email="ann@example.com")),
        ("<p>Guest: <b>Ann Example</b></p>Phone: 20123456<br>Guests: 2", Person(name="Ann Example", phone="20123456")),
        ("Reservation URL: https://example.com/HMEXAMPLE1", NOBODY),
        (f"Name: {'x' * 300}", NOBODY),
    ],
)  # fmt: skip
def test_guests_in_descriptions(description: str, wanted: Person) -> None:
    assert guest("Reserved", description) == wanted


def test_patterns_of_ones_own() -> None:
    """Each is a whole line, with what it looks for anywhere in it."""
    own = ["Gast {name}, Tel. {phone} *", "[{email}]"]
    texts = ("Gast Ann Example, Tel. 030 123456 (abends)", "x\\n[ann@example.com]")
    assert guest(*texts, guest_details=own) == Person(
        name="Ann Example", phone="030 123456", email="ann@example.com"
    )
    assert guest("Reserved - Ann", guest_details=[]) == NOBODY
    assert guest("Reserved - Ann", guest_details=["no place for a name"]) == NOBODY


def test_who_is_named_properly_goes_first() -> None:
    """The texts tell only what the organizer's own line does not."""
    event = stay(
        "CLOSED - Bo",
        'ORGANIZER;CN="Ann Example":mailto:ann@example.com',
        "DESCRIPTION:Phone: 20123456",
    )
    [booking] = bookings(calendar(event))
    assert booking.holder == Person(
        name="Ann Example", phone="20123456", email="ann@example.com"
    )


# Patterns


@pytest.mark.parametrize(
    "pattern", ["*", "**", "* *", "", "{name}", "-{name}-", "a*b*c*d*", "x" * 101]
)
def test_patterns_of_titles_that_are_refused(pattern: str) -> None:
    """One that fits anything would keep all doors closed."""
    assert check_lines(["Blocked", pattern]) == pattern


@pytest.mark.parametrize(
    "pattern",
    ["Blocked", "{name} {name}", "{nme}", "{name} {", "{}", "*{name}*{phone}*"],
)
def test_patterns_of_guests_that_are_refused(pattern: str) -> None:
    assert check_details(["Guest: {name}", pattern]) == pattern


def test_defaults_are_patterns_that_people_could_write() -> None:
    for field in OPTIONS:
        assert field.check
        assert field.check(field.default) is None


def test_no_text_takes_long() -> None:
    """Whatever a guest writes, and whatever pattern one has."""
    lines = "\\n".join(["-" * 299] * 500) + "-" * 100_000
    began = time.perf_counter()
    assert guest("x", lines, guest_details=["*-{name}-*!", "-{name}-*!"]) == NOBODY
    assert time.perf_counter() - began < 10
