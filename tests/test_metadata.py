"""What hassfest, HACS and our own rules want of the files, checked without them."""

import ast
from collections.abc import Iterator
import json
from pathlib import Path, PurePath
import re
import subprocess
import tomllib
from typing import Any

import pytest

import homeassistant.components
from homeassistant.const import Platform
from homeassistant.helpers.condition import _CONDITIONS_DESCRIPTION_SCHEMA
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.helpers.trigger.descriptions import _TRIGGERS_DESCRIPTION_SCHEMA
from homeassistant.util.yaml import load_yaml_dict

REPOSITORY = Path(__file__).parents[1]
INTEGRATION = REPOSITORY / "custom_components/booking_access"
CORE = Path(homeassistant.components.__file__).parent
TRANSLATIONS = INTEGRATION / "translations"
MODULES = sorted(INTEGRATION.rglob("*.py"))
VENDOR_PACKAGES = ("booking_systems", "access_systems")
OURS = "custom_components.booking_access"

# What the translations of an integration may hold, as hassfest has it.
SECTIONS = {
    "title",
    "common",
    "conditions",
    "config",
    "config_subentries",
    "device",
    "entity",
    "exceptions",
    "issues",
    "options",
    "selector",
    "services",
    "system_health",
    "triggers",
}
DESCRIPTIONS = [
    ("services", _SERVICES_SCHEMA),
    ("triggers", _TRIGGERS_DESCRIPTION_SCHEMA),
    ("conditions", _CONDITIONS_DESCRIPTION_SCHEMA),
]


@pytest.fixture(autouse=True)
def _allow_custom_integrations() -> None:
    """Files only: nothing here needs a Home Assistant."""


def load(path: Path) -> Any:
    """Read a JSON file."""
    return json.loads(path.read_text())


def manifest() -> dict[str, Any]:
    """Return the integration's manifest."""
    return load(INTEGRATION / "manifest.json")


def texts(language: str) -> dict[str, str]:
    """Return all texts of a language by their dotted path."""
    return dict(flatten(load(TRANSLATIONS / f"{language}.json")))


def flatten(tree: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a tree by their dotted path."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def placeholders(text: str) -> set[str]:
    """Return the names between braces."""
    return set(re.findall(r"{(\w+)}", text))


def relative(path: Path) -> str:
    """Return the path as people write it."""
    return str(path.relative_to(INTEGRATION))


def imports(path: Path) -> Iterator[str]:
    """Yield the full dotted name of everything that a module imports."""
    package = (OURS, *path.relative_to(INTEGRATION).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*above, *filter(None, [node.module])))
            yield from (f"{module}.{alias.name}" for alias in node.names)


# Manifest, HACS and versions


def test_manifest_order() -> None:
    """Hassfest wants domain and name, then the alphabet."""
    keys = list(manifest())
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_manifest_is_complete() -> None:
    """What Home Assistant, hassfest and HACS ask of a custom integration."""
    content = manifest()
    assert content["domain"] == INTEGRATION.name
    assert content["integration_type"] == "hub"
    assert content["config_flow"] is True
    for key in ("documentation", "issue_tracker"):
        assert content[key].startswith("https://github.com/")
    for key in ("codeowners", "iot_class", "loggers", "version"):
        assert content[key]


