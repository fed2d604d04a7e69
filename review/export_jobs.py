"""Files to hand over, made by the code of ``sitewatch export`` while everybody else goes on reviewing.

Whatever is asked for is made in a folder of its own outside the outputs folder, by one of a few threads, and kept there
for a while to be fetched.
"""

import logging
import secrets
import shutil
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from catalog.errors import CannotWrite
from catalog.exports.export import export
from catalog.exports.wish import Format, Wish
from imagery.errors import SitewatchError
from review.errors import Busy, GivenUp, NotFound

AT_ONCE = 2
MOST_WAITING = 8
DEADLINE_S = 15 * 60
KEPT_S = 15 * 60
MOST_BYTES = 2 * 1024**3

MEDIA_TYPES = {
    ".geojson": "application/geo+json", ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz", ".csv": "text/csv; charset=utf-8",
    ".gpkg": "application/geopackage+sqlite3", ".html": "text/html; charset=utf-8", ".pdf": "application/pdf",
    ".zip": "application/zip",
}  # fmt: skip
_PACKED = frozenset((".tif", ".png", ".jpg", ".jpeg", ".pdf", ".kmz"))
"""Deflating these once more takes time and saves nothing."""

_LOG = logging.getLogger(__name__)

State = Literal["waiting", "working", "ready", "failed"]


@dataclass(frozen=True, kw_only=True)
class Order:
    """What somebody wants to have.

    Parameters
    ----------
    owner : str
        Nobody else is told of it.
    folders : tuple of Path
        Of the runs.
    formats : tuple of Format
    confirmed, pictures, anonymous : bool
        As in `catalog.exports.wish.Wish`.
    min_score : float or None
    allowed : callable
        Raises where the files would tell the owner what they are not to know; asked before and after they are made.
    """

    owner: str
    folders: tuple[Path, ...]
    formats: tuple[Format, ...]
    confirmed: bool = False
    pictures: bool = False
    anonymous: bool = False
    min_score: float | None = None
    allowed: Callable[[], None] = field(default=lambda: None, repr=False)

    def wish(self, to: Path) -> Wish:
        """For `catalog.exports.export.export`."""
        return Wish(
            formats=self.formats, to=to, min_score=self.min_score, confirmed=self.confirmed, pictures=self.pictures,
            anonymous=self.anonymous,
        )  # fmt: skip


class ExportJob:
    """One order on its way; listens to the export, and stops it where it takes too long.

    Parameters
    ----------
    order : Order
    """

    def __init__(self, order: Order) -> None:
        self.id = secrets.token_urlsafe(16)
        self.order = order
        self.state: State = "waiting"
        self.error: str | None = None
        self.file: Path | None = None
        self.bytes: int | None = None
        self.stopping = threading.Event()
        self._until = float("inf")
        self._now: tuple[str, int, int | None] = ("waiting for others", 0, None)

    def begin(self) -> None:
        """It is its turn."""
        self._until = time.monotonic() + DEADLINE_S
        self.state = "working"

    def step(self, what: str, *, total: int | None = None) -> None:
        """A step begins; see `catalog.exports.told.Told`."""
        self._go_on()
        self._now = (what, 0, total)

    def advance(self, parts: int = 1) -> None:
        """Some parts of the step are done."""
        self._go_on()
        what, done, total = self._now
        self._now = (what, done + parts, total)

    def as_dict(self) -> dict[str, Any]:
        """For the page that waits."""
        what, done, total = self._now
        return {
            "id": self.id, "state": self.state, "step": what, "done": done, "total": total, "error": self.error,
            "name": self.file and self.file.name, "bytes": self.bytes,
        }  # fmt: skip

    def _go_on(self) -> None:
        if self.stopping.is_set():
            raise GivenUp("this was stopped")
        if time.monotonic() > self._until:
            raise GivenUp(
                f"this took more than {DEADLINE_S // 60} minutes and was given up: ask for less at once, or use "
                "`sitewatch export` on the machine of the desk"
            )


