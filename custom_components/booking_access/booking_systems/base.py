"""What every booking system can do for us."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, ClassVar

from ..engine.models import Absence, Account, Booking, Rejected, Resource, Snapshot
from ..forms import Field
from ..push import CONF_WEBHOOK_ID, Import, ImportRefused, Push, PushRefused


class Write(StrEnum):
    """What can be done about bookings from here."""

    CREATE = "create"
    CHANGE = "change"
    CANCEL = "cancel"


class BookingSystem(ABC):
    """One account of a booking system.

    Built by ``systems.create`` with an aiohttp session (or ``hass``, where
    ``needs_hass``) and the account's settings. All methods raise AuthError,
    ConnectionFailed, RateLimited or ContractError of ``engine.models``.
    """

    key: ClassVar[str]
    name: ClassVar[str]  # the product's own name, the same in every language
    form: ClassVar[tuple[Field, ...]]
    # What the account's options offer besides, to be found among the settings.
    options: ClassVar[tuple[Field, ...]] = ()
    absence: ClassVar[Absence]
    poll_interval: ClassVar[timedelta | None]  # None: there is nothing to ask for
    # It can bring us news by HTTP. An account gets an address for that, and a secret
    # that comes in this header; None where the vendor proves itself another way.
    can_push: ClassVar[bool] = False
    push_header: ClassVar[str | None] = None
    # All of its bookings are brought to us; there is no list to ask for.
    is_fed: ClassVar[bool] = False
    # All of its bookings can also be read from a file.
    can_import: ClassVar[bool] = False
    needs_hass: ClassVar[bool] = False
    # What it covers is named in its form; there is no account behind it.
    is_choice: ClassVar[bool] = False
    # The vendor has no id for an account: it is told by its address, which may change.
    may_move: ClassVar[bool] = False
    own_session: ClassVar[bool] = False  # cookies, or a certificate not verified

    def __init__(self, connection: Any, settings: Mapping[str, Any]) -> None:
        """Keep an aiohttp session (or ``hass``) and the account's settings."""
        self.connection = connection
        self.settings = settings

    @property
    def takes_push(self) -> bool:
        """Whether this account is brought news by HTTP, as its settings say."""
        return bool(self.settings.get(CONF_WEBHOOK_ID))

    @property
    def tried(self) -> str:
        """What answered when an account was tried, as Markdown, to put it right by.

        Only where people can correct more than their sign-in; nothing personal.
        """
        return ""

    @abstractmethod
    async def validate(self) -> Account:
        """Return who we are; the cheapest call that proves the credentials.

        Raises Rejected with a translation key where more than that is wrong.
        """

    async def parse_push(
        self, headers: Mapping[str, str], body: bytes, known: Mapping[str, Booking]
    ) -> Push:
        """Return what was brought, where ``can_push``; ``known`` are our bookings by id.

        Raises PushRefused with what to tell the sender. A change is a booking as it
        now is; what was cancelled has that status. Safe to repeat.
        """
        raise PushRefused(HTTPStatus.NOT_FOUND, "Nothing can be sent to this account.")

    def read_import(self, content: bytes, known: Mapping[str, Booking]) -> Import:
        """Return what a file holds, where ``can_import``; in a thread of its own.

        Raises ImportRefused.
        """
        raise ImportRefused("no_import")

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

    def writes(self, resource_id: str) -> frozenset[Write]:
        """Return what can be done from here about the bookings of a resource now."""
        return frozenset()

    async def create_booking(self, resource_id: str, event: Mapping[str, Any]) -> None:
        """Book a resource; ``event`` is as Home Assistant's calendars have it."""
        raise Rejected("bookings cannot be written")

    async def change_booking(
        self, booking: Booking, event: Mapping[str, Any], following: str | None
    ) -> None:
        """Change a booking, and those that follow in its series if that is said."""
        raise Rejected("bookings cannot be written")

    async def cancel_booking(self, booking: Booking, following: str | None) -> None:
        """Cancel a booking, and those that follow in its series if that is said."""
        raise Rejected("bookings cannot be written")

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` when there may be news; return how to stop that.

        Only for systems that can tell; the others are polled and nothing else.
        """
        return lambda: None
