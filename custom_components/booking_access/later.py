"""Doing what can wait without keeping anybody waiting."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from functools import partial
from itertools import batched
from typing import Final

from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN, LOGGER

# So many like things are done as one.
AT_ONCE: Final = 50
# How long a piece of work takes, in seconds; then all else gets its turn.
PIECE: Final = 0.003


async def in_pieces[ItemT](items: Iterable[ItemT]) -> AsyncGenerator[ItemT]:
    """Go through items, in pieces between which all else gets its turn."""
    time = asyncio.get_running_loop().time
    end = 0.0
    for item in items:
        if time() >= end:
            await asyncio.sleep(0)
            end = time() + PIECE
        yield item


class Later:
    """Does things in order, in pieces between which all else gets its turn.

    What rooms tell and show goes through here: when many of them change at the same
    instant, doors come first.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with nothing to do."""
        self._hass = hass
        self._waiting: deque[Callable[[], None]] = deque()
        self._working = False

    @callback
    def do(self, work: Callable[[], None]) -> None:
        """Do something once all that happens right now has happened."""
        self._waiting.append(work)
        if not self._working:
            self._working = True
            self._hass.async_create_task(self._async_work(), DOMAIN, eager_start=False)

    @callback
    def do_each[ItemT](
        self, work: Callable[[ItemT], None], items: Iterable[ItemT]
    ) -> None:
        """Do the same with each of what may be many."""

        def work_on(some: Iterable[ItemT]) -> None:
            for item in some:
                work(item)

        for some in batched(items, AT_ONCE, strict=False):
            self.do(partial(work_on, some))

    async def _async_work(self) -> None:
        """Do all there is, and what is added meanwhile."""
        try:
            async for work in in_pieces(self._left()):
                try:
                    work()
                except Exception:  # noqa: BLE001 - one that fails keeps no other from it
                    LOGGER.exception("Unexpected error")
        finally:
            self._working = False

    def _left(self) -> Iterator[Callable[[], None]]:
        """Yield what there is to do, until there is nothing left."""
        while self._waiting:
            yield self._waiting.popleft()
