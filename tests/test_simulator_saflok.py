"""The Saflok simulator, asked by hand."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

from aiohttp import ClientSession
import pytest
import zeep

from simulators.saflok import PASSWORD, PATHS, USERNAME, SaflokSimulator
from simulators.saflok_contract import HISTORY

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
WSU = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)
HEADER = f"""<AuthHeader xmlns="http://tempuri.org">
<Action xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">x</Action>
<From xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">urn:KABA</From>
<MessageID xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">{ID}</MessageID>
<ReplyTo xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"/>
<To xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">x</To>
<Security><Timestamp xmlns="{WSU}"><Id>{ID}</Id>
<Created>2026-11-25T12:00:00Z</Created><Expires>2026-11-25T12:05:00Z</Expires></Timestamp>
<UsernameToken xmlns="{WSU}"><Id>{ID}</Id><Username>{USERNAME}</Username>
<Password>{PASSWORD}</Password><Nonce/><Created>2026-11-25T12:00:00Z</Created>
</UsernameToken></Security></AuthHeader>"""
FULL_TOKEN = HEADER
SHORT_TOKEN = HEADER.replace(
    f'<UsernameToken xmlns="{WSU}"><Id>{ID}</Id>', f'<UsernameToken xmlns="{WSU}">'
).replace("<Nonce/><Created>2026-11-25T12:00:00Z</Created>\n", "")
SUCCESS = {
    "bSuccess": "true",
    "ResponseCode": "0",
    "ResponseMessage": "Transaction completed successfully",
    "retAccessKey": None,
}
BOOKING = """<CreateNewBooking xmlns="http://tempuri.org"><ReservationID>R1</ReservationID>
<SiteName>MAIN</SiteName><PMSTerminalID>1</PMSTerminalID><EncoderID>1</EncoderID>
<CheckIn>2090-11-25T15:00:00</CheckIn><CheckOut>2090-11-27T11:00:00</CheckOut>
<w:GuestName xmlns:w="WSU">Holm</w:GuestName><MainRoomNo>101</MainRoomNo>
<bGrantAccessPredefinedSuiteDoors>false</bGrantAccessPredefinedSuiteDoors>
<VariableRoomList><string>102</string></VariableRoomList>
<CommonAreaList><CCommonAreas><PassLevelNo>3</PassLevelNo><eMode>GrantAccess</eMode>
</CCommonAreas></CommonAreaList><TrackIIFolioNo/><TrackIGuestNo/><KeyCount>1</KeyCount>
<KeySize>0</KeySize><UID/></CreateNewBooking>""".replace("WSU", WSU)
DUPLICATE = """<MakeDuplicateKey xmlns="http://tempuri.org"><ReservationID>R1</ReservationID>
<PMSTerminalID>1</PMSTerminalID><EncoderID>2</EncoderID><KeyCount>1</KeyCount>
<KeySize>1</KeySize><GuestName>Holm</GuestName></MakeDuplicateKey>"""
IN_THE_STAY = datetime.fromisoformat("2090-11-26T12:00:00+01:00")


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[SaflokSimulator]:
    async with SaflokSimulator() as simulator:
        yield simulator


class Desk:
    """Somebody who writes envelopes by hand."""

    def __init__(self, sim: SaflokSimulator, session: ClientSession) -> None:
        self.sim = sim
        self.session = session

    async def send(
        self,
        body: str,
        *,
        header: str = HEADER,
        path: str = PATHS[0],
        action: str | None = None,
        kind: str = "text/xml; charset=utf-8",
    ) -> tuple[int, str]:
        name = body.split(maxsplit=1)[0].strip("<>/")
        action = f'"http://tempuri.org/{name}"' if action is None else action
        envelope = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/">'
            f"<e:Header>{header}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
        )
        async with self.session.post(
            f"{self.sim.url}{path}",
            data=envelope.encode(),
            headers={"SOAPAction": action, "Content-Type": kind},
        ) as answer:
            return answer.status, await answer.text()

    async def refused(self, body: str, **more: Any) -> tuple[str, str]:
        """Return the code and the detail of a fault in the result."""
        status, text = await self.send(body, **more)
        assert status == 200, text
        [fault] = ET.fromstring(text).iter("Fault")
        texts = [each.text or "" for each in fault]
        return texts[0], texts[2]

    async def control(self, **wish: Any) -> dict[str, Any]:
        async with self.session.post(f"{self.sim.url}/_control", json=wish) as answer:
            return {"status": answer.status, **await answer.json()}


@pytest.fixture
def desk(sim: SaflokSimulator, session: ClientSession) -> Desk:
    return Desk(sim, session)


def plain(operation: str, **elements: str) -> str:
    """Return a request whose elements are all in the service's namespace."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in elements.items())
    return f'<{operation} xmlns="http://tempuri.org">{inner}</{operation}>'


