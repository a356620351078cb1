"""What is asked of a lock server about reservations and their keys."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from ..engine.models import Grant, Issued, Person, Rejected
from .messenger_form import PASS_LEVEL, ROOM
from .messenger_server import CANCEL_PHONE, QUICK, Server
from .messenger_wire import Meaning, last_name

ENCODING: Final = timedelta(seconds=60)  # somebody must present a card

# The reservation is not there, or nothing of it opens a door any more.
GONE: Final = frozenset({Meaning.NOT_FOUND, Meaning.CHECKED_OUT, Meaning.EXPIRED})
DONE: Final = frozenset({Meaning.NOTHING_TO_DO})
ENDED: Final = GONE | DONE
# Locks cannot be told from afar.
UNABLE: Final = frozenset({Meaning.OFFLINE, Meaning.UNSUPPORTED})


@dataclass(frozen=True, slots=True)
class Stay:
    """What a reservation opens, and when: the first room is its main one."""

    rooms: tuple[str, ...]
    levels: tuple[int, ...]
    start: datetime
    end: datetime

    @classmethod
    def of(cls, wish: Grant | Issued) -> Self:
        """Return what a grant opens; Rejected if it has no room."""
        rooms, levels = [], []
        for point in wish.points:
            kind, _, identifier = point.partition(":")
            if kind == ROOM:
                rooms.append(identifier)
            elif kind == PASS_LEVEL and identifier.isdecimal():
                levels.append(int(identifier))
            else:
                raise Rejected(Meaning.UNKNOWN_ROOM)
        if not rooms:
            raise Rejected("room_missing")
        assert wish.start
        assert wish.end
        return cls(tuple(rooms), tuple(levels), wish.start, wish.end)

    def within(self, other: Stay) -> bool:
        """Whether it opens nothing that the other does not, and not for longer."""
        return (
            set(self.rooms) <= set(other.rooms)
            and set(self.levels) <= set(other.levels)
            and other.start <= self.start
            and self.end <= other.end
        )


@dataclass(frozen=True, slots=True)
class Desk:
    """Where keys are made: an encoder, or a phone in place of one."""

    encoder: str
    terminal: str
    time_limit: timedelta = QUICK
    key_size: int = 0  # whatever it means


class Stays:
    """The reservations of a lock server.

    All of these return None for success, or why it was refused where that is ``ok``.
    A terminal has one request at a time; each encoder is one, so that they work beside
    each other, and all that needs none is another.
    """

    def __init__(self, server: Server, template: str, key_size: int) -> None:
        """Know how phones are named as encoders, and the size of cards."""
        self._server = server
        self._template = template
        self._key_size = key_size
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def encoder(self, identifier: str) -> Desk:
        """Return an encoder."""
        terminal = f"{self._server.terminal}{identifier}"
        return Desk(identifier, terminal, ENCODING, self._key_size)

    def phone(self, phone: str) -> Desk:
        """Return a phone as the encoder that it is to a lock server."""
        name = self._template.replace("{phone}", phone)
        return Desk(name.replace("{digits}", digits(phone)), self._server.terminal)

    async def create(
        self, reservation: str, person: Person, stay: Stay, desk: Desk
    ) -> Meaning | None:
        """Make a reservation's first key; it cancels the earlier ones of its rooms."""
        wish = {
            **self._span(stay),
            "MainRoomNo": stay.rooms[0],
            "bGrantAccessPredefinedSuiteDoors": False,
            "VariableRoomList": list(stay.rooms[1:]) or None,
            "CommonAreaList": _areas(stay),
        }
        return await self._key("CreateNewBooking", reservation, person, desk, wish)

    async def duplicate(
        self,
        reservation: str,
        person: Person,
        desk: Desk,
        ok: Collection[Meaning] = (),
    ) -> Meaning | None:
        """Make one more key like those before."""
        return await self._key("MakeDuplicateKey", reservation, person, desk, {}, ok)

    async def changed_key(
        self,
        reservation: str,
        person: Person,
        stay: Stay,
        desk: Desk,
        ok: Collection[Meaning] = (),
    ) -> Meaning | None:
        """Make one more key, with other doors and times; it knows of no main room."""
        wish = {
            **self._span(stay),
            "VariableRoomList": list(stay.rooms),
            "CommonAreaList": _areas(stay),
        }
        return await self._key("ChangeKeyAccess", reservation, person, desk, wish, ok)

    async def move(
        self, reservation: str, stay: Stay, ok: Collection[Meaning] = DONE | UNABLE
    ) -> Meaning | None:
        """Tell the locks which rooms a reservation has."""
        wish = {"MainRoomNo": stay.rooms[0], "RoomList": list(stay.rooms)}
        return await self.ask("ChangeGuestAccess", reservation, ok, **wish)

    async def extend(
        self, reservation: str, stay: Stay, ok: Collection[Meaning] = DONE | UNABLE
    ) -> Meaning | None:
        """Tell the locks when a reservation ends."""
        end = self._span(stay)["CheckOut"]
        return await self.ask("ExtendCheckOut", reservation, ok, CheckOut=end)

    async def cancel_phone(self, reservation: str, room: str, phone: str) -> None:
        """End the keys to a room that a phone has of a reservation."""
        wish = {"MainRoomNo": room, "GuestMobileNumber": phone}
        await self.ask(CANCEL_PHONE, reservation, ENDED, **wish)

    async def ask(
        self, operation: str, reservation: str, ok: Collection[Meaning], **wish: Any
    ) -> Meaning | None:
        """Ask for something that makes no key."""
        terminal = self._server.terminal
        wish |= self._server.named(reservation, terminal)
        return await self._do(operation, wish, QUICK, ok)

    async def _key(
        self,
        operation: str,
        reservation: str,
        person: Person,
        desk: Desk,
        wish: Mapping[str, Any],
        ok: Collection[Meaning] = (),
    ) -> Meaning | None:
        """Ask for a key. What only magnetic stripes have is empty."""
        about_key = {
            "EncoderID": desk.encoder,
            "GuestName": last_name(person),
            "TrackIIFolioNo": "",
            "TrackIGuestNo": "",
            "KeyCount": 1,
            "KeySize": desk.key_size,
            "UID": "",
        }
        named = self._server.named(reservation, desk.terminal)
        return await self._do(
            operation, {**named, **about_key, **wish}, desk.time_limit, ok
        )

    async def _do(
        self,
        operation: str,
        wish: Mapping[str, Any],
        time_limit: timedelta,
        ok: Collection[Meaning],
    ) -> Meaning | None:
        """Ask when it is the terminal's turn."""
        async with self._turns[wish["PMSTerminalID"]]:
            return await self._server.do(operation, wish, time_limit, ok)

    def _span(self, stay: Stay) -> dict[str, datetime]:
        """Return when a reservation is, as the clock at the property shows it."""
        return {
            "CheckIn": self._server.local_time(stay.start),
            "CheckOut": self._server.local_time(stay.end),
        }


def digits(text: str) -> str:
    """Return the digits alone."""
    return "".join(filter(str.isdigit, text))


def _areas(stay: Stay) -> list[dict[str, Any]] | None:
    """Return the pass levels of a stay; all others are as rooms have them anyway."""
    return [{"PassLevelNo": n, "eMode": "GrantAccess"} for n in stay.levels] or None
