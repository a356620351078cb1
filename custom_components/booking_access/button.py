"""Buttons of accounts: synchronize now, and look for new doors."""

from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import AccessCoordinator, AccountCoordinator, BookingAccessConfigEntry
from .entity import AccountEntity

PARALLEL_UPDATES = 1

SYNCHRONIZE = ButtonEntityDescription(
    key="synchronize", entity_category=EntityCategory.CONFIG
)
REFRESH_LOCKS = ButtonEntityDescription(
    key="refresh_locks", entity_category=EntityCategory.CONFIG
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Set up the account's buttons."""
    account = entry.runtime_data
    async_add_entities([SynchronizeButton(account, SYNCHRONIZE)])
    if isinstance(account, AccessCoordinator) and account.system.can_refresh:
        async_add_entities([RefreshLocksButton(account, REFRESH_LOCKS)])


class SynchronizeButton(AccountEntity[AccountCoordinator], ButtonEntity):
    """Asks the vendor right now."""

    @property
    @override
    def available(self) -> bool:
        """Always: to try again is most useful while nothing comes."""
        return True

    @override
    async def async_press(self) -> None:
        """Synchronize, and say so if it does not work."""
        await self.coordinator.async_synchronize()
        if not self.coordinator.last_update_success:
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="synchronize_failed",
                translation_placeholders={
                    "account": self.coordinator.config_entry.title
                },
            )


class RefreshLocksButton(AccountEntity[AccessCoordinator], ButtonEntity):
    """Has the vendor look for new doors, where it does not do that by itself."""

    @override
    async def async_press(self) -> None:
        """Have it look, and say so if it does not work."""
        await self.coordinator.async_refresh_locks()
