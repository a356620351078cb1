"""From bookings to points that follow times by themselves, through Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access import systems
from custom_components.booking_access.access_systems.base import AccessSystem
from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.booking_access.engine.models import (
    AccessPoint,
    Account,
    Capability,
    ConnectionFailed,
    OutcomeUnknown,
    PointKind,
    PointState,
    RateLimited,
    Rejected,
)
from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulators.unilock import UniLockSimulator
from simulators.winkas import WinKasSimulator

from .helpers import at, settle, turns_true

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + 2 * HOUR
BOOKINGS, TIMES = "01BOOKINGS", "01TIMES"
ATTENTION = "binary_sensor.hal_1_attention"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]

HOLDS = frozenset({Capability.HOLD})

type Periods = list[tuple[datetime, datetime]]


class Times(AccessSystem):
    """A small access system: points that follow times, and a lock that does not."""

    key = "times"
    name = "Times"
    form = ()
    poll_interval = timedelta(minutes=1)
    concurrency = 3

    points: list[str]
    held: list[bool]
    told: list[tuple[str, Periods]]
    errors: dict[str, Exception]
    hanging: dict[str, asyncio.Event]

    @override
    async def validate(self) -> Account:
        """Return who we are."""
        return Account(id="times", title="Times")

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return the points."""
        can = frozenset({Capability.SCHEDULE})
        lock = AccessPoint(id="lock", name="Lock", capabilities=HOLDS)
        following = (
            AccessPoint(id=p, name=p, kind=PointKind.SCHEDULE, capabilities=can)
            for p in self.points
        )
        return (lock, *following)

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Tell how the lock is."""
        return {"lock": PointState(ready=True, held_open=self.held[-1:] == [True])}

    @override
    async def hold(self, point_id: str, *, held: bool) -> None:
        """Switch the lock; anything else follows its times and nothing else."""
        if point_id != "lock":
            raise Rejected("holding open is not supported")
        self.held.append(held)

    @override
    async def set_schedule(
        self, point_id: str, periods: Sequence[tuple[datetime, datetime]]
    ) -> None:
        """Replace the times of a point, or fail as the test wants it."""
        self.told.append((point_id, list(periods)))
        if hanging := self.hanging.get(point_id):
            await hanging.wait()
        if error := self.errors.get(point_id):
            raise error


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> type[Times]:
    """The small access system, registered and yet without any news."""
    made = type("Registered", (Times,), {"points": ["hall", "front"], "held": []})
    made.told, made.errors, made.hanging = [], {}, {}
    monkeypatch.setitem(systems.ACCESS_SYSTEMS, "times", made)  # type: ignore[arg-type]
    return made


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with two halls."""
    async with WinKasSimulator() as simulator:
        halls = [{"id": number, "name": f"Hal {number}"} for number in (1, 2)]
        simulator.control({"clear": True, "resources": halls})
        yield simulator


def booked(
    start: datetime, end: datetime, number: int = 1, hall: int = 1, **rest: Any
) -> dict[str, Any]:
    """Return a booking of a hall, as the simulator takes it."""
    times = {"start": start.isoformat(), "end": end.isoformat()}
    return {"id": number, "resource": hall, "owner": {}, **times, **rest}


def room(number: int, *points: str) -> ConfigSubentryDataWithId:
    """Return the room of a hall, with a lead of 10 and a lag of 5 minutes."""
    return ConfigSubentryDataWithId(
        subentry_id=f"01ROOM{number}",
        subentry_type="room",
        title=f"Hal {number}",
        unique_id=str(number),
        data={
            "resource_id": str(number),
            "name": f"Hal {number}",
            "access_points": [f"{TIMES}/{point}" for point in points],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        },
    )


