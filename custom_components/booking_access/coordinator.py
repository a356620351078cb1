"""Polling of one account, and what is done through it."""

from abc import abstractmethod
import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .access_systems.base import AccessSystem
from .booking_systems.base import BookingSystem
from .const import CONF_RESOURCE_ID, HORIZON, LOGGER, LOOK_BACK, SUBENTRY_ROOM
from .door_devices import DoorDevices
from .door_events import DoorEvents
from .engine.bookings import MISSING_FOR
from .engine.ledger import LONGEST_WAIT
from .engine.models import (
    AccessPoint,
    AuthError,
    Booking,
    ContractError,
    OutcomeUnknown,
    PointState,
    Problem,
    RateLimited,
    Snapshot,
    VendorError,
)
from .errors import failure, translated
from .issues import async_report_contract, async_report_problems, async_report_to_see_to
from .push import PushRefused
from .shapes import ANSWERS, Answers

type AccountCoordinator = BookingCoordinator | AccessCoordinator
type BookingAccessConfigEntry = ConfigEntry[AccountCoordinator]

# No call to a vendor may take longer, in seconds.
CALL_LIMIT: Final = 60
# News that come in a burst are looked at together.
SETTLE: Final = 0.05
# How long a vendor that has had too many requests is left alone if it does not say.
BREATHER: Final = timedelta(seconds=10)
# How often "last synchronized" is shown anew while nothing changes.
SHOW_EVERY: Final = timedelta(hours=1)


class _Coordinator[DataT](DataUpdateCoordinator[DataT]):
    """What the polling of both kinds of accounts shares."""

    config_entry: BookingAccessConfigEntry
    system: BookingSystem | AccessSystem

    def __init__(
        self,
        hass: HomeAssistant,
        entry: BookingAccessConfigEntry,
        poll_interval: timedelta | None,
    ) -> None:
        """Set the pace of the system."""
        super().__init__(
            hass,
            LOGGER,
            config_entry=entry,
            name=entry.title,
            update_interval=poll_interval,
            always_update=False,
            request_refresh_debouncer=Debouncer(
                hass, LOGGER, cooldown=1.0, immediate=True
            ),
        )
        self.answers = Answers()
        self.synchronized: datetime | None = None
        # What was not as it should be in an answer that is good for all else.
        self._drift: str | None = None
        self._settling: Callable[[], None] | None = None

    @override
    async def _async_update_data(self) -> DataT:
        """Ask the vendor, and say in Home Assistant's words what went wrong."""
        ANSWERS.set(self.answers)
        error: VendorError | None = None
        try:
            data = await self._async_ask()
        except VendorError as err:
            error = err
            if isinstance(err, ContractError):
                async_report_contract(self.hass, self.config_entry, err.field)
            raise failure(err) from err
        finally:
            self.answers.settle(error)
        self._note_success()
        async_report_contract(self.hass, self.config_entry, self._drift)
        return data

    @abstractmethod
    async def _async_ask(self) -> DataT:
        """Ask the vendor."""

    def _note_success(self) -> None:
        """Remember when it last worked; to show it each time would be noise."""
        now = dt_util.utcnow()
        recovered = not self.last_update_success
        if (
            self.synchronized is None
            or recovered
            or now - self.synchronized >= SHOW_EVERY
        ):
            self.synchronized = now

    async def async_synchronize(self) -> None:
        """Ask the vendor right now, because a human wants to know."""
        self.synchronized = None
        await self.async_refresh()
        self.async_update_listeners()

    @callback
    def news(self) -> None:
        """Look again in a moment, once for all news until then."""
        if self._settling is None:
            self._settling = async_call_later(self.hass, SETTLE, self._async_settled)

    async def _async_settled(self, _: datetime) -> None:
        """Look now."""
        self._settling = None
        await self.async_request_refresh()

    @override
    async def async_shutdown(self) -> None:
        """Stop polling."""
        if self._settling:
            self._settling()
            self._settling = None
        await super().async_shutdown()


