"""Calendar of each room: its bookings."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityFeature,
    CalendarEvent,
    CalendarEventStatus,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .booking_systems.base import Write
from .coordinator import (
    AccountCoordinator,
    BookingAccessConfigEntry,
    BookingCoordinator,
)
from .engine.models import FOREVER, Booking, BookingStatus, Rejected
from .entity import RoomEntity
from .errors import translated
from .platform import async_add_rooms
from .room import LiveRoom

PARALLEL_UPDATES = 0

FEATURES: Final = {
    Write.CREATE: CalendarEntityFeature.CREATE_EVENT,
    Write.CHANGE: CalendarEntityFeature.UPDATE_EVENT,
    Write.CANCEL: CalendarEntityFeature.DELETE_EVENT,
}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the calendars of an account's rooms."""
    await async_add_rooms(
        entry, async_add_entities, lambda room: [RoomCalendar(entry.runtime_data, room)]
    )


class RoomCalendar(RoomEntity, CalendarEntity):
    """The bookings of one room; they can be changed where the booking system lets us."""

    def __init__(self, account: AccountCoordinator, room: LiveRoom) -> None:
        """Show the room's bookings."""
        super().__init__(account, room, "bookings")
        assert isinstance(account, BookingCoordinator)
        self._account = account
        self._shown: CalendarEntityFeature | None = None

    @property
    @override
    def supported_features(self) -> CalendarEntityFeature:
        """Return what can be done about the room's bookings from here."""
        writes = self._account.system.writes(self.room.config.resource_id)
        features = CalendarEntityFeature(0)
        for each in writes:
            features |= FEATURES[each]
        return features

    @override
    async def async_added_to_hass(self) -> None:
        """Follow also what can be done, which comes and goes with the booking system."""
        await super().async_added_to_hass()

        @callback
        def look() -> None:
            if self._shown != self.supported_features:
                self.async_write_ha_state()

        self.async_on_remove(self._account.async_add_listener(look))

    @property
    @override
    def event(self) -> CalendarEvent | None:
        """Return the booking that runs, else the next one."""
        booking = self.room.booking
        return calendar_event(booking) if booking else None

    @callback
    @override
    def _async_write_ha_state(self) -> None:
        """Write the state; the room tells when bookings begin and end.

        Timers of each calendar's own would come between the clock and the doors
        where many rooms change at the same instant.
        """
        self._shown = self.supported_features
        super()._async_write_ha_state()
        while self._alarm_unsubs:
            self._alarm_unsubs.pop()()

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        """Return the bookings that overlap the span of time."""
        return [
            calendar_event(booking)
            for booking in self.room.bookings
            if booking.start < end_date and start_date < booking.end > booking.start
        ]

    @override
    async def async_create_event(self, **kwargs: Any) -> None:
        """Book the room."""
        with self._writing():
            await self._account.system.create_booking(
                self.room.config.resource_id, kwargs
            )

    @override
    async def async_update_event(
        self,
        uid: str,
        event: dict[str, Any],
        recurrence_id: str | None = None,
        recurrence_range: str | None = None,
    ) -> None:
        """Change a booking."""
        with self._writing():
            await self._account.system.change_booking(
                self._booking(uid), event, recurrence_range or None
            )

    @override
    async def async_delete_event(
        self,
        uid: str,
        recurrence_id: str | None = None,
        recurrence_range: str | None = None,
    ) -> None:
        """Cancel a booking."""
        with self._writing():
            await self._account.system.cancel_booking(
                self._booking(uid), recurrence_range or None
            )

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Look for news after a change; say so if it did not work."""
        with translated("booking_not_changed", room=self.room.config.name):
            yield
        self._account.news()

    def _booking(self, booking_id: str) -> Booking:
        """Return one of the room's bookings; Rejected if it is there no more."""
        for booking in self.room.bookings:
            if booking.id == booking_id:
                return booking
        raise Rejected("booking_gone")


def calendar_event(booking: Booking) -> CalendarEvent:
    """Return a booking as a calendar shows it, without its people."""
    tentative = booking.status is BookingStatus.TENTATIVE
    end = min(booking.end, FOREVER.replace(year=2099))
    return CalendarEvent(
        start=dt_util.as_local(booking.start),
        end=dt_util.as_local(end),
        summary=booking.summary,
        uid=booking.id,
        status=CalendarEventStatus.TENTATIVE if tentative else None,
    )
