"""Labelled pairs seen through larger or smaller pixels: what scores images of other pixel sizes.

No labelled pairs of 1.5 to 10 m are at hand that may be learned from, so fine ones are averaged. Their objects, ground,
light and misregistration are real; their noise is less than that of an image taken at this pixel size.
"""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from imagery.raster import Raster, Reader, Window
from imagery.warp import ArrayReader
from models.evaluation import Box, Case
from models.training.samples import RESCALED

FACTORS = (4, 6, 10)
"""Fine pixels per coarse one, along each side."""

FINE_M = 1.0
"""Only pairs finer than this are averaged."""


def averaged(reader: Reader, factor: int) -> ArrayReader:
    """The image in pixels `factor` times as wide; a pixel is usable where all of it was."""
    rows, cols = (int(n) // factor for n in reader.grid.shape)
    whole = reader.read(Window(row0=0, col0=0, row1=rows * factor, col1=cols * factor))
    data = np.stack([_blocks(band, factor).mean(axis=(1, 3)) for band in whole.data]).astype(np.float32)
    grid = GeoBox((rows, cols), reader.grid.affine * Affine.scale(factor), reader.grid.crs)
    return ArrayReader(
        raster=Raster(
            data=data, valid=np.asarray(_blocks(whole.valid, factor).all(axis=(1, 3)), np.bool_), bands=whole.bands,
            quantity=whole.quantity, grid=grid,
        )
    )  # fmt: skip


def _blocks(values: NDArray[Any], factor: int) -> NDArray[Any]:
    rows, cols = (n // factor for n in values.shape)
    return values.reshape(rows, factor, cols, factor)


FINER = 0.6
"""Side of an enlarged pixel over that of the one it is made from: 0.3 m from 0.5 m."""


def enlarged(reader: Reader) -> ArrayReader:
    """The image in pixels `FINER` times as wide, by bicubic interpolation: no sharper than it was."""
    rows, cols = (int(n) for n in reader.grid.shape)
    whole = reader.read(Window(row0=0, col0=0, row1=rows, col1=cols))
    shape = int(rows / FINER), int(cols / FINER)
    data = np.stack([cv2.resize(band, shape[::-1], interpolation=cv2.INTER_CUBIC) for band in whole.data])
    valid = cv2.resize(whole.valid.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return ArrayReader(
        raster=Raster(
            data=np.maximum(data, 0).astype(np.float32), valid=valid, bands=whole.bands, quantity=whole.quantity,
            grid=GeoBox(shape, reader.grid.affine * Affine.scale(cols / shape[1], rows / shape[0]), reader.grid.crs),
        )
    )  # fmt: skip


def coarser(case: Case, factor: float) -> Case:
    """The labels of a case in pixels `factor` times as wide."""

    def scaled(box: Box) -> Box:
        return Box(*(edge / factor for edge in box))

    return replace(
        case, name=f"{case.name}{RESCALED}{factor}", gsd_m=case.gsd_m * factor,
        shape=(int(case.shape[0] / factor), int(case.shape[1] / factor)),
        truths=tuple(truth._replace(box=scaled(truth.box)) for truth in case.truths),
        dont_care=tuple(scaled(box) for box in case.dont_care), ignore=tuple(scaled(box) for box in case.ignore),
    )  # fmt: skip
