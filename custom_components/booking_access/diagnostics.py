"""Diagnostics: all that decides what happens, and nothing about people."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from homeassistant.components.diagnostics import async_redact_data
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.device_registry import DeviceEntry
from homeassistant.util import dt as dt_util

from .const import CONF_SYSTEM, DATA_HUB, DOMAIN, HORIZON
from .coordinator import (
    AccessCoordinator,
    AccountCoordinator,
    BookingAccessConfigEntry,
    BookingCoordinator,
)
from .engine.explain import Line, explain
from .engine.ledger import GrantRow, ScheduleRow, Switched
from .engine.models import FOREVER, Booking
from .forms import Field, FieldKind
from .hub import Hub
from .room import LiveRoom
from .systems import form_of

# All else that is filled in may hold a secret, or lead to one.
SHOWN_KINDS: Final = (
    FieldKind.BOOLEAN,
    FieldKind.ENTITIES,
    FieldKind.NUMBER,
    FieldKind.SELECT,
    FieldKind.TIME,
)
SHOWN_OPTIONS: Final = (
    "common_access_points",
    "default_country",
    "tentative",
    "issue_ahead",
)
SHOWN_OF_SUBENTRIES: Final = (
    "access",
    "access_points",
    "appliances",
    "kind",
    "timing",
    "vendor",
)


async def async_get_config_entry_diagnostics(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> dict[str, Any]:
    """Return what is known of an account, its rooms and its doors."""
    hub = hass.data[DATA_HUB]
    coordinator = entry.runtime_data
    rooms = [room for id_, room in hub.rooms.items() if id_ in entry.subentries]
    return {
        "account": _account(entry),
        "polling": _polling(coordinator),
        "answers": [asdict(each) for each in coordinator.answers.heard],
        **_side(hub, coordinator),
        "rooms": [_room(hub, room) for room in rooms],
        "ledger": _ledger(hub, entry.entry_id, {room.config.id for room in rooms}),
    }


async def async_get_device_diagnostics(
    hass: HomeAssistant, entry: BookingAccessConfigEntry, device: DeviceEntry
) -> dict[str, Any]:
    """Return what is known of a room or a door; of the account for its own device."""
    hub = hass.data[DATA_HUB]
    names = {name for domain, name in device.identifiers if domain == DOMAIN}
    for name in names & hub.rooms.keys():
        return {
            "room": _room(hub, hub.rooms[name]),
            "ledger": _ledger(hub, "", {name}),
        }
    coordinator = entry.runtime_data
    for name in names:
        point_id = name.removeprefix(f"{entry.entry_id}/")
        if isinstance(coordinator, AccessCoordinator) and point_id != name:
            rooms = [r for r in hub.rooms.values() if name in r.config.points]
            return {
                "door": _doors(coordinator).get(point_id),
                "rooms": [room.config.id for room in rooms],
                "ledger": _ledger(hub, name, set()),
            }
    return await async_get_config_entry_diagnostics(hass, entry)


def _account(entry: ConfigEntry) -> dict[str, Any]:
    """Return how an account is set up."""
    key = entry.data[CONF_SYSTEM]
    shown = {field.name for field in form_of(entry.data) if _is_plain(field)}
    return {
        CONF_SYSTEM: key,
        "version": f"{entry.version}.{entry.minor_version}",
        "state": entry.state.value,
        "data": _redacted(entry.data, {CONF_SYSTEM, *shown}),
        "options": _redacted(entry.options, SHOWN_OPTIONS),
        "subentries": [
            {
                "id": each.subentry_id,
                "type": each.subentry_type,
                **_redacted(each.data, SHOWN_OF_SUBENTRIES),
            }
            for each in entry.subentries.values()
        ],
    }


def _is_plain(field: Field) -> bool:
    """Whether the value of a field tells nothing that is to be kept."""
    return field.kind in SHOWN_KINDS


def _redacted(data: Mapping[str, Any], shown: Iterable[str]) -> dict[str, Any]:
    """Return settings with only those that may be shown; of the others, that they are there."""
    plain = {*shown, *(key for key, value in data.items() if isinstance(value, bool))}
    return async_redact_data(dict(data), data.keys() - plain)


def _polling(coordinator: AccountCoordinator) -> dict[str, Any]:
    """Return how the polling goes."""
    interval = coordinator.update_interval
    error = coordinator.last_exception
    return {
        "works": coordinator.last_update_success,
        "synchronized": coordinator.synchronized,
        "interval_seconds": interval.total_seconds() if interval else None,
        "error": type(error).__name__ if error else None,
        "because": type(error.__cause__).__name__ if error else None,
    }


def _side(hub: Hub, coordinator: AccountCoordinator) -> dict[str, Any]:
    """Return what an account knows: its bookings, or its doors."""
    if isinstance(coordinator, AccessCoordinator):
        return {"doors": _doors(coordinator)}
    return {"bookings": _bookings(hub, coordinator)}


def _doors(coordinator: AccessCoordinator) -> dict[str, Any]:
    """Return the access points, what they can do, and how they are."""
    data = coordinator.data
    return {
        id_: {
            "kind": point.kind.value,
            "capabilities": sorted(point.capabilities),
            "traits": asdict(point.traits),
            "model": point.model,
            "state": asdict(data.states[id_]) if id_ in data.states else None,
        }
        for id_, point in data.points.items()
    }


def _bookings(hub: Hub, coordinator: BookingCoordinator) -> dict[str, Any]:
    """Return what an account knows of bookings, in numbers."""
    account = hub.accounts[coordinator.config_entry.entry_id]
    known = account.bookings
    return {
        "absence": account.absence.value,
        "known": len(known.known),
        "missing": sum(1 for each in known.known.values() if each.misses),
        "held_back": len(known.held_back),
        "empty_since": known.empty_since,
        "unsure": len(account.unsure),
        "problems": [
            {"reason": each.reason, "field": each.field}
            for each in coordinator.data or ()
        ],
    }


def _room(hub: Hub, room: LiveRoom) -> dict[str, Any]:
    """Return how a room is set up, how it is, and what it will do, and why."""
    now = dt_util.utcnow()
    config = room.config
    lines = explain(config, room.known, now, now + HORIZON, hub.plan)
    return {
        "id": config.id,
        "modes": sorted(room.modes),
        "points": list(config.points),
        "held": list(config.held),
        "granted": list(config.granted),
        "scheduled": list(config.scheduled),
        "traits": {point: asdict(each) for point, each in config.traits.items()},
        "status": room.status.value,
        "attention": list(room.reasons),
        "bookings": [_booking(each) for each in room.bookings],
        "timeline": [_line(each) for each in lines],
        "looks_again": room.plan.until if room.plan else None,
    }


def _booking(booking: Booking) -> dict[str, Any]:
    """Return a booking without its people: only what they can be reached by."""
    people = (booking.holder, *booking.participants)
    return {
        "id": _digest(booking.id),
        "start": booking.start,
        "end": _end(booking.end),
        "status": booking.status.value,
        "transparent": booking.transparent,
        "people": [
            {"phone": bool(each.phone), "email": bool(each.email)} for each in people
        ],
        "updated_at": booking.updated_at,
    }


def _line(line: Line) -> dict[str, Any]:
    """Return a line of the plan."""
    return {
        "booking": _digest(line.booking.id),
        "effect": line.effect.value,
        "from": line.start,
        "to": _end(line.end),
        "stage": line.stage.value,
        "rule": line.rule.value,
        "targets": list(line.targets),
    }


def _ledger(hub: Hub, points: str, rooms: set[str]) -> dict[str, Any]:
    """Return what was done at an account's doors, or for rooms, and must be undone.

    ``points`` is how the targets of the account or of the door begin; empty for none.
    """
    ledger = hub.store.ledger

    def is_theirs(row: Switched) -> bool:
        claiming = {each.partition("/")[0] for each in row.claims}
        shown = row.target.startswith(tuple(f"room/{id_}/" for id_ in rooms))
        at_door = bool(points) and row.target.startswith(f"door/{points}")
        return at_door or shown or not claiming.isdisjoint(rooms)

    account_id = points.partition("/")[0]
    following = {
        point
        for id_ in rooms & hub.rooms.keys()
        for point in hub.rooms[id_].config.scheduled
    }
    return {
        "switched": [
            _switched(each) for each in ledger.switched.values() if is_theirs(each)
        ],
        "grants": [
            _grant(each)
            for each in ledger.grants.values()
            if each.room_id in rooms or (account_id and each.account_id == account_id)
        ],
        "schedules": [
            _schedule(each)
            for each in ledger.schedules.values()
            if (points and each.point.startswith(points)) or each.point in following
        ],
    }


def _schedule(row: ScheduleRow) -> dict[str, Any]:
    """Return a row of the times that a point was told."""
    periods = [{"from": each.start, "to": _end(each.end)} for each in row.periods]
    return {**asdict(row), "periods": periods}


def _switched(row: Switched) -> dict[str, Any]:
    """Return a row of what was switched."""
    claims = (each.split("/", 1) for each in sorted(row.claims))
    return {
        **{k: v for k, v in asdict(row).items() if k != "claims"},
        "claims": [f"{room}/{_digest(booking)}" for room, booking in claims],
    }


def _grant(row: GrantRow) -> dict[str, Any]:
    """Return a row of a grant, without what opens the door."""
    plain = asdict(row)
    for name in ("credential", "issued_id", "booking_id"):
        del plain[name]
    return {
        **plain,
        "booking": _digest(row.booking_id),
        "issued": row.issued_id is not None,
        "code": row.credential.code is not None,
        "link": row.credential.link is not None,
        "end": _end(row.end),
    }


def _digest(booking_id: str) -> str:
    """Name a booking: its id at the vendor may hold somebody's name or address."""
    return sha256(booking_id.encode()).hexdigest()[:8]


def _end(end: datetime) -> datetime | None:
    """Return an end; None if there is none."""
    return end if end < FOREVER else None
