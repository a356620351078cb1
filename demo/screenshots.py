"""Take the pictures of the documentation, of the demonstration as it is today."""

from argparse import ArgumentParser
import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from typing import Final

from aiohttp import ClientSession
from playwright.async_api import Page

from simulators.__main__ import start
from simulators.registry import SIMULATORS

from .__main__ import CONFIGURATION, PASSWORD, USER
from .browser import find_browser, log_in, open_add_dialog, open_page
from .client import Client
from .prepare import DOMAIN, furnish, room_device
from .process import Process, free_port

# Long enough for what slides in, and for icons that come late.
SETTLE: Final = 1.5  # seconds


async def take_all(target: Path) -> None:
    """Start a demonstration of its own, and take all pictures of it."""
    async with AsyncExitStack() as running:
        simulators = {}
        for name in SIMULATORS:
            simulators[name] = await start(name, 0)
            running.push_async_callback(simulators[name].stop)
        folder = running.enter_context(TemporaryDirectory())
        process = Process(Path(folder), free_port())
        process.install(CONFIGURATION.read_text())
        process.start()
        running.push_async_callback(process.stop)
        session = await running.enter_async_context(ClientSession())
        client = Client(session, process.url)
        await process.ready(client, USER, PASSWORD)
        await furnish(client, simulators)
        page = await running.enter_async_context(open_page())
        await log_in(page, client.url, USER, PASSWORD)
        for name, show in PICTURES.items():
            await show(page, client)
            await asyncio.sleep(SETTLE)
            path = target / f"{name}.png"
            await page.screenshot(path=path)
            print(path)


async def show_add(page: Page, client: Client) -> None:
    """The dialog that adds a booking system."""
    await open_add_dialog(page, client.url)
    await page.get_by_text("Booking system", exact=True).click()


async def show_room(page: Page, client: Client) -> None:
    """The page of a room while it is booked."""
    await client.wait_for_state("binary_sensor.hall_access_window", "on")
    device = await room_device(client, (await _hall(client))[1])
    await page.goto(f"{client.url}/config/devices/device/{device}")


async def show_room_form(page: Page, client: Client) -> None:
    """The form that joins a room to its doors."""
    entry_id, _ = await _hall(client)
    await page.goto(
        f"{client.url}/config/integrations/integration/{DOMAIN}#config_entry={entry_id}"
    )
    room = page.locator("ha-config-sub-entry-row").filter(has_text="Hall")
    await room.get_by_role("button", name="Change room", exact=True).click()
    await page.get_by_text("Timing", exact=True).wait_for()


async def show_calendar(page: Page, client: Client) -> None:
    """The bookings of all rooms."""
    await page.goto(f"{client.url}/calendar")
    await page.get_by_title("Week", exact=True).click()


async def _hall(client: Client) -> tuple[str, str]:
    """Return the entry and the subentry of the hall."""
    for entry in await client.entries(DOMAIN):
        for room in await client.subentries(entry["entry_id"]):
            if room["title"] == "Hall":
                return entry["entry_id"], room["subentry_id"]
    raise LookupError("the hall is missing")


PICTURES: Final[dict[str, Callable[[Page, Client], Awaitable[None]]]] = {
    "add": show_add,
    "room-form": show_room_form,
    "calendar": show_calendar,
    "room": show_room,
}


def main() -> int:
    """Read the command line and take the pictures; returns the exit code."""
    parser = ArgumentParser(prog="scripts/screenshots", description=__doc__)
    parser.add_argument("target", type=Path, nargs="?", default=Path("docs/images"))
    target = parser.parse_args().target
    if not find_browser():
        print("no Chromium: scripts/browser installs it on Debian", file=sys.stderr)
        return 1
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(take_all(target))
    return 0


if __name__ == "__main__":
    sys.exit(main())
