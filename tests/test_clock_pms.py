"""A hotel room of Clock PMS+ in Home Assistant, from booking to check-out."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.booking_systems import sns
from custom_components.booking_access.transport import Answer
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from simulators import amazon
from simulators.clock_pms import API_KEY, ClockSimulator

from .helpers import add_account, add_room, at, settle

# Copenhagen in winter is an hour ahead.
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CHECK_IN = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
CHECK_OUT = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)
SECOND = timedelta(seconds=1)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def clock() -> AsyncIterator[ClockSimulator]:
    """A hotel with two rooms and no bookings yet."""
    async with ClockSimulator(calls_a_second=10_000) as simulator:
        rooms = [{"id": 101, "name": "101"}, {"id": 102, "name": "102"}]
        simulator.control({"clear": True, "rooms": rooms})
        yield simulator


class Hotel:
    """The hotel's room 101 in Home Assistant, with a real lock."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        clock: ClockSimulator,
        lock: str,
    ) -> None:
        """Know what there is."""
        self.hass, self.freezer, self.clock, self.lock = hass, freezer, clock, lock

    async def set_up(self) -> ConfigEntry:
        """Connect the lock and the hotel, and make a room of 101."""
        await self.hass.config.async_set_time_zone("Europe/Copenhagen")
        doors = await add_account(
            self.hass, "access_system", "ha_locks", {"entity_ids": [self.lock]}
        )
        self.entry = await add_account(
            self.hass, "booking_system", "clock_pms", dict(self.clock.credentials())
        )
        room = {
            "resource_id": "101",
            "name": "Room 101",
            "access_points": [f"{doors.entry_id}/{self.lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        }
        await add_room(self.hass, self.entry, room)
        return self.entry

    def book(self, id_: int = 501, **changes: Any) -> None:
        """Make or change a booking at Clock."""
        if id_ not in self.clock.tables["bookings"]:
            stay = {"arrival": "2026-11-22", "departure": "2026-11-24"}
            guest = {"guest_last_name": "Holm", "guest_phone_number": "+4520123456"}
            changes = {**stay, **guest, **changes}
        self.clock.control({"bookings": [{"id": id_, **changes}]})

    async def at(self, instant: datetime) -> bool:
        """Let time come to an instant; return whether the door is open then."""
        await at(self.hass, self.freezer, instant)
        await settle(self.hass, self.freezer)
        return self.is_open

    async def poll(self) -> bool:
        """Let time come to the next poll; return whether the door is open then."""
        return await self.at(datetime.now(UTC) + timedelta(minutes=2, seconds=5))

    @property
    def is_open(self) -> bool:
        """Whether the door is open."""
        return self.hass.states.get(self.lock).state == "unlocked"


@pytest.fixture
async def hotel(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    clock: ClockSimulator,
    lock: str,
) -> Hotel:
    """A hotel that is set up."""
    hotel = Hotel(hass, freezer, clock, lock)
    await hotel.set_up()
    return hotel


async def test_a_stay(hotel: Hotel) -> None:
    """No room yet, a room, an outage, longer, elsewhere and back, and out."""
    hotel.book(arrival_room_id=None)
    assert not await hotel.poll()
    assert not await hotel.at(CHECK_IN - timedelta(hours=1))
    hotel.book(arrival_room_id=101, current_room_id=101)
    assert not await hotel.poll()
    assert not await hotel.at(CHECK_IN - LEAD - 3 * SECOND)
    assert await hotel.at(CHECK_IN - LEAD)
    hotel.book(status="checked_in")
    assert await hotel.poll()

    hotel.clock.fault("500")
    assert await hotel.poll()
    assert (
        hotel.hass.states.get("binary_sensor.clock_pms_9021_connected").state == "off"
    )
    assert await hotel.at(CHECK_IN + timedelta(hours=5))
    hotel.clock.faults.clear()
    assert await hotel.poll()
    assert hotel.hass.states.get("binary_sensor.clock_pms_9021_connected").state == "on"

    hotel.book(departure="2026-11-25")
    assert await hotel.poll()
    assert await hotel.at(CHECK_OUT + LAG)
    hotel.book(current_room_id=102)
    assert not await hotel.poll()
    hotel.book(current_room_id=101)
    assert await hotel.poll()
    hotel.book(status="checked_out")
    assert not await hotel.poll()
    hotel.book(status="checked_in")
    assert await hotel.poll()
    end = CHECK_OUT + timedelta(days=1)
    assert await hotel.at(end + LAG - 3 * SECOND)
    assert not await hotel.at(end + LAG)


async def test_a_cancellation(hotel: Hotel) -> None:
    """It closes the door within one poll, and one that is taken back opens it."""
    hotel.book(current_room_id=101)
    await hotel.poll()
    assert await hotel.at(CHECK_IN)
    hotel.book(status="canceled")
    assert not await hotel.poll()
    hotel.book(status="expected")
    assert await hotel.poll()
    hotel.book(status="no_show")
    assert not await hotel.poll()


async def test_a_booking_that_was_deleted(hotel: Hotel) -> None:
    """The door stays shut when its time comes."""
    hotel.book(current_room_id=101, arrival="2026-11-24", departure="2026-11-26")
    hotel.book(502, current_room_id=101, arrival="2026-11-27", departure="2026-11-28")
    await hotel.poll()
    hotel.clock.control({"remove_bookings": [501]})
    await hotel.at(NOW + timedelta(days=1, minutes=10))
    await hotel.poll()
    assert not await hotel.at(datetime(2026, 11, 24, 14, 30, tzinfo=UTC))
    assert await hotel.at(datetime(2026, 11, 27, 14, 30, tzinfo=UTC))


async def test_an_id_that_cannot_be_read_keeps_its_door(hotel: Hotel) -> None:
    """Whatever is answered in place of it, but 404."""
    hotel.book(current_room_id=101)
    await hotel.poll()
    hotel.clock.fault("500", path="bookings/501")
    await hotel.at(NOW + timedelta(days=1, minutes=10))
    assert await hotel.poll()


async def test_a_booking_that_makes_no_sense_is_said(
    hotel: Hotel, issue_registry: ir.IssueRegistry
) -> None:
    """And it stays as it was."""
    hotel.book(current_room_id=101)
    await hotel.poll()
    hotel.book(status="waiting")
    await hotel.poll()
    issue_id = f"bad_bookings_{hotel.entry.entry_id}"
    issue = issue_registry.async_get_issue("booking_access", issue_id)
    assert issue.translation_placeholders["items"] == "booking 501 (status)"
    assert await hotel.at(CHECK_IN)
    hotel.book(status="checked_in")
    assert await hotel.poll()
    assert issue_registry.async_get_issue("booking_access", issue_id) is None


@pytest.mark.parametrize(
    ("fault", "data", "said"),
    [
        ("401", {}, "The sign-in was refused"),
        (None, {"rights": ["pms_api_bookings_index"]}, "lacks a right: pms_api_bookings_index"),
        ("banned", {}, "The server asks us to wait"),
        (None, {"api_installed": False}, "no usable answer"),
    ],
)  # fmt: skip
async def test_doors_go_on_when_clock_refuses_us(
    hotel: Hotel,
    caplog: pytest.LogCaptureFixture,
    fault: str | None,
    data: dict[str, Any],
    said: str,
) -> None:
    """Each refusal is said in its own words."""
    hotel.book(current_room_id=101)
    await hotel.poll()
    hotel.clock.control(data)
    for kind in filter(None, [fault]):
        hotel.clock.fault(kind)
    await hotel.poll()
    assert said in caplog.text
    assert await hotel.at(CHECK_IN)
    assert not await hotel.at(CHECK_OUT + LAG)
    assert bool(hotel.hass.config_entries.flow.async_progress()) == (fault == "401")


async def test_a_ban_is_waited_for(hotel: Hotel) -> None:
    """Two hours without a call, and then everything is well."""
    hotel.clock.fault("banned", times=1)
    await hotel.poll()
    hotel.clock.requests.clear()
    hotel.book(current_room_id=101)
    begun = datetime.now(UTC)
    for minutes in range(10, 115, 15):
        await hotel.at(begun + timedelta(minutes=minutes))
    assert hotel.clock.requests == []
    await hotel.at(begun + timedelta(hours=2, minutes=1))
    assert hotel.clock.requests
    assert await hotel.at(CHECK_IN)


async def test_a_start_without_clock(hotel: Hotel) -> None:
    """What is stored opens the door."""
    hotel.book(current_room_id=101)
    await hotel.poll()
    hotel.clock.fault("503")
    assert await hotel.hass.config_entries.async_reload(hotel.entry.entry_id)
    await hotel.hass.async_block_till_done()
    assert hotel.entry.state is ConfigEntryState.LOADED
    assert await hotel.at(CHECK_IN - LEAD)


async def test_news_change_the_door_at_once(
    hotel: Hotel,
    hass_client_no_auth: ClientSessionGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a poll; and only those that Amazon signed."""
    fetched = []

    async def fetch(_: sns.Sns, url: str) -> Answer:
        fetched.append(sns.amazon_url(url).path)
        return Answer(status=200, headers={}, body=amazon.certificate())

    monkeypatch.setattr(sns.Sns, "_fetch", fetch)
    path = f"/api/webhook/{hotel.entry.data['webhook_id']}"
    client = await hass_client_no_auth()

    async def bring(record: amazon.Record) -> int:
        answer = await client.post(path, data=json.dumps(record))
        await settle(hotel.hass, hotel.freezer)
        return answer.status

    hotel.clock.control({"subscribe": f"https://home.example.org{path}"})
    assert await bring(hotel.clock.amazon.confirmation()) == 200
    hotel.clock.control({"confirm": True})
    hotel.book(current_room_id=101)
    await hotel.poll()
    assert await hotel.at(CHECK_IN)
    hotel.book(status="canceled")
    record = hotel.clock.amazon.notification("booking_canceled", {"booking_id": 501})
    assert await bring(record | {"MessageId": "forged"}) == 403
    assert hotel.is_open
    assert await bring(record) == 200
    assert not hotel.is_open
    hotel.book(status="expected")
    record = hotel.clock.amazon.notification("booking_expected", {"booking_id": 501})
    assert await bring(record) == 200
    assert hotel.is_open
    assert fetched == [amazon.CERTIFICATE, "/"]


async def test_nothing_personal_is_told(
    hotel: Hotel, caplog: pytest.LogCaptureFixture
) -> None:
    """In no log, and in no state."""
    caplog.set_level(logging.DEBUG)
    hotel.book(current_room_id=101, guest_e_mail="anna@example.com")
    await hotel.poll()
    hotel.clock.fault("html", times=1)
    await hotel.poll()
    await hotel.at(CHECK_IN)
    logged = [  # but for what stands in for the disk
        record.getMessage()
        for record in caplog.records
        if not record.name.startswith("pytest")
    ]
    assert any(record.startswith("Finished fetching Clock") for record in logged)
    told = str(logged + [s.as_dict() for s in hotel.hass.states.async_all()])
    words = ("Holm", "20123456", "anna@example.com", API_KEY)
    assert not [word for word in words if word in told]
