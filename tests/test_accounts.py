"""Accounts at vendors: bookings from WinKAS, doors and keys at exivo, and outages."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from simulators.base import Fault
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, SEMINAR
from simulators.winkas import WinKasSimulator

from .helpers import add_account, add_room, at, settle, turns_true

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)
HALL = 1201

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with two halls and no bookings yet."""
    async with WinKasSimulator() as simulator:
        halls = [{"id": HALL, "name": "Hal 1"}, {"id": 1202, "name": "Hal 2"}]
        simulator.control({"clear": True, "resources": halls})
        yield simulator


@pytest.fixture
async def exivo() -> AsyncIterator[ExivoSimulator]:
    """An exivo site."""
    async with ExivoSimulator() as simulator:
        yield simulator


def booking(
    number: int = 1, start: datetime = START, end: datetime = END
) -> dict[str, Any]:
    """Return a booking as the simulator takes it."""
    owner = {"FirstName": "Anna", "LastName": "Holm", "Mobile": "20 12 34 56"}
    times = {"start": start.isoformat(), "end": end.isoformat()}
    return {
        "id": number,
        "resource": HALL,
        "subject": "Badminton",
        "owner": owner,
        **times,
    }


def form_of(simulator: WinKasSimulator | ExivoSimulator) -> dict[str, Any]:
    """Return the credentials as the form has them."""
    credentials = dict(simulator.credentials())
    return {"advanced": {"url": credentials.pop("url")}, **credentials}


async def connect_winkas(hass: HomeAssistant, winkas: WinKasSimulator) -> ConfigEntry:
    """Add the WinKAS account, yet without a room."""
    hass.config.country = "DK"
    return await add_account(hass, "booking_system", "winkas", form_of(winkas))


async def connect_exivo(hass: HomeAssistant, exivo: ExivoSimulator) -> ConfigEntry:
    """Add the exivo account."""
    return await add_account(hass, "access_system", "exivo", form_of(exivo))


async def make_hall(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    access: list[str],
) -> ConfigEntry:
    """Make a room of the hall with the entrance and the seminar room's door."""
    doors = await connect_exivo(hass, exivo)
    bookings = await connect_winkas(hass, winkas)
    points = [f"{doors.entry_id}/{point}" for point in (ENTRANCE, SEMINAR)]
    await add_room(
        hass,
        bookings,
        {
            "resource_id": str(HALL),
            "access_points": points,
            "access": access,
            "timing": {"access_lead": 10, "access_lag": 5},
        },
    )
    return bookings


async def synchronize(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, name: str = "winkas_104217"
) -> None:
    """Press the account's button."""
    entity_id = next(
        e.entity_id
        for e in er.async_get(hass).entities.values()
        if e.unique_id.endswith("-synchronize") and name in e.entity_id
    )
    await hass.services.async_call(
        "button", "press", {"entity_id": entity_id}, blocking=True
    )
    await settle(hass, freezer)


