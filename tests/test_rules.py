"""What is decided about bookings, seen at the doors and in the keys of people."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.access_systems.exivo import Exivo
from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.engine.ledger import Phase, Switched
from custom_components.booking_access.engine.models import Grant, Issued
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from simulators.base import Fault
from simulators.exivo_site import ENTRANCE, SEMINAR, Visit
from simulators.icalendar import ICalendarSimulator

from .halls import LAG, LEAD, Halls, booked
from .helpers import Hall, add_account, add_room, at, settle, turns_true

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = NOW + HOUR
END = START + 2 * HOUR

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def halls(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[Halls]:
    """Two halls and their doors, not yet connected."""
    async with Halls(hass, freezer) as halls:
        yield halls


@pytest.fixture
async def feed() -> AsyncIterator[ICalendarSimulator]:
    """An iCalendar feed without events."""
    async with ICalendarSimulator() as simulator:
        simulator.control({"clear": True})
        yield simulator


@pytest.fixture
async def hall(
    hass: HomeAssistant, calendar: str, lock: str, freezer: FrozenDateTimeFactory
) -> Hall:
    """A hall with a calendar of Home Assistant and a lock, not yet a room."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    return hall


async def set_options(hass: HomeAssistant, entry: ConfigEntry, **answers: Any) -> None:
    """Change an account's options, as a person would."""
    flow = await hass.config_entries.options.async_init(entry.entry_id)
    await hass.config_entries.options.async_configure(flow["flow_id"], answers)
    await hass.async_block_till_done()


async def known(hass: HomeAssistant) -> set[str]:
    """Return the ids of all bookings that count."""
    answer = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    return {each["booking_id"] for room in answer["rooms"] for each in room["bookings"]}


async def rules(hass: HomeAssistant) -> dict[str, str]:
    """Return by which rule each booking counts, or does not."""
    answer = await hass.services.async_call(
        DOMAIN, "get_plan", {}, blocking=True, return_response=True
    )
    lines = [line for room in answer["rooms"] for line in room["plan"]]
    return {line["booking_id"]: line["rule"] for line in lines}


@pytest.mark.parametrize(
    ("start", "end"),
    [(START, END + HOUR), (START, END - HOUR), (NOW, END), (START + HOUR, END)],
    ids=["extended", "shortened", "earlier", "starts later"],
)
async def test_rule_03_a_running_booking_is_changed(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    start: datetime,
    end: datetime,
) -> None:
    """The door and the one key follow to the second; nobody is without in between."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", "grant")
    await at(hass, freezer, START + 10 * MINUTE)
    await halls.book(booked(start, end))
    [key] = halls.keys
    assert (key.start, key.end) == (start - LEAD, end + LAG)
    is_open = start - LEAD <= START + 10 * MINUTE
    assert halls.mode() == ("open" if is_open else "normal")
    await at(hass, freezer, start - LEAD + MINUTE)
    assert halls.mode() == "open"
    await at(hass, freezer, end + LAG - SECOND)
    assert halls.mode() == "open"
    await at(hass, freezer, end + LAG)
    assert halls.mode() == "normal"


async def test_rule_03_a_running_booking_changes_its_room(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """The other door opens, the old one closes; the new key comes before the old goes."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", "grant")
    await halls.add_hall("hold_open", "grant", hall=2, doors=(SEMINAR,))
    await at(hass, freezer, START)
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("open", "normal")
    halls.exivo.requests.clear()
    await halls.book(booked(START, END, hall=2))
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("normal", "open")
    [key] = halls.keys
    assert key.components == (SEMINAR,)
    posts = [path.rpartition("/")[2] for verb, path in halls.exivo.requests]
    assert [each for each in posts if each in ("visit", "revoke")] == [
        "visit",
        "revoke",
    ]


