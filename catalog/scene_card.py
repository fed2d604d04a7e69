"""A picture of a scene before anything is compared: the image, and where it lies about a site."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from odc.geo.geobox import GeoBox
from PIL import Image, ImageDraw
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from catalog import ink, panel
from catalog.geometry import to_pixels
from catalog.labels import Box
from catalog.stretch import ByteImage, Stretch
from imagery.geometry import apart_km, utm_crs
from imagery.raster import gsd_m
from imagery.site import Site
from imagery.thumbnail import Thumbnail, small_grid

PANEL_PX = 760
MARGIN_PX = 24
TEXT_PX = 20
TITLE_PX = 28
GUTTER_PX = 24

_GROUND: ink.Colour = (46, 54, 64)
_AOI_GROUND: ink.Colour = (66, 78, 92)
_AOI: ink.Colour = (86, 180, 233)
_IMAGE: ink.Colour = (240, 140, 0)
_ZONE: ink.Colour = (168, 180, 192)
_FAINT_ZONE: ink.Colour = (104, 118, 134)
_NAMED_ZONES = 8
_NAMED_FROM_PX = 90
_FAR_KM = 1000.0
"""A site further off than this is not drawn; its direction is told in words."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """What is drawn.

    Parameters
    ----------
    title : str
    lines : sequence of str
        Under the title: time, platform, pixel size; where it lies.
    thumbnail : Thumbnail
    outlines : sequence of shapely polygon
        Of the image's files, in lon/lat.
    site : Site or None
        The site it overlaps, or the nearest one.
    decibels : bool
        Whether the numbers are radar power, shown on a logarithmic scale.
    simulated : bool
    credit : str
        The credit line, "" where none is known.
    """

    title: str
    lines: Sequence[str]
    thumbnail: Thumbnail
    outlines: Sequence[BaseGeometry]
    site: Site | None
    decibels: bool = False
    simulated: bool = False
    credit: str = ""


def draw_card(path: Path, card: Card) -> None:
    """Draw and write a PNG."""
    left, right = _image_panel(card), _map_panel(card)
    height = max(left.height, right.height)
    width = left.width + right.width + GUTTER_PX + 2 * MARGIN_PX
    header = _header(card, width)
    foot = 44 if card.credit else MARGIN_PX
    sheet = Image.new("RGB", (width, header.height + height + foot), ink.PAPER)
    sheet.paste(header, (0, 0))
    sheet.paste(left, (MARGIN_PX, header.height))
    sheet.paste(right, (MARGIN_PX + left.width + GUTTER_PX, header.height))
    if card.credit:
        text = ink.shortened(card.credit, 17, width - 2 * MARGIN_PX)
        ink.write(ImageDraw.Draw(sheet), (MARGIN_PX, header.height + height + 12), text, 17, ink.QUIET)
    sheet.save(path, format="PNG")


def picture(thumbnail: Thumbnail, *, decibels: bool = False) -> ByteImage:
    """The image as colours, uint8 (row, col, 3), stretched to its own numbers."""
    values = thumbnail.values[:, thumbnail.valid]
    if values.size == 0:
        return np.full((*thumbnail.valid.shape, 3), 72, np.uint8)
    if decibels:
        values = np.float32(10.0) * np.log10(np.maximum(values, np.float32(1e-6)))
    low, high = np.percentile(values, (2.0, 99.8) if decibels else (0.7, 99.3))
    stretch = Stretch(
        bands=tuple(range(1, len(thumbnail.values) + 1)), low=float(low), high=float(high), decibels=decibels
    )
    return stretch.shown(thumbnail.values, thumbnail.valid)


def map_picture(card: Card, longest_px: int) -> Image.Image:
    """The map alone, without words, small enough for a terminal."""
    grid = _map_grid(card, longest_px)
    drawn = _ground(card, grid)
    if card.site is not None:
        for zone in card.site.zones.values():
            for ring in _rings(zone.geometry, grid) if zone.geometry.geom_type != "Point" else ():
                ink.line(drawn.draw, ring, _FAINT_ZONE, width=1, cased=False)
    _outlines(drawn, card, width=1)
    return drawn.image


def _header(card: Card, width: int) -> Image.Image:
    banner = 44 if card.simulated else 0
    lines = [part for text in card.lines for part in ink.wrapped(text, TEXT_PX, width - 2 * MARGIN_PX)]
    image = Image.new("RGB", (width, banner + 62 + 28 * len(lines) + 8), ink.PAPER)
    draw = ImageDraw.Draw(image)
    if banner:
        draw.rectangle((0, 0, width, banner), fill=ink.WARNING)
        words = "SIMULATED: drawn by a computer, not a satellite image"
        ink.write(draw, (width / 2, banner / 2), words, 24, anchor="mm")
    title = ink.shortened(card.title, TITLE_PX, width - 2 * MARGIN_PX)
    ink.write(draw, (MARGIN_PX, banner + 16), title, TITLE_PX)
    for i, text in enumerate(lines):
        ink.write(draw, (MARGIN_PX, banner + 56 + 28 * i), text, TEXT_PX, ink.QUIET)
    return image


def _image_panel(card: Card) -> Image.Image:
    shown = Image.fromarray(picture(card.thumbnail, decibels=card.decibels))
    scale = PANEL_PX / max(shown.size)
    size = max(1, round(shown.width * scale)), max(1, round(shown.height * scale))
    how = Image.Resampling.NEAREST if scale >= 4 else Image.Resampling.BICUBIC
    drawn = panel.Panel(image=shown.resize(size, how), date="after", scale=scale, grid=card.thumbnail.grid)
    panel.draw_scale_bar(drawn, gsd_m(card.thumbnail.grid))
    panel.draw_north(drawn)
    return drawn.image


def _map_panel(card: Card) -> Image.Image:
    grid = _map_grid(card, PANEL_PX)
    drawn = _ground(card, grid)
    names = _zones(drawn, card.site) if card.site is not None else []
    _outlines(drawn, card, width=3)
    panel.draw_scale_bar(drawn, gsd_m(grid))
    panel.draw_north(drawn)
    _legend(drawn, card)
    panel.name_zones(drawn, names)
    return drawn.image


def _zones(drawn: panel.Panel, site: Site) -> list[tuple[str, Box]]:
    """Thin outlines of the zones; returns the names of those large enough on this map, and where they lie."""
    boxes = []
    for zone in site.zones.values():
        if zone.geometry.geom_type == "Point":
            continue
        rings = _rings(zone.geometry, drawn.grid)
        for ring in rings:
            ink.line(drawn.draw, ring, _ZONE, width=1, cased=False)
        xs, ys = zip(*(point for ring in rings for point in ring), strict=True)
        box = (min(xs), min(ys), max(xs), max(ys))
        if min(box[:2]) > 0 and box[2] < drawn.image.width and box[3] < drawn.image.height:
            boxes.append((box[2] - box[0] + box[3] - box[1], zone.name, box))
    boxes.sort(reverse=True)
    return [(name, box) for size, name, box in boxes[:_NAMED_ZONES] if size > _NAMED_FROM_PX]


def _map_grid(card: Card, longest_px: int) -> GeoBox:
    """A north-up square around the image and, unless it is far away, the site."""
    area: BaseGeometry = card.outlines[0]
    for outline in card.outlines[1:]:
        area = area.union(outline)
    centre = area.centroid
    crs = utm_crs(centre.x, centre.y) if card.site is None else card.site.crs
    if card.site is not None and _has_site(card):
        area = area.union(card.site.aoi)
    if abs(centre.y) > 84 and card.site is None:
        crs = CRS.from_epsg(3995)
    # What lies apart lies in opposite corners, where scale bar, legend and arrow want to stand.
    apart = card.site is not None and min(apart_km(o, card.site.aoi) for o in card.outlines) > 0
    return small_grid(_squared(area.envelope), crs, longest_px, margin=0.18 if apart else 0.06)


def _squared(area: BaseGeometry) -> BaseGeometry:
    """A box around an area that is no less than two thirds as wide as it is high, nor the other way round."""
    west, south, east, north = area.bounds
    narrow = math.cos(math.radians((south + north) / 2))
    wide, high = (east - west) * narrow, north - south
    more_x, more_y = max(0.0, high / 1.5 - wide) / narrow / 2, max(0.0, wide / 1.5 - high) / 2
    return shapely.Polygon(
        [(west - more_x, south - more_y), (east + more_x, south - more_y), (east + more_x, north + more_y),
         (west - more_x, north + more_y)]
    )  # fmt: skip


def _ground(card: Card, grid: GeoBox) -> panel.Panel:
    """The AOI as a lighter ground, the image in its place on it."""
    rows, cols = (int(n) for n in grid.shape)
    image = Image.new("RGB", (cols, rows), _GROUND)
    drawn = panel.Panel(image=image, date="after", scale=1.0, grid=grid)
    if card.site is not None:
        for ring in _rings(card.site.aoi, grid):
            drawn.draw.polygon(ring, fill=_AOI_GROUND)
    _paste_image(image, card, grid)
    return drawn


def _paste_image(image: Image.Image, card: Card, grid: GeoBox) -> None:
    small = card.thumbnail
    if str(small.grid.crs) != str(grid.crs):
        return
    ratio = abs(float(small.grid.affine.a)) / abs(float(grid.affine.a))
    size = max(1, round(small.valid.shape[1] * ratio)), max(1, round(small.valid.shape[0] * ratio))
    corner = ~grid.affine * (small.grid.affine.c, small.grid.affine.f)
    shown = Image.fromarray(picture(small, decibels=card.decibels)).resize(size, Image.Resampling.BICUBIC)
    mask = Image.fromarray(small.valid.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    image.paste(shown, (round(corner[0]), round(corner[1])), mask)


def _outlines(drawn: panel.Panel, card: Card, *, width: int) -> None:
    """The AOI and the image's files, and a line between them where they lie apart."""
    images = [ring for outline in card.outlines for ring in _rings(outline, drawn.grid)]
    aois = _rings(card.site.aoi, drawn.grid) if card.site is not None and _has_site(card) else []
    if card.site is not None and aois and apart_km(card.outlines[0], card.site.aoi) > 0:
        ink.line(
            drawn.draw, [_middle(aois[0]), _middle(images[0])], _ZONE, width=1, dashes=(7, 6), cased=False
        )
    for rings, colour in ((aois, _AOI), (images, _IMAGE)):
        for ring in rings:
            ink.line(drawn.draw, _seen(ring, 1.0 + 1.5 * width), colour, width=width, cased=width > 1)
            xs, ys = zip(*ring, strict=True)
            if colour is _IMAGE:
                drawn.placer.objects = [*drawn.placer.objects, (min(xs), min(ys), max(xs), max(ys))]


