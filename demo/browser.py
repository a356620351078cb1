"""A person's browser at a Home Assistant, for tests and pictures."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import shutil
from typing import Final

from playwright.async_api import Page, async_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
# A container has neither a sandbox of its own, nor a graphics card, nor much
# shared memory.
OPTIONS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def find_browser() -> str | None:
    """Return where a Chromium is installed, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def open_page(width: int = 1280, height: int = 900) -> AsyncIterator[Page]:
    """Open a browser with one page."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=OPTIONS
        )
        page = await browser.new_page(
            viewport={"width": width, "height": height},
            locale="en-GB",
            timezone_id="Europe/Copenhagen",
            reduced_motion="reduce",
        )
        try:
            yield page
        finally:
            await browser.close()


async def log_in(page: Page, url: str, username: str, password: str) -> None:
    """Fill in the login form, and wait for what is behind it."""
    await page.goto(url)
    await page.locator("input[name=username]").fill(username)
    await page.locator("input[name=password]").fill(password)
    await page.keyboard.press("Enter")
    await page.locator("ha-sidebar").wait_for()


async def open_add_dialog(page: Page, url: str) -> None:
    """Ask to add this integration, as a link in a README does."""
    await page.goto(f"{url}/config/integrations/dashboard/add?domain=booking_access")
    await click(page, "OK")


async def add_calendar_account(page: Page, url: str, calendar: str) -> None:
    """Go through the forms that make a calendar's events bookings of a room."""
    await open_add_dialog(page, url)
    await page.get_by_text("Booking system", exact=True).click()
    await page.get_by_text("Home Assistant calendar", exact=True).click()
    await page.get_by_text("Select an entity").click()
    picker = page.locator("ha-picker-combo-box")
    await picker.get_by_text(calendar, exact=True).first.click()
    await click(page, "Submit")
    await page.get_by_text("Which rooms?", exact=True).wait_for()
    await click(page, "Submit")
    await click(page, "Skip and finish")


async def click(page: Page, button: str) -> None:
    """Click the button with exactly that text."""
    await page.get_by_role("button", name=button, exact=True).click()
