"""Events of iCalendar as bookings: instants, ids and states, never just counts."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
import time

import pytest

from custom_components.booking_access.booking_systems.ical_feed import (
    Expansion,
    expand,
    read_feed,
)
from custom_components.booking_access.engine.models import (
    NOBODY,
    Booking,
    BookingStatus,
    ContractError,
    Person,
    Problem,
)

FIXTURES = Path(__file__).parents[1] / "fixtures/icalendar"
COPENHAGEN = "Europe/Copenhagen"
NEW_YORK = "America/New_York"
YEAR = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
WINDOW = (datetime(2026, 7, 1, tzinfo=UTC), datetime(2026, 7, 16, tzinfo=UTC))

GOOD = """
UID:good
DTSTART:20260701T120000Z
DTEND:20260701T130000Z
SUMMARY:Good
"""
BETTER = """
UID:better
DTSTART;TZID=Europe/Copenhagen:20260702T120000
DTEND;TZID=Europe/Copenhagen:20260702T130000
"""
GOOD_SPAN = "2026-07-01T12:00/2026-07-01T13:00"
BETTER_SPAN = "2026-07-02T10:00/2026-07-02T11:00"


def calendar(*events: str, head: str = "") -> str:
    """Return a calendar of events, each given by its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x", *head.strip().splitlines()]
    for event in events:
        lines += ["BEGIN:VEVENT", *event.strip().splitlines(), "END:VEVENT"]
    return "\r\n".join([line for line in lines if line] + ["END:VCALENDAR", ""])


def read(
    body: str | bytes,
    zone: str = COPENHAGEN,
    window: tuple[datetime, datetime] = YEAR,
) -> Expansion:
    """Read a feed and expand it."""
    body = body.encode() if isinstance(body, str) else body
    return expand(read_feed(body, "room", zone), *window)


def spans(expansion: Expansion) -> dict[str, str]:
    """Return start and end of each booking in UTC."""
    found = {booking.id: span_of(booking) for booking in expansion.bookings}
    assert len(found) == len(expansion.bookings)
    return found


def span_of(booking: Booking) -> str:
    """Return start and end in UTC, to the minute."""
    assert booking.start.tzinfo is UTC
    assert booking.end.tzinfo is UTC
    return f"{booking.start:%Y-%m-%dT%H:%M}/{booking.end:%Y-%m-%dT%H:%M}"


def only(expansion: Expansion) -> Booking:
    """Return the only booking there is."""
    [booking] = expansion.bookings
    return booking


def fixture(name: str, newline: str = "\r\n") -> bytes:
    """Return a feed in the shape of a real one, with the line ends of the wire."""
    return (FIXTURES / f"{name}.ics").read_text().replace("\n", newline).encode()


# Feeds in the shapes of real ones


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_airbnb(newline: str) -> None:
    """Days; the end before the start, a day without end, UIDs in two lines."""
    expansion = read(fixture("airbnb", newline))
    first = (
        "1418fb94e984-2b6ffb1e0bd6c1dd3d1ba6b0f6a1c8b0a9a4d7c2e5f60718293a4b5c6d"
        "7e8f90@airbnb.com"
    )
    assert spans(expansion) == {
        first: "2026-07-09T22:00/2026-07-13T22:00",
        "7f662ec65913-0a1b2c3d4e5f60718293a4b5c6d7e8f9@airbnb.com": (
            "2026-07-13T22:00/2026-07-19T22:00"
        ),
        "7f662ec65913-ffeeddccbbaa99887766554433221100@airbnb.com": (
            "2026-07-21T22:00/2026-07-22T22:00"
        ),
    }
    assert [b.summary for b in expansion.bookings] == [
        "Reserved",
        "Airbnb (Not available)",
        "Airbnb (Not available)",
    ]
    assert {b.status for b in expansion.bookings} == {BookingStatus.CONFIRMED}
    assert not any(b.transparent for b in expansion.bookings)
    # The stamp is when the feed was put together, not when a booking was changed.
    assert {b.updated_at for b in expansion.bookings} == {None}
    assert (expansion.complete, expansion.problems) == (True, ())


def test_vrbo() -> None:
    assert spans(read(fixture("vrbo"), NEW_YORK)) == {
        "0f4f6b0e-6c3e-4d41-9a53-1a2b3c4d5e6f": "2026-08-01T04:00/2026-08-08T04:00",
        "a93b7d1c-2222-4b0a-8c7e-99887766aabb": "2026-08-10T04:00/2026-08-11T04:00",
    }


def test_booking_com() -> None:
    expansion = read(fixture("booking_com"))
    assert spans(expansion) == {
        "3f1c9b6e2d7a4c58b1e0f9a8d7c6b5a4@booking.com": (
            "2026-09-04T22:00/2026-09-06T22:00"
        ),
        "98a7b6c5d4e3f2011021324354657687@booking.com": (
            "2026-09-09T22:00/2026-09-11T22:00"
        ),
    }
    assert [b.summary for b in expansion.bookings] == [
        " CLOSED - Not available",
        "CLOSED - Ann Example",
    ]


def test_guesty() -> None:
    """The same summary many times; a comma in the calendar's name."""
    feed = read_feed(fixture("guesty"), "room", COPENHAGEN)
    assert feed.name == "Seaside 4, upper floor"
    assert spans(expand(feed, *YEAR)) == {
        "3b7f9f0e-guesty-1": "2026-08-31T22:00/2026-09-02T22:00",
        "3b7f9f0e-guesty-2": "2026-09-04T22:00/2026-09-05T22:00",
        "3b7f9f0e-guesty-3": "2026-09-07T22:00/2026-09-08T22:00",
    }


def test_smoobu() -> None:
    """Times without a zone are those of the property."""
    assert spans(read(fixture("smoobu"))) == {
        "40001@smoobu.example": "2026-06-14T22:00/2026-06-17T22:00",
        "40001-checkin@smoobu.example": "2026-06-15T13:00/2026-06-15T14:00",
        "40001-checkout@smoobu.example": "2026-06-18T08:00/2026-06-18T09:00",
    }


def test_google() -> None:
    """A series over the change of the clocks, one moved, one cancelled, one left out."""
    feed = read_feed(fixture("google"), "room", "Asia/Tokyo")
    expansion = expand(feed, *YEAR)
    assert feed.name == "Hall"
    assert spans(expansion) == {
        "6gq3choir@google.com/20261005T160000Z": "2026-10-05T16:00/2026-10-05T18:00",
        "1utcmeeting@google.com": "2026-10-07T16:00/2026-10-07T17:00",
        "6gq3choir@google.com/20261019T160000Z": "2026-10-20T17:00/2026-10-20T19:00",
        "6gq3choir@google.com/20261026T170000Z": "2026-10-26T17:00/2026-10-26T19:00",
        "6gq3choir@google.com/20261102T170000Z": "2026-11-02T17:00/2026-11-02T19:00",
    }
    first, viewing, moved, cancelled, last = expansion.bookings
    ann = Person(name="Ann Example", email="ann@example.com")
    assert (first.summary, first.holder, first.participants) == (
        "Choir, tenors",
        ann,
        (ann,),
    )
    assert last.holder == ann
    assert first.updated_at == datetime(2026, 8, 20, 9, 30, tzinfo=UTC)
    assert (viewing.status, viewing.transparent) == (BookingStatus.TENTATIVE, True)
    assert (moved.summary, moved.holder) == ("Choir, on Tuesday", NOBODY)
    assert cancelled.status is BookingStatus.CANCELLED
    assert last.status is BookingStatus.CONFIRMED
    assert {b.resource_id for b in expansion.bookings} == {"room"}


