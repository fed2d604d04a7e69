"""Which candidates of a labelled case show a labelled object."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.evaluation import Box, Case
from models.overlap import MAX_COVERED, MAX_IOU, rank

Values = NDArray[np.float64]

PIECE, OTHER_PIECE, CONTROL = 0.3, 0.05, 0.5
"""Weight of a piece of a labelled object, of one that is too small or large for its class, and of controls."""

FINE_BELOW_M, SHIPS_FROM_M = 0.4, 7.0
"""Pixel sizes below and from which an optical scorer has parts of its own."""

RESCALED = " x"
"""In the name of a case that is seen through other pixels than it was labelled in, before how much wider they are."""

_OVERLAP = {"vehicle": 0.25}
_USUAL_OVERLAP = 0.3
_SIZES_M = {"aircraft": (12.0, np.inf), "vehicle": (0.0, 25.0), "ship": (20.0, np.inf), "none": (0.0, np.inf)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """Candidates of one case, measured.

    Parameters
    ----------
    case : Case
    boxes : int64 (candidate, 4)
        col0, row0, col1, row1.
    features : float64 (candidate, feature)
        As in `models.score.ALL_NAMES`, or only the first look's where there is no second.
    kind : float64 (candidate,)
        Positive where the object stands there on the second date.
    target : int (candidate,)
        1 shows a labelled change, 0 does not, -1 is not known.
    weight : float64 (candidate,)
    """

    case: Case
    boxes: NDArray[np.int64]
    features: Values
    kind: Values
    target: NDArray[np.int_]
    weight: Values

    @property
    def pixels(self) -> Literal["fine", "usual", "ships"]:
        """Which part of an optical scorer a case of this pixel size is for."""
        gsd_m = self.case.gsd_m
        return "fine" if gsd_m < FINE_BELOW_M else "ships" if gsd_m >= SHIPS_FROM_M else "usual"

    @property
    def place(self) -> str:
        """Cases of one place are never split between fitting and judging."""
        return self.case.component or self.case.name


def sample_of(case: Case, boxes: NDArray[np.int64], features: Values, kind: Values) -> Sample:
    """Candidates with their targets: by overlap with the truth; what touches a don't-care box is not used.

    Labels say nothing about changes of other sizes than those of their class, so such candidates are not used either,
    except where they are pieces of a labelled object, and so no objects.
    """
    iou, touched = _overlaps(boxes, [truth.box for truth in case.truths])
    unclear = _overlaps(boxes, [*case.dont_care, *case.ignore])[1]
    hit = iou >= _OVERLAP.get(case.klass, _USUAL_OVERLAP)
    longest_m = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]) * case.gsd_m
    low, high = _SIZES_M[case.klass]
    other_size = (longest_m < low) | (longest_m > high)
    target = np.where(hit, 1, np.where(unclear, -1, 0))
    target[(target == 0) & other_size & ~touched] = -1
    if case.klass == "vehicle":
        target[longest_m > high] = -1
    piece = np.where(other_size, OTHER_PIECE, PIECE)
    weight = np.where(touched & ~hit, piece, CONTROL if case.null else 1.0)
    return Sample(case=case, boxes=boxes, features=features, kind=kind, target=target, weight=weight)


def _overlaps(boxes: NDArray[np.int64], others: list[Box]) -> tuple[Values, NDArray[np.bool_]]:
    """Largest intersection over union of every box with `others`, and whether it touches any."""
    best, touched = np.zeros(len(boxes)), np.zeros(len(boxes), np.bool_)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for other in others:
        width = np.minimum(boxes[:, 2], other.col1) - np.maximum(boxes[:, 0], other.col0)
        height = np.minimum(boxes[:, 3], other.row1) - np.maximum(boxes[:, 1], other.row0)
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        best = np.maximum(best, shared / (area + other.area_px - shared))
        touched |= shared > 0
    return best, touched


def suppressed(
    boxes: NDArray[np.int64], scores: Values, lengths_m: Values, *, lowest: float
) -> NDArray[np.int64]:
    """Positions of the candidates that `models.overlap` would keep, best first."""
    ranks = rank(scores, lengths_m)
    order = np.flatnonzero(scores >= lowest)
    order = order[np.lexsort((*boxes[order].T[::-1], -ranks[order]))]
    b = boxes[order].astype(np.float64)
    area = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    alive = np.ones(len(b), np.bool_)
    kept = []
    for turn in range(len(b)):
        if not alive[turn]:
            continue
        kept.append(order[turn])
        rest = turn + 1 + np.flatnonzero(alive[turn + 1 :])
        width = np.minimum(b[rest, 2], b[turn, 2]) - np.maximum(b[rest, 0], b[turn, 0])
        height = np.minimum(b[rest, 3], b[turn, 3]) - np.maximum(b[rest, 1], b[turn, 1])
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        joint, least = area[rest] + area[turn] - shared, np.minimum(area[rest], area[turn])
        alive[rest[(shared > MAX_IOU * joint) | (shared > MAX_COVERED * least)]] = False
    best = np.array(kept, np.int64)
    return best[np.argsort(-scores[best], kind="stable")]
