"""Whether grants are still there, as their vendor's lists tell."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.booking_access.engine.audit import (
    DELETED,
    MANY_MISSING_FOR,
    MISSING_FOR,
    Findings,
    Suspicion,
    audit,
    to_leave,
    to_look_for,
)
from custom_components.booking_access.engine.ledger import (
    Evidence,
    GrantRow,
    GrantState,
    taken_back,
)
from custom_components.booking_access.engine.models import Credential, Issued

from .builders import at, seconds

NOW = at("08:00")


def row(name: str = "a", **changes: Any) -> GrantRow:
    """Return a grant that its vendor said it made."""
    made = GrantRow(
        reference=name,
        subject=name,
        room_id="room",
        booking_id=name,
        account_id="exivo",
        points=("front",),
        start=at("09:45"),
        end=at("11:15"),
        state=GrantState.ISSUED,
        evidence=Evidence.LISTED,
        issued_id=f"visit:{name}",
        credential=Credential(code="481537", link="https://visit.example/a"),
    )
    return replace(made, **changes)


def shown(name: str = "a", **changes: Any) -> Issued:
    """Return a grant as the vendor lists it."""
    made = Issued(
        id=f"visit:{name}",
        reference=f"ours-{name}",
        points=("front",),
        start=None,
        end=None,
    )
    return replace(made, **changes)


def look(
    rows: Iterable[GrantRow],
    *listed: Issued,
    before: Suspicion | None = None,
    now: datetime = NOW,
) -> Findings:
    """Return what a list tells."""
    return audit(
        list(rows), listed, lambda name: f"ours-{name}", before or Suspicion(), now
    )


def first_lack(rows: Iterable[GrantRow], *listed: Issued) -> Suspicion:
    """Return what is suspected after one list."""
    found = look(rows, *listed)
    assert found.deleted == ()
    return found.suspicion


@pytest.mark.parametrize(
    "changes",
    [
        {"state": GrantState.ISSUING},
        {"state": GrantState.PLANNED},
        {"state": GrantState.REVOKING},
        {"state": GrantState.FAILED},
        {"account_id": "other"},
        {"issued_id": None},
        {"overridden": True},
        {"end": NOW},
        {"reference": "busy"},
    ],
)
def test_what_a_list_cannot_tell_of_is_not_looked_for(changes: dict[str, Any]) -> None:
    """What is under way, over, or elsewhere."""
    rows = [row(), row("b", **changes)]
    assert to_look_for(rows, "exivo", NOW, {"busy"}) == {"a": rows[0]}


@pytest.mark.parametrize(
    "listed",
    [
        shown(),
        shown(reference=None),
        shown(points=(), start=NOW, end=NOW),  # changed there: that is its business
    ],
)
def test_rule_09_grant_that_is_listed_is_known_to_be_there(listed: Issued) -> None:
    found = look([row(evidence=Evidence.ACKNOWLEDGED)], listed, shown("foreign"))
    assert found == Findings(suspicion=Suspicion(), write=(row(),))
    assert look([row()], listed) == Findings(suspicion=Suspicion())


def test_grant_that_was_made_anew_is_known_by_its_new_id_and_link() -> None:
    """What others are called, or what stands there under both ids, changes nothing."""
    link = Credential(link="https://visit.example/anew")
    anew = shown(id="visit:anew", credential=link)
    code = Credential(code="481537", link="https://visit.example/anew")
    wanted = row(issued_id="visit:anew", credential=code)
    assert look([row()], anew) == Findings(suspicion=Suspicion(), write=(wanted,))
    assert look([wanted], anew) == Findings(suspicion=Suspicion())
    for listed in ([shown(), anew], [anew, shown()], [shown(reference="x"), anew]):
        assert look([row()], *listed) == Findings(suspicion=Suspicion())
    over = shown(id="visit:anew", live=False)
    assert look([row()], over).write == (row(evidence=Evidence.ASSUMED),)


@pytest.mark.parametrize("listed", [(), (shown(live=False),), (shown("foreign"),)])
def test_grant_that_two_lists_lack_was_deleted(listed: tuple[Issued, ...]) -> None:
    """The second at least a minute after the first."""
    found = look([row()], *listed)
    assert found.deleted == ()
    assert found.write == (row(evidence=Evidence.ASSUMED),)
    assumed, suspicion = row(evidence=Evidence.ASSUMED), found.suspicion
    early = NOW + MISSING_FOR - seconds(1)
    found = look([assumed], *listed, before=suspicion, now=early)
    assert (found.deleted, found.write) == ((), ())
    found = look([assumed], *listed, before=found.suspicion, now=NOW + MISSING_FOR)
    assert (found.deleted, found.write) == ((assumed,), ())


def test_grant_that_is_seen_in_between_must_be_missing_anew() -> None:
    suspicion = first_lack([row()])
    found = look([row()], shown(), before=suspicion, now=NOW + seconds(30))
    assert found.suspicion == Suspicion()
    found = look([row()], before=found.suspicion, now=NOW + MISSING_FOR)
    assert found.deleted == ()


def test_grant_that_was_issued_again_must_be_missing_anew() -> None:
    suspicion = first_lack([row()])
    anew = row(issued_id="visit:anew")
    assert look([anew], before=suspicion, now=NOW + MISSING_FOR).deleted == ()


def test_what_serves_several_grants_may_be_there_for_some_of_them() -> None:
    """It was made anew meanwhile, and lists name whom it serves."""
    rows = [row(), row("b", issued_id="visit:a")]
    listed = shown(id="visit:anew")
    found = look(rows, listed, before=first_lack(rows, listed), now=NOW + MISSING_FOR)
    assert found.deleted == (rows[1],)


def test_clock_that_was_put_back_makes_nothing_wait_longer() -> None:
    back = NOW - MANY_MISSING_FOR
    suspicion = look([row()], before=first_lack([row()]), now=back).suspicion
    found = look([row()], before=suspicion, now=back + MISSING_FOR)
    assert found.deleted == (row(),)


@pytest.mark.parametrize(
    ("kept", "is_many"), [(0, True), (2, True), (3, False), (9, False)]
)
def test_rule_04_many_that_vanish_at_once_are_believed_after_an_hour(
    kept: int, is_many: bool
) -> None:
    """Three, and over half of all."""
    here = [row(f"here{number}") for number in range(kept)]
    gone = [row(name) for name in ("a", "b", "c")]
    rows, listed = [*here, *gone], [shown(each.reference) for each in here]
    suspicion = first_lack(rows, *listed)
    later = look(rows, *listed, before=suspicion, now=NOW + MISSING_FOR)
    assert later.deleted == (() if is_many else tuple(gone))
    almost = NOW + MANY_MISSING_FOR - seconds(1)
    later = look(rows, *listed, before=later.suspicion, now=almost)
    assert later.deleted == (() if is_many else tuple(gone))
    hour = NOW + MANY_MISSING_FOR
    later = look(rows, *listed, before=later.suspicion, now=hour)
    assert later.deleted == tuple(gone)


def test_rule_04_the_hour_begins_anew_when_they_are_back() -> None:
    rows = [row(name) for name in ("a", "b", "c")]
    suspicion = first_lack(rows)
    back = look(rows, *map(shown, "abc"), before=suspicion, now=NOW + seconds(300))
    assert back.suspicion == Suspicion()
    found = look(rows, before=back.suspicion, now=NOW + MANY_MISSING_FOR)
    assert found.deleted == ()


def test_rule_04_two_of_two_are_not_many() -> None:
    rows = [row(), row("b")]
    found = look(rows, before=first_lack(rows), now=NOW + MISSING_FOR)
    assert found.deleted == tuple(rows)


def test_what_was_deleted_is_made_once_more_with_its_code_or_left() -> None:
    """The old link leads nowhere any more."""
    again = taken_back(row(attempts=2, retry_at=NOW, error="x"))
    assert again == row(
        state=GrantState.PLANNED,
        evidence=None,
        issued_id=None,
        credential=Credential(code="481537"),
    )
    left = to_leave(row())
    assert (left.state, left.error) == (GrantState.FAILED, DELETED)
    assert (left.issued_id, left.evidence) == (None, None)
    assert left.credential == row().credential


@given(
    lists=st.lists(
        st.tuples(st.integers(1, 200), st.sets(st.sampled_from("abcdef"))), min_size=1
    )
)
def test_only_what_lists_lacked_for_a_minute_without_a_gap_was_deleted(
    lists: list[tuple[int, set[str]]],
) -> None:
    """Whatever else lists say; said as plainly as can be."""
    rows = [row(name) for name in "abcdef"]
    suspicion, now = Suspicion(), NOW
    history: list[tuple[datetime, set[str]]] = []
    for wait, names in lists:
        now += seconds(wait)
        history.append((now, names))
        found = look(rows, *map(shown, names), before=suspicion, now=now)
        suspicion = found.suspicion
        for each in found.deleted:
            named = [when for when, names in history if each.reference in names]
            since = [when for when, _ in history if not named or when > max(named)]
            assert since
            assert now - since[0] >= MISSING_FOR
