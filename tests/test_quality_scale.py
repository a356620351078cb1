"""The Integration Quality Scale: what a program can see of each rule, it looks at."""

import ast
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
import tomllib
from typing import Any, Final

import pytest

from custom_components.booking_access import PLATFORMS
from custom_components.booking_access.systems import (
    ACCESS_SYSTEMS,
    BOOKING_SYSTEMS,
    system_class,
)
from homeassistant.helpers.entity import Entity
from homeassistant.util import yaml as yaml_util

from .translation_check import INTEGRATION, english

REPOSITORY: Final = INTEGRATION.parents[1]
MODULES: Final = {
    path: ast.parse(path.read_text()) for path in INTEGRATION.rglob("*.py")
}
TEXTS: Final = english()

# All rules there are, by tier (Home Assistant 2026.10).
BRONZE = """
    action-setup appropriate-polling brands common-modules config-flow
    config-flow-test-coverage dependency-transparency docs-actions docs-conditions
    docs-high-level-description docs-installation-instructions
    docs-removal-instructions docs-triggers entity-event-setup entity-unique-id
    has-entity-name runtime-data test-before-configure test-before-setup
    unique-config-entry
"""
SILVER = """
    action-exceptions config-entry-unloading docs-configuration-parameters
    docs-installation-parameters entity-unavailable integration-owner
    log-when-unavailable parallel-updates reauthentication-flow test-coverage
"""
GOLD = """
    devices diagnostics discovery discovery-update-info docs-data-update docs-examples
    docs-known-limitations docs-supported-devices docs-supported-functions
    docs-troubleshooting docs-use-cases dynamic-devices entity-category
    entity-device-class entity-disabled-by-default entity-translations
    exception-translations icon-translations reconfiguration-flow repair-issues
    stale-devices
"""
PLATINUM = "async-dependency inject-websession strict-typing"
ALL: Final = f"{BRONZE} {SILVER} {GOLD} {PLATINUM}".split()
RULES: Final[dict[str, Any]] = yaml_util.load_yaml_dict(
    INTEGRATION / "quality_scale.yaml"
)["rules"]
DONE: Final = {rule for rule, status in RULES.items() if status == "done"}


def test_every_rule_is_met_or_exempt_with_a_reason() -> None:
    assert sorted(RULES) == sorted(ALL)
    for rule in RULES.keys() - DONE:
        assert RULES[rule]["status"] == "exempt"
        assert len(RULES[rule]["comment"]) > 40


# What a program can see


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions of these names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "attr", getattr(function, "id", None))
            if name in names:
                yield node


def function(module: str, name: str) -> ast.AST:
    """Return a function of a module."""
    tree = MODULES[INTEGRATION / f"{module}.py"]
    return next(n for n in ast.walk(tree) if getattr(n, "name", None) == name)


def entity_classes() -> set[type[Entity]]:
    """Return all classes of entities that platforms make."""
    found = set()
    for platform in PLATFORMS:
        module = import_module(f"custom_components.booking_access.{platform}")
        found |= {
            each
            for each in vars(module).values()
            if isinstance(each, type)
            and issubclass(each, Entity)
            and each.__module__ == module.__name__
        }
    return found


def source() -> str:
    """Return all code of the integration."""
    return "\n".join(path.read_text() for path in MODULES)


def documentation() -> str:
    """Return all that people can read."""
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    return "\n".join(page.read_text() for page in pages)


def action_setup() -> None:
    """Actions are registered with the component, not with an account."""
    assert list(calls(function("__init__", "async_setup"), "async_setup_services"))
    for path, tree in MODULES.items():
        registering = list(calls(tree, "async_register_admin_service"))
        assert not registering or path.name in ("services.py", "actions.py")


def appropriate_polling() -> None:
    """Each system says how often; nobody is asked for it."""
    for system in (*BOOKING_SYSTEMS.values(), *ACCESS_SYSTEMS.values()):
        interval = system.poll_interval
        assert interval is None or interval.total_seconds() >= 30
        assert "interval" not in " ".join(field.name for field in system.form)


