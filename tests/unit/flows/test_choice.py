"""Cloud over the AOI and its zones does not depend on how the grid is cut up to count it."""

from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
import shapely
from affine import Affine
from odc.geo.geobox import GeoBox
from pyproj import CRS
from rasterio.features import geometry_mask
from scipy.ndimage import gaussian_filter

from flows.choice import Clouds, measure_cloud
from flows.site_grids import pair_grid
from imagery.geometry import projected, reprojected
from imagery.grid import zone_mask
from imagery.quality import pass_quality
from imagery.raster import Window
from imagery.scene import Asset, Scene
from imagery.site import Site, Zone
from tests.unit.imagery.rasters import NORTH_UP, UTM36, scene, write

ROWS, COLS = 130, 170
LONLAT = CRS.from_epsg(4326)
OUTLINES = {
    "whole": (-200, -200, 2000, 2000),
    "across_seams": (310, 290, 990, 1010),
    "half_off": (1400, 1100, 1900, 1500),
    "smaller_than_a_pixel": (641, 641, 644, 644),
    "elsewhere": (9000, 9000, 9500, 9500),
}
"""West, north, east, south in metres from the scene's corner."""


def outline(west: float, north: float, east: float, south: float) -> shapely.Geometry:
    shape = shapely.box(NORTH_UP.c + west, NORTH_UP.f - south, NORTH_UP.c + east, NORTH_UP.f - north)
    return reprojected(shape, CRS.from_user_input(UTM36), LONLAT, segment=100.0)


def site(crs: str) -> Site:
    zones = {
        name: Zone(
            id=name, name=name, kind="quay", geometry=outline(*corners), position_error_m=5,
            confidence="high", source="made for a test",
        )
        for name, corners in OUTLINES.items()
    }  # fmt: skip
    aoi = outline(20, 20, COLS * 10 - 20, ROWS * 10 - 20)
    return Site(
        id="field", name="field", aoi=aoi, crs=CRS.from_user_input(crs), zones=MappingProxyType(zones)
    )


def clouded(folder: Path) -> Scene:
    """A pass in two tiles, the quality bands at half the resolution and half a pixel beside it."""
    parts = []
    for seed, name in enumerate(("west", "east")):
        noise = gaussian_filter(np.random.default_rng(seed).normal(size=(ROWS // 2 + 4, COLS // 2 + 4)), 5)
        classes = np.full(noise.shape, 5, np.uint8)
        classes[noise > 0.03] = 9
        classes[noise < -0.05] = 0
        at = NORTH_UP * Affine.translation(-1.5, -2.3) * Affine.scale(2)
        quality = write(folder / f"{name}-scl.tif", classes[None], transform=at)
        red = write(folder / f"{name}.tif", np.full((1, ROWS, COLS), 900, np.uint16))
        assets = {
            "red": Asset(href=str(red), bands=("red",)),
            "scl": Asset(href=str(quality), bands=("scl",), role="quality", quality="scl"),
        }
        parts.append(scene(assets, id=name))
    return replace(parts[0], siblings=(parts[1],))


def at_once(taken: Scene, place: Site) -> Clouds:
    """The same from whole masks, as it is defined."""
    grid: GeoBox = pair_grid(place, taken, taken)
    rows, cols = grid.shape
    quality = pass_quality(taken, grid)
    assert quality is not None
    cloud, _ = quality.at(Window(row0=0, col0=0, row1=rows, col1=cols))
    aoi = geometry_mask(
        [projected(place.aoi, place.crs)], out_shape=(rows, cols), transform=grid.affine, invert=True
    )
    masks = {name: zone_mask(zone, grid) for name, zone in place.zones.items()}
    share = {name: float((cloud & mask).sum() / mask.sum()) for name, mask in masks.items() if mask.any()}
    return Clouds(aoi=float((cloud & aoi).sum() / aoi.sum()), zones=share)


@pytest.mark.parametrize("crs", [UTM36, "EPSG:32637"], ids=["own CRS", "another CRS"])
def test_cloud_is_the_same_in_blocks_of_any_size(
    crs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imagery.quality.MIN_CLOUD_M2", 0.0)
    taken, place = clouded(tmp_path), site(crs)
    expected = at_once(taken, place)
    assert set(expected.zones) == set(OUTLINES) - {"elsewhere"}
    assert 0.1 < expected.aoi < 0.9
    for block_px in (7, 33, 64, 1024):
        monkeypatch.setattr("imagery.grid._BLOCK_PX", block_px)
        assert measure_cloud(taken, place) == expected, block_px


def test_where_no_pixel_of_the_aoi_is_reached_nothing_is_measured(tmp_path: Path) -> None:
    taken = clouded(tmp_path)
    bare = replace(taken, siblings=(), assets={"red": taken.assets["red"]})
    assert measure_cloud(bare, site(UTM36)) is None
