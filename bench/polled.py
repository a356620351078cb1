"""A booking account that is polled without a network, and the hub that hears of it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
import json
from time import process_time
from typing import Any, cast
from unittest.mock import patch
from zoneinfo import ZoneInfo

from aiohttp import ClientSession

from custom_components.booking_access.booking_systems import winkas
from custom_components.booking_access.engine.models import Booking, Snapshot
from custom_components.booking_access.hub import Hub
from custom_components.booking_access.store import BookingsStore
from custom_components.booking_access.transport import Answer

from .figure import no_collection
from .home import make_entry, room
from .source import resource_ids, wish

ZONE = ZoneInfo("Europe/Copenhagen")
SETTINGS = {"username": "user", "password": "secret", "license_number": "1"}
HORIZON = timedelta(days=14)


def wire(rooms: int, bookings: Sequence[Booking]) -> bytes:
    """Return bookings as WinKAS answers them, and the token of a login besides."""
    rows: dict[str, list[dict[str, Any]]] = {id_: [] for id_ in resource_ids(rooms)}
    for each in bookings:
        record = {
            "Id": int(each.id),
            "Subject": each.summary,
            "Start": f"{each.start.astimezone(ZONE):%d-%m-%Y %H:%M:%S}",
            "Stop": f"{each.end.astimezone(ZONE):%d-%m-%Y %H:%M:%S}",
        }
        row = {"ResourceCalendarbooking": record, "BookingOwner": wish(each)["owner"]}
        rows[each.resource_id].append(row)
    resources = [
        {"Id": int(id_), "ResourceCalendarbookings": found}
        for id_, found in rows.items()
    ]
    login = {"CurrentToken": "token"}
    envelope = {"WinKasStatus": 0, "WinKasData": login, "Resources": resources}
    return json.dumps(envelope).encode()


class Polled:
    """One account with rooms that have a door each; their entities are left out."""

    def __init__(self, hub: Hub, rooms: int) -> None:
        """Make it."""
        self.body = wire(rooms, [])
        self._hub = hub
        self._ids = resource_ids(rooms)
        self._client = winkas.WinKas(cast("ClientSession", self), SETTINGS)
        self._entry = make_entry(
            "winkas",
            SETTINGS,
            [
                room(number, id_, access_points=[f"doors/{number}"])
                for number, id_ in enumerate(self._ids)
            ],
        )

    async def start(self) -> None:
        """Make it known to the hub."""
        await self._hub.async_add_account(self._entry)

    async def poll(self) -> Snapshot:
        """Ask, and have the hub take the answer over."""
        now = datetime.now(UTC)
        snapshot = await self._client.list_bookings(self._ids, now, now + HORIZON)
        await self._hub.async_take(self._entry.entry_id, snapshot)
        return snapshot

    async def time(self, body: bytes) -> float:
        """Return the processor time of a poll, in seconds."""
        self.body = body
        with no_collection():
            begin = process_time()
            await self.poll()
            return process_time() - begin


@contextmanager
def no_network() -> Iterator[None]:
    """Have the accounts answer themselves, and store nothing meanwhile."""

    async def request(account: Polled, *_: object, **__: object) -> Answer:
        return Answer(status=200, headers={}, body=account.body)

    def leave(*_: object) -> None:
        """Files are written in a thread, which would be in the way."""

    with (
        patch.object(winkas, "request", request),
        patch.object(BookingsStore, "save_soon", leave),
    ):
        yield
