"""Fitting of boosted symmetric trees on binned features; the same input gives the same trees, bit for bit.

Gradients are rounded to multiples of a power of two, so that their sums are exact whatever the order of adding.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.trees import Forest, Tree

Values = NDArray[np.float64]

BINS = 32
_UNIT = 2.0**-20


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How trees are grown.

    Parameters
    ----------
    trees, depth : int
    rate : float
        Share of its best value that a tree adds.
    ridge : float
        Pull of leaf values to 0, in units of weight.
    rows, columns : float
        Share of rows and features that a tree sees.
    leaf_weight : float
        Least curvature (about a quarter of the weight) on either side of a question.
    seeds : int
        Forests that are averaged.
    """

    trees: int = 120
    depth: int = 6
    rate: float = 0.1
    ridge: float = 3.0
    rows: float = 0.5
    columns: float = 0.4
    leaf_weight: float = 0.5
    seeds: int = 2


def grow(features: Values, target: Values, weight: Values, growth: Growth) -> Forest:
    """Trees that tell target 1 from 0 by logistic loss.

    Parameters
    ----------
    features : float64 (row, feature)
    target : float64 (row,)
        0 or 1.
    weight : float64 (row,)
    growth : Growth

    Raises
    ------
    ValueError
        When there is only one kind of target.
    """
    share = float((weight * target).sum() / weight.sum()) if weight.sum() > 0 else 0.0
    if not 0 < share < 1:
        raise ValueError("trees need rows of both kinds")
    edges = [_edges(column) for column in features.T]
    binned = np.column_stack(
        [np.searchsorted(e, column, side="left") for e, column in zip(edges, features.T, strict=True)]
    )
    start = round(float(np.log(share / (1 - share))), 4)
    forests = [_forest(binned, edges, target, weight, start, growth, seed) for seed in range(growth.seeds)]
    return Forest(
        start=start,
        trees=tuple(
            Tree(
                features=tree.features,
                thresholds=tree.thresholds,
                values=_rounded(tree.values / growth.seeds),
            )
            for trees in forests
            for tree in trees
        ),
    )


def _edges(column: Values) -> Values:
    """Thresholds that part a column into bins of like size, short enough to be written as they are."""
    cuts = np.quantile(column, np.linspace(0, 1, BINS + 1)[1:-1], method="nearest")
    return np.unique([float(f"{cut:.4g}") for cut in cuts])


def _rounded(values: Values) -> Values:
    # Adding 0 turns -0.0 into 0.0.
    return np.round(values, 4) + 0.0


def _forest(
    binned: NDArray[np.int64], edges: list[Values], target: Values, weight: Values, start: float, growth: Growth,
    seed: int,
) -> list[Tree]:  # fmt: skip
    rng = np.random.default_rng(seed)
    rows, columns = binned.shape
    last = np.array([len(e) for e in edges])
    total = np.full(rows, start)
    trees: list[Tree] = []
    for _ in range(growth.trees):
        p = 1.0 / (1.0 + np.exp(-total))
        pull = _exact(weight * (p - target))
        curve = _exact(weight * np.maximum(p * (1 - p), 1e-4))
        some = np.flatnonzero(rng.random(rows) < growth.rows)
        few = np.sort(rng.permutation(columns)[: max(1, round(columns * growth.columns))])
        asked, leaf = _questions(binned[np.ix_(some, few)], pull[some], curve[some], last[few], growth)
        if not asked:
            continue
        count = 1 << len(asked)
        g, h = (np.bincount(leaf, v[some], count) for v in (pull, curve))
        best = -growth.rate * g / (h + growth.ridge)
        values: Values = np.asarray(np.round(best, 5), dtype=np.float64)
        everywhere = np.zeros(rows, np.int64)
        for column, cut in asked:
            everywhere = 2 * everywhere + (binned[:, few[column]] > cut)
        total += values[everywhere]
        chosen = np.array([few[column] for column, _ in asked], np.int64)
        thresholds = np.array([edges[few[column]][cut] for column, cut in asked], np.float64)
        trees.append(Tree(features=chosen, thresholds=thresholds, values=values))
    return trees


def _exact(values: Values) -> Values:
    return np.round(values / _UNIT) * _UNIT


def _questions(
    binned: NDArray[np.int64], pull: Values, curve: Values, last: NDArray[np.int64], growth: Growth
) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """The (column, bin) that each level asks, greedily, and the leaf that every row ends in."""
    rows, columns = binned.shape
    leaf = np.zeros(rows, np.int64)
    base = binned + np.arange(columns) * BINS
    pulls, curves = np.repeat(pull, columns), np.repeat(curve, columns)
    usable = np.arange(BINS)[None] < last[:, None]
    asked: list[tuple[int, int]] = []
    for level in range(growth.depth):
        count = 1 << level
        size = count * columns * BINS
        key = (base + (leaf * columns * BINS)[:, None]).ravel()
        g, h = (
            np.bincount(key, v, size).reshape(count, columns, BINS).cumsum(axis=2) for v in (pulls, curves)
        )
        g_all, h_all = g[:, :, -1:], h[:, :, -1:]
        gain = (
            g**2 / (h + growth.ridge)
            + (g_all - g) ** 2 / (h_all - h + growth.ridge)
            - g_all**2 / (h_all + growth.ridge)
        )
        gain[(h < growth.leaf_weight) | (h_all - h < growth.leaf_weight)] = 0
        # Rounded, so that a tie is one on every machine and the first wins.
        by_question = np.where(usable, np.round(gain.sum(axis=0), 9), -1.0)
        column, cut = divmod(int(by_question.argmax()), BINS)
        if by_question[column, cut] <= 0:
            break
        asked.append((column, cut))
        leaf = 2 * leaf + (binned[:, column] > cut)
    return asked, leaf
