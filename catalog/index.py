"""collection.json and catalog.json: kept in step with the runs that are on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog import stac
from catalog.errors import CatalogError
from catalog.layout import CATALOG, COLLECTION, ITEM, read_json, replace_json
from catalog.lock import held

LOCK = "catalog"


def update(root: Path, site: Mapping[str, Any] | None) -> None:
    """Write the Collection of `site` (None: only the root) and the Catalog anew from what is there.

    An Item that cannot be read is left out: one broken run must not keep the others from being found.
    """
    with held(root, LOCK):
        if site is not None:
            folder = root / site["id"]
            replace_json(folder / COLLECTION, stac.collection_document(site, items_of(folder)))
        collections = [path.parent.name for path in root.glob(f"*/{COLLECTION}") if _visible(path.parent)]
        replace_json(root / CATALOG, stac.catalog_document(collections, items_of(root)))


def items_of(folder: Path) -> dict[str, dict[str, Any]]:
    """Run folder name to Item document, for the runs directly inside `folder`."""
    found = {}
    for path in sorted(folder.glob(f"*/{ITEM}")):
        if _visible(path.parent):
            try:
                found[path.parent.name] = read_json(path)
            except CatalogError:
                continue
    return found


def _visible(folder: Path) -> bool:
    return not folder.name.startswith(".")
