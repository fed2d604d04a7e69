import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import Transformer
from rasterio.enums import ColorInterp

from imagery.align import ShiftField
from imagery.errors import MissingMetadata, UnreadableRaster, UnusablePair
from imagery.image_file import open_pair
from imagery.raster import Window
from tests.unit.imagery.rasters import NORTH_UP, UTM36, everything, texture, write

RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
FULL = Window(row0=0, col0=0, row1=80, col1=90)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    return write(tmp_path / "before.tif", texture(80, 90, bands=3), colours=RGB)


def test_two_photographs_with_a_pixel_size(tmp_path: Path) -> None:
    pixels = texture(80, 90, bands=3)
    before = write(tmp_path / "a.png", pixels, crs=None, transform=None)
    after = write(tmp_path / "b.png", pixels[:, ::-1], crs=None, transform=None)
    pair = open_pair(before, after, gsd_m=0.5)
    assert (pair.sensor, pair.quantity, pair.georeferenced) == ("optical", "dn", False)
    assert pair.gsd_m == pytest.approx(0.5)
    assert pair.before.bands == ("red", "green", "blue")
    assert pair.before.grid.crs is None
    assert np.array_equal(everything(pair.before).data, pixels)
    assert np.array_equal(everything(pair.after).data, pixels[:, ::-1])
    assert pair.notes == ()


def test_photographs_need_a_pixel_size(tmp_path: Path) -> None:
    a = write(tmp_path / "a.jpg", texture(80, 90), crs=None, transform=None)
    with pytest.raises(MissingMetadata, match="--gsd"):
        open_pair(a, a)
    with pytest.raises(MissingMetadata, match="positive"):
        open_pair(a, a, gsd_m=-1.0)


def test_photographs_of_different_size_are_laid_corner_on_corner(tmp_path: Path) -> None:
    a = write(tmp_path / "a.png", texture(80, 90), crs=None, transform=None)
    b = write(tmp_path / "b.png", texture(70, 100), crs=None, transform=None)
    pair = open_pair(a, b, gsd_m=1.0)
    after = everything(pair.after)
    assert after.valid[:70].all()
    assert not after.valid[70:].any()
    assert any("differ in size" in note for note in pair.notes)


def test_windows_beyond_the_edge_are_invalid(plain: Path) -> None:
    pair = open_pair(plain, plain)
    raster = pair.before.read(Window(row0=-5, col0=-7, row1=10, col1=10))
    assert not raster.valid[:5].any()
    assert not raster.valid[:, :7].any()
    assert raster.valid[5:, 7:].all()
    assert not pair.before.read(Window(row0=500, col0=500, row1=510, col1=510)).valid.any()


def test_readers_pass_between_processes(plain: Path) -> None:
    pair = open_pair(plain, plain)
    again = pickle.loads(pickle.dumps(pair.after))
    assert np.array_equal(everything(again).data, everything(pair.after).data)


def test_the_grid_is_that_of_before(tmp_path: Path, plain: Path) -> None:
    pixels = texture(80, 90, bands=3)
    moved = write(tmp_path / "b.tif", pixels, colours=RGB, transform=NORTH_UP * Affine.translation(-4, 6))
    pair = open_pair(plain, moved)
    assert pair.georeferenced
    assert pair.gsd_m == pytest.approx(10.0, rel=0.01)
    after = everything(pair.after)
    assert np.array_equal(after.data[:, 6:, :-4], pixels[:, :74, 4:])
    assert not after.valid[:6].any()
    assert not after.valid[:, -4:].any()
    assert pair.notes == ()


INTERPOLATION_PX = 0.07
"""OpenCV's bicubic looks positions up in steps of 1/32 pixel and bends a straight ramp a little."""


def _ramp(rows: int, cols: int, to_grid: Affine) -> np.ndarray:
    """A plane over the coordinates of another grid's pixels: what every resampling has to keep."""
    x, y = np.meshgrid(np.arange(cols) + 0.5, np.arange(rows) + 0.5)
    gx, gy = to_grid * (x, y)
    return (1000 + 3 * gx + 5 * gy)[None].astype(np.float32)


@pytest.mark.parametrize(
    ("to_before", "says"),
    [
        (Affine.translation(0.4, -0.3), "interpolated"),
        (Affine.scale(1.5), "interpolated"),
        (Affine.scale(0.5), "averaged"),
        (Affine.translation(20, 10) * Affine.rotation(20), "interpolated"),
    ],
)
def test_another_grid_is_resampled_onto_before(tmp_path: Path, to_before: Affine, says: str) -> None:
    before = write(tmp_path / "a.tif", _ramp(80, 90, Affine.identity()))
    after = write(tmp_path / "b.tif", _ramp(120, 130, to_before), transform=NORTH_UP * to_before)
    pair = open_pair(before, after)
    first, second = everything(pair.before), everything(pair.after)
    both = first.valid & second.valid
    assert both.mean() > 0.2
    np.testing.assert_allclose(second.data[0][both], first.data[0][both], atol=9 * INTERPOLATION_PX)
    assert any(says in note for note in pair.notes)


