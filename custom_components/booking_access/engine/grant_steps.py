"""Steps with grants, with the rows that are written before they are taken."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from .ledger import GrantRow, GrantState
from .reconcile import Step
from .wishes import GrantWish

# It is there, or may be, and nobody takes it back.
MAY_OPEN: Final = (
    GrantState.ISSUING,
    GrantState.ISSUED,
    GrantState.SUSPENDING,
    GrantState.SUSPENDED,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantStep:
    """Do something about a grant; ``wish`` is there to issue it.

    ``source`` is the grant that is to be changed into it.
    """

    step: Step
    row: GrantRow
    wish: GrantWish | None = None
    source: GrantRow | None = None


def issuing(wish: GrantWish, row: GrantRow | None) -> GrantStep:
    """Issue what is wished for, for the first time or again."""
    if row:
        row = replace(row, state=GrantState.ISSUING, replaces="", retry_at=None)
    else:
        row = first_row(wish, GrantState.ISSUING)
    return GrantStep(step=Step.ISSUE, row=row, wish=wish)


def changing(wish: GrantWish, row: GrantRow | None, source: GrantRow) -> GrantStep:
    """Change a grant into what is wished for."""
    row = replace(
        row or first_row(wish, GrantState.ISSUING),
        state=GrantState.ISSUING,
        replaces=source.reference,
        credential=source.credential,
        retry_at=None,
    )
    return GrantStep(step=Step.CHANGE, row=row, wish=wish, source=source)


def suspending(step: Step, row: GrantRow) -> GrantStep:
    """Block a grant, or end its block."""
    attempts = row.attempts if row.state is GrantState.SUSPENDING else 0
    row = replace(row, state=GrantState.SUSPENDING, attempts=attempts, retry_at=None)
    return GrantStep(step=step, row=row)


def first_row(wish: GrantWish, state: GrantState) -> GrantRow:
    """Return the first row of a wish."""
    return GrantRow(
        reference=wish.reference,
        subject=wish.subject,
        reservation=wish.reservation,
        bearer=wish.bearer,
        enforced=wish.enforced and not wish.lingers,
        room_id=wish.room_id,
        booking_id=wish.booking_id,
        account_id=wish.account_id,
        points=wish.points,
        start=wish.window.start,
        end=wish.window.end,
        card=wish.card,
        state=state,
    )


def is_anew(row: GrantRow, rows: Iterable[GrantRow], now: datetime) -> bool:
    """Whether nothing of the booking stands there, for certain.

    What was perhaps sent may stand, unless other bookings cancelled what there was.
    """
    theirs = [
        each
        for each in rows
        if (each.reservation, each.account_id) == (row.reservation, row.account_id)
    ]
    if row.doubted and not any(each.overridden for each in theirs):
        return False
    return not any(
        each.reference != row.reference
        and each.state in MAY_OPEN
        and not each.overridden
        and now < each.end
        for each in theirs
    )
