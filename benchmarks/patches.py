"""Implants: synthetic objects of known size and contrast, put into real pairs of images at free places.

Vehicles and ships are rectangles, aircraft crosses of rectangles with the mean contrast that is asked for; all are
blurred as an image blurs them. Half are of one tone, half uneven by a third. A slight tint varies from one to the next.
They cast no shadow, which in real images helps to find things.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import Raster, Window
from imagery.warp import ArrayReader
from models.change import Change
from models.compare import PairModel
from models.detectability import Reference

PSF_PX = 0.6
"""Sigma of the blur that gives a rectangle the edges of a real image."""

TINT, UNEVEN = 0.1, 0.33
SAME_IOU = 0.25
GAP_PX = 40
MARGIN_PX = 8


@dataclass(frozen=True, kw_only=True)
class Implant:
    """One synthetic object.

    Parameters
    ----------
    size : Reference
    row, col : float
        Centre on the pair's grid, px.
    angle_rad : float
    contrast : float
        Working units (decibels for radar) by which it differs from its ground; negative is darker.
    date : {"before", "after"}
        The one on which it stands there.
    uneven : bool
        Whether its tone varies within; otherwise it is flat.
    seed : int
        Of tint and tone.
    """

    size: Reference
    row: float
    col: float
    angle_rad: float
    contrast: float
    date: Literal["before", "after"]
    uneven: bool
    seed: int

    def box(self, gsd_m: float) -> tuple[float, float, float, float]:
        """col0, row0, col1, row1 in pixel-edge coordinates."""
        along, across = self.size.length_m / gsd_m / 2, self.size.width_m / gsd_m / 2
        cos, sin = abs(np.cos(self.angle_rad)), abs(np.sin(self.angle_rad))
        x, y = along * cos + across * sin, along * sin + across * cos
        return self.col - x + 0.5, self.row - y + 0.5, self.col + x + 0.5, self.row + y + 0.5


def put(reader: ArrayReader, implants: Sequence[Implant], model: PairModel, date: str) -> ArrayReader:
    """One date with its implants, drawn into the numbers as they were read."""
    raster = reader.raster
    data = raster.data.copy()
    for implant in implants:
        if implant.date == date:
            _draw(data, implant, model)
    return ArrayReader(
        raster=Raster(data=data, valid=raster.valid.copy(), bands=raster.bands, quantity=raster.quantity,
                      grid=raster.grid)
    )  # fmt: skip


def _draw(data: NDArray[np.float32], implant: Implant, model: PairModel) -> None:
    row, col = implant.row, implant.col
    if implant.date == "after":  # its pixels are moved onto the first date's before they are compared
        r, c = round(row), round(col)
        d_row, d_col = model.alignment.shift.at(Window(row0=r, col0=c, row1=r + 1, col1=c + 1))
        row, col = row + float(d_row[0, 0]), col + float(d_col[0, 0])
    reach = int(np.ceil(implant.size.length_m / model.gsd_m / 2)) + 4
    row0, col0 = max(0, round(row) - reach), max(0, round(col) - reach)
    patch = data[:, row0 : round(row) + reach + 1, col0 : round(col) + reach + 1]
    rng = np.random.default_rng(implant.seed)
    mask, tone = _painted(patch.shape[1:], row - row0, col - col0, implant, model.gsd_m, rng)
    tint = 1 + rng.normal(0, TINT, len(patch)) * (len(patch) > 1)
    tint /= tint.mean()
    ground = mask > 0.02
    for band, values in enumerate(patch):
        if model.sensor == "sar":
            mean = float(np.exp(np.log(np.maximum(values[ground], 1e-6)).mean()))
            wanted = mean * 10 ** (implant.contrast * tone / 10)
        else:
            gain = 1.0 if implant.date == "before" else float(model.radiometry.gain[band])
            step = implant.contrast * tint[band] / (model.radiometry.unit * gain)
            wanted = values[ground].mean() + step * tone
        values[:] = values * (1 - mask) + np.maximum(wanted, 0) * mask


def _painted(
    shape: tuple[int, ...], row: float, col: float, implant: Implant, gsd_m: float, rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Share of each pixel that the object covers, and its tone there (1 on average), both blurred."""
    fine = 4
    rows, cols = np.mgrid[: shape[0] * fine, : shape[1] * fine].astype(np.float32)
    y, x = ((rows + 0.5) / fine - 0.5 - row) * gsd_m, ((cols + 0.5) / fine - 0.5 - col) * gsd_m
    cos, sin = np.cos(implant.angle_rad), np.sin(implant.angle_rad)
    along, across = x * cos + y * sin, y * cos - x * sin
    inside = _form(along, across, implant.size)
    cover = _coarser(inside.astype(np.float32), fine)
    tone = np.ones_like(cover)
    if implant.uneven:
        part = max(implant.size.width_m / 2, 2 * gsd_m)
        lots = rng.normal(0, UNEVEN, (64, 64)).astype(np.float32)
        pattern = lots[np.floor(along / part).astype(int) % 64, np.floor(across / part).astype(int) % 64]
        tone = _coarser(1 + np.where(inside, pattern - pattern[inside].mean(), 0), fine)
    return cv2.GaussianBlur(cover, (0, 0), PSF_PX), cv2.GaussianBlur(tone, (0, 0), PSF_PX)


