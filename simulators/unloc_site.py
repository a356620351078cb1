"""What is behind the Unloc simulator: locks, keys and jobs, and what may be posted.

Field rules as in vendors/unloc.md.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import re
from typing import Any, Final
from uuid import uuid4

CLIENT_ID: Final = "booking-access"
CLIENT_SECRET: Final = "u9Qn2d7Vw3Zk5Lx8"
ORGANIZATION: Final = "org-seim"
PROJECT: Final = "project-seim"
LOCK_HOLDER: Final = "holder-seim"
ENTRANCE: Final = "lock-entrance"
HALL: Final = "lock-hall"
STORE: Final = "lock-store"
REPEATED: Final = "lock-entrance-again"

LIVE: Final = {"creating", "scheduled", "active", "inactive"}
PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.ASCII
)
WEEKDAYS: Final = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
MAX_VALUE: Final = 256

type Json = dict[str, Any]


class Refused(Exception):
    """The vendor's 400: which parameter is wrong, and why."""

    def __init__(self, name: str, reason: str) -> None:
        """Remember both."""
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(slots=True)
class Key:
    """One person's key for one lock; ``posted`` is what it was made of."""

    lock: str
    person: str
    start: datetime
    end: datetime | None
    posted: Json
    id: str = field(default_factory=lambda: f"key-{uuid4()}")
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    revoked: bool = False
    broken: bool = False
    shown_state: str | None = None  # instead of the one that follows from the times
    begins_shown: bool = True  # whether a start was said

    @property
    def metadata(self) -> Json:
        """What was said of it besides."""
        return dict(self.posted.get("metadata") or {})

    @property
    def state(self) -> str:
        """What has become of it."""
        now = datetime.now(UTC)
        if self.revoked:
            return "revoked"
        if self.broken:
            return "error"
        if self.end and self.end <= now:
            return "expired"
        if self.shown_state:
            return self.shown_state
        return "scheduled" if self.start > now else "active"

    @property
    def live(self) -> bool:
        """Whether it opens its lock, now or later."""
        return self.state not in {"revoked", "expired", "error"}

    def opens(self, at: datetime) -> bool:
        """Whether it opens its lock at an instant."""
        is_time = self.start <= at and (self.end is None or at < self.end)
        return is_time and not (self.revoked or self.broken)


@dataclass(slots=True)
class Job:
    """A job that makes keys; it is looked at ``looks`` times before it ends."""

    status: str
    looks: int
    keys: list[Key]
    id: str = field(default_factory=lambda: f"job-{uuid4()}")
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Token:
    """A token, what it is for, and how long it is good."""

    until: datetime
    project: str | None = None
    holders: frozenset[str] = frozenset()
    value: str = field(default_factory=lambda: f"ey.{uuid4()}")


def check(is_right: object, name: str, reason: str) -> None:
    """Refuse what is not right."""
    if not is_right:
        raise Refused(name, reason)


def is_text(value: object) -> bool:
    """Whether it is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def checked_phone(value: object, name: str) -> str:
    """Return a phone number; it must be in E.164."""
    check(isinstance(value, str), name, "must be of type string")
    check(PHONE.fullmatch(str(value)), name, "must be an E.164 phone number")
    return str(value)


def checked_time(value: object, name: str) -> datetime:
    """Return an instant; null is none, and neither is a time without a zone."""
    check(isinstance(value, str), name, "must be of type string")
    check(TIME.fullmatch(str(value)), name, "must be an ISO 8601 date-time")
    try:
        return datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError as err:
        raise Refused(name, "must be an ISO 8601 date-time") from err


def check_times(start: datetime, end: datetime | None, name: str) -> None:
    """Refuse times that make no sense: long past, over, or the wrong way round."""
    now = datetime.now(UTC)
    check(start >= now - timedelta(hours=1), f"{name}start", "is in the past")
    check(end is None or end > start, f"{name}end", "must be after start")
    check(end is None or end > now, f"{name}end", "is in the past")


def check_metadata(value: object, name: str) -> None:
    """Refuse metadata that are no flat map of short texts."""
    check(isinstance(value, dict), name, "must be of type object")
    assert isinstance(value, dict)
    for key, each in value.items():
        check(isinstance(each, str), f"{name}.{key}", "must be of type string")
        check(len(each) <= MAX_VALUE, f"{name}.{key}", "is too long")


def check_recurrence(value: object, name: str) -> None:
    """Refuse times of the week that make no sense."""
    check(isinstance(value, dict), name, "must be of type object")
    assert isinstance(value, dict)
    spans = value.get("timeSpans", value.get("timespans"))
    check(isinstance(spans, list) and spans, f"{name}.timeSpans", "must not be empty")
    assert isinstance(spans, list)
    days = [span.get("weekday") for span in spans if isinstance(span, dict)]
    check(set(days) <= WEEKDAYS, f"{name}.weekday", "is unknown")
    check(len(days) == len(set(days)) == len(spans), name, "one span for each day")


def wire_time(instant: datetime | None) -> str | None:
    """Return a time as the vendor's answers have it."""
    if instant is None:
        return None
    return f"{instant.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


DEMO_LOCKS: Final[list[Json]] = [
    {"id": ENTRANCE, "name": "Main entrance", "batteryStatus": {"batteryLevel": 81}},
    {"id": HALL, "name": "Sports hall", "batteryStatus": {"batteryLevel": "17"}},
    {"id": STORE, "name": "Store", "vendor": "virtual"},
    {"id": REPEATED, "name": "Main entrance", "duplicateLock": True},
]
LOCK: Final[Json] = {
    "vendor": "danalock",
    "address": {"street": "Skolegata 1", "countryIso": "NO"},
    "auth": {},
    "created": "2024-05-01T08:00:00.000Z",
    "duplicateLock": False,
    "canCreateKeysCount": 1000,
    "keysCreatedCount": 3,
}


def demo_keys() -> list[Key]:
    """Return what others made: a cleaner's key for ever, and one that is over."""
    now = datetime.now(UTC).replace(microsecond=0)
    year = timedelta(days=365)
    cleaner = {"metadata": {"ref": "cleaner-7", "note": "made by hand"}}
    return [
        Key(ENTRANCE, "+4790000001", now - year, None, cleaner, id="key-cleaner"),
        Key(HALL, "+4790000002", now - year, now - year / 2, {}, id="key-old"),
    ]
