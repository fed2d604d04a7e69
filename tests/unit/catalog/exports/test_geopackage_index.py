"""The spatial index of a GeoPackage: GDAL's for the same version is the oracle, and GDAL reads and edits ours."""

import re
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import mapping, shape

from catalog.exports import geopackage, rtree, wkb
from catalog.exports.features import multi_polygon
from catalog.exports.findings import Handover, Place
from catalog.exports.geopackage import write_geopackage
from tests.conftest import needed

LAYERS = ("findings", "not_assessed", "zones")


@pytest.fixture
def pyogrio() -> Any:
    return needed("pyogrio", package="pyogrio")


@pytest.fixture(scope="module")
def many(plain: Handover) -> Handover:
    """Ten thousand findings on a jittered lattice of 100 by 100."""
    rng = np.random.default_rng(7)
    one = next(found for found in plain.findings if found.kind == "appeared")
    assert one.after is not None
    findings = []
    for number in range(10_000):
        col, row = number % 100, number // 100
        lon, lat = np.array([35.0 + col * 0.01, 34.0 + row * 0.01]) + rng.uniform(-0.003, 0.003, 2)
        findings.append(replace(one, id=f"f{number}", after=placed(one.after, lon, lat)))
    return replace(plain, findings=tuple(findings))


def placed(place: Place, lon: float, lat: float) -> Place:
    ring = [(lon, lat), (lon + 2e-4, lat), (lon + 2e-4, lat + 1e-4), (lon, lat + 1e-4), (lon, lat)]
    return replace(place, ring=[list(point) for point in ring])


def written(handover: Handover, folder: Path) -> Path:
    path = folder / "x.gpkg"
    write_geopackage(path, handover)
    return path


def indexed(path: Path, layer: str = "findings") -> dict[int, tuple[float, ...]]:
    with sqlite3.connect(path) as db:
        rows = db.execute(f"SELECT id, minx, miny, maxx, maxy FROM rtree_{layer}_geom")
        return {row[0]: tuple(row[1:]) for row in rows}


def plain_sql(text: str) -> str:
    """Without what has no meaning: blanks, quotes, brackets, the last semicolon, the two spellings of NOT NULL."""
    return re.sub(r"""[\s"'();]+""", "", text).lower()


def test_it_is_declared_as_gdal_declares_it(plain: Handover, tmp_path: Path, pyogrio: Any) -> None:
    """The same extension, table and triggers as GDAL writes into a file of this version."""
    ours, theirs = written(plain, tmp_path), tmp_path / "gdal.gpkg"
    pyogrio.raw.write(
        theirs, shapely.to_wkb(np.array([shapely.box(0, 0, 1, 1)])), [], [], layer="findings", driver="GPKG",
        geometry_type="Polygon", crs="EPSG:4326", dataset_options={"VERSION": "1.3"},
    )  # fmt: skip
    said = []
    for path in (ours, theirs):
        with sqlite3.connect(path) as db:
            rows = db.execute(
                "SELECT name, sql FROM sqlite_master WHERE name LIKE 'rtree_findings_%' AND sql NOT NULL"
            )
            sql = {name: plain_sql(text) for name, text in rows}
            extensions = db.execute("SELECT * FROM gpkg_extensions WHERE table_name='findings'").fetchall()
            said.append((sql, extensions, db.execute("PRAGMA user_version").fetchone()))
    assert said[0] == said[1]
    assert len(said[0][0]) == 10  # the index, its three tables, six triggers
    assert said[0][1][0][2] == "gpkg_rtree_index"


def test_every_layer_has_an_index_of_its_geometries(plain: Handover, tmp_path: Path) -> None:
    path = written(plain, tmp_path)
    with sqlite3.connect(path) as db:
        registered = db.execute("SELECT table_name, column_name, scope FROM gpkg_extensions").fetchall()
        assert registered == [(layer, "geom", "write-only") for layer in LAYERS]
        for layer in LAYERS:
            assert db.execute(f"SELECT rtreecheck('rtree_{layer}_geom')").fetchone() == ("ok",)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("SELECT count(*) FROM layer_styles WHERE useAsDefault").fetchone() == (3,)
    boxes = indexed(path)
    assert list(boxes) == [number for number, _ in enumerate(plain.findings, 1)]
    for number, one in enumerate(plain.findings, 1):
        geometry = multi_polygon(one)
        assert geometry is not None
        exact = np.array(shape(geometry).bounds)
        box = np.array(boxes[number])
        assert np.all(box[:2] <= exact[:2])  # numbers of 32 bits, rounded outwards
        assert np.all(box[2:] >= exact[2:])
        assert np.abs(box - exact).max() < 1e-5


