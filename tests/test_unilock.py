"""UniLock through Home Assistant: from a booking in WinKAS to a person and a period."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.access_systems import unilock_file
from custom_components.booking_access.access_systems.unilock_template import EXAMPLE
from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.engine.ledger import Evidence, GrantState
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from simulators.unilock import UniLockSimulator
from simulators.winkas import WinKasSimulator

from .flows import fill, open_change, open_form, submit, suggestions
from .halls import booked
from .helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
START = NOW + 4 * HOUR
END = START + 2 * HOUR
LEAD, LAG = 10 * MINUTE, 5 * MINUTE

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
def folder(hass: HomeAssistant, tmp_path: Path) -> Path:
    """A folder that UniLock takes files from, and that Home Assistant may write to."""
    path = tmp_path / "unilock"
    path.mkdir()
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    return path


@pytest.fixture
def unilock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> UniLockSimulator:
    """A UniLock that takes files when it is told to."""
    monkeypatch.setattr(unilock_file, "LOOK_EVERY", 0.0)
    simulator = UniLockSimulator()
    simulator.control({"folder": str(folder)})
    return simulator


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with a hall."""
    async with WinKasSimulator() as simulator:
        simulator.control({"clear": True, "resources": [{"id": 1, "name": "Hal 1"}]})
        yield simulator


async def connect(hass: HomeAssistant, folder: Path) -> ConfigEntry:
    """Add the account through its two forms, and what cannot be listed."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    flow = await open_form(hass, "access_system", "unilock")
    flow = await submit(hass, flow, {"transport": "file_import"})
    assert flow["step_id"] == "unilock_file_import"
    answers = fill(flow["data_schema"], {"folder": str(folder)})
    flow = await submit(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
    entry: ConfigEntry = flow["result"]
    for kind, identifier, name in (
        ("person_group", "12", "Hal 1 brugere"),
        ("shared_exception", "3", "Hal 1 åben"),
    ):
        typed = {"kind": kind, "identifier": identifier, "name": name}
        assert (await type_in(hass, entry, typed))["type"] == "create_entry"
    return entry


async def type_in(
    hass: HomeAssistant, entry: ConfigEntry, typed: dict[str, str]
) -> Any:
    """Type an access point in."""
    flow = await hass.config_entries.subentries.async_init(
        (entry.entry_id, "access_point"), context={"source": "user"}
    )
    flow = await hass.config_entries.subentries.async_configure(flow["flow_id"], typed)
    await hass.async_block_till_done()
    return flow


async def book(
    hass: HomeAssistant, winkas: WinKasSimulator, *bookings: dict[str, Any]
) -> None:
    """Have bookings in WinKAS, and WinKAS asked."""
    winkas.control({"bookings": list(bookings)})
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.data["system"] == "winkas":
            await hass.services.async_call(
                DOMAIN,
                "synchronize",
                {"config_entry_id": entry.entry_id},
                blocking=True,
            )


async def vanish(
    hass: HomeAssistant, winkas: WinKasSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Take the only booking out of WinKAS, and let it be believed."""
    winkas.control({"remove": [1]})
    for seconds in (61, 3600, 61):
        await book(hass, winkas)
        await wait(hass, freezer, 2, seconds)
    await book(hass, winkas)
    await wait(hass, freezer, 2)


async def wait(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, *seconds: int
) -> None:
    """Let time go by, again and again."""
    for each in seconds:
        freezer.tick(timedelta(seconds=each))
        await at(hass, freezer, datetime.now(UTC))


async def serve(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    unilock: UniLockSimulator,
    times: int,
) -> None:
    """Let UniLock take files while time goes by."""
    for _ in range(times):
        unilock.take_file()
        await wait(hass, freezer, 16, 61)


def state(hass: HomeAssistant, entity_id: str) -> str:
    """Return the state of an entity."""
    found = hass.states.get(entity_id)
    assert found
    return found.state


