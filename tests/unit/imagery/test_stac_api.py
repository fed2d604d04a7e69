"""Searching STAC APIs, over real HTTP against servers of ours that answer well, oddly or not at all.

No answer here was recorded.
"""

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import shapely

from imagery.errors import BadSource, SourceUnreachable
from imagery.listing import Listing
from imagery.select import choose
from imagery.source import open_source
from imagery.sources import api_io, stac_api, web
from imagery.sources.providers import Offered, Provider
from imagery.sources.stac_api import StacApi
from imagery.sources.web import Patience
from tests.services.replay import Replay, landing_page, page, replaying
from tests.unit.imagery.scripted_server import Answer, says, scripted
from tests.unit.imagery.stac_request import END, PLACE, SITE, START


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(api_io, "PATIENCE", Patience(attempts=3, read_s=2.0, pause_s=0.01, total_s=10.0))
    web._down.clear()
    yield
    web._down.clear()


def item(day: int, collection: str = "s2", **parts: Any) -> dict[str, Any]:
    made = {
        "type": "Feature", "stac_version": "1.0.0", "id": f"{collection}-{day}", "collection": collection, "links": [],
        "geometry": PLACE, "bbox": [35.0, 34.3, 36.1, 35.3],
        "properties": {"datetime": f"2024-12-{day:02d}T08:20:00.5Z", "platform": "sentinel-2a",
                       "s2:datatake_id": f"GS2A_202412{day:02d}T081500_049000_N05.11",
                       "s2:processing_baseline": "05.11", "quantity": "reflectance"},
        "assets": {name: {"href": f"{name}.tif", "type": "image/tiff", "gsd": 10, "roles": ["data"]}
                   for name in ("red", "nir")},
    }  # fmt: skip
    return {**made, **parts}


def provider(url: str, *collections: str) -> Provider:
    return Provider(
        name="archive", url=url, requests_per_second=100.0,
        collections=tuple(Offered(id=name, sensor="optical") for name in collections or ("s2",)),
    )  # fmt: skip


def find(pages: list[dict[str, Any]], *collections: str, **options: Any) -> tuple[Listing, Replay]:
    with replaying(pages, **options) as replay:
        return StacApi(provider=provider(replay.url, *collections)).find(SITE, START, END), replay


def test_pages_become_one_list_in_order_of_time() -> None:
    pages = [
        page([item(20), item(15)], following={"token": "b"}),
        page([item(15), item(10)], following={"token": "c"}),  # an item that moved to the next page meanwhile
        page([item(5)]),
    ]
    listing, replay = find(pages)
    assert [scene.id for scene in listing.usable] == ["s2-5", "s2-10", "s2-15", "s2-20"]
    assert {scene.source for scene in listing.usable} == {"archive"}
    red = listing.usable[0].assets["red"]
    assert red.href == f"{replay.url}/collections/s2/items/red.tif"
    searches = [body for method, _, body in replay.asked if method == "POST"]
    assert len(searches) == 3
    assert (searches[0]["limit"], searches[0]["collections"]) == (100, ["s2"])
    assert all(body["intersects"] == searches[0]["intersects"] for body in searches)


@pytest.mark.parametrize("back_to", ["b", None], ids=["same-page", "first-page"])
def test_a_server_that_repeats_its_pages_is_found_out(back_to: str | None) -> None:
    following = {"token": back_to} if back_to else {"limit": 100}
    pages = [page([item(5)], following={"token": "b"}), page([item(10)], following=following)]
    with pytest.raises(SourceUnreachable, match=r"page 3 of the answer repeats items") as error:
        find(pages)
    assert error.value.exit_code == 4


def test_nothing_there_is_an_empty_list() -> None:
    listing, _ = find([page([])])
    assert (listing.usable, listing.left_out) == ((), ())


def test_what_lies_outside_is_left_out_with_the_reason() -> None:
    far = item(6, geometry=shapely.geometry.mapping(shapely.box(1, 1, 2, 2)))
    late = item(7)
    late["properties"]["datetime"] = "2025-01-07T08:20:00Z"
    broken = item(8, assets={})
    listing, _ = find([page([item(5), far, late, broken])])
    assert [scene.id for scene in listing.usable] == ["s2-5"]
    reasons = {entry.scene_id: entry.reason for entry in listing.left_out}
    assert "does not touch the AOI" in reasons["s2-6"]
    assert "outside the period" in reasons["s2-7"]
    assert reasons["s2-8"] == "has no assets"


