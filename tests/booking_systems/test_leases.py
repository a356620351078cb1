"""Reading leases from a file, as spreadsheets save it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from custom_components.booking_access.booking_systems.leases import read_leases
from custom_components.booking_access.engine.models import (
    FOREVER,
    LONG_AGO,
    Booking,
    BookingStatus,
    Person,
)
from custom_components.booking_access.push import Import, ImportRefused

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
# 00:00 on 1 January and 24:00 on 31 December 2026 in Oslo, in winter time.
FIRST = datetime(2025, 12, 31, 23, tzinfo=UTC)
LAST = datetime(2026, 12, 31, 23, tzinfo=UTC)
HEAD = "Leietaker;Enhet;Telefonnummer;E-post;Kontrakt startdato;Kontrakt sluttdato"
KARI = "Kari Ånes;H0101;412 34 567;kari@example.com;01.01.2026;31.12.2026"
PERSON = Person(name="Kari Ånes", phone="412 34 567", email="kari@example.com")


def read(content: str | bytes, known: Mapping[str, Booking] | None = None) -> Import:
    """Read a file."""
    body = content if isinstance(content, bytes) else content.encode()
    return read_leases(body, known or {}, OSLO, NOW)


def lines(*rows: str) -> str:
    """Return a file with the Norwegian headings."""
    return "\r\n".join([HEAD, *rows, ""])


def lease(**changes: object) -> Booking:
    """Return Kari's lease as it is known."""
    usual = Booking(
        id="K1",
        resource_id="H0101",
        start=FIRST,
        end=LAST,
        holder=PERSON,
    )
    return replace(usual, **changes)


def known(*bookings: Booking) -> dict[str, Booking]:
    """Return bookings by their ids."""
    return {each.id: each for each in bookings}


def wrong(found: Import) -> list[tuple[str, str | None]]:
    """Return the lines and headings of what is wrong."""
    return [(each.item, each.field) for each in found.problems]


@pytest.mark.parametrize(
    "content",
    [
        lines(KARI).encode(),
        lines(KARI).encode("utf-8-sig"),
        lines(KARI).encode("cp1252"),
        ("sep=;\n\n" + lines(KARI)).replace("\r\n", "\r").encode(),
        lines(KARI).replace(";", ",").encode(),
        lines(KARI, ";;;;;", "").encode(),
        b'"Tenant","Unit","Phone","E-mail","Start date","End date"\n'
        b'"Kari \xc3\x85nes","H0101","412 34 567","kari@example.com",'
        b'"2026-01-01","2026-12-31"',
        "END DATE,Start_Date,Notes,name,UNIT,email,Mobile\n"
        '2026-12-31,2026-01-01 00:00:00,"a, b\nc",Kari Ånes,H0101,kari@example.com,'
        "412 34 567".encode(),
    ],
)
def test_a_file_as_it_comes(content: bytes) -> None:
    """Encoding, separators, line ends, quotes, headings and their order."""
    found = read(content)
    (booking,) = found.bookings
    assert (booking.resource_id, booking.start, booking.end) == ("H0101", FIRST, LAST)
    assert booking.holder == PERSON
    assert booking.status is BookingStatus.CONFIRMED
    assert (found.problems, found.complete) == ((), True)
    assert "Kari" not in booking.id
    assert read(content).bookings[0].id == booking.id


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("1.1.2026", "", FIRST, FOREVER),
        ("2026-01-01", "31.12.9999", FIRST, FOREVER),
        ("01.01.0001", "2026-12-31T00:00:00", LONG_AGO, LAST),
        # A day of 23 hours, and one of 25.
        (
            "29.03.2026",
            "29.03.2026",
            datetime(2026, 3, 28, 23, tzinfo=UTC),
            datetime(2026, 3, 29, 22, tzinfo=UTC),
        ),
        (
            "25.10.2026",
            "25.10.2026",
            datetime(2026, 10, 24, 22, tzinfo=UTC),
            datetime(2026, 10, 25, 23, tzinfo=UTC),
        ),
    ],
)
def test_days_run_from_midnight_to_midnight(
    start: str, end: str, first: datetime, last: datetime
) -> None:
    (booking,) = read(lines(f"Kari;H0101;;;{start};{end}")).bookings
    assert (booking.start, booking.end) == (first, last)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Ola;H0102;;;31.02.2026;", "Kontrakt startdato"),
        ("Ola;H0102;;;soon;", "Kontrakt startdato"),
        ("Ola;H0102;;;;", "Kontrakt startdato"),
        ("Ola;H0102", "Kontrakt startdato"),
        ("Ola;H0102;;;01.01.2026;later", "Kontrakt sluttdato"),
        ("Ola;H0102;;;02.01.2026;01.01.2026", "Kontrakt sluttdato"),
        ("Ola;;;;01.01.2026;", "Enhet"),
        ("Ola;H0102;;;01.01.2026;;too;many", "columns"),
        ('"Ola;H0102;;;01.01.2026;', "columns"),
        ('"Ola"s;H0102;;;01.01.2026;', "columns"),
    ],
)
def test_a_bad_row_is_named_and_loses_no_other(row: str, field: str) -> None:
    last = KARI.replace("H0101", "H0103")
    found = read(lines(KARI, row, last, '"Per";H0104;;;01.01.2026;'))
    assert wrong(found) == [("line 3", field)]
    assert [b.resource_id for b in found.bookings] == ["H0101", "H0103", "H0104"]
    assert found.complete is (field not in {"columns", "Enhet"})


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"PK\x03\x04\x00\x00", "not_a_table"),
        (lines(KARI).encode("utf-16"), "not_a_table"),
        (b"\x81\x8d", "not_a_table"),
        (b"", "columns_missing"),
        (b"Leietaker;Telefon\nKari;1", "columns_missing"),
        (b'"Enhet;Startdato', "columns_missing"),
    ],
)
def test_what_holds_no_leases_is_refused(content: bytes, key: str) -> None:
    with pytest.raises(ImportRefused) as caught:
        read(content)
    assert caught.value.key == key


