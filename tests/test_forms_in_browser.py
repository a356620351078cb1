"""Forms as the browser gets them: over HTTP, in JSON, and sent back from there."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.booking_access.const import DEFAULT_TIMING, DOMAIN
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from simulators.exivo import ExivoSimulator
from simulators.icalendar import ICalendarSimulator
from simulators.winkas import WinKasSimulator

from .flows import open_room, submit_room
from .helpers import add_account

type Form = Mapping[str, Any]
type Fields = Iterable[Form]

FLOWS = "config_entries/flow"
ROOMS = "config_entries/subentries/flow"
OPTIONS = "config_entries/options/flow"
SIMULATORS = {
    "winkas": WinKasSimulator,
    "icalendar": ICalendarSimulator,
    "exivo": ExivoSimulator,
}
SIDES = {"exivo": "access_system"}

pytestmark = pytest.mark.usefixtures("socket_enabled")


class Browser:
    """What the frontend does with a form, as far as it matters to the server."""

    def __init__(self, hass: HomeAssistant, client: Any) -> None:
        """Talk to Home Assistant."""
        self._hass = hass
        self._client = client

    async def post(self, path: str, data: Mapping[str, Any]) -> Form:
        """Send a request and return its answer."""
        answer = await self._client.post(f"/api/config/{path}", json=data)
        assert answer.status == 200, await answer.text()
        await self._hass.async_block_till_done()
        return await answer.json()

    async def get(self, path: str) -> Form:
        """Open a dialogue that waits."""
        answer = await self._client.get(f"/api/config/{path}")
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def open_form(self, *menu: str) -> Form:
        """Open the form that connects an account."""
        flow = await self.post(FLOWS, {"handler": DOMAIN})
        for choice in menu:
            flow = await self.send(FLOWS, flow, {"next_step_id": choice})
        return flow

    async def send(self, path: str, flow: Form, answers: Mapping[str, Any]) -> Form:
        """Send a form."""
        return await self.post(f"{path}/{flow['flow_id']}", answers)


@pytest.fixture
async def browser(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> Browser:
    """A browser with Home Assistant's settings open."""
    # Once it listens the test's server takes no further addresses.
    for name in ("webhook", "file_upload"):  # no more once the server runs
        await async_setup_component(hass, name, {})
    await async_setup_component(hass, "config", {})
    return Browser(hass, await hass_client())


@pytest.fixture
async def entry(
    hass: HomeAssistant, request: pytest.FixtureRequest
) -> AsyncIterator[ConfigEntry]:
    """An account at a vendor that listens on loopback."""
    async with SIMULATORS[request.param]() as simulator:
        answers = dict(simulator.credentials())
        form = {
            "winkas": lambda: {"advanced": {"url": answers.pop("url")}, **answers},
            "exivo": lambda: {"advanced": {"url": answers.pop("url")}, **answers},
            "icalendar": lambda: {"url": answers.pop("url"), "advanced": answers},
        }[request.param]()
        side = SIDES.get(request.param, "booking_system")
        yield await add_account(hass, side, request.param, form)


def shown(fields: Fields) -> dict[str, Any]:
    """Return what the browser fills in when it opens a form, in its own order."""
    data: dict[str, Any] = {}
    for field in fields:
        suggested = (field.get("description") or {}).get("suggested_value")
        if suggested is not None:
            data[field["name"]] = suggested
        elif "default" in field:
            data[field["name"]] = field["default"]
        elif field.get("type") == "expandable":
            inside = shown(field["schema"])
            if field["required"] or inside:
                data[field["name"]] = inside
    return data


def lacking(fields: Fields, data: Mapping[str, Any]) -> list[str]:
    """Return the required fields without which the browser does not send a form."""
    found = []
    for field in fields:
        name = field["name"]
        if field.get("type") == "expandable":
            found += lacking(field["schema"], data[name]) if name in data else []
        elif field["required"] and data.get(name) in (None, ""):
            found.append(name)
    return found


def brief(fields: Fields) -> dict[str, Any]:
    """Return a form in short: how each field is asked, marked if it is required."""
    return {
        field["name"] + "*" * field["required"]: (
            brief(field["schema"])
            if field.get("type") == "expandable"
            else _kind(field["selector"])
        )
        for field in fields
    }


def _kind(selector: Mapping[str, Any]) -> str:
    """Return what a selector asks for."""
    [(name, config)] = selector.items()
    kind = config.get("type", "") if name == "text" else ""
    many = "many " * bool(config.get("multiple"))
    return f"{many}{kind or name}"


WINKAS_URL = {"advanced": {"url": "url"}}
FEED_LOGIN = {"username": "text", "password": "password", "verify_ssl": "boolean"}
EXIVO_MORE = {"mobile_app_id": "text", "mobile_app_name": "text", "url": "url"}


