"""Diagnostics and system health: enough to see why, and nothing about people."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.shapes import shape_of
from homeassistant.components.diagnostics import REDACTED
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from simulators.exivo_site import ENTRANCE

from .halls import Halls, booked
from .helpers import Hall, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
# The token that diagnostics are asked for with holds for half an hour.
START = NOW + timedelta(minutes=20)
END = START + HOUR
PERSON = {
    "FirstName": "Zebedæus",
    "LastName": "Quistgaard",
    "Mobile": "20 98 76 54",
    "Email": "zq@example.org",
}
PERSONAL = ("Zebed", "Quistgaard", "20 98 76 54", "20987654", "zq@example.org")

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """A hall whose people get a link and a code, and who come within the hour."""
    async with Halls(hass, freezer) as halls:
        await halls.connect(booked(START, END, owner=PERSON))
        halls.room = await halls.add_hall("hold_open", "grant")
        yield halls


async def told(
    hass: HomeAssistant,
    client: ClientSessionGenerator,
    entry: ConfigEntry,
    **which: str,
) -> dict[str, Any]:
    """Return what a person downloads, for an account or one of its devices."""
    assert await async_setup_component(hass, "diagnostics", {})
    if not which:
        return await get_diagnostics_for_config_entry(hass, client, entry)
    [(kind, name)] = which.items()
    identifier = name if kind == "room" else f"{entry.entry_id}{name}"
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, identifier), entry.entry_id
    )
    return await get_diagnostics_for_device(hass, client, entry, device)


async def test_a_booking_account(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, halls: Halls
) -> None:
    """How it is set up, what its rooms will do and why, and what was done for them."""
    found = await told(hass, hass_client, halls.bookings)
    assert found["account"]["data"]["system"] == "winkas"
    assert found["account"]["data"]["password"] == REDACTED
    assert found["polling"]["works"] is True
    assert found["polling"]["interval_seconds"] > 0
    assert {each["status"] for each in found["answers"]} == {200}
    assert found["bookings"]["known"] == 1
    [room] = found["rooms"]
    assert room["modes"] == ["grant", "hold_open"]
    assert room["bookings"][0]["people"] == [{"phone": True, "email": True}]
    access = [each for each in room["timeline"] if each["effect"] == "access"]
    assert [(each["stage"], each["rule"]) for each in access] == [("coming", "booked")]
    assert datetime.fromisoformat(access[0]["from"]) == START - timedelta(minutes=10)
    [grant] = found["ledger"]["grants"]
    assert grant["state"] == "issued"
    assert (grant["code"], grant["issued"]) == (True, True)


async def test_an_access_account(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What its doors can do, how they are, and what is open there."""
    await at(hass, freezer, START)
    await halls.wait(2)
    found = await told(hass, hass_client, halls.doors)
    assert found["account"]["data"]["api_secret"] == REDACTED
    assert found["rooms"] == []
    door = found["doors"][ENTRANCE]
    assert "hold" in door["capabilities"]
    assert door["state"]["held_open"] is True
    [held] = found["ledger"]["switched"]
    assert held["target"].endswith(ENTRANCE)
    assert held["phase"] == "on"
    assert len(found["ledger"]["grants"]) == 1


async def test_one_room_one_door_and_the_account_by_their_devices(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, halls: Halls
) -> None:
    """Each tells of itself alone."""
    room = await told(hass, hass_client, halls.bookings, room=halls.room)
    assert room["room"]["id"] == halls.room
    assert len(room["ledger"]["grants"]) == 1
    door = await told(hass, hass_client, halls.doors, door=f"/{ENTRANCE}")
    assert door["rooms"] == [halls.room]
    assert door["door"]["kind"] == "door"
    account = await told(hass, hass_client, halls.doors, account="")
    assert ENTRANCE in account["doors"]


async def test_nothing_personal_and_no_secret_is_told(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Not even while things go wrong."""
    halls.winkas.control({"raw": {"1": [{"BookingOwner": PERSON}]}})
    await halls.synchronize()
    await at(hass, freezer, START)
    [key] = halls.keys
    secrets = {
        str(value)
        for simulator in (halls.winkas, halls.exivo)
        for name, value in simulator.credentials().items()
        if name not in ("url", "site_id")
    }
    everything = [
        await told(hass, hass_client, halls.bookings),
        await told(hass, hass_client, halls.doors),
        await told(hass, hass_client, halls.bookings, room=halls.room),
        await told(hass, hass_client, halls.doors, door=f"/{ENTRANCE}"),
    ]
    text = json.dumps(everything, ensure_ascii=False)
    assert key.posted["code"].isdigit()
    words = {*PERSONAL, key.posted["code"], key.id, *secrets}
    assert {word for word in words if word in text} == set()


async def test_what_was_not_understood_shows_its_shape(
    hass: HomeAssistant, hass_client: ClientSessionGenerator, halls: Halls
) -> None:
    """The names of its fields, none of its values."""
    halls.winkas.fault("html")
    with pytest.raises(HomeAssistantError):
        await halls.synchronize()
    found = await told(hass, hass_client, halls.bookings)
    assert found["polling"]["works"] is False
    assert found["polling"]["because"] == "ContractError"
    assert found["answers"][-1]["shape"] == "<!DOCTYPE html>"
    assert all(each["shape"] is None for each in found["answers"][:-1])


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (
            b'{"Name": "Anna", "n": 1, "ok": true, "no": null}',
            {"Name": "text", "n": "number", "ok": "boolean", "no": "null"},
        ),
        (
            b'[{"id": 1}, {"id": 2}, {"id": "x"}]',
            {"length": 3, "of": [{"id": "number"}, {"id": "text"}]},
        ),
        (b'{"anna@example.org": {}, "4520123456": 1}', {"\u2026": 2}),
        (
            b'{"a":{"b":{"c":{"d":{"e":{"f":{"g":1}}}}}}}',
            {"a": {"b": {"c": {"d": {"e": {"f": "\u2026"}}}}}},
        ),
        (b"<?xml version='1.0'?><s:Envelope>", "<s:Envelope>"),
        (b"BEGIN:VCALENDAR", "calendar"),
        (b"Anna Holm", "text"),
        (b"[" * 100_000, "text"),
    ],
)
def test_shapes(body: bytes, shape: Any) -> None:
    """A name that may be a person is counted, and no more."""
    assert shape_of(body) == shape


async def test_an_account_with_doors_of_home_assistant(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    calendar: str,
    lock: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nobody there answers by HTTP."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    await hall.add_room()
    found = await told(hass, hass_client, hall.doors)
    assert found["answers"] == []
    assert len(found["account"]["data"]["entity_ids"]) == 1


async def test_system_health(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Whether accounts answer, which rooms need somebody, and what is handed out."""
    assert await async_setup_component(hass, "system_health", {})
    facts = await get_system_health_info(hass, DOMAIN)
    assert facts == {
        "accounts": 2,
        "accounts_connected": 2,
        "rooms": 1,
        "rooms_attention": 0,
        "keys_out": 1,
        "keys_to_revoke": 0,
        "next_action": (START - timedelta(minutes=15)).isoformat(),
    }
    halls.winkas.fault("500")
    with pytest.raises(HomeAssistantError):
        await halls.synchronize()
    await at(hass, freezer, END + 2 * HOUR)
    facts = await get_system_health_info(hass, DOMAIN)
    assert facts["accounts_connected"] == 1
    assert facts["next_action"] == "-"
