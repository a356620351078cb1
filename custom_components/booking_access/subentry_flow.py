"""Setting up rooms: what can be booked, its doors, its appliances, its timing."""

from collections.abc import Mapping
from typing import Any, Final, override

import voluptuous as vol

from homeassistant.components.alarm_control_panel import DOMAIN as ALARM_DOMAIN
from homeassistant.components.climate import DOMAIN as CLIMATE_DOMAIN
from homeassistant.components.fan import DOMAIN as FAN_DOMAIN
from homeassistant.components.light import DOMAIN as LIGHT_DOMAIN
from homeassistant.components.switch import DOMAIN as SWITCH_DOMAIN
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentryData,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_NAME, UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.selector import (
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
)

from .access_points import (
    access_point_name,
    access_point_selector,
    by_registry_id,
    loaded_access_point,
    unknown_access_point,
)
from .const import (
    CONF_ACCESS,
    CONF_ACCESS_POINTS,
    CONF_ALARM,
    CONF_APPLIANCES,
    CONF_LIGHTS,
    CONF_RESOURCE_ID,
    CONF_SYSTEM,
    CONF_TIMING,
    CONF_VENTILATION,
    DATA_HUB,
    DEFAULT_TIMING,
    LOGGER,
    SUBENTRY_ROOM,
)
from .engine.models import AccessMode, Capability, Resource, VendorError
from .form_schema import entity_selector, registry_id
from .systems import BOOKING_SYSTEMS, create_booking_system

HELPER_DOMAIN: Final = "input_boolean"
ALARM_DOMAINS: Final = (ALARM_DOMAIN, SWITCH_DOMAIN, HELPER_DOMAIN)
LIGHT_DOMAINS: Final = (LIGHT_DOMAIN, SWITCH_DOMAIN, HELPER_DOMAIN)
VENTILATION_DOMAINS: Final = (FAN_DOMAIN, SWITCH_DOMAIN, CLIMATE_DOMAIN, HELPER_DOMAIN)
# What a point must be able to do for a way of access: any of these.
NEEDED: Final = {
    AccessMode.HOLD_OPEN: {Capability.HOLD, Capability.SCHEDULE},
    AccessMode.GRANT: {Capability.GRANT, Capability.CARD},
}
DEFAULT_ACCESS: Final = [AccessMode.HOLD_OPEN.value]
ACCESS: Final = SelectSelector(
    SelectSelectorConfig(
        options=list(AccessMode), multiple=True, translation_key=CONF_ACCESS
    )
)
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
        CONF_ACCESS: list(DEFAULT_ACCESS),
        CONF_TIMING: dict(DEFAULT_TIMING),
        CONF_APPLIANCES: {},
    }
    return ConfigSubentryData(
        data=data, subentry_type=SUBENTRY_ROOM, title=name, unique_id=resource_id
    )


class ResourceSelector(SelectSelector):
    """A list that shows names, yet takes entity ids and names as well.

    The frontend shows no names where it lets people type.
    """

    @override
    def __call__(self, data: Any) -> str:
        """Take any text."""
        return cv.string(data)


