"""Draw the brand's pictures from their sources in brand/."""

import asyncio
from pathlib import Path
from typing import Final

from playwright.async_api import async_playwright

from .browser import OPTIONS, find_browser

ROOT: Final = Path(__file__).parent.parent
# The picture, its source, and its width and height.
PICTURES: Final = (
    ("icon.png", "icon.svg", 256, 256),
    ("icon@2x.png", "icon.svg", 512, 512),
    ("logo.png", "logo.svg", 430, 128),
    ("logo@2x.png", "logo.svg", 860, 256),
)


async def draw() -> None:
    """Draw all pictures, on nothing."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_browser(), args=OPTIONS
        )
        for name, source, width, height in PICTURES:
            page = await browser.new_page(viewport={"width": width, "height": height})
            drawing = (ROOT / "brand" / source).read_text()
            await page.set_content(
                f"<style>body{{margin:0}}svg{{width:{width}px;height:{height}px}}</style>{drawing}"
            )
            picture = ROOT / "custom_components/booking_access/brand" / name
            await page.screenshot(path=picture, omit_background=True)
            await page.close()
        await browser.close()


if __name__ == "__main__":
    asyncio.run(draw())
