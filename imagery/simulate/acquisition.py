"""The calendar of the archive: which simulated satellite looks at what, when, and through what air."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from imagery.simulate.noise import generator

Sky = Literal["clear", "partly", "overcast"]

CROP_M = 1280.0
CROP_GSD_M = 0.5
SERIES_GSD_M = 10.0

CROPS: dict[str, dict[str, tuple[float, float]]] = {
    "khmeimim": {"east": (2600.0, 2690.0), "west": (1640.0, 3050.0)},
    "tartus": {"north": (1830.0, 2560.0), "middle": (2060.0, 1610.0)},
}
"""South-west corners, metres east and north of the AOI's corner."""


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """One image to be drawn.

    Parameters
    ----------
    site_id : str
    crop : str or None
        Name of the crop; None is the whole AOI at 10 m.
    acquired : datetime
        Aware, UTC.
    platform : str
    off_nadir_deg, view_azimuth_deg : float
        Direction from the ground to the satellite.
    sky : {"clear", "partly", "overcast"}
    haze : float
        Optical thickness.
    gain : float
        Of the sensor, near 1.
    wet : float
        0 dry ground, 1 after rain.
    shift_px : (float, float)
        Misregistration: how far columns and rows the picture lies from its georeference.
    warp_px : float
        Amplitude of the slow local part of it.
    """

    site_id: str
    crop: str | None
    acquired: datetime
    platform: str
    off_nadir_deg: float
    view_azimuth_deg: float
    sky: Sky = "clear"
    haze: float = 0.08
    gain: float = 1.0
    wet: float = 0.0
    shift_px: tuple[float, float] = (0.0, 0.0)
    warp_px: float = 0.12

    @property
    def id(self) -> str:
        """Item id, unique in the archive."""
        what = "s2like" if self.crop is None else f"05m_{self.crop}"
        return f"SIMULATED_{what}_{self.site_id}_{self.acquired:%Y%m%dT%H%M%S}"

    @property
    def series(self) -> str:
        """Images of one series show the same ground at the same pixel size."""
        return "10m" if self.crop is None else f"05m-{self.crop}"

    @property
    def gsd_m(self) -> float:
        """Pixel size."""
        return SERIES_GSD_M if self.crop is None else CROP_GSD_M


_SERIES: tuple[tuple[str, str, Sky, float, float], ...] = (
    ("2024-11-30", "a", "clear", 0.06, 0.0),
    ("2024-12-05", "b", "clear", 0.09, 0.1),
    ("2024-12-10", "a", "clear", 0.16, 0.0),
    ("2024-12-15", "b", "partly", 0.10, 0.6),
    ("2024-12-20", "a", "overcast", 0.20, 0.8),
    ("2024-12-25", "b", "clear", 0.07, 0.4),
    ("2025-01-24", "b", "clear", 0.12, 0.2),
    ("2025-01-29", "c", "clear", 0.06, 0.3),
)
"""Passes of relative orbit 121: day, satellite, sky, haze, wetness."""

_PURCHASES: dict[str, tuple[str, ...]] = {
    "khmeimim": ("2024-12-05", "2024-12-13", "2024-12-15", "2025-01-25"),
    "tartus": ("2024-12-05", "2024-12-10", "2024-12-17", "2025-01-27"),
}


def acquisitions() -> tuple[Acquisition, ...]:
    """Everything in the archive, by site, series and time."""
    found = []
    for site_id, crops in CROPS.items():
        found += [_pass(site_id, *entry) for entry in _SERIES]
        for number, crop in enumerate(crops):
            found += [_purchase(site_id, crop, number, day) for day in _PURCHASES[site_id]]
    return tuple(found)


def _pass(site_id: str, day: str, satellite: str, sky: Sky, haze: float, wet: float) -> Acquisition:
    rng = generator(site_id, day, "pass")
    second = int(rng.integers(5, 55))
    return Acquisition(
        site_id=site_id,
        crop=None,
        acquired=datetime.fromisoformat(
            f"{day}T08:2{'1' if site_id == 'tartus' else '0'}:{second:02d}"
        ).replace(tzinfo=UTC),
        platform=f"simulated-sentinel-2{satellite}",
        off_nadir_deg=5.2,
        view_azimuth_deg=288.0,
        sky=sky,
        haze=haze,
        wet=wet,
        gain=float(rng.uniform(0.97, 1.03)),
        shift_px=_shift(rng, 0.2, 0.45),
        warp_px=0.06,
    )


def _purchase(site_id: str, crop: str, number: int, day: str) -> Acquisition:
    rng = generator(site_id, crop, day, "purchase")
    minute, second = int(rng.integers(3, 28)), int(rng.integers(60))
    return Acquisition(
        site_id=site_id,
        crop=crop,
        acquired=datetime.fromisoformat(f"{day}T{8 + number:02d}:{minute:02d}:{second:02d}").replace(
            tzinfo=UTC
        ),
        platform=f"simulated-05m-{number + 1}",
        off_nadir_deg=float(rng.uniform(3, 17)),
        view_azimuth_deg=float(rng.uniform(0, 360)),
        haze=float(rng.uniform(0.03, 0.14)),
        gain=float(rng.uniform(0.93, 1.07)),
        wet=float(rng.uniform(0, 0.6)),
        shift_px=_shift(rng, 0.25, 0.8),
        warp_px=0.2,
    )


def _shift(rng: np.random.Generator, least: float, most: float) -> tuple[float, float]:
    length, turn = rng.uniform(least, most), rng.uniform(0, 2 * np.pi)
    return round(float(length * np.cos(turn)), 3), round(float(length * np.sin(turn)), 3)
