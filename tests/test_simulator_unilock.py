"""The UniLock simulator, by requests and files made by hand."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession
import pytest

from simulators import unilock as module
from simulators.unilock import HEADER, PASSWORD, TOKEN, USER, UniLockSimulator


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header of a sign-in."""
    account = b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {account}"}


AUTH = basic(USER, PASSWORD)
ANNA = {
    "externalId": "ba-1",
    "firstName": "Anna",
    "lastName": "Holm",
    "keyCode": "482130",
    "memberships": [
        {
            "groupId": "12",
            "validFrom": "2026-11-26T10:00:00",
            "validTo": "2026-11-26T12:00:00",
        }
    ],
}
PERSON = """<Person action="update" externalId="{}"><FirstName>A</FirstName>
<LastName>{}</LastName><Pin>{}</Pin><Membership group="12"><From>2026-11-26T10:00:00</From>
<To>2026-11-26T12:00:00</To></Membership></Person>"""
DURING = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
AFTER = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UniLockSimulator]:
    async with UniLockSimulator() as simulator:
        yield simulator


@pytest.fixture
def folder(sim: UniLockSimulator, tmp_path: Path) -> Path:
    sim.control({"folder": str(tmp_path)})
    return tmp_path


async def ask(
    sim: UniLockSimulator,
    session: ClientSession,
    method: str,
    path: str,
    body: Any = None,
    **options: Any,
) -> tuple[int, Any]:
    """Send one request; return the status and what was answered."""
    options = {"headers": AUTH, "json": body, **options}
    async with session.request(method, f"{sim.url}/api/{path}", **options) as answer:
        is_json = answer.content_type == "application/json"
        return answer.status, await answer.json() if is_json else await answer.text()


async def control(sim: UniLockSimulator, session: ClientSession, **wish: Any) -> Any:
    """Use the control door; return its answer."""
    async with session.post(f"{sim.url}/_control", json=wish) as answer:
        return await answer.json() if answer.status == 200 else answer.status


async def test_signing_in(sim: UniLockSimulator, session: ClientSession) -> None:
    assert (await ask(sim, session, "GET", "doors", headers={}))[0] == 401
    wrong = basic(USER, "x")
    assert (await ask(sim, session, "GET", "doors", headers=wrong))[0] == 401
    assert (await ask(sim, session, "GET", "doors"))[0] == 200
    for kind, headers in (
        ("bearer", {"Authorization": f"Bearer {TOKEN}"}),
        ("header", {HEADER: TOKEN}),
        ("none", {}),
    ):
        sim.control({"auth": kind})
        status, _ = await ask(sim, session, "GET", "doors", headers=headers)
        assert status == 200
        status, _ = await ask(sim, session, "GET", "doors", headers={})
        assert status == (200 if kind == "none" else 401)


async def test_persons(sim: UniLockSimulator, session: ClientSession) -> None:
    assert (await ask(sim, session, "PUT", "persons/ba-1", ANNA))[0] == 204
    _, persons = await ask(sim, session, "GET", "persons")
    assert {"externalId": "ba-1", "name": "Anna Holm", "groups": ["12"]} in persons
    assert "482130" not in str(persons)
    assert sim.site.members("12", DURING) == {"staff-1", "ba-1"}
    assert sim.site.members("12", AFTER) == {"staff-1"}
    assert (await ask(sim, session, "DELETE", "persons/ba-1"))[0] == 204
    assert (await ask(sim, session, "DELETE", "persons/ba-1"))[0] == 404
    sim.control({"remove_again": 204})
    assert (await ask(sim, session, "DELETE", "persons/ba-1"))[0] == 204


@pytest.mark.parametrize(
    "change",
    [
        {"externalId": "ba-2"},
        {"lastName": ""},
        {"lastName": None},
        {"nickname": "x"},
        {"keyCode": "12"},
        {"keyCode": "12a456"},
        {"memberships": []},
        {"memberships": [{}]},
        {"memberships": ["12"]},
        {"memberships": [{**ANNA["memberships"][0], "groupId": "99"}]},
        {"memberships": [{**ANNA["memberships"][0], "validTo": "2026-11-26T10:00:00"}]},
        {"memberships": [{**ANNA["memberships"][0], "validTo": "2026-11-26T12:00:01"}]},
        {"memberships": [{**ANNA["memberships"][0], "validTo": "26-11-2026 12:00"}]},
    ],
)
async def test_persons_that_are_refused(
    sim: UniLockSimulator, session: ClientSession, change: dict[str, Any]
) -> None:
    status, _ = await ask(sim, session, "PUT", "persons/ba-1", {**ANNA, **change})
    assert status == 422
    assert set(sim.site.persons) == {"staff-1"}


async def test_bodies_that_are_refused(
    sim: UniLockSimulator, session: ClientSession
) -> None:
    for data, kind, status in (
        ("{", "application/json", 422),
        ("[]", "application/json", 422),
        ("x=1", "text/plain", 415),
    ):
        url = f"{sim.url}/api/persons/ba-1"
        headers = {**AUTH, "Content-Type": kind}
        async with session.put(url, data=data, headers=headers) as answer:
            assert answer.status == status


