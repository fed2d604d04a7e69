"""Colours of the layers; told apart by lightness too, so that colour-blind eyes read them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagery.raster import BoolArray, FloatArray

ByteImage = NDArray[np.uint8]

BRIGHTER = (255, 221, 87)
DARKER = (139, 108, 255)
"""Yellow and violet: far apart in hue for every kind of colour vision, and in lightness."""

STEPS = ((180, 222, 44), (94, 201, 98), (33, 145, 140), (59, 82, 139), (72, 40, 120), (42, 0, 54))
"""From viridis, light to dark: found down to small objects, only large ones; the last: none."""

EVIDENCE_FULL_SIGMAS = 8.0
"""At this many robust sigmas a colour is at its strongest."""

HATCH_PX = 8
UNSEEN = (196, 92, 160)


def signed(values: FloatArray, valid: BoolArray, full: float, *, ground: int | None) -> ByteImage:
    """A signed quantity: yellow above zero, violet below.

    Parameters
    ----------
    values : float32 (row, col)
    valid : bool (row, col)
    full : float
        Shown at full strength from here on.
    ground : int or None
        Grey that zero has, opaque; None: zero is transparent.

    Returns
    -------
    uint8 (row, col, 4)
        Red, green, blue, alpha.
    """
    strength = np.clip(np.abs(values) / full, 0.0, 1.0)
    strength[~valid] = 0.0
    colours = np.where((values >= 0)[..., None], np.array(BRIGHTER, np.float32), np.array(DARKER, np.float32))
    out = np.zeros((*values.shape, 4), np.uint8)
    if ground is None:
        out[..., :3] = colours
        out[..., 3] = np.rint(strength * 215)
    else:
        out[..., :3] = np.rint(ground + (colours - ground) * strength[..., None])
        out[..., 3] = 255
    return out


def steps(values: FloatArray, limits: Sequence[float], alpha: int = 125) -> ByteImage:
    """A quantity in classes: the first colour up to the first limit, the last beyond all; NaN is hatched.

    Returns
    -------
    uint8 (row, col, 4)
    """
    colours = np.array([STEPS[min(i, len(STEPS) - 2)] for i in range(len(limits))] + [STEPS[-1]], np.uint8)
    seen = ~np.isnan(values)
    classes = np.searchsorted(np.asarray(limits, np.float32), np.where(seen, values, 0.0), side="left")
    out = np.zeros((*values.shape, 4), np.uint8)
    out[..., :3] = colours[classes]
    out[..., 3] = np.where(seen, alpha, 0)
    return out


def hatched(bad: BoolArray, origin: tuple[int, int]) -> ByteImage:
    """Diagonal lines over what could not be seen, joining up from tile to tile.

    Parameters
    ----------
    bad : bool (row, col)
    origin : (int, int)
        Row and column of the first pixel in the picture as a whole.

    Returns
    -------
    uint8 (row, col, 4)
    """
    rows = np.arange(bad.shape[0])[:, None] + origin[0]
    cols = np.arange(bad.shape[1])[None, :] + origin[1]
    line = (rows + cols) % HATCH_PX < 2
    out = np.zeros((*bad.shape, 4), np.uint8)
    out[bad] = (*UNSEEN, 70)
    out[bad & line] = (*UNSEEN, 235)
    return out
