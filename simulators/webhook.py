"""Whoever posts bookings in the JSON of docs/systems/webhook.md.

The control door understands, besides what every sender does (``sender``):

* ``bookings: [{...}]`` are sent as one list, ``booking: {...}`` as one record. What
  they do not say of ``id, resource, start, end, name`` is made up.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, ClassVar, override

from aiohttp import web

from .base import Simulator
from .sender import SENDING_FAULTS, Outbox


class WebhookSimulator(Simulator):
    """Some booking system that can post to an address."""

    name = "webhook"
    own_faults = SENDING_FAULTS
    header: ClassVar[str] = "X-Booking-Access-Secret"
    records: ClassVar[str] = "bookings"
    record: ClassVar[str] = "booking"

    def __init__(self) -> None:
        """Know nobody to send to yet."""
        self.outbox = Outbox(self.header, self.struck)
        super().__init__()

    @override
    def reset(self) -> None:
        """Count from the first record again."""
        self._numbers = count(1)

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return nothing: it only sends."""
        return []

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        return {"name": "Simulated"}

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        if unknown := set(data) - {"target", "raw", self.records, self.record}:
            raise ValueError(f"unknown data {sorted(unknown)}")
        self.outbox.control(data)
        if self.records in data:
            self.outbox.post([self.made_up(each) for each in data[self.records]])
        if self.record in data:
            self.outbox.post(self.made_up(data[self.record]))

    @override
    async def deliver(self) -> list[dict[str, Any]]:
        """Send what was asked for."""
        return await self.outbox.deliver()

    def made_up(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Return a whole record: an hour from the next full hour on."""
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start = hour + timedelta(hours=1)
        return {
            "id": f"booking-{next(self._numbers)}",
            "resource": "Meeting room",
            "start": start.isoformat(),
            "end": (start + timedelta(hours=1)).isoformat(),
            "name": "Ann Example",
            **wish,
        }
