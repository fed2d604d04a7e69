"""Civil aircraft in plan view, by length and span: jets and propeller aircraft, engines where types have them."""

import math
from typing import Literal

import numpy as np

from imagery.simulate.material import Colour
from imagery.simulate.thing import Part, Points, Thing, ellipse, mirrored, points, rectangle, shaded

Engines = Literal["wing", "four", "tail", "propeller"]

SIZES: tuple[tuple[str, float, float, Engines], ...] = (
    ("light jet", 14.0, 15.0, "tail"),
    ("business jet", 20.5, 19.6, "tail"),
    ("large business jet", 29.4, 28.5, "tail"),
    ("ATR 72 size", 27.2, 27.1, "propeller"),
    ("Q400 size", 32.8, 28.4, "propeller"),
    ("CRJ 900 size", 36.4, 24.9, "tail"),
    ("E190 size", 36.2, 28.7, "wing"),
    ("A320 size", 37.6, 35.8, "wing"),
    ("737-800 size", 39.5, 35.8, "wing"),
    ("A321 size", 44.5, 35.8, "wing"),
    ("757 size", 47.3, 38.0, "wing"),
    ("A330 size", 63.7, 60.3, "wing"),
    ("787-9 size", 62.8, 60.1, "wing"),
    ("747 size", 70.7, 64.4, "four"),
    ("777 size", 73.9, 64.8, "wing"),
    ("A380 size", 72.7, 79.8, "four"),
)
"""Name, length, span and engines, after published dimensions of the types."""

_PROPELLER: Colour = (0.1, 0.1, 0.1, 0.1)


def airliner(
    name: str, length_m: float, span_m: float, engines: Engines, *, body: Colour, wing: Colour, tail: Colour
) -> Thing:
    """A civil aircraft; the lit and the shaded flank of its body differ a little."""
    high_wing = engines == "propeller"
    wide = 0.075 * length_m + 0.9
    base, top = 0.05 * length_m + 0.5, 0.05 * length_m + 0.5 + wide
    wing_top = top if high_wing else base + 0.25 * wide
    flaps = mirrored(_wing(length_m, span_m, engines))
    stabiliser = _stabiliser(length_m, span_m)
    flank = _half_body(length_m / 2, wide)
    fin = rectangle(0.13 * length_m, 0.018 * length_m, -0.42 * length_m)
    parts = [
        *_engines(length_m, span_m, engines, wing_top, shaded(body, 0.85)),
        *(_part(o, wing_top - 0.6, wing_top, wing) for o in (mirrored(flaps), flaps)),
        *(_part(o, top - 0.4, top - 0.1, shaded(wing, 1.05)) for o in (stabiliser, mirrored(stabiliser))),
        _part(flank, base, top, shaded(body, 1.05)),
        _part(mirrored(flank), base, top, shaded(body, 0.9)),
        _part(fin, top, top + 0.16 * length_m, tail),
    ]
    return Thing(name=name, category="aircraft", length_m=length_m, width_m=span_m, parts=tuple(parts))


def _half_body(half: float, wide: float) -> Points:
    return points(
        (half, 0.0), (0.96 * half, 0.24 * wide), (0.84 * half, 0.5 * wide), (-0.4 * half, 0.5 * wide),
        (-0.93 * half, 0.14 * wide), (-half, 0.0),
    )  # fmt: skip


def _wing(length_m: float, span_m: float, engines: Engines) -> Points:
    sweep = math.radians(2.0 if engines == "propeller" else 26.0 + 0.1 * length_m)
    root, tip = (0.11, 0.07) if engines == "propeller" else (0.21, 0.06)
    front = (0.02 if engines == "tail" else 0.13) * length_m
    back = front - math.tan(sweep) * span_m / 2
    kink = 0.34 * span_m / 2
    return points(
        (front, 0.0), (back, span_m / 2), (back - tip * span_m, span_m / 2),
        (front - root * span_m - 0.12 * (front - back), kink), (front - root * span_m, 0.0),
    )  # fmt: skip


def _stabiliser(length_m: float, span_m: float) -> Points:
    return points(
        (-0.37 * length_m, 0.0), (-0.44 * length_m, 0.17 * span_m), (-0.475 * length_m, 0.17 * span_m),
        (-0.45 * length_m, 0.0),
    )  # fmt: skip


def _engines(length_m: float, span_m: float, engines: Engines, wing_top: float, colour: Colour) -> list[Part]:
    front = 0.13 * length_m
    if engines == "tail":
        spots = [(-0.25 * length_m, 0.075 * length_m)]
    elif engines == "propeller":
        spots = [(0.15 * length_m, 0.15 * span_m)]
    else:
        out = (0.17, 0.31) if engines == "four" else (0.17,)
        spots = [(front - 0.5 * y * span_m + 0.02 * length_m, y * span_m) for y in out]
    long_m, wide_m = 0.1 * length_m, 0.025 * length_m + 0.8
    low, high = 0.3 * wing_top, 0.9 * wing_top
    both = [(x, side * y) for x, y in spots for side in (1, -1)]
    parts = [_part(rectangle(long_m, wide_m, x, y), low, high, colour) for x, y in both]
    if engines == "propeller":
        discs = [ellipse(0.5, 0.14 * span_m, x + 0.05 * length_m, y) for x, y in both]
        parts += [_part(disc, wing_top - 1.5, wing_top - 1.4, _PROPELLER) for disc in discs]
    return parts


def _part(outline: Points, base_m: float, top_m: float, colour: Colour) -> Part:
    return Part(outline=outline, base_m=base_m, top_m=top_m, colour=colour)


def random_airliner(rng: np.random.Generator, most_m: float) -> Thing:
    """Any civil type no longer than `most_m`, in any of the liveries that are seen: mostly white, some dark."""
    fitting = [size for size in SIZES if size[1] <= most_m] or [SIZES[0]]
    # A stand is mostly used by what it was built for.
    weight = np.array([size[1] for size in fitting]) ** 1.5
    name, length_m, span_m, engines = fitting[int(rng.choice(len(fitting), p=weight / weight.sum()))]
    scale = float(rng.uniform(0.95, 1.05))
    tone = float(rng.uniform(0.3, 0.75)) if rng.random() < 0.85 else float(rng.uniform(0.06, 0.3))
    tint = 1 + 0.06 * rng.standard_normal(3) if rng.random() < 0.8 else rng.uniform(0.35, 1.2, 3)
    body = (tone * tint[0], tone * tint[1], tone * tint[2], tone)
    grey = float(rng.uniform(0.2, 0.5))
    tail = tuple(float(c) for c in rng.uniform(0.04, 0.6, 4))
    return airliner(
        name, scale * length_m, scale * span_m, engines, body=_colour(body),
        wing=(grey, 1.02 * grey, 1.03 * grey, grey), tail=_colour(tail),
    )  # fmt: skip


def _colour(values: tuple[float, ...]) -> Colour:
    blue, green, red, nir = (float(value) for value in values)
    return blue, green, red, nir
