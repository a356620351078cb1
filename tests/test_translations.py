"""Texts: each that is shown exists, each that exists is shown, and all read well."""

import ast
from collections.abc import Iterator, Mapping
import json
import re
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.booking_access.const import DOMAIN
from custom_components.booking_access.systems import (
    ACCESS_SYSTEMS,
    BOOKING_SYSTEMS,
    form_of,
    system_class,
)
from homeassistant.config_entries import ConfigEntry, ConfigSubentry, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from simulators.exivo import ExivoSimulator

from . import translation_check
from .flows import fill, open_change, open_form, open_room, submit
from .helpers import Hall
from .translation_check import (
    INTEGRATION,
    checked_texts,
    english,
    flatten,
    needed_texts,
    optional_texts,
    placeholders,
)

TEXTS = english()
SIDES = {
    **dict.fromkeys(BOOKING_SYSTEMS, "booking_system"),
    **dict.fromkeys(ACCESS_SYSTEMS, "access_system"),
}
VALUES = {
    "boolean": True,
    "entities": ["calendar.hall"],
    "time": "15:00:00",
    "url": "http://127.0.0.1:1/",
}
ROOM = {
    "resource_id": "1",
    "name": "Hall",
    "access_points": [],
    "access": ["hold_open"],
    "timing": {},
    "appliances": {},
}


def constants() -> set[str]:
    """Return every text that stands in the code, and the values of its enumerations."""
    return {
        node.value
        for path in INTEGRATION.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


CONSTANTS = constants()


def entry_of(
    hass: HomeAssistant, key: str, chosen: Mapping[str, Any] | None = None
) -> ConfigEntry:
    """Return an account of a system, filled in somehow, that is not set up."""
    chosen = chosen or {}
    fields = form_of({"system": key, **chosen})
    settings = {field.name: VALUES.get(field.kind, "x") for field in fields}
    settings |= {f.name: f.choices[0][0] for f in fields if f.choices} | chosen
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Account",
        data={"system": key, **settings},
        subentries_data=[
            ConfigSubentryData(
                data=ROOM, subentry_type="room", title="Hall", unique_id="1"
            )
        ],
    )
    entry.add_to_hass(hass)
    return entry


def choices_of(key: str) -> list[dict[str, str]]:
    """Return what can be chosen in the form of a system, one way each."""
    fields = system_class(key).form
    chosen = [{f.name: value} for f in fields for value, _ in f.choices]
    return chosen or [{}]


async def forms_of(
    hass: HomeAssistant, key: str, chosen: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any]]:
    """Return all forms about an account, each with the section of its texts."""
    entry = entry_of(hass, key, chosen)
    signing_in = await entry.start_reauth_flow(hass)
    account = [
        await open_form(hass, SIDES[key], key),
        await hass.config_entries.flow.async_configure(signing_in["flow_id"]),
        await open_change(hass, entry),
    ]
    return [("config", flow) for flow in account]


async def more_forms_of(hass: HomeAssistant, key: str) -> list[tuple[str, Any]]:
    """Return the forms of an access account's options, and of what is typed in."""
    entry = entry_of(hass, key)
    system = ACCESS_SYSTEMS[key]
    shown = []
    if system.options:
        options = await hass.config_entries.options.async_init(entry.entry_id)
        shown.append(("options", options))
    for kind, fields in system.typed_in.items():
        typed = {f.name: f.choices[0][0] if f.choices else "1" for f in fields}
        hass.config_entries.async_add_subentry(
            entry,
            ConfigSubentry(
                data=MappingProxyType(typed),
                subentry_type=kind,
                title="1",
                unique_id=None,
            ),
        )
        [there] = entry.get_subentries_of_type(kind)
        for context in (
            {"source": "user"},
            {"source": "reconfigure", "subentry_id": there.subentry_id},
        ):
            form = await hass.config_entries.subentries.async_init(
                (entry.entry_id, kind), context=context
            )
            shown.append((f"config_subentries.{kind}", form))
    return shown


