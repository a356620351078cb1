"""A hall that is booked in WinKAS, and its door, through a whole life."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.core import HomeAssistant
from simulators.winkas import WinKasSimulator

from .helpers import add_account, add_room, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLL = timedelta(minutes=15, seconds=1)
LEAD, LAG = 10 * MINUTE, 5 * MINUTE
HALLS = [{"id": 12, "name": "Hal 1"}, {"id": 13, "name": "Hal 2", "location": None}]

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Hall:
    """The first hall, its door, and time."""

    def __init__(
        self,
        hass: HomeAssistant,
        freezer: FrozenDateTimeFactory,
        winkas: WinKasSimulator,
        lock: str,
    ) -> None:
        """Know what there is."""
        self.hass = hass
        self.freezer = freezer
        self.winkas = winkas
        self.lock = lock
        self.now = NOW

    async def set_up(self) -> None:
        """Connect the door and WinKAS, and make the room."""
        doors = await add_account(
            self.hass, "access_system", "ha_locks", {"entity_ids": [self.lock]}
        )
        form: dict[str, Any] = dict(self.winkas.credentials())
        form["advanced"] = {"url": form.pop("url")}
        self.entry = await add_account(self.hass, "booking_system", "winkas", form)
        room = {
            "resource_id": "12",
            "access_points": [f"{doors.entry_id}/{self.lock}"],
            "access": ["hold_open"],
            "timing": {"access_lead": 10, "access_lag": 5},
        }
        await add_room(self.hass, self.entry, room)

    def book(self, start: datetime, end: datetime, **more: Any) -> None:
        """Make the booking in WinKAS, or change it."""
        times = {"start": start.isoformat(), "end": end.isoformat()}
        booking = {"id": 501, "resource": 12, "subject": "Badminton", **times}
        self.winkas.control({"bookings": [{**booking, **more}]})

    async def poll(self) -> None:
        """Let the time come at which WinKAS is asked."""
        await self.at(self.now + POLL)

    async def at(self, instant: datetime) -> None:
        """Let time come to an instant."""
        self.now = instant
        await at(self.hass, self.freezer, instant)

    def is_open(self) -> bool:
        """Whether the door is open."""
        return self.hass.states.get(self.lock).state == "unlocked"

    async def opens(self, start: datetime, end: datetime) -> None:
        """The door is open from the lead to the lag, to the second."""
        for instant, wanted in (
            (start - LEAD - MINUTE, False),
            (start - LEAD, True),
            (end + LAG - MINUTE, True),
            (end + LAG, False),
        ):
            await self.at(instant)
            assert self.is_open() is wanted, instant


@pytest.fixture
async def hall(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, lock: str
) -> AsyncIterator[Hall]:
    """A hall that nobody has booked yet."""
    async with WinKasSimulator() as winkas:
        winkas.control({"clear": True, "resources": HALLS})
        hall = Hall(hass, freezer, winkas, lock)
        await hall.set_up()
        yield hall


async def booked(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Return from when to when the hall is booked, in UTC."""
    answer = await hass.services.async_call(
        DOMAIN, "get_bookings", {}, blocking=True, return_response=True
    )
    return [(each["start"], each["end"]) for each in answer["rooms"][0]["bookings"]]


@pytest.mark.parametrize(
    "date_format", ["dk", "dk_minutes", "iso", "iso_utc", "number"]
)
@pytest.mark.parametrize("z_means_utc", [True, False])
async def test_booked_changed_moved_and_cancelled(
    hass: HomeAssistant, hall: Hall, date_format: str, z_means_utc: bool
) -> None:
    """The door follows, however WinKAS writes and reads its times."""
    hall.winkas.control({"date_format": date_format, "z_means_utc": z_means_utc})
    start, end = NOW + HOUR, NOW + 3 * HOUR
    hall.book(start, end)
    await hall.poll()
    assert await booked(hass) == [(start.isoformat(), end.isoformat())]
    hall.book(start, end + HOUR)  # longer
    await hall.poll()
    await hall.opens(start, end + HOUR)

    start, end = NOW + 24 * HOUR, NOW + 26 * HOUR
    hall.book(start, end)
    await hall.poll()
    hall.book(start + 2 * HOUR, end + 2 * HOUR)  # later
    await hall.poll()
    await hall.at(start)
    assert not hall.is_open()
    await hall.at(start + 2 * HOUR)
    assert hall.is_open()
    hall.book(start + 2 * HOUR, end + 2 * HOUR, resource=13)  # to the other hall
    for _ in range(2):
        await hall.poll()
    assert hall.is_open()  # what runs is kept to its end
    await hall.at(end + 2 * HOUR + LAG)
    assert not hall.is_open()

    start, end = NOW + 48 * HOUR, NOW + 50 * HOUR
    hall.book(start, end)
    await hall.poll()
    hall.book(start, end, extra={"Status": "Aflyst"})
    await hall.poll()
    await hall.at(start)
    assert not hall.is_open()
    assert await booked(hass) == []


@pytest.mark.parametrize("expired_as", ["status", "401"])
async def test_a_token_that_has_expired_and_an_outage(
    hass: HomeAssistant, hall: Hall, expired_as: str
) -> None:
    """Neither is seen at the door, and nobody is asked to sign in."""
    start, end = NOW + 2 * HOUR, NOW + 4 * HOUR
    hall.winkas.control({"expired_as": expired_as})
    hall.book(start, end)
    hall.winkas.tokens.clear()
    hall.winkas.requests.clear()
    await hall.poll()
    logins = [path for _, path in hall.winkas.requests if path.endswith("Authenticate")]
    assert len(logins) == 1
    hall.winkas.fault("503")
    await hall.opens(start, end)
    hall.winkas.faults.clear()
    hall.book(end + 2 * HOUR, end + 3 * HOUR, id=502)
    await hall.poll()
    await hall.opens(end + 2 * HOUR, end + 3 * HOUR)
    assert hass.config_entries.flow.async_progress() == []


@pytest.mark.parametrize("z_means_utc", [True, False])
async def test_a_camp_of_ten_days(
    hass: HomeAssistant, hall: Hall, z_means_utc: bool
) -> None:
    """It is kept to its end, also where only what begins in the window is answered."""
    hall.winkas.control({"begin_inside": True, "z_means_utc": z_means_utc})
    start, end = NOW + HOUR, NOW + timedelta(days=10)
    hall.book(start, end)
    await hall.poll()
    for day in range(1, 10):
        await hall.at(NOW + timedelta(days=day))
        await hall.poll()
        assert hall.is_open(), day
    await hass.config_entries.async_reload(hall.entry.entry_id)
    await hall.poll()
    assert hall.is_open()
    await hall.at(end + LAG - MINUTE)
    assert hall.is_open()
    await hall.at(end + LAG)
    assert not hall.is_open()
