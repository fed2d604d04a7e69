"""Keeping one of several overlapping detections: the best scored."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import STRtree

from imagery.raster import Window
from models.detect import Detection

Values = NDArray[np.float64]
Integers = NDArray[np.int64]

WHOLE_M, WHOLE_SCORE, WHOLE_BONUS = 12.0, 0.3, 0.25
"""A region of this length and score goes before its better scored parts: parts of aircraft look like vehicles."""

MAX_IOU = 0.15
MAX_COVERED = 0.4


def rank(scores: Values, lengths_m: Values) -> Values:
    """What decides which of two overlapping regions stays, float64 (region,)."""
    out: Values = scores + np.where((lengths_m >= WHOLE_M) & (scores >= WHOLE_SCORE), WHOLE_BONUS, 0.0)
    return out


def without_overlaps(detections: Sequence[Detection]) -> list[Detection]:
    """Greedy non-maximum suppression on bounding boxes.

    A detection goes when one of higher `rank` that stays shares more than `MAX_IOU` of their union with it, or more
    than `MAX_COVERED` of either box. Order of the input does not matter.
    """
    boxes = np.array([d.bbox_px for d in detections], np.int64).reshape(-1, 4)
    ranks = rank(np.array([d.score for d in detections]), np.array([d.length_m for d in detections]))
    order = np.lexsort((*boxes.T[::-1], -ranks))
    place = np.argsort(order, kind="stable")
    one, other = _rivals(boxes)
    one, other = place[one], place[other]
    later = other > one
    one, other = one[later], other[later]
    in_turn = np.argsort(one, kind="stable")
    one, other = one[in_turn], other[in_turn]
    ends = np.searchsorted(one, np.arange(len(order) + 1))
    gone = np.zeros(len(order), np.bool_)
    for turn in range(len(order)):
        if not gone[turn]:
            gone[other[ends[turn] : ends[turn + 1]]] = True
    return [detections[i] for i in order[~gone]]


def certainly_lost(
    boxes: Integers, ranks: Values, owner: Integers, cores: Sequence[Window]
) -> NDArray[np.bool_]:
    """Which regions `without_overlaps` would drop whatever else it is given.

    A region is lost to a better one of the same tile that nothing better overlaps. That is only sure where everything
    that could overlap the better one is known, which a tile's halo gives for boxes inside its core.

    Parameters
    ----------
    boxes : int64 (region, 4)
        col0, row0, col1, row1 on the pair's grid.
    ranks : float64 (region,)
    owner : int64 (region,)
        Position of its tile in `cores`; negative for none.
    cores : sequence of Window
    """
    one, other = _rivals(boxes)
    place = np.empty(len(boxes), np.int64)
    # Equal rank and box have equal place, and so do not beat each other but make each other unsure.
    keys = np.column_stack([-ranks, boxes])
    place[:] = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    sure = owner >= 0
    sure[one[place[other] <= place[one]]] = False
    edges = np.array([(core.col0, core.row0, core.col1, core.row1) for core in cores])[owner]
    sure &= (boxes[:, :2] >= edges[:, :2]).all(axis=1) & (boxes[:, 2:] <= edges[:, 2:]).all(axis=1)
    out = np.zeros(len(boxes), np.bool_)
    out[one[sure[other] & (owner[one] == owner[other]) & (place[other] < place[one])]] = True
    return out


def _rivals(boxes: Integers) -> tuple[Integers, Integers]:
    """Pairs of regions that cannot both stay, each in both orders."""
    shapes: Any = shapely.box(*boxes.T)
    one, other = STRtree(shapes).query(shapes)
    differ = one != other
    one, other = one[differ], other[differ]
    shared, area_one, area_other = shared_px(boxes, one, other)
    rivals = (shared > MAX_IOU * (area_one + area_other - shared)) | (
        shared > MAX_COVERED * np.minimum(area_one, area_other)
    )
    return one[rivals], other[rivals]


def shared_px(boxes: Integers, one: Integers, other: Integers) -> tuple[Integers, Integers, Integers]:
    """Pixels that the boxes of each pair share, and the pixels of either."""
    a, b = boxes[one], boxes[other]
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    area_a, area_b = (np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (a, b))
    return np.prod(np.clip(sides, 0, None), axis=1), area_a, area_b
