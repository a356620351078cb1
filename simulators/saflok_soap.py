"""SOAP 1.1 read by hand and strictly, for a service that is described in saflok_contract."""

from collections.abc import Mapping
from datetime import datetime
import re
from typing import Any, Final
from xml.etree import ElementTree as ET

from aiohttp import web

from .saflok_contract import COMPLEX, ENVELOPE, LISTS, MODES, NILLABLE, Element

GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
NIL: Final = "{http://www.w3.org/2001/XMLSchema-instance}nil"


class SoapFault(Exception):
    """A request that is not even understood."""

    def __init__(self, code: str, text: str) -> None:
        """Remember whose fault it is, and what to say."""
        super().__init__(text)
        self.code = code
        self.text = text


def envelope(header: ET.Element | None, body: str, status: int = 200) -> web.Response:
    """Return an answer; it repeats the header, password and all."""
    echo = "" if header is None else ET.tostring(header, encoding="unicode")
    return web.Response(
        status=status,
        text=(
            f'<?xml version="1.0" encoding="utf-8"?><soap:Envelope '
            f'xmlns:soap="{ENVELOPE}"><soap:Header>{echo}</soap:Header>'
            f"<soap:Body>{body}</soap:Body></soap:Envelope>"
        ),
        content_type="text/xml",
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
    for each in elements:
        if each.required and each.name not in said:
            raise SoapFault("Client", f"missing element {each.name}")
    return said


def _value(child: ET.Element, element: Element) -> Any:
    """Return the value of an element."""
    if child.get(NIL) == "true" and element.name in NILLABLE:
        return None
    if element.kind in COMPLEX:
        return checked(child, COMPLEX[element.kind])
    if item := LISTS.get(element.kind):
        inner = Element(item, item, False, "tns")
        return [_value(each, inner) for each in _all(child, inner)]
    text = child.text or ""
    try:
        return _SIMPLE[element.kind](text)
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


def _number(text: str) -> int:
    """Read a number that is not negative."""
    if not text.isdecimal():
        raise ValueError(text)
    return int(text)


def _clock(text: str) -> datetime:
    """Read a time by the wall clock, whatever offset it has."""
    return datetime.fromisoformat(text).replace(tzinfo=None)


_SIMPLE: Final[Mapping[str, Any]] = {
    "string": str,
    "guid": _guid,
    "int": int,
    "unsignedInt": _number,
    "dateTime": _clock,
    "boolean": {"true": True, "false": False, "1": True, "0": False}.__getitem__,
    "eCommonAreaSelMode": dict(zip(MODES, MODES, strict=True)).__getitem__,
}
