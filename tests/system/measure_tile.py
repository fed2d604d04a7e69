"""What ``sitewatch run`` does with one scene before anything is compared, in as many threads as it uses."""

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from flows.choice import measure_cloud
from flows.runners import THREADS
from flows.scene_store import fetch, fetched
from flows.sites import site_named
from imagery.source import open_source

if __name__ == "__main__":
    source, sites_file, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    site = site_named("field", sites_file)
    period = datetime.fromisoformat("2025-01-01T00:00Z"), datetime.fromisoformat("2025-01-02T00:00Z")
    (scene,) = open_source(source).find(site, *period).usable
    with ThreadPoolExecutor(THREADS) as pool:
        clouds = list(pool.map(lambda _: measure_cloud(scene, site), range(THREADS)))
    taken = fetched(fetch(scene, site, out))
    figures = [*(found.aoi for found in clouds if found is not None), taken.usable, taken.cloud]
    sys.stdout.write(" ".join(f"{share:.3f}" for share in figures if share is not None))
