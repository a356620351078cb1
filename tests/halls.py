"""Two halls in WinKAS and the doors of an exivo site, for tests of what they do together."""

from datetime import datetime, timedelta
import time
from typing import Any, Self

from freezegun.api import FrozenDateTimeFactory

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, Visit
from simulators.winkas import WinKasSimulator

from .helpers import add_account, add_room, at, settle

ANNA = {"FirstName": "Anna", "LastName": "Holm", "Mobile": "20 12 34 56"}
LEAD = timedelta(minutes=10)
LAG = timedelta(minutes=5)


def booked(
    start: datetime, end: datetime, number: int = 1, hall: int = 1, **rest: Any
) -> dict[str, Any]:
    """Return a booking of a hall by Anna, as the simulator takes it."""
    times = {"start": start.isoformat(), "end": end.isoformat()}
    return {"id": number, "resource": hall, "owner": ANNA, **times, **rest}


class Halls:
    """The accounts of both sides, with simulators behind them."""

    doors: ConfigEntry
    bookings: ConfigEntry

    def __init__(self, hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
        """Prepare a WinKAS with two halls, and an exivo site."""
        self.hass = hass
        self.freezer = freezer
        self.winkas = WinKasSimulator()
        self.exivo = ExivoSimulator()
        halls = [{"id": number, "name": f"Hal {number}"} for number in (1, 2)]
        self.winkas.control({"clear": True, "resources": halls})
        self.others = {visit.id for visit in self.exivo.live_visits()}

    async def __aenter__(self) -> Self:
        """Start both vendors."""
        await self.winkas.start()
        await self.exivo.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop both vendors."""
        await self.winkas.stop()
        await self.exivo.stop()

    async def connect(self, *bookings: dict[str, Any]) -> None:
        """Add both accounts; these bookings are known from the first answer on."""
        self.hass.config.country = "DK"
        self.winkas.control({"bookings": list(bookings)})
        self.doors = await self._add("access_system", self.exivo)
        self.bookings = await self._add("booking_system", self.winkas)

    async def _add(
        self, side: str, simulator: WinKasSimulator | ExivoSimulator
    ) -> ConfigEntry:
        """Add an account."""
        form: dict[str, Any] = dict(simulator.credentials())
        form["advanced"] = {"url": form.pop("url")}
        return await add_account(self.hass, side, simulator.name, form)

    async def add_hall(
        self,
        *access: str,
        hall: int = 1,
        doors: tuple[str, ...] = (ENTRANCE,),
        timing: dict[str, int] | None = None,
        **form: Any,
    ) -> str:
        """Make a room of a hall, with a lead of 10 and a lag of 5 minutes."""
        return await add_room(
            self.hass,
            self.bookings,
            {
                "resource_id": str(hall),
                "access_points": [f"{self.doors.entry_id}/{door}" for door in doors],
                "access": list(access),
                "timing": {"access_lead": 10, "access_lag": 5, **(timing or {})},
                **form,
            },
        )

    async def book(self, *bookings: dict[str, Any]) -> None:
        """Add or change bookings, and let WinKAS be asked."""
        self.winkas.control({"bookings": list(bookings)})
        await self.synchronize()

    async def synchronize(self) -> None:
        """Have WinKAS asked right now."""
        await self.hass.services.async_call(
            DOMAIN,
            "synchronize",
            {"config_entry_id": self.bookings.entry_id},
            blocking=True,
        )
        await settle(self.hass, self.freezer)

    async def wait(self, *seconds: int) -> None:
        """Let time go by, to so many seconds from now."""
        now = dt_util.utcnow()
        for each in seconds:
            await at(self.hass, self.freezer, now + timedelta(seconds=each))

    async def breathe(self) -> None:
        """Let whatever runs go on for a moment, without waiting for all of it."""
        await self.hass.async_add_executor_job(time.sleep, 0.01)

    @property
    def keys(self) -> list[Visit]:
        """The visits that open doors and that others did not make."""
        return [v for v in self.exivo.live_visits() if v.id not in self.others]

    def mode(self, door: str = ENTRANCE) -> str | None:
        """Return whether a door is open or as usual."""
        return self.exivo.doors[door].mode