def brands() -> None:
    """An icon is there."""
    assert (INTEGRATION / "brand/icon.png").stat().st_size > 1000


def common_modules() -> None:
    """Coordinators and base entities are where everybody looks for them."""
    assert (INTEGRATION / "coordinator.py").exists()
    assert (INTEGRATION / "entity.py").exists()


def entity_unique_id() -> None:
    """Every entity has one, and a name below its device's."""
    for path in (INTEGRATION / "entity.py",):
        text = path.read_text()
        bases = text.count("(Entity):") + text.count("(CoordinatorEntity[")
        assert text.count("_attr_unique_id = ") == bases == 3
        assert text.count("_attr_has_entity_name = True") == bases
    bases = {"RoomEntity", "AccountEntity", "DoorEntity"}
    for each in entity_classes():
        assert bases & {base.__name__ for base in each.__mro__}, each


def runtime_data() -> None:
    """What an account has while it is loaded is with its entry, and typed."""
    assert "entry.runtime_data = " in source()
    assert "type BookingAccessConfigEntry = ConfigEntry[" in source()


def parallel_updates() -> None:
    """Every platform says how many at once."""
    for platform in PLATFORMS:
        assert "\nPARALLEL_UPDATES = " in (INTEGRATION / f"{platform}.py").read_text()


def exceptions_are_translated() -> None:
    """Whatever Home Assistant shows has a text in every language."""
    for tree in MODULES.values():
        shown = ("HomeAssistantError", "ServiceValidationError", "UpdateFailed")
        for call in calls(tree, *shown, "ConfigEntryAuthFailed", "ConfigEntryNotReady"):
            named = {keyword.arg for keyword in call.keywords}
            assert {"translation_domain", "translation_key"} <= named, ast.dump(call)


def icons_are_translated() -> None:
    """No entity names its icon itself."""
    assert "_attr_icon" not in source()


def flows() -> None:
    """Signing in again and changing an account are there."""
    for step in ("reauth", "reauth_confirm", "reconfigure"):
        assert function("config_flow", f"async_step_{step}")


def sessions_are_injected() -> None:
    """Nobody makes a connection of his own."""
    assert not [path for path, t in MODULES.items() if list(calls(t, "ClientSession"))]


def typing_is_strict() -> None:
    """As the settings of the checker say."""
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert settings["tool"]["mypy"]["strict"] is True


def devices_come_and_go() -> None:
    """New doors are added, and what is gone can be removed."""
    assert list(calls(MODULES[INTEGRATION / "platform.py"], "async_add_listener"))
    assert "async_remove_config_entry_device" in source()


PROOFS: Final[dict[str, Callable[[], None]]] = {
    "action-setup": action_setup,
    "appropriate-polling": appropriate_polling,
    "brands": brands,
    "common-modules": common_modules,
    "dynamic-devices": devices_come_and_go,
    "entity-unique-id": entity_unique_id,
    "exception-translations": exceptions_are_translated,
    "has-entity-name": entity_unique_id,
    "icon-translations": icons_are_translated,
    "inject-websession": sessions_are_injected,
    "parallel-updates": parallel_updates,
    "reauthentication-flow": flows,
    "reconfiguration-flow": flows,
    "runtime-data": runtime_data,
    "stale-devices": devices_come_and_go,
    "strict-typing": typing_is_strict,
}


@pytest.mark.parametrize("rule", sorted(PROOFS))
def test_what_a_program_can_see(rule: str) -> None:
    assert rule in DONE
    PROOFS[rule]()


# What people can read

SECTIONS: Final = {
    "docs-data-update": "How often data comes",
    "docs-examples": "Examples",
    "docs-high-level-description": "What it is",
    "docs-installation-instructions": "Installation",
    "docs-known-limitations": "Known limitations",
    "docs-removal-instructions": "Removal",
    "docs-supported-devices": "Supported systems",
    "docs-supported-functions": "Supported functions",
    "docs-troubleshooting": "Troubleshooting",
    "docs-use-cases": "Use cases",
}


