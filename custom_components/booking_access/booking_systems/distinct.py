"""Ids for bookings of systems that may say one id several times."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
import hashlib
from itertools import accumulate
import json

from ..engine.models import Booking, BookingStatus


def full_id(
    number: str | None,
    resource_id: str,
    start: datetime,
    end: datetime,
    *said: str | None,
) -> str:
    """Return all that could identify a booking, from its number to all it says."""
    whole = json.dumps([resource_id, str(start), str(end), *said])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    known = f"{number}/{resource_id}/{start:%Y%m%dT%H%M%SZ}/{digest}"
    return known if number else digest


def identified(readable: list[Booking], repeated: set[str]) -> Iterator[Booking]:
    """Shorten each booking's full id to one that is its own, and survives a move.

    That is the booking number. A number on several resources keeps the resource,
    one that a resource has several times (a season's booking) the start too.
    Without a number it is a digest of all that the booking says.

    ``repeated`` remembers what is not unique, so that a season's last booking is
    not renamed when alone. Rows that say the same are one, live if any of them is.
    """
    live_last = sorted(readable, key=lambda b: b.status is BookingStatus.CONFIRMED)
    distinct = {booking.id: booking for booking in live_last}
    names = {  # of each, from short to surely unique
        id_: list(accumulate(id_.rsplit("/", 3), "{}/{}".format)) for id_ in distinct
    }
    uses = Counter(name for known in names.values() for name in known[:-1])
    repeated.update(name for name, count in uses.items() if count > 1)
    for id_, booking in distinct.items():
        name = next(name for name in names[id_] if name not in repeated)
        yield replace(booking, id=name)
