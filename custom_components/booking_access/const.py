"""Names that several modules share."""

from datetime import timedelta
import logging
from typing import TYPE_CHECKING, Final

from homeassistant.util.hass_dict import HassKey

from .engine.audit import DELETED

if TYPE_CHECKING:
    from .hub import Hub

DOMAIN: Final = "booking_access"
LOGGER: Final = logging.getLogger(__package__)
DATA_HUB: HassKey[Hub] = HassKey(DOMAIN)

CONF_SYSTEM: Final = "system"
CONF_ADVANCED: Final = "advanced"
CONF_RESOURCES: Final = "resources"

CONF_RESOURCE_ID: Final = "resource_id"
CONF_ACCESS_POINTS: Final = "access_points"
CONF_ACCESS: Final = "access"
CONF_TIMING: Final = "timing"
CONF_APPLIANCES: Final = "appliances"
CONF_ALARM: Final = "alarm"
CONF_LIGHTS: Final = "lights"
CONF_VENTILATION: Final = "ventilation"

CONF_COMMON_ACCESS_POINTS: Final = "common_access_points"
CONF_DEFAULT_COUNTRY: Final = "default_country"
CONF_TENTATIVE: Final = "tentative"
CONF_ISSUE_AHEAD: Final = "issue_ahead"

# Minutes before and after a booking, where a room does not say otherwise. The
# alarm is off whenever the doors may be open.
DEFAULT_TIMING: Final = {
    "access_lead": 15,
    "access_lag": 15,
    "alarm_lead": 15,
    "alarm_lag": 15,
    "light_lead": 15,
    "light_lag": 15,
    "ventilation_lead": 30,
    "ventilation_lag": 15,
}

SUBENTRY_ROOM: Final = "room"
SUBENTRY_ACCESS_POINT: Final = "access_point"

# How far ahead bookings are asked for, and how far back, so that what has
# ended is still known while its lag runs.
HORIZON: Final = timedelta(days=14)
LOOK_BACK: Final = timedelta(days=1)
SWEEP: Final = timedelta(minutes=1)
DEFAULT_ISSUE_AHEAD: Final = 7  # days

ISSUE_ALARM_DOOR: Final = "alarm_door"
ISSUE_BAD_BOOKINGS: Final = "bad_bookings"
ISSUE_BOOKINGS_VANISHED: Final = "bookings_vanished"
ISSUE_CONTRACT_CHANGED: Final = "contract_changed"
ISSUE_DOOR_GONE: Final = "door_gone"
ISSUE_FILE_NOT_TAKEN: Final = "file_not_taken"
ISSUE_LEFT_BEHIND: Final = "left_behind"
ISSUE_SCHEDULE_DIFFERS: Final = "schedule_differs"
ISSUE_WITHOUT_END: Final = "without_end"

# Errors of grants that people can do something about.
GRANT_REASONS: Final = (
    DELETED,
    "checked_out",
    "code_length_unfit",
    "code_slots_full",
    "lock_offline",
    "name_missing",
    "new_card_needed",
    "no_more_keys",
    "phone_invalid",
    "phone_missing",
    "phone_unreachable",
    "room_missing",
    "unknown_pass_level",
    "unknown_room",
    "unsupported_server",
)
