"""A site as large as a whole Sentinel-2 tile: its scenes are measured and fetched in less than 2 GB."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin
from rasterio.windows import Window

from benchmarks.measure import run_process
from flows.runners import THREADS
from tests.flows.flow_archive import site_feature

MAX_MB = 2000
SIDE_M, STEP = 109_800, 1024
WEST, NORTH = 699_960, 3_900_000
TO_LONLAT = Transformer.from_crs("EPSG:32636", "EPSG:4326", always_xy=True)

pytestmark = pytest.mark.system


def ring(west: int, south: int, east: int, north: int) -> list[list[float]]:
    """Metres from the tile's corner to longitude and latitude."""
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [list(TO_LONLAT.transform(WEST + x, NORTH - y)) for x, y in corners]


def band(path: Path, gsd_m: int, dtype: str, clouded: int | None = None) -> Path:
    """A whole tile, its upper quarter `clouded`."""
    side = SIDE_M // gsd_m
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=1, dtype=dtype, crs="EPSG:32636", tiled=True,
        blockxsize=STEP, blockysize=STEP, transform=from_origin(WEST, NORTH, gsd_m, gsd_m), compress="lzw", nodata=0,
    ) as out:  # fmt: skip
        for row in range(0, side, STEP):
            height = min(STEP, side - row)
            pixels = np.full((1, height, side), 5, dtype)
            if clouded is not None:
                pixels[:, : max(0, side // 4 - row)] = clouded
            out.write(pixels, window=Window(0, row, side, height))
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """One scene, and a site whose AOI is all of it."""
    inner = ring(100, SIDE_M - 100, SIDE_M - 100, 100)
    features = [site_feature("field", "aoi", "aoi", inner)]
    features += [
        site_feature("field", f"quay_{i}", "quay", ring(i * 5000, 60_000, i * 5000 + 3000, 20_000))
        for i in range(20)
    ]
    features += [
        site_feature("field", f"park_{i}", "vehicle_park", ring(i * 20_000, 71_000, i * 20_000 + 800, 70_000))
        for i in range(5)
    ]
    (tmp_path / "sites.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    files = {
        "red": band(tmp_path / "red.tif", 10, "uint16"),
        "scl": band(tmp_path / "scl.tif", 20, "uint8", clouded=9),
    }
    item = {
        "type": "Feature", "stac_version": "1.0.0", "id": "tile", "collection": "made-for-a-test", "links": [],
        "geometry": {"type": "Polygon", "coordinates": [ring(0, SIDE_M, SIDE_M, 0)]},
        "properties": {
            "datetime": "2025-01-01T08:20:00Z", "gsd": 10, "platform": "test-1", "sitewatch:sensor": "optical",
            "sitewatch:quantity": "dn",
        },
        "assets": {
            name: {
                "href": path.name, "type": "image/tiff; application=geotiff", "roles": ["data"],
                "eo:bands": [{"name": name, "common_name": name}] if name == "red" else [],
            }
            for name, path in files.items()
        },
    }  # fmt: skip
    (tmp_path / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": [item]}))
    return tmp_path / "items.json"


def test_a_whole_tile_is_measured_and_fetched_below_2_gb(archive: Path, tmp_path: Path) -> None:
    sites = archive.with_name("sites.json")
    listing = run_process(
        [
            sys.executable, "-m", "flows.cli", "scenes", "field", "--source", archive, "--sites", sites,
            "--from", "2025-01-01", "--to", "2025-01-02", "--json",
        ],
        folder=tmp_path, ok=(3,),
    )  # fmt: skip
    (scene,) = json.loads(listing.output)["scenes"]
    assert scene["cloud_over_aoi"] == pytest.approx(0.25, abs=0.005)
    assert scene["cloud_over_zones"]["quay_0"] == pytest.approx(7450 / 40_000, abs=0.005)
    assert len(scene["cloud_over_zones"]) == 25
    assert listing.peak_mb < MAX_MB

    fetching = run_process(
        [sys.executable, Path(__file__).with_name("measure_tile.py"), archive, sites, tmp_path / "out"],
        folder=tmp_path,
    )
    *shares, judged = (float(word) for word in fetching.output.split())
    assert judged == 5, "the parks; the quays are forty kilometres long"
    assert shares == pytest.approx([0.25] * THREADS + [0.75, 0.25], abs=0.005)
    assert fetching.peak_mb < MAX_MB
