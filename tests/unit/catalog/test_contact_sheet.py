"""Contact sheets: what is put on them, in which order, and that both dates show the same ground."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from catalog.cases import CaseFiles, load_case
from catalog.contact_cell import CELL_PX, COLOURS, PANEL_PX, case_pixels, cell
from catalog.contact_sheet import exhibits, write_contact_sheets
from models.evaluation import CaseScore, score_case

SHIFT_COL, SHIFT_ROW = 12, -7
TRUTHS = {"appeared": [[100, 100, 150, 150]], "vanished": [[200, 200, 280, 260]]}


@pytest.fixture
def files(tmp_path: Path, rng: np.random.Generator) -> CaseFiles:
    """A scene and the same scene shifted; nothing else differs."""
    folder = tmp_path / "case"
    folder.mkdir()
    wide = np.asarray(
        Image.fromarray(rng.integers(30, 220, (50, 50, 3), dtype=np.uint8)).resize(
            (400, 400), Image.Resampling.BICUBIC
        )
    )
    Image.fromarray(wide[20:340, 20:340]).save(folder / "before.png")
    shifted = wide[20 - SHIFT_ROW : 340 - SHIFT_ROW, 20 - SHIFT_COL : 340 - SHIFT_COL]
    Image.fromarray(shifted).save(folder / "after.png")
    empty: dict[str, Any] = {"occupied_both": [], "ambiguous": [], "ignore": []}
    (folder / "truth.json").write_text(json.dumps({"klass": "aircraft", "null": False, **TRUTHS, **empty}))
    transform = [[1, 0, SHIFT_COL], [0, 1, SHIFT_ROW], [0, 0, 1]]
    meta = {"width": 320, "height": 320, "gsd": 0.5, "component": "c", "H_before_to_after": transform}
    (folder / "meta.json").write_text(json.dumps(meta))
    return load_case(folder)


def claim(kind: str, box: list[int], score: float) -> dict[str, Any]:
    return {"kind": kind, "score": score, "label": "aircraft", "after": {"bbox_px": box}}


def scored(files: CaseFiles, *changes: dict[str, Any]) -> CaseScore:
    return score_case(files.case, {"status": "changed", "changes": list(changes)})


def test_mistakes_are_sorted_and_what_is_right_is_left_out(files: CaseFiles) -> None:
    score = scored(
        files,
        claim("appeared", [100, 100, 150, 150], 0.4),  # a hit, but below the sheet's score
        claim("appeared", [10, 10, 50, 50], 0.6),
        claim("vanished", [10, 60, 50, 90], 0.9),
        claim("appeared", [200, 10, 240, 50], 0.3),
        claim("appeared", [200, 200, 280, 260], 0.8),  # the other kind
        claim("vanished", [262, 242, 302, 282], 0.7),  # touches
    )
    found = exhibits([score], threshold=0.5)
    captions = {key: [exhibit.caption for exhibit in series] for key, series in found.items()}
    assert captions == {
        ("aircraft", "misses"): [
            "vanished, 40 m; best match 0.80, other kind",
            "appeared, 25 m; found at 0.40",
        ],
        ("aircraft", "false_alarms"): ["vanished 0.90, 20 m, aircraft", "appeared 0.60, 20 m, aircraft"],
        ("aircraft", "wrong_kind"): ["appeared 0.80, 40 m, aircraft"],
        ("aircraft", "fragments"): ["vanished 0.70, 20 m, aircraft"],
    }


def test_both_dates_show_the_same_ground_with_one_stretch(files: CaseFiles) -> None:
    exhibit = exhibits([scored(files)], threshold=0.5)["aircraft", "misses"][1]
    picture = np.asarray(cell(exhibit, files, case_pixels(files)), dtype=int)
    assert picture.shape == (CELL_PX[1], CELL_PX[0], 3)
    before, after = picture[:PANEL_PX, :PANEL_PX], picture[:PANEL_PX, -PANEL_PX:]
    assert np.abs(before - after).max() <= 2
    assert before.std() > 20
    assert (before == COLOURS["appeared"]).all(axis=-1).sum() > 100  # the label is drawn


def test_ground_beyond_the_image_is_shown_as_missing(files: CaseFiles) -> None:
    score = scored(files, claim("appeared", [280, 280, 330, 330], 0.9))
    exhibit = exhibits([score], threshold=0.5)["aircraft", "false_alarms"][0]
    picture = np.asarray(cell(exhibit, files, case_pixels(files)))
    assert (picture[PANEL_PX - 2, PANEL_PX - 2] == 60).all()


def test_pages_say_how_many_there_are_and_old_ones_go(files: CaseFiles, tmp_path: Path) -> None:
    boxes = [[10 + 5 * i, 10, 60 + 5 * i, 50] for i in range(25)]
    many = scored(files, *(claim("appeared", box, 0.9) for box in boxes))
    out = tmp_path / "sheets"
    out.mkdir()
    (out / "notes.png").write_bytes(b"mine")
    named = {files.case.name: files}
    first = write_contact_sheets([many], named, out)
    assert [page.name for page in first] == [
        "aircraft_false_alarms_01.png",
        "aircraft_false_alarms_02.png",
        "aircraft_misses_01.png",
    ]
    for page in first:
        with Image.open(page) as image:
            assert image.width > 4 * CELL_PX[0]
    second = write_contact_sheets([scored(files)], named, out)
    assert {path.name for path in out.iterdir()} == {"notes.png", *(page.name for page in second)}
    assert [page.name for page in second] == ["aircraft_misses_01.png"]
