"""The UniLock client against UniLock's import of files."""

import asyncio
from datetime import UTC, datetime, timedelta
import logging
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

from aiohttp import ClientSession
from freezegun.api import FrozenDateTimeFactory
import pytest

from custom_components.booking_access.access_systems import unilock_file
from custom_components.booking_access.access_systems.unilock import UniLock
from custom_components.booking_access.access_systems.unilock_forms import FORMS
from custom_components.booking_access.access_systems.unilock_template import (
    EXAMPLE,
    Template,
)
from custom_components.booking_access.engine.models import (
    FOREVER,
    AccessPoint,
    Account,
    Capability,
    ConnectionFailed,
    Credential,
    Grant,
    Issued,
    OutcomeUnknown,
    Person,
    PointKind,
    PointState,
    Problem,
    Rejected,
    Traits,
    UnderWay,
)
from custom_components.booking_access.forms import BadValue
from simulators.unilock import UniLockSimulator

START = datetime(2026, 11, 26, 9, 0, 30, tzinfo=UTC)
END = datetime(2026, 11, 26, 11, 0, tzinfo=UTC)
NAME = 'Søren <Øster> & "Søn" O\'Grady\x0b\ud800'
PHONE = "+4520123456"
PIN = "482130"
NO_SESSION = cast(ClientSession, None)
POINTS: list[dict[str, str]] = [
    {"kind": "person_group", "identifier": "12", "name": "Hal 1 brugere"},
    {"kind": "shared_exception", "identifier": "3", "name": "Hal 1 åben"},
    {"kind": "door", "identifier": "101", "name": "Hovedindgang"},
]


def grant(number: int = 1, **changes: Any) -> Grant:
    values: dict[str, Any] = {
        "reference": f"ba-1f-{number}",
        "reservation": "ba-1f-r",
        "points": ("person_group:12",),
        "start": START,
        "end": END,
        "person": Person(name=NAME, phone=PHONE),
        "code": f"{int(PIN) + number}",
    }
    return Grant(**{**values, **changes})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unilock_file, "LOOK_EVERY", 0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "unilock" / "import"
    path.mkdir(parents=True)
    return path


@pytest.fixture
def sim(folder: Path) -> UniLockSimulator:
    """Its service, which takes files when it is told to."""
    simulator = UniLockSimulator()
    simulator.control({"folder": str(folder)})
    return simulator


def settings(folder: Path, **changes: Any) -> dict[str, Any]:
    return {
        "transport": "file_import",
        "time_zone": "Europe/Copenhagen",
        "folder": str(folder),
        "file_name": "booking_access.xml",
        "template": EXAMPLE,
        "access_point": POINTS,
        **changes,
    }


@pytest.fixture
def client(folder: Path) -> UniLock:
    return UniLock(NO_SESSION, settings(folder))


def written(folder: Path) -> str:
    return (folder / "booking_access.xml").read_text()


async def accept(sim: UniLockSimulator, client: UniLock, wish: Grant) -> Issued:
    """Have a grant issued, with UniLock taking the file meanwhile."""
    with pytest.raises(UnderWay):
        await client.issue(wish)
    assert sim.take_file()
    return await client.issue(wish)


