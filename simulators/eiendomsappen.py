"""Whoever posts leases for a landlord: the vendor's own interface is closed.

The control door understands, besides what every sender does (``sender``):

* ``leases: [{...}]`` are sent as one list, ``lease: {...}`` as one record. What they
  do not say of ``id, resource, start, end, name, phone`` is made up: a lease from
  today on without an end.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final, override
from zoneinfo import ZoneInfo

from .webhook import WebhookSimulator

ZONE: Final = ZoneInfo("Europe/Oslo")


class EiendomsappenSimulator(WebhookSimulator):
    """A program of the landlord's that sends leases."""

    name = "eiendomsappen"
    records: ClassVar = "leases"
    record: ClassVar = "lease"

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        return {"name": "Storgata 1"}

    @override
    def made_up(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        """Return a whole lease: of a day, and without an end."""
        number = next(self._numbers)
        return {
            "id": f"lease-{number}",
            "resource": f"Leilighet {number}",
            "start": f"{datetime.now(ZONE):%Y-%m-%d}",
            "end": None,
            "name": "Kari Nordmann",
            "phone": "412 34 567",
            **wish,
        }
