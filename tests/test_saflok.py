"""Rooms of a hotel: from bookings in WinKAS to keys of Saflok, and back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from simulators.saflok import PASSWORD, SaflokSimulator
from simulators.winkas import WinKasSimulator

from .flows import fill, open_form, submit
from .halls import booked
from .helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + 2 * HOUR
END = START + 2 * HOUR

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Hotel:
    """A WinKAS with a room, and the Saflok that has its lock."""

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Prepare both vendors."""
        self.hass = hass
        self.freezer = freezer
        self.saflok = SaflokSimulator()
        self.winkas = WinKasSimulator()
        self.winkas.control({"clear": True, "resources": [{"id": 1, "name": "Skagen"}]})

    async def connect(self, **options: Any) -> None:
        """Add both accounts, and the room."""
        hass = self.hass
        await hass.config.async_set_time_zone("Europe/Copenhagen")
        hass.config.country = "DK"
        flow = await open_form(hass, "access_system", "saflok")
        answers = fill(flow["data_schema"], self.saflok.credentials())
        flow = await submit(hass, flow, answers)
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        self.locks: ConfigEntry = flow["result"]
        await self.type_in("encoder", name="Front desk", identifier="1")
        await self.type_in("access_point", kind="room", identifier="101", name="Skagen")
        await self.type_in(
            "access_point", kind="pass_level", identifier="3", name="Pool"
        )
        flow = await hass.config_entries.options.async_init(self.locks.entry_id)
        flow = await hass.config_entries.options.async_configure(
            flow["flow_id"], {"mobile_keys": True, **options}
        )
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        await hass.async_block_till_done()
        form = dict(self.winkas.credentials())
        form["advanced"] = {"url": form.pop("url")}
        self.bookings = await add_account(hass, "booking_system", "winkas", form)
        points = ("room:101", "pass_level:3")
        await add_room(
            hass,
            self.bookings,
            {
                "resource_id": "1",
                "access_points": [f"{self.locks.entry_id}/{each}" for each in points],
                "access": ["grant"],
                "timing": {"access_lead": 10, "access_lag": 5},
            },
        )

    async def type_in(self, what: str, **answers: str) -> None:
        """Fill in the form of something that Saflok has no list of."""
        flow = await self.hass.config_entries.subentries.async_init(
            (self.locks.entry_id, what), context={"source": "user"}
        )
        flow = await self.hass.config_entries.subentries.async_configure(
            flow["flow_id"], answers
        )
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        await self.hass.async_block_till_done()

    async def book(self, *bookings: dict[str, Any]) -> None:
        """Add or change bookings, and let WinKAS be asked."""
        self.winkas.control({"bookings": list(bookings)})
        await self.hass.services.async_call(
            DOMAIN,
            "synchronize",
            {"config_entry_id": self.bookings.entry_id},
            blocking=True,
        )
        await settle(self.hass, self.freezer)

    def opens(self, instant: datetime) -> int:
        """Return how many keys open the room at an instant."""
        return len(self.saflok.openers("101", instant))

    def state(self, entity_id: str) -> str | None:
        """Return a state."""
        state = self.hass.states.get(entity_id)
        return state.state if state else None


@pytest.fixture
async def hotel(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Hotel]:
    """A hotel, not yet connected."""
    hotel = Hotel(hass, freezer)
    async with hotel.saflok, hotel.winkas:
        yield hotel


async def test_a_whole_life(
    hass: HomeAssistant,
    hotel: Hotel,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Booked, longer, another time, an outage, cancelled: the room's key is always right."""
    caplog.set_level("DEBUG")
    await hotel.connect()
    await hotel.book(booked(START, END))
    key = hotel.saflok.hotel.keys[0]
    assert (key.bearer, key.stay.guest, key.areas) == (
        "999T+4520123456",
        "Holm",
        {3},
    )
    for instant, count in (
        (START - 11 * MINUTE, 0),
        (START - 10 * MINUTE, 1),
        (END + 4 * MINUTE, 1),
        (END + 5 * MINUTE, 0),
    ):
        assert hotel.opens(instant) == count
    assert hotel.state("sensor.skagen_access_status") == "ready"

    await hotel.book(booked(START, END + HOUR))
    assert hotel.opens(START) >= 1
    assert hotel.opens(END + HOUR) >= 1
    assert hotel.opens(END + HOUR + 5 * MINUTE) == 0

    await at(hass, freezer, START)
    assert hotel.state("sensor.skagen_access_status") == "active"
    hotel.saflok.fault("503")
    await hotel.book(booked(START, END + 2 * HOUR))
    assert hotel.opens(START) >= 1
    hotel.saflok.faults.clear()
    for minutes in (2, 4, 8):
        await at(hass, freezer, START + minutes * MINUTE)
    assert hotel.opens(END + 2 * HOUR) >= 1
    assert "CreateNewBooking" in [name for name, _ in hotel.saflok.calls]
    assert len(hotel.saflok.told("CreateNewBooking")) == 1

    await hotel.book(booked(START, END + 2 * HOUR, extra={"Cancelled": True}))
    await at(hass, freezer, START + 10 * MINUTE)
    assert hotel.opens(START + 10 * MINUTE) == 0
    log = [each for each in caplog.records if not each.name.startswith("pytest_")]
    text = str([(each.getMessage(), each.exc_text) for each in log])
    for secret in (PASSWORD, "20123456", "Holm"):
        assert secret not in text


async def test_an_unknown_outcome(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """It is asked for again, and takes no key away."""
    await hotel.connect()
    hotel.saflok.fault("unknown_outcome", path="#CreateNewBooking", times=1)
    await hotel.book(booked(START, END))
    for minutes in (1, 2, 5):
        await at(hass, freezer, NOW + minutes * MINUTE)
    assert hotel.opens(START) == 2
    assert len(hotel.saflok.told("CreateNewBooking")) == 1
    assert hotel.state("sensor.skagen_access_status") == "ready"


async def test_what_people_can_do_about_it(
    hass: HomeAssistant, hotel: Hotel, freezer: FrozenDateTimeFactory
) -> None:
    """A room that Saflok does not know is said to be so."""
    await hotel.connect()
    hotel.saflok.control({"rooms": ["102"]})
    await hotel.book(booked(START, END))
    await at(hass, freezer, NOW + MINUTE)
    attention = hass.states.get("binary_sensor.skagen_attention")
    assert attention
    assert attention.attributes["reasons"] == ["unknown_room"]
