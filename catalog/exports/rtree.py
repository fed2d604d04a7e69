"""The spatial index of GeoPackage layers: extension ``gpkg_rtree_index`` (OGC 12-128r18, annex F.3).

Programs that edit a layer keep its index in step by the triggers; these call functions (``ST_MinX`` ...) that such
programs bring along and SQLite alone does not have.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from catalog.exports import wkb

EXTENSION = "gpkg_rtree_index"
DEFINITION = "http://www.geopackage.org/spec120/#extension_rtree"
TABLE = """
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
"""

_THERE = 'NEW."{c}" NOTNULL AND NOT ST_IsEmpty(NEW."{c}")'
_GONE = 'NEW."{c}" ISNULL OR ST_IsEmpty(NEW."{c}")'
_PUT = (
    'INSERT OR REPLACE INTO "rtree_{t}_{c}" VALUES '
    '(NEW."{i}", ST_MinX(NEW."{c}"), ST_MaxX(NEW."{c}"), ST_MinY(NEW."{c}"), ST_MaxY(NEW."{c}"))'
)
_TAKE = 'DELETE FROM "rtree_{t}_{c}" WHERE id = OLD."{i}"'
_TRIGGERS = {
    "insert": ("INSERT", _THERE, _PUT),
    "update1": ('UPDATE OF "{c}"', f'OLD."{{i}}" = NEW."{{i}}" AND ({_THERE})', _PUT),
    "update2": ('UPDATE OF "{c}"', f'OLD."{{i}}" = NEW."{{i}}" AND ({_GONE})', _TAKE),
    "update3": ("UPDATE", f'OLD."{{i}}" != NEW."{{i}}" AND ({_THERE})', f"{_TAKE}; {_PUT}"),
    "update4": (
        "UPDATE",
        f'OLD."{{i}}" != NEW."{{i}}" AND ({_GONE})',
        'DELETE FROM "rtree_{t}_{c}" WHERE id IN (OLD."{i}", NEW."{i}")',
    ),
    "delete": ("DELETE", 'OLD."{c}" NOTNULL', _TAKE),
}
"""What happens to a row, when, and what happens to the index then."""


def add_index(
    connection: sqlite3.Connection,
    layer: str,
    column: str,
    key: str,
    geometries: Iterable[tuple[int, dict[str, Any] | None]],
) -> None:
    """Index a layer whose rows are written, and register that.

    Parameters
    ----------
    connection : sqlite3.Connection
        With the table of extensions (`TABLE`).
    layer, column, key : str
        Table, its column of geometries and its integer key; names of ours, which need no quoting.
    geometries : iterable of (int, mapping or None)
        Key and GeoJSON geometry of each row; rows without a geometry, or with an empty one, are not in an index.
    """
    names = {"t": layer, "c": column, "i": key}
    index = "rtree_{t}_{c}".format(**names)
    connection.execute(f'CREATE VIRTUAL TABLE "{index}" USING rtree(id, minx, maxx, miny, maxy)')
    boxes = ((number, wkb.bounds([geometry])) for number, geometry in geometries if geometry is not None)
    connection.executemany(
        f'INSERT INTO "{index}" VALUES (?,?,?,?,?)',  # noqa: S608 - names are ours
        ((number, box[0], box[2], box[1], box[3]) for number, box in boxes if box is not None),
    )
    for name, (event, when, then) in _TRIGGERS.items():
        text = f'CREATE TRIGGER "{index}_{name}" AFTER {event} ON "{{t}}" WHEN ({when}) BEGIN {then}; END'
        connection.execute(text.format(**names))
    connection.execute(
        "INSERT INTO gpkg_extensions VALUES (?,?,?,?,'write-only')", (layer, column, EXTENSION, DEFINITION)
    )