@pytest.mark.parametrize("path", PATHS)
async def test_a_booking(desk: Desk, sim: SaflokSimulator, path: str) -> None:
    """At each path; the answer has its own peculiar namespaces, and echoes the header."""
    status, text = await desk.send(BOOKING, path=path)
    assert status == 200
    assert PASSWORD in text
    tns = "{http://tempuri.org}"
    [response] = ET.fromstring(text).iter("CMessengerResponse")
    assert [(each.tag, each.text) for each in response] == [
        (f"{tns}bSuccess", "true"),
        (f"{tns}ResponseCode", "0"),
        (f"{tns}ResponseMessage", "Transaction completed successfully"),
        (f"{tns}retAccessKey", None),
    ]
    for room in ("101", "102"):
        [key] = sim.openers(room, IN_THE_STAY)
        assert (key.number, key.areas, key.stay.guest) == (1, {3}, "Holm")
    assert sim.openers("103", IN_THE_STAY) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f'<w:GuestName xmlns:w="{WSU}">Holm</w:GuestName>',
            "<GuestName>Holm</GuestName>",
        ),
        ("<SiteName>MAIN</SiteName>", ""),
        ("<SiteName>MAIN</SiteName>", "<SiteName>MAIN</SiteName><Other/>"),
        ("<TrackIIFolioNo/><TrackIGuestNo/>", "<TrackIGuestNo/><TrackIIFolioNo/>"),
        ("<KeyCount>1</KeyCount>", ""),
        ("<KeyCount>1</KeyCount>", "<KeyCount>-1</KeyCount>"),
        ("<CheckIn>2090-11-25T15:00:00</CheckIn>", ""),
        ("2090-11-25T15:00:00", "25.11.2090"),
        ("2090-11-25T15:00:00", "2090-11-25"),
        ("2090-11-25T15:00:00", "2090-11-25 15:00:00"),
        ("2090-11-25T15:00:00", "2090-11-25T15:00"),
        ("<PassLevelNo>3<", "<PassLevelNo>1_0<"),
        (">false<", ">no<"),
        ("GrantAccess<", "Grant<"),
        ("<string>102</string>", "<room>102</room>"),
        ("CreateNewBooking", "MakeNewBooking"),
    ],
)
async def test_bodies_must_be_as_described(
    desk: Desk, sim: SaflokSimulator, before: str, after: str
) -> None:
    """Order, namespaces, types, and what must be there; only optional ones may lack."""
    assert before in BOOKING
    action = '"http://tempuri.org/CreateNewBooking"'
    status, text = await desk.send(BOOKING.replace(before, after), action=action)
    optional = after == ""
    optional &= "SiteName" in before
    assert status == (200 if optional else 500)
    assert ("soap:Client" in text) is not optional
    assert len(sim.hotel.keys) == optional


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            f'<MessageID xmlns="http://schemas.xmlsoap.org/ws/2004/08/addressing">{ID}</MessageID>',
            "",
        ),
        (ID, f"uuid:{ID}"),
        ("addressing/role/anonymous", "addressing"),
        ("<Expires>2026-11-25T12:05:00Z</Expires>", ""),
        (f'<UsernameToken xmlns="{WSU}">', "<UsernameToken>"),
        ("AuthHeader", "Auth"),
    ],
)
async def test_headers_must_be_as_described(
    desk: Desk, before: str, after: str
) -> None:
    """All of it that is there."""
    assert before in HEADER
    status, text = await desk.send(DUPLICATE, header=HEADER.replace(before, after))
    assert (status, "soap:Client" in text) == (500, True)