@pytest.mark.parametrize("rule", sorted(SECTIONS))
def test_there_is_a_section(rule: str) -> None:
    assert rule in DONE
    assert f"# {SECTIONS[rule]}\n" in documentation()


@pytest.mark.parametrize("kind", ["services", "conditions", "triggers"])
def test_each_is_documented_for_the_editor_and_as_yaml(kind: str) -> None:
    """By its name, and by its key in an example."""
    text = documentation()
    names = {key.split(".")[1] for key in TEXTS if key.startswith(f"{kind}.")}
    lacking = {
        name
        for name in names
        if TEXTS[f"{kind}.{name}.name"] not in text
        or f"booking_access.{name}" not in text
    }
    assert lacking == set()


def test_every_entity_is_documented() -> None:
    """By its name."""
    text = documentation().casefold()
    names = {
        value
        for key, value in TEXTS.items()
        if key.startswith("entity.") and key.count(".") == 3 and key.endswith(".name")
    }
    assert {name for name in names if name.casefold() not in text} == set()


@pytest.mark.parametrize("key", sorted({**BOOKING_SYSTEMS, **ACCESS_SYSTEMS}), ids=str)
def test_every_system_has_its_page_with_all_its_fields(key: str) -> None:
    """Each field and option by its label, and the page linked from the start."""
    page = REPOSITORY / f"docs/systems/{system_page(key)}.md"
    text = page.read_text()
    steps = (key, *(getattr(system_class(key), "follow_ups", ())))
    starts = tuple(f"config.step.{step}." for step in steps)
    labels = {
        value
        for name, value in TEXTS.items()
        if name.startswith(starts) and ".data." in name
    }
    assert {label for label in labels if label not in text} == set()
    assert f"docs/systems/{page.name}" in (REPOSITORY / "README.md").read_text()


def system_page(key: str) -> str:
    """Return the name of the page about a system: some share one."""
    return {"unloc_lock_holder": "unloc"}.get(key, key)


@pytest.mark.parametrize(
    "section",
    ["config_subentries", "options.step.init", "options.step.access"],
)
def test_every_field_of_subentries_and_options_is_documented(section: str) -> None:
    """By its label."""
    text = documentation()
    labels = {
        value
        for name, value in TEXTS.items()
        if name.startswith(f"{section}.") and ".data." in name
    }
    assert labels
    assert {label for label in labels if label not in text} == set()


def test_every_issue_and_blueprint_is_documented() -> None:
    """What a repair is called, why a room wants attention, what a blueprint does."""
    text = documentation()
    reasons = "entity.binary_sensor.attention.state_attributes.reasons.state."
    told = {
        value
        for key, value in TEXTS.items()
        if key.startswith(reasons)
        or (key.startswith("issues.") and key.count(".") == 2 and key.endswith("title"))
    }
    assert {each for each in told if each not in text} == set()
    for path in (REPOSITORY / "blueprints").rglob("*.yaml"):
        name = yaml_util.load_yaml_dict(path)["blueprint"]["name"]
        assert name in text
        assert path.relative_to(REPOSITORY).as_posix() in text


def test_no_page_is_lost() -> None:
    """Each is linked from another one, and no link leads nowhere."""
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]
    linked: set[Path] = set()
    for page in pages:
        for target in links(page.read_text()):
            found = (page.parent / target).resolve()
            assert found.exists(), f"{page.name}: {target}"
            linked.add(found)
    assert {p for p in pages[1:] if p.resolve() not in linked} == set()


def links(text: str) -> Iterator[str]:
    """Yield the targets of links to files of ours."""
    for part in text.split("](")[1:]:
        target = part.split(")")[0].split("#")[0]
        if target and "://" not in target:
            yield target
