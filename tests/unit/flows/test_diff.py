"""Two image files in, a run out."""

from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from scipy.ndimage import gaussian_filter

from catalog.review import ReviewStore
from flows.diff import compare_images, diff_images, pair_name
from flows.errors import UnusableOutput
from imagery.errors import MissingMetadata, UnreadableRaster
from tests.unit.imagery.rasters import NORTH_UP
from tests.unit.imagery.rasters import write as write_raster

GSD_M = 0.5
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
PLANE = (slice(150, 210), slice(200, 220))
"""60 x 20 px: 30 m by 10 m."""


def ground(rng: np.random.Generator, size: int = 320) -> NDArray[np.float64]:
    coarse = gaussian_filter(rng.normal(0, 1, (size, size)), 8)
    fine = gaussian_filter(rng.normal(0, 1, (size, size)), 1.2)
    texture: NDArray[np.float64] = 110 + 10 * coarse / coarse.std() + 5 * fine / fine.std()
    return texture


def write(path: Path, image: NDArray[np.float64], rng: np.random.Generator) -> Path:
    noisy = image + rng.normal(0, 1.5, image.shape)
    cv2.imwrite(str(path), np.repeat(noisy.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2))
    return path


@pytest.fixture
def pair(tmp_path: Path, rng: np.random.Generator) -> tuple[Path, Path]:
    image = ground(rng)
    before = write(tmp_path / "before.png", image, rng)
    image[PLANE] = 240
    return before, write(tmp_path / "after.png", image, rng)


