"""Bad images, a full disk and an unfit output folder, through ``sitewatch run``."""

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from flows.cli import call
from tests.flows.flow_archive import COLS, NEWCOMER, ROWS, SHIP, write_archive
from tests.unit.imagery.rasters import write

pytestmark = pytest.mark.usefixtures("prefect_server")

PERIOD = ["--from", "2025-01-01", "--to", "2025-01-11"]


def run_args(archive: Path, sites_file: Path, out: Path) -> list[str]:
    place = ["--source", str(archive), "--sites", str(sites_file), "--out", str(out)]
    return ["run", "field", *place, *PERIOD, "--json"]


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def text(path: Path) -> None:
    path.write_text("notes about the harbour\n")


def vrt(path: Path) -> None:
    path.write_text("<VRTDataset rasterXSize='9' rasterYSize='9'></VRTDataset>")


def one_pixel(path: Path) -> None:
    write(path, np.ones((1, 1, 1), np.uint16))


def no_crs(path: Path) -> None:
    rewritten(path, crs=None)


def far_away(path: Path) -> None:
    with rasterio.open(path) as image:
        moved = image.transform * Affine.translation(50_000, 0)
    rewritten(path, transform=moved)


def nothing_but_nodata(path: Path) -> None:
    rewritten(path, values=0)


