"""What is known of people and codes: who reads it, and when it is forgotten."""

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.config_entries import ConfigEntryDisabler
from homeassistant.const import EVENT_CALL_SERVICE, MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from simulators.exivo_site import ENTRANCE

from .halls import Halls, booked
from .helpers import at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW + HOUR
END = START + HOUR
# A person whose every part would be found again.
PERSON = {
    "FirstName": "Zebedæus",
    "LastName": "Quistgaard",
    "Mobile": "20 98 76 54",
    "Email": "zq@example.org",
}
PERSONAL = ("Zebed", "Quistgaard", "20 98 76 54", "20987654", "zq@example.org")
VISITOR = {"name": "Håkon Ødegård", "phone": "30 45 67 89", "email": "ho@example.org"}
VISITING = ("Håkon", "Ødegård", "30 45 67 89", "30456789", "ho@example.org")

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Two halls and their doors, not yet connected."""
    async with Halls(hass, freezer) as halls:
        yield halls


def ours(storage: dict[str, Any], name: str) -> str:
    """Return what is stored under a name, as text."""
    return str(storage[f"{DOMAIN}.{name}"]["data"])


async def test_rule_14_nobody_reads_of_people_and_codes_but_an_administrator(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """From the first key to the last, with all that can go wrong in between."""
    caplog.set_level("DEBUG")
    events = async_capture_events(hass, MATCH_ALL)
    unclear = {"ResourceCalendarbooking": {"Start": "whenever"}, "BookingOwner": PERSON}
    halls.winkas.control({"raw": {"1": [unclear]}})
    await halls.connect(
        booked(START, END, owner=PERSON),
        booked(START + DAY, END + DAY, 2, owner={**PERSON, "Mobile": "20 98 76 5"}),
    )
    halls.exivo.fault("unknown_outcome", path="/visit", times=1)
    await halls.add_hall("hold_open", "grant")
    await halls.wait(30, 60, 120)
    [code] = {key.posted["code"] for key in halls.keys}
    await at(hass, freezer, START)
    halls.exivo.fault("401", path="/revoke")
    await halls.book(booked(START, END, owner=PERSON, extra={"Cancelled": True}))
    await halls.wait(30, 60, 120)
    halls.exivo.faults.clear()
    await at(hass, freezer, END)
    await at(hass, freezer, START + DAY)

    log = [each for each in caplog.records if not each.name.startswith("pytest_")]
    read = {
        "states": [state.as_dict() for state in hass.states.async_all()],
        "events": [event.as_dict() for event in events],
        "issues": list(ir.async_get(hass).issues.values()),
        "devices": list(dr.async_get(hass).devices),
        "entities": list(er.async_get(hass).entities.values()),
        "log": [(each.getMessage(), each.exc_text) for each in log],
    }
    assert len(events) > 50
    assert "access_failed" in str(read["events"])
    found = {
        (place, word)
        for place, text in read.items()
        for word in (*PERSONAL, code)
        if word in str(text)
    }
    assert found == set()


async def test_rule_14_nobody_reads_of_visitors_but_an_administrator(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Home Assistant itself tells what an action was called with, and nobody else does.

    They are forgotten a day after their visit, late guests with their booking.
    """
    caplog.set_level("DEBUG")
    events = async_capture_events(hass, MATCH_ALL)
    await halls.connect(booked(START, END))
    room_id = await halls.add_hall("grant")
    room = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, room_id), halls.bookings.entry_id
    )
    visit = {"device_id": room.id, "duration": "01:00:00", **VISITOR}
    guest = {"device_id": room.id, "booking_id": "1", **VISITOR}
    for data in (visit, {**visit, "phone": "30 45"}, guest):
        with suppress(ServiceValidationError):
            await hass.services.async_call(DOMAIN, "grant_access", data, blocking=True)
    halls.exivo.fault("404", path="/visit")
    with pytest.raises(HomeAssistantError):
        await hass.services.async_call(DOMAIN, "grant_access", visit, blocking=True)
    halls.exivo.faults.clear()
    codes = {key.posted["code"] for key in halls.keys}
    assert len(codes) == 3
    await at(hass, freezer, START)
    await at(hass, freezer, END)
    stored = {key for key, each in hass_storage.items() if "Ødegård" in str(each)}
    assert stored == {f"{DOMAIN}.by_hand"}
    log = [
        each
        for each in caplog.records
        if not each.name.startswith(("pytest_", "homeassistant.core"))
    ]
    read = {
        "states": [state.as_dict() for state in hass.states.async_all()],
        "events": [e.as_dict() for e in events if e.event_type != EVENT_CALL_SERVICE],
        "issues": list(ir.async_get(hass).issues.values()),
        "log": [(each.getMessage(), each.exc_text) for each in log],
        "grants": hass.data[DATA_HUB].store.ledger,
        "decided": hass.data[DATA_HUB].by_hand.visits,
        "planned": hass.data[DATA_HUB].plan,
    }
    found = {
        (place, word)
        for place, text in read.items()
        for word in (*VISITING, *codes)
        if word in str(text)
    }
    assert found == set()
    for days in (1, 2):
        await at(hass, freezer, END + days * DAY + 2 * HOUR)
        await halls.synchronize()
    assert hass_storage[f"{DOMAIN}.by_hand"]["data"] == {"altered": [], "visits": []}


