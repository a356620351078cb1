"""Setting up rooms: what can be booked, its doors, its appliances, its timing."""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any, Final

import voluptuous as vol

from homeassistant.components.alarm_control_panel import DOMAIN as ALARM_DOMAIN
from homeassistant.components.climate import DOMAIN as CLIMATE_DOMAIN
from homeassistant.components.fan import DOMAIN as FAN_DOMAIN
from homeassistant.components.light import DOMAIN as LIGHT_DOMAIN
from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, UnitOfTime
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from .const import (
    CONF_ACCESS,
    CONF_ACCESS_POINTS,
    CONF_ALARM,
    CONF_APPLIANCES,
    CONF_LIGHTS,
    CONF_RESOURCE_ID,
    CONF_TIMING,
    CONF_VENTILATION,
    DATA_HUB,
    DEFAULT_TIMING,
    LOGGER,
    SUBENTRY_ROOM,
)
from .engine.models import AccessMode, Capability, Resource, VendorError
from .form_schema import registry_id
from .systems import create_booking_system

HELPER_DOMAIN: Final = "input_boolean"
ALARM_DOMAINS: Final = [ALARM_DOMAIN, SWITCH_DOMAIN, HELPER_DOMAIN]
LIGHT_DOMAINS: Final = [LIGHT_DOMAIN, SWITCH_DOMAIN, HELPER_DOMAIN]
VENTILATION_DOMAINS: Final = [FAN_DOMAIN, SWITCH_DOMAIN, CLIMATE_DOMAIN, HELPER_DOMAIN]
# What a point must be able to do for a way of access.
NEEDED: Final = {
    AccessMode.HOLD_OPEN: Capability.HOLD,
    AccessMode.GRANT: Capability.GRANT,
}
MINUTES: Final = vol.All(
    NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=1440,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=UnitOfTime.MINUTES,
        )
    ),
    vol.Coerce(int),
)


def new_room(resource_id: str, name: str) -> ConfigSubentryData:
    """Return a room with the defaults, yet without a door."""
    data = {
        CONF_RESOURCE_ID: resource_id,
        CONF_NAME: name,
        CONF_ACCESS_POINTS: [],
        CONF_ACCESS: [AccessMode.HOLD_OPEN.value],
        CONF_TIMING: dict(DEFAULT_TIMING),
        CONF_APPLIANCES: {},
    }
    return ConfigSubentryData(
        data=data, subentry_type=SUBENTRY_ROOM, title=name, unique_id=resource_id
    )