async def test_rule_03_each_occurrence_is_a_booking_of_its_own(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """One that is deleted leaves the others as they are."""
    await hall.add_room()
    entity = hass.data["calendar"].get_entity(hall.calendar)
    await entity.async_create_event(
        summary="Choir", dtstart=START, dtend=END, rrule="FREQ=DAILY;COUNT=3"
    )
    await settle(hass, freezer)
    assert len(await known(hass)) == 3
    events = await entity.async_get_events(hass, NOW, NOW + 3 * DAY)
    await entity.async_delete_event(events[1].uid, events[1].recurrence_id)
    await settle(hass, freezer)
    assert len(await known(hass)) == 2
    for day, state in enumerate(("unlocked", "locked", "unlocked")):
        await at(hass, freezer, START + day * DAY)
        assert hass.states.get(hall.lock).state == state
        await at(hass, freezer, END + LAG + day * DAY)
        assert hass.states.get(hall.lock).state == "locked"


async def connect_feed(
    hass: HomeAssistant, lock: str, feed: ICalendarSimulator
) -> ConfigEntry:
    """Make a room of the feed, with the lock for a door."""
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    form = {"url": f"{feed.url}/calendar.ics", "advanced": {"verify_ssl": True}}
    entry = await add_account(hass, "booking_system", "icalendar", form)
    await add_room(
        hass,
        entry,
        {
            "resource_id": "calendar",
            "name": "Hall",
            "access_points": [f"{doors.entry_id}/{lock}"],
            "access": ["hold_open"],
        },
    )
    return entry


def event(uid: str, start: datetime, end: datetime, **rest: Any) -> dict[str, Any]:
    """Return an event as the simulator takes it."""
    times = {"start": start.isoformat(), "end": end.isoformat()}
    return {"uid": uid, "summary": "Badminton", **times, **rest}


async def test_rule_03_a_feed_that_renumbers_an_extended_booking_is_no_news(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is not opened a second time, after somebody has locked up."""
    feed.control({"events": [event("old", START, END)]})
    await connect_feed(hass, lock, feed)
    await at(hass, freezer, START)
    target = {"entity_id": lock}
    await hass.services.async_call("lock", "lock", target, blocking=True)
    feed.control({"remove": ["old"], "events": [event("new", START, END + HOUR)]})
    for minutes in (6, 12, 18):
        await at(hass, freezer, START + minutes * MINUTE)
    assert hass.states.get(lock).state == "locked"
    assert len(await known(hass)) == 1
    assert hass.states.get("sensor.hall_booking_end").state == (END + HOUR).isoformat()
    assert (
        hass.states.get("event.hall_booking").attributes["event_type"]
        == "booking_changed"
    )


async def brake(halls: Halls) -> str:
    """Let four of five bookings vanish, and be missed; return the issue's id."""
    halls.winkas.control({"remove": [1, 2, 3, 4]})
    for _ in range(2):
        await halls.synchronize()
        await halls.wait(61)
    return f"bookings_vanished_{halls.bookings.entry_id}"


def week() -> list[dict[str, Any]]:
    """Return a booking on each of five days."""
    days = range(1, 6)
    return [booked(START + day * DAY, END + day * DAY, day) for day in days]


@pytest.mark.parametrize(
    ("answer", "keys", "rule"), [("revoke", 1, None), ("keep", 5, "kept")]
)
async def test_rule_04_keys_stay_until_a_human_says_that_bookings_are_gone(
    hass: HomeAssistant,
    halls: Halls,
    hass_client: ClientSessionGenerator,
    answer: str,
    keys: int,
    rule: str | None,
) -> None:
    """And then they go at once, or stay for good."""
    await async_setup_component(hass, "repairs", {})
    await halls.connect(*week())
    await halls.add_hall("grant")
    issue_id = await brake(halls)
    await halls.wait(600)
    assert len(halls.keys) == 5
    assert (await rules(hass))["1"] == "held_back"
    client = await hass_client()
    fix = {"handler": DOMAIN, "issue_id": issue_id}
    flow = await (await client.post("/api/repairs/issues/fix", json=fix)).json()
    await client.post(
        f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": answer}
    )
    await halls.wait(5)
    assert len(halls.keys) == keys
    assert (await rules(hass)).get("1") == rule
    for _ in range(3):
        await halls.synchronize()
        await halls.wait(61)
    assert len(halls.keys) == keys


async def test_rule_04_one_booking_of_many_needs_no_human(
    hass: HomeAssistant, halls: Halls, issue_registry: ir.IssueRegistry
) -> None:
    """Its key goes after two answers without it, a minute apart."""
    await halls.connect(*week())
    await halls.add_hall("grant")
    halls.winkas.control({"remove": [3]})
    await halls.synchronize()
    assert len(halls.keys) == 5
    assert (await rules(hass))["3"] == "missing"
    await halls.wait(50)
    assert len(halls.keys) == 5
    await halls.wait(20)
    assert len(halls.keys) == 4
    assert "3" not in await known(hass)
    assert not [key for key in issue_registry.issues if "vanished" in key[1]]


async def test_rule_05_bookings_are_known_two_weeks_ahead(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """And no further; in time they all are."""
    soon, later = NOW + 14 * DAY - HOUR, NOW + 14 * DAY + 6 * HOUR
    await halls.connect(booked(soon, soon + HOUR), booked(later, later + HOUR, 2))
    await halls.add_hall("hold_open")
    assert await known(hass) == {"1"}
    await at(hass, freezer, NOW + 7 * HOUR)
    assert await known(hass) == {"1", "2"}


async def test_rule_05_what_has_ended_is_known_until_its_lag_is_over(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Also to an account that hears of it only then."""
    await halls.connect(booked(NOW - 3 * HOUR, NOW - HOUR))
    await halls.add_hall("hold_open", timing={"access_lag": 120})
    await settle(hass, freezer)
    assert halls.mode() == "open"
    await at(hass, freezer, NOW + HOUR)
    assert halls.mode() == "normal"


async def test_rule_05_all_that_is_known_is_on_the_disk(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    issue_registry: ir.IssueRegistry,
) -> None:
    """A start finds bookings, keys and what a human was asked, without a vendor."""
    await halls.connect(*week())
    await halls.add_hall("grant")
    issue_id = await brake(halls)
    before = hass.data.pop(DATA_HUB)
    before._async_stop()
    stored = hass_storage[f"{DOMAIN}.{halls.bookings.entry_id}"]["data"]
    assert sorted(each["booking"]["id"] for each in stored["known"]) == list("12345")
    issue_registry.async_delete(DOMAIN, issue_id)
    halls.winkas.fault("500")

    again = hass.data[DATA_HUB] = type(before)(hass)
    await again.async_start()
    account = again.accounts[halls.bookings.entry_id]
    assert account.bookings == before.accounts[halls.bookings.entry_id].bookings
    assert again.store.ledger == before.store.ledger
    assert issue_registry.async_get_issue(DOMAIN, issue_id)
    again._async_stop()


@pytest.mark.parametrize(
    ("words", "opens", "opens_if_tentative_counts"),
    [
        ({}, True, True),
        ({"status": "TENTATIVE"}, False, True),
        ({"status": "CANCELLED"}, False, False),
        ({"transp": "TRANSPARENT"}, False, False),
    ],
)
async def test_rule_06_what_does_not_count_opens_no_door(
    hass: HomeAssistant,
    lock: str,
    feed: ICalendarSimulator,
    freezer: FrozenDateTimeFactory,
    words: dict[str, str],
    opens: bool,
    opens_if_tentative_counts: bool,
) -> None:
    """Unless the account's options say that tentative ones do."""
    later = START + DAY
    feed.control(
        {
            "events": [
                event("1", START, END, **words),
                event("2", later, later + HOUR, **words),
            ]
        }
    )
    entry = await connect_feed(hass, lock, feed)
    await at(hass, freezer, START)
    assert hass.states.get(lock).state == ("unlocked" if opens else "locked")
    await at(hass, freezer, START + 12 * HOUR)
    await set_options(hass, entry, tentative=True)
    await at(hass, freezer, later)
    assert hass.states.get(lock).state == (
        "unlocked" if opens_if_tentative_counts else "locked"
    )


async def test_rule_08_all_is_written_down_before_a_vendor_is_asked(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The key with its code and the booking that it is for, and the hold."""
    seen: list[tuple[str, str]] = []

    def ledger(kind: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = hass_storage[f"{DOMAIN}.ledger"]["data"][kind]
        return rows

    async def issue(self: Exivo, grant: Any) -> Any:
        [row] = ledger("grants")
        stored = hass_storage[f"{DOMAIN}.{halls.bookings.entry_id}"]["data"]
        assert [each["booking"]["id"] for each in stored["known"]] == ["1"]
        assert grant.reference.endswith(row["reference"])
        assert grant.code == row["credential"]["code"]
        seen.append(("issue", row["state"]))
        return await real_issue(self, grant)

    async def revoke(self: Exivo, issued: Issued) -> None:
        [row] = ledger("grants")
        assert row["issued_id"] == issued.id
        seen.append(("revoke", row["state"]))
        await real_revoke(self, issued)

    async def hold(self: Exivo, point_id: str, *, held: bool) -> None:
        [row] = [each for each in ledger("switched") if point_id in each["target"]]
        seen.append(("hold" if held else "end", row["phase"]))
        await real_hold(self, point_id, held=held)

    real_issue, real_revoke, real_hold = Exivo.issue, Exivo.revoke, Exivo.hold
    monkeypatch.setattr(Exivo, "issue", issue)
    monkeypatch.setattr(Exivo, "revoke", revoke)
    monkeypatch.setattr(Exivo, "hold", hold)
    await halls.connect(booked(NOW, END))
    await halls.add_hall("hold_open", "grant")
    await settle(hass, freezer)
    assert sorted(seen) == [("hold", "starting"), ("issue", "issuing")]
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    await at(hass, freezer, NOW + MINUTE)
    seen.clear()
    await halls.book(booked(NOW, END, extra={"Cancelled": True}))
    assert [each for each in seen if each[0] == "revoke"] == [("revoke", "revoking")]
    assert (halls.mode(), halls.keys) == ("normal", [])


async def test_rule_08_a_booking_is_written_down_before_its_key(
    hass: HomeAssistant, halls: Halls
) -> None:
    """However slow its file is: after a crash, a key for nothing would be taken back."""
    await halls.connect()
    await halls.add_hall("grant")
    disk, write = asyncio.Event(), Store._async_write_data

    async def slow(store: Store[Any], data: dict[str, Any]) -> None:
        if store.key == f"{DOMAIN}.{halls.bookings.entry_id}":
            await disk.wait()
        await write(store, data)

    halls.winkas.control({"bookings": [booked(START, END)]})
    with patch.object(Store, "_async_write_data", slow):
        hass.async_create_task(halls.bookings.runtime_data.async_synchronize())
        for _ in range(50):
            await halls.breathe()
            assert halls.keys == []
        assert await known(hass) == {"1"}
        disk.set()
        await hass.async_block_till_done()
    assert len(halls.keys) == 1


async def test_rule_08_what_another_installation_made_is_not_ours(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It shares the account, the booking and even our own name for it."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("reset", path="/visit")
    await halls.add_hall("grant")
    [row] = hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    posted = {
        "name": f"ba-00000000-{row['reference']}",
        "code": "481537",
        "smsNr": "+4520123456",
        "components": [ENTRANCE],
    }
    theirs = Visit("visit", posted, START, END)
    halls.exivo.visits[theirs.id] = theirs
    halls.others.add(theirs.id)
    halls.exivo.faults.clear()
    await halls.wait(30, 60, 120)
    [ours] = halls.keys
    assert ours.name.startswith(
        f"ba-{hass_storage[f'{DOMAIN}.ledger']['data']['installation']}-"
    )
    await halls.book(booked(START, END, extra={"Cancelled": True}))
    await halls.wait(30, 60, 120)
    assert not ours.live
    assert theirs.live


async def test_rule_08_a_key_that_is_revoked_at_the_vendor_is_not_taken_for_ours(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Our answer was lost, and somebody revoked the key there: a live one is made."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("unknown_outcome", path="/visit")
    halls.exivo.faults[-1].path = "/visit"
    await halls.add_hall("grant")
    for visit in halls.keys:
        visit.revoked = True
    assert len(halls.exivo.visits) > len(halls.others)
    halls.exivo.faults.clear()
    await halls.wait(30, 60, 120)
    [key] = halls.keys
    [row] = hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    assert row["issued_id"].endswith(key.id)
    assert row["evidence"] == "acknowledged"


async def test_rule_09_a_key_that_was_found_says_how_it_is_known(
    hass: HomeAssistant, hass_storage: dict[str, Any], halls: Halls
) -> None:
    """It was listed; nobody ever acknowledged it."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("unknown_outcome", path="/visit", times=1)
    halls.exivo.faults[-1].path = "/visit"
    await halls.add_hall("grant")
    await halls.wait(30, 60, 120)
    [row] = hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    assert (row["state"], row["evidence"]) == ("issued", "listed")
    assert len(halls.keys) == 1


async def test_rule_09_a_door_that_answers_late_delays_no_other(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Not for a moment."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", doors=(ENTRANCE, SEMINAR))
    halls.exivo.fault("slow", path=f"{ENTRANCE}/mode", seconds=30)
    freezer.move_to(START - LEAD)
    hass.data[DATA_HUB].evaluate()
    for _ in range(200):
        await halls.breathe()
        modes = {door: halls.mode(door) for door in (ENTRANCE, SEMINAR)}
        if "open" in modes.values():
            break
    await at(hass, freezer, START)
    assert modes == {ENTRANCE: "normal", SEMINAR: "open"}
    assert halls.mode() == "open"


async def test_rule_09_a_door_that_is_away_as_its_booking_begins_opens_later(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Back after 40 minutes it is opened at once, the others never waited, all close."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", doors=(ENTRANCE, SEMINAR))
    halls.exivo.fault("503", path=f"{ENTRANCE}/mode")
    await at(hass, freezer, START - LEAD)
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("normal", "open")
    for minutes in (10, 20, 30, 40):
        await at(hass, freezer, START + timedelta(minutes=minutes))
        assert halls.mode(ENTRANCE) == "normal"
    attention = hass.states.get("binary_sensor.hal_1_attention")
    assert attention.state == "on"
    halls.exivo.faults.clear()
    await halls.wait(60, 120)
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("open", "open")
    assert hass.states.get("binary_sensor.hal_1_attention").state == "off"
    await at(hass, freezer, END + LAG)
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("normal", "normal")


async def test_rule_09_a_vendor_says_when_to_come_back(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """It is not asked before, and nobody is called for having to wait."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open")
    halls.exivo.fault("429", path="/mode", retry_after="300")
    await at(hass, freezer, START - LEAD)
    halls.exivo.requests.clear()
    for minutes in range(1, 5):
        await at(hass, freezer, START - LEAD + minutes * MINUTE)
        assert hass.states.get("binary_sensor.hal_1_attention").state == "off"
    assert not [path for _, path in halls.exivo.requests if path.endswith("/mode")]
    halls.exivo.faults.clear()
    for minutes in range(5, 8):
        await at(hass, freezer, START - LEAD + minutes * MINUTE)
    assert halls.mode() == "open"


async def test_rule_10_a_mistake_of_ours_leaves_no_door_open(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is tried again, whatever went wrong."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open")
    await at(hass, freezer, START)
    assert halls.mode() == "open"

    async def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(Exivo, "hold", fail)
        await at(hass, freezer, END + LAG)
        await at(hass, freezer, END + LAG + MINUTE)
        assert halls.mode() == "open"
        assert hass.states.get("binary_sensor.hal_1_attention").attributes[
            "reasons"
        ] == ["door_failed"]
    await at(hass, freezer, END + LAG + 4 * MINUTE)
    assert halls.mode() == "normal"


async def test_rule_11_a_switch_flipped_outside_a_booking_stands(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Until the next booking begins; its end puts back what the person had set."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open")
    switch = {"entity_id": "switch.hal_1_light"}
    await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    for minutes in (1, 20, 50, 90, 200):
        await at(hass, freezer, NOW + minutes * MINUTE)
        assert hass.states.get("switch.hal_1_light").state == "on"
    await at(hass, freezer, END + HOUR)
    assert hass.states.get("switch.hal_1_light").state == "on"


BAD = {"ResourceCalendarbooking": {"Start": "whenever", "Stop": None}}


@pytest.mark.parametrize(
    "change",
    [{"end": (START + HOUR).isoformat()}, {"extra": {"Cancelled": True}}],
    ids=["shortened", "cancelled"],
)
async def test_rule_12_what_is_heard_counts_although_no_answer_is_ever_complete(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    change: dict[str, Any],
) -> None:
    """One booking that nobody can read must not keep the doors open for the others."""
    halls.winkas.control({"raw": {"1": [BAD]}})
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", "grant")
    await at(hass, freezer, START)
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    await halls.book(booked(START, END) | change)
    await at(hass, freezer, START + HOUR + LAG)
    assert (halls.mode(), halls.keys) == ("normal", [])


async def test_rule_12_a_room_that_the_first_answer_lacks_keeps_its_keys(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The stored bookings were lost; what is not known is not taken back."""
    await halls.connect(booked(START, END), booked(START, END, 2, hall=2))
    await halls.add_hall("hold_open", "grant")
    await halls.add_hall("hold_open", "grant", hall=2, doors=(SEMINAR,))
    await at(hass, freezer, START)
    before = hass.data.pop(DATA_HUB)
    before._async_stop()
    await hass.config_entries.async_unload(halls.bookings.entry_id)
    del hass_storage[f"{DOMAIN}.{halls.bookings.entry_id}"]
    halls.winkas.control({"remove": [1, 2]})
    halls.winkas.fault("partial")

    hub = hass.data[DATA_HUB] = type(before)(hass)
    await hub.async_start()
    for entry in (halls.doors, halls.bookings):
        await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)
    assert (halls.mode(ENTRANCE), halls.mode(SEMINAR)) == ("normal", "open")
    assert [key.components for key in halls.keys] == [(SEMINAR,)]
    halls.winkas.faults.clear()
    await halls.synchronize()
    assert (halls.mode(SEMINAR), halls.keys) == ("normal", [])


async def test_rule_12_of_lost_bookings_only_those_that_are_named_count(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Their store was lost, and an answer says that one of two is cancelled.

    It is not complete, so the other keeps its key until an answer is.
    """
    later = booked(START + DAY, END + DAY, 2)
    await halls.connect(booked(START, END), later)
    await halls.add_hall("grant")
    assert len(halls.keys) == 2
    before = hass.data.pop(DATA_HUB)
    before._async_stop()
    await hass.config_entries.async_unload(halls.bookings.entry_id)
    del hass_storage[f"{DOMAIN}.{halls.bookings.entry_id}"]
    halls.winkas.control({"remove": [2], "raw": {"1": [BAD]}})
    halls.winkas.control({"bookings": [booked(START, END, extra={"Cancelled": True})]})

    hub = hass.data[DATA_HUB] = type(before)(hass)
    await hub.async_start()
    for entry in (halls.doors, halls.bookings):
        await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)
    assert [key.start for key in halls.keys] == [START + DAY - LEAD]
    halls.winkas.control({"raw": {"1": []}})
    await halls.synchronize()
    assert halls.keys == []


async def test_rule_12_an_account_that_is_added_again_hands_out_anew(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """What the removed one handed out is gone, what others made is not."""
    await halls.connect(booked(START, END))
    await halls.add_hall("grant")
    [old] = halls.keys
    await hass.config_entries.async_remove(halls.bookings.entry_id)
    await settle(hass, freezer)
    assert halls.keys == []
    form: dict[str, Any] = dict(halls.winkas.credentials())
    form["advanced"] = {"url": form.pop("url")}
    halls.bookings = await add_account(hass, "booking_system", "winkas", form)
    await halls.add_hall("grant")
    [new] = halls.keys
    assert new.id != old.id
    assert new.name.split("-")[1] == old.name.split("-")[1]
    assert {v.id for v in halls.exivo.live_visits()} == {*halls.others, new.id}


async def test_rule_13_national_numbers_are_read_as_those_of_the_account(
    hass: HomeAssistant, halls: Halls
) -> None:
    """Its options say of which country; then a number is in full form."""
    await halls.connect(booked(START, END, owner={"Mobile": "91 23 45 67"}))
    await set_options(hass, halls.bookings, default_country="NO")
    await halls.add_hall("grant")
    [key] = halls.keys
    assert key.posted["smsNr"] == "+4791234567"


async def test_rule_16_before_any_booking_the_alarm_is_armed_and_all_else_off(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """So that the first booking has something to switch, and to go back to."""
    await halls.connect(booked(START, END))
    await halls.add_hall()

    def shown() -> list[str]:
        names = ("alarm", "light", "ventilation")
        return [hass.states.get(f"switch.hal_1_{name}").state for name in names]

    assert shown() == ["on", "off", "off"]
    await at(hass, freezer, START)
    assert shown() == ["off", "on", "on"]
    await at(hass, freezer, END + HOUR)
    assert shown() == ["on", "off", "off"]


async def test_rule_09_what_an_account_that_was_removed_had_is_not_tried_for_ever(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its doors are gone, and people read that of the room that still has them."""
    await halls.connect(booked(START, END))
    await halls.add_hall("hold_open", "grant")
    await at(hass, freezer, START)
    assert (halls.mode(), len(halls.keys)) == ("open", 1)
    await hass.config_entries.async_remove(halls.doors.entry_id)
    await settle(hass, freezer)
    assert (halls.mode(), halls.keys) == ("normal", [])
    for instant in (START + HOUR, END + LAG, END + HOUR):
        await at(hass, freezer, instant)
        await settle(hass, freezer)
        ledger = hass_storage[f"{DOMAIN}.ledger"]["data"]
        assert not [row for row in ledger["switched"] if "door/" in row["target"]]
        assert ledger["grants"] == []
        assert hass.states.get("binary_sensor.hal_1_attention").attributes[
            "reasons"
        ] == ["door_gone"]


async def test_rule_09_a_door_left_over_of_a_removed_account_is_forgotten(
    hass: HomeAssistant, halls: Halls, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody could close it, and no room tells of it."""
    await halls.connect()
    await halls.add_hall("hold_open")
    hub = hass.data[DATA_HUB]
    left = Switched(target=f"door/removed/{ENTRANCE}", phase=Phase.ON)
    hub.store.ledger.switched[left.target] = left
    await at(hass, freezer, NOW + MINUTE)
    assert hub.store.ledger.switched == {}


@pytest.mark.parametrize(
    ("fault", "grants", "left"), [(None, None, 0), ("500", "1", 1)]
)
async def test_rule_08_an_unclear_key_is_looked_for_when_its_account_is_removed(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
    fault: str | None,
    grants: str | None,
    left: int,
) -> None:
    """What cannot be found out is named; its code still rests."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("unknown_outcome", path="/visit", times=1)
    halls.exivo.faults[-1].path = "/visit"
    await halls.add_hall("grant")
    [key] = halls.keys
    [row] = hass_storage[f"{DOMAIN}.ledger"]["data"]["grants"]
    assert (row["state"], row["issued_id"]) == ("issuing", None)
    halls.exivo.faults += [Fault(fault)] * (fault is not None)
    await hass.config_entries.async_remove(halls.doors.entry_id)
    await settle(hass, freezer)
    issue = issue_registry.async_get_issue(
        DOMAIN, f"left_behind_{halls.doors.entry_id}"
    )
    assert (issue and issue.translation_placeholders["grants"]) == grants
    assert len(halls.keys) == left
    retired = hass_storage[f"{DOMAIN}.ledger"]["data"]["retired"]
    assert key.posted["code"] in retired


async def test_rule_08_a_key_under_way_is_waited_for_when_its_account_is_removed(
    hass: HomeAssistant, halls: Halls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would come to be after all others were taken back."""
    await halls.connect()
    await halls.add_hall("grant")
    answer, issue = asyncio.Event(), Exivo.issue

    async def issue_late(system: Exivo, grant: Grant) -> Issued:
        issued = await issue(system, grant)
        await answer.wait()
        return issued

    monkeypatch.setattr(Exivo, "issue", issue_late)
    halls.winkas.control({"bookings": [booked(START, END)]})
    await halls.bookings.runtime_data.async_refresh()
    assert await turns_true(lambda: len(halls.keys) == 1)
    removing = hass.async_create_task(
        hass.config_entries.async_remove(halls.doors.entry_id)
    )
    assert not await turns_true(removing.done)
    answer.set()
    await removing
    await hass.async_block_till_done()
    assert halls.keys == []


async def test_rule_08_a_key_that_was_never_made_is_not_left_behind(
    hass: HomeAssistant,
    halls: Halls,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Nobody is asked to look for what there cannot be."""
    await halls.connect(booked(START, END))
    halls.exivo.fault("429", path="/visit")
    halls.exivo.fault("500", path="Visits")
    await halls.add_hall("grant")
    await hass.config_entries.async_remove(halls.doors.entry_id)
    await settle(hass, freezer)
    issue_id = f"left_behind_{halls.doors.entry_id}"
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None
