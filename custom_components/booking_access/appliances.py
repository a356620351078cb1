"""Switching what is linked to a room: its alarm, its lights, its ventilation."""

from typing import Final

from homeassistant.components.alarm_control_panel import (
    DOMAIN as ALARM_DOMAIN,
    AlarmControlPanelState,
)
from homeassistant.const import (
    ATTR_ENTITY_ID,
    SERVICE_ALARM_ARM_AWAY,
    SERVICE_ALARM_ARM_CUSTOM_BYPASS,
    SERVICE_ALARM_ARM_HOME,
    SERVICE_ALARM_ARM_NIGHT,
    SERVICE_ALARM_ARM_VACATION,
    SERVICE_ALARM_DISARM,
    SERVICE_TURN_OFF,
    SERVICE_TURN_ON,
    STATE_OFF,
    STATE_ON,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
)
from homeassistant.core import HomeAssistant, split_entity_id
from homeassistant.exceptions import HomeAssistantError

from .engine.appliances import is_on
from .engine.models import ConnectionFailed, OutcomeUnknown

ARMING: Final[dict[str, str]] = {
    AlarmControlPanelState.ARMED_AWAY: SERVICE_ALARM_ARM_AWAY,
    AlarmControlPanelState.ARMED_HOME: SERVICE_ALARM_ARM_HOME,
    AlarmControlPanelState.ARMED_NIGHT: SERVICE_ALARM_ARM_NIGHT,
    AlarmControlPanelState.ARMED_VACATION: SERVICE_ALARM_ARM_VACATION,
    AlarmControlPanelState.ARMED_CUSTOM_BYPASS: SERVICE_ALARM_ARM_CUSTOM_BYPASS,
}


def try_read(hass: HomeAssistant, entity_id: str) -> str | None:
    """Return an appliance's state; None if it has none to tell."""
    state = hass.states.get(entity_id)
    if state is None or state.state in (STATE_UNAVAILABLE, STATE_UNKNOWN):
        return None
    return state.state


def read(hass: HomeAssistant, entity_id: str) -> str:
    """Return an appliance's state; ConnectionFailed if it has none to tell."""
    if (state := try_read(hass, entity_id)) is None:
        raise ConnectionFailed("the appliance is not available")
    return state


async def async_turn(hass: HomeAssistant, entity_id: str, *, on: bool) -> None:
    """Switch an appliance, whatever it is now."""
    await async_set(hass, entity_id, STATE_ON if on else STATE_OFF)


async def async_set(hass: HomeAssistant, entity_id: str, wanted: str) -> None:
    """Bring an appliance into a state that it was in before, or on or off.

    An alarm that does not arm, because a door is open for instance, leaves the
    outcome unknown: it is looked at and told again later.
    """
    domain = split_entity_id(entity_id)[0]
    on = is_on(wanted)
    if domain != ALARM_DOMAIN:
        action = SERVICE_TURN_ON if on else SERVICE_TURN_OFF
    elif on:
        action = ARMING.get(wanted, SERVICE_ALARM_ARM_AWAY)
    else:
        action = SERVICE_ALARM_DISARM
    try:
        await hass.services.async_call(
            domain, action, {ATTR_ENTITY_ID: entity_id}, blocking=True
        )
    except HomeAssistantError as err:
        raise OutcomeUnknown("the appliance reports an error") from err
    if domain == ALARM_DOMAIN and on and not is_on(read(hass, entity_id)):
        raise OutcomeUnknown("the alarm does not arm")
