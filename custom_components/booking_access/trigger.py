"""Triggers about rooms: bookings that start, end or are cancelled, access that fails."""

from abc import abstractmethod
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final, cast, override

import voluptuous as vol

from homeassistant.components.event import DOMAIN as EVENT_DOMAIN
from homeassistant.const import CONF_OFFSET, CONF_OPTIONS, CONF_TARGET
from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, State, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.target import TargetEntityChangeTracker, TargetSelection
from homeassistant.helpers.trigger import (
    NotTriggeredReasonReporter,
    StatelessEntityTriggerBase,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
from homeassistant.util import dt as dt_util

from .const import DATA_HUB
from .engine.models import FOREVER, Booking
from .engine.windows import refusal
from .entity import rooms_of_entities
from .room import LiveRoom

CONF_OFFSET_TYPE: Final = "offset_type"
BEFORE: Final = "before"
AFTER: Final = "after"
# What was missed by more than this, while the machine slept, is not made up for.
LATE: Final = timedelta(minutes=15)

EDGE_SCHEMA: Final = vol.Schema(
    {
        vol.Required(CONF_OPTIONS, default={}): {
            vol.Required(CONF_OFFSET, default=timedelta()): cv.positive_time_period,
            vol.Required(CONF_OFFSET_TYPE, default=BEFORE): vol.In((BEFORE, AFTER)),
        },
        vol.Required(CONF_TARGET): cv.TARGET_FIELDS,
    }
)


class EdgeWatch(TargetEntityChangeTracker):
    """Follows rooms, and tells when an edge of a booking of theirs has come."""

    def __init__(
        self, hass: HomeAssistant, trigger: BookingEdgeTrigger, run: TriggerActionRunner
    ) -> None:
        """Follow the rooms that the trigger is about."""
        super().__init__(
            hass,
            TargetSelection(trigger.target),
            lambda entities: set(rooms_of_entities(hass, entities, "booking")),
        )
        self._trigger = trigger
        self._run = run
        self._followed: dict[str, RoomWatch] = {}

    @callback
    @override
    def _handle_entities_update(self, tracked_entities: set[str]) -> None:
        """Follow the rooms that there are now."""
        rooms = rooms_of_entities(self._hass, tracked_entities, "booking")
        known = self._hass.data[DATA_HUB].rooms
        for entity_id in self._followed.keys() - rooms.keys():
            self._followed.pop(entity_id).stop()
        for entity_id, room_id in rooms.items():
            if room_id in known and entity_id not in self._followed:
                run = partial(self._tell, entity_id)
                self._followed[entity_id] = RoomWatch(
                    self._hass, known[room_id], self._trigger, run
                )

    @callback
    def _tell(self, entity_id: str, room: LiveRoom, booking: Booking) -> None:
        """Run the automation."""
        end = booking.end.isoformat() if booking.end < FOREVER else None
        self._run(
            {
                "entity_id": entity_id,
                "room": room.config.name,
                "booking_id": booking.id,
                "start": booking.start.isoformat(),
                "end": end,
                "offset": self._trigger.offset,
                "status": room.status.value,
                "reasons": list(room.reasons),
                "next_start": _next_start(room, booking),
            },
            f"{self._trigger.what} in {room.config.name}",
        )

    @override
    def _unsubscribe(self) -> None:
        """Follow nothing any more."""
        super()._unsubscribe()
        for watch in self._followed.values():
            watch.stop()
        self._followed.clear()


def _next_start(room: LiveRoom, booking: Booking) -> str | None:
    """Return when the booking after another one starts."""
    tentative = room.config.tentative
    later = (
        each.start.isoformat()
        for each in room.bookings
        if each.start >= booking.end and refusal(each, tentative=tentative) is None
    )
    return next(later, None)


class RoomWatch:
    """Tells when an edge of a booking of one room has come, once for each edge.

    What was over when it began to look is not told. A booking that is made, or moved,
    when its time has come already is told at once, as long as its edge is ahead.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        room: LiveRoom,
        trigger: BookingEdgeTrigger,
        run: partial[None],
    ) -> None:
        """Begin to look."""
        self._hass = hass
        self._room = room
        self._trigger = trigger
        self._run = run
        self._timer: CALLBACK_TYPE | None = None
        now = dt_util.utcnow()
        self._told = {key for key, _, due in self._edges() if due <= now}
        self._stop_listening = room.async_add_listener(self._look)
        self._look()

    def _edges(self) -> Iterator[tuple[tuple[str, datetime], Booking, datetime]]:
        """Yield the edges of all bookings that count, and when to tell of each."""
        tentative = self._room.config.tentative
        for booking in self._room.bookings:
            edge = self._trigger.edge(booking)
            if refusal(booking, tentative=tentative) is None and edge < FOREVER:
                yield (booking.id, edge), booking, edge + self._trigger.offset

    @callback
    def _look(self, _: datetime | None = None) -> None:
        """Tell what has come, and look again when the next is due."""
        self._stop_timer()
        now = dt_util.utcnow()
        coming = FOREVER
        there = set()
        for key, booking, due in self._edges():
            there.add(key)
            if due > now:
                coming = min(coming, due)
                self._told.discard(key)
            elif key not in self._told:
                self._told.add(key)
                if now < key[1] or now - due < LATE:
                    self._run(self._room, booking)
        self._told &= there
        if coming < FOREVER:
            job = HassJob(self._look, "booking edge", cancel_on_shutdown=True)
            self._timer = async_track_point_in_utc_time(self._hass, job, coming)

    def _stop_timer(self) -> None:
        """Stop the timer, if it runs."""
        if self._timer:
            self._timer()
            self._timer = None

    def stop(self) -> None:
        """Look no more."""
        self._stop_timer()
        self._stop_listening()


class BookingEdgeTrigger(Trigger):
    """A booking starts or ends, or will so soon, or did so a while ago."""

    what: ClassVar[str]

    @classmethod
    @override
    async def async_validate_config(
        cls, hass: HomeAssistant, config: ConfigType
    ) -> ConfigType:
        """Check what was filled in."""
        return cast(ConfigType, EDGE_SCHEMA(config))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Take what was filled in."""
        super().__init__(hass, config)
        options: dict[str, Any] = config.options or {}
        self.target: dict[str, Any] = config.target or {}
        offset: timedelta = options[CONF_OFFSET]
        self.offset = -offset if options[CONF_OFFSET_TYPE] == BEFORE else offset

    @staticmethod
    @abstractmethod
    def edge(booking: Booking) -> datetime:
        """Return the edge of a booking."""

    @override
    async def async_attach_runner(
        self,
        run_action: TriggerActionRunner,
        did_not_trigger: TriggerNotTriggeredReporter | None = None,
    ) -> CALLBACK_TYPE:
        """Begin to look."""
        return await EdgeWatch(self._hass, self, run_action).async_setup()


class BookingStartedTrigger(BookingEdgeTrigger):
    """A booking starts."""

    what = "Booking started"

    @staticmethod
    @override
    def edge(booking: Booking) -> datetime:
        """Return the start."""
        return booking.start


class BookingEndedTrigger(BookingEdgeTrigger):
    """A booking ends."""

    what = "Booking ended"

    @staticmethod
    @override
    def edge(booking: Booking) -> datetime:
        """Return the end."""
        return booking.end


class RoomNewsTrigger(StatelessEntityTriggerBase):
    """The event entity of a room tells a certain kind of news."""

    _domain_specs = {EVENT_DOMAIN: DomainSpec()}
    _kind: ClassVar[str]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        """Keep the rooms' own."""
        return set(rooms_of_entities(self._hass, entities, "booking"))

    @override
    def is_valid_state(
        self, state: State, report_not_triggered: NotTriggeredReasonReporter
    ) -> bool:
        """Whether it tells that."""
        return state.attributes.get("event_type") == self._kind


class BookingCancelledTrigger(RoomNewsTrigger):
    """A booking is cancelled."""

    _kind = "booking_cancelled"


class AccessFailedTrigger(RoomNewsTrigger):
    """A door does not do as it should, or somebody cannot be given a key."""

    _kind = "access_failed"


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    "access_failed": AccessFailedTrigger,
    "booking_cancelled": BookingCancelledTrigger,
    "booking_ended": BookingEndedTrigger,
    "booking_started": BookingStartedTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
