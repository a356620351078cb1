"""A booking office: takes bookings all day, and remembers what it said when."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
import random
from typing import Any, Final

from simulators.exivo_site import ENTRANCE, SEMINAR, VAULT
from simulators.winkas import WinKasSimulator

from .recorders import now

FRONT: Final = "lock.front_door"
HALL: Final = 1201
GYM: Final = 1202
MEETING: Final = 1203
NAMES: Final = {HALL: "Hall", GYM: "Gym", MEETING: "Meeting room"}
LEADS: Final = {HALL: 0, GYM: 1, MEETING: 0}  # minutes
# What each room holds open; the entrance is common to all.
HELD: Final = {HALL: {FRONT, SEMINAR, ENTRANCE}, GYM: {FRONT, ENTRANCE}, MEETING: set()}
GRANTED: Final = {ENTRANCE, VAULT}  # what people of the meeting room get a code for
NEVER: Final = datetime.max.replace(tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
# What vanishes from a listing counts after this long; some polls may be missed.
VANISHED: Final = timedelta(seconds=80)


@dataclass(frozen=True, kw_only=True)
class Version:
    """What was said of a booking, from ``said`` until ``unsaid``.

    After ``doubtful`` it may count as unsaid already.
    """

    number: int
    resource: int
    start: datetime
    end: datetime
    phone: str
    cancelled: bool = False
    said: datetime = NEVER
    doubtful: datetime = NEVER
    unsaid: datetime = NEVER

    @property
    def opens(self) -> datetime:
        """When its access starts."""
        return self.start - timedelta(minutes=LEADS[self.resource])

    def gives_access(self, instant: datetime) -> bool:
        """Whether people may come in then."""
        return not self.cancelled and self.opens <= instant < self.end

    def wire(self) -> dict[str, Any]:
        """Return it as the simulator's control door takes it."""
        return {
            "id": self.number,
            "resource": self.resource,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "subject": f"Booking {self.number}",
            "owner": {"Id": self.number, "FirstName": "Anna", "Phone": self.phone},
            "extra": {"Status": "Cancelled"} if self.cancelled else {},
        }


