"""The simulator of Unloc, asked by hand."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import ClientSession, ServerDisconnectedError
import pytest

from simulators.unloc import UnlocSimulator
from simulators.unloc_site import (
    CLIENT_ID,
    CLIENT_SECRET,
    ENTRANCE,
    HALL,
    LOCK_HOLDER,
    ORGANIZATION,
    PROJECT,
    wire_time,
)

PHONE = "+4799887766"
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
GRANT = {"grant_type": "client_credentials", **CLIENT}
SCOPE = {"scope": "project.admin", "project_id": PROJECT}
V2 = f"/v2/projects/{PROJECT}"
V1 = f"/integrators/v1/lock-holders/{LOCK_HOLDER}"
LATER = datetime(2090, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Caller:
    """Asks the simulator."""

    def __init__(self, sim: UnlocSimulator, session: ClientSession) -> None:
        self.sim = sim
        self.session = session
        self.token = ""
        self.told: dict[str, Any] = {}

    async def __call__(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        """Return status and body of an answer."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = self.sim.url + path
        async with self.session.request(
            method, url, headers=headers, **options
        ) as answer:
            is_json = "json" in answer.content_type
            return answer.status, await answer.json(content_type=None) if (
                is_json
            ) else await answer.text()

    async def sign_in(self, path: str, **scope: Any) -> None:
        """Get a token."""
        status, body = await self("POST", path, json={**GRANT, **scope})
        assert (status, body["token_type"], body["expires_in"]) == (200, "bearer", 3600)
        self.token, self.told = body["access_token"], body

    async def control(self, **data: Any) -> int:
        """Use the control door."""
        return (await self("POST", "/_control", json=data))[0]


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UnlocSimulator]:
    async with UnlocSimulator() as simulator:
        yield simulator


@pytest.fixture
async def ask(sim: UnlocSimulator, session: ClientSession) -> Caller:
    """Who has no token yet."""
    return Caller(sim, session)


@pytest.fixture
async def v2(ask: Caller) -> Caller:
    """Who has a token for the project."""
    await ask.sign_in("/v2/auth/token/", **SCOPE)
    return ask


@pytest.fixture
async def v1(ask: Caller) -> Caller:
    """Who has a token for all lock holders."""
    await ask.sign_in("/auth/v1/token/", scope="integrator.admin")
    return ask


async def test_tokens_of_v2(ask: Caller) -> None:
    discovery = "/v2/auth/resources-discovery/"
    status, body = await ask("POST", discovery, json=CLIENT)
    assert status == 200
    assert body["resources"]["projects"] == [
        {"projectId": PROJECT, "scope": "project.admin"}
    ]
    assert (await ask("POST", discovery[:-1], json=CLIENT))[0] == 404
    for change, wanted in (
        ({}, (200, None)),
        ({"client_secret": "x"}, (401, "invalid_client")),
        ({"client_id": "x"}, (401, "invalid_client")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"scope": "organization.admin"}, (400, "access_denied")),
        (
            {"scope": "organization.admin", "organization_id": "x"},
            (403, "access_denied"),
        ),
        ({"scope": "everything"}, (400, "invalid_scope")),
        ({"project_id": "x"}, (403, "access_denied")),
    ):
        wish = {**GRANT, **SCOPE, **change}
        for options in ({"json": wish}, {"data": wish}):  # a form works, too
            status, body = await ask("POST", "/v2/auth/token/", **options)
            assert (status, body.get("error")) == wanted
    assert (await ask("POST", "/v2/auth/token/", json=[]))[0] == 400


async def test_token_for_the_organization(ask: Caller) -> None:
    """It opens no project, and nothing of API v1."""
    scope = {"scope": "organization.admin", "organization_id": ORGANIZATION}
    await ask.sign_in("/v2/auth/token/", **scope)
    assert ask.told["organization_id"] == ORGANIZATION
    for path in (V2, "/integrators/v1/lock-holders/", f"{V1}/locks/"):
        assert (await ask("GET", path))[0] == 403


async def test_log_goes_back_30_days(v2: Caller, sim: UnlocSimulator) -> None:
    for days, action in ((29, "unlocked"), (31, "old")):
        created = wire_time(datetime.now(UTC) - timedelta(days=days))
        sim.control({"event": {"lockId": HALL, "action": action, "created": created}})
    listed = (await v2("GET", f"{V2}/logs/access"))[1]["events"]
    assert [each["action"] for each in listed] == ["unlocked"]


