"""All pictures of a run."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from odc.geo.geobox import GeoBox

from catalog.chips import ChipSheet, draw_chip
from catalog.layout import AFTER, BEFORE, CHIPS, OVERLAY, chip_name
from catalog.overlay import Sheet, draw_overlay, ranked, tags_of
from catalog.report import Report
from catalog.stretch import Views, shared_stretch
from imagery.site import Site


def draw(folder: Path, report: Report, grid: GeoBox, site: Site | None) -> None:
    """Draw the overlay and one chip per change from the rasters already in `folder`."""
    stretch = shared_stretch((folder / BEFORE, folder / AFTER), report.quantity)
    sheet = Sheet(folder=folder, report=report, grid=grid, site=site, stretch=stretch)
    (folder / CHIPS).mkdir()
    tags, chips = tags_of(report.changes), ChipSheet(sheet=sheet, views=Views(stretch))
    with ThreadPoolExecutor(2) as pool:  # compressing a picture, half of its cost, leaves Python to the other
        drawn = [pool.submit(draw_overlay, folder / OVERLAY, sheet)]
        for change in ranked(report.changes):
            path = folder / CHIPS / chip_name(change.id)
            drawn.append(pool.submit(draw_chip, path, chips, change, tags[change.id]))
        for picture in drawn:
            picture.result()
