"""What goes over the wire of a Messenger PMS web service: its operations, and its WSDL.

From vendors/saflok_ambiance.md, which names each element in its order. Types
are those of XML Schema, or one of the lists; ``!`` marks what must be there,
``wsu/`` what is in that namespace instead of the service's own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

TNS: Final = "http://tempuri.org"
WSA: Final = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
ANON: Final = f"{WSA}/role/anonymous"
WSU: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)
MST: Final = "http://microsoft.com/wsdl/types/"
ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12: Final = "http://www.w3.org/2003/05/soap-envelope"
PORT: Final = "MessengerPMSWSServiceSoap"
NAMESPACES: Final = {"tns": TNS, "wsa": WSA, "anon": ANON, "wsu": WSU, "mst": MST}

_SPAN: Final = "CheckIn:dateTime! CheckOut:dateTime!"
_WHO: Final = "ReservationID SiteName PMSTerminalID"
_AT: Final = f"{_WHO} EncoderID {_SPAN} wsu/GuestName"
_CARD: Final = (
    "TrackIIFolioNo TrackIGuestNo KeyCount:unsignedInt! KeySize:unsignedInt! UID"
)
_AREAS: Final = "CommonAreaList:ArrayOfCCommonAreas"
_ROOMS: Final = "VariableRoomList:ArrayOfString"

_OPERATIONS: Final = {
    "CreateNewBooking": (
        f"{_AT} MainRoomNo bGrantAccessPredefinedSuiteDoors:boolean! "
        f"{_ROOMS} {_AREAS} {_CARD}"
    ),
    "MakeDuplicateKey": (
        "ReservationID! SiteName PMSTerminalID EncoderID "
        "KeyCount:unsignedInt! KeySize:unsignedInt! UID GuestName"
    ),
    "ChangeKeyAccess": f"{_AT} {_ROOMS} {_AREAS} {_CARD}",
    "AddSharedGuest": f"{_AT} MainRoomNo {_ROOMS} {_AREAS} {_CARD}",
    "MakeUnassignedBooking": f"{_AT} {_AREAS} {_CARD}",
    "CreateOneShotKey": (
        f"SiteName PMSTerminalID EncoderID MainRoomNo {_SPAN} KeySize:unsignedInt! UID"
    ),
    "ExtendCheckOut": f"{_WHO} CheckOut:dateTime!",
    "CheckOutGuest": _WHO,
    "DenyAccessToGuest": _WHO,
    "ReEstablishAccessToGuest": _WHO,
    "AddGuestAccess": f"{_WHO} RoomList:ArrayOfString",
    "ChangeGuestAccess": f"{_WHO} MainRoomNo RoomList:ArrayOfString",
    "CancelGuestsAccessToRoom": "SiteName MainRoomNo PMSTerminalID",
    "CancelGuestsMobileAccessToRoom": (
        "SiteName ReservationID MainRoomNo GuestMobileNumber PMSTerminalID"
    ),
    "GetMobileTransactionHistory": (
        "ReservationID RoomNo EncoderID From:dateTime! To:dateTime!"
    ),
    "UpdateKeyTransactionStatus": (
        "PMSTransactionID:long! ReservationID EncoderID wsu/MainRoomNo "
        "TransactionStatus:int! ExternalRefNo QualifierRef:unsignedInt! ReturnedMsg"
    ),
    "SendKey2StaffMobileDevice": (
        "PMSTerminalID ValidFrom:dateTime! ValidTo:dateTime! StaffID Name MobileNumber "
        "KeyName KeyData:base64Binary SendSMS:boolean!"
    ),
    "UnRegisterStaff": "StaffID MobileNumber KeyName KeyData:base64Binary",
    "GetDeviceSecKeysRights": "keyReq:CSecKeysRequest",
    "HelloWorldTest": "s1 i1:int!",
    "PublishFaultList": "",
    "PublishResponseComplexTypes": (
        "DummyResponse:CMessengerResponse DummyFault:Fault aReason! aDetailReason!"
    ),
}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a message."""

    name: str
    kind: str
    required: bool
    prefix: str

    @property
    def tag(self) -> str:
        """The name with its namespace, as ElementTree has it."""
        return f"{{{NAMESPACES[self.prefix]}}}{self.name}"


