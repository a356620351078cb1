"""Options of a booking account: what holds for all of its rooms."""

from collections.abc import Mapping
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    CountrySelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)

from .access_points import access_point_selector, by_registry_id, unknown_access_point
from .const import (
    CONF_COMMON_ACCESS_POINTS,
    CONF_DEFAULT_COUNTRY,
    CONF_ISSUE_AHEAD,
    CONF_TENTATIVE,
    DEFAULT_ISSUE_AHEAD,
    HORIZON,
)

DAYS: Final = vol.All(
    NumberSelector(
        NumberSelectorConfig(
            min=0,
            max=HORIZON.days,
            step=1,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=UnitOfTime.DAYS,
        )
    ),
    vol.Coerce(int),
)


class BookingAccountOptionsFlow(OptionsFlow):
    """The options of one booking account."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        errors: dict[str, str] = {}
        placeholders = {"account": self.config_entry.title}
        present = self.config_entry.options
        if user_input is not None:
            common = by_registry_id(self.hass, user_input[CONF_COMMON_ACCESS_POINTS])
            known = present.get(CONF_COMMON_ACCESS_POINTS, ())
            options = {**user_input, CONF_COMMON_ACCESS_POINTS: common}
            if not (wrong := unknown_access_point(self.hass, common, known)):
                return self.async_create_entry(data=options)
            errors[CONF_COMMON_ACCESS_POINTS] = "unknown_access_point"
            placeholders["door"] = wrong
        country = {CONF_DEFAULT_COUNTRY: self.hass.config.country}
        return self.async_show_form(
            data_schema=self.add_suggested_values_to_schema(
                self._schema(present), user_input or {**country, **present}
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _schema(self, present: Mapping[str, Any]) -> vol.Schema:
        """Return the form's schema."""
        common = present.get(CONF_COMMON_ACCESS_POINTS, [])
        tentative = present.get(CONF_TENTATIVE, False)
        ahead = present.get(CONF_ISSUE_AHEAD, DEFAULT_ISSUE_AHEAD)
        return vol.Schema(
            {
                vol.Optional(
                    CONF_COMMON_ACCESS_POINTS, default=common
                ): access_point_selector(self.hass, common),
                vol.Optional(CONF_DEFAULT_COUNTRY): CountrySelector(),
                vol.Required(CONF_TENTATIVE, default=tentative): BooleanSelector(),
                vol.Required(CONF_ISSUE_AHEAD, default=ahead): DAYS,
            }
        )
