"""Codes that nobody guesses."""

from collections import Counter
from datetime import date
from inspect import signature
from itertools import pairwise
import secrets

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.pins import is_easy, make_pin


@pytest.mark.parametrize(
    "pin",
    [
        *(
            "0000",
            "7777",
            "1112",
            "1211",
            "1221",
            "1212",
            "999999",
            "7778",
            "8778",
        ),  # repetitions
        *("4747", "482482", "48154815", "482482482"),
        *("1234", "3456", "6789", "7890", "9876", "3210", "0123", "123456", "87654321"),
        *("8901", "9012", "1098", "2468", "1357", "8642", "036925"),  # in steps
        *("2412", "1224", "0101", "3112", "1231", "1999", "2026", "1945"),  # dates
        *("241226", "122426", "261224", "202642", "240219"),
        *("24122026", "12242026", "20261224", "19870304"),
    ],
)
def test_rule_14_sequences_repetitions_and_dates_are_easy(pin: str) -> None:
    assert is_easy(pin)


@pytest.mark.parametrize(
    "pin",
    [
        "4815",
        "3971",
        "8362",
        "2857",
        "1733",
        "481537",
        "730594",
        "48153762",
        "73195",
        "24127",
        "7382412",
    ],
)
def test_rule_14_others_are_not(pin: str) -> None:
    assert not is_easy(pin)


@pytest.mark.parametrize("length", [4, 5, 6, 8, 10])
def test_rule_14_pin_is_random_and_as_long_as_wished(length: int) -> None:
    made = [make_pin(length) for _ in range(200)]
    assert {len(pin) for pin in made} == {length}
    assert all(pin.isdecimal() and not is_easy(pin) for pin in made)
    assert len(set(made)) > 150
    digits = Counter("".join(made))
    assert set(digits) == set("0123456789")


def test_rule_14_pin_is_drawn_by_what_nobody_can_foresee() -> None:
    assert signature(make_pin).parameters["pick"].default is secrets.randbelow


def test_rule_14_pin_may_begin_with_zero() -> None:
    assert make_pin(6, pick=lambda _: 4815) == "004815"


def test_rule_14_taken_and_easy_pins_are_passed_over() -> None:
    drawn = iter([1234, 4815, 2026, 483, 3971])
    assert make_pin(4, {"4815"}, lambda _: next(drawn)) == "0483"


def test_rule_14_all_numbers_below_the_limit_are_drawn_from() -> None:
    limits: list[int] = []

    def pick(below: int) -> int:
        limits.append(below)
        return below - 1 - 268

    assert make_pin(4, pick=pick) == "9731"
    assert limits == [10_000]


@pytest.mark.parametrize("length", [4, 6])
def test_rule_14_most_codes_remain(length: int) -> None:
    easy = sum(is_easy(str(number).zfill(length)) for number in range(10**length))
    assert easy < 0.2 * 10**length


def test_no_code_left_is_an_error() -> None:
    with pytest.raises(ValueError, match="code"):
        make_pin(4, pick=lambda _: 1234)


def test_no_code_is_given_twice() -> None:
    every = {str(number).zfill(4) for number in range(10_000)}
    with pytest.raises(ValueError, match="code"):
        make_pin(4, every)


@given(st.integers(0, 9), st.integers(0, 9), st.integers(4, 10))
def test_rule_14_equal_steps_are_easy(first: int, step: int, length: int) -> None:
    pin = "".join(str((first + step * place) % 10) for place in range(length))
    assert len({(int(b) - int(a)) % 10 for a, b in pairwise(pin)}) == 1
    assert is_easy(pin)


WAYS = ("%d%m", "%m%d", "%d%m%y", "%m%d%y", "%y%m%d", "%Y%m%d", "%d%m%Y", "%m%d%Y")


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)), st.sampled_from(WAYS))
def test_rule_14_no_way_to_write_a_date_is_a_pin(day: date, way: str) -> None:
    assert is_easy(day.strftime(way))
