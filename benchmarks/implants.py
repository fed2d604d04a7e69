"""Detection of objects put into real images, for what has no labelled pairs: vehicles at 0.3-0.5 m, ships at 10 m.

    python -m benchmarks.implants vehicles --gsd 0.3 --out OUT [--scorers DIR]
    python -m benchmarks.implants ships --out OUT

Writes case folders to OUT/cases and what `sitewatch evaluate` makes of them to OUT. The backgrounds may not be passed
on (Pleiades: CC BY-NC-SA 4.0), so keep OUT out of the repository. ``--scorers DIR`` holds ``without_<place>.json``,
scorers that have not seen a place; without it the default scorer is used, which was fitted on the vehicle backgrounds.
A benchmark and not a command, because it needs the labelled data and serves nobody who watches a site.
"""

import argparse
import itertools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.implant_ships import ship_case
from benchmarks.implant_vehicles import vehicle_case
from benchmarks.registration import data_folder
from benchmarks.sen2ships import port_scenes
from catalog.cases import CaseFiles, load_cases
from flows.evaluate import Evaluation, comparison, evaluate_cases
from flows.evaluate_table import show_evaluation
from models.evaluation import CaseScore

BUDGETS_PER_KM2 = (0.1, 1.0, 10.0)


def main() -> None:
    """Make the cases, evaluate them, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("vehicles", "ships"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--gsd", type=float, default=0.3, help="vehicles: metres, 0.3 to 0.5")
    parser.add_argument("--background", choices=("crops", "control"), default="crops", help="vehicles")
    parser.add_argument("--count", type=int, default=40, help="objects per case, if there is room")
    parser.add_argument("--draws", type=int, default=3, help="cases per background")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scorers", type=Path)
    parser.add_argument("--only-draw", action="store_true", help="cases to fit a scorer to; evaluate nothing")
    args = parser.parse_args()
    cases = args.out / "cases"
    seeds = range(args.seed, args.seed + args.draws)
    if args.what == "vehicles":
        for files in vehicle_backgrounds(args.background):
            for seed in seeds:
                vehicle_case(files, cases, count=args.count, gsd_m=args.gsd, seed=seed)
    else:
        for scene in port_scenes(data_folder() / "sen2ships"):
            for seed in seeds:
                ship_case(scene, cases, count=args.count, seed=seed)
    if args.only_draw:
        return
    evaluation = evaluated(cases, args.out, args.scorers)
    show_evaluation(evaluation)
    for row in by_sort(evaluation, cases):
        print(json.dumps(row))


def vehicle_backgrounds(which: str) -> list[CaseFiles]:
    """Pairs on which a false alarm can be told from a vehicle that really came or left.

    "crops": real pairs of different years in which every vehicle is labelled. "control": two images of one day, far
    easier. The two never share a figure.
    """
    real = load_cases(data_folder() / "cases" / "public")
    if which == "crops":
        return [f for f in real if f.case.klass == "vehicle"]
    return [f for f in real if f.case.null and not f.case.perturbed]


def evaluated(cases: Path, out: Path, scorers: Path | None) -> Evaluation:
    """As `sitewatch evaluate`, each case with the scorer that has not seen its place where there is one."""
    detects: dict[str | None, Callable[[CaseFiles], dict[str, Any]]] = {None: comparison()}

    def detect(files: CaseFiles) -> dict[str, Any]:
        path = (scorers or Path()) / f"without_{files.case.component}.json"
        if scorers is None or not path.is_file():
            return detects[None](files)
        if str(path) not in detects:
            detects[str(path)] = comparison(scorer=str(path))
        return detects[str(path)](files)

    left_out: dict[str, Any] = {"detect": detect, "fitted_on": ()} if scorers else {}
    return evaluate_cases(cases, out=out, **left_out)


def by_sort(evaluation: Evaluation, cases: Path) -> list[dict[str, Any]]:
    """Pd within budgets by what the objects are: drawn or cut out, how they stand out, where they lie."""
    summaries = [s for s in (evaluation.summary, *evaluation.summary.others) if s.origin == "implant"]
    rows = []
    for summary in summaries:
        thresholds = {
            f"{b.budget_per_km2:g}": b.threshold
            for detail in summary.details.values()
            for b in detail.budgets
            if b.budget_per_km2 in BUDGETS_PER_KM2
        }
        found = [pair for score in summary.scores for pair in _objects(score, cases)]
        edges = np.quantile([abs(facts["contrast"]) for facts, _ in found], (0, 0.25, 0.5, 0.75, 1))
        sorts: dict[str, Callable[[dict[str, Any]], bool]] = {
            "drawn": lambda facts: facts["name"] != "cut-out",
            "cut-out": lambda facts: facts["name"] == "cut-out",
            "near land": lambda facts: facts.get("place") == "near land",
            "open water": lambda facts: facts.get("place") == "open water",
        }
        for low, high in itertools.pairwise(edges):
            sorts[f"contrast {low:.3g}-{high:.3g}"] = lambda facts, low=low, high=high: (
                low <= abs(facts["contrast"]) <= high
            )
        for name, belongs in sorts.items():
            hits = [hit for facts, hit in found if belongs(facts)]
            if hits:
                rows.append({"sort": name, "n": len(hits), **_shares(hits, thresholds)})
    return rows


def _objects(score: CaseScore, cases: Path) -> list[tuple[dict[str, Any], float | None]]:
    meta = json.loads((cases / score.case.name / "meta.json").read_text())
    return list(zip(meta["objects"], score.hit_scores, strict=True))


def _shares(hits: Sequence[float | None], thresholds: dict[str, float | None]) -> dict[str, float | None]:
    shares: dict[str, float | None] = {"score 0.5": _share(hits, 0.5), "any score": _share(hits, 0.0)}
    for budget, threshold in thresholds.items():
        shares[f"{budget}/km2"] = None if threshold is None else _share(hits, threshold)
    return shares


def _share(hits: Sequence[float | None], threshold: float) -> float:
    return round(sum(hit is not None and hit >= threshold for hit in hits) / len(hits), 3)


if __name__ == "__main__":
    main()
