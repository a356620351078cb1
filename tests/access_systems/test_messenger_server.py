"""The client of Saflok and Ambiance against a server that is in trouble, or another one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
import logging
import re
from typing import Any

from aiohttp import ClientSession, web
import pytest

from custom_components.booking_access import transport
from custom_components.booking_access.access_systems import soap
from custom_components.booking_access.access_systems.messenger import Messenger
from custom_components.booking_access.access_systems.messenger_server import UNBLOCK
from custom_components.booking_access.access_systems.messenger_wire import (
    FAULTS,
    Meaning,
    meaning_of,
)
from custom_components.booking_access.access_systems.saflok import Saflok
from custom_components.booking_access.engine.models import (
    AuthError,
    ConnectionFailed,
    ContractError,
    Grant,
    NotNow,
    OutcomeUnknown,
    Person,
    RateLimited,
    Rejected,
    VendorError,
)
from simulators.saflok import PASSWORD, USERNAME, SaflokSimulator
from simulators.saflok_contract import ENVELOPE, OPERATIONS, wsdl, wsdl_in_parts

PATH = "MessengerPMSWS.asmx"
START = datetime(2090, 11, 25, 12, 0, tzinfo=UTC)
PHONE = "+4520123456"
NAME = "Quistgaard"
STAY = Grant(
    reference="ba-1f-anna",
    reservation="ba-1f-booking",
    points=("room:101", "pass_level:3", "room:102"),
    start=START,
    end=START + timedelta(hours=3),
    person=Person(name=f"{NAME}, Anna", phone=PHONE),
)

type Make = Callable[..., Messenger]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[SaflokSimulator]:
    async with SaflokSimulator() as simulator:
        yield simulator


@pytest.fixture
def make(sim: SaflokSimulator, session: ClientSession) -> Make:
    def make(**settings: Any) -> Messenger:
        known = {"time_zone": "Europe/Copenhagen", "mobile_keys": True, "path": PATH}
        return Saflok(session, {**sim.credentials(), **known, **settings})

    return make


@pytest.fixture
def client(make: Make) -> Messenger:
    return make()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a fraction of a second for answers."""

    def quick(*args: Any, time_limit: timedelta, **options: Any) -> Awaitable[Any]:
        limit = min(time_limit, timedelta(seconds=0.3))
        return transport.request(*args, time_limit=limit, **options)

    monkeypatch.setattr(soap, "request", quick)


async def encode(client: Messenger, encoder: str = "1") -> None:
    await client.encode(STAY, encoder, duplicate=False)


# Faults


@pytest.mark.parametrize("meaning", [each for each in Meaning if each in FAULTS])
def test_every_name_of_a_fault_is_known(meaning: Meaning) -> None:
    """In whichever text it stands, in whatever case, as it is or in words."""
    for name in FAULTS[meaning].split():
        words = "".join(f" {c}" if c.isupper() else c for c in name).strip()
        for texts in (
            (name,),
            ("EncoderMsg", "", name),
            ("soap:Server", f"Error: {name.lower()} (12)"),
            ("EncoderMsg", f"{words}."),
        ):
            assert meaning_of(texts) is meaning, texts
    assert (
        meaning_of(("EncoderMsg", "No reservation was found, sorry", ""))
        is Meaning.REFUSED
    )


@pytest.mark.parametrize("where", ["faultcode", "faultstring", "detailInfo"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("PasswordInvalid", AuthError),
        ("UserCredentialsNotProvided", AuthError),
        ("BusyProcessingPreviousRequest", ConnectionFailed),
        ("VIP_EncoderBusy", ConnectionFailed),
        ("RequestTimeoutNoResponse", OutcomeUnknown),
        ("VIP_NO_CARD_PRESENT", "present_card"),
        ("KeyJammed", "card_problem"),
        ("RoomNumberNotFound", "unknown_room"),
        ("EncoderNotOnlineOrNotExist", "unknown_encoder"),
        ("PassNumberIsInvalid", "unknown_pass_level"),
        ("InvalidPMSTerminalNumber", "unknown_terminal"),
        ("KeyExpirationInPast", "dates_refused"),
        ("ReservationNotFound", "no_reservation"),
        ("OperationNotSupported", "unsupported_server"),
        ("NoActionRequired", "nothing_to_do"),
        ("MaxUnassignReached", "refused"),
    ],
)
async def test_faults_in_the_result(
    client: Messenger,
    sim: SaflokSimulator,
    where: str,
    fault: str,
    error: type[VendorError] | str,
) -> None:
    """What is said no to is one of our errors, and no key is made."""
    sim.control({"refuse": {"operation": "CreateNewBooking", where: fault}})
    kind = Rejected if isinstance(error, str) else error
    with pytest.raises(kind) as caught:
        await encode(client)
    if isinstance(error, str):
        assert str(caught.value) == error
    assert sim.hotel.keys == []


