import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox

from imagery.align import ShiftField
from imagery.errors import MissingMetadata, UnreadableRaster, UnusablePair
from imagery.quality import pass_quality
from imagery.raster import Window
from imagery.read import block_figures, copy_source, local_scene, native_gsd_m, scene_reader
from imagery.scene import Asset, Scene
from tests.unit.imagery.rasters import NORTH_UP, UTM36, everything, scene, texture, write

SHAPE = (200, 240)
GRID = GeoBox((60, 70), NORTH_UP * Affine.translation(90, 80), UTM36)
CUT = np.s_[80:140, 90:160]


def numbers(seed: int, *, low: int = 100) -> np.ndarray:
    return texture(*SHAPE, seed=seed).astype(np.uint16) * 10 + low


def band_file(folder: Path, name: str, pixels: np.ndarray, **options: object) -> Path:
    return write(
        folder / f"{name}.tif", pixels, nodata=0, tiled=True, blockxsize=64, blockysize=64, **options
    )


@pytest.fixture
def two_bands(tmp_path: Path) -> Scene:
    return scene(
        {
            name: Asset(
                href=str(band_file(tmp_path, name, numbers(seed))),
                bands=(name,),
                scale=1e-4,
                offset=-0.1,
                nodata=0,
            )
            for seed, name in enumerate(("nir", "red"))
        },
        processing_baseline="05.09",
        offset_applied=True,
    )


def test_pixels_on_the_same_grid_are_copied(two_bands: Scene) -> None:
    reader = scene_reader(two_bands, GRID)
    raster = everything(reader)
    assert reader.bands == ("red", "nir")
    assert raster.quantity == "reflectance"
    np.testing.assert_allclose(raster.data[0], numbers(1)[0][CUT] * np.float32(1e-4), rtol=1e-6)
    assert raster.valid.all()
    assert reader.offsets[0].added is False
    assert "both agree" in reader.notes[0]


def test_bands_can_be_chosen_and_missing_ones_are_named(two_bands: Scene) -> None:
    assert scene_reader(two_bands, GRID, bands=("nir",)).bands == ("nir",)
    with pytest.raises(MissingMetadata, match=r"band swir16 is missing \(it has nir, red\)"):
        scene_reader(two_bands, GRID, bands=("red", "swir16"))


def test_pixels_overrule_an_offset_that_was_not_taken_off(tmp_path: Path, two_bands: Scene) -> None:
    rng = np.random.default_rng(1)
    for name in ("red", "nir"):
        water = np.where(rng.random((1, *SHAPE)) < 0.4, rng.normal(150, 30, (1, *SHAPE)), numbers(3) + 500)
        band_file(tmp_path, name, (water + 1000).astype(np.uint16))
    reader = scene_reader(two_bands, GRID)
    assert reader.offsets[0].contradiction
    assert "the pixels are believed" in reader.notes[0]
    assert np.percentile(everything(reader).data, 1) < 0.03


def test_pixels_overrule_an_offset_that_was_taken_off_already(tmp_path: Path, two_bands: Scene) -> None:
    """The other way round: taking 1000 off again would make water and vegetation negative."""
    rng = np.random.default_rng(1)
    water = rng.random((1, *SHAPE)) < 0.4
    for name in ("red", "nir"):
        true = np.where(water, rng.normal(150, 30, (1, *SHAPE)), numbers(3) + 500)
        band_file(tmp_path, name, true.astype(np.uint16))
    reader = scene_reader(replace(two_bands, offset_applied=False), GRID)
    assert reader.offsets[0].metadata == "added"
    assert reader.offsets[0].contradiction
    assert "the pixels are believed: nothing is taken off" in reader.notes[0]
    found = everything(reader)
    assert np.median(found.data[:, water[0][CUT]]) == pytest.approx(0.015, abs=0.002)
    assert found.data[:, found.valid].min() >= 0


