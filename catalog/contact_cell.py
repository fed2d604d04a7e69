"""One exhibit of a contact sheet: the same ground on both dates, one stretch, with labels and claims drawn."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from catalog.cases import CaseFiles
from catalog.ink import KIND_COLOURS
from imagery.drivers import open_raster, read_pixels
from imagery.raster import FloatArray, Window
from models.evaluation import Box

PANEL_PX = 188
GAP_PX = 4
CAPTION_PX = 34
CELL_PX = (2 * PANEL_PX + GAP_PX, PANEL_PX + CAPTION_PX)
"""Width, height of an exhibit."""

INK = (235, 235, 235)
PAPER = (24, 24, 24)
NO_PIXELS = (60, 60, 60)
COLOURS = {**KIND_COLOURS, "dont_care": (170, 170, 170)}

_CONTEXT = 2.5
"""Side of the shown ground over the longest side of what it shows."""

_LEAST_SHOWN_M = 30.0
_LEAST_SHOWN_PX = 32
_STRETCH_PCT = (1.0, 99.0)
_DASH_PX = (4, 3)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A box to draw.

    Parameters
    ----------
    box : Box
    what : {"appeared", "vanished", "dont_care"}
    claimed : bool
        Claims are dashed, labels solid.
    subject : bool
        What the exhibit is about is drawn twice as thick.
    """

    box: Box
    what: str
    claimed: bool
    subject: bool = False


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """Something to look at.

    Parameters
    ----------
    case : str
    caption : str
        Second line below the pictures; the case's name is the first.
    subject : Mark
    marks : tuple of Mark
        Everything else that may lie nearby.
    """

    case: str
    caption: str
    subject: Mark
    marks: tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class CasePixels:
    """Both images of a case, whole: float32 (band, row, col), one or three bands, NaN = no pixel."""

    before: FloatArray
    after: FloatArray


def case_pixels(files: CaseFiles) -> CasePixels:
    """Read both images of a case.

    Raises
    ------
    UnreadableRaster
        When one of them cannot be read.
    """
    before, after = (_pixels(str(path)) for path in (files.before, files.after))
    return CasePixels(before=before, after=after)


