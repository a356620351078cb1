"""What people decided here: about bookings, and whom to let in. Kept over restarts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mashumaro.codecs.basic import BasicDecoder, BasicEncoder

from homeassistant.core import callback
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .engine.bookings import KEEP_ENDED
from .engine.by_hand import Altered
from .engine.models import Booking, Capability, Room
from .engine.visits import Visit, room_of_visit

if TYPE_CHECKING:
    from .hub import Hub

VERSION: Final = 1
DELAY: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """What was decided, as it is written."""

    altered: list[Altered] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)


_encode: Callable[[_Stored], dict[str, Any]] = BasicEncoder(_Stored).encode
_decode = BasicDecoder(_Stored).decode


class ByHand:
    """Keeps what people decided; private, for it holds names (rule 15)."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub; nothing is read yet."""
        self._hub = hub
        self._written = _Stored()
        self.visits: dict[str, Visit] = {}
        self._bookings: dict[str, tuple[Booking, ...]] = {}
        self._store = Store[dict[str, Any]](
            hub.hass, VERSION, f"{DOMAIN}.by_hand", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Read what was decided."""
        if data := await self._store.async_load():
            self._written = _decode(data)
            self._welcome(self._written.visits)

    def altered_of(self, account_id: str) -> Mapping[str, Altered]:
        """Return what was decided about an account's bookings when it was written last."""
        return {
            each.booking.id: each
            for each in self._written.altered
            if each.account_id == account_id
        }

    async def async_alter(self, altered: Altered) -> None:
        """Decide something about a booking; it is written down before it is done."""
        account = self._hub.accounts[altered.account_id]
        account.alter({**account.altered, altered.booking.id: altered})
        await self._async_save()

    async def async_let_in(self, visit: Visit) -> None:
        """Let somebody in; it is written down before it is done."""
        self._welcome([*self.visits.values(), visit])
        await self._async_save()

    async def async_turn_away(self, visit_id: str) -> None:
        """Let somebody in no longer."""
        self._welcome(each for each in self.visits.values() if each.id != visit_id)
        await self._async_save()

    def _welcome(self, visits: Iterable[Visit]) -> None:
        """Know all visits; what is the same keeps its very tuple of bookings."""
        self.visits = {each.id: each for each in visits}
        self._bookings = {
            key: self._bookings.get(key, (each.booking,))
            for key, each in self.visits.items()
        }

    async def _async_save(self) -> None:
        """Write, and then do what is to be done."""
        self._written = self._now()
        await self._store.async_save(_encode(self._written))
        self._hub.evaluate()

    @callback
    def async_tidy(self) -> None:
        """Forget what is over, or about what is no longer there (rule 15)."""
        for account in self._hub.accounts.values():
            account.alter(account.altered)
        self._welcome(filter(self._is_of_use, self.visits.values()))
        if (now := self._now()) != self._written:
            self._written = now
            self._store.async_delay_save(lambda: _encode(self._written), DELAY)

    def _is_of_use(self, visit: Visit) -> bool:
        """Whether a visit is not long over, and is to something that there is."""
        if visit.booking.end + KEEP_ENDED <= dt_util.utcnow():
            return False
        if visit.point is None:
            return visit.room_id in self._hub.rooms
        return not self._hub.operations.is_gone(visit.point.partition("/")[0])

    def _now(self) -> _Stored:
        """Return all that is decided now."""
        accounts = self._hub.accounts.values()
        return _Stored(
            altered=[each for account in accounts for each in account.altered.values()],
            visits=list(self.visits.values()),
        )

    @property
    def bookings(self) -> Mapping[str, tuple[Booking, ...]]:
        """The visits as bookings, by what they book: themselves."""
        return self._bookings

    @property
    def rooms(self) -> Iterable[Room]:
        """The visits as rooms."""
        for visit in self.visits.values():
            live = self._hub.rooms.get(visit.room_id or "")
            room = live.config if live else None
            points = self.points_of(room, visit.point)
            traits = {each: self._hub.operations.traits(each) for each in points}
            yield room_of_visit(visit, traits, room)

    def points_of(self, room: Room | None, point: str | None) -> tuple[str, ...]:
        """Return where somebody can be given a key or code: a door, or a room's doors."""
        points = (point,) if point else room.points if room else ()
        able = self._hub.operations.able
        return tuple(each for each in points if able(each, Capability.GRANT))
