"""UniLock's WebAPI, by the names of a profile (``unilock_profile``); all of it is [U].

A refusal may be a status, a redirect or a page for people; a path that is not there may
be a 404, a 405 or a 410. What the answer to a write looks like does not matter, only
that it worked.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    OutcomeUnknown,
    Rejected,
)
from ..transport import Answer, raise_for_status, request
from .unilock_profile import Operation, Profile, filled, read_profile, words_of
from .unilock_told import Change, Period, Times, Told, merged, written

MISFITS: Final = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.METHOD_NOT_ALLOWED,
    HTTPStatus.GONE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
)
GONE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
REFUSED: Final = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)


def sign_in(settings: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the headers that prove who we are; Rejected if they cannot be made."""
    said = {
        name: str(settings.get(name) or "").strip()
        for name in ("auth", "username", "password", "header", "token")
    }
    match said["auth"]:
        case "basic" if said["username"]:
            account = f"{said['username']}:{said['password']}"
            return {"Authorization": f"Basic {b64encode(account.encode()).decode()}"}
        case "header" if said["header"] and said["token"]:
            return {said["header"]: said["token"]}
        case "bearer" if said["token"]:
            return {"Authorization": f"Bearer {said['token']}"}
        case "none":
            return {}
    raise Rejected("sign_in_incomplete")


