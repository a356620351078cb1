"""Whether the grants that we made are still there: what their vendor's list tells."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from .ledger import Evidence, GrantRow, GrantState, issued, taken_back
from .models import Issued

# How often a vendor is asked for its list, and how soon if something is missing.
AUDIT_EVERY: Final = timedelta(minutes=5)
MISSING_FOR: Final = timedelta(seconds=60)
# So many that vanish at once, and over half of all, are believed only after so long.
MANY: Final = 3
MANY_MISSING_FOR: Final = timedelta(hours=1)
# Why a grant that somebody deleted at its vendor is not issued again.
DELETED: Final = "deleted_at_vendor"


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspicion:
    """What an account's last lists lacked: each grant as ``_key`` names it, and since when.

    ``many_since`` is since when they lack so many that a list may be wrong.
    """

    missing: Mapping[str, datetime] = field(default_factory=dict)
    many_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """What a list tells: rows to write, and those whose grant was deleted by hand."""

    suspicion: Suspicion
    write: tuple[GrantRow, ...] = ()
    deleted: tuple[GrantRow, ...] = ()


def to_look_for(
    rows: Iterable[GrantRow], account_id: str, now: datetime, busy: Collection[str]
) -> dict[str, GrantRow]:
    """Return the grants that an account's list should name, by their reference."""
    return {
        row.reference: row
        for row in rows
        if row.account_id == account_id
        and row.state is GrantState.ISSUED
        and row.issued_id is not None
        and not (row.overridden or row.card)
        and row.reference not in busy
        and now < row.end
    }


def audit(
    rows: Collection[GrantRow],
    listed: Iterable[Issued],
    at_vendor: Callable[[str], str],
    before: Suspicion,
    now: datetime,
) -> Findings:
    """Compare grants with a list that was asked for after they were made.

    A grant that two such lists lack, and that was there to be listed all the while
    in between, was deleted by somebody. Where that is said of many at once, the
    lists may be wrong, and more time must pass. One that stands there under another
    id only was made anew, with what else its vendor's key serves.
    """
    live = [each for each in listed if each.live]
    by_reference = {each.reference: each for each in live}
    ids = {each.id for each in live}
    known = ids | by_reference.keys()
    missing = {
        _key(row): min(before.missing.get(_key(row), now), now)
        for row in rows
        if known.isdisjoint((row.issued_id, at_vendor(row.reference)))
    }
    since = None
    if len(missing) >= MANY and len(missing) * 2 > len(rows):
        since = min(before.many_since or now, now)
    suspicion = Suspicion(missing=missing, many_since=since)
    deleted = tuple(row for row in rows if _is_deleted(row, suspicion, now))
    gone = {row.reference for row in deleted}
    left = (row for row in rows if row.reference not in gone)
    told = ((row, replace(row, evidence=_evidence(row, suspicion))) for row in left)
    write = tuple(
        new
        for row, seen in told
        if (new := _as_listed(seen, ids, by_reference.get(at_vendor(row.reference))))
        != row
    )
    return Findings(suspicion=suspicion, write=write, deleted=deleted)


def _key(row: GrantRow) -> str:
    """Name a grant: as we call it, and what its vendor made for it, maybe for others too."""
    return f"{row.reference}/{row.issued_id}"


def _is_deleted(row: GrantRow, suspicion: Suspicion, now: datetime) -> bool:
    """Whether a grant was missing for long enough."""
    many_since, since = suspicion.many_since, suspicion.missing.get(_key(row))
    if many_since and now - many_since < MANY_MISSING_FOR:
        return False
    return since is not None and now - since >= MISSING_FOR


def _as_listed(row: GrantRow, ids: Collection[str], listed: Issued | None) -> GrantRow:
    """Return a row with what its grant is called by now, and opens the door with."""
    if listed is None or row.issued_id in ids:
        return row
    return issued(row, listed, Evidence.LISTED)


def _evidence(row: GrantRow, suspicion: Suspicion) -> Evidence:
    """Return how we know of a grant after a list named it, or did not."""
    is_missing = _key(row) in suspicion.missing
    return Evidence.ASSUMED if is_missing else Evidence.LISTED


def to_leave(row: GrantRow) -> GrantRow:
    """Return a row whose grant was deleted, and is not made again."""
    return replace(
        taken_back(row),
        state=GrantState.FAILED,
        credential=row.credential,
        error=DELETED,
    )
