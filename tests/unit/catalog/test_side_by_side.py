"""Files that are written at the same time, as those of a run are."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rasterio
import rasterio.env
from affine import Affine
from odc.geo.geobox import GeoBox

from catalog import cog
from imagery.drivers import raster_env
from imagery.raster import FloatArray
from imagery.tile import Tile, tiles

SHAPE = (700, 900)
GRID = GeoBox(SHAPE, Affine(3, 0, 0, 0, -3, 0), "EPSG:32636")
CUT = tuple(tiles(SHAPE, size_px=300, halo_px=0))


def test_rasters_that_are_written_side_by_side_keep_every_block(tmp_path: Path) -> None:
    """With a tiny block cache, set for each writer, about one file in fifty lost a tile."""
    values = np.random.default_rng(3).integers(0, 200, SHAPE).astype(np.float32)

    def tile(of: Tile) -> FloatArray:
        core = of.core
        return values[core.row0 : core.row1, core.col0 : core.col1]

    def write(number: int) -> FloatArray:
        path = tmp_path / f"{number}.tif"
        cog.write_evidence(path, GRID, CUT, tile)
        with raster_env(), rasterio.open(path) as written:
            read: FloatArray = written.read(1)
        return read

    with ThreadPoolExecutor(3) as pool:
        for read in pool.map(write, range(45)):
            np.testing.assert_array_equal(read, values)


def test_opening_a_raster_leaves_the_block_cache_alone() -> None:
    """Setting its size throws out what other threads are writing."""
    with raster_env():
        assert "GDAL_CACHEMAX" not in rasterio.env.getenv()