@pytest.mark.parametrize(
    ("header", "times", "size", "areas"),
    [
        (FULL_TOKEN, ("2090-11-25T15:00:00", "2090-11-27T11:00:00"), "0", range(0)),
        (
            SHORT_TOKEN,
            ("2090-11-25T04:27:13.6115233-08:00", "2090-11-27T11:00:00.0000000-08:00"),
            "1",
            range(1, 13),
        ),
        (
            SHORT_TOKEN,
            ("2090-11-25T15:00:00Z", " 2090-11-27T11:00:00.000Z\n"),
            "1",
            range(1, 21),
        ),
    ],
)
async def test_what_clients_at_hotels_send(
    desk: Desk,
    sim: SaflokSimulator,
    header: str,
    times: tuple[str, str],
    size: str,
    areas: range,
) -> None:
    """Tokens with user and password alone, dates with any offset, all areas or none."""
    listed = "".join(
        f"<CCommonAreas><PassLevelNo>{area}</PassLevelNo>"
        "<eMode>DefaultConfiguredAccess</eMode></CCommonAreas>"
        for area in areas
    )
    body = plain(
        "CreateNewBooking",
        ReservationID="3344",
        SiteName="Main",
        PMSTerminalID="WS1",
        EncoderID="1",
        CheckIn=times[0],
        CheckOut=times[1],
        MainRoomNo="101",
        bGrantAccessPredefinedSuiteDoors="false",
        CommonAreaList=listed,
        KeyCount="1",
        KeySize=size,
    )
    if not areas:
        body = body.replace("<CommonAreaList></CommonAreaList>", "")
    status, text = await desk.send(body, header=header)
    assert (status, "bSuccess>true<" in text) == (200, True)
    [key] = sim.openers("101", IN_THE_STAY)
    assert (key.areas, key.check_out.isoformat()) == (set(), "2090-11-27T11:00:00")


