"""A real STAC API, stac-fastapi.pgstac on PostgreSQL, with real Earth Search items and their images behind nginx."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely

from flows.cli import call
from imagery.errors import SourceUnreachable
from imagery.geometry import utm_crs
from imagery.scene import Scene
from imagery.select import choose
from imagery.site import Site
from imagery.source import open_source
from imagery.sources.providers import VARIABLE
from tests.services.nginx import Nginx
from tests.services.pgstac import (
    StacServer,
    earth_search_items,
    in_collection,
    provider_toml,
    running_server,
    serving_database,
)
from tests.services.postgres import Postgres

pytestmark = pytest.mark.system

START, END = datetime(2023, 8, 1, tzinfo=UTC), datetime(2023, 8, 31, tzinfo=UTC)
PERIOD = ("--from", "2023-08-01", "--to", "2023-08-31")
AOI = shapely.box(15.2, 45.85, 15.6, 46.1)
"""Across the seam of the two tiles."""

BORDER = Site(id="border", name="border", aoi=AOI, crs=utm_crs(15.4, 46.0), zones={})
NEW, OLD = "sentinel-2-c1-l2a", "sentinel-2-l2a"


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of providers to write to, that this process uses."""
    path = tmp_path / "providers.toml"
    monkeypatch.setenv(VARIABLE, str(path))
    return path


def stated(scene: Scene) -> dict[str, Any]:
    """What a scene says, but for where it comes from."""
    return {
        "id": scene.id, "acquired": scene.acquired, "tile": scene.tile, "datatake": scene.datatake,
        "orbit": scene.relative_orbit, "baseline": scene.processing_baseline, "cloud": scene.cloud_cover_pct,
        "sun": (scene.sun_azimuth_deg, scene.sun_elevation_deg), "offset": scene.offset_applied,
        "assets": {name: (a.bands, a.scale, a.offset, a.nodata, Path(a.href).name) for name, a in scene.assets.items()},
        "siblings": [sibling.id for sibling in scene.siblings],
    }  # fmt: skip


def test_every_page_brings_other_items(earth_search_api: StacServer) -> None:
    """The server's own paging, as pages of three; nothing twice, nothing missing."""
    first = httpx.post(f"{earth_search_api.url}/search", json={"limit": 3}).json()
    assert len(first["features"]) == 3
    assert any(link["rel"] == "next" for link in first["links"])


def test_the_same_scenes_as_the_static_catalogue(
    earth_search_api: StacServer, earth_search_toml: Path, shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(earth_search_toml))
    listing = open_source("here").find(BORDER, START, END)
    static = open_source(str(shared_data / "earth-search")).find(BORDER, START, END)
    assert len(listing.usable) == 10
    assert len({scene.id for scene in listing.usable}) == 10
    assert [scene.acquired for scene in listing.usable] == sorted(scene.acquired for scene in listing.usable)
    assert [stated(scene) for scene in listing.usable] == [stated(scene) for scene in static.usable]
    assert {scene.source for scene in listing.usable} == {"here"}

    plan, expected = choose(BORDER, listing), choose(BORDER, static)
    assert [stated(scene) for scene in plan.usable] == [stated(scene) for scene in expected.usable]
    assert [len(scene.siblings) for scene in plan.usable] == [1] * 5
    assert [(a.id, b.id) for a, b in plan.pairs] == [(a.id, b.id) for a, b in expected.pairs]
    assert len(plan.pairs) == 3


@pytest.mark.parametrize("size", [1, 3, 10, 100])
def test_the_size_of_pages_makes_no_difference(earth_search_api: StacServer, known: Path, size: int) -> None:
    known.write_text(provider_toml("here", earth_search_api.url, page_size=str(size)))
    listing = open_source("here").find(BORDER, START, END)
    assert len({scene.id for scene in listing.usable}) == len(listing.usable) == 10


