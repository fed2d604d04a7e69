"""What a sensor makes of the light: misregistration, blur, haze, gain, noise and whole numbers."""

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import FloatArray
from imagery.simulate.acquisition import Acquisition
from imagery.simulate.cloud import Clouds
from imagery.simulate.noise import generator, smooth

PSF_SIGMA_PX = 0.5
"""Of the blur by optics and detector, in pixels of the product."""

SERIES_SCALE, SERIES_OFFSET = 0.0001, -0.1
"""Reflectance of 10 m products is number * scale + offset, the convention of Sentinel-2 since baseline 04.00."""

_PATH = np.array((0.075, 0.05, 0.033, 0.017), np.float32)
"""Light scattered back by haze of optical thickness 1, in blue, green, red and near infrared."""

_WHITE_POINT = 0.38
_GAMMA = 0.68
_CLOUD = np.array((0.62, 0.61, 0.61, 0.64), np.float32)
_WARP_PX = 330.0
"""Distance in pixels over which local misregistration changes."""


def displace(image: FloatArray, acquisition: Acquisition, fine: int) -> FloatArray:
    """Shift and gently warp a picture drawn `fine` times finer than the product's pixels."""
    rows, cols = image.shape[:2]
    scale = _WARP_PX * fine
    x, y = np.meshgrid(np.arange(cols, dtype=np.float32), np.arange(rows, dtype=np.float32))
    right, down = acquisition.shift_px
    local = acquisition.warp_px * fine
    x -= right * fine + local * smooth((rows, cols), scale, acquisition.id, "warp x")
    y -= down * fine + local * smooth((rows, cols), scale, acquisition.id, "warp y")
    moved = cv2.remap(image, x, y, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32)


def blur(image: FloatArray, fine: int) -> FloatArray:
    """Blur by the point spread function and sum up to the product's pixels."""
    cv2.GaussianBlur(image, (0, 0), PSF_SIGMA_PX * fine, dst=image)
    if fine > 1:
        rows, cols = image.shape[:2]
        image = cv2.resize(image, (cols // fine, rows // fine), interpolation=cv2.INTER_AREA)
    return np.asarray(image, np.float32)


def through_air(
    image: FloatArray, acquisition: Acquisition, bands: tuple[int, ...], sky: Clouds | None = None
) -> FloatArray:
    """Add haze, unevenly spread, and clouds with their shadows; apply the gain."""
    rows, cols = image.shape[:2]
    uneven = 1 + 0.12 * smooth((rows, cols), max(rows, cols) / 3, acquisition.id, "haze")
    thickness = acquisition.haze * uneven
    out = image
    if sky is not None:
        out = out * (1 - 0.6 * sky.shadow)[..., None]
    seen = np.exp(-0.6 * thickness)[..., None]
    out = out * seen + thickness[..., None] * _PATH[list(bands)]
    if sky is not None:
        veil = sky.opacity[..., None]
        texture = 1 + 0.08 * smooth((rows, cols), 12, acquisition.id, "cloud tops")
        out = out * (1 - veil) + veil * _CLOUD[list(bands)] * texture[..., None]
    return np.asarray(out * np.float32(acquisition.gain), np.float32)


def series_numbers(image: FloatArray, acquisition: Acquisition) -> NDArray[np.uint16]:
    """Noise and whole numbers of a 10 m product: uint16 (row, col, band), 0 is kept for no data."""
    rng = generator(acquisition.id, "noise")
    noisy = image + rng.standard_normal(image.shape, dtype=np.float32) * (
        0.0012 + 0.006 * np.clip(image, 0, 1)
    )
    numbers = np.rint((noisy - SERIES_OFFSET) / SERIES_SCALE)
    return np.asarray(np.clip(numbers, 1, 65_535), np.uint16)


def picture_numbers(image: FloatArray, acquisition: Acquisition) -> NDArray[np.uint8]:
    """Noise and whole numbers of a picture as it is sold: uint8 (row, col, band), 0 is kept for no data."""
    rng = generator(acquisition.id, "noise")
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    noise *= 0.0018 + 0.008 * image
    bright = np.clip((image + noise) / _WHITE_POINT, 0, 1)
    return np.asarray(np.clip(np.rint(255 * bright**_GAMMA), 1, 255), np.uint8)
