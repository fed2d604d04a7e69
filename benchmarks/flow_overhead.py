"""What Prefect adds to a tile: 200 tiles as mapped tasks whose work is next to nothing.

Run in a process of its own with a fresh Prefect home, as `python -m benchmarks.flow_overhead`; prints JSON.
"""

import json
import sys
import time

from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.task_runners import ThreadPoolTaskRunner

TILES = 200
WORKERS = 2


@task(
    task_run_name="tile-{tile}",
    retries=2,
    cache_policy=INPUTS + TASK_SOURCE,
    persist_result=True,
    log_prints=False,
)
def small_tile(tile: str, algorithm: str) -> dict[str, str]:
    """Return a record of the size that a real tile returns."""
    return {"tile": tile, "algorithm": algorithm, "sha256": "0" * 64, "outcome": "unchanged"}


@flow(name="overhead", task_runner=ThreadPoolTaskRunner(max_workers=WORKERS))
def overhead(tiles: list[str], algorithm: str) -> int:
    """Map `small_tile` over `tiles` and wait."""
    return len(small_tile.map(tiles, algorithm=algorithm).result())


def _seconds(tiles: list[str], algorithm: str) -> float:
    start = time.perf_counter()
    done = overhead(tiles, algorithm)
    if done != len(tiles):
        raise RuntimeError(f"{done} of {len(tiles)} tiles came back")
    return time.perf_counter() - start


def main() -> None:
    """First flow (starts the server), an empty flow, all tiles computed, all tiles from the cache."""
    tiles = [f"r{i // 20:02d}c{i % 20:02d}" for i in range(TILES)]
    first = _seconds(tiles[:1], "warm-up")
    empty = _seconds([], "empty")
    computed = _seconds(tiles, "measured")
    cached = _seconds(tiles, "measured")
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
