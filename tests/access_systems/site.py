"""A WinKAS with a hall, and the doors of the access system under test."""

from datetime import datetime, timedelta
from typing import Any, Final, Self

from freezegun.api import FrozenDateTimeFactory

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util
from simulators.winkas import WinKasSimulator

from ..flows import fill, open_form
from ..helpers import add_account, add_room, at, settle
from .access_cases import AccessCase, Entry

# Who has booked: what must never be told.
NAME: Final = "Zebedee"
LAST_NAME: Final = "Qvistgaard"
PHONE: Final = "+4520998877"
EMAIL: Final = "zebedee.q@example.com"
MARKERS: Final = (NAME, LAST_NAME, "20998877", "20 99 88 77", EMAIL)
LEAD: Final = timedelta(minutes=10)
LAG: Final = timedelta(minutes=5)


async def connect(
    hass: HomeAssistant, key: str, case: AccessCase, simulator: Any
) -> ConfigEntry:
    """Connect the access system through all of its forms, and type in what it has."""
    flow = await open_form(hass, "access_system", key)
    given = {**simulator.credentials(), **case.settings}
    configure = hass.config_entries.flow.async_configure
    flow = await configure(flow["flow_id"], fill(flow["data_schema"], given))
    for answers in case.forms:
        assert flow["type"] is FlowResultType.FORM, flow
        given = {**simulator.credentials(), **answers}
        flow = await configure(flow["flow_id"], fill(flow["data_schema"], given))
    assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
    entry = flow["result"]
    await hass.async_block_till_done()
    for kind, typed in case.typed_in:
        subentries = hass.config_entries.subentries
        flow = await subentries.async_init(
            (entry.entry_id, kind), context={"source": "user"}
        )
        flow = await subentries.async_configure(flow["flow_id"], dict(typed))
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        await hass.async_block_till_done()
    if case.options:
        flow = await hass.config_entries.options.async_init(entry.entry_id)
        filled = fill(flow["data_schema"], case.options)
        flow = await hass.config_entries.options.async_configure(
            flow["flow_id"], filled
        )
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        await hass.async_block_till_done()
    return entry


class Site:
    """A hall in WinKAS whose people get access by the system under test."""

    doors: ConfigEntry
    bookings: ConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        key: str,
        case: AccessCase,
    ) -> None:
        """Prepare both vendors."""
        self.hass = hass
        self.freezer = freezer
        self.key = key
        self.case = case
        self.vendor = case.make()
        self.winkas = WinKasSimulator()
        self.winkas.control({"clear": True, "resources": [{"id": 1, "name": "Hal 1"}]})

    async def __aenter__(self) -> Self:
        """Start both, connect them and make the room."""
        await self.winkas.start()
        await self.vendor.start()
        self.hass.config.country = "DK"
        await self.hass.config.async_set_time_zone("Europe/Copenhagen")
        self.doors = await connect(self.hass, self.key, self.case, self.vendor)
        form: dict[str, Any] = dict(self.winkas.credentials())
        form["advanced"] = {"url": form.pop("url")}
        self.bookings = await add_account(self.hass, "booking_system", "winkas", form)
        self.room = await add_room(
            self.hass,
            self.bookings,
            {
                "resource_id": "1",
                "access_points": [
                    f"{self.doors.entry_id}/{point}" for point in self.case.points
                ],
                "access": ["grant"],
                "timing": {"access_lead": 10, "access_lag": 5},
            },
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop both."""
        await self.winkas.stop()
        await self.vendor.stop()

    async def book(
        self, start: datetime, end: datetime, number: int = 1, **more: Any
    ) -> None:
        """Make or change a booking, and let WinKAS be asked."""
        owner = {
            "FirstName": NAME,
            "LastName": LAST_NAME,
            "Mobile": PHONE,
            "Email": EMAIL,
        }
        times = {"start": start.isoformat(), "end": end.isoformat()}
        booking = {"id": number, "resource": 1, "owner": owner, **times, **more}
        self.winkas.control({"bookings": [booking]})
        await self.synchronize()

    async def cancel(self, start: datetime, end: datetime, number: int = 1) -> None:
        """Cancel a booking."""
        await self.book(start, end, number, extra={"Cancelled": True})

    async def synchronize(self) -> None:
        """Have WinKAS asked right now."""
        account = {"config_entry_id": self.bookings.entry_id}
        await self.hass.services.async_call(
            DOMAIN, "synchronize", account, blocking=True
        )
        await self.settle()

    async def settle(self) -> None:
        """Let what runs beside come to its end."""
        for _ in range(4):
            await settle(self.hass, self.freezer)

    async def wait(
        self, span: timedelta, step: timedelta = timedelta(minutes=1)
    ) -> None:
        """Let time go by in steps."""
        until = dt_util.utcnow() + span
        while (now := dt_util.utcnow()) < until:
            await at(self.hass, self.freezer, min(now + step, until))

    def entries(self) -> list[Entry]:
        """Return what somebody can open because of us."""
        return list(self.case.entries(self.vendor))

    def opens(self, start: datetime, end: datetime) -> bool:
        """Whether each of the room's doors is opened by one entry from start to end.

        Vendors may round to whole minutes, outwards.
        """
        minute = timedelta(minutes=1)
        found = sorted(self.entries())
        wanted = sorted(self.case.opened)
        return [each[0] for each in found] == wanted and all(
            start - minute < begins <= start
            and end - LAG + minute < ends < end + minute
            for _, begins, ends in found
        )
