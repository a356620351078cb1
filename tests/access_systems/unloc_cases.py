"""What tests of both interfaces of Unloc share."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from custom_components.booking_access.access_systems.unloc_keys import KeySystem
from custom_components.booking_access.engine.models import Grant, Issued, Person
from simulators.base import Fault
from simulators.unloc import UnlocSimulator
from simulators.unloc_site import HALL, Key

PHONE = "+4799887766"
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
START = datetime(2090, 11, 22, 8, 45, tzinfo=UTC)
END = datetime(2090, 11, 22, 10, 15, tzinfo=UTC)
GRANT = Grant(
    reservation="ba-1f2e3d4c-aaaa",
    reference="ba-1f2e3d4c-a1",
    points=(HALL,),
    start=START,
    end=END,
    person=Person(name="Kari Nordmann", phone=PHONE),
)


def booked(name: str, start: datetime, end: datetime, phone: str = PHONE) -> Grant:
    """Return a grant of a booking; its first letter is the booking."""
    return replace(
        GRANT,
        reference=f"ba-1f2e3d4c-{name}",
        reservation=f"ba-1f2e3d4c-{name[0] * 4}",
        start=start,
        end=end,
        person=Person(phone=phone),
    )


def ours(sim: UnlocSimulator) -> list[Key]:
    """Return the keys that open locks and that nobody else made."""
    return [key for key in sim.live_keys() if key.id != "key-cleaner"]


def times(sim: UnlocSimulator) -> list[tuple[datetime, datetime | None]]:
    """Return from when to when our keys are good."""
    return sorted((key.start, key.end) for key in ours(sim))


def opens(sim: UnlocSimulator, at: datetime, phone: str = PHONE) -> bool:
    """Whether somebody gets into the hall."""
    return sim.opens(HALL, phone, at)


async def listed(system: KeySystem) -> dict[str, Issued]:
    """Return what is live and ours, by reference."""
    return {
        each.reference: each
        for each in await system.list_issued()
        if each.live and each.reference and each.reference.startswith("ba-")
    }


class SecondTime(Fault):
    """Strikes a path when it is asked for the second, or the nth time."""

    def __init__(self, kind: str, path: str, nth: int = 2) -> None:
        """Count from now on."""
        super().__init__(kind, path)
        self.nth = nth

    def applies(self, path: str) -> bool:
        """Whether it is the time."""
        self.nth -= self.path in path
        return self.nth == 0 and self.path in path


class Audit:
    """What the engine does about grants that the vendor no longer lists."""

    def __init__(self, system: KeySystem, *grants: Grant) -> None:
        """Watch over grants."""
        self.system = system
        self.wanted = {grant.reference: grant for grant in grants}

    async def run(self) -> list[str]:
        """Issue what is missing; return what was, less what has to wait."""
        missing = [
            reference
            for reference in self.wanted
            if reference not in await listed(self.system)
        ]
        for reference in missing:
            await self.system.issue(self.wanted[reference])
        return missing
