"""How the simulator of each access system is set up for the suites over all of them.

A new system adds one case; nothing else of the suites changes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from simulators.base import Simulator
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE
from simulators.saflok import AmbianceSimulator, SaflokSimulator
from simulators.unilock import UniLockSimulator
from simulators.unloc import UnlocSimulator
from simulators.unloc_site import (
    ENTRANCE as UNLOC_ENTRANCE,
    HALL as UNLOC_HALL,
    LOCK_HOLDER,
)

NEVER: Final = datetime(9000, 1, 1, tzinfo=UTC)

# From when until when somebody can open something, by what that is.
type Entry = tuple[str, datetime, datetime]


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessCase:
    """One access system.

    ``points`` are what a room is given, as its form has them, and ``opened`` what is
    opened at the vendor by that. ``entries`` are all that somebody can open because of
    us. ``making`` and ``undoing`` are parts of the paths of the requests that give
    access and take it back; ``undo`` takes an entry away at the vendor, as by hand.
    ``forms`` are the answers to further forms, ``typed_in`` what is added as subentries
    and ``options`` what is chosen among the options.
    """

    make: Callable[[], Simulator]
    points: tuple[str, ...]
    opened: frozenset[str]
    entries: Callable[[Simulator], Sequence[Entry]]
    making: str
    undoing: str
    undo: Callable[[Simulator], None] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    forms: tuple[Mapping[str, Any], ...] = ()
    typed_in: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


# dormakaba exivo


class OurExivo(ExivoSimulator):
    """An exivo site that knows which visits were there before us."""

    def reset(self) -> None:
        """Note them."""
        super().reset()
        self.others = set(self.visits)


def exivo_entries(simulator: Simulator) -> list[Entry]:
    """Return the doors that our visits open."""
    assert isinstance(simulator, OurExivo)
    return [
        (door, visit.start, visit.end)
        for visit in simulator.live_visits()
        for door in visit.components
        if visit.id not in simulator.others
    ]


def revoke_visits(simulator: Simulator) -> None:
    """Somebody revokes our visits in the exivo app."""
    assert isinstance(simulator, OurExivo)
    ours = [v.id for v in simulator.live_visits() if v.id not in simulator.others]
    simulator.control({"revoke": ours})


# Unloc


class OurUnloc(UnlocSimulator):
    """An Unloc that knows which keys were there before us."""

    def reset(self) -> None:
        """Note them."""
        super().reset()
        self.others = set(self.keys)


def unloc_entries(simulator: Simulator) -> list[Entry]:
    """Return the locks that our keys open."""
    assert isinstance(simulator, OurUnloc)
    return [
        (key.lock, key.start, key.end or NEVER)
        for key in simulator.live_keys()
        if key.id not in simulator.others
    ]


def revoke_keys(simulator: Simulator) -> None:
    """Somebody revokes our keys in Unloc's Control Center."""
    assert isinstance(simulator, OurUnloc)
    ours = [k.id for k in simulator.live_keys() if k.id not in simulator.others]
    simulator.control({"revoke": ours})


# Saflok 6000 and Ambiance

ROOM_101: Final = ("access_point", {"kind": "room", "identifier": "101", "name": "101"})


def hotel_entries(simulator: Simulator) -> list[Entry]:
    """Return the rooms that phones open; the same key twice in a phone is one."""
    assert isinstance(simulator, SaflokSimulator)
    hotel = simulator.hotel
    found = {
        (room, key.check_in, key.check_out, key.bearer)
        for key in hotel.keys
        for room in key.rooms
        if not (key.cancelled or key.stay.checked_out or key.stay.denied)
    }
    return [
        (room, _there(begins, hotel.zone), _there(ends, hotel.zone))
        for room, begins, ends, _ in found
    ]


def _there(clock: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of a vendor's clock."""
    return clock.replace(tzinfo=zone).astimezone(UTC)


def hotel_case(make: Callable[[], Simulator]) -> AccessCase:
    """Return a hotel whose guests get keys in their phones."""
    return AccessCase(
        make=make,
        points=("room:101",),
        opened=frozenset({"101"}),
        entries=hotel_entries,
        making="#CreateNewBooking",
        undoing="#C",
        typed_in=(ROOM_101,),
        options={"mobile_keys": True},
    )


# UniLock


def unilock_entries(simulator: Simulator) -> list[Entry]:
    """Return the groups that our persons are members of."""
    assert isinstance(simulator, UniLockSimulator)
    zone = ZoneInfo("Europe/Copenhagen")
    return [
        (group, _there(each.start, zone), _there(each.end, zone) if each.end else NEVER)
        for id_, person in simulator.site.persons.items()
        if id_ != "staff-1"
        for group, periods in person.memberships.items()
        for each in periods
    ]


def remove_persons(simulator: Simulator) -> None:
    """Somebody deletes our persons in UniLock."""
    assert isinstance(simulator, UniLockSimulator)
    persons = simulator.site.persons
    for id_ in persons.keys() - {"staff-1"}:
        del persons[id_]


CASES: Final[Mapping[str, AccessCase]] = {
    "ambiance": hotel_case(AmbianceSimulator),
    "exivo": AccessCase(
        make=OurExivo,
        points=(ENTRANCE,),
        opened=frozenset({ENTRANCE}),
        entries=exivo_entries,
        making="/visit",
        undoing="/revoke",
        undo=revoke_visits,
    ),
    "saflok": hotel_case(SaflokSimulator),
    "unilock": AccessCase(
        make=UniLockSimulator,
        points=("person_group:12",),
        opened=frozenset({"12"}),
        entries=unilock_entries,
        making="/persons/",
        undoing="/persons/",
        undo=remove_persons,
        forms=({},),
    ),
    "unloc": AccessCase(
        make=OurUnloc,
        points=(UNLOC_ENTRANCE, UNLOC_HALL),
        opened=frozenset({UNLOC_ENTRANCE, UNLOC_HALL}),
        entries=unloc_entries,
        making="/keys",
        undoing="/keys/",
        undo=revoke_keys,
    ),
    "unloc_lock_holder": AccessCase(
        make=OurUnloc,
        points=(UNLOC_ENTRANCE,),
        opened=frozenset({UNLOC_ENTRANCE}),
        entries=unloc_entries,
        making="/keys/",
        undoing="/keys/",
        undo=revoke_keys,
        forms=({"lock_holder": LOCK_HOLDER},),
    ),
}