async def forms_of_rooms(hass: HomeAssistant) -> list[tuple[str, Any]]:
    """Return all forms about rooms, each with the section of its texts."""
    entry = entry_of(hass, "ha_calendar")
    [room_id] = entry.subentries
    chosen = await open_form(hass, "booking_system", "ha_calendar")
    answers = fill(chosen["data_schema"], {"entity_ids": ["calendar.other"]})
    return [
        ("config", await open_form(hass)),
        ("config", await open_form(hass, "booking_system")),
        ("config", await open_form(hass, "access_system")),
        ("config", await submit(hass, chosen, answers)),
        ("config_subentries.room", await open_room(hass, entry)),
        ("config_subentries.room", await open_room(hass, entry, room_id)),
        *[
            ("options", await hass.config_entries.options.async_init(each.entry_id))
            for each in (entry, entry_of(hass, "icalendar"))
        ],
    ]


# Forms


@pytest.mark.parametrize("key", SIDES)
async def test_every_field_has_its_texts(hass: HomeAssistant, key: str) -> None:
    """In its own step, when signing in again, and when changing the connection."""
    flows = await forms_of(hass, key)
    steps = [flow["step_id"] for _, flow in flows]
    assert steps == [key, "reauth_confirm", "reconfigure"]
    for prefix, flow in flows:
        assert set(needed_texts(prefix, flow)) <= set(TEXTS)
    fields = {field.name for field in system_class(key).form}
    own = {key for key in needed_texts("config", flows[0][1]) if ".data." in key}
    assert {key.rpartition(".")[2] for key in own} == fields


@pytest.mark.parametrize("key", SIDES)
def test_every_system_has_its_texts_in_the_menu(key: str) -> None:
    """A name and a word about it."""
    step = f"config.step.{SIDES[key]}"
    assert f"{step}.menu_options.{key}" in TEXTS
    assert f"{step}.menu_option_descriptions.{key}" in TEXTS


async def test_no_text_of_a_form_is_dead(hass: HomeAssistant) -> None:
    """Each belongs to a field, a menu, or an outcome that the code knows."""
    shown = await forms_of_rooms(hass)
    for key in SIDES:
        for chosen in choices_of(key):
            shown += await forms_of(hass, key, chosen)
    for key in ACCESS_SYSTEMS:
        shown += await more_forms_of(hass, key)
    used = {
        key
        for prefix, flow in shown
        for texts in (needed_texts, optional_texts)
        for key in texts(prefix, flow)
    }
    outcome = re.compile(r".*\.(error|abort|create_entry)\.(\w+)")
    ours = {key for key in TEXTS if key.startswith(("config", "options"))}
    outcomes = {match[2] for match in map(outcome.fullmatch, ours) if match}
    named = {key for key in ours if re.search(r"\.(entry_type|initiate_flow)\b", key)}
    # Which form follows only a vendor can tell: tests that go through them look.
    following = tuple(
        f"config.step.{step}."
        for each in ACCESS_SYSTEMS.values()
        for step in each.follow_ups
    )
    typed_in = ("config_subentries.access_point.", "config_subentries.encoder.")
    named |= {key for key in ours if key.startswith((*following, *typed_in))}
    assert {key for key in ours - used - named if not outcome.fullmatch(key)} == set()
    assert outcomes <= CONSTANTS


def test_subentries_have_the_texts_that_hassfest_requires() -> None:
    """What they are called, and how one is added."""
    kinds = {"room"}.union(*(each.typed_in for each in ACCESS_SYSTEMS.values()))
    for kind in kinds:
        for name in ("entry_type", "initiate_flow.user", "initiate_flow.reconfigure"):
            assert f"config_subentries.{kind}.{name}" in TEXTS


# Entities


