"""A start finds what was stored, and makes it right at once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from homeassistant.config_entries import (
    ConfigEntryDisabler,
    ConfigEntryState,
    ConfigSubentryDataWithId,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE
from simulators.winkas import WinKasSimulator

from .helpers import at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAG = timedelta(minutes=15)
BOOKINGS, DOORS, ROOM = "01BOOKINGS", "01DOORS", "01ROOM"
TARGET = f"door/{DOORS}/{ENTRANCE}"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with one hall."""
    async with WinKasSimulator() as simulator:
        simulator.control({"clear": True, "resources": [{"id": 1201, "name": "Hal 1"}]})
        yield simulator


@pytest.fixture
async def exivo() -> AsyncIterator[ExivoSimulator]:
    """An exivo site."""
    async with ExivoSimulator() as simulator:
        yield simulator


def remember(
    hass_storage: dict[str, Any],
    booked: list[tuple[datetime, datetime]],
    rows: list[dict[str, Any]],
) -> None:
    """Store what an earlier run knew: bookings of the hall, and what it had done."""
    known = [
        {
            "booking": {
                "id": "7" if number == 0 else f"7{number}",
                "resource_id": "1201",
                "start": start.isoformat(),
                "end": end.isoformat(),
                "summary": "Badminton",
                "status": "confirmed",
                "transparent": False,
                "holder": {},
                "participants": [],
                "updated_at": None,
            },
            "misses": 0,
            "missing_since": None,
            "kept": False,
        }
        for number, (start, end) in enumerate(booked)
    ]
    ledger = {
        "installation": "0badcafe",
        "switched": rows,
        "grants": [],
        "shown": {},
        "running": {},
    }
    bookings = {"known": known, "empty_since": None, "held_back": []}
    for key, data in (("ledger", ledger), (BOOKINGS, bookings)):
        hass_storage[f"{DOMAIN}.{key}"] = {
            "version": 1,
            "minor_version": 1,
            "key": f"{DOMAIN}.{key}",
            "data": data,
        }


def open_door(**changes: Any) -> dict[str, Any]:
    """Return the row of a door that we hold open for the hall's booking."""
    row = {
        "target": TARGET,
        "phase": "on",
        "claims": [f"{ROOM}/7"],
        "due": None,
        "before": None,
        "ours": None,
        "attempts": 0,
        "retry_at": None,
        "error": None,
    }
    return {**row, **changes}


async def start(
    hass: HomeAssistant, winkas: WinKasSimulator, exivo: ExivoSimulator
) -> tuple[MockConfigEntry, MockConfigEntry]:
    """Start with a booking account, its room, and the doors of exivo."""
    room = ConfigSubentryDataWithId(
        subentry_id=ROOM,
        subentry_type="room",
        title="Hal 1",
        unique_id="1201",
        data={
            "resource_id": "1201",
            "name": "Hal 1",
            "access_points": [f"{DOORS}/{ENTRANCE}"],
            "access": ["hold_open"],
        },
    )
    bookings = MockConfigEntry(
        domain=DOMAIN,
        entry_id=BOOKINGS,
        title="WinKAS",
        data={"system": "winkas", **winkas.credentials()},
        subentries_data=[room],
    )
    doors = MockConfigEntry(
        domain=DOMAIN,
        entry_id=DOORS,
        title="exivo",
        data={"system": "exivo", **exivo.credentials()},
    )
    bookings.add_to_hass(hass)
    doors.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    return bookings, doors


