"""From a booking to a code on a lock of Home Assistant, and off it again."""

from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.booking_access.access_systems.lock_codes.slots import BOOK, KEY
from custom_components.booking_access.const import DOMAIN
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from .helpers import Hall, at, settle
from .locks import (
    FOREIGN,
    MAKES,
    MANAGER,
    MatterLock,
    PinLock,
    SchlageLock,
    Slot,
    ZwaveLock,
    install,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
START = NOW + HOUR
END = START + 2 * HOUR
OPENS, CLOSES = START - 10 * MINUTE, END + 5 * MINUTE

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("hass_storage")]


class Site(Hall):
    """A hall with a calendar, and one lock or more that take codes."""

    async def connect(self, make: str, *locks: PinLock) -> None:
        """Install the locks, and give the hall all of them."""
        await install(self.hass, make, *locks)
        self.lock = locks[0].entity_id
        await self.set_up([lock.entity_id for lock in locks])
        if make == MANAGER:
            self.hass.config_entries.async_update_entry(
                self.doors, options={"code_slots": "20-30"}
            )
            await self.hass.async_block_till_done()
        await self.add_room(
            access=["grant"],
            access_points=[f"{self.doors.entry_id}/{lock.entity_id}" for lock in locks],
        )

    async def restart(self) -> None:
        """Start the account anew, with what is stored and no more."""
        await self.hass.config_entries.async_unload(self.doors.entry_id)
        self.hass.data.pop(BOOK, None)
        await self.hass.config_entries.async_setup(self.doors.entry_id)
        await settle(self.hass, self.freezer)

    @property
    def reasons(self) -> list[str]:
        """Why the hall wants attention."""
        state = self.hass.states.get("binary_sensor.sports_hall_attention")
        assert state
        return state.attributes["reasons"]

    async def codes(self) -> list[str]:
        """Tell an administrator the codes of the bookings to come."""
        answer = await self.hass.services.async_call(
            DOMAIN, "get_access", {}, blocking=True, return_response=True
        )
        assert answer
        rooms: Any = answer["rooms"]
        return [each["code"] for room in rooms for each in room["access"]]

    async def move_to(self, instant: datetime, *seconds: int) -> None:
        """Let time come to an instant, and go on for so many seconds from there."""
        await at(self.hass, self.freezer, instant)
        for each in seconds:
            await at(self.hass, self.freezer, instant + timedelta(seconds=each))


@pytest.fixture
def site(hass: HomeAssistant, calendar: str, freezer: FrozenDateTimeFactory) -> Site:
    """A hall that has no lock yet."""
    return Site(hass, freezer, calendar, "")


def guests(lock: PinLock) -> set[str]:
    """Return the codes of guests that open a lock; nobody touches the caretaker's."""
    assert FOREIGN in lock.codes
    return lock.codes - {FOREIGN}


@pytest.mark.parametrize("make", MAKES)
async def test_a_code_for_each_booking(
    hass: HomeAssistant,
    site: Site,
    make: str,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It opens the lock from the lead to the lag, whatever happens in between.

    Those of two bookings, one right after the other, are there together for as long
    as both may come in. Nobody reads them.
    """
    caplog.set_level(logging.DEBUG)
    events = async_capture_events(hass, MATCH_ALL)
    lock = MAKES[make]()
    await site.connect(make, lock)
    await site.book(START, END)
    await site.book(END, END + HOUR, "Yoga")
    await site.move_to(OPENS - timedelta(seconds=1))
    assert guests(lock) == set()
    told = await site.codes()
    await site.move_to(OPENS)
    [first] = guests(lock)
    assert first in told  # people were told it before
    assert len(first) == 6
    await site.restart()
    await site.move_to(START, 60, 120)
    assert guests(lock) == {first}
    await site.move_to(END - 10 * MINUTE)
    [second] = guests(lock) - {first}
    await site.move_to(CLOSES - timedelta(seconds=1))
    assert guests(lock) == {first, second}
    await site.move_to(CLOSES)
    assert guests(lock) == {second}
    await site.move_to(CLOSES + HOUR, 60)
    assert guests(lock) == set()
    assert [what for what, _ in lock.told] == ["set", "set", "clear", "clear"]
    assert site.reasons == []
    assert KEY not in hass_storage

    log = [each.getMessage() for each in caplog.records if "pytest" not in each.name]
    read = str([s.as_dict() for s in hass.states.async_all()])
    read += str([event.as_dict() for event in events]) + "".join(log)
    assert "access_granted" in read
    assert first not in read
    assert second not in read


async def test_a_lock_that_is_asleep_at_the_end(site: Site) -> None:
    """It is asked until it answers, and until then people know."""
    lock = ZwaveLock()
    await site.connect("zwave_js", lock)
    await site.book(START, END)
    await site.move_to(START)
    lock.shown(available=False)
    await site.move_to(CLOSES, 30, 60, 120, 300)
    assert "revoke_failed" in site.reasons
    await site.restart()
    lock.shown(available=True)
    lock.fault = HomeAssistantError("no route")
    for hours in range(1, 4):
        await site.move_to(CLOSES + hours * HOUR)
    assert "revoke_failed" in site.reasons
    assert len(guests(lock)) == 1
    lock.fault = None
    await site.move_to(CLOSES + 5 * HOUR, 60)
    assert guests(lock) == set()
    assert site.reasons == []


async def test_one_lock_of_two_is_away(site: Site) -> None:
    """The other has its code all the same; a booking that is cancelled takes it away."""
    near, far = ZwaveLock("Near door"), ZwaveLock("Far door")
    await site.connect("zwave_js", near, far)
    far.shown(available=False)
    uid = await site.book(START, END)
    await site.move_to(OPENS, 30, 60, 120)
    assert len(guests(near)) == 1
    assert guests(far) == set()
    assert site.reasons != []
    far.shown(available=True)
    await site.move_to(START)
    assert len(guests(far)) == 1
    assert site.reasons == []
    await site.delete(uid)
    await settle(site.hass, site.freezer)
    assert guests(near) == guests(far) == set()


async def test_a_lock_without_room(site: Site) -> None:
    """It is said, and the code goes there as soon as there is room."""
    lock = ZwaveLock(slots=2)
    lock.slots[2] = Slot(in_use=True, usercode="990011")
    await site.connect("zwave_js", lock)
    await site.book(START, END)
    await site.move_to(OPENS, 30, 60, 120)
    assert guests(lock) == {"990011"}
    assert site.reasons == ["code_slots_full"]
    lock.slots[2] = Slot()
    await site.move_to(START)
    assert len(guests(lock)) == 1
    assert site.reasons == []
    await site.move_to(CLOSES)
    assert guests(lock) == set()


async def test_a_lock_of_another_length(site: Site) -> None:
    """It is said that it does not fit in with the others."""
    odd = MatterLock("Odd door")
    odd.shortest = odd.longest = 4
    await install(site.hass, "schlage", SchlageLock("One"), SchlageLock("Two"))
    await install(site.hass, "matter", odd)
    entities = ["lock.odd_door", "lock.one", "lock.two"]
    site.lock = entities[0]
    await site.set_up(entities)
    await site.add_room(access=["grant"])
    await site.book(START, END)
    await site.move_to(OPENS)
    assert site.reasons == ["code_length_unfit"]
    assert guests(odd) == set()
