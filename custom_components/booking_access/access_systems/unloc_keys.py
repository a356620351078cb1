"""Keys of Unloc: one for each person and lock, for all the bookings that it serves.

Unknown is whether a second key for the same person and lock stands beside the first
or takes its place. This is right in both readings:

* Bookings of a person whose times overlap or touch share one key. It lasts from the
  first start to the last end, and its metadata name each booking with its times. One
  more booking is a new key for all of them, then the old one is taken back; when one
  of them goes, the others get a new key before theirs is taken back.
* Bookings with a pause between them have a key each, so that nobody gets in during
  the pause. If such a key turns out to have taken another one's place, the earlier
  booking gets its key back, and the later one is told to wait for it (NotYet).
* A booking that was moved needs nothing but its new key: the same reservation at other
  times is what that key replaces.

Whom a key serves is in its metadata. Where those are not kept, it is remembered while
Home Assistant runs; after that, what was written down of each grant tells: the key's id,
or, of a key that was made anew since, its person (in the grant's link) and times.

Whoever asks what keys there are is told of each booking by itself, as if it had a key
of its own, so that nothing looks as if it were missing.
"""

from abc import abstractmethod
import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, override
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    FOREVER,
    LONG_AGO,
    AccessPoint,
    Capability,
    Credential,
    Grant,
    Issued,
    NotYet,
    Rejected,
    Traits,
)
from .base import REISSUE_DELETED, AccessSystem, Before
from .unloc_http import Json, instant, text, wire_time
from .unloc_key import Key, NewKey, Served, groups, is_made_of, maker, written

USE_KEY: Final = "https://dl.unloc.app/use-key"
MAX_VALUE: Final = 256  # characters of a value of the metadata
TRAITS: Final = Traits(apart=True, enforced=True)


@dataclass(frozen=True, slots=True)
class _Noted:
    """A grant that was written down: the key that it had, at which lock, and whose."""

    key_id: str
    lock_id: str
    person: str = field(repr=False)
    served: Served

    def may_be(self, key: Key) -> bool:
        """Whether a key that was made anew may serve it."""
        is_theirs = (key.lock_id, key.person) == (self.lock_id, self.person)
        begins = key.start is None or key.start <= max(
            self.served.start, datetime.now(UTC)
        )
        lasts = key.end is None or self.served.end <= key.end
        return is_theirs and begins and lasts


