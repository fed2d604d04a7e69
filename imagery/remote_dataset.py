"""An open dataset of a remote file: GDAL reads it through Python, and what goes wrong there is not lost."""

import atexit
import itertools
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Self
from weakref import WeakSet

import rasterio
from rasterio.errors import RasterioError

from imagery.remote import RemoteFile

_opened = itertools.count()
_alive: "WeakSet[RemoteDataset]" = WeakSet()


@dataclass
class _Trouble:
    """What went wrong while GDAL was reading; shared by a dataset and the files that GDAL has open for it."""

    error: Exception | None = None


class RemoteDataset:
    """A `rasterio.DatasetReader` of a remote file, with all its attributes; for one thread at a time.

    rasterio keeps the Python files that GDAL has open in a context variable. Read or closed in another context than
    it was opened in (another thread, another task) a dataset would use a file that is gone and take the process with
    it, so each dataset has a context of its own, in which it is opened and closed.

    Attributes
    ----------
    file : RemoteFile
    """

    def __init__(self, file: RemoteFile, driver: str) -> None:
        self.file = file
        self._trouble = trouble = _Trouble()
        self._dataset: Any = None
        self._context = copy_context()

        def opener(*_: Any, **__: Any) -> _Cursor:
            return _Cursor(file, trouble)

        try:
            # GDAL must not take one opening for another, so each has a name of its own.
            self._dataset = self._context.run(
                rasterio.open, f"{next(_opened)}/remote", driver=driver, opener=opener
            )
        except RasterioError:
            self.raise_trouble()
            raise
        _alive.add(self)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close it, in whatever thread."""
        if self._dataset is not None and not self._dataset.closed:
            self._context.run(self._dataset.close)

    def raise_trouble(self) -> None:
        """Raise what went wrong while GDAL was reading, where something did."""
        if self._trouble.error is not None:
            error, self._trouble.error = self._trouble.error, None
            raise error


class _Cursor:
    """A file as GDAL sees it. It never raises: GDAL could only print that."""

    def __init__(self, file: RemoteFile, trouble: _Trouble) -> None:
        self._file = file
        self._trouble = trouble
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int = -1) -> bytes:
        # After a failure GDAL asks on; waiting for each of those would take minutes.
        if self._trouble.error is not None:
            return b""
        try:
            data = self._file.read(self._at, size if size >= 0 else self._file.version.length)
        except Exception as error:
            self._trouble.error = error
            return b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = (0, self._at, self._file.version.length)[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        """Nothing is open."""


@atexit.register
def _close_all() -> None:
    """While Python can still be called by GDAL."""
    for dataset in list(_alive):
        dataset.close()
