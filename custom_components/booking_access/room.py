"""The live state of one room: what its entities show, what people do to it."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from . import appliances
from .const import (
    CONF_ACCESS_POINTS,
    CONF_ALARM,
    CONF_APPLIANCES,
    CONF_COMMON_ACCESS_POINTS,
    CONF_DEFAULT_COUNTRY,
    CONF_ISSUE_AHEAD,
    CONF_LIGHTS,
    CONF_RESOURCE_ID,
    CONF_TENTATIVE,
    CONF_TIMING,
    CONF_VENTILATION,
    DEFAULT_ISSUE_AHEAD,
    DEFAULT_TIMING,
    GRANT_REASONS,
)
from .engine.appliances import is_on
from .engine.bookings import AccountBookings
from .engine.ledger import GrantRow, GrantState
from .engine.models import AccessMode, Booking, Capability, Effect, Room, Timing, Traits
from .engine.plan import RoomPlan, shown, targets
from .engine.schedules import follows
from .engine.windows import NO_TIMING, window
from .engine.wishes import AS_USUAL, GrantWish
from .room_door import OPERABLE, RoomDoor, all_of
from .steps import ATTENTION_AT

if TYPE_CHECKING:
    from .hub import Hub

# How much of the news is kept while the entity that tells it is not there yet.
UNHEARD: Final = 50


class AccessStatus(StrEnum):
    """How far a room is for its present or next booking."""

    IDLE = "idle"
    PLANNED = "planned"
    READY = "ready"
    ACTIVE = "active"
    ATTENTION = "attention"


def room_of(entry: ConfigEntry, subentry: ConfigSubentry) -> Room:
    """Return a room as its subentry and its account's options describe it."""
    data = subentry.data
    timing = {**DEFAULT_TIMING, **data.get(CONF_TIMING, {})}
    linked = data.get(CONF_APPLIANCES, {})
    points = [
        *entry.options.get(CONF_COMMON_ACCESS_POINTS, ()),
        *data.get(CONF_ACCESS_POINTS, ()),
    ]
    return Room(
        id=subentry.subentry_id,
        account_id=entry.entry_id,
        resource_id=data[CONF_RESOURCE_ID],
        name=subentry.title,
        points=tuple(dict.fromkeys(points)),
        timing={
            effect: Timing(
                lead=timedelta(minutes=timing[f"{effect}_lead"]),
                lag=timedelta(minutes=timing[f"{effect}_lag"]),
            )
            for effect in Effect
        },
        appliances={
            Effect.ALARM: tuple(filter(None, [linked.get(CONF_ALARM)])),
            Effect.LIGHT: tuple(linked.get(CONF_LIGHTS, ())),
            Effect.VENTILATION: tuple(linked.get(CONF_VENTILATION, ())),
        },
        tentative=entry.options.get(CONF_TENTATIVE, False),
        issue_ahead=timedelta(
            days=entry.options.get(CONF_ISSUE_AHEAD, DEFAULT_ISSUE_AHEAD)
        ),
    )


def country_of(hass: HomeAssistant, entry: ConfigEntry) -> str:
    """Return the country whose national phone numbers an account's people write."""
    return entry.options.get(CONF_DEFAULT_COUNTRY) or hass.config.country or ""


def with_points(
    room: Room,
    modes: Collection[str],
    able: Callable[[str, Capability], bool],
    traits: Callable[[str], Traits],
) -> Room:
    """Return the room with its points sorted by what they are able to do."""
    held = AccessMode.HOLD_OPEN in modes
    granted = AccessMode.GRANT in modes
    scheduled = [p for p in room.points if held and able(p, Capability.SCHEDULE)]
    switched = [p for p in room.points if held and p not in scheduled]
    behave = {point: traits(point) for point in room.points if granted}
    return replace(
        room,
        held=tuple(p for p in switched if able(p, Capability.HOLD)),
        granted=tuple(p for p in room.points if granted and able(p, Capability.GRANT)),
        scheduled=tuple(scheduled),
        cards=tuple(p for p in room.points if granted and able(p, Capability.CARD)),
        traits={point: each for point, each in behave.items() if each != AS_USUAL},
    )


