"""A score from a rate of false alarms: what it rests on, and that the null holds no change."""

import numpy as np
import pytest

from models.budget import LOWEST, Budget, budget_for
from models.compare import compare, prepare
from tests.unit.models.planted import block, noisy, reader, texture

SCORES = [0.06, 0.1, 0.2, 0.3, 0.5]


def free(_score: float) -> float:
    """Claims cost nothing on labelled places."""
    return 0.0


@pytest.mark.parametrize(
    ("asked", "lowest", "claims"), [(100, LOWEST, 5), (2, 0.21, 2), (1, 0.31, 1), (0.5, 0.51, 0)]
)
def test_the_null_sets_the_score(asked: float, lowest: float, claims: int) -> None:
    found = budget_for(asked, SCORES, 1.0, free)
    assert found.min_score == pytest.approx(lowest)
    assert found.null_claims == claims


def test_what_labelled_places_cost_counts_where_it_is_more() -> None:
    found = budget_for(1.0, [], 2.0, lambda score: 10 * (1 - score))
    assert found.min_score == pytest.approx(0.9)
    assert found.labelled_per_km2 == pytest.approx(1.0)
    assert Budget.from_dict(found.as_dict()) == found


def test_where_no_label_says_what_claims_cost_the_null_alone_lists_nothing_doubtful() -> None:
    assert budget_for(1000.0, [], 0.0, lambda _: None).min_score == pytest.approx(0.5)
    assert budget_for(1000.0, [], 2.0, lambda _: None).min_score == pytest.approx(0.5)
    assert budget_for(0.1, [0.7], 2.0, lambda _: None).min_score == pytest.approx(0.71)


def test_less_is_never_listed_for_a_smaller_rate(rng: np.random.Generator) -> None:
    scores = rng.random(200).tolist()
    lowest = [budget_for(asked, scores, 3.0, free).min_score for asked in (60, 20, 5, 1, 0.1)]
    assert lowest == sorted(lowest)


def test_a_pair_with_a_budget_lists_by_it_and_says_so() -> None:
    ground, after = texture((420, 460)), texture((420, 460))
    block(after, 200, 220, 40, 12, 235)
    before, after = reader(noisy(ground, 1)), reader(noisy(after, 2))
    model = prepare(before, after, sensor="optical", false_alarms_per_km2=1000.0)
    assert model.budget is not None
    assert model.budget.null_km2 == pytest.approx(0.0483, rel=0.05)
    assert type(model).from_dict(model.as_dict()).budget == model.budget
    again = prepare(before, after, sensor="optical", false_alarms_per_km2=1000.0)
    assert again.budget == model.budget, "the same pair gives the same score"
    found = compare(
        before, after, sensor="optical", pair="p", grid_name="g", min_score=1.0, false_alarms_per_km2=1000.0
    )  # fmt: skip
    ends = [end.score for c in found.conclusion.changes for end in (c.before, c.after) if end is not None]
    assert ends
    assert min(ends) >= model.budget.min_score
