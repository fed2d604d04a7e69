"""Who stands where on each of two dates: aircraft, what serves them, cars; and what else the ground shows on a date."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from benchmarks.airport_plan import SIDE_M, Airport, Stand
from imagery.simulate.airliner import random_airliner
from imagery.simulate.material import Colour
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import Stripe
from imagery.simulate.structure import ROOFS
from imagery.simulate.thing import Part, Points, Thing, ellipse, rectangle, set_down, shaded
from imagery.simulate.truth import footprint
from imagery.simulate.vehicle import CONTAINERS_20, truck

_SERVICE = (
    ("tug", 5.0, 2.4, 1.6), ("van", 5.6, 2.1, 2.4), ("loader", 8.0, 2.6, 2.6), ("stairs", 7.5, 2.3, 3.5),
    ("bus", 12.2, 2.9, 3.0), ("catering", 9.0, 2.5, 4.0), ("dollies", 9.0, 2.2, 1.5), ("dollies", 13.0, 2.2, 1.5),
    ("belt", 7.0, 2.0, 1.8), ("cart", 3.2, 1.7, 1.5), ("unit", 4.2, 2.0, 1.8),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Dates:
    """What stands there on each date, and what else the ground shows.

    Parameters
    ----------
    before, after : tuple of Placement
    passing : (tuple of Placement, tuple of Placement)
        Bridges and the like on each date: they change and are not labelled.
    marks : (tuple of Stripe, tuple of Stripe)
        Paint, patches and puddles of each date.
    """

    before: tuple[Placement, ...]
    after: tuple[Placement, ...]
    passing: tuple[tuple[Placement, ...], tuple[Placement, ...]]
    marks: tuple[tuple[Stripe, ...], tuple[Stripe, ...]]


def dates_of(port: Airport, number: int) -> Dates:
    """Two dates of an airport."""
    rng = np.random.default_rng([number, 314159])
    there: tuple[list[Placement], list[Placement]] = [], []
    busy = float(rng.uniform(0.35, 0.8))
    stays = float(rng.uniform(0.05, 0.5))
    for stand in port.stands:
        first = _parked(stand, rng) if rng.random() < busy else None
        if first is not None and rng.random() < stays:
            second = first
        else:
            second = _parked(stand, rng) if rng.random() < busy else None
        for placements, plane in zip(there, (first, second), strict=True):
            # Wing to wing is seen, wing in wing is not.
            if plane is not None and not any(footprint(plane).intersects(footprint(o)) for o in placements):
                placements.append(plane)
    for placements in there:
        placements.extend(_service(tuple(placements), port.apron, rng))
    common = _loose(port, int(rng.integers(0, 60)), rng)
    lots = _cars(port, rng)
    before, after = (
        _free([*placements, *common, *cars, *_loose(port, int(rng.integers(0, 50)), rng)])
        for placements, cars in zip(there, lots, strict=True)
    )
    return Dates(
        before=tuple(before), after=tuple(after), passing=(tuple(_bridges(port, rng)), tuple(_bridges(port, rng))),
        marks=(tuple(_marks(rng)), tuple(_marks(rng))),
    )  # fmt: skip


def _parked(stand: Stand, rng: np.random.Generator) -> Placement:
    thing = random_airliner(rng, stand.most_m)
    back = thing.length_m / 2 + float(rng.uniform(0, 4))
    turn = stand.heading_deg + float(rng.normal(0, 1.5))
    ahead = math.radians(stand.heading_deg)
    return Placement(
        unit="aircraft", thing=thing, x=stand.x - back * math.sin(ahead) + rng.normal(0, 0.5),
        y=stand.y - back * math.cos(ahead) + rng.normal(0, 0.5), heading_deg=turn,
    )  # fmt: skip


def _paint(rng: np.random.Generator) -> Colour:
    """White and grey mostly, some dark, some of a colour."""
    draw = rng.random()
    if draw < 0.55:
        tone = float(rng.uniform(0.3, 0.7))
        return tone, tone, tone, tone
    if draw < 0.8:
        tone = float(rng.uniform(0.04, 0.14))
        return tone, tone, tone, tone
    blue, green, red, nir = (float(c) for c in rng.uniform(0.04, 0.5, 4))
    return blue, green, red, nir


def vehicle(rng: np.random.Generator) -> Thing:
    """Anything that drives on an apron."""
    if rng.random() < 0.2:
        return truck("fuel truck", float(rng.uniform(7, 17)), 2.5, body=_paint(rng), cab=_paint(rng))
    name, length_m, width_m, top_m = _SERVICE[int(rng.integers(len(_SERVICE)))]
    colour = _paint(rng)
    base = Part(
        outline=rectangle(length_m, width_m), base_m=0.2, top_m=0.7 * top_m, colour=shaded(colour, 0.8)
    )
    load = Part(
        outline=rectangle(length_m * rng.uniform(0.4, 0.9), 0.9 * width_m, length_m * rng.uniform(-0.1, 0.05)),
        base_m=0.2, top_m=top_m, colour=shaded(colour, float(rng.uniform(0.6, 1.3))),
    )  # fmt: skip
    return Thing(name=name, category="vehicle", length_m=length_m, width_m=width_m, parts=(base, load))


def car(rng: np.random.Generator) -> Thing:
    """A car or van with a windscreen."""
    length_m = float(rng.uniform(3.9, 5.6))
    colour = _paint(rng)
    body = Part(outline=rectangle(length_m, 1.85), base_m=0.2, top_m=0.9, colour=colour)
    glass = Part(
        outline=rectangle(0.55 * length_m, 1.65, -0.05 * length_m), base_m=0.8, top_m=1.3, colour=_GLASS
    )
    roof = Part(
        outline=rectangle(0.33 * length_m, 1.6, -0.07 * length_m), base_m=1.2, top_m=1.5, colour=colour
    )
    return Thing(name="car", category="vehicle", length_m=length_m, width_m=1.85, parts=(body, glass, roof))


_GLASS: Colour = (0.08, 0.08, 0.08, 0.08)


def _service(planes: Sequence[Placement], apron: BaseGeometry, rng: np.random.Generator) -> list[Placement]:
    """Vehicles about parked aircraft, some touching them."""
    found = []
    for plane in planes:
        for _ in range(int(rng.poisson(2.5))):
            along = float(rng.uniform(-0.6, 0.65)) * plane.thing.length_m
            side = float(rng.choice([-1, 1])) * rng.uniform(0.07, 0.4) * plane.thing.width_m
            spot = set_down(np.array([[along, side]]), plane.x, plane.y, plane.heading_deg)[0]
            if apron.contains(shapely.Point(spot)):
                heading = plane.heading_deg + float(rng.choice([0, 90, 90, 180, 35])) + rng.normal(0, 6)
                found.append(
                    Placement(unit="service", thing=vehicle(rng), x=spot[0], y=spot[1], heading_deg=heading)
                )
    return found


def _loose(port: Airport, count: int, rng: np.random.Generator) -> list[Placement]:
    """Equipment anywhere on the apron, alone or in rows."""
    found: list[Placement] = []
    bounds = port.apron.intersection(shapely.box(0, 0, SIDE_M, SIDE_M)).bounds
    for _ in range(count):
        x, y = rng.uniform(bounds[0], bounds[2]), rng.uniform(bounds[1], bounds[3])
        if not port.apron.contains(shapely.Point(x, y)):
            continue
        heading, thing = float(rng.uniform(0, 360)), vehicle(rng)
        if rng.random() < 0.15:
            thing = CONTAINERS_20[int(rng.integers(len(CONTAINERS_20)))]
        turn = math.radians(heading)
        for position in range(int(rng.integers(2, 9)) if rng.random() < 0.3 else 1):
            away = position * (thing.width_m + 0.9)
            east, north = x + away * math.cos(turn), y - away * math.sin(turn)
            found.append(Placement(unit="loose", thing=thing, x=east, y=north, heading_deg=heading))
    return found


def _cars(port: Airport, rng: np.random.Generator) -> tuple[list[Placement], list[Placement]]:
    full, swaps = float(rng.uniform(0.2, 0.95)), float(rng.uniform(0.1, 0.8))

    def parked(x: float, y: float, heading: float) -> Placement | None:
        if rng.random() > full:
            return None
        turn = heading + rng.normal(0, 2) + (180 if rng.random() < 0.4 else 0)
        return Placement(
            unit="car", thing=car(rng), x=x + rng.normal(0, 0.15), y=y + rng.normal(0, 0.2), heading_deg=turn
        )

    before, after = [], []
    for lot in port.lots:
        first = parked(*lot)
        second = parked(*lot) if rng.random() < swaps else first
        before += [first] if first else []
        after += [second] if second else []
    return before, after


def _free(placements: Sequence[Placement]) -> list[Placement]:
    """First come, first served where two would overlap."""
    shapes = [footprint(p) for p in placements]
    tree = shapely.STRtree(shapes)
    kept: set[int] = set()
    for number, shape in enumerate(shapes):
        if not any(int(other) in kept for other in tree.query(shape, "intersects")):
            kept.add(number)
    return [placements[number] for number in sorted(kept)]


def _bridges(port: Airport, rng: np.random.Generator) -> list[Placement]:
    """Passenger bridges, swung as they were left."""
    found = []
    for number, stand in enumerate(port.stands):
        if not stand.bridge:
            continue
        long_m = float(rng.uniform(16, 34))
        tone = np.random.default_rng(number).uniform(0.15, 0.5)
        outline_m = rectangle(long_m, 3.2, -long_m / 2)
        colour: Colour = (tone, tone, tone, tone)
        parts = (
            Part(outline=outline_m, base_m=3.5, top_m=6.5, colour=colour),
            Part(outline=rectangle(5, 4.5, -long_m), base_m=3.2, top_m=7.0, colour=shaded(colour, 0.8)),
        )
        thing = Thing(name="bridge", category="bridge", length_m=2 * long_m, width_m=4.5, parts=parts)
        root = set_down(np.array([[10.0, 9.0]]), stand.x, stand.y, stand.heading_deg)[0]
        turn = stand.heading_deg + float(rng.choice([0.0, 15.0, rng.uniform(-45, 45)]))
        found.append(Placement(unit="bridge", thing=thing, x=root[0], y=root[1], heading_deg=turn))
    return found


def _marks(rng: np.random.Generator) -> list[Stripe]:
    """What a date's ground shows besides: repairs, new paint, puddles, spills, turned soil, mown grass."""
    found = []

    def anywhere() -> tuple[float, float]:
        return float(rng.uniform(0, SIDE_M)), float(rng.uniform(0, SIDE_M))

    def grey() -> Colour:
        tone = float(rng.uniform(0.04, 0.4))
        return 0.92 * tone, tone, 1.05 * tone, 1.2 * tone

    def mark(shape: Points, turn_deg: float, colour: Colour, opacity: float) -> None:
        found.append(Stripe(outline=set_down(shape, *anywhere(), turn_deg), colour=colour, opacity=opacity))

    def turn() -> float:
        return float(rng.uniform(0, 360))

    for _ in range(int(rng.integers(0, 14))):  # repairs, dug ground and slabs
        mark(rectangle(rng.uniform(3, 60), rng.uniform(2, 25)), turn(), grey(), float(rng.uniform(0.1, 0.9)))
    for _ in range(int(rng.integers(0, 10))):  # mown or worked ground
        shape = rectangle(rng.uniform(30, 250), rng.uniform(15, 90))
        mark(shape, turn(), grey(), float(rng.uniform(0.05, 0.35)))
    for _ in range(int(rng.integers(0, 60) * (rng.random() < 0.6))):  # damp spots and spills
        shape = ellipse(rng.uniform(2, 40), rng.uniform(1, 12)) * rng.uniform(0.8, 1.2, (12, 1))
        mark(shape, turn(), shaded(ROOFS[4], 0.4), float(rng.uniform(0.05, 0.5)))
    for _ in range(int(rng.integers(0, 16))):  # tyre marks and fresh lines
        bright = rng.random() < 0.5
        colour: Colour = (0.4, 0.42, 0.43, 0.4) if bright else (0.05, 0.05, 0.05, 0.06)
        mark(
            rectangle(rng.uniform(8, 90), rng.uniform(0.2, 1.0)), turn(), colour, float(rng.uniform(0.2, 0.9))
        )
    return found
