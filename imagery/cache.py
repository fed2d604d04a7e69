"""Pieces of remote files, kept on this machine: bounded, shared by all processes, checked whenever they are used.

::

    <folder>/hrefs/<ab>/<sha256 of the address>.json      the version that was last seen there
    <folder>/pieces/<ab>/<sha256 of address and version>/
        <start>-<stop>-<first 16 of SHA-256>              bytes of the file
        lock

A piece is written under another name and renamed, and its name says what it must hold, so that whatever stopped
a process leaves nothing that could be taken for data. Everything here can be deleted at any time.
"""

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagery.answers import Version
from imagery.errors import ImageryError

FOLDER = "SITEWATCH_CACHE"
"""Environment variable: another folder than ``~/.cache/sitewatch``."""

LIMIT_GB = "SITEWATCH_CACHE_GB"
"""Environment variable: another bound than `DEFAULT_GB`."""

DEFAULT_GB = 5.0
BUSY_S = 600.0
"""What was used within this time is not cleared away: somebody may be reading it."""

_TRIM_EVERY_BYTES = 64_000_000
_PIECE = re.compile(r"(\d+)-(\d+)-([0-9a-f]{16})$")

Range = tuple[int, int]
"""Positions of the first byte and of the one after the last."""

_log = logging.getLogger(__name__)
_counting = threading.Lock()
_stored_since_trim: dict[Path, int] = {}


def cache_folder() -> Path:
    """Where pieces are kept."""
    named = os.environ.get(FOLDER)
    if named:
        return Path(named).expanduser().absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sitewatch"


def limit_bytes() -> int:
    """Bound of all pieces together."""
    stated = os.environ.get(LIMIT_GB, "")
    try:
        size = float(stated) if stated else DEFAULT_GB
    except ValueError:
        size = -1.0
    if not size >= 0:
        raise ImageryError(f"{LIMIT_GB}={stated}: not a size; give a number of gigabytes")
    return int(size * 1e9)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The pieces of one content of one address.

    Parameters
    ----------
    folder : Path
    version : Version
    """

    folder: Path
    version: Version

    def missing(self, wanted: Sequence[Range]) -> list[Range]:
        """The parts of `wanted` (sorted, apart) that are not here."""
        have = sorted((start, stop) for start, stop, _ in self._pieces())
        gaps: list[Range] = []
        for start, stop in wanted:
            at = start
            for first, end in have:
                if end <= at or first >= stop:
                    continue
                if first > at:
                    gaps.append((at, first))
                at = max(at, end)
            if at < stop:
                gaps.append((at, stop))
        return gaps

    def piece_at(self, position: int) -> tuple[int, bytes] | None:
        """Start and bytes of a whole piece that holds `position`; a damaged one is removed."""
        for start, stop, path in self._pieces():
            if start <= position < stop:
                try:
                    data = path.read_bytes()
                except FileNotFoundError:
                    continue
                if len(data) == stop - start and _digest(data) == path.name.rpartition("-")[2]:
                    return start, data
                _log.warning("%s is damaged and is fetched again", path)
                path.unlink(missing_ok=True)
        return None

    def store(self, start: int, data: bytes) -> None:
        """Keep a piece; whole or not at all.

        Raises
        ------
        OSError
            The folder cannot be written, or is full; the message says how to name another.
        """
        if not data:
            return
        _made(self.folder)
        _write(self.folder / f"{start}-{start + len(data)}-{_digest(data)}", data)
        _count(self.folder.parents[2], len(data))

    def used(self) -> None:
        """Note that it was used now."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.folder)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """One at a time, among all threads and processes: what two want is fetched once."""
        _made(self.folder)
        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _pieces(self) -> list[tuple[int, int, Path]]:
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return []
        matches = [match for match in map(_PIECE.match, names) if match]
        return [(int(m[1]), int(m[2]), self.folder / m[0]) for m in matches]


def last_seen(name: str) -> Version | None:
    """The version that an address had when it was last asked."""
    try:
        known = json.loads(_record(name).read_text(encoding="utf-8"))
        return Version(length=int(known["length"]), etag=known["etag"], modified=known["modified"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember(name: str, version: Version) -> Entry:
    """The entry for a version of an address, which is from now on the one last seen."""
    found = entry_of(name, version)
    if last_seen(name) != version:
        document = {
            "href": name,
            "length": version.length,
            "etag": version.etag,
            "modified": version.modified,
        }
        path = _record(name)
        _made(path.parent)
        _write(path, json.dumps(document).encode())
    return found


def entry_of(name: str, version: Version) -> Entry:
    """Where the pieces of a version of an address are; nothing is created."""
    stated = json.dumps([name, version.length, version.etag, version.modified])
    key = hashlib.sha256(stated.encode()).hexdigest()
    return Entry(folder=cache_folder() / "pieces" / key[:2] / key, version=version)


def trim(folder: Path, limit: int) -> None:
    """Remove what was not used for longest until the rest takes nine tenths of `limit`."""
    entries = []
    for path in folder.glob("pieces/*/*"):
        with contextlib.suppress(OSError):
            size = sum(piece.stat().st_size for piece in path.iterdir())
            entries.append((path.stat().st_mtime, size, path))
    total = sum(size for _, size, _ in entries)
    for used, size, path in sorted(entries):
        if total <= 0.9 * limit or time.time() - used < BUSY_S:
            break
        shutil.rmtree(path, ignore_errors=True)
        total -= size


def _count(folder: Path, size: int) -> None:
    with _counting:
        # The first one of a process counts as many: what earlier processes stored is not known here.
        total = _stored_since_trim.get(folder, _TRIM_EVERY_BYTES) + size
        due = total >= _TRIM_EVERY_BYTES
        _stored_since_trim[folder] = 0 if due else total
    if due:
        trim(folder, limit_bytes())


def _record(name: str) -> Path:
    key = hashlib.sha256(name.encode()).hexdigest()
    return cache_folder() / "hrefs" / key[:2] / f"{key}.json"


def _made(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(error) from error


def _write(path: Path, data: bytes) -> None:
    temporary = None
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".part-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).replace(path)
    except OSError as error:
        raise _unwritable(error) from error
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _unwritable(error: OSError) -> OSError:
    what = f"{error.strerror} while fetched pixels were kept ({FOLDER} names another folder for them)"
    return OSError(error.errno, what, str(cache_folder()))


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
