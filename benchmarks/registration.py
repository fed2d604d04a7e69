"""Registration of real pairs against measured transforms, beside other methods, and where nothing can be registered.

    python -m benchmarks.run --only registration

Needs the labelled cases (``SITEWATCH_SHARED``). A residual is the distance between where a method and where the
case's measured transform puts a labelled object. On open sea and cloud there is nothing to register and the files'
georeference is right: an estimated shift of more than `FAILURE_PX` there is invented.
"""

import importlib.util
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from skimage.registration import phase_cross_correlation

from benchmarks.pair import REPOSITORY
from benchmarks.sen2ships import BANDS, GSD_M, port_scenes
from catalog.cases import CaseFiles, load_cases
from imagery.align import Alignment, ShiftField
from imagery.image_file import open_pair
from imagery.raster import Raster, Reader, Window
from imagery.register import luminance, register
from imagery.warp import ArrayReader
from models.evaluation import Registration, registration_of
from models.evaluation.registration import FAILURE_PX, pooled

SEA_PX = 256
CLOUD_PX = 64
_CLOUD = (8, 9)
_SEA_NIR_SPREAD = 0.01

Method = Callable[[Reader, Reader], Alignment]


class Bare(NamedTuple):
    """A pair of crops with nothing to register; their georeference is right."""

    kind: str
    before: Reader
    after: Reader


def data_folder() -> Path:
    """Where the labelled data are; the folder need not exist."""
    named = os.environ.get("SITEWATCH_SHARED", "")
    return Path(named) if named else REPOSITORY.parent / "shared" / "data"


def sitewatch(before: Reader, after: Reader) -> Alignment:
    """The product's own."""
    return register(before, after, sensor="optical")


def nothing(_before: Reader, _after: Reader) -> Alignment:
    """The images as they are."""
    return _said_ok(0.0, 0.0)


def phase_correlation(before: Reader, after: Reader) -> Alignment:
    """scikit-image with its defaults, one shift for the whole image."""
    shift, *_ = phase_cross_correlation(*(_whole(r) for r in (before, after)), upsample_factor=20)
    return _said_ok(-float(shift[0]), -float(shift[1]))


def plain_correlation(before: Reader, after: Reader) -> Alignment:
    """scikit-image with ``normalization=None`` and a Hann window."""
    images = [_whole(r) for r in (before, after)]
    window = np.outer(np.hanning(images[0].shape[0]), np.hanning(images[0].shape[1]))
    shift, *_ = phase_cross_correlation(
        *((image - image.mean()) * window for image in images), upsample_factor=20, normalization=None
    )
    return _said_ok(-float(shift[0]), -float(shift[1]))


METHODS: dict[str, Method] = {
    "none": nothing,
    "scikit-image phase correlation": phase_correlation,
    "scikit-image, normalization=None": plain_correlation,
    "sitewatch": sitewatch,
}


def _said_ok(d_row: float, d_col: float) -> Alignment:
    return Alignment(
        shift=ShiftField.constant(d_row, d_col), residual_px=None, p95_px=None, before_px=None, tie_points=0,
        verdict="ok",
    )  # fmt: skip


def _whole(reader: Reader) -> NDArray[np.float32]:
    rows, cols = (int(n) for n in reader.grid.shape)
    return luminance(reader.read(Window(row0=0, col0=0, row1=rows, col1=cols)), "optical")


def measure() -> dict[str, Any]:
    """Residuals and failures of every method on every set of pairs; raises FileNotFoundError without the data."""
    root = data_folder()
    cases = [files for files in load_cases(root / "cases" / "public") if files.sensor == "optical"]
    sets = {
        "airports, 0.5 m": [f for f in cases if f.case.klass == "aircraft"],
        "their vehicle crops": [f for f in cases if f.case.klass == "vehicle"],
        "controls": [f for f in cases if f.case.null],
    }
    bare = [*sea_pairs(root / "sen2ships"), *cloud_pairs(root / "earth-search")]
    return {
        "arosics": "installed, not run"
        if importlib.util.find_spec("arosics")
        else "not installed, so left out",
        "sets": {
            name: {method: residuals(files, run) for method, run in METHODS.items()}
            for name, files in sets.items()
        },
        "nothing_to_register": {method: invented(bare, run) for method, run in METHODS.items()},
    }