class KeySystem(AccessSystem):
    """What the interfaces of Unloc that give keys have in common."""

    needs_phone = True
    options: ClassVar = (REISSUE_DELETED,)
    traits: ClassVar[Traits] = TRAITS

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Know of no keys yet."""
        super().__init__(session, settings)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._made: dict[str, tuple[Served, ...]] = {}  # where metadata are not kept
        self._noted: list[_Noted] = []  # before a restart, and not found yet
        self._asked: dict[str, NewKey] = {}  # by reference, while the answer is unclear
        self._only_one = False  # keys of a person at a lock

    @abstractmethod
    async def _read_locks(self) -> dict[str, Json]:
        """Return the locks by their ids, each once."""

    @abstractmethod
    async def _read_keys(self, lock_id: str | None = None) -> tuple[Key, ...]:
        """Return the keys of a lock, or all of them; at least those that are live."""

    @abstractmethod
    async def _make_key(self, key: NewKey) -> str:
        """Make a key, and return its id."""

    @abstractmethod
    async def _take_key(self, lock_id: str, key_id: str) -> None:
        """Take a key back; one that is over or gone counts as taken back."""

    @override
    def remember(self, before: Before) -> None:
        """Note what grants there were; which keys serve them by now, a list will tell."""
        self._noted = [
            _Noted(
                issued.id,
                issued.points[0],
                URL(issued.credential.link or "").query.get("userid", ""),
                _served(issued, reservation),
            )
            for issued, reservation in before.grants
        ]

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return the locks."""
        return tuple(
            AccessPoint(
                id=lock_id,
                name=text(lock.get("name")) or lock_id,
                capabilities=frozenset({Capability.GRANT, Capability.LIST}),
                model=text(lock.get("vendor")),
                traits=TRAITS,
            )
            for lock_id, lock in (await self._read_locks()).items()
        )

    @override
    async def issue(self, grant: Grant) -> Issued:
        """Give a key for a lock; what it serves besides, the module's head says."""
        phone = (grant.person.phone or "").strip()
        if not phone:
            raise Rejected("phone_missing")
        if len(grant.points) != 1:
            raise Rejected("refused")
        [lock_id] = grant.points
        async with self._turns[lock_id]:
            mine = await self._live(lock_id, phone, grant.reference)
            known = next((key for key in mine if key.serves(grant.reference)), None)
            if known is None:
                wish = _served(grant, grant.reservation)
                known = await self._give(lock_id, phone, wish, mine)
            return _issued(known, known.serves(grant.reference))

    @override
    async def revoke(self, issued: Issued) -> None:
        """Take a key back, after a new one is made for what else it serves.

        The key may have been made anew since, so it is looked for by its reference.
        """
        lock_id = issued.points[0] if issued.points else ""
        async with self._turns[lock_id]:
            live = [key for key in await self._known(lock_id) if key.live]
            going = [key for key in live if _is(key, issued)]
            staying = [key for key in live if key not in going]
            kept = {
                (key.person, each.reference) for key in staying for each in key.served
            }
            now = datetime.now(UTC)
            for key in going:
                rest = [
                    each
                    for each in key.served
                    if each.reference != issued.reference
                    and each.end > now
                    and (key.person, each.reference) not in kept
                ]
                # Where only one can be, the last one made is it: the first to start.
                for group in reversed(groups(rest)):
                    await self._make(lock_id, key.person, group)
                    kept |= {(key.person, each.reference) for each in group}
                await self._take_key(lock_id, key.id)
            if all(key.id != issued.id for key in live):  # gone, or not listed yet
                await self._take_key(lock_id, issued.id)

    @override
    async def list_issued(self) -> tuple[Issued, ...]:
        """Return what all keys serve, those of others without a reference."""
        now = datetime.now(UTC)
        keys = await self._known()
        listed = {key.id for key in keys}
        self._made = {i: served for i, served in self._made.items() if i in listed}
        found: list[Issued] = []
        for key in keys:
            if not key.served:
                found.append(_issued(key, None))
            for each in key.served:
                told = _issued(key, each)
                found.append(replace(told, live=told.live and each.end > now))
        return tuple(found)

    @override
    async def find(self, grant: Grant) -> Issued | None:
        """Return the key that serves a grant, by its reference.

        Where metadata are not kept, by lock, person and times, if there is just one.
        """
        lock_id = grant.points[0] if grant.points else ""
        keys = [key for key in await self._known(lock_id) if key.live]
        for key in keys:
            if known := key.serves(grant.reference):
                return _issued(key, known)
        asked = self._asked.get(grant.reference)
        served = _served(grant, grant.reservation)
        wanted = asked or NewKey(
            lock_id=lock_id,
            person=(grant.person.phone or "").strip(),
            start=served.start,
            end=_end(served.end),
            asked_at=LONG_AGO,
            metadata={},
        )
        same = [key for key in keys if not key.served and is_made_of(key, wanted)]
        if len(same) != 1:
            return None
        self._made[same[0].id] = (served,)
        return _issued(same[0], served)

    async def _known(self, lock_id: str | None = None) -> list[Key]:
        """Return the keys of a lock, or all, with what is known of them besides."""
        keys = await self._read_keys(lock_id)
        here = [each for each in self._noted if lock_id in (None, each.lock_id)]
        if here:
            self._noted = [each for each in self._noted if each not in here]
            self._find_again(here, [key for key in keys if key.live and not key.served])
        return [
            key if key.served else replace(key, served=self._made.get(key.id, ()))
            for key in keys
        ]

    def _find_again(self, noted: Collection[_Noted], keys: Sequence[Key]) -> None:
        """Find out which keys serve what was written down before a restart."""
        ids = {each.key_id for each in noted}
        ours = [key for key in keys if key.id in ids]
        for each in noted:
            same = [key for key in ours if key.id == each.key_id]
            for key in (same or [key for key in ours if each.may_be(key)])[:1]:
                served = {*self._made.get(key.id, ()), each.served}
                self._made[key.id] = tuple(sorted(served, key=lambda s: s.times))

    async def _live(self, lock_id: str, phone: str, reference: str) -> list[Key]:
        """Return the keys that a person has at a lock from who made the reference."""
        mine = [
            key
            for key in await self._known(lock_id)
            if key.live and key.person == phone and key.is_of(maker(reference))
        ]
        self._only_one = self._only_one or any(key.alone for key in mine)
        return mine

    async def _give(
        self, lock_id: str, phone: str, wish: Served, mine: Sequence[Key]
    ) -> Key:
        """Make a key for a booking and those that share it; see the module's head."""
        others = _others(wish, mine)
        joined = _joined(wish, others)
        apart = [each for each in others if each not in joined]
        earlier = [each for each in apart if each.start < wish.start]
        if self._only_one and earlier:
            raise NotYet(max(each.end for each in groups(earlier)[0]))
        made = await self._make(lock_id, phone, [*joined, wish])
        for key in mine:
            if _is_made_up_for(key, joined, apart):
                await self._take_key(lock_id, key.id)
        if apart and not self._only_one:
            await self._give_back(made, wish, apart)
        return made

    async def _give_back(
        self, made: Key, wish: Served, apart: Collection[Served]
    ) -> None:
        """See whether a new key took the place of others; the first to start wins."""
        left = await self._live(made.lock_id, made.person, wish.reference)
        held = {each.reference for key in left for each in key.served}
        lost = [each for each in apart if each.reference not in held]
        self._only_one = self._only_one or bool(lost)
        if earlier := [each for each in lost if each.start < wish.start]:
            group = groups(earlier)[0]
            await self._make(made.lock_id, made.person, group)
            await self._take_key(made.lock_id, made.id)
            raise NotYet(max(each.end for each in group))

    async def _make(self, lock_id: str, phone: str, served: Iterable[Served]) -> Key:
        """Make a key for bookings that share it."""
        wanted = tuple(sorted(served, key=lambda each: each.times))
        now = datetime.now(UTC)
        start = wanted[0].start
        end = max(each.end for each in wanted)
        new = NewKey(
            lock_id=lock_id,
            person=phone,
            start=start if start > now else None,
            end=_end(end),
            asked_at=now,
            metadata=written(wanted, alone=self._only_one),
        )
        asked = {each.reference: new for each in wanted}
        self._asked |= asked
        key_id = await self._make_key(new)
        for reference in asked:
            self._asked.pop(reference, None)
        self._made[key_id] = wanted
        return Key(id=key_id, lock_id=lock_id, person=phone, served=wanted)


