"""Accounts: connected, signed in again, changed; as a person does it in the forms."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
import json
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
import voluptuous as vol

from custom_components.booking_access.const import DOMAIN
from homeassistant.config_entries import (
    ConfigEntry,
    ConfigEntryState,
    ConfigSubentryData,
    FlowType,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, section
from homeassistant.helpers.selector import TimeSelector
from homeassistant.util import dt as dt_util
from simulators.base import Simulator
from simulators.clock_pms import ClockSimulator
from simulators.exivo import ExivoSimulator
from simulators.exivo_site import API_KEY, SITE
from simulators.icalendar import ICalendarSimulator
from simulators.pronestor import PronestorSimulator
from simulators.pronestor_site import OTHER
from simulators.winkas import WinKasSimulator

from .flows import (
    Flow,
    choices,
    fill,
    open_change,
    open_form,
    selector,
    submit,
    suggestions,
)
from .helpers import at

pytestmark = pytest.mark.usefixtures("socket_enabled")

NEW_SECRET = "quite another one"
INTEGRATION = "custom_components.booking_access"


@dataclass
class Vendor:
    """A vendor's simulator, and the account that there is."""

    side: str
    simulator: Simulator
    title: str
    secret: str  # the field
    validate: str  # what asks the vendor
    truth: str  # where the simulator has it from

    @property
    def key(self) -> str:
        """The system."""
        return self.simulator.name

    @property
    def answers(self) -> dict[str, Any]:
        """What a person knows of the account."""
        return dict(self.simulator.credentials())

    def sign_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Change the secret at the vendor."""
        monkeypatch.setattr(self.truth, NEW_SECRET)
        getattr(self.simulator, "tokens", {}).clear()

    async def open(self, hass: HomeAssistant) -> Flow:
        """Open the form that connects the account."""
        return await open_form(hass, self.side, self.key)

    async def send(self, hass: HomeAssistant, flow: Flow, **changes: Any) -> Flow:
        """Fill in the form and send it."""
        answers = self.answers | changes
        return await submit(hass, flow, fill(flow["data_schema"], answers))

    async def connect(self, hass: HomeAssistant, **changes: Any) -> ConfigEntry:
        """Connect the account, with all the rooms that it has."""
        flow = await self.send(hass, await self.open(hass), **changes)
        if flow["type"] is FlowResultType.FORM:
            rooms = list(choices(flow, "resources"))
            flow = await submit(hass, flow, {"resources": rooms})
        assert flow["type"] is FlowResultType.CREATE_ENTRY, flow
        return flow["result"]


VENDORS: Mapping[str, tuple[Callable[[], Simulator], dict[str, str]]] = {
    "winkas": (
        WinKasSimulator,
        {
            "side": "booking_system",
            "title": "WinKAS (104217)",
            "secret": "password",
            "validate": "booking_systems.winkas.WinKas.validate",
            "truth": "simulators.winkas.PASSWORD",
        },
    ),
    "clock_pms": (
        partial(ClockSimulator, calls_a_second=10_000),
        {
            "side": "booking_system",
            "title": "Clock PMS+ (9021)",
            "secret": "api_key",
            "validate": "booking_systems.clock_pms.ClockPms.validate",
            "truth": "simulators.clock_pms.API_KEY",
        },
    ),
    "icalendar": (
        ICalendarSimulator,
        {
            "side": "booking_system",
            "title": "Meeting room Nordlys (iCalendar)",
            "secret": "password",
            "validate": "booking_systems.icalendar.ICalendar.validate",
            "truth": "simulators.icalendar.PASSWORD",
        },
    ),
    "pronestor": (
        PronestorSimulator,
        {
            "side": "booking_system",
            "title": "Pronestor Planner (127.0.0.1)",
            "secret": "password",
            "validate": "booking_systems.pronestor.Pronestor.validate",
            "truth": "simulators.pronestor.PASSWORD",
        },
    ),
    "exivo": (
        ExivoSimulator,
        {
            "side": "access_system",
            "title": "Seminarhaus am See",
            "secret": "api_secret",
            "validate": "access_systems.exivo.Exivo.validate",
            "truth": "simulators.exivo.API_SECRET",
        },
    ),
}
ALL = pytest.mark.parametrize("vendor", VENDORS, indirect=True)
BOOKED = pytest.mark.parametrize("vendor", ["winkas"], indirect=True)
EXIVO = pytest.mark.parametrize("vendor", ["exivo"], indirect=True)
PRONESTOR = pytest.mark.parametrize("vendor", ["pronestor"], indirect=True)
FEED = pytest.mark.parametrize("vendor", ["icalendar"], indirect=True)


@pytest.fixture
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[Vendor]:
    """A vendor that listens on loopback."""
    kind, about = VENDORS[request.param]
    async with kind() as simulator:
        yield Vendor(simulator=simulator, **about)


def in_progress(hass: HomeAssistant, source: str) -> list[Flow]:
    """Return the dialogues that wait for somebody."""
    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    return [flow for flow in flows if flow["context"]["source"] == source]


async def show(hass: HomeAssistant, flow: Flow) -> Flow:
    """Open a dialogue that waits."""
    return await hass.config_entries.flow.async_configure(flow["flow_id"])


async def open_sign_in(hass: HomeAssistant, entry: ConfigEntry) -> Flow:
    """Open the dialogue that asks for a new sign-in."""
    entry.async_start_reauth(hass)
    await hass.async_block_till_done()
    return await show(hass, in_progress(hass, "reauth")[0])


def states_of(entry: ConfigEntry) -> list[ConfigEntryState]:
    """Return a list that gets each state of an account from now on."""
    states: list[ConfigEntryState] = []
    entry.async_on_state_change(lambda: states.append(entry.state))
    return states


async def poll(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Let time come to every account's next poll."""
    await at(hass, freezer, dt_util.utcnow() + timedelta(minutes=20))


