"""What a vendor's metadata says about the images it was delivered with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagery.sources.facts import Facts


@dataclass(frozen=True, kw_only=True)
class Delivered:
    """One metadata file of a vendor.

    Parameters
    ----------
    path : Path
    facts : Facts
    outline : GeoJSON geometry or None
        Lon/lat, where the file draws one.
    projected : bool or None
        Whether the product is laid onto a map; None where the file does not say.
    level : str or None
        The vendor's word for how far it was processed ("LV3D").
    files : tuple of str
        Names of the images the product consists of, where the file lists them.
    notes : tuple of str
        What an analyst should know before using the images.
    """

    path: Path
    facts: Facts
    outline: Mapping[str, Any] | None = None
    projected: bool | None = None
    level: str | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
