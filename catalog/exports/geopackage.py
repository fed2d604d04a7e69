"""GeoPackage 1.3 (OGC 12-128r18), written with SQLite alone, with styles that QGIS takes by itself.

Layers: ``findings`` (outlines), ``not_assessed`` (tiles of which nothing can be said), ``zones``, each with a spatial
index; tables ``about`` (facts of the pair) and ``layer_styles`` (QGIS). Without georeference the geometries are null.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.errors import CannotWrite
from catalog.exports import qgis, rtree, wkb
from catalog.exports.about import about
from catalog.exports.columns import COLUMNS, Kind, row
from catalog.exports.features import multi_polygon
from catalog.exports.findings import Handover

APPLICATION_ID = 0x47504B47
USER_VERSION = 10300
_GEOMETRY = "geom"
_KEY = "fid"

_SQL: dict[Kind, str] = {
    "text": "TEXT", "number": "REAL", "integer": "INTEGER", "flag": "BOOLEAN", "time": "TEXT"
}  # fmt: skip
"""Times stay text: a date whose hour is not known is no DATETIME."""

_CORE = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')), min_x DOUBLE, min_y DOUBLE,
  max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL, CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
  f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT, ui TEXT, update_time DATETIME);
"""

_WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)
_SYSTEMS = (
    (
        "Undefined Cartesian SRS",
        -1,
        "NONE",
        -1,
        "undefined",
        "undefined Cartesian coordinate reference system",
    ),
    (
        "Undefined geographic SRS",
        0,
        "NONE",
        0,
        "undefined",
        "undefined geographic coordinate reference system",
    ),
    (
        "WGS 84 geodetic",
        4326,
        "EPSG",
        4326,
        _WGS84,
        "longitude/latitude coordinates in decimal degrees on WGS 84",
    ),
)


@dataclass(frozen=True, kw_only=True)
class _Layer:
    name: str
    title: str
    geometry_type: str
    columns: dict[str, str]
    rows: Sequence[tuple[dict[str, Any] | None, Sequence[Any]]]
    style: str


