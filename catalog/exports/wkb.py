"""Geometries as GeoPackage blobs: the standard's header and well-known binary (OGC 12-128r18, 2.1.3)."""

import struct
from collections.abc import Iterator, Sequence
from typing import Any

SRS_ID = 4326
_LITTLE_ENDIAN_WITH_XY_ENVELOPE = 0b0000_0011
_LITTLE_ENDIAN_EMPTY = 0b0001_0001
_CODES = {"Point": 1, "LineString": 2, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}


def blob(geometry: dict[str, Any]) -> bytes:
    """A GeoJSON geometry in WGS 84 as a GeoPackage blob.

    Raises
    ------
    ValueError
        A type that has no code here.
    """
    if geometry["type"] not in _CODES:
        raise ValueError(f"geometry of type {geometry['type']} cannot be written")
    points = list(_points(geometry["coordinates"]))
    if not points:
        return b"GP" + struct.pack("<BBi", 0, _LITTLE_ENDIAN_EMPTY, SRS_ID) + _wkb(geometry)
    xs, ys = [x for x, _ in points], [y for _, y in points]
    head = struct.pack(
        "<BBi4d", 0, _LITTLE_ENDIAN_WITH_XY_ENVELOPE, SRS_ID, min(xs), max(xs), min(ys), max(ys)
    )
    return b"GP" + head + _wkb(geometry)


def bounds(geometries: Sequence[dict[str, Any]]) -> tuple[float, float, float, float] | None:
    """West, south, east, north of several geometries; None where there are none."""
    points = [point for geometry in geometries for point in _points(geometry["coordinates"])]
    if not points:
        return None
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def _points(coordinates: Any) -> Iterator[tuple[float, float]]:
    if coordinates and isinstance(coordinates[0], int | float):
        yield float(coordinates[0]), float(coordinates[1])
        return
    for part in coordinates:
        yield from _points(part)


def _wkb(geometry: dict[str, Any]) -> bytes:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    head = struct.pack("<BI", 1, _CODES[kind])
    if kind == "Point":
        return head + _pair(coordinates)
    if kind == "LineString":
        return head + _line(coordinates)
    if kind == "Polygon":
        return head + struct.pack("<I", len(coordinates)) + b"".join(map(_line, coordinates))
    parts = [_wkb({"type": _PARTS[kind], "coordinates": part}) for part in coordinates]
    return head + struct.pack("<I", len(parts)) + b"".join(parts)


def _line(points: Sequence[Sequence[float]]) -> bytes:
    return struct.pack("<I", len(points)) + b"".join(map(_pair, points))


def _pair(point: Sequence[float]) -> bytes:
    return struct.pack("<2d", float(point[0]), float(point[1]))
