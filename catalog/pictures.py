"""All pictures of a run."""

from contextlib import ExitStack
from pathlib import Path

import rasterio
from odc.geo.geobox import GeoBox

from catalog.chips import draw_chip
from catalog.layout import AFTER, BEFORE, CHIPS, OVERLAY, chip_name
from catalog.overlay import Sheet, draw_overlay, ranked, tags_of
from catalog.report import Report
from catalog.stretch import shared_stretch
from imagery.site import Site


def draw(folder: Path, report: Report, grid: GeoBox, site: Site | None) -> None:
    """Draw the overlay and one chip per change from the rasters already in `folder`."""
    with ExitStack() as stack:
        for name in (BEFORE, AFTER):  # held open, so that chips side by side decode each block once
            stack.enter_context(rasterio.open(folder / name, sharing=True))
        _draw(folder, report, grid, site)


def _draw(folder: Path, report: Report, grid: GeoBox, site: Site | None) -> None:
    stretch = shared_stretch((folder / BEFORE, folder / AFTER), report.quantity)
    sheet = Sheet(folder=folder, report=report, grid=grid, site=site, stretch=stretch)
    draw_overlay(folder / OVERLAY, sheet)
    (folder / CHIPS).mkdir()
    tags = tags_of(report.changes)
    for change in ranked(report.changes):
        draw_chip(folder / CHIPS / chip_name(change.id), sheet, change, tags[change.id])
