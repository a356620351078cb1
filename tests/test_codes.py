"""A person of a booking has one code, and nobody else gets it for a while."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.codes import CODE_RESTS, Codes
from custom_components.booking_access.engine.ledger import GrantRow
from custom_components.booking_access.store import Ledger

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
ROW = GrantRow(
    reference="1",
    subject="s",
    bearer="anna",
    room_id="room",
    booking_id="a",
    account_id="locks",
    points=("front",),
    start=NOW,
    end=NOW + timedelta(hours=1),
)

pytestmark = pytest.mark.freeze_time(NOW)


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def codes(ledger: Ledger) -> Codes:
    return Codes(SimpleNamespace(ledger=ledger))


def test_rule_14_code_has_the_digits_that_are_asked_for(codes: Codes) -> None:
    row = codes.given(ROW, 6)
    assert len(row.credential.code) == 6
    assert codes.given(row, 4) is row


def test_person_has_one_code_at_all_doors_where_its_length_fits(
    codes: Codes, ledger: Ledger
) -> None:
    first = ledger.grants["1"] = codes.given(ROW, 4)
    other = replace(ROW, reference="2", account_id="more")
    assert codes.given(other, 4).credential == first.credential
    assert len(codes.given(other, 6).credential.code) == 6
    stranger = codes.given(replace(other, bearer="bo"), 4)
    assert stranger.credential != first.credential


def test_person_gets_the_code_again_that_rests(
    codes: Codes, ledger: Ledger, freezer: FrozenDateTimeFactory
) -> None:
    """A booking was blocked, or came back; whoever has no name shares none."""
    first = codes.given(ROW, 4)
    codes.retire(first)
    again = replace(ROW, reference="2")
    assert codes.given(again, 4).credential == first.credential
    nobody = replace(ROW, bearer="")
    codes.retire(codes.given(nobody, 4))
    assert ledger.bearers.keys() == ledger.retired.keys()
    known = {codes.given(nobody, 4).credential.code for _ in range(20)}
    assert known.isdisjoint(ledger.retired)
    freezer.tick(CODE_RESTS)
    codes.given(nobody, 4)
    assert (ledger.retired, ledger.bearers) == ({}, {})
