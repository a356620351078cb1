"""From the grants that are wished for to what is to be done with those there are."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from .grant_steps import GrantStep, changing, first_row, issuing, suspending
from .ledger import GrantRow, GrantState, waits
from .models import LONG_AGO
from .plan import Plan, claim
from .reconcile import Step, Todo
from .wishes import GrantWish, card_wish, whole_of

# A grant that lapsed is remembered for this long: while a clock is wrong, one may
# seem to be over that is not, and must not be made a second time. What was
# forgotten too early is looked for at the vendor.
REMEMBERED: Final = timedelta(hours=25)
# There is nothing at the vendor.
NEVER_MADE: Final = (GrantState.PLANNED, GrantState.FAILED)
# It is there, or may be, and nobody takes it back.
MAY_OPEN: Final = (
    GrantState.ISSUING,
    GrantState.ISSUED,
    GrantState.SUSPENDING,
    GrantState.SUSPENDED,
)


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
    wishes = _all_wishes(plan, rows.values())
    look = _Look(plan, dict(rows), now, unsure, forgotten, set(busy), wishes)
    lacking: defaultdict[str, list[GrantWish]] = defaultdict(list)
    for reference, wish in wishes.items():
        row = rows.get(reference)
        is_there = row is not None and row.state is GrantState.ISSUED
        if not is_there and not wish.suspended:
            for key in {wish.subject, whole_of(wish.subject)}:
                lacking[key].append(wish)
        if look.is_free(reference):
            look.see_to(wish, look.rows.get(reference))
    for reference in rows:
        row = look.rows[reference]
        if reference in wishes or reference in look.engaged:
            continue
        if row.state is GrantState.ISSUING and row.replaces in rows:
            look.todo.drop.append(reference)  # what it was made of stands for it
        else:
            # Points that had one grant may have one each now, or the other way round.
            is_wished = row.subject in look.subjects
            key = row.subject if is_wished else whole_of(row.subject)
            look.let_go(row, lacking.get(key, ()))
    return look.todo


@dataclass(slots=True)
class _Look:
    """One look at all grants; ``engaged`` are those that a step is taken with.

    A grant and the one that it was made of are one to the vendor, and so engaged
    together. ``rows`` are as the ledger is to have them after it.
    """

    plan: Plan
    rows: dict[str, GrantRow]
    now: datetime
    unsure: Collection[str]
    forgotten: datetime
    engaged: set[str]
    wishes: Mapping[str, GrantWish]
    todo: Todo[GrantStep, GrantRow] = field(default_factory=Todo)
    subjects: Mapping[str, list[str]] = field(init=False)
    claimed: Collection[tuple[str, str]] = field(init=False)
    at_points: defaultdict[str, list[str]] | None = None

    def __post_init__(self) -> None:
        """Find the grants of each subject, what it claims, and what is engaged."""
        for reference in tuple(self.engaged):
            if row := self.rows.get(reference):
                self.engaged |= _tied(row)
        self.claimed = {
            (wish.subject, point)
            for wish in self.wishes.values()
            for point in wish.overriding
        }
        self.subjects = {wish.subject: [] for wish in self.wishes.values()}
        for reference, row in self.rows.items():
            if row.subject in self.subjects:
                self.subjects[row.subject].append(reference)

    def is_free(self, reference: str) -> bool:
        """Whether no step is taken with a grant, or with what it was made of."""
        row = self.rows.get(reference)
        return self.engaged.isdisjoint(_tied(row) if row else (reference,))

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
        due = self.plan.due(wish)
        if self.now < due and any(self._is_held(wish, e) for e in self._others(wish)):
            return wish.due
        return due

    def _is_held(self, wish: GrantWish, row: GrantRow) -> bool:
        """Whether somebody of the same booking is inside with a grant."""
        is_there = row.state is GrantState.ISSUED and not row.overridden
        is_theirs = row.reservation == wish.reservation
        return is_there and is_theirs and row.start <= self.now < row.end

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
        others = (e for e in self.subjects[wish.subject] if e not in self.wishes)
        sources = [e for e in map(self.rows.__getitem__, others) if self._can_change(e)]
        if wish.changes and sources and not (row and row.cannot_change):
            free = [each for each in sources if self.is_free(each.reference)]
            for source in free[:1]:  # else what comes of it is awaited
                self._step(changing(wish, row, source))
        elif not wish.card:
            self.issue(wish, row)
        elif row:
            self.todo.drop.append(row.reference)  # there is no card to be changed

    def _can_change(self, row: GrantRow) -> bool:
        """Whether another grant can be made of one."""
        is_there = row.state is GrantState.ISSUED and not row.overridden
        return is_there and self.now < row.end

    def let_go(self, row: GrantRow, lacking: Collection[GrantWish]) -> None:
        """Take back a grant that nobody wishes any more.

        It stays while what it is to be replaced by is ``lacking``, unless it opens
        a door right now that is not to be open. One that its system does not end
        never lapses.
        """
        now = self.now
        if row.card:  # nobody writes another one by itself
            lacking = [each for each in lacking if set(row.points) <= set(each.points)]
        elif row.overridden:  # nobody gets in with it anyway
            lacking = ()
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
        if row is None and not wish.card:
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
        row = row or first_row(wish, GrantState.ISSUING)
        self._step(issuing(wish, row))
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


def _by_point(rows: Iterable[GrantRow]) -> defaultdict[str, list[str]]:
    """Return the references of the grants at each point."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        for point in row.points:
            found[f"{row.account_id}/{point}"].append(row.reference)
    return found


def _all_wishes(plan: Plan, rows: Iterable[GrantRow]) -> dict[str, GrantWish]:
    """Return the wishes of all rooms, also those about cards that were written."""
    wishes = {
        wish.reference: wish for room in plan.rooms.values() for wish in room.wishes
    }
    return wishes | _card_wishes(plan, rows)


def _card_wishes(plan: Plan, rows: Iterable[GrantRow]) -> dict[str, GrantWish]:
    """Return what the cards that were written are to be like now."""
    rows = [row for row in rows if row.card]
    if not rows:
        return {}
    found: defaultdict[tuple[str, str], list[GrantWish]] = defaultdict(list)
    for room in plan.rooms.values():
        for card in room.cards:
            found[card.reservation, card.account_id].append(card)
    wishes = {}
    for row in rows:
        cards = found[row.reservation, row.account_id]
        cards.sort(key=lambda each: each.room_id != row.room_id)
        for card in cards[:1]:
            wish = card_wish(card, row.subject)
            wishes[wish.reference] = wish
    return wishes


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
    wishes = _all_wishes(plan, rows.values()) | {card.reference: card}
    look = _Look(plan, dict(rows), now, (), LONG_AGO, set(busy), wishes)
    if now >= plan.due(card) and look.may_issue(card):
        look.issue(card, None)
    return look.todo


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
