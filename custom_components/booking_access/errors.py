"""Errors of vendors, as people read them."""

from collections.abc import Generator
from contextlib import contextmanager

from homeassistant.exceptions import HomeAssistantError

from .const import DOMAIN
from .engine.models import VendorError


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
