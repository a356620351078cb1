"""Every booking system with every access system: one booking, and its people get in."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.systems import ACCESS_SYSTEMS, BOOKING_SYSTEMS
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from simulators.calenso import CalensoSimulator
from simulators.eiendomsappen import EiendomsappenSimulator
from simulators.webhook import WebhookSimulator

from .access_systems.access_cases import CASES as ACCESS, Entry
from .access_systems.site import LAG, LEAD, connect
from .booking_systems.fault_cases import CASES as POLLED, LAST_NAME, NAME, PHONE
from .flows import fill, open_form, submit
from .helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
# Days begin at this instant where all these systems are: leases know no other.
START: Final = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
END: Final = START + timedelta(days=1)
MOMENT: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
LOCKS: Final = "ha_locks"
# Home Assistant's calendars do not say who comes.
NAMELESS: Final = "ha_calendar"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Booker(ABC):
    """Somebody who books one resource, from START to END."""

    resource: str
    entry: ConfigEntry

    def __init__(self, hass: HomeAssistant, key: str) -> None:
        """Book in a system."""
        self.hass = hass
        self.key = key

    @abstractmethod
    async def connect(self, stack: AsyncExitStack) -> None:
        """Connect the account of the booking system."""

    @abstractmethod
    async def book(self) -> None:
        """Make the booking, and let it become known."""


class PolledBooker(Booker):
    """In a system that is asked."""

    @override
    async def connect(self, stack: AsyncExitStack) -> None:
        """Start the vendor, and connect it."""
        case = POLLED[self.key]
        self.resource = case.resource
        self.vendor = await stack.enter_async_context(case.make())
        flow = await open_form(self.hass, "booking_system", self.key)
        self.hass.config_entries.flow.async_abort(flow["flow_id"])
        given = {**self.vendor.credentials(), **case.settings}
        form = fill(flow["data_schema"], given)
        self.entry = await add_account(self.hass, "booking_system", self.key, form)

    @override
    async def book(self) -> None:
        """Book, and have the vendor asked."""
        case = POLLED[self.key]
        # The simulated hotel takes times as its own clock shows them.
        zone = case.settings.get("time_zone") or "UTC"
        assert zone in ("UTC", "Etc/UTC") or self.key != "clock_pms"
        case.book(self.vendor, 1, START, END)
        account = {"config_entry_id": self.entry.entry_id}
        await self.hass.services.async_call(
            DOMAIN, "synchronize", account, blocking=True
        )


class CalendarBooker(Booker):
    """In a calendar of Home Assistant."""

    def __init__(self, hass: HomeAssistant, key: str, calendar: str) -> None:
        """Know the calendar."""
        super().__init__(hass, key)
        self.resource = calendar

    @override
    async def connect(self, stack: AsyncExitStack) -> None:
        """Choose the calendar."""
        form = {"entity_ids": [self.resource]}
        self.entry = await add_account(self.hass, "booking_system", self.key, form)

    @override
    async def book(self) -> None:
        """Book in the calendar."""
        event = {
            "entity_id": self.resource,
            "summary": "Badminton",
            "start_date_time": START.isoformat(),
            "end_date_time": END.isoformat(),
        }
        await self.hass.services.async_call(
            "calendar", "create_event", event, blocking=True
        )


class SendingBooker(Booker):
    """In a system that sends its bookings to us."""

    makes: Final = {
        "calenso": CalensoSimulator,
        "eiendomsappen": EiendomsappenSimulator,
        "webhook": WebhookSimulator,
    }
    resources: Final = {"calenso": "3/17", "eiendomsappen": "H0101", "webhook": "hall"}

    def __init__(
        self, hass: HomeAssistant, key: str, client: ClientSessionGenerator
    ) -> None:
        """Know how to reach Home Assistant."""
        super().__init__(hass, key)
        self.client = client

    @override
    async def connect(self, stack: AsyncExitStack) -> None:
        """Connect the account, and paste its address and secret at the vendor."""
        self.resource = self.resources[self.key]
        self.vendor = await stack.enter_async_context(self.makes[self.key]())
        flow = await open_form(self.hass, "booking_system", self.key)
        form = fill(flow["data_schema"], dict(self.vendor.credentials()))
        done = await submit(self.hass, flow, form)
        if done.get("step_id") == "rooms":
            done = await submit(self.hass, done, {"resources": []})
        self.entry = done["result"]
        client = await self.client()
        address = client.make_url(f"/api/webhook/{self.entry.data['webhook_id']}")
        target = {"address": str(address), "secret": self.entry.data["secret"]}
        self.vendor.control({"target": target})

    @override
    async def book(self) -> None:
        """Book, and have it sent."""
        start, end = START.isoformat(), END.isoformat()
        person = {"name": f"{NAME} {LAST_NAME}", "phone": PHONE}
        match self.key:
            case "calenso":
                customer = {"prename": NAME, "lastname": LAST_NAME, "mobile": PHONE}
                wish = {"type": "appointment.booking.created", "uuid": "a-1"}
                times = {"start": start, "end": end, "customer": customer}
                self.vendor.control({"appointments": [{**wish, **times}]})
            case "eiendomsappen":
                days = {"start": "2026-11-23", "end": "2026-11-23"}
                lease = {"id": "1", "resource": self.resource, **days, **person}
                self.vendor.control({"lease": lease})
            case _:
                booking = {"id": "1", "resource": self.resource, **person}
                times = {"start": start, "end": end}
                self.vendor.control({"booking": {**booking, **times}})
        [answer] = await self.vendor.deliver()
        assert answer["status"] == 200, answer


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    """What is to be stopped in the end."""
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
async def booker(
    hass: HomeAssistant,
    booking: str,
    stack: AsyncExitStack,
    calendar: str,
    hass_client_no_auth: ClientSessionGenerator,
) -> Booker:
    """Somebody who books in the system, in Denmark."""
    hass.config.country = "DK"
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    made: Booker
    if booking in POLLED:
        made = PolledBooker(hass, booking)
    elif booking == NAMELESS:
        made = CalendarBooker(hass, booking, calendar)
    else:
        made = SendingBooker(hass, booking, hass_client_no_auth)
    await made.connect(stack)
    return made


def pairs(systems: Sequence[str]) -> list[Any]:
    """Return every booking system with each of some access systems."""
    return [
        pytest.param(booking, access, id=f"{booking}-{access}")
        for booking in BOOKING_SYSTEMS
        for access in systems
    ]


def test_all_systems_are_there() -> None:
    assert {*ACCESS, LOCKS} == set(ACCESS_SYSTEMS)
    assert {*POLLED, *SendingBooker.makes, NAMELESS} == set(BOOKING_SYSTEMS)


async def make_room(booker: Booker, points: list[str], access: str) -> str:
    """Make the room, with a lead of 10 and a lag of 5 minutes."""
    form = {
        "resource_id": booker.resource,
        "name": "Room",
        "access_points": points,
        "access": [access],
        "timing": {"access_lead": 10, "access_lag": 5},
    }
    return await add_room(booker.hass, booker.entry, form)


@pytest.mark.parametrize(("booking", "access"), pairs(sorted(ACCESS)))
async def test_people_are_given_access(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    booker: Booker,
    booking: str,
    access: str,
    stack: AsyncExitStack,
) -> None:
    """From the lead up to the lag, at each of the room's doors."""
    case = ACCESS[access]
    vendor = await stack.enter_async_context(case.make())
    entry = await connect(hass, access, case, vendor)
    points = [f"{entry.entry_id}/{point}" for point in case.points]
    room_id = await make_room(booker, points, "grant")
    await booker.book()
    for _ in range(4):
        await settle(hass, freezer)
    if booking == NAMELESS and entry.runtime_data.system.needs_phone:
        await let_in(hass, room_id)
        for _ in range(4):
            await settle(hass, freezer)
    entries: Sequence[Entry] = case.entries(vendor)
    assert {each[0] for each in entries} == case.opened
    for _, begins, ends in entries:
        assert START - LEAD - MINUTE < begins <= START - LEAD
        assert END + LAG - MINUTE < ends < END + LAG + MINUTE


