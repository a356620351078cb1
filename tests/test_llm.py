"""What assistants can look up about rooms: what is exposed to them, and nobody's name."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.components.homeassistant.exposed_entities import async_expose_entity
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er, llm
from homeassistant.setup import async_setup_component

from .helpers import Hall, at

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
START = NOW + 2 * HOUR
END = START + HOUR
BOOKINGS = f"{DOMAIN}__get_bookings"
READINESS = f"{DOMAIN}__get_readiness"

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
async def hall(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, calendar: str, lock: str
) -> Hall:
    """A hall that is booked by somebody today and in five days."""
    assert await async_setup_component(hass, "homeassistant", {})
    assert await async_setup_component(hass, "llm", {})
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    hall.room = await hall.add_room()
    await hall.book(START, END, "Quistgaard")
    await hall.book(START + 5 * 24 * HOUR, END + 5 * 24 * HOUR, "Quistgaard")
    for entity in er.async_get(hass).entities.values():
        async_expose_entity(hass, "conversation", entity.entity_id, False)
    return hall


def expose(hass: HomeAssistant, hall: Hall, key: str) -> None:
    """Expose an entity of the hall, as a person does in the settings."""
    entities = er.async_get(hass).entities.values()
    found = next(e for e in entities if e.unique_id == f"{hall.room}-{key}")
    async_expose_entity(hass, "conversation", found.entity_id, True)


async def api(hass: HomeAssistant) -> llm.APIInstance:
    """Return what an assistant is given."""
    context = llm.LLMContext(
        platform="test",
        context=Context(),
        language="en",
        assistant="conversation",
        device_id=None,
    )
    return await llm.async_get_api(hass, "assist", context)


async def ask(hass: HomeAssistant, tool: str, **args: Any) -> list[dict[str, Any]]:
    """Ask as an assistant does."""
    answer = await (await api(hass)).async_call_tool(llm.ToolInput(tool, args))
    data = answer.data if isinstance(answer, llm.ToolResult) else answer
    assert "Quistgaard" not in str(data)
    return data["rooms"]


async def test_only_what_is_exposed_is_told(hass: HomeAssistant, hall: Hall) -> None:
    """Without a room there are no tools."""
    assert not {t.name for t in (await api(hass)).tools} & {BOOKINGS, READINESS}
    expose(hass, hall, "access_status")
    tools = {t.name: t for t in (await api(hass)).tools}
    for name in (BOOKINGS, READINESS):
        assert tools[name].annotations.read_only
        assert tools[name].integration == DOMAIN


async def test_bookings(hass: HomeAssistant, hall: Hall) -> None:
    """Of today, or of the week; of one room, or of all."""
    expose(hass, hall, "bookings")
    [room] = await ask(hass, BOOKINGS)
    assert room["room"] == "Sports hall"
    [booking] = room["bookings"]
    assert datetime.fromisoformat(booking["start"]) == START
    assert datetime.fromisoformat(booking["end"]) == END
    [room] = await ask(hass, BOOKINGS, room="Sports hall", range="week")
    assert len(room["bookings"]) == 2


async def test_readiness(
    hass: HomeAssistant, hall: Hall, freezer: FrozenDateTimeFactory
) -> None:
    """Before, during and with trouble."""
    expose(hass, hall, "door")
    [room] = await ask(hass, READINESS)
    assert (room["status"], room["booked_now"]) == ("ready", False)
    assert datetime.fromisoformat(room["booking"]["start"]) == START
    await at(hass, freezer, START)
    [room] = await ask(hass, READINESS, room="Sports hall")
    assert (room["status"], room["booked_now"]) == ("active", True)
    assert room["access_open_now"] is True
    await hass.config_entries.async_unload(hall.doors.entry_id)
    [room] = await ask(hass, READINESS)
    assert (room["status"], room["reasons"]) == ("attention", ["account_not_loaded"])
