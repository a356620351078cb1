"""Booking Access: a booking makes the room ready for its guests."""

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, device_registry as dr
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.typing import ConfigType

from .auditor import Auditor
from .before import done_before
from .const import CONF_SYSTEM, DATA_HUB, DOMAIN
from .coordinator import AccessCoordinator, BookingAccessConfigEntry, BookingCoordinator
from .door_devices import point_of
from .encoders import async_show_encoders
from .hub import Hub
from .issues import async_forget_issues
from .receiver import async_receive
from .removal import async_close_account
from .room_issues import RoomIssues, async_forget_room_issues, async_watch_resources
from .services import async_setup_services
from .store import EventsStore
from .systems import ACCESS_SYSTEMS, access_system_of, create_booking_system

CONFIG_SCHEMA = cv.config_entry_only_config_schema(DOMAIN)

PLATFORMS = [
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.CALENDAR,
    Platform.EVENT,
    Platform.LOCK,
    Platform.SENSOR,
    Platform.SWITCH,
]


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    """Start the hub: it works from what is stored, before any account is loaded."""
    hass.data[DATA_HUB] = hub = Hub(hass)
    await hub.async_start()
    RoomIssues(hass).async_start()
    async_setup_services(hass)
    return True


async def async_setup_entry(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> bool:
    """Set up one account, of a booking system or of an access system."""
    if entry.data[CONF_SYSTEM] in ACCESS_SYSTEMS:
        await _async_setup_access(hass, entry)
    else:
        await _async_setup_booking(hass, entry)
    entry.async_on_unload(entry.add_update_listener(_async_entry_changed))
    return True


async def _async_setup_booking(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> None:
    """Set up a booking account.

    One that was heard of before works from what is stored, so that a start
    without network opens the right doors.
    """
    hub = hass.data[DATA_HUB]
    account = await hub.async_add_account(entry)
    system = create_booking_system(hass, {**entry.options, **entry.data})
    coordinator = BookingCoordinator(hass, entry, system, hub)
    if not account.has_answered:
        await coordinator.async_config_entry_first_refresh()
    await _async_finish(hass, entry, coordinator)
    if not system.is_fed:
        entry.async_on_unload(async_watch_resources(hass, entry))
    _review_doors(hass)
    hub.evaluate()
    if coordinator.synchronized is None:

        async def refresh(_: HomeAssistant) -> None:
            await coordinator.async_refresh()

        if coordinator.system.needs_hass:  # its entities may still be on their way
            entry.async_on_unload(async_at_started(hass, refresh))
        else:
            entry.async_create_task(hass, coordinator.async_refresh(), "first refresh")


async def _async_setup_access(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> None:
    """Set up an access account, and let the hub use its doors."""
    coordinator = AccessCoordinator(hass, entry, access_system_of(hass, entry))
    await coordinator.async_config_entry_first_refresh()
    hub = hass.data[DATA_HUB]
    coordinator.system.remember(
        done_before(hub.store.ledger, hub.operations, entry.entry_id)
    )
    entry.async_on_unload(hub.async_add_doors(entry.entry_id, coordinator))
    entry.async_on_unload(Auditor(hub, coordinator).async_start())
    await _async_finish(hass, entry, coordinator)
    async_show_encoders(hass, entry, coordinator.system.name)


def _review_doors(hass: HomeAssistant) -> None:
    """See which doors rooms use now."""
    for account in hass.data[DATA_HUB].doors.values():
        account.devices.async_review()


async def _async_finish(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    coordinator: BookingCoordinator | AccessCoordinator,
) -> None:
    """Show the account, and hear of its news."""
    entry.runtime_data = coordinator
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id,
        identifiers={(DOMAIN, entry.entry_id)},
        name=entry.title,
        manufacturer=coordinator.system.name,
        entry_type=dr.DeviceEntryType.SERVICE,
    )
    entry.async_on_unload(coordinator.system.watch(coordinator.news))
    if coordinator.system.takes_push:
        entry.async_on_unload(async_receive(hass, entry, coordinator))
    # Polling goes on whether or not somebody shows the account's entities.
    entry.async_on_unload(coordinator.async_add_listener(lambda: None))
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)


async def _async_entry_changed(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> None:
    """Load the account anew when it, its options or its rooms were changed."""
    hass.config_entries.async_schedule_reload(entry.entry_id)


async def async_unload_entry(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> bool:
    """Unload an account; the hub goes on for it unless it was disabled.

    Then nobody would look after what is stored of its people (rule 15).
    """
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded and entry.disabled_by:
        await hass.data[DATA_HUB].async_remove_account(entry.entry_id)
        _review_doors(hass)
    return unloaded


async def async_remove_config_entry_device(
    hass: HomeAssistant, entry: BookingAccessConfigEntry, device: dr.DeviceEntry
) -> bool:
    """Return whether a device may be removed by hand: that of a door that is gone."""
    account = hass.data[DATA_HUB].doors.get(entry.entry_id)
    point_id = point_of(entry, device)
    return bool(account and point_id and not account.devices.is_there(point_id))


async def async_remove_entry(
    hass: HomeAssistant, entry: BookingAccessConfigEntry
) -> None:
    """Forget an account, and undo what was done for its rooms or at its doors."""
    async_forget_issues(hass, entry)
    async_forget_room_issues(hass, entry)
    if (hub := hass.data.get(DATA_HUB)) is None:
        return
    if entry.data[CONF_SYSTEM] in ACCESS_SYSTEMS:
        await async_close_account(hass, hub, entry)
        await EventsStore(hass, entry.entry_id).async_remove()
        hub.async_doors_changed(entry.entry_id)
    else:
        await hub.async_remove_account(entry.entry_id)
        _review_doors(hass)
