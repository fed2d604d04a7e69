"""From scored candidate regions to detections with outline, size, kind and words."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from imagery.tile import Tile
from models.candidates import Regions
from models.detect import Detection
from models.evidence import ChangeEvidence
from models.features import NAMES, Measured

HOPELESS = 0.05
"""Candidates below this score are dropped at once; nothing below it can be listed."""

SAME_IOU = 0.7
"""Boxes that share this much are one region cut twice."""

_COLUMN = {name: i for i, name in enumerate(NAMES)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Candidates:
    """Regions of one cut that are worth keeping, without the cut's label map.

    Parameters
    ----------
    boxes : int64 (candidate, 4)
        col0, row0, col1, row1 in the window.
    masks : tuple of bool (row, col)
        Which pixels of its box each region covers.
    measured : Measured
    scores : float64 (candidate,)
    """

    boxes: NDArray[np.int64]
    masks: tuple[NDArray[np.bool_], ...]
    measured: Measured
    scores: NDArray[np.float64]


def candidates_of(regions: Regions, measured: Measured, scores: NDArray[np.float64]) -> Candidates:
    """The regions of a cut that are not hopeless."""
    chosen = np.flatnonzero(scores >= HOPELESS)
    boxes = regions.boxes[chosen]
    masks = tuple(
        regions.labels[row0:row1, col0:col1] == i + 1
        for i, (col0, row0, col1, row1) in zip(chosen, boxes.tolist(), strict=True)
    )
    return Candidates(boxes=boxes, masks=masks, measured=measured.only(chosen), scores=scores[chosen])


def detections_of(
    candidates: Candidates, wanted: NDArray[np.bool_], evidence: ChangeEvidence,
    *, cut: Sequence[Tile], gsd_m: float, residual_px: float,
) -> list[Detection]:  # fmt: skip
    """Detections that one of the tiles owns.

    Parameters
    ----------
    candidates : Candidates
        In the window of `evidence`.
    wanted : bool (candidate,)
        Which to make detections of.
    evidence : ChangeEvidence
    cut : sequence of Tile
    gsd_m, residual_px : float
    """
    window, measured = evidence.window, candidates.measured
    found = []
    for i in np.flatnonzero(wanted):
        col, row = measured.centroid[i] + np.array([window.col0, window.row0])
        tile = next((tile for tile in cut if tile.owns(row, col)), None)
        if tile is None:
            continue
        col0, row0, col1, row1 = (int(v) for v in candidates.boxes[i])
        mask = candidates.masks[i]
        outline = outline_of(mask) + np.array([col0 + window.col0, row0 + window.row0])
        length_px, width_px, orientation = rectangle_of(outline)
        values = {name: float(measured.features[i, k]) for name, k in _COLUMN.items()}
        values |= _tones(mask, evidence, (row0, col0), late=measured.kind[i] > 0)
        length_m, width_m = round(length_px * gsd_m, 2), round(width_px * gsd_m, 2)
        area_m2 = round(int(measured.area_px[i]) * gsd_m**2, 2)
        near_invalid = not evidence.valid[max(0, row0 - 6) : row1 + 6, max(0, col0 - 6) : col1 + 6].all()
        found.append(
            Detection(
                outline_px=tuple((float(x), float(y)) for x, y in outline),
                bbox_px=(col0 + window.col0, row0 + window.row0, col1 + window.col0, row1 + window.row0),
                centroid_px=(float(col), float(row)),
                length_m=length_m, width_m=width_m, area_m2=area_m2, orientation_deg=round(orientation, 1),
                polarity="brighter" if measured.brightness[i] > 0 else "darker",
                kind="appeared" if measured.kind[i] > 0 else "vanished",
                kind_margin=round(float(min(1.0, abs(measured.kind[i]) / 2)), 3),
                score=round(float(candidates.scores[i]), 6), tile=tile.id,
                causes=_causes(values, width_px, residual_px, near_invalid), reasons=_reasons(values),
                features={name: float(f"{value:.4g}") for name, value in values.items()},
            )
        )  # fmt: skip
    return found


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
    order = np.lexsort((*boxes.T[::-1], -scores))
    b, area = boxes[order], ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[order]
    centres = (b[:, :2] + b[:, 2:]) / 2.0
    reach = (1 - SAME_IOU) * (b[:, 2:] - b[:, :2]).max(axis=1) + 1
    tree = cKDTree(centres) if len(b) else None
    for rank in range(len(b) if tree is not None else 0):
        near = np.array(tree.query_ball_point(centres[rank], reach[rank] * 1.5), np.int64)  # type: ignore[union-attr]
        near = near[near < rank]
        if not len(near):
            continue
        width = np.minimum(b[rank, 2], b[near, 2]) - np.maximum(b[rank, 0], b[near, 0])
        height = np.minimum(b[rank, 3], b[near, 3]) - np.maximum(b[rank, 1], b[near, 1])
        shared = np.clip(width, 0, None) * np.clip(height, 0, None)
        out[order[rank]] = bool((shared > SAME_IOU * (area[rank] + area[near] - shared)).any())
    return out


def outline_of(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Closed outer ring (point, 2) of a region as (col, row) along pixel edges, collinear points left out.

    Traced on a doubled image, so that the ring runs around the pixels and not through their centres.
    """
    doubled = np.pad(mask.astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1), 1)
    contours, _ = cv2.findContours(doubled, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    contour = max(contours, key=cv2.contourArea)[:, 0, :].astype(np.float64) - 1.0
    # Even positions lie on a pixel's first half, odd ones on its second: push each to the edge it is next to.
    edges = np.where(contour % 2 == 0, contour / 2, (contour + 1) / 2)
    simple = cv2.approxPolyDP(edges.astype(np.float32)[:, None, :], 0.5, True)[:, 0, :].astype(np.float64)
    ring = simple if len(simple) >= 3 else edges
    if len(ring) < 3:
        rows, cols = mask.shape
        ring = np.array([[0, 0], [cols, 0], [cols, rows], [0, rows]], np.float64)
    return np.vstack([ring, ring[:1]])


def rectangle_of(outline: NDArray[np.float64]) -> tuple[float, float, float]:
    """Length, width (px) and direction of the long side of the smallest rotated rectangle, clockwise from up."""
    corners = cv2.boxPoints(cv2.minAreaRect(outline.astype(np.float32)))
    one, two = corners[1] - corners[0], corners[2] - corners[1]
    long, short = (one, two) if np.hypot(*one) >= np.hypot(*two) else (two, one)
    orientation = float(np.degrees(np.arctan2(long[0], -long[1]))) % 180.0
    return float(np.hypot(*long)), max(float(np.hypot(*short)), 1e-3), orientation


def _tones(
    mask: NDArray[np.bool_], evidence: ChangeEvidence, corner: tuple[int, int], *, late: bool
) -> dict[str, float]:
    """Mean working value of each band on the date that shows the object."""
    values = evidence.after if late else evidence.before
    rows, cols = mask.shape
    crop = values[:, corner[0] : corner[0] + rows, corner[1] : corner[1] + cols]
    return {f"tone_{band}": float(crop[band][mask].mean()) for band in range(len(crop))}


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
