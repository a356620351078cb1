"""What exivo tells of its doors' events: in its log, and by messages to an address.

Confirmed are the names below, ``occurredAt``, and where the component's id stands.
Unknown is which names there are besides, and whether a message and the log's entry
of the same event share an id: so an event is known by its door, name and second.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final

from ..engine.models import AccessEvent, AccessEventKind
from ..push import AccessPush, PushRefused, check_secret, json_of
from .exivo_read import Json, instant_of, text_of

PUSH_HEADER: Final = "Authentication"  # not Authorization
KINDS: Final[Mapping[str, AccessEventKind]] = {
    "componentUnlocked": AccessEventKind.OPENED,
    "accessPermitted": AccessEventKind.GRANTED,
    "accessDenied": AccessEventKind.DENIED,
    "componentNotReady": AccessEventKind.NOT_READY,
    "sabotageAlarm": AccessEventKind.ALARM,
    "shortCircuitOfInputAlarm": AccessEventKind.ALARM,
    "interruptionOfInputAlarm": AccessEventKind.ALARM,
}
LOG: Final = ("accesslog", "component")
# How the log is asked for: the newest first, or as it comes.
LOG_ORDERS: Final[tuple[Mapping[str, str], ...]] = (
    {"sort": "occurredAt", "sortDir": "desc"},
    {},
)
LONGEST_NAME: Final = 80


def event_of(name: str, door: str, at: datetime) -> AccessEvent:
    """Return an event; an alarm that nobody has named yet is one as well."""
    kind = KINDS.get(name)
    if kind is None:
        is_alarm = "alarm" in name.casefold()
        kind = AccessEventKind.ALARM if is_alarm else AccessEventKind.OTHER
    second = at.astimezone(UTC).strftime("%Y%m%dT%H%M%S")
    return AccessEvent(
        id=f"{door}/{name[:LONGEST_NAME]}/{second}", point_id=door, kind=kind, at=at
    )


def logged(entry: Json) -> AccessEvent | None:
    """Read an entry of the log; None if it is not about a door."""
    data = entry.get("data")
    component = data.get("component") if isinstance(data, dict) else None
    door = text_of(component.get("id")) if isinstance(component, dict) else None
    name, at = text_of(entry.get("name")), instant_of(entry.get("occurredAt"))
    return event_of(name, door, at) if name and door and at else None


def reaches_back(page: list[Any], since: datetime) -> bool:
    """Whether a page of the log, the newest first, goes back beyond an instant."""
    times = [
        instant_of(entry.get("occurredAt")) for entry in page if isinstance(entry, dict)
    ]
    told = [each for each in times if each]
    newest_first = len(told) == len(page) and told == sorted(told, reverse=True)
    return bool(told) and newest_first and told[-1] <= since


def pushed(headers: Mapping[str, str], body: bytes, secret: str) -> AccessPush:
    """Read a message; one about something else than a door is heard, and that is all.

    What a component tells of its own state shows in the list of components.
    """
    check_secret(headers, PUSH_HEADER, secret)
    message = json_of(body)
    if not isinstance(message, dict):
        raise PushRefused(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
    name, at = text_of(message.get("name")), instant_of(message.get("occurredAt"))
    if not name or not at:
        lacking = "occurredAt" if name else "name"
        raise PushRefused(
            HTTPStatus.UNPROCESSABLE_ENTITY, "This is no event.", field=lacking
        )
    payload = message.get("payload")
    door = text_of(payload.get("componentId")) if isinstance(payload, dict) else None
    if door is None:
        return AccessPush()
    event = event_of(name, door, at)
    asks = name.startswith("component") and event.kind is not AccessEventKind.OPENED
    return AccessPush(events=(event,), asks=asks)
