"""A run is written whole or not at all, once, and never over an earlier one."""

import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from catalog import layout, lock, versions
from catalog.errors import CatalogError, RunBusy
from catalog.reader import list_runs, load_run
from catalog.run import RunRecord, write_run
from catalog.verify import verify
from imagery.warp import ArrayReader
from models.change import TileOutcome
from models.compare import Conclusion
from tests.conftest import REPOSITORY
from tests.unit.catalog.catalog_runs import alignment, appeared, grid_of, raster_of, record

NAME = "testbase/optical_20241204T082107Z_20241220T082341Z"
CONTRACT = {
    "after.tif", "before.tif", "changes.geojson", "chips", "detectability.tif", "evidence.tif", "item.json",
    "overlay.png", "report.json", "source", "tiles.json",
}  # fmt: skip


@pytest.fixture
def made(tmp_path: Path) -> RunRecord:
    return record(tmp_path / "work", grid=grid_of((300, 360)), changes=(appeared(),))


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        p.relative_to(root).as_posix(): p.read_bytes()
        for p in sorted(root.rglob("*"))
        if p.is_file() and layout.LOCKS not in p.parts
    }


def test_everything_of_the_contract_is_left_and_nothing_else(made: RunRecord, tmp_path: Path) -> None:
    root = tmp_path / "out"
    paths = write_run(made, root=root)
    assert paths.folder == root / NAME
    assert {p.name for p in paths.folder.iterdir()} == CONTRACT
    assert {p.name for p in root.iterdir()} == {"catalog.json", "testbase", layout.LOCKS}
    assert [p.is_file() for p in (paths.item, paths.report, paths.overlay, paths.changes, paths.tiles)] == [
        True
    ] * 5
    assert list(paths.chips) == [made.conclusion.changes[0].id]
    assert (paths.folder / "source" / "before" / "before-scene.tif").read_bytes() == b"old"
    assert all(entry.path.exists() for entry in made.inputs)


def test_ledger_has_one_outcome_per_tile(made: RunRecord, tmp_path: Path) -> None:
    document = json.loads(write_run(made, root=tmp_path).tiles.read_bytes())
    assert [row["tile"] for row in document["tiles"]] == [tile.id for tile in made.tiles]
    assert document["counts"] == {"changed": 1, "unchanged": 0, "not_assessable": 0, "failed": 0}
    assert document["tiles"][0]["bbox_px"] == [0, 0, 360, 300]


def test_a_tile_without_outcome_is_an_error_and_leaves_nothing(made: RunRecord, tmp_path: Path) -> None:
    broken = replace(made, conclusion=Conclusion(changes=(), outcomes=()))
    with pytest.raises(CatalogError, match="exactly one outcome; wrong for r00c00"):
        write_run(broken, root=tmp_path / "out")
    assert snapshot(tmp_path / "out") == {}


def test_undated_inputs_leave_a_run_without_item_and_catalogue(made: RunRecord, tmp_path: Path) -> None:
    inputs = tuple(replace(entry, path=None) for entry in made.inputs)
    bare = replace(made, before=None, after=None, site=None, name="a_b_0123456789ab", inputs=inputs)
    paths = write_run(bare, root=tmp_path / "out")
    assert paths.item is None
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"a_b_0123456789ab", layout.LOCKS}
    assert {p.name for p in paths.folder.iterdir()} == CONTRACT - {"item.json"}
    assert list_runs(tmp_path / "out") == (paths.folder,)
    assert verify(paths.folder).intact


def test_a_refused_pair_leaves_all_files_with_empty_evidence(made: RunRecord, tmp_path: Path) -> None:
    outcome = TileOutcome(tile="r00c00", outcome="not_assessable", reason="not aligned", valid_fraction=1.0)
    refused = replace(
        made, status="not_assessable", reason="not aligned", evidence=lambda _: None,
        model=replace(made.model, alignment=alignment(verdict="refused", reason="not aligned")),
        conclusion=Conclusion(changes=(), outcomes=(outcome,)),
    )  # fmt: skip
    paths = write_run(refused, root=tmp_path)
    assert {p.name for p in paths.folder.iterdir()} == CONTRACT
    with rasterio.open(paths.evidence) as evidence, rasterio.open(paths.after) as after:
        assert np.isnan(evidence.read(1)).all()
        assert isinstance(made.after_reader, ArrayReader)
        np.testing.assert_array_equal(after.read(), made.after_reader.raster.data)  # not shifted
    assert json.loads(paths.changes.read_bytes())["features"] == []


def test_a_pair_without_any_model_is_written(made: RunRecord, tmp_path: Path) -> None:
    outcome = TileOutcome(tile="r00c00", outcome="failed", reason="out of memory", valid_fraction=0.0)
    bare = replace(
        made, model=None, status="not_assessable", reason="failed", evidence=lambda _: None,
        conclusion=Conclusion(changes=(), outcomes=(outcome,)), valid_fraction=0.0,
    )  # fmt: skip
    paths = write_run(bare, root=tmp_path)
    assert load_run(paths.folder).report.alignment is None