def test_outlook() -> None:
    """Windows names of zones, with and without their definition."""
    uid = (
        "040000008200E00074C5B7101A82E00800000000A0B1C2D3E4F5DA01000000000000000"
        "010000000ABCDEF0123456789ABCDEF0123456789"
    )
    expansion = read(fixture("outlook"), "Asia/Tokyo")
    assert spans(expansion) == {
        f"{uid}/20261023T070000Z": "2026-10-23T07:00/2026-10-23T07:15",
        f"{uid}/20261024T070000Z": "2026-10-24T07:00/2026-10-24T07:15",
        "single-in-new-york": "2026-10-24T12:00/2026-10-24T13:00",
        f"{uid}/20261025T080000Z": "2026-10-25T08:00/2026-10-25T08:15",
        f"{uid}/20261026T080000Z": "2026-10-26T09:00/2026-10-26T09:15",
        f"{uid}/20261027T080000Z": "2026-10-27T08:00/2026-10-27T08:15",
    }


def test_zone_of_the_feed_itself() -> None:
    """Its rules go first, those that have ended too; a gap and a fold are seen."""
    assert spans(read(fixture("custom_zone"), "Asia/Tokyo")) == {
        "summer": "2026-07-10T10:00/2026-07-10T12:00",
        "winter": "2026-12-10T11:00/2026-12-10T13:00",
        "gap": "2026-03-29T00:30/2026-03-29T01:30",
        "gap-all": "2026-03-29T00:30/2026-03-29T01:30",
        "fold": "2026-10-25T00:15/2026-10-25T01:45",
    }


# Time zones


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        ("DTSTART:20260710T120000Z", "DTEND:20260710T140000Z", "12:00/14:00"),
        (
            "DTSTART;TZID=America/New_York:20260710T080000",
            "DTEND;TZID=America/New_York:20260710T090000",
            "12:00/13:00",
        ),
        ("DTSTART:20260710T120000", "DTEND:20260710T140000", "10:00/12:00"),
        ("DTSTART:20260710T120000", "DURATION:PT90M", "10:00/11:30"),
        ("DTSTART:20260710T120000", "DURATION:P1H", "10:00/11:00"),
        # Another zone at the end; UTC and a zone at the same time; both ends.
        (
            "DTSTART;TZID=Europe/Copenhagen:20260710T120000",
            "DTEND;TZID=Europe/London:20260710T120000",
            "10:00/11:00",
        ),
        (
            "DTSTART;TZID=Europe/Copenhagen:20260710T120000Z",
            "DTEND;TZID=Europe/Copenhagen:20260710T140000Z",
            "12:00/14:00",
        ),
        (
            "DTSTART:20260710T120000Z\nDTEND:20260710T140000Z",
            "DURATION:PT5H",
            "12:00/14:00",
        ),
        # No length, and less: the engine refuses them, and says so.
        ("DTSTART:20260710T120000Z", "", "12:00/12:00"),
        ("DTSTART:20260710T120000Z", "DTEND:20260710T120000Z", "12:00/12:00"),
        ("DTSTART:20260710T120000Z", "DTEND:20260710T110000Z", "12:00/11:00"),
        ("DTSTART:20260710T120000", "DTEND:20260710T110000", "10:00/09:00"),
        ("DTSTART:20260710T120000Z", "DTEND:", "12:00/12:00"),
        (
            "dtstart;tzid=Europe/Copenhagen:20260710T120000",
            "duration:PT1M",
            "10:00/10:01",
        ),
    ],
)
def test_times(start: str, end: str, wanted: str) -> None:
    expansion = read(calendar(f"UID:a\n{start}\n{end}"))
    first, last = wanted.split("/")
    assert spans(expansion) == {"a": f"2026-07-10T{first}/2026-07-10T{last}"}
    assert (expansion.complete, expansion.problems) == (True, ())


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ("DTSTART;VALUE=DATE:20260710", "07-09T22:00/2026-07-10T22:00"),
        (
            "DTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260712",
            "07-09T22:00/2026-07-11T22:00",
        ),
        (
            "DTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260710",
            "07-09T22:00/2026-07-10T22:00",
        ),
        (
            "DTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260708",
            "07-09T22:00/2026-07-07T22:00",
        ),
        ("DTSTART;VALUE=DATE:20260710\nDURATION:P2D", "07-09T22:00/2026-07-11T22:00"),
        # Longer and shorter days.
        ("DTSTART;VALUE=DATE:20260329", "03-28T23:00/2026-03-29T22:00"),
        ("DTSTART;VALUE=DATE:20261025", "10-24T22:00/2026-10-25T23:00"),
        # Not as RFC 5545 has it, but as some write it.
        (
            "DTSTART;VALUE=DATE:20260710T000000\nDTEND;VALUE=DATE:20260712T000000",
            "07-09T22:00/2026-07-11T22:00",
        ),
        ("DTSTART:20260710\nDTEND:20260711", "07-09T22:00/2026-07-10T22:00"),
        (
            "DTSTART;VALUE=DATE:20260710\nDTEND;TZID=Europe/Copenhagen:20260711T235959",
            "07-09T22:00/2026-07-11T22:00",
        ),
    ],
)
def test_whole_days(lines: str, wanted: str) -> None:
    """From midnight to midnight at the property, whatever the calendar's own zone."""
    body = calendar(f"UID:a\n{lines}", head="X-WR-TIMEZONE:America/New_York")
    assert spans(read(body)) == {"a": f"2026-{wanted}"}


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("America/New_York", "16:00"),
        ("Eastern Standard Time", "16:00"),
        ("Property Time", "10:00"),
        ("Nowhere/Special", "03:00"),
        ("../etc/passwd", "03:00"),
        ("Europe", "03:00"),
    ],
)
def test_zone_of_the_calendar(name: str, start: str) -> None:
    """It goes before the property's, if anybody knows it."""
    custom = fixture("custom_zone", "\n").decode()
    zone = custom[custom.index("BEGIN:VTIMEZONE") : custom.index("BEGIN:VEVENT")]
    event = "UID:a\nDTSTART:20260710T120000\nDURATION:PT1H"
    body = calendar(event, head=f"X-WR-TIMEZONE:{name}\n{zone}")
    booking = only(read(body, "Asia/Tokyo"))
    assert f"{booking.start:%H:%M}" == start


