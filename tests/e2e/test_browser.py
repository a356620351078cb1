"""What a person sees and clicks, in a real browser."""

from collections.abc import AsyncIterator
import os
from pathlib import Path

from aiohttp import ClientSession
from playwright.async_api import Page, expect
import pytest

from demo.__main__ import CONFIGURATION
from demo.browser import add_calendar_account, find_browser, log_in, open_page
from demo.prepare import DOMAIN, add_local_calendar, room_device

from .home_assistant import PASSWORD, USER, HomeAssistant

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.fixture
async def house(session: ClientSession, tmp_path: Path) -> AsyncIterator[HomeAssistant]:
    """A house whose hall has a calendar."""
    house = HomeAssistant(session, tmp_path, CONFIGURATION.read_text())
    try:
        await house.start()
        await add_local_calendar(house, "Hall")
        yield house
    finally:
        house.kill()


@pytest.fixture
async def page(house: HomeAssistant) -> AsyncIterator[Page]:
    """A page in the browser of somebody who is logged in."""
    if not find_browser():
        reason = "no Chromium: scripts/browser installs it on Debian"
        # Where everything is decided, what was not tried does not count as good.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    async with open_page() as page:
        await log_in(page, house.url, USER, PASSWORD)
        yield page


async def test_an_account_is_added(house: HomeAssistant, page: Page) -> None:
    """From the list of integrations to the page of a room that works."""
    await add_calendar_account(page, house.url, "Hall")
    [entry] = await house.entries(DOMAIN)
    assert entry["state"] == "loaded"
    [room] = await house.subentries(entry["entry_id"])
    assert room["title"] == "Hall"

    device = await room_device(house, room["subentry_id"])
    await page.goto(f"{house.url}/config/devices/device/{device}")
    for name in ("Door", "Alarm", "Booked", "Access status"):
        await expect(page.get_by_text(name, exact=True).first).to_be_visible()
    await page.get_by_text("Unlock", exact=True).click()
    await house.wait_for_state("lock.hall_door", "unlocked")
    assert house.complaints() == []
