"""Codes on locks of every make that takes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
import voluptuous as vol

from custom_components.booking_access.access_systems.ha_locks import HaLocks
from custom_components.booking_access.access_systems.lock_codes.base import name_of
from custom_components.booking_access.access_systems.lock_codes.slots import (
    BOOK,
    KEY,
    read_slots,
)
from custom_components.booking_access.engine.models import (
    NOBODY,
    Capability,
    ConnectionFailed,
    ContractError,
    Grant,
    Issued,
    NotNow,
    OutcomeUnknown,
    Rejected,
)
from custom_components.booking_access.forms import BadValue
from homeassistant.const import MATCH_ALL
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er

from ..locks import (
    FOREIGN,
    MAKES,
    MANAGER,
    ManagedLock,
    MatterLock,
    PinLock,
    SchlageLock,
    Slot,
    User,
    ZwaveLock,
    ZwaveUserLock,
    install,
)

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CODE, OTHER = "482915", "759163"
PIN = {Capability.GRANT, Capability.PIN}

pytestmark = pytest.mark.usefixtures("hass_storage")


class Door:
    """A lock, and the account that it belongs to."""

    def __init__(self, hass: HomeAssistant, lock: PinLock, slots: str | None) -> None:
        """Connect the lock."""
        self.hass = hass
        self.lock = lock
        entry = er.async_get(hass).async_get(lock.entity_id)
        assert entry
        self.id = entry.id
        self.slots = slots
        self.restart()

    def restart(self) -> None:
        """Forget all that is not stored."""
        self.hass.data.pop(BOOK, None)
        settings = {"entity_ids": [self.id], "code_slots": self.slots}
        self.system = HaLocks(self.hass, settings)

    def grant(self, reference: str = "ba-one", code: str | None = CODE) -> Grant:
        """Return the wish for a code."""
        return Grant(
            reference=reference,
            reservation="ba-booking",
            points=(self.id,),
            start=NOW,
            end=NOW + timedelta(hours=2),
            person=NOBODY,
            code=code,
        )

    async def issue(self, reference: str = "ba-one", code: str = CODE) -> Issued:
        """Put a code on the lock."""
        return await self.system.issue(self.grant(reference, code))

    async def find(self, reference: str = "ba-one", code: str = CODE) -> Issued | None:
        """Look for a code."""
        return await self.system.find(self.grant(reference, code))


type Opener = Callable[..., Any]


@pytest.fixture
def connect(hass: HomeAssistant) -> Opener:
    """Let a lock be there, and be connected."""

    async def connected(
        make: str, lock: PinLock | None = None, slots: str = ""
    ) -> Door:
        lock = lock or MAKES[make]()
        await install(hass, make, lock)
        return Door(hass, lock, slots or ("20-30" if make == MANAGER else None))

    return connected


@pytest.fixture(params=MAKES)
async def door(connect: Opener, request: pytest.FixtureRequest) -> Door:
    """A lock of each make."""
    return await connect(request.param)


def told(door: Door) -> list[str]:
    """Return what the lock was told."""
    return [what for what, _ in door.lock.told]


async def test_a_code_comes_and_goes(door: Door, hass_storage: dict[str, Any]) -> None:
    """It opens the lock until it is taken back; what others put there stays."""
    [point] = await door.system.list_access_points()
    assert point.capabilities == {Capability.HOLD, *PIN}
    assert (point.traits.apart, point.traits.enforced) == (True, False)
    assert door.system.code_length == 6
    assert await door.find() is None
    issued = await door.issue()
    assert door.lock.codes == {FOREIGN, CODE}
    assert issued.id.split(":")[1] == door.id
    assert CODE not in issued.id
    assert (issued.reference, issued.credential.code) == ("ba-one", CODE)
    other = await door.issue("ba-two", OTHER)
    assert other.id != issued.id
    assert door.lock.codes == {FOREIGN, CODE, OTHER}
    await door.system.revoke(issued)
    await door.system.revoke(issued)
    assert door.lock.codes == {FOREIGN, OTHER}
    again = await door.issue("ba-three", CODE)
    await door.system.revoke(issued)  # its place may be used again
    await door.system.revoke(other)
    assert door.lock.codes == {FOREIGN, CODE}
    await door.system.revoke(again)
    assert door.lock.codes == {FOREIGN}
    assert told(door).count("set") == 3
    assert KEY not in hass_storage


async def test_what_is_there_is_not_set_again(door: Door) -> None:
    """Nor after a restart, whatever the lock shows of it."""
    issued = await door.issue()
    if isinstance(door.lock, ZwaveLock):
        door.lock.masked = True
    door.restart()
    if not isinstance(door.lock, ManagedLock):  # there nothing can be seen
        assert await door.find() == issued
        assert await door.issue() == issued
        assert told(door) == ["set"]
    await door.system.revoke(issued)
    assert door.lock.codes == {FOREIGN}


async def test_an_answer_that_was_lost(door: Door) -> None:
    """What was done is found; what nobody can see is undone, and may be done anew."""
    door.lock.lost = HomeAssistantError("timed out")
    with pytest.raises(OutcomeUnknown):
        await door.issue()
    door.lock.lost = None
    assert door.lock.codes == {FOREIGN, CODE}
    door.restart()
    found = await door.find()
    if isinstance(door.lock, ManagedLock):
        assert found is None
        assert door.lock.codes == {FOREIGN}
        found = await door.issue()
    assert found
    await door.system.revoke(found)
    assert door.lock.codes == {FOREIGN}


@pytest.mark.parametrize("fault", ["fault", "deaf"])
async def test_a_lock_that_does_not_do_it(door: Door, fault: str) -> None:
    """Nothing is believed that the lock does not show."""
    value = HomeAssistantError("failed") if fault == "fault" else True
    issued = await door.issue("ba-two", OTHER)
    setattr(door.lock, fault, value)
    if fault == "fault" or not isinstance(door.lock, ManagedLock):
        with pytest.raises(OutcomeUnknown):
            await door.issue()
        with pytest.raises(OutcomeUnknown):
            await door.system.revoke(issued)
        with pytest.raises(OutcomeUnknown):
            await door.issue()  # at the same place
    setattr(door.lock, fault, None)
    assert await door.find() is None
    assert (await door.issue()).credential.code == CODE
    await door.system.revoke(issued)
    assert door.lock.codes == {FOREIGN, CODE}


async def test_a_refusal(door: Door, hass_storage: dict[str, Any]) -> None:
    """It is final, and leaves nothing behind."""
    door.lock.fault = ServiceValidationError("no")
    with pytest.raises(Rejected, match="refused") as err:
        await door.issue()
    assert err.value.__cause__ is None
    door.lock.fault = None
    assert door.lock.codes == {FOREIGN}
    assert KEY not in hass_storage
    if isinstance(door.lock, MatterLock):
        assert told(door) == ["set", "clear"]
        assert len(door.lock.users) == 2  # not even clearing it away went through
        await door.issue()
        assert len(door.lock.users) == 2
    with pytest.raises(ConnectionFailed):  # there will be a code when it is tried again
        await door.system.issue(door.grant(code=None))


async def test_a_lock_that_is_away(door: Door) -> None:
    """It is tried again later; nothing is sent into the void. So it is when it is gone."""
    issued = await door.issue()
    door.lock.shown(available=False)
    for call in (
        door.issue("ba-two", OTHER),
        door.find("ba-one"),
        door.system.revoke(issued),
    ):
        with pytest.raises(ConnectionFailed):
            await call
    door.lock.shown(available=True)
    await door.system.revoke(issued)
    assert told(door) == ["set", "clear"]
    er.async_get(door.hass).async_remove(door.lock.entity_id)
    door.restart()
    assert await door.system.list_access_points() == ()
    with pytest.raises(Rejected):
        await door.issue()
    with pytest.raises(ConnectionFailed):
        await door.system.revoke(issued)


@pytest.mark.parametrize("make", ["zwave_js", "zwave_js_user", "matter"])
async def test_a_lock_that_is_full(connect: Opener, make: str) -> None:
    """It is said, and as soon as there is room again it goes on."""
    door = await connect(make)
    room = 4 if make == "zwave_js" else 3
    issued = [await door.issue(f"ba-{n}", str(482910 + n)) for n in range(room)]
    with pytest.raises(NotNow, match="code_slots_full"):
        await door.issue()
    await door.system.revoke(issued[0])
    await door.issue()
    assert len(door.lock.codes) == room + 1


@pytest.mark.parametrize("key", ["no_available_user_slots", "set_credential_failed"])
async def test_reasons_that_integrations_give(connect: Opener, key: str) -> None:
    """Full is not for ever; a code that is not taken is not taken tomorrow either."""
    door = await connect("zwave_js_user")
    door.lock.fault = HomeAssistantError(
        translation_domain="zwave_js", translation_key=key
    )
    wanted = NotNow if key == "no_available_user_slots" else Rejected
    with pytest.raises(wanted):
        await door.issue()


async def test_pins_may_be_fewer_than_users(connect: Opener) -> None:
    """A Matter lock has room for so many of each."""
    door = await connect("matter")
    for most in ("max_pin_users", "max_users"):
        info = await door.lock.async_get_lock_info() | {most: 1}
        with (
            patch.object(
                door.lock, "async_get_lock_info", AsyncMock(return_value=info)
            ),
            pytest.raises(NotNow, match="code_slots_full"),
        ):
            await door.issue()
    assert list(door.lock.users) == [1]


async def test_a_matter_user_that_is_not_to_be_seen(connect: Opener) -> None:
    """It gets no code, for nobody knows its number."""
    door = await connect("matter")
    with (
        patch.object(door.lock, "async_set_lock_user", AsyncMock()),
        pytest.raises(OutcomeUnknown),
    ):
        await door.issue()
    assert door.lock.codes == {FOREIGN}


async def test_a_code_that_is_there_already(connect: Opener) -> None:
    """A Matter lock does not take it twice, and nobody is left without one."""
    door = await connect("matter")
    with pytest.raises(Rejected, match="refused"):
        await door.issue(code=FOREIGN)
    assert list(door.lock.users) == [1]


async def test_a_user_without_a_code_is_cleared_away(connect: Opener) -> None:
    """What a crash left half done is done anew."""
    door = await connect("matter")
    door.lock.users[2] = User(name_of("ba-one"))
    assert await door.find() is None
    assert list(door.lock.users) == [1]


async def test_somebody_put_another_code_there(connect: Opener) -> None:
    """Then the slot is not ours any more, and stays as it is."""
    door = await connect("zwave_js")
    issued = await door.issue()
    slot = int(issued.id.split(":")[2])
    door.lock.slots[slot].usercode = OTHER
    assert await door.find() is None
    await door.system.revoke(issued)
    assert OTHER in door.lock.codes
    moved = await door.issue()
    assert moved.id != issued.id
    door.lock.slots[int(moved.id.split(":")[2])].usercode = FOREIGN
    assert (await door.issue()).id not in (issued.id, moved.id)


async def test_somebody_renamed_our_user(connect: Opener) -> None:
    """Then it is not ours any more."""
    door = await connect("matter")
    issued = await door.issue()
    door.lock.users[2].name = "Cleaner"
    await door.system.revoke(issued)
    assert CODE in door.lock.codes


async def test_slots_that_nobody_can_look_into(connect: Opener) -> None:
    """They are used only where people set them aside, and only those."""
    lock = ZwaveLock()
    lock.shows_nothing = True
    lock.slots[3] = Slot(in_use=False, usercode=OTHER)  # switched off
    door = await connect("zwave_js", lock)
    with pytest.raises(NotNow, match="code_slots_full"):
        await door.issue()
    lock.shows_nothing = False
    assert (await door.issue()).id.endswith(":2")
    assert (await door.issue("ba-two")).id.endswith(":4")
    door.slots = "3-6"
    door.restart()
    assert (await door.issue("ba-three")).id.endswith(":5")
    assert (await door.issue("ba-four")).id.endswith(":6")
    with pytest.raises(NotNow):
        await door.issue("ba-five")
    assert lock.slots[3].usercode == OTHER


async def test_a_code_that_we_do_not_know_any_more(connect: Opener) -> None:
    """What was written down is enough to clear it."""
    door = await connect("zwave_js")
    issued = await door.issue()
    await door.system.revoke(
        Issued(id=issued.id, reference="ba-one", points=(), start=None, end=None)
    )
    assert door.lock.codes == {FOREIGN}


async def test_nobody_overhears_a_code(
    hass: HomeAssistant,
    door: Door,
    caplog: pytest.LogCaptureFixture,
    hass_storage: dict[str, Any],
) -> None:
    """Not on the event bus, where the recorder listens, nor in a log, nor on the disk."""
    heard: list[str] = []

    @callback
    def listen(event: Event) -> None:
        heard.append(repr(event.as_dict()))

    hass.bus.async_listen(MATCH_ALL, listen)
    caplog.set_level(logging.DEBUG)
    issued = await door.issue()
    assert CODE not in json.dumps(hass_storage)
    await door.system.revoke(issued)
    door.lock.lost = HomeAssistantError(f"{CODE} is not taken")
    with pytest.raises(OutcomeUnknown) as err:
        await door.issue()
    assert err.value.__cause__ is None
    await hass.async_block_till_done()
    assert CODE in door.lock.codes
    assert CODE not in "".join(heard)
    assert CODE not in caplog.text
    assert CODE not in repr(issued)


# Which locks take codes, and how long they are


class NoUsers(MatterLock):
    """A Matter lock that takes no codes."""

    takes_pins = False


class NoNames(ZwaveUserLock):
    """A Z-Wave lock without room for names."""

    name_length = 5


class NoPins(ZwaveUserLock):
    """A Z-Wave lock for fingers alone."""

    async def async_get_credential_capabilities(self) -> Any:
        """Tell what the lock takes."""
        return {"supported_credential_types": {}, "max_user_name_length": 32}


@pytest.mark.parametrize(
    ("make", "lock"),
    [
        ("zwave_js", lambda: ZwaveLock(slots=0)),
        ("zwave_js_user", NoNames),
        ("zwave_js_user", NoPins),
        ("matter", NoUsers),
    ],
)
async def test_locks_without_codes(
    connect: Opener, make: str, lock: Callable[[], PinLock]
) -> None:
    """They are held open and nothing else."""
    door = await connect(make, lock())
    [point] = await door.system.list_access_points()
    assert point.capabilities == {Capability.HOLD}
    assert door.system.code_length is None
    with pytest.raises(Rejected, match="refused"):
        await door.issue()
    assert await door.find() is None


async def test_a_managed_lock_needs_slots(hass: HomeAssistant, connect: Opener) -> None:
    """For nobody can tell which are free."""
    door = await connect(MANAGER)
    plain = HaLocks(hass, {"entity_ids": [door.id]})
    [point] = await plain.list_access_points()
    assert point.capabilities == {Capability.HOLD}


async def test_a_lock_that_is_not_there_yet(connect: Opener) -> None:
    """What its integration's locks can do, it can until it says otherwise."""
    door = await connect("zwave_js", ZwaveLock(slots=0))
    door.lock.shown(available=False)
    [point] = await door.system.list_access_points()
    assert point.capabilities > PIN
    assert door.system.code_length == 6
    with pytest.raises(ConnectionFailed):
        await door.issue()
    door.lock.shown(available=True)
    [point] = await door.system.list_access_points()
    assert point.capabilities == {Capability.HOLD}
    door.lock.slots[1] = Slot()  # it was not interviewed yet
    [point] = await door.system.list_access_points()
    assert point.capabilities > PIN