async def test_rule_02_doors_are_held_open_while_booked(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Both doors open at the lead and go back to normal at the lag."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["hold_open"])
    doors = [exivo.doors[ENTRANCE], exivo.doors[SEMINAR]]

    await at(hass, freezer, START - LEAD - timedelta(seconds=1))
    assert [door.mode for door in doors] == ["normal", "normal"]
    await at(hass, freezer, START - LEAD)
    assert [door.mode for door in doors] == ["open", "open"]
    await settle(hass, freezer)
    assert hass.states.get("lock.hal_1_door").state == "unlocked"
    await at(hass, freezer, END + LAG)
    assert [door.mode for door in doors] == ["normal", "normal"]
    assert exivo.live_visits()[0].name == "Courier"  # nobody got a key
    assert len(exivo.live_visits()) == 1


async def test_rule_04_people_get_a_link_and_lose_it_when_the_booking_is_cancelled(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """One visit over both doors, from lead to lag, with the phone in full form."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    [visit] = [each for each in exivo.live_visits() if each.name != "Courier"]
    assert (visit.start, visit.end) == (START - LEAD, END + LAG)
    assert set(visit.components) == {ENTRANCE, SEMINAR}
    assert visit.posted["smsNr"] == "+4520123456"
    assert visit.name.startswith("ba-")
    assert "Anna" not in str(visit.posted)
    assert hass.states.get("sensor.hal_1_access_status").state == "ready"

    winkas.control(
        {
            "remove": [1],
            "bookings": [
                booking(2, START + timedelta(days=1), END + timedelta(days=1))
            ],
        }
    )
    await synchronize(hass, freezer)
    assert visit.live  # not at once: it may be a hiccup of the listing
    await at(hass, freezer, NOW + timedelta(minutes=2))
    assert not visit.live
    assert len(exivo.live_visits()) == 2  # the courier's and the new booking's


async def test_rule_03_a_moved_booking_gets_its_new_key_before_the_old_one_goes(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Never without a key, never with two for long."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    later = timedelta(minutes=30)
    winkas.control({"bookings": [booking(1, START + later, END + later)]})
    exivo.requests.clear()
    await synchronize(hass, freezer)
    [visit] = [each for each in exivo.live_visits() if each.name != "Courier"]
    assert visit.start == START + later - LEAD
    posts = [
        path.rpartition("/")[2] for method, path in exivo.requests if method == "POST"
    ]
    assert posts == ["visit", "revoke"]


async def test_rule_08_a_lost_answer_is_looked_up_and_not_repeated(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The vendor made the visit although we never heard of it."""
    winkas.control({"bookings": [booking()]})
    exivo.fault("unknown_outcome", path="/visit", times=1)
    exivo.faults[-1].path = "/visit"
    await make_hall(hass, winkas, exivo, ["grant"])
    for seconds in (10, 20, 40, 80):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert len(exivo.live_visits()) == 2
    assert hass.states.get("sensor.hal_1_access_status").state == "ready"


async def test_rule_13_a_missing_phone_number_is_said(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Never a silent skip; and right again once the number is there."""
    winkas.control({"bookings": [{**booking(), "owner": {"FirstName": "Anna"}}]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "phone_missing"
    ]
    assert (
        hass.states.get("event.hal_1_booking").attributes["reason"] == "phone_missing"
    )
    winkas.control({"bookings": [booking()]})
    await synchronize(hass, freezer)
    assert hass.states.get("binary_sensor.hal_1_attention").state == "off"
    assert len(exivo.live_visits()) == 2


@pytest.mark.parametrize("fault", ["500", "html", "truncated", "reset", "429"])
async def test_rule_05_an_outage_of_the_booking_system_changes_nothing(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """The known bookings stay in force; one line in the log at each end."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["hold_open"])
    winkas.fault(fault)
    for minutes in (16, 32, 48):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    assert hass.states.get("binary_sensor.winkas_104217_connected").state == "off"
    assert hass.states.get("sensor.hal_1_booking_start").state == START.isoformat()
    await at(hass, freezer, START - LEAD)
    assert exivo.doors[ENTRANCE].mode == "open"
    await at(hass, freezer, END + LAG)
    assert exivo.doors[ENTRANCE].mode == "normal"
    down = [
        r
        for r in caplog.records
        if r.levelname == "ERROR" and "booking_access" in r.name
    ]
    assert len(down) == 1
    winkas.faults.clear()
    await at(hass, freezer, END + timedelta(minutes=40))
    assert hass.states.get("binary_sensor.winkas_104217_connected").state == "on"
    up = [r for r in caplog.records if "recovered" in r.message]
    assert len(up) == 1


async def test_wrong_credentials_start_reauthentication_and_doors_go_on(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The room keeps following what is known."""
    winkas.control({"bookings": [booking()]})
    entry = await make_hall(hass, winkas, exivo, ["hold_open"])
    winkas.fault("401")
    await at(hass, freezer, NOW + timedelta(minutes=16))
    [flow] = hass.config_entries.flow.async_progress()
    assert flow["context"]["source"] == "reauth"
    assert flow["context"]["entry_id"] == entry.entry_id
    await at(hass, freezer, START - LEAD)
    assert exivo.doors[ENTRANCE].mode == "open"


async def test_rule_05_a_start_without_network_opens_the_right_doors(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """An account that was heard of before is set up from what is stored."""
    winkas.control({"bookings": [booking()]})
    entry = await make_hall(hass, winkas, exivo, ["hold_open"])
    winkas.fault("500")
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("sensor.hal_1_booking_start").state == START.isoformat()
    await at(hass, freezer, START - LEAD)
    assert exivo.doors[ENTRANCE].mode == "open"


async def test_rule_09_a_door_that_is_down_is_opened_when_it_is_back(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Forty people do not wait for the next booking; the other door never waits."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["hold_open"])
    exivo.fault("500", path=f"{ENTRANCE}/mode")
    await at(hass, freezer, START - LEAD)
    assert exivo.doors[SEMINAR].mode == "open"
    assert exivo.doors[ENTRANCE].mode == "normal"
    for minutes in range(1, 4):
        await at(hass, freezer, START - LEAD + timedelta(minutes=minutes))
    assert (
        "door_failed"
        in (hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"])
    )
    exivo.faults.clear()
    for minutes in range(4, 8):
        await at(hass, freezer, START - LEAD + timedelta(minutes=minutes))
    assert exivo.doors[ENTRANCE].mode == "open"
    assert hass.states.get("binary_sensor.hal_1_attention").state == "off"


async def test_rule_02_a_booking_that_ends_before_it_starts_gives_no_access_and_says_so(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is wrong in the booking system, and people are told."""
    winkas.control({"bookings": [booking(1, END, START)]})
    await make_hall(hass, winkas, exivo, ["hold_open"])
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "booking_without_duration"
    ]
    for instant in (START - LEAD, START, END - LEAD, END):
        await at(hass, freezer, instant)
        assert exivo.doors[ENTRANCE].mode == "normal"


async def test_doors_are_devices_with_what_the_system_tells(
    hass: HomeAssistant, exivo: ExivoSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Gateways are never there; new doors come without a reload."""
    await connect_exivo(hass, exivo)
    assert hass.states.get("lock.t01_main_entrance").state == "locked"
    assert hass.states.get("binary_sensor.t01_main_entrance_door").state == "off"
    assert hass.states.get("binary_sensor.t05_store_ready").state == "off"
    assert not [each for each in hass.states.async_entity_ids() if "gw1" in each]

    await hass.services.async_call(
        "lock", "unlock", {"entity_id": "lock.t01_main_entrance"}, blocking=True
    )
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "open"
    assert hass.states.get("lock.t01_main_entrance").state == "unlocked"
    await hass.services.async_call(
        "lock", "lock", {"entity_id": "lock.t01_main_entrance"}, blocking=True
    )
    assert exivo.doors[ENTRANCE].mode == "normal"
    await hass.services.async_call(
        "lock", "open", {"entity_id": "lock.t01_main_entrance"}, blocking=True
    )
    assert [each for each in exivo.requests if each[1].endswith(f"{ENTRANCE}/unlock")]

    exivo.control(
        {"add": [{"id": "33333333-cccc-4ccc-8ccc-000000000001", "identifier": "T99"}]}
    )
    await at(hass, freezer, NOW + timedelta(minutes=2))
    assert hass.states.get("lock.t99").state == "locked"


async def test_bad_bookings_are_named_in_a_repair_issue_and_cost_no_other(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The issue goes when the booking is mended."""
    winkas.control(
        {
            "bookings": [booking()],
            "raw": {
                str(HALL): [
                    {
                        "ResourceCalendarbooking": {
                            "Subject": "Anna's party",
                            "Start": "whenever",
                            "Stop": None,
                        }
                    }
                ]
            },
        }
    )
    entry = await make_hall(hass, winkas, exivo, ["hold_open"])
    issue = issue_registry.async_get_issue(DOMAIN, f"bad_bookings_{entry.entry_id}")
    assert issue.translation_placeholders["count"] == "1"
    assert "Anna" not in str(issue.translation_placeholders)
    assert hass.states.get("sensor.hal_1_booking_start").state == START.isoformat()
    winkas.control({"raw": {str(HALL): []}})
    await synchronize(hass, freezer)
    assert (
        issue_registry.async_get_issue(DOMAIN, f"bad_bookings_{entry.entry_id}") is None
    )


@pytest.mark.parametrize(
    ("fault", "left"),
    [(None, None), ("500", {"doors": "0", "schedules": "0", "grants": "1"})],
)
async def test_rule_08_removing_an_access_account_takes_back_what_it_handed_out(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
    fault: str | None,
    left: dict[str, str] | None,
) -> None:
    """What cannot be taken back any more is named."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    [doors] = [
        e
        for e in hass.config_entries.async_entries(DOMAIN)
        if e.data["system"] == "exivo"
    ]
    exivo.faults += [Fault(fault)] * (fault is not None)
    await hass.config_entries.async_remove(doors.entry_id)
    await settle(hass, freezer)
    issue = issue_registry.async_get_issue(DOMAIN, f"left_behind_{doors.entry_id}")
    assert (issue and issue.translation_placeholders) == (
        left and {"account": doors.title, **left}
    )
    assert (len(exivo.live_visits()) == 1) is (left is None)


async def test_rule_08_removing_a_room_takes_back_what_it_handed_out(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its people's keys go, and its doors go back to normal."""
    winkas.control({"bookings": [booking(1, NOW, END)]})
    entry = await make_hall(hass, winkas, exivo, ["hold_open", "grant"])
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "open"
    assert len(exivo.live_visits()) == 2
    [room] = entry.subentries
    hass.config_entries.async_remove_subentry(entry, room)
    await settle(hass, freezer)
    assert exivo.doors[ENTRANCE].mode == "normal"
    assert len(exivo.live_visits()) == 1
    assert not [each for each in hass.states.async_entity_ids() if "hal_1" in each]


async def test_rule_13_a_phone_number_that_does_not_exist_is_said(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Before the vendor is asked."""
    numbers = ["12", "call me"]
    bookings = [
        {
            **booking(day, START + timedelta(days=day), END + timedelta(days=day)),
            "owner": {"FirstName": "A", "Mobile": number},
        }
        for day, number in enumerate(numbers, start=1)
    ]
    winkas.control({"bookings": bookings})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "phone_invalid"
    ]
    assert ("POST", "/v1") not in [
        (method, path[:3]) for method, path in exivo.requests if "visit" in path
    ]


async def test_rule_09_a_key_that_cannot_be_revoked_is_tried_for_ever_and_said(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Until it is gone, or has run out by itself."""
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    exivo.fault("500", path="/revoke")
    winkas.control({"bookings": [{**booking(), "extra": {"Cancelled": True}}]})
    await synchronize(hass, freezer)
    for seconds in (20, 40, 80, 160):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "revoke_failed"
    ]
    assert (
        hass.states.get("event.hal_1_booking").attributes["event_type"]
        == "access_failed"
    )
    exivo.faults.clear()
    await at(hass, freezer, NOW + timedelta(minutes=10))
    assert len(exivo.live_visits()) == 1
    assert (
        hass.states.get("event.hal_1_booking").attributes["event_type"]
        == "access_revoked"
    )
    assert hass.states.get("binary_sensor.hal_1_attention").state == "off"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("busy", "grant_failed"), ("401", "grant_failed"), ("429", "grant_failed")],
)
async def test_rule_09_a_key_that_cannot_be_made_is_said(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    fault: str,
    reason: str,
) -> None:
    """And made as soon as that works, unless the vendor said no for good."""
    winkas.control({"bookings": [booking()]})
    exivo.fault(fault, path="/visit")
    await make_hall(hass, winkas, exivo, ["grant"])
    for seconds in (20, 40, 80):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        reason
    ]
    assert hass.states.get("sensor.hal_1_access_status").state == "attention"
    assert len(exivo.live_visits()) == 1


def asked(exivo: ExivoSimulator, ending: str) -> int:
    """Return how often something was asked of exivo."""
    return sum(
        method == "POST" and path.endswith(ending) for method, path in exivo.requests
    )


def many_bookings(count: int) -> list[dict[str, Any]]:
    """Return one booking a day, from tomorrow on."""
    days = [timedelta(days=day, hours=1) for day in range(1, count + 1)]
    return [booking(n, START + d, END + d) for n, d in enumerate(days, start=10)]


async def test_rule_09_a_vendor_that_has_had_too_much_is_left_alone_as_it_wishes(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """By all grants, doors and polls of the account; afterwards all is made good."""
    winkas.control({"bookings": [booking(), *many_bookings(6)]})
    exivo.fault("429", path="/visit", retry_after="300")
    await make_hall(hass, winkas, exivo, ["hold_open", "grant"])
    await settle(hass, freezer)
    tried = asked(exivo, "/visit")
    assert 0 < tried <= 4
    exivo.faults.clear()
    exivo.requests.clear()
    for seconds in range(10, 300, 30):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert exivo.requests == []
    assert hass.states.get("lock.hal_1_door").state == "locked"  # still what is known
    for seconds in range(300, 800, 30):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert len(exivo.live_visits()) == 1 + 7
    assert asked(exivo, "/visit") == 7


async def test_rule_09_a_limit_that_a_poll_meets_holds_for_doors_and_keys_too(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    winkas.control({"bookings": [booking()]})
    await make_hall(hass, winkas, exivo, ["hold_open"])
    exivo.fault("429", retry_after="120")
    await at(hass, freezer, START - LEAD - timedelta(seconds=30))
    exivo.faults.clear()
    exivo.requests.clear()
    for seconds in (0, 15, 30, 45, 60):
        await at(hass, freezer, START - LEAD + timedelta(seconds=seconds))
    assert exivo.requests == []
    for seconds in range(90, 300, 15):
        await at(hass, freezer, START - LEAD + timedelta(seconds=seconds))
    assert exivo.doors[ENTRANCE].mode == "open"


async def test_rule_09_a_limit_without_a_time_is_kept_for_a_moment(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    winkas.control({"bookings": [booking()]})
    exivo.fault("429", path="/visit", times=1)
    await make_hall(hass, winkas, exivo, ["grant"])
    exivo.requests.clear()
    await at(hass, freezer, NOW + timedelta(seconds=9))
    assert exivo.requests == []
    await at(hass, freezer, NOW + timedelta(seconds=25))
    assert asked(exivo, "/visit") == 1


async def test_rule_09_doors_do_not_wait_for_keys(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """However many keys hang, a door opens at its time."""
    soon = NOW + timedelta(seconds=30)
    bookings = [booking(1, soon + LEAD, END), *many_bookings(6)]
    await make_hall(hass, winkas, exivo, ["hold_open", "grant"])
    winkas.control({"bookings": bookings})
    exivo.fault("hang", path="/visit")
    asking = hass.async_create_task(synchronize(hass, freezer))
    assert await turns_true(lambda: asked(exivo, "/visit") == 3)
    freezer.move_to(soon)
    async_fire_time_changed(hass, soon)
    assert await turns_true(lambda: exivo.doors[ENTRANCE].mode == "open")
    exivo.faults.clear()
    freezer.tick(61)  # nobody waits for longer
    await asking


async def test_what_is_wrong_with_the_doors_of_a_room_is_said(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A door that is gone at the vendor, and an account that is not there."""
    await make_hall(hass, winkas, exivo, ["hold_open"])
    exivo.control({"remove": [SEMINAR]})
    await at(hass, freezer, NOW + timedelta(minutes=2))
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "door_gone"
    ]
    assert hass.states.get("lock.t02_seminar_room").state == "unavailable"
    [doors] = [
        e
        for e in hass.config_entries.async_entries(DOMAIN)
        if e.data["system"] == "exivo"
    ]
    await hass.config_entries.async_unload(doors.entry_id)
    await at(hass, freezer, NOW + timedelta(minutes=4))
    assert hass.states.get("binary_sensor.hal_1_attention").attributes["reasons"] == [
        "account_not_loaded"
    ]


async def test_a_door_that_does_not_obey_is_an_error_that_people_read(
    hass: HomeAssistant, exivo: ExivoSimulator
) -> None:
    """By hand, at the door itself."""
    await connect_exivo(hass, exivo)
    exivo.fault("500", path="/component/")
    for action in ("lock", "unlock", "open"):
        target = {"entity_id": "lock.t01_main_entrance"}
        with pytest.raises(HomeAssistantError) as err:
            await hass.services.async_call("lock", action, target, blocking=True)
        assert err.value.translation_key == f"{action}_failed"


async def test_synchronize_says_when_it_does_not_work(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The button, too."""
    await make_hall(hass, winkas, exivo, ["hold_open"])
    winkas.fault("500")
    with pytest.raises(HomeAssistantError) as err:
        await synchronize(hass, freezer)
    assert err.value.translation_key == "synchronize_failed"
    assert hass.states.get("sensor.winkas_104217_last_synchronized").state == "unknown"


async def test_the_current_booking_is_off_until_it_is_enabled(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It may tell who is there."""
    winkas.control({"bookings": [booking(1, NOW, END)]})
    entry = await make_hall(hass, winkas, exivo, ["hold_open"])
    assert hass.states.get("sensor.hal_1_current_booking") is None
    er.async_get(hass).async_update_entity(
        "sensor.hal_1_current_booking", disabled_by=None
    )
    await hass.config_entries.async_reload(entry.entry_id)
    await settle(hass, freezer)
    assert hass.states.get("sensor.hal_1_current_booking").state == "Badminton"


async def test_rule_14_a_code_rests_before_somebody_gets_it_again(
    hass: HomeAssistant,
    hass_storage: dict[str, Any],
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The guest of yesterday still knows it; and no two guests share one."""
    picked = iter([834_617, 834_617, 517_306, 834_617, 517_306, 718_394, 834_617])
    monkeypatch.setattr(
        "custom_components.booking_access.engine.pins.make_pin.__defaults__",
        ((), lambda _: next(picked)),
    )
    days = [timedelta(), timedelta(days=1), timedelta(days=3), timedelta(days=40)]
    bookings = [booking(n, START + d, END + d) for n, d in enumerate(days, start=1)]
    winkas.control({"bookings": bookings[:2]})
    await make_hall(hass, winkas, exivo, ["grant"])
    await settle(hass, freezer)
    codes = [v.posted.get("code") for v in exivo.live_visits() if v.name != "Courier"]
    assert sorted(codes) == ["517306", "834617"]
    await at(hass, freezer, NOW + timedelta(days=2))
    winkas.control({"bookings": bookings[2:3]})
    await synchronize(hass, freezer)
    [visit] = [v for v in exivo.live_visits() if v.name != "Courier"]
    assert visit.posted["code"] == "718394"
    assert "834617" in hass_storage["booking_access.ledger"]["data"]["retired"]
    await at(hass, freezer, NOW + timedelta(days=39))
    winkas.control({"bookings": bookings[3:]})
    await synchronize(hass, freezer)
    [visit] = [v for v in exivo.live_visits() if v.name != "Courier"]
    assert visit.posted["code"] == "834617"


async def test_rule_08_an_unclear_key_of_a_cancelled_booking_is_found_and_revoked(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """We never heard of its id, so it is looked for by our reference."""
    winkas.control({"bookings": [booking()]})
    exivo.fault("unknown_outcome", path="/visit", times=3)
    exivo.faults.append(Fault("500", path="/digitalKeyVisits"))
    await make_hall(hass, winkas, exivo, ["grant"])
    winkas.control({"bookings": [{**booking(), "extra": {"Cancelled": True}}]})
    await synchronize(hass, freezer)
    exivo.faults.clear()
    for seconds in (30, 60, 120, 240):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    assert len(exivo.visits) > 2
    assert [visit.name for visit in exivo.live_visits()] == ["Courier"]


async def test_rule_08_a_key_that_was_never_made_is_made_again(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    exivo: ExivoSimulator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The connection broke before the vendor did anything."""
    winkas.control({"bookings": [booking()]})
    exivo.fault("500", path="/visit", times=1)
    exivo.faults[-1].path = "/visit"
    exivo.requests.clear()
    await make_hall(hass, winkas, exivo, ["grant"])
    for seconds in (10, 20, 40, 80):
        await at(hass, freezer, NOW + timedelta(seconds=seconds))
    posts = [path for method, path in exivo.requests if method == "POST"]
    assert len(posts) == 2
    assert len(exivo.live_visits()) == 2
