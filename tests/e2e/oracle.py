"""Tells from what the office said, and when, whether the doors did right.

Knows nothing of the engine: only bookings, what WinKAS told when, power cuts,
and what the doors and exivo were told.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from simulators.exivo_site import ENTRANCE, SEMINAR, Visit

from .office import FRONT, GRANTED, HELD, MEETING, NEVER, Version
from .recorders import Command, Handled

SECOND: Final = timedelta(seconds=1)
TICK: Final = SECOND / 10
# What WinKAS told is acted on after this long at the latest.
DIGESTED: Final = SECOND
# What was told is on the disk after this long, and outlives a power cut.
STORED: Final = SECOND
# A command that was sent at the last moment arrives this much later.
UNDER_WAY: Final = SECOND / 2
# What was under way before a power cut is resumed this long after the start.
RESUMED: Final = 5 * SECOND
# How late a door may be while Home Assistant runs. At exivo's doors a command
# may get lost, twice in a row, and is repeated after a pause.
PATIENCE: Final = {FRONT: 3 * SECOND, SEMINAR: 20 * SECOND, ENTRANCE: 20 * SECOND}


@dataclass(kw_only=True)
class Run:
    """Home Assistant from its start to its end."""

    started: datetime
    ready: datetime = NEVER
    ended: datetime = NEVER


@dataclass(kw_only=True)
class Oracle:
    """Judges a day."""

    versions: list[Version]
    told: list[datetime]
    commands: list[Command]
    handled: list[Handled]
    runs: list[Run] = field(default_factory=list)

    def judge(self, begun: datetime, ended: datetime) -> list[str]:
        """Return all that was wrong between two instants."""
        complaints = [
            *(self._wrong_command(each) for each in self.commands if each.at >= begun),
            *(self._wrong_visit(each) for each in self.handled if each.at >= begun),
            *self._doubled(),
        ]
        for door in PATIENCE:
            complaints += self._late(door, begun, ended)
        return [each for each in complaints if each]

    def disorder(self, now: datetime, visits: Iterable[Visit]) -> list[str]:
        """Return what is not as it must be once all is quiet."""
        standing = [each for each in self.versions if each.unsaid == NEVER]
        wrong = []
        for door in PATIENCE:
            wanted = any(
                _holds(each, door) and each.gives_access(now) for each in standing
            )
            if self._is_open(door, now) != wanted:
                wrong.append(f"{door} is not {'open' if wanted else 'closed'}")
        wanted_visits = sorted(
            _visit_of(each)
            for each in standing
            if each.resource == MEETING and not each.cancelled
            if now < each.end < now + 7 * timedelta(days=1)
        )
        found = sorted(_shown(visit) for visit in visits)
        wrong += [f"missing {each}" for each in wanted_visits if each not in found]
        wrong += [f"left over {each}" for each in found if each not in wanted_visits]
        wrong += [f"doubled {each}" for each in set(found) if found.count(each) > 1]
        codes = [visit.posted["code"] for visit in visits]
        if len(set(codes)) != len(codes):
            wrong.append(f"codes are not unique: {codes}")
        return wrong

    def knew(self, instant: datetime) -> datetime:
        """Return from when Home Assistant's bookings surely are, at the latest."""
        cuts = [run.ended for run in self.runs if run.ended <= instant]
        latest = bisect_right(self.told, instant - DIGESTED)
        for told in reversed(self.told[:latest]):
            if all(cut < told or cut - told >= STORED for cut in cuts):
                return told
        return self.told[0]

    def _decided(self, instant: datetime) -> datetime:
        """Return when it was decided, at the earliest, what happens at an instant.

        What was decided before a power cut is carried out after it.
        """
        starts = any(
            r.started <= instant < r.ended
            for r in self.runs
            if instant - RESUMED < r.ready
        )
        cuts = [r.ended for r in self.runs if r.ready < r.ended <= instant]
        return max(cuts, default=instant) if starts else instant

    def _may_believe(self, instant: datetime) -> Iterator[Version]:
        """Return what Home Assistant may take for true."""
        knew = self.knew(instant)
        return (e for e in self.versions if e.said <= instant and knew <= e.unsaid)

    def _must_believe(self, instant: datetime) -> Iterator[Version]:
        """Return what Home Assistant must take for true, and is true."""
        knew = self.knew(instant)
        return (e for e in self.versions if e.said <= knew and instant < e.doubtful)

    def _wrong_command(self, command: Command) -> str | None:
        """Say whether a door was opened or closed without a reason."""
        told = f"{command.door} was told at {command.at}"
        if command.opens:
            inside = (command.at, command.at - UNDER_WAY)
            for version in self._may_believe(command.at):
                if _holds(version, command.door):
                    if any(version.gives_access(instant) for instant in inside):
                        return None
            return f"{told} to open outside of all windows"
        for version in self._must_believe(command.at):
            if _holds(version, command.door) and version.gives_access(command.at):
                return f"{told} to close during {version}"
        return None

    def _wrong_visit(self, handled: Handled) -> str | None:
        """Say whether a visit was made or revoked without a reason."""
        shown = _shown(handled.visit)
        if handled.revoked:
            knew = self.knew(self._decided(handled.at))
            for version in self._must_believe(handled.at):
                if version.said <= knew and _is_for(shown, version):
                    if version.end > handled.at:
                        return f"revoked at {handled.at} without a reason: {shown}"
        elif not any(_is_for(shown, e) for e in self._may_believe(handled.at)):
            return f"made at {handled.at} without a reason: {shown}"
        return None

    def _doubled(self) -> Iterator[str]:
        """Say which visits were made while there were equal ones."""
        live: dict[str, tuple[str, ...]] = {}
        for each in sorted(self.handled, key=lambda each: each.done):
            shown = _shown(each.visit)
            if each.revoked:
                live.pop(each.visit.id, None)
            elif shown in live.values():
                yield f"doubled at {each.at}: {shown}"
            if not each.revoked:
                live[each.visit.id] = shown

    def _late(self, door: str, begun: datetime, ended: datetime) -> Iterator[str]:
        """Say when a door was not as it had to be for too long."""
        wanted = unwanted = timedelta()
        complained = False
        instant = begun
        while instant < ended:
            runs = any(r.ready <= instant < r.ended for r in self.runs)
            must = runs and self._believes(self._must_believe(instant), door, instant)
            may = not runs or self._believes(self._may_believe(instant), door, instant)
            wanted = wanted + TICK if must else timedelta()
            unwanted = timedelta() if may else unwanted + TICK
            is_open = self._is_open(door, instant)
            wrong = max(
                timedelta() if is_open else wanted, unwanted if is_open else timedelta()
            )
            if wrong > PATIENCE[door] and not complained:
                yield f"{door} is still {'open' if is_open else 'closed'} at {instant}"
            complained = wrong > PATIENCE[door]
            instant += TICK

    def _believes(
        self, versions: Iterable[Version], door: str, instant: datetime
    ) -> bool:
        return any(_holds(e, door) and e.gives_access(instant) for e in versions)

    def _is_open(self, door: str, instant: datetime) -> bool:
        """Whether a door was held open at an instant."""
        done = [e for e in self.commands if e.door == door and e.done <= instant]
        return bool(done) and max(done, key=lambda each: each.done).opens


def _holds(version: Version, door: str) -> bool:
    """Whether a booking is one of a room that holds the door open."""
    return door in HELD[version.resource]


def _visit_of(version: Version) -> tuple[str, ...]:
    """Return what the visit of a booking must be like."""
    times = (version.opens.isoformat(), version.end.isoformat())
    return (version.phone, *times, *sorted(GRANTED))


def _shown(visit: Visit) -> tuple[str, ...]:
    """Return what a visit is like."""
    times = (visit.start.isoformat(), visit.end.isoformat())
    return (visit.posted["smsNr"], *times, *sorted(visit.components))


def _is_for(shown: tuple[str, ...], version: Version) -> bool:
    """Whether a visit is what a booking calls for."""
    calls = version.resource == MEETING and not version.cancelled
    return calls and shown == _visit_of(version)
