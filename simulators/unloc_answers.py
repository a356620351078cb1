"""How the Unloc simulator answers: tokens, errors, objects and pages of lists."""

from abc import abstractmethod
from datetime import UTC, datetime, timedelta
import json
from typing import Any, Final, override

from aiohttp import web

from .base import Simulator
from .unloc_site import CLIENT_ID, CLIENT_SECRET, Json, Key, Refused, Token, check

TOKEN_LIFE: Final = 3600
MAX_PAGE: Final = 2500
SETTINGS: Final[Json] = {
    "replaces": False,
    "keeps_metadata": True,
    "created": "id",
    "page": MAX_PAGE,
    "always_after": False,
    "refresh": "POST",
    "log": "events",
    "scopes": ["admin", "integrator", "identifier", "dotted", "none"],
    "holders_as": "lockHolders",
}


class UnlocAnswers(Simulator):
    """What both interfaces of Unloc need to answer."""

    own_faults = frozenset(
        {"empty", "partial", "duplicate", "wrong_shape", "nulls", "unknown_fields"}
    )

    @override
    @abstractmethod
    def reset(self) -> None:
        """Forget all tokens, and read what is not public in the likeliest way."""
        self.tokens: dict[str, Token] = {}
        self.raw: dict[str, list[Any]] = {}
        self.settings: Json = dict(SETTINGS)

    async def client_of(self, request: web.Request) -> Json:
        """Return what somebody posted who has the id and the secret."""
        try:
            body = await posted(request, form_too=True)
        except Refused as err:
            raise denied("invalid_request", 400) from err
        if body.get("client_id") != CLIENT_ID:
            raise denied("invalid_client", 401)
        if body.get("client_secret") != CLIENT_SECRET:
            raise denied("invalid_client", 401)
        return body

    def grant_token(self, token: Token, **told: Any) -> web.Response:
        """Answer with a token."""
        self.tokens[token.value] = token
        shown = {"access_token": token.value, "token_type": "bearer"}
        return web.json_response(shown | {"expires_in": TOKEN_LIFE} | told)

    def new_token(self, **options: Any) -> Token:
        """Make a token."""
        until = datetime.now(UTC) + timedelta(seconds=TOKEN_LIFE)
        return Token(until, **options)

    def token_of(self, request: web.Request) -> Token | None:
        """Return the token of a request, if it is good."""
        kind, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.get(value) if kind == "Bearer" else None
        return token if token and token.until > datetime.now(UTC) else None

    def one(
        self, request: web.Request, shown: Json, *, status: int = 200
    ) -> web.Response:
        """Answer with one object, or with what a fault makes of it."""
        if self.struck("wrong_shape", request.path):
            return web.json_response([shown], status=status)
        if self.struck("nulls", request.path):
            shown = dict.fromkeys(shown)
        if self.struck("unknown_fields", request.path):
            shown = shown | {"somethingNew": {"a": [1]}}
        return web.json_response(shown, status=status)

    def many(
        self,
        request: web.Request,
        name: str | None,
        items: list[Any],
        kind: str = "",
    ) -> web.Response:
        """Answer with a page of a list, or with what a fault makes of it."""
        items = items + self.raw.get(kind or name or "", [])
        if self.struck("empty", request.path):
            items = []
        if self.struck("partial", request.path):
            items = items[:-1]
        if self.struck("duplicate", request.path):
            items = items * 2
        if self.struck("nulls", request.path):
            items = [dict.fromkeys(each) | {"id": each["id"]} for each in items]
        if self.struck("unknown_fields", request.path):
            items = [each | {"state": "thawing", "new": 1} for each in items]
        page, after = self._page(request, items)
        if self.struck("wrong_shape", request.path):
            return web.json_response({"items": page})
        if name is None:
            return web.json_response(page)
        return web.json_response({name: page} | after)

    def _page(self, request: web.Request, items: list[Any]) -> tuple[list[Any], Json]:
        """Return the items after the one that is named, and which comes next."""
        limit = request.query.get("limit", str(MAX_PAGE))
        check(limit.isdecimal() and 0 < int(limit) <= MAX_PAGE, "limit", "is too large")
        size = min(int(limit), self.settings["page"])
        if after := request.query.get("startAfterId"):
            ids = [isinstance(each, dict) and each.get("id") for each in items]
            check(after in ids, "startAfterId", "does not exist")
            items = items[ids.index(after) + 1 :]
        page = items[:size]
        if page and (len(items) > size or self.settings["always_after"]):
            return page, {"startAfterId": page[-1]["id"]}
        return page, {}


def made_keys(keys: list[Key], shape: str) -> list[object]:
    """Return what a job tells of the keys that it made."""
    match shape:
        case "text":
            return [key.id for key in keys]
        case "key":
            return [{"key": {"id": key.id}} for key in keys]
        case "nothing":
            return [{} for _ in keys]
    return [{shape: key.id} for key in keys]


def problem(status: int, title: str, **told: Any) -> web.Response:
    """Answer as API v2 does when something is wrong."""
    return web.json_response(
        {"title": title, "detail": title, **told},
        status=status,
        content_type="application/problem+json",
    )


def denied(error: str, status: int) -> web.HTTPException:
    """Return the refusal of a token."""
    kinds = {400: web.HTTPBadRequest, 401: web.HTTPUnauthorized, 403: web.HTTPForbidden}
    body = json.dumps({"error": error, "errorDescription": error})
    return kinds[status](text=body, content_type="application/json")


async def posted(request: web.Request, *, form_too: bool = False) -> Json:
    """Return the posted JSON object; of tokens, what was posted as a form, too."""
    if form_too and request.content_type == "application/x-www-form-urlencoded":
        return dict(await request.post())
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(await request.read())
    except ValueError:
        body = None
    check(isinstance(body, dict), "body", "must be a JSON object")
    assert isinstance(body, dict)
    return body
