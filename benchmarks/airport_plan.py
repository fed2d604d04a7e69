"""Airports that do not exist: aprons, terminals, stands, yards and car parks, laid out anew for every number."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.affinity import rotate
from shapely.geometry.base import BaseGeometry

from imagery.simulate.clutter import clutter, stains
from imagery.simulate.material import Colour
from imagery.simulate.parcels import fields, trees_in
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import Patch, SitePlan, Stripe, strip
from imagery.simulate.structure import ROOFS, building
from imagery.simulate.thing import Part, Thing, rectangle, shaded

SIDE_M = 800.0
_PAVEMENTS = ("concrete", "concrete_old", "asphalt", "asphalt_old", "paved")
_GREENS = (
    ("grass", "grass", "scrub"), ("soil", "sand", "gravel"), ("scrub", "soil", "soil_red"), ("grass", "crop", "gravel"),
)  # fmt: skip
_WHITE: Colour = (0.36, 0.38, 0.39, 0.38)
_YELLOW: Colour = (0.1, 0.27, 0.33, 0.33)
_RED: Colour = (0.06, 0.07, 0.25, 0.28)
_TAR: Colour = (0.05, 0.055, 0.06, 0.07)


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where an aircraft may park: middle of its nose wheel line, heading of its nose, longest that fits."""

    x: float
    y: float
    heading_deg: float
    most_m: float
    bridge: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Airport:
    """What is there on every date, and where things may stand.

    Parameters
    ----------
    plan : SitePlan
        Without events.
    stands : tuple of Stand
    apron : shapely geometry
    lots : tuple of (x, y, heading_deg)
        Marked places for cars.
    latitude_deg : float
    """

    plan: SitePlan
    stands: tuple[Stand, ...]
    apron: BaseGeometry
    lots: tuple[tuple[float, float, float], ...]
    latitude_deg: float


class _Frame:
    """Layout in metres along (u) and across (v) the apron, turned about the middle of the picture."""

    def __init__(self, turn_deg: float) -> None:
        self.turn_deg = turn_deg
        turn = math.radians(turn_deg)
        self._u, self._v = (math.cos(turn), math.sin(turn)), (-math.sin(turn), math.cos(turn))

    def at(self, u: float, v: float) -> tuple[float, float]:
        return (
            SIDE_M / 2 + u * self._u[0] + v * self._v[0],
            SIDE_M / 2 + u * self._u[1] + v * self._v[1],
        )

    def area(self, u0: float, v0: float, u1: float, v1: float) -> BaseGeometry:
        return shapely.Polygon([self.at(u0, v0), self.at(u1, v0), self.at(u1, v1), self.at(u0, v1)])

    def heading(self, degrees: float) -> float:
        """Of something that points `degrees` counter-clockwise from u."""
        return 90.0 - self.turn_deg - degrees

    def placed(self, thing: Thing, u: float, v: float, degrees: float = 0.0) -> Placement:
        x, y = self.at(u, v)
        return Placement(unit=thing.name, thing=thing, x=x, y=y, heading_deg=self.heading(degrees))


def mast(height_m: float) -> Thing:
    """A floodlight mast: hardly anything from above, a long line of shadow."""
    pole = Part(outline=rectangle(0.7, 0.7), base_m=0, top_m=height_m, colour=(0.3, 0.3, 0.3, 0.3))
    head = Part(
        outline=rectangle(1.2, 3.5), base_m=height_m, top_m=height_m + 1, colour=(0.35, 0.35, 0.35, 0.3)
    )
    return Thing(name="mast", category="mast", length_m=3.5, width_m=1.2, parts=(pole, head))


