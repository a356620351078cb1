"""Eiendomsappen, where Norwegian landlords keep their leases.

Its own interface is closed: nothing of it is public [U], so there is no client. Leases
come as the JSON of docs/systems/webhook.md, or from a CSV file with its terms [C].
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar, Final, override
from zoneinfo import ZoneInfo

from ..engine.models import Booking
from ..push import Import
from .leases import read_leases
from .posted import PostedSystem
from .pushed import Dialect

ZONE: Final = ZoneInfo("Europe/Oslo")


class Eiendomsappen(PostedSystem):
    """The leases of one landlord; a lease runs from 00:00 to 24:00, or has no end."""

    key: ClassVar = "eiendomsappen"
    name: ClassVar = "Eiendomsappen"
    can_import: ClassVar = True

    @property
    @override
    def dialect(self) -> Dialect:
        """How leases are written."""
        return Dialect(zone=ZONE, open_end=True)

    @override
    def read_import(self, content: bytes, known: Mapping[str, Booking]) -> Import:
        """Read a file with all leases."""
        return read_leases(content, known, ZONE, datetime.now(UTC))
