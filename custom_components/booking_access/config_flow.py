"""Setting up accounts: menus, one form for each system, and the pick of rooms."""

from collections.abc import Mapping, Sequence
from functools import partialmethod
import secrets
from typing import Any, override

import voluptuous as vol

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntry,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryData,
    ConfigSubentryFlow,
    FlowType,
    OptionsFlow,
    SubentryFlowContext,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
)

from .const import CONF_RESOURCES, CONF_SYSTEM, DOMAIN, SUBENTRY_ROOM
from .engine.models import Account, Resource
from .form_schema import NEW, account_schema, settings_of, sign_in_fields, suggested
from .forms import Field, FollowUp
from .options_flow import AccessAccountOptionsFlow, BookingAccountOptionsFlow
from .push import CONF_SECRET, CONF_WEBHOOK_ID
from .receiver import async_address
from .subentry_flow import RoomFlow, new_room
from .systems import ACCESS_SYSTEMS, BOOKING_SYSTEMS, form_of, system_class
from .trying import Tried, async_try
from .typed_in_flow import TypedInFlow


class BookingAccessConfigFlow(ConfigFlow, domain=DOMAIN):
    """One account of a booking system or of an access system."""

    VERSION = 1

    def __init__(self) -> None:
        """Start with nothing filled in."""
        self._settings: Mapping[str, Any] = {}
        self._account: Account | None = None
        self._resources: tuple[Resource, ...] = ()
        self._receiver: dict[str, str] = {}
        self._ask = FollowUp()

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Booking accounts have rooms; access accounts what people must type in."""
        key = config_entry.data[CONF_SYSTEM]
        if key in BOOKING_SYSTEMS:
            return {SUBENTRY_ROOM: RoomFlow}
        return dict.fromkeys(ACCESS_SYSTEMS[key].typed_in, TypedInFlow)

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Offer the options of an account."""
        if config_entry.data[CONF_SYSTEM] in BOOKING_SYSTEMS:
            return BookingAccountOptionsFlow()
        return AccessAccountOptionsFlow()

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """All booking accounts have options, and some access accounts."""
        settings = config_entry.data
        key = settings[CONF_SYSTEM]
        return key in BOOKING_SYSTEMS or bool(ACCESS_SYSTEMS[key].options_of(settings))

    @override
    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which side the account is on."""
        return self.async_show_menu(menu_options=["booking_system", "access_system"])

    async def async_step_booking_system(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which booking system it is."""
        return self.async_show_menu(menu_options=list(BOOKING_SYSTEMS))

    async def async_step_access_system(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which access system it is."""
        return self.async_show_menu(menu_options=list(ACCESS_SYSTEMS))

    async def _async_step_account(
        self, key: str, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for an account of the system, and try it."""
        form = system_class(key).form
        tried = Tried({})
        if user_input is not None:
            settings = {
                CONF_SYSTEM: key,
                **self._receiving(key),
                **settings_of(self.hass, form, user_input),
            }
            tried = await self._async_try(form, settings)
            if not tried.errors:
                return await self._async_go_on(tried)
        return self.async_show_form(
            step_id=key,
            data_schema=self.add_suggested_values_to_schema(
                account_schema(self.hass, form, unfolded=bool(tried.errors)), user_input
            ),
            errors=dict(tried.errors),
            description_placeholders={
                "tried": "",
                **self._to_paste(key),
                **tried.placeholders,
            },
        )

    async def _async_step_follow_up(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what the account's first form did not, and try again."""
        ask, tried = self._ask, Tried({})
        if user_input is not None:
            settings = settings_of(self.hass, ask.fields, user_input, self._settings)
            tried = await self._async_try(ask.fields, settings)
            if not tried.errors:
                return await self._async_go_on(tried)
        return self.async_show_form(
            step_id=ask.step,
            data_schema=self.add_suggested_values_to_schema(
                account_schema(self.hass, ask.fields, unfolded=bool(tried.errors)),
                user_input or suggested(self.hass, ask.fields, self._settings),
            ),
            errors=dict(tried.errors),
            description_placeholders={
                "tried": "",
                **self._to_paste(self._settings[CONF_SYSTEM], self._settings),
                **ask.placeholders,
                **tried.placeholders,
            },
        )

    async def _async_go_on(self, tried: Tried) -> ConfigFlowResult:
        """Ask the next form, or keep the account, which works."""
        self._settings = tried.settings
        if tried.ask:
            self._ask = tried.ask
            return await self._async_step_follow_up()
        self._account, self._resources = tried.account, tried.resources
        if self.source == SOURCE_REAUTH:
            return await self._async_keep(self._get_reauth_entry(), tried.settings)
        if self.source == SOURCE_RECONFIGURE:
            return await self._async_keep(self._get_reconfigure_entry(), tried.settings)
        return await self._async_add()

    async def _async_add(self) -> ConfigFlowResult:
        """Add an account that works, with the rooms that are picked."""
        assert self._account
        key = self._settings[CONF_SYSTEM]
        await self.async_set_unique_id(f"{key}:{self._account.id}")
        self._abort_if_unique_id_configured(reload_on_update=False)
        if key in ACCESS_SYSTEMS:
            return self._create_entry("access_system")
        if BOOKING_SYSTEMS[key].is_fed and not self._resources:
            return self._create_entry("booking_system")
        return await self.async_step_rooms()

    def _receiving(self, key: str, before: Mapping[str, Any] = NEW) -> dict[str, str]:
        """Return the settings of where an account is brought news, if it is.

        They are made once, so that what is shown is what is kept.
        """
        if not system_class(key).can_push:
            return {}
        if not self._receiver:
            self._receiver = {
                CONF_WEBHOOK_ID: before.get(CONF_WEBHOOK_ID)
                or webhook.async_generate_id(),
                CONF_SECRET: before.get(CONF_SECRET) or secrets.token_urlsafe(24),
            }
        return self._receiver

    def _to_paste(self, key: str, before: Mapping[str, Any] = NEW) -> dict[str, str]:
        """Return what people are to paste at the vendor, for the form to show."""
        if not (receiver := self._receiving(key, before)):
            return {"paste": ""}
        address = async_address(self.hass, receiver[CONF_WEBHOOK_ID])
        header, secret = system_class(key).push_header, receiver[CONF_SECRET]
        lines = [f"POST {address}", *([f"{header}: {secret}"] if header else [])]
        return {
            "address": address,
            "header": header or "",
            "secret": secret,
            "paste": "\n".join(["```", *lines, "```", "", ""]),
        }

    async def async_step_rooms(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which resources become rooms, many at once."""
        assert self._account
        if user_input is not None:
            names = {resource.id: resource.name for resource in self._resources}
            picked = user_input.get(CONF_RESOURCES, [])
            return self._create_entry(
                "booking_system", [new_room(each, names[each]) for each in picked]
            )
        options = [
            SelectOptionDict(value=resource.id, label=resource.label)
            for resource in self._resources
        ]
        # A list to tick: eighty rooms would take long to pick one by one.
        selector = SelectSelector(
            SelectSelectorConfig(
                options=options,
                multiple=True,
                mode=SelectSelectorMode.LIST,
                sort=True,
            )
        )
        schema = vol.Schema({vol.Optional(CONF_RESOURCES): selector})
        # What a person named one by one a moment ago is certainly wanted.
        named = system_class(self._settings[CONF_SYSTEM]).is_choice
        wanted = {CONF_RESOURCES: [option["value"] for option in options if named]}
        return self.async_show_form(
            step_id="rooms",
            data_schema=self.add_suggested_values_to_schema(schema, wanted),
            description_placeholders={
                "account": self._account.title,
                "count": str(len(options)),
            },
        )

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the form of a room, or of what must be typed in, where there is none."""
        entry = result["result"]
        kinds = self.async_get_supported_subentry_types(entry)
        if kinds and not entry.subentries:
            first = await self.hass.config_entries.subentries.async_init(
                (entry.entry_id, next(iter(kinds))),
                context=SubentryFlowContext(source=SOURCE_USER),
            )
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, first["flow_id"])
        return result

    async def async_step_reauth(
        self, entry_data: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Ask for credentials that work again."""
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the credentials of the same account."""
        entry = self._get_reauth_entry()
        form = sign_in_fields(form_of(entry.data))
        return await self._async_change(entry, "reauth_confirm", form, user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change anything about the connection to the same account."""
        entry = self._get_reconfigure_entry()
        form = form_of(entry.data)
        return await self._async_change(entry, "reconfigure", form, user_input)

    async def _async_change(
        self,
        entry: ConfigEntry,
        step_id: str,
        form: Sequence[Field],
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Try what was changed about an account that exists, and keep it if it works."""
        settings: Mapping[str, Any] = entry.data
        tried = Tried(settings)
        key = entry.data[CONF_SYSTEM]
        to_paste = self._to_paste(key, entry.data)
        if user_input is not None:
            before = {**entry.data, **self._receiving(key, entry.data)}
            settings = settings_of(self.hass, form, user_input, before)
            tried = await self._async_try(form, settings)
            if not tried.errors:
                return await self._async_go_on(tried)
        is_reauth = self.source == SOURCE_REAUTH
        schema = account_schema(
            self.hass,
            form,
            keep_secrets=not is_reauth,
            unfolded=is_reauth or bool(tried.errors),
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                schema, suggested(self.hass, form, settings)
            ),
            errors=dict(tried.errors),
            description_placeholders={
                "account": entry.title,
                "tried": "",
                **to_paste,
                **tried.placeholders,
            },
        )

    async def _async_keep(
        self, entry: ConfigEntry, settings: Mapping[str, Any]
    ) -> ConfigFlowResult:
        """Keep changed settings that work, if they are the same account's."""
        assert self._account
        key = entry.data[CONF_SYSTEM]
        unique_id = f"{key}:{self._account.id}"
        await self.async_set_unique_id(unique_id)
        system = system_class(key)
        if not (system.is_choice or system.may_move):
            self._abort_if_unique_id_mismatch(
                reason="wrong_account",
                description_placeholders={"account": entry.title},
            )
        elif entry.unique_id != unique_id:
            self._abort_if_unique_id_configured(reload_on_update=False)
        # Only a loaded account hears of a change by itself.
        hears = settings != entry.data and entry.update_listeners
        result = self.async_update_and_abort(entry, unique_id=unique_id, data=settings)
        if not hears:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)
        return result

    async def _async_try(
        self, form: Sequence[Field], settings: Mapping[str, Any]
    ) -> Tried:
        """Try settings out; what people see meanwhile is what they filled in."""
        self._settings = settings
        return await async_try(self.hass, form, settings)

    def _create_entry(
        self, description: str, rooms: Sequence[ConfigSubentryData] = ()
    ) -> ConfigFlowResult:
        """Keep the account, and the rooms that were picked."""
        assert self._account
        return self.async_create_entry(
            title=self._account.title,
            data=self._settings,
            description=description,
            subentries=rooms,
        )


for _key in (*BOOKING_SYSTEMS, *ACCESS_SYSTEMS):
    setattr(
        BookingAccessConfigFlow,
        f"async_step_{_key}",
        partialmethod(BookingAccessConfigFlow._async_step_account, _key),  # noqa: SLF001 - our own class
    )
for _step in {step for each in ACCESS_SYSTEMS.values() for step in each.follow_ups}:
    setattr(
        BookingAccessConfigFlow,
        f"async_step_{_step}",
        BookingAccessConfigFlow._async_step_follow_up,  # noqa: SLF001 - our own class
    )