def test_headings_alone_are_an_empty_list() -> None:
    """All have moved out."""
    assert read(HEAD) == Import(bookings=())


# Which lease is which


def test_what_is_as_before_is_the_very_same() -> None:
    """Nothing follows from it, not even that it was told again."""
    before = lease(updated_at=NOW - timedelta(days=3))
    assert read(lines(KARI), known(before)).bookings == (before,)


@pytest.mark.parametrize(
    "row",
    [
        "KARI ANES;H0101;412 34 567;new@example.com;01.01.2026;31.12.2027",
        "kari ånes ;H0101;+4799999999;;01.02.2026;",
        "K. Nes;H0101;41234567;kari@example.com;01.02.2026;",
    ],
)
def test_a_changed_lease_is_the_same_lease(row: str) -> None:
    """By unit and tenant: the same name, phone or e-mail."""
    (booking,) = read(lines(row), known(lease())).bookings
    assert booking.id == "K1"
    assert booking.updated_at == NOW
    assert booking.end != LAST


def test_another_unit_or_tenant_is_another_lease() -> None:
    rows = lines(KARI.replace("H0101", "H0102"), "Ola;H0101;;;01.01.2026;")
    ids = {each.id for each in read(rows, known(lease())).bookings}
    assert len(ids) == 2
    assert "K1" not in ids


def test_ids_of_the_file_go_first() -> None:
    """Even where the tenant is another one now, or was cancelled before."""
    content = "Id,Unit,Name,Start\nK1,H0101,Ola,2026-01-01\nK2,H0102,Per,2026-01-01"
    cancelled = lease(id="K2", status=BookingStatus.CANCELLED)
    ola, per = read(content, known(lease(), cancelled)).bookings
    assert (ola.id, ola.holder.name, ola.summary) == ("K1", "Ola", "")
    assert (per.id, per.status) == ("K2", BookingStatus.CONFIRMED)


def test_what_the_file_has_no_column_for_stays() -> None:
    content = "Unit,Name,Start,End\nH0101,Kari Ånes,2026-01-01,2026-12-31"
    assert read(content, known(lease())).bookings == (lease(),)
    content = "Unit,Name,Phone,Start\nH0101,Kari Ånes,,2026-01-01"
    (booking,) = read(content, known(lease())).bookings
    assert booking.holder == replace(PERSON, phone=None)


def test_a_renewal_is_a_second_lease_of_the_same_tenant() -> None:
    """Each keeps its id from file to file, whatever the order."""
    second = KARI.replace("01.01.2026;31.12.2026", "01.01.2027;")
    first = read(lines(second, KARI), known(lease()))
    ids = {each.start: each.id for each in first.bookings}
    assert ids[FIRST] == "K1"
    again = read(lines(KARI, second), known(*first.bookings))
    assert {each.start: each.id for each in again.bookings} == ids
    alone = read(lines(second), known(*first.bookings))
    assert [each.id for each in alone.bookings] == [ids[LAST]]


def test_the_same_row_twice_is_once_and_one_id_twice_is_named() -> None:
    assert len(read(lines(KARI, KARI)).bookings) == 1
    assert not read(lines(KARI, KARI)).problems
    other = KARI.replace("31.12.2026", "31.12.2027")
    found = read(lines(KARI, other))
    assert (len(found.bookings), wrong(found)) == (1, [("line 3", "Enhet")])
    content = "Id,Unit,Start\nK1,H0101,2026-01-01\nK1,H0102,2026-01-01"
    found = read(content)
    assert (len(found.bookings), wrong(found)) == (1, [("line 3", "Unit")])


def test_a_unit_without_a_tenant_is_a_lease_as_well() -> None:
    first = read(lines(";H0101;;;01.01.2026;"))
    again = read(lines(";H0101;;;01.02.2026;"), known(*first.bookings))
    assert again.bookings[0].id == first.bookings[0].id


def test_a_bad_row_keeps_its_lease_as_it_was() -> None:
    """By its id, or by unit and tenant; what it may be about is not guessed."""
    bad = KARI.replace("31.12.2026", "31.13.2026")
    assert read(lines(bad), known(lease())).bookings == (lease(),)
    assert read(lines(bad)).bookings == ()
    content = "Id,Unit,Start\nK1,,2026-01-01\nK9,,2026-01-01"
    found = read(content, known(lease()))
    assert (found.bookings, found.complete) == ((lease(),), True)
    assert read(lines(KARI, bad), known(lease())).bookings == (lease(),)


def test_nothing_of_people_shows() -> None:
    shown = repr(read(lines(KARI, KARI.replace("01.01", "99.01"))))
    for secret in ("Kari", "412 34 567", "kari@example.com"):
        assert secret not in shown
