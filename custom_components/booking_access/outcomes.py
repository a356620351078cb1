"""What an error means for the grant that it was about, and what people are told."""

from dataclasses import replace

from .engine.ledger import GrantRow, GrantState
from .engine.models import (
    AuthError,
    ConnectionFailed,
    NotNow,
    OutcomeUnknown,
    RateLimited,
    Rejected,
)
from .engine.reconcile import Step


def settled_grant(step: Step, row: GrantRow, err: Exception) -> GrantRow:
    """Return a row after a failure; only a lost answer leaves it in doubt."""
    if isinstance(err, Rejected):
        return _refused(step, row)
    if step in (Step.ISSUE, Step.CHANGE) and isinstance(
        err, ConnectionFailed | AuthError
    ):
        return replace(row, state=GrantState.PLANNED)
    return row


def _refused(step: Step, row: GrantRow) -> GrantRow:
    """Return a row after its vendor said no, for good.

    What cannot be changed is made anew, unless only people can do that; what cannot
    be blocked is taken back.
    """
    if step is Step.CHANGE and not row.card:
        row = replace(row, state=GrantState.PLANNED, cannot_change=True)
        return replace(row, replaces="", retry_at=None)
    if step in (Step.ISSUE, Step.CHANGE):
        return replace(row, state=GrantState.FAILED, retry_at=None)
    if step in (Step.SUSPEND, Step.RESUME):
        return replace(row, state=GrantState.REVOKING, retry_at=None)
    return row


def error_key(err: Exception) -> str:
    """Return the translation key of an error."""
    match err:
        case Rejected() | NotNow():
            return str(err)
        case RateLimited():
            return "rate_limited"
        case OutcomeUnknown():
            return "no_confirmation"
        case AuthError():
            return "auth_failed"
        case ConnectionFailed():
            return "not_reachable"
    return "unknown"