async def test_who_gets_in(v2: Caller) -> None:
    assert (await v2("GET", V2))[1]["project"]["name"] == "Seim idrettslag"
    assert (await v2("GET", "/v2/projects/other"))[0] == 403
    assert (await v2("GET", f"{V2}/unknown"))[0] == 404
    assert (await v2("GET", f"{V1}/locks/"))[0] == 403
    assert await v2.control(data={"expire_tokens": True}) == 200
    status, body = await v2("GET", V2)
    assert (status, body["title"]) == (401, "Unauthorized")


async def test_a_key(v2: Caller, sim: UnlocSimulator) -> None:
    wish = {"lockId": HALL, "appUserId": PHONE, "metadata": {"ref": "a"}}
    status, body = await v2("POST", f"{V2}/keys", json={"keys": [wish]})
    assert (status, body["jobRef"]["jobType"]) == (202, "createKeys")
    path = f"{V2}/jobs/{body['jobRef']['id']}"
    assert body["jobRef"]["jobStatusUrl"] == sim.url + path
    assert (await v2("GET", path))[1]["job"]["status"] == "inProgress"
    job = (await v2("GET", path))[1]["job"]
    assert job["status"] == "succeeded"
    [made] = job["resultData"]["createdKeys"]
    key = (await v2("GET", f"{V2}/keys/{made['id']}"))[1]["key"]
    assert key["appUser"]["id"] == PHONE
    assert (key["state"], key["end"], key["metadata"]) == ("active", None, {"ref": "a"})
    listing = {"lockId": HALL, "excludeStates": "expired"}
    keys = (await v2("GET", f"{V2}/keys", params=listing))[1]["keys"]
    assert [each["id"] for each in keys] == [made["id"]]
    assert sim.opens(HALL, PHONE, datetime.now(UTC))
    assert (await v2("DELETE", f"{V2}/keys/{made['id']}"))[0] == 204
    assert not sim.opens(HALL, PHONE, datetime.now(UTC))
    assert (await v2("DELETE", f"{V2}/keys/{made['id']}"))[0] == 404
    status, body = await v2("DELETE", f"{V2}/keys/key-old")
    assert (status, body["title"]) == (409, "May not revoke expired keys")
    assert (await v2("GET", f"{V2}/keys/none"))[0] == 404
    assert (await v2("GET", f"{V2}/jobs/none"))[0] == 404


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"lockId": "none"}, "lockId"),
        ({"lockId": None}, "lockId"),
        ({"appUserId": "99887766"}, "appUserId"),
        ({"appUserId": None}, "appUserId"),
        ({"start": None}, "start"),
        ({"end": None}, "end"),
        ({"start": "2090-01-01T00:00:00"}, "start"),
        ({"start": "2090-13-01T00:00:00Z"}, "start"),
        ({"start": wire_time(LATER), "end": wire_time(LATER)}, "end"),
        ({"end": "2020-01-01T00:00:00Z"}, "end"),
        ({"start": "2020-01-01T00:00:00Z"}, "start"),
        ({"metadata": "a"}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "x" * 257}}, "metadata.a"),
        ({"recurrence": {"timeSpans": []}}, "recurrence.timeSpans"),
        ({"recurrence": {"timeSpans": [{"weekday": "x"}]}}, "recurrence.weekday"),
        ({"recurrence": {"timespans": [{"weekday": "mon"}] * 2}}, "recurrence"),
        ({"phone": PHONE}, "phone"),
    ],
)
async def test_keys_that_are_refused(
    v2: Caller, sim: UnlocSimulator, change: dict[str, Any], name: str
) -> None:
    """All of them, if one is not right."""
    good = {"lockId": HALL, "appUserId": PHONE}
    status, body = await v2(
        "POST", f"{V2}/keys", json={"keys": [good, {**good, **change}]}
    )
    assert (status, body["title"]) == (400, "Validation Error")
    assert [each["name"] for each in body["invalidParams"]] == [f"keys.1.{name}"]
    assert len(sim.keys) == 2


async def test_bodies_that_are_none(v2: Caller, sim: UnlocSimulator) -> None:
    for body in ([], {}, {"keys": []}, {"keys": [7]}):
        assert (await v2("POST", f"{V2}/keys", json=body))[0] == 400
    assert (await v2("POST", f"{V2}/keys", data="{}"))[0] == 415
    sim.control({"modules": []})
    assert (await v2("POST", f"{V2}/keys", json={}))[0] == 403


