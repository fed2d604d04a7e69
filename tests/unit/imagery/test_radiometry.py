import json

import numpy as np
import pytest

from imagery.align import ShiftField
from imagery.radiometry import Radiometry, normalise, unchanged
from imagery.raster import Raster, Window
from imagery.warp import ArrayReader
from tests.unit.models.planted import block, noisy, reader, texture

NO_SHIFT = ShiftField.constant(0.0, 0.0)
WHOLE = Window(row0=0, col0=0, row1=512, col1=512)


def test_gain_and_offset_are_undone_in_spite_of_changes() -> None:
    ground = texture((512, 512))
    after = ground * 1.3 - 12
    block(after, 100, 100, 60, 60, 250)
    block(after, 300, 350, 50, 90, 10)
    fitted = normalise(
        reader(noisy(ground, 1, 0.5)), reader(noisy(after, 2, 0.5)), NO_SHIFT, sensor="optical"
    )
    assert fitted.gain == pytest.approx([1 / 1.3] * 3, rel=0.03)
    values = fitted.after(reader(after).read(WHOLE), WHOLE)
    truth = fitted.before(reader(ground).read(WHOLE))
    outside = np.ones((512, 512), np.bool_)
    outside[80:180, 80:180] = outside[280:370, 330:460] = False
    assert np.abs(values - truth)[:, outside].mean() < 1.5


def test_slowly_varying_haze_is_taken_up_by_the_local_lattice() -> None:
    ground = texture((768, 768))
    haze = np.linspace(0, 12, 768, dtype=np.float32)[None, None, :]
    hazy = (ground + haze).astype(np.float32)
    whole = Window(row0=0, col0=0, row1=768, col1=768)
    fitted = normalise(reader(ground), reader(hazy), NO_SHIFT, sensor="optical")
    left = fitted.after(reader(hazy).read(whole), whole) - fitted.before(reader(ground).read(whole))
    assert np.abs(left).mean() < 0.35 * fitted.unit * np.abs(haze).mean()


def test_radar_is_compared_in_decibels() -> None:
    rng = np.random.default_rng(0)
    power = rng.gamma(4, 0.02 / 4, (1, 256, 256)).astype(np.float32)
    rasters = [
        ArrayReader(raster=Raster(data=power * gain, valid=np.ones((256, 256), np.bool_), bands=("vv",),
                                  quantity="gamma0", grid=reader(power, gsd_m=10).grid))
        for gain in (np.float32(1.0), np.float32(2.0))
    ]  # fmt: skip
    fitted = normalise(rasters[0], rasters[1], NO_SHIFT, sensor="sar")
    assert fitted.offset[0] == pytest.approx(-10 * np.log10(2), abs=0.05)


def test_survives_json() -> None:
    ground = texture((256, 256))
    fitted = normalise(reader(ground), reader(ground * 1.1), NO_SHIFT, sensor="optical")
    again = Radiometry.from_dict(json.loads(json.dumps(fitted.as_dict())))
    window = Window(row0=10, col0=20, row1=90, col1=120)
    raster = reader(ground).read(window)
    np.testing.assert_array_equal(fitted.after(raster, window), again.after(raster, window))


def test_unchanged_pixels_get_the_weight() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (4000, 3))
    y = 2 * x + rng.normal(0, 0.05, x.shape)
    y[:400] += 8
    weight = unchanged(x, y)
    assert weight[:400].mean() < 0.01
    assert np.median(weight[400:]) > 20 * np.median(weight[:400])
