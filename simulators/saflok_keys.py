"""Reservations of a hotel with Saflok locks, their keys, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

SHORTEST_PHONE: Final = 5  # digits

type Request = Mapping[str, Any]


class Refused(Exception):
    """The lock system says no: a main reason, and a detail of it."""

    def __init__(self, code: str, detail: str = "") -> None:
        """Remember both."""
        super().__init__(code, "", detail)


@dataclass(slots=True)
class Encoder:
    """An encoder, and what lies on it."""

    card: str = "present"  # or the reason why no card can be written
    seconds: float = 0.0  # until somebody presents the card


@dataclass(slots=True)
class Stay:
    """A reservation as the lock system knows it."""

    id: str
    rooms: tuple[str, ...]
    areas: frozenset[int]
    check_in: datetime
    check_out: datetime
    turns: dict[str, int]  # by room, how many bookings it has had up to this one
    guest: str = ""
    duplicates: int = 0
    checked_out: bool = False
    denied: bool = False


@dataclass(slots=True)
class Key:
    """A card, or a key in a phone."""

    number: int
    stay: Stay
    rooms: tuple[str, ...]
    areas: frozenset[int]
    check_in: datetime
    check_out: datetime
    bearer: str  # an encoder's id, or 999T and a phone
    cancelled: bool = False
    delivered: bool = True
    once: bool = False  # it ends when it is used
    made: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def mobile(self) -> bool:
        """Whether it is in a phone."""
        return self.bearer.startswith("999T")


def new_stay(wish: Request, rooms: tuple[str, ...], turns: dict[str, int]) -> Stay:
    """Return a new reservation."""
    if not (identifier := wish.get("ReservationID")):
        raise Refused("ReservationNoInvalid")
    return Stay(
        id=identifier,
        rooms=rooms,
        areas=areas_of(wish),
        check_in=wish["CheckIn"],
        check_out=wish["CheckOut"],
        turns=turns,
        guest=wish.get("GuestName") or "",
    )


def check_uid(uid: str) -> None:
    """Refuse what is no id of a card: four bytes at least, in hex."""
    if not uid:
        raise Refused("SecuredKeyDeviceUIDEmpty")
    if any(each not in "0123456789abcdefABCDEF" for each in uid):
        raise Refused("InvalidHexValue")
    if len(uid) not in range(8, 17, 2):
        raise Refused("SecuredKeyDeviceUIDLengthInvalid")
    if not uid.strip("0"):
        raise Refused("SecuredKeyDeviceUIDZeroOnly")


def areas_of(wish: Request) -> frozenset[int]:
    """Return the pass levels that are granted, beyond what rooms have anyway."""
    return frozenset(
        area["PassLevelNo"]
        for area in wish["CommonAreaList"] or ()
        if area["eMode"] == "GrantAccess"
    )


def phone_of(text: str) -> str:
    """Return the digits of a phone: those after the wallet's, where it is named so."""
    told = text.removeprefix("999T")
    if told.startswith("custom#"):
        told = told.rpartition("-")[2]
    return "".join(filter(str.isdigit, told))
