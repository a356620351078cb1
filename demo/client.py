"""What a person does in the browser, done over the REST and WebSocket API."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import timedelta
from http import HTTPStatus
import json
from typing import Any, Final

from aiohttp import ClientError, ClientSession

PATIENCE: Final = timedelta(seconds=60)
PAUSE: Final = 0.1  # seconds between two looks

type Form = Mapping[str, Any]


class ApiError(Exception):
    """Home Assistant said no."""


class Client:
    """One person at one Home Assistant."""

    def __init__(self, session: ClientSession, url: str) -> None:
        """Remember where it is."""
        self._session = session
        self.url = url
        self._token = ""

    async def wait_for_page(self) -> None:
        """Wait until the web server answers."""
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while True:
                try:
                    async with self._session.get(f"{self.url}/manifest.json"):
                        return
                except ClientError:
                    await asyncio.sleep(PAUSE)

    async def sign_in(self, username: str, password: str) -> None:
        """Log in; as a new installation's first person where there is none yet."""
        if await self._has_owner():
            code = await self._log_in(username, password)
        else:
            code = await self._onboard(username, password)
        async with self._session.post(
            f"{self.url}/auth/token",
            data={
                "client_id": self._client_id,
                "grant_type": "authorization_code",
                "code": code,
            },
        ) as answer:
            self._token = (await answer.json())["access_token"]

    async def wait_until_running(self) -> None:
        """Wait until everything is set up."""
        async with asyncio.timeout(PATIENCE.total_seconds()):
            while (await self.api("GET", "/api/config"))["state"] != "RUNNING":
                await asyncio.sleep(PAUSE)

    async def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the REST API; ApiError names what went wrong."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._session.request(
            method, f"{self.url}{path}", json=body, headers=headers
        ) as answer:
            text = await answer.text()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(f"{method} {path}: {answer.status} {text}")
            return json.loads(text) if text else None

    async def command(self, command: str, **options: Any) -> Any:
        """Send one WebSocket command and return its result."""
        async with self._session.ws_connect(
            f"{self.url}/api/websocket", max_msg_size=0
        ) as connection:
            await connection.receive_json()
            await connection.send_json({"type": "auth", "access_token": self._token})
            await connection.receive_json()
            await connection.send_json({"id": 1, "type": command, **options})
            answer = await connection.receive_json()
        if not answer["success"]:
            raise ApiError(f"{command}: {answer['error']['message']}")
        return answer["result"]

    async def call_service(self, service: str, **data: Any) -> None:
        """Perform an action, ``domain.name``, and wait until it is done."""
        await self.api("POST", f"/api/services/{service.replace('.', '/')}", data)

    async def get_state(self, entity_id: str) -> dict[str, Any] | None:
        """Return the entity's state, or None while there is none."""
        try:
            state: dict[str, Any] = await self.api("GET", f"/api/states/{entity_id}")
        except ApiError:
            return None
        return state

    async def wait_for_state(
        self, entity_id: str, wanted: str, patience: timedelta = PATIENCE
    ) -> dict[str, Any]:
        """Wait until the entity has the state, and return it."""
        state = None
        try:
            async with asyncio.timeout(patience.total_seconds()):
                while True:
                    state = await self.get_state(entity_id)
                    if state and state["state"] == wanted:
                        return state
                    await asyncio.sleep(PAUSE)
        except TimeoutError as err:
            is_now = state["state"] if state else "missing"
            raise TimeoutError(f"{entity_id} is {is_now}, not {wanted}") from err

    async def entries(self, domain: str) -> list[dict[str, Any]]:
        """Return the config entries of an integration."""
        entries: list[dict[str, Any]] = await self.command(
            "config_entries/get", domain=domain
        )
        return entries

    async def subentries(self, entry_id: str) -> list[dict[str, Any]]:
        """Return the subentries of a config entry."""
        subentries: list[dict[str, Any]] = await self.command(
            "config_entries/subentries/list", entry_id=entry_id
        )
        return subentries

    async def start_flow(self, handler: str, *choices: str) -> dict[str, Any]:
        """Start adding an integration, and choose from its menus."""
        flow: dict[str, Any] = await self.api(
            "POST", "/api/config/config_entries/flow", {"handler": handler}
        )
        for choice in choices:
            flow = await self.continue_flow(flow, {"next_step_id": choice})
        return flow

    async def continue_flow(self, flow: Form, answers: Form) -> dict[str, Any]:
        """Answer a step of adding an integration."""
        return await self._continue("/api/config/config_entries/flow", flow, answers)

    async def start_subentry_flow(
        self, entry_id: str, kind: str, subentry_id: str | None = None
    ) -> dict[str, Any]:
        """Start adding something to an entry, or changing what was added."""
        wish: dict[str, Any] = {"handler": [entry_id, kind]}
        if subentry_id:
            wish["subentry_id"] = subentry_id
        flow: dict[str, Any] = await self.api(
            "POST", "/api/config/config_entries/subentries/flow", wish
        )
        return flow

    async def continue_subentry_flow(self, flow: Form, answers: Form) -> dict[str, Any]:
        """Answer a step of adding something to an entry."""
        return await self._continue(
            "/api/config/config_entries/subentries/flow", flow, answers
        )

    async def _continue(self, path: str, flow: Form, answers: Form) -> dict[str, Any]:
        """Answer a step; ApiError if the answers are refused."""
        if flow.get("type") == "form":
            answers = fill(flow["data_schema"], answers)
        after: dict[str, Any] = await self.api(
            "POST", f"{path}/{flow['flow_id']}", answers
        )
        if after.get("errors"):
            raise ApiError(f"step {after['step_id']}: {after['errors']}")
        return after

    @property
    def _client_id(self) -> str:
        return f"{self.url}/"

    async def _has_owner(self) -> bool:
        """Whether somebody has been here before."""
        async with self._session.get(f"{self.url}/api/onboarding") as answer:
            # The whole view is gone once everything of it is done.
            if answer.status == HTTPStatus.NOT_FOUND:
                return True
            steps = await answer.json()
        return any(step["step"] == "user" and step["done"] for step in steps)

    async def _onboard(self, username: str, password: str) -> str:
        """Become the first person; returns the code for a token."""
        answer = await self.api(
            "POST",
            "/api/onboarding/users",
            {
                "client_id": self._client_id,
                "name": username.capitalize(),
                "username": username,
                "password": password,
                "language": "en",
            },
        )
        code: str = answer["auth_code"]
        return code

    async def _log_in(self, username: str, password: str) -> str:
        """Log in as somebody who exists; returns the code for a token."""
        flow = await self.api(
            "POST",
            "/auth/login_flow",
            {
                "client_id": self._client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": self._client_id,
            },
        )
        answer = await self.api(
            "POST",
            f"/auth/login_flow/{flow['flow_id']}",
            {
                "client_id": self._client_id,
                "username": username,
                "password": password,
            },
        )
        if answer["type"] != "create_entry":
            raise ApiError(f"{username} cannot log in: {answer.get('errors')}")
        code: str = answer["result"]
        return code


def fill(schema: Iterable[Form], answers: Form) -> dict[str, Any]:
    """Put the answers where the form has them, its sections included.

    What has no answer keeps what the form suggests, as in the browser.
    """
    filled: dict[str, Any] = {}
    for field in schema:
        name = field.get("name", "")
        suggested = (field.get("description") or {}).get("suggested_value")
        if field.get("type") == "expandable":
            filled[name] = fill(field["schema"], answers)
        elif name in answers:
            filled[name] = answers[name]
        elif suggested is not None:
            filled[name] = suggested
    return filled
