"""The client of Unloc's API v2 against the simulator: account, locks, jobs and faults."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
import logging
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.booking_access import transport
from custom_components.booking_access.access_systems import unloc as module, unloc_http
from custom_components.booking_access.access_systems.unloc import Unloc
from custom_components.booking_access.engine.models import (
    AccessEvent,
    AccessEventKind,
    AccessPoint,
    Account,
    AuthError,
    Capability,
    ConnectionFailed,
    ContractError,
    Issued,
    MissingRight,
    OutcomeUnknown,
    PointState,
    RateLimited,
    Rejected,
    Traits,
    VendorError,
)
from custom_components.booking_access.forms import FieldKind
from simulators.unloc import UnlocSimulator
from simulators.unloc_site import (
    CLIENT_SECRET,
    ENTRANCE,
    HALL,
    PROJECT,
    STORE,
    wire_time,
)

from .unloc_cases import GRANT, PHONE, SecondTime, listed, ours

KNOWN = Issued(id="key-x", reference=GRANT.reference, points=(HALL,), start=None, end=None)  # fmt: skip


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UnlocSimulator]:
    async with UnlocSimulator() as simulator:
        yield simulator


@pytest.fixture
def unloc(sim: UnlocSimulator, session: ClientSession) -> Unloc:
    return Unloc(session, {**sim.credentials(), "project": PROJECT})


def asked(sim: UnlocSimulator, part: str) -> int:
    """Return how often something was asked."""
    return sum(part in path for _, path in sim.requests)


class TestForm:
    def test_fields(self) -> None:
        assert (Unloc.key, Unloc.name) == ("unloc", "Unloc")
        assert Unloc.needs_phone
        assert Unloc.follow_ups == ("unloc_project",)
        fields = Unloc.form_of({})
        assert [(f.name, f.required, f.advanced) for f in fields] == [
            ("client_id", True, False),
            ("client_secret", True, False),
            ("project", True, False),
            ("url", False, True),
        ]
        assert fields[1].secret
        assert fields[3].default == "https://api.unloc.app"
        assert [f for f in fields if f.name != "project"] == list(Unloc.form)

    async def test_projects(self, sim: UnlocSimulator, session: ClientSession) -> None:
        """None is an error, one is taken, of several one is chosen by its name."""
        new = Unloc(session, sim.credentials())
        settled = await new.follow_up()
        assert settled
        assert (settled.fields, settled.settled) == ((), {"project": PROJECT})
        sim.control({"projects": {"p-2": "Arena", PROJECT: "Seim", "p-3": None}})
        ask = await new.follow_up()
        assert ask
        [field] = ask.fields
        assert (ask.step, field.name, field.kind) == (
            "unloc_project",
            "project",
            FieldKind.SELECT,
        )
        assert field.choices == (("p-2", "Arena"), (PROJECT, "Seim"), ("p-3", "p-3"))
        chosen = Unloc(session, {**sim.credentials(), "project": "p-2"})
        assert await chosen.follow_up() is None
        sim.control({"projects": {}})
        with pytest.raises(Rejected, match=r"^no_projects$"):
            await new.follow_up()
        with pytest.raises(Rejected, match=r"^no_projects$"):
            await new.validate()

    @pytest.mark.parametrize("name", ["client_id", "client_secret"])
    async def test_wrong_credentials(
        self, sim: UnlocSimulator, session: ClientSession, name: str
    ) -> None:
        for settings in ({}, {"project": PROJECT}):
            system = Unloc(session, {**sim.credentials(), **settings, name: "wrong"})
            with pytest.raises(AuthError):
                await (system.validate() if settings else system.follow_up())
        assert len(sim.requests) == 2  # nothing is tried again

    async def test_account(self, unloc: Unloc, sim: UnlocSimulator) -> None:
        account = Account(id=PROJECT, title="Seim idrettslag")
        assert await unloc.validate() == account
        padded = {k: f" {v}\n" for k, v in sim.credentials().items()}
        padded |= {"url": f" {sim.url}/ ", "project": f" {PROJECT} "}
        assert await Unloc(unloc.connection, padded).validate() == account

    async def test_right_that_is_missing(
        self, unloc: Unloc, sim: UnlocSimulator
    ) -> None:
        sim.control({"projects": {"other": "Other"}})
        with pytest.raises(MissingRight) as caught:
            await unloc.validate()
        assert caught.value.right == "API Permissions"
        sim.control({"projects": {PROJECT: "Seim"}, "modules": []})
        with pytest.raises(MissingRight) as caught:
            await unloc.issue(GRANT)
        assert caught.value.right == "mobileKey"

    @pytest.mark.parametrize("url", ["http://[", "http://127.0.0.1:99999", "unloc"])
    async def test_url_that_is_none(self, session: ClientSession, url: str) -> None:
        with pytest.raises(ConnectionFailed):
            await Unloc(session, {"url": url, "project": "p"}).validate()

    async def test_project_that_is_gone(
        self, unloc: Unloc, sim: UnlocSimulator
    ) -> None:
        sim.fault("404", path=f"/projects/{PROJECT}")
        with pytest.raises(Rejected, match=r"^no_projects$"):
            await unloc.validate()


class TestTokens:
    async def test_one_token_for_its_life(
        self, unloc: Unloc, sim: UnlocSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is asked for anew five minutes before its end, and when it is refused."""
        clock = [1000.0]
        monkeypatch.setattr(unloc_http, "monotonic", lambda: clock[0])
        await unloc.validate()
        await unloc.list_access_points()
        clock[0] += 3299
        await unloc.validate()
        assert asked(sim, "/token/") == 1
        clock[0] += 1
        await unloc.validate()
        assert asked(sim, "/token/") == 2
        sim.control({"expire_tokens": True})
        await unloc.issue(GRANT)
        assert asked(sim, "/token/") == 3
        assert len(ours(sim)) == 1

    async def test_fresh_token_that_is_refused(
        self, unloc: Unloc, sim: UnlocSimulator
    ) -> None:
        sim.fault("401", path="/keys")
        with pytest.raises(AuthError):
            await unloc.issue(GRANT)
        assert asked(sim, "/keys") == 2
        assert ours(sim) == []

    @pytest.mark.parametrize("told", [[], {}, {"access_token": 7}])
    async def test_answer_without_token(
        self, unloc: Unloc, monkeypatch: pytest.MonkeyPatch, told: Any
    ) -> None:
        async def tell(*_: object) -> Any:
            return told

        monkeypatch.setattr(unloc_http.UnlocHttp, "ask_as_client", tell)
        with pytest.raises(ContractError) as caught:
            await unloc.validate()
        assert caught.value.field == "access_token"


