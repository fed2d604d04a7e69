"""Images to be read over the network, and a server of them that fails as it is told."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from odc.geo.geobox import GeoBox
from rasterio.transform import from_origin

from imagery import remote, transfer
from imagery.drivers import read_pixels
from imagery.raster import Window
from imagery.scene import Asset, Scene
from tests.services.fault_proxy import FaultProxy
from tests.unit.imagery.rasters import scene

SIDE, BLOCK = 2048, 256
WEST, NORTH = 500_000.0, 3_900_000.0
BANDS = ("red", "green", "blue", "nir")
NEAR = GeoBox((300, 280), from_origin(WEST + 6_300, NORTH - 6_200, 10, 10), "EPSG:32636")
"""Of one site in the files, and of another one that shares blocks with it."""
BESIDE = GeoBox((200, 200), from_origin(WEST + 7_000, NORTH - 7_000, 10, 10), "EPSG:32636")
INSIDE = Window(row0=700, col0=700, row1=900, col1=900)


def numbers(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 9000, (SIDE, SIDE)).astype(np.uint16)


def cog(path: Path, pixels: np.ndarray, *, jp2: bool = False) -> Path:
    options: dict[str, Any] = {"driver": "COG", "blocksize": BLOCK, "compress": "deflate"}
    if jp2:
        options = {
            "driver": "JP2OpenJPEG",
            "QUALITY": 100,
            "REVERSIBLE": "YES",
            "blockxsize": 256,
            "blockysize": 256,
        }
    with rasterio.open(
        path, "w", width=pixels.shape[1], height=pixels.shape[0], count=1, dtype=pixels.dtype, crs="EPSG:32636",
        transform=from_origin(WEST, NORTH, 10, 10), **options,
    ) as out:  # fmt: skip
        out.write(pixels, 1)
    return path


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four bands and a quality band."""
    folder = tmp_path_factory.mktemp("images")
    for seed, band in enumerate(BANDS):
        cog(folder / f"{band}.tif", numbers(seed))
    cog(folder / "scl.tif", (numbers(9)[::2, ::2] % 2 * 5 + 4).astype(np.uint8))
    return folder


@pytest.fixture
def proxy(images: Path) -> Iterator[FaultProxy]:
    """A server over them that fails as it is told."""
    with FaultProxy(folder=images) as running:
        yield running


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses, and nothing known of servers that earlier tests asked."""
    monkeypatch.setattr(transfer, "PAUSE_S", 0.05)
    remote.forget()
    transfer.forget()


def acquisition(base: str, source: str | None = None, *, quality: bool = True) -> Scene:
    files = {band: Asset(href=f"{base}/{band}.tif", bands=(band,)) for band in BANDS}
    if quality:
        files["scl"] = Asset(href=f"{base}/scl.tif", bands=("scl",), role="quality", quality="scl")
    return scene(files, source=source or base, quantity="dn")


def same_pixels(path: str, band: str) -> bool:
    return np.array_equal(read_pixels(path, (1,), INSIDE)[0], numbers(BANDS.index(band))[700:900, 700:900])
