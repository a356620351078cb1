"""A hotel with Saflok locks: rooms, encoders, reservations, and which key opens what.

Keys open by the wall clock of the hotel. Whether a new booking cancels the
earlier keys of its rooms at once, or when it is first used there, is not known:
``cancels`` says which, "at_once" or "at_first_use".
"""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from .saflok_keys import (
    SHORTEST_PHONE,
    Encoder,
    Key,
    Refused,
    Request,
    Stay,
    areas_of,
    check_uid,
    new_stay,
    phone_of,
)

ROOMS: Final = (
    *(f"{floor}{number:02}" for floor in (1, 2, 3) for number in range(1, 13)),
    "Suite",
)
ENCODERS: Final = ("1", "2")
PASS_LEVELS: Final = 12


@dataclass(slots=True)
class Hotel:
    """Everything that the lock system knows and does."""

    rooms: set[str] = field(default_factory=lambda: set(ROOMS))
    encoders: dict[str, Encoder] = field(
        default_factory=lambda: {each: Encoder() for each in ENCODERS}
    )
    offline: set[str] = field(default_factory=set)  # rooms whose locks are not reached
    undeliverable: set[str] = field(default_factory=set)  # phones, as they are told
    cancels: str = "at_once"
    max_duplicates: int = 10
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Copenhagen"))
    stays: dict[str, Stay] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    turn: dict[str, int] = field(default_factory=dict)  # the newest that a lock heeds
    booked: dict[str, int] = field(default_factory=dict)  # bookings made, by room
    staff: dict[str, str] = field(default_factory=dict)  # phones with keys, by id
    sent: int = 0  # to the phones of staff, and taken from them

    # What others do

    def use(self, number: int, room: str, at: datetime) -> bool:
        """Hold a key to the lock of a room; whether it opens."""
        key = self.keys[number - 1]
        if key not in self.openers(room, at):
            return False
        self.turn[room] = max(self.turn.get(room, 0), key.stay.turns[room])
        key.cancelled |= key.once
        return True

    def openers(self, room: str, at: datetime) -> list[Key]:
        """Return the keys that open a room at an instant."""
        clock = at.astimezone(self.zone).replace(tzinfo=None)
        return [
            key
            for key in self.keys
            if room in key.rooms
            and key.check_in <= clock < key.check_out
            and not (key.cancelled or key.stay.checked_out or key.stay.denied)
            and key.stay.turns.get(room, 0) >= self.turn.get(room, 0)
        ]

    # Operations, by the names they have on the wire

    def create_new_booking(self, wish: Request) -> str:
        """Make the first key of a reservation; earlier keys of its rooms end."""
        rooms = self._rooms([wish.get("MainRoomNo"), *(wish["VariableRoomList"] or ())])
        turns = {room: self.booked.get(room, 0) + 1 for room in rooms}
        answer = self._begin(new_stay(wish, rooms, turns), wish)
        self.booked |= turns
        if self.cancels == "at_once":
            self.turn |= turns
        return answer

    def add_shared_guest(self, wish: Request) -> str:
        """Make the first key of another party in a room; the first one's go on."""
        rooms = self._rooms([wish.get("MainRoomNo"), *(wish["VariableRoomList"] or ())])
        if not any(rooms[0] in each.rooms for each in self._current()):
            raise Refused("SharedWithMustHaveExistingStay")
        turns = {room: self.booked.get(room, 0) for room in rooms}
        return self._begin(new_stay(wish, rooms, turns), wish)

    def make_unassigned_booking(self, wish: Request) -> str:
        """Make the first key of a reservation that has no room yet."""
        return self._begin(new_stay(wish, (), {}), wish)

    def create_one_shot_key(self, wish: Request) -> str:
        """Make a key that is of no reservation, and ends when it is used."""
        rooms = self._rooms([wish.get("MainRoomNo")])
        turns = {room: self.booked.get(room, 0) for room in rooms}
        more = {"ReservationID": "one shot", "CommonAreaList": (), "KeyCount": 1}
        stay = new_stay({**wish, **more}, rooms, turns)
        answer = self._encode(stay, stay, {**wish, **more})
        self.keys[-1].once = True
        return answer

    def make_duplicate_key(self, wish: Request) -> str:
        """Make another key like the one before; none ends."""
        stay = self._stay(wish)
        if stay.denied:
            raise Refused("ReservationNoSuspended")
        if stay.duplicates >= self.max_duplicates:
            raise Refused("EncoderMsg", "MaxDuplicatesMadeReached")
        answer = self._encode(stay, stay, wish)
        stay.duplicates += 1
        return answer

    def change_key_access(self, wish: Request) -> str:
        """Make a key with other times and doors; none ends, none changes."""
        stay = self._stay(wish)
        more = self._rooms(wish["VariableRoomList"] or ())
        changed = Stay(
            id=stay.id,
            rooms=tuple(dict.fromkeys((*stay.rooms[:1], *more))),
            areas=areas_of(wish),
            check_in=wish["CheckIn"],
            check_out=wish["CheckOut"],
            turns=stay.turns,
        )
        answer = self._encode(stay, changed, wish)
        self._take_turns(stay, changed.rooms)
        stay.rooms, stay.areas = changed.rooms, changed.areas
        stay.check_in, stay.check_out = changed.check_in, changed.check_out
        return answer

    def extend_check_out(self, wish: Request) -> str:
        """Change the end of all keys of a reservation, through the locks."""
        stay = self._stay(wish)
        if stay.check_out == wish["CheckOut"]:
            raise Refused("NoActionRequired")
        if wish["CheckOut"] <= self._clock():
            raise Refused("EncoderMsg", "CheckoutDateLessThanSystemDate")
        self._reach(stay.rooms)
        stay.check_out = wish["CheckOut"]
        for key in self._keys(stay):
            key.check_out = stay.check_out
        return ""

    def change_guest_access(self, wish: Request) -> str:
        """Move a reservation to other rooms, through the locks."""
        stay = self._stay(wish)
        rooms = self._rooms([wish.get("MainRoomNo"), *(wish["RoomList"] or ())])
        if rooms == stay.rooms:
            raise Refused("NoActionRequired")
        self._reach(rooms)
        self._take_turns(stay, rooms)
        stay.rooms = rooms
        for key in self._keys(stay):
            key.rooms = rooms
        return ""

    def add_guest_access(self, wish: Request) -> str:
        """Add rooms to a reservation, through the locks."""
        rooms = [*self._stay(wish).rooms, *(wish["RoomList"] or ())]
        moved = {"MainRoomNo": rooms[0] if rooms else None, "RoomList": rooms}
        return self.change_guest_access({**wish, **moved})

    def check_out_guest(self, wish: Request) -> str:
        """End all keys of a reservation."""
        self._stay(wish, expired_too=True).checked_out = True
        return ""

    def deny_access_to_guest(self, wish: Request) -> str:
        """Block all keys of a reservation."""
        return self._deny(wish, denied=True)

    def re_establish_access_to_guest(self, wish: Request) -> str:
        """End the block."""
        return self._deny(wish, denied=False)

    def cancel_guests_access_to_room(self, wish: Request) -> str:
        """End all keys of a room."""
        [room] = self._rooms([wish.get("MainRoomNo")])
        for key in self.keys:
            key.cancelled |= room in key.rooms
        return ""

    def cancel_guests_mobile_access_to_room(self, wish: Request) -> str:
        """End the keys to a room in a phone."""
        stay = self._stay(wish, expired_too=True)
        [room] = self._rooms([wish.get("MainRoomNo")])
        phone = phone_of(wish.get("GuestMobileNumber") or "")
        found = [
            key
            for key in self._keys(stay)
            if key.mobile and room in key.rooms and phone_of(key.bearer) == phone
            if not key.cancelled
        ]
        if not found:
            raise Refused("NoActionRequired")
        for key in found:
            key.cancelled = True
        return ""

    def update_key_transaction_status(self, wish: Request) -> str:
        """Hear from whoever delivers keys what became of one."""
        number = wish["PMSTransactionID"]
        if not 0 < number <= len(self.keys):
            raise Refused("InvalidWSParameter", "PMSTransactionID")
        return ""

    def send_key2_staff_mobile_device(self, wish: Request) -> str:
        """Send a key to the phone of somebody who works here."""
        if not (who := wish.get("StaffID")):
            raise Refused("InvalidWSParameter", "StaffID")
        if wish["ValidTo"] <= max(wish["ValidFrom"], self._clock()):
            raise Refused("EncoderMsg", "KeyExpirationInPast")
        self._accept(f"999T{wish.get('MobileNumber') or ''}", "")
        self.staff[who] = wish["MobileNumber"]
        self.sent += 1
        return ""

    def un_register_staff(self, wish: Request) -> str:
        """Take the key from the phone of somebody who works here no more."""
        if self.staff.pop(wish.get("StaffID") or "", None) is None:
            raise Refused("NoActionRequired")
        self.sent += 1
        return ""

    def get_device_sec_keys_rights(self, wish: Request) -> str:
        """Say that a card may be written; what its sectors hold is not public."""
        check_uid((wish.get("keyReq") or {}).get("KeyDeviceUID") or "")
        return ""

    def publish_response_complex_types(self, _: Request) -> str:
        """Do nothing: it is there for its types."""
        return ""

    def _begin(self, stay: Stay, wish: Request) -> str:
        """Make the first key of a reservation; one of the same name is over."""
        answer = self._encode(stay, stay, wish)
        if (before := self.stays.get(stay.id)) is not None:
            for key in self._keys(before):
                key.cancelled = True
        self.stays[stay.id] = stay
        return answer

    def _current(self) -> list[Stay]:
        """Return the reservations that are not over."""
        clock = self._clock()
        stays = self.stays.values()
        return [e for e in stays if not e.checked_out and clock < e.check_out]

    def _deny(self, wish: Request, *, denied: bool) -> str:
        """Block or unblock a reservation."""
        stay = self._stay(wish)
        if stay.denied is denied:
            raise Refused("NoActionRequired")
        stay.denied = denied
        return ""

    def _encode(self, stay: Stay, like: Stay, wish: Request) -> str:
        """Write a key of a stay with what another tells; return its data if asked."""
        if wish["KeyCount"] != 1:
            raise Refused("InvalidWSParameter", "KeyCount")
        if like.check_out <= like.check_in or like.check_out <= self._clock():
            raise Refused("EncoderMsg", "KeyExpirationInPast")
        if like.areas - set(range(1, PASS_LEVELS + 1)):
            raise Refused("EncoderMsg", "PassNumberIsInvalid")
        bearer = wish.get("EncoderID") or ""
        delivered = self._accept(bearer, wish.get("UID") or "")
        self.keys.append(
            Key(
                len(self.keys) + 1,
                stay,
                like.rooms,
                like.areas,
                like.check_in,
                like.check_out,
                bearer,
                delivered=delivered,
            )
        )
        if bearer != "0":
            return ""
        data = f"{wish['UID']} {len(self.keys)} {' '.join(like.rooms)}"
        return b64encode(data.encode()).decode()

    def _accept(self, bearer: str, uid: str) -> bool:
        """Refuse where no key can be written; return whether it arrives."""
        if bearer == "0":
            check_uid(uid)
            return True
        if bearer.startswith("999T"):
            phone = bearer.removeprefix("999T")
            if not phone:
                raise Refused("EmptyPhoneNumber")
            if len(phone_of(phone)) < SHORTEST_PHONE:
                raise Refused("PhoneNumberTooSmall")
            return phone not in self.undeliverable
        if (encoder := self.encoders.get(bearer)) is None:
            raise Refused("EncoderMsg", "InvalidEncoderNumber")
        if encoder.card != "present":
            raise Refused("EncoderMsg", encoder.card)
        return True

    def _stay(self, wish: Request, *, expired_too: bool = False) -> Stay:
        """Return the reservation that a request is about."""
        stay = self.stays.get(wish.get("ReservationID") or "")
        if stay is None:
            raise Refused("ReservationNotFound")
        if stay.checked_out:
            raise Refused("ReservationCheckedOut")
        if stay.check_out <= self._clock() and not expired_too:
            raise Refused("ReservationHasExpired")
        return stay

    def _rooms(self, names: Iterable[str | None]) -> tuple[str, ...]:
        """Return rooms, each once; all must exist."""
        rooms = tuple(dict.fromkeys(name or "" for name in names))
        if not set(rooms) <= self.rooms:
            raise Refused("RoomNumberNotFound")
        return rooms

    def _reach(self, rooms: Iterable[str]) -> None:
        """Refuse where a lock cannot be told."""
        if self.offline.intersection(rooms):
            raise Refused("RoomOFFLine")

    def _take_turns(self, stay: Stay, rooms: Iterable[str]) -> None:
        """Let a reservation into rooms whose other keys go on."""
        for room in rooms:
            stay.turns.setdefault(room, self.turn.get(room, 0))

    def _keys(self, stay: Stay) -> list[Key]:
        """Return all keys of a reservation."""
        return [key for key in self.keys if key.stay is stay]

    def _clock(self) -> datetime:
        """Return what the clock on the wall shows."""
        return datetime.now(UTC).astimezone(self.zone).replace(tzinfo=None)
