"""The iCalendar simulator, asked by plain aiohttp as any client asks for a feed."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from aiohttp import ClientSession
from ical.calendar_stream import IcsCalendarStream
import pytest

from simulators.icalendar import PASSWORD, USERNAME, ICalendarSimulator

MEETING = {
    "uid": "meeting@example.com",
    "start": "2026-07-02T12:00:00Z",
    "end": "2026-07-02T13:00:00Z",
}


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[ICalendarSimulator]:
    async with ICalendarSimulator() as simulator:
        yield simulator


@dataclass
class Reply:
    status: int
    kind: str
    headers: Any
    text: str

    @property
    def lines(self) -> list[str]:
        """The lines as they were before they were folded."""
        return self.text.replace("\r\n ", "").split("\r\n")


class Client:
    """A plain client of feeds."""

    def __init__(self, sim: ICalendarSimulator, session: ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def get(self, path: str = "/calendar.ics", **options: Any) -> Reply:
        async with self.session.get(f"{self.sim.url}{path}", **options) as answer:
            return Reply(
                answer.status, answer.content_type, answer.headers, await answer.text()
            )

    async def control(self, **wish: Any) -> int:
        url = f"{self.sim.url}/_control"
        async with self.session.post(url, json=wish) as answer:
            return answer.status

    async def event_lines(self, event: Any) -> list[str]:
        """Return the lines of one event, without its stamp."""
        assert await self.control(data={"clear": True, "events": [event]}) == 200
        lines = (await self.get()).lines
        event_lines = lines[lines.index("BEGIN:VEVENT") + 1 : lines.index("END:VEVENT")]
        assert event_lines[0].startswith("DTSTAMP:")
        return event_lines[1:]


@pytest.fixture
def client(sim: ICalendarSimulator, session: ClientSession) -> Client:
    return Client(sim, session)


async def test_demonstration(client: Client) -> None:
    """A calendar that any client can read, with something coming up."""
    reply = await client.get()
    assert (reply.status, reply.kind) == (200, "text/calendar")
    calendar = IcsCalendarStream.calendar_from_ics(reply.text)
    assert [event.summary for event in calendar.events] == [
        "Choir",
        "Board",
        "Yoga",
        "Market",
    ]
    assert reply.lines[0] == "BEGIN:VCALENDAR"
    assert reply.lines[-2:] == ["END:VCALENDAR", ""]
    assert "X-WR-CALNAME:Meeting room Nordlys" in reply.lines
    assert max(len(line.encode()) for line in reply.text.split("\r\n")) <= 75


def basic(username: str, password: str) -> dict[str, str]:
    account = b64encode(f"{username}:{password}".encode()).decode()
    return {"Authorization": f"Basic {account}"}


async def test_private(client: Client) -> None:
    for headers in ({}, basic(USERNAME, "other"), basic("other", PASSWORD)):
        reply = await client.get("/private.ics", headers=headers)
        assert (reply.status, reply.text) == (401, "")
        assert reply.headers["WWW-Authenticate"].startswith("Basic ")
    right = await client.get("/private.ics", headers=basic(USERNAME, PASSWORD))
    assert (right.status, right.text) == (200, (await client.get()).text)
    assert client.sim.credentials() == {
        "url": f"{client.sim.url}/private.ics",
        "username": USERNAME,
        "password": PASSWORD,
    }


async def test_moved(client: Client) -> None:
    assert (await client.get("/moved.ics")).text == (await client.get()).text
    reply = await client.get("/moved.ics", allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (302, "/calendar.ics")
    assert (await client.get("/other.ics")).status == 404


async def test_conditional_requests(client: Client) -> None:
    reply = await client.get()
    etag, modified = reply.headers["ETag"], reply.headers["Last-Modified"]
    earlier = parsedate_to_datetime(modified) - timedelta(seconds=1)
    before = format_datetime(earlier, usegmt=True)
    for condition, status in [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"other", W/{etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": before}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        # The tag goes first.
        ({"If-None-Match": etag, "If-Modified-Since": before}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
    ]:
        answer = await client.get(headers=condition)
        assert (answer.status, bool(answer.text)) == (status, status == 200)
        assert answer.headers["ETag"] == etag
    # A change is seen by either, however soon it comes.
    await client.control(data={"events": [MEETING]})
    for condition in ({"If-None-Match": etag}, {"If-Modified-Since": modified}):
        assert (await client.get(headers=condition)).status == 200


async def test_without_validators(client: Client) -> None:
    await client.control(data={"validators": False})
    reply = await client.get(headers={"If-None-Match": "*"})
    assert reply.status == 200
    assert not {"ETag", "Last-Modified"} & set(reply.headers)


async def test_event(client: Client) -> None:
    event = {
        **MEETING,
        "summary": "Choir, tenors; \\o/\nsecond line",
        "description": "x" * 200,
        "location": "Åre",
        "status": "TENTATIVE",
        "transp": "TRANSPARENT",
        "sequence": 3,
        "rrule": "FREQ=DAILY;COUNT=3",
        "rdate": ["2026-07-09T12:00:00Z"],
        "exdate": ["2026-07-03T12:00:00Z", "2026-07-04T14:00:00+02:00"],
        "recurrence_id": "2026-07-02T12:00:00Z",
        "last_modified": "20260601T000000Z",
        "organizer": {"name": "Ann Example", "email": "ann@example.com"},
        "attendees": [{"phone": "+4520123456"}, {"email": "bob@example.com"}],
        "lines": ["X-FLAG;A=b:c"],
    }
    assert await client.event_lines(event) == [
        "DTSTART:20260702T120000Z",
        "DTEND:20260702T130000Z",
        "RECURRENCE-ID:20260702T120000Z",
        "RDATE:20260709T120000Z",
        "EXDATE:20260703T120000Z",
        "EXDATE:20260704T120000Z",
        "UID:meeting@example.com",
        "SUMMARY:Choir\\, tenors\\; \\\\o/\\nsecond line",
        f"DESCRIPTION:{'x' * 200}",
        "LOCATION:Åre",
        "STATUS:TENTATIVE",
        "TRANSP:TRANSPARENT",
        "SEQUENCE:3",
        "RRULE:FREQ=DAILY;COUNT=3",
        "LAST-MODIFIED:20260601T000000Z",
        'ORGANIZER;CN="Ann Example":mailto:ann@example.com',
        "ATTENDEE:tel:+4520123456",
        "ATTENDEE:mailto:bob@example.com",
        "X-FLAG;A=b:c",
    ]


@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (
            {"start": "2026-07-04", "end": "2026-07-06"},
            ["DTSTART;VALUE=DATE:20260704", "DTEND;VALUE=DATE:20260706"],
        ),
        (
            {"start": "2026-07-04T12:00", "duration": "PT1H"},
            ["DTSTART:20260704T120000", "DURATION:PT1H"],
        ),
        (
            {"start": "2026-07-04T12:00:00", "time_zone": "Europe/Copenhagen"},
            ["DTSTART;TZID=Europe/Copenhagen:20260704T120000"],
        ),
        ({"start": "2026-07-04T12:00:00+02:00"}, ["DTSTART:20260704T100000Z"]),
    ],
)
async def test_times(client: Client, event: Any, lines: list[str]) -> None:
    found = await client.event_lines({"uid": "a", **event})
    assert [line for line in found if line != "UID:a"] == lines


async def test_changes(client: Client) -> None:
    async def uids() -> list[str]:
        return [x for x in (await client.get()).lines if x.startswith("UID:")]

    other = MEETING | {"uid": "other"}
    change = other | {"recurrence_id": "2026-07-02T12:00:00Z"}
    await client.control(data={"clear": True, "events": [MEETING, other, change]})
    assert await uids() == ["UID:meeting@example.com", "UID:other", "UID:other"]
    await client.control(data={"events": [MEETING | {"summary": "Replaced"}]})
    assert await uids() == ["UID:meeting@example.com", "UID:other", "UID:other"]
    assert "SUMMARY:Replaced" in (await client.get()).lines
    await client.control(data={"remove": ["other"], "name": "Hall", "lines": ["X-A:b"]})
    assert await uids() == ["UID:meeting@example.com"]
    assert {"X-WR-CALNAME:Hall", "X-A:b"} <= set((await client.get()).lines)
    await client.control(reset=True)
    assert len(await uids()) == 4


async def test_raw(client: Client) -> None:
    usual = (await client.get()).text
    await client.control(data={"raw": "BEGIN:VCALENDAR\nå"})
    reply = await client.get()
    assert (reply.text, reply.kind) == ("BEGIN:VCALENDAR\nå", "text/calendar")
    await client.control(data={"raw": None})
    assert (await client.get()).text == usual


@pytest.mark.parametrize(
    "data",
    [
        {"bookings": []},
        {"remove": ["nobody"]},
        {"events": [{"uid": "a"}]},
        {"events": [{"start": "2026-07-04"}]},
        {"events": [{"uid": "a", "start": "next Tuesday"}]},
        {"events": [{"uid": "a", "start": "next T"}]},
        {"events": [{"uid": "a", "start": "2026-07-04", "begin": "2026-07-04"}]},
        {"events": [{"uid": "a", "start": "2026-07-04", "organizer": {"name": "Ann"}}]},
        {"events": ["a"]},
    ],
)
async def test_data_without_sense(client: Client, data: Any) -> None:
    assert await client.control(data=data) == 400
    assert len(client.sim.events) == 4


async def test_faults(client: Client) -> None:
    """Each does what it is called after, as often as it was wished for."""
    usual = (await client.get()).text
    tag = (await client.get()).headers["ETag"]

    async def faulty(kind: str) -> Reply:
        assert await client.control(fault={"kind": kind, "times": 1}) == 200
        reply = await client.get(headers={"If-None-Match": tag})
        assert (reply.status, "ETag" in reply.headers) == (200, False)
        return reply

    empty = await faulty("empty")
    assert IcsCalendarStream.calendar_from_ics(empty.text).events == []
    assert empty.lines[-2] == "END:VCALENDAR"
    partial = await faulty("partial")
    assert usual.startswith(partial.text)
    assert "BEGIN:VEVENT" in partial.text
    assert "END:VCALENDAR" not in partial.text
    duplicate = await faulty("duplicate")
    assert duplicate.text.count("UID:soon@") == duplicate.text.count("UID:day@") == 2
    bad = await faulty("bad_event")
    assert "DTSTART:next Tuesday" in bad.lines
    assert bad.text.count("BEGIN:VEVENT") == 5
    shape = await faulty("wrong_shape")
    assert (shape.kind, shape.text) == ("application/json", '{"events": []}')
    assert (await client.get()).text == usual
    assert await client.control(fault={"kind": "unheard of"}) == 400
