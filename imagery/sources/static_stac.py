"""Static STAC: a catalogue, a collection, an ItemCollection or an Item, in files or over HTTP.

Links and asset hrefs are resolved against the address the document was read from, as the STAC best practices
ask for. Only JSON is fetched here, from where the catalogue's own pixels might be read; pixels are read elsewhere.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from imagery.access import default_access
from imagery.address import is_remote
from imagery.errors import BadSource, SourceUnreachable
from imagery.listing import LeftOut, Listing, leave_out
from imagery.scene import Scene
from imagery.select import sift
from imagery.site import Site
from imagery.sources.facts import BadFact
from imagery.sources.fetch import Documents, MissingDocument, is_url
from imagery.sources.granule import with_view
from imagery.sources.stac_assets import resolve
from imagery.sources.stac_item import offered_scene

_MAX_DOCUMENTS = 20_000
_WORKERS = 8


@dataclass(frozen=True, kw_only=True)
class _Found:
    """One item, or why there is none."""

    address: str
    item: Mapping[str, Any] | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class StaticStac:
    """A source of scenes.

    Parameters
    ----------
    address : str
        Path or http(s) URL of the catalogue, collection, ItemCollection or Item.
    name : str
        What scenes call their source.
    document : JSON, optional
        What is at `address`, where it was read already.
    """

    address: str
    name: str
    document: Any = field(default=None, repr=False, compare=False)

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The scenes of a site in a period; every other item with the reason.

        Raises
        ------
        SourceUnreachable
            The catalogue, or its server, does not answer.
        BadSource
            The address holds something else.
        """
        scenes: dict[str, Scene] = {}
        left_out: list[LeftOut] = []
        with Documents(default_access(self.address)) as documents:
            for found in _walk(documents, self.address, self.document):
                made = _scene(found, self.name)
                if isinstance(made, LeftOut):
                    left_out.append(made)
                elif made.id in scenes:
                    left_out.append(leave_out(made, "listed twice in the catalogue; the first is used"))
                else:
                    scenes[made.id] = made
            sifted = sift(site, scenes.values(), start, end)
            usable = []
            for scene in sifted.usable:
                missing = _missing_file(scene)
                if missing is None:
                    # Of local files only: elsewhere it costs a download, which waits until the scene is compared.
                    local = scene.granule is not None and not is_remote(scene.granule)
                    usable.append(with_view(scene) if local else scene)
                else:
                    left_out.append(leave_out(scene, missing))
        return Listing(usable=tuple(usable), left_out=(*left_out, *sifted.left_out))


def _walk(documents: Documents, root: str, known: Any) -> Iterator[_Found]:
    """Every item below `root`, breadth first, each document once."""
    seen, waiting = {root}, deque([root])
    first = True
    while waiting:
        batch = [waiting.popleft() for _ in range(min(len(waiting), 4 * _WORKERS))]
        for address, document in zip(
            batch, [known] if first and known is not None else _read_all(documents, batch), strict=True
        ):
            if isinstance(document, MissingDocument):
                if first:
                    raise SourceUnreachable(f"{address}: cannot be read ({document}); check the address")
                yield _Found(address=address, reason=f"cannot be read: {document}")
                continue
            if first:
                _refuse_other(address, document)
                first = False
            yield from _items(address, document)
            for link in _links(address, document):
                if isinstance(link, _Found):
                    yield link
                elif link not in seen:
                    seen.add(link)
                    waiting.append(link)
        if len(seen) > _MAX_DOCUMENTS:
            raise BadSource(
                f"{root}: links to more than {_MAX_DOCUMENTS} documents; give one collection of it"
            )


def _read_all(documents: Documents, addresses: Sequence[str]) -> list[Any]:
    def read(address: str) -> Any:
        try:
            return documents.json(address)
        except MissingDocument as missing:
            return missing

    if len(addresses) == 1 or not is_url(addresses[0]):
        return [read(address) for address in addresses]
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(read, addresses))


def _refuse_other(address: str, document: Any) -> None:
    kind = document.get("type") if isinstance(document, Mapping) else None
    if kind not in {"Catalog", "Collection", "FeatureCollection", "Feature"}:
        raise BadSource(
            f"{address}: not a STAC catalogue, collection, ItemCollection or Item (type is {kind!r}); "
            "give the address of one"
        )
    conforms = document.get("conformsTo")
    if isinstance(conforms, list) and any("item-search" in str(name) for name in conforms):
        raise BadSource(
            f"{address}: this is the landing page of a STAC API, saved in a file; give the API's own address"
        )


def _items(address: str, document: Any) -> Iterator[_Found]:
    if not isinstance(document, Mapping):
        yield _Found(address=address, reason="is not a STAC document")
    elif document.get("type") == "FeatureCollection":
        features = document.get("features")
        for number, feature in enumerate(features if isinstance(features, list) else [], start=1):
            if isinstance(feature, Mapping):
                yield _Found(address=address, item=feature)
            else:
                yield _Found(address=f"{address} feature {number}", reason="is not a STAC Item")
    elif document.get("type") == "Feature":
        yield _Found(address=address, item=document)
    elif document.get("type") not in {"Catalog", "Collection"}:
        yield _Found(address=address, reason="is not a STAC document")


def _links(address: str, document: Any) -> Iterator[str | _Found]:
    if not isinstance(document, Mapping) or document.get("type") not in {"Catalog", "Collection"}:
        return
    links = document.get("links")
    for link in links if isinstance(links, list) else []:
        if not isinstance(link, Mapping) or link.get("rel") not in {"child", "item"}:
            continue
        href = link.get("href")
        try:
            yield resolve(str(href), address)
        except BadFact as error:
            yield _Found(address=str(href), reason=str(error))


def _scene(found: _Found, source: str) -> Scene | LeftOut:
    if found.item is None:
        return LeftOut(scene_id=found.address, acquired=None, reason=found.reason or "unreadable")
    return offered_scene(found.item, found.address, source=source)


def _missing_file(scene: Scene) -> str | None:
    for asset in scene.assets.values():
        if not is_url(asset.href) and not Path(asset.href).is_file():
            return f"its file {asset.href} does not exist; fetch it, or correct the item"
    return None
