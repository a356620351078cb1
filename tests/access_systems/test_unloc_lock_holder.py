"""The client of Unloc's API v1 against the simulator: lock holders and connections."""

from collections.abc import AsyncIterator
import logging
from typing import Any

from aiohttp import ClientSession
import pytest

from custom_components.booking_access.access_systems.unloc_http import NotThere
from custom_components.booking_access.access_systems.unloc_lock_holder import (
    UnlocLockHolder,
)
from custom_components.booking_access.engine.models import (
    Account,
    AuthError,
    ConnectionFailed,
    ContractError,
    MissingRight,
    OutcomeUnknown,
    PointState,
    Rejected,
)
from custom_components.booking_access.forms import FieldKind
from simulators.unloc import UnlocSimulator
from simulators.unloc_holders import DANALOCK_PASSWORD
from simulators.unloc_site import ENTRANCE, HALL, LOCK_HOLDER, STORE, Key

from .unloc_cases import GRANT, PHONE, SecondTime, ours

IDENTIFIER = "NO.974760673.hall"
NEW = {"name": "Seim borettslag", "country": "no", "organization_number": "811 222 333"}
DANALOCK = {"vendor": "danalock", "username": "a@b.example", "password": "s3cret-pass"}


@pytest.fixture
async def sim(socket_enabled: None) -> AsyncIterator[UnlocSimulator]:
    async with UnlocSimulator() as simulator:
        yield simulator


@pytest.fixture
def unloc(sim: UnlocSimulator, session: ClientSession) -> UnlocLockHolder:
    return system(sim, session, lock_holder=LOCK_HOLDER, identifier=IDENTIFIER)


def system(
    sim: UnlocSimulator, session: ClientSession, **settings: Any
) -> UnlocLockHolder:
    return UnlocLockHolder(session, {**sim.credentials(), **settings})


class TestForm:
    async def test_choice(self, sim: UnlocSimulator, session: ClientSession) -> None:
        assert UnlocLockHolder.name == "Unloc (lock holder)"
        names = [field.name for field in UnlocLockHolder.form_of({})]
        assert names == ["client_id", "client_secret", "lock_holder", "url"]
        ask = await system(sim, session).follow_up()
        assert ask
        assert ask.step == "unloc_lock_holder_choice"
        [field] = ask.fields
        assert (field.name, field.kind) == ("lock_holder", FieldKind.SELECT)
        assert field.choices == ((LOCK_HOLDER, "Seim idrettslag"), ("new", None))
        chosen = await system(sim, session, lock_holder=LOCK_HOLDER).follow_up()
        assert chosen
        assert (chosen.fields, chosen.settled) == ((), {"identifier": IDENTIFIER})

    async def test_done(self, unloc: UnlocLockHolder) -> None:
        assert await unloc.follow_up() is None
        account = Account(id=LOCK_HOLDER, title="Seim idrettslag")
        assert await unloc.validate() == account

    async def test_nothing_to_choose_from(
        self, sim: UnlocSimulator, session: ClientSession
    ) -> None:
        sim.holders.all.clear()
        settled = await system(sim, session).follow_up()
        assert settled
        assert (settled.fields, settled.settled) == ((), {"lock_holder": "new"})

    async def test_scope_without_a_suffix(
        self, sim: UnlocSimulator, session: ClientSession
    ) -> None:
        """Whether it ends in a dot is not known, so both are tried."""
        del sim.holders.all[0]["organizationIdSuffix"]
        for form in ("identifier", "dotted"):
            sim.control({"scopes": [form, "none"]})
            named = {"lock_holder": LOCK_HOLDER, "identifier": "NO.974760673"}
            account = await system(sim, session, **named).validate()
            assert account.id == LOCK_HOLDER

    @pytest.mark.parametrize("suffix", ["", "b2"])
    async def test_new(
        self, sim: UnlocSimulator, session: ClientSession, suffix: str
    ) -> None:
        """It is asked for, made once, and found again where it exists."""
        ask = await system(sim, session, lock_holder="new").follow_up()
        assert ask
        assert (ask.step, [(f.name, f.required, f.default) for f in ask.fields]) == (
            "unloc_lock_holder_new",
            [
                ("name", True, None),
                ("country", True, "NO"),
                ("organization_number", True, None),
                ("suffix", False, None),
            ],
        )
        filled = {**NEW, "suffix": suffix, "lock_holder": "new"}
        for _ in range(2):
            settled = await system(sim, session, **filled).follow_up()
            made = sim.holders.all[-1]
            assert settled
            assert settled.settled == {
                "lock_holder": made["id"],
                "identifier": f"NO.811222333{suffix and '.'}{suffix}",
                **dict.fromkeys(("name", "country", "organization_number", "suffix")),
            }
        assert len(sim.holders.all) == 2
        assert made.get("organizationIdSuffix", "") == suffix

    async def test_new_that_is_refused(
        self, sim: UnlocSimulator, session: ClientSession
    ) -> None:
        filled = {**NEW, "country": "Norge", "lock_holder": "new"}
        with pytest.raises(Rejected, match=r"^lock_holder_refused$"):
            await system(sim, session, **filled).follow_up()

    @pytest.mark.parametrize("holder", ["", "new", "unknown"])
    async def test_no_lock_holder(
        self, sim: UnlocSimulator, session: ClientSession, holder: str
    ) -> None:
        sim.control({"scopes": ["integrator"]})
        wrong = (Rejected, MissingRight)
        with pytest.raises(wrong):
            await system(sim, session, lock_holder=holder).validate()

    async def test_lock_holder_that_is_gone(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator
    ) -> None:
        sim.fault("404", path="/locks/")
        with pytest.raises(Rejected, match=r"^lock_holder_missing$"):
            await unloc.validate()

    @pytest.mark.parametrize("name", ["lockHolders", "lock-holders", None])
    async def test_every_name_of_the_list(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator, name: str | None
    ) -> None:
        sim.control({"holders_as": name})
        assert (await unloc.validate()).title == "Seim idrettslag"


