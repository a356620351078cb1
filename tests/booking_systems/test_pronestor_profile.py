"""Tests of the profile: what a user can override, and how mistakes are named."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import re
from zoneinfo import ZoneInfo

import pytest

from custom_components.booking_access.booking_systems.pronestor_profile import (
    CHECKS,
    DATE_FORMATS,
    Kind,
    Profile,
    margin_of,
    read_profile,
    written,
)
from custom_components.booking_access.forms import BadValue


@pytest.mark.parametrize("given", [None, "", "  \n", {}, "{}"])
def test_nothing_given(given: object) -> None:
    """Then it is the guess."""
    assert read_profile(given) == Profile()


def test_the_documentation_shows_the_guess() -> None:
    """All of it, so that it can be corrected; and an example that works."""
    page = Path(__file__).parents[2] / "docs/systems/pronestor.md"
    example, whole = re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    assert read_profile(whole) == Profile()
    assert json.loads(whole) == json.loads(json.dumps(asdict(Profile())))
    assert read_profile(example).rooms.path == "v1/Rooms"


def test_what_is_given_counts_and_the_rest_stays() -> None:
    """Down to a single name."""
    profile = read_profile(
        json.dumps(
            {
                "auth": {"method": "get", "extra": {"domain": "office"}},
                "rooms": {"name": ["Building", "Name"], "location_id": None},
                "bookings": {"booker": {"phone": None}, "cancelled_values": ["X"]},
            }
        )
    )
    guess = Profile()
    assert (profile.auth.method, profile.auth.path) == ("GET", guess.auth.path)
    assert profile.auth.extra == {"domain": "office"}
    assert profile.rooms.name == ("Building", "Name")
    assert profile.rooms.location_id is None
    assert profile.rooms.id == guess.rooms.id
    assert profile.bookings.booker.phone is None
    assert profile.bookings.booker.name == guess.bookings.booker.name
    assert profile.bookings.participants == guess.bookings.participants
    assert profile.bookings.cancelled_values == ("X",)


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("Authenticate", "Authenticate"),
        ("/v2/Authenticate/", "v2/Authenticate"),
        ("/API.mvc/v2/Authenticate", "v2/Authenticate"),
        ("planner/api.mvc/v2/Authenticate?x=1", "v2/Authenticate?x=1"),
    ],
)
def test_paths_as_they_are_copied(path: str, below: str) -> None:
    """With or without what comes before."""
    assert read_profile({"auth": {"path": path}}).auth.below == below


@pytest.mark.parametrize(
    ("given", "key", "placeholders"),
    [
        ('{"auth": {"path": "x",}}', "profile_not_json", {"line": "1", "column": "22"}),
        ('{\n  "auth" {}\n}', "profile_not_json", {"line": "2", "column": "10"}),
        ("auth: x", "profile_not_json", {"line": "1", "column": "1"}),
        ("[1]", "profile_group", {"field": "profile"}),
        ('"x"', "profile_group", {"field": "profile"}),
        (
            {"booking": {}},
            "profile_unknown",
            {"field": "booking", "known": "auth, rooms, bookings"},
        ),
        (
            {"bookings": {"booker": {"mail": "x"}}},
            "profile_unknown",
            {"field": "bookings.booker.mail", "known": "name, email, phone"},
        ),
        ({"auth": "Authenticate"}, "profile_group", {"field": "auth"}),
        ({"auth": {"extra": ["x"]}}, "profile_group", {"field": "auth.extra"}),
        ({"auth": {"method": "PUT"}}, "profile_method", {"field": "auth.method"}),
        ({"auth": {"body": "xml"}}, "profile_body", {"field": "auth.body"}),
        ({"auth": {"path": ""}}, "profile_path", {"field": "auth.path"}),
        ({"auth": {"path": "https://x/y"}}, "profile_path", {"field": "auth.path"}),
        ({"auth": {"path": "../x"}}, "profile_path", {"field": "auth.path"}),
        ({"auth": {"path": 7}}, "profile_path", {"field": "auth.path"}),
        ({"bookings": {"id": None}}, "profile_name", {"field": "bookings.id"}),
        ({"bookings": {"start": " "}}, "profile_name", {"field": "bookings.start"}),
        ({"rooms": {"list_path": 1}}, "profile_optional", {"field": "rooms.list_path"}),
        ({"rooms": {"name": ["A", 1]}}, "profile_names", {"field": "rooms.name"}),
        ({"rooms": {"name": {}}}, "profile_names", {"field": "rooms.name"}),
        (
            {"bookings": {"date_format": "dd-MM-yyyy"}},
            "profile_date_format",
            {"field": "bookings.date_format"},
        ),
        (
            {"bookings": {"cancelled_values": "X"}},
            "profile_words",
            {"field": "bookings.cancelled_values"},
        ),
    ],
)
def test_mistakes_are_named(
    given: object, key: str, placeholders: dict[str, str]
) -> None:
    """Where it is, and what it should be."""
    with pytest.raises(BadValue) as caught:
        read_profile(given)
    assert (caught.value.key, caught.value.placeholders) == (key, placeholders)


def test_every_kind_is_checked() -> None:
    """None is let through unseen."""
    assert set(CHECKS) == set(Kind)


@pytest.mark.parametrize(
    ("date_format", "wanted"),
    [
        ("iso", "2026-11-24T09:00:00"),
        ("iso_utc", "2026-11-24T08:00:00Z"),
        ("iso_offset", "2026-11-24T09:00:00+01:00"),
        ("date", "2026-11-24"),
        ("dotnet", "/Date(1795507200000)/"),
        ("%d-%m-%Y %H:%M", "24-11-2026 09:00"),
    ],
)
def test_times_of_requests(date_format: str, wanted: str) -> None:
    """In the site's own time, where it is not said which."""
    moment = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
    assert written(moment, date_format, ZoneInfo("Europe/Copenhagen")) == wanted


def test_days_need_a_day_more() -> None:
    """The last would begin, and end, at its midnight."""
    assert margin_of("date") == margin_of("%d.%m.%Y") == timedelta(days=1)
    for date_format in (*(set(DATE_FORMATS) - {"date"}), "%d.%m.%Y %H:%M"):
        assert margin_of(date_format) == timedelta()
