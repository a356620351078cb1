"""Unloc, Integrator API v1 of 2020: the locks and keys of one lock holder.

Confirmed: the paths, each with a slash at its end, keys with null for a start or end
that there is none of, and connections to the makers of locks. Plausible: that all of
it still answers, and that metadata are kept (else lock, person and times tell a key).
Unknown: which scope a token needs (each form that there ever was is tried), what the
list of lock holders is called (three ways are read), and to which connection a lock
belongs (by its id where it is told, else by the maker).
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, override

from aiohttp import ClientSession

from ..engine.models import Account, ContractError, OutcomeUnknown, PointState, Rejected
from ..forms import Field, FieldKind, FollowUp
from ..transport import Answer
from .unloc_http import (
    CREDENTIALS,
    PHONE_FIELDS,
    URL_FIELD,
    Json,
    NotThere,
    UnlocHttp,
    id_of,
    is_refusal,
    part,
    quoted,
    raise_if_refused,
    reason_of,
    text,
    wire_time,
)
from .unloc_key import Key, NewKey, key_of
from .unloc_keys import KeySystem

NEW: Final = "new"  # a choice of lock holder
CHOICE_STEP: Final = "unloc_lock_holder_choice"
NEW_STEP: Final = "unloc_lock_holder_new"
CONNECTION: Final = "vendor_connection"
TOKEN_PATH: Final = "auth/v1/token/"  # noqa: S105 - a path
HOLDERS: Final = ("integrators", "v1", "lock-holders")
LIST_NAMES: Final = ("lockHolders", "lock-holders")
PAGE: Final = ("limit", "2500")
BROKEN: Final = {"error", "disconnected"}
# Of a lock, where its connection may be named.
CONNECTION_FIELDS: Final = ("vendorConnectionId", "connectionId", "lockConnectionId")

NEW_HOLDER: Final = (
    Field(name="name"),
    Field(name="country", default="NO"),
    Field(name="organization_number"),
    Field(name="suffix", required=False),
)


class UnlocLockHolder(KeySystem):
    """One lock holder of Unloc."""

    key = "unloc_lock_holder"
    name = "Unloc (lock holder)"
    form = (*CREDENTIALS, URL_FIELD)
    follow_ups = (CHOICE_STEP, NEW_STEP)
    typed_in: ClassVar[Mapping[str, tuple[Field, ...]]] = {
        CONNECTION: (
            Field(name="vendor", default="danalock"),
            Field(name="username"),
            Field(name="password", kind=FieldKind.PASSWORD),
        )
    }
    poll_interval = timedelta(minutes=5)
    can_refresh: ClassVar[bool] = True

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as the forms have them."""
        super().__init__(session, settings)
        self._holder = str(settings.get("lock_holder") or "").strip()
        forms: list[Json] = [{"scope": "integrator.admin"}, {}]
        self._all = UnlocHttp(session, settings, TOKEN_PATH, forms)
        self._http = UnlocHttp(session, settings, TOKEN_PATH, self._forms())

    def _forms(self) -> list[Json]:
        """Return the scopes that may be right for the lock holder, the newest first."""
        names = [f"lockHolder.admin:{self._holder}"]
        forms: list[Json] = [{"scope": names}, {"scope": "integrator.admin"}]
        if identifier := self.settings.get("identifier"):
            # Without a suffix it ends in a dot in Unloc's own application.
            dotted = [f"{identifier}."] if identifier.count(".") == 1 else []
            forms += [
                {"scope": [f"lockHolder.identifier:{each}"]}
                for each in (identifier, *dotted)
            ]
        return forms

    @classmethod
    @override
    def form_of(cls, settings: Mapping[str, Any]) -> Sequence[Field]:
        """Return the credentials and the lock holder, however that came to be."""
        return (*CREDENTIALS, Field(name="lock_holder"), URL_FIELD)

    @override
    async def follow_up(self) -> FollowUp | None:
        """Let a lock holder be chosen or made; note what else tells it from others."""
        if self._holder == NEW or "organization_number" in self.settings:
            return await self._new_holder()
        if self._holder and "identifier" in self.settings:
            return None
        holders = await self._read_holders()
        if self._holder:
            identifier = _identifier(holders.get(self._holder, {}))
            return FollowUp(settled={"identifier": identifier})
        if not holders:
            return FollowUp(settled={"lock_holder": NEW})
        choices = sorted(
            ((i, text(each.get("name")) or i) for i, each in holders.items()),
            key=lambda each: each[1],
        )
        field = Field(
            name="lock_holder",
            kind=FieldKind.SELECT,
            choices=(*choices, (NEW, None)),
        )
        return FollowUp(step=CHOICE_STEP, fields=(field,))

    async def _new_holder(self) -> FollowUp:
        """Ask for what a lock holder is made of, or make it; one that exists is taken."""
        said = {
            field.name: str(self.settings.get(field.name) or "").strip()
            for field in NEW_HOLDER
        }
        if not said["organization_number"]:
            return FollowUp(step=NEW_STEP, fields=NEW_HOLDER)
        wish = {
            "name": said["name"],
            "countryIso": said["country"].upper(),
            "organizationId": said["organization_number"].replace(" ", ""),
        }
        if said["suffix"]:
            wish["organizationIdSuffix"] = said["suffix"]
        answer = await self._all.change("POST", quoted(*HOLDERS, ""), wish)
        if is_refusal(answer):
            holder_id = await self._existing(_identifier(wish))
        else:
            holder_id = id_of(part(answer.json(), "lockHolder")) or ""
        if not holder_id:
            raise Rejected("lock_holder_refused")
        asked = {field.name: None for field in NEW_HOLDER}
        settled = {"lock_holder": holder_id, "identifier": _identifier(wish)}
        return FollowUp(settled={**asked, **settled})

    async def _existing(self, identifier: str) -> str:
        """Return the id of the lock holder that is told by the same; empty if none is."""
        holders = await self._read_holders()
        found = (i for i, each in holders.items() if _identifier(each) == identifier)
        return next(found, "")

    @classmethod
    @override
    def typed_id(cls, kind: str, typed: Mapping[str, Any]) -> str:
        """Return which account of a maker of locks it is."""
        said = (str(typed.get(name) or "") for name in ("vendor", "username"))
        return ":".join(said).casefold()

    @override
    async def type_in(
        self, kind: str, typed: Mapping[str, Any], before: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        """Connect an account of a maker of locks, or change its password there.

        The password goes to Unloc and is not kept.
        """
        said = {name: str(typed.get(name) or "") for name in ("vendor", "username")}
        said = {name: value.strip() for name, value in said.items()}
        password = str(typed.get("password") or "")
        same = before and all(before.get(name) == said[name] for name in said)
        if not (before and same):
            return await self._connect(said, password)
        if password:
            path = self._path("vendor-connections", before["id"], "update-password")
            answer = await self._http.change("PUT", path, {"password": password})
            raise_if_refused(answer, "connection_refused")
        return {"id": before["id"], **said}

    async def _connect(
        self, said: Mapping[str, str], password: str
    ) -> Mapping[str, Any]:
        """Connect an account that is not connected yet."""
        path = self._path("vendor-connections")
        answer = await self._http.change("POST", path, {**said, "password": password})
        if answer.status == 409:
            raise Rejected("already_connected")
        raise_if_refused(answer, "connection_refused")
        made = id_of(part(answer.json(), "vendorConnection"))
        if not made:
            raise ContractError("vendorConnection.id")
        return {"id": made, **said}

    @override
    async def validate(self) -> Account:
        """Ask for the lock holder's locks, and what it is called."""
        if self._holder in ("", NEW):
            raise Rejected("lock_holder_missing")
        try:
            await self._http.get(self._path("locks"))
        except NotThere as err:
            raise Rejected("lock_holder_missing") from err
        holder = (await self._read_holders()).get(self._holder, {})
        return Account(id=self._holder, title=text(holder.get("name")) or self.name)

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return whether locks are in reach, as far as their connections tell."""
        locks, connections = await asyncio.gather(
            self._read_locks(), self._read_connections()
        )
        return {
            lock_id: PointState(ready=_ready(lock, connections))
            for lock_id, lock in locks.items()
        }

    @override
    async def refresh(self) -> None:
        """Have each connection look for new locks."""
        for connection_id in await self._read_connections():
            path = self._path("vendor-connections", connection_id, "refresh")
            raise_if_refused(await self._http.change("PUT", path))

    @override
    async def _read_keys(self, lock_id: str | None = None) -> tuple[Key, ...]:
        """Return the keys of a lock, or all."""
        if lock_id is None:
            items = await self._http.get_all(self._path("keys"), "keys", query=[PAGE])
        else:
            path = self._path("locks", lock_id, "keys")
            try:
                items = await self._http.get_all(path, "keys")
            except NotThere:
                return ()
        keys = (key_of(item, lock_id or "") for item in items.values())
        return tuple(key for key in keys if key)

    @override
    async def _make_key(self, key: NewKey) -> str:
        """Make a key; the vendor invites the person."""
        wish = {
            "userId": key.person,
            "start": wire_time(key.start) if key.start else None,
            "end": wire_time(key.end) if key.end else None,
            "skipInviteNotification": False,
            "metadata": dict(key.metadata),
        }
        path = self._path("locks", key.lock_id, "keys")
        answer = await self._http.change("POST", path, wish)
        if is_refusal(answer):
            raise Rejected(_refusal(answer))
        try:
            made = id_of(part(answer.json(), "key"))
        except ContractError:
            made = None
        if not made:
            raise OutcomeUnknown("made, but the answer is unreadable")
        return made

    @override
    async def _take_key(self, lock_id: str, key_id: str) -> None:
        """Revoke a key; a refusal counts only while it is good."""
        path = self._path("locks", lock_id, "keys", key_id)
        answer = await self._http.change("PUT", path, {"state": "revoked"})
        if not is_refusal(answer) or answer.status == 404:
            return
        keys = await self._read_keys(lock_id)
        if any(key.live for key in keys if key.id == key_id):
            raise Rejected("refused")

    async def _read_holders(self) -> dict[str, Json]:
        """Return the lock holders by their ids."""
        return await self._all.get_all(quoted(*HOLDERS, ""), *LIST_NAMES)

    @override
    async def _read_locks(self) -> dict[str, Json]:
        """Return the locks by their ids."""
        return await self._http.get_all(self._path("locks"), "locks")

    async def _read_connections(self) -> dict[str, Json]:
        """Return the connections to makers by their ids; none where that is not told."""
        path = self._path("vendor-connections")
        names = ("vendorConnections", "vendor-connections")
        try:
            return await self._http.get_all(path, *names)
        except NotThere:
            return {}

    def _path(self, *parts: str) -> str:
        """Return the path of something of the lock holder; all paths end with a slash."""
        return quoted(*HOLDERS, self._holder, *parts, "")


def _identifier(holder: Json) -> str:
    """Return what tells a lock holder from all others: NO.974760673.hall."""
    fields = ("countryIso", "organizationId", "organizationIdSuffix")
    parts = (holder.get(field) for field in fields)
    return ".".join(str(each).strip() for each in parts if each)


def _refusal(answer: Answer) -> str:
    """Return the text for why a key cannot be made."""
    said = reason_of(answer, "errorDescription", "detail")
    is_phone = any(field in said for field in PHONE_FIELDS)
    return "phone_invalid" if is_phone else "refused"


def _ready(lock: Json, connections: Mapping[str, Json]) -> bool | None:
    """Return whether the connection that a lock comes by works; None if nobody tells."""
    if own := next((i for f in CONNECTION_FIELDS if (i := text(lock.get(f)))), None):
        theirs: Collection[Json] = [connections[own]] if own in connections else []
    else:
        maker = text(lock.get("vendor"))
        theirs = [
            each
            for each in connections.values()
            if maker is None or text(each.get("vendor")) in (None, maker)
        ]
    states = {each.get("state") for each in theirs}
    if states and states <= BROKEN:
        return False
    return True if states == {"connected"} else None
