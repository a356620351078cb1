"""What an access account is told, as it is loaded, of what was done there before."""

from datetime import UTC, datetime, timedelta

from custom_components.booking_access.before import done_before
from custom_components.booking_access.engine.ledger import (
    GrantRow,
    GrantState,
    Phase,
    ScheduleRow,
    Switched,
)
from custom_components.booking_access.engine.models import Credential
from custom_components.booking_access.engine.windows import Window
from custom_components.booking_access.operations import Operations
from custom_components.booking_access.store import LedgerStore
from homeassistant.core import HomeAssistant

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def row(reference: str, issued_id: str | None = "key", **rest: object) -> GrantRow:
    """Return a grant of the account."""
    known = {"state": GrantState.ISSUED, "account_id": "doors", **rest}
    return GrantRow(
        reference=reference,
        subject="anna",
        room_id="hall",
        booking_id="1",
        points=("101",),
        start=NOW,
        end=LATER,
        reservation="one",
        issued_id=issued_id,
        credential=Credential(bearer="+4520123456"),
        **known,  # type: ignore[arg-type]
    )


async def test_what_an_account_is_told(hass: HomeAssistant) -> None:
    """Its own, and what goes or was replaced before what stands."""
    store = LedgerStore(hass)
    ledger = store.ledger
    ledger.installation = "1f"
    rows = (
        row("new", replaces="old"),
        row("other", account_id="elsewhere"),
        row("old"),
        row("never_made", None),
        row("going", state=GrantState.REVOKING),
    )
    ledger.grants = {each.reference: each for each in rows}
    ledger.switched = {
        f"door/{door}": Switched(target=f"door/{door}", phase=phase)
        for door, phase in (
            ("doors/a", Phase.STARTING),
            ("doors/b", Phase.ON),
            ("elsewhere/c", Phase.STARTING),
        )
    }
    span = (Window(NOW, LATER),)
    ledger.schedules = {
        each.point: each
        for each in (
            ScheduleRow(point="doors/x", periods=span, confirmed=True),
            ScheduleRow(point="doors/y", periods=span),
            ScheduleRow(point="elsewhere/x", periods=span, confirmed=True),
        )
    }
    before = done_before(ledger, Operations(hass, store, {}), "doors")
    told = [issued.reference for issued, _ in before.grants]
    assert told == ["ba-1f-old", "ba-1f-going", "ba-1f-new"]
    assert {reservation for _, reservation in before.grants} == {"ba-1f-one"}
    assert before.grants[0][0].credential.bearer == "+4520123456"
    assert set(before.opening) == {"a"}
    assert before.schedules == {"x": [(NOW, LATER)]}
