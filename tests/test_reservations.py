"""Hotel rooms: keys in phones and cards of a lock server that cancels earlier ones."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.coordinator import AccessCoordinator
from custom_components.booking_access.engine.by_hand import Altered
from custom_components.booking_access.engine.ledger import GrantState
from custom_components.booking_access.engine.models import (
    ConnectionFailed,
    Issued,
    OutcomeUnknown,
    Rejected,
    Traits,
)
from custom_components.booking_access.hub import Hub
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from simulators.saflok import SaflokSimulator

from .halls import Halls, booked
from .helpers import add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = NOW + HOUR
END = START + 2 * HOUR
LAG = 5 * MINUTE
EVA = {"FirstName": "Eva", "LastName": "Vester", "Mobile": "20 99 99 99"}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Hotel:
    """Two rooms that are booked in WinKAS, and their lock server."""

    def __init__(self, hass: HomeAssistant, halls: Halls, locks: SaflokSimulator):
        """Know what there is."""
        self.hass, self.halls, self.locks = hass, halls, locks
        self.rooms: list[str] = []

    async def open(self, *bookings: dict[str, Any], mobile: bool = True) -> None:
        """Connect everything."""
        await self.hass.config.async_set_time_zone("Europe/Copenhagen")
        await self.halls.connect(*bookings)
        typed = [
            ("access_point", {"kind": "room", "identifier": "101"}),
            ("access_point", {"kind": "room", "identifier": "102"}),
            ("access_point", {"kind": "pass_level", "identifier": "3"}),
            ("encoder", {"name": "Front desk", "identifier": "1"}),
        ]
        self.server = MockConfigEntry(
            domain=DOMAIN,
            title="Saflok",
            data={
                "system": "saflok",
                **self.locks.credentials(),
                "mobile_keys": mobile,
            },
            subentries_data=[
                ConfigSubentryData(
                    data=data, subentry_type=kind, title="", unique_id=None
                )
                for kind, data in typed
            ],
        )
        self.server.add_to_hass(self.hass)
        assert await self.hass.config_entries.async_setup(self.server.entry_id)
        await self.hass.async_block_till_done()
        for hall, number in ((1, "101"), (2, "102")):
            points = (f"room:{number}", "pass_level:3")
            room = {
                "resource_id": str(hall),
                "access_points": [f"{self.server.entry_id}/{each}" for each in points],
                "access": ["grant"],
                "timing": {"access_lead": 10, "access_lag": 5},
            }
            self.rooms.append(await add_room(self.hass, self.halls.bookings, room))
        await settle(self.hass, self.halls.freezer)

    @property
    def hub(self) -> Hub:
        """The hub."""
        return self.hass.data[DATA_HUB]

    def opens(self, room: str = "101", instant: datetime = START) -> list[str]:
        """Return whose keys open a room."""
        return [each.bearer for each in self.locks.openers(room, instant)]

    def done(self, operation: str) -> int:
        """Return how often the lock server was asked for something."""
        return [name for name, _ in self.locks.calls].count(operation)

    async def issue_card(self, number: int = 1, *, duplicate: bool = False) -> Issued:
        """Write a card for a booking of the first room."""
        room = self.hub.rooms[self.rooms[0]]
        known = self.hub.known_bookings(self.halls.bookings.entry_id)
        return await self.hub.async_issue_key(
            room, known[str(number)], "1", duplicate=duplicate
        )

    async def block(self, *, blocked: bool) -> None:
        """Block the first booking, or unblock it."""
        entry_id = self.halls.bookings.entry_id
        known = self.hub.known_bookings(entry_id)["1"]
        altered = Altered(account_id=entry_id, booking=known, blocked=blocked)
        await self.hub.by_hand.async_alter(altered)
        await settle(self.hass, self.halls.freezer)


@pytest.fixture
async def hotel(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Hotel]:
    """A hotel that is not yet connected."""
    async with Halls(hass, freezer) as halls, SaflokSimulator() as locks:
        yield Hotel(hass, halls, locks)


ANNAS, EVAS, CARD = "999T+4520123456", "999T+4520999999", "1"


@pytest.mark.parametrize("cancels", ["at_once", "at_first_use"])
async def test_next_guest_gets_a_key_when_the_stay_before_is_over(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory, cancels: str
) -> None:
    """Their windows overlap by ten minutes; people read that the second one waits."""
    hotel.locks.control({"cancels": cancels})
    next_stay = booked(END, END + HOUR, 2, owner=EVA)
    other_room = booked(START, END, 3, hall=2, owner=EVA)
    await hotel.open(booked(START, END), next_stay, other_room)
    assert hotel.opens() == [ANNAS]
    assert hotel.opens("102") == [EVAS]  # the pass level that they share is no room
    await at(hass, freezer, END)
    reasons = hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"]
    assert "earlier_guest" in reasons
    answer = await hass.services.async_call(
        DOMAIN, "get_plan", {}, blocking=True, return_response=True
    )
    stages = {
        line["booking_id"]: line["stage"]
        for line in answer["rooms"][0]["plan"]
        if line["effect"] == "access"
    }
    assert stages == {"1": "now", "2": "waiting"}
    assert hotel.opens(instant=END + LAG - MINUTE) == [ANNAS]
    await at(hass, freezer, END + LAG)
    assert hotel.opens(instant=END + LAG) == [EVAS]
    reasons = hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"]
    assert reasons == []


async def test_guest_who_comes_first_is_let_in_although_the_next_was_armed(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """And the next one is, when the time comes."""
    later = booked(END + HOUR, END + 2 * HOUR, 2, owner=EVA)
    await hotel.open(later)
    assert hotel.opens(instant=END + HOUR) == [EVAS]
    await hotel.halls.book(booked(START, END))
    assert hotel.opens() == [ANNAS]
    await at(hass, freezer, START)
    assert hotel.opens() == [ANNAS]
    await at(hass, freezer, END + LAG)
    await settle(hass, freezer)
    assert hotel.opens(instant=END + HOUR) == [EVAS]


async def test_rule_03_stay_is_changed_without_a_new_booking(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """Longer, and then in another room; keys and cards follow, and end with it."""
    await hotel.open(booked(START, END))
    await at(hass, freezer, START)
    await hotel.issue_card(duplicate=True)
    assert hotel.opens() == [ANNAS, CARD]
    await hotel.halls.book(booked(START, END + HOUR))
    assert sorted(set(hotel.opens(instant=END + LAG))) == [CARD, ANNAS]
    await hotel.halls.book(booked(START, END + HOUR, hall=2))
    assert hotel.opens("101") == []
    assert set(hotel.opens("102")) == {ANNAS, CARD}
    assert hotel.done("CreateNewBooking") == 1
    rows = hotel.hub.store.ledger.grants.values()
    assert [(row.state, row.replaces) for row in rows] == [(GrantState.ISSUED, "")] * 2
    await hotel.halls.book(booked(START, END, extra={"Cancelled": True}))
    assert hotel.opens("102") == []
    assert not hotel.hub.store.ledger.grants


async def test_rule_03_what_the_server_cannot_change_is_made_anew(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """A card cannot: people are told, and it stays where it does no harm."""
    await hotel.open(booked(START, END))
    await hotel.issue_card(duplicate=True)
    hotel.locks.control({"omit": ["ExtendCheckOut", "ChangeKeyAccess"]})
    await hass.config_entries.async_reload(hotel.server.entry_id)
    await at(hass, freezer, START)
    await hotel.halls.book(booked(START, END + HOUR))
    assert CARD in hotel.opens()
    reasons = hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"]
    assert "new_card_needed" in reasons


async def test_rule_08_change_whose_answer_is_lost_is_done_again(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """Never as a new booking."""
    await hotel.open(booked(START, END))
    hotel.locks.fault("unknown_outcome", path="#ExtendCheckOut", times=1)
    await hotel.halls.book(booked(START, END + HOUR))
    states = {row.state for row in hotel.hub.store.ledger.grants.values()}
    assert states == {GrantState.ISSUED, GrantState.ISSUING}
    await hotel.halls.wait(8)
    [row] = hotel.hub.store.ledger.grants.values()
    assert (row.state, row.end) == (GrantState.ISSUED, END + HOUR + LAG)
    assert (hotel.done("ExtendCheckOut"), hotel.done("CreateNewBooking")) == (2, 1)
    assert hotel.opens(instant=END + LAG) == [ANNAS]


async def test_blocked_booking_opens_nothing_until_it_is_unblocked(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """Its keys are blocked, and are the same ones afterwards."""
    await hotel.open(booked(START, END))
    await hotel.issue_card(duplicate=True)
    await hotel.block(blocked=True)
    assert hotel.opens() == []
    assert {row.state for row in hotel.hub.store.ledger.grants.values()} == {
        GrantState.SUSPENDED
    }
    with pytest.raises(Rejected, match="no_card_access"):
        await hotel.issue_card()
    await hotel.block(blocked=False)
    assert hotel.opens() == [ANNAS, CARD]
    assert hotel.done("CreateNewBooking") == 1
    await hotel.block(blocked=True)
    await hotel.halls.book(booked(START, END, extra={"Cancelled": True}))
    assert not hotel.hub.store.ledger.grants
    assert hotel.opens() == []


async def test_block_that_the_server_refuses_takes_keys_back(
    hass: HomeAssistant, hotel: Hotel
) -> None:
    await hotel.open(booked(START, END))
    hotel.locks.control({"omit": ["DenyAccessToGuest"]})
    await hass.config_entries.async_reload(hotel.server.entry_id)
    await hotel.block(blocked=True)
    assert hotel.opens() == []


async def test_card_is_noted_before_it_is_written(
    hass: HomeAssistant, hotel: Hotel, hass_storage: dict[str, Any]
) -> None:
    """What was refused is forgotten, what is in doubt goes with its booking."""
    await hotel.open(booked(START, END), mobile=False)
    [room, _] = hotel.hub.rooms.values()
    assert (room.config.granted, len(room.config.cards)) == ((), 2)
    hotel.locks.control({"encoders": {"1": {"card": "TimeoutWaitingKey"}}})
    with pytest.raises((Rejected, ConnectionFailed)):
        await hotel.issue_card()
    assert not hotel.hub.store.ledger.grants
    hotel.locks.control({"encoders": {"1": {"card": "present"}}})
    hotel.locks.fault("unknown_outcome", path="#CreateNewBooking", times=1)
    with pytest.raises(OutcomeUnknown):
        await hotel.issue_card()
    [row] = hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    assert (row["state"], row["card"], row["issued_id"]) == ("issuing", True, None)
    await hotel.halls.wait(30, 90)
    assert hotel.done("CreateNewBooking") == 2
    assert hotel.opens() == [CARD]
    await hotel.halls.book(booked(START, END, extra={"Cancelled": True}))
    assert (hotel.opens(), hotel.hub.store.ledger.grants) == ([], {})


async def test_original_card_leaves_phones_their_keys(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """It ends the card that was lost; a phone is sent another key, and follows the booking."""
    await hotel.open(booked(START, END))
    await hotel.issue_card(duplicate=True)
    lost = hotel.locks.hotel.keys[-1].number
    await hotel.issue_card()
    await settle(hass, freezer)
    assert hotel.opens() == [CARD, ANNAS]
    assert lost not in [key.number for key in hotel.locks.openers("101", START)]
    await hotel.halls.book(booked(START, END + HOUR))
    assert hotel.opens(instant=END + LAG) == [CARD, ANNAS]
    await hotel.halls.book(booked(START, END + HOUR, extra={"Cancelled": True}))
    assert (hotel.opens(), hotel.hub.store.ledger.grants) == ([], {})


async def test_card_is_refused_while_the_guest_before_has_the_room(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    await hotel.open(booked(START, END), booked(END, END + HOUR, 2, owner=EVA))
    await at(hass, freezer, END)
    with pytest.raises(Rejected, match="earlier_guest"):
        await hotel.issue_card(2)
    assert hotel.opens(instant=END) == [ANNAS]
    await at(hass, freezer, END + LAG)
    await hotel.issue_card(2, duplicate=True)
    assert hotel.opens(instant=END + LAG) == [EVAS, CARD]


async def test_card_may_take_longer_to_write_than_anything_else(
    hass: HomeAssistant, hotel: Hotel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has to fetch one first."""
    limits: list[float] = []
    real = asyncio.timeout

    def timeout(limit: float | None) -> asyncio.Timeout:
        limits.append(limit or 0)
        return real(limit)

    await hotel.open(booked(START, END))
    monkeypatch.setattr(asyncio, "timeout", timeout)
    await hotel.issue_card(duplicate=True)
    assert max(limits) > 60


