"""An image that nothing is wrong with, and what a broken run must not leave."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from rasterio.enums import ColorInterp

from tests.unit.imagery.rasters import texture, write

TIMEOUT_S = 120
RGB = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
PIXELS = texture(120, 130, bands=3)


def runs(out: Path) -> list[Path]:
    """Folders that look like a run, whole or not."""
    return [path for path in out.glob("*") if path.is_dir() and not path.name.startswith(".")]


def assert_nothing_left(out: Path) -> None:
    assert not runs(out)
    assert not list(out.glob(".partial/*"))
    assert not list(out.glob(".work/scratch/*"))


def write_plain(folder: Path) -> Path:
    """A georeferenced image that nothing is wrong with."""
    return write(folder / "plain.tif", PIXELS, colours=RGB)


def without_privileges(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as somebody whom file permissions bind, root too."""

    def drop() -> None:
        if os.geteuid() == 0:
            for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
                ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP

    return subprocess.run(
        [sys.executable, "-m", "flows.cli", *map(str, args)],
        capture_output=True, text=True, timeout=TIMEOUT_S, check=False, preexec_fn=drop,
    )  # fmt: skip
