"""Which simulators there are, and where each listens when nobody says otherwise."""

from dataclasses import dataclass
from importlib import import_module
from typing import Final

from .base import Simulator


@dataclass(frozen=True, slots=True)
class Registered:
    """Where a simulator's class is, and its fixed port.

    The class is imported only when it is wanted: starting one simulator does
    not wait for what the others import.
    """

    module: str
    class_name: str
    port: int

    def create(self) -> Simulator:
        """Make one, not yet listening."""
        module = import_module(f"{__package__}.{self.module}")
        simulator: Simulator = getattr(module, self.class_name)()
        return simulator


SIMULATORS: Final = {
    "winkas": Registered("winkas", "WinKasSimulator", 18081),
    "exivo": Registered("exivo", "ExivoSimulator", 18082),
    "icalendar": Registered("icalendar", "ICalendarSimulator", 18083),
    "unloc": Registered("unloc", "UnlocSimulator", 18084),
    "pronestor": Registered("pronestor", "PronestorSimulator", 18085),
    "unilock": Registered("unilock", "UniLockSimulator", 18086),
    "clock_pms": Registered("clock_pms", "ClockSimulator", 18087),
    "saflok": Registered("saflok", "SaflokSimulator", 18088),
    "ambiance": Registered("saflok", "AmbianceSimulator", 18089),
    "calenso": Registered("calenso", "CalensoSimulator", 18091),
    "eiendomsappen": Registered("eiendomsappen", "EiendomsappenSimulator", 18092),
    "webhook": Registered("webhook", "WebhookSimulator", 18093),
}
