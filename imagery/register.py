"""Estimating how one image lies on another, with a check on tie points that took no part in the estimate.

Tie points are chips whose edge orientation is phase-correlated. Orientation is taken at double angle, so that a
bright edge that turned dark under another sun still matches, and is weighted by how clear it is, so that season and
sensor gain matter little (Argyriou and Vlachos 2003; Tzimiropoulos et al. 2010, doi:10.1109/TPAMI.2010.107).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from imagery.align import Alignment, ShiftField
from imagery.raster import BoolArray, FloatArray, Raster, Reader, Sensor, Window, gsd_m, mean_of_bands
from imagery.tile import tiles
from imagery.warp import block_means

CHIP_PX = 128
"""Side of a tie chip."""

MAX_CHIPS = 900
"""Chips measured at most; more add time, not accuracy."""

SEARCH_PX = 20.0
"""Largest shift that a chip may show against the coarse shift."""

MIN_PEAK = 7.0
"""Correlation peak in standard deviations of its surface below which a chip has no match."""

MIN_TIES = 8
"""Fewer kept tie points than this say nothing."""

MAX_RESIDUAL_PX = 3.0
"""Held-out median residual above which a pair is refused. Relief leaves 1-2 px on real 0.5 m pairs that can be
compared; images of different places leave more than 10."""

MAX_RESIDUAL_M = 1.5
"""The same on the ground, where that is more: relief and view angle displace by metres, whatever the pixel size."""

ALIGNED_PX = 0.5
"""Unshifted residual up to which images lie on each other already where an estimated shift would only add noise."""

MIN_MATCHED = 0.15
"""Share of chips that must match where no georeference speaks for the pair."""

COARSE_PX = 1024
"""The coarse search works on images of about this size."""

COARSE_PEAK = 9.0
"""Peak of the coarse correlation that outweighs the assumption of no shift."""

PRIOR_WEIGHT = 0.35
"""Weight of the fitted plane against tie points around a lattice node."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ties:
    """Tie points: position of chip centres, measured offset, peak height, held-out fold; chips tried in all."""

    row: NDArray[np.float64]
    col: NDArray[np.float64]
    d_row: NDArray[np.float64]
    d_col: NDArray[np.float64]
    peak: NDArray[np.float64]
    fold: NDArray[np.int_]
    measured: int

    def kept(self, mask: NDArray[np.bool_]) -> "_Ties":
        chosen = {name: values[mask] for name, values in self.__dict__.items() if name != "measured"}
        return _Ties(**chosen, measured=self.measured)


def luminance(raster: Raster, sensor: Sensor) -> FloatArray:
    """One band that shows structure: mean of the visible bands, or decibels for radar; invalid pixels flattened."""
    return _luminance(raster.data, raster.valid, sensor)


def _luminance(data: FloatArray, valid: BoolArray, sensor: Sensor) -> FloatArray:
    values = 10.0 * np.log10(np.maximum(data[0], 1e-5)) if sensor == "sar" else mean_of_bands(data[:3])
    if not valid.all():
        fill = float(values[valid].mean()) if valid.any() else 0.0
        values = np.where(valid, values, fill)
    return np.ascontiguousarray(values, np.float32)


def orientation(image: FloatArray) -> NDArray[np.complex64]:
    """Edge orientation at double angle, complex (row, col), weighted by clearness of the edge in 0-1."""
    smooth = cv2.GaussianBlur(image, (0, 0), 1.0)
    gx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3)
    gy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3)
    power = gx * gx + gy * gy
    typical = cv2.blur(power, (63, 63), borderType=cv2.BORDER_REFLECT) + 1e-12
    out: NDArray[np.complex64] = ((gx + 1j * gy) ** 2 / (power + typical)).astype(np.complex64)
    return out


def correlate(a: NDArray[np.complex64], b: NDArray[np.complex64]) -> tuple[float, float, float]:
    """Offset of `b` against `a` and how much it stands out.

    Parameters
    ----------
    a, b : complex64 (row, col)
        Orientation of two chips of one size.

    Returns
    -------
    d_row, d_col : float
        Pixels: what is at (r, c) in `a` is at (r + d_row, c + d_col) in `b`.
    peak : float
        Height of the correlation peak in standard deviations of the surface.
    """
    rows, cols = a.shape
    window = _taper(rows, cols)
    cross = scipy.fft.fft2(b * window) * np.conj(scipy.fft.fft2(a * window))
    size = np.abs(cross)
    cross /= size + 0.05 * size.mean() + 1e-12
    low_pass = _low_pass(rows, cols)
    surface = scipy.fft.ifft2(cross * low_pass).real
    at = int(surface.argmax())
    row, col = divmod(at, cols)
    height = float(surface[row, col])
    d_row = row + _vertex(surface[row - 1, col], height, surface[(row + 1) % rows, col])
    d_col = col + _vertex(surface[row, col - 1], height, surface[row, (col + 1) % cols])
    spread = float(surface.std()) + 1e-12
    return (
        float(d_row - rows if d_row > rows / 2 else d_row),
        float(d_col - cols if d_col > cols / 2 else d_col),
        height / spread,
    )