async def let_in(hass: HomeAssistant, room_id: str) -> None:
    """Say who comes, because the calendar does not."""
    [attention] = [
        state
        for state in hass.states.async_all("binary_sensor")
        if state.entity_id.endswith("attention")
    ]
    assert attention.attributes["reasons"] == ["phone_missing"]
    asked = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    [booking] = asked["rooms"][0]["bookings"]
    device = next(
        each
        for each in dr.async_get(hass).devices
        if (DOMAIN, room_id) in each.identifiers
    )
    guest = {"name": f"{NAME} {LAST_NAME}", "phone": PHONE}
    visit = {"device_id": device.id, "booking_id": booking["booking_id"], **guest}
    await hass.services.async_call(DOMAIN, "grant_access", visit, blocking=True)


@pytest.mark.parametrize(("booking", "access"), pairs([LOCKS]))
async def test_doors_are_kept_open(
    hass: HomeAssistant,
    freezer: FrozenDateTimeFactory,
    booker: Booker,
    access: str,
    lock: str,
) -> None:
    """From the lead up to the lag, for everybody."""
    entry = await add_account(hass, "access_system", access, {"entity_ids": [lock]})
    await make_room(booker, [f"{entry.entry_id}/{lock}"], "hold_open")
    await booker.book()
    await settle(hass, freezer)
    for instant, state in (
        (START - LEAD - MOMENT, "locked"),
        (START - LEAD, "unlocked"),
        (END + LAG - MOMENT, "unlocked"),
        (END + LAG, "locked"),
    ):
        await at(hass, freezer, instant)
        assert hass.states.get(lock).state == state