async def test_readings(v2: Caller, sim: UnlocSimulator) -> None:
    """What is not public can be had either way."""
    wish = {"keys": [{"lockId": HALL, "appUserId": PHONE, "metadata": {"a": "b"}}]}
    await v2.control(data={"replaces": True, "keeps_metadata": False})
    for _ in range(2):
        await v2("POST", f"{V2}/keys", json=wish)
    assert len([k for k in sim.live_keys() if k.person == PHONE]) == 1
    keys = (await v2("GET", f"{V2}/keys"))[1]["keys"]
    assert all("metadata" not in each for each in keys)
    await v2.control(data={"job": {"status": "failedJob", "looks": 0, "reason": "R"}})
    job_id = (await v2("POST", f"{V2}/keys", json=wish))[1]["jobRef"]["id"]
    job = (await v2("GET", f"{V2}/jobs/{job_id}"))[1]["job"]
    assert (job["status"], job["failureReason"]) == ("failedJob", "R")
    for data in ({"none": 1}, {"event": {"lockId": "x"}}, {"add": [{}]}):
        assert await v2.control(data=data) == 400
    assert await v2.control(data={"connections": {"connection-1": "x"}}) == 400


async def test_pages(v2: Caller) -> None:
    await v2.control(data={"page": 3})
    status, body = await v2("GET", f"{V2}/locks")
    assert (status, len(body["locks"]), body["startAfterId"]) == (
        200,
        3,
        body["locks"][-1]["id"],
    )
    query = {"startAfterId": body["startAfterId"], "limit": "1"}
    body = (await v2("GET", f"{V2}/locks", params=query))[1]
    assert (len(body["locks"]), "startAfterId" in body) == (1, False)
    for wrong in ({"limit": "2501"}, {"limit": "x"}, {"startAfterId": "none"}):
        assert (await v2("GET", f"{V2}/locks", params=wrong))[0] == 400
    wrong = {"excludeStates": "gone"}
    assert (await v2("GET", f"{V2}/keys", params=wrong))[0] == 400


async def test_scopes_of_v1(ask: Caller, sim: UnlocSimulator) -> None:
    ids, one_id = "lock_holder_ids", "lock_holder_id"
    for scope, holders, one, tells in (
        ({}, 200, 403, None),
        ({"scope": "integrator.admin"}, 200, 200, ids),
        ({"scope": [f"lockHolder.admin:{LOCK_HOLDER}"]}, 403, 200, ids),
        ({"scope": ["lockHolder.identifier:NO.974760673.hall"]}, 403, 200, one_id),
    ):
        await ask.sign_in("/auth/v1/token/", **scope)
        told = {"lock_holder_id", "lock_holder_ids"} & set(ask.told)
        assert told == ({tells} if tells else set())
        assert (await ask("GET", "/integrators/v1/lock-holders/"))[0] == holders
        assert (await ask("GET", f"{V1}/locks/"))[0] == one
    ask.token = ""
    status, body = await ask("GET", f"{V1}/locks/")
    assert (status, body["errorDescription"]) == (401, "JWT expired")
    for scope in ("x", ["lockHolder.admin:x"]):
        wish = {**GRANT, "scope": scope}
        assert (await ask("POST", "/auth/v1/token/", json=wish))[0] == 400
    wish = {**GRANT, "grant_type": "x"}
    assert (await ask("POST", "/auth/v1/token/", json=wish))[0] == 400
    sim.control({"scopes": ["integrator"]})
    assert (await ask("POST", "/auth/v1/token/", json=GRANT))[0] == 400


async def test_keys_of_v1(v1: Caller, sim: UnlocSimulator) -> None:
    path = f"{V1}/locks/{HALL}/keys/"
    wish = {"userId": PHONE, "start": None, "end": None, "metadata": {"a": "b"}}
    status, body = await v1("POST", path, json=wish)
    key = body["key"]
    assert (status, key["start"], key["end"]) == (200, None, None)
    assert (key["toUser"]["id"], key["metadata"]) == (PHONE, {"a": "b"})
    for change in (
        {"userId": "1"},
        {"start": "x"},
        {"end": "2020-01-01T00:00:00Z"},
        {"skipInviteNotification": "no"},
    ):
        status, body = await v1("POST", path, json={**wish, **change})
        assert (status, body["error"]) == (400, "ValidationError")
    assert (await v1("POST", path, json={"userId": PHONE}))[0] == 400
    assert (await v1("POST", path, data="x"))[0] == 400
    assert (await v1("GET", path[:-1]))[0] == 404
    one = f"{path}{key['id']}/"
    assert (await v1("PUT", one, json={"state": "active"}))[0] == 400
    wrong = one.replace(HALL, ENTRANCE)
    revoked = {"json": {"state": "revoked"}}
    assert (await v1("PUT", wrong, **revoked))[0] == 404
    assert (await v1("PUT", one, **revoked))[1]["key"]["state"] == "revoked"
    assert (await v1("PUT", one, **revoked))[0] == 409
    assert (await v1("GET", f"{V1}/locks/none/keys/"))[0] == 404
    keys = (await v1("GET", f"{V1}/keys/", params={"limit": "10"}))[1]["keys"]
    assert {each["id"] for each in keys} == set(sim.keys)


