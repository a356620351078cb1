"""Tests of the transport that all vendors share."""

from datetime import UTC, datetime, timedelta

import pytest

from custom_components.booking_access.transport import retry_after

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("30", timedelta(seconds=30)),
        ("Sun, 22 Nov 2026 07:01:00 GMT", timedelta(minutes=1)),
        ("Sun, 22 Nov 2026 06:00:00 GMT", timedelta()),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after(value: str, wanted: timedelta | None) -> None:
    """Seconds and dates are understood, anything else is no advice."""
    assert retry_after({"Retry-After": value}, NOW) == wanted
