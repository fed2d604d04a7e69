"""A provider as users meet it: a STAC API on PostgreSQL, files behind HTTP and S3, and an address that can go dead.

It holds two places. ``field`` is made, so that what changes there is known; ``border`` are the real Earth Search
items with their images (of 120 m, so that nothing may be claimed about objects).
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.range_server import serve as http_folder
from tests.flows.flow_archive import NEWCOMER, SHIP, site_feature, write_archive, write_sites
from tests.services.fault_proxy import FaultProxy, Status
from tests.services.nginx import Nginx
from tests.services.pgstac import (
    StacServer,
    earth_search_items,
    in_collection,
    provider_toml,
    running_server,
)
from tests.services.postgres import Postgres
from tests.services.s3 import s3_server, upload

BORDER = [(15.30, 45.93), (15.40, 45.93), (15.40, 46.02), (15.30, 46.02), (15.30, 45.93)]
"""Across the seam of the two tiles."""

BUCKET = "earth-cogs"
IN_BUCKET = "18"
"""The day of August 2023 whose images lie in an object store; the others lie on a web server."""

KEYS = {"EARTH_COGS_KEY": "test", "EARTH_COGS_SECRET": "test"}


class Provider:
    """The running provider; what it knows so far is up to the test."""

    def __init__(
        self, folder: Path, server: StacServer, proxy: FaultProxy, real: list[dict[str, Any]]
    ) -> None:
        days = [datetime.now(UTC).date() - timedelta(days=n) for n in (20, 15, 10, 5)]
        objects = [[SHIP], [SHIP, NEWCOMER], [SHIP], [SHIP, NEWCOMER]]
        self._folder = folder
        archive = write_archive(
            folder, {day.isoformat(): found for day, found in zip(days, objects, strict=True)}
        )
        self._made = json.loads(archive.read_text())["features"]
        self._real, self._server, self.proxy = real, server, proxy
        self.toml = folder / "providers.toml"

    def describe(self, images: str, endpoint: str) -> None:
        """Fill in where the images lie, and write the file of providers, in which this one is ``here``."""
        for item in self._made:
            for asset in item["assets"].values():
                asset["href"] = f"{images}/{asset['href']}"
        offered = [
            f'{{ id = "{name}", sensor = "optical" }}' for name in ("made-for-a-test", "sentinel-2-l2a")
        ]
        text = provider_toml(
            "here", self.proxy.url, collections=f"[{', '.join(offered)}]", schemes='["http", "s3"]',
            hosts=f'["127.0.0.1", "{BUCKET}"]',
        )  # fmt: skip
        key, secret = KEYS
        self.toml.write_text(
            f'{text}[here.s3]\nendpoint = "{endpoint}"\nregion = "us-east-1"\naccess_key = "{key}"\n'
            f'secret_key = "{secret}"\n'
        )

    def show_made(self, *numbers: int) -> None:
        """Let dates of ``field`` be known, in order of time from 0 to 3."""
        self._server.add(self._made[n] for n in numbers)

    def show_real(self, *days: str) -> None:
        """Let days of August 2023 of ``border`` be known."""
        self._server.add(i for i in self._real if i["properties"]["datetime"][8:10] in days)

    def reprocess(self, day: str) -> None:
        """Replace a day of ``border`` by a later processing of the same images."""
        old = [i for i in self._real if i["properties"]["datetime"][8:10] == day]
        made = [in_collection(i, i["collection"], **{"s2:processing_baseline": "05.10"}) for i in old]
        self._server.add(item | {"id": item["id"].replace("_0_", "_1_")} for item in made)
        self._server.remove(item["id"] for item in old)

    def fail(self, code: int) -> None:
        """Answer every search with an error."""
        self.proxy.fail("/search", Status(code=code))

    def sites(self) -> Path:
        """Site file of both places."""
        path = write_sites(self._folder / "sites.geojson")
        document = json.loads(path.read_text())
        document["features"].append(site_feature("border", "aoi", "aoi", [list(point) for point in BORDER]))
        path.write_text(json.dumps(document))
        return path


def _in_bucket(items: list[dict[str, Any]], files: Nginx, endpoint: str) -> None:
    """One day's images lie in an object store in place of the web server."""
    uploads = {}
    for item in items:
        if item["properties"]["datetime"][8:10] != IN_BUCKET:
            continue
        for asset in item["assets"].values():
            if asset["href"].startswith(files.url):
                key = asset["href"].removeprefix(files.url + "/")
                if (files.root / key).is_file():
                    uploads[key] = files.root / key
                asset["href"] = f"s3://{BUCKET}/{key}"
    upload(endpoint, BUCKET, uploads)


@contextmanager
def running_provider(postgres: Postgres, files: Nginx, folder: Path) -> Iterator[Provider]:
    """An empty provider, for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as up:
        server = up.enter_context(running_server(postgres, "watched", folder))
        endpoint = up.enter_context(s3_server())
        proxy = up.enter_context(FaultProxy(upstream=server.url))
        real = earth_search_items(files)
        _in_bucket(real, files, endpoint)
        provider = Provider(folder / "images", server, proxy, real)
        address, _ = up.enter_context(http_folder(folder / "images", 0))
        provider.describe(address, endpoint)
        yield provider
