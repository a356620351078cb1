"""What a Messenger PMS web service answers, in its peculiar namespaces."""

from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from .saflok_contract import TNS
from .saflok_keys import Key

# What this hotel refuses something with.
FAULTS: Final = (
    "AuthHeaderNotRecognized",
    "BusyProcessingPreviousRequest",
    "EmptyPhoneNumber",
    "EncoderMsg",
    "ExceptionFault",
    "InvalidHexValue",
    "InvalidWSParameter",
    "NoActionRequired",
    "PhoneNumberTooSmall",
    "ReservationCheckedOut",
    "ReservationHasExpired",
    "ReservationNoInvalid",
    "ReservationNoSuspended",
    "ReservationNotFound",
    "RoomNumberNotFound",
    "RoomOFFLine",
    "SecuredKeyDeviceUIDEmpty",
    "SecuredKeyDeviceUIDLengthInvalid",
    "SecuredKeyDeviceUIDZeroOnly",
    "SharedWithMustHaveExistingStay",
    "UserCredentialsNotProvided",
)


def done(key: str = "") -> str:
    """Return a success, with the data of a key where it was asked for."""
    return (
        f'<CMessengerResponse xmlns="" xmlns:tns="{TNS}">'
        "<tns:bSuccess>true</tns:bSuccess><tns:ResponseCode>0</tns:ResponseCode>"
        "<tns:ResponseMessage>Transaction completed successfully</tns:ResponseMessage>"
        f"<tns:retAccessKey>{key}</tns:retAccessKey></CMessengerResponse>"
    )


def begun(number: int) -> str:
    """Return a success with the number of what was begun, in its own type."""
    return (
        "<bSuccess>true</bSuccess><ResponseCode>0</ResponseCode>"
        "<ResponseMessage>Transaction completed successfully</ResponseMessage>"
        f"<retPMSTransactionNo>{number}</retPMSTransactionNo>"
    )


def refusal(code: str, text: str, detail: str) -> str:
    """Return a fault that is part of a result."""
    return (
        f'<Fault xmlns="" xmlns:tns="{TNS}"><tns:faultcode>{escape(code)}'
        f"</tns:faultcode><tns:faultstring>{escape(text)}</tns:faultstring>"
        f"<tns:detailInfo>{escape(detail)}</tns:detailInfo></Fault>"
    )


def entry(key: Key, made: datetime) -> str:
    """Return what is told of a key that was sent to a phone."""
    told = {
        "ID": key.number,
        "PMSTransactionNo": key.number,
        "SystemActivityID": 1,
        "SystemActivity": "Mobile key",
        "ResponseDateTime": made.isoformat(),
        "TransactionStatus": "Delivered" if key.delivered else "Failed",
        "TransactionInError": str(not key.delivered).lower(),
        "GuestInfo": key.bearer.removeprefix("999T"),
        "Message": "",
        "RoomNumber": key.rooms[0] if key.rooms else "",
        "StaInfo": "",
    }
    inner = "".join(
        f"<{name}>{escape(str(said))}</{name}>" for name, said in told.items()
    )
    return f"<TransactionStatusHistory>{inner}</TransactionStatusHistory>"


def fault_list() -> str:
    """Return the faults that this server has; how a real one puts it is not public."""
    names = "".join(f"<string>{each}</string>" for each in FAULTS)
    return f'<ArrayOfString xmlns="">{names}</ArrayOfString>'
