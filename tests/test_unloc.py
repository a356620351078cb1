"""Unloc through Home Assistant: from its forms to keys that come, change and go."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.event import async_track_state_change_event
from simulators.unloc import UnlocSimulator
from simulators.unloc_site import CLIENT_SECRET, HALL, LOCK_HOLDER, PROJECT, Key

from .access_systems.unloc_cases import opens, ours, times
from .flows import fill, open_change, open_form, submit
from .halls import LAG, LEAD, Halls, booked
from .helpers import at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
START = NOW + HOUR
END = START + 2 * HOUR
ANNA = "+4520123456"
LARS = "+4520999999"
LARS_HIMSELF = {"FirstName": "Lars", "LastName": "Sen", "Mobile": "20 99 99 99"}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def sim() -> AsyncIterator[UnlocSimulator]:
    async with UnlocSimulator() as simulator:
        yield simulator


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Halls in WinKAS; the other system's doors are not used."""
    async with Halls(hass, freezer) as halls:
        yield halls


async def connect(
    hass: HomeAssistant, sim: UnlocSimulator, key: str, **answers: Any
) -> ConfigEntry:
    """Add an account of Unloc through its forms."""
    flow = await open_form(hass, "access_system", key)
    flow = await submit(hass, flow, fill(flow["data_schema"], sim.credentials()))
    while flow["type"] is FlowResultType.FORM:
        assert not flow["errors"], flow
        flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
    return flow["result"]


async def furnish(
    halls: Halls, sim: UnlocSimulator, key: str, *bookings: dict[str, Any]
) -> None:
    """Have a hall whose people get keys of Unloc."""
    await halls.connect(*bookings)
    halls.doors = await connect(halls.hass, sim, key, lock_holder=LOCK_HOLDER)
    await halls.add_hall("grant", doors=(HALL,))


def status(halls: Halls) -> str:
    """Return what the room says of its access."""
    return halls.hass.states.get("sensor.hal_1_access_status").state


def reasons(halls: Halls) -> list[str]:
    """Return why the room wants attention."""
    state = halls.hass.states.get("binary_sensor.hal_1_attention")
    return list(state.attributes["reasons"])


