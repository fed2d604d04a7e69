"""What pystac-client asks a STAC API through: our own requests, so that limits hold for every one of them."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pystac import Link
from pystac_client.stac_api_io import StacApiIO

from imagery.errors import AccessDenied, SourceUnreachable
from imagery.sources.pace import shared_pace
from imagery.sources.providers import Provider, known_providers
from imagery.sources.web import Patience, Refused, TooLarge, Web

MAX_PAGE_BYTES = 50_000_000
"""A page of 250 Sentinel-2 items takes about 5 MB."""

PATIENCE = Patience()
_METHOD_NOT_ALLOWED = 405
_REFUSALS = frozenset({401, 403})


class MethodNotAllowed(Exception):
    """The server does not take this method at this address."""


class ApiIO(StacApiIO):
    """Requests to the API of one provider; a context manager.

    Parameters
    ----------
    provider : Provider
    """

    def __init__(self, provider: Provider) -> None:
        super().__init__(max_retries=None)
        self._provider = provider
        self._web = Web(
            who=f"{provider.name} ({provider.url})" if provider.name != provider.url else provider.name,
            advice=advice(provider),
            patience=PATIENCE,
            pace=shared_pace(provider.name, provider.requests_per_second),
            forbids=self._forbids,
        )

    def __enter__(self) -> "ApiIO":
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()
        self.session.close()

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """The text an address answers.

        Raises
        ------
        MethodNotAllowed
            Another method has to be tried.
        SourceUnreachable
            Anything else that keeps the server from answering.
        """
        del headers  # of next links; none of the providers needs any, and they would go wherever a link leads
        verb = (method or "GET").upper()
        posted = verb in {"POST", "PUT", "PATCH"}
        try:
            content = self._web.fetch(
                href, limit=MAX_PAGE_BYTES, method=verb, headers={"Accept": "application/geo+json, application/json"},
                params=None if posted else parameters, body=parameters if posted else None,
            )  # fmt: skip
        except Refused as refused:
            if refused.status == _METHOD_NOT_ALLOWED:
                raise MethodNotAllowed from refused
            raise self._refusal(refused) from refused
        except TooLarge as large:
            raise self.broken(f"its answer is {large}") from large
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise self.broken("its answer is not text") from error

    def get_pages(
        self, url: str, method: str | None = None, parameters: dict[str, Any] | None = None
    ) -> Iterator[dict[str, Any]]:
        """The pages of a search.

        Raises
        ------
        SourceUnreachable
            A page is no list of items: a server that says "too many requests" with status 200 has not found nothing.
        """
        page = self.read_json(url, method=method, parameters=parameters)
        while True:
            features = page.get("features") if isinstance(page, dict) else None
            if not isinstance(features, list) or not all(isinstance(item, dict) for item in features):
                raise self.broken(f"its answer to the search is no list of items ({_said(json.dumps(page))})")
            yield page
            following = next((link for link in page.get("links") or () if link.get("rel") == "next"), None)
            if following is None:
                return
            page = self.read_json(Link.from_dict(following), parameters=parameters)

    def broken(self, what: str) -> SourceUnreachable:
        """The error for a server that answers, and wrongly."""
        return SourceUnreachable(
            f"{self._provider.name} ({self._provider.url}): {what}; {advice(self._provider)}", retried=True
        )

    def _refusal(self, refused: Refused) -> SourceUnreachable:
        said = f": {_said(refused.text)}" if refused.text.strip() else ""
        what = {
            400: f"does not accept the search (400{said})",
            401: "refuses (401): it asks for a login",
            403: f"refuses (403{said})",
            404: "has no STAC API there (404)",
        }.get(refused.status, f"answers {refused.status}{said}")
        error = self.broken(what)
        return AccessDenied(str(error), retried=True) if refused.status in _REFUSALS else error

    def _forbids(self, url: str) -> str | None:
        """Links of an answer may lead on within the API's own host only."""
        asked, own = urlsplit(url), urlsplit(self._provider.url)
        if asked.scheme in {"http", "https"} and asked.hostname == own.hostname:
            return None
        return f"it leads on to {url}, which is not its own host"


def _said(text: str) -> str:
    """What the server says about it, on one line."""
    try:
        document = json.loads(text)
        if isinstance(document, dict):
            text = str(
                document.get("description") or document.get("detail") or document.get("message") or text
            )
    except ValueError:
        pass
    return " ".join(text.split())[:200]


def advice(provider: Provider) -> str:
    """What to try when a provider does not answer."""
    others = [name for name in known_providers() if name != provider.name]
    return f"check the connection, try again later, or use another source ({', '.join(others)})"