@pytest.mark.usefixtures("socket_enabled")
async def test_every_entity_has_its_texts(
    hass: HomeAssistant,
    calendar: str,
    lock: str,
    freezer: Any,
    entity_registry: er.EntityRegistry,
) -> None:
    """A name, and its states and kinds of events where it has some of its own."""
    hall = Hall(hass, freezer, calendar, lock)
    await hall.set_up()
    await hall.add_room()
    async with ExivoSimulator() as simulator:
        flow = await open_form(hass, "access_system", "exivo")
        answers = fill(flow["data_schema"], simulator.credentials())
        await submit(hass, flow, answers)
        ours = [e for e in entity_registry.entities.values() if e.platform == DOMAIN]
        keys = {
            f"entity.{entity.domain}.{entity.translation_key}"
            for entity in ours
            if entity.translation_key
        }
        kinds = {
            f"entity.{entity.domain}.{entity.translation_key}.{place}.{value}"
            for entity in ours
            for name, place in (
                ("options", "state"),
                ("event_types", "state_attributes.event_type.state"),
            )
            for value in (entity.capabilities or {}).get(name, ())
        }
    assert len(keys) > 15
    assert {f"{key}.name" for key in keys} <= set(TEXTS)
    assert kinds <= set(TEXTS)
    assert len(kinds) > 10


@pytest.mark.parametrize(
    "section", ["entity", "exceptions", "issues", "selector", "system_health"]
)
def test_no_other_text_is_dead(section: str) -> None:
    """What it is about is named in the code."""
    position = {"entity": 2, "system_health": 2}.get(section, 1)
    about = {key.split(".")[position] for key in TEXTS if key.startswith(f"{section}.")}
    states = {
        key.rpartition(".")[2]
        for key in TEXTS
        if key.startswith(f"{section}.") and re.search(r"\.(state|options)\.\w+$", key)
    }
    ends = tuple(text for text in CONSTANTS if text.startswith("_"))  # of f-strings
    # Why a room wants attention is told as an issue of the room as well.
    assert {name.removeprefix("room_") for name in about} <= CONSTANTS
    assert {state for state in states - CONSTANTS if not state.endswith(ends)} <= {
        "on",
        "off",
    }


def test_every_exception_and_issue_has_its_texts() -> None:
    """Wherever the code names one."""
    named = re.compile(r'translation_key="(\w+)"|translated\("(\w+)"')
    keys = {
        match[1] or match[2]
        for path in INTEGRATION.rglob("*.py")
        for match in named.finditer(path.read_text())
    }
    texts = {key.split(".")[1] for key in TEXTS if key.startswith(("exc", "issues"))}
    assert keys <= texts


# Icons


def test_icons_are_only_for_what_exists() -> None:
    """Entities, their states, actions, triggers and conditions."""
    icons = json.loads((INTEGRATION / "icons.json").read_text())
    entities = icons.pop("entity")
    for platform, keys in entities.items():
        for key, icon in keys.items():
            assert f"entity.{platform}.{key}.name" in TEXTS
            texts = {name for name in TEXTS if f"{platform}.{key}.state." in name}
            states = {name.rpartition(".")[2] for name in texts} | {"on", "off"}
            assert set(icon.get("state", {})) <= states
    for section, keys in icons.items():
        for key in keys:
            assert any(text.startswith(f"{section}.{key}.") for text in TEXTS)


# How they are written


@pytest.mark.parametrize("key", TEXTS)
def test_texts_are_written_as_home_assistant_wants_them(key: str) -> None:
    """No leftovers of core's own build, and placeholders that can be filled in."""
    text = TEXTS[key]
    assert "[%key" not in text
    assert text.count("{") == text.count("}") == len(re.findall(r"{[a-z_]+}", text))


def test_labels_have_no_full_stop_and_sentences_do() -> None:
    """As in all of Home Assistant."""
    for key, text in TEXTS.items():
        sentence = re.search(
            r"\.(description|data_description|error|abort|message)\b", key
        )
        assert text.endswith((".", "?")) == bool(sentence) or _is_title(key), key


def _is_title(key: str) -> bool:
    """Whether a text may be either, a heading or a question."""
    return bool(re.search(r"\.(title|create_entry|menu_option\w*)\b", key))


