import numpy as np
import pytest

from imagery.raster import Window
from imagery.register import correlate, orientation, register
from tests.unit.models.planted import noisy, reader, shifted, texture


@pytest.mark.parametrize(("d_row", "d_col"), [(0.0, 0.0), (0.4, -0.7), (3.3, 5.6), (-11.25, 8.5)])
def test_planted_shift_is_recovered_to_a_tenth_of_a_pixel(d_row: float, d_col: float) -> None:
    ground = texture((640, 700))
    found = register(
        reader(noisy(ground, 2)), reader(noisy(shifted(ground, d_row, d_col), 3)), sensor="optical"
    )
    assert found.verdict == "ok"
    at_row, at_col = found.shift.at(Window(row0=100, col0=100, row1=540, col1=600))
    assert np.abs(at_row - d_row).max() < 0.15
    assert np.abs(at_col - d_col).max() < 0.15
    assert found.residual_px is not None
    assert found.residual_px < 0.1
    assert found.before_px == pytest.approx(np.hypot(d_row, d_col), abs=0.1)


def test_shift_that_varies_over_the_image_is_followed() -> None:
    ground = texture((768, 768))
    half = shifted(ground, 0.0, 2.0)
    after = np.concatenate([ground[:, :, :384], half[:, :, 384:]], axis=2)
    found = register(reader(noisy(ground, 2)), reader(noisy(after, 3)), sensor="optical")
    _, left = found.shift.at(Window(row0=300, col0=100, row1=400, col1=120))
    _, right = found.shift.at(Window(row0=300, col0=650, row1=400, col1=670))
    assert abs(float(left.mean())) < 0.3
    assert abs(float(right.mean()) - 2.0) < 0.3


def test_residual_is_honest_about_what_a_smooth_field_cannot_follow() -> None:
    ground = texture((768, 768))
    rng = np.random.default_rng(5)
    after = ground.copy()
    for row in range(0, 768, 128):
        for col in range(0, 768, 128):
            jitter = shifted(ground, *rng.uniform(-2, 2, 2))
            after[:, row : row + 128, col : col + 128] = jitter[:, row : row + 128, col : col + 128]
    found = register(reader(noisy(ground, 2)), reader(noisy(after, 3)), sensor="optical")
    assert found.residual_px is not None
    assert found.residual_px > 0.5


def test_images_of_different_places_are_refused() -> None:
    found = register(reader(texture((640, 640), 1)), reader(texture((640, 640), 2)), sensor="optical")
    assert found.verdict == "refused"
    assert found.reason


def test_georeference_is_trusted_where_there_is_no_structure() -> None:
    rng = np.random.default_rng(0)
    water = [rng.normal(50, 1, (3, 512, 512)).astype(np.float32) for _ in range(2)]
    with_place = register(
        reader(water[0], crs="EPSG:32636"), reader(water[1], crs="EPSG:32636"), sensor="optical"
    )
    assert with_place.verdict == "georeference"
    assert with_place.shift.is_zero
    assert register(reader(water[0]), reader(water[1]), sensor="optical").verdict == "refused"


def test_invalid_pixels_do_not_become_structure() -> None:
    ground = texture((640, 640))
    valid = np.ones((640, 640), np.bool_)
    valid[200:420, 150:500] = False
    hidden = np.where(valid, ground, 0).astype(np.float32)
    after = shifted(ground, 1.5, 0.0)
    found = register(reader(hidden, valid=valid), reader(after), sensor="optical")
    d_row, _ = found.shift.at(Window(row0=20, col0=20, row1=120, col1=620))
    assert abs(float(d_row.mean()) - 1.5) < 0.15


def test_contrast_reversal_keeps_the_peak() -> None:
    chip = texture((128, 128), bands=1)[0]
    d_row, d_col, peak = correlate(orientation(chip), orientation((200 - chip).astype(np.float32)))
    assert (abs(d_row), abs(d_col)) < (0.1, 0.1)
    assert peak > 7


def test_residual_limit_is_ground_not_pixels_on_fine_images() -> None:
    ground = texture((768, 768))
    rng = np.random.default_rng(5)
    after = ground.copy()
    for row in range(0, 768, 128):
        for col in range(0, 768, 128):
            jitter = shifted(ground, *rng.uniform(-5, 5, 2))
            after[:, row : row + 128, col : col + 128] = jitter[:, row : row + 128, col : col + 128]
    pair = noisy(ground, 2), noisy(after, 3)
    fine, coarse = (
        register(*(reader(image, gsd_m=gsd_m) for image in pair), sensor="optical") for gsd_m in (0.3, 0.5)
    )
    assert fine.residual_px == coarse.residual_px
    assert (fine.verdict, coarse.verdict) == ("ok", "refused")
