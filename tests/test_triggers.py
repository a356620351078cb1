"""Automations about rooms: their triggers and conditions, as a person sets them up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from custom_components.booking_access.condition import CONDITIONS
from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.trigger import TRIGGERS
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import (
    condition,
    device_registry as dr,
    entity_registry as er,
    trigger,
)
from homeassistant.setup import async_setup_component

from .helpers import Hall, at, settle
from .translation_check import english

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + 2 * HOUR
END = START + HOUR

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def hall(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, calendar: str, lock: str
) -> Hall:
    """A hall with a door, booked from START to END."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    hall.room = await hall.add_room()
    hall.uid = await hall.book(START, END)
    return hall


@pytest.fixture
def done(hass: HomeAssistant) -> list[ServiceCall]:
    """What automations did."""
    return async_mock_service(hass, "test", "do")


def entity(hass: HomeAssistant, hall: Hall, key: str) -> str:
    """Return the id of an entity of the hall."""
    entities = er.async_get(hass).entities.values()
    return next(e.entity_id for e in entities if e.unique_id == f"{hall.room}-{key}")


def room_device(hass: HomeAssistant, hall: Hall) -> str:
    """Return the id of the hall's device."""
    return next(
        device.id
        for device in dr.async_get(hass).devices
        if (DOMAIN, hall.room) in device.identifiers
    )


async def automate(
    hass: HomeAssistant, what: str, target: dict[str, Any], **options: Any
) -> None:
    """Make an automation that notes when and for what it ran."""
    fields = ("room", "booking_id", "entity_id", "start", "end")
    data = {name: f"{{{{ trigger.{name} }}}}" for name in fields}
    automation = {
        "triggers": [
            {
                "trigger": f"{DOMAIN}.{what}",
                "target": target,
                **({"options": options} if options else {}),
            }
        ],
        "actions": [
            {"action": "test.do", "data": {**data, "at": "{{ utcnow().isoformat() }}"}}
        ],
    }
    assert await async_setup_component(hass, "automation", {"automation": automation})
    await hass.async_block_till_done()


async def pass_by(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, *instants: datetime
) -> None:
    """Let each instant come, and the moment before it."""
    for instant in instants:
        await at(hass, freezer, instant - timedelta(seconds=1))
        await at(hass, freezer, instant)


def times(done: list[ServiceCall]) -> list[datetime]:
    """Return when automations ran."""
    return [datetime.fromisoformat(call.data["at"]) for call in done]


EDGES = [
    ("booking_started", {}, START),
    ("booking_ended", {}, END),
    ("booking_started", {"offset": "00:30:00"}, START - 30 * MINUTE),
    ("booking_ended", {"offset": "00:05:00", "offset_type": "after"}, END + 5 * MINUTE),
]


@pytest.mark.parametrize(("what", "options", "instant"), EDGES)
async def test_at_the_very_instant_and_once(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
    what: str,
    options: dict[str, str],
    instant: datetime,
) -> None:
    """With the room and the booking, whichever way the room was chosen."""
    await automate(hass, what, {"device_id": room_device(hass, hall)}, **options)
    await at(hass, freezer, instant - timedelta(seconds=1))
    assert done == []
    await pass_by(hass, freezer, instant, END + 10 * MINUTE, END + HOUR)
    assert times(done) == [instant]
    assert done[0].data["room"] == "Sports hall"
    assert done[0].data["start"] == START.isoformat()
    assert done[0].data["end"] == END.isoformat()
    assert done[0].data["entity_id"] == entity(hass, hall, "booking")
    assert hall.uid in done[0].data["booking_id"]


