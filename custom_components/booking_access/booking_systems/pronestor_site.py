"""A site of Pronestor Planner: its login by cookie, and what its paths answer."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from itertools import takewhile
import json
import time
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import AuthError, ContractError, VendorError
from ..transport import TIMEOUT, Answer, raise_for_status, read, request
from .pronestor_profile import FORM_BODY, Call, Profile

# The first answer can be slow [C]: the site was asleep, as after an idle while.
FIRST_TIMEOUT: Final = timedelta(seconds=60)
ASLEEP_AFTER: Final = timedelta(minutes=10)
AT_A_TIME: Final = 4

# What a wrong part of a call shows itself as.
MISFITS: Final[Mapping[int, str]] = {
    HTTPStatus.BAD_REQUEST: "",
    HTTPStatus.NOT_FOUND: ".path",
    HTTPStatus.METHOD_NOT_ALLOWED: ".method",
    HTTPStatus.GONE: ".path",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ".body",
    HTTPStatus.UNPROCESSABLE_ENTITY: "",
}
NOT_ASKED: Final = "–"
NO_ANSWER: Final = "…"


class _Login:
    """One login, told from another by being another object."""


class Site:
    """One user's way to the methods of a profile."""

    def __init__(
        self,
        session: ClientSession,
        url: URL,
        profile: Profile,
        user: str,
        password: str,
    ) -> None:
        """Keep what is needed to log in; nothing is sent yet."""
        self.base = _api_of(url)
        self._session = session
        self._profile = profile
        self._credentials = (user, password)
        self._lock = asyncio.Lock()
        self._turns = asyncio.Semaphore(AT_A_TIME)
        self._outcome: _Login | VendorError | None = None  # of the last login
        self._awake_until = float("-inf")
        self._said: dict[str, str] = {}

    @property
    def tried(self) -> str:
        """Return what each path answered to the last call of it: its status."""
        if not self._said:
            return ""
        calls = vars(self._profile).items()
        lines = [
            f"{part}: {call.method} {self.base.path}/{call.below}"
            f" = {self._said.get(part, NOT_ASKED)}"
            for part, call in calls
        ]
        page = self._said.get("page", NOT_ASKED)
        return "\n".join(
            ["```", f"GET {self.base.path} = {page}", *lines, "```", "", ""]
        )

    async def call[ResultT](
        self,
        part: str,
        values: Mapping[str | None, object],
        reader: Callable[[Answer], ResultT],
    ) -> ResultT:
        """Ask for data; if we are refused, log in and ask once more.

        Not if the login was only just made: another would be refused as well.
        """
        named = {
            name: value for name, value in values.items() if name and value is not None
        }
        before = self._outcome
        login = await self._logged_in()
        try:
            answer = await self._send(part, named)
        except AuthError:
            if login is not before:
                raise
            await self._logged_in(refused=login)
            answer = await self._send(part, named)
        return await read(answer, reader, answer)

    async def _logged_in(self, refused: _Login | None = None) -> _Login:
        """Return a login that was not refused, and make one only if there is none.

        Calls that wait for the login of another share its outcome, a failure too:
        repeated wrong passwords could lock the account.
        """
        before = self._outcome
        async with self._lock:
            known = self._outcome
            if isinstance(known, _Login) and known is not refused:
                return known
            if isinstance(known, VendorError) and known is not before:
                raise known
            try:
                self._outcome = await self._log_in()
            except VendorError as err:
                self._outcome = err
                raise
            return self._outcome

    async def _log_in(self) -> _Login:
        """Exchange the credentials for a cookie [C], which the session keeps."""
        self._session.cookie_jar.clear()
        auth = self._profile.auth
        names = (auth.user_field, auth.password_field)
        who = dict(zip(names, self._credentials, strict=True))
        await self._send("auth", {**auth.extra, **who})
        return _Login()

    async def _send(self, part: str, values: Mapping[str, object]) -> Answer:
        """Send one request, and return its answer if it is neither refusal nor page."""
        call: Call = getattr(self._profile, part)
        path = call.below
        for name in [name for name in values if f"{{{name}}}" in path]:
            path = path.replace(f"{{{name}}}", quote(str(values[name]), safe=""))
            values = {key: value for key, value in values.items() if key != name}
        url = URL(f"{self.base}/{path}")
        async with self._turns:
            answer = await self._request(part, call, url, values)
        refuse(part, answer)
        return answer

    async def _request(
        self, part: str, call: Call, url: URL, values: Mapping[str, object]
    ) -> Answer:
        """Send one request and note what became of it; the first may take its time."""
        options: dict[str, Any] = {"params": {k: _text(v) for k, v in values.items()}}
        if call.method == "POST":
            as_form = call.body == FORM_BODY
            options = {"data": options["params"]} if as_form else {"json": values}
        awake = time.monotonic() < self._awake_until
        self._said[part] = NO_ANSWER
        answer = await request(
            self._session,
            call.method,
            url,
            time_limit=TIMEOUT if awake else FIRST_TIMEOUT,
            headers={"Accept": "application/json"},
            **options,
        )
        self._awake_until = time.monotonic() + ASLEEP_AFTER.total_seconds()
        self._said[part] = _said(answer)
        return answer

    async def look_at_page(self) -> None:
        """Find out whether the page that describes the interface is there [C]."""
        if set(self._said.values()) <= {NO_ANSWER}:
            return  # nobody is at home
        with suppress(VendorError):
            answer = await request(self._session, "GET", self.base)
            self._said["page"] = _said(answer)


def refuse(part: str, answer: Answer) -> None:
    """Raise what an answer says that it is, if not data.

    A redirect or a page for people leads to a login [P].
    """
    redirected = 300 <= answer.status < 400
    if redirected or (answer.ok and _is_page(answer)):
        raise AuthError(f"{part}: status {answer.status}")
    if (wrong := MISFITS.get(answer.status)) is not None:
        raise ContractError(f"{part}{wrong} (status {answer.status})")
    raise_for_status(answer)


def _is_page(answer: Answer) -> bool:
    """Whether it is HTML; .NET may call anything so, and so it is looked at."""
    kind = answer.headers.get("Content-Type", "")
    start = answer.body[:100].lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    return start.startswith((b"<!doctype html", b"<html")) or (
        "html" in kind and start.startswith(b"<")
    )


def _said(answer: Answer) -> str:
    """Return what to tell people of an answer: its status, and whether it is a page."""
    return f"{answer.status} HTML" if _is_page(answer) else str(answer.status)


def json_of(answer: Answer, part: str) -> object:
    """Return an answer's data; ContractError if it is none."""
    try:
        return answer.json()
    except ContractError:
        raise ContractError(f"{part} (no JSON)") from None


def _api_of(url: URL) -> URL:
    """Return a site's interface [C], whichever page of the site was pasted."""
    names = [name for name in url.parts if name.strip("/")]
    site = takewhile(lambda name: not name.lower().endswith(".mvc"), names)
    return url.origin().joinpath(*site, "api.mvc")


def _text(value: object) -> str:
    """Write a value for a query or a form."""
    return value if isinstance(value, str) else json.dumps(value)
