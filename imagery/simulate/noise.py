"""Random fields that are the same every time: texture of the ground, waves, haze, clouds."""

import zlib

import cv2
import numpy as np

from imagery.raster import FloatArray


def generator(*key: object) -> np.random.Generator:
    """Random numbers that depend on nothing but `key`."""
    return np.random.default_rng(zlib.crc32("|".join(map(str, key)).encode()))


def smooth(shape: tuple[int, int], scale_px: float | tuple[float, float], *key: object) -> FloatArray:
    """A smooth random field, float32 (row, col), mean 0, standard deviation 1.

    Parameters
    ----------
    shape : (rows, cols)
    scale_px : float or (float, float)
        Distance over which it changes, along columns and rows where two are given.
    key
        Names the field.
    """
    along, across = scale_px if isinstance(scale_px, tuple) else (scale_px, scale_px)
    coarse = max(2, round(shape[0] / along) + 3), max(2, round(shape[1] / across) + 3)
    draws = generator(*key).standard_normal(coarse, dtype=np.float32)
    field = cv2.resize(draws, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    field -= field.mean()
    field /= max(float(field.std()), 1e-6)
    return np.asarray(field, np.float32)


def fractal(shape: tuple[int, int], largest_px: float, octaves: int, *key: object) -> FloatArray:
    """Octaves of `smooth` that halve in scale and amplitude, standard deviation 1."""
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        total += smooth(shape, largest_px / 2**octave, *key, octave) * np.float32(0.5**octave)
    return np.asarray(total / total.std(), np.float32)
