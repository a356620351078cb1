"""Systems that post bookings in a JSON of our own to the address of their account.

The contract is ours, and described in docs/systems/webhook.md.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
import hashlib
import hmac
from http import HTTPStatus
from typing import ClassVar, Final, override
from zoneinfo import ZoneInfo

from ..engine.models import Account, Booking, Problem
from ..forms import Field
from ..push import (
    CONF_SECRET,
    CONF_WEBHOOK_ID,
    Push,
    PushRefused,
    check_secret,
    json_of,
    refuse_fields,
    told,
)
from .fed import FedSystem
from .pushed import Dialect, read_bookings, records_of

# More than that is no longer one change, but somebody's whole year.
MAX_RECORDS: Final = 5000
# Where senders put the HMAC-SHA256 of the body, in hex, perhaps after "sha256=".
SIGNATURES: Final = (
    "X-Booking-Access-Signature",
    "X-Hub-Signature-256",
    "X-Cal-Signature-256",
    "X-Signature-256",
    "X-Signature",
)


class PostedSystem(FedSystem):
    """What posts its bookings to the address of the account."""

    form: ClassVar = (Field(name="name"),)
    push_header: ClassVar = "X-Booking-Access-Secret"

    @property
    def dialect(self) -> Dialect:
        """How the senders of this system write."""
        return Dialect(zone=ZoneInfo(self.settings["time_zone"]))

    @override
    async def validate(self) -> Account:
        """Return the account; its address is all that makes it."""
        return Account(id=self.settings[CONF_WEBHOOK_ID], title=self.settings["name"])

    @override
    async def parse_push(
        self, headers: Mapping[str, str], body: bytes, known: Mapping[str, Booking]
    ) -> Push:
        """Return the bookings of a request that proves to come from the sender."""
        self._check_sender(headers, body)
        return read_push(body, known, self.dialect)

    def _check_sender(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raise PushRefused unless the secret is there, or signed the body."""
        secret = self.settings[CONF_SECRET]
        signature = next((headers[n] for n in SIGNATURES if n in headers), None)
        if signature is None:
            check_secret(headers, self.push_header, secret)
            return
        wanted = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        given = signature.removeprefix("sha256=").strip().lower()
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise PushRefused(HTTPStatus.FORBIDDEN, "The signature is not right.")


def read_push(body: bytes, known: Mapping[str, Booking], dialect: Dialect) -> Push:
    """Return the bookings of a body; raises PushRefused if none can be used."""
    payload = json_of(body)
    if len(records_of(payload)) > MAX_RECORDS:
        raise PushRefused(
            HTTPStatus.CONTENT_TOO_LARGE, f"These are more than {MAX_RECORDS} bookings."
        )
    read = list(read_bookings(payload, known, dialect, datetime.now(UTC)))
    bookings = tuple(each for each in read if isinstance(each, Booking))
    problems = tuple(each for each in read if isinstance(each, Problem))
    if problems and not bookings:
        raise refuse_fields(problems)
    answer = {"taken": len(bookings), "problems": told(problems)}
    return Push(bookings=bookings, problems=problems, answer=answer)
