"""What is measured on a candidate region: shape, evidence, and how it stands out from its ring on each date.

All measures but the place are symmetric in time: "present" is the date on which the region looks more like an
object, "absent" the other.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models.candidates import Regions, SearchLimits
from models.evidence import ChangeEvidence

Values = NDArray[np.float64]

CHANGED_SIGMAS = 4.0
"""A pixel above this counts as changed when rings and clutter are judged."""

NAMES = (
    "log_area_m2", "log_length_m", "log_width_m", "elongation", "fill", "box_fill",
    "brightness", "brightness_max", "brightness_spread", "colour", "colour_max", "strength",
    "contrast_present", "contrast_absent", "contrast_ratio", "log_ratio_present", "log_ratio_absent",
    "edge_present", "edge_absent", "edge_ratio", "texture_present", "texture_absent",
    "ring_shift", "ring_changed", "ring_texture_present", "ring_texture_absent", "ring_brightness",
    "ratio_mean", "ratio_spread", "ratio_slope", "shade_present", "shade_absent", "bright_when_present",
    "clutter", "changed_share", "sigma", "threshold", "source", "kind_clarity", "kind_agreement",
)  # fmt: skip
"""Names of the columns, in order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Measures of the regions of one cut.

    Parameters
    ----------
    features : float64 (region, feature)
        Columns as in `NAMES`.
    centroid : float64 (region, 2)
        (col, row), pixel-edge coordinates of the window.
    length_px, width_px, orientation_deg : float64 (region,)
        Equal-moment rectangle; clockwise from the top of the image, [0, 180).
    area_px : int64 (region,)
    kind : float64 (region,)
        Log evidence that the object stands there on the second date rather than the first.
    brightness : float64 (region,)
        Mean signed evidence.
    """

    features: Values
    centroid: Values
    length_px: Values
    width_px: Values
    orientation_deg: Values
    area_px: NDArray[np.int64]
    kind: Values
    brightness: Values

    def only(self, chosen: NDArray[np.int64]) -> "Measured":
        """The regions at the given positions."""
        return Measured(**{name: values[chosen] for name, values in self.__dict__.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """Maps over a window that every cut shares."""

    mean_before: NDArray[np.float32]
    mean_after: NDArray[np.float32]
    edges_before: NDArray[np.float32]
    edges_after: NDArray[np.float32]
    shade_before: NDArray[np.float32]
    shade_after: NDArray[np.float32]
    changed: NDArray[np.bool_]
    clutter: NDArray[np.float32]


def surroundings(evidence: ChangeEvidence, limits: SearchLimits) -> Surroundings:
    """Edge strength and shade of each date, and what share of the neighbourhood changed."""
    before, after = evidence.before.mean(axis=0), evidence.after.mean(axis=0)
    changed = (np.abs(evidence.brightness) > CHANGED_SIGMAS) | (evidence.colour > CHANGED_SIGMAS)
    side = (limits.context_px, limits.context_px)
    return Surroundings(
        mean_before=before, mean_after=after, edges_before=_edges(before), edges_after=_edges(after),
        shade_before=_shade(before, side), shade_after=_shade(after, side), changed=changed,
        clutter=cv2.blur(changed.astype(np.float32), side, borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


def _edges(image: NDArray[np.float32]) -> NDArray[np.float32]:
    gx = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=0.25)
    gy = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=0.25)
    out: NDArray[np.float32] = np.abs(gx) + np.abs(gy)
    return out


def _shade(image: NDArray[np.float32], side: tuple[int, int]) -> NDArray[np.float32]:
    """1 where a pixel is much darker than its neighbourhood."""
    out: NDArray[np.float32] = (image < 0.55 * cv2.blur(image, side, borderType=cv2.BORDER_REFLECT)).astype(
        np.float32
    )
    return out


class Pool:
    """Means over the regions of a label map."""

    def __init__(self, labels: NDArray[Any], mask: NDArray[np.bool_], count: int) -> None:
        self.at = np.flatnonzero(mask)
        self.label = labels.ravel()[self.at].astype(np.int64) - 1
        self.count = count
        self.n = np.bincount(self.label, minlength=count).astype(np.float64)
        self._divisor = np.maximum(self.n, 1)

    def _values(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.ravel(values)[self.at]

    def mean(self, values: NDArray[np.float32]) -> Values:
        out: Values = np.bincount(self.label, self._values(values), minlength=self.count) / self._divisor
        return out

    def spread(self, values: NDArray[np.float32]) -> Values:
        here = self._values(values).astype(np.float64)
        mean = np.bincount(self.label, here, minlength=self.count) / self._divisor
        squares = np.bincount(self.label, here * here, minlength=self.count) / self._divisor
        out: Values = np.sqrt(np.maximum(squares - mean**2, 0))
        return out

    def max(self, values: NDArray[np.float32]) -> Values:
        out = np.zeros(self.count)
        np.maximum.at(out, self.label, self._values(values))
        return out


def compact(labels: NDArray[np.int32], count: int) -> NDArray[Any]:
    """Labels in a type that image filters take, the smallest that holds them."""
    return labels.astype(np.uint16 if count < 65535 else np.float32)


def dilated(labels: NDArray[Any], side: int) -> NDArray[Any]:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE if side > 3 else cv2.MORPH_RECT, (side, side))
    out: NDArray[Any] = cv2.dilate(labels, kernel)
    return out


def measure(
    regions: Regions, evidence: ChangeEvidence, around: Surroundings, limits: SearchLimits, gsd_m: float
) -> Measured:
    """Measure every region of a cut; see `NAMES`."""
    count = regions.count
    labels = compact(regions.labels, count)
    body = Pool(labels, labels > 0, count)
    gap = dilated(labels, 3)
    wide = dilated(labels, 2 * (limits.ring_px + 1) + 1)
    open_ring = (wide > 0) & (gap == 0) & evidence.valid
    ring = Pool(wide, open_ring & ~around.changed, count)
    ring_all = Pool(wide, open_ring, count)
    core = cv2.erode(labels, np.ones((3, 3), np.uint8)) > 0
    rim = Pool(gap, (gap > 0) & ~core, count)

    shape = _Shape.of(body, labels.shape[1])
    box = (regions.boxes[:, 2] - regions.boxes[:, 0]) * (regions.boxes[:, 3] - regions.boxes[:, 1])
    thin = ring.n < 3
    contrast = {}
    ratios = []
    sums = {"before": np.zeros(count), "after": np.zeros(count)}
    ring_shift = np.zeros(count)
    for one, two in zip(evidence.before, evidence.after, strict=True):
        a, b = body.mean(one), body.mean(two)
        ring_a, ring_b = np.where(thin, a, ring.mean(one)), np.where(thin, b, ring.mean(two))
        sums["before"] += (a - ring_a) ** 2
        sums["after"] += (b - ring_b) ** 2
        ring_shift += np.abs(_log_ratio(ring_b, ring_a)) / len(evidence.before)
        ratios.append(_log_ratio(b, a))
    contrast = {date: np.sqrt(total) for date, total in sums.items()}
    edge = {"before": rim.mean(around.edges_before), "after": rim.mean(around.edges_after)}
    contrast_sign = np.log((contrast["after"] + 8) / (contrast["before"] + 8))
    edge_sign = np.log((edge["after"] + 4) / (edge["before"] + 4))
    kind = contrast_sign + edge_sign
    late = kind > 0

    def present(before: Values, after: Values) -> Values:
        return np.where(late, after, before)

    ratio = np.array(ratios)
    means = body.mean(around.mean_before), body.mean(around.mean_after)
    ring_means = ring.mean(around.mean_before), ring.mean(around.mean_after)
    logs = [
        np.where(thin, 0, _log_ratio(mean, around_)) for mean, around_ in zip(means, ring_means, strict=True)
    ]
    texture = body.spread(around.mean_before), body.spread(around.mean_after)
    ring_texture = ring.spread(around.mean_before), ring.spread(around.mean_after)
    shade = body.mean(around.shade_before), body.mean(around.shade_after)
    brightness = body.mean(evidence.brightness)
    strength = body.mean(np.hypot(evidence.brightness, evidence.colour))
    columns = {
        "log_area_m2": np.log(body.n * gsd_m**2),
        "log_length_m": np.log(shape.length_px * gsd_m),
        "log_width_m": np.log(shape.width_px * gsd_m),
        "elongation": shape.length_px / shape.width_px,
        "fill": body.n / np.maximum(shape.length_px * shape.width_px, 1),
        "box_fill": body.n / np.maximum(box, 1),
        "brightness": np.abs(brightness),
        "brightness_max": body.max(np.abs(evidence.brightness)),
        "brightness_spread": body.spread(evidence.brightness),
        "colour": body.mean(evidence.colour),
        "colour_max": body.max(evidence.colour),
        "strength": strength * np.sqrt(body.n),
        "contrast_present": present(contrast["before"], contrast["after"]),
        "contrast_absent": present(contrast["after"], contrast["before"]),
        "contrast_ratio": np.abs(contrast_sign) * np.sign(contrast_sign * kind),
        "log_ratio_present": present(logs[0], logs[1]),
        "log_ratio_absent": present(logs[1], logs[0]),
        "edge_present": present(edge["before"], edge["after"]),
        "edge_absent": present(edge["after"], edge["before"]),
        "edge_ratio": np.abs(edge_sign) * np.sign(edge_sign * kind),
        "texture_present": present(*texture),
        "texture_absent": present(texture[1], texture[0]),
        "ring_shift": ring_shift,
        "ring_changed": 1 - ring.n / np.maximum(ring_all.n, 1),
        "ring_texture_present": present(*ring_texture),
        "ring_texture_absent": present(ring_texture[1], ring_texture[0]),
        "ring_brightness": ring_means[0],
        "ratio_mean": np.where(late, ratio.mean(axis=0), -ratio.mean(axis=0)),
        "ratio_spread": ratio.std(axis=0),
        "ratio_slope": np.where(late, 1, -1) * (ratio[min(2, len(ratio) - 1)] - ratio[0]),
        "shade_present": present(*shade),
        "shade_absent": present(shade[1], shade[0]),
        "bright_when_present": np.where(brightness > 0, 1.0, -1.0) * np.where(late, 1, -1),
        "clutter": body.mean(around.clutter),
        "changed_share": body.mean(around.changed.astype(np.float32)),
        "sigma": body.mean(evidence.sigma),
        "threshold": np.full(count, regions.threshold),
        "source": np.full(count, float(regions.source)),
        "kind_clarity": np.abs(kind),
        "kind_agreement": np.sign(contrast_sign) * np.sign(edge_sign),
    }
    return Measured(
        features=np.column_stack([columns[name] for name in NAMES]), centroid=shape.centroid,
        length_px=shape.length_px, width_px=shape.width_px, orientation_deg=shape.orientation_deg,
        area_px=body.n.astype(np.int64), kind=kind, brightness=brightness,
    )  # fmt: skip


def _log_ratio(value: Values, reference: Values) -> Values:
    """Log ratio that stays quiet in the dark, where a few units are noise."""
    out: Values = np.log((np.maximum(value, 0) + 10) / (np.maximum(reference, 0) + 10))
    return out


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shape:
    centroid: Values
    length_px: Values
    width_px: Values
    orientation_deg: Values

    @classmethod
    def of(cls, body: Pool, width: int) -> "_Shape":
        """Rectangle with the second moments of regions in an image of `width` columns."""
        row, col = (axis.astype(np.float64) for axis in np.divmod(body.at, width))
        n = np.maximum(body.n, 1)

        def mean(values: Values) -> Values:
            out: Values = np.bincount(body.label, values, minlength=body.count) / n
            return out

        mean_row, mean_col = mean(row), mean(col)
        off_row, off_col = row - mean_row[body.label], col - mean_col[body.label]
        rr, cc, rc = mean(off_row**2) + 1 / 12, mean(off_col**2) + 1 / 12, mean(off_row * off_col)
        trace, split = rr + cc, np.sqrt((rr - cc) ** 2 + 4 * rc**2)
        length = np.sqrt(6 * (trace + split))
        breadth = np.sqrt(np.maximum(6 * (trace - split), 1e-3))
        angle = np.degrees(0.5 * np.arctan2(2 * rc, cc - rr))
        return cls(
            centroid=np.column_stack([mean_col + 0.5, mean_row + 0.5]), length_px=length, width_px=breadth,
            orientation_deg=(angle + 90.0) % 180.0,
        )  # fmt: skip
