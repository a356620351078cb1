"""Tests of what can wait: in order, and without keeping anybody waiting."""

import asyncio
from functools import partial
import logging

import pytest

from custom_components.booking_access import later
from custom_components.booking_access.later import Later, in_pieces
from homeassistant.core import HomeAssistant


@pytest.fixture
def long_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing takes as long as a piece may take."""
    monkeypatch.setattr(later, "PIECE", 0)


async def test_all_is_done_in_order(hass: HomeAssistant) -> None:
    """What is added while things are done comes after them."""
    waiting, done = Later(hass), []

    def first() -> None:
        done.append(1)
        waiting.do(partial(done.append, 3))

    waiting.do(first)
    waiting.do(partial(done.append, 2))
    assert done == []  # not while something else happens
    await hass.async_block_till_done()
    assert done == [1, 2, 3]
    waiting.do(partial(done.append, 4))
    await hass.async_block_till_done()
    assert done == [1, 2, 3, 4]


@pytest.mark.usefixtures("long_work")
async def test_others_get_their_turn(hass: HomeAssistant) -> None:
    """Between two things that take long, all else goes on."""
    waiting, done = Later(hass), []
    for number in range(10):
        waiting.do(partial(done.append, number))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert 0 < len(done) < 10
    await hass.async_block_till_done()
    assert done == list(range(10))


@pytest.mark.usefixtures("long_work")
async def test_others_get_their_turn_between_items() -> None:
    """Also where items are gone through."""
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    seen = [(item, turns) async for item in in_pieces("abc")]
    other.cancel()
    assert [item for item, _ in seen] == ["a", "b", "c"]
    assert len({turn for _, turn in seen}) == 3


async def test_what_fails_keeps_nothing_from_being_done(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    """A mistake is logged, and all else is done."""
    waiting, done = Later(hass), []

    def fail() -> None:
        raise RuntimeError("a mistake in our code")

    waiting.do(fail)
    waiting.do(partial(done.append, 1))
    await hass.async_block_till_done()
    assert done == [1]
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert "a mistake in our code" in record.exc_text
    caplog.clear()


async def test_the_same_is_done_with_many_things(hass: HomeAssistant) -> None:
    """In order, and before what is to be done after them."""
    waiting, done = Later(hass), []
    waiting.do_each(done.append, range(3 * later.AT_ONCE + 1))
    waiting.do(partial(done.append, "last"))
    assert done == []
    await hass.async_block_till_done()
    assert done == [*range(3 * later.AT_ONCE + 1), "last"]
