"""Detection figures on places that the scorer has not seen: `evaluate`, with a scorer of its own for every place.

    python -m benchmarks.cross_validate CASES [--implants DIR ...] [--sensor sar] [--out DIR] [--keep DIR]

For each place a scorer is fitted on all other places, and the cases of that place are compared with it through the
entry point of ``sitewatch diff``. What they share is the line that turns log odds into probabilities, two numbers per
size, fitted on the claims of all these scorers. The labelled radar cases all show one port, so that leaving one place
out leaves nothing to fit: they are judged by leaving out one *pair* at a time, which says little about another port.
"""

import argparse
import json
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from catalog.cases import CaseFiles, load_cases
from flows.evaluate import comparison, evaluate_cases
from flows.train import LICENCES, measure_all, train_on, usable
from models.score import DEFAULTS
from models.training.fit import document

ALSO = {"optical": "optical-1"}
"""As in ``sitewatch train --also``, for the scorer that ships."""


def main() -> None:
    """Fit one scorer per place, compare every case with the one that has not seen it, score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    parser.add_argument(
        "--implants", type=Path, nargs="*", default=[], help="cases that help to fit and are not judged"
    )
    parser.add_argument("--sensor", choices=("optical", "sar"), default="optical")
    parser.add_argument("--out", type=Path)
    parser.add_argument(
        "--keep", type=Path, help="where the scorers go: the one of all places, and without_<place>.json"
    )
    args = parser.parse_args()
    samples, averaged = measure_all(usable([args.cases, *args.implants], args.sensor))
    if args.sensor == "sar":
        samples = [replace(s, case=replace(s.case, component=s.case.name)) for s in samples]
    name = DEFAULTS[args.sensor]
    trained = train_on(
        samples, averaged, name=name, sensor=args.sensor, licence=LICENCES["real"], also=ALSO.get(args.sensor)
    )
    with ExitStack() as up:
        scratch = Path(up.enter_context(tempfile.TemporaryDirectory()))
        cases = scratch / "cases"
        cases.mkdir()
        for files in load_cases(args.cases):
            if files.sensor == args.sensor:
                (cases / files.case.name).symlink_to(files.folder.resolve())
        folder = args.keep or scratch
        folder.mkdir(parents=True, exist_ok=True)
        everything = folder / f"{name}.json"
        everything.write_text(trained.text)
        scorers = {}
        for entry in trained.left_out:
            path = folder / f"without_{entry.sample.place}.json"
            scorers[entry.sample.case.name] = path
            text = document(path.stem, entry.scorer, samples, budgets={}, licence="none: for figures")
            path.write_text(text)

        def detect(files: CaseFiles) -> dict[str, Any]:
            return comparison(scorer=str(scorers.get(files.case.name, everything)))(files)

        found = evaluate_cases(
            cases,
            detect=detect,
            out=args.out,
            name=f"left out by {'pair' if args.sensor == 'sar' else 'place'}",
            fitted_on=(),
        )
    keys = ("klass", "thr", "Pd", "Pd_ci", "FA", "FA_ci", "frag", "kind", "null_FA")
    for row in found.summary.as_dict()["rows"]:
        print(json.dumps({key: row[key] for key in keys}))


if __name__ == "__main__":
    main()