class Office:
    """Takes, moves and cancels bookings at random, so that a seed can be repeated."""

    def __init__(self, winkas: WinKasSimulator, dice: random.Random) -> None:
        """Start with three empty rooms."""
        self.versions: list[Version] = []
        self._winkas = winkas
        self._dice = dice
        self._numbers = count(1)
        names = [{"id": id_, "name": name} for id_, name in NAMES.items()]
        winkas.control({"clear": True, "resources": names})

    @property
    def standing(self) -> list[Version]:
        """What is said now, the cancelled bookings included."""
        return [each for each in self.versions if each.unsaid == NEVER]

    @property
    def coming(self) -> list[Version]:
        """The bookings that stand, and are not over."""
        then = now()
        return [e for e in self.standing if not e.cancelled and e.end > then]

    @property
    def today(self) -> list[Version]:
        """Those that somebody waits for."""
        return [each for each in self.coming if each.start < now() + DAY / 2]

    @property
    def later(self) -> list[Version]:
        """Those of other days."""
        return [each for each in self.coming if each.start >= now() + DAY / 2]

    def change_something(self) -> None:
        """Do what the next caller wants."""
        wishes: dict[Callable[[], None], int] = {
            self._book_hall: 3,
            self._book_gym: 1,
            self._leave_gym: 2,
            self._book_meeting: 3,
            self.book_later: 1,
            self._move: 3,
            self._move_later: 2,
            self._stretch: 3,
            self._cancel: 2,
            self._restore: 2,
            self._change_phone: 2,
        }
        [wish] = self._dice.choices(list(wishes), weights=list(wishes.values()))
        wish()

    def book_later(self, days: int | None = None) -> Version:
        """Book the meeting room on another day, of this week if not said otherwise."""
        day = now().replace(hour=9, minute=0, second=0, microsecond=0)
        start = day + (days or self._dice.randint(1, 5)) * DAY
        start += timedelta(minutes=self._dice.randint(0, 300))
        return self._book(MEETING, start, timedelta(minutes=self._dice.randint(10, 90)))

    def book_meeting_soon(self) -> Version:
        """Book the meeting room for today."""
        start = _second() + self._dice.randint(3, 15) * SECOND
        return self._book(MEETING, start, self._dice.randint(5, 20) * SECOND)

    def cancel(self, booking: Version) -> None:
        """Cancel a booking."""
        self._say(replace(booking, cancelled=True))

    def vanish(self, booking: Version) -> None:
        """Leave a booking out of the lists from now on, without a word."""
        self._winkas.control({"remove": [booking.number]})
        then = now()
        self.versions.remove(booking)
        gone = replace(booking, doubtful=then, unsaid=then + VANISHED)
        self.versions.append(gone)

    def close(self) -> datetime:
        """Let nothing of today go on for long; returns when all is over."""
        soon = _second() + 3 * SECOND
        for booking in self.today:
            if booking.resource == GYM or booking.start >= soon:
                self.cancel(booking)
            elif booking.end > soon:
                self._say(replace(booking, end=soon))
        return soon

    def next_edge(self, after: datetime, before: datetime) -> datetime | None:
        """Return the next instant at which access starts or ends."""
        edges = {edge for each in self.today for edge in (each.opens, each.end)}
        return min((e for e in edges if after < e < before), default=None)

    def _book(self, resource: int, start: datetime, length: timedelta) -> Version:
        number = next(self._numbers)
        return self._say(
            Version(
                number=number,
                resource=resource,
                start=start,
                end=start + length,
                phone=self._new_phone(number),
            )
        )

    def _say(self, version: Version) -> Version:
        """Say something else of a booking than before."""
        then = now()
        self._winkas.control({"bookings": [version.wire()]})
        for index, before in enumerate(self.versions):
            if before.number == version.number and before.unsaid == NEVER:
                self.versions[index] = replace(before, doubtful=then, unsaid=then)
        self.versions.append(replace(version, said=then))
        return self.versions[-1]

    def _new_phone(self, number: int) -> str:
        """Return a phone number that nobody had before."""
        return f"+4520{number:03}{self._dice.randint(0, 999):03}"

    def _pick(self, bookings: list[Version]) -> Version | None:
        return self._dice.choice(bookings) if bookings else None

    def _book_hall(self) -> None:
        """For so short a time that the door must often close."""
        start = _second() + self._dice.randint(2, 10) * SECOND
        self._book(HALL, start, self._dice.randint(2, 5) * SECOND)

    def _book_gym(self) -> None:
        """Its lead opens it soon."""
        start = _second() + self._dice.randint(62, 66) * SECOND
        self._book(GYM, start, 10 * SECOND)

    def _leave_gym(self) -> None:
        """Cancel long before it starts."""
        for booking in self.today:
            if booking.resource == GYM:
                self.cancel(booking)

    def _book_meeting(self) -> None:
        self.book_meeting_soon()

    def _move(self) -> None:
        soon = _second() + 2 * SECOND
        if booking := self._pick([e for e in self.today if e.start > soon]):
            by = self._dice.randint(-5, 8) * SECOND
            start = max(booking.start + by, soon)
            length = booking.end - booking.start
            self._say(replace(booking, start=start, end=start + length))

    def _move_later(self) -> None:
        if booking := self._pick(self.later):
            by = self._dice.choice([-30, -10, 10, 30]) * 60 * SECOND
            self._say(replace(booking, start=booking.start + by, end=booking.end + by))

    def _stretch(self) -> None:
        if booking := self._pick(self.today):
            soonest = max(_second(), booking.start) + 2 * SECOND
            end = booking.end + self._dice.randint(-6, 8) * SECOND
            self._say(replace(booking, end=max(end, soonest)))

    def _cancel(self) -> None:
        if booking := self._pick(self.coming):
            self.cancel(booking)

    def _restore(self) -> None:
        """Somebody wants to come after all."""
        soon = now() + 3 * SECOND
        gone = [e for e in self.standing if e.cancelled and e.end > soon]
        if booking := self._pick([e for e in gone if e.resource != GYM]):
            self._say(replace(booking, cancelled=False))

    def _change_phone(self) -> None:
        if booking := self._pick([e for e in self.coming if e.resource == MEETING]):
            phone = self._new_phone(booking.number)
            self._say(replace(booking, phone=phone))


def _second() -> datetime:
    """Return the time to the second, as bookings have it."""
    return now().replace(microsecond=0)
