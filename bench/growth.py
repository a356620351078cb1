"""How the cost of plans and polls grows with the number of bookings."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
import gc
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from types import MappingProxyType
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from custom_components.booking_access.booking_systems import winkas
from custom_components.booking_access.const import CONF_SYSTEM, DOMAIN
from custom_components.booking_access.engine.models import Booking
from custom_components.booking_access.hub import Hub
from custom_components.booking_access.store import BookingsStore
from custom_components.booking_access.transport import Answer
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import HomeAssistant
from yarl import URL

from .figure import Figure, Size, ms, say
from .home import home, room, run
from .planning import EACH, MINUTE, World, merged
from .source import moved, resource_ids, wish

ZONE = ZoneInfo("Europe/Copenhagen")
LIMIT = 1.2

type Curve = dict[int, float]


def wire(bookings: Sequence[Booking]) -> bytes:
    """Return bookings as WinKAS answers them."""
    rows: dict[str, list[Any]] = {}
    for each in bookings:
        record = {
            "Id": int(each.id),
            "Subject": each.summary,
            "Start": f"{each.start.astimezone(ZONE):%d-%m-%Y %H:%M:%S}",
            "Stop": f"{each.end.astimezone(ZONE):%d-%m-%Y %H:%M:%S}",
        }
        row = {"ResourceCalendarbooking": record, "BookingOwner": wish(each)["owner"]}
        rows.setdefault(each.resource_id, []).append(row)
    listed = [
        {"Id": int(id_), "ResourceCalendarbookings": found}
        for id_, found in rows.items()
    ]
    answer = {
        "WinKasStatus": 0,
        "WinKasData": {"CurrentToken": "token"},
        "Resources": listed,
    }
    return json.dumps(answer).encode()


class Polled:
    """A WinKAS account that is polled without a network, and the hub that hears it."""

    def __init__(self, hub: Hub, entry: ConfigEntry, answers: Sequence[bytes]) -> None:
        """Answer in turn; each answer differs from the one before."""
        self._hub = hub
        self._entry = entry
        self._answers = [*answers]
        settings = {"username": "x", "password": "x", "license_number": "1"}
        self._client = winkas.WinKas(None, settings)  # type: ignore[arg-type]
        self._ids = [each["resource_id"] for each in _rooms_of(entry)]

    @classmethod
    async def account(cls, hub: Hub, bookings: Sequence[Booking]) -> Polled:
        """Make the account, with all its rooms; their entities are another figure."""
        ids = resource_ids(len(bookings) // EACH)
        entry = ConfigEntry(
            version=1,
            minor_version=1,
            domain=DOMAIN,
            title="WinKAS",
            data={CONF_SYSTEM: "winkas"},
            options={},
            source=SOURCE_USER,
            unique_id=None,
            discovery_keys=MappingProxyType({}),
            subentries_data=[
                room(number, id_, access_points=[f"doors/{number}"])
                for number, id_ in enumerate(ids)
            ],
        )
        await hub.async_add_account(entry)
        changed = [
            moved(each, each.start + MINUTE) if number % EACH == 0 else each
            for number, each in enumerate(bookings)
        ]
        return cls(hub, entry, [wire(bookings), wire(changed)])

    async def poll(self) -> None:
        """Ask, and have the hub take it over."""
        now = datetime.now(UTC)
        snapshot = await self._client.list_bookings(
            self._ids, now, now + timedelta(days=14)
        )
        self._hub.async_take(self._entry.entry_id, snapshot)

    async def answered(self, *_: object, **__: object) -> Answer:
        """Answer instead of the network."""
        return Answer(status=200, headers={}, body=self._answers[0])

    async def time(self) -> float:
        """Return how long a poll takes that brings news."""
        self._answers.reverse()
        gc.collect()
        begin = perf_counter()
        with patch.object(winkas, "request", self.answered):
            await self.poll()
        return perf_counter() - begin


def _rooms_of(entry: ConfigEntry) -> list[Mapping[str, Any]]:
    """Return the data of an account's rooms."""
    return [each.data for each in entry.subentries.values()]
