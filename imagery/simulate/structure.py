"""Buildings, shelters, cranes and trees."""

import numpy as np

from imagery.simulate.material import Colour
from imagery.simulate.thing import Part, Thing, ellipse, rectangle, shaded

ROOFS: tuple[Colour, ...] = (
    (0.2, 0.22, 0.235, 0.26),
    (0.16, 0.175, 0.19, 0.21),
    (0.25, 0.275, 0.29, 0.31),
    (0.09, 0.1, 0.155, 0.2),
    (0.13, 0.145, 0.155, 0.18),
    (0.3, 0.32, 0.33, 0.34),
    (0.12, 0.145, 0.145, 0.17),
)


def building(length_m: float, width_m: float, height_m: float, roof: Colour, *, ridge: bool = False) -> Thing:
    """A flat roof with a small stair head, or a ridge along its length."""
    base = {"base_m": 0.0, "top_m": height_m}
    if ridge:
        parts = tuple(
            Part(
                outline=rectangle(length_m, width_m / 2, 0, side * width_m / 4),
                colour=shaded(roof, tone),
                **base,
            )
            for side, tone in ((1, 0.82), (-1, 1.12))
        )
    else:
        head = Part(
            outline=rectangle(min(5, 0.3 * length_m), min(4, 0.3 * width_m), 0.2 * length_m, 0.15 * width_m),
            base_m=height_m,
            top_m=height_m + 2.5,
            colour=shaded(roof, 1.15),
        )
        rim = Part(outline=rectangle(length_m, width_m), colour=shaded(roof, 1.18), **base)
        floor = Part(
            outline=rectangle(length_m - 1.2, width_m - 1.2),
            base_m=height_m - 0.5,
            top_m=height_m + 0.01,
            colour=roof,
        )
        parts = (rim, floor, head)
    return Thing(name="building", category="structure", length_m=length_m, width_m=width_m, parts=parts)


def tree(diameter_m: float, tone: float) -> Thing:
    """A round crown, lighter towards the sun."""
    dark: Colour = (0.02, 0.034, 0.024, 0.17)
    height = 0.9 * diameter_m
    turn = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    lobes = 1 + 0.14 * np.sin(3 * turn + 9 * tone)
    crown = ellipse(diameter_m, diameter_m, corners=9) * lobes[:, None]
    return Thing(
        name="tree",
        category="tree",
        length_m=diameter_m,
        width_m=diameter_m,
        parts=(
            Part(outline=crown, base_m=1.0, top_m=height, colour=shaded(dark, tone)),
            Part(
                outline=crown * 0.55,
                base_m=height - 0.5,
                top_m=height + 0.8,
                colour=shaded(dark, 1.55 * tone),
            ),
        ),
    )


def crane() -> Thing:
    """A quay gantry: legs, beam and machine house."""
    steel: Colour = (0.09, 0.2, 0.36, 0.36)
    return Thing(
        name="quay crane",
        category="structure",
        length_m=44.0,
        width_m=14.0,
        parts=(
            Part(outline=rectangle(1.6, 13, -6), base_m=0, top_m=18, colour=steel),
            Part(outline=rectangle(1.6, 13, 6), base_m=0, top_m=18, colour=steel),
            Part(outline=rectangle(44, 2.4, 6), base_m=22, top_m=24, colour=steel),
            Part(outline=rectangle(7, 5, -6), base_m=24, top_m=27, colour=shaded(steel, 1.2)),
        ),
    )


def silo(diameter_m: float) -> Thing:
    """A round tank or silo."""
    return Thing(
        name="tank",
        category="structure",
        length_m=diameter_m,
        width_m=diameter_m,
        parts=(
            Part(
                outline=ellipse(diameter_m, diameter_m, corners=24),
                base_m=0,
                top_m=14,
                colour=(0.34, 0.36, 0.37, 0.36),
            ),
            Part(
                outline=ellipse(3, 3, 0.2 * diameter_m), base_m=14, top_m=15, colour=(0.25, 0.26, 0.27, 0.26)
            ),
        ),
    )
