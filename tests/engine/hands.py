"""How a door or an appliance is to be, in the plain words of rules 7, 11 and 16."""

from dataclasses import dataclass, field

from custom_components.booking_access.engine.models import Effect, Room

type Claim = tuple[str, str]

OFF = ("off", "disarmed")


@dataclass
class Target:
    """A door or an appliance, the rooms that switch it, and how it is to be.

    ``normal`` is how it is without bookings, ``hand`` how a human left it since
    the last edge; None where that is not clear. ``begun`` are claims that a crash
    left as begun, although they had ended; ``waiting`` are those that came while
    an earlier step was under way.
    """

    name: str
    wanted_by: list[tuple[Room, Effect]]
    booked: str
    normal: str | None
    claims: set[Claim] = field(default_factory=set)
    is_sure: bool = False  # whether some claim is beyond doubt
    is_doubtful: bool = False  # whether some claim is not
    is_touched: bool = False
    hand: str | None = None
    begun: set[Claim] = field(default_factory=set)
    waiting: set[Claim] = field(default_factory=set)
    seen: set[Claim] = field(default_factory=set)

    @property
    def is_door(self) -> bool:
        """Whether it is a door, which is closed in the end whatever it was."""
        return self.name.startswith("door/")

    @property
    def shall(self) -> str | None:
        """Return how it is to be, None where nothing is said."""
        if self.is_touched:
            return self.hand
        if not self.claims:
            return self.normal
        return self.booked if self.is_sure else None

    def look(self, sure: set[Claim], possible: set[Claim], *, relived: bool) -> None:
        """See which bookings claim it, and whether an edge ends what a human did.

        Of edges ``relived`` after a clock was put back nobody can say which came
        before what a human did, and which after it.
        """
        before, was_sure = self.claims, self.is_sure
        self.claims, self.is_sure = possible, bool(sure)
        self.is_doubtful = sure != possible
        begins = sure - before - self.begun
        self.begun &= possible
        if relived and self.is_touched:
            self.hand = None
        elif begins:
            self._begin(was_claimed=bool(before))
        elif before and not possible:
            self._end(was_sure=was_sure)
        elif self.is_touched and sure != possible:
            self.hand = None

    def wait(self, *, is_busy: bool) -> None:
        """See whether a claim waits for its turn; one that ends before has no effect."""
        came = self.claims - self.seen
        self.seen = set(self.claims)
        if self.waiting - self.claims:
            self.is_touched, self.hand = True, None
        self.waiting = ((self.waiting | came) & self.claims) if is_busy else set()

    def by_hand(self, state: str, *, is_clear: bool) -> None:
        """See a human change it."""
        if self.is_touched and self.hand is None and self.claims and not self.is_door:
            self.normal = None  # it may have become what to go back to
        is_clear = is_clear and not self.is_doubtful
        self.is_touched, self.hand = True, state if is_clear else None

    def lose_end(self, begun: set[Claim]) -> None:
        """See that a crash made us forget that it was ended."""
        self.is_touched, self.hand, self.begun = True, None, begun

    def blur(self) -> None:
        """Say no more about what a human did, until somebody else is let in."""
        self.hand = None

    def _begin(self, *, was_claimed: bool) -> None:
        """A window opens: what a human did since the last edge is what was before."""
        if self.is_touched and not self.is_door:
            same = was_claimed and self.hand and self._is_as_booked(self.hand)
            self.normal = self.normal if same else self.hand
        self.is_touched = False

    def _end(self, *, was_sure: bool) -> None:
        """The last window closes: a door shuts, an appliance is as it was before.

        Unless a human changed that; and unless the last window was in doubt,
        and may have closed before what a human did.
        """
        if self.is_door:
            self.is_touched = self.is_touched and not self.hand and not was_sure
            return
        if self.is_touched and not (self.hand and self._is_as_booked(self.hand)):
            self.normal = self.hand
        self.is_touched = False

    def _is_as_booked(self, state: str) -> bool:
        """Whether a state is the one that bookings switch to."""
        return (state in OFF) is (self.booked in OFF)
