"""Telephone numbers as people write them."""

import pytest

from custom_components.booking_access.engine.models import Rejected
from custom_components.booking_access.operations import normal_phone


@pytest.mark.parametrize(
    ("phone", "country", "normal"),
    [
        ("20 12 34 56", "DK", "+4520123456"),
        ("0047 91 23 45 67", "DK", "+4791234567"),
        ("+47 91 23 45 67", "", "+4791234567"),
    ],
)
def test_rule_13_phones_are_normalised(phone: str, country: str, normal: str) -> None:
    assert normal_phone(phone, country) == normal


@pytest.mark.parametrize(
    ("phone", "country", "reason"),
    [
        (None, "DK", "phone_missing"),
        ("", "DK", "phone_missing"),
        ("ask at the desk", "DK", "phone_invalid"),
        ("20 12 34 56", "", "phone_invalid"),
        ("20 12", "DK", "phone_invalid"),
    ],
)
def test_rule_13_a_number_that_calls_nobody_is_refused_with_a_reason(
    phone: str | None, country: str, reason: str
) -> None:
    """Whether or not the access system would notice."""
    with pytest.raises(Rejected, match=f"^{reason}$"):
        normal_phone(phone, country)
