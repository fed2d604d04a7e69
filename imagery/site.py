"""Watched places: the nouns. Reading and checking of site files is in `imagery.site_file`."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pyproj import CRS
from shapely.geometry.base import BaseGeometry

ZONE_KINDS = frozenset(
    {
        "anchorage", "apron", "basin", "berth", "breakwater", "compound", "container_yard", "control",
        "equipment_yard", "facility", "helicopter_area", "infield", "pier", "port", "quay", "reference_point",
        "runway", "vehicle_park", "vehicle_staging", "water",
    }
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Zone:
    """A named part of a site, or of the water around it.

    Parameters
    ----------
    id, name : str
        `id` is unique within the site; `name` is what a person reads.
    kind : str
        One of `ZONE_KINDS`.
    geometry : shapely geometry
        Lon/lat, EPSG:4326.
    position_error_m : float
        How far the outline may be off.
    confidence : str
        "high", "medium" or "low".
    source : str
        Where the outline comes from.
    watch : bool
        Whether changes in it are reported by zone; such a zone may lie outside the AOI.
    parent, note : str or None
    """

    id: str
    name: str
    kind: str
    geometry: BaseGeometry
    position_error_m: float
    confidence: str
    source: str
    watch: bool = True
    parent: str | None = None
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class Site:
    """A watched place.

    Parameters
    ----------
    id, name : str
    aoi : shapely polygon
        Lon/lat, EPSG:4326.
    crs : pyproj.CRS
        Working CRS in metres.
    zones : mapping of zone id to Zone
    attribution : str
        Credit line for the outlines.
    """

    id: str
    name: str
    aoi: BaseGeometry
    crs: CRS
    zones: Mapping[str, Zone]
    attribution: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "zones", MappingProxyType(dict(self.zones)))

    def __getstate__(self) -> dict[str, Any]:
        # A mapping proxy cannot be pickled, and sites travel between processes.
        return {**self.__dict__, "zones": dict(self.zones)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({**state, "zones": MappingProxyType(state["zones"])})
