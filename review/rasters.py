"""Rasters kept open from one picture to the next: opening one and decoding its blocks takes longer than to cut a tile
from blocks that are there.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import rasterio
from rasterio.io import DatasetReader

MOST_OPEN = 96
"""Rasters that nobody reads at the moment and that are kept open."""

Key = tuple[Path, int, int]
"""Path, inode and time of change: a run that was written anew has other files under the same names."""


class OpenRasters:
    """Rasters that were read lately. Safe for several threads: each has a raster to itself while it reads.

    Parameters
    ----------
    most : int
        So many stay open.
    """

    def __init__(self, most: int = MOST_OPEN) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._idle: OrderedDict[int, tuple[Key, DatasetReader]] = OrderedDict()

    @contextmanager
    def reading(self, path: Path) -> Iterator[DatasetReader]:
        """A raster for as long as the block lasts.

        Raises
        ------
        OSError, rasterio.errors.RasterioError
            It is not there or cannot be read.
        """
        stat = path.stat()
        key = path, stat.st_ino, stat.st_mtime_ns
        dataset = self._taken(key) or rasterio.open(path)
        try:
            yield dataset
        except BaseException:
            dataset.close()  # whatever went wrong is not met again
            raise
        self._keep(key, dataset)

    def close(self) -> None:
        """Close all that nobody reads."""
        with self._lock:
            for _, dataset in self._idle.values():
                dataset.close()
            self._idle.clear()

    def _taken(self, key: Key) -> DatasetReader | None:
        with self._lock:
            found = next((i for i, (kept, _) in reversed(self._idle.items()) if kept == key), None)
            return None if found is None else self._idle.pop(found)[1]

    def _keep(self, key: Key, dataset: DatasetReader) -> None:
        with self._lock:
            self._idle[id(dataset)] = key, dataset
            while len(self._idle) > self._most:
                _, (_, oldest) = self._idle.popitem(last=False)
                oldest.close()
