"""What lies about in yards and on aprons all the time: parked cars, sheds, crates, stains."""

import math

import numpy as np
import shapely
import shapely.prepared
from shapely.geometry.base import BaseGeometry

from imagery.simulate.material import Colour
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import Stripe
from imagery.simulate.structure import ROOFS, building
from imagery.simulate.thing import ellipse, set_down, shaded
from imagery.simulate.vehicle import CARS, CONTAINERS_20, CONTAINERS_40, TRUCK, TRUCK_LONG

_OIL: Colour = (0.05, 0.05, 0.05, 0.06)
_TYPES = (*CARS, TRUCK, TRUCK_LONG, *CONTAINERS_20[:3], *CONTAINERS_40[:2])
_SHED_EVERY = 3


def clutter(
    area: BaseGeometry, count: int, *, heading_deg: float, rng: np.random.Generator
) -> list[Placement]:
    """Rows of parked things and small sheds in a yard, square to `heading_deg`; they never change."""
    placed = []
    for number, (x, y) in enumerate(_spots(area.buffer(-12), count, rng)):
        draw = rng.random(5)
        if number % _SHED_EVERY == 0:
            shed = building(
                5 + 9 * draw[0], 4 + 5 * draw[1], 3 + 2 * draw[2], shaded(ROOFS[int(7 * draw[3])], 0.9)
            )
            placed.append(Placement(unit="shed", thing=shed, x=x, y=y, heading_deg=heading_deg))
            continue
        thing = _TYPES[int(draw[0] * len(_TYPES))]
        turn = math.radians(heading_deg)
        for position in range(1 + int(5 * draw[1] ** 2)):
            away = position * (thing.width_m + 1.2)
            placed.append(
                Placement(
                    unit="parked",
                    thing=thing,
                    x=x + away * math.cos(turn),
                    y=y - away * math.sin(turn),
                    heading_deg=heading_deg + 3 * draw[2],
                )
            )
    return placed


def stains(area: BaseGeometry, count: int, *, heading_deg: float, rng: np.random.Generator) -> list[Stripe]:
    """Oil, patches and worn tracks on pavement."""
    found = []
    for x, y in _spots(area, count, rng):
        draw = rng.random(4)
        long_m, wide_m = 3 + 22 * draw[0] ** 2, 1.5 + 5 * draw[1] ** 2
        outline = set_down(ellipse(long_m, wide_m), x, y, heading_deg + 90 * (draw[2] > 0.7))
        found.append(Stripe(outline=outline, colour=_OIL, opacity=0.06 + 0.16 * draw[3]))
    return found


def _spots(area: BaseGeometry, count: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    if area.is_empty:
        return []
    west, south, east, north = area.bounds
    inside = shapely.prepared.prep(area)
    draws = rng.random((count, 2)) * (east - west, north - south) + (west, south)
    return [(float(x), float(y)) for x, y in draws if inside.contains(shapely.Point(x, y))]
