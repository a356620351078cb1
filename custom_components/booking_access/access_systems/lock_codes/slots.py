"""Which numbered places on locks hold our codes, written down before they do."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.storage import Store
from homeassistant.util.hass_dict import HassKey

from ...forms import BadValue

VERSION: Final = 1
KEY: Final = "booking_access.lock_codes"
# No lock has more.
LAST_SLOT: Final = 65_535


class SlotBook:
    """Knows, across restarts, which slots of which locks are ours, and what for.

    A code in a slot has no name, so nothing else tells it from somebody else's.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Read nothing yet."""
        self._store = Store[dict[str, dict[str, str]]](
            hass, VERSION, KEY, private=True, atomic_writes=True
        )
        self._slots: dict[str, dict[str, str]] | None = None
        self._reading = asyncio.Lock()
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def turn(self, lock_id: str) -> asyncio.Lock:
        """Return what keeps two changes of one lock's codes apart."""
        return self._turns[lock_id]

    async def slots(self, lock_id: str) -> Mapping[int, str]:
        """Return our slots of a lock with the references of what they are for."""
        theirs = (await self._read()).get(lock_id, {})
        return {int(slot): reference for slot, reference in theirs.items()}

    async def slot_of(self, lock_id: str, reference: str) -> int | None:
        """Return the slot that is for something; None if none is."""
        slots = await self.slots(lock_id)
        return next((s for s, known in slots.items() if known == reference), None)

    async def note(self, lock_id: str, slot: int, reference: str) -> None:
        """Write down that a slot, and no other, is for something from now on."""
        slots = await self._read()
        kept = slots.get(lock_id, {}).items()
        others = {number: known for number, known in kept if known != reference}
        slots[lock_id] = {**others, str(slot): reference}
        await self._store.async_save(slots)

    async def drop(self, lock_id: str, slot: int) -> None:
        """Write down that a slot is not ours any more."""
        slots = await self._read()
        if slots.get(lock_id, {}).pop(str(slot), None) is None:
            return
        if not slots[lock_id]:
            del slots[lock_id]
        if slots:
            await self._store.async_save(slots)
        else:
            await self._store.async_remove()

    async def _read(self) -> dict[str, dict[str, str]]:
        """Return all slots, read from the disk once."""
        async with self._reading:
            if self._slots is None:
                self._slots = await self._store.async_load() or {}
        return self._slots


BOOK: Final[HassKey[SlotBook]] = HassKey(KEY)


@callback
def slot_book(hass: HomeAssistant) -> SlotBook:
    """Return the one book; two accounts may have the same lock."""
    return hass.data.setdefault(BOOK, SlotBook(hass))


def read_slots(text: str) -> range:
    """Return the slots that people wrote as "20-30"; BadValue if they are none."""
    first, _, last = text.replace(" ", "").partition("-")
    if first.isdecimal() and (last or first).isdecimal():
        slots = range(int(first), int(last or first) + 1)
        if slots and slots.start >= 1 and slots.stop <= LAST_SLOT + 1:
            return slots
    raise BadValue("bad_code_slots", slots=text)
