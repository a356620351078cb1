"""Options of a booking account: what holds for all of its rooms."""

from typing import Any

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfTime
from homeassistant.helpers.selector import (
    BooleanSelector,
    CountrySelector,
    CountrySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
)

from .const import (
    CONF_COMMON_ACCESS_POINTS,
    CONF_DEFAULT_COUNTRY,
    CONF_ISSUE_AHEAD,
    CONF_TENTATIVE,
    DEFAULT_ISSUE_AHEAD,
)
from .subentry_flow import access_point_options


class BookingAccountOptionsFlow(OptionsFlow):
    """The options of one booking account."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        options = self.config_entry.options
        common = options.get(CONF_COMMON_ACCESS_POINTS, ())
        schema = vol.Schema(
            {
                vol.Optional(CONF_COMMON_ACCESS_POINTS, default=list): SelectSelector(
                    SelectSelectorConfig(
                        options=access_point_options(self.hass, "", common),
                        multiple=True,
                        custom_value=True,
                    )
                ),
                vol.Optional(CONF_DEFAULT_COUNTRY): CountrySelector(
                    CountrySelectorConfig()
                ),
                vol.Required(CONF_TENTATIVE, default=False): BooleanSelector(),
                vol.Required(CONF_ISSUE_AHEAD, default=DEFAULT_ISSUE_AHEAD): vol.All(
                    NumberSelector(
                        NumberSelectorConfig(
                            min=0,
                            max=14,
                            step=1,
                            mode=NumberSelectorMode.BOX,
                            unit_of_measurement=UnitOfTime.DAYS,
                        )
                    ),
                    vol.Coerce(int),
                ),
            }
        )
        suggested = {CONF_DEFAULT_COUNTRY: self.hass.config.country, **options}
        return self.async_show_form(
            data_schema=self.add_suggested_values_to_schema(schema, suggested)
        )