def _elements(text: str, prefix: str = "tns") -> tuple[Element, ...]:
    """Read elements as they are written above."""
    found = []
    for word in text.split():
        plain = word.removesuffix("!")
        before, _, name = plain.rpartition("/")
        name, _, kind = name.partition(":")
        found.append(Element(name, kind or "string", plain != word, before or prefix))
    return tuple(found)


OPERATIONS: Final = {name: _elements(text) for name, text in _OPERATIONS.items()}
# What may be null though it must be there.
NILLABLE: Final = frozenset({"From", "To", "ReservationID"})
HEADER: Final = _elements(
    "wsa/Action wsa/From wsa/MessageID:guid! anon/ReplyTo wsa/To Security:SecurityHeader"
)
SECURITY: Final = _elements("Timestamp:CTimestamp UsernameToken:CUserNameToken", "wsu")
TIMESTAMP: Final = _elements("Id:guid! Created:dateTime! Expires:dateTime!", "wsu")
TOKEN: Final = _elements("Id:guid! Username Password Nonce Created:dateTime!", "wsu")
_BASE: Final = "bSuccess:boolean! ResponseCode:int! ResponseMessage"
# The types of the service's own that requests have, by their names.
OWN_TYPES: Final = {
    "SecurityHeader": SECURITY,
    "CCommonAreas": _elements("PassLevelNo:unsignedInt! eMode:eCommonAreaSelMode!"),
    "CSecKeysRequest": _elements(
        "ProductLine:eKabaProductLine! KeyDeviceUID "
        "RFIDEncodingType:eRFIDEncodingTypes! SecKeysRightsBuffer:ArrayOfString"
    ),
    "CMessengerResponse": _elements(f"{_BASE} retAccessKey"),
    "Fault": _elements("faultcode faultstring detailInfo"),
}
COMPLEX: Final = OWN_TYPES | {"CTimestamp": TIMESTAMP, "CUserNameToken": TOKEN}
# What a service does without, whatever its description says: a client that is in use
# sends nothing in a token but user and password.
DISPENSABLE: Final = frozenset({"UsernameToken"})
LISTS: Final = {"ArrayOfString": "string", "ArrayOfCCommonAreas": "CCommonAreas"}
ENUMS: Final = {
    "eCommonAreaSelMode": ("DefaultConfiguredAccess", "GrantAccess", "DenyAccess"),
    "eKabaProductLine": (
        *("None", "Atlas", "Saflok", "Eplex", "Oracode", "MultiHousing", "eDATA"),
    ),
    "eRFIDEncodingTypes": ("None", "Legacy", "Type1", "Type2"),
}
HISTORY: Final = "GetMobileTransactionHistory"
# Operations that answer with the number of what they began.
STAFF: Final = ("SendKey2StaffMobileDevice", "UnRegisterStaff")
# What only answers have.
ANSWER_TYPES: Final = {
    "CMessengerGuestCreateResponse": _elements(f"{_BASE} retPMSTransactionNo:long!"),
    "MobileTransactionHistory": _elements(
        "RequestStatus:anyType PMStransactionList:ArrayOfTransactionStatusHistory"
    ),
    "TransactionStatusHistory": _elements(
        "ID:long! PMSTransactionNo:long! SystemActivityID:int! SystemActivity "
        "ResponseDateTime:dateTime! TransactionStatus TransactionInError:boolean! "
        "GuestInfo Message RoomNumber StaInfo"
    ),
}


def wsdl(address: str, operations: list[str], lean: Collection[str] = ()) -> str:
    """Return the whole description in one file, without the elements in ``lean``."""
    types = "".join(schema for _, schema in schemas(operations, lean))
    return _definitions(
        f"<wsdl:types>{types}</wsdl:types>{_interface(operations)}{_service(address)}"
    )


