"""Implants are what they say, and the fit recovers weights that were planted."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.detectability import Trial, fit
from benchmarks.patches import Implant, is_found, is_touched, put
from models.change import Change, Link
from models.compare import PairModel
from models.detectability import references
from tests.unit.catalog.catalog_runs import NOISE, RADIOMETRY, alignment, appeared
from tests.unit.models.planted import reader

MODEL = PairModel(sensor="optical", gsd_m=0.5, alignment=alignment(0, 0), radiometry=RADIOMETRY, noise=NOISE)
TRUCK = references(0.5, "optical")[1]
IMPLANT = Implant(
    size=TRUCK, row=60.0, col=70.0, angle_rad=0.0, contrast=40.0, date="after", uneven=False, seed=1
)  # fmt: skip


@pytest.mark.parametrize("uneven", [False, True])
def test_an_implant_has_the_contrast_and_size_asked_for(uneven: bool) -> None:
    flat = np.full((3, 120, 140), 90, np.float32)
    implant = replace(IMPLANT, uneven=uneven)
    image = put(reader(flat), [implant], MODEL, "after").raster.data.mean(axis=0)
    col0, row0, col1, row1 = (round(v) for v in implant.box(0.5))
    assert (col1 - col0, row1 - row0) == (20, 6)
    assert image[row0 + 1 : row1 - 1, col0 + 1 : col1 - 1].mean() - 90 == pytest.approx(40, abs=4)
    assert (image - 90).sum() == pytest.approx(40 * 20 * 6, rel=0.1)
    np.testing.assert_array_equal(put(reader(flat), [implant], MODEL, "before").raster.data, flat)


def test_found_means_the_right_size_and_date_touched_means_anything() -> None:
    whole, piece = appeared((60, 57, 81, 64)), appeared((62, 58, 67, 62))
    wrong_date = Change(
        id="x", kind="vanished", label="", score=0.9, before=whole.after, after=None, link=Link(), tile="r00c00"
    )  # fmt: skip
    assert is_found(IMPLANT, [whole], 0.5)
    for change in (piece, wrong_date):
        assert not is_found(IMPLANT, [change], 0.5)
        assert is_touched(IMPLANT, [change], 0.5)
    assert not is_touched(IMPLANT, [appeared((10, 10, 20, 20))], 0.5)


def test_the_fit_recovers_what_was_planted(rng: np.random.Generator) -> None:
    tried = []
    for _ in range(1500):
        threshold, texture = rng.uniform(4, 40), rng.uniform(2, 30)
        need, contrast = (
            10 + 0.8 * threshold + 1.2 * texture,
            float(np.exp(rng.uniform(np.log(3), np.log(160)))),
        )
        found = bool(rng.random() < 1 / (1 + (contrast / need) ** -5))
        tried.append(
            Trial(scene="s", size="x", contrast=contrast, multiple=0, threshold=threshold, forgiven=0.0,
                  texture=texture, fill=1.0, found=found, touched=found)
        )  # fmt: skip
    weights = fit(tried)
    middle = weights["base"] + weights["noise"] * 20 + weights["texture"] * 15
    assert middle == pytest.approx(10 + 0.8 * 20 + 1.2 * 15, rel=0.08)
    assert fit([replace(trial, found=False) for trial in tried])["base"] is None