def test_another_projection_is_resampled_exactly(tmp_path: Path) -> None:
    """Longitude and latitude written into the pixels: where a pixel lands shows in its value."""
    before = write(tmp_path / "a.tif", texture(80, 90).astype(np.float32))
    place = Affine(1e-4, 0.0, 32.9995, 0.0, -1e-4, 35.243)
    cols, rows = np.meshgrid(np.arange(200) + 0.5, np.arange(200) + 0.5)
    lon, lat = place * (cols, rows)
    pixels = np.stack([(lon - 33) * 1e4, (lat - 35.24) * 1e4]).astype(np.float32)[:1] + 100
    after = write(tmp_path / "b.tif", pixels, crs="EPSG:4326", transform=place)
    raster = everything(open_pair(before, after).after)

    c, r = np.meshgrid(np.arange(90) + 0.5, np.arange(80) + 0.5)
    x, y = NORTH_UP * (c, r)
    true_lon, _ = Transformer.from_crs(UTM36, 4326, always_xy=True).transform(x, y)
    assert raster.valid.mean() > 0.8
    expected = (true_lon - 33) * 1e4 + 100
    np.testing.assert_allclose(
        raster.data[0][raster.valid], expected[raster.valid], atol=1.1 * INTERPOLATION_PX
    )


def test_displacement_and_change_of_grid_are_one_interpolation(tmp_path: Path) -> None:
    before = write(tmp_path / "a.tif", _ramp(80, 90, Affine.identity()))
    grid = Affine.translation(0.5, 0.25)
    after = write(tmp_path / "b.tif", _ramp(80, 90, grid), transform=NORTH_UP * grid)
    pair = open_pair(before, after)
    raster = pair.after.read(FULL, ShiftField.constant(2.25, -1.5))
    r, c = np.mgrid[0:80, 0:90]
    expected = 1000 + 3 * (c + 0.5 - 1.5) + 5 * (r + 0.5 + 2.25)
    assert raster.valid.mean() > 0.8
    np.testing.assert_allclose(
        raster.data[0][raster.valid], expected[raster.valid], atol=6 * INTERPOLATION_PX
    )


def test_a_zero_displacement_interpolates_nothing(plain: Path) -> None:
    pair = open_pair(plain, plain)
    moved = pair.after.read(FULL, ShiftField.constant(0.0, 0.0))
    assert np.array_equal(moved.data, everything(pair.after).data)


def test_windows_fit_together(tmp_path: Path, plain: Path) -> None:
    """The pixels do not depend on how the grid is cut up."""
    other = write(
        tmp_path / "b.tif", texture(150, 160, bands=3, seed=3), colours=RGB,
        transform=NORTH_UP * Affine.translation(-3.3, -2.7) * Affine.rotation(5) * Affine.scale(0.6),
    )  # fmt: skip
    pair = open_pair(plain, other)
    whole = everything(pair.after)
    part = pair.after.read(Window(row0=31, col0=17, row1=70, col1=80))
    assert np.array_equal(part.valid, whole.valid[31:70, 17:80])
    np.testing.assert_allclose(
        part.data[:, part.valid], whole.data[:, 31:70, 17:80][:, part.valid], atol=0.01
    )


def test_a_rotated_before_keeps_its_own_grid(tmp_path: Path) -> None:
    rotated = NORTH_UP * Affine.rotation(30)
    path = write(tmp_path / "a.tif", texture(80, 90), transform=rotated)
    pair = open_pair(path, path)
    assert pair.before.grid.affine.almost_equals(rotated)
    assert np.array_equal(everything(pair.after).data, texture(80, 90))
    assert pair.gsd_m == pytest.approx(10.0, rel=0.01)


def test_no_overlap(tmp_path: Path, plain: Path) -> None:
    far = write(tmp_path / "b.tif", texture(80, 90), transform=NORTH_UP * Affine.translation(5000, 0))
    with pytest.raises(UnusablePair, match="same place"):
        open_pair(plain, far)


def test_too_different_pixel_sizes_are_named(tmp_path: Path, plain: Path) -> None:
    coarse = write(tmp_path / "b.tif", texture(80, 90), transform=NORTH_UP * Affine.scale(4))
    with pytest.raises(UnusablePair, match=r"10 m .*40 m"):
        open_pair(plain, coarse)


