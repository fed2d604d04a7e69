"""Drawing with Pillow: the bundled font, colours that colour-blind people can tell apart, dashed lines."""

import itertools
import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from catalog.errors import CatalogError

Point = tuple[float, float]
Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Draw = ImageDraw.ImageDraw

INK: Colour = (24, 28, 34)
QUIET: Colour = (92, 99, 110)
PAPER: Colour = (255, 255, 255)
SHADE: Colour = (240, 242, 245)
WARNING: Colour = (240, 228, 66)

KIND_COLOURS: dict[str, Colour] = {
    "appeared": (86, 180, 233),
    "vanished": (240, 140, 0),
    "moved": (255, 210, 230),
}
"""After Okabe and Ito: sky blue, orange (darkened a little), and a pink so pale that no colour-blind eye takes it for
one of the others; the review desk has the same."""

KIND_LETTERS = {"appeared": "A", "vanished": "V", "moved": "M"}
KIND_DASHES: dict[str, tuple[float, ...]] = {"appeared": (), "vanished": (12, 6), "moved": (16, 5, 3, 5)}
"""Line styles, so that colour is never the only cue: solid, dashed, dash-dot."""

_PNG = (
    cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP,
)  # fmt: skip
"""One filter, not the best of five for each row: half the time, and as small where enlarged images repeat rows."""

_INSTEAD = {  # multiplication sign, dashes, powers, quotes and letters that have no accent to drop
    "\u00d7": "x",
    "\u2013": "-",
    "\u2014": "-",
    "\u2212": "-",
    "\u00b2": "2",
    "\u00b3": "3",
    "\u00b5": "u",
    "\u2192": "->",
    "\u2265": ">=",
    "\u2264": "<=",
    "\u2248": "~",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2018": "'",
    "\u2019": "'",
    "\u00df": "ss",
    "\u00f8": "o",
    "\u00d8": "O",
    "\u0142": "l",
    "\u0131": "i",
    "\u00e6": "ae",
    "\u02bf": "'",
    "\u02be": "'",
    "\u00a0": " ",
    "\n": " ",
    "\t": " ",
}


@cache
def font(size_px: int) -> Font:
    """The font that comes with Pillow: no system font is needed."""
    return ImageFont.load_default(size_px)


def drawable(text: str) -> str:
    """`text` in the letters that the font has: accents dropped, signs spelled out, the rest as ``?``."""
    return "".join(_drawable_char(char) for char in text)


@cache
def _drawable_char(char: str) -> str:
    if char in _INSTEAD:
        return _INSTEAD[char]
    if _has_glyph(char):
        return char
    bare = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    if bare != char:
        return drawable(bare)
    return "" if unicodedata.combining(char) else "?"


@cache
def _has_glyph(char: str) -> bool:
    face = font(20)
    missing = bytes(face.getmask("\U0010fffd"))
    return char.isprintable() and (char == " " or bytes(face.getmask(char)) != missing)


def width_of(text: str, size_px: int) -> float:
    """Width of a line of text."""
    return float(font(size_px).getlength(drawable(text)))


def write(
    draw: Draw,
    at: Point,
    text: str,
    size_px: int,
    fill: Colour = INK,
    *,
    anchor: str = "la",
    halo: bool = False,
) -> None:
    """A line of text; `halo` gives it a dark rim to be read over an image."""
    rim: dict[str, Any] = {"stroke_width": _stroke_px(size_px), "stroke_fill": (0, 0, 0)} if halo else {}
    draw.text(at, drawable(text), font=font(size_px), fill=fill, anchor=anchor, **rim)


@dataclass(frozen=True)
class Stamp:
    """A line of text with a dark rim, drawn once to be put on many pictures.

    Parameters
    ----------
    rim, text : PIL image
        How much of the rim and of the text covers each pixel.
    offset : (int, int)
        From the point that the text is anchored at to the upper left pixel.
    """

    rim: Image.Image
    text: Image.Image
    offset: tuple[int, int]

    def put(self, image: Image.Image, at: tuple[int, int], fill: Colour) -> None:
        """As `write` with a halo."""
        corner = (at[0] + self.offset[0], at[1] + self.offset[1])
        image.paste((0, 0, 0), corner, self.rim)
        image.paste(fill, corner, self.text)


@cache
def stamp(text: str, size_px: int, anchor: str = "la") -> Stamp:
    """The stamp of a short text."""
    stroke, words = _stroke_px(size_px), drawable(text)
    reach = (size_px + stroke) * (len(words) + 2)
    masks = []
    for width in (stroke, 0):
        mask = Image.new("L", (2 * reach, 4 * size_px))
        ImageDraw.Draw(mask).text(
            (reach, 2 * size_px), words, font=font(size_px), fill=255, anchor=anchor, stroke_width=width
        )
        masks.append(mask)
    box = masks[0].getbbox() or (reach, 2 * size_px, reach + 1, 2 * size_px + 1)
    rim, inner = (mask.crop(box) for mask in masks)
    return Stamp(rim, inner, (box[0] - reach, box[1] - 2 * size_px))


