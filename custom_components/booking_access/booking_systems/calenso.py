"""Calenso, where customers book services at a store: it brings us each appointment.

Wire facts are those of vendors/calenso.md, with its marks. [C]: webhooks with a header
of our own, their types and envelope, an appointment's uuid, start_utc and customer;
form-encoded public calls. [P]: where the end, store and services of an appointment
stand, and that the public calls work on every plan: what is missing costs only what
depends on it. [U]: how a cancellation and a group appointment look; their ids do.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, ClassVar, Final, override
from zoneinfo import ZoneInfo

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import (
    Account,
    AuthError,
    Booking,
    ContractError,
    Problem,
    Rejected,
    Resource,
    VendorError,
)
from ..forms import Field, FieldKind
from ..push import CONF_SECRET, Push, PushRefused, check_secret, json_of
from ..transport import Answer, raise_for_status, request
from .calenso_events import bookings_of, is_wanted
from .fed import FedSystem
from .wire import Json, checked, text_of

DEFAULT_URL: Final = "https://my.calenso.com/api/v1"
API_PATH: Final = "api/v1"
AUDIENCE: Final = DEFAULT_URL  # of a token, whichever server is asked [C]
TOKEN_URL: Final = URL("https://calenso.eu.auth0.com/oauth/token")
TOKEN_PATH: Final = "oauth/token"  # noqa: S105 - of another server than Calenso's own
HEADERS: Final = {"Accept": "application/json", "X-Calenso-Auth": "true"}

# What an answer may say that tells nothing about the booking name.
NOT_THE_NAME: Final = {"401", "403", "429"}
# How Auth0 calls a client that it does not let in.
NO_CLIENT: Final = {"access_denied", "invalid_client", "unauthorized_client"}

CHOOSE_NESTED: Final = (
    "This is the flat shape, which cannot be read. In Calenso, open Settings, then "
    "Webhooks, and choose nested objects for this endpoint."
)


class Calenso(FedSystem):
    """One customer of Calenso, known by its booking name (vendors/calenso.md)."""

    key: ClassVar = "calenso"
    name: ClassVar = "Calenso"
    form: ClassVar = (
        Field(name="booking_name"),
        Field(name="client_id", required=False, advanced=True),
        Field(
            name="client_secret", kind=FieldKind.PASSWORD, required=False, advanced=True
        ),
        Field(
            name="url",
            kind=FieldKind.URL,
            required=False,
            default=DEFAULT_URL,
            advanced=True,
        ),
    )
    push_header: ClassVar = "X-Calenso-Webhook-Secret"

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Keep whom to ask; nothing is sent yet."""
        super().__init__(session, settings)
        self._session = session
        self._name = str(settings["booking_name"]).strip()
        base = URL(str(settings.get("url") or DEFAULT_URL).rstrip("/"))
        own = base.origin() != URL(DEFAULT_URL).origin()
        self._token_url = base.origin().joinpath(TOKEN_PATH) if own else TOKEN_URL
        self._base = base if base.path.strip("/") else base.joinpath(API_PATH)

    @override
    async def validate(self) -> Account:
        """Return the account; only an unknown name or a wrong client is an error.

        The public call may not work on every plan [P], and bookings come without it.
        """
        information = await self._try_information()
        name = information.get("name")
        title = name if isinstance(name, str) and name else self._name
        if self.settings.get("client_id") or self.settings.get("client_secret"):
            await self._check_client()
        return Account(id=self._name.casefold(), title=f"{self.name} ({title})")

    @override
    async def list_resources(self) -> tuple[Resource, ...]:
        """Return stores with their services, workers and group appointments.

        As far as they can be had: bookings come for all of them anyway.
        """
        information = await self._try_information()
        found: list[Resource] = []
        for part in (_workers, self._places, self._group_appointments):
            with suppress(VendorError):
                found += await part(information)
        return tuple({each.id: each for each in found}.values())

    async def _places(self, information: Json) -> list[Resource]:
        """Return the stores, and the services of each."""
        partner = str(checked(information.get("id"), "id", int))
        listed = await self._call(
            "stores/filter",
            information,
            {"partner_id[value]": partner, "partner_id[operator]": "="},
        )
        stores = list(_named(listed, "name"))
        found = [Resource(id=id_, name=name) for id_, name in stores]
        for store, store_name in stores:
            body = {"partner_id": partner, "store_id": store}
            with suppress(VendorError):
                listed = await self._call(
                    "appointment_services/appointment_services_by_store/",
                    information,
                    body,
                )
                found += [
                    Resource(
                        id=f"{store}/{id_}",
                        name=name if len(stores) == 1 else f"{name} ({store_name})",
                    )
                    for id_, name in _named(listed, "name")
                ]
        return found

    async def _group_appointments(self, information: Json) -> list[Resource]:
        """Return the group appointments that can be booked."""
        body = {"status[value]": "1", "status[operator]": "="}
        listed = await self._call("events/filter", information, body)
        return [
            Resource(id=f"event/{id_}", name=title)
            for id_, title in _named(listed, "title")
        ]

    async def _try_information(self) -> Json:
        """Return what is public about the booking name, nothing if it cannot be had.

        Raises Rejected if there is no such name.
        """
        body = {"booking_name": self._name, "token_type": "public_widget"}
        try:
            answer = await self._send("partners/information", body)
        except VendorError:
            return {}
        if _is_refusal(answer):
            raise Rejected("unknown_booking_name")
        with suppress(VendorError):
            return checked(_payload(answer), "body", dict)
        return {}

    async def _call(
        self, path: str, information: Json, body: Mapping[str, str]
    ) -> object:
        """Ask with the token that came with the information."""
        token = checked(information.get("token"), "token", str)
        return _payload(
            await self._send(path, body, {"Authorization": f"Bearer {token}"})
        )

    async def _send(
        self,
        path: str,
        body: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request as Calenso's own plugin does, form-encoded [C]."""
        url = self._base.joinpath(path)
        headers = {**HEADERS, **(headers or {})}
        return await request(self._session, "POST", url, data=body, headers=headers)

    async def _check_client(self) -> None:
        """Fetch a token at Auth0, which proves the client; raises AuthError if it is none."""
        body = {
            "grant_type": "client_credentials",
            "client_id": str(self.settings.get("client_id", "")),
            "client_secret": str(self.settings.get("client_secret", "")),
            "audience": AUDIENCE,
        }
        answer = await request(
            self._session,
            "POST",
            self._token_url,
            data=body,
            headers={"Accept": "application/json"},
        )
        if answer.status == HTTPStatus.BAD_REQUEST:
            with suppress(ContractError):
                if text_of(checked(answer.json(), "body", dict), "error") in NO_CLIENT:
                    raise AuthError("no such client")
        raise_for_status(answer)
        token = checked(answer.json(), "body", dict)
        if text_of(token, "access_token") is None:
            raise ContractError("access_token")

    @override
    async def parse_push(
        self, headers: Mapping[str, str], body: bytes, known: Mapping[str, Booking]
    ) -> Push:
        """Return the bookings of one event; what is none of ours is taken and ignored."""
        check_secret(headers, self.push_header, self.settings[CONF_SECRET])
        envelope = json_of(body)
        kind = envelope.get("type") if isinstance(envelope, dict) else None
        if not isinstance(kind, str):
            raise _refusal("This is no event of Calenso: it has no type.", "", "type")
        if not is_wanted(kind):
            return Push(answer={"ignored": True})
        if _is_flat(envelope):
            raise _refusal(CHOOSE_NESTED, kind, "data")
        zone = ZoneInfo(str(self.settings["time_zone"]))
        try:
            bookings = tuple(bookings_of(kind, envelope, known, zone))
        except ContractError as err:
            error = f"The field {err.field} is missing, or not as it should be."
            raise _refusal(error, kind, err.field) from err
        return Push(bookings=bookings, answer={"taken": len(bookings)})


def _payload(answer: Answer) -> object:
    """Return what a good answer holds."""
    raise_for_status(answer)
    payload = answer.json()
    if _errors(payload):
        raise ContractError("errors")
    return payload


def _refusal(error: str, kind: str, field: str) -> PushRefused:
    """Return why an event is not taken; people here are told as well."""
    problem = Problem(reason="bad_booking", item=kind or "event", field=field)
    return PushRefused(HTTPStatus.UNPROCESSABLE_ENTITY, error, shown=(problem,))


def _is_flat(envelope: Json) -> bool:
    """Whether an event came in the shape with one level only [P]."""
    data = envelope.get("data")
    if not isinstance(data, dict):
        return True
    nested = any(isinstance(value, dict) for value in data.values())
    return not nested and any("_" in str(name) for name in data)


def _is_refusal(answer: Answer) -> bool:
    """Whether an answer says that there is no such booking name.

    Its errors say so [C]; which code they have is not sure [P].
    """
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return False
    if str(answer.status) in NOT_THE_NAME:
        return False
    try:
        errors = _errors(answer.json())
    except ContractError:
        return False
    codes = [str(each.get("code")) for each in errors if isinstance(each, dict)]
    return bool(errors) and not any(
        code in NOT_THE_NAME or code.startswith("5") for code in codes
    )


def _errors(payload: object) -> list[object]:
    """Return the errors that an answer tells of."""
    errors = payload.get("errors") if isinstance(payload, dict) else None
    return errors if isinstance(errors, list) else []


def _named(listed: object, wire_field: str) -> Iterator[tuple[str, str]]:
    """Go through a list, or an object of such, that has ids and names."""
    entries: Iterable[object] = (
        listed.values() if isinstance(listed, dict) else checked(listed, "body", list)
    )
    for entry in entries:
        if isinstance(entry, dict) and (id_ := text_of(entry, "id")):
            yield id_, text_of(entry, wire_field) or id_


async def _workers(information: Json) -> list[Resource]:
    """Return the workers, who may be rooms and courts."""
    listed = information.get("workers")
    return [
        Resource(id=f"worker/{id_}", name=name)
        for id_, name in _named(listed, "resource_name")
    ]
