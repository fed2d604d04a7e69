"""What an object put into an image must share with it: tone, noise, the direction of shadows."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import scipy.fft
from numpy.typing import NDArray

from imagery.raster import FloatArray

_DARK, _PAVED = (1.0, 0.02), (60.0, 0.17)
"""Percentile of an image's numbers and the reflectance taken to be there: deep shadow; pavement and dry ground."""

_DARKEST_PCT = 0.5

_SHADOW_REACH_M = (1.0, 9.0)
_TOPHAT_M = 9.0


@dataclass(frozen=True, kw_only=True)
class Tone:
    """Numbers of an 8-bit picture as a straight line in reflectance, per band: a guess, good to a third or so.

    Parameters
    ----------
    offset, gain : tuple of float
        number = offset + gain * reflectance.
    """

    offset: tuple[float, ...]
    gain: tuple[float, ...]

    def numbers(self, reflectance: NDArray[np.float64]) -> NDArray[np.float64]:
        """Numbers per band, not cut off."""
        out: NDArray[np.float64] = np.array(self.offset) + np.array(self.gain) * reflectance
        return out


def tone_of(image: FloatArray) -> Tone:
    """Tone of a picture, float32 (row, col, band), from what is dark and what is common in it."""
    low = np.percentile(image, _DARK[0], axis=(0, 1))
    high = np.percentile(image, _PAVED[0], axis=(0, 1))
    gain = np.maximum(high - low, 1.0) / (_PAVED[1] - _DARK[1])
    offset = low - gain * _DARK[1]
    return Tone(offset=tuple(map(float, offset)), gain=tuple(map(float, gain)))


def darkest(image: FloatArray) -> tuple[float, ...]:
    """Numbers of deep shadow per band of float32 (row, col, band)."""
    return tuple(float(n) for n in np.percentile(image, _DARKEST_PCT, axis=(0, 1)))


def noise_sigma(image: FloatArray, where: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Pixel noise per band: a low quantile of local deviations from the plane, so that texture does not count.

    Parameters
    ----------
    image : float32 (row, col, band)
    where : bool (row, col), optional
        Only blocks wholly inside are used.

    Returns
    -------
    float64 (band,)

    References
    ----------
    Immerkaer 1996, doi:10.1006/cviu.1996.0060 (the mask), per 16 x 16 block.
    """
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6.0
    out = []
    inside = np.ones(image.shape[:2], np.bool_) if where is None else where
    rows, cols = (n // 16 * 16 for n in image.shape[:2])
    whole = inside[:rows, :cols].reshape(rows // 16, 16, cols // 16, 16).all(axis=(1, 3))
    for band in range(image.shape[2]):
        detail = cv2.filter2D(np.ascontiguousarray(image[..., band]), cv2.CV_32F, kernel)[:rows, :cols]
        power = (detail**2).reshape(rows // 16, 16, cols // 16, 16).mean(axis=(1, 3))
        used = power[whole] if whole.any() else power.ravel()
        out.append(math.sqrt(float(np.quantile(used, 0.2))))
    return np.array(out)


def shadow_azimuth_deg(image: FloatArray, gsd_m: float) -> float:
    """Direction in which shadows fall, degrees clockwise from up, from where dark lies beside bright.

    Small bright and small dark things (top-hat and bottom-hat within 9 m) are cross-correlated; the mean direction of
    what is left after taking off the part that is the same both ways is that of the shadows. Wrong where an image
    shows no standing things.

    Parameters
    ----------
    image : float32 (row, col, band)
    gsd_m : float
    """
    grey = np.ascontiguousarray(image.mean(axis=2), np.float32)
    side = 2 * round(_TOPHAT_M / gsd_m / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, kernel)
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, kernel)
    bright, dark = (np.minimum(part, np.quantile(part, 0.99)) for part in (bright, dark))
    spectra = [scipy.fft.rfft2(part - part.mean()) for part in (bright, dark)]
    surface = scipy.fft.irfft2(np.conj(spectra[0]) * spectra[1], s=grey.shape)
    reach = round(_SHADOW_REACH_M[1] / gsd_m)
    offsets = np.arange(-reach, reach + 1)
    near = surface[np.ix_(offsets, offsets)]
    odd = near - near[::-1, ::-1]
    down, right = np.meshgrid(offsets, offsets, indexing="ij")
    distance_m = np.hypot(down, right) * gsd_m
    weight = np.where((distance_m >= _SHADOW_REACH_M[0]) & (distance_m <= _SHADOW_REACH_M[1]), odd, 0.0)
    length = np.maximum(np.hypot(down, right), 1.0)
    east, south = float((weight * right / length).sum()), float((weight * down / length).sum())
    return math.degrees(math.atan2(east, -south)) % 360.0
