"""Fields and town blocks: a rectangle cut again and again."""

import math

import numpy as np
import shapely
import shapely.prepared
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

from imagery.simulate.placement import Placement
from imagery.simulate.structure import ROOFS, building, tree
from imagery.simulate.thing import shaded

Box = tuple[float, float, float, float]


def cut(box: Box, smallest_m: float, largest_m: float, rng: np.random.Generator) -> list[Box]:
    """Cut a box (west, south, east, north) into parts whose longer side is below a random limit."""
    west, south, east, north = box
    wide, high = east - west, north - south
    if max(wide, high) < rng.uniform(smallest_m, largest_m) or min(wide, high) < smallest_m / 2:
        return [box]
    share = rng.uniform(0.35, 0.65)
    if wide > high:
        at = west + share * wide
        halves: tuple[Box, Box] = (west, south, at, north), (at, south, east, north)
    else:
        at = south + share * high
        halves = (west, south, east, at), (west, at, east, north)
    return [part for half in halves for part in cut(half, smallest_m, largest_m, rng)]


def fields(box: Box, *, turn_deg: float, rng: np.random.Generator) -> list[BaseGeometry]:
    """Parcels over a box, turned about its centre, with a narrow track between them."""
    west, south, east, north = box
    centre = (west + east) / 2, (south + north) / 2
    reach = 0.75 * max(east - west, north - south)
    wide = (centre[0] - reach, centre[1] - reach, centre[0] + reach, centre[1] + reach)
    parts = cut(wide, 90, 260, rng)
    return [rotate(shapely.box(*part).buffer(-2.0), turn_deg, origin=centre) for part in parts]


def town(
    area: BaseGeometry, *, turn_deg: float, seed_rng: np.random.Generator, tall: float = 1.0
) -> list[Placement]:
    """Houses along the streets of a built-up area; `tall` scales their height."""
    rng = seed_rng
    west, south, east, north = area.bounds
    centre = (west + east) / 2, (south + north) / 2
    lean = abs(math.sin(math.radians(turn_deg)))
    across, along = (east - west + lean * (north - south)) / 2, (north - south + lean * (east - west)) / 2
    wide = (centre[0] - across, centre[1] - along, centre[0] + across, centre[1] + along)
    inside = shapely.prepared.prep(area.buffer(-9))
    placed: list[Placement] = []
    for block in cut(wide, 80, 150, rng):
        for lot in cut((block[0] + 5, block[1] + 5, block[2] - 5, block[3] - 5), 38, 58, rng):
            draw = rng.random(6)
            long_m, wide_m = (
                (lot[2] - lot[0]) * (0.6 + 0.3 * draw[0]),
                (lot[3] - lot[1]) * (0.6 + 0.3 * draw[1]),
            )
            spot = rotate(
                shapely.Point((lot[0] + lot[2]) / 2, (lot[1] + lot[3]) / 2), turn_deg, origin=centre
            )
            if min(long_m, wide_m) < 7 or draw[2] < 0.12 or not inside.contains(spot):
                continue
            height = tall * (4 + 14 * draw[3] ** 1.5)
            roof = shaded(ROOFS[int(draw[4] * len(ROOFS))], 0.85 + 0.3 * draw[5])
            placed.append(
                Placement(
                    unit="house",
                    thing=building(wide_m, long_m, height, roof),
                    x=spot.x,
                    y=spot.y,
                    heading_deg=-turn_deg,
                )
            )
    return placed


def trees_along(path: shapely.LineString, spacing_m: float, rng: np.random.Generator) -> list[Placement]:
    """A row of trees with gaps."""
    found = []
    for at in np.arange(0, path.length, spacing_m):
        draw = rng.random(4)
        if draw[0] > 0.25:
            spot = path.interpolate(at)
            found.append(_tree(spot.x + 2 * draw[1], spot.y + 2 * draw[2], draw[3]))
    return found


def trees_in(area: BaseGeometry, count: int, rng: np.random.Generator) -> list[Placement]:
    """Trees here and there."""
    west, south, east, north = area.bounds
    inside = shapely.prepared.prep(area)
    draws = rng.random((count, 3))
    spots = [(west + a * (east - west), south + b * (north - south), c) for a, b, c in draws]
    return [_tree(x, y, c) for x, y, c in spots if inside.contains(shapely.Point(x, y))]


def _tree(x: float, y: float, draw: float) -> Placement:
    crown = round(4.0 + 5.0 * draw, 1)
    return Placement(unit="tree", thing=tree(crown, 0.75 + 0.6 * draw), x=x, y=y, heading_deg=360 * draw)