def wsdl_in_parts(
    address: str, operations: list[str], lean: Collection[str] = ()
) -> dict[str, str]:
    """Return the description as some hosts split it, by query.

    All parts name each other by the host in ``address``.
    """
    parts = {
        f"xsd=xsd{number}": schema
        for number, (_, schema) in enumerate(schemas(operations, lean))
    }
    imports = "".join(
        f'<xsd:import namespace="{namespace}" '
        f'schemaLocation="{address}?xsd=xsd{number}"/>'
        for number, (namespace, _) in enumerate(schemas(operations, lean))
    )
    types = (
        f'<wsdl:types><xsd:schema targetNamespace="{TNS}/Imports">'
        f"{imports}</xsd:schema></wsdl:types>"
    )
    parts["wsdl=wsdl0"] = _definitions(f"{types}{_interface(operations)}")
    parts["wsdl"] = _definitions(
        f'<wsdl:import namespace="{TNS}" location="{address}?wsdl=wsdl0"/>'
        f"{_service(address)}"
    )
    return parts


def schemas(operations: list[str], lean: Collection[str]) -> list[tuple[str, str]]:
    """Return the schema of each namespace."""
    guid = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
    token = _type("CUserNameToken", TOKEN) + _type("CTimestamp", TIMESTAMP)
    return [
        (TNS, _schema(TNS, _own_types(operations, lean), WSA, ANON, WSU)),
        (
            WSA,
            _schema(
                WSA,
                "".join(
                    f'<xsd:element name="{name}" type="{kind}"/>'
                    for name, kind in (
                        ("Action", "xsd:string"),
                        ("From", "xsd:string"),
                        ("MessageID", "mst:guid"),
                        ("To", "xsd:string"),
                    )
                ),
                MST,
            ),
        ),
        (ANON, _schema(ANON, '<xsd:element name="ReplyTo" type="xsd:string"/>')),
        (
            WSU,
            _schema(
                WSU,
                token + '<xsd:element name="Timestamp" type="wsu:CTimestamp"/>'
                '<xsd:element name="UsernameToken" type="wsu:CUserNameToken"/>'
                '<xsd:element name="GuestName" type="xsd:string"/>'
                '<xsd:element name="MainRoomNo" type="xsd:string"/>',
                MST,
            ),
        ),
        (
            MST,
            _schema(
                MST,
                '<xsd:simpleType name="guid"><xsd:restriction base="xsd:string">'
                f'<xsd:pattern value="{guid}"/></xsd:restriction></xsd:simpleType>',
            ),
        ),
    ]


def _own_types(operations: list[str], lean: Collection[str]) -> str:
    """Return what is in the service's own namespace."""
    parts = [
        '<xsd:element name="AuthHeader" type="tns:AuthHeader"/>',
        _type("AuthHeader", HEADER),
    ]
    for name, values in ENUMS.items():
        told = "".join(f'<xsd:enumeration value="{each}"/>' for each in values)
        parts.append(
            f'<xsd:simpleType name="{name}"><xsd:restriction base="xsd:string">'
            f"{told}</xsd:restriction></xsd:simpleType>"
        )
    types = OWN_TYPES | ANSWER_TYPES
    parts += [_type(name, elements) for name, elements in types.items()]
    for name, item in (LISTS | {_HISTORY_LIST: "TransactionStatusHistory"}).items():
        kind = "xsd:string" if item == "string" else f"tns:{item}"
        parts.append(
            f'<xsd:complexType name="{name}"><xsd:sequence><xsd:element minOccurs="0" '
            f'maxOccurs="unbounded" name="{item}" nillable="true" type="{kind}"/>'
            "</xsd:sequence></xsd:complexType>"
        )
    anything = (
        '><xsd:complexType mixed="true"><xsd:sequence><xsd:any/>'
        "</xsd:sequence></xsd:complexType></xsd:element>"
    )
    typed = {
        "HelloWorldTest": 'type="xsd:string"/>',
        HISTORY: 'type="tns:MobileTransactionHistory"/>',
        **dict.fromkeys(STAFF, 'type="tns:CMessengerGuestCreateResponse"/>'),
    }
    for name in operations:
        elements = tuple(each for each in OPERATIONS[name] if each.name not in lean)
        result = typed.get(name, anything)
        parts += [
            f'<xsd:element name="{name}">{_content(elements)}</xsd:element>',
            f'<xsd:element name="{name}Response"><xsd:complexType><xsd:sequence>'
            f'<xsd:element minOccurs="0" name="{name}Result" {result}'
            "</xsd:sequence></xsd:complexType></xsd:element>",
        ]
    return "".join(parts)


