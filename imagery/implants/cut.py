"""Real objects cut out of one place and set down at another."""

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.implants.drawn import Implant
from imagery.raster import BoolArray, FloatArray

MARGIN_PX = 3
_RING_PX = 2


def cut_by_other_date(
    present: FloatArray, absent: FloatArray, *, size_px: tuple[int, int], significance: float = 4.0
) -> tuple[FloatArray, FloatArray] | None:
    """Object and shadow as what differs between a patch with the object and the same ground without it.

    Parameters
    ----------
    present, absent : float32 (row, col, band)
        The object in the middle, `MARGIN_PX` of ground around it, on one grid.
    size_px : (rows, cols)
        Of the label box, in the middle of the patch.
    significance : float
        Robust standard deviations of the ring that a pixel must differ by.

    Returns
    -------
    change : float32 (row, col, band)
        Difference from the ground beneath.
    alpha : float32 (row, col)
        How much of the ground is hidden or shaded, 0-1.

    None where too little of the box differs to be an object.
    """
    ring = _ring(present.shape[:2])
    offset = np.median((present - absent)[ring], axis=0)
    change = (present - absent - offset).astype(np.float32)
    size = np.abs(change).max(axis=2)
    sigma = 1.4826 * float(np.median(size[ring])) + 1e-6
    solid = (size > significance * sigma).astype(np.uint8)
    # Anchors at opposite corners: an even kernel with one anchor would move everything by a pixel.
    pair = np.ones((2, 2), np.uint8)
    solid = cv2.dilate(cv2.erode(solid, pair, anchor=(0, 0)), pair, anchor=(1, 1))
    solid = _middle_part(cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)))
    middle = solid[MARGIN_PX : MARGIN_PX + size_px[0], MARGIN_PX : MARGIN_PX + size_px[1]]
    if middle.mean() < 0.4 or solid[ring].mean() > 0.3:
        return None
    alpha = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.6)
    return change, np.asarray(alpha, np.float32)


def cut_by_surroundings(
    patch: FloatArray, *, size_px: tuple[int, int], significance: float = 5.0
) -> tuple[FloatArray, FloatArray] | None:
    """The same from one date alone, for objects on even ground such as ships on water.

    Parameters and result as of `cut_by_other_date`, the ground being the median of the rim.
    """
    ground = np.broadcast_to(np.median(patch[_ring(patch.shape[:2])], axis=0), patch.shape)
    return cut_by_other_date(patch, ground.astype(np.float32), size_px=size_px, significance=significance)


def _middle_part(solid: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The connected part nearest the middle: a neighbour that reaches into the patch is another object."""
    count, labels, _, centres = cv2.connectedComponentsWithStats(solid)
    if count < 2:
        return solid
    middle = np.array(solid.shape[::-1]) / 2
    nearest = 1 + int(np.hypot(*(centres[1:] - middle).T).argmin())
    return np.asarray(labels == nearest, np.uint8)


def _extent(alpha: FloatArray, at_px: tuple[int, int]) -> tuple[float, float, float, float]:
    """Box of what is more than half hidden, where the label's upper left corner lies at `at_px`."""
    rows, cols = np.nonzero(alpha > 0.5)
    col0, row0 = at_px[0] - MARGIN_PX, at_px[1] - MARGIN_PX
    return (
        float(col0 + cols.min()),
        float(row0 + rows.min()),
        float(col0 + cols.max() + 1),
        float(row0 + rows.max() + 1),
    )


def _ring(shape: tuple[int, ...]) -> BoolArray:
    ring = np.ones(shape[:2], np.bool_)
    ring[_RING_PX:-_RING_PX, _RING_PX:-_RING_PX] = False
    return ring


def set_down_cut(
    change: FloatArray,
    alpha: FloatArray,
    *,
    at_px: tuple[int, int],
    size_px: tuple[int, int],
    gain: float,
    tight: bool = False,
) -> Implant:
    """A cut-out at another place of an image.

    Parameters
    ----------
    change, alpha
        From one of the functions above.
    at_px : (col, row)
        Upper left pixel of the label box at the new place.
    size_px : (rows, cols)
        Of the label box.
    gain : float
        Brightness of the new ground over that of the old.
    tight : bool
        The box is what is hidden instead of the label: for objects without shadow, whose labels may be loose.
    """
    contrast = float((alpha[..., None] * change).sum() / max(float(alpha.sum()), 1e-6) / change.shape[2])
    label = (
        float(at_px[0]),
        float(at_px[1]),
        float(at_px[0] + size_px[1]),
        float(at_px[1] + size_px[0]),
    )
    box = _extent(alpha, at_px) if tight else label
    return Implant(
        row0=at_px[1] - MARGIN_PX,
        col0=at_px[0] - MARGIN_PX,
        change=(change * alpha[..., None] * np.float32(gain)).astype(np.float32),
        box=box,
        facts={"name": "cut-out", "contrast": round(contrast * gain, 4)},
    )


def ground_gain(old: NDArray[np.float32], new: NDArray[np.float32]) -> float:
    """Median brightness of new ground over that of old, kept within a factor of 1.5 either way."""
    return float(np.clip(float(np.median(new)) / max(float(np.median(old)), 1e-6), 1 / 1.5, 1.5))