class TestTokens:
    @pytest.mark.parametrize(
        "scopes", [["admin", "integrator"], ["integrator"], ["identifier", "none"]]
    )
    async def test_every_form_of_scope(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator, scopes: list[str]
    ) -> None:
        """Each is tried, and the one that works is kept."""
        sim.control({"scopes": scopes})
        await unloc.validate()
        await unloc.issue(GRANT)
        asked = len(sim.requests)
        await unloc.list_access_points()
        assert len(sim.requests) == asked + 1
        sim.control({"expire_tokens": True})
        await unloc.list_access_points()
        assert len(sim.requests) == asked + 4

    async def test_no_scope(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        sim.control({"scopes": []})
        with pytest.raises(MissingRight):
            await unloc.validate()

    async def test_scope_that_is_not_enough(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator
    ) -> None:
        """Another form is tried when one is refused, not only when it is unknown."""
        sim.fault("403", path="/locks/", times=2)
        await unloc.list_access_points()
        sim.fault("403", path="/locks/")
        with pytest.raises(MissingRight):
            await unloc.list_access_points()
        sim.control({"scopes": ["none"]})
        sim.faults.clear()
        sim.tokens.clear()
        with pytest.raises(MissingRight):
            await unloc.list_access_points()

    @pytest.mark.parametrize("name", ["client_id", "client_secret"])
    async def test_wrong_credentials(
        self, sim: UnlocSimulator, session: ClientSession, name: str
    ) -> None:
        with pytest.raises(AuthError):
            await system(sim, session, **{name: "wrong"}).follow_up()
        assert len(sim.requests) == 1  # several wrong ones would lock us out


class TestConnections:
    async def test_new(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        kept = await unloc.type_in("vendor_connection", DANALOCK, None)
        [_, made] = sim.holders
        assert kept == {
            "id": made["id"],
            "vendor": "danalock",
            "username": "a@b.example",
        }
        assert made["password"] == "s3cret-pass"
        with pytest.raises(Rejected, match=r"^already_connected$"):
            await unloc.type_in("vendor_connection", DANALOCK, None)
        one, two = ({**DANALOCK, "username": u} for u in ("A@b.example", "c@b.example"))
        ids = [unloc.typed_id("vendor_connection", e) for e in (DANALOCK, one, two)]
        assert ids[0] == ids[1] != ids[2]

    async def test_password(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        kept = await unloc.type_in("vendor_connection", DANALOCK, None)
        asked = len(sim.requests)
        same = {**kept, "password": None}
        assert await unloc.type_in("vendor_connection", same, kept) == kept
        assert len(sim.requests) == asked
        changed = {**DANALOCK, "password": "another"}
        assert await unloc.type_in("vendor_connection", changed, kept) == kept
        assert sim.holders.connections[kept["id"]]["password"] == "another"
        other = {**DANALOCK, "username": "c@b.example"}
        moved = await unloc.type_in("vendor_connection", other, kept)
        assert moved["id"] != kept["id"]

    async def test_refused(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        for wrong in ({"vendor": "abloy"}, {"password": ""}):
            with pytest.raises(Rejected, match=r"^connection_refused$"):
                await unloc.type_in("vendor_connection", {**DANALOCK, **wrong}, None)
        kept = {"id": "gone", "vendor": "danalock", "username": "a@b.example"}
        with pytest.raises(Rejected, match=r"^connection_refused$"):
            await unloc.type_in("vendor_connection", DANALOCK, kept)
        sim.fault("nulls", path="/vendor-connections/")
        with pytest.raises(ContractError):
            await unloc.type_in("vendor_connection", DANALOCK, None)

    @pytest.mark.parametrize(
        ("states", "ready"),
        [
            (["connected"], True),
            (["connecting"], None),
            (["error"], False),
            (["disconnected"], False),
            (["error", "connected"], None),
            (["connected", "connected"], True),
        ],
    )
    async def test_states(
        self,
        unloc: UnlocLockHolder,
        sim: UnlocSimulator,
        states: list[str],
        ready: bool | None,
    ) -> None:
        """Locks of the maker are in reach if its connections are."""
        for number, state in enumerate(states, 1):
            if number > 1:
                await unloc.type_in("vendor_connection", DANALOCK, None)
            sim.control({"connections": {f"connection-{number}": state}})
        told = await unloc.read_states()
        assert told[HALL] == PointState(ready=ready)
        assert told[STORE] == PointState()  # of another maker
        sim.locks[HALL]["vendorConnectionId"] = "connection-1"
        sim.locks[STORE]["vendor"] = None
        sim.locks[ENTRANCE]["vendorConnectionId"] = "unknown"
        told = await unloc.read_states()
        first = {"connected": True, "connecting": None}.get(states[0], False)
        assert (told[HALL].ready, told[STORE].ready) == (first, ready)
        assert told[ENTRANCE] == PointState()

    async def test_states_that_are_not_told(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator
    ) -> None:
        sim.fault("404", path="/vendor-connections/")
        assert set((await unloc.read_states()).values()) == {PointState()}

    async def test_refresh(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        await unloc.type_in("vendor_connection", DANALOCK, None)
        await unloc.refresh()
        assert sim.refreshed == ["connection-1", "connection-2"]
        sim.fault("404", path="/refresh/")
        with pytest.raises(Rejected, match=r"^refused$"):
            await unloc.refresh()


class TestKeys:
    async def test_posted(self, unloc: UnlocLockHolder, sim: UnlocSimulator) -> None:
        await unloc.issue(GRANT)
        [key] = ours(sim)
        assert {n: v for n, v in key.posted.items() if n != "metadata"} == {
            "userId": PHONE,
            "start": "2090-11-22T08:45:00.000Z",
            "end": "2090-11-22T10:15:00.000Z",
            "skipInviteNotification": False,
        }
        points = {p.id: p.name for p in await unloc.list_access_points()}
        assert points[HALL] == "Sports hall"

    @pytest.mark.parametrize("kind", ["truncated", "html", "wrong_shape", "nulls"])
    async def test_unreadable_answer(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator, kind: str
    ) -> None:
        sim.faults = [SecondTime(kind, path="/keys/")]
        with pytest.raises(OutcomeUnknown):
            await unloc.issue(GRANT)
        assert bool(await unloc.find(GRANT)) == (kind != "html")

    async def test_refused_while_it_is_good(
        self,
        unloc: UnlocLockHolder,
        sim: UnlocSimulator,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        issued = await unloc.issue(GRANT)
        sim.fault("429", path=issued.id, times=1)
        with pytest.raises(ConnectionFailed):
            await unloc.revoke(issued)
        live = Key.live
        with monkeypatch.context() as patch:
            patch.setattr(Key, "live", False)  # it is refused, and shown as good
            with pytest.raises(Rejected, match=r"^refused$"):
                await unloc.revoke(issued)
        assert Key.live is live
        sim.keys[issued.id].revoked = True
        await unloc._take_key(HALL, issued.id)  # 409
        await unloc._take_key(HALL, "unknown")

    async def test_a_lock_that_is_gone(
        self, unloc: UnlocLockHolder, sim: UnlocSimulator
    ) -> None:
        sim.control({"remove": [HALL]})
        assert await unloc.find(GRANT) is None
        with pytest.raises(NotThere):
            await unloc._http.get(unloc._path("locks", HALL, "keys"))

    async def test_nothing_personal_in_logs(
        self,
        unloc: UnlocLockHolder,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        issued = await unloc.issue(GRANT)
        await unloc.type_in("vendor_connection", DANALOCK, None)
        shown = [repr(issued), *(record.getMessage() for record in caplog.records)]
        everything = "\n".join(shown)
        for secret in (PHONE[1:], "s3cret-pass", DANALOCK_PASSWORD, "use-key"):
            assert secret not in everything