def test_what_gdal_finds_in_a_box_is_what_is_there(many: Handover, tmp_path: Path, pyogrio: Any) -> None:
    path = written(many, tmp_path)
    assert pyogrio.read_info(path, layer="findings")["capabilities"]["fast_spatial_filter"]
    assert len(indexed(path)) == 10_000
    rings = [shape(multi_polygon(one)) for one in many.findings]  # type: ignore[arg-type]
    for box in ((35.1, 34.1, 35.14, 34.2), (35.5, 34.5, 35.5001, 34.5001), (10.0, 10.0, 11.0, 11.0)):
        wanted = {
            one.id
            for one, ring in zip(many.findings, rings, strict=True)
            if ring.intersects(shapely.box(*box))
        }
        meta, _, _, values = pyogrio.raw.read(path, layer="findings", bbox=box)
        assert set(values[list(meta["fields"]).index("change_id")]) == wanted
    assert wanted == set()
    with sqlite3.connect(path) as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT f.fid FROM findings f JOIN rtree_findings_geom r ON f.fid = r.id "
            "WHERE r.minx <= 35.14 AND r.maxx >= 35.1 AND r.miny <= 34.2 AND r.maxy >= 34.1"
        ).fetchall()
    assert "VIRTUAL TABLE INDEX" in plan[0][3]


@pytest.mark.parametrize("which", ["unplaced", "empty"])
def test_what_has_no_place_is_in_no_index(
    which: str, plain: Handover, unplaced: Handover, tmp_path: Path, pyogrio: Any
) -> None:
    path = written(unplaced if which == "unplaced" else replace(plain, findings=()), tmp_path)
    assert indexed(path) == {}
    count = len(unplaced.findings) if which == "unplaced" else 0
    assert pyogrio.read_info(path, layer="findings")["features"] == count
    _, _, found, _ = pyogrio.raw.read(path, layer="findings", bbox=(-180, -90, 180, 90))
    assert len(found) == 0


def test_the_index_follows_when_gdal_edits(plain: Handover, tmp_path: Path, pyogrio: Any) -> None:
    """The triggers run: a feature that another program adds is found by its box."""
    path = written(plain, tmp_path)
    place = shapely.box(10.0, 20.0, 10.1, 20.1)
    pyogrio.raw.write(
        path, shapely.to_wkb(np.array([place])), [np.array(["r09c09"])], ["tile"], layer="not_assessed", driver="GPKG",
        geometry_type="Polygon", crs="EPSG:4326", append=True,
    )  # fmt: skip
    boxes = indexed(path, "not_assessed")
    assert len(boxes) == len(plain.pair.unseen) + 1
    assert boxes[max(boxes)] == pytest.approx(place.bounds, abs=1e-5)
    meta, _, _, values = pyogrio.raw.read(path, layer="not_assessed", bbox=(9, 19, 11, 21))
    assert list(values[list(meta["fields"]).index("tile")]) == ["r09c09"]


def test_triggers_keep_step_with_every_change_of_a_row() -> None:
    """Points, an empty geometry, another key, nothing: as the standard's table of conditions has them."""
    db = sqlite3.connect(":memory:")
    for at, name in enumerate(("MinX", "MinY", "MaxX", "MaxY")):
        db.create_function(f"ST_{name}", 1, lambda blob, at=at: bounds_of(blob)[at])
    db.create_function("ST_IsEmpty", 1, lambda blob: None if blob is None else bounds_of(blob) == (None,) * 4)
    for statement in filter(str.strip, rtree.TABLE.split(";")):
        db.execute(statement)
    db.execute("CREATE TABLE p (fid INTEGER PRIMARY KEY, geom BLOB)")
    first, second, empty = point(1, 2), point(3, 4), {"type": "MultiPolygon", "coordinates": []}
    rows = [(1, first), (2, empty), (3, None)]
    db.executemany("INSERT INTO p VALUES (?,?)", [(key, g and wkb.blob(g)) for key, g in rows])
    rtree.add_index(db, "p", "geom", "fid", rows)

    def boxes() -> dict[int, tuple[float, float]]:
        return {row[0]: row[1:] for row in db.execute("SELECT id, minx, maxy FROM rtree_p_geom ORDER BY id")}

    assert boxes() == {1: (1.0, 2.0)}
    db.execute("UPDATE p SET geom=? WHERE fid=3", (wkb.blob(second),))
    assert boxes() == {1: (1.0, 2.0), 3: (3.0, 4.0)}
    db.execute("UPDATE p SET fid=9 WHERE fid=3")
    assert boxes() == {1: (1.0, 2.0), 9: (3.0, 4.0)}
    db.execute("UPDATE p SET geom=? WHERE fid=1", (wkb.blob(empty),))
    assert boxes() == {9: (3.0, 4.0)}
    db.execute("UPDATE p SET fid=10, geom=NULL WHERE fid=9")
    assert boxes() == {}
    db.execute("INSERT INTO p VALUES (20, ?)", (wkb.blob(first),))
    assert boxes() == {20: (1.0, 2.0)}
    db.execute("DELETE FROM p WHERE fid=20")
    assert boxes() == {}
    db.close()


def point(x: float, y: float) -> dict[str, Any]:
    return dict(mapping(shapely.Point(x, y)))


def bounds_of(blob: bytes) -> tuple[float | None, ...]:
    """What `ST_MinX` and its like say: of the blob's well-known binary."""
    header = 40 if blob[3] & 0b1110 else 8
    geometry = shapely.from_wkb(blob[header:])
    return (None,) * 4 if geometry.is_empty else tuple(geometry.bounds)


def test_a_file_of_ten_thousand_is_the_same_twice(many: Handover, tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    assert written(many, tmp_path).read_bytes() == written(many, tmp_path / "b").read_bytes()
    assert geopackage.USER_VERSION == 10300
