"""The wishes of all rooms: for people, and about the cards that were written."""

from collections import defaultdict
from collections.abc import Iterable

from .ledger import GrantRow
from .plan import Plan
from .wishes import GrantWish, card_wish


def all_wishes(plan: Plan, rows: Iterable[GrantRow]) -> dict[str, GrantWish]:
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
