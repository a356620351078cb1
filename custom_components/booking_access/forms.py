"""How a system declares the fields of its form, free of Home Assistant."""

from collections.abc import Callable
from dataclasses import dataclass
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
    autocomplete: str | None = None
    # Returns the part of a value that makes no sense; None if all of it does.
    check: Callable[[Any], str | None] | None = None
    # Reads what was filled in; raises BadValue that says what is wrong with it.
    reader: Callable[[str], object] | None = None

    @property
    def secret(self) -> bool:
        """Whether its value must never be shown again."""
        return self.kind is FieldKind.PASSWORD
