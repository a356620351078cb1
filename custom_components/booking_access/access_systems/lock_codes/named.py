"""Locks that know whom a code belongs to: ours belong to a name that is ours."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, override

from ...engine.models import ContractError, OutcomeUnknown, Rejected, VendorError
from .actions import (
    MATTER_ABILITIES,
    MATTER_CLEAR_USER,
    MATTER_SET_CREDENTIAL,
    MATTER_SET_USER,
    MATTER_USERS,
    SCHLAGE_ADD,
    SCHLAGE_CODES,
    SCHLAGE_DELETE,
    ZWAVE_ABILITIES,
    ZWAVE_DELETE_USER,
    ZWAVE_SET_USER,
    ZWAVE_USERS,
    Answer,
    field,
)
from .base import NAME_LENGTH, USUAL_LENGTHS, Held, Lengths, NamedCodes, full

ZWAVE_PIN: Final = "pin_code"
MATTER_PIN: Final = "pin"


class ZwaveUsers(NamedCodes):
    """Z-Wave locks with User Credential CC."""

    key: ClassVar = "zwave_js_user"

    @override
    async def lengths(self) -> Lengths | None:
        """Ask the lock; without room for our name, ours could not be told."""
        try:
            answer = await self.lock.read(ZWAVE_ABILITIES)
        except Rejected:
            return None
        pins = field(answer, "supported_credential_types", dict).get(ZWAVE_PIN)
        if not isinstance(pins, Mapping):
            return None
        if field(answer, "max_user_name_length", int) < NAME_LENGTH:
            return None
        return Lengths(field(pins, "min_length", int), field(pins, "max_length", int))

    @override
    async def list_codes(self) -> tuple[Held, ...]:
        """Return the users."""
        users = _users(await self.lock.read(ZWAVE_USERS))
        return tuple(_held(user, "user_id", ZWAVE_PIN) for user in users)

    @override
    async def add(self, name: str, code: str, held: tuple[Held, ...]) -> None:
        """Add a user with a code; Home Assistant takes a free place."""
        most = field(await self.lock.read(ZWAVE_USERS), "max_users", int)
        if len(held) >= most:
            raise full()
        await self.lock.write(
            ZWAVE_SET_USER,
            user_name=name,
            active=True,
            credential_type=ZWAVE_PIN,
            credential_data=code,
        )

    @override
    async def remove(self, held: Held) -> None:
        """Delete a user."""
        await self.lock.write(ZWAVE_DELETE_USER, user_id=int(held.place))


class MatterCodes(NamedCodes):
    """Matter locks: a user is made first, and then given a code."""

    key: ClassVar = "matter"

    @override
    async def lengths(self) -> Lengths | None:
        """Ask what the lock is able to do."""
        answer = await self.lock.read(MATTER_ABILITIES)
        kinds = field(answer, "supported_credential_types", list)
        if not answer.get("supports_user_management") or MATTER_PIN not in kinds:
            return None
        shortest, longest = answer.get("min_pin_length"), answer.get("max_pin_length")
        return Lengths(
            shortest if isinstance(shortest, int) else USUAL_LENGTHS.shortest,
            longest if isinstance(longest, int) else USUAL_LENGTHS.longest,
        )

    @override
    async def list_codes(self) -> tuple[Held, ...]:
        """Return the users."""
        users = _users(await self.lock.read(MATTER_USERS))
        return tuple(_held(user, "user_index", MATTER_PIN) for user in users)

    @override
    async def add(self, name: str, code: str, held: tuple[Held, ...]) -> None:
        """Add a user, and give it a code; Home Assistant takes free places."""
        answer = await self.lock.read(MATTER_ABILITIES)
        users, pins = answer.get("max_users"), answer.get("max_pin_users")
        coded = [each for each in held if each.complete]
        if isinstance(users, int) and len(held) >= users:
            raise full()
        if isinstance(pins, int) and len(coded) >= pins:
            raise full()
        await self.lock.write(MATTER_SET_USER, user_name=name)
        ours = [each for each in await self.list_codes() if each.name == name]
        if not ours:
            raise OutcomeUnknown("the lock does not show it yet")
        try:
            await self.lock.write(
                MATTER_SET_CREDENTIAL,
                credential_type=MATTER_PIN,
                credential_data=code,
                user_index=int(ours[0].place),
            )
        except OutcomeUnknown:
            raise
        except VendorError:  # nobody else would ever clear away a user without a code
            await self.remove(ours[0])
            raise

    @override
    async def remove(self, held: Held) -> None:
        """Clear a user, and with it its codes."""
        await self.lock.write(MATTER_CLEAR_USER, user_index=int(held.place))


class SchlageCodes(NamedCodes):
    """Schlage locks, whose codes the owner sees by their names in Schlage's app."""

    key: ClassVar = "schlage"
    usual: ClassVar = None

    @override
    async def lengths(self) -> Lengths | None:
        """Codes of one lock all have the same length, so those that are there tell."""
        found = {len(each.code) for each in await self.list_codes() if each.code}
        if len(found) == 1:
            [length] = found
            return Lengths(length, length)
        return USUAL_LENGTHS

    @override
    async def list_codes(self) -> tuple[Held, ...]:
        """Return the codes."""
        found = []
        for place, each in (await self.lock.read(SCHLAGE_CODES)).items():
            if not isinstance(each, Mapping):
                raise ContractError("codes")
            name, code = each.get("name"), each.get("code")
            found.append(Held(place=place, name=str(name), code=str(code or "")))
        return tuple(found)

    @override
    async def add(self, name: str, code: str, held: tuple[Held, ...]) -> None:
        """Add a code; its owner needs no message each time that a guest comes in."""
        await self.lock.write(SCHLAGE_ADD, name=name, code=code, notify_on_use=False)

    @override
    async def remove(self, held: Held) -> None:
        """Delete a code."""
        await self.lock.write(SCHLAGE_DELETE, name=held.name)


def _users(answer: Answer) -> Iterator[Answer]:
    """Yield the users of an answer."""
    for user in field(answer, "users", list):
        if not isinstance(user, Mapping):
            raise ContractError("users")
        yield user


def _held(user: Answer, number: str, kind: str) -> Held:
    """Read a user, and whether it has a code."""
    credentials = user.get("credentials")
    if not isinstance(credentials, list):
        raise ContractError("credentials")
    name = user.get("user_name")
    return Held(
        place=str(field(user, number, int)),
        name=name if isinstance(name, str) else None,
        complete=any(
            isinstance(c, Mapping) and c.get("type") == kind for c in credentials
        ),
    )
