"""Tests of what Clock PMS+ tells us by itself, with messages signed as Amazon signs them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
import json
import logging
import socket
import ssl
from typing import Any

from aiohttp import ClientSession, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.booking_systems import sns
from custom_components.booking_access.booking_systems.clock_pms import ClockPms
from custom_components.booking_access.engine.models import (
    Booking,
    BookingStatus,
    ConnectionFailed,
    ContractError,
    MissingRight,
)
from custom_components.booking_access.push import CONF_WEBHOOK_ID, Push, PushRefused
from simulators import amazon
from simulators.amazon import CERTIFICATE, HOST, Amazon, Record
from simulators.clock_pms import ClockSimulator

from .test_clock_pms import NOW, START, STAY, book, change, listed, settings_of

ENDPOINT = "https://home.example.org/api/webhook/our-own-id"


class ToLoopback(AbstractResolver):
    """Leads Amazon's name to its stand-in, and knows no other."""

    def __init__(self, port: int) -> None:
        """Know where that is."""
        self.port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Answer for one name."""
        assert host == HOST
        return [
            ResolveResult(
                hostname=host,
                host="127.0.0.1",
                port=self.port,
                family=socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def simulator(session: ClientSession) -> AsyncIterator[ClockSimulator]:
    """A hotel whose webhook is confirmed, and Amazon beside it."""
    running = ClockSimulator(now=NOW, calls_a_second=10_000)
    async with running, running.amazon:
        wish = {"clear": True, "rooms": [{"id": 101, "name": "101"}]}
        running.control(wish | {"subscribe": ENDPOINT, "confirm": True})
        yield running


@pytest.fixture
async def client(simulator: ClockSimulator) -> AsyncIterator[ClockPms]:
    """A client that finds Amazon on loopback, and believes its certificate."""
    trusted = ssl.create_default_context(cadata=amazon.certificate().decode())
    connector = TCPConnector(resolver=ToLoopback(simulator.amazon.port), ssl=trusted)
    async with ClientSession(connector=connector) as session:
        settings = {CONF_WEBHOOK_ID: "our-own-id", "secret": "x"}
        yield ClockPms(session, settings_of(simulator, **settings))


async def bring(
    client: ClockPms, record: Record | bytes, known: dict[str, Booking] | None = None
) -> Push:
    """Bring a message."""
    body = record if isinstance(record, bytes) else json.dumps(record).encode()
    return await client.parse_push({}, body, known or {})


async def refused(client: ClockPms, record: Record | bytes) -> int:
    """Bring a message that is refused; return the status of the answer."""
    with pytest.raises(PushRefused) as info:
        await bring(client, record)
    return info.value.status


def news(simulator: ClockSimulator, id_: int = 501, **changes: Any) -> Record:
    """Return a message about a booking."""
    subject = changes.pop("subject", "booking_update")
    return simulator.amazon.notification(subject, {"booking_id": id_})


# What comes of it


@pytest.mark.parametrize("version", ["1", "2"])
async def test_a_booking_is_read_again(
    client: ClockPms, simulator: ClockSimulator, version: str
) -> None:
    """It alone, whichever signature the message has."""
    simulator.amazon.version = version
    book(simulator)
    await listed(client)
    simulator.queries.clear()
    change(simulator, current_room_id=102)
    push = await bring(client, news(simulator))
    assert [(b.id, b.resource_id) for b in push.bookings] == [("501", "102")]
    assert not push.asks
    paths = [path.rpartition("/")[2] for path in simulator.queries]
    assert paths == ["webhook_subscription", "501"]
    assert simulator.amazon.requests == [CERTIFICATE]
    # What is known of the topic and the certificate is not asked for again.
    await bring(client, news(simulator))
    assert len(simulator.queries) == 3
    assert simulator.amazon.requests == [CERTIFICATE]


@pytest.mark.parametrize(
    "subject",
    ["booking_new", "booking_checked_out", "booking_guests_update", "booking_x"],
)
async def test_any_news_of_a_booking(
    client: ClockPms, simulator: ClockSimulator, subject: str
) -> None:
    """Whatever it is called; the booking itself tells the rest."""
    await listed(client)
    book(simulator, status="canceled")
    push = await bring(client, news(simulator, subject=subject))
    assert [booking.status for booking in push.bookings] == [BookingStatus.CANCELLED]


@pytest.mark.parametrize("subject", ["folio_update", "housekeeping_changed", None])
async def test_other_news(
    client: ClockPms, simulator: ClockSimulator, subject: str | None
) -> None:
    """They are none of ours."""
    record = simulator.amazon.notification(subject, {"folio_id": 3})
    assert await bring(client, record) == Push()


@pytest.mark.parametrize(
    "message", [{}, [], {"booking_id": "../rooms"}, {"booking_id": []}, "x"]
)
async def test_news_that_do_not_say_of_what(
    client: ClockPms, simulator: ClockSimulator, message: object
) -> None:
    """Then all are asked for that changed."""
    record = simulator.amazon.notification("booking_update", message)
    assert await bring(client, record) == Push(asks=True)


async def test_news_come_twice(client: ClockPms, simulator: ClockSimulator) -> None:
    """Once is enough."""
    book(simulator)
    await listed(client)
    record = news(simulator)
    assert (await bring(client, record)).bookings
    simulator.queries.clear()
    assert await bring(client, record) == Push()
    assert simulator.queries == []


async def test_news_that_could_not_be_looked_up_may_come_again(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """And the next poll reads the booking in any case."""
    await listed(client)
    book(simulator)
    record = news(simulator)
    simulator.fault("500", path="bookings/501", times=1)
    with pytest.raises(ConnectionFailed):
        await bring(client, record)
    assert (await listed(client)).bookings
    assert (await bring(client, record)).bookings


async def test_many_messages(
    client: ClockPms, simulator: ClockSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not all are remembered for ever."""
    monkeypatch.setattr(sns, "_REMEMBERED", 2)
    book(simulator)
    await listed(client)
    records = [news(simulator) for _ in range(3)]
    for record in records:
        await bring(client, record)
    assert (await bring(client, records[0])).bookings
    assert not (await bring(client, records[2])).bookings


