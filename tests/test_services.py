"""The actions, called as an automation or a person would."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.booking_access.const import DOMAIN
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
)
from homeassistant.helpers import device_registry as dr
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE
from simulators.winkas import WinKasSimulator

from .helpers import add_account, add_room, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with two halls and a booking of the first."""
    async with WinKasSimulator() as simulator:
        halls = [{"id": 1, "name": "Hal 1"}, {"id": 2, "name": "Hal 2"}]
        simulator.control(
            {
                "clear": True,
                "resources": halls,
                "bookings": [
                    {
                        "id": 7,
                        "resource": 1,
                        "start": START.isoformat(),
                        "end": END.isoformat(),
                        "subject": "Badminton",
                        "owner": {"FirstName": "Anna", "Mobile": "+4520123456"},
                    },
                    {
                        "id": 8,
                        "resource": 1,
                        "start": END.isoformat(),
                        "end": START.isoformat(),
                        "subject": "Upside down",
                    },
                ],
            }
        )
        yield simulator


@pytest.fixture
async def exivo() -> AsyncIterator[ExivoSimulator]:
    """An exivo site."""
    async with ExivoSimulator() as simulator:
        yield simulator


@pytest.fixture
async def hall(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> str:
    """The device of hall 1, whose people get a key; hall 2 is a room as well."""
    entries = {}
    for side, simulator in (("access_system", exivo), ("booking_system", winkas)):
        form = dict(simulator.credentials())
        form["advanced"] = {"url": form.pop("url")}
        entries[side] = await add_account(hass, side, simulator.name, form, ["2"])
    room_id = await add_room(
        hass,
        entries["booking_system"],
        {
            "resource_id": "1",
            "access_points": [f"{entries['access_system'].entry_id}/{ENTRANCE}"],
            "access": ["grant"],
        },
    )
    await settle(hass, freezer)
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, room_id), entries["booking_system"].entry_id
    )
    return device.id


async def call(hass: HomeAssistant, action: str, **data: Any) -> list[dict[str, Any]]:
    """Call an action that answers about rooms."""
    answer = await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    return answer["rooms"]


async def test_get_bookings(hass: HomeAssistant, hall: str) -> None:
    """All rooms, or those that are named; never the people."""
    rooms = await call(hass, "get_bookings")
    assert {room["room"] for room in rooms} == {"Hal 1", "Hal 2"}
    [room] = await call(hass, "get_bookings", device_id=hall)
    assert room["bookings"][0] == {
        "booking_id": "7",
        "start": START.isoformat(),
        "end": END.isoformat(),
        "own_end": END.isoformat(),
        "blocked": False,
        "summary": "Badminton",
        "status": "confirmed",
    }
    assert "Anna" not in str(rooms)
    assert "20123456" not in str(rooms)


async def test_get_plan_tells_what_will_happen_and_why_not(
    hass: HomeAssistant, hall: str
) -> None:
    """Each effect of each booking, and the booking that gives no access."""
    [room] = await call(hass, "get_plan", device_id=[hall])
    assert room["status"] == "attention"
    assert room["attention"] == ["booking_without_duration"]
    lines = {(line["booking_id"], line["effect"]): line for line in room["plan"]}
    access = lines["7", "access"]
    assert access["from"] == (START - timedelta(minutes=15)).isoformat()
    assert access["to"] == (END + timedelta(minutes=15)).isoformat()
    assert (access["stage"], access["rule"]) == ("coming", "booked")
    assert (access["lead_minutes"], access["lag_minutes"]) == (15, 15)
    assert access["granted"][0].endswith(ENTRANCE)
    fan = lines["7", "ventilation"]
    assert fan["from"] == (START - timedelta(minutes=30)).isoformat()
    assert (fan["lead_minutes"], fan["lag_minutes"]) == (30, 15)
    refused = lines["8", "access"]
    assert (refused["stage"], refused["rule"]) == ("refused", "no_duration")


async def test_rule_14_get_access_tells_the_code_to_administrators_alone(
    hass: HomeAssistant, hall: str, exivo: ExivoSimulator, hass_read_only_user: MockUser
) -> None:
    """The link comes by text message, the code only from here."""
    [room] = await call(hass, "get_access", device_id=hall, booking_id="7")
    [visit] = [each for each in exivo.live_visits() if each.name.startswith("ba-")]
    [access] = room["access"]
    assert access["state"] == "issued"
    assert access["evidence"] == "acknowledged"
    assert access["code"] == visit.posted["code"]
    assert access["link"].endswith(visit.id)
    assert (await call(hass, "get_access", device_id=hall, booking_id="8"))[0][
        "access"
    ] == []
    with pytest.raises(Unauthorized):
        await hass.services.async_call(
            DOMAIN,
            "get_access",
            {},
            blocking=True,
            return_response=True,
            context=Context(user_id=hass_read_only_user.id),
        )
    states = " ".join(str(state.as_dict()) for state in hass.states.async_all())
    assert visit.posted["code"] not in states


async def test_a_device_that_is_no_room_is_named(
    hass: HomeAssistant, hall: str
) -> None:
    """With a text that people understand."""
    with pytest.raises(ServiceValidationError) as err:
        await call(hass, "get_plan", device_id="nonsense")
    assert err.value.translation_key == "not_a_room"


async def test_synchronize_one_account_or_all(
    hass: HomeAssistant, hall: str, winkas: WinKasSimulator, exivo: ExivoSimulator
) -> None:
    """It asks at once, and says when that does not work."""
    [entry] = [
        e for e in hass.config_entries.async_entries(DOMAIN) if "WinKAS" in e.title
    ]
    for simulator in (winkas, exivo):
        simulator.requests.clear()
    await hass.services.async_call(
        DOMAIN, "synchronize", {"config_entry_id": entry.entry_id}, blocking=True
    )
    assert winkas.requests
    assert not exivo.requests
    await hass.services.async_call(DOMAIN, "synchronize", {}, blocking=True)
    assert exivo.requests
    winkas.fault("500")
    with pytest.raises(HomeAssistantError) as err:
        await hass.services.async_call(DOMAIN, "synchronize", {}, blocking=True)
    assert err.value.translation_key == "synchronize_failed"
