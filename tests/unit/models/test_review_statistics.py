"""Figures of reviews against published examples, brute force and simulated truth."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from models.evaluation.tally import Interval
from models.review_statistics import at_budget, clopper_pearson, kappa, kappa_interval, missed_in, share_found


def test_kappa_of_a_textbook_example() -> None:
    """Two readers, 50 proposals: 20 both yes, 5 and 10 apart, 15 both no."""
    pairs = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert kappa(pairs) == pytest.approx(0.4)


def test_kappa_from_the_table_of_both(rng: np.random.Generator) -> None:
    """By the disagreements that were seen over those that chance would give."""
    for _ in range(20):
        codes = rng.integers(0, 3, (40, 2))
        table = np.zeros((3, 3))
        np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
        by_chance = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
        apart = 1 - np.eye(3)
        expected = 1 - (apart * table).sum() / (apart * by_chance).sum()
        assert kappa([(str(a), str(b)) for a, b in codes]) == pytest.approx(expected)


def test_kappa_that_nothing_can_be_said_of() -> None:
    assert math.isnan(kappa([]))
    assert math.isnan(kappa([("a", "a")] * 5))
    assert all(math.isnan(end) for end in kappa_interval([("a", "a")] * 5))
    assert all(math.isnan(end) for end in kappa_interval([("a", "b"), ("a", "a")]))


def test_the_interval_of_kappa_holds_the_truth_as_often_as_it_says(rng: np.random.Generator) -> None:
    """Raters who each follow a hidden truth with probability 0.8 and guess otherwise: kappa is 0.64."""
    held = 0
    for _ in range(120):
        truth = rng.integers(0, 2, 150)
        raters = [np.where(rng.random(150) < 0.8, truth, rng.integers(0, 2, 150)) for _ in range(2)]
        low, high = kappa_interval(list(zip(*(r.astype(str) for r in raters), strict=True)), resamplings=200)
        held += low <= 0.64 <= high
    assert 0.82 <= held / 120 <= 0.97


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (3, 10), (10, 10), (1, 200), (57, 60)])
def test_exact_interval_as_others_compute_it(hits: int, trials: int) -> None:
    expected = binomtest(hits, trials).proportion_ci(0.9, method="exact")
    assert clopper_pearson(hits, trials) == pytest.approx((expected.low, expected.high))


def test_nothing_missed_in_a_sample_does_not_mean_nothing_missed() -> None:
    found = missed_in(1000, [0] * 50)
    assert found.estimate == 0
    assert found.interval.low == 0
    assert found.interval.high == pytest.approx(950 * (1 - 0.05 ** (1 / 50)))


def test_where_every_tile_was_audited_nothing_is_estimated() -> None:
    found = missed_in(4, [0, 2, 0, 1])
    assert (found.estimate, found.interval, found.tiles_with, found.found) == (3, Interval(3, 3), 2, 3)


def test_without_an_audit_nothing_is_known() -> None:
    for found in (missed_in(100, []), missed_in(3, [0] * 5)):
        assert math.isnan(found.estimate)
        assert math.isnan(found.interval.high)


def test_the_interval_of_what_was_missed_holds_the_truth(rng: np.random.Generator) -> None:
    held = 0
    for _ in range(300):
        truth = (rng.random(400) < 0.05).astype(int)
        sample = rng.choice(truth, size=60, replace=False)
        found = missed_in(400, sample.tolist())
        held += found.interval.low <= truth.sum() <= found.interval.high
    assert held / 300 >= 0.9


def test_share_found_takes_the_worst_and_the_best_case() -> None:
    assert share_found(Interval(40, 50), Interval(0, 10)) == Interval(0.8, 1.0)
    assert math.isnan(share_found(Interval(0, 0), Interval(0, 0)).low)


def test_a_budget_lets_through_what_scores_above_its_threshold() -> None:
    confirmed, rejected = [0.9, 0.8, 0.7, 0.55], [0.85, 0.6, 0.5]
    row = at_budget(confirmed, rejected, km2=2.0, budget_per_km2=0.5)
    assert (row.threshold, row.seen, row.confirmed, row.false_alarms) == (0.7, 3, 4, 1)
    assert at_budget(confirmed, rejected, km2=2.0, budget_per_km2=10).seen == 4
    strict = at_budget(confirmed, rejected, km2=2.0, budget_per_km2=0.0)
    assert (strict.threshold, strict.seen) == (0.9, 1)
    none = at_budget([0.5], [0.9], km2=1.0, budget_per_km2=0.0)
    assert (none.threshold, none.seen, none.confirmed) == (None, 0, 1)


def test_equal_scores_pass_together_or_not_at_all() -> None:
    row = at_budget([0.7, 0.7], [0.7, 0.7, 0.7], km2=1.0, budget_per_km2=2.0)
    assert (row.threshold, row.seen, row.false_alarms) == (None, 0, 0)


def test_budgets_against_trying_every_threshold(rng: np.random.Generator) -> None:
    for _ in range(50):
        confirmed, rejected = (np.round(rng.random(int(rng.integers(0, 12))), 1).tolist() for _ in range(2))
        km2, budget = float(rng.uniform(0.5, 3)), float(rng.uniform(0, 4))
        row = at_budget(confirmed, rejected, km2=km2, budget_per_km2=budget)
        kept = [
            sum(c >= t for c in confirmed)
            for t in {*confirmed, *rejected}
            if sum(r >= t for r in rejected) <= budget * km2
        ]
        assert row.seen == max(kept, default=0)
