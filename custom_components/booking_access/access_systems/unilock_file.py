"""Handing files to UniLock's import: documented behaviour, all but the format.

When a file exists UniLock moves it and does what it says [C]. So one is written under
another name, and given its own when it is whole; never while there is one that was not
taken yet: until then, what is asked for is put together. Each file says all of each
person and exception in it, so that telling it twice does no harm. A file that is gone
was accepted, which does not mean that it was understood [C].
"""

import asyncio
from codecs import lookup
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
import os
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from ..engine.models import ConnectionFailed, OutcomeUnknown, Rejected, UnderWay
from ..forms import BadValue
from .unilock_template import SAMPLE, NotMadeError, Template
from .unilock_told import Change

# UniLock is given so long to take a file while somebody waits for it, in seconds.
LOOKS: Final = 3
LOOK_EVERY: Final = 1.0
ASK_AGAIN: Final = timedelta(seconds=15)
# How long it is remembered that something was accepted, for those who come to ask.
REMEMBERED: Final = timedelta(hours=1)


def read_folder(folder: str) -> Path:
    """Return a folder; BadValue if it is no whole path."""
    path = Path(folder)
    if not path.is_absolute():
        raise BadValue("folder_not_whole")
    return path


def read_file_name(name: str) -> str:
    """Return the name of a file; BadValue if it leads elsewhere."""
    if name != Path(name).name or name.startswith(".") or "\0" in name:
        raise BadValue("file_name_wrong")
    return name


def read_encoding(encoding: str) -> str:
    """Return the name of an encoding; BadValue if nobody knows it."""
    try:
        lookup(encoding).name.encode(encoding)
    except LookupError, UnicodeError:
        raise BadValue("encoding_unknown") from None
    return encoding