@lru_cache(8)
def _taper(rows: int, cols: int) -> FloatArray:
    out: FloatArray = np.outer(np.hanning(rows), np.hanning(cols)).astype(np.float32)
    return out


@lru_cache(8)
def _low_pass(rows: int, cols: int) -> FloatArray:
    fy, fx = np.fft.fftfreq(rows)[:, None], np.fft.fftfreq(cols)[None, :]
    low_pass: FloatArray = np.exp(-(fy * fy + fx * fx) / (2 * 0.16**2)).astype(np.float32)
    return low_pass


def _vertex(left: float, centre: float, right: float) -> float:
    """Where the parabola through three neighbouring heights has its top, in -0.5..0.5."""
    curvature = left - 2 * centre + right
    return 0.0 if curvature >= 0 else float(np.clip(0.5 * (left - right) / curvature, -0.5, 0.5))


def reduced(reader: Reader, sensor: Sensor, factor: int) -> FloatArray:
    """Luminance of the whole grid, averaged over `factor` x `factor` pixels, read block by block."""
    rows, cols = (int(n) for n in reader.grid.shape)
    out = np.zeros((rows // factor, cols // factor), np.float32)
    for tile in tiles(
        (rows // factor * factor, cols // factor * factor), size_px=1024 // factor * factor, halo_px=0
    ):
        core = tile.core
        image = luminance(reader.read(core), sensor)
        out[core.row0 // factor : core.row1 // factor, core.col0 // factor : core.col1 // factor] = (
            block_means(image, factor)
        )
    return out


def coarse_shift(before: FloatArray, after: FloatArray, factor: int) -> tuple[float, float, float]:
    """Shift in full pixels (d_row, d_col) and its peak height, from the whole images, `factor` times reduced."""
    if min(before.shape) < 16:
        return 0.0, 0.0, 0.0
    d_row, d_col, peak = correlate(orientation(before), orientation(after))
    return d_row * factor, d_col * factor, peak


def _chip_px(shape: tuple[int, int]) -> int:
    """Chip side: small images get smaller chips so that there are enough to hold some out."""
    side = CHIP_PX
    while side > 32 and (shape[0] // side) * (shape[1] // side) < 36:
        side //= 2
    return side


def _measure(before: Reader, after: Reader, sensor: Sensor, guess: tuple[int, int]) -> _Ties:
    """Offsets of chips on a regular lattice; chips with too few valid pixels are left out."""
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    side = _chip_px(shape)
    step = max(side, int(np.sqrt(shape[0] * shape[1] / MAX_CHIPS)))
    found: list[tuple[float, ...]] = []
    for i, row0 in enumerate(range(0, shape[0] - side + 1, step)):
        # Read a whole row of chips at a time: chip by chip, files are decoded over and over.
        a = before.read(Window(row0=row0, col0=0, row1=row0 + side, col1=shape[1]))
        moved = Window(
            row0=row0 + guess[0], col0=guess[1], row1=row0 + side + guess[0], col1=shape[1] + guess[1]
        )
        b = after.read(moved)
        for j, col0 in enumerate(range(0, shape[1] - side + 1, step)):
            chip = np.s_[:, col0 : col0 + side]
            if min(a.valid[chip].mean(), b.valid[chip].mean()) < 0.7:
                continue
            pair = [
                orientation(_luminance(strip.data[:, *chip], strip.valid[chip], sensor)) for strip in (a, b)
            ]
            d_row, d_col, peak = correlate(*pair)
            place = (row0 + side / 2, col0 + side / 2)
            found.append((*place, d_row + guess[0], d_col + guess[1], peak, (i + j) % 2))
    table = np.array(found, np.float64).reshape(-1, 6)
    measured = len(table)
    near = np.hypot(table[:, 2] - guess[0], table[:, 3] - guess[1]) <= min(SEARCH_PX, side / 4)
    table = table[near & (table[:, 4] >= MIN_PEAK)]
    return _Ties(
        row=table[:, 0], col=table[:, 1], d_row=table[:, 2], d_col=table[:, 3], peak=table[:, 4],
        fold=table[:, 5].astype(np.int_), measured=measured,
    )  # fmt: skip


def _plane(ties: _Ties) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Robust first-order fit: coefficients (3, 2) for (1, row, col) and which ties agree with it."""
    design = np.column_stack([np.ones_like(ties.row), ties.row / 1000.0, ties.col / 1000.0])
    target = np.column_stack([ties.d_row, ties.d_col])
    weight = np.clip(ties.peak - MIN_PEAK + 1.0, 0, 12)
    coefficients = np.zeros((3, 2))
    coefficients[0] = np.median(target, axis=0)
    scale = 3.0
    for _ in range(12):
        off = np.hypot(*(target - design @ coefficients).T)
        robust = weight / (1.0 + (off / scale) ** 2) ** 2
        ridge = np.diag([1e-9, 1e-2, 1e-2]) * robust.sum()
        gram = (design * robust[:, None]).T @ design + ridge
        coefficients = np.linalg.solve(gram, (design * robust[:, None]).T @ target)
        scale = float(np.clip(1.5 * np.median(off), 0.3, 3.0))
    off = np.hypot(*(target - design @ coefficients).T)
    return coefficients, off <= max(3.0, 4.0 * float(np.median(off)))


def _field(ties: _Ties, shape: tuple[int, int]) -> ShiftField:
    """Plane plus locally averaged departures of the ties from it, on a lattice over `shape`."""
    coefficients, agreeing = _plane(ties)
    ties = ties.kept(agreeing)
    step = float(max(32.0, max(shape) / 24.0))
    nodes = [np.arange(int(np.ceil(n / step)) + 1) * step for n in shape]
    row, col = np.meshgrid(*nodes, indexing="ij")
    plane = np.stack([np.ones_like(row), row / 1000.0, col / 1000.0], axis=-1) @ coefficients
    at_ties = np.column_stack([np.ones_like(ties.row), ties.row / 1000.0, ties.col / 1000.0]) @ coefficients
    departure = np.column_stack([ties.d_row, ties.d_col]) - at_ties
    reach = _reach(ties)
    distance2 = (row[..., None] - ties.row) ** 2 + (col[..., None] - ties.col) ** 2
    weight = np.exp(-distance2 / (2 * reach**2)) * np.clip(ties.peak - MIN_PEAK + 1.0, 0, 12) / 6.0
    local = _robust_mean(weight, departure)
    total = weight.sum(axis=-1, keepdims=True)
    nodes_shift = plane + local * total / (total + PRIOR_WEIGHT)
    return ShiftField(
        d_row=nodes_shift[..., 0].astype(np.float32),
        d_col=nodes_shift[..., 1].astype(np.float32),
        step_px=step,
    )


def _reach(ties: _Ties) -> float:
    """Standard deviation of the smoothing window: about the spacing of the ties."""
    if len(ties.row) < 2:
        return 256.0
    area = max(float(np.ptp(ties.row)), 64.0) * max(float(np.ptp(ties.col)), 64.0)
    return float(np.sqrt(area / len(ties.row)))


def _robust_mean(weight: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean of `values` (tie, 2) at every node of `weight` (row, col, tie), outliers down-weighted twice."""
    mean = _weighted(weight, values)
    for _ in range(2):
        off = np.hypot(values[:, 0] - mean[..., :1], values[:, 1] - mean[..., 1:])
        robust = weight / (1.0 + (off / 0.6) ** 2) ** 2
        mean = _weighted(robust, values)
    return mean


def _weighted(weight: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = weight @ values / (weight.sum(axis=-1, keepdims=True) + 1e-9)
    return out


def _held_out(ties: _Ties, shape: tuple[int, int]) -> NDArray[np.float64]:
    """What each tie is off from a field that was fitted to the other fold, in pixels."""
    off = np.full(len(ties.row), np.nan)
    for fold in (0, 1):
        train, test = ties.kept(ties.fold != fold), ties.kept(ties.fold == fold)
        if len(train.row) < MIN_TIES // 2 or not len(test.row):
            continue
        field = _field(train, shape)
        predicted = np.array([_at(field, r, c) for r, c in zip(test.row, test.col, strict=True)])
        off[ties.fold == fold] = np.hypot(test.d_row - predicted[:, 0], test.d_col - predicted[:, 1])
    known: NDArray[np.float64] = off[np.isfinite(off)]
    return known


def _at(field: ShiftField, row: float, col: float) -> tuple[float, float]:
    spot = Window(row0=int(row), col0=int(col), row1=int(row) + 1, col1=int(col) + 1)
    d_row, d_col = field.at(spot)
    return float(d_row[0, 0]), float(d_col[0, 0])


def register(before: Reader, after: Reader, *, sensor: Sensor) -> Alignment:
    """Estimate the shift field of a pair and measure what it leaves on held-out tie points.

    Parameters
    ----------
    before, after : Reader
        On one grid. A grid with a CRS is trusted where the images have too little structure to measure.
    sensor : {"optical", "sar"}

    Returns
    -------
    Alignment
        Verdict "refused" where neither structure nor georeference says how the images lie, or where what is left
        is larger than `MAX_RESIDUAL_PX` and `MAX_RESIDUAL_M`.
    """
    georeferenced = before.grid.crs is not None
    shape = (int(before.grid.shape[0]), int(before.grid.shape[1]))
    guess = (0, 0)
    factor = max(1, int(np.ceil(max(shape) / COARSE_PX)))
    whole = [reduced(reader, sensor, factor) for reader in (before, after)]
    if _blank(whole[0]) or _blank(whole[1]):
        return _without_structure(georeferenced, 0, "before" if _blank(whole[0]) else "after")
    d_row, d_col, peak = coarse_shift(whole[0], whole[1], factor)
    far = max(abs(d_row), abs(d_col)) > (SEARCH_PX if georeferenced else 0.25 * min(shape))
    if peak >= COARSE_PEAK and not far:
        guess = (round(d_row), round(d_col))
    ties = _measure(before, after, sensor, guess)
    if len(ties.row) >= MIN_TIES:
        ties = ties.kept(_plane(ties)[1])
    too_few = len(ties.row) < (MIN_TIES if georeferenced else max(MIN_TIES, MIN_MATCHED * ties.measured))
    if too_few:
        return _without_structure(georeferenced, len(ties.row))
    return _judged(ties, shape, georeferenced, sensor, limit_px=_limit_px(before))


def _blank(image: FloatArray) -> bool:
    return image.size > 0 and not np.ptp(image)


def _without_structure(georeferenced: bool, count: int, blank: str | None = None) -> Alignment:
    missing: dict[str, Any] = {
        "shift": ShiftField.constant(0.0, 0.0), "residual_px": None, "p95_px": None, "before_px": None,
        "tie_points": count,
    }  # fmt: skip
    if blank:
        reason = f"the {blank} image shows nothing: no usable pixel, or one value everywhere; export it again"
        return Alignment(**missing, verdict="refused", reason=reason)
    if georeferenced:
        reason = f"only {count} tie points: too little common structure, the files' georeference is trusted"
        return Alignment(**missing, verdict="georeference", reason=reason)
    reason = f"only {count} tie points and no georeference: the images share no structure to lay them on each other"
    return Alignment(**missing, verdict="refused", reason=reason)


def _limit_px(reader: Reader) -> float:
    """Residual above which a pair is refused: at 0.3 m as much ground as at 0.5 m."""
    return max(MAX_RESIDUAL_PX, MAX_RESIDUAL_M / gsd_m(reader.grid))


def _judged(
    ties: _Ties, shape: tuple[int, int], georeferenced: bool, sensor: Sensor, *, limit_px: float
) -> Alignment:
    off = _held_out(ties, shape)
    unshifted = float(np.median(np.hypot(ties.d_row, ties.d_col)))
    if not len(off):
        return _without_structure(georeferenced, len(ties.row))
    residual, p95 = float(np.median(off)), float(np.percentile(off, 95))
    helps = residual <= unshifted
    if georeferenced and (not helps or (sensor == "sar" and residual > 0.5)):
        return Alignment(
            shift=ShiftField.constant(0.0, 0.0), residual_px=unshifted, p95_px=None, before_px=unshifted,
            tie_points=len(ties.row), verdict="georeference",
            reason=f"not used: the estimated shift left {residual:.2f} px, without it {unshifted:.2f} px are left",
        )  # fmt: skip
    if not helps and unshifted <= ALIGNED_PX:
        left = np.hypot(ties.d_row, ties.d_col)
        return Alignment(
            shift=ShiftField.constant(0.0, 0.0), residual_px=unshifted, p95_px=float(np.percentile(left, 95)),
            before_px=unshifted, tie_points=len(ties.row), verdict="ok",
        )  # fmt: skip
    refused = residual > limit_px or not helps
    reason = f"held-out residual {residual:.2f} px is above {limit_px:.1f} px" if refused else None
    if refused and not helps:
        reason = (
            f"the estimated shift leaves {residual:.2f} px on held-out points, without it {unshifted:.2f} px"
        )
    return Alignment(
        shift=_field(ties, shape), residual_px=residual, p95_px=p95, before_px=unshifted, tie_points=len(ties.row),
        verdict="refused" if refused else "ok", reason=reason,
    )  # fmt: skip