class TestTheAccount:
    async def test_its_forms(self, folder: Path) -> None:
        """The first only chooses; what it lacks comes next."""
        first = UniLock(NO_SESSION, {"transport": "file_import", "time_zone": "UTC"})
        ask = await first.follow_up()
        assert ask is not None
        assert (ask.step, ask.fields) == ("unilock_file_import", FORMS["file_import"])
        assert ask.step in UniLock.follow_ups
        whole = UniLock(NO_SESSION, settings(folder))
        assert await whole.follow_up() is None
        assert UniLock.form_of(settings(folder)) == (
            *UniLock.form,
            *FORMS["file_import"],
        )
        with pytest.raises(ConnectionFailed):
            await first.validate()

    async def test_it_is_told_by_its_file(self, client: UniLock, folder: Path) -> None:
        path = folder / "booking_access.xml"
        wanted = Account(id=f"file_import:{path}", title="UniLock")
        assert await client.validate() == wanted
        assert list(folder.iterdir()) == []

    async def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        client = UniLock(NO_SESSION, settings(tmp_path / "nowhere"))
        with pytest.raises(Rejected, match=r"^folder_missing$"):
            await client.validate()
        with pytest.raises(ConnectionFailed):
            await client.list_access_points()

    async def test_a_folder_that_cannot_be_written(
        self, client: UniLock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: Any) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "write_bytes", refuse)
        with pytest.raises(Rejected, match=r"^folder_not_writable$"):
            await client.validate()

    async def test_an_encoding_that_the_template_does_not_name(
        self, folder: Path
    ) -> None:
        def client(encoding: str, named: str) -> UniLock:
            template = EXAMPLE.replace("utf-8", named)
            return UniLock(
                NO_SESSION, settings(folder, encoding=encoding, template=template)
            )

        for good in ("windows-1252", "utf-16"):
            await client(good, good).validate()
        for encoding, named in (
            ("windows-1252", "utf-8"),
            ("utf-16", "utf-8"),
            ("shift_jis", "shift_jis"),  # XML need not know it
        ):
            with pytest.raises(Rejected, match=r"^template_encoding$"):
                await client(encoding, named).validate()

    async def test_points_are_those_typed_in(self, client: UniLock) -> None:
        """Doors can do nothing: there is no opening from afar in a file."""
        can = frozenset({Capability.GRANT, Capability.PIN})
        traits = Traits(changes=True, lingers=True)
        group, exception, door = await client.list_access_points()
        assert group == AccessPoint(
            id="person_group:12",
            name="Hal 1 brugere",
            kind=PointKind.GROUP,
            capabilities=can,
            traits=traits,
        )
        assert (exception.id, exception.kind) == (
            "shared_exception:3",
            PointKind.SCHEDULE,
        )
        assert exception.capabilities == {Capability.SCHEDULE}
        assert (door.id, door.capabilities) == ("door:101", frozenset())
        assert not client.can_list
        assert await client.list_issued() == ()
        with pytest.raises(Rejected, match=r"^not_supported$"):
            await client.unlock("door:101")

    async def test_what_nothing_can_be_done_with_is_not_typed_in(
        self, client: UniLock
    ) -> None:
        group, exception, door = POINTS
        assert await client.type_in("access_point", group, None) == group
        assert await client.type_in("access_point", exception, None) == exception
        with pytest.raises(Rejected, match=r"^doors_not_possible$"):
            await client.type_in("access_point", door, None)

    async def test_the_template_says_what_can_be_done(self, folder: Path) -> None:
        """Persons alone, exceptions alone, and persons without codes."""
        persons, _, rest = EXAMPLE.partition("{% for exception in")
        tail = rest.partition("{% endfor %}\n  </SharedException>\n{% endfor %}\n")[2]
        alone = UniLock(NO_SESSION, settings(folder, template=persons + tail))
        assert [bool(p.capabilities) for p in await alone.list_access_points()] == [
            True,
            False,
            False,
        ]
        with pytest.raises(Rejected, match=r"^exceptions_not_possible$"):
            await alone.type_in("access_point", POINTS[1], None)
        without = EXAMPLE.replace("    <Pin>{{ person.pin }}</Pin>\n", "")
        bare = UniLock(NO_SESSION, settings(folder, template=without))
        assert bare.code_length is None
        group, *_ = await bare.list_access_points()
        assert group.capabilities == {Capability.GRANT}
        assert UniLock(NO_SESSION, settings(folder)).code_length == 6
        assert UniLock(NO_SESSION, settings(folder, pin_length=0)).code_length is None


