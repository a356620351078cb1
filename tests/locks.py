"""Locks of other integrations, which take codes as strictly as the real ones."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, override

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    MockPlatform,
    mock_integration,
    mock_platform,
)
import voluptuous as vol

from homeassistant.components.lock import LockEntity
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import config_validation as cv
from homeassistant.setup import async_setup_component

from .installed import register_actions

FOREIGN = "834617"  # a code that somebody else put there
MANAGER = "lock_code_manager"


class PinLock(LockEntity):
    """A lock with codes. ``told`` are the changes that it was asked for.

    ``fault`` is raised instead of doing anything; ``lost`` after it was done.
    """

    _attr_is_locked = True

    def __init__(self, name: str) -> None:
        """Hold no code."""
        self._attr_name = name
        self._attr_unique_id = name
        self.told: list[tuple[str, str]] = []
        self.fault: Exception | None = None
        self.lost: Exception | None = None
        self.deaf = False  # takes everything, and does nothing

    @property
    def codes(self) -> set[str]:
        """The codes that open this lock."""
        raise NotImplementedError

    def change(self, what: str, where: object, do: Callable[[], object]) -> None:
        """Take a change, as the lock's state of health allows."""
        self.told.append((what, str(where)))
        if self.fault:
            raise self.fault
        if not self.deaf:
            do()
        if self.lost:
            raise self.lost

    def shown(self, *, available: bool) -> None:
        """Come or go."""
        self._attr_available = available
        self.async_write_ha_state()

    @override
    async def async_lock(self, **kwargs: Any) -> None:
        """Lock."""
        self._attr_is_locked = True
        self.async_write_ha_state()

    @override
    async def async_unlock(self, **kwargs: Any) -> None:
        """Unlock."""
        self._attr_is_locked = False
        self.async_write_ha_state()


@dataclass
class Slot:
    """A slot of a Z-Wave lock; not in use with a code: it is switched off."""

    in_use: bool | None = False
    usercode: str = ""


class ZwaveLock(PinLock):
    """A Z-Wave lock with User Code CC; slot 1 is the caretaker's."""

    def __init__(self, name: str = "Side door", slots: int = 5) -> None:
        """Have free slots, of which the first is taken."""
        super().__init__(name)
        self.slots = {number: Slot() for number in range(1, slots + 1)}
        if slots:
            self.slots[1] = Slot(in_use=True, usercode=FOREIGN)
        self.masked = False
        self.shows_nothing = False

    @property
    @override
    def codes(self) -> set[str]:
        return {each.usercode for each in self.slots.values() if each.in_use}

    async def async_get_lock_usercode(self, code_slot: int | None = None) -> Any:
        """Tell what is known of the slots."""
        return {
            str(number): {
                "usercode": "*" * len(s.usercode) if self.masked else s.usercode,
                "in_use": None if self.shows_nothing else s.in_use,
            }
            for number, s in self.slots.items()
        }

    async def async_set_lock_usercode(self, code_slot: int, usercode: str) -> None:
        """Take a code; whether it was taken is not said."""
        self.change(
            "set",
            code_slot,
            lambda: self.slots.update({code_slot: Slot(True, usercode)}),
        )

    async def async_clear_lock_usercode(self, code_slot: int) -> None:
        """Clear a slot."""
        self.change("clear", code_slot, lambda: self.slots.update({code_slot: Slot()}))

    async def async_get_credential_capabilities(self) -> Any:
        """Say that there is nothing but slots, if that."""
        raise HomeAssistantError(
            translation_domain="zwave_js",
            translation_key="access_control_not_supported",
        )


@dataclass
class User:
    """Somebody who may have a code."""

    name: str | None
    codes: dict[int, str] = field(default_factory=dict)


