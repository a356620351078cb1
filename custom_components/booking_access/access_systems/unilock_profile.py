"""What UniLock's WebAPI calls things: a guess, to be corrected.

That there is a WebAPI, and that Unitek recommends it for new integrations, is confirmed
[C]. Nothing else about it is public [U]: every path and name here is invented. So all of
it can be overridden, as JSON in the account's form; an operation that is null is one
that it cannot do, and nothing is offered that needs it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
import json
import re
from typing import Any, Final

from ..forms import BadValue
from .unilock_told import DEFAULT_PATTERN, read_pattern

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What each operation's path and body may mention, as "{word}".
_PERSON: Final = ("external_id", "first_name", "last_name", "phone", "pin")
_MEMBER: Final = ("membership.group", "membership.valid_from", "membership.valid_to")
WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "person_put": (*_PERSON, *_MEMBER),
    "person_remove": ("external_id",),
    "periods": ("id",),
    "periods_put": ("id", "period.from", "period.to"),
    "door_open": ("id", "seconds"),
}
# "{#word}" is the same as a number, where it is one.
_WORD: Final = re.compile(r"{(#?)([a-z_.]+)}")


@dataclass(frozen=True, kw_only=True)
class Operation:
    """How something is asked or told, and where in the answer what is found.

    ``list`` leads to the entries, with dots; of each entry ``id``, ``name``, ``start``
    and ``end`` name the fields. A list in ``body`` whose only entry mentions a
    membership or period is repeated for each of them; what has no value is left out.
    """

    method: str = "GET"
    path: str = ""
    body: Any = None
    list: str = ""
    id: str = "id"
    name: str = "name"
    start: str = "from"
    end: str = "to"


_PERSON_BODY: Final = {
    "externalId": "{external_id}",
    "firstName": "{first_name}",
    "lastName": "{last_name}",
    "phone": "{phone}",
    "keyCode": "{pin}",
    "memberships": [
        {
            "groupId": "{membership.group}",
            "validFrom": "{membership.valid_from}",
            "validTo": "{membership.valid_to}",
        }
    ],
}
_PERSON_PATH: Final = "persons/{external_id}"
_PERIODS_PATH: Final = "sharedexceptions/{id}/periods"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """All operations. What is not described anywhere, opening a door, is not there."""

    groups: Operation | None = Operation(path="persongroups")
    exceptions: Operation | None = Operation(path="sharedexceptions")
    doors: Operation | None = Operation(path="doors")
    persons: Operation | None = Operation(path="persons", id="externalId")
    person_put: Operation | None = Operation(
        method="PUT", path=_PERSON_PATH, body=_PERSON_BODY
    )
    person_remove: Operation | None = Operation(method="DELETE", path=_PERSON_PATH)
    periods: Operation | None = Operation(path=_PERIODS_PATH)
    periods_put: Operation | None = Operation(
        method="PUT",
        path=_PERIODS_PATH,
        body={"periods": [{"from": "{period.from}", "to": "{period.to}"}]},
    )
    door_open: Operation | None = None
    time_format: str = DEFAULT_PATTERN


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
    known = Profile()
    changes: dict[str, Any] = {
        name: _part(name, getattr(known, name), value)
        for name, value in _members({} if given is None else given, "", Profile).items()
    }
    profile = replace(known, **changes)
    if bool(profile.person_put) is not bool(profile.person_remove):
        # What is given must be possible to take back.
        raise BadValue("operation_half", field="person_put, person_remove")
    return profile


def _members(given: object, place: str, kind: type) -> Mapping[str, object]:
    """Return the members of an object that are all known."""
    if not isinstance(given, dict):
        raise BadValue("profile_group", field=place or "profile")
    known = [each.name for each in fields(kind)]
    for name in given:
        if name not in known:
            where = f"{place}.{name}".lstrip(".")
            raise BadValue("profile_unknown", field=where, known=", ".join(known))
    return given


def _part(name: str, before: object, given: object) -> object:
    """Return a part of the profile with what is given."""
    if name == "time_format":
        if not isinstance(given, str):
            raise BadValue("profile_name", field=name)
        return read_pattern(given)
    if given is None:
        return None
    base = before if isinstance(before, Operation) else Operation(method="POST")
    members: dict[str, Any] = dict(_members(given, name, Operation))
    for member, value in members.items():
        key, check = CHECKS.get(member, ("profile_name", _is_name))
        if not check(value):
            raise BadValue(key, field=f"{name}.{member}")
    if "method" in members:
        members["method"] = str(members["method"]).upper()
    return _checked(name, replace(base, **members))


def _checked(name: str, operation: Operation) -> Operation:
    """Return an operation; BadValue if it has no path, or mentions what is not there."""
    if not operation.path:
        raise BadValue("operation_path", field=f"{name}.path")
    known = WORDS.get(name, ())
    for word in words_of(operation):
        if word not in known:
            there = ", ".join(known) or "–"
            raise BadValue("operation_word", field=name, word=word, known=there)
    return operation


def words_of(operation: Operation | None) -> list[str]:
    """Return the words that an operation's path and body mention."""
    if operation is None:
        return []
    said = f"{operation.path} {json.dumps(operation.body)}"
    return [word for _, word in _WORD.findall(said)]


def _is_name(value: object) -> bool:
    """Whether it is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


CHECKS: Final[Mapping[str, tuple[str, Callable[[object], bool]]]] = {
    "method": ("operation_method", lambda value: str(value).upper() in METHODS),
    "path": (
        "operation_path",
        lambda value: (
            _is_name(value) and "//" not in str(value) and ".." not in str(value)
        ),
    ),
    "list": ("profile_optional", lambda value: isinstance(value, str)),
    "body": ("operation_body", lambda value: isinstance(value, dict | list | None)),
}


def filled(template: Any, words: Mapping[str, Any]) -> Any:
    """Return a body with its words filled in; what has no value is left out."""
    if isinstance(template, dict):
        made = {key: filled(value, words) for key, value in template.items()}
        return {key: value for key, value in made.items() if value is not None}
    if isinstance(template, list):
        for many in ("membership", "period"):
            if len(template) == 1 and f"{{{many}." in json.dumps(template):
                return [filled(template[0], words | each) for each in words[many]]
        return [filled(each, words) for each in template]
    if not isinstance(template, str):
        return template
    if whole := _WORD.fullmatch(template):
        value = words.get(whole[2]) or None
        is_number = whole[1] and str(value).isascii() and str(value).isdecimal()
        return int(str(value)) if is_number else value
    return _WORD.sub(lambda match: str(words.get(match[2]) or ""), template)
