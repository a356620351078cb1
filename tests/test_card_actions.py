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
from simulators.saflok import SaflokSimulator

from .flows import fill, open_form, submit
from .halls import booked
from .helpers import at, settle
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


def device(hotel: Hotel, entry: ConfigEntry, kind: str, identifier: str = "") -> str:
    """Return the device of the room, or of an encoder."""
    [found] = [
        each
        for each in entry.get_subentries_of_type(kind)
        if identifier in ("", each.data.get("identifier"))
    ]
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


async def test_keys_of_a_blocked_booking_open_nothing_until_it_is_let_in_again(
    hass: HomeAssistant, hotel: Hotel
) -> None:
    """They are the same keys then; a server that does not answer is said to be so."""
    hotel.saflok.fault("404")
    one = {"booking_id": "1"}
    assert await fails(hotel, "revoke_access", **one) == (
        "not_revoked_yet",
        {"room": "Skagen"},
    )
    assert phones(hotel, START) == {"+4520123456"}
    hotel.saflok.faults.clear()
    for _ in range(8):
        await settle(hass, hotel.freezer)
    assert phones(hotel, START) == set()
    await act(hotel, "grant_access", **one)
    assert phones(hotel, START) == {"+4520123456"}
    assert len(hotel.saflok.hotel.keys) == 1


def opens(hotel: Hotel, instant: datetime) -> list[str]:
    """Return where the cards were written that open the room at an instant."""
    keys = hotel.saflok.openers("101", instant)
    return [key.bearer for key in keys if not key.mobile]


@pytest.fixture
async def cards(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Hotel]:
    """A hotel without keys in phones, whose room is booked by Anna."""
    hotel = Hotel(hass, freezer)
    async with hotel.saflok, hotel.winkas:
        await hotel.connect(mobile_keys=False)
        await hotel.book(booked(START, END))
        yield hotel


async def test_cards_of_a_booking(hass: HomeAssistant, cards: Hotel) -> None:
    """A duplicate keeps those before, an original is for one that was lost."""
    await cards.type_in("encoder", name="Bar", identifier="2")
    desk = device(cards, cards.locks, "encoder", "1")
    told = await act(cards, "issue_key", encoder=desk)
    assert told == {
        "room": "Skagen",
        "booking_id": "1",
        "encoder": "Front desk",
        "duplicate": True,
    }
    assert opens(cards, START) == ["1"]
    await act(cards, "issue_key", encoder="bar")
    assert opens(cards, START) == ["1", "2"]
    await act(cards, "issue_key", encoder="2", duplicate=False, booking_id="1")
    assert opens(cards, START) == ["2"]
    assert opens(cards, END + HOUR) == []
    [room] = (await act(cards, "get_access"))["rooms"]
    assert {each["booking_id"] for each in room["access"]} == {"1"}
    await cards.book(booked(START, END, extra={"Cancelled": True}))
    assert opens(cards, START) == []


async def test_why_no_card_is_written(
    hass: HomeAssistant, cards: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """Each with what to do at the desk."""
    named = {"room": "Skagen", "encoder": "Front desk"}

    async def why(**data: Any) -> tuple[str, dict[str, str]]:
        return await fails(cards, "issue_key", **data)

    assert await why(encoder="Spa") == ("encoder_unknown", {"encoder": "Spa"})
    assert (await why(booking_id="9"))[0] == "booking_unknown"
    for reason, key in (
        ("VIP_NO_CARD_PRESENT", "card_not_presented"),
        ("EncoderBusy", "card_encoder_busy"),
        ("EncoderNoResponse", "card_unclear"),
    ):
        cards.saflok.control({"encoders": {"1": {"card": reason}}})
        assert await why() == (key, named)
    cards.saflok.control({"encoders": {"1": {"card": "MaxDuplicatesMadeReached"}}})
    key, names = await why()
    assert (key, names | named) == ("card_refused", names)
    assert names["reason"] == "No more keys can be made for a booking"
    cards.saflok.control({"encoders": {"1": {"card": "present"}}})
    cards.saflok.fault("404")
    assert await why() == ("card_not_reachable", named)
    cards.saflok.faults.clear()
    await cards.type_in("encoder", name="Bar", identifier="2")
    assert await why() == ("encoder_missing", {"room": "Skagen"})
    await act(cards, "revoke_access", booking_id="1")
    assert await why(encoder="1", booking_id="1") == ("card_not_booked", named)
    await at(hass, freezer, END + HOUR)
    assert await why(encoder="1") == ("no_booking", {"room": "Skagen"})


async def test_cards_are_those_of_the_rooms_own_access_system(
    hass: HomeAssistant, cards: Hotel
) -> None:
    """Nobody waits at an encoder that can do nothing for the room."""
    first = cards.locks
    async with SaflokSimulator() as other:
        flow = await open_form(hass, "access_system", "saflok")
        answers = fill(flow["data_schema"], other.credentials())
        cards.locks = (await submit(hass, flow, answers))["result"]
        await cards.type_in("encoder", name="Annex", identifier="1")
        annex = device(cards, cards.locks, "encoder")
        cards.locks = first
        assert await fails(cards, "issue_key", encoder=annex) == (
            "encoder_elsewhere",
            {"encoder": "Annex", "room": "Skagen"},
        )
        told = await act(cards, "issue_key", encoder="1")
    assert told["encoder"] == "Front desk"
    [room] = cards.bookings.get_subentries_of_type("room")
    data = {**room.data, "access_points": []}
    hass.config_entries.async_update_subentry(cards.bookings, room, data=data)
    await hass.async_block_till_done()
    assert await fails(cards, "issue_key") == ("no_card_system", {"room": "Skagen"})