async def test_a_description_is_enough(sim: SaflokSimulator, desk: Desk) -> None:
    """A client that knows nothing else can do everything, by either version of SOAP."""
    now = datetime.now(UTC)
    token = {"Username": USERNAME, "Password": PASSWORD, "Id": ID, "Created": now}
    header = {
        "AuthHeader": {
            "MessageID": ID,
            "Action": "x",
            "Security": {"UsernameToken": token},
        }
    }
    who = {"SiteName": "MAIN", "PMSTerminalID": "1"}
    span = {"CheckIn": now, "CheckOut": now + timedelta(days=2)}
    key = {"EncoderID": "0", "KeySize": 0, "UID": "0A1B2C3D"}
    full = {**who, **span, **key, "KeyCount": 1, "MainRoomNo": "101"}
    phone = {**full, "EncoderID": "999Tcustom#44568751039-4520123456", "UID": ""}
    suite = {"bGrantAccessPredefinedSuiteDoors": False}
    rooms = {"RoomList": {"string": ["103"]}}
    mine, of = {**who, "ReservationID": "R1"}, {"ReservationID": "R1"}

    def everything(port: str) -> list[Any]:
        client = zeep.Client(f"{sim.url}{PATHS[0]}?wsdl")
        service = client.bind("MessengerPMSWSService", port)

        def ask(operation: str, **wish: Any) -> Any:
            answer = service[operation](**wish, _soapheaders=header)
            return answer.body[f"{operation}Result"]

        def does(operation: str, **wish: Any) -> dict[str, str]:
            [result] = [ask(operation, **wish)["_value_1"]]
            return {each.tag.rpartition("}")[2]: each.text for each in result}

        assert ask("HelloWorldTest", s1="x", i1=1) == "Hello x"
        told = does("CreateNewBooking", **of, **full, **suite, GuestName="Holm")
        assert told["bSuccess"] == "true"
        assert base64.b64decode(told["retAccessKey"]).startswith(b"0A1B2C3D ")
        wrong = does("CreateNewBooking", **of, **full | {"MainRoomNo": "9"}, **suite)
        assert wrong["faultcode"] == "RoomNumberNotFound"
        for operation, wish in (
            ("MakeDuplicateKey", {**mine, **key, "KeyCount": 1, "GuestName": "Holm"}),
            ("ChangeKeyAccess", {**mine, **span, **key, "KeyCount": 1}),
            ("AddSharedGuest", {**full, "ReservationID": "R2"}),
            ("CreateOneShotKey", {**who, **span, **key, "MainRoomNo": "102"}),
            ("AddGuestAccess", {**mine, **rooms}),
            ("ChangeGuestAccess", {**mine, "MainRoomNo": "102"}),
            ("ExtendCheckOut", {**mine, "CheckOut": now + timedelta(days=3)}),
            ("DenyAccessToGuest", mine),
            ("ReEstablishAccessToGuest", mine),
            ("CreateNewBooking", {**phone, **suite, "ReservationID": "R3"}),
        ):
            assert does(operation, **wish) | {"retAccessKey": None} == SUCCESS, (
                operation
            )
        unassigned = {**who, **span, **key, "KeyCount": 1, "ReservationID": "R4"}
        assert does("MakeUnassignedBooking", **unassigned)["bSuccess"] == "true"
        history = ask(
            HISTORY,
            ReservationID="R3",
            RoomNo="101",
            EncoderID="",
            From=None,
            To=None,
        )
        [entry] = history.PMStransactionList.TransactionStatusHistory
        assert (entry.RoomNumber, entry.TransactionInError) == ("101", False)
        does(
            "UpdateKeyTransactionStatus",
            PMSTransactionID=entry.ID,
            TransactionStatus=1,
            QualifierRef=0,
        )
        for operation, wish in (
            (
                "CancelGuestsMobileAccessToRoom",
                {
                    **who,
                    "ReservationID": "R3",
                    "MainRoomNo": "101",
                    "GuestMobileNumber": "+4520123456",
                },
            ),
            ("CancelGuestsAccessToRoom", {**who, "MainRoomNo": "102"}),
            ("CheckOutGuest", mine),
        ):
            assert does(operation, **wish)["bSuccess"] == "true", operation
        assert "ReservationNotFound" in [
            e.text for e in ask("PublishFaultList")._value_1
        ]
        staff = {"StaffID": "7", "MobileNumber": "+4520123456", "KeyData": b"\x01"}
        valid = {"ValidFrom": now, "ValidTo": now + timedelta(days=1), "SendSMS": True}
        sent = ask("SendKey2StaffMobileDevice", PMSTerminalID="1", **staff, **valid)
        assert (sent.bSuccess, sent.retPMSTransactionNo) == (True, 1)
        assert sim.hotel.staff == {"7": "+4520123456"}
        taken = ask("UnRegisterStaff", **staff)
        assert (taken.bSuccess, taken.retPMSTransactionNo) == (True, 2)
        assert sim.hotel.staff == {}
        card = {"ProductLine": "Saflok", "RFIDEncodingType": "Type1"}
        for uid, code in (("0A1B2C3D", None), ("xyz", "InvalidHexValue")):
            told = does("GetDeviceSecKeysRights", keyReq={**card, "KeyDeviceUID": uid})
            assert told.get("faultcode") == code
        types = {"aReason": "NoFault", "aDetailReason": "Success"}
        assert does("PublishResponseComplexTypes", **types)["bSuccess"] == "true"
        operations: list[str] = client.wsdl.bindings[
            f"{{http://tempuri.org}}{port}"
        ].all()
        return sorted(operations)

    for port in ("MessengerPMSWSServiceSoap", "MessengerPMSWSServiceSoap12"):
        known = await asyncio.to_thread(everything, port)
        assert len(known) == 22
        assert {name for _, name in sim.requests[-4:]} <= {
            f"{PATHS[0]}#{each}" for each in known
        }
        await desk.control(reset=True)


