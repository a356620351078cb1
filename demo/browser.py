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