async def test_a_lock_that_has_forgotten_its_slots(connect: Opener) -> None:
    """It holds a code of ours, so it takes codes: nobody's is taken back for that."""
    door = await connect("zwave_js")
    issued = await door.issue()
    slots, door.lock.slots = door.lock.slots, {}
    door.restart()
    [point] = await door.system.list_access_points()
    assert point.capabilities > PIN
    with pytest.raises(ConnectionFailed):
        await door.find()
    door.lock.slots = slots
    assert await door.find() == issued


async def test_one_length_for_all_locks(hass: HomeAssistant) -> None:
    """The one that most of them take, as near to six digits as can be."""
    matter, zwave = MatterLock("Long"), ZwaveLock("Side")
    matter.shortest = matter.longest = 7
    schlage = SchlageLock("Short")
    for make, lock in (("matter", matter), ("zwave_js", zwave), ("schlage", schlage)):
        await install(hass, make, lock)
    system = HaLocks(hass, {"entity_ids": [matter.entity_id, zwave.entity_id]})
    await system.list_access_points()
    assert system.code_length == 7
    schlage.names["Caretaker"] = "1234"
    door = Door(hass, schlage, None)
    assert await door.system.list_access_points()
    assert door.system.code_length == 4
    with pytest.raises(Rejected, match="code_length_unfit"):
        await door.issue()
    schlage.names["Neighbour"] = "12345"  # no rule is to be seen
    door.restart()
    assert await door.system.list_access_points()
    assert door.system.code_length == 6


