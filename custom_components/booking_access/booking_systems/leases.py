"""Leases from a CSV file, as a spreadsheet saves it.

A file is read as it comes: Norwegian or English headings in any order, semicolons or
commas, UTF-8 or Windows-1252, dates like 31.12.2026 or 2026-12-31, and no end for a
lease that is open. A row that cannot be used is named by its line, and harms no other.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
import csv
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
import hashlib
import re
from typing import Final
from zoneinfo import ZoneInfo

from ..engine.models import (
    FOREVER,
    LONG_AGO,
    Booking,
    BookingStatus,
    ContractError,
    Person,
    Problem,
)
from ..push import Import, ImportRefused

HEADINGS: Final[Mapping[str, str]] = {
    heading: name
    for name, headings in {
        "id": "id leaseid leasenumber contractid contractnumber kontraktid kontraktnr "
        "kontraktnummer avtalenummer",
        "unit": "unit resource room enhet leietakerenhet rom lokale",
        "name": "name tenant tenantname navn leietaker leietakerbruker",
        "phone": "phone phonenumber mobile telefon telefonnummer mobil mobilnummer tlf",
        "email": "email emailaddress mail epost epostadresse",
        "start": "start startdate contractstart contractstartdate from startdato "
        "kontraktstart kontraktstartdato fra fradato",
        "end": "end enddate contractend contractenddate to until sluttdato "
        "kontraktslutt kontraktsluttdato til tildato",
    }.items()
    for heading in headings.split()
}
REQUIRED: Final = ("unit", "start")
PERSONAL: Final = ("name", "phone", "email")
# A quoted cell may hold line breaks; one that is never closed swallows no more.
MOST_LINES: Final = 20
_NORWEGIAN: Final = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", re.ASCII)
_MIDNIGHT: Final = re.compile(r"[ T]00:00(:00)?$")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A lease as its row says it, or what of it can be read."""

    line: int
    id: str = ""
    unit: str = ""
    person: Person = field(repr=False)
    start: datetime = LONG_AGO
    end: datetime = FOREVER


class _Columns:
    """Which column says what."""

    def __init__(self, cells: Sequence[str]) -> None:
        """Read the headings."""
        self.width = len(cells)
        self.headings: dict[str, str] = {}
        self._places: dict[str, int] = {}
        for place, cell in enumerate(cells):
            plain = "".join(c for c in cell.casefold() if c.isalnum())
            if (name := HEADINGS.get(plain)) and name not in self._places:
                self.headings[name] = cell.strip()
                self._places[name] = place

    def __contains__(self, name: str) -> bool:
        """Whether the file says this at all."""
        return name in self._places

    def cell(self, cells: Sequence[str], name: str) -> str:
        """Return what a row says; nothing where it is too short."""
        place = self._places.get(name, len(cells))
        return cells[place].strip() if place < len(cells) else ""

    def wrong(self, name: str) -> ContractError:
        """Return that a cell cannot be used, by its heading in the file."""
        return ContractError(self.headings.get(name, name))


def read_leases(
    content: bytes, known: Mapping[str, Booking], zone: ZoneInfo, now: datetime
) -> Import:
    """Read a file; raises ImportRefused if it is none that holds leases.

    A bad row keeps the lease that it is about as it was. If it does not even tell
    which that is, the answer is incomplete: nobody who is not in it loses anything.
    """
    lines = _lines(content)
    columns, delimiter, first = _head(lines)
    rows: list[_Row] = []
    bad: list[_Row] = []
    problems: list[Problem] = []
    complete = True
    for number, cells in _records(lines[first:], delimiter, columns.width, first + 1):
        if cells is not None and not any(cell.strip() for cell in cells):
            continue
        try:
            rows.append(_row(number, cells, columns, zone))
        except ContractError as err:
            problems.append(_problem(number, err.field))
            part = _what_is_left(number, cells, columns)
            complete = complete and part is not None
            bad += [part] if part else []
    named, taken_twice = _identified(rows, known)
    problems += [_problem(row.line, columns.headings["unit"]) for row in taken_twice]
    bookings = {id_: _booking(id_, row, columns, known, now) for id_, row in named}
    for row in bad:
        if (id_ := _find(row, known, bookings)) and id_ not in bookings:
            bookings[id_] = known[id_]
    return Import(
        bookings=tuple(bookings.values()), problems=tuple(problems), complete=complete
    )


