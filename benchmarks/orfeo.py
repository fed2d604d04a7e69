"""Orfeo ToolBox's Multivariate Alteration Detection on the same pair: the yardstick for speed."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.measure import ProcessCost, run_process
from benchmarks.pair import Pair

PROGRAM = "otbcli_MultivariateAlterationDetector"
INSTALL = "apt-get install otb-bin"


def available() -> bool:
    """Whether the program is on the path."""
    return shutil.which(PROGRAM) is not None


def version() -> str:
    """Of the Debian package, "unknown" elsewhere."""
    query = ["dpkg-query", "-W", "-f", "${Version}", "otb-bin"]
    try:
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def mad(pair: Pair, folder: Path) -> ProcessCost:
    """Time and memory of one MAD run from the image files to its written raster."""
    out = folder / "mad.tif"
    cost = run_process(
        [PROGRAM, "-in1", pair.before, "-in2", pair.after, "-out", out, "float", "-progress", "false"],
        folder=folder,
    )
    if not out.is_file() or out.stat().st_size == 0:
        raise RuntimeError(f"{PROGRAM} wrote nothing:\n{cost.output[-2000:]}")
    return cost
