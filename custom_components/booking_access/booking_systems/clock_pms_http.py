"""How Clock PMS+ is talked to: its addresses, its sign-in, its limits, its refusals."""

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
import re
import time
from typing import Any, Final
from weakref import WeakValueDictionary

from aiohttp import (
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientSession,
    DigestAuthMiddleware,
)
from yarl import URL

from ..engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    MissingRight,
    RateLimited,
    Rejected,
    VendorError,
)
from ..transport import Answer, raise_for_status, request, retry_after
from .wire import checked

CLOCK: Final = ".clock-software.com"
PMS: Final = "pms_api"
BASE: Final = "base_api"
_PASTED: Final = re.compile(
    r"(.*?)/(?:pms_api|base_api|pos_api|yield_management_api)/([^/]+)/([^/]+)(?:/.*)?"
)
_LOCAL: Final = ("localhost", ".localhost", ".local", ".lan", ".internal", ".home.arpa")

CALL_LIMIT: Final = timedelta(seconds=10)
CALLS: Final = 4  # a second; the vendor allows 5 to an API user [C]
SECOND: Final = 1.0
BACK_OFFS: Final = 3
BACK_OFF: Final = 0.5  # seconds, once more each time [C]
BAN: Final = timedelta(hours=2)  # what its firewall bans an address for, about [C]

NO_API: Final = "Addon API not installed"
_RIGHT: Final = re.compile(r"right: '([^'<>]{1,80})'|\b([a-z0-9]+(?:_[a-z0-9]+)+)\b")


class BlockedError(RateLimited):
    """The vendor's firewall has banned our address; asking would make that longer."""


class Pace:
    """What all clients of one API user share: one call at a time, and not too many."""

    def __init__(self) -> None:
        """Start without a call."""
        self.turn = asyncio.Lock()
        self._answered: deque[float] = deque(maxlen=CALLS)
        self._banned_until: datetime | None = None

    async def __call__(
        self, request: ClientRequest, handler: ClientHandlerType
    ) -> ClientResponse:
        """Send what goes over the wire, each attempt of the sign-in included.

        Counted from the answers, so that no second at the vendor has more calls,
        however long each is on its way.
        """
        while len(self._answered) == CALLS:
            wait = self._answered[0] + SECOND - time.monotonic()
            if wait <= 0:
                break
            await asyncio.sleep(wait)
        try:
            return await handler(request)
        finally:
            self._answered.append(time.monotonic())

    def check_ban(self) -> None:
        """Raise BlockedError while we are banned; a clock set back does not prolong that."""
        now = datetime.now(UTC)
        if self._banned_until and now < self._banned_until <= now + BAN:
            raise BlockedError(self._banned_until - now)

    def ban(self) -> BlockedError:
        """Stop, and return the error that says so."""
        self._banned_until = datetime.now(UTC) + BAN
        return BlockedError(BAN)


_PACES: WeakValueDictionary[tuple[str, str], Pace] = WeakValueDictionary()


