"""GeoJSON, CSV, KML and GeoPackage, each read back by a reader of another make."""

import csv
import hashlib
import io
import json
import sqlite3
import struct
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from shapely import wkt
from shapely.geometry import shape

from catalog.errors import CatalogError
from catalog.exports import columns, features, geopackage, kml, table
from catalog.exports.findings import Handover
from catalog.exports.gather import check_placed
from catalog.exports.pictures import RunPictures
from catalog.reader import StoredRun
from tests.conftest import needed
from tests.unit.catalog.exports.handovers import SCRIPT

KML = "{http://www.opengis.net/kml/2.2}"


def test_geojson_is_rfc_7946(plain: Handover) -> None:
    document = json.loads(features.geojson(plain))
    assert document["type"] == "FeatureCollection"
    assert "crs" not in document
    assert document["sitewatch"]["simulated"] is True
    assert document["sitewatch"]["before"]["files"][0]["sha256"]
    for feature in document["features"]:
        found = shape(feature["geometry"])
        assert found.is_valid
        for part in getattr(found, "geoms", [found]):
            assert part.exterior.is_ccw
            assert part.exterior.is_closed
        assert {*columns.COLUMNS} - {"id"} <= feature["properties"].keys()
    assert {f["geometry"]["type"] for f in document["features"]} == {"Polygon", "MultiPolygon"}


def test_geojson_without_georeference_has_pixels(unplaced: Handover) -> None:
    for feature in json.loads(features.geojson(unplaced))["features"]:
        assert feature["geometry"] is None
        rings = [feature["properties"][f"{date}_outline_px"] for date in ("before", "after")]
        assert any(ring and ring[0] == ring[-1] for ring in rings)


def rows(data: bytes) -> list[dict[str, str]]:
    text = data.decode("utf-8-sig")
    assert text.count("\r\n") == text.count("\n")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_reads_back(plain: Handover) -> None:
    data = table.table(plain)
    assert data.startswith(b"\xef\xbb\xbfid,tag,")
    found = rows(data)
    assert list(found[0]) == [*columns.COLUMNS, "outline_wkt"]
    for row, one in zip(found, plain.findings, strict=True):
        assert row["id"] == one.id
        assert float(row["lon"]) == one.place.lon
        assert wkt.loads(row["outline_wkt"]).is_valid
        assert row["simulated"] == "true"


def test_no_cell_begins_a_formula(hostile: Handover) -> None:
    for row in rows(table.table(hostile)):
        for name, value in row.items():
            first = value.lstrip()[:1]
            if first in "=+-@\t\r|%" and first:
                assert columns.COLUMNS.get(name) == "number", (name, value[:40])
                float(value)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\t=1", "\r=1", " =1", "\uff1d1", "|x", "%x"])
def test_what_a_spreadsheet_would_calculate_is_text(text: str) -> None:
    assert table.cell(text) == f"'{text}"


def test_numbers_and_plain_text_stay_as_they_are() -> None:
    assert [table.cell(value) for value in (-1.5, 3, True, None, "a=b", "")] == [
        "-1.5",
        "3",
        "true",
        "",
        "a=b",
        "",
    ]


@pytest.mark.parametrize("which", ["plain", "hostile"])
def test_kml_is_what_the_schema_of_ogc_allows(which: str, request: pytest.FixtureRequest) -> None:
    fastkml, etree = needed("fastkml", package="fastkml"), needed("lxml.etree", package="lxml")
    schema = Path(fastkml.__file__).parent / "schema" / "ogckml22.xsd"
    document = etree.fromstring(kml.kml(request.getfixturevalue(which)))
    validator = etree.XMLSchema(etree.parse(str(schema)))
    assert validator.validate(document), validator.error_log


def test_kml_says_when_where_and_that_it_is_simulated(plain: Handover) -> None:
    root = ElementTree.fromstring(kml.kml(plain))
    marks = [mark for mark in root.iter(f"{KML}Placemark") if mark.get("id")]
    assert len(marks) == 3
    styles = {style.get("id") for style in root.iter(f"{KML}Style")}
    for mark in marks:
        assert mark.findtext(f"{KML}name").startswith("SIMULATED ")
        assert mark.findtext(f"{KML}TimeSpan/{KML}begin") == "2024-12-04T08:21:07Z"
        assert mark.findtext(f"{KML}TimeSpan/{KML}end") == "2024-12-20T08:23:41Z"
        assert mark.findtext(f"{KML}styleUrl").removeprefix("#") in styles
        lon, lat = map(float, mark.findtext(f".//{KML}Point/{KML}coordinates").split(","))
        assert 35.9 < lon < 35.93
        assert 35.39 < lat < 35.42
    data = {d.get("name"): d.findtext(f"{KML}value") for d in marks[0].iter(f"{KML}Data")}
    assert data["run"] == plain.pair.name


def test_kml_leads_nowhere_and_runs_nothing(hostile: Handover) -> None:
    """A balloon shows the description as HTML, and fills in whatever stands in $[ ]."""
    text = kml.kml(hostile).decode()
    root = ElementTree.fromstring(text)
    assert not [e.tag for e in root.iter() if e.tag.endswith(("href", "NetworkLink", "Link"))]
    assert "maps.google" not in text
    for element in root.iter(f"{KML}description"):
        assert SCRIPT not in element.text
        assert "<img src=x" not in element.text
        assert "$[" not in element.text


