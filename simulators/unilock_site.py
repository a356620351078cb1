"""What is behind the UniLock simulator: persons, groups, exceptions, and its rules.

The vendor page tells what there is and how it behaves, but neither fields nor formats:
those here are the built-in guess of the client, checked without leniency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

type Json = dict[str, Any]

ZONE: Final = ZoneInfo("Europe/Copenhagen")
MAX_PERIODS: Final = 8
GROUPS: Final = {"12": "Hal 1 brugere", "14": "Hal 2 brugere", "20": "Foreninger"}
EXCEPTIONS: Final = {"3": "Hal 1 åben", "4": "Hal 2 åben"}
DOORS: Final = {"101": "Hovedindgang", "102": "Hal 1"}
FORMATS: Final = {"iso": "%Y-%m-%dT%H:%M:%S", "dk": "%d-%m-%Y %H:%M"}
PERSON: Final = frozenset(
    {"externalId", "firstName", "lastName", "phone", "keyCode", "memberships"}
)
MEMBERSHIP: Final = frozenset({"groupId", "validFrom", "validTo"})


class Refused(Exception):
    """UniLock understood, and does not do it."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time by UniLock's clock, up to but not including its end; None is no end."""

    start: datetime
    end: datetime | None

    def holds(self, instant: datetime) -> bool:
        """Whether it is that time."""
        local = instant.astimezone(ZONE).replace(tzinfo=None)
        return self.start <= local and (self.end is None or local < self.end)


@dataclass(slots=True)
class Someone:
    """A person, with the periods of each group."""

    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    key_code: str = ""
    memberships: dict[str, list[Period]] = field(default_factory=dict)