class ClockHttp:
    """One API user at one hotel of Clock PMS+."""

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep where and how to sign in; nothing is sent yet.

        Raises Rejected if the address is none of Clock's, AuthError if the user
        name can be none.
        """
        self._session = session
        self._origin, self.hotel = _read_address(settings)
        user = str(settings["username"]).strip()
        if ":" in user:  # the sign-in cannot express it
            raise AuthError("user name")
        self._digest = DigestAuthMiddleware(user, str(settings["api_key"]))
        self.vendor_time: datetime | None = None  # as its last answer told
        self._pace = _PACES.setdefault((self._origin, user), Pace())

    async def collection(self, path: str, **query: str) -> list[object]:
        """Return what a list call answers.

        Some redirect to the other way of writing them, which would break the
        sign-in [C], so that is asked for itself.
        """
        answer = await self.get(path, **query)
        if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
            other = path.removesuffix("/") if path.endswith("/") else f"{path}/"
            answer = await self.get(other, **query)
        raise_for_status(answer)
        return checked(answer.json(), path.strip("/"), list)

    async def get(self, path: str, *, api: str = PMS, **query: str) -> Answer:
        """Return an answer that does not refuse us; it may say that there is nothing."""
        url = URL(f"{self._origin}/{api}/{self.hotel}/{path}").with_query(query)
        async with self._pace.turn:
            self._pace.check_ban()
            answer = await self._send(url)
            for attempt in range(1, BACK_OFFS + 1):
                if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
                    break
                if retry_after(answer.headers, datetime.now(UTC)) is not None:
                    break
                await asyncio.sleep(attempt * BACK_OFF)
                answer = await self._send(url)
            if refusal := self._refusal(answer):
                raise refusal
        self.vendor_time = _date_of(answer)
        return answer

    async def _send(self, url: URL) -> Answer:
        """Send one request, once more if the connection was cut."""
        try:
            return await self._send_once(url)
        except ConnectionFailed as err:
            if not isinstance(err.__cause__, ClientError):
                raise
        return await self._send_once(url)

    async def _send_once(self, url: URL) -> Answer:
        """Send one request; the sign-in may take two."""
        return await request(
            self._session,
            "GET",
            url,
            time_limit=CALL_LIMIT,
            headers={"Accept": "application/json"},
            middlewares=(self._digest, self._pace),
        )

    def _refusal(self, answer: Answer) -> VendorError | None:
        """Return what an answer refuses; None if it is for the caller to judge."""
        said = _error_of(answer)
        if NO_API in said:
            return Rejected("clock_api_missing")
        match answer.status:
            case HTTPStatus.UNAUTHORIZED:
                return AuthError("status 401")
            case HTTPStatus.FORBIDDEN if re.search(r"\bright\b", said):
                found = _RIGHT.search(said)
                return MissingRight(
                    next(filter(None, found.groups())) if found else "?"
                )
            case HTTPStatus.FORBIDDEN:
                return self._pace.ban()
            case HTTPStatus.TOO_MANY_REQUESTS:
                return RateLimited(retry_after(answer.headers, datetime.now(UTC)))
        return None


def _date_of(answer: Answer) -> datetime | None:
    """Return when the vendor answered, by its own clock."""
    try:
        moment = parsedate_to_datetime(answer.headers.get("Date", ""))
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except ValueError, OverflowError:
        return None


def _error_of(answer: Answer) -> str:
    """Return what an answer says is wrong: in JSON, or plainly; a page for people says nothing."""
    if len(answer.body) > 4096:
        return ""
    try:
        body = answer.json()
    except ContractError:
        text = answer.body.decode(errors="replace").strip()
        return "" if text.startswith("<") else text
    said = body.get("error") if isinstance(body, dict) else None
    return said if isinstance(said, str) else ""


def _read_address(settings: Mapping[str, Any]) -> tuple[str, str]:
    """Return the server and the hotel ("subscription/account") of the settings.

    What a person pastes must lead to Clock itself, over https, or stay on the
    own network: a mistyped address would get the hotel's sign-in. Any other server,
    such as a proxy on the internet, is named in a field of its own, on purpose.
    """
    pasted = URL(str(settings["url"]).strip())
    if not (match := _PASTED.fullmatch(pasted.path)):
        raise Rejected("clock_url")
    prefix, subscription, account = match.groups()
    hotel = f"{subscription}/{account}"
    if server := str(settings.get("base_url") or "").strip():
        return server.rstrip("/"), hotel
    if not _is_trusted(pasted):
        raise Rejected("clock_host")
    return f"{pasted.origin()}{prefix}", hotel


def _is_trusted(url: URL) -> bool:
    """Whether an address is Clock's own, or on the own network."""
    host = (url.host or "").lower()
    if host.endswith(CLOCK):
        return url.scheme == "https"
    if url.scheme not in ("http", "https"):
        return False
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(_LOCAL)
