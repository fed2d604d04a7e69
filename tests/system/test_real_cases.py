"""``evaluate`` and ``diff`` on labelled cases, through the command line."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.real_runs import sitewatch

pytestmark = pytest.mark.system

CASES = (
    "air_c03_2314c1b5_4e9164aa",
    "null_c03_4e9164aa_c20b3c21",
    "sar_latakia_20260706_20260805",
    "veh_c03_1",
)
"""An aircraft pair, a control that shares an image with it, a crop with vehicles, a radar pair."""


def test_labelled_cases_are_evaluated_as_diff_sees_them(shared_data: Path, tmp_path: Path) -> None:
    public = shared_data / "cases" / "public"
    chosen = tmp_path / "cases"
    chosen.mkdir()
    for name in CASES:
        (chosen / name).symlink_to(public / name)

    found = sitewatch("evaluate", chosen, "--out", tmp_path / "out")

    assert found["failed"] == {}
    assert (found["n_cases"], found["n_na"]) == (4, 0)
    # The scorers that ship were fitted on these cases, and the result says so.
    assert set(found["in_sample"]) == set(CASES)
    by_class: dict[str, list[dict[str, Any]]] = {}
    for row in found["rows"]:
        by_class.setdefault(row["klass"], []).append(row)
    assert set(by_class) == {"aircraft", "sar", "vehicle"}
    for rows in by_class.values():
        for low, high in itertools.pairwise(rows):
            assert low["thr"] < high["thr"]
            assert low["Pd"] >= high["Pd"]
            assert low["FA"] >= high["FA"]
        assert rows[0]["Pd"] > 0
    assert found["null_n_false_scenes"]["0.5"] == 0
    predictions = {
        name: json.loads((tmp_path / "out" / "predictions" / f"{name}.json").read_text()) for name in CASES
    }
    assert all(change["score"] >= 0.05 for document in predictions.values() for change in document["changes"])
    assert list((tmp_path / "out" / "sheets").glob("vehicle_misses_*.png"))

    case = public / "veh_c03_1"
    same = sitewatch(
        "diff", case / "before.png", case / "after.png", "--gsd", "0.5", "--min-score", "0.05",
        "--out", tmp_path / "diff",
    )  # fmt: skip
    assert same["changes"] == predictions["veh_c03_1"]["changes"]
