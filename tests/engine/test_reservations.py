"""Hotel keys that cancel each other, in a world of faults and crashes.

What must hold is written in ``hotel``: whichever way the server cancels, at most one
booking has a room, who has it keeps it, and nobody waits without need.
"""

from itertools import chain, repeat

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.booking_access.engine.models import BookingStatus

from .builders import MONDAY, booking, minutes, seconds
from .hotel import ONE, ROOMS, TWO, Hotel
from .world import Outcome

BOOKINGS = st.lists(
    st.builds(
        lambda start, length, **rest: booking(
            MONDAY + minutes(start), MONDAY + minutes(start + length), **rest
        ),
        start=st.integers(0, 50),
        length=st.integers(1, 20),
        id=st.sampled_from("abcd"),
        resource_id=st.sampled_from(["hall", "hall", "court"]),
        status=st.sampled_from(
            [*[BookingStatus.CONFIRMED] * 5, BookingStatus.CANCELLED]
        ),
    ),
    max_size=4,
    unique_by=lambda each: each.id,
)
# Often a moment before or after something is due.
MOMENT = st.builds(
    lambda minute, second: minutes(minute) + seconds(second),
    st.integers(0, 70),
    st.sampled_from([-5, -0.2, 0, 0, 1, 30]),
)
EVENTS = st.dictionaries(
    MOMENT,
    st.one_of(
        BOOKINGS,
        st.sampled_from("abcd"),  # a card
        st.sampled_from([ONE, TWO]),  # somebody opens it
        st.tuples(st.booleans(), st.sampled_from([0, 0.1, 3])),  # a crash
    ),
    max_size=8,
)
FAULTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.3, 4.0, 20.0]), st.sampled_from(Outcome)),
    max_size=8,
)
# How many examples are run: this takes longer than the others.
RUNS = {"fast": 120, "nightly": 10000}


def live(hotel: Hotel, events: dict) -> None:
    """Let a hotel live through its days, and after that be empty."""
    for moment in sorted({*events, minutes(90)}):
        hotel.run_until(max(MONDAY + moment, hotel.now))
        match events.get(moment):
            case list() as bookings:
                hotel.bookings = bookings
            case str() as booking_id:
                hotel.write_card(booking_id)
            case (works, down):
                hotel.trouble = hotel.now + minutes(down + 5)
                hotel.crash(works, hotel.now + minutes(down))
            case None:
                continue
            case room:
                hotel.use(room)
        hotel.evaluate()
    hotel.run_until(hotel.now + minutes(60))
    assert hotel.live_keys() == []
    hotel.run_until(hotel.now + minutes(60 * 48))
    assert hotel.ledger.grants == {}


@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "at first use"])
def test_rules_of_reservations_hold_whatever_happens(at_once: bool) -> None:
    @settings(max_examples=RUNS[settings.get_current_profile_name()])
    @given(
        bookings=BOOKINGS,
        events=EVENTS,
        faults=FAULTS,
        unchangeable=st.frozensets(st.integers(1, 5)),
    )
    def run(bookings, events, faults, unchangeable) -> None:
        hotel = Hotel(
            now=MONDAY - minutes(5),
            rooms=ROOMS,
            bookings=bookings,
            at_once=at_once,
            outcomes=chain(faults, repeat((0.0, Outcome.DONE))),
            unchangeable=unchangeable,
        )
        live(hotel, events)

    run()