class ExportJobs:
    """All orders of a desk. Safe for several threads.

    Parameters
    ----------
    root : Path
        The outputs folder, which is not named to people elsewhere.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lock = threading.Lock()
        self._jobs: dict[str, ExportJob] = {}
        self._forgetting: dict[str, threading.Timer] = {}
        self._home: Path | None = None
        self._closed = False
        self._workers = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="export")

    def begin(self, order: Order) -> ExportJob:
        """Take an order in; it is made when its turn comes. What the owner had made before is not kept any more.

        Raises
        ------
        Busy
            One of its runs is being handed over, or too much waits.
        """
        job = ExportJob(order)
        with self._lock:
            under_way = [one for one in self._jobs.values() if one.state in ("waiting", "working")]
            if any(set(one.order.folders) & set(order.folders) for one in under_way):
                raise Busy("files of this comparison are being made already: ask again in a minute")
            if len(under_way) >= MOST_WAITING:
                raise Busy("too many files are being made at the moment: ask again in a minute")
            self._jobs[job.id] = job
            earlier = [
                one
                for one in self._jobs.values()
                if one.order.owner == order.owner and one.state in ("ready", "failed")
            ]
        for one in earlier:
            self._forget(one)
        self._workers.submit(self._work, job)
        return job

    def get(self, name: str, owner: str) -> ExportJob:
        """An order of somebody.

        Raises
        ------
        NotFound
            There is none, it is somebody else's, or its files are kept no longer.
        """
        with self._lock:
            job = self._jobs.get(name)
        if job is None or job.order.owner != owner:
            raise NotFound("these files are not kept any more: have them made anew")
        return job

    def close(self) -> None:
        """Stop, and keep nothing."""
        with self._lock:
            self._closed = True
            jobs, timers = list(self._jobs.values()), list(self._forgetting.values())
            self._forgetting.clear()
        for job in jobs:
            job.stopping.set()
        for timer in timers:
            timer.cancel()
        self._workers.shutdown(wait=True, cancel_futures=True)
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)

    def _work(self, job: ExportJob) -> None:
        job.begin()
        try:
            folder = self._folder(job)
            job.file = _made(job, folder)
            job.bytes = job.file.stat().st_size
            job.state = "ready"
        except SitewatchError as problem:
            self._failed(job, _in_words(problem, self._root))
        except OSError as problem:
            self._failed(job, f"the files cannot be kept on the machine of the desk: {problem.strerror}")
        except Exception as problem:
            _LOG.exception("files to hand over")
            self._failed(job, f"{type(problem).__name__}: this is a fault in sitewatch, please report it")
        with self._lock:
            if not self._closed:
                timer = threading.Timer(KEPT_S, self._forget, (job,))
                timer.daemon = True
                self._forgetting[job.id] = timer
                timer.start()

    def _failed(self, job: ExportJob, words: str) -> None:
        job.error = words
        job.state = "failed"
        if self._home is not None:
            shutil.rmtree(self._home / job.id, ignore_errors=True)

    def _folder(self, job: ExportJob) -> Path:
        with self._lock:
            if self._home is None:
                self._home = Path(tempfile.mkdtemp(prefix="sitewatch-desk-"))
            folder = self._home / job.id
        folder.mkdir()
        return folder

    def _forget(self, job: ExportJob) -> None:
        with self._lock:
            self._jobs.pop(job.id, None)
            timer = self._forgetting.pop(job.id, None)
        if timer is not None:
            timer.cancel()
        if self._home is not None:
            shutil.rmtree(self._home / job.id, ignore_errors=True)


def _made(job: ExportJob, folder: Path) -> Path:
    """One file with everything that was asked for."""
    order, made = job.order, folder / "made"
    order.allowed()
    if "stac" in order.formats:
        _refuse_large(path for home in order.folders for path in home.rglob("*"))
    names = []
    for home in order.folders:
        written = export(home, order.wish(made), told=job).written
        names += [one.path for one in written]
        _refuse_large(made.rglob("*"))
    order.allowed()
    if len(names) == 1 and names[0].is_file():
        return names[0]
    job.step("packing")
    return _zipped(names, folder / _zip_name(names, order), job)


def _zip_name(names: Sequence[Path], order: Order) -> str:
    if len(order.folders) > 1:
        return f"sitewatch-{len(order.folders)}-comparisons.zip"
    first = names[0].name
    return next((first.removesuffix(e) for e in ("-brief.html", "-brief.pdf", "-stac") if first.endswith(e)),
                first.rsplit(".", 1)[0]) + ".zip"  # fmt: skip


def _zipped(names: Sequence[Path], target: Path, job: ExportJob) -> Path:
    with zipfile.ZipFile(target, "w", allowZip64=True) as archive:
        for path in (p for name in names for p in (sorted(name.rglob("*")) if name.is_dir() else [name])):
            if path.is_file():
                job.advance()
                how = zipfile.ZIP_STORED if path.suffix in _PACKED else zipfile.ZIP_DEFLATED
                archive.write(path, path.relative_to(names[0].parent).as_posix(), compress_type=how)
    shutil.rmtree(names[0].parent)
    return target


def _refuse_large(paths: Iterable[Path]) -> None:
    if sum(path.stat().st_size for path in paths if path.is_file()) > MOST_BYTES:
        raise GivenUp(
            f"this is more than the desk hands over ({MOST_BYTES / 1024**3:.0f} GB): ask for less at once, or use "
            "`sitewatch export` on the machine of the desk"
        )


def _in_words(problem: SitewatchError, root: Path) -> str:
    """What is wrong, without where things lie on the desk's machine."""
    if isinstance(problem, CannotWrite):
        return (
            "the machine of the desk has no room for these files, or may not write them: tell whoever runs it"
        )
    return str(problem).replace(f"{root.resolve()}/", "").replace(f"{root}/", "")
