"""Speed and memory of `sitewatch diff`, beside Orfeo ToolBox's MAD on the same pair in the same run."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import orfeo
from benchmarks.measure import ProcessCost, run_process
from benchmarks.pair import Pair, generated_pair, largest_real_pair

CHANGED_OR_NOT = (0, 3)
"""Exit codes of a comparison that was made."""


def _cost(cost: ProcessCost, pair: Pair) -> dict[str, float]:
    return {
        "seconds": cost.seconds,
        "cpu_seconds": cost.cpu_seconds,
        "mpx_per_s": pair.pixels / 1e6 / cost.seconds,
        "peak_mb": cost.peak_mb,
    }


def _best(costs: list[ProcessCost]) -> ProcessCost:
    """The fastest of several runs: what else the machine did only ever adds."""
    return min(costs, key=lambda cost: cost.seconds)


def measure(*, repeats: int, generated: bool) -> dict[str, Any]:
    """Figures for one pair; `mad` and `ratio` are None where Orfeo ToolBox is not installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = (None if generated else largest_real_pair()) or generated_pair(folder)
        ours, theirs = [], []
        # Alternating, so that both meet the same disturbances.
        for number in range(repeats):
            ours.append(_diff(pair, folder, number))
            if orfeo.available():
                theirs.append(orfeo.mad(pair, folder))
        stages = run_process(
            [
                sys.executable,
                "-m",
                "benchmarks.diff_stages",
                pair.before,
                pair.after,
                str(pair.gsd_m),
                folder / "stages",
            ],
            folder=folder,
        )
    diff = _cost(_best(ours), pair)
    mad = _cost(_best(theirs), pair) if theirs else None
    return {
        "pair": pair.name,
        "gsd_m": pair.gsd_m,
        "megapixels": pair.pixels / 1e6,
        "repeats": repeats,
        "diff": diff,
        "mad": mad and {**mad, "version": orfeo.version()},
        "ratio": mad and {key: diff[key] / mad[key] for key in ("seconds", "cpu_seconds", "peak_mb")},
        "stages": json.loads(stages.output),
    }


def _diff(pair: Pair, folder: Path, number: int) -> ProcessCost:
    out = folder / f"outputs-{number}"
    command = [sys.executable, "-m", "flows.cli", "diff", pair.before, pair.after]
    cost = run_process(
        [*command, "--gsd", str(pair.gsd_m), "--out", out, "--json"], folder=folder, ok=CHANGED_OR_NOT
    )
    if json.loads(cost.output)["status"] == "not_assessable":
        raise RuntimeError(
            f"{pair.name} could not be assessed, so its speed says nothing: {cost.output[:500]}"
        )
    return cost
