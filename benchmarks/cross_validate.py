"""Detection figures on places that the scorer has not seen: `evaluate`, with a scorer of its own for every place.

    python -m benchmarks.cross_validate CASES [--sensor sar] [--out DIR]

For each place a scorer is fitted on all other places, and the cases of that place are compared with it through the
entry point of ``sitewatch diff``. The labelled radar cases all show one port, so that only one *pair* at a time can be
left out: that says little about another port.
"""

import argparse
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.fit_scorer import document, measured
from catalog.cases import CaseFiles, load_cases
from flows.evaluate import comparison, evaluate_cases


def place_of(folder: Path) -> str:
    """Component of a case: cases of one component show one place."""
    return str(json.loads((folder / "meta.json").read_text()).get("component") or folder.name)


def main() -> None:
    """Fit one scorer per place, compare every case with the one that has not seen it, score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument("--sensor", choices=("optical", "sar"), default="optical")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    cases = [files for files in load_cases(args.cases) if files.sensor == args.sensor]
    usable = [args.cases / files.case.name for files in cases if not files.case.name.startswith("ship_")]
    with ProcessPoolExecutor(2) as pool:
        samples = list(pool.map(measured, usable, [args.sensor] * len(usable)))
    places = {folder.name: folder.name if args.sensor == "sar" else place_of(folder) for folder in usable}
    with tempfile.TemporaryDirectory() as scratch:
        scorers = {}
        for place in sorted(set(places.values())):
            scorers[place] = Path(scratch) / f"without_{place}.json"
            scorers[place].write_text(
                document(f"without {place}", [s for s in samples if places[s.case] != place], {})
            )
        everything = Path(scratch) / "all.json"
        everything.write_text(document("all", samples, {}))

        def detect(files: CaseFiles) -> dict[str, Any]:
            if files.sensor != args.sensor:
                return {"status": "not_assessable", "changes": []}
            scorer = scorers.get(places.get(files.case.name, ""), everything)
            return comparison(scorer=str(scorer))(files)

        found = evaluate_cases(
            args.cases,
            detect=detect,
            out=args.out,
            name=f"left out by {'pair' if args.sensor == 'sar' else 'place'}",
            fitted_on=(),
        )
    for row in found.summary.as_dict()["rows"]:
        if (row["klass"] == "sar") == (args.sensor == "sar"):
            keys = ("klass", "thr", "Pd", "Pd_ci", "FA", "FA_ci", "frag", "kind", "null_FA")
            print(json.dumps({key: row[key] for key in keys}))


if __name__ == "__main__":
    main()
