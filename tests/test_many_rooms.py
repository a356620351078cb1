"""What is done beside the event loop for many rooms and bookings, and stays right."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta
from threading import Event, current_thread, main_thread
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access import account as account_module, planner
from custom_components.booking_access.account import BookingAccount
from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.engine import bookings as engine_bookings
from custom_components.booking_access.engine.models import Absence, Booking, Snapshot
from custom_components.booking_access.engine.plan import plan
from custom_components.booking_access.store import BookingsStore
from homeassistant.config_entries import ConfigSubentryDataWithId
from homeassistant.core import Event as HassEvent, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from simulators.winkas import WinKasSimulator

from .helpers import at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=2)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
COUNT = planner.MANY_ROOMS + 5
IDS = [str(1000 + number) for number in range(COUNT)]

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


def booked(numbers: Iterable[int], start: datetime, first_id: int = 1) -> list[Any]:
    """Return a booking of each room, as the simulator takes it."""
    return [
        {
            "id": first_id + number,
            "resource": 1000 + number,
            "start": start.isoformat(),
            "end": (start + HOUR).isoformat(),
            "subject": "Badminton",
            "owner": {"FirstName": f"Anna {number}"},
        }
        for number in numbers
    ]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with many halls, all of them booked from the same instant on."""
    async with WinKasSimulator() as simulator:
        simulator.control(
            {
                "clear": True,
                "resources": [{"id": int(id_), "name": f"Hal {id_}"} for id_ in IDS],
                "bookings": booked(range(COUNT), START),
            }
        )
        yield simulator


@pytest.fixture
async def entry(hass: HomeAssistant, winkas: WinKasSimulator) -> MockConfigEntry:
    """An account with many rooms, whose locks follow their bookings to the second."""
    timing = {"access_lead": 0, "access_lag": 0}
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="WinKAS",
        data={"system": "winkas", **winkas.credentials()},
        subentries_data=[
            ConfigSubentryDataWithId(
                subentry_id=f"room{id_}",
                subentry_type="room",
                title=f"Hal {id_}",
                unique_id=id_,
                data={"resource_id": id_, "name": f"Hal {id_}", "timing": timing},
            )
            for id_ in IDS
        ],
    )
    entry.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    return entry


def unlocked(hass: HomeAssistant) -> set[str]:
    """Return the resources whose rooms are open."""
    return {
        id_
        for id_ in IDS
        if hass.states.get(f"lock.hal_{id_}_door").state == "unlocked"
    }


