"""The actions that put codes on locks, against the Home Assistant that is installed."""

import ast
import json
from typing import Any

import pytest
import voluptuous as vol

from custom_components.booking_access.access_systems.lock_codes import actions
from custom_components.booking_access.access_systems.lock_codes.actions import Action
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.util.yaml import load_yaml_dict

from ..installed import CORE, module, register_actions

ACTIONS = [each for each in vars(actions).values() if isinstance(each, Action)]
INSTALLED = ("zwave_js", "matter", "schlage")
SENT: dict[str, Any] = {
    "code_slot": 7,
    "usercode": "482915",
    "user_name": "ba01234567",
    "active": True,
    "credential_data": "482915",
    "user_id": 7,
    "user_index": 7,
    "name": "ba01234567",
    "code": "482915",
    "notify_on_use": False,
}
PIN = {"zwave_js": "pin_code", "matter": "pin"}


def test_all_actions_are_known() -> None:
    """Those of Lock Code Manager cannot be compared: it is not part of Home Assistant."""
    assert {each.domain for each in ACTIONS} == {*INSTALLED, "lock_code_manager"}


@pytest.mark.parametrize("domain", INSTALLED)
async def test_installed_integrations_take_what_is_sent(
    hass: HomeAssistant, domain: str
) -> None:
    """As they describe themselves, and as their schemas have it."""
    await register_actions(hass, domain)
    described = load_yaml_dict(str(CORE / domain / "services.yaml"))
    services = hass.services.async_services_for_domain(domain)
    for action in ACTIONS:
        if action.domain != domain:
            continue
        entry = described[action.name]
        assert entry["target"]["entity"] == {"domain": "lock", "integration": domain}
        fields = entry.get("fields", {})
        assert set(action.fields) <= set(fields), action
        required = {name for name, each in fields.items() if each.get("required")}
        assert required <= set(action.fields), action
        service = services[action.name]
        answers = service.supports_response is not SupportsResponse.NONE
        assert answers == action.answers, action
        sent = SENT | {"credential_type": PIN.get(domain)}
        data = {name: sent[name] for name in action.fields}
        checked = service.schema({"entity_id": "lock.side_door", **data})
        assert {name: checked[name] for name in data} == data
        with pytest.raises(vol.Invalid, match="slot"):
            service.schema({"entity_id": "lock.side_door", **data, "slot": 1})


@pytest.mark.parametrize(
    ("domain", "answer", "read"),
    [
        ("zwave_js", "UsersResult", {"max_users", "users"}),
        ("zwave_js", "UserEntry", {"user_id", "user_name", "credentials"}),
        ("zwave_js", "Credential", {"type"}),
        (
            "zwave_js",
            "CredentialCapabilitiesResult",
            {"max_user_name_length", "supported_credential_types"},
        ),
        ("zwave_js", "CredentialTypeCapability", {"min_length", "max_length"}),
        ("matter", "GetLockUsersResult", {"max_users", "users"}),
        ("matter", "LockUserData", {"user_index", "user_name", "credentials"}),
        ("matter", "LockUserCredentialData", {"type"}),
        (
            "matter",
            "GetLockInfoResult",
            {
                "supports_user_management",
                "supported_credential_types",
                "max_users",
                "max_pin_users",
                "min_pin_length",
                "max_pin_length",
            },
        ),
    ],
)
def test_answers_have_what_is_read(domain: str, answer: str, read: set[str]) -> None:
    """The names in them are those that the clients look for."""
    declared = getattr(module(domain, "lock_helpers"), answer)
    assert read <= set(declared.__annotations__)


@pytest.mark.parametrize(
    ("domain", "function", "read"),
    [
        ("zwave_js", "_get_all_usercodes", {"usercode", "in_use"}),
        ("schlage", "get_codes", {"name", "code"}),
    ],
)
def test_answers_that_are_not_declared(
    domain: str, function: str, read: set[str]
) -> None:
    """What the code puts into them."""
    tree = ast.parse((CORE / domain / "lock.py").read_text())
    [body] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name == function
    ]
    written = {n.value for n in ast.walk(body) if isinstance(n, ast.Constant)}
    assert read <= written


def test_reasons_of_refusals_exist() -> None:
    """The texts by which a refusal is known."""
    known = {
        key
        for domain in INSTALLED
        for key in json.loads((CORE / domain / "strings.json").read_text())[
            "exceptions"
        ]
    }
    assert {*actions.FULL, *actions.REFUSED, *actions.UNABLE} <= known


@pytest.mark.parametrize("domain", INSTALLED)
def test_no_action_sets_schedules(domain: str) -> None:
    """If one does some day, locks can begin and end codes by themselves."""
    described = load_yaml_dict(str(CORE / domain / "services.yaml"))
    assert [name for name in described if "schedule" in name] == []
