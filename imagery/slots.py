"""How many connections a source is held to: by all processes together where it is a provider.

A connection is opened by whoever holds one of the source's slots and lasts no longer than the slot is held. For a
provider a slot is a locked file (see `imagery.limits`). It is given back soon after the last request, and after
a while also between two requests, where another process waits for one.
"""

import fcntl
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpcore

from imagery import limits
from imagery.access import Access
from imagery.cache import cache_folder
from imagery.connect import new_pool
from imagery.errors import SourceUnreachable

KEEP_S = 1.0
"""For so long a connection waits for the next request."""

TURN_S = 1.0
"""For so long a slot is kept although another process waits for one."""

WAIT_S = 300.0
POLL_S = 0.05


class Slot:
    """One connection that may be open.

    Attributes
    ----------
    waited_s : float
        How long the holder waited for its turn.
    """

    def __init__(self, lock: int | None) -> None:
        self._lock = lock
        self._pool: httpcore.ConnectionPool | None = None
        self._rules: tuple[Access, str] | None = None
        self.taken = self.free = time.monotonic()
        self.waited_s = 0.0

    def pool(self, url: str, access: Access) -> httpcore.ConnectionPool:
        """What a request for `url` is sent through; no more than one connection."""
        rules = access, url.partition(":")[0]
        if self._pool is None or self._rules != rules:
            self._disconnect()
            self._pool, self._rules = new_pool(url, access, connections=1), rules
        return self._pool

    def close(self) -> None:
        """Close the connection, then give the slot back."""
        self._disconnect()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _disconnect(self) -> None:
        if self._pool is not None:
            self._pool.close()
            self._pool = None


class Slots:
    """The slots of one source in this process.

    Parameters
    ----------
    name : str
    count : int
    shared : bool
        Whether all processes have `count` together, or each of them.
    """

    def __init__(self, name: str, count: int, *, shared: bool) -> None:
        self._name, self._count, self._shared = name, count, shared
        self._gate = threading.BoundedSemaphore(count)
        self._changing = threading.Lock()
        self._free: list[Slot] = []
        self._clearing = False
        self._not_before = 0.0

    @contextmanager
    def one(self) -> Iterator[Slot]:
        """Hold a slot.

        Raises
        ------
        SourceUnreachable
            Other processes hold all of them, for minutes.
        ImageryError
            The cache folder, where they are kept, cannot be written.
        """
        begun = time.monotonic()
        with self._gate:
            with self._changing:
                slot = self._free.pop() if self._free else None
            if slot is None:
                slot = Slot(self._locked() if self._shared else None)
            slot.waited_s = time.monotonic() - begun
            try:
                yield slot
            finally:
                self._give_back(slot)

    def _locked(self) -> int:
        """Descriptor of a slot's file, locked."""
        begun = time.monotonic()
        time.sleep(max(0.0, self._not_before - begun))
        waiting = limits.opened(self._name, "waiting")
        try:
            fcntl.flock(waiting, fcntl.LOCK_SH)
            while time.monotonic() - begun < WAIT_S:
                for number in range(self._count):
                    descriptor = limits.opened(self._name, f"slot-{number}")
                    with suppress(BlockingIOError):
                        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        return descriptor
                    os.close(descriptor)
                time.sleep(POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 (no secret)
        finally:
            os.close(waiting)
        raise SourceUnreachable(
            f"{self._name}: other processes have held all of its {self._count} connections for {WAIT_S:.0f} s; "
            "try again when they are done",
            retried=True,
        )

    def _give_back(self, slot: Slot) -> None:
        now = time.monotonic()
        if now - slot.taken > TURN_S and self._shared and self._others_wait():
            slot.close()
            # Whoever waits elsewhere looks now and then; a thread of this process would be there first every time.
            self._not_before = time.monotonic() + 2 * POLL_S
            return
        slot.free = now
        with self._changing:
            self._free.append(slot)
            if not self._clearing:
                self._clearing = True
                threading.Thread(target=self._clear, name="sitewatch-slots", daemon=True).start()

    def _others_wait(self) -> bool:
        descriptor = limits.opened(self._name, "waiting")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _clear(self) -> None:
        """Give back what is not used, until nothing is left."""
        while True:
            time.sleep(KEEP_S)
            with self._changing:
                old = [slot for slot in self._free if time.monotonic() - slot.free >= KEEP_S]
                self._free = [slot for slot in self._free if slot not in old]
                self._clearing = bool(self._free)
                going_on = self._clearing
            for slot in old:
                slot.close()
            if not going_on:
                return


_known: dict[tuple[object, ...], Slots] = {}
_knowing = threading.Lock()


def slots_of(access: Access) -> Slots:
    """Those of a source, in this process."""
    # Neither connections nor locks must be shared with a forked child.
    key = (os.getpid(), cache_folder(), access.source, access.connections, access.shared)
    with _knowing:
        if key not in _known:
            _known[key] = Slots(access.source, access.connections, shared=access.shared)
        return _known[key]
