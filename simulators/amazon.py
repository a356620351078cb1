"""Amazon SNS as far as vendors use it: topics that sign, one subscriber, a certificate.

Nobody but Amazon answers at ``sns.eu-west-1.amazonaws.com``: tests that want the real
thing lead that name to this server with a resolver, and trust its certificate.
"""

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
import json
from pathlib import Path
import ssl
from tempfile import TemporaryDirectory
from typing import Any, Final, Self
from uuid import uuid4

from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

HOST: Final = "sns.eu-west-1.amazonaws.com"
CERTIFICATE: Final = "/SimpleNotificationService-5f3a1b2c.pem"
_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "1": hashes.SHA1(),
    "2": hashes.SHA256(),
}
_NOTIFIED: Final = (
    *("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
)
_ASKED: Final = (
    *("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"),
    "Type",
)

type Record = dict[str, Any]


@cache
def signing_key() -> rsa.RSAPrivateKey:
    """Return the key of all simulated topics; to make one takes a moment."""
    return rsa.generate_private_key(65537, 2048)


@cache
def certificate() -> bytes:
    """Return the certificate of the key, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(signing_key().public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), False)
        .sign(signing_key(), hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


class Amazon:
    """The topic of one vendor, and its HTTPS server on loopback."""

    def __init__(self, topic: str) -> None:
        """Have no subscriber yet."""
        self.topic = topic
        self.version = "1"
        self.tokens: set[str] = set()
        self.confirmed: list[str] = []
        self.requests: list[str] = []
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        """Listen on any free port of loopback."""
        app = web.Application()
        app.router.add_get(CERTIFICATE, self._certificate)
        app.router.add_get("/", self._confirm)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=_server_side())
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        if self._runner:
            await self._runner.cleanup()

    async def _certificate(self, request: web.Request) -> web.Response:
        """Answer the certificate."""
        self.requests.append(request.raw_path)
        return web.Response(body=certificate(), content_type="text/plain")

    async def _confirm(self, request: web.Request) -> web.Response:
        """Confirm a subscription, to whoever has the token."""
        self.requests.append(request.raw_path)
        token = request.query.get("Token", "")
        asked = (request.query.get("Action"), request.query.get("TopicArn"))
        if asked != ("ConfirmSubscription", self.topic) or token not in self.tokens:
            return web.Response(status=400, text="<ErrorResponse/>")
        self.confirmed.append(token)
        return web.Response(text="<ConfirmSubscriptionResponse/>")

    def notification(self, subject: str | None, message: object) -> Record:
        """Return a signed message about an event."""
        record = self._record("Notification", json.dumps(message))
        if subject is not None:
            record["Subject"] = subject
        return self.sign(record | {"UnsubscribeURL": f"https://{HOST}/?Action=No"})

    def confirmation(self) -> Record:
        """Return the signed message that asks whether a subscription is wanted."""
        record = self._record("SubscriptionConfirmation", "Please confirm.")
        record["Token"] = token = uuid4().hex
        self.tokens.add(token)
        query = f"Action=ConfirmSubscription&TopicArn={self.topic}&Token={token}"
        record["SubscribeURL"] = f"https://{HOST}/?{query}"
        return self.sign(record)

    def sign(self, record: Record) -> Record:
        """Return a message with its signature, whatever it says."""
        names = _NOTIFIED if record["Type"] == "Notification" else _ASKED
        text = "".join(f"{name}\n{record[name]}\n" for name in names if name in record)
        signature = signing_key().sign(
            text.encode(), padding.PKCS1v15(), _HASHES[self.version]
        )
        return {
            **record,
            "SignatureVersion": self.version,
            "Signature": b64encode(signature).decode(),
            "SigningCertURL": f"https://{HOST}{CERTIFICATE}",
        }

    def _record(self, kind: str, message: str) -> Record:
        """Return what all messages say."""
        return {
            "Type": kind,
            "MessageId": str(uuid4()),
            "TopicArn": self.topic,
            "Message": message,
            "Timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        }


async def deliver(session: ClientSession, endpoint: str, record: Record) -> int:
    """Bring a message to a subscriber as SNS does; return the status of its answer."""
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "x-amz-sns-message-type": record["Type"],
    }
    body = json.dumps(record)
    async with session.post(endpoint, data=body, headers=headers) as answer:
        return answer.status


def _server_side() -> ssl.SSLContext:
    """Return what the server needs to be believed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    key = signing_key().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with TemporaryDirectory() as folder:  # ssl reads files alone
        path = Path(folder) / "both.pem"
        path.touch(0o600)
        path.write_bytes(key + certificate())
        context.load_cert_chain(path)
    return context
