"""From the grants that are wished for to what is to be done with those there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from .ledger import GrantRow, GrantState, waits
from .models import LONG_AGO
from .plan import Plan, claim
from .reconcile import Step, Todo
from .wishes import GrantWish, whole_of

# A grant that lapsed is remembered for this long: while a clock is wrong, one may
# seem to be over that is not, and must not be made a second time. What was
# forgotten too early is looked for at the vendor.
REMEMBERED: Final = timedelta(hours=25)
# There is nothing at the vendor.
NEVER_MADE: Final = (GrantState.PLANNED, GrantState.FAILED)
# It is there, or may be, and nobody takes it back.
MAY_OPEN: Final = (GrantState.ISSUING, GrantState.ISSUED)


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantStep:
    """Do something about a grant; ``wish`` is there to issue it."""

    step: Step
    row: GrantRow
    wish: GrantWish | None = None


def reconcile_grants(
    plan: Plan,
    rows: Mapping[str, GrantRow],
    now: datetime,
    busy: Collection[str],
    unsure: Collection[str] = (),
    forgotten: datetime = LONG_AGO,
) -> Todo[GrantStep, GrantRow]:
    """Compare the wishes with the grants there are.

    A changed wish has another reference: it is a new grant, and the one that
    it replaces goes when the new one is there (rule 3). Whether the claims in
    ``unsure`` still stand is not known: nothing of theirs is taken back (rule 12).
    ``forgotten`` is when rows were last dropped; a clock that was put back from
    there may bring back wishes that were granted already.
    """
    wishes = {
        wish.reference: wish for room in plan.rooms.values() for wish in room.wishes
    }
    subjects = {wish.subject for wish in wishes.values()}
    look = _Look(plan, dict(rows), now, unsure, forgotten, set(busy), subjects)
    lacking: defaultdict[str, list[GrantWish]] = defaultdict(list)
    for reference, wish in wishes.items():
        row = rows.get(reference)
        if row is None or row.state is not GrantState.ISSUED:
            for key in {wish.subject, whole_of(wish.subject)}:
                lacking[key].append(wish)
        if reference not in look.engaged:
            look.see_to(wish, look.rows.get(reference))
    for reference in rows:
        if reference not in wishes and reference not in look.engaged:
            row = look.rows[reference]
            # Points that had one grant may have one each now, or the other way round.
            is_wished = row.subject in look.subjects
            key = row.subject if is_wished else whole_of(row.subject)
            look.let_go(row, lacking.get(key, ()))
    return look.todo


@dataclass(slots=True)
class _Look:
    """One look at all grants; ``engaged`` are those that a step is taken with.

    ``rows`` are as the ledger is to have them after it.
    """

    plan: Plan
    rows: dict[str, GrantRow]
    now: datetime
    unsure: Collection[str]
    forgotten: datetime
    engaged: set[str]
    subjects: Collection[str]
    todo: Todo[GrantStep, GrantRow] = field(default_factory=Todo)
    at_points: defaultdict[str, list[str]] | None = None

    def see_to(self, wish: GrantWish, row: GrantRow | None) -> None:
        """Take the next step towards a grant that is wished for."""
        due = self.plan.due(wish)
        is_early = self.now < due
        if row and waits(row, self.now):
            self.todo.look_at(row.retry_at)
        elif row is None and not is_early and self._is_relived(wish):
            self._step(replace(_issue(wish, None), step=Step.RESOLVE))
        elif row is None or row.state is GrantState.PLANNED:
            if is_early:
                self._prepare(wish, row, due)
            elif self._may_issue(wish):
                self._issue(wish, row)
        elif row.state is GrantState.ISSUING:
            self._step(GrantStep(step=Step.RESOLVE, row=row, wish=wish))
        elif row.state is GrantState.REVOKING:
            self._step(GrantStep(step=Step.REVOKE, row=row))
        elif row.state is GrantState.ISSUED and self._is_void(wish, row, is_early):
            self._revoke(row)

    def let_go(self, row: GrantRow, lacking: Collection[GrantWish]) -> None:
        """Take back a grant that nobody wishes any more.

        It stays while what it is to be replaced by is ``lacking``, unless it opens
        a door right now that is not to be open. One that its system does not end
        never lapses.
        """
        now = self.now
        if now < row.end and claim(row.room_id, row.booking_id) in self.unsure:
            self.todo.look_at(row.end)
            return
        lapses = row.enforced and row.state is not GrantState.REVOKING
        forgotten = lapses and row.end + REMEMBERED <= now
        if forgotten or row.state in NEVER_MADE:
            self.todo.drop.append(row.reference)  # lapsed by itself, or never made
        elif lapses and row.end <= now:
            self.todo.look_at(row.end + REMEMBERED)
        elif waits(row, now):
            self.todo.look_at(row.retry_at)
        elif row.state is GrantState.ISSUING:
            self._step(GrantStep(step=Step.RESOLVE, row=row))
        elif row.state is GrantState.REVOKING:
            self._step(GrantStep(step=Step.REVOKE, row=row))
        elif lacking and row.start > now:
            self.todo.look_at(row.start)
        elif not any(now in wish.window for wish in lacking):
            self._revoke(row)

    def _is_relived(self, wish: GrantWish) -> bool:
        """Whether a grant may have been made and forgotten by a clock that was ahead."""
        return wish.window.end + REMEMBERED <= self.forgotten

    def _prepare(self, wish: GrantWish, row: GrantRow | None, due: datetime) -> None:
        """Note a grant that is to be issued later, so that its code is known."""
        self.todo.look_at(due)
        if row is None:
            self.todo.write.append(_row(wish, GrantState.PLANNED))

    def _is_void(self, wish: GrantWish, row: GrantRow, is_early: bool) -> bool:
        """Whether a grant is there that must be issued anew, or only later.

        What a guest inside holds is left alone.
        """
        return row.overridden or (is_early and self.now < wish.window.start)

    def _may_issue(self, wish: GrantWish) -> bool:
        """Whether a grant cancels nothing that it must not.

        A guest who is inside with a key keeps it, whoever was to come before; and
        of a booking's grants the first must be settled before others join it.
        """
        theirs = self._others(wish)
        if any(self._is_under_way(each) for each in theirs):
            return False  # what comes of it is awaited
        inside = [each for each in theirs if self._is_inside(wish, each)]
        for each in inside:
            self.todo.look_at(each.end)
        return not inside

    def _is_under_way(self, row: GrantRow) -> bool:
        """Whether a grant may come to be right now."""
        return row.reference in self.engaged and row.state is not GrantState.REVOKING

    def _is_inside(self, wish: GrantWish, row: GrantRow) -> bool:
        """Whether a grant stands in the way of another booking's, or of its own."""
        if row.state not in MAY_OPEN or row.overridden or row.end <= self.now:
            return False
        if row.reservation == wish.reservation:
            return row.state is GrantState.ISSUING
        stands = row.subject in self.subjects
        stands = stands or claim(row.room_id, row.booking_id) in self.unsure
        return stands and row.start <= self.now

    def _issue(self, wish: GrantWish, row: GrantRow | None) -> None:
        """Issue a grant, and note what other bookings' it may cancel."""
        for each in self._others(wish):
            if each.reservation != wish.reservation and each.state in MAY_OPEN:
                marked = self.rows[each.reference] = replace(each, overridden=True)
                self.todo.write.append(marked)
        self._step(_issue(wish, row))
        if self.at_points is not None:
            for point in wish.overriding:
                self.at_points[point].append(wish.reference)

    def _others(self, wish: GrantWish) -> list[GrantRow]:
        """Return the other grants at points where a wish cancels other bookings'."""
        if not wish.overriding:
            return []
        if self.at_points is None:
            self.at_points = _by_point(self.rows.values())
        found = dict.fromkeys(
            each for point in wish.overriding for each in self.at_points[point]
        )
        return [self.rows[each] for each in found if each != wish.reference]

    def _revoke(self, row: GrantRow) -> None:
        """Take a grant back, having written down that we are about to."""
        revoking = replace(row, state=GrantState.REVOKING, attempts=0, error=None)
        self._step(GrantStep(step=Step.REVOKE, row=revoking))

    def _step(self, step: GrantStep) -> None:
        """Take a step, and no other with the same grant."""
        self.todo.steps.append(step)
        self.rows[step.row.reference] = step.row
        self.engaged.add(step.row.reference)


