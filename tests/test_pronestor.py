"""A meeting room in Pronestor Planner, through a whole life in Home Assistant."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from simulators.pronestor import SWITCHES, PronestorSimulator
from simulators.pronestor_site import OTHER

from .helpers import add_account, add_room, at

# Danish winter time, UTC+1: 07:00 on the wall.
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=1)
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
POLL = timedelta(minutes=15)
LOGIN = "/api.mvc/v1/Authenticate"
CONNECTED = "binary_sensor.pronestor_planner_127_0_0_1_connected"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def planner(socket_enabled: None) -> AsyncIterator[PronestorSimulator]:
    """A Planner with one room and no bookings yet."""
    async with PronestorSimulator() as simulator:
        room = {"id": 101, "name": "Fyrtårnet", "location": 3}
        simulator.control({"clear": True, "rooms": [room]})
        yield simulator


def meeting(
    number: int = 1, start: datetime = START, end: datetime = END, **more: Any
) -> dict[str, Any]:
    """Return a meeting as the simulator takes it."""
    times = {"start": start.isoformat(), "end": end.isoformat()}
    booker = {"name": "Anna Holm", "email": "anna@example.com", "phone": "20 12 34 56"}
    return {"id": number, "room": 101, "subject": "Ugemøde", "booker": booker} | {
        **times,
        **more,
    }


async def connect(
    hass: HomeAssistant, planner: PronestorSimulator, lock: str, **advanced: str
) -> ConfigEntry:
    """Make a room of the meeting room, with the lock for a door."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    form: dict[str, Any] = {**planner.credentials(), "advanced": advanced}
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    entry = await add_account(hass, "booking_system", "pronestor", form)
    await add_room(
        hass,
        entry,
        {
            "resource_id": "101",
            "access_points": [f"{doors.entry_id}/{lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        },
    )
    return entry


class Door:
    """The room's lock, looked at as time goes by."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, lock: str
    ) -> None:
        """Know the lock."""
        self._hass = hass
        self._freezer = freezer
        self._lock = lock

    async def until(self, instant: datetime) -> str:
        """Let time come to an instant, poll by poll; return what the lock then is."""
        while (now := datetime.now(UTC)) + POLL < instant:
            await at(self._hass, self._freezer, now + POLL)
        await at(self._hass, self._freezer, instant)
        state = self._hass.states.get(self._lock)
        assert state
        return state.state

    async def is_open(self, start: datetime, end: datetime) -> bool:
        """Whether it is open exactly from a booking's lead to its lag."""
        instants = (start - LEAD - SECOND, start - LEAD, end + LAG - SECOND, end + LAG)
        states = [await self.until(instant) for instant in instants]
        return states == ["locked", "unlocked", "unlocked", "locked"]


@pytest.fixture
def door(hass: HomeAssistant, freezer: FrozenDateTimeFactory, lock: str) -> Door:
    """The lock of the meeting room."""
    return Door(hass, freezer, lock)


@pytest.mark.parametrize("dialect", SWITCHES["dialect"])
async def test_the_life_of_bookings(
    hass: HomeAssistant,
    planner: PronestorSimulator,
    lock: str,
    door: Door,
    dialect: str,
) -> None:
    """Booked, moved, cancelled, dropped from the list, through an outage: the door follows."""
    profile = {"profile": json.dumps(OTHER)} if dialect == "other" else {}
    planner.control({"dialect": dialect, "bookings": [meeting()]})
    await connect(hass, planner, lock, **profile)
    assert await door.is_open(START, END)

    # Booked, then moved by an hour.
    start, end = START + timedelta(hours=4), END + timedelta(hours=4)
    hour = timedelta(hours=1)
    planner.control({"bookings": [meeting(2, start, end)]})
    assert await door.until(start - hour) == "locked"
    planner.control({"bookings": [meeting(2, start + hour, end + hour)]})
    assert await door.until(start) == "locked"
    assert await door.is_open(start + hour, end + hour)

    # Cancelled while it runs, and gone at the next poll.
    start, end = start + 4 * hour, end + 6 * hour
    planner.control({"bookings": [meeting(3, start, end)]})
    assert await door.until(start + timedelta(minutes=1)) == "unlocked"
    planner.control({"bookings": [meeting(3, start, end, cancelled=True)]})
    assert await door.until(start + timedelta(minutes=17)) == "locked"

    # Dropped from the list well ahead: it needs to be seen twice.
    start, end = end + 2 * hour, end + 3 * hour
    other = meeting(5, start + 24 * hour, end + 24 * hour)
    planner.control({"bookings": [meeting(4, start, end), other]})
    await door.until(start - hour)
    assert hass.states.get("sensor.fyrtarnet_booking_start").state == start.isoformat()
    planner.control({"remove": [4]})
    assert await door.until(start) == "locked"

    # An outage, through which what is known counts; and what came meanwhile.
    start, end = start + 24 * hour, end + 24 * hour
    await door.until(start - hour)
    planner.fault("503")
    assert await door.is_open(start, end)
    assert hass.states.get(CONNECTED).state == "off"
    planner.faults.clear()
    planner.control({"bookings": [meeting(6, start + 3 * hour, end + 3 * hour)]})
    assert await door.is_open(start + 3 * hour, end + 3 * hour)
    assert hass.states.get(CONNECTED).state == "on"


@pytest.mark.parametrize("refusal", SWITCHES["refusal"])
async def test_sessions_end_and_nobody_notices(
    hass: HomeAssistant,
    planner: PronestorSimulator,
    lock: str,
    door: Door,
    refusal: str,
) -> None:
    """Each poll after that logs in once; a server without a name keeps its cookie."""
    planner.control({"refusal": refusal, "bookings": [meeting()]})
    await connect(hass, planner, lock)
    planner.requests.clear()
    await door.until(NOW + timedelta(minutes=16))
    assert planner.requests
    assert ("POST", LOGIN) not in planner.requests
    planner.tokens.clear()
    planner.requests.clear()
    await door.until(NOW + timedelta(minutes=32))
    assert planner.requests.count(("POST", LOGIN)) == 1
    assert await door.is_open(START, END)
    assert hass.config_entries.flow.async_progress() == []


@pytest.mark.parametrize("refusal", SWITCHES["refusal"])
async def test_a_changed_password_is_asked_for_and_the_door_goes_on(
    hass: HomeAssistant,
    planner: PronestorSimulator,
    lock: str,
    door: Door,
    refusal: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In whatever way the site refuses it."""
    planner.control({"refusal": refusal, "bookings": [meeting()]})
    entry = await connect(hass, planner, lock)
    monkeypatch.setattr("simulators.pronestor.PASSWORD", "another")
    planner.tokens.clear()
    await door.until(NOW + timedelta(minutes=16))
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"
    assert flow["context"]["entry_id"] == entry.entry_id
    assert await door.is_open(START, END)


@pytest.mark.parametrize("date_format", SWITCHES["date_format"])
async def test_the_zone_of_a_site_is_home_assistants(
    hass: HomeAssistant,
    planner: PronestorSimulator,
    lock: str,
    door: Door,
    date_format: str,
) -> None:
    """For times that do not tell theirs."""
    planner.control({"date_format": date_format, "bookings": [meeting()]})
    await connect(hass, planner, lock)
    assert await door.is_open(START, END)


async def test_an_interface_that_changes_is_told(
    hass: HomeAssistant,
    planner: PronestorSimulator,
    lock: str,
    door: Door,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The name that no longer fits, in a repair issue; the door follows what is known."""
    planner.control(
        {"bookings": [meeting(), meeting(2, END + 3 * POLL, END + 5 * POLL)]}
    )
    entry = await connect(hass, planner, lock)
    for number in (1, 2):
        stored = planner.meetings[str(number)]
        stored.extra["Start"] = None
    await door.until(NOW + timedelta(minutes=16))
    issues = [issue for (_, _), issue in issue_registry.issues.items()]
    told = [i for i in issues if i.domain == DOMAIN and entry.entry_id in i.issue_id]
    assert [
        "bookings.start (Start)" in str(i.translation_placeholders) for i in told
    ] == [True]
    assert await door.is_open(START, END)
    for number in (1, 2):
        planner.meetings[str(number)].extra.clear()
    await door.until(END + POLL + POLL)
    assert issue_registry.async_get_issue(DOMAIN, told[0].issue_id) is None
