"""From scored candidate regions to detections with outline, size, kind and words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagery.tile import Tile
from models.candidates import Regions
from models.detect import Detection
from models.evidence import ChangeEvidence
from models.features import NAMES, Measured
from models.overlap import WHOLE_M, WHOLE_SCORE, certainly_lost, rank, shared_px

HOPELESS = 0.05
"""Candidates below this score are dropped at once; nothing below it can be listed."""

SAME_IOU = 0.7
"""Boxes that share this much are one region cut twice."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Regions that are worth keeping.

    Parameters
    ----------
    boxes : int64 (candidate, 4)
        col0, row0, col1, row1 in the window.
    masks : tuple of uint8 (row, col)
        Which pixels of its box each region covers.
    measured : Measured
    scores : float64 (candidate,)
    """

    boxes: NDArray[np.int64]
    masks: tuple[NDArray[np.uint8], ...]
    measured: Measured
    scores: NDArray[np.float64]

    def only(self, chosen: NDArray[np.int64]) -> "Candidates":
        """Those at the given positions."""
        return Candidates(
            boxes=self.boxes[chosen], masks=tuple(self.masks[i] for i in chosen),
            measured=self.measured.only(chosen), scores=self.scores[chosen],
        )  # fmt: skip


def candidates_of(regions: Regions, measured: Measured, scores: NDArray[np.float64]) -> Candidates:
    """The regions of a cut that are not hopeless."""
    chosen = np.flatnonzero(scores >= HOPELESS)
    left = regions.only(chosen)
    return Candidates(
        boxes=left.boxes, masks=tuple(_masks(left)), measured=measured.only(chosen), scores=scores[chosen]
    )


def _masks(regions: Regions) -> Iterator[NDArray[np.uint8]]:
    at, owner = regions.runs.pixels()
    order = np.argsort(owner, kind="stable")
    at, owner = at[order], owner[order]
    row, col = np.divmod(at, regions.shape[1])
    row, col = row - regions.boxes[owner, 1], col - regions.boxes[owner, 0]
    ends = np.searchsorted(owner, np.arange(regions.count + 1))
    for (col0, row0, col1, row1), start, stop in zip(regions.boxes.tolist(), ends, ends[1:], strict=False):
        mask = np.zeros((row1 - row0, col1 - col0), np.uint8)
        mask[row[start:stop], col[start:stop]] = 1
        yield mask


def _joined(parts: Sequence[Candidates]) -> Candidates:
    """Candidates of several cuts as one."""
    measured = {
        name: np.concatenate([getattr(part.measured, name) for part in parts])
        for name in parts[0].measured.__dict__
    }
    return Candidates(
        boxes=np.vstack([part.boxes for part in parts]), masks=tuple(mask for part in parts for mask in part.masks),
        measured=Measured(**measured), scores=np.concatenate([part.scores for part in parts]),
    )  # fmt: skip


def detections_of(
    parts: Sequence[Candidates], evidence: ChangeEvidence,
    *, cut: Sequence[Tile], gsd_m: float, residual_px: float,
) -> tuple[Detection, ...]:  # fmt: skip
    """Detections that one of the tiles owns, without those that another cut or a better detection surely replaces.

    Parameters
    ----------
    parts : sequence of Candidates
        Of every cut, in the window of `evidence`.
    evidence : ChangeEvidence
    cut : sequence of Tile
    gsd_m, residual_px : float
    """
    every = _joined(parts)
    every = every.only(np.flatnonzero(~dominated(every.boxes, every.scores)))
    corner = np.array([evidence.window.col0, evidence.window.row0])
    centroids, boxes = every.measured.centroid + corner, every.boxes + np.tile(corner, 2)
    owner = owners(centroids, cut)
    scores = np.round(every.scores, 6)
    lost = certainly_lost(
        boxes, rank(scores, _lengths_m(every, scores, gsd_m)), owner, [tile.core for tile in cut]
    )
    return tuple(
        _detection(
            every, i, evidence, tile=cut[owner[i]].id, centroid=centroids[i], corner=corner, score=float(scores[i]),
            gsd_m=gsd_m, residual_px=residual_px,
        )
        for i in np.flatnonzero((owner >= 0) & ~lost).tolist()
    )  # fmt: skip


def owners(centroids: NDArray[np.float64], cut: Sequence[Tile]) -> NDArray[np.int64]:
    """Position in `cut` of the tile that owns each centroid (col, row); -1 where none does."""
    out = np.full(len(centroids), -1, np.int64)
    col, row = centroids.T
    for number, tile in enumerate(cut):
        out[tile.own(row, col)] = number
    return out


def _lengths_m(every: Candidates, scores: NDArray[np.float64], gsd_m: float) -> NDArray[np.float64]:
    """Length where it can matter for `models.overlap.rank`, 0 elsewhere: outlines cost."""
    out = np.zeros(len(scores))
    sides = every.boxes[:, 2:] - every.boxes[:, :2]
    for i in np.flatnonzero((scores >= WHOLE_SCORE) & (np.hypot(*sides.T) * gsd_m >= WHOLE_M - 0.01)):
        out[i] = round(rectangle_of(outline_of(every.masks[i]))[0] * gsd_m, 2)
    return out


def _detection(
    every: Candidates, i: int, evidence: ChangeEvidence, *, tile: str, centroid: NDArray[np.float64],
    corner: NDArray[np.int64], score: float, gsd_m: float, residual_px: float,
) -> Detection:  # fmt: skip
    measured = every.measured
    col0, row0, col1, row1 = every.boxes[i].tolist()
    outline = outline_of(every.masks[i])
    outline += every.boxes[i, :2] + corner
    length_px, width_px, orientation = rectangle_of(outline)
    values = dict(zip(NAMES, measured.features[i].tolist(), strict=True))
    values |= {f"tone_{band}": tone for band, tone in enumerate(measured.tones[i].tolist())}
    near_invalid = not evidence.valid[max(0, row0 - 6) : row1 + 6, max(0, col0 - 6) : col1 + 6].all()
    kind = float(measured.kind[i])
    return Detection(
        outline_px=tuple((x, y) for x, y in outline.tolist()),
        bbox_px=(col0 + int(corner[0]), row0 + int(corner[1]), col1 + int(corner[0]), row1 + int(corner[1])),
        centroid_px=(float(centroid[0]), float(centroid[1])),
        length_m=round(length_px * gsd_m, 2), width_m=round(width_px * gsd_m, 2),
        area_m2=round(int(measured.area_px[i]) * gsd_m**2, 2), orientation_deg=round(orientation, 1),
        polarity="brighter" if measured.brightness[i] > 0 else "darker",
        kind="appeared" if kind > 0 else "vanished", kind_margin=round(min(1.0, abs(kind) / 2), 3),
        score=score, tile=tile, causes=_causes(values, width_px, residual_px, near_invalid),
        reasons=_reasons(values), features=_four_digits(values),
    )  # fmt: skip


def _four_digits(values: dict[str, float]) -> dict[str, float]:
    # One format call for all: this is done for every detection.
    text = ("%.4g " * len(values)) % tuple(values.values())
    return dict(zip(values, map(float, text.split()), strict=True))


def dominated(boxes: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which candidates are a worse cut of a region that a better scored candidate also covers.

    A look at neighbours only, so that the answer for a candidate is the same in every window that holds it whole.

    Parameters
    ----------
    boxes : int64 (candidate, 4)
        col0, row0, col1, row1.
    scores : float64 (candidate,)
    """
    out = np.zeros(len(boxes), np.bool_)
    if not len(boxes):
        return out
    order = np.lexsort((*boxes.T[::-1], -scores))
    b = boxes[order]
    centres = (b[:, :2] + b[:, 2:]) / 2.0
    reach = (1 - SAME_IOU) * (b[:, 2:] - b[:, :2]).max(axis=1) + 1
    near = cKDTree(centres).query_ball_point(centres, reach * 1.5)
    one = np.repeat(np.arange(len(b)), [len(others) for others in near])
    other = np.fromiter(chain.from_iterable(near), np.int64, len(one))
    one, other = one[other < one], other[other < one]
    shared, area_one, area_other = shared_px(b, one, other)
    out[order[one[shared > SAME_IOU * (area_one + area_other - shared)]]] = True
    return out


