"""Calendars and locks of Home Assistant itself: accounts that are only a choice."""

from datetime import UTC, datetime, timedelta
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.components.lock import LockEntity
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import entity_registry as er

from .flows import choices, open_change, open_form, selector, submit, suggestions
from .helpers import Hall, add_account, add_room, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
HOUR = timedelta(hours=1)

CALENDARS = ("booking_system", "ha_calendar")
LOCKS = ("access_system", "ha_locks")

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> Hall:
    """A hall with a calendar and a lock, and the locks' account."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    return hall


class SimpleCalendar(CalendarEntity):
    """A calendar as YAML makes them: no unique id, so not in the registry."""

    entity_id = "calendar.yard"
    _attr_name = "Yard"

    @property
    @override
    def event(self) -> CalendarEvent:
        """Return the one booking."""
        return CalendarEvent(start=START, end=END, summary="Market")

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the one booking."""
        return [self.event]


class SimpleLock(LockEntity):
    """A lock as YAML makes them: no unique id, so not in the registry."""

    entity_id = "lock.gate"
    _attr_name = "Gate"
    _attr_is_locked = True

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock."""
        self._attr_is_locked = True
        self.async_write_ha_state()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock."""
        self._attr_is_locked = False
        self.async_write_ha_state()


@pytest.fixture
async def gate(hass: HomeAssistant, hall: Hall) -> str:
    """Another lock."""
    await hass.data["lock"].async_add_entities([SimpleLock()])
    return "lock.gate"


# Connecting


async def test_calendars_become_rooms(
    hass: HomeAssistant, hall: Hall, entity_registry: er.EntityRegistry
) -> None:
    """They are kept by what outlives a rename, and all proposed as rooms."""
    gym = await hall.add_calendar("Gym")
    ids = [entity_registry.async_get(each).id for each in (hall.calendar, gym)]
    flow = await open_form(hass, *CALENDARS)
    flow = await submit(hass, flow, {"entity_ids": [hall.calendar, gym]})
    assert flow["step_id"] == "rooms"
    assert choices(flow, "resources") == dict(zip(ids, ("Hall", "Gym"), strict=True))
    assert suggestions(flow) == {"resources": ids}
    flow = await submit(hass, flow, suggestions(flow))
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert flow["title"] == "Home Assistant calendars"
    assert dict(flow["data"]) == {"system": "ha_calendar", "entity_ids": ids}
    rooms = flow["result"].subentries.values()
    assert [(room.title, room.unique_id) for room in rooms] == [
        ("Hall", ids[0]),
        ("Gym", ids[1]),
    ]


async def test_locks_become_doors(
    hass: HomeAssistant, lock: str, entity_registry: er.EntityRegistry
) -> None:
    """They are kept by what outlives a rename."""
    flow = await open_form(hass, *LOCKS)
    flow = await submit(hass, flow, {"entity_ids": [lock]})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert flow["title"] == "Home Assistant locks"
    kept = [entity_registry.async_get(lock).id]
    assert dict(flow["data"]) == {"system": "ha_locks", "entity_ids": kept}
    assert flow["result"].unique_id.startswith("ha_locks:")
    assert flow["result"].state is ConfigEntryState.LOADED


@pytest.mark.parametrize("menu", [CALENDARS, LOCKS])
async def test_nothing_chosen_is_no_account(
    hass: HomeAssistant, hall: Hall, gate: str, menu: tuple[str, str]
) -> None:
    """The form says so, and goes on once something is."""
    flow = await open_form(hass, *menu)
    flow = await submit(hass, flow, {"entity_ids": []})
    assert flow["errors"] == {"entity_ids": "missing"}
    chosen = {CALENDARS: hall.calendar, LOCKS: gate}[menu]
    flow = await submit(hass, flow, {"entity_ids": [chosen]})
    assert not flow.get("errors")


