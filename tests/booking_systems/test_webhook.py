"""Bookings that another system brings by HTTP, through a whole life."""

from datetime import UTC, datetime, timedelta
import hashlib
import hmac
import json
from typing import Any
from unittest.mock import patch

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.booking_systems.icalendar import ICalendar
from custom_components.booking_access.booking_systems.webhook import Webhook
from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.engine.models import (
    Booking,
    ConnectionFailed,
    Rejected,
)
from custom_components.booking_access.push import ImportRefused, PushRefused
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError
from homeassistant.util import dt as dt_util

from ..flows import open_form, submit
from ..helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
LEAD = timedelta(minutes=15)

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


class Sender:
    """Another system, which posts to the address that the form showed."""

    def __init__(self, client: TestClient, entry: ConfigEntry, path: str) -> None:
        """Know where to post, and the secret."""
        self.client = client
        self.path = path
        self.secret = entry.data["secret"]

    async def post(
        self, payload: Any, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Post, with the secret unless other headers are given."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        if headers is None:
            headers = {"X-Booking-Access-Secret": self.secret}
        answer = await self.client.post(self.path, data=body, headers=headers)
        return answer.status, await answer.json()


def record(**changes: Any) -> dict[str, Any]:
    """Return a booking as a sender writes it."""
    return {
        "id": "b1",
        "resource": "hall",
        "start": START.isoformat(),
        "end": END.isoformat(),
        "name": "Anna Holm",
        **changes,
    }


@pytest.fixture
async def account(hass: HomeAssistant, lock: str) -> ConfigEntry:
    """An account with a room, whose door is a lock."""
    await hass.config.async_set_time_zone("Europe/Copenhagen")
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    form = await open_form(hass, "booking_system", "webhook")
    done = await submit(hass, form, {"name": "Skedda"})
    entry = done["result"]
    points = [f"{doors.entry_id}/{lock}"]
    form = {"resource_id": "hall", "name": "Hall", "access_points": points}
    await add_room(hass, entry, {**form, "access": ["hold_open"]})
    return entry


@pytest.fixture
async def sender(
    account: ConfigEntry, hass_client_no_auth: ClientSessionGenerator
) -> Sender:
    """Whoever knows the secret."""
    client = await hass_client_no_auth()
    return Sender(client, account, f"/api/webhook/{account.data['webhook_id']}")


async def test_the_form_shows_where_to_send_to_and_the_secret(
    hass: HomeAssistant, account: ConfigEntry
) -> None:
    """When the account is made, and again when it is changed; it stays the same."""
    hass.config.external_url = "https://home.example.com"
    form = await open_form(hass, "booking_system", "webhook")
    shown = form["description_placeholders"]
    done = await submit(hass, form, {"name": "Nexudus"})
    data = done["result"].data
    path = f"https://home.example.com/api/webhook/{data['webhook_id']}"
    assert shown["address"] == path
    assert shown["secret"] == data["secret"] != account.data["secret"]
    change = await hass.config_entries.flow.async_init(
        DOMAIN,
        context={"source": "reconfigure", "entry_id": done["result"].entry_id},
    )
    again = change["description_placeholders"]
    assert (again["address"], again["secret"]) == (path, data["secret"])
    assert f"POST {path}\nX-Booking-Access-Secret: {data['secret']}" in again["paste"]
    changed = await submit(hass, change, {"name": "Nexudus 2"})
    assert changed["reason"] == "reconfigure_successful"
    assert done["result"].data == {**data, "name": "Nexudus 2"}


async def test_booked_moved_and_cancelled(
    hass: HomeAssistant, sender: Sender, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """The door follows at once, without anybody asking."""
    assert await sender.post(record()) == (200, {"taken": 1, "problems": []})
    await at(hass, freezer, START - LEAD)
    assert hass.states.get(lock).state == "unlocked"
    later = START + timedelta(hours=4)
    moved = record(start=later.isoformat(), end=(later + LEAD).isoformat())
    await sender.post([moved])
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, later)
    assert hass.states.get(lock).state == "unlocked"
    assert (await sender.post({"id": "b1", "status": "cancelled"}))[0] == 200
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    assert hass.states.get("event.hall_booking").attributes["event_type"] in (
        "booking_ended",
        "access_closed",
    )


async def test_what_is_late_changes_nothing_and_twice_is_once(
    hass: HomeAssistant, sender: Sender, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """Also where the cancellation comes before the booking."""
    new = record(updated_at="2026-11-22T05:00:00Z")
    gone = {"id": "b1", "status": "cancelled", "updated_at": "2026-11-22T05:30:00Z"}
    for each in (gone, new, gone, new):
        assert (await sender.post(each))[0] == 200
    assert hass.states.get("sensor.hall_access_status").state == "idle"
    again = record(updated_at="2026-11-22T05:45:00Z")
    for each in (again, again, new, gone):
        await sender.post(each)
    await at(hass, freezer, START)
    assert hass.states.get(lock).state == "unlocked"


async def test_bookings_outlive_a_restart_and_come_before_their_room(
    hass: HomeAssistant, account: ConfigEntry, sender: Sender
) -> None:
    """What was brought once cannot be asked for again."""
    await sender.post([record(), record(id="b2", resource="court")])
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    form = await hass.config_entries.subentries.async_init(
        (account.entry_id, "room"), context={"source": "user"}
    )
    options = form["data_schema"].schema["resource_id"].config["options"]
    assert [each["value"] for each in options] == ["court"]
    await add_room(
        hass, account, {"resource_id": "court", "access_points": [], "access": []}
    )
    for name in ("hall", "court"):
        state = hass.states.get(f"sensor.{name}_booking_start").state
        assert datetime.fromisoformat(state) == START


@pytest.mark.parametrize(
    ("payload", "status", "field"),
    [
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        ([{}], 422, "id"),
        ("text", 422, "body"),
        (record(resource=None), 422, "resource"),
        (record(end=None), 422, "end"),
        (record(start="tomorrow"), 422, "start"),
        (record(start=1e300), 422, "start"),
        (record(status="perhaps"), 422, "status"),
        (record(phone=["1"]), 422, "phone"),
        (record(participants=["Bo"]), 422, "participants"),
        (b" " * (1024 * 1024 + 1), 413, None),
        ([record()] * 5001, 413, None),
    ],
)
async def test_a_sender_is_told_what_is_wrong(
    hass: HomeAssistant, sender: Sender, payload: Any, status: int, field: str | None
) -> None:
    """By field, and never with what was in it."""
    answered, answer = await sender.post(payload)
    assert answered == status
    assert answer["error"]
    assert [each["field"] for each in answer.get("problems", [])] == (
        [field] if field else []
    )
    assert hass.states.get("sensor.hall_access_status").state == "idle"


async def test_who_booked_is_no_state(hass: HomeAssistant, sender: Sender) -> None:
    """The calendar tells what is booked if that is said, and never by whom."""
    await sender.post(record())
    assert "Anna" not in str([each.as_dict() for each in hass.states.async_all()])
    await sender.post(record(summary="Choir"))
    state = hass.states.get("calendar.hall_bookings")
    assert state.attributes["message"] == "Choir"


async def test_one_bad_booking_does_not_keep_the_others_out(
    hass: HomeAssistant, sender: Sender
) -> None:
    status, answer = await sender.post([record(id=None), record()])
    assert (status, answer["taken"]) == (200, 1)
    assert answer["problems"] == [
        {"item": "booking 1", "field": "id", "reason": "bad_booking"}
    ]
    assert hass.states.get("sensor.hall_access_status").state == "ready"


async def test_who_does_not_know_the_secret_opens_nothing(
    hass: HomeAssistant, sender: Sender
) -> None:
    """Neither without it, nor with another one, nor with another's signature."""
    for headers in (
        {},
        {"X-Booking-Access-Secret": "guess"},
        {"X-Booking-Access-Secret": ""},
        {"X-Signature-256": "sha256=00"},
        {"X-Booking-Access-Secret": sender.secret, "X-Signature-256": "00"},
    ):
        status, answer = await sender.post(record(), headers)
        assert status == 403, headers
        assert sender.secret not in str(answer)
    assert hass.states.get("sensor.hall_access_status").state == "idle"


@pytest.mark.parametrize("name", ["X-Booking-Access-Signature", "x-cal-signature-256"])
async def test_a_signed_body_needs_no_secret(
    hass: HomeAssistant, sender: Sender, name: str
) -> None:
    body = json.dumps(record()).encode()
    digest = hmac.new(sender.secret.encode(), body, hashlib.sha256).hexdigest()
    for value in (digest, f"sha256={digest.upper()}"):
        assert (await sender.post(body, {name: value}))[0] == 200
    assert hass.states.get("sensor.hall_access_status").state == "ready"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-22T08:00:00", "2026-11-22T10:00:00"),  # on the clock in Copenhagen
        ("2026-11-22T07:00Z", "2026-11-22T09:00Z"),
        (START.timestamp(), END.timestamp()),
    ],
)
async def test_times_as_senders_write_them(
    hass: HomeAssistant, sender: Sender, start: Any, end: Any
) -> None:
    await sender.post(record(start=start, end=end))
    state = hass.states.get("sensor.hall_booking_start").state
    assert datetime.fromisoformat(state) == START


