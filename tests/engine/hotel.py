"""A lock server that cancels: the newest booking of a room ends the keys before it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import override

from custom_components.booking_access.engine.grant_steps import is_anew
from custom_components.booking_access.engine.grants import write_card
from custom_components.booking_access.engine.ledger import GrantRow
from custom_components.booking_access.engine.models import (
    LONG_AGO,
    Booking,
    Effect,
    Issued,
    Room,
    Traits,
)
from custom_components.booking_access.engine.wishes import card_wish, reservation_of

from .builders import granting, minutes, seconds, timing
from .oracle import closes, gives_access, opens
from .world import Flight, Outcome, World

KEYS = Traits(overrides=True, changes=True)
CODES = Traits(apart=True, enforced=False)
# The longest pause between two tries, and the longest that a try lasts.
RECOVERY = minutes(2) + seconds(30)

ONE, TWO = (
    granting(
        id=name,
        resource_id=resource,
        granted=(f"locks/{name}",),
        cards=(f"locks/{name}",),
        traits={f"locks/{name}": KEYS},
        timing=timing(2, 2),
    )
    for name, resource in (("101", "hall"), ("102", "court"))
)
STORE = granting(
    id="store",
    resource_id="court",
    granted=("pads/in", "pads/out"),
    traits={"pads/in": CODES, "pads/out": CODES},
    timing=timing(1, 1),
)
ROOMS = [ONE, TWO, STORE]


@dataclass
class Hotel(World):
    """Two rooms of a hotel, and a store with a code at each of its two doors.

    ``turn`` is the booking that the lock of a room heeds, by its number; it is that of
    the newest one ``at_once``, or when that is first used. ``stays`` are the numbers
    of each reservation, by room.
    """

    at_once: bool = True
    unchangeable: frozenset[int] = frozenset()  # which changes are refused for good
    turn: dict[str, int] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    stays: dict[str, dict[str, int]] = field(default_factory=dict)
    owners: dict[str, GrantRow] = field(default_factory=dict)  # by the key's id
    inside: dict[tuple[str, str], datetime] = field(default_factory=dict)
    trouble: datetime = LONG_AGO
    changes: int = 0

    # ---- The lock server

    @override
    def _issue(self, row: GrantRow) -> Issued | None:
        """Make a key: one more of its reservation, or the first, which cancels."""
        made = super()._issue(row)
        assert made
        self.owners[made.id] = row
        if not row.enforced:
            return made
        stay = self.stays.get(row.reservation) if self._stands(row, made) else None
        if stay is None or is_anew(row, self.ledger.grants.values(), self.now):
            for key, owner in self.owners.items():
                is_theirs = owner.reservation == row.reservation
                if is_theirs and owner.enforced and key != made.id:
                    self.keys[key] = replace(self.keys[key], live=False)
            number = max(self.newest.values(), default=0) + 1
            stay = dict.fromkeys(row.points, number)
            self.newest |= stay
            if self.at_once:
                self.turn |= stay
        self.stays[row.reservation] = self._in_turn(row) | stay
        return made

    def _stands(self, row: GrantRow, made: Issued) -> bool:
        """Whether a reservation has keys but the one that is made."""
        theirs = (k for k, o in self.owners.items() if o.reservation == row.reservation)
        return any(self.keys[k].live for k in theirs if k != made.id)

    @override
    def _change(self, step) -> Issued | None:
        """Change a key, unless the server refuses that."""
        self.changes += 1
        if self.changes in self.unchangeable:
            return None
        changed = super()._change(step)
        if changed:
            self.owners[changed.id] = step.row
            stay = self.stays[step.row.reservation]
            self.stays[step.row.reservation] = self._in_turn(step.row) | stay
        return changed

    def _in_turn(self, row: GrantRow) -> dict[str, int]:
        """Return the numbers of a reservation that comes into rooms, and cancels nothing."""
        return {point: self.newest.get(point, 0) for point in row.points}

    @override
    def live_keys(self) -> list[Issued]:
        """Return the keys that are not revoked, or over where somebody ends them."""
        return [
            key
            for key in self.keys.values()
            if key.live and (key.end > self.now or not self.owners[key.id].enforced)
        ]

    def openers(self, room: Room) -> dict[str, GrantRow]:
        """Return whose keys open a room now, by the key."""
        point = room.granted[0].partition("/")[2]
        return {
            key.id: self.owners[key.id]
            for key in self.live_keys()
            if point in key.points and key.start <= self.now < key.end
            if self._number(key.id, point) >= self.turn.get(point, 0)
        }

    def _number(self, key: str, point: str) -> int:
        """Return the number of a key's booking in a room."""
        return self.stays[self.owners[key].reservation].get(point, 0)

    # ---- People

    def use(self, room: Room) -> None:
        """Somebody opens a room."""
        point = room.granted[0].partition("/")[2]
        for key in list(self.openers(room))[:1]:
            self.turn[point] = max(self.turn.get(point, 0), self._number(key, point))

    def write_card(self, booking_id: str) -> None:
        """Somebody at the desk writes a card for a booking, if that is allowed."""
        for card in [c for room in self.plan.rooms.values() for c in room.cards]:
            if card.booking_id == booking_id:
                wish = card_wish(card, f"card{self.counted}{len(self.flights)}")
                todo = write_card(
                    self.plan, self.ledger.grants, wish, self.now, self.busy
                )
                self.ledger.grants |= {each.reference: each for each in todo.write}
                for step in todo.steps:
                    self.ledger.grants[step.row.reference] = step.row
                    self.save()
                    self.flights.append(self._send(step))

    @override
    def _send(self, step) -> Flight:
        """Send a step, and note until when something is wrong."""
        flight = super()._send(step)
        lasts = flight.lands if flight.outcome is Outcome.DONE else None
        trouble = lasts or flight.lands + RECOVERY
        if trouble > self.now:
            self.trouble = max(self.trouble, trouble + RECOVERY)
        return flight

    # ---- What must hold

    @override
    def evaluate(self) -> None:
        """Evaluate, and look at what must always be true."""
        super().evaluate()
        for room in (ONE, TWO):
            self.check_room(room)
        self.check_store()

    def check_room(self, room: Room) -> None:
        """At most one booking has a room, and who has it keeps it."""
        rows, wishes = self.ledger.grants, self.wished()
        booked = {reservation_of(room, each) for each in self.guests(room)}
        opening = {
            owner.reservation
            for owner in self.openers(room).values()
            if owner.reference in wishes and owner.reference not in self.busy
            if rows[owner.reference].state == "issued"
        }
        assert len(opening & booked) <= 1, "one booking at a time"
        all_opening = {owner.reservation for owner in self.openers(room).values()}
        for (name, reservation), end in self.inside.items():
            if name == room.id and reservation in booked and self.now < end:
                assert reservation in all_opening, "who is inside keeps the room"
        self.inside = {k: end for k, end in self.inside.items() if k[0] != room.id}
        for owner in self.openers(room).values():
            row = rows.get(owner.reference)
            if row and row.state == "issued":
                self.inside[room.id, owner.reservation] = owner.end
        if self.is_quiet and booked:
            assert all_opening & booked, "somebody can get in"
        if self.is_quiet:
            # Who moves keeps the old room until the new one is free.
            moving = {reservation_of(r, e) for r in (ONE, TWO) for e in self.guests(r)}
            assert all_opening <= moving, "nobody else can"

    def check_store(self) -> None:
        """A code is there while its booking's window lasts, at either door."""
        if not self.is_quiet:
            return
        codes = [
            (self.owners[key.id].booking_id, key.points)
            for key in self.live_keys()
            if not self.owners[key.id].enforced
        ]
        assert sorted(codes) == sorted(
            (each.id, (point,))
            for each in self.guests(STORE)
            for point in ("in", "out")
        )

    @property
    def is_quiet(self) -> bool:
        """Whether everything has worked for long enough."""
        return self.now >= self.trouble and not self.flights

    def wished(self) -> set[str]:
        """Return the references of all wishes."""
        return {w.reference for each in self.plan.rooms.values() for w in each.wishes}

    def guests(self, room: Room) -> list[Booking]:
        """Return the bookings whose access window of a room is open."""
        return [
            each
            for each in self.bookings
            if each.resource_id == room.resource_id and gives_access(room, each)
            if opens(room, each, Effect.ACCESS)
            <= self.now
            < closes(room, each, Effect.ACCESS)
        ]
