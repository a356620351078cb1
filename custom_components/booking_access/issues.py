"""Repair issues: what people should know, and can do something about."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.loader import async_get_loaded_integration
from homeassistant.util import dt as dt_util

from .const import (
    DOMAIN,
    ISSUE_ALARM_DOOR,
    ISSUE_BAD_BOOKINGS,
    ISSUE_BOOKINGS_VANISHED,
    ISSUE_CONTRACT_CHANGED,
    ISSUE_DOOR_GONE,
    ISSUE_FILE_NOT_TAKEN,
    ISSUE_LEFT_BEHIND,
    ISSUE_SCHEDULE_DIFFERS,
    ISSUE_WITHOUT_END,
)
from .engine.models import Problem

if TYPE_CHECKING:
    from .account import BookingAccount
    from .door_devices import Use

# More would not make it clearer.
NAMED_AT_MOST = 5
# What an access system may find that people should see to.
TO_SEE_TO = (ISSUE_FILE_NOT_TAKEN, ISSUE_SCHEDULE_DIFFERS)


@callback
def _say(
    hass: HomeAssistant,
    entry: ConfigEntry,
    kind: str,
    details: Mapping[str, str] | None,
    *,
    severity: ir.IssueSeverity = ir.IssueSeverity.WARNING,
    learn_more_url: str | None = None,
) -> None:
    """Say something of an account that only a person can do, or that it is over."""
    issue_id = f"{kind}_{entry.entry_id}"
    if details is None:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=severity,
        learn_more_url=learn_more_url,
        translation_key=kind,
        translation_placeholders={"account": entry.title, **details},
    )


@callback
def async_report_problems(
    hass: HomeAssistant, entry: ConfigEntry, problems: Sequence[Problem]
) -> None:
    """Say which bookings of an answer cannot be read; nothing if all can."""
    items = [
        f"{each.item} ({each.field})" if each.field else each.item
        for each in problems[:NAMED_AT_MOST]
    ]
    if len(problems) > NAMED_AT_MOST:
        items.append("…")
    details = {"count": str(len(problems)), "items": ", ".join(items)}
    _say(hass, entry, ISSUE_BAD_BOOKINGS, details if problems else None)


@callback
def async_report_contract(
    hass: HomeAssistant, entry: ConfigEntry, wire_field: str | None
) -> None:
    """Say which part of an answer is not what we know; nothing if all of it is.

    Somebody has to adapt us to a vendor that changed its interface, so it leads there.
    """
    _say(
        hass,
        entry,
        ISSUE_CONTRACT_CHANGED,
        None if wire_field is None else {"field": wire_field},
        severity=ir.IssueSeverity.ERROR,
        learn_more_url=async_get_loaded_integration(hass, DOMAIN).issue_tracker,
    )


@callback
def async_report_to_see_to(
    hass: HomeAssistant, entry: ConfigEntry, problems: Sequence[Problem]
) -> None:
    """Say what people should see to at an access system; nothing of what is solved."""
    for kind in TO_SEE_TO:
        items = ", ".join(each.item for each in problems if each.reason == kind)
        details = {"items": items} if items else None
        _say(hass, entry, kind, details, severity=ir.IssueSeverity.ERROR)


@callback
def async_forget_issues(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Say nothing more of an account that was removed, but what is left behind."""
    for kind in (
        ISSUE_BAD_BOOKINGS,
        ISSUE_BOOKINGS_VANISHED,
        ISSUE_CONTRACT_CHANGED,
        ISSUE_WITHOUT_END,
        *TO_SEE_TO,
    ):
        ir.async_delete_issue(hass, DOMAIN, f"{kind}_{entry.entry_id}")
    for kind in (ISSUE_ALARM_DOOR, ISSUE_DOOR_GONE):
        async_report_doors(hass, entry, kind, {}, {})


@callback
def async_report_doors(
    hass: HomeAssistant,
    account: ConfigEntry,
    kind: str,
    doors: Mapping[str, str],
    uses: Mapping[str, Sequence[Use]],
    unsure: Collection[str] = (),
) -> None:
    """Name the doors of an access account with which something is wrong, by their ids.

    Once for each room that uses them, whose form the issue leads to. Of doors that
    nobody is sure about, what was said stays.
    """
    prefix = f"{kind}_{account.entry_id}_"
    kept = {f"{prefix}{d}_{use.id}" for d in unsure for use in uses.get(d, ())}
    found = {
        f"{prefix}{door}_{use.id}": (name, use)
        for door, name in doors.items()
        for use in uses[door]
        if use.account.disabled_by is None
    }
    said = [each for _, each in ir.async_get(hass).issues if each.startswith(prefix)]
    for issue_id in set(said) - found.keys() - kept:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
    for issue_id, (name, use) in found.items():
        shown = {"account": account.title, "door": name, "room": use.name}
        ir.async_create_issue(
            hass,
            DOMAIN,
            issue_id,
            is_fixable=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=kind,
            translation_placeholders=shown,
            data={
                **shown,
                "entry_id": use.account.entry_id,
                "room_id": use.room.subentry_id if use.room else None,
            },
        )


@callback
def async_report_bookings(
    hass: HomeAssistant, entry_id: str, account: BookingAccount
) -> None:
    """Ask about bookings that are held back, and name those without an end."""
    if (entry := hass.config_entries.async_get_entry(entry_id)) is None:
        return
    async_report_vanished(hass, entry, len(account.bookings.held_back))
    if account.is_fed:
        _report_without_end(hass, entry, account.without_end(dt_util.utcnow()))


@callback
def async_report_vanished(hass: HomeAssistant, entry: ConfigEntry, count: int) -> None:
    """Ask about bookings that vanished all at once; nothing if none did."""
    issue_id = f"{ISSUE_BOOKINGS_VANISHED}_{entry.entry_id}"
    if not count:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    placeholders = {"account": entry.title, "count": str(count)}
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=ISSUE_BOOKINGS_VANISHED,
        translation_placeholders=placeholders,
        data={"entry_id": entry.entry_id, **placeholders},
    )


@callback
def _report_without_end(
    hass: HomeAssistant, entry: ConfigEntry, rooms: Sequence[str]
) -> None:
    """Say which rooms have coming bookings without an end, each as often as it has."""
    named = ", ".join(dict.fromkeys(rooms))
    details = {"count": str(len(rooms)), "rooms": named}
    _say(hass, entry, ISSUE_WITHOUT_END, details if rooms else None)


@callback
def async_report_left_behind(
    hass: HomeAssistant,
    entry: ConfigEntry,
    *,
    doors: int = 0,
    schedules: int = 0,
    grants: int = 0,
) -> None:
    """Say what remains at a vendor whose account was removed; nothing if all is undone."""
    if not (doors or schedules or grants):
        return
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"{ISSUE_LEFT_BEHIND}_{entry.entry_id}",
        is_fixable=True,  # by saying that it was read
        is_persistent=True,
        severity=ir.IssueSeverity.ERROR,
        translation_key=ISSUE_LEFT_BEHIND,
        translation_placeholders={
            "account": entry.title,
            "doors": str(doors),
            "schedules": str(schedules),
            "grants": str(grants),
        },
    )