async def test_a_day_alone_is_the_whole_day(
    hass: HomeAssistant, sender: Sender
) -> None:
    await sender.post(record(start="2026-11-23", end="2026-11-24"))
    for edge, said in (("start", "2026-11-22T23:00"), ("end", "2026-11-24T23:00")):
        state = hass.states.get(f"sensor.hall_booking_{edge}").state
        assert state.startswith(said)


async def test_nobody_listens_any_more_once_the_account_is_gone(
    hass: HomeAssistant, account: ConfigEntry, sender: Sender
) -> None:
    """As for every address that there never was."""
    await hass.config_entries.async_remove(account.entry_id)
    answer = await sender.client.post(sender.path, data=b"{}")
    assert (answer.status, await answer.read()) == (200, b"")


async def test_what_cannot_be_looked_up_now_is_to_be_sent_again(
    hass: HomeAssistant, sender: Sender
) -> None:
    """Where only the vendor knows what is new, and does not answer."""
    with patch.object(Webhook, "parse_push", side_effect=ConnectionFailed):
        status, answer = await sender.post(record())
    assert (status, bool(answer["error"])) == (503, True)


async def test_without_an_address_of_ours_the_form_shows_the_path(
    hass: HomeAssistant, account: ConfigEntry
) -> None:
    with patch.object(webhook, "async_generate_url", side_effect=NoURLAvailableError):
        form = await open_form(hass, "booking_system", "webhook")
    assert form["description_placeholders"]["address"].startswith("/api/webhook/")


async def test_what_a_system_cannot_do_it_refuses(hass: HomeAssistant) -> None:
    """As an error that its callers know."""
    system = ICalendar(None, {"url": "https://example.com/a.ics"})
    now = dt_util.utcnow()
    some = Booking(id="a", resource_id="r", start=now, end=now)
    with pytest.raises(PushRefused):
        await system.parse_push({}, b"", {})
    with pytest.raises(ImportRefused):
        system.read_import(b"", {})
    for refused in (
        system.create_booking("r", {}),
        system.change_booking(some, {}, None),
        system.cancel_booking(some, None),
    ):
        with pytest.raises(Rejected):
            await refused
    assert not system.takes_push
    assert not system.writes("r")