@pytest.mark.parametrize(
    ("menu", "fields"),
    [
        (("booking_system", "ha_calendar"), {"entity_ids*": "many entity"}),
        (("access_system", "ha_locks"), {"entity_ids*": "many entity"}),
        (
            ("booking_system", "icalendar"),
            {"url*": "url", "advanced": FEED_LOGIN},
        ),
        (
            ("booking_system", "winkas"),
            {
                "username*": "text",
                "password*": "password",
                "license_number*": "text",
                **WINKAS_URL,
            },
        ),
        (
            ("booking_system", "pronestor"),
            {
                "url*": "url",
                "username*": "text",
                "password*": "password",
                "location_ids*": "text",
                "advanced": {"verify_ssl": "boolean", "profile": "text"},
            },
        ),
        (
            ("booking_system", "clock_pms"),
            {
                "url*": "url",
                "username*": "text",
                "api_key*": "password",
                "check_in_time*": "time",
                "check_out_time*": "time",
                "advanced": {
                    "time_zone": "text",
                    "believe_times": "boolean",
                    "base_url": "url",
                },
            },
        ),
        (
            ("access_system", "exivo"),
            {
                "site_id*": "text",
                "api_key*": "text",
                "api_secret*": "password",
                "advanced": EXIVO_MORE,
            },
        ),
    ],
)
async def test_the_form_of_an_account(
    browser: Browser, menu: tuple[str, str], fields: dict[str, Any]
) -> None:
    """With a folded section, whose fields show their defaults."""
    flow = await browser.open_form(*menu)
    assert flow["type"] == "form"
    assert flow["step_id"] == menu[1]
    assert brief(flow["data_schema"]) == fields
    sections = [f for f in flow["data_schema"] if f.get("type") == "expandable"]
    assert not any("default" in each or each["expanded"] for each in sections)
    assert not any(value == {} for value in shown(flow["data_schema"]).values())


@pytest.mark.parametrize(
    ("menu", "advanced"),
    [
        (("booking_system", "icalendar"), {"verify_ssl": True}),
        (("booking_system", "winkas"), {"url": "https://air.winkas.net/api/"}),
        (
            ("access_system", "exivo"),
            {
                "mobile_app_name": "dormakaba mobile access",
                "url": "https://api.exivo.io/v1",
            },
        ),
    ],
)
async def test_defaults_are_seen(
    browser: Browser, menu: tuple[str, str], advanced: dict[str, Any]
) -> None:
    """The browser would show none of them if the section had a default itself."""
    flow = await browser.open_form(*menu)
    assert shown(flow["data_schema"])["advanced"] == advanced


async def test_the_form_of_the_rooms(calendar: str, browser: Browser) -> None:
    """A list to tick, in which chosen calendars are ticked already."""
    flow = await browser.open_form("booking_system", "ha_calendar")
    flow = await browser.send(FLOWS, flow, {"entity_ids": [calendar]})
    assert flow["step_id"] == "rooms"
    [field] = flow["data_schema"]
    assert field["selector"]["select"]["mode"] == "list"
    assert field["selector"]["select"]["multiple"]
    [option] = field["selector"]["select"]["options"]
    assert option["label"] == "Hall"
    assert shown(flow["data_schema"]) == {"resources": [option["value"]]}
    flow = await browser.send(FLOWS, flow, shown(flow["data_schema"]))
    assert flow["type"] == "create_entry"
    assert flow["description"] == "booking_system"
    assert "next_flow" not in flow


async def test_the_next_form_opens(calendar: str, browser: Browser) -> None:
    """The browser is told which."""
    flow = await browser.open_form("booking_system", "ha_calendar")
    flow = await browser.send(FLOWS, flow, {"entity_ids": [calendar]})
    flow = await browser.send(FLOWS, flow, {})
    kind, flow_id = flow["next_flow"]
    assert kind == "config_subentries_flow"
    assert (await browser.get(f"{ROOMS}/{flow_id}"))["step_id"] == "user"


ROOM = {
    "resource_id*": "select",
    "name": "text",
    "access_points": "many select",
    "access*": "many select",
    "timing": {f"{key}*": "number" for key in DEFAULT_TIMING},
    "appliances": {
        "alarm": "entity",
        "lights": "many entity",
        "ventilation": "many entity",
    },
}
TIMING = DEFAULT_TIMING | {"access_lead": 5}


@pytest.mark.parametrize("entry", ["winkas"], indirect=True)
async def test_the_form_of_a_room(browser: Browser, entry: ConfigEntry) -> None:
    """It can be sent with nothing but what is booked."""
    flow = await browser.post(ROOMS, {"handler": [entry.entry_id, "room"]})
    assert flow["step_id"] == "user"
    assert flow["errors"] == {}
    assert brief(flow["data_schema"]) == ROOM
    answers = shown(flow["data_schema"])
    assert answers == {
        "access_points": [],
        "access": ["hold_open"],
        "timing": DEFAULT_TIMING,
    }
    assert lacking(flow["data_schema"], answers) == ["resource_id"]
    flow = await browser.send(ROOMS, flow, answers | {"resource_id": "1201"})
    assert flow["type"] == "create_entry"


