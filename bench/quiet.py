"""What a poll costs that brings nothing new."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from custom_components.booking_access.const import CONF_SYSTEM, DOMAIN
from custom_components.booking_access.engine.models import Booking
from custom_components.booking_access.systems import create_booking_system
from homeassistant.components.calendar import CalendarEvent
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_STATE_CHANGED, EVENT_STATE_REPORTED
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.storage import Store
from simulators.base import Simulator
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, SEMINAR
from simulators.icalendar import ICalendarSimulator
from simulators.winkas import WinKasSimulator

from .figure import Figure, Size
from .home import (
    add_account,
    add_calendars,
    add_doors,
    add_locks,
    home,
    registry_id,
    room,
    run,
    settled,
)
from .source import make_bookings, resource_ids, wish

POLLS = 5
# What reads although it is no GET.
READING = ("/authentication/", "/calendar/getall")


@dataclass
class Noise:
    """What was written."""

    states: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)

    @contextmanager
    def heard(self, hass: HomeAssistant) -> Iterator[None]:
        """Listen to our entities and our files."""
        registry = er.async_get(hass)
        ours = {e.entity_id for e in registry.entities.values() if e.platform == DOMAIN}
        write = Store._write_prepared_data

        @callback
        def is_ours(data: Mapping[str, Any]) -> bool:
            return data["entity_id"] in ours

        @callback
        def note(event: Any) -> None:
            self.states.append(event.data["entity_id"])

        def written(store: Store[Any], *args: Any) -> None:
            if store.key.startswith(DOMAIN):
                self.stored.append(store.key)
            write(store, *args)

        stops = [
            hass.bus.async_listen(str(kind), note, event_filter=is_ours)
            for kind in (EVENT_STATE_CHANGED, EVENT_STATE_REPORTED)
        ]
        with patch.object(Store, "_write_prepared_data", written):
            yield
        for stop in stops:
            stop()


def is_write(method: str, path: str) -> bool:
    """Whether a request changes something at a vendor."""
    return method != "GET" and not any(each in path.lower() for each in READING)


async def _house(
    hass: HomeAssistant,
    winkas: WinKasSimulator,
    feed: ICalendarSimulator,
    exivo: ExivoSimulator,
    rooms: int,
) -> list[ConfigEntry]:
    """Add an account of each system, with rooms and doors of all kinds."""
    bookings = make_bookings(rooms, each=5)
    visits = await add_account(hass, exivo.name, exivo.credentials())
    doors = [f"{visits.entry_id}/{each}" for each in (ENTRANCE, SEMINAR)]
    both = {"access_points": doors, "access": ["hold_open", "grant"]}

    resources = [{"id": int(id_), "name": id_} for id_ in resource_ids(rooms)]
    wishes = [wish(each) for each in bookings]
    winkas.control({"clear": True, "resources": resources, "bookings": wishes})
    halls = [room(n, id_, **both) for n, id_ in enumerate(resource_ids(rooms))]
    await add_account(hass, winkas.name, winkas.credentials(), halls)

    feed.control({"clear": True, "events": [_event(each) for each in bookings]})
    data = {CONF_SYSTEM: feed.name, **feed.credentials()}
    [resource] = await create_booking_system(hass, data).list_resources()
    await add_account(
        hass, feed.name, feed.credentials(), [room(1000, resource.id, **both)]
    )

    points = await add_doors(hass, await add_locks(hass, rooms))
    calendars = await add_calendars(hass, rooms)
    for calendar, each in zip(calendars, bookings, strict=False):
        event = CalendarEvent(start=each.start, end=each.end, summary="x", uid=each.id)
        calendar.events = [event]
    ids = [registry_id(hass, each) for each in calendars]
    own = [
        room(2000 + n, id_, access_points=[point])
        for n, (id_, point) in enumerate(zip(ids, points, strict=True))
    ]
    await add_account(hass, "ha_calendar", {"entity_ids": ids}, own)
    return hass.config_entries.async_entries(DOMAIN)


def _event(booking: Booking) -> dict[str, str]:
    """Return a booking as the feed's simulator takes it."""
    return {
        "uid": booking.id,
        "start": booking.start.isoformat(),
        "end": booking.end.isoformat(),
        "summary": booking.summary,
    }


async def _measure(folder: Path, size: Size) -> dict[str, int]:
    """Poll all accounts, and count what is written."""
    async with (
        WinKasSimulator() as winkas,
        ICalendarSimulator() as feed,
        ExivoSimulator() as exivo,
        home(folder) as hass,
    ):
        accounts = await _house(hass, winkas, feed, exivo, size.of(20, 2))
        # Bookings are stored two seconds after they changed, so wait for longer.
        stored = size.of(3.0, 0.5)
        await settled(hass, stored)
        vendors: list[Simulator] = [winkas, feed, exivo]
        for each in vendors:
            each.requests.clear()
        noise = Noise()
        with noise.heard(hass):
            for _ in range(POLLS):
                for account in accounts:
                    await account.runtime_data.async_refresh()
                    assert account.runtime_data.last_update_success
            await settled(hass, stored)
        requests = [each for vendor in vendors for each in vendor.requests]
        return {
            "state_writes": len(noise.states),
            "vendor_writes": sum(is_write(*each) for each in requests),
            "storage_writes": len(noise.stored),
            "vendor_reads": sum(not is_write(*each) for each in requests),
            "polls": POLLS * len(accounts),
        }


def measure(size: Size) -> list[Figure]:
    """Count what polls without changes write."""
    with TemporaryDirectory() as folder:
        counted = run(_measure(Path(folder), size))
    kinds = ("state_writes", "vendor_writes", "storage_writes")
    return [
        Figure(
            name="poll_without_changes",
            value=sum(counted[kind] for kind in kinds),
            unit="state, vendor and storage writes",
            target="0, 0, 0",
            met=not any(counted[kind] for kind in kinds),
            method=(
                f"{POLLS} polls of an account of each system, its simulators counting"
            ),
            details=counted,
        )
    ]
