"""Where vendors bring their news to: a webhook of Home Assistant for an account."""

from http import HTTPStatus

from aiohttp import web

from homeassistant.components import webhook
from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError

from .const import DOMAIN, LOGGER
from .coordinator import AccountCoordinator, BookingAccessConfigEntry
from .engine.models import VendorError
from .push import CONF_WEBHOOK_ID, MAX_PUSH, PushRefused


def async_receive(
    hass: HomeAssistant,
    entry: BookingAccessConfigEntry,
    coordinator: AccountCoordinator,
) -> CALLBACK_TYPE:
    """Take what is brought to an account; returns how to stop that."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]

    async def handle(_: HomeAssistant, __: str, request: web.Request) -> web.Response:
        return await _async_handle(coordinator, request)

    webhook.async_register(
        hass, DOMAIN, entry.title, webhook_id, handle, allowed_methods=("POST",)
    )
    return lambda: webhook.async_unregister(hass, webhook_id)


async def _async_handle(
    coordinator: AccountCoordinator, request: web.Request
) -> web.Response:
    """Take one request; tells the sender what is wrong with it, if something is."""
    body = bytearray()
    while chunk := await request.content.read(MAX_PUSH):
        body += chunk
        if len(body) > MAX_PUSH:
            return _refused(HTTPStatus.CONTENT_TOO_LARGE, "This is more than 1 MiB.")
    try:
        answer = await coordinator.async_take_push(request.headers, bytes(body))
    except PushRefused as err:
        LOGGER.debug("%s: a request was refused: %s", coordinator.name, err)
        return web.json_response(err.answer, status=err.status)
    except VendorError as err:
        LOGGER.debug("%s: news cannot be had: %s", coordinator.name, type(err).__name__)
        return _refused(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "This cannot be looked up now. Please try again.",
        )
    return web.json_response(answer)


def _refused(status: HTTPStatus, error: str) -> web.Response:
    """Return why a request is not taken."""
    return web.json_response({"error": error}, status=status)


def async_address(hass: HomeAssistant, webhook_id: str) -> str:
    """Return where to send to; only the path where nobody knows our address."""
    try:
        return webhook.async_generate_url(hass, webhook_id)
    except NoURLAvailableError:
        return webhook.async_generate_path(webhook_id)
