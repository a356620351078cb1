"""What an access account is told, as it is loaded, of what was done there before."""

from .access_systems.base import Before
from .engine.ledger import GrantRow, GrantState, Phase
from .engine.models import Issued
from .operations import Operations
from .store import Ledger


def done_before(ledger: Ledger, operations: Operations, account_id: str) -> Before:
    """Return what the ledger tells of an account."""
    rows = [row for row in ledger.grants.values() if row.account_id == account_id]
    replaced = {row.replaces for row in rows}

    def goes(row: GrantRow) -> bool:
        return row.state is GrantState.REVOKING or row.reference in replaced

    known = (
        (operations.known_issued(row), row.reservation)
        for row in sorted(rows, key=goes, reverse=True)
    )
    doors = f"door/{account_id}/"
    return Before(
        grants=[
            (issued, operations.at_vendor(reservation))
            for issued, reservation in known
            if isinstance(issued, Issued)
        ],
        opening={
            target.removeprefix(doors)
            for target, row in ledger.switched.items()
            if target.startswith(doors) and row.phase is Phase.STARTING
        },
        schedules={
            point.partition("/")[2]: [(each.start, each.end) for each in row.periods]
            for point, row in ledger.schedules.items()
            if point.startswith(f"{account_id}/") and row.confirmed
        },
    )
