"""What is known of a booking account, whether it is loaded or not."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util

from .const import CONF_SYSTEM, SUBENTRY_ROOM
from .engine.bookings import (
    AccountBookings,
    Change,
    answer_brake,
    forget,
    keep_resources,
    merge,
)
from .engine.by_hand import Altered, as_decided, still_decided
from .engine.models import Absence, Room, Snapshot
from .engine.windows import Refusal, refusal
from .room import country_of, room_of
from .store import BookingsStore
from .systems import BOOKING_SYSTEMS

# Fewer bookings are merged faster than a thread begins.
MANY_BOOKINGS: Final = 500


@dataclass(slots=True)
class BookingAccount:
    """One booking account: its bookings, and its rooms as they are configured.

    ``has_answered`` says that it ever did, this time or before; ``heard_of`` are
    the resources that an answer was about. What was known of ``unsure`` ones was
    lost or upgraded, and no complete answer was about them yet (rule 12); ``named``
    are the bookings that an answer named meanwhile. ``altered`` is what people
    decided about bookings here, and ``decided`` are the bookings with that.
    """

    store: BookingsStore
    absence: Absence
    is_fed: bool = False
    country: str = ""
    rooms: dict[str, Room] = field(default_factory=dict)
    bookings: AccountBookings = field(default_factory=AccountBookings)
    altered: Mapping[str, Altered] = field(default_factory=dict)
    decided: AccountBookings = field(default_factory=AccountBookings)
    has_answered: bool = False
    heard_of: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    _taking: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    async def async_load(
        cls, hass: HomeAssistant, entry: ConfigEntry, altered: Mapping[str, Altered]
    ) -> Self:
        """Return an account with what is stored of it, and was decided about it."""
        store = BookingsStore(hass, entry.entry_id)
        system = BOOKING_SYSTEMS[entry.data[CONF_SYSTEM]]
        account = cls(store, system.absence, system.is_fed)
        account.configure(hass, entry)
        stored = await store.async_load()
        if stored:
            account.bookings = stored
            account.alter(altered)
            account.has_answered = True
            account.heard_of = account.resources
        # Of what is brought there never is a complete answer to wait for.
        if not system.is_fed and (not stored or store.was_upgraded):
            account.unsure = account.resources
        return account

    def configure(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Take over the rooms and options as they are now."""
        self.country = country_of(hass, entry)
        self.rooms = {
            subentry.subentry_id: room_of(entry, subentry)
            for subentry in entry.get_subentries_of_type(SUBENTRY_ROOM)
        }
        self.heard_of &= self.resources
        self.unsure &= self.resources
        if not self.is_fed:  # what was brought once cannot be asked for again
            self._keep(keep_resources(self.bookings, self.resources))

    @property
    def resources(self) -> set[str]:
        """What is booked in the rooms."""
        return {room.resource_id for room in self.rooms.values()}

    async def async_take(
        self, hass: HomeAssistant, snapshot: Snapshot
    ) -> Iterable[Change] | None:
        """Take over an answer; return what it changed, None for nothing at all.

        The first answer about a resource is no news: it was booked all along.
        """
        async with self._taking:  # in the order in which answers come
            bookings, changes = await self._async_merge(hass, snapshot)
            return self._take(snapshot, bookings, changes)

    async def _async_merge(
        self, hass: HomeAssistant, snapshot: Snapshot
    ) -> tuple[AccountBookings, tuple[Change, ...]]:
        """Merge an answer, a large one beside the event loop."""
        before, now = self.bookings, dt_util.utcnow()
        absence = snapshot.absence or self.absence
        if max(len(snapshot.bookings), len(before.known)) < MANY_BOOKINGS:
            return merge(before, snapshot, now, absence)
        merged = await hass.async_add_executor_job(
            merge, before, snapshot, now, absence
        )
        if self.bookings is before:
            return merged
        return merge(self.bookings, snapshot, now, absence)

    def _take(
        self, snapshot: Snapshot, bookings: AccountBookings, changes: Iterable[Change]
    ) -> Iterable[Change] | None:
        """Take over what an answer makes of the bookings."""
        news = [each for each in changes if each.booking.resource_id in self.heard_of]
        acts = self._keep(bookings) or not self.has_answered or bool(self.unsure)
        self.has_answered = True
        self.heard_of |= self.resources - snapshot.missing
        self._hear(snapshot)
        return news if acts else None

    def doubts(self, room_id: str, booking_id: str) -> bool:
        """Whether nobody knows for certain what became of a booking (rule 12)."""
        room = self.rooms.get(room_id)
        doubtful = room is not None and room.resource_id in self.unsure
        return doubtful and booking_id not in self.named

    def doubtful_rooms(self, now: datetime) -> Iterable[str]:
        """Return the rooms that may have bookings which nobody knows of (rule 12)."""
        if not self.bookings.is_whole(now):
            return self.rooms
        if not self.unsure:
            return ()
        return [
            key for key, each in self.rooms.items() if each.resource_id in self.unsure
        ]

    def _hear(self, snapshot: Snapshot) -> None:
        """Note what an answer makes sure."""
        if snapshot.complete:
            self.unsure &= snapshot.missing
        if not self.unsure:
            self.named.clear()
            return
        aliases = self.bookings.aliases
        self.named |= {aliases.get(each.id, each.id) for each in snapshot.bookings}

    def preview(self, snapshot: Snapshot) -> tuple[AccountBookings, Iterable[Change]]:
        """Return what the bookings would be after an answer, and what it would change."""
        absence = snapshot.absence or self.absence
        return merge(self.bookings, snapshot, dt_util.utcnow(), absence)

    def without_end(self, now: datetime) -> list[str]:
        """Return the room of each coming booking that ends as it starts."""
        return [
            room.name
            for room in self.rooms.values()
            for booking in self.bookings.by_resource.get(room.resource_id, ())
            if now < booking.start and refusal(booking) is Refusal.NO_DURATION
        ]

    def answer_brake(self, *, revoke: bool) -> Iterable[Change]:
        """Do what a human decided about bookings that vanished all at once."""
        bookings, changes = answer_brake(self.bookings, revoke=revoke)
        self._keep(bookings)
        return changes

    def forget(self) -> None:
        """Forget what is long over (rule 15)."""
        self._keep(forget(self.bookings, dt_util.utcnow()))

    def _keep(self, bookings: AccountBookings) -> bool:
        """Keep the bookings as they are now; return whether that is something new."""
        if bookings is self.bookings:
            return False
        self.bookings = bookings
        self.alter(self.altered)
        self.store.save_soon(bookings)
        return True

    def alter(self, altered: Mapping[str, Altered]) -> None:
        """Take over what people decided about bookings, as far as it still stands."""
        self.altered = still_decided(altered, self.bookings, dt_util.utcnow())
        self.decided = as_decided(self.bookings, self.altered, self.decided)
