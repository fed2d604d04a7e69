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
from pyproj import Transformer
from rasterio.enums import ColorInterp

from flows.cli import call
from tests.flows.flow_archive import COLS, EPSG, NEWCOMER, ROWS, SHIP, write_archive
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


def wrong_crs(path: Path) -> None:
    rewritten(path, crs="EPSG:4326")


def damaged_blocks(path: Path) -> None:
    """Whole ones: what follows a damaged byte in the middle of one may decode without complaint."""
    content = bytearray(path.read_bytes())
    content[400_000:700_000] = bytes(300_000)
    path.write_bytes(content)


def not_a_number(path: Path) -> None:
    rewritten(path, dtype="float32", values=np.nan, nodata=None)


def palette(path: Path) -> None:
    rewritten(path, dtype="uint8", values=3, nodata=None)
    with rasterio.open(path, "r+") as image:
        image.write_colormap(1, {i: (i, 255 - i, i, 255) for i in range(256)})


def rewritten(
    path: Path, *, pixels: np.ndarray | None = None, values: float | None = None, **profile: object
) -> None:
    with rasterio.open(path) as image:
        old, old_pixels = image.profile, image.read()
    if pixels is None:
        pixels = old_pixels if values is None else np.full(old_pixels.shape, values)
    with rasterio.open(path, "w", **{**old, **profile}) as out:
        out.write(pixels.astype(out.dtypes[0]))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (truncated, "damaged or cut short"),
        (text, "holds text"),
        (vrt, "VRT"),
        (damaged_blocks, "damaged or cut short"),
        (one_pixel, "scene-2025-01-11-red.tif: the image is 1 x 1 pixels"),
        (no_crs, "no CRS"),
        (wrong_crs, "do not belong to its CRS"),
        (far_away, "none of its images reaches the site"),
        (palette, "scene-2025-01-11-red.tif: has a palette"),
        (nothing_but_nodata, "only 0 % of the AOI can be seen"),
        (not_a_number, "only 0 % of the AOI can be seen"),
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
    assert ".work" not in document["sites"][0]["reason"]
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


def half_nan(path: Path) -> None:
    """The east, which holds the newcomer's ship but not the berth it came from, is not imaged."""
    with rasterio.open(path) as image:
        pixels = image.read().astype(np.float32)
    pixels[:, :, COLS // 2 :] = np.nan
    rewritten(path, pixels=pixels, dtype="float32", nodata=None)


def half_transparent(path: Path) -> None:
    with rasterio.open(path) as image:
        pixels = image.read()
    alpha = np.full_like(pixels, 65535)
    alpha[:, :, COLS // 2 :] = 0
    rewritten(path, pixels=np.concatenate([pixels, alpha]), count=2, nodata=None)
    with rasterio.open(path, "r+") as image:
        image.colorinterp = (ColorInterp.gray, ColorInterp.alpha)


@pytest.mark.parametrize("spoil", [half_nan, half_transparent])
def test_half_an_image_is_compared_and_the_other_half_is_not_observed(
    spoil: Callable[[Path], None], sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = (450, 1200, 462, 1238)
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP, gone], "2025-01-11": [SHIP, NEWCOMER]})
    for band in ("red", "green", "blue"):
        spoil(tmp_path / "a" / f"scene-2025-01-11-{band}.tif")
    assert call(run_args(archive, sites_file, tmp_path / "out")) == 3
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    ledger = json.loads((Path(run["item"]).parent / "tiles.json").read_text())["tiles"]
    outcomes = {tile["tile"]: tile["outcome"] for tile in ledger}
    assert {outcomes["r00c02"], outcomes["r01c02"]} == {"not_assessable"}
    assert outcomes["r00c01"] == "changed"
    with rasterio.open(Path(run["item"]).parent / "evidence.tif") as evidence:
        assert np.isnan(evidence.read(1)[:, COLS // 2 + 10 :]).all()


def test_rotated_images_are_compared_on_the_sites_grid(
    sites_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path / "a", {"2025-01-01": [SHIP], "2025-01-11": [SHIP, NEWCOMER]})
    for path in (tmp_path / "a").glob("scene-*.tif"):
        with rasterio.open(path) as image:
            middle = (COLS / 2, ROWS / 2)
            turned = image.transform * Affine.rotation(8, middle)
        rewritten(path, transform=turned)
    assert call(run_args(archive, sites_file, tmp_path / "out")) in {0, 3}
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["counts"] == {"appeared": 1, "vanished": 0, "moved": 0}
    folder = Path(run["item"]).parent
    (found,) = json.loads((folder / "changes.geojson").read_text())["features"]
    row, col = (NEWCOMER[0] + NEWCOMER[2]) / 2, (NEWCOMER[1] + NEWCOMER[3]) / 2
    x, y = turned * (col, row)
    lon, lat = Transformer.from_crs(EPSG, 4326, always_xy=True).transform(x, y)
    assert found["properties"]["lon"] == pytest.approx(lon, abs=5e-5)
    assert found["properties"]["lat"] == pytest.approx(lat, abs=5e-5)
    with rasterio.open(folder / "after.tif") as image:
        assert image.transform.b == 0


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