async def test_locks_and_roles_of_v1(v1: Caller, sim: UnlocSimulator) -> None:
    path = f"{V1}/locks/{HALL}/"
    assert (await v1("GET", path))[1]["lock"]["name"] == "Sports hall"
    assert (await v1("PATCH", path, json={"name": "Hall"}))[1]["lock"]["id"] == HALL
    assert sim.locks[HALL]["name"] == "Hall"
    assert (await v1("PATCH", path, json={"vendor": "x"}))[0] == 400
    assert (await v1("GET", path[:-1]))[0] == 404
    one = f"{path}roles/%2B4799887766/"
    status, body = await v1("PUT", one, json={"canShare": True, "userName": "A"})
    assert (status, body["role"]["user"]) == (200, {"id": PHONE, "name": "A"})
    assert (await v1("PUT", one, json={}))[0] == 400
    for roles in (f"{path}roles/", f"{V1}/roles/"):
        assert (await v1("GET", roles))[1] == {"roles": [body["role"]]}
    assert (await v1("GET", f"{V1}/locks/{ENTRANCE}/roles/"))[1] == {"roles": []}
    shared = f"{V1}/users/%2B4799887766/shared-keys/"
    assert (await v1("DELETE", shared))[0] == 200


async def test_lock_holders_and_connections(v1: Caller, sim: UnlocSimulator) -> None:
    root = "/integrators/v1/lock-holders/"
    wish = {"name": "A", "countryIso": "NO", "organizationId": "1"}
    status, made = await v1("POST", root, json=wish)
    assert (status, made["name"]) == (200, "A")
    assert (await v1("POST", root, json=wish))[0] == 409
    assert (await v1("POST", root, json={**wish, "countryIso": "no"}))[0] == 400
    assert (await v1("GET", f"{root}{made['id']}/locks/"))[1] == {"locks": []}
    one = f"{root}{made['id']}/"
    assert (await v1("PATCH", one, json={"name": "B"}))[1]["name"] == "B"
    assert (await v1("PATCH", one, json={"countryIso": "SE"}))[0] == 400
    path = f"{V1}/vendor-connections/"
    account = {"vendor": "danalock", "username": "a@b.example", "password": "x"}
    status, body = await v1("POST", path, json=account)
    connection = body["vendorConnection"]
    assert (status, connection["state"]) == (200, "connecting")
    assert (await v1("POST", path, json=account))[0] == 409
    assert (await v1("POST", path, json={**account, "password": ""}))[0] == 400
    one = f"{path}{connection['id']}/"
    assert (await v1("PUT", f"{one}update-password/", json={"password": "y"}))[0] == 200
    assert (await v1("PUT", f"{one}update-password/", json={}))[0] == 400
    assert (await v1("PUT", f"{one}refresh/"))[0] == 200
    assert (await v1("PUT", f"{path}none/refresh/"))[0] == 404
    wrong = {"json": {"password": "y"}}
    assert (await v1("PUT", f"{path}none/update-password/", **wrong))[0] == 404
    _, body = await v1("GET", path)
    assert all("password" not in each for each in body["vendorConnections"])


async def test_reset_and_unknown_outcome(v2: Caller, sim: UnlocSimulator) -> None:
    await v2.control(fault={"kind": "unknown_outcome", "path": "/keys", "times": 1})
    wish = {"keys": [{"lockId": HALL, "appUserId": PHONE}]}
    with pytest.raises(ServerDisconnectedError):
        await v2("POST", f"{V2}/keys", json=wish)
    assert sim.opens(HALL, PHONE, datetime.now(UTC) + HOUR)
    await v2.control(data={"remove": [HALL], "locks": [{"name": "X"}]})
    assert await v2.control(reset=True) == 200
    assert HALL in sim.locks
    assert len(sim.keys) == 2
