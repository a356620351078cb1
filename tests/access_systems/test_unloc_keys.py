"""Keys of one person at one lock, with both interfaces of Unloc and in both readings."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.access_systems.unloc import Unloc
from custom_components.booking_access.access_systems.unloc_keys import KeySystem
from custom_components.booking_access.access_systems.unloc_lock_holder import (
    UnlocLockHolder,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    NotYet,
    OutcomeUnknown,
    Person,
    Rejected,
)
from simulators.unloc import UnlocSimulator
from simulators.unloc_site import ENTRANCE, HALL, LOCK_HOLDER, PROJECT

from .unloc_cases import (
    DAY,
    END,
    GRANT,
    HOUR,
    PHONE,
    START,
    Audit,
    SecondTime,
    booked,
    listed,
    opens,
    ours,
    times,
)

MINUTE = timedelta(minutes=1)
A = booked("a1", START, END)
OVERLAPPING = booked("b1", END - HOUR, END + HOUR)
TOUCHING = booked("b1", END, END + HOUR)
NEXT_DAY = booked("c1", START + DAY, END + DAY)


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UnlocSimulator]:
    async with UnlocSimulator() as simulator:
        yield simulator


@pytest.fixture(params=["v2", "v1"])
def unloc(
    request: pytest.FixtureRequest, sim: UnlocSimulator, session: ClientSession
) -> KeySystem:
    """Each interface."""
    return another(request.param, sim, session)


def another(version: str, sim: UnlocSimulator, session: ClientSession) -> KeySystem:
    """Return a client that knows nothing yet, as after a restart."""
    if version == "v2":
        return Unloc(session, {**sim.credentials(), "project": PROJECT})
    return UnlocLockHolder(session, {**sim.credentials(), "lock_holder": LOCK_HOLDER})


@pytest.fixture(params=[False, True], ids=["beside", "replaces"])
def replaces(request: pytest.FixtureRequest, sim: UnlocSimulator) -> bool:
    """Each reading of a second key of a person for a lock."""
    sim.control({"replaces": request.param})
    return bool(request.param)


async def test_one_key(unloc: KeySystem, sim: UnlocSimulator) -> None:
    """What is made, what is answered, what is listed, and that it can be taken back."""
    issued = await unloc.issue(GRANT)
    [key] = ours(sim)
    assert (key.lock, key.person) == (HALL, PHONE)
    assert (key.start, key.end) == (START, END)
    assert key.metadata["ref"] == GRANT.reference
    assert (issued.id, issued.reference) == (key.id, GRANT.reference)
    assert (issued.points, issued.start, issued.end) == ((HALL,), START, END)
    assert issued.credential.link == (
        f"https://dl.unloc.app/use-key?id={key.id}&userid=%2B4799887766"
    )
    assert (await listed(unloc))[GRANT.reference] == issued
    assert await unloc.find(GRANT) == issued
    assert await unloc.issue(GRANT) == issued  # once more makes no second one
    assert len(ours(sim)) == 1
    for _ in range(2):
        await unloc.revoke(issued)
        assert ours(sim) == []
    assert await unloc.find(GRANT) is None
    assert await listed(unloc) == {}
    assert "key-cleaner" in {key.id for key in sim.live_keys()}


@pytest.mark.freeze_time("2026-11-22T08:00:00Z")
async def test_times_that_are_left_unsaid(
    unloc: KeySystem, sim: UnlocSimulator, freezer: FrozenDateTimeFactory
) -> None:
    """A key that begins at once has no start, however long ago its booking began."""
    now = datetime.fromisoformat("2026-11-22T08:00:00Z")
    for start in (now, now - DAY, now + MINUTE):
        grant = replace(GRANT, start=start, end=FOREVER)
        issued = await unloc.issue(grant)
        [key] = ours(sim)
        assert (key.start, key.end) == (max(start, now), None)
        assert (issued.start, issued.end) == (start, FOREVER)
        found = await unloc.find(grant)
        assert found
        assert (found.start, found.end) == (start, FOREVER)
        posted = {name: key.posted.get(name) for name in ("start", "end")}
        wanted = "2026-11-22T08:01:00.000Z" if start > now else None
        assert posted == {"start": wanted, "end": None}
        if isinstance(unloc, Unloc):  # null is an error there
            assert None not in key.posted.values()
        await unloc.revoke(issued)


@pytest.mark.parametrize("second", [OVERLAPPING, TOUCHING], ids=["over", "touch"])
async def test_bookings_that_overlap_share_a_key(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool, second: object
) -> None:
    """It is good for both, is listed for both, and goes piece by piece."""
    other = OVERLAPPING if second is OVERLAPPING else TOUCHING
    first = await unloc.issue(A)
    later = await unloc.issue(other)
    assert times(sim) == [(START, END + HOUR)]
    assert set(await listed(unloc)) == {"ba-1f2e3d4c-a1", "ba-1f2e3d4c-b1"}
    assert await Audit(unloc, A, other).run() == []
    await unloc.revoke(first)
    assert times(sim) == [(other.start, other.end)]
    assert set(await listed(unloc)) == {"ba-1f2e3d4c-b1"}
    assert await Audit(unloc, other).run() == []
    await unloc.revoke(first)  # again, with an id that is stale
    assert opens(sim, other.start)
    await unloc.revoke(later)
    assert ours(sim) == []


async def test_the_later_booking_is_cancelled(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool
) -> None:
    """The first one's people still get in, and only for their own time."""
    await unloc.issue(A)
    await unloc.revoke(await unloc.issue(OVERLAPPING))
    assert times(sim) == [(START, END)]
    assert await Audit(unloc, A).run() == []