def window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return when the people of a booking get in."""
    return start - LEAD, end + LAG


@pytest.mark.parametrize("key", ["unloc", "unloc_lock_holder"])
async def test_a_whole_life(
    halls: Halls,
    sim: UnlocSimulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    key: str,
) -> None:
    """Booked, moved, a late guest, an outage, cancelled; each key at its time."""
    caplog.set_level(logging.DEBUG)
    hass = halls.hass
    await furnish(halls, sim, key, booked(START, END))
    assert times(sim) == [window(START, END)]
    assert ours(sim)[0].person == ANNA
    assert status(halls) == "ready"
    answer = await hass.services.async_call(
        DOMAIN, "get_access", {}, blocking=True, return_response=True
    )
    assert f"use-key?id={ours(sim)[0].id}&userid=%2B4520123456" in str(answer)

    await halls.book(booked(START + HOUR, END + HOUR))  # moved, over itself
    assert times(sim) == [window(START + HOUR, END + HOUR)]
    await halls.book(booked(START + DAY, END + DAY))  # and away from there
    assert times(sim) == [window(START + DAY, END + DAY)]
    await halls.book(booked(START, END))
    assert times(sim) == [window(START, END)]

    sim.fault("503")
    await halls.book(late(START, END))
    assert [each.person for each in ours(sim)] == [ANNA]  # what is out stays good
    sim.faults.clear()
    await halls.wait(30, 90, 300)
    assert {each.person for each in ours(sim)} == {ANNA, LARS}
    assert times(sim) == [window(START, END)] * 2

    await cancel(halls, 1)
    assert [each.person for each in ours(sim)] == [LARS]
    assert not opens(sim, START - LEAD - SECOND, LARS)
    await at(hass, freezer, START - LEAD)
    assert status(halls) == "active"
    assert opens(sim, START - LEAD, LARS)
    await at(hass, freezer, END + LAG)
    assert ours(sim) == []
    assert status(halls) == "idle"
    assert "key-cleaner" in {each.id for each in sim.live_keys()}
    told = [r.getMessage() for r in caplog.records if not r.name.startswith("pytest_")]
    shown = "".join([*told, *(str(s.as_dict()) for s in hass.states.async_all())])
    for secret in ("20123456", "20 12 34 56", CLIENT_SECRET, "use-key"):
        assert secret not in shown


async def cancel(halls: Halls, number: int) -> None:
    """Delete a booking in WinKAS, and let it be asked twice."""
    halls.winkas.control({"remove": [number]})
    await halls.synchronize()
    await halls.wait(61)
    await halls.synchronize()


def late(start: datetime, end: datetime) -> dict[str, Any]:
    """Return the booking of somebody who comes late, at the same time."""
    return {**booked(start, end, 2), "owner": LARS_HIMSELF}


@pytest.mark.parametrize("replaces", [False, True], ids=["beside", "replaces"])
@pytest.mark.parametrize("key", ["unloc", "unloc_lock_holder"])
async def test_bookings_of_one_person(
    halls: Halls,
    sim: UnlocSimulator,
    freezer: FrozenDateTimeFactory,
    key: str,
    *,
    replaces: bool,
) -> None:
    """Next to each other and on the next day: in at each of them, and not in between."""
    hass = halls.hass
    sim.control({"replaces": replaces})
    spans = [(START, END), (END, END + HOUR), (START + DAY, END + DAY)]
    bookings = [booked(*span, number) for number, span in enumerate(spans, 1)]
    await furnish(halls, sim, key, *bookings)
    await halls.wait(60, 120, 180)
    made = len(sim.keys)
    assert opens(sim, START, ANNA)
    assert opens(sim, END + HOUR, ANNA)
    assert reasons(halls) == []
    night = END + HOUR + LAG
    assert not opens(sim, night, ANNA)
    for minutes in (5, 10, 15, 20, 25):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    assert len(sim.keys) == made  # and nothing is made again and again

    await cancel(halls, 1)
    assert not opens(sim, START, ANNA)
    assert opens(sim, END, ANNA)
    for instant in (night, night + 16 * MINUTE, night + 32 * MINUTE):
        await at(hass, freezer, instant)
    assert times(sim) == [window(*spans[2])]


async def test_key_that_is_made_anew_for_the_other_booking(
    halls: Halls, sim: UnlocSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """The guest's new link is found within minutes, and told of once."""
    hass = halls.hass
    told: list[str] = []
    bookings = [booked(START, END), booked(END, END + HOUR, 2)]
    await furnish(halls, sim, "unloc", *bookings)
    await halls.wait(60)
    await cancel(halls, 1)

    def heard(state: Any) -> None:
        if state.data["new_state"].attributes.get("event_type") == "access_granted":
            told.append(state.data["new_state"].attributes["booking_id"])

    async_track_state_change_event(hass, "event.hal_1_booking", callback(heard))
    for minutes in (5, 10, 15):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    answer = await hass.services.async_call(
        DOMAIN, "get_access", {}, blocking=True, return_response=True
    )
    [key] = ours(sim)
    [grant] = [
        g.credential.link for g in hass.data[DATA_HUB].store.ledger.grants.values()
    ]
    assert f"use-key?id={key.id}&" in grant
    assert grant in str(answer)
    assert told == ["2"]


