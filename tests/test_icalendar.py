"""A flat that is booked by a feed, and its door, through a whole life."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest

from homeassistant.core import HomeAssistant
from simulators.icalendar import ICalendarSimulator

from .helpers import add_account, add_room, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLL = timedelta(minutes=5, seconds=1)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Flat:
    """The flat, its door, and time."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        feed: ICalendarSimulator,
        lock: str,
    ) -> None:
        """Know what there is."""
        self.hass = hass
        self.freezer = freezer
        self.feed = feed
        self.lock = lock
        self.now = NOW

    async def set_up(self) -> None:
        """Connect the door and the feed, and make the room."""
        doors = await add_account(
            self.hass, "access_system", "ha_locks", {"entity_ids": [self.lock]}
        )
        form = {"url": f"{self.feed.url}/calendar.ics"}
        entry = await add_account(self.hass, "booking_system", "icalendar", form)
        room = {
            "resource_id": "calendar",
            "name": "Flat",
            "access_points": [f"{doors.entry_id}/{self.lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 0, "access_lag": 0},
        }
        await add_room(self.hass, entry, room)

    def put(self, uid: str, start: datetime, end: datetime, **more: str) -> None:
        """Make the event of a stay, or change it."""
        times = {"start": start.isoformat(), "end": end.isoformat()}
        self.feed.control(
            {"events": [{"uid": uid, "summary": "Stay", **times, **more}]}
        )

    async def poll(self, times: int = 1) -> None:
        """Let the time come at which the feed is read."""
        for _ in range(times):
            await self.at(self.now + POLL)

    async def at(self, instant: datetime) -> None:
        """Let time come to an instant."""
        self.now = instant
        await at(self.hass, self.freezer, instant)

    def is_open(self) -> bool:
        """Whether the door is open."""
        return self.hass.states.get(self.lock).state == "unlocked"

    async def opens(self, start: datetime, end: datetime) -> None:
        """The door is open from the start to the end, to the second."""
        second = timedelta(seconds=1)
        for instant, wanted in (
            (start - second, False),
            (start, True),
            (end - second, True),
            (end, False),
        ):
            await self.at(instant)
            assert self.is_open() is wanted, instant


@pytest.fixture
async def flat(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, lock: str
) -> AsyncIterator[Flat]:
    """A flat with a stay far away, so that the feed is never wholly empty."""
    async with ICalendarSimulator() as feed:
        feed.control({"clear": True})
        flat = Flat(hass, freezer, feed, lock)
        flat.put("far", NOW + 300 * HOUR, NOW + 302 * HOUR)
        await flat.set_up()
        yield flat


async def test_booked_extended_and_moved(flat: Flat) -> None:
    """The door follows what the feed said last."""
    start, end = NOW + HOUR, NOW + 2 * HOUR
    flat.put("stay", start, end)
    await flat.poll()
    flat.put("stay", start, end + HOUR)
    await flat.poll()
    await flat.opens(start, end + HOUR)
    start, end = NOW + 6 * HOUR, NOW + 8 * HOUR
    flat.put("next", start, end)
    await flat.poll()
    flat.put("next", start + HOUR, end + HOUR)
    await flat.poll()
    await flat.at(start)
    assert not flat.is_open()
    await flat.opens(start + HOUR, end + HOUR)


async def test_cancelled_and_taken_out(flat: Flat) -> None:
    """The one at once; the other when two answers lack it."""
    start, end = NOW + HOUR, NOW + 2 * HOUR
    flat.put("stay", start, end)
    await flat.poll()
    flat.put("stay", start, end, status="CANCELLED")
    await flat.poll()
    await flat.at(start)
    assert not flat.is_open()

    flat.put("next", start + 3 * HOUR, end + 3 * HOUR)
    await flat.poll()
    flat.feed.control({"remove": ["next"]})
    await flat.poll(2)
    await flat.at(start + 3 * HOUR)
    assert not flat.is_open()


@pytest.mark.parametrize("fault", ["500", "html", "truncated", "reset", "empty"])
async def test_an_outage_takes_nothing_back_and_afterwards_all_is_right(
    flat: Flat, fault: str
) -> None:
    """What was known stays in force while the feed says nothing that can be believed."""
    start, end = NOW + HOUR, NOW + 2 * HOUR
    flat.put("stay", start, end)
    await flat.poll()
    flat.feed.fault(fault)
    await flat.poll(3)
    await flat.opens(start, end)
    flat.feed.faults.clear()
    flat.put("later", start + 5 * HOUR, end + 5 * HOUR)
    await flat.poll(4)
    await flat.opens(start + 5 * HOUR, end + 5 * HOUR)


async def test_what_was_cancelled_during_an_outage_opens_nothing_after_it(
    flat: Flat,
) -> None:
    start, end = NOW + 2 * HOUR, NOW + 3 * HOUR
    flat.put("stay", start, end)
    await flat.poll()
    flat.feed.fault("503")
    await flat.poll(2)
    flat.put("stay", start, end, status="CANCELLED")
    flat.feed.faults.clear()
    await flat.poll(6)
    await flat.at(start + MINUTE)
    assert not flat.is_open()