async def test_a_whole_life_through_files(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    unilock: UniLockSimulator,
    folder: Path,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Booked, moved, not taken in time, cancelled: UniLock has it, and no more."""
    doors = await connect(hass, folder)
    form: dict[str, Any] = dict(winkas.credentials())
    form["advanced"] = {"url": form.pop("url")}
    bookings = await add_account(hass, "booking_system", "winkas", form)
    await add_room(
        hass,
        bookings,
        {
            "resource_id": "1",
            "access_points": [
                f"{doors.entry_id}/person_group:12",
                f"{doors.entry_id}/shared_exception:3",
            ],
            "access": ["hold_open", "grant"],
            "timing": {"access_lead": 10, "access_lag": 5},
        },
    )
    site = unilock.site
    await book(hass, winkas, booked(START, END))
    await settle(hass, freezer)
    ledger = hass.data[DATA_HUB].store.ledger
    [row] = ledger.grants.values()
    assert (row.state, row.attempts, row.error) == (GrantState.ISSUING, 0, None)
    assert state(hass, "sensor.hal_1_access_status") == "planned"
    assert state(hass, "binary_sensor.hal_1_attention") == "off"
    await serve(hass, freezer, unilock, 2)
    [row] = ledger.grants.values()
    assert (row.state, row.evidence) == (GrantState.ISSUED, Evidence.ACKNOWLEDGED)
    assert state(hass, "sensor.hal_1_access_status") == "ready"
    [ours] = site.members("12", START - LEAD) - {"staff-1"}
    assert ours == row.issued_id
    assert (site.persons[ours].first_name, site.persons[ours].last_name) == (
        "Anna",
        "Holm",
    )
    assert site.persons[ours].key_code == row.credential.code
    for instant, inside in (
        (START - LEAD - MINUTE, False),
        (START - LEAD, True),
        (END + LAG - MINUTE, True),
        (END + LAG, False),
    ):
        assert (ours in site.members("12", instant)) is inside
        assert site.is_active("3", instant) is inside

    # It is moved, and the service is not running.
    unilock.control({"paused": True})
    later = (START + HOUR, END + HOUR)
    await book(hass, winkas, booked(*later))
    await wait(hass, freezer, 2, 60, 60)
    assert not unilock.take_file()
    assert ours in site.members("12", START)
    issues = ir.async_get(hass)
    issue_id = f"file_not_taken_{doors.entry_id}"
    assert issues.async_get_issue(DOMAIN, issue_id) is None
    assert state(hass, "binary_sensor.hal_1_attention") == "off"
    await wait(hass, freezer, *[60] * 15)
    issue = issues.async_get_issue(DOMAIN, issue_id)
    assert issue is not None
    assert issue.translation_placeholders == {
        "account": "UniLock",
        "items": str(folder / "booking_access.xml"),
    }
    assert state(hass, "binary_sensor.hal_1_attention") == "on"
    unilock.control({"paused": False})
    await serve(hass, freezer, unilock, 8)  # what replaces it, then what is replaced
    assert issues.async_get_issue(DOMAIN, issue_id) is None
    assert state(hass, "binary_sensor.hal_1_attention") == "off"
    [moved] = site.members("12", END + HOUR) - {"staff-1"}
    assert set(site.persons) == {"staff-1", moved}
    assert not site.is_active("3", START - LEAD)
    assert site.is_active("3", END + HOUR)

    # It is cancelled, which WinKAS says by no longer listing it.
    await vanish(hass, winkas, freezer)
    await serve(hass, freezer, unilock, 6)
    assert set(site.persons) == {"staff-1"}
    assert site.periods["3"] == []
    assert ledger.grants == {}

    # Who was there is forgotten when it is over (rule 15).
    now = datetime.now(UTC)
    tonight = (now + HOUR, now + 2 * HOUR)
    await book(hass, winkas, booked(*tonight, number=2))
    await serve(hass, freezer, unilock, 4)
    [guest] = site.members("12", tonight[0]) - {"staff-1"}
    await at(hass, freezer, tonight[1] + LAG - MINUTE)
    assert guest in site.persons
    await at(hass, freezer, tonight[1] + LAG)
    await serve(hass, freezer, unilock, 4)
    assert set(site.persons) == {"staff-1"}
    assert state(hass, "binary_sensor.hal_1_attention") == "off"
    assert ledger.grants == {}
    assert [why for result, why in unilock.files if result != "applied"] == []


async def test_a_grant_that_nobody_wishes_any_more_while_its_file_waits(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    unilock: UniLockSimulator,
    folder: Path,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It may be taken yet, so the person is removed after."""
    doors = await connect(hass, folder)
    form: dict[str, Any] = dict(winkas.credentials())
    form["advanced"] = {"url": form.pop("url")}
    bookings = await add_account(hass, "booking_system", "winkas", form)
    await add_room(
        hass,
        bookings,
        {
            "resource_id": "1",
            "access_points": [f"{doors.entry_id}/person_group:12"],
            "access": ["grant"],
        },
    )
    await book(hass, winkas, booked(START, END))
    await wait(hass, freezer, 2, 20)
    await vanish(hass, winkas, freezer)
    assert unilock.take_file()
    assert len(unilock.site.persons) == 2
    await serve(hass, freezer, unilock, 6)
    assert set(unilock.site.persons) == {"staff-1"}
    assert hass.data[DATA_HUB].store.ledger.grants == {}


async def test_its_forms_say_what_is_wrong(
    hass: HomeAssistant, unilock: UniLockSimulator, folder: Path, tmp_path: Path
) -> None:
    """The folder, the template with its line; and the other way, by a change."""
    flow = await open_form(hass, "access_system", "unilock")
    flow = await submit(hass, flow, {"transport": "file_import"})
    broken = EXAMPLE.replace("person.first_name", "person.nmae")
    for answers, errors in (
        ({"folder": "/etc"}, {"folder": "folder_not_allowed"}),
        ({"folder": "unilock"}, {"folder": "folder_not_whole"}),
        ({"folder": str(tmp_path / "nowhere")}, {"base": "folder_missing"}),
        ({"folder": str(folder), "template": broken}, {"template": "template_unknown"}),
        ({"folder": str(folder), "encoding": "utf-16"}, {"base": "template_encoding"}),
    ):
        filled = fill(flow["data_schema"], answers)
        flow = await submit(hass, flow, filled)
        assert flow["errors"] == errors
    entry = await connect(hass, folder)
    assert not entry.supports_options
    door = {"kind": "door", "identifier": "101", "name": "Hovedindgang"}
    flow = await type_in(hass, entry, door)
    assert flow["errors"] == {"base": "doors_not_possible"}
    async with UniLockSimulator() as web:
        answers = dict(web.credentials())
        flow = await open_change(hass, entry)
        flow = await submit(
            hass,
            flow,
            fill(flow["data_schema"], {**suggestions(flow), "transport": "web_api"}),
        )
        assert flow["step_id"] == "unilock_web_api", flow
        wrong = fill(flow["data_schema"], {**answers, "password": "wrong"})
        flow = await submit(hass, flow, wrong)
        assert flow["errors"] == {"base": "invalid_auth"}
        flow = await submit(hass, flow, fill(flow["data_schema"], answers))
        assert flow["reason"] == "reconfigure_successful"
        flow = await hass.config_entries.options.async_init(entry.entry_id)
        assert list(flow["data_schema"].schema) == ["reissue_deleted"]
        await hass.async_block_till_done(wait_background_tasks=True)
        points = entry.runtime_data.data.points
        assert set(points) == {
            *(f"person_group:{id_}" for id_ in web.site.groups),
            *(f"shared_exception:{id_}" for id_ in web.site.exceptions),
        }
