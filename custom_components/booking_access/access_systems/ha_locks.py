"""Home Assistant's own locks, of whatever make."""

from collections.abc import Callable, Mapping
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
    OutcomeUnknown,
    PointState,
    Rejected,
)
from ..forms import Field, FieldKind
from .base import AccessSystem

NOT_THERE: Final = (None, STATE_UNAVAILABLE)
OPEN_STATES: Final = (
    LockState.UNLOCKED,
    LockState.UNLOCKING,
    LockState.OPEN,
    LockState.OPENING,
)
CLOSED_STATES: Final = (LockState.LOCKED, LockState.LOCKING)


class HaLocks(AccessSystem):
    """Lock entities; each is an access point, known by its registry id.

    They are devices of their own integrations already, so they get none here.
    """

    key: ClassVar = "ha_locks"
    name: ClassVar = "Home Assistant"
    form: ClassVar = (Field(name="entity_ids", kind=FieldKind.ENTITIES, domain="lock"),)
    poll_interval: ClassVar = timedelta(minutes=1)
    needs_hass: ClassVar = True
    is_choice: ClassVar = True
    has_devices: ClassVar = False
    concurrency: ClassVar = None

    def __init__(self, hass: HomeAssistant, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to find the locks."""
        super().__init__(hass, settings)
        self.hass = hass
        self._chosen: list[str] = settings["entity_ids"]

    @override
    async def validate(self) -> Account:
        """Return the account; the locks chosen are all that makes it."""
        points = await self.list_access_points()
        digest = sha256("\0".join(sorted(point.id for point in points)).encode())
        return Account(id=digest.hexdigest()[:16], title="Home Assistant locks")

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return the chosen locks."""
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
        return AccessPoint(
            id=self._point_id(entity_id),
            name=state.name if state else entity_id,
            capabilities=frozenset(capabilities),
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
