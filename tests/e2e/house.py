"""A house with three rooms, a busy booking office, and no reliable power."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
import random
from typing import Any, Final

from aiohttp import ClientError

from demo.client import ApiError, fill
from demo.prepare import DOMAIN, add_account
from simulators.exivo_site import ENTRANCE, SEMINAR, VAULT

from .home_assistant import LEDGER, PASSWORD, USER, Door, HomeAssistant
from .office import FRONT, GYM, HALL, MEETING, NAMES, SECOND, Office
from .oracle import Oracle, Run
from .recorders import Command, RecordingExivo, RecordingWinKas, now

# What goes wrong at exivo, and at WinKAS.
WEATHER: Final = ["slow", "late_answer", "late_work", "unknown_outcome", "reset", "503"]
LIST_WEATHER: Final = ["500", "slow", "reset", "empty", "partial"]
# No pause between two attempts is longer than two minutes.
SETTLED: Final = timedelta(seconds=130)
# The ledger is written about once a second, in a few milliseconds.
CATCHING: Final = 20
# Polls that failed are found in the log.
FOUND: Final = ("Error fetching WinKAS", "booking_access.synchronize: WinKAS")
PRIVATE: Final = 0o600
FOREIGN: Final = {"Courier", "Cleaning"}
WIRING: Final = {
    HALL: {"points": (FRONT, SEMINAR), "access": ["hold_open"], "lead": 0},
    GYM: {"points": (FRONT,), "access": ["hold_open"], "lead": 1},
    MEETING: {"points": (VAULT,), "access": ["grant"], "lead": 0},
}


class House:
    """The house, and those who do something to it; all by the dice of one seed."""

    def __init__(
        self, home: HomeAssistant, door: Door, exivo: RecordingExivo, seed: int
    ) -> None:
        """Start with a house that nobody has booked."""
        self.home = home
        self.exivo = exivo
        self.winkas = RecordingWinKas()
        self.office = Office(self.winkas, random.Random(f"{seed} office"))
        self.dice = random.Random(f"{seed} cuts")
        self._callers = random.Random(f"{seed} callers")
        self._weather = random.Random(f"{seed} weather")
        self._door = door
        self._account = ""
        self.caught_writing = 0  # power cuts in the middle of a write
        self._runs: list[Run] = []

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
            runs=self._runs,
        )

    async def furnish(self) -> None:
        """Connect the rooms with their doors."""
        locks = await self._add("access_system", "ha_locks", {"entity_ids": [FRONT]})
        exivo = await self._add("access_system", "exivo", self.exivo.credentials())
        account = await self._add("booking_system", "winkas", self.winkas.credentials())
        self._account = account
        for room in await self.home.subentries(account):
            resource = next(id_ for id_, name in NAMES.items() if name == room["title"])
            wiring = WIRING[resource]
            answers = {
                "access_points": [
                    f"{locks if point == FRONT else exivo}/{point}"
                    for point in wiring["points"]
                ],
                "access": wiring["access"],
                "access_lead": wiring["lead"],
                "access_lag": 0,
            }
            flow = await self.home.start_subentry_flow(
                account, "room", room["subentry_id"]
            )
            flow = await self.home.continue_subentry_flow(flow, answers)
            assert flow["reason"] == "reconfigure_successful", flow
        await self._choose({"common_access_points": [f"{exivo}/{ENTRANCE}"]})

    async def _add(self, side: str, system: str, answers: Any) -> str:
        """Add an account with all its rooms."""
        entry_id = await add_account(self.home, side, system, answers)
        assert entry_id
        return entry_id

    async def _choose(self, answers: dict[str, Any]) -> None:
        """Fill in the options of the booking account."""
        path = "/api/config/config_entries/options/flow"
        flow = await self.home.api("POST", path, {"handler": self._account})
        filled = fill(flow["data_schema"], answers)
        done = await self.home.api("POST", f"{path}/{flow['flow_id']}", filled)
        assert done["type"] == "create_entry", done

    def start(self) -> None:
        """Switch the power on."""
        self._runs.append(Run(started=now()))
        self.home.process.start()

    async def get_ready(self) -> None:
        """Wait until Home Assistant runs."""
        await self.home.process.ready(self.home, USER, PASSWORD)
        self._runs[-1].ready = now()

    def cut_power(self) -> None:
        """Switch the power off."""
        self.home.kill()
        self._runs[-1].ended = now()

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
            await asyncio.sleep(self._callers.uniform(0.3, 2))
            self.office.change_something()
            await self.synchronize()

    async def _have_weather(self) -> None:
        """Let requests go wrong now and then; what strikes nobody passes."""
        dice = self._weather
        while True:
            await asyncio.sleep(dice.uniform(2, 5))
            if dice.random() < 0.3:
                kind = dice.choice(LIST_WEATHER)
                self.winkas.fault(kind, path="InTimePeriod", times=1)
            else:
                path = dice.choice(["/mode", "/visit", "/revoke"])
                faults = self.exivo.faults
                faults[:] = [each for each in faults if each.path != path]
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
            await asyncio.sleep(dice.uniform(0.2, 5))
        elif when == "edge":
            soon = now() + SECOND / 5
            edge = self.office.next_edge(soon, soon + 6 * SECOND) or soon
            await wait_until(edge + timedelta(milliseconds=dice.gauss(3, 8)))
        elif when == "write":
            caught = await asyncio.to_thread(self.home.freeze_in_write, CATCHING)
            self.caught_writing += caught
        else:
            await self._wait_for_request(f"/{when}")

    async def _wait_for_request(self, ending: str) -> None:
        """Wait until exivo is asked for something, and perhaps has done it."""
        dice = self.dice
        kind = dice.choice(["slow", "late_answer", "late_work", None])
        self.exivo.faults.clear()
        if kind:
            self.exivo.fault(kind, path=ending, times=1)
        asked = asyncio.create_task(self.exivo.wait_for(ending))
        if ending == "/visit":
            self.office.book_later()
        elif ending == "/revoke" and self.office.later:
            self.office.cancel(dice.choice(self.office.later))
        await self.synchronize()
        with suppress(TimeoutError):
            await asyncio.wait_for(asked, 8)
        await asyncio.sleep(dice.choice([0, dice.uniform(0, 0.05), dice.uniform(0, 2)]))

    async def settle(self) -> None:
        """Wait until all is as it must be."""
        patience = now() + SETTLED
        while not await self.synchronize() and now() < patience:
            await asyncio.sleep(1)
        while wrong := [*self.disorder(), *await self._worries()]:
            if now() >= patience:
                break
            await asyncio.sleep(0.2)
        assert not wrong, "\n".join(wrong)

    def disorder(self) -> list[str]:
        """Return what is not as it must be right now."""
        ours = [v for v in self.exivo.live_visits() if v.name not in FOREIGN]
        wrong = self.oracle.disorder(now(), ours)
        if any(v.revoked for v in self.exivo.visits.values() if v.name in FOREIGN):
            wrong.append("a visit of others was revoked")
        return wrong

    async def _worries(self) -> list[str]:
        """Return which rooms want attention, or are not there."""
        states = {
            name: await self.home.get_state(
                f"binary_sensor.{name.lower().replace(' ', '_')}_attention"
            )
            for name in NAMES.values()
        }
        return [
            f"{name}: attention {state}"
            for name, state in states.items()
            if state is None or state["state"] != "off"
        ]

    def complaints(self) -> list[str]:
        """Return what Home Assistant complains of, less what has to be."""
        found = self.home.complaints()
        return [each for each in found if not any(x in each for x in FOUND)]

    def leaks(self) -> list[str]:
        """Return how others could learn who has booked, or a code."""
        stored = self.home.stored()
        # What was told of doors is kept too, by the access account's id.
        others = {file for file in stored if not file.endswith(".events")}
        assert others == {LEDGER, f"{DOMAIN}.{self._account}"}
        log = self.home.log()
        phones = {version.phone for version in self.office.versions}
        return [
            *(f"{file} has mode {m:o}" for file, m in stored.items() if m != PRIVATE),
            *(f"{path.name} was left" for path in self.home.half_written()),
            *(f"{phone} is in the log" for phone in phones if phone in log),
        ]


async def wait_until(instant: datetime) -> None:
    """Wait for an instant of the clock."""
    await asyncio.sleep((instant - now()).total_seconds())
