"""Leases in Home Assistant: sent, and from files, through a whole life."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import FormData
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockUser
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access import imports
from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import issue_registry as ir
from simulators.eiendomsappen import EiendomsappenSimulator

from ..flows import open_form, submit
from ..helpers import add_account, add_room, at, settle

# 31 December in Oslo, an hour before midnight.
NOW = datetime(2026, 12, 31, 22, 0, tzinfo=UTC)
MIDNIGHT = NOW + timedelta(hours=1)
HEAD = "Leietaker;Enhet;Telefonnummer;Kontrakt startdato;Kontrakt sluttdato"
UNITS = ["H0101", "H0102", "H0103", "H0104"]
NOTHING: dict[str, Any] = {"count": 0, "units": []}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def account(hass: HomeAssistant, lock: str, tmp_path: Path) -> ConfigEntry:
    """An account with a room whose door is a lock, in a house elsewhere."""
    await hass.config.async_set_time_zone("America/New_York")
    hass.config.allowlist_external_dirs = {str(tmp_path)}
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    form = await open_form(hass, "booking_system", "eiendomsappen")
    assert form["description_placeholders"]["header"] == "X-Booking-Access-Secret"
    entry = (await submit(hass, form, {"name": "Storgata 1"}))["result"]
    points = [f"{doors.entry_id}/{lock}"]
    form = {"resource_id": "H0101", "name": "Flat", "access_points": points}
    timing = {"access_lead": 0, "access_lag": 0}
    await add_room(hass, entry, {**form, "access": ["hold_open"], "timing": timing})
    return entry


@pytest.fixture
async def sender(
    account: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> AsyncIterator[EiendomsappenSimulator]:
    """A program of the landlord's that knows address and secret."""
    client = await hass_client_no_auth()
    address = client.make_url(f"/api/webhook/{account.data['webhook_id']}")
    target = {"address": str(address), "secret": account.data["secret"]}
    async with EiendomsappenSimulator() as simulator:
        simulator.control({"target": target})
        yield simulator


async def send(sender: EiendomsappenSimulator, **data: Any) -> tuple[int, Any]:
    """Have leases sent, and return the answer."""
    sender.control(data)
    (answer,) = await sender.deliver()
    return answer["status"], json.loads(answer["answer"])


class Office:
    """Who saves the leases as a file, and brings it in."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, folder: Path) -> None:
        """Know where files are put."""
        self.hass = hass
        self.entry = entry
        self.file = folder / "leases.csv"

    async def bring(
        self, *rows: str, preview: bool = False, answers: bool = True
    ) -> Any:
        """Save rows under the headings, and bring the file in."""
        self.file.write_text("\n".join([HEAD, *rows]), encoding="cp1252")
        data = {"path": str(self.file), "preview": preview}
        return await self.act(data, answers=answers)

    async def act(
        self, data: dict[str, Any], *, answers: bool = True, user: str | None = None
    ) -> Any:
        """Call the action."""
        answer = await self.hass.services.async_call(
            DOMAIN,
            "import_leases",
            {"config_entry_id": self.entry.entry_id, **data},
            blocking=True,
            return_response=answers,
            context=Context(user_id=user),
        )
        await self.hass.async_block_till_done(wait_background_tasks=True)
        return answer

    @property
    def leases(self) -> dict[str, datetime]:
        """The units that are let, and until when."""
        known = self.hass.data[DOMAIN].accounts[self.entry.entry_id].bookings
        return {k: v[-1].end for k, v in known.by_resource.items()}


@pytest.fixture
def office(hass: HomeAssistant, account: ConfigEntry, tmp_path: Path) -> Office:
    """The landlord's office."""
    return Office(hass, account, tmp_path)


def row(unit: str, start: str = "01.01.2026", end: str = "") -> str:
    """Return a lease as a row."""
    return f"Kari Ånes {unit};{unit};412 34 567;{start};{end}"


def issues(hass: HomeAssistant, kind: str) -> list[ir.IssueEntry]:
    """Return the repair issues of a kind."""
    return [
        issue
        for (domain, id_), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN and id_.startswith(kind)
    ]


def met(**changes: Any) -> dict[str, Any]:
    """Return what an import answers, nothing where not said."""
    usual = dict.fromkeys(("added", "changed", "removed", "held_back"), NOTHING)
    return {"preview": False, "complete": True, "problems": [], **usual, **changes}