@pytest.mark.parametrize("entry", ["winkas"], indirect=True)
async def test_a_room_that_is_saved_as_it_is_shown_stays_as_it_is(
    hass: HomeAssistant, browser: Browser, entry: ConfigEntry
) -> None:
    """Nothing is hidden from the browser that it would then send back without."""
    answers = {
        "resource_id": "1201",
        "name": "Court",
        "timing": TIMING,
        "access": ["grant"],
        "appliances": {"alarm": "switch.alarm", "lights": ["light.hall"]},
    }
    await submit_room(hass, await open_room(hass, entry), answers)
    [(room_id, room)] = entry.subentries.items()
    before = dict(room.data)
    wish = {"handler": [entry.entry_id, "room"], "subentry_id": room_id}
    flow = await browser.post(ROOMS, wish)
    assert flow["step_id"] == "reconfigure"
    assert brief(flow["data_schema"]) == ROOM
    untouched = shown(flow["data_schema"])
    assert lacking(flow["data_schema"], untouched) == []
    flow = await browser.send(ROOMS, flow, untouched)
    assert flow["reason"] == "reconfigure_successful"
    assert dict(entry.subentries[room_id].data) == before


@pytest.mark.parametrize("entry", ["winkas"], indirect=True)
async def test_options_that_are_saved_as_they_are_shown_stay_as_they_are(
    hass: HomeAssistant, browser: Browser, entry: ConfigEntry
) -> None:
    """Nor here."""
    hass.config_entries.async_update_entry(
        entry,
        options={
            "common_access_points": [],
            "default_country": "DK",
            "tentative": True,
            "issue_ahead": 2,
        },
    )
    before = dict(entry.options)
    flow = await browser.post(OPTIONS, {"handler": entry.entry_id})
    assert flow["step_id"] == "init"
    assert brief(flow["data_schema"]) == {
        "common_access_points": "many select",
        "default_country": "country",
        "tentative*": "boolean",
        "issue_ahead*": "number",
    }
    flow = await browser.send(OPTIONS, flow, shown(flow["data_schema"]))
    assert flow["type"] == "create_entry"
    assert dict(entry.options) == before


@pytest.mark.parametrize(
    ("entry", "fields"),
    [
        (
            "winkas",
            {
                "username*": "text",
                "password": "password",
                "license_number*": "text",
                **WINKAS_URL,
            },
        ),
        ("icalendar", {"url*": "url", "advanced": FEED_LOGIN}),
        (
            "exivo",
            {
                "site_id*": "text",
                "api_key*": "text",
                "api_secret": "password",
                "advanced": EXIVO_MORE,
            },
        ),
    ],
    indirect=["entry"],
)
async def test_a_connection_that_is_saved_as_it_is_shown_stays_as_it_is(
    browser: Browser, entry: ConfigEntry, fields: dict[str, Any]
) -> None:
    """Secrets are not shown, and need not be typed again."""
    before = dict(entry.data)
    wish = {"handler": DOMAIN, "entry_id": entry.entry_id}
    flow = await browser.post(FLOWS, wish)
    assert flow["step_id"] == "reconfigure"
    assert brief(flow["data_schema"]) == fields
    untouched = shown(flow["data_schema"])
    assert lacking(flow["data_schema"], untouched) == []
    secrets = [before[name] for name in ("password", "api_secret") if name in before]
    assert not any(secret in str(flow) for secret in secrets)
    flow = await browser.send(FLOWS, flow, untouched)
    assert flow["reason"] == "reconfigure_successful"
    assert dict(entry.data) == before


@pytest.mark.parametrize(
    ("entry", "fields", "secrets"),
    [
        (
            "winkas",
            {"username*": "text", "password*": "password", "license_number*": "text"},
            ["password"],
        ),
        ("icalendar", {"url*": "url", "advanced": FEED_LOGIN}, []),
        (
            "exivo",
            {"site_id*": "text", "api_key*": "text", "api_secret*": "password"},
            ["api_secret"],
        ),
    ],
    indirect=["entry"],
)
async def test_the_form_of_a_new_sign_in(
    hass: HomeAssistant,
    browser: Browser,
    entry: ConfigEntry,
    fields: dict[str, Any],
    secrets: list[str],
) -> None:
    """Only the secret is left to type."""
    entry.async_start_reauth(hass)
    await hass.async_block_till_done()
    [waiting] = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    flow = await browser.get(f"{FLOWS}/{waiting['flow_id']}")
    assert flow["step_id"] == "reauth_confirm"
    assert brief(flow["data_schema"]) == fields
    assert lacking(flow["data_schema"], shown(flow["data_schema"])) == secrets
