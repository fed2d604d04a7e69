"""Pictures: Pillow reads back what is written, and what is drawn once is as drawn anew."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog import ink


@pytest.mark.parametrize("size", [(1, 1), (7, 1), (1, 5), (61, 40)])
def test_pillow_reads_what_was_written(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3), np.uint8)
    ink.save(Image.fromarray(pixels), tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
    with Image.open(tmp_path / "a.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "RGB", size)
        assert np.array_equal(np.asarray(image), pixels)


@pytest.mark.parametrize("anchor", ["la", "ra", "mm"])
@pytest.mark.parametrize("text", ["50 m", "SIMULATED", "ABCDEFGH µ gjp"])
def test_a_stamp_is_as_writing_with_a_halo(text: str, anchor: str) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (60, 300, 3), np.uint8)
    written, stamped = Image.fromarray(noise), Image.fromarray(noise)
    for at in ((150, 30), (4, 2), (298, 55)):
        ink.write(ImageDraw.Draw(written), at, text, 15, ink.WARNING, anchor=anchor, halo=True)
        ink.stamp(text, 15, anchor).put(stamped, at, ink.WARNING)
    assert np.array_equal(np.asarray(written), np.asarray(stamped))


def test_what_is_said_to_fit_without_measuring_fits() -> None:
    for text in ("A12  appeared: vehicle (56%), 5 x 2 m, score 87%", "To. AV  ·  id 0f3e", "|||||", ""):
        for size in (16, 17, 20):
            assert ink._at_most(text, size) >= ink.width_of(text, size)
