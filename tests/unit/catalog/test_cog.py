"""The rasters of a run: valid COGs, one encoding for both dates, validity as nodata."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from catalog import cog
from catalog.errors import CatalogError
from imagery.align import ShiftField
from imagery.open import describe
from imagery.raster import Raster
from imagery.tile import tiles
from imagery.warp import ArrayReader
from tests.unit.catalog.catalog_runs import evidence, grid_of, raster_of


def write(folder: Path, before: Raster, after: Raster, shift: ShiftField | None = None) -> cog.Encoding:
    return cog.write_images(
        (folder / "before.tif", ArrayReader(raster=before)),
        (folder / "after.tif", ArrayReader(raster=after), shift),
        before.quantity,
    )


@pytest.mark.parametrize(
    ("quantity", "dtype"), [("dn", "uint8"), ("reflectance", "int16"), ("gamma0", "float32")]
)
def test_rasters_are_valid_cogs_that_hold_the_values(tmp_path: Path, quantity: str, dtype: str) -> None:
    grid = grid_of((1100, 1300))
    raster = raster_of(grid, quantity, bands=3 if quantity != "gamma0" else 1)
    encoding = write(tmp_path, raster, raster)
    assert encoding.dtype == dtype
    valid, errors, warnings = cog_validate(tmp_path / "before.tif")
    assert (valid, errors, warnings) == (True, [], [])
    with rasterio.open(tmp_path / "before.tif") as written:
        assert written.block_shapes[0] == (512, 512)
        assert written.overviews(1)
        assert written.crs.to_epsg() == 32636
        assert written.transform == grid.affine
        assert written.descriptions == raster.bands
        values = written.read() * written.scales[0]
    np.testing.assert_allclose(values, raster.data, atol=0.6 * encoding.scale if dtype != "float32" else 0)


def test_invalid_pixels_are_nodata_and_only_those(tmp_path: Path) -> None:
    raster = raster_of(grid_of((80, 90)))
    data, valid = raster.data.copy(), raster.valid.copy()
    data[:, 5, 5] = 0.0  # a true zero is not nodata
    valid[20:30, 40:60] = False
    holed = replace(raster, data=data, valid=valid)
    write(tmp_path, holed, raster)
    with rasterio.open(tmp_path / "before.tif") as written:
        np.testing.assert_array_equal(written.dataset_mask() > 0, valid)


def test_encoding_widens_where_eight_bits_do_not_fit_either_date(tmp_path: Path) -> None:
    raster = raster_of(grid_of((80, 90)))
    bright = replace(raster, data=raster.data * 20)
    assert write(tmp_path, raster, bright).dtype == "uint16"
    negative = replace(raster, data=raster.data - 5000)
    assert write(tmp_path, raster, negative).dtype == "float32"
    with rasterio.open(tmp_path / "before.tif") as before, rasterio.open(tmp_path / "after.tif") as after:
        assert before.dtypes == after.dtypes == ("float32",) * 3
        np.testing.assert_array_equal(after.read(), negative.data)


def test_after_is_written_through_the_shift(tmp_path: Path) -> None:
    raster = raster_of(grid_of((120, 120)))
    moved = replace(raster, data=np.roll(raster.data, (3, -2), axis=(1, 2)))
    write(tmp_path, raster, moved, ShiftField.constant(3.0, -2.0))
    with rasterio.open(tmp_path / "after.tif") as after, rasterio.open(tmp_path / "before.tif") as before:
        inner = np.s_[:, 10:-10, 10:-10]
        np.testing.assert_array_equal(after.read()[inner], before.read()[inner])


def test_evidence_is_stitched_and_nan_where_not_assessed(tmp_path: Path) -> None:
    grid = grid_of((600, 700))
    cut = list(tiles((600, 700), size_px=256, halo_px=8))
    cog.write_evidence(
        tmp_path / "e.tif", grid, cut, lambda tile: None if tile.id == "r01c01" else evidence(tile)
    )
    assert cog_validate(tmp_path / "e.tif") == (True, [], [])
    with rasterio.open(tmp_path / "e.tif") as written:
        values = written.read(1)
        assert np.isnan(written.nodata)
        assert written.dtypes == ("float32",)
    missing = next(tile.core for tile in cut if tile.id == "r01c01")
    hole = np.zeros((600, 700), np.bool_)
    hole[missing.row0 : missing.row1, missing.col0 : missing.col1] = True
    np.testing.assert_array_equal(np.isnan(values), hole)
    assert values[300, 10] == pytest.approx((300 - 256 + 10) / 100)


def test_evidence_of_the_wrong_shape_is_refused(tmp_path: Path) -> None:
    cut = list(tiles((100, 100), size_px=64, halo_px=0))
    with pytest.raises(CatalogError, match=r"r00c00 is \(5, 5\)"):
        cog.write_evidence(
            tmp_path / "e.tif", grid_of((100, 100)), cut, lambda _: np.zeros((5, 5), np.float32)
        )
    assert list(tmp_path.iterdir()) == []


def test_images_without_georeference_are_written_too(tmp_path: Path) -> None:
    raster = raster_of(grid_of((64, 64), crs=None))
    write(tmp_path, raster, raster)
    with rasterio.open(tmp_path / "before.tif") as written:
        assert written.crs is None
        assert written.shape == (64, 64)


def test_one_pixel_image(tmp_path: Path) -> None:
    raster = raster_of(grid_of((1, 1)))
    write(tmp_path, raster, raster)
    with rasterio.open(tmp_path / "after.tif") as written:
        np.testing.assert_array_equal(written.read(), raster.data)


def test_what_is_simulated_says_so_in_every_file(tmp_path: Path) -> None:
    grid = grid_of((600, 700))
    reader = ArrayReader(raster=raster_of(grid, "dn", bands=3))
    cut = list(tiles((600, 700), size_px=350, halo_px=0))
    for simulated in (True, False):
        paths = [tmp_path / f"{name}-{simulated}.tif" for name in ("before", "after", "evidence")]
        cog.write_images((paths[0], reader), (paths[1], reader, None), "dn", simulated=simulated)
        cog.write_evidence(paths[2], grid, cut, evidence, simulated=simulated)
        assert [describe(path).simulated for path in paths] == [simulated] * 3
        assert all(cog_validate(path)[0] for path in paths)