class TestPersons:
    async def test_a_whole_life(
        self, client: UniLock, sim: UniLockSimulator, folder: Path
    ) -> None:
        """Told, taken, changed with the same code, removed; by the local clock."""
        issued = await accept(sim, client, grant())
        assert issued == Issued(
            id="ba-1f-1",
            reference="ba-1f-1",
            points=("person_group:12",),
            start=START,
            end=END,
            credential=Credential(code="482131"),
        )
        assert issued.credential.code == "482131"
        person = sim.site.persons["ba-1f-1"]
        assert (person.first_name, person.last_name) == (
            'Søren <Øster> & "Søn"',
            "O'Grady",
        )
        assert (person.phone, person.key_code) == (PHONE, "482131")
        [period] = person.memberships["12"]
        assert period.start == datetime.fromisoformat("2026-11-26T10:00")
        assert period.end == datetime.fromisoformat("2026-11-26T12:00")
        wish = grant(2, end=END + timedelta(hours=1, seconds=1), code=None)
        with pytest.raises(UnderWay):
            await client.change(issued, wish)
        assert sim.take_file()
        changed = await client.change(issued, wish)
        assert (changed.id, changed.reference) == ("ba-1f-1", "ba-1f-2")
        [period] = sim.site.persons["ba-1f-1"].memberships["12"]
        assert period.end == datetime.fromisoformat("2026-11-26T13:01")
        assert sim.site.persons["ba-1f-1"].key_code == "482131"
        with pytest.raises(UnderWay):
            await client.revoke(changed)
        assert sim.take_file()
        await client.revoke(changed)
        assert set(sim.site.persons) == {"staff-1"}
        assert [result for result, _ in sim.files] == ["applied"] * 3

    async def test_nobody_but_ours_is_touched(self, client: UniLock) -> None:
        theirs = Issued(id="staff-1", reference=None, points=(), start=None, end=None)
        with pytest.raises(Rejected, match=r"^unknown_grant$"):
            await client.revoke(theirs)
        with pytest.raises(Rejected, match=r"^unknown_grant$"):
            await client.change(theirs, grant())
        for point in ("shared_exception:3", "door:101", "person_group:", "12"):
            with pytest.raises(Rejected, match=r"^unknown_point$"):
                await client.issue(grant(points=(point,)))
        with pytest.raises(Rejected, match=r"^code_missing$"):
            await client.issue(grant(code=None))

    async def test_somebody_without_a_name_and_without_an_end(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        await accept(sim, client, grant(person=Person(), end=FOREVER))
        person = sim.site.persons["ba-1f-1"]
        assert (person.first_name, person.last_name) == ("", "ba-1f-1")
        assert person.memberships["12"][0].end is None

    async def test_what_comes_together_is_one_file(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        wishes = [grant(number) for number in range(30)]
        for result in await asyncio.gather(
            *(client.issue(each) for each in wishes), return_exceptions=True
        ):
            assert isinstance(result, UnderWay)
        assert sim.take_file()
        issued = await asyncio.gather(*(client.issue(each) for each in wishes))
        assert len({each.id for each in issued}) == 30
        assert not sim.take_file()
        assert len(sim.site.persons) == 31

    async def test_a_code_page_and_names_beyond_it(
        self, folder: Path, sim: UniLockSimulator
    ) -> None:
        template = EXAMPLE.replace("utf-8", "windows-1252")
        client = UniLock(
            NO_SESSION, settings(folder, template=template, encoding="windows-1252")
        )
        await accept(sim, client, grant(person=Person(name="Łukasz Sørensen 漢")))
        person = sim.site.persons["ba-1f-1"]
        assert (person.first_name, person.last_name) == ("Łukasz Sørensen", "漢")
        taken = (folder / "taken" / "1_booking_access.xml").read_bytes()
        assert "Sørensen".encode("windows-1252") in taken

    async def test_nothing_of_people_is_logged(
        self,
        client: UniLock,
        sim: UniLockSimulator,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        caplog.set_level(logging.DEBUG)
        issued = await accept(sim, client, grant())
        (folder / "booking_access.xml").mkdir()
        with pytest.raises((ConnectionFailed, OutcomeUnknown)) as caught:
            await client.revoke(issued)
        said = f"{caplog.text} {caught.value} {issued!r} {client.problems}"
        for personal in ("Søren", "Øster", PHONE, "482131"):
            assert personal not in said


class TestTheFile:
    async def test_one_that_waits_is_never_written_over(
        self, client: UniLock, sim: UniLockSimulator, folder: Path
    ) -> None:
        """What is asked for meanwhile is put together, the last word of each."""
        with pytest.raises(UnderWay):
            await client.issue(grant(1))
        before = written(folder)
        with pytest.raises(UnderWay):
            await client.issue(grant(2))
        longer = grant(3, end=END + timedelta(hours=1))
        for wish in (grant(3), longer):
            with pytest.raises(UnderWay):
                await client.issue(wish)
        gone = Issued(id="ba-1f-1", reference=None, points=(), start=None, end=None)
        with pytest.raises(UnderWay):
            await client.revoke(gone)
        assert written(folder) == before
        assert sim.take_file()
        assert set(sim.site.persons) == {"staff-1", "ba-1f-1"}
        await client.list_access_points()  # a poll is enough
        assert sim.take_file()
        assert set(sim.site.persons) == {"staff-1", "ba-1f-2", "ba-1f-3"}
        [period] = sim.site.persons["ba-1f-3"].memberships["12"]
        assert period.end == datetime.fromisoformat("2026-11-26T13:00")
        await client.issue(longer)
        await client.revoke(gone)
        assert not sim.take_file()

    async def test_the_last_word_counts(
        self, client: UniLock, sim: UniLockSimulator
    ) -> None:
        """Given, taken back and given again while a file waits, with one of them in it."""
        issued = await client.find(grant())
        assert issued
        for _ in range(2):
            with pytest.raises(UnderWay):
                await client.issue(grant())
            with pytest.raises(UnderWay):
                await client.revoke(issued)
        assert sim.take_file()
        with pytest.raises(UnderWay):
            await client.issue(grant())
        assert sim.take_file()
        await client.issue(grant())
        assert "ba-1f-1" in sim.site.persons

    async def test_after_a_restart_it_is_told_again(
        self, client: UniLock, sim: UniLockSimulator, folder: Path
    ) -> None:
        """Nothing is remembered but what stands in the file; told twice is no harm."""
        with pytest.raises(UnderWay):
            await client.issue(grant(1))
        before = written(folder)
        again = UniLock(NO_SESSION, settings(folder))
        for wish in (grant(1), grant(2)):
            with pytest.raises(UnderWay):
                await again.issue(wish)
        assert written(folder) == before
        assert sim.take_file()
        with pytest.raises(UnderWay):
            await again.issue(grant(1))
        assert sim.take_file()
        await again.issue(grant(1))
        await again.issue(grant(2))
        assert set(sim.site.persons) == {"staff-1", "ba-1f-1", "ba-1f-2"}

    async def test_a_crash_before_it_has_its_name(
        self, folder: Path, sim: UniLockSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """UniLock never sees half a file, and the next one is whole."""

        def crash(*_: Any) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "rename", crash)
        path = folder / "booking_access.xml"
        with pytest.raises(KeyboardInterrupt):
            unilock_file.write(path, b"<Import>half")
        monkeypatch.undo()
        assert [each.name for each in folder.iterdir()] == [".booking_access.xml.part"]
        assert not sim.take_file()
        monkeypatch.setattr(unilock_file, "LOOK_EVERY", 0.0)
        client = UniLock(NO_SESSION, settings(folder))
        await client.validate()  # and what was left is gone
        assert list(folder.iterdir()) == []
        await accept(sim, client, grant())
        assert sim.files == [("applied", "")]

    async def test_one_that_comes_from_elsewhere_at_that_moment_is_kept(
        self, folder: Path
    ) -> None:
        path = folder / "booking_access.xml"
        path.write_text("theirs")
        with pytest.raises(FileExistsError):
            unilock_file.write(path, b"ours")
        assert path.read_text() == "theirs"
        assert list(folder.iterdir()) == [path]

    async def test_it_is_on_the_disk_before_it_has_its_name(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And then the folder is; where that cannot be had, the file counts."""
        done: list[str] = []
        fsync, rename = unilock_file.os.fsync, Path.rename

        def note_fsync(descriptor: int) -> None:
            fsync(descriptor)
            done.append("fsync")

        def note_rename(path: Path, target: Path) -> Path:
            done.append("rename")
            return rename(path, target)

        monkeypatch.setattr(unilock_file.os, "fsync", note_fsync)
        monkeypatch.setattr(Path, "rename", note_rename)
        unilock_file.write(folder / "a.xml", b"a")
        assert done == ["fsync", "rename", "fsync"]

        def refuse(*_: Any) -> int:
            raise OSError(22, "not here")

        monkeypatch.setattr(unilock_file.os, "open", refuse)
        unilock_file.write(folder / "b.xml", b"b")
        assert (folder / "b.xml").read_bytes() == b"b"

    async def test_one_that_is_not_taken_is_told_of(
        self,
        client: UniLock,
        sim: UniLockSimulator,
        folder: Path,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        """Since when, in a restart's stead as well; until it is taken."""
        freezer.move_to(datetime(2026, 11, 26, 8, 0, tzinfo=UTC))
        with pytest.raises(UnderWay) as caught:
            await client.issue(grant())
        assert caught.value.after == timedelta(seconds=15)
        freezer.tick(timedelta(minutes=14, seconds=59))
        await client.list_access_points()
        assert client.problems == ()
        freezer.tick(timedelta(seconds=1))
        await client.list_access_points()
        problem = Problem(
            reason="file_not_taken", item=str(folder / "booking_access.xml")
        )
        assert client.problems == (problem,)
        with pytest.raises(OutcomeUnknown) as failed:
            await client.issue(grant())
        assert not isinstance(failed.value, UnderWay)
        again = UniLock(NO_SESSION, settings(folder, stuck_after=0))
        await again.list_access_points()
        assert again.problems == (problem,)
        assert sim.take_file()
        for each in (client, again):
            await each.list_access_points()
            assert each.problems == ()
        await client.issue(grant())

    async def test_a_share_that_goes_away(
        self, client: UniLock, sim: UniLockSimulator, folder: Path
    ) -> None:
        """No file in a folder that is not there was not taken."""
        with pytest.raises(UnderWay):
            await client.issue(grant(1))
        away = folder.rename(folder.with_name("away"))
        with pytest.raises(OutcomeUnknown):
            await client.issue(grant(1))
        with pytest.raises(ConnectionFailed):
            await client.issue(grant(2))
        with pytest.raises(ConnectionFailed):
            await client.list_access_points()
        away.rename(folder)
        await client.list_access_points()
        assert sim.take_file()
        await client.issue(grant(1))
        assert "ba-1f-2" not in sim.site.persons  # it was said to be in no file
        assert not sim.take_file()

    async def test_another_folder_in_its_place(
        self, client: UniLock, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where the share is no longer mounted, an empty folder of our own is left."""
        with pytest.raises(UnderWay):
            await client.issue(grant())
        (folder / "booking_access.xml").unlink()
        monkeypatch.setattr(unilock_file, "_look", lambda _: (-1, None))
        with pytest.raises(OutcomeUnknown):
            await client.issue(grant())

    async def test_a_share_that_hangs_takes_one_thread(
        self, client: UniLock, sim: UniLockSimulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """And what it does in the end is known, though nobody waited for it."""
        goes_on = asyncio.Event()
        loop = asyncio.get_running_loop()
        look = unilock_file._look
        looks = 0

        def hang(path: Path) -> Any:
            nonlocal looks
            looks += 1
            asyncio.run_coroutine_threadsafe(goes_on.wait(), loop).result()
            return look(path)

        monkeypatch.setattr(unilock_file, "_look", hang)
        first = asyncio.create_task(client.issue(grant()))
        while not looks:
            await asyncio.sleep(0.001)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        with pytest.raises(ConnectionFailed):
            await client.list_access_points()
        assert looks == 1
        goes_on.set()
        while not client._folder._job.done():
            await asyncio.sleep(0.001)
        assert sim.take_file()
        await client.list_access_points()
        await client.issue(grant())
        assert set(sim.site.persons) == {"staff-1", "ba-1f-1"}

    async def test_a_template_that_fails_on_real_people(
        self, client: UniLock, folder: Path
    ) -> None:
        """Nothing is written, rather than something that is no XML."""
        odd = EXAMPLE.replace(
            "<Phone>{{ person.phone }}</Phone>",
            '{% if person.phone == "+4520123457" %}<Phone>{% endif %}',
        )
        client = UniLock(NO_SESSION, settings(folder, template=odd))
        with pytest.raises(ConnectionFailed):
            await client.issue(grant(person=Person(name="A", phone="+4520123457")))
        assert list(folder.iterdir()) == []
        with pytest.raises(UnderWay):
            await client.issue(grant(2))
        assert "ba-1f-2" in written(folder)

    async def test_without_an_answer_it_is_as_it_would_be_called(
        self, client: UniLock
    ) -> None:
        """So that what nobody can see is taken back unseen."""
        found = await client.find(grant())
        assert found
        assert (found.id, found.points) == ("ba-1f-1", ("person_group:12",))


class TestSchedules:
    async def test_periods_are_merged_and_the_earliest_kept(
        self,
        client: UniLock,
        sim: UniLockSimulator,
        freezer: FrozenDateTimeFactory,
    ) -> None:
        freezer.move_to(START - timedelta(hours=1))
        hour, second = timedelta(hours=1), timedelta(seconds=1)
        over = (START - 3 * hour, START - 2 * hour)
        touching = [
            (START, START + hour + 20 * second),
            (START + hour + 40 * second, START + 2 * hour),
        ]
        later = [
            (START + i * 24 * hour, START + i * 24 * hour + hour) for i in range(1, 12)
        ]
        wished = [over, *touching, *later]
        with pytest.raises(UnderWay):
            await client.set_schedule("shared_exception:3", wished)
        assert sim.take_file()
        await client.set_schedule("shared_exception:3", wished)
        first, *rest = sim.site.periods["3"]
        assert first.start == datetime.fromisoformat("2026-11-26T10:00")
        assert first.end == datetime.fromisoformat("2026-11-26T12:01")
        assert len(rest) == 7
        assert rest[-1].start == datetime.fromisoformat("2026-12-03T10:00")
        await client.list_access_points()
        ready = PointState(ready=True)
        assert await client.read_states() == {"shared_exception:3": ready}
        with pytest.raises(UnderWay):
            await client.set_schedule("shared_exception:3", ())
        freezer.tick(timedelta(minutes=16))
        await client.list_access_points()
        assert [each.reason for each in client.problems] == [
            "schedule_differs",
            "file_not_taken",
        ]
        assert (await client.read_states())["shared_exception:3"].ready is False
        assert sim.take_file()
        await client.set_schedule("shared_exception:3", ())
        await client.list_access_points()
        assert sim.site.periods["3"] == []
        assert client.problems == ()

    async def test_how_many_can_be_said(self, folder: Path) -> None:
        client = UniLock(NO_SESSION, settings(folder, max_periods=2))
        days = [START + timedelta(days=i) for i in range(3)]
        with pytest.raises(UnderWay):
            await client.set_schedule(
                "shared_exception:3", [(d, d + timedelta(hours=1)) for d in days]
            )
        root = ET.fromstring(written(folder))
        assert len(root.findall("SharedException/Period")) == 2
        with pytest.raises(Rejected, match=r"^unknown_point$"):
            await client.set_schedule("person_group:12", ())

    @pytest.mark.parametrize(
        ("start", "end", "wall"),
        [
            # The hour from 02:00 to 03:00 comes twice: until 01:00 UTC, and after it.
            ("2026-10-25T00:30", "2026-10-25T01:30", ("01:59", "03:00")),
            ("2026-10-25T00:30", "2026-10-25T00:45", ("01:59", "02:45")),
            ("2026-10-25T01:15", "2026-10-25T01:30", ("02:15", "03:00")),
            ("2026-10-24T22:00", "2026-10-25T00:00", ("00:00", "02:00")),
            ("2026-10-25T01:59:01", "2026-10-25T05:00", ("02:59", "06:00")),
            # The hour from 02:00 to 03:00 is left out: at 01:00 UTC it is 03:00.
            ("2027-03-28T00:59:59", "2027-03-28T01:00:01", ("01:59", "03:01")),
        ],
    )
    async def test_nights_when_the_clock_is_changed(
        self, folder: Path, start: str, end: str, wall: tuple[str, str]
    ) -> None:
        """Written so that nobody waits outside, whichever hour UniLock takes it for."""
        client = UniLock(NO_SESSION, settings(folder))
        begins, ends = (
            datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end)
        )
        with pytest.raises(UnderWay):
            await client.issue(grant(start=begins, end=ends))
        root = ET.fromstring(written(folder))
        texts = (root.findtext(".//From") or "", root.findtext(".//To") or "")
        assert tuple(text[11:16] for text in texts) == wall

    async def test_periods_that_overlap_by_the_clock_only_are_one(
        self, folder: Path, freezer: FrozenDateTimeFactory
    ) -> None:
        freezer.move_to("2026-10-24T12:00:00Z")
        client = UniLock(NO_SESSION, settings(folder))
        night = datetime(2026, 10, 25, tzinfo=UTC)
        minutes = [(-60, 50), (75, 150)]  # until 02:50, and again from 02:15
        periods = [
            (night + timedelta(minutes=a), night + timedelta(minutes=b))
            for a, b in minutes
        ]
        with pytest.raises(UnderWay):
            await client.set_schedule("shared_exception:3", periods)
        [period] = ET.fromstring(written(folder)).findall("SharedException/Period")
        assert period.get("from") == "2026-10-25T01:00:00"
        assert period.get("to") == "2026-10-25T03:30:00"


class TestTemplates:
    def test_that_of_the_documentation(self) -> None:
        page = Path(__file__).parents[2] / "docs/systems/unilock.md"
        text = page.read_text().partition("```\n<?xml")[2].partition("```")[0]
        template = Template(f"<?xml{text}")
        assert (template.tells_persons, template.tells_exceptions) == (True, False)

    @pytest.mark.parametrize(
        ("template", "key", "line"),
        [
            ("<a>\n{% nonsense %}</a>", "template_syntax", "2"),
            ("<a>\n{% for p in persons %}", "template_syntax", "2"),
            ("<a>\n\n{{ 7 * 7 }}</a>", "template_forbidden", "3"),
            ("<a>\n{{ persons.append(1) }}</a>", "template_forbidden", "2"),
            ("<a>{{ persons|map('x') }}</a>", "template_forbidden", "1"),
            ("<a>{{ persons|safe }}</a>", "template_forbidden", "1"),
            ("<a>\n{% set x = 1 %}</a>", "template_forbidden", "2"),
            ("{% include 'x' %}", "template_forbidden", "1"),
            ("{% for x in 'abc' %}{% endfor %}", "template_forbidden", "1"),
            ("{% for x in y recursive %}{% endfor %}", "template_forbidden", "1"),
            (
                "{% for a in persons %}{% for b in persons %}\n{% for c in persons %}"
                + "{% endfor %}" * 3,
                "template_forbidden",
                "2",
            ),
            ("<a>\n{{ person.name }}</a>", "template_unknown", "2"),
            (
                "{% for p in persons %}\n{{ p.nmae }}{% endfor %}",
                "template_unknown",
                "2",
            ),
            ("{{ persons.__class__ }}", "template_unknown", "1"),
            ("{% if persons < 3 %}{% endif %}", "template_unknown", "1"),
            ("<a>\n<b></a>", "template_not_xml", "2"),
            ("", "template_not_xml", "1"),
            ("<a/>", "template_says_nothing", None),
            (
                "<a>{% for p in persons if not p.removed %}{{ p.external_id }}"
                "{% endfor %}</a>",
                "template_keeps_removed",
                None,
            ),
            (
                "<a>{% for e in exceptions %}{{ e.id }}{% for p in e.periods %}"
                "{{ p.from }}{% endfor %}{% endfor %}</a>",
                "template_without_times",
                None,
            ),
            ("x" * 50_001, "template_too_long", None),
        ],
    )
    def test_what_a_template_may_not_be(
        self, template: str, key: str, line: str | None
    ) -> None:
        with pytest.raises(BadValue) as caught:
            Template(template)
        assert caught.value.key == key
        assert caught.value.placeholders.get("line") == line

    def test_a_file_that_grows_too_long(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = "custom_components.booking_access.access_systems.unilock_template"
        monkeypatch.setattr(f"{module}.MAX_FILE", 100)
        with pytest.raises(Exception, match="too long"):
            Template(EXAMPLE).render((), "%Y", "utf-8")

    @pytest.mark.parametrize(
        ("name", "value", "key"),
        [
            ("folder", "import", "folder_not_whole"),
            ("file_name", "../x.xml", "file_name_wrong"),
            ("file_name", ".x.xml", "file_name_wrong"),
            ("file_name", "a/b", "file_name_wrong"),
            ("encoding", "dansk", "encoding_unknown"),
            ("encoding", "rot13", "encoding_unknown"),
            ("time_format", "%Y-%m-%d", "time_format_wrong"),
            ("time_format", "%Y-%m-%d %H:%M %p", "time_format_wrong"),
            ("time_format", "%m-%d %H:%M", "time_format_wrong"),
            ("time_format", "%Y-%m-%d %H:%M %", "time_format_wrong"),
        ],
    )
    def test_what_cannot_be_filled_in(self, name: str, value: str, key: str) -> None:
        [field] = [each for each in FORMS["file_import"] if each.name == name]
        assert field.reader
        with pytest.raises(BadValue, match=f"^{key}$"):
            field.reader(value)

    async def test_times_as_they_are_wanted(self, folder: Path) -> None:
        client = UniLock(NO_SESSION, settings(folder, time_format="%d-%m-%Y %H:%M"))
        with pytest.raises(UnderWay):
            await client.issue(grant())
        assert "<From>26-11-2026 10:00</From>" in written(folder)