async def test_shared_and_single_keys(desk: Desk, sim: SaflokSimulator) -> None:
    """Another party's keys open beside the first one's; a key for once opens once."""
    shared = BOOKING.replace("CreateNewBooking", "AddSharedGuest").replace("R1", "R2")
    shared = shared.replace(
        "<bGrantAccessPredefinedSuiteDoors>false</bGrantAccessPredefinedSuiteDoors>", ""
    )
    assert await desk.refused(shared) == ("SharedWithMustHaveExistingStay", "")
    await desk.send(BOOKING)
    await desk.send(shared)
    span = {"CheckIn": "2090-11-25T15:00:00", "CheckOut": "2090-11-27T11:00:00"}
    once = {"EncoderID": "1", "MainRoomNo": "101", **span, "KeySize": "0"}
    await desk.send(plain("CreateOneShotKey", **once))
    assert [key.number for key in sim.openers("101", IN_THE_STAY)] == [1, 2, 3]
    assert sim.hotel.use(3, "101", IN_THE_STAY)
    assert [key.number for key in sim.openers("101", IN_THE_STAY)] == [1, 2]


async def test_a_refusal_is_told_in_the_header(desk: Desk) -> None:
    """Its action is that of faults; that of a success is the one that was sent."""
    action = "{http://schemas.xmlsoap.org/ws/2004/08/addressing}Action"
    for body, said in (
        (BOOKING, "x"),
        (
            BOOKING.replace(">101<", ">999<"),
            "http://www.w3.org/2005/08/addressing/fault",
        ),
    ):
        _, text = await desk.send(body)
        assert [each.text for each in ET.fromstring(text).iter(action)] == [said]


async def test_envelopes(desk: Desk) -> None:
    """A whole SOAPAction, an operation that there is, XML of the right type."""
    for action in (
        "",
        "MakeDuplicateKey",
        '"http://tempuri.org/Ping"',
        '"urn:x/MakeDuplicateKey"',
    ):
        status, text = await desk.send(DUPLICATE, action=action)
        assert (status, "SOAPAction" in text) == (500, True)
    bare = "http://tempuri.org/MakeDuplicateKey"
    assert await desk.refused(DUPLICATE, action=bare) == ("ReservationNotFound", "")
    assert (await desk.send(DUPLICATE, kind="application/json"))[0] == 415
    assert (await desk.send("<MakeDuplicateKey "))[0] == 500
    assert (await desk.send(DUPLICATE + DUPLICATE))[0] == 500


async def test_credentials(desk: Desk) -> None:
    """A fault in the result; where only a text fits, one of SOAP."""
    wrong = HEADER.replace(PASSWORD, "wrong")
    unsaid = HEADER.replace("Username>", "Other>")
    assert (await desk.send(DUPLICATE, header=unsaid))[0] == 500
    unsaid = f"{HEADER.partition('<Security>')[0]}</AuthHeader>"
    refused = await desk.refused(DUPLICATE, header=unsaid)
    assert refused == ("UserCredentialsNotProvided", "")
    hello = plain("HelloWorldTest", s1="you &amp; me", i1="1")
    assert await desk.refused(DUPLICATE, header=wrong) == (
        "AuthHeaderNotRecognized",
        "PasswordInvalid",
    )
    assert (await desk.send(hello, header=wrong))[0] == 500
    status, text = await desk.send(hello)
    assert (status, "Hello you &amp; me" in text) == (200, True)
    await desk.control(data={"greets_anybody": True})
    assert (await desk.send(hello, header=wrong))[0] == 200
    await desk.control(data={"authentication": False})
    assert await desk.refused(DUPLICATE, header=wrong) == ("ReservationNotFound", "")


