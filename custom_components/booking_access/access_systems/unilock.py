"""UniLock (Unitek): memberships of person groups, and times of shared exceptions.

Wire facts are those of vendors/unilock.md. Confirmed [C]: a WebAPI and an import of
files exist; a file is moved when it is found, and its objects are created, changed or
deleted; persons are members of groups for times that UniLock itself follows; shared
exceptions carry From and To times; nothing is instant, since keys reach the doors only
while the Poller is connected. Plausible [P]: times of the server's zone in whole
minutes, some eight periods to an exception. Not public [U]: the format of the file,
everything of the WebAPI, and opening a door from afar. So the first is the customer's
own template, the second a profile that can be overridden, and doors are only opened
where a profile says how.

Each grant is a person of its own in UniLock, called by the grant's reference: those who
have two bookings are two persons. So what becomes of one booking never touches another
one's access, and nobody whom others entered is ever changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Protocol, override
from zoneinfo import ZoneInfo

from aiohttp import ClientSession

from ..engine.models import (
    NOBODY,
    AccessPoint,
    Account,
    Capability,
    ConnectionFailed,
    Credential,
    Grant,
    Issued,
    PointState,
    Problem,
    Rejected,
    Traits,
)
from ..forms import Field, FollowUp
from .base import REISSUE_DELETED, AccessSystem, Before
from .unilock_file import ImportFolder
from .unilock_forms import (
    ACCESS_POINT,
    CHOICE,
    DOOR,
    EXCEPTION,
    FILE_IMPORT,
    FORMS,
    GROUP,
    KINDS,
    MAX_PERIODS,
    TYPED_IN,
    WEB_API,
)
from .unilock_profile import read_profile
from .unilock_told import Change, Membership, Period, Times, merged, told, wall
from .unilock_web import WebApi, sign_in

LISTS: Final = {DOOR: "doors", GROUP: "groups", EXCEPTION: "exceptions"}
NOT_POSSIBLE: Final = {
    DOOR: "doors_not_possible",
    GROUP: "groups_not_possible",
    EXCEPTION: "exceptions_not_possible",
}
# Only persons of ours are ever removed.
PREFIX: Final = "ba-"
OPEN_FOR: Final = 5  # seconds


class Transport(Protocol):
    """A way to tell UniLock something."""

    zone: ZoneInfo

    @property
    def can_list(self) -> bool:
        """Whether it tells which persons there are."""

    async def test(self) -> None:
        """Raise what stands in its way."""

    async def tell(self, change: Change) -> None:
        """Have something told, in whole; safe to repeat."""


class UniLock(AccessSystem):
    """One UniLock, through either transport.

    The id of a point is ``<kind>:<identifier>``; that of an ``Issued`` is the person's
    external id, which stays the same when the grant is changed.
    """

    key: ClassVar = "unilock"
    name: ClassVar = "UniLock"
    form: ClassVar = (CHOICE,)
    follow_ups: ClassVar = tuple(f"unilock_{transport}" for transport in FORMS)
    typed_in: ClassVar = TYPED_IN
    poll_interval: ClassVar = timedelta(minutes=1)
    traits: ClassVar = Traits(changes=True, lingers=True)
    may_move: ClassVar = True
    concurrency: ClassVar = None  # what comes together goes into one file

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as the forms have them."""
        super().__init__(session, settings)
        asked = FORMS.get(settings.get("transport", ""), ())
        defaults = {each.name: each.default for each in asked}
        self._settings = {**defaults, **settings}
        self._lacks = any(f.required and not self._settings[f.name] for f in asked)
        self._folder: ImportFolder | None = None
        self._web: WebApi | None = None
        if asked and not self._lacks:
            if settings["transport"] == FILE_IMPORT:
                self._folder = ImportFolder(self._settings)
            else:
                self._web = WebApi(session, self._settings)
        self._periods: dict[str, tuple[Period, ...]] = {}  # as we set them
        self._differ: dict[str, str] = {}  # exceptions, by point, with their names
        self.can_list = self.can_find = self._web is not None and self._web.can_list

    @property
    def _transport(self) -> Transport:
        """The way that was chosen, once its form is filled in."""
        if (transport := self._folder or self._web) is None:
            raise ConnectionFailed("nothing is chosen")
        return transport

    @classmethod
    @override
    def form_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:
        """The choice of the transport, and its own form."""
        return (*cls.form, *FORMS.get(settings.get("transport", ""), ()))

    @classmethod
    @override
    def options_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:
        """Whether persons that somebody deleted come back, where they are listed."""
        lists = (
            settings.get("transport") == WEB_API
            and read_profile(settings.get("profile")).persons
        )
        return (REISSUE_DELETED,) if lists else ()

    @override
    async def follow_up(self) -> FollowUp | None:
        """Ask for what belongs to the transport."""
        if not self._lacks:
            return None
        transport = self.settings["transport"]
        return FollowUp(step=f"unilock_{transport}", fields=FORMS[transport])

    @property
    @override
    def code_length(self) -> int | None:
        """The digits of a code, where anything is told of it; 0 is none."""
        length = int(self._settings.get("pin_length") or 0)
        return (length or None) if self._tells_pins else None

    @property
    def _tells_pins(self) -> bool:
        """Whether a person's code reaches UniLock."""
        if self._folder:
            return self._folder.template.tells_pins
        return self._web is not None and self._web.tells_pins

    @property
    @override
    def tried(self) -> str:
        """What the WebAPI answered."""
        return self._web.tried if self._web else ""

    @property
    @override
    def problems(self) -> tuple[Problem, ...]:
        """A file that is not taken, and exceptions that are not as we set them."""
        found = [
            Problem(reason="schedule_differs", item=name)
            for name in self._differ.values()
        ]
        if self._folder and self._folder.stuck_since:
            path = str(self._folder.path)
            found.append(Problem(reason="file_not_taken", item=path))
        return tuple(found)

    @override
    def remember(self, before: Before) -> None:
        """Note the periods that shared exceptions are to have, to be compared."""
        for point_id, periods in before.schedules.items():
            if point_id.startswith(f"{EXCEPTION}:"):
                self._periods[_of_kind(point_id, EXCEPTION)] = self._kept(periods)

    @override
    async def validate(self) -> Account:
        """Try the folder, or ask the WebAPI for its lists."""
        if self._web:
            sign_in(self._settings)
        await self._transport.test()
        where = self._web.url if self._web else str(self._folder and self._folder.path)
        return Account(id=f"{self.settings['transport']}:{where}", title=self.name)

    @override
    async def type_in(
        self, kind: str, typed: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Refuse what nothing could be done with."""
        if not self._capabilities(typed["kind"]):
            raise Rejected(NOT_POSSIBLE[typed["kind"]])
        return typed

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return what the WebAPI lists, and what people typed in; look at the folder."""
        if self._folder:
            await self._folder.look()
        named: dict[tuple[str, str], str] = {}
        if self._web:
            for kind, operation in LISTS.items():
                if self._capabilities(kind):
                    for id_, name in await self._web.entries(operation):
                        named[kind, id_] = name
        for typed in self.settings.get(ACCESS_POINT, ()):
            named[typed["kind"], typed["identifier"]] = typed["name"]
        await self._compare({id_: n for (k, id_), n in named.items() if k == EXCEPTION})
        return tuple(
            AccessPoint(
                id=f"{kind}:{id_}",
                name=name,
                kind=KINDS[kind],
                capabilities=self._capabilities(kind),
                traits=self.traits,
            )
            for (kind, id_), name in named.items()
        )

    def _capabilities(self, kind: str) -> frozenset[Capability]:
        """Return what can be done at a point of a kind; never more than that."""
        folder, profile = self._folder, self._web and self._web.profile
        can: set[Capability] = set()
        if kind == GROUP and (
            (folder and folder.template.tells_persons)
            or (profile and profile.person_put)
        ):
            can = {Capability.GRANT}
            if self.code_length:
                can.add(Capability.PIN)
            if self.can_list:
                can.add(Capability.LIST)
        if kind == EXCEPTION and (
            (folder and folder.template.tells_exceptions)
            or (profile and profile.periods_put)
        ):
            can = {Capability.SCHEDULE}
        if kind == DOOR and profile and profile.door_open:
            can = {Capability.UNLOCK}
        return frozenset(can)

    async def _compare(self, named: Mapping[str, str]) -> None:
        """Find the exceptions whose coming periods are not those that we set.

        The systems are ready when both are the same, says Unitek [C].
        """
        now = datetime.now(self._transport.zone).replace(tzinfo=None)
        self._differ = {}
        for id_, ours in self._periods.items():
            if self._web:
                theirs = await self._web.read_periods(id_)
                differs = theirs is not None and _coming(theirs, now) != _coming(
                    ours, now
                )
            else:
                key = Times(exception_id=id_, periods=()).key
                differs = bool(self._folder and key in self._folder.stuck)
            if differs:
                self._differ[id_] = named.get(id_, id_)

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return which shared exceptions are as we set them, as ``_compare`` found."""
        return {
            f"{EXCEPTION}:{id_}": PointState(ready=id_ not in self._differ)
            for id_ in self._periods
        }

    @override
    async def issue(self, grant: Grant) -> Issued:
        """Tell UniLock of a person who is a member of the grant's groups meanwhile."""
        return await self._give(grant.reference, grant, grant.code)

    @override
    async def change(self, issued: Issued, grant: Grant) -> Issued:
        """Tell UniLock anew of the same person, who keeps their code."""
        _check_ours(issued.id)
        return await self._give(issued.id, grant, grant.code or issued.credential.code)

    async def _give(self, external_id: str, grant: Grant, pin: str | None) -> Issued:
        """Tell UniLock of a person, all of them."""
        start, end = wall(grant.start, grant.end, self._transport.zone)
        memberships = [
            Membership(group=_of_kind(point, GROUP), start=start, end=end)
            for point in grant.points
        ]
        if self.code_length and not pin:
            raise Rejected("code_missing")
        code = pin if self.code_length else None
        await self._transport.tell(told(external_id, grant.person, code, memberships))
        return Issued(
            id=external_id,
            reference=grant.reference,
            points=grant.points,
            start=grant.start,
            end=grant.end,
            credential=Credential(code=code),
        )

    @override
    async def revoke(self, issued: Issued) -> None:
        """Have the person removed, who is nobody else's."""
        _check_ours(issued.id)
        await self._transport.tell(told(issued.id, NOBODY, None, ()))

    @override
    async def list_issued(self) -> tuple[Issued, ...]:
        """Return the persons, where the WebAPI lists them; without their memberships."""
        if self._web is None:
            return ()
        return tuple(
            Issued(id=id_, reference=id_, points=(), start=None, end=None)
            for id_, _ in await self._web.entries("persons")
        )

    @override
    async def find(self, grant: Grant) -> Issued | None:
        """Return the person of a grant; where nobody can tell, as they would be called."""
        if self.can_find:
            return await super().find(grant)
        return Issued(
            id=grant.reference,
            reference=grant.reference,
            points=grant.points,
            start=grant.start,
            end=grant.end,
        )

    @override
    async def set_schedule(
        self, point_id: str, periods: Sequence[tuple[datetime, datetime]]
    ) -> None:
        """Replace the periods of a shared exception by the earliest of these."""
        id_ = _of_kind(point_id, EXCEPTION)
        kept = self._kept(periods)
        await self._transport.tell(Times(exception_id=id_, periods=kept))
        self._periods[id_] = kept

    def _kept(self, periods: Sequence[tuple[datetime, datetime]]) -> tuple[Period, ...]:
        """Return those of the periods that a shared exception has room for."""
        zone, now = self._transport.zone, datetime.now(UTC)
        limit = int(self._settings.get("max_periods") or MAX_PERIODS)
        coming = (wall(start, end, zone) for start, end in periods if end > now)
        return merged(coming)[:limit]

    @override
    async def unlock(self, point_id: str) -> None:
        """Open a door, where a profile says how."""
        door_id = _of_kind(point_id, DOOR)
        if self._web is None:
            raise Rejected("not_supported")
        await self._web.open_door(door_id, OPEN_FOR)


def _of_kind(point_id: str, wanted: str) -> str:
    """Return a point's identifier; Rejected if it is not of the kind."""
    kind, _, id_ = point_id.partition(":")
    if kind != wanted or not id_:
        raise Rejected("unknown_point")
    return id_


def _check_ours(external_id: str) -> None:
    """Raise Rejected for persons whom others entered."""
    if not external_id.startswith(PREFIX):
        raise Rejected("unknown_grant")


def _coming(periods: Iterable[Period], now: datetime) -> list[Period]:
    """Return the periods that are not over."""
    return [period for period in periods if period[1] > now]
