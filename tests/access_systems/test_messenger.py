"""The client of Saflok and Ambiance against their simulator: what becomes of keys."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.booking_access.access_systems.ambiance import Ambiance
from custom_components.booking_access.access_systems.messenger import Messenger
from custom_components.booking_access.access_systems.messenger_wire import (
    short_reservation,
)
from custom_components.booking_access.access_systems.saflok import Saflok
from custom_components.booking_access.engine.models import (
    Account,
    Credential,
    Grant,
    Issued,
    Person,
)
from simulators.saflok import AmbianceSimulator, SaflokSimulator

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
ANNA = Person(name="Holm, Anna", phone="+4520123456")
BO = Person(name="Falk, Bo", phone="+4520654321")
STAY = Grant(
    reference="ba-1f-anna",
    reservation="ba-1f-booking",
    points=("room:101",),
    start=NOW - HOUR,
    end=NOW + 3 * HOUR,
    person=ANNA,
)
WITH_BO = replace(STAY, reference="ba-1f-bo", person=BO)
BEFORE = replace(
    STAY,
    reference="ba-1f-before",
    reservation="ba-1f-earlier",
    person=Person(name="Vester, Eva", phone="+4520999999"),
)
TYPED_IN = {
    "access_point": [
        {"kind": "room", "identifier": "101", "name": "Skagen"},
        {"kind": "room", "identifier": "102"},
        {"kind": "pass_level", "identifier": "3", "name": "Pool"},
    ],
    "encoder": [{"name": "Front desk", "identifier": "1"}],
}
KINDS = {"saflok": (SaflokSimulator, Saflok), "ambiance": (AmbianceSimulator, Ambiance)}

pytestmark = pytest.mark.freeze_time(NOW)

type Make = Callable[..., Messenger]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[SaflokSimulator]:
    async with SaflokSimulator() as simulator:
        yield simulator


@pytest.fixture
def make(sim: SaflokSimulator, session: ClientSession) -> Make:
    def make(**settings: Any) -> Messenger:
        known = {
            "time_zone": "Europe/Copenhagen",
            "mobile_keys": True,
            "path": "MessengerPMSWS.asmx",
            **TYPED_IN,
        }
        return Saflok(session, {**sim.credentials(), **known, **settings})

    return make


@pytest.fixture
def client(make: Make) -> Messenger:
    return make()


def opens(sim: SaflokSimulator, room: str, at: datetime = NOW) -> list[int]:
    """Return the numbers of the keys that open a room."""
    return [key.number for key in sim.openers(room, at)]


def done(sim: SaflokSimulator) -> list[str]:
    """Return what the server was asked to do."""
    return [operation for operation, _ in sim.calls]


@pytest.mark.parametrize("key", KINDS)
@pytest.mark.parametrize("metadata", ["single", "split", "off"])
async def test_a_whole_life(
    socket_enabled: None, session: ClientSession, key: str, metadata: str
) -> None:
    """With whichever description, found at whichever path, under both names."""
    simulator, system = KINDS[key]
    async with simulator() as sim:
        sim.control(
            {"metadata": metadata, "path": "/ATLASKLIWS/MessengerPMSService.asmx"}
        )
        settings = {**sim.credentials(), **TYPED_IN, "mobile_keys": True}
        client = system(session, {**settings, "time_zone": "Europe/Copenhagen"})
        host = sim.url.removeprefix("http://")
        assert await client.validate() == Account(
            id=f"{host}/ATLASKLIWS/MessengerPMSService.asmx",
            title=f"{client.name} (127.0.0.1)",
        )
        wish = replace(STAY, points=("room:101", "pass_level:3", "room:102"))
        issued = await client.issue(wish)
        reservation = short_reservation(STAY.reservation)
        assert issued == Issued(
            id=f"mobile:{reservation}:ba-1f-anna",
            reference="ba-1f-anna",
            points=wish.points,
            start=wish.start,
            end=wish.end,
            credential=Credential(bearer="+4520123456"),
        )
        assert done(sim) == [
            "ReEstablishAccessToGuest",
            "MakeDuplicateKey",
            "CreateNewBooking",
        ]
        assert sim.told("CreateNewBooking") == [
            {
                "ReservationID": reservation,
                "SiteName": "MAIN",
                "PMSTerminalID": "BA",
                "EncoderID": "999T+4520123456",
                "CheckIn": datetime.fromisoformat("2026-11-25T12:00:00"),
                "CheckOut": datetime.fromisoformat("2026-11-25T16:00:00"),
                "GuestName": "Holm",
                "MainRoomNo": "101",
                "bGrantAccessPredefinedSuiteDoors": False,
                "VariableRoomList": ["102"],
                "CommonAreaList": [{"PassLevelNo": 3, "eMode": "GrantAccess"}],
                "TrackIIFolioNo": "",
                "TrackIGuestNo": "",
                "KeyCount": 1,
                "KeySize": 0,
                "UID": "",
            }
        ]
        for room in ("101", "102"):
            assert opens(sim, room, wish.start) == opens(sim, room) == [1]
            assert opens(sim, room, wish.start - HOUR / 60) == []
            assert opens(sim, room, wish.end) == []
        assert sim.hotel.keys[0].areas == {3}
        card = await client.encode(wish, "1", duplicate=True)
        assert card.id == f"card:{reservation}:ba-1f-anna"
        assert opens(sim, "101") == [1, 2]
        longer = replace(wish, end=wish.end + HOUR)
        issued = await client.change(issued, longer)
        card = await client.change(card, longer)
        assert opens(sim, "101", wish.end) == [1, 2]
        await client.suspend(issued)
        assert opens(sim, "101") == []
        await client.suspend(issued)
        await client.resume(issued)
        await client.resume(issued)
        assert opens(sim, "101") == [1, 2]
        await client.revoke(issued)
        assert opens(sim, "101") == [2]
        await client.revoke(card)
        assert opens(sim, "101") == []
        for each in (issued, card):
            await client.revoke(each)