def test_the_same_again_is_left_alone(made: RunRecord, tmp_path: Path) -> None:
    write_run(made, root=tmp_path)
    first = snapshot(tmp_path)
    paths = write_run(replace(made, seconds=9.0), root=tmp_path)
    assert snapshot(tmp_path) == first
    assert paths.item is not None


@pytest.mark.parametrize("what", ["parameters", "outcome", "software", "damage"])
def test_an_earlier_result_is_kept_when_anything_differs(
    made: RunRecord, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = write_run(made, root=tmp_path)
    again = made
    if what == "parameters":
        again = replace(made, parameters={"min_score": 0.4})
    elif what == "outcome":
        again = replace(made, conclusion=replace(made.conclusion, changes=()))
    elif what == "software":
        monkeypatch.setattr(
            "catalog.report_build.versions", lambda: {"sitewatch": "9", "sitewatch-algorithm": "x"}
        )
    else:
        paths.overlay.write_bytes(b"")
    before = snapshot(paths.folder)
    write_run(again, root=tmp_path)
    (kept,) = load_run(paths.folder).earlier
    assert kept.name.startswith("0001_")
    old = snapshot(kept)
    assert {name: data for name, data in old.items() if name != "item.json"} == {
        name: data for name, data in before.items() if name != "item.json"
    }
    item = json.loads(paths.item.read_bytes())
    assert item["properties"]["version"] == "2"
    previous = next(link for link in item["links"] if link["rel"] == "predecessor-version")
    assert json.loads((paths.folder / previous["href"]).read_bytes())["properties"]["deprecated"] is True
    assert verify(paths.folder).intact is (what != "damage")


def test_versions_pile_up_in_order(made: RunRecord, tmp_path: Path) -> None:
    for score in (0.5, 0.6, 0.7, 0.5):
        paths = write_run(replace(made, parameters={"min_score": score}), root=tmp_path)
    stored = load_run(paths.folder)
    assert [load_run(folder).report.parameters["min_score"] for folder in stored.earlier] == [0.5, 0.6, 0.7]
    assert all((folder / "before.tif").is_file() for folder in stored.earlier)
    assert not any((folder / layout.VERSIONS).exists() for folder in stored.earlier)
    assert list_runs(tmp_path) == (paths.folder,)
    for folder in stored.earlier:
        links = json.loads((folder / "item.json").read_bytes())["links"]
        assert all(
            (folder / k["href"]).resolve().is_file() for k in links if k["rel"] in {"collection", "root"}
        )


def test_versions_are_kept_without_the_exchange_call_too(
    made: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_exchange", lambda *_: False)
    monkeypatch.setattr(os, "link", _no_links)
    for score in (0.5, 0.6):
        paths = write_run(replace(made, parameters={"min_score": score}), root=tmp_path)
    assert len(load_run(paths.folder).earlier) == 1
    assert verify(paths.folder).intact
    assert not (tmp_path / layout.PARTIAL).exists()


def _no_links(*_: object, **__: object) -> None:
    raise PermissionError("no hard links here")


def test_a_run_put_aside_by_a_killed_process_comes_back(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path)
    first = snapshot(tmp_path)
    workspace = tmp_path / layout.PARTIAL / layout.flat(NAME)
    workspace.mkdir(parents=True)
    paths.folder.rename(workspace / versions.ASIDE)
    write_run(made, root=tmp_path)
    assert snapshot(tmp_path) == first


def test_inputs_that_changed_since_are_refused(made: RunRecord, tmp_path: Path) -> None:
    made.inputs[0].path.write_bytes(b"tampered")
    with pytest.raises(CatalogError, match="changed since; fetch it again"):
        write_run(made, root=tmp_path / "out")
    assert snapshot(tmp_path / "out") == {}


@pytest.mark.parametrize(
    "name", ["../elsewhere", "/abs", "a/b/c", "", ".hidden", "site/.x", "site/versions", "a b"]
)
def test_names_that_are_no_folder_are_refused(made: RunRecord, tmp_path: Path, name: str) -> None:
    with pytest.raises(CatalogError, match="run name"):
        write_run(replace(made, name=name), root=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_lies_in_the_folder_of_its_site(made: RunRecord, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="must lie in the folder testbase"):
        write_run(replace(made, name="elsewhere/x"), root=tmp_path / "out")
    with pytest.raises(CatalogError, match="must lie in no folder"):
        write_run(replace(made, site=None), root=tmp_path / "out")


CHILD = """
import os, sys, threading, time
from pathlib import Path
from catalog import {module}
from catalog.run import write_run
from tests.unit.catalog.catalog_runs import appeared, grid_of, record
made = record(Path(sys.argv[1]), grid=grid_of((300, 360)), changes=(appeared(),))
made = made if len(sys.argv) < 4 else __import__("dataclasses").replace(made, parameters={{"min_score": 0.1}})
def die(*_, **__):
    os.kill(os.getpid(), 9)
{module}.{function} = die
write_run(made, root=Path(sys.argv[2]))
"""

STEPS = [
    ("cog", "write_images"), ("cog", "write_evidence"), ("cog", "_copy_to_cog"), ("ledger", "ledger"),
    ("pictures", "draw"), ("stac", "item_document"), ("versions", "put_in_place"), ("index", "update"),
]  # fmt: skip


def run_child(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("module", "function"), STEPS)
def test_killed_at_any_step_there_is_a_whole_run_or_none(
    made: RunRecord, tmp_path: Path, module: str, function: str
) -> None:
    root = tmp_path / "out"
    child = run_child(CHILD.format(module=module, function=function), str(tmp_path / "work"), str(root))
    assert child.returncode == -signal.SIGKILL, child.stderr
    there = list_runs(root)
    assert len(there) == (1 if module == "index" else 0)
    assert all(verify(folder).intact for folder in there)
    paths = write_run(made, root=root)
    assert verify(paths.folder).intact
    assert json.loads((root / "testbase" / "collection.json").read_bytes())["links"][-1]["rel"] == "item"
    assert not (root / layout.PARTIAL).exists()


@pytest.mark.parametrize(("module", "function"), [("stac", "item_document"), ("versions", "put_in_place")])
def test_killed_while_replacing_the_earlier_result_stays(
    made: RunRecord, tmp_path: Path, module: str, function: str
) -> None:
    root = tmp_path / "out"
    paths = write_run(made, root=root)
    first = snapshot(paths.folder)
    code = CHILD.format(module=module, function=function)
    child = run_child(code, str(tmp_path / "work"), str(root), "other parameters")
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert snapshot(paths.folder) == first
    assert list_runs(root) == (paths.folder,)


@pytest.mark.parametrize("limit_kb", [20, 100, 200])
def test_a_full_disk_is_told_and_leaves_nothing(made: RunRecord, tmp_path: Path, limit_kb: int) -> None:
    """Files may grow to the limit only: the write fails as it does on a full disk."""
    root = tmp_path / "out"
    root.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, hard))
    try:
        with pytest.raises(CatalogError, match=r"cannot write .*free space"):
            write_run(made, root=root)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert snapshot(root) == {}
    assert not (root / layout.PARTIAL).exists()


def test_an_output_that_is_a_file_is_told(made: RunRecord, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(CatalogError, match=r"cannot write the run .* --out"):
        write_run(made, root=tmp_path / "out")


def test_a_read_only_output_is_told(made: RunRecord, tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.mkdir(mode=0o500)
    if os.geteuid() == 0:  # permissions do not bind root; the kernel's own folders do
        root = Path("/sys/outputs")
    with pytest.raises(CatalogError, match="write permission"):
        write_run(made, root=root)
    assert not root.exists() or list(root.iterdir()) == []


def test_a_lock_that_stays_taken_is_told_with_its_holder(tmp_path: Path) -> None:
    holder = lock.held(tmp_path, "x")
    told = pytest.raises(RunBusy, match=rf"process {os.getpid()} on .* since 20")
    with holder, told, lock.held(tmp_path, "x", wait_s=0.1):
        pytest.fail("two holders of one lock")


def test_a_lock_of_a_killed_process_is_no_lock(tmp_path: Path) -> None:
    code = "import os, sys\nfrom pathlib import Path\nfrom catalog.lock import held\n"
    code += "with held(Path(sys.argv[1]), 'x'):\n    os.kill(os.getpid(), 9)\n"
    assert run_child(code, str(tmp_path)).returncode == -signal.SIGKILL
    assert (tmp_path / layout.LOCKS / "x.lock").is_file()
    start = time.monotonic()
    with lock.held(tmp_path, "x", wait_s=5):
        assert time.monotonic() - start < 1


def _write(work: Path, root: Path, score: float) -> None:
    made = record(work, grid=grid_of((300, 360)), changes=(appeared(),))
    write_run(replace(made, parameters={"min_score": score}), root=root)


def test_two_processes_writing_the_same_pair_both_finish(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=_write, args=(tmp_path / f"work{i}", tmp_path / "out", 0.5 + i / 10))
        for i in range(2)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    (folder,) = list_runs(tmp_path / "out")
    stored = load_run(folder)
    scores = {
        stored.report.parameters["min_score"],
        load_run(stored.earlier[0]).report.parameters["min_score"],
    }
    assert scores == {0.5, 0.6}
    assert verify(folder).intact


def test_readers_of_differing_brightness_share_one_encoding(made: RunRecord, tmp_path: Path) -> None:
    bright = raster_of(made.grid, seed=3)
    bright = ArrayReader(raster=replace(bright, data=bright.data * 30))
    paths = write_run(replace(made, after_reader=bright), root=tmp_path)
    item = json.loads(paths.item.read_bytes())
    assert {item["assets"][name]["bands"][0]["data_type"] for name in ("before", "after")} == {"uint16"}