def test_kmz_holds_the_pictures_and_is_the_same_twice(plain: Handover, plain_run: StoredRun) -> None:
    data = kml.kmz(plain, RunPictures(plain_run).chip)
    assert data == kml.kmz(plain, RunPictures(plain_run).chip)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        assert names[0] == "doc.kml"
        text = archive.read("doc.kml").decode()
        for name in names[1:]:
            assert f"&quot;{name}&quot;" in text or f'"{name}"' in text
            Image.open(io.BytesIO(archive.read(name))).verify()
    assert len(names) == 4


def test_kml_is_refused_without_positions(unplaced: Handover) -> None:
    with pytest.raises(CatalogError, match="no georeference, and KML holds positions"):
        check_placed(unplaced, "KML")


def parsed(blob: bytes) -> list[np.ndarray]:
    """Rings of a GeoPackage MultiPolygon, read after the standard."""
    magic, version, flags, srs = struct.unpack_from("<2sBBi", blob)
    assert (magic, version, srs) == (b"GP", 0, 4326)
    assert flags & 0b1 == 1
    assert flags >> 1 & 0b111 == 1
    min_x, max_x, min_y, max_y = struct.unpack_from("<4d", blob, 8)
    at, rings = 40, []
    order, kind, number = struct.unpack_from("<BII", blob, at)
    assert (order, kind) == (1, 6)
    at += 9
    for _ in range(number):
        order, kind, parts = struct.unpack_from("<BII", blob, at)
        assert (order, kind) == (1, 3)
        at += 9
        for _ in range(parts):
            (points,) = struct.unpack_from("<I", blob, at)
            ring = np.frombuffer(blob, "<f8", 2 * points, at + 4).reshape(points, 2)
            at += 4 + 16 * points
            rings.append(ring)
    assert at == len(blob)
    every = np.vstack(rings)
    assert (min_x, min_y) == tuple(every.min(axis=0))
    assert (max_x, max_y) == tuple(every.max(axis=0))
    return rings


def test_geopackage_is_after_the_standard(plain: Handover, tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    geopackage.write_geopackage(path, plain)
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA application_id").fetchone()[0] == 0x47504B47
        assert db.execute("PRAGMA user_version").fetchone()[0] == 10300
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        kinds = dict(db.execute("SELECT table_name, data_type FROM gpkg_contents"))
        assert kinds == {
            "findings": "features", "not_assessed": "features", "zones": "features", "about": "attributes",
            "layer_styles": "attributes",
        }  # fmt: skip
        assert {row[0] for row in db.execute("SELECT srs_id FROM gpkg_spatial_ref_sys")} >= {-1, 0, 4326}
        blobs = db.execute("SELECT change_id, geom FROM findings").fetchall()
        about = dict(db.execute("SELECT name, value FROM about"))
    for (name, blob), one in zip(blobs, plain.findings, strict=True):
        assert name == one.id
        for ring, place in zip(parsed(blob), one.places, strict=True):
            assert np.array_equal(ring, place.ring)
    assert about["run"] == plain.pair.name
    assert json.loads(about["before"])["id"] == "before-scene"


def test_geopackage_opens_in_gdal(hostile: Handover, tmp_path: Path) -> None:
    pyogrio = needed("pyogrio", package="pyogrio")
    path = tmp_path / "x.gpkg"
    geopackage.write_geopackage(path, hostile)
    layers = dict(pyogrio.list_layers(path))
    assert layers == {
        "findings": "MultiPolygon", "not_assessed": "Polygon", "zones": "MultiPolygon", "about": None,
        "layer_styles": None,
    }  # fmt: skip
    info = pyogrio.read_info(path, layer="findings")
    assert info["crs"] == "EPSG:4326"
    assert info["features"] == len(hostile.findings)
    meta, _, geometries, values = pyogrio.raw.read(path, layer="findings")
    assert len(geometries) == len(hostile.findings)
    zones = values[list(meta["fields"]).index("zone")]
    assert list(zones) == [one.zone for one in hostile.findings]


def test_geopackage_without_georeference_has_no_geometry(unplaced: Handover, tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    geopackage.write_geopackage(path, unplaced)
    with sqlite3.connect(path) as db:
        assert {row[0] for row in db.execute("SELECT geom FROM findings")} == {None}


def test_styles_are_for_qgis_and_used_without_asking(plain: Handover, tmp_path: Path) -> None:
    path = tmp_path / "x.gpkg"
    geopackage.write_geopackage(path, plain)
    with sqlite3.connect(path) as db:
        found = db.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML FROM layer_styles"
        ).fetchall()
    assert {(name, column, default) for name, column, default, _ in found} == {
        (name, "geom", 1) for name in ("findings", "not_assessed", "zones")
    }
    style = ElementTree.fromstring({name: qml for name, _, _, qml in found}["findings"].split("\n", 1)[1])
    rules = {rule.get("filter") for rule in style.iter("rule") if rule.get("filter")}
    assert len(rules) == 6
    symbols = {symbol.get("name") for symbol in style.iter("symbol")}
    assert {rule.get("symbol") for rule in style.iter("rule") if rule.get("symbol")} <= symbols


def test_the_same_run_gives_the_same_bytes(plain: Handover, plain_run: StoredRun, tmp_path: Path) -> None:
    digests = set()
    for name in ("a", "b"):
        geopackage.write_geopackage(tmp_path / name, plain)
        digests.add(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1
    assert features.geojson(plain) == features.geojson(plain)
    assert kml.kml(plain) == kml.kml(plain)
