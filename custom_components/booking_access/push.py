"""What others bring to us, by HTTP or as a file, free of Home Assistant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hmac import compare_digest
from http import HTTPStatus
import json
from typing import Any, Final

from .engine.models import AccessEvent, Booking, Problem

# The settings of an account that is brought something: where to, and what proves
# that it comes from whom it should.
CONF_WEBHOOK_ID: Final = "webhook_id"
CONF_SECRET: Final = "secret"  # noqa: S105 - the name of a setting
MAX_PUSH: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Push:
    """What was brought: bookings as they are now, those cancelled included.

    ``asks`` says that only the vendor knows what is new, and is to be asked.
    ``answer`` is told to the sender as JSON; never anything personal.
    """

    bookings: tuple[Booking, ...] = ()
    problems: tuple[Problem, ...] = ()
    asks: bool = False
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessPush:
    """What an access system brought: events, and whether to ask it for more."""

    events: tuple[AccessEvent, ...] = ()
    asks: bool = False
    answer: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """All bookings that a file holds: those that are not in it are cancelled.

    Unless it is not ``complete``, because some row does not tell which it is.
    """

    bookings: tuple[Booking, ...]
    problems: tuple[Problem, ...] = ()
    complete: bool = True


class ImportRefused(Exception):
    """A file holds nothing that can be used; names a translation key."""

    def __init__(self, key: str, **placeholders: str) -> None:
        """Remember what to say."""
        super().__init__(key)
        self.key = key
        self.placeholders = placeholders


class PushRefused(Exception):
    """What was brought cannot be used; tells the sender why, in plain English.

    ``shown`` are problems that people here are told of as well, because nobody
    reads the answer.
    """

    def __init__(
        self,
        status: HTTPStatus,
        error: str,
        shown: tuple[Problem, ...] = (),
        **details: Any,
    ) -> None:
        """Remember what to answer."""
        super().__init__(error)
        self.status = status
        self.shown = shown
        self.answer: Mapping[str, Any] = {"error": error, **details}


def check_secret(headers: Mapping[str, str], name: str, secret: str) -> None:
    """Raise PushRefused unless a header holds the secret; takes the same time either way.

    No secret is none that could be held.
    """
    given = headers.get(name, "").encode(errors="surrogateescape")
    if not secret or not compare_digest(given, secret.encode()):
        raise PushRefused(
            HTTPStatus.FORBIDDEN, f"The header {name} does not hold the secret."
        )


def json_of(body: bytes) -> Any:
    """Return a body as JSON; raises PushRefused if it is none."""
    try:
        return json.loads(body)
    except ValueError as err:  # bytes that are no text included
        raise PushRefused(HTTPStatus.BAD_REQUEST, "The body is not JSON.") from err


def refuse_fields(problems: Iterable[Problem]) -> PushRefused:
    """Return why nothing of what was brought could be used, field by field."""
    return PushRefused(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "Nothing of this can be used.",
        problems=told(problems),
    )


def told(problems: Iterable[Problem]) -> list[dict[str, str | None]]:
    """Return problems as a sender is told of them."""
    return [{"item": p.item, "field": p.field, "reason": p.reason} for p in problems]