async def test_a_booking_between_two_others(
    unloc: KeySystem, sim: UnlocSimulator
) -> None:
    """It makes their keys one, and when it goes there are two again."""
    c = booked("c1", END + HOUR, END + 2 * HOUR)
    between = booked("b1", END, END + HOUR)
    for grant in (A, c):
        await unloc.issue(grant)
    assert len(times(sim)) == 2
    issued = await unloc.issue(between)
    assert times(sim) == [(START, END + 2 * HOUR)]
    await unloc.revoke(issued)
    assert times(sim) == [(A.start, A.end), (c.start, c.end)]
    assert await Audit(unloc, A, c).run() == []


async def test_nobody_gets_in_between_two_bookings(
    unloc: KeySystem, sim: UnlocSimulator
) -> None:
    """Where keys stand beside each other, each booking has its own."""
    for grant in (A, NEXT_DAY):
        await unloc.issue(grant)
    assert times(sim) == [(A.start, A.end), (NEXT_DAY.start, NEXT_DAY.end)]
    assert await Audit(unloc, A, NEXT_DAY).run() == []


@pytest.mark.parametrize("first", [A, NEXT_DAY], ids=["earlier", "later"])
@pytest.mark.parametrize("restarted", [False, True])
async def test_only_one_key_can_be(
    request: pytest.FixtureRequest,
    unloc: KeySystem,
    sim: UnlocSimulator,
    session: ClientSession,
    freezer: FrozenDateTimeFactory,
    *,
    first: object,
    restarted: bool,
) -> None:
    """The earlier booking has it, the later one waits for its end: no more, no less."""
    sim.control({"replaces": True})
    if first is NEXT_DAY:
        await unloc.issue(NEXT_DAY)
        await unloc.issue(A)
    else:
        await unloc.issue(A)
        with pytest.raises(NotYet) as told:
            await unloc.issue(NEXT_DAY)
        assert told.value.until == END
    assert times(sim) == [(START, END)]
    if restarted:
        version = "v2" if isinstance(unloc, Unloc) else "v1"
        unloc = another(version, sim, session)
    made = len(sim.keys)
    for _ in range(3):
        with pytest.raises(NotYet) as caught:
            await Audit(unloc, A, NEXT_DAY).run()
        assert caught.value.until == END
    assert times(sim) == [(START, END)]
    # Who was told so may try it out once after a restart, and not again.
    assert len(sim.keys) - made <= (2 if restarted and first is not A else 0)
    freezer.move_to(END)
    sim.tokens.clear()
    assert await Audit(unloc, NEXT_DAY).run() == [NEXT_DAY.reference]
    assert times(sim) == [(NEXT_DAY.start, NEXT_DAY.end)]
    assert await Audit(unloc, NEXT_DAY).run() == []


@pytest.mark.parametrize("by", [HOUR, DAY, -DAY], ids=["over", "later", "earlier"])
async def test_a_booking_is_moved(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool, by: timedelta
) -> None:
    """The new key comes first, then the old one goes; neither waits for the other."""
    old = await unloc.issue(A)
    moved = booked("a2", START + by, END + by)
    await unloc.issue(moved)
    assert opens(sim, moved.start)
    await unloc.revoke(old)
    assert times(sim) == [(moved.start, moved.end)]
    assert await Audit(unloc, moved).run() == []


async def test_a_booking_that_shares_its_key_is_moved(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool
) -> None:
    """Who stays keeps the time that is theirs."""
    old = await unloc.issue(A)
    await unloc.issue(OVERLAPPING)
    moved = booked("a2", START - HOUR, END)
    await unloc.issue(moved)
    await unloc.revoke(old)
    assert times(sim) == [(moved.start, OVERLAPPING.end)]
    assert await Audit(unloc, moved, OVERLAPPING).run() == []


