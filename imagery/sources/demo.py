"""The built-in demo archive: SIMULATED scenes of both sites, drawn on first use and kept in a cache folder."""

import fcntl
import logging
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from imagery.errors import BadSource
from imagery.listing import Listing
from imagery.simulate import VERSION
from imagery.simulate.archive import ATTRIBUTION, write_archive
from imagery.site import Site
from imagery.site_file import load_sites
from imagery.sources.static_stac import StaticStac

CACHE_VARIABLE = "SITEWATCH_CACHE"

STALE_S = 24 * 3600.0
"""Age after which archives of other versions, and unfinished ones, are removed when a new one is drawn."""

_log = logging.getLogger(__name__)
_drawing = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class DemoSource:
    """A source of simulated scenes.

    Parameters
    ----------
    folder : Path
        Where the archive is kept; it is drawn there when it is first asked for.
    """

    folder: Path

    @property
    def name(self) -> str:
        """What scenes call it."""
        return "demo"

    def find(self, site: Site, start: datetime, end: datetime) -> Listing:
        """The simulated scenes of a site in a period.

        Raises
        ------
        BadSource
            The archive cannot be written.
        """
        archive = ready_archive(self.folder)
        own = archive / site.id / "catalog.json"
        catalogue = own if own.is_file() else archive / "catalog.json"
        listing = StaticStac(address=str(catalogue), name=self.name).find(site, start, end)
        marked = tuple(replace(scene, simulated=True, attribution=ATTRIBUTION) for scene in listing.usable)
        return replace(listing, usable=marked)


def open_demo(folder: Path | None = None) -> DemoSource:
    """The demo source; its archive lies in `folder`, by default the user's cache."""
    return DemoSource(folder=cache_folder() if folder is None else folder)


def cache_folder() -> Path:
    """Where archives are kept: $SITEWATCH_CACHE, else sitewatch/ in the user's cache folder."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser() / "demo"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sitewatch" / "demo"


def ready_archive(folder: Path) -> Path:
    """The archive of this version of the simulator below `folder`, drawn if it is not there.

    It is put in place by one rename, so that what is there is whole; old archives of other
    versions are removed.

    Raises
    ------
    BadSource
        It cannot be written.
    """
    archive = folder / f"v{VERSION}"
    try:
        with _held(folder):
            if not (archive / "catalog.json").is_file():
                _draw(archive)
    except OSError as error:
        raise BadSource(
            f"--source demo: the archive cannot be written to {folder} ({error.strerror or error}); "
            f"set {CACHE_VARIABLE} to a folder that can, with 300 MB free"
        ) from error
    return archive


def _draw(archive: Path) -> None:
    _log.info(
        "drawing the SIMULATED archive of the demo in %s; this is done once and takes about a minute", archive
    )
    for old in archive.parent.iterdir():
        # A younger one may be in use by another process.
        if old.is_dir() and time.time() - old.stat().st_mtime > STALE_S:
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".drawing-") as unfinished:
        made = Path(unfinished) / "archive"
        made.mkdir()
        write_archive(made, load_sites())
        made.rename(archive)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Only one thread of one process draws; the others wait and find it done."""
    folder.mkdir(parents=True, exist_ok=True)
    with _drawing, (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
