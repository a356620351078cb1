"""SOAP 1.1 with a server that describes itself, over the session that we are given.

zeep writes the requests: a description tells it the order and the namespaces of
their elements, which differ from server to server. It fetches and sends nothing
itself, and reads no answers: those are read leniently, by local names. Nothing
here is ever logged, for requests and answers hold passwords; errors name what
is wrong, and never quote.
"""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL
import zeep
import zeep.exceptions
import zeep.loader
import zeep.proxy
import zeep.wsdl
from zeep.wsdl.bindings.soap import Soap11Binding
import zeep.wsdl.utils

from ..engine.models import ConnectionFailed, ContractError, OutcomeUnknown
from ..transport import Answer, raise_for_status, request

# zeep has types in places only, and not always the right ones.
AsyncClient: Final[Any] = zeep.AsyncClient
AsyncServiceProxy: Final[Any] = zeep.proxy.AsyncServiceProxy
Document: Final[Any] = zeep.wsdl.Document
parse_xml: Final[Any] = zeep.loader.parse_xml
to_bytes: Final[Any] = zeep.wsdl.utils.etree_to_string
ZeepError: Final = zeep.exceptions.Error

DESCRIPTION_LIMIT: Final = timedelta(seconds=15)
# A description has a handful of parts; one without end is none.
MOST_PARTS: Final = 30
SETTINGS: Final = zeep.Settings(
    raw_response=True,
    forbid_dtd=True,
    forbid_entities=True,
    forbid_external=True,
    xml_huge_tree=False,
)
# What a description is not served with, while its server is in trouble.
TROUBLE: Final = (
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
)
REFUSED: Final = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
)


@dataclass(frozen=True, slots=True)
class Node:
    """An element of an answer, by its local name."""

    name: str
    text: str = field(repr=False)
    children: tuple[Node, ...] = field(repr=False)

    def __iter__(self) -> Iterator[Node]:
        """Return this and all below, in the order in which they come."""
        yield self
        for child in self.children:
            yield from child

    def find(self, *names: str) -> Node | None:
        """Return the first of those names."""
        return next((each for each in self if each.name in names), None)

    def said(self, name: str) -> str:
        """Return the text of the first of that name; empty if there is none."""
        found = self.find(name)
        return found.text if found else ""


class Service:
    """What a server offers. ``described`` says that it told so itself."""

    def __init__(
        self, session: ClientSession, url: URL, document: Any, *, described: bool
    ) -> None:
        """Bind the operations to the address that was configured, and to no other."""
        self.url = url
        self.described = described
        self._session = session
        self._document = document
        self._binding = _binding(document)
        self.operations = frozenset(self._binding.all())

    def takes(self, header: str) -> bool:
        """Whether all requests can have a header."""
        return all(
            any(
                element.name == header for _, element in each.input.header.type.elements
            )
            for each in self._binding.all().values()
        )

    async def call(
        self,
        operation: str,
        headers: Mapping[str, Any],
        arguments: Mapping[str, Any],
        *,
        writes: bool,
        time_limit: timedelta,
    ) -> Node:
        """Send a request; return what the answer's body holds, a fault perhaps.

        What the server does not know of headers and arguments is left out.
        """
        post = _Post(self._session, writes=writes, time_limit=time_limit)
        client = AsyncClient(self._document, transport=post, settings=SETTINGS)
        proxy = AsyncServiceProxy(client, self._binding, address=str(self.url))
        told = self._binding.get(operation).input
        said = {
            part: _fitting(headers[element.name], element.type)
            for part, element in told.header.type.elements
            if element.name in headers
        }
        fitting = _fitting(arguments, told.body.type)
        try:
            answer = await proxy[operation](_soapheaders=said, **fitting)
        except (ZeepError, LookupError, TypeError, ValueError, AttributeError) as err:
            # Whatever zeep says of it may quote; so does its traceback.
            raise ContractError(f"{operation}.{type(err).__name__}") from None
        return await asyncio.to_thread(_body, answer, writes)


class _Post:
    """What zeep sends through, for one request."""

    def __init__(
        self, session: ClientSession, *, writes: bool, time_limit: timedelta
    ) -> None:
        """Know how long to wait, and what a lost answer means."""
        self._session = session
        self._writes = writes
        self._time_limit = time_limit

    async def post_xml(
        self, address: str, envelope: Any, headers: Mapping[str, str]
    ) -> Answer:
        """Send an envelope."""
        return await request(
            self._session,
            "POST",
            URL(address),
            writes=self._writes,
            time_limit=self._time_limit,
            headers=dict(headers),
            data=to_bytes(envelope),
        )


class _Fetched:
    """What zeep loads descriptions through: from what is there, and nothing else."""

    def __init__(self, parts: Mapping[str, bytes]) -> None:
        """Know the parts by their names."""
        self._parts = parts

    def load(self, name: str) -> bytes:
        """Return a part."""
        return self._parts[name]