class LiveRoom:
    """One room as it is right now.

    Entities read it and listen to it; what people do to the room's lock and
    switches goes through it. Nothing in here decides: the engine does.
    """

    def __init__(self, hub: Hub, config: Room, modes: Collection[str]) -> None:
        """Show what the hub knows of the room; ``modes`` are its ways of access."""
        self._hub = hub
        self.configure(config, modes)
        self._listeners: set[Callable[[], None]] = set()
        self._event_listeners: set[Callable[[str, Mapping[str, Any]], None]] = set()
        self._unheard: deque[tuple[str, Mapping[str, Any]]] = deque(maxlen=UNHEARD)
        self._soon = False

    def configure(self, config: Room, modes: Collection[str]) -> None:
        """Take over how the room is set up."""
        self.modes = modes
        operations = self._hub.operations
        self.config = with_points(config, modes, operations.able, operations.traits)

    @callback
    def async_add_listener(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Call when something about the room may have changed."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    @callback
    def async_add_event_listener(
        self, listener: Callable[[str, Mapping[str, Any]], None]
    ) -> CALLBACK_TYPE:
        """Call with what happened, once each time; also what nobody heard so far."""
        self._event_listeners.add(listener)
        while self._unheard:
            listener(*self._unheard.popleft())
        return lambda: self._event_listeners.discard(listener)

    @callback
    def async_update_soon(self) -> None:
        """Have the entities look, once all that happens right now has happened."""
        if not self._soon and self._listeners:
            self._soon = True
            self._hub.later.do(self._update)

    @callback
    def _update(self) -> None:
        """Have the entities look."""
        self._soon = False
        for listener in list(self._listeners):
            listener()

    @callback
    def announce(self, kind: str, booking_id: str, **details: Any) -> None:
        """Tell what happened, in its turn."""
        self._hub.later.do(partial(self.tell, kind, booking_id, **details))

    @callback
    def tell(self, kind: str, booking_id: str, **details: Any) -> None:
        """Tell what happened, or keep it until somebody listens; never anything personal."""
        news = {"booking_id": booking_id, **details}
        if not self._event_listeners:
            self._unheard.append((kind, news))
        for listener in list(self._event_listeners):
            listener(kind, news)

    @property
    def plan(self) -> RoomPlan | None:
        """What the bookings want of the room; None before the first look."""
        return self._hub.plan.rooms.get(self.config.id)

    @property
    def known(self) -> AccountBookings:
        """All that is known of the bookings of the room's account, as people decided."""
        account = self._hub.accounts.get(self.config.account_id)
        return account.decided if account else AccountBookings()

    @property
    def bookings(self) -> tuple[Booking, ...]:
        """All known bookings of the room, in order of start."""
        return self.known.by_resource.get(self.config.resource_id, ())

    @property
    def booking(self) -> Booking | None:
        """The booking that runs, else the next one."""
        if (plan := self.plan) is None:
            return None
        return plan.booked[0] if plan.booked else plan.coming

    @property
    def is_booked(self) -> bool:
        """Whether a booking runs, from its start to its end."""
        return bool(self.plan and self.plan.booked)

    def is_active(self, effect: Effect) -> bool:
        """Whether the window of an effect is open."""
        return bool(self.plan and self.plan.active[effect])

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the room wants attention, as translation keys; empty if it does not."""
        found = dict.fromkeys(self._point_reasons())
        if self.plan and self.plan.refused:
            found["booking_without_duration"] = None
        ledger = self._hub.store.ledger
        for effect in Effect:
            for target in targets(self.config, effect):
                row = ledger.switched.get(target)
                if row and row.attempts >= ATTENTION_AT:
                    found[f"{target.partition('/')[0]}_failed"] = None
        told = [ledger.schedules.get(point) for point in self.config.scheduled]
        if any(row and row.attempts >= ATTENTION_AT for row in told):
            found["schedule_failed"] = None
        now = dt_util.utcnow()
        for grant in self.grants:
            if grant.lapsed(now):
                continue  # whatever became of it
            if grant.state is GrantState.FAILED or grant.attempts >= ATTENTION_AT:
                found[_grant_reason(grant)] = None
            if grant.card and grant.overridden:
                found["new_card_needed"] = None
        if any(w.window.start <= now < self._waits_until(w) for w in self._wishes):
            found["earlier_guest"] = None
        return tuple(found)

    @property
    def _wishes(self) -> tuple[GrantWish, ...]:
        """The grants that the room's bookings wish for."""
        return self.plan.wishes if self.plan else ()

    def _waits_until(self, wish: GrantWish) -> datetime:
        """Return until when a grant waits for earlier guests."""
        return self._hub.plan.waits_until(wish.overriding, wish.reservation)

    def _point_reasons(self) -> Iterable[str]:
        """Say what is wrong with the room's points themselves."""
        for point in self.config.points:
            account_id, _, point_id = point.partition("/")
            account = self._hub.doors.get(account_id)
            if self._hub.operations.is_gone(account_id):
                yield "door_gone"
            elif account is None:
                if not self._hub.is_starting:
                    yield "account_not_loaded"
            elif account.data.points and point_id not in account.data.points:
                yield "door_gone"
            elif self.modes and point not in self.config.served:
                yield "access_not_supported"

    @property
    def grants(self) -> tuple[GrantRow, ...]:
        """The grants made, or to be made, for the room's bookings."""
        return self._hub.grants_of(self.config.id)

    @property
    def status(self) -> AccessStatus:
        """How far the room is for its present or next booking."""
        if self.reasons:
            return AccessStatus.ATTENTION
        if self.is_active(Effect.ACCESS):
            return AccessStatus.ACTIVE
        if self.plan is None or self.plan.coming is None:
            return AccessStatus.IDLE
        return AccessStatus.READY if self._is_ready() else AccessStatus.PLANNED

    def _is_ready(self) -> bool:
        """Whether all is in place for the next booking."""
        assert self.plan and self.plan.coming
        coming = self.plan.coming.id
        wishes = [w for w in self._wishes if w.booking_id == coming]
        issued = {g.reference for g in self.grants if g.state is GrantState.ISSUED}
        if self.config.granted and not wishes:
            return False
        if any(w.enforced and w.reference not in issued for w in wishes):
            return False
        timing = self.config.timing.get(Effect.ACCESS, NO_TIMING)
        wanted = window(self.plan.coming, timing)
        told = self._hub.store.ledger.schedules
        if not all(follows(told.get(p), wanted) for p in self.config.scheduled):
            return False
        by_us = (
            f"{w.account_id}/{p}" for w in wishes if not w.enforced for p in w.points
        )
        return all(self._door_ready(point) for point in (*self.config.held, *by_us))

    def _door_ready(self, point: str) -> bool:
        """Whether a door can be held open when the time comes."""
        account_id, _, point_id = point.partition("/")
        if (account := self._hub.doors.get(account_id)) is None:
            return False
        state = account.data.states.get(point_id)
        return (
            account.last_update_success
            and state is not None
            and state.ready is not False
        )

    def shows(self, effect: Effect) -> bool:
        """Whether the room's own switch of an effect is on."""
        return self._hub.operations.shown(shown(self.config.id, effect))

    async def async_switch(self, effect: Effect, *, on: bool) -> None:
        """Flip the room's switch and what is linked to it, by hand (rule 11)."""
        self._hub.operations.show(shown(self.config.id, effect), on=on)
        self.async_update_soon()
        for entity_id in self.config.appliances.get(effect, ()):
            await appliances.async_turn(self._hub.hass, entity_id, on=on)

    @callback
    def async_read_appliances(self) -> None:
        """Let the room's switches show what is linked to them."""
        for effect, linked in self.config.appliances.items():
            found = [appliances.try_read(self._hub.hass, each) for each in linked]
            known = [is_on(state) for state in found if state is not None]
            if known:
                self._hub.operations.show(shown(self.config.id, effect), on=any(known))
                self.async_update_soon()

    @property
    def doors(self) -> tuple[RoomDoor, ...]:
        """The room's doors that can be operated from here."""
        found = []
        for point in self.config.points:
            account_id, _, point_id = point.partition("/")
            account = self._hub.doors.get(account_id)
            known = account.data.points.get(point_id) if account else None
            if account and known and known.capabilities & OPERABLE:
                found.append(RoomDoor(account=account, point=known))
        return tuple(found)

    @property
    def is_locked(self) -> bool | None:
        """Whether all doors are closed to those without a key; None if unclear."""
        if not self.config.points:
            return not self.shows(Effect.ACCESS)
        held = [each.held_open for each in self.doors]
        if any(held):
            return False
        return True if held and None not in held else None

    async def async_hold(self, *, held: bool) -> None:
        """Unlock or lock all doors by hand, all at the same time (rule 11)."""
        if not self.config.points:
            self._hub.operations.show(shown(self.config.id, Effect.ACCESS), on=held)
            self.async_update_soon()
            return
        await all_of(door.async_hold(held=held) for door in self.doors)

    async def async_open(self) -> None:
        """Open all doors for a moment, all at the same time."""
        await all_of(door.async_open() for door in self.doors)


def _grant_reason(grant: GrantRow) -> str:
    """Return why a grant wants attention."""
    if grant.error in GRANT_REASONS:
        return grant.error
    return "revoke_failed" if grant.state is GrantState.REVOKING else "grant_failed"