class TestLocks:
    async def test_points_and_states(self, unloc: Unloc, sim: UnlocSimulator) -> None:
        can = frozenset({Capability.GRANT, Capability.LIST})
        traits = Traits(apart=True, enforced=True)
        wanted = [
            (ENTRANCE, "Main entrance", "danalock"),
            (HALL, "Sports hall", "danalock"),
            (STORE, "Store", "virtual"),
        ]
        assert await unloc.list_access_points() == tuple(
            AccessPoint(id=i, name=n, model=m, capabilities=can, traits=traits)
            for i, n, m in wanted
        )
        assert await unloc.read_states() == {
            ENTRANCE: PointState(battery=81),
            HALL: PointState(battery=17),
            STORE: PointState(),
        }
        assert asked(sim, "/locks") == 1

    @pytest.mark.parametrize("level", [None, "full", "nan", True, -1, 101, {}])
    async def test_battery_that_is_none(
        self, unloc: Unloc, sim: UnlocSimulator, level: Any
    ) -> None:
        sim.control({"locks": [{"name": " ", "id": "a"}, {"name": "B", "id": "b"}]})
        sim.locks["a"]["batteryStatus"] = {"batteryLevel": level}
        sim.locks["b"]["batteryStatus"] = level
        assert set((await unloc.read_states()).values()) == {PointState()}
        assert [p.name for p in await unloc.list_access_points()] == ["a", "B"]

    @pytest.mark.parametrize(
        ("settings", "requests"),
        [
            ({}, 1),
            ({"page": 2}, 3),
            ({"page": 2, "always_after": True}, 4),
            ({"page": 5, "always_after": True}, 2),
        ],
    )
    async def test_pages(
        self,
        unloc: Unloc,
        sim: UnlocSimulator,
        settings: dict[str, Any],
        requests: int,
    ) -> None:
        ids = [f"lock-{n}" for n in range(5)]
        sim.control({"locks": [{"name": i, "id": i} for i in ids], **settings})
        assert [p.id for p in await unloc.list_access_points()] == ids
        assert asked(sim, "/locks") == requests

    async def test_a_page_that_repeats_itself_is_the_last(
        self, unloc: Unloc, sim: UnlocSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = [{"id": ENTRANCE}], {"startAfterId": ENTRANCE}
        monkeypatch.setattr(sim, "_page", lambda *_: page)
        assert [p.id for p in await unloc.list_access_points()] == [ENTRANCE]
        assert asked(sim, "/locks") == 2

    async def test_items_that_are_none(self, unloc: Unloc, sim: UnlocSimulator) -> None:
        sim.control({"raw": {"locks": [None, "x", {}, {"id": None}, {"id": 7}]}})
        assert len(await unloc.list_access_points()) == 3
        sim.control({"locks": []})
        with pytest.raises(ContractError) as caught:
            await unloc.list_access_points()
        assert caught.value.field == "locks.id"

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    async def test_refresh(
        self, unloc: Unloc, sim: UnlocSimulator, method: str
    ) -> None:
        sim.control({"refresh": method})
        await unloc.refresh()
        assert sim.refreshed == ["connection-1"]

    @pytest.mark.parametrize("method", [None, "PATCH"])
    async def test_refresh_that_is_not_there(
        self, unloc: Unloc, sim: UnlocSimulator, method: str | None
    ) -> None:
        sim.control({"refresh": method})
        with pytest.raises(Rejected, match=r"^refused$"):
            await unloc.refresh()


class TestEvents:
    @pytest.mark.parametrize("name", ["events", "logs"])
    async def test_events(self, unloc: Unloc, sim: UnlocSimulator, name: str) -> None:
        """Where and when, never who; those after an instant, the oldest first."""
        at = datetime(2026, 11, 22, 8, tzinfo=UTC)
        sim.control({"log": name, "page": 2})
        for minute, action in ((5, "unlocked"), (0, "unlocked"), (2, "sneezed")):
            moment = wire_time(at + timedelta(minutes=minute))
            who = {"appUserId": PHONE, "userName": "Kari", "action": action}
            sim.control({"event": {"lockId": HALL, "created": moment, **who}})
        sim.control({"raw": {"events": [{"id": "x"}, {"id": "y", "lockId": HALL}]}})
        events = await unloc.read_events(at)
        assert events == (
            AccessEvent(
                id="event-3",
                point_id=HALL,
                kind=AccessEventKind.OTHER,
                at=at + timedelta(minutes=2),
            ),
            AccessEvent(
                id="event-1",
                point_id=HALL,
                kind=AccessEventKind.OPENED,
                at=at + timedelta(minutes=5),
            ),
        )

    async def test_no_log(self, unloc: Unloc, sim: UnlocSimulator) -> None:
        sim.control({"log": None})
        assert await unloc.read_events(datetime(2026, 1, 1, tzinfo=UTC)) == ()


class TestJobs:
    @pytest.mark.parametrize("created", ["id", "keyId", "key", "text", "nothing"])
    @pytest.mark.parametrize("kept", [True, False])
    async def test_every_shape_of_what_was_made(
        self, unloc: Unloc, sim: UnlocSimulator, created: str, *, kept: bool
    ) -> None:
        sim.control({"created": created, "keeps_metadata": kept})
        issued = await unloc.issue(GRANT)
        [key] = ours(sim)
        assert issued.id == key.id

    async def test_posted_once_and_looked_at_until_it_ends(
        self, unloc: Unloc, sim: UnlocSimulator
    ) -> None:
        sim.control({"job": {"looks": 19}})
        await unloc.issue(GRANT)
        assert asked(sim, "/jobs/") == 20
        assert [m for m, path in sim.requests if path.endswith("/keys")] == [
            "GET",
            "POST",
        ]
        [key] = ours(sim)
        assert set(key.posted) == {"lockId", "appUserId", "start", "end", "metadata"}

    async def test_pauses(
        self, unloc: Unloc, sim: UnlocSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Half a second each, about ten seconds in all."""
        pauses: list[float] = []

        async def pause(seconds: float) -> None:
            pauses.append(seconds)

        monkeypatch.setattr(module, "JOB_PAUSE", 0.5)
        monkeypatch.setattr(module.asyncio, "sleep", pause)
        sim.control({"job": {"looks": 99}})
        with pytest.raises(OutcomeUnknown):
            await unloc.issue(GRANT)
        assert [each for each in pauses if each] == [0.5] * 19

    @pytest.mark.parametrize(
        ("job", "error", "text"),
        [
            ({"looks": 99}, OutcomeUnknown, ""),
            ({"status": "timeout"}, OutcomeUnknown, ""),
            ({"status": "thawing"}, OutcomeUnknown, ""),
            ({"status": "failedJob"}, ConnectionFailed, ""),
            ({"status": "failedValidation"}, Rejected, "refused"),
            (
                {"status": "failedValidation", "reason": "keys.0.appUserId: no"},
                Rejected,
                "phone_invalid",
            ),
        ],
    )
    async def test_jobs_that_fail(
        self,
        unloc: Unloc,
        sim: UnlocSimulator,
        job: dict[str, Any],
        error: type[VendorError],
        text: str,
    ) -> None:
        """What is in doubt is looked for, what was refused is not."""
        sim.control({"job": {**job, "makes": True}})
        with pytest.raises(error) as caught:
            await unloc.issue(GRANT)
        if text:
            assert str(caught.value) == text
        if error is OutcomeUnknown:
            found = await unloc.find(GRANT)
            assert found
            assert found.id == ours(sim)[0].id

    async def test_a_job_that_failed_after_its_key_was_made(
        self, unloc: Unloc, sim: UnlocSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The key counts, whatever else went wrong; without an id it is found again."""
        sim.control({"job": {"status": "failedJob", "makes": True, "looks": 0}})
        with pytest.raises(ConnectionFailed):
            await unloc.issue(GRANT)
        issued = await unloc.issue(GRANT)
        [key] = ours(sim)
        assert issued.id == key.id
        await unloc.revoke(issued)
        one = sim.one

        def told(request: Any, shown: Any, **options: Any) -> Any:
            if "job" in shown:
                made = [{"id": each.id} for each in ours(sim)]
                shown["job"]["resultData"] = {"createdKeys": [{}, *made]}
            return one(request, shown, **options)

        monkeypatch.setattr(sim, "one", told)
        issued = await unloc.issue(GRANT)
        assert issued.id == ours(sim)[0].id

    @pytest.mark.parametrize("kind", ["500", "404", "429", "html", "wrong_shape"])
    async def test_a_job_out_of_sight_for_a_moment(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str
    ) -> None:
        sim.fault(kind, path="/jobs/", times=3)
        await unloc.issue(GRANT)
        # What is unreadable was looked at, and the job went on by that.
        assert asked(sim, "/jobs/") == (4 if kind == "wrong_shape" else 5)

    @pytest.mark.parametrize("kind", ["401", "403", "500", "nulls"])
    async def test_a_job_out_of_sight_for_good(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str
    ) -> None:
        sim.fault(kind, path="/jobs/")
        with pytest.raises(OutcomeUnknown):
            await unloc.issue(GRANT)

    @pytest.mark.parametrize("kind", ["truncated", "html", "wrong_shape", "nulls"])
    async def test_unreadable_answer_to_a_new_key(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str
    ) -> None:
        sim.faults = [SecondTime(kind, path="/keys")]
        with pytest.raises(OutcomeUnknown):
            await unloc.issue(GRANT)
        found = await unloc.find(GRANT)
        assert bool(found) == (kind != "html")  # a page comes instead of a job

    @pytest.mark.parametrize(("kind", "nth"), [("500", 3), ("empty", 2)])
    async def test_made_but_not_to_be_found(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str, nth: int
    ) -> None:
        sim.control({"created": "nothing"})
        sim.faults = [SecondTime(kind, path="/keys", nth=nth)]
        with pytest.raises(OutcomeUnknown):
            await unloc.issue(GRANT)
        assert await unloc.find(GRANT)

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'{"invalidParams": 7}', b'{"detail": "x"}']
    )
    async def test_refusals_without_a_reason(
        self, unloc: Unloc, body: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        answer = transport.Answer(status=400, headers={}, body=body)
        assert module._refusal(answer) == "refused"


class TestRevoke:
    @pytest.mark.parametrize("kind", ["unknown_outcome", "reset", "500", "503"])
    async def test_lost_answer(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str
    ) -> None:
        """It can be repeated."""
        issued = await unloc.issue(GRANT)
        # The client itself sends a DELETE again, once, when it is cut off.
        is_cut = kind in ("unknown_outcome", "reset")
        sim.fault(kind, path=issued.id, times=2 if is_cut else 1)
        with pytest.raises(OutcomeUnknown):
            await unloc.revoke(issued)
        await unloc.revoke(issued)
        assert ours(sim) == []

    async def test_what_is_gone(self, unloc: Unloc, sim: UnlocSimulator) -> None:
        for key_id in ("unknown", "key-old", "a/b ?#"):
            await unloc.revoke(Issued(id=key_id, reference="ba-1-x", points=(HALL,), start=None, end=None))  # fmt: skip

    async def test_refused_while_it_is_good(
        self, unloc: Unloc, sim: UnlocSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        issued = await unloc.issue(GRANT)
        ask = unloc._http.change

        async def refused(*args: Any, **options: Any) -> transport.Answer:
            await ask("DELETE", "nowhere")
            return transport.Answer(status=400, headers={}, body=b"{}")

        monkeypatch.setattr(unloc._http, "change", refused)
        with pytest.raises(Rejected, match=r"^refused$"):
            await unloc.revoke(issued)
        sim.control({"revoke": [issued.id]})
        await unloc.revoke(issued)
        await unloc.revoke(KNOWN)


type Method = Callable[[Unloc], Awaitable[object]]
READING: dict[str, Method] = {
    "validate": lambda system: system.validate(),
    "list_access_points": lambda system: system.list_access_points(),
    "read_states": lambda system: system.read_states(),
    "list_issued": lambda system: system.list_issued(),
    "find": lambda system: system.find(GRANT),
    "read_events": lambda system: system.read_events(GRANT.start),
}
FAULTS: list[tuple[str, type[VendorError]]] = [
    ("401", AuthError),
    ("403", MissingRight),
    ("429", RateLimited),
    ("500", ConnectionFailed),
    ("html", ContractError),
    ("truncated", ContractError),
    ("wrong_shape", ContractError),
    ("reset", ConnectionFailed),
    ("hang", ConnectionFailed),
]


class TestFaults:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        quick = partial(transport.request, time_limit=timedelta(seconds=0.2))
        monkeypatch.setattr(unloc_http, "request", quick)

    @pytest.mark.parametrize(("kind", "error"), FAULTS)
    async def test_reading(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str, error: type[VendorError]
    ) -> None:
        for method in READING.values():
            sim.faults.clear()
            sim.fault(kind, path="/projects/", retry_after="30")
            with pytest.raises(error) as caught:
                await method(unloc)
            assert type(caught.value) is error
            if isinstance(caught.value, RateLimited):
                assert caught.value.retry_after == timedelta(seconds=30)

    @pytest.mark.parametrize("kind", ["500", "429", "hang", "reset", "html"])
    async def test_no_token(self, unloc: Unloc, sim: UnlocSimulator, kind: str) -> None:
        """Then nothing was done, so it can be done again."""
        sim.fault(kind, path="/token/")
        with pytest.raises(ConnectionFailed):
            await unloc.issue(GRANT)
        assert asked(sim, "/keys") == 0

    @pytest.mark.parametrize(
        ("kind", "error"),
        [
            ("429", RateLimited),
            ("500", OutcomeUnknown),
            ("hang", OutcomeUnknown),
            ("reset", OutcomeUnknown),
            ("404", Rejected),
        ],
    )
    async def test_making_a_key(
        self, unloc: Unloc, sim: UnlocSimulator, kind: str, error: type[VendorError]
    ) -> None:
        sim.faults = [SecondTime(kind, path="/keys")]
        with pytest.raises(error):
            await unloc.issue(GRANT)
        sim.faults.clear()
        assert await unloc.find(GRANT) is None

    async def test_what_is_unknown_or_left_out(
        self, unloc: Unloc, sim: UnlocSimulator
    ) -> None:
        """New fields and words, null everywhere, the same item twice."""
        issued = await unloc.issue(GRANT)
        for kind in ("unknown_fields", "duplicate"):
            sim.faults.clear()
            sim.fault(kind)
            assert (await unloc.validate()).id == PROJECT
            assert len(await unloc.list_access_points()) == 3
            assert list(await listed(unloc)) == [GRANT.reference]
        sim.faults.clear()
        sim.fault("nulls", path="/keys")
        sim.fault("nulls", path="/locks")
        names = [p.name for p in await unloc.list_access_points()]
        assert names == [ENTRANCE, HALL, STORE, "lock-entrance-again"]
        told = {e.id: e for e in await unloc.list_issued()}
        assert told[issued.id].reference == GRANT.reference  # we made it
        assert told["key-cleaner"].live

    async def test_nothing_personal_in_logs_or_texts(
        self,
        unloc: Unloc,
        sim: UnlocSimulator,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        shown = [repr(GRANT), repr(await unloc.issue(GRANT))]
        for kind, _ in FAULTS:
            for method in (*READING.values(), partial(Unloc.issue, grant=GRANT)):
                sim.faults.clear()
                sim.fault(kind, path="/keys", times=2)
                try:
                    shown.append(repr(await method(unloc)))
                except VendorError as err:
                    shown += [str(err), repr(err)]
        sim.faults.clear()
        shown.append(repr(await unloc._read_keys()))
        shown += [record.getMessage() for record in caplog.records]
        everything = "\n".join(shown)
        for secret in (PHONE, PHONE[1:], "9988", "Nordmann", CLIENT_SECRET, "use-key"):
            assert secret not in everything
