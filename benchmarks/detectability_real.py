"""The detectability map beside labelled real objects: what was found, by contrast over what the map asks for.

    python -m benchmarks.detectability_real DATA

The default scorer was fitted on these cases, so its finds are in-sample. An object's contrast is that of its brightest
or darkest part (15 %) to the ground around its box, and the map's cells hold the object itself: both are rough.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.detectability import MIN_SCORE, Scene, load
from benchmarks.detectability_pairs import Spec
from models import detectability as model_of
from models.compare import compare_block, conclude
from models.evidence import evidence

CASES = {
    "air_c03_0641acc3_71252436": (0, 0, 1500, 1500), "air_c18_4c9d2482_996ba764": (600, 400, 1300, 1300),
    "air_c21_56e2d3d3_cbd51501": (200, 200, 1000, 1000), "air_c00_014de911_b3c7c22d": (0, 0, 1500, 1500),
    "veh_c03_1": (0, 0, 480, 480), "veh_c18_1": (0, 0, 480, 480), "veh_c21_1": (0, 0, 480, 480),
}  # fmt: skip
RATIOS = ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1), (1, 9))
AROUND_PX = 4
SAME_IOU = 0.25


def contrast_of(image: NDArray[np.float32], box: tuple[int, int, int, int]) -> float:
    """Of the brightest or darkest part of a box (col0, row0, col1, row1) to the median of a frame around it."""
    col0, row0, col1, row1 = box
    frame = image[row0 - AROUND_PX : row1 + AROUND_PX, col0 - AROUND_PX : col1 + AROUND_PX].copy()
    frame[AROUND_PX:-AROUND_PX, AROUND_PX:-AROUND_PX] = np.nan
    low, high = np.percentile(image[row0:row1, col0:col1], [15, 85])
    ground = np.nanmedian(frame)
    return float(max(high - ground, ground - low))


def overlap(a: tuple[int, ...], b: tuple[int, ...]) -> float:
    """Intersection over union of two boxes."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0, width) * max(0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def objects_of(scene: Scene, truth: dict[str, list[list[float]]]) -> list[tuple[float, bool]]:
    """Contrast over need, and whether it was found, of every labelled change that lies inside the cut."""
    model, (top, left, _, _) = scene.model, scene.spec.crop
    found = evidence(
        scene.before, scene.after, model.alignment.shift, model.radiometry, model.noise, scene.tile.core
    )
    result = compare_block(scene.before, scene.after, model, (scene.tile,))
    changes = conclude(result, model, pair="p", grid_name="g", min_score=MIN_SCORE).changes
    sizes = [
        s for s in model_of.references(model.gsd_m, "optical") if s.name != "aircraft_15m" and np.isfinite(s.base)
    ]  # fmt: skip
    needs = {size.name: scene.cells.demand(size) for size in sizes}
    rows, cols = scene.valid.shape
    side = model_of.cell_px(model.gsd_m)
    out = []
    for date, kind in (("after", "appeared"), ("before", "vanished")):
        image = getattr(found, date).mean(axis=0)
        places = [getattr(change, date) for change in changes]
        for col0, row0, col1, row1 in truth[kind]:
            box = tuple(round(v) for v in (col0 - left, row0 - top, col1 - left, row1 - top))
            if min(box[:2]) < AROUND_PX or box[2] > cols - AROUND_PX or box[3] > rows - AROUND_PX:
                continue
            length = max(col1 - col0, row1 - row0) * model.gsd_m
            size = min(sizes, key=lambda s: abs(np.log(s.length_m / length)))
            cells = needs[size.name][
                box[1] // side : (box[3] - 1) // side + 1, box[0] // side : (box[2] - 1) // side + 1
            ]
            hit = any(overlap(box, place.bbox_px) >= SAME_IOU for place in places if place is not None)
            out.append((contrast_of(image, box) / float(np.nanmean(cells)), hit))
    return out


def main() -> None:
    """Print one row for aircraft and one for vehicles."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="folder that holds cases/public")
    root = parser.parse_args().data
    rows: dict[str, list[tuple[float, bool]]] = {"aircraft": [], "vehicle": []}
    for name, crop in CASES.items():
        folder = Path("cases/public") / name
        before, after = (
            str(next((root / folder).glob(f"{d}.*")).relative_to(root)) for d in ("before", "after")
        )
        scene = load(Spec(paths=(before, after), role="check", crop=crop), root)
        truth = json.loads((root / folder / "truth.json").read_text())
        rows[truth["klass"]] += objects_of(scene, truth)
    for klass, objects in rows.items():
        cells = []
        for low, high in RATIOS:
            hits = [hit for ratio, hit in objects if low <= ratio < high]
            cells.append(f"{sum(hits)} of {len(hits)}")
        print(f"| {klass} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
