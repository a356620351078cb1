"""Booking systems that bring their bookings to us, because there is no list to ask for."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import ClassVar, override

from ..engine.models import Absence, Booking, Resource, Snapshot
from ..push import Push
from .base import BookingSystem


class FedSystem(BookingSystem):
    """A system whose bookings are what was brought, and stay until it says otherwise."""

    absence: ClassVar = Absence.PUSH
    poll_interval: ClassVar = None
    can_push: ClassVar = True
    is_fed: ClassVar = True

    @override
    @abstractmethod
    async def parse_push(
        self, headers: Mapping[str, str], body: bytes, known: Mapping[str, Booking]
    ) -> Push:
        """Return what was brought."""

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return nothing: what can be booked shows as bookings come."""
        return ()

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return an answer that says nothing, so nothing follows from it."""
        return Snapshot(bookings=(), start=start, end=end, complete=False)
