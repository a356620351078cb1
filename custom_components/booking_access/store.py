"""What outlives a restart: the ledger, and the last good bookings of each account."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
import re
from typing import Any, Final, override
import uuid

from mashumaro.codecs.basic import BasicDecoder, BasicEncoder

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR, Store

from .const import DOMAIN
from .engine.bookings import AccountBookings, Known, restore
from .engine.ledger import GrantRow, ScheduleRow, Switched
from .engine.models import LONG_AGO, Traits

VERSION: Final = 1
LEDGER_DELAY: Final = 0.5
EVENTS_DELAY: Final = 2.0
# Each file that is written begins with its key, whatever its name is until it is whole.
OURS: Final = re.compile(rf'"key": ?"{DOMAIN}\.'.encode())


@dataclass(slots=True)
class Ledger:
    """All that we did and must undo, and what the rooms' own switches show.

    ``running`` are the bookings of each room whose start was announced,
    ``retired`` the codes that were used, with the end of their rest, and
    ``bearers`` who of which booking had them; ``schedules`` is what points were
    told to follow by themselves, ``traits`` is how grants behave at points where
    that is not as usual, and ``forgotten`` is when grants were last dropped.
    ``installation`` tells our grants at a vendor from those of others.
    """

    installation: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    switched: dict[str, Switched] = field(default_factory=dict)
    grants: dict[str, GrantRow] = field(default_factory=dict)
    schedules: dict[str, ScheduleRow] = field(default_factory=dict)
    shown: dict[str, bool] = field(default_factory=dict)
    running: dict[str, list[str]] = field(default_factory=dict)
    retired: dict[str, datetime] = field(default_factory=dict, repr=False)
    bearers: dict[str, str] = field(default_factory=dict, repr=False)
    traits: dict[str, Traits] = field(default_factory=dict)
    forgotten: datetime = LONG_AGO

    def copy(self) -> Ledger:
        """Return the ledger as it is now; rows never change, they are replaced."""
        return Ledger(
            installation=self.installation,
            switched=self.switched.copy(),
            grants=self.grants.copy(),
            schedules=self.schedules.copy(),
            shown=self.shown.copy(),
            running=self.running.copy(),
            retired=self.retired.copy(),
            bearers=self.bearers.copy(),
            traits=self.traits,
            forgotten=self.forgotten,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredLedger:
    """The ledger as it is written."""

    installation: str
    switched: list[Switched]
    grants: list[GrantRow]
    shown: dict[str, bool]
    running: dict[str, list[str]]
    retired: dict[str, datetime] = field(default_factory=dict, repr=False)
    schedules: list[ScheduleRow] = field(default_factory=list)
    bearers: dict[str, str] = field(default_factory=dict, repr=False)
    traits: dict[str, Traits] = field(default_factory=dict)
    forgotten: datetime = LONG_AGO


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredBookings:
    """An account's bookings as they are written."""

    known: list[Known]
    empty_since: datetime | None
    held_back: list[str]
    aliases: dict[str, str] = field(default_factory=dict)
    forgotten: datetime = LONG_AGO


@dataclass(kw_only=True, slots=True)
class ToldEvents:
    """Which events of an account's doors were told: the last instant, and recent ids.

    ``first`` is when the account was set up.
    """

    first: datetime
    last: datetime | None = None
    ids: dict[str, datetime] = field(default_factory=dict)


_encode_ledger: Callable[[_StoredLedger], dict[str, Any]] = BasicEncoder(
    _StoredLedger
).encode
_decode_ledger = BasicDecoder(_StoredLedger).decode
_encode_bookings: Callable[[_StoredBookings], dict[str, Any]] = BasicEncoder(
    _StoredBookings
).encode
_decode_bookings = BasicDecoder(_StoredBookings).decode

_encode_told: Callable[[ToldEvents], dict[str, Any]] = BasicEncoder(ToldEvents).encode
_decode_told = BasicDecoder(ToldEvents).decode


class LedgerStore:
    """Keeps the one ledger; private, for it holds codes."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Make the store; nothing is read yet."""
        self._hass = hass
        self._store = Store[dict[str, Any]](
            hass,
            VERSION,
            f"{DOMAIN}.ledger",
            private=True,
            atomic_writes=True,
            serialize_in_event_loop=False,
        )
        self._due = 0.0
        self._next: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._delayed = False
        self.ledger = Ledger()

    async def async_load(self) -> Ledger:
        """Read what was written last; nothing of ours is being written yet."""
        folder = Path(self._hass.config.path(STORAGE_DIR))
        await self._hass.async_add_executor_job(_remove_half_written, folder)
        if data := await self._store.async_load():
            stored = _decode_ledger(data)
            self.ledger = Ledger(
                installation=stored.installation,
                switched={row.target: row for row in stored.switched},
                grants={row.reference: row for row in stored.grants},
                schedules={row.point: row for row in stored.schedules},
                shown=stored.shown,
                running=stored.running,
                retired=stored.retired,
                bearers=stored.bearers,
                traits=stored.traits,
                forgotten=stored.forgotten,
            )
        return self.ledger

    async def async_save(self) -> None:
        """Write; returns when all that is noted by now is on the disk.

        All who call before it begins share one write, so that a thousand grants
        do not write the ledger a thousand times.
        """
        if self._next is None:
            self._next = self._hass.async_create_task(
                self._async_write(), DOMAIN, eager_start=False
            )
        await asyncio.shield(self._next)

    async def _async_write(self) -> None:
        """Write once those before are done; worked out off the event loop."""
        async with self._writing:
            self._next, self._delayed = None, False
            data = await self._hass.async_add_executor_job(
                _ledger_data, self.ledger.copy()
            )
            await self._store.async_save(data)
            if self._delayed:  # this write took the place of one with later news
                self._store.async_delay_save(self._data, LEDGER_DELAY)

    def save_soon(self) -> None:
        """Write in a moment, once for all changes until then.

        Changes that keep coming do not put it off.
        """
        self._delayed = True
        now = self._hass.loop.time()
        if self._due <= now:
            self._due = now + LEDGER_DELAY
        self._store.async_delay_save(self._data, self._due - now)

    def _data(self) -> dict[str, Any]:
        """Return the ledger as plain data."""
        return _ledger_data(self.ledger.copy())


