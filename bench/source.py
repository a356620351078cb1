"""Where the bookings come from: a real vendor's client and server, or next to nothing."""

from abc import ABC, abstractmethod
import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
import sys
from typing import Any, ClassVar, Self, override
from unittest.mock import patch

from aiohttp import ClientSession

from custom_components.booking_access.booking_systems.base import BookingSystem
from custom_components.booking_access.engine.models import (
    Absence,
    Account,
    Booking,
    Person,
    Resource,
    Snapshot,
)
from custom_components.booking_access.systems import BOOKING_SYSTEMS
from simulators.registry import SIMULATORS

REPOSITORY = Path(__file__).parents[1]
HOUR = timedelta(hours=1)
CHUNK = 1000  # bookings that the simulator is told at once


def now() -> datetime:
    """Return the time, to the second as vendors have it."""
    return datetime.now(UTC).replace(microsecond=0)


def resource_ids(rooms: int) -> list[str]:
    """Return the ids of what is booked."""
    return [str(1000 + number) for number in range(rooms)]


def make_bookings(rooms: int, each: int) -> list[Booking]:
    """Return bookings of rooms, all of them in the next two weeks, none soon."""
    first = now() + 2 * HOUR
    step = timedelta(days=13) / each
    return [
        Booking(
            id=f"{number}{turn:04}",
            resource_id=resource_id,
            start=(start := (first + step * turn).replace(microsecond=0)),
            end=start + HOUR,
            summary=f"Badminton {number}-{turn}",
            holder=Person(
                name=f"Anna Holm {number}",
                phone=f"+4520{number:03}{turn:03}",
                email=f"member{number}-{turn}@example.com",
                id=f"{number}{turn:03}",
            ),
        )
        for turn in range(each)
        for number, resource_id in enumerate(resource_ids(rooms))
    ]


def moved(booking: Booking, start: datetime, length: timedelta = HOUR) -> Booking:
    """Return the same booking at another time."""
    return replace(booking, start=start, end=start + length)


class Source(ABC):
    """A booking system with bookings that can be changed from here."""

    system: str

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """Return what the account is to be given."""

    @abstractmethod
    async def put(self, bookings: Sequence[Booking]) -> None:
        """Add bookings, or replace those of the same id."""


class StandIn(BookingSystem):
    """A booking system that has its answer ready: what is left is ours alone."""

    key: ClassVar = "bench"
    name: ClassVar = "Bench"
    form: ClassVar = ()
    absence: ClassVar = Absence.LISTING
    poll_interval: ClassVar = timedelta(minutes=15)
    needs_hass: ClassVar = True
    bookings: ClassVar[tuple[Booking, ...]] = ()

    @override
    async def validate(self) -> Account:
        """Return something."""
        return Account(id=self.key, title=self.name)

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return nothing; rooms need not be chosen here."""
        return ()

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return all there are."""
        return Snapshot(bookings=self.bookings, start=start, end=end)


class Memory(Source):
    """The stand-in's bookings."""

    system = StandIn.key
    settings: Mapping[str, Any] = {}

    @override
    async def put(self, bookings: Sequence[Booking]) -> None:
        """Make the next answer."""
        known = {each.id: each for each in StandIn.bookings}
        known |= {each.id: each for each in bookings}
        StandIn.bookings = tuple(known.values())


@contextmanager
def memory(bookings: Sequence[Booking] = ()) -> Iterator[Memory]:
    """Register the stand-in, with some bookings."""
    StandIn.bookings = tuple(bookings)
    with patch.dict(BOOKING_SYSTEMS, {StandIn.key: StandIn}):
        yield Memory()
    StandIn.bookings = ()


class Vendor:
    """A simulator in a process of its own, so that its work is not ours."""

    def __init__(self, name: str, url: str) -> None:
        """Know where it is."""
        self.url = url
        self.credentials = {**SIMULATORS[name].create().credentials()}

    @classmethod
    @asynccontextmanager
    async def running(cls, name: str) -> AsyncIterator[Self]:
        """Start it, and end it."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "simulators", name, "--port", "0"),
            stdout=asyncio.subprocess.PIPE,
            cwd=REPOSITORY,
        )
        try:
            assert process.stdout
            line = (await process.stdout.readline()).decode()
            yield cls(name, line.split()[-1])
        finally:
            process.terminate()
            await process.wait()

    async def control(self, data: Mapping[str, Any]) -> None:
        """Change what it has."""
        async with (
            ClientSession() as session,
            session.post(f"{self.url}/_control", json={"data": data}) as answer,
        ):
            assert answer.status == 200, await answer.text()


class WinKas(Source):
    """A WinKAS with rooms and bookings."""

    system = "winkas"

    def __init__(self, vendor: Vendor) -> None:
        """Know the vendor."""
        self._vendor = vendor

    @property
    @override
    def settings(self) -> Mapping[str, Any]:
        """Return what the form asks for."""
        return {**self._vendor.credentials, "url": f"{self._vendor.url}/api/"}

    @override
    async def put(self, bookings: Sequence[Booking]) -> None:
        """Add or replace, in portions that it takes."""
        for part in batched(bookings, CHUNK, strict=False):
            await self._vendor.control({"bookings": [wish(each) for each in part]})


@asynccontextmanager
async def winkas(rooms: int, bookings: Sequence[Booking]) -> AsyncIterator[WinKas]:
    """Start a WinKAS with rooms and bookings."""
    async with Vendor.running(WinKas.system) as vendor:
        resources = [{"id": int(id_), "name": id_} for id_ in resource_ids(rooms)]
        await vendor.control({"clear": True, "resources": resources})
        source = WinKas(vendor)
        await source.put(bookings)
        yield source


def wish(booking: Booking) -> dict[str, Any]:
    """Return a booking as the simulator takes it."""
    return {
        "id": int(booking.id),
        "resource": int(booking.resource_id),
        "start": booking.start.isoformat(),
        "end": booking.end.isoformat(),
        "subject": booking.summary,
        "owner": {
            "FirstName": booking.holder.name,
            "Phone": booking.holder.phone,
            "Email": booking.holder.email,
            "MemberNumber": booking.holder.id,
        },
    }
