"""What an access system can do for us; which of it, its points' capabilities say."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar, Final

from ..engine.models import (
    AccessEvent,
    AccessPoint,
    Account,
    Grant,
    Issued,
    PointState,
    Problem,
    Rejected,
    Traits,
)
from ..forms import Field, FieldKind, FollowUp
from ..push import CONF_WEBHOOK_ID, AccessPush, PushRefused

# An option of those that can list: what somebody deleted there is issued again.
REISSUE_DELETED: Final = Field(
    name="reissue_deleted", kind=FieldKind.BOOLEAN, required=False, default=True
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What was done at an account before it was loaded, and may still stand there.

    ``grants`` are those whose id at the vendor is known, each with its reservation; one
    that another was made of comes before it. ``opening`` are the points that were
    perhaps told to be open, ``schedules`` the times that points were told to follow.
    """

    grants: Sequence[tuple[Issued, str]] = ()
    opening: Collection[str] = ()
    schedules: Mapping[str, Sequence[tuple[datetime, datetime]]] = field(
        default_factory=dict
    )


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
    # Ids of the forms that may come after the first one; see ``follow_up``.
    follow_ups: ClassVar[tuple[str, ...]] = ()
    # What the account's options offer, to be found among the settings.
    options: ClassVar[tuple[Field, ...]] = ()
    # What people type in because the vendor has no list of it: fields by kind of
    # subentry ("access_point", "encoder"). Found among the settings under that
    # kind, as a sequence of mappings.
    typed_in: ClassVar[Mapping[str, tuple[Field, ...]]] = {}
    poll_interval: ClassVar[timedelta]
    # How grants behave at points that are not known, for want of an answer.
    traits: ClassVar[Traits] = Traits()
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
    # What a person must have to be given a grant here; settings may decide it.
    needs_phone: bool = False
    has_devices: ClassVar[bool] = True  # its doors are devices of ours
    concurrency: ClassVar[int | None] = 4  # calls at the same time; None is any
    # These may differ from account to account. Where ``find`` does not tell whether a
    # grant was made, issuing again does no harm, and it tells what to revoke unseen.
    can_list: bool = True  # ``list_issued`` tells every grant of ours
    can_find: bool = True
    tells_events: ClassVar[bool] = False  # ``read_events`` tells what happened
    can_refresh: ClassVar[bool] = False  # new doors must be asked for: ``refresh``
    can_suspend: ClassVar[bool] = False  # grants can be blocked for a while

    def __init__(self, connection: Any, settings: Mapping[str, Any]) -> None:
        """Keep an aiohttp session (or ``hass``) and the account's settings."""
        self.connection = connection
        self.settings = settings

    @property
    def code_length(self) -> int | None:
        """Digits of the code that a grant must bring along; None if it needs none."""
        return None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What people should see to, as the last poll found it.

        Their reasons are those of repair issues (``issues.TO_SEE_TO``).
        """
        return ()

    @property
    def tried(self) -> str:
        """What answered when an account was tried, as Markdown, to put it right by.

        Only where people can correct more than their sign-in; nothing personal.
        """
        return ""

    @property
    def takes_push(self) -> bool:
        """Whether this account is brought news by HTTP, as its settings say."""
        return bool(self.settings.get(CONF_WEBHOOK_ID))

    @classmethod
    def form_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:  # noqa: ARG003 - for those with several forms
        """Return all fields of an account that exists: of all forms that it took."""
        return cls.form

    @classmethod
    def options_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:  # noqa: ARG003 - for those with several forms
        """Return what the options of an account that exists offer."""
        return cls.options

    async def follow_up(self) -> FollowUp | None:
        """Return the form that comes next while the settings lack something.

        Asked after each form, before ``validate``; may ask the vendor what there
        is to choose from. What it returns as ``settled`` is taken over unasked.
        """
        return None

    @classmethod
    def typed_id(cls, kind: str, typed: Mapping[str, Any]) -> str:  # noqa: ARG003 - for those with several kinds
        """Return what tells something typed in from all others of its kind.

        For an access point that is its id.
        """
        return ":".join(str(typed[f]) for f in ("kind", "identifier") if f in typed)

    async def type_in(
        self, kind: str, typed: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Return what is kept of something typed in, having told the vendor if need be.

        ``before`` is what was kept of it until now; None for something new. Raises
        Rejected with a translation key where it makes no sense.
        """
        return typed

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

    async def read_events(self, since: datetime) -> tuple[AccessEvent, ...]:
        """Return what happened at doors after an instant, the oldest first."""
        return ()

    async def parse_push(self, headers: Mapping[str, str], body: bytes) -> AccessPush:
        """Return what was brought, where ``can_push``.

        Raises PushRefused with what to tell the sender. Safe to repeat.
        """
        raise PushRefused(HTTPStatus.NOT_FOUND, "Nothing can be sent to this account.")

    def remember(self, before: Before) -> None:  # noqa: B027 - few need to
        """Be told of what was done before a start or a reload, ahead of anything else."""

    async def refresh(self) -> None:
        """Have the vendor look for new doors, where ``can_refresh``."""
        raise Rejected("refreshing is not supported")

    async def issue(self, grant: Grant) -> Issued:
        """Give access. Never repeated blindly after OutcomeUnknown."""
        raise Rejected("grants are not supported")

    async def change(self, issued: Issued, grant: Grant) -> Issued:
        """Make a grant into another one of the same reservation and person.

        Where the point's ``traits`` say ``changes``. Rejected if it cannot be: then
        the other one is issued, and this one revoked; a card stays as it is. Safe to
        repeat: after an unknown outcome it is done again, or ``issued`` is revoked
        although it may be the other one by then.
        """
        raise Rejected("changing is not supported")

    async def revoke(self, issued: Issued) -> None:
        """Take access back; what is gone already counts as taken back."""
        raise Rejected("grants are not supported")

    async def suspend(self, issued: Issued) -> None:
        """Block a grant for a while, where ``can_suspend``. Safe to repeat."""
        raise Rejected("blocking is not supported")

    async def resume(self, issued: Issued) -> None:
        """End the block of a grant. Safe to repeat."""
        raise Rejected("blocking is not supported")

    async def list_issued(self) -> tuple[Issued, ...]:
        """Return the grants that exist, those of others included."""
        return ()

    async def find(self, grant: Grant) -> Issued | None:
        """Return a grant whose answer was lost; None if it was not made.

        Where the vendor cannot tell (``can_find``): the grant as it is revoked unseen.
        A ``card`` is only looked for to be revoked; it is there if that is not sure.
        """
        wanted = grant.reference
        listed = await self.list_issued()
        return next((e for e in listed if e.live and e.reference == wanted), None)

    async def encode(self, grant: Grant, encoder: str, *, duplicate: bool) -> Issued:
        """Write a grant on a card at an encoder, by its identifier.

        An original may cancel the reservation's earlier cards, a duplicate never does.
        """
        raise Rejected("cards are not supported")

    async def set_schedule(
        self, point_id: str, periods: Sequence[tuple[datetime, datetime]]
    ) -> None:
        """Replace all times at which a point follows its schedule (UTC, in order).

        They are merged, half-open and not over yet; a system that can take only so
        many keeps the earliest. Safe to repeat.
        """
        raise Rejected("schedules are not supported")

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