# Bookings that are not simply there


async def test_a_booking_that_is_gone(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """A 404 alone is no cancellation: the list is looked at."""
    book(simulator)
    known = {booking.id: booking for booking in (await listed(client)).bookings}
    simulator.control({"remove_bookings": [501]})
    assert await bring(client, news(simulator), known) == Push(asks=True)
    simulator.queries.clear()
    assert (await listed(client)).bookings == ()
    assert [path for path in simulator.queries if "arrival.lt" in path]
    assert await bring(client, news(simulator)) == Push()


async def test_a_booking_without_a_room(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is no news unless it had one."""
    await listed(client)
    book(simulator, current_room_id=None, arrival_room_id=None)
    assert await bring(client, news(simulator)) == Push()
    booking = Booking(id="501", resource_id="101", start=NOW, end=NOW)
    assert await bring(client, news(simulator), {"501": booking}) == Push(asks=True)


async def test_a_booking_of_another_room(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is gone from our rooms, if it was there."""
    await listed(client)
    book(simulator, current_room_id=250)
    assert await bring(client, news(simulator)) == Push()
    booking = Booking(id="501", resource_id="101", start=NOW, end=NOW)
    push = await bring(client, news(simulator), {"501": booking})
    assert [each.status for each in push.bookings] == [BookingStatus.CANCELLED]
    assert push.bookings[0].resource_id == "250"


async def test_a_booking_of_next_year(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It comes when its time comes; one that was moved there is told."""
    await listed(client)
    book(simulator, arrival="2027-12-01", departure="2027-12-02")
    assert await bring(client, news(simulator)) == Push()
    booking = Booking(id="501", resource_id="101", start=NOW, end=NOW)
    push = await bring(client, news(simulator), {"501": booking})
    assert push.bookings[0].start.year == 2027


async def test_news_before_the_first_poll(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """No room was asked for yet, so it changes nothing, and is not lost."""
    book(simulator)
    assert await bring(client, news(simulator)) == Push()
    window = (START, NOW + timedelta(days=14))
    assert (await client.list_bookings(["101"], *window)).bookings


async def test_a_booking_that_cannot_be_read(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is told as a problem."""
    await listed(client)
    book(simulator, status="unheard of")
    push = await bring(client, news(simulator))
    assert [(each.item, each.field) for each in push.problems] == [
        ("booking 501", "status")
    ]


# Who sent it


@pytest.mark.parametrize(
    "changes",
    [
        {"Message": '{"booking_id": 502}'},
        {"MessageId": "another"},
        {"Subject": "booking_new"},
        {"Subject": None},
        {"Timestamp": "2026-11-22T08:00:00.000Z"},
        {"SignatureVersion": "2"},
        {"Signature": "AAAA"},
    ],
)
async def test_a_message_that_was_changed(
    client: ClockPms, simulator: ClockSimulator, changes: dict[str, Any]
) -> None:
    """The signature covers all that matters."""
    assert await refused(client, news(simulator) | changes) == 403
    assert simulator.queries == []


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}{CERTIFICATE}",
        f"https://{HOST}:8443{CERTIFICATE}",
        f"https://user@{HOST}{CERTIFICATE}",
        f"https://{HOST}.example.org{CERTIFICATE}",
        f"https://example.org/{HOST}{CERTIFICATE}",
        f"https://sns.eu-west-1.x.amazonaws.com{CERTIFICATE}",
        f"https://sns.amazonaws.com{CERTIFICATE}",
        f"https://s3.amazonaws.com{CERTIFICATE}",
        f"https://127.0.0.1{CERTIFICATE}",
        "https://[",
        "file:///etc/passwd",
    ],
)
async def test_certificates_come_from_amazon_alone(
    client: ClockPms, simulator: ClockSimulator, url: str
) -> None:
    """No other server is asked for one, nor for a confirmation."""
    assert await refused(client, news(simulator) | {"SigningCertURL": url}) == 403
    simulator.control({"subscribe": ENDPOINT})
    record = simulator.amazon.confirmation()
    record = simulator.amazon.sign(record | {"SubscribeURL": url})
    assert await refused(client, record) == 403
    assert simulator.amazon.requests in ([], [CERTIFICATE])


