"""The client of Saflok and Ambiance against their simulator: what becomes of keys."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.access_systems.ambiance import Ambiance
from custom_components.booking_access.access_systems.base import Before
from custom_components.booking_access.access_systems.messenger import Messenger
from custom_components.booking_access.access_systems.messenger_wire import (
    short_reservation,
)
from custom_components.booking_access.access_systems.saflok import Saflok
from custom_components.booking_access.engine.models import (
    AccessPoint,
    Account,
    Capability,
    Credential,
    Grant,
    Issued,
    NotNow,
    OutcomeUnknown,
    Person,
    PointKind,
    PointState,
    Rejected,
    Traits,
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
        assert client._server._service.described == (metadata != "off")
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


# What it says of itself


async def test_points(make: Make) -> None:
    """What was typed in; cards always, keys in phones where they are switched on."""
    cards, traits = frozenset({Capability.CARD}), Traits(changes=True, overrides=True)
    skagen, plain, pool = await make(mobile_keys=False).list_access_points()
    assert skagen == AccessPoint(
        id="room:101", name="Skagen", capabilities=cards, traits=traits
    )
    assert plain.name == "102"
    assert (pool.id, pool.kind) == ("pass_level:3", PointKind.GROUP)
    client = make(override_at_first_use=True)
    for point in await client.list_access_points():
        assert point.capabilities == {Capability.CARD, Capability.GRANT}
        assert point.traits == Traits(changes=True, overrides=False)
    assert not make(mobile_keys=False).needs_phone
    assert client.needs_phone
    assert set(await client.read_states()) == {"room:101", "room:102", "pass_level:3"}
    assert (await client.read_states())["room:101"] == PointState(ready=True)


async def test_what_is_typed_in(client: Messenger) -> None:
    """A pass level is a number; an encoder is one of the network."""
    level = {"kind": "pass_level", "identifier": "07", "name": "Pool"}
    kept = await client.type_in("access_point", level, None)
    assert kept == {**level, "identifier": "7"}
    room = {"kind": "room", "identifier": "007"}
    assert await client.type_in("access_point", room, None) == room
    desk = {"name": "Desk", "identifier": "12"}
    assert await client.type_in("encoder", desk, None) == desk
    with pytest.raises(Rejected, match="^pass_level_number$"):
        await client.type_in("access_point", {**level, "identifier": "A"}, None)
    for wrong in ("0", "999T1"):
        with pytest.raises(Rejected, match="^no_encoder$"):
            await client.type_in("encoder", {**desk, "identifier": wrong}, None)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"port": 18088}, "http://pms:18088/MessengerPMSWS.asmx"),
        ({"ssl": True}, "https://pms/MessengerPMSWS.asmx"),
        (
            {"host": "https://pms:8443/", "ssl": False},
            "https://pms:8443/MessengerPMSWS.asmx",
        ),
        ({"url": "http://proxy/hotel/"}, "http://proxy/hotel/MessengerPMSWS.asmx"),
        ({"url": "http://proxy/x.asmx", "path": ""}, "http://proxy/x.asmx"),
        ({"host": "fd00::1"}, "http://[fd00::1]/MessengerPMSWS.asmx"),
    ],
)
def test_where_it_is(
    session: ClientSession, settings: Mapping[str, Any], address: str
) -> None:
    """Host and port, or what was pasted, or the server in between."""
    known = {"host": "pms", "path": "/MessengerPMSWS.asmx", **settings}
    assert list(map(str, Saflok(session, known)._server._places())) == [address]


# What a grant is


async def test_who_and_where(client: Messenger, sim: SaflokSimulator) -> None:
    """Without a room, a phone or a name there is no key; nothing is sent then."""
    for points in (("pass_level:3",), ()):
        with pytest.raises(Rejected, match="^room_missing$"):
            await client.issue(replace(STAY, points=points))
    with pytest.raises(Rejected, match="^unknown_room$"):
        await client.issue(replace(STAY, points=("door:1",)))
    with pytest.raises(Rejected, match="^phone_missing$"):
        await client.issue(replace(STAY, person=replace(ANNA, phone=None)))
    with pytest.raises(Rejected, match="^name_missing$"):
        await client.issue(replace(STAY, person=replace(ANNA, name=" , Anna")))
    assert done(sim) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Holm, Anna", "Holm"),
        ("van der Berg, Ida", "van der Berg"),
        ("Anna  Holm ", "Holm"),
        ("Anna\x0bHolm\x00", "Holm"),
        ("Holm", "Holm"),
    ],
)
async def test_last_names(
    client: Messenger, sim: SaflokSimulator, name: str, told: str
) -> None:
    """What stands before a comma, else the last word, without what XML cannot hold."""
    await client.issue(replace(STAY, person=replace(ANNA, name=name)))
    assert sim.told("CreateNewBooking")[0]["GuestName"] == told


async def test_how_phones_are_addressed(make: Make, sim: SaflokSimulator) -> None:
    """As the template says."""
    await make(mobile_template="999Tcustom#7-{digits}").issue(STAY)
    assert sim.told("CreateNewBooking")[0]["EncoderID"] == "999Tcustom#7-4520123456"


def test_reservations_are_short() -> None:
    """Twelve characters, another for each booking and installation, always the same."""
    bookings = [f"ba-{home}-{n}" for home in ("1f", "2e") for n in range(500)]
    short = [short_reservation(each) for each in bookings]
    assert len(set(short)) == 1000
    assert all(
        len(each) == 12 and each.isalnum() and each[:2] == "BA" for each in short
    )
    assert (
        short_reservation("ba-1f-booking")
        == "BA" + short_reservation("ba-1f-booking")[2:]
    )


@pytest.mark.parametrize(
    ("start", "told_start", "told_end"),
    [
        # The night of the gap: 02:00 is 03:00.
        ("2027-03-28T00:30:00+00:00", "2027-03-28T01:30:00", "2027-03-28T04:30:00"),
        # The night of the fold: 02:30 comes twice.
        ("2027-10-31T00:30:00+00:00", "2027-10-31T02:30:00", "2027-10-31T03:30:00"),
        ("2027-10-30T22:30:00.9+00:00", "2027-10-31T00:30:00", "2027-10-31T02:30:00"),
    ],
)
async def test_times_are_those_on_the_wall(
    client: Messenger, sim: SaflokSimulator, start: str, told_start: str, told_end: str
) -> None:
    """Of the property's zone, in whole seconds, also on nights that clocks change."""
    begins = datetime.fromisoformat(start)
    await client.encode(
        replace(STAY, start=begins, end=begins + 2 * HOUR), "1", duplicate=False
    )
    [told] = sim.told("CreateNewBooking")
    assert told["CheckIn"] == datetime.fromisoformat(told_start)
    assert told["CheckOut"] == datetime.fromisoformat(told_end)