def test_newcomer_appears(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = diff_images(*pair, out=tmp_path / "out", gsd_m=GSD_M, min_score=0.05)
    document = result.document
    assert document["status"] == "changed"
    best = max(document["changes"], key=lambda change: change["score"])
    assert best["kind"] == "appeared"
    assert best["before"] is None
    left, top, right, bottom = best["after"]["bbox_px"]
    assert left <= 210 < right
    assert top <= 180 < bottom
    assert best["after"]["length_m"] == pytest.approx(30, rel=0.3)
    assert result.exit_code == 0


def test_jpeg_2000_is_compared_like_the_geotiff_of_the_same_pixels(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    found = {}
    half_metre = NORTH_UP * Affine.scale(GSD_M / 10)
    lossless = {"QUALITY": 100, "REVERSIBLE": "YES"}
    for suffix, options in ((".tif", {}), (".jp2", lossless)):
        paths = [
            write_raster(
                png.with_suffix(suffix), np.moveaxis(cv2.imread(str(png)), 2, 0), colours=RGB,
                transform=half_metre, **options,
            )
            for png in pair
        ]  # fmt: skip
        found[suffix] = diff_images(*paths, out=tmp_path / f"out{suffix}", min_score=0.05).document
    assert found[".jp2"]["status"] == "changed"
    assert found[".jp2"]["gsd_m"] == pytest.approx(GSD_M, rel=0.01)
    assert [(c["kind"], c["after"]) for c in found[".jp2"]["changes"]] == [
        (c["kind"], c["after"]) for c in found[".tif"]["changes"]
    ]


def test_contract_of_the_document(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = diff_images(*pair, out=tmp_path / "out", gsd_m=GSD_M)
    assert set(result.document) == {
        "status", "reason", "item", "gsd_m", "seconds", "alignment", "valid_fraction", "detectability", "report",
        "changes",
    }  # fmt: skip
    assert set(result.document["alignment"]) == {"residual_px", "p95_px", "verdict"}
    assert 0 <= result.document["detectability"]["not_observed"] < 1
    assert result.document["item"] is None
    assert Path(result.document["report"]).is_file()
    assert result.paths.folder.parent == tmp_path / "out"
    assert result.paths.folder.name.startswith("before_after_")
    assert not list((tmp_path / "out" / ".work" / "scratch").iterdir())


def test_dates_make_an_item(pair: tuple[Path, Path], tmp_path: Path) -> None:
    moments = datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC)
    result = diff_images(
        *pair, out=tmp_path / "out", gsd_m=GSD_M, before_time=moments[0], after_time=moments[1]
    )
    assert result.document["item"] is not None
    assert Path(result.document["item"]).is_file()


def test_it_comes_before_reviewers_where_records_are_kept_and_starts_none(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = diff_images(*pair, out=out, gsd_m=GSD_M, min_score=0.05)
    assert not list(out.glob("sitewatch.db*"))
    store = ReviewStore(out)  # takes up what is there
    changes = {change["id"] for change in first.document["changes"]}
    assert {entry.subject for entry in store.queue().entries} == changes
    second = diff_images(*pair[::-1], out=out, gsd_m=GSD_M, min_score=0.05)
    changes |= {change["id"] for change in second.document["changes"]}
    assert {entry.subject for entry in store.queue().entries} == changes
    store.close()


def test_one_date_is_no_item(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = diff_images(
        *pair, out=tmp_path / "out", gsd_m=GSD_M, before_time=datetime(2025, 1, 1, tzinfo=UTC)
    )
    assert result.document["item"] is None


def test_identical_images_are_unchanged(pair: tuple[Path, Path], tmp_path: Path) -> None:
    result = diff_images(pair[0], pair[0], out=tmp_path / "out", gsd_m=GSD_M)
    assert result.document["status"] == "unchanged"
    assert result.document["changes"] == []
    assert result.exit_code == 0


def test_unrelated_images_are_not_assessable(tmp_path: Path, rng: np.random.Generator) -> None:
    before, after = (write(tmp_path / f"{n}.png", ground(rng), rng) for n in ("a", "b"))
    result = diff_images(before, after, out=tmp_path / "out", gsd_m=GSD_M)
    assert result.document["status"] == "not_assessable"
    assert result.document["reason"]
    assert result.exit_code == 3
    assert result.paths.evidence.is_file()


def test_same_entry_point_without_writing(pair: tuple[Path, Path], tmp_path: Path) -> None:
    kept = diff_images(*pair, out=tmp_path / "out", gsd_m=GSD_M, min_score=0.05)
    bare = compare_images(*pair, gsd_m=GSD_M, min_score=0.05)
    assert bare.comparison.conclusion.changes
    assert [change.id for change in bare.comparison.conclusion.changes] == [
        change["id"] for change in kept.document["changes"]
    ]


def test_name_depends_on_the_bytes_alone(pair: tuple[Path, Path], tmp_path: Path) -> None:
    first = diff_images(*pair, out=tmp_path / "out", gsd_m=GSD_M)
    again = diff_images(*pair, out=tmp_path / "out", gsd_m=GSD_M)
    assert first.paths.folder == again.paths.folder
    swapped = diff_images(pair[1], pair[0], out=tmp_path / "out", gsd_m=GSD_M)
    assert swapped.paths.folder.name != first.paths.folder.name


def test_names_are_safe() -> None:
    name = pair_name(Path("/x/.a b:c.tif"), Path("ü/" + "d" * 80 + ".tif"), ("0" * 64, "1" * 64))
    assert name.startswith("a-b-c_" + "d" * 40 + "_")


def test_missing_gsd_is_asked_for(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(MissingMetadata, match="--gsd"):
        diff_images(*pair, out=tmp_path / "out")
    assert not list((tmp_path / "out").glob("before_*"))


def test_text_is_no_image(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    text = tmp_path / "text.tif"
    text.write_text("no image")
    with pytest.raises(UnreadableRaster, match=r"text\.tif"):
        diff_images(pair[0], text, out=tmp_path / "out", gsd_m=GSD_M)


def test_unwritable_output_is_found_before_the_work(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("flows.diff.compare", pytest.fail)
    with pytest.raises(UnusableOutput, match="file"):
        diff_images(*pair, out=tmp_path / "file" / "out", gsd_m=GSD_M)