@pytest.mark.parametrize("minutes", [1, 6], ids=["before_a_look", "after_a_look"])
@pytest.mark.parametrize("replaces", [False, True], ids=["beside", "replaces"])
@pytest.mark.parametrize("key", ["unloc", "unloc_lock_holder"])
async def test_whom_a_key_serves_is_known_after_a_restart(
    halls: Halls, sim: UnlocSimulator, key: str, minutes: int, *, replaces: bool
) -> None:
    """Where metadata are not kept: by what we wrote down of each grant."""
    sim.control({"keeps_metadata": False, "replaces": replaces})
    both, own = (START - LEAD, END + HOUR + LAG), window(END, END + HOUR)
    other = {**booked(START, END, 3), "owner": LARS_HIMSELF}
    await furnish(
        halls, sim, key, booked(START, END), booked(END, END + HOUR, 2), other
    )
    await halls.wait(*(each * 60 for each in range(1, minutes + 1)))
    assert times(sim) == [window(START, END), both]
    assert await halls.hass.config_entries.async_reload(halls.doors.entry_id)
    made = len(sim.keys)

    await cancel(halls, 1)
    await halls.wait(60, 360, 420)
    assert times(sim) == [window(START, END), own]
    assert len(sim.keys) == made + 1  # the other booking's own, once
    await cancel(halls, 2)
    assert times(sim) == [window(START, END)]


async def test_job_that_does_not_end(
    halls: Halls, sim: UnlocSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Its key is found, and none is made twice; one that cannot be is shown."""
    sim.control({"job": {"looks": 999, "makes": True}})
    await furnish(halls, sim, "unloc", booked(START, END))
    assert status(halls) != "ready"
    await halls.wait(30, 60)
    assert times(sim) == [window(START, END)]
    assert len(sim.jobs) == 1
    assert status(halls) == "ready"
    reason = {"status": "failedValidation", "reason": "keys.0.appUserId", "looks": 0}
    sim.control({"job": {**reason, "makes": False}})
    await halls.book(booked(START, END), late(START, END))
    assert reasons(halls) == ["phone_invalid"]


async def test_forms(hass: HomeAssistant, sim: UnlocSimulator) -> None:
    """Errors are said, a project is chosen, and what is kept holds after a change."""
    flow = await open_form(hass, "access_system", "unloc")
    answers = fill(flow["data_schema"], sim.credentials())
    sim.control({"projects": {}})
    flow = await submit(hass, flow, answers)
    assert flow["errors"] == {"base": "no_projects"}
    sim.control({"projects": {PROJECT: "Seim", "p-2": "Arena"}})
    flow = await submit(hass, flow, answers)
    assert flow["step_id"] == "unloc_project"
    flow = await submit(hass, flow, {"project": PROJECT})
    entry = flow["result"]
    assert (entry.title, entry.data["project"]) == ("Seim", PROJECT)
    assert entry.unique_id == f"unloc:{PROJECT}"
    flow = await open_change(hass, entry)
    again = {**sim.credentials(), "project": PROJECT}
    flow = await submit(hass, flow, fill(flow["data_schema"], again))
    assert (flow["type"], flow["reason"]) == ("abort", "reconfigure_successful")


async def test_forms_of_lock_holders(hass: HomeAssistant, sim: UnlocSimulator) -> None:
    """A new one is made, and locks are connected; their password is not kept."""
    entry = await connect(
        hass,
        sim,
        "unloc_lock_holder",
        lock_holder="new",
        name="Arena AS",
        country="NO",
        organization_number="811222333",
        suffix="b",
    )
    made = sim.holders.all[-1]
    assert (made["name"], made["organizationIdSuffix"]) == ("Arena AS", "b")
    assert entry.title == "Arena AS"
    assert set(entry.data) - set(sim.credentials()) == {
        "system",
        "lock_holder",
        "identifier",
    }
    kind = (entry.entry_id, "vendor_connection")
    flows = hass.config_entries.subentries
    flow = await flows.async_init(kind, context={"source": "user"})
    typed = {"vendor": "danalock", "username": "a@b.example", "password": "s3cret"}
    known = {**typed, "username": "drift@seim.example"}
    flow = await flows.async_configure(flow["flow_id"], known)
    assert flow["errors"] == {"base": "already_connected"}
    flow = await flows.async_configure(flow["flow_id"], typed)
    await hass.async_block_till_done()
    [kept] = entry.get_subentries_of_type("vendor_connection")
    assert set(kept.data) == {"id", "vendor", "username"}
    assert [each["password"] for each in sim.holders][1:] == ["s3cret"]
    assert isinstance(sim.keys["key-cleaner"], Key)
