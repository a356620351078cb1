"""What can be done with the codes of a lock, whatever integration it belongs to."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, Final, override

from ...engine.models import NotNow, OutcomeUnknown
from .actions import Lock
from .slots import SlotBook

# A Matter user's name has at most 10 bytes.
NAME_LENGTH: Final = 10


@dataclass(frozen=True, slots=True)
class Lengths:
    """How many digits the codes of a lock may have."""

    shortest: int
    longest: int

    def __contains__(self, length: int) -> bool:
        """Whether codes may have so many digits."""
        return self.shortest <= length <= self.longest


# What most locks take, where nobody tells.
USUAL_LENGTHS: Final = Lengths(4, 8)


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A code that is on a lock. ``code`` is None where the lock does not show it."""

    place: str  # user or slot, as the integration numbers it
    name: str | None = None
    complete: bool = True  # False for somebody without a code
    code: str | None = field(default=None, repr=False)


def name_of(reference: str) -> str:
    """Return the name that our code has on a lock; it tells nothing of anybody."""
    return "ba" + sha256(reference.encode()).hexdigest()[: NAME_LENGTH - 2]


class LockCodes(ABC):
    """The codes of one lock. Raises the errors of an access system.

    ``reference`` is that of the grant that a code is for, ``place`` what the lock
    knows it by. Somebody else's code is never changed, and never cleared.
    """

    key: ClassVar[str]
    # How long codes may be while the lock could not be asked; None: nobody can tell.
    usual: ClassVar[Lengths | None] = USUAL_LENGTHS

    def __init__(self, lock: Lock, lock_id: str, book: SlotBook) -> None:
        """Work on a lock; ``lock_id`` stays the same when it is renamed."""
        self.lock = lock
        self.lock_id = lock_id
        self.book = book

    @abstractmethod
    async def lengths(self) -> Lengths | None:
        """Return how long codes may be; None if the lock takes none."""

    @abstractmethod
    async def find(self, reference: str, code: str | None) -> str | None:
        """Return the place of our code; None if it is not there, for certain."""

    @abstractmethod
    async def set(self, reference: str, code: str) -> str:
        """Put our code on the lock, and return its place. Safe to repeat."""

    @abstractmethod
    async def clear(self, place: str, reference: str, code: str | None) -> None:
        """Take our code off the lock; what is gone counts as taken off."""


class NamedCodes(LockCodes):
    """Where the lock keeps a name with each code: ours are known by theirs."""

    @abstractmethod
    async def list_codes(self) -> tuple[Held, ...]:
        """Return all codes on the lock, and all who could have one."""

    @abstractmethod
    async def add(self, name: str, code: str, held: tuple[Held, ...]) -> None:
        """Add a code besides those that are held."""

    @abstractmethod
    async def remove(self, held: Held) -> None:
        """Take a code off, with whom it belongs to."""

    @override
    async def find(self, reference: str, code: str | None) -> str | None:
        """Look for our name; somebody of ours without a code is cleared away."""
        name = name_of(reference)
        ours = [held for held in await self.list_codes() if held.name == name]
        for held in ours:
            if not held.complete:
                await self.remove(held)
        return name if any(held.complete for held in ours) else None

    @override
    async def set(self, reference: str, code: str) -> str:
        """Add a code under our name, unless it is there."""
        if found := await self.find(reference, code):
            return found
        name = name_of(reference)
        await self.add(name, code, await self.list_codes())
        if not any(e.name == name and e.complete for e in await self.list_codes()):
            raise OutcomeUnknown("the lock does not show it yet")
        return name

    @override
    async def clear(self, place: str, reference: str, code: str | None) -> None:
        """Remove who has our name, and see whether that was done."""
        name = name_of(reference)
        ours = [held for held in await self.list_codes() if held.name == name]
        for held in ours:
            await self.remove(held)
        if ours and any(held.name == name for held in await self.list_codes()):
            raise OutcomeUnknown("the lock still shows it")


def full() -> NotNow:
    """Return what to say where there is no place left for a code."""
    return NotNow("code_slots_full")