async def test_the_same_choice_is_the_same_account(
    hass: HomeAssistant, hall: Hall, gate: str
) -> None:
    """In whatever order."""
    await add_account(hass, *LOCKS, {"entity_ids": [hall.lock, gate]})
    flow = await open_form(hass, *LOCKS)
    flow = await submit(hass, flow, {"entity_ids": [gate, hall.lock]})
    assert (flow["type"], flow["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )


async def test_what_we_made_ourselves_is_not_offered(
    hass: HomeAssistant, hall: Hall
) -> None:
    """A room that follows its own calendar, or its own lock, goes in circles."""
    await hall.add_room()
    for menu, own in (
        (CALENDARS, "calendar.sports_hall_bookings"),
        (LOCKS, "lock.sports_hall_door"),
    ):
        assert hass.states.get(own)
        flow = await open_form(hass, *menu)
        assert selector(flow, "entity_ids")["exclude_entities"] == [own]
        with pytest.raises(InvalidData):
            await submit(hass, flow, {"entity_ids": [own]})


# Renaming


async def test_a_renamed_calendar_is_still_the_same(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """Its bookings still open the door, also after a restart of the account."""
    await hall.add_room()
    entity_registry.async_update_entity(
        hall.calendar, new_entity_id="calendar.big_hall"
    )
    await hass.async_block_till_done()
    await hall.book(START, END, calendar="calendar.big_hall")
    await at(hass, freezer, START)
    assert hass.states.get(hall.lock).state == "unlocked"

    [entry] = [e for e in hass.config_entries.async_entries(DOMAIN) if e.subentries]
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert hass.states.get("calendar.sports_hall_bookings").state == "on"
    flow = await open_change(hass, entry)
    assert suggestions(flow) == {"entity_ids": ["calendar.big_hall"]}


async def test_a_renamed_lock_is_still_the_same(
    hass: HomeAssistant,
    hall: Hall,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """It still follows the bookings."""
    await hall.add_room()
    await hall.book(START, END)
    entity_registry.async_update_entity(hall.lock, new_entity_id="lock.main_entrance")
    await hass.async_block_till_done()
    await at(hass, freezer, START)
    assert hass.states.get("lock.main_entrance").state == "unlocked"
    assert hass.states.get("binary_sensor.sports_hall_attention").state == "off"
    await at(hass, freezer, END + HOUR)
    assert hass.states.get("lock.main_entrance").state == "locked"


async def test_what_is_not_in_the_registry_is_known_by_its_entity_id(
    hass: HomeAssistant,
    gate: str,
    freezer: FrozenDateTimeFactory,
    entity_registry: er.EntityRegistry,
) -> None:
    """Calendars and locks from YAML work as well."""
    await hass.data["calendar"].async_add_entities([SimpleCalendar()])
    assert not {gate, "calendar.yard"} & set(entity_registry.entities)
    doors = await add_account(hass, *LOCKS, {"entity_ids": [gate]})
    assert doors.data["entity_ids"] == [gate]
    entry = await add_account(hass, *CALENDARS, {"entity_ids": ["calendar.yard"]})
    assert entry.data["entity_ids"] == ["calendar.yard"]
    await add_room(
        hass,
        entry,
        {
            "resource_id": "calendar.yard",
            "access_points": [f"{doors.entry_id}/{gate}"],
        },
    )
    assert hass.states.get("calendar.yard_bookings").attributes["message"] == "Market"
    await at(hass, freezer, START)
    assert hass.states.get(gate).state == "unlocked"
    await at(hass, freezer, END + HOUR)
    assert hass.states.get(gate).state == "locked"


# Changing the choice


async def test_one_more_lock(hass: HomeAssistant, hall: Hall, gate: str) -> None:
    """The account is still the same; another lock is there to choose."""
    before = hall.doors.data["entity_ids"]
    flow = await open_change(hass, hall.doors)
    assert suggestions(flow) == {"entity_ids": [hall.lock]}
    flow = await submit(hass, flow, {"entity_ids": [hall.lock, gate]})
    assert flow["reason"] == "reconfigure_successful"
    assert hall.doors.data["entity_ids"] == [*before, gate]
    assert hall.doors.state is ConfigEntryState.LOADED
    flow = await open_form(hass, *LOCKS)
    flow = await submit(hass, flow, {"entity_ids": [gate, hall.lock]})
    assert flow["reason"] == "already_configured"


async def test_a_choice_may_be_confirmed(hass: HomeAssistant, hall: Hall) -> None:
    """Nothing changes."""
    flow = await open_change(hass, hall.doors)
    flow = await submit(hass, flow, suggestions(flow))
    assert flow["reason"] == "reconfigure_successful"
    assert hall.doors.state is ConfigEntryState.LOADED


async def test_a_choice_that_is_another_accounts(
    hass: HomeAssistant, hall: Hall, gate: str
) -> None:
    """Two accounts never are the same."""
    await add_account(hass, *LOCKS, {"entity_ids": [gate]})
    before = dict(hall.doors.data)
    flow = await open_change(hass, hall.doors)
    flow = await submit(hass, flow, {"entity_ids": [gate]})
    assert (flow["type"], flow["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )
    assert dict(hall.doors.data) == before


async def test_a_choice_of_nothing(hass: HomeAssistant, hall: Hall) -> None:
    """An account needs something to be about."""
    flow = await open_change(hass, hall.doors)
    flow = await submit(hass, flow, {"entity_ids": []})
    assert flow["errors"] == {"entity_ids": "missing"}
    flow = await submit(hass, flow, {"entity_ids": [hall.lock]})
    assert flow["reason"] == "reconfigure_successful"


async def test_what_was_removed_is_no_longer_shown(
    hass: HomeAssistant, hall: Hall, gate: str, entity_registry: er.EntityRegistry
) -> None:
    """The form shows what is left."""
    flow = await open_change(hass, hall.doors)
    await submit(hass, flow, {"entity_ids": [hall.lock, gate]})
    entity_registry.async_remove(hall.lock)
    await hass.async_block_till_done()
    flow = await open_change(hass, hall.doors)
    assert suggestions(flow) == {"entity_ids": [gate]}
