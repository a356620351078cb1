"""Times that access systems follow by themselves: what is wanted, what is to be sent."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain

from .ledger import ScheduleRow, waits
from .models import Booking, Effect, Room
from .plan import Plan
from .reconcile import Todo
from .windows import NO_TIMING, Window, refusal, union, window

type Periods = tuple[Window, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomTimes:
    """The access windows of a room's bookings, those that are over included."""

    room: Room
    bookings: tuple[Booking, ...]
    windows: Periods

    def holds(self, room: Room, bookings: tuple[Booking, ...]) -> bool:
        """Whether they still are those of the room."""
        return self.bookings is bookings and (self.room is room or self.room == room)


@dataclass(frozen=True, kw_only=True, slots=True)
class Schedules:
    """What all rooms together want of each point that follows times (rule 7).

    It is true of the bookings, whatever time it is: the passing of time alone
    changes nothing here. Points that a room has and no booking wants are there too.
    """

    plan: Plan = field(default_factory=Plan)
    rooms: Mapping[str, RoomTimes] = field(default_factory=dict)
    points: Mapping[str, Periods] = field(default_factory=dict)


def schedules(plan: Plan, before: Schedules) -> Schedules:
    """Unite the access windows at each point; only what changed is worked out anew."""
    if plan is before.plan:
        return before
    rooms: dict[str, RoomTimes] = {}
    changed: list[Room] = []
    for room_id, planned in plan.rooms.items():
        if not planned.room.scheduled:
            continue
        kept = before.rooms.get(room_id)
        if kept is None or not kept.holds(planned.room, planned.bookings):
            changed += [planned.room, *([kept.room] if kept else ())]
            kept = _times(planned.room, planned.bookings)
        rooms[room_id] = kept
    changed += [each.room for key, each in before.rooms.items() if key not in rooms]
    touched = {point for room in changed for point in room.scheduled}
    if not touched:
        return replace(before, plan=plan)
    points = {key: each for key, each in before.points.items() if key not in touched}
    return Schedules(plan=plan, rooms=rooms, points=points | _united(rooms, touched))


def _times(room: Room, bookings: tuple[Booking, ...]) -> RoomTimes:
    """Return when the bookings of a room want access."""
    timing = room.timing.get(Effect.ACCESS, NO_TIMING)
    windows = union(
        window(each, timing)
        for each in bookings
        if refusal(each, tentative=room.tentative) is None and not each.closed
    )
    return RoomTimes(room=room, bookings=bookings, windows=windows)


def _united(
    rooms: Mapping[str, RoomTimes], points: Collection[str]
) -> dict[str, Periods]:
    """Return what the rooms want of some points."""
    wanted: defaultdict[str, list[Periods]] = defaultdict(list)
    for each in rooms.values():
        for point in each.room.scheduled:
            if point in points:
                wanted[point].append(each.windows)
    return {
        point: theirs[0] if len(theirs) == 1 else union(chain.from_iterable(theirs))
        for point, theirs in wanted.items()
    }


def reconcile_schedules(
    wanted: Schedules,
    rows: Mapping[str, ScheduleRow],
    now: datetime,
    horizon: timedelta,
    busy: Collection[str],
    unsure: Iterable[str] = (),
) -> Todo[ScheduleRow, ScheduleRow]:
    """Compare what is wanted of points with what they were told.

    Points in ``busy`` are being told right now, or cannot be. What became of the
    bookings of the rooms in ``unsure`` is not known: from the times of their points
    nothing is taken out (rule 12). The steps are the rows to write, and to send then.
    """
    todo = Todo[ScheduleRow, ScheduleRow]()
    doubtful = {
        point
        for room_id in unsure
        if room_id in wanted.rooms
        for point in wanted.rooms[room_id].room.scheduled
    }
    for point in {**wanted.points, **rows}:
        if point in busy:
            continue
        row = rows.get(point)
        windows = wanted.points.get(point, ())
        if row and point in doubtful:
            windows = union((*windows, *row.periods))
        beyond = bisect_left(windows, now + horizon, key=_start)
        if beyond < len(windows):
            todo.look_at(windows[beyond].start - horizon)
        periods = coming(windows[:beyond], now)
        if row or periods:
            _compare(row or ScheduleRow(point=point), periods, todo, now)
        if row and point not in wanted.points and _is_done(row, now):
            todo.drop.append(point)  # nobody wants it any more, and it was told so
    return todo


def _compare(
    row: ScheduleRow,
    periods: Periods,
    todo: Todo[ScheduleRow, ScheduleRow],
    now: datetime,
) -> None:
    """Tell a point its times, unless it knows all of them."""
    if not row.confirmed and waits(row, now):
        todo.look_at(row.retry_at)
    elif not row.confirmed or _is_due(row.periods, periods, now):
        todo.steps.append(replace(row, periods=periods, confirmed=False, retry_at=None))
    elif len(periods) > 1:
        todo.look_at(periods[0].end)


def _is_due(told: Periods, periods: Periods, now: datetime) -> bool:
    """Whether a point must be told its times again.

    Each period that is over may make room for one that was too many until then.
    """
    if periods and told and told[0].end <= now:
        return True
    return _from_now(told, now) != _from_now(periods, now)


def _is_done(row: ScheduleRow, now: datetime) -> bool:
    """Whether a point follows no times of ours any more."""
    return row.confirmed and not coming(row.periods, now)


def coming(periods: Periods, now: datetime) -> Periods:
    """Return those of merged periods that are not over."""
    return periods[bisect_right(periods, now, key=_end) :]


def follows(row: ScheduleRow | None, wanted: Window) -> bool:
    """Whether a point is known to follow a time that is wanted."""
    if row is None or not row.confirmed:
        return False
    return any(p.start <= wanted.start and wanted.end <= p.end for p in row.periods)


def _from_now(periods: Periods, now: datetime) -> Periods:
    """Return what periods mean from now on: how long one has lasted is past."""
    return tuple(
        Window(max(each.start, now), each.end) for each in coming(periods, now)
    )


def _start(period: Window) -> datetime:
    """Return when a period starts."""
    return period.start


def _end(period: Window) -> datetime:
    """Return when a period ends."""
    return period.end