def test_two_collections_may_use_one_id() -> None:
    same = item(5, "a", id="one"), item(5, "b", id="one")
    other = item(10, "b", id="two"), item(10, "a", id="two")
    other[0]["properties"]["s2:datatake_id"] = "GS2A_20241210T091500_049000_N05.11"
    listing, _ = find([page([*same, *other])], "a", "b")
    assert [(scene.id, scene.collection) for scene in listing.usable] == [
        ("one", "a"),
        ("b.two", "b"),
        ("two", "a"),
    ]
    assert [entry.reason for entry in listing.left_out] == ["the same id in a, which is used"]


def test_a_year_of_one_site_is_found_and_planned() -> None:
    """Two tiles and two collections, 73 passes, as Earth Search would answer; no granule's metadata is fetched."""
    items = []
    for number in range(73):
        moment = START - timedelta(days=5 * number)
        for collection in ("c1", "l2"):
            for tile in ("36SYD", "37SBU"):
                made = item(5, collection, id=f"{collection}-{number}-{tile}")
                made["properties"] |= {
                    "datetime": f"{moment:%Y-%m-%d}T08:20:00Z", "grid:code": f"MGRS-{tile}",
                    "s2:datatake_id": f"GS2A_{moment:%Y%m%d}T081500_049000_N05.11",
                }  # fmt: skip
                made["assets"]["granule_metadata"] = {"href": "granule.xml", "type": "application/xml"}
                items.append(made)
    chunks = [items[start : start + 100] for start in range(0, len(items), 100)]
    pages = [page(chunk, following={"token": str(n)}) for n, chunk in enumerate(chunks)]
    with replaying([*pages[:-1], page(chunks[-1])]) as replay:
        api = StacApi(provider=provider(replay.url, "c1", "l2"))
        listing = api.find(SITE, START - timedelta(days=370), END)
        plan = choose(SITE, listing)
    assert len(listing.usable) == 292
    assert (len(plan.usable), len(plan.pairs)) == (73, 72)
    assert {scene.collection for scene in plan.usable} == {"c1"}
    assert sum(method == "GET" for method, _, _ in replay.asked) <= 2


# Servers that answer wrongly, or not at all


def unreachable(*answers: Answer, **options: Any) -> tuple[str, int, float]:
    """The message, the number of requests and the seconds until a search is given up."""
    begun = time.monotonic()
    with scripted(*answers, **options) as server, pytest.raises(SourceUnreachable) as error:
        StacApi(provider=provider(server.url)).find(SITE, START, END)
    assert error.value.exit_code == 4
    assert str(error.value).startswith(f"archive ({server.url}): ")
    return str(error.value), server.count, time.monotonic() - begun


@pytest.mark.parametrize(
    ("status", "expected", "requests"),
    [
        (400, "does not accept the search (400: no such collection)", 1), (401, "asks for a login", 1),
        (403, "refuses (403", 1), (404, "has no STAC API there (404)", 1),
        (429, "answers 429 (too many requests) (3 times)", 3),
        (500, "answers 500 (3 times)", 3), (503, "answers 503 (3 times)", 3),
    ],
)  # fmt: skip
def test_every_refusal_names_the_provider_and_what_to_try(status: int, expected: str, requests: int) -> None:
    message, count, _ = unreachable(says(status, b'{"description": "no such collection"}'))
    assert expected in message
    assert "use another source (earth-search, planetary-computer, cdse)" in message
    assert count == requests


@pytest.mark.parametrize(
    "body",
    [b"<html>Sign in</html>", b"[]", b"{}", b'{"type": "Catalog"}', b'{"type": "FeatureCollection", "features": []}',
     b"\xff\xfe", b"[" * 100_000],
    ids=["html", "list", "empty", "half", "items", "bytes", "deep"],
)  # fmt: skip
def test_a_landing_page_that_is_none(body: bytes) -> None:
    message, _, _ = unreachable(says(200, body))
    assert "is not" in message


