"""Things that stand on the ground or float: parts with outlines and heights."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagery.simulate.material import Colour

Points = NDArray[np.float64]
"""Outline (n, 2), metres."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """An upright prism.

    Parameters
    ----------
    outline : float (n, 2)
        Metres; in a thing's own frame x points forward and y to the left.
    base_m, top_m : float
        Above the ground.
    colour : Colour
        Of its top.
    """

    outline: Points
    base_m: float
    top_m: float
    colour: Colour


@dataclass(frozen=True, kw_only=True, eq=False)
class Thing:
    """A kind of object.

    Parameters
    ----------
    name : str
        What it looks like, for the ground truth.
    category : str
        aircraft, helicopter, ship, vehicle, container, structure or tree.
    length_m, width_m : float
    parts : tuple of Part
    """

    name: str
    category: str
    length_m: float
    width_m: float
    parts: tuple[Part, ...]


def points(*pairs: tuple[float, float]) -> Points:
    """An outline from corner pairs."""
    return np.array(pairs, np.float64)


def rectangle(length_m: float, width_m: float, x: float = 0.0, y: float = 0.0) -> Points:
    """A rectangle centred on (x, y), length along x."""
    a, b = length_m / 2, width_m / 2
    return points((x - a, y - b), (x + a, y - b), (x + a, y + b), (x - a, y + b))


def ellipse(length_m: float, width_m: float, x: float = 0.0, y: float = 0.0, corners: int = 12) -> Points:
    """An ellipse centred on (x, y)."""
    turn = np.linspace(0, 2 * math.pi, corners, endpoint=False)
    return np.column_stack([x + length_m / 2 * np.cos(turn), y + width_m / 2 * np.sin(turn)])


def mirrored(outline: Points) -> Points:
    """The same on the right-hand side."""
    return np.asarray(outline[::-1] * (1.0, -1.0), np.float64)


def set_down(outline: Points, x: float, y: float, heading_deg: float) -> Points:
    """An outline of a thing's own frame where the thing stands; heading clockwise from grid north."""
    sine, cosine = math.sin(math.radians(heading_deg)), math.cos(math.radians(heading_deg))
    forward, left = outline[:, 0], outline[:, 1]
    return np.column_stack([x + forward * sine - left * cosine, y + forward * cosine + left * sine])


def shaded(colour: Colour, factor: float) -> Colour:
    """A colour, darker or lighter."""
    blue, green, red, nir = colour
    return blue * factor, green * factor, red * factor, nir * factor