async def test_what_a_hotel_refuses(desk: Desk, sim: SaflokSimulator) -> None:
    """With the names of the contract."""
    for before, after, fault in (
        (">101<", ">999<", ("RoomNumberNotFound", "")),
        (">102<", ">999<", ("RoomNumberNotFound", "")),
        ("<EncoderID>1<", "<EncoderID>7<", ("EncoderMsg", "InvalidEncoderNumber")),
        ("<EncoderID>1<", "<EncoderID>0<", ("SecuredKeyDeviceUIDEmpty", "")),
        ("<EncoderID>1<", "<EncoderID>999T<", ("EmptyPhoneNumber", "")),
        ("<EncoderID>1<", "<EncoderID>999T+451<", ("PhoneNumberTooSmall", "")),
        (">3<", ">13<", ("EncoderMsg", "PassNumberIsInvalid")),
        (">R1<", "><", ("ReservationNoInvalid", "")),
        ("2090-11-27", "2026-01-01", ("EncoderMsg", "KeyExpirationInPast")),
        ("<KeyCount>1<", "<KeyCount>2<", ("InvalidWSParameter", "KeyCount")),
    ):
        assert await desk.refused(BOOKING.replace(before, after)) == fault
    assert sim.hotel.keys == []
    for uid, fault in (
        ("0A1B2C", "SecuredKeyDeviceUIDLengthInvalid"),
        ("00000000", "SecuredKeyDeviceUIDZeroOnly"),
    ):
        card = BOOKING.replace("<EncoderID>1<", "<EncoderID>0<")
        card = card.replace("<UID/>", f"<UID>{uid}</UID>")
        assert await desk.refused(card) == (fault, "")
    itself = BOOKING.replace("<EncoderID>1<", "<EncoderID>0<")
    assert await desk.refused(itself.replace("<UID/>", "<UID>XY</UID>")) == (
        "InvalidHexValue",
        "",
    )
    _, text = await desk.send(itself.replace("<UID/>", "<UID>0A1B2C3D</UID>"))
    [data] = ET.fromstring(text).iter("{http://tempuri.org}retAccessKey")
    assert base64.b64decode(data.text or "") == b"0A1B2C3D 1 101 102"


async def test_reservations(desk: Desk, sim: SaflokSimulator) -> None:
    """From a duplicate of nothing to a checked-out guest."""
    extend = plain("ExtendCheckOut", ReservationID="R1", CheckOut="2090-11-28T11:00:00")
    assert await desk.refused(DUPLICATE) == ("ReservationNotFound", "")
    await desk.send(BOOKING)
    await desk.control(data={"max_duplicates": 1})
    await desk.send(DUPLICATE)
    assert await desk.refused(DUPLICATE) == ("EncoderMsg", "MaxDuplicatesMadeReached")
    later = IN_THE_STAY + timedelta(days=1, hours=12)
    assert sim.openers("101", later) == []
    await desk.send(extend)
    assert len(sim.openers("101", later)) == 2
    assert await desk.refused(extend) == ("NoActionRequired", "")
    past = extend.replace("2090", "2026")
    assert (await desk.refused(past.replace("-11-28", "-01-28")))[
        1
    ] == "CheckoutDateLessThanSystemDate"
    rooms = "<string>201</string>"
    await desk.send(plain("AddGuestAccess", ReservationID="R1", RoomList=rooms))
    assert len(sim.openers("201", later)) == 2
    await desk.control(data={"offline": ["103"]})
    move = plain("ChangeGuestAccess", ReservationID="R1", MainRoomNo="103")
    assert await desk.refused(move) == ("RoomOFFLine", "")
    await desk.control(data={"offline": []})
    await desk.send(move)
    assert await desk.refused(move) == ("NoActionRequired", "")
    assert (len(sim.openers("103", later)), sim.openers("101", later)) == (2, [])
    block = plain("DenyAccessToGuest", ReservationID="R1")
    await desk.send(block)
    assert await desk.refused(block) == ("NoActionRequired", "")
    assert await desk.refused(DUPLICATE) == ("ReservationNoSuspended", "")
    assert sim.openers("103", later) == []
    await desk.send(plain("ReEstablishAccessToGuest", ReservationID="R1"))
    assert len(sim.openers("103", later)) == 2
    await desk.send(plain("CancelGuestsAccessToRoom", MainRoomNo="103"))
    assert sim.openers("103", later) == []
    await desk.send(plain("CheckOutGuest", ReservationID="R1"))
    assert await desk.refused(DUPLICATE) == ("ReservationCheckedOut", "")


