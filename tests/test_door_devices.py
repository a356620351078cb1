"""Doors' devices: doors come, go and come back, used by rooms or not."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
from simulators.exivo_site import ENTRANCE, SEMINAR, STORE, VAULT

from .halls import Halls
from .helpers import at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NEW = "11111111-aaaa-4aaa-8aaa-000000000077"
STORE_LOCK = "lock.t05_store"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class House(Halls):
    """Halls whose doors change."""

    async def poll(self, times: int = 1) -> None:
        """Let the doors be asked for, a minute after the last time."""
        for _ in range(times):
            await at(self.hass, self.freezer, datetime.now(UTC) + MINUTE * 61 / 60)

    def change(self, **data: Any) -> None:
        """Change what there is at exivo."""
        self.exivo.control(data)

    def devices(self) -> dict[str, str | None]:
        """Return the names of the doors' devices, by the doors' ids."""
        prefix = f"{self.doors.entry_id}/"
        registry = dr.async_get(self.hass)
        return {
            name.removeprefix(prefix): device.name
            for device in dr.async_entries_for_config_entry(
                registry, self.doors.entry_id
            )
            for _, name in device.identifiers
            if name.startswith(prefix)
        }

    def issues(self, kind: str = "door_gone") -> list[dict[str, str]]:
        """Return what is said of doors."""
        return [
            issue.translation_placeholders
            for (domain, _), issue in ir.async_get(self.hass).issues.items()
            if domain == DOMAIN and issue.translation_key == kind
        ]

    async def change_room(self, room_id: str, *doors: str) -> None:
        """Have other doors in a room."""
        subentry = self.bookings.subentries[room_id]
        points = [f"{self.doors.entry_id}/{door}" for door in doors]
        data = {**subentry.data, "access_points": points}
        self.hass.config_entries.async_update_subentry(
            self.bookings, subentry, data=data
        )
        await self.hass.async_block_till_done()


@pytest.fixture
async def house(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[House]:
    """A house with both accounts, yet without a room."""
    async with House(hass, freezer) as house:
        await house.connect()
        yield house


async def test_a_new_door_appears_with_what_it_tells(
    hass: HomeAssistant, house: House
) -> None:
    """Without a reload; what it tells only later appears then."""
    assert set(house.devices()) == set(house.exivo.doors)
    new = {"id": NEW, "identifier": "T09", "labelling": "Attic"}
    house.change(add=[new], omit=["open"])
    await house.poll()
    assert house.devices()[NEW] == "T09 Attic"
    assert hass.states.get("lock.t09_attic").state == "locked"
    assert hass.states.get("event.t09_attic_access").state == "unknown"
    assert hass.states.get("binary_sensor.t09_attic_ready").state == "on"
    assert hass.states.get("binary_sensor.t09_attic_door") is None
    house.change(omit=[])
    await house.poll()
    assert hass.states.get("binary_sensor.t09_attic_door").state == "off"
    house.change(change={NEW: {"labelling": "Loft"}})
    await house.poll()
    assert house.devices()[NEW] == "T09 Loft"


async def test_a_door_that_was_typed_in_is_its_subentrys(
    hass: HomeAssistant, house: House
) -> None:
    """So it goes with it, at once."""
    subentry = ConfigSubentry(
        data=MappingProxyType({}),
        subentry_type="access_point",
        title="Attic",
        unique_id=NEW,
    )
    hass.config_entries.async_add_subentry(house.doors, subentry)
    await hass.async_block_till_done()
    house.change(add=[{"id": NEW, "identifier": "T09"}])
    await house.poll()
    registry = dr.async_get(hass)
    owners = {
        device.name: device.config_subentry_id
        for device in dr.async_entries_for_config_entry(registry, house.doors.entry_id)
    }
    assert owners["T09"] == subentry.subentry_id
    assert owners["T05 Store"] is None
    house.change(remove=[NEW])
    hass.config_entries.async_remove_subentry(house.doors, subentry.subentry_id)
    await hass.async_block_till_done()
    assert NEW not in house.devices()
    assert hass.states.get("lock.t09") is None


async def test_a_door_that_nobody_uses_goes_and_may_come_back(
    hass: HomeAssistant, house: House, freezer: FrozenDateTimeFactory
) -> None:
    """Two answers a minute apart must lack it; failed ones say nothing."""
    door = house.exivo.components[STORE].shown
    house.change(remove=[STORE])
    await house.poll()
    assert hass.states.get(STORE_LOCK).state == "unavailable"
    await house.doors.runtime_data.async_refresh()  # somebody asks again at once
    house.exivo.fault("500")
    await house.poll(3)
    assert STORE in house.devices()
    house.exivo.faults.clear()
    await house.poll()
    assert STORE not in house.devices()
    assert hass.states.get(STORE_LOCK) is None
    assert er.async_get(hass).async_get(STORE_LOCK) is None
    assert house.issues() == []
    house.change(add=[door])
    await house.poll()
    assert hass.states.get(STORE_LOCK).state == "locked"
    house.change(remove=[STORE])
    await house.poll()
    house.change(add=[door])
    await house.poll(2)
    house.change(remove=[STORE])
    await house.poll()
    assert STORE in house.devices()  # it was there in between


async def test_an_answer_without_any_door_needs_an_hour(
    hass: HomeAssistant, house: House
) -> None:
    """It is more likely a mistake than an empty house."""
    there = house.devices()
    house.exivo.fault("empty", path="component")
    await house.poll(2)
    house.freezer.tick(timedelta(minutes=57))
    await house.poll()
    assert house.devices() == there
    await house.poll(2)
    assert house.devices() == {}


async def test_a_door_that_a_room_uses_stays_and_is_said_to_be_gone(
    hass: HomeAssistant, house: House
) -> None:
    """Until it is back, or the room no longer has it."""
    room = await house.add_hall("hold_open", doors=(ENTRANCE, STORE))
    door = house.exivo.components[STORE].shown
    house.change(remove=[STORE])
    await house.poll()
    assert house.issues() == []
    await house.poll()
    gone = {"account": "Seminarhaus am See", "door": "T05 Store", "room": "Hal 1"}
    assert house.issues() == [gone]
    assert hass.states.get(STORE_LOCK).state == "unavailable"
    await hass.config_entries.async_reload(house.doors.entry_id)
    await hass.async_block_till_done()
    assert house.issues() == [gone]
    house.change(add=[door])
    await house.poll()
    assert house.issues() == []
    assert hass.states.get(STORE_LOCK).state == "locked"

    house.change(remove=[STORE])
    await house.poll(2)
    assert house.issues() == [gone]
    await house.change_room(room, ENTRANCE)
    assert house.issues() == []
    assert STORE not in house.devices()


async def test_common_doors_and_disabled_accounts_use_theirs(
    hass: HomeAssistant, house: House
) -> None:
    """All rooms of an account are named by it; who is disabled is told nothing."""
    points = [f"{house.doors.entry_id}/{door}" for door in (STORE, SEMINAR)]
    options = {"common_access_points": points}
    hass.config_entries.async_update_entry(house.bookings, options=options)
    await hass.async_block_till_done()
    house.change(remove=[STORE])
    await house.poll(2)
    assert [each["room"] for each in house.issues()] == [house.bookings.title]
    await hass.config_entries.async_set_disabled_by(
        house.bookings.entry_id, ConfigEntryDisabler.USER
    )
    await hass.async_block_till_done()
    assert house.issues() == []
    assert STORE in house.devices()
    await hass.config_entries.async_remove(house.bookings.entry_id)
    await hass.async_block_till_done()
    assert STORE not in house.devices()


async def test_an_account_that_is_removed_is_said_nothing_of(
    hass: HomeAssistant, house: House
) -> None:
    """Its doors go with it."""
    await house.add_hall("grant", doors=(STORE, VAULT))
    house.change(remove=[STORE])
    await house.poll(2)
    assert house.issues()
    assert house.issues("alarm_door")
    await hass.config_entries.async_remove(house.doors.entry_id)
    await hass.async_block_till_done()
    assert house.issues() == house.issues("alarm_door") == []


async def test_what_went_while_nobody_looked_is_cleaned_up(
    hass: HomeAssistant, house: House
) -> None:
    """At a start as well; while Home Assistant starts, nobody is sure."""
    await hass.config_entries.async_unload(house.doors.entry_id)
    house.change(remove=[STORE])
    await hass.config_entries.async_setup(house.doors.entry_id)
    await hass.async_block_till_done()
    assert STORE in house.devices()
    await house.poll()
    assert STORE not in house.devices()


async def test_only_the_device_of_a_door_that_is_gone_can_be_removed_by_hand(
    hass: HomeAssistant, house: House, hass_ws_client: WebSocketGenerator
) -> None:
    """Also while a room uses it; not that of the account, nor that of a room."""
    await async_setup_component(hass, "config", {})
    await house.add_hall("hold_open", doors=(STORE,))
    house.change(remove=[STORE])
    await house.poll(2)
    client = await hass_ws_client(hass)
    registry = dr.async_get(hass)

    async def remove(entry_id: str) -> list[str]:
        removed = []
        for device in dr.async_entries_for_config_entry(registry, entry_id):
            answer = await client.remove_device(device.id)
            if answer["success"]:
                removed.append(device.name)
        return removed

    assert await remove(house.doors.entry_id) == ["T05 Store"]
    assert await remove(house.bookings.entry_id) == []
    assert len(house.issues()) == 1


async def test_alarm_equipment_is_warned_about_while_a_room_has_it(
    hass: HomeAssistant, house: House
) -> None:
    """It is there to be chosen; the warning goes once it is taken out."""
    assert house.issues("alarm_door") == []
    room = await house.add_hall("grant", doors=(ENTRANCE, VAULT))
    shown = {"account": "Seminarhaus am See", "door": "T03 Archive", "room": "Hal 1"}
    assert house.issues("alarm_door") == [shown]
    await house.poll(2)
    assert house.issues("alarm_door") == [shown]
    await house.change_room(room, ENTRANCE)
    assert house.issues("alarm_door") == []


@pytest.mark.parametrize("common", [False, True])
async def test_the_repair_leads_to_the_form_in_which_doors_are_chosen(
    hass: HomeAssistant,
    house: House,
    hass_client: ClientSessionGenerator,
    common: bool,
) -> None:
    """The room's, or the options of all rooms; the notice goes once that is done."""
    await async_setup_component(hass, "repairs", {})
    point = f"{house.doors.entry_id}/{VAULT}"
    options = {"common_access_points": [point] if common else []}
    hass.config_entries.async_update_entry(house.bookings, options=options)
    await hass.async_block_till_done()
    room = await house.add_hall("grant", doors=(ENTRANCE,) if common else (VAULT,))
    [issue_id] = [
        issue_id
        for (domain, issue_id), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
    ]
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    answer = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    form = await answer.json()
    assert (form["step_id"], form["description_placeholders"]["door"]) == (
        "confirm",
        "T03 Archive",
    )
    answer = await client.post(f"{path}/{form['flow_id']}", json={})
    done = await answer.json()
    assert (done["type"], done["reason"]) == ("abort", "choose_doors")
    kind, flow_id = done["next_flow"]
    flows = hass.config_entries.options if common else hass.config_entries.subentries
    assert kind == ("options_flow" if common else "config_subentries_flow")
    assert house.issues("alarm_door")
    if common:
        await flows.async_configure(flow_id, {"common_access_points": []})
    else:
        subentry = house.bookings.subentries[room]
        await flows.async_configure(flow_id, {**subentry.data, "access_points": []})
    await hass.async_block_till_done()
    assert house.issues("alarm_door") == []


async def test_the_repair_of_a_room_that_is_gone_is_done(
    hass: HomeAssistant, house: House, hass_client: ClientSessionGenerator
) -> None:
    """As when its account was unloaded before it went, and nobody looked since."""
    await async_setup_component(hass, "repairs", {})
    room = await house.add_hall("grant", doors=(VAULT,))
    [issue_id] = [i for domain, i in ir.async_get(hass).issues if domain == DOMAIN]
    client = await hass_client()
    path = "/api/repairs/issues/fix"
    answer = await client.post(path, json={"handler": DOMAIN, "issue_id": issue_id})
    flow_id = (await answer.json())["flow_id"]
    await hass.config_entries.async_unload(house.bookings.entry_id)
    hass.config_entries.async_remove_subentry(house.bookings, room)
    answer = await client.post(f"{path}/{flow_id}", json={})
    assert (await answer.json())["type"] == "create_entry"
    assert house.issues("alarm_door") == []
