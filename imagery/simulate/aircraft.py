"""Aircraft and helicopters in plan view. Lengths and spans are those published for the types."""

import math

import numpy as np

from imagery.simulate.material import Colour
from imagery.simulate.thing import Part, Points, Thing, ellipse, mirrored, points, rectangle

LIGHT: Colour = (0.36, 0.38, 0.39, 0.38)
GREY: Colour = (0.27, 0.28, 0.28, 0.28)
BLUE_GREY: Colour = (0.21, 0.22, 0.215, 0.24)
DARK_GREEN: Colour = (0.06, 0.085, 0.075, 0.16)
BLADE: Colour = (0.08, 0.085, 0.085, 0.09)


def transport(name: str, length_m: float, span_m: float, *, height_m: float, colour: Colour = LIGHT) -> Thing:
    """A high-winged freighter with engines under the wings."""
    half, wide = length_m / 2, 0.098 * length_m
    wing = points(
        (0.20 * length_m, 0.0),
        (0.015 * length_m, span_m / 2),
        (-0.035 * length_m, span_m / 2),
        (-0.04 * length_m, 0.0),
    )
    tail = points(
        (-0.37 * length_m, 0.0),
        (-0.455 * length_m, 0.17 * span_m),
        (-0.495 * length_m, 0.17 * span_m),
        (-0.475 * length_m, 0.0),
    )
    low, high = 0.1 * height_m, 0.45 * height_m
    engines = tuple(
        Part(
            outline=rectangle(0.085 * length_m, 0.045 * length_m, 0.17 * length_m - 0.37 * y, side * y),
            base_m=0.25 * height_m,
            top_m=high - 0.5,
            colour=GREY,
        )
        for y in (0.17 * span_m, 0.29 * span_m)
        for side in (1, -1)
    )
    return Thing(
        name=name,
        category="aircraft",
        length_m=length_m,
        width_m=span_m,
        parts=(
            *engines,
            Part(outline=_fuselage(half, wide), base_m=low, top_m=high, colour=colour),
            Part(outline=wing, base_m=high - 1, top_m=high, colour=(0.31, 0.33, 0.34, 0.33)),
            Part(outline=mirrored(wing), base_m=high - 1, top_m=high, colour=(0.31, 0.33, 0.34, 0.33)),
            Part(outline=tail, base_m=high, top_m=high + 1, colour=colour),
            Part(outline=mirrored(tail), base_m=high, top_m=high + 1, colour=colour),
            Part(
                outline=rectangle(0.13 * length_m, 0.6, -0.42 * length_m),
                base_m=high,
                top_m=height_m,
                colour=(0.4, 0.42, 0.43, 0.42),
            ),
        ),
    )


def fighter(name: str, length_m: float, span_m: float, *, colour: Colour = BLUE_GREY) -> Thing:
    """A swept-wing combat aircraft with twin fins."""
    half, wide = length_m / 2, 0.13 * length_m
    wing = points(
        (0.16 * length_m, 0.06 * length_m),
        (-0.17 * length_m, span_m / 2),
        (-0.27 * length_m, span_m / 2),
        (-0.24 * length_m, 0.0),
        (0.18 * length_m, 0.0),
    )
    tail = points(
        (-0.30 * length_m, 0.05 * length_m),
        (-0.42 * length_m, 0.30 * span_m),
        (-0.5 * length_m, 0.30 * span_m),
        (-0.46 * length_m, 0.0),
    )
    body = points(
        (half, 0.0),
        (0.36 * length_m, 0.03 * length_m),
        (0.1 * length_m, wide / 2),
        (-0.45 * length_m, wide / 2),
        (-half, 0.03 * length_m),
        (-half, -0.03 * length_m),
        (-0.45 * length_m, -wide / 2),
        (0.1 * length_m, -wide / 2),
        (0.36 * length_m, -0.03 * length_m),
    )
    fins = tuple(
        Part(
            outline=rectangle(0.16 * length_m, 0.35, -0.34 * length_m, side * 0.1 * length_m),
            base_m=2.5,
            top_m=5.5,
            colour=GREY,
        )
        for side in (1, -1)
    )
    flat = {"base_m": 1.8, "top_m": 2.4}
    return Thing(
        name=name,
        category="aircraft",
        length_m=length_m,
        width_m=span_m,
        parts=(
            *(Part(outline=o, colour=colour, **flat) for o in (wing, mirrored(wing), tail, mirrored(tail))),
            Part(outline=body, base_m=1.4, top_m=3.0, colour=colour),
            Part(
                outline=ellipse(0.16 * length_m, 0.05 * length_m, 0.27 * length_m),
                base_m=2.5,
                top_m=3.4,
                colour=(0.07, 0.08, 0.09, 0.09),
            ),
            *fins,
        ),
    )


