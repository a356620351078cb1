"""What the methods and fields of Pronestor Planner are called: a guess, to be corrected.

Each site describes its own interface at ``{site}/api.mvc`` [C], and nothing of that
is public. Only the base address, the method's name "Authenticate" and its cookie are
confirmed [C]; every other name here is plausible [P] at best, and not verified. So all
of it can be overridden, as JSON in the account's form.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field as DataclassField, dataclass, field, fields, replace
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
import json
from typing import Any, Final

from ..forms import BadValue

# How times are written in requests; a pattern such as "%d-%m-%Y" does as well.
ISO: Final = "iso"  # 2026-11-24T09:00:00, the site's own time
DATE: Final = "date"  # 2026-11-24
ISO_UTC: Final = "iso_utc"  # 2026-11-24T08:00:00Z
ISO_OFFSET: Final = "iso_offset"  # 2026-11-24T09:00:00+01:00
DOT_NET: Final = "dotnet"  # /Date(1795593600000)/
DATE_FORMATS: Final = (ISO, ISO_UTC, ISO_OFFSET, DATE, DOT_NET)
API: Final = "api.mvc/"
JSON_BODY: Final = "json"
FORM_BODY: Final = "form"


class Kind(StrEnum):
    """What a part of the profile may be; the value is the text that says so."""

    METHOD = "profile_method"
    BODY = "profile_body"
    PATH = "profile_path"
    NAME = "profile_name"
    OPTIONAL = "profile_optional"
    NAMES = "profile_names"
    DATE_FORMAT = "profile_date_format"
    GROUP = "profile_group"
    WORDS = "profile_words"


def _wire(default: Any, kind: Kind) -> Any:
    """Declare a part of the profile."""
    return field(default_factory=lambda: default, metadata={"kind": kind})


@dataclass(frozen=True, kw_only=True)
class Call:
    """How a method is called; ``body`` is how a POST sends its parameters."""

    method: str = _wire("GET", Kind.METHOD)
    path: str = _wire("", Kind.PATH)
    body: str = _wire(JSON_BODY, Kind.BODY)

    @property
    def below(self) -> str:
        """The path below api.mvc, with which it may have been copied."""
        start = self.path.lower().rfind(API) + len(API)
        return (self.path[start:] if API in self.path.lower() else self.path).strip("/")


@dataclass(frozen=True, kw_only=True)
class AuthCall(Call):
    """The login; ``extra`` is sent along as it stands."""

    method: str = _wire("POST", Kind.METHOD)
    path: str = _wire("v1/Authenticate", Kind.PATH)
    user_field: str = _wire("username", Kind.NAME)
    password_field: str = _wire("password", Kind.NAME)
    extra: Mapping[str, object] = _wire({}, Kind.GROUP)


@dataclass(frozen=True, kw_only=True)
class RoomsCall(Call):
    """The rooms: of one location, if there is a parameter for it."""

    path: str = _wire("v1/GetRooms", Kind.PATH)
    location_param: str | None = _wire("locationId", Kind.OPTIONAL)
    list_path: str | None = _wire("", Kind.OPTIONAL)
    id: str = _wire("Id", Kind.NAME)
    name: str | tuple[str, ...] | None = _wire("Name", Kind.NAMES)
    location_id: str | None = _wire("LocationId", Kind.OPTIONAL)
    location_name: str | tuple[str, ...] | None = _wire("LocationName", Kind.NAMES)


@dataclass(frozen=True, kw_only=True)
class PersonNames:
    """Where a person's data is; several names are put together ("first", "last")."""

    name: str | tuple[str, ...] | None = _wire("Name", Kind.NAMES)
    email: str | tuple[str, ...] | None = _wire("Email", Kind.NAMES)
    phone: str | tuple[str, ...] | None = _wire("Phone", Kind.NAMES)


@dataclass(frozen=True, kw_only=True)
class BookerNames(PersonNames):
    """The booker, from the booking."""

    name: str | tuple[str, ...] | None = _wire("Booker.Name", Kind.NAMES)
    email: str | tuple[str, ...] | None = _wire("Booker.Email", Kind.NAMES)
    phone: str | tuple[str, ...] | None = _wire("Booker.Phone", Kind.NAMES)


@dataclass(frozen=True, kw_only=True)
class ParticipantNames(PersonNames):
    """The participants, from the booking, and then from each of them."""

    list_path: str | None = _wire("Participants", Kind.OPTIONAL)
    company: str | tuple[str, ...] | None = _wire("Company", Kind.NAMES)