def _has_site(card: Card) -> bool:
    """Whether the site is near enough to be drawn."""
    return card.site is not None and min(apart_km(o, card.site.aoi) for o in card.outlines) < _FAR_KM


def _middle(ring: Sequence[ink.Point]) -> ink.Point:
    xs, ys = zip(*ring, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _seen(ring: Sequence[ink.Point], arm: float) -> Sequence[ink.Point]:
    """A ring, or a box in its place where it is smaller than the eye finds."""
    xs, ys = zip(*ring, strict=True)
    if max(xs) - min(xs) + max(ys) - min(ys) >= 2 * arm:
        return ring
    x, y = _middle(ring)
    return [(x + dx * arm, y + dy * arm) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))]


def _rings(area: BaseGeometry, grid: GeoBox) -> list[list[ink.Point]]:
    found = []
    for part in getattr(area, "geoms", [area]):
        lons, lats = zip(*((point[0], point[1]) for point in part.exterior.coords), strict=True)
        found.append([(float(x), float(y)) for x, y in to_pixels(grid, lons, lats)])
    return found


def _legend(drawn: panel.Panel, card: Card) -> None:
    entries = [(_IMAGE, "this image")] + (
        [(_AOI, f"{card.site.name} (AOI)")] if card.site is not None else []
    )
    width = 60 + max(ink.width_of(text, 17) for _, text in entries)
    box = (8.0, 8.0, 8 + width, 14 + 26.0 * len(entries))
    ink.panel_box(drawn.image, box, alpha=0.6)
    for i, (colour, text) in enumerate(entries):
        y = 24 + 26 * i
        ink.line(drawn.draw, [(18, y), (46, y)], colour, width=3)
        ink.write(drawn.draw, (56, y), text, 17, ink.PAPER, anchor="lm")
    drawn.placer.taken.append(box)
