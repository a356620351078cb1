"""What a poll of an iCalendar feed costs, changed and unchanged."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import gc
from time import perf_counter, process_time

from aiohttp import ClientSession
from ical.calendar_stream import IcsCalendarStream

from custom_components.booking_access.booking_systems.icalendar import ICalendar
from custom_components.booking_access.engine.models import Snapshot

from .figure import Figure, Size, ms, spread
from .home import run
from .source import Vendor

EVENTS = 2000
# So many of them recur every week.
RECURRING = 50
HORIZON = timedelta(days=14)


def _lines(number: int, first: datetime) -> Iterator[str]:
    """Yield an event as booking systems write them."""
    start = first + timedelta(minutes=37 * number)
    times = (f"{start:%Y%m%dT%H%M%S}", f"{start + timedelta(hours=1):%Y%m%dT%H%M%S}")
    yield "BEGIN:VEVENT"
    yield f"UID:booking-{number}@example.com"
    yield f"DTSTAMP:{first:%Y%m%dT%H%M%SZ}"
    yield f"DTSTART;TZID=Europe/Copenhagen:{times[0]}"
    yield f"DTEND;TZID=Europe/Copenhagen:{times[1]}"
    yield f"SUMMARY:Badminton\\, motionister {number}"
    yield "DESCRIPTION:Husk indendørs sko.\\nNøgle udleveres ikke.\\nTlf. 20 12 34 56"
    yield "LOCATION:Nordby Hallen\\, Hallevej 2"
    yield "STATUS:CONFIRMED"
    yield "TRANSP:OPAQUE"
    yield f'ORGANIZER;CN="Anna Holm {number}":mailto:member{number}@example.com'
    if number % (EVENTS // RECURRING) == 0:
        yield "RRULE:FREQ=WEEKLY;COUNT=20"
    yield "END:VEVENT"


def body(events: int, version: int) -> str:
    """Return a feed; each version of it differs in one event."""
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=7)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Example//Rooms 1.0//EN"]
    for number in range(events):
        lines += _lines(number, first)
    lines += ["BEGIN:VEVENT", f"UID:version-{version}@example.com"]
    lines += [f"DTSTAMP:{first:%Y%m%dT%H%M%SZ}", f"DTSTART:{first:%Y%m%dT%H%M%SZ}"]
    lines += [f"SUMMARY:Version {version}", "DURATION:PT1H", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


@dataclass(frozen=True, slots=True)
class Cost:
    """Time on the clock and of our processor, in seconds."""

    wall: float
    cpu: float


async def _cost(work: Callable[[], Awaitable[object]]) -> Cost:
    """Return what a piece of work costs us."""
    gc.collect()
    wall, cpu = perf_counter(), process_time()
    await work()
    return Cost(perf_counter() - wall, process_time() - cpu)


async def _measure(size: Size) -> dict[str, list[Cost]]:
    """Take turns, so that what disturbs one disturbs all."""
    taken: dict[str, list[Cost]] = defaultdict(list)
    async with Vendor.running("icalendar") as vendor, ClientSession() as session:
        client = ICalendar(session, {"url": f"{vendor.url}/calendar.ics"})
        [resource] = await client.list_resources()
        for version in range(size.of(8, 2)):
            raw = body(size.of(EVENTS, 100), version)

            async def alone() -> None:
                IcsCalendarStream.calendar_from_ics(raw)  # noqa: B023

            async def poll() -> Snapshot | None:
                now = datetime.now(UTC)
                return await client.list_bookings([resource.id], now, now + HORIZON)

            taken["alone"].append(await _cost(alone))
            await vendor.control({"raw": raw, "validators": True})
            taken["changed"].append(await _cost(poll))
            taken["not_modified"].append(await _cost(poll))
            await vendor.control({"validators": False})
            assert await poll() is None
            taken["same_body"].append(await _cost(poll))
    return taken


def measure(size: Size) -> list[Figure]:
    """Measure a feed of 2,000 events."""
    taken = run(_measure(size))
    wall = {name: min(each.wall for each in costs) for name, costs in taken.items()}
    cpu = {name: min(each.cpu for each in costs) for name, costs in taken.items()}
    changed = wall["changed"] / wall["alone"]
    unchanged = {
        name: round(100 * cpu[name] / cpu["changed"], 3)
        for name in ("not_modified", "same_body")
    }
    worst = max(unchanged.values())
    return [
        Figure(
            name="icalendar_changed_feed",
            value=round(changed, 3),
            unit="x parsing it with ical alone",
            target="< 1.3",
            met=changed < 1.3,
            method=(
                f"list_bookings of a feed in which one of {size.of(EVENTS, 100)} events"
                " changed, from the request on, best of its turns against the best of"
                " calendar_from_ics"
            ),
            details={
                name: spread(each.wall for each in costs)
                for name, costs in taken.items()
            },
        ),
        Figure(
            name="icalendar_unchanged_feed",
            value=worst,
            unit="% of a changed feed",
            target="< 1",
            met=worst < 1,
            method=(
                "processor time of the worse of a 304 and a 200 with the same body,"
                " best of its turns against the best of the changed one's"
            ),
            details={**unchanged, "cpu_ms": {k: ms(v) for k, v in cpu.items()}},
        ),
    ]
