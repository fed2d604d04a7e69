from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from imagery.image_file import open_pair


@pytest.mark.parametrize(("tag", "said"), [({"SIMULATED": "true"}, True), ({}, False)])
def test_a_drawn_image_is_known_as_one(tmp_path: Path, tag: dict[str, str], said: bool) -> None:
    pixels = np.random.default_rng(0).integers(1, 255, (3, 64, 64)).astype(np.uint8)
    paths = [tmp_path / "before.tif", tmp_path / "after.tif"]
    for path in paths:
        with rasterio.open(
            path, "w", driver="GTiff", width=64, height=64, count=3, dtype="uint8", crs="EPSG:32636",
            transform=Affine(0.5, 0, 770_000, 0, -0.5, 3_920_000), photometric="rgb",
        ) as out:  # fmt: skip
            out.write(pixels)
            out.update_tags(**(tag if path is paths[1] else {}))
    assert open_pair(*paths).simulated is said
