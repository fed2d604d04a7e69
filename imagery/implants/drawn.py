"""The change that a drawn object makes to the pixels around it."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import FloatArray
from imagery.simulate.canvas import Canvas, swept
from imagery.simulate.thing import Points, Thing, set_down

_BLUR_REACH = 4
"""Standard deviations of blur that are kept around an object."""


@dataclass(frozen=True, kw_only=True)
class Light:
    """Where shadows fall and how dark they are.

    Parameters
    ----------
    shadow_azimuth_deg : float
        Clockwise from up.
    sun_elevation_deg : float
    dark : tuple of float
        Numbers of deep shadow per band, in the image's units: what no light at all would look like.
    shade : float
        Share of the light that shadow takes away, 0-1.
    """

    shadow_azimuth_deg: float
    sun_elevation_deg: float
    dark: tuple[float, ...]
    shade: float = 0.75

    @property
    def slide(self) -> Points:
        """Offset (east, north) of a shadow's tip per metre of height."""
        reach = 1.0 / math.tan(math.radians(self.sun_elevation_deg))
        turn = math.radians(self.shadow_azimuth_deg)
        return np.array((math.sin(turn) * reach, math.cos(turn) * reach))


@dataclass(frozen=True, kw_only=True, eq=False)
class Implant:
    """What to add to an image, and where the object then is.

    Parameters
    ----------
    row0, col0 : int
        Upper left pixel of `change`.
    change : float32 (row, col, band)
    box : tuple of float
        col0, row0, col1, row1 of the object without its shadow, pixel-edge coordinates.
    facts : dict
        What it is: name, length_m, contrast and the like; JSON-ready.
    """

    row0: int
    col0: int
    change: FloatArray
    box: tuple[float, float, float, float]
    facts: dict[str, float | str] = field(default_factory=dict)

    def put_into(self, image: FloatArray) -> None:
        """Add to an image, float32 (row, col, band), in place; what lies beyond its edges is lost."""
        rows, cols = image.shape[:2]
        top, left = max(0, -self.row0), max(0, -self.col0)
        bottom = min(self.change.shape[0], rows - self.row0)
        right = min(self.change.shape[1], cols - self.col0)
        if bottom > top and right > left:
            image[self.row0 + top : self.row0 + bottom, self.col0 + left : self.col0 + right] += self.change[
                top:bottom, left:right
            ]


def drawn(
    image: FloatArray,
    thing: Thing,
    *,
    at_px: tuple[float, float],
    heading_deg: float,
    gsd_m: float,
    colours: NDArray[np.float64],
    light: Light | None,
    psf_px: float,
    noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Implant:
    """Draw an upright thing on an image's ground.

    The object hides the ground, texture and noise included, brings noise of its own, and shades the ground beside it;
    all of that is blurred by the sensor's point spread, the ground, which has been blurred once, is not.

    Parameters
    ----------
    image : float32 (row, col, band)
        Not changed.
    thing : Thing
    at_px : (float, float)
        Column and row of its middle, pixel-edge coordinates.
    heading_deg : float
        Clockwise from up.
    gsd_m : float
    colours : float64 (part, band)
        Numbers of the top of each part, in the image's units.
    light : Light or None
        None draws no shadow.
    psf_px : float
        Standard deviation of the blur.
    noise : float64 (band,)
        Standard deviation per band.
    rng : numpy Generator
        Of the noise.
    """
    shadow_m = 0.0 if light is None else float(np.hypot(*light.slide)) * max(p.top_m for p in thing.parts)
    reach = math.ceil((thing.length_m + thing.width_m + shadow_m) / gsd_m + _BLUR_REACH * psf_px) + 2
    row0, col0 = round(at_px[1]) - reach, round(at_px[0]) - reach
    ground = _window(image, row0, col0, 2 * reach)
    canvas = Canvas(west_m=0.0, north_m=0.0, pixel_m=gsd_m, image=ground.copy())
    x, y = (at_px[0] - col0) * gsd_m, -(at_px[1] - row0) * gsd_m
    outlines = [set_down(part.outline, x, y, heading_deg) for part in thing.parts]
    if light is not None:
        _shade(canvas, thing, outlines, light, gsd_m)
    solid = np.zeros(canvas.shape, np.float32)
    order = sorted(range(len(thing.parts)), key=lambda i: thing.parts[i].top_m)
    for i in order:
        canvas.paint([outlines[i]], list(colours[i]))
        covered = canvas.coverage([outlines[i]])
        if covered is not None:
            box, alpha = covered
            np.maximum(solid[box], alpha, out=solid[box])
    change = cv2.GaussianBlur(canvas.image - ground, (0, 0), psf_px) if psf_px > 0 else canvas.image - ground
    change += rng.normal(0.0, 1.0, change.shape).astype(np.float32) * (
        solid[..., None] * noise.astype(np.float32)
    )
    corners = canvas.pixels(np.concatenate(outlines)) + np.array((col0, row0))
    low, high = corners.min(axis=0), corners.max(axis=0)
    contrast = float((canvas.image - ground)[solid > 0].sum() / max(float(solid.sum()), 1e-6))
    return Implant(
        row0=row0, col0=col0, change=np.asarray(change, np.float32),
        box=(float(low[0]), float(low[1]), float(high[0]), float(high[1])),
        facts={"name": thing.name, "length_m": thing.length_m, "width_m": thing.width_m,
               "contrast": round(contrast / image.shape[2], 4)},
    )  # fmt: skip


def _window(image: FloatArray, row0: int, col0: int, side: int) -> FloatArray:
    """A square of the image, edge pixels repeated beyond it."""
    rows = np.clip(np.arange(row0, row0 + side), 0, image.shape[0] - 1)
    cols = np.clip(np.arange(col0, col0 + side), 0, image.shape[1] - 1)
    out: FloatArray = image[np.ix_(rows, cols)]
    return out


def _shade(canvas: Canvas, thing: Thing, outlines: list[Points], light: Light, gsd_m: float) -> None:
    shade = np.zeros(canvas.shape, np.float32)
    for part, outline in zip(thing.parts, outlines, strict=True):
        covered = canvas.coverage(swept(outline, light.slide * part.base_m, light.slide * part.top_m))
        if covered is not None:
            box, alpha = covered
            np.maximum(shade[box], alpha, out=shade[box])
    cv2.GaussianBlur(shade, (0, 0), max(0.25 / gsd_m, 0.3), dst=shade)
    lit = np.maximum(canvas.image - np.array(light.dark, np.float32), 0)
    canvas.image[...] -= light.shade * shade[..., None] * lit
