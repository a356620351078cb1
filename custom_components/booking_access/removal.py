"""The last thing done for an access account: taking back what we handed out there."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import LOGGER
from .engine.ledger import GrantRow, GrantState, Switched
from .engine.models import VendorError
from .issues import async_report_left_behind
from .systems import create_access_system

if TYPE_CHECKING:
    from .access_systems.base import AccessSystem
    from .hub import Hub

# Nobody waits longer for a vendor that does not answer, in seconds.
PATIENCE: Final = 60


async def async_close_account(
    hass: HomeAssistant, hub: Hub, entry: ConfigEntry
) -> None:
    """Close the doors and revoke the grants of an access account that is removed.

    What cannot be undone any more is named in a repair issue: nobody else will
    ever know of it. What is under way is waited for, so that it is undone as well.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await hub.async_finished(entry.entry_id)
    ledger = hub.store.ledger
    doors = f"door/{entry.entry_id}/"
    held = [row for target, row in ledger.switched.items() if target.startswith(doors)]
    grants = [row for row in ledger.grants.values() if row.account_id == entry.entry_id]
    system = create_access_system(hass, entry.data)

    async def close(row: Switched) -> None:
        await system.hold(row.target.removeprefix(doors), held=False)

    async def revoke(row: GrantRow) -> None:
        reference = hub.operations.at_vendor(row)
        if issued_id := row.issued_id or await _async_look_up(system, row, reference):
            await system.revoke(issued_id)

    undone = await asyncio.gather(
        *(_async_try(close(row)) for row in held),
        *(_async_try(revoke(row)) for row in grants),
    )
    for row in held:
        ledger.switched.pop(row.target, None)
    for grant in grants:
        ledger.grants.pop(grant.reference, None)
        hub.operations.retire(grant)
    hub.async_grants_changed()
    await hub.store.async_save()
    doors_left = undone[: len(held)].count(False)
    grants_left = undone[len(held) :].count(False)
    async_report_left_behind(hass, entry, doors_left, grants_left)


async def _async_look_up(
    system: AccessSystem, row: GrantRow, reference: str
) -> str | None:
    """Return the vendor's id of a grant whose answer was lost; None if there is none."""
    if row.state in (GrantState.PLANNED, GrantState.FAILED):
        return None  # never made
    listed = await system.list_issued()
    return next((e.id for e in listed if e.live and e.reference == reference), None)


async def _async_try(undoing: Coroutine[Any, Any, None]) -> bool:
    """Return whether it could be undone."""
    try:
        async with asyncio.timeout(PATIENCE):
            await undoing
    except (VendorError, TimeoutError) as err:
        LOGGER.debug("Something could not be undone: %s", type(err).__name__)
        return False
    return True