class UserLock(PinLock):
    """A lock that knows users; the first is the caretaker."""

    most = 4
    shortest, longest = 4, 8

    def __init__(self, name: str = "Side door") -> None:
        """Know the caretaker."""
        super().__init__(name)
        self.users = {1: User("Caretaker", {1: FOREIGN})}

    @property
    @override
    def codes(self) -> set[str]:
        return {code for user in self.users.values() for code in user.codes.values()}

    def free(self) -> int:
        """Return a place for a user."""
        return next(n for n in range(1, self.most + 2) if n not in self.users)

    def numbered(self, number: str, pin: str) -> list[dict[str, Any]]:
        """Return the users as their integration lists them."""
        return [
            {
                number: place,
                "user_name": user.name,
                "credentials": [
                    {"type": pin, "slot": s, "index": s} for s in user.codes
                ],
            }
            for place, user in self.users.items()
        ]


class ZwaveUserLock(UserLock):
    """A Z-Wave lock with User Credential CC."""

    name_length = 32

    async def async_get_lock_usercode(self, code_slot: int | None = None) -> Any:
        """Have no slots."""
        return {}

    async def async_get_credential_capabilities(self) -> Any:
        """Tell what the lock takes."""
        pin = {
            "num_slots": self.most,
            "min_length": self.shortest,
            "max_length": self.longest,
            "supports_learn": False,
        }
        return {
            "supports_user_management": True,
            "max_users": self.most,
            "supported_user_types": ["general"],
            "max_user_name_length": self.name_length,
            "supported_credential_rules": ["single"],
            "supported_credential_types": {"pin_code": pin},
        }

    async def async_get_users(self) -> Any:
        """List the users."""
        return {"max_users": self.most, "users": self.numbered("user_id", "pin_code")}

    async def async_set_user(self, **kwargs: Any) -> Any:
        """Make a user with a code."""
        assert "user_id" not in kwargs
        place = self.free()
        if place > self.most:
            raise ServiceValidationError(
                translation_domain="zwave_js", translation_key="no_available_user_slots"
            )
        assert self.shortest <= len(kwargs["credential_data"]) <= self.longest
        user = User(kwargs["user_name"], {place: kwargs["credential_data"]})
        self.change("set", place, lambda: self.users.update({place: user}))
        return {"user_id": place, "credential_slot": place}

    async def async_delete_user(self, **kwargs: Any) -> None:
        """Delete a user."""
        place = kwargs["user_id"]
        self.change("clear", place, lambda: self.users.pop(place))


class MatterLock(UserLock):
    """A Matter lock."""

    takes_pins = True

    async def async_get_lock_info(self) -> Any:
        """Tell what the lock takes."""
        return {
            "supports_user_management": self.takes_pins,
            "supported_credential_types": ["pin"] if self.takes_pins else [],
            "max_users": self.most,
            "max_pin_users": self.most,
            "min_pin_length": self.shortest,
            "max_pin_length": self.longest,
        }

    async def async_get_lock_users(self) -> Any:
        """List the users."""
        return {"max_users": self.most, "users": self.numbered("user_index", "pin")}

    async def async_set_lock_user(self, **kwargs: Any) -> None:
        """Make a user; its number is not told."""
        assert set(kwargs) == {"user_name"}
        assert len(kwargs["user_name"].encode()) <= 10
        if (place := self.free()) > self.most:
            raise ServiceValidationError("No available user slots on the lock")
        self.users[place] = User(kwargs["user_name"])

    async def async_set_lock_credential(self, **kwargs: Any) -> Any:
        """Give a user a code."""
        code, place = kwargs["credential_data"], kwargs["user_index"]
        assert self.shortest <= len(code) <= self.longest
        if code in self.codes:
            raise HomeAssistantError(
                translation_domain="matter", translation_key="set_credential_failed"
            )
        self.change("set", place, lambda: self.users[place].codes.update({place: code}))
        return {"credential_index": place, "user_index": place}

    async def async_clear_lock_user(self, user_index: int) -> None:
        """Clear a user and its codes."""
        self.change("clear", user_index, lambda: self.users.pop(user_index))


