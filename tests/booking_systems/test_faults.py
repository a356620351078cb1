"""Whatever goes wrong with a booking system: nothing known is lost, nothing is told."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path
import ssl
import threading
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import CONF_ADVANCED, DOMAIN
from custom_components.booking_access.engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    RateLimited,
    VendorError,
)
from custom_components.booking_access.systems import BOOKING_SYSTEMS
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from simulators.base import Simulator

from ..certificate import self_signed
from ..flows import fill, open_form, submit
from ..helpers import add_account, add_room, at, turns_true
from .fault_cases import CASES, MARKERS, Case

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=6)
END = START + timedelta(hours=2)
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)
MOMENT = timedelta(seconds=1)
# No vendor is waited for any longer.
PATIENCE: Final = timedelta(seconds=61)

FAULTS: Final[Mapping[str, tuple[dict[str, Any], type[VendorError]]]] = {
    "401": ({"kind": "401"}, AuthError),
    "403": ({"kind": "403"}, AuthError),
    "429": ({"kind": "429"}, RateLimited),
    "429 for two hours": ({"kind": "429", "retry_after": "7200"}, RateLimited),
    "500": ({"kind": "500"}, ConnectionFailed),
    "503": ({"kind": "503"}, ConnectionFailed),
    "HTML": ({"kind": "html"}, ContractError),
    "truncated": ({"kind": "truncated"}, ContractError),
    "hang": ({"kind": "hang"}, ConnectionFailed),
    "reset": ({"kind": "reset"}, ConnectionFailed),
}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


def test_every_system_that_asks_a_server_has_its_case() -> None:
    asking = {
        key
        for key, system in BOOKING_SYSTEMS.items()
        if not (system.needs_hass or system.is_fed)
    }
    assert set(CASES) == asking


class House:
    """A room of the system under test, whose door is a real lock."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, case: Case, lock: str
    ) -> None:
        """Know what there is."""
        self.hass = hass
        self.freezer = freezer
        self.case = case
        self.lock = lock
        self.simulator = case.make()

    async def set_up(self, key: str) -> None:
        """Connect the door and the system, and make the room."""
        doors = await add_account(
            self.hass, "access_system", "ha_locks", {"entity_ids": [self.lock]}
        )
        self.entry = await add_account(
            self.hass, "booking_system", key, await self.form(key)
        )
        room = {
            "resource_id": self.case.resource,
            "name": "Hall",
            "access_points": [f"{doors.entry_id}/{self.lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        }
        await add_room(self.hass, self.entry, room)

    async def form(self, key: str, **more: Any) -> dict[str, Any]:
        """Return the account's form, filled in."""
        flow = await open_form(self.hass, "booking_system", key)
        self.hass.config_entries.flow.async_abort(flow["flow_id"])
        given = {**self.simulator.credentials(), **self.case.settings, **more}
        return fill(flow["data_schema"], given)

    async def poll(self, *, hangs: bool = False) -> None:
        """Ask once, as when the time has come."""
        asked = len(self.simulator.requests)
        task = self.hass.async_create_task(self.entry.runtime_data.async_refresh())
        if hangs:
            assert await turns_true(lambda: len(self.simulator.requests) > asked)
            self.freezer.tick(PATIENCE)
        await task
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def error(self, *, hangs: bool = False) -> VendorError:
        """Return what the client itself raises."""
        asked = len(self.simulator.requests)
        call = self.entry.runtime_data.system.list_bookings(
            {self.case.resource}, NOW, END + timedelta(days=1)
        )
        task = self.hass.async_create_task(call)
        if hangs:
            assert await turns_true(lambda: len(self.simulator.requests) > asked)
            self.freezer.tick(PATIENCE)
        with pytest.raises(VendorError) as caught:
            await task
        return caught.value

    def state(self, key: str) -> str:
        """Return the state of one of the account's own entities."""
        return self.hass.states.get(self.entity(key)).state

    def entity(self, key: str) -> str:
        """Return the id of one of the account's own entities."""
        wanted = f"{self.entry.entry_id}-{key}"
        entities = er.async_get(self.hass).entities.values()
        return next(e.entity_id for e in entities if e.unique_id == wanted)

    async def starts(self) -> list[datetime]:
        """Return when the bookings that are known start."""
        answer = await self.hass.services.async_call(
            DOMAIN, "get_bookings", {}, blocking=True, return_response=True
        )
        [room] = answer["rooms"]
        return [datetime.fromisoformat(each["start"]) for each in room["bookings"]]

    async def follows_the_booking(self) -> None:
        """The door opens and closes as if nothing were wrong."""
        for instant, state in (
            (START - LEAD - MOMENT, "locked"),
            (START - LEAD, "unlocked"),
            (END + LAG - MOMENT, "unlocked"),
            (END + LAG, "locked"),
        ):
            await at(self.hass, self.freezer, instant)
            assert self.hass.states.get(self.lock).state == state


@pytest.fixture(params=sorted(CASES))
def key(request: pytest.FixtureRequest) -> str:
    """Each system in turn."""
    return str(request.param)


@pytest.fixture
async def house(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, key: str, lock: str
) -> AsyncIterator[House]:
    """A house whose room is booked from START to END."""
    house = House(hass, freezer, CASES[key], lock)
    async with house.simulator:
        house.case.book(house.simulator, 1, START, END)
        await house.set_up(key)
        assert await house.starts() == [START]
        yield house


@pytest.fixture(autouse=True)
def everything_said(caplog: pytest.LogCaptureFixture) -> None:
    """Log all that there is."""
    caplog.set_level(logging.DEBUG)


def assert_nothing_personal(log: pytest.LogCaptureFixture) -> None:
    """Whoever has booked is in no log; what is not ours is not ours to keep quiet."""
    ours = [
        f"{log.handler.format(record)}"
        for record in log.records
        if "booking_access" in f"{record.name} {record.pathname}"
        or record.levelno >= logging.WARNING
    ]
    assert ours
    for marker in MARKERS:
        assert not [line for line in ours if marker in line]


@pytest.mark.parametrize("name", FAULTS)
async def test_what_is_known_stays_in_force(
    hass: HomeAssistant, house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said that there is no news, the door goes on, and news come again."""
    fault, usual = FAULTS[name]
    house.simulator.fault(**fault)
    hangs = name == "hang"
    wanted = house.case.errors.get(name, usual)
    assert type(await house.error(hangs=hangs)) is wanted
    await house.poll(hangs=hangs)
    assert house.state("connected") == "off"
    assert await house.starts() == [START]
    signing_in = {
        flow["context"]["source"]
        for flow in hass.config_entries.flow.async_progress()
        if flow["handler"] == DOMAIN
    }
    assert signing_in == ({"reauth"} if wanted is AuthError else set())
    if hangs:  # who asks while the clock stands still would wait for ever
        house.simulator.faults[0].kind = "reset"
    await house.follows_the_booking()

    house.simulator.faults.clear()
    again = END + LAG + house.case.waits.get(name, timedelta())
    await at(hass, house.freezer, again)
    house.case.book(house.simulator, 2, again + 3 * LEAD, again + 4 * LEAD)
    await house.poll()
    assert house.state("connected") == "on"
    assert again + 3 * LEAD in await house.starts()
    assert_nothing_personal(caplog)


def passing() -> list[Any]:
    """Return what passes by itself, with each system: all but a refused sign-in."""
    return [
        pytest.param(key, name, id=f"{key}-{name.replace(' ', '_')}")
        for key, case in CASES.items()
        for name in ("429", "429 for two hours", "500", "HTML", "reset")
        if case.errors.get(name) is not AuthError
    ]


@pytest.mark.parametrize(("key", "name"), passing())
async def test_it_is_asked_again_by_itself(
    hass: HomeAssistant, house: House, name: str
) -> None:
    """In its own pace, or when the vendor says."""
    house.simulator.fault(**FAULTS[name][0])
    await house.poll()
    house.simulator.faults.clear()
    house.simulator.requests.clear()
    interval = house.entry.runtime_data.system.poll_interval
    wait = timedelta(hours=2) if "hours" in name else interval
    await at(hass, house.freezer, NOW + wait - 5 * MOMENT)
    assert house.simulator.requests == []
    await at(hass, house.freezer, NOW + wait + 5 * MOMENT)
    assert await turns_true(lambda: house.state("connected") == "on")


async def test_a_sign_in_that_is_refused_for_a_while(
    hass: HomeAssistant, house: House
) -> None:
    """The caretaker's button is enough once it works again."""
    house.simulator.fault("401" if "403" in house.case.errors else "403")
    await house.poll()
    assert house.state("connected") == "off"
    house.simulator.faults.clear()
    button = {"entity_id": house.entity("synchronize")}
    await hass.services.async_call("button", "press", button, blocking=True)
    assert house.state("connected") == "on"


def odd_answers(kind: str) -> list[Any]:
    """Return all answers of a kind, each with its system."""
    return [
        pytest.param(key, name, id=f"{key}-{name.replace(' ', '_')}")
        for key, case in CASES.items()
        for name in getattr(case, kind)
    ]


@pytest.mark.parametrize(("key", "name"), odd_answers("odd"))
async def test_odd_answers_are_read(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Null for a text, fields and values that nobody knows: the booking is the same."""
    house.case.odd[name](house.simulator)
    await house.poll()
    assert house.state("connected") == "on"
    assert await house.starts() == [START]
    await house.follows_the_booking()
    assert_nothing_personal(caplog)


@pytest.mark.parametrize(("key", "name"), odd_answers("lacking"))
async def test_answers_that_lack_something_take_nothing_away(
    house: House, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at once, and never where the answer is known to be only a part."""
    house.case.lacking[name](house.simulator)
    await house.poll()
    assert await house.starts() == [START]
    house.simulator.faults.clear()
    await house.poll()
    assert house.state("connected") == "on"
    await house.follows_the_booking()
    assert_nothing_personal(caplog)


# Certificates


@contextmanager
def elsewhere(simulator: Simulator, context: ssl.SSLContext) -> Iterator[None]:
    """Run a simulator in a thread: what its side says of us is no error of ours."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        start = simulator.start(ssl_context=context)
        asyncio.run_coroutine_threadsafe(start, loop).result(10)
        yield
        asyncio.run_coroutine_threadsafe(simulator.stop(), loop).result(10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def test_a_certificate_that_nobody_vouched_for(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    key: str,
    lock: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is no connection, unless somebody says not to look."""
    house = House(hass, freezer, CASES[key], lock)
    with elsewhere(house.simulator, self_signed(tmp_path)):
        flow = await open_form(hass, "booking_system", key)
        flow = await submit(hass, flow, await house.form(key))
        assert flow["errors"] == {"base": "cannot_connect"}
        assert house.simulator.requests == []
        if "verify_ssl" in {field.name for field in BOOKING_SYSTEMS[key].form}:
            form = await house.form(key, verify_ssl=False)
            assert form[CONF_ADVANCED]["verify_ssl"] is False
            flow = await submit(hass, flow, form)
            assert flow["step_id"] == "rooms"
    assert_nothing_personal(caplog)