def test_zone_of_the_process_means_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    event = "UID:a\nDTSTART:20260710T120000\nDTEND:20260710T130000"
    day = "UID:b\nDTSTART;VALUE=DATE:20260710\nRRULE:FREQ=DAILY;COUNT=2"
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        assert spans(read(calendar(event, day), NEW_YORK)) == {
            "a": "2026-07-10T16:00/2026-07-10T17:00",
            "b/20260710T040000Z": "2026-07-10T04:00/2026-07-11T04:00",
            "b/20260711T040000Z": "2026-07-11T04:00/2026-07-12T04:00",
        }
    finally:
        monkeypatch.undo()
        time.tzset()


def test_unknown_zone_of_the_property() -> None:
    """Better nothing than bookings at wrong times."""
    with pytest.raises(ContractError, match="time_zone"):
        read(calendar(GOOD), "Europe/Atlantis")


# Nights on which the clocks change

GAP_AND_FOLD = [
    # Copenhagen, 29 March: there is no time from 02:00 to 03:00 (01:00 UTC).
    (COPENHAGEN, "20260329T013000", "20260329T023000", "29T00:30/29T01:30"),
    (COPENHAGEN, "20260329T023000", "20260329T033000", "29T00:30/29T01:30"),
    (COPENHAGEN, "20260329T023000", "20260329T040000", "29T01:30/29T02:00"),
    (COPENHAGEN, "20260329T021500", "20260329T024500", "29T01:15/29T01:45"),
    (COPENHAGEN, "20260329T023000", "20260329T030000", "29T00:30/29T01:00"),
    (COPENHAGEN, "20260328T220000", "20260329T060000", "28T21:00/29T04:00"),
    # New York, 8 March: none from 02:00 to 03:00 (07:00 UTC).
    (NEW_YORK, "20260308T023000", "20260308T033000", "08T06:30/08T07:30"),
    (NEW_YORK, "20260308T013000", "20260308T023000", "08T06:30/08T07:30"),
]
FOLD = [
    # Copenhagen, 25 October: 02:00 to 03:00 twice (00:00 to 02:00 UTC).
    (COPENHAGEN, "20261025T021500", "20261025T024500", "25T00:15/25T01:45"),
    (COPENHAGEN, "20261025T013000", "20261025T021500", "24T23:30/25T01:15"),
    (COPENHAGEN, "20261025T021500", "20261025T033000", "25T00:15/25T02:30"),
    (COPENHAGEN, "20261025T030000", "20261025T040000", "25T02:00/25T03:00"),
    (COPENHAGEN, "20261024T220000", "20261025T060000", "24T20:00/25T05:00"),
]


@pytest.mark.parametrize(("zone", "start", "end", "wanted"), GAP_AND_FOLD + FOLD)
@pytest.mark.parametrize("how", ["TZID", "floating"])
def test_nights(zone: str, start: str, end: str, wanted: str, how: str) -> None:
    """No booking gets lost, nor shorter than it is by the clock."""
    tzid = f";TZID={zone}" if how == "TZID" else ""
    body = calendar(f"UID:a\nDTSTART{tzid}:{start}\nDTEND{tzid}:{end}")
    first, last = wanted.split("/")
    month = start[4:6]
    assert spans(read(body, zone)) == {"a": f"2026-{month}-{first}/2026-{month}-{last}"}


def test_fold_in_new_york() -> None:
    """1 November: 01:00 to 02:00 twice (05:00 to 07:00 UTC)."""
    event = "UID:a\nDTSTART;TZID={0}:20261101T011500\nDTEND;TZID={0}:20261101T013000"
    for zone in (NEW_YORK, "Eastern Standard Time"):
        assert spans(read(calendar(event.format(zone)))) == {
            "a": "2026-11-01T05:15/2026-11-01T06:30"
        }


@pytest.mark.parametrize(
    ("start", "duration", "wanted"),
    [
        # Hours are by the stopwatch, days by the clock.
        ("20260328T220000", "PT8H", "03-28T21:00/2026-03-29T05:00"),
        ("20260328T220000", "P1D", "03-28T21:00/2026-03-29T20:00"),
        ("20260329T013000", "PT1H", "03-29T00:30/2026-03-29T01:30"),
        ("20261025T021500", "PT30M", "10-25T00:15/2026-10-25T00:45"),
        ("20261024T021500", "P1D", "10-24T00:15/2026-10-25T01:15"),
        ("20261024T120000", "P1DT1H", "10-24T10:00/2026-10-25T12:00"),
    ],
)
def test_durations_over_a_change(start: str, duration: str, wanted: str) -> None:
    event = f"UID:a\nDTSTART;TZID=Europe/Copenhagen:{start}\nDURATION:{duration}"
    assert spans(read(calendar(event))) == {"a": f"2026-{wanted}"}


def test_every_night_over_a_change() -> None:
    """From ten to six by the clock, and no night is missing or twice."""
    event = """
UID:night
DTSTART;TZID=Europe/Copenhagen:20261023T220000
DTEND;TZID=Europe/Copenhagen:20261024T060000
RRULE:FREQ=DAILY;COUNT=3
"""
    assert spans(read(calendar(event))) == {
        "night/20261023T200000Z": "2026-10-23T20:00/2026-10-24T04:00",
        "night/20261024T200000Z": "2026-10-24T20:00/2026-10-25T05:00",
        "night/20261025T210000Z": "2026-10-25T21:00/2026-10-26T05:00",
    }


def test_every_night_in_the_missing_hour() -> None:
    """The id is that of the instant that RFC 5545 names, the length stays."""
    event = """
UID:night
DTSTART;TZID=Europe/Copenhagen:20260328T023000
DTEND;TZID=Europe/Copenhagen:20260328T033000
RRULE:FREQ=DAILY;COUNT=3
"""
    assert spans(read(calendar(event))) == {
        "night/20260328T013000Z": "2026-03-28T01:30/2026-03-28T02:30",
        "night/20260329T013000Z": "2026-03-29T00:30/2026-03-29T01:30",
        "night/20260330T003000Z": "2026-03-30T00:30/2026-03-30T01:30",
    }


# Recurrence


