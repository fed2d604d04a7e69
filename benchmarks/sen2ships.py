"""Real Sentinel-2 port scenes of the labelled set sen2ships, as reflectance on 10 m grids, and where their ships are.

The set delivers Web Mercator pixels, which on the ground measure 10 m times the cosine of the latitude (7.8-8.7 m
here): they were interpolated finer than the sensor's own. They are put on a 10 m UTM grid by one cubic interpolation.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.warp import Resampling, calculate_default_transform, reproject, transform, transform_bounds

BANDS = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
GSD_M = 10.0
_FULL_SCALE = 65535.0
"""The service delivers reflectance 0-1 on the whole range of 16 bits; brighter things are cut off."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PortScene:
    """One scene.

    Parameters
    ----------
    name : str
        Place.
    reflectance : float32 (band, row, col)
        In the order of `BANDS`; NaN outside the delivered image.
    grid : GeoBox
        UTM, 10 m.
    ships : float64 (n, 4)
        Boxes col0, row0, col1, row1 of labelled vessels.
    """

    name: str
    reflectance: NDArray[np.float32]
    grid: GeoBox
    ships: NDArray[np.float64]


def port_scenes(folder: Path) -> list[PortScene]:
    """Every place in a copy of the set, by name."""
    return [
        _scene(place) for place in sorted(folder.iterdir()) if place.is_dir() and any(place.glob("*B08*"))
    ]


def _scene(place: Path) -> PortScene:
    paths = [next(iter(place.glob(f"*_{band}_*"))) for band in BANDS.values()]
    with rasterio.open(paths[0]) as first:
        source, shape, crs = first.transform, first.shape, first.crs
        west, south, east, north = transform_bounds(crs, "EPSG:4326", *first.bounds)
        bounds = first.bounds
    zone = int(((west + east) / 2 + 180) // 6) + 1
    utm = f"EPSG:{(32600 if south + north > 0 else 32700) + zone}"
    affine, cols, rows = calculate_default_transform(crs, utm, shape[1], shape[0], *bounds, resolution=GSD_M)
    data = np.full((len(paths), rows, cols), np.nan, np.float32)
    for band, path in zip(data, paths, strict=True):
        with rasterio.open(path) as image:
            numbers = image.read(1).astype(np.float32) / _FULL_SCALE
        reproject(
            numbers, band, src_transform=source, src_crs=crs, dst_transform=affine, dst_crs=utm,
            dst_nodata=np.nan, resampling=Resampling.cubic,
        )  # fmt: skip
    return PortScene(
        name=place.name,
        reflectance=data,
        grid=GeoBox((rows, cols), affine, utm),
        ships=_ships(place / f"{place.name}_coco.json", source, crs, affine, utm),
    )


def _ships(path: Path, source: Affine, crs: str, affine: Affine, utm: str) -> NDArray[np.float64]:
    boxes = []
    for label in json.loads(path.read_text())["annotations"]:
        col, row, width, height = label["bbox"]
        corners = [source * (col + i * width, row + j * height) for i in (0, 1) for j in (0, 1)]
        xs, ys = transform(crs, utm, *zip(*corners, strict=True))
        placed = np.array([~affine * point for point in zip(xs, ys, strict=True)])
        boxes.append([*placed.min(axis=0), *placed.max(axis=0)])
    return np.array(boxes, np.float64).reshape(-1, 4)