def _pixels(href: str) -> FloatArray:
    dataset = open_raster(href)
    with dataset:
        rows, cols = dataset.shape
        bands = (1, 2, 3) if dataset.count >= 3 else (1,)
        nodata = dataset.nodata
    numbers = read_pixels(href, bands, Window(row0=0, col0=0, row1=rows, col1=cols)).astype(np.float32)
    if nodata is not None and not np.isnan(nodata):
        numbers[numbers == nodata] = np.nan
    return numbers


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own typeface: the same on every machine."""
    return ImageFont.load_default(size=size)


def cell(exhibit: Exhibit, files: CaseFiles, pixels: CasePixels) -> Image.Image:
    """Draw an exhibit.

    Parameters
    ----------
    exhibit : Exhibit
    files : CaseFiles
        Of the exhibit's case; its `to_after` places the second picture.
    pixels : CasePixels
        Of the same case.

    Returns
    -------
    Image
        Of `CELL_PX`.
    """
    box = exhibit.subject.box
    gsd_m = files.case.gsd_m
    side_px = int(np.ceil(max(_CONTEXT * box.longest_px, _LEAST_SHOWN_M / gsd_m, _LEAST_SHOWN_PX)))
    corners = [_corner(centre, side_px) for centre in (box.centre, _moved(files.to_after, box.centre))]
    crops = [
        _crop(numbers, corner, side_px)
        for numbers, corner in zip((pixels.before, pixels.after), corners, strict=True)
    ]
    low, high = _stretch(crops)
    picture = Image.new("RGB", CELL_PX, PAPER)
    for index, crop in enumerate(crops):
        panel = _panel(crop, low, high)
        _draw_marks(panel, (*exhibit.marks, exhibit.subject), corners[0], PANEL_PX / side_px)
        picture.paste(panel, (index * (PANEL_PX + GAP_PX), 0))
    draw = ImageDraw.Draw(picture)
    draw.text((2, PANEL_PX + 2), f"{exhibit.case}  ·  {side_px * gsd_m:.0f} m wide", INK, font=font(11))
    draw.text((2, PANEL_PX + 17), exhibit.caption, INK, font=font(12))
    return picture


def _moved(to_after: NDArray[np.float64], point: tuple[float, float]) -> tuple[float, float]:
    col, row, scale = to_after @ np.array([*point, 1.0])
    return float(col / scale), float(row / scale)


def _corner(centre: tuple[float, float], side_px: int) -> tuple[int, int]:
    # Not round(): halves must go the same way on both dates.
    return math.floor(centre[0] - side_px / 2), math.floor(centre[1] - side_px / 2)


def _crop(numbers: FloatArray, corner: tuple[int, int], side_px: int) -> FloatArray:
    """A square (band, row, col) that may reach beyond the image: NaN there."""
    bands, rows, cols = numbers.shape
    col0, row0 = corner
    crop = np.full((bands, side_px, side_px), np.nan, dtype=np.float32)
    inside = Window(row0=row0, col0=col0, row1=row0 + side_px, col1=col0 + side_px)
    top, left = max(0, inside.row0), max(0, inside.col0)
    bottom, right = min(rows, inside.row1), min(cols, inside.col1)
    if bottom > top and right > left:
        crop[:, top - row0 : bottom - row0, left - col0 : right - col0] = numbers[:, top:bottom, left:right]
    return crop


def _stretch(crops: Iterable[FloatArray]) -> tuple[float, float]:
    """One range for both dates and all bands, so that equal brightness looks equal."""
    values = np.concatenate([crop[np.isfinite(crop)] for crop in crops])
    if not len(values):
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, _STRETCH_PCT))
    return low, max(high, low + 1e-6)


def _panel(crop: FloatArray, low: float, high: float) -> Image.Image:
    known = np.isfinite(crop).all(axis=0)
    scaled = np.clip((np.where(known, crop, low) - low) / (high - low), 0.0, 1.0)
    grey_or_rgb = np.rint(scaled * 255).astype(np.uint8)
    shown = np.broadcast_to(grey_or_rgb, (3, *known.shape)).transpose(1, 2, 0).copy()
    shown[~known] = NO_PIXELS
    return Image.fromarray(shown).resize((PANEL_PX, PANEL_PX), Image.Resampling.BICUBIC)


def _draw_marks(panel: Image.Image, marks: Iterable[Mark], corner: tuple[int, int], zoom: float) -> None:
    draw = ImageDraw.Draw(panel)
    for mark in marks:
        offset = (*corner, *corner)
        col0, row0, col1, row1 = ((edge - off) * zoom for edge, off in zip(mark.box, offset, strict=True))
        # One pixel outside the box, so that the line does not cover what it shows.
        outline = (round(col0) - 2, round(row0) - 2, round(col1) + 1, round(row1) + 1)
        if outline[2] < 0 or outline[3] < 0 or outline[0] >= PANEL_PX or outline[1] >= PANEL_PX:
            continue
        if outline[2] <= outline[0] or outline[3] <= outline[1]:
            continue
        width = 2 if mark.subject else 1
        if mark.claimed:
            _dashed(draw, outline, COLOURS[mark.what], width)
        else:
            draw.rectangle(outline, outline=COLOURS[mark.what], width=width)


def _dashed(
    draw: ImageDraw.ImageDraw, outline: tuple[int, int, int, int], colour: tuple[int, int, int], width: int
) -> None:
    left, top, right, bottom = outline
    dash, gap = _DASH_PX
    for col in range(max(left, -dash), min(right, PANEL_PX), dash + gap):
        end = min(col + dash, right)
        for row in (top, bottom):
            draw.line((col, row, end, row), fill=colour, width=width)
    for row in range(max(top, -dash), min(bottom, PANEL_PX), dash + gap):
        end = min(row + dash, bottom)
        for col in (left, right):
            draw.line((col, row, col, end), fill=colour, width=width)
