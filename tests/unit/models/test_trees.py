"""Trees: evaluation against a plain reference, round trip, refusal of numbers that make none."""

import json

import numpy as np
import pytest

from models.trees import Forest, Tree


def forest(rng: np.random.Generator, trees: int = 7, depth: int = 4, columns: int = 5) -> Forest:
    return Forest(
        start=-0.5,
        trees=tuple(
            Tree(
                features=rng.integers(0, columns, depth), thresholds=rng.normal(size=depth),
                values=rng.normal(size=2**depth),
            )
            for _ in range(trees)
        ),
    )  # fmt: skip


def one_by_one(forest: Forest, row: np.ndarray) -> float:
    total = forest.start
    for tree in forest.trees:
        bits = "".join(
            "1" if row[feature] > threshold else "0"
            for feature, threshold in zip(tree.features, tree.thresholds, strict=True)
        )
        total += tree.values[int(bits, 2)]
    return float(total)


def test_arrays_agree_with_one_row_at_a_time(rng: np.random.Generator) -> None:
    planted, rows = forest(rng), rng.normal(size=(50, 5))
    assert planted.log_odds(rows) == pytest.approx([one_by_one(planted, row) for row in rows], abs=1e-12)
    assert planted.log_odds(rows[:0]).shape == (0,)


def test_survives_json(rng: np.random.Generator) -> None:
    planted, rows = forest(rng), rng.normal(size=(20, 5))
    again = Forest.from_dict(json.loads(json.dumps(planted.as_dict())))
    assert np.array_equal(again.log_odds(rows), planted.log_odds(rows))


def test_values_that_do_not_fit_the_depth_are_refused() -> None:
    with pytest.raises(ValueError, match="needs as many thresholds and 4 values, got 2 and 3"):
        Tree(features=np.array([0, 1]), thresholds=np.zeros(2), values=np.zeros(3))


def test_a_value_on_the_threshold_goes_to_the_lower_half() -> None:
    tree = Tree(features=np.array([0]), thresholds=np.array([1.0]), values=np.array([-1.0, 1.0]))
    assert Forest(start=0.0, trees=(tree,)).log_odds(np.array([[1.0], [1.1]])).tolist() == [-1.0, 1.0]