def recurring(rule: str, more: str = "", start: str = "20260706T100000Z") -> str:
    """Return an hour that recurs."""
    end = start.replace("T10", "T11")
    return f"UID:a\nDTSTART:{start}\nDTEND:{end}\n{rule}\n{more}"


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ("RRULE:FREQ=DAILY;COUNT=3", ["06", "07", "08"]),
        ("RRULE:FREQ=DAILY;INTERVAL=2;COUNT=3", ["06", "08", "10"]),
        ("RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260713T100000Z", ["06", "08", "13"]),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260713", ["06", "13"]),
        ("RRULE:FREQ=WEEKLY;UNTIL=20260713T095959Z", ["06"]),
        ("RRULE:FREQ=DAILY;COUNT=3;", ["06", "07", "08"]),
        ("rrule:freq=daily;count=2", ["06", "07"]),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260707T100000Z", ["06", "08"]),
        (
            "RRULE:FREQ=DAILY;COUNT=4\nEXDATE:20260707T100000Z,20260708T100000Z",
            ["06", "09"],
        ),
        (
            "RRULE:FREQ=DAILY;COUNT=3\nEXDATE;TZID=Europe/Copenhagen:20260707T120000",
            ["06", "08"],
        ),
        ("RRULE:FREQ=DAILY;COUNT=3\nEXDATE;VALUE=DATE:20260707", ["06", "08"]),
        ("RRULE:FREQ=DAILY;COUNT=2\nRDATE:20260720T100000Z", ["06", "07", "20"]),
        ("RDATE:20260720T100000Z,20260722T100000Z", ["06", "20", "22"]),
        ("RDATE;VALUE=DATE:20260720", ["06", "20"]),
        ("RDATE;TZID=Europe/Copenhagen:20260720T120000", ["06", "20"]),
        ("RDATE:20260720T100000Z\nEXDATE:20260706T100000Z", ["20"]),
        ("RDATE:20260706T100000Z", ["06"]),
    ],
)
def test_rules(lines: str, days: Sequence[str]) -> None:
    expansion = read(calendar(recurring(lines)))
    assert spans(expansion) == {
        f"a/202607{day}T100000Z": f"2026-07-{day}T10:00/2026-07-{day}T11:00"
        for day in days
    }
    assert expansion.problems == ()


def test_periods() -> None:
    """They bring their own length."""
    lines = "RDATE;VALUE=PERIOD:20260720T100000Z/PT3H,20260721T100000Z/20260721T103000Z"
    assert spans(read(calendar(recurring(lines)))) == {
        "a/20260706T100000Z": "2026-07-06T10:00/2026-07-06T11:00",
        "a/20260720T100000Z": "2026-07-20T10:00/2026-07-20T13:00",
        "a/20260721T100000Z": "2026-07-21T10:00/2026-07-21T10:30",
    }


@pytest.mark.parametrize(
    "start",
    ["DTSTART:20260706T120000", "DTSTART;TZID=Europe/Copenhagen:20260706T120000"],
)
@pytest.mark.parametrize(
    "until", ["20260707T100000Z", "20260707T120000", "20260707", "20260707T215959Z"]
)
def test_ends_of_rules(start: str, until: str) -> None:
    """In UTC, by the clock, or a day; inclusive, whatever the start is."""
    event = f"UID:a\n{start}\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert spans(read(calendar(event))) == {
        "a/20260706T100000Z": "2026-07-06T10:00/2026-07-06T11:00",
        "a/20260707T100000Z": "2026-07-07T10:00/2026-07-07T11:00",
    }


@pytest.mark.parametrize("until", ["20260711", "20260711T000000Z", "20260711T120000"])
def test_recurring_days(until: str) -> None:
    event = f"UID:a\nDTSTART;VALUE=DATE:20260710\nRRULE:FREQ=DAILY;UNTIL={until}"
    assert spans(read(calendar(f"{event}\nEXDATE;VALUE=DATE:20260712"))) == {
        "a/20260709T220000Z": "2026-07-09T22:00/2026-07-10T22:00",
        "a/20260710T220000Z": "2026-07-10T22:00/2026-07-11T22:00",
    }


@pytest.mark.parametrize(
    "excluded",
    [
        "EXDATE;VALUE=DATE:20260711",
        "EXDATE:20260711T000000",
        "EXDATE:20260710T220000Z",
        "EXDATE;TZID=Europe/Copenhagen:20260711T000000",
    ],
)
def test_left_out_days(excluded: str) -> None:
    """A day may be named by its midnight."""
    event = f"UID:a\nDTSTART;VALUE=DATE:20260710\nRRULE:FREQ=DAILY;COUNT=3\n{excluded}"
    assert list(spans(read(calendar(event)))) == [
        "a/20260709T220000Z",
        "a/20260711T220000Z",
    ]


MASTER = """
UID:a
DTSTART;TZID=Europe/Copenhagen:20260706T120000
DTEND;TZID=Europe/Copenhagen:20260706T130000
RRULE:FREQ=DAILY;COUNT=3
"""


