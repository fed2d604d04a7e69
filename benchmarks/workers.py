"""Threads against worker processes: the same pairs, the seconds each takes, and whether the results are the same bytes.

`python -m benchmarks.workers FOLDER` runs in a process of its own with a fresh Prefect home; prints JSON.
"""

import hashlib
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from pyproj import Transformer
from rasterio.transform import from_origin
from scipy.ndimage import gaussian_filter

from flows.watch import SiteResult, watching

SIDE_PX = 3072
"""Above `imagery.tile.WHOLE_PX`: six by six tiles in four blocks."""

GSD_M = 0.5
WEST, NORTH, EPSG = 767_000.0, 3_920_000.0, 32636
DATES = ("2025-01-01", "2025-01-11", "2025-01-21")
MODES = (0, 1, 2)
"""Worker processes; 0 is threads of one process."""

TIMED = {"item.json", "report.json", "overlay.png"}
"""They hold the time at which they were written."""


def write_archive(folder: Path) -> tuple[Path, Path]:
    """Three dates of one place as an ItemCollection, and a site file; the pixels mean nothing."""
    rng = np.random.default_rng(20250101)
    ground = sum(
        gaussian_filter(rng.standard_normal((SIDE_PX, SIDE_PX), np.float32), s) * s**1.75
        for s in (1.5, 6.0, 24.0)
    )
    ground = 110 + 28 * (ground - np.mean(ground)) / np.std(ground)
    items = []
    for date in DATES:
        image = ground + rng.normal(0, 2, ground.shape)
        for row, col in rng.integers(64, SIDE_PX - 128, (20, 2)):
            image[row : row + 24, col : col + 60] += 80
        items.append(_item(folder, date, np.clip(image, 1, 255).astype(np.uint8)))
    archive = folder / "items.json"
    archive.write_text(json.dumps({"type": "FeatureCollection", "features": items}))
    return archive, _sites(folder)


def _ring(margin_m: float) -> list[list[float]]:
    to_lonlat = Transformer.from_crs(EPSG, 4326, always_xy=True)
    west, north = WEST + margin_m, NORTH - margin_m
    east, south = WEST + SIDE_PX * GSD_M - margin_m, NORTH - SIDE_PX * GSD_M + margin_m
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return [list(to_lonlat.transform(*corner)) for corner in corners]


def _item(folder: Path, date: str, image: Any) -> dict[str, Any]:
    path = folder / f"{date}.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=SIDE_PX, height=SIDE_PX, count=1, dtype="uint8", crs=EPSG, tiled=True,
        transform=from_origin(WEST, NORTH, GSD_M, GSD_M), compress="deflate", nodata=0,
    ) as out:  # fmt: skip
        out.write(image, 1)
    bands = [{"name": "pan", "common_name": "pan"}]
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": date, "collection": "made-for-a-benchmark", "links": [],
        "geometry": {"type": "Polygon", "coordinates": [_ring(0)]},
        "properties": {
            "datetime": f"{date}T08:20:00Z", "gsd": GSD_M, "platform": "made", "sitewatch:sensor": "optical",
            "sitewatch:quantity": "dn",
        },
        "assets": {"pan": {"href": path.name, "type": "image/tiff", "roles": ["data"], "eo:bands": bands}},
    }  # fmt: skip


def _sites(folder: Path) -> Path:
    feature = {
        "type": "Feature", "id": "field.aoi",
        "properties": {
            "site": "field", "zone": "aoi", "name": "field aoi", "kind": "aoi", "source": "made for a benchmark",
            "confidence": "high", "position_error_m": 5, "parent": None, "watch": False,
        },
        "geometry": {"type": "Polygon", "coordinates": [_ring(5)]},
    }  # fmt: skip
    path = folder / "sites.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def sums(out: Path) -> Mapping[str, str]:
    """SHA-256 of every file of every run, but for those that say when they were written."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.glob("field/*/**/*"))
        if path.is_file() and path.name not in TIMED
    }


def main(folder: Path) -> None:
    """Every mode once on the same archive; the first flow, which starts the server, is not counted."""
    archive, sites = write_archive(folder)
    start, end = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC)
    watching(0)("field", str(archive), start, datetime(2025, 1, 2, tzinfo=UTC), folder / "warm-up", sites)
    seconds, bytes_, counts = {}, {}, {}
    for workers in MODES:
        out = folder / f"workers-{workers}"
        began = time.perf_counter()
        result: SiteResult = watching(workers)("field", str(archive), start, end, out, sites)
        seconds[workers] = time.perf_counter() - began
        bytes_[workers] = sums(out)
        counts[workers] = [sum(run.row["outcomes"].values()) for run in result.runs]
    document = {
        "pairs": len(DATES) - 1,
        "tiles": sum(counts[0]),
        "megapixels": SIDE_PX**2 / 1e6,
        "seconds": seconds,
        "two_over_one": seconds[1] / seconds[2],
        "two_over_threads": seconds[0] / seconds[2],
        "files": len(bytes_[0]),
        "same_bytes": all(found == bytes_[0] for found in bytes_.values()),
    }
    json.dump(document, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
