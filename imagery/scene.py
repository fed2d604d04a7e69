"""One acquisition as a source offers it: where its pixels are and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from imagery.raster import Quantity, Sensor


@dataclass(frozen=True, kw_only=True)
class Asset:
    """One file of a scene.

    Parameters
    ----------
    href : str
        Absolute path or URL.
    bands : tuple of str
        Common names of the file's bands in order ("red", "nir", "vv", ...).
    role : {"data", "quality"}
        Pixels to compare, or a classification / quality band.
    quality : {"scl", "udm2", "cloud", None}
        How to read a quality asset; None for data.
    scale, offset : float or None
        As the metadata states them (value = number * scale + offset); None where it says nothing. Whether the
        offset has been applied already is decided when pixels are read.
    nodata : float or None
        As the metadata states it.
    etag, sha256 : str or None
        Where known.
    """

    href: str
    bands: tuple[str, ...]
    role: Literal["data", "quality"] = "data"
    quality: Literal["scl", "udm2", "cloud"] | None = None
    scale: float | None = None
    offset: float | None = None
    nodata: float | None = None
    etag: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One acquisition of one place.

    Parameters
    ----------
    id : str
        STAC item id, or a name made from the file.
    source : str
        Name of the source that offered it.
    collection, platform : str
        As STAC states them; "unknown" is allowed for platform.
    sensor : {"optical", "sar"}
    quantity : Quantity
        What the numbers measure once scale and offset are applied (radar: linear).
    in_db : bool
        True where the file stores decibels; they are turned into linear power when read.
    acquired : datetime
        Aware, UTC.
    time_known : bool
        False where only the day is known; `acquired` is then its midnight.
    gsd_m : float
        As the metadata states it; the file's own is used when pixels are read.
    footprint : GeoJSON geometry or None
        Lon/lat.
    cloud_cover_pct : float or None
    view_off_nadir_deg, view_azimuth_deg, sun_azimuth_deg, sun_elevation_deg : float or None
    relative_orbit : int or None
    orbit_state : str or None
    processing_baseline : str or None
    datatake : str or None
        Identifies one pass; duplicates of it in several tiles or reprocessings share it.
    tile : str or None
        MGRS or other tile name within the pass.
    offset_applied : bool or None
        What the metadata says about the Sentinel-2 -1000 offset; None where it says nothing.
    licence : str or None
    attribution : str or None
        The credit line printed on pictures.
    simulated : bool
        True only for the built-in demo archive.
    granule : str or None
        Where metadata of a Sentinel-2 granule lies, for view angles that the source does not state.
    assets : mapping of name to Asset
    """

    id: str
    source: str
    collection: str
    platform: str
    sensor: Sensor
    quantity: Quantity
    acquired: datetime
    gsd_m: float
    assets: Mapping[str, Asset]
    in_db: bool = False
    footprint: Mapping[str, object] | None = None
    cloud_cover_pct: float | None = None
    view_off_nadir_deg: float | None = None
    view_azimuth_deg: float | None = None
    sun_azimuth_deg: float | None = None
    sun_elevation_deg: float | None = None
    relative_orbit: int | None = None
    orbit_state: str | None = None
    processing_baseline: str | None = None
    datatake: str | None = None
    tile: str | None = None
    offset_applied: bool | None = None
    licence: str | None = None
    attribution: str | None = None
    simulated: bool = False
    time_known: bool = True
    granule: str | None = None
    siblings: tuple["Scene", ...] = field(default=())
    """Other tiles of the same pass, merged into this scene when its pixels are read."""

    def __post_init__(self) -> None:
        if self.acquired.tzinfo is None or self.acquired.utcoffset() != timedelta(0):
            raise ValueError(f"{self.id}: acquired must be aware UTC, got {self.acquired!r}")
        if not self.gsd_m > 0:
            raise ValueError(f"{self.id}: gsd_m must be positive, got {self.gsd_m}")
        if not self.assets:
            raise ValueError(f"{self.id}: a scene needs at least one asset")
        object.__setattr__(self, "assets", MappingProxyType(dict(self.assets)))

    def __getstate__(self) -> dict[str, Any]:
        # A mapping proxy cannot be pickled, and scenes travel between processes.
        return {**self.__dict__, "assets": dict(self.assets)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "assets": MappingProxyType(state["assets"])})
