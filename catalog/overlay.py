"""overlay.png: both dates side by side, what changed on them, and everything needed to judge it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from odc.geo.geobox import GeoBox
from PIL import Image, ImageDraw

from catalog import captions, ink, panel
from catalog.layout import AFTER, BEFORE, EVIDENCE
from catalog.report import Report
from catalog.stretch import Stretch, read_pixels
from imagery.raster import BoolArray
from imagery.site import Site
from models.change import Change

WIDTH_PX = 2000
MARGIN_PX = 24
GUTTER_PX = 16
TALLEST_PANEL_PX = 1300
PANEL_PX = (WIDTH_PX - 2 * MARGIN_PX - GUTTER_PX) // 2
LISTED = panel.LABELLED
ROW_PX = 30


def ranked(changes: Sequence[Change]) -> list[Change]:
    """Best first; the order of numbers on the picture."""
    return sorted(changes, key=lambda change: (-change.score, change.id))


def tags_of(changes: Sequence[Change]) -> dict[str, str]:
    """Change id to what stands beside it: letter of its kind and its rank, such as ``A3``."""
    return {c.id: f"{ink.KIND_LETTERS[c.kind]}{i}" for i, c in enumerate(ranked(changes), start=1)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Sheet:
    """What the overlay shows.

    Parameters
    ----------
    folder : Path
        Of the run; the rasters are read from it.
    report : Report
    grid : GeoBox
    site : Site or None
    stretch : Stretch
    """

    folder: Path
    report: Report
    grid: GeoBox
    site: Site | None
    stretch: Stretch


def draw_overlay(path: Path, sheet: Sheet) -> None:
    """Draw and save the overlay."""
    changes = ranked(sheet.report.changes)
    tags = tags_of(changes)
    panels = [_panel(sheet, date, changes, tags) for date in ("before", "after")]
    header, legend = captions.header(sheet.report), _legend(sheet.report)
    table, footer = _table(sheet, changes, tags), _footer(sheet)
    height = (
        sum(part.height for part in (header, panels[0], legend, table, footer)) + CAPTION_PX + 2 * MARGIN_PX
    )
    image = Image.new("RGB", (WIDTH_PX, height), ink.PAPER)
    image.paste(header, (0, 0))
    y = header.height
    draw = ImageDraw.Draw(image)
    for i, drawn in enumerate(panels):
        x = MARGIN_PX + i * (PANEL_PX + GUTTER_PX)
        captions.date_line(draw, (x, y), sheet.report, "before" if i == 0 else "after", PANEL_PX)
        draw.rectangle(
            (x, y + CAPTION_PX, x + PANEL_PX - 1, y + CAPTION_PX + drawn.height - 1), fill=ink.SHADE
        )
        image.paste(drawn, (x + (PANEL_PX - drawn.width) // 2, y + CAPTION_PX))
    y += CAPTION_PX + panels[0].height
    for part in (legend, table, footer):
        image.paste(part, (0, y))
        y += part.height
    ink.save(image.crop((0, 0, WIDTH_PX, y + MARGIN_PX // 2)), path)


CAPTION_PX = captions.DATE_LINE_PX


def _panel(sheet: Sheet, date: panel.Date, changes: Sequence[Change], tags: Mapping[str, str]) -> Image.Image:
    rows, cols = sheet.grid.shape
    scale = min(PANEL_PX / cols, TALLEST_PANEL_PX / rows)
    size = (max(1, round(cols * scale)), max(1, round(rows * scale)))
    path = sheet.folder / (BEFORE if date == "before" else AFTER)
    values, valid = read_pixels(path, sheet.stretch.bands, None, max(size))
    picture = np.asarray(Image.fromarray(sheet.stretch.shown(values, valid)).resize(size, _resampling(scale)))
    seen = _resized(valid, size)
    unseen = _not_assessed(sheet, size)
    picture = panel.hatched(panel.hatched(picture, unseen & seen, over_image=True), ~seen, over_image=False)
    drawn = panel.Panel(image=Image.fromarray(picture), date=date, scale=scale, grid=sheet.grid)
    if sheet.report.simulated:
        panel.stamp(drawn.image, "SIMULATED")
    panel.draw_scale_bar(drawn, sheet.report.gsd_m)
    panel.draw_north(drawn)
    panel.mark_unseen(drawn, unseen | ~seen, captions.why_not_assessed(sheet.report))
    names = [] if sheet.site is None or sheet.grid.crs is None else panel.draw_zones(drawn, sheet.site)
    panel.draw_changes(drawn, changes, tags)
    panel.name_zones(drawn, names)
    return drawn.image


def _resampling(scale: float) -> Image.Resampling:
    """Whole pixels stay visible where they are much enlarged."""
    return Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC


def _resized(mask: BoolArray, size: tuple[int, int]) -> BoolArray:
    picture = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    resized: BoolArray = np.asarray(picture) > 127
    return resized


def _not_assessed(sheet: Sheet, size: tuple[int, int]) -> BoolArray:
    """Picture pixels without evidence."""
    _, assessed = read_pixels(sheet.folder / EVIDENCE, (1,), None, max(size))
    return ~_resized(assessed, size)


def _legend(report: Report) -> Image.Image:
    image = Image.new("RGB", (WIDTH_PX, 54), ink.PAPER)
    draw = ImageDraw.Draw(image)
    x, y = float(MARGIN_PX), 27
    counts = captions.counts_by_kind(report)
    meanings = {"appeared": "A appeared", "vanished": "V vanished", "moved": "M may have moved"}
    for kind, words in meanings.items():
        draw.rectangle((x - 4, y - 17, x + 58, y + 17), fill=(70, 76, 84))
        ink.line(
            draw, [(x + 4, y), (x + 50, y)], ink.KIND_COLOURS[kind], width=4, dashes=ink.KIND_DASHES[kind]
        )
        text = f"{words}: {counts[kind]}"
        ink.write(draw, (x + 68, y), text, 20, anchor="lm")
        x += 68 + ink.width_of(text, 20) + 30
    draw.rectangle((x - 4, y - 17, x + 30, y + 17), fill=(70, 76, 84))
    ink.corners(draw, (x + 3, y - 10, x + 23, y + 10), ink.PAPER, width=2)
    ink.write(draw, (x + 40, y), "corners: same place, other date", 20, anchor="lm")
    x += 40 + ink.width_of("corners: same place, other date", 20) + 30
    patch = np.full((34, 60, 3), 105, np.uint8)
    patch = panel.hatched(patch, np.ones((34, 60), np.bool_), over_image=False)
    image.paste(Image.fromarray(patch), (round(x), y - 17))
    ink.write(draw, (x + 68, y), "not assessed", 20, anchor="lm")
    x += 68 + ink.width_of("not assessed", 20) + 30
    if report.site is not None:
        draw.rectangle((x - 4, y - 17, x + 58, y + 17), fill=(70, 76, 84))
        ink.line(draw, [(x + 4, y), (x + 50, y)], ink.PAPER, width=1, dashes=(7, 6))
        ink.write(draw, (x + 68, y), "zone", 20, anchor="lm")
    return image


def _table(sheet: Sheet, changes: Sequence[Change], tags: Mapping[str, str]) -> Image.Image:
    """The best changes in two columns of rows."""
    rows = changes[:LISTED]
    left = (len(rows) + 1) // 2
    more = len(changes) - len(rows)
    image = Image.new("RGB", (WIDTH_PX, max(left, 0) * ROW_PX + (34 if more > 0 else 0) + 6), ink.PAPER)
    draw = ImageDraw.Draw(image)
    for i, change in enumerate(rows):
        x = MARGIN_PX + (i // max(left, 1)) * (PANEL_PX + GUTTER_PX)
        y = (i % max(left, 1)) * ROW_PX
        if (i % max(left, 1)) % 2 == 0:
            draw.rectangle((x, y, x + PANEL_PX, y + ROW_PX), fill=ink.SHADE)
        captions.table_row(draw, (x, y + ROW_PX / 2), change, tags, sheet.site, PANEL_PX)
    if more > 0:
        text = f"and {more} more with lower scores: see changes.geojson or report.json"
        ink.write(draw, (MARGIN_PX, left * ROW_PX + 8), text, 18, ink.QUIET)
    return image


def _footer(sheet: Sheet) -> Image.Image:
    lines = [
        part
        for text in captions.footer_lines(sheet.report)
        for part in ink.wrapped(text, captions.FOOT_PX, WIDTH_PX - 2 * MARGIN_PX)
    ]
    image = Image.new("RGB", (WIDTH_PX, len(lines) * 24 + 20), ink.PAPER)
    draw = ImageDraw.Draw(image)
    draw.line((MARGIN_PX, 6, WIDTH_PX - MARGIN_PX, 6), fill=(200, 204, 210), width=1)
    for i, text in enumerate(lines):
        ink.write(draw, (MARGIN_PX, 14 + 24 * i), text, captions.FOOT_PX, ink.QUIET)
    return image