def _problem(line: int, wire_field: str) -> Problem:
    """Return what is wrong with a line."""
    return Problem(reason="bad_booking", item=f"line {line}", field=wire_field)


def _lines(content: bytes) -> list[str]:
    """Return the lines of a text, whatever it is encoded in."""
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            text = content.decode(encoding)
            if "\0" not in text:
                return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    raise ImportRefused("not_a_table")


def _head(lines: Sequence[str]) -> tuple[_Columns, str, int]:
    """Return the columns, what separates them, and how many lines that took."""
    place = next((i for i, line in enumerate(lines) if _is_heading(line)), len(lines))
    line = lines[place] if place < len(lines) else ""
    found = [
        (_Columns(cells), delimiter)
        for delimiter in ";,"
        if (cells := _record([line], delimiter, None)[0]) is not None
    ]
    columns, delimiter = max(
        found, key=lambda each: len(each[0].headings), default=(_Columns([]), ";")
    )
    if missing := [name for name in REQUIRED if name not in columns]:
        raise ImportRefused("columns_missing", columns=", ".join(missing))
    return columns, delimiter, place + 1


def _is_heading(line: str) -> bool:
    """Whether a line is more than blank, or a word from one program to another."""
    plain = line.strip(' ";,\t')
    return bool(plain) and not plain.casefold().startswith("sep=")


def _records(
    lines: Sequence[str], delimiter: str, width: int, number: int
) -> Iterator[tuple[int, list[str] | None]]:
    """Go through the rows with their lines; None for one that cannot be taken apart."""
    place = 0
    while place < len(lines):
        some = lines[place : place + MOST_LINES]
        cells, used = _record(some, delimiter, width)
        yield number + place, cells
        place += used


def _record(
    lines: Sequence[str], delimiter: str, width: int | None
) -> tuple[list[str] | None, int]:
    """Return the first row's cells, and how many lines it takes.

    One of several lines must be as wide as the headings are: else a quote was
    forgotten, and only this line is bad.
    """
    for used in range(1, len(lines) + 1):
        some = [f"{line}\n" for line in lines[:used]]
        with suppress(csv.Error):
            cells = next(csv.reader(some, delimiter=delimiter, strict=True))
            if used == 1 or len(cells) == width:
                return cells, used
            break
    return None, 1


def _row(
    line: int, cells: Sequence[str] | None, columns: _Columns, zone: ZoneInfo
) -> _Row:
    """Read a row; raises ContractError with the heading of what is wrong."""
    if cells is None or any(cell.strip() for cell in cells[columns.width :]):
        raise ContractError("columns")
    for name in REQUIRED:
        if not columns.cell(cells, name):
            raise columns.wrong(name)
    start = _edge(cells, "start", columns, zone)
    end = _edge(cells, "end", columns, zone) if columns.cell(cells, "end") else FOREVER
    if end <= start:
        raise columns.wrong("end")
    return replace(_what(line, cells, columns), start=start, end=end)


def _what(line: int, cells: Sequence[str], columns: _Columns) -> _Row:
    """Read which lease a row is about."""
    said = {name: columns.cell(cells, name) or None for name in PERSONAL}
    return _Row(
        line=line,
        id=columns.cell(cells, "id"),
        unit=columns.cell(cells, "unit"),
        person=Person(**said),
    )


def _what_is_left(
    line: int, cells: Sequence[str] | None, columns: _Columns
) -> _Row | None:
    """Return which lease a bad row is about; None if it does not tell."""
    if cells is None or len(cells) > columns.width:
        return None
    row = _what(line, cells, columns)
    return row if row.id or row.unit else None