def outline_of(mask: NDArray[Any]) -> NDArray[np.float64]:
    """Closed outer ring (point, 2) of a region as (col, row) along pixel edges, collinear points left out.

    Traced on a doubled image, so that the ring runs around the pixels and not through their centres.
    """
    rows, cols = mask.shape
    doubled = cv2.resize(mask.astype(np.uint8), (2 * cols, 2 * rows), interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contour = contours[0] if len(contours) == 1 else max(contours, key=cv2.contourArea)
    # Even positions lie on a pixel's first half, odd ones on its second: push each to the edge it is next to.
    edges = (contour + 1) // 2
    simple = cv2.approxPolyDP(edges, 0.5, True)
    ring = (simple if len(simple) >= 3 else edges)[:, 0].astype(np.float64)
    if len(ring) < 3:
        ring = np.array([[0, 0], [cols, 0], [cols, rows], [0, rows]], np.float64)
    return np.concatenate([ring, ring[:1]])


def rectangle_of(outline: NDArray[np.float64]) -> tuple[float, float, float]:
    """Length, width (px) and direction of the long side of the smallest rotated rectangle, clockwise from up."""
    _, (one, two), turn = cv2.minAreaRect(outline.astype(np.float32))
    # The turn is that of the first side, clockwise from the right.
    return max(one, two), max(min(one, two), 1e-3), (turn + (90.0 if one >= two else 0.0)) % 180.0


def _causes(
    values: dict[str, float], width_px: float, residual_px: float, near_invalid: bool
) -> tuple[str, ...]:
    """What else could look like this."""
    causes = []
    if values["bright_when_present"] < 0 and values["ratio_mean"] < -0.25 and values["ratio_spread"] < 0.12:
        causes.append("shadow")
    if width_px < 2.0 * residual_px + 1.0 and values["elongation"] > 3:
        causes.append("parallax")
    if near_invalid:
        causes.append("edge")
    return tuple(causes)


def _reasons(values: dict[str, float]) -> tuple[str, ...]:
    """The plain facts behind a score."""
    reasons = []
    if values["contrast_ratio"] > 0.7:
        reasons.append("stands out from its surroundings on one date only")
    if values["edge_ratio"] > 0.5:
        reasons.append("has an outline on one date only")
    if values["ring_changed"] > 0.4:
        reasons.append("its surroundings changed too")
    if values["clutter"] > 0.2:
        reasons.append("lies where much changed")
    return tuple(reasons)