# What ends whose keys

READINGS = pytest.mark.parametrize("cancels", ["at_once", "at_first_use"])


@READINGS
async def test_nothing_but_a_new_booking_ends_keys(
    client: Messenger, sim: SaflokSimulator, cancels: str
) -> None:
    """The next people of a booking, more cards and changes: all keys go on working."""
    sim.control({"cancels": cancels})
    before = await client.issue(BEFORE)
    assert opens(sim, "101") == [1]
    anna = await client.issue(STAY)
    sim.hotel.use(2, "101", NOW)
    assert opens(sim, "101") == [2]
    await client.issue(WITH_BO)
    await client.encode(STAY, "1", duplicate=True)
    assert opens(sim, "101") == [2, 3, 4]
    changed = replace(STAY, reference="ba-1f-anna-2", end=STAY.end + HOUR)
    anna = await client.change(anna, changed)
    assert opens(sim, "101") == opens(sim, "101", STAY.end) == [2, 3, 4]
    wider = replace(
        changed, reference="ba-1f-anna-3", points=("room:101", "pass_level:3")
    )
    anna = await client.change(anna, wider)
    assert opens(sim, "101") == [2, 3, 4, 5]
    moved = replace(
        wider, reference="ba-1f-anna-4", points=("room:102", "pass_level:3")
    )
    await client.change(anna, moved)
    assert opens(sim, "101") == []
    assert opens(sim, "102") == [2, 3, 4, 5]
    assert done(sim).count("CreateNewBooking") == 2
    await client.revoke(before)
    assert opens(sim, "102") == [2, 3, 4, 5]


