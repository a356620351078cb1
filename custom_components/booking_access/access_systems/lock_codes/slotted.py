"""Locks that know codes by a number and nothing else."""

from abc import abstractmethod
from collections.abc import Collection, Mapping
from enum import Enum, auto
from typing import ClassVar, Final, override

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant

from ...engine.models import ConnectionFailed, ContractError, OutcomeUnknown, Rejected
from .actions import (
    CLEAR_USERCODE,
    GET_USERCODES,
    MANAGER_CLEAR,
    MANAGER_SET,
    SET_USERCODE,
    Lock,
)
from .base import USUAL_LENGTHS, Lengths, LockCodes, full
from .slots import SlotBook

# What Z-Wave's User Code command class takes.
ZWAVE_LENGTHS: Final = Lengths(4, 10)
NO_SLOTS: Final = range(0)


class Slot(Enum):
    """What is in a slot."""

    FREE = auto()
    OURS = auto()
    FOREIGN = auto()
    HIDDEN = auto()  # something, that the lock does not show
    UNKNOWN = auto()  # nobody knows whether anything is


class SlottedCodes(LockCodes):
    """Slots that are ours because we wrote that down before we used them.

    ``given`` are the slots that people set aside for us: only there a slot is used
    of which nobody can tell whether it is free.
    """

    def __init__(
        self, lock: Lock, lock_id: str, book: SlotBook, given: range = NO_SLOTS
    ) -> None:
        """Work on a lock."""
        super().__init__(lock, lock_id, book)
        self._given = given

    @abstractmethod
    async def list_slots(self, code: str | None) -> Mapping[int, Slot]:
        """Return what is known of each slot; ``code`` is ours."""

    @abstractmethod
    async def write(self, slot: int, code: str) -> None:
        """Put a code into a slot."""

    @abstractmethod
    async def empty(self, slot: int) -> None:
        """Clear a slot."""

    @override
    async def find(self, reference: str, code: str | None) -> str | None:
        """Look into the slot that was written down for it.

        Where nothing can be seen, a doubt is ended by clearing the slot: what is
        wished for is then put there again.
        """
        slot = await self.book.slot_of(self.lock_id, reference)
        if slot is None:
            return None
        match (await self.list_slots(code)).get(slot, Slot.UNKNOWN):
            case Slot.OURS | Slot.HIDDEN:
                return str(slot)
            case Slot.UNKNOWN:
                await self.empty(slot)
        await self.book.drop(self.lock_id, slot)
        return None

    @override
    async def set(self, reference: str, code: str) -> str:
        """Put our code into a slot that is free."""
        slot = await self.book.slot_of(self.lock_id, reference)
        slots = await self.list_slots(code)
        if slot is not None and slots.get(slot) in (Slot.OURS, Slot.HIDDEN):
            return str(slot)
        if slot is None or slots.get(slot) is Slot.FOREIGN:
            slot = self._free(slots, (await self.book.slots(self.lock_id)).keys())
        await self.book.note(self.lock_id, slot, reference)
        try:
            await self.write(slot, code)
        except ConnectionFailed, Rejected:  # nothing was done
            await self.book.drop(self.lock_id, slot)
            raise
        shown = (await self.list_slots(code)).get(slot, Slot.UNKNOWN)
        if shown in (Slot.FREE, Slot.FOREIGN):
            raise OutcomeUnknown("the lock does not show it yet")
        return str(slot)

    def _free(self, slots: Mapping[int, Slot], ours: Collection[int]) -> int:
        """Return a slot that nobody uses."""
        if self._given:
            usable = {slot: slots.get(slot, Slot.UNKNOWN) for slot in self._given}
            allowed = {Slot.FREE, Slot.UNKNOWN}
        else:
            usable, allowed = dict(slots), {Slot.FREE}
        for slot, shown in sorted(usable.items()):
            if shown in allowed and slot not in ours:
                return slot
        raise full()

    @override
    async def clear(self, place: str, reference: str, code: str | None) -> None:
        """Clear our slot, unless somebody put another code there since."""
        slot = int(place)
        noted = (await self.book.slots(self.lock_id)).get(slot, reference)
        if noted != reference:  # it was cleared already, and is used again
            return
        slots = await self.list_slots(code)
        if slots.get(slot, Slot.UNKNOWN) not in (Slot.FREE, Slot.FOREIGN):
            await self.empty(slot)
            slots = await self.list_slots(code)
            if slots.get(slot) in (Slot.OURS, Slot.HIDDEN):
                raise OutcomeUnknown("the lock still shows it")
        await self.book.drop(self.lock_id, slot)


class ZwaveCodes(SlottedCodes):
    """Z-Wave locks with User Code CC."""

    key: ClassVar = "zwave_js"

    @override
    async def lengths(self) -> Lengths | None:
        """A lock has such codes if it has slots for them."""
        return ZWAVE_LENGTHS if await self.lock.read(GET_USERCODES) else None

    @override
    async def list_slots(self, code: str | None) -> Mapping[int, Slot]:
        """Read what Z-Wave JS knows of the slots."""
        answer = await self.lock.read(GET_USERCODES)
        return {int(slot): _zwave_slot(each, code) for slot, each in answer.items()}

    @override
    async def write(self, slot: int, code: str) -> None:
        """Set a user code."""
        await self.lock.write(SET_USERCODE, code_slot=slot, usercode=code)

    @override
    async def empty(self, slot: int) -> None:
        """Clear a user code."""
        await self.lock.write(CLEAR_USERCODE, code_slot=slot)


def _zwave_slot(slot: object, code: str | None) -> Slot:
    """Read a slot: a code may be shown, hidden behind asterisks, or switched off."""
    if not isinstance(slot, Mapping) or "in_use" not in slot:
        raise ContractError("in_use")
    shown = slot.get("usercode") or None
    if slot["in_use"] is None:
        return Slot.UNKNOWN
    if not slot["in_use"]:
        return Slot.FOREIGN if shown else Slot.FREE
    if shown is None or code is None or not str(shown).strip("*"):
        return Slot.HIDDEN
    return Slot.OURS if str(shown) == code else Slot.FOREIGN


class ManagerCodes(SlottedCodes):
    """Locks of any make that Lock Code Manager looks after."""

    key: ClassVar = "lock_code_manager"

    @override
    async def lengths(self) -> Lengths | None:
        """It can be done only in slots that people set aside."""
        return USUAL_LENGTHS if self._given else None

    @override
    async def list_slots(self, code: str | None) -> Mapping[int, Slot]:
        """Return nothing: it cannot be asked."""
        return {}

    @override
    async def write(self, slot: int, code: str) -> None:
        """Set a user code."""
        await self.lock.write(MANAGER_SET, code_slot=slot, usercode=code)

    @override
    async def empty(self, slot: int) -> None:
        """Clear a user code."""
        await self.lock.write(MANAGER_CLEAR, code_slot=slot)


def is_managed(hass: HomeAssistant, entity_id: str) -> bool:
    """Whether Lock Code Manager looks after a lock."""
    entries = hass.config_entries.async_entries(
        MANAGER_SET.domain, include_ignore=False, include_disabled=False
    )
    return any(entity_id in _managed(entry) for entry in entries)


def _managed(entry: ConfigEntry) -> Collection[str]:
    """Return the locks of an entry; it keeps them in its options or its data."""
    locks: Collection[str] = entry.options.get("locks", entry.data.get("locks", ()))
    return locks
