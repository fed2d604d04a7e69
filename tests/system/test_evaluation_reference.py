"""The scorer agrees to the last digit with the one that the labelled cases were published with."""

import importlib.util
import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from catalog.cases import CaseFiles, load_cases
from flows.cli import call
from models.evaluation import Box, score_case, summarise

pytestmark = pytest.mark.system

Predict = Callable[[CaseFiles, random.Random], dict[str, Any] | None]


@pytest.fixture(scope="module")
def reference(shared_data: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_score", shared_data / "cases" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def cases(shared_data: Path) -> tuple[CaseFiles, ...]:
    return load_cases(shared_data / "cases" / "public")


def change(kind: str, box: Any, score: Any, label: str = "object", **more: Any) -> dict[str, Any]:
    date = "before" if kind == "vanished" else "after"
    return {"kind": kind, "score": score, "label": label, date: {"bbox_px": list(box)}, **more}


def around(box: Box, rng: random.Random) -> list[int]:
    """The box, shifted, grown, halved or as it is."""
    width, height = box.col1 - box.col0, box.row1 - box.row0
    scale = rng.choice((0.3, 0.45, 0.7, 1.0, 1.0, 1.3, 1.8, 2.4))
    col = (box.col0 + box.col1) / 2 + rng.uniform(-0.7, 0.7) * width
    row = (box.row0 + box.row1) / 2 + rng.uniform(-0.7, 0.7) * height
    half_width, half_height = max(1.0, width * scale / 2), max(1.0, height * scale / 2)
    return [int(col - half_width), int(row - half_height), int(col + half_width), int(row + half_height)]


def anywhere(files: CaseFiles, rng: random.Random, longest_m: float) -> list[float]:
    rows, cols = files.case.shape
    side_px = longest_m / files.case.gsd_m
    col, row = rng.uniform(-10, cols), rng.uniform(-10, rows)
    return [col, row, col + rng.uniform(0, side_px), row + rng.uniform(0, side_px)]


def mixed(files: CaseFiles, rng: random.Random) -> dict[str, Any] | None:
    """Good, shifted, repeated, wrong and random claims of all kinds, with tied scores."""
    changes = []
    kinds = ("appeared", "vanished")
    for truth in files.case.truths:
        for _ in range(rng.choice((0, 1, 1, 2, 3))):
            kind = truth.kind if rng.random() < 0.8 else rng.choice(kinds)
            score = rng.choice((round(rng.random(), 1), rng.random()))
            changes.append(change(kind, around(truth.box, rng), score))
    for box in (*files.case.dont_care, *files.case.ignore):
        if rng.random() < 0.4:
            changes.append(change(rng.choice(kinds), around(box, rng), rng.random()))
    for _ in range(rng.randrange(60)):
        size_m = rng.choice((2, 5, 12, 30, 80, 90, 400, 500))
        label = rng.choice(("object", "aircraft", "ship", "vehicle", "none"))
        changes.append(change(rng.choice(kinds), anywhere(files, rng, size_m), rng.random(), label))
    for _ in range(rng.randrange(12)):
        ends = [anywhere(files, rng, 40), anywhere(files, rng, 40)]
        if files.case.truths:
            ends[0] = around(rng.choice(files.case.truths).box, rng)
        rng.shuffle(ends)
        moved = {"kind": "moved", "score": rng.random(), "label": "aircraft"}
        changes.append({**moved, "before": {"bbox_px": ends[0]}, "after": {"bbox_px": ends[1]}})
    rng.shuffle(changes)
    status = rng.choice(("changed", "changed", "changed", "changed", "not_assessable"))
    seconds = rng.choice((None, 0, 3, rng.uniform(0.5, 20)))
    return {"status": status, "seconds": seconds, "changes": changes} if rng.random() < 0.92 else None


def perfect(files: CaseFiles, rng: random.Random) -> dict[str, Any]:
    changes = [change(truth.kind, truth.box, 0.5) for truth in files.case.truths]
    return {"status": "changed", "seconds": 1.5, "changes": changes}


def nothing(files: CaseFiles, rng: random.Random) -> dict[str, Any]:
    return {"status": "unchanged", "seconds": 0, "changes": []}


def no_result(files: CaseFiles, rng: random.Random) -> None:
    return None


def wrong_kind(files: CaseFiles, rng: random.Random) -> dict[str, Any]:
    other = {"appeared": "vanished", "vanished": "appeared"}
    changes = [change(other[truth.kind], truth.box, rng.random()) for truth in files.case.truths]
    return {"status": "changed", "changes": changes}


def on_the_edges(files: CaseFiles, rng: random.Random) -> dict[str, Any]:
    """Boxes at exact limits: size, area ratio, centre on an edge, ties, no area, swapped corners, no score."""
    changes = []
    gsd = files.case.gsd_m
    for truth in files.case.truths:
        c0, r0, c1, r1 = truth.box
        width, height = c1 - c0, r1 - r0
        shapes = [
            (c0, r0, c0 + width * 0.2, r1),
            (c0 - width / 2, r0, c0 + width / 2, r1),
            (c0 - width, r0 - height, c1 + width, r1),
            (c0 - 2.5 / gsd - 2, r0, c0 - 2.5 / gsd + 2, r1),
            (c0, r0, c0, r1),
            (c1, r1, c0, r0),
            *((c0, r0, c0 + side / gsd, r0 + 3) for side in (3, 12, 20, 25, 80, 400)),
        ]
        for shape in shapes:
            changes.append(
                change(rng.choice(("appeared", "vanished")), shape, rng.choice((0.3, 0.5, 0.7, 1, 0)))
            )
    for box in files.case.ignore:
        c0, r0, c1, r1 = box
        changes.append(change("appeared", (c1 - 20, r0, c1 + 20, r0 + 40), 0.9))
    unscored = [{**c, "label": None} if rng.random() < 0.1 else c for c in changes]
    for c in unscored:
        if rng.random() < 0.1:
            del c["score"]
        if rng.random() < 0.3:
            c["after" if "before" in c else "before"] = None
        if rng.random() < 0.2 and c["kind"] == "appeared":
            c["before"], c["after"] = c["after"], None
    return {"status": "changed", "seconds": rng.uniform(0.1, 9), "changes": unscored}


def crowded(files: CaseFiles, rng: random.Random) -> dict[str, Any]:
    """So many distinct scores that thresholds are quantiles."""
    changes = [change("appeared", anywhere(files, rng, 60), rng.random()) for _ in range(150)]
    changes += [change(t.kind, around(t.box, rng), rng.random()) for t in files.case.truths for _ in range(4)]
    return {"status": "changed", "seconds": 2, "changes": changes}


def undefined_is_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: undefined_is_null(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [undefined_is_null(v) for v in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def scenarios() -> Iterator[Any]:
    for seed in range(4):
        yield pytest.param(mixed, seed, id=f"mixed-{seed}")
    for predict in (perfect, nothing, no_result, wrong_kind, on_the_edges, crowded):
        yield pytest.param(predict, 0, id=predict.__name__)


SMALL_CASES = ("sar_latakia_20250803_20251002", "ship_longbeach", "veh_c03_1", "veh_c07_1")


@pytest.mark.filterwarnings("ignore:All-NaN slice")
def test_the_command_agrees_about_its_own_predictions(
    reference: ModuleType, shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = tmp_path / "cases"
    chosen.mkdir()
    for name in SMALL_CASES:
        (chosen / name).symlink_to(shared_data / "cases" / "public" / name)
    out = tmp_path / "out"

    code = call(["evaluate", str(chosen), "--out", str(out), "--json"])

    ours = json.loads(capsys.readouterr().out)
    assert ours["failed"] == {}
    assert code == (3 if ours["n_na"] else 0)
    expected = reference.evaluate(str(chosen), str(out / "predictions"), (0.0, 0.3, 0.5, 0.7, 0.9))
    assert {key: ours[key] for key in expected} == undefined_is_null(json.loads(json.dumps(expected)))
    assert {row["klass"] for row in ours["rows"]} == {"ship", "sar", "vehicle"}
    assert sum(figures["Pd"] or 0 for figures in ours["per_case"].values()) > 0
    assert list((out / "sheets").glob("*_misses_01.png"))


@pytest.mark.filterwarnings("ignore:All-NaN slice")
@pytest.mark.parametrize(("predict", "seed"), list(scenarios()))
def test_agrees_with_the_published_scorer(
    predict: Predict,
    seed: int,
    cases: tuple[CaseFiles, ...],
    reference: ModuleType,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    rng = random.Random(seed)
    documents = {files.case.name: predict(files, rng) for files in cases}
    for name, document in documents.items():
        if document is not None:
            (tmp_path / f"{name}.json").write_text(json.dumps(document))

    expected = reference.evaluate(
        str(shared_data / "cases" / "public"), str(tmp_path), (0.0, 0.3, 0.5, 0.7, 0.9), 200
    )
    scores = [score_case(files.case, documents[files.case.name]) for files in cases]
    ours = json.loads(json.dumps(summarise(scores, name="test", resamplings=200).as_dict(), allow_nan=False))

    expected = undefined_is_null(json.loads(json.dumps(expected)))
    assert {key: ours[key] for key in expected} == expected
    for score, files in zip(scores, cases, strict=True):
        theirs = reference.score_case(str(files.folder), documents[files.case.name])
        assert score.case.examined_km2 == theirs["km2"]
        assert list(score.hit_scores) == theirs["hit"]
        assert list(score.matches) == theirs["any"]
        words = {"hit": "tp", "fragment": "frag", "wrong_kind": "wrongkind", "false_alarm": "fa"}
        words |= {"off_class": "small", "ignored": "ignored"}
        judged = [(claim.score, words[status], claim.kind) for claim, status in score.judged]
        assert judged == theirs["R"]
