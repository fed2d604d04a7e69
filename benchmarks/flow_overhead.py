"""What Prefect adds to a tile: one flow over many tiles whose work is nothing, beside the work they really are.

Run in a process of its own with a fresh Prefect home, as `python -m benchmarks.flow_overhead`; prints JSON.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows import pair_job
from flows.runners import THREADS
from flows.tasks import compare_tiles
from imagery.tile import BLOCK_TILES, TILE_PX, blocks, tiles

TILES = 1000
ALONE = 200
_COLUMNS = 40


def nothing(_folder: Path, tiles: Sequence[str]) -> dict[str, str]:
    """In the place of the comparison: checksums, as the real one returns."""
    return {tile: f"{tile:0>64}" for tile in tiles}


@flow(name="overhead", task_runner=ThreadPoolTaskRunner(max_workers=THREADS))  # type: ignore[arg-type]
def overhead(folder: Path, groups: list[list[str]], key: str) -> int:
    """Submit the tile task for every group, as `watch_site` does, and wait."""
    futures = [compare_tiles.submit(folder, key, group, key) for group in groups]
    return len({tile for future in futures for tile in future.result()})


def _seconds(folder: Path, groups: list[list[str]], key: str) -> float:
    start = time.perf_counter()
    done = overhead(folder, groups, key)
    wanted = sum(map(len, groups))
    if done != wanted:
        raise RuntimeError(f"{done} of {wanted} tiles came back")
    return time.perf_counter() - start


def batched(count: int) -> list[list[str]]:
    """`count` tiles of a wide grid in the groups in which a run computes them."""
    shape = (TILE_PX * -(-count // _COLUMNS), TILE_PX * _COLUMNS)
    cut = list(tiles(shape, size_px=TILE_PX, halo_px=0))[:count]
    return [[tile.id for tile in block] for block in blocks(cut)]


def main() -> None:
    """First flow (starts the server), an empty flow, tiles one by one and in blocks, computed and from the cache."""
    pair_job.compare_tiles = nothing
    grouped = batched(TILES)
    alone = [[tile] for group in grouped for tile in group][:ALONE]
    found: dict[str, Any] = {
        "tiles": TILES,
        "tasks": len(grouped),
        "block_tiles": BLOCK_TILES**2,
        "workers": THREADS,
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found["first_flow_s"] = _seconds(folder, alone[:1], "warm-up")
        found["empty_flow_s"] = empty = _seconds(folder, [], "empty")
        for what, groups in (("alone", alone), ("batched", grouped)):
            count = sum(map(len, groups))
            found[f"ms_per_tile_{what}"] = (_seconds(folder, groups, what) - empty) / count * 1e3
            found[f"ms_per_cached_tile_{what}"] = (_seconds(folder, groups, what) - empty) / count * 1e3
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
