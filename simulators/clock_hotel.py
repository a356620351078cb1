"""A hotel of Clock PMS+: its rooms and stays, the columns of a booking, its filters."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
import operator
import re
from typing import Any, Final

from multidict import MultiMapping

type Record = dict[str, Any]

ACCOUNT: Final = 9021
DAY: Final = timedelta(days=1)

OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}
DATES: Final = ("arrival", "departure", "reference_date")
INSTANTS: Final = ("created_at", "updated_at", "status_changed_at")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")

# Every column of a booking; what is not said is null.
COLUMNS: Final = (
    *("id", "number", "reference_number", "reference_date", "account_id", "event_id"),
    *("block_id", "lock_version", "arrival", "departure", "arrival_time"),
    *("departure_time", "early_arrival", "late_departure", "status"),
    *("status_changed_at", "created_at", "updated_at", "arrival_room_type_id"),
    *("arrival_room_id", "current_room_id", "disable_room_change"),
    *("require_room_resource", "guest_first_name", "guest_middle_name"),
    *("guest_last_name", "guest_e_mail", "guest_phone_number", "guest_country"),
    *("guest_language", "guest_address", "guest_city", "guest_zip_code", "guest_state"),
    *("guest_fax_number", "guest_person_title_id", "guest_person_title_name"),
    *("adults", "children", "rate_id", "is_guaranteed", "ota"),
    *("self_service_key", "self_service_pin", "self_pre_checked_in"),
)
LISTS: Final = (
    *("booking_room_changes", "booking_guests", "common_door_codes"),
    *("identity_tags", "active_notes", "active_housekeeping_notes"),
    *("active_meals_notes", "active_client_requests", "children_ages"),
    "rate_calculation",
)
STATUSES: Final = ("expected", "checked_in", "checked_out", "canceled", "no_show")
SHORTEST_SEARCH: Final = 3
_SINCE: Final = "2024-05-01T08:00:00.000Z"

TYPES: Final = ((1, "Double"), (2, "Suite"))
ROOMS: Final = ((101, "101", 1), (102, "102", 1), (201, "201", 2))
# Number, room, days until arrival, nights, status, last name, first name, phone.
STAYS: Final = (
    (36570822, 101, -1, 3, "checked_in", "Holm", "Anna", "+45 20 12 34 56"),
    (36570823, 101, 2, 2, "expected", "Østergaard", "Søren", None),
    (36570824, 102, 0, 1, "expected", "Rossi", "Giulia", "+39 347 123 4567"),
    (36570825, None, 5, 2, "expected", "Weber", "Jonas", "+49 1512 3456789"),
    (36570826, 201, 1, 4, "canceled", "Novák", "Petr", ""),
)
GUEST_PHONE: Final = "0045 31 22 33 44"


class RefusedError(Exception):
    """A request that Clock would not follow."""

    def __init__(self, status: int, error: str) -> None:
        """Remember what to answer."""
        super().__init__(error)
        self.status = status


def fits(booking: Record, filter_: str, wanted: str) -> bool:
    """Whether a booking fits a filter; one over no column, or no value, is refused."""
    column, _, name = filter_.removesuffix("[]").partition(".")
    compare = OPERATORS.get(name or "eq")
    if column not in COLUMNS or compare is None:
        raise RefusedError(400, f"{filter_} is not a filter")
    value = booking[column]
    try:
        if column in DATES:
            return value is not None and compare(
                date.fromisoformat(value), date.fromisoformat(wanted)
            )
        if column in INSTANTS:
            if not _INSTANT.fullmatch(wanted):
                raise RefusedError(400, f"{column} is no time")
            return value is not None and compare(
                datetime.fromisoformat(value), datetime.fromisoformat(wanted)
            )
    except ValueError as err:
        raise RefusedError(400, f"{column} is no date") from err
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return value is not None and compare(text, wanted)


def fit_all(booking: Record, query: MultiMapping[str]) -> bool:
    """Whether a booking fits all filters; those named "x[]" together list what x may be."""
    return all(
        any(fits(booking, name, each) for each in query.getall(name))
        if name.endswith("[]")
        else all(fits(booking, name, each) for each in query.getall(name))
        for name in set(query)
    )


def found_guests(guests: Iterable[Record], text: str) -> list[Record]:
    """Return the guests with a text in what may be searched; a short one is an error."""
    if len(text) < SHORTEST_SEARCH:
        raise RefusedError(500, "free_text_search is too short")
    searched = ("e_mail", "phone_number", "first_name", "last_name")
    return [
        {"id": each["id"], "family_id": None, "e_mail": None, **each}
        for each in guests
        if any(text.lower() in str(each.get(name) or "").lower() for name in searched)
    ]


def free_rooms(
    rooms: Iterable[Record], bookings: Iterable[Record], query: Mapping[str, str]
) -> list[Record]:
    """Return which rooms are free on all days of a range, its last one included."""
    try:
        first, last = (date.fromisoformat(query[name]) for name in ("from", "to"))
    except (KeyError, ValueError) as err:
        raise RefusedError(400, "from and to are dates") from err
    taken = {
        each["current_room_id"] or each["arrival_room_id"]
        for each in bookings
        if each["status"] in ("expected", "checked_in")
        and date.fromisoformat(each["arrival"]) <= last
        and date.fromisoformat(each["departure"]) > first
    }
    by_type: dict[int, list[Record]] = {}
    for room in rooms:
        if query.get("room_type_id") in (None, str(room["room_type_id"])):
            told = {"id": room["id"], "available": room["id"] not in taken}
            by_type.setdefault(room["room_type_id"], []).append(told)
    return [{"room_type_id": kind, "rooms": told} for kind, told in by_type.items()]


def type_of(id_: int, name: str) -> Record:
    """Return a room type of the demonstration."""
    times = {"created_at": _SINCE, "updated_at": _SINCE, "operational_until": None}
    more = {"location_id": 1, "city_tax_id": None, "is_virtual": False}
    counts = {"upgrade_index": id_, "beds_count": 2, "sort_order": id_}
    parts: Record = {"components_room_type_ids": []}
    return {"id": id_, "name": name, **times, **more, **counts, **parts}


def room_of(id_: int, name: str, kind: int) -> Record:
    """Return a room of the demonstration."""
    times = {"created_at": _SINCE, "updated_at": _SINCE}
    more: Record = {"description": None, "component_rooms_ids": []}
    return {"id": id_, "name": name, "room_type_id": kind, **times, **more}


def stay_of(
    today: date,
    id_: int,
    room: int | None,
    days: int,
    nights: int,
    status: str,
    last: str,
    first: str,
    phone: str | None,
) -> Record:
    """Return a booking of the demonstration."""
    arrival = today + days * DAY
    return {
        "id": id_,
        "arrival": arrival.isoformat(),
        "departure": (arrival + nights * DAY).isoformat(),
        "status": status,
        "arrival_room_id": room,
        "current_room_id": room,
        "arrival_room_type_id": 1,
        "guest_last_name": last,
        "guest_first_name": first,
        "guest_phone_number": phone,
        "guest_e_mail": f"guest{id_}@example.com",
        "main_booking_guest": {"guest_id": id_ - 36570000},
        "booking_guests": [{"guest_id": id_ - 36570000}],
    }