async def test_rule_05_a_window_that_began_meanwhile_opens_at_once_without_the_vendor(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The booking system is down; its last good bookings open and close the door."""
    winkas.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [])
    bookings, _ = await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert bookings.state is ConfigEntryState.LOADED
    assert exivo.doors[ENTRANCE].mode == "open"
    assert hass.states.get("binary_sensor.hal_1_booked").state == "on"
    await at(hass, freezer, NOW + HOUR + LAG)
    assert exivo.doors[ENTRANCE].mode == "normal"


async def test_rule_10_a_window_that_ended_meanwhile_closes_at_once(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was opened is closed, even if nobody knows the booking any more."""
    exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    remember(hass_storage, [], [open_door()])
    await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"


async def test_rule_11_a_door_that_a_person_locked_stays_locked_over_a_restart(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It was opened for this booking before, so it is not opened for it again."""
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [open_door()])
    winkas.fault("500")
    await start(hass, winkas, exivo)
    await at(hass, freezer, NOW + timedelta(minutes=30))
    assert exivo.doors[ENTRANCE].mode == "normal"
    assert not [path for _, path in exivo.requests if path.endswith("/mode")]


@pytest.mark.parametrize("phase", ["armed", "starting", "ending"])
async def test_rule_08_what_may_have_happened_at_a_crash_is_undone(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    phase: str,
) -> None:
    """The process ended while it switched, and the booking is gone since."""
    due = (NOW - timedelta(minutes=1)).isoformat() if phase == "armed" else None
    exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    remember(hass_storage, [], [open_door(phase=phase, due=due)])
    await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"


async def test_rule_08_what_was_armed_for_later_and_cancelled_is_left_alone(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing was sent yet, so what people did to the door stands."""
    exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    due = (NOW + timedelta(minutes=1)).isoformat()
    remember(hass_storage, [], [open_door(phase="armed", due=due)])
    await start(hass, winkas, exivo)
    await at(hass, freezer, NOW + timedelta(minutes=5))
    assert exivo.doors[ENTRANCE].mode == "open"


async def test_rule_10_a_door_is_closed_although_its_system_is_back_later(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The access system is down at the start, and the window ends meanwhile."""
    exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    exivo.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW)], [open_door()])
    _, doors = await start(hass, winkas, exivo)
    assert doors.state is ConfigEntryState.SETUP_RETRY
    await at(hass, freezer, NOW + LAG)
    exivo.faults.clear()
    for minutes in range(1, 6):
        await at(hass, freezer, NOW + LAG + timedelta(minutes=minutes))
    assert exivo.doors[ENTRANCE].mode == "normal"


async def test_rule_08_removing_the_account_closes_what_it_opened(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """And nothing of its bookings stays on the disk."""
    winkas.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [])
    bookings, _ = await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "open"
    await hass.config_entries.async_remove(bookings.entry_id)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"
    assert f"{DOMAIN}.{BOOKINGS}" not in hass_storage


async def test_rule_11_reloading_an_account_in_a_booking_does_not_touch_the_door(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Neither side's reload does; disabling the bookings closes it."""
    winkas.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [])
    bookings, doors = await start(hass, winkas, exivo)
    await settle(hass, freezer)
    exivo.requests.clear()
    for entry in (bookings, doors):
        await hass.config_entries.async_reload(entry.entry_id)
        await settle(hass, freezer)
    assert not [path for _, path in exivo.requests if path.endswith("/mode")]
    await hass.config_entries.async_set_disabled_by(
        bookings.entry_id, ConfigEntryDisabler.USER
    )
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"


def issued_grant(exivo: ExivoSimulator) -> dict[str, Any]:
    """Return the row of a link that we gave out, and let the vendor have it."""
    visit = exivo.visits[next(iter(exivo.visits))]
    return {
        "reference": "feedbeef",
        "subject": "5ab1ec7",
        "room_id": ROOM,
        "booking_id": "7",
        "account_id": DOORS,
        "points": [ENTRANCE],
        "start": (NOW + HOUR).isoformat(),
        "end": (NOW + 2 * HOUR).isoformat(),
        "state": "issued",
        "evidence": "acknowledged",
        "issued_id": f"{visit.kind}:{visit.id}",
    }


async def test_rule_12_nothing_is_taken_back_while_the_bookings_are_not_known(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Their store was lost: doors stay open as long as planned, keys stay valid."""
    exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    winkas.fault("500")
    until = NOW + timedelta(minutes=30)
    remember(hass_storage, [], [open_door(until=until.isoformat())])
    hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"] = [issued_grant(exivo)]
    del hass_storage[f"{DOMAIN}.{BOOKINGS}"]
    await start(hass, winkas, exivo)
    await at(hass, freezer, until - timedelta(seconds=1))
    assert exivo.doors[ENTRANCE].mode == "open"
    await at(hass, freezer, until)
    assert exivo.doors[ENTRANCE].mode == "normal"
    assert not [path for _, path in exivo.requests if path.endswith("/revoke")]
    winkas.faults.clear()
    for minutes in range(31, 40):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    assert [path for _, path in exivo.requests if path.endswith("/revoke")]


async def test_rule_12_the_first_run_after_an_upgrade_takes_nothing_back(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Not before a complete answer has confirmed it."""
    winkas.fault("500")
    remember(hass_storage, [], [])
    hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"] = [issued_grant(exivo)]
    hass_storage[f"{DOMAIN}.{BOOKINGS}"]["version"] = 0
    await start(hass, winkas, exivo)
    await at(hass, freezer, NOW + timedelta(minutes=5))
    assert not [path for _, path in exivo.requests if path.endswith("/revoke")]
    winkas.faults.clear()
    await at(hass, freezer, NOW + timedelta(minutes=20))
    assert [path for _, path in exivo.requests if path.endswith("/revoke")]


class Watched(dict[str, Any]):
    """Remembers which keys there were at each moment."""

    def __init__(self, rows: dict[str, Any]) -> None:
        super().__init__(rows)
        self.seen = [frozenset(self)]

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self.seen.append(frozenset(self))

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self.seen.append(frozenset(self))

    def pop(self, *args: Any) -> Any:
        value = super().pop(*args)
        self.seen.append(frozenset(self))
        return value

    def history(self, key: str) -> list[bool]:
        """Whether the key was there, each time that this changed."""
        return [there for there, _ in groupby(key in each for each in self.seen)]


async def test_rule_08_no_row_goes_and_comes_again(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A thread may write the ledger at any moment: it must be right at each."""
    remember(hass_storage, [(NOW + HOUR, NOW + 2 * HOUR)], [])
    grant = issued_grant(exivo) | {"end": (NOW + 5 * HOUR).isoformat()}
    hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"] = [grant]
    winkas.fault("500")
    exivo.fault("503", path="/revoke")
    await start(hass, winkas, exivo)
    ledger = hass.data[DATA_HUB].store.ledger
    ledger.switched = switched = Watched(ledger.switched)
    ledger.grants = grants = Watched(ledger.grants)
    for minutes in range(40, 160):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    exivo.faults.clear()
    await at(hass, freezer, NOW + 3 * HOUR)
    assert switched.history(TARGET) == [False, True, False]
    assert grants.history("feedbeef") == [True, False]


async def test_a_key_that_may_not_exist_is_no_worry_once_its_booking_is_over(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The row is remembered, but there is nothing left that anybody could do."""
    exivo.fault("503")
    remember(hass_storage, [(NOW + HOUR, NOW + 2 * HOUR)], [])
    row = issued_grant(exivo) | {"state": "issuing", "issued_id": None}
    row |= {"end": (NOW + 2 * HOUR + LAG).isoformat(), "attempts": 2}
    hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"] = [row]
    winkas.fault("500")
    await start(hass, winkas, exivo)
    await at(hass, freezer, NOW + HOUR)
    attention = hass.states.get("binary_sensor.hal_1_attention")
    assert "grant_failed" in attention.attributes["reasons"]
    await at(hass, freezer, NOW + 2 * HOUR + LAG)
    attention = hass.states.get("binary_sensor.hal_1_attention")
    assert "grant_failed" not in attention.attributes["reasons"]


async def test_rule_10_a_failed_plan_keeps_what_is_open_until_its_end(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing ever stays open because of an error in our code."""
    winkas.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [])
    await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "open"

    def fail(*_: object) -> None:
        raise RuntimeError("a mistake in our code")

    monkeypatch.setattr("custom_components.booking_access.planner.plan", fail)
    await at(hass, freezer, NOW + timedelta(minutes=30))
    assert exivo.doors[ENTRANCE].mode == "open"
    await at(hass, freezer, NOW + HOUR + LAG)
    assert exivo.doors[ENTRANCE].mode == "normal"


async def test_rule_10_a_failed_plan_keeps_nothing_open_for_a_room_that_is_gone(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its bookings are not in doubt: there are none any more."""
    winkas.fault("500")
    remember(hass_storage, [(NOW - HOUR, NOW + HOUR)], [])
    bookings, _ = await start(hass, winkas, exivo)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "open"

    def fail(*_: object) -> None:
        raise RuntimeError("a mistake in our code")

    monkeypatch.setattr("custom_components.booking_access.planner.plan", fail)
    hass.config_entries.async_remove_subentry(bookings, ROOM)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"
