"""What is typed in because nobody can list it: points, encoders, connections to locks."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.booking_access.access_systems.unloc_lock_holder import (
    UnlocLockHolder,
)
from custom_components.booking_access.engine.models import ContractError, MissingRight
from homeassistant.config_entries import ConfigEntry, FlowType
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulators.saflok import SaflokSimulator
from simulators.unloc import UnlocSimulator
from simulators.unloc_holders import DANALOCK_PASSWORD
from simulators.unloc_site import LOCK_HOLDER

from .access_systems.access_cases import CASES
from .access_systems.site import connect
from .flows import fill, open_form, submit, suggestions

pytestmark = pytest.mark.usefixtures("socket_enabled")

DESK = {"name": "Front desk", "identifier": "1"}
BAR = {"name": "Bar", "identifier": "2"}


@pytest.fixture
async def hotel(hass: HomeAssistant) -> AsyncIterator[ConfigEntry]:
    """A hotel, connected."""
    async with SaflokSimulator() as simulator:
        flow = await open_form(hass, "access_system", "saflok")
        answers = fill(flow["data_schema"], dict(simulator.credentials()))
        done = await submit(hass, flow, answers)
        following = done["next_flow"]
        assert following[0] is FlowType.CONFIG_SUBENTRIES_FLOW
        hass.config_entries.subentries.async_abort(following[1])
        yield done["result"]


async def typing(
    hass: HomeAssistant, entry: ConfigEntry, kind: str, there: str | None = None
) -> Any:
    """Open the form of something new, or of something that is there."""
    context = {"source": "user"}
    if there:
        context = {"source": "reconfigure", "subentry_id": there}
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, kind), context=context
    )


async def sent(hass: HomeAssistant, flow: Any, answers: dict[str, Any]) -> Any:
    """Send the form."""
    flow = await hass.config_entries.subentries.async_configure(
        flow["flow_id"], answers
    )
    await hass.async_block_till_done()
    return flow


async def test_an_encoder_is_added_once_and_changed(
    hass: HomeAssistant, hotel: ConfigEntry
) -> None:
    """Blanks around what is pasted go; the same identifier twice is a mistake."""
    done = await sent(
        hass, await typing(hass, hotel, "encoder"), {**DESK, "identifier": " 1 "}
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    [desk] = hotel.get_subentries_of_type("encoder")
    assert (desk.title, desk.unique_id, dict(desk.data)) == ("Front desk", "1", DESK)

    flow = await typing(hass, hotel, "encoder")
    flow = await sent(hass, flow, {**BAR, "identifier": "1"})
    assert flow["errors"] == {"base": "already_typed_in"}
    assert suggestions(flow)["name"] == "Bar"
    assert (await sent(hass, flow, BAR))["type"] is FlowResultType.CREATE_ENTRY

    flow = await typing(hass, hotel, "encoder", desk.subentry_id)
    assert suggestions(flow) == DESK
    done = await sent(hass, flow, {**DESK, "name": "Lobby"})
    assert done["reason"] == "reconfigure_successful"
    assert hotel.subentries[desk.subentry_id].title == "Lobby"
    flow = await typing(hass, hotel, "encoder", desk.subentry_id)
    flow = await sent(hass, flow, {"name": "Lobby", "identifier": "2"})
    assert flow["errors"] == {"base": "already_typed_in"}


async def test_what_is_left_empty_is_named(
    hass: HomeAssistant, hotel: ConfigEntry
) -> None:
    """A room without a number opens nothing."""
    flow = await typing(hass, hotel, "access_point")
    assert set(flow["data_schema"].schema["kind"].config["options"]) == {
        "room",
        "pass_level",
    }
    answers = {"kind": "room", "identifier": " ", "name": "101"}
    flow = await sent(hass, flow, answers)
    assert flow["errors"] == {"identifier": "missing"}
    done = await sent(hass, flow, {**answers, "identifier": "101"})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    [point] = hotel.get_subentries_of_type("access_point")
    assert point.unique_id == "room:101"


async def test_while_the_account_is_not_loaded(
    hass: HomeAssistant, hotel: ConfigEntry
) -> None:
    """It can be typed in all the same."""
    await hass.config_entries.async_unload(hotel.entry_id)
    done = await sent(hass, await typing(hass, hotel, "encoder"), DESK)
    assert done["type"] is FlowResultType.CREATE_ENTRY


@pytest.fixture
async def holder(hass: HomeAssistant) -> AsyncIterator[ConfigEntry]:
    """A lock holder at Unloc, connected."""
    async with UnlocSimulator() as simulator:
        case = CASES["unloc_lock_holder"]
        assert dict(case.forms[0]) == {"lock_holder": LOCK_HOLDER}
        yield await connect(hass, "unloc_lock_holder", case, simulator)


CONNECTION = {
    "vendor": "danalock",
    "username": "haller@seim.example",
    "password": DANALOCK_PASSWORD,
}


async def test_a_connection_is_made_there_and_its_password_is_not_kept(
    hass: HomeAssistant, holder: ConfigEntry
) -> None:
    """To change it is what the form is for later on, so it must be filled in."""
    flow = await typing(hass, holder, "vendor_connection")
    done = await sent(hass, flow, fill(flow["data_schema"], CONNECTION))
    assert done["type"] is FlowResultType.CREATE_ENTRY
    [made] = holder.get_subentries_of_type("vendor_connection")
    assert DANALOCK_PASSWORD not in str(made.data)
    assert made.data["username"] == CONNECTION["username"]
    flow = await typing(hass, holder, "vendor_connection", made.subentry_id)
    assert "password" not in suggestions(flow)
    answers = fill(flow["data_schema"], {**CONNECTION, "password": ""})
    flow = await sent(hass, flow, answers)
    assert flow["errors"] == {"password": "missing"}
    answers = fill(flow["data_schema"], CONNECTION)
    assert (await sent(hass, flow, answers))["reason"] == "reconfigure_successful"
    assert DANALOCK_PASSWORD not in str(holder.as_dict())


@pytest.mark.parametrize(
    ("error", "shown", "told"),
    [
        (
            ContractError("vendorConnection.id"),
            "unexpected_answer",
            "vendorConnection.id",
        ),
        (MissingRight("lockHolder.admin"), "missing_right", "lockHolder.admin"),
        (RuntimeError("ours"), "unknown", None),
    ],
)
async def test_what_goes_wrong_is_said_and_can_be_put_right(
    hass: HomeAssistant,
    holder: ConfigEntry,
    error: Exception,
    shown: str,
    told: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The form comes back with what was filled in."""
    flow = await typing(hass, holder, "vendor_connection")
    answers = fill(flow["data_schema"], CONNECTION)
    with patch.object(UnlocLockHolder, "type_in", side_effect=error):
        flow = await sent(hass, flow, answers)
    assert flow["errors"] == {"base": shown}
    assert told is None or told in flow["description_placeholders"].values()
    assert suggestions(flow)["username"] == CONNECTION["username"]
    assert ("Unexpected error" in caplog.text) is (told is None)
    done = await sent(hass, flow, answers)
    assert done["type"] is FlowResultType.CREATE_ENTRY
