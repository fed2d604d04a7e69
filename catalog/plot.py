"""A plain diagram drawn with Pillow: axes, lines, points with error bars, a legend."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL import Image, ImageDraw

from catalog.ink import INK, PAPER, QUIET, Colour, Point, line, width_of, wrapped, write

SIZE_PX = (900, 640)
_LEFT, _TOP, _RIGHT, _BOTTOM = 84, 76, 30, 104
_GRID: Colour = (222, 226, 231)
_MARK_PX = 5
_LEGEND_PX = 15

SERIES_COLOURS: tuple[Colour, ...] = ((0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167))
"""After Okabe and Ito, dark enough for lines on white."""

SERIES_DASHES: tuple[tuple[float, ...], ...] = ((), (12, 6), (3, 5), (16, 5, 3, 5))


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis.

    Parameters
    ----------
    title : str
    low, high : float
    ticks : sequence of float
    log : bool
    """

    title: str
    low: float
    high: float
    ticks: Sequence[float]
    log: bool = False

    def share(self, value: float) -> float:
        """Where a value lies along the axis, 0-1; values beyond an end lie on it."""
        scale: Callable[[float], float] = math.log10 if self.log else float
        value = min(max(value, self.low), self.high)
        return (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))


@dataclass(frozen=True, kw_only=True, eq=False)
class Diagram:
    """An empty diagram to draw on.

    Parameters
    ----------
    image : Image
    x, y : Axis
    entries : list of (str, int)
        Legend so far: name and number of the series.
    """

    image: Image.Image
    x: Axis
    y: Axis
    entries: list[tuple[str, int]] = field(default_factory=list)

    def at(self, x: float, y: float) -> Point:
        """Pixel position of a value pair."""
        wide, high = SIZE_PX[0] - _LEFT - _RIGHT, SIZE_PX[1] - _TOP - _BOTTOM
        return _LEFT + self.x.share(x) * wide, SIZE_PX[1] - _BOTTOM - self.y.share(y) * high

    def draw_line(self, points: Sequence[Point], series: int, name: str | None) -> None:
        """A line through value pairs; `name` puts it into the legend."""
        if len(points) > 1:
            line(
                ImageDraw.Draw(self.image), [self.at(*p) for p in points], SERIES_COLOURS[series % 4],
                dashes=SERIES_DASHES[series % 4], cased=False,
            )  # fmt: skip
        if name:
            self.entries.append((name, series))

    def draw_point(self, x: float, y: float, series: int, *, low: float, high: float) -> None:
        """A point with a vertical error bar."""
        draw = ImageDraw.Draw(self.image)
        colour = SERIES_COLOURS[series % 4]
        (col, row), bottom, top = self.at(x, y), self.at(x, low), self.at(x, high)
        draw.line([bottom, top], fill=colour, width=2)
        for end in (bottom, top):
            draw.line([(end[0] - 4, end[1]), (end[0] + 4, end[1])], fill=colour, width=2)
        draw.ellipse([col - _MARK_PX, row - _MARK_PX, col + _MARK_PX, row + _MARK_PX], fill=colour)

    def draw_legend(self, col: float, row: float) -> None:
        """What the lines are, from a pixel position down."""
        draw = ImageDraw.Draw(self.image)
        wide = max((width_of(name, _LEGEND_PX) for name, _ in self.entries), default=0.0)
        draw.rectangle(
            [col - 10, row - 16, col + 64 + wide, row + 22 * len(self.entries) - 6], fill=PAPER, outline=_GRID
        )
        for index, (name, series) in enumerate(self.entries):
            y = row + 22 * index
            line(
                draw, [(col, y), (col + 44, y)], SERIES_COLOURS[series % 4], dashes=SERIES_DASHES[series % 4],
                cased=False,
            )  # fmt: skip
            write(draw, (col + 54, y), name, _LEGEND_PX, anchor="lm")


def diagram(title: str, x: Axis, y: Axis, *, note: str) -> Diagram:
    """Axes, grid, title and a note below."""
    image = Image.new("RGB", SIZE_PX, PAPER)
    draw = ImageDraw.Draw(image)
    found = Diagram(image=image, x=x, y=y)
    write(draw, (_LEFT, 16), title, 21)
    for tick in x.ticks:
        col, row = found.at(tick, y.low)
        draw.line([(col, row), found.at(tick, y.high)], fill=_GRID)
        write(draw, (col, row + 8), f"{tick:g}", 14, QUIET, anchor="ma")
    for tick in y.ticks:
        col, row = found.at(x.low, tick)
        draw.line([(col, row), found.at(x.high, tick)], fill=_GRID)
        write(draw, (col - 8, row), f"{tick:g}", 14, QUIET, anchor="rm")
    draw.line([found.at(x.low, y.high), found.at(x.low, y.low), found.at(x.high, y.low)], fill=INK, width=2)
    write(draw, ((_LEFT + SIZE_PX[0] - _RIGHT) / 2, SIZE_PX[1] - _BOTTOM + 30), x.title, 16, anchor="ma")
    write(draw, (_LEFT - 60, _TOP - 24), y.title, 16)
    for index, words in enumerate(wrapped(note, 13, SIZE_PX[0] - _LEFT - _RIGHT)):
        write(draw, (_LEFT, SIZE_PX[1] - 46 + 17 * index), words, 13, QUIET)
    return found
