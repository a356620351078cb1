"""Power cuts at random moments of a busy day.

Prints its seed; to repeat a day: BOOKING_ACCESS_SEED=<seed>. With
BOOKING_ACCESS_NIGHTLY=1 the day has twenty power cuts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from itertools import batched
import logging
import os
from pathlib import Path
import random
from typing import Any, Final

from aiohttp import ClientError, ClientSession
import pytest

from demo.client import ApiError, fill
from demo.prepare import DOMAIN, add_account
from simulators.exivo_site import ENTRANCE, SEMINAR, VAULT

from .conftest import CONFIGURATION
from .home_assistant import PASSWORD, USER, Door, HomeAssistant
from .office import FRONT, GYM, HALL, MEETING, NAMES, SECOND, Office
from .oracle import Oracle, Run
from .recorders import Command, RecordingExivo, RecordingWinKas, now

LOGGER: Final = logging.getLogger(__name__)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NIGHTLY: Final = os.environ.get("BOOKING_ACCESS_NIGHTLY") == "1"
# When the power is cut: at any time, while it starts, at a boundary, or while
# something is asked of exivo.
CUTS: Final = ["any", "start", "edge", "visit"]
NIGHTLY_CUTS: Final = [*CUTS, "edge", "edge", "visit", "revoke", "revoke", "mode"] * 2
WEATHER: Final = ["slow", "late_answer", "late_work", "unknown_outcome", "reset", "503"]
SETTLED: Final = timedelta(seconds=30)
ROOMS: Final = {
    HALL: {"points": (FRONT, SEMINAR), "access": ["hold_open"], "lead": 0},
    GYM: {"points": (FRONT,), "access": ["hold_open"], "lead": 1},
    MEETING: {"points": (VAULT,), "access": ["grant"], "lead": 0},
}


class House:
    """Three rooms that people come and go in, and a power supply that fails."""

    def __init__(
        self, home: HomeAssistant, door: Door, exivo: RecordingExivo, seed: int
    ) -> None:
        """Start with a house that nobody has booked."""
        self.home = home
        self.exivo = exivo
        self.winkas = RecordingWinKas()
        self.dice = random.Random(f"{seed} cuts")
        self._weather = random.Random(f"{seed} weather")
        self.office = Office(self.winkas, random.Random(f"{seed} office"))
        self._callers = random.Random(f"{seed} callers")
        self._door = door
        self._account = ""
        self.runs: list[Run] = []

    @property
    def oracle(self) -> Oracle:
        """Who judges what happened until now."""
        front = [
            Command(door=FRONT, opens=name == "unlock", at=at, done=at)
            for name, at in self._door.commands
        ]
        return Oracle(
            versions=self.office.versions,
            told=self.winkas.told,
            commands=[*front, *self.exivo.commands],
            handled=self.exivo.handled,
            runs=self.runs,
        )

    async def furnish(self) -> None:
        """Connect the rooms with their doors."""
        home = self.home
        locks = await add_account(
            home, "access_system", "ha_locks", {"entity_ids": [FRONT]}
        )
        exivo = await add_account(
            home, "access_system", "exivo", self.exivo.credentials()
        )
        account = await add_account(
            home, "booking_system", "winkas", self.winkas.credentials()
        )
        assert account
        self._account = account
        for room in await home.subentries(account):
            resource = next(id_ for id_, name in NAMES.items() if name == room["title"])
            wish = ROOMS[resource]
            answers = {
                "access_points": [
                    f"{locks if point == FRONT else exivo}/{point}"
                    for point in wish["points"]
                ],
                "access": wish["access"],
                "access_lead": wish["lead"],
                "access_lag": 0,
            }
            flow = await home.start_subentry_flow(account, "room", room["subentry_id"])
            flow = await home.continue_subentry_flow(flow, answers)
            assert flow["reason"] == "reconfigure_successful", flow
        await self._choose({"common_access_points": [f"{exivo}/{ENTRANCE}"]})

    async def _choose(self, answers: dict[str, Any]) -> None:
        """Fill in the options of the booking account."""
        path = "/api/config/config_entries/options/flow"
        flow = await self.home.api("POST", path, {"handler": self._account})
        filled = fill(flow["data_schema"], answers)
        done = await self.home.api("POST", f"{path}/{flow['flow_id']}", filled)
        assert done["type"] == "create_entry", done

    def start(self) -> None:
        """Switch the power on."""
        self.runs.append(Run(started=now()))
        self.home.process.start()

    async def get_ready(self) -> None:
        """Wait until Home Assistant runs."""
        await self.home.process.ready(self.home, USER, PASSWORD)
        self.runs[-1].ready = now()

    def cut_power(self) -> None:
        """Switch the power off."""
        self.home.kill()
        self.runs[-1].ended = now()

    async def synchronize(self) -> bool:
        """Have Home Assistant ask for news, if it is there to do so."""
        with suppress(ClientError, ApiError, OSError):
            await self.home.call_service(
                f"{DOMAIN}.synchronize", config_entry_id=self._account
            )
            return True
        return False

    @asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        """Let people call, and requests go wrong."""
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._take_calls()),
                group.create_task(self._have_weather()),
            ]
            yield
            for task in tasks:
                task.cancel()
        self.exivo.faults.clear()
        self.winkas.faults.clear()

    async def _take_calls(self) -> None:
        """Let people book, move and cancel."""
        while True:
            await asyncio.sleep(self._callers.uniform(0.3, 2.0))
            self.office.change_something()
            await self.synchronize()

    async def _have_weather(self) -> None:
        """Let requests go wrong now and then."""
        dice = self._weather
        while True:
            await asyncio.sleep(dice.uniform(2, 5))
            if dice.random() < 0.2:
                kind = dice.choice(["500", "slow", "reset", "empty", "partial"])
                self.winkas.fault(kind, path="InTimePeriod", times=1, seconds=0.7)
            else:
                path = dice.choice(["/mode", "/visit", "/revoke"])
                self.exivo.fault(dice.choice(WEATHER), path=path, times=1)

    async def wait_for_cut(self, when: str) -> None:
        """Wait for the moment when the power fails."""
        dice = self.dice
        if when == "start":
            await asyncio.sleep(dice.uniform(0.5, 7))
            return
        await self.get_ready()
        await asyncio.sleep(dice.uniform(0, 1))
        if when == "any":
            await asyncio.sleep(dice.uniform(0.2, 6))
        elif when == "edge":
            soon = now() + SECOND / 5
            edge = self.office.next_edge(soon, soon + 6 * SECOND)
            edge = edge or soon
            await wait_until(edge + timedelta(milliseconds=dice.gauss(3, 8)))
        else:
            await self._wait_for_request(when)

    async def _wait_for_request(self, ending: str) -> None:
        """Wait until exivo is asked for something, and perhaps has done it."""
        dice = self.dice
        self.exivo.faults.clear()
        kind = dice.choice(["slow", "late_answer", "late_work", "none"])
        if kind != "none":
            self.exivo.fault(kind, path=f"/{ending}", times=1)
        asked = asyncio.create_task(self.exivo.wait_for(f"/{ending}"))
        if ending == "visit":
            self.office.book_later()
        elif ending == "revoke" and self.office.later:
            self.office.cancel(dice.choice(self.office.later))
        await self.synchronize()
        with suppress(TimeoutError):
            await asyncio.wait_for(asked, 8)
        await asyncio.sleep(dice.choice([0, dice.uniform(0, 0.05), dice.uniform(0, 2)]))

    async def settle(self) -> None:
        """Wait until all is as it must be; it must then stay so."""
        patience = now() + SETTLED
        while not await self.synchronize() and now() < patience:
            await asyncio.sleep(1)
        while (wrong := self.disorder()) and now() < patience:
            await asyncio.sleep(0.2)
        assert wrong == []

    def disorder(self) -> list[str]:
        """Return what is not as it must be right now."""
        foreign = {"Courier", "Cleaning"}
        visits = self.exivo.live_visits()
        wrong = self.oracle.disorder(
            now(), [visit for visit in visits if visit.name not in foreign]
        )
        others = {v.name: v.revoked for v in self.exivo.visits.values()}
        if any(others[name] for name in foreign):
            wrong.append("a visit of others was revoked")
        return wrong


@pytest.fixture
async def seed() -> int:
    """What the day depends on."""
    return int(os.environ.get("BOOKING_ACCESS_SEED", random.randrange(10**6)))


@pytest.fixture
async def house(
    session: ClientSession, tmp_path: Path, door: Door, seed: int
) -> AsyncIterator[House]:
    """A furnished house, all of it stored."""
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


async def wait_until(instant: datetime) -> None:
    """Wait for an instant of the clock."""
    await asyncio.sleep((instant - now()).total_seconds())


async def test_power_cuts(house: House, seed: int) -> None:
    """In the end all is right, and nothing was ever opened that should not be."""
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
    for day in batched(cuts, 7):
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
    for room in ("hall", "gym", "meeting_room"):
        await house.home.wait_for_state(f"binary_sensor.{room}_attention", "off")
    assert house.disorder() == []
    oracle = house.oracle
    LOGGER.info("%s commands, %s visits", len(oracle.commands), len(oracle.handled))
    wrong = oracle.judge(begun, now())
    assert not wrong, "\n".join(wrong)
