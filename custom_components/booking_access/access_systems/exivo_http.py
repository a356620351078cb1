"""exivo by HTTP: the account's sign-in, lists page by page, and changes made once."""

from base64 import b64encode
from collections.abc import Callable, Container, Mapping
from typing import Any, Final
from urllib.parse import quote

from aiohttp import ClientSession
from yarl import URL

from ..engine.models import ConnectionFailed, ContractError
from ..transport import Answer, raise_for_status, request
from .exivo_read import Json, expect, raise_unless_done, text_of

DEFAULT_URL: Final = "https://api.exivo.io/v1"
PAGE: Final = 200


class ExivoHttp:
    """Asks about one site."""

    def __init__(self, session: ClientSession, said: Mapping[str, str]) -> None:
        """Take the settings as the form has them, without blanks around them."""
        self._session = session
        account = f"{said.get('api_key', '')}:{said.get('api_secret', '')}"
        self._headers = {
            "Authorization": f"Basic {b64encode(account.encode()).decode()}",
            "Accept": "application/json",
        }
        self.url = said.get("url") or DEFAULT_URL
        self._site = said.get("site_id", "")

    async def list(
        self,
        *path: str,
        unless: Container[int] = (),
        query: Mapping[str, str] | None = None,
        enough: Callable[[list[Any]], bool] = lambda _: False,
    ) -> dict[str, Json] | None:
        """Return a whole list by id, less the items that have none.

        None if the first answer's status is one of ``unless``. No more is asked
        for after a page that is ``enough``.

        Unknown is whether a list without a limit is whole. Asking page by page
        is right in each reading: that it is (0 meaning all), that it is a page,
        that the limit is capped, and that skip or limit mean nothing there.
        """
        found: dict[str, Json] = {}
        skip = 0
        while True:
            part = {"skip": str(skip), "limit": str(PAGE), **(query or {})}
            answer = await self.ask("GET", *path, query=part)
            if answer.status in unless and not skip:
                return None
            raise_for_status(answer)
            page = expect(answer.json(), list, path[0])
            new = {
                item_id: item
                for item in page
                if isinstance(item, dict) and (item_id := text_of(item.get("id")))
                if item_id not in found
            }
            found |= new
            skip += len(page)
            # A short page of a round length may be that of a server that caps
            # the limit; a visit that is overlooked would be made again.
            if not new or (len(page) < PAGE and len(page) % 5) or enough(page):
                break
        if skip and not found:  # another contract, which must not look like nothing
            raise ContractError(f"{path[0]}.id")
        return found

    async def do(self, *path: str, body: Json) -> Answer:
        """Change something, once; raise unless it is done."""
        answer = await self.ask("POST", *path, body=body)
        raise_unless_done(answer)
        return answer

    async def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Answer:
        """Send one request about the site and return its answer, whatever it is."""
        parts = [quote(part, safe="") for part in (self._site, *path)]
        try:
            url = URL(self.url).joinpath(*parts, encoded=True)
        except ValueError as err:
            raise ConnectionFailed("url") from err
        return await request(
            self._session,
            method,
            url,
            writes=method == "POST",
            headers=self._headers,
            params=query,
            json=body,
        )
