"""Keeping one of several overlapping detections: the best scored."""

from collections.abc import Sequence

import numpy as np

from models.detect import Detection

WHOLE_M, WHOLE_SCORE, WHOLE_BONUS = 12.0, 0.3, 0.25
"""A region of this length and score goes before its better scored parts: parts of aircraft look like vehicles."""

MAX_IOU = 0.15
MAX_COVERED = 0.4
_CELL_PX = 128


def rank(score: float, length_m: float) -> float:
    """What decides which of two overlapping regions stays."""
    return score + (WHOLE_BONUS if length_m >= WHOLE_M and score >= WHOLE_SCORE else 0.0)


def without_overlaps(detections: Sequence[Detection]) -> list[Detection]:
    """Greedy non-maximum suppression on bounding boxes.

    A detection goes when one of higher `rank` that stays shares more than `MAX_IOU` of their union with it, or more
    than `MAX_COVERED` of either box. Order of the input does not matter.
    """
    order = sorted(detections, key=lambda d: (-rank(d.score, d.length_m), d.bbox_px))
    kept: list[Detection] = []
    cells: dict[tuple[int, int], list[int]] = {}
    for detection in order:
        touched = _cells(detection.bbox_px)
        rivals = {i for cell in touched for i in cells.get(cell, ())}
        if any(_overlap(detection.bbox_px, kept[i].bbox_px) for i in rivals):
            continue
        for cell in touched:
            cells.setdefault(cell, []).append(len(kept))
        kept.append(detection)
    return kept


def _cells(box: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    rows = range(box[1] // _CELL_PX, (box[3] - 1) // _CELL_PX + 1)
    cols = range(box[0] // _CELL_PX, (box[2] - 1) // _CELL_PX + 1)
    return [(row, col) for row in rows for col in cols]


def _overlap(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return False
    shared = width * height
    areas = np.array([(a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])])
    return bool(shared / (areas.sum() - shared) > MAX_IOU or (shared / areas > MAX_COVERED).any())
