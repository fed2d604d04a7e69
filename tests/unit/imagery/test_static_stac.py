"""Static STAC catalogues: files, and a real HTTP server on this machine."""

import contextlib
import copy
import functools
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from imagery import connect
from imagery.errors import BadSource, SourceUnreachable
from imagery.geometry import utm_crs
from imagery.listing import Listing
from imagery.select import choose
from imagery.site import Site
from imagery.source import open_source, with_angles
from imagery.sources import fetch
from imagery.sources.web import Patience

SITE = Site(id="s", name="s", aoi=shapely.box(35.2, 34.2, 35.3, 34.3), crs=utm_crs(35.2, 34.2), zones={})
START, END = datetime(2024, 12, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)
PLACE = {"type": "Polygon", "coordinates": [[[35, 34], [36, 34], [36, 35], [35, 35], [35, 34]]]}


def item(day: int, **parts: Any) -> dict[str, Any]:
    return {
        "type": "Feature", "stac_version": "1.0.0", "id": f"item-{day}", "collection": "sentinel-2-l2a", "links": [],
        "geometry": PLACE, "properties": {"datetime": f"2024-12-{day:02d}T08:20:00Z", "platform": "sentinel-2a"},
        "assets": {"red": {"href": f"red-{day}.tif", "type": "image/tiff", "gsd": 10, "roles": ["data"]},
                   "nir": {"href": f"nir-{day}.tif", "type": "image/tiff", "gsd": 10, "roles": ["data"]}},
        **parts,
    }  # fmt: skip


