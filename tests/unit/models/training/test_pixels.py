"""Parts of a scorer for other pixel sizes: fitted, written, loaded and used at their sizes only."""

import json
from dataclasses import replace

import numpy as np
import pytest

from imagery.raster import Window
from imagery.warp import ArrayReader
from models.evaluation import Case
from models.score import scorer_of
from models.scorers import ALL_NAMES, TreeScorer
from models.training import coarse, pixels
from models.training.boost import Growth
from models.training.fit import document, fit_again, fit_first
from models.training.samples import Sample
from tests.unit.models.planted import reader, texture


def sample(case: Case, gsd_m: float, place: str, seed: int) -> Sample:
    """Candidates of which those with a high first measure show changes."""
    rng = np.random.default_rng(seed)
    features = rng.normal(1, 0.5, (160, len(ALL_NAMES)))
    right = rng.random(160) < 0.5
    features[:, 6] += 3.0 * right
    features[:, 1] = np.log(rng.uniform(4, 30, 160))
    return Sample(
        case=replace(case, name=f"{place}-{gsd_m}", gsd_m=gsd_m, component=place, origin="implant"),
        boxes=np.zeros((160, 4), np.int64), features=features, kind=np.ones(160), target=right.astype(np.int_),
        weight=np.ones(160),
    )  # fmt: skip


@pytest.fixture
def case() -> Case:
    return Case(
        name="x", klass="vehicle", gsd_m=0.5, shape=(100, 100), truths=(), dont_care=(), ignore=(), null=False,
        component="a", origin="real",
    )  # fmt: skip


@pytest.fixture
def usual(case: Case) -> TreeScorer:
    samples = [sample(case, 0.5, place, i) for i, place in enumerate("ab")]
    return fit_again(samples, fit_first(samples), Growth(trees=4, seeds=1))


def test_each_part_serves_its_pixels_and_survives_the_file(
    case: Case, usual: TreeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "GROWTH", Growth(trees=4, seeds=1))
    samples = [sample(case, gsd, place, i) for i, place in enumerate("abc") for gsd in (0.3, 10.0)]
    whole = pixels.fit_parts(samples)(None).put_into(usual)
    text = document("made", whole, [sample(case, 0.5, "a", 9)], budgets={}, licence="none")
    loaded = scorer_of(json.loads(text), "made")
    assert isinstance(loaded, TreeScorer)
    rows = sample(case, 0.3, "d", 7).features
    fine, same = loaded.at(0.3), loaded.at(0.5)
    assert isinstance(fine, TreeScorer)
    assert isinstance(same, TreeScorer)
    small = rows[:, 1] < np.log(9)
    assert not np.allclose(fine.score_again(rows[small]), same.score_again(rows[small]))
    large = rows[:, 1] > np.log(16)
    np.testing.assert_array_equal(fine.score_again(rows[large]), same.score_again(rows[large]))
    assert loaded.at(10.0) is loaded.ships
    assert loaded.at(5.0) is not loaded.ships
    assert loaded.false_alarms_per_km2(0.5, 5.0, 0.3) is None


def test_a_place_left_out_teaches_its_parts_nothing(
    case: Case, usual: TreeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pixels, "GROWTH", Growth(trees=4, seeds=1))
    samples = [sample(case, gsd, place, i) for i, place in enumerate("abc") for gsd in (0.3, 10.0)]
    without = pixels.fit_parts(samples)("a")
    other = pixels.fit_parts([s for s in samples if s.place != "a"])(None)
    assert without.ships is not None
    assert other.ships is not None
    np.testing.assert_array_equal(without.ships.small.weight, other.ships.small.weight)
    assert without.fine is not None
    assert other.fine is not None
    assert without.fine.small.forest.as_dict() == other.fine.small.forest.as_dict()


def test_without_such_samples_there_are_no_parts(case: Case, usual: TreeScorer) -> None:
    parts = pixels.fit_parts([sample(case, 0.5, "a", 1)])(None)
    assert (parts.fine, parts.ships) == (None, None)
    assert parts.put_into(usual) is usual


def test_enlarged_images_keep_their_ground_and_values() -> None:
    before: ArrayReader = reader(texture((60, 90)))
    larger = coarse.enlarged(before)
    assert larger.grid.shape == (100, 150)
    assert larger.grid.boundingbox.bbox == pytest.approx(before.grid.boundingbox.bbox)
    seen = larger.read(Window(row0=0, col0=0, row1=100, col1=150))
    assert seen.data.mean() == pytest.approx(before.raster.data.mean(), rel=0.01)
    assert seen.valid.all()


def test_implants_teach_small_objects_only(case: Case) -> None:
    real = [
        replace(s, case=replace(s.case, origin="real"))
        for s in (sample(case, 0.5, place, i) for i, place in enumerate("ab"))
    ]
    implants = [sample(case, 0.5, "c", 5)]
    alone, both = fit_first(real), fit_first([*real, *implants])
    np.testing.assert_array_equal(both.large.weight, alone.large.weight)
    assert not np.array_equal(both.small.weight, alone.small.weight)
    growth = Growth(trees=4, seeds=1)
    looks, looks_alone = fit_again([*real, *implants], both, growth), fit_again(real, alone, growth)
    assert looks.large.forest.as_dict() == looks_alone.large.forest.as_dict()
    assert looks.small.forest.as_dict() != looks_alone.small.forest.as_dict()