# Menus


async def test_menus(hass: HomeAssistant) -> None:
    """First the side, then the system."""
    flow = await open_form(hass)
    assert flow["type"] is FlowResultType.MENU
    assert flow["menu_options"] == ["booking_system", "access_system"]
    flow = await open_form(hass, "booking_system")
    assert flow["type"] is FlowResultType.MENU
    assert {"ha_calendar", "icalendar", "winkas"} <= set(flow["menu_options"])
    flow = await open_form(hass, "access_system")
    assert flow["type"] is FlowResultType.MENU
    assert {"ha_locks", "exivo"} <= set(flow["menu_options"])


# Vendors' accounts


@pytest.mark.parametrize(
    ("vendor", "unique_id", "kept"),
    [
        ("winkas", "winkas:104217/booking-access", {"license_number": "104217"}),
        (
            "clock_pms",
            "clock_pms:4711/9021",
            {
                "check_in_time": "15:00:00",
                "check_out_time": "11:00:00",
                "believe_times": False,
            },
        ),
        (
            "exivo",
            f"exivo:{SITE}",
            {"site_id": SITE, "mobile_app_name": "dormakaba mobile access"},
        ),
        ("icalendar", None, {"username": "feed", "verify_ssl": True}),
        ("pronestor", None, {"location_ids": "3, 7", "verify_ssl": True}),
    ],
    indirect=["vendor"],
)
async def test_connecting_an_account(
    hass: HomeAssistant, vendor: Vendor, unique_id: str | None, kept: dict[str, Any]
) -> None:
    """What was filled in is kept flat, with the defaults of what was not."""
    entry = await vendor.connect(hass)
    assert entry.title == vendor.title
    assert dict(entry.data) == {
        **entry.data,
        **kept,
        **vendor.answers,
        "system": vendor.key,
    }
    assert "advanced" not in entry.data
    assert entry.unique_id.startswith(f"{vendor.key}:")
    assert unique_id in (entry.unique_id, None)
    assert vendor.answers["url"] not in entry.unique_id
    assert entry.state is ConfigEntryState.LOADED


