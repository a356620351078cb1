"""What an access account has that its vendor cannot list: points, encoders and the like."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)

from .access_systems.base import AccessSystem
from .const import CONF_SYSTEM, LOGGER
from .engine.models import ContractError, MissingRight, VendorError
from .form_schema import NEW, account_schema, form_errors, settings_of, suggested
from .forms import Field
from .systems import ACCESS_SYSTEMS, access_system_of
from .trying import form_error


class TypedInFlow(ConfigSubentryFlow):
    """One thing that people type in; its kind is the type of its subentry."""

    async def async_step_user(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Add one."""
        return await self._async_step("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Change one."""
        return await self._async_step("reconfigure", user_input)

    async def _async_step(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        """Show the form, and keep what is filled in."""
        form, typed = self._form, self._present
        errors: dict[str, str] = {}
        placeholders: dict[str, str] = {}
        if user_input is not None:
            typed = settings_of(self.hass, form, user_input, self._present)
            errors, placeholders = form_errors(form, typed)
            if not errors and self._is_taken(typed):
                errors = {"base": "already_typed_in"}
            if not errors:
                kept = await self._async_type_in(typed)
                if isinstance(kept, Mapping):
                    return self._keep(kept)
                errors, placeholders = _answer(kept)
        schema = account_schema(
            self.hass, form, keep_secrets=not self._is_new, unfolded=bool(errors)
        )
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(
                schema, suggested(self.hass, form, typed)
            ),
            errors=errors,
            description_placeholders={
                "account": self._get_entry().title,
                **placeholders,
            },
        )

    @property
    def _system(self) -> type[AccessSystem]:
        """The account's system."""
        return ACCESS_SYSTEMS[self._get_entry().data[CONF_SYSTEM]]

    @property
    def _form(self) -> Sequence[Field]:
        """The fields of this kind."""
        return self._system.typed_in[self._subentry_type]

    @property
    def _is_new(self) -> bool:
        """Whether it is not there yet."""
        return self.source == SOURCE_USER

    @property
    def _present(self) -> Mapping[str, Any]:
        """What it is like so far; nothing for a new one."""
        return NEW if self._is_new else self._get_reconfigure_subentry().data

    def _is_taken(self, typed: Mapping[str, Any]) -> bool:
        """Whether there is another one with the same id."""
        own = None if self._is_new else self._get_reconfigure_subentry().subentry_id
        typed_id = self._system.typed_id(self._subentry_type, typed)
        return any(
            each.unique_id == typed_id and each.subentry_id != own
            for each in self._get_entry().get_subentries_of_type(self._subentry_type)
        )

    async def _async_type_in(
        self, typed: Mapping[str, Any]
    ) -> Mapping[str, Any] | Exception:
        """Return what is kept of it, or why it cannot be."""
        entry = self._get_entry()
        system: AccessSystem
        if entry.state is ConfigEntryState.LOADED:
            system = entry.runtime_data.system
        else:
            system = access_system_of(self.hass, entry)
        try:
            return await system.type_in(
                self._subentry_type, typed, None if self._is_new else self._present
            )
        except VendorError as err:
            LOGGER.debug("It cannot be typed in: %s", type(err).__name__)
            return err
        except Exception as err:  # noqa: BLE001 - a form must always come back with an answer
            LOGGER.exception("Unexpected error while typing in")
            return err

    def _keep(self, typed: Mapping[str, Any]) -> SubentryFlowResult:
        """Keep a new or changed one."""
        typed_id = self._system.typed_id(self._subentry_type, typed)
        title = str(typed.get("name") or typed_id)
        if self._is_new:
            return self.async_create_entry(title=title, data=typed, unique_id=typed_id)
        return self.async_update_and_abort(
            self._get_entry(),
            self._get_reconfigure_subentry(),
            title=title,
            data=typed,
            unique_id=typed_id,
        )


def _answer(err: Exception) -> tuple[dict[str, str], dict[str, str]]:
    """Return what to show of an error, with the placeholders of its text."""
    if not isinstance(err, VendorError):
        return {"base": "unknown"}, {}
    return {"base": form_error(err)}, {
        "field": err.field if isinstance(err, ContractError) else "",
        "right": err.right if isinstance(err, MissingRight) else "",
    }
