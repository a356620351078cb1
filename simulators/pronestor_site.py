"""What a Planner of the simulator knows, and how it is written in two dialects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

type Wire = dict[str, object]

ZONE: Final = ZoneInfo("Europe/Copenhagen")

# How the names of the dialect "other" are written into an account's form.
OTHER: Final[Mapping[str, Any]] = {
    "auth": {
        "path": "v2/session/authenticate",
        "user_field": "login",
        "password_field": "secret",
        "body": "form",
        "extra": {"remember": True},
    },
    "rooms": {
        "path": "v2/locations/{site}/rooms",
        "location_param": "site",
        "list_path": "data.rooms",
        "id": "roomNumber",
        "name": "title",
        "location_id": None,
        "location_name": "site.title",
    },
    "bookings": {
        "method": "POST",
        "path": "v2/meetings/search",
        "from_param": "since",
        "to_param": "until",
        "location_param": None,
        "room_param": "room",
        "date_format": "%d-%m-%Y %H:%M",
        "list_path": "data.meetings",
        "id": "number",
        "room_id": "rooms.roomNumber",
        "subject": "title",
        "start": "period.begin",
        "end": "period.finish",
        "booker": {
            "name": ["organizer.first", "organizer.last"],
            "email": "organizer.mail",
            "phone": "organizer.mobile",
        },
        "participants": {
            "list_path": "people",
            "name": "fullName",
            "email": "mail",
            "phone": None,
            "company": "organisation",
        },
        "cancelled": "state",
        "cancelled_values": ["Annulled", 4],
    },
}

LOCATIONS: Final = {3: "Hovedkontoret", 7: "Aarhus"}
# Number, name, location.
ROOMS: Final = (
    (101, "Fyrtårnet", 3),
    (102, "Skibet", 3),
    (103, "Bestyrelseslokalet", 3),
    (201, "Auditoriet", 7),
)
_ANNA: Final = ("Anna Holm Kjærsgaard", "anna@example.com", "20 12 34 56")
_BO: Final = ("Bo Lindegaard", "bo@example.com", "+45 31 22 33 44")
# Number, room, hours from now, length in hours, subject, booker.
BOOKINGS: Final = (
    (5001, 101, -0.5, 2, "Ugemøde", _ANNA),
    (5002, 102, 2, 1.5, "Kundebesøg", _BO),
    (5003, 201, 4, 1, "Foredrag", _ANNA),
    (5004, 101, 26, 3, "Workshop", _BO),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """A room of a location."""

    name: str
    location: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Meeting:
    """A meeting at the vendor."""

    rooms: tuple[int, ...]
    start: datetime
    end: datetime
    subject: str | None = None
    booker: Mapping[str, Any] | None = None
    participants: tuple[Mapping[str, Any], ...] = ()
    cancelled: bool = False
    extra: Wire = field(default_factory=dict)

    def guessed(self, number: str, room: int, date_format: object) -> Wire:
        """Write a meeting by the guessed names."""
        return {
            "Id": int(number) if number.isdecimal() else number,
            "RoomId": room,
            "Subject": self.subject,
            "Start": written(self.start, date_format),
            "End": written(self.end, date_format),
            "MeetingType": {"Id": 1, "Name": "Internal"},
            "Cancelled": self.cancelled,
            "Booker": self.booker
            and {name.title(): value for name, value in self.booker.items()},
            "Participants": [
                {name.title(): value for name, value in person.items()}
                for person in self.participants
            ],
            **self.extra,
        }

    def other(self, number: str, date_format: object) -> Wire:
        """Write a meeting by other names."""
        booker = self.booker or {}
        first, _, last = (booker.get("name") or "").partition(" ")
        return {
            "number": number,
            "rooms": [{"roomNumber": room} for room in self.rooms],
            "title": self.subject,
            "period": {
                "begin": written(self.start, date_format),
                "finish": written(self.end, date_format),
            },
            "state": "Annulled" if self.cancelled else "Booked",
            "organizer": {
                "first": first,
                "last": last,
                "mail": booker.get("email"),
                "mobile": booker.get("phone"),
            },
            "people": [
                {
                    "fullName": person.get("name"),
                    "mail": person.get("email"),
                    "organisation": person.get("company"),
                }
                for person in self.participants
            ],
            **self.extra,
        }


def written(moment: datetime, date_format: object) -> str:
    """Write a time as answers have it."""
    local = moment.astimezone(ZONE)
    ms = int(moment.timestamp() * 1000)
    return {
        "dotnet": f"/Date({ms})/",
        "dotnet_offset": f"/Date({ms}{local:%z})/",
        "iso_offset": local.isoformat(timespec="seconds"),
        "iso": f"{local:%Y-%m-%dT%H:%M:%S}",
    }[str(date_format)]


def meeting_of(wish: Mapping[str, Any]) -> Meeting:
    """Read a meeting of the control door."""
    return Meeting(
        rooms=tuple(int(id_) for id_ in wish.get("rooms", [wish.get("room")])),
        start=_moment(wish["start"]),
        end=_moment(wish["end"]),
        subject=wish.get("subject"),
        booker=wish.get("booker"),
        participants=tuple(wish.get("participants", ())),
        cancelled=bool(wish.get("cancelled")),
        extra=dict(wish.get("extra", {})),
    )


def _moment(text: str) -> datetime:
    """Read a time of the control door."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
