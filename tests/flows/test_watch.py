"""The flows on a small archive: what they find, what they leave, and what they say when something is wrong."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import rasterio
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterName,
)
from rasterio.windows import Window

from flows import progress, scene_store
from flows.cli import call
from flows.rerun import Rerun, rerun
from flows.screen import progress_bars
from flows.watch import SiteResult, exit_code, watch_site
from imagery.scene import Scene
from imagery.site import Site
from models import compare
from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive
from tests.services.prefect_server import until

pytestmark = pytest.mark.usefixtures("prefect_server")

START, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 12, tzinfo=UTC)


def watch(archive: Path, sites_file: Path, out: Path, *, end: datetime = END) -> SiteResult:
    result: SiteResult = watch_site("field", str(archive), START, end, out, sites_file)
    return result


@pytest.fixture(scope="module")
def watched(
    prefect_server: None, archive: Path, sites_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SiteResult, Path]:
    """The clear pair, watched once."""
    out = tmp_path_factory.mktemp("outputs")
    return watch(archive, sites_file, out), out


def test_newcomer_is_found_in_its_zone(watched: tuple[SiteResult, Path]) -> None:
    result, _ = watched
    (run,) = result.runs
    assert run.row["status"] == "changed"
    assert run.row["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    (change,) = run.changes
    row0, col0, row1, col1 = NEWCOMER
    left, top, right, bottom = change["after"]["bbox_px"]
    # The site grid starts 10 px inside the scene.
    assert left + 10 <= (col0 + col1) / 2 < right + 10
    assert top + 10 <= (row0 + row1) / 2 < bottom + 10
    assert change["zone"] == "east_yard"
    assert exit_code([result]) == 0


def test_every_tile_has_an_outcome_and_every_file_is_there(watched: tuple[SiteResult, Path]) -> None:
    result, out = watched
    (run,) = result.runs
    assert len(run.outcomes) == 6
    assert run.paths.folder == out / "field" / "optical-3m_20250101T082000Z_20250111T082000Z"
    for name in (
        "item.json",
        "report.json",
        "tiles.json",
        "changes.geojson",
        "overlay.png",
        "evidence.tif",
        "detectability.tif",
    ):
        assert (run.paths.folder / name).is_file(), name
    assert len(list((run.paths.folder / "source").rglob("*.tif"))) == 8
    assert not list(out.glob("**/.partial/*"))


def test_rerun_from_the_evidentiary_copy_finds_the_same(
    watched: tuple[SiteResult, Path], tmp_path: Path
) -> None:
    result, _ = watched
    folder = tmp_path / "run"
    shutil.copytree(result.runs[0].paths.folder, folder)
    assert rerun(folder) == Rerun(changes=1, differences=())


class Heard:
    """Somebody who listens to how far a run is."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int | None]] = []
        self.parts: list[int] = []

    def step(self, what: str, *, total: int | None = None) -> None:
        self.steps.append((what, total))
        self.parts.append(0)

    def advance(self, parts: int = 1) -> None:
        self.parts[-1] += parts


def test_a_server_that_hangs_up_once_is_asked_again_and_the_run_is_named_and_tagged(
    archive: Path, sites_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = scene_store.fetch, list[str]()

    def fetch(scene: Scene, site: Site, out: Path) -> Path:
        if not refused:
            refused.append(scene.id)
            raise ConnectionError("the server hung up")
        return real(scene, site, out)

    monkeypatch.setattr(scene_store, "fetch", fetch)
    heard = Heard()
    with progress.reporting_to(heard):
        result = watch(archive, sites_file, tmp_path)
    assert exit_code([result]) == 0
    assert [run.row["counts"]["appeared"] for run in result.runs] == [1]
    assert [total for _, total in heard.steps] == [None, 2, 2, 7]
    assert heard.parts == [0, 2, 2, 7]
    assert heard.steps[2][0] == "field aoi: fetching"
    assert heard.steps[3][0] == "field aoi 2025-01-01 to 2025-01-11"

    with get_client(sync_client=True) as client:
        named = FlowRunFilter(name=FlowRunFilterName(any_=["field-2025-01-01-2025-01-12"]))
        (run,) = (
            run
            for run in client.read_flow_runs(flow_run_filter=named)
            if run.parameters["out"] == str(tmp_path)
        )
        chosen = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))

        def fetched() -> dict[str, Any]:
            rows = {row.name: row for row in client.read_task_runs(flow_run_filter=chosen)}
            ours = {name: row for name, row in rows.items() if name.startswith("fetch-")}
            return (
                ours if all(row.state_name == "Completed" for row in ours.values()) and len(ours) == 2 else {}
            )

        tasks = until(fetched, 60, "the server knows how the scenes were fetched")
    assert run.tags == ["field"]
    attempts = {name: row.run_count for name, row in tasks.items()}
    assert attempts == {
        f"fetch-{name}": 2 if name == refused[0] else 1 for name in ("scene-2025-01-01", "scene-2025-01-11")
    }
    assert all("source" in row.tags for row in tasks.values())


