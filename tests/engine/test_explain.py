"""Each line of a room's plan, with the reason behind it."""

from custom_components.booking_access.engine.explain import Stage, explain
from custom_components.booking_access.engine.models import BookingStatus, Effect
from custom_components.booking_access.engine.windows import Refusal

from .builders import at, booking, room, timing


def test_each_effect_of_each_booking_is_told_from_when_to_when() -> None:
    """What is over, and what is beyond the horizon, is not."""
    hall = room(timing=timing(15, 5))
    bookings = (
        booking("06:00", "07:00", id="over"),
        booking("09:00", "11:00", id="now"),
        booking("12:00", "13:00", id="maybe", status=BookingStatus.TENTATIVE),
        booking("14:00", "15:00", id="soon"),
        booking("20:00", "21:00", id="later"),
    )
    lines = list(explain(hall, bookings, at("10:00"), at("18:00")))
    told = [
        (each.booking.id, each.stage, each.start, each.end, each.refusal)
        for each in lines
        if each.effect is Effect.ACCESS
    ]
    assert told == [
        ("now", Stage.NOW, at("08:45"), at("11:05"), None),
        ("maybe", Stage.REFUSED, at("12:00"), at("13:00"), Refusal.TENTATIVE),
        ("soon", Stage.COMING, at("13:45"), at("15:05"), None),
    ]
    assert {each.effect for each in lines if each.booking.id == "soon"} == set(Effect)
    assert lines[0].targets == ("door/locks/front",)
