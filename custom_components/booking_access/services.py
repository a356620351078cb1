"""Actions: look into what is planned, and ask for news."""

from datetime import datetime, timedelta
from typing import Any, Final

import voluptuous as vol

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util

from .action_targets import ATTR_BOOKING_ID, ROOMS_SCHEMA, rooms_of
from .booking_actions import (
    END_SCHEMA,
    EXTEND_SCHEMA,
    SERVICE_END_BOOKING,
    SERVICE_EXTEND_BOOKING,
    async_end_booking,
    async_extend_booking,
)
from .const import DATA_HUB, DOMAIN, HORIZON
from .engine.bookings import AccountBookings
from .engine.explain import Line, explain
from .engine.ledger import GrantRow
from .engine.models import FOREVER, Booking
from .imports import ATTR_FILE, ATTR_PATH, ATTR_PREVIEW, async_import_leases

SERVICE_SYNCHRONIZE: Final = "synchronize"
SERVICE_GET_BOOKINGS: Final = "get_bookings"
SERVICE_GET_PLAN: Final = "get_plan"
SERVICE_GET_ACCESS: Final = "get_access"
SERVICE_IMPORT_LEASES: Final = "import_leases"

# Whether an action answers.
NONE: Final = SupportsResponse.NONE
ONLY: Final = SupportsResponse.ONLY
OPTIONAL: Final = SupportsResponse.OPTIONAL

SYNCHRONIZE_SCHEMA: Final = vol.Schema({vol.Optional(ATTR_CONFIG_ENTRY_ID): cv.string})
IMPORT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string,
        vol.Exclusive(ATTR_FILE, "source"): cv.string,
        vol.Exclusive(ATTR_PATH, "source"): cv.string,
        vol.Optional(ATTR_PREVIEW, default=False): cv.boolean,
    }
)
ACCESS_SCHEMA: Final = ROOMS_SCHEMA.extend({vol.Optional(ATTR_BOOKING_ID): cv.string})


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions."""
    for name, handler, schema, response in (
        (SERVICE_SYNCHRONIZE, _async_synchronize, SYNCHRONIZE_SCHEMA, NONE),
        (SERVICE_GET_BOOKINGS, _async_get_bookings, ROOMS_SCHEMA, ONLY),
        (SERVICE_GET_PLAN, _async_get_plan, ROOMS_SCHEMA, ONLY),
        (SERVICE_EXTEND_BOOKING, async_extend_booking, EXTEND_SCHEMA, OPTIONAL),
        (SERVICE_END_BOOKING, async_end_booking, END_SCHEMA, OPTIONAL),
    ):
        hass.services.async_register(
            DOMAIN, name, handler, schema, supports_response=response
        )
    for name, handler, schema, response in (
        (SERVICE_GET_ACCESS, _async_get_access, ACCESS_SCHEMA, ONLY),
        (SERVICE_IMPORT_LEASES, async_import_leases, IMPORT_SCHEMA, OPTIONAL),
    ):
        service.async_register_admin_service(
            hass, DOMAIN, name, handler, schema, supports_response=response
        )


async def _async_synchronize(call: ServiceCall) -> None:
    """Ask one account's vendor right now, or those of all accounts."""
    if entry_id := call.data.get(ATTR_CONFIG_ENTRY_ID):
        entries = [service.async_get_config_entry(call.hass, DOMAIN, entry_id)]
    else:
        entries = call.hass.config_entries.async_loaded_entries(DOMAIN)
    for entry in entries:
        await entry.runtime_data.async_synchronize()
        if not entry.runtime_data.last_update_success:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="synchronize_failed",
                translation_placeholders={"account": entry.title},
            )


async def _async_get_bookings(call: ServiceCall) -> ServiceResponse:
    """Return the bookings of rooms, without their people."""
    accounts = call.hass.data[DATA_HUB].accounts
    return {
        "rooms": [
            {
                "room": room.config.name,
                "bookings": [
                    _booking(each, accounts[room.config.account_id].bookings)
                    for each in room.bookings
                ],
            }
            for room in rooms_of(call)
        ]
    }


async def _async_get_plan(call: ServiceCall) -> ServiceResponse:
    """Return what rooms will do and why, for as far as bookings are known."""
    now = dt_util.utcnow()
    hub = call.hass.data[DATA_HUB]
    return {
        "rooms": [
            {
                "room": room.config.name,
                "status": room.status.value,
                "attention": list(room.reasons),
                "plan": [
                    _line(line)
                    for line in explain(
                        room.config, room.known, now, now + HORIZON, hub.plan
                    )
                ],
            }
            for room in rooms_of(call)
        ]
    }


async def _async_get_access(call: ServiceCall) -> ServiceResponse:
    """Return the codes and links of bookings. For administrators only."""
    now = dt_util.utcnow()
    wanted = call.data.get(ATTR_BOOKING_ID)
    return {
        "rooms": [
            {
                "room": room.config.name,
                "access": [
                    _grant(grant, now)
                    for grant in room.grants
                    if wanted in (None, grant.booking_id) and now < grant.end
                ],
            }
            for room in rooms_of(call)
        ]
    }


def _booking(booking: Booking, source: AccountBookings) -> dict[str, Any]:
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


def _line(line: Line) -> dict[str, Any]:
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


def _grant(grant: GrantRow, now: datetime) -> dict[str, Any]:
    """Return a grant with what opens the door."""
    return {
        "booking_id": grant.booking_id,
        "from": grant.start.isoformat(),
        "to": _end(grant.end),
        "state": grant.state_at(now).value,
        "evidence": grant.evidence.value if grant.evidence else None,
        "code": grant.credential.code,
        "link": grant.credential.link,
        "error": grant.error,
    }


def _end(end: datetime) -> str | None:
    """Return an end; None if there is none."""
    return end.isoformat() if end < FOREVER else None