@dataclass(slots=True)
class Site:
    """The database of one UniLock."""

    groups: dict[str, str] = field(default_factory=lambda: dict(GROUPS))
    exceptions: dict[str, str] = field(default_factory=lambda: dict(EXCEPTIONS))
    doors: dict[str, str] = field(default_factory=lambda: dict(DOORS))
    persons: dict[str, Someone] = field(default_factory=dict)
    periods: dict[str, list[Period]] = field(default_factory=dict)
    opened: list[tuple[str, datetime]] = field(default_factory=list)
    time_format: str = "iso"
    unique_codes: bool = False

    def __post_init__(self) -> None:
        """Enter somebody whom we have nothing to do with."""
        always = Period(datetime(2020, 1, 1), None)  # noqa: DTZ001 - UniLock's clock
        self.persons["staff-1"] = Someone(
            "Pia", "Pedel", "", "739164", {"12": [always], "14": [always]}
        )

    def members(self, group: str, instant: datetime) -> set[str]:
        """Return who is a member of a group at an instant, by external id."""
        return {
            id_
            for id_, person in self.persons.items()
            if any(each.holds(instant) for each in person.memberships.get(group, ()))
        }

    def is_active(self, exception: str, instant: datetime) -> bool:
        """Whether a shared exception applies at an instant."""
        return any(each.holds(instant) for each in self.periods.get(exception, ()))

    def put_person(self, external_id: str, body: Json) -> None:
        """Create or replace a person."""
        check_fields(body, PERSON)
        if body.get("externalId") != external_id or not external_id:
            raise Refused("externalId")
        person = Someone(
            first_name=text_of(body, "firstName"),
            last_name=text_of(body, "lastName"),
            phone=text_of(body, "phone"),
            key_code=text_of(body, "keyCode"),
        )
        if not person.last_name:
            raise Refused("lastName")
        self._check_code(external_id, person.key_code)
        listed = body.get("memberships")
        if not isinstance(listed, list) or not listed:
            raise Refused("memberships")
        for membership in listed:
            check_fields(membership, MEMBERSHIP)
            group = membership.get("groupId")
            if group not in self.groups:
                raise Refused("groupId")
            period = self.period(membership.get("validFrom"), membership.get("validTo"))
            person.memberships.setdefault(group, []).append(period)
        self.persons[external_id] = person

    def put_periods(self, exception: str, listed: object) -> None:
        """Replace the periods of a shared exception."""
        if exception not in self.exceptions:
            raise Refused("id")
        if not isinstance(listed, list) or len(listed) > MAX_PERIODS:
            raise Refused("periods")
        periods = []
        for each in listed:
            check_fields(each, frozenset({"from", "to"}))
            periods.append(self.period(each.get("from"), each.get("to")))
        for before, after in pairwise(periods):
            if before.end is None or before.end >= after.start:
                raise Refused("periods overlap")
        self.periods[exception] = periods

    def period(self, start: object, end: object) -> Period:
        """Read a period; without an end it never ends."""
        first = self.moment(start)
        last = None if end in (None, "") else self.moment(end)
        if last and last <= first:
            raise Refused("a period ends before it begins")
        return Period(first, last)

    def moment(self, value: object) -> datetime:
        """Read a time by UniLock's clock, in whole minutes."""
        try:
            moment = datetime.strptime(str(value), FORMATS[self.time_format])  # noqa: DTZ007 - UniLock's clock
        except ValueError as err:
            raise Refused("time") from err
        if moment.second:
            raise Refused("time")
        return moment

    def shown_periods(self, exception: str) -> list[Json]:
        """Return the periods of a shared exception as they are answered."""
        pattern = FORMATS[self.time_format]
        return [
            {
                "from": each.start.strftime(pattern),
                "to": each.end.strftime(pattern) if each.end else None,
            }
            for each in self.periods.get(exception, ())
        ]

    def read_file(self, content: bytes) -> None:
        """Do what a file says, in the format of the client's example; all or nothing."""
        try:
            root = ET.fromstring(content)
        except ET.ParseError as err:
            raise Refused(f"not XML, line {err.position[0]}") from err
        if root.tag != "Import":
            raise Refused(root.tag)
        before = dict(self.persons), dict(self.periods)
        try:
            for node in root:
                self._read_node(node)
        except Refused:
            self.persons, self.periods = before
            raise

    def _read_node(self, node: ET.Element) -> None:
        """Do what one element of a file says."""
        external_id = node.get("externalId", "")
        if node.tag == "SharedException":
            listed = [dict(each.attrib) for each in children(node, "Period")]
            self.put_periods(node.get("id", ""), listed)
        elif node.tag == "Person" and node.get("action") == "delete":
            self.persons.pop(external_id, None)
        elif node.tag == "Person" and node.get("action") == "update":
            self.put_person(external_id, person_of(node))
        else:
            raise Refused(node.tag)

    def _check_code(self, external_id: str, code: str) -> None:
        """Refuse what is no code, and what somebody else has already."""
        if code and not (code.isascii() and code.isdecimal() and 4 <= len(code) <= 8):
            raise Refused("keyCode")
        others = [p.key_code for i, p in self.persons.items() if i != external_id]
        if self.unique_codes and code and code in others:
            raise Refused("keyCode is taken")


def person_of(node: ET.Element) -> Json:
    """Return a person of a file as the WebAPI would have them."""
    names = {"FirstName", "LastName", "Phone", "Pin", "Membership"}
    if unknown := {each.tag for each in node} - names:
        raise Refused(min(unknown))
    return {
        "externalId": node.get("externalId", ""),
        "firstName": node.findtext("FirstName", ""),
        "lastName": node.findtext("LastName", ""),
        "phone": node.findtext("Phone", ""),
        "keyCode": node.findtext("Pin", ""),
        "memberships": [
            {
                "groupId": each.get("group"),
                "validFrom": each.findtext("From", ""),
                "validTo": each.findtext("To", ""),
            }
            for each in node.findall("Membership")
        ],
    }


def children(node: ET.Element, tag: str) -> Sequence[ET.Element]:
    """Return an element's children, which are all of one kind."""
    for each in node:
        if each.tag != tag:
            raise Refused(each.tag)
    return list(node)


def check_fields(body: object, known: frozenset[str]) -> None:
    """Refuse what is no object, or has a field that is not known."""
    if not isinstance(body, dict):
        raise Refused("an object is wanted")
    for name in body:
        if name not in known:
            raise Refused(f"unknown field {name}")


def text_of(body: Mapping[str, object], name: str) -> str:
    """Return a text; empty where it is not there."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise Refused(name)
    return value


def someone_shown(external_id: str, person: Someone) -> Json:
    """Return a person as the control door and the list of persons show them."""
    return {
        "externalId": external_id,
        "name": f"{person.first_name} {person.last_name}".strip(),
        "groups": sorted(person.memberships),
    }