def _stroke_px(size_px: int) -> int:
    return max(2, size_px // 9)


def save(image: Image.Image, path: Path) -> None:
    """Write an RGB picture as PNG."""
    bgr = cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)
    written, data = cv2.imencode(".png", bgr, _PNG)
    if not written:
        raise CatalogError(f"OpenCV cannot encode {path.name}")
    path.write_bytes(data.data)


def shortened(text: str, size_px: int, width_px: float) -> str:
    """`text`, cut with dots where it is wider than `width_px`."""
    if _at_most(drawable(text), size_px) <= width_px or width_of(text, size_px) <= width_px:
        return text
    # Halving, since names may be as long as somebody likes: one letter at a time took minutes.
    fits, too_long = 0, len(text) + 1
    while too_long - fits > 1:
        half = (fits + too_long) // 2
        if width_of(text[:half] + "...", size_px) <= width_px:
            fits = half
        else:
            too_long = half
    return text[:fits].rstrip() + "..."


def _at_most(words: str, size_px: int) -> float:
    """A width that drawn `words` do not exceed, from those of their letters; measuring a line takes much longer."""
    return sum(_room(char, size_px) for char in words)


@cache
def _room(char: str, size_px: int) -> float:
    return float(font(size_px).getlength(char)) + 1.0  # neighbours may stand further apart than each asks for


def wrapped(text: str, size_px: int, width_px: float) -> list[str]:
    """`text` in lines no wider than `width_px`; a single longer word is cut."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", size_px) <= width_px:
            lines[-1] += f" {word}"
        else:
            lines.append(shortened(word, size_px, width_px))
    return lines


def line(
    draw: Draw, points: Sequence[Point], colour: Colour, *, width: int = 3, dashes: Sequence[float] = (),
    cased: bool = True,
) -> None:  # fmt: skip
    """A line with a dark casing, so that it shows on bright and on dark ground."""
    pieces = _dashed(points, dashes) if dashes else [list(points)]
    if cased:
        for piece in pieces:
            draw.line(piece, fill=(0, 0, 0), width=width + 2, joint="curve")
    for piece in pieces:
        draw.line(piece, fill=colour, width=width, joint="curve")


def _dashed(points: Sequence[Point], dashes: Sequence[float]) -> list[list[Point]]:
    """Cut a line into drawn pieces; `dashes` are lengths drawn and skipped in turn."""
    pieces: list[list[Point]] = []
    index, left = 0, dashes[0]
    current: list[Point] = [points[0]]
    for start, end in itertools.pairwise(points):
        length = math.dist(start, end)
        done = 0.0
        while length - done > left:
            done += left
            part = done / length
            cut = (start[0] + (end[0] - start[0]) * part, start[1] + (end[1] - start[1]) * part)
            if index % 2 == 0:
                pieces.append([*current, cut])
            current = [cut]
            index += 1
            left = dashes[index % len(dashes)]
        left -= length - done
        current.append(end)
    if index % 2 == 0 and len(current) > 1:
        pieces.append(current)
    return pieces


def corners(draw: Draw, box: tuple[float, float, float, float], colour: Colour, *, width: int = 2) -> None:
    """The four corners of a box: the place where something stood or will stand, on the other date."""
    x0, y0, x1, y1 = box
    arm = max(4.0, min(14.0, (x1 - x0) / 3, (y1 - y0) / 3))
    for x, y, dx, dy in ((x0, y0, arm, arm), (x1, y0, -arm, arm), (x0, y1, arm, -arm), (x1, y1, -arm, -arm)):
        line(draw, [(x + dx, y), (x, y), (x, y + dy)], colour, width=width)


def arrow(draw: Draw, start: Point, end: Point, colour: Colour, *, width: int = 3) -> None:
    """A line with a filled head at `end`."""
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    head = 4.5 * width
    wings = [
        (end[0] - head * math.cos(angle + turn), end[1] - head * math.sin(angle + turn))
        for turn in (0.45, -0.45)
    ]
    base = ((wings[0][0] + wings[1][0]) / 2, (wings[0][1] + wings[1][1]) / 2)
    line(draw, [start, base], colour, width=width)
    draw.polygon([end, *wings], fill=colour, outline=(0, 0, 0))


def panel_box(image: Image.Image, box: tuple[float, float, float, float], *, alpha: float = 0.55) -> None:
    """Darken a box of the picture, as ground for white text."""
    x0, y0, x1, y1 = (round(value) for value in box)
    region = image.crop((x0, y0, x1, y1))
    image.paste(Image.blend(region, Image.new("RGB", region.size, (0, 0, 0)), alpha), (x0, y0))