async def test_faults_that_the_hotel_makes(
    client: Messenger, sim: SaflokSimulator
) -> None:
    """No such room, encoder or pass level; no card, two of them; no phone."""
    for card, key in (
        ("VIP_NO_CARD_PRESENT", "present_card"),
        ("VIP_TOO_MUCH_CARDS", "card_problem"),
    ):
        sim.control({"encoders": {"1": {"card": card}}})
        with pytest.raises(Rejected, match=f"^{key}$"):
            await encode(client)
    with pytest.raises(Rejected, match="^unknown_encoder$"):
        await encode(client, "9")
    sim.control({"rooms": ["102"]})
    with pytest.raises(Rejected, match="^unknown_room$"):
        await encode(client, "2")
    sim.control({"encoders": {"1": {}}})


@pytest.mark.parametrize(
    ("fault", "writing", "reading"),
    [
        ("401", AuthError, AuthError),
        ("403", AuthError, AuthError),
        ("404", ConnectionFailed, ConnectionFailed),
        ("429", RateLimited, RateLimited),
        ("500", OutcomeUnknown, ConnectionFailed),
        ("503", OutcomeUnknown, ConnectionFailed),
        ("html", OutcomeUnknown, ContractError),
        ("truncated", OutcomeUnknown, ContractError),
        ("reset", OutcomeUnknown, ConnectionFailed),
        ("hang", OutcomeUnknown, ConnectionFailed),
        ("unknown_outcome", OutcomeUnknown, ConnectionFailed),
        ("soap_fault", OutcomeUnknown, None),
        ("empty", OutcomeUnknown, None),
        ("busy", NotNow, None),
        ("exception", OutcomeUnknown, None),
    ],
)
@pytest.mark.usefixtures("_impatient")
async def test_trouble(
    client: Messenger,
    sim: SaflokSimulator,
    fault: str,
    writing: type[VendorError],
    reading: type[VendorError] | None,
) -> None:
    """Whether something was done, was not, or may have been, is told apart."""
    await client.validate()
    sim.fault(fault)
    with pytest.raises(writing) as caught:
        await encode(client)
    assert type(caught.value) is writing
    if reading:
        with pytest.raises(reading) as caught:
            await client.read_states()
        assert type(caught.value) is reading
    else:
        await client.read_states()
    sim.faults.clear()
    await encode(client)


@pytest.mark.usefixtures("_impatient")
async def test_trouble_while_it_is_looked_for(make: Make, sim: SaflokSimulator) -> None:
    """A server that does not answer, or has too much to do, is not one without a description."""
    for fault, error in (
        ("503", ConnectionFailed),
        ("429", RateLimited),
        ("hang", ConnectionFailed),
        ("reset", ConnectionFailed),
    ):
        sim.fault(fault, path="?wsdl")
        with pytest.raises(error):
            await make(path="").validate()
        assert {path.partition("?")[2] for _, path in sim.requests} == {"wsdl"}
        sim.faults.clear()
    await make(path="").validate()
    sim.control({"path": "/elsewhere"})
    with pytest.raises(ConnectionFailed):
        await make(path="").validate()
    with pytest.raises(ConnectionFailed):
        await make().validate()
    with pytest.raises(ConnectionFailed):
        await make(url="http://[").validate()
    with pytest.raises(ConnectionFailed):
        await make(port=1).validate()


async def test_reachability(make: Make, sim: SaflokSimulator) -> None:
    """Without a greeting, by the description."""
    sim.control({"omit": ["HelloWorldTest"]})
    client = make(access_point=[{"kind": "room", "identifier": "101"}])
    assert await client.read_states()
    await sim.stop()
    with pytest.raises(ConnectionFailed):
        await client.read_states()


# Credentials


async def test_credentials(make: Make, sim: SaflokSimulator) -> None:
    """Both, or neither; also where everybody is greeted."""
    await make().validate()
    for wrong in (
        {"password": "wrong"},
        {"username": "other"},
        {"username": "", "password": ""},
    ):
        with pytest.raises(AuthError):
            await make(**wrong).validate()
    sim.control({"greets_anybody": True})
    await make().validate()
    with pytest.raises(AuthError):
        await make(password="wrong").validate()
    with pytest.raises(AuthError):
        await encode(make(password="wrong"))
    for half in ({"username": ""}, {"password": ""}):
        with pytest.raises(Rejected, match="^username_and_password$"):
            await make(**half).validate()
    sim.control({"authentication": False})
    await make(username="", password="").validate()
    sim.control({"omit": ["ReEstablishAccessToGuest"], "authentication": True})
    await make().validate()


