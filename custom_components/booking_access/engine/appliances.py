"""Appliances: what they are while booked, and what they go back to (rule 16)."""

from dataclasses import replace
from typing import Final

from .ledger import Switched
from .models import Effect

ON: Final = "on"
OFF: Final = "off"
OFF_STATES: Final = frozenset({OFF, "disarmed"})


def is_on(state: str) -> bool:
    """Whether a state is one of running, or of an armed alarm."""
    return state not in OFF_STATES


def while_booked(effect: Effect) -> str:
    """Return what bookings switch an effect to: the alarm off, all else on."""
    return OFF if effect is Effect.ALARM else ON


def remembered(row: Switched, effect: Effect, current: str) -> Switched:
    """Return what to write down before an appliance is switched for its claims.

    A human who changed it since the last claim changed what to go back to.
    Once something may have been sent for a claim, the state tells no more what
    was before it.
    """
    if row.ours is not None:
        return row
    wanted = while_booked(effect)
    if row.before is None or is_on(current) != is_on(wanted):
        row = replace(row, before=current)
    return replace(row, ours=wanted)


def to_begin(effect: Effect, current: str) -> str | None:
    """Return what to switch an appliance to; None if it is so already."""
    wanted = while_booked(effect)
    return None if is_on(current) == is_on(wanted) else wanted


def to_restore(row: Switched, effect: Effect, current: str) -> str | None:
    """Return what to put an appliance back to; None to leave it as it is.

    It is left alone where nothing was done with it, or where it no longer is
    what it was switched to: then a human changed it.
    """
    if row.before is None or is_on(current) != is_on(while_booked(effect)):
        return None
    return None if is_on(current) == is_on(row.before) else row.before
