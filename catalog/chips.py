"""chips/<change>.png: one change, before and after, cut out and enlarged."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from catalog import captions, ink, panel
from catalog.layout import AFTER, BEFORE
from catalog.overlay import Sheet
from catalog.stretch import NODATA_GREY, Views
from imagery.raster import Window
from models.change import Change
from models.detect import Detection

SIDE_PX = 360
GAP_PX = 8
HEAD_PX = 64
FOOT_PX = 30
WIDTH_PX = 2 * SIDE_PX + GAP_PX
COLUMNS = {"before": 0, "after": SIDE_PX + GAP_PX}
"""Where each date's side begins."""

OBJECT_SHARE = 1 / 3
FEWEST_PX = 40
"""Grid pixels across a chip, at least: a lone blob without its surroundings says nothing."""


def window_of(change: Change) -> Window:
    """Square window in which the change takes up about a third; both ends of a move."""
    boxes = [place.bbox_px for place in (change.before, change.after) if place]
    col0, row0 = min(box[0] for box in boxes), min(box[1] for box in boxes)
    col1, row1 = max(box[2] for box in boxes), max(box[3] for box in boxes)
    longest = max(col1 - col0, row1 - row0)
    share = OBJECT_SHARE if len(boxes) == 1 else 0.7
    side = max(FEWEST_PX, round(longest / share))
    row, col = round((row0 + row1 - side) / 2), round((col0 + col1 - side) / 2)
    return Window(row0=row, col0=col, row1=row + side, col1=col + side)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipSheet:
    """What all chips of a run share.

    Parameters
    ----------
    sheet : Sheet
    views : Views
    """

    sheet: Sheet
    views: Views

    @cached_property
    def blank(self) -> Image.Image:
        """A chip before anything of its change is on it."""
        image = Image.new("RGB", (WIDTH_PX, HEAD_PX + SIDE_PX + FOOT_PX), ink.PAPER)
        draw = ImageDraw.Draw(image)
        for date, x in COLUMNS.items():
            caption = f"{date}  {captions.when(self.sheet.report, date)}"
            ink.write(draw, (x + 6, 36), ink.shortened(caption, 17, SIDE_PX - 12), 17, ink.QUIET)
        return image


def draw_chip(path: Path, shared: ChipSheet, change: Change, tag: str) -> None:
    """Draw and save the chip of one change."""
    ink.save(chip(shared, change, tag), path)


def chip(shared: ChipSheet, change: Change, tag: str) -> Image.Image:
    """The chip of one change."""
    window = window_of(change)
    image = shared.blank.copy()
    draw = ImageDraw.Draw(image)
    head, facts = _words(change, tag, shared.sheet)
    ink.write(draw, (6, 6), ink.shortened(head, 20, WIDTH_PX - 12), 20)
    for date, x in COLUMNS.items():
        image.paste(_side(shared, date, change, window), (x, HEAD_PX))
    ink.write(draw, (6, HEAD_PX + SIDE_PX + 5), ink.shortened(facts, 16, WIDTH_PX - 12), 16, ink.QUIET)
    return image


def _words(change: Change, tag: str, sheet: Sheet) -> tuple[str, str]:
    place = change.place
    size = f"{place.length_m:.0f} x {place.width_m:.0f} m"
    sure = "" if change.label_probability is None else f" ({change.label_probability:.0%})"
    head = f"{tag}  {change.kind}: {change.label}{sure}, {size}, score {captions.score_words(change.score)}"
    facts = [captions.zone_words(change, sheet.site), captions.link_words(change, {}), f"id {change.id}"]
    if sheet.report.simulated:
        facts.insert(0, "SIMULATED")
    return head, "  ·  ".join(part for part in facts if part)


def _side(shared: ChipSheet, date: str, change: Change, window: Window) -> Image.Image:
    sheet = shared.sheet
    rows, cols = sheet.grid.shape
    path = sheet.folder / (BEFORE if date == "before" else AFTER)
    inner = window.clipped((rows, cols))
    shown = shared.views.cut(path, inner, SIDE_PX * 2)
    scale = SIDE_PX / window.shape[0]
    size = (max(1, round(inner.shape[1] * scale)), max(1, round(inner.shape[0] * scale)))
    sharp = Image.Resampling.NEAREST if scale >= 6 else Image.Resampling.BICUBIC
    cut = Image.fromarray(shown).resize(size, sharp)
    side = Image.new("RGB", (SIDE_PX, SIDE_PX), (NODATA_GREY,) * 3)
    side.paste(cut, (round((inner.col0 - window.col0) * scale), round((inner.row0 - window.row0) * scale)))
    draw = ImageDraw.Draw(side)
    for end, place in (("before", change.before), ("after", change.after)):
        if place is not None:
            _outline(draw, place, window, scale, change, here=end == date)
    _scale_bar(side, sheet.report.gsd_m / scale)
    if sheet.report.simulated:
        ink.stamp("SIMULATED", 16, anchor="ra").put(side, (SIDE_PX - 6, 4), ink.WARNING)
    return side


def _outline(
    draw: ink.Draw, place: Detection, window: Window, scale: float, change: Change, *, here: bool
) -> None:
    colour = ink.KIND_COLOURS[change.kind]
    if here:
        points = [((c - window.col0) * scale, (r - window.row0) * scale) for c, r in place.outline_px]
        ink.line(draw, panel.rounded(points), colour, width=2, dashes=ink.KIND_DASHES[change.kind])
        return
    col0, row0, col1, row1 = np.array(place.bbox_px, float)
    box = (
        (col0 - window.col0) * scale, (row0 - window.row0) * scale,
        (col1 - window.col0) * scale, (row1 - window.row0) * scale,
    )  # fmt: skip
    ink.corners(draw, box, colour, width=2)


def _scale_bar(side: Image.Image, metres_per_px: float) -> None:
    metres = panel.round_length_m(SIDE_PX * 0.3 * metres_per_px)
    length, y = metres / metres_per_px, SIDE_PX - 12
    draw = ImageDraw.Draw(side)
    draw.rectangle((10, y - 4, 10 + length, y), fill=ink.PAPER, outline=(0, 0, 0))
    text = f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km"
    ink.stamp(text, 15).put(side, (10, y - 24), ink.PAPER)
