"""What an access system can do for us; which of it, its points' capabilities say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from ..engine.models import AccessPoint, Account, Grant, Issued, PointState, Rejected
from ..forms import Field


class AccessSystem(ABC):
    """One account of an access system.

    Built by ``systems.create`` with an aiohttp session (or ``hass``, where
    ``needs_hass``) and the account's settings. All methods raise AuthError,
    ConnectionFailed, RateLimited or ContractError of ``engine.models``; those
    that change something also Rejected and OutcomeUnknown.
    """

    key: ClassVar[str]
    name: ClassVar[str]  # the product's own name, the same in every language
    form: ClassVar[tuple[Field, ...]]
    poll_interval: ClassVar[timedelta]
    # It can bring us news by HTTP. An account gets an address for that, and a secret
    # that comes in this header; None where the vendor proves itself another way.
    can_push: ClassVar[bool] = False
    push_header: ClassVar[str | None] = None
    needs_hass: ClassVar[bool] = False
    # What it covers is named in its form; there is no account behind it.
    is_choice: ClassVar[bool] = False
    # The vendor has no id for an account: it is told by its address, which may change.
    may_move: ClassVar[bool] = False
    own_session: ClassVar[bool] = False
    # What a person must have to be given a grant here.
    needs_phone: ClassVar[bool] = False
    has_devices: ClassVar[bool] = True  # its doors are devices of ours
    concurrency: ClassVar[int | None] = 4  # calls at the same time; None is any

    def __init__(self, connection: Any, settings: Mapping[str, Any]) -> None:
        """Keep an aiohttp session (or ``hass``) and the account's settings."""
        self.connection = connection
        self.settings = settings

    @property
    def code_length(self) -> int | None:
        """Digits of the code that a grant must bring along; None if it needs none."""
        return None

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

    @abstractmethod
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return everything that access can be given to."""

    @abstractmethod
    async def read_states(self) -> Mapping[str, PointState]:
        """Return what is known of each access point, by its id."""

    async def issue(self, grant: Grant) -> Issued:
        """Give access. Never repeated blindly after OutcomeUnknown."""
        raise Rejected("grants are not supported")

    async def revoke(self, issued_id: str) -> None:
        """Take access back; what is gone already counts as taken back."""
        raise Rejected("grants are not supported")

    async def list_issued(self) -> tuple[Issued, ...]:
        """Return the grants that exist, those of others included."""
        return ()

    async def unlock(self, point_id: str) -> None:
        """Open for a moment."""
        raise Rejected("opening is not supported")

    async def hold(self, point_id: str, *, held: bool) -> None:
        """Keep open (held), or back to normal. Safe to repeat."""
        raise Rejected("holding open is not supported")

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call ``changed`` when there may be news; return how to stop that.

        Only for systems that can tell; the others are polled and nothing else.
        """
        return lambda: None
