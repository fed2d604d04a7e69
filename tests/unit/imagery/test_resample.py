"""Where the pixels of a grid lie in a file of another CRS."""

import numpy as np
import pytest
from affine import Affine
from odc.geo.geobox import GeoBox

from imagery.raster import Window
from imagery.resample import positions, project_px

FILE = GeoBox((400, 400), Affine(10, 0, 770_000, 0, -10, 3_920_000), "EPSG:32636")
GRID = GeoBox((300, 300), Affine(10, 0, 226_000, 0, -10, 3_925_000), "EPSG:32637")


@pytest.mark.parametrize("side_px", [1, 7, 50, 300])
def test_positions_are_exact_wherever_the_window_ends(side_px: int) -> None:
    """A hundredth of a pixel at the rim would make a result depend on how the grid is cut up."""
    for first in range(0, 300 - side_px + 1, max(1, 300 - side_px) // 3 or 1):
        window = Window(row0=first, col0=first, row1=first + side_px, col1=first + side_px)
        centres = np.arange(first, first + side_px) + 0.5
        exact = project_px(FILE, GRID, *np.meshgrid(centres, centres, indexing="ij"))
        for found, true in zip(positions(FILE, GRID, window), exact, strict=True):
            np.testing.assert_allclose(found, true, rtol=0, atol=1e-5)
