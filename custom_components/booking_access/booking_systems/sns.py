"""Amazon SNS, by which vendors bring their news: messages that prove their origin.

A message is signed over its fields by a certificate of Amazon's; both the certificate
and the address that confirms a subscription are read from Amazon alone.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
import re
from typing import Final

from aiohttp import ClientSession
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.x509 import load_pem_x509_certificate
from yarl import URL

from ..engine.models import ContractError
from ..push import PushRefused, json_of
from ..transport import Answer, raise_for_status, request
from .wire import text_of

NOTIFICATION: Final = "Notification"
CONFIRMATION: Final = "SubscriptionConfirmation"
# What is signed, in this order, by the kind of message.
_ASKED: Final = ("Message", "MessageId", "SubscribeURL")
_SIGNED: Final = {
    NOTIFICATION: ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    **dict.fromkeys(
        (CONFIRMATION, "UnsubscribeConfirmation"),
        (*_ASKED, "Timestamp", "Token", "TopicArn", "Type"),
    ),
}
_FIELDS: Final = {
    *("Signature", "SignatureVersion", "SigningCertURL"),
    *(name for names in _SIGNED.values() for name in names),
}
_HASHES: Final[dict[str, HashAlgorithm]] = {"1": SHA1(), "2": SHA256()}  # noqa: S303 - what Amazon signs with
_HOST: Final = re.compile(r"sns\.[a-z0-9-]+\.amazonaws\.com", re.ASCII)
# Amazon changes its certificate now and then; nobody may make us keep many.
_KEYS: Final = 8
_REMEMBERED: Final = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A message as it came, yet to be verified."""

    kind: str
    id: str
    topic: str
    subject: str
    text: str = field(repr=False)
    subscribe_url: str = field(repr=False)
    certificate_url: str
    signature: bytes = field(repr=False)
    hash: HashAlgorithm
    signed: bytes = field(repr=False)


class Sns:
    """Verifies messages, and knows which have been taken."""

    def __init__(self, session: ClientSession) -> None:
        """Start without a certificate."""
        self._session = session
        self._keys: OrderedDict[str, RSAPublicKey] = OrderedDict()
        self._taken: OrderedDict[str, None] = OrderedDict()

    async def verify(self, message: Message) -> None:
        """Raise PushRefused unless the message is signed by Amazon."""
        key = await self._key(message.certificate_url)
        try:
            key.verify(message.signature, message.signed, PKCS1v15(), message.hash)
        except InvalidSignature as err:
            raise _forbidden("The signature is not right.") from err

    async def confirm(self, message: Message) -> None:
        """Confirm a subscription, as its verified message asks."""
        answer = await self._fetch(message.subscribe_url)
        raise_for_status(answer)

    def is_taken(self, message: Message) -> bool:
        """Whether a message came before, and all went well."""
        return message.id in self._taken

    def take(self, message: Message) -> None:
        """Remember that all went well."""
        self._taken[message.id] = None
        if len(self._taken) > _REMEMBERED:
            self._taken.popitem(last=False)

    async def _key(self, url: str) -> RSAPublicKey:
        """Return the key of a certificate."""
        if (known := self._keys.get(url)) is not None:
            return known
        answer = await self._fetch(url)
        raise_for_status(answer)
        try:
            key = load_pem_x509_certificate(answer.body).public_key()
        except ValueError as err:
            raise ContractError("SigningCertURL") from err
        if not isinstance(key, RSAPublicKey):
            raise ContractError("SigningCertURL")
        self._keys[url] = key
        if len(self._keys) > _KEYS:
            self._keys.popitem(last=False)
        return key

    async def _fetch(self, text: str) -> Answer:
        """Read from Amazon, and from nobody else: redirects are not followed."""
        return await request(self._session, "GET", amazon_url(text))


def read_message(body: bytes) -> Message:
    """Read the fields of a message; raises PushRefused if one is missing or unknown."""
    record = json_of(body)
    if not isinstance(record, dict):
        raise _bad("The body is no message.")
    try:
        said = {name: text_of(record, name) for name in _FIELDS}
    except ContractError as err:
        raise _bad(f"{err.field} is no text.") from err
    kind = _needed(said, "Type")
    if kind not in _SIGNED:
        raise _bad("This type of message is not known.")
    version = said.get("SignatureVersion") or "1"
    if version not in _HASHES:
        raise _bad("This version of signatures is not known.")
    try:
        signature = b64decode(_needed(said, "Signature"), validate=True)
    except Base64Error as err:
        raise _bad("Signature is not Base64.") from err
    return Message(
        kind=kind,
        id=_needed(said, "MessageId"),
        topic=_needed(said, "TopicArn"),
        subject=said.get("Subject") or "",
        text=_needed(said, "Message"),
        subscribe_url=_needed(said, "SubscribeURL") if kind == CONFIRMATION else "",
        certificate_url=str(amazon_url(_needed(said, "SigningCertURL"))),
        signature=signature,
        hash=_HASHES[version],
        signed="".join(
            f"{name}\n{record[name]}\n"
            for name in _SIGNED[kind]
            if record.get(name) is not None
        ).encode(),
    )


def amazon_url(text: str) -> URL:
    """Return an address of SNS itself; raises PushRefused for any other."""
    try:
        url = URL(text)
        plain = url.scheme == "https" and url.port == 443 and url.user is None
    except ValueError:
        plain = False
    if not plain or not _HOST.fullmatch(url.host or ""):
        raise _forbidden("This address is not Amazon's.")
    return url


def _needed(said: dict[str, str | None], name: str) -> str:
    """Return a field that must be there."""
    if not (value := said.get(name)):
        raise _bad(f"{name} is missing.")
    return value


def _bad(why: str) -> PushRefused:
    """Return why a body is no message."""
    return PushRefused(HTTPStatus.BAD_REQUEST, why)


def _forbidden(why: str) -> PushRefused:
    """Return why a message is not believed."""
    return PushRefused(HTTPStatus.FORBIDDEN, why)
