"""Nobody reads of people, codes and secrets: not in what is shown, kept or written down.

Each system is filled with markers, lives through a booking with its troubles, and
then everything that Home Assistant tells anybody is searched for them.
"""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from sqlalchemy import text

from custom_components.booking_access.const import DATA_HUB, DOMAIN
from custom_components.booking_access.systems import form_of
from homeassistant.components.recorder import get_instance
from homeassistant.components.recorder.util import session_scope
from homeassistant.const import MATCH_ALL
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.helpers.recorder import async_initialize_recorder
from homeassistant.setup import async_setup_component

from .access_systems.access_cases import CASES
from .access_systems.site import EMAIL, LAST_NAME, NAME, Site

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
# The token that diagnostics are asked for with holds for half an hour.
START: Final = NOW + timedelta(minutes=12)
END: Final = START + timedelta(hours=2)
PEOPLE: Final = (NAME, LAST_NAME, "20998877", "20 99 88 77", EMAIL)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture(params=sorted(CASES))
def key(request: pytest.FixtureRequest) -> str:
    """Each access system in turn."""
    return str(request.param)


@pytest.fixture
async def site(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, key: str, tmp_path: Path
) -> AsyncIterator[Site]:
    """A hall, in a Home Assistant that records."""
    async_initialize_recorder(hass)
    config = {"db_url": f"sqlite:///{tmp_path}/recorder.db", "commit_interval": 0}
    assert await async_setup_component(hass, "recorder", {"recorder": config})
    async with Site(hass, freezer, key, CASES[key]) as site:
        yield site


def secrets(site: Site) -> Iterator[str]:
    """Yield what nobody may know of the accounts, and what opens doors."""
    for entry in (site.doors, site.bookings):
        for field in form_of(entry.data):
            if field.secret and entry.data.get(field.name):
                yield entry.data[field.name]
        yield from filter(
            None, (entry.data.get("secret"), entry.data.get("webhook_id"))
        )
    for row in site.hass.data[DATA_HUB].store.ledger.grants.values():
        credential = row.credential
        yield from filter(None, (credential.code, credential.link, credential.bearer))


def recorded(hass: HomeAssistant) -> list[Any]:
    """Return all that the recorder wrote down."""
    tables = ("state_attributes", "states", "states_meta", "event_data", "event_types")
    with session_scope(hass=hass, read_only=True) as session:
        return [
            tuple(row)
            for table in tables
            for row in session.execute(text(f"SELECT * FROM {table}"))
        ]


async def told(hass: HomeAssistant, site: Site, client: ClientSessionGenerator) -> Any:
    """Return the diagnostics of both accounts and all of their devices."""
    assert await async_setup_component(hass, "diagnostics", {})
    found = []
    for entry in (site.doors, site.bookings):
        found.append(await get_diagnostics_for_config_entry(hass, client, entry))
        devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
        found += [
            await get_diagnostics_for_device(hass, client, entry, device)
            for device in devices
        ]
    return found


async def test_no_marker_is_found_anywhere(
    hass: HomeAssistant,
    site: Site,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In states, events, repairs, registries, diagnostics, the log and the recorder."""
    caplog.set_level("DEBUG")
    events = async_capture_events(hass, MATCH_ALL)
    site.vendor.fault("unknown_outcome", path=site.case.making, times=1)
    await site.book(START, END)
    await site.wait(timedelta(minutes=3))
    opening = set(secrets(site))
    site.vendor.fault("500", path=site.case.undoing, times=2)
    await site.book(START, END + timedelta(hours=1))
    await site.wait(timedelta(minutes=10))
    opening |= set(secrets(site))
    diagnostics = await told(hass, site, hass_client)
    await site.cancel(START, END + timedelta(hours=1))
    await site.wait(timedelta(minutes=3))
    await async_wait_recording_done(hass)
    rows = await get_instance(hass).async_add_executor_job(recorded, hass)
    log = [
        each
        for each in caplog.records
        if not each.name.startswith(("pytest_", "sqlalchemy"))
    ]
    read = {
        "states": [state.as_dict() for state in hass.states.async_all()],
        "events": [event.as_dict() for event in events],
        "issues": list(ir.async_get(hass).issues.values()),
        "devices": list(dr.async_get(hass).devices),
        "entities": list(er.async_get(hass).entities.values()),
        "diagnostics": json.dumps(diagnostics, ensure_ascii=False),
        "recorder": rows,
        "log": [(each.getMessage(), each.exc_text) for each in log],
    }
    assert len(rows) > 50
    assert len(opening) >= 2
    assert DOMAIN in str(read["log"])
    found = {
        (place, word)
        for place, told_there in read.items()
        for word in {*PEOPLE, *opening}
        if word in str(told_there)
    }
    assert found == set()
