"""Whatever goes wrong with an access system: nobody gets two keys, none is left over."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
import logging
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.systems import ACCESS_SYSTEMS
from homeassistant.core import HomeAssistant

from .access_cases import CASES
from .site import LAG, LEAD, MARKERS, Site

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
START = NOW + 6 * HOUR
END = START + 2 * HOUR
# Retries come at least as often as this.
SOON: Final = timedelta(minutes=4)

# What a vendor's server may do to a request that changes something.
FAULTS: Final[Mapping[str, dict[str, Any]]] = {
    "401": {"kind": "401"},
    "429 for ten minutes": {"kind": "429", "retry_after": "600"},
    "500": {"kind": "500"},
    "HTML": {"kind": "html"},
    "reset": {"kind": "reset"},
    "done, and no answer": {"kind": "unknown_outcome"},
}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


def test_every_system_that_asks_a_server_has_its_case() -> None:
    asking = {key for key, system in ACCESS_SYSTEMS.items() if not system.needs_hass}
    assert set(CASES) == asking


# Ambiance speaks as Saflok 6000 does, and has its life like the others.
TROUBLED: Final = sorted(CASES.keys() - {"ambiance"})


@pytest.fixture(params=sorted(CASES))
def key(request: pytest.FixtureRequest) -> str:
    """Each system in turn."""
    return str(request.param)


@pytest.fixture
async def site(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, key: str
) -> AsyncIterator[Site]:
    """A hall that nobody has booked yet."""
    async with Site(hass, freezer, key, CASES[key]) as site:
        yield site


@pytest.fixture(autouse=True)
def nobody_is_named(caplog: pytest.LogCaptureFixture) -> AsyncIterator[None]:
    """Log all that there is; whoever has booked is not in it."""
    caplog.set_level(logging.DEBUG)
    yield
    ours = [
        caplog.handler.format(record)
        for record in caplog.get_records("call")
        if "booking_access" in f"{record.name} {record.pathname}"
        or record.levelno >= logging.WARNING
    ]
    for marker in MARKERS:
        assert not [line for line in ours if marker in line]


async def test_a_life(site: Site) -> None:
    """Booked, extended, moved, cancelled; at each moment just the right access."""
    await site.book(START, END)
    assert site.opens(START - LEAD, END + LAG)
    await site.book(START, END + HOUR)
    assert site.opens(START - LEAD, END + HOUR + LAG)
    await site.book(START + HOUR, END + HOUR)
    assert site.opens(START + HOUR - LEAD, END + HOUR + LAG)
    await site.cancel(START + HOUR, END + HOUR)
    assert site.entries() == []


async def test_what_is_over_is_over(site: Site) -> None:
    """After the end nothing of it opens anything."""
    await site.book(START, END)
    await site.wait(END + LAG + 2 * MINUTE - NOW, HOUR)
    now = END + LAG + MINUTE
    assert [each for each in site.entries() if each[1] <= now < each[2]] == []


@pytest.mark.parametrize("key", TROUBLED)
@pytest.mark.parametrize("name", FAULTS)
async def test_giving_access_goes_wrong_for_a_while(site: Site, name: str) -> None:
    """It is given once it can be, and only once."""
    site.vendor.fault(**FAULTS[name], path=site.case.making)
    await site.book(START, END)
    await site.wait(2 * MINUTE)
    site.vendor.faults.clear()
    await site.wait(20 * MINUTE if "minutes" in name else SOON)
    assert site.opens(START - LEAD, END + LAG)
    await site.wait(SOON)
    assert site.opens(START - LEAD, END + LAG)


@pytest.mark.parametrize("key", TROUBLED)
@pytest.mark.parametrize("name", FAULTS)
async def test_taking_access_back_goes_wrong_for_a_while(site: Site, name: str) -> None:
    """It is tried for as long as it takes."""
    await site.book(START, END)
    assert site.opens(START - LEAD, END + LAG)
    site.vendor.fault(**FAULTS[name], path=site.case.undoing)
    await site.cancel(START, END)
    await site.wait(2 * MINUTE)
    site.vendor.faults.clear()
    await site.wait(20 * MINUTE if "minutes" in name else SOON)
    assert site.entries() == []


@pytest.mark.parametrize("key", TROUBLED)
@pytest.mark.parametrize("name", ["500", "done, and no answer"])
async def test_a_change_goes_wrong_for_a_while(site: Site, name: str) -> None:
    """Meanwhile what was given stays; in the end there is just the new one."""
    await site.book(START, END)
    site.vendor.fault(**FAULTS[name], path=site.case.making)
    await site.book(START, END + HOUR)
    assert site.entries()
    await site.wait(MINUTE)
    site.vendor.faults.clear()
    await site.wait(SOON)
    assert site.opens(START - LEAD, END + HOUR + LAG)


@pytest.mark.parametrize("key", TROUBLED)
async def test_taken_away_by_hand(site: Site) -> None:
    """Noticed by listing, and given again."""
    if site.case.undo is None:
        assert not ACCESS_SYSTEMS[site.key].can_list
        return
    await site.book(START, END)
    await site.wait(2 * MINUTE)
    site.case.undo(site.vendor)
    assert site.entries() == []
    await site.wait(15 * MINUTE)
    assert site.opens(START - LEAD, END + LAG)
