"""What happens at an account's doors: each event is told once, whoever brings it."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util import dt as dt_util

from .engine.models import AccessEvent
from .store import EventsStore, ToldEvents

# How much later than others an event may still come.
LATE: Final = timedelta(minutes=10)
# What happened before that, while nothing could be asked, is no news any more.
OLD: Final = timedelta(days=1)
# How much of the news is kept while the entity that tells it is not there yet.
UNHEARD: Final = 50

type Listener = Callable[[AccessEvent], None]


class DoorEvents:
    """The events of one account; what was told outlives a restart.

    Nothing is told that happened before the account was set up.
    """

    def __init__(self, hass: HomeAssistant, entry_id: str) -> None:
        """Know nothing yet."""
        self._hass = hass
        self._store = EventsStore(hass, entry_id)
        self._told = ToldEvents(first=dt_util.utcnow())
        self._listeners: dict[str, Listener] = {}
        self._unheard: deque[AccessEvent] = deque(maxlen=UNHEARD)

    async def async_load(self) -> None:
        """Read what was told before; the first time, begin now."""
        if stored := await self._store.async_load():
            self._told = stored
        else:
            self._store.save_soon(self._told)

    async def async_save(self) -> None:
        """Write at once, for who goes on with it."""
        await self._store.async_save(self._told)

    @property
    def since(self) -> datetime:
        """What happened after this instant is news, unless it was told already.

        A clock that was set back leaves nothing untold for long.
        """
        now, told = dt_util.utcnow(), self._told
        last = min(told.last or told.first, now)
        return max(min(told.first, now), last - LATE, now - OLD)

    @callback
    def async_take(self, events: Iterable[AccessEvent]) -> None:
        """Tell what is new, in the order in which it happened."""
        since, told = self.since, self._told
        by_id = {
            event.id: event
            for event in events
            if event.at > since and event.id not in told.ids
        }
        if not by_id:
            return
        new = sorted(by_id.values(), key=lambda event: event.at)
        last = max(told.last or told.first, min(new[-1].at, dt_util.utcnow()))
        ids = {**told.ids, **{event.id: event.at for event in new}}
        self._told = ToldEvents(first=told.first, last=last, ids=ids)
        since = self.since
        self._told.ids = {key: at for key, at in ids.items() if at > since}
        self._store.save_soon(self._told)
        for event in new:
            self._tell(event)

    @callback
    def async_add_listener(self, point_id: str, listener: Listener) -> CALLBACK_TYPE:
        """Call with what happens at a door; soon also with what nobody heard so far.

        Not before what was told last is shown again, so that it is seen to change.
        """
        self._listeners[point_id] = listener
        self._hass.loop.call_soon(self._tell_unheard)
        return lambda: self._listeners.pop(point_id, None) and None

    @callback
    def _tell_unheard(self) -> None:
        """Tell what nobody heard so far."""
        waiting, self._unheard = self._unheard, deque(maxlen=UNHEARD)
        for event in waiting:
            self._tell(event)

    def _tell(self, event: AccessEvent) -> None:
        """Tell the door's entity, or whoever will be it."""
        if listener := self._listeners.get(event.point_id):
            listener(event)
        else:
            self._unheard.append(event)
