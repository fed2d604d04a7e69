"""Outputs folders for the desk, made by the commands that make them for users."""

import json
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from tests.flows.flow_archive import NEWCOMER, SHIP, write_archive, write_sites
from tests.services.desk import SITEWATCH
from tests.unit.models.planted import block, noisy, texture

SIDE_PX = 400
APPEARED = (100, 120, 24, 40)
VANISHED = (250, 230, 70, 76)
"""Row, column, height and width of what is planted: so unlike that nobody thinks of one thing that moved."""

BRIGHT = 215.0


def planted_pair(folder: Path) -> tuple[Path, Path]:
    """Two PNG images without georeference: one object appears, one vanishes, the light changes a little."""
    folder.mkdir(parents=True, exist_ok=True)
    ground = texture((SIDE_PX, SIDE_PX), seed=5)
    before, after = ground.copy(), ground * 1.06 + 2
    block(before, *VANISHED, BRIGHT)
    block(after, *APPEARED, BRIGHT)
    paths = folder / "before.png", folder / "after.png"
    for path, image, seed in zip(paths, (before, after), (1, 2), strict=True):
        pixels = np.moveaxis(noisy(image, seed), 0, -1).clip(1, 255).round().astype(np.uint8)
        assert cv2.imwrite(str(path), pixels[..., ::-1])
    return paths


def sitewatch(*args: str | Path) -> Any:
    """Run the program; its JSON document."""
    done = subprocess.run(
        [*SITEWATCH, *map(str, args), "--json"], capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    return json.loads(done.stdout)


def watched_site(folder: Path) -> Path:
    """Two runs of a site that was watched: zones, dates, four bands, blank tiles, cloud on the last date; SIMULATED.

    An object appears between the first two dates; on the third it is gone from there, and one stands elsewhere.
    """
    ship, newcomer, other = SHIP, NEWCOMER, (120, 1300, 132, 1338)
    items = write_archive(
        folder / "archive",
        {"2025-01-01": [ship], "2025-01-11": [ship, newcomer], "2025-01-21": [ship, other]},
        cloud={"2025-01-21": [(0, 0, 700, 560)]}, nir=True, simulated=True,
    )  # fmt: skip
    sites = write_sites(folder / "sites.geojson")
    found = sitewatch(
        "run", "field", "--sites", sites, "--source", items, "--from", "2025-01-01", "--to", "2025-01-31",
        "--out", folder / "out",
    )  # fmt: skip
    assert [run["status"] for run in found["runs"]] == ["changed", "changed"]
    return folder / "out"
