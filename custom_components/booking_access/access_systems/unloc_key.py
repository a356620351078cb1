"""A key of Unloc, and what its metadata say of the bookings that it serves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from ..engine.models import FOREVER, LONG_AGO
from .unloc_http import Json, id_of, instant, text, wire_time

OVER: Final = {"expired", "revoked", "error"}
ALONE: Final = "alone"  # marks keys of a lock where only one of a person's can be
OPEN_END: Final = ".."
CLOCKS_DIFFER: Final = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Served:
    """A booking that a key serves, and for how long."""

    reference: str
    reservation: str = ""
    start: datetime = LONG_AGO
    end: datetime = FOREVER

    @property
    def times(self) -> tuple[datetime, datetime]:
        """When it is served."""
        return self.start, self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """A key as Unloc knows it; ``served`` is empty for one of others."""

    id: str
    lock_id: str
    person: str = field(default="", repr=False)  # the number of the phone
    start: datetime | None = None
    end: datetime | None = None
    created: datetime | None = None
    live: bool = True
    served: tuple[Served, ...] = ()
    alone: bool = False

    def is_of(self, installation: str) -> bool:
        """Whether it was made by an installation of ours."""
        return any(maker(each.reference) == installation for each in self.served)

    def serves(self, reference: str | None) -> Served | None:
        """Return what it serves under a reference."""
        return next((e for e in self.served if e.reference == reference), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A key to be made. Without a start it is good at once, without an end for ever."""

    lock_id: str
    person: str = field(repr=False)
    start: datetime | None
    end: datetime | None
    asked_at: datetime
    metadata: Mapping[str, str]


def key_of(item: Json, lock_id: str = "") -> Key | None:
    """Read a key of either interface, leniently: others make keys too."""
    if not (key_id := id_of(item)):
        return None
    user = item.get("appUser") or item.get("toUser")
    bearer = id_of(user) or text(item.get("appUserId")) or text(item.get("userId"))
    start, end = instant(item.get("start")), instant(item.get("end"))
    is_over = end is not None and end <= datetime.now(UTC)
    metadata = item.get("metadata")
    said: Json = metadata if isinstance(metadata, dict) else {}
    return Key(
        id=key_id,
        lock_id=text(item.get("lockId")) or lock_id,
        person=bearer or "",
        start=start,
        end=end,
        created=instant(item.get("created")),
        live=not is_over and item.get("state") not in OVER,
        served=served_by(said, start or LONG_AGO, end or FOREVER),
        alone=ALONE in said,
    )


def is_made_of(key: Key, wanted: NewKey) -> bool:
    """Whether a key is what was asked for, as far as its times and person tell.

    A start that has passed by then is not told, and a key that begins at once may
    be said to begin whenever it was made.
    """
    starts_right = (
        wanted.start is None
        or key.start == wanted.start
        or wanted.start <= datetime.now(UTC)
    )
    is_younger = not key.created or key.created >= wanted.asked_at - CLOCKS_DIFFER
    is_theirs = not wanted.person or key.person == wanted.person
    return starts_right and key.end == wanted.end and is_younger and is_theirs


def maker(reference: str) -> str:
    """Return which installation made a reference."""
    return reference.rpartition("-")[0]


def written(served: Iterable[Served], *, alone: bool) -> dict[str, str]:
    """Return what a key serves as metadata: a flat map of texts."""
    metadata: dict[str, str] = {ALONE: "true"} if alone else {}
    for number, each in enumerate(served, 1):
        end = OPEN_END if each.end >= FOREVER else wire_time(each.end)
        nth = "" if number == 1 else str(number)
        metadata[f"ref{nth}"] = each.reference
        metadata[f"reservation{nth}"] = each.reservation
        metadata[f"times{nth}"] = f"{wire_time(each.start)}/{end}"
    return metadata


def served_by(metadata: Json, start: datetime, end: datetime) -> tuple[Served, ...]:
    """Return what a key serves by its metadata; start and end are the key's own."""
    found: list[Served] = []
    nth = ""
    while reference := text(metadata.get(f"ref{nth}")):
        first, _, last = (text(metadata.get(f"times{nth}")) or "").partition("/")
        found.append(
            Served(
                reference=reference,
                reservation=text(metadata.get(f"reservation{nth}")) or "",
                start=instant(first) or start,
                end=FOREVER if last == OPEN_END else instant(last) or end,
            )
        )
        nth = str(len(found) + 1)
    return tuple(found)


def groups(served: Iterable[Served]) -> list[list[Served]]:
    """Sort bookings into those whose times overlap or touch, the first to start first."""
    found: list[list[Served]] = []
    until = LONG_AGO
    for each in sorted(served, key=lambda each: each.times):
        if found and each.start <= until:
            found[-1].append(each)
        else:
            found.append([each])
        until = max(until, each.end)
    return found