def one(*units: str) -> dict[str, Any]:
    """Return how leases of units are counted."""
    return {"count": len(units), "units": list(units)}


async def test_a_lease_runs_from_midnight_to_midnight_in_oslo(
    hass: HomeAssistant, office: Office, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """Wherever the house is said to be."""
    answer = await office.bring(row("H0101", "01.01.2027", "2027-01-02"))
    assert answer == met(added=one("H0101"))
    await at(hass, freezer, MIDNIGHT - timedelta(seconds=1))
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, MIDNIGHT)
    assert hass.states.get(lock).state == "unlocked"
    await at(hass, freezer, MIDNIGHT + timedelta(hours=48) - timedelta(seconds=1))
    assert hass.states.get(lock).state == "unlocked"
    await at(hass, freezer, MIDNIGHT + timedelta(hours=48))
    assert hass.states.get(lock).state == "locked"


async def test_a_tenant_who_is_no_longer_in_the_file_loses_access_at_once(
    hass: HomeAssistant, office: Office, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """In the middle of a lease as well; but not by looking at it first."""
    await office.bring(row("H0101"), row("H0102"))
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    look = await office.bring(
        row("H0102", end="31.12.2027"), row("H0103"), preview=True
    )
    changes = {"added": one("H0103"), "changed": one("H0102"), "removed": one("H0101")}
    assert look == met(preview=True, **changes)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    assert set(office.leases) == {"H0101", "H0102"}
    done = await office.bring(row("H0102", end="31.12.2027"), row("H0103"))
    assert done == met(**changes)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    assert set(office.leases) == {"H0102", "H0103"}
    assert await office.bring(row("H0103"), row("H0102", end="31.12.2027")) == met()


async def test_when_most_vanish_a_human_is_asked(
    hass: HomeAssistant, office: Office, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """Rule 4, the brake: nobody loses anything before."""
    await office.bring(*map(row, UNITS))
    look = await office.bring(row("H0102"), preview=True)
    assert look["held_back"] == one("H0101", "H0103", "H0104")
    assert not issues(hass, "bookings_vanished")
    assert await office.bring(row("H0102")) == met(held_back=look["held_back"])
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    (issue,) = issues(hass, "bookings_vanished")
    assert issue.translation_placeholders["count"] == "3"
    hass.data[DOMAIN].async_answer_brake(office.entry.entry_id, revoke=True)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    assert set(office.leases) == {"H0102"}


async def test_a_bad_row_is_named_and_its_tenant_stays(
    hass: HomeAssistant, office: Office, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """Without an answer to read, people find it under repairs; until it is right."""
    await office.bring(row("H0101"), row("H0102"))
    problems = [{"line": 2, "column": "Kontrakt sluttdato"}]
    answer = await office.bring(row("H0101", end="soon"), row("H0103"))
    assert answer == met(added=one("H0103"), removed=one("H0102"), problems=problems)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    (issue,) = issues(hass, "bad_bookings")
    assert issue.translation_placeholders["items"] == "line 2 (Kontrakt sluttdato)"
    answer = await office.bring("Kari;;;01.01.2026;", row("H0103"))
    assert (answer["complete"], answer["removed"]) == (False, NOTHING)
    assert await office.bring(row("H0101"), row("H0103"), answers=False) is None
    assert not issues(hass, "bad_bookings")


async def test_leases_that_are_sent(
    hass: HomeAssistant,
    office: Office,
    sender: EiendomsappenSimulator,
    freezer: FrozenDateTimeFactory,
    lock: str,
) -> None:
    """Open, of a day, moved, cancelled; one store with those of files."""
    lease = {"id": "L1", "resource": "H0101", "start": "2027-01-01"}
    assert await send(sender, lease=lease) == (200, {"taken": 1, "problems": []})
    await at(hass, freezer, MIDNIGHT - timedelta(seconds=1))
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, MIDNIGHT)
    assert hass.states.get(lock).state == "unlocked"
    ended = {**lease, "end": "2027-01-01"}
    other = {"resource": "H0102", "name": "Kari Ånes H0102"}
    assert (await send(sender, leases=[ended, other]))[1]["taken"] == 2
    await at(hass, freezer, MIDNIGHT + timedelta(hours=24))
    assert hass.states.get(lock).state == "locked"
    await send(sender, lease=lease)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    answer = await office.bring(row("H0102", "31.12.2026"))
    assert answer["removed"] == one("H0101")
    assert answer["added"] == NOTHING  # it is the one that was sent
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    await send(sender, lease=lease)
    await send(sender, lease={"id": "L1", "status": "cancelled"})
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    assert set(office.leases) == {"H0102"}


async def test_a_lease_that_is_cut_off_or_of_a_stranger_changes_nothing(
    hass: HomeAssistant, office: Office, sender: EiendomsappenSimulator
) -> None:
    for fault, status in (("partial", 400), ("wrong_secret", 403), ("no_secret", 403)):
        sender.fault(fault, times=1)
        assert (await send(sender, lease={"resource": "H0101"}))[0] == status
    assert office.leases == {}


async def test_files_outlive_a_restart(
    hass: HomeAssistant, office: Office, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    await office.bring(row("H0101"))
    await hass.config_entries.async_reload(office.entry.entry_id)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "unlocked"
    assert await office.bring(row("H0101")) == met()


async def test_a_file_from_the_browser(
    hass: HomeAssistant, office: Office, hass_client: ClientSessionGenerator
) -> None:
    """As the form of the action sends it; it is gone after one use."""
    client = await hass_client()
    data = FormData()
    content = "\n".join([HEAD, row("H0101")]).encode("utf-8-sig")
    data.add_field("file", content, filename="leases.csv", content_type="text/csv")
    answer = await client.post("/api/file_upload", data=data)
    file_id = (await answer.json())["file_id"]
    assert (await office.act({"file": file_id}))["added"] == one("H0101")
    with pytest.raises(ServiceValidationError) as caught:
        await office.act({"file": file_id})
    assert caught.value.translation_key == "file_not_readable"


async def test_what_cannot_be_imported(
    hass: HomeAssistant,
    office: Office,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each says what to do, and changes nothing."""
    await office.bring(row("H0101"))
    (other,) = (
        e for e in hass.config_entries.async_entries(DOMAIN) if e != office.entry
    )
    form = await open_form(hass, "booking_system", "webhook")
    hook = (await submit(hass, form, {"name": "Skedda"}))["result"]
    missing = str(tmp_path / "missing.csv")
    words = tmp_path / "words.csv"
    words.write_text("no headings here")
    spreadsheet = tmp_path / "leases.xlsx"
    spreadsheet.write_bytes(b"PK\0\0")
    for data, key in (
        ({}, "no_file"),
        ({"path": missing}, "file_not_readable"),
        ({"path": "/etc/hostname"}, "path_not_allowed"),
        ({"path": str(words)}, "columns_missing"),
        ({"path": str(spreadsheet)}, "not_a_table"),
        ({"path": str(office.file), "config_entry_id": other.entry_id}, "no_import"),
        ({"path": str(office.file), "config_entry_id": hook.entry_id}, "no_import"),
    ):
        with pytest.raises(ServiceValidationError) as caught:
            await office.act(data)
        assert caught.value.translation_key == key
    monkeypatch.setattr(imports, "MAX_FILE", 10)
    with pytest.raises(ServiceValidationError) as caught:
        await office.bring()
    assert caught.value.translation_key == "file_too_large"
    assert set(office.leases) == {"H0101"}


async def test_only_administrators_import(
    hass: HomeAssistant, office: Office, hass_read_only_user: MockUser
) -> None:
    with pytest.raises(Unauthorized):
        await office.act({"path": "x"}, user=hass_read_only_user.id)


async def test_nothing_personal_is_told(
    hass: HomeAssistant, office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither by the action, nor in logs, states and issues."""
    caplog.set_level(logging.DEBUG, "custom_components.booking_access")
    told = [await office.bring(row("H0101"), row("H0102", end="x"))]
    told += [await office.bring(preview=True)]
    states = [(s.state, s.attributes) for s in hass.states.async_all()]
    ours = [r.getMessage() for r in caplog.records if "booking_access" in r.name]
    everything = f"{told} {states} {issues(hass, '')} {ours}"
    for secret in ("Kari", "412 34"):
        assert secret not in everything