@pytest.mark.parametrize(
    "said",
    [
        {"faultcode": "PasswordInvalid"},
        {"faultcode": "EncoderMsg", "detailInfo": "TransactionUnauthorized"},
        {"faultcode": "Client", "faultstring": "Invalid user name or password."},
        {"faultcode": "InvalidCredentials"},
        {"faultstring": "Authentication failed for this operator"},
        {"detailInfo": "UserNotAuthorized"},
    ],
)
async def test_credentials_that_are_refused_in_other_words(
    make: Make, sim: SaflokSimulator, said: dict[str, str]
) -> None:
    """They are known as such by their words, where no name is one that we know."""
    sim.control({"refuse": {"operation": UNBLOCK, **said}})
    with pytest.raises(AuthError):
        await make().validate()


@pytest.mark.parametrize("fault", ["soap_fault", "empty", "exception", "html", "500"])
async def test_a_server_that_does_not_take_the_check(
    make: Make, sim: SaflokSimulator, fault: str
) -> None:
    """It greets: whatever it makes of a reservation that nobody has is no refusal."""
    sim.fault(fault, path=f"#{UNBLOCK}")
    if fault in ("html", "500"):  # nobody there understood it
        with pytest.raises(ConnectionFailed):
            await make().validate()
        return
    await make().validate()


@pytest.mark.parametrize(
    "said",
    [
        {"faultcode": "ReservationNotFound"},
        {"faultcode": "NoActionRequired"},
        {"faultcode": "EncoderMsg", "detailInfo": "InvalidPMSTerminalNumber"},
        {"faultcode": "ExceptionFault", "faultstring": "Something went wrong"},
        {"faultstring": "Die Karte: CardAuthenticationFailed"},
    ],
)
async def test_a_check_that_is_refused_for_another_reason(
    make: Make, sim: SaflokSimulator, said: dict[str, str]
) -> None:
    """The credentials were good enough to be told so."""
    sim.control({"refuse": {"operation": UNBLOCK, **said}})
    await make().validate()