def airport(number: int) -> Airport:
    """The airport of a number, in a square of `SIDE_M` metres."""
    rng = np.random.default_rng([number, 271828])
    frame = _Frame(float(rng.uniform(0, 360)))
    face, deep = float(rng.uniform(120, 230)), float(rng.uniform(150, 330))
    edge = face - deep
    pavement, other = (str(name) for name in rng.choice(_PAVEMENTS, 2))
    apron = frame.area(-700, edge, 700, face)
    patches = _ground(frame, rng, apron, pavement, other, edge)
    structures, piers = _terminal(frame, rng, face, edge)
    stands = _stands(frame, rng, face, edge, piers)
    lots, paint = _car_park(frame, rng, face + 130)
    land = frame.area(-650, face + 95, 650, face + 260)
    patches.append(Patch(material="asphalt_old", geometry=land, tone=int(rng.integers(80, 125))))
    structures += _surroundings(frame, rng, face, edge)
    stripes = [*_slabs(frame, rng, edge, face), *_lines(frame, rng, edge, stands), *paint]
    stripes += stains(apron, int(rng.integers(80, 500)), heading_deg=frame.heading(0), rng=rng)
    structures += clutter(
        frame.area(-420, face - 45, 420, face - 8),
        int(rng.integers(0, 60)),
        heading_deg=frame.heading(90),
        rng=rng,
    )
    structures += clutter(
        frame.area(-420, face + 62, 420, face + 130),
        int(rng.integers(10, 80)),
        heading_deg=frame.heading(0),
        rng=rng,
    )
    plan = SitePlan(
        site_id=f"airport-{number}", corner=(0.0, 0.0), patches=tuple(patches), stripes=tuple(stripes),
        structures=tuple(_clear_of(structures, stands)), events=(), roads=(),
    )  # fmt: skip
    south = rng.random() < 0.3
    return Airport(
        plan=plan, stands=tuple(stands), apron=apron, lots=tuple(lots),
        latitude_deg=float(rng.uniform(0, 38) * (-1 if south else 1) + (0 if south else rng.uniform(0, 18))),
    )  # fmt: skip


def _ground(
    frame: _Frame, rng: np.random.Generator, apron: BaseGeometry, pavement: str, other: str, edge: float
) -> list[Patch]:
    def tone() -> int:
        return int(rng.integers(75, 130))

    kinds = _GREENS[int(rng.integers(len(_GREENS)))]
    patches = [
        Patch(material=kinds[0], geometry=shapely.box(-300, -300, SIDE_M + 300, SIDE_M + 300), tone=tone())
    ]
    for field in fields((-200, -200, SIDE_M + 200, SIDE_M + 200), turn_deg=frame.turn_deg, rng=rng):
        patches.append(Patch(material=str(rng.choice(kinds)), geometry=field, tone=tone()))
    patches += [
        Patch(material=other, geometry=frame.area(-800, edge - 75, 800, edge - 30), tone=tone()),
        Patch(material=other, geometry=frame.area(-800, edge - 290, 800, edge - 235), tone=tone()),
        Patch(material="gravel", geometry=apron.buffer(6), tone=tone()),
        Patch(material=pavement, geometry=apron, tone=tone()),
    ]
    patches += [
        Patch(material=other, geometry=frame.area(u - 14, edge - 240, u + 14, edge + 5), tone=tone())
        for u in rng.uniform(-380, 380, 2)
    ]
    for _ in range(int(rng.integers(1, 7))):  # parts that were built or resurfaced at another time
        u, v = rng.uniform(-420, 380), rng.uniform(edge, edge + 250)
        part = frame.area(u, v, u + rng.uniform(20, 260), v + rng.uniform(15, 120)).intersection(apron)
        patches.append(Patch(material=str(rng.choice(_PAVEMENTS)), geometry=part, tone=tone()))
    return patches


def _roof(rng: np.random.Generator) -> Colour:
    return shaded(ROOFS[int(rng.integers(len(ROOFS)))], float(rng.uniform(0.6, 1.9)))


def _hall(frame: _Frame, rng: np.random.Generator, box: Sequence[float], height: float) -> list[Placement]:
    """A building over (u0, v0, u1, v1) with machinery on its roof."""
    u0, v0, u1, v1 = box
    placed = [frame.placed(building(u1 - u0, v1 - v0, height, _roof(rng)), (u0 + u1) / 2, (v0 + v1) / 2)]
    for _ in range(int((u1 - u0) * (v1 - v0) / 300 * rng.uniform(0.1, 1.0))):
        long_m, wide_m = rng.uniform(2, 9), rng.uniform(1.5, 5)
        part = Part(
            outline=rectangle(long_m, wide_m),
            base_m=height,
            top_m=height + rng.uniform(0.5, 4),
            colour=_roof(rng),
        )
        thing = Thing(name="roof part", category="mast", length_m=long_m, width_m=wide_m, parts=(part,))
        placed.append(
            frame.placed(
                thing, rng.uniform(u0 + 5, max(u0 + 6, u1 - 5)), rng.uniform(v0 + 4, max(v0 + 5, v1 - 4))
            )
        )
    return placed