def residuals(cases: list[CaseFiles], run: Method) -> dict[str, Any]:
    """One method on one set of pairs."""
    found: dict[str, Registration] = {}
    start = time.perf_counter()
    for files in cases:
        pair = open_pair(files.before, files.after, gsd_m=files.case.gsd_m, sensor=files.sensor)
        judged = registration_of(files.case, run(pair.before, pair.after), files.to_after)
        if judged is not None:
            found[files.case.name] = judged
    seconds = time.perf_counter() - start
    return {
        **pooled(list(found.values())),
        "wrong": sum(one.median_px > FAILURE_PX for one in found.values()),
        "seconds": round(seconds, 1),
        "cases": {
            name: [round(one.median_px, 2), round(one.p95_px, 2), one.verdict] for name, one in found.items()
        },
    }


def invented(bare: list[Bare], run: Method) -> dict[str, Any]:
    """How often a method believes a shift where there is nothing to register, and the largest such shift."""
    shifts: dict[str, list[float]] = {}
    for pair in bare:
        found = run(pair.before, pair.after)
        size = float(np.hypot(found.shift.d_row, found.shift.d_col).max())
        shifts.setdefault(pair.kind, []).append(size if found.verdict == "ok" else 0.0)
    return {
        kind: {
            "n": len(sizes),
            "invented": sum(s > FAILURE_PX for s in sizes),
            "largest_px": round(max(sizes), 1),
        }
        for kind, sizes in shifts.items()
    }


def sea_pairs(folder: Path) -> Iterator[Bare]:
    """Crops of open sea laid on *other* crops of the same scene, as another day's waves: nothing in common."""
    for scene in port_scenes(folder):
        nir = scene.reflectance[list(BANDS).index("nir")]
        rows, cols = nir.shape
        sea = [
            scene.reflectance[:, row : row + SEA_PX, col : col + SEA_PX]
            for row in range(0, rows - SEA_PX + 1, SEA_PX)
            for col in range(0, cols - SEA_PX + 1, SEA_PX)
            if np.nanstd(chip := nir[row : row + SEA_PX, col : col + SEA_PX]) < _SEA_NIR_SPREAD
            and not np.isnan(chip).any()
        ]
        for before, after in itertools.pairwise(sea):
            yield Bare("open sea", _georeferenced(before, GSD_M), _georeferenced(after, GSD_M))


def cloud_pairs(folder: Path) -> Iterator[Bare]:
    """Crops that are cloud on both of two dates, at 120 m."""
    side = CLOUD_PX
    by_tile: dict[str, list[Path]] = {}
    for item in sorted((folder / "sentinel-2-l2a").glob("S2*")):
        by_tile.setdefault(item.name.split("_")[1], []).append(item)
    for items in by_tile.values():
        scenes = [(_stack(item), _classes(item)) for item in items]
        cloudy = [(data, cloud) for data, cloud in scenes if cloud.mean() > 0.3]
        for (a, cloud_a), (b, cloud_b) in itertools.pairwise(cloudy):
            both = cloud_a & cloud_b
            for row in range(0, both.shape[0] - side + 1, side):
                for col in range(0, both.shape[1] - side + 1, side):
                    place = np.s_[row : row + side, col : col + side]
                    if both[place].mean() > 0.8:
                        yield Bare(
                            "cloud",
                            _georeferenced(a[(slice(None), *place)], 120.0),
                            _georeferenced(b[(slice(None), *place)], 120.0),
                        )


def _stack(item: Path) -> NDArray[np.float32]:
    bands = []
    for band in ("B04", "B03", "B02"):
        with rasterio.open(item / f"{band}.tif") as image:
            bands.append(image.read(1).astype(np.float32))
    return np.stack(bands)


def _classes(item: Path) -> NDArray[np.bool_]:
    rows, cols = _stack(item).shape[1:]
    with rasterio.open(item / "SCL.tif") as image:
        classes = image.read(1, out_shape=(rows, cols))
    return np.isin(classes, _CLOUD)


def _georeferenced(data: NDArray[np.float32], gsd_m: float) -> ArrayReader:
    shape = data.shape[1:]
    affine = Affine(gsd_m, 0, 770000, 0, -gsd_m, 3920000)
    return ArrayReader(
        raster=Raster(
            data=np.ascontiguousarray(data), valid=np.ones(shape, np.bool_), bands=tuple(BANDS)[: len(data)],
            quantity="reflectance", grid=GeoBox(shape, affine, "EPSG:32636"),
        )
    )  # fmt: skip
