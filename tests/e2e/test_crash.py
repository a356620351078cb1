"""Power cuts at random moments of busy days.

With BOOKING_ACCESS_NIGHTLY=1 there are twenty of them. What happened depends on
a seed, which is logged; BOOKING_ACCESS_SEED repeats it, as far as time allows.
"""

import asyncio
from collections.abc import AsyncIterator
from itertools import batched
import logging
import os
from pathlib import Path
import random
from typing import Final

from aiohttp import ClientSession
import pytest

from .conftest import CONFIGURATION
from .home_assistant import Door, HomeAssistant
from .house import House, wait_until
from .office import FRONT
from .recorders import RecordingExivo, now

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

LOGGER: Final = logging.getLogger(__name__)
NIGHTLY: Final = os.environ.get("BOOKING_ACCESS_NIGHTLY") == "1"
# When the power is cut: while Home Assistant starts, while something is asked of
# exivo, while the ledger is being written, at a boundary, or at any time.
CUTS: Final = ["start", "visit", "write"]
MORE_CUTS: Final = ["edge", "edge", "visit", "revoke", "revoke", "mode", "any"]
NIGHTLY_CUTS: Final = [*CUTS, *MORE_CUTS] * 2
CUTS_A_DAY: Final = 7


@pytest.fixture
def seed() -> int:
    """What the dice depend on."""
    return int(os.environ.get("BOOKING_ACCESS_SEED", random.randrange(10**6)))


@pytest.fixture
async def house(
    session: ClientSession, tmp_path: Path, door: Door, seed: int
) -> AsyncIterator[House]:
    """A furnished house, with all of that stored."""
    home = HomeAssistant(session, tmp_path, CONFIGURATION + door.configuration())
    async with RecordingExivo() as exivo:
        house = House(home, door, exivo, seed)
        async with house.winkas:
            house.office.book_later(days=2)
            try:
                await home.start()
                await home.wait_for_state(FRONT, "locked")
                await house.furnish()
                await home.stop()
                house.start()
                await house.get_ready()
                yield house
            finally:
                home.kill()


async def test_power_cuts(house: House, seed: int) -> None:
    """In the end all is right, and no door was ever opened that should not be.

    At the end of each day all must be as the bookings have it; then what was done
    all the time is judged.
    """
    LOGGER.warning("seed %s", seed)
    office = house.office
    for _ in range(4):
        office.book_later()
    lost = office.book_later(days=3)
    office.book_later(days=9)  # too early to hand anything out for it
    assert await house.synchronize()
    begun = now()
    if NIGHTLY:  # else there is no time to believe it
        office.vanish(lost)

    cuts = list(NIGHTLY_CUTS if NIGHTLY else CUTS)
    house.dice.shuffle(cuts)
    for day in batched(cuts, CUTS_A_DAY, strict=False):
        async with house.busy():
            for when in day:
                LOGGER.info("next cut: %s", when)
                await house.wait_for_cut(when)
                house.cut_power()
                LOGGER.info("cut")
                house.start()
            await house.get_ready()
        await house.settle()

    over = office.close()
    await house.synchronize()
    await wait_until(over)
    await house.settle()
    await asyncio.sleep(1)
    oracle = house.oracle
    LOGGER.info("%s commands, %s visits", len(oracle.commands), len(oracle.handled))
    LOGGER.info("cut %s times in the middle of a write", house.caught_writing)
    wrong = [
        *oracle.judge(begun, now()),
        *house.disorder(),
        *house.complaints(),
        *house.leaks(),
    ]
    assert not wrong, "\n".join(wrong)
