"""From the grants that are wished for to what is to be done with those there are."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final

from .card_wishes import all_wishes
from .grant_steps import MAY_OPEN, GrantStep, changing, first_row, issuing, suspending
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
    wishes = all_wishes(plan, rows.values())
    look = _Look(plan, rows, now, unsure, forgotten, set(busy), wishes)
    for reference, wish in wishes.items():
        if not look.is_settled(wish) and look.is_free(reference):
            look.see_to(wish, look.rows.get(reference))
    for reference in rows:
        row = look.rows[reference]
        if reference in wishes or reference in look.engaged:
            continue
        if row.state is GrantState.ISSUING and row.replaces in rows:
            look.todo.drop.append(reference)  # what it was made of stands for it
        else:
            look.let_go(row)
    return look.todo


class _Look:
    """One look at all grants; ``engaged`` are those that a step is taken with.

    A grant and the one that it was made of are one to the vendor, and so engaged
    together. ``rows`` are as the ledger is to have them after it. There may be many:
    what is worked out about all of them is worked out when it is needed.
    """

    def __init__(
        self,
        plan: Plan,
        rows: Mapping[str, GrantRow],
        now: datetime,
        unsure: Collection[str],
        forgotten: datetime,
        engaged: set[str],
        wishes: Mapping[str, GrantWish],
    ) -> None:
        """Start with nothing to do."""
        self.plan = plan
        self.before, self.rows = rows, dict(rows)
        self.now = now
        self.unsure = unsure
        self.forgotten = forgotten
        self.wishes = wishes
        self.todo = Todo[GrantStep, GrantRow]()
        self.engaged = engaged.copy()
        for row in filter(None, map(rows.get, engaged)):
            self.engaged |= _tied(row)

    @cached_property
    def lacking(self) -> Mapping[str, list[GrantWish]]:
        """The wishes that have no grant yet, by whose they are."""
        found: defaultdict[str, list[GrantWish]] = defaultdict(list)
        for reference, wish in self.wishes.items():
            row = self.before.get(reference)
            is_there = row is not None and row.state is GrantState.ISSUED
            if not is_there and not wish.suspended:
                for key in {wish.subject, whole_of(wish.subject)}:
                    found[key].append(wish)
        return found

    @cached_property
    def subjects(self) -> Mapping[str, list[str]]:
        """The grants of each subject that has a wish."""
        found: dict[str, list[str]] = {w.subject: [] for w in self.wishes.values()}
        for reference, row in self.before.items():
            if row.subject in found:
                found[row.subject].append(reference)
        return found

    @cached_property
    def claimed(self) -> Collection[tuple[str, str]]:
        """Who wishes for which point where grants cancel others."""
        wishes = self.wishes.values()
        return {(wish.subject, point) for wish in wishes for point in wish.overriding}

    @cached_property
    def inside(self) -> Collection[tuple[str, str]]:
        """Which booking has a grant that opens which point now."""
        return {
            (row.reservation, f"{row.account_id}/{point}")
            for row in self.before.values()
            if row.start <= self.now and self._can_change(row)
            for point in row.points
        }

    @cached_property
    def at_points(self) -> defaultdict[str, list[str]]:
        """The grants at each point."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for reference, row in self.rows.items():
            for point in row.points:
                found[f"{row.account_id}/{point}"].append(reference)
        return found

    def is_settled(self, wish: GrantWish) -> bool:
        """Whether there is nothing to do for a wish, as for most of them."""
        row = self.rows.get(wish.reference)
        if row is None or row.state is not GrantState.ISSUED:
            return False
        if row.retry_at or row.overridden or wish.suspended:
            return False
        is_lasting = wish.enforced and not wish.overriding
        return is_lasting or wish.window.start <= self.now

    def is_free(self, reference: str) -> bool:
        """Whether no step is taken with a grant, or with what it was made of."""
        row = self.rows.get(reference)
        replaces = row.replaces if row else reference
        return reference not in self.engaged and replaces not in self.engaged

    def see_to(self, wish: GrantWish, row: GrantRow | None) -> None:
        """Take the next step towards a grant that is wished for."""
        due = self._due(wish)
        if row and waits(row, self.now):
            self.todo.look_at(row.retry_at)
        elif row and row.state is GrantState.REVOKING:
            self._step(GrantStep(step=Step.REVOKE, row=row, wish=wish))
        elif row and row.state is GrantState.ISSUING:
            self._find_out(wish, row)
        elif row and row.state is not GrantState.PLANNED:
            self._keep(wish, row, is_early=self.now < due)
        elif wish.suspended:
            return
        elif self.now < due:
            self._prepare(wish, row, due)
        elif row is None and self._is_relived(wish):
            row = first_row(wish, GrantState.ISSUING)
            self._step(GrantStep(step=Step.RESOLVE, row=row, wish=wish))
        elif self.may_issue(wish):
            self._make(wish, row)

    def _due(self, wish: GrantWish) -> datetime:
        """Return when a grant may be issued at the earliest.

        Who is inside already waits for nobody who booked an earlier time.
        """
        due = self.plan.due(wish) if wish.overriding else wish.due
        if due <= max(self.now, wish.due) or not self.inside:
            return due
        is_inside = any((wish.reservation, p) in self.inside for p in wish.overriding)
        return wish.due if is_inside else due

    def _keep(self, wish: GrantWish, row: GrantRow, *, is_early: bool) -> None:
        """See that a grant which is there is as it should be."""
        is_blocked = row.state in (GrantState.SUSPENDING, GrantState.SUSPENDED)
        if row.state is GrantState.FAILED:
            return
        if self._is_void(wish, row, is_early=is_early):
            self._revoke(row, wish)
        elif wish.suspended and row.state is not GrantState.SUSPENDED:
            if wish.suspends:
                self._step(suspending(Step.SUSPEND, row))
            else:
                self._revoke(row, wish)
        elif is_blocked and not wish.suspended:
            self._step(suspending(Step.RESUME, row))

    def _find_out(self, wish: GrantWish, row: GrantRow) -> None:
        """Find out what came of a grant; changing another into it is done again.

        What came of a card, people saw at the encoder.
        """
        source = self.rows.get(row.replaces)
        if source and self._can_change(source):
            self._step(changing(wish, row, source))
        elif not wish.card:
            row = replace(row, doubted=True)
            self._step(GrantStep(step=Step.RESOLVE, row=row, wish=wish))

    def _make(self, wish: GrantWish, row: GrantRow | None) -> None:
        """Make a grant: of the one that it replaces if that can be, else anew."""
        if sources := self._sources(wish, row):
            free = [each for each in sources if self.is_free(each.reference)]
            for source in free[:1]:  # else what comes of it is awaited
                self._step(changing(wish, row, source))
        elif not wish.card:
            self.issue(wish, row)
        elif row:
            self.todo.drop.append(row.reference)  # there is no card to be changed

    def _sources(self, wish: GrantWish, row: GrantRow | None) -> list[GrantRow]:
        """Return the grants that one can be made of."""
        if not wish.changes or (row and row.cannot_change):
            return []
        others = (e for e in self.subjects[wish.subject] if e not in self.wishes)
        return [e for e in map(self.rows.__getitem__, others) if self._can_change(e)]

    def _can_change(self, row: GrantRow) -> bool:
        """Whether a grant is there that opens, and another one can be made of."""
        is_there = row.state is GrantState.ISSUED and not row.overridden
        return is_there and self.now < row.end

    def let_go(self, row: GrantRow) -> None:
        """Take back a grant that nobody wishes any more.

        It stays while what it is to be replaced by is lacking, unless it opens a
        door right now that is not to be open. One that its system does not end
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
        elif row.state is GrantState.ISSUING and not row.card:
            self._step(GrantStep(step=Step.RESOLVE, row=row))
        elif row.state is GrantState.REVOKING:
            self._step(GrantStep(step=Step.REVOKE, row=row))
        else:
            self._replace(row, self._lacking(row))

    def _replace(self, row: GrantRow, lacking: Collection[GrantWish]) -> None:
        """Take back a grant, but not before there is what it is replaced by."""
        if lacking and row.start > self.now:
            self.todo.look_at(row.start)
        elif not any(self.now in wish.window for wish in lacking):
            self._revoke(row)

    def _lacking(self, row: GrantRow) -> Collection[GrantWish]:
        """Return the wishes for which a grant stays until they have theirs.

        Points that had one grant may have one each now, or the other way round.
        """
        is_wished = row.subject in self.subjects
        key = row.subject if is_wished else whole_of(row.subject)
        lacking = self.lacking.get(key, ())
        if row.card:  # nobody writes another one by itself
            return [each for each in lacking if set(row.points) <= set(each.points)]
        return () if row.overridden else lacking  # nobody gets in with it anyway

    def _is_relived(self, wish: GrantWish) -> bool:
        """Whether a grant may have been made and forgotten by a clock that was ahead."""
        return wish.window.end + REMEMBERED <= self.forgotten

    def _prepare(self, wish: GrantWish, row: GrantRow | None, due: datetime) -> None:
        """Note a grant that is to be issued later, so that its code is known."""
        self.todo.look_at(due)
        if row is None and self.now < wish.due:
            self.todo.write.append(first_row(wish, GrantState.PLANNED))

    def _is_void(self, wish: GrantWish, row: GrantRow, *, is_early: bool) -> bool:
        """Whether a grant is there that must be issued anew, or only later.

        What a guest inside holds is left alone; so are cards, which only people can
        write anew.
        """
        if wish.card:
            return False
        return row.overridden or (is_early and self.now < wish.window.start)

    def may_issue(self, wish: GrantWish) -> bool:
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
        """Whether a grant stands in the way of another booking's, or of its own.

        That of a guest who is to move to another room does not.
        """
        if row.state not in MAY_OPEN or row.overridden or row.end <= self.now:
            return False
        if row.reservation == wish.reservation:
            is_new = not (row.card or row.replaces)
            return row.state is GrantState.ISSUING and is_new
        stands = any((row.subject, point) in self.claimed for point in wish.overriding)
        stands = stands or claim(row.room_id, row.booking_id) in self.unsure
        return stands and row.start <= self.now

    def issue(self, wish: GrantWish, row: GrantRow | None) -> None:
        """Issue a grant, and note what other bookings' it may cancel."""
        for each in self._others(wish):
            if each.reservation != wish.reservation and each.state in MAY_OPEN:
                marked = self.rows[each.reference] = replace(each, overridden=True)
                self.todo.write.append(marked)
        self._step(issuing(wish, row))
        for point in wish.overriding:
            self.at_points[point].append(wish.reference)

    def _others(self, wish: GrantWish) -> list[GrantRow]:
        """Return the other grants at points where a wish cancels other bookings'."""
        found = dict.fromkeys(
            each for point in wish.overriding for each in self.at_points[point]
        )
        return [self.rows[each] for each in found if each != wish.reference]

    def _revoke(self, row: GrantRow, wish: GrantWish | None = None) -> None:
        """Take a grant back, having written down that we are about to."""
        revoking = replace(row, state=GrantState.REVOKING, attempts=0, error=None)
        self._step(GrantStep(step=Step.REVOKE, row=revoking, wish=wish))

    def _step(self, step: GrantStep) -> None:
        """Take a step, and no other with the same grant."""
        self.todo.steps.append(step)
        self.rows[step.row.reference] = step.row
        self.engaged |= _tied(step.row)


def _tied(row: GrantRow) -> set[str]:
    """Return what names a grant, and the one that it was made of."""
    return {row.reference, row.replaces or row.reference}


def write_card(
    plan: Plan,
    rows: Mapping[str, GrantRow],
    card: GrantWish,
    now: datetime,
    busy: Collection[str],
) -> Todo[GrantStep, GrantRow]:
    """Return the step of writing a card; none where it would lock somebody out.

    That is the guest before, or who is inside; and what is under way comes first.
    """
    wishes = all_wishes(plan, rows.values()) | {card.reference: card}
    look = _Look(plan, rows, now, (), LONG_AGO, set(busy), wishes)
    if now >= plan.due(card) and look.may_issue(card):
        look.issue(card, None)
    return look.todo
