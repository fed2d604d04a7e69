"""`sitewatch train`: a scorer from two small cases, the same bytes each time."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.cli import call
from models.score import scorer_of
from models.scorers import TreeScorer
from tests.unit.models.planted import block, noisy, texture

CORNERS = [(20, 30), (60, 120), (110, 40), (130, 130), (160, 80), (30, 170)]
UNLABELLED = [(8, 60), (90, 150), (185, 20)]


def make_case(root: Path, name: str, seed: int, **meta: str) -> None:
    folder = root / name
    folder.mkdir(parents=True)
    ground = texture((200, 200), seed)
    after = ground.copy()
    for row, col in CORNERS:
        block(after, row, col, 6, 12, 220.0)
    for row, col in UNLABELLED:
        block(after, row, col, 3, 36, 20.0)
    for date, image in (("before", ground), ("after", after)):
        picture = np.clip(np.moveaxis(noisy(image, seed + len(date)), 0, 2), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"{date}.png")
    truth = {key: [] for key in ("vanished", "occupied_both", "ambiguous", "ignore")}
    truth |= {"klass": "vehicle", "null": False, "appeared": [[c, r, c + 12, r + 6] for r, c in CORNERS]}
    (folder / "truth.json").write_text(json.dumps(truth))
    facts = {"width": 200, "height": 200, "gsd": 0.5, "component": name, **meta}
    (folder / "meta.json").write_text(json.dumps(facts))


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    for seed, name in enumerate(("veh_1", "veh_2")):
        make_case(tmp_path / "cases", name, seed + 3)
    return tmp_path / "cases"


def test_the_same_cases_give_the_same_bytes(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "own.json"
    texts = []
    for _ in range(2):
        assert call(["train", str(cases), "--out", str(out), "--json"]) == 0
        texts.append(out.read_bytes())
    assert texts[0] == texts[1]
    document = json.loads(texts[0])
    assert document["name"] == "own"
    assert document["fitted_on"]["cases"] == ["veh_1", "veh_2"]
    assert isinstance(scorer_of(document, "own"), TreeScorer)


def test_cases_that_are_not_simulated_are_refused(
    cases: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["train", str(cases), "--simulated-only", "--out", str(tmp_path / "own.json")]) == 2
    assert "holds no simulated optical case" in capsys.readouterr().err


def test_only_simulated_cases_are_used_where_real_ones_lie_beside_them(cases: Path, tmp_path: Path) -> None:
    for seed, name in enumerate(("sim_1", "sim_2")):
        make_case(cases, name, seed + 11, origin="simulated")
    out = tmp_path / "own.json"
    assert call(["train", str(cases), "--simulated-only", "--out", str(out), "--json"]) == 0
    document = json.loads(out.read_text())
    assert document["fitted_on"]["cases"] == ["sim_1", "sim_2"]
    assert document["licence"].startswith("Apache-2.0")
    # What claims cost on drawn places is no promise for real ones.
    assert document["budget"] == {}
