"""The documentation: its examples are as Home Assistant wants them, its links lead on."""

from collections.abc import Iterator
from pathlib import Path
import re
from typing import Any, Final

import pytest

from custom_components.booking_access.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.condition import async_validate_conditions_config
from homeassistant.helpers.trigger import async_validate_trigger_config
from homeassistant.setup import async_setup_component
from homeassistant.util import yaml as yaml_util

REPOSITORY: Final = Path(__file__).parents[1]
BLUEPRINTS: Final = REPOSITORY / "blueprints/automation"
PAGES: Final = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")]


def examples() -> Iterator[dict[str, Any]]:
    """Yield what is written as YAML."""
    for page in PAGES:
        for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL):
            data = yaml_util.parse_yaml(block)
            assert isinstance(data, dict), page
            yield data


@pytest.mark.usefixtures("enable_custom_integrations")
async def test_the_examples_can_be_used_as_they_stand(hass: HomeAssistant) -> None:
    """Automations and actions are accepted, and blueprints have what they are given."""
    assert await async_setup_component(hass, DOMAIN, {})
    ours = hass.services.async_services_for_domain(DOMAIN)
    used = set()
    for each in examples():
        await async_validate_trigger_config(
            hass, cv.TRIGGER_SCHEMA(each.get("triggers", []))
        )
        await async_validate_conditions_config(
            hass, cv.CONDITIONS_SCHEMA(each.get("conditions", []))
        )
        cv.SCRIPT_SCHEMA(each.get("actions", []))
        if "action" in each:
            (step,) = cv.SCRIPT_SCHEMA([each])
            name = step["action"].removeprefix(f"{DOMAIN}.")
            schema = ours[name].schema
            assert schema is not None
            schema(each.get("data", {}))
            used.add(name)
        if "use_blueprint" in each:
            used.add(_fits(each["use_blueprint"]))
    assert used == ours.keys() | {each.stem for each in BLUEPRINTS.rglob("*.yaml")}


def _fits(use: dict[str, Any]) -> str:
    """See that a blueprint is given what it wants, and nothing else; return its name."""
    path = BLUEPRINTS / use["path"]
    wanted = yaml_util.load_yaml_dict(path)["blueprint"]["input"]
    needed = {key for key, each in wanted.items() if "default" not in each}
    assert needed <= use["input"].keys() <= wanted.keys(), path
    return path.stem


def test_links_within_pages_lead_to_a_heading() -> None:
    lost = set()
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text()):
            there = (page.parent / target).resolve() if target else page
            if anchor not in _headings(there.read_text()):
                lost.add((page.name, target, anchor))
    assert lost == set()


def _headings(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in titles}
