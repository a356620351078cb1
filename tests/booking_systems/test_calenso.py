"""Calenso: what its form asks, what its events do to a room, through a whole life."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
import logging
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from simulators.calenso import BOOKING_NAME, CLIENT_SECRET, CalensoSimulator

from ..flows import open_form, submit
from ..helpers import add_account, add_room, at, settle

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
START = NOW + timedelta(hours=1)
END = START + timedelta(hours=2)
LEAD = timedelta(minutes=15)
HOUR = timedelta(hours=1)
SEMINAR = "3/17"
CREATED = "appointment.booking.created"
CANCELLED = "appointment.booking.cancelled"
INFORMATION = "partners/information"

pytestmark = [pytest.mark.freeze_time(NOW), pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture
async def calenso(socket_enabled: None) -> AsyncIterator[CalensoSimulator]:
    """A seminar house."""
    async with CalensoSimulator() as simulator:
        yield simulator


def form_of(calenso: CalensoSimulator, **changes: Any) -> dict[str, Any]:
    """Return the form filled in, without the client of an Enterprise licence."""
    return {
        "booking_name": BOOKING_NAME,
        "advanced": {"url": f"{calenso.url}/api/v1", **changes},
    }


@pytest.fixture
async def account(
    hass: HomeAssistant, calenso: CalensoSimulator, lock: str
) -> ConfigEntry:
    """An account with the seminar room, whose door is a lock."""
    await hass.config.async_set_time_zone("Europe/Zurich")
    hass.config.country = "CH"
    doors = await add_account(hass, "access_system", "ha_locks", {"entity_ids": [lock]})
    entry = await add_account(hass, "booking_system", "calenso", form_of(calenso))
    points = [f"{doors.entry_id}/{lock}"]
    form = {"resource_id": SEMINAR, "name": "Seminar", "access_points": points}
    await add_room(hass, entry, {**form, "access": ["hold_open"]})
    return entry


class Guest:
    """Who books: Calenso sends what comes of it to the address of the form."""

    def __init__(self, calenso: CalensoSimulator) -> None:
        """Book at the seminar house."""
        self.calenso = calenso

    async def send(self, **changes: Any) -> list[tuple[int, Any]]:
        """Have an event sent, and return the answers to it."""
        wish = {
            "type": CREATED,
            "uuid": "a-1",
            "start": START.isoformat(),
            "end": END.isoformat(),
            **changes,
        }
        self.calenso.control({"appointments": [wish]})
        return await self.deliver()

    async def raw(self, payload: Any) -> list[tuple[int, Any]]:
        """Have something sent as it stands."""
        self.calenso.control({"raw": [payload]})
        return await self.deliver()

    async def deliver(self) -> list[tuple[int, Any]]:
        """Send what waits."""
        answers = await self.calenso.deliver()
        return [(each["status"], json.loads(each["answer"])) for each in answers]


@pytest.fixture
async def guest(
    account: ConfigEntry,
    calenso: CalensoSimulator,
    hass_client_no_auth: ClientSessionGenerator,
) -> Guest:
    """A guest, after somebody pasted address, header and secret into Calenso."""
    client = await hass_client_no_auth()
    address = client.make_url(f"/api/webhook/{account.data['webhook_id']}")
    secret = account.data["secret"]
    calenso.control({"target": {"address": str(address), "secret": secret}})
    return Guest(calenso)


def issues(hass: HomeAssistant, kind: str) -> list[ir.IssueEntry]:
    """Return the repair issues of a kind."""
    registry = ir.async_get(hass)
    return [
        issue
        for (domain, id_), issue in registry.issues.items()
        if domain == DOMAIN and id_.startswith(kind)
    ]


def seminar_start(hass: HomeAssistant) -> datetime | None:
    """Return when the room is booked next."""
    state = hass.states.get("sensor.seminar_booking_start").state
    return None if state == "unknown" else datetime.fromisoformat(state)


# The form


async def test_the_form_shows_what_to_paste_and_what_can_be_booked(
    hass: HomeAssistant, calenso: CalensoSimulator
) -> None:
    """Stores, the services of each, workers and group appointments."""
    hass.config.external_url = "https://home.example.com"
    form = await open_form(hass, "booking_system", "calenso")
    shown = form["description_placeholders"]
    assert shown["address"].startswith("https://home.example.com/api/webhook/")
    assert shown["header"] == "X-Calenso-Webhook-Secret"
    assert len(shown["secret"]) >= 32
    rooms = await submit(hass, form, form_of(calenso))
    options = rooms["data_schema"].schema["resources"].config["options"]
    assert {each["value"]: each["label"] for each in options} == {
        "3": "Olten",
        "4": "Aarau",
        "3/17": "Seminarraum (Olten)",
        "3/18": "Beratung (Olten)",
        "4/17": "Seminarraum (Aarau)",
        "worker/71": "Seminarraum Aare",
        "worker/72": "Beratungsraum",
        "event/5": "Yoga für Anfänger",
    }
    done = await submit(hass, rooms, {"resources": ["3/17"]})
    assert done["title"] == "Calenso (Seminarhaus Aare)"
    assert done["result"].unique_id == f"calenso:{BOOKING_NAME}"
    assert done["data"]["secret"] == shown["secret"]


@pytest.mark.parametrize("code", [404, 400, "not_found"])
@pytest.mark.parametrize("status", [404, 200])
async def test_an_unknown_booking_name_is_the_only_thing_that_stops(
    hass: HomeAssistant, calenso: CalensoSimulator, code: object, status: int
) -> None:
    """Whatever code it has."""
    calenso.control({"unknown_name": code, "errors_status": status})
    form = await open_form(hass, "booking_system", "calenso")
    wrong = {**form_of(calenso), "booking_name": "nobody"}
    refused = await submit(hass, form, wrong)
    assert refused["errors"] == {"base": "unknown_booking_name"}
    assert (await submit(hass, refused, form_of(calenso)))["step_id"] == "rooms"


@pytest.mark.parametrize(
    "kind",
    ["401", "403", "404", "429", "500", "html", "truncated", "reset", "wrong_shape"],
)
async def test_no_failure_of_the_public_calls_blocks_the_form(
    hass: HomeAssistant, calenso: CalensoSimulator, kind: str
) -> None:
    """It goes on with the form of a room, where the id can be typed."""
    calenso.fault(kind, path=INFORMATION)
    form = await open_form(hass, "booking_system", "calenso")
    done = await submit(hass, form, form_of(calenso))
    assert done["title"] == f"Calenso ({BOOKING_NAME})"
    assert done["next_flow"]


async def test_a_client_is_checked_at_auth0(
    hass: HomeAssistant, calenso: CalensoSimulator
) -> None:
    """Only if there is one; a wrong one is refused."""
    form = await open_form(hass, "booking_system", "calenso")
    wrong = {"client_id": "calenso-client", "client_secret": "wrong"}
    refused = await submit(hass, form, form_of(calenso, **wrong))
    assert refused["errors"] == {"base": "invalid_auth"}
    right = {**wrong, "client_secret": CLIENT_SECRET}
    rooms = await submit(hass, refused, form_of(calenso, **right))
    assert rooms["step_id"] == "rooms"
    assert ("POST", "/oauth/token") in calenso.requests


# A whole life


async def test_booked_moved_and_cancelled(
    hass: HomeAssistant, guest: Guest, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """The door follows at the instants, for everything that Calenso sends."""
    assert await guest.send() == [(200, {"taken": 3})]
    await at(hass, freezer, START - LEAD - timedelta(seconds=1))
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, START - LEAD)
    assert hass.states.get(lock).state == "unlocked"
    later = START + 5 * HOUR
    moved = {"start": later.isoformat(), "end": (later + HOUR).isoformat()}
    await guest.send(type="appointment.updated", **moved)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, later - LEAD)
    assert hass.states.get(lock).state == "unlocked"
    assert (await guest.send(type=CANCELLED, **moved))[0][0] == 200
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"
    await guest.send(uuid="a-2", type="appointment.manual.booking.created", **moved)
    await at(hass, freezer, later + HOUR + LEAD - timedelta(seconds=1))
    assert hass.states.get(lock).state == "unlocked"
    await at(hass, freezer, later + HOUR + LEAD)
    assert hass.states.get(lock).state == "locked"


async def test_a_restart_forgets_nothing_and_takes_what_comes_after(
    hass: HomeAssistant,
    account: ConfigEntry,
    guest: Guest,
    freezer: FrozenDateTimeFactory,
    lock: str,
) -> None:
    """Also while Calenso itself cannot be reached, and whatever its plan."""
    await guest.send()
    guest.calenso.fault("500")
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    await at(hass, freezer, START)
    assert hass.states.get(lock).state == "unlocked"
    await guest.send(type=CANCELLED)
    await settle(hass, freezer)
    assert hass.states.get(lock).state == "locked"


async def test_an_account_without_rooms_listens_whatever_calenso_says(
    hass: HomeAssistant,
    calenso: CalensoSimulator,
    hass_client_no_auth: ClientSessionGenerator,
) -> None:
    """What is brought to it waits for its room."""
    entry = await add_account(hass, "booking_system", "calenso", form_of(calenso))
    calenso.fault("401")
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    browser = await hass_client_no_auth()
    address = str(browser.make_url(f"/api/webhook/{entry.data['webhook_id']}"))
    calenso.control({"target": {"address": address, "secret": entry.data["secret"]}})
    assert await Guest(calenso).send() == [(200, {"taken": 3})]
    form = {"name": "Seminar", "access_points": [], "access": []}
    await add_room(hass, entry, {"resource_id": SEMINAR, **form})
    assert seminar_start(hass) == START


async def test_twice_is_once_and_late_changes_nothing(
    hass: HomeAssistant, guest: Guest
) -> None:
    """Also a cancellation that comes before its booking, or with it."""
    guest.calenso.fault("duplicate", times=1)
    created = NOW.isoformat()
    assert len(await guest.send(created=created)) == 2
    assert seminar_start(hass) == START
    moved = {"start": (START + HOUR).isoformat(), "end": (END + HOUR).isoformat()}
    newer = (NOW + timedelta(seconds=9)).isoformat()
    await guest.send(type="appointment.updated", created=newer, **moved)
    await guest.send(created=created)
    assert seminar_start(hass) == START + HOUR
    # However early Calenso's clock says that it was: cancelled is cancelled.
    await guest.send(type=CANCELLED, created=created)
    assert seminar_start(hass) is None
    await guest.send(type="appointment.updated", created=newer, **moved)
    assert seminar_start(hass) is None
    await guest.send(uuid="a-2", type=CANCELLED, created=newer)
    await guest.send(uuid="a-2", created=newer)
    assert seminar_start(hass) is None


async def test_several_dates_are_several_appointments(
    hass: HomeAssistant, guest: Guest, freezer: FrozenDateTimeFactory, lock: str
) -> None:
    """They come one by one, and nothing says that they belong together."""
    for day in range(3):
        start = START + timedelta(days=day)
        times = {"start": start.isoformat(), "end": (start + HOUR).isoformat()}
        await guest.send(uuid=f"a-{day}", **times)
    await guest.send(uuid="a-1", type=CANCELLED)
    opened = []
    for day in range(3):
        await at(hass, freezer, START + timedelta(days=day))
        opened.append(hass.states.get(lock).state)
        await at(hass, freezer, START + timedelta(days=day, hours=3))
    assert opened == ["unlocked", "locked", "unlocked"]


@pytest.mark.parametrize(
    "kind",
    [
        "customer.created",
        "customer.deleted",
        "lead.created",
        "appointment.booking.payment_succeeded",
    ],
)
async def test_what_is_of_no_use_is_taken_all_the_same(
    hass: HomeAssistant, guest: Guest, kind: str
) -> None:
    assert await guest.send(type=kind) == [(200, {"ignored": True})]
    assert await guest.raw({"type": "voucher.sold"}) == [(200, {"ignored": True})]
    assert seminar_start(hass) is None


async def test_who_does_not_know_the_secret_books_nothing(
    hass: HomeAssistant, guest: Guest
) -> None:
    for fault in ("wrong_secret", "no_secret"):
        guest.calenso.fault(fault, times=1)
        ((status, answer),) = await guest.send()
        assert (status, "X-Calenso-Webhook-Secret" in answer["error"]) == (403, True)
    assert seminar_start(hass) is None
    assert not issues(hass, "bad_bookings")


# What cannot be read


async def test_the_flat_shape_is_refused_with_what_to_change(
    hass: HomeAssistant, guest: Guest
) -> None:
    """At Calenso, whose page shows the answer, and here as well."""
    guest.calenso.control({"shape": "flat"})
    ((status, answer),) = await guest.send()
    assert status == 422
    assert "choose nested objects" in answer["error"]
    (issue,) = issues(hass, "bad_bookings")
    assert issue.translation_placeholders["items"] == f"{CREATED} (data)"
    once_more = {"type": CREATED, "data": {"appointment_uuid": "a", "user_id": 1}}
    assert "nested" in (await guest.raw(once_more))[0][1]["error"]
    assert seminar_start(hass) is None


def event(**record: Any) -> dict[str, Any]:
    """Return an event as Calenso writes it."""
    start = f"{START:%Y-%m-%d %H:%M:%S}"
    usual = {"uuid": "a-9", "start_utc": start, "store_id": 3, "customer": None}
    return {
        "created": "2026-11-22 06:00:00",
        "type": CREATED,
        "data": {"user": None, "appointment": usual | record},
    }


@pytest.mark.parametrize(
    ("payload", "status", "field"),
    [
        ("{", 400, None),
        ([event()], 422, "type"),
        ({"data": {}}, 422, "type"),
        (event() | {"data": {"user": {}}}, 422, "data.appointment"),
        (event() | {"data": {"appointment": [], "user": {}}}, 422, "data.appointment"),
        (event(uuid=None), 422, "uuid"),
        (event(start_utc=None), 422, "start_utc"),
        (event(start_utc="tomorrow"), 422, "start_utc"),
        (event(start_utc="0001-01-01 00:00:00"), 422, "start_utc"),
        (event(store_id=None), 422, "store_id"),
        (event(appointment_services="x"), 422, "appointment_services"),
        (event(customer={"uuid": "c", "phone": ["1"]}), 422, "phone"),
        (event() | {"type": "customer.updated", "data": {"customer": {}}}, 422, "uuid"),
        (event() | {"type": "event.booking.cancelled"}, 200, None),
    ],
)
async def test_calenso_is_told_what_is_wrong(
    hass: HomeAssistant, guest: Guest, payload: Any, status: int, field: str | None
) -> None:
    """By the field, never with what was in it; and so are people here."""
    ((answered, answer),) = await guest.raw(payload)
    assert answered == status
    if field:
        assert field in answer["error"]
        (issue,) = issues(hass, "bad_bookings")
        assert field in issue.translation_placeholders["items"]
    assert seminar_start(hass) is None


# What is only plausible about the wire


@pytest.mark.parametrize("end_as", ["end_utc", "local", "duration", "service_duration"])
@pytest.mark.parametrize("time_format", ["sql", "iso"])
@pytest.mark.parametrize("ids", ["int", "str"])
async def test_how_an_appointment_may_be_written(
    hass: HomeAssistant, guest: Guest, end_as: str, time_format: str, ids: str
) -> None:
    """The same booking comes of it all."""
    guest.calenso.control({"end_as": end_as, "time_format": time_format, "ids": ids})
    guest.calenso.control({"store_as": "store" if ids == "str" else "store_id"})
    await guest.send(services=[17, 18])
    for edge, instant in (("start", START), ("end", END)):
        state = hass.states.get(f"sensor.seminar_booking_{edge}").state
        assert datetime.fromisoformat(state) == instant


async def test_local_times_tell_how_long_the_night_is_when_clocks_change(
    hass: HomeAssistant, guest: Guest
) -> None:
    """An hour comes twice on the night to 25 October in Zurich."""
    guest.calenso.control({"end_as": "local"})
    start = datetime(2027, 10, 30, 22, tzinfo=UTC)  # 00:00 on the wall
    end = datetime(2027, 10, 31, 3, tzinfo=UTC)  # 04:00
    await guest.send(start=start.isoformat(), end=end.isoformat())
    state = hass.states.get("sensor.seminar_booking_end").state
    assert datetime.fromisoformat(state) == end


@pytest.mark.parametrize("extra", [{}, {"duration": "soon"}, {"end_utc": "late"}])
async def test_without_an_end_nobody_gets_in_until_it_comes(
    hass: HomeAssistant,
    guest: Guest,
    freezer: FrozenDateTimeFactory,
    lock: str,
    extra: dict[str, Any],
) -> None:
    """It is shown where people look, and goes by itself."""
    guest.calenso.control({"end_as": "none"})
    assert (await guest.send(extra=extra))[0][0] == 200
    await settle(hass, freezer)
    attention = hass.states.get("binary_sensor.seminar_attention")
    assert attention.attributes["reasons"] == ["booking_without_duration"]
    (issue,) = issues(hass, "without_end")
    assert issue.translation_placeholders["rooms"] == "Seminar"
    guest.calenso.control({"end_as": "end_utc"})
    await guest.send(type="appointment.updated")
    await settle(hass, freezer)
    assert not issues(hass, "without_end")
    assert hass.states.get("binary_sensor.seminar_attention").state == "off"
    guest.calenso.control({"end_as": "none"})
    await guest.send(uuid="a-2", start=END.isoformat())
    assert issues(hass, "without_end")
    await at(hass, freezer, START)
    assert hass.states.get(lock).state == "unlocked"  # a-1, that has an end
    await at(hass, freezer, END + LEAD)
    assert hass.states.get(lock).state == "locked"
    await at(hass, freezer, END + LEAD + timedelta(minutes=1))
    assert not issues(hass, "without_end")


async def test_the_notice_goes_with_the_booking_and_with_the_account(
    hass: HomeAssistant, account: ConfigEntry, guest: Guest
) -> None:
    guest.calenso.control({"end_as": "none"})
    await guest.send()
    await guest.send(uuid="a-2")
    (issue,) = issues(hass, "without_end")
    assert issue.translation_placeholders["count"] == "2"
    await guest.send(type=CANCELLED)
    (issue,) = issues(hass, "without_end")
    assert issue.translation_placeholders["count"] == "1"
    await hass.config_entries.async_reload(account.entry_id)
    await hass.async_block_till_done()
    assert issues(hass, "without_end")
    await hass.config_entries.async_remove(account.entry_id)
    await hass.async_block_till_done()
    assert not issues(hass, "without_end")


@pytest.mark.parametrize("cancel_as", ["full", "uuid"])
async def test_a_cancellation_needs_no_more_than_the_uuid(
    hass: HomeAssistant, guest: Guest, cancel_as: str
) -> None:
    guest.calenso.control({"cancel_as": cancel_as})
    await guest.send()
    await guest.send(type=CANCELLED)
    assert seminar_start(hass) is None
    await guest.send(uuid="a-2")
    await guest.send(
        uuid="a-2", type="appointment.updated", extra={"status": "Storniert"}
    )
    assert seminar_start(hass) is None


async def test_what_a_move_does_not_say_stays(
    hass: HomeAssistant, guest: Guest
) -> None:
    """Service, store, worker and customer."""
    await guest.send()
    guest.calenso.control({"store_as": "none", "services_as": "none"})
    moved = {"start": (START + HOUR).isoformat(), "end": (END + HOUR).isoformat()}
    await guest.send(type="appointment.updated", worker=72, **moved)
    assert seminar_start(hass) == START + HOUR
    start = f"{START:%Y-%m-%d %H:%M:%S}"
    record = {"uuid": "a-1", "start_utc": start, "duration": 60}
    later = {"created": "2026-11-22 07:00:00", "type": "appointment.updated"}
    await guest.raw({**later, "data": {"appointment": record}})
    assert seminar_start(hass) == START


async def test_another_service_takes_the_room_along(
    hass: HomeAssistant, guest: Guest, account: ConfigEntry
) -> None:
    """A room can follow a service, a store, a worker or a group appointment."""
    rooms = {"3/18": "Advice", "3": "Olten", "4": "Aarau", "worker/72": "Room 72"}
    for resource_id, name in rooms.items():
        form = {"name": name, "access_points": [], "access": []}
        await add_room(hass, account, {"resource_id": resource_id, **form})

    def booked() -> set[str]:
        names = ("seminar", "advice", "olten", "aarau", "room_72")
        return {
            name
            for name in names
            if hass.states.get(f"sensor.{name}_booking_start").state != "unknown"
        }

    await guest.send()
    assert booked() == {"seminar", "olten"}
    await guest.send(type="appointment.updated", services=[18], worker=72)
    assert booked() == {"advice", "olten", "room_72"}
    await guest.send(type="appointment.updated", store=4, worker=72)
    assert booked() == {"aarau", "room_72"}
    await guest.send(type=CANCELLED)
    assert booked() == set()


async def test_the_worker_alone_is_enough(
    hass: HomeAssistant, guest: Guest, account: ConfigEntry
) -> None:
    """It is the only thing that is booked for sure, and is offered once it came."""
    guest.calenso.control({"store_as": "none", "services_as": "none"})
    await guest.send(worker=99)
    form = await hass.config_entries.subentries.async_init(
        (account.entry_id, "room"), context={"source": "user"}
    )
    options = form["data_schema"].schema["resource_id"].config["options"]
    assert "worker/99" in {each["value"] for each in options}


@pytest.mark.parametrize("kind", ["event.booking", "event.manual.booking"])
async def test_group_appointments_have_many_customers(
    hass: HomeAssistant, guest: Guest, account: ConfigEntry, kind: str
) -> None:
    """Each comes and goes alone, and the room is booked as long as one is there."""
    form = {"name": "Yoga", "access_points": [], "access": []}
    await add_room(hass, account, {"resource_id": "event/5", **form})

    def booked() -> bool:
        return hass.states.get("sensor.yoga_booking_start").state != "unknown"

    for customer in ("c-1", "c-2"):
        await guest.send(
            type=f"{kind}.created", uuid="e-1", customer={"uuid": customer}
        )
    assert booked()
    cancelled = {"type": "event.booking.cancelled", "uuid": "e-1"}
    await guest.send(**cancelled, customer={"uuid": "c-1"})
    assert booked()
    ((status, answer),) = await guest.send(**cancelled, customer={"uuid": None})
    assert (status, "customer.uuid" in answer["error"]) == (422, True)
    await guest.send(**cancelled, customer={"uuid": "c-2"})
    assert not booked()


# People


def holder(hass: HomeAssistant, account: ConfigEntry) -> Any:
    """Return who holds the room's booking."""
    known = hass.data[DOMAIN].known_bookings(account.entry_id)
    return known["a-1"].holder


