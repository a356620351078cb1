"""Finds out for how long the event loop was blocked, and by what."""

import asyncio
from asyncio.events import Handle
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
import gc
import inspect
from time import perf_counter
from typing import Any, NamedTuple, Self
from unittest.mock import patch

from .figure import ms

# How often a pulse is due that tells how late everybody else would have been.
PULSE = 0.002
TOLD = 3


class Blocked(NamedTuple):
    """One callback that ran without a break, in seconds; ``gc`` is the part of that."""

    took: float
    gc: float
    name: str

    def told(self) -> str:
        """Return it for people."""
        return f"{ms(self.took)} ms, of which gc {ms(self.gc)} ms: {self.name}"


class Collections:
    """Adds up how long garbage is collected, in seconds."""

    def __init__(self) -> None:
        """Start with none."""
        self.seconds = 0.0
        self._begin = 0.0

    def _note(self, phase: str, _: object) -> None:
        """Note a begin or an end."""
        if phase == "start":
            self._begin = perf_counter()
        else:
            self.seconds += perf_counter() - self._begin

    @classmethod
    @contextmanager
    def timed(cls) -> Iterator[Self]:
        """Collect once, and time what is collected from then on."""
        self = cls()
        gc.collect()
        gc.callbacks.append(self._note)
        try:
            yield self
        finally:
            gc.callbacks.remove(self._note)


class Watch:
    """Times every callback of the event loop, and a pulse between them.

    The pulse sees what no single callback shows: many of them in one turn of the
    loop, and threads that do not let go of the interpreter.
    """

    def __init__(self, collections: Collections) -> None:
        """Start with nothing seen."""
        self.callbacks: list[Blocked] = []
        self.late = 0.0
        self._collections = collections
        self._due = 0.0
        self._pulse: asyncio.TimerHandle | None = None

    @classmethod
    @asynccontextmanager
    async def on(cls) -> AsyncIterator[Self]:
        """Watch for as long as the context lasts, but not what surrounds it."""
        with Collections.timed() as collections:
            self = cls(collections)
            with patch.object(Handle, "_run", self._timed(Handle._run)):
                await asyncio.sleep(0)
                self._schedule()
                try:
                    yield self
                    await asyncio.sleep(0)
                finally:
                    self._stop()

    def _stop(self) -> None:
        """Have no more pulses, and note no more."""
        if self._pulse:
            self._pulse.cancel()
        self._pulse = None

    @property
    def longest(self) -> list[Blocked]:
        """The callbacks that took longest."""
        return sorted(self.callbacks, reverse=True)[:TOLD]

    @property
    def longest_time(self) -> float:
        """How long the longest callback took."""
        return max((each.took for each in self.callbacks), default=0.0)

    def _timed(self, original: Any) -> Any:
        """Return a way to run a callback that notes how long it takes."""

        def timed(handle: Handle) -> None:
            before, begin = self._collections.seconds, perf_counter()
            callback = getattr(handle, "_callback", None)
            original(handle)
            took = perf_counter() - begin
            if self._pulse and (took > PULSE or took > self.longest_time):
                in_gc = self._collections.seconds - before
                self.callbacks.append(Blocked(took, in_gc, name_of(callback)))

        return timed

    def _schedule(self) -> None:
        """Have the next pulse."""
        self._due = perf_counter() + PULSE
        self._pulse = asyncio.get_running_loop().call_later(PULSE, self._beat)

    def _beat(self) -> None:
        """Note how late this pulse is."""
        self.late = max(self.late, perf_counter() - self._due)
        self._schedule()


def name_of(callback: object) -> str:
    """Return what tells people which callback it is."""
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        coroutine = owner.get_coro()
        name = getattr(coroutine, "__qualname__", repr(coroutine))
        return f"task {owner.get_name()} ({name})"
    job = getattr(callback, "job", None)  # a timer of Home Assistant
    target = getattr(job, "target", callback)
    if inspect.isroutine(target) or inspect.isfunction(target):
        return f"{target.__module__}.{target.__qualname__}"
    return type(target).__qualname__