@READINGS
async def test_an_original_ends_the_cards_before(
    client: Messenger, sim: SaflokSimulator, cancels: str
) -> None:
    """That is what it is for; a duplicate is a first card only where there is none."""
    sim.control({"cancels": cancels})
    await client.encode(BEFORE, "1", duplicate=True)
    await client.encode(STAY, "1", duplicate=False)
    sim.hotel.use(2, "101", NOW)
    await client.encode(STAY, "2", duplicate=True)
    assert opens(sim, "101") == [2, 3]
    await client.encode(STAY, "1", duplicate=False)
    sim.hotel.use(4, "101", NOW)
    assert opens(sim, "101") == [4]
    assert {call["PMSTerminalID"] for _, call in sim.calls} == {"BA1", "BA2"}


@pytest.mark.parametrize(
    "lost", ["MakeDuplicateKey", "CreateNewBooking", "ChangeKeyAccess"]
)
@pytest.mark.parametrize("restarts", [False, True])
async def test_repeating_what_is_not_known_to_be_done_ends_no_key(
    make: Make, sim: SaflokSimulator, lost: str, restarts: bool
) -> None:
    """Whichever answer is lost, of the first person or the next, before a restart or not."""
    client = make()
    anna = await client.issue(STAY) if lost != "CreateNewBooking" else None
    wish = WITH_BO if anna else STAY
    if lost == "ChangeKeyAccess":
        client = make()  # it brings a reservation that it does not know up to date
    sim.fault("unknown_outcome", path=f"#{lost}", times=1)
    with pytest.raises(OutcomeUnknown):
        await client.issue(wish)
    made = opens(sim, "101")
    client = make() if restarts else client
    issued = await client.issue(wish)
    assert set(made) < set(opens(sim, "101"))
    assert done(sim).count("CreateNewBooking") == 1
    await client.revoke(issued)
    assert opens(sim, "101") == ([1] if anna else [])


async def test_what_is_in_the_history_is_found(
    make: Make, sim: SaflokSimulator
) -> None:
    """By the phone's number, if the server tells; of whom it is not told nobody knows."""
    client = make()
    assert await client.find(STAY) is None
    issued = await client.issue(STAY)
    assert await client.find(STAY) == issued
    assert await client.find(WITH_BO) is None
    assert await client.find(replace(STAY, person=Person())) is None
    sim.control({"undeliverable": ["+4520654321"]})
    await client.issue(WITH_BO)
    assert sim.log == ["key 2 could not be delivered"]
    assert await client.find(WITH_BO) is None
    sim.control({"omit": ["GetMobileTransactionHistory"]})
    assert await make().find(STAY) is None


# Reservations that were there before


async def test_a_booking_that_comes_back_elsewhere(
    make: Make, sim: SaflokSimulator
) -> None:
    """What is left of it at the lock system is brought up to date."""
    client = make()
    await client.revoke(await client.issue(STAY))
    back = replace(STAY, points=("room:102", "pass_level:5"), end=STAY.end + HOUR)
    await make().issue(back)
    [*_, key] = sim.hotel.keys
    assert (key.rooms, key.areas) == (("102",), {5})
    assert opens(sim, "102") == opens(sim, "102", STAY.end) == [2, 3]
    assert opens(sim, "101") == opens(sim, "102", back.end) == []


async def test_a_server_that_can_only_duplicate(
    make: Make, sim: SaflokSimulator
) -> None:
    """Its duplicate is taken as it is."""
    sim.control({"omit": ["ChangeGuestAccess", "ChangeKeyAccess"]})
    await make().issue(STAY)
    await make().issue(WITH_BO)
    assert opens(sim, "101") == [1, 2]


