"""Blueprints: each does in a real Home Assistant what its description says."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
import shutil
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.booking_access.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

from .halls import ANNA, Halls, booked
from .helpers import Hall, at, settle

BLUEPRINTS = Path(__file__).parents[1] / "blueprints/automation/booking_access"
NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + 4 * HOUR
END = START + HOUR

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture(autouse=True)
async def no_automation_is_left(hass: HomeAssistant) -> AsyncIterator[None]:
    """Switch automations off in the end: those that look at times would go on."""
    yield
    if hass.services.has_service("automation", "turn_off"):
        every = {"entity_id": "all"}
        await hass.services.async_call("automation", "turn_off", every, blocking=True)


@pytest.fixture
async def hall(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    calendar: str,
    lock: str,
    tmp_path: Path,
) -> Hall:
    """A hall that is booked from START to END, and a house with the blueprints."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints/automation/booking_access")
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    hall.room = await hall.add_room()
    await hall.book(START, END)
    return hall


async def use(hass: HomeAssistant, name: str, **inputs: Any) -> None:
    """Make an automation of a blueprint, as a person does."""
    blueprint = {"path": f"booking_access/{name}.yaml", "input": inputs}
    automation = {"id": name, "alias": name, "use_blueprint": blueprint}
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()
    state = hass.states.get(f"automation.{name}")
    assert state is not None
    assert state.state == "on"


def device(hass: HomeAssistant, hall: Hall) -> str:
    """Return the id of the hall's device."""
    devices = dr.async_get(hass).devices
    return next(d.id for d in devices if (DOMAIN, hall.room) in d.identifiers)


def entity(hass: HomeAssistant, hall: Hall, key: str) -> str:
    """Return the id of an entity of the hall."""
    entities = er.async_get(hass).entities.values()
    return next(e.entity_id for e in entities if e.unique_id == f"{hall.room}-{key}")


@pytest.mark.parametrize(
    "path", sorted(BLUEPRINTS.glob("*.yaml")), ids=lambda p: p.stem
)
def test_every_blueprint_explains_itself(path: Path) -> None:
    """What it is for, and each of its fields by a name."""
    blueprint: Mapping[str, Any] = yaml_util.load_yaml_dict(path)["blueprint"]
    assert blueprint["domain"] == "automation"
    assert blueprint["source_url"].endswith(f"/{path.parent.name}/{path.name}")
    assert len(blueprint["description"]) > 80
    assert all(each["name"] for each in blueprint["input"].values())
    assert f"async def test_{path.stem}" in Path(__file__).read_text()


