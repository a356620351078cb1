"""Codes that nobody guesses."""

from collections.abc import Callable, Collection
from itertools import pairwise
import re
import secrets
from typing import Final

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
    Raises ValueError if none is found.
    """
    for _ in range(10_000):
        pin = str(pick(10**length)).zfill(length)
        if pin not in taken and not is_easy(pin):
            return pin
    raise ValueError("no code is found")


def is_easy(pin: str) -> bool:
    """Whether a code is a sequence, a repetition or a date."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    return (
        len(steps) <= 1
        or len(set(pin)) <= 2
        or pin in (pin + pin)[1:-1]  # the same digits over and over
        or bool(_DATES.fullmatch(pin[:4]) and len(pin) in (4, 6, 8))
        or bool(_DATES.fullmatch(pin[-4:]) and len(pin) in (6, 8))
    )