async def start(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    *rooms: ConfigSubentryDataWithId,
    common: tuple[str, ...] = (),
    system: Mapping[str, Any] = MappingProxyType({"system": "times"}),
) -> tuple[ConfigEntry, ConfigEntry]:
    """Start with both accounts and some rooms."""
    bookings = MockConfigEntry(
        domain=DOMAIN,
        entry_id=BOOKINGS,
        title="WinKAS",
        data={"system": "winkas", **winkas.credentials()},
        options={"common_access_points": [f"{TIMES}/{point}" for point in common]},
        subentries_data=rooms,
    )
    doors = MockConfigEntry(
        domain=DOMAIN, entry_id=TIMES, title="Times", data=dict(system)
    )
    bookings.add_to_hass(hass)
    doors.add_to_hass(hass)
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done(wait_background_tasks=True)
    return bookings, doors


async def book(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    winkas: WinKasSimulator,
    *bookings: dict[str, Any],
) -> None:
    """Add or change bookings, and have WinKAS asked."""
    winkas.control({"bookings": list(bookings)})
    await hass.services.async_call(DOMAIN, "synchronize", {}, blocking=True)
    await settle(hass, freezer)


def reasons(hass: HomeAssistant) -> list[str]:
    """Return why the first hall wants attention."""
    found: list[str] = hass.states.get(ATTENTION).attributes["reasons"]
    return found