class Recorder:
    """Answers everything with success, and remembers what came."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []

    async def answer(self, request: web.Request) -> web.Response:
        text = await request.text()
        words = (
            "Action",
            "From",
            "MessageID",
            "ReplyTo",
            "To",
            "Username",
            "Password",
            "Nonce",
            "Id",
            "Created",
            "Expires",
        )
        tree = soap._node(soap.parse_xml(text.encode(), None, settings=soap.SETTINGS))
        self.headers.append(
            {each.name: each.text for each in tree if each.name in words}
        )
        return web.Response(
            text=f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><R><Result><CMessengerResponse> '
            "<bSuccess> TRUE </bSuccess></CMessengerResponse></Result></R></s:Body></s:Envelope>",
            content_type="text/xml",
        )


async def test_the_header(session: ClientSession, socket_enabled: None) -> None:
    """All that it can have, with an id of its own for each request."""
    recorder = Recorder()
    app = web.Application()
    app.router.add_post("/x.asmx", recorder.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/x.asmx"
    client = Saflok(session, {"url": url, "username": "u", "password": " p&<w "})
    for _ in range(2):
        await encode(client)
    await runner.cleanup()
    first, second = recorder.headers
    assert first["Action"] == f"{url}/CreateNewBooking"
    assert (first["From"], first["To"], first["ReplyTo"]) == ("urn:KABA", url, "")
    assert (first["Username"], first["Password"], first["Nonce"]) == ("u", "p&<w", "")
    assert first["MessageID"] != second["MessageID"]
    created, expires = (
        datetime.fromisoformat(first[n]) for n in ("Created", "Expires")
    )
    assert created.tzinfo
    assert expires - created == timedelta(minutes=5)


# Other servers


@pytest.mark.parametrize(
    "missing", ["CreateNewBooking", "MakeDuplicateKey", "CheckOutGuest"]
)
async def test_what_a_server_must_be_able_to_do(
    make: Make, sim: SaflokSimulator, missing: str
) -> None:
    """Without that it is none that can be used."""
    sim.control({"omit": [missing]})
    with pytest.raises(Rejected, match="^unsupported_server$"):
        await make().validate()


async def test_a_server_that_hides_what_it_cannot_do(
    make: Make, sim: SaflokSimulator
) -> None:
    """Without a description that is seen when it is asked."""
    sim.control({"metadata": "off", "omit": ["DenyAccessToGuest"]})
    client = make()
    issued = await client.issue(STAY)
    with pytest.raises(Rejected, match="^unsupported_server$"):
        await client.suspend(issued)


async def test_a_server_whose_requests_have_less_in_them(
    make: Make, sim: SaflokSimulator
) -> None:
    """What it does not know it is not told."""
    lean = ["GuestName", "TrackIIFolioNo", "CommonAreaList", "SiteName"]
    sim.control({"lean": lean})
    await make().issue(STAY)
    [told] = sim.told("CreateNewBooking")
    assert {name for name, value in told.items() if value is None} == set(lean)


def described(monkeypatch: pytest.MonkeyPatch, pattern: str, replacement: str) -> None:
    """Have the simulator describe itself otherwise."""

    def otherwise(*args: Any) -> str:
        text, count = re.subn(pattern, replacement, wsdl(*args))
        assert count
        return text

    monkeypatch.setattr("simulators.saflok.wsdl", otherwise)


@pytest.mark.parametrize(
    ("pattern", "replacement", "used"),
    [
        (r'(part|part name)="AuthHeader"', r'\1="Who"', True),
        (r"<soap:header [^>]*/>", "", False),
    ],
)
async def test_headers_that_are_described_otherwise(
    make: Make,
    sim: SaflokSimulator,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    replacement: str,
    used: bool,
) -> None:
    """A header has another name in the description; or is not there: then ours is used."""
    described(monkeypatch, pattern, replacement)
    client = make()
    await client.issue(STAY)
    assert client._server._service
    assert client._server._service.described is used
    assert len(sim.hotel.keys) == 1


async def test_a_server_that_wants_more(
    make: Make, sim: SaflokSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it must be told, and we do not know, is a difference of contracts."""
    described(
        monkeypatch,
        r'(<xsd:element minOccurs="1" name="KeyCount" [^>]*>)',
        r'\1<xsd:element minOccurs="1" name="Floor" type="xsd:int"/>',
    )
    with pytest.raises(ContractError, match="ValidationError"):
        await encode(make())
    assert sim.hotel.keys == []


