"""HTTP with the manners every vendor needs: time-outs, and errors we know."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
import json
from typing import Any, Final

from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession
from yarl import URL

from .engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    OutcomeUnknown,
    RateLimited,
    Rejected,
)
from .shapes import ANSWERS

TIMEOUT: Final = timedelta(seconds=20)
MAX_BODY: Final = 32 * 1024 * 1024
# What is longer takes more than a moment to read, and is read in a thread.
LONG_BODY: Final = 32 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the vendor says that it worked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """Return the body as JSON; ContractError if it is none."""
        try:
            return json.loads(self.body)
        except ValueError as err:
            raise ContractError("body") from err


async def request(
    session: ClientSession,
    method: str,
    url: URL,
    *,
    writes: bool = False,
    time_limit: timedelta = TIMEOUT,
    **options: Any,
) -> Answer:
    """Send one request and read the whole answer, whatever its status.

    ``writes`` says that the request changes something at the vendor: when its
    answer is lost the outcome is unknown, and it must not be sent again.
    Redirects are not followed unless ``options``, which go to aiohttp, say so.
    Raises ConnectionFailed, OutcomeUnknown or ContractError.
    """
    options.setdefault("allow_redirects", False)
    lost = OutcomeUnknown if writes else ConnectionFailed
    try:
        async with (
            asyncio.timeout(time_limit.total_seconds()),
            session.request(method, url, **options) as response,
        ):
            body = await _body(response, writes=writes)
    except TimeoutError as err:
        raise lost("no answer in time") from err
    except ClientConnectorError as err:  # never sent, so nothing happened
        raise ConnectionFailed(type(err).__name__) from err
    except ClientError as err:
        raise lost(type(err).__name__) from err
    if answers := ANSWERS.get():
        answers.note(method, response.status, response.content_type, body)
    return Answer(status=response.status, headers=response.headers, body=body)


async def _body(response: ClientResponse, *, writes: bool) -> bytes:
    """Read a body to its end; one that never ends is no answer."""
    parts: list[bytes] = []
    length = 0
    async for chunk in response.content.iter_any():
        parts.append(chunk)
        length += len(chunk)
        if length > MAX_BODY:
            raise OutcomeUnknown("too long") if writes else ContractError("body")
    return b"".join(parts)


async def read[**P, ResultT](
    answer: Answer,
    function: Callable[P, ResultT],
    *args: P.args,
    **kwargs: P.kwargs,
) -> ResultT:
    """Call what reads an answer: in a thread, so that all else goes on, if it is long."""
    if len(answer.body) < LONG_BODY:
        return function(*args, **kwargs)
    return await asyncio.to_thread(function, *args, **kwargs)


def raise_for_status(answer: Answer, *, writes: bool = False) -> None:
    """Turn an HTTP status into one of our errors; return if it is a success.

    A server error or a time-out leaves the outcome of a write unknown.
    """
    status = answer.status
    if answer.ok:
        return
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise AuthError(f"status {status}")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise RateLimited(retry_after(answer.headers, datetime.now(UTC)))
    if writes and (status == HTTPStatus.REQUEST_TIMEOUT or status >= 500):
        raise OutcomeUnknown(f"status {status}")
    if writes and status >= HTTPStatus.BAD_REQUEST:
        raise Rejected(f"status {status}")
    raise ConnectionFailed(f"status {status}")


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """Return what a Retry-After header asks for, seconds or a date; else None."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return timedelta(seconds=int(value[:9]))
    try:
        wanted = parsedate_to_datetime(value)
    except ValueError:
        return None
    if wanted.tzinfo is None:
        wanted = wanted.replace(tzinfo=UTC)
    return max(wanted - now, timedelta())