@pytest.mark.parametrize(
    "recurrence",
    [
        "RECURRENCE-ID;TZID=Europe/Copenhagen:20260707T120000",
        "RECURRENCE-ID:20260707T100000Z",
        "RECURRENCE-ID:20260707T120000",
        "RECURRENCE-ID;TZID=America/New_York:20260707T060000",
        "RECURRENCE-ID;VALUE=DATE:20260707",
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_moved_occurrence(recurrence: str, first: bool) -> None:
    """However the feed names the original time, the id stays that of it."""
    moved = (
        f"UID:a\n{recurrence}\nDTSTART:20260720T080000Z\nDURATION:PT2H\nSUMMARY:Moved"
    )
    events = [moved, MASTER] if first else [MASTER, moved]
    expansion = read(calendar(*events))
    assert spans(expansion) == {
        "a/20260706T100000Z": "2026-07-06T10:00/2026-07-06T11:00",
        "a/20260708T100000Z": "2026-07-08T10:00/2026-07-08T11:00",
        "a/20260707T100000Z": "2026-07-20T08:00/2026-07-20T10:00",
    }
    assert [b.summary for b in expansion.bookings] == ["", "", "Moved"]


def test_moved_day() -> None:
    master = "UID:a\nDTSTART;VALUE=DATE:20260710\nRRULE:FREQ=DAILY;COUNT=2"
    for recurrence in (";VALUE=DATE:20260711", ":20260711T000000", ":20260710T220000Z"):
        moved = f"UID:a\nRECURRENCE-ID{recurrence}\nDTSTART;VALUE=DATE:20260715"
        assert spans(read(calendar(master, moved))) == {
            "a/20260709T220000Z": "2026-07-09T22:00/2026-07-10T22:00",
            "a/20260710T220000Z": "2026-07-14T22:00/2026-07-15T22:00",
        }


def test_cancelled_occurrence() -> None:
    """It is seen to be cancelled, and the others are not."""
    gone = """
UID:a
RECURRENCE-ID:20260707T100000Z
DTSTART:20260707T100000Z
DTEND:20260707T110000Z
STATUS:CANCELLED
"""
    expansion = read(calendar(MASTER, gone))
    assert {b.id: b.status.value for b in expansion.bookings} == {
        "a/20260706T100000Z": "confirmed",
        "a/20260707T100000Z": "cancelled",
        "a/20260708T100000Z": "confirmed",
    }


def test_moved_out_of_and_into_the_window() -> None:
    moved_away = "UID:a\nRECURRENCE-ID:20260706T100000Z\nDTSTART:20260901T080000Z"
    moved_here = """
UID:b
RECURRENCE-ID:20260901T100000Z
DTSTART:20260703T080000Z
DTEND:20260703T090000Z
"""
    expansion = read(calendar(MASTER, moved_away, moved_here), window=WINDOW)
    assert spans(expansion) == {
        "b/20260901T100000Z": "2026-07-03T08:00/2026-07-03T09:00",
        "a/20260707T100000Z": "2026-07-07T10:00/2026-07-07T11:00",
        "a/20260708T100000Z": "2026-07-08T10:00/2026-07-08T11:00",
    }


def test_change_of_this_and_all_later() -> None:
    later = """
UID:a
RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Copenhagen:20260707T120000
DTSTART;TZID=Europe/Copenhagen:20260707T150000
DTEND;TZID=Europe/Copenhagen:20260707T170000
SUMMARY:Later
"""
    expansion = read(calendar(MASTER, later))
    assert spans(expansion) == {
        "a/20260706T100000Z": "2026-07-06T10:00/2026-07-06T11:00",
        "a/20260707T100000Z": "2026-07-07T13:00/2026-07-07T15:00",
        "a/20260708T100000Z": "2026-07-08T13:00/2026-07-08T15:00",
    }
    assert [b.summary for b in expansion.bookings] == ["", "Later", "Later"]


def test_single_event_with_a_changed_self() -> None:
    """An event that does not recur any more, and what is left of its series."""
    changed = GOOD.replace("UID:good", "UID:good\nRECURRENCE-ID:20260701T120000Z")
    assert spans(read(calendar(GOOD, changed))) == {"good/20260701T120000Z": GOOD_SPAN}


@pytest.mark.parametrize(
    ("rule", "ids"),
    [
        ("FREQ=DAILY", 15),
        ("FREQ=DAILY;INTERVAL=3", 5),
        ("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=SU,TU", 2),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU", 2),
        ("FREQ=MONTHLY;BYDAY=2TH", 1),
        ("FREQ=MONTHLY;BYMONTHDAY=-31", 1),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=1", 1),
        ("FREQ=MONTHLY;INTERVAL=6", 1),
        ("FREQ=MONTHLY;INTERVAL=7", 0),
        ("FREQ=YEARLY;BYMONTH=7;BYMONTHDAY=10", 1),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=7;BYMONTHDAY=10", 1),
        ("FREQ=YEARLY;INTERVAL=3;BYMONTH=7;BYMONTHDAY=10", 0),
        ("FREQ=YEARLY;BYWEEKNO=28", 7),
        ("FREQ=YEARLY;BYDAY=2SA;BYMONTH=7", 1),
        ("FREQ=HOURLY;INTERVAL=7", 51),
        ("FREQ=MINUTELY;INTERVAL=1440", 15),
        ("FREQ=SECONDLY;INTERVAL=86400", 15),
        ("FREQ=DAILY;COUNT=4000", 15),
    ],
)
def test_rules_that_began_long_ago(rule: str, ids: int) -> None:
    """The short cut to the window leads to what the whole way leads to."""
    event = f"UID:a\nDTSTART:20180104T100000Z\nDURATION:PT30M\nRRULE:{rule}"
    found = spans(read(calendar(event), window=WINDOW))
    years = spans(
        read(calendar(event), window=(datetime(2018, 1, 1, tzinfo=UTC), YEAR[1]))
    )
    if len(years) < 1000:
        first, last = (f"{time:%Y-%m-%dT%H:%M}" for time in WINDOW)
        assert found == {i: s for i, s in years.items() if first <= s[:16] < last}
    assert len(found) == ids


def test_leap_days() -> None:
    """Not in a year that has none."""
    event = "UID:a\nDTSTART;VALUE=DATE:20160229\nRRULE:FREQ=YEARLY"
    window = datetime(2022, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
    assert spans(read(calendar(event), window=window)) == {
        "a/20240228T230000Z": "2024-02-28T23:00/2024-02-29T23:00",
        "a/20280228T230000Z": "2028-02-28T23:00/2028-02-29T23:00",
    }


def test_window() -> None:
    """Half-open, at both ends."""
    event = "UID:{0}\nDTSTART:202607{1}Z\nDTEND:202607{2}Z"
    body = calendar(
        event.format("before", "01T080000", "01T090000"),
        event.format("first", "01T080000", "01T090001"),
        event.format("around", "01T080000", "03T090000"),
        event.format("last", "02T085959", "02T100000"),
        event.format("after", "02T090000", "02T100000"),
        event.format("point", "01T090000", "01T090000"),
        event.format("negative", "01T100000", "01T080000"),
    )
    window = datetime(2026, 7, 1, 9, tzinfo=UTC), datetime(2026, 7, 2, 9, tzinfo=UTC)
    expansion = read(body, window=window)
    assert set(spans(expansion)) == {"around", "first", "last", "negative", "point"}


@pytest.mark.parametrize("rule", ["FREQ=MINUTELY", "FREQ=SECONDLY;COUNT=90000000"])
def test_too_many_occurrences(rule: str) -> None:
    """Nobody meant them; the others stay, and it is said."""
    silly = f"UID:a\nDTSTART:20260701T000000Z\nDURATION:PT30S\nRRULE:{rule}"
    expansion = read(calendar(silly, GOOD), window=WINDOW)
    assert len(expansion.bookings) == 1001
    assert expansion.bookings[0].id == "a/20260701T000000Z"
    assert spans(expansion)["good"] == GOOD_SPAN
    assert not expansion.complete
    assert expansion.problems == (
        Problem(reason="too_many_occurrences", item="event 1, line 4", field="RRULE"),
    )


def test_too_many_steps() -> None:
    silly = "UID:a\nDTSTART:20200701T000000Z\nRRULE:FREQ=SECONDLY;COUNT=900000000"
    expansion = read(calendar(silly), window=WINDOW)
    assert (expansion.bookings, expansion.complete) == ((), False)


def test_too_many_occurrences_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    module = "custom_components.booking_access.booking_systems.ical_feed"
    monkeypatch.setattr(f"{module}.MAX_OCCURRENCES", 4)
    other = MASTER.replace("UID:a", "UID:b")
    expansion = read(calendar(GOOD, MASTER, other))
    assert list(spans(expansion)) == [
        "good",
        "a/20260706T100000Z",
        "b/20260706T100000Z",
        "a/20260707T100000Z",
        "a/20260708T100000Z",
    ]
    [problem] = expansion.problems
    assert problem.item == "event 3, line 16"


# What is said of a booking


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("", BookingStatus.CONFIRMED),
        ("STATUS:CONFIRMED", BookingStatus.CONFIRMED),
        ("STATUS:Confirmed", BookingStatus.CONFIRMED),
        ("STATUS:TENTATIVE", BookingStatus.TENTATIVE),
        ("STATUS:CANCELLED", BookingStatus.CANCELLED),
        ("STATUS:CANCELED", BookingStatus.CANCELLED),
        ("STATUS;X-A=b: cancelled ", BookingStatus.CANCELLED),
    ],
)
def test_status(line: str, status: BookingStatus) -> None:
    expansion = read(calendar(f"{GOOD}\n{line}"))
    assert only(expansion).status is status
    assert expansion.problems == ()


def test_unknown_status() -> None:
    """Whatever it means, nobody said that it is confirmed."""
    expansion = read(calendar(f"{GOOD}\nSTATUS:ON-HOLD"))
    assert only(expansion).status is BookingStatus.TENTATIVE
    assert expansion.complete
    assert expansion.problems == (
        Problem(reason="unknown_status", item="event 1, line 4", field="STATUS"),
    )


@pytest.mark.parametrize(
    ("line", "transparent"),
    [("", False), ("TRANSP:OPAQUE", False), ("TRANSP:Transparent", True)],
)
def test_transparency(line: str, transparent: bool) -> None:
    """A whole day takes up time, too, unless it says that it does not."""
    for event in (GOOD, "UID:day\nDTSTART;VALUE=DATE:20260701"):
        assert only(read(calendar(f"{event}\n{line}"))).transparent is transparent


def test_people() -> None:
    event = f"""
{GOOD}
ORGANIZER;CN="Example, Ann";SENT-BY="mailto:x@example.com":MAILTO:ann@example.com
ATTENDEE;CN=Bob^'s Phone:tel:+4520123456
ATTENDEE;EMAIL=carl@example.com;CN=Carl:urn:uuid:1
ATTENDEE;CUTYPE=ROOM;CN=Hall:mailto:hall@example.com
ATTENDEE;PARTSTAT=DECLINED;CN=Dora:mailto:dora@example.com
ATTENDEE:mailto:eve@example.com
"""
    booking = only(read(calendar(event)))
    assert booking.holder == Person(name="Example, Ann", email="ann@example.com")
    assert booking.participants == (
        Person(name='Bob"s Phone', phone="+4520123456"),
        Person(name="Carl", email="carl@example.com"),
        Person(email="eve@example.com"),
    )


def test_people_that_cannot_be_read() -> None:
    """The booking stays, with the others."""
    event = f"""
{GOOD}
ORGANIZER;CN="Ann "Annie" Example":mailto:ann@example.com
ATTENDEE;CN:mailto:bob@example.com
ATTENDEE:mailto:carl@example.com
"""
    expansion = read(calendar(event))
    assert spans(expansion) == {"good": GOOD_SPAN}
    assert only(expansion).holder == NOBODY
    assert only(expansion).participants == (Person(email="carl@example.com"),)
    assert expansion.complete
    assert expansion.problems == (
        Problem(reason="bad_property", item="event 1, line 4", field="ATTENDEE"),
        Problem(reason="bad_property", item="event 1, line 4", field="ORGANIZER"),
    )


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("SUMMARY:Choir\\, tenors\\; \\\\ 1\\n2", "Choir, tenors; \\ 1\n2"),
        ("SUMMARY;LANGUAGE=da:Kor: øvelse", "Kor: øvelse"),
        ('SUMMARY;ALTREP="http://example.com/a;b":Kor', "Kor"),
        ('SUMMARY;ALTREP="http://example.com', ""),
        ("SUMMARY:Kor\x00\x07\x0b", "Kor"),
        ("SUMMARY:", ""),
        ("X-SUMMARY:Kor", ""),
        ("SUMMARY", ""),
    ],
)
def test_summary(line: str, summary: str) -> None:
    event = "UID:a\nDTSTART:20260701T120000Z"
    body = calendar(event).replace("UID:a", f"UID:a\r\n{line}")
    assert only(read(body)).summary == summary