def window(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """Return when the doors are to be open for a booking."""
    return start - 10 * MINUTE, end + 5 * MINUTE


async def test_a_room_hands_over_the_times_of_its_bookings(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A lock of the same room is switched in time; polls without news say nothing."""
    bookings, doors = await start(hass, winkas, room(1, "hall", "lock"))
    status = "sensor.hal_1_access_status"
    await book(hass, freezer, winkas, booked(START, START + HOUR))
    assert times.told == [("hall", [window(START, START + HOUR)])]
    assert hass.states.get(status).state == "ready"
    end = START + 3 * HOUR
    await book(hass, freezer, winkas, booked(START + HOUR, end, 2))
    assert times.told[1:] == [("hall", [window(START, end)])]
    answer = await hass.services.async_call(
        DOMAIN, "get_plan", {}, blocking=True, return_response=True
    )
    line = answer["rooms"][0]["plan"][0]
    assert line["targets"] == [f"door/{TIMES}/lock"]
    assert line["handed_over"] == [f"{TIMES}/hall"]
    for entry in (bookings, doors):
        told = await async_get_config_entry_diagnostics(hass, entry)
        [row] = told["ledger"]["schedules"]
        begin, last = window(START, end)
        assert row["point"] == f"{TIMES}/hall"
        assert row["periods"] == [{"from": begin, "to": last}]

    times.told.clear()
    for instant in (START - 10 * MINUTE, START, START + HOUR, end):
        await at(hass, freezer, instant)
        await book(hass, freezer, winkas)
        assert set(times.held) == {True}
        assert hass.states.get(status).state == "active"
    await at(hass, freezer, end + 5 * MINUTE)
    assert times.held[-1] is False
    assert times.told == []
    assert reasons(hass) == []


async def test_rule_07_rooms_share_a_point_and_each_end_makes_room(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A common point follows the bookings of all rooms, a room's own only its own."""
    ends = [START + HOUR, START + 6 * HOUR]
    winkas.control(
        {"bookings": [booked(START, ends[0]), booked(ends[1] - HOUR, ends[1], 2, 2)]}
    )
    bookings, _ = await start(hass, winkas, room(1, "hall"), room(2), common=("front",))
    both = [window(START, ends[0]), window(ends[1] - HOUR, ends[1])]
    assert sorted(times.told) == [("front", both), ("hall", both[:1])]
    times.told.clear()
    await book(hass, freezer, winkas)
    assert times.told == []
    await at(hass, freezer, both[0][1] - MINUTE)
    assert times.told == []
    await at(hass, freezer, both[0][1])
    assert times.told == [("front", both[1:])]  # for one that did not fit before

    times.told.clear()
    await book(hass, freezer, winkas, booked(START, ends[0], extra={"Cancelled": True}))
    assert times.told == []
    await book(
        hass, freezer, winkas, booked(START, ends[1], 2, 2, extra={"Cancelled": True})
    )
    assert times.told == [("front", [])]
    times.told.clear()
    await book(hass, freezer, winkas, booked(ends[1], ends[1] + HOUR, 3))
    assert len(times.told) == 2
    times.told.clear()
    hass.config_entries.async_remove_subentry(bookings, "01ROOM1")
    await settle(hass, freezer)
    assert sorted(times.told) == [("front", []), ("hall", [])]
    assert set(hass.data[DATA_HUB].store.ledger.schedules) == {f"{TIMES}/front"}


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailed("down"),
        OutcomeUnknown("no answer"),
        RateLimited(timedelta(seconds=30)),
        Rejected("refused"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_rule_09_what_a_point_does_not_take_is_tried_until_it_does(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    error: Exception,
) -> None:
    """The second failure is shown."""
    times.errors["hall"] = error
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    await start(hass, winkas, room(1, "hall"))
    event = "event.hal_1_booking"
    assert len(times.told) == 1
    assert reasons(hass) == []
    assert hass.states.get("sensor.hal_1_access_status").state == "planned"
    await at(hass, freezer, NOW + MINUTE)
    assert len(times.told) == 2
    assert reasons(hass) == ["schedule_failed"]
    assert hass.states.get("sensor.hal_1_access_status").state == "attention"
    told = hass.states.get(event).attributes
    assert (told["event_type"], told["booking_id"]) == ("access_failed", "1")
    for minutes in range(2, 60, 3):
        await at(hass, freezer, NOW + minutes * MINUTE)
    assert len(times.told) > 10
    times.errors.clear()
    times.told.clear()
    await at(hass, freezer, NOW + HOUR + 2 * MINUTE)
    assert times.told == [("hall", [window(START, START + HOUR)])]
    assert reasons(hass) == []
    assert hass.states.get("sensor.hal_1_access_status").state == "ready"


async def test_rule_09_a_point_that_answers_late_delays_no_other(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told the news of the meantime when it has answered."""
    late = times.hanging["hall"] = asyncio.Event()
    await start(hass, winkas, room(1, "hall"), room(2, "front"))
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    await hass.data[DATA_HUB].hass.services.async_call(
        DOMAIN, "synchronize", {}, blocking=True
    )
    assert await turns_true(lambda: len(times.told) == 1)
    winkas.control(
        {"bookings": [booked(START, START + 2 * HOUR), booked(NOW, START, 2, 2)]}
    )
    await hass.services.async_call(DOMAIN, "synchronize", {}, blocking=True)
    assert await turns_true(lambda: len(times.told) == 2)
    assert times.told[1] == ("front", [window(NOW, START)])
    late.set()
    await settle(hass, freezer)
    assert times.told[2:] == [("hall", [window(START, START + 2 * HOUR)])]


async def test_rule_08_times_are_written_down_before_they_are_sent(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    times: type[Times],
    winkas: WinKasSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So after a crash in between they are known, and are taken back if need be."""
    written: list[Any] = []
    tell = times.set_schedule

    async def look(self: Times, *args: Any) -> None:
        written.extend(hass_storage[f"{DOMAIN}.ledger"]["data"]["schedules"])
        await tell(self, *args)

    monkeypatch.setattr(times, "set_schedule", look)
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    await start(hass, winkas, room(1, "hall"))
    begin, end = window(START, START + HOUR)
    assert [(each["point"], each["confirmed"]) for each in written] == [
        (f"{TIMES}/hall", False)
    ]
    assert written[0]["periods"] == [
        {"start": begin.isoformat(), "end": end.isoformat()}
    ]
    assert len(times.told) == 1


def remember(hass_storage: dict[str, Any], **row: Any) -> None:
    """Store what a run that crashed had told, or was about to tell, the hall's point."""
    begin, end = window(START, START + HOUR)
    known = {
        "point": f"{TIMES}/hall",
        "periods": [{"start": begin.isoformat(), "end": end.isoformat()}],
        "confirmed": True,
        **row,
    }
    ledger = {"installation": "0badcafe", "switched": [], "grants": [], "shown": {}}
    hass_storage[f"{DOMAIN}.ledger"] = {
        "version": 1,
        "minor_version": 1,
        "key": f"{DOMAIN}.ledger",
        "data": {**ledger, "running": {}, "schedules": [known]},
    }


async def test_rule_08_after_a_crash_what_may_not_have_been_sent_is_sent(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    times: type[Times],
    winkas: WinKasSimulator,
) -> None:
    remember(hass_storage, confirmed=False)
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    await start(hass, winkas, room(1, "hall"))
    assert times.told == [("hall", [window(START, START + HOUR)])]


async def test_rule_12_lost_bookings_stay_handed_over_until_a_whole_answer(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    remember(hass_storage)
    winkas.fault("500")
    await start(hass, winkas, room(1, "hall"), room(2, "hall"))
    await at(hass, freezer, NOW + 30 * MINUTE)
    assert times.told == []
    winkas.faults.clear()
    await at(hass, freezer, NOW + HOUR)
    assert times.told == [("hall", [])]


async def test_rule_05_what_is_known_stays_handed_over_while_nobody_answers(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Neither side: and when the points' account is back, it is told what is new."""
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    _, doors = await start(hass, winkas, room(1, "hall"))
    times.told.clear()
    winkas.fault("500")
    await at(hass, freezer, NOW + 20 * MINUTE)
    assert times.told == []
    winkas.faults.clear()
    await hass.config_entries.async_unload(doors.entry_id)
    await book(hass, freezer, winkas, booked(START, START + 2 * HOUR))
    assert times.told == []
    assert reasons(hass) == ["account_not_loaded"]
    await hass.config_entries.async_setup(doors.entry_id)
    await settle(hass, freezer)
    assert times.told == [("hall", [window(START, START + 2 * HOUR)])]
    assert reasons(hass) == []

    times.told.clear()
    times.errors["hall"] = ConnectionFailed("down")
    for minutes in (30, 31, 33, 36):
        await book(hass, freezer, winkas, booked(START, START + 3 * HOUR))
        await at(hass, freezer, NOW + minutes * MINUTE)
    assert reasons(hass) == ["schedule_failed"]
    times.errors.clear()
    await hass.config_entries.async_reload(doors.entry_id)
    await settle(hass, freezer)  # at once, not at the next try
    assert times.told[-1] == ("hall", [window(START, START + 3 * HOUR)])
    assert reasons(hass) == []


@pytest.mark.parametrize("fails", [False, True])
async def test_a_removed_account_is_left_empty(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
    fails: bool,
) -> None:
    """What could not be taken back is named."""
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    times.points.append("empty")
    _, doors = await start(hass, winkas, room(1, "hall", "front"), room(2, "empty"))
    await book(hass, freezer, winkas, booked(START, START + HOUR, 2, 2))
    cancelled = booked(START, START + HOUR, 2, 2, extra={"Cancelled": True})
    await book(hass, freezer, winkas, cancelled)
    assert times.told[-1] == ("empty", [])
    times.told.clear()
    if fails:
        times.errors["hall"] = ConnectionFailed("down")
    await hass.config_entries.async_remove(doors.entry_id)
    await hass.async_block_till_done()
    assert sorted(times.told) == [("front", []), ("hall", [])]
    assert hass.data[DATA_HUB].store.ledger.schedules == {}
    issue = issue_registry.async_get_issue(DOMAIN, f"left_behind_{TIMES}")
    assert (issue.translation_placeholders["schedules"] if issue else None) == (
        "1" if fails else None
    )
    assert reasons(hass) == ["door_gone"]


async def test_what_was_told_to_an_account_that_no_longer_exists_is_forgotten(
    hass: HomeAssistant, hass_storage: dict[str, Any], times: type[Times]
) -> None:
    """Nobody can take it back any more; its removal said so."""
    remember(hass_storage)
    await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert times.told == []
    assert hass.data[DATA_HUB].store.ledger.schedules == {}


async def test_a_point_that_is_gone_at_the_vendor_is_forgotten_with_its_room(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """As long as a room has it, that is said and it is tried."""
    winkas.control({"bookings": [booked(START, START + HOUR)]})
    bookings, _ = await start(hass, winkas, room(1, "hall"))
    times.points.remove("hall")
    times.errors["hall"] = Rejected("unknown point")
    await book(hass, freezer, winkas, booked(START, START + 2 * HOUR))
    await at(hass, freezer, NOW + 5 * MINUTE)
    await at(hass, freezer, NOW + 10 * MINUTE)
    assert reasons(hass) == ["door_gone", "schedule_failed"]
    hass.config_entries.async_remove_subentry(bookings, "01ROOM1")
    await settle(hass, freezer)
    await at(hass, freezer, NOW + 15 * MINUTE)
    assert times.told[-1] == ("hall", [])
    assert hass.data[DATA_HUB].store.ledger.schedules == {}


async def test_a_mistake_of_ours_hands_nothing_over_and_stops_nothing_else(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The next look may be right again."""
    await start(hass, winkas, room(1, "hall"))
    hub = hass.data[DATA_HUB]
    with monkeypatch.context() as patched:
        patched.setattr(hub._planner, "schedules", lambda: 1 / 0)
        await book(hass, freezer, winkas, booked(START, START + HOUR))
        assert "Points could not be told their times" in caplog.text
        assert hass.states.get("sensor.hal_1_access_status").state == "planned"
    await at(hass, freezer, NOW + 2 * MINUTE)
    assert times.told == [("hall", [window(START, START + HOUR)])]


@pytest.mark.freeze_time(datetime(2026, 10, 24, 12, 0, tzinfo=UTC))
async def test_a_booking_over_the_night_when_clocks_go_back_is_handed_over_whole(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
) -> None:
    """From one o'clock to five is five hours then."""
    begin = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # 01:00 in Copenhagen
    end = datetime(2026, 10, 25, 4, 0, tzinfo=UTC)  # 05:00 there
    winkas.control({"bookings": [booked(begin, end)]})
    await start(hass, winkas, room(1, "hall"))
    assert times.told == [("hall", [window(begin, end)])]


async def test_a_shared_exception_of_unilock_follows_the_bookings(
    hass: HomeAssistant, winkas: WinKasSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """To the minute: also once Home Assistant is down, and no longer than booked."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    begin, end = window(START, START + HOUR)
    async with UniLockSimulator() as unilock:
        system = {"system": "unilock", **unilock.credentials()}
        await start(hass, winkas, room(1, "shared_exception:3"), system=system)
        await book(hass, freezer, winkas, booked(START, START + HOUR))
        assert hass.states.get("sensor.hal_1_access_status").state == "ready"
        assert not unilock.site.is_active("3", begin - MINUTE)
        assert unilock.site.is_active("3", begin)
        assert unilock.site.is_active("3", end - MINUTE)
        assert not unilock.site.is_active("3", end)
        cancelled = booked(START, START + HOUR, extra={"Cancelled": True})
        await book(hass, freezer, winkas, cancelled)
        assert not unilock.site.is_active("3", begin)


async def test_rule_04_times_of_bookings_that_vanished_at_once_stay(
    hass: HomeAssistant,
    times: type[Times],
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Until a human says that they are gone."""
    starts = [START + 3 * number * HOUR for number in range(4)]
    every = [booked(each, each + HOUR, n) for n, each in enumerate(starts, 1)]
    winkas.control({"bookings": every})
    await start(hass, winkas, room(1, "hall"))
    times.told.clear()
    winkas.control({"remove": [1, 2, 3, 4]})
    await book(hass, freezer, winkas, booked(NOW + HOUR, NOW + HOUR, 9))
    for minutes in (1, 2, 5, 70):
        await at(hass, freezer, NOW + minutes * MINUTE)
    assert times.told == []
    hass.data[DATA_HUB].async_answer_brake(BOOKINGS, revoke=True)
    await settle(hass, freezer)
    assert times.told == [("hall", [])]
