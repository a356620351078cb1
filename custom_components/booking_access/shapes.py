"""What a vendor answered, by its shape: names of fields and kinds of values, never a value."""

from collections import deque
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
import json
import re
from typing import Any, Final

from .engine.models import ContractError

KEPT: Final = 20  # answers of an account
DEEPEST: Final = 6
WIDEST: Final = 40
# Whatever else stands as a name in JSON may be a person, or the id of one.
FIELD: Final = re.compile(r"[A-Za-z_$][A-Za-z_$.-]{0,39}\d{0,2}")
TAG: Final = re.compile(rb"<(?:\?[^>]*>\s*<)?(!DOCTYPE html|[A-Za-z][\w:.-]{0,40})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One answer; ``at`` is in UTC, ``shape`` only of one that was not understood."""

    at: datetime
    method: str
    status: int
    content_type: str
    length: int
    shape: Any = None


@dataclass(slots=True)
class Answers:
    """The last answers of an account."""

    heard: deque[Heard] = field(default_factory=lambda: deque(maxlen=KEPT))
    _body: bytes = field(default=b"", repr=False)

    def note(self, method: str, status: int, content_type: str, body: bytes) -> None:
        """Remember an answer that has just come."""
        self._body = body
        self.heard.append(
            Heard(
                at=datetime.now(UTC),
                method=method,
                status=status,
                content_type=content_type,
                length=len(body),
            )
        )

    def settle(self, error: Exception | None) -> None:
        """Keep the shape of the last answer if it was not understood, and no more."""
        if isinstance(error, ContractError) and self.heard:
            last = self.heard.pop()
            described = asdict(last) | {"shape": shape_of(self._body)}
            self.heard.append(Heard(**described))
        self._body = b""


# Where answers are noted for whoever asks just now; nobody wants to know without it.
ANSWERS: ContextVar[Answers | None] = ContextVar("answers", default=None)


def shape_of(body: bytes) -> Any:
    """Return the shape of a body: JSON's in full, else what kind of text it is."""
    try:
        return _shape(json.loads(body))
    except ValueError, RecursionError:
        pass
    if tag := TAG.match(body.lstrip()[:500]):
        return f"<{tag[1].decode()}>"
    return "calendar" if body.lstrip().startswith(b"BEGIN:") else "text"


def _shape(value: object, depth: int = 0) -> Any:
    """Return the shape of a value of JSON."""
    match value:
        case dict() if depth < DEEPEST:
            named = {
                key: _shape(each, depth + 1)
                for key, each in list(value.items())[:WIDEST]
                if FIELD.fullmatch(key)
            }
            others = len(value) - len(named)
            return {**named, "…": others} if others else named
        case list() if depth < DEEPEST:
            shapes = [_shape(each, depth + 1) for each in value[:WIDEST]]
            different = [s for i, s in enumerate(shapes) if s not in shapes[:i]]
            return {"length": len(value), "of": different}
        case dict() | list():
            return "…"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case None:
            return "null"
    return "text"
