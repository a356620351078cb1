"""What Clock PMS+ tells us by itself: Amazon SNS messages, each with one id."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
import json
from typing import Any, Final

from aiohttp import ClientSession

from ..engine.models import ContractError
from ..push import CONF_WEBHOOK_ID, Push, PushRefused
from ..transport import raise_for_status
from .clock_pms_http import BASE, ClockHttp
from .sns import CONFIRMATION, NOTIFICATION, Message, Sns, read_message
from .wire import Json, checked, text_of

BOOKING: Final = "booking_"
# Strangers cannot make us ask Clock more often whose messages to believe.
PAUSE: Final = timedelta(minutes=1)


class ClockNews:
    """Takes the messages of the one topic that Clock made for our API user."""

    def __init__(
        self, session: ClientSession, http: ClockHttp, settings: Mapping[str, Any]
    ) -> None:
        """Start without a topic: Clock is asked which it is when something comes."""
        self._http = http
        self._sns = Sns(session)
        self._address = str(settings.get(CONF_WEBHOOK_ID) or "")
        self._topic: str | None = None
        self._refused_at: datetime | None = None

    async def take(self, body: bytes, reread: Callable[[str], Awaitable[Push]]) -> Push:
        """Take one message; ``reread`` gets the booking that it is about.

        It counts as taken when all went well: else it comes again.
        """
        message = read_message(body)
        await self._sns.verify(message)
        await self._check_topic(message)
        if message.kind == CONFIRMATION:
            await self._sns.confirm(message)
            return Push(answer={"confirmed": True})
        if message.kind != NOTIFICATION or not message.subject.startswith(BOOKING):
            return Push()
        if self._sns.is_taken(message):
            return Push()
        id_ = _booking_id(message)
        push = Push(asks=True) if id_ is None else await reread(id_)
        self._sns.take(message)
        return push

    async def _check_topic(self, message: Message) -> None:
        """Raise PushRefused unless Clock says that the message's topic is ours."""
        if message.topic == self._topic:
            return
        now = datetime.now(UTC)
        refused_at = self._refused_at
        if refused_at is None or not refused_at <= now < refused_at + PAUSE:
            if await self._is_ours(message):
                return
            self._refused_at = now
        raise PushRefused(HTTPStatus.FORBIDDEN, "This topic is not ours.")

    async def _is_ours(self, message: Message) -> bool:
        """Ask Clock for our subscription.

        Before it is confirmed it may not have an ARN yet [U]; then what Clock sends
        to must be our address.
        """
        answer = await self._http.get("webhook_subscription", api=BASE)
        if answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND):
            return False  # there is none
        raise_for_status(answer)
        ours = checked(answer.json(), "webhook_subscription", dict)
        arn = text_of(ours, "subscription_arn") or ""
        if arn.startswith("arn:"):
            if arn.rpartition(":")[0] != message.topic:
                return False
            self._topic = message.topic
            return True
        return message.kind == CONFIRMATION and self._is_pending(ours)

    def _is_pending(self, ours: Json) -> bool:
        """Whether our subscription waits to be confirmed, and leads to us."""
        endpoint = text_of(ours, "endpoint") or ""
        leads_to_us = endpoint.partition("?")[0].rstrip("/").rpartition("/")[2]
        return (
            ours.get("pending_confirmation") is True
            and bool(self._address)
            and leads_to_us == self._address
        )


def _booking_id(message: Message) -> str | None:
    """Return which booking a message is about; None if it does not say."""
    try:
        content = json.loads(message.text)
        id_ = text_of(content, "booking_id") if isinstance(content, dict) else None
    except ValueError, ContractError:
        return None
    return id_ if id_ and id_.isdecimal() else None
