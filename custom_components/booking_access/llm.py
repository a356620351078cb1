"""What assistants may look up: the bookings and the readiness of rooms exposed to them.

They only read. Whoever books is not told: only when, and whether the room is ready.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, override

import voluptuous as vol

from homeassistant.components.homeassistant import async_should_expose
from homeassistant.components.llm import LLMTools
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.llm import (
    LLM_API_ASSIST,
    LLMContext,
    Tool,
    ToolAnnotations,
    ToolInput,
    ToolResult,
)
from homeassistant.util import dt as dt_util
from homeassistant.util.json import JsonObjectType

from .const import DATA_HUB, DOMAIN
from .engine.models import FOREVER, Booking, Effect
from .engine.windows import refusal
from .entity import rooms_of_entities
from .room import LiveRoom

# A room is exposed if one of these entities is.
TELLING: Final = ("bookings", "access_status", "booked", "door")
DAYS: Final[Mapping[str, int]] = {"today": 1, "week": 7}


class RoomTool(Tool):
    """Looks something up about rooms."""

    integration = DOMAIN
    annotations = ToolAnnotations(
        read_only=True, destructive=False, idempotent=True, open_world=False
    )
    fields: ClassVar[Mapping[vol.Marker, Any]] = {}

    def __init__(self, rooms: Mapping[str, LiveRoom]) -> None:
        """Offer rooms, by their names."""
        self.rooms = rooms
        self.parameters = vol.Schema(
            {vol.Optional("room"): vol.In(sorted(rooms)), **self.fields}
        )

    def wanted(self, data: Mapping[str, Any]) -> Iterable[tuple[str, LiveRoom]]:
        """Return the room that is asked about; all of them if none is."""
        if name := data.get("room"):
            return [(name, self.rooms[name])]
        return self.rooms.items()


class GetBookingsTool(RoomTool):
    """When rooms are booked."""

    name = f"{DOMAIN}__get_bookings"
    title = "Get room bookings"
    description = (
        "Get when rooms are booked, today or in the coming week. Without a room, of "
        "all rooms. 'end' is exclusive; an end of null means that it has none."
    )
    fields: ClassVar[Mapping[vol.Marker, Any]] = {
        vol.Optional("range", default="today"): vol.In(sorted(DAYS))
    }

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> ToolResult:
        """Look the bookings up."""
        data = self.parameters(tool_input.tool_args)
        now = dt_util.utcnow()
        until = dt_util.start_of_local_day() + timedelta(days=DAYS[data["range"]])
        return ToolResult(
            data={
                "rooms": [
                    {"room": name, "bookings": list(_bookings(room, now, until))}
                    for name, room in self.wanted(data)
                ]
            }
        )


class GetReadinessTool(RoomTool):
    """Whether rooms are ready."""

    name = f"{DOMAIN}__get_readiness"
    title = "Get room readiness"
    description = (
        "Get whether rooms are booked now, whether their people can get in now, and "
        "whether everything is in place for the next booking. A status of 'attention' "
        "comes with the reasons. Without a room, of all rooms."
    )

    @override
    async def async_call(
        self, hass: HomeAssistant, tool_input: ToolInput, llm_context: LLMContext
    ) -> ToolResult:
        """Look at the rooms."""
        data = self.parameters(tool_input.tool_args)
        return ToolResult(
            data={"rooms": [_readiness(*each) for each in self.wanted(data)]}
        )


def _bookings(
    room: LiveRoom, now: datetime, until: datetime
) -> Iterable[JsonObjectType]:
    """Yield the bookings that count and lie in the time asked for."""
    for booking in room.bookings:
        counts = refusal(booking, tentative=room.config.tentative) is None
        if counts and booking.end > now and booking.start < until:
            yield _times(booking)


def _times(booking: Booking) -> JsonObjectType:
    """Return when a booking is, in local time."""
    end = booking.end
    return {
        "start": dt_util.as_local(booking.start).isoformat(),
        "end": dt_util.as_local(end).isoformat() if end < FOREVER else None,
    }


def _readiness(name: str, room: LiveRoom) -> JsonObjectType:
    """Return how a room is."""
    booking = room.booking
    return {
        "room": name,
        "status": room.status.value,
        "reasons": list(room.reasons),
        "booked_now": room.is_booked,
        "access_open_now": room.is_active(Effect.ACCESS),
        "booking": _times(booking) if booking else None,
    }


@callback
def async_get_tools(
    hass: HomeAssistant, llm_context: LLMContext, api_id: str
) -> LLMTools | None:
    """Return the tools, if a room is exposed."""
    if api_id != LLM_API_ASSIST or (hub := hass.data.get(DATA_HUB)) is None:
        return None
    exposed = [
        each.entity_id
        for each in er.async_get(hass).entities.values()
        if each.platform == DOMAIN
        and async_should_expose(hass, llm_context.assistant, each.entity_id)
    ]
    ids = {
        room_id
        for key in TELLING
        for room_id in rooms_of_entities(hass, exposed, key).values()
    }
    rooms = {room.config.name: room for id_, room in hub.rooms.items() if id_ in ids}
    if not rooms:
        return None
    return LLMTools(tools=[GetBookingsTool(rooms), GetReadinessTool(rooms)])