async def test_a_booking_that_moves_and_one_that_is_cancelled(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was to come is told when it does, and not at all once it does not."""
    target = {"entity_id": entity(hass, hall, "booking")}
    await automate(hass, "booking_started", target, offset="01:00:00")
    await hall.delete(hall.uid)
    await hall.book(START + HOUR, END + HOUR)
    await pass_by(hass, freezer, START - HOUR, START)
    assert times(done) == [START]


async def test_a_late_booking_is_told_at_once_and_an_old_one_never(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Half an hour before cannot be had any more, but ten minutes are better than nothing."""
    await at(hass, freezer, START - 10 * MINUTE)
    target = {"entity_id": entity(hass, hall, "booking")}
    await automate(hass, "booking_started", target, offset="00:30:00")
    assert done == []
    await at(hass, freezer, END)
    await hall.book(END + 20 * MINUTE, END + HOUR)
    assert len(done) == 1
    assert done[0].data["start"] == (END + 20 * MINUTE).isoformat()
    await hall.book(END - 3 * HOUR, END - 150 * MINUTE)
    await pass_by(hass, freezer, END + 20 * MINUTE, END + HOUR)
    assert len(done) == 1


async def test_after_a_long_sleep_nothing_is_made_up_for(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """An hour late is too late."""
    target = {"entity_id": entity(hass, hall, "booking")}
    await automate(hass, "booking_started", target)
    await at(hass, freezer, START + HOUR)
    assert done == []


async def test_a_room_that_comes_and_goes(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """By its area it is followed from the moment it is there, and no more without it."""
    await automate(hass, "booking_started", {"label_id": "halls"})
    registry = er.async_get(hass)
    event = entity(hass, hall, "booking")
    registry.async_update_entity(event, labels={"halls"})
    registry.async_update_entity(
        entity(hass, hall, "booked"), labels={"halls"}
    )  # is no event
    await hass.async_block_till_done()
    await at(hass, freezer, START)
    assert len(done) == 1
    registry.async_update_entity(event, labels=set())
    await hass.async_block_till_done()
    await hall.book(END, END + HOUR)
    await at(hass, freezer, END)
    assert len(done) == 1


async def test_an_automation_that_is_switched_off(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """It leaves no timer behind."""
    target = {"entity_id": entity(hass, hall, "booking")}
    await automate(hass, "booking_started", target)
    await hass.services.async_call(
        "automation", "turn_off", {"entity_id": "all"}, blocking=True
    )
    await at(hass, freezer, START)
    assert done == []


async def test_a_cancelled_booking(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Told when it is cancelled; other news of the room are something else."""
    await automate(hass, "booking_cancelled", {"device_id": room_device(hass, hall)})
    await hall.book(END + HOUR, END + 2 * HOUR)
    assert done == []
    await hall.delete(hall.uid)
    await settle(hass, freezer)
    assert len(done) == 1


async def test_a_door_that_does_not_open(
    hass: HomeAssistant,
    hall: Hall,
    done: list[ServiceCall],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Told when it has failed again; a first failure may be a hiccup."""
    await automate(hass, "access_failed", {"entity_id": entity(hass, hall, "booking")})
    hass.states.async_set(hall.lock, "unavailable")
    await at(hass, freezer, START - 10 * MINUTE)
    assert done == []
    for seconds in (10, 30, 60):
        await at(hass, freezer, START - 10 * MINUTE + timedelta(seconds=seconds))
    assert len(done) == 1


async def test_conditions(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Booked from start to end; open from before that to after it."""
    checks = {}
    for name in CONDITIONS:
        config = {
            "condition": f"{DOMAIN}.{name}",
            "target": {"device_id": room_device(hass, hall)},
            "options": {"behavior": "any"},
        }
        config = await condition.async_validate_condition_config(hass, config)
        checks[name] = await condition.async_from_config(hass, config)

    def true() -> set[str]:
        return {name for name, check in checks.items() if check.async_check()}

    assert true() == set()
    await at(hass, freezer, START - 10 * MINUTE)
    assert true() == {"is_access_open"}
    await at(hass, freezer, START)
    assert true() == {"is_access_open", "is_booked"}
    await at(hass, freezer, END)
    assert true() == {"is_access_open"}
    await at(hass, freezer, END + 5 * MINUTE)
    assert true() == set()
    for check in checks.values():
        check.async_unload()


async def test_what_the_editor_shows(hass: HomeAssistant, hall: Hall) -> None:
    """Each with its fields, limited to our own entities, and each with its texts."""
    texts = english()
    for kind, names, loaded in (
        ("triggers", TRIGGERS, await trigger.async_get_all_descriptions(hass)),
        ("conditions", CONDITIONS, await condition.async_get_all_descriptions(hass)),
    ):
        for name in names:
            shown = loaded[f"{DOMAIN}.{name}"]
            [entities] = shown["target"]["entity"]
            assert entities["integration"] == DOMAIN
            wanted = {f"{kind}.{name}.name", f"{kind}.{name}.description"}
            wanted |= {f"{kind}.{name}.fields.{f}.name" for f in shown["fields"]}
            assert wanted <= set(texts)
        ours = {key.split(".")[1] for key in texts if key.startswith(f"{kind}.")}
        assert ours == set(names)
