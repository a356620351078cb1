"""The last thing done for an access account: taking back what we handed out there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import LOGGER
from .engine.ledger import GrantRow, Switched
from .engine.models import VendorError
from .issues import async_report_left_behind
from .store import LedgerStore
from .systems import create_access_system

# Nobody waits longer for a vendor that does not answer, in seconds.
PATIENCE: Final = 60


async def async_close_account(
    hass: HomeAssistant, store: LedgerStore, entry: ConfigEntry
) -> None:
    """Close the doors and revoke the grants of an access account that is removed.

    What cannot be undone any more is named in a repair issue: nobody else will
    ever know of it.
    """
    ledger = store.ledger
    doors = f"door/{entry.entry_id}/"
    held = [row for target, row in ledger.switched.items() if target.startswith(doors)]
    grants = [row for row in ledger.grants.values() if row.account_id == entry.entry_id]
    system = create_access_system(hass, entry.data)

    async def close(row: Switched) -> None:
        await system.hold(row.target.removeprefix(doors), held=False)

    async def revoke(row: GrantRow) -> None:
        if row.issued_id:
            await system.revoke(row.issued_id)

    undone = await asyncio.gather(
        *(_async_try(close(row)) for row in held),
        *(_async_try(revoke(row)) for row in grants),
    )
    for row in held:
        ledger.switched.pop(row.target, None)
    for grant in grants:
        ledger.grants.pop(grant.reference, None)
    await store.async_save()
    doors_left = undone[: len(held)].count(False)
    grants_left = undone[len(held) :].count(False)
    async_report_left_behind(hass, entry, doors_left, grants_left)


async def _async_try(undoing: Coroutine[Any, Any, None]) -> bool:
    """Return whether it could be undone."""
    try:
        async with asyncio.timeout(PATIENCE):
            await undoing
    except (VendorError, TimeoutError) as err:
        LOGGER.debug("Something could not be undone: %s", type(err).__name__)
        return False
    return True