def test_requirements_are_those_of_the_manifest() -> None:
    """So that tests run with what users get."""
    lines = (REPOSITORY / "requirements.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert manifest()["requirements"] == wanted


@pytest.mark.parametrize("integration", ["local_calendar", "remote_calendar"])
def test_ical_is_home_assistants_own(integration: str) -> None:
    """Two versions of one library cannot be installed at the same time."""
    theirs = load(CORE / integration / "manifest.json")["requirements"]
    ours = [name for name in manifest()["requirements"] if name.startswith("ical")]
    assert ours == theirs


def test_imported_integrations_are_dependencies() -> None:
    """Home Assistant sets up first what we import, unless it is always there."""
    content = manifest()
    declared = {
        *content.get("dependencies", ()),
        *content.get("after_dependencies", ()),
        *(platform.value for platform in Platform),
        *(path.stem for path in INTEGRATION.glob("*.py")),
        # What hassfest lets everybody use, as far as it could be of use here.
        *("automation", "homeassistant", "input_boolean", "persistent_notification"),
        *("script", "system_health", "webhook", "websocket_api", "zone"),
    }
    imported = {
        match[1]
        for path in MODULES
        for name in imports(path)
        if (match := re.match(r"homeassistant\.components\.(\w+)", name))
    }
    assert imported <= declared


def test_hacs_file() -> None:
    """HACS refuses keys that it does not know."""
    content = load(REPOSITORY / "hacs.json")
    assert content["name"] == manifest()["name"]
    assert set(content) <= {
        *("content_in_root", "country", "filename", "hacs", "hide_default_branch"),
        *("homeassistant", "name", "persistent_directory", "render_readme"),
        "zip_release",
    }


def test_one_version_everywhere() -> None:
    """A release is named once."""
    version = manifest()["version"]
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert project["version"] == version
    assert f"\n## [{version}]" in (REPOSITORY / "CHANGELOG.md").read_text()


# Texts


def test_sections_of_the_texts() -> None:
    """Only what Home Assistant reads."""
    assert set(load(TRANSLATIONS / "en.json")) <= SECTIONS


def test_texts_are_clean() -> None:
    """No addresses, no HTML, no blanks at the ends, keys as hassfest wants them."""
    for key, text in texts("en").items():
        assert not re.search(r"https?://|www\.", text), key
        assert not re.search(r"<[a-zA-Z/]", text), key
        assert not re.search(r"'{\w+}'", text), key
        assert text == text.strip() != "", key
        assert re.fullmatch(r"[a-z0-9_.-]+", key), key


def test_field_descriptions_have_fields() -> None:
    """A description of a field that is not there is never shown."""
    keys = set(texts("en"))
    for key in keys:
        before, found, after = key.partition(".data_description.")
        assert not found or f"{before}.data.{after}" in keys, key


def test_languages_say_the_same() -> None:
    """The same keys, with the same placeholders."""
    english = texts("en")
    for path in sorted(TRANSLATIONS.glob("*.json")):
        other = texts(path.stem)
        assert set(other) == set(english), path.stem
        for key, text in other.items():
            assert placeholders(text) == placeholders(english[key]), (path.stem, key)
            assert text == text.strip() != "", (path.stem, key)


# Actions, triggers, conditions, icons


@pytest.mark.parametrize(("kind", "schema"), DESCRIPTIONS)
def test_descriptions_fit_their_schema_and_texts(kind: str, schema: Any) -> None:
    """The editor of automations shows all of it, with a text for each field."""
    path = INTEGRATION / f"{kind}.yaml"
    described = schema(load_yaml_dict(path)) if path.exists() else {}
    described = {k: v for k, v in described.items() if not k.startswith(".")}
    english = load(TRANSLATIONS / "en.json").get(kind, {})
    assert set(english) == set(described)
    for name, description in described.items():
        fields = (description or {}).get("fields", {})
        plain = {n for n, field in fields.items() if "fields" not in field}
        folded = {n: f["fields"] for n, f in fields.items() if "fields" in f}
        inside = {n for section in folded.values() for n in section}
        assert set(english[name].get("fields", {})) == plain | inside, name
        assert set(english[name].get("sections", {})) == set(folded), name
        assert english[name]["name"], name
        assert english[name]["description"], name


def icons() -> dict[str, Any]:
    """Return icons.json, or nothing while there is none."""
    path = INTEGRATION / "icons.json"
    return load(path) if path.exists() else {}


@pytest.mark.parametrize("kind", ["services", "triggers", "conditions"])
def test_each_has_an_icon(kind: str) -> None:
    """Each action, trigger and condition that has a text."""
    assert set(icons().get(kind, {})) == set(
        load(TRANSLATIONS / "en.json").get(kind, {})
    )


def test_icons_of_entities() -> None:
    """Only for entities that exist, and no state that has the default anyway."""
    entities = load(TRANSLATIONS / "en.json").get("entity", {})
    for platform, keys in icons().get("entity", {}).items():
        for key, wanted in keys.items():
            assert key in entities[platform], f"{platform}.{key}"
            assert wanted.get("default") not in wanted.get("state", {}).values()
    for name, icon in flatten(icons()):
        assert icon.startswith("mdi:"), name


# What may not be in the repository


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield each file that git knows, as far as it is text."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, names.split("\0")):
        try:
            yield name, (REPOSITORY / name).read_text()
        except UnicodeDecodeError, FileNotFoundError:
            continue


def test_nothing_of_one_machine_is_tracked() -> None:
    """No path of a work place, and no address of a package registry."""
    registries = ("pypi.", "registry.npmjs.", "deb.debian.", "pythonhosted.")
    forbidden = re.compile(
        "|".join([r"(?<![\w.])/wor[k]/", *(re.escape(r) + "org" for r in registries)])
    )
    found = {name: forbidden.search(text) for name, text in tracked_texts()}
    assert {name: match[0] for name, match in found.items() if match} == {}


# The shape of the code


@pytest.mark.parametrize(
    "path", sorted((INTEGRATION / "engine").glob("*.py")), ids=relative
)
def test_the_engine_is_pure(path: Path) -> None:
    """Nothing of Home Assistant, no network, and nothing of ours outside."""
    for name in imports(path):
        root = name.partition(".")[0]
        assert root not in {"homeassistant", "aiohttp", "asyncio"}, name
        assert root != "custom_components" or name.startswith(f"{OURS}.engine."), name


@pytest.mark.parametrize(
    "path", [p for p in MODULES if p.parent.name in VENDOR_PACKAGES], ids=relative
)
def test_systems_know_only_the_protocol(path: Path) -> None:
    """A vendor's modules can be read, and tested, alone."""
    names = ("engine.models", "forms", "push", "transport")
    common = tuple(f"{OURS}.{name}." for name in names)
    package = f"{OURS}.{path.parent.name}."
    for name in imports(path):
        if name.startswith(package):
            assert name.rpartition(".")[0] not in registered_modules(), name
        elif name.startswith("custom_components."):
            assert name.startswith(common), name
        elif name.startswith("homeassistant."):
            assert path.name in {"ha_calendar.py", "ha_locks.py"}, name


def registered_modules() -> set[str]:
    """Return the modules of the systems, without those that only help one."""
    registry = INTEGRATION / "systems.py"
    modules = {name.rpartition(".")[0] for name in imports(registry)}
    return {m for m in modules if "_systems." in m and not m.endswith(".base")}


@pytest.mark.parametrize("path", sorted(INTEGRATION.glob("*.py")), ids=relative)
def test_vendors_are_only_in_the_registry(path: Path) -> None:
    """Adding a system changes one line, of systems.py."""
    vendor = re.compile(rf"{re.escape(OURS)}\.(booking|access)_systems\.(?!base\.)")
    found = [name for name in imports(path) if vendor.match(name)]
    assert path.name == "systems.py" or not found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_modules_and_functions_are_short(path: Path) -> None:
    """At most 400 lines, and 40."""
    source = path.read_text()
    assert len(source.splitlines()) <= 400
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno >= 40
    }
    assert long == {}


def test_brand_image_is_of_the_size_that_home_assistant_shows() -> None:
    """Its width and height are the first things in a PNG."""
    for name, side in (("icon.png", 256), ("icon@2x.png", 512)):
        path = INTEGRATION / "brand" / name
        if path.exists():
            header = path.read_bytes()[16:24]
            size = int.from_bytes(header[:4]), int.from_bytes(header[4:])
            assert size == (side, side), PurePath(name)
