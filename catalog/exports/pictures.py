"""Pictures of a brief: cut from the ones that the run keeps, or drawn like them where a person drew the outline."""

import io
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import rasterio
from PIL import Image, UnidentifiedImageError

from catalog.chips import COLUMNS, HEAD_PX, SIDE_PX, ChipSheet, chip
from catalog.errors import BrokenRecord, CatalogError
from catalog.exports.blocks import Picture
from catalog.exports.findings import Handed
from catalog.overlay import Sheet
from catalog.reader import StoredRun
from catalog.review_outline import grid_of
from catalog.stretch import Views, shared_stretch

_JPEG = (
    cv2.IMWRITE_JPEG_QUALITY, 80, cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_SAMPLING_FACTOR,
    cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
)  # fmt: skip
OVERVIEW_PX = 1600

ChipOf = Callable[[Handed], "Image.Image | None"]
"""Picture of both dates of a finding; None where there is none."""


class RunPictures:
    """Pictures of the findings of a run.

    Parameters
    ----------
    run : StoredRun
    """

    def __init__(self, run: StoredRun) -> None:
        self._run = run

    def chip(self, one: Handed) -> Image.Image | None:
        """Both dates of a finding, laid out as the run's chips are.

        Raises
        ------
        BrokenRecord
            A picture or raster of the run is missing or damaged.
        """
        if one.shown is None:
            return None if one.chip is None else opened(one.chip)
        try:
            return chip(self._sheet, one.shown, one.tag)
        except (OSError, rasterio.errors.RasterioError) as error:
            raise BrokenRecord(
                f"{self._run.folder}: its rasters cannot be read ({error}); see `sitewatch verify`"
            ) from error

    @cached_property
    def _sheet(self) -> ChipSheet:
        run = self._run
        stretch = shared_stretch((run.paths.before, run.paths.after), run.report.quantity)
        sheet = Sheet(
            folder=run.folder, report=run.report, grid=grid_of(run.report.grid), site=None, stretch=stretch
        )
        return ChipSheet(sheet=sheet, views=Views(stretch))


def side(image: Image.Image, date: str, *, alt: str, caption: str) -> Picture:
    """One date of a chip, with outline and scale bar."""
    x = COLUMNS[date]
    return _picture(image.crop((x, HEAD_PX, x + SIDE_PX, HEAD_PX + SIDE_PX)), alt, caption)


def overview(path: Path, *, alt: str, caption: str) -> Picture:
    """The picture of the whole run, made smaller.

    Raises
    ------
    BrokenRecord
        It is missing or no image.
    """
    image = opened(path)
    if image.width > OVERVIEW_PX:
        height = round(image.height * OVERVIEW_PX / image.width)
        image = image.resize((OVERVIEW_PX, height), Image.Resampling.LANCZOS)
    return _picture(image, alt, caption)


def opened(path: Path) -> Image.Image:
    """A picture of the run.

    Raises
    ------
    BrokenRecord
        It is missing or no image.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BrokenRecord(
            f"{path} cannot be read as an image ({error}); run the pair again to draw it anew"
        ) from error


def png(image: Image.Image) -> bytes:
    """A picture as a file."""
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def _picture(image: Image.Image, alt: str, caption: str) -> Picture:
    # By OpenCV, since Pillow gives up on noisy images when it is to write small files.
    written, data = cv2.imencode(".jpg", cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR), _JPEG)
    if not written:
        raise CatalogError(f"OpenCV cannot encode the picture of {caption}")
    return Picture(jpeg=data.tobytes(), size_px=image.size, alt=alt, caption=caption)