async def test_who_is_checked_out_stays_out(
    make: Make, sim: SaflokSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """Unless that was before the stay: then the booking was cancelled and came back."""
    client = make()
    card = await client.encode(STAY, "1", duplicate=True)
    sim.control({"check_out": [short_reservation(STAY.reservation)]})
    for repeat in (
        lambda: client.issue(STAY),
        lambda: client.encode(STAY, "1", duplicate=True),
    ):
        with pytest.raises(Rejected, match="^checked_out$"):
            await repeat()
    assert opens(sim, "101") == []
    await client.revoke(card)
    freezer.move_to(STAY.start - HOUR)
    await client.issue(STAY)
    assert opens(sim, "101") == [2]


async def test_a_stay_that_is_over_begins_anew(
    client: Messenger, sim: SaflokSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """None of its keys opens anything, so that a new booking ends none."""
    issued = await client.issue(STAY)
    freezer.move_to(STAY.end + HOUR)
    longer = replace(STAY, reference="ba-1f-anna-2", end=STAY.end + 2 * HOUR)
    with pytest.raises(Rejected, match="^reservation_expired$"):
        await client.change(issued, longer)
    again = await client.issue(longer)
    await client.revoke(issued)  # its key is that of the later grant
    assert opens(sim, "101", STAY.end + HOUR) == [2]
    await client.revoke(again)
    assert opens(sim, "101", STAY.end + HOUR) == []


@pytest.mark.parametrize(("said", "size"), [(None, 0), (0, 0), (1, 1)])
async def test_the_size_of_cards(
    make: Make, sim: SaflokSimulator, said: int | None, size: int
) -> None:
    """As an option says; keys in phones have none."""
    client = make(**({} if said is None else {"key_size": said}))
    await client.issue(STAY)
    await client.encode(STAY, "1", duplicate=True)
    await client.encode(STAY, "1", duplicate=False)
    sizes = [wish["KeySize"] for _, wish in sim.calls if wish.get("EncoderID") == "1"]
    assert sizes == [size, size]
    assert [w["KeySize"] for _, w in sim.calls if "999T" in w.get("EncoderID", "")] == [
        0,
        0,
    ]


async def test_the_key_before_goes_after_a_restart(
    make: Make, client: Messenger, sim: SaflokSimulator
) -> None:
    """To revoke what another one took the place of does not end that one."""
    sim.control({"offline": ["101"]})
    issued = await client.issue(STAY)
    longer = replace(STAY, reference="ba-1f-anna-2", end=STAY.end + 2 * HOUR)
    changed = await client.change(issued, longer)
    opening = opens(sim, "101", STAY.end + HOUR)
    assert opening
    after = make()
    grants = [(each, STAY.reservation) for each in (issued, changed)]
    after.remember(Before(grants=grants))
    await after.revoke(issued)
    assert opens(sim, "101", STAY.end + HOUR) == opening
    await after.revoke(changed)
    assert opens(sim, "101", STAY.end + HOUR) == []


async def test_no_more_duplicates(client: Messenger, sim: SaflokSimulator) -> None:
    """A phone gets a changed key in place of one; of cards people are told."""
    sim.control({"max_duplicates": 0})
    await client.issue(STAY)
    await client.issue(WITH_BO)
    assert opens(sim, "101") == [1, 2]
    with pytest.raises(Rejected, match="^no_more_keys$"):
        await client.encode(STAY, "1", duplicate=True)


# Changes


OFFLINE = pytest.mark.parametrize(
    "away",
    [{"offline": ["101", "102"]}, {"omit": ["ChangeGuestAccess", "ExtendCheckOut"]}],
)


@OFFLINE
@pytest.mark.parametrize(
    ("points", "shift", "longer", "opened", "closed"),
    [
        (("room:101",), 0 * HOUR, HOUR, ("101", 3), ("101", 4)),
        (("room:101",), 0 * HOUR, -HOUR, ("101", 1), ("101", 2)),
        (("room:102",), 0 * HOUR, 0 * HOUR, ("102", 0), ("102", 3)),
        (("room:101",), HOUR, 0 * HOUR, ("101", 0), ("101", -1)),
        (("room:101", "room:102"), 0 * HOUR, 0 * HOUR, ("102", 0), ("102", 3)),
    ],
)
async def test_locks_that_cannot_be_told(
    make: Make,
    sim: SaflokSimulator,
    away: Mapping[str, Any],
    points: tuple[str, ...],
    shift: timedelta,
    longer: timedelta,
    opened: tuple[str, int],
    closed: tuple[str, int],
) -> None:
    """A phone gets a new key, and loses one that would open more; a card cannot."""
    sim.control(away)
    client = make()
    issued = await client.issue(STAY)
    card = await client.encode(STAY, "1", duplicate=True)
    wish = replace(
        STAY,
        reference="ba-1f-anna-2",
        points=points,
        start=STAY.start + shift,
        end=STAY.end + longer,
    )
    with pytest.raises(Rejected, match="^new_card_needed$"):
        await client.change(card, wish)
    changed = await client.change(issued, wish)
    assert changed.points == points
    mobile = {key.number for key in sim.hotel.keys if key.mobile}
    assert mobile & set(opens(sim, opened[0], NOW + opened[1] * HOUR))
    assert not mobile & set(opens(sim, closed[0], NOW + closed[1] * HOUR))
    await client.change(changed, wish)  # safe to repeat
    assert mobile & set(opens(sim, opened[0], NOW + opened[1] * HOUR))
    assert done(sim).count("CreateNewBooking") == 1


async def test_what_is_only_on_the_card_needs_a_new_one(
    client: Messenger, sim: SaflokSimulator
) -> None:
    """Pass levels and the beginning; nothing is changed then."""
    card = await client.encode(STAY, "1", duplicate=True)
    before = done(sim)
    for change in ({"points": ("room:101", "pass_level:3")}, {"start": NOW}):
        with pytest.raises(Rejected, match="^new_card_needed$"):
            await client.change(card, replace(STAY, **change))
    assert done(sim) == before


# Taking back


async def test_one_person_leaves_the_booking_or_all_do(
    client: Messenger, sim: SaflokSimulator
) -> None:
    """Who leaves takes no other key along; a cancelled booking leaves none."""
    anna, bo = await client.issue(STAY), await client.issue(WITH_BO)
    card = await client.encode(STAY, "1", duplicate=True)
    await client.revoke(bo)
    assert opens(sim, "101") == [1, 3]
    assert "CheckOutGuest" not in done(sim)
    for issued in (anna, card):
        await client.revoke(issued)
    assert opens(sim, "101") == []
    # Without a phone there is nothing finer than to check out.
    await client.issue(replace(BEFORE, start=NOW + HOUR))
    await client.revoke(
        Issued(
            id=f"mobile:{short_reservation(BEFORE.reservation)}:x",
            reference="x",
            points=("room:101",),
            start=None,
            end=None,
        )
    )
    assert opens(sim, "101", NOW + HOUR) == []
    with pytest.raises(Rejected, match="^unknown_grant$"):
        await client.revoke(replace(anna, id="visit:1"))


async def test_no_key_that_could_not_be_taken_back(
    make: Make, sim: SaflokSimulator
) -> None:
    """A server without the operation for that gets no wish for keys in phones."""
    sim.control({"omit": ["CancelGuestsMobileAccessToRoom"]})
    client = make()
    with pytest.raises(Rejected, match="^unsupported_server$"):
        await client.issue(STAY)
    assert done(sim) == []
    await client.encode(STAY, "1", duplicate=True)


async def test_locks_that_do_not_hear_that_a_key_is_cancelled(
    client: Messenger, sim: SaflokSimulator
) -> None:
    """Then it is not taken back, and tried again."""
    issued = await client.issue(STAY)
    fault = {"operation": "CancelGuestsMobileAccessToRoom", "faultcode": "RoomOFFLine"}
    sim.control({"refuse": fault})
    with pytest.raises(NotNow, match="^lock_offline$"):
        await client.revoke(issued)
    await client.revoke(issued)
    assert opens(sim, "101") == []
