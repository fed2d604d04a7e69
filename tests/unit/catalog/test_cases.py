"""Reading labelled cases from disk, and what is said about broken ones."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalog.cases import load_case, load_cases
from catalog.errors import BadCase
from models.evaluation import Box, Truth

TRUTH = {
    "klass": "aircraft",
    "null": False,
    "appeared": [[1, 2, 30, 40]],
    "vanished": [[50, 2, 80, 40]],
    "occupied_both": [[0, 60, 9, 69]],
    "ambiguous": [[20, 60, 29, 69]],
    "ignore": [[0, 0, 100, 1]],
}
META = {"width": 100, "height": 80, "gsd": 0.5, "component": "c1"}


def make_case(
    folder: Path,
    *,
    truth: dict[str, Any] | None = None,
    meta: dict[str, Any] | None = None,
    suffix: str = "png",
) -> Path:
    folder.mkdir(parents=True)
    (folder / "truth.json").write_text(json.dumps({**TRUTH, **(truth or {})}))
    (folder / "meta.json").write_text(json.dumps({**META, **(meta or {})}))
    for date in ("before", "after"):
        Image.fromarray(np.zeros((80, 100), np.uint8)).save(folder / f"{date}.{suffix}")
    return folder


def test_everything_a_case_says(tmp_path: Path) -> None:
    shift = [[1, 0, 2.5], [0, 1, -1], [0, 0, 1]]
    files = load_case(make_case(tmp_path / "air_1", meta={"H_before_to_after": shift}))
    assert files.case.name == "air_1"
    assert (files.case.shape, files.case.gsd_m, files.case.component) == ((80, 100), 0.5, "c1")
    assert files.case.truths == (
        Truth("appeared", Box(1, 2, 30, 40)),
        Truth("vanished", Box(50, 2, 80, 40)),
    )
    assert files.case.dont_care == (Box(0, 60, 9, 69), Box(20, 60, 29, 69))
    assert files.case.ignore == (Box(0, 0, 100, 1),)
    assert (files.case.origin, files.case.perturbed, files.case.radar) == ("real", False, False)
    assert (files.sensor, files.quantity) == ("optical", "dn")
    np.testing.assert_array_equal(files.to_after, shift)


def test_origin_and_perturbation(tmp_path: Path) -> None:
    meta = {"origin": "implant", "perturbation": {"gain": 0.9}}
    case = load_case(make_case(tmp_path / "x", meta=meta)).case
    assert (case.origin, case.perturbed) == ("implant", True)


def test_radar_takes_the_numbers_not_the_picture(tmp_path: Path) -> None:
    folder = make_case(tmp_path / "sar_1")
    with pytest.raises(BadCase, match=r"no image of the before date; looked for before with \.tif, \.tiff"):
        load_case(folder)
    for date in ("before", "after"):
        Image.fromarray(np.zeros((80, 100), np.float32)).save(folder / f"{date}.tif")
    files = load_case(folder)
    assert (files.before.name, files.after.name) == ("before.tif", "after.tif")
    assert (files.sensor, files.quantity) == ("sar", "db")


def test_cases_come_in_the_published_order(tmp_path: Path) -> None:
    for name in ("b", "a_1", "a", "a-1", ".hidden"):
        make_case(tmp_path / name)
    assert [files.case.name for files in load_cases(tmp_path)] == ["a-1", "a", "a_1", "b"]


@pytest.mark.parametrize(
    ("truth", "meta", "complaint"),
    [
        ({"null": "no"}, {}, "null must be true or false"),
        ({"klass": "tank"}, {}, "klass must be one of aircraft, ship, vehicle, none, got 'tank'"),
        ({"appeared": [[1, 2, 3]]}, {}, r"a box is \[col0, row0, col1, row1\], got \[1, 2, 3\]"),
        ({"appeared": [[5, 5, 5, 9]]}, {}, "is empty"),
        ({}, {"gsd": -1}, "gsd must be a positive number"),
        ({}, {"gsd": "half"}, "half"),
        ({}, {"origin": "drawn"}, "origin must be one of real, implant, simulated"),
        ({}, {"H_before_to_after": [[1, 0], [0, 1]]}, "must be 3 x 3"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    tmp_path: Path, truth: dict[str, Any], meta: dict[str, Any], complaint: str
) -> None:
    folder = make_case(tmp_path / "broken_1", truth=truth, meta=meta)
    with pytest.raises(BadCase, match=complaint) as raised:
        load_cases(tmp_path)
    assert str(folder) in str(raised.value)


def test_missing_files_and_fields(tmp_path: Path) -> None:
    folder = make_case(tmp_path / "case_1")
    (folder / "after.png").unlink()
    with pytest.raises(BadCase, match="no image of the after date"):
        load_case(folder)
    (folder / "meta.json").write_text('{"width": 3}')
    with pytest.raises(BadCase, match="'gsd' is missing"):
        load_case(folder)
    (folder / "meta.json").write_text("{")
    with pytest.raises(BadCase, match=r"meta\.json: cannot be read as JSON"):
        load_case(folder)
    (folder / "meta.json").write_text("[]")
    with pytest.raises(BadCase, match="must hold a JSON object, holds a list"):
        load_case(folder)
    (folder / "truth.json").unlink()
    with pytest.raises(BadCase, match=r"truth\.json: missing"):
        load_case(folder)


def test_folders_that_hold_no_cases(tmp_path: Path) -> None:
    with pytest.raises(BadCase, match="holds no cases"):
        load_cases(tmp_path)
    with pytest.raises(BadCase, match="not a folder"):
        load_cases(tmp_path / "nowhere")
    with pytest.raises(BadCase, match="Give the folder above it"):
        load_cases(make_case(tmp_path / "one"))