class TakesSnapshots(Protocol):
    """Who wants to know what a booking system answered."""

    def known_bookings(self, entry_id: str) -> Mapping[str, Booking]:
        """Return the bookings of an account by their ids, those cancelled included."""

    async def async_take(self, entry_id: str, snapshot: Snapshot) -> bool:
        """Take an answer over; return whether to ask again soon."""


class BookingCoordinator(_Coordinator[tuple[Problem, ...]]):
    """Polls a booking account; what it holds itself are the last answer's problems."""

    system: BookingSystem

    def __init__(
        self,
        hass: HomeAssistant,
        entry: BookingAccessConfigEntry,
        system: BookingSystem,
        taker: TakesSnapshots,
    ) -> None:
        """Poll the system and pass its answers on to the taker."""
        super().__init__(hass, entry, system.poll_interval)
        self.system = system
        self._taker = taker
        self._last: Snapshot | None = None

    @callback
    @override
    def news(self) -> None:
        """Look again, but not while calendars still come and go at a start."""
        if self.hass.is_running:
            super().news()

    @override
    async def _async_ask(self) -> tuple[Problem, ...]:
        """Ask for the bookings of all rooms."""
        rooms = self.config_entry.get_subentries_of_type(SUBENTRY_ROOM)
        resource_ids = {room.data[CONF_RESOURCE_ID] for room in rooms}
        if not resource_ids:
            if not self.system.is_fed:
                await self.system.validate()  # so that one sees if it is connected
            return ()
        now = dt_util.utcnow()
        start, end = now - LOOK_BACK, now + HORIZON
        snapshot = await self.system.list_bookings(resource_ids, start, end)
        if snapshot is None:  # the same again, which counts as an answer
            if self._last is None:
                raise ContractError("body")
            snapshot = replace(self._last, start=start, end=end)
        self._last = snapshot
        again_soon = await self._taker.async_take(self.config_entry.entry_id, snapshot)
        self.update_interval = MISSING_FOR if again_soon else self.system.poll_interval
        async_report_problems(self.hass, self.config_entry, snapshot.problems)
        return snapshot.problems

    async def async_take_push(
        self, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, Any]:
        """Take what was brought over; returns what to tell the sender.

        Raises PushRefused, and the errors of a vendor that is asked more.
        """
        entry_id = self.config_entry.entry_id
        known = self._taker.known_bookings(entry_id)
        try:
            push = await self.system.parse_push(headers, body, known)
        except PushRefused as err:
            if err.shown:
                async_report_problems(self.hass, self.config_entry, err.shown)
            raise
        if push.bookings:
            now = dt_util.utcnow()
            snapshot = Snapshot(
                bookings=push.bookings, start=now, end=now, complete=False
            )
            await self._taker.async_take(entry_id, snapshot)
        if push.problems:
            async_report_problems(self.hass, self.config_entry, push.problems)
        if push.asks:
            self.news()
        return push.answer


@dataclass(frozen=True, kw_only=True, slots=True)
class Doors:
    """The access points of an account, and what is known of them."""

    points: Mapping[str, AccessPoint] = field(default_factory=dict)
    states: Mapping[str, PointState] = field(default_factory=dict)


