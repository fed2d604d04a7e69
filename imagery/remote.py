"""A remote file as GDAL reads it: asked for once, fetched in pieces, several at a time, and kept.

GDAL does not fetch anything itself. It cannot be told which redirects or resolved addresses are allowed, does not
notice that a file changes between two ranges, and forgets everything when the process ends.
"""

import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from imagery import cache
from imagery.access import Access
from imagery.address import public_href
from imagery.answers import Version, changed
from imagery.cache import Entry, Range
from imagery.errors import UnreadableRaster
from imagery.transfer import fetch_range

HEAD_BYTES = 32_768
"""Fetched first: the header of any COG up to 100 km a side."""

PAGE_BYTES = 16_384
"""What is read without having been announced is fetched in multiples of this."""

TRUST_S = 20.0
"""For so long a file that was asked for is not asked again whether it has changed."""

MERGE_BYTES = 4_096
"""Pieces with no more than this between them are fetched as one."""

_IN_USE_S = 900.0
_MAX_PIECE = 8_000_000
_KEPT_FILES = 256
_RECENT_BYTES = 32_000_000

_log = logging.getLogger(__name__)
_files: OrderedDict[tuple[Any, ...], "RemoteFile"] = OrderedDict()
_executors: dict[tuple[Any, ...], ThreadPoolExecutor] = {}
_lock = threading.Lock()


class RemoteFile:
    """One version of a remote file; may be shared between threads.

    Attributes
    ----------
    href : str
        Unsigned.
    version : Version
    """

    def __init__(self, href: str, access: Access, entry: Entry) -> None:
        self.href = href
        self.access = access
        self.asked = self.used = time.monotonic()
        self._entry = entry

    @property
    def version(self) -> Version:
        """Of the content that is read."""
        return self._entry.version

    def fetch(self, ranges: Sequence[Range]) -> None:
        """Have these bytes on this machine; raises as `imagery.transfer.fetch_range` does."""
        wanted = _merged(ranges, self.version.length)
        if not self._entry.missing(wanted):
            return
        with self._entry.held():
            gaps = [part for gap in self._entry.missing(wanted) for part in _split(gap)]
            if len(gaps) == 1:
                self._fetch_one(gaps[0])
            elif gaps:
                list(_executor(self.access).map(self._fetch_one, gaps))

    def read(self, start: int, size: int) -> bytes:
        """Bytes from `start`, fewer at the end of the file."""
        stop = min(start + size, self.version.length)
        parts, at = [], start
        while at < stop:
            first, data = self._piece(at, stop)
            part = data[at - first : stop - first]
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def head(self) -> bytes:
        """The beginning of the file."""
        return self.read(0, HEAD_BYTES)

    def _fetch_one(self, wanted: Range) -> None:
        part = fetch_range(self.href, self.access, *wanted, known=self.version)
        if part.version is None or not part.data:
            raise changed(self.href, self.version, part.version or Version(length=0))
        self._entry.store(part.start, part.data)

    def _piece(self, position: int, stop: int) -> tuple[int, bytes]:
        found = _recent.find(self._entry, position)
        if found is None:
            found = self._entry.piece_at(position)
            while found is None:
                page = position // PAGE_BYTES * PAGE_BYTES, -(-stop // PAGE_BYTES) * PAGE_BYTES
                self.fetch([page])
                found = self._entry.piece_at(position)
            _recent.add(self._entry, *found)
        return found


class _Recent:
    """The last pieces that were read, of all files: GDAL reads a header a few bytes at a time."""

    def __init__(self) -> None:
        self._pieces: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def find(self, entry: Entry, position: int) -> tuple[int, bytes] | None:
        """Start and bytes of the piece that holds `position`."""
        with self._lock:
            for (folder, start), data in reversed(self._pieces.items()):
                if folder == entry.folder and start <= position < start + len(data):
                    return start, data
        return None

    def clear(self) -> None:
        """Read from disk again."""
        with self._lock:
            self._pieces.clear()
            self._size = 0

    def add(self, entry: Entry, start: int, data: bytes) -> None:
        """Remember a piece, and forget the oldest."""
        with self._lock:
            self._size += len(data) - len(self._pieces.pop((entry.folder, start), b""))
            self._pieces[entry.folder, start] = data
            while self._size > _RECENT_BYTES and len(self._pieces) > 1:
                self._size -= len(self._pieces.popitem(last=False)[1])


_recent = _Recent()


def remote_file(href: str, access: Access) -> RemoteFile:
    """The file at an address, as it is now.

    Its server is asked whether the content is still the one of which pieces are kept; if it is another one, those
    are not used.

    Raises
    ------
    ImageryError
        See `imagery.transfer.fetch_range`.
    """
    access.check(href)
    name = public_href(href)
    key = (os.getpid(), cache.cache_folder(), href, access)
    with _lock:
        known = _files.get(key)
        if known is not None and time.monotonic() - known.asked < TRUST_S:
            known.used = time.monotonic()
            return known
    file = _asked(href, name, access)
    if (
        known is not None
        and time.monotonic() - known.used < _IN_USE_S
        and not known.version.same(file.version)
    ):
        with _lock:
            _files.pop(key, None)
        raise changed(href, known.version, file.version)
    with _lock:
        _files[key] = file
        _files.move_to_end(key)
        while len(_files) > _KEPT_FILES:
            _files.popitem(last=False)
    return file


def forget() -> None:
    """Ask every server again, the next time one of its files is opened."""
    with _lock:
        _files.clear()
    _recent.clear()


def _asked(href: str, name: str, access: Access) -> RemoteFile:
    last = cache.last_seen(name)
    if last is not None:
        part = fetch_range(href, access, 0, 1, known=last, ask=True)
        if part.unchanged or (part.version is not None and last.same(part.version)):
            entry = cache.entry_of(name, last)
            entry.used()
            return RemoteFile(href, access, entry)
        _log.warning("%s: another file than the one of which parts are kept; they are not used", name)
    part = fetch_range(href, access, 0, HEAD_BYTES)
    if part.version is None or not part.data:
        raise UnreadableRaster(f"{name}: the file is empty")
    _refuse_text(name, part.data)
    entry = cache.remember(name, part.version)
    entry.store(part.start, part.data)
    return RemoteFile(href, access, entry)


def _refuse_text(name: str, head: bytes) -> None:
    """Keep nothing of a page, whatever its server calls it."""
    start = head.lstrip()[:256].lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"{", b"[")):
        what = start.split(b"\n", 1)[0][:60].decode("utf-8", "replace")
        raise UnreadableRaster(
            f"{name}: the server sent text and not an image ({what!r}): a login, an error or a notice. "
            "Open the address in a browser to see it"
        )


def _executor(access: Access) -> ThreadPoolExecutor:
    """Workers of a source: as many as connections are allowed."""
    key = (os.getpid(), access)
    with _lock:
        if key not in _executors:
            _executors[key] = ThreadPoolExecutor(access.connections, thread_name_prefix="fetch")
        return _executors[key]


def _merged(ranges: Sequence[Range], length: int) -> list[Range]:
    """Sorted, within the file, and joined where little lies between."""
    merged: list[Range] = []
    for start, stop in sorted((max(0, start), min(stop, length)) for start, stop in ranges):
        if merged and start <= merged[-1][1] + MERGE_BYTES:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        elif start < stop:
            merged.append((start, stop))
    return merged


def _split(gap: Range) -> list[Range]:
    return [(start, min(start + _MAX_PIECE, gap[1])) for start in range(gap[0], gap[1], _MAX_PIECE)]