def _remove_half_written(folder: Path) -> None:
    """Remove what power cuts left of our files: it holds codes and names (rule 15)."""
    for path in folder.glob("tmp*"):
        try:
            with path.open("rb") as file:
                is_ours = OURS.search(file.read(200))
            if is_ours:
                path.unlink()
        except OSError:  # somebody else's, and gone or not for us to read
            continue


def _ledger_data(ledger: Ledger) -> dict[str, Any]:
    """Return a ledger that nobody changes any more as plain data."""
    return _encode_ledger(
        _StoredLedger(
            installation=ledger.installation,
            switched=list(ledger.switched.values()),
            grants=list(ledger.grants.values()),
            schedules=list(ledger.schedules.values()),
            shown=ledger.shown,
            running=ledger.running,
            retired=ledger.retired,
            bearers=ledger.bearers,
            traits=ledger.traits,
            forgotten=ledger.forgotten,
        )
    )


class _Upgradable(Store[dict[str, Any]]):
    """A store that knows whether what it read was written by an older version."""

    was_upgraded = False

    @override
    async def _async_migrate_func(
        self, old_major_version: int, old_minor_version: int, old_data: dict[str, Any]
    ) -> dict[str, Any]:
        """Take what an older version wrote; missing fields have defaults."""
        self.was_upgraded = True
        return old_data


class BookingsStore:
    """Keeps the last good bookings of one account."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Make the store; nothing is read yet."""
        self._hass = hass
        self._unwritten: AccountBookings | None = None
        self._writing: asyncio.Task[None] | None = None
        self._removed = False
        self._store = _Upgradable(
            hass,
            VERSION,
            f"{DOMAIN}.{entry_id}",
            private=True,
            atomic_writes=True,
            serialize_in_event_loop=False,
        )

    @property
    def was_upgraded(self) -> bool:
        """Whether what was read was written by an older version."""
        return self._store.was_upgraded

    async def async_load(self) -> AccountBookings | None:
        """Read what was known last; None if there never was an answer."""
        data = await self._store.async_load()
        if data is None:
            return None
        return await self._hass.async_add_executor_job(_bookings_of, data)

    def save_soon(self, bookings: AccountBookings) -> None:
        """Write, at once and beside everything else."""
        if self._removed:
            return
        self._unwritten = bookings
        if self._writing is None or self._writing.done():
            self._writing = self._hass.async_create_task(self._async_write(), DOMAIN)

    async def _async_write(self) -> None:
        """Write, worked out off the event loop, until nothing newer is left."""
        while (bookings := self._unwritten) is not None:
            self._unwritten = None
            data = await self._hass.async_add_executor_job(_bookings_data, bookings)
            await self._store.async_save(data)

    async def async_written(self) -> None:
        """Wait until all is on the disk, or could not be written."""
        if self._writing:
            await asyncio.wait((self._writing,))

    async def async_remove(self) -> None:
        """Forget everything, for good."""
        self._removed = True
        self._unwritten = None
        await self.async_written()
        await self._store.async_remove()


class EventsStore:
    """Keeps which events of an access account's doors were told."""

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Make the store; nothing is read yet."""
        self._store = Store[dict[str, Any]](
            hass,
            VERSION,
            f"{DOMAIN}.{entry_id}.events",
            private=True,
            atomic_writes=True,
        )

    async def async_load(self) -> ToldEvents | None:
        """Read what was told; None if there never was an account."""
        data = await self._store.async_load()
        return None if data is None else _decode_told(data)

    def save_soon(self, told: ToldEvents) -> None:
        """Write in a moment, once for all events until then."""
        self._store.async_delay_save(lambda: _encode_told(told), EVENTS_DELAY)

    async def async_save(self, told: ToldEvents) -> None:
        """Write now."""
        await self._store.async_save(_encode_told(told))

    async def async_remove(self) -> None:
        """Forget everything, for good."""
        await self._store.async_remove()


def _bookings_of(data: dict[str, Any]) -> AccountBookings:
    """Return an account's bookings from plain data."""
    stored = _decode_bookings(data)
    return restore(
        stored.known,
        stored.empty_since,
        frozenset(stored.held_back),
        stored.aliases,
        stored.forgotten,
    )


def _bookings_data(bookings: AccountBookings) -> dict[str, Any]:
    """Return an account's bookings as plain data."""
    return _encode_bookings(
        _StoredBookings(
            known=list(bookings.known.values()),
            empty_since=bookings.empty_since,
            held_back=sorted(bookings.held_back),
            aliases=dict(bookings.aliases),
            forgotten=bookings.forgotten,
        )
    )
