"""Furnish a Home Assistant through the same forms that a person would fill in.

Everything here may run again: what is there already is left as it is.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from homeassistant.util import dt as dt_util
from simulators.base import Simulator

from .client import Client

DOMAIN: Final = "booking_access"
CALENDAR: Final = "calendar.hall"
DOORS: Final = ("lock.front_door", "lock.side_door")
# Of those who only send bookings there would be nothing to see.
VENDORS: Final = {
    "exivo": "access_system",
    "unloc": "access_system",
    **dict.fromkeys(
        ("winkas", "icalendar", "pronestor", "calenso", "clock_pms"), "booking_system"
    ),
}


async def add_local_calendar(client: Client, name: str) -> None:
    """Add a calendar of Home Assistant's own."""
    if name not in {e["title"] for e in await client.entries("local_calendar")}:
        flow = await client.start_flow("local_calendar")
        await client.continue_flow(flow, {"calendar_name": name})


async def add_account(
    client: Client, side: str, system: str, answers: Mapping[str, Any]
) -> str | None:
    """Add an account with all its rooms; returns its entry's id.

    None says that the very same account is there already.
    """
    flow = await client.start_flow(DOMAIN, side, system)
    flow = await client.continue_flow(flow, answers)
    if flow.get("step_id") == "rooms":
        flow = await client.continue_flow(flow, {"resources": _choices(flow)})
    if flow["type"] == "abort" and flow["reason"] == "already_configured":
        return None
    assert flow["type"] == "create_entry", flow
    entry_id: str = flow["result"]["entry_id"]
    return entry_id


async def wire_room(client: Client, entry_id: str, answers: Mapping[str, Any]) -> None:
    """Fill in the form of an account's first room."""
    room = (await client.subentries(entry_id))[0]
    flow = await client.start_subentry_flow(entry_id, "room", room["subentry_id"])
    flow = await client.continue_subentry_flow(flow, answers)
    assert flow["reason"] == "reconfigure_successful", flow


async def room_device(client: Client, subentry_id: str) -> str:
    """Return the id of a room's device."""
    devices = await client.command("config/device_registry/list")
    ids: dict[str, str] = {
        room: device["id"]
        for device in devices
        for rooms in device["config_entries_subentries"].values()
        for room in rooms
    }
    return ids[subentry_id]


async def furnish(client: Client, simulators: Mapping[str, Simulator]) -> None:
    """Furnish the demonstration: the hall, and the vendors' simulators."""
    await add_local_calendar(client, "Hall")
    locks = await add_account(
        client, "access_system", "ha_locks", {"entity_ids": list(DOORS)}
    )
    hall = await add_account(
        client, "booking_system", "ha_calendar", {"entity_ids": [CALENDAR]}
    )
    if locks and hall:
        await client.call_service(
            "alarm_control_panel.alarm_arm_away",
            entity_id="alarm_control_panel.burglar_alarm",
        )
        await wire_room(client, hall, _hall(locks))
    for name, side in VENDORS.items():
        await add_account(client, side, name, simulators[name].credentials())
    await add_booking(client)


async def add_booking(client: Client) -> None:
    """Book the hall in two minutes, unless it is booked soon anyway."""
    soon = dt_util.utcnow() + timedelta(minutes=2)
    answer = await client.api(
        "POST",
        "/api/services/calendar/get_events?return_response",
        {
            "entity_id": CALENDAR,
            "start_date_time": dt_util.utcnow().isoformat(),
            "end_date_time": (soon + timedelta(hours=1)).isoformat(),
        },
    )
    if not answer["service_response"][CALENDAR]["events"]:
        await client.call_service(
            "calendar.create_event",
            entity_id=CALENDAR,
            summary="Choir practice",
            start_date_time=soon.isoformat(),
            end_date_time=(soon + timedelta(minutes=15)).isoformat(),
        )


def _hall(locks: str) -> dict[str, Any]:
    """Return what the hall's form is answered with: short, to be watched."""
    effects = ("access", "alarm", "light", "ventilation")
    timing = {f"{effect}_{side}": 1 for effect in effects for side in ("lead", "lag")}
    return {
        "access_points": [f"{locks}/{door}" for door in DOORS],
        "access": ["hold_open"],
        "alarm": "alarm_control_panel.burglar_alarm",
        "lights": ["light.ceiling_light"],
        "ventilation": ["switch.air_handling"],
        **timing,
    }


def _choices(flow: Mapping[str, Any]) -> list[str]:
    """Return all that the step offers."""
    field = next(f for f in flow["data_schema"] if f["name"] == "resources")
    return [
        option if isinstance(option, str) else option["value"]
        for option in field["selector"]["select"]["options"]
    ]