def test_the_file_is_trusted_about_its_pixel_size(tmp_path: Path) -> None:
    path = band_file(tmp_path, "red", numbers(0), transform=NORTH_UP * Affine.scale(12))
    coarse = scene({"red": Asset(href=str(path), bands=("red",), scale=1e-4)})
    reader = scene_reader(coarse, GRID)
    assert native_gsd_m(coarse) == pytest.approx(120, rel=0.01)
    assert reader.native_gsd_m == native_gsd_m(coarse)
    assert "pixels are 120 m although the metadata says 10 m" in reader.notes[0]


def test_bands_of_different_pixel_size_come_together(tmp_path: Path) -> None:
    fine = band_file(tmp_path, "red", numbers(0))
    ramp = np.broadcast_to(np.arange(120, dtype=np.uint16) * 20 + 500, (1, 100, 120)).copy()
    coarse = band_file(tmp_path, "swir16", ramp, transform=NORTH_UP * Affine.scale(2))
    both = scene(
        {
            "swir": Asset(href=str(coarse), bands=("swir16",)),
            "red": Asset(href=str(fine), bands=("red",)),
        },
        quantity="dn",
    )
    raster = everything(scene_reader(both, GRID))
    assert raster.bands == ("red", "swir16")
    assert np.array_equal(raster.data[0], numbers(0)[0][CUT].astype(np.float32))
    expected = ((np.arange(90, 160) + 0.5) / 2 - 0.5) * 20 + 500
    np.testing.assert_allclose(raster.data[1, 30], expected, atol=3)


def test_tiles_of_a_pass_fill_each_other(tmp_path: Path) -> None:
    west, east = numbers(0), numbers(1)
    west[:, :, 120:] = 0
    a = scene({"red": Asset(href=str(band_file(tmp_path, "w", west)), bands=("red",))}, quantity="dn")
    b = scene(
        {"red": Asset(href=str(band_file(tmp_path, "e", east)), bands=("red",))}, quantity="dn", id="S2A_EAST"
    )
    assert not everything(scene_reader(a, GRID)).valid[:, 30:].any()
    raster = everything(scene_reader(replace(a, siblings=(b,)), GRID))
    assert raster.valid.all()
    assert np.array_equal(raster.data[0, :, :30], west[0][CUT][:, :30].astype(np.float32))
    assert np.array_equal(raster.data[0, :, 30:], east[0][CUT][:, 30:].astype(np.float32))


def _with_quality(folder: Path, two_bands: Scene, classes: np.ndarray) -> Scene:
    path = write(folder / "scl.tif", classes[None], transform=NORTH_UP * Affine.scale(2))
    quality = Asset(href=str(path), bands=("scl",), role="quality", quality="scl")
    return replace(two_bands, assets={**two_bands.assets, "scl": quality})


def test_cloud_is_invalid_with_a_rim(tmp_path: Path, two_bands: Scene) -> None:
    classes = np.full((100, 120), 5, np.uint8)
    classes[50:, 60:] = 9
    clouded = _with_quality(tmp_path, two_bands, classes)
    valid = everything(scene_reader(clouded, GRID)).valid
    assert not valid[20 - 2 :, 30 - 2 :].any()
    assert valid[: 20 - 2].all()
    assert valid[:, : 30 - 2].all()
    quality = pass_quality(clouded, GRID)
    assert quality is not None
    cloud, no_data = quality.at(Window(row0=0, col0=0, row1=GRID.shape[0], col1=GRID.shape[1]))
    assert cloud.sum() == 40 * 40
    assert not no_data.any()


def test_cloud_does_not_depend_on_how_the_grid_is_cut_up(tmp_path: Path, two_bands: Scene) -> None:
    classes = np.full((100, 120), 5, np.uint8)
    classes[50:58, 60:72] = 9
    reader = scene_reader(_with_quality(tmp_path, two_bands, classes), GRID, min_cloud_m2=0)
    whole = everything(reader)
    part = reader.read(Window(row0=15, col0=25, row1=40, col1=60))
    assert not whole.valid.all()
    assert np.array_equal(part.valid, whole.valid[15:40, 25:60])


