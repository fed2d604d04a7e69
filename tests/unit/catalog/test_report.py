"""The Report and what the command line prints from it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pytest

from catalog import layout
from catalog.errors import BrokenRecord
from catalog.reader import is_run, list_runs, load_run
from catalog.report import Report
from catalog.report_build import build_report
from catalog.report_rows import diff_document, run_row
from catalog.run import RunRecord, write_run
from tests.unit.catalog.catalog_runs import grid_of, record


@pytest.fixture
def made(tmp_path: Path) -> RunRecord:
    return record(tmp_path / "work", grid=grid_of((520, 540)))


def test_report_survives_json(made: RunRecord) -> None:
    report = build_report(made, {0: "source/before/x.tif"})
    again = Report.from_dict(json.loads(layout.json_bytes(report.as_dict())))
    assert again.as_dict() == report.as_dict()
    assert again.changes == made.conclusion.changes
    assert again.outcomes == made.conclusion.outcomes
    assert again.inputs[0]["copy"] == "source/before/x.tif"


def test_fingerprint_follows_what_can_change_a_result(made: RunRecord) -> None:
    base = build_report(made, {}).fingerprint
    assert build_report(replace(made, seconds=99.0, notes=("x",), left_out=()), {}).fingerprint == base
    other_input = replace(made.inputs[0], sha256="0" * 64)
    assert build_report(replace(made, inputs=(other_input, made.inputs[1])), {}).fingerprint != base
    assert build_report(replace(made, parameters={"min_score": 0.1}), {}).fingerprint != base
    assert build_report(replace(made, site=replace(made.site, zones={})), {}).fingerprint != base


def test_left_out_scenes_and_quality_are_kept(made: RunRecord) -> None:
    left = SimpleNamespace(
        scene_id="s",
        acquired=datetime(2024, 12, 9, tzinfo=UTC),
        reason="cloud 93% over the AOI",
        platform="sat",
    )
    report = build_report(replace(made, left_out=(left,), after=replace(made.after, sun_azimuth_deg=5.0)), {})
    assert report.left_out[0]["reason"] == "cloud 93% over the AOI"
    assert report.left_out[0]["acquired"] == "2024-12-09T00:00:00Z"
    assert report.quality["sun_azimuth_difference_deg"] == 155.0
    around = replace(
        made,
        before=replace(made.before, sun_azimuth_deg=358.0),
        after=replace(made.after, sun_azimuth_deg=3.0),
    )
    assert build_report(around, {}).quality["sun_azimuth_difference_deg"] == 5.0


def test_diff_document_follows_the_contract(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path / "out")
    document = json.loads(json.dumps(diff_document(load_run(paths.folder).report, paths), allow_nan=False))
    assert list(document) == [
        "status", "reason", "item", "gsd_m", "seconds", "alignment", "valid_fraction", "detectability", "report",
        "changes",
    ]  # fmt: skip
    assert document["status"] == "changed"
    assert document["item"] == str(paths.item)
    assert document["gsd_m"] == pytest.approx(0.5, abs=0.001)
    assert document["alignment"] == {"residual_px": 0.12, "p95_px": 0.31, "verdict": "ok"}
    kinds = {change["kind"]: change for change in document["changes"]}
    assert list(kinds["appeared"]) == [
        "id", "kind", "label", "label_probability", "score", "zone", "link", "false_alarms_per_km2", "causes",
        "before", "after",
    ]  # fmt: skip
    assert kinds["appeared"]["before"] is None
    assert kinds["appeared"]["after"] == {
        "bbox_px": [100, 120, 160, 190], "length_m": 35.0, "width_m": 30.0, "area_m2": 1050.0
    }  # fmt: skip
    assert kinds["vanished"]["after"] is None
    assert kinds["moved"]["link"] == {"state": "linked", "margin": 1.25, "partners": ["abc"]}
    assert diff_document(made, paths) == diff_document(load_run(paths.folder).report, paths)


def test_diff_document_of_an_undated_unassessable_pair(made: RunRecord, tmp_path: Path) -> None:
    inputs = tuple(replace(entry, path=None) for entry in made.inputs)
    bare = replace(
        made, before=None, after=None, site=None, model=None, name="a_b_0", inputs=inputs,
        status="not_assessable", reason="no common structure",
    )  # fmt: skip
    paths = write_run(bare, root=tmp_path / "out")
    document = diff_document(load_run(paths.folder).report, paths)
    assert (document["item"], document["alignment"]) == (None, None)
    assert document["reason"] == "no common structure"


def test_run_row(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path / "out")
    row = run_row(load_run(paths.folder).report, paths)
    assert row["site"] == "testbase"
    assert row["before"] == {"id": "before-scene", "time": "2024-12-04T08:21:07Z"}
    assert row["counts"] == {"appeared": 1, "vanished": 1, "moved": 1}
    assert sum(row["outcomes"].values()) == len(made.tiles)
    assert row["item"] == str(paths.item)


def test_runs_are_listed_and_loaded(made: RunRecord, tmp_path: Path) -> None:
    root = tmp_path / "out"
    assert list_runs(root) == ()
    paths = write_run(made, root=root)
    (root / "testbase" / "unfinished").mkdir()
    (root / "testbase" / "unfinished" / "report.json").write_text('{"before": {}, "after": {}}')
    (root / ".partial" / "x").mkdir(parents=True)
    (root / ".partial" / "x" / "report.json").write_text('{"before": null, "after": null}')
    assert list_runs(root) == (paths.folder,)
    stored = load_run(paths.folder)
    assert [change.score for change in stored.changes] == sorted(
        (c.score for c in stored.changes), reverse=True
    )
    assert stored.item["id"] == layout.flat(made.name)
    assert stored.paths == paths


@pytest.mark.parametrize(
    ("content", "told"), [(None, "missing"), ("{", "JSON"), ("{}", "understands"), ("[]", "understands")]
)
def test_a_broken_report_is_told(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "report.json").write_text(content)
    assert not (content == "{" and is_run(tmp_path))
    with pytest.raises(BrokenRecord, match=told):
        load_run(tmp_path)


def test_json_has_no_nan_and_keeps_numpy_numbers() -> None:
    document = {
        "a": np.float32(0.5),
        "b": [np.nan, np.int64(3)],
        "c": np.array([1.0, np.inf]),
        "d": {"z", "y"},
        "e": MappingProxyType({"f": (Path("g"), np.float32(0.1))}),
        "h": [datetime(2024, 1, 2, 5, tzinfo=timezone(timedelta(hours=2))), datetime(2024, 1, 2)],
    }
    assert json.loads(layout.json_bytes(document)) == {
        "a": 0.5,
        "b": [None, 3],
        "c": [1.0, None],
        "d": ["y", "z"],
        "e": {"f": ["g", float(np.float32(0.1))]},
        "h": ["2024-01-02T03:00:00Z", "2024-01-02T00:00:00"],
    }


def test_multihash_names_its_algorithm_and_length() -> None:
    assert layout.multihash("ab" * 32) == "1220" + "ab" * 32
    assert bytes.fromhex(layout.multihash("ab" * 32))[:2] == bytes([0x12, 32])
