"""The ledger on the disk: nothing noted is lost, and many notes are one write."""

import asyncio
from collections.abc import Callable, Iterator
import json
from pathlib import Path
import stat
import threading
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.booking_access.engine.ledger import Phase, Switched
from custom_components.booking_access.store import LEDGER_DELAY, LedgerStore
from homeassistant.core import HomeAssistant
from homeassistant.helpers import json as json_helper
from homeassistant.helpers.storage import Store

# The real ones, which the fixture ``hass`` puts something else in the place of.
LOAD = Store._async_load
WRITE = Store._async_write_data


class Disk:
    """A disk that waits for its turn, and counts."""

    def __init__(self) -> None:
        """Be quick."""
        self.free = threading.Event()
        self.free.set()
        self.writes = 0
        self.path: Path | None = None

    def write(self, original: Callable[..., None], store: Store, *args: Any) -> None:
        """Write when the disk is free."""
        assert self.free.wait(10)
        self.writes += 1
        self.path = Path(store.path)
        original(store, *args)

    @property
    def targets(self) -> set[str]:
        """What the ledger on the disk knows of."""
        assert self.path
        data = json.loads(self.path.read_text())["data"]
        return {row["target"] for row in data["switched"]}


@pytest.fixture
def disk(hass: HomeAssistant, tmp_path: Path) -> Iterator[Disk]:
    """A real disk."""
    hass.config.config_dir = str(tmp_path)
    disk, original = Disk(), Store._write_prepared_data

    def written(store: Store, *args: Any) -> None:
        disk.write(original, store, *args)

    with (
        patch.object(Store, "_async_load", LOAD),
        patch.object(Store, "_async_write_data", WRITE),
        patch.object(Store, "_write_prepared_data", written),
    ):
        yield disk


def note(store: LedgerStore, *targets: str) -> None:
    """Note that doors are open."""
    for each in targets:
        store.ledger.switched[each] = Switched(target=each, phase=Phase.ON)


async def read_again(hass: HomeAssistant) -> set[str]:
    """Return what another start would know of."""
    return set((await LedgerStore(hass).async_load()).switched)


async def test_rule_08_what_is_noted_is_on_the_disk_when_saving_returns(
    hass: HomeAssistant, disk: Disk
) -> None:
    store = LedgerStore(hass)
    note(store, "door/a")
    await store.async_save()
    assert disk.targets == {"door/a"}
    assert await read_again(hass) == {"door/a"}


async def test_rule_08_many_who_save_at_the_same_time_share_a_write(
    hass: HomeAssistant, disk: Disk
) -> None:
    store = LedgerStore(hass)

    async def act(name: str) -> None:
        note(store, name)
        await store.async_save()
        assert name in disk.targets

    doors = {f"door/{number}" for number in range(200)}
    await asyncio.gather(*(act(each) for each in doors))
    assert disk.writes == 1
    assert disk.targets == doors


async def test_rule_08_who_saves_while_it_is_written_waits_for_the_next_write(
    hass: HomeAssistant, disk: Disk
) -> None:
    """What was noted too late for a write is not taken as written by it."""
    store = LedgerStore(hass)
    disk.free.clear()
    note(store, "door/a")
    first = asyncio.create_task(store.async_save())
    await asyncio.sleep(0.05)  # it is on its way to the disk
    note(store, "door/b")
    second = asyncio.create_task(store.async_save())
    third = asyncio.create_task(store.async_save())
    await asyncio.sleep(0.05)
    assert not first.done()
    disk.free.set()
    await first
    await asyncio.gather(second, third)
    assert disk.targets == {"door/a", "door/b"}
    assert disk.writes == 2


async def test_what_is_noted_during_a_write_is_written_soon(
    hass: HomeAssistant, disk: Disk
) -> None:
    """Also where a write takes the place of one that was due."""
    store = LedgerStore(hass)
    disk.free.clear()
    note(store, "door/a")
    saving = asyncio.create_task(store.async_save())
    await asyncio.sleep(0.05)
    note(store, "door/b")
    store.save_soon()
    disk.free.set()
    await saving
    await asyncio.sleep(LEDGER_DELAY + 0.1)
    await hass.async_block_till_done()
    assert disk.targets == {"door/a", "door/b"}


async def test_changes_that_keep_coming_do_not_put_a_write_off(
    hass: HomeAssistant, disk: Disk
) -> None:
    store = LedgerStore(hass)
    for number in range(10):
        note(store, f"door/{number}")
        store.save_soon()
        await asyncio.sleep(LEDGER_DELAY / 5)
    assert disk.writes >= 1
    await asyncio.sleep(LEDGER_DELAY)
    await hass.async_block_till_done()
    assert len(disk.targets) == 10


async def test_who_is_cancelled_does_not_take_the_write_from_the_others(
    hass: HomeAssistant, disk: Disk
) -> None:
    store = LedgerStore(hass)
    disk.free.clear()
    note(store, "door/a")
    impatient = asyncio.create_task(store.async_save())
    patient = asyncio.create_task(store.async_save())
    await asyncio.sleep(0.05)
    impatient.cancel()
    disk.free.set()
    await patient
    assert disk.targets == {"door/a"}


async def test_the_ledger_is_worked_out_off_the_event_loop(
    hass: HomeAssistant, disk: Disk
) -> None:
    """A large one would hold everything up."""
    threads: set[int | None] = set()
    prepare = json_helper.prepare_save_json

    def prepared(*args: Any, **kwargs: Any) -> Any:
        threads.add(threading.current_thread().ident)
        return prepare(*args, **kwargs)

    store = LedgerStore(hass)
    note(store, "door/a")
    with patch.object(json_helper, "prepare_save_json", prepared):
        await store.async_save()
        store.save_soon()
        await asyncio.sleep(LEDGER_DELAY + 0.1)
        await hass.async_block_till_done()
    assert threads
    assert threading.main_thread().ident not in threads


async def test_rule_14_the_ledger_is_private(hass: HomeAssistant, disk: Disk) -> None:
    """It holds codes: only Home Assistant's own user may read it."""
    store = LedgerStore(hass)
    await store.async_save()
    assert disk.path
    assert stat.S_IMODE(disk.path.stat().st_mode) == 0o600


async def test_rule_15_what_a_power_cut_left_half_written_goes(
    hass: HomeAssistant, disk: Disk
) -> None:
    """It holds codes and names, and nothing else would ever remove it."""
    store = LedgerStore(hass)
    note(store, "door/a")
    await store.async_save()
    assert disk.path
    ours = disk.path.with_name("tmp_half_written")
    ours.write_bytes(disk.path.read_bytes()[:-20])
    others = disk.path.with_name("tmp_of_others")
    others.write_text(disk.path.read_text().replace("booking_access.", "person."))
    disk.path.with_name("tmp_folder").mkdir()
    assert await read_again(hass) == {"door/a"}
    assert not ours.exists()
    assert others.exists()
