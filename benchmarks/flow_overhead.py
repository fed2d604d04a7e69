"""What Prefect adds to a tile: the flow's own tile task, mapped over 200 tiles, with next to nothing to do.

Run in a process of its own with a fresh Prefect home, as `python -m benchmarks.flow_overhead`; prints JSON.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows import pair_job
from flows.tasks import compare_tiles

TILES = 200
WORKERS = 2


def nothing(_folder: Path, tiles: list[str]) -> dict[str, str]:
    """In the place of the comparison: checksums, as the real one returns."""
    return {tile: f"{tile:0>64}" for tile in tiles}


@flow(name="overhead", task_runner=ThreadPoolTaskRunner(max_workers=WORKERS))  # type: ignore[arg-type]
def overhead(folder: Path, tiles: list[str], key: str) -> int:
    """Map the tile task over `tiles`, one at a time, and wait."""
    states: Any = compare_tiles.map(folder, key, [[tile] for tile in tiles], key)
    return len({tile for sums in states.result() for tile in sums})


def _seconds(folder: Path, tiles: list[str], key: str) -> float:
    start = time.perf_counter()
    done = overhead(folder, tiles, key)
    if done != len(tiles):
        raise RuntimeError(f"{done} of {len(tiles)} tiles came back")
    return time.perf_counter() - start


def main() -> None:
    """First flow (starts the server), an empty flow, all tiles computed, all tiles from the cache."""
    pair_job.compare_tiles = nothing
    tiles = [f"r{i // 20:02d}c{i % 20:02d}" for i in range(TILES)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = _seconds(folder, tiles[:1], "warm-up")
        empty = _seconds(folder, [], "empty")
        computed = _seconds(folder, tiles, "measured")
        cached = _seconds(folder, tiles, "measured")
    json.dump(
        {
            "tiles": TILES,
            "workers": WORKERS,
            "first_flow_s": first,
            "empty_flow_s": empty,
            "ms_per_tile": (computed - empty) / TILES * 1e3,
            "ms_per_cached_tile": (cached - empty) / TILES * 1e3,
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
