"""STAC APIs: all items of a site in a period, through pystac-client, as scenes.

Only JSON is fetched here. The search asks for every collection of the provider at once; whatever pages the server
makes of the answer, each item is taken once.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pystac.errors import STACError, STACTypeError
from pystac_client import Client
from pystac_client.errors import ClientTypeError
from pystac_client.exceptions import APIError
from pystac_client.warnings import DoesNotConformTo
from shapely.geometry import mapping

from imagery.errors import BadSource, SitewatchError
from imagery.listing import LeftOut, Listing, leave_out
from imagery.scene import Scene
from imagery.select import sift
from imagery.site import Site
from imagery.sources.api_io import ApiIO, MethodNotAllowed
from imagery.sources.providers import Provider
from imagery.sources.stac_item import offered_scene

MAX_ITEMS = 20_000
"""Two sensors over one place give about 500 items a year; more means that the search is not what was meant."""

MAX_SEARCH_S = 300.0
"""Of a server that answers, and does not come to an end. One that does not answer is given up much earlier."""

Item = Mapping[str, Any]

_NOT_STAC = (
    APIError, STACError, STACTypeError, ClientTypeError, ValueError, KeyError, TypeError, AttributeError,
    RecursionError,
)  # fmt: skip
"""What pystac and pystac-client raise over a document that is something else."""


@dataclass(frozen=True, kw_only=True)
class StacApi:
    """A source of scenes.

    Parameters
    ----------
    provider : Provider
    collections : tuple of str
        Ids of those that are searched; empty for all of the API.
    """

    provider: Provider
    collections: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The provider's."""
        return self.provider.name

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The scenes of a site in a period; every other item with the reason.

        Raises
        ------
        SourceUnreachable
            The API does not answer, refuses, or answers wrongly.
        BadSource
            There is no STAC API at the address, or it finds far too much.
        """
        with ApiIO(self.provider) as io:
            items = list(_unique(io, self._pages(io, site, start, end), self.provider))
        scenes: list[Scene] = []
        left_out: list[LeftOut] = []
        for item in items:
            made = offered_scene(item, _self(item, self.provider), source=self.name, provider=self.provider)
            if isinstance(made, Scene):
                scenes.append(made)
            else:
                left_out.append(made)
        unique, twins = _by_id(scenes, self.provider.preference)
        sifted = sift(site, unique, start, end)
        return Listing(
            usable=sifted.usable,
            left_out=(*left_out, *twins, *sifted.left_out),
            preference=self.collections or self.provider.preference,
        )

    def _pages(self, io: ApiIO, site: Site, start: datetime, end: datetime) -> Iterator[Mapping[str, Any]]:
        def searched(method: str) -> Iterator[Mapping[str, Any]]:
            found = client.search(
                method=method,
                collections=list(self.collections or self.provider.preference) or None,
                intersects=mapping(site.aoi),
                datetime=_interval(start, end),
                limit=self.provider.page_size,
            )
            pages: Iterator[Mapping[str, Any]] = found.pages_as_dicts()
            return pages

        try:
            client = Client.open(self.provider.url, stac_io=io)
            if client.get_search_link() is not None:
                # A link to its search counts for as much as the statement that there is one.
                client.add_conforms_to("ITEM_SEARCH")
            try:
                yield from searched("POST")
            except MethodNotAllowed:
                yield from searched("GET")
        except SitewatchError:
            raise
        except (NotImplementedError, DoesNotConformTo) as error:
            raise BadSource(
                f"{self.provider.name} ({self.provider.url}): says it is a STAC API and offers no search; "
                "give the address of an API with item search, or of a catalogue"
            ) from error
        except _NOT_STAC as error:
            raise io.broken(f"its answer is not that of a STAC API ({_brief(error)})") from error


def _brief(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:150] or type(error).__name__


def _interval(start: datetime, end: datetime) -> str:
    """Whole seconds that hold the period; what lies a fraction outside is sifted out afterwards."""
    first = start.astimezone(UTC).replace(microsecond=0)
    last = end.astimezone(UTC)
    last = last.replace(microsecond=0) + timedelta(seconds=1 if last.microsecond else 0)
    return f"{first:%Y-%m-%dT%H:%M:%SZ}/{last:%Y-%m-%dT%H:%M:%SZ}"


def _unique(io: ApiIO, pages: Iterator[Mapping[str, Any]], provider: Provider) -> Iterator[Item]:
    """Each item once.

    Raises
    ------
    SourceUnreachable
        A page brings nothing new: the server does not understand its own links to the next page, and what it never
        shows would be missing without a trace.
    """
    begun = time.monotonic()
    seen: set[tuple[str, str]] = set()
    for number, page in enumerate(pages, start=1):
        fresh = {(str(item.get("collection")), str(item.get("id"))): item for item in page["features"]}
        fresh = {key: item for key, item in fresh.items() if key not in seen}
        if not fresh:
            raise io.broken(
                f"page {number} of the answer repeats items of the pages before, so that its list would not be complete"
            )  # fmt: skip
        seen |= set(fresh)
        if time.monotonic() - begun > MAX_SEARCH_S:
            raise io.broken(
                f"after {MAX_SEARCH_S:.0f} s and {len(seen)} items its answer has not come to an end"
            )
        if len(seen) > MAX_ITEMS:
            raise BadSource(
                f"{provider.name} ({provider.url}): more than {MAX_ITEMS} items; choose a shorter period, or give "
                "the address of one collection"
            )
        yield from fresh.values()


def _self(item: Item, provider: Provider) -> str:
    """Address of an item; relative hrefs in it start there."""
    links = item.get("links")
    for link in links if isinstance(links, list) else []:
        if (
            isinstance(link, Mapping)
            and link.get("rel") == "self"
            and str(link.get("href")).startswith("http")
        ):
            return str(link["href"])
    return f"{provider.url.rstrip('/')}/collections/{item.get('collection')}/items/{item.get('id')}"


def _by_id(scenes: list[Scene], preference: tuple[str, ...]) -> tuple[list[Scene], list[LeftOut]]:
    """Scenes with different ids: everything downstream goes by them, and two collections may use one id each."""
    rank = {collection: place for place, collection in enumerate(preference)}
    kept: dict[str, Scene] = {}
    twins: list[LeftOut] = []
    for scene in sorted(scenes, key=lambda s: (rank.get(s.collection, len(rank)), s.collection)):
        if scene.id not in kept:
            kept[scene.id] = scene
        elif scene.datatake and kept[scene.id].datatake == scene.datatake:
            twins.append(leave_out(scene, f"the same id in {kept[scene.id].collection}, which is used"))
        else:
            renamed = replace(scene, id=f"{scene.collection}.{scene.id}")
            kept[renamed.id] = renamed
    return list(kept.values()), twins
