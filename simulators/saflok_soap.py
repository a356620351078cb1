"""SOAP read by hand and strictly, for a service that is described in saflok_contract."""

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from functools import partial
import re
from typing import Any, Final
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

from .saflok_contract import (
    COMPLEX,
    DISPENSABLE,
    ENUMS,
    ENVELOPE,
    ENVELOPE_12,
    LISTS,
    NILLABLE,
    Element,
)

GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII
)
INTEGER: Final = re.compile(r"[+-]?\d+", re.ASCII)
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


@dataclass(frozen=True, slots=True)
class Version:
    """A version of SOAP; ``codes`` are what faults of a client and a server are called."""

    namespace: str
    media: str
    codes: Mapping[str, str]


SOAP_11: Final = Version(ENVELOPE, "text/xml", {"Client": "Client", "Server": "Server"})
SOAP_12: Final = Version(
    ENVELOPE_12, "application/soap+xml", {"Client": "Sender", "Server": "Receiver"}
)


class SoapFault(Exception):
    """A request that is not even understood."""

    def __init__(self, code: str, text: str) -> None:
        """Remember whose fault it is, and what to say."""
        super().__init__(text)
        self.code = code
        self.text = text

    def body(self, version: Version) -> str:
        """Return what a version has in the body of its answer."""
        code, text = f"soap:{version.codes[self.code]}", escape(self.text)
        if version is SOAP_11:
            inner = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
        else:
            inner = (
                f"<soap:Code><soap:Value>{code}</soap:Value></soap:Code><soap:Reason>"
                f'<soap:Text xml:lang="en">{text}</soap:Text></soap:Reason>'
            )
        return f"<soap:Fault>{inner}</soap:Fault>"


def version_of(request: web.Request) -> Version | None:
    """Return the version of SOAP that a request is of."""
    kinds = {each.media: each for each in (SOAP_11, SOAP_12)}
    return kinds.get(request.content_type)


def action_of(request: web.Request) -> str:
    """Return what a request says that it wants, in quotes or without."""
    if version_of(request) is SOAP_12:
        message = Message()
        message["Content-Type"] = request.headers["Content-Type"]
        return str(message.get_param("action", ""))
    return request.headers.get("SOAPAction", "").strip('"')


def envelope(
    version: Version, header: ET.Element | None, body: str, status: int = 200
) -> web.Response:
    """Return an answer; it repeats the header, password and all."""
    echo = "" if header is None else ET.tostring(header, encoding="unicode")
    return web.Response(
        status=status,
        text=(
            f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
            f'xmlns:soap="{version.namespace}"><soap:Header>{echo}</soap:Header>'
            f"<soap:Body>{body}</soap:Body></soap:Envelope>"
        ),
        content_type=version.media,
        charset="utf-8",
    )


def checked(parent: ET.Element, elements: tuple[Element, ...]) -> dict[str, Any]:
    """Return the values of elements; they must be as described, and in that order."""
    said: dict[str, Any] = {}
    places = {each.tag: place for place, each in enumerate(elements)}
    last = -1
    for child in parent:
        place = places.get(child.tag, -1)
        if place <= last:
            raise SoapFault("Client", f"unexpected element {child.tag}")
        last = place
        said[elements[place].name] = _value(child, elements[place])
    if parent.tag.rpartition("}")[2] in DISPENSABLE:
        return said
    for each in elements:
        if each.required and each.name not in said:
            raise SoapFault("Client", f"missing element {each.name}")
    return said


def _value(child: ET.Element, element: Element) -> Any:
    """Return the value of an element."""
    if child.get(NIL) in ("true", "1") and element.name in NILLABLE:
        return None
    if element.kind in COMPLEX:
        return checked(child, COMPLEX[element.kind])
    if item := LISTS.get(element.kind):
        inner = Element(item, item, False, "tns")
        return [_value(each, inner) for each in _all(child, inner)]
    text = child.text or ""
    try:
        return _SIMPLE[element.kind](text if element.kind == "string" else text.strip())
    except (ValueError, KeyError) as err:
        raise SoapFault("Client", f"invalid {element.name}") from err


def _all(parent: ET.Element, item: Element) -> list[ET.Element]:
    """Return the items of a list."""
    if any(each.tag != item.tag for each in parent):
        raise SoapFault("Client", f"unexpected element in {parent.tag}")
    return list(parent)


def _guid(text: str) -> str:
    """Read a guid."""
    if not GUID.fullmatch(text):
        raise ValueError(text)
    return text


def _integer(text: str) -> int:
    """Read a number."""
    if not INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> int:
    """Read a number that is not negative."""
    if (number := _integer(text)) < 0:
        raise ValueError(text)
    return number


def _clock(text: str) -> datetime:
    """Read a time by the wall clock, whatever offset it has."""
    if not DATE_TIME.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text).replace(tzinfo=None)


_SIMPLE: Final[Mapping[str, Any]] = {
    "string": str,
    "guid": _guid,
    "int": _integer,
    "long": _integer,
    "unsignedInt": _number,
    "dateTime": _clock,
    "boolean": {"true": True, "false": False, "1": True, "0": False}.__getitem__,
    "base64Binary": partial(b64decode, validate=True),
    **{
        name: dict(zip(values, values, strict=True)).__getitem__
        for name, values in ENUMS.items()
    },
}
