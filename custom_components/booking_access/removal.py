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
from .systems import access_system_of

if TYPE_CHECKING:
    from .access_systems.base import AccessSystem
    from .hub import Hub
    from .operations import Operations

# Nobody waits longer for a vendor that does not answer, in seconds.
PATIENCE: Final = 60
NEVER_MADE: Final = (GrantState.PLANNED, GrantState.FAILED)


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
    system, operations = access_system_of(hass, entry), hub.operations

    async def close(row: Switched) -> None:
        await system.hold(row.target.removeprefix(doors), held=False)

    undone = await asyncio.gather(
        *(_async_try(close(row)) for row in held),
        *(_async_try(_async_revoke(system, operations, row)) for row in grants),
    )
    for row in held:
        ledger.switched.pop(row.target, None)
    for grant in grants:
        ledger.grants.pop(grant.reference, None)
        operations.retire(grant)
    hub.async_grants_changed()
    await hub.store.async_save()
    doors_left = undone[: len(held)].count(False)
    grants_left = undone[len(held) :].count(False)
    async_report_left_behind(hass, entry, doors_left, grants_left)


async def _async_revoke(
    system: AccessSystem, operations: Operations, row: GrantRow
) -> None:
    """Take a grant back, having looked for it if nobody knows its id."""
    issued = operations.known_issued(row)
    if issued is None and row.state not in NEVER_MADE:
        issued = await system.find(operations.grant_of(row))
    if issued:
        await system.revoke(issued)


async def _async_try(undoing: Coroutine[Any, Any, None]) -> bool:
    """Return whether it could be undone."""
    try:
        async with asyncio.timeout(PATIENCE):
            await undoing
    except (VendorError, TimeoutError) as err:
        LOGGER.debug("Something could not be undone: %s", type(err).__name__)
        return False
    return True
