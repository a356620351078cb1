"""How a system declares the fields of its form, free of Home Assistant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class FieldKind(StrEnum):
    """What a field holds, and so how it is asked for."""

    TEXT = "text"
    PASSWORD = "password"  # noqa: S105 - a kind of field
    URL = "url"
    BOOLEAN = "boolean"
    TIME = "time"  # of day, "HH:MM:SS"
    ENTITIES = "entities"
    PATTERNS = "patterns"  # texts, as many as one likes
    LIST = "list"  # several, with commas between them
    JSON = "json"  # a text of several lines
    SELECT = "select"  # one of ``choices``
    NUMBER = "number"  # whole
    FOLDER = "folder"  # one that Home Assistant is allowed to write to


class BadValue(Exception):
    """What was filled in cannot be used; ``key`` is the text that says why."""

    def __init__(self, key: str, **placeholders: str) -> None:
        """Remember what to say."""
        super().__init__(key)
        self.key = key
        self.placeholders = placeholders


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One field of an account's form; advanced ones are folded away."""

    name: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = True
    default: Any = None
    advanced: bool = False
    domain: str | None = None  # of the entities, for ENTITIES
    # For SELECT: values with their labels. A value without one is labelled by the
    # texts (``selector``, under the field's name).
    choices: tuple[tuple[str, str | None], ...] = ()
    autocomplete: str | None = None
    # Returns the part of a value that makes no sense; None if all of it does.
    check: Callable[[Any], str | None] | None = None
    # Reads what was filled in; raises BadValue that says what is wrong with it.
    reader: Callable[[str], object] | None = None

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown again."""
        return self.kind is FieldKind.PASSWORD


@dataclass(frozen=True, kw_only=True, slots=True)
class FollowUp:
    """A form that comes after an account's first one, where that does not say all.

    ``step`` is its id. Without fields it asks nothing: ``settled`` is added to the
    settings, and what stands there as None is taken out of them.
    """

    step: str = ""
    fields: tuple[Field, ...] = ()
    settled: Mapping[str, Any] = field(default_factory=dict)
    placeholders: Mapping[str, str] = field(default_factory=dict)
