"""What could not be seen: how much an object must differ from its ground to be found, place by place.

An object is found where it lifts its pixels over the lowest search threshold in spite of what the interval difference
forgives, and still stands out from the texture around it enough for the scorer. All of this can be measured without any
object. What it costs an object of a given size are three weights, fitted with implants in real pairs
(``benchmarks/detectability.py``): plain shapes without a shadow, of which every second is found at the contrast that
the map states. Real objects, which have paint and shadows, are found at less.

Cells are fixed to the origin of the pair's grid and a cell belongs to the tile that holds its first pixel, so that the
map does not depend on how the grid is cut into tiles.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.radiometry import WORKING_WHITE
from imagery.raster import FloatArray, Sensor, Window
from models.candidates import search_limits
from models.evidence import ChangeEvidence, Noise

MIN_SEEN = 0.5
"""Share of a cell that must be usable on both dates."""

ORDINARY_CONTRAST = 0.3
"""Of the ground's brightness. The brightest or darkest part of labelled objects in real images differs from its ground
by more in 8 of 10 vehicles (median 0.54) and 6 of 10 aircraft (median 0.34)."""

ORDINARY_CONTRAST_DB = 10.0
"""Radar: the bright part of labelled ships is 11 to 13 dB above the sea around them."""

DARK = 0.3 * WORKING_WHITE
"""Working units. No contrast is stated against darker ground: an object on black water reflects what it would
elsewhere, and a fraction of almost nothing says nothing."""

BLUR_PX = 0.67
"""Sigma of what a sensor with sharp edges does to a point: its optics (0.6 px) and the pixel's own extent."""

SMALLEST = "smallest_object"
"""Name of the last layer."""

_SAMPLES = 8


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An object of the size that a layer of the map speaks of.

    Parameters
    ----------
    name : str
        Of the layer: ``vehicle_5m``.
    words : str
        For a person, plural: "vehicles of 5 m".
    length_m, width_m : float
    base, noise, texture : float
        Contrast at which about half of the implants were found, in working units: ``base`` anywhere (infinite where
        no contrast that was tried sufficed), plus ``noise`` times what the threshold and the interval difference ask,
        plus ``texture`` times the ground's own.
    fill : float
        Share of its contrast that its brightest pixel keeps, 0 to 1: little where it is narrower than a pixel.
    calibrated : bool
        Whether implants of this size were tried at this ground sample distance.
    """

    name: str
    words: str
    length_m: float
    width_m: float
    base: float
    noise: float
    texture: float
    fill: float
    calibrated: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Terms:
    """What stands against finding anything, in working units, each float32 (cell row, cell col), NaN where not seen.

    Parameters
    ----------
    threshold : float32
        Noise sigma times the lowest search threshold.
    forgiven : float32
        Half the range within the radius of the interval difference, on the date that has more of it.
    texture : float32
        Standard deviation of the ground's brightness, on the date that has more of it.
    ground : float32
        Mean brightness of both dates.
    """

    threshold: FloatArray
    forgiven: FloatArray
    texture: FloatArray
    ground: FloatArray

    def demand(self, size: Reference) -> FloatArray:
        """Contrast in working units (radar: decibels) at which an object of this size is found every second time."""
        noise, texture = np.float32(size.noise), np.float32(size.texture)
        pixel = np.float32(size.base) + noise * (self.threshold + self.forgiven) + texture * self.texture
        out: FloatArray = (pixel / np.float32(size.fill)).astype(np.float32)
        return out


@cache
def _document() -> dict[str, Any]:
    path = resources.files("models") / "data" / "detectability" / "factors.json"
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def regime(gsd_m: float, sensor: Sensor) -> str:
    """Which table of reference sizes holds: "vehicles" below 1.5 m, "rows" to 5 m, "ships" above, or "radar"."""
    if sensor == "sar":
        return "radar"
    return "vehicles" if gsd_m < 1.5 else "rows" if gsd_m < 5 else "ships"


def references(gsd_m: float, sensor: Sensor) -> tuple[Reference, ...]:
    """Reference objects at a ground sample distance, the smallest first."""
    table = _document()[regime(gsd_m, sensor)]
    low, high = table["calibrated_gsd_m"]

    def of(row: dict[str, Any]) -> Reference:
        by_pixels = "length_px" in row
        length = row["length_px"] * gsd_m if by_pixels else row["length_m"]
        width = row["width_px"] * gsd_m if by_pixels else row["width_m"]
        return Reference(
            name=row["name"], words=row["words"].format(length=f"{length:.3g} m"), length_m=length, width_m=width,
            base=np.inf if row["base"] is None else row["base"], noise=row["noise"], texture=row["texture"],
            fill=_fill(length / gsd_m) * _fill(width / gsd_m), calibrated=low <= gsd_m <= high,
        )  # fmt: skip

    return tuple(sorted((of(row) for row in table["sizes"]), key=lambda reference: reference.length_m))


def _fill(side_px: float) -> float:
    """Share of a bar's contrast at its middle, when it is as wide as that and blurred by an image."""
    return math.erf(side_px / (2 * math.sqrt(2) * BLUR_PX))


