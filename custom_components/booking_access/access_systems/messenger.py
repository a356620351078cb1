"""dormakaba's Messenger PMS web service (SOAP): keys of Saflok 6000 and Ambiance.

Wire facts are from vendors/saflok_ambiance.md. Confirmed are the operations,
their fields and order, the header and the names of faults. A reservation has one
set of keys: a new booking (CreateNewBooking) cancels the earlier keys of its rooms,
a duplicate (MakeDuplicateKey) or a changed key (ChangeKeyAccess) cancels nothing.

What is plausible only, or not known, and how this client copes:
* where the service is, and whether it describes itself: the known paths are tried,
  with a description of our own for want of the server's;
* when a new booking cancels: at once is assumed, unless an option says otherwise;
* which text of a fault names it: all are looked at, also for the name in words;
* whether the offset of a date counts: dates have none, and are the property's;
* the form of phone numbers: the template says it;
* what the size of a card means: others send 0 or 1, and an option says which;
* whether a lock that is offline can be told anything: if not, phones get a new key,
  and of cards people are told that they must be made again;
* whether a key arrived in a phone: success is only an acknowledgement.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, override

from aiohttp import ClientSession

from ..engine.models import (
    AccessPoint,
    Account,
    Capability,
    Credential,
    Grant,
    Issued,
    Person,
    PointKind,
    PointState,
    Rejected,
    Traits,
)
from ..forms import Field
from .base import AccessSystem, Before
from .messenger_form import (
    ACCESS_POINT,
    DEFAULT_TEMPLATE,
    ENCODER,
    FORM,
    OPTIONS,
    PASS_LEVEL,
    ROOM,
)
from .messenger_server import CANCEL_PHONE, HISTORY, Server
from .messenger_stays import (
    DONE,
    ENCODING,
    ENDED,
    GONE,
    UNABLE,
    Desk,
    Stay,
    Stays,
    digits,
)
from .messenger_wire import Meaning, last_name, short_reservation

MOBILE: Final = "mobile"
CARD: Final = "card"
# How a server may put it that a reservation is up to date, or cannot be brought so.
LEFT_AS_IT_IS: Final = DONE | UNABLE | {Meaning.REFUSED, Meaning.NO_MORE_KEYS}


class Messenger(AccessSystem):
    """One lock server.

    A grant is a key in a phone, where mobile keys are switched on; its ``Issued`` is
    ``mobile:<reservation>:<reference>``. A card, which ``encode`` writes, is
    ``card:<reservation>:<reference>``. Both are of the same reservation, and what is
    done to all keys of it (checking out, blocking) is done to both.
    """

    form: ClassVar = FORM
    options: ClassVar = OPTIONS
    typed_in: ClassVar[Mapping[str, tuple[Field, ...]]] = {
        "access_point": ACCESS_POINT,
        "encoder": ENCODER,
    }
    poll_interval: ClassVar = timedelta(minutes=1)
    traits: ClassVar = Traits(changes=True, overrides=True)
    may_move: ClassVar = True
    can_list = False
    can_suspend: ClassVar = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as form, options and subentries have them."""
        super().__init__(session, settings)
        self._server = Server(session, settings)
        template = settings.get("mobile_template") or DEFAULT_TEMPLATE
        key_size = int(settings.get("key_size") or 0)
        self._stays = Stays(self._server, template, key_size)
        self.needs_phone = bool(settings.get("mobile_keys"))
        # What this run made of reservations, and the key that a phone has of one.
        self._made: dict[str, Stay] = {}
        self._held: dict[tuple[str, str], Issued] = {}

    @override
    def remember(self, before: Before) -> None:
        """Note which keys phones have: each takes the place of the one before it."""
        for issued, _ in before.grants:
            self._hold(issued)

    @override
    async def type_in(
        self, kind: str, typed: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Refuse what can be no pass level, and no encoder of the network."""
        identifier = str(typed["identifier"])
        if typed.get("kind") == PASS_LEVEL:
            if not identifier.isdecimal():
                raise Rejected("pass_level_number")
            return {**typed, "identifier": str(int(identifier))}
        if kind == "encoder" and (identifier == "0" or identifier.startswith("999T")):
            raise Rejected("no_encoder")
        return typed

    @override
    async def validate(self) -> Account:
        """Find the service, see what it offers, and prove the credentials."""
        url = await self._server.prove()
        return Account(
            id=f"{url.host}:{url.port}{url.path}", title=f"{self.name} ({url.host})"
        )

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return what was typed in: rooms, and the pass levels that go with them."""
        can = {Capability.CARD, *({Capability.GRANT} if self.needs_phone else ())}
        first_use = bool(self.settings.get("override_at_first_use"))
        return tuple(
            AccessPoint(
                id=f"{typed['kind']}:{typed['identifier']}",
                name=typed.get("name") or typed["identifier"],
                kind=PointKind.DOOR if typed["kind"] == ROOM else PointKind.GROUP,
                capabilities=frozenset(can),
                traits=Traits(
                    changes=True,
                    # A pass level is everybody's: rooms are what keys are cancelled for.
                    overrides=typed["kind"] == ROOM and not first_use,
                ),
            )
            for typed in self.settings.get("access_point", ())
        )

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return that all are ready, if the server answers; it tells no more."""
        await self._server.hello()
        points = await self.list_access_points()
        return {point.id: PointState(ready=True) for point in points}

    @override
    async def issue(self, grant: Grant) -> Issued:
        """Send a key to a phone.

        A duplicate first, which cancels nothing: only if there is no such
        reservation is it made, which cancels the earlier keys of its rooms. So to
        repeat this after an unknown outcome, or for the next person of the booking,
        never takes a key away. No key is sent that could not be taken back.

        That the server has taken the request is all that is known then.
        """
        phone = (grant.person.phone or "").strip()
        if not phone:
            raise Rejected("phone_missing")
        if not last_name(grant.person):
            raise Rejected("name_missing")
        await self._server.require(CANCEL_PHONE)
        await self._hand_out(grant, self._stays.phone(phone))
        issued = _issued(MOBILE, grant, phone)
        self._hold(issued)
        return issued

    @override
    async def encode(self, grant: Grant, encoder: str, *, duplicate: bool) -> Issued:
        """Write a card at an encoder; somebody presents it within a minute.

        An original cancels all earlier keys of the room, this booking's too: that
        is what it is for. A duplicate becomes one only if there is no reservation.
        """
        desk = self._stays.encoder(encoder)
        if duplicate:
            await self._hand_out(grant, desk)
        else:
            stay, reservation = Stay.of(grant), short_reservation(grant.reservation)
            self._made.pop(reservation, None)
            await self._stays.create(reservation, grant.person, stay, desk)
            self._note(reservation, stay)
        return _issued(CARD, grant)

    @override
    async def find(self, grant: Grant) -> Issued | None:
        """Return a key in a phone that the history of deliveries tells of, if it does.

        Its texts are not public: one counts that has the phone's number in it. None
        is right for all else, because ``issue`` tries a duplicate first.
        """
        if grant.card:
            return _issued(CARD, grant)
        phone = (grant.person.phone or "").strip()
        if not phone or not await self._server.offers(HISTORY):
            return None
        told = await self._server.history(
            short_reservation(grant.reservation),
            Stay.of(grant).rooms[0],
            self._stays.phone(phone).encoder,
        )
        if not any(digits(phone) in digits(text) for text in told):
            return None
        return _issued(MOBILE, grant, phone)

    @override
    async def change(self, issued: Issued, grant: Grant) -> Issued:
        """Change a reservation for the keys that people have.

        A room move is ChangeGuestAccess, another end ExtendCheckOut: both go to the
        locks, so that keys stay as they are. What locks cannot be told a phone gets
        as one more key (ChangeKeyAccess), which cancels nothing, so that the one before
        goes first if it opens more. A card would have to be made again:
        Rejected("new_card_needed"). Never is this a new booking: where locks cannot be
        told of a room move, the new key may open the room before as well, until that
        one's next booking ends it there.
        """
        before, after = Stay.of(issued), Stay.of(grant)
        phone = issued.credential.bearer
        reservation = short_reservation(grant.reservation)
        rest_is_same = (before.levels, before.start) == (after.levels, after.start)
        if not (phone or rest_is_same):
            raise Rejected("new_card_needed")
        told = await self._tell_locks(reservation, before, after)
        if not phone and not told:
            raise Rejected("new_card_needed")
        if phone and not (told and rest_is_same):
            if not before.within(after):
                for room in dict.fromkeys((before.rooms[0], after.rooms[0])):
                    await self._stays.cancel_phone(reservation, room, phone)
            desk = self._stays.phone(phone)
            await self._stays.changed_key(reservation, grant.person, after, desk)
        self._note(reservation, after)
        changed = _issued(MOBILE if phone else CARD, grant, phone)
        self._hold(changed)
        return changed

    @override
    async def revoke(self, issued: Issued) -> None:
        """Take a key back; what is gone already counts as taken back.

        We are told of one grant, not whether its whole booking is cancelled. A key in
        a phone is cancelled for that phone alone, for the booking's other people may
        still stay; if they do not, theirs are revoked as well, each by itself. A card
        bears no name by which it alone could be cancelled, so it is only revoked with
        its booking, and checking out ends whatever was made for that: all cards, and
        keys in phones that a phone without network still holds.
        """
        kind, _, rest = issued.id.partition(":")
        reservation = rest.partition(":")[0]
        if kind not in (MOBILE, CARD) or not reservation:
            raise Rejected("unknown_grant")
        phone = issued.credential.bearer
        if kind == CARD or not phone:
            await self._stays.ask("CheckOutGuest", reservation, ENDED)
            self._made.pop(reservation, None)
            return
        room = Stay.of(issued).rooms[0]
        held = self._held.get((reservation, phone), issued)
        if held.reference != issued.reference and Stay.of(held).rooms[0] == room:
            return  # the phone's key to this room is that of a later grant by now
        await self._stays.cancel_phone(reservation, room, phone)

    @override
    async def suspend(self, issued: Issued) -> None:
        """Block all keys of a grant's reservation; there is no finer block."""
        await self._stays.ask("DenyAccessToGuest", _reservation(issued), ENDED)

    @override
    async def resume(self, issued: Issued) -> None:
        """End the block."""
        await self._stays.ask("ReEstablishAccessToGuest", _reservation(issued), DONE)

    async def _hand_out(self, grant: Grant, desk: Desk) -> None:
        """Make one more key of a reservation, or its first.

        Where the front desk has checked a running stay out, it stays so. Before its
        start nobody can have left: then it was cancelled, and is booked again. Where
        nothing of it stands, another booking may have cancelled it, and a duplicate
        would open nothing.
        """
        stay, reservation = Stay.of(grant), short_reservation(grant.reservation)
        person, in_a_phone = grant.person, desk.time_limit < ENCODING
        if grant.anew:
            self._note(reservation, stay)
            await self._stays.create(reservation, person, stay, desk)
            return
        ok = GONE | ({Meaning.NO_MORE_KEYS} if in_a_phone else frozenset())
        answer = await self._stays.duplicate(reservation, person, desk, ok)
        if answer is Meaning.CHECKED_OUT and grant.start <= datetime.now(UTC):
            raise Rejected(Meaning.CHECKED_OUT)
        if answer in GONE:
            # Noted before: if the answer is lost, a duplicate tells what became of it.
            self._note(reservation, stay)
            await self._stays.create(reservation, person, stay, desk)
        elif answer is Meaning.NO_MORE_KEYS:
            await self._stays.changed_key(reservation, person, stay, desk)
        elif in_a_phone and self._made.get(reservation) != stay:
            await self._bring_up_to_date(reservation, person, stay, desk)

    async def _bring_up_to_date(
        self, reservation: str, person: Person, stay: Stay, desk: Desk
    ) -> None:
        """See to it that a reservation from before is what is booked now.

        It may be that of a booking that was cancelled and came back, or one that was
        made before a restart. A server that cannot, or sees no need to, has made the
        duplicate all the same.
        """
        await self._stays.move(reservation, stay, LEFT_AS_IT_IS)
        await self._stays.extend(reservation, stay, LEFT_AS_IT_IS)
        await self._stays.changed_key(reservation, person, stay, desk, LEFT_AS_IT_IS)
        self._note(reservation, stay)

    async def _tell_locks(self, reservation: str, before: Stay, after: Stay) -> bool:
        """Have the locks know of other rooms and another end; return whether they do."""
        if before.rooms != after.rooms:
            if await self._stays.move(reservation, after) in UNABLE:
                return False
        if before.end != after.end:
            return await self._stays.extend(reservation, after) not in UNABLE
        return True

    def _note(self, reservation: str, stay: Stay) -> None:
        """Note what a reservation is like, and forget those that are over."""
        now = datetime.now(UTC)
        self._made = {each: made for each, made in self._made.items() if made.end > now}
        self._made[reservation] = stay

    def _hold(self, issued: Issued) -> None:
        """Note which key a phone has, and forget those that are over."""
        now = datetime.now(UTC)
        self._held = {
            o: key for o, key in self._held.items() if key.end and key.end > now
        }
        if phone := issued.credential.bearer:
            self._held[_reservation(issued), phone] = issued


def _issued(kind: str, grant: Grant, phone: str | None = None) -> Issued:
    """Return a grant as the lock server has it."""
    return Issued(
        id=f"{kind}:{short_reservation(grant.reservation)}:{grant.reference}",
        reference=grant.reference,
        points=grant.points,
        start=grant.start,
        end=grant.end,
        credential=Credential(bearer=phone),
    )


def _reservation(issued: Issued) -> str:
    """Return the reservation of what was issued."""
    return issued.id.split(":")[1]
