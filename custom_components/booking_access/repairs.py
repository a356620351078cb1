"""Repairs that ask: what a human decides, the engine then does."""

from typing import Any

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.core import HomeAssistant

from .const import DATA_HUB, ISSUE_BOOKINGS_VANISHED


class VanishedBookingsFlow(RepairsFlow):
    """Many bookings vanished at once: are they cancelled, or is the list wrong?"""

    def __init__(self, entry_id: str, placeholders: dict[str, str]) -> None:
        """Ask about one booking account."""
        self._entry_id = entry_id
        self._placeholders = placeholders

    async def async_step_init(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """Ask."""
        return self.async_show_menu(
            menu_options=["revoke", "keep"],
            description_placeholders=self._placeholders,
        )

    async def async_step_revoke(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """They are cancelled: take their access back."""
        return self._answer(revoke=True)

    async def async_step_keep(
        self, user_input: dict[str, Any] | None = None
    ) -> RepairsFlowResult:
        """The list is wrong: they stay in force."""
        return self._answer(revoke=False)

    def _answer(self, *, revoke: bool) -> RepairsFlowResult:
        """Do what was decided."""
        self.hass.data[DATA_HUB].async_answer_brake(self._entry_id, revoke=revoke)
        return self.async_create_entry(data={})


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of an issue."""
    if data and issue_id.startswith(ISSUE_BOOKINGS_VANISHED):
        placeholders = {key: str(data[key]) for key in ("account", "count")}
        return VanishedBookingsFlow(str(data["entry_id"]), placeholders)
    return ConfirmRepairFlow()
