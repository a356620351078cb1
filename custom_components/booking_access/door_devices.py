"""The devices of an account's doors: they come and go with the doors.

A door that a room uses stays, and people are told that it is gone.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util

from .const import (
    CONF_ACCESS_POINTS,
    CONF_COMMON_ACCESS_POINTS,
    CONF_SYSTEM,
    DOMAIN,
    ISSUE_ALARM_DOOR,
    ISSUE_DOOR_GONE,
    SUBENTRY_ROOM,
)
from .engine.bookings import EMPTY_FOR, MISSING_FOR
from .engine.models import AccessPoint
from .issues import async_report_doors
from .systems import BOOKING_SYSTEMS


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """That a room has a door, or all rooms of a booking account have."""

    account: ConfigEntry
    room: ConfigSubentry | None = None

    @property
    def id(self) -> str:
        """What tells it from all others."""
        return self.room.subentry_id if self.room else self.account.entry_id

    @property
    def name(self) -> str:
        """What people call it."""
        return self.room.title if self.room else self.account.title


def uses_of(hass: HomeAssistant, account_id: str) -> Mapping[str, list[Use]]:
    """Return who uses the doors of an access account, by their point ids.

    Accounts that are not loaded, or disabled, use theirs all the same.
    """
    uses: defaultdict[str, list[Use]] = defaultdict(list)
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.data[CONF_SYSTEM] not in BOOKING_SYSTEMS:
            continue
        users = [
            (Use(account=entry), entry.options.get(CONF_COMMON_ACCESS_POINTS, ())),
            *(
                (Use(account=entry, room=room), room.data.get(CONF_ACCESS_POINTS, ()))
                for room in entry.get_subentries_of_type(SUBENTRY_ROOM)
            ),
        ]
        for use, points in users:
            for point in points:
                entry_id, _, point_id = point.partition("/")
                if entry_id == account_id:
                    uses[point_id].append(use)
    return uses


def point_of(entry: ConfigEntry, device: dr.DeviceEntry) -> str | None:
    """Return the point id of a door's device; None if it is no door of the account."""
    prefix = f"{entry.entry_id}/"
    for domain, name in device.identifiers:
        if domain == DOMAIN and name.startswith(prefix):
            return name.removeprefix(prefix)
    return None


class DoorDevices:
    """Follows which doors an access account has."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Know nothing before the first answer."""
        self._hass = hass
        self._entry = entry
        self._points: Mapping[str, AccessPoint] = {}
        self._missing: dict[str, datetime] = {}
        self._asked: datetime | None = None

    @callback
    def async_take(self, points: Mapping[str, AccessPoint]) -> bool:
        """Take over which doors there are; return whether to ask again soon.

        While Home Assistant starts, what others still bring may be on its way.
        """
        now = dt_util.utcnow()
        known: set[str] = set()
        if self._hass.is_running:
            known = {*self._devices(), *uses_of(self._hass, self._entry.entry_id)}
        self._missing = {
            point_id: min(self._missing.get(point_id, now), now)
            for point_id in known
            if point_id not in points
        }
        self._points, self._asked = points, now
        self.async_review()
        return bool(points) and not all(map(self._is_gone, self._missing))

    @callback
    def async_review(self) -> None:
        """Let go of doors that are gone, unless they are used; say which those are."""
        if self._asked is None:
            return
        devices = self._devices()
        uses = uses_of(self._hass, self._entry.entry_id)
        registry = dr.async_get(self._hass)
        gone = set(filter(self._is_gone, self._missing))
        for point_id, device in devices.items():
            if point_id in gone and point_id not in uses:
                registry.async_remove_device(device.id)
            elif (point := self._points.get(point_id)) and point.name != device.name:
                registry.async_update_device(device.id, name=point.name)
        names = {each: self._name(each, devices) for each in uses}
        alarms = {p.id for p in self._points.values() if p.may_alarm}
        unsure = self._missing.keys() - gone
        for kind, doors in ((ISSUE_DOOR_GONE, gone), (ISSUE_ALARM_DOOR, alarms)):
            found = {each: names[each] for each in uses if each in doors}
            async_report_doors(
                self._hass, self._entry, kind, found, uses, unsure=unsure
            )

    def is_there(self, point_id: str) -> bool:
        """Whether a door is in the last answer, or there was none."""
        return self._asked is None or point_id in self._points

    def _is_gone(self, point_id: str) -> bool:
        """Whether two answers lack a door; that there is none at all takes longer."""
        assert self._asked
        missing_for = self._asked - self._missing[point_id]
        return missing_for >= (MISSING_FOR if self._points else EMPTY_FOR)

    def _devices(self) -> Mapping[str, dr.DeviceEntry]:
        """Return the devices of the account's doors, by point id."""
        registry = dr.async_get(self._hass)
        return {
            point_id: device
            for device in dr.async_entries_for_config_entry(
                registry, self._entry.entry_id
            )
            if (point_id := point_of(self._entry, device))
        }

    def _name(self, point_id: str, devices: Mapping[str, dr.DeviceEntry]) -> str:
        """Return the best name that is known of a door."""
        if point := self._points.get(point_id):
            return point.name
        device = devices.get(point_id)
        return (device and (device.name_by_user or device.name)) or point_id
