"""Visits: people whom somebody here lets in, without a booking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from .models import Booking, Effect, Room, Traits
from .wishes import AS_USUAL

# Whose bookings visits are in the plan; no account has this id.
VISITS: Final = "visits"
# The id of a visit begins with this; no booking system's do.
VISIT: Final = "visit:"
# How long before it begins somebody gets a key to a door without a room.
ISSUE_AHEAD: Final = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """Somebody who may come in for a time: to a room, or through just one door.

    ``booking`` is the visit as a booking of itself, ``point`` the one door. With
    ``appliances`` the room's alarm, light and ventilation follow it as well.
    """

    booking: Booking
    room_id: str | None = None
    point: str | None = None
    appliances: bool = False

    @property
    def id(self) -> str:
        """What it is told by."""
        return self.booking.id


def room_of_visit(
    visit: Visit, points: Mapping[str, Traits], room: Room | None
) -> Room:
    """Return a visit as a room of its own, whose only guest it has.

    ``points`` come with how grants behave at them. Its people get a key to the points from its start to its end, and what the room
    itself does for its bookings goes on without it, but for what is to follow it.
    """
    timing = room.timing if room else {}
    return Room(
        id=f"{visit.id}@{visit.room_id or ''}",
        account_id=VISITS,
        resource_id=visit.id,
        name=room.name if room else "",
        points=tuple(points),
        granted=tuple(points),
        traits={key: each for key, each in points.items() if each != AS_USUAL},
        timing={key: each for key, each in timing.items() if key is not Effect.ACCESS},
        appliances=room.appliances if room and visit.appliances else {},
        issue_ahead=room.issue_ahead if room else ISSUE_AHEAD,
        leads=room.id if room and visit.appliances else "",
    )


def visited(room_id: str) -> str:
    """Return the room that a room of the plan stands for: a visit's, or itself."""
    return room_id.partition("@")[2] if room_id.startswith(VISIT) else room_id