async def test_success_decides(
    client: Messenger, sim: SaflokSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a fault beside it that says that there is none."""
    both = "<Fault><faultcode>NoFault</faultcode></Fault><bSuccess>true</bSuccess>"
    monkeypatch.setattr("simulators.saflok.done", lambda *_: f"<Both>{both}</Both>")
    await encode(client)


@pytest.mark.parametrize(
    "said",
    [
        {"host": "{host}:{port}", "port": ""},
        {"host": "{host}:{port}/{path}?wsdl", "port": "", "path": ""},
        {"host": "http://{host}:{port}/{path}?wsdl", "port": "", "path": ""},
        {"host": "", "port": "", "url": "http://{host}:{port}/{path}?WSDL"},
        {"path": "/{path}?wsdl"},
    ],
)
async def test_addresses_as_people_paste_them(
    make: Make, sim: SaflokSimulator, said: dict[str, str]
) -> None:
    """With their port, path, and what shows the description in a browser."""
    known = {**sim.credentials(), "path": PATH}
    settings = {name: text.format_map(known) for name, text in said.items()}
    account = await make(**settings).validate()
    assert account.id == f"127.0.0.1:{known['port']}/{PATH}"
    assert {name.partition("#")[0] for _, name in sim.requests[1:]} == {f"/{PATH}"}


async def test_addresses_of_ipv6(make: Make) -> None:
    """With a port of their own or without, in brackets or not."""
    for host, port in (
        ("fe80::7", "1619"),
        ("[fe80::7]:1619", ""),
        ("[fe80::7]", 1619.0),
    ):
        [place] = make(host=host, port=port)._server._places()
        assert str(place) == f"http://[fe80::7]:1619/{PATH}"


async def test_only_the_configured_host_is_asked(
    make: Make, sim: SaflokSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a server says of where it is, and of where the rest of it is."""
    asked: list[str] = []
    request = transport.request

    async def listening(session: Any, method: str, url: Any, **options: Any) -> Any:
        asked.append(str(url))
        return await request(session, method, url, **options)

    monkeypatch.setattr(soap, "request", listening)
    sim.control({"metadata": "split"})
    client = make()
    await client.issue(STAY)
    assert len(asked) == 9  # 2 parts with 5 schemas, 2 requests
    assert all(each.startswith(f"{sim.url}/{PATH}") for each in asked)
    parts = wsdl_in_parts("http://pms-server.invalid", list(OPERATIONS))
    assert sum("pms-server.invalid" in part for part in parts.values()) == 2


@pytest.mark.parametrize(
    "description",
    [
        "<html>Welcome</html>",
        "<definitions>",
        '<!DOCTYPE x [<!ENTITY a "b">]><definitions xmlns="http://schemas.xmlsoap.org/wsdl/">&a;</definitions>',
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"/>',
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import namespace="x" location="?wsdl=1"/></definitions>',
    ],
)
async def test_descriptions_that_are_none(
    make: Make,
    sim: SaflokSimulator,
    monkeypatch: pytest.MonkeyPatch,
    description: str,
) -> None:
    """Our own is used then."""
    monkeypatch.setattr("simulators.saflok.wsdl", lambda *_: description)
    client = make()
    await client.issue(STAY)
    assert client._server._service
    assert not client._server._service.described


@pytest.mark.parametrize(
    "entity", ['"b"', 'SYSTEM "file:///etc/hostname"', 'SYSTEM "{url}/elsewhere"']
)
async def test_answers_with_entities(
    client: Messenger,
    sim: SaflokSimulator,
    monkeypatch: pytest.MonkeyPatch,
    entity: str,
) -> None:
    """Are none, so that nothing is expanded, read or fetched for them."""
    await client.validate()
    told = f"<!DOCTYPE x [<!ENTITY a {entity.format(url=sim.url)}>]>"
    success = "<bSuccess>true</bSuccess><retAccessKey>&a;</retAccessKey>"

    def answer(*_: Any) -> web.Response:
        body = f"<Envelope><Body><Done>{success}</Done></Body></Envelope>"
        return web.Response(text=f"{told}{body}", content_type="text/xml")

    monkeypatch.setattr("simulators.saflok.envelope", answer)
    with pytest.raises(OutcomeUnknown):
        await encode(client)
    assert f"/{PATH}#CreateNewBooking" == sim.requests[-1][1]


async def test_a_description_without_end(
    make: Make, sim: SaflokSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Is none."""
    sim.control({"metadata": "split"})
    parts = {"count": 0}

    def endless(address: str, *_: Any) -> Any:
        parts["count"] += 1
        text = f'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import namespace="x" location="{address}?part={parts["count"]}"/></definitions>'
        return type("Any", (), {"get": lambda _, __: text})()

    monkeypatch.setattr("simulators.saflok.wsdl_in_parts", endless)
    await make().issue(STAY)
    assert parts["count"] <= 31


# Terminals


async def test_encoders_work_beside_each_other(
    client: Messenger, sim: SaflokSimulator
) -> None:
    """Each one thing at a time, and all else meanwhile."""
    sim.control({"encoders": {n: {"seconds": 0.15} for n in ("1", "2")}})
    await client.validate()
    began = asyncio.get_running_loop().time()
    await asyncio.gather(
        *(client.encode(STAY, n, duplicate=True) for n in ("1", "1", "2", "2")),
        client.issue(STAY),
        client.issue(STAY),
    )
    assert asyncio.get_running_loop().time() - began < 0.15 * 4
    assert {
        call["PMSTerminalID"] for name, call in sim.calls if "EncoderID" in call
    } == {"BA", "BA1", "BA2"}


# Privacy


@pytest.mark.usefixtures("_impatient")
async def test_nothing_personal_is_logged(
    make: Make, sim: SaflokSimulator, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the password, which servers echo; neither by us nor by zeep, in no error either."""
    caplog.set_level(logging.DEBUG)
    logging.getLogger("zeep").setLevel(logging.DEBUG)
    client = make()
    await client.validate()
    issued = await client.issue(STAY)
    told: list[str] = [repr(issued), repr(STAY)]
    for fault in ("truncated", "html", "soap_fault", "empty", "500", "exception"):
        sim.fault(fault)
        for step in (
            partial(client.issue, STAY),
            partial(client.revoke, issued),
            partial(encode, client),
        ):
            with pytest.raises(VendorError) as caught:
                await step()
            logging.getLogger("zeep").error("x", exc_info=caught.value)
            told += [str(caught.value), repr(caught.value)]
        sim.faults.clear()
    told += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    told.append(caplog.text)
    for secret in (PASSWORD, USERNAME, PHONE, PHONE[1:], NAME):
        assert not [text for text in told if secret in text]
    assert "Envelope" not in caplog.text.replace(
        'ContractError("Envelope")', ""
    ).replace("unexpected answer: Envelope", "")
