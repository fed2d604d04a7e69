"""STAC: a copy of a run that stands alone: its Item with every asset, its site's Collection, a Catalog.

The copy has the layout of an outputs folder, so that ``sitewatch verify`` works on it. Earlier versions of the run are
not in it; where the Item named one, the link is taken out and the Item sealed anew.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog import layout, stac
from catalog.errors import BrokenRecord, CatalogError
from catalog.reader import StoredRun
from imagery.copies import sha256_of

REVIEWS = "reviews.geojson"

_LEADS_TO_OTHERS = frozenset({"predecessor-version", "successor-version", "latest-version"})


def check_dated(run: StoredRun) -> None:
    """Raise where a run has no Item.

    Raises
    ------
    CatalogError
    """
    if run.item is None:
        raise CatalogError(
            f"{run.report.name} has no STAC Item, since its images have no dates; compare them again with "
            "--before-time and --after-time, or choose other formats"
        )


def write_stac(target: Path, run: StoredRun, *, said: bytes | None = None, head: str | None = None) -> Path:
    """Copy a run into the folder `target`, which must not exist; returns the path of its Item.

    Parameters
    ----------
    target : Path
    run : StoredRun
    said : bytes or None
        What reviewers said of it, as GeoJSON: becomes an asset of the Item, which is then sealed anew.
    head : str or None
        Hash of the last event of the journal that this stands in.

    Raises
    ------
    BrokenRecord
        A file of the run is not as its Item says, or is missing.
    CatalogError
        The run has no Item.
    """
    check_dated(run)
    item = _standing_alone(dict(run.item or {}))
    folder = target / layout.check_name(run.report.name)
    folder.mkdir(parents=True)
    for asset in item["assets"].values():
        _copy(run.folder, folder, asset)
    if said is not None:
        item = _with_reviews(folder, item, said, head)
    layout.write_json(folder / layout.ITEM, item)
    _write_parents(target, run, item)
    return folder / layout.ITEM


def _with_reviews(folder: Path, item: dict[str, Any], said: bytes, head: str | None) -> dict[str, Any]:
    layout.write_bytes(folder / REVIEWS, said)
    asset = {
        "href": f"./{REVIEWS}", "type": "application/geo+json", "roles": ["metadata"], "title": "What reviewers said",
        "file:size": len(said), "file:checksum": layout.multihash(sha256_of(folder / REVIEWS)),
        "sitewatch:journal_head": head,
    }  # fmt: skip
    return stac.sealed({**item, "assets": {**item["assets"], "reviews": asset}})


def _standing_alone(item: dict[str, Any]) -> dict[str, Any]:
    links = [link for link in item["links"] if link["rel"] not in _LEADS_TO_OTHERS]
    if len(links) == len(item["links"]):
        return item
    return stac.sealed({**item, "links": links})


def _copy(source: Path, target: Path, asset: Mapping[str, Any]) -> None:
    href = str(asset["href"])
    path = source / href
    if not href.startswith("./") or not path.resolve().is_relative_to(source.resolve()):
        raise BrokenRecord(
            f"{source / layout.ITEM} names {href}, which is not inside the run; run the pair again"
        )
    copy = target / href
    copy.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(path, copy)
    except FileNotFoundError as error:
        raise BrokenRecord(f"{path} is missing, though the run lists it; run the pair again") from error
    stated = str(asset.get("file:checksum", "")).removeprefix(layout.multihash(""))
    if stated and sha256_of(copy) != stated:
        raise BrokenRecord(f"{path} is not as it was written; see `sitewatch verify`")


def _write_parents(target: Path, run: StoredRun, item: Mapping[str, Any]) -> None:
    site = run.report.site
    if site is None:
        layout.write_json(target / layout.CATALOG, stac.catalog_document([], {run.report.name: item}))
        return
    home, name = layout.check_name(run.report.name).parts
    layout.write_json(target / home / layout.COLLECTION, stac.collection_document(site, {name: item}))
    layout.write_json(target / layout.CATALOG, stac.catalog_document([home], {}))
