"""Moved: a hypothesis that links a vacated and an occupied place.

Objects of one class look alike, so the cheapest assignment is mostly wrong. A link is claimed only where breaking
it would cost clearly more; anything less is *ambiguous* and names its possible partners.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.detect import Detection

UNLINKED_COST = 3.0
"""Cost of leaving one end alone; a pair dearer than two of these is no pair."""

CLEAR_MARGIN = 3.0
"""How much dearer the best assignment without a link must be for it to be claimed."""

LEAST_CLAIMED_M = 12.0
"""Length from which a link may be claimed. Of smaller objects so many changes are missed that the true partner may well
be among them, and then whatever else is alike is the only candidate."""

SIZE_SIGMA, TONE_SIGMA, REACH_M = 0.12, 0.15, 1500.0
MIN_SCORE, MAX_ENDS = 0.5, 80


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


def costs_between(
    vanished: Sequence[Detection], appeared: Sequence[Detection], gsd_m: float
) -> NDArray[np.float64]:
    """How unlike every vanished and appeared detection are, in sigmas summed: size, tone, a little for distance."""
    (size_v, tone_v, place_v), (size_a, tone_a, place_a) = _traits(vanished), _traits(appeared)
    size = np.abs(size_v[:, None] - size_a[None]) @ np.array([1.0, 1.0, 0.5])
    tone = np.abs(tone_v[:, None] - tone_a[None]).mean(axis=2) if tone_v.shape[1] else np.zeros(size.shape)
    far_m = gsd_m * np.hypot(*(place_v[:, None] - place_a[None]).transpose(2, 0, 1))
    out: NDArray[np.float64] = size / SIZE_SIGMA / 2 + tone / TONE_SIGMA + far_m / REACH_M
    return out


def _traits(
    detections: Sequence[Detection],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Log sizes (n, 3), log tones (n, band) and centroids (n, 2)."""
    size = np.log([[d.length_m, d.width_m, d.area_m2] for d in detections])
    bands = sorted(key for key in detections[0].features if key.startswith("tone_"))
    tone = np.array([[d.features[band] for band in bands] for d in detections]).reshape(len(detections), -1)
    return size, np.log(np.maximum(tone, 0) + 20), np.array([d.centroid_px for d in detections])


def pair_up(
    vanished: Sequence[Detection], appeared: Sequence[Detection], gsd_m: float
) -> tuple[list[Pairing], dict[int, list[int]]]:
    """Best assignment of vacated to occupied places and how sure each pair is.

    Only the `MAX_ENDS` best scored of either kind take part: among more there is no clear margin to be had.

    Returns
    -------
    pairings : list of Pairing
    plausible : dict
        For every vanished index the appeared indices that it could be.
    """
    from_, to = _linkable(vanished), _linkable(appeared)
    if not from_ or not to:
        return [], {}
    costs = costs_between([vanished[i] for i in from_], [appeared[j] for j in to], gsd_m)
    plausible = {
        from_[i]: [to[int(j)] for j in np.flatnonzero(row < 2 * UNLINKED_COST)] for i, row in enumerate(costs)
    }
    best, pairs = _assign(costs)
    pairings = []
    for i, j in pairs:
        without = costs.copy()
        without[i, j] = np.inf
        margin = float(_assign(without)[0] - best)
        length_m = min(vanished[from_[i]].length_m, appeared[to[j]].length_m)
        clear = margin >= CLEAR_MARGIN and length_m >= LEAST_CLAIMED_M
        pairings.append(Pairing(vanished=from_[i], appeared=to[j], margin=margin, clear=clear))
    return pairings, plausible


def _linkable(detections: Sequence[Detection]) -> list[int]:
    # What touches the edge of what could be seen may be cut off: its size says nothing about a partner.
    good = [i for i, d in enumerate(detections) if d.score >= MIN_SCORE and "edge" not in d.causes]
    return sorted(sorted(good, key=lambda i: (-detections[i].score, detections[i].bbox_px))[:MAX_ENDS])


def _assign(costs: NDArray[np.float64]) -> tuple[float, list[tuple[int, int]]]:
    """Cheapest assignment in which every end may also stay alone; its cost and pairs."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - a third of a second for most commands

    n, m = costs.shape
    table = np.full((n + m, m + n), 0.0)
    table[:n, :m] = np.where(np.isfinite(costs), costs, 1e6)
    table[:n, m:] = np.where(np.eye(n, dtype=bool), UNLINKED_COST, 1e6)
    table[n:, :m] = np.where(np.eye(m, dtype=bool), UNLINKED_COST, 1e6)
    rows, cols = linear_sum_assignment(table)
    pairs = [(int(i), int(j)) for i, j in zip(rows, cols, strict=True) if i < n and j < m]
    return float(table[rows, cols].sum()), pairs
