"""How the exivo simulator reads what is posted, and what faults make of its answers."""

import json
from typing import Any

from aiohttp import web

from .exivo_site import Json, check


async def body_of(request: web.Request, *, required: bool = True) -> Json:
    """Return the posted JSON object."""
    text = await request.read()
    if not text and not required:
        return {}
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    check(isinstance(body, dict), "body")
    assert isinstance(body, dict)
    return body


def number_of(request: web.Request, name: str) -> int:
    """Return a number of the query; 0 if it is not said."""
    value = request.query.get(name, "0")
    check(value.isdecimal(), name)
    return int(value)


def emptied(shown: Any) -> Any:
    """Return it with nothing said but its id, and whether it is a gateway."""
    kept = ("id", "templateIdentifier")
    return {name: value if name in kept else None for name, value in shown.items()}
