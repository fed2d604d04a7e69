"""From three vendors' deliveries to compared pairs: `add`, `scenes` and `run` as a person types them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import rasterio

from tests.system.real_runs import sitewatch
from tests.unit.imagery import deliveries as made

pytestmark = pytest.mark.system

BEFORE, AFTER = datetime(2024, 12, 5, 8, 20, 11, tzinfo=UTC), datetime(2024, 12, 10, 8, 25, 40, tzinfo=UTC)
CLOUD = (300.0, 260.0, 640.0, 480.0)
PERIOD = ("--from", "2024-12-01", "--to", "2024-12-31")


def seen_at(path: Path, east_m: float, south_m: float) -> bool:
    """Whether a raster has a valid pixel at a place, in metres from the ground's upper left corner."""
    with rasterio.open(path) as dataset:
        row, col = dataset.index(made.WEST + east_m, made.NORTH - south_m)
        return bool(dataset.read_masks(1)[row, col])


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made.write_site(tmp_path_factory.mktemp("sites") / "sites.geojson")


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, sites: Path) -> Path:
    """What two dates of three vendors become when they are added to one folder."""
    incoming = tmp_path_factory.mktemp("incoming")
    for number, (when, objects) in enumerate(
        [(BEFORE, [made.STAYS]), (AFTER, [made.STAYS, made.COMES])], start=1
    ):
        order = f"01582123{number:04d}_01"
        catid = f"104001009AB1230{number}"
        for letter in "PM":
            made.maxar(
                incoming / "maxar", when, objects, letter=letter, order=order, catid=catid, seed=10 * number
            )
        planet, later = incoming / f"planet_{number}", when + timedelta(minutes=7)
        # Two frames of one pass; on the first date one corner is under cloud.
        cloud = CLOUD if number == 1 else None
        made.planetscope(planet, later, objects, extent=made.Extent(south=270), seed=20 * number)
        made.planetscope(planet, later + timedelta(seconds=2), objects, extent=made.Extent(north=210), cloud=cloud,
                         seed=21 * number)  # fmt: skip
        made.skysat(incoming / f"skysat_{number}", when + timedelta(hours=2), objects, seed=30 * number,
                    renderings=("analytic", "pansharpened"))  # fmt: skip
    folder = tmp_path_factory.mktemp("archive")
    answer = sitewatch(
        "add", *sorted(incoming.iterdir()), "--to", folder, "--sites", sites, "--licence", "internal"
    )
    assert answer["refused"] == []
    assert len(answer["scenes"]) == 4 + 4 + 4  # pan and colour, two frames, two renderings; two dates each
    return folder


def test_nothing_more_is_asked(archive: Path, sites: Path) -> None:
    listed = sitewatch("scenes", "quay", "--source", archive, "--sites", sites, *PERIOD)
    found = [(s["platform"], s["gsd_m"], len(s["merged_with"])) for s in listed["scenes"]]
    one = [("WorldView-3", 0.5, 1), ("PlanetScope 24a7", 3.0, 1), ("SkySat ssc6", 0.5, 0)]
    assert found == [*one, *one]
    assert len(listed["pairs"]) == 3


def test_every_vendor_s_pair_is_compared(archive: Path, sites: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    answer = sitewatch("run", "quay", "--source", archive, "--sites", sites, *PERIOD, "--out", out)
    rows = {row["before"]["id"]: row for row in answer["runs"]}
    assert len(rows) == 3, answer
    west, north, east, south = made.COMES
    for name, row in rows.items():
        assert row["status"] == "changed", (name, row)
        folder = Path(row["item"]).parent
        report = json.loads((folder / "report.json").read_text())
        (change,) = report["changes"]
        assert change["kind"] == "appeared"
        with rasterio.open(folder / "after.tif") as after:
            col0, row0, col1, row1 = change["after"]["bbox_px"]
            (x0, y0), (x1, y1) = after.transform * (col0, row0), after.transform * (col1, row1)
        # The whole object, although it lies across the seam of tiles and frames.
        slack = 9.0 if name.startswith("2024") and "24a7" in name else 3.0
        expected = made.WEST + west, made.NORTH - north, made.WEST + east, made.NORTH - south
        assert (x0, y0, x1, y1) == pytest.approx(expected, abs=slack), name
        if "24a7" in name:  # by its usable data mask, the clouded corner was not observed
            assert not seen_at(folder / "before.tif", (CLOUD[0] + CLOUD[2]) / 2, (CLOUD[1] + CLOUD[3]) / 2)
            assert seen_at(folder / "after.tif", (CLOUD[0] + CLOUD[2]) / 2, (CLOUD[1] + CLOUD[3]) / 2)
            assert seen_at(folder / "before.tif", CLOUD[0] / 2, CLOUD[1] / 2)
        item = json.loads((folder / "item.json").read_text())
        assert "internal" in json.dumps(item)
