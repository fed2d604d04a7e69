"""Clouds and their shadows over a 10 m scene."""

import math
from dataclasses import dataclass

import numpy as np

from imagery.raster import BoolArray, FloatArray
from imagery.simulate.acquisition import Acquisition
from imagery.simulate.noise import fractal
from imagery.simulate.sun import SunPosition

_HEIGHT_M = 900.0
_OVERCAST_BELOW = -3.0
_PARTLY_BELOW = 0.85
_OPAQUE = 0.35
_SEEN = 0.12


@dataclass(frozen=True, kw_only=True, eq=False)
class Clouds:
    """What the sky puts between ground and satellite.

    Parameters
    ----------
    opacity : float32 (row, col)
        0-1.
    shadow : float32 (row, col)
        Share of direct light taken away, 0-1.
    """

    opacity: FloatArray
    shadow: FloatArray

    @property
    def thick(self) -> BoolArray:
        """Cloud of high probability."""
        return np.asarray(self.opacity > _OPAQUE)

    @property
    def thin(self) -> BoolArray:
        """Cloud of medium probability."""
        return np.asarray((self.opacity > _SEEN) & (self.opacity <= _OPAQUE))

    @property
    def shaded(self) -> BoolArray:
        """Clear sky above, but in a cloud's shadow."""
        return np.asarray((self.shadow > _SEEN) & (self.opacity <= _SEEN))


def clouds(
    acquisition: Acquisition, shape: tuple[int, int], pixel_m: float, sun: SunPosition
) -> Clouds | None:
    """Draw the sky of an acquisition; None where it is clear."""
    if acquisition.sky == "clear":
        return None
    reach = math.ceil(_HEIGHT_M / math.tan(math.radians(sun.elevation_deg)) / pixel_m)
    size = shape[0] + 2 * reach, shape[1] + 2 * reach
    field = fractal(size, 1600 / pixel_m, 7, acquisition.id, "clouds 4")
    below = _OVERCAST_BELOW if acquisition.sky == "overcast" else _PARTLY_BELOW
    dense = np.clip((field - below) / 0.7, 0, 1)
    turn = math.radians(sun.azimuth_deg)
    # A shadow lies away from the sun: the ground at a place sees the cloud that stands towards it.
    down, right = round(-math.cos(turn) * reach), round(math.sin(turn) * reach)
    rows, cols = shape
    here = np.s_[reach : reach + rows, reach : reach + cols]
    there = np.s_[reach + down : reach + down + rows, reach + right : reach + right + cols]
    return Clouds(opacity=dense[here].astype(np.float32), shadow=dense[there].astype(np.float32))