def test_progress_is_a_bar_for_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bars():
        progress.step("Tartus: finding scenes")
        progress.step("Tartus: fetching", total=3)
        progress.advance()
        progress.advance(2)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if "Tartus" in line]
    assert "Tartus: finding scenes" in lines[-2]
    assert "Tartus: fetching" in lines[-1]
    assert "3/3" in lines[-1]
    progress.step("nobody is listening any more")


def test_artifacts_show_what_changed_and_every_tile(watched: tuple[SiteResult, Path]) -> None:
    result, _ = watched
    keyed = {
        key: ArtifactFilter(key=ArtifactFilterKey(any_=[f"field-{key}"])) for key in ("what-changed", "tiles")
    }
    with get_client(sync_client=True) as client:
        found = {key: client.read_artifacts(artifact_filter=chosen) for key, chosen in keyed.items()}
    # Other tests watch a site of this name on the same server.
    folder = str(result.runs[0].paths.folder)
    (changed,) = (artifact for artifact in found["what-changed"] if folder in str(artifact.data))
    (tiles,) = (artifact for artifact in found["tiles"] if artifact.flow_run_id == changed.flow_run_id)
    markdown = str(changed.data)
    assert "data:image/jpeg;base64," in markdown
    assert "| appeared |" in markdown
    assert len(markdown) < 400_000
    ledger = json.loads(str(tiles.data))
    assert [row["tile"] for row in ledger] == [o.tile for o in result.runs[0].outcomes]


def test_second_run_computes_no_tile(
    watched: tuple[SiteResult, Path], archive: Path, sites_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, out = watched

    def refuse(*_args: object) -> None:
        raise AssertionError("a finished tile was computed again")

    monkeypatch.setattr(compare, "compare_block", refuse)
    monkeypatch.setattr(compare, "prepare", refuse)
    again = watch(archive, sites_file, out)
    assert again.runs[0].changes == first.runs[0].changes
    assert again.runs[0].row["outcomes"] == first.runs[0].row["outcomes"]


def test_damaged_tile_on_disk_is_computed_again(
    watched: tuple[SiteResult, Path], archive: Path, sites_file: Path, tmp_path: Path
) -> None:
    first, out = watched
    shutil.copytree(out, tmp_path / "outputs")
    (tile,) = (tmp_path / "outputs").glob(".work/pairs/*/tiles/r01c01.npy")
    whole = tile.read_bytes()
    tile.write_bytes(whole[:-1000] + bytes(1000))
    again = watch(archive, sites_file, tmp_path / "outputs")
    assert tile.read_bytes() == whole
    assert again.runs[0].changes == first.runs[0].changes


def test_failed_tile_is_named_and_the_run_finishes(
    archive: Path, sites_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = compare.compare_block

    def fail_one(before: Any, after: Any, model: Any, cut: Any) -> Any:
        if any(tile.id == "r00c02" for tile in cut):
            raise ZeroDivisionError("planted")
        return real(before, after, model, cut)

    monkeypatch.setattr(compare, "compare_block", fail_one)
    result = watch(archive, sites_file, tmp_path)
    outcomes = {o.tile: o for o in result.runs[0].outcomes}
    assert outcomes["r00c02"].outcome == "failed"
    assert outcomes["r00c02"].reason == "ZeroDivisionError: planted"
    assert sum(o.outcome == "failed" for o in outcomes.values()) == 1
    assert result.runs[0].row["status"] == "changed"
    assert exit_code([result]) == 3
    ledger = json.loads(result.runs[0].paths.tiles.read_text())
    assert "planted" in json.dumps(ledger)


def test_clouded_scene_is_left_out_and_clouded_tiles_are_not_assessed(
    archive: Path, sites_file: Path, tmp_path: Path
) -> None:
    result = watch(archive, sites_file, tmp_path, end=datetime(2025, 2, 1, tzinfo=UTC))
    assert [entry.scene_id for entry in result.left_out] == ["scene-2025-01-21"]
    assert "100 % cloud" in result.left_out[0].reason
    second = result.runs[1]
    assert second.row["before"]["id"] == "scene-2025-01-11"
    assert second.row["after"]["id"] == "scene-2025-01-31"
    unseen = {o.tile for o in second.outcomes if o.outcome == "not_assessable"}
    assert unseen == {"r00c00", "r01c00"}
    assert all("cloud" in (o.reason or "") for o in second.outcomes if o.tile in unseen)
    first, clouded = (json.loads(run.paths.report.read_text())["zones"] for run in result.runs)
    assert first == [{"zone": "east_yard", "on_grid": 1.0, "seen": 1.0}]
    # The cloud and its rim end 60 of the 500 columns into the yard.
    assert clouded[0]["seen"] == pytest.approx(0.87, abs=0.02)
    assert exit_code([result]) == 3


def test_identical_scenes_are_unchanged(sites_file: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP], "2025-01-11": [SHIP]}, noise=0)
    result = watch(archive, sites_file, tmp_path / "out")
    assert result.runs[0].row["status"] == "unchanged"
    assert result.runs[0].changes == ()
    assert exit_code([result]) == 0


