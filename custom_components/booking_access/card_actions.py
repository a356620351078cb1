"""The action that writes a key card for a booking."""

from collections.abc import Iterable
from typing import Final

import voluptuous as vol

from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import config_validation as cv, device_registry as dr

from .action_targets import (
    ATTR_BOOKING_ID,
    TARGETS,
    async_reason,
    booking_of,
    failure,
    problem,
    room_of_call,
)
from .const import DATA_HUB, DOMAIN
from .encoders import Encoder, encoders_of
from .engine.models import Capability, OutcomeUnknown, Rejected, VendorError
from .room import LiveRoom

SERVICE_ISSUE_KEY: Final = "issue_key"

ATTR_ENCODER: Final = "encoder"
ATTR_DUPLICATE: Final = "duplicate"

# What people can do something about at once, by the reason for it.
CARD_ERRORS: Final = {
    "busy": "card_encoder_busy",
    "card_problem": "card_not_written",
    "earlier_guest": "card_earlier_guest",
    "no_card_access": "card_not_booked",
    "present_card": "card_not_presented",
    "unknown_encoder": "card_encoder_unknown",
}

ISSUE_SCHEMA: Final = vol.Schema(
    {
        **TARGETS,
        vol.Optional(ATTR_BOOKING_ID): cv.string,
        vol.Optional(ATTR_ENCODER): cv.string,
        vol.Optional(ATTR_DUPLICATE, default=True): cv.boolean,
    }
)


async def async_issue_key(call: ServiceCall) -> ServiceResponse:
    """Write a key card for a booking: the one that runs or the next."""
    room = room_of_call(call)
    accounts = _card_accounts(call.hass, room)
    if not accounts:
        raise problem("no_card_system", room=room.config.name)
    encoder = _encoder(call, room, accounts)
    wanted = call.data.get(ATTR_BOOKING_ID)
    booking = booking_of(room, wanted) if wanted else room.booking
    if booking is None:
        raise problem("no_booking", room=room.config.name)
    try:
        await call.hass.data[DATA_HUB].async_issue_key(
            room,
            booking,
            encoder.identifier,
            duplicate=call.data[ATTR_DUPLICATE],
            account_id=encoder.account_id,
        )
    except VendorError as err:
        raise await _async_error(call.hass, room, encoder, err) from err
    return {
        "room": room.config.name,
        "booking_id": booking.id,
        "encoder": encoder.name,
        "duplicate": call.data[ATTR_DUPLICATE],
    }


def _card_accounts(hass: HomeAssistant, room: LiveRoom) -> set[str]:
    """Return the access accounts that have cards for a room."""
    able = hass.data[DATA_HUB].operations.able
    return {
        point.partition("/")[0]
        for point in room.config.points
        if able(point, Capability.CARD)
    }


def _encoder(call: ServiceCall, room: LiveRoom, accounts: Iterable[str]) -> Encoder:
    """Return the encoder that is named; where there is just one, it needs no name."""
    known = list(encoders_of(call.hass))
    fitting = [each for each in known if each.account_id in accounts]
    if (wanted := call.data.get(ATTR_ENCODER)) is None:
        if len(fitting) != 1:
            raise problem("encoder_missing", room=room.config.name)
        return fitting[0]
    device = dr.async_get(call.hass).async_get(wanted)
    named = (
        {key for domain, key in device.identifiers if domain == DOMAIN}
        if device
        else ()
    )
    for each in (*fitting, *known):
        if each.subentry_id in named or each.is_called(wanted):
            if each in fitting:
                return each
            raise problem("encoder_elsewhere", encoder=each.name, room=room.config.name)
    raise problem("encoder_unknown", encoder=wanted)


async def _async_error(
    hass: HomeAssistant, room: LiveRoom, encoder: Encoder, err: VendorError
) -> HomeAssistantError:
    """Return what people are to do after a card was not written, or may have been."""
    named = {"room": room.config.name, "encoder": encoder.name}
    if isinstance(err, OutcomeUnknown):
        return failure("card_unclear", **named)
    if key := CARD_ERRORS.get(str(err)):
        return failure(key, **named)
    if not isinstance(err, Rejected):
        return failure("card_not_reachable", **named)
    return failure("card_refused", **named, reason=await async_reason(hass, str(err)))
