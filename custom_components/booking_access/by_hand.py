"""What people decided here about bookings, kept across restarts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from mashumaro.codecs.basic import BasicDecoder, BasicEncoder

from homeassistant.core import callback
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .engine.by_hand import Altered

if TYPE_CHECKING:
    from .hub import Hub

VERSION: Final = 1
DELAY: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class _Stored:
    """What was decided, as it is written."""

    altered: list[Altered] = field(default_factory=list)


_encode: Callable[[_Stored], dict[str, Any]] = BasicEncoder(_Stored).encode
_decode = BasicDecoder(_Stored).decode


class ByHand:
    """Keeps what people decided; private, for it holds names (rule 15)."""

    def __init__(self, hub: Hub) -> None:
        """Work for the hub; nothing is read yet."""
        self._hub = hub
        self._written = _Stored()
        self._store = Store[dict[str, Any]](
            hub.hass, VERSION, f"{DOMAIN}.by_hand", private=True, atomic_writes=True
        )

    async def async_load(self) -> None:
        """Read what was decided."""
        if data := await self._store.async_load():
            self._written = _decode(data)

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
        self._written = self._now()
        await self._store.async_save(_encode(self._written))
        self._hub.evaluate()

    @callback
    def async_tidy(self) -> None:
        """Forget what is over, or about what is no longer there."""
        for account in self._hub.accounts.values():
            account.alter(account.altered)
        if (now := self._now()) != self._written:
            self._written = now
            self._store.async_delay_save(lambda: _encode(self._written), DELAY)

    def _now(self) -> _Stored:
        """Return all that is decided now."""
        accounts = self._hub.accounts.values()
        return _Stored(
            altered=[each for account in accounts for each in account.altered.values()]
        )
