"""What a desk does beside answering: it takes up new runs, and makes ready what will be looked at next."""

import logging
import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from catalog.review import ReviewStore
from imagery.errors import SitewatchError
from review.runs import RunShelf

SYNC_S = 5.0
"""New runs show up in the queue this much later at most."""

_LOG = logging.getLogger(__name__)


class Desk:
    """Work behind the pages of one desk.

    Parameters
    ----------
    store : ReviewStore
    shelf : RunShelf
    """

    def __init__(self, store: ReviewStore, shelf: RunShelf) -> None:
        self._store = store
        self._shelf = shelf
        self._turn = threading.Lock()
        self._synced = time.monotonic()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._under_way: set[str] = set()
        self._names: dict[str, str] | None = None

    def keep_in_step(self) -> None:
        """Take up runs that were written since; at most every few seconds."""
        if time.monotonic() - self._synced < SYNC_S or not self._turn.acquire(blocking=False):
            return
        try:
            if self._store.sync():
                self._names = None
            self._synced = time.monotonic()
        finally:
            self._turn.release()

    def warm(self, runs: Iterable[str]) -> None:
        """Open runs beforehand, so that their first view does not wait."""
        for name in set(runs) - self._under_way:
            self._under_way.add(name)
            self._worker.submit(self._open, name)

    def site_names(self) -> dict[str, str]:
        """Names of the sites that have runs, by id."""
        if self._names is None:
            newest = {
                row["site"]: row["name"] for row in reversed(self._store.runs()) if row["site"] is not None
            }
            self._names = {site: self._site_name(site, run) for site, run in sorted(newest.items())}
        return self._names

    def close(self) -> None:
        """Stop."""
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._store.close()

    def _site_name(self, site: str, run: str) -> str:
        try:
            known = self._shelf.open(self._shelf.key_of(run)).stored.report.site
        except SitewatchError:
            return site
        return site if known is None else str(known["name"])

    def _open(self, name: str) -> None:
        try:
            run = self._shelf.open(self._shelf.key_of(name))
            _ = run.stretch, run.zones, run.tiles
        except SitewatchError as problem:
            _LOG.info("%s", problem)  # whoever opens it is told
        finally:
            self._under_way.discard(name)