@pytest.mark.parametrize(
    ("line", "updated"),
    [
        ("LAST-MODIFIED:20260601T100000Z", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("LAST-MODIFIED:20260601T100000", datetime(2026, 6, 1, 10, tzinfo=UTC)),
        ("LAST-MODIFIED:yesterday", None),
        ("DTSTAMP:20260601T100000Z", None),
    ],
)
def test_last_change(line: str, updated: datetime | None) -> None:
    """The stamp is not one: many feeds have the time of the request there."""
    assert only(read(calendar(f"{GOOD}\n{line}"))).updated_at == updated


# Identity


def test_no_uid() -> None:
    """It gets one that stays the same as long as the event does."""
    events = [GOOD.replace("UID:good", "UID:"), BETTER.replace("UID:better", "")]
    first = spans(read(calendar(*events)))
    again = spans(read(calendar(events[1], events[0], events[0])))
    assert first == again
    assert sorted(first.values()) == [GOOD_SPAN, BETTER_SPAN]
    assert all(len(uid) == 16 for uid in first)


NEWER = GOOD.replace("T12", "T14").replace("T13", "T15")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SEQUENCE:1", "SEQUENCE:2"),
        ("SEQUENCE:9", "SEQUENCE:10"),
        ("", "SEQUENCE:1"),
        ("SEQUENCE:x", "SEQUENCE:1"),
        ("DTSTAMP:20260601T100000Z", "DTSTAMP:20260601T100001Z"),
        ("DTSTAMP:20260601T100000Z", "LAST-MODIFIED:20260601T100001Z"),
        ("SEQUENCE:1\nDTSTAMP:20260601T100000Z", "SEQUENCE:2"),
    ],
)
def test_newest_of_the_same_uid(old: str, new: str) -> None:
    """Whichever comes first in the feed."""
    for events in (
        [f"{GOOD}{old}", f"{NEWER}{new}"],
        [f"{NEWER}{new}", f"{GOOD}{old}"],
    ):
        expansion = read(calendar(*events))
        assert spans(expansion) == {"good": "2026-07-01T14:00/2026-07-01T15:00"}
        assert expansion.problems == ()


def test_newest_of_the_same_occurrence() -> None:
    moved = (
        "UID:a\nRECURRENCE-ID:20260707T100000Z\nDTSTART:202607{0}T100000Z\nSEQUENCE:{1}"
    )
    for order in ((0, 1), (1, 0)):
        events = [moved.format("20", 2), moved.format("21", 3)]
        found = spans(read(calendar(MASTER, *(events[i] for i in order))))
        assert found["a/20260707T100000Z"] == "2026-07-21T10:00/2026-07-21T10:00"


def test_duplicates_are_one() -> None:
    expansion = read(calendar(GOOD, GOOD, MASTER, MASTER))
    assert list(spans(expansion)) == [
        "good",
        "a/20260706T100000Z",
        "a/20260707T100000Z",
        "a/20260708T100000Z",
    ]
    assert expansion.problems == ()