async def test_periods(sim: UniLockSimulator, session: ClientSession) -> None:
    path = "sharedexceptions/3/periods"
    day = [
        {"from": f"2026-11-26T{h:02}:00:00", "to": f"2026-11-26T{h:02}:30:00"}
        for h in range(9)
    ]
    assert (await ask(sim, session, "PUT", path, {"periods": day[:8]}))[0] == 204
    assert await ask(sim, session, "GET", path) == (200, day[:8])
    for periods in (day, "x", [day[0], day[0]], [{"from": None, "to": None}]):
        assert (await ask(sim, session, "PUT", path, {"periods": periods}))[0] == 422
    assert (await ask(sim, session, "PUT", path, {"period": []}))[0] == 422
    assert await ask(sim, session, "GET", path) == (200, day[:8])
    assert sim.site.is_active("3", datetime(2026, 11, 25, 23, 0, tzinfo=UTC))
    for method in ("GET", "PUT"):
        url = "sharedexceptions/9/periods"
        assert (await ask(sim, session, method, url, {"periods": []}))[0] == 404


async def test_doors(sim: UniLockSimulator, session: ClientSession) -> None:
    assert (await ask(sim, session, "POST", "doors/101/open"))[0] == 204
    assert (await ask(sim, session, "POST", "doors/9/open"))[0] == 404
    told = await control(sim, session)
    assert told["state"]["opened"] == ["101"]


async def test_files_are_moved_and_done(
    sim: UniLockSimulator, folder: Path, session: ClientSession
) -> None:
    """All or nothing; what cannot be done is told with its reason."""
    file = folder / "booking_access.xml"
    good = PERSON.format("ba-1", "&lt;Holm&gt;", "482130")
    times = '<SharedException id="3"><Period from="2026-11-26T10:00:00" to=""/></SharedException>'
    for content, result in (
        (f"<Import>{good}{times}</Import>", "applied"),
        ("<Import>", "rejected"),
        ("<Other/>", "rejected"),
        (
            '<Import><Person action="delete" externalId="ba-1"/><X/></Import>',
            "rejected",
        ),
        (f"<Import>{PERSON.format('ba-2', '', '1')}</Import>", "rejected"),
        (f"<Import>{good.replace('<Pin>', '<X/><Pin>')}</Import>", "rejected"),
        ('<Import><SharedException id="3"><X/></SharedException></Import>', "rejected"),
    ):
        file.write_text(content)
        told = await control(sim, session, data={"poll": True})
        assert told["state"]["files"][-1]["result"] == result, content
        assert not file.exists()
    assert sim.site.persons["ba-1"].last_name == "<Holm>"
    assert sim.site.is_active("3", DURING)
    assert len(list((folder / "taken").iterdir())) == 7
    file.write_text('<Import><Person action="delete" externalId="ba-1"/></Import>')
    await control(sim, session, data={"paused": True, "poll": True})
    assert file.exists()
    await control(sim, session, data={"paused": False, "poll": True})
    assert set(sim.site.persons) == {"staff-1"}
    sim.control({"unique_codes": True})
    file.write_text(f"<Import>{PERSON.format('ba-3', 'B', '739164')}</Import>")
    assert sim.take_file()
    assert sim.files[-1] == ("rejected", "keyCode is taken")


async def test_files_are_looked_for_again_and_again(
    folder: Path, sim: UniLockSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", 0.01)
    await sim.stop()
    await sim.start()
    (folder / "booking_access.xml").write_text("<Import/>")
    async with asyncio.timeout(5):
        while not sim.files:
            await asyncio.sleep(0.01)
    assert sim.files == [("applied", "")]


async def test_the_control_door(sim: UniLockSimulator, session: ClientSession) -> None:
    assert await control(sim, session, data={"auth": "magic"}) == 400
    assert await control(sim, session, data={"colour": 1}) == 400
    assert await control(sim, session, data={"periods": {"9": []}}) == 400
    data = {"groups": {"7": "Kor"}, "wrapped": True, "lacks": ["doors"]}
    await control(sim, session, data=data)
    listed = {"items": [{"id": 7, "name": "Kor"}]}
    assert await ask(sim, session, "GET", "persongroups") == (200, listed)
    assert (await ask(sim, session, "GET", "doors"))[0] == 404
    await control(sim, session, reset=True)
    assert (await ask(sim, session, "GET", "doors"))[0] == 200
    form = sim.credentials()
    assert form["transport"] == "web_api"


async def test_an_outcome_that_nobody_learns(
    sim: UniLockSimulator, session: ClientSession
) -> None:
    await control(sim, session, fault={"kind": "unknown_outcome"})
    with pytest.raises(ClientError):
        await ask(sim, session, "PUT", "persons/ba-1", ANNA)
    assert "ba-1" in sim.site.persons