async def test_how_grants_behave_is_remembered_while_their_account_is_not_loaded(
    hass: HomeAssistant, hass_storage: dict[str, Any], hotel: Hotel
) -> None:
    """Else all would wait for each other at a pass level; it goes with the account."""
    await hotel.open(booked(START, END))
    room = hotel.hub.rooms[hotel.rooms[0]]
    before, points = room.config, sorted(room.config.points)
    level = Traits(changes=True, suspends=True)
    assert [before.traits[each].overrides for each in points] == [False, True]
    assert before.traits[points[0]] == level
    await hass.config_entries.async_unload(hotel.server.entry_id)
    hotel.hub.async_doors_changed(hotel.server.entry_id)
    assert room.config == before
    assert list(hotel.hub.store.ledger.traits) == [points[0]]
    await hass.config_entries.async_remove(hotel.server.entry_id)
    await hass.async_block_till_done()
    assert hotel.hub.store.ledger.traits == {}
    assert hotel.hub.operations.traits(points[0]) == Traits()


async def test_of_points_never_heard_of_grants_behave_as_their_system_says(
    hass: HomeAssistant, hotel: Hotel
) -> None:
    await hotel.open()
    point = f"{hotel.server.entry_id}/room:999"
    assert hotel.hub.operations.traits(point) == Traits(
        changes=True, overrides=True, suspends=True
    )
    assert isinstance(hotel.hub.doors[hotel.server.entry_id], AccessCoordinator)


async def test_guest_keeps_the_code_whatever_becomes_of_the_booking(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """It gets longer; it is blocked where that means to take it back, and unblocked."""
    async with Halls(hass, freezer) as halls:
        await halls.connect(booked(START, END))
        await halls.add_hall("grant")
        [first] = halls.keys
        await halls.book(booked(START, END + HOUR))
        [longer] = halls.keys
        assert longer.id != first.id
        assert longer.posted["code"] == first.posted["code"]
        hub = hass.data[DATA_HUB]
        known = hub.known_bookings(halls.bookings.entry_id)["1"]
        entry_id = halls.bookings.entry_id
        for blocked, count in ((True, 0), (False, 1)):
            altered = Altered(account_id=entry_id, booking=known, blocked=blocked)
            await hub.by_hand.async_alter(altered)
            await settle(hass, freezer)
            assert len(halls.keys) == count
            [row] = hub.store.ledger.grants.values()
            assert row.state == ("planned" if blocked else "issued")
        [again] = halls.keys
        assert again.posted["code"] == first.posted["code"]
