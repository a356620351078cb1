"""Home Assistant's own locks as an access system."""

from datetime import UTC, datetime, timedelta
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)

from custom_components.booking_access.access_systems.base import AccessSystem
from custom_components.booking_access.access_systems.ha_locks import HaLocks
from custom_components.booking_access.engine.models import (
    NOBODY,
    ConnectionFailed,
    Grant,
    Issued,
    Rejected,
)
from custom_components.booking_access.push import PushRefused
from homeassistant.components.lock import LockEntity, LockEntityFeature
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from ..helpers import Hall, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)

pytestmark = pytest.mark.freeze_time(NOW)


class Strike(LockEntity):
    """A lock with a latch, which can jam or answer late."""

    _attr_name = "Strike"
    _attr_unique_id = "strike"
    _attr_is_locked = True
    _attr_supported_features = LockEntityFeature.OPEN

    def __init__(self) -> None:
        """Work well at first."""
        self.told: list[str] = []
        self.late = False
        self.refuses = False

    def _do(self, what: str, *, locked: bool) -> None:
        """Take a command."""
        self.told.append(what)
        if self.refuses:
            raise HomeAssistantError("jammed")
        if not self.late:
            self._attr_is_locked = locked
            self.async_write_ha_state()

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock."""
        self._do("lock", locked=True)

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock."""
        self._do("unlock", locked=False)

    @override
    async def async_open(self, **kwargs: Any) -> None:
        """Pull the latch."""
        self._do("open", locked=True)


@pytest.fixture
async def strike(hass: HomeAssistant) -> Strike:
    """A lock of some other integration."""
    strike = Strike()

    async def add(
        hass: HomeAssistant, config: Any, async_add_entities: Any, discovery: Any = None
    ) -> None:
        async_add_entities([strike])

    mock_integration(hass, MockModule("test"))
    mock_platform(hass, "test.lock", MockPlatform(async_setup_platform=add))
    await async_setup_component(hass, "lock", {"lock": {"platform": "test"}})
    await hass.async_block_till_done()
    return strike


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, strike: Strike, freezer: FrozenDateTimeFactory
) -> Hall:
    """A hall behind the lock."""
    hall = Hall(hass, freezer, calendar, strike.entity_id)
    await hall.set_up()
    await hall.add_room()
    return hall


def reasons(hass: HomeAssistant) -> list[str]:
    """Return why the hall wants attention."""
    return hass.states.get("binary_sensor.sports_hall_attention").attributes["reasons"]


async def test_a_lock_that_shows_it_late_is_not_told_for_ever(
    hass: HomeAssistant, hall: Hall, strike: Strike, freezer: FrozenDateTimeFactory
) -> None:
    """What it shows later settles it."""
    await hall.book(START, END)
    strike.late = True
    opens = START - timedelta(minutes=10)
    await at(hass, freezer, opens)
    assert strike.told == ["unlock"]
    strike.late = False
    hass.states.async_set(strike.entity_id, "unlocked")
    await settle(hass, freezer)
    for minutes in range(1, 30, 5):
        await at(hass, freezer, opens + timedelta(minutes=minutes))
    assert strike.told == ["unlock"]
    assert reasons(hass) == []


async def test_a_lock_that_refuses_is_told_again_and_said(
    hass: HomeAssistant, hall: Hall, strike: Strike, freezer: FrozenDateTimeFactory
) -> None:
    """Until it does as it should."""
    await hall.book(START, END)
    await at(hass, freezer, START)
    strike.refuses = True
    closes = END + timedelta(minutes=5)
    await at(hass, freezer, closes)
    for seconds in (10, 30, 60, 120):
        await at(hass, freezer, closes + timedelta(seconds=seconds))
    assert reasons(hass) == ["door_failed"]
    event = hass.states.get("event.sports_hall_booking").attributes
    assert (event["event_type"], event["reason"]) == ("access_failed", "refused")
    strike.refuses = False
    await at(hass, freezer, closes + timedelta(minutes=5))
    assert hass.states.get(strike.entity_id).state == "locked"
    assert reasons(hass) == []


async def test_the_room_lock_by_hand(
    hass: HomeAssistant, hall: Hall, strike: Strike, freezer: FrozenDateTimeFactory
) -> None:
    """It opens the latch, and says what did not work."""
    target = {"entity_id": "lock.sports_hall_door"}
    await hass.services.async_call("lock", "open", target, blocking=True)
    assert strike.told == ["open"]
    strike.refuses = True
    for action in ("lock", "unlock", "open"):
        with pytest.raises(HomeAssistantError) as err:
            await hass.services.async_call("lock", action, target, blocking=True)
        assert err.value.translation_key == f"{action}_failed"
    hass.states.async_set(strike.entity_id, "unavailable")
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call("lock", "lock", target, blocking=True)


@pytest.mark.parametrize(
    ("shown", "ready", "held_open"),
    [
        ("locked", True, False),
        ("unlocking", True, True),
        ("open", True, True),
        ("jammed", False, False),
        ("unknown", True, None),
        ("unavailable", False, None),
    ],
)
async def test_what_a_lock_shows(
    hass: HomeAssistant, strike: Strike, shown: str, ready: bool, held_open: bool | None
) -> None:
    """As far as it is known."""
    system = HaLocks(hass, {"entity_ids": [strike.entity_id]})
    hass.states.async_set(strike.entity_id, shown)
    [state] = (await system.read_states()).values()
    assert (state.ready, state.held_open) == (ready, held_open)


async def test_a_lock_that_is_gone(
    hass: HomeAssistant, strike: Strike, entity_registry: er.EntityRegistry
) -> None:
    """It is no access point any more, and cannot be told anything."""
    point_id = entity_registry.async_get(strike.entity_id).id
    system = HaLocks(hass, {"entity_ids": [point_id]})
    assert [point.id for point in await system.list_access_points()] == [point_id]
    entity_registry.async_remove(strike.entity_id)
    assert await system.list_access_points() == ()
    with pytest.raises(ConnectionFailed):
        await system.hold(point_id, held=True)


class Nothing(AccessSystem):
    """An access system that can do nothing but be there."""

    validate = list_access_points = read_states = None


async def test_what_a_system_cannot_do_is_refused() -> None:
    """With an error that stays one, and nothing to list or to watch."""
    Nothing.__abstractmethods__ = frozenset()
    system = Nothing(None, {})
    grant = Grant(
        reference="r",
        reservation="b",
        points=("1",),
        start=NOW,
        end=END,
        person=NOBODY,
    )
    issued = Issued(id="1", reference="r", points=("1",), start=NOW, end=END)
    for call in (
        system.issue(grant),
        system.change(issued, grant),
        system.revoke(issued),
        system.suspend(issued),
        system.resume(issued),
        system.encode(grant, "1", duplicate=False),
        system.set_schedule("1", [(NOW, END)]),
        system.refresh(),
        system.unlock("1"),
        system.hold("1", held=True),
    ):
        with pytest.raises(Rejected):
            await call
    assert await system.list_issued() == ()
    assert await system.find(grant) is None
    assert await system.read_events(NOW) == ()
    assert await system.follow_up() is None
    assert await system.type_in("encoder", {"name": "Desk"}, None) == {"name": "Desk"}
    with pytest.raises(PushRefused):
        await system.parse_push({}, b"")
    assert system.code_length is None
    system.watch(lambda: None)()