def helicopter(name: str, length_m: float, rotor_m: float, *, colour: Colour = DARK_GREEN) -> Thing:
    """A helicopter with five drooping blades."""
    body = points(
        (0.5 * length_m, 0.0),
        (0.42 * length_m, 0.07 * length_m),
        (0.0, 0.08 * length_m),
        (-0.12 * length_m, 0.02 * length_m),
        (-0.5 * length_m, 0.015 * length_m),
        (-0.5 * length_m, -0.015 * length_m),
        (-0.12 * length_m, -0.02 * length_m),
        (0.0, -0.08 * length_m),
        (0.42 * length_m, -0.07 * length_m),
    )
    blades = []
    for turn in range(5):
        spoke = rectangle(rotor_m / 2, 0.55, rotor_m / 4)
        blades.append(
            Part(
                outline=_turned(spoke, 72.0 * turn + 20, 0.12 * length_m), base_m=4.0, top_m=4.2, colour=BLADE
            )
        )
    stabiliser = Part(
        outline=rectangle(0.06 * length_m, 0.22 * length_m, -0.44 * length_m),
        base_m=2.0,
        top_m=2.6,
        colour=colour,
    )
    return Thing(
        name=name,
        category="helicopter",
        length_m=length_m,
        width_m=rotor_m,
        parts=(Part(outline=body, base_m=0.6, top_m=3.4, colour=colour), stabiliser, *blades),
    )


def _turned(outline: Points, degrees: float, x: float) -> Points:
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = outline @ points((c, s), (-s, c))
    return np.asarray(turned + np.array((x, 0.0)), np.float64)


def _fuselage(half: float, wide: float) -> Points:
    return points(
        (half, 0.12 * wide),
        (0.93 * half, 0.36 * wide),
        (0.8 * half, 0.5 * wide),
        (-0.35 * half, 0.5 * wide),
        (-0.95 * half, 0.16 * wide),
        (-half, 0.0),
        (-0.95 * half, -0.16 * wide),
        (-0.35 * half, -0.5 * wide),
        (0.8 * half, -0.5 * wide),
        (0.93 * half, -0.36 * wide),
        (half, -0.12 * wide),
    )


AN_124 = transport("An-124 size", 69.1, 73.3, height_m=20.8)
IL_76 = transport("Il-76 size", 46.6, 50.5, height_m=14.8)
AN_72 = transport("An-72 size", 28.1, 31.9, height_m=8.6)
AN_26 = transport("An-26 size", 23.8, 29.2, height_m=8.6, colour=GREY)
SU_24 = fighter("Su-24 size", 22.6, 17.6, colour=(0.25, 0.27, 0.27, 0.29))
SU_34 = fighter("Su-34 size", 23.3, 14.7)
SU_35 = fighter("Su-35 size", 21.9, 15.3, colour=(0.17, 0.185, 0.19, 0.21))
KA_52 = helicopter("Ka-52 size", 13.5, 14.5)
MI_8 = helicopter("Mi-8 size", 18.2, 21.3, colour=(0.085, 0.105, 0.1, 0.15))
MI_24 = helicopter("Mi-24 size", 17.5, 17.3, colour=(0.1, 0.115, 0.1, 0.16))