@pytest.mark.parametrize(
    "field", sorted(sns._FIELDS - {"Subject", "SubscribeURL", "Token"})
)
async def test_a_field_is_missing(
    client: ClockPms, simulator: ClockSimulator, field: str
) -> None:
    """It is no message then; without a version it is the first."""
    record = news(simulator)
    del record[field]
    if field == "SignatureVersion":
        await bring(client, record)
        return
    assert await refused(client, record) in (400, 403)


@pytest.mark.parametrize(
    "changes",
    [
        {"Type": "Advertisement"},
        {"Type": "SubscriptionConfirmation"},
        {"SignatureVersion": "3"},
        {"Signature": "no base 64!"},
        {"MessageId": {}},
    ],
)
async def test_messages_of_another_kind(
    client: ClockPms, simulator: ClockSimulator, changes: dict[str, Any]
) -> None:
    """They are told that they are not understood."""
    assert await refused(client, news(simulator) | changes) == 400


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"<html>", b"3"])
async def test_no_message(client: ClockPms, body: bytes) -> None:
    """Nor is that."""
    assert await refused(client, body) == 400


async def test_attributes_do_no_harm(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """They are not signed, and not looked at."""
    record = news(simulator) | {"MessageAttributes": {"x": {"Type": "String"}}}
    assert await bring(client, record) == Push()


@pytest.mark.parametrize("kind", ["no certificate", "another kind of key", "404"])
async def test_certificates_that_are_none(
    client: ClockPms,
    simulator: ClockSimulator,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """The message can come again."""
    body = b"<html>" if kind == "no certificate" else _elliptic()
    record = news(simulator)
    if kind == "404":
        record["SigningCertURL"] = f"https://{HOST}/other.pem"
    monkeypatch.setattr(amazon, "certificate", lambda: body)
    with pytest.raises(ConnectionFailed if kind == "404" else ContractError):
        await bring(client, record)


def _elliptic() -> bytes:
    """Return a certificate with a key of another kind."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = amazon.x509.Name([])
    made = amazon.x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,
        not_valid_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(2120, 1, 1, tzinfo=UTC),
    ).sign(key, amazon.hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM)


async def test_many_certificates(
    client: ClockPms, simulator: ClockSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody makes us keep many."""
    monkeypatch.setattr(sns, "_KEYS", 1)
    for end in ("?1", "?2", "?1"):
        record = news(simulator)
        record["SigningCertURL"] += end
        await bring(client, record)
    assert len(simulator.amazon.requests) == 3


# The topic


async def test_another_topic(
    client: ClockPms, simulator: ClockSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Amazon signs for everybody; Clock is not asked about strangers again and again."""
    stranger = Amazon(simulator.amazon.topic + "S")
    assert await refused(client, stranger.notification("booking_new", {})) == 403
    assert await refused(client, stranger.notification("booking_new", {})) == 403
    assert len(simulator.queries) == 1
    freezer.tick(61)
    assert await refused(client, stranger.notification("booking_new", {})) == 403
    assert len(simulator.queries) == 2
    freezer.tick(61)
    await bring(client, news(simulator))
    assert await refused(client, stranger.notification("booking_new", {})) == 403
    await bring(client, news(simulator))


async def test_no_subscription(client: ClockPms, simulator: ClockSimulator) -> None:
    """Nothing is believed then."""
    simulator.control({"subscribe": None})
    assert await refused(client, news(simulator)) == 403


async def test_the_right_to_the_subscription_is_missing(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """The topic cannot be known, so the message has to wait."""
    simulator.control({"rights": ["base_api_webhook_subscription_show"]})
    with pytest.raises(MissingRight) as info:
        await bring(client, news(simulator))
    assert info.value.right == "base_api_webhook_subscription_show"


@pytest.mark.parametrize("pending_arn", [None, "PendingConfirmation", "told"])
async def test_a_subscription_is_confirmed(
    client: ClockPms, simulator: ClockSimulator, pending_arn: str | None
) -> None:
    """Whatever Clock knows of it before; news are believed from then on."""
    simulator.control({"subscribe": ENDPOINT, "pending_arn": pending_arn})
    record = simulator.amazon.confirmation()
    assert (await bring(client, record)).answer == {"confirmed": True}
    assert simulator.amazon.confirmed == [record["Token"]]
    simulator.control({"confirm": True})
    await bring(client, news(simulator))


@pytest.mark.parametrize(
    ("endpoint", "confirm"),
    [
        ("https://example.org/api/webhook/another", False),
        (ENDPOINT, True),
        (None, False),
    ],
)
async def test_a_confirmation_that_nobody_waits_for(
    client: ClockPms, simulator: ClockSimulator, endpoint: str | None, confirm: bool
) -> None:
    """It leads elsewhere, is of another topic than Clock's, or there is none."""
    simulator.control({"subscribe": endpoint, "confirm": confirm})
    stranger = Amazon(simulator.amazon.topic + "S")
    stranger.port = simulator.amazon.port
    assert await refused(client, stranger.confirmation()) == 403
    assert simulator.amazon.confirmed == []


async def test_news_of_a_subscription_that_is_not_confirmed(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """There are none."""
    simulator.control({"subscribe": ENDPOINT})
    assert await refused(client, news(simulator)) == 403


async def test_a_confirmation_that_amazon_refuses(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is sent again, and tried again."""
    simulator.control({"subscribe": ENDPOINT})
    record = simulator.amazon.confirmation()
    simulator.amazon.tokens.clear()
    with pytest.raises(ConnectionFailed):
        await bring(client, record)


async def test_the_end_of_a_subscription(
    client: ClockPms, simulator: ClockSimulator
) -> None:
    """It is taken note of; nothing is confirmed or dropped."""
    record = simulator.amazon.confirmation() | {"Type": "UnsubscribeConfirmation"}
    assert await bring(client, simulator.amazon.sign(record)) == Push()
    assert simulator.amazon.requests == [CERTIFICATE]
    assert {method for method, _ in simulator.requests} == {"GET"}


async def test_nothing_personal_is_logged(
    client: ClockPms, simulator: ClockSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor any secret of the subscription."""
    caplog.set_level(logging.DEBUG)
    book(simulator)
    await listed(client)
    await bring(client, news(simulator))
    message = sns.read_message(json.dumps(simulator.amazon.confirmation()).encode())
    seen = caplog.text + repr(message) + repr(client._news)
    words = ("Holm", STAY["guest_phone_number"], message.subscribe_url, "our-own-id")
    assert not [word for word in words if word in seen]
