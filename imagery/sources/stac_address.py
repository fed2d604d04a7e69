"""An http(s) address of which only the document behind it tells what it is: a STAC API, or a static catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from imagery.access import default_access
from imagery.errors import SourceUnreachable
from imagery.listing import Listing
from imagery.site import Site
from imagery.sources.fetch import Documents, MissingDocument
from imagery.sources.providers import ad_hoc, provider_at
from imagery.sources.stac_api import StacApi
from imagery.sources.static_stac import StaticStac


@dataclass(frozen=True, kw_only=True)
class StacAddress:
    """A source of scenes.

    Parameters
    ----------
    address : str
        http(s) URL of a STAC API's landing page, of one of its collections, or of a static document.
    name : str
        What scenes call their source, unless a provider has the address.
    """

    address: str
    name: str

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The scenes of a site in a period; every other item with the reason.

        Raises
        ------
        SourceUnreachable
            The server does not answer.
        BadSource
            The address holds something else.
        """
        with Documents(default_access(self.address)) as documents:
            try:
                document = documents.json(self.address)
            except MissingDocument as missing:
                raise SourceUnreachable(
                    f"{self.address}: cannot be read ({missing}); check the address", retried=True
                ) from missing
        return source_of(self.address, self.name, document).find(site, start, end)


def source_of(address: str, name: str, document: Any) -> StacApi | StaticStac:
    """What a document makes of the address it was read from."""
    if is_api(document):
        return StacApi(provider=provider_at(address) or ad_hoc(address))
    root = _api_of_collection(document, address)
    if root is not None:
        return StacApi(provider=provider_at(root) or ad_hoc(root), collections=(str(document["id"]),))
    return StaticStac(address=address, name=name, document=document)


def is_api(document: Any) -> bool:
    """Whether a landing page is that of a STAC API with item search: it says so, or links to it."""
    if not isinstance(document, Mapping) or document.get("type") != "Catalog":
        return False
    conforms = document.get("conformsTo")
    stated = isinstance(conforms, list) and any("item-search" in str(name) for name in conforms)
    return stated or "search" in _links(document)


def _api_of_collection(document: Any, address: str) -> str | None:
    """The API that a collection belongs to: only an API's collection links to its items as one list."""
    if not isinstance(document, Mapping) or document.get("type") != "Collection" or not document.get("id"):
        return None
    links = _links(document)
    return urljoin(address, links["root"]) if {"items", "root"} <= set(links) else None


def _links(document: Mapping[str, Any]) -> dict[str, str]:
    links = document.get("links")
    return {
        str(link.get("rel")): str(link.get("href"))
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, Mapping)
    }