def test_two_events_with_one_uid() -> None:
    """Which of them is meant cannot be known; always the same one is taken."""
    for events in ((GOOD, NEWER), (NEWER, GOOD)):
        expansion = read(calendar(*events))
        assert spans(expansion) == {"good": "2026-07-01T14:00/2026-07-01T15:00"}
        assert expansion.problems == (
            Problem(reason="duplicate_uid", item="event 2, line 10", field="UID"),
        )


# What is broken


@pytest.mark.parametrize(
    ("bad", "wire_field"),
    [
        ("UID:bad\nSUMMARY:Secret", "DTSTART"),
        ("UID:bad\nDTEND:20260701T120000Z", "DTSTART"),
        ("UID:bad\nDTSTART:Secret", "DTSTART"),
        ("UID:bad\nDTSTART:20261301T120000Z", "DTSTART"),
        ("UID:bad\nDTSTART:20260701T250000Z", "DTSTART"),
        ("UID:bad\nDTSTART:20260701T1200", "DTSTART"),
        ("UID:bad\nDTSTART;TZID=Secret:20260701T120000", "DTSTART"),
        ("UID:bad\nDTSTART;TZID:20260701T120000", "DTSTART"),
        ("UID:bad\nDTSTART;VALUE=DATE:20260701T120000", "DTSTART"),
        ("UID:bad\nDTSTART:20260701T120000Z\nDTSTART:20260702T120000Z", "DTSTART"),
        ("UID:bad\nDTSTART:20260701T120000Z\nDTEND:Secret", "DTEND"),
        ("UID:bad\nDTSTART:20260701T120000Z\nDTEND:20260701T130000", "DTEND"),
        ("UID:bad\nDTSTART:20260701T120000Z\nDURATION:Secret", "DURATION"),
        ("UID:bad\nDTSTART:20260701T120000Z\nDURATION:-PT1H", "DURATION"),
        ("UID:bad\nDTSTART;VALUE=DATE:20260701\nDURATION:PT1H", "DURATION"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:Secret", "RRULE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=SOMETIMES", "RRULE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:COUNT=3", "RRULE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=DAILY;INTERVAL=0", "RRULE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=DAILY;BYSETPOS=0", "RRULE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=DAILY;UNTIL=Secret", "RRULE"),
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=HOURLY;INTERVAL=2;BYHOUR=1",
            "RRULE",
        ),
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=DAILY\nRRULE:FREQ=DAILY",
            "RRULE",
        ),
        # Rules that would be searched for ever.
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
            "RRULE",
        ),
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRRULE:FREQ=SECONDLY;BYYEARDAY=1;BYMONTH=2",
            "RRULE",
        ),
        ("UID:bad\nDTSTART:20260701T120000Z\nRDATE:Secret", "RDATE"),
        ("UID:bad\nDTSTART:20260701T120000Z\nEXDATE:20260702T120000Z,x", "EXDATE"),
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRECURRENCE-ID:Secret",
            "RECURRENCE-ID",
        ),
        (
            "UID:bad\nDTSTART:20260701T120000Z\nRECURRENCE-ID;X:20260701T120000Z",
            "RECURRENCE-ID",
        ),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_bad_event(bad: str, wire_field: str, place: int) -> None:
    """It is said which, without what is in it; all others stay."""
    events = [GOOD, BETTER]
    events.insert(place, bad)
    expansion = read(calendar(*events))
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}
    line = 4 + sum(len(event.strip().splitlines()) + 2 for event in events[:place])
    assert expansion.problems == (
        Problem(
            reason="bad_event", item=f"event {place + 1}, line {line}", field=wire_field
        ),
    )
    assert not expansion.complete


def test_several_bad_events() -> None:
    bad = "UID:bad\nDTSTART:Secret"
    expansion = read(calendar(bad, GOOD, bad, bad, BETTER, bad))
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}
    assert [(p.item, p.field) for p in expansion.problems] == [
        ("event 1, line 4", "DTSTART"),
        ("event 3, line 14", "DTSTART"),
        ("event 4, line 18", "DTSTART"),
        ("event 6, line 27", "DTSTART"),
    ]


def test_very_many_bad_events() -> None:
    """After some, nobody looks closely any more."""
    bad = ["UID:bad\nDTSTART:Secret"] * 30
    expansion = read(calendar(*bad, GOOD))
    assert spans(expansion) == {"good": GOOD_SPAN}
    assert [p.field for p in expansion.problems] == ["DTSTART"] * 20 + ["VEVENT"] * 10


def test_bad_only_together() -> None:
    """A change of a series that can be read, but has no place in the series."""
    master = MASTER.replace("T12", "T00").replace("T13", "T01")
    moved = "UID:a\nDTSTART:20260720T100000Z\nRECURRENCE-ID;VALUE=DATE:00010101"
    expansion = read(calendar(master, moved))
    assert list(spans(expansion)) == [
        "a/20260705T220000Z",
        "a/20260706T220000Z",
        "a/20260707T220000Z",
    ]
    assert [p.field for p in expansion.problems] == ["RECURRENCE-ID"]
    assert not expansion.complete


def test_out_of_all_calendars() -> None:
    """Long before there were any, so nothing of it can be missing."""
    expansion = read(calendar(GOOD, "UID:bad\nDTSTART:00010101T000000"))
    assert spans(expansion) == {"good": GOOD_SPAN}
    assert [p.field for p in expansion.problems] == ["DTSTART"]
    assert expansion.complete


@pytest.mark.parametrize(
    ("bad", "complete"),
    [
        ("DTSTART:20250601T120000Z\nDTEND:Secret", True),
        ("DTSTART;VALUE=DATE:20250601\nDURATION:PT1H", True),
        ("DTSTART:20250601T120000Z\nRECURRENCE-ID:Secret", True),
        ("DTSTART:20250801T120000Z\nDTEND:Secret", False),
        ("DTSTART:20250601T120000Z\nDTEND:Secret\nRRULE:FREQ=DAILY", False),
        ("DTSTART:20250601T120000Z\nRRULE:Secret", False),
    ],
)
def test_bad_event_of_long_ago(bad: str, complete: bool) -> None:
    """It is still told of, but does not keep others from being seen to vanish."""
    expansion = read(calendar(GOOD, f"UID:bad\n{bad}"), window=WINDOW)
    assert len(expansion.problems) == 1
    assert expansion.complete is complete


def test_event_without_end() -> None:
    body = calendar(GOOD, "UID:bad\nDTSTART:20260701T120000Z", BETTER)
    body = body.replace("120000Z\r\nEND:VEVENT\r\nBEGIN", "120000Z\r\nBEGIN")
    expansion = read(body)
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}
    assert expansion.problems == (
        Problem(reason="bad_event", item="event 2, line 10", field="END"),
    )
    assert not expansion.complete