class WebApi:
    """One UniLock server."""

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as the form has them; nothing is sent yet."""
        self._session = session
        self._settings = settings
        self.url = str(settings["url"]).strip().rstrip("/")
        self.profile: Profile = read_profile(settings.get("profile"))
        self.zone = ZoneInfo(settings["time_zone"])
        self._said: dict[str, str] = {}

    @property
    def can_list(self) -> bool:
        """Whether it tells which persons there are."""
        return self.profile.persons is not None

    @property
    def tells_pins(self) -> bool:
        """Whether a person's code is told."""
        return "pin" in words_of(self.profile.person_put)

    @property
    def tried(self) -> str:
        """Return what each operation that was tried answered: its status."""
        if not self._said:
            return ""
        lines = [f"{said} = {status}" for said, status in self._said.items()]
        return "\n".join(["```", *lines, "```", "", ""])

    async def test(self) -> None:
        """Ask for all that there is to be listed; the server alone if there is nothing."""
        lists = ("groups", "exceptions", "doors", "persons")
        asked = [name for name in lists if getattr(self.profile, name)]
        found = {name: await self.entries(name) for name in asked}
        if found.get("exceptions"):
            await self.read_periods(found["exceptions"][0][0])
        if not asked:
            answer = await self._send("", Operation(), {})
            if answer.status != HTTPStatus.NOT_FOUND:
                _refuse_page("url", answer)
                raise_for_status(answer)

    async def entries(self, name: str) -> list[tuple[str, str]]:
        """Return ids and names of what an operation lists; nothing if there is none."""
        if (operation := self._operation(name)) is None:
            return []
        listed = await self._read(name, operation, {})
        if listed and not any(_has(entry, operation.id) for entry in listed):
            raise ContractError(f"{name}.id ({operation.id})")
        # Those of others may have no id.
        return [
            (id_, _text(_at(entry, operation.name)) or id_)
            for entry in listed
            if (id_ := _text(_at(entry, operation.id)))
        ]

    async def tell(self, change: Change) -> None:
        """Tell UniLock of a person, or of the periods of a shared exception."""
        if isinstance(change, Times):
            words = {"id": change.exception_id, "period": self._periods(change)}
            await self._change("periods_put", words)
        elif change.removed:
            words = {"external_id": change.external_id}
            await self._change("person_remove", words, gone_is_done=True)
        else:
            await self._change("person_put", self._person(change))

    async def open_door(self, door_id: str, seconds: int) -> None:
        """Open a door for a moment."""
        await self._change("door_open", {"id": door_id, "seconds": seconds})

    async def read_periods(self, exception_id: str) -> tuple[Period, ...] | None:
        """Return the periods of a shared exception; None if it does not tell."""
        if (operation := self._operation("periods")) is None:
            return None
        periods = []
        for entry in await self._read("periods", operation, {"id": exception_id}):
            start = self._moment(_at(entry, operation.start))
            end = self._moment(_at(entry, operation.end))
            if start is None or end is None:
                names = f"{operation.start}, {operation.end}"
                raise ContractError(f"periods.start, periods.end ({names})")
            periods.append((start, end))
        return merged(periods)

    def _operation(self, name: str) -> Operation | None:
        """Return an operation of the profile; None if there is none."""
        operation: Operation | None = getattr(self.profile, name)
        return operation

    def _person(self, person: Told) -> dict[str, Any]:
        """Return what a body may mention of a person."""
        pattern = self.profile.time_format
        return {
            "external_id": person.external_id,
            "first_name": person.first_name,
            "last_name": person.last_name,
            "phone": person.phone,
            "pin": person.pin,
            "membership": [
                {
                    "membership.group": each.group,
                    "membership.valid_from": written(each.start, pattern),
                    "membership.valid_to": written(each.end, pattern),
                }
                for each in person.memberships
            ],
        }

    def _periods(self, times: Times) -> list[dict[str, str]]:
        """Return what a body may mention of periods."""
        pattern = self.profile.time_format
        return [
            {
                "period.from": written(start, pattern),
                "period.to": written(end, pattern),
            }
            for start, end in times.periods
        ]

    def _moment(self, value: object) -> datetime | None:
        """Read a time by UniLock's clock, as it is written there or by ISO 8601."""
        text = _text(value) or ""
        try:
            moment = datetime.strptime(text, self.profile.time_format)  # noqa: DTZ007 - UniLock's clock
        except ValueError:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                return None
        if moment.tzinfo:
            moment = moment.astimezone(self.zone).replace(tzinfo=None)
        return moment.replace(second=0, microsecond=0)

    async def _read(
        self, name: str, operation: Operation, words: Mapping[str, Any]
    ) -> Sequence[object]:
        """Return the entries of an answer; ContractError names what does not fit."""
        answer = await self._send(name, operation, words)
        _refuse_page(name, answer)
        if answer.status in MISFITS:
            raise ContractError(f"{name}.path (status {answer.status})")
        raise_for_status(answer)
        try:
            found = _at(answer.json(), operation.list)
        except ContractError:
            raise ContractError(f"{name} (no JSON)") from None
        if not isinstance(found, list):
            raise ContractError(f"{name}.list ({operation.list})")
        return found

    async def _change(
        self, name: str, words: Mapping[str, Any], *, gone_is_done: bool = False
    ) -> None:
        """Change something; raise unless it is done. All of it may be repeated."""
        if (operation := self._operation(name)) is None:
            raise Rejected("not_supported")
        answer = await self._send(name, operation, words, writes=True)
        if gone_is_done and answer.status in GONE:
            return
        if answer.status in MISFITS:
            raise ContractError(f"{name}.path (status {answer.status})")
        if answer.status in REFUSED:
            raise Rejected("refused")
        if _is_page(answer):
            raise OutcomeUnknown("a page instead of an answer")
        raise_for_status(answer, writes=True)

    async def _send(
        self,
        name: str,
        operation: Operation,
        words: Mapping[str, Any],
        *,
        writes: bool = False,
    ) -> Answer:
        """Send one request and return its answer, whatever it is."""
        path = operation.path.strip("/")
        for word, value in words.items():
            path = path.replace(f"{{{word}}}", quote(str(value), safe=""))
        try:
            url = URL(f"{self.url}/{path}", encoded=True)
        except ValueError as err:
            raise ConnectionFailed("url") from err
        body = None if operation.body is None else filled(operation.body, words)
        said = f"{operation.method} /{operation.path.strip('/')}"
        self._said[said] = "…"
        answer = await request(
            self._session,
            operation.method,
            url,
            writes=writes,
            headers={"Accept": "application/json", **sign_in(self._settings)},
            json=body,
        )
        self._said[said] = str(answer.status)
        return answer


def _is_page(answer: Answer) -> bool:
    """Whether it is a page for people, or leads to one."""
    start = answer.body[:100].lstrip(b"\xef\xbb\xbf \r\n\t")
    return 300 <= answer.status < 400 or (answer.ok and start.startswith(b"<"))


def _refuse_page(name: str, answer: Answer) -> None:
    """Raise AuthError for a page instead of data: it asks for a sign-in."""
    if _is_page(answer):
        raise AuthError(f"{name}: a page")


def _text(value: object) -> str | None:
    """Return a text or number as text; None if there is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() or None if isinstance(value, str) else None


def _has(value: object, path: str) -> bool:
    """Whether there is such a field, whatever is in it."""
    above, _, name = path.rpartition(".")
    there = _at(value, above)
    return isinstance(there, dict) and name.casefold() in {
        str(key).casefold() for key in there
    }


def _at(value: object, path: str) -> object:
    """Follow a path with dots; small and capital letters are the same, as in .NET."""
    for name in filter(None, path.split(".")):
        if not isinstance(value, dict):
            return None
        keys = {str(key).casefold(): key for key in value}
        value = value.get(keys.get(name.casefold()))
    return value
