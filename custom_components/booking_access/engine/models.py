"""The words everybody here speaks: resources, bookings, access points, grants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

# The end of a booking that has none, such as an open-ended lease.
FOREVER: Final = datetime(9000, 1, 1, tzinfo=UTC)
# Some systems write the first day of all time for what has always been so.
LONG_AGO: Final = datetime(1900, 1, 1, tzinfo=UTC)


class BookingStatus(StrEnum):
    """How binding a booking is."""

    CONFIRMED = "confirmed"
    TENTATIVE = "tentative"
    CANCELLED = "cancelled"


class Absence(StrEnum):
    """What it means when a booking system no longer mentions a booking."""

    AUTHORITATIVE = "authoritative"  # gone is cancelled, at once
    LISTING = "listing"  # gone is suspicious, and needs to be seen twice
    PUSH = "push"  # gone means nothing


class Effect(StrEnum):
    """What a booking drives, each with its own lead and lag."""

    ACCESS = "access"
    ALARM = "alarm"
    LIGHT = "light"
    VENTILATION = "ventilation"


class AccessMode(StrEnum):
    """How a room lets its people in."""

    HOLD_OPEN = "hold_open"  # the doors are unlocked for everybody
    GRANT = "grant"  # the booking's people get a key, link or code


class Capability(StrEnum):
    """What can be done at an access point."""

    GRANT = "grant"  # give people access for a time that the system enforces
    SCHEDULE = "schedule"  # hand over times that the system itself follows
    UNLOCK = "unlock"  # open for a moment
    HOLD = "hold"  # keep open, and back to normal
    PIN = "pin"
    CARD = "card"
    LIST = "list"  # tells which grants exist


class PointKind(StrEnum):
    """What an access point is in its system."""

    DOOR = "door"
    GROUP = "group"
    SCHEDULE = "schedule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Who we are to a vendor, as its answer to our credentials tells."""

    id: str  # stable at the vendor; makes the entry unique
    title: str
    time_zone: str | None = None  # IANA name, where the vendor tells


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """Something that can be booked."""

    id: str
    name: str
    location: str | None = None

    @property
    def label(self) -> str:
        """Name for people, with the place where there is one."""
        return f"{self.name} ({self.location})" if self.location else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A holder or participant, as the booking system wrote them."""

    name: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    id: str | None = field(default=None, repr=False)


NOBODY: Final = Person()


@dataclass(frozen=True, kw_only=True, slots=True)
class Booking:
    """One booking of one resource, from start up to but not including end.

    ``id`` is the vendor's own, with the occurrence for recurring events, so a
    changed booking stays the same booking. Start and end are UTC instants; a
    booking without an end ends ``FOREVER``. Personal data stays out of the repr.
    People decide ``blocked``, so that it gives no access, and ``closed``, so that its
    access is over; no booking system does.
    """

    id: str
    resource_id: str
    start: datetime
    end: datetime
    summary: str = field(default="", repr=False)
    status: BookingStatus = BookingStatus.CONFIRMED
    transparent: bool = False  # marked as not taking up the resource's time
    holder: Person = field(default=NOBODY, repr=False)
    participants: tuple[Person, ...] = field(default=(), repr=False)
    updated_at: datetime | None = None
    blocked: bool = False
    closed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Part of an answer that could not be used, without any personal data.

    ``reason`` is a translation key (see ``const.py``), ``item`` tells people
    which one it is ("event 3, line 41"), ``field`` is the wire name at fault.
    """

    reason: str
    item: str
    field: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """What a booking system answered for [start, end) of the asked resources.

    ``complete`` is False where the answer is known to lack something, and
    ``missing`` names the resources that it says nothing about: absence from
    such an answer never means anything. ``absence`` says what it means where that
    is not what it means for the system's other answers.
    """

    bookings: tuple[Booking, ...]
    start: datetime
    end: datetime
    complete: bool = True
    missing: frozenset[str] = frozenset()
    absence: Absence | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """How grants at an access point behave.

    ``apart``: a grant for each point, so that one that fails holds up no other.
    ``enforced``: the system begins and ends a grant by itself; where it does not,
    a grant is issued when its window opens and revoked when that ends.
    ``overrides``: the first grant of a booking cancels those of the booking before
    it, so it is not issued while that one's window lasts.
    ``changes``: a grant can be changed in place (``AccessSystem.change``).
    ``suspends``: a grant can be blocked for a while; the hub fills that in.
    ``lingers``: what is over opens nothing, but stays there with whose it was until
    it is revoked.
    """

    apart: bool = False
    enforced: bool = True
    overrides: bool = False
    changes: bool = False
    suspends: bool = False
    lingers: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessPoint:
    """What access can be given to.

    ``may_alarm`` says that it is alarm equipment: a visit there may set it off.
    """

    id: str
    name: str
    kind: PointKind = PointKind.DOOR
    capabilities: frozenset[Capability] = frozenset()
    model: str | None = None
    may_alarm: bool = False
    traits: Traits = Traits()


