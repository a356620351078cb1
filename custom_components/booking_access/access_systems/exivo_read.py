"""What exivo's answers say: components and visits, read leniently (see ``exivo``)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from http import HTTPStatus

from ..engine.models import (
    ContractError,
    Credential,
    Issued,
    OutcomeUnknown,
    PointState,
    Rejected,
)
from ..transport import Answer, raise_for_status

type Json = Mapping[str, object]


class Kind(StrEnum):
    """The two sorts of visit; the value is the path to a single one."""

    MOBILE_KEY = "digitalKeyVisit"
    LINK = "visit"

    @property
    def collection(self) -> str:
        """Path to all of them: plural for the mobile keys only."""
        return "digitalKeyVisits" if self is Kind.MOBILE_KEY else "visit"


def wire_time(instant: datetime, plus: timedelta = timedelta()) -> str:
    """Return RFC 3339 in UTC with Z, whole seconds, rounded down."""
    utc = instant.astimezone(UTC) + plus
    return utc.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def expect[T](value: object, shape: type[T], wire_field: str) -> T:
    """Return a part of an answer that has the right shape, else ContractError."""
    if not isinstance(value, shape):
        raise ContractError(wire_field)
    return value


def text_of(value: object) -> str | None:
    """Return a text that says something; else None."""
    return value.strip() or None if isinstance(value, str) else None


def flag_of(value: object) -> bool | None:
    """Return a boolean; else None."""
    return value if isinstance(value, bool) else None


def instant_of(value: object) -> datetime | None:
    """Return a time, with a fraction or without, as UTC; None if it is none."""
    try:
        instant = datetime.fromisoformat(text_of(value) or "")
        return instant.replace(tzinfo=instant.tzinfo or UTC).astimezone(UTC)
    except ValueError, OverflowError:
        return None


def name_of(component: Json) -> str | None:
    """Return what people call a component: "T01 Main entrance"."""
    texts = (text_of(component.get(field)) for field in ("identifier", "labelling"))
    return " ".join(text for text in texts if text) or None


def template_of(component: Json) -> str:
    """Return what sort of component it is, in small letters."""
    return str(component.get("templateIdentifier")).casefold()


def state_of(component: Json) -> PointState:
    """Read a component; mode and open are in only some of the known answers."""
    mode = text_of(component.get("mode"))
    return PointState(
        ready=flag_of(component.get("ready")),
        held_open=None if mode is None else mode == "open",
        door_open=flag_of(component.get("open")),
    )


def is_stricter(component: Json) -> bool:
    """Whether a door lets in fewer people than normally, as only people have it do."""
    is_heard = flag_of(component.get("ready")) is not False
    return is_heard and text_of(component.get("mode")) in ("closed", "accessControl")


def issued_of(kind: str, visit_id: str, visit: Json) -> Issued:
    """Read a visit, leniently: others make visits too, in ways unknown to us."""
    end = instant_of(visit.get("validTo"))
    points = visit.get("components")
    over = True in (visit.get("revoked"), visit.get("expired"))
    return Issued(
        id=f"{kind}:{visit_id}",
        reference=text_of(visit.get("name")),
        points=tuple(map(str, points)) if isinstance(points, list) else (),
        start=instant_of(visit.get("validFrom")),
        end=end,
        live=not over and (end is None or end > datetime.now(UTC)),
        credential=Credential(
            code=text_of(visit.get("code")), link=text_of(visit.get("link"))
        ),
    )


def refused(answer: Answer) -> bool:
    """Whether the vendor says no. Unknown ids are a 400, and a 404 for GET."""
    return answer.status in (HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND)


def raise_unless_done(answer: Answer) -> None:
    """Raise what a writing request's answer means; a portal's page is no success."""
    if refused(answer):
        raise Rejected("refused")
    raise_for_status(answer, writes=True)
    if answer.body.lstrip().startswith(b"<"):
        raise OutcomeUnknown("a page instead of an answer")
