"""Runs the command line with slow tiles that leave a note when they are computed; started by a test."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from flows.cli import main
from models import compare

NOTES = Path(os.environ["TILE_NOTES"])
real = compare.compare_tile


def noted(before: Any, after: Any, model: Any, tile: Any) -> Any:
    result = real(before, after, model, tile)
    time.sleep(float(os.environ.get("TILE_SLEEP_S", "0")))
    with NOTES.open("a") as notes:
        notes.write(f"{os.getpid()} {tile.id}\n")
    return result


compare.compare_tile = noted
sys.argv[0] = "sitewatch"
main()
