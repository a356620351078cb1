"""What goes over the wire of a Messenger PMS web service, and what its faults mean."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from hashlib import sha256
import re
from typing import Any, Final
from uuid import uuid4

from ..engine.models import Person
from .soap import Node

HEADER: Final = "AuthHeader"
FRESH: Final = timedelta(minutes=5)
RESERVATION_LENGTH: Final = 12
LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that look alike


class Meaning(StrEnum):
    """What a fault means to us; the value is the reason that people are told."""

    AUTH = "auth_failed"
    BUSY = "busy"
    LOST = "no_confirmation"
    NOT_FOUND = "no_reservation"
    CHECKED_OUT = "checked_out"
    EXPIRED = "reservation_expired"
    NOTHING_TO_DO = "nothing_to_do"
    OFFLINE = "lock_offline"
    NO_MORE_KEYS = "no_more_keys"
    BLOCKED = "access_blocked"
    PRESENT_CARD = "present_card"
    CARD_PROBLEM = "card_problem"
    UNKNOWN_ROOM = "unknown_room"
    UNKNOWN_ENCODER = "unknown_encoder"
    UNKNOWN_PASS_LEVEL = "unknown_pass_level"  # noqa: S105 - no password
    UNKNOWN_TERMINAL = "unknown_terminal"
    PHONE_MISSING = "phone_missing"
    PHONE_INVALID = "phone_invalid"
    PHONE_UNREACHABLE = "phone_unreachable"
    DATES_REFUSED = "dates_refused"
    UNSUPPORTED = "unsupported_server"
    REFUSED = "refused"


# Names of faults, as the WSDL lists them.
FAULTS: Final[Mapping[Meaning, str]] = {
    Meaning.AUTH: (
        "UserCredentialsNotProvided AuthHeaderNotRecognized PasswordInvalid "
        "InsufficientPasswordLength TransactionUnauthorized ATLASInvalidAuthorization "
        "KABALodgingInterfaceCredentialError"
    ),
    Meaning.BUSY: (
        "BusyProcessingPreviousRequest EncoderBusy VIP_EncoderBusy "
        "UnableToRegisterSessionForPMSTerminalID IRSConnectionLost "
        "InternalSystemStartupBusy InternalSystemBusyClearing "
        "InternalSoftwareBusyArchiving"
    ),
    Meaning.LOST: (
        "MessengerPMSServiceNoResponse RequestTimeoutNoResponse CallerRequestWasLost "
        "TransactionRequestWasLost TimeoutWaitingResponse TimeoutGeneralComError "
        "EncoderNoResponse EncoderNotResponding ExceptionFault ExceptionRequestFailed"
    ),
    Meaning.NOT_FOUND: (
        "ReservationNotFound ReservationNoInvalid "
        "UnassignDuplicateToNoneExistingReservation"
    ),
    Meaning.CHECKED_OUT: "ReservationCheckedOut",
    Meaning.EXPIRED: "ReservationHasExpired",
    Meaning.NOTHING_TO_DO: "NoActionRequired",
    Meaning.OFFLINE: "RoomOFFLine UnableToSendMessageToLock",
    Meaning.NO_MORE_KEYS: "MaxDuplicatesMadeReached",
    Meaning.BLOCKED: "ReservationNoSuspended",
    Meaning.PRESENT_CARD: (
        "TimeoutWaitingKey VIP_NO_CARD_PRESENT VIP_NO_TAGS_FOUND ATLASCardNotInserted"
    ),
    Meaning.CARD_PROBLEM: (
        "KeyJammed KeyMaybeDamaged KeyNotFaceUp VIP_TOO_MUCH_CARDS "
        "VIP_CARD_AUTH_FAILED VIP_CARD_NOT_FORMATED VIP_UNKNOWN_CARD_FORMAT "
        "VIP_NO_FREE_SECTORS VIP_INVALID_SECTOR"
    ),
    Meaning.UNKNOWN_ROOM: "RoomNumberNotFound RoomNameNotSet ATLASInvalidRoomNo",
    Meaning.UNKNOWN_ENCODER: (
        "EncoderNotOnlineOrNotExist InvalidEncoderNumber "
        "TransactionEncoderNumberOutOfRange VIP_ENCODER_CONNECT_FAILED"
    ),
    Meaning.UNKNOWN_PASS_LEVEL: (
        "PassNumberIsInvalid InvalidPassNumber InvalidPassOption MustProvidePassLevelNo"
    ),
    Meaning.UNKNOWN_TERMINAL: "InvalidPMSTerminalNumber",
    Meaning.PHONE_MISSING: "EmptyPhoneNumber",
    Meaning.PHONE_INVALID: "PhoneNumberTooSmall",
    Meaning.PHONE_UNREACHABLE: "UnableToDeliverToPhone",
    Meaning.DATES_REFUSED: (
        "InvalidPMSRequestDate InvalidPMSRequestTime KeyExpirationInPast "
        "CheckoutDateLessThanSystemDate ConfirmExpireBeforeCheckout"
    ),
    # The last two are what servers say to an operation that they do not have.
    Meaning.UNSUPPORTED: (
        "OperationNotSupported KABALodgingInterfaceOperationNotSupported "
        "ActionNotSupported SOAPAction"
    ),
}
_MEANINGS: Final = {
    name.casefold(): meaning
    for meaning, names in FAULTS.items()
    for name in names.split()
}
# How servers may say otherwise that they do not know who asks; of a card is another
# matter.
_WHO_ASKS: Final = re.compile(
    r"password|credential|unauthori[sz]ed|not ?authori[sz]ed"
    r"|(?<!card)(?<!card )authentication ?(failed|error|required)|log[io]n ?failed",
    re.IGNORECASE,
)


def meaning_of(texts: Collection[str]) -> Meaning:
    """Return what a fault means: by a name in its texts, or a text that is one in words."""
    for text in texts:
        in_words = re.sub(r"\W", "", text)
        for word in (*re.findall(r"\w+", text), in_words):
            if meaning := _MEANINGS.get(word.casefold()):
                return meaning
    is_stranger = any(map(_WHO_ASKS.search, texts))
    return Meaning.AUTH if is_stranger else Meaning.REFUSED


def fault_texts(fault: Node) -> tuple[str, ...]:
    """Return what a fault says, of either kind, and wherever it says it."""
    return tuple(each.text for each in fault if each.text)


def is_true(text: str) -> bool:
    """Read a boolean of XML Schema."""
    return text.casefold() in ("true", "1")


def local_time(instant: datetime, zone: tzinfo) -> datetime:
    """Return what the clock at the property shows, in whole seconds.

    In the hour that comes twice it is the server that decides which one is meant.
    """
    return instant.astimezone(zone).replace(tzinfo=None, microsecond=0)


def short_reservation(reservation: str) -> str:
    """Return a reservation's id at the lock system: BA and ten letters or digits.

    How long one may be is not public. Front desks use six to ten digits, so twelve
    characters should fit anywhere, and 50 bits are enough that no two bookings, nor
    two installations, ever have the same: ``reservation`` has both in it.
    """
    number = int.from_bytes(sha256(reservation.encode()).digest())
    letters = []
    for _ in range(RESERVATION_LENGTH - 2):
        number, letter = divmod(number, len(LETTERS))
        letters.append(LETTERS[letter])
    return f"BA{''.join(letters)}"


def last_name(person: Person) -> str:
    """Return the text before the first comma; without one, the last word.

    What XML cannot hold is left out.
    """
    name = "".join(each if each.isprintable() else " " for each in person.name or "")
    before, comma, _ = name.partition(",")
    return before.strip() if comma else " ".join(name.split()[-1:])


def auth_header(
    operation: str, address: str, username: str, password: str
) -> Mapping[str, Any]:
    """Return the header that each request has, with everything in it that it can have."""
    now = datetime.now(UTC).replace(microsecond=0)
    return {
        HEADER: {
            "Action": f"{address}/{operation}",
            "From": "urn:KABA",
            "MessageID": str(uuid4()),
            "ReplyTo": "",
            "To": address,
            "Security": {
                "Timestamp": {
                    "Id": str(uuid4()),
                    "Created": now,
                    "Expires": now + FRESH,
                },
                "UsernameToken": {
                    "Id": str(uuid4()),
                    "Username": username,
                    "Password": password,
                    "Nonce": "",
                    "Created": now,
                },
            },
        }
    }
