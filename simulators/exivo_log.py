"""What happens at the doors of the exivo simulator: its log, and messages about it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final
from uuid import uuid4

from aiohttp import web

from .exivo_site import Component, Json, Refused, wire_time

# What the page names; there are more.
EVENTS: Final = (
    "componentUnlocked",
    "componentNotReady",
    "accessDenied",
    "accessPermitted",
    "sabotageAlarm",
    "shortCircuitOfInputAlarm",
    "interruptionOfInputAlarm",
)


def entry_of(
    name: str, component: Component, at: datetime, data: Mapping[str, Any]
) -> Json:
    """Return an entry of the log."""
    named = {key: component.shown[key] for key in ("id", "identifier", "labelling")}
    title = " ".join(filter(None, (named["identifier"], named["labelling"])))
    return {
        "id": str(uuid4()),
        "name": name,
        "occurredAt": wire_time(at),
        "data": {"component": {**named, "title": title}, **data},
    }


def message_of(entry: Json, payload: Mapping[str, Any], *, whole_seconds: bool) -> Json:
    """Return the message about an entry of the log, with or without a fraction."""
    at = str(entry["occurredAt"])
    component = entry["data"]["component"]
    return {
        "name": entry["name"],
        "occurredAt": at.partition(".")[0] + "Z" if whole_seconds else at,
        "payload": {"componentId": component["id"], **payload},
    }


def occurred_at(wish: Mapping[str, Any]) -> datetime:
    """Return when something is to have happened; now, if it is not said."""
    at = wish.get("occurredAt")
    return datetime.fromisoformat(at).astimezone(UTC) if at else datetime.now(UTC)


def asked_for(request: web.Request, log: list[Json]) -> list[Json]:
    """Return the entries of all components or one, from day to day."""
    wanted = request.match_info.get("id")
    first = _day(request, "from", date.min).isoformat()
    last = _day(request, "to", date.max).isoformat()
    return [
        entry
        for entry in log
        if wanted in (None, entry["data"]["component"]["id"])
        and first <= entry["occurredAt"][:10] <= last
    ]


def _day(request: web.Request, name: str, default: date) -> date:
    """Return a day of the query."""
    value = request.query.get(name)
    try:
        return default if value is None else date.fromisoformat(value)
    except ValueError as err:
        raise Refused(f"invalid: {name}") from err
