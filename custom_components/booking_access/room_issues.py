"""Repair issues of rooms: what stands in the way of their bookings, while it does."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval

from .const import CONF_RESOURCE_ID, DATA_HUB, DOMAIN, LOGGER, SUBENTRY_ROOM
from .coordinator import BookingAccessConfigEntry, BookingCoordinator
from .engine.models import VendorError
from .room import LiveRoom

# What passes sooner is not worth telling.
PATIENCE: Final = timedelta(minutes=5)
LOOK_EVERY: Final = timedelta(minutes=1)
LIST_EVERY: Final = timedelta(days=1)

# What can be done about each reason; the others have issues of their own, or none.
OPEN_ROOM: Final = "room"  # lead to the room's form
RELOAD: Final = "reload"  # load its access accounts again
TRY_AGAIN: Final = "try_again"
READ: Final = None  # only a person can, elsewhere
REMEDIES: Final[Mapping[str, str | None]] = {
    "access_not_supported": OPEN_ROOM,
    "account_not_loaded": RELOAD,
    "alarm_failed": TRY_AGAIN,
    "booking_without_duration": READ,
    "code_length_unfit": READ,
    "code_slots_full": TRY_AGAIN,
    "door_failed": TRY_AGAIN,
    "grant_failed": TRY_AGAIN,
    "phone_invalid": READ,
    "phone_missing": READ,
    "revoke_failed": TRY_AGAIN,
    "schedule_failed": TRY_AGAIN,
}
RESOURCE_GONE: Final = "resource_gone"


class RoomIssues:
    """Says which rooms want attention, and why, once that has lasted for a while."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Know of nothing yet."""
        self._hass = hass
        self._since: dict[tuple[str, str], datetime] = {}
        self._told: set[tuple[str, str]] = set()

    @callback
    def async_start(self) -> CALLBACK_TYPE:
        """Look once a minute; returns how to stop that."""
        return async_track_time_interval(
            self._hass, self.async_look, LOOK_EVERY, cancel_on_shutdown=True
        )

    @callback
    def async_look(self, now: datetime) -> None:
        """Say what lasts, and take back what is over."""
        rooms = self._hass.data[DATA_HUB].rooms
        _forget_rooms_but(self._hass, rooms)
        present = {
            (room_id, reason): room
            for room_id, room in rooms.items()
            for reason in room.reasons
            if reason in REMEDIES
        }
        for key in self._since.keys() - present.keys():
            del self._since[key]
            self._told.discard(key)
            ir.async_delete_issue(self._hass, DOMAIN, _issue_id(*key))
        for key, room in present.items():
            if key in self._told and not self._is_open(key):
                self._told.discard(key)  # somebody did something about it just now
                self._since[key] = now
            if now - self._since.setdefault(key, now) >= PATIENCE:
                self._told.add(key)
                _report(self._hass, room, key[1], REMEDIES[key[1]])

    def _is_open(self, key: tuple[str, str]) -> bool:
        """Whether what was told still stands among the repairs."""
        return (
            ir.async_get(self._hass).async_get_issue(DOMAIN, _issue_id(*key))
            is not None
        )


def _issue_id(room_id: str, reason: str) -> str:
    """Name the issue of a room."""
    return f"room_{reason}_{room_id}"


@callback
def _forget_rooms_but(hass: HomeAssistant, rooms: Collection[str]) -> None:
    """Say nothing more of what rooms that were deleted had been booked as."""
    prefix = _issue_id("", RESOURCE_GONE)
    for domain, issue_id in list(ir.async_get(hass).issues):
        if domain == DOMAIN and issue_id.startswith(prefix):
            if issue_id.removeprefix(prefix) not in rooms:
                ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def _report(
    hass: HomeAssistant, room: LiveRoom, reason: str, remedy: str | None
) -> None:
    """Say what stands in the way of a room's bookings."""
    config = room.config
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(config.id, reason),
        is_fixable=remedy is not None,
        severity=ir.IssueSeverity.WARNING if remedy is READ else ir.IssueSeverity.ERROR,
        translation_key=f"room_{reason}",
        translation_placeholders={"room": config.name},
        data={
            "remedy": remedy,
            "room": config.name,
            "room_id": config.id,
            "entry_id": config.account_id,
        },
    )


@callback
def async_watch_resources(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> CALLBACK_TYPE:
    """Look once a day whether what the rooms are booked as still exists."""

    async def look(_: datetime) -> None:
        await _async_look_at_resources(hass, entry)

    return async_track_time_interval(hass, look, LIST_EVERY, cancel_on_shutdown=True)


async def _async_look_at_resources(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> None:
    """Say which rooms are booked as something that the vendor does not list any more."""
    coordinator = entry.runtime_data
    assert isinstance(coordinator, BookingCoordinator)
    try:
        listed = await coordinator.system.list_resources()
    except VendorError as err:
        LOGGER.debug("No list of resources: %s", type(err).__name__)
        return
    known = {each.id for each in listed}
    rooms = hass.data[DATA_HUB].rooms
    for subentry in entry.get_subentries_of_type(SUBENTRY_ROOM):
        room = rooms.get(subentry.subentry_id)
        if room is None:
            continue
        if known and subentry.data[CONF_RESOURCE_ID] not in known:
            _report(hass, room, RESOURCE_GONE, OPEN_ROOM)
        else:
            issue_id = _issue_id(subentry.subentry_id, RESOURCE_GONE)
            ir.async_delete_issue(hass, DOMAIN, issue_id)


@callback
def async_forget_room_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Say nothing more of rooms that there are no more."""
    for subentry_id in entry.subentries:
        for reason in (*REMEDIES, RESOURCE_GONE):
            ir.async_delete_issue(hass, DOMAIN, _issue_id(subentry_id, reason))


async def async_remedy(hass: HomeAssistant, data: Mapping[str, Any]) -> None:
    """Do what a human wishes about a room that wants attention."""
    hub = hass.data[DATA_HUB]
    if (room := hub.rooms.get(data["room_id"])) is None:
        return
    if data["remedy"] == TRY_AGAIN:
        hub.steps.async_try_again(room.config.id)
        return
    account_ids = {point.partition("/")[0] for point in room.config.points}
    for account_id in account_ids - hub.doors.keys():
        if hass.config_entries.async_get_entry(account_id):
            await hass.config_entries.async_reload(account_id)
