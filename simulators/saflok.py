"""Saflok 6000 and Ambiance: a Messenger PMS web service, as strict as its WSDL.

From vendors/saflok_ambiance.md. Requests are read by hand: each element must be in
its place and its namespace. What ``control`` understands, besides what all
simulators do (``base``):

* ``rooms: [...]``, ``encoders: {"1": {"card": C, "seconds": S}}``: what there is;
  C is "present", or the fault that it is answered with, S how long a card takes;
* ``offline: [room]``, ``undeliverable: [phone]``: locks and phones that nothing
  reaches; of the latter only ``log`` tells;
* ``use: {"key": N, "room": R, "at": T}``: somebody holds a key to a lock;
* ``check_out: [reservation]``: the front desk does;
* ``refuse: {"operation": O, "faultcode": C, "faultstring": S, "detailInfo": D,
  "times": N}`` answers with that fault in the result, ``null`` for no more of it;
* ``ask: {"room": R, "at": T}`` is answered in ``sent`` with the keys that open it;
* settings: ``cancels`` ("at_once" or "at_first_use"), ``time_zone``,
  ``max_duplicates``, ``metadata`` ("single", "split", which also names a host that
  nobody reaches, or "off"), ``omit: [operation]``,
  ``lean: [element]`` (that requests do not have), ``authentication`` (false needs
  none), ``greets_anybody`` (HelloWorldTest needs none).

Its ``state`` tells the paths, rooms and encoders that there are.

Faults of its own: "soap_fault", "empty" (a result with nothing in it), "busy",
"exception". ``path`` may name an operation: "#CreateNewBooking".
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
import re
from typing import Any, Final, override
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from aiohttp import web

from .base import Simulator
from .saflok_answers import begun, done, entry, fault_list, refusal
from .saflok_contract import (
    HEADER,
    HISTORY,
    OPERATIONS,
    STAFF,
    TNS,
    WSA,
    wsdl,
    wsdl_in_parts,
)
from .saflok_keys import Encoder, Key, Refused
from .saflok_site import Hotel
from .saflok_soap import SoapFault, action_of, checked, envelope, version_of

USERNAME: Final = "booking-access"
PASSWORD: Final = "Schluessel-6000"
PATHS: Final = (
    "/LensPMSWebService/MessengerPMSService.asmx",
    "/MessengerPMSWS.asmx",
    "/ATLASKLIWS/MessengerPMSService.asmx",
)
# What a server calls itself, which nobody outside can reach.
INSIDE: Final = "http://pms-server.invalid:8080"
HELLO: Final = "HelloWorldTest"
FAULT_LIST: Final = "PublishFaultList"
FAULT_ACTION: Final = "http://www.w3.org/2005/08/addressing/fault"
SETTINGS: Final = {
    "metadata": "single",
    "omit": (),
    "lean": (),
    "authentication": True,
    "greets_anybody": False,
    "path": None,
}


class SaflokSimulator(Simulator):
    """A lock server. ``hotel`` is what it looks after, ``calls`` what it was told."""

    name = "saflok"
    own_faults = frozenset({"soap_fault", "empty", "busy", "exception"})

    @override
    def reset(self) -> None:
        """Put back an empty hotel with two encoders."""
        self.hotel = Hotel()
        self.settings: dict[str, Any] = dict(SETTINGS)
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.log: list[str] = []
        self.busy: set[str] = set()
        self.refusals: list[dict[str, Any]] = []
        self.questions: list[Mapping[str, str]] = []

    @override
    def credentials(self) -> Mapping[str, str]:
        """Return what the form asks for."""
        host, _, port = self.url.rpartition("/")[2].partition(":")
        return {
            "host": host,
            "port": port,
            "username": USERNAME,
            "password": PASSWORD,
        }

    @override
    def routes(self) -> list[web.RouteDef]:
        """Return the paths where the service is found at hotels."""
        return [
            route
            for path in PATHS
            for route in (
                web.get(path, self._describe),
                web.post(path, self._take),
            )
        ]

    @override
    def about(self, request: web.Request) -> str:
        """Return the path with the operation, or what is asked of the description."""
        action = self._operation(request)
        query = request.query_string and f"?{request.query_string}"
        return f"{request.path}{query}{action and f'#{action}'}"

    @override
    def control(self, data: Mapping[str, Any]) -> None:
        """Take over what the module's head lists."""
        ways: dict[str, Callable[[Any], object]] = {
            "rooms": lambda rooms: setattr(self.hotel, "rooms", set(rooms)),
            "encoders": self._set_encoders,
            "offline": lambda rooms: setattr(self.hotel, "offline", set(rooms)),
            "undeliverable": lambda p: setattr(self.hotel, "undeliverable", set(p)),
            "use": lambda u: self.hotel.use(u["key"], u["room"], _instant(u.get("at"))),
            "check_out": self._check_out,
            "refuse": self._refuse,
            "ask": self.questions.append,
            "cancels": self._set_cancels,
            "time_zone": lambda zone: setattr(self.hotel, "zone", ZoneInfo(zone)),
            "max_duplicates": lambda n: setattr(self.hotel, "max_duplicates", int(n)),
        }
        if unknown := set(data) - set(ways) - set(SETTINGS):
            raise ValueError(f"unknown data {sorted(unknown)}")
        if data.get("metadata", "single") not in ("single", "split", "off"):
            raise ValueError("metadata")
        self.settings |= {name: data[name] for name in SETTINGS if name in data}
        for name, value in data.items():
            if way := ways.get(name):
                way(value)

    @override
    def state(self) -> Mapping[str, Any]:
        """Return what there is."""
        return {
            "paths": PATHS,
            "rooms": sorted(self.hotel.rooms),
            "encoders": sorted(self.hotel.encoders),
        }

    @override
    async def deliver(self) -> list[dict[str, Any]]:
        """Answer which keys open a door."""
        questions, self.questions = self.questions, []
        return [
            {
                "room": each["room"],
                "keys": [
                    {"key": key.number, "reservation": key.stay.id}
                    for key in self.openers(each["room"], _instant(each.get("at")))
                ],
            }
            for each in questions
        ]

    def openers(self, room: str, at: datetime) -> list[Key]:
        """Return the keys that open a room at an instant."""
        return self.hotel.openers(room, at)

    def told(self, operation: str) -> list[dict[str, Any]]:
        """Return what an operation was told, each time."""
        return [said for name, said in self.calls if name == operation]

    @property
    def operations(self) -> list[str]:
        """What the server has."""
        return [name for name in OPERATIONS if name not in self.settings["omit"]]

    def _set_encoders(self, encoders: Mapping[str, Any]) -> None:
        """Change what lies on encoders, or add some."""
        for number, said in encoders.items():
            self.hotel.encoders[number] = Encoder(**said)

    def _set_cancels(self, when: str) -> None:
        """Change when a new booking cancels the earlier keys of its rooms."""
        if when not in ("at_once", "at_first_use"):
            raise ValueError("cancels")
        self.hotel.cancels = when

    def _check_out(self, reservations: list[str]) -> None:
        """Check reservations out at the front desk."""
        for each in reservations:
            self.hotel.stays[each].checked_out = True

    def _refuse(self, refusal: dict[str, Any] | None) -> None:
        """Answer an operation with a fault, as many times as wished."""
        if refusal is None:
            self.refusals.clear()
        else:
            self.refusals.append({"times": 1, **refusal})

    def _is_here(self, request: web.Request) -> bool:
        """Whether the service is at the path that is asked."""
        return self.settings["path"] in (None, request.path)

    async def _describe(self, request: web.Request) -> web.Response:
        """Show the description, whole or in parts, if it is shown at all."""
        if not self._is_here(request) or self.settings["metadata"] == "off":
            return web.Response(
                status=404, text="<html>Not found</html>", content_type="text/html"
            )
        query = request.query_string.rstrip("=").lower()
        lean = frozenset(self.settings["lean"])
        if self.settings["metadata"] == "split":
            address = f"{INSIDE}{request.path}"
            found = wsdl_in_parts(address, self.operations, lean).get(query)
        else:
            address = f"{self.url}{request.path}"
            found = wsdl(address, self.operations, lean) if query == "wsdl" else None
        if found is None:
            return web.Response(text="<html>Service</html>", content_type="text/html")
        return web.Response(text=found, content_type="text/xml", charset="utf-8")

    async def _take(self, request: web.Request) -> web.Response:
        """Answer a request."""
        if not self._is_here(request):
            return web.Response(
                status=404, text="<html>Not found</html>", content_type="text/html"
            )
        if (version := version_of(request)) is None:
            return web.Response(status=415)
        header: ET.Element | None = None
        operation = self._operation(request)
        try:
            self._know(operation, request)
            body = await request.read()
            header, wish = self._read(body, version.namespace, operation)
            result = await self._result(request, operation, header, wish)
        except SoapFault as err:
            return envelope(version, header, err.body(version), status=500)
        answer = (
            f'<{operation}Response xmlns="{TNS}"><{operation}Result>{result}'
            f"</{operation}Result></{operation}Response>"
        )
        return envelope(version, header, answer)

    def _operation(self, request: web.Request) -> str:
        """Return which operation a request is about."""
        return action_of(request).rpartition("/")[2]

    def _know(self, operation: str, request: web.Request) -> None:
        """Refuse an operation that the server does not have."""
        known = operation in self.operations
        if not known or action_of(request) != f"{TNS}/{operation}":
            raise SoapFault(
                "Client",
                "Server did not recognize the value of HTTP Header SOAPAction.",
            )

    def _read(
        self, body: bytes, soap: str, operation: str
    ) -> tuple[ET.Element, dict[str, Any]]:
        """Return the header and what is asked; refuse what is not as described."""
        try:
            root = ET.fromstring(body)
        except ET.ParseError as err:
            raise SoapFault("Client", "not XML") from err
        header = root.find(f"{{{soap}}}Header/{{{TNS}}}AuthHeader")
        [*wishes] = root.findall(f"{{{soap}}}Body/*")
        if root.tag != f"{{{soap}}}Envelope" or header is None or len(wishes) != 1:
            raise SoapFault("Client", "no envelope with AuthHeader and Body")
        if wishes[0].tag != f"{{{TNS}}}{operation}":
            raise SoapFault("Client", "the body is not what SOAPAction says")
        checked(header, HEADER)
        lean = self.settings["lean"]
        elements = [each for each in OPERATIONS[operation] if each.name not in lean]
        said = checked(wishes[0], tuple(elements))
        return header, {each.name: None for each in OPERATIONS[operation]} | said

    async def _result(
        self,
        request: web.Request,
        operation: str,
        header: ET.Element,
        wish: dict[str, Any],
    ) -> str:
        """Return what goes into the result."""
        if self.struck("soap_fault", self.about(request)):
            raise SoapFault("Server", "Object reference not set to an instance.")
        if operation == HELLO:
            if not self.settings["greets_anybody"] and not self._knows(header):
                raise SoapFault("Server", "AuthHeaderNotRecognized")
            return escape(f"Hello {wish['s1'] or ''}")
        if self.struck("empty", self.about(request)):
            return ""
        try:
            self._admit(request, operation, header, wish)
            if operation == HISTORY:
                return self._history(wish)
            if operation == FAULT_LIST:
                return fault_list()
            key = await self._carry_out(operation, wish)
        except (Refused, _WishedFault) as err:
            for action in header.findall(f"{{{WSA}}}Action"):
                action.text = FAULT_ACTION
            fault = refusal(*err.args)
            in_status = f"<RequestStatus>{fault}</RequestStatus>"
            return in_status if operation == HISTORY else fault
        if self.struck("exception", self.about(request)):
            return refusal("ExceptionFault", "", "")
        return begun(self.hotel.sent) if operation in STAFF else done(key)

    def _admit(
        self,
        request: web.Request,
        operation: str,
        header: ET.Element,
        wish: dict[str, Any],
    ) -> None:
        """Refuse who is not known, and more than one request of a terminal."""
        if not self._knows(header):
            if header.find(".//{*}Username") is None:
                raise Refused("UserCredentialsNotProvided")
            raise Refused("AuthHeaderNotRecognized", "PasswordInvalid")
        for wished in self.refusals:
            if wished["operation"] == operation and wished["times"]:
                wished["times"] -= 1
                names = ("faultcode", "faultstring", "detailInfo")
                raise _WishedFault(*(wished.get(name, "") for name in names))
        is_busy = wish.get("PMSTerminalID") in self.busy
        if is_busy or self.struck("busy", self.about(request)):
            raise Refused("BusyProcessingPreviousRequest")
        self.calls.append((operation, wish))

    async def _carry_out(self, operation: str, wish: dict[str, Any]) -> str:
        """Do what is asked; a card takes its time."""
        terminal = wish.get("PMSTerminalID") or ""
        self.busy.add(terminal)
        try:
            if encoder := self.hotel.encoders.get(wish.get("EncoderID") or ""):
                await asyncio.sleep(encoder.seconds)
        finally:
            self.busy.discard(terminal)
        name = re.sub(r"(?<=.)([A-Z])", r"_\1", operation).lower()
        before = len(self.hotel.keys)
        answer: str = getattr(self.hotel, name)(wish)
        self.log += [
            f"key {key.number} could not be delivered"
            for key in self.hotel.keys[before:]
            if not key.delivered
        ]
        return answer

    def _knows(self, header: ET.Element) -> bool:
        """Whether the credentials are right, where there must be some."""
        told = {each.tag.rpartition("}")[2]: each.text for each in header.iter()}
        right = (told.get("Username"), told.get("Password")) == (USERNAME, PASSWORD)
        return right or not self.settings["authentication"]

    def _history(self, wish: Mapping[str, Any]) -> str:
        """Return what became of the keys that were sent to phones."""
        entries = "".join(
            entry(key, key.made.astimezone(self.hotel.zone).replace(tzinfo=None))
            for key in self.hotel.keys
            if key.mobile
            and not key.cancelled
            and wish["ReservationID"] in (None, "", key.stay.id)
            and wish["RoomNo"] in (None, "", *key.rooms)
        )
        return (
            f"<RequestStatus>{done()}</RequestStatus>"
            f"<PMStransactionList>{entries}</PMStransactionList>"
        )


class AmbianceSimulator(SaflokSimulator):
    """The same service, in front of Ambiance."""

    name = "ambiance"


class _WishedFault(Exception):
    """A fault in the words of the control door."""


def _instant(text: str | None) -> datetime:
    """Read an instant; now without one."""
    return datetime.fromisoformat(text) if text else datetime.now(UTC)
