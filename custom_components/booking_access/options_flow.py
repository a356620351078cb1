"""Options of an account: what holds for all of its rooms or doors."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import voluptuous as vol

from homeassistant.config_entries import ConfigFlowResult, OptionsFlow
from homeassistant.const import UnitOfTime
from homeassistant.data_entry_flow import section
from homeassistant.helpers.selector import (
    BooleanSelector,
    CountrySelector,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    TextSelector,
    TextSelectorConfig,
)

from .access_points import access_point_selector, by_registry_id, unknown_access_point
from .const import (
    CONF_ADVANCED,
    CONF_COMMON_ACCESS_POINTS,
    CONF_DEFAULT_COUNTRY,
    CONF_ISSUE_AHEAD,
    CONF_SYSTEM,
    CONF_TENTATIVE,
    DEFAULT_ISSUE_AHEAD,
    HORIZON,
)
from .form_schema import account_schema, form_errors, settings_of, suggested
from .forms import Field
from .systems import ACCESS_SYSTEMS, BOOKING_SYSTEMS

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
# What is written in patterns between braces, and so cannot stand in a text itself.
IN_BRACES: Final = {name: f"{{{name}}}" for name in ("name", "phone", "email")}


class BookingAccountOptionsFlow(OptionsFlow):
    """The options of one booking account."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        errors: dict[str, str] = {}
        placeholders = {"account": self.config_entry.title, **IN_BRACES}
        present = self.config_entry.options
        own = BOOKING_SYSTEMS[self.config_entry.data[CONF_SYSTEM]].options
        if user_input is not None:
            common = by_registry_id(self.hass, user_input[CONF_COMMON_ACCESS_POINTS])
            known = present.get(CONF_COMMON_ACCESS_POINTS, ())
            given = user_input.get(CONF_ADVANCED, {})
            patterns = {f.name: _lines(f, given, present) for f in own}
            if wrong := unknown_access_point(self.hass, common, known):
                errors[CONF_COMMON_ACCESS_POINTS] = "unknown_access_point"
                placeholders["door"] = wrong
            elif unusable := _unusable(own, patterns):
                errors[CONF_ADVANCED] = "bad_pattern"
                placeholders["pattern"] = unusable
            else:
                plain = {k: v for k, v in user_input.items() if k != CONF_ADVANCED}
                options = {**plain, CONF_COMMON_ACCESS_POINTS: common, **patterns}
                return self.async_create_entry(data=options)
        country = {CONF_DEFAULT_COUNTRY: self.hass.config.country}
        return self.async_show_form(
            data_schema=self.add_suggested_values_to_schema(
                self._schema(own, present, unfolded=CONF_ADVANCED in errors),
                user_input or {**country, **present},
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    def _schema(
        self, own: Sequence[Field], present: Mapping[str, Any], *, unfolded: bool
    ) -> vol.Schema:
        """Return the form's schema; ``own`` are the fields of the account's system."""
        common = present.get(CONF_COMMON_ACCESS_POINTS, [])
        tentative = present.get(CONF_TENTATIVE, False)
        ahead = present.get(CONF_ISSUE_AHEAD, DEFAULT_ISSUE_AHEAD)
        schema: dict[vol.Marker, Any] = {
            vol.Optional(
                CONF_COMMON_ACCESS_POINTS, default=common
            ): access_point_selector(self.hass, common),
            vol.Optional(CONF_DEFAULT_COUNTRY): CountrySelector(),
            vol.Required(CONF_TENTATIVE, default=tentative): BooleanSelector(),
            vol.Required(CONF_ISSUE_AHEAD, default=ahead): DAYS,
        }
        if own:
            folded = vol.Schema(
                # Required, or else the frontend could not empty them.
                {
                    vol.Required(
                        field.name, default=list(present.get(field.name, field.default))
                    ): TextSelector(TextSelectorConfig(multiple=True))
                    for field in own
                }
            )
            schema[vol.Optional(CONF_ADVANCED)] = section(
                folded, {"collapsed": not unfolded}
            )
        return vol.Schema(schema)


class AccessAccountOptionsFlow(OptionsFlow):
    """The options of one access account, as its system declares them."""

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the options."""
        settings = self.config_entry.data
        own = ACCESS_SYSTEMS[settings[CONF_SYSTEM]].options_of(settings)
        options: Mapping[str, Any] = self.config_entry.options
        errors: dict[str, str] = {}
        placeholders = {"account": self.config_entry.title}
        if user_input is not None:
            options = settings_of(self.hass, own, user_input, options)
            errors, more = form_errors(own, options)
            if not errors:
                return self.async_create_entry(data=options)
            placeholders |= more
        return self.async_show_form(
            step_id="access",
            data_schema=self.add_suggested_values_to_schema(
                account_schema(self.hass, own, unfolded=bool(errors)),
                suggested(self.hass, own, options),
            ),
            errors=errors,
            description_placeholders=placeholders,
        )

    async def async_step_access(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Take what was filled in."""
        return await self.async_step_init(user_input)


def _lines(
    field: Field, given: Mapping[str, Any], present: Mapping[str, Any]
) -> list[str]:
    """Return the patterns of a field, as they were if the form was left folded."""
    lines = given.get(field.name, present.get(field.name, field.default))
    return list(dict.fromkeys(filter(None, (line.strip() for line in lines))))


def _unusable(own: Sequence[Field], patterns: Mapping[str, list[str]]) -> str | None:
    """Return the first pattern that makes no sense where it stands."""
    found = (f.check(patterns[f.name]) for f in own if f.check)
    return next(filter(None, found), None)
