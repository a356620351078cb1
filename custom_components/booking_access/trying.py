"""Trying an account: what its vendor says to the settings that were filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from homeassistant.core import HomeAssistant

from .access_systems.base import AccessSystem
from .booking_systems.base import BookingSystem
from .const import CONF_SYSTEM, LOGGER
from .engine.models import (
    Account,
    AuthError,
    ContractError,
    MissingRight,
    RateLimited,
    Rejected,
    Resource,
    VendorError,
)
from .form_schema import form_errors
from .forms import Field, FieldKind, FollowUp
from .systems import ACCESS_SYSTEMS, create_access_system, create_booking_system

# More forms than this no account has.
FOLLOW_UPS: Final = 8


@dataclass(slots=True)
class Tried:
    """What came of the settings: an account, another form to ``ask``, or errors.

    The errors are by field, with the placeholders of their texts.
    """

    settings: Mapping[str, Any]
    account: Account | None = None
    resources: tuple[Resource, ...] = ()
    ask: FollowUp | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)


async def async_try(
    hass: HomeAssistant, form: Sequence[Field], settings: Mapping[str, Any]
) -> Tried:
    """Ask the vendor who we are, unless the form itself is wrong."""
    tried = Tried(settings)
    tried.errors, tried.placeholders = form_errors(form, settings)
    if not tried.errors:
        tried.errors = await _async_closed_folders(hass, form, settings)
    if tried.errors:
        return tried
    system: BookingSystem | AccessSystem | None = None
    try:
        if settings[CONF_SYSTEM] in ACCESS_SYSTEMS:
            system = create_access_system(hass, settings)
            await _async_ask_access(hass, system, tried)
        else:
            system = create_booking_system(hass, settings)
            tried.account = await system.validate()
            tried.resources = await system.list_resources()
    except VendorError as err:
        LOGGER.debug("The account cannot be used: %s", type(err).__name__)
        tried.errors, tried.placeholders = _answer(err, system)
    except Exception:  # noqa: BLE001 - a form must always come back with an answer
        LOGGER.exception("Unexpected error while trying an account")
        tried.errors = {"base": "unknown"}
    return tried


async def _async_closed_folders(
    hass: HomeAssistant, form: Sequence[Field], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return an error for each folder that Home Assistant may not write to."""
    folders = [each.name for each in form if each.kind is FieldKind.FOLDER]
    allowed = hass.config.is_allowed_path
    return {
        name: "folder_not_allowed"
        for name in folders
        if not await hass.async_add_executor_job(allowed, settings[name])
    }


async def _async_ask_access(
    hass: HomeAssistant, system: AccessSystem, tried: Tried
) -> None:
    """Ask an access system who we are, or which form comes next."""
    for _ in range(FOLLOW_UPS):
        if (ask := await system.follow_up()) is None:
            tried.account = await system.validate()
            return
        settled = {**tried.settings, **ask.settled}
        tried.settings = {k: v for k, v in settled.items() if v is not None}
        if ask.fields:
            tried.ask = ask
            return
        system = create_access_system(hass, tried.settings)
    raise ContractError("follow_up")


def _answer(
    err: VendorError, system: BookingSystem | AccessSystem | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what to show of a vendor's no, with the placeholders of its text."""
    return {"base": form_error(err)}, {
        "field": err.field if isinstance(err, ContractError) else "",
        "tried": system.tried if system else "",
        "right": err.right if isinstance(err, MissingRight) else "",
    }


def form_error(err: VendorError) -> str:
    """Return the text for what a vendor said to an account."""
    match err:
        case AuthError():
            return "invalid_auth"
        case RateLimited():
            return "rate_limited"
        case MissingRight():
            return "missing_right"
        case ContractError():
            return "unexpected_answer"
        case Rejected():
            return str(err)
    return "cannot_connect"