def write_geopackage(path: Path, handover: Handover) -> None:
    """Write the file; the same input gives the same bytes.

    Raises
    ------
    CannotWrite
        SQLite cannot write it.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            _write(connection, handover)
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CannotWrite(f"{path} cannot be written: {error}; make room or choose another folder") from error


def _write(connection: sqlite3.Connection, handover: Handover) -> None:
    connection.execute("PRAGMA journal_mode=OFF")  # the file is not there for anybody before it is whole
    connection.execute("PRAGMA page_size=4096")
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version={USER_VERSION}")
    connection.execute("BEGIN")
    for statement in filter(str.strip, (_CORE + rtree.TABLE).split(";")):
        connection.execute(statement)
    connection.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", _SYSTEMS)
    changed = handover.pair.created
    for layer in (_findings(handover), _unseen(handover), _zones(handover)):
        _add_layer(connection, layer, changed)
    _add_about(connection, handover)
    _content(connection, ("layer_styles", "attributes", "QGIS styles", ""), changed)
    connection.execute("COMMIT")


def _findings(handover: Handover) -> _Layer:
    columns = {name: f"{_SQL[kind]}" for name, kind in COLUMNS.items()}
    rows = [(multi_polygon(one), tuple(row(one, handover.pair).values())) for one in handover.findings]
    head = "SIMULATED: " if handover.pair.simulated else ""
    return _Layer(
        name="findings", title=f"{head}what changed", geometry_type="MULTIPOLYGON", columns=_renamed(columns),
        rows=rows, style=qgis.findings_style(),
    )  # fmt: skip


def _renamed(columns: dict[str, str]) -> dict[str, str]:
    """A feature table has an integer key of its own."""
    return {"change_id" if name == "id" else name: kind for name, kind in columns.items()}


def _unseen(handover: Handover) -> _Layer:
    rows = [
        (
            None if tile.ring is None else {"type": "Polygon", "coordinates": [tile.ring]},
            (tile.tile, tile.outcome, tile.reason),
        )
        for tile in handover.pair.unseen
    ]
    return _Layer(
        name="not_assessed", title="Tiles of which nothing can be said", geometry_type="POLYGON",
        columns={"tile": "TEXT", "outcome": "TEXT", "reason": "TEXT"}, rows=rows, style=qgis.unseen_style(),
    )  # fmt: skip


def _zones(handover: Handover) -> _Layer:
    columns = {
        "zone_id": "TEXT", "name": "TEXT", "kind": "TEXT", "watched": "BOOLEAN", "on_grid": "REAL", "seen": "REAL",
        "state": "TEXT",
    }  # fmt: skip
    rows = [
        (
            _multi(zone.geometry),
            (zone.id, zone.name, zone.kind, zone.watched, zone.on_grid, zone.seen, zone.state),
        )
        for zone in handover.pair.zones
        if zone.geometry["type"] in {"Polygon", "MultiPolygon"}
    ]
    return _Layer(
        name="zones", title="Zones of the site that have an extent", geometry_type="MULTIPOLYGON", columns=columns,
        rows=rows, style=qgis.zones_style(),
    )  # fmt: skip


def _multi(geometry: dict[str, Any]) -> dict[str, Any]:
    """A polygon as the multipolygon that its layer holds."""
    if geometry["type"] == "MultiPolygon":
        return geometry
    return {"type": "MultiPolygon", "coordinates": [geometry["coordinates"]]}


def _add_layer(connection: sqlite3.Connection, layer: _Layer, changed: str) -> None:
    columns = ", ".join(f'"{name}" {kind}' for name, kind in layer.columns.items())
    connection.execute(
        f'CREATE TABLE "{layer.name}" ({_KEY} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, '
        f"{_GEOMETRY} {layer.geometry_type}, {columns})"
    )
    box = wkb.bounds([geometry for geometry, _ in layer.rows if geometry is not None])
    _content(connection, (layer.name, "features", layer.title, ""), changed, box, wkb.SRS_ID)
    connection.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?,?,?,?,0,0)",
        (layer.name, _GEOMETRY, layer.geometry_type, wkb.SRS_ID),
    )
    places = ",".join("?" * (len(layer.columns) + 1))
    names = ", ".join(f'"{name}"' for name in layer.columns)
    connection.executemany(
        f'INSERT INTO "{layer.name}" ({_GEOMETRY}, {names}) VALUES ({places})',  # noqa: S608 - names are ours
        [(None if geometry is None else wkb.blob(geometry), *values) for geometry, values in layer.rows],
    )
    numbered = enumerate((geometry for geometry, _ in layer.rows), 1)  # as the new table numbered them
    rtree.add_index(connection, layer.name, _GEOMETRY, _KEY, numbered)
    connection.execute(
        "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
        "styleQML, styleSLD, useAsDefault, description, owner, ui, update_time) "
        "VALUES ('','',?,?,?,?,'',1,?,'',NULL,?)",
        (layer.name, _GEOMETRY, layer.name, layer.style, layer.title, _moment(changed)),
    )


def _add_about(connection: sqlite3.Connection, handover: Handover) -> None:
    connection.execute(
        "CREATE TABLE about (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT NOT NULL, value TEXT)"
    )
    connection.executemany("INSERT INTO about (name, value) VALUES (?, ?)", _facts(about(handover).items()))
    _content(connection, ("about", "attributes", "What was compared, and how", ""), handover.pair.created)


def _facts(items: Iterable[tuple[str, Any]]) -> list[tuple[str, str | None]]:
    return [
        (name, value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in items
    ]


def _moment(changed: str) -> str:
    """To milliseconds, as the standard wants times."""
    return changed if "." in changed else changed.replace("Z", ".000Z")


def _content(
    connection: sqlite3.Connection,
    entry: tuple[str, str, str, str],
    changed: str,
    box: tuple[float, float, float, float] | None = None,
    srs_id: int | None = None,
) -> None:
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change, min_x, min_y, max_x, "
        "max_y, srs_id) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (*entry, _moment(changed), *(box or (None,) * 4), srs_id),
    )