async def test_no_length_before_schlages_cloud_has_told(hass: HomeAssistant) -> None:
    """A code that is made while it is down would be of no use at a lock with short ones."""
    schlage = SchlageLock("Front")
    schlage.names["Caretaker"] = "1234"
    await install(hass, "schlage", schlage)
    schlage.shown(available=False)
    door = Door(hass, schlage, None)
    [point] = await door.system.list_access_points()
    assert Capability.PIN in point.capabilities
    assert door.system.code_length is None
    with pytest.raises(ConnectionFailed):
        await door.system.issue(door.grant(code=None))
    schlage.shown(available=True)
    await door.system.list_access_points()
    assert door.system.code_length == 4


async def test_a_matter_lock_that_tells_no_lengths(connect: Opener) -> None:
    """It takes what most do."""
    lock = MatterLock()
    lock.shortest = lock.longest = None  # type: ignore[assignment]
    door = await connect("matter", lock)
    await door.system.list_access_points()
    assert door.system.code_length == 6


# Other versions of those integrations


@pytest.mark.parametrize(
    ("make", "method", "answer", "field"),
    [
        ("zwave_js", "async_get_lock_usercode", {"2": {"usercode": ""}}, "in_use"),
        ("zwave_js_user", "async_get_users", {"users": {}}, "users"),
        ("zwave_js_user", "async_get_users", {"users": [1]}, "users"),
        ("zwave_js_user", "async_get_users", {"users": [{}]}, "credentials"),
        (
            "matter",
            "async_get_lock_users",
            {"users": [{"credentials": []}]},
            "user_index",
        ),
        ("schlage", "get_codes", {"id": 1}, "codes"),
        ("schlage", "get_codes", None, "schlage.get_codes"),
    ],
)
async def test_answers_that_changed(
    connect: Opener, make: str, method: str, answer: Any, field: str
) -> None:
    """The error names the field."""
    door = await connect(make)
    await door.system.list_access_points()
    with (
        patch.object(door.lock, method, AsyncMock(return_value=answer)),
        pytest.raises(ContractError) as err,
    ):
        await door.issue()
    assert err.value.field == field