def test_last_event_without_end() -> None:
    body = calendar(GOOD, BETTER)
    body = body.replace("END:VEVENT\r\nEND:VCALENDAR", "END:VCALENDAR")
    expansion = read(body)
    assert spans(expansion) == {"good": GOOD_SPAN}
    assert [p.item for p in expansion.problems] == ["event 2, line 10"]


@pytest.mark.parametrize(
    "zone",
    [
        "TZID:Broken",
        "BEGIN:STANDARD\nEND:STANDARD",
        "TZID:Broken\nBEGIN:STANDARD\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\nEND:STANDARD",
        "TZID:Broken\nBEGIN:STANDARD\nDTSTART:x\nTZOFFSETFROM:+0100\nEND:STANDARD",
        "TZID",
    ],
)
def test_broken_zone(zone: str) -> None:
    """Only what is in it gets lost."""
    in_it = "UID:in\nDTSTART;TZID=Broken:20260701T120000\nDURATION:PT1H"
    head = f"BEGIN:VTIMEZONE\n{zone}\nEND:VTIMEZONE"
    expansion = read(calendar(GOOD, in_it, BETTER, head=head))
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}
    assert [p.field for p in expansion.problems] == ["DTSTART"]


def test_what_does_not_matter_cannot_break_anything() -> None:
    """Alarms, tasks, lines without sense, and parts that are never closed."""
    mess = f"""
{GOOD}
DTSTAMP:Secret
SEQUENCE:Secret
LAST-MODIFIED:Secret
GEO:Secret
ATTACH;VALUE=BINARY:%%%
a line of a description that was not folded
BEGIN:VALARM
TRIGGER:Secret
DTSTART:20300101T000000Z
END:VALARM
BEGIN:VALARM
TRIGGER:Secret
"""
    head = """
REFRESH-INTERVAL:Secret
BEGIN:VTODO
DUE:Secret
UID:todo
END:VTODO
END:NOTHING
BEGIN:VJOURNAL
UID:journal
"""
    body = calendar(mess, BETTER, head=head) + "<!-- served by example -->\r\n"
    expansion = read(body)
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}
    assert (expansion.complete, expansion.problems) == (True, ())


def test_several_calendars_in_one_feed() -> None:
    expansion = read(calendar(GOOD) + calendar(BETTER))
    assert spans(expansion) == {"good": GOOD_SPAN, "better": BETTER_SPAN}


def test_event_whose_line_is_not_found() -> None:
    """It is at least said which it is."""
    body = calendar(GOOD, "UID:bad").replace("BEGIN:VEVENT", "BEG\r\n IN:VEVENT")
    assert [p.item for p in read(body).problems] == ["event 2"]


# What is no calendar


@pytest.mark.parametrize(
    ("body", "wire_field"),
    [
        (b"", "BEGIN:VCALENDAR"),
        (b"\r\n\r\n", "BEGIN:VCALENDAR"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "BEGIN:VCALENDAR"),
        (b'{"events": []}', "BEGIN:VCALENDAR"),
        (b"<pre>\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n</pre>", "BEGIN:VCALENDAR"),
        (calendar(GOOD).encode("utf-16"), "BEGIN:VCALENDAR"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "END:VCALENDAR"),
        (calendar(GOOD).encode()[:-18], "END:VCALENDAR"),
        (calendar(GOOD).encode()[:70], "END:VCALENDAR"),
        (calendar("UID:bad\nDTSTART:Secret").encode(), "VEVENT"),
        (calendar("UID:bad").encode(), "VEVENT"),
        (calendar("", "").encode(), "VEVENT"),
        (calendar(GOOD).encode().replace(b"END:VEVENT", b""), "VEVENT"),
        (b"BEGIN:VEVENT\r\nDTSTART:20260701\r\nEND:VEVENT\r\n", "BEGIN:VCALENDAR"),
        # Neither UTF-8 nor Windows-1252.
        (calendar(GOOD).encode().replace(b"Good", b"G\x81\xff"), "body"),
    ],
)
def test_failed_polls(body: bytes, wire_field: str) -> None:
    with pytest.raises(ContractError) as raised:
        read(body)
    assert raised.value.field == wire_field
    assert "Secret" not in str(raised.value)


@pytest.mark.parametrize(
    "body", [calendar(), calendar(head="X-WR-CALNAME:Hall"), "\r\n" + calendar()]
)
def test_really_empty_calendar(body: str) -> None:
    assert read(body) == Expansion(
        bookings=(), start=YEAR[0], end=YEAR[1], complete=True, problems=()
    )


@pytest.mark.parametrize(
    ("body", "summary"),
    [
        (calendar(GOOD).encode("utf-8-sig"), "Good"),
        (calendar(GOOD).replace("Good", "Kør").encode("cp1252"), "Kør"),
        (calendar(GOOD).replace("Good", "Kør").encode(), "Kør"),
        # Folded in the middle of a character, and of everything else.
        (
            calendar(GOOD)
            .replace("Good", "Kør")
            .encode()
            .replace(b"\xb8", b"\r\n \xb8"),
            "Kør",
        ),
        (calendar(GOOD).replace("Good", "Go\r\n\tod").encode(), "Good"),
        (calendar(GOOD).replace("SUMMARY", "SUM\n MARY").encode(), "Good"),
        (calendar(GOOD).replace("Good", "\0Go\0od").encode(), "Good"),
        (calendar(GOOD).replace("\r\n", " \r\n").encode(), "Good"),
        (calendar(GOOD).lower().replace("20260701t", "20260701T").encode(), "good"),
    ],
)
def test_encodings(body: bytes, summary: str) -> None:
    if b"20260701T120000z" in body:
        body = body.replace(b"0z", b"0Z")
    expansion = read(body)
    assert spans(expansion) == {"good": GOOD_SPAN}
    assert only(expansion).summary == summary


def test_nothing_personal_is_said() -> None:
    """Neither by what goes wrong nor by a booking's repr."""
    person = "SUMMARY:Secret\nORGANIZER;CN=Secret:mailto:secret@example.com"
    bad = f"UID:secret\nDTSTART:Secret\n{person}\nSTATUS:Secret"
    expansion = read(calendar(f"{GOOD}\n{person}\nSTATUS:Secret", bad))
    assert len(expansion.problems) == 2
    assert "secret" not in repr(expansion).lower()


def test_growth() -> None:
    """Series are told apart, and a feed is expanded again without being read."""
    events = [MASTER.replace("UID:a", f"UID:{number}") for number in range(50)]
    feed = read_feed(calendar(*events).encode(), "room", COPENHAGEN)
    for days in (0, 1, 2):
        start = datetime(2026, 7, 6, 10, tzinfo=UTC) + timedelta(days=days)
        found = expand(feed, start, start + timedelta(hours=1))
        assert {b.id for b in found.bookings} == {
            f"{number}/{start:%Y%m%dT%H%M%SZ}" for number in range(50)
        }
