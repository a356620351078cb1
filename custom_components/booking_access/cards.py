"""Key cards: written at an encoder when people ask for it, and never by themselves."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final
import uuid

from homeassistant.util import dt as dt_util

from .engine.grants import write_card
from .engine.ledger import Evidence, GrantRow, issued
from .engine.models import AuthError, Booking, ConnectionFailed, Issued, Rejected
from .engine.wishes import GrantWish, card_wish

if TYPE_CHECKING:
    from .hub import Hub
    from .room import LiveRoom

# Somebody must present a card, for which encoders wait up to a minute; in seconds.
ENCODING_LIMIT: Final = 90
# After these nothing was written.
UNDONE: Final = (Rejected, ConnectionFailed, AuthError)


class Cards:
    """Writes the key cards of bookings, and notes them before and after (rule 8)."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub."""
        self._hub = hub

    async def async_issue_key(
        self,
        room: LiveRoom,
        booking: Booking,
        encoder: str,
        *,
        duplicate: bool,
        account_id: str | None = None,
    ) -> Issued:
        """Write a card for a booking at an encoder, by its identifier.

        ``account_id`` is that of the encoder, where several accounts have cards for
        the room. Raises what the vendor does, and Rejected; after OutcomeUnknown a
        card is taken back with the booking as if there were one.
        """
        card = self._card(room, booking, account_id)
        account = self._hub.operations.account(card.account_id)
        row = self._begun(card)
        steps = self._hub.steps
        steps.busy.add(row.reference)
        try:
            await self._hub.store.async_save()
            grant = self._hub.operations.grant_of(row, booking.holder)
            async with account.turn(ENCODING_LIMIT):
                answer = await account.system.encode(
                    grant, encoder, duplicate=duplicate
                )
        except UNDONE:
            steps.note_grant(row.reference, None)
            raise
        else:
            self._note_written(issued(row, answer, Evidence.ACKNOWLEDGED), duplicate)
            room.announce("access_granted", booking.id)
            return answer
        finally:
            steps.busy.discard(row.reference)
            await self._hub.store.async_save()
            room.async_update_soon()
            self._hub.evaluate_soon()

    def _card(
        self, room: LiveRoom, booking: Booking, account_id: str | None
    ) -> GrantWish:
        """Return what a card of the booking is to be like; Rejected if it has none."""
        cards = room.plan.cards if room.plan else ()
        for each in cards:
            is_right = account_id in (None, each.account_id)
            if each.booking_id == booking.id and is_right and not each.suspended:
                return card_wish(each, uuid.uuid4().hex[:20])
        raise Rejected("no_card_access")

    def _note_written(self, card: GrantRow, is_duplicate: bool) -> None:
        """Note a card; an original ended what else its booking had, so phones get another."""
        grants = self._hub.store.ledger.grants
        for each in () if is_duplicate else [*grants.values()]:
            is_theirs = each.reservation == card.reservation
            if is_theirs and each.account_id == card.account_id:
                grants[each.reference] = replace(each, overridden=True)
        self._hub.steps.note_grant(card.reference, replace(card, overridden=False))

    def _begun(self, card: GrantWish) -> GrantRow:
        """Note that a card is about to be written, and what that may cancel."""
        hub = self._hub
        ledger, now = hub.store.ledger, dt_util.utcnow()
        todo = write_card(hub.plan, ledger.grants, card, now, hub.steps.busy)
        if not todo.steps:
            raise Rejected("earlier_guest")
        [step] = todo.steps
        for each in (*todo.write, step.row):
            ledger.grants[each.reference] = each
        hub.async_grants_changed()
        return step.row