def test_one_georeference_counts_only_for_equal_sizes(tmp_path: Path, plain: Path) -> None:
    photo = write(tmp_path / "b.png", texture(80, 90, bands=3), crs=None, transform=None)
    pair = open_pair(plain, photo)
    assert not pair.georeferenced
    assert pair.before.grid.crs is None
    assert pair.gsd_m == pytest.approx(10.0, rel=0.01)
    assert any("pixel by pixel" in note for note in pair.notes)
    small = write(tmp_path / "c.png", texture(60, 90, bands=3), crs=None, transform=None)
    with pytest.raises(UnusablePair, match="no georeference"):
        open_pair(plain, small)


def test_coordinates_without_crs_are_no_georeference(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", texture(80, 90), crs=None)
    with pytest.raises(MissingMetadata, match="--gsd"):
        open_pair(path, path)
    pair = open_pair(path, path, gsd_m=10.0)
    assert not pair.georeferenced
    assert any("no CRS" in note for note in pair.notes)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [("EPSG:4326", NORTH_UP), (UTM36, Affine(1e-4, 0, 35.9, 0, -1e-4, 35.4))],
)
def test_a_crs_that_contradicts_the_coordinates(tmp_path: Path, crs: str, transform: Affine) -> None:
    path = write(tmp_path / "a.tif", texture(80, 90), crs=crs, transform=transform)
    with pytest.raises(UnreadableRaster, match="do not belong to its CRS"):
        open_pair(path, path)


def test_a_declared_pixel_size_does_not_override_the_georeference(plain: Path) -> None:
    pair = open_pair(plain, plain, gsd_m=0.5)
    assert pair.gsd_m == pytest.approx(10.0, rel=0.01)
    assert any("--gsd 0.5 is not used" in note for note in pair.notes)


@pytest.mark.parametrize("size", [1, 8])
def test_an_image_of_a_few_pixels(tmp_path: Path, plain: Path, size: int) -> None:
    dot = write(tmp_path / "dot.tif", np.ones((1, size, size), np.uint8))
    with pytest.raises(UnreadableRaster, match=f"{size} x {size} pixels"):
        open_pair(plain, dot)


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "slc.tif", np.ones((1, 80, 90), np.complex64))
    with pytest.raises(UnreadableRaster, match="complex"):
        open_pair(path, path)


def test_alpha_becomes_validity(tmp_path: Path) -> None:
    pixels = np.concatenate([texture(80, 90, bands=3), np.full((1, 80, 90), 255, np.uint8)])
    pixels[3, 20:30, 40:50] = 0
    path = write(tmp_path / "a.png", pixels, crs=None, transform=None)
    raster = everything(open_pair(path, path, gsd_m=0.5).before)
    assert raster.bands == ("red", "green", "blue")
    assert not raster.valid[20:30, 40:50].any()
    assert raster.valid.sum() == 80 * 90 - 100


def test_a_palette_shows_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    numbers = (np.indices((80, 90)).sum(axis=0) % 3).astype(np.uint8)[None]
    with rasterio.open(path, "w", driver="PNG", count=1, height=80, width=90, dtype="uint8") as out:
        out.write(numbers)
        out.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (7, 8, 9, 0)})
    pair = open_pair(path, path, gsd_m=0.5)
    raster = everything(pair.before)
    assert raster.bands == ("red", "green", "blue")
    assert raster.data[:, 0, 0].tolist() == [10, 20, 30]
    assert raster.data[:, 0, 1].tolist() == [200, 100, 50]
    assert np.array_equal(raster.valid, numbers[0] != 2)
    assert any("palette" in note for note in pair.notes)


def test_nan_and_nodata_are_invalid(tmp_path: Path) -> None:
    pixels = texture(80, 90).astype(np.float32)
    pixels[0, :10] = np.nan
    pixels[0, 70:] = -9999
    path = write(tmp_path / "a.tif", pixels, nodata=-9999)
    pair = open_pair(path, path)
    raster = everything(pair.before)
    assert pair.quantity == "dn"
    assert np.array_equal(np.flatnonzero(raster.valid.all(axis=1)), np.arange(10, 70))
    assert np.isfinite(raster.data).all()


def test_a_dark_pixel_in_one_band_is_not_nodata(tmp_path: Path) -> None:
    pixels = texture(80, 90, bands=3)
    pixels[2, 5, 5] = 0
    pixels[:, 6, 6] = 0
    path = write(tmp_path / "a.tif", pixels, colours=RGB, nodata=0)
    valid = everything(open_pair(path, path).before).valid
    assert valid[5, 5]
    assert not valid[6, 6]


def test_interpolation_never_mixes_in_nodata(tmp_path: Path, plain: Path) -> None:
    pixels = np.full((1, 80, 90), 100, np.uint16)
    pixels[0, 30:40, 30:40] = 65535
    path = write(tmp_path / "b.tif", pixels, nodata=65535, transform=NORTH_UP * Affine.translation(0.5, 0.5))
    raster = everything(open_pair(plain, path).after)
    np.testing.assert_allclose(raster.data[0][raster.valid], 100, atol=0.01)


