"""Recorded documents of Earth Search and Planetary Computer, over real HTTP through the code that searches them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from imagery.geometry import utm_crs
from imagery.listing import Listing
from imagery.select import choose
from imagery.site import Site
from imagery.sources.providers import Provider, provider_named
from imagery.sources.stac_api import StacApi
from tests.services.replay import page, pages_of, recorded, replaying

pytestmark = pytest.mark.system

WORLD = Site(id="world", name="world", aoi=shapely.box(-180, -90, 180, 90), crs=utm_crs(0, 0), zones={})
START, END = datetime(2014, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def built_in(name: str, url: str) -> Provider:
    """A built-in provider, whose API is answered by a server of ours."""
    found = provider_named(name)
    assert found is not None
    return replace(found, url=url, requests_per_second=100.0)


def find(name: str, pages: list[dict[str, Any]], **options: Any) -> tuple[Listing, list[Any]]:
    with replaying(pages, **options) as replay:
        listing = StacApi(provider=built_in(name, replay.url)).find(WORLD, START, END)
    return listing, replay.asked


def single_items(folder: Path, collection: str) -> list[dict[str, Any]]:
    """Items of a Planetary Computer collection, wherever one was recorded; each once."""
    found: dict[str, dict[str, Any]] = {}

    def take(documents: Iterable[Any]) -> None:
        for document in documents:
            if isinstance(document, Mapping):
                for item in document.get("features", [document]):
                    own = any(
                        "planetarycomputer" in str(link.get("href")) for link in item.get("links") or []
                    )
                    if own and item.get("collection") == collection and item.get("type") == "Feature":
                        found.setdefault(item["id"], item)

    for path in sorted((folder / "stac-utils+stac-geoparquet").rglob("*.yaml")):
        take(answer for _, answer in recorded(path))
    for path in sorted(folder.rglob("*json")):
        take([json.loads(path.read_text())])
    return list(found.values())


@pytest.fixture(scope="module")
def cassettes(shared_data: Path) -> Path:
    return shared_data / "stac-json" / "stac-utils+pystac-client" / "tests" / "cassettes"


def test_two_pages_of_earth_search(cassettes: Path) -> None:
    address, landing, pages = pages_of(cassettes / "test_cli" / "TestCLISearch.test_filter[inprocess].yaml")
    given = [item for found in pages for item in found["features"]]
    assert len(pages) == 2
    listing, asked = find("earth-search", pages, address=address, landing=landing)

    # The landing page, the search, the second page, and the one after it that was never recorded.
    searches = [body for method, _, body in asked if method == "POST"]
    tokens = [link["body"]["next"] for found in pages for link in found["links"] if link["rel"] == "next"]
    assert [body.get("next") for body in searches] == [None, *tokens]
    assert searches[0]["collections"] == ["sentinel-2-c1-l2a", "sentinel-2-l2a"]
    assert searches[0]["intersects"]["type"] == "Polygon"
    assert searches[0]["datetime"] == "2014-01-01T00:00:00Z/2026-01-01T00:00:00Z"
    assert listing.preference == ("sentinel-2-c1-l2a", "sentinel-2-l2a")

    scenes = {scene.id: scene for scene in listing.usable}
    reasons = {entry.scene_id: entry.reason for entry in listing.left_out}
    assert len(scenes) + len(reasons) == len(given) == 20
    by_collection: dict[str, list[str]] = {}
    for item in given:
        by_collection.setdefault(item["collection"], []).append(item["id"])
    assert set(scenes) == {*by_collection["sentinel-2-c1-l2a"], *by_collection["sentinel-2-l2a"]}
    for scene in scenes.values():
        assert scene.source == "earth-search"
        assert set(scene.assets) == {"red", "green", "blue", "nir", "scl"}
        assert (scene.quantity, scene.gsd_m, scene.processing_baseline) == ("reflectance", 10.0, "05.11")
        assert (
            scene.view_off_nadir_deg is not None
        )  # stated by the item, so that nothing has to be fetched for it
        assert None not in (
            scene.relative_orbit,
            scene.datatake,
            scene.tile,
            scene.sun_elevation_deg,
            scene.granule,
        )
        applied = scene.collection == "sentinel-2-l2a"
        assert scene.offset_applied is (True if applied else None)
        assert scene.assets["red"].offset == -0.1
    for radar in by_collection["sentinel-1-grd"]:
        assert "radar without terrain correction cannot be compared; use its RTC product" in reasons[radar]
    for raw in by_collection["sentinel-2-l1c"]:
        assert "earth-search reads https addresses only" in reasons[raw]


def test_the_same_passes_in_both_collections_of_earth_search(cassettes: Path) -> None:
    address, landing, pages = pages_of(cassettes / "test_cli" / "TestCLISearch.test_filter[inprocess].yaml")
    listing, _ = find("earth-search", pages, address=address, landing=landing)
    tiles = {(scene.datatake, scene.tile) for scene in listing.usable}
    twice = len(listing.usable) - len(tiles)
    assert twice > 0
    plan = choose(WORLD, listing, min_coverage=0.0)
    kept = [part for scene in plan.usable for part in (scene, *scene.siblings)]
    assert len({(part.datatake, part.tile) for part in kept}) == len(kept)
    dropped = [entry.reason for entry in plan.left_out if "it goes before sentinel-2-l2a" in entry.reason]
    assert len(dropped) == twice


def test_a_search_of_planetary_computer(cassettes: Path) -> None:
    landing = next(
        answer
        for _, answer in recorded(cassettes / "test_client" / "TestAPI.test_instance.yaml")
        if answer["type"] == "Catalog"
    )
    cassette = cassettes / "test_item_search" / "TestItemSearch.test_datetime_results.yaml"
    page_ = next(answer for _, answer in recorded(cassette))
    address = "https://planetarycomputer.microsoft.com/api/stac/v1"
    listing, asked = find("planetary-computer", [page_], address=address, landing=landing)
    assert sum(method == "POST" for method, _, _ in asked) == 1
    assert len(listing.usable) == 33
    assert listing.left_out == ()
    for scene in listing.usable:
        assert set(scene.assets) == {"red", "green", "blue", "nir", "scl"}
        assert {asset.href.split("?")[0] for asset in scene.assets.values()} == {
            asset.href for asset in scene.assets.values()
        }
        assert (scene.processing_baseline, scene.assets["red"].offset) == ("02.12", 0.0)
        assert scene.datatake == "S2A_20190101T000001"
        assert (scene.relative_orbit, scene.orbit_state) == (116, "descending")
        assert scene.granule is not None
        assert "Copernicus Sentinel data 2019" in str(scene.attribution)


def test_single_items_of_planetary_computer(shared_data: Path) -> None:
    """The envelope around them is made here."""
    folder = shared_data / "stac-json"
    optical, corrected, raw = (
        single_items(folder, name) for name in ("sentinel-2-l2a", "sentinel-1-rtc", "sentinel-1-grd")
    )
    assert (len(optical), len(corrected), len(raw)) == (29, 1, 3)
    listing, _ = find("planetary-computer", [page([*optical, *corrected, *raw])])
    scenes = {scene.id: scene for scene in listing.usable}
    reasons = {entry.scene_id: entry.reason for entry in listing.left_out}
    for item in optical:
        scene = scenes[item["id"]]
        assert (scene.sensor, scene.quantity) == ("optical", "reflectance")
        assert None not in (scene.relative_orbit, scene.datatake, scene.tile, scene.processing_baseline)
    radar = scenes[corrected[0]["id"]]
    assert (radar.sensor, radar.quantity, radar.in_db) == ("sar", "gamma0", False)
    assert (set(radar.assets), radar.gsd_m) == ({"vv", "vh"}, 10.0)
    assert (radar.relative_orbit, radar.orbit_state) == (80, "descending")
    for item in raw:
        assert "radar without terrain correction" in reasons[item["id"]]


def test_signatures_do_not_stay_in_scenes(shared_data: Path) -> None:
    (item,) = single_items(shared_data / "stac-json", "sentinel-1-rtc")
    plain = item["assets"]["vv"]["href"]
    item["assets"]["vv"]["href"] += "?sv=2024-05-04&se=2026-01-01&sig=abc%3D"
    listing, _ = find("planetary-computer", [page([item])])
    assert listing.usable[0].assets["vv"].href == plain


@pytest.mark.parametrize(
    ("href", "says"),
    [
        (
            "https://somebody.blob.core.windows.net/B04.tif",
            "keeps no images on somebody.blob.core.windows.net",
        ),
        ("http://sentinel2l2a01.blob.core.windows.net/B04.tif", "reads https addresses only"),
        ("file:///etc/passwd", "reads https addresses only"),
        ("https://127.0.0.1/B04.tif", "keeps no images on 127.0.0.1"),
    ],
)
def test_an_address_that_the_provider_does_not_allow(shared_data: Path, href: str, says: str) -> None:
    item = single_items(shared_data / "stac-json", "sentinel-2-l2a")[0]
    item["assets"]["B04"]["href"] = href
    listing, _ = find("planetary-computer", [page([item])])
    assert listing.usable == ()
    assert says in listing.left_out[0].reason
    assert href in listing.left_out[0].reason
