"""Runs the command line with slow tiles that leave a note when they are computed; started by a test."""

import os
import sys
import time
from pathlib import Path
from typing import Any

from flows.cli import main
from imagery import tile
from models import compare

NOTES = Path(os.environ["TILE_NOTES"])
real = compare.compare_block


def noted(before: Any, after: Any, model: Any, cut: Any) -> Any:
    result = real(before, after, model, cut)
    time.sleep(float(os.environ.get("TILE_SLEEP_S", "0")))
    with NOTES.open("a") as notes:
        notes.writelines(f"{os.getpid()} {part.id}\n" for part in cut)
    return result


# Many small tiles one at a time, as on a site too large for one piece, so that there is always one left to interrupt.
tile.TILE_PX, tile.WHOLE_PX, tile.BLOCK_TILES = 256, 0, 1
compare.compare_block = noted
sys.argv[0] = "sitewatch"
main()
