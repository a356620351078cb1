"""dormakaba Ambiance: see ``messenger``.

That its LGS SOAP API is the same contract as Saflok's is plausible, as others drive
both by one set of commands; no public description of it was found. What a server
does not offer is left out.
"""

from .messenger import Messenger


class Ambiance(Messenger):
    """An Ambiance server, by its LGS SOAP API."""

    key = "ambiance"
    name = "Ambiance"
