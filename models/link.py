"""Moved: a hypothesis that links a vacated and an occupied place.

Objects of one class look alike, so the cheapest assignment is mostly wrong. A link is claimed only where breaking
it would cost clearly more; anything less is *ambiguous* and names its possible partners.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from models.detect import Detection

UNLINKED_COST = 3.0
"""Cost of leaving one end alone; a pair dearer than two of these is no pair."""

CLEAR_MARGIN = 3.0
"""How much dearer the best assignment without a link must be for it to be claimed."""

SIZE_SIGMA, TONE_SIGMA, REACH_M = 0.12, 0.15, 1500.0
MAX_ENDS = 400


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """One vacated and one occupied place that may belong together.

    Parameters
    ----------
    vanished, appeared : int
        Positions in the lists given to `pair_up`.
    margin : float
        Extra cost of the best assignment without this pair.
    clear : bool
    """

    vanished: int
    appeared: int
    margin: float
    clear: bool


def cost(one: Detection, other: Detection, gsd_m: float) -> float:
    """How unlike two detections are, in sigmas summed: size, tone, and a little for distance."""
    size = abs(np.log(one.length_m / other.length_m)) + abs(np.log(one.width_m / other.width_m))
    area = abs(np.log(one.area_m2 / other.area_m2)) / 2
    tones = [key for key in one.features if key.startswith("tone_") and key in other.features]
    tone = sum(abs(np.log((one.features[k] + 20) / (other.features[k] + 20))) for k in tones) / max(
        1, len(tones)
    )
    far_m = gsd_m * float(np.hypot(*np.subtract(one.centroid_px, other.centroid_px)))
    return float((size + area) / SIZE_SIGMA / 2 + tone / TONE_SIGMA + far_m / REACH_M)


def pair_up(
    vanished: Sequence[Detection], appeared: Sequence[Detection], gsd_m: float
) -> tuple[list[Pairing], dict[int, list[int]]]:
    """Best assignment of vacated to occupied places and how sure each pair is.

    Returns
    -------
    pairings : list of Pairing
    plausible : dict
        For every vanished index the appeared indices that it could be.
    """
    if not vanished or not appeared or len(vanished) * len(appeared) > MAX_ENDS**2:
        return [], {}
    costs = np.array([[cost(v, a, gsd_m) for a in appeared] for v in vanished])
    limit = 2 * UNLINKED_COST
    plausible = {i: [int(j) for j in np.flatnonzero(row < limit)] for i, row in enumerate(costs)}
    best, pairs = _assign(costs)
    pairings = []
    for i, j in pairs:
        without = costs.copy()
        without[i, j] = np.inf
        margin = _assign(without)[0] - best
        pairings.append(
            Pairing(vanished=i, appeared=j, margin=float(margin), clear=bool(margin >= CLEAR_MARGIN))
        )
    return pairings, plausible


def _assign(costs: NDArray[np.float64]) -> tuple[float, list[tuple[int, int]]]:
    """Cheapest assignment in which every end may also stay alone; its cost and pairs."""
    n, m = costs.shape
    table = np.full((n + m, m + n), 0.0)
    table[:n, :m] = np.where(np.isfinite(costs), costs, 1e6)
    table[:n, m:] = np.where(np.eye(n, dtype=bool), UNLINKED_COST, 1e6)
    table[n:, :m] = np.where(np.eye(m, dtype=bool), UNLINKED_COST, 1e6)
    rows, cols = linear_sum_assignment(table)
    pairs = [(int(i), int(j)) for i, j in zip(rows, cols, strict=True) if i < n and j < m]
    return float(table[rows, cols].sum()), pairs