def _terminal(
    frame: _Frame, rng: np.random.Generator, face: float, edge: float
) -> tuple[list[Placement], list[tuple[float, float, float]]]:
    """Terminal or hangars along the apron, and piers as (u, half width, tip)."""
    placed: list[Placement] = []
    piers: list[tuple[float, float, float]] = []
    u = float(rng.uniform(-470, -380))
    while u < 420:
        long_m = float(rng.uniform(60, 330))
        placed += _hall(frame, rng, (u, face + 1, u + long_m, face + rng.uniform(25, 60)), rng.uniform(8, 24))
        u += long_m + float(rng.uniform(6, 60))
    if rng.random() < 0.45:
        for u in rng.permutation([-270.0, 0.0, 270.0])[: int(rng.integers(1, 3))]:
            half, tip = (
                float(rng.uniform(8, 14)),
                face - float(rng.uniform(90, max(100, 0.75 * (face - edge)))),
            )
            piers.append((float(u), half, tip))
            placed += _hall(frame, rng, (u - half, tip, u + half, face + 2), float(rng.uniform(8, 16)))
    return placed, piers


def _stands(
    frame: _Frame,
    rng: np.random.Generator,
    face: float,
    edge: float,
    piers: Sequence[tuple[float, float, float]],
) -> list[Stand]:
    found: list[Stand] = []

    def add(u: float, v: float, degrees: float, most_m: float, *, bridge: bool) -> None:
        x, y = frame.at(u, v)
        found.append(Stand(x=x, y=y, heading_deg=frame.heading(degrees), most_m=most_m, bridge=bridge))

    size = float(rng.choice([30.0, 46.0, 46.0, 76.0]))
    u = -430.0
    while u < 430:
        most = size if rng.random() < 0.7 else float(rng.choice([30.0, 46.0, 76.0]))
        pitch = 0.92 * most + 5
        if all(abs(u + pitch / 2 - pier[0]) > pier[1] + pitch / 2 + 45 for pier in piers):
            add(u + pitch / 2, face - 14, 90, most, bridge=bool(rng.random() < 0.6))
        u += pitch + (40 if rng.random() < 0.12 else 0)
    for pier_u, half, tip in piers:
        for side in (-1, 1):
            v = face - 75
            while v > tip + 5:
                add(
                    pier_u + side * (half + 9),
                    v,
                    180 if side > 0 else 0,
                    46.0,
                    bridge=bool(rng.random() < 0.8),
                )
                v -= 45
    lowest = min([face - 14 - 80, *(tip - 60 for *_, tip in piers)])
    most = float(rng.choice([22.0, 30.0, 46.0, 76.0]))
    slant = float(rng.choice([-90.0, 90.0, 50.0, 130.0, -60.0]))
    v = lowest - most
    while v > edge + 0.5 * most:
        for u in np.arange(-420, 420, 0.95 * most + 6):
            add(float(u), v, slant, most, bridge=False)
        v -= 2.1 * most
    return found


def _slabs(frame: _Frame, rng: np.random.Generator, edge: float, face: float) -> list[Stripe]:
    """Joints, slabs that were replaced, and cracks filled with tar."""
    found: list[Stripe] = []
    if rng.random() < 0.75:
        step, opacity = float(rng.uniform(5, 16)), float(rng.uniform(0.08, 0.6))
        across = [(frame.at(u, edge), frame.at(u, face)) for u in np.arange(-480, 480, step)]
        along = [(frame.at(-500, v), frame.at(500, v)) for v in np.arange(edge, face, step)]
        found += [
            Stripe(outline=strip(a, b, 0.3), colour=_TAR, opacity=opacity) for a, b in (*across, *along)
        ]
        for _ in range(int(rng.integers(0, 250))):
            u = step * rng.integers(-int(450 / step), int(450 / step))
            v = edge + step * rng.integers(0, max(1, int((face - edge) / step) - 1))
            colour: Colour = (0.1, 0.11, 0.115, 0.13) if rng.random() < 0.5 else (0.26, 0.28, 0.29, 0.3)
            wide, high = step * rng.integers(1, 4), step * rng.integers(1, 3)
            slab = outline(frame.area(u, v, u + wide, v + high))
            found.append(Stripe(outline=slab, colour=colour, opacity=float(rng.uniform(0.1, 0.6))))
    for _ in range(int(rng.integers(0, 120))):
        u, v, long_m = rng.uniform(-400, 400), rng.uniform(edge, face), rng.uniform(5, 60)
        turn = rng.uniform(0, np.pi)
        end = frame.at(u + long_m * math.cos(turn), v + long_m * math.sin(turn))
        found.append(
            Stripe(outline=strip(frame.at(u, v), end, 0.4), colour=_TAR, opacity=rng.uniform(0.2, 0.8))
        )
    return found