def _type(name: str, elements: tuple[Element, ...]) -> str:
    """Return a named type."""
    return _content(elements).replace(
        "<xsd:complexType>", f'<xsd:complexType name="{name}">', 1
    )


def _content(elements: tuple[Element, ...]) -> str:
    """Return a type with elements in their order."""
    told = []
    for each in elements:
        least = f'minOccurs="{int(each.required)}"'
        is_ref = each.prefix != "tns" and each.name not in _INNER
        if is_ref:
            told.append(f'<xsd:element {least} ref="{each.prefix}:{each.name}"/>')
            continue
        null = ' nillable="true"' if each.required and each.name in NILLABLE else ""
        told.append(
            f'<xsd:element {least} name="{each.name}"{null} type="{_wire_type(each)}"/>'
        )
    inner = "".join(told)
    return f"<xsd:complexType><xsd:sequence>{inner}</xsd:sequence></xsd:complexType>"


_HISTORY_LIST: Final = "ArrayOfTransactionStatusHistory"
# Elements of wsu that are part of a type there, not elements of their own.
_INNER: Final = frozenset({"Id", "Created", "Expires", "Username", "Password", "Nonce"})


def _wire_type(element: Element) -> str:
    """Return the type of an element as the schema names it."""
    if element.kind == "guid":
        return "mst:guid"
    if element.kind in {*LISTS, *COMPLEX, *ENUMS, _HISTORY_LIST}:
        return f"tns:{element.kind}"
    return f"xsd:{element.kind}"


def _schema(namespace: str, content: str, *imports: str) -> str:
    """Return a schema."""
    named = " ".join(f'xmlns:{p}="{uri}"' for p, uri in NAMESPACES.items())
    imported = "".join(f'<xsd:import namespace="{each}"/>' for each in imports)
    return (
        f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" {named} '
        f'elementFormDefault="qualified" targetNamespace="{namespace}">'
        f"{imported}{content}</xsd:schema>"
    )


def _interface(operations: list[str]) -> str:
    """Return messages, port type and bindings."""
    messages, port = [], []
    for name in operations:
        messages += [
            f'<wsdl:message name="{name}{end}"><wsdl:part name="{part}" '
            f'element="tns:{element}"/></wsdl:message>'
            for end, part, element in (
                ("SoapIn", "parameters", name),
                ("SoapOut", "parameters", f"{name}Response"),
                ("AuthHeader", "AuthHeader", "AuthHeader"),
            )
        ]
        port.append(
            f'<wsdl:operation name="{name}"><wsdl:input message="tns:{name}SoapIn"/>'
            f'<wsdl:output message="tns:{name}SoapOut"/></wsdl:operation>'
        )
    return (
        f'{"".join(messages)}<wsdl:portType name="{PORT}">{"".join(port)}'
        f"</wsdl:portType>{_binding('soap', PORT, operations)}"
        f"{_binding('soap12', f'{PORT}12', operations)}"
    )


def _binding(prefix: str, name: str, operations: list[str]) -> str:
    """Return how operations are asked for by one of the versions of SOAP."""
    bound = "".join(
        f'<wsdl:operation name="{each}"><{prefix}:operation '
        f'soapAction="{TNS}/{each}" style="document"/>'
        + "".join(
            f'<wsdl:{way}><{prefix}:body use="literal"/>'
            f'<{prefix}:header message="tns:{each}AuthHeader" part="AuthHeader" '
            f'use="literal"/></wsdl:{way}>'
            for way in ("input", "output")
        )
        + "</wsdl:operation>"
        for each in operations
    )
    return (
        f'<wsdl:binding name="{name}" type="tns:{PORT}"><{prefix}:binding '
        f'transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
    )


def _service(address: str) -> str:
    """Return where the service says that it is."""
    ports = "".join(
        f'<wsdl:port name="{name}" binding="tns:{name}">'
        f'<{prefix}:address location="{address}"/></wsdl:port>'
        for prefix, name in (("soap", PORT), ("soap12", f"{PORT}12"))
    )
    return f'<wsdl:service name="MessengerPMSWSService">{ports}</wsdl:service>'


def _definitions(content: str) -> str:
    """Return a WSDL."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" '
        'xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        f'xmlns:tns="{TNS}" targetNamespace="{TNS}">{content}</wsdl:definitions>'
    )