class SchlageLock(PinLock):
    """A Schlage lock; codes have names, written as one likes."""

    def __init__(self, name: str = "Side door") -> None:
        """Hold the caretaker's code."""
        super().__init__(name)
        self.names = {"Caretaker": FOREIGN}

    @property
    @override
    def codes(self) -> set[str]:
        return set(self.names.values())

    async def get_codes(self) -> Any:
        """List the codes."""
        named = self.names.items()
        return {f"id-{name}": {"name": name, "code": code} for name, code in named}

    async def add_code(self, name: str, code: str, notify_on_use: bool = True) -> None:
        """Add a code."""
        if name in self.names or code in self.codes:
            raise ServiceValidationError(
                translation_domain="schlage", translation_key="schlage_code_exists"
            )
        assert len(code) == len(FOREIGN)
        self.change("set", name, lambda: self.names.update({name: code}))

    async def delete_code(self, name: str) -> None:
        """Delete a code."""
        self.change("clear", name, lambda: self.names.pop(name, None))


class ManagedLock(PinLock):
    """A lock of any make, looked after by Lock Code Manager."""

    def __init__(self, name: str = "Side door") -> None:
        """Have slots that nobody can look into."""
        super().__init__(name)
        self.slots = {19: FOREIGN}

    @property
    @override
    def codes(self) -> set[str]:
        return set(self.slots.values())


MAKES: MappingProxyType[str, type[PinLock]] = MappingProxyType(
    {
        "zwave_js": ZwaveLock,
        "zwave_js_user": ZwaveUserLock,
        "matter": MatterLock,
        "schlage": SchlageLock,
        MANAGER: ManagedLock,
    }
)


async def install(hass: HomeAssistant, make: str, *locks: PinLock) -> None:
    """Let an integration bring locks, with its actions as they really are."""
    platform = {"zwave_js_user": "zwave_js", MANAGER: "zha"}.get(make, make)

    async def add(
        hass: HomeAssistant, config: Any, async_add_entities: Any, discovery: Any = None
    ) -> None:
        async_add_entities(locks)

    mock_integration(hass, MockModule(platform))
    mock_platform(hass, f"{platform}.lock", MockPlatform(async_setup_platform=add))
    config = {"lock": [{"platform": platform}]}
    if (locked := hass.data.get("lock")) is None:
        await async_setup_component(hass, "lock", config)
    else:
        await locked.async_setup(config)
    await hass.async_block_till_done()
    if make == MANAGER:
        manage(hass, *locks)
    else:
        await register_actions(hass, platform)


def manage(hass: HomeAssistant, *locks: PinLock) -> None:
    """Be Lock Code Manager 5.0.0: its two actions that change codes, and its entry."""
    by_id = {lock.entity_id: lock for lock in locks}
    MockConfigEntry(domain=MANAGER, options={"locks": list(by_id)}).add_to_hass(hass)
    slot = {
        vol.Required("lock_entity_id"): cv.entity_domain("lock"),
        vol.Required("code_slot"): vol.All(vol.Coerce(int), vol.Range(min=1)),
    }
    code = {
        vol.Required("usercode"): vol.All(cv.string, str.strip, vol.Length(min=1)),
    }

    def managed(call: ServiceCall) -> ManagedLock:
        lock = by_id.get(call.data["lock_entity_id"])
        if not isinstance(lock, ManagedLock):
            raise ServiceValidationError("not managed")
        return lock

    async def set_usercode(call: ServiceCall) -> None:
        lock, number = managed(call), call.data["code_slot"]
        lock.change(
            "set", number, lambda: lock.slots.update({number: call.data["usercode"]})
        )

    async def clear_usercode(call: ServiceCall) -> None:
        lock, number = managed(call), call.data["code_slot"]
        lock.change("clear", number, lambda: lock.slots.pop(number, None))

    register = hass.services.async_register
    register(MANAGER, "set_usercode", set_usercode, vol.Schema({**slot, **code}))
    register(MANAGER, "clear_usercode", clear_usercode, vol.Schema(slot))
