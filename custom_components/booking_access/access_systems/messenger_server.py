"""One lock server: where its service is, what it offers, and what it answers."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    NotNow,
    OutcomeUnknown,
    Rejected,
)
from . import soap
from .messenger_form import DEFAULT_SITE, DEFAULT_TERMINAL
from .messenger_wire import (
    HEADER,
    Meaning,
    auth_header,
    fault_texts,
    is_true,
    local_time,
    meaning_of,
)

WSDL: Final = Path(__file__).parent / "wsdl" / "messenger.wsdl"
# Where the service was found at hotels, the likeliest first.
PATHS: Final = (
    "LensPMSWebService/MessengerPMSService.asmx",
    "MessengerPMSWS.asmx",
    "ATLASKLIWS/MessengerPMSService.asmx",
)
REQUIRED: Final = frozenset({"CreateNewBooking", "MakeDuplicateKey", "CheckOutGuest"})
CANCEL_PHONE: Final = "CancelGuestsMobileAccessToRoom"
HISTORY: Final = "GetMobileTransactionHistory"
HISTORY_TEXTS: Final = ("GuestInfo", "Message", "StaInfo", "SystemActivity")
HELLO: Final = "HelloWorldTest"
UNBLOCK: Final = "ReEstablishAccessToGuest"
QUICK: Final = timedelta(seconds=15)
NOBODYS: Final = "BATEST"  # a reservation that we never make


class Server:
    """The web service of an account."""

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the account's settings."""
        said = {name: str(value or "").strip() for name, value in settings.items()}
        self._session = session
        self._settings = said
        self._password = str(settings.get("password") or "")
        self._zone = ZoneInfo(said.get("time_zone") or "UTC")
        self._site_name = said.get("site_name") or DEFAULT_SITE
        self.terminal = said.get("pms_terminal") or DEFAULT_TERMINAL
        self._service: soap.Service | None = None
        self._finding = asyncio.Lock()

    def named(self, reservation: str, terminal: str) -> dict[str, Any]:
        """Return what names a reservation and who asks."""
        return {
            "ReservationID": reservation,
            "SiteName": self._site_name,
            "PMSTerminalID": terminal,
        }

    def local_time(self, instant: datetime) -> datetime:
        """Return what the clock at the property shows."""
        return local_time(instant, self._zone)

    async def prove(self) -> URL:
        """Return where the service is; raise if it cannot be used with the credentials.

        Whether a greeting needs credentials is not known; to unblock what does not
        exist needs them, and does nothing. How a server puts it that there is nothing to
        unblock is not known either: all counts but that it does not know who asks.
        """
        if bool(self._settings.get("username")) != bool(self._password):
            raise Rejected("username_and_password")
        await self.hello()
        service = await self._found()
        if UNBLOCK in service.operations:
            wish = self.named(NOBODYS, self.terminal)
            meaning = _meaning(await self._call(service, UNBLOCK, wish))
            if meaning in (Meaning.AUTH, Meaning.BUSY):
                raise _error(meaning, writes=False)
        return service.url

    async def hello(self) -> None:
        """Raise if the service does not answer."""
        service = await self._found()
        if HELLO in service.operations:
            await self._greet(service)
        else:
            await soap.load(self._session, service.url, WSDL, HEADER)

    async def offers(self, operation: str) -> bool:
        """Whether the server has an operation, as far as it tells."""
        return operation in (await self._found()).operations

    async def require(self, operation: str) -> None:
        """Raise Rejected if the server lacks an operation."""
        if not await self.offers(operation):
            raise Rejected(Meaning.UNSUPPORTED)

    async def do(
        self,
        operation: str,
        wish: Mapping[str, Any],
        time_limit: timedelta,
        ok: Collection[Meaning],
    ) -> Meaning | None:
        """Change something, once.

        Returns None for success, or why it was refused where that is ``ok``; all
        else raises.
        """
        service = await self._found()
        meaning: Meaning | None = Meaning.UNSUPPORTED
        if operation in service.operations:
            body = await self._call(
                service, operation, wish, writes=True, time_limit=time_limit
            )
            meaning = _meaning(body)
        if meaning is None or meaning in ok:
            return meaning
        raise _error(meaning, writes=True)

    async def history(self, reservation: str, room: str, encoder: str) -> list[str]:
        """Return what is told of the keys of a room that went to phones without an error."""
        wish = {
            "ReservationID": reservation,
            "RoomNo": room,
            "EncoderID": encoder,
            "From": None,
            "To": None,
        }
        body = await self._call(await self._found(), HISTORY, wish)
        entries = [each for each in body if each.name == "TransactionStatusHistory"]
        return [
            " ".join(part.text for part in entry if part.name in HISTORY_TEXTS)
            for entry in entries
            if not is_true(entry.said("TransactionInError"))
        ]

    async def _found(self) -> soap.Service:
        """Return the service; it is looked for once."""
        async with self._finding:
            if self._service is None:
                service = await self._find()
                if not service.operations >= REQUIRED:
                    raise Rejected(Meaning.UNSUPPORTED)
                self._service = service
            return self._service

    async def _find(self) -> soap.Service:
        """Look for the service where it may be.

        One that shows no description is known by its answer to a greeting.
        """
        places = self._places()
        for url in places:
            service = await soap.load(self._session, url, WSDL, HEADER)
            if service.described or len(places) == 1:
                return service
            try:
                await self._greet(service)
            except ConnectionFailed:
                continue
            return service
        raise ConnectionFailed("there is no service at any of the known paths")

    def _places(self) -> list[URL]:
        """Return where the service may be."""
        try:
            base = self._base()
        except ValueError as err:
            raise ConnectionFailed("url") from err
        if base.path.lower().endswith(".asmx"):
            return [base]
        if path := self._settings.get("path", "").partition("?")[0]:
            return [base.joinpath(path.lstrip("/"))]
        return [base.joinpath(path) for path in PATHS]

    def _base(self) -> URL:
        """Return the server's address; ValueError if it is none.

        People paste what a browser shows: with port, path, and a "?wsdl".
        """
        said = self._settings
        host = said.get("url") or said.get("host", "")
        if "://" in host:
            return URL(host.rstrip("/")).with_query(None)
        scheme = "https" if said.get("ssl") == "True" else "http"
        if host.count(":") > 1 and "[" not in host:  # an address of IPv6
            host = f"[{host}]"
        base = URL(f"{scheme}://{host.rstrip('/')}").with_query(None)
        port = int(float(said.get("port") or 0)) or base.explicit_port
        return base.with_port(port)

    async def _greet(self, service: soap.Service) -> None:
        """Greet a service; raise unless it greets back."""
        wish = {"s1": "Booking Access", "i1": 1}
        body = await self._call(service, HELLO, wish)
        if body.find("Fault"):
            meaning = meaning_of(fault_texts(body))
            if meaning is Meaning.AUTH:
                raise _error(meaning, writes=False)
        elif not body.find(f"{HELLO}Result", f"{HELLO}Response"):
            raise ContractError(f"{HELLO}Result")

    async def _call(
        self,
        service: soap.Service,
        operation: str,
        wish: Mapping[str, Any],
        *,
        writes: bool = False,
        time_limit: timedelta = QUICK,
    ) -> soap.Node:
        """Ask the service, with credentials."""
        username = self._settings.get("username", "")
        return await service.call(
            operation,
            auth_header(operation, str(service.url), username, self._password),
            wish,
            writes=writes,
            time_limit=time_limit,
        )


def _meaning(body: soap.Node) -> Meaning | None:
    """Return why something was refused; None if it was done.

    A refusal is a fault in the result, one in place of it, or a response that says
    so. Where there is neither, nobody knows.
    """
    success = body.find("bSuccess")
    if success and is_true(success.text):
        return None
    if fault := body.find("Fault"):
        meaning = meaning_of(fault_texts(fault))
        code = fault.said("faultcode").casefold()
        # A fault of the server's own may have struck it when it was half done.
        broke = body is fault and meaning is Meaning.REFUSED and "client" not in code
        return Meaning.LOST if broke else meaning
    return meaning_of(fault_texts(body)) if success else Meaning.LOST


def _error(meaning: Meaning, *, writes: bool) -> Exception:
    """Return the error that a refusal is."""
    match meaning:
        case Meaning.AUTH:
            return AuthError(meaning)
        case Meaning.BUSY | Meaning.OFFLINE:
            return NotNow(meaning)
        case Meaning.LOST:
            return OutcomeUnknown(meaning) if writes else ConnectionFailed(meaning)
    return Rejected(meaning)
