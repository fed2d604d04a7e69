"""`sitewatch evaluate`: every case goes through the comparison, and a broken one is named."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from catalog.cases import CaseFiles
from flows.evaluate import Evaluation, evaluate_cases
from flows.evaluate_table import show_evaluation

TRUTH_BOX = [20, 20, 70, 70]


def make_case(root: Path, name: str, **meta: Any) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    for date in ("before", "after"):
        Image.fromarray(np.full((128, 128), 90, np.uint8)).save(folder / f"{date}.png")
    null = name.startswith("null")
    truth = {key: [] for key in ("appeared", "vanished", "occupied_both", "ambiguous", "ignore")}
    truth |= {"klass": "none" if null else "aircraft", "null": null, "appeared": [] if null else [TRUTH_BOX]}
    (folder / "truth.json").write_text(json.dumps(truth))
    facts = {"width": 128, "height": 128, "gsd": 0.5, "component": name, **meta}
    (folder / "meta.json").write_text(json.dumps(facts))


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    root = tmp_path / "cases"
    for name in ("air_1", "air_2", "air_3", "null_1"):
        make_case(root, name)
    make_case(root, "drawn_1", origin="simulated")
    return root


def found(files: CaseFiles) -> dict[str, Any]:
    if files.case.name == "air_2":
        raise RuntimeError("no memory left")
    change = {"kind": "appeared", "score": 0.8, "label": "aircraft", "after": {"bbox_px": TRUTH_BOX}}
    return {"status": "changed", "seconds": 0.5, "changes": [change]}


def evaluate(cases: Path, out: Path | None = None) -> Evaluation:
    return evaluate_cases(cases, detect=found, out=out, resamplings=20, name="test")


def test_a_case_that_fails_is_missed_and_named(cases: Path) -> None:
    document = evaluate(cases).summary.as_dict()
    assert document["failed"] == {"air_2": "RuntimeError: no memory left"}
    assert (document["n_cases"], document["n_na"]) == (4, 1)
    assert document["per_case"]["air_2"] == {"Pd": 0.0, "FA": 0}
    row = next(row for row in document["rows"] if row["thr"] == 0.5)
    assert (row["Pd"], row["n"]) == (0.667, 3)
    assert document["null_n_false_scenes"]["0.5"] == 1
    assert document["other_origins"]["simulated"]["per_case"] == {"drawn_1": {"Pd": 1.0, "FA": 0}}


def test_what_is_kept(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "predictions").mkdir(parents=True)
    (out / "predictions" / "air_2.json").write_text("{}")
    evaluation = evaluate(cases, out)
    names = sorted(path.name for path in (out / "predictions").iterdir())
    assert names == ["air_1.json", "air_3.json", "drawn_1.json", "null_1.json"]
    kept = json.loads((out / "predictions" / "air_1.json").read_text())
    assert kept["changes"][0]["score"] == 0.8
    assert json.loads((out / "summary.json").read_text()) == evaluation.summary.as_dict()
    assert [sheet.name for sheet in evaluation.sheets] == [
        "aircraft_misses_01.png",
        "null_false_alarms_01.png",
    ]


def test_a_document_that_cannot_be_scored_fails_its_case(cases: Path, tmp_path: Path) -> None:
    def nonsense(files: CaseFiles) -> dict[str, Any]:
        return {"status": "changed", "changes": [{"kind": "melted", "score": 1.0, "after": None}]}

    out = tmp_path / "out"
    summary = evaluate_cases(cases, detect=nonsense, out=out, resamplings=5).summary
    assert summary.failed["air_1"] == "ValueError: change 0 is of unknown kind 'melted'"
    assert not (out / "predictions").exists()


def test_the_tables_keep_origins_apart_and_name_failures(cases: Path) -> None:
    screen = io.StringIO()
    show_evaluation(evaluate(cases), console=Console(file=screen, width=80))
    text = screen.getvalue()
    assert "Changes seen in real images: 4 cases, 1 without a result" in text
    assert "SIMULATED images: 1 cases" in text
    assert "Failed: air_2: RuntimeError: no memory left" in text
    assert "aircraft: 3 changes on" in text
    assert "0.67" in text
    assert "…" not in text
    assert text.index("Changes seen in real images") < text.index("SIMULATED images")


def test_figures_on_fitted_cases_are_marked(cases: Path) -> None:
    screen = io.StringIO()
    fitted = evaluate_cases(cases, detect=found, resamplings=5, fitted_on={"air_1"})
    show_evaluation(fitted, console=Console(file=screen, width=200))
    assert "IN-SAMPLE: the scorer was fitted on 1 of these 4 cases" in screen.getvalue()
    assert "aircraft: 3 changes on" in screen.getvalue()
    assert "km2 (IN-SAMPLE)" in screen.getvalue()
    screen = io.StringIO()
    show_evaluation(evaluate(cases), console=Console(file=screen, width=200))
    assert "IN-SAMPLE" not in screen.getvalue()
