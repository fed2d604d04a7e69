"""Fit the scorers on labelled real cases, and say how well they do on places that they have not seen.

    python -m benchmarks.fit_scorer CASES --sensor optical [--write]

Every figure that this prints comes from leaving out one place at a time (never one image), because two images of one
airport share pavement. Only the scorer that is written with --write has seen all of them.
"""

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from imagery.image_file import open_pair
from imagery.raster import Sensor, Window, gsd_m
from models.candidates import candidate_regions, search_limits
from models.compare import prepare
from models.evidence import evidence
from models.features import NAMES, measure, surroundings
from models.score import Logistic, SizedScorer, expand

SPLIT_M, BLEND, RIDGE = 12.0, 1.25, 10.0
PIECE_WEIGHT = 0.05
POSITIVE_IOU = {"vehicle": 0.25}
CLASS_SIZES_M = {
    "aircraft": (12.0, np.inf),
    "vehicle": (0.0, 25.0),
    "ship": (20.0, np.inf),
    "none": (0.0, np.inf),
}
SCORES = np.round(np.arange(0.95, 0.04, -0.05), 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Candidates of one case: features, boxes, target (1, 0, or -1 for do not use) and weight."""

    case: str
    component: str
    klass: str
    gsd_m: float
    km2: float
    features: NDArray[np.float64]
    boxes: NDArray[np.float64]
    target: NDArray[np.int_]
    weight: NDArray[np.float64]
    free: NDArray[np.bool_]


def measured(folder: Path, sensor: Sensor) -> Sample:
    """Candidates of a case, measured through the product's own path."""
    truth = json.loads((folder / "truth.json").read_text())
    meta = json.loads((folder / "meta.json").read_text())
    suffix = "tif" if sensor == "sar" else "*"
    paths = [next(iter(sorted(folder.glob(f"{date}.{suffix}")))) for date in ("before", "after")]
    pair = open_pair(*paths, gsd_m=meta["gsd"], sensor=sensor, quantity="db" if sensor == "sar" else None)
    model = prepare(pair.before, pair.after, sensor=sensor)
    rows, cols = pair.before.grid.shape
    whole = Window(row0=0, col0=0, row1=int(rows), col1=int(cols))
    found = evidence(pair.before, pair.after, model.alignment.shift, model.radiometry, model.noise, whole)
    limits = search_limits(gsd_m(pair.before.grid), sensor)
    around = surroundings(found, limits)
    features, boxes = [], []
    for regions in candidate_regions(found, limits):
        features.append(measure(regions, found, around, limits, model.gsd_m).features)
        boxes.append(regions.boxes)
    return labelled(folder.name, truth, meta, np.vstack(features), np.vstack(boxes).astype(np.float64))


def labelled(
    case: str,
    truth: dict[str, Any],
    meta: dict[str, Any],
    features: NDArray[np.float64],
    boxes: NDArray[np.float64],
) -> Sample:
    """Targets by overlap with the truth; what touches a don't-care box is not used, a fragment counts a third."""
    klass, gsd = truth["klass"], meta["gsd"]
    changed = truth["appeared"] + truth["vanished"]
    iou, shared = overlaps(boxes, changed)
    unclear = (
        overlaps(boxes, truth["occupied_both"] + truth["ambiguous"] + truth["ignore"])[1].max(
            axis=1, initial=0
        )
        > 0
    )
    hit = iou.max(axis=1, initial=0) >= POSITIVE_IOU.get(klass, 0.3)
    touches = shared.max(axis=1, initial=0) > 0
    target = np.where(hit, 1, np.where(unclear, -1, 0))
    sides_m = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * gsd
    low, high = CLASS_SIZES_M[klass]
    # Labels say nothing about smaller things that changed, but a piece of a labelled object is no object.
    other_size = (sides_m < low) | (sides_m > high)
    target[(target == 0) & other_size & ~touches] = -1
    if klass == "vehicle":
        target[sides_m > high] = -1
    weight = np.where(touches & ~hit, np.where(other_size, PIECE_WEIGHT, 0.3), 0.5 if truth["null"] else 1.0)
    return Sample(
        case=case, component=meta.get("component") or case, klass=klass, gsd_m=gsd,
        km2=meta["width"] * meta["height"] * gsd**2 / 1e6, features=features, boxes=boxes, target=target,
        weight=weight, free=~touches & ~unclear & (sides_m >= low) & (sides_m <= high),
    )  # fmt: skip


def overlaps(
    boxes: NDArray[np.float64], others: list[list[float]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Intersection over union and shared area of every box with every other."""
    other = np.array(others, np.float64).reshape(-1, 4)
    width = np.minimum(boxes[:, None, 2], other[None, :, 2]) - np.maximum(
        boxes[:, None, 0], other[None, :, 0]
    )
    height = np.minimum(boxes[:, None, 3], other[None, :, 3]) - np.maximum(
        boxes[:, None, 1], other[None, :, 1]
    )
    shared = np.clip(width, 0, None) * np.clip(height, 0, None)
    area, other_area = ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (boxes, other))
    return shared / (area[:, None] + other_area[None, :] - shared + 1e-9), shared


def fit_logistic(x: NDArray[np.float64], y: NDArray[np.int_], weight: NDArray[np.float64]) -> Logistic:
    """Ridge-regularised weighted logistic regression."""
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale[scale < 1e-9] = 1.0
    z = (x - mean) / scale
    sign = 2.0 * y - 1.0

    def loss(theta: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (z @ theta[:-1] + theta[-1])
        pull = -weight * sign / (1 + np.exp(np.clip(margin, -40, 40)))
        value = float((weight * np.logaddexp(0, -margin)).sum() + RIDGE / 2 * (theta[:-1] ** 2).sum())
        return value, np.append(z.T @ pull + RIDGE * theta[:-1], pull.sum())

    best = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 2000})
    return Logistic(mean=mean, scale=scale, weight=best.x[:-1], intercept=float(best.x[-1]))


def fit(samples: list[Sample]) -> SizedScorer:
    """Both regressions from all usable candidates of `samples`."""
    used = [s.target >= 0 for s in samples]
    features = np.vstack([s.features[u] for s, u in zip(samples, used, strict=True)])
    target = np.concatenate([s.target[u] for s, u in zip(samples, used, strict=True)])
    weight = np.concatenate([s.weight[u] for s, u in zip(samples, used, strict=True)])
    length = np.exp(features[:, NAMES.index("log_length_m")])
    parts = {"small": length < SPLIT_M * BLEND, "large": length >= SPLIT_M / BLEND}
    for name, part in parts.items():
        if target[part].sum() < 5:  # no labelled objects of this size: one regression serves both
            parts[name] = np.ones_like(part)
    x = expand(features)
    small, large = (fit_logistic(x[part], target[part], weight[part]) for part in parts.values())
    return SizedScorer(
        name="fit", small=small, large=large, split_m=SPLIT_M, blend=BLEND, budget={}, budget_gsd_m=(0.0, 0.0)
    )


def left_out(samples: list[Sample], by: str) -> dict[str, NDArray[np.float64]]:
    """Scores of every case from a scorer that has not seen its place."""
    scores = {}
    for place in sorted({getattr(s, by) for s in samples}):
        scorer = fit([s for s in samples if getattr(s, by) != place])
        scores |= {s.case: scorer.score(s.features) for s in samples if getattr(s, by) == place}
    return scores


def budget(samples: list[Sample], scores: dict[str, NDArray[np.float64]], klass: str) -> list[list[float]]:
    """Measured false alarms per km2 of one class at falling scores."""
    chosen = [s for s in samples if s.klass == klass]
    km2 = sum(s.km2 for s in chosen)
    kept = [scores[s.case][best(s.boxes, np.where(s.free, scores[s.case], 0.0))] for s in chosen]
    return (
        [[float(t), round(sum(float((k >= t).sum()) for k in kept) / km2, 3)] for t in SCORES] if km2 else []
    )


def best(boxes: NDArray[np.float64], scores: NDArray[np.float64]) -> list[int]:
    """Non-maximum suppression on boxes, as `models.overlap` does it."""
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if scores[i] < SCORES[-1]:
            break
        iou, shared = overlaps(boxes[[i]], boxes[kept].tolist())
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        if not ((iou > 0.15) | (shared / np.minimum(area[i], area[kept]) > 0.4)).any():
            kept.append(int(i))
    return kept


def rounded(logistic: Logistic) -> dict[str, Any]:
    """Numbers of a regression as they are written."""
    lists = {key: [float(f"{v:.6g}") for v in getattr(logistic, key)] for key in ("mean", "scale", "weight")}
    return {**lists, "intercept": float(f"{logistic.intercept:.6g}")}


def main() -> None:
    """Fit, report, and write on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument("--sensor", choices=("optical", "sar"), default="optical")
    parser.add_argument("--write", action="store_true", help="write the scorer into the package")
    args = parser.parse_args()
    folders = sorted(f for f in args.cases.iterdir() if f.name.startswith("sar_") == (args.sensor == "sar"))
    folders = [
        f for f in folders if args.sensor == "sar" or not f.name.startswith("ship_")
    ]  # evaluation only
    if not folders:
        sys.exit(f"{args.cases}: no {args.sensor} cases there")
    with ProcessPoolExecutor(2) as pool:
        samples = list(pool.map(measured, folders, [args.sensor] * len(folders)))
    scores = left_out(samples, "case" if args.sensor == "sar" else "component")
    budgets = {
        "small": budget(samples, scores, "vehicle"),
        "large": budget(samples, scores, "ship" if args.sensor == "sar" else "aircraft"),
    }
    for size, table in budgets.items():
        print(
            size,
            "false alarms per km2 at score:",
            {t: fa for t, fa in table if t in (0.9, 0.7, 0.5, 0.3, 0.1)},
        )
    if args.write:
        path = Path(__file__).parents[1] / "models" / "data" / f"{args.sensor}-1.json"
        # Radar was labelled at one port only, so how often it errs elsewhere was not measured.
        path.write_text(document(f"{args.sensor}-1", samples, {} if args.sensor == "sar" else budgets))
        print("wrote", path)


def document(name: str, samples: list[Sample], budgets: dict[str, list[list[float]]]) -> str:
    """A scorer fitted to `samples`, as the text of its file."""
    scorer = fit(samples)
    gsds = [s.gsd_m for s in samples]
    content = {
        "name": name, "features": NAMES, "split_m": SPLIT_M, "blend": BLEND, "small": rounded(scorer.small),
        "large": rounded(scorer.large), "budget": budgets, "budget_gsd_m": [0.6 * min(gsds), 1.6 * max(gsds)],
        "fitted_on": {"cases": [s.case for s in samples]},
    }  # fmt: skip
    return json.dumps(content, indent=1) + "\n"


if __name__ == "__main__":
    main()
