"""dormakaba exivo: keys on the phone, links by SMS, and doors opened from afar.

Wire facts come from vendors/exivo.md, mostly dormakaba's own Swagger file of
version 1.1.0. One grant is one visit, whatever its number of doors:
* with ``mobile_app_id`` a *digital key visit*: a key in the person's phone;
* without, a *visit*: a link by SMS, and a code that travels another way.

Nothing can be changed once made: make the new one, then revoke the old. What
is not public, and how this client copes: see the comments that say "unknown".
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from http import HTTPStatus
from time import monotonic
from typing import Any, ClassVar, Final, override

from aiohttp import ClientSession

from ..engine.models import (
    AccessEvent,
    AccessPoint,
    Account,
    Capability,
    ContractError,
    Grant,
    Issued,
    OutcomeUnknown,
    PointState,
    Rejected,
    VendorError,
)
from ..forms import Field, FieldKind
from ..push import CONF_SECRET, AccessPush
from ..transport import raise_for_status
from .base import REISSUE_DELETED, AccessSystem, Before
from .exivo_events import LOG, LOG_ORDERS, PUSH_HEADER, logged, pushed, reaches_back
from .exivo_http import DEFAULT_URL, ExivoHttp
from .exivo_read import (
    Json,
    Kind,
    expect,
    is_stricter,
    issued_of,
    name_of,
    raise_unless_done,
    refused,
    state_of,
    template_of,
    text_of,
    wire_time,
)

DEFAULT_APP_NAME: Final = "dormakaba mobile access"
CODE_LENGTH: Final = 6  # the contract takes 4 to 6 digits
COMPONENTS: Final = "component"
NOT_THERE: Final = (HTTPStatus.NOT_FOUND,)
DAY: Final = timedelta(days=1)
SOON: Final = timedelta(minutes=1)  # clocks differ
ALMOST_A_SECOND: Final = timedelta(microseconds=999_999)
FRESH: Final = 5.0  # seconds in which a poll asks for the points and their states
USER: Final = "Home Assistant"  # who unlocked, in the vendor's log

_optional = partial(Field, required=False, advanced=True)


class Exivo(AccessSystem):
    """One site of dormakaba exivo.

    The id of an ``Issued`` is ``digitalKeyVisit:<id>`` or ``visit:<id>``, so that
    ``revoke`` knows which of the two it is, whatever the settings are by then.
    """

    key = "exivo"
    name = "dormakaba exivo"
    form = (
        Field(name="site_id"),
        Field(name="api_key"),
        Field(name="api_secret", kind=FieldKind.PASSWORD),
        _optional(name="mobile_app_id"),
        _optional(name="mobile_app_name", default=DEFAULT_APP_NAME),
        _optional(name="url", kind=FieldKind.URL, default=DEFAULT_URL),
    )
    options = (REISSUE_DELETED,)
    poll_interval = timedelta(minutes=1)
    needs_phone = True
    tells_events: ClassVar[bool] = True
    can_push: ClassVar[bool] = True
    push_header: ClassVar[str | None] = PUSH_HEADER

    def __init__(self, session: ClientSession, settings: Mapping[str, Any]) -> None:
        """Take the settings as the form has them."""
        super().__init__(session, settings)
        # Pasted values bring blanks along.
        said = {name: str(value or "").strip() for name, value in settings.items()}
        self._http = ExivoHttp(session, said)
        self._app_id = said.get("mobile_app_id")
        self._app_name = said.get("mobile_app_name") or DEFAULT_APP_NAME
        self._kind = Kind.MOBILE_KEY if self._app_id else Kind.LINK
        self._last: tuple[float, dict[str, Json]] | None = None  # read doors, and when
        self._opening: set[str] = (
            set()
        )  # doors that have not shown yet that they are open
        self._without_log: datetime | None = None  # since when there is no log
        self._log_orders = LOG_ORDERS

    @property
    @override
    def code_length(self) -> int | None:
        """Only a link wants a code; a phone with a key proves itself."""
        return CODE_LENGTH if self._kind is Kind.LINK else None

    @override
    def remember(self, before: Before) -> None:
        """Note the doors that have not shown yet that they are open."""
        self._opening |= set(before.opening)

    @override
    async def validate(self) -> Account:
        """Ask for the site (GET /info); Rejected("wrong_site") if there is none."""
        answer = await self._http.ask("GET", "info")
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Rejected("wrong_site")
        raise_for_status(answer)
        info = expect(answer.json(), dict, "info")
        return Account(
            id=expect(text_of(info.get("id")), str, "info.id"),
            title=text_of(info.get("name")) or self.name,
            time_zone=text_of(info.get("timeZone")),
        )

    @override
    async def list_access_points(self) -> tuple[AccessPoint, ...]:
        """Return all components that can be a door; gateways never can.

        Unknown templates are doors. So is one with "alarm" in its name, but a
        visit there may raise a false alarm.
        """
        can = {Capability.GRANT, Capability.UNLOCK, Capability.HOLD, Capability.LIST}
        if self.code_length is not None:
            can.add(Capability.PIN)
        return tuple(
            AccessPoint(
                id=component_id,
                name=name_of(component) or component_id,
                capabilities=frozenset(can),
                model=text_of(component.get("templateIdentifier")),
                may_alarm="alarm" in template_of(component),
            )
            for component_id, component in (await self._read_doors()).items()
        )

    @override
    async def read_states(self) -> Mapping[str, PointState]:
        """Return readiness and, where they are told, the mode and the door's leaf.

        From the answer to ``list_access_points``, if that was only just asked.
        """
        if self._last and monotonic() - self._last[0] < FRESH:
            doors = self._last[1]
        else:
            doors = await self._read_doors()
        return {i: state_of(component) for i, component in doors.items()}

    @override
    async def read_events(self, since: datetime) -> tuple[AccessEvent, ...]:
        """Return what the log of the doors tells, the oldest first.

        A site may not have it in its services: then it is asked again after a day.
        Unknown is in whose days the log is asked for, and whether it can be had in
        another order than its own: so a day more, and without any if need be.
        """
        now = datetime.now(UTC)
        if self._without_log and timedelta() <= now - self._without_log < DAY:
            return ()
        days = {
            "from": (since.astimezone(UTC) - DAY).date().isoformat(),
            "to": (now + DAY).date().isoformat(),
        }
        for order in self._log_orders:
            entries = await self._http.list(
                *LOG,
                unless=(*NOT_THERE, HTTPStatus.FORBIDDEN, HTTPStatus.BAD_REQUEST),
                query={**days, **order},
                enough=partial(reaches_back, since=since),
            )
            if entries is not None:
                self._log_orders, self._without_log = (order,), None
                events = filter(None, map(logged, entries.values()))
                new = (event for event in events if event.at > since)
                return tuple(sorted(new, key=lambda event: event.at))
        self._log_orders, self._without_log = LOG_ORDERS, now
        return ()

    @override
    async def parse_push(self, headers: Mapping[str, str], body: bytes) -> AccessPush:
        """Read a message that exivo sent about one of its doors."""
        return pushed(headers, body, str(self.settings.get(CONF_SECRET) or ""))

    @override
    async def issue(self, grant: Grant) -> Issued:
        """Make one visit for all the grant's doors; its name is our reference.

        Unknown is whether one may begin in the past: if not, it begins soon. If its
        answer is unreadable, only ``list_issued`` can tell its id.
        """
        sent, now = self._visit(grant), datetime.now(UTC)
        answer = await self._http.ask("POST", self._kind.collection, body=sent)
        if answer.status == HTTPStatus.BAD_REQUEST and grant.start < now:
            sent = {**sent, "validFrom": wire_time(now, SOON)}
            answer = await self._http.ask("POST", self._kind.collection, body=sent)
        raise_unless_done(answer)
        try:
            made = expect(answer.json(), dict, self._kind)
            visit_id = expect(text_of(made.get("id")), str, "id")
        except ContractError as err:
            raise OutcomeUnknown("made, but the answer is unreadable") from err
        told = {field: value for field, value in made.items() if value}
        return issued_of(self._kind, visit_id, {**sent, **told})

    @override
    async def revoke(self, issued: Issued) -> None:
        """Revoke a visit; one that is over or gone already counts as revoked.

        Unknown is whether revoking again is a 204 or, as for persons, a 400: so
        a refusal counts only while the visit stands. Safe to repeat.
        """
        kind, _, visit_id = issued.id.partition(":")
        if kind not in Kind:
            raise Rejected("unknown_grant")
        answer = await self._http.ask("POST", kind, visit_id, "revoke", body={})
        if refused(answer) and await self._is_over(kind, visit_id):
            return
        raise_unless_done(answer)

    @override
    async def list_issued(self) -> tuple[Issued, ...]:
        """Return the visits of both kinds, the revoked and foreign ones too.

        A site may lack the kind that we do not use. Of ours that is not believed:
        a visit whose fate is unclear would be made again.
        """
        lists = [
            (
                kind,
                await self._http.list(
                    kind.collection, unless=() if kind is self._kind else NOT_THERE
                ),
            )
            for kind in Kind
        ]
        return tuple(
            issued_of(kind, visit_id, visit)
            for kind, visits in lists
            for visit_id, visit in (visits or {}).items()
        )

    @override
    async def unlock(self, point_id: str) -> None:
        """Ask for the door to be opened; the vendor does not promise that it is."""
        await self._http.do(
            COMPONENTS, point_id, "unlock", body={"delegatedUser": USER}
        )

    @override
    async def hold(self, point_id: str, *, held: bool) -> None:
        """Set the mode to open or normal; a stricter one is people's, and left to them.

        But not at a door that never showed that it was opened: it may yet be.
        """
        if held:
            self._opening.add(point_id)
        elif point_id not in self._opening and await self._is_stricter(point_id):
            return
        mode = "open" if held else "normal"
        try:
            await self._http.do(COMPONENTS, point_id, "mode", body={"mode": mode})
        finally:
            self._last = None
        if not held:
            self._opening.discard(point_id)

    async def _is_stricter(self, point_id: str) -> bool:
        """Whether a door is known to let in fewer people than normally.

        One that is not ready may not have heard yet that it was to open.
        """
        try:
            answer = await self._http.ask("GET", COMPONENTS, point_id)
            return answer.ok and is_stricter(expect(answer.json(), dict, COMPONENTS))
        except VendorError:
            return False

    def _visit(self, grant: Grant) -> Json:
        """Return what to send for a grant."""
        phone = (grant.person.phone or "").strip()
        if not phone:
            raise Rejected("phone_missing")
        visit = {
            "name": grant.reference,
            "validFrom": wire_time(grant.start),
            "validTo": wire_time(grant.end, ALMOST_A_SECOND),
            "components": list(grant.points),
        }
        if self._kind is Kind.MOBILE_KEY:
            return visit | {
                # Flat, as the schema has it; only the prose nests it.
                "formFactor": "ma-phone",
                "publicRegistrationId": phone,
                "mobileApp": {"id": self._app_id, "name": self._app_name},
                "installNotification": True,
            }
        if not grant.code:
            raise Rejected("code_missing")
        return visit | {"code": grant.code, "smsNr": phone}

    async def _is_over(self, kind: str, visit_id: str) -> bool:
        """Whether a visit gives no access any more."""
        answer = await self._http.ask("GET", kind, visit_id)
        if answer.status == HTTPStatus.NOT_FOUND:
            return True
        raise_for_status(answer)
        return not issued_of(kind, visit_id, expect(answer.json(), dict, kind)).live

    async def _read_doors(self) -> dict[str, Json]:
        """Return the components without the gateways, by id."""
        doors = {
            i: component
            for i, component in (await self._http.list(COMPONENTS) or {}).items()
            if "gateway" not in template_of(component)
        }
        self._opening -= {i for i, c in doors.items() if c.get("mode") == "open"}
        self._last = monotonic(), doors
        return doors
