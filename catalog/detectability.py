"""The detectability map as a run keeps it: a layer, rows of the ledger, an entry of the report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from affine import Affine
from odc.geo.geobox import GeoBox

from catalog import cog
from catalog.errors import CatalogError
from imagery.raster import FloatArray, Sensor, Window, gsd_m
from models.detectability import SMALLEST, cell_px, cells_of, layers, ordinary, references, summarise

if TYPE_CHECKING:
    from catalog.run import RunRecord

DESCRIPTION = (
    "Contrast at which every second plain object of each reference size would have been found, and the length of the "
    "smallest that an ordinary contrast suffices for. Infinite: none. No data: not observed."
)


def unit(sensor: Sensor) -> str:
    """What contrast is stated in."""
    return "dB above the clutter" if sensor == "sar" else "fraction of the ground's brightness"


def cell_grid(grid: GeoBox) -> GeoBox:
    """The grid of cells, from the same origin; its last row and column may reach beyond the pixels."""
    side = cell_px(gsd_m(grid))
    rows, cols = (-(-int(size) // side) for size in grid.shape)
    return GeoBox((rows, cols), grid.affine * Affine.scale(side), grid.crs)


def write(path: Path, record: "RunRecord") -> None:
    """Write the map of all tiles as one float32 COG, a band for each layer, NaN where nothing was assessed.

    Raises
    ------
    CatalogError
        The file cannot be written.
    """
    parts = _parts(record).values()
    chunks = ((cells, values) for cells, values in parts if cells is not None and values is not None)
    names = layers(gsd_m(record.grid), record.sensor)
    cog.write_floats(path, cell_grid(record.grid), names, chunks, simulated=record.simulated)


def stac_asset(grid: GeoBox, sensor: Sensor) -> dict[str, Any]:
    """Fields of the layer's STAC asset: it has a grid of its own."""
    cells = cell_grid(grid)
    sizes = references(gsd_m(grid), sensor)
    bands = [
        {"name": size.name, "description": f"Contrast needed by {size.words}", "data_type": "float32", "nodata": "nan",
         "unit": "dB" if sensor == "sar" else "1"}
        for size in sizes
    ]  # fmt: skip
    words = f"Length of the smallest reference object found at a contrast of {ordinary(sensor):g}"
    bands.append(
        {"name": SMALLEST, "description": words, "data_type": "float32", "nodata": "nan", "unit": "m"}
    )
    return {
        "description": DESCRIPTION,
        "bands": bands,
        "proj:shape": [int(size) for size in cells.shape],
        "proj:transform": [float(value) for value in tuple(cells.affine)[:6]],
    }


def _parts(record: "RunRecord") -> dict[str, tuple[Window | None, FloatArray | None]]:
    """Cells and map by tile."""
    pixel_m = gsd_m(record.grid)
    count, parts = len(layers(pixel_m, record.sensor)), {}
    for tile in record.tiles:
        values, cells = record.detectability(tile), cells_of(tile.core, cell_px(pixel_m))
        if values is not None and (cells is None or values.shape != (count, *cells.shape)):
            wanted = None if cells is None else (count, *cells.shape)
            raise CatalogError(f"detectability of tile {tile.id} is {values.shape}, not {wanted}")
        parts[tile.id] = cells, values
    return parts


def report_entry(record: "RunRecord") -> dict[str, Any] | None:
    """What the map says of the pair and of each tile; None where nothing was assessed.

    Raises
    ------
    CatalogError
        A tile's map has another shape than its cells.
    """
    pixel_m, sensor, parts = gsd_m(record.grid), record.sensor, _parts(record)
    side = cell_px(pixel_m)
    if all(values is None for _, values in parts.values()):
        return None
    whole = summarise(list(parts.values()), gsd_m=pixel_m, sensor=sensor)
    sizes = [
        {"name": size.name, "words": size.words, "length_m": size.length_m, "width_m": size.width_m,
         "calibrated": size.calibrated, "contrast_needed": whole.contrast_needed[size.name],
         "found_share": whole.found_share[size.name]}
        for size in references(pixel_m, sensor)
    ]  # fmt: skip
    tiles = {name: summarise([part], gsd_m=pixel_m, sensor=sensor).as_dict() for name, part in parts.items()}
    return {
        "cell_px": side, "cell_m": round(side * pixel_m, 4), "unit": unit(sensor),
        "ordinary_contrast": ordinary(sensor), "not_observed": whole.not_observed,
        "smallest_object_m": whole.smallest_object_m, "sizes": sizes, "tiles": tiles,
    }  # fmt: skip


def short(entry: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The part of the report's entry that ``sitewatch diff --json`` prints."""
    if entry is None:
        return None
    shown = ("unit", "ordinary_contrast", "not_observed", "smallest_object_m")
    return {name: entry[name] for name in shown} | {
        "found_share": {size["name"]: size["found_share"] for size in entry["sizes"]}
    }
