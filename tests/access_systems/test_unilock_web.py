"""The UniLock client against its WebAPI, by a profile."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.booking_access import transport
from custom_components.booking_access.access_systems import unilock_web
from custom_components.booking_access.access_systems.base import Before
from custom_components.booking_access.access_systems.unilock import UniLock
from custom_components.booking_access.access_systems.unilock_forms import FORMS
from custom_components.booking_access.access_systems.unilock_profile import read_profile
from custom_components.booking_access.engine.models import (
    AccessPoint,
    Account,
    AuthError,
    Capability,
    ConnectionFailed,
    ContractError,
    Grant,
    Issued,
    OutcomeUnknown,
    Person,
    PointKind,
    PointState,
    Problem,
    RateLimited,
    Rejected,
    Traits,
    VendorError,
)
from custom_components.booking_access.forms import BadValue
from simulators.unilock import HEADER, TOKEN, UniLockSimulator

START = datetime(2090, 11, 26, 9, 0, tzinfo=UTC)
END = datetime(2090, 11, 26, 11, 0, tzinfo=UTC)
PHONE = "+4520123456"
PIN = "482130"
GRANT = Grant(
    reference="ba-1f-1",
    reservation="ba-1f-r",
    points=("person_group:12", "person_group:20"),
    start=START,
    end=END,
    person=Person(name="Anna <Holm>", phone=PHONE),
    code=PIN,
)
OPEN = {"door_open": {"path": "doors/{id}/open", "body": {"seconds": "{seconds}"}}}


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UniLockSimulator]:
    async with UniLockSimulator() as simulator:
        yield simulator


@pytest.fixture
def client(sim: UniLockSimulator, session: ClientSession) -> UniLock:
    return connect(sim, session)


def connect(
    sim: UniLockSimulator,
    session: ClientSession,
    profile: dict[str, Any] | None = None,
    **changes: Any,
) -> UniLock:
    return UniLock(
        session,
        {
            "time_zone": "Europe/Copenhagen",
            **sim.credentials(),
            "profile": json.dumps(profile or {}),
            **changes,
        },
    )


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a fraction of a second for answers, not 20."""
    quick = partial(transport.request, time_limit=timedelta(seconds=0.2))
    monkeypatch.setattr(unilock_web, "request", quick)


