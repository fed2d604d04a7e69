"""The detectability map in a run: a layer on its own grid, rows of the ledger, a line on the picture."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

from catalog.captions import footer_lines
from catalog.errors import CatalogError
from catalog.reader import load_run
from catalog.report_rows import diff_document
from catalog.run import RunRecord, write_run
from catalog.verify import verify
from imagery.tile import Tile
from models.detectability import SMALLEST, cells_of, layers, references
from tests.unit.catalog.catalog_runs import appeared, grid_of, record

NAMES = layers(0.5, "optical")
ROWS, COLS = 38, 45


def map_of(tile: Tile) -> np.ndarray:
    """Vehicles are found in the left half of the grid, everything else nowhere; the first row was not seen."""
    cells = cells_of(tile.core, 16)
    assert cells is not None
    cols = np.broadcast_to(np.arange(cells.col0, cells.col1), cells.shape)
    out = np.full((len(NAMES), *cells.shape), 9.0, np.float32)
    out[0] = np.where(cols < 22, 0.01, 9)
    out[-1] = np.where(cols < 22, 5, np.inf)
    if cells.row0 == 0:
        out[:, 0] = np.nan
    return out


@pytest.fixture
def made(tmp_path: Path) -> RunRecord:
    grid = grid_of((600, 715))
    return replace(record(tmp_path / "work", grid=grid, changes=(appeared(),)), detectability=map_of)


def test_layer_lies_on_cells_of_the_grid(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path)
    with rasterio.open(paths.detectability) as layer, rasterio.open(paths.evidence) as evidence:
        assert layer.descriptions == NAMES
        assert layer.shape == (ROWS, COLS)
        assert layer.crs == evidence.crs
        assert (layer.transform.a, layer.transform.c, layer.transform.f) == (
            16 * evidence.transform.a, evidence.transform.c, evidence.transform.f
        )  # fmt: skip
        assert np.isnan(layer.nodata)
        values = layer.read()
    assert np.isnan(values[:, 0]).all()
    assert np.isfinite(values[0, 1:]).all()
    assert set(np.unique(values[-1, 1:])) == {5.0, np.inf}
    assert (values[0, 1:, :22] == np.float32(0.01)).all()
    assert verify(paths.folder).intact


def test_item_describes_the_layer(made: RunRecord, tmp_path: Path) -> None:
    item = json.loads(write_run(made, root=tmp_path).item.read_bytes())
    asset = item["assets"]["detectability"]
    assert asset["href"] == "./detectability.tif"
    assert asset["roles"] == ["data"]
    assert [band["name"] for band in asset["bands"]] == list(NAMES)
    assert asset["proj:shape"] == [ROWS, COLS]
    assert asset["proj:transform"][0] == 8.0
    assert "Infinite: none" in asset["description"]


def test_ledger_and_report_say_it_by_tile_and_as_a_whole(made: RunRecord, tmp_path: Path) -> None:
    paths = write_run(made, root=tmp_path)
    rows = json.loads(paths.tiles.read_bytes())["tiles"]
    assert rows[0]["detectability"]["smallest_object_m"] == 5
    assert rows[1]["detectability"]["smallest_object_m"] is None
    assert rows[0]["detectability"]["not_observed"] == pytest.approx(1 / 32, abs=1e-4)
    entry = load_run(paths.folder).report.detectability
    assert entry is not None
    assert (entry["cell_px"], entry["cell_m"]) == (16, pytest.approx(8.0, rel=1e-3))
    assert entry["tiles"][rows[0]["tile"]] == rows[0]["detectability"]
    assert entry["sizes"][0]["found_share"] == pytest.approx(22 / COLS, abs=1e-4)
    assert entry["sizes"][1]["contrast_needed"] == 9
    short = diff_document(made, paths)["detectability"]
    assert short["found_share"][NAMES[0]] == entry["sizes"][0]["found_share"]
    assert SMALLEST not in short["found_share"]


def test_picture_says_what_silence_means(made: RunRecord, tmp_path: Path) -> None:
    report = load_run(write_run(made, root=tmp_path).folder).report
    (line,) = (line for line in footer_lines(report) if line.startswith("Found here"))
    first, second, *_ = references(0.5, "optical")
    assert f"{first.words} with 30% contrast on 49% of the ground seen, {second.words} on 0%" in line


def test_a_pair_of_which_nothing_is_known_has_an_empty_layer(made: RunRecord, tmp_path: Path) -> None:
    bare = replace(made, detectability=lambda _: None)
    paths = write_run(bare, root=tmp_path)
    with rasterio.open(paths.detectability) as layer:
        assert np.isnan(layer.read()).all()
    report = load_run(paths.folder).report
    assert report.detectability is None
    assert not any(line.startswith("Found here") for line in footer_lines(report))
    assert diff_document(bare, paths)["detectability"] is None


def test_a_map_of_another_shape_is_an_error(made: RunRecord, tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="detectability of tile r00c00 is"):
        write_run(
            replace(made, detectability=lambda _: np.zeros((2, 3, 4), np.float32)), root=tmp_path / "out"
        )
