"""Bringing news to an address, as vendors with webhooks do.

What the control door of each sender understands, besides its own:

* ``target: {"address", "header", "secret"}``: where to, and what proves who we are;
  what is left out stays as it was. It outlives a reset;
* ``raw: [JSON or text, ...]`` is sent as it stands, a text without being encoded.

Faults of what is sent: ``duplicate`` sends it twice, ``partial`` cuts it off,
``wrong_secret`` and ``no_secret`` prove nothing, ``lost`` never sends it. Their
``path`` is that of the target.
"""

from collections.abc import Callable, Mapping
import json
from typing import Any, Final

from aiohttp import ClientError, ClientSession, ClientTimeout
from yarl import URL

SENDING_FAULTS: Final = frozenset(
    {"duplicate", "partial", "wrong_secret", "no_secret", "lost"}
)
TIMEOUT: Final = ClientTimeout(total=10)


class Outbox:
    """What is to be sent to one address, one after the other."""

    def __init__(self, header: str, struck: Callable[[str, str], bool]) -> None:
        """Send nothing before somebody says where to."""
        self.address: URL | None = None
        self.header = header
        self.secret = ""
        self._struck = struck
        self._waiting: list[bytes] = []

    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what every sender understands."""
        target = data.get("target", {})
        if unknown := set(target) - {"address", "header", "secret"}:
            raise ValueError(f"unknown target {sorted(unknown)}")
        if "address" in target:
            self.address = URL(target["address"])
        self.header = target.get("header", self.header)
        self.secret = target.get("secret", self.secret)
        for payload in data.get("raw", ()):
            self.post(payload)

    def post(self, payload: object) -> None:
        """Put something in, to be sent next."""
        if self.address is None:
            raise ValueError("nobody said where to send to: target")
        text = payload if isinstance(payload, str) else json.dumps(payload)
        self._waiting.append(text.encode())

    async def deliver(self) -> list[dict[str, Any]]:
        """Send all there is; returns what was answered to each."""
        waiting, self._waiting = self._waiting, []
        answers: list[dict[str, Any]] = []
        if not waiting or self.address is None:
            return answers
        async with ClientSession(timeout=TIMEOUT) as session:
            for body in waiting:
                answers += await self._send(session, self.address, body)
        return answers

    async def _send(
        self, session: ClientSession, address: URL, body: bytes
    ) -> list[dict[str, Any]]:
        """Send one, as the faults have it."""
        if self._struck("lost", address.path):
            return []
        headers = {"Content-Type": "application/json", self.header: self.secret}
        if self._struck("wrong_secret", address.path):
            headers[self.header] = "guess"
        if self._struck("no_secret", address.path):
            del headers[self.header]
        if self._struck("partial", address.path):
            body = body[: len(body) // 2]
        times = 2 if self._struck("duplicate", address.path) else 1
        answers: list[dict[str, Any]] = []
        for _ in range(times):
            try:
                async with session.post(address, data=body, headers=headers) as answer:
                    text = await answer.text()
                    answers.append({"status": answer.status, "answer": text})
            except (ClientError, TimeoutError) as err:
                answers.append({"status": None, "answer": type(err).__name__})
        return answers
