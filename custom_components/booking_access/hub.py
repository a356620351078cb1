"""Where bookings and doors meet: runs the engine, at the right instants."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers.event import (
    async_track_point_in_utc_time,
    async_track_time_interval,
)
from homeassistant.util import dt as dt_util

from .account import BookingAccount
from .by_hand import ByHand
from .cards import Cards
from .const import CONF_ACCESS, CONF_SYSTEM, DOMAIN, LOGGER, SWEEP
from .coordinator import AccessCoordinator
from .engine.bookings import Change
from .engine.grants import reconcile_grants
from .engine.ledger import GrantRow
from .engine.models import FOREVER, Booking, Snapshot
from .engine.plan import Plan, RoomPlan, claim
from .engine.reconcile import after_restart, reconcile_switched
from .engine.visits import visited
from .following import Following
from .handover import Handover
from .issues import async_report_bookings
from .later import Later
from .planner import Planner
from .room import LiveRoom
from .steps import Steps
from .store import LedgerStore
from .systems import BOOKING_SYSTEMS


class Hub:
    """The one meeting point of booking accounts, access accounts and rooms.

    It works from what is stored, so it keeps on while an account is reloaded,
    down, or not loaded yet; it forgets an account only when that is removed
    or disabled.
    """

    def __init__(self, hass: HomeAssistant) -> None:
        """Start with nothing."""
        self.hass = hass
        self.store = LedgerStore(hass)
        self.accounts: dict[str, BookingAccount] = {}
        self.doors: dict[str, AccessCoordinator] = {}
        self.rooms: dict[str, LiveRoom] = {}
        self.plan = Plan()
        self.later = Later(hass)
        self._planner = Planner(self)
        self.rooms_by_target: Mapping[str, list[LiveRoom]] = {}
        self.by_hand = ByHand(self)
        self._grants_by_room: dict[str, tuple[GrantRow, ...]] | None = None
        self.steps = Steps(self)
        self.operations = self.steps.operations
        self.async_issue_key = Cards(self).async_issue_key
        self._handover = Handover(self, self.steps, self._planner)
        self._timer: CALLBACK_TYPE | None = None
        self._timer_at = FOREVER
        self._soon = False
        self._stopped = False
        self._following = Following(self)
        self._stop_sweep: CALLBACK_TYPE | None = None

    async def async_start(self) -> None:
        """Read what is stored, and be right from the first moment on."""
        ledger = await self.store.async_load()
        await self.by_hand.async_load()
        ledger.switched = after_restart(ledger.switched.values(), dt_util.utcnow())
        for entry in self.hass.config_entries.async_entries(
            DOMAIN, include_disabled=False
        ):
            if entry.data[CONF_SYSTEM] in BOOKING_SYSTEMS:
                await self.async_add_account(entry)
        self._stop_sweep = async_track_time_interval(
            self.hass, self._sweep, SWEEP, cancel_on_shutdown=True
        )
        self.hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, self._async_stop)
        await self._planner.async_make_ready(dt_util.utcnow())
        self.evaluate()

    @callback
    def _async_stop(self, _: Event | None = None) -> None:
        """Stop looking; what is held stays held, and is looked after at the next start."""
        self._stopped = True
        for cancel in (self._timer, self._stop_sweep):
            if cancel:
                cancel()
        self._timer = self._stop_sweep = None
        self._following.async_stop()
        self._planner.async_stop()

    async def async_add_account(self, entry: ConfigEntry) -> BookingAccount:
        """Know a booking account and its rooms, as they are configured now."""
        account = self.accounts.get(entry.entry_id)
        if account:
            account.configure(self.hass, entry)
        else:
            altered = self.by_hand.altered_of(entry.entry_id)
            account = await BookingAccount.async_load(self.hass, entry, altered)
            self.accounts[entry.entry_id] = account
        for room_id, room in list(self.rooms.items()):
            if (
                room.config.account_id == entry.entry_id
                and room_id not in account.rooms
            ):
                del self.rooms[room_id]
        for room_id, config in account.rooms.items():
            modes = entry.subentries[room_id].data.get(CONF_ACCESS, ())
            if room_id in self.rooms:
                self.rooms[room_id].configure(config, modes)
            else:
                self.rooms[room_id] = LiveRoom(self, config, modes)
        self._report(entry.entry_id)
        self.steps.forgive(lambda row: row.room_id in account.rooms)
        self._following.async_follow()
        return account

    @callback
    def async_drop_account(self, entry_id: str) -> None:
        """Forget an account and its rooms; what was done for them is undone."""
        self.accounts.pop(entry_id, None)
        self.rooms = {
            room_id: room
            for room_id, room in self.rooms.items()
            if room.config.account_id != entry_id
        }
        self.by_hand.async_tidy()
        self._following.async_follow()
        self.evaluate()

    async def async_remove_account(self, entry_id: str) -> None:
        """Forget an account for good, with what is stored of it."""
        if account := self.accounts.get(entry_id):
            await account.store.async_remove()
        self.async_drop_account(entry_id)

    @callback
    def async_add_doors(self, entry_id: str, doors: AccessCoordinator) -> CALLBACK_TYPE:
        """Know a loaded access account; returns how to forget it."""
        self.doors[entry_id] = doors
        stop = doors.async_add_listener(partial(self.async_doors_changed, entry_id))

        @callback
        def forget() -> None:
            stop()
            self.doors.pop(entry_id, None)
            self.steps.async_doors_changed(entry_id)
            for room in self._rooms_with(entry_id):
                room.async_update_soon()

        self.async_doors_changed(entry_id)
        return forget

    @callback
    def async_doors_changed(self, entry_id: str) -> None:
        """See what the doors can do and what they show, and act on it."""
        if doors := self.doors.get(entry_id):
            self.operations.note_traits(entry_id, doors.data.points.values())
        for room in self._rooms_with(entry_id):
            room.configure(room.config, room.modes)
            room.async_update_soon()
        self._following.async_follow()
        self.steps.async_doors_changed(entry_id)
        self._handover.async_doors_changed(entry_id)
        self.evaluate()

    @property
    def is_starting(self) -> bool:
        """Whether other integrations may still be on their way."""
        return not self.hass.is_running

    def grants_of(self, room_id: str) -> tuple[GrantRow, ...]:
        """Return the grants of a room, those of its visits included; "" for doors alone."""
        if self._grants_by_room is None:
            by_room: defaultdict[str, list[GrantRow]] = defaultdict(list)
            for row in self.store.ledger.grants.values():
                by_room[visited(row.room_id)].append(row)
            self._grants_by_room = {key: tuple(rows) for key, rows in by_room.items()}
        return self._grants_by_room.get(room_id, ())

    @callback
    def async_grants_changed(self) -> None:
        """Forget which room has which grants."""
        self._grants_by_room = None

    def known_bookings(self, entry_id: str) -> Mapping[str, Booking]:
        """Return the bookings of an account by their ids, those cancelled included."""
        known = self.accounts[entry_id].bookings.known
        return {key: each.booking for key, each in known.items()}

    async def async_take(self, entry_id: str, snapshot: Snapshot) -> bool:
        """Take over what a booking system answered; return whether to ask again soon."""
        account = self.accounts[entry_id]
        news = await account.async_take(self.hass, snapshot)
        if news is not None and self.accounts.get(entry_id) is account:
            self._tell(entry_id, news)
            await self._planner.async_make_ready(dt_util.utcnow())
            self.evaluate()
        return account.bookings.uncertain

    @callback
    def async_answer_brake(self, entry_id: str, *, revoke: bool) -> None:
        """Do what a human decided about bookings that vanished all at once."""
        self._tell(entry_id, self.accounts[entry_id].answer_brake(revoke=revoke))
        self.evaluate()

    def _tell(self, entry_id: str, news: Iterable[Change]) -> None:
        """Tell people and rooms what happened to an account's bookings."""
        self._report(entry_id)
        self._announce_changes(entry_id, news)

    def _report(self, entry_id: str) -> None:
        """Ask people about bookings that are held back, or came without an end."""
        async_report_bookings(self.hass, entry_id, self.accounts[entry_id])

    @callback
    def evaluate(self) -> None:
        """Compare what must be true with what was done, and take the steps."""
        if self._stopped:
            return
        now = dt_util.utcnow()
        before = self.plan
        unsure, lacking = self._doubtful_claims(now)
        try:
            acting = self.plan = self._planner.plan(now)
        except Exception:  # noqa: BLE001 - what is open must close all the same
            LOGGER.exception(
                "Planning failed; what is open closes when it was to close"
            )
            acting, unsure = Plan(), self._claims()
            lacking = unsure
        ledger, busy = self.store.ledger, self.steps.busy
        switching = reconcile_switched(acting, ledger.switched, now, busy, unsure)
        granting = reconcile_grants(
            acting, ledger.grants, now, busy, lacking, ledger.forgotten
        )
        self.steps.take(switching, granting)
        again = min(switching.again, granting.again, self._handover.take(now))
        self._set_timer(min(acting.until, again))
        self._planner.async_look_ahead(acting.until)
        if self.plan is not before:
            self.later.do(partial(self._show_plan, self.plan, before))

    def _doubtful_claims(self, now: datetime) -> tuple[set[str], set[str]]:
        """Return the claims of which nobody knows whether they still stand (rule 12).

        First those that no answer spoke of yet; then also those whose bookings may
        have been forgotten by a clock that was ahead.
        """
        unsure: set[str] = set()
        forgotten: set[str] = set()
        for account in self.accounts.values():
            is_whole = account.bookings.is_whole(now)
            if is_whole and not account.unsure:
                continue
            theirs = {c for c in self._claims() if c.partition("/")[0] in account.rooms}
            unsure |= {each for each in theirs if account.doubts(*each.split("/", 1))}
            forgotten |= set() if is_whole else theirs
        return unsure, unsure | forgotten

    def _claims(self) -> set[str]:
        """Return all claims of rooms in the ledger."""
        ledger = self.store.ledger
        found = {each for row in ledger.switched.values() for each in row.claims}
        found |= {claim(row.room_id, row.booking_id) for row in ledger.grants.values()}
        return {each for each in found if each.partition("/")[0] in self.rooms}

    @callback
    def evaluate_soon(self) -> None:
        """Evaluate once all that happens right now has happened."""
        if not self._soon:
            self._soon = True
            self.hass.loop.call_soon(self._evaluate_now)

    @callback
    def _evaluate_now(self) -> None:
        """Evaluate as promised."""
        self._soon = False
        self.evaluate()

    @callback
    def _sweep(self, _: datetime) -> None:
        """Look once a minute, whatever was missed; forget what is long over."""
        for entry_id, account in self.accounts.items():
            account.forget()
            self._report(entry_id)
        self.by_hand.async_tidy()
        self._stop_timer()  # the clock may have been set, or the machine asleep
        self.evaluate()

    @callback
    def _set_timer(self, instant: datetime) -> None:
        """Look again at that very instant."""
        if instant == self._timer_at and self._timer:
            return
        self._stop_timer()
        self._timer_at = instant
        if instant < FOREVER and not self._stopped:
            self._timer = async_track_point_in_utc_time(
                self.hass, self._timer_fired, instant
            )

    def _stop_timer(self) -> None:
        """Stop the timer, if it runs."""
        if self._timer:
            self._timer()
            self._timer = None

    @callback
    def _timer_fired(self, _: datetime) -> None:
        """The instant has come."""
        self._timer = None
        self.evaluate()

    def _announce_changes(self, entry_id: str, changes: Iterable[Change]) -> None:
        """Tell the rooms which bookings came, changed or went."""
        by_resource = {
            room.resource_id: self.rooms[room_id]
            for room_id, room in self.accounts[entry_id].rooms.items()
        }

        def announce(change: Change) -> None:
            if room := by_resource.get(change.booking.resource_id):
                room.tell(f"booking_{change.kind}", change.booking.id)

        self.later.do_each(announce, changes)

    def _rooms_with(self, entry_id: str) -> list[LiveRoom]:
        """Return the rooms that have doors of an access account."""
        return [
            room
            for room in self.rooms.values()
            if any(point.startswith(f"{entry_id}/") for point in room.config.points)
        ]

    def _show_plan(self, plan: Plan, before: Plan) -> None:
        """Have the rooms tell and show what is new about their plans."""
        for room_id, planned in plan.rooms.items():
            room = self.rooms.get(room_id)
            if room and planned is not before.rooms.get(room_id):
                self._announce_edges(room, planned)
                room.async_update_soon()

    def _announce_edges(self, room: LiveRoom, planned: RoomPlan) -> None:
        """Tell a room which bookings started and ended; each is told once, ever."""
        running = self.store.ledger.running
        told = set(running.get(room.config.id, ()))
        booked = {booking.id for booking in planned.booked}
        if told == booked:
            return
        running[room.config.id] = sorted(booked)
        self.store.save_soon()
        for booking_id in sorted(told - booked):
            room.announce("booking_ended", booking_id)
        for booking_id in sorted(booked - told):
            room.announce("booking_started", booking_id)
