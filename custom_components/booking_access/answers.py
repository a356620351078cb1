"""Bookings, plans and grants as actions tell them."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonValueType

from .access_points import access_point_name
from .const import DATA_HUB
from .engine.bookings import AccountBookings
from .engine.explain import Line
from .engine.ledger import GrantRow
from .engine.models import FOREVER, NOBODY, Booking, Person
from .engine.visits import Visit


def tell_booking(booking: Booking, source: AccountBookings) -> dict[str, Any]:
    """Return a booking as an action tells it; ``source`` are those of its system."""
    own = source.known.get(booking.id)
    return {
        "booking_id": booking.id,
        "start": booking.start.isoformat(),
        "end": _end(booking.end),
        "own_end": _end(own.booking.end if own else booking.end),
        "blocked": booking.blocked,
        "summary": booking.summary,
        "status": booking.status.value,
    }


def tell_line(line: Line) -> dict[str, Any]:
    """Return a line of the plan as an action tells it: for which booking, and why."""
    minute = timedelta(minutes=1)
    return {
        "booking_id": line.booking.id,
        "effect": line.effect.value,
        "from": line.start.isoformat(),
        "to": _end(line.end),
        "stage": line.stage.value,
        "rule": line.rule.value,
        "lead_minutes": line.timing.lead // minute,
        "lag_minutes": line.timing.lag // minute,
        "targets": list(line.targets),
        "granted": list(line.granted),
        "handed_over": list(line.scheduled),
    }


def tell_access(hass: HomeAssistant, grants: Iterable[GrantRow]) -> list[JsonValueType]:
    """Return grants with what opens the door, and whose they are: for administrators."""
    planned = hass.data[DATA_HUB].plan.rooms.values()
    people = {wish.reference: wish.person for room in planned for wish in room.wishes}
    return [_grant(hass, row, people.get(row.reference, NOBODY)) for row in grants]


def _grant(hass: HomeAssistant, grant: GrantRow, person: Person) -> JsonValueType:
    """Return a grant of a person."""
    points = (f"{grant.account_id}/{each}" for each in grant.points)
    return {
        "booking_id": grant.booking_id,
        "from": grant.start.isoformat(),
        "to": _end(grant.end),
        "state": grant.state_at(dt_util.utcnow()).value,
        "evidence": grant.evidence.value if grant.evidence else None,
        "points": [access_point_name(hass, each) for each in points],
        "code": grant.credential.code,
        "link": grant.credential.link,
        "error": grant.error,
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
    }


def _end(end: datetime) -> str | None:
    """Return an end; None if there is none."""
    return end.isoformat() if end < FOREVER else None


def tell_visit(visit: Visit) -> dict[str, Any]:
    """Return a visit as an action tells it: not who comes."""
    return {
        "booking_id": visit.id,
        "from": visit.booking.start.isoformat(),
        "to": visit.booking.end.isoformat(),
        "appliances": visit.appliances,
    }
