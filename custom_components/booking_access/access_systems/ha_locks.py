"""Home Assistant's own locks, of whatever make: held open, and codes for people.

No lock begins or ends a code by itself here: no action of Home Assistant sets
schedules. So a code is set when its window opens, and cleared when that ends.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final, override

from homeassistant.components.lock import (
    DOMAIN as LOCK_DOMAIN,
    LockEntityFeature,
    LockState,
)
from homeassistant.const import (
    ATTR_ENTITY_ID,
    ATTR_SUPPORTED_FEATURES,
    SERVICE_LOCK,
    SERVICE_OPEN,
    SERVICE_UNLOCK,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, State, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event

from ..engine.models import (
    AccessPoint,
    Account,
    Capability,
    ConnectionFailed,
    Credential,
    Grant,
    Issued,
    OutcomeUnknown,
    PointState,
    Rejected,
    Traits,
)
from ..forms import Field, FieldKind
from .base import AccessSystem
from .lock_codes.actions import Lock
from .lock_codes.base import Lengths, LockCodes
from .lock_codes.named import MatterCodes, SchlageCodes, ZwaveUsers
from .lock_codes.slots import read_slots, slot_book
from .lock_codes.slotted import (
    NO_SLOTS,
    ManagerCodes,
    SlottedCodes,
    ZwaveCodes,
    is_managed,
)

NOT_THERE: Final = (None, STATE_UNAVAILABLE)
OPEN_STATES: Final = (
    LockState.UNLOCKED,
    LockState.UNLOCKING,
    LockState.OPEN,
    LockState.OPENING,
)
CLOSED_STATES: Final = (LockState.LOCKED, LockState.LOCKING)
CONF_CODE_SLOTS: Final = "code_slots"
# How the locks of an integration may take codes; the first that a lock can is used.
CODES: Final[Mapping[str, tuple[type[LockCodes], ...]]] = {
    "zwave_js": (ZwaveCodes, ZwaveUsers),
    "matter": (MatterCodes,),
    "schlage": (SchlageCodes,),
}
CODES_BY_KEY: Final = {
    kind.key: kind
    for kind in (ZwaveCodes, ZwaveUsers, MatterCodes, SchlageCodes, ManagerCodes)
}
CODE_LENGTHS: Final = range(4, 11)
BEST_LENGTH: Final = 6
# No lock keeps the others waiting for longer, in seconds.
ASK_LIMIT: Final = 10


class HaLocks(AccessSystem):
    """Lock entities; each is an access point, known by its registry id.

    They are devices of their own integrations already, so they get none here.
    """

    key: ClassVar = "ha_locks"
    name: ClassVar = "Home Assistant"
    form: ClassVar = (Field(name="entity_ids", kind=FieldKind.ENTITIES, domain="lock"),)
    options: ClassVar = (
        Field(name=CONF_CODE_SLOTS, required=False, reader=read_slots),
    )
    poll_interval: ClassVar = timedelta(minutes=1)
    traits: ClassVar = Traits(apart=True, enforced=False)
    can_list = False
    needs_hass: ClassVar = True
    is_choice: ClassVar = True
    has_devices: ClassVar = False
    concurrency: ClassVar = None

    def __init__(self, hass: HomeAssistant, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to find the locks."""
        super().__init__(hass, settings)
        self.hass = hass
        self._chosen: list[str] = settings["entity_ids"]
        slots: str | None = settings.get(CONF_CODE_SLOTS)
        self._given = read_slots(slots) if slots else NO_SLOTS
        # What is known of each lock: how it takes codes, or that it takes none.
        self._known: dict[str, tuple[type[LockCodes], Lengths] | None] = {}

    @property
    @override
    def code_length(self) -> int | None:
        """Return the length that most locks take, as near to the best as can be.

        None while no lock has told: a code that turned out too long would be of no use.
        """
        points = [self._point_id(entity_id) for entity_id in self._entity_ids()]
        taken = list(filter(None, map(self._lengths, points)))
        if not taken:
            return None
        return max(
            CODE_LENGTHS,
            key=lambda n: (sum(n in each for each in taken), -abs(n - BEST_LENGTH)),
        )

    def _lengths(self, point_id: str) -> Lengths | None:
        """Return how long the codes of a lock may be, if it takes any, as far as is known."""
        if point_id in self._known:
            known = self._known[point_id]
            return known[1] if known else None
        return next((kind.usual for kind in self._kinds(point_id)), None)

    @override
    async def validate(self) -> Account:
        """Return the account; the locks chosen are all that makes it."""
        points = await self.list_access_points()
        digest = sha256("\0".join(sorted(point.id for point in points)).encode())
        return Account(id=digest.hexdigest()[:16], title="Home Assistant locks")

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return the chosen locks, having asked whether they take codes.

        One that did not is asked again: it may not have been ready.
        """
        points = [self._point_id(entity_id) for entity_id in self._entity_ids()]
        unknown = [each for each in points if self._known.get(each) is None]
        await asyncio.gather(*(self._try_to_learn(each) for each in unknown))
        return tuple(self._point(entity_id) for entity_id in self._entity_ids())

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return what the locks show."""
        return {
            self._point_id(entity_id): _point_state(self.hass.states.get(entity_id))
            for entity_id in self._entity_ids()
        }

    @override
    async def unlock(self, point_id: str) -> None:
        """Open the door's latch; the lock goes back by itself."""
        await self._call(SERVICE_OPEN, self._entity_id(point_id))

    @override
    async def hold(self, point_id: str, *, held: bool) -> None:
        """Unlock or lock, and believe it only when the lock shows it.

        A lock that shows nothing yet leaves the outcome unknown; it is told again
        later, unless it has shown it by then.
        """
        entity_id = self._entity_id(point_id)
        wanted = OPEN_STATES if held else CLOSED_STATES
        await self._call(SERVICE_UNLOCK if held else SERVICE_LOCK, entity_id)
        state = self.hass.states.get(entity_id)
        if state is None or state.state not in wanted:
            raise OutcomeUnknown("the lock does not show it yet")

    @override
    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Follow the locks' states."""

        @callback
        def written(_: object) -> None:
            changed()

        return async_track_state_change_event(self.hass, self._entity_ids(), written)

    @override
    async def issue(self, grant: Grant) -> Issued:
        """Put a code on the lock."""
        [point_id] = grant.points
        known = self._known.get(point_id) or await self._learn(point_id)
        if known is None:
            raise Rejected("refused")
        if grant.code is None:
            raise ConnectionFailed("how long codes are was not known yet")
        kind, lengths = known
        if len(grant.code) not in lengths:
            raise Rejected("code_length_unfit")
        codes = self._codes(kind, point_id)
        async with codes.book.turn(point_id):
            place = await codes.set(grant.reference, grant.code)
        return _issued(grant, kind, place)

    @override
    async def find(self, grant: Grant) -> Issued | None:
        """Look for a code on the lock."""
        [point_id] = grant.points
        known = self._known.get(point_id) or await self._learn(point_id)
        if known is None:
            return None
        codes = self._codes(known[0], point_id)
        async with codes.book.turn(point_id):
            place = await codes.find(grant.reference, grant.code)
        return _issued(grant, known[0], place) if place else None

    @override
    async def revoke(self, issued: Issued) -> None:
        """Take a code off the lock, if it still is ours."""
        key, point_id, place = issued.id.split(":")
        codes = self._codes(CODES_BY_KEY[key], point_id)
        reference = issued.reference or ""
        async with codes.book.turn(point_id):
            await codes.clear(place, reference, issued.credential.code)

    def _may_take_codes(self, point_id: str) -> bool:
        """Whether a lock takes codes, as far as is known.

        A lock that could not be asked yet is taken to do so if others of its
        integration do: what was promised at its door must not be taken back
        because a start takes its time.
        """
        if point_id in self._known:
            return self._known[point_id] is not None
        return bool(self._kinds(point_id))

    def _kinds(self, point_id: str) -> tuple[type[LockCodes], ...]:
        """Return how a lock may take codes."""
        entry = er.async_get(self.hass).async_get(point_id)
        if entry is None:
            return ()
        if kinds := CODES.get(entry.platform):
            return kinds
        is_given = self._given and is_managed(self.hass, entry.entity_id)
        return (ManagerCodes,) if is_given else ()

    async def _try_to_learn(self, point_id: str) -> None:
        """Find out how a lock takes codes, if that can be found out now."""
        with suppress(ConnectionFailed, TimeoutError):
            async with asyncio.timeout(ASK_LIMIT):
                await self._learn(point_id)

    async def _learn(self, point_id: str) -> tuple[type[LockCodes], Lengths] | None:
        """Find out how a lock takes codes; ConnectionFailed if it cannot be asked."""
        found = None
        for kind in self._kinds(point_id):
            if lengths := await self._codes(kind, point_id).lengths():
                found = (kind, lengths)
                break
        if found is None and await slot_book(self.hass).slots(point_id):
            raise ConnectionFailed("a lock with codes of ours tells of no slots")
        self._known[point_id] = found
        return found

    def _codes(self, kind: type[LockCodes], point_id: str) -> LockCodes:
        """Return what there is to do with the codes of a lock."""
        lock = Lock(self.hass, self._entity_id(point_id))
        book = slot_book(self.hass)
        if issubclass(kind, SlottedCodes):
            return kind(lock, point_id, book, self._given)
        return kind(lock, point_id, book)

    async def _call(self, action: str, entity_id: str) -> None:
        """Tell the lock, and wait until it has taken it."""
        state = self.hass.states.get(entity_id)
        if state is None or state.state == STATE_UNAVAILABLE:
            raise ConnectionFailed("the lock is not available")
        try:
            await self.hass.services.async_call(
                LOCK_DOMAIN, action, {ATTR_ENTITY_ID: entity_id}, blocking=True
            )
        except HomeAssistantError as err:
            raise Rejected("refused") from err

    def _entity_ids(self) -> list[str]:
        """Return the entity ids of the chosen locks, as they are called today."""
        registry = er.async_get(self.hass)
        found = (er.async_resolve_entity_id(registry, each) for each in self._chosen)
        return [entity_id for entity_id in found if entity_id]

    def _entity_id(self, point_id: str) -> str:
        """Return the entity id of a point; ConnectionFailed if it is gone."""
        registry = er.async_get(self.hass)
        if entity_id := er.async_resolve_entity_id(registry, point_id):
            return entity_id
        raise ConnectionFailed("the lock is gone")

    def _point_id(self, entity_id: str) -> str:
        """Return what stays the same when the entity is renamed."""
        entry = er.async_get(self.hass).async_get(entity_id)
        return entry.id if entry else entity_id

    def _point(self, entity_id: str) -> AccessPoint:
        """Describe a lock."""
        capabilities = {Capability.HOLD}
        state = self.hass.states.get(entity_id)
        features = state.attributes.get(ATTR_SUPPORTED_FEATURES, 0) if state else 0
        if features & LockEntityFeature.OPEN:
            capabilities.add(Capability.UNLOCK)
        point_id = self._point_id(entity_id)
        if self._may_take_codes(point_id):
            capabilities |= {Capability.GRANT, Capability.PIN}
        return AccessPoint(
            id=point_id,
            name=state.name if state else entity_id,
            capabilities=frozenset(capabilities),
            traits=self.traits,
        )


def _issued(grant: Grant, kind: type[LockCodes], place: str) -> Issued:
    """Return a code on a lock as a grant."""
    return Issued(
        id=f"{kind.key}:{grant.points[0]}:{place}",
        reference=grant.reference,
        points=grant.points,
        start=grant.start,
        end=grant.end,
        credential=Credential(code=grant.code),
    )


def _point_state(state: State | None) -> PointState:
    """Read what a lock shows."""
    if state is None or state.state == STATE_UNAVAILABLE:
        return PointState(ready=False)
    if state.state == STATE_UNKNOWN:
        return PointState(ready=True)
    return PointState(
        ready=state.state != LockState.JAMMED, held_open=state.state in OPEN_STATES
    )
