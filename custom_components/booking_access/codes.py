"""Codes that grants bring along: whose they are, and which must rest."""

from dataclasses import replace
from datetime import timedelta
from typing import Final

from homeassistant.util import dt as dt_util

from .engine.ledger import GrantRow
from .engine.pins import make_pin
from .store import LedgerStore

# A code that somebody remembers must not open the door to somebody else's booking.
CODE_RESTS: Final = timedelta(days=30)


class Codes:
    """Gives codes to grants, from what the ledger tells of those that were given."""

    def __init__(self, store: LedgerStore) -> None:
        """Work on the ledger of the store."""
        self._store = store

    def given(self, row: GrantRow, length: int) -> GrantRow:
        """Return a row with a code of so many digits.

        A person of a booking has one code, wherever its length fits.
        """
        if row.credential.code:
            return row
        code = self._code_of(row.bearer, length)
        code = code or make_pin(length, self._taken())
        return replace(row, credential=replace(row.credential, code=code))

    def retire(self, row: GrantRow) -> None:
        """Let the code of a grant that is over rest, before somebody gets it again."""
        if code := row.credential.code:
            ledger = self._store.ledger
            ledger.retired[code] = dt_util.utcnow() + CODE_RESTS
            ledger.bearers[code] = row.bearer

    def _code_of(self, bearer: str, length: int) -> str | None:
        """Return the code of so many digits that a person of a booking has or had."""
        ledger = self._store.ledger
        theirs = [
            g.credential.code for g in ledger.grants.values() if g.bearer == bearer
        ]
        theirs += [code for code, each in ledger.bearers.items() if each == bearer]
        fitting = (code for code in theirs if code and len(code) == length)
        return next(fitting, None) if bearer else None

    def _taken(self) -> set[str]:
        """Return the codes that must not be given out again yet (rule 14)."""
        ledger = self._store.ledger
        now = dt_util.utcnow()
        rested = [code for code, until in ledger.retired.items() if until <= now]
        for code in rested:
            del ledger.retired[code]
            ledger.bearers.pop(code, None)
        in_use = (grant.credential.code for grant in ledger.grants.values())
        return {code for code in (*in_use, *ledger.retired) if code}