def test_a_bright_roof_is_not_cloud_unless_everything_is_believed(tmp_path: Path, two_bands: Scene) -> None:
    classes = np.full((100, 120), 5, np.uint8)
    classes[55:60, 62:66] = 9
    scene_with_roof = _with_quality(tmp_path, two_bands, classes)
    assert everything(scene_reader(scene_with_roof, GRID)).valid.all()
    assert not everything(scene_reader(scene_with_roof, GRID, min_cloud_m2=0)).valid.all()


def test_quality_moves_with_the_displacement(tmp_path: Path, two_bands: Scene) -> None:
    classes = np.full((100, 120), 5, np.uint8)
    classes[60:62, 70:72] = 9  # grid rows 40-44, columns 50-54
    reader = scene_reader(_with_quality(tmp_path, two_bands, classes), GRID, min_cloud_m2=0)
    moved = reader.read(Window(row0=5, col0=5, row1=55, col1=65), ShiftField.constant(4.0, -3.0))
    rows, cols = np.nonzero(~moved.valid)
    assert (rows.min() + 5, rows.max() + 5) == (40 - 4 - 2, 43 - 4 + 2)
    assert (cols.min() + 5, cols.max() + 5) == (50 + 3 - 2, 53 + 3 + 2)


def test_decibels_become_linear_power(tmp_path: Path) -> None:
    db = np.linspace(-25, 0, SHAPE[0] * SHAPE[1], dtype=np.float32).reshape(1, *SHAPE)
    db[0, 100, 100] = np.nan
    path = write(tmp_path / "vv.tif", db, nodata=np.nan)
    radar = scene(
        {"vv": Asset(href=str(path), bands=("vv",))}, sensor="sar", quantity="gamma0", in_db=True,
        collection="sentinel-1-rtc",
    )  # fmt: skip
    raster = everything(scene_reader(radar, GRID))
    assert (~raster.valid).sum() == 1
    np.testing.assert_allclose(raster.data[0][raster.valid], 10 ** (db[0][CUT][raster.valid] / 10), rtol=1e-4)


def test_metadata_that_contradicts_the_file(tmp_path: Path) -> None:
    path = band_file(tmp_path, "red", numbers(0))
    with pytest.raises(UnreadableRaster, match="has 1 bands although its metadata names 3"):
        scene_reader(scene({"x": Asset(href=str(path), bands=("red", "green", "blue"))}), GRID)
    bare = write(tmp_path / "bare.tif", numbers(0), crs=None, transform=None)
    with pytest.raises(MissingMetadata, match="no usable georeference"):
        scene_reader(scene({"red": Asset(href=str(bare), bands=("red",))}), GRID)
    with pytest.raises(MissingMetadata, match="how they become reflectance"):
        scene_reader(
            scene({"red": Asset(href=str(path), bands=("red",))}, collection="own", platform="unknown"), GRID
        )


def test_a_stated_scale_is_used_as_it_is_elsewhere(tmp_path: Path) -> None:
    path = band_file(tmp_path, "red", numbers(0))
    landsat = scene(
        {"red": Asset(href=str(path), bands=("red",), scale=2.75e-5, offset=-0.2)},
        collection="landsat-c2-l2", platform="landsat-9",
    )  # fmt: skip
    raster = everything(scene_reader(landsat, GRID))
    np.testing.assert_allclose(raster.data[0], numbers(0)[0][CUT] * 2.75e-5 - 0.2, atol=1e-6)


def test_readers_pass_between_processes(two_bands: Scene) -> None:
    reader = scene_reader(two_bands, GRID)
    assert np.array_equal(everything(pickle.loads(pickle.dumps(reader))).data, everything(reader).data)


