"""Repair issues of rooms: told when trouble lasts, gone with it, and led to the cure."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from homeassistant.auth.models import Credentials
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulators.exivo_site import ENTRANCE

from .halls import ANNA, Halls, booked
from .helpers import at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# The token that repairs are answered with holds for half an hour.
START = NOW + 12 * MINUTE
END = START + 4 * HOUR
NOBODY = {"FirstName": "Anna", "LastName": "Holm"}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Two halls and their doors, not yet connected."""
    assert await async_setup_component(hass, "repairs", {})
    async with Halls(hass, freezer) as halls:
        yield halls


async def minutes(halls: Halls, count: int) -> None:
    """Let minutes go by, one after the other."""
    for _ in range(count):
        await halls.wait(60)


def told(registry: ir.IssueRegistry) -> set[str]:
    """Return what is among the repairs, by its text."""
    return {i.translation_key for d, i in registry.issues.items() if d[0] == DOMAIN}


async def fix(
    hass: HomeAssistant,
    client: ClientSessionGenerator,
    key: str,
    token: str | None = None,
) -> dict[str, Any]:
    """Go through the dialogue of an issue, as a person does."""
    registry = ir.async_get(hass)
    issue = next(i for i in registry.issues.values() if i.translation_key == key)
    assert issue.is_fixable
    http = await (client(token) if token else client())
    where = {"handler": DOMAIN, "issue_id": issue.issue_id}
    flow = await (await http.post("/api/repairs/issues/fix", json=where)).json()
    assert flow["description_placeholders"] == {"room": "Hal 1"}
    url = f"/api/repairs/issues/fix/{flow['flow_id']}"
    done = await (await http.post(url, json={})).json()
    assert done["type"] == "create_entry"
    await hass.async_block_till_done()
    return dict(done)


async def test_a_missing_phone_number(
    hass: HomeAssistant, halls: Halls, issue_registry: ir.IssueRegistry
) -> None:
    """Told after five minutes; gone when somebody adds it."""
    await halls.connect(booked(START, END, owner=NOBODY))
    await halls.add_hall("grant")
    await minutes(halls, 5)
    assert told(issue_registry) == set()
    await minutes(halls, 1)
    assert told(issue_registry) == {"room_phone_missing"}
    await halls.book(booked(START, END, owner=ANNA))
    await minutes(halls, 1)
    assert told(issue_registry) == set()
    assert len(halls.keys) == 1


async def test_an_account_that_is_not_loaded(
    hass: HomeAssistant,
    halls: Halls,
    issue_registry: ir.IssueRegistry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The dialogue loads it again."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open")
    await hass.config_entries.async_unload(halls.doors.entry_id)
    await minutes(halls, 6)
    assert told(issue_registry) == {"room_account_not_loaded"}
    await fix(hass, hass_client, "room_account_not_loaded")
    await minutes(halls, 1)
    assert told(issue_registry) == set()
    assert halls.mode() == "open"


async def test_a_door_that_does_not_open(
    hass: HomeAssistant,
    halls: Halls,
    issue_registry: ir.IssueRegistry,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The dialogue tries at once; what still fails is told again, but not right away."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open")
    halls.exivo.fault("503", path="/mode")
    await at(hass, freezer, START)
    await minutes(halls, 7)
    assert told(issue_registry) == {"room_door_failed"}
    await fix(hass, hass_client, "room_door_failed")
    await minutes(halls, 4)
    assert told(issue_registry) == set()
    await minutes(halls, 3)
    assert told(issue_registry) == {"room_door_failed"}
    halls.exivo.faults.clear()
    asked = len(halls.exivo.requests)
    await fix(hass, hass_client, "room_door_failed")
    await halls.wait(1)
    assert halls.mode() == "open"
    assert len(halls.exivo.requests) > asked
    await minutes(halls, 6)
    assert told(issue_registry) == set()


async def test_somebody_whose_key_was_refused(
    hass: HomeAssistant,
    halls: Halls,
    issue_registry: ir.IssueRegistry,
    hass_client: ClientSessionGenerator,
) -> None:
    """The dialogue issues it again."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("404", path="/visit")
    await halls.add_hall("grant")
    await minutes(halls, 6)
    assert told(issue_registry) == {"room_grant_failed"}
    halls.exivo.faults.clear()
    assert halls.keys == []
    await fix(hass, hass_client, "room_grant_failed")
    await halls.wait(2)
    assert len(halls.keys) == 1


async def test_a_hall_that_is_not_there_any_more(
    hass: HomeAssistant,
    halls: Halls,
    issue_registry: ir.IssueRegistry,
    hass_client: ClientSessionGenerator,
    hass_admin_user: MockUser,
    hass_admin_credential: Credentials,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Looked at once a day; the dialogue leads to the form of the room."""
    await halls.connect(booked(START, END))
    room_id = await halls.add_hall("hold_open")
    await halls.add_hall("hold_open", hall=2)
    halls.winkas.control({"remove_resources": [1]})
    halls.winkas.fault("500", path="Resource", times=1)
    await at(hass, freezer, NOW + 24 * HOUR)
    assert told(issue_registry) == set()
    await at(hass, freezer, NOW + 48 * HOUR)
    assert "room_resource_gone" in told(issue_registry)
    signed_in = await hass.auth.async_create_refresh_token(
        hass_admin_user, "https://example.org", credential=hass_admin_credential
    )
    token = hass.auth.async_create_access_token(signed_in)
    done = await fix(hass, hass_client, "room_resource_gone", token)
    kind, flow_id = done["next_flow"]
    assert kind == "config_subentries_flow"
    form = hass.config_entries.subentries.async_get(flow_id)
    assert form["context"]["subentry_id"] == room_id
    halls.winkas.control({"resources": [{"id": 1, "name": "Hal 1"}]})
    await at(hass, freezer, NOW + 72 * HOUR)
    assert "room_resource_gone" not in told(issue_registry)


async def test_a_hall_that_is_gone_together_with_its_room(
    hass: HomeAssistant,
    halls: Halls,
    issue_registry: ir.IssueRegistry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Whoever deletes the room has done what there was to do."""
    await halls.connect(booked(START, END))
    room_id = await halls.add_hall("hold_open")
    await halls.add_hall("hold_open", hall=2)
    halls.winkas.control({"remove_resources": [1]})
    await at(hass, freezer, NOW + 24 * HOUR)
    assert "room_resource_gone" in told(issue_registry)
    hass.config_entries.async_remove_subentry(halls.bookings, room_id)
    await hass.async_block_till_done()
    await minutes(halls, 1)
    assert told(issue_registry) == set()


async def test_an_account_that_is_removed(
    hass: HomeAssistant, halls: Halls, issue_registry: ir.IssueRegistry
) -> None:
    """Nobody wants to read of its rooms any more."""
    await halls.connect(booked(START, END, owner=NOBODY))
    await halls.add_hall("grant", doors=(ENTRANCE,))
    await minutes(halls, 6)
    assert told(issue_registry) == {"room_phone_missing"}
    await hass.config_entries.async_remove(halls.bookings.entry_id)
    assert told(issue_registry) == set()