@pytest.mark.parametrize(
    ("phone_as", "phone"),
    [("mobile", "079 123 45 67"), ("phone", "079 123 45 67"), ("null", None)],
)
async def test_who_booked(
    hass: HomeAssistant, account: ConfigEntry, guest: Guest, phone_as: str, phone: Any
) -> None:
    guest.calenso.control({"phone_as": phone_as})
    await guest.send()
    person = holder(hass, account)
    assert (person.name, person.phone, person.email, person.id) == (
        "Anna Holm",
        phone,
        "anna@example.com",
        "c-1",
    )


async def test_a_customer_who_changes_takes_the_bookings_along(
    hass: HomeAssistant, account: ConfigEntry, guest: Guest
) -> None:
    """What is not said of them stays; a move of before may still come after."""
    await guest.send(created=NOW.isoformat())
    await guest.send(uuid="a-2", customer={"uuid": "c-2"})
    changed = {"uuid": "c-1", "phone": "078 000 00 00"}
    later = {"created": "2026-11-22 09:00:00", "type": "customer.updated"}
    ((status, answer),) = await guest.raw({**later, "data": {"customer": changed}})
    assert (status, answer) == (200, {"taken": 3})
    person = holder(hass, account)
    assert (person.name, person.phone) == ("Anna Holm", "078 000 00 00")
    moved = {"start": (START + HOUR).isoformat(), "end": (END + HOUR).isoformat()}
    newer = (NOW + timedelta(seconds=1)).isoformat()
    await guest.send(type="appointment.updated", created=newer, **moved)
    assert seminar_start(hass) == START


async def test_nothing_personal_is_told(
    hass: HomeAssistant,
    guest: Guest,
    account: ConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in the log, nor in states, issues and answers."""
    caplog.set_level(logging.DEBUG, "custom_components.booking_access")
    told = [await guest.send()]
    guest.calenso.control({"end_as": "none", "shape": "nested"})
    told += [await guest.send(uuid="a-2")]
    told += [await guest.raw(event(customer={"uuid": "c", "phone": ["079 1"]}))]
    guest.calenso.control({"shape": "flat"})
    told += [await guest.send(uuid="a-3")]
    states = [(s.state, s.attributes) for s in hass.states.async_all()]
    ours = [r.getMessage() for r in caplog.records if "booking_access" in r.name]
    assert ours
    everything = f"{told} {states} {issues(hass, '')} {ours}"
    for secret in ("Anna", "079", "anna@example.com", account.data["secret"]):
        assert secret not in everything
