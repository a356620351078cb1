"""What is behind the exivo simulator: doors, visits, and what may be posted.

Field rules as in vendors/exivo.md, which follows dormakaba's Swagger file.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import re
from typing import Any, Final
from uuid import uuid4

SITE: Final = "6f0b3b52-7c0e-4d43-9d4c-2d1c4f1c7e01"
API_KEY: Final = "0c9ad9a2-55a7-4c1b-8f3b-0f7f5f0c2a11"
API_SECRET: Final = "e2b1a0de-3a3c-4a0f-9f55-6b8f2f6d9c77"
ENTRANCE: Final = "11111111-aaaa-4aaa-8aaa-000000000001"
SEMINAR: Final = "11111111-aaaa-4aaa-8aaa-000000000002"
VAULT: Final = "11111111-aaaa-4aaa-8aaa-000000000003"
WARDROBE: Final = "11111111-aaaa-4aaa-8aaa-000000000004"
STORE: Final = "11111111-aaaa-4aaa-8aaa-000000000005"
GATEWAY: Final = "11111111-aaaa-4aaa-8aaa-000000000009"

MODES: Final = {"normal", "closed", "open", "accessControl"}
FORM_FACTORS: Final = {"ma-phone", "ma-email", "ma-custom"}
TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)
SMS_NUMBER: Final = re.compile(r"(\+|00)(?:[0-9] ?){6,14}[0-9]")
REGISTRATIONS: Final = {
    "ma-phone": re.compile(r"\+[1-9][0-9]{6,14}"),
    "ma-email": re.compile(r"[^@\s]+@[^@\s]+"),
    "ma-custom": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
}

type Json = dict[str, Any]


class Refused(Exception):
    """The vendor's 400 with a message."""


@dataclass(frozen=True, slots=True)
class Unlock:
    """One request to open a door."""

    at: datetime
    user: str | None


@dataclass(slots=True)
class Component:
    """A door or a gateway: what the vendor shows of it, and who asked to open it."""

    shown: Json
    unlocks: list[Unlock] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The vendor's id."""
        return str(self.shown["id"])

    @property
    def mode(self) -> str | None:
        """The operating mode; "open" is held open."""
        mode = self.shown["mode"]
        return None if mode is None else str(mode)

    @property
    def is_gateway(self) -> bool:
        """Whether it is no door at all."""
        return "gateway" in str(self.shown["templateIdentifier"]).casefold()


@dataclass(slots=True)
class Visit:
    """A visit of either kind, with what was posted for it."""

    kind: str
    posted: Json
    start: datetime
    end: datetime
    id: str = field(default_factory=lambda: str(uuid4()))
    revoked: bool = False

    @property
    def name(self) -> str | None:
        """What it is called, where the one who made it said so."""
        return self.posted.get("name")

    @property
    def components(self) -> tuple[str, ...]:
        """The doors that it opens."""
        return tuple(self.posted["components"])

    @property
    def expired(self) -> bool:
        """Whether its time is over."""
        return self.end <= datetime.now(UTC)

    @property
    def live(self) -> bool:
        """Whether it opens doors, or will."""
        return not (self.revoked or self.expired)

    def wire(self) -> Json:
        """Return what the vendor shows of it."""
        shown = self.posted | {
            "id": self.id,
            "validFrom": wire_time(self.start),
            "validTo": wire_time(self.end),
            "expired": self.expired,
            "revoked": self.revoked,
        }
        if self.kind == "visit":
            shown["link"] = f"https://visit.example/{self.id}"
        return shown


def check(is_right: object, what: str) -> None:
    """Refuse what is not right."""
    if not is_right:
        raise Refused(f"invalid: {what}")


def check_link(body: Json) -> None:
    """Refuse what a visit by link cannot be made from.

    The vendor's texts disagree whether it needs somebody to write to; it does.
    """
    code, number, email = body.get("code"), body.get("smsNr"), body.get("email")
    check(_matches(re.compile("[0-9]{4,6}"), code), "code")
    check(number is None or _matches(SMS_NUMBER, number), "smsNr")
    check(email is None or _matches(REGISTRATIONS["ma-email"], email), "email")
    check(number or email, "either email or smsNr is required")


def check_mobile_key(body: Json) -> None:
    """Refuse what a key in a phone cannot be made from."""
    factor, app = body.get("formFactor"), body.get("mobileApp")
    check(isinstance(factor, str) and factor in FORM_FACTORS, "formFactor")
    registration = body.get("publicRegistrationId")
    check(_matches(REGISTRATIONS[str(factor)], registration), "publicRegistrationId")
    check(isinstance(app, dict), "mobileApp")
    assert isinstance(app, dict)
    check(_matches(re.compile("[0-9]+"), app.get("id")), "mobileApp.id")
    check(isinstance(app.get("name", ""), str), "mobileApp.name")
    check(isinstance(body.get("installNotification"), bool), "installNotification")


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    """Whether it is a text of that form, from end to end."""
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def parse_time(body: Json, name: str) -> datetime:
    """Return a posted time: RFC 3339, UTC, with Z."""
    value = body.get(name)
    check(_matches(TIME, value), name)
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as err:
        raise Refused(f"invalid: {name}") from err


def wire_time(instant: datetime) -> str:
    """Return a time as the vendor's answers have it, with a fraction."""
    return f"{instant.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


COMPONENT: Final[Json] = {
    "labelling": None,
    "remarks": "",
    "accessZones": ["22222222-bbbb-4bbb-8bbb-000000000001"],
    "templateIdentifier": "wireless-digital-cylinder",
    "ready": True,
    "open": False,
    "mode": "normal",
}
# With a template, a mode and a form factor that no contract names.
DEMO_COMPONENTS: Final[list[Json]] = [
    {
        "id": ENTRANCE,
        "identifier": "T01",
        "labelling": "Main entrance",
        "templateIdentifier": "electric-lock",
    },
    {"id": SEMINAR, "identifier": "T02", "labelling": "Seminar room"},
    {
        "id": VAULT,
        "identifier": "T03",
        "labelling": "Archive",
        "templateIdentifier": "electric-lock-alarm",
        "mode": "closed",
    },
    {
        "id": WARDROBE,
        "identifier": "Garderobe / WC",
        "templateIdentifier": "sliding-door",
        "mode": "dayNight",
    },
    {
        "id": STORE,
        "identifier": "T05",
        "labelling": "Store",
        "ready": False,
        "open": True,
    },
    {
        "id": GATEWAY,
        "identifier": "GW1",
        "labelling": "Basement",
        "templateIdentifier": "wireless-Gateway",
    },
]


def demo_visits() -> list[Visit]:
    """Return what others made: a courier's key for years, and a link of the past."""
    now = datetime.now(UTC).replace(microsecond=0)
    courier = {
        "name": "Courier",
        "components": [ENTRANCE],
        "formFactor": "ma-wallet",
        "publicRegistrationId": "+41791110000",
        "mobileApp": {"id": "77001", "name": "Courier app"},
        "installNotification": False,
    }
    cleaning = {
        "name": "Cleaning",
        "components": [ENTRANCE, SEMINAR],
        "code": "73914",
        "smsNr": "+41 79 111 00 11",
    }
    year = timedelta(days=365)
    return [
        Visit("digitalKeyVisit", courier, now - year, now + 9 * year),
        Visit("visit", cleaning, now - 2 * year, now - year),
    ]
