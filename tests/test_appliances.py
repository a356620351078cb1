"""A burglar alarm, as the appliance that must not be wrong."""

from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service

from homeassistant.core import (
    Event,
    EventStateChangedData,
    HomeAssistant,
    ServiceCall,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component

from .helpers import Hall, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
PANEL = "alarm_control_panel.burglar_alarm"

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def panel(hass: HomeAssistant) -> str:
    """A real alarm panel, armed for the night."""
    await async_setup_component(
        hass,
        "alarm_control_panel",
        {
            "alarm_control_panel": {
                "platform": "manual",
                "name": "Burglar alarm",
                "arming_time": 0,
                "code_arm_required": False,
            }
        },
    )
    await hass.async_block_till_done()
    await hass.services.async_call(
        "alarm_control_panel", "alarm_arm_night", {"entity_id": PANEL}, blocking=True
    )
    return PANEL


@pytest.fixture
async def hall(
    hass: HomeAssistant,
    calendar: str,
    lock: str,
    panel: str,
    freezer: FrozenDateTimeFactory,
) -> Hall:
    """A hall with an alarm."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    await hall.add_room(appliances={"alarm": panel})
    return hall


async def test_rule_16_the_alarm_is_armed_again_as_it_was(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """In the mode it had before."""
    assert hass.states.get("switch.sports_hall_alarm").state == "on"
    await hall.book(START, END)
    await at(hass, freezer, START)
    assert hass.states.get(PANEL).state == "disarmed"
    assert hass.states.get("switch.sports_hall_alarm").state == "off"
    await at(hass, freezer, END + timedelta(minutes=15))
    assert hass.states.get(PANEL).state == "armed_night"
    assert hass.states.get("switch.sports_hall_alarm").state == "on"


async def test_rule_16_an_alarm_that_does_not_arm_is_said_and_tried_again(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """A window stands open; once it is closed the alarm is armed."""
    await hall.book(START, END)
    await at(hass, freezer, START)
    arm = hass.services.async_services_for_domain("alarm_control_panel")[
        "alarm_arm_night"
    ]
    tries = async_mock_service(hass, "alarm_control_panel", "alarm_arm_night")
    over = END + timedelta(minutes=15)
    await at(hass, freezer, over)
    for seconds in (10, 30, 60):
        await at(hass, freezer, over + timedelta(seconds=seconds))
    assert len(tries) >= 2
    assert hass.states.get("binary_sensor.sports_hall_attention").attributes[
        "reasons"
    ] == ["alarm_failed"]
    hass.services.async_register(
        "alarm_control_panel", "alarm_arm_night", arm.job.target, arm.schema
    )
    await at(hass, freezer, over + timedelta(minutes=5))
    assert hass.states.get(PANEL).state == "armed_night"
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.sports_hall_attention").state == "off"


async def test_the_room_switch_arms_and_disarms(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """By hand; and an alarm that refuses is an error that people read."""
    switch = {"entity_id": "switch.sports_hall_alarm"}
    await hass.services.async_call("switch", "turn_off", switch, blocking=True)
    assert hass.states.get(PANEL).state == "disarmed"
    await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    assert hass.states.get(PANEL).state == "armed_away"
    async_mock_service(
        hass,
        "alarm_control_panel",
        "alarm_disarm",
        raise_exception=HomeAssistantError("no"),
    )
    with pytest.raises(HomeAssistantError) as err:
        await hass.services.async_call("switch", "turn_off", switch, blocking=True)
    assert err.value.translation_key == "appliance_failed"


async def test_rule_16_a_lost_answer_does_not_leave_the_alarm_off(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """It is disarmed, says that it is not, and then the booking is cancelled."""
    uid = await hall.book(START, END)
    panel = hass.data["alarm_control_panel"].get_entity(PANEL)

    async def disarm(_: ServiceCall) -> None:
        await panel.async_alarm_disarm()
        raise HomeAssistantError("no answer")

    hass.services.async_register("alarm_control_panel", "alarm_disarm", disarm)
    await at(hass, freezer, START)
    assert hass.states.get(PANEL).state == "disarmed"
    await hall.delete(uid)
    await settle(hass, freezer)
    assert hass.states.get(PANEL).state == "armed_night"


async def test_rule_16_what_a_human_armed_between_two_bookings_is_armed_again(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """The alarm was off; somebody arms it before the second window opens."""
    panel = {"entity_id": PANEL}
    await hass.services.async_call(
        "alarm_control_panel", "alarm_disarm", panel, blocking=True
    )
    await hall.book(START, END)
    await hall.book(END - timedelta(minutes=30), END + timedelta(hours=1))
    await at(hass, freezer, START)
    await hass.services.async_call(
        "alarm_control_panel", "alarm_arm_home", panel, blocking=True
    )
    await at(hass, freezer, END - timedelta(minutes=30))
    assert hass.states.get(PANEL).state == "disarmed"
    await at(hass, freezer, END + timedelta(hours=1, minutes=15))
    assert hass.states.get(PANEL).state == "armed_home"


@pytest.fixture
async def helpers(hass: HomeAssistant) -> None:
    """Switches that stand for the lock's bolt, an alarm and a light."""
    names = ("front_door_open", "alarm", "light")
    await async_setup_component(
        hass, "input_boolean", {"input_boolean": {name: {} for name in names}}
    )
    await hass.async_block_till_done()


@pytest.fixture
async def two_halls(
    hass: HomeAssistant,
    helpers: None,
    calendar: str,
    lock: str,
    freezer: FrozenDateTimeFactory,
) -> Hall:
    """Two halls behind one door, with one light and one alarm for both."""
    halls = Hall(hass, freezer, calendar, lock)
    await halls.set_up()
    linked = {"alarm": "input_boolean.alarm", "lights": ["input_boolean.light"]}
    timing = {"alarm_lead": 10}
    gym = await halls.add_calendar("Gym")
    await halls.add_room(appliances=linked, timing=timing)
    await halls.add_room(gym, "Gym", appliances=linked, timing=timing)
    return halls


async def flip(hass: HomeAssistant, name: str, *, on: bool) -> None:
    """Flip a switch as a person would."""
    target = {"entity_id": f"input_boolean.{name}"}
    action = "turn_on" if on else "turn_off"
    await hass.services.async_call("input_boolean", action, target, blocking=True)


@pytest.mark.parametrize("armed", ["on", "off"])
async def test_rule_16_shared_appliances_go_on_with_the_first_and_back_with_the_last(
    hass: HomeAssistant, two_halls: Hall, freezer: FrozenDateTimeFactory, armed: str
) -> None:
    """And the alarm is armed again only if it was armed before."""
    await flip(hass, "alarm", on=armed == "on")
    later = timedelta(hours=1)
    await two_halls.book(START, END)
    await two_halls.book(START + later, END + later, calendar="calendar.gym")

    def linked() -> list[str]:
        names = ("alarm", "light")
        return [hass.states.get(f"input_boolean.{name}").state for name in names]

    lead, quarter = timedelta(minutes=10), timedelta(minutes=15)
    await at(hass, freezer, START - quarter - timedelta(seconds=1))
    assert linked() == [armed, "off"]
    for instant in (START - lead, START + later, END + quarter, END + later):
        await at(hass, freezer, instant)
        assert linked() == ["off", "on"]
    await at(hass, freezer, END + later + quarter)
    assert linked() == [armed, "off"]


async def test_rule_16_the_alarm_is_off_before_the_door_opens(
    hass: HomeAssistant, two_halls: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Whoever is first at the door does not set it off."""
    await flip(hass, "alarm", on=True)
    await two_halls.book(START, END)
    told: list[str] = []

    @callback
    def tell(event: Event[EventStateChangedData]) -> None:
        told.append(event.data["entity_id"])

    watched = ["input_boolean.alarm", "input_boolean.front_door_open"]
    async_track_state_change_event(hass, watched, tell)
    for minutes in (15, 12, 11):
        await at(hass, freezer, START - timedelta(minutes=minutes))
    assert told == []
    await at(hass, freezer, START - timedelta(minutes=10))
    assert told == watched


async def test_rule_16_what_to_go_back_to_is_written_down_before_it_is_switched(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    two_halls: Hall,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After a crash at that very moment the alarm is armed again all the same."""
    await flip(hass, "alarm", on=True)
    await two_halls.book(START, END)
    seen: list[str] = []

    @callback
    def look(_: Event[EventStateChangedData]) -> None:
        rows = hass_storage["booking_access.ledger"]["data"]["switched"]
        seen.extend(r["before"] for r in rows if r["target"].startswith("alarm/"))

    async_track_state_change_event(hass, "input_boolean.alarm", look)
    await at(hass, freezer, START - timedelta(minutes=10))
    assert hass.states.get("input_boolean.alarm").state == "off"
    assert seen == ["on"]


async def test_rule_16_what_an_appliance_that_comes_back_was_is_written_down_too(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    two_halls: Hall,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It was not there when the time came, but is before it is switched."""
    light, write = "input_boolean.light", Store._async_write_data
    seen: list[str | None] = []

    def rows() -> list[dict[str, Any]]:
        switched = hass_storage["booking_access.ledger"]["data"]["switched"]
        return [row for row in switched if row["target"] == f"light/{light}"]

    async def come_back(store: Store[Any], data: dict[str, Any]) -> None:
        await write(store, data)
        if store.key == "booking_access.ledger" and rows():
            hass.states.async_set(light, "off")

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        if event.data["new_state"].state == "on":
            seen.extend(row["before"] for row in rows())

    hass.states.async_set(light, "unavailable")
    async_track_state_change_event(hass, light, look)
    with patch.object(Store, "_async_write_data", come_back):
        await two_halls.book(NOW, END)
    assert seen == ["off"]
