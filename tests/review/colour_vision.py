"""Colours as colour-blind eyes see them.

The matrices are those of Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of Color Vision
Deficiency", IEEE TVCG 15(6), 2009, https://doi.org/10.1109/TVCG.2009.113, at severity 1.0, for linear RGB.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

MATRICES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

Colour = tuple[int, int, int]


def seen_lab(colour: Colour, vision: str) -> NDArray[np.float64]:
    """CIE Lab of an sRGB colour (0-255) as an eye sees it."""
    share = np.array(colour) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    there = np.clip(MATRICES[vision] @ linear, 0, 1)
    shown = np.where(there <= 0.0031308, there * 12.92, 1.055 * there ** (1 / 2.4) - 0.055)
    lab: NDArray[np.float64] = rgb2lab(shown[None, None])[0, 0]
    return lab


def distance(one: Colour, other: Colour, vision: str = "none") -> float:
    """CIEDE2000 between two colours for an eye; about 2 can just be told apart side by side."""
    return float(deltaE_ciede2000(seen_lab(one, vision), seen_lab(other, vision)))


def closest(colours: list[Colour], vision: str) -> float:
    """Least distance between any two."""
    return min(distance(one, other, vision) for one, other in combinations(colours, 2))