def _edge(
    cells: Sequence[str], name: str, columns: _Columns, zone: ZoneInfo
) -> datetime:
    """Return when a day begins or, for an end, is over; far ones are none."""
    text = _MIDNIGHT.sub("", columns.cell(cells, name))
    try:
        if found := _NORWEGIAN.fullmatch(text):
            day = date(int(found[3]), int(found[2]), int(found[1]))
        else:
            day = date.fromisoformat(text)
    except ValueError:
        raise columns.wrong(name) from None
    if day.year >= FOREVER.year:
        return FOREVER
    if day.year <= LONG_AGO.year:
        return LONG_AGO
    day += timedelta(days=1 if name == "end" else 0)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _identified(
    rows: Iterable[_Row], known: Mapping[str, Booking]
) -> tuple[list[tuple[str, _Row]], list[_Row]]:
    """Give each row the id of its lease; returns those that came twice besides.

    A row without an id is the lease of the same unit and tenant that is known, best
    one of the same start; else a new one.
    """
    named: dict[str, _Row] = {}
    twice: list[_Row] = []
    rest = []
    for row in sorted(rows, key=lambda row: not row.id):
        id_ = row.id or _find(row, known, named, same_start=True)
        if id_ is None:
            rest.append(row)
        elif id_ in named:
            twice.append(row)
        else:
            named[id_] = row
    for row in rest:
        id_ = _find(row, known, named) or _new_id(row)
        if id_ in named:
            twice.append(row)
        else:
            named[id_] = row
    differing = [row for row in twice if _said(row) not in map(_said, named.values())]
    return sorted(named.items(), key=lambda each: each[1].line), differing


def _said(row: _Row) -> _Row:
    """Return what a row says, wherever it stands."""
    return replace(row, line=0)


def _find(
    row: _Row,
    known: Mapping[str, Booking],
    taken: Container[str],
    *,
    same_start: bool = False,
) -> str | None:
    """Return the id of the known lease that a row is about, if it is not taken yet."""
    if row.id:
        return row.id if row.id in known else None
    for id_, each in known.items():
        if id_ in taken or each.status is BookingStatus.CANCELLED:
            continue
        if each.resource_id != row.unit or (same_start and each.start != row.start):
            continue
        if _is_same(each.holder, row.person):
            return id_
    return None


def _is_same(one: Person, other: Person) -> bool:
    """Whether two are the same tenant: by name, phone or e-mail, or both unnamed."""
    pairs = [
        (_plain(getattr(one, name)), _plain(getattr(other, name))) for name in PERSONAL
    ]
    return any(a and a == b for a, b in pairs) or not any(a or b for a, b in pairs)


def _plain(text: str | None) -> str:
    """Return a text without what people write differently each time."""
    return "".join(c for c in (text or "").casefold() if c.isalnum() or c == "@")


def _new_id(row: _Row) -> str:
    """Return an id for a lease that has none; it tells nothing about anybody."""
    who = next(filter(None, (getattr(row.person, name) for name in PERSONAL)), "")
    said = "\n".join([row.unit, _plain(who), row.start.isoformat()])
    return f"lease-{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def _booking(
    id_: str, row: _Row, columns: _Columns, known: Mapping[str, Booking], now: datetime
) -> Booking:
    """Return a lease as a booking; the very same where nothing is new about it.

    What the file has no column for stays as it was.
    """
    before = known.get(id_)
    if before is None or before.status is BookingStatus.CANCELLED:
        before = Booking(id=id_, resource_id="", start=now, end=now)
    kept = {name: getattr(before.holder, name) for name in PERSONAL}
    said = {name: getattr(row.person, name) for name in PERSONAL if name in columns}
    lease = replace(
        before,
        resource_id=row.unit,
        start=row.start,
        end=row.end,
        status=BookingStatus.CONFIRMED,
        holder=replace(before.holder, **(kept | said)),
    )
    if lease == before:
        return before
    return replace(lease, updated_at=now)
