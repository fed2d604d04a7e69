"""One date of the overlay: the image with what was found on it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from odc.geo.geobox import GeoBox
from PIL import Image, ImageDraw
from scipy import ndimage
from shapely.geometry import Polygon

from catalog import ink
from catalog.geometry import north_deg, to_pixels
from catalog.labels import Box, Placer, leader
from catalog.stretch import ByteImage
from imagery.raster import BoolArray
from imagery.site import Site
from models.change import Change
from models.detect import Detection

Date = Literal["before", "after"]

LABEL_PX = 19
ZONE_PX = 16
SMALLEST_BOX_PX = 16
LABELLED = 30
"""Changes that get a label and a mark on the other date, best first: those of the list. Others get an outline."""
MARGIN_PX = 4.0
"""Free space between an object and its outline."""

SMALLEST_PATCH_PX = 24
"""Half width of a hatched patch that gets words; a thin rim explains itself."""

_HATCH_STEP_PX = 16
_ZONE_COLOUR: ink.Colour = (255, 255, 255)


@dataclass(kw_only=True)
class Panel:
    """A date's picture while it is being drawn.

    Parameters
    ----------
    image : PIL image
    date : {"before", "after"}
    scale : float
        Picture pixels per grid pixel.
    grid : GeoBox
    placer : Placer
    """

    image: Image.Image
    date: Date
    scale: float
    grid: GeoBox
    placer: Placer = field(init=False)

    def __post_init__(self) -> None:
        width, height = self.image.size
        self.placer = Placer(frame=(2, 2, width - 2, height - 2), objects=[])

    @property
    def draw(self) -> ImageDraw.ImageDraw:
        """A pen for the image."""
        return ImageDraw.Draw(self.image)

    def points(self, ring: Sequence[tuple[float, float]]) -> list[ink.Point]:
        """Grid (col, row) to picture (x, y)."""
        return [(col * self.scale, row * self.scale) for col, row in ring]

    def box(self, place: Detection) -> Box:
        """Where an object is in the picture, never smaller than the eye finds."""
        col0, row0, col1, row1 = (value * self.scale for value in place.bbox_px)
        x, y = (col0 + col1) / 2, (row0 + row1) / 2
        half_width = max(SMALLEST_BOX_PX, col1 - col0 + 6) / 2
        half_height = max(SMALLEST_BOX_PX, row1 - row0 + 6) / 2
        return x - half_width, y - half_height, x + half_width, y + half_height


def hatched(picture: ByteImage, unseen: BoolArray, *, over_image: bool) -> ByteImage:
    """`picture` with diagonal lines over what was not assessed.

    Parameters
    ----------
    picture : uint8 (row, col, 3)
    unseen : bool (row, col)
    over_image : bool
        True where there is an image below, which then is only dimmed.
    """
    rows, cols = unseen.shape
    phase = np.add.outer(np.arange(rows), np.arange(cols)) % _HATCH_STEP_PX
    lines = unseen & (phase < 2)
    out = picture.astype(np.float32)
    if over_image:
        out[unseen] = out[unseen] * 0.72 + 0.28 * 110
    out[lines] = out[lines] * 0.35 + 0.65 * 235
    return np.rint(out).astype(np.uint8)


def mark_unseen(panel: Panel, unseen: BoolArray, words: str) -> None:
    """Write into the largest hatched patch that it was not assessed, and why."""
    patches, count = ndimage.label(unseen)
    if not count:
        return
    sizes = np.bincount(patches.ravel())[1:]
    depth = ndimage.distance_transform_edt(np.pad(patches == sizes.argmax() + 1, 1))[1:-1, 1:-1]
    if depth.max() < SMALLEST_PATCH_PX:
        return
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    lines = ["NOT ASSESSED", *ink.wrapped(words, ZONE_PX, 260)[:3]]
    width = max(ink.width_of(text, ZONE_PX) for text in lines) + 16
    height = 22 * len(lines) + 8
    x = min(max(float(col) - width / 2, 4), panel.image.width - width - 4)
    y = min(max(float(row) - height / 2, 4), panel.image.height - height - 4)
    box = (x, y, x + width, y + height)
    ink.panel_box(panel.image, box, alpha=0.7)
    for i, text in enumerate(lines):
        ink.write(panel.draw, (x + width / 2, y + 6 + 22 * i), text, ZONE_PX, ink.PAPER, anchor="ma")
    panel.placer.taken.append(box)


def draw_zones(panel: Panel, site: Site) -> list[tuple[str, Box]]:
    """Outlines of the zones, thin and dashed; returns their names and where they want to stand."""
    names = []
    frame = (0.0, 0.0, float(panel.image.width), float(panel.image.height))
    for zone in site.zones.values():
        for part in getattr(zone.geometry, "geoms", [zone.geometry]):
            ring = getattr(part, "exterior", part)
            lons, lats = zip(*((point[0], point[1]) for point in ring.coords), strict=True)
            points = panel.points(to_pixels(panel.grid, lons, lats))
            if len(points) < 2 or not _touches(points, frame):
                continue
            ink.line(panel.draw, points, _ZONE_COLOUR, width=1, dashes=(7, 6))
            names.append((zone.name, _visible_box(points, frame)))
    return names


def _touches(points: Sequence[ink.Point], frame: Box) -> bool:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs) < frame[2] and max(xs) > 0 and min(ys) < frame[3] and max(ys) > 0


def _visible_box(points: Sequence[ink.Point], frame: Box) -> Box:
    xs, ys = zip(*points, strict=True)
    return max(min(xs), 0.0), max(min(ys), 0.0), min(max(xs), frame[2]), min(max(ys), frame[3])


def name_zones(panel: Panel, names: Sequence[tuple[str, Box]]) -> None:
    """Zone names, each where there is still room, inside or beside its zone."""
    for name, (x0, y0, x1, y1) in names:
        text = ink.shortened(name, ZONE_PX, 260)
        size = (ink.width_of(text, ZONE_PX) + 6, ZONE_PX + 6.0)
        anchors = [
            (x0, y0, x0, y0),
            ((x0 + x1) / 2, (y0 + y1) / 2, (x0 + x1) / 2, (y0 + y1) / 2),
            (x0, y1, x0, y1),
        ]
        for anchor in anchors:
            box = panel.placer.place(anchor, size)
            if box:
                ink.write(panel.draw, (box[0] + 3, box[1] + 2), text, ZONE_PX, _ZONE_COLOUR, halo=True)
                break


def draw_changes(panel: Panel, changes: Sequence[Change], tags: Mapping[str, str]) -> None:
    """Outlines of all changes and labels of the best ones."""
    standing = [(c, place) for c in changes if (place := getattr(c, panel.date)) is not None]
    panel.placer.objects = [panel.box(place) for _, place in standing]
    for rank in reversed(range(len(changes))):
        _draw_outlines(panel, changes[rank], leading=rank < LABELLED)
    leading = {change.id for change in changes[:LABELLED]}
    for change, place in standing:
        if change.id not in leading:
            break
        _draw_label(panel, panel.box(place), tags[change.id], ink.KIND_COLOURS[change.kind])


def _draw_outlines(panel: Panel, change: Change, *, leading: bool) -> None:
    """Whole outline where the object stands on this date, corners only where it stands on the other."""
    colour, dashes = ink.KIND_COLOURS[change.kind], ink.KIND_DASHES[change.kind]
    here: Detection | None = getattr(change, panel.date)
    there = change.before if panel.date == "after" else change.after
    if there is not None and leading:
        ink.corners(panel.draw, panel.box(there), colour, width=2)
    if here is not None:
        ink.line(panel.draw, _outline(panel, here), colour, width=3 if leading else 2, dashes=dashes)
    if change.kind == "moved" and here is not None and there is not None and panel.date == "after":
        _draw_path(panel, there, here, colour)


def _outline(panel: Panel, place: Detection) -> list[ink.Point]:
    x0, y0, x1, y1 = panel.box(place)
    col0, row0, col1, row1 = place.bbox_px
    if max(col1 - col0, row1 - row0) * panel.scale < SMALLEST_BOX_PX:
        return [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    return rounded(panel.points(place.outline_px))


def rounded(points: Sequence[ink.Point]) -> list[ink.Point]:
    """A smooth closed line a little outside a ring, so that the object itself stays visible."""
    coarse = Polygon(points).simplify(1.0, preserve_topology=False)
    shape = (Polygon(points) if coarse.is_empty else coarse).buffer(MARGIN_PX * 2.5, quad_segs=3)
    shape = shape.buffer(-MARGIN_PX * 1.5, quad_segs=3)
    parts = [
        part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon) and not part.is_empty
    ]
    if not parts:
        return list(points)
    return [(x, y) for x, y in max(parts, key=lambda part: part.area).exterior.coords]


def _draw_path(panel: Panel, start: Detection, end: Detection, colour: ink.Colour) -> None:
    (x0, y0), (x1, y1) = panel.points([start.centroid_px, end.centroid_px])
    length = math.hypot(x1 - x0, y1 - y0)
    box = panel.box(end)
    reach = min(length * 0.45, max(box[2] - box[0], box[3] - box[1]) / 2)
    if length > 24:
        stop = (x1 - (x1 - x0) * reach / length, y1 - (y1 - y0) * reach / length)
        ink.arrow(panel.draw, (x0, y0), stop, colour, width=3)


def _draw_label(panel: Panel, target: Box, text: str, colour: ink.Colour) -> None:
    size = (ink.width_of(text, LABEL_PX) + 8, LABEL_PX + 5.0)
    box = panel.placer.place(target, size)
    if box is None:
        return
    if ends := leader(box, target):
        ink.line(panel.draw, ends, colour, width=2)
    panel.draw.rectangle(box, fill=(18, 20, 24), outline=colour, width=1)
    ink.write(
        panel.draw, ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), text, LABEL_PX, ink.PAPER, anchor="mm"
    )


def draw_scale_bar(panel: Panel, gsd_m: float) -> None:
    """A bar of a round length in the lower left corner."""
    metres = round_length_m(panel.image.width * 0.24 * gsd_m / panel.scale)
    length = metres * panel.scale / gsd_m
    text = f"{metres:g} m" if metres < 1000 else f"{metres / 1000:g} km"
    width, y = max(length, ink.width_of(text, LABEL_PX)) + 24, panel.image.height - 8
    box = (8.0, y - 44.0, 8 + width, float(y))
    ink.panel_box(panel.image, box, alpha=0.6)
    draw = panel.draw
    draw.rectangle((20, y - 16, 20 + length, y - 9), fill=ink.PAPER, outline=(0, 0, 0))
    draw.rectangle((20, y - 16, 20 + length / 2, y - 9), fill=(0, 0, 0), outline=ink.PAPER)
    ink.write(draw, (20, y - 42), text, LABEL_PX, ink.PAPER)
    panel.placer.taken.append(box)


def round_length_m(longest_m: float) -> float:
    """The largest of 1, 2, 5 times a power of ten that is not above `longest_m`."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest_m * (1 + 1e-9))


