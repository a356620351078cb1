"""System health: whether all accounts answer, and what is open or owed right now."""

from typing import Any

from homeassistant.components.system_health import SystemHealthRegistration
from homeassistant.core import HomeAssistant, callback

from .const import DATA_HUB, DOMAIN
from .engine.ledger import GrantState
from .engine.models import FOREVER


@callback
def async_register(hass: HomeAssistant, register: SystemHealthRegistration) -> None:
    """Tell what to show."""
    register.async_register_info(
        system_health_info, "/config/integrations/integration/booking_access"
    )


async def system_health_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return the facts."""
    hub = hass.data[DATA_HUB]
    loaded = hass.config_entries.async_loaded_entries(DOMAIN)
    every = hass.config_entries.async_entries(DOMAIN, include_disabled=False)
    answering = [e for e in loaded if e.runtime_data.last_update_success]
    grants = hub.store.ledger.grants.values()
    until = hub.plan.until
    wanting = [room for room in hub.rooms.values() if room.reasons]
    return {
        "accounts": len(every),
        "accounts_connected": len(answering),
        "rooms": len(hub.rooms),
        "rooms_attention": len(wanting),
        "keys_out": sum(1 for row in grants if row.state is GrantState.ISSUED),
        "keys_to_revoke": sum(1 for row in grants if row.state is GrantState.REVOKING),
        "next_action": until.isoformat() if until < FOREVER else "-",
    }
