"""The main jobs on real images, through the commands a person types: docs/results.md tells what they found."""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pystac
import pytest
import rasterio
from pyproj import Transformer
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform
from rio_cogeo.cogeo import cog_validate

from catalog.cases import load_cases
from models.evaluation import score_case

pytestmark = pytest.mark.system

Ring = list[tuple[float, float]]


def sitewatch(*args: str | Path, code: int = 0) -> Any:
    """Run a command in a process of its own; the document it prints with ``--json``."""
    # The flows bring a Prefect of their own, whatever other tests have set up.
    env = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    command = [sys.executable, "-m", "flows.cli", *map(str, args), "--json"]
    done = subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=800)
    assert done.returncode == code, done.stderr or done.stdout
    return json.loads(done.stdout)


def feature(site: str, zone: str, kind: str, ring: Ring) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {
            "site": site, "zone": zone, "kind": kind, "name": f"{site} {zone}", "source": "drawn for a test",
            "confidence": "medium", "position_error_m": 50, "parent": None if kind == "aoi" else f"{site}.aoi",
            "watch": kind != "aoi",
        },
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
    }  # fmt: skip


def box(west: float, south: float, east: float, north: float) -> Ring:
    return [(west, south), (east, south), (east, north), (west, north)]


def write_sites(path: Path, features: Sequence[Mapping[str, Any]]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def report_of(row: Mapping[str, Any]) -> dict[str, Any]:
    return json.loads((Path(row["item"]).parent / "report.json").read_text())


def check_record(row: Mapping[str, Any]) -> None:
    """The STAC Item validates, the rasters are COGs, every byte is as written."""
    folder = Path(row["item"]).parent
    item = json.loads((folder / "item.json").read_text())
    assert item["stac_version"] == "1.1.0"
    assert JsonSchemaSTACValidator().validate_core(item, pystac.STACObjectType.ITEM, "1.1.0")
    for name in ("before.tif", "after.tif", "evidence.tif"):
        assert cog_validate(folder / name) == (True, [], []), name
    found = sitewatch("verify", folder)
    assert found["intact"]
    assert found["problems"] == []


# --- labelled cases

CASES = (
    "air_c03_2314c1b5_4e9164aa",
    "null_c03_4e9164aa_c20b3c21",
    "sar_latakia_20260706_20260805",
    "veh_c03_1",
)
"""An aircraft pair, a control that shares an image with it, a crop with vehicles, a radar pair."""


def test_labelled_cases_are_evaluated_as_diff_sees_them(shared_data: Path, tmp_path: Path) -> None:
    public = shared_data / "cases" / "public"
    chosen = tmp_path / "cases"
    chosen.mkdir()
    for name in CASES:
        (chosen / name).symlink_to(public / name)

    found = sitewatch("evaluate", chosen, "--out", tmp_path / "out")

    assert found["failed"] == {}
    assert (found["n_cases"], found["n_na"]) == (4, 0)
    # The scorers that ship were fitted on these cases, and the result says so.
    assert set(found["in_sample"]) == set(CASES)
    by_class: dict[str, list[dict[str, Any]]] = {}
    for row in found["rows"]:
        by_class.setdefault(row["klass"], []).append(row)
    assert set(by_class) == {"aircraft", "sar", "vehicle"}
    for rows in by_class.values():
        for low, high in itertools.pairwise(rows):
            assert low["thr"] < high["thr"]
            assert low["Pd"] >= high["Pd"]
            assert low["FA"] >= high["FA"]
        assert rows[0]["Pd"] > 0
    assert found["null_n_false_scenes"]["0.5"] == 0
    predictions = {
        name: json.loads((tmp_path / "out" / "predictions" / f"{name}.json").read_text()) for name in CASES
    }
    assert all(change["score"] >= 0.05 for document in predictions.values() for change in document["changes"])
    assert list((tmp_path / "out" / "sheets").glob("vehicle_misses_*.png"))

    case = public / "veh_c03_1"
    same = sitewatch(
        "diff", case / "before.png", case / "after.png", "--gsd", "0.5", "--min-score", "0.05",
        "--out", tmp_path / "diff",
    )  # fmt: skip
    assert same["changes"] == predictions["veh_c03_1"]["changes"]


# --- a real Sentinel-2 archive

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


# --- nine radar passes over a port

UTM = "EPSG:32636"
SHIPS_EXPECTED, SHIPS_LABELLED = 25, 30
SAME_PLACE_PX = 10


def from_utm(points: Sequence[tuple[float, float]]) -> Ring:
    to_lonlat = Transformer.from_crs(UTM, 4326, always_xy=True)
    return [to_lonlat.transform(x, y) for x, y in points]


@pytest.fixture(scope="module")
def port_runs(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The roads west of the breakwater and the basin east of it, watched from April 2025 to August 2026."""
    anchorage = [
        (745_000, 3_936_550), (749_500, 3_936_550), (749_650, 3_935_600), (750_350, 3_933_900),
        (750_150, 3_933_000), (750_150, 3_932_200), (745_000, 3_932_200),
    ]  # fmt: skip
    basin = [
        (749_900, 3_935_700), (751_000, 3_936_400), (751_600, 3_935_500), (751_500, 3_933_000),
        (750_500, 3_932_900), (750_450, 3_933_300), (750_620, 3_933_900),
    ]  # fmt: skip
    folder = tmp_path_factory.mktemp("latakia")
    sites = write_sites(
        folder / "latakia.geojson",
        [
            feature("latakia", "aoi", "aoi", box(35.6985, 35.4965, 35.776, 35.5455)),
            feature("latakia", "roads", "anchorage", from_utm(anchorage)),
            feature("latakia", "basin", "basin", from_utm(basin)),
        ],
    )
    found = sitewatch(
        "run", "latakia", "--sites", sites, "--source", shared_data / "sentinel1-latakia",
        "--from", "2025-04-01", "--to", "2026-09-01", "--out", folder / "outputs",
    )  # fmt: skip
    return list(found["runs"])


def day(row: Mapping[str, Any], date: str) -> str:
    return str(row[date]["time"][:10]).replace("-", "")


def test_consecutive_passes_of_one_orbit_are_compared(
    shared_data: Path, port_runs: list[dict[str, Any]]
) -> None:
    listed = json.loads((shared_data / "sentinel1-latakia" / "scenes.json").read_text())
    days = sorted(str(entry["acquired"][:10]).replace("-", "") for entry in listed)
    assert [(day(row, "before"), day(row, "after")) for row in port_runs] == list(itertools.pairwise(days))
    for row in port_runs:
        assert row["status"] == "changed"
        report = report_of(row)
        assert report["quantity"] == "gamma0"
        for date in ("before", "after"):
            assert (report[date]["relative_orbit"], report[date]["orbit_state"]) == (14, "ascending")


def test_decibels_become_linear_gamma0(shared_data: Path, port_runs: list[dict[str, Any]]) -> None:
    """On the sensor's own pixels, so that the numbers are those of the file and not interpolated ones."""
    row = port_runs[0]
    (original,) = (shared_data / "sentinel1-latakia").glob(f"*_{day(row, 'before')}T*.tif")
    with rasterio.open(Path(row["item"]).parent / "before.tif") as image, rasterio.open(original) as source:
        linear = image.read(1, masked=True)
        window = source.window(*image.bounds)
        decibels = source.read(1, window=window)
        assert decibels.shape == linear.shape
    valid = ~np.ma.getmaskarray(linear)
    assert valid.mean() > 0.8
    np.testing.assert_allclose(linear.data[valid], 10 ** (decibels[valid] / 10), rtol=1e-3)


def test_labelled_ships_are_found(shared_data: Path, port_runs: list[dict[str, Any]]) -> None:
    """Not an independent figure: the radar scorer was fitted on these labels."""
    found = total = 0
    for files in load_cases(shared_data / "cases" / "public"):
        if files.sensor != "sar":
            continue
        days = tuple(files.case.name.split("_")[-2:])
        (row,) = (row for row in port_runs if (day(row, "before"), day(row, "after")) == days)
        report = report_of(row)
        step, _, west, _, _, north = report["grid"]["transform"]
        with rasterio.open(files.before) as image:
            assert (image.transform.a, image.transform.e) == (step, -step)
            dx, dy = round((west - image.transform.c) / step), round((image.transform.f - north) / step)
        for change in report["changes"]:
            for end in (change["before"], change["after"]):
                if end is not None:
                    col0, row0, col1, row1 = end["bbox_px"]
                    end["bbox_px"] = [col0 + dx, row0 + dy, col1 + dx, row1 + dy]
        score = score_case(files.case, {"status": row["status"], "changes": report["changes"]})
        hits = [value for value in score.hit_scores if value is not None]
        found, total = found + len(hits), total + len(score.hit_scores)
    assert total == SHIPS_LABELLED
    assert found >= SHIPS_EXPECTED


def in_roads(row: Mapping[str, Any], kind: str) -> list[tuple[float, float]]:
    """Centres of what came or left there, grid pixels of 10 m; every run of the site has the same grid."""
    changes = [c for c in report_of(row)["changes"] if c["zone"] == "roads" and c["kind"] == kind]
    return [tuple((c["before"] or c["after"])["centroid_px"]) for c in changes]


def test_what_leaves_the_roads_had_come_there(port_runs: list[dict[str, Any]]) -> None:
    """Nothing in the comparison of a pair knows of the pair before it, so this no fit can have seen."""
    present: list[tuple[float, float]] = []
    left = known = 0
    for number, row in enumerate(port_runs):
        for place in in_roads(row, "vanished"):
            near = [seen for seen in present if np.hypot(*np.subtract(seen, place)) < SAME_PLACE_PX]
            if number:  # what was there on the first date was never seen to come
                left, known = left + 1, known + bool(near)
            present = [seen for seen in present if seen not in near]
        present += in_roads(row, "appeared")
    assert left >= 20
    assert known >= 0.9 * left


def test_only_what_lies_on_watched_water_is_called_ship_like(port_runs: list[dict[str, Any]]) -> None:
    labels: dict[str | None, set[str]] = {}
    for row in port_runs:
        for change in report_of(row)["changes"]:
            labels.setdefault(change["zone"], set()).add(change["label"])
    assert set(labels) == {"roads", "basin", None}
    assert "ship-like object" in labels["roads"] & labels["basin"]
    assert labels[None] == {"bright scatterer"}


def test_records_of_the_port_are_valid(port_runs: list[dict[str, Any]]) -> None:
    for row in (port_runs[0], port_runs[-1]):
        check_record(row)