class TestTheAccount:
    async def test_its_forms(self, session: ClientSession) -> None:
        first = UniLock(session, {"transport": "web_api", "time_zone": "UTC"})
        ask = await first.follow_up()
        assert ask is not None
        assert (ask.step, ask.fields) == ("unilock_web_api", FORMS["web_api"])
        assert [f.name for f in ask.fields if f.secret] == ["password", "token"]

    async def test_it_is_told_by_its_address(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        client = connect(sim, session, url=f" {sim.url}/api/ ")
        wanted = Account(id=f"web_api:{sim.url}/api", title="UniLock")
        assert await client.validate() == wanted
        assert client.can_list
        assert "GET /persongroups = 200" in client.tried
        paths = {path for _, path in sim.requests}
        assert "/api/sharedexceptions/3/periods" in paths

    @pytest.mark.parametrize(
        ("auth", "settings"),
        [
            ("bearer", {"token": TOKEN}),
            ("header", {"header": HEADER, "token": TOKEN}),
            ("none", {}),
        ],
    )
    async def test_ways_to_sign_in(
        self,
        sim: UniLockSimulator,
        session: ClientSession,
        auth: str,
        settings: dict[str, str],
    ) -> None:
        sim.control({"auth": auth})
        client = connect(sim, session, auth=auth, **settings)
        await client.validate()
        if settings:
            with pytest.raises(AuthError):
                await connect(sim, session, auth=auth, header="X", token="y").validate()
            lacking = {**settings, "token": ""}
            with pytest.raises(Rejected, match=r"^sign_in_incomplete$"):
                await connect(sim, session, auth=auth, **lacking).validate()

    async def test_a_wrong_password(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        with pytest.raises(AuthError):
            await connect(sim, session, password="wrong").validate()
        with pytest.raises(Rejected, match=r"^sign_in_incomplete$"):
            await connect(sim, session, username="").validate()

    async def test_an_address_that_is_none(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        for url in ("http://[", "http://127.0.0.1:1/api"):
            with pytest.raises(ConnectionFailed):
                await connect(sim, session, url=url).validate()

    async def test_a_server_without_any_list(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        """It need only be there; then points are typed in."""
        profile = dict.fromkeys(("groups", "exceptions", "doors", "persons"))
        typed = [{"kind": "person_group", "identifier": "12", "name": "Hal 1"}]
        client = connect(sim, session, profile, access_point=typed)
        await client.validate()
        assert not client.can_list
        assert await client.list_issued() == await client.list_issued()
        [point] = await client.list_access_points()
        assert point.capabilities == {Capability.GRANT, Capability.PIN}
        found = await client.find(GRANT)
        assert found
        assert found.id == "ba-1f-1"

    async def test_points(self, sim: UniLockSimulator, session: ClientSession) -> None:
        """Doors only where a profile says how they are opened."""
        typed = [{"kind": "person_group", "identifier": "12", "name": "Badminton"}]
        client = connect(sim, session, access_point=typed)
        points = {each.id: each for each in await client.list_access_points()}
        assert points["person_group:12"] == AccessPoint(
            id="person_group:12",
            name="Badminton",
            kind=PointKind.GROUP,
            capabilities=frozenset({Capability.GRANT, Capability.PIN, Capability.LIST}),
            traits=Traits(changes=True, lingers=True),
        )
        assert points["shared_exception:4"].name == "Hal 2 åben"
        assert len(points) == 5
        with pytest.raises(Rejected, match=r"^not_supported$"):
            await client.unlock("door:101")
        client = connect(sim, session, OPEN)
        points = {each.id: each for each in await client.list_access_points()}
        assert points["door:101"].capabilities == {Capability.UNLOCK}
        await client.unlock("door:101")
        assert [door for door, _ in sim.site.opened] == ["101"]

    @pytest.mark.parametrize("wrapped", [False, True])
    async def test_lists_in_either_shape(
        self, sim: UniLockSimulator, session: ClientSession, wrapped: bool
    ) -> None:
        sim.control({"wrapped": wrapped})
        lists = ("groups", "exceptions", "doors", "persons", "periods")
        profile = {name: {"list": "Items"} for name in lists} if wrapped else {}
        assert len(await connect(sim, session, profile).list_access_points()) == 5
        wrong = {} if wrapped else {"groups": {"list": "items"}}
        with pytest.raises(ContractError) as caught:
            await connect(sim, session, wrong).list_access_points()
        assert caught.value.field.startswith("groups.list")


class TestPersons:
    async def test_a_whole_life(self, client: UniLock, sim: UniLockSimulator) -> None:
        issued = await client.issue(GRANT)
        assert (issued.id, issued.credential.code) == ("ba-1f-1", PIN)
        person = sim.site.persons["ba-1f-1"]
        assert (person.first_name, person.last_name) == ("Anna", "<Holm>")
        assert (person.phone, person.key_code) == (PHONE, PIN)
        assert sim.site.members("20", START) == {"ba-1f-1"}
        assert "ba-1f-1" not in sim.site.members("12", END)
        found = await client.find(GRANT)
        assert found == Issued(
            id="ba-1f-1", reference="ba-1f-1", points=(), start=None, end=None
        )
        later = Grant(
            reference="ba-1f-2",
            reservation="ba-1f-r",
            points=("person_group:12",),
            start=START,
            end=END + timedelta(hours=1),
            person=Person(name="Anna"),
        )
        changed = await client.change(issued, later)
        assert (changed.id, changed.reference) == ("ba-1f-1", "ba-1f-2")
        assert sim.site.persons["ba-1f-1"].key_code == PIN
        assert sim.site.members("20", START) == set()
        await client.revoke(changed)
        assert set(sim.site.persons) == {"staff-1"}
        await client.revoke(changed)

    async def test_persons_of_others_have_no_id(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        sim.fault("nulls", path="persons")
        assert await client.list_issued() == ()

    @pytest.mark.parametrize("status", [404, 204])
    async def test_what_is_gone_is_taken_back(
        self, client: UniLock, sim: UniLockSimulator, status: int
    ) -> None:
        sim.control({"remove_again": status})
        await client.revoke(
            Issued(id="ba-1f-9", reference=None, points=(), start=None, end=None)
        )

    async def test_somebody_who_is_refused(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        """For good: a code that a member of the staff has."""
        sim.control({"unique_codes": True})
        staff = sim.site.persons["staff-1"].key_code
        with pytest.raises(Rejected, match=r"^refused$"):
            await client.issue(
                Grant(
                    reference="ba-1f-1",
                    reservation="r",
                    points=("person_group:12",),
                    start=START,
                    end=END,
                    person=Person(),
                    code=staff,
                )
            )

    async def test_a_body_of_another_shape(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        """Ids as numbers, fields of other names, and what has no value left out."""
        body = {
            "who": {"ref": "{external_id}", "label": "{first_name} {last_name}"},
            "pin": "{#pin}",
            "phone": "{phone}",
            "in": [{"g": "{#membership.group}", "t": "{membership.valid_to}"}],
            "fixed": [1, None, True],
        }
        client = connect(sim, session, {"person_put": {"body": body}})
        sent: list[Any] = []

        async def note(*_: Any, json: Any, **__: Any) -> transport.Answer:
            sent.append(json)
            return transport.Answer(status=200, headers={}, body=b"")

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(unilock_web, "request", note)
            await client.issue(GRANT)
            await client.revoke(
                Issued(id="ba-1", reference=None, points=(), start=None, end=None)
            )
        assert sent == [
            {
                "who": {"ref": "ba-1f-1", "label": "Anna <Holm>"},
                "pin": int(PIN),
                "phone": PHONE,
                "in": [
                    {"g": 12, "t": "2090-11-26T12:00:00"},
                    {"g": 20, "t": "2090-11-26T12:00:00"},
                ],
                "fixed": [1, None, True],
            },
            None,
        ]


class TestSchedules:
    @pytest.mark.parametrize("time_format", ["iso", "dk"])
    async def test_what_was_set_is_read_back(
        self, sim: UniLockSimulator, session: ClientSession, time_format: str
    ) -> None:
        """Ready when the periods are the same in both, told of when they are not."""
        sim.control({"time_format": time_format})
        pattern = {"dk": {"time_format": "%d-%m-%Y %H:%M"}}.get(time_format, {})
        client = connect(sim, session, pattern)
        hour = timedelta(hours=1)
        periods = [
            (START + i * 3 * hour, START + i * 3 * hour + hour) for i in range(9)
        ]
        await client.set_schedule("shared_exception:3", periods)
        assert len(sim.site.periods["3"]) == 8
        assert sim.site.is_active("3", START)
        assert not sim.site.is_active("3", START + hour)
        await client.list_access_points()
        ready = {"shared_exception:3": PointState(ready=True)}
        assert await client.read_states() == ready
        assert client.problems == ()
        theirs = sim.site.shown_periods("3")[:1]
        sim.control({"periods": {"3": theirs}})  # somebody else's import
        await client.list_access_points()
        assert await client.read_states() == {
            "shared_exception:3": PointState(ready=False)
        }
        problem = Problem(reason="schedule_differs", item="Hal 1 åben")
        assert client.problems == (problem,)
        after = connect(sim, session, pattern)  # as after a restart
        after.remember(Before(schedules={"shared_exception:3": periods}))
        await after.list_access_points()
        assert after.problems == (problem,)
        await client.set_schedule("shared_exception:3", periods)
        await client.list_access_points()
        assert await client.read_states() == ready
        await after.list_access_points()
        assert await after.read_states() == ready

    async def test_without_reading_back(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        client = connect(sim, session, {"periods": None})
        await client.validate()
        await client.set_schedule("shared_exception:3", [(START, END)])
        sim.control({"periods": {"3": []}})
        await client.list_access_points()
        assert client.problems == ()

    async def test_times_that_cannot_be_read(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        sim.control({"time_format": "dk"})
        sim.site.put_periods("3", [{"from": "26-11-2090 10:00", "to": None}])
        with pytest.raises(ContractError) as caught:
            await connect(sim, session).validate()
        assert caught.value.field == "periods.start, periods.end (from, to)"

    def test_times_with_an_offset(self, client: UniLock) -> None:
        assert client._web
        moment = client._web._moment("2026-11-26T09:00:00.5Z")
        assert moment == datetime.fromisoformat("2026-11-26T10:00")


FAULTS: list[tuple[str, dict[str, Any], type[VendorError], type[VendorError]]] = [
    ("401", {}, AuthError, AuthError),
    ("403", {}, AuthError, AuthError),
    ("404", {}, ContractError, ContractError),
    ("429", {"retry_after": "7"}, RateLimited, RateLimited),
    ("500", {}, ConnectionFailed, OutcomeUnknown),
    ("503", {}, ConnectionFailed, OutcomeUnknown),
    ("html", {}, AuthError, OutcomeUnknown),
    ("reset", {}, ConnectionFailed, OutcomeUnknown),
    ("hang", {}, ConnectionFailed, OutcomeUnknown),
    ("unknown_outcome", {}, ConnectionFailed, OutcomeUnknown),
]


class TestFaults:
    @pytest.mark.usefixtures("_impatient")
    @pytest.mark.parametrize(
        ("fault", "options", "reading", "writing"), FAULTS, ids=[f[0] for f in FAULTS]
    )
    async def test_what_goes_wrong(
        self,
        client: UniLock,
        sim: UniLockSimulator,
        caplog: pytest.LogCaptureFixture,
        fault: str,
        options: dict[str, Any],
        reading: type[VendorError],
        writing: type[VendorError],
    ) -> None:
        """Each is what it is, nothing of people is told, and it works again after."""
        caplog.set_level(logging.DEBUG)
        sim.fault(fault, **options)
        with pytest.raises(reading):
            await client.list_access_points()
        with pytest.raises(writing) as caught:
            await client.issue(GRANT)
        with pytest.raises(writing):
            await client.set_schedule("shared_exception:3", [(START, END)])
        for personal in ("Holm", PHONE, PIN):
            assert personal not in f"{caplog.text} {caught.value} {client.tried}"
        sim.faults.clear()
        if fault == "unknown_outcome":
            assert await client.find(GRANT)
        await client.issue(GRANT)
        await client.set_schedule("shared_exception:3", [(START, END)])
        assert sim.site.members("12", START) == {"staff-1", "ba-1f-1"}
        assert len(await client.list_access_points()) == 5

    @pytest.mark.parametrize(
        ("fault", "field"),
        [
            ("wrong_shape", "groups.list ()"),
            ("truncated", "groups (no JSON)"),
        ],
    )
    async def test_another_contract(
        self, client: UniLock, sim: UniLockSimulator, fault: str, field: str
    ) -> None:
        sim.fault(fault)
        with pytest.raises(ContractError) as caught:
            await client.list_access_points()
        assert caught.value.field == field

    async def test_another_name_of_the_id(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        client = connect(sim, session, {"groups": {"id": "number.id"}})
        with pytest.raises(ContractError) as caught:
            await client.list_access_points()
        assert caught.value.field == "groups.id (number.id)"

    async def test_answers_that_are_odd(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        """Twice the same, less than all, and nothing at all."""
        for fault, count in (("duplicate", 5), ("partial", 3), ("empty", 0)):
            sim.fault(fault)
            assert len(await client.list_access_points()) == count
            sim.faults.clear()

    async def test_an_operation_that_this_server_does_not_have(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        sim.control({"lacks": ["persons"]})
        with pytest.raises(ContractError, match=r"persons\.path \(status 404\)"):
            await client.validate()
        assert "GET /persons = 404" in client.tried


class TestProfiles:
    def test_that_of_the_documentation(self) -> None:
        page = Path(__file__).parents[2] / "docs/systems/unilock.md"
        text = page.read_text().partition("```\n{\n")[2].partition("```")[0]
        profile = read_profile(f"{{{text}")
        assert profile.doors is None
        assert profile.groups
        assert profile.groups.list == "items"

    @pytest.mark.parametrize(
        ("profile", "key", "field"),
        [
            ("{", "profile_not_json", None),
            ("[]", "profile_group", "profile"),
            ('{"rooms": {}}', "profile_unknown", "rooms"),
            ('{"groups": 7}', "profile_group", "groups"),
            ('{"groups": {"url": "x"}}', "profile_unknown", "groups.url"),
            ('{"groups": {"id": " "}}', "profile_name", "groups.id"),
            ('{"groups": {"list": 1}}', "profile_optional", "groups.list"),
            ('{"groups": {"method": "FETCH"}}', "operation_method", "groups.method"),
            ('{"groups": {"path": "../x"}}', "operation_path", "groups.path"),
            ('{"door_open": {}}', "operation_path", "door_open.path"),
            ('{"person_put": {"body": 1}}', "operation_body", "person_put.body"),
            ('{"person_put": {"body": ["{nmae}"]}}', "operation_word", "person_put"),
            ('{"doors": {"path": "x/{id}"}}', "operation_word", "doors"),
            ('{"person_put": null}', "operation_half", "person_put, person_remove"),
            ('{"time_format": 1}', "profile_name", "time_format"),
            ('{"time_format": "%d"}', "time_format_wrong", None),
        ],
    )
    def test_what_a_profile_may_not_be(
        self, profile: str, key: str, field: str | None
    ) -> None:
        with pytest.raises(BadValue) as caught:
            read_profile(profile)
        assert caught.value.key == key
        assert caught.value.placeholders.get("field") == field

    async def test_what_is_null_is_not_offered(
        self, sim: UniLockSimulator, session: ClientSession
    ) -> None:
        nothing = dict.fromkeys(("person_put", "person_remove", "periods_put"))
        client = connect(sim, session, nothing)
        assert await client.list_access_points() == ()
        assert client.code_length is None
        for kind in ("person_group", "shared_exception", "door"):
            typed = {"kind": kind, "identifier": "1", "name": "1"}
            with pytest.raises(Rejected):
                await client.type_in("access_point", typed, None)
        with pytest.raises(Rejected, match=r"^not_supported$"):
            await client.set_schedule("shared_exception:3", ())

    def test_methods_in_small_letters(self) -> None:
        profile = read_profile({"person_put": {"method": "post"}})
        assert profile.person_put
        assert profile.person_put.method == "POST"
