"""The words everybody here speaks."""

from dataclasses import fields

import pytest

from custom_components.booking_access.engine.ledger import GrantRow
from custom_components.booking_access.engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    Credential,
    Grant,
    Issued,
    OutcomeUnknown,
    Person,
    RateLimited,
    Rejected,
    Resource,
    VendorError,
)

from .builders import at, booking, minutes

SECRETS = ("Anna", "+4511111111", "anna@example.com", "4711", "https://key", "Party")
PERSON = Person(name="Anna", phone="+4511111111", email="anna@example.com", id="Anna")
KEY = Credential(code="4711", link="https://key")


@pytest.mark.parametrize(
    ("place", "label"), [(None, "Hall"), ("Aarhus", "Hall (Aarhus)")]
)
def test_resource_is_named_for_people(place, label: str) -> None:
    assert Resource(id="1", name="Hall", location=place).label == label


@pytest.mark.parametrize(
    "holder",
    [
        PERSON,
        KEY,
        booking(holder=PERSON, participants=(PERSON,), summary="Party"),
        Grant(
            reference="r",
            reservation="b",
            points=(),
            start=at("10:00"),
            end=at("11:00"),
            person=PERSON,
            code="4711",
        ),
        Issued(id="7", reference="r", points=(), start=None, end=None, credential=KEY),
        GrantRow(
            reference="r",
            subject="s",
            room_id="room",
            booking_id="a",
            account_id="locks",
            points=(),
            start=at("10:00"),
            end=at("11:00"),
            credential=KEY,
        ),
    ],
)
def test_rule_14_nothing_personal_is_in_a_repr(holder: object) -> None:
    assert fields(holder)
    assert [secret for secret in SECRETS if secret in repr(holder)] == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (AuthError(), VendorError),
        (RateLimited(), ConnectionFailed),
        (ContractError("items.id"), ConnectionFailed),
        (Rejected(), VendorError),
        (OutcomeUnknown(), VendorError),
    ],
)
def test_errors_are_few_and_shared(error: VendorError, kind: type) -> None:
    assert isinstance(error, kind)
    assert isinstance(error, VendorError)


@pytest.mark.parametrize("error", [OutcomeUnknown(), Rejected(), AuthError()])
def test_rule_08_what_may_have_happened_is_no_lost_connection(error) -> None:
    """Only after that may a step be repeated without looking."""
    assert not isinstance(error, ConnectionFailed)


def test_errors_say_what_helps() -> None:
    assert RateLimited(minutes(2)).retry_after == minutes(2)
    assert RateLimited().retry_after is None
    assert ContractError("items.id").field == "items.id"
    assert "items.id" in str(ContractError("items.id"))