@pytest.mark.parametrize("cancels", ["at_once", "at_first_use"])
async def test_whose_keys_end(desk: Desk, cancels: str) -> None:
    """When the next booking is made, or when its key is first used: then once and for all."""
    at = IN_THE_STAY.isoformat()
    await desk.control(data={"cancels": cancels})
    await desk.send(BOOKING)
    await desk.send(DUPLICATE)
    await desk.send(BOOKING.replace("R1", "R2").replace("<string>102</string>", ""))

    async def opened(room: str) -> list[tuple[int, str]]:
        answer = await desk.control(data={"ask": {"room": room, "at": at}})
        [told] = answer["sent"]
        return [(key["key"], key["reservation"]) for key in told["keys"]]

    both = [(1, "R1"), (2, "R1")]
    assert await opened("101") == ([] if cancels == "at_once" else both) + [(3, "R2")]
    assert await opened("102") == both
    await desk.control(data={"use": {"key": 2, "room": "101", "at": at}})
    await desk.control(data={"use": {"key": 3, "room": "101", "at": at}})
    assert await opened("101") == [(3, "R2")]
    await desk.control(data={"use": {"key": 2, "room": "101", "at": at}})
    assert await opened("101") == [(3, "R2")]


async def test_descriptions(desk: Desk, sim: SaflokSimulator) -> None:
    """Whole, in parts that name another host, or not at all."""

    async def shown(query: str) -> tuple[int, str]:
        async with desk.session.get(f"{sim.url}{PATHS[1]}?{query}") as answer:
            return answer.status, await answer.text()

    whole = (await shown("wsdl"))[1]
    assert whole == (await shown("WSDL="))[1]
    assert f'location="{sim.url}/MessengerPMSWS.asmx"' in whole
    assert whole.count("<soap:operation ") == 22
    assert (await shown("help"))[1].startswith("<html>")
    await desk.control(data={"metadata": "split", "omit": ["HelloWorldTest"]})
    main = (await shown("wsdl"))[1]
    assert (
        'location="http://pms-server.invalid:8080/MessengerPMSWS.asmx?wsdl=wsdl0"'
        in main
    )
    part = (await shown("wsdl=wsdl0"))[1]
    assert part.count("<soap:operation ") == 21
    for number in range(5):
        assert f"?xsd=xsd{number}" in part
        assert ET.fromstring((await shown(f"xsd=xsd{number}"))[1]).get(
            "targetNamespace"
        )
    await desk.control(data={"metadata": "off"})
    assert (await shown("wsdl"))[0] == 404
    await desk.control(data={"path": PATHS[0]})
    assert (await desk.send(DUPLICATE, path=PATHS[1]))[0] == 404


async def test_faults_and_control(desk: Desk, sim: SaflokSimulator) -> None:
    """By operation; what makes no sense is refused."""
    await desk.control(fault={"kind": "503", "path": "#MakeDuplicateKey"})
    assert (await desk.send(DUPLICATE))[0] == 503
    assert (await desk.send(BOOKING))[0] == 200
    await desk.control(fault=None)
    for kind in ("busy", "exception", "empty", "soap_fault"):
        await desk.control(fault={"kind": kind, "times": 1})
        _, text = await desk.send(DUPLICATE)
        assert "CMessengerResponse" not in text
    assert len(sim.hotel.keys) == 2  # an exception comes after it was done
    refusal = {"operation": "MakeDuplicateKey", "detailInfo": "KeyJammed"}
    await desk.control(data={"refuse": refusal})
    assert await desk.refused(DUPLICATE) == ("", "KeyJammed")
    await desk.control(data={"refuse": {**refusal, "times": 9}})
    await desk.control(data={"refuse": None})
    await desk.send(DUPLICATE)
    for wrong in (
        {"cancels": "never"},
        {"metadata": "x"},
        {"other": 1},
        {"check_out": ["R9"]},
    ):
        assert (await desk.control(data=wrong))["status"] == 400
    await desk.control(data={"check_out": ["R1"], "time_zone": "Europe/London"})
    assert str(sim.hotel.zone) == "Europe/London"
    answer = await desk.control(reset=True)
    assert "101" in answer["state"]["rooms"]
    assert (answer["requests"], sim.hotel.keys) == ([], [])
