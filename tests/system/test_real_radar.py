"""Nine radar passes over a port, through the commands a person types: docs/results.md tells what was found."""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from catalog.cases import load_cases
from models.evaluation import score_case
from tests.system.real_runs import Ring, box, check_record, feature, report_of, sitewatch, write_sites
from tests.unit.catalog.exports.radar_words import check_radar_export

pytestmark = pytest.mark.system

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


def test_a_run_is_handed_over_in_words_that_fit_radar(
    port_runs: list[dict[str, Any]], tmp_path: Path
) -> None:
    folder = Path(port_runs[0]["item"]).parent
    done = sitewatch("export", folder, "--format", "all", "--chips", "--to", tmp_path)
    assert done["findings"] >= 5
    check_radar_export(done, looks="east (right of its path)")


def test_records_of_the_port_are_valid(port_runs: list[dict[str, Any]]) -> None:
    for row in (port_runs[0], port_runs[-1]):
        check_record(row)
