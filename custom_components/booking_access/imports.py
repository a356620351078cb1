"""Bookings from a file: what it would change, and the change itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from homeassistant.components.file_upload import process_uploaded_file
from homeassistant.const import ATTR_CONFIG_ENTRY_ID
from homeassistant.core import HomeAssistant, ServiceCall, ServiceResponse
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import service

from .booking_systems.base import BookingSystem
from .const import DATA_HUB, DOMAIN
from .coordinator import BookingAccessConfigEntry
from .engine.bookings import Change, ChangeKind
from .engine.models import FOREVER, LONG_AGO, Absence, Snapshot
from .issues import async_report_problems
from .push import Import, ImportRefused

ATTR_FILE: Final = "file"
ATTR_PATH: Final = "path"
ATTR_PREVIEW: Final = "preview"
# More leases than anybody has.
MAX_FILE: Final = 8 * 1024 * 1024


async def async_import_leases(call: ServiceCall) -> ServiceResponse:
    """Take a file over, or tell what that would change; units only, no people.

    The file is all there is: who is not in it loses access at once, unless so many
    are missing that a human must be asked (rule 4).
    """
    hass, hub = call.hass, call.hass.data[DATA_HUB]
    entry_id = call.data[ATTR_CONFIG_ENTRY_ID]
    entry = service.async_get_config_entry(hass, DOMAIN, entry_id)
    read = await _async_read(call, entry)
    snapshot = Snapshot(
        bookings=read.bookings,
        start=LONG_AGO,
        end=FOREVER,
        complete=read.complete,
        absence=Absence.AUTHORITATIVE,
        problems=read.problems,
    )
    before = hub.accounts[entry_id].bookings
    after, changes = hub.accounts[entry_id].preview(snapshot)
    if not call.data[ATTR_PREVIEW]:
        await hub.async_take(entry_id, snapshot)
        async_report_problems(hass, entry, read.problems)
    held_back = after.held_back - before.held_back
    return {
        ATTR_PREVIEW: call.data[ATTR_PREVIEW],
        **_answer(read, changes),
        "held_back": _told(after.known[key].booking.resource_id for key in held_back),
    }


async def _async_read(call: ServiceCall, entry: BookingAccessConfigEntry) -> Import:
    """Read the file of a call, where the account takes files."""
    system = entry.runtime_data.system
    if not isinstance(system, BookingSystem) or not system.can_import:
        raise _refusal("no_import", account=entry.title)
    hass = call.hass
    content = await hass.async_add_executor_job(_content, hass, call)
    known = hass.data[DATA_HUB].known_bookings(entry.entry_id)
    try:
        return await hass.async_add_executor_job(system.read_import, content, known)
    except ImportRefused as err:
        raise _refusal(err.key, **err.placeholders) from err


def _content(hass: HomeAssistant, call: ServiceCall) -> bytes:
    """Return what the file holds."""
    try:
        if ATTR_FILE in call.data:
            with process_uploaded_file(hass, call.data[ATTR_FILE]) as path:
                return _read(path)
        if ATTR_PATH not in call.data:
            raise _refusal("no_file")
        path = Path(call.data[ATTR_PATH])
        if not hass.config.is_allowed_path(str(path)):
            raise _refusal("path_not_allowed", path=str(path))
        return _read(path)
    except (OSError, ValueError) as err:
        raise _refusal("file_not_readable") from err


def _read(path: Path) -> bytes:
    """Return what is in a file that is not too large."""
    if path.stat().st_size > MAX_FILE:
        raise _refusal("file_too_large")
    return path.read_bytes()


def _answer(read: Import, changes: Iterable[Change]) -> dict[str, Any]:
    """Return what an import does, as an action tells it."""
    units: dict[ChangeKind, list[str]] = {kind: [] for kind in ChangeKind}
    for change in changes:
        units[change.kind].append(change.booking.resource_id)
    return {
        "added": _told(units[ChangeKind.CREATED]),
        "changed": _told(units[ChangeKind.CHANGED]),
        "removed": _told(units[ChangeKind.CANCELLED]),
        "complete": read.complete,
        "problems": [
            {"line": int(each.item.removeprefix("line ")), "column": each.field}
            for each in read.problems
        ],
    }


def _told(units: Iterable[str]) -> dict[str, Any]:
    """Return how many leases these are, and of which units."""
    found = sorted(units)
    return {"count": len(found), "units": list(dict.fromkeys(found))}


def _refusal(key: str, **placeholders: str) -> ServiceValidationError:
    """Return why a file is not taken."""
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=key,
        translation_placeholders=placeholders,
    )
