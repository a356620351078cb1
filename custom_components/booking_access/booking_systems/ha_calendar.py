"""Calendars of Home Assistant itself: the booking system that needs no account."""

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any, ClassVar, Final, override

from homeassistant.components.calendar import (
    DATA_COMPONENT,
    CalendarEntity,
    CalendarEntityFeature,
    CalendarEvent,
    CalendarEventStatus,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)
from homeassistant.util import dt as dt_util

from ..engine.models import (
    Absence,
    Account,
    Booking,
    BookingStatus,
    ConnectionFailed,
    Rejected,
    Resource,
    Snapshot,
)
from ..forms import Field, FieldKind
from .base import BookingSystem, Write
from .clock import span

FEATURES: Final = {
    Write.CREATE: CalendarEntityFeature.CREATE_EVENT,
    Write.CHANGE: CalendarEntityFeature.UPDATE_EVENT,
    Write.CANCEL: CalendarEntityFeature.DELETE_EVENT,
}
# What a booking does not show, and so cannot have been changed on purpose.
UNSHOWN: Final = ("description", "location")


class HaCalendar(BookingSystem):
    """Calendar entities; each is a resource, known by its registry id.

    A calendar without a registry entry is known by its entity id.
    """

    key: ClassVar = "ha_calendar"
    name: ClassVar = "Home Assistant"
    form: ClassVar = (
        Field(name="entity_ids", kind=FieldKind.ENTITIES, domain="calendar"),
    )
    absence: ClassVar = Absence.AUTHORITATIVE
    poll_interval: ClassVar = timedelta(minutes=1)
    needs_hass: ClassVar = True
    is_choice: ClassVar = True

    def __init__(self, hass: HomeAssistant, settings: Mapping[str, Any]) -> None:
        """Keep what is needed to find the calendars."""
        super().__init__(hass, settings)
        self.hass = hass
        self._chosen: list[str] = settings["entity_ids"]

    @override
    async def validate(self) -> Account:
        """Return the account; the calendars chosen are all that makes it."""
        resources = await self.list_resources()
        digest = sha256("\0".join(sorted(r.id for r in resources)).encode())
        return Account(id=digest.hexdigest()[:16], title="Home Assistant calendars")

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return the chosen calendars."""
        return tuple(
            Resource(id=self._resource_id(entity_id), name=self._name(entity_id))
            for entity_id in self._entity_ids()
        )

    @override
    async def list_bookings(
        self, resource_ids: Collection[str], start: datetime, end: datetime
    ) -> Snapshot:
        """Return the events of the calendars that are available.

        Raises ConnectionFailed if none of them is.
        """
        bookings: list[Booking] = []
        missing: set[str] = set()
        for entity_id in self._entity_ids():
            resource_id = self._resource_id(entity_id)
            if resource_id not in resource_ids:
                continue
            try:
                events = await self._events(entity_id, start, end)
            except ConnectionFailed:
                missing.add(resource_id)
            else:
                bookings += [_booking(resource_id, event) for event in events]
        missing |= set(resource_ids) - {
            self._resource_id(e) for e in self._entity_ids()
        }
        if missing and missing >= set(resource_ids):
            raise ConnectionFailed("no calendar is available")
        return Snapshot(
            bookings=tuple(bookings), start=start, end=end, missing=frozenset(missing)
        )

    @override
    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Follow the calendars: they write their state whenever an event changes."""

        @callback
        def written(_: object) -> None:
            changed()

        entity_ids = self._entity_ids()
        stops = (
            async_track_state_change_event(self.hass, entity_ids, written),
            async_track_state_report_event(self.hass, entity_ids, written),
        )

        def stop() -> None:
            for each in stops:
                each()

        return stop

    @override
    def writes(self, resource_id: str) -> frozenset[Write]:
        """Return what the calendar lets people do."""
        entity = self._entity(resource_id)
        features = (entity.supported_features or 0) if entity else 0
        return frozenset(each for each, flag in FEATURES.items() if features & flag)

    @override
    async def create_booking(self, resource_id: str, event: Mapping[str, Any]) -> None:
        """Make an event in the calendar."""
        entity = self._available(resource_id)
        await entity.async_create_event(**event)

    @override
    async def change_booking(
        self, booking: Booking, event: Mapping[str, Any], following: str | None
    ) -> None:
        """Change the event; what its booking does not show stays as it is."""
        source = await self._source(booking)
        kept = {each: value for each in UNSHOWN if (value := getattr(source, each))}
        given = {
            name: value for name, value in event.items() if value or name not in kept
        }
        await self._available(booking.resource_id).async_update_event(
            source.uid or "",
            {**kept, **given},
            recurrence_id=source.recurrence_id,
            recurrence_range=following,
        )

    @override
    async def cancel_booking(self, booking: Booking, following: str | None) -> None:
        """Delete the event."""
        source = await self._source(booking)
        await self._available(booking.resource_id).async_delete_event(
            source.uid or "",
            recurrence_id=source.recurrence_id,
            recurrence_range=following,
        )

    async def _source(self, booking: Booking) -> CalendarEvent:
        """Return the event that a booking is.

        A booking keeps its id when its calendar gives the event another one.
        """
        entity_id = self._available(booking.resource_id).entity_id
        events = await self._events(entity_id, booking.start, booking.end)
        found = {_booking(booking.resource_id, event).id: event for event in events}
        if event := found.get(booking.id):
            return event
        for event in events:
            read = _booking(booking.resource_id, event)
            same = (read.start, read.end, read.summary)
            if same == (booking.start, booking.end, booking.summary):
                return event
        raise Rejected("booking_gone")

    def _available(self, resource_id: str) -> CalendarEntity:
        """Return the calendar that a resource is; ConnectionFailed if it is away."""
        if entity := self._entity(resource_id):
            return entity
        raise ConnectionFailed("the calendar is not available")

    def _entity(self, resource_id: str) -> CalendarEntity | None:
        """Return the calendar that a resource is, if it is there."""
        registry = er.async_get(self.hass)
        entity_id = er.async_resolve_entity_id(registry, resource_id)
        component = self.hass.data.get(DATA_COMPONENT)
        return component.get_entity(entity_id) if component and entity_id else None

    def _entity_ids(self) -> list[str]:
        """Return the entity ids of the chosen calendars, as they are called today."""
        registry = er.async_get(self.hass)
        found = (er.async_resolve_entity_id(registry, each) for each in self._chosen)
        return [entity_id for entity_id in found if entity_id]

    def _resource_id(self, entity_id: str) -> str:
        """Return what stays the same when the entity is renamed."""
        entry = er.async_get(self.hass).async_get(entity_id)
        return entry.id if entry else entity_id

    def _name(self, entity_id: str) -> str:
        """Return the calendar's name for people."""
        state = self.hass.states.get(entity_id)
        return state.name if state else entity_id

    async def _events(
        self, entity_id: str, start: datetime, end: datetime
    ) -> list[CalendarEvent]:
        """Return a calendar's events; ConnectionFailed if it cannot tell."""
        component = self.hass.data.get(DATA_COMPONENT)
        entity = component.get_entity(entity_id) if component else None
        state = self.hass.states.get(entity_id)
        if entity is None or state is None or state.state == STATE_UNAVAILABLE:
            raise ConnectionFailed("the calendar is not available")
        zone = dt_util.get_default_time_zone()
        try:
            return await entity.async_get_events(
                self.hass, start.astimezone(zone), end.astimezone(zone)
            )
        except HomeAssistantError as err:
            raise ConnectionFailed("the calendar does not answer") from err


def _booking(resource_id: str, event: CalendarEvent) -> Booking:
    """Read a calendar's event."""
    zone = dt_util.get_default_time_zone()
    start, end = span(_time(event.start), _time(event.end), zone)
    key = event.uid or sha256(f"{start}{end}{event.summary}".encode()).hexdigest()[:16]
    if event.recurrence_id:
        key = f"{key}/{event.recurrence_id}"
    elif event.rrule:  # an occurrence whose calendar does not number them
        key = f"{key}/{start:%Y%m%dT%H%M%SZ}"
    return Booking(
        id=f"{resource_id}/{key}",
        resource_id=resource_id,
        start=start,
        end=end,
        summary=event.summary,
        status=BookingStatus.TENTATIVE
        if event.status is CalendarEventStatus.TENTATIVE
        else BookingStatus.CONFIRMED,
    )


def _time(value: date | datetime) -> datetime:
    """Return a time; a day begins at midnight where Home Assistant is."""
    if isinstance(value, datetime):
        return value
    return dt_util.start_of_local_day(value)