async def test_actions_that_changed(hass: HomeAssistant, connect: Opener) -> None:
    """One that takes something else now, and one that is gone."""
    door = await connect("zwave_js")
    hass.services.async_register(
        "zwave_js", "set_lock_usercode", AsyncMock(), vol.Schema({"pin": str})
    )
    with pytest.raises(ContractError) as err:
        await door.issue()
    assert err.value.field == "zwave_js.set_lock_usercode"
    assert err.value.__cause__ is None
    hass.services.async_remove("zwave_js", "set_lock_usercode")
    with pytest.raises(ConnectionFailed):
        await door.issue()
    failing = AsyncMock(side_effect=HomeAssistantError("no"))
    with (
        patch.object(door.lock, "async_get_lock_usercode", failing),
        pytest.raises(ConnectionFailed),
    ):
        await door.issue()


@pytest.mark.parametrize(
    ("text", "slots"),
    [("20-30", range(20, 31)), (" 5 ", range(5, 6)), ("1 - 2", range(1, 3))],
)
def test_slots_as_people_write_them(text: str, slots: range) -> None:
    """The first and the last, or just one."""
    assert read_slots(text) == slots


@pytest.mark.parametrize(
    "text", ["", "x", "0-3", "9-3", "20-", "1-70000", "1-2-3", "-4"]
)
def test_slots_that_are_none(text: str) -> None:
    """What was written is said."""
    if text == "20-":
        assert read_slots(text) == range(20, 21)
        return
    with pytest.raises(BadValue) as err:
        read_slots(text)
    assert err.value.placeholders == {"slots": text}