@ALL
async def test_blanks_around_pasted_values_go(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """A secret alone may begin or end with one."""
    pasted = {
        name: f" {value}\n"
        for name, value in vendor.answers.items()
        if name != vendor.secret
    }
    entry = await vendor.connect(hass, **pasted)
    assert vendor.answers.items() <= entry.data.items()


@FEED
async def test_what_is_folded_away_may_be_left_out(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """Its defaults count all the same."""
    url = f"{vendor.simulator.url}/calendar.ics"
    flow = await submit(hass, await vendor.open(hass), {"url": url})
    flow = await submit(hass, flow, {})
    assert dict(flow["data"]) == {
        "system": "icalendar",
        "url": url,
        "verify_ssl": True,
    }


ERRORS = [
    ("clock_pms", {"api_key": "wrong"}, None, {"base": "invalid_auth"}),
    ("clock_pms", {"url": "sky-eu1"}, None, {"url": "invalid_url"}),
    ("clock_pms", {"url": "http://127.0.0.1:1/"}, None, {"base": "clock_url"}),
    (
        "clock_pms",
        {"url": "https://clock.example.org/pms_api/1/2"},
        None,
        {"base": "clock_host"},
    ),
    ("clock_pms", {"base_url": "proxy"}, None, {"advanced": "invalid_url"}),
    ("clock_pms", {"time_zone": "Mars"}, None, {"base": "unknown_time_zone"}),
    ("clock_pms", {}, "500", {"base": "cannot_connect"}),
    ("clock_pms", {}, "html", {"base": "unexpected_answer"}),
    ("winkas", {"password": "wrong"}, None, {"base": "invalid_auth"}),
    ("winkas", {"license_number": " "}, None, {"license_number": "missing"}),
    ("winkas", {"url": "air.winkas.net"}, None, {"advanced": "invalid_url"}),
    ("winkas", {"url": "http://127.0.0.1:1/"}, None, {"base": "cannot_connect"}),
    ("winkas", {}, "500", {"base": "cannot_connect"}),
    ("winkas", {}, "reset", {"base": "cannot_connect"}),
    ("winkas", {}, "429", {"base": "rate_limited"}),
    ("winkas", {}, "html", {"base": "unexpected_answer"}),
    ("winkas", {}, "wrong_shape", {"base": "unexpected_answer"}),
    ("pronestor", {"password": "wrong"}, None, {"base": "invalid_auth"}),
    ("pronestor", {"location_ids": ""}, None, {"location_ids": "missing"}),
    ("pronestor", {"location_ids": "9"}, None, {"base": "unexpected_answer"}),
    ("pronestor", {"url": "planner"}, None, {"url": "invalid_url"}),
    ("pronestor", {"url": "http://127.0.0.1:1/"}, None, {"base": "cannot_connect"}),
    ("pronestor", {"profile": "{,}"}, None, {"advanced": "profile_not_json"}),
    ("pronestor", {"profile": "[]"}, None, {"advanced": "profile_group"}),
    ("pronestor", {"profile": '{"x": 1}'}, None, {"advanced": "profile_unknown"}),
    ("pronestor", {}, "empty", {"base": "wrong_location"}),
    ("pronestor", {}, "html", {"base": "invalid_auth"}),
    ("pronestor", {}, "404", {"base": "unexpected_answer"}),
    ("pronestor", {}, "429", {"base": "rate_limited"}),
    ("pronestor", {}, "503", {"base": "cannot_connect"}),
    ("exivo", {"api_secret": "wrong"}, None, {"base": "invalid_auth"}),
    ("exivo", {"site_id": "nowhere"}, None, {"base": "wrong_site"}),
    ("exivo", {"url": "http://["}, None, {"advanced": "invalid_url"}),
    ("exivo", {"url": "http://127.0.0.1:1/"}, None, {"base": "cannot_connect"}),
    ("exivo", {}, "503", {"base": "cannot_connect"}),
    ("exivo", {}, "403", {"base": "invalid_auth"}),
    ("exivo", {}, "429", {"base": "rate_limited"}),
    ("exivo", {}, "html", {"base": "unexpected_answer"}),
    ("icalendar", {"password": "wrong"}, None, {"base": "invalid_auth"}),
    ("icalendar", {"username": ""}, None, {"base": "invalid_auth"}),
    ("icalendar", {"url": "my calendar"}, None, {"url": "invalid_url"}),
    ("icalendar", {"url": "file:///etc/x.ics"}, None, {"url": "invalid_url"}),
    ("icalendar", {}, "404", {"base": "cannot_connect"}),
    ("icalendar", {}, "429", {"base": "rate_limited"}),
    ("icalendar", {}, "html", {"base": "unexpected_answer"}),
    ("icalendar", {}, "partial", {"base": "unexpected_answer"}),
]


@pytest.mark.parametrize(
    ("vendor", "changes", "fault", "errors"), ERRORS, indirect=["vendor"]
)
async def test_what_goes_wrong_is_said_and_can_be_put_right(
    hass: HomeAssistant,
    vendor: Vendor,
    changes: dict[str, Any],
    fault: str | None,
    errors: dict[str, str],
) -> None:
    """The form comes back as it was filled in, unfolded, and works the next time."""
    flow = await vendor.open(hass)
    for kind in filter(None, [fault]):
        vendor.simulator.fault(kind)
    flow = await vendor.send(hass, flow, **changes)
    assert flow["type"] is FlowResultType.FORM
    assert flow["step_id"] == vendor.key
    assert flow["errors"] == errors
    assert suggestions(flow).items() >= (vendor.answers | changes).items()
    assert flow["data_schema"].schema["advanced"].options == {"collapsed": False}

    vendor.simulator.faults.clear()
    flow = await vendor.send(hass, flow)
    assert not flow.get("errors")
    assert len(hass.config_entries.async_entries(DOMAIN)) == (vendor.key == "exivo")


CLOCK = pytest.mark.parametrize("vendor", ["clock_pms"], indirect=True)


@CLOCK
@pytest.mark.parametrize("right", ["pms_api_bookings_index", "pms_api_rooms_index"])
async def test_a_missing_right_is_named(
    hass: HomeAssistant, vendor: Vendor, right: str
) -> None:
    """So that it can be given to the user."""
    vendor.simulator.control({"rights": [right]})
    flow = await vendor.send(hass, await vendor.open(hass))
    assert flow["errors"] == {"base": "missing_right"}
    assert flow["description_placeholders"]["right"] == right
    vendor.simulator.control({"rights": []})
    assert not (await vendor.send(hass, flow)).get("errors")


@CLOCK
async def test_an_api_that_is_not_there_and_a_ban(
    hass: HomeAssistant, vendor: Vendor, freezer: FrozenDateTimeFactory
) -> None:
    """Each has its own words; a ban passes after two hours."""
    vendor.simulator.control({"api_installed": False})
    flow = await vendor.send(hass, await vendor.open(hass))
    assert flow["errors"] == {"base": "clock_api_missing"}
    vendor.simulator.control({"api_installed": True})
    vendor.simulator.fault("banned", times=1)
    flow = await vendor.send(hass, flow)
    assert flow["errors"] == {"base": "clock_blocked"}
    freezer.tick(timedelta(hours=2, seconds=1))
    assert not (await vendor.send(hass, flow)).get("errors")


@CLOCK
async def test_times_are_chosen_and_the_address_for_messages_is_shown(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """Now, and when the connection is changed."""
    flow = await vendor.open(hass)
    fields = {str(key): value for key, value in flow["data_schema"].schema.items()}
    assert isinstance(fields["check_in_time"], TimeSelector)
    address = flow["description_placeholders"]["address"]
    entry = await vendor.connect(hass, check_in_time="16:30:00")
    assert entry.data["check_in_time"] == "16:30:00"
    flow = await open_change(hass, entry)
    assert (
        f"/api/webhook/{entry.data['webhook_id']}"
        in (flow["description_placeholders"]["paste"])
    )
    assert "/api/webhook/" in address


@ALL
async def test_a_bug_of_ours_is_no_dead_end(
    hass: HomeAssistant, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    """The form says so, the log tells more, and trying again is possible."""
    flow = await vendor.open(hass)
    with patch(f"{INTEGRATION}.{vendor.validate}", side_effect=RuntimeError("bug")):
        flow = await vendor.send(hass, flow)
    assert flow["errors"] == {"base": "unknown"}
    assert "RuntimeError: bug" in caplog.text
    flow = await vendor.send(hass, flow)
    assert not flow.get("errors")


@ALL
async def test_an_account_is_connected_once(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """Even while it waits for a new sign-in."""
    entry = await vendor.connect(hass)
    flow = await vendor.send(hass, await vendor.open(hass))
    assert (flow["type"], flow["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )
    await open_sign_in(hass, entry)
    flow = await vendor.send(hass, await vendor.open(hass))
    assert flow["reason"] == "already_configured"
    assert hass.config_entries.async_entries(DOMAIN) == [entry]


@BOOKED
async def test_the_same_account_in_two_windows(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """The second is told that the first is not done yet."""
    first = await vendor.send(hass, await vendor.open(hass))
    assert first["step_id"] == "rooms"
    second = await vendor.send(hass, await vendor.open(hass))
    assert second["reason"] == "already_in_progress"


# What a system calls things


@PRONESTOR
async def test_a_form_shows_what_was_tried(hass: HomeAssistant, vendor: Vendor) -> None:
    """So that a person can correct the names, one after the other, until it works."""
    vendor.simulator.control({"dialect": "other"})
    flow = await vendor.open(hass)
    assert flow["description_placeholders"]["tried"] == ""
    flow = await vendor.send(hass, flow)
    assert flow["errors"] == {"base": "unexpected_answer"}
    assert flow["description_placeholders"]["field"] == "auth.path (status 404)"
    tried = flow["description_placeholders"]["tried"]
    assert "auth: POST /api.mvc/v1/Authenticate = 404" in tried

    half = {"auth": OTHER["auth"]}
    flow = await vendor.send(hass, flow, profile=json.dumps(half))
    tried = flow["description_placeholders"]["tried"]
    assert "auth: POST /api.mvc/v2/session/authenticate = 200" in tried
    assert "rooms: GET /api.mvc/v1/GetRooms = 404" in tried

    whole = json.dumps(OTHER, indent=2)
    flow = await vendor.send(hass, flow, profile=whole)
    assert flow["step_id"] == "rooms"
    flow = await submit(hass, flow, {"resources": ["101"]})
    entry = flow["result"]
    assert entry.data["profile"] == whole
    assert entry.state is ConfigEntryState.LOADED
    assert hass.states.get("binary_sensor.fyrtarnet_booked").state == "on"

    flow = await open_change(hass, entry)
    assert suggestions(flow)["profile"] == whole
    flow = await vendor.send(hass, flow, profile="{}")
    assert flow["errors"] == {"base": "unexpected_answer"}
    assert "= 404" in flow["description_placeholders"]["tried"]
    assert entry.data["profile"] == whole


@PRONESTOR
async def test_mistakes_in_a_profile_are_named(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """With their place, before anybody is asked."""
    flow = await vendor.open(hass)
    for given, placeholders in (
        ('{"auth" 1}', {"line": "1", "column": "9"}),
        ('{"rooms": {"id": null}}', {"field": "rooms.id"}),
        ('{"rooms": {"ids": 1}}', {"field": "rooms.ids"}),
    ):
        flow = await vendor.send(hass, flow, profile=given)
        assert list(flow["errors"]) == ["advanced"]
        assert flow["description_placeholders"].items() >= placeholders.items()
    assert vendor.simulator.requests == []


@PRONESTOR
@pytest.mark.parametrize("location_ids", [["3", "7"], [3, 7], 3])
async def test_programs_may_give_lists_and_objects(
    hass: HomeAssistant, vendor: Vendor, location_ids: Any
) -> None:
    """They are kept as people would have written them."""
    vendor.simulator.control({"dialect": "other"})
    entry = await vendor.connect(hass, location_ids=location_ids, profile=OTHER)
    assert entry.data["location_ids"] in ("3, 7", "3")
    assert json.loads(entry.data["profile"]) == OTHER
    assert entry.state is ConfigEntryState.LOADED


# The rooms of a new account


@BOOKED
async def test_many_rooms_at_once(hass: HomeAssistant, vendor: Vendor) -> None:
    """Each gets the defaults, and its name from the booking system."""
    flow = await vendor.send(hass, await vendor.open(hass))
    assert flow["step_id"] == "rooms"
    assert flow["description_placeholders"] == {"account": vendor.title, "count": "5"}
    assert choices(flow, "resources")["1202"] == "Hal 2 (Nordby Hallen)"
    assert selector(flow, "resources")["mode"] == "list"
    assert suggestions(flow) == {"resources": []}

    flow = await submit(hass, flow, {"resources": ["1202", "1205"]})
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    assert "next_flow" not in flow
    rooms = list(flow["result"].subentries.values())
    assert [(room.title, room.unique_id) for room in rooms] == [
        ("Hal 2", "1202"),
        ("Svømmehal, bane 1", "1205"),
    ]
    assert dict(rooms[0].data) == {
        "resource_id": "1202",
        "name": "Hal 2",
        "access_points": [],
        "access": ["hold_open"],
        "timing": {
            "access_lead": 15,
            "access_lag": 15,
            "alarm_lead": 15,
            "alarm_lag": 15,
            "light_lead": 15,
            "light_lag": 15,
            "ventilation_lead": 30,
            "ventilation_lag": 15,
        },
        "appliances": {},
    }
    assert hass.states.get("calendar.hal_2_bookings")


@BOOKED
@pytest.mark.parametrize("answers", [{}, {"resources": []}])
async def test_without_a_room_the_form_for_one_opens(
    hass: HomeAssistant, vendor: Vendor, answers: dict[str, Any]
) -> None:
    """So that nobody has to look for it."""
    flow = await vendor.send(hass, await vendor.open(hass))
    flow = await submit(hass, flow, answers)
    assert flow["type"] is FlowResultType.CREATE_ENTRY
    kind, flow_id = flow["next_flow"]
    assert kind is FlowType.CONFIG_SUBENTRIES_FLOW
    room = await hass.config_entries.subentries.async_configure(flow_id)
    assert room["step_id"] == "user"
    assert choices(room, "resource_id")["1201"] == "Hal 1 (Nordby Hallen)"
    await hass.config_entries.subentries.async_configure(
        flow_id, {"resource_id": "1201"}
    )
    assert [room.title for room in flow["result"].subentries.values()] == ["Hal 1"]


@BOOKED
async def test_an_account_with_nothing_to_book(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """It says how much it found."""
    vendor.simulator.control({"clear": True})
    flow = await vendor.send(hass, await vendor.open(hass))
    assert flow["description_placeholders"]["count"] == "0"
    flow = await submit(hass, flow, {})
    assert flow["next_flow"]


@EXIVO
async def test_an_access_account_has_options_but_no_rooms(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """Its doors are chosen in rooms."""
    entry = await vendor.connect(hass)
    assert entry.supported_subentry_types == {}
    assert entry.supports_options


@BOOKED
async def test_a_booking_account_has_both(hass: HomeAssistant, vendor: Vendor) -> None:
    """Rooms, and options for all of them."""
    entry = await vendor.connect(hass)
    assert entry.supported_subentry_types == {"room": {"supports_reconfigure": True}}
    assert entry.supports_options


# Signing in again


@ALL
async def test_a_refused_sign_in_asks_for_a_new_one(
    hass: HomeAssistant,
    vendor: Vendor,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The vendor refuses, the dialogue waits; wrong, then right, and all is well."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    vendor.sign_out(monkeypatch)
    await poll(hass, freezer)
    [waiting] = in_progress(hass, "reauth")
    flow = await show(hass, waiting)
    assert flow["step_id"] == "reauth_confirm"
    assert flow["description_placeholders"]["account"] == vendor.title
    assert suggestions(flow).keys() == suggestions(flow).keys() - {vendor.secret}
    assert suggestions(flow).items() <= before.items()

    answers = {**suggestions(flow), vendor.secret: "wrong"}
    flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert flow["errors"] == {"base": "invalid_auth"}
    assert vendor.secret not in suggestions(flow)

    answers[vendor.secret] = NEW_SECRET
    states = states_of(entry)
    flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert flow["type"] is FlowResultType.ABORT
    assert flow["reason"] == "reauth_successful"
    assert flow["translation_domain"] == "homeassistant"
    assert dict(entry.data) == before | {vendor.secret: NEW_SECRET}
    assert states[-1] is ConfigEntryState.LOADED
    assert in_progress(hass, "reauth") == []


@ALL
async def test_the_same_secret_again_loads_the_account_anew(
    hass: HomeAssistant, vendor: Vendor, freezer: FrozenDateTimeFactory
) -> None:
    """The vendor had a bad moment: nothing changed, and polling goes on."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    vendor.simulator.fault("401")
    await poll(hass, freezer)
    vendor.simulator.faults.clear()
    [waiting] = in_progress(hass, "reauth")
    flow = await show(hass, waiting)
    states = states_of(entry)
    flow = await submit(hass, flow, fill(flow["data_schema"], vendor.answers))
    assert flow["reason"] == "reauth_successful"
    assert dict(entry.data) == before
    assert states[-1] is ConfigEntryState.LOADED

    vendor.simulator.requests.clear()
    await poll(hass, freezer)
    assert vendor.simulator.requests


def restored(entry: ConfigEntry, **changes: Any) -> MockConfigEntry:
    """Return an account as a backup brings it back, other than it is now."""
    return MockConfigEntry(
        domain=DOMAIN,
        title=entry.title,
        data={**entry.data, **changes},
        unique_id=entry.unique_id,
        subentries_data=[
            ConfigSubentryData(
                data=room.data,
                subentry_type=room.subentry_type,
                title=room.title,
                unique_id=room.unique_id,
            )
            for room in entry.subentries.values()
        ],
    )


@ALL
async def test_signing_in_again_after_a_start_that_was_refused(
    hass: HomeAssistant, vendor: Vendor
) -> None:
    """An account that could not even be set up is, as soon as it can be."""
    connected = await vendor.connect(hass)
    await hass.config_entries.async_remove(connected.entry_id)
    entry = restored(connected, **{vendor.secret: "an old one"})
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    [waiting] = in_progress(hass, "reauth")
    flow = await show(hass, waiting)
    flow = await submit(hass, flow, fill(flow["data_schema"], vendor.answers))
    assert flow["reason"] == "reauth_successful"
    assert entry.state is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("vendor", "asked", "folded"),
    [
        ("winkas", {"username", "password", "license_number"}, set()),
        ("exivo", {"site_id", "api_key", "api_secret"}, set()),
        ("icalendar", {"url"}, {"username", "password", "verify_ssl"}),
        ("pronestor", {"url", "username", "password", "location_ids"}, set()),
    ],
    indirect=["vendor"],
)
async def test_what_a_new_sign_in_asks(
    hass: HomeAssistant, vendor: Vendor, asked: set[str], folded: set[str]
) -> None:
    """Only what signs in; unfolded, where that is among the advanced fields."""
    entry = await vendor.connect(hass)
    flow = await open_sign_in(hass, entry)
    fields = dict(flow["data_schema"].schema)
    advanced = fields.pop("advanced", section(vol.Schema({})))
    assert {str(field) for field in fields} == asked
    assert {str(field) for field in advanced.schema.schema} == folded
    assert advanced.options == {"collapsed": False}


def other_account(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Let the vendor know another account too; returns how to sign in there."""
    monkeypatch.setattr("simulators.winkas.LICENSE", "999")
    others = {
        "winkas": {"license_number": "999"},
        "exivo": {},
    }
    shown = getattr(vendor.simulator, "shown_site", {})
    shown["id"] = "another"
    return vendor.answers | others[vendor.key]


@pytest.mark.parametrize("vendor", ["winkas", "exivo"], indirect=True)
@pytest.mark.parametrize("reopen", [open_sign_in, open_change])
async def test_another_account_is_not_taken_over(
    hass: HomeAssistant,
    vendor: Vendor,
    reopen: Callable[[HomeAssistant, ConfigEntry], Awaitable[Flow]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has other rooms or doors: nothing is changed."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    flow = await reopen(hass, entry)
    answers = other_account(vendor, monkeypatch)
    flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "wrong_account")
    assert flow["description_placeholders"] == {"account": vendor.title}
    assert dict(entry.data) == before


@FEED
@pytest.mark.parametrize("reopen", [open_sign_in, open_change])
async def test_a_feed_moves(
    hass: HomeAssistant,
    vendor: Vendor,
    reopen: Callable[[HomeAssistant, ConfigEntry], Awaitable[Flow]],
) -> None:
    """Secret addresses are made anew: the room and its bookings stay."""
    entry = await vendor.connect(hass)
    rooms, before = dict(entry.subentries), entry.unique_id
    url = f"{vendor.simulator.url}/calendar.ics"
    flow = await reopen(hass, entry)
    flow = await submit(hass, flow, fill(flow["data_schema"], {"url": url}))
    assert flow["type"] is FlowResultType.ABORT
    assert flow["reason"].endswith("_successful")
    assert entry.data["url"] == url
    assert entry.unique_id != before
    assert dict(entry.subentries) == rooms
    assert entry.state is ConfigEntryState.LOADED
    calendar = hass.states.get("calendar.meeting_room_nordlys_bookings")
    assert calendar.attributes["message"] == "Choir"


# Changing the connection


@ALL
async def test_changing_nothing(hass: HomeAssistant, vendor: Vendor) -> None:
    """No secret is shown; what is left empty stays, and the account loads anew."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    flow = await open_change(hass, entry)
    assert flow["step_id"] == "reconfigure"
    assert flow["description_placeholders"]["account"] == vendor.title
    assert suggestions(flow) == {
        name: value
        for name, value in before.items()
        if name not in ("system", "webhook_id", "secret", vendor.secret)
    }
    states = states_of(entry)
    answers = fill(flow["data_schema"], suggestions(flow))
    flow = await submit(hass, flow, answers)
    assert flow["type"] is FlowResultType.ABORT
    assert flow["reason"] == "reconfigure_successful"
    assert dict(entry.data) == before
    assert states[-1] is ConfigEntryState.LOADED


@pytest.mark.parametrize(
    ("vendor", "answers"),
    [
        ("winkas", {"username": "booking-access", "license_number": "104217"}),
        ("exivo", dict(zip(("site_id", "api_key"), (SITE, API_KEY), strict=True))),
    ],
    indirect=["vendor"],
)
async def test_what_is_folded_away_stays_when_left_out(
    hass: HomeAssistant, vendor: Vendor, answers: dict[str, Any]
) -> None:
    """The server's address above all."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    flow = await submit(hass, await open_change(hass, entry), answers)
    assert flow["reason"] == "reconfigure_successful"
    assert dict(entry.data) == before


@pytest.mark.parametrize("vendor", ["winkas", "pronestor", "exivo"], indirect=True)
async def test_the_server_moves(hass: HomeAssistant, vendor: Vendor) -> None:
    """The same account at another address."""
    entry = await vendor.connect(hass)
    async with type(vendor.simulator)() as moved:
        flow = await open_change(hass, entry)
        url = dict(moved.credentials())["url"]
        answers = fill(flow["data_schema"], {**suggestions(flow), "url": url})
        flow = await submit(hass, flow, answers)
        assert flow["reason"] == "reconfigure_successful"
        assert entry.data["url"] == url
        assert entry.data[vendor.secret] == vendor.answers[vendor.secret]
        assert entry.state is ConfigEntryState.LOADED
        moved.requests.clear()
        await entry.runtime_data.async_refresh()
        assert moved.requests
        await hass.config_entries.async_unload(entry.entry_id)


@EXIVO
async def test_what_is_emptied_is_gone(hass: HomeAssistant, vendor: Vendor) -> None:
    """Without the app's number guests get a link again, the address its default."""
    entry = await vendor.connect(hass, mobile_app_id="77001")
    assert entry.data["mobile_app_id"] == "77001"
    flow = await open_change(hass, entry)
    answers = fill(flow["data_schema"], {**suggestions(flow), "mobile_app_id": ""})
    flow = await submit(hass, flow, answers)
    assert flow["reason"] == "reconfigure_successful"
    assert "mobile_app_id" not in entry.data


@pytest.mark.parametrize(
    ("vendor", "changes", "fault", "errors"),
    [
        ("winkas", {"password": "wrong"}, None, {"base": "invalid_auth"}),
        ("winkas", {"username": " "}, None, {"username": "missing"}),
        ("exivo", {"site_id": "nowhere"}, None, {"base": "wrong_site"}),
        ("exivo", {"url": "exivo"}, None, {"advanced": "invalid_url"}),
        ("exivo", {}, "500", {"base": "cannot_connect"}),
        ("icalendar", {"url": "nowhere"}, None, {"url": "invalid_url"}),
        ("icalendar", {}, "html", {"base": "unexpected_answer"}),
        ("pronestor", {"profile": "{"}, None, {"advanced": "profile_not_json"}),
        ("pronestor", {}, "html", {"base": "invalid_auth"}),
    ],
    indirect=["vendor"],
)
async def test_a_change_that_does_not_work(
    hass: HomeAssistant,
    vendor: Vendor,
    changes: dict[str, Any],
    fault: str | None,
    errors: dict[str, str],
) -> None:
    """The form comes back without the secret; the account stays as it was."""
    entry = await vendor.connect(hass)
    before = dict(entry.data)
    for kind in filter(None, [fault]):
        vendor.simulator.fault(kind)
    flow = await open_change(hass, entry)
    answers = suggestions(flow) | changes
    flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert flow["errors"] == errors
    typed = {name: str(value).strip() for name, value in changes.items()}
    shown = suggestions(flow)
    assert shown.items() >= {k: v for k, v in typed.items() if k in shown}.items()
    assert vendor.secret not in shown
    assert dict(entry.data) == before

    vendor.simulator.faults.clear()
    flow = await submit(hass, flow, fill(flow["data_schema"], vendor.answers))
    assert flow["reason"] == "reconfigure_successful"


@ALL
async def test_changing_the_connection_does_for_a_new_sign_in(
    hass: HomeAssistant,
    vendor: Vendor,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whichever dialogue a person finds first."""
    entry = await vendor.connect(hass)
    vendor.sign_out(monkeypatch)
    await poll(hass, freezer)
    assert in_progress(hass, "reauth")
    flow = await open_change(hass, entry)
    answers = {**suggestions(flow), vendor.secret: NEW_SECRET}
    flow = await submit(hass, flow, fill(flow["data_schema"], answers))
    assert flow["reason"] == "reconfigure_successful"
    assert entry.data[vendor.secret] == NEW_SECRET
    assert entry.state is ConfigEntryState.LOADED
