"""Actions at the locks of a hotel, whose keys cancel each other."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr

from .halls import booked
from .helpers import settle
from .test_saflok import Hotel

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = NOW + HOUR
END = START + 2 * HOUR
BO = {"name": "Bo Hansen", "phone": "20 99 88 77"}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def hotel(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Hotel]:
    """A hotel whose room is booked by Anna."""
    hotel = Hotel(hass, freezer)
    async with hotel.saflok, hotel.winkas:
        await hotel.connect()
        await hotel.book(booked(START, END))
        yield hotel


def device(hotel: Hotel, entry: ConfigEntry, kind: str) -> str:
    """Return the device of the room, or of the encoder."""
    [found] = entry.get_subentries_of_type(kind)
    registry = dr.async_get(hotel.hass)
    made = registry.async_get_device_by_identifier(
        (DOMAIN, found.subentry_id), entry.entry_id
    )
    return made.id


async def act(hotel: Hotel, action: str, **data: Any) -> dict[str, Any]:
    """Call an action about the room, and let what it starts happen."""
    data = {"device_id": device(hotel, hotel.bookings, "room"), **data}
    answer = await hotel.hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True
    )
    await settle(hotel.hass, hotel.freezer)
    return answer


async def fails(hotel: Hotel, action: str, **data: Any) -> tuple[str, dict[str, str]]:
    """Return what people read when it is not done, and what that names."""
    with pytest.raises(HomeAssistantError) as err:
        await act(hotel, action, **data)
    return err.value.translation_key, err.value.translation_placeholders or {}


def phones(hotel: Hotel, instant: datetime) -> set[str]:
    """Return the phones that open the room at an instant."""
    keys = hotel.saflok.openers("101", instant)
    return {key.bearer.removeprefix("999T") for key in keys if key.mobile}


async def test_an_encoder_is_a_device_of_its_account(
    hass: HomeAssistant, hotel: Hotel
) -> None:
    """It goes with its subentry."""
    registry = dr.async_get(hass)
    one = registry.async_get(device(hotel, hotel.locks, "encoder"))
    assert (one.name, one.manufacturer) == ("Front desk", "Saflok 6000")
    assert registry.async_get(one.via_device_id).name == hotel.locks.title
    hass.config_entries.async_remove_subentry(hotel.locks, one.config_subentry_id)
    await hass.async_block_till_done()
    assert registry.async_get(one.id) is None


async def test_a_visitor_may_not_cancel_the_keys_of_guests(
    hass: HomeAssistant, hotel: Hotel
) -> None:
    """One more guest of the booking does not, and before it is time for a visit."""
    assert phones(hotel, START) == {"+4520123456"}
    during = {"start": END.isoformat(), "duration": "02:00:00"}
    assert await fails(hotel, "grant_access", **during, **BO) == (
        "keys_cancelled",
        {"room": "Skagen"},
    )
    assert phones(hotel, START) == {"+4520123456"}
    await act(hotel, "grant_access", booking_id="1", **BO)
    assert phones(hotel, START) == {"+4520123456", "+4520998877"}
    await act(hotel, "revoke_access", booking_id="1", guest="Bo Hansen")
    assert phones(hotel, START) == {"+4520123456"}
    later = {"start": (END + HOUR).isoformat(), "duration": "02:00:00"}
    assert (await act(hotel, "grant_access", **later, **BO))["state"] == "planned"
