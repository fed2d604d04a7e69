"""Pictures of a brief, cut from the ones that the run keeps, so that they show what reviewers saw."""

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from catalog.chips import COLUMNS, HEAD_PX, SIDE_PX
from catalog.errors import BrokenRecord
from catalog.exports.blocks import Picture

QUALITY = 88
OVERVIEW_PX = 1600


def side(chip: Path, date: str, *, alt: str, caption: str) -> Picture:
    """One date of a chip, with outline and scale bar.

    Raises
    ------
    BrokenRecord
        It is missing or no image.
    """
    image = _opened(chip)
    x = COLUMNS[date]
    return _picture(image.crop((x, HEAD_PX, x + SIDE_PX, HEAD_PX + SIDE_PX)), alt, caption)


def overview(path: Path, *, alt: str, caption: str) -> Picture:
    """The picture of the whole run, made smaller.

    Raises
    ------
    BrokenRecord
        It is missing or no image.
    """
    image = _opened(path)
    if image.width > OVERVIEW_PX:
        height = round(image.height * OVERVIEW_PX / image.width)
        image = image.resize((OVERVIEW_PX, height), Image.Resampling.LANCZOS)
    return _picture(image, alt, caption)


def _opened(path: Path) -> Image.Image:
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise BrokenRecord(
            f"{path} cannot be read as an image ({error}); run the pair again to draw it anew"
        ) from error


def _picture(image: Image.Image, alt: str, caption: str) -> Picture:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    return Picture(jpeg=data.getvalue(), size_px=image.size, alt=alt, caption=caption)
