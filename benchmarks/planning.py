"""Search and planning for a year of scenes of one site, beside pystac-client alone on the same server.

The items are shaped as Earth Search's: every pass in two tiles and in two collections.
"""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pystac_client
from shapely.geometry import box, mapping

from imagery.select import choose
from imagery.site_file import load_sites
from imagery.sources.providers import Offered, Provider
from imagery.sources.stac_api import StacApi

SITE, PASSES, PAGE = "tartus", 73, 100
COLLECTIONS, TILES = ("sentinel-2-c1-l2a", "sentinel-2-l2a"), ("36SYD", "37SBU")
END = datetime(2024, 12, 31, 23, tzinfo=UTC)
START = END - timedelta(days=5 * PASSES)
REPEATS = 3


def measure() -> dict[str, Any]:
    """Seconds of the fastest of several runs of each, in turn."""
    site, best = load_sites()[SITE], {"sitewatch": float("inf"), "pystac-client": float("inf")}
    with _api(_items()) as url:
        provider = Provider(
            name="year",
            url=url,
            requests_per_second=1000.0,
            page_size=PAGE,
            collections=tuple(Offered(id=name, sensor="optical") for name in COLLECTIONS),
        )
        for _ in range(REPEATS):
            begun = time.perf_counter()
            listing = StacApi(provider=provider).find(site, START, END)
            plan = choose(site, listing)
            best["sitewatch"] = min(best["sitewatch"], time.perf_counter() - begun)
            begun = time.perf_counter()
            found = pystac_client.Client.open(url).search(
                collections=list(COLLECTIONS), intersects=mapping(site.aoi), datetime=(START, END), limit=PAGE
            )
            alone = len(list(found.items_as_dicts()))
            best["pystac-client"] = min(best["pystac-client"], time.perf_counter() - begun)
    if not len(listing.usable) == alone == PASSES * len(COLLECTIONS) * len(TILES):
        raise RuntimeError(f"{len(listing.usable)} and {alone} items were found")
    return {
        "items": alone,
        "passes": len(plan.usable),
        "pairs": len(plan.pairs),
        "seconds": best,
        "ratio": best["sitewatch"] / best["pystac-client"],
    }


def _items() -> list[dict[str, Any]]:
    return [
        _item(END - timedelta(days=5 * number), collection, tile)
        for number in range(PASSES)
        for collection in COLLECTIONS
        for tile in TILES
    ]


def _item(day: datetime, collection: str, tile: str) -> dict[str, Any]:
    extent = (35.0, 34.3, 36.1, 35.3)
    assets = {
        name: {
            "href": f"https://pixels.example/{tile}/{day:%Y%m%d}/{name}.tif", "roles": ["data"], "gsd": 10,
            "type": "image/tiff; application=geotiff; profile=cloud-optimized",
            "raster:bands": [{"nodata": 0, "scale": 0.0001, "offset": -0.1}],
        }
        for name in ("red", "green", "blue", "nir")
    }  # fmt: skip
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": f"S2_{tile}_{day:%Y%m%d}_{collection}", "links": [],
        "collection": collection, "geometry": mapping(box(*extent)), "bbox": list(extent), "assets": assets,
        "properties": {
            "datetime": f"{day:%Y-%m-%d}T08:20:00Z", "platform": "sentinel-2a", "gsd": 10, "eo:cloud_cover": 5.0,
            "grid:code": f"MGRS-{tile}", "s2:processing_baseline": "05.11", "earthsearch:boa_offset_applied": True,
            "s2:datatake_id": f"GS2A_{day:%Y%m%d}T081500_049000_N05.11",
            "s2:product_uri": f"S2A_MSIL2A_{day:%Y%m%d}T081501_N0511_R121_T{tile}_{day:%Y%m%d}T120000.SAFE",
        },
    }  # fmt: skip


@contextmanager
def _api(items: list[dict[str, Any]]) -> Iterator[str]:
    """The least of a STAC API that both need: a landing page and a search in pages."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            links = [{"rel": rel, "href": url, "type": "application/json"} for rel in ("self", "root")] + [
                {"rel": "search", "href": f"{url}/search", "type": "application/geo+json", "method": "POST"}
            ]
            conforms = [f"https://api.stacspec.org/v1.0.0/{part}" for part in ("core", "item-search")]
            self._send({
                "type": "Catalog", "id": "year", "stac_version": "1.0.0", "description": "A year of items",
                "conformsTo": conforms, "links": links,
            })  # fmt: skip

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            first = int(asked.get("token", 0))
            stop = first + int(asked.get("limit", PAGE))
            following = {
                "rel": "next", "method": "POST", "href": f"{url}/search", "merge": True, "body": {"token": str(stop)},
            }  # fmt: skip
            self._send({
                "type": "FeatureCollection", "features": items[first:stop],
                "links": [following] if stop < len(items) else [],
            })  # fmt: skip

        def _send(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/geo+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing on the screen."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
