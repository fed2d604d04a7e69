"""A small archive for the flow tests: a site of its own, and scenes of it in a static ItemCollection."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

GSD_M = 3.0
ROWS, COLS = 700, 1600
"""At about 512 px a side: two rows and three columns of tiles."""

WEST, NORTH = 767_000.0, 3_920_000.0
EPSG = 32636

Box = tuple[int, int, int, int]
"""row0, col0, row1, col1"""

SHIP: Box = (300, 180, 312, 220)
NEWCOMER: Box = (450, 700, 462, 738)


def write_sites(path: Path, name: str = "field") -> Path:
    """A site file with one site, whose AOI lies a little inside the scenes."""
    to_lonlat = Transformer.from_crs(EPSG, 4326, always_xy=True)
    west, north = WEST + 30, NORTH - 30
    east, south = WEST + COLS * GSD_M - 30, NORTH - ROWS * GSD_M + 30
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    features = [
        site_feature(name, "aoi", "aoi", [list(to_lonlat.transform(*point)) for point in ring]),
        site_feature(
            name, "east_yard", "equipment_yard",
            [
                list(to_lonlat.transform(x, y))
                for x, y in [
                    (WEST + 1500, NORTH - 1900), (WEST + 3000, NORTH - 1900), (WEST + 3000, NORTH - 900),
                    (WEST + 1500, NORTH - 900), (WEST + 1500, NORTH - 1900),
                ]
            ],
        ),
    ]  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def site_feature(site: str, zone: str, kind: str, ring: list[list[float]]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": f"{site}.{zone}",
        "properties": {
            "site": site, "zone": zone, "name": f"{site} {zone}", "kind": kind, "source": "made for a test",
            "confidence": "high", "position_error_m": 5, "parent": None, "watch": kind != "aoi",
        },
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }  # fmt: skip


def write_archive(
    folder: Path,
    dates: Mapping[str, Sequence[Box]],
    *,
    cloud: Mapping[str, Sequence[Box]] | None = None,
    noise: float = 4.0,
    nir: bool = False,
    simulated: bool = False,
) -> Path:
    """Scenes with bright objects, as an ItemCollection.

    Parameters
    ----------
    dates : mapping of ISO date to objects
    cloud : mapping of ISO date to clouded boxes
    noise : float
        Standard deviation, digital numbers; 0 makes equal dates equal byte for byte.
    nir : bool
        A fourth band, in which the ground is brighter.
    simulated : bool
        What the items say of themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ground = _ground()
    if nir:
        ground = np.concatenate([ground, ground[:1] * 1.7])
    items = []
    for i, (date, objects) in enumerate(dates.items()):
        rng = np.random.default_rng(100 + i)
        image = ground + (rng.normal(0, noise, ground.shape) if noise else 0.0)
        for row0, col0, row1, col1 in objects:
            image[:, row0:row1, col0:col1] += 900
        scl = np.full((ROWS, COLS), 5, np.uint8)
        for row0, col0, row1, col1 in (cloud or {}).get(date, ()):
            scl[row0:row1, col0:col1] = 9
            image[:, row0:row1, col0:col1] = 3500
        item = _item(folder, date, image, scl)
        if simulated:
            item["properties"]["sitewatch:simulated"] = True
        items.append(item)
    path = folder / "items.json"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return path


def _ground() -> NDArray[np.float64]:
    rng = np.random.default_rng(7)
    coarse = gaussian_filter(rng.normal(0, 1, (ROWS, COLS)), 12)
    fine = gaussian_filter(rng.normal(0, 1, (ROWS, COLS)), 1.5)
    texture = 1200 + 150 * coarse / coarse.std() + 70 * fine / fine.std()
    return np.stack([texture, 0.9 * texture + 40, 0.8 * texture + 90])


def _item(folder: Path, date: str, image: NDArray[np.float64], scl: NDArray[np.uint8]) -> dict[str, Any]:
    identity = f"scene-{date}"
    assets: dict[str, Any] = {}
    for name, band in zip(("red", "green", "blue", "nir")[: len(image)], image, strict=True):
        assets[name] = _asset(folder / f"{identity}-{name}.tif", band.clip(1, 65535).astype(np.uint16), name)
    assets["scl"] = _asset(folder / f"{identity}-scl.tif", scl, None)
    to_lonlat = Transformer.from_crs(EPSG, 4326, always_xy=True)
    east, south = WEST + COLS * GSD_M, NORTH - ROWS * GSD_M
    ring = [(WEST, south), (east, south), (east, NORTH), (WEST, NORTH), (WEST, south)]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": identity, "collection": "made-for-a-test", "links": [],
        "geometry": {"type": "Polygon", "coordinates": [[list(to_lonlat.transform(*p)) for p in ring]]},
        "properties": {
            "datetime": f"{date}T08:20:00Z", "gsd": GSD_M, "platform": "test-1", "sitewatch:sensor": "optical",
            "sitewatch:quantity": "dn",
        },
        "assets": assets,
    }  # fmt: skip


def _asset(path: Path, data: NDArray[Any], colour: str | None) -> dict[str, Any]:
    with rasterio.open(
        path, "w", driver="GTiff", width=COLS, height=ROWS, count=1, dtype=data.dtype, crs=EPSG, tiled=True,
        blockxsize=256, blockysize=256, transform=from_origin(WEST, NORTH, GSD_M, GSD_M), compress="deflate",
        nodata=0,
    ) as out:  # fmt: skip
        out.write(data, 1)
    bands = [{"name": colour, "common_name": colour}] if colour else []
    return {
        "href": path.name, "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": bands,
    }  # fmt: skip
