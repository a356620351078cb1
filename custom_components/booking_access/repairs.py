"""Repairs that ask: what a human decides, the engine then does."""

from collections.abc import Mapping
from typing import Any, override

from homeassistant.components.repairs import (
    ConfirmRepairFlow,
    FlowType,
    RepairsFlow,
    RepairsFlowResult,
)
from homeassistant.config_entries import SOURCE_RECONFIGURE, SubentryFlowContext
from homeassistant.core import HomeAssistant

from .const import (
    DATA_HUB,
    ISSUE_ALARM_DOOR,
    ISSUE_BOOKINGS_VANISHED,
    ISSUE_DOOR_GONE,
    SUBENTRY_ROOM,
)
from .room_issues import OPEN_ROOM, async_remedy


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


class RoomRepairFlow(ConfirmRepairFlow):
    """A room wants attention: lead to its form, or do what a human wishes."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Be about one room."""
        self._data = data

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Ask, and then do it."""
        if user_input is None:
            return await super().async_step_confirm()
        if self._data["remedy"] != OPEN_ROOM:
            await async_remedy(self.hass, self._data)
            return self.async_create_entry(data={})
        next_flow = await _async_open_room(self.hass, self._data)
        return self.async_create_entry(data={}, next_flow=next_flow)


class DoorRepairFlow(ConfirmRepairFlow):
    """Something is wrong with a door: lead to the form in which it was chosen."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Be about one door of one room, or of all rooms of an account."""
        self._data = data

    @override
    async def async_step_confirm(
        self, user_input: dict[str, str] | None = None
    ) -> RepairsFlowResult:
        """Say what is wrong, and go on; the issue goes once the door is put right."""
        if user_input is None:
            return await super().async_step_confirm()
        data, entries = self._data, self.hass.config_entries
        entry = entries.async_get_entry(str(data["entry_id"]))
        if entry is None or data["room_id"] not in (None, *entry.subentries):
            return self.async_create_entry(data={})
        if data["room_id"]:
            next_flow = await _async_open_room(self.hass, data)
        else:
            options = await entries.options.async_init(entry.entry_id)
            next_flow = (FlowType.OPTIONS_FLOW, options["flow_id"])
        return self.async_abort(reason="choose_doors", next_flow=next_flow)


async def _async_open_room(
    hass: HomeAssistant, data: Mapping[str, Any]
) -> tuple[FlowType, str]:
    """Open the form of a room."""
    form = await hass.config_entries.subentries.async_init(
        (str(data["entry_id"]), SUBENTRY_ROOM),
        context=SubentryFlowContext(
            source=SOURCE_RECONFIGURE, subentry_id=str(data["room_id"])
        ),
    )
    return FlowType.CONFIG_SUBENTRIES_FLOW, form["flow_id"]


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, Any] | None
) -> RepairsFlow:
    """Return the flow of an issue."""
    if data and issue_id.startswith(ISSUE_BOOKINGS_VANISHED):
        placeholders = {key: str(data[key]) for key in ("account", "count")}
        return VanishedBookingsFlow(str(data["entry_id"]), placeholders)
    if data and issue_id.startswith("room_"):
        return RoomRepairFlow(data)
    if data and issue_id.startswith((ISSUE_ALARM_DOOR, ISSUE_DOOR_GONE)):
        return DoorRepairFlow(data)
    return ConfirmRepairFlow()
