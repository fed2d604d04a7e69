"""From a plan to what the ground and the things on it reflect, under the sun of the moment."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from imagery.raster import FloatArray
from imagery.simulate.acquisition import Acquisition
from imagery.simulate.canvas import Canvas, swept
from imagery.simulate.material import MATERIALS, NUMBERS
from imagery.simulate.noise import fractal, generator, smooth
from imagery.simulate.placement import Placement
from imagery.simulate.site_plan import SitePlan
from imagery.simulate.sun import SunPosition
from imagery.simulate.thing import Part, Points, set_down, shaded
from imagery.simulate.traffic import traffic

_SHADE = np.array((0.62, 0.70, 0.75, 0.80), np.float32)
"""Share of light that is direct, in blue, green, red and near infrared: skylight fills the rest."""

_WALL = 0.55
_WALL_PX = 0.3
"""Narrower strips of wall are not drawn."""

_SMALL_PX = 2.5
"""Parts of houses and trees with a smaller area are not drawn."""

_SHIFT_BITS = 4
_COARSE_M = 1.0
"""Above this pixel size planted rows are not resolved."""

_WINTER = date(2024, 12, 1)
_WATER = ("sea", "harbour", "shallow")


@dataclass(frozen=True, kw_only=True)
class View:
    """What part of a plan is drawn, and how finely.

    Parameters
    ----------
    west_m, north_m : float
        Upper left corner in the plan's metres.
    pixel_m : float
    shape : (int, int)
    bands : tuple of int
        Which of blue, green, red and near infrared (0-3), in the order wanted.
    """

    west_m: float
    north_m: float
    pixel_m: float
    shape: tuple[int, int]
    bands: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """What does not change from date to date: material and texture of every pixel.

    Parameters
    ----------
    labels : uint8 (row, col)
        Number of the material.
    tone : float32 (row, col)
        Brightness of the place relative to its material's mean.
    """

    labels: NDArray[np.uint8]
    tone: FloatArray


def lay_ground(plan: SitePlan, view: View) -> Ground:
    """Rasterise the patches of a plan and give them texture."""

    def burnt(values: Iterable[int]) -> NDArray[np.uint8]:
        drawn = np.zeros(view.shape, np.uint8)
        for patch, value in zip(plan.patches, values, strict=True):
            _fill(drawn, patch.geometry, value, view)
        return drawn

    labels = burnt(NUMBERS[patch.material] for patch in plan.patches)
    tones = burnt(patch.tone for patch in plan.patches)
    key = plan.site_id, view.west_m, view.north_m, view.pixel_m
    tone = tones.astype(np.float32) / 100
    for name, scale_m in (("fine", 0.8), ("medium", 9.0), ("coarse", 80.0)):
        amount = np.array([getattr(m, name) for m in MATERIALS.values()], np.float32)
        scale_px = max(scale_m / view.pixel_m, 1.0)
        field = (
            smooth(view.shape, scale_px, *key, name)
            if name != "medium"
            else fractal(view.shape, 2 * scale_px, 3, *key, name)
        )
        tone *= 1 + amount[labels] * np.clip(field, -2.5, 2.5).astype(np.float32)
    if view.pixel_m < _COARSE_M:
        tone *= _rows(labels, tones, view)
    return Ground(labels=labels, tone=np.asarray(tone, np.float32))


def _fill(drawn: NDArray[np.uint8], geometry: BaseGeometry, value: int, view: View) -> None:
    """Burn a geometry, holes left out, into a map."""
    fine = 2**_SHIFT_BITS / view.pixel_m
    corner = np.array((view.west_m, view.north_m))
    for part in shapely.get_parts(geometry).tolist():
        if not isinstance(part, shapely.Polygon) or part.is_empty:
            continue
        rings = [shapely.get_coordinates(ring) for ring in (part.exterior, *part.interiors)]
        corners = [
            np.rint((ring - corner) * (fine, -fine) - 2 ** (_SHIFT_BITS - 1)).astype(np.int32)
            for ring in rings
        ]
        cv2.fillPoly(drawn, corners, value, shift=_SHIFT_BITS)


def _rows(labels: NDArray[np.uint8], tones: NDArray[np.uint8], view: View) -> FloatArray:
    """Planted rows, tree grids and the ribs of plastic tunnels, in one of two directions per field."""
    spacing = np.array([m.rows_m for m in MATERIALS.values()], np.float32)[labels]
    pattern = np.ones(view.shape, np.float32)
    rows, cols = np.nonzero(spacing)
    if not len(rows):
        return pattern
    turn = np.where(tones[rows, cols] % 2 == 0, math.radians(12), math.radians(102)).astype(np.float32)
    step = (2 * np.pi * view.pixel_m / spacing[rows, cols]).astype(np.float32)
    x, y = cols.astype(np.float32), rows.astype(np.float32)
    along, across = (
        np.sin(step * (x * np.cos(turn) + y * np.sin(turn))),
        np.sin(step * (y * np.cos(turn) - x * np.sin(turn))),
    )
    trees = labels[rows, cols] == NUMBERS["orchard"]
    pattern[rows, cols] = np.where(trees, np.where(along * across > 0.0, 0.68, 1.5), 1 + 0.13 * along)
    return pattern


def render(
    plan: SitePlan, ground: Ground, view: View, acquisition: Acquisition, sun: SunPosition
) -> FloatArray:
    """Surface reflectance, float32 (row, col, band), of one moment, without atmosphere and sensor."""
    image = _surface(ground, view, acquisition)
    canvas = Canvas(west_m=view.west_m, north_m=view.north_m, pixel_m=view.pixel_m, image=image)
    bands = list(view.bands)
    for stripe in plan.stripes:
        canvas.paint([stripe.outline], [stripe.colour[b] for b in bands], stripe.opacity)
    standing = [
        *plan.structures,
        *(e for e in plan.events if e.stands_on(acquisition.acquired.date())),
        *traffic(plan, acquisition),
    ]
    parts = [
        (part, p) for p in standing if _near(p, view) for part in p.thing.parts if _matters(part, p, view)
    ]
    parts.sort(key=lambda pair: pair[0].top_m)
    slide = _per_metre(sun.azimuth_deg + 180, 1 / math.tan(math.radians(sun.elevation_deg)))
    _cast_shadows(canvas, parts, slide, bands)
    lean = _per_metre(acquisition.view_azimuth_deg + 180, math.tan(math.radians(acquisition.off_nadir_deg)))
    _paint_things(canvas, parts, lean, bands)
    return image


def _paint_things(
    canvas: Canvas, parts: list[tuple[Part, Placement]], lean: Points, bands: list[int]
) -> None:
    """Paint walls and tops, low ones first; of things of one height all walls first, or they would hide tops."""
    lean_m = float(np.hypot(*lean))
    for _, level in groupby(parts, key=lambda pair: pair[0].top_m):
        placed = [(part, set_down(part.outline, p.x, p.y, p.heading_deg)) for part, p in level]
        for part, outline in placed:
            if lean_m * (part.top_m - part.base_m) > _WALL_PX * canvas.pixel_m:
                wall = shaded(part.colour, _WALL)
                sweep = swept(outline, lean * part.base_m, lean * part.top_m)
                canvas.paint(sweep, [wall[b] for b in bands])
        for part, outline in placed:
            canvas.paint([outline + lean * part.top_m], [part.colour[b] for b in bands])


def _per_metre(azimuth_deg: float, length: float) -> Points:
    """Offset (east, north) per metre of height."""
    turn = math.radians(azimuth_deg)
    return np.array((math.sin(turn) * length, math.cos(turn) * length))


def _matters(part: Part, placement: Placement, view: View) -> bool:
    """Whether a part is worth drawing: details of the thousands of houses and trees are lost at 10 m."""
    if placement.thing.category not in ("structure", "tree"):
        return True
    wide, high = np.ptp(part.outline, axis=0)
    return bool(wide * high > _SMALL_PX * view.pixel_m**2)


def _near(placement: Placement, view: View) -> bool:
    """Whether a thing or its shadow may be seen."""
    reach = placement.thing.length_m + 90
    rows, cols = view.shape
    return (
        -reach < placement.x - view.west_m < cols * view.pixel_m + reach
        and -reach < view.north_m - placement.y < rows * view.pixel_m + reach
    )


def _surface(ground: Ground, view: View, acquisition: Acquisition) -> FloatArray:
    colours = np.array([m.colour for m in MATERIALS.values()], np.float32)[:, list(view.bands)]
    rng = generator(acquisition.id, "ground")
    wet = np.array([m.wet for m in MATERIALS.values()], np.float32) * acquisition.wet
    daily = (1 - wet) * (1 + 0.012 * rng.standard_normal(len(wet))).astype(np.float32)
    green = np.array([m.scl == 4 for m in MATERIALS.values()])
    weeks = (acquisition.acquired.date() - _WINTER).days / 60
    colours = colours * daily[:, None]
    if 3 in view.bands:
        colours[green, view.bands.index(3)] *= 1 + 0.1 * weeks
    image = colours[ground.labels]
    image *= ground.tone[..., None]
    water = np.isin(ground.labels, [NUMBERS[name] for name in _WATER])
    if water.any():
        image += (_waves(ground, view, acquisition) * water)[..., None]
    return np.asarray(image, np.float32)


def _waves(ground: Ground, view: View, acquisition: Acquisition) -> FloatArray:
    """Wind waves and glint, different on every date, calmer inside the port."""
    key = acquisition.id, "waves"
    short = smooth(view.shape, (max(3.0 / view.pixel_m, 1.0), max(8.0 / view.pixel_m, 1.0)), *key, "short")
    swell = smooth(view.shape, (max(14.0 / view.pixel_m, 1.0), max(60.0 / view.pixel_m, 1.0)), *key, "swell")
    slow = smooth(view.shape, 700 / view.pixel_m, *key, "slow")
    strength = float(generator(*key).uniform(0.7, 1.3))
    calm = np.where(ground.labels == NUMBERS["harbour"], np.float32(0.45), np.float32(1.0))
    return np.asarray(strength * calm * (0.0022 * short + 0.0022 * swell + 0.003 * slow), np.float32)


def _cast_shadows(
    canvas: Canvas, parts: list[tuple[Part, Placement]], slide: Points, bands: list[int]
) -> None:
    shade = np.zeros(canvas.shape, np.float32)
    for part, p in parts:
        outline = set_down(part.outline, p.x, p.y, p.heading_deg)
        covered = canvas.coverage(swept(outline, slide * part.base_m, slide * part.top_m))
        if covered is not None:
            box, alpha = covered
            np.maximum(shade[box], alpha, out=shade[box])
    cv2.GaussianBlur(shade, (0, 0), max(0.25 / canvas.pixel_m, 0.3), dst=shade)
    for position, band in enumerate(bands):
        canvas.image[..., position] *= 1 - _SHADE[band] * shade
