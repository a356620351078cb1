"""What is measured, and how it is told."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
import gc
import math
from statistics import median
import sys
from time import perf_counter
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One line of the table; ``value`` is what is held against the target."""

    name: str
    value: float
    unit: str
    target: str
    met: bool
    method: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """How much is measured: all of it, or just enough to see that it works."""

    quick: bool

    def of[NumberT: (int, float)](self, full: NumberT, quick: NumberT) -> NumberT:
        """Return one number or the other."""
        return quick if self.quick else full


def p99(values: Iterable[float]) -> float:
    """Return the value that 99 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def ms(seconds: float) -> float:
    """Return milliseconds, as exact as it makes sense to tell."""
    return round(seconds * 1000, 3)


def times(
    work: Callable[[], object], repeat: int, clock: Callable[[], float] = perf_counter
) -> list[float]:
    """Return how long a piece of work takes each time, with nobody's garbage around."""
    taken = []
    gc.collect()
    for _ in range(repeat):
        begin = clock()
        work()
        taken.append(clock() - begin)
    return taken


@contextmanager
def no_collection() -> Iterator[None]:
    """Collect garbage now, and none for a while.

    How long a collection takes depends on all that is in memory, and when it comes
    on what came before: neither belongs to a piece of work.
    """
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """Return what there is to say of several measurements, in milliseconds."""
    known = list(seconds)
    return {"best_ms": ms(min(known)), "median_ms": ms(median(known))}


def say(text: str) -> None:
    """Tell how far we are."""
    sys.stderr.write(f"bench: {text}\n")
