"""Pixels of runs around one place, for looking at it on several dates."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.features import geometry_mask
from rasterio.windows import Window as BlockWindow
from scipy.ndimage import map_coordinates
from shapely.geometry.base import BaseGeometry

from catalog import layout
from catalog.run_chain import ChainRun, Offset
from imagery.raster import BoolArray, FloatArray, Window
from models.detect import Detection
from models.look import NOT_OBSERVED, Look, look

MIN_PAD_PX, MAX_PAD_PX = 8, 40
"""Ground around a place that is read with it."""

MAX_OPEN = 64
"""Files held open at a time."""


@dataclass(eq=False)
class Pixels:
    """Rasters of runs, opened once; to be used as a context."""

    _open: dict[Path, Any] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Pixels":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def look(self, run: ChainRun, detection: Detection, later: ChainRun, offset: Offset) -> Look | None:
        """What the last date of `later` shows where `run` found a change; None where pixels are gone.

        Parameters
        ----------
        run : ChainRun
        detection : Detection
            On the grid of `run`.
        later : ChainRun
        offset : (east, north)
            From the frame of `run` to that of `later`, metres.
        """
        names = [self._bands(run.folder / layout.AFTER), self._bands(later.folder / layout.AFTER)]
        bands = [name for name in names[0] if name in names[1]]
        if not bands:
            return None
        shape = int(run.report.grid["shape"][0]), int(run.report.grid["shape"][1])
        window = _around(detection, shape)
        dates = [self._read(run.folder / name, window, bands) for name in (layout.BEFORE, layout.AFTER)]
        last = self._sampled(later, bands, run.affine, window, offset)
        if last is None or dates[0] is None or dates[1] is None:
            return None if dates[0] is None or dates[1] is None else NOT_OBSERVED
        (before, valid_before), (after, valid_after) = dates[0], dates[1]
        return look(
            before, after, last[0], valid=valid_before & valid_after, later_valid=last[1],
            place=_place(detection, window), sensor="sar" if run.report.sensor == "sar" else "optical",
        )  # fmt: skip

    def assessed(self, run: ChainRun, place: BaseGeometry) -> float:
        """Share of a place, in the frame of `run`, that its dates could be compared on."""
        dataset = self._dataset(run.folder / layout.EVIDENCE)
        if dataset is None:
            return 0.0
        (col0, row1), (col1, row0) = (~run.affine * p for p in (place.bounds[:2], place.bounds[2:]))
        wanted = Window(
            row0=math.floor(row0), col0=math.floor(col0), row1=math.ceil(row1), col1=math.ceil(col1)
        )
        inside = _mask(place, run.affine, wanted)
        evidence = dataset.read(1, window=_block(wanted), boundless=True, fill_value=np.nan)
        return float(np.isfinite(evidence[inside]).mean()) if inside.any() else 0.0

    def _dataset(self, path: Path) -> Any | None:
        if path not in self._open:
            if len(self._open) >= MAX_OPEN:
                self._stack.close()
                self._open.clear()
            try:
                self._open[path] = self._stack.enter_context(rasterio.open(path))
            except (RasterioError, OSError):
                return None
        return self._open[path]

    def _bands(self, path: Path) -> tuple[str, ...]:
        dataset = self._dataset(path)
        return () if dataset is None else tuple(str(name) for name in dataset.descriptions)

    def _read(self, path: Path, window: Window, bands: Sequence[str]) -> tuple[FloatArray, BoolArray] | None:
        """Values and where they are usable, over a window inside the raster."""
        dataset = self._dataset(path)
        if dataset is None:
            return None
        numbers = [dataset.descriptions.index(band) + 1 for band in bands]
        try:
            data = dataset.read(numbers, window=_block(window), masked=True)
        except (RasterioError, OSError):
            return None
        scale = np.array([dataset.scales[n - 1] for n in numbers], np.float32)[:, None, None]
        usable = np.asarray(~np.ma.getmaskarray(data).any(axis=0), np.bool_)
        values = np.where(usable, data.filled(0).astype(np.float32) * scale, np.float32(0))
        return values.astype(np.float32), usable

    def _sampled(
        self, later: ChainRun, bands: Sequence[str], affine: Affine, window: Window, offset: Offset
    ) -> tuple[FloatArray, BoolArray] | None:
        """The last date of `later` over a window of another run's grid; None where it does not reach there."""
        rows = np.arange(window.row0, window.row1) + 0.5
        cols = np.arange(window.col0, window.col1) + 0.5
        to_later = ~later.affine * Affine.translation(*offset) * affine
        # Grids of a site are not turned against each other, so that rows depend on rows alone.
        at_rows = to_later.e * rows + to_later.f - 0.5
        at_cols = to_later.a * cols + to_later.c - 0.5
        part = Window(
            row0=math.floor(at_rows[0]), col0=math.floor(at_cols[0]),
            row1=math.ceil(at_rows[-1]) + 2, col1=math.ceil(at_cols[-1]) + 2,
        )  # fmt: skip
        inside = _overlap(part, later.report.grid["shape"])
        found = None if inside is None else self._read(later.folder / layout.AFTER, inside, bands)
        if found is None or inside is None:
            return None
        points = np.meshgrid(at_rows - inside.row0, at_cols - inside.col0, indexing="ij")
        values = np.stack([map_coordinates(band, points, order=1, mode="nearest") for band in found[0]])
        weight = map_coordinates(found[1].astype(np.float32), points, order=1, mode="constant", cval=0.0)
        return values.astype(np.float32), weight > 0.999


def _around(detection: Detection, shape: tuple[int, int]) -> Window:
    col0, row0, col1, row1 = detection.bbox_px
    pad = min(MAX_PAD_PX, max(MIN_PAD_PX, col1 - col0, row1 - row0))
    return Window(row0=row0, col0=col0, row1=row1, col1=col1).grown(pad).clipped(shape)


def _overlap(window: Window, shape: Sequence[int]) -> Window | None:
    """The part of a window that lies on a grid, if any does."""
    if window.row0 >= shape[0] or window.col0 >= shape[1] or window.row1 <= 0 or window.col1 <= 0:
        return None
    return window.clipped((int(shape[0]), int(shape[1])))


def _place(detection: Detection, window: Window) -> BoolArray:
    """The pixels of a detection, at least one."""
    ring = {"type": "Polygon", "coordinates": [list(detection.outline_px)]}
    found = _mask(ring, Affine.identity(), window)
    return found if found.any() else _mask(ring, Affine.identity(), window, touched=True)


def _mask(shape: Any, affine: Affine, window: Window, *, touched: bool = False) -> BoolArray:
    transform = affine * Affine.translation(window.col0, window.row0)
    return np.asarray(
        geometry_mask([shape], out_shape=window.shape, transform=transform, invert=True, all_touched=touched),
        np.bool_,
    )


def _block(window: Window) -> BlockWindow:
    rows, cols = window.shape
    return BlockWindow(window.col0, window.row0, cols, rows)