def test_the_copy_reads_like_the_original(tmp_path: Path, two_bands: Scene) -> None:
    classes = np.full((100, 120), 5, np.uint8)
    classes[50:, 60:] = 9
    original = _with_quality(tmp_path, two_bands, classes)
    copies = copy_source(original, GRID, tmp_path / "copy")
    local = local_scene(original, copies)
    first, second = everything(scene_reader(original, GRID)), everything(scene_reader(local, GRID))
    assert np.array_equal(first.data, second.data)
    assert np.array_equal(first.valid, second.valid)
    assert local.assets["red"].sha256 == next(c.sha256 for c in copies if c.asset == "red")


def test_the_copy_carries_what_the_original_says_of_itself(tmp_path: Path, two_bands: Scene) -> None:
    (name, asset), *_ = two_bands.assets.items()
    with rasterio.open(asset.href, "r+") as original:
        original.update_tags(TIFFTAG_DATETIME="2024:12:05 08:20:00", SIMULATED="true")
    (copy,) = (c for c in copy_source(two_bands, GRID, tmp_path / "copies") if c.asset == name)
    with rasterio.open(copy.path) as copied:
        assert copied.tags()["TIFFTAG_DATETIME"] == "2024:12:05 08:20:00"
        assert copied.tags()["SIMULATED"] == "true"
        assert copied.tags()["AREA_OR_POINT"] == "Area"


def test_the_copy_holds_whole_blocks_of_the_originals_numbers(tmp_path: Path, two_bands: Scene) -> None:
    copy = next(c for c in copy_source(two_bands, GRID, tmp_path / "copy") if c.asset == "red")
    window = copy.window
    assert (window.row0, window.col0, window.row1, window.col1) == (0, 0, 192, 192)
    with rasterio.open(copy.path) as dataset:
        assert np.array_equal(dataset.read(), numbers(1)[:, :192, :192])
        assert dataset.transform == NORTH_UP
        assert dataset.nodata == 0
    assert copy.length == copy.path.stat().st_size
    assert not list((tmp_path / "copy").glob("*.part"))


def test_a_finished_copy_is_kept_and_a_damaged_one_made_again(tmp_path: Path, two_bands: Scene) -> None:
    folder = tmp_path / "copy"
    first = copy_source(two_bands, GRID, folder)
    times = [copy.path.stat().st_mtime_ns for copy in first]
    assert copy_source(two_bands, GRID, folder) == first
    assert [copy.path.stat().st_mtime_ns for copy in first] == times
    content = bytearray(first[0].path.read_bytes())
    content[-1] ^= 1
    first[0].path.write_bytes(content)
    assert copy_source(two_bands, GRID, folder) == first
    assert first[0].path.stat().st_mtime_ns != times[0]
    assert first[1].path.stat().st_mtime_ns == times[1]


def test_an_unreadable_record_is_no_copy(tmp_path: Path, two_bands: Scene) -> None:
    folder = tmp_path / "copy"
    first = copy_source(two_bands, GRID, folder)
    for record in folder.glob("*.copy.json"):
        record.write_text(json.dumps({"length": 1})[:-3])
    assert copy_source(two_bands, GRID, folder) == first


def test_tiles_that_do_not_reach_the_site_are_not_copied(tmp_path: Path, two_bands: Scene) -> None:
    far = band_file(tmp_path, "far", numbers(0), transform=NORTH_UP * Affine.translation(10_000, 0))
    away = replace(two_bands, id="AWAY", assets={"red": Asset(href=str(far), bands=("red",))})
    copies = copy_source(replace(away, siblings=(two_bands,)), GRID, tmp_path / "copy")
    assert {copy.scene_id for copy in copies} == {two_bands.id}
    assert local_scene(replace(away, siblings=(two_bands,)), copies).id == two_bands.id
    with pytest.raises(UnusablePair, match="reaches the site"):
        copy_source(away, GRID, tmp_path / "copy")


def test_bytes_of_the_blocks_that_are_needed(two_bands: Scene) -> None:
    figures = block_figures(two_bands, GRID)
    assert figures.blocks == 2 * 2 * 2
    assert 0 < figures.bytes_needed < figures.bytes_total