def outline(geometry: BaseGeometry) -> np.ndarray:
    """Corners of a polygon."""
    return np.asarray(shapely.get_coordinates(geometry)[:-1], np.float64)


def _lines(frame: _Frame, rng: np.random.Generator, edge: float, stands: Sequence[Stand]) -> list[Stripe]:
    """Lead-in lines, edges of stands, service roads and centre lines."""
    opacity = float(rng.uniform(0.3, 0.95))
    wide = float(rng.uniform(0.15, 0.5))
    found = []

    def mark(a: tuple[float, float], b: tuple[float, float], colour: Colour, width: float = wide) -> None:
        found.append(Stripe(outline=strip(a, b, width), colour=colour, opacity=opacity))

    boxes = rng.random() < 0.6
    for stand in stands:
        ahead = math.radians(stand.heading_deg)
        forward, right = (math.sin(ahead), math.cos(ahead)), (math.cos(ahead), -math.sin(ahead))

        def spot(
            f: float,
            r: float,
            at: Stand = stand,
            f_: tuple[float, float] = forward,
            r_: tuple[float, float] = right,
        ) -> tuple[float, float]:
            return at.x + f * f_[0] + r * r_[0], at.y + f * f_[1] + r * r_[1]

        mark(spot(0, 0), spot(-1.4 * stand.most_m, 0), _YELLOW)
        mark(spot(-6, -3), spot(-6, 3), _WHITE)
        if boxes:
            half, back = 0.46 * stand.most_m, -1.05 * stand.most_m
            for side in (-half, half):
                mark(spot(2, side), spot(back, side), _RED if rng.random() < 0.5 else _WHITE)
    for v, colour in ((edge - 52, _YELLOW), (edge + 8, _WHITE), (edge + 20, _WHITE), (edge - 262, _WHITE)):
        mark(frame.at(-600, v), frame.at(600, v), colour)
    return found


def _car_park(
    frame: _Frame, rng: np.random.Generator, start: float
) -> tuple[list[tuple[float, float, float]], list[Stripe]]:
    lots, paint = [], []
    u0 = float(rng.uniform(-350, 0))
    u1 = u0 + float(rng.uniform(80, 300))
    marked = rng.random() < 0.8
    for row in range(int(rng.integers(2, 9))):
        v = start + 17.0 * (row // 2) + 5.5 * (row % 2)
        for u in np.arange(u0, u1, 2.6):
            lots.append((*frame.at(float(u) + 1.3, v), frame.heading(90)))
            if marked:
                paint.append(
                    Stripe(outline=strip(frame.at(u, v - 2.5), frame.at(u, v + 2.5), 0.15), colour=_WHITE)
                )
    return lots, paint


def _surroundings(frame: _Frame, rng: np.random.Generator, face: float, edge: float) -> list[Placement]:
    placed = [
        frame.placed(mast(float(rng.uniform(15, 32))), float(u), face - 4)
        for u in np.arange(-400, 400, rng.uniform(50, 120))
    ]
    u = -450.0
    while u < 430:
        long_m, deep = float(rng.uniform(15, 90)), float(rng.uniform(12, 45))
        if rng.random() < 0.6:
            v = face + float(rng.uniform(265, 300))
            placed += _hall(frame, rng, (u, v, u + long_m, v + deep), rng.uniform(4, 22))
        u += long_m + float(rng.uniform(5, 50))
    placed += trees_in(frame.area(-500, face + 62, 500, face + 300), int(rng.integers(0, 200)), rng)
    placed += trees_in(frame.area(-500, edge - 330, 500, edge - 80), int(rng.integers(0, 30)), rng)
    return placed


def _clear_of(placed: Sequence[Placement], stands: Sequence[Stand]) -> list[Placement]:
    """Without things of the yard that would stand where aircraft park."""
    tree = shapely.STRtree([taken(stand) for stand in stands])
    low: Callable[[Placement], bool] = lambda p: p.unit in ("parked", "shed", "tree")  # noqa: E731
    return [
        p for p in placed if not (low(p) and len(tree.query(shapely.Point(p.x, p.y).buffer(8), "intersects")))
    ]


def taken(stand: Stand) -> BaseGeometry:
    """The ground of a stand."""
    box = shapely.box(-0.46 * stand.most_m, -stand.most_m, 0.46 * stand.most_m, 4)
    turned = rotate(box, -stand.heading_deg, origin=(0, 0))
    return shapely.affinity.translate(turned, stand.x, stand.y)