def test_damaged_image_is_left_out_by_name(archive: Path, sites_file: Path, tmp_path: Path) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    (tmp_path / "a" / "scene-2025-01-11-red.tif").write_bytes(b"not an image")
    result = watch(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")
    assert result.runs == ()
    reasons = {entry.scene_id: entry.reason for entry in result.left_out}
    assert "scene-2025-01-11-red.tif" in reasons["scene-2025-01-11"]
    assert "nothing to compare it with" in reasons["scene-2025-01-01"]
    assert exit_code([result]) == 3


def test_crops_are_compared_on_their_own_part(sites_file: Path, tmp_path: Path, archive: Path) -> None:
    """Scenes that show a corner of the site do not turn the rest into tiles that could not be assessed."""
    shutil.copytree(archive.parent, tmp_path / "a")
    for path in (tmp_path / "a").glob("*.tif"):
        with rasterio.open(path) as full:
            window = Window(600, 350, 300, 300)
            data, profile = full.read(window=window), full.profile
            profile.update(width=300, height=300, transform=full.window_transform(window))
        with rasterio.open(path, "w", **profile) as out:
            out.write(data)
    result = watch(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")
    (run,) = result.runs
    assert len(run.outcomes) == 1
    assert run.row["counts"]["appeared"] == 1
    assert run.name.startswith("field/optical-3m-")


def json_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def run_args(archive: Path | str, sites_file: Path, out: Path, *more: str) -> list[str]:
    return [
        "run", "field", "--source", str(archive), "--sites", str(sites_file), "--out", str(out), "--json", *more,
    ]  # fmt: skip


def test_run_json(
    watched: tuple[SiteResult, Path], archive: Path, sites_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = watched
    assert call(run_args(archive, sites_file, out, "--from", "2025-01-01", "--to", "2025-01-11")) == 0
    document = json_of(capsys)
    (run,) = document["runs"]
    assert run["site"] == "field"
    assert run["before"] == {"id": "scene-2025-01-01", "time": "2025-01-01T08:20:00Z"}
    assert run["after"]["id"] == "scene-2025-01-11"
    assert run["status"] == "changed"
    assert Path(run["item"]).is_file()
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    assert sum(run["outcomes"].values()) == 6


@pytest.mark.parametrize(
    ("period", "reason"),
    [
        (("2024-01-01", "2024-02-01"), "outside the period"),
        (("2025-01-01", "2025-01-02"), "nothing to compare it with"),
        (("2025-01-21", "2025-01-22"), "100 % cloud"),
    ],
    ids=["empty period", "one usable scene", "all cloud"],
)
def test_no_pair_is_exit_3_with_the_reasons(
    period: tuple[str, str],
    reason: str,
    archive: Path,
    sites_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(run_args(archive, sites_file, tmp_path, "--from", period[0], "--to", period[1])) == 3
    document = json_of(capsys)
    assert document["runs"] == []
    assert reason in document["sites"][0]["reason"]


def test_unreachable_source_is_exit_4(
    sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    args = run_args(tmp_path / "gone" / "catalog.json", sites_file, tmp_path / "out")
    assert call([*args, "--from", "2025-01-01", "--to", "2025-01-11"]) == 4
    assert "no such file" in json_of(capsys)["reason"]


def test_missing_file_of_a_scene_is_said(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    (tmp_path / "a" / "scene-2025-01-11-green.tif").unlink()
    args = run_args(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")
    assert call([*args, "--from", "2025-01-01", "--to", "2025-01-11"]) == 3
    assert "scene-2025-01-11-green.tif" in json_of(capsys)["sites"][0]["reason"]


def test_unknown_site_is_named(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = run_args(archive, sites_file, tmp_path, "--from", "2025-01-01", "--to", "2025-01-11")
    args[1] = "fields"
    assert call(args) == 2
    captured = capsys.readouterr()
    assert "fields: no such site" in captured.err
    assert "field" in captured.err
    assert json.loads(captured.out)["exit_code"] == 2
