"""False alarms asked for with ``--false-alarms-per-km2`` beside those that come, on controls where nothing changed.

    python -m benchmarks.false_alarm_rate CASES [--scorers DIR]

``--scorers DIR`` holds ``without_<place>.json`` of `benchmarks.cross_validate`; without it the default scorer is used,
which was fitted on these very controls. What a scorer costs on labelled places is always that of the default one: it
was measured on places left out.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from catalog.cases import CaseFiles, load_cases
from imagery.image_file import open_pair
from models.budget import LOWEST, budget_for, own_null
from models.compare import compare, labelled_cost, null_claims
from models.score import DEFAULTS, load_scorer

ASKED = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)


def scores_of(files: CaseFiles, scorer: str) -> tuple[list[float], list[float], float, float]:
    """Scores on the case and on its own null, and the ground of both in km2."""
    case = files.case
    pair = open_pair(files.before, files.after, gsd_m=case.gsd_m, sensor=files.sensor)
    found = compare(
        pair.before, pair.after, sensor=files.sensor, pair=case.name, grid_name="case", min_score=LOWEST, scorer=scorer
    )  # fmt: skip
    claims = [end.score for c in found.conclusion.changes for end in (c.before, c.after) if end is not None]
    null, null_km2 = own_null(
        pair.before, pair.after, sensor=files.sensor, noise=found.model.noise.brightness,
        unit=found.model.radiometry.unit, residual_px=found.model.alignment.residual_px or 0.0,
        claims=lambda one, other: null_claims(one, other, found.model),
    )  # fmt: skip
    rows, cols = (int(n) for n in pair.before.grid.shape)
    return claims, null, rows * cols * case.gsd_m**2 / 1e6, null_km2


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument("--scorers", type=Path)
    args = parser.parse_args()
    default = load_scorer(None, "optical")
    totals: dict[float, list[float]] = {asked: [0.0, 0.0] for asked in ASKED}
    for files in load_cases(args.cases):
        if not files.case.null or files.sensor != "optical":
            continue
        own = (
            None
            if args.scorers is None
            else args.scorers / f"without_{files.case.component or files.case.name}.json"
        )
        scorer = str(own) if own is not None and own.is_file() else DEFAULTS["optical"]
        claims, null, km2, null_km2 = scores_of(files, scorer)
        for asked in ASKED:
            lowest = budget_for(
                asked, null, null_km2, lambda score, gsd=files.case.gsd_m: labelled_cost(default, score, gsd)
            ).min_score
            came = sum(score >= lowest for score in claims)
            totals[asked][0] += came
            totals[asked][1] += km2
            row: dict[str, Any] = {
                "case": files.case.name, "scorer": Path(scorer).stem, "asked": asked, "min_score": lowest, "came": came,
                "per_km2": round(came / km2, 2), "km2": round(km2, 3), "null_km2": round(null_km2, 3),
            }  # fmt: skip
            print(json.dumps(row), flush=True)
    for asked, (came, km2) in totals.items():
        print(json.dumps({"asked": asked, "came": came, "per_km2": round(came / max(km2, 1e-9), 2)}))


if __name__ == "__main__":
    main()
