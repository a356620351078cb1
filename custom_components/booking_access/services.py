"""Actions: look into what is planned, and ask for news."""

from typing import Final

import voluptuous as vol

from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util

from .action_targets import (
    ATTR_BOOKING_ID,
    ROOMS_SCHEMA,
    grants_at,
    places_of,
    rooms_of,
)
from .answers import tell_access, tell_booking, tell_line, tell_visit
from .booking_actions import (
    END_SCHEMA,
    EXTEND_SCHEMA,
    SERVICE_END_BOOKING,
    SERVICE_EXTEND_BOOKING,
    async_end_booking,
    async_extend_booking,
)
from .card_actions import ISSUE_SCHEMA, SERVICE_ISSUE_KEY, async_issue_key
from .const import DATA_HUB, DOMAIN, HORIZON
from .coordinator import AccessCoordinator
from .engine.explain import explain
from .imports import ATTR_FILE, ATTR_PATH, ATTR_PREVIEW, async_import_leases
from .visit_actions import (
    GRANT_SCHEMA,
    REVOKE_SCHEMA,
    SERVICE_GRANT_ACCESS,
    SERVICE_REVOKE_ACCESS,
    async_grant_access,
    async_revoke_access,
)

SERVICE_REFRESH_LOCKS: Final = "refresh_locks"
SERVICE_SYNCHRONIZE: Final = "synchronize"
SERVICE_GET_BOOKINGS: Final = "get_bookings"
SERVICE_GET_PLAN: Final = "get_plan"
SERVICE_GET_ACCESS: Final = "get_access"
SERVICE_IMPORT_LEASES: Final = "import_leases"

# Whether an action answers.
NONE: Final = SupportsResponse.NONE
ONLY: Final = SupportsResponse.ONLY
OPTIONAL: Final = SupportsResponse.OPTIONAL

REFRESH_SCHEMA: Final = vol.Schema({vol.Required(ATTR_CONFIG_ENTRY_ID): cv.string})
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
        (SERVICE_REFRESH_LOCKS, _async_refresh_locks, REFRESH_SCHEMA, NONE),
        (SERVICE_GET_BOOKINGS, _async_get_bookings, ROOMS_SCHEMA, ONLY),
        (SERVICE_GET_PLAN, _async_get_plan, ROOMS_SCHEMA, ONLY),
        (SERVICE_EXTEND_BOOKING, async_extend_booking, EXTEND_SCHEMA, OPTIONAL),
        (SERVICE_END_BOOKING, async_end_booking, END_SCHEMA, OPTIONAL),
        (SERVICE_GRANT_ACCESS, async_grant_access, GRANT_SCHEMA, OPTIONAL),
        (SERVICE_ISSUE_KEY, async_issue_key, ISSUE_SCHEMA, OPTIONAL),
        (SERVICE_REVOKE_ACCESS, async_revoke_access, REVOKE_SCHEMA, OPTIONAL),
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


async def _async_refresh_locks(call: ServiceCall) -> None:
    """Have an account's vendor look for new doors."""
    entry_id = call.data[ATTR_CONFIG_ENTRY_ID]
    entry = service.async_get_config_entry(call.hass, DOMAIN, entry_id)
    account = entry.runtime_data
    if not isinstance(account, AccessCoordinator) or not account.system.can_refresh:
        raise ServiceValidationError(
            translation_domain=DOMAIN,
            translation_key="no_refresh",
            translation_placeholders={"account": entry.title},
        )
    await account.async_refresh_locks()


async def _async_get_bookings(call: ServiceCall) -> ServiceResponse:
    """Return the bookings of rooms, without their people."""
    accounts = call.hass.data[DATA_HUB].accounts
    return {
        "rooms": [
            {
                "room": room.config.name,
                "bookings": [
                    tell_booking(each, accounts[room.config.account_id].bookings)
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
    visits = [each for each in hub.by_hand.visits.values() if now < each.booking.end]
    return {
        "rooms": [
            {
                "room": room.config.name,
                "status": room.status.value,
                "attention": list(room.reasons),
                "plan": [
                    tell_line(line)
                    for line in explain(
                        room.config, room.known, now, now + HORIZON, hub.plan
                    )
                ],
                "visits": [
                    tell_visit(each)
                    for each in visits
                    if each.room_id == room.config.id
                ],
            }
            for room in rooms_of(call)
        ]
    }


async def _async_get_access(call: ServiceCall) -> ServiceResponse:
    """Return the codes and links of bookings and visits, and whose they are.

    For administrators only.
    """
    now = dt_util.utcnow()
    wanted = call.data.get(ATTR_BOOKING_ID)
    return {
        "rooms": [
            {
                "room": place.name,
                "access": tell_access(
                    call.hass,
                    (
                        grant
                        for grant in grants_at(call.hass, place)
                        if wanted in (None, grant.booking_id) and now < grant.end
                    ),
                ),
            }
            for place in places_of(call)
        ]
    }
