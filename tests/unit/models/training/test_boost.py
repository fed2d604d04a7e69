"""Growing trees: they find a planted rule, the same way every time."""

import numpy as np
import pytest

from models.training.boost import Growth, grow

SMALL = Growth(trees=30, depth=3, rate=0.3, seeds=1)


def planted(rng: np.random.Generator, rows: int = 2000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    x = rng.normal(size=(rows, 6))
    return x, ((x[:, 1] > 0) != (x[:, 4] > 0.5)).astype(np.float64), np.ones(rows)


def test_finds_a_rule_that_no_line_can(rng: np.random.Generator) -> None:
    x, y, weight = planted(rng)
    fresh, truth, _ = planted(rng)
    forest = grow(x, y, weight, SMALL)
    assert ((forest.log_odds(fresh) > 0) == (truth > 0)).mean() > 0.95


def test_the_same_input_gives_the_same_numbers(rng: np.random.Generator) -> None:
    x, y, weight = planted(rng, 500)
    assert grow(x, y, weight, SMALL).as_dict() == grow(x.copy(), y, weight, SMALL).as_dict()


def test_weight_moves_the_balance(rng: np.random.Generator) -> None:
    x = rng.normal(size=(600, 2))
    y = (rng.random(600) < 0.5).astype(np.float64)
    heavy = grow(x, y, np.where(y > 0, 9.0, 1.0), SMALL)
    assert heavy.log_odds(x).mean() > 1.5


def test_one_kind_of_row_is_refused() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        grow(np.zeros((4, 2)), np.ones(4), np.ones(4), SMALL)


def test_columns_that_say_nothing_grow_no_tree() -> None:
    y = np.array([0.0, 1.0] * 50)
    assert grow(np.zeros((100, 3)), y, np.ones(100), SMALL).trees == ()
