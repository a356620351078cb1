"""How the simulator of each booking system is set up for the suite of faults.

A new system adds one case; nothing else of the suite changes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from custom_components.booking_access.booking_systems.clock_pms_http import BlockedError
from custom_components.booking_access.engine.models import AuthError, VendorError
from simulators.base import Simulator
from simulators.clock_pms import ClockSimulator
from simulators.icalendar import ICalendarSimulator
from simulators.pronestor import PronestorSimulator
from simulators.winkas import WinKasSimulator

# Who has booked: what must never be told.
NAME: Final = "Zebedee"
LAST_NAME: Final = "Qvistgaard"
PHONE: Final = "+4520998877"
EMAIL: Final = "zebedee.q@example.com"
MARKERS: Final = (NAME, LAST_NAME, "20998877", "20 99 88 77", EMAIL)

type Change = Callable[[Simulator], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One system.

    ``book`` makes the booking of a number with the people above, from start to end;
    ``resource`` is what it books, as a room knows it. ``odd`` are answers that are
    not as they were, and are read all the same; ``lacking`` those that do not name
    what is known. ``errors`` are those that differ from other systems'. ``settings``
    are what the form is given besides the simulator's credentials. ``waits`` says how
    long nothing is asked after a fault, where that outlives it.
    """

    make: Callable[[], Simulator]
    resource: str
    book: Callable[[Simulator, int, datetime, datetime], None]
    odd: Mapping[str, Change]
    lacking: Mapping[str, Change]
    errors: Mapping[str, type[VendorError]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    waits: Mapping[str, timedelta] = field(default_factory=dict)


# WinKAS

HALL: Final = 12


def winkas() -> WinKasSimulator:
    """Return a WinKAS with two halls, of which one is booked for ever."""
    simulator = WinKasSimulator()
    halls = [{"id": HALL, "name": "Hal 1"}, {"id": HALL + 1, "name": "Hal 2"}]
    simulator.control({"clear": True, "resources": halls})
    return simulator


def book_winkas(
    simulator: Simulator, number: int, start: datetime, end: datetime, **more: Any
) -> None:
    """Book the first hall."""
    reach = {"Email": EMAIL, "Mobile": PHONE}
    owner = {"FirstName": NAME, "LastName": LAST_NAME, **reach}
    times = {"start": start.isoformat(), "end": end.isoformat()}
    booking = {"id": number, "resource": HALL, "subject": "Badminton", "owner": owner}
    simulator.control({"bookings": [{**booking, **times, **more}]})


def winkas_extras(simulator: Simulator) -> None:
    """Fields and values that nobody has seen yet."""
    assert isinstance(simulator, WinKasSimulator)
    unknown = {"Colour": {"Id": 5}, "Status": "Provisionally", "Tags": [None]}
    for number, stored in simulator.bookings.items():
        changed = replace(stored, record={**stored.record, **unknown})
        simulator.bookings[number] = changed
    for resource in simulator.resources.values():
        resource["Capacity"] = "many"


def winkas_nulls(simulator: Simulator) -> None:
    """Null wherever a text may be."""
    assert isinstance(simulator, WinKasSimulator)
    nobody = {"FirstName": None, "LastName": None, "Mobile": None}
    for number, stored in simulator.bookings.items():
        changed = replace(stored, record={**stored.record, "Subject": None})
        simulator.bookings[number] = replace(changed, owner=nobody)


# iCalendar

_UIDS: Final = "stay-{}@example.com"


def icalendar() -> ICalendarSimulator:
    """Return a feed without events."""
    simulator = ICalendarSimulator()
    simulator.control({"clear": True, "name": "Meeting room"})
    return simulator


def book_icalendar(
    simulator: Simulator, number: int, start: datetime, end: datetime, **more: Any
) -> None:
    """Put an event into the feed."""
    event = {
        "uid": _UIDS.format(number),
        "start": start.isoformat(),
        "end": end.isoformat(),
        "summary": f"CLOSED - {NAME} {LAST_NAME}",
        "description": f"Phone: {PHONE}",
        "organizer": {"name": f"{NAME} {LAST_NAME}", "email": EMAIL},
    }
    simulator.control({"events": [{**event, **more}]})


def _lines(*lines: str) -> Change:
    """Return what adds lines to all events."""

    def add(simulator: Simulator) -> None:
        assert isinstance(simulator, ICalendarSimulator)
        for event in simulator.events.values():
            event += lines
        simulator.control({})

    return add


def no_texts(simulator: Simulator) -> None:
    """Take the texts of all events away."""
    assert isinstance(simulator, ICalendarSimulator)
    for event in simulator.events.values():
        texts = ("SUMMARY", "DESCRIPTION", "ORGANIZER")
        event[:] = [
            f"{line.partition(':')[0]}:" if line.startswith(texts) else line
            for line in event
        ]
    simulator.control({})


# Clock PMS+


def clock_pms() -> ClockSimulator:
    """Return a hotel with one room."""
    simulator = ClockSimulator(calls_a_second=10_000)
    simulator.control({"clear": True, "rooms": [{"id": 101, "name": "101"}]})
    return simulator


def book_clock_pms(
    simulator: Simulator, number: int, start: datetime, end: datetime
) -> None:
    """Book the room by the hour, with typed times."""
    stay = {
        "id": number,
        "arrival": f"{start:%Y-%m-%d}",
        "arrival_time": f"{start:%H:%M}",
        "departure": f"{end:%Y-%m-%d}",
        "departure_time": f"{end:%H:%M}",
        "current_room_id": 101,
        "guest_first_name": NAME,
        "guest_last_name": LAST_NAME,
        "guest_phone_number": PHONE,
        "guest_e_mail": EMAIL,
    }
    simulator.control({"bookings": [stay]})


def changed_clock_pms(**changes: Any) -> Change:
    """Return what changes all bookings."""

    def change(simulator: Simulator) -> None:
        assert isinstance(simulator, ClockSimulator)
        for id_ in simulator.tables["bookings"]:
            simulator.control({"bookings": [{"id": id_, **changes}]})

    return change


def fault(kind: str, **options: Any) -> Change:
    """Return what switches on a fault of the simulator's own."""
    return lambda simulator: simulator.fault(kind, **options)


# Pronestor Planner

MEETING_ROOM: Final = 101


def pronestor() -> PronestorSimulator:
    """Return a Planner with one meeting room."""
    simulator = PronestorSimulator()
    room = {"id": MEETING_ROOM, "name": "Fyrtårnet", "location": 3}
    simulator.control({"clear": True, "rooms": [room]})
    return simulator


def book_pronestor(
    simulator: Simulator, number: int, start: datetime, end: datetime, **more: Any
) -> None:
    """Book the meeting room."""
    people = {"name": f"{NAME} {LAST_NAME}", "email": EMAIL, "phone": PHONE}
    times = {"start": start.isoformat(), "end": end.isoformat()}
    booking = {"id": number, "room": MEETING_ROOM, "subject": f"{NAME}'s meeting"}
    people = {"booker": people, "participants": [people]}
    simulator.control({"bookings": [{**booking, **times, **people, **more}]})


def in_each_meeting(**fields: Any) -> Change:
    """Return what answers other fields, or others' values, in all meetings."""

    def change(simulator: Simulator) -> None:
        assert isinstance(simulator, PronestorSimulator)
        for stored in simulator.meetings.values():
            stored.extra.update(fields)

    return change


CASES: Final[Mapping[str, Case]] = {
    "clock_pms": Case(
        make=clock_pms,
        resource="101",
        book=book_clock_pms,
        odd={
            "nulls": changed_clock_pms(
                **dict.fromkeys(
                    (
                        *("number", "guest_first_name", "guest_last_name"),
                        *("guest_phone_number", "guest_e_mail", "arrival_room_id"),
                    )
                )
            ),
            "unknown fields": changed_clock_pms(
                extra={"self_service_pin": "4711", "common_door_codes": [None]}
            ),
            "twice": fault("duplicate"),
        },
        lacking={
            "empty": fault("empty"),
            "partial": fault("partial"),
            "nothing but nulls": changed_clock_pms(
                extra=dict.fromkeys(("status", "arrival", "departure"))
            ),
            "unknown status": changed_clock_pms(status="waiting"),
        },
        errors={"403": BlockedError},
        settings={"believe_times": True, "time_zone": "UTC"},
        waits={"403": timedelta(minutes=121)},
    ),
    "icalendar": Case(
        make=icalendar,
        resource="calendar",
        book=book_icalendar,
        odd={
            "nulls": no_texts,
            "unknown fields": _lines("X-COLOUR;X=1:red", "CONFERENCE:x", "COLOR"),
            "unknown values": _lines("TRANSP:MAYBE", "CLASS:SECRET"),
            "one bad event": fault("bad_event"),
            "twice": fault("duplicate"),
        },
        lacking={"empty": fault("empty"), "partial": fault("partial")},
    ),
    "pronestor": Case(
        make=pronestor,
        resource=str(MEETING_ROOM),
        book=book_pronestor,
        odd={
            "nulls": in_each_meeting(Subject=None, Booker=None, Participants=None),
            "nobody": in_each_meeting(Booker={"Name": None}, Participants=[{}]),
            "unknown fields": in_each_meeting(Equipment=[{"Id": 1}], RowVersion="AAE="),
            "unknown values": in_each_meeting(Cancelled="Perhaps", MeetingType=None),
            "twice": fault("duplicate"),
        },
        lacking={
            "no bookings": fault("empty", path="GetBookings"),
            "no rooms": fault("empty", path="GetRooms"),
            "partial": fault("partial", path="GetBookings"),
            "nothing but nulls": fault("nulls", path="GetBookings"),
        },
        errors={"HTML": AuthError},  # a page for people, as a login is one
    ),
    "winkas": Case(
        make=winkas,
        resource=str(HALL),
        book=book_winkas,
        odd={
            "nulls": winkas_nulls,
            "unknown fields and values": winkas_extras,
            "twice": fault("duplicate"),
        },
        lacking={
            "empty": fault("empty"),
            "nothing but nulls": fault("nulls"),
        },
    ),
}
