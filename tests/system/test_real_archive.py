"""A real Sentinel-2 archive, through the commands a person types: docs/results.md tells what was found."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform

from tests.system.real_runs import box, check_record, feature, report_of, sitewatch, write_sites

pytestmark = pytest.mark.system

PERIOD = ("--from", "2023-08-01", "--to", "2023-08-31")
NAMES = [f"2023-08-{day}" for day in (10, 13, 15, 18, 20)]
ORBITS = {79: ("2023-08-10", "2023-08-15", "2023-08-20"), 122: ("2023-08-13", "2023-08-18")}


@pytest.fixture(scope="module")
def border_sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both tiles; the eastern edge of orbit 122 inside; nearly all beyond that edge."""
    return write_sites(
        tmp_path_factory.mktemp("sites") / "border.geojson",
        [
            feature("border", "aoi", "aoi", box(15.2, 45.85, 15.6, 46.1)),
            feature("border", "fields", "control", box(15.3, 45.9, 15.4, 45.95)),
            feature("edge", "aoi", "aoi", box(16.05, 45.8, 16.4, 46.05)),
            feature("beyond", "aoi", "aoi", box(16.36, 45.82, 16.42, 45.9)),
        ],
    )


@pytest.fixture(scope="module")
def border_document(
    shared_data: Path, border_sites: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Both sites watched; nothing can be assessed, so exit code 3."""
    out = tmp_path_factory.mktemp("earth-search")
    found = sitewatch(
        "run", "border", "edge", "--sites", border_sites, "--source", shared_data / "earth-search", *PERIOD,
        "--out", out, code=3,
    )  # fmt: skip
    return dict(found)


@pytest.fixture(scope="module")
def border_runs(border_document: dict[str, Any]) -> list[dict[str, Any]]:
    return list(border_document["runs"])


def list_scenes(site: str, sites: Path, shared_data: Path) -> dict[str, Any]:
    source = shared_data / "earth-search"
    return dict(sitewatch("scenes", site, "--sites", sites, "--source", source, *PERIOD))


def test_tiles_of_a_pass_are_one_scene_and_cloud_is_that_over_the_site(
    shared_data: Path, border_sites: Path
) -> None:
    found = list_scenes("border", border_sites, shared_data)
    scenes = {scene["acquired"][:10]: scene for scene in found["scenes"]}
    assert sorted(scenes) == NAMES
    for scene in scenes.values():
        (sibling,) = scene["merged_with"]
        assert {scene["id"][4:9], sibling[4:9]} == {"33TWL", "33TWM"}
        assert scene["id"].split("_")[2] == sibling.split("_")[2]
        assert scene["coverage"] == 1.0
    assert {day: scene["relative_orbit"] for day, scene in scenes.items()} == {
        day: orbit for orbit, days in ORBITS.items() for day in days
    }
    cloud = {day: scene["cloud_over_aoi"] for day, scene in scenes.items()}
    assert 0.5 < cloud["2023-08-10"] < 0.8
    assert 0.3 < cloud["2023-08-18"] < 0.6
    assert max(cloud["2023-08-13"], cloud["2023-08-15"], cloud["2023-08-20"]) < 0.1
    days = [(a.split("_")[2], b.split("_")[2]) for a, b in (tuple(p.values()) for p in found["pairs"])]
    # Consecutive dates of one orbit only.
    assert sorted(days) == [("20230810", "20230815"), ("20230813", "20230818"), ("20230815", "20230820")]


def test_a_swath_edge_is_seen(shared_data: Path, border_sites: Path) -> None:
    edge = list_scenes("edge", border_sites, shared_data)
    coverage = {scene["acquired"][:10]: scene["coverage"] for scene in edge["scenes"]}
    assert {day for day, share in coverage.items() if share < 1} == set(ORBITS[122])
    assert 0.85 < min(coverage.values()) < 0.98

    beyond = list_scenes("beyond", border_sites, shared_data)
    assert {scene["acquired"][:10] for scene in beyond["scenes"]} <= set(ORBITS[79])
    assert beyond["pairs"]
    left_out = {entry["id"]: entry["reason"] for entry in beyond["left_out"]}
    reasons = [text for name, text in left_out.items() if "20230813" in name or "20230818" in name]
    assert len(reasons) >= 2
    assert any("swath edge" in text for text in reasons)


def test_ground_beyond_the_swath_edge_is_no_data(border_runs: list[dict[str, Any]]) -> None:
    rows = [row for row in border_runs if row["site"] == "edge"]
    assert len(rows) == 2
    for row in rows:
        with rasterio.open(Path(row["item"]).parent / "before.tif") as image:
            (x,), (y,) = transform("EPSG:4326", image.crs, [16.39], [45.81])
            ((red, *_),) = image.sample([(x, y)], masked=True)
            seen = red is not np.ma.masked
        assert seen == (row["before"]["time"][:10] in ORBITS[79])


def test_pixels_of_120_m_are_noticed_and_carry_no_object(border_runs: list[dict[str, Any]]) -> None:
    assert [row["site"] for row in border_runs] == ["border"] * 3 + ["edge"] * 2
    for row in border_runs:
        assert row["status"] == "not_assessable"
        assert "120 m" in row["reason"]
        assert sum(row["counts"].values()) == 0
        report = report_of(row)
        assert report["grid"]["gsd_m"] == pytest.approx(120, abs=0.2)
        assert report["before"]["gsd_m"] == 10
        noticed = [
            note for note in report["notes"] if "pixels are 120 m although the metadata says 10 m" in note
        ]
        assert len(noticed) >= 2
        assert json.loads((Path(row["item"]).parent / "changes.geojson").read_text())["features"] == []
    cloudy = next(
        row for row in border_runs if row["site"] == "border" and row["before"]["time"][:10] == NAMES[0]
    )
    assert 0.1 < report_of(cloudy)["valid_fraction"] < 0.4


def test_a_date_of_which_cloud_leaves_next_to_nothing_is_left_out(border_document: dict[str, Any]) -> None:
    """72 % cloud passes, but with shadow and rims a few percent can be seen; that is known once it is read."""
    (edge,) = (site for site in border_document["sites"] if site["site"] == "edge")
    reasons = {entry["scene"]: entry["reason"] for entry in edge["left_out"]}
    assert set(reasons) == {"S2B_33TWL_20230810_0_L2A", "S2B_33TWM_20230810_0_L2A"}
    assert all("can be seen" in reason and "cloud" in reason for reason in reasons.values())


def vegetation_red(row: Mapping[str, Any], date: str) -> float:
    """Median red reflectance where the scene's own classification says vegetation."""
    folder = Path(row["item"]).parent
    with rasterio.open(folder / f"{date}.tif") as image:
        band = image.descriptions.index("red") + 1
        red = image.read(band, masked=True).astype(float) * image.scales[band - 1] + image.offsets[band - 1]
        vegetation = np.zeros(image.shape, bool)
        for path in (folder / "source" / date).glob("*_scl.tif"):
            same = {"crs": image.crs, "transform": image.transform}
            with (
                rasterio.open(path) as scl,
                WarpedVRT(scl, **same, width=image.width, height=image.height) as on_grid,
            ):
                vegetation |= on_grid.read(1) == 4
    return float(np.ma.median(red[vegetation]))


def test_the_offset_is_not_taken_off_twice(border_runs: list[dict[str, Any]]) -> None:
    """The items state an offset of -0.1 that has been applied already; taken off again, red would be negative."""
    for row in border_runs:
        for date in ("before", "after"):
            median = vegetation_red(row, date)
            assert 0.015 < median < 0.06
        assert any("nothing is taken off" in note for note in report_of(row)["notes"])


def test_records_of_the_archive_are_valid(border_runs: list[dict[str, Any]]) -> None:
    for row in border_runs[:1] + border_runs[-1:]:
        check_record(row)
