"""The pair of images that speed is measured on: a real one where there is one, otherwise a generated one."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

REPOSITORY = Path(__file__).resolve().parent.parent
GENERATED_PX = 2560


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two images of one place on disk.

    Parameters
    ----------
    name : str
        For the report; says where the pair is from.
    before, after : Path
    gsd_m : float
    pixels : int
        Of the before image.
    """

    name: str
    before: Path
    after: Path
    gsd_m: float
    pixels: int


def largest_real_pair() -> Pair | None:
    """The largest labelled aircraft pair, first by name among equals, or None where there is no such data."""
    named = os.environ.get("SITEWATCH_SHARED", "")
    root = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    found = []
    for meta_file in sorted(root.glob("cases/public/air_*/meta.json")):
        meta = json.loads(meta_file.read_text())
        before, after = (next(iter(meta_file.parent.glob(f"{date}.*"))) for date in ("before", "after"))
        found.append(
            Pair(
                name=f"real pair {meta_file.parent.name}",
                before=before,
                after=after,
                gsd_m=float(meta["gsd"]),
                pixels=int(meta["width"]) * int(meta["height"]),
            )
        )
    return max(found, key=lambda pair: pair.pixels, default=None)


def generated_pair(
    folder: Path, *, side_px: int = GENERATED_PX, gsd_m: float = 0.5, blocks: int = 40
) -> Pair:
    """Noise with the spectrum of a landscape, shifted by (1.5, -0.75) px and with bright blocks added.

    The pixels mean nothing; the pair has structure to align on and something to find.
    """
    rng = np.random.default_rng(20241215)
    size = side_px + 16
    scales = (1.5, 6.0, 24.0, 96.0)
    texture = sum(
        s**0.75 * ndimage.gaussian_filter(rng.standard_normal((size, size), np.float32), s) * s
        for s in scales
    )
    texture = 110 + 28 * (texture - np.mean(texture)) / np.std(texture)
    moved = ndimage.shift(texture, (1.5, -0.75), order=3, mode="nearest")
    for row, col in rng.integers(64, side_px - 64, (blocks, 2)):
        moved[row : row + 24, col : col + 60] += 70
    paths = []
    for name, grey in (("before", texture), ("after", moved * 1.05 + 3)):
        bands = [grey[8:-8, 8:-8] * gain + rng.normal(0, 2, (side_px, side_px)) for gain in (1.0, 0.97, 0.9)]
        path = folder / f"{name}.png"
        Image.fromarray(np.clip(np.stack(bands, -1), 0, 255).astype(np.uint8)).save(path, compress_level=1)
        paths.append(path)
    return Pair(
        name=f"generated noise pair, {side_px} px",
        before=paths[0],
        after=paths[1],
        gsd_m=gsd_m,
        pixels=side_px**2,
    )