async def load(
    session: ClientSession, url: URL, otherwise: Path, header: str
) -> Service:
    """Return what the server at an address offers.

    ``otherwise`` is a description for one that has none to show, or none that can
    be read or knows of the header that requests must have.
    """
    if parts := await _fetch(session, url):
        try:
            document = await asyncio.to_thread(_parse, parts, _name(_wsdl(url)))
            service = Service(session, url, document, described=True)
            if service.takes(header):
                return service
        except Exception:  # noqa: BLE001, S110 - whatever a server shows as its description
            pass
    own = await asyncio.to_thread(otherwise.read_bytes)
    document = await asyncio.to_thread(_parse, {_name(url): own}, _name(url))
    return Service(session, url, document, described=False)


async def _fetch(session: ClientSession, url: URL) -> dict[str, bytes]:
    """Return a server's description in parts; nothing if it shows none.

    Servers name themselves as they are called inside their own network, or as
    "localhost": all parts are fetched from the host that was configured.
    """
    parts: dict[str, bytes] = {}
    wanted = [_wsdl(url)]
    while wanted:
        part = wanted.pop()
        if _name(part) in parts:
            continue
        answer = await request(session, "GET", part, time_limit=DESCRIPTION_LIMIT)
        if answer.status in TROUBLE:
            raise_for_status(answer)
        if not answer.ok or len(parts) == MOST_PARTS:
            return {}
        try:
            text, others = await asyncio.to_thread(_linked, answer.body, part)
        except Exception:  # noqa: BLE001 - whatever a server shows as its description
            return {}
        parts[_name(part)] = text
        wanted += others
    return parts


def _wsdl(url: URL) -> URL:
    """Return where a server describes itself."""
    return URL(f"{url.with_query(None)}?wsdl", encoded=True)


def _name(url: URL) -> str:
    """Return the name of a part: one that zeep does not take for an address."""
    return f"file:///{quote(str(url), safe='')}"


def _linked(body: bytes, at: URL) -> tuple[bytes, list[URL]]:
    """Return a part whose links are names of other parts, and where those are."""
    root = parse_xml(body, None, settings=SETTINGS)
    if _local(root.tag) not in ("definitions", "schema"):
        raise ContractError("wsdl")
    others = []
    for element in root.iter():
        for link in ("location", "schemaLocation"):
            if _local(element.tag) in ("import", "include") and element.get(link):
                there = at.join(URL(element.get(link), encoded=True))
                here = at.with_path(there.path).with_query(None)
                part = URL(f"{here}?{there.raw_query_string}", encoded=True)
                element.set(link, _name(part))
                others.append(part)
    return to_bytes(root), others


def _parse(parts: Mapping[str, bytes], name: str) -> Any:
    """Read a description."""
    return Document(name, _Fetched(parts), settings=SETTINGS)


def _binding(document: Any) -> Any:
    """Return the operations that are offered by SOAP 1.1."""
    for service in document.services.values():
        for port in service.ports.values():
            if isinstance(port.binding, Soap11Binding):
                return port.binding
    raise ContractError("wsdl.binding")


def _fitting(value: Any, kind: Any) -> Any:
    """Return of a value what its type has room for; lists by the name of their items."""
    elements = dict(getattr(kind, "elements", ()))
    if isinstance(value, Mapping):
        known = elements | dict(getattr(kind, "attributes", ()))
        return {n: _fitting(v, known[n].type) for n, v in value.items() if n in known}
    if isinstance(value, list) and elements:
        [(name, item), *_] = elements.items()
        return {name: [_fitting(each, item.type) for each in value]}
    return value


def _body(answer: Answer, writes: bool) -> Node:
    """Return what an answer's body holds, whatever its status."""
    if answer.status in REFUSED:
        raise_for_status(answer, writes=writes)
    try:
        envelope = _node(parse_xml(answer.body, None, settings=SETTINGS))
    except Exception:  # noqa: BLE001 - not XML, in all the ways in which that can be
        envelope = None
    if envelope and envelope.name == "Envelope":
        for child in envelope.children:
            if child.name == "Body" and child.children:
                return child.children[0]
    if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ConnectionFailed(f"status {answer.status}")  # nobody there took it
    raise_for_status(answer, writes=writes)
    if writes:
        raise OutcomeUnknown("a page instead of an answer")
    raise ContractError("Envelope")


def _node(element: Any) -> Node:
    """Return an element without its namespaces."""
    children = tuple(_node(each) for each in element if isinstance(each.tag, str))
    return Node(_local(element.tag), (element.text or "").strip(), children)


def _local(tag: Any) -> str:
    """Return a name without its namespace."""
    return str(tag).rpartition("}")[2]
