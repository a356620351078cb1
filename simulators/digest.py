"""HTTP Digest as a strict server checks it (RFC 7616, qop "auth", MD5)."""

from hashlib import md5
import re
from secrets import token_hex
import time
from typing import Final

from aiohttp import web

REALM: Final = "API"
NONCE_LIFE: Final = 300.0  # seconds
DENIED: Final = "HTTP Digest: Access denied."
_PAIR: Final = re.compile(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')


class Digest:
    """Who may come in, and which nonces are out."""

    def __init__(self, user: str, password: str) -> None:
        """Know the one user."""
        self.user = user
        self.password = password
        self.opaque = token_hex(8)
        self.says_stale = True
        self._nonces: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def forget(self) -> None:
        """Make all nonces stale."""
        self._nonces.clear()

    def check(self, request: web.Request) -> web.Response | None:
        """Return a challenge, or None for a request that proves its user.

        The ``uri`` must be the path and query exactly as they were sent, and a
        count may come once.
        """
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        said = {name: quoted or bare for name, quoted, bare in _PAIR.findall(rest)}
        if scheme != "Digest" or not self._is_right(said, request):
            return self._challenge(stale=False)
        nonce, count = said["nonce"], int(said["nc"], 16)
        begun = self._nonces.get(nonce)
        if begun is None or time.monotonic() - begun > NONCE_LIFE:
            return self._challenge(stale=True)
        if count <= self._counts.get(nonce, 0):
            return self._challenge(stale=True)
        self._counts[nonce] = count
        return None

    def _is_right(self, said: dict[str, str], request: web.Request) -> bool:
        """Whether the answer to a challenge is the user's."""
        wanted = {
            "username": self.user,
            "realm": REALM,
            "uri": request.raw_path,
            "qop": "auth",
            "opaque": self.opaque,
        }
        if any(said.get(name) != value for name, value in wanted.items()):
            return False
        if not re.fullmatch(r"[0-9a-f]{8}", said.get("nc", "")):
            return False
        if said.get("algorithm", "MD5") != "MD5" or not said.get("cnonce"):
            return False
        who = _hash(f"{self.user}:{REALM}:{self.password}")
        what = _hash(f"{request.method}:{request.raw_path}")
        proof = [who, said.get("nonce", ""), said["nc"], said["cnonce"], "auth", what]
        return said.get("response") == _hash(":".join(proof))

    def _challenge(self, *, stale: bool) -> web.Response:
        """Ask who it is."""
        nonce = token_hex(16)
        self._nonces[nonce] = time.monotonic()
        challenge = (
            f'Digest realm="{REALM}", qop="auth", algorithm=MD5, '
            f'nonce="{nonce}", opaque="{self.opaque}"'
        )
        if stale and self.says_stale:
            challenge += ", stale=true"
        headers = {"WWW-Authenticate": challenge}
        return web.Response(status=401, text=f"{DENIED}\n", headers=headers)


def _hash(text: str) -> str:
    """Return what digests are made of."""
    return md5(text.encode()).hexdigest()
