"""Two dates made of one image: easier than two real ones, since nothing on the ground changes between them."""

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import FloatArray


def two_dates(
    image: FloatArray,
    *,
    shift_px: tuple[float, float],
    gain: float,
    offset: float,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    """The image twice, the second displaced and of another brightness, each with noise of its own.

    Parameters
    ----------
    image : float32 (row, col, band)
        Its own noise is common to both dates and cancels, so each gets as much again.
    shift_px : (float, float)
        Columns and rows that the content of the second lies further right and down.
    gain, offset : float
        second = gain * first + offset.
    noise : float64 (band,)
        Standard deviation added to each.
    rng : numpy Generator

    Returns
    -------
    before, after : float32 (row, col, band)
    """
    right, down = shift_px
    moved = cv2.warpAffine(
        image, np.array([[1, 0, right], [0, 1, down]], np.float64), image.shape[1::-1], flags=cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    sigma = noise.astype(np.float32)
    first = image + rng.standard_normal(image.shape, np.float32) * sigma
    second = gain * moved + offset + rng.standard_normal(image.shape, np.float32) * sigma
    return first.astype(np.float32), second.astype(np.float32)