def _by_point(rows: Iterable[GrantRow]) -> defaultdict[str, list[str]]:
    """Return the references of the grants at each point."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        for point in row.points:
            found[f"{row.account_id}/{point}"].append(row.reference)
    return found


def _issue(wish: GrantWish, row: GrantRow | None) -> GrantStep:
    """Issue what is wished for, for the first time or again."""
    if row:
        row = replace(row, state=GrantState.ISSUING, overridden=False, retry_at=None)
    else:
        row = _row(wish, GrantState.ISSUING)
    return GrantStep(step=Step.ISSUE, row=row, wish=wish)


def _row(wish: GrantWish, state: GrantState) -> GrantRow:
    """Return the first row of a wish."""
    return GrantRow(
        reference=wish.reference,
        subject=wish.subject,
        reservation=wish.reservation,
        bearer=wish.bearer,
        enforced=wish.enforced,
        room_id=wish.room_id,
        booking_id=wish.booking_id,
        account_id=wish.account_id,
        points=wish.points,
        start=wish.window.start,
        end=wish.window.end,
        state=state,
    )


def joins(row: GrantRow, rows: Iterable[GrantRow], now: datetime) -> bool:
    """Whether another grant of the same booking is there already."""
    return any(
        each.reservation == row.reservation
        and each.account_id == row.account_id
        and each.reference != row.reference
        and each.state is GrantState.ISSUED
        and not each.overridden
        and now < each.end
        for each in rows
    )
