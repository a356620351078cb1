"""Codes that nobody guesses."""

from collections.abc import Callable, Collection
import re
import secrets
from typing import Final

_SEQUENCES: Final = ("01234567890", "09876543210")
# Day and month, month and day, or a year: what people try first.
_DATES: Final = re.compile(
    r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])|(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])|(19|20)\d\d"
)


def make_pin(
    length: int,
    taken: Collection[str] = (),
    pick: Callable[[int], int] = secrets.randbelow,
) -> str:
    """Return a random code of so many digits that is not taken and not easy.

    ``pick`` returns a random number below its argument; for tests.
    Raises ValueError if no code is left.
    """
    for _ in range(10_000):
        pin = str(pick(10**length)).zfill(length)
        if pin not in taken and not is_easy(pin):
            return pin
    raise ValueError("no code is left")


def is_easy(pin: str) -> bool:
    """Whether a code is a sequence, a repetition or a date."""
    half = len(pin) // 2
    return (
        len(set(pin)) <= 2
        or any(pin in sequence for sequence in _SEQUENCES)
        or pin[:half] * 2 == pin
        or bool(_DATES.fullmatch(pin[:4]) and len(pin) in (4, 6, 8))
        or bool(_DATES.fullmatch(pin[-4:]) and len(pin) in (6, 8))
    )