def rewritten(path: Path, *, values: int | None = None, **profile: object) -> None:
    with rasterio.open(path) as image:
        pixels, old = image.read(), image.profile
    with rasterio.open(path, "w", **{**old, **profile}) as out:
        out.write(pixels if values is None else np.full_like(pixels, values))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "damaged or cut short"),
        (text, "holds text"),
        (vrt, "VRT"),
        (one_pixel, "scene-2025-01-11"),
        (no_crs, "no CRS"),
        (far_away, "scene-2025-01-11"),
        (nothing_but_nodata, "only 0 % of the AOI can be seen"),
    ],
)
def test_unusable_image_is_left_out_with_its_reason(
    spoil: Callable[[Path], None],
    says: str,
    archive: Path,
    sites_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    for band in ("red", "green", "blue"):
        spoil(tmp_path / "a" / f"scene-2025-01-11-{band}.tif")
    assert call(run_args(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")) == 3
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["runs"] == []
    assert says in document["sites"][0]["reason"]
    assert "scene-2025-01-11" in document["sites"][0]["reason"]
    assert "Traceback" not in said.err
    assert not list((tmp_path / "out").glob("field/*"))


def test_band_that_one_date_lacks_is_left_out_of_both(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    items = json.loads(archive.read_text())
    del items["features"][1]["assets"]["blue"]
    (tmp_path / "a" / "items.json").write_text(json.dumps(items))
    assert call(run_args(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    folder = Path(run["item"]).parent
    for date in ("before.tif", "after.tif"):
        with rasterio.open(folder / date) as image:
            assert image.descriptions == ("red", "green")
    assert any("red, green" in note for note in json.loads((folder / "report.json").read_text())["notes"])


def test_dates_without_a_common_band_are_no_pair(
    archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    items = json.loads(archive.read_text())
    for feature, lacking in zip(items["features"], (("green", "blue"), ("red",)), strict=False):
        for band in lacking:
            del feature["assets"][band]
    (tmp_path / "a" / "items.json").write_text(json.dumps(items))
    assert call(run_args(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["runs"] == []
    assert "scene-2025-01-01: no other scene has its bands (red)" in document["sites"][0]["reason"]


def coarser(path: Path) -> None:
    """The same image in pixels of four times the size."""
    with rasterio.open(path) as image:
        pixels, old = image.read(), image.profile
    pixels = pixels.reshape(1, ROWS // 4, 4, COLS // 4, 4).mean(axis=(2, 4)).astype(old["dtype"])
    size = {"height": ROWS // 4, "width": COLS // 4, "transform": old["transform"] * Affine.scale(4)}
    with rasterio.open(path, "w", **{**old, **size}) as out:
        out.write(pixels)


@pytest.mark.parametrize("stated", [12.0, 3.0], ids=["metadata and files differ", "only files differ"])
def test_differing_pixel_sizes_are_no_pair(
    stated: float, archive: Path, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(archive.parent, tmp_path / "a")
    items = json.loads(archive.read_text())
    items["features"][1]["properties"]["gsd"] = stated
    (tmp_path / "a" / "items.json").write_text(json.dumps(items))
    for band in ("red", "green", "blue"):
        coarser(tmp_path / "a" / f"scene-2025-01-11-{band}.tif")
    assert call(run_args(tmp_path / "a" / "items.json", sites_file, tmp_path / "out")) == 3
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert document["runs"] == []
    reason = document["sites"][0]["reason"]
    assert "scene-2025-01-11: no other scene of its kind (optical, 12 m, dn); the others have 3 m" in reason
    assert ("its files have 12 m pixels although its metadata says 3 m" in reason) == (stated == 3)
    assert "Traceback" not in said.err
    assert not list((tmp_path / "out").glob("field/*"))


def test_date_of_another_pixel_size_is_skipped_and_its_neighbours_are_compared(
    sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dates = {"2025-01-01": [SHIP], "2025-01-06": [SHIP], "2025-01-11": [SHIP, NEWCOMER]}
    archive = write_archive(tmp_path / "a", dates)
    for band in ("red", "green", "blue"):
        coarser(tmp_path / "a" / f"scene-2025-01-06-{band}.tif")
    assert call(run_args(archive, sites_file, tmp_path / "out")) == 0
    document = json.loads(capsys.readouterr().out)
    (run,) = document["runs"]
    assert (run["before"]["id"], run["after"]["id"]) == ("scene-2025-01-01", "scene-2025-01-11")
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    (entry,) = document["sites"][0]["left_out"]
    assert entry["scene"] == "scene-2025-01-06"
    assert "12 m pixels although its metadata says 3 m" in entry["reason"]


def test_metadata_that_is_wrong_of_every_date_alike_is_no_obstacle(
    sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP], "2025-01-11": [SHIP, NEWCOMER]})
    items = json.loads(archive.read_text())
    for feature in items["features"]:
        feature["properties"]["gsd"] = 0.5
    archive.write_text(json.dumps(items))
    assert call(run_args(archive, sites_file, tmp_path / "out")) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["status"] == "changed"
    report = json.loads((Path(run["item"]).parent / "report.json").read_text())
    assert any("3 m although the metadata says 0.5 m" in note for note in report["notes"])


def test_identical_scenes_are_unchanged(
    sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP], "2025-01-11": [SHIP]}, noise=0)
    assert call(run_args(archive, sites_file, tmp_path / "out")) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["status"] == "unchanged"
    assert run["outcomes"]["unchanged"] == 6


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """What the system offers to a test in place of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [100_000, 1_000_000, 4_000_000], ids=["copying", "comparing", "writing"])
def test_full_disk_is_named_and_the_same_command_goes_on_later(
    size: int, sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP], "2025-01-11": [SHIP, NEWCOMER]})
    args = run_args(archive, sites_file, tmp_path / "out")
    with largest_file(size):
        assert call(args) == 2
    said = capsys.readouterr()
    document = json.loads(said.out)
    reason = document["reason"] if "reason" in document else document["sites"][0]["reason"]
    assert "--out" in reason
    assert str(tmp_path / "out") in reason
    assert "Internal error" not in said.err
    assert "Traceback" not in said.err
    assert not list((tmp_path / "out").glob("field/*"))
    assert not list((tmp_path / "out").glob(".partial/*"))
    assert call(args) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert call(["verify", str(Path(run["item"]).parent)]) == 0


def test_almost_full_disk_is_found_before_anything_is_started(
    archive: Path,
    sites_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("flows.prefect_home.MIN_FREE_BYTES", usage.total + 1)
    assert call(run_args(archive, sites_file, tmp_path / "out")) == 2
    assert "MB free" in json.loads(capsys.readouterr().out)["reason"]
