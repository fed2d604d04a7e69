import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import f

from imagery.raster import Window
from models.radar import (
    LOOKS_RANGE,
    Looks,
    LooksCount,
    averaged,
    averaging_side_px,
    equality,
    equality_exceeds,
    looks_of_scatter,
    measure_looks,
    speckle_db,
)

SHAPE = (400, 400)
EVERYWHERE = np.ones(SHAPE, np.bool_)


def speckle(looks: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(looks, 1 / looks, SHAPE).astype(np.float32)


def counted(intensity: np.ndarray, valid: np.ndarray = EVERYWHERE) -> float | None:
    count = LooksCount()
    count.add(intensity, valid)
    return count.mode()


@pytest.mark.parametrize("looks", [1, 4.4, 10, 60, 300])
def test_looks_are_recovered_from_speckle(looks: float) -> None:
    assert counted(speckle(looks)) == pytest.approx(looks, rel=0.1)


def test_looks_are_those_of_even_ground_beside_texture_ships_and_unseen_land() -> None:
    ground = np.ones(SHAPE, np.float32)
    ground[:, :120] *= np.exp(gaussian_filter(np.random.default_rng(3).standard_normal(SHAPE), 1.5) * 3)[
        :, :120
    ]
    ground[::50, 200::40] = 100.0
    valid = EVERYWHERE.copy()
    valid[:, 360:] = False
    assert counted(ground * speckle(4.4), valid) == pytest.approx(4.4, rel=0.12)


def test_constant_or_hardly_seen_images_have_no_known_looks() -> None:
    assert counted(np.ones(SHAPE, np.float32)) is None
    assert counted(speckle(5), np.zeros(SHAPE, np.bool_)) is None


@pytest.mark.parametrize("looks", [1, 4.4, 50])
def test_scatter_of_the_ratio_gives_the_looks(looks: float) -> None:
    difference = 10 * np.log10(speckle(looks, 1) / speckle(looks, 2))
    scatter = np.quantile(np.abs(difference), 0.4)
    assert looks_of_scatter(scatter, quantile=0.4) == pytest.approx(looks, rel=0.05)
    assert looks_of_scatter(np.float32(0), quantile=0.4) == pytest.approx(LOOKS_RANGE[1], rel=1e-3)


@pytest.mark.parametrize("looks", [2, 4.4, 50])
def test_equality_is_standard_normal_where_nothing_changed(looks: float) -> None:
    sigmas = equality(10 * np.log10(speckle(looks, 1) / speckle(looks, 2)), looks)
    assert sigmas.mean() == pytest.approx(0, abs=0.01)
    assert sigmas.std() == pytest.approx(1, abs=0.02)
    assert (np.abs(sigmas) > 3).mean() == pytest.approx(equality_exceeds(3, looks), rel=0.2)


def test_equality_agrees_with_the_likelihoods_written_out() -> None:
    looks, x, y = 4.4, 1.0, 7.0
    log_q = looks * (2 * np.log(2) + np.log(x) + np.log(y) - 2 * np.log(x + y))
    expected = np.sqrt(-2 * (1 - 1 / (4 * looks)) * log_q)
    db = np.array([[10 * np.log10(y / x), 10 * np.log10(x / y)]], np.float32)
    np.testing.assert_allclose(equality(db, looks), [[expected, -expected]], rtol=1e-5)


def test_equality_is_monotone_and_finite_at_any_ratio() -> None:
    db = np.linspace(-200, 200, 401, dtype=np.float32)[None]
    assert (np.diff(equality(db, 1000.0)[0]) > 0).all()
    assert np.isfinite(equality(db, 0.1)).all()


def test_exceedance_is_that_of_the_f_distribution() -> None:
    ratio_db = 6.0
    sigmas = float(equality(np.array([[ratio_db]], np.float32), 4.4)[0, 0])
    assert equality_exceeds(sigmas, 4.4) == pytest.approx(2 * f.sf(10**0.6, 8.8, 8.8), rel=1e-4)


def test_speckle_in_decibels() -> None:
    assert np.std(10 * np.log10(speckle(4.4))) == pytest.approx(speckle_db(4.4), rel=0.02)


def test_few_looks_are_averaged_and_many_left_alone() -> None:
    assert [averaging_side_px(n) for n in (None, 1.0, 4.4, 55.0)] == [1, 5, 3, 1]
    db = (10 * np.log10(speckle(4.4)) + 35)[None]
    assert averaged(db, EVERYWHERE, 1) is db
    holed = EVERYWHERE.copy()
    holed[100:110, 100:110] = False
    out = averaged(db, holed, 3)
    np.testing.assert_array_equal(out[:, ~holed], db[:, ~holed])
    assert 10 ** (out[0, 50, 50] / 10) == pytest.approx((10 ** (db[0, 49:52, 49:52] / 10)).mean(), rel=1e-4)
    assert 10 ** (out[0, 99, 105] / 10) == pytest.approx(
        (10 ** (db[0, 98:100, 104:107] / 10)).mean(), rel=1e-4
    )


def test_looks_of_a_pair_and_their_record() -> None:
    def read(_window: Window) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        one, two = (10 * np.log10(speckle(n, seed))[None] + 35 for n, seed in ((4.4, 1), (9.0, 2)))
        return one, two, EVERYWHERE

    looks = measure_looks(read, [Window(row0=0, col0=0, row1=400, col1=400)])
    assert looks.before == pytest.approx(4.4, rel=0.1)
    assert looks.after == pytest.approx(9.0, rel=0.1)
    assert looks.side_px == 3
    assert looks.least == pytest.approx(9 * 4.4, rel=0.15)
    assert Looks.from_dict(looks.as_dict()) == looks