@dataclass(frozen=True, kw_only=True, slots=True)
class PointState:
    """What the access system tells of a door; None where it does not tell."""

    ready: bool | None = None  # online and in working order
    held_open: bool | None = None
    door_open: bool | None = None  # the door's leaf, not its bolt
    battery: int | None = None  # percent


class AccessEventKind(StrEnum):
    """What happened at a door, as far as its system tells."""

    OPENED = "opened"  # from afar, or by somebody's key
    GRANTED = "granted"  # somebody's key, card or code was accepted
    DENIED = "denied"
    NOT_READY = "not_ready"
    ALARM = "alarm"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessEvent:
    """Something that happened at a door; never who did it. ``id`` is the vendor's."""

    id: str
    point_id: str
    kind: AccessEventKind
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Credential:
    """What a person opens the door with. Never logged, never a state.

    ``bearer`` is how the vendor knows whose it is, where revoking needs to say that.
    """

    code: str | None = field(default=None, repr=False)
    link: str | None = field(default=None, repr=False)
    bearer: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """How much earlier and later than the booking an effect lasts."""

    lead: timedelta = timedelta()
    lag: timedelta = timedelta()


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """The user's mapping of one resource to its access points and appliances.

    Points are ``"<access account>/<point id>"``: ``points`` all of them,
    ``held`` those that are kept open while booked, ``granted`` those that the
    booking's people get a key or code for, ``scheduled`` those that follow times
    which they are told, ``cards`` those that key cards can be written for. ``traits`` are how grants behave at them, where that is not
    as usual. ``appliances`` are what is switched for an effect, by ids that mean
    nothing here. ``leads`` is for a visit, which is a room of its own: the room that
    alarm, light and ventilation are ready in, if they are to be.
    """

    id: str
    account_id: str
    resource_id: str
    name: str
    points: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    granted: tuple[str, ...] = ()
    scheduled: tuple[str, ...] = ()
    cards: tuple[str, ...] = ()
    traits: Mapping[str, Traits] = field(default_factory=dict)
    timing: Mapping[Effect, Timing] = field(default_factory=dict)
    appliances: Mapping[Effect, tuple[str, ...]] = field(default_factory=dict)
    tentative: bool = False  # tentative bookings count as well
    issue_ahead: timedelta = timedelta(days=7)
    leads: str | None = None

    @property
    def served(self) -> tuple[str, ...]:
        """The points through which the room's ways of access lead."""
        return (*self.held, *self.granted, *self.scheduled, *self.cards)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """The wish that one person can pass the points from start to end (UTC).

    ``reference`` is ours and travels to the vendor, so that a grant can be
    found again after an unclear answer. It is stable for the same wish.
    ``reservation`` is ours as well, the same for all grants of a booking at an
    account whatever becomes of its times, people and points. Where it is made
    ``anew``, nothing of its reservation stands: it may have been cancelled by another
    one's, and a duplicate of that would open nothing. A ``card`` is written at an encoder.
    """

    reference: str
    reservation: str
    points: tuple[str, ...]  # the access system's own point ids
    start: datetime
    end: datetime
    person: Person = field(repr=False)
    code: str | None = field(default=None, repr=False)
    anew: bool = False
    card: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A grant as the vendor knows it. Its id never holds personal data."""

    id: str
    reference: str | None
    points: tuple[str, ...]
    start: datetime | None
    end: datetime | None
    live: bool = True  # neither revoked nor expired
    credential: Credential = field(default_factory=Credential, repr=False)


class VendorError(Exception):
    """Base of everything a booking or access system raises."""


class AuthError(VendorError):
    """The credentials are refused, or lack a right."""


class ConnectionFailed(VendorError):
    """No usable answer, and nothing was changed at the vendor."""


class MissingRight(ConnectionFailed):
    """The credentials are good, but lack a right, which is named."""

    def __init__(self, right: str) -> None:
        """Remember the right as the vendor calls it."""
        super().__init__(f"missing right: {right}")
        self.right = right


class NotNow(ConnectionFailed):
    """Not possible as things are, and tried again; says why by a translation key."""


class NotYet(ConnectionFailed):
    """It can only be done later: something else has to end before."""

    def __init__(self, until: datetime) -> None:
        """Remember when to try again."""
        super().__init__("not yet")
        self.until = until


class RateLimited(ConnectionFailed):
    """Too many requests; come back after ``retry_after``, where it is known."""

    def __init__(self, retry_after: timedelta | None = None) -> None:
        """Remember when to come back."""
        super().__init__("too many requests")
        self.retry_after = retry_after


class Rejected(VendorError):
    """The vendor understood and said no, for good."""


class OutcomeUnknown(VendorError):
    """Sent without an answer: done or not, we cannot tell."""


class UnderWay(OutcomeUnknown):
    """Handed over and not taken yet, which is as usual: ask again ``after`` a while."""

    def __init__(self, after: timedelta) -> None:
        """Remember when to ask again."""
        super().__init__("under way")
        self.after = after


class ContractError(ConnectionFailed):
    """The answer is not what the contract says. Names the field, never the value."""

    def __init__(self, wire_field: str) -> None:
        """Remember the field at fault."""
        super().__init__(f"unexpected answer: {wire_field}")
        self.field = wire_field