@pytest.mark.parametrize(
    "document",
    [
        {"message": "Too many requests"},
        {"features": None},
        {"features": 3},
        {"features": {}},
        {"features": [None, 3]},
    ],
)
@pytest.mark.parametrize("number", [1, 2])
def test_an_answer_that_holds_no_items_is_no_empty_list(document: dict[str, Any], number: int) -> None:
    pages = [page([item(5)], following={"token": "b"}), document]
    with pytest.raises(SourceUnreachable, match=r"archive \(.*its answer to the search is no list of items"):
        find(pages[2 - number :])


def test_a_link_to_another_host_is_not_followed() -> None:
    elsewhere = page([item(5)], following={"token": "b"})
    elsewhere["links"][0]["href"] = "http://localhost:1/search"
    with pytest.raises(SourceUnreachable, match="not its own host"):
        find([elsewhere])


def test_a_server_that_takes_get_only() -> None:
    address = "http://127.0.0.1"
    documents = {"landing": landing_page(address), "found": page([item(5)])}

    with scripted(says(200)) as server:
        landing = json.dumps(documents["landing"]).replace(address, server.url).encode()
        found = json.dumps(documents["found"]).encode()

        def answer(request: Any) -> None:
            if request.command == "POST":
                says(405)(request)
            else:
                says(200, found if request.path.startswith("/search") else landing)(request)

        server.asked.clear()
        with scripted(answer) as really:
            landing = landing.replace(server.url.encode(), really.url.encode())
            listing = StacApi(provider=provider(really.url)).find(SITE, START, END)
    assert [scene.id for scene in listing.usable] == ["s2-5"]
    assert [method for _, method, path in really.asked if path.startswith("/search")] == ["POST", "GET"]


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_io, "MAX_PAGE_BYTES", 10_000)
    with pytest.raises(SourceUnreachable, match=r"its answer is larger than 0\.01 MB"):
        find([page([item(day) for day in range(1, 30)])])


def test_far_too_many_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stac_api, "MAX_ITEMS", 3)
    with pytest.raises(BadSource, match="more than 3 items; choose a shorter period"):
        find([page([item(5), item(6)], following={"token": "b"}), page([item(7), item(8)])])


def test_a_server_that_never_comes_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stac_api, "MAX_SEARCH_S", 0.0)
    with pytest.raises(SourceUnreachable, match="has not come to an end"):
        find([page([item(5)])])


def test_no_server_at_all_ends_at_once_and_a_silent_one_within_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        begun = time.monotonic()
        with pytest.raises(
            SourceUnreachable, match=r"archive \(http.*/v1\): cannot be reached .*check the connection"
        ):
            StacApi(provider=provider(url)).find(SITE, START, END)
        assert time.monotonic() - begun < 20
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        monkeypatch.setattr(api_io, "PATIENCE", Patience(total_s=1.0, pause_s=0.01))
        begun = time.monotonic()
        with pytest.raises(SourceUnreachable, match="no answer in time"):
            StacApi(provider=provider(url)).find(SITE, START, END)
        assert time.monotonic() - begun < 20


# Addresses


def test_the_address_of_an_api_is_told_from_a_catalogue() -> None:
    with replaying([page([item(5), item(6, "other")])]) as replay:
        listing = open_source(replay.url).find(SITE, START, END)
    assert [scene.source for scene in listing.usable] == [replay.url] * 2
    assert "collections" not in replay.asked[-1][2]


def test_the_address_of_one_collection_of_an_api() -> None:
    with replaying([page([item(5)])]) as replay:
        collection = {
            "type": "Collection", "id": "s2", "stac_version": "1.0.0", "description": "d", "license": "other",
            "extent": {}, "links": [{"rel": "root", "href": replay.url},
                                    {"rel": "items", "href": f"{replay.url}/collections/s2/items"}],
        }  # fmt: skip
        with scripted(says(200, json.dumps(collection).encode())) as server:
            listing = open_source(f"{server.url}/collections/s2").find(SITE, START, END)
    assert [scene.id for scene in listing.usable] == ["s2-5"]
    assert replay.asked[-1][2]["collections"] == ["s2"]


def test_an_api_without_a_search_is_no_source() -> None:
    landing = landing_page("ADDRESS")
    landing["links"] = landing["links"][:2]
    landing["conformsTo"] = ["https://api.stacspec.org/v1.0.0/core"]
    with replaying([page([])], landing=landing) as replay, pytest.raises(BadSource, match="offers no search"):
        StacApi(provider=provider(replay.url)).find(SITE, START, END)