# The check itself


def test_an_exception_without_a_text_is_found() -> None:
    """Whoever raises it."""
    with checked_texts() as missing:
        HomeAssistantError("as it is")
        HomeAssistantError(translation_domain="sun", translation_key="x")
        HomeAssistantError(translation_domain=DOMAIN, translation_key="nothing")
        HomeAssistantError(translation_domain=DOMAIN, translation_key="lock_failed")
    assert missing == {
        "exceptions.nothing.message": "no text exceptions.nothing.message",
        "exceptions.lock_failed.message": (
            "exceptions.lock_failed.message is not given room"
        ),
    }


def without(*keys: str) -> Mapping[str, str]:
    """Return the texts but for some."""
    return {key: text for key, text in TEXTS.items() if key not in keys}


async def test_a_form_without_a_text_is_found(hass: HomeAssistant) -> None:
    """Its title, its fields, their descriptions, sections and errors."""
    step = "config.step.icalendar"
    lost = (
        f"{step}.title",
        f"{step}.data.url",
        f"{step}.data_description.url",
        f"{step}.sections.advanced.name",
        f"{step}.sections.advanced.data.username",
        "config.error.invalid_url",
        "config.step.booking_system.menu_options.winkas",
    )
    with (
        patch.object(translation_check, "english", lambda: without(*lost)),
        checked_texts() as missing,
    ):
        flow = await open_form(hass, "booking_system", "icalendar")
        await submit(hass, flow, {"url": "nowhere"})
    assert set(missing) == set(lost)


async def test_an_end_of_a_dialogue_without_a_text_is_found(
    hass: HomeAssistant, calendar: str
) -> None:
    """Whether something was made of it or not; Home Assistant's own ends are not ours."""
    lost = (
        "config.abort.already_configured",
        "config.create_entry.booking_system",
        "config_subentries.room.step.user.title",
        "options.step.init.title",
    )
    with (
        patch.object(translation_check, "english", lambda: without(*lost)),
        checked_texts() as missing,
    ):
        flow = await open_form(hass, "booking_system", "ha_calendar")
        flow = await submit(hass, flow, {"entity_ids": [calendar]})
        entry = (await submit(hass, flow, {}))["result"]
        flow = await open_form(hass, "booking_system", "ha_calendar")
        flow = await submit(hass, flow, {"entity_ids": [calendar]})
        assert flow["reason"] == "already_configured"
        flow = await open_change(hass, entry)
        flow = await submit(hass, flow, {"entity_ids": [calendar]})
        assert flow["reason"] == "reconfigure_successful"
        await hass.config_entries.options.async_init(entry.entry_id)
        await hass.config_entries.flow.async_init(
            "local_calendar", context={"source": "user"}
        )
    assert set(missing) == set(lost)


async def test_an_issue_without_a_text_is_found(hass: HomeAssistant) -> None:
    """Its title, and its description where no dialogue tells more."""
    issue = {
        "is_persistent": False,
        "severity": ir.IssueSeverity.WARNING,
        "translation_key": "bad_bookings",
        "translation_placeholders": {"account": "A", "count": "1", "items": "x"},
    }
    lost = ("issues.bad_bookings.title", "issues.bad_bookings.description")
    with (
        patch.object(translation_check, "english", lambda: without(*lost)),
        checked_texts() as missing,
    ):
        registry = ir.async_get(hass)
        registry.async_get_or_create("sun", "x", is_fixable=False, **issue)
        registry.async_get_or_create(DOMAIN, "x", is_fixable=True, **issue)
        assert set(missing) == {lost[0]}
        registry.async_get_or_create(DOMAIN, "x", is_fixable=False, **issue)
    assert set(missing) == set(lost)


def test_placeholders_are_found() -> None:
    """The names between braces."""
    assert placeholders("{room} and {door}, {room}") == {"room", "door"}
    assert dict(flatten({"a": {"b": "c"}, "d": "e"})) == {"a.b": "c", "d": "e"}
