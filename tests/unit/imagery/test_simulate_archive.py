"""The demo archive on disk and as a source."""

import hashlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pystac
import pytest
import rasterio

from imagery.errors import BadSource
from imagery.simulate import acquisition, archive
from imagery.simulate import exposure as exposures
from imagery.site import Site
from imagery.site_file import load_sites
from imagery.source import open_source
from imagery.sources import demo
from imagery.sources.static_stac import StaticStac

START, END = datetime(2024, 11, 1, tzinfo=UTC), datetime(2025, 3, 31, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops of 100 m, so that a test draws in a moment."""
    monkeypatch.setattr(exposures, "CROP_M", 100.0)


def few() -> list[acquisition.Acquisition]:
    return [a for a in acquisition.acquisitions() if a.site_id == "khmeimim" and a.crop == "east"][:2]


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def khmeimim() -> Site:
    return load_sites()["khmeimim"]


def test_drawn_twice_every_byte_is_the_same(tmp_path: Path, khmeimim: Site) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        archive.write_archive(tmp_path / name, {"khmeimim": khmeimim}, few())
    first = digests(tmp_path / "one")
    assert first == digests(tmp_path / "two")
    assert len([name for name in first if name.endswith(".tif")]) == 2
    assert [name for name in first if name.startswith("truth/")] == [
        "truth/khmeimim/05m-east_20241205_20241213.geojson"
    ]


def test_the_catalogue_says_simulated_everywhere(tmp_path: Path, khmeimim: Site) -> None:
    archive.write_archive(tmp_path, {"khmeimim": khmeimim}, few())
    catalogue = pystac.Catalog.from_file(str(tmp_path / "catalog.json"))
    items = list(catalogue.get_items(recursive=True))
    assert len(items) == 2
    for item in items:
        assert item.id.startswith("SIMULATED")
        assert "SIMULATED" in item.properties["title"]
        assert item.properties["sitewatch:simulated"] is True
        path = item.assets["data"].get_absolute_href()
        assert path is not None
        with rasterio.open(path) as image:
            assert image.tags()["SIMULATED"] == "true"
            assert image.shape == (200, 200)
            assert image.read().std() > 1
        assert item.assets["data"].extra_fields["file:checksum"] == (
            "1220" + hashlib.sha256(Path(path).read_bytes()).hexdigest()
        )
    assert "SIMULATED" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_scenes_stay_simulated_when_the_archive_is_read_as_any_catalogue(
    tmp_path: Path, khmeimim: Site
) -> None:
    archive.write_archive(tmp_path, {"khmeimim": khmeimim}, few())
    listing = open_source(str(tmp_path)).find(khmeimim, START, END)
    assert len(listing.usable) == 2
    assert all(scene.simulated for scene in listing.usable)
    assert {scene.attribution for scene in listing.usable} == {"SIMULATED by sitewatch"}
    assert {scene.gsd_m for scene in listing.usable} == {0.5}


def test_a_whole_scene_reads_as_reflectance_with_clouds(tmp_path: Path) -> None:
    site = load_sites()["tartus"]
    wanted = [a for a in acquisition.acquisitions() if a.site_id == "tartus" and a.sky == "partly"]
    archive.write_archive(tmp_path, {"tartus": site}, wanted)
    (scene,) = StaticStac(address=str(tmp_path / "catalog.json"), name="demo").find(site, START, END).usable
    assert (scene.quantity, scene.gsd_m, scene.relative_orbit) == ("reflectance", 10.0, 121)
    assert set(scene.assets) == {"blue", "green", "red", "nir", "scl"}
    assert scene.attribution == "SIMULATED by sitewatch"
    assert scene.assets["red"].scale == 0.0001
    assert scene.assets["red"].offset == -0.1
    with rasterio.open(scene.assets["nir"].href) as nir, rasterio.open(scene.assets["scl"].href) as scl:
        values = nir.read(1) * 0.0001 - 0.1
        classes = np.kron(scl.read(1), np.ones((2, 2), np.uint8))
    assert 0 < np.median(values[classes == 6]) < 0.05
    assert np.median(values[classes == 4]) > 0.15
    assert np.median(values[classes == 9]) > 0.4


def test_the_archive_is_drawn_once_and_an_interrupted_drawing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, khmeimim: Site
) -> None:
    drawn: list[Path] = []

    def interrupted(folder: Path, sites: dict[str, Site]) -> None:
        (folder / "half.tif").write_bytes(b"half")
        raise KeyboardInterrupt

    def whole(folder: Path, sites: dict[str, Site]) -> None:
        drawn.append(folder)
        archive.write_archive(folder, sites, few())

    monkeypatch.setattr(demo, "write_archive", interrupted)
    source = demo.open_demo(tmp_path / "cache")
    with pytest.raises(KeyboardInterrupt):
        source.find(khmeimim, START, END)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [".lock"]

    monkeypatch.setattr(demo, "write_archive", whole)
    old = tmp_path / "cache" / "v0"
    old.mkdir()
    os.utime(old, (0, 0))
    (tmp_path / "cache" / "v0-in-use").mkdir()
    first = source.find(khmeimim, START, END)
    second = source.find(khmeimim, START, END)
    assert len(drawn) == 1
    assert first == second
    assert not old.exists()
    assert (tmp_path / "cache" / "v0-in-use").is_dir()
    assert all(scene.simulated and scene.source == "demo" for scene in first.usable)


def test_the_cache_is_where_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITEWATCH_CACHE", str(tmp_path))
    assert open_source("demo") == demo.DemoSource(folder=tmp_path / "demo")
    monkeypatch.delenv("SITEWATCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert demo.cache_folder() == tmp_path / "xdg" / "sitewatch" / "demo"


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, khmeimim: Site) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(BadSource, match="SITEWATCH_CACHE"):
        demo.open_demo(blocked).find(khmeimim, START, END)


def test_every_date_of_a_series_is_compared_with_its_own_kind() -> None:
    every = acquisition.acquisitions()
    kinds = {(a.site_id, a.series): a.platform for a in every if a.crop is not None}
    assert len(set(kinds.values())) == 2
    first, second = (a for a in every if a.id in {few()[0].id, few()[1].id})
    assert replace(first, acquired=second.acquired).series == second.series
    assert json.dumps([a.id for a in every]) == json.dumps([a.id for a in acquisition.acquisitions()])
