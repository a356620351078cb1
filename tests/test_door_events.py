"""Events at doors: by poll and by message, each told once, whatever happens meanwhile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import ENTRANCE, GATEWAY, SEMINAR

from .helpers import add_account, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENTRANCE_EVENT = "event.t01_main_entrance_access"
SEMINAR_EVENT = "event.t02_seminar_room_access"
PERSON = {"id": "p1", "firstName": "Heidi", "lastName": "Muster"}
SEEN = {"person": PERSON, "medium": {"publicRegistrationId": "+41791234567"}}

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class House:
    """An exivo account, what its doors' events tell, and who makes them."""

    def __init__(
        self, hass: HomeAssistant, freezer: FrozenDateTimeFactory, exivo: ExivoSimulator
    ) -> None:
        """Know them."""
        self.hass = hass
        self.freezer = freezer
        self.exivo = exivo
        self.told: list[tuple[str, str, str]] = []
        hass.bus.async_listen("state_changed", self._note)

    @callback
    def _note(self, event: Event[EventStateChangedData]) -> None:
        """Note what an event tells, as an automation would."""
        old, new = event.data["old_state"], event.data["new_state"]
        if new is None or new.domain != "event" or "occurred_at" not in new.attributes:
            return
        if old is None or old.state in ("unavailable", new.state):
            return
        kind, occurred = new.attributes["event_type"], new.attributes["occurred_at"]
        clock = datetime.fromisoformat(occurred).strftime("%H:%M:%S")
        self.told.append((new.entity_id, kind, clock))

    async def connect(self) -> None:
        """Add the account."""
        form: dict[str, Any] = dict(self.exivo.credentials())
        form["advanced"] = {"url": form.pop("url")}
        self.entry = await add_account(self.hass, "access_system", "exivo", form)

    def happen(
        self, name: str, at: datetime | None = None, door: str = ENTRANCE, **rest: Any
    ) -> None:
        """Let something happen at a door."""
        at = at or datetime.now(UTC)
        wish = {"name": name, "component": door, "occurredAt": at.isoformat()}
        self.exivo.control({"happen": [{**wish, **rest}]})

    async def deliver(self) -> list[int]:
        """Have the messages sent; returns what was answered to each."""
        answers = await self.exivo.deliver()
        await self.hass.async_block_till_done()
        return [each["status"] for each in answers]

    async def poll(self) -> None:
        """Let time go by until the account has been polled."""
        await at(self.hass, self.freezer, datetime.now(UTC) + timedelta(seconds=61))

    async def listen(self, client: ClientSessionGenerator) -> None:
        """Paste address and secret into exivo."""
        web = await client()
        address = web.make_url(f"/api/webhook/{self.entry.data['webhook_id']}")
        target = {"address": str(address), "secret": self.entry.data["secret"]}
        self.exivo.control({"target": target})

    def heard(self) -> list[tuple[str, str, str]]:
        """Return what was told since this was last asked."""
        told, self.told = self.told, []
        return told


