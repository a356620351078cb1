"""Repairs, answered as a person would in the dialogue."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.engine.models import Problem
from custom_components.booking_access.issues import (
    async_report_left_behind,
    async_report_problems,
)
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.loader import async_get_integration
from homeassistant.setup import async_setup_component
from simulators.winkas import WinKasSimulator

from .helpers import add_account, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


def week() -> list[dict[str, object]]:
    """Return five bookings of the hall, one a day, numbered from 1."""
    starts = {day: NOW + timedelta(days=day) for day in range(1, 6)}
    return [
        {
            "id": day,
            "resource": 1,
            "start": start.isoformat(),
            "end": (start + timedelta(hours=1)).isoformat(),
        }
        for day, start in starts.items()
    ]


@pytest.fixture
async def winkas() -> AsyncIterator[WinKasSimulator]:
    """A WinKAS with one hall that is booked on five days."""
    async with WinKasSimulator() as simulator:
        hall = {"id": 1, "name": "Hal 1"}
        simulator.control({"clear": True, "resources": [hall], "bookings": week()})
        yield simulator


@pytest.fixture
async def entry(hass: HomeAssistant, winkas: WinKasSimulator) -> ConfigEntry:
    """The account with its room."""
    await async_setup_component(hass, "repairs", {})
    form = dict(winkas.credentials())
    form["advanced"] = {"url": form.pop("url")}
    return await add_account(hass, "booking_system", "winkas", form, ["1"])


async def booked(hass: HomeAssistant) -> list[str]:
    """Return the ids of the bookings that count."""
    answer = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    return [each["booking_id"] for each in answer["rooms"][0]["bookings"]]


async def vanish(
    hass: HomeAssistant, winkas: WinKasSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Let four of five bookings vanish, and be missed for a while."""
    winkas.control({"remove": [1, 2, 3, 4]})
    for minutes in range(16, 22):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("answer", "left"), [("revoke", ["5"]), ("keep", ["1", "2", "3", "4", "5"])]
)
async def test_rule_04_a_human_decides_when_many_bookings_vanish(
    hass: HomeAssistant,
    entry: ConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
    issue_registry: ir.IssueRegistry,
    answer: str,
    left: list[str],
) -> None:
    """Nothing is taken back until then; the answer stands at the next polls."""
    await vanish(hass, winkas, freezer)
    assert len(await booked(hass)) == 5
    issue_id = f"bookings_vanished_{entry.entry_id}"
    assert issue_registry.async_get_issue(
        DOMAIN, issue_id
    ).translation_placeholders == {
        "account": entry.title,
        "count": "4",
    }

    client = await hass_client()
    flow = await (
        await client.post(
            "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
        )
    ).json()
    assert flow["menu_options"] == ["revoke", "keep"]
    done = await (
        await client.post(
            f"/api/repairs/issues/fix/{flow['flow_id']}", json={"next_step_id": answer}
        )
    ).json()
    assert done["type"] == "create_entry"
    assert await booked(hass) == left
    for minutes in range(22, 60, 4):
        await at(hass, freezer, NOW + timedelta(minutes=minutes))
    assert await booked(hass) == left
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None


async def test_bookings_that_come_back_need_no_answer(
    hass: HomeAssistant,
    entry: ConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """The issue goes by itself."""
    issue_id = f"bookings_vanished_{entry.entry_id}"
    await vanish(hass, winkas, freezer)
    assert issue_registry.async_get_issue(DOMAIN, issue_id)
    winkas.control({"bookings": week()})
    await at(hass, freezer, NOW + timedelta(minutes=40))
    assert await booked(hass) == ["1", "2", "3", "4", "5"]
    assert not issue_registry.async_get_issue(DOMAIN, issue_id)


async def test_what_is_left_behind_is_read_and_put_away(
    hass: HomeAssistant,
    hass_client: ClientSessionGenerator,
    issue_registry: ir.IssueRegistry,
) -> None:
    """There is nothing to do but to know."""
    await async_setup_component(hass, "repairs", {})
    await async_setup_component(hass, DOMAIN, {})
    gone = MockConfigEntry(domain=DOMAIN, entry_id="gone", title="exivo")
    async_report_left_behind(hass, gone, doors=1, grants=2)
    client = await hass_client()
    flow = await (
        await client.post(
            "/api/repairs/issues/fix",
            json={"handler": DOMAIN, "issue_id": "left_behind_gone"},
        )
    ).json()
    assert flow["step_id"] == "confirm"
    assert flow["description_placeholders"] == {
        "account": "exivo",
        "doors": "1",
        "schedules": "0",
        "grants": "2",
    }
    await client.post(f"/api/repairs/issues/fix/{flow['flow_id']}", json={})
    assert issue_registry.async_get_issue(DOMAIN, "left_behind_gone") is None


def test_many_bad_bookings_are_not_all_named(
    hass: HomeAssistant, issue_registry: ir.IssueRegistry
) -> None:
    """Five make it clear; the number tells the rest."""
    entry = MockConfigEntry(domain=DOMAIN, entry_id="e", title="Feed")
    problems = [Problem(reason="bad_event", item=f"event {n}") for n in range(1, 9)]
    async_report_problems(hass, entry, problems)
    issue = issue_registry.async_get_issue(DOMAIN, "bad_bookings_e")
    assert issue.translation_placeholders == {
        "account": "Feed",
        "count": "8",
        "items": "event 1, event 2, event 3, event 4, event 5, …",
    }


async def test_an_answer_that_is_another_is_said_until_the_next_good_one(
    hass: HomeAssistant,
    entry: ConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """With the field at fault, and where to tell us; an outage in between ends nothing."""
    issue_id = f"contract_changed_{entry.entry_id}"
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None
    winkas.fault("wrong_shape", path="Calendar")
    await at(hass, freezer, NOW + timedelta(minutes=16))
    issue = issue_registry.async_get_issue(DOMAIN, issue_id)
    assert issue.translation_placeholders == {
        "account": entry.title,
        "field": "Resources",
    }
    integration = await async_get_integration(hass, DOMAIN)
    assert issue.learn_more_url == integration.issue_tracker
    assert issue.learn_more_url.startswith("https://")
    assert not issue.is_fixable
    assert not issue.is_persistent
    assert len(await booked(hass)) == 5
    winkas.faults.clear()
    winkas.fault("500")
    await at(hass, freezer, NOW + timedelta(minutes=32))
    assert issue_registry.async_get_issue(DOMAIN, issue_id)
    winkas.faults.clear()
    await at(hass, freezer, NOW + timedelta(minutes=48))
    assert issue_registry.async_get_issue(DOMAIN, issue_id) is None


async def test_nothing_is_said_of_an_account_that_is_gone(
    hass: HomeAssistant,
    entry: ConfigEntry,
    winkas: WinKasSimulator,
    freezer: FrozenDateTimeFactory,
    issue_registry: ir.IssueRegistry,
) -> None:
    """Neither of bookings that cannot be read nor of answers."""
    winkas.control({"raw": {"1": [None]}})
    await at(hass, freezer, NOW + timedelta(minutes=16))
    winkas.fault("wrong_shape", path="Calendar")
    await at(hass, freezer, NOW + timedelta(minutes=32))
    ours = [issue for issue in issue_registry.issues.values() if issue.domain == DOMAIN]
    assert len(ours) == 2
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert not [i for i in issue_registry.issues.values() if i.domain == DOMAIN]
