"""Reading of real files, and of one as large as a whole Sentinel-2 tile."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.windows import Window as RioWindow

from imagery.image_file import open_pair
from imagery.quality import pass_quality
from imagery.raster import Window
from imagery.read import scene_reader
from imagery.scene import Asset, Scene
from tests.unit.imagery.rasters import everything

pytestmark = pytest.mark.system

SIDE_PX = 10_980
MAX_RESIDENT_MB = 1_000


@pytest.mark.parametrize("case", ["air_c00_014de911_b3c7c22d", "veh_c03_1", "ship_longbeach"])
def test_labelled_optical_cases_open(shared_data: Path, case: str) -> None:
    folder = shared_data / "cases" / "public" / case
    before, after = (next(folder.glob(f"{name}.*")) for name in ("before", "after"))
    meta = json.loads((folder / "meta.json").read_text())
    pair = open_pair(before, after, gsd_m=float(meta["gsd"]))
    assert tuple(pair.before.grid.shape) == (meta["height"], meta["width"])
    for reader in (pair.before, pair.after):
        raster = reader.read(Window(row0=0, col0=0, row1=100, col1=100))
        assert raster.data.shape == (3, 100, 100)
        assert raster.data.std() > 1


def test_labelled_radar_cases_become_linear_power(shared_data: Path) -> None:
    for folder in sorted((shared_data / "cases" / "public").glob("sar_*")):
        pair = open_pair(folder / "before.tif", folder / "after.tif", sensor="sar", quantity="db")
        raster = everything(pair.before)
        assert pair.quantity == "gamma0"
        assert pair.georeferenced
        assert 0 < np.median(raster.data[0][raster.valid]) < 1


def _earth_search(folder: Path) -> Scene:
    item = json.loads((folder / f"{folder.name}.json").read_text())
    facts = item["properties"]
    files = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
    assets = {
        name: Asset(href=str(folder / f"{file}.tif"), bands=(name,), scale=1e-4, offset=-0.1, nodata=0)
        for name, file in files.items()
    }
    assets["scl"] = Asset(href=str(folder / "SCL.tif"), bands=("scl",), role="quality", quality="scl")
    return Scene(
        id=folder.name, source="test", collection=item["collection"], platform=facts["platform"],
        sensor="optical", quantity="reflectance", gsd_m=10.0, assets=assets,
        acquired=datetime.fromisoformat(facts["datetime"]).astimezone(UTC),
        processing_baseline=facts["s2:processing_baseline"],
        offset_applied=facts["earthsearch:boa_offset_applied"],
    )  # fmt: skip


@pytest.mark.parametrize("date", ["20230810", "20230813", "20230815", "20230818", "20230820"])
def test_a_real_pass_in_two_tiles(shared_data: Path, date: str) -> None:
    """The offset of -0.1 that the items state has been applied already; taking it off again would make vegetation
    negative in red."""
    folder = shared_data / "earth-search" / "sentinel-2-l2a"
    west, east = (_earth_search(next(folder.glob(f"S2?_{tile}_{date}_*"))) for tile in ("33TWL", "33TWM"))
    grid = GeoBox((300, 500), Affine(120, 0, 499_980 + 36_000, 0, -120, 5_106_000), "EPSG:32633")
    reader = scene_reader(replace(west, siblings=(east,)), grid)
    raster = everything(reader)
    assert reader.native_gsd_m == pytest.approx(120, rel=0.01)
    assert any("120 m although the metadata says 10 m" in note for note in reader.notes)
    assert [decision.added for decision in reader.offsets] == [False, False]
    assert not any(decision.contradiction for decision in reader.offsets)
    red, nir = raster.data[0][raster.valid], raster.data[3][raster.valid]
    green = (nir - red) / (nir + red) > 0.6
    assert green.sum() > 1_000
    assert 0.01 < np.median(red[green]) < 0.06
    quality = pass_quality(replace(west, siblings=(east,)), grid)
    assert quality is not None
    _, no_data = quality.at(Window(row0=0, col0=0, row1=300, col1=500))
    assert not (raster.valid & no_data).any()


_READ_ALL = """
import sys
from pathlib import Path
from imagery.align import ShiftField
from imagery.image_file import open_pair
from imagery.tile import tiles
pair = open_pair(*sys.argv[1:])
for tile in tiles(tuple(pair.before.grid.shape), size_px=512, halo_px=32):
    pair.before.read(tile.window)
    pair.after.read(tile.window, ShiftField.constant(0.3, 0.4))
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(status["VmHWM"].split()[0]) / 1024)  # not ru_maxrss, which a child takes over from the test process
"""


def test_a_whole_sentinel2_tile_is_read_in_little_memory(tmp_path: Path) -> None:
    block = np.random.default_rng(0).integers(100, 4_000, (3, 610, SIDE_PX)).astype(np.uint16)
    paths = [tmp_path / "before.tif", tmp_path / "after.tif"]
    for path, east_m in zip(paths, (0, 3), strict=True):
        with rasterio.open(
            path, "w", driver="GTiff", width=SIDE_PX, height=SIDE_PX, count=3, dtype="uint16", nodata=0,
            crs="EPSG:32636", transform=Affine(10, 0, 500_000 + east_m, 0, -10, 4_000_000), tiled=True,
            blockxsize=512, blockysize=512, photometric="rgb",
        ) as out:  # fmt: skip
            for row in range(0, SIDE_PX, len(block[0])):
                out.write(block, window=RioWindow(0, row, SIDE_PX, len(block[0])))
    done = subprocess.run(
        [sys.executable, "-c", _READ_ALL, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert float(done.stdout) < MAX_RESIDENT_MB
