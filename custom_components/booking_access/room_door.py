"""A door of a room, operated through its account."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from typing import Any, Final

from .coordinator import AccessCoordinator
from .engine.models import AccessPoint, Capability, OutcomeUnknown

# What makes a door one that can be operated from here.
OPERABLE: Final = frozenset({Capability.HOLD, Capability.UNLOCK})


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomDoor:
    """A door of a room, with the account to operate it through."""

    account: AccessCoordinator
    point: AccessPoint

    @property
    def held_open(self) -> bool | None:
        """Whether the door is kept open."""
        state = self.account.data.states.get(self.point.id)
        return state.held_open if state else None

    async def async_hold(self, *, held: bool) -> None:
        """Keep open or put back; a door that only opens for a moment does that."""
        if Capability.HOLD in self.point.capabilities:
            await self.account.async_hold(self.point.id, held=held)
        elif held:
            await self.account.async_unlock(self.point.id)

    async def async_open(self) -> None:
        """Open for a moment, where the door can."""
        if Capability.UNLOCK in self.point.capabilities:
            await self.account.async_unlock(self.point.id)


async def all_of(calls: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Make all calls at the same time; raise the first error after all are done."""
    for result in await asyncio.gather(*calls, return_exceptions=True):
        # A lock that does not show it yet is no error: its state tells.
        if isinstance(result, BaseException) and not isinstance(result, OutcomeUnknown):
            raise result