async def test_a_plan_made_beforehand_counts_from_its_instant_on(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No room opens early, and what changes at the last moment counts."""
    await at(hass, freezer, START - 2 * planner.AHEAD)
    await at(hass, freezer, START - planner.AHEAD)
    hub = hass.data[DATA_HUB]
    assert hub._planner._ready_at == START
    # Evaluated again before the instant, with what is ready for it at hand.
    freezer.move_to(START - 2 * SECOND)
    hub.evaluate()
    await hass.async_block_till_done()
    assert unlocked(hass) == set()

    winkas.control({"bookings": booked([3], START + HOUR)})
    freezer.move_to(START - SECOND)
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    assert unlocked(hass) == set()

    await at(hass, freezer, START)
    assert unlocked(hass) == {*IDS} - {IDS[3]}
    await at(hass, freezer, START + HOUR)
    assert unlocked(hass) == {IDS[3]}


async def test_rooms_open_without_a_plan_made_beforehand(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake in what is made ready costs nothing but time."""

    failed = []

    def failing(*args: Any) -> Any:
        if current_thread() is not main_thread():
            failed.append(args)
            raise RuntimeError("a mistake in our code")
        return plan(*args)

    monkeypatch.setattr(planner, "plan", failing)
    await at(hass, freezer, START - 2 * planner.AHEAD)
    await at(hass, freezer, START - planner.AHEAD)
    assert failed
    await at(hass, freezer, START)
    assert unlocked(hass) == {*IDS}


async def test_each_booking_of_a_large_answer_is_told_once_and_in_order(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Created comes before started, whatever is done in a thread."""
    monkeypatch.setattr(account_module, "MANY_BOOKINGS", 0)
    told: list[tuple[str, str]] = []

    def note(event: HassEvent) -> None:
        new = event.data["new_state"]
        if new.entity_id.startswith("event.") and "booking_id" in new.attributes:
            told.append((new.attributes["event_type"], new.attributes["booking_id"]))

    hass.bus.async_listen("state_changed", note)
    freezer.tick(SECOND)
    winkas.control({"bookings": booked(range(COUNT), NOW, first_id=500)})
    await entry.runtime_data.async_refresh()
    await hass.async_block_till_done()
    for number in range(COUNT):
        kinds = [kind for kind, id_ in told if id_ == str(500 + number)]
        assert kinds[:2] == ["booking_created", "booking_started"]
        assert len(kinds) == len(set(kinds))
    assert unlocked(hass) == {*IDS}


async def test_a_room_that_is_removed_during_a_set_up_is_left_out(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All the others have their entities."""
    await hass.config_entries.async_unload(entry.entry_id)
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    for _ in range(1000):
        await hass.async_add_executor_job(lambda: None)
        if hass.states.get("calendar.hal_1000_bookings").state != "unavailable":
            break
    hass.config_entries.async_remove_subentry(entry, f"room{IDS[-1]}")
    await setting_up
    await hass.async_block_till_done()
    registry = er.async_get(hass)
    rooms = {
        each.config_subentry_id
        for each in er.async_entries_for_config_entry(registry, entry.entry_id)
    }
    assert rooms == {None, *(f"room{id_}" for id_ in IDS[:-1])}
    assert hass.states.get("switch.hal_1000_alarm").state == "on"


def booking(id_: str, start: datetime, end: datetime) -> Booking:
    """Return a booking of the first room."""
    return Booking(id=id_, resource_id=IDS[0], start=start, end=end)


async def test_what_changes_while_an_answer_is_merged_is_kept(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer is merged in a thread; what was forgotten meanwhile does not come back."""
    monkeypatch.setattr(account_module, "MANY_BOOKINGS", 0)
    account = BookingAccount(BookingsStore(hass, "account"), Absence.LISTING)
    old = booking("old", NOW - HOUR, NOW)
    new = booking("new", START, START + HOUR)

    def answer(*bookings: Booking) -> Snapshot:
        return Snapshot(bookings=bookings, start=NOW - HOUR, end=NOW + 24 * HOUR)

    await account.async_take(hass, answer(old))
    assert account.bookings.known.keys() == {"old"}

    def forget(done: Event) -> None:
        freezer.move_to(NOW + 2 * engine_bookings.KEEP_UNASKED)
        account.forget()
        freezer.move_to(NOW)
        done.set()

    merge = engine_bookings.merge

    def merging(*args: Any) -> Any:
        if current_thread() is not main_thread():
            done = Event()
            hass.loop.call_soon_threadsafe(forget, done)
            assert done.wait(10)
        return merge(*args)

    monkeypatch.setattr(account_module, "merge", merging)
    await account.async_take(hass, answer(new))
    assert account.bookings.known.keys() == {"new"}
    await hass.async_block_till_done()


async def test_what_comes_after_an_account_was_removed_is_not_stored(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    """An answer that was on its way leaves nothing behind."""
    account = BookingAccount(BookingsStore(hass, "account"), Absence.LISTING)
    end = START + HOUR
    snapshot = Snapshot(bookings=(booking("1", START, end),), start=NOW, end=end)
    await account.async_take(hass, snapshot)
    await hass.async_block_till_done()
    assert f"{DOMAIN}.account" in hass_storage
    await account.store.async_remove()
    await account.async_take(hass, Snapshot(bookings=(), start=NOW, end=end))
    await hass.async_block_till_done()
    assert f"{DOMAIN}.account" not in hass_storage
