"""The runs that a desk shows: found by a key, never by a path, and kept open while people look at them."""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from shapely.geometry import LineString, Point, Polygon, box, shape
from shapely.geometry.base import BaseGeometry

from catalog import layout
from catalog.errors import CatalogError
from catalog.geometry import north_deg, to_pixels
from catalog.ledger import read_ledger
from catalog.reader import StoredRun, list_runs, load_run
from catalog.stretch import Stretch, shared_stretch
from models.change import Change
from review.errors import NotFound

RUNS_KEPT = 24
SAMPLE_PX = 400
"""Of each side, to choose the contrast from: a person waits for it."""

LISTED_FOR_S = 2.0
"""A listing of the folder is this old at most."""


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenRun:
    """A run that somebody looks at.

    Parameters
    ----------
    key : str
        Its name in addresses.
    stored : StoredRun
    stamp : tuple
        Of the report file, to notice a newer result.
    """

    key: str
    stored: StoredRun
    stamp: tuple[int, int]

    @cached_property
    def grid(self) -> GeoBox:
        """The grid of both dates, the evidence and all outlines."""
        stated = self.stored.report.grid
        rows, cols = stated["shape"]
        return GeoBox((rows, cols), Affine(*stated["transform"]), stated["crs"])

    @property
    def version(self) -> str:
        """Short, and another for every result of the pair."""
        return f"{self.stamp[0]:x}-{self.stamp[1]:x}"

    @cached_property
    def stretch(self) -> Stretch:
        """The contrast that both dates share until somebody changes it.

        Raises
        ------
        NotFound
            An image cannot be read.
        """
        paths = self.stored.paths
        with _readable(self.key):
            return shared_stretch(
                (paths.before, paths.after), self.stored.report.quantity, sample_px=SAMPLE_PX
            )

    @cached_property
    def band_names(self) -> tuple[str, ...]:
        """Of the bands that both dates have.

        Raises
        ------
        NotFound
            An image cannot be read.
        """
        paths = self.stored.paths
        with _readable(self.key), rasterio.open(paths.before) as before, rasterio.open(paths.after) as after:
            described = before.descriptions if before.count <= after.count else after.descriptions
        return tuple(name or f"band {i}" for i, name in enumerate(described, start=1))

    @cached_property
    def tiles(self) -> Mapping[str, Mapping[str, Any]]:
        """Rows of the ledger by tile."""
        return {row["tile"]: row for row in read_ledger(self.stored.folder)}

    @cached_property
    def changes(self) -> Mapping[str, Change]:
        """By id, best first."""
        return {change.id: change for change in self.stored.changes}

    @cached_property
    def north_deg(self) -> float | None:
        """True north, clockwise from the top; None without a georeference."""
        return north_deg(self.grid)

    @cached_property
    def zones(self) -> tuple[dict[str, Any], ...]:
        """Zones of the site that touch the grid: id, name, kind, and lines of (col, row) as `paths_px`."""
        site = self.stored.report.site
        if site is None or self.grid.crs is None:
            return ()
        rows, cols = self.grid.shape
        picture = box(0, 0, cols, rows)
        found = []
        for zone in site["zones"]:
            paths = [
                to_pixels(self.grid, *zip(*line, strict=True)) for line in _lines(shape(zone["geometry"]))
            ]
            if any(_geometry(path).intersects(picture) for path in paths):
                found.append(
                    {"id": zone["id"], "name": zone["name"], "kind": zone["kind"], "paths_px": paths}
                )
        return tuple(found)

    def change(self, name: str) -> Change:
        """A change of this run.

        Raises
        ------
        NotFound
        """
        try:
            return self.changes[name]
        except KeyError:
            raise NotFound(f"run {self.stored.report.name} has no change {name!r}") from None

    def tile(self, name: str) -> Mapping[str, Any]:
        """A row of the ledger.

        Raises
        ------
        NotFound
        """
        try:
            return self.tiles[name]
        except KeyError:
            raise NotFound(f"run {self.stored.report.name} has no tile {name!r}") from None


@contextmanager
def _readable(key: str) -> Iterator[None]:
    try:
        yield
    except (RasterioError, OSError) as problem:
        raise NotFound(f"an image of run {key} cannot be read: {problem}") from problem


def _lines(geometry: BaseGeometry) -> list[list[tuple[float, float]]]:
    """Every ring, line and point of a geometry as positions."""
    if hasattr(geometry, "geoms"):
        return [line for part in geometry.geoms for line in _lines(part)]
    if isinstance(geometry, Polygon):
        return [[(p[0], p[1]) for p in ring.coords] for ring in (geometry.exterior, *geometry.interiors)]
    return [[(p[0], p[1]) for p in geometry.coords]]


def _geometry(path: list[tuple[float, float]]) -> BaseGeometry:
    if len(path) == 1:
        return Point(path[0])
    closed = len(path) > 3 and path[0] == path[-1]
    return Polygon(path) if closed else LineString(path)


class RunShelf:
    """Every run below an outputs folder, by key. Safe for several threads.

    Parameters
    ----------
    root : Path
        The outputs folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._folders: dict[str, Path] = {}
        self._listed = float("-inf")
        self._open: OrderedDict[str, OpenRun] = OrderedDict()

    def keys(self) -> tuple[str, ...]:
        """Of all runs, sorted."""
        return tuple(sorted(self._listing()))

    def key_of(self, name: str) -> str:
        """Key of a run, whether or not it is there.

        Raises
        ------
        NotFound
            No run can have this name.
        """
        try:
            return layout.flat(name)
        except CatalogError as problem:
            raise NotFound(str(problem)) from problem

    def open(self, key: str) -> OpenRun:
        """A run by its key.

        Raises
        ------
        NotFound
            No run has this key, or it cannot be read.
        """
        folder = self._listing().get(key)
        if folder is None:
            raise NotFound(f"there is no run {key!r} in this outputs folder")
        try:
            stat = (folder / layout.REPORT).stat()
            stamp = stat.st_mtime_ns, stat.st_size
            with self._lock:
                kept = self._open.get(key)
                if kept is not None and kept.stamp == stamp:
                    self._open.move_to_end(key)
                    return kept
            opened = OpenRun(key=key, stored=load_run(folder), stamp=stamp)
        except (CatalogError, OSError) as problem:
            raise NotFound(f"run {key!r} cannot be read: {problem}") from problem
        with self._lock:
            self._open[key] = opened
            self._open.move_to_end(key)
            while len(self._open) > RUNS_KEPT:
                self._open.popitem(last=False)
        return opened

    def _listing(self) -> dict[str, Path]:
        with self._lock:
            if time.monotonic() - self._listed > LISTED_FOR_S:
                folders = list_runs(self.root)
                self._folders = {layout.flat(f.relative_to(self.root).as_posix()): f for f in folders}
                self._listed = time.monotonic()
            return self._folders
