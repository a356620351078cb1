"""Whether all that a test made Home Assistant show has an English text.

What Home Assistant does in its own tests, after each of ours: steps with their
fields, errors, aborts, issues and exceptions are looked up as they come along.
Where Home Assistant can do without a text, a person filling in a form cannot.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
import json
from pathlib import Path
import re
from typing import Any
from unittest.mock import patch

from custom_components import booking_access
from custom_components.booking_access.const import DOMAIN
from homeassistant.components.repairs.issue_handler import RepairsFlowManager
from homeassistant.config_entries import (
    ConfigEntriesFlowManager,
    ConfigSubentryFlowManager,
    OptionsFlowManager,
)
from homeassistant.data_entry_flow import (
    FlowHandler,
    FlowManager,
    FlowResultType,
    section,
)
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.issue_registry import IssueRegistry, async_get

INTEGRATION = Path(booking_access.__file__).parent


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a tree by their dotted path."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def english() -> dict[str, str]:
    """Return all texts by their dotted path."""
    path = INTEGRATION / "translations/en.json"
    return dict(flatten(json.loads(path.read_text())))


def placeholders(text: str) -> set[str]:
    """Return the names between braces."""
    return set(re.findall(r"{(\w+)}", text))


def needed_texts(prefix: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the texts that a step of a flow must have."""
    kind, step = result["type"], f"{prefix}.step.{result.get('step_id')}"
    if kind is FlowResultType.ABORT and not result.get("translation_domain"):
        yield f"{prefix}.abort.{result['reason']}"
    if kind is FlowResultType.CREATE_ENTRY and result.get("description"):
        yield f"{prefix}.create_entry.{result['description']}"
    if kind is FlowResultType.MENU:
        yield f"{step}.title"
        yield from (f"{step}.menu_options.{name}" for name in result["menu_options"])
    if kind is FlowResultType.FORM:
        yield f"{step}.title"
        yield from _fields(step, (result["data_schema"] or section({})).schema)
        for error in (result["errors"] or {}).values():
            yield f"{prefix}.error.{error}"


def optional_texts(prefix: str, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of the texts that a step of a flow may have besides."""
    step = f"{prefix}.step.{result.get('step_id')}"
    yield f"{step}.description"
    for name in result.get("menu_options") or ():
        yield f"{step}.menu_option_descriptions.{name}"
    for name, value in getattr(result.get("data_schema"), "schema", {}).items():
        if isinstance(value, section):
            yield f"{step}.sections.{name}.description"


def _fields(step: str, schema: Mapping[Any, Any]) -> Iterator[str]:
    """Yield the keys of the texts of a form's fields."""
    for name, value in schema.items():
        if isinstance(value, section):
            yield f"{step}.sections.{name}.name"
            yield from _fields(f"{step}.sections.{name}", value.schema.schema)
        else:
            yield f"{step}.data.{name}"
            yield f"{step}.data_description.{name}"


def flow_texts(manager: FlowManager, flow: FlowHandler) -> str | None:
    """Return where the texts of a flow are; None if it is not one of ours."""
    hass, handler = manager.hass, flow.handler
    if isinstance(manager, ConfigEntriesFlowManager) and handler == DOMAIN:
        return "config"
    if isinstance(manager, RepairsFlowManager) and handler == DOMAIN:
        issue = async_get(hass).async_get_issue(DOMAIN, flow.context["issue_id"])
        return f"issues.{issue.translation_key}.fix_flow" if issue else None
    if isinstance(manager, OptionsFlowManager):
        entry = hass.config_entries.async_get_known_entry(handler)
        return "options" if entry.domain == DOMAIN else None
    if isinstance(manager, ConfigSubentryFlowManager):
        entry = hass.config_entries.async_get_known_entry(handler[0])
        return f"config_subentries.{handler[1]}" if entry.domain == DOMAIN else None
    return None


class _Check:
    """Looks texts up as they are used."""

    def __init__(self) -> None:
        """Know the texts."""
        self.texts = english()
        self.missing: dict[str, str] = {}

    def need(self, key: str, given: Mapping[str, Any] | None) -> None:
        """Note a text that must be there."""
        if key in self.texts:
            self.may(key, given)
        else:
            self.missing[key] = f"no text {key}"

    def may(self, key: str, given: Mapping[str, Any] | None) -> None:
        """Note what a text lacks, if it is there."""
        lacking = placeholders(self.texts.get(key, "")) - set(given or ())
        if lacking:
            self.missing[key] = f"{key} is not given {', '.join(sorted(lacking))}"

    def step(self, prefix: str, result: Mapping[str, Any]) -> None:
        """Look up the texts of a step."""
        given = result.get("description_placeholders")
        for key in needed_texts(prefix, result):
            self.need(key, given)
        for key in optional_texts(prefix, result):
            self.may(key, given)

    def issue(self, domain: str, issue: Mapping[str, Any]) -> None:
        """Look up the texts of an issue."""
        if domain != DOMAIN:
            return
        key = f"issues.{issue['translation_key']}"
        given = issue.get("translation_placeholders")
        self.need(f"{key}.title", given)
        if not issue["is_fixable"]:
            self.need(f"{key}.description", given)

    def exception(self, error: HomeAssistantError) -> None:
        """Look up the text of an exception."""
        if error.translation_domain == DOMAIN:
            key = f"exceptions.{error.translation_key}.message"
            self.need(key, error.translation_placeholders)


@contextmanager
def checked_texts() -> Iterator[dict[str, str]]:
    """Look up all texts used inside; yields what is missing, by key."""
    check = _Check()
    handle_step = FlowManager._async_handle_step
    get_or_create = IssueRegistry.async_get_or_create
    init = HomeAssistantError.__init__

    @wraps(handle_step)
    async def checked_step(
        manager: FlowManager, flow: FlowHandler, *args: Any, **kwargs: Any
    ) -> Any:
        prefix = flow_texts(manager, flow)
        result = await handle_step(manager, flow, *args, **kwargs)
        if prefix:
            check.step(prefix, result)
        return result

    @wraps(get_or_create)
    def checked_issue(
        registry: IssueRegistry, domain: str, issue_id: str, **issue: Any
    ) -> Any:
        check.issue(domain, issue)
        return get_or_create(registry, domain, issue_id, **issue)

    @wraps(init)
    def checked_exception(
        error: HomeAssistantError, *args: object, **kwargs: Any
    ) -> None:
        init(error, *args, **kwargs)
        check.exception(error)

    with (
        patch.object(FlowManager, "_async_handle_step", checked_step),
        patch.object(IssueRegistry, "async_get_or_create", checked_issue),
        patch.object(HomeAssistantError, "__init__", checked_exception),
    ):
        yield check.missing
