"""Setting up accounts: menus, one form for each system, and the pick of rooms."""

from collections.abc import Mapping, Sequence
from functools import partialmethod
import secrets
from typing import Any, override

import voluptuous as vol

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_REAUTH,
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

from .access_systems.base import AccessSystem
from .booking_systems.base import BookingSystem
from .const import CONF_RESOURCES, CONF_SYSTEM, DOMAIN, LOGGER, SUBENTRY_ROOM
from .engine.models import (
    Account,
    AuthError,
    ContractError,
    MissingRight,
    RateLimited,
    Rejected,
    Resource,
    VendorError,
)
from .form_schema import (
    NEW,
    account_schema,
    form_errors,
    settings_of,
    sign_in_fields,
    suggested,
)
from .forms import Field
from .options_flow import BookingAccountOptionsFlow
from .push import CONF_SECRET, CONF_WEBHOOK_ID
from .receiver import async_address
from .subentry_flow import RoomFlow, new_room
from .systems import (
    ACCESS_SYSTEMS,
    BOOKING_SYSTEMS,
    create_access_system,
    create_booking_system,
    system_class,
)


class BookingAccessConfigFlow(ConfigFlow, domain=DOMAIN):
    """One account of a booking system or of an access system."""

    VERSION = 1

    def __init__(self) -> None:
        """Start with nothing filled in."""
        self._settings: Mapping[str, Any] = {}
        self._account: Account | None = None
        self._resources: tuple[Resource, ...] = ()
        self._receiver: dict[str, str] = {}

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Only booking accounts have rooms."""
        if config_entry.data[CONF_SYSTEM] in BOOKING_SYSTEMS:
            return {SUBENTRY_ROOM: RoomFlow}
        return {}

    @staticmethod
    @callback
    @override
    def async_get_options_flow(config_entry: ConfigEntry) -> OptionsFlow:
        """Offer the options of a booking account."""
        return BookingAccountOptionsFlow()

    @classmethod
    @callback
    @override
    def async_supports_options_flow(cls, config_entry: ConfigEntry) -> bool:
        """Only booking accounts have options."""
        return config_entry.data[CONF_SYSTEM] in BOOKING_SYSTEMS

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
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            settings = {
                CONF_SYSTEM: key,
                **self._receiving(key),
                **settings_of(self.hass, form, user_input),
            }
            errors, placeholders = await self._async_try(form, settings)
            if not errors:
                assert self._account
                await self.async_set_unique_id(f"{key}:{self._account.id}")
                self._abort_if_unique_id_configured(reload_on_update=False)
                if key in ACCESS_SYSTEMS:
                    return self._create_entry("access_system")
                if BOOKING_SYSTEMS[key].is_fed and not self._resources:
                    return self._create_entry("booking_system")
                return await self.async_step_rooms()
        return self.async_show_form(
            step_id=key,
            data_schema=self.add_suggested_values_to_schema(
                account_schema(self.hass, form, unfolded=bool(errors)), user_input
            ),
            errors=errors,
            description_placeholders={
                "tried": "",
                **self._to_paste(key),
                **placeholders,
            },
        )

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
        """Go on with the form of a room where none was picked."""
        entry = result["result"]
        if entry.data[CONF_SYSTEM] in BOOKING_SYSTEMS and not entry.subentries:
            room = await self.hass.config_entries.subentries.async_init(
                (entry.entry_id, SUBENTRY_ROOM),
                context=SubentryFlowContext(source=SOURCE_USER),
            )
            result["next_flow"] = (FlowType.CONFIG_SUBENTRIES_FLOW, room["flow_id"])
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
        form = sign_in_fields(system_class(entry.data[CONF_SYSTEM]).form)
        return await self._async_change(entry, "reauth_confirm", form, user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Change anything about the connection to the same account."""
        entry = self._get_reconfigure_entry()
        form = system_class(entry.data[CONF_SYSTEM]).form
        return await self._async_change(entry, "reconfigure", form, user_input)

    async def _async_change(
        self,
        entry: ConfigEntry,
        step_id: str,
        form: Sequence[Field],
        user_input: dict[str, Any] | None,
    ) -> ConfigFlowResult:
        """Try what was changed about an account that exists, and keep it if it works."""
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        settings: Mapping[str, Any] = entry.data
        key = entry.data[CONF_SYSTEM]
        to_paste = self._to_paste(key, entry.data)
        if user_input is not None:
            before = {**entry.data, **self._receiving(key, entry.data)}
            settings = settings_of(self.hass, form, user_input, before)
            errors, placeholders = await self._async_try(form, settings)
            if not errors:
                return await self._async_keep(entry, settings)
        is_reauth = self.source == SOURCE_REAUTH
        schema = account_schema(
            self.hass,
            form,
            keep_secrets=not is_reauth,
            unfolded=is_reauth or bool(errors),
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                schema, suggested(self.hass, form, settings)
            ),
            errors=errors,
            description_placeholders={
                "account": entry.title,
                "tried": "",
                **to_paste,
                **placeholders,
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
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Ask the vendor who we are; return the form's errors and their placeholders."""
        self._settings = settings
        errors, placeholders = form_errors(form, settings)
        if errors:
            return errors, placeholders
        system: BookingSystem | AccessSystem | None = None
        try:
            if settings[CONF_SYSTEM] in ACCESS_SYSTEMS:
                system = create_access_system(self.hass, settings)
                self._account = await system.validate()
            else:
                system = create_booking_system(self.hass, settings)
                self._account = await system.validate()
                self._resources = await system.list_resources()
        except VendorError as err:
            LOGGER.debug("The account cannot be used: %s", type(err).__name__)
            return {"base": form_error(err)}, {
                "field": err.field if isinstance(err, ContractError) else "",
                "tried": system.tried if system else "",
                "right": err.right if isinstance(err, MissingRight) else "",
            }
        except Exception:  # noqa: BLE001 - a form must always come back with an answer
            LOGGER.exception("Unexpected error while trying an account")
            return {"base": "unknown"}, {}
        return {}, {}

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


def form_error(err: VendorError) -> str:
    """Return the text for what a vendor said to an account."""
    match err:
        case AuthError():
            return "invalid_auth"
        case RateLimited():
            return "rate_limited"
        case MissingRight():
            return "missing_right"
        case ContractError():
            return "unexpected_answer"
        case Rejected():
            return str(err)
    return "cannot_connect"


for _key in (*BOOKING_SYSTEMS, *ACCESS_SYSTEMS):
    setattr(
        BookingAccessConfigFlow,
        f"async_step_{_key}",
        partialmethod(BookingAccessConfigFlow._async_step_account, _key),  # noqa: SLF001 - our own class
    )