class RoomFlow(ConfigSubentryFlow):
    """One room of a booking account."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add a room."""
        return await self._async_step_room("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change a room."""
        return await self._async_step_room("reconfigure", user_input)

    async def _async_step_room(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        """Show the room's form, and keep what is filled in."""
        resources = await self._async_resources()
        errors: dict[str, str] = {}
        shown: Mapping[str, Any] = user_input or self._present()
        if user_input is not None:
            room = self._read(user_input, resources)
            if any(
                other.unique_id == room[CONF_RESOURCE_ID]
                for other in self._get_entry().subentries.values()
                if other.subentry_id != self._own_id
            ):
                return self.async_abort(reason="already_configured")
            if self._unsupported(room):
                errors[CONF_ACCESS_POINTS] = "access_not_supported"
            else:
                return self._keep(room)
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                self._schema(resources, shown), shown
            ),
            errors=errors,
        )

    @property
    def _own_id(self) -> str | None:
        """The room that is being changed; None for a new one."""
        if self.source == SOURCE_USER:
            return None
        return self._get_reconfigure_subentry().subentry_id

    def _present(self) -> Mapping[str, Any]:
        """Return what the room is like so far."""
        if self.source == SOURCE_USER:
            return {}
        return self._get_reconfigure_subentry().data

    async def _async_resources(self) -> tuple[Resource, ...]:
        """Return what can be booked; nothing if the vendor does not tell right now."""
        system = create_booking_system(self.hass, self._get_entry().data)
        try:
            return await system.list_resources()
        except VendorError as err:
            LOGGER.debug("No list of resources: %s", type(err).__name__)
            return ()

    def _schema(
        self, resources: Iterable[Resource], shown: Mapping[str, Any]
    ) -> vol.Schema:
        """Return the form's schema."""
        bookable = [SelectOptionDict(value=r.id, label=r.label) for r in resources]
        name = shown.get(CONF_NAME) or next(
            (r.name for r in resources if r.id == shown.get(CONF_RESOURCE_ID)), ""
        )
        return vol.Schema(
            {
                vol.Required(CONF_RESOURCE_ID): SelectSelector(
                    SelectSelectorConfig(options=bookable, custom_value=True, sort=True)
                ),
                vol.Optional(CONF_NAME): TextSelector(),
                vol.Optional(CONF_ACCESS_POINTS, default=list): SelectSelector(
                    SelectSelectorConfig(
                        options=access_point_options(
                            self.hass, name, shown.get(CONF_ACCESS_POINTS, ())
                        ),
                        multiple=True,
                        custom_value=True,
                    )
                ),
                vol.Required(
                    CONF_ACCESS, default=[AccessMode.HOLD_OPEN.value]
                ): SelectSelector(
                    SelectSelectorConfig(
                        options=list(AccessMode),
                        multiple=True,
                        translation_key=CONF_ACCESS,
                    )
                ),
                vol.Optional(CONF_TIMING, default=dict): section(
                    vol.Schema(
                        {
                            vol.Required(key, default=minutes): MINUTES
                            for key, minutes in DEFAULT_TIMING.items()
                        }
                    ),
                    {"collapsed": True},
                ),
                vol.Optional(CONF_APPLIANCES, default=dict): section(
                    vol.Schema(
                        {
                            vol.Optional(CONF_ALARM): _entities(ALARM_DOMAINS, False),
                            vol.Optional(CONF_LIGHTS): _entities(LIGHT_DOMAINS, True),
                            vol.Optional(CONF_VENTILATION): _entities(
                                VENTILATION_DOMAINS, True
                            ),
                        }
                    ),
                    {"collapsed": True},
                ),
            }
        )

    def _read(
        self, user_input: dict[str, Any], resources: Iterable[Resource]
    ) -> dict[str, Any]:
        """Return the room as it is kept: entities by what outlives a rename."""
        resource_id = registry_id(self.hass, user_input[CONF_RESOURCE_ID].strip())
        names = {resource.id: resource.name for resource in resources}
        name = user_input.get(CONF_NAME, "").strip()
        points = []
        for point in user_input[CONF_ACCESS_POINTS]:
            account_id, _, point_id = point.partition("/")
            points.append(f"{account_id}/{registry_id(self.hass, point_id)}")
        return {
            **user_input,
            CONF_RESOURCE_ID: resource_id,
            CONF_NAME: name or names.get(resource_id, resource_id),
            CONF_ACCESS_POINTS: points,
        }

    def _unsupported(self, room: Mapping[str, Any]) -> bool:
        """Whether a known point can do nothing of what is wished."""
        needed = {NEEDED[AccessMode(mode)] for mode in room[CONF_ACCESS]}
        doors = self.hass.data[DATA_HUB].doors
        for point in room[CONF_ACCESS_POINTS]:
            account_id, _, point_id = point.partition("/")
            account = doors.get(account_id)
            known = account.data.points.get(point_id) if account else None
            if needed and known and not needed & known.capabilities:
                return True
        return False

    def _keep(self, room: dict[str, Any]) -> SubentryFlowResult:
        """Keep a new or changed room."""
        if self._own_id is None:
            return self.async_create_entry(
                title=room[CONF_NAME], data=room, unique_id=room[CONF_RESOURCE_ID]
            )
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=room[CONF_NAME],
            data=room,
            unique_id=room[CONF_RESOURCE_ID],
        )


def access_point_options(
    hass: HomeAssistant, name: str, chosen: Iterable[str]
) -> list[SelectOptionDict]:
    """Return all access points to choose from, those named like the room first.

    What was chosen before stays there even while its account is not loaded.
    """
    labels = {point: point for point in chosen}
    for entry_id, account in hass.data[DATA_HUB].doors.items():
        for point in account.data.points.values():
            label = f"{point.name} ({account.config_entry.title})"
            labels[f"{entry_id}/{point.id}"] = label

    def order(option: SelectOptionDict) -> tuple[float, str]:
        likeness = SequenceMatcher(None, name.casefold(), option["label"].casefold())
        return (
            -round(likeness.ratio(), 1) if name else 0.0,
            option["label"].casefold(),
        )

    options = [SelectOptionDict(value=v, label=label) for v, label in labels.items()]
    return sorted(options, key=order)


def _entities(domains: list[str], multiple: bool) -> EntitySelector:
    """Return how linked entities are asked for."""
    return EntitySelector(EntitySelectorConfig(domain=domains, multiple=multiple))