@pytest.fixture
async def house(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> AsyncIterator[House]:
    """An account at whose doors something happened before it was set up."""
    async with ExivoSimulator() as simulator:
        house = House(hass, freezer, simulator)
        house.happen("sabotageAlarm", NOW - MINUTE)
        await house.connect()
        freezer.tick(timedelta(seconds=2))
        yield house


async def test_events_are_told_by_poll_each_once_in_their_order(
    hass: HomeAssistant, house: House
) -> None:
    """What was before the account is not; who it was is not; the latest stays shown."""
    assert hass.states.get(ENTRANCE_EVENT).state == "unknown"
    house.happen("accessPermitted", NOW + 20 * MINUTE / 60, data=SEEN)
    house.happen("accessDenied", NOW + 10 * MINUTE / 60, data=SEEN)
    house.happen("doorHeldOpen", NOW + 5 * MINUTE / 60, SEMINAR)
    house.happen("componentNotReady", NOW + MINUTE / 60, GATEWAY)
    await house.poll()
    assert house.heard() == [
        (SEMINAR_EVENT, "other", "06:00:05"),
        (ENTRANCE_EVENT, "denied", "06:00:10"),
        (ENTRANCE_EVENT, "granted", "06:00:20"),
    ]
    shown = hass.states.get(ENTRANCE_EVENT)
    assert set(shown.attributes) == {
        "event_types",
        "event_type",
        "occurred_at",
        "friendly_name",
    }
    for _ in range(3):
        await house.poll()
    assert house.heard() == []
    assert hass.states.get(ENTRANCE_EVENT).attributes["event_type"] == "granted"


async def test_late_events_are_told_old_ones_are_not(house: House) -> None:
    """Ten minutes may pass between what happens and what is known of it."""
    await house.poll()
    await house.poll()
    now = datetime.now(UTC)
    house.happen("accessDenied", now)
    await house.poll()
    house.happen("accessPermitted", NOW + MINUTE)
    house.happen("accessPermitted", NOW - MINUTE)  # before the account was set up
    await house.poll()
    house.happen("componentUnlocked", now + 11 * MINUTE)  # its clock is ahead
    await house.poll()
    house.happen("sabotageAlarm", NOW + 2 * MINUTE)
    await house.poll()
    assert [told[1] for told in house.heard()] == [
        "denied",
        "granted",
        "opened",
        "alarm",
    ]
    for _ in range(10):
        await house.poll()
    house.happen("accessPermitted", datetime.now(UTC))
    await house.poll()
    house.happen("accessDenied", NOW + 3 * MINUTE)
    await house.poll()
    assert [told[1] for told in house.heard()] == ["granted"]


async def test_an_event_is_told_once_by_message_and_by_poll(
    hass: HomeAssistant, house: House, hass_client_no_auth: ClientSessionGenerator
) -> None:
    """At once by the message, whichever comes first and however often."""
    await house.listen(hass_client_no_auth)
    house.happen("accessPermitted", payload=SEEN, data=SEEN)
    assert await house.deliver() == [200]
    assert house.heard() == [(ENTRANCE_EVENT, "granted", "06:00:02")]
    await house.poll()
    house.exivo.fault("duplicate", path="webhook")
    house.happen("accessDenied", only="push")
    assert await house.deliver() == [200, 200]
    house.happen("accessDenied", only="log", door=SEMINAR)
    await house.poll()
    assert [told[:2] for told in house.heard()] == [
        (ENTRANCE_EVENT, "denied"),
        (SEMINAR_EVENT, "denied"),
    ]


async def test_a_door_that_is_not_ready_is_looked_at_at_once(
    hass: HomeAssistant,
    house: House,
    hass_client_no_auth: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The message tells, and the account is asked what the door is like now."""
    await house.listen(hass_client_no_auth)
    house.exivo.control({"change": {ENTRANCE: {"ready": False}}})
    house.happen("componentNotReady")
    assert await house.deliver() == [200]
    await settle(hass, freezer)
    assert hass.states.get("binary_sensor.t01_main_entrance_ready").state == "off"
    assert house.heard() == [(ENTRANCE_EVENT, "not_ready", "06:00:02")]


@pytest.mark.parametrize(
    ("fault", "status"), [("wrong_secret", 403), ("no_secret", 403), ("partial", 400)]
)
async def test_nothing_is_told_by_who_does_not_know_the_secret(
    hass: HomeAssistant,
    house: House,
    hass_client_no_auth: ClientSessionGenerator,
    fault: str,
    status: int,
) -> None:
    """It is refused, and nobody is asked anything."""
    await house.listen(hass_client_no_auth)
    house.exivo.fault(fault, path="webhook")
    house.exivo.requests.clear()
    house.happen("sabotageAlarm", only="push")
    assert await house.deliver() == [status]
    assert house.heard() == []
    assert house.exivo.requests == []
    assert hass.states.get(ENTRANCE_EVENT).state == "unknown"


async def test_nothing_is_told_again_after_a_restart(
    hass: HomeAssistant, house: House, hass_storage: dict[str, Any]
) -> None:
    """What happened meanwhile is told, even before there is an entity to tell it."""
    house.happen("accessDenied")
    await house.poll()
    assert len(house.heard()) == 1
    await hass.config_entries.async_unload(house.entry.entry_id)
    await hass.async_block_till_done()
    assert (
        len(hass_storage[f"{DOMAIN}.{house.entry.entry_id}.events"]["data"]["ids"]) == 1
    )
    house.happen("accessPermitted", door=SEMINAR)
    await hass.config_entries.async_setup(house.entry.entry_id)
    await hass.async_block_till_done()
    assert [told[:2] for told in house.heard()] == [(SEMINAR_EVENT, "granted")]
    assert hass.states.get(ENTRANCE_EVENT).attributes["event_type"] == "denied"
    await hass.config_entries.async_remove(house.entry.entry_id)
    await hass.async_block_till_done()
    assert f"{DOMAIN}.{house.entry.entry_id}.events" not in hass_storage


async def test_events_of_days_without_an_answer_are_no_news(house: House) -> None:
    """Those of the last day are."""
    house.exivo.fault("500", path="accesslog")
    house.happen("accessDenied", NOW + MINUTE)
    house.freezer.tick(timedelta(hours=23))
    house.happen("accessPermitted")
    house.freezer.tick(timedelta(hours=23))
    await house.poll()
    house.exivo.faults.clear()
    await house.poll()
    assert [told[1] for told in house.heard()] == ["granted"]


@pytest.mark.parametrize(
    ("fault", "drifts"),
    [("403", 0), ("404", 0), ("401", 0), ("500", 0), ("429", 0), ("wrong_shape", 1)],
)
async def test_doors_work_without_their_log(
    hass: HomeAssistant, house: House, fault: str, drifts: int
) -> None:
    """The account stays connected; what cannot be read of the log is said."""
    house.exivo.fault(fault, path="accesslog")
    house.exivo.control({"change": {ENTRANCE: {"mode": "open"}}})
    await house.poll()
    assert hass.states.get("lock.t01_main_entrance").state == "unlocked"
    assert hass.states.get("binary_sensor.seminarhaus_am_see_connected").state == "on"
    issues = [i for d, i in ir.async_get(hass).issues if d == DOMAIN]
    assert len(issues) == drifts
    house.exivo.faults.clear()
    for _ in range(2):
        await house.poll()
    assert DOMAIN not in {d for d, _ in ir.async_get(hass).issues}


async def test_an_account_of_before_takes_no_messages_and_works(
    hass: HomeAssistant, house: House
) -> None:
    """It has no address yet; its events come by poll."""
    data = {
        k: v for k, v in house.entry.data.items() if k not in ("webhook_id", "secret")
    }
    hass.config_entries.async_update_entry(house.entry, data=data)
    await hass.async_block_till_done()
    house.happen("accessDenied")
    await house.poll()
    assert [told[1] for told in house.heard()] == ["denied"]


async def test_who_it_was_is_told_nobody(
    hass: HomeAssistant,
    house: House,
    hass_client_no_auth: ClientSessionGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Not in a state, not in what is stored, not in the log."""
    caplog.set_level(logging.DEBUG)
    await house.listen(hass_client_no_auth)
    user = {"user": {"firstName": "Heidi", "userName": "heidi@example.com"}}
    house.happen("accessPermitted", data=SEEN | user, payload=SEEN | user)
    house.happen("accessDenied", door=SEMINAR, only="log", data=SEEN | user)
    await house.deliver()
    house.exivo.control({"raw_messages": [{"name": None, "payload": SEEN}]})
    assert await house.deliver() == [422]
    await house.poll()
    assert len(house.heard()) == 2
    await hass.config_entries.async_unload(house.entry.entry_id)
    ours = [r.getMessage() for r in caplog.records if DOMAIN in r.name]
    stored = [v for k, v in hass_storage.items() if k.startswith(DOMAIN)]
    everything = f"{ours} {stored} {[s.as_dict() for s in hass.states.async_all()]}"
    for marker in ("Heidi", "Muster", "+41791234567", "heidi@example.com"):
        assert marker not in everything