def test_a_period_and_a_place(earth_search_api: StacServer) -> None:
    """By the API's plain address, without any provider."""
    source = open_source(earth_search_api.url)
    two_days = source.find(BORDER, datetime(2023, 8, 13, tzinfo=UTC), datetime(2023, 8, 15, 23, tzinfo=UTC))
    assert {scene.acquired.day for scene in two_days.usable} == {13, 15}
    elsewhere = Site(id="far", name="far", aoi=shapely.box(20, 10, 20.1, 10.1), crs=utm_crs(20, 10), zones={})
    assert source.find(elsewhere, START, END).usable == ()
    one = open_source(f"{earth_search_api.url}/collections/{OLD}").find(BORDER, START, END)
    assert len(one.usable) == 10


def test_pages_that_repeat_silently_are_found_out(
    postgres: Postgres, earth_search_api: StacServer, known: Path, tmp_path: Path
) -> None:
    """The same database behind a server whose list of extensions lacks paging: its next link leads nowhere new."""
    settings = {"ENABLED_EXTENSIONS": "query,sort,fields"}
    with serving_database(postgres, "earth_search", tmp_path, settings=settings) as server:
        known.write_text(provider_toml("here", server.url))
        with pytest.raises(SourceUnreachable, match="page 2 of the answer repeats items"):
            open_source("here").find(BORDER, START, END)
        known.write_text(provider_toml("here", server.url, page_size="100"))
        assert len(open_source("here").find(BORDER, START, END).usable) == 10


def test_collections_late_and_reprocessed_scenes(
    postgres: Postgres, earth_search_files: Nginx, known: Path, tmp_path: Path
) -> None:
    """Earth Search's two collections: a date that the preferred one misses, one that arrives late, one reprocessed."""
    items = earth_search_items(earth_search_files)
    days = {day: [i for i in items if f"_202308{day}_" in i["id"]] for day in ("10", "15", "20")}

    def preferred(day: str) -> list[dict[str, Any]]:
        return [{**in_collection(i, NEW), "id": i["id"].replace("_0_L2A", "_c1")} for i in days[day]]

    def found() -> list[tuple[str, str]]:
        plan = choose(BORDER, open_source("here").find(BORDER, START, END))
        return [
            (f"{a.collection} {a.acquired.day}", f"{b.collection} {b.acquired.day}") for a, b in plan.pairs
        ]

    with running_server(postgres, "two_collections", tmp_path) as server:
        known.write_text(provider_toml("here", server.url))
        assert open_source("here").find(BORDER, START, END).usable == ()
        server.add([*days["10"], *days["15"], *preferred("10")])
        assert found() == [(f"{OLD} 10", f"{OLD} 15")]
        server.add([*preferred("15"), *days["20"]])
        assert found() == [(f"{NEW} 10", f"{NEW} 15"), (f"{OLD} 15", f"{OLD} 20")]

        old = days["20"][0]
        again = in_collection(old, OLD, **{"s2:processing_baseline": "05.10"}) | {
            "id": old["id"].replace("_0_", "_1_")
        }
        server.add([again])
        listing = open_source("here").find(BORDER, START, END)
        plan = choose(BORDER, listing)
        last = plan.pairs[-1][1]
        assert again["id"] in {last.id, *(sibling.id for sibling in last.siblings)}
        reasons = {entry.scene_id: entry.reason for entry in plan.left_out}
        assert f"older processing 05.09 of the pass in {again['id']}" in reasons[old["id"]]
        server.remove([again["id"]])
        assert again["id"] not in {scene.id for scene in open_source("here").find(BORDER, START, END).usable}


# Through the commands a person types


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sites") / "sites.geojson"
    feature = {
        "type": "Feature",
        "properties": {
            "site": "border", "zone": "aoi", "kind": "aoi", "name": "border", "source": "drawn for a test",
            "confidence": "medium", "position_error_m": 50, "parent": None, "watch": False,
        },
        "geometry": shapely.geometry.mapping(AOI),
    }  # fmt: skip
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return path


