"""Errors of vendors, as people read them."""

from collections.abc import Generator
from contextlib import contextmanager

from homeassistant.exceptions import ConfigEntryAuthFailed, HomeAssistantError
from homeassistant.helpers.update_coordinator import UpdateFailed

from .const import DOMAIN
from .engine.models import (
    AuthError,
    ContractError,
    MissingRight,
    RateLimited,
    VendorError,
)


@contextmanager
def translated(key: str, **placeholders: str) -> Generator[None]:
    """Raise a vendor's error as one that Home Assistant shows, by translation key."""
    try:
        yield
    except VendorError as err:
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key=key,
            translation_placeholders=placeholders,
        ) from err


def failure(err: VendorError) -> Exception:
    """Return a vendor's error as Home Assistant's coordinator knows it."""
    match err:
        case AuthError():
            return ConfigEntryAuthFailed(
                translation_domain=DOMAIN, translation_key="auth_failed"
            )
        case RateLimited(retry_after=wait):
            return UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="rate_limited",
                retry_after=wait.total_seconds() if wait else None,
            )
        case MissingRight(right=name):
            return UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="missing_right",
                translation_placeholders={"right": name},
            )
        case ContractError(field=name):
            return UpdateFailed(
                translation_domain=DOMAIN,
                translation_key="contract_error",
                translation_placeholders={"field": name},
            )
    return UpdateFailed(translation_domain=DOMAIN, translation_key="cannot_connect")