class AccessCoordinator(_Coordinator[Doors]):
    """Polls an access account, and does what is to be done there."""

    system: AccessSystem

    def __init__(
        self, hass: HomeAssistant, entry: BookingAccessConfigEntry, system: AccessSystem
    ) -> None:
        """Poll the system."""
        super().__init__(hass, entry, system.poll_interval)
        self.system = system
        self.data = Doors()
        self.events = DoorEvents(hass, entry.entry_id)
        self.devices = DoorDevices(hass, entry)
        self._resume_at: datetime | None = None
        self._turns = self._grant_turns = None
        if (count := system.concurrency) is not None:
            self._turns = asyncio.Semaphore(count)
            self._grant_turns = asyncio.Semaphore(max(count - 1, 1))

    @property
    def tells_events(self) -> bool:
        """Whether it becomes known here what happens at doors."""
        return self.system.tells_events or self.system.takes_push

    @override
    async def _async_setup(self) -> None:
        """Know which events were told."""
        if self.tells_events:
            await self.events.async_load()
            self.config_entry.async_on_unload(self.events.async_save)

    @override
    async def _async_ask(self) -> Doors:
        """Ask for the access points and their states.

        While the vendor wants to be left alone, what is known stays.
        """
        if self._left_alone_for():
            return self.data
        try:
            listed = await self.system.list_access_points()
            states = await self.system.read_states()
        except RateLimited as err:
            self._leave_alone(err)
            raise
        finally:
            async_report_to_see_to(self.hass, self.config_entry, self.system.problems)
        if self.system.tells_events:
            await self._async_read_events()
        points = {point.id: point for point in listed}
        pace = self.system.poll_interval
        again_soon = self.devices.async_take(points)
        self.update_interval = min(pace, MISSING_FOR) if again_soon else pace
        return Doors(points=points, states=states)

    async def _async_read_events(self) -> None:
        """Ask what happened at doors; they work all the same if nobody knows."""
        self._drift = None
        try:
            events = await self.system.read_events(self.events.since)
        except VendorError as err:
            LOGGER.debug("%s: no events: %s", self.name, type(err).__name__)
            if isinstance(err, RateLimited):
                self._leave_alone(err)
            if isinstance(err, ContractError):
                self._drift = err.field
            return
        self.events.async_take(events)

    async def async_take_push(
        self, headers: Mapping[str, str], body: bytes
    ) -> Mapping[str, Any]:
        """Tell what was brought; returns what to tell the sender.

        Raises PushRefused, and the errors of a vendor that is asked more.
        """
        push = await self.system.parse_push(headers, body)
        self.events.async_take(push.events)
        if push.asks or any(e.point_id not in self.data.points for e in push.events):
            self.news()
        return push.answer

    async def async_hold(self, point_id: str, *, held: bool) -> None:
        """Keep a door open, or put it back to normal."""
        async with self.turn():
            await self.system.hold(point_id, held=held)
        self.news()

    async def async_unlock(self, point_id: str) -> None:
        """Open a door for a moment."""
        async with self.turn():
            await self.system.unlock(point_id)
        self.news()

    async def async_refresh_locks(self) -> None:
        """Have the vendor look for new doors; they come with one of the next polls."""
        with translated("refresh_failed", account=self.config_entry.title):
            async with self.turn():
                await self.system.refresh()
        self.news()

    @asynccontextmanager
    async def turn(self, limit: float = CALL_LIMIT) -> AsyncGenerator[None]:
        """Wait for a turn at the vendor, and bound what is done in it.

        Raises OutcomeUnknown if it takes too long; RateLimited without asking while
        the vendor wants to be left alone; AuthError starts the dialogue that asks for
        new credentials.
        """
        async with self._turns or nullcontext():
            if wait := self._left_alone_for():
                raise RateLimited(wait)
            try:
                async with asyncio.timeout(limit):
                    yield
            except TimeoutError as err:
                raise OutcomeUnknown("no answer in time") from err
            except RateLimited as err:
                self._leave_alone(err)
                raise
            except AuthError:
                self.config_entry.async_start_reauth(self.hass)
                raise

    @asynccontextmanager
    async def grant_turn(self) -> AsyncGenerator[None]:
        """Wait for a turn that leaves one for the doors: grants may be many."""
        async with self._grant_turns or nullcontext(), self.turn():
            yield

    def _leave_alone(self, err: RateLimited) -> None:
        """Ask nothing more of the vendor for as long as it wishes."""
        wait = min(err.retry_after or BREATHER, LONGEST_WAIT)
        self._resume_at = dt_util.utcnow() + wait

    def _left_alone_for(self) -> timedelta | None:
        """Return how much longer the vendor is left alone; None if it is not.

        A clock that was set back does not make that longer.
        """
        now = dt_util.utcnow()
        if self._resume_at and now < self._resume_at <= now + LONGEST_WAIT:
            return self._resume_at - now
        return None