def _form(along: NDArray[np.float32], across: NDArray[np.float32], size: Reference) -> NDArray[np.bool_]:
    """Where a shape of `size` covers the ground; metres from its middle along and across its length."""
    length, width = size.length_m, size.width_m

    def bar(from_: float, to: float, half: float) -> NDArray[np.bool_]:
        return (along >= from_ * length) & (along <= to * length) & (np.abs(across) <= half)

    if not size.name.startswith("aircraft"):
        return bar(-0.5, 0.5, width / 2)
    return bar(-0.5, 0.5, 0.06 * length) | bar(-0.1, 0.12, width / 2) | bar(0.36, 0.5, 0.2 * width)


def _coarser(fine: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    blocks = fine.reshape(fine.shape[0] // side, side, fine.shape[1] // side, side)
    return blocks.mean(axis=(1, 3)).astype(np.float32)


def is_found(implant: Implant, changes: Sequence[Change], gsd_m: float) -> bool:
    """Whether a listed change of the right kind lies on it."""
    mine = implant.box(gsd_m)
    places = (change.after if implant.date == "after" else change.before for change in changes)
    return any(_iou(mine, place.bbox_px) >= SAME_IOU for place in places if place is not None)


def is_touched(implant: Implant, changes: Sequence[Change], gsd_m: float) -> bool:
    """Whether anything that is listed has its middle on it: also a piece of it, or of the wrong kind."""
    col0, row0, col1, row1 = implant.box(gsd_m)
    places = [place for change in changes for place in (change.before, change.after) if place is not None]
    return any(
        col0 - 1 <= place.centroid_px[0] <= col1 + 1 and row0 - 1 <= place.centroid_px[1] <= row1 + 1
        for place in places
    )


def _iou(a: Sequence[float], b: Sequence[float]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(0.0, width) * max(0.0, height)
    return shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared)


def free_places(
    taken: Sequence[tuple[int, int, int, int]], valid: NDArray[np.bool_], sizes: Sequence[Reference], *, gsd_m: float,
    gap_px: int, rng: np.random.Generator, wanted: int,
) -> list[tuple[Reference, float, float]]:  # fmt: skip
    """Random places for objects of random size, none near another, near what changed there anyway, or off the image."""
    rows, cols = valid.shape
    centres: list[tuple[Reference, float, float]] = []
    for _ in range(wanted * 30):
        if len(centres) >= wanted:
            break
        size = sizes[int(rng.integers(len(sizes)))]
        reach = size.length_m / gsd_m / 2 + MARGIN_PX
        if 2 * reach >= min(rows, cols) - 2:
            continue
        row, col = rng.uniform(reach, rows - reach), rng.uniform(reach, cols - reach)
        if not valid[int(row - reach) : int(row + reach) + 1, int(col - reach) : int(col + reach) + 1].all():
            continue
        if any(b[0] - reach < col < b[2] + reach and b[1] - reach < row < b[3] + reach for b in taken):
            continue
        apart = all(
            np.hypot(row - r, col - c) > reach + other.length_m / gsd_m / 2 + gap_px
            for other, r, c in centres
        )
        if apart:
            centres.append((size, row, col))
    return centres
