"""dormakaba Saflok 6000: see ``messenger``."""

from .messenger import Messenger


class Saflok(Messenger):
    """A Saflok 6000 server, by its Messenger PMS web service."""

    key = "saflok"
    name = "Saflok 6000"
