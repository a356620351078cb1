"""What every booking system can do for us."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

from ..engine.models import Absence, Account, Resource, Snapshot
from ..forms import Field


class BookingSystem(ABC):
    """One account of a booking system.

    Built by ``systems.create`` with an aiohttp session (or ``hass``, where
    ``needs_hass``) and the account's settings. All methods raise AuthError,
    ConnectionFailed, RateLimited or ContractError of ``engine.models``.
    """

    key: ClassVar[str]
    name: ClassVar[str]  # the product's own name, the same in every language
    form: ClassVar[tuple[Field, ...]]
    absence: ClassVar[Absence]
    poll_interval: ClassVar[timedelta]
    needs_hass: ClassVar[bool] = False
    own_session: ClassVar[bool] = False  # cookies, or a certificate not verified

    @abstractmethod
    async def validate(self) -> Account:
        """Return who we are; the cheapest call that proves the credentials."""

    @abstractmethod
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return everything that can be booked."""

    @abstractmethod
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot | None:
        """Return the bookings that overlap [start, end), in UTC.

        None says that nothing has changed since the last answer for the same
        resources. Bad parts of an answer become the snapshot's problems.
        """
