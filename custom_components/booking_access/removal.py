"""The last thing done for an access account: taking back what we handed out there."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from .const import LOGGER
from .engine.ledger import GrantRow, GrantState, Switched
from .engine.models import VendorError
from .handover import async_withdraw
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
            await hub.steps.async_finished(entry.entry_id)
    ledger = hub.store.ledger
    held = _rows_at(f"door/{entry.entry_id}/", ledger.switched)
    told = _rows_at(f"{entry.entry_id}/", ledger.schedules)
    grants = [row for row in ledger.grants.values() if row.account_id == entry.entry_id]
    system, operations = access_system_of(hass, entry), hub.operations

    undone = await asyncio.gather(
        *(_async_try(_async_close(system, row)) for row in held),
        *(_async_try(async_withdraw(system, row)) for row in told),
        *(_async_try(_async_revoke(system, operations, row)) for row in grants),
    )
    for row in held:
        ledger.switched.pop(row.target, None)
    for schedule in told:
        ledger.schedules.pop(schedule.point, None)
    for grant in grants:
        ledger.grants.pop(grant.reference, None)
        operations.codes.retire(grant)
    hub.operations.forget_traits(entry.entry_id)
    hub.async_grants_changed()
    await hub.store.async_save()
    left = iter(undone)
    async_report_left_behind(
        hass,
        entry,
        doors=_count_left(left, held),
        schedules=_count_left(left, told),
        grants=_count_left(left, grants),
    )


def _rows_at[Row](account: str, rows: Mapping[str, Row]) -> list[Row]:
    """Return the rows of an account's points, by how their names begin."""
    return [row for name, row in rows.items() if name.startswith(account)]


async def _async_close(system: AccessSystem, row: Switched) -> None:
    """Put a door that is held open back to normal."""
    await system.hold(row.target.split("/", 2)[2], held=False)


def _count_left(undone: Iterator[bool], rows: Sequence[object]) -> int:
    """Return how many of the next rows could not be undone."""
    return list(islice(undone, len(rows))).count(False)


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
