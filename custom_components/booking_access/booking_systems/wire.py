"""Reading JSON that somebody else wrote: what is not as it should be is named, not told."""

from collections.abc import Mapping

from ..engine.models import ContractError

type Json = Mapping[str, object]


def checked[T](value: object, wire_field: str, kind: type[T]) -> T:
    """Return the value if it is of the kind; no boolean is a number.

    Raises ContractError with the name of the field.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ContractError(wire_field)
    return value


def optional[T](record: Json, wire_field: str, kind: type[T]) -> T:
    """Return a field of the kind, an empty one where it is null or missing."""
    value = record.get(wire_field)
    return kind() if value is None else checked(value, wire_field, kind)


def text_of(record: Json, wire_field: str) -> str | None:
    """Return a text or number as text; None where it is null, missing or blank."""
    value = record.get(wire_field)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is None:
        return None
    return checked(value, wire_field, str).strip() or None
