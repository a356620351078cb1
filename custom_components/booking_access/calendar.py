"""Calendar of each room: its bookings."""

from datetime import datetime
from typing import override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEvent,
    CalendarEventStatus,
)
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .coordinator import AccountCoordinator, BookingAccessConfigEntry
from .engine.models import FOREVER, Booking, BookingStatus
from .entity import RoomEntity
from .platform import async_add_rooms
from .room import LiveRoom

PARALLEL_UPDATES = 0


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
    """The bookings of one room."""

    def __init__(self, account: AccountCoordinator, room: LiveRoom) -> None:
        """Show the room's bookings."""
        super().__init__(account, room, "bookings")

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
