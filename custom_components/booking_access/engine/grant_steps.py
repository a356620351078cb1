"""Steps with grants, with the rows that are written before they are taken."""

from dataclasses import dataclass, replace

from .ledger import GrantRow, GrantState
from .reconcile import Step
from .wishes import GrantWish


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantStep:
    """Do something about a grant; ``wish`` is there to issue it.

    ``source`` is the grant that is to be changed into it.
    """

    step: Step
    row: GrantRow
    wish: GrantWish | None = None
    source: GrantRow | None = None


def issuing(wish: GrantWish, row: GrantRow) -> GrantStep:
    """Issue what is wished for, for the first time or again."""
    row = replace(row, state=GrantState.ISSUING, replaces="", retry_at=None)
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