async def test_rule_14_what_is_stored_is_read_by_nobody_else(
    hass: HomeAssistant,
    halls: Halls,
    tmp_path: Path,
) -> None:
    """Each file is that of Home Assistant's own user alone."""
    hass.config.config_dir = str(tmp_path)
    await halls.connect(booked(START, END))
    hub = hass.data[DATA_HUB]
    account = hub.accounts[halls.bookings.entry_id]
    for store in (hub.store._store, hub.by_hand._store, account.store._store):
        # Written for real: tests keep what is stored in memory.
        await hass.async_add_executor_job(store._write_prepared_data, "w", "{}")
    files = {
        file.name: file.stat().st_mode & 0o777
        for file in (tmp_path / ".storage").iterdir()
    }
    assert files == {
        f"{DOMAIN}.ledger": 0o600,
        f"{DOMAIN}.by_hand": 0o600,
        f"{DOMAIN}.{halls.bookings.entry_id}": 0o600,
    }


async def test_rule_15_people_are_forgotten_although_their_system_never_answers_again(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """And the ledger never knew them."""
    await halls.connect(booked(START, END, owner=PERSON))
    await halls.add_hall("grant")
    entry_id = halls.bookings.entry_id
    assert "Quistgaard" in ours(hass_storage, entry_id)
    assert hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    halls.winkas.fault("500")
    for hours in (0, 1, 12):
        await at(hass, freezer, END + hours * HOUR)
        assert "Quistgaard" in ours(hass_storage, entry_id)
    for days in (1, 2, 7):
        await at(hass, freezer, END + days * DAY + 2 * HOUR)
    assert not [word for word in PERSONAL if word in ours(hass_storage, entry_id)]
    ledger = ours(hass_storage, "ledger")
    assert not [word for word in PERSONAL if word in ledger]
    assert hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"] == []


async def test_rule_15_the_ledger_knows_nobody(
    hass: HomeAssistant, hass_storage: dict[str, Any], halls: Halls
) -> None:
    """Times, points and references are all that is needed to undo."""
    await halls.connect(booked(START, END, owner=PERSON))
    await halls.add_hall("grant")
    ledger = ours(hass_storage, "ledger")
    assert ENTRANCE in ledger
    assert not [word for word in PERSONAL if word in ledger]


async def test_rule_15_a_disabled_account_keeps_nobody(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody looks after what is stored of it, so it goes at once, as do its keys."""
    await halls.connect(booked(START, END, owner=PERSON))
    await halls.add_hall("grant")
    assert len(halls.keys) == 1
    entry_id = halls.bookings.entry_id
    await hass.config_entries.async_set_disabled_by(entry_id, ConfigEntryDisabler.USER)
    await settle(hass, freezer)
    assert halls.keys == []
    assert f"{DOMAIN}.{entry_id}" not in hass_storage
    await hass.config_entries.async_set_disabled_by(entry_id, None)
    await settle(hass, freezer)
    assert len(halls.keys) == 1