def draw_north(panel: Panel) -> None:
    """An arrow to true north in the upper right corner; nothing where north is not known."""
    angle = north_deg(panel.grid)
    if angle is None:
        return
    x, y = panel.image.width - 42.0, 46.0
    box = (x - 34, y - 38, x + 34, y + 38)
    ink.panel_box(panel.image, box, alpha=0.6)
    east, up = math.sin(math.radians(angle)), -math.cos(math.radians(angle))
    ink.arrow(panel.draw, (x - 24 * east, y - 24 * up), (x + 14 * east, y + 14 * up), ink.PAPER, width=3)
    ink.write(panel.draw, (x + 26 * east, y + 26 * up), "N", LABEL_PX, ink.PAPER, anchor="mm")
    panel.placer.taken.append(box)


def stamp(image: Image.Image, text: str) -> None:
    """Large see-through words across the picture."""
    width, height = image.size
    size = max(12, round(width / (0.62 * len(text))))
    layer = Image.new("L", image.size, 0)
    pen: Any = ImageDraw.Draw(layer)
    pen.text((width / 2, height / 2), text, font=ink.font(size), fill=100, anchor="mm")
    turned = layer.rotate(24, resample=Image.Resampling.BILINEAR)
    image.paste(Image.new("RGB", image.size, ink.WARNING), (0, 0), turned)
