"""Unloc by HTTP: tokens, errors and pages, the same for each of its interfaces."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    MissingRight,
    OutcomeUnknown,
    Rejected,
)
from ..forms import Field, FieldKind
from ..transport import Answer, raise_for_status, read, request

DEFAULT_URL: Final = "https://api.unloc.app"
# The page of Unloc's control center on which a credential is given its rights.
PERMISSIONS: Final = "API Permissions"
ACCEPT: Final = {"Accept": "application/json"}
EARLY: Final = 300.0  # seconds before its end in which a token is not used any more
SHORT_LIFE: Final = 900.0  # of a token that does not say how long it is good for
MAX_PAGES: Final = 1000
# What OAuth calls credentials that are wrong, whatever the status says.
BAD_CREDENTIALS: Final = {"invalid_client", "unauthorized_client", "invalid_grant"}

# What the number of somebody's phone is called in an error.
PHONE_FIELDS: Final = ("appUserId", "userId")

CREDENTIALS: Final = (
    Field(name="client_id"),
    Field(name="client_secret", kind=FieldKind.PASSWORD),
)
URL_FIELD: Final = Field(
    name="url",
    kind=FieldKind.URL,
    required=False,
    advanced=True,
    default=DEFAULT_URL,
)

type Json = Mapping[str, object]
type Query = Sequence[tuple[str, str]]


class NotThere(ConnectionFailed):
    """There is nothing at the path (404)."""


class UnlocHttp:
    """Asks one of Unloc's interfaces as a client with an id and a secret.

    ``token_path`` is where it gives tokens. ``forms`` are what may have to be said
    of the scope to get one; the one that worked comes first.
    """

    def __init__(
        self,
        session: ClientSession,
        settings: Mapping[str, Any],
        token_path: str,
        forms: Sequence[Json],
    ) -> None:
        """Take the credentials as the form has them; pasted ones bring blanks along."""
        said = {name: str(value or "").strip() for name, value in settings.items()}
        self._session = session
        self._url = said.get("url") or DEFAULT_URL
        self._credentials = {
            "client_id": said.get("client_id", ""),
            "client_secret": said.get("client_secret", ""),
        }
        self._token_path = token_path
        self.forms = list(forms)
        self._token = ""
        self._good_until = 0.0
        self._turn = asyncio.Lock()

    async def get(self, path: str, query: Query = ()) -> Any:
        """Return what is at a path, as JSON."""
        answer = await self.ask("GET", path, query=query)
        if answer.status == HTTPStatus.NOT_FOUND:
            raise NotThere(f"status {answer.status}")
        raise_for_status(answer)
        return await read(answer, answer.json)

    async def get_all(
        self, path: str, *names: str, query: Query = ()
    ) -> dict[str, Json]:
        """Return a whole list by id, page by page, less the items that have none.

        ``names`` are what its field may be called. A page that brings nothing new is
        the last one, whatever it says.
        """
        found: dict[str, Json] = {}
        seen_any = False
        after = ""
        for _ in range(MAX_PAGES):
            page = [*query, ("startAfterId", after)] if after else query
            items, after = items_of(await self.get(path, page), *names)
            seen_any = seen_any or bool(items)
            new: dict[str, Json] = {
                item_id: item
                for item in items
                if isinstance(item, dict)
                if (item_id := id_of(item)) and item_id not in found
            }
            found |= new
            if not after or not new:
                break
        if seen_any and not found:  # another contract, which must not look like nothing
            raise ContractError(f"{names[0]}.id")
        return found

    async def change(
        self, method: str, path: str, body: Json | None = None, right: str = PERMISSIONS
    ) -> Answer:
        """Change something, once; raise unless it is done or refused for a reason.

        Answers that say why something cannot be done (4xx) are returned.
        """
        answer = await self.ask(method, path, body=body, writes=True, right=right)
        if answer.status == HTTPStatus.TOO_MANY_REQUESTS or not is_refusal(answer):
            raise_for_status(answer, writes=True)
        if answer.body.lstrip().startswith(b"<"):
            raise OutcomeUnknown("a page instead of an answer")
        return answer

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Query = (),
        body: Json | None = None,
        writes: bool = False,
        right: str = PERMISSIONS,
    ) -> Answer:
        """Send one request with a token that is good, and return its answer.

        What is refused for its token was not done, so it can be sent again.
        """
        token = await self._good_token()
        renewed = False
        others = len(self.forms) - 1
        send = partial(
            request,
            self._session,
            method,
            self._address(path),
            writes=writes,
            params=list(query),
            json=body,
        )
        while True:
            answer = await send(headers={**ACCEPT, "Authorization": f"Bearer {token}"})
            if answer.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
            elif answer.status == HTTPStatus.UNAUTHORIZED:
                raise AuthError("a fresh token is refused")
            elif answer.status == HTTPStatus.FORBIDDEN:
                self.forms.append(self.forms.pop(0))  # perhaps another scope will do
                if others <= 0:
                    raise MissingRight(right)
                others -= 1
            else:
                return answer
            token = await self._good_token(bad=token)

    async def ask_as_client(self, path: str, body: Json) -> Any:
        """Return what is told to who has the id and the secret, without a token."""
        answer = await request(
            self._session,
            "POST",
            self._address(path),
            headers=ACCEPT,
            json={**self._credentials, **body},
        )
        _raise_for_client(answer)
        return answer.json()

    async def _good_token(self, bad: str | None = None) -> str:
        """Return a token that is good for a while; another one than one that is bad."""
        async with self._turn:
            if self._token in ("", bad) or monotonic() >= self._good_until:
                await self._renew()
            return self._token

    async def _renew(self) -> None:
        """Get a new token, by the first form of scope that is understood."""
        self._token = ""
        refused: AuthError | MissingRight | None = None
        for form in list(self.forms):
            wish = {"grant_type": "client_credentials", **form}
            try:
                told = await self.ask_as_client(self._token_path, wish)
            except (AuthError, MissingRight) as err:
                refused = refused or err
                if is_final(err):
                    break
                continue
            first = self.forms.index(form)
            self.forms = self.forms[first:] + self.forms[:first]
            token = told.get("access_token") if isinstance(told, dict) else None
            if not isinstance(token, str) or not token:
                raise ContractError("access_token")
            life = told.get("expires_in")
            usable = SHORT_LIFE
            if isinstance(life, int | float) and life > 0:
                usable = float(life) - min(EARLY, life / 2)
            self._token, self._good_until = token, monotonic() + usable
            return
        raise refused or AuthError("no scope")

    def _address(self, path: str) -> URL:
        """Return the address of a path, whose parts are quoted already."""
        try:
            return URL(self._url).joinpath(*path.split("/"), encoded=True)
        except ValueError as err:
            raise ConnectionFailed("url") from err


class _WrongClient(AuthError):
    """The id or the secret is wrong, in whatever scope."""


def is_final(err: AuthError | MissingRight) -> bool:
    """Whether no other scope can help."""
    return isinstance(err, _WrongClient)


def _raise_for_client(answer: Answer) -> None:
    """Raise what an answer to the id and the secret means."""
    code = reason_of(answer, "error").casefold()
    if answer.status == HTTPStatus.UNAUTHORIZED or code in BAD_CREDENTIALS:
        raise _WrongClient(f"status {answer.status}")
    if answer.status == HTTPStatus.FORBIDDEN or "scope" in code:
        raise MissingRight(PERMISSIONS)
    if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY):
        raise AuthError(f"status {answer.status}")
    raise_for_status(answer)


def is_refusal(answer: Answer) -> bool:
    """Whether the vendor understood and says no."""
    return answer.status != HTTPStatus.REQUEST_TIMEOUT and 400 <= answer.status < 500


def raise_if_refused(answer: Answer, key: str = "refused") -> None:
    """Raise Rejected with the key of a text where the vendor says no."""
    if is_refusal(answer):
        raise Rejected(key)


def reason_of(answer: Answer, *fields: str) -> str:
    """Return the first of the fields of an error that is a text; empty without one.

    It may hold personal data: it is there to be compared, never to be told.
    """
    try:
        body = answer.json()
    except ContractError:
        return ""
    values = (body.get(each) for each in fields) if isinstance(body, dict) else ()
    return next((value for value in values if isinstance(value, str)), "")


def items_of(body: object, *names: str) -> tuple[list[object], str]:
    """Return the items of a page and after which id the next one begins, if there is one."""
    if isinstance(body, list):
        return body, ""
    if not isinstance(body, dict):
        raise ContractError(names[0])
    items = next((body[name] for name in names if name in body), None)
    if not isinstance(items, list):
        raise ContractError(names[0])
    return items, text(body.get("startAfterId")) or ""


def part(body: object, name: str) -> Json:
    """Return the object of that name in an answer, or the answer itself if it is that."""
    if isinstance(body, dict):
        inner = body.get(name, body)
        if isinstance(inner, dict):
            return inner
    raise ContractError(name)


def id_of(item: object) -> str | None:
    """Return the id of an item that has one."""
    return text(item.get("id")) if isinstance(item, dict) else None


def instant(value: object) -> datetime | None:
    """Return a time as UTC; None if it is none."""
    try:
        moment = datetime.fromisoformat(text(value) or "")
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except ValueError, OverflowError:
        return None


def wire_time(moment: datetime) -> str:
    """Return a time in UTC as both interfaces write it, with milliseconds."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds") + "Z"


def text(value: object) -> str | None:
    """Return a text that says something; else None."""
    return value.strip() or None if isinstance(value, str) else None


def quoted(*parts: str) -> str:
    """Return a path of parts that may hold anything; a last empty one ends it in "/"."""
    return "/".join(quote(each, safe="") for each in parts)
