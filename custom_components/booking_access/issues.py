"""Repair issues: what people should know, and can do something about."""

from collections.abc import Sequence

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, ISSUE_BAD_BOOKINGS
from .engine.models import Problem

# More would not make it clearer.
NAMED_AT_MOST = 5


@callback
def async_report_problems(
    hass: HomeAssistant, entry: ConfigEntry, problems: Sequence[Problem]
) -> None:
    """Say which bookings of an answer cannot be read; nothing if all can."""
    issue_id = f"{ISSUE_BAD_BOOKINGS}_{entry.entry_id}"
    if not problems:
        ir.async_delete_issue(hass, DOMAIN, issue_id)
        return
    items = [
        f"{each.item} ({each.field})" if each.field else each.item
        for each in problems[:NAMED_AT_MOST]
    ]
    if len(problems) > NAMED_AT_MOST:
        items.append("…")
    ir.async_create_issue(
        hass,
        DOMAIN,
        issue_id,
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key=ISSUE_BAD_BOOKINGS,
        translation_placeholders={
            "account": entry.title,
            "count": str(len(problems)),
            "items": ", ".join(items),
        },
    )
