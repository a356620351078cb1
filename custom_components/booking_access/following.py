"""Following what is linked to rooms: what it shows, and when it comes back."""

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CALLBACK_TYPE, Event, EventStateChangedData, callback
from homeassistant.helpers.event import async_track_state_change_event

from .engine.models import Effect
from .engine.plan import targets

if TYPE_CHECKING:
    from .hub import Hub
    from .room import LiveRoom


class Following:
    """Follows the appliances of all rooms."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub."""
        self._hub = hub
        self._followed: CALLBACK_TYPE | None = None

    @callback
    def async_stop(self) -> None:
        """Follow nothing any more."""
        if self._followed:
            self._followed()
            self._followed = None

    @callback
    def async_follow(self) -> None:
        """Follow what is linked to rooms, and who has which target."""
        by_target: defaultdict[str, list[LiveRoom]] = defaultdict(list)
        linked: defaultdict[str, list[LiveRoom]] = defaultdict(list)
        for room in self._hub.rooms.values():
            room.async_read_appliances()
            for effect in Effect:
                for target in targets(room.config, effect):
                    by_target[target].append(room)
                for entity_id in room.config.appliances.get(effect, ()):
                    linked[entity_id].append(room)
        self._hub.rooms_by_target = by_target
        self.async_stop()

        @callback
        def changed(event: Event[EventStateChangedData]) -> None:
            for room in linked[event.data["entity_id"]]:
                room.async_read_appliances()
            self._retry(event)

        if linked:
            self._followed = async_track_state_change_event(
                self._hub.hass, linked, changed
            )

    def _retry(self, event: Event[EventStateChangedData]) -> None:
        """Try again at once when an appliance comes back."""
        old = event.data["old_state"]
        if old is not None and old.state not in (STATE_UNAVAILABLE, STATE_UNKNOWN):
            return
        switched = self._hub.store.ledger.switched
        entity_id = event.data["entity_id"]
        for target, row in switched.items():
            if target.endswith(f"/{entity_id}") and row.retry_at:
                switched[target] = replace(row, retry_at=None)
        self._hub.evaluate_soon()