class RoomFlow(ConfigSubentryFlow):
    """One room of a booking account."""

    def __init__(self) -> None:
        """Start before anybody has asked what can be booked."""
        self._resources: tuple[Resource, ...] | None = None

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
        errors: dict[str, str] = {}
        placeholders = {"account": self._get_entry().title, "door": ""}
        if user_input is None:
            await self._async_ask_resources()
            errors = self._hint()
        else:
            room = self._read(user_input)
            if self._is_taken(room[CONF_RESOURCE_ID]):
                return self.async_abort(reason="already_configured")
            errors, door = self._errors(room)
            if not errors:
                return self._keep(room)
            placeholders["door"] = door
        shown = user_input or self._present
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(self._schema(shown), shown),
            errors=errors,
            description_placeholders=placeholders,
        )

    @property
    def _own_id(self) -> str | None:
        """The room that is being changed; None for a new one."""
        if self.source == SOURCE_USER:
            return None
        return self._get_reconfigure_subentry().subentry_id

    @property
    def _present(self) -> Mapping[str, Any]:
        """What the room is like so far; nothing for a new one."""
        if self.source == SOURCE_USER:
            return {}
        return self._get_reconfigure_subentry().data

    async def _async_ask_resources(self) -> None:
        """Ask what can be booked; the vendor may not tell right now."""
        entry = self._get_entry()
        if entry.state is ConfigEntryState.LOADED:
            system = entry.runtime_data.system
        else:
            system = create_booking_system(self.hass, entry.data)
        try:
            self._resources = self._with_heard_of(await system.list_resources())
        except VendorError as err:
            LOGGER.debug("No list of resources: %s", type(err).__name__)
        except Exception:  # noqa: BLE001 - a form must always come back with an answer
            LOGGER.exception("Unexpected error while listing resources")

    def _with_heard_of(self, listed: tuple[Resource, ...]) -> tuple[Resource, ...]:
        """Return what can be booked, with what bookings were brought for already."""
        if not self._is_open:
            return listed
        hub = self.hass.data.get(DATA_HUB)
        account = hub.accounts.get(self._get_entry().entry_id) if hub else None
        known = {each.id for each in listed}
        heard_of = set(account.bookings.by_resource if account else ()) - known
        return (*listed, *(Resource(id=id_, name=id_) for id_ in sorted(heard_of)))

    def _hint(self) -> dict[str, str]:
        """Say why there is nothing to choose from, if so."""
        if self._resources is None:
            kept = self.source == SOURCE_RECONFIGURE
            return {CONF_RESOURCE_ID: "no_other" if kept else "no_list"}
        if self._resources and not self._offered() and not self._is_open:
            return {CONF_RESOURCE_ID: "nothing_left"}
        return {}

    def _schema(self, shown: Mapping[str, Any]) -> vol.Schema:
        """Return the form's schema; what is left out of it stays as it is."""
        present = self._present
        points = present.get(CONF_ACCESS_POINTS, [])
        timing = {**DEFAULT_TIMING, **present.get(CONF_TIMING, {})}
        resource_id = shown.get(CONF_RESOURCE_ID, "")
        name = shown.get(CONF_NAME) or self._resource_name(resource_id)
        minutes = {vol.Required(k, default=timing[k]): MINUTES for k in DEFAULT_TIMING}
        # The sections have no default: the frontend would show that in place
        # of what is suggested for their fields.
        return vol.Schema(
            {
                vol.Required(CONF_RESOURCE_ID): self._resource_selector(),
                vol.Optional(CONF_NAME): TextSelector(),
                vol.Optional(CONF_ACCESS_POINTS, default=points): access_point_selector(
                    self.hass, points, room_name=name
                ),
                vol.Required(
                    CONF_ACCESS, default=present.get(CONF_ACCESS, DEFAULT_ACCESS)
                ): ACCESS,
                vol.Optional(CONF_TIMING): section(
                    vol.Schema(minutes), {"collapsed": True}
                ),
                vol.Optional(CONF_APPLIANCES): section(
                    self._appliances(), {"collapsed": True}
                ),
            }
        )

    def _resource_selector(self) -> SelectSelector:
        """Return how the resource is asked for."""
        options = [
            SelectOptionDict(value=resource_id, label=label)
            for resource_id, label in self._offered().items()
        ]
        return ResourceSelector(
            SelectSelectorConfig(
                options=options, custom_value=not options or self._is_open, sort=True
            )
        )

    def _offered(self) -> dict[str, str]:
        """Return what is not yet a room, by id; the room's own is always there."""
        present = self._present
        offered = {present[CONF_RESOURCE_ID]: present[CONF_NAME]} if present else {}
        for resource in self._resources or ():
            if not self._is_taken(resource.id):
                offered[resource.id] = resource.label
        return offered

    @property
    def _is_open(self) -> bool:
        """Whether there may be more than is listed: not all that nobody booked yet."""
        system = BOOKING_SYSTEMS[self._get_entry().data[CONF_SYSTEM]]
        return system.is_fed

    def _appliances(self) -> vol.Schema:
        """Return the section of what else follows the booking."""
        return vol.Schema(
            {
                vol.Optional(CONF_ALARM): entity_selector(
                    self.hass, ALARM_DOMAINS, multiple=False
                ),
                vol.Optional(CONF_LIGHTS): entity_selector(self.hass, LIGHT_DOMAINS),
                vol.Optional(CONF_VENTILATION): entity_selector(
                    self.hass, VENTILATION_DOMAINS
                ),
            }
        )

    def _read(self, user_input: dict[str, Any]) -> dict[str, Any]:
        """Return the room as it is kept: entities by what outlives a rename."""
        resource_id = self._resource_id(user_input[CONF_RESOURCE_ID].strip())
        name = user_input.get(CONF_NAME, "").strip()
        timing = self._present.get(CONF_TIMING, dict(DEFAULT_TIMING))
        return {
            CONF_TIMING: timing,
            CONF_APPLIANCES: self._present.get(CONF_APPLIANCES, {}),
            **user_input,
            CONF_RESOURCE_ID: resource_id,
            CONF_NAME: name or self._resource_name(resource_id),
            CONF_ACCESS_POINTS: by_registry_id(
                self.hass, user_input[CONF_ACCESS_POINTS]
            ),
        }

    def _resource_id(self, said: str) -> str:
        """Return the id of a resource, for which its name does as well."""
        known = {
            each.id: (each.name.casefold(), each.label.casefold())
            for each in self._resources or ()
        }
        named = [id_ for id_, names in known.items() if said.casefold() in names]
        if said in known or len(named) != 1:
            return registry_id(self.hass, said)
        return named[0]

    def _resource_name(self, resource_id: str) -> str:
        """Return what a resource is called; its id, if nobody knows."""
        names = {each.id: each.name for each in self._resources or ()}
        if resource_id == self._present.get(CONF_RESOURCE_ID):
            names.setdefault(resource_id, self._present[CONF_NAME])
        return names.get(resource_id, resource_id)

    def _is_taken(self, resource_id: str) -> bool:
        """Whether another room is booked as this already."""
        return any(
            other.unique_id == resource_id
            for other in self._get_entry().subentries.values()
            if other.subentry_id != self._own_id
        )

    def _errors(self, room: Mapping[str, Any]) -> tuple[dict[str, str], str]:
        """Return what is wrong with a room, and which door it is about."""
        if not self._is_bookable(room[CONF_RESOURCE_ID]):
            return {CONF_RESOURCE_ID: "unknown_resource"}, ""
        points = room[CONF_ACCESS_POINTS]
        known = self._present.get(CONF_ACCESS_POINTS, ())
        if wrong := unknown_access_point(self.hass, points, known):
            return {CONF_ACCESS_POINTS: "unknown_access_point"}, wrong
        needed = {each for mode in room[CONF_ACCESS] for each in NEEDED[mode]}
        for point in points if needed else ():
            loaded = loaded_access_point(self.hass, point)
            if loaded and not needed & loaded.capabilities:
                name = access_point_name(self.hass, point)
                return {CONF_ACCESS_POINTS: "access_not_supported"}, name
        return {}, ""

    def _is_bookable(self, resource_id: str) -> bool:
        """Whether a resource exists, as far as that can be told now."""
        if not self._resources or self._is_open:
            return bool(resource_id)
        own = self._present.get(CONF_RESOURCE_ID)
        return resource_id in {own, *(each.id for each in self._resources)}

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
