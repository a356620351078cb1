"""Keys that somebody deletes at the vendor, through Home Assistant."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from simulators.exivo_site import ENTRANCE

from .halls import Halls, booked
from .helpers import settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = NOW + 6 * HOUR
END = START + HOUR

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """A hall with a booking, whose people have a key."""
    async with Halls(hass, freezer) as halls:
        await halls.connect(booked(START, END))
        await halls.add_hall("grant")
        await settle(hass, freezer)
        assert len(halls.keys) == 1
        yield halls


def delete(halls: Halls, number: int = 0) -> str:
    """Delete a key at the vendor, as a person would; return its id."""
    key = halls.keys[number]
    del halls.exivo.visits[key.id]
    return key.id


async def access(hass: HomeAssistant) -> list[dict[str, Any]]:
    """Return what people have."""
    answer = await hass.services.async_call(
        DOMAIN, "get_access", {}, blocking=True, return_response=True
    )
    found: list[dict[str, Any]] = answer["rooms"][0]["access"]
    return found


def status(hass: HomeAssistant) -> str:
    """Return how the hall is."""
    found: str = hass.states.get("sensor.hal_1_access_status").state
    return found


def reasons(hass: HomeAssistant) -> list[str]:
    """Return why the hall wants attention."""
    attention = hass.states.get("binary_sensor.hal_1_attention")
    found: list[str] = attention.attributes["reasons"]
    return found


async def set_option(hass: HomeAssistant, entry: ConfigEntry, *, again: bool) -> None:
    """Say whether deleted keys are issued again, as a person would."""
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(
        flow["flow_id"], {"reissue_deleted": again}
    )
    await hass.async_block_till_done()


async def test_a_deleted_key_is_noticed_and_issued_again(
    hass: HomeAssistant, halls: Halls
) -> None:
    """The list of five minutes later lacks it, and the one of another minute later."""
    events: list[tuple[str, str | None]] = []
    room = next(iter(hass.data[DATA_HUB].rooms.values()))
    room.async_add_event_listener(
        lambda kind, details: events.append((kind, details.get("reason")))
    )
    foreign = {visit.id: visit.wire() for visit in halls.exivo.live_visits()}
    await halls.wait(300)
    [before] = await access(hass)
    assert (before["state"], before["evidence"]) == ("issued", "listed")
    deleted = delete(halls)
    del foreign[deleted]
    await halls.wait(299)
    assert halls.keys == []
    await halls.wait(1)
    [found] = await access(hass)
    assert (found["state"], found["evidence"]) == ("issued", "assumed")
    await halls.wait(59)
    assert (halls.keys, status(hass)) == ([], "ready")
    await halls.wait(1)
    [key] = halls.keys
    assert key.id != deleted
    assert (key.start, key.end) == (
        START - timedelta(minutes=10),
        END + timedelta(minutes=5),
    )
    [after] = await access(hass)
    assert after["code"] == before["code"] == key.posted["code"]
    assert after["state"] == "issued"
    assert events == [
        ("access_revoked", "deleted_at_vendor"),
        ("access_granted", None),
    ]
    assert (status(hass), reasons(hass)) == ("ready", [])
    for visit_id, visit in foreign.items():  # what others made is as it was
        assert halls.exivo.visits[visit_id].wire() == visit
    await halls.wait(300, 600, 900)
    assert [each.id for each in halls.keys] == [key.id]


async def test_a_deleted_key_stays_so_where_the_options_say(
    hass: HomeAssistant, halls: Halls
) -> None:
    """Its room asks for attention, whatever is loaded anew; until the options change."""
    await set_option(hass, halls.doors, again=False)
    delete(halls)
    await halls.wait(300, 360)
    assert (halls.keys, reasons(hass)) == ([], ["deleted_at_vendor"])
    await hass.config_entries.async_reload(halls.bookings.entry_id)
    await halls.synchronize()
    await halls.wait(300, 360)
    assert (halls.keys, status(hass)) == ([], "attention")
    await set_option(hass, halls.doors, again=True)
    await halls.wait(1)
    assert len(halls.keys) == 1
    assert reasons(hass) == []


async def test_one_list_that_lacks_a_key_means_nothing(
    hass: HomeAssistant, halls: Halls
) -> None:
    """Nor does one that does not come."""
    [key] = halls.keys
    halls.exivo.requests.clear()
    del halls.exivo.visits[key.id]
    await halls.wait(300)
    halls.exivo.fault("500", path="/visit")
    await halls.wait(60, 180)
    halls.exivo.faults.clear()
    halls.exivo.visits[key.id] = key
    await halls.wait(60, 360)
    del halls.exivo.visits[key.id]
    await halls.wait(300)
    assert ("POST", "visit") not in {
        (verb, path.rpartition("/")[2]) for verb, path in halls.exivo.requests
    }
    halls.exivo.visits[key.id] = key
    await halls.wait(60)
    assert halls.keys == [key]
    [found] = await access(hass)
    assert found["evidence"] == "listed"


async def test_a_list_without_many_is_not_believed_for_an_hour(
    hass: HomeAssistant, halls: Halls
) -> None:
    """Nobody wants three keys twice because a list was cut off."""
    days = [timedelta(hours=2 * number) for number in range(3)]
    await halls.book(*(booked(START + d, END + d, n) for n, d in enumerate(days, 1)))
    assert len(halls.keys) == 3
    visits = {key.id: key for key in halls.keys}
    for visit_id in visits:
        del halls.exivo.visits[visit_id]
    await halls.wait(300, 360, 3000)
    assert halls.keys == []
    halls.exivo.visits |= visits
    await halls.wait(60)
    assert {key.id for key in halls.keys} == visits.keys()
    for visit_id in visits:
        del halls.exivo.visits[visit_id]
    await halls.wait(300, 360, 300 + 3599)
    assert halls.keys == []
    await halls.wait(60)
    assert len(halls.keys) == 3


async def test_a_door_that_is_removed_at_the_vendor_takes_no_key_with_it(
    hass: HomeAssistant, halls: Halls
) -> None:
    """It is said that the door is gone; its key is still in the list."""
    keys = [key.id for key in halls.keys]
    del halls.exivo.components[ENTRANCE]
    await halls.wait(300, 360, 420, 720)
    assert [key.id for key in halls.keys] == keys
    assert reasons(hass) == ["door_gone"]


async def test_a_key_that_is_taken_back_is_not_missed(
    hass: HomeAssistant, halls: Halls
) -> None:
    """And an account that is unloaded is not asked any more."""
    await halls.wait(300)
    await halls.book(booked(START, END, extra={"Cancelled": True}))
    halls.exivo.requests.clear()
    await halls.wait(300, 600)
    paths = {path.rpartition("/")[2] for _, path in halls.exivo.requests}
    assert "visit" not in paths
    await hass.config_entries.async_unload(halls.doors.entry_id)
    halls.exivo.requests.clear()
    await halls.wait(300, 600)
    assert halls.exivo.requests == []
