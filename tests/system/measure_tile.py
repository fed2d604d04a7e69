"""What ``sitewatch run`` does with a scene before it is compared, in as many threads, and with its zones afterwards."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import numpy as np

from flows.choice import measure_cloud
from flows.runners import THREADS
from flows.scene_store import fetch, fetched
from flows.sites import site_named
from imagery.grid import site_grid
from imagery.source import open_source
from imagery.tile import TILE_PX, tiles
from models.occupancy import zone_states

if __name__ == "__main__":
    source, sites_file, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    site = site_named("field", sites_file)
    period = datetime.fromisoformat("2025-01-01T00:00Z"), datetime.fromisoformat("2025-01-02T00:00Z")
    (scene,) = open_source(source).find(site, *period).usable
    with ThreadPoolExecutor(THREADS) as pool:
        clouds = list(pool.map(lambda _: measure_cloud(scene, site), range(THREADS)))
    taken = fetched(fetch(scene, site, out))
    figures = [*(found.aoi for found in clouds if found is not None), taken.usable, taken.cloud]
    grid = site_grid(site, 10.0)
    rows, cols = grid.shape
    states = zone_states(
        site, grid, tiles((rows, cols), size_px=TILE_PX, halo_px=0), lambda tile: np.zeros(tile.core.shape, np.float32)
    )  # fmt: skip
    judged = sum(state.state == "unchanged" for state in states)
    sys.stdout.write(" ".join([*(f"{share:.3f}" for share in figures if share is not None), str(judged)]))