def run_flow(*args: str | Path, code: int) -> Any:
    """``sitewatch run`` in a process of its own, since it brings a Prefect of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", VARIABLE))}
    command = [sys.executable, "-m", "flows.cli", "run", *map(str, args), "--json"]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=800)
    assert done.returncode == code, done.stderr or done.stdout
    return json.loads(done.stdout)


@pytest.fixture
def scenes(
    sites: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Any]:
    """``sitewatch scenes`` for the site: the document that it prints, or what a person sees."""
    monkeypatch.setenv(VARIABLE, "")  # --providers sets it; afterwards all is as before

    def ask(*args: str | Path, code: int = 0, as_json: bool = True) -> Any:
        capsys.readouterr()
        command = ["scenes", "border", "--sites", str(sites), *PERIOD, *map(str, args)]
        found = call([*command, "--json"] if as_json else command)
        shown = capsys.readouterr()
        assert found == code, shown.err
        assert "Traceback" not in shown.err
        return json.loads(shown.out) if as_json else shown.out

    return ask


def test_scenes_are_listed(scenes: Callable[..., Any], earth_search_toml: Path, shared_data: Path) -> None:
    given = ("--source", "here", "--providers", earth_search_toml)
    found, static = scenes(*given), scenes("--source", shared_data / "earth-search")
    assert len(found["scenes"]) == 5
    for document in (found, static):
        for scene in document["scenes"]:
            del scene["age_days"]
    assert found["scenes"] == static["scenes"]
    assert found["pairs"] == static["pairs"]
    assert {scene["collection"] for scene in found["scenes"]} == {OLD}
    assert all(scene["cloud_over_aoi"] is not None for scene in found["scenes"])
    shown = scenes(*given, as_json=False)
    assert OLD in shown
    assert "5 usable scenes, 3 pairs to compare" in shown


def test_an_unknown_provider_and_a_wrong_file(scenes: Callable[..., Any], tmp_path: Path) -> None:
    document = scenes("--source", "eartsearch", code=2)
    assert "give 'demo', a provider (cdse, earth-search, planetary-computer)" in document["reason"]
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[mine]\nurl = 'nowhere'\n")
    document = scenes("--source", "eartsearch", "--providers", wrong, code=2)
    assert document["reason"] == f"{wrong}: [mine] url must be an http(s) address, is 'nowhere'"


def test_a_provider_that_is_down_is_exit_4(scenes: Callable[..., Any], tmp_path: Path) -> None:
    toml = tmp_path / "down.toml"
    toml.write_text(provider_toml("down", "http://127.0.0.1:9"))
    document = scenes("--source", "down", "--providers", toml, code=4)
    assert "down (http://127.0.0.1:9): cannot be reached" in document["reason"]
    assert "another source (earth-search, planetary-computer, cdse)" in document["reason"]


def test_a_run_reads_over_http(
    earth_search_toml: Path, sites: Path, earth_search_files: Nginx, tmp_path: Path
) -> None:
    """Pixels of 120 m carry no object, which the run says; up to there all of it was found, fetched and aligned."""
    found = run_flow(
        "border", "--sites", sites, "--source", "here", "--providers", earth_search_toml, "--from", "2023-08-13",
        "--to", "2023-08-15", "--out", tmp_path / "out", code=3,
    )  # fmt: skip
    (row,) = found["runs"]
    assert row["status"] == "not_assessable"
    assert "120 m" in row["reason"]
    report = json.loads((Path(row["item"]).parent / "report.json").read_text())
    assert len(report["inputs"]) == 2 * 2 * 5  # two dates, two tiles, five bands
    assert all(entry["href"].startswith(earth_search_files.url) for entry in report["inputs"])
    item = json.loads(Path(row["item"]).read_text())
    assert json.dumps(item["properties"]).count("off_nadir") >= 1
    # Of the scenes that are compared, and of no other.
    asked = [line for line in earth_search_files.log.read_text().splitlines() if "granule_metadata" in line]
    assert {line.rsplit("_20230", 1)[-1][:3] for line in asked} <= {"813", "815"}
    assert len(asked) == 2