def test_sixteen_bits_without_nodata_say_that_zero_is_none(tmp_path: Path) -> None:
    pixels = texture(80, 90).astype(np.uint16) * 10
    pixels[0, :5] = 0
    path = write(tmp_path / "a.tif", pixels)
    pair = open_pair(path, path)
    assert not everything(pair.before).valid[:5].any()
    assert any("zero" in note for note in pair.notes)


def test_common_bands_are_compared(tmp_path: Path, plain: Path) -> None:
    four = write(
        tmp_path / "b.tif", texture(80, 90, bands=4), names=("blue", "green", "red", "nir"),
        colours=(ColorInterp.undefined,) * 4,
    )  # fmt: skip
    pair = open_pair(plain, four)
    assert pair.before.bands == pair.after.bands == ("red", "green", "blue")
    assert np.array_equal(everything(pair.after).data, texture(80, 90, bands=4)[[2, 1, 0]])
    assert any("only the bands" in note for note in pair.notes)


def test_colour_against_grey_compares_brightness(tmp_path: Path, plain: Path) -> None:
    grey = write(tmp_path / "b.tif", texture(80, 90))
    pair = open_pair(plain, grey)
    assert pair.before.bands == ("pan",)
    rgb = texture(80, 90, bands=3)
    expected = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]
    np.testing.assert_allclose(everything(pair.before).data[0], expected, rtol=1e-5)
    assert any("brightness" in note for note in pair.notes)


def test_radar_has_to_say_what_it_measures(tmp_path: Path) -> None:
    db = np.linspace(-30, 5, 7200, dtype=np.float32).reshape(1, 80, 90)
    path = write(tmp_path / "a.tif", db)
    with pytest.raises(MissingMetadata, match="--quantity"):
        open_pair(path, path, sensor="sar")
    with pytest.raises(MissingMetadata, match="looks like radar"):
        open_pair(path, path)
    with pytest.raises(MissingMetadata, match="not a radar quantity"):
        open_pair(path, path, sensor="sar", quantity="reflectance")
    with pytest.raises(MissingMetadata, match="--sensor sar"):
        open_pair(path, path, quantity="db")


def test_decibels_become_linear_power(tmp_path: Path) -> None:
    db = np.linspace(-30, 5, 7200, dtype=np.float32).reshape(1, 80, 90)
    db[0, 0, :3] = (np.nan, -np.inf, -9999)
    path = write(tmp_path / "a.tif", db)
    pair = open_pair(path, path, sensor="sar", quantity="db")
    raster = everything(pair.before)
    assert pair.quantity == "gamma0"
    assert any("gamma0" in note for note in pair.notes)
    np.testing.assert_allclose(raster.data[0][raster.valid], 10 ** (db[0][raster.valid] / 10), rtol=1e-4)
    assert (~raster.valid).sum() == 3


def test_polarisations_are_noticed_and_not_mixed(tmp_path: Path) -> None:
    pixels = texture(80, 90).astype(np.float32)
    vv = write(tmp_path / "vv.tif", pixels, names=("VV",))
    vh = write(tmp_path / "vh.tif", pixels, names=("VH",))
    with pytest.raises(MissingMetadata, match="looks like radar"):
        open_pair(vv, vv)
    with pytest.raises(UnusablePair, match="no band in common"):
        open_pair(vv, vh, sensor="sar", quantity="linear")


def test_reflectance_needs_a_scale(tmp_path: Path) -> None:
    pixels = texture(80, 90).astype(np.uint16) * 30
    path = write(tmp_path / "a.tif", pixels)
    with pytest.raises(MissingMetadata, match="scale"):
        open_pair(path, path, quantity="reflectance")
    with rasterio.open(path, "r+") as out:
        out.scales, out.offsets = (1e-4,), (-0.1,)
    pair = open_pair(path, path, quantity="reflectance")
    assert pair.quantity == "reflectance"
    np.testing.assert_allclose(everything(pair.before).data, pixels * 1e-4 - 0.1, atol=1e-5)


def test_dates_come_from_the_file(tmp_path: Path) -> None:
    a = write(tmp_path / "a.tif", texture(80, 90), tags={"TIFFTAG_DATETIME": "2024:12:10 08:30:01"})
    b = write(tmp_path / "b.tif", texture(80, 90), tags={"TIFFTAG_DATETIME": "20241215T083002"})
    pair = open_pair(a, b)
    assert pair.before_time == datetime(2024, 12, 10, 8, 30, 1, tzinfo=UTC)
    assert pair.after_time == datetime(2024, 12, 15, 8, 30, 2, tzinfo=UTC)
    bad = write(tmp_path / "c.tif", texture(80, 90), tags={"TIFFTAG_DATETIME": "yesterday"})
    assert open_pair(bad, b).before_time is None
