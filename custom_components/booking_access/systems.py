"""Where the systems are registered, and how an account's system is made."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiohttp import CookieJar

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import CONF_VERIFY_SSL
from homeassistant.core import HomeAssistant
from homeassistant.helpers.aiohttp_client import (
    async_create_clientsession,
    async_get_clientsession,
)

from .access_systems.ambiance import Ambiance
from .access_systems.base import AccessSystem
from .access_systems.exivo import Exivo
from .access_systems.ha_locks import HaLocks
from .access_systems.saflok import Saflok
from .access_systems.unilock import UniLock
from .access_systems.unloc import Unloc
from .access_systems.unloc_lock_holder import UnlocLockHolder
from .booking_systems.base import BookingSystem
from .booking_systems.calenso import Calenso
from .booking_systems.clock_pms import ClockPms
from .booking_systems.eiendomsappen import Eiendomsappen
from .booking_systems.ha_calendar import HaCalendar
from .booking_systems.icalendar import ICalendar
from .booking_systems.pronestor import Pronestor
from .booking_systems.webhook import Webhook
from .booking_systems.winkas import WinKas
from .const import CONF_SYSTEM
from .forms import Field

BOOKING_SYSTEMS: Final[Mapping[str, type[BookingSystem]]] = {
    system.key: system
    for system in (
        Calenso,
        ClockPms,
        Eiendomsappen,
        HaCalendar,
        ICalendar,
        Pronestor,
        Webhook,
        WinKas,
    )
}
ACCESS_SYSTEMS: Final[Mapping[str, type[AccessSystem]]] = {
    system.key: system
    for system in (
        Ambiance,
        Exivo,
        HaLocks,
        Saflok,
        UniLock,
        Unloc,
        UnlocLockHolder,
    )
}


def system_class(key: str) -> type[BookingSystem | AccessSystem]:
    """Return the system of that key."""
    return BOOKING_SYSTEMS.get(key) or ACCESS_SYSTEMS[key]


def form_of(settings: Mapping[str, Any]) -> Sequence[Field]:
    """Return all fields of an account that exists."""
    key = settings[CONF_SYSTEM]
    if key in ACCESS_SYSTEMS:
        return ACCESS_SYSTEMS[key].form_of(settings)
    return BOOKING_SYSTEMS[key].form


def create_booking_system(
    hass: HomeAssistant, settings: Mapping[str, Any]
) -> BookingSystem:
    """Make the booking system that an account's settings describe."""
    return _create(hass, BOOKING_SYSTEMS[settings[CONF_SYSTEM]], settings)


def create_access_system(
    hass: HomeAssistant, settings: Mapping[str, Any]
) -> AccessSystem:
    """Make the access system that an account's settings describe."""
    return _create(hass, ACCESS_SYSTEMS[settings[CONF_SYSTEM]], settings)


def access_system_of(hass: HomeAssistant, entry: ConfigEntry) -> AccessSystem:
    """Make the access system of an account, with its options and what was typed in."""
    typed_in = {
        kind: [each.data for each in entry.get_subentries_of_type(kind)]
        for kind in ACCESS_SYSTEMS[entry.data[CONF_SYSTEM]].typed_in
    }
    return create_access_system(hass, {**entry.options, **entry.data, **typed_in})


def _create[SystemT: (BookingSystem, AccessSystem)](
    hass: HomeAssistant, system: type[SystemT], settings: Mapping[str, Any]
) -> SystemT:
    """Make a system with the connection that it needs."""
    settings = {"time_zone": hass.config.time_zone, **settings}
    if system.needs_hass:
        return system(hass, settings)
    verify_ssl = settings.get(CONF_VERIFY_SSL, True)
    if system.own_session:
        # Servers on premises have no names; without "unsafe" their cookies are lost.
        session = async_create_clientsession(
            hass, verify_ssl, auto_cleanup=True, cookie_jar=CookieJar(unsafe=True)
        )
    else:
        session = async_get_clientsession(hass, verify_ssl)
    return system(session, settings)