class ImportFolder:
    """One folder that UniLock takes files from; ``tell`` may be called side by side."""

    can_list = False  # nothing can be read from a folder

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Take the settings as the form has them."""
        self.path = read_folder(settings["folder"]) / settings["file_name"]
        self.template = Template(settings["template"])
        self._pattern: str = settings["time_format"]
        self._encoding: str = settings["encoding"]
        self._stuck_after = timedelta(minutes=int(settings["stuck_after"]))
        self.zone = ZoneInfo(settings["time_zone"])
        self._lock = asyncio.Lock()
        self._job: asyncio.Task[None] | None = None
        self._pending: dict[str, Change] = {}
        self._writing: dict[str, Change] = {}
        self._written: dict[str, Change] = {}  # stands in the file in the folder
        self._accepted: dict[str, tuple[Change, datetime]] = {}
        self._since: datetime | None = None  # there is a file
        self._device: int | None = None  # of the folder, when that file was written

    @property
    def stuck_since(self) -> datetime | None:
        """Since when a file has not been taken, if that is longer than it should be."""
        now = datetime.now(UTC)
        if self._since and now - self._since >= self._stuck_after:
            return self._since
        return None

    @property
    def stuck(self) -> frozenset[str]:
        """What is not known to UniLock because a file is stuck."""
        return frozenset((*self._written, *self._pending) if self.stuck_since else ())

    async def test(self) -> None:
        """Raise Rejected with what people can see to if no file could be handed over."""
        await self._run(self._try_folder())
        try:
            self.template.render(SAMPLE, self._pattern, self._encoding)
        except NotMadeError:
            raise Rejected("template_encoding") from None

    async def look(self) -> None:
        """See whether the file was taken, and write what waits if there is none.

        Raises ConnectionFailed if the folder cannot be reached or written.
        """
        async with self._lock:
            await self._run(self._look())

    async def tell(self, change: Change) -> None:
        """Have something told; return when the file with it was taken.

        Raises UnderWay as long as it was not, and OutcomeUnknown if that takes too
        long: then to be called again with the same. After a restart as well: nothing
        of it is kept but in the file.
        """
        if self._claim(change):
            return
        if self._written.get(change.key) != change or change.key in self._pending:
            self._pending[change.key] = change
        for _ in range(LOOKS):
            await asyncio.sleep(LOOK_EVERY)  # what else is asked now goes along
            await self._look_for(change)
            if self._claim(change):
                return
        if self.stuck_since:
            raise OutcomeUnknown("file_not_taken")
        raise UnderWay(ASK_AGAIN)

    def _claim(self, change: Change) -> bool:
        """Whether it stood in a file that was taken, and nothing is newer; told once."""
        key = change.key
        if key in self._pending or key in self._written or key not in self._accepted:
            return False
        if self._accepted[key][0] != change:
            return False
        del self._accepted[key]
        return True

    async def _look_for(self, change: Change) -> None:
        """Look; ConnectionFailed only if the change is in no file, nor ever will be."""
        try:
            await self.look()
        except ConnectionFailed:
            for batch in (self._writing, self._written):
                if batch.get(change.key) == change:
                    raise OutcomeUnknown("folder") from None
            if self._pending.get(change.key) == change:
                del self._pending[change.key]
            raise

    async def _run(self, job: Coroutine[Any, Any, None]) -> None:
        """Do something that touches the folder, to its end whoever stops waiting.

        A share that hangs must not take one thread after another.
        """
        if self._job and not self._job.done():
            job.close()
            raise ConnectionFailed("the folder does not answer")
        self._job = asyncio.create_task(job)
        self._job.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._job)

    async def _try_folder(self) -> None:
        """Write a file and delete it again."""
        try:
            await asyncio.to_thread(_try_folder, self.path)
        except OSError as err:
            is_missing = isinstance(err, FileNotFoundError | NotADirectoryError)
            key = "folder_missing" if is_missing else "folder_not_writable"
            raise Rejected(key) from None

    async def _look(self) -> None:
        """Look at the folder, note what was taken, and write what waits."""
        try:
            device, since = await asyncio.to_thread(_look, self.path)
        except OSError as err:
            raise ConnectionFailed(f"folder: {type(err).__name__}") from None
        if self._written and self._device not in (None, device):
            # Nothing is mounted there any more: no file is not a file that was taken.
            raise ConnectionFailed("the folder is another one")
        now = datetime.now(UTC)
        if since is None:
            self._note_taken(now)
            if self._pending:
                await self._write(now)
        elif self._since is None:  # from before a restart
            self._since = min(since, now)

    def _note_taken(self, now: datetime) -> None:
        """Remember what was accepted, for those who come to ask."""
        known = {
            key: (change, at)
            for key, (change, at) in self._accepted.items()
            if now - at < REMEMBERED
        }
        taken = {key: (change, now) for key, change in self._written.items()}
        self._accepted = {**known, **taken}
        self._written, self._since = {}, None

    async def _write(self, now: datetime) -> None:
        """Put all that waits into a file."""
        batch = self._writing = dict(self._pending)
        told = list(batch.values())
        try:
            self._device = await asyncio.to_thread(self._hand_over, told)
        except OSError as err:
            raise ConnectionFailed(f"folder: {type(err).__name__}") from None
        except NotMadeError:
            raise ConnectionFailed("the template makes no file") from None
        finally:
            self._writing = {}
        self._written, self._since = batch, now
        for key, change in batch.items():
            if self._pending.get(key) == change:  # not asked otherwise meanwhile
                del self._pending[key]

    def _hand_over(self, told: Sequence[Change]) -> int:
        """Make and write the file; returns the device that it is on."""
        content = self.template.render(told, self._pattern, self._encoding)
        return write(self.path, content)


def temporary(path: Path) -> Path:
    """Return what a file is called until it is whole; UniLock does not look for it."""
    return path.with_name(f".{path.name}.part")


def _try_folder(path: Path) -> None:
    """Write next to the file, and delete it; also what a crash has left behind."""
    part = temporary(path)
    part.write_bytes(b"")
    part.unlink()


def _look(path: Path) -> tuple[int, datetime | None]:
    """Return the device of the folder, and since when there is a file; None for none.

    Raises OSError: whoever cannot look knows nothing.
    """
    device = path.parent.stat().st_dev
    try:
        return device, datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        path.parent.stat()
        return device, None


def write(path: Path, content: bytes) -> int:
    """Write a file so that it is there whole or not at all, and survives a power cut.

    Never over another one: raises FileExistsError. Returns the device that it is on.
    """
    part = temporary(path)
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        if path.exists():
            raise FileExistsError(path.name)
        part.rename(path)
    except OSError:
        with suppress(OSError):
            part.unlink(missing_ok=True)  # it holds names and codes
        raise
    device = path.parent.stat().st_dev
    _sync_folder(path.parent)
    return device


def _sync_folder(folder: Path) -> None:
    """Have the folder itself written; not every file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
