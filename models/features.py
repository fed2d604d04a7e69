"""What is measured on a candidate region: shape, evidence, and how it stands out from its ring on each date.

All measures but the place are symmetric in time: "present" is the date on which the region looks more like an
object, "absent" the other.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray, mean_of_bands
from models.candidates import Regions, SearchLimits
from models.evidence import ChangeEvidence
from models.footprints import Footprints, Pool

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
    tones : float64 (region, band)
        Mean working value on the date on which the object stands there.
    """

    features: Values
    centroid: Values
    length_px: Values
    width_px: Values
    orientation_deg: Values
    area_px: NDArray[np.int64]
    kind: Values
    brightness: Values
    tones: Values

    def only(self, chosen: NDArray[np.int64]) -> "Measured":
        """The regions at the given positions."""
        return Measured(**{name: values[chosen] for name, values in self.__dict__.items()})


@dataclass(frozen=True, kw_only=True, eq=False)
class Surroundings:
    """Maps over a window that every cut shares.

    Parameters
    ----------
    means : two float32 (row, col)
        Over the bands, before and after.
    slopes : two of two float32 (row, col)
        Change per pixel to the right and down, before and after.
    shade : two bool (row, col)
        Much darker than the neighbourhood, before and after.
    changed : bool (row, col)
    clutter : float32 (row, col)
        Share of the neighbourhood that changed.
    """

    means: tuple[FloatArray, FloatArray]
    slopes: tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
    shade: tuple[BoolArray, BoolArray]
    changed: BoolArray
    clutter: FloatArray

    def edges(self, pool: Pool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Edge strength before and after, each float32 (pixel,)."""
        one, two = (np.abs(pool.take(right)) + np.abs(pool.take(down)) for right, down in self.slopes)
        return one, two


def surroundings(evidence: ChangeEvidence, limits: SearchLimits) -> Surroundings:
    """Slopes and shade of each date, and what share of the neighbourhood changed."""
    means = mean_of_bands(evidence.before), mean_of_bands(evidence.after)
    changed = (np.abs(evidence.brightness) > CHANGED_SIGMAS) | (evidence.colour > CHANGED_SIGMAS)
    side = (limits.context_px, limits.context_px)
    return Surroundings(
        means=means, slopes=(_slopes(means[0]), _slopes(means[1])),
        shade=(_shade(means[0], side), _shade(means[1], side)), changed=changed,
        clutter=cv2.blur(changed.astype(np.float32), side, borderType=cv2.BORDER_REFLECT),
    )  # fmt: skip


def _slopes(image: FloatArray) -> tuple[FloatArray, FloatArray]:
    right: FloatArray = cv2.Sobel(image, cv2.CV_32F, 1, 0, scale=0.25)
    down: FloatArray = cv2.Sobel(image, cv2.CV_32F, 0, 1, scale=0.25)
    return right, down


def _shade(image: FloatArray, side: tuple[int, int]) -> BoolArray:
    """Where a pixel is much darker than its neighbourhood."""
    level = cv2.blur(image, side, borderType=cv2.BORDER_REFLECT)
    level *= np.float32(0.55)
    out: BoolArray = image < level
    return out


def measure(
    regions: Regions, feet: Footprints, evidence: ChangeEvidence, around: Surroundings, gsd_m: float
) -> Measured:
    """Measure every region of a cut; see `NAMES`."""
    count, body, rim = regions.count, feet.body, feet.rim
    undisturbed = ~feet.ring.take(around.changed)
    ring = Pool(at=feet.ring.at[undisturbed], label=feet.ring.label[undisturbed], count=count)
    shape = _Shape.of(body, regions.shape[1])
    box = (regions.boxes[:, 2] - regions.boxes[:, 0]) * (regions.boxes[:, 3] - regions.boxes[:, 1])
    thin = ring.n < 3
    ratios, tones = [], []
    sums = {"before": np.zeros(count), "after": np.zeros(count)}
    ring_shift = np.zeros(count)
    for one, two in zip(evidence.before, evidence.after, strict=True):
        a, b = body.mean(one), body.mean(two)
        ring_a, ring_b = np.where(thin, a, ring.mean(one)), np.where(thin, b, ring.mean(two))
        sums["before"] += (a - ring_a) ** 2
        sums["after"] += (b - ring_b) ** 2
        ring_shift += np.abs(_log_ratio(ring_b, ring_a)) / len(evidence.before)
        ratios.append(_log_ratio(b, a))
        tones.append((a, b))
    contrast = {date: np.sqrt(total) for date, total in sums.items()}
    edge = dict(zip(("before", "after"), (rim.mean_of(edges) for edges in around.edges(rim)), strict=True))
    contrast_sign = np.log((contrast["after"] + 8) / (contrast["before"] + 8))
    edge_sign = np.log((edge["after"] + 4) / (edge["before"] + 4))
    kind = contrast_sign + edge_sign
    late = kind > 0

    def present(before: Values, after: Values) -> Values:
        return np.where(late, after, before)

    ratio = np.array(ratios)
    body_levels = [body.take(mean) for mean in around.means]
    ring_levels = [ring.take(mean) for mean in around.means]
    means = [body.mean_of(level) for level in body_levels]
    ring_means = [ring.mean_of(level) for level in ring_levels]
    logs = [
        np.where(thin, 0, _log_ratio(mean, around_)) for mean, around_ in zip(means, ring_means, strict=True)
    ]
    texture = [body.spread_of(level) for level in body_levels]
    ring_texture = [ring.spread_of(level) for level in ring_levels]
    shade = [body.mean(dark) for dark in around.shade]
    signed, colours = body.take(evidence.brightness), body.take(evidence.colour)
    brightness = body.mean_of(signed)
    strength = body.mean(evidence.strength)
    columns = {
        "log_area_m2": np.log(body.n * gsd_m**2),
        "log_length_m": np.log(shape.length_px * gsd_m),
        "log_width_m": np.log(shape.width_px * gsd_m),
        "elongation": shape.length_px / shape.width_px,
        "fill": body.n / np.maximum(shape.length_px * shape.width_px, 1),
        "box_fill": body.n / np.maximum(box, 1),
        "brightness": np.abs(brightness),
        "brightness_max": body.max_of(np.abs(signed)),
        "brightness_spread": body.spread_of(signed),
        "colour": body.mean_of(colours),
        "colour_max": body.max_of(colours),
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
        "ring_changed": 1 - ring.n / np.maximum(feet.ring.n, 1),
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
        "changed_share": body.mean(around.changed),
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
        tones=np.column_stack([present(*tone) for tone in tones]),
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