@dataclass(frozen=True, kw_only=True)
class BookingsCall(Call):
    """The bookings: of one room or of one location, where there is a parameter for it."""

    path: str = _wire("v1/GetBookings", Kind.PATH)
    from_param: str | None = _wire("from", Kind.OPTIONAL)
    to_param: str | None = _wire("to", Kind.OPTIONAL)
    location_param: str | None = _wire("locationId", Kind.OPTIONAL)
    room_param: str | None = _wire(None, Kind.OPTIONAL)
    date_format: str = _wire(ISO, Kind.DATE_FORMAT)
    list_path: str | None = _wire("", Kind.OPTIONAL)
    id: str = _wire("Id", Kind.NAME)
    room_id: str | None = _wire("RoomId", Kind.OPTIONAL)
    subject: str | tuple[str, ...] | None = _wire("Subject", Kind.NAMES)
    start: str = _wire("Start", Kind.NAME)
    end: str = _wire("End", Kind.NAME)
    booker: BookerNames = field(default_factory=BookerNames)
    participants: ParticipantNames = field(default_factory=ParticipantNames)
    cancelled: str | None = _wire("Cancelled", Kind.OPTIONAL)
    cancelled_values: tuple[object, ...] = _wire(
        (True, "cancelled", "canceled", "annulleret", "aflyst", "deleted"), Kind.WORDS
    )


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The three methods that are needed."""

    auth: AuthCall = field(default_factory=AuthCall)
    rooms: RoomsCall = field(default_factory=RoomsCall)
    bookings: BookingsCall = field(default_factory=BookingsCall)


def read_profile(given: object) -> Profile:
    """Return the guess with what somebody knows better, JSON or what was read from it.

    Raises BadValue that says which part of it is wrong.
    """
    if isinstance(given, str):
        try:
            given = json.loads(given.strip() or "{}")
        except json.JSONDecodeError as err:
            place = {"line": str(err.lineno), "column": str(err.colno)}
            raise BadValue("profile_not_json", **place) from None
    return _overridden(Profile(), {} if given is None else given, "")


def _overridden[PartT: Profile | Call | PersonNames](
    part: PartT, given: object, place: str
) -> PartT:
    """Return a part of the profile with what is given."""
    if not isinstance(given, dict):
        raise BadValue(Kind.GROUP, field=place or "profile")
    known = {each.name: each for each in fields(part)}
    changes: dict[str, Any] = {}
    for name, value in given.items():
        where = f"{place}.{name}".lstrip(".")
        if name not in known:
            raise BadValue("profile_unknown", field=where, known=", ".join(known))
        before = getattr(part, name)
        if isinstance(before, Call | PersonNames):
            changes[name] = _overridden(before, value, where)
        else:
            changes[name] = _checked(known[name], value, where)
    return replace(part, **changes)


def _checked(known: DataclassField[Any], value: object, where: str) -> object:
    """Return a value of the profile that is of its kind."""
    kind: Kind = known.metadata["kind"]
    if not CHECKS[kind](value):
        raise BadValue(kind, field=where)
    if isinstance(value, list):
        return tuple(value)
    return value.upper() if kind is Kind.METHOD and isinstance(value, str) else value


def _is_name(value: object) -> bool:
    """Whether it is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _is_path(value: object) -> bool:
    """Whether it leads somewhere below api.mvc, and nowhere else."""
    return _is_name(value) and "//" not in str(value) and ".." not in str(value)


def _is_date_format(value: object) -> bool:
    """Whether it is one that has a name, or a pattern."""
    return isinstance(value, str) and (value in DATE_FORMATS or "%" in value)


def _is_names(value: object) -> bool:
    """Whether it is a name, several of them, or none."""
    if isinstance(value, list):
        return all(map(_is_name, value))
    return value is None or isinstance(value, str)


CHECKS: Final[Mapping[Kind, Callable[[object], bool]]] = {
    Kind.METHOD: lambda value: str(value).upper() in ("GET", "POST"),
    Kind.BODY: lambda value: value in (JSON_BODY, FORM_BODY),
    Kind.PATH: _is_path,
    Kind.NAME: _is_name,
    Kind.OPTIONAL: lambda value: value is None or isinstance(value, str),
    Kind.NAMES: _is_names,
    Kind.DATE_FORMAT: _is_date_format,
    Kind.GROUP: lambda value: isinstance(value, dict),
    Kind.WORDS: lambda value: isinstance(value, list),
}


def written(moment: datetime, date_format: str, zone: tzinfo) -> str:
    """Write a time as a request has it."""
    local = moment.astimezone(zone)
    match date_format:
        case "iso":
            return f"{local:%Y-%m-%dT%H:%M:%S}"
        case "iso_utc":
            return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        case "iso_offset":
            return local.isoformat(timespec="seconds")
        case "date":
            return f"{local:%Y-%m-%d}"
        case "dotnet":
            return f"/Date({int(moment.timestamp()) * 1000})/"
    return local.strftime(date_format)


def margin_of(date_format: str) -> timedelta:
    """Return how much more is to be asked: a date alone may mean where its day begins."""
    dated = date_format == DATE or ("%" in date_format and "%H" not in date_format)
    return timedelta(days=1) if dated else timedelta()