async def test_warm_up_before_booking(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """An hour before it gets warm; it stays so between bookings that follow closely."""
    set_temperature = async_mock_service(hass, "climate", "set_temperature")
    switched = [
        async_mock_service(hass, "homeassistant", action)
        for action in ("turn_on", "turn_off")
    ]
    hass.states.async_set("climate.hall", "heat")
    await use(
        hass,
        "warm_up_before_booking",
        room=device(hass, hall),
        lead=60,
        thermostats=["climate.hall"],
        ventilation=["fan.hall"],
    )
    await hall.book(END + 30 * MINUTE, END + 2 * HOUR)

    def heated() -> list[float]:
        return [call.data["temperature"] for call in set_temperature]

    def fan() -> list[int]:
        return [len(calls) for calls in switched]

    await at(hass, freezer, START - HOUR - MINUTE)
    assert (heated(), fan()) == ([], [0, 0])
    await at(hass, freezer, START - HOUR)
    assert (heated(), fan()) == ([20], [1, 0])
    await at(hass, freezer, END - 30 * MINUTE)
    await at(hass, freezer, END)
    assert (heated()[-1], fan()) == (20, [2, 0])
    await at(hass, freezer, END + 2 * HOUR)
    assert (heated()[-1], fan()) == (16, [2, 1])


async def test_room_not_ready(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Told what is wrong half an hour before; nothing is told of a room that is ready."""
    told = async_mock_service(hass, "persistent_notification", "create")
    await use(
        hass, "room_not_ready", rooms={"entity_id": entity(hass, hall, "booking")}
    )
    await at(hass, freezer, START - 30 * MINUTE)
    assert told == []
    await hall.book(END + 2 * HOUR, END + 3 * HOUR)
    await at(hass, freezer, END + HOUR)
    await hass.config_entries.async_unload(hall.doors.entry_id)
    await at(hass, freezer, END + 90 * MINUTE - timedelta(seconds=1))
    assert told == []
    await at(hass, freezer, END + 90 * MINUTE)
    [call] = told
    assert call.data["title"] == "Sports hall"
    assert call.data["message"].endswith("is not ready: account not loaded.")


async def test_clean_after_checkout(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """On the list and done by the robot, unless the next guests come at once."""
    noted = async_mock_service(hass, "todo", "add_item")
    started = async_mock_service(hass, "vacuum", "start")
    await use(
        hass,
        "clean_after_checkout",
        rooms={"entity_id": entity(hass, hall, "booking")},
        list=["todo.cleaning"],
        vacuum=["vacuum.hall"],
    )
    await hall.book(END + 20 * MINUTE, END + HOUR)
    await at(hass, freezer, END)
    await at(hass, freezer, END + 15 * MINUTE)
    assert (noted, started) == ([], [])
    await at(hass, freezer, END + HOUR)
    await at(hass, freezer, END + 75 * MINUTE)
    assert [call.data["item"] for call in noted] == ["Clean Sports hall"]
    assert len(started) == 1


@pytest.mark.parametrize("alarm", ["alarm_control_panel.house", "switch.alarm"])
async def test_alarm_after_last_person(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory, alarm: str
) -> None:
    """Not while it is booked, a door is open or somebody moves; then it is."""
    armed = [
        async_mock_service(hass, "alarm_control_panel", "alarm_arm_away"),
        async_mock_service(hass, "homeassistant", "turn_on"),
    ]
    hass.states.async_set("switch.alarm", "off")
    hass.states.async_set("alarm_control_panel.house", "disarmed")
    hass.states.async_set("binary_sensor.motion", "off")
    hass.states.async_set("binary_sensor.contact", "off")

    def is_armed() -> bool:
        told = [call.data["entity_id"] for calls in armed for call in calls]
        return told == [[alarm]]

    await at(hass, freezer, START)
    await use(
        hass,
        "alarm_after_last_person",
        rooms={"device_id": device(hass, hall)},
        motion=["binary_sensor.motion"],
        doors=["binary_sensor.contact"],
        alarm=alarm,
    )
    await at(hass, freezer, START + 30 * MINUTE)
    assert not is_armed()
    hass.states.async_set("binary_sensor.motion", "on")
    await at(hass, freezer, END + 20 * MINUTE)
    assert not is_armed()
    hass.states.async_set("binary_sensor.motion", "off")
    hass.states.async_set("binary_sensor.contact", "on")
    await at(hass, freezer, END + 40 * MINUTE)
    assert not is_armed()
    hass.states.async_set("binary_sensor.contact", "off")
    await settle(hass, freezer)
    await at(hass, freezer, END + 41 * MINUTE)
    assert is_armed()


@pytest.mark.usefixtures("socket_enabled")
async def test_send_guest_access(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, tmp_path: Path
) -> None:
    """A day before; at once for a late booking; again, once, when it changes."""
    hass.config.config_dir = str(tmp_path)
    shutil.copytree(BLUEPRINTS, tmp_path / "blueprints/automation/booking_access")
    sent = async_mock_service(hass, "notify", "sms")
    start, end = NOW + 30 * HOUR, NOW + 32 * HOUR
    async with Halls(hass, freezer) as halls:
        await halls.connect(booked(start, end))
        room_id = await halls.add_hall("grant")
        entities = er.async_get(hass).entities.values()
        news = next(e for e in entities if e.unique_id == f"{room_id}-booking")
        data = {"message": "{{ message }}", "target": "{{ phone }}"}
        await use(
            hass,
            "send_guest_access",
            rooms=[news.entity_id],
            send=[{"action": "notify.sms", "data": data}],
        )
        [key] = halls.keys
        await at(hass, freezer, NOW + 6 * HOUR - MINUTE)
        assert sent == []
        await at(hass, freezer, NOW + 6 * HOUR)
        [message] = sent
        assert message.data["target"] == ANNA["Mobile"]
        assert f"Your code is {key.posted['code']}." in message.data["message"]
        assert message.data["message"].startswith("Hello Anna Holm, you can get into")
        await halls.book(booked(start, end + HOUR))
        await settle(hass, freezer)
        [key] = halls.keys
        assert len(sent) == 2
        assert key.posted["code"] in sent[1].data["message"]
        await halls.book(booked(start - 4 * HOUR, start - HOUR, 2))
        await settle(hass, freezer)
        assert len(sent) == 3
        await halls.book(booked(start + 48 * HOUR, end + 48 * HOUR, 3))
        await settle(hass, freezer)
        assert len(sent) == 3