def write(path: Path, document: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(document if isinstance(document, str) else json.dumps(document))


def links(*hrefs: str, rel: str) -> list[dict[str, str]]:
    return [{"rel": rel, "href": href} for href in hrefs]


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    """Catalogue -> collection -> three good items, one broken, one missing, one link that goes round."""
    root = tmp_path / "archive"
    write(root / "catalog.json", {
        "type": "Catalog", "id": "c", "stac_version": "1.0.0", "description": "",
        "links": [*links("./col/collection.json", rel="child"), *links("./catalog.json", rel="root")],
    })  # fmt: skip
    names = ["a/item.json", "b/item.json", "far/item.json", "broken.json", "gone.json", "odd.json"]
    write(root / "col" / "collection.json", {
        "type": "Collection", "id": "col", "stac_version": "1.0.0", "description": "",
        "links": [*links(*names, rel="item"), *links("../catalog.json", rel="child"),
                  *links("s3://bucket/item.json", rel="item")],
    })  # fmt: skip
    far = item(7)
    far["geometry"] = json.loads(json.dumps(shapely.geometry.mapping(shapely.box(1, 1, 2, 2))))
    for name, document in zip(names, [item(5), item(10), far, "{broken", None, ["odd"]], strict=True):
        if document is not None:
            write(root / "col" / name, document)
    for day, folder in ((5, "a"), (10, "b"), (7, "far")):
        for band in ("red", "nir"):
            (root / "col" / folder / f"{band}-{day}.tif").touch()
    return root / "catalog.json"


def find(spec: object) -> Listing:
    return open_source(str(spec)).find(SITE, START, END)


def reasons(listing: Listing) -> dict[str, str]:
    return {entry.scene_id.rsplit("/", 1)[-1]: entry.reason for entry in listing.left_out}


def test_a_catalogue_in_files(catalogue: Path) -> None:
    listing = find(catalogue)
    assert [scene.id for scene in listing.usable] == ["item-5", "item-10"]
    assert listing.usable[0].assets["red"].href == str(catalogue.parent / "col" / "a" / "red-5.tif")
    why = reasons(listing)
    assert "does not touch" in why["item-7"]
    assert "not JSON" in why["broken.json"]
    assert "cannot be read" in why["gone.json"]
    assert "not a STAC document" in why["odd.json"]
    assert "only files and http" in why["item.json"]
    assert len(why) == 5


def test_a_folder_with_a_catalogue_is_one(catalogue: Path) -> None:
    assert find(catalogue.parent) == find(catalogue.parent)
    assert len(find(catalogue.parent).usable) == 2


def test_a_file_an_item_names_and_that_is_not_there(catalogue: Path) -> None:
    (catalogue.parent / "col" / "a" / "nir-5.tif").unlink()
    assert "nir-5.tif does not exist" in reasons(find(catalogue))["item-5"]


def test_an_item_collection(tmp_path: Path) -> None:
    bad = item(9)
    bad["assets"] = {}
    remote = copy.deepcopy(item(11))
    for asset in remote["assets"].values():
        asset["href"] = f"https://pixels.test/{asset['href']}"
    write(tmp_path / "found.json", {"type": "FeatureCollection", "features": [remote, bad, remote, 3]})
    listing = find(tmp_path / "found.json")
    assert [scene.assets["red"].href for scene in listing.usable] == ["https://pixels.test/red-11.tif"]
    why = reasons(listing)
    assert why["item-9"] == "has no assets"
    assert "listed twice" in why["item-11"]
    assert "not a STAC Item" in why["found.json feature 4"]
    nine = next(entry for entry in listing.left_out if entry.scene_id == "item-9")
    assert (nine.platform, nine.acquired) == ("sentinel-2a", datetime(2024, 12, 9, 8, 20, tzinfo=UTC))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files; some paths misbehave."""

    asked: dict[str, int]

    def do_GET(self) -> None:
        self.asked[self.path] = self.asked.get(self.path, 0) + 1
        if self.path.startswith("/forbidden"):
            self.send_error(403)
        elif self.path.startswith("/down") or (self.path.startswith("/flaky") and self.asked[self.path] < 3):
            self.send_error(503)
        else:
            self.path = self.path.removeprefix("/flaky")
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[str, dict[str, int]]]:
    asked: dict[str, int] = {}
    handler = functools.partial(type("Here", (Handler,), {"asked": asked}), directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PATIENCE", Patience(attempts=3, pause_s=0.01))


def test_a_catalogue_over_http(catalogue: Path) -> None:
    with serving(catalogue.parent) as (url, asked):
        listing = find(f"{url}/catalog.json")
    assert [scene.id for scene in listing.usable] == ["item-5", "item-10"]
    assert listing.usable[0].assets["red"].href == f"{url}/col/a/red-5.tif"
    assert "answers 404" in reasons(listing)["gone.json"]
    assert max(asked.values()) == 1


@pytest.mark.usefixtures("quick")
def test_a_server_that_recovers(catalogue: Path) -> None:
    with serving(catalogue.parent) as (url, asked):
        assert len(find(f"{url}/flaky/catalog.json").usable) == 2
    assert asked["/flaky/catalog.json"] == 3


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("path", "says"),
    [("/forbidden.json", "refuses"), ("/down.json", "answers 503"), ("/nothing.json", "answers 404")],
)
def test_a_server_that_does_not_deliver(tmp_path: Path, path: str, says: str) -> None:
    with serving(tmp_path) as (url, _), pytest.raises(SourceUnreachable, match=says) as error:
        find(f"{url}{path}")
    assert url in str(error.value)
    assert error.value.exit_code == 4


@pytest.mark.usefixtures("quick")
def test_no_server_at_all() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/catalog.json"
        with pytest.raises(SourceUnreachable, match="check the address and the connection"):
            find(url)


@pytest.mark.usefixtures("quick")
def test_a_server_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "PATIENCE", Patience(attempts=2, pause_s=0.01, read_s=0.1))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(SourceUnreachable, match="no answer in time"):
            find(f"http://127.0.0.1:{silent.getsockname()[1]}/catalog.json")


def test_the_landing_page_of_a_stac_api_in_a_file_is_named_as_such(tmp_path: Path) -> None:
    write(tmp_path / "api.json", {
        "type": "Catalog", "id": "api", "conformsTo": ["https://api.stacspec.org/v1.0.0/item-search"], "links": [],
    })  # fmt: skip
    with pytest.raises(BadSource, match="landing page of a STAC API, saved in a file"):
        find(tmp_path / "api.json")


@pytest.mark.parametrize("text", ["[]", '{"type": "Polygon"}', "3"])
def test_a_document_that_is_no_stac(tmp_path: Path, text: str) -> None:
    write(tmp_path / "x.json", text)
    with serving(tmp_path) as (url, _), pytest.raises(BadSource, match="not a STAC"):
        find(f"{url}/x.json")
    with pytest.raises(BadSource, match="not a STAC"):
        open_source(str(tmp_path / "x.json"))


def test_what_names_no_source(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="no such folder"):
        open_source("planetary")
    with pytest.raises(SourceUnreachable, match="no such file or folder"):
        open_source(str(tmp_path / "gone"))
    with pytest.raises(BadSource, match="http"):
        open_source("s3://bucket/catalog.json")


def test_huge_documents_are_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "x.json", json.dumps({"type": "Catalog", "links": [], "pad": "x" * 5000}))
    monkeypatch.setattr(fetch.Documents.read, "__kwdefaults__", {"limit": 1000})
    with serving(tmp_path) as (url, _), pytest.raises(SourceUnreachable, match="larger than"):
        find(f"{url}/x.json")


@pytest.mark.system
def test_the_real_catalogue(shared_data: Path) -> None:
    aoi = shapely.box(15.2, 45.7, 15.5, 46.1)
    site = Site(id="slovenia", name="s", aoi=aoi, crs=utm_crs(15.3, 46.0), zones={})
    period = datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 8, 31, tzinfo=UTC)
    listing = open_source(str(shared_data / "earth-search" / "catalog.json")).find(site, *period)
    assert len(listing.usable) == 10
    for scene in listing.usable:
        assert set(scene.assets) == {"red", "green", "blue", "nir", "scl"}
        assert all(Path(asset.href).is_file() for asset in scene.assets.values())
        assert (scene.offset_applied, scene.assets["red"].offset, scene.gsd_m) == (True, -0.1, 10.0)
        assert scene.view_off_nadir_deg == pytest.approx(6.5, abs=1.0)
        assert scene.view_azimuth_deg is not None
        assert scene.relative_orbit in {79, 122}
        assert scene.processing_baseline == "05.09"
    plan = choose(site, listing)
    assert [scene.acquired.day for scene in plan.usable] == [10, 13, 15, 18, 20]
    assert [len(scene.siblings) for scene in plan.usable] == [1] * 5
    assert [(a.acquired.day, b.acquired.day) for a, b in plan.pairs] == [(10, 15), (13, 18), (15, 20)]
    assert plan.left_out == ()


@pytest.mark.system
def test_the_real_catalogue_over_http(shared_data: Path) -> None:
    aoi = shapely.box(16.2, 46.3, 16.4, 46.5)
    site = Site(id="croatia", name="s", aoi=aoi, crs=utm_crs(16.3, 46.4), zones={})
    with serving(shared_data / "earth-search") as (url, asked):
        listing = find_at(site, f"{url}/catalog.json")
        # One more download, made for scenes that are compared only.
        completed = [with_angles(scene) for scene in listing.usable]
    assert [scene.tile for scene in listing.usable] == ["33TWM"] * 5
    assert all(scene.view_off_nadir_deg is None for scene in listing.usable)
    assert all(5 < (scene.view_off_nadir_deg or 0) < 9 for scene in completed)
    assert sum("granule_metadata" in path for path in asked) == 5
    assert len(listing.left_out) == 5


def test_links_of_a_catalogue_lead_nowhere_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(tmp_path / "other") as (inside, asked_inside), serving(tmp_path / "public") as (url, _):
        other, own = inside.rpartition(":")[2], url.rpartition(":")[2]
        # What the user names is trusted as such; no other port of it, and no name that leads into the network.
        hrefs = [f"http://127.0.0.1:{other}/a.json", f"http://host.example:{other}/b.json", "item.json",
                 "http://169.254.169.254/latest/meta-data"]  # fmt: skip
        catalogue = {"type": "Catalog", "id": "c", "description": "", "links": links(*hrefs, rel="item")}
        write(tmp_path / "public" / "catalog.json", catalogue)
        write(tmp_path / "public" / "item.json", item(5))
        for name in ("a.json", "b.json"):
            write(tmp_path / "other" / name, item(6))
        monkeypatch.setattr(connect, "resolve", lambda host, port: ["127.0.0.1"])
        listing = find(f"http://catalogue.example:{own}/catalog.json")
        assert [scene.id for scene in listing.usable] == ["item-5"]
        refused = reasons(listing)
        assert "does not list the private address 127.0.0.1;" in refused["a.json"]
        assert "does not list the private address 127.0.0.1, to which it leads" in refused["b.json"]
        assert "does not list the private address 169.254.169.254" in refused["meta-data"]
        assert not asked_inside
        monkeypatch.setenv("SITEWATCH_ALLOW_PRIVATE", "127.0.0.0/8")
        assert len(find(f"http://catalogue.example:{own}/catalog.json").usable) == 2
    assert set(asked_inside) == {"/a.json", "/b.json"}


def find_at(site: Site, spec: str) -> Listing:
    return open_source(spec).find(site, datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 8, 31, tzinfo=UTC))