def cell_px(gsd_m: float) -> int:
    """Side of a cell: 16 px where objects are many pixels long, 8 px where they are few."""
    return 16 if gsd_m < 1.5 else 8


def cells_of(core: Window, side_px: int) -> Window | None:
    """Rows and columns of the cells whose first pixel lies in `core`; None where there is none."""
    row0, col0, row1, col1 = (-(-edge // side_px) for edge in (core.row0, core.col0, core.row1, core.col1))
    return Window(row0=row0, col0=col0, row1=row1, col1=col1) if row1 > row0 and col1 > col0 else None


def terms(found: ChangeEvidence, noise: Noise, *, threshold: float, cells: Window, side_px: int) -> Terms:
    """Measure what stands against finding anything in each of `cells`.

    Parameters
    ----------
    found : ChangeEvidence
        Its window holds every pixel of the cells that lies on the grid.
    noise : Noise
    threshold : float
        Sigmas: the lowest at which candidates are cut.
    cells : Window
        On the lattice of cells, as `cells_of` gives it.
    side_px : int
    """
    seen = _pooled(found.valid, found.window, cells, side_px)
    share = np.where(seen >= MIN_SEEN, seen, np.nan)

    def mean(image: NDArray[Any]) -> NDArray[np.float64]:
        out: NDArray[np.float64] = (
            _pooled(np.where(found.valid, image, 0), found.window, cells, side_px) / share
        )
        return out

    ground, texture, forgiven = [], [], []
    for image in (found.before.mean(axis=0), found.after.mean(axis=0)):
        average = mean(image)
        ground.append(average)
        texture.append(np.sqrt(np.maximum(mean(image**2) - average**2, 0)))
        forgiven.append(mean(_half_range(image, noise.radius_px)) if noise.radius_px else 0 * average)
    return Terms(
        threshold=(threshold * mean(found.sigma)).astype(np.float32),
        forgiven=np.maximum(*forgiven).astype(np.float32),
        texture=np.maximum(*texture).astype(np.float32),
        ground=((ground[0] + ground[1]) / 2).astype(np.float32),
    )  # fmt: skip


def _half_range(image: FloatArray, radius_px: int) -> FloatArray:
    side = 2 * radius_px + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE if radius_px > 1 else cv2.MORPH_RECT, (side, side))
    out: FloatArray = (cv2.dilate(image, kernel) - cv2.erode(image, kernel)) / 2
    return out


def _pooled(image: NDArray[Any], window: Window, cells: Window, side_px: int) -> NDArray[np.float64]:
    """Means over cells; what lies beyond the grid counts as zero."""
    step = side_px // _SAMPLES
    rows, cols = ((cells.row0, cells.row1), (cells.col0, cells.col1))
    cut = image[
        rows[0] * side_px - window.row0 : rows[1] * side_px - window.row0 : step,
        cols[0] * side_px - window.col0 : cols[1] * side_px - window.col0 : step,
    ]
    whole = np.zeros((cells.shape[0] * _SAMPLES, cells.shape[1] * _SAMPLES), cut.dtype)
    whole[: cut.shape[0], : cut.shape[1]] = cut
    blocks = whole.reshape(cells.shape[0], _SAMPLES, cells.shape[1], _SAMPLES)
    out: NDArray[np.float64] = blocks.mean(axis=(1, 3), dtype=np.float64)
    return out


def needed(measured: Terms, reference: Reference, sensor: Sensor) -> FloatArray:
    """Contrast at which an object of this size is found about every second time, float32 (cell row, cell col).

    Of the ground's brightness (at least `DARK`), in decibels above the clutter for radar; NaN where not seen.
    """
    contrast = measured.demand(reference)
    if sensor == "sar":
        return contrast
    out: FloatArray = (contrast / np.maximum(measured.ground, np.float32(DARK))).astype(np.float32)
    return out


def layers(gsd_m: float, sensor: Sensor) -> tuple[str, ...]:
    """Names of the map's layers, in order."""
    return (*(size.name for size in references(gsd_m, sensor)), SMALLEST)


def detectability(
    found: ChangeEvidence, noise: Noise, cells: Sequence[Window | None], *, gsd_m: float, sensor: Sensor
) -> tuple[FloatArray | None, ...]:
    """The map over several windows of one lattice of cells.

    Parameters
    ----------
    found : ChangeEvidence
    noise : Noise
    cells : sequence of Window or None
        As `cells_of` gives them for each tile.
    gsd_m : float
    sensor : {"optical", "sar"}

    Returns
    -------
    tuple of float32 (layer, cell row, cell col) or None
        Layers as `layers` names them: the contrast needed by each reference size, then the length (m) of the
        smallest that an ordinary contrast suffices for, infinite where it suffices for none. NaN where not seen.
    """
    every = [window for window in cells if window is not None]
    if not every:
        return (None,) * len(cells)
    whole = Window(
        row0=min(w.row0 for w in every), col0=min(w.col0 for w in every),
        row1=max(w.row1 for w in every), col1=max(w.col1 for w in every),
    )  # fmt: skip
    threshold = search_limits(gsd_m, sensor).thresholds[0]
    measured = terms(found, noise, threshold=threshold, cells=whole, side_px=cell_px(gsd_m))
    sizes = references(gsd_m, sensor)
    contrast = np.stack([needed(measured, size, sensor) for size in sizes])
    smallest = np.full(whole.shape, np.inf, np.float32)
    for layer, size in reversed(list(zip(contrast, sizes, strict=True))):
        smallest[layer <= ordinary(sensor)] = size.length_m
    smallest[np.isnan(contrast[0])] = np.nan
    every_layer = np.concatenate([contrast, smallest[None]])

    def part(window: Window | None) -> FloatArray | None:
        if window is None:
            return None
        rows = slice(window.row0 - whole.row0, window.row1 - whole.row0)
        cols = slice(window.col0 - whole.col0, window.col1 - whole.col0)
        return np.ascontiguousarray(every_layer[:, rows, cols])

    return tuple(part(window) for window in cells)


def ordinary(sensor: Sensor) -> float:
    """Contrast that the smallest object is stated for: `ORDINARY_CONTRAST` or `ORDINARY_CONTRAST_DB`."""
    return ORDINARY_CONTRAST_DB if sensor == "sar" else ORDINARY_CONTRAST


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the map says of a tile or of a whole pair.

    Parameters
    ----------
    not_observed : float
        Share of the cells, 0 to 1.
    smallest_object_m : float or None
        Median over what was seen; None where nothing was, or where on half of it no reference object would be found.
    contrast_needed : dict of layer name to float or None
        Median over what was seen.
    found_share : dict of layer name to float or None
        Share of what was seen on which an object of ordinary contrast would be found.
    """

    not_observed: float
    smallest_object_m: float | None
    contrast_needed: dict[str, float | None]
    found_share: dict[str, float | None]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return dict(self.__dict__)


def summarise(
    parts: Sequence[tuple[Window | None, FloatArray | None]], *, gsd_m: float, sensor: Sensor
) -> Summary:
    """Put parts of a map together.

    Parameters
    ----------
    parts : sequence of (Window or None, float32 (layer, cell row, cell col) or None)
        The cells of each tile, and the map over them; None where the tile could not be assessed.
    gsd_m : float
    sensor : {"optical", "sar"}
    """
    sizes = references(gsd_m, sensor)
    total = sum(window.shape[0] * window.shape[1] for window, _ in parts if window is not None)
    flat = [part.reshape(len(sizes) + 1, -1) for _, part in parts if part is not None]
    values = np.concatenate(flat, axis=1) if flat else np.zeros((len(sizes) + 1, 0), np.float32)
    seen = values[:, ~np.isnan(values[-1])]
    count = seen.shape[1]
    middle = np.sort(seen, axis=1)[:, count // 2] if count else np.full(len(sizes) + 1, np.inf)
    enough = [seen[i] <= ordinary(sensor) for i in range(len(sizes))]
    return Summary(
        not_observed=round(1 - count / total, 4) if total else 1.0,
        smallest_object_m=round(float(middle[-1]), 2) if np.isfinite(middle[-1]) else None,
        contrast_needed={
            size.name: round(float(middle[i]), 4) if np.isfinite(middle[i]) else None
            for i, size in enumerate(sizes)
        },
        found_share={
            size.name: round(float(enough[i].mean()), 4) if count else None for i, size in enumerate(sizes)
        },
    )