async def test_the_same_phone_twice_in_a_booking(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool
) -> None:
    """The number in two spellings is two grants, and one key."""
    twin = replace(A, reference="ba-1f2e3d4c-twin")
    first = await unloc.issue(A)
    await unloc.issue(twin)
    assert times(sim) == [(START, END)]
    assert await Audit(unloc, A, twin).run() == []
    await unloc.revoke(first)
    assert times(sim) == [(START, END)]
    assert set(await listed(unloc)) == {twin.reference}


async def test_keys_of_others_stay(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool
) -> None:
    """Other people, other locks, other installations: nothing is shared with them."""
    theirs = [
        replace(A, person=Person(phone="+4799887700"), reference="ba-1f2e3d4c-x1"),
        replace(A, points=(ENTRANCE,), reference="ba-1f2e3d4c-x2"),
    ]
    if not replaces:
        theirs.append(replace(A, reference="ba-99999999-x3", reservation="other"))
    for grant in theirs:
        await unloc.issue(grant)
    issued = await unloc.issue(OVERLAPPING)
    assert set(await listed(unloc)) == {
        *(grant.reference for grant in theirs),
        OVERLAPPING.reference,
    }
    await unloc.revoke(issued)
    assert set(await listed(unloc)) == {grant.reference for grant in theirs}
    assert times(sim) == [(START, END)] * len(theirs)


async def test_what_is_shown_of_keys(unloc: KeySystem, sim: UnlocSimulator) -> None:
    """Live is what opens the lock now or later; of others' keys there is no link."""
    issued = await unloc.issue(GRANT)
    for state in ("creating", "scheduled", "active", "inactive", "thawing"):
        sim.control({"state": {issued.id: state}})
        assert GRANT.reference in await listed(unloc)
    sim.control({"break": [issued.id]})
    assert await listed(unloc) == {}
    foreign = [e for e in await unloc.list_issued() if e.id == "key-cleaner"]
    assert [(e.live, e.points) for e in foreign] == [(True, (ENTRANCE,))]
    await unloc.issue(GRANT)
    sim.control({"revoke": [key.id for key in ours(sim)]})
    assert await listed(unloc) == {}
    assert await unloc.find(GRANT) is None


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
async def test_a_lost_answer(
    request: pytest.FixtureRequest, unloc: KeySystem, sim: UnlocSimulator, *, kept: bool
) -> None:
    """The key is found by its reference, or by all else that is known of it."""
    sim.control({"keeps_metadata": kept})
    await unloc.issue(
        replace(A, person=Person(phone="+4799887700"), reference="ba-1-x")
    )
    # The first question about keys is what there is; only then one is made.
    sim.faults = [SecondTime("unknown_outcome", path="/keys")]
    with pytest.raises(OutcomeUnknown):
        await unloc.issue(GRANT)
    found = await unloc.find(GRANT)
    assert found
    assert sim.keys[found.id].person == PHONE
    assert (found.reference, found.start, found.end) == (GRANT.reference, START, END)
    assert GRANT.reference in await listed(unloc)
    await unloc.revoke(found)
    assert not opens(sim, START)
    assert opens(sim, START, "+4799887700")


async def test_without_metadata_keys_still_overlap(
    unloc: KeySystem, sim: UnlocSimulator, *, replaces: bool
) -> None:
    """What was made is remembered as long as Home Assistant runs."""
    sim.control({"keeps_metadata": False})
    first = await unloc.issue(A)
    await unloc.issue(OVERLAPPING)
    assert times(sim) == [(START, OVERLAPPING.end)]
    assert await Audit(unloc, A, OVERLAPPING).run() == []
    await unloc.revoke(first)
    assert times(sim) == [(OVERLAPPING.start, OVERLAPPING.end)]


@pytest.mark.parametrize("phone", [None, "", " "])
async def test_without_phone(
    unloc: KeySystem, sim: UnlocSimulator, phone: str | None
) -> None:
    with pytest.raises(Rejected, match=r"^phone_missing$"):
        await unloc.issue(replace(GRANT, person=Person(phone=phone)))
    assert sim.requests == []


async def test_what_is_refused(unloc: KeySystem, sim: UnlocSimulator) -> None:
    """With a reason that people understand, where it is theirs to mend."""
    for change, reason in (
        ({"person": Person(phone="99 88 77 66")}, "phone_invalid"),
        ({"points": ("lock-unknown",)}, "refused"),
        ({"points": (HALL, ENTRANCE)}, "refused"),
        ({"end": START - HOUR}, "refused"),
    ):
        with pytest.raises(Rejected) as caught:
            await unloc.issue(replace(GRANT, **change))
        assert str(caught.value) == reason
    assert ours(sim) == []
