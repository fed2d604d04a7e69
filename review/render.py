"""Pictures of a run: tiles of its layers, and crops of a place, as PNG."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from catalog.errors import CatalogError
from catalog.stretch import Stretch
from imagery.raster import BoolArray, FloatArray
from review import palettes
from review.errors import BadQuestion, NotFound
from review.palettes import ByteImage
from review.pixels import Box, Pixels, read_box, read_place
from review.runs import OpenRun

TILE_PX = 256
DIFFERENCE_GREY = 46
DIFFERENCE_FULL = 0.5
"""Half of the range from black to white is shown at full strength."""

_FULL_STEP = 3 * 255

_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
        cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)  # fmt: skip
"""Of all ways the quickest on noisy ground (a third of the usual one's time), and no larger."""


@dataclass(frozen=True, kw_only=True)
class TileAddress:
    """Which tile of a run's pyramid; at the deepest zoom a tile pixel is a grid pixel.

    Parameters
    ----------
    z, x, y : int
    """

    z: int
    x: int
    y: int

    def box(self, shape: tuple[int, int]) -> Box:
        """The tile's part of a grid of `shape` (rows, cols).

        Raises
        ------
        NotFound
            The tile lies outside of the grid.
        """
        deepest = deepest_zoom(shape)
        if not 0 <= self.z <= deepest:
            raise NotFound(f"zooms are 0 to {deepest}, not {self.z}")
        side = TILE_PX << (deepest - self.z)
        if not (0 <= self.x * side < shape[1] and 0 <= self.y * side < shape[0]):
            raise NotFound(f"tile {self.z}/{self.x}/{self.y} lies outside of the images")
        return Box(col0=self.x * side, row0=self.y * side, col1=(self.x + 1) * side, row1=(self.y + 1) * side)


def deepest_zoom(shape: tuple[int, int]) -> int:
    """Zoom at which a grid is shown pixel by pixel; at zoom 0 it fits one tile."""
    zoom = 0
    while TILE_PX << zoom < max(shape):
        zoom += 1
    return zoom


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How somebody wants to see the dates; what is None is as the run has it.

    Parameters
    ----------
    low, high : float or None
        Shown black and white, in the pictures' own unit (decibels for radar).
    gamma : float or None
    bands : tuple of int or None
        One for grey or three for colour, from 1.
    """

    low: float | None = None
    high: float | None = None
    gamma: float | None = None
    bands: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and not self.low < self.high:
            raise BadQuestion(
                f"the darkest value shown ({self.low}) must lie below the brightest ({self.high})"
            )
        if self.gamma is not None and not 0.2 <= self.gamma <= 5:
            raise BadQuestion(f"gamma lies between 0.2 and 5, not at {self.gamma}")
        if self.bands is not None and len(self.bands) not in (1, 3):
            raise BadQuestion(f"one band for grey or three for colour, not {len(self.bands)}")

    def stretch(self, usual: Stretch) -> Stretch:
        """The run's stretch with what was asked for."""
        given = {name: value for name, value in self.__dict__.items() if value is not None}
        return replace(usual, **given)


def tile_png(run: OpenRun, layer: str, address: TileAddress, asked: Asked, option: str = "") -> bytes:
    """A tile of a layer.

    Parameters
    ----------
    run : OpenRun
    layer : str
        One of `LAYERS`.
    address : TileAddress
    asked : Asked
    option : str
        For ``detectability``: which band, by name.

    Raises
    ------
    NotFound
        No such layer, or no such tile.
    """
    if layer not in LAYERS:
        raise NotFound(f"layers are {', '.join(LAYERS)}, not {layer!r}")
    rows, cols = run.grid.shape
    box = address.box((int(rows), int(cols)))
    return png(LAYERS[layer](run, box, (TILE_PX, TILE_PX), asked, option))


def other_tile_png(run: OpenRun, other: OpenRun, date: str, address: TileAddress, asked: Asked) -> bytes:
    """A tile of another run's date on the grid of this one.

    Raises
    ------
    NotFound
    """
    rows, cols = run.grid.shape
    box = address.box((int(rows), int(cols)))
    return png(_other_date(run, other, date, box, (TILE_PX, TILE_PX), asked))


def crop_png(run: OpenRun, date: str, box: Box, side_px: int, *, other: OpenRun | None = None) -> bytes:
    """A square picture of a place on one date, of this run or of another."""
    size = (side_px, side_px)
    if other is None or other.key == run.key:
        return png(_date(run, date, box, size, Asked()))
    return png(_other_date(run, other, date, box, size, Asked()))


def pair_png(run: OpenRun, box: Box, side_px: int) -> bytes:
    """Both dates of a place side by side."""
    size = (side_px, side_px)
    parts = [_date(run, date, box, size, Asked()) for date in ("before", "after")]
    gap = np.zeros((side_px, 2, 4), np.uint8)
    return png(np.concatenate([parts[0], gap, parts[1]], axis=1))


def png(picture: ByteImage) -> bytes:
    """Encode uint8 (row, col, 4)."""
    opaque = bool((picture[..., 3] == 255).all())
    data = cv2.cvtColor(picture, cv2.COLOR_RGBA2BGR if opaque else cv2.COLOR_RGBA2BGRA)
    done, data = cv2.imencode(".png", data, _PNG)
    if not done:
        raise CatalogError("a picture could not be encoded as PNG")
    return data.tobytes()


def _path(run: OpenRun, date: str) -> Path:
    if date not in ("before", "after"):
        raise NotFound(f"dates of a run are before and after, not {date!r}")
    path: Path = getattr(run.stored.paths, date)
    return path


def _date(run: OpenRun, date: str, box: Box, size: tuple[int, int], asked: Asked) -> ByteImage:
    stretch = asked.stretch(run.stretch)
    return _shown(read_box(_path(run, date), box, size, stretch.bands), stretch)


def _other_date(
    run: OpenRun, other: OpenRun, date: str, box: Box, size: tuple[int, int], asked: Asked
) -> ByteImage:
    """On the stretch of this run where both measure the same, so that dates can be compared by eye."""
    alike = other.stored.report.quantity == run.stored.report.quantity
    stretch = asked.stretch(run.stretch if alike else other.stretch)
    return _shown(read_place(_path(other, date), run.grid, box, size, stretch.bands), stretch)


def _shown(pixels: Pixels, stretch: Stretch) -> ByteImage:
    out = np.empty((*pixels.valid.shape, 4), np.uint8)
    out[..., :3] = stretch.shown(pixels.values, pixels.valid)
    out[..., 3] = np.where(pixels.inside, 255, 0)
    return out


def _before(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    del option
    return _date(run, "before", box, size, asked)


def _after(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    del option
    return _date(run, "after", box, size, asked)


def _difference(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    """After minus before, as shown: what the shared stretch makes of it and nothing else."""
    del option
    stretch = asked.stretch(run.stretch)
    dates = [read_box(_path(run, date), box, size, stretch.bands) for date in ("before", "after")]
    valid: BoolArray = dates[0].valid & dates[1].valid
    before, after = (stretch.shown(p.values, p.valid).sum(axis=2, dtype=np.int16) for p in dates)
    step = after - before
    step[~valid] = 0
    out: ByteImage = _difference_colours()[step + _FULL_STEP]
    if valid.all():
        return out
    return _over(out, palettes.hatched(~valid & dates[0].inside, _origin(box, size)), dates[0].inside)


@cache
def _difference_colours() -> ByteImage:
    """Of every difference between the sums of three bytes."""
    steps = np.arange(-_FULL_STEP, _FULL_STEP + 1, dtype=np.float32)[None] / _FULL_STEP
    known = np.ones(steps.shape, np.bool_)
    return palettes.signed(steps, known, DIFFERENCE_FULL, ground=DIFFERENCE_GREY)[0]


def _evidence(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    del asked, option
    read = read_box(run.stored.paths.evidence, box, size, (1,))
    return palettes.signed(read.values[0], read.valid, palettes.EVIDENCE_FULL_SIGMAS, ground=None)


def _validity(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    """Hatched where a date has no usable pixel."""
    del asked, option
    dates = [read_box(_path(run, d), box, size, (1,), average=False) for d in ("before", "after")]
    bad = ~(dates[0].valid & dates[1].valid) & dates[0].inside
    return palettes.hatched(bad, _origin(box, size))


def _detectability(run: OpenRun, box: Box, size: tuple[int, int], asked: Asked, option: str) -> ByteImage:
    """Length of the smallest object that would have been found, or the contrast that one size needs."""
    del asked
    rows, cols = run.grid.shape
    inside = _within(box, size, (int(rows), int(cols)))
    entry = run.stored.report.detectability
    if entry is None:
        return palettes.hatched(inside, _origin(box, size))
    names = [entry_["name"] for entry_ in entry["sizes"]]
    if option not in ("", *names):
        raise NotFound(f"sizes are {', '.join(names)}, not {option!r}")
    band = names.index(option) + 1 if option else len(names) + 1
    side = entry["cell_px"]
    cells = Box(col0=box.col0 / side, row0=box.row0 / side, col1=box.col1 / side, row1=box.row1 / side)
    values = _cells(run.stored.paths.detectability, cells, size, band)
    limits = [entry["ordinary_contrast"]] if option else [s["length_m"] for s in entry["sizes"]]
    out = palettes.steps(values, limits)
    out[np.isnan(values) & inside] = palettes.hatched(np.isnan(values) & inside, _origin(box, size))[
        np.isnan(values) & inside
    ]
    out[~inside] = 0
    return out


def _cells(path: Path, box: Box, size: tuple[int, int], band: int) -> FloatArray:
    """Values with infinity kept: it says that nothing would have been found, not that nothing is known."""
    read = read_box(path, box, size, (band,), average=False)
    return np.where(read.valid, read.values[0], np.float32(np.nan))


def _within(box: Box, size: tuple[int, int], shape: tuple[int, int]) -> BoolArray:
    rows = box.row0 + (np.arange(size[0]) + 0.5) * (box.row1 - box.row0) / size[0]
    cols = box.col0 + (np.arange(size[1]) + 0.5) * (box.col1 - box.col0) / size[1]
    inside: BoolArray = ((rows >= 0) & (rows < shape[0]))[:, None] & ((cols >= 0) & (cols < shape[1]))[
        None, :
    ]
    return inside


def _origin(box: Box, size: tuple[int, int]) -> tuple[int, int]:
    """Of a tile in its zoom's picture, in output pixels."""
    scale = size[1] / (box.col1 - box.col0)
    return round(box.row0 * scale), round(box.col0 * scale)


def _over(base: ByteImage, top: ByteImage, inside: BoolArray) -> ByteImage:
    alpha = top[..., 3:].astype(np.float32) / 255
    base[..., :3] = np.rint(base[..., :3] * (1 - alpha) + top[..., :3] * alpha)
    base[..., 3] = np.where(inside, 255, 0)
    return base


Layer = Callable[[OpenRun, Box, tuple[int, int], Asked, str], ByteImage]

LAYERS: Mapping[str, Layer] = {
    "before": _before,
    "after": _after,
    "difference": _difference,
    "evidence": _evidence,
    "validity": _validity,
    "detectability": _detectability,
}
"""What can be shown of a run."""
