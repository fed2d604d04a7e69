"""What light, air, optics and a supplier's development make of a drawn scene: as different as real pictures are."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from imagery.raster import FloatArray
from imagery.simulate import sensor
from imagery.simulate.acquisition import Acquisition
from imagery.simulate.noise import fractal, generator
from imagery.simulate.render import Ground, View
from imagery.simulate.sun import SunPosition, sun_position

_LOWEST_SUN_DEG = 14.0


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One image to be taken: when, from where, and how it is developed.

    Parameters
    ----------
    acquisition : Acquisition
    sun : SunPosition
    blur_px, sharpen : float
        Point spread (1 sigma), and how much of what it took is put back by an unsharp mask.
    white, gamma, cast : float, float, tuple of float
        Quantile of the scene that becomes white, tone curve, gain of each band.
    noise : float
        Factor on the sensor's noise.
    quality : int
        Of the JPEG compression that pictures are delivered with.
    """

    acquisition: Acquisition
    sun: SunPosition
    blur_px: float
    sharpen: float
    white: float
    gamma: float
    cast: tuple[float, float, float]
    noise: float
    quality: int


def shot_of(place: str, date: str, latitude_deg: float) -> Shot:
    """An image of a place: a morning of any season, any direction, any development."""
    rng = generator(place, date, "shot")
    while True:
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(
            days=int(rng.integers(0, 366)), minutes=int(rng.integers(9 * 60 + 45, 12 * 60))
        )
        sun = sun_position(0.0, latitude_deg, moment)
        if sun.elevation_deg > _LOWEST_SUN_DEG:
            break
    turn, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 2.0)
    acquisition = Acquisition(
        site_id=place, crop=date, acquired=moment, platform=f"simulated-{place}-{date}",
        off_nadir_deg=float(rng.uniform(1, 28)), view_azimuth_deg=float(rng.uniform(0, 360)),
        haze=float(rng.uniform(0.03, 0.35)), gain=float(rng.uniform(0.85, 1.15)),
        wet=float(max(0.0, rng.uniform(-0.5, 0.9))),
        shift_px=(float(length * np.cos(turn)), float(length * np.sin(turn))),
        warp_px=float(rng.uniform(0.1, 0.8)),
    )  # fmt: skip
    return Shot(
        acquisition=acquisition, sun=sun, blur_px=float(rng.uniform(0.5, 1.0)), sharpen=float(rng.uniform(0, 1.2)),
        white=float(rng.uniform(0.98, 0.9995)), gamma=float(rng.uniform(0.55, 1.0)),
        cast=tuple(float(c) for c in rng.uniform(0.92, 1.08, 3)), noise=float(rng.uniform(0.5, 3.0)),
        quality=int(rng.integers(80, 97)),
    )  # fmt: skip


def of_the_day(ground: Ground, view: View, shot: Shot) -> Ground:
    """The ground as it is on a date: damp and dust in patches of many sizes."""
    rng = generator(shot.acquisition.id, "day")
    amount = rng.uniform(0.01, 0.09)
    field = fractal(view.shape, rng.uniform(15, 120) / view.pixel_m, 4, shot.acquisition.id, "damp")
    tone = ground.tone * (1 + np.float32(amount) * np.clip(field, -2.5, 2.5))
    return Ground(labels=ground.labels, tone=np.asarray(tone, np.float32))


def developed(image: FloatArray, view: View, shot: Shot) -> NDArray[Any]:
    """Reflectance to uint8 (row, col, band) as it is delivered."""
    rng = generator(shot.acquisition.id, "development")
    image = sensor.displace(image, shot.acquisition, 1)
    cv2.GaussianBlur(image, (0, 0), shot.blur_px, dst=image)
    image += np.float32(shot.sharpen) * (image - cv2.GaussianBlur(image, (0, 0), 1.2 * shot.blur_px))
    image = sensor.through_air(image, shot.acquisition, view.bands)
    image += (
        np.float32(shot.noise) * rng.standard_normal(image.shape, dtype=np.float32) * (0.001 + 0.006 * image)
    )
    low, high = np.quantile(image[::4, ::4], (0.001, shot.white))
    bright = np.clip((image - 0.9 * low) / (high - 0.9 * low) * np.array(shot.cast, np.float32), 0, 1)
    numbers = np.clip(np.rint(255 * bright**shot.gamma), 1, 255).astype(np.uint8)
    # Compressed here, so that the file that keeps it need not be.
    packed = cv2.imencode(".jpg", numbers[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, shot.quality])[1]
    return cv2.imdecode(packed, cv2.IMREAD_COLOR)[..., ::-1]