def _served(grant: Grant | Issued, reservation: str) -> Served:
    """Return a grant as a key serves it; times are told in milliseconds."""
    assert grant.reference and grant.start and grant.end
    return Served(
        reference=grant.reference[:MAX_VALUE],
        reservation=reservation[:MAX_VALUE],
        start=instant(wire_time(grant.start)) or grant.start,
        end=instant(wire_time(grant.end)) or grant.end,
    )


def _end(end: datetime) -> datetime | None:
    """Return when a key ends; None for one that does not."""
    return None if end >= FOREVER else end


def _others(wish: Served, keys: Iterable[Key]) -> list[Served]:
    """Return what a person's keys serve besides, and what a new one must not end.

    The same reservation at other times is what the wish stands for now.
    """
    now = datetime.now(UTC)
    found = {
        each.reference: each
        for key in keys
        for each in key.served
        if each.end > now
        and (each.reservation != wish.reservation or each.times == wish.times)
    }
    return list(found.values())


def _joined(wish: Served, others: Iterable[Served]) -> list[Served]:
    """Return those whose times are one with the wish's."""
    [group] = [each for each in groups([*others, wish]) if wish in each]
    return [each for each in group if each is not wish]


def _is_made_up_for(
    key: Key, joined: Collection[Served], apart: Collection[Served]
) -> bool:
    """Whether a new key for those that are joined does all that this one is needed for."""
    mine = {each.reference for each in key.served}
    needed = mine & {each.reference for each in apart}
    return not needed and bool(mine & {each.reference for each in joined})


def _is(key: Key, issued: Issued) -> bool:
    """Whether a key is, or serves, what was issued."""
    if key.served:
        return key.serves(issued.reference) is not None
    return key.id == issued.id


def _issued(key: Key, served: Served | None) -> Issued:
    """Return a key as it was issued for what it serves."""
    link = None
    if served and key.person:
        bearer = quote(key.person, safe="")
        link = f"{USE_KEY}?id={quote(key.id, safe='')}&userid={bearer}"
    return Issued(
        id=key.id,
        reference=served.reference if served else None,
        points=(key.lock_id,) if key.lock_id else (),
        start=served.start if served else key.start,
        end=served.end if served else key.end,
        live=key.live,
        credential=Credential(link=link),
    )
